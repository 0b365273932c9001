"""Above a thousand entries `status` counts and shows the worst: what is counted is what a look at
each entry would find, whatever their chain's reading came to."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from world.home import ALICE, opened
from world.members import WHOLE

from monitor.app.fundwatch import Fundwatch
from monitor.chains.table import streams_of
from monitor.cli import main
from monitor.loops.clock import now
from monitor.loops.health import balance_words, entry_status, status, vitals
from monitor.loops.health.snapshot import Alike
from monitor.loops.health.words import render
from monitor.model import Severity, Subject
from monitor.model.status import State
from monitor.model.streams import UNSERVED
from monitor.store import standing, watch
from monitor.store.rows import entry_terms
from monitor.store.watch import PARKED

MANY = 5000
Row = tuple[object, ...]

# How the reading of the chain as a whole stands: of each list (error, fails, was ever read).
GOOD, BAD, NEVER = ("", False, True), ("HTTP 500", True, True), ("HTTP 500", True, False)
LACKS = (UNSERVED, True, False)


def reading(scope: str, stream: str, at: int, how: tuple[str, bool, bool]) -> Row:
    error, fails, ever = how
    ok = at - 30 if ever else None
    return (scope, stream, at, ok, "mine", "height", 50 if ever else None, ok, error or None,
            at - 600 if fails else None)  # fmt: skip


def fill(app: Fundwatch, whole: Sequence[tuple[str, bool, bool]], at: int, gap: int | None) -> None:
    """5,000 entries of all kinds on a chain that is read block by block."""
    dice, streams = random.Random(5), streams_of(app.settings.chains["dev"])
    (first,) = watch.entries_of(app.store, [Subject("dev", ALICE)])[Subject("dev", ALICE)]
    entries, scopes, members, debts, own, gaps, never = [], [], [], [], [], [], []  # type: ignore[var-annotated]
    for number in range(MANY):
        subject = Subject("dev", f"0x{number + 0xB000:040x}")
        key, member = subject.key, dice.random() < 0.9
        loud = Severity.SEVERE if dice.random() < 0.01 else Severity.MEDIUM
        entry = replace(first.entry, id=f"E-{number}", subject=subject, severity=loud)
        met, told = dice.random() < 0.95, dice.random() < 0.7
        entries.append((entry.id, key, entry.case, entry_terms(entry), at - 900,
                        20 if met else None, at, at, ("due", "told")[told and met]))  # fmt: skip
        scopes.append((key, "dev", subject.address, PARKED if member else dice.choice((at, 5))))
        if member:
            members.append((key, WHOLE.key, "*", "height", dice.choice((0, 21, 30))))
            if dice.random() < 0.2:
                debts.append((key, "dev", 1, 0 if loud is Severity.SEVERE else 2))
        if asleep := GOOD in whole and dice.random() < 0.01:
            never.append((key, 1, "[]", 9, "0x9", 9, "mine", 9, 1))
        if dice.random() < 0.1 and not asleep:
            tried, how = at + dice.choice((-60, 5)), dice.choice((GOOD, BAD, LACKS))
            own += [reading(key, stream, tried, how) for stream in streams]
        if dice.random() < 0.01:
            gaps.append((key, streams[0], "mine", "height", 3, 4, "a broken row", "", 1, 1))
    with app.store.write() as conn:
        for table in ("reading", "coverage"):
            conn.execute(f"DELETE FROM {table}")
        conn.execute("INSERT INTO scope (key, chain, address, due) VALUES ('dev/*', 'dev', '*', ?)",
                     (at + 20,))  # fmt: skip
        for sql, rows in (
            ("scope (key, chain, address, due) VALUES (?,?,?,?)", scopes),
            ("entry (id, subject, case_id, terms, added, base_height, base_time, base_head_time, "
             "history) VALUES (?,?,?,?,?,?,?,?,?)", entries),
            ("joined (subject, scope, stream, axis, from_place) VALUES (?,?,?,?,?)", members),
            ("debt (subject, chain, history, rank) VALUES (?,?,?,?)", debts),
            ("gap (scope, stream, source, axis, lo, hi, reason, raw, opened, next_try) "
             "VALUES (?,?,?,?,?,?,?,?,?,?)", gaps),
            ("dormant (subject, since, words, height, hash, time, source, at, asleep) "
             "VALUES (?,?,?,?,?,?,?,?,?)", never),
            ("reading (scope, stream, tried, ok, source, axis, complete_to, complete_time, error, "
             "failing) VALUES (?,?,?,?,?,?,?,?,?,?)",
             [*own, *(reading(WHOLE.key, each, at, how)
                      for each, how in zip(streams, whole, strict=False))]),
            ("coverage (scope, stream, source, axis, lo, hi, at) VALUES (?,?,?,?,?,?,?)",
             [(WHOLE.key, stream, "mine", "height", 0, 50, at) for stream in streams]),
            ("gap (scope, stream, source, axis, lo, hi, reason, raw, opened, next_try) "
             "VALUES (?,?,?,?,?,?,?,?,?,?)",
             [] if gap is None else
             [(WHOLE.key, streams[0], "mine", "height", gap, gap, "a broken block", "", 1, 1)]),
        ):  # fmt: skip
            conn.executemany(f"INSERT INTO {sql}", rows)


STANDS = {
    "it is read": ([GOOD] * 5, None),
    "one list has no source": ([GOOD, LACKS, GOOD, GOOD, GOOD], None),
    "one list fails": ([GOOD, BAD, GOOD, GOOD, GOOD], None),
    "it was never read": ([NEVER] * 5, None),
    "nobody lists anything": ([LACKS] * 5, None),
    "it was just begun": ([], None),
    "a block could not be read": ([GOOD] * 5, 25),
}


@pytest.fixture(params=STANDS, scope="module")
def many(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fundwatch]:
    with opened(tmp_path_factory.mktemp("many")) as (_, app):
        fill(app, *STANDS[request.param][:1], now(), STANDS[request.param][1])
        yield app


def test_what_is_counted_is_what_is_found_one_by_one(many: Fundwatch) -> None:
    at = now()
    each = entry_status.entries_read(many.store, many.settings, at, running=True)
    plain = Counter(entry.state for entry in each)
    counted = Counter[State]()
    for (_, state), number in vitals.states(many.store, many.settings, at).items():
        counted[state] += number
    assert len(each) == MANY + 2
    assert +counted == plain


def kinds(found: Iterable[Alike]) -> Counter[object]:
    """How many entries stand how, list by list, and of complete ones from where to where."""
    counted = Counter[object]()
    for each in found:
        one = each.entry
        lists = (
            (s.stream, s.state, s.state == State.COMPLETE and (s.covered_from, s.covered_to, s.by))
            for s in one.streams
        )
        counted[one.case, one.chain, one.state, *lists] += each.number
    return counted


def test_those_that_stand_alike_are_found_together(many: Fundwatch) -> None:
    """List by list as one by one, and far fewer of them."""
    at = now()
    each = entry_status.entries_read(many.store, many.settings, at, running=True)
    together = [*entry_status.alike_read(many.store, many.settings, at)]
    assert kinds(together) == kinds(map(Alike, each))
    assert len(together) < MANY // 2


def test_of_those_that_stand_alike_the_same_is_said_of_balances(tmp_path: Path) -> None:
    """Also where one address has two entries, and where a sum is not the balance."""
    dice, at = random.Random(7), now()
    with opened(tmp_path) as (_, app):
        fill(app, [GOOD] * 5, at, None)
        with app.store.write() as conn:
            conn.execute(
                "INSERT INTO entry (id, subject, case_id, terms, added, history) SELECT "
                "'T' || id, subject, case_id, terms, added, history FROM entry WHERE id LIKE '%7'"
            )
            subjects = [row["subject"] for row in conn.execute("SELECT subject FROM entry")]
            rows: list[Row] = []
            for subject in sorted({*subjects}):
                states = ("reconciled", "reconciled", "reconciled", "cannot_check")
                state = "unexplained" if dice.random() < 0.01 else dice.choice(states)
                reason = dice.choice(("no source", "it stands still")) if state[0] == "c" else ""
                block = dice.randrange(20, 50)
                if dice.random() < 0.8:
                    rows.append((subject, "", at, state, reason, "ETH", 18, 1, block, block,
                                 at - 100 + block, "5", "4", "a"))  # fmt: skip
            conn.executemany(
                "REPLACE INTO balance (subject, contract, at, state, reason, symbol, decimals, "
                "verified, low, high, time, amount, recorded, source) VALUES "
                "(?,?,?,?,?,?,?,?,?,?,?,?,?,?)", rows)  # fmt: skip
        each = entry_status.entries_read(app.store, app.settings, at, running=True)
        together = [*entry_status.alike_read(app.store, app.settings, at)]
    assert kinds(together) == kinds(map(Alike, each))
    assert len(together) < MANY // 2
    said = balance_words.daily(map(Alike, each))
    assert "cannot be checked" in said
    assert "not asked yet" in said
    assert balance_words.daily(together) == said
    apart = sorted(e.id for e in each if e.balances and e.balances.unexplained)
    assert apart == sorted(a.entry.id for a in together if balance_words.apart([a.entry]))


def test_the_worst_thousand_are_shown_and_the_others_counted(many: Fundwatch) -> None:
    at = now()
    every = status.snapshot(many.store, many.settings, at, running=True, everything=True)
    found = status.snapshot(many.store, many.settings, at, running=True)
    assert replace(found.verdict, words="") == replace(every.verdict, words="")
    assert (every.left_out, len(every.entries)) == (0, MANY + 2)
    wrong = [entry.state for entry in every.entries if entry.state != State.COMPLETE]
    assert [entry.state for entry in found.entries] == sorted(wrong, key=list(State).index)[:1000]
    assert found.left_out == len(wrong) - 1000
    by_id = {entry.id: entry for entry in every.entries}
    assert all(entry == by_id[entry.id] for entry in found.entries)
    assert found.balances == every.balances
    told = sum(state != State.DORMANT for state in wrong)  # of the dormant another line speaks
    shown = sum(entry.state != State.DORMANT for entry in found.entries)
    more = f"({told - shown:,} more entries are not complete"
    assert (more in render(found, everything=False, width=100)) == (told > shown)


def test_what_fails_is_counted_for_all(many: Fundwatch) -> None:
    """Against the plain question, of every list of every address."""
    plain = many.store.read(
        "SELECT r.stream, coalesce(r.error, '') = ? AS unserved, count(DISTINCT e.id) AS n, "
        "max(json_extract(e.terms, '$.severity') = 'severe') AS severe FROM list_read r "
        "JOIN entry e ON e.subject = r.subject WHERE r.failing IS NOT NULL "
        "AND e.retired IS NULL GROUP BY r.stream, unserved ORDER BY r.stream, unserved",
        [UNSERVED],
    )
    found = [
        (f.stream, f.unserved, f.entries, f.severe) for f in standing.failing_lists(many.store)
    ]
    assert found == [(r["stream"], bool(r["unserved"]), r["n"], bool(r["severe"])) for r in plain]


def test_a_program_gets_all_when_it_asks(tmp_path: Path) -> None:
    with opened(tmp_path) as (_, app):
        fill(app, [GOOD] * 5, now(), None)
    asked = ["--home", str(tmp_path), "status", "--json"]
    some, every = (
        json.loads(CliRunner().invoke(main, args).output) for args in (asked, [*asked, "--all"])
    )
    assert (len(some["entries"]), len(every["entries"])) == (1000, MANY + 2)
    assert some["left_out"] + 1000 == sum(e["state"] != "complete" for e in every["entries"])
    assert some["verdict"] | {"words": ""} == every["verdict"] | {"words": ""}
    assert some["chains"]["dev"]["reading"] == {
        "mode": "blocks", "head": some["chains"]["dev"]["reading"]["head"],
        "covered_to": 50, "proven_to": 50,
        "behind": max(0, some["chains"]["dev"]["reading"]["head"] - 50), "source": "mine",
    }  # fmt: skip
    assert some["chains"]["dev"]["debt"]["addresses"] > 0


def test_a_chain_that_nobody_reads_is_overdue(tmp_path: Path) -> None:
    """Its members are not due by themselves, and it is not forgotten for that."""
    at = now()
    with opened(tmp_path) as (_, app):
        fill(app, [GOOD] * 5, at, None)
        with app.store.write() as conn:
            conn.execute("UPDATE scope SET due = ? WHERE due < ?", (at, PARKED))
            conn.execute("UPDATE reading SET tried = min(tried, ?)", (at,))
        late = at + 3600
        assert standing.idle_since(app.store, ["dev"]) == at
        assert vitals.overdue(app.store, app.settings, late) == 3600


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("canaries", ()), ("has_severe", ("dev",)), ("restricted", ("dev",)),
    ],
)  # fmt: skip
def test_what_few_entries_say_is_found_by_an_index(
    tmp_path: Path, sql: str, params: tuple[str, ...]
) -> None:
    with opened(tmp_path) as (_, app):
        asked: list[str] = []
        with app.store.write() as conn:
            conn.set_trace_callback(asked.append)  # type: ignore[attr-defined]
        getattr(watch, sql)(app.store, *params)
        with app.store.write() as conn:
            conn.set_trace_callback(None)  # type: ignore[attr-defined]
        (question,) = [each for each in asked if each.startswith("SELECT")]
        plan = [r["detail"] for r in app.store.read(f"EXPLAIN QUERY PLAN {question}")]
        assert any("USING INDEX entry_" in line or "COVERING" in line for line in plan), plan
        assert not any(line.startswith("SCAN entry") and "INDEX" not in line for line in plan), plan
