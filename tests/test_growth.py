"""What a movement costs does not depend on how many come with it: a storm of payments must not
hold the daemon up. Nor does a long list cost anything while nothing is due. Counted in bytecodes
and in steps of the database, for time means nothing on a busy machine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from world.book import START, Book, transfer
from world.fake_ledger import FakeLedger, FakeSource
from world.home import Home
from world.listed import take_list
from world.play import ETHEREUM, TOKEN, A, Play, X

from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.decide.decision import decide
from monitor.loops import enrich
from monitor.loops.lookups import Answers
from monitor.loops.watch_file import NAMED_MOST
from monitor.model import Entry, Kind, Severity, Status, Subject, Transfer
from monitor.model.plan import NewRow, Plan
from monitor.store import apply, coverage, standing, watch
from monitor.store.context import load_context
from monitor.store.sqlite import Store

FEW, MANY = 40, 400
GROWTH = 1.3  # of the cost of one movement, from few to many
BLOCK = 105


def address(number: int) -> str:
    return f"0x{number + 0xA000:040x}"


def payments(count: int) -> list[Transfer]:
    """Strangers pay, each by a transaction of their own."""
    return [transfer(BLOCK, tx=f"0xt{n}", sender=address(n)) for n in range(count)]


def sent(count: int) -> list[Transfer]:
    """Everything goes to one receiver: each looks for test payments among those before."""
    return [
        transfer(BLOCK, tx=f"0xt{n}", sender=A, recipient=X, amount=5 + n % 2 * 1000)
        for n in range(count)
    ]


def airdrop(count: int) -> list[Transfer]:
    """One transaction with many rows of a verified token."""
    return [
        transfer(BLOCK, kind=Kind.ERC20, contract=TOKEN, sender=address(n), amount=5 + n)
        for n in range(count)
    ]


def tokens(count: int) -> list[Transfer]:
    """Many tokens, each by a transaction of its own."""
    return [
        transfer(BLOCK, tx=f"0xt{n}", kind=Kind.ERC20, contract=address(n), amount=5)
        for n in range(count)
    ]


def spread(count: int) -> list[Transfer]:
    """One transaction that pays many watched addresses."""
    return [transfer(BLOCK, sender=A, recipient=address(n)) for n in range(count)]


def bytecodes(do: Callable[[], Any]) -> tuple[Any, int]:
    """What a call returns, and how many bytecodes of ours it ran."""
    count = 0

    def trace(frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return do(), count
    finally:
        sys.settrace(before)


def settled(book: Book, moved: Sequence[Transfer]) -> Plan:
    """What the poll makes of one batch: rows, alerts, and their facts."""
    batch = book.batch(*moved, head=BLOCK + 1)
    context = load_context(
        book.store,
        book.chain,
        book.subject,
        [batch],
        coverage.stream_states(book.store, book.subject, book.now),
        assets={},
        lags={},
        now=book.now,
    )
    plan = decide(context, [batch])
    return replace(plan, alerts=enrich.with_facts(book.store, context, plan, Answers()))


def cost(folder: Path, moved: list[Transfer], severity: Severity) -> float:
    """Bytecodes for each of these movements."""
    folder.mkdir()
    book = Book(folder)
    book.watch(severity=severity)
    receivers = {t.recipient for t in moved} - {A, X, None}
    others = [Entry(f"R{to}", Subject("ethereum", to)) for to in receivers if to]
    take_list(book.store, [*book.entries, *others], "list", book.now)
    book.read(head=100)
    plan, count = bytecodes(lambda: settled(book, moved))
    book.store.close()
    assert len(plan.new) == len(moved)
    return count / len(moved)


@pytest.mark.parametrize("severity", [Severity.HIGH, Severity.SEVERE])
@pytest.mark.parametrize("shape", [payments, sent, airdrop, tokens, spread])
def test_a_movement_costs_the_same_among_many(
    tmp_path: Path, shape: Callable[[int], list[Transfer]], severity: Severity
) -> None:
    """Deciding on a row and finding its facts is no dearer in a plan ten times as long."""
    few, many = (cost(tmp_path / str(n), shape(n), severity) for n in (FEW, MANY))
    assert many < few * GROWTH


# -- long lists ----------------------------------------------------------------------------


def settings(folder: Path, entries: int) -> Path:
    """A home with so many addresses on the list, whose explorer nobody answers for."""
    source = {"kind": "etherscan", "url": "http://127.0.0.1:9/api"}
    own = {"family": "evm", "chain_id": 31337, "finality": 12, "sources": ["mine"]}
    own |= {"native": {"symbol": "ETH", "decimals": 18}}
    rows = [{"address": address(n), "chain": "dev", "label": f"n{n}"} for n in range(entries)]
    home = Home(folder / str(entries))
    home.write("config/chains.yaml", {"chains": {"dev": own}})
    home.write("config/sources.yaml", {"sources": {"mine": source}})
    home.write("watchlist.yaml", json.dumps({"addresses": rows}))
    os.utime(home.path / "watchlist.yaml", (START, START))
    return home.path


def test_reading_an_address_again_costs_the_same_whoever_else_is_in_the_blocks(
    tmp_path: Path,
) -> None:
    found = []
    for others in (20, 400):
        folder = tmp_path / str(others)
        folder.mkdir()
        book = Book(folder)
        book.watch()
        book.read(head=100)
        rows = [transfer(BLOCK, tx=f"0x{n}", sender=address(n), recipient=X) for n in range(others)]
        mine = transfer(BLOCK)
        new = tuple(NewRow(row, Status.FINAL) for row in (mine, *rows))
        apply.apply(book.store, Plan(book.subject, book.now, new=new))
        with steps(book.store) as stepped:
            book.decide([book.batch(mine, head=200)])
        found.append(stepped[0])
        book.store.close()
    assert found[1] < found[0] * 1.1


@contextmanager
def steps(store: Store) -> Iterator[list[int]]:
    """Counts the database's own steps while the block runs."""
    count = [0]

    def step() -> int:
        count[0] += 1
        return 0

    with store.write() as conn:
        conn.set_progress_handler(step, 1)
    try:
        yield count
    finally:
        with store.write() as conn:
            conn.set_progress_handler(None, 0)


