"""The flow of a case's money at the desk: the figures of the picture, of the tables, of where it is
now and of what programs read are one; of its day, by its method, to who may see the case."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import money_read
import picture_values as pays
import pytest
import trace_values as v
from click.testing import CliRunner
from test_messages import HOSTILE
from test_picture_traced import wandering
from test_trace_store import numbers
from tracing_world import follow
from werkzeug.test import Client
from world.desk import turn_on
from world.desk_open import Open, client
from world.logged import erase
from world.tamper import untriggered

from monitor.cli import main
from monitor.messages.trace import objects
from monitor.model.desk import Person, Role
from monitor.model.flow import CONSERVING
from monitor.model.trace import Name, Stop, Trace
from monitor.picture import draw
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store

SVG = "{http://www.w3.org/2000/svg}"
DAY = 86_400
ANALYST = Person("a.keller", Role.ANALYST, enrolled=1)
SEEDS = range(5)
FIRST = v.trace()
CHOSEN = replace(FIRST, method="libr", method_by="M. Weber", method_why="law")


@cache
def worlds() -> list[Trace]:
    """What the tracer makes of random records, a case each."""
    return [replace(follow(wandering(seed)), case=f"WORLD-{seed}") for seed in SEEDS]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flow") / "home"
    states = [(v.START, FIRST), (v.START + DAY, CHOSEN)]
    states += [(v.START, each) for each in worlds()]
    v.kept(folder, *states)
    turn_on(folder)
    return folder


@pytest.fixture(scope="module")
def guard() -> Open:
    return Open()


@pytest.fixture(scope="module")
def shared(home: Path, guard: Open) -> Iterator[Client]:
    with client(home, guard) as made:
        yield made


@pytest.fixture
def desk(shared: Client, guard: Open) -> Client:
    guard.person, guard.cases = Open.person, ()
    return shared


def page(desk: Client, path: str, code: int = 200) -> str:
    answer = desk.get(path)
    assert answer.status_code == code, (path, answer.status_code)
    return answer.text


def text(part: str) -> str:
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", part)).split())


def section(shown: str, name: str) -> str:
    found = re.search(rf'<section class="[^"]*" id="{name}">(.*?)</section>', shown, re.S)
    assert found, name
    return found[1]


def picture(shown: str) -> str:
    found = re.search(r'<div class="pic[^"]*">(<svg .*?</svg>\n)</div>', shown, re.S)
    assert found
    return found[1]


# --- one set of figures -----------------------------------------------------------------------


def feet(svg: str) -> list[list[tuple[str, str]]]:
    """What stands under each column, as it is drawn: names with their figures."""
    found = []
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        words = [each.text or "" for each in group.findall(f"{SVG}text")]
        title = group.findtext(f"{SVG}title") or ""
        if ", sums: " in title:
            found.append(list(zip(words[::2], words[1::2], strict=True)))
    return found


def sums(table: str) -> list[list[tuple[str, str]]]:
    """The same of the tables."""
    lists = re.findall(r'<dl class="sums">(.*?)</dl>', table, re.S)
    rows = re.compile(r"<dt>(.*?)</dt><dd>(.*?)</dd>")
    return [[(html.unescape(a), html.unescape(b)) for a, b in rows.findall(e)] for e in lists]


def rows_of_boxes(table: str) -> dict[str, tuple[str, dict[str, str]]]:
    """By its id the address of a box and its amounts in the table."""
    found = {}
    for name, row in re.findall(r'<tr id="(box-\d+)">(.*?)</tr>', table, re.S):
        address = re.search(r'class="mono"[^>]*>(.*?)<', row)
        cells = re.findall(r"<div>(Sent|Arrived|Rests|Left) (.*?)</div>", row)
        found[name] = (address[1] if address else "", dict(cells))
    return found


def decimal(figure: str) -> Decimal:
    """ "1,200.50 USDT"."""
    return Decimal(figure.split(maxsplit=1)[0].replace(",", ""))


def usd_of(parts: Sequence[Mapping[str, object]], method: str) -> Decimal:
    """What of a node programs read, in USD."""
    return sum((Decimal(each["usd"][method]) for each in parts), Decimal(0))  # type: ignore[index]


@pytest.mark.parametrize("seed", SEEDS)
def test_one_set_of_figures(desk: Client, seed: int) -> None:
    trace = worlds()[seed]
    nodes = {each.subject.address: objects.node_object(each) for each in trace.nodes}
    for method in CONSERVING:
        drawn = picture(page(desk, f"/c/WORLD-{seed}?method={method}"))
        assert desk.get(f"/c/WORLD-{seed}/flow.svg?method={method}").text == drawn
        table = section(page(desk, f"/c/WORLD-{seed}?method={method}&view=table"), "flow")
        assert feet(drawn) == sums(table)
        assert len(feet(drawn)) > 2
        said, rows = money_read.boxes(drawn), rows_of_boxes(table)
        assert said == {name: cells for name, (_, cells) in rows.items()}
        for address, cells in rows.values():
            if address not in nodes:
                continue
            told = nodes[address]
            came, left = (usd_of(told[key], method) for key in ("received", "left"))
            expected = {"Sent": left, "Left": left, "Arrived": came, "Rests": came - left}
            for name, figure in cells.items():
                assert figure.endswith(" USD")
                assert decimal(figure) == expected[name], (address, name)


@pytest.mark.parametrize("seed", SEEDS)
def test_where_it_is_adds_up_to_what_left(desk: Client, seed: int) -> None:
    totals = [objects.total_object(each) for each in worlds()[seed].totals]
    for method in CONSERVING:
        where = section(page(desk, f"/c/WORLD-{seed}?method={method}"), "where")
        mine = {t["asset"] and t["asset"]["symbol"]: t for t in totals if t["method"] == method}
        assets = re.findall(r'<div class="asset">(.*?)</details>', where, re.S)
        assert len(assets) > 1
        for each in assets:
            head = html.unescape(re.search(r'class="big">(.*?)<', each)[1])  # type: ignore[index]
            symbol = "USD" if "Worth" in each else head.split()[1]
            told = mine[None if symbol == "USD" else symbol]
            scale = 1 if symbol == "USD" else 10 ** told["asset"]["decimals"]
            parts = [decimal(f) for f in re.findall(r'class="amt">(.*?)<', each)]
            turned = Decimal(told["converted_out"]) if symbol == "USD" else 0  # it came again
            came = Decimal(told["out_of_sources"]) + Decimal(told["converted_in"]) - turned
            assert sum(parts) * scale == came, (seed, method, symbol)
            (column,) = [at for at, key in enumerate(CONSERVING) if key == method]
            last = re.findall(r'<td class="r"[^>]*>(?:<b>)?(.*?)<', each.rsplit("<tr", 1)[1])
            assert decimal(last[column]) * scale == came
            assert "IT DOES NOT ADD UP" not in each


def test_the_bytes_are_those_of_the_command(home: Path, desk: Client, tmp_path: Path) -> None:
    for ending in ("svg", "png"):
        out = tmp_path / f"it.{ending}"
        typed = ["--home", str(home), "trace", "picture", "CRANE-01", "--out", str(out)]
        done = CliRunner().invoke(main, typed)
        assert done.exit_code == 0, done.output
        for _ in range(2):
            answer = desk.get(f"/c/CRANE-01/flow.{ending}")
            assert answer.data == out.read_bytes()
        assert answer.headers["Content-Disposition"].endswith(f'"CRANE-01-2-libr.{ending}"')
        assert answer.headers["Cache-Control"] == "no-store"
    assert picture(page(desk, "/c/CRANE-01")) == desk.get("/c/CRANE-01/flow.svg").text


# --- of which day, by which method ------------------------------------------------------------


def test_a_page_says_by_which_method_it_is(desk: Client) -> None:
    own = text(page(desk, "/c/CRANE-01"))
    assert "traced by LIBR, chosen by M. Weber" in own
    other = page(desk, "/c/CRANE-01?method=fifo")
    assert "traced by FIFO, as you asked; the case has chosen LIBR" in text(other)
    assert "85,000 USDT" in text(section(other, "where"))
    lifo = text(section(page(desk, "/c/CRANE-01?method=lifo"), "where"))
    assert "75,000.00 USD At an exchange" in lifo
    assert "by other methods 0.00 to 75,000.00 USD" in lifo
    none = page(desk, "/c/CRANE-01?as_of=2023-11-14")
    assert "Nobody has chosen a method" in text(none)
    assert "0.00 to 75,000.00 USD At an exchange" in text(section(none, "where"))
    assert "All methods" in section(none, "flow")
    assert "All methods" not in section(other, "flow")
    for shown in (other, none):
        assert "LIBR what is not traced is taken to leave first" in text(section(shown, "flow"))
    hatched = "it is in one part or in another"
    assert hatched in section(none, "where"), "so many methods, so many answers"
    assert hatched not in section(other, "where")


def test_links_keep_method_and_day(desk: Client) -> None:
    shown = page(desk, "/c/CRANE-01?method=fifo&as_of=2023-11-14")
    links = re.findall(r'href="(/c/CRANE-01[^"]*)"', section(shown, "flow"))
    assert len(links) > 8
    assert all("as_of=2023-11-14" in each for each in links)
    assert sum("method=fifo" in each for each in links) > 3
    (form,) = re.findall(r'<form class="day".*?</form>', shown, re.S)
    assert 'name="method" value="fifo"' in form
    keys = dict(re.findall(r'href="([^"]*)" data-key="([mp])"', shown))
    assert sorted(keys.values()) == ["m", "p"]
    assert "method=lifo" in next(each for each, key in keys.items() if key == "m")


def test_how_it_stood_on_a_day(desk: Client) -> None:
    then = page(desk, "/c/CRANE-01?as_of=2023-11-14")
    assert "State 1 of 2023-11-14 22:13:20 UTC" in then
    assert "This is how it stood then. State 2 is newer" in text(then)
    assert "This is how it stood" not in page(desk, "/c/CRANE-01?as_of=2023-11-15")
    assert "State 1 of" in page(desk, "/c/CRANE-01?state=1")
    assert desk.get("/c/CRANE-01/flow.svg?state=1").text == picture(then)
    before = text(section(page(desk, "/c/CRANE-01?as_of=2023-11-13"), "where"))
    assert "On 2023-11-13 nothing was worked out yet" in before
    assert 'id="flow"' not in page(desk, "/c/CRANE-01?as_of=2023-11-13")
    assert "There is no such state: the newest is 2" in text(page(desk, "/c/CRANE-01?state=3"))
    for wrong in ("method=poison", "method=x", "as_of=soon", "as_of=20231114", "as_of=1999-01-01",
                  "as_of=2999-01-01", "state=x", "state=0", "state=-1"):  # fmt: skip
        assert "class" in page(desk, f"/c/CRANE-01?{wrong}", 422)
        page(desk, f"/c/CRANE-01/flow.svg?{wrong}", 422)


def test_what_is_not_read_stands_before_any_figure(desk: Client) -> None:
    where = text(section(page(desk, "/c/CRANE-01"), "where"))
    assert where.index("NOT EVERYTHING IS READ: 1 of 6") < where.index("200,000")
    assert where.index("NOT FOLLOWED ANY MORE") < where.index("200,000")
    assert "1 lead by a guess: in no figure here." in where
    assert "Waits for a person: 1 address waits: may it be followed?" in where


def test_what_comes_next_says_what_following_asks(desk: Client) -> None:
    assert "1 address waits: may it be followed?" in text(
        re.search(r"<h2>Next</h2>(.*?)</section>", page(desk, "/c/CRANE-01"), re.S)[1]  # type: ignore[index]
    )


# --- gone, damaged, not there -----------------------------------------------------------------


def test_erased_and_damaged_states_are_said(tmp_path: Path) -> None:
    home = v.kept(tmp_path / "home", (v.START, FIRST), (v.START + DAY, CHOSEN))
    turn_on(home)
    with closing(Store(home / DATABASE)) as store, client(home, Open()) as desk:
        assert "State 2" in page(desk, "/c/CRANE-01")
        erase(store, numbers(store, "trace state")[-1:])
        shown = page(desk, "/c/CRANE-01")
        assert "its text was erased" in text(section(shown, "where"))
        assert 'id="flow"' not in shown
        page(desk, "/c/CRANE-01/flow.svg", 404)
        page(desk, "/c/CRANE-01/flow.png", 404)
        assert "State 1" in page(desk, "/c/CRANE-01?state=1")
        with store.write() as conn, untriggered(conn):
            conn.execute("UPDATE trace_state SET sha256 = 'ab' WHERE number = 1")
        said = text(section(page(desk, "/c/CRANE-01?state=1"), "where"))
        assert "cannot be read: it is not what was recorded" in said
        assert str(home) not in said


def test_a_case_that_is_called_like_a_picture_has_its_page(tmp_path: Path) -> None:
    home = v.kept(
        tmp_path / "home", (v.START, FIRST), (v.START, replace(FIRST, case="CRANE-01/flow.svg"))
    )
    turn_on(home)
    guard = Open(person=ANALYST, cases=("CRANE-01",))
    with client(home, guard) as desk:
        path = "/c/CRANE-01%2Fflow.svg"
        assert desk.get(path).mimetype == "image/svg+xml"  # of CRANE-01: who sees no other
        guard.cases = ("CRANE-01", "CRANE-01/flow.svg")
        assert desk.get(path).mimetype == "text/html"
        assert desk.get(f"{path}/flow.svg").mimetype == "image/svg+xml"


# --- to whom ----------------------------------------------------------------------------------


def test_who_may_not_see_the_case_gets_no_byte_of_it(desk: Client, guard: Open) -> None:
    paths = [
        f"/c/{{}}{more}"
        for more in ("", "/flow.svg", "/flow.png", "?state=1", "?as_of=2023-11-14", "?state=99",
                     "/flow.svg?method=fifo", "/flow.svg?method=x", "?method=x")
    ]  # fmt: skip
    page(desk, "/c/CRANE-01")  # it is remembered
    guard.person, guard.cases = ANALYST, ("WORLD-1",)
    for path in paths:
        mine, none = (desk.get(path.format(case)) for case in ("CRANE-01", "NOT-ONE"))
        assert mine.status_code == none.status_code == 404, path
        said = [re.sub(r"\d\d:\d\d:\d\d|datetime=\"\d+\"", "", each.text) for each in (mine, none)]
        assert said[0].replace("CRANE-01", "NOT-ONE") == said[1], path
    assert desk.get("/c/WORLD-1/flow.svg").status_code == 200


# --- hostile text -----------------------------------------------------------------------------


class Tags(HTMLParser):
    """What of a page a browser would take for tags."""

    def __init__(self, shown: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(shown)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def test_hostile_names_are_dead_in_picture_and_page(tmp_path: Path) -> None:
    chance = random.Random(7)
    wild = [each.encode("utf-8", "replace").decode()[:2000] for each in HOSTILE]
    wild.append("<script>alert(1)</script>\"'><img src=x onerror=alert(1)>")

    def named(number: int) -> Trace:
        bad = [wild[(number + at) % len(wild)] for at in range(4)]
        nodes = tuple(
            replace(n, names=(Name(bad[0], "exchange", bad[1], bad[2]),), unread=(bad[3],),
                    stop=Stop("exchange", bad[1], confirmed=chance.random() < 0.5), complete=False,
                    exchange=bad[2])
            if n.hop else n for n in v.NODES
        )  # fmt: skip
        token = replace(v.USDT, symbol=bad[3], verified=False)
        edges = tuple(replace(e, asset=token, rule=bad[0]) for e in v.EDGES[:4]) + v.EDGES[4:]
        asked = replace(FIRST.questions[0], words=bad[2])
        return v.trace(
            case=f"W-{number}", title=bad[0], nodes=nodes, edges=edges, method="fifo",
            method_by=bad[1], ended=bad[3], questions=(asked,),
        )  # fmt: skip

    made = [(v.START, named(number)) for number in range(0, len(wild), 3)]
    home = v.kept(tmp_path / "home", *made)
    turn_on(home)
    with client(home, Open()) as desk:
        for _, trace in made:
            for more in ("", "?view=table", "?method=haircut"):
                shown = page(desk, f"/c/{trace.case}{more}")
                alive = Tags(shown).found
                assert not {tag for tag, _ in alive} & {"img", "iframe", "object", "style"}
                assert all(dict(has).get("src") for tag, has in alive if tag == "script")
                assert not [name for _, has in alive for name, _ in has if name[:2] == "on"]
                assert not set("\u202e\u2066\u200b\x00\x1b") & set(shown)
            ElementTree.fromstring(desk.get(f"/c/{trace.case}/flow.svg").text)


def test_every_fragment_of_the_picture_is_on_the_page(desk: Client) -> None:
    for path in ("/c/CRANE-01", "/c/WORLD-3", "/c/WORLD-3?method=haircut"):
        shown = page(desk, path)
        wanted = set(re.findall(r'<a href="#([a-z]+-\d+)"', picture(shown)))
        for view in (shown, page(desk, f"{path}{'&' if '?' in path else '?'}view=table")):
            there = re.findall(r'id="((?:box|band|back)-\d+)"', view)
            assert wanted == set(there)
            assert len(there) == len(set(there))
    assert draw.TRACED in picture(page(desk, "/c/CRANE-01"))


def test_what_shares_a_box_stands_in_full_in_the_tables(tmp_path: Path) -> None:
    trace = replace(pays.scattered(1, 345, hops=3), case="BIG-1")
    home = v.kept(tmp_path / "home", (v.START, trace))
    turn_on(home)
    with client(home, Open()) as desk:
        table = section(page(desk, "/c/BIG-1?view=table&method=fifo"), "flow")
        lists = [html.unescape(each) for each in re.findall(r'href="([^"]*all=boxes[^"]*)"', table)]
        assert len(lists) == len(set(lists)) == 3
        assert all("method=fifo" in each for each in lists)
        found, pages = dict[str, dict[str, str]](), 0
        while lists:
            shown = page(desk, lists.pop())
            assert len(shown) < 150_000
            rows = re.findall(r"<tr><td data-name=\"Address\">(.*?)</tr>", shown, re.S)
            for row in rows:
                address = re.search(r'class="mono"[^>]*>(.*?)<', row)
                cells = re.findall(r"<div>(Arrived|Rests|Left) (.*?)</div>", row)
                found[address[1]] = dict(cells)  # type: ignore[index]
            more = re.search(r'href="([^"]*)" rel="next"', section(shown, "flow"))
            lists += [html.unescape(more[1])] if more else []
            pages += 1
        assert pages > 3, "more than a hundred of one hop"
        nodes = {n.subject.address: n for n in trace.nodes if n.hop and n.received}
        assert found.keys() == nodes.keys()
        for address, node in nodes.items():
            rests = node.holds[0].amount["fifo"] if node.holds else 0
            assert decimal(found[address]["Rests"]) * 10**6 == rests
        assert 'data-name="Paid from here"' not in table
        for odd in ("all=boxes.99", "all=x", "all=boxes.1&from=9999999", "all=went.1&from=-3"):
            page(desk, f"/c/BIG-1?view=table&{odd}")
