"""A day of reading as a strip whose figures are those of its table; and what was read of a day that
is over, as far as the record can say it."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client
from world.book import Book
from world.desk_open import Open, client
from world.desk_record import CANARY, T0, A, Made, made
from world.deskbook import NOW, ON, verified_book

from monitor.loops.health import hours
from monitor.loops.health.hours import SLOT, SLOTS, Slot
from monitor.model import Entry, Subject
from monitor.model.acts import DAEMON
from monitor.model.desk import Person, Role
from monitor.model.settings import Settings
from monitor.picture import strip
from monitor.picture.strip import Cell
from monitor.store import covered_day, desk_day, notes
from monitor.store.commit import commit
from monitor.store.guard import DATABASE
from monitor.store.rows import entry_terms
from monitor.store.sqlite import Store

DAY = 86_400
SVG = "{http://www.w3.org/2000/svg}"


# -- noted as it goes ----------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with verified_book(tmp_path) as made_:
        yield made_


def settings(book: Book) -> Settings:
    return Settings(book.store.path.parent, {}, {}, (), {}, {}, {}, web=ON)


def test_the_worst_of_a_quarter_of_an_hour_is_kept_and_what_nobody_noted_is_not_known(
    book: Book,
) -> None:
    begin = NOW - NOW % SLOT
    for at in (begin, begin + 10, begin + 301, begin + 2 * SLOT):
        hours.note(book.store, settings(book), at)
    (chain,) = {row["chain"] for row in book.store.read("SELECT chain FROM scope")}
    found = hours.last_day(book.store, chain, begin + 2 * SLOT)
    assert [*found] == [begin, begin + 2 * SLOT]  # of the slot between nothing is known
    assert found[begin].looks == 2  # ten seconds after a look there is no other
    assert found[begin].entries == found[begin].unread == 3  # no source serves the chain
    hours.note(book.store, settings(book), begin + (SLOTS + 3) * SLOT)
    assert begin not in hours.last_day(book.store, chain, begin + (SLOTS + 3) * SLOT)


def test_a_clock_that_was_set_back_leaves_nothing_of_the_future(book: Book) -> None:
    for at in (NOW, NOW - 5 * SLOT):
        hours.note(book.store, settings(book), at)
    (key,) = [r["key"] for r in book.store.read("SELECT key FROM note WHERE key GLOB 'hours:*'")]
    assert f"[{NOW - NOW % SLOT}," not in str(notes.get_note(book.store, key))


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9)), min_size=1))
def test_worse_is_never_better_than_one_of_them(values: list[tuple[int, int, int]]) -> None:
    slots = [Slot(0, 1, n + u + b, u + b, b) for n, u, b in values]
    worst = slots[0]
    for each in slots[1:]:
        worst = worst.worse(each)
    assert worst.unread == max(each.unread for each in slots)
    assert worst.looks == len(slots)
    assert worst.blind <= worst.unread <= worst.entries


# -- drawn ---------------------------------------------------------------------------------------

cells = st.lists(
    st.none()
    | st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 20)).map(
        lambda t: Cell(t[0] / sum(t), t[1] / sum(t), f"{t[0]} & <{t[1]}>")
    ),
    min_size=96,
    max_size=96,
)


@given(cells)
def test_the_figures_of_the_strip_are_those_it_was_made_of(given_: list[Cell | None]) -> None:
    begin = T0 - T0 % SLOT
    text = strip.svg("Ethereum <b>", begin, SLOT, given_)
    assert text == strip.svg("Ethereum <b>", begin, SLOT, given_)  # the same bytes
    assert "style=" not in text
    assert "class=" not in text
    step = (strip.WIDTH - strip.LEFT) / len(given_)
    drawn: dict[int, dict[str, float]] = {n: {} for n in range(len(given_))}
    dotted: set[int] = set()
    root = ET.fromstring(text)
    for each in root.iter():
        if each.tag == f"{SVG}rect" and each.find(f"{SVG}title") is not None:
            first = round((float(each.attrib["x"]) - strip.LEFT) / step)
            number = round(float(each.attrib["width"]) / step)
            share = float(each.attrib["height"]) / strip.TALL
            for n in range(first, first + number):
                drawn[n][each.attrib["fill"]] = share
        if each.tag == f"{SVG}path" and "stroke-dasharray" in each.attrib:
            start, end = re.findall(r"[MH]([\d.]+)", each.attrib["d"])
            first = round((float(start) - strip.LEFT) / step)
            dotted.update(range(first, round((float(end) - strip.LEFT) / step)))
    for n, cell in enumerate(given_):
        assert (n in dotted) is (cell is None)
        if cell is not None:
            assert drawn[n].get(strip.READ, 0) == pytest.approx(cell.read, abs=1e-4)
            assert drawn[n].get(strip.BLIND, 0) == pytest.approx(cell.blind, abs=1e-4)


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


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


def test_the_strip_counts_all_and_is_shown_to_who_may_know_that(
    browser: Client, world: Made, guard: Open
) -> None:
    begin = int(time.time()) // SLOT * SLOT
    store = Store(world.home / DATABASE)
    told = [
        [begin - 4 * SLOT, 3, 41, 0, 0],
        [begin - 3 * SLOT, 3, 41, 12, 10],
        [begin, 1, 41, 0, 0],
    ]
    notes.put_note(store, "hours:ethereum", str(told))
    store.close()
    for role, shown in (
        (Role.READER, False), (Role.ANALYST, False), (Role.ADMIN, True), (Role.LEAD, True),
        (Role.AUDITOR, True),
    ):  # fmt: skip
        guard.person = Person("m.ortiz", role, enrolled=1)
        page = browser.get("/health").text
        assert ("The last 24 hours of reading" in page) is shown
        assert ("29 of 41 entries read, 10 blind, 2 behind" in page) is shown
        assert ("not known: Fundwatch did not run, or noted nothing" in page) is shown


def test_of_a_past_day_it_is_said_what_counts_as_read_and_what_is_not_known(
    browser: Client, world: Made, guard: Open
) -> None:
    page = text_of(browser.get("/health?day=2026-11-02").text)
    assert "counts as read now" in page
    assert "blocks 25,000,016 (2026-11-02 00:00:00 UTC) to 25,000,031" in page
    assert "whole day Plain coin transfers, Coin transfers made by contracts (internal), " in page
    assert "not read NFT transfers (ERC-721)" in page
    assert "Bitcoin: of no block it is known that it is of this day" in page
    assert CANARY not in page
    # Read to a block in the middle of the day, and nothing after it.
    store = Store(world.home / DATABASE)
    with store.write() as conn:
        conn.execute("UPDATE coverage SET hi = 25000020 WHERE stream = 'native'")
        conn.execute("UPDATE coverage SET lo = 25000020 WHERE stream = 'internal'")
    store.close()
    page = text_of(browser.get("/health?day=2026-11-02").text)
    assert "part of it Plain coin transfers: read: block 25,000,016 to 25,000,020; the rest" in page
    assert "internal): read: block 25,000,020 to 25,000,031; the rest does not" in page
    assert "Wallet of A" in browser.get("/health?day=2026-11-02&case=case-a").text
    hidden, none = (
        text_of(browser.get(f"/health?day=2026-11-02&case={case}").text).partition("As of")[0]
        for case in ("case-b", "case-x")
    )
    assert (
        hidden.replace("case-b", "case-x").partition("Entries that")[2]
        == (none.partition("Entries that")[2])
    )
    guard.person = Person("k.brandt", Role.AUDITOR, enrolled=1)
    assert CANARY in browser.get("/health?day=2026-11-02").text
    assert CANARY in browser.get("/health?day=2026-11-02&case=case-b").text
    assert "Wallet of A" not in browser.get("/health?day=2026-11-02&case=case-b").text


def test_found_late_and_edges_that_are_not_known(browser: Client, world: Made) -> None:
    page = text_of(browser.get("/health?day=2026-11-01").text)
    assert re.search(r"Wallet of A [^$]*? counts as read 1 ", page), page
    last = text_of(browser.get("/health?day=2026-11-13").text)
    assert "of no block it is known that it is of this day" in last
    store = Store(world.home / DATABASE, readonly=True)
    found = desk_day.edge(store, "ethereum", T0 + 6 * 3600, None)
    assert found.before is not None
    assert found.after is not None
    assert (found.before[1], found.after[1]) == (T0, T0 + 6 * 3600)
    assert found.after[0] == found.before[0] + 1
    none = desk_day.edge(store, "tron", T0, None)
    assert (none.before, none.after) == (None, None)
    store.close()


@pytest.mark.parametrize("day", ["2026-13-01", "x", "", "2999-01-01", "<script>", "0001-01-01"])
def test_a_day_that_is_none_is_said_and_nothing_is_shown(browser: Client, day: str) -> None:
    said = browser.get("/health", query_string={"day": day, "after": "9" * 30})
    assert said.status_code == 200
    assert A[:20] not in said.text
    assert "<script>" not in said.text.partition("<main")[2]


def test_who_was_watched_on_a_day_is_told_by_when_they_came_and_went(
    browser: Client, world: Made
) -> None:
    assert "Nothing that you see was watched" in browser.get("/health?day=2026-10-30").text
    store = Store(world.home / DATABASE)
    with store.write() as conn:
        conn.execute(
            "UPDATE entry SET terms = json_set(terms, '$.retired', '2026-11-05 k \"x\"') "
            "WHERE id = ?",
            (world.entry_a,),
        )
    gone = "retired" in {r["name"] for r in store.read("PRAGMA table_xinfo(entry)")}
    store.close()
    assert gone
    assert "Wallet of A" in browser.get("/health?day=2026-11-05").text


def test_entries_come_a_hundred_at_a_time(browser: Client, world: Made) -> None:
    store = Store(world.home / DATABASE)
    with store.write() as conn:
        for number in range(150):
            subject = Subject("ethereum", f"0x{number + 10**6:040x}")
            key, entry = subject.key, Entry(f"E-{number}", subject, "many", "case-a")
            conn.execute(
                "INSERT INTO scope (key, chain, address) VALUES (?,'ethereum',?)",
                (key, key.partition("/")[2]),
            )
            conn.execute(
                "INSERT INTO entry (id, subject, case_id, terms, added, base_height, base_time, "
                "base_head_time, history, brought) VALUES (?,?,'case-a',?,?,1,1,1,'told','')",
                (entry.id, key, entry_terms(entry), T0),
            )
    store.close()
    seen: list[str] = []
    path = "/health?day=2026-11-02"
    while path:
        page = browser.get(path).text
        seen += re.findall(r'href="/a/ethereum/(0x[0-9a-f]{40})"', page)
        more = re.search(r'rel="next" href="([^"]+)"', page)
        path = more[1].replace("&amp;", "&") if more else ""
    assert len(seen) == len({*seen}) == 152


def test_the_digest_of_a_day_is_found_in_the_log(tmp_path: Path) -> None:
    with verified_book(tmp_path) as book:
        since = NOW - NOW % DAY
        for day in range(3):
            at = since + day * DAY + 31
            commit(book.store, DAEMON, covered_day.seen(book.store, at))
        day = covered_day.day_of(since + DAY + 31)
        found = desk_day.digest(book.store, day, since + DAY)
        assert found is not None
        assert found.at == since + DAY + 31
        assert re.fullmatch(r"[0-9a-f]{64}", found.sha256)
        assert desk_day.digest(book.store, "2031-01-01", since + 9 * DAY) is None


def test_no_block_is_named_in_which_only_others_addresses_moved(
    browser: Client, world: Made, guard: Open
) -> None:
    last = int(world.only_b, 16) + 1  # after it a friend of B's paid, in the last block of all
    theirs = f"{25_000_000 + last:,}"
    assert theirs not in browser.get("/health?day=2026-11-11").text
    guard.person = Person("k.brandt", Role.LEAD, enrolled=1)
    assert theirs in browser.get("/health?day=2026-11-11").text
