"""The report of a case as PDF: what stands in it, read by another program, and what does not."""

from __future__ import annotations

import re
import sys
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import trace_values as story
from click.testing import CliRunner
from test_export import NOTE, commit_trace, differences
from test_seizure import BESIDE
from test_trace_sums import cases
from tracing_world import Case, follow
from world.desk_record import CANARY, OUR, T0, A, Made, made

from monitor.cli import main
from monitor.loops.desk import work
from monitor.messages.trace.seizing import places
from monitor.messages.trace.words import Page, bare
from monitor.model.acts import DAEMON, Actor, ActorKind
from monitor.model.acts_trace import TakeTrace
from monitor.model.flow import CONSERVING
from monitor.model.trace import Trace
from monitor.picture import fold
from monitor.store.commit import commit
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store

pytest.importorskip("weasyprint", reason="the extra `report` is not installed")
pypdf = pytest.importorskip("pypdf")


def report(home: Path, case: str) -> Path:
    out = home.parent / f"{case}.pdf"
    args = ["--home", str(home), "report", case, "--out", str(out)]
    done = CliRunner().invoke(main, args, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return out


def text_of(path: Path) -> str:
    """All that is written in it, without ends of lines."""
    pages = pypdf.PdfReader(path).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def bare_text(path: Path) -> str:
    """Without any space, since what is long is broken anywhere."""
    return re.sub(r"\s", "", text_of(path))


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Made:
    found = made(tmp_path_factory.mktemp("report") / "home")
    with closing(Store(found.home / DATABASE)) as store:
        trace = story.trace(case="case-a", beside=replace(BESIDE, desk="authority"))
        commit(store, DAEMON, TakeTrace(T0, "case-a", trace))
        commit_trace(store, "case-b", CANARY)
        work.note(store, Actor(ActorKind.PERSON, "ann", "in"), "case-a", None, NOTE, T0, "1", None)
    return found


@pytest.fixture(scope="module")
def made_pdf(world: Made) -> Path:
    return report(world.home, "case-a")


def test_the_cover_says_what_counts_before_any_figure_of_the_trace(made_pdf: Path) -> None:
    text = text_of(made_pdf)
    order = [
        "not proof of ownership", "Not everything is read", "As of", "What was read",
        "What was not looked at", "Method", "Names", "Four eyes are off",
        "What you must not conclude", "What is left out", "1 note of people",
        "Where the money is", "The places, and who could act", "Held: must not move",
        "How it went", "Hop by hop", "What is not known", "Decisions and people",
    ]  # fmt: skip
    places_ = [text.index(each) for each in order]
    assert places_ == sorted(places_)
    assert text.index("146,666.666667 USDT") > text.index("What is left out")
    pages = pypdf.PdfReader(made_pdf).pages
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in " ".join(page.extract_text().split())


def test_the_same_state_gives_the_same_bytes(world: Made, made_pdf: Path) -> None:
    before = made_pdf.read_bytes()
    assert report(world.home, "case-a").read_bytes() == before


def holds_all_figures(pdf: Path, trace: Trace) -> None:
    """Of every place by every method, of every total, of every hop of the picture."""
    text = bare_text(pdf)
    page = Page(110, {}, trace.method)
    for place in places(trace, page):
        row = "".join(bare(place.asset, place.held.amount.get(m, 0)) for m in CONSERVING)
        assert row in text, (place.node.subject, row)
        assert place.node.subject.address.lower() in text.lower()
    for asset in {total.asset for total in trace.totals if total.asset is not None}:
        mine = {total.method: total for total in trace.totals if total.asset == asset}
        out = "".join(bare(asset, mine[m].out_of_sources) for m in CONSERVING if m in mine)
        assert f"=leftthewatchedaddresses{out}" in text, asset
    for column in fold.of_trace(trace, T0).columns:
        for row in column.rows:
            assert text.count(re.sub(r"\s", "", row.figure)) >= 2, "in the table and the picture"


def test_its_figures_are_those_of_the_trace_by_every_method(made_pdf: Path) -> None:
    holds_all_figures(made_pdf, story.trace())


def test_addresses_and_hashes_stand_in_full(made_pdf: Path) -> None:
    text = bare_text(made_pdf).lower()
    for edge in story.EDGES:
        assert edge.tx in text
        assert edge.sender in text
        assert edge.recipient in text


def test_nothing_of_others_and_nothing_alive_is_in_it(made_pdf: Path) -> None:
    text, raw = bare_text(made_pdf), made_pdf.read_bytes()
    for secret in (CANARY, "case-b", OUR, re.sub(r"\s", "", NOTE)):
        assert secret.lower() not in text.lower()
    assert "<imgsrc=xonerror=alert(1)>" in text
    assert A in text.lower()
    for alive in (b"/URI", b"/JavaScript", b"/JS", b"/Launch", b"/EmbeddedFile", b"/OpenAction"):
        assert alive not in raw


def test_it_is_tagged_for_those_who_hear_it(made_pdf: Path) -> None:
    root = pypdf.PdfReader(made_pdf).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert root["/Lang"] == "en"
    meta = pypdf.PdfReader(made_pdf).metadata
    assert meta.title == "Case case-a: report"
    assert meta.creation_date is None


def test_a_case_without_a_trace_says_so(world: Made, tmp_path: Path) -> None:
    bare_home = made(tmp_path / "home")
    text = text_of(report(bare_home.home, "case-a"))
    assert "Not known: no money is followed in this case" in text


def test_without_the_extra_it_says_what_to_install(world: Made, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    args = ["--home", str(world.home), "report", "case-a", "--out", "/nowhere/x.pdf"]
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 2
    assert "Install the extra `report`" in done.output


@pytest.mark.slow
def test_in_any_world_export_table_pictures_and_report_add_up(tmp_path: Path) -> None:
    """By every method, to the unit: the export's own check works out the sums and draws the
    pictures anew; the report has every figure."""
    from hypothesis import given, settings

    numbers = count()

    @settings(max_examples=6, deadline=None, derandomize=True, database=None)
    @given(cases)
    def holds(case: Case) -> None:
        trace = replace(follow(case), case="CRANE-01")
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        home = story.kept(folder / "home", (T0, trace))
        out = folder / "x.zip"
        CliRunner().invoke(main, ["--home", str(home), "export", "CRANE-01", "--out", str(out)])
        assert differences(out) == []
        holds_all_figures(report(home, "CRANE-01"), trace)

    holds()
