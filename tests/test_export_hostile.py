"""Names that somebody chose to do harm, in everything that goes out of a case."""

from __future__ import annotations

import csv
import io
import re
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import trace_values as story
from test_export import contents, run
from test_messages import HOSTILE
from world.desk_record import T0, made

from monitor.app.settings.load import load
from monitor.loops.report import cover, pdf, sheets, traced
from monitor.loops.report.mine import Mine
from monitor.loops.report.state import name_sources, standing
from monitor.loops.views import views_of
from monitor.model import Subject
from monitor.model.acts import DAEMON
from monitor.model.acts_trace import TakeTrace
from monitor.model.trace import Name, Stop
from monitor.store.commit import commit
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store

ALIVE = re.compile(r"[\s\"]*[=+@-]\D")  # a cell that a spreadsheet would calculate
DRAWN = {
    *(b"svg", b"title", b"desc", b"defs", b"pattern", b"rect", b"g", b"text", b"tspan", b"a"),
    *(b"path", b"line", b"circle", b"polygon", b"polyline"),
}


class _Tags(HTMLParser):
    """Elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(f"{tag} {name}" for name, _ in attrs)}


def test_no_name_of_the_corpus_acts_in_tables_pictures_or_the_report(tmp_path: Path) -> None:
    wild = [each.encode("utf-8", "replace").decode()[:2000] for each in HOSTILE]
    trace = story.trace(case="case-a", title=wild[0])
    one = trace.nodes[3]
    named = tuple(
        replace(one, subject=Subject("ethereum", f"0x{n:040x}"),
                names=(Name(name, "exchange", name, name[:20]),),
                stop=Stop("exchange", name))
        for n, name in enumerate(wild, 1)
    )  # fmt: skip
    hostile = replace(trace, nodes=(*trace.nodes, *named), method_by=wild[1], method_why=wild[2])
    seen = {}
    for name, state in (("plain", trace), ("wild", hostile)):
        home = made(tmp_path / name / "home").home
        with closing(Store(home / DATABASE)) as store:
            commit(store, DAEMON, TakeTrace(T0, "case-a", state))
            settings = load(home, {})
            mine = Mine(store, settings, views_of(store, settings), "case-a")
            going = traced.of(mine, lambda text: text)
            told = going.told
            sources = name_sources(told.trace, wild)
            facts = cover.Known(
                standing=standing(mine, told), told=told, veiled=False, sources=sources,
                fingerprint="",
            )  # fmt: skip
            tags = _Tags()
            tags.feed(pdf.html(sheets.report(mine, going, facts)))
            seen[name] = tags.seen
        out = home.parent / "x.zip"
        assert run(home, "export", "case-a", "--out", str(out))[0] == 0
        for part, raw in contents(out).items():
            if part.endswith(".csv"):
                table = csv.reader(io.StringIO(raw.decode(), newline=""))
                cells = [cell for row in table for cell in row]
                assert not [each for each in cells if ALIVE.match(each)], part
            if part.endswith(".svg"):
                assert {*re.findall(rb"</?([a-z]+)", raw)} <= DRAWN, part
    assert seen["wild"] - seen["plain"] <= {"b"}, "as the template says that sums do not add up"
    assert "script" not in seen["wild"]
