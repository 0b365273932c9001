"""What does not add up says so wherever it stands; of three hundred addresses nothing is left out
of the sums; and one state has the same bytes in any process."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import money_read as read
import money_worlds
import picture_values as pays
import pytest
import trace_values as v
from money_read import METHODS, plus
from test_money_sums import World, coins, everything_adds_up, held_by, opened, run

from monitor.model.trace import Trace

CROWD = replace(pays.scattered(3, 300), case="CROWD", method="", method_by="")
THOUSAND = 10**9  # units of USDT


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    traces = [CROWD, short_of_one("SHORT"), unbooked("UNBOOKED"), money_worlds.traced(4)]
    yield from opened(tmp_path_factory.mktemp("kept"), traces)


def short_of_one(case: str) -> Trace:
    """One unit is missing at REST, which says that it got it."""
    nodes = [*v.NODES]
    (held,) = nodes[4].holds
    less = replace(held, amount={m: n - 1 for m, n in held.amount.items()})
    nodes[4] = replace(nodes[4], holds=(less,))
    return v.trace(case=case, nodes=tuple(nodes))


def unbooked(case: str) -> Trace:
    """One unit that left is nowhere."""
    out = [t.out_of_sources + 1 for t in v.totals()]
    totals = [replace(t, out_of_sources=n) if t.asset == v.USDT else t
              for t, n in zip(v.totals(), out, strict=True)]  # fmt: skip
    return v.trace(case=case, totals=tuple(totals))


# --- what does not add up -----------------------------------------------------------------------


def test_a_unit_that_is_missing_at_an_address_is_said_everywhere(world: World) -> None:
    page = world.page("/c/SHORT?method=fifo")
    section = page.one("section", id="seized")
    account = read.adding(section)["USDT on Ethereum"]
    assert account["does not add up, by"] == (Fraction(1, 10**6),) * 5
    assert "This does not add up: see below" in section.text
    svg = world.text("/c/SHORT/flow.svg?method=libr")
    table = world.page("/c/SHORT?method=libr&view=table").one("section", id="flow")
    assert read.feet(svg) == read.sums(table)
    assert "DOES NOT ADD UP: it differs by this" in page.one("section", id="where").text
    hops = dict(read.hops(world.page("/c/SHORT/following?method=fifo")))
    assert hops["USDT on Ethereum, by FIFO"][1][5] == Fraction(1, 10**6)
    answer = world.program.every("/traces/SHORT/hops", limit=200, method="fifo")
    assert [h["difference"] for h in answer if h["asset"]["symbol"] == "USDT"] == ["0", "1"]


def test_a_unit_that_is_in_no_total_is_said_where_the_money_is(world: World) -> None:
    page = world.page("/c/UNBOOKED?method=fifo")
    (usdt,) = [each for each in read.where(page) if each.name == "USDT"]
    assert "IT DOES NOT ADD UP" in usdt.claims
    assert "DOES NOT ADD UP: it differs by this" in page.one("section", id="where").text
    assert plus([column[2] for column in usdt.columns]) == usdt.sums[2]
    assert usdt.sums[2] == 200_000 + Fraction(1, 10**6)
    shown = run(world.home, "trace", "show", "UNBOOKED", "--format", "jsonl").splitlines()
    totals = [line for line in map(json.loads, shown) if line["type"] == "total" and line["asset"]]
    usdt_totals = [t for t in totals if t["asset"]["symbol"] == "USDT" and t["method"] != "poison"]
    assert {t["difference"] for t in usdt_totals} == {"1"}


# --- many addresses -----------------------------------------------------------------------------


def test_three_hundred_addresses_add_up_on_every_page(world: World) -> None:
    ledger = world.ledger("CROWD")
    page = world.page("/c/CROWD?method=fifo")
    rows = read.seized(page.one("section", id="seized"))
    every = read.seized(world.page("/c/CROWD?method=fifo&seized=all").one("section", id="seized"))
    assert len(rows) < 60 < len(every)
    assert len(rows) > 20
    ((book, _), *_rest) = held_by(ledger)
    held = tuple(coins(ledger, book, ledger.held(book, m)) for m in METHODS)
    for found in (rows, every):
        assert tuple(plus([r.figures[at] for r in found]) for at, _ in enumerate(METHODS)) == held
    alone = [row for row in every if row.address]
    (part,) = read.where(page)
    left = tuple(coins(ledger, book, int(ledger.came(book, m))) for m in METHODS)
    assert part.sums == left == tuple(plus([c[at] for c in part.columns]) for at in range(5))
    of_all = read.seized(world.page("/rests"))
    assert {r.case for r in of_all} == {trace.case for trace in world.traces}
    mine = [r for r in of_all if r.case == "CROWD"]
    assert tuple(plus([r.figures[at] for r in mine]) for at in range(5)) == held
    said = world.page("/c/CROWD/following?method=fifo").one("section", id="beside")
    more = re.search(r"and ([\d,]+) more, smaller ones", said.text)
    assert more
    assert len(said.all("tbody")[0].all("td", css="whole")) + int(more[1]) >= len(alone)


def test_pages_of_three_hundred_addresses_are_small(world: World) -> None:
    """The page with the picture in it is the largest."""
    paths = ("/c/CROWD?view=table", "/c/CROWD/following", "/following", "/rests")
    assert {p: n for p in paths if (n := len(world.text(p))) >= 150_000} == {}
    assert len(world.text("/c/CROWD?method=fifo")) < 210_000


def boxes(svg: str) -> list[str]:
    """What is said of each box, in the order in which they stand."""
    return re.findall(r'<a href="#box-\d+"><title>(\S+)', svg)


def test_one_payment_more_leaves_the_boxes_in_their_order(world: World, tmp_path: Path) -> None:
    by_value = max((e for e in CROWD.edges if e.hop == 2), key=lambda e: e.traced["fifo"])
    again = replace(by_value, tx="0x" + "9" * 64, traced=dict.fromkeys(by_value.traced, 1))
    grown = replace(CROWD, edges=(*CROWD.edges, again))
    for other in opened(tmp_path, [grown]):
        before, after = (w.text("/c/CROWD/flow.svg?method=fifo") for w in (world, other))
        assert before != after
        assert boxes(before) == boxes(after)
        assert 40 < len(boxes(before)) <= 60


# --- the same bytes -----------------------------------------------------------------------------

MAKE = """
import sys
from click.testing import CliRunner
from monitor.cli import main
home, out, *forms = sys.argv[1:]
for form in forms:
    typed = {"zip": ["export", "CROWD"], "pdf": ["report", "CROWD"]}
    typed = typed.get(form, ["trace", "picture", "CROWD"])
    done = CliRunner().invoke(main, ["--home", home, *typed, "--out", f"{out}.{form}"])
    assert done.exit_code == 0, done.output
