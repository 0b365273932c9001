"""Every sum adds up wherever it stands: in random worlds the figures of the case page, the picture,
its tables, following, the pages and answers of where money rests, the commands, the signed file and
the report come to what left the sources, to the last unit, by every method and as a range; or they
say by how much not. Each is read back as a stranger would (money_read.py)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import money_read as read
import money_worlds
import pytest
import trace_values as v
from click.testing import CliRunner
from money_read import METHODS, Book, Ledger, number, places, plus, scaled
from werkzeug.test import Client
from world.api import Program, token
from world.desk import add_person
from world.desk_open import Open, client

from monitor.cli import main
from monitor.model.trace import Trace

SEEDS = (1, 4, 11)
CHAINS = {"ethereum": "Ethereum", "base": "Base"}
ZERO = Fraction(0)


def run(home: Path, *args: str) -> str:
    done = CliRunner().invoke(main, ["--home", str(home), *args], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@dataclass
class World:
    """A home folder whose record has some traces, a case each; its desk and its API."""

    home: Path
    traces: Sequence[Trace]
    desk: Client
    program: Program

    def ledger(self, case: str) -> Ledger:
        text = run(self.home, "trace", "show", case, "--format", "jsonl")
        return Ledger.of([json.loads(line) for line in text.splitlines()])

    def page(self, path: str) -> read.Tag:
        return read.tree(self.text(path))

    def text(self, path: str) -> str:
        answer = self.desk.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text


def opened(folder: Path, traces: Sequence[Trace]) -> Iterator[World]:
    home = v.kept(folder / "home", *((v.START, each) for each in traces))
    settings = {"web": {"desk": True}}
    (home / "config/settings.yaml").write_text(json.dumps(settings), "utf-8")
    add_person(home, "l.roth", "lead")
    with client(home, Open()) as desk:
        yield World(home, traces, desk, Program(desk, token(home, "l.roth")))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from opened(tmp_path_factory.mktemp("sums"), [money_worlds.traced(s) for s in SEEDS])


# --- what holds of everything -------------------------------------------------------------------


def name_of(asset: Mapping[str, Any]) -> str:
    contract, _, piece = (asset["contract"] or "").partition("#")
    if asset["verified"] or not contract:
        return str(asset["symbol"])
    if piece:
        return f'unverified NFT "{asset["symbol"]}" number {piece} of {contract}'
    return f'unverified token "{asset["symbol"]}"'


def coins(ledger: Ledger, book: Book, units: int) -> Fraction:
    return scaled(units, places(ledger.assets[book]))


def by_name(ledger: Ledger) -> dict[tuple[str, str], list[Book]]:
    """A token may call itself as another one does."""
    found: dict[tuple[str, str], list[Book]] = {}
    for book, asset in ledger.assets.items():
        found.setdefault((name_of(asset), CHAINS[book[0]]), []).append(book)
    return found


def the_lines_add_up(ledger: Ledger) -> None:
    """Of the trace itself, as programs read it."""
    for total in ledger.totals:
        if total["method"] == "poison":
            continue
        gone = [*total["ended"].values(), total["unfollowed"], total["fees"], total["resting"]]
        came = Fraction(total["out_of_sources"]) + Fraction(total["converted_in"])
        went = plus([*map(Fraction, gone)]) + Fraction(total["converted_out"])
        assert came - went == Fraction(total["difference"]) == 0
    for node in ledger.nodes:
        for came_ in node["received"] if node["state"] != "source" else ():
            for m in METHODS:
                rest = [s for s in (*node["left"], *node["holds"]) if s["asset"] == came_["asset"]]
                assert int(came_["amount"][m]) == sum(int(s["amount"][m]) for s in rest)
    for book in ledger.assets:
        for m in METHODS:
            total = ledger.total(book, m)
            ended = sum(map(int, total["ended"].values()))
            here = int(total["resting"]) + int(total["unfollowed"]) + ended
            nowhere = sum(int(total["ended"].get(each, 0)) for each in ("burn", "bridge"))
            assert here - nowhere <= ledger.held(book, m) <= here, (book, m)


def where_it_is_adds_up(ledger: Ledger, page: read.Tag, method: str) -> None:
    """The list and its bar, by a method; empty: as range."""
    parts = read.where(page)
    names = by_name(ledger)
    for part in parts:
        if part.chain:
            books = names[part.name, part.chain]
            expected = [[coins(ledger, b, int(ledger.came(b, m))) for m in METHODS] for b in books]
            assert [*part.sums] in expected, part.name
        else:
            turned = [Fraction(ledger.total(None, m)["converted_out"]) for m in METHODS]
            came = [ledger.came(None, m) for m in METHODS]
            back = [min(t, Fraction(ledger.total(None, m)["converted_in"]))
                    for t, m in zip(turned, METHODS, strict=True)]  # fmt: skip
            assert [*part.sums] == [c - b for c, b in zip(came, back, strict=True)]
        for at, _ in enumerate(METHODS):
            assert plus([column[at] for column in part.columns]) == part.sums[at]
        assert "adds up to the last unit" in part.claims
        the_bar_is_as_the_list(part, method)


def the_bar_is_as_the_list(part: read.Part, method: str) -> None:
    at = METHODS.index(method) if method else -1
    for shown, column in zip(part.amounts, part.columns, strict=True):
        both = (column[at],) * 2 if method else (min(column), max(column))
        assert shown == both
    lows = [c[at] if method else min(c) for c in part.columns]
    whole = part.sums[at] if method else max(part.sums)
    drawn = [low for low in lows if low > 0]
    rest = whole - plus(drawn)
    assert len(part.bar) == len(drawn) + (rest > 0), part.name
    if whole > 0:
        assert sum(part.bar) == pytest.approx(1000, abs=0.1 * len(part.bar) + 0.1)
        for low, wide in zip(drawn, part.bar, strict=False):
            thin = sum(each * 500 < whole for each in drawn)
            assert wide == pytest.approx(
                max(float(low / whole) * (1000 - 2 * thin), 2), rel=0.02, abs=2.1 * thin + 0.2
            )


def places_add_up(ledger: Ledger, page: read.Tag) -> None:
    """The table of what could be seized: lines, the sums under it, how it adds up to what left."""
    section = page.one("section", id="seized")
    if "Nothing is traced to any other address yet" in section.text:
        assert not any(ledger.held(b, m) for b in ledger.assets for m in METHODS)
        return
    rows, names = read.seized(section), by_name(ledger)
    lines: dict[Book, list[read.Row]] = {}
    for row in rows:
        key = {c: k for k, c in CHAINS.items()}[row.chain], row.contract
        lines.setdefault(key, []).append(row)
        ranges = [(min(row.figures), max(row.figures)), *((f, f) for f in row.figures)]
        assert row.ours in ranges
    for book in ledger.assets:
        for at, m in enumerate(METHODS):
            shown = plus([row.figures[at] for row in lines.get(book, ())])
            assert shown == coins(ledger, book, ledger.held(book, m)), (book, m)
    for name, _, figures in read.feet_of_seized(section):
        books = names[tuple(name.rsplit(" on ", 1))]  # type: ignore[index]
        held = [tuple(coins(ledger, b, ledger.held(b, m)) for m in METHODS) for b in books]
        assert figures in held, name
    for name, account in read.adding(section).items():
        assert not any("does not add up" in words for words in account)
        *others, last = account.values()
        for at, m in enumerate(METHODS):
            assert plus([row[at] for row in others]) == last[at], (name, m)
            books = names[tuple(name.rsplit(" on ", 1))]  # type: ignore[index]
            out = [coins(ledger, b, int(ledger.total(b, m)["out_of_sources"])) for b in books]
            assert last[at] in out


def the_picture_adds_up(ledger: Ledger, svg: str, table: read.Tag, method: str) -> None:
    """Every column, in each unit that it is in; it says what its tables say, and of what left
    what the lines say."""
    columns = read.feet(svg)
    for name, figure in columns[0] if columns else ():
        if name == "Out of sources":
            assert read.ends(figure) in left(ledger, figure, method), figure
    assert columns == read.sums(table)
    drawn, rows = read.boxes(svg), read.rows_of_boxes(table)
    assert drawn == rows
    for at, column in enumerate(columns):
        for block in _blocks(column):
            if any(" to " in figure for figure in block.values()):
                continue  # ends of ranges are of different methods
            said = {name: number(figure) for name, figure in block.items()}
            assert "Differs by" not in said
            if at == 0:
                out = said["Sent"] + said.get("Destroyed", ZERO) + said.get("Fees", ZERO)
                assert out - said.get("Came back", ZERO) == said["Out of sources"]
            else:
                came = said.pop("Arrived") + said.pop("Turned there", ZERO)
                assert came == plus([*said.values()])


def left(ledger: Ledger, figure: str, method: str) -> list[tuple[Fraction, Fraction]]:
    """What left the sources of the assets that a figure of the picture names, or in USD."""
    found = []
    for book, asset in [*ledger.assets.items(), (None, {"symbol": "USD"})]:
        if asset["symbol"] in figure:
            out = [Fraction(ledger.total(book, m)["out_of_sources"])
                   for m in METHODS if m == method or not method]  # fmt: skip
            out = [o / 10 ** (places(asset) or 0) for o in out] if book else out
            found.append((min(out), max(out)))
    return found


def _blocks(column: Sequence[tuple[str, str]]) -> Iterator[dict[str, str]]:
    """The rows of each asset."""
    found: dict[str, str] = {}
    for name, figure in column:
        if name == "And more assets":
            continue
        if name in found or (name in ("Arrived", "Sent") and found):
            yield found
            found = {}
        found[name] = figure
    if found:
        yield found


def following_adds_up(ledger: Ledger, page: read.Tag, method: str) -> None:
    """Every place by every method, and hops."""
    rows = read.beside(page) if page.all("section", id="beside")[0].all("tbody") else []
    names = by_name(ledger)
    shown: dict[tuple[str, str], list[Fraction]] = {}
    for _, chain, asset, figures in rows:
        kept = shown.setdefault((asset, chain), [ZERO] * 5)
        shown[asset, chain] = [a + b for a, b in zip(kept, figures, strict=True)]
    for key, books in names.items():
        held = [plus([coins(ledger, b, ledger.held(b, m)) for b in books]) for m in METHODS]
        assert shown.get(key, [ZERO] * 5) == held, key
    for _, hops in read.hops(page):
        for arrived, *rest, differs in hops:
            assert arrived == plus(rest)
            assert differs == 0


def held_by(ledger: Ledger) -> dict[tuple[Book, str], int]:
    return {(book, m): ledger.held(book, m) for book in ledger.assets for m in METHODS}


def answers_add_up(world: World, ledger: Ledger, case: str) -> None:
    graph = world.program.get(f"/traces/{case}/graph").json
    assert [graph[k] for k in ("nodes", "edges", "totals")] == [
        ledger.nodes, ledger.edges, ledger.totals]  # fmt: skip
    rests = world.program.every(f"/cases/{case}/rests", limit=50)
    hops = world.program.every(f"/traces/{case}/hops", limit=200)
    for (book, m), held in held_by(ledger).items():
        mine = [r for r in rests if (r["chain"], r["asset"]["contract"] or "") == book]
        assert sum(int(r["traced"][m]) for r in mine) == held, (book, m)
        here = [h for h in hops if (h["chain"], h["asset"]["contract"] or "") == book]
        here = [h for h in here if h["method"] == m]
        three = ("rests", "ended", "waits")
        assert sum(int(h[k]) for h in here for k in three) == held
        for h in here:
            assert int(h["arrived"]) == sum(int(h[k]) for k in (*three, "went_on"))
    ended = world.program.every(f"/traces/{case}/ends", limit=200)
    assert ended == [n for n in ledger.nodes if n["stop"]]


def files_add_up(world: World, ledger: Ledger, case: str) -> None:
    """The table for spreadsheets, and the signed file with all its pictures."""
    text = run(world.home, "seizure", case, "--format", "csv")
    found = read.of_places(read.table(text))
    assert {k: n for k, n in found.items() if n} == {k: n for k, n in held_by(ledger).items() if n}
    out = world.home.parent / f"{case}.zip"
    run(world.home, "export", case, "--out", str(out))
    run(world.home, "verify", str(out))
    with zipfile.ZipFile(io.BytesIO(out.read_bytes())) as packed:
        inside = {name: packed.read(name).decode() for name in packed.namelist()
                  if name.startswith("trace/")}  # fmt: skip
    lines = [json.loads(line) for line in inside["trace/objects.jsonl"].splitlines()]
    assert Ledger.of(lines) == ledger
    assert inside["trace/seizure.csv"].replace("\r\n", "\n") == text
    for method in METHODS:
        drawn = world.text(f"/c/{case}/flow.svg?method={method}")
        assert inside[f"trace/flow-{method.replace('_', '-')}.svg"] == drawn
        answer = world.program.get(f"/traces/{case}/graph", accept="image/svg+xml", method=method)
        assert answer.text == drawn
    assert inside["trace/flow.svg"] == world.text(f"/c/{case}/flow.svg")


def everything_adds_up(world: World, trace: Trace) -> None:
    ledger, case = world.ledger(trace.case), trace.case
    the_lines_add_up(ledger)
    for asked in ("", *METHODS):
        method = asked or trace.method
        query = f"?method={asked}" if asked else "?"
        page = world.page(f"/c/{case}{query}")
        where_it_is_adds_up(ledger, page, method)
        places_add_up(ledger, page)
        svg = world.text(f"/c/{case}/flow.svg{query}")
        table = world.page(f"/c/{case}{query}&view=table").one("section", id="flow")
        the_picture_adds_up(ledger, svg, table, method)
        following_adds_up(ledger, world.page(f"/c/{case}/following{query}"), method)
    answers_add_up(world, ledger, case)
    files_add_up(world, ledger, case)


@pytest.mark.parametrize("at", range(len(SEEDS)), ids=SEEDS)
def test_everything_adds_up_to_what_left(world: World, at: int) -> None:
    everything_adds_up(world, world.traces[at])


@pytest.mark.slow
def test_everything_adds_up_in_many_worlds(tmp_path: Path) -> None:
    for world in opened(tmp_path, [money_worlds.traced(seed) for seed in range(100, 120)]):
        for trace in world.traces:
            everything_adds_up(world, trace)