def idle(app: Fundwatch) -> None:
    """What the daemon does while nothing is due."""
    app.reload()
    app.poll(everything=False)
    app.deliver(everything=False)


def look_after(app: Fundwatch) -> None:
    """What it does about itself, twice a minute."""
    app.housekeep()


def test_nothing_due_costs_the_same_whatever_the_length_of_the_list(tmp_path: Path) -> None:
    """Ten times the entries, the same bytecodes and the same steps of the database."""
    found = []
    for entries in (20, 200):
        with open_home(settings(tmp_path, entries), {}) as app:
            app.reload()
            with app.store.write() as conn:
                conn.execute("UPDATE scope SET due = 9000000000000")
            idle(app)
            with steps(app.store) as stepped:
                _, count = bytecodes(lambda: idle(app))
            found.append((count, stepped[0]))
    few, many = found
    assert many[0] < few[0] * 1.1
    assert many[1] < few[1] * 1.1


def test_looking_after_itself_loads_no_long_list(tmp_path: Path) -> None:
    """Health asks the record for what is wrong: entries that are well are not loaded."""
    found = []
    for entries in (20, 200):
        with open_home(settings(tmp_path, entries), {}) as app:
            app.reload()
            look_after(app)
            _, count = bytecodes(partial(look_after, app))
            found.append(count)
    assert found[1] < found[0] * 1.1