"""


def made(home: Path, out: Path, seed: str, zone: str, *forms: str) -> dict[str, str]:
    """In a process of its own: the digest of each file."""
    env = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
    typed = [sys.executable, "-c", MAKE, str(home), str(out), *forms]
    subprocess.run(typed, env=env, check=True, timeout=300)
    files = {form: out.with_name(f"{out.name}.{form}").read_bytes() for form in forms}
    return {form: hashlib.sha256(data).hexdigest() for form, data in files.items()}


@pytest.mark.slow
def test_one_state_has_the_same_bytes_in_any_process(world: World, tmp_path: Path) -> None:
    forms = ("svg", "png", "zip")
    first = made(world.home, tmp_path / "a", "1", "UTC", *forms)
    assert first == made(world.home, tmp_path / "b", "77", "Pacific/Kiritimati", *forms)


@pytest.mark.slow
def test_a_report_has_them_too_and_every_figure(world: World, tmp_path: Path) -> None:
    pytest.importorskip("weasyprint", reason="the extra `report` is not installed")
    pypdf = pytest.importorskip("pypdf")
    first = made(world.home, tmp_path / "a", "1", "UTC", "pdf")
    assert first == made(world.home, tmp_path / "b", "77", "Pacific/Kiritimati", "pdf")
    for case in ("SHORT", world.traces[-1].case):
        out = tmp_path / f"{case}.pdf"
        run(world.home, "report", case, "--out", str(out))
        text = "".join(page.extract_text() for page in pypdf.PdfReader(out).pages)
        bare, ledger = re.sub(r"\s", "", text), world.ledger(case)
        assert ("Thelinesdonotaddup" in bare) == (case == "SHORT")
        for book in ledger.assets:
            out_ = [coins(ledger, book, int(ledger.total(book, m)["out_of_sources"]))
                    for m in METHODS]  # fmt: skip
            there = [coins(ledger, book, ledger.held(book, m)) for m in METHODS]
            if any((*out_, *there)):
                assert f"=leftthewatchedaddresses{written(out_)}" in bare, book
                assert f"theselines{written(there)}" in bare, book


def written(figures: list[Fraction]) -> str:
    """As people write them, one after another, without spaces between."""
    return "".join(map(_written, figures))


def _written(figure: Fraction) -> str:
    whole, rest = divmod(figure, 1)
    digits = str(int((1 + rest) * 10**40))[1:].rstrip("0")
    return f"{int(whole):,}{'.' if digits else ''}{digits}"


@pytest.mark.slow
def test_a_world_adds_up_beside_what_does_not(world: World) -> None:
    everything_adds_up(world, world.traces[-1])
