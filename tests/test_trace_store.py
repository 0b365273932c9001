"""Following money in the record: what persons said, what was learned, how a trace stood."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.book import Book, fee, transfer
from world.listed import take_list
from world.logged import differences, erase, tampered
from world.older import record_before
from world.play import A, B, X
from world.tamper import untriggered

from monitor.messages import loglines
from monitor.model import Alert, AlertKind, Kind, Lane, Severity, Subject, Transfer
from monitor.model.acts import Actor, ActorKind, Respell
from monitor.model.acts_trace import LearnOfTrace, SayOfTrace, TakeTrace
from monitor.model.errors import Conflict, StoreError
from monitor.model.trace import (
    Anatomy,
    Code,
    Crossing,
    Node,
    Profile,
    Say,
    State,
    Sum,
    Terms,
    Total,
    Trace,
    TracedAsset,
    Word,
)
from monitor.model.trace_json import from_lines, from_text, to_lines, to_text
from monitor.store import log, trace, trace_bodies, transfers
from monitor.store.commit import commit
from monitor.store.sqlite import Store
from monitor.store.verify import handout
from monitor.store.verify.chain import parsed

NOW = 1_700_000_000
KIM = Actor(ActorKind.CLI, "Kim", "a name given to a command")
CASE = "CASE-1"
SOURCE, NEXT, LAST = (Subject("ethereum", address) for address in (X, A, B))
ETH = TracedAsset("ethereum", "", "ETH", 18, verified=True)


def a_trace(*held: int, case: str = CASE) -> Trace:
    """Addresses that hold so much, one after the other."""
    nodes = [
        Node(
            Subject("ethereum", f"0x{number:040x}"),
            number + 1,
            State.FOLLOWED,
            holds=(Sum(ETH, {"fifo": amount, "lifo": 0}),),
        )
        for number, amount in enumerate(held)
    ]
    total = Total(None, "fifo", out_of_sources=sum(held), resting=sum(held))
    return Trace(case, "Payroll", Terms(), tuple(nodes), totals=(total,))


def take(store: Store, taken: Trace, at: int = NOW) -> int:
    return commit(store, KIM, TakeTrace(at, taken.case, taken))


def say(store: Store, what: Say, subject: Subject | None = None, value: str = "") -> Word:
    word = Word(what, subject, value, "Kim", "the court asked", NOW)
    commit(store, KIM, SayOfTrace(NOW, CASE, word))
    return word


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path)
    made.watch(case=CASE, label="Payroll wallet")
    yield made
    made.store.close()


# -- as JSON -----------------------------------------------------------------------------------

AMOUNTS = st.integers(0, 2**256 - 1)
st.register_type_strategy(
    Transfer,
    st.builds(
        Transfer,
        *(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5), st.sampled_from(Kind)),
        *(st.none() | st.text(max_size=5), st.none() | st.text(max_size=5), AMOUNTS),
        time=st.none() | st.integers(0, NOW),
        pending=st.booleans(),
    ),
)


@given(st.from_type(Trace))
def test_a_trace_comes_back_as_it_was(made: Trace) -> None:
    lines = to_lines(made)
    assert from_lines(lines) == made
    assert to_lines(from_lines(lines)) == lines
    assert all(line.isascii() and "\n" not in line for line in lines)


@given(st.from_type(Profile) | st.from_type(Anatomy))
def test_what_was_learned_comes_back_as_it_was(made: Profile | Anatomy) -> None:
    assert from_text(type(made), to_text(made)) == made


def test_what_a_later_version_adds_is_passed_over() -> None:
    """Keys of values, and lines that are parts of a trace only there."""
    lines = [json.dumps({**json.loads(line), "later": [1]}) for line in to_lines(a_trace(5))]
    assert from_lines([*lines, '{"what":"verdict","of":1}']) == a_trace(5)


def test_terms_are_written_out() -> None:
    """What a state was worked out by is read as it was, whatever a later version begins with."""
    assert '"hops":10' in to_lines(a_trace())[0]
    with pytest.raises(ValueError, match="is no int"):
        from_lines([to_lines(a_trace())[0].replace('"hops":10', '"hops":"10"')])


# -- packed ------------------------------------------------------------------------------------

LINES = st.lists(st.sampled_from("abcdefg"), max_size=12)


@given(LINES, LINES)
def test_a_difference_gives_the_lines(lines: list[str], base: list[str]) -> None:
    assert trace_bodies.unpacked(trace_bodies.packed(lines, base), base) == lines


def test_states_that_differ_little_take_little(book: Book) -> None:
    """And every one of them can be read, over whole ones too."""
    dice = random.Random(1)
    held = [dice.randrange(10**30) for _ in range(200)]
    made = []
    for number in range(60):
        held[number] += 1
        made.append(a_trace(*held))
        assert take(book.store, made[-1], NOW + number) == number + 1
    sizes = [
        row["n"] for row in book.store.read("SELECT length(body) AS n FROM trace_state ORDER BY 1")
    ]
    assert sizes[-3] * 15 < sizes[-2]  # two of sixty stand by themselves
    for number in range(60):
        told = trace.as_of(book.store, CASE, NOW + number)
        assert told is not None
        assert (told.number, told.trace) == (number + 1, made[number])
    assert differences(book.store.path) == []


# -- states ------------------------------------------------------------------------------------


def test_a_state_is_new_where_it_differs(book: Book) -> None:
    store = book.store
    assert trace.newest(store, CASE) is None
    assert [take(store, a_trace(5), NOW), take(store, a_trace(5), NOW + 1)] == [1, 1]
    assert take(store, a_trace(5, 6), NOW + 2) == 2
    assert take(store, a_trace(1, case="CASE-2"), NOW + 3) == 1
    assert take(store, a_trace(5), NOW + 4) == 3
    assert [(line.number, line.at) for line in trace.states(store, CASE)] == [
        *((1, NOW), (2, NOW + 2), (3, NOW + 4))
    ]
    assert trace.cases(store) == [CASE, "CASE-2"]
    newest, then = trace.newest(store, CASE), trace.as_of(store, CASE, NOW + 3)
    assert newest is not None
    assert then is not None
    assert (newest.number, newest.trace) == (3, a_trace(5))
    assert (then.number, then.at, then.trace) == (2, NOW + 2, a_trace(5, 6))
    assert trace.numbered(store, CASE, 1) == trace.as_of(store, CASE, NOW)
    assert trace.as_of(store, CASE, NOW - 1) is None
    assert differences(store.path) == []


def test_a_state_whose_text_was_changed_is_not_shown(book: Book) -> None:
    take(book.store, a_trace(5))
    with book.store.write() as conn, untriggered(conn):
        body = trace_bodies.packed(to_lines(a_trace(6)))
        conn.execute("UPDATE trace_state SET body = ?", (body,))
    with pytest.raises(StoreError, match="state 1 of the trace of case CASE-1 cannot be read"):
        trace.newest(book.store, CASE)
    (found,) = differences(book.store.path)
    assert (found.check, found.place) == ("record", "trace_state CASE-1 1")


def test_cases_follow_by_their_entries(book: Book) -> None:
    """Found without a look at every entry; switching it on and off stands in the log."""
    store = book.store
    assert trace.cases(store) == []
    book.watch(X, case="CASE-2", label='"follow": {', follow=Terms(hops=3))
    book.watch(B, case="CASE-3", label='"follow": {')
    assert trace.cases(store) == ["CASE-2"]
    book.entries[1] = replace(book.entries[1], follow=None)
    take_list(store, book.entries, "without", NOW)
    assert trace.cases(store) == []
    assert told(store)[-1].endswith("(its money is followed no longer)")
    plan = store.read(f"EXPLAIN QUERY PLAN SELECT case_id FROM {trace.FOLLOWING}")
    assert "entry_follow" in plan[0]["detail"]


def test_alerts_are_told_with_the_state_that_they_name(book: Book) -> None:
    """All of it or nothing; and where no new state comes of it too."""
    store = book.store
    alert = Alert("A-1", AlertKind.NOTICE, Lane.NEWS, Severity.LOW, NOW, entry_id="E0", title="on")
    route = ("A-1", "mail", "daily")
    assert commit(store, KIM, TakeTrace(NOW, CASE, a_trace(5), [alert], [route])) == 1
    with pytest.raises(Conflict):
        commit(store, KIM, TakeTrace(NOW, CASE, a_trace(6), [alert], [route]))
    assert [line.number for line in trace.states(store, CASE)] == [1]
    more = replace(alert, id="A-2")
    assert commit(store, KIM, TakeTrace(NOW + 1, CASE, a_trace(5), [more])) == 1
    assert [row["id"] for row in store.read("SELECT id FROM alert ORDER BY id")] == ["A-1", "A-2"]
    assert [row["alert"] for row in store.read("SELECT alert FROM route")] == ["A-1"]
    assert differences(store.path) == []


# -- words and facts ---------------------------------------------------------------------------


def test_what_persons_said_stays_in_its_order(book: Book) -> None:
    said = [say(book.store, Say.STOP, NEXT), say(book.store, Say.RESUME, NEXT)]
    said.append(say(book.store, Say.LIMIT, value="addresses=600"))
    assert trace.words(book.store, CASE) == said
    assert trace.words(book.store, "CASE-2") == []
    commit(book.store, KIM, Respell(NOW, [(NEXT, LAST.address)]))
    assert [word.subject for word in trace.words(book.store, CASE)] == [LAST, LAST, None]
    assert differences(book.store.path) == []


def test_the_newest_that_was_learned_counts(book: Book) -> None:
    """And what was learned before stays; two cases learn of the same address."""
    quiet = Profile(NEXT, Code.NONE, transactions=3, source="node", at=NOW, calls=2)
    busy = replace(quiet, transactions=90_000, at_least=True, at=NOW + 5)
    coin = transfer(105)
    crossing = Crossing("Across", True, "across/1/7", 3, X, chain="base", recipient=A, amount=5)
    anatomy = Anatomy("ethereum", coin.tx, (coin,), (crossing,), "node", NOW, "ab")
    commit(book.store, KIM, LearnOfTrace(NOW, CASE, [quiet], [anatomy]))
    commit(book.store, KIM, LearnOfTrace(NOW, CASE, [quiet]))  # once more
    commit(book.store, KIM, LearnOfTrace(NOW + 5, "CASE-2", [busy]))
    assert trace.profiles(book.store, [NEXT, LAST]) == {NEXT: busy}
    key = ("ethereum", coin.tx)
    assert trace.anatomies(book.store, [key, ("base", coin.tx)]) == {key: anatomy}
    (count,) = book.store.read("SELECT count(*) FROM trace_profile")[0]
    assert count == 2
    assert differences(book.store.path) == []


def test_calls_are_counted_from_a_yes_and_by_the_day(book: Book) -> None:
    store, yes = book.store, NOW + 500
    trace.use(store, CASE, NOW, 0, finding=7, watching=1)
    trace.use(store, CASE, yes, yes, finding=2)
    trace.use(store, CASE, yes + trace.DAY, yes, finding=3, watching=4)
    assert trace.used(store, CASE, yes, 0) == trace.Used(12, 1)
    assert trace.used(store, CASE, yes + trace.DAY, yes) == trace.Used(5, 4)
    assert trace.used(store, "CASE-2", NOW, 0) == trace.Used(0, 0)


# -- rows --------------------------------------------------------------------------------------


def test_rows_that_stand_and_when_they_are_others(book: Book) -> None:
    """What waits in a mempool and what did not happen does not count."""
    store = book.store
    pending = replace(transfer(105, tx="0xt9"), block_height=None, time=None, pending=True)
    coin, cost = transfer(105), fee(105)
    book.read(coin, cost, head=106)
    first = trace.versions(store, [SOURCE, NEXT])
    assert {row.transfer.leg for row in trace.standing_rows(store, NEXT)} == {coin.leg, cost.leg}
    book.read(coin, cost, pending, head=107)
    assert transfers.row_count(store, SOURCE) == 2
    assert {row.transfer.tx for row in trace.standing_rows(store, SOURCE)} == {coin.tx}
    book.read(coin, cost, head=140)
    then = trace.versions(store, [SOURCE, NEXT])
    assert then[SOURCE] > first[SOURCE]
    book.read(coin, cost, head=141)
    assert trace.versions(store, [SOURCE, NEXT]) == then


def test_of_inputs_and_outputs_the_whole_transaction_counts(book: Book) -> None:
    """Whose part is traced depends on the legs of others."""
    sides = (("in:0", NEXT.address, None), ("out:0", None, LAST.address), ("out:1", None, X))
    legs = [
        replace(
            transfer(105, kind=Kind.UTXO_OUT if sender is None else Kind.UTXO_IN),
            **{"leg": leg, "sender": sender, "recipient": recipient},
        )
        for leg, sender, recipient in sides
    ]
    book.read(*legs, head=140)
    for subject in (SOURCE, NEXT):
        found = trace.standing_rows(book.store, subject)
        assert [row.transfer.leg for row in found] == ["in:0", "out:0", "out:1"]


# -- the log -----------------------------------------------------------------------------------


def everything(store: Store) -> None:
    say(store, Say.APPROVE, NEXT)
    profile = Profile(NEXT, Code.NONE, at=NOW)
    anatomy = Anatomy("ethereum", "0xt1", (), at=NOW)
    commit(store, KIM, LearnOfTrace(NOW, CASE, [profile], [anatomy]))
    take(store, a_trace(5))
    take(store, a_trace(5, 6))
    take(store, a_trace(5, 6, 7))


def told(store: Store) -> list[str]:
    texts = store.read("SELECT text FROM log_text WHERE text IS NOT NULL ORDER BY seq")
    return [loglines.said(parsed(row["text"]) or {}) for row in texts]


def test_the_log_says_it_in_words(book: Book) -> None:
    everything(book.store)
    lines = told(book.store)[-5:]
    assert lines[0] == (f'said of the trace of case CASE-1: approve {NEXT.key} ("the court asked")')
    assert lines[1] == (
        f"learned for the trace of case CASE-1 how addresses behave: {NEXT.key}; "
        "what whole transactions did: ethereum 0xt1"
    )
    assert lines[4].startswith("took state 3 of the trace of case CASE-1 (")
    assert lines[4].endswith("3 addresses, 0 movements")
    size = book.store.read("SELECT max(length(text)) FROM log_text")[0][0]
    assert size < 3000  # however large a trace is, its text stands beside the log
    shown = handout.Counts()
    list(handout.lines(book.store, CASE, "today", "Kim", shown))
    assert shown.shown >= 5


def test_how_much_the_log_says_there_is_of_a_state_is_so(book: Book) -> None:
    """A text that was forged with every hash after it shows in the record."""
    take(book.store, a_trace(5))
    with book.store.write() as conn, untriggered(conn):
        (seq,) = numbers(book.store, "trace state")
        text = conn.execute("SELECT text FROM log_text WHERE seq = ?", (seq,)).fetchone()[0]
        assert '"usd":{"fifo":[5,5,0]}' in text
        forged = text.replace('"fifo":[5,5,0]', '"fifo":[6,6,0]')
        salt = "00" * log.SALT_BYTES
        digest = log.digest_of(salt, forged)
        before = conn.execute("SELECT hash FROM log WHERE seq = ?", (seq - 1,)).fetchone()[0]
        conn.execute("UPDATE log_text SET salt = ?, text = ? WHERE seq = ?", (salt, forged, seq))
        link = log.link(seq, before, digest)
        conn.execute("UPDATE log SET digest = ?, hash = ? WHERE seq = ?", (digest, link, seq))
    (found,) = differences(book.store.path)
    assert (found.check, found.place) == ("record", "trace_state CASE-1 1")


@pytest.mark.parametrize("number", range(16))
def test_tampering_is_found(book: Book, tmp_path: Path, number: int) -> None:
    everything(book.store)
    copy = tmp_path / "copy.db"
    book.store.backup(copy)
    done = tampered(copy, random.Random(number))
    assert differences(copy), done


@pytest.mark.parametrize("table", ["trace_word", "trace_profile", "trace_anatomy", "trace_state"])
def test_nothing_of_it_is_changed_or_deleted(book: Book, table: str) -> None:
    everything(book.store)
    assert book.store.read(f"SELECT 1 FROM {table}")
    with closing(sqlite3.connect(book.store.path)) as conn:
        columns = [row[1] for row in conn.execute(f"PRAGMA table_info({table})")]
        for column in columns:
            with pytest.raises(sqlite3.IntegrityError):
                conn.execute(f"UPDATE {table} SET {column} = {column}")
        with pytest.raises(sqlite3.IntegrityError, match="ever deleted"):
            conn.execute(f"DELETE FROM {table}")


def numbers(store: Store, what: str) -> list[int]:
    sql = "SELECT seq FROM log_text WHERE json_extract(text, '$.what') = ? ORDER BY seq"
    return [row["seq"] for row in store.read(sql, [what])]


@pytest.mark.parametrize("which", [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]])
def test_a_state_that_was_erased_is_gone_and_the_others_are_there(
    book: Book, tmp_path: Path, which: list[int]
) -> None:
    """Also those that were kept as a difference to it; a new one begins after it."""
    store = book.store
    everything(store)
    seqs = numbers(store, "trace state")
    erase(store, [seqs[place] for place in which])
    for place, held in enumerate([(5,), (5, 6), (5, 6, 7)]):
        found = trace.numbered(store, CASE, place + 1)
        assert (found and found.trace) == (None if place in which else a_trace(*held))
    assert take(store, a_trace(5, 6, 7), NOW + 9) == (4 if 2 in which else 3)
    assert trace.newest(store, CASE) is not None
    assert differences(store.path) == []
    with closing(sqlite3.connect(store.path)) as conn, pytest.raises(sqlite3.IntegrityError):
        conn.execute("UPDATE trace_state SET body = X'00' WHERE number = 2")
    copy = tmp_path / "copy.db"
    store.backup(copy)
    with closing(sqlite3.connect(copy)) as conn, untriggered(conn):
        conn.execute(
            "UPDATE trace_state SET body = ? WHERE number = ?",
            [trace_bodies.packed(["{}"]), which[0] + 1],
        )
        conn.commit()
    assert [found.check for found in differences(copy)] == ["record"]


def test_name_and_reason_go_with_the_text(book: Book) -> None:
    store = book.store
    everything(store)
    erase(store, [*numbers(store, "trace word"), *numbers(store, "trace facts")])
    (word,) = trace.words(store, CASE)
    assert (word.say, word.subject, word.by, word.why) == (Say.APPROVE, NEXT, "", "")
    assert trace.profiles(store, [NEXT])
    assert differences(store.path) == []


def test_an_older_record_is_brought_to_this_schema(tmp_path: Path) -> None:
    """`verify` reads one that was not."""
    older = tmp_path / "older.db"
    record_before("m009_trace", older).close()
    shutil.copyfile(older, tmp_path / "kept.db")
    assert differences(tmp_path / "kept.db") == []
    Store(older).close()
    assert differences(older) == []