def test_whom_a_failing_list_concerns_is_found_among_many(tmp_path: Path) -> None:
    found = []
    for entries in (20, 200):
        with open_home(settings(tmp_path, entries), {}) as app:
            app.reload()
            with app.store.write() as conn:
                conn.execute(
                    "INSERT INTO reading (scope, stream, tried, failing) "
                    "SELECT key, 'native', 1, 1 FROM scope WHERE address = ?",
                    (address(7),),
                )
            with steps(app.store) as stepped:
                (entry,) = standing.failing_entries(app.store, "dev", "native", 50)
            assert entry.label == "n7"
            found.append(stepped[0])
    assert found[1] < found[0] * 1.1


def test_a_message_loads_no_long_list(tmp_path: Path) -> None:
    """Which cases a channel may see is asked for each message: what the entries differ in for
    that is read when the list changes."""
    with open_home(settings(tmp_path, 200), {}) as app:
        app.reload()
        assert [kin.case for kin in app.entries()] == [""], "200 entries, told to the same"
        _, count = bytecodes(app.entries)
        assert count < 500
        text = (app.home / "watchlist.yaml").read_text("utf-8")
        text = text.replace('"label": "n7"', '"label": "n7", "case": "OTHER"')
        (app.home / "watchlist.yaml").write_text(text, "utf-8")
        app.reload()
        assert sorted(kin.case for kin in app.entries()) == ["", "OTHER"]


def test_taking_a_list_costs_the_same_an_entry(tmp_path: Path) -> None:
    """Its first reading, and one more after every line of it has changed."""
    found = []
    for entries in (25, 125):
        with open_home(settings(tmp_path, entries), {}) as app:
            with steps(app.store) as stepped:
                _, count = bytecodes(app.reload)
                text = (app.home / "watchlist.yaml").read_text("utf-8")
                (app.home / "watchlist.yaml").write_text(text.replace('"n', '"other '), "utf-8")
                _, again = bytecodes(app.reload)
            found.append(((count + again) / entries, stepped[0] / entries))
    few, many = found
    assert many[0] < few[0] * GROWTH
    assert many[1] < few[1] * GROWTH


def test_the_answer_to_a_long_list_is_short(tmp_path: Path) -> None:
    """It counts all and names some; a mail of five megabytes is read by nobody."""
    with open_home(settings(tmp_path, 60), {}) as app:
        app.reload()
        (facts,) = [json.loads(r["facts"]) for r in app.store.read("SELECT facts FROM alert")]
        path = app.home / "watchlist.yaml"
        rows = json.loads(path.read_text("utf-8"))["addresses"]
        bad = [{"address": f"bad{n}", "chain": "dev"} for n in range(60)]
        path.write_text(json.dumps({"addresses": [*rows, *bad]}), "utf-8")
        app.reload()
        sql = "SELECT facts FROM alert ORDER BY rowid DESC LIMIT 1"
        refused = json.loads(app.store.read(sql)[0]["facts"])["lines"]
    assert sum(line.startswith("Refused: ") for line in refused[:60]) == 60  # all, and first
    assert len(facts["lines"]) == NAMED_MOST + 1
    assert (
        facts["lines"][-1] == f"Taken: and {60 - NAMED_MOST} more, see `fundwatch watchlist list`"
    )


def test_first_contact_costs_the_same_an_address(tmp_path: Path) -> None:
    """The first reading of a list does not grow with what is on it."""
    found = []
    for entries in (15, 90):
        ledger = FakeLedger(ETHEREUM)
        ledger.mine()
        (tmp_path / str(entries)).mkdir()
        play = Play(tmp_path / str(entries), ledger, [FakeSource(ledger, "one")])
        play.every = 60  # however slow this machine, none comes due twice in the pass
        listed = [Entry(f"E{n}", Subject("ethereum", address(n))) for n in range(entries)]
        take_list(play.store, listed, "list", ledger.now)
        with steps(play.store) as stepped:
            _, count = bytecodes(partial(play.poll, everything=False))
        assert all(w.baseline for w in watch.all_entries(play.store))
        found.append((count / entries, stepped[0] / entries))
        play.store.close()
    few, many = found
    assert many[0] < few[0] * GROWTH
    assert many[1] < few[1] * GROWTH
