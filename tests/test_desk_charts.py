"""Small charts on the page of an address: the balance over time and how far each list is read. What
they show is what the tables beside them say, and what was not read is marked where it lies."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client
from world.desk_open import Open, client
from world.desk_record import HOSTILE, MIDDLE, T0, USDT, A, Made, made

from monitor.model import Subject
from monitor.model.desk import Person, Role, Sight
from monitor.picture import cover, steps
from monitor.picture.cover import Bar, How, Part
from monitor.picture.steps import Point
from monitor.store import desk_address
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store
from monitor.web.desk.balance_line import POINTS_MOST

DAY = 86_400
SVG = "{http://www.w3.org/2000/svg}"
PAGE = f"/a/ethereum/{A}"


# -- drawn ---------------------------------------------------------------------------------------


def plain(text: str) -> ET.Element:
    """A picture that a strict policy lets stand, and its parts."""
    assert not re.search(r"\b(style|class|id|on\w+|href)=", text)
    assert "<script" not in text
    return ET.fromstring(text)


@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.integers(-(10**30), 2**256)), min_size=1, max_size=60
    ),
    st.text(alphabet="aZ9 <>&'\"é雪", max_size=20),
)
def test_the_line_is_where_its_points_are(drawn: list[tuple[int, int]], name: str) -> None:
    at, points = T0, list[Point]()
    for days, units in drawn:
        at += days * DAY
        points.append(Point(at, units, f"{units:,} {name}"))
    on = steps.axis(points, T0, at + DAY)
    ends = (f"lowest {name}", f"highest {name}")
    text = steps.svg(f"Of {name}", points, [(T0, T0 + DAY)], on, ends)
    assert text == steps.svg(f"Of {name}", points, [(T0, T0 + DAY)], on, ends)
    root = plain(text)
    told = root.findtext(f"{SVG}desc") or ""
    assert [each.split(" UTC ", 1)[1] for each in told.split("; ")] == [p.said for p in points]
    (line,) = [p for p in root.iter(f"{SVG}path") if p.attrib.get("stroke") == steps.LINE]
    found = re.findall(r"H([\d.]+)V(-?[\d.]+)", line.attrib["d"])
    assert len(found) == len(points)
    for (x, y), point in zip(found, points, strict=True):
        assert float(x) == pytest.approx(on.x(point.at), abs=0.001)
        assert float(y) == pytest.approx(on.y(point.units), abs=0.001)
        assert steps.TOP - 0.01 <= float(y) <= steps.TOP + steps.TALL + 0.01


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    low = draw(st.integers(0, 10**9))
    sizes = draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=20))
    at, parts = low, list[Part]()
    for size in sizes:
        how = draw(st.sampled_from([*How]) | st.none())
        if how is not None:
            parts.append(Part(how, at, at + size - 1, f"block {at:,} to {at + size - 1:,}"))
        at += size
    return Bar(low, at - 1, tuple(parts), ("the <beginning>", "& the end"))


@given(bars())
def test_the_bar_is_as_wide_as_what_was_read(bar: Bar) -> None:
    text = cover.svg("Plain <coins>", bar)
    assert text == cover.svg("Plain <coins>", bar)
    root = plain(text)
    drawn = [e for e in root.iter() if e.find(f"{SVG}title") is not None and e is not root]
    assert [e.findtext(f"{SVG}title") for e in drawn] == [f"{p.how}: {p.said}" for p in bar.parts]
    for each, part in zip(drawn, bar.parts, strict=True):
        left, right = cover.x_of(part.lo, bar), cover.x_of(part.hi + 1, bar)
        if each.tag == f"{SVG}path":
            start, end = map(float, re.findall(r"[MH]([\d.]+)", each.attrib["d"]))
        else:
            start = float(each.attrib["x"])
            end = start + float(each.attrib["width"])
        assert end - start == pytest.approx(max(cover.LEAST, right - left), abs=0.002)
        assert -0.01 <= start <= left + 0.002
        assert end <= cover.WIDTH + 0.01
    looks = {(e.tag, e.attrib.get("y"), e.attrib.get("height")) for e in drawn}
    assert len(looks) == len({p.how for p in bar.parts})  # not by colour alone


# -- on the page ---------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> Made:
    return made(tmp_path / "home")


@pytest.fixture
def guard() -> Open:
    return Open(person=Person("m.ortiz", Role.ANALYST, enrolled=1), cases=("case-a",))


@pytest.fixture
def browser(world: Made, guard: Open) -> Iterator[Client]:
    with client(world.home, guard) as made_:
        yield made_


def figures(page: str) -> list[str]:
    found = re.findall(r'<figure class="strip">(.*?)</figure>', page, re.S)
    return [each for each in found if "Balance of" in each]


def table_of(figure: str) -> list[tuple[str, str]]:
    """The newest first: time, balance."""
    rows = re.findall(r"<tr><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td></tr>", figure)
    return [tuple(html.unescape(re.sub(r"<[^>]+>", "", c)).strip() for c in row) for row in rows]  # type: ignore[misc]


def test_the_figures_of_the_line_are_those_of_its_table_and_of_what_it_holds(
    browser: Client, world: Made
) -> None:
    page = browser.get(PAGE).text
    coin, token = figures(page)
    for figure in (coin, token):
        told = html.unescape((re.search(r"<desc>(.*?)</desc>", figure) or [""])[1])
        drawn = [(e[:16] + " UTC", e.split(" UTC ")[1]) for e in told.split("; ")]
        assert drawn == table_of(figure)[::-1]
    assert "<b>USDT</b>: 20,100 USDT now" in token
    assert ">20,100 USDT<" in page  # what it holds, by our record
    store = Store(world.home / DATABASE, readonly=True)
    found = desk_address.of(store, Sight(None, loose=True), Subject("ethereum", A)).nets()
    store.close()
    by_day: dict[int, int] = {}
    for number in range(1, 201):
        day = (T0 + (number // 4) * 6 * 3600) // DAY
        by_day[day] = by_day.get(day, 0) + number * 10**6
    assert found[USDT] == sorted(by_day.items())


def test_what_nobody_verified_is_not_drawn(browser: Client) -> None:
    page = browser.get(PAGE).text
    assert len(figures(page)) == 2
    assert not any(html.escape(HOSTILE) in each for each in figures(page))
    assert "1 more asset is not drawn" in page


def test_what_was_not_read_is_shaded_where_it_lies(browser: Client, world: Made) -> None:
    """Since the last complete reading; a hole between two known blocks; before the beginning."""

    def shaded() -> list[str]:
        (_, token) = figures(browser.get(PAGE).text)
        return re.findall(r"not all was read: (\S+ \S+) UTC to (\S+ \S+) UTC", token)  # type: ignore[return-value]

    last = ("2026-11-22 00:00:00",)
    assert [each[0] for each in shaded()] == [*last]
    store = Store(world.home / DATABASE)
    with store.write() as conn:
        conn.execute("UPDATE coverage SET hi = 25000015 WHERE stream = 'erc20'")
        conn.execute(
            "INSERT INTO coverage SELECT scope, stream, source, axis, 25000024, 25001000, at "
            "FROM coverage WHERE stream = 'erc20'"
        )
    # Blocks 16 to 23 of those with movements: 15 is of the first day, 24 of the second.
    assert shaded()[0] == ("2026-11-01 18:00:00", "2026-11-02 12:00:00")
    with store.write() as conn:
        conn.execute("UPDATE coverage SET lo = 25000010 WHERE stream = 'erc20' AND lo = 1")
    assert shaded()[0][1] == "2026-11-01 12:00:00"
    with store.write() as conn:
        conn.execute("DELETE FROM coverage WHERE stream = 'erc20'")
    store.close()
    (only,) = shaded()
    assert only[0] < "2026-11-01"


def test_who_sees_a_part_of_it_is_shown_no_balance(browser: Client, guard: Open) -> None:
    assert figures(browser.get(f"/a/ethereum/{MIDDLE}").text) == []
    guard.cases = ()
    assert browser.get(PAGE).status_code == 404


def test_very_many_days_become_few_points(browser: Client, world: Made) -> None:
    store = Store(world.home / DATABASE)
    with store.write() as conn:
        conn.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
            "INSERT INTO transfer (chain, tx, leg, kind, contract, sender, recipient, amount, "
            "block_height, block_hash, time, status, first_seen) SELECT 'ethereum', 'x' || i, 'l', "
            "'erc20', ?, ?, ?, '1', 20000000 + i, 'h', ? - i * 86400, 'final', 1 FROM n",
            (USDT, "0x" + "99" * 20, A, T0),
        )
    store.close()
    page = browser.get(PAGE).text
    token = figures(page)[1]
    assert 10 < len(table_of(token)) <= POINTS_MOST
    assert "the last day of every 30" in token
    assert table_of(token)[0][1] == "20,100.0009 USDT"
    assert len(page.encode()) < 150_000


def test_the_bar_of_a_list_says_who_read_it_and_what_is_not_read_now(
    browser: Client, world: Made
) -> None:
    store = Store(world.home / DATABASE)
    with store.write() as conn:
        conn.execute("UPDATE coverage SET hi = 20000000 WHERE source = 'blockscout'")
        conn.execute("UPDATE reading SET failing = 5, error = 'HTTP 503' WHERE stream = 'native'")
        conn.execute(
            "INSERT INTO head VALUES ('ethereum','etherscan',1,25002000,?,'0x1',NULL,NULL,?,'',"
            "NULL,NULL)",
            (T0, T0),
        )
        conn.execute(
            "INSERT INTO gap VALUES (?, 'erc20', 'etherscan', 'height', 25001001, 25001100, "
            "'HTTP 500', '', 1, 1, NULL)",
            (f"ethereum/{A}",),
        )
    store.close()
    page = browser.get(PAGE).text
    titles = [html.unescape(t) for t in re.findall(r"<title>((?:read|could|not read)[^<]+)", page)]
    assert titles[:3] == [
        "read by one operator: block 20,000,001 to block 25,001,000",
        "read by two operators: the beginning to block 20,000,000",
        "not read now: block 25,001,001 to block 25,002,000",
    ]
    assert "could not be read: block 25,001,001 to block 25,001,100" in titles
    assert "blockscout: the beginning to block 20,000,000" in page  # as the table says
