"""Versions of published lists in the record: whole or not at all, and what they make watched."""

from __future__ import annotations

import gzip
import random
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from world.logged import differences, tampered
from world.older import record_before
from world.published import Desk, Line, address, key, lines, sdn
from world.tamper import untriggered

from monitor.loops import list_words
from monitor.model.acts import Actor, ActorKind
from monitor.model.errors import ConfigError
from monitor.store import first_read, list_news, listing
from monitor.store.sqlite import Store

KIM = Actor(ActorKind.CLI, "Kim", "a name given to a command")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


def words(desk: Desk, old: int, new: int) -> list[tuple[str, str]]:
    """What differs between two versions."""
    return sorted(
        (each.word, (each.new or each.old).row.published.address)  # type: ignore[union-attr]
        for each in listing.changes(desk.store, "ofac", old, new)
    )


def test_entries_of_lists_are_found_without_reading_all_entries(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a version takes the square of its rows: they are looked up part by part."""
    desk.take(lines(1, 2))
    read, asked = desk.store.read, []

    def noted(sql: str, params: Sequence[object] = ()) -> list[Any]:
        asked.append((sql, list(params)))
        return read(sql, params)

    monkeypatch.setattr(desk.store, "read", noted)
    desk.take(lines(2, 3))
    list(listing.entries_of(desk.store, "ofac"))
    listing.counts(desk.store, "ofac")
    listing.waiting(desk.store, "ofac", "2026-03-01")
    first_read.unread(desk.store, ["ofac"], ["ethereum"])
    for later in list_news.later(desk.store, 0):
        list_news.additions(desk.store, later)
    plans = {sql: read(f"EXPLAIN QUERY PLAN {sql}", params) for sql, params in asked}
    of_entries = {
        sql: step["detail"]
        for sql, plan in plans.items()
        for step in plan
        if re.search(r"\b(entry|e)\b", step["detail"])
    }
    assert len(of_entries) > 5
    assert [each for each in of_entries.items() if each[1].startswith("SCAN")] == []


# -- versions --------------------------------------------------------------------------------


def test_a_version_is_taken_with_its_entries(desk: Desk) -> None:
    rows = lines(1, 2) + lines(3, entity="7", name="BETA")
    outcome = desk.take(rows)
    assert outcome.new
    assert outcome.publication is not None
    assert (outcome.publication.nr, outcome.publication.rows) == (1, 3)
    assert outcome.publication.published == "2026-03-01"
    entries = desk.entries()
    assert set(entries) == {key(row) for row in rows}
    entry = entries[key(rows[2])]
    assert (entry.case, entry.label, entry.incoming) == ("OFAC-7", "BETA", "daily")
    assert entry.origin is not None
    assert (entry.origin.since, entry.origin.at_least) == ("2026-03-01", True)
    assert desk.differences() == []


def test_the_same_content_again_is_nothing_new(desk: Desk) -> None:
    desk.take(lines(1, 2))
    before = desk.store.read("SELECT max(seq) FROM log")[0][0]
    outcome = desk.take(lines(1, 2))
    assert not outcome.new
    assert outcome.publication == listing.newest(desk.store, "ofac")
    assert desk.store.read("SELECT max(seq) FROM log")[0][0] == before


def test_a_list_may_go_back_to_what_it_was(desk: Desk) -> None:
    """A, B, A: three versions; both intervals of what came back are kept."""
    one, both = lines(1), lines(1, 2)
    for rows, day in ((both, "2026-03-01"), (one, "2026-03-02"), (both, "2026-03-01")):
        desk.take(rows, day, shrunk=True)
    assert [p.nr for p in listing.publications(desk.store, "ofac")] == [1, 2, 3]
    (sha,) = {p.sha256 for p in listing.publications(desk.store, "ofac") if p.nr != 2}
    assert [p.nr for p in listing.version(desk.store, "ofac", sha[:12])] == [3]
    history = listing.histories(desk.store, "ofac", [both[1].address])[both[1].address, "1"]
    assert [(each.from_nr, each.until_nr) for each in history] == [(1, 2), (3, None)]
    assert words(desk, 1, 2) == [("removed", both[1].address)]
    assert words(desk, 2, 3) == [("added", both[1].address)]
    assert words(desk, 3, 2) == [("removed", both[1].address)]
    assert words(desk, 1, 3) == []
    assert desk.differences() == []


def test_two_rows_of_one_key_are_one_row_whatever_their_order(desk: Desk) -> None:
    one, two = Line(address(1)), Line(address(1).upper().replace("0X", "0x"))
    outcome = desk.take([one, two, one])
    assert outcome.publication is not None
    assert outcome.publication.rows == 1
    desk.take([two, one])
    assert words(desk, 1, 2) == []


def test_another_spelling_is_no_removal(desk: Desk) -> None:
    desk.take([Line(address(1).upper().replace("0X", "0x"))])
    before = desk.entries()
    desk.take([Line(address(1))])
    assert words(desk, 1, 2) == [("changed", address(1))]
    assert desk.entries() == before
    assert listing.removals(desk.store, "ofac") == []


def test_a_file_that_cannot_be_read_to_its_end_changes_nothing(desk: Desk) -> None:
    desk.take(lines(*range(30)))
    before = desk.store.read("SELECT max(seq) FROM log")[0][0], desk.rows(), desk.entries()
    for text in (sdn(lines(*range(40)))[:-200], "", "<sdnList>", "<html>welcome</html>"):
        with pytest.raises(ConfigError):
            desk.take(text)
    assert (
        desk.store.read("SELECT max(seq) FROM log")[0][0],
        desk.rows(),
        desk.entries(),
    ) == before
    assert desk.store.read("SELECT count(*) FROM staged")[0][0] == 0
    assert desk.differences() == []


def test_the_file_is_kept_as_it_came(desk: Desk) -> None:
    outcome = desk.take(lines(1))
    assert outcome.publication is not None
    kept = desk.lists.kept("ofac", outcome.publication.sha256)
    assert gzip.decompress(kept.read_bytes()).decode() == sdn(lines(1))
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)


# -- what is held back -----------------------------------------------------------------------


def test_a_list_that_shrinks_waits_for_a_yes(desk: Desk) -> None:
    desk.take(lines(*range(40)))
    fewer = lines(*range(35))
    outcome = desk.take(fewer)
    assert outcome.publication is None
    assert outcome.why == "it has 35 rows, the version in force has 40"
    assert len(desk.rows()) == 40
    assert listing.removals(desk.store, "ofac") == []
    assert desk.take(fewer, by=KIM, shrunk=True).new
    assert len(desk.rows()) == 35
    assert len(desk.entries()) == 40  # nothing stops being watched
    assert len(listing.removals(desk.store, "ofac")) == 5
    (text,) = desk.store.read("SELECT text FROM log_text WHERE text LIKE '%\"shrunk\"%'")
    assert '"name":"Kim"' in text[0]
    assert desk.differences() == []


def test_a_list_that_loses_four_and_gains_six_is_not_held(desk: Desk) -> None:
    desk.take(lines(*range(20)))
    assert desk.take(lines(*range(4, 26))).new


def test_no_file_without_an_address_replaces_a_list(desk: Desk) -> None:
    """Not with a yes either."""
    desk.take(lines(1, 2))
    for rows in ([], [Line("no address at all"), Line("nor this")]):
        with pytest.raises(ConfigError):
            desk.take(rows, shrunk=True)
    assert len(desk.rows()) == 2


def test_the_history_of_what_a_list_gained_waits_for_a_yes(desk: Desk) -> None:
    """It is watched for what is new at once."""
    desk.take(lines(*range(100)))
    assert not listing.state(desk.store, "ofac").grown
    desk.take(lines(*range(701)))
    assert desk.lists.waiting("ofac") == 601
    sinces = {e.since for e in desk.entries().values()}
    assert len(sinces) == 2
    assert {
        e.since for k, e in desk.entries().items() if k in {key(x) for x in lines(*range(100))}
    } == {"first"}
    desk.reopen()
    desk.lists.settle()  # nothing else changes that
    desk.take(lines(*range(702)))
    assert desk.lists.waiting("ofac") == 602
    assert desk.lists.accept_grown("ofac", KIM) == 602
    assert {e.since for e in desk.entries().values()} == {"first"}
    assert desk.lists.waiting("ofac") == 0
    assert desk.lists.accept_grown("ofac", KIM) == 0
    assert desk.differences() == []


def test_a_yes_beforehand_lets_nothing_wait(desk: Desk) -> None:
    desk.take(lines(*range(100)))
    desk.take(lines(*range(701)), grown=True)
    assert desk.lists.waiting("ofac") == 0
    assert {e.since for e in desk.entries().values()} == {"first"}


# -- entries ---------------------------------------------------------------------------------


def test_what_is_removed_stays_watched_and_says_so(desk: Desk) -> None:
    rows = lines(*range(20))
    desk.take(rows)
    ids = {k: e.id for k, e in desk.entries().items()}
    desk.take(rows[:19], "2026-03-09")
    entry = desk.entries()[key(rows[19])]
    assert entry.origin is not None
    assert (entry.origin.since, entry.origin.until) == ("2026-03-01", "2026-03-09")
    assert [w.entry for w in listing.removals(desk.store, "ofac")] == [entry]
    assert listing.counts(desk.store, "ofac") == listing.Counts(19, 1)
    desk.take(rows, "2026-03-12")
    assert {k: e.id for k, e in desk.entries().items()} == ids
    entry = desk.entries()[key(rows[19])]
    assert entry.origin is not None
    assert (entry.origin.since, entry.origin.until) == ("2026-03-12", "")
    assert not entry.origin.at_least
    assert listing.removals(desk.store, "ofac") == []
    assert desk.differences() == []


def test_listed_again_for_somebody_else_is_another_entry(desk: Desk) -> None:
    """bnb136ns..., of Sokolovski and then of Crypto Home DMCC: both intervals are kept."""
    rows = lines(*range(20))
    other = Line(rows[19].address, "9", "CRYPTO HOME DMCC")
    for told, day in (
        (rows, "2025-11-19"),
        (rows[:19], "2025-11-24"),
        ([*rows[:19], other], "2026-08-07"),
    ):
        desk.take(told, day)
    old, new = desk.entries()[key(rows[19])], desk.entries()[key(other)]
    assert old.id != new.id
    assert old.origin is not None
    assert new.origin is not None
    assert (old.origin.since, old.origin.until) == ("2025-11-19", "2025-11-24")
    assert (new.origin.since, new.origin.until) == ("2026-08-07", "")
    assert (old.case, new.case) == ("OFAC-1", "OFAC-9")
    assert desk.differences() == []


def test_an_entity_that_is_called_otherwise_is_the_same(desk: Desk) -> None:
    desk.take(lines(1))
    (before,) = desk.entries().values()
    desk.take(lines(1, name="ALPHA LIMITED", programs=("DPRK3", "CYBER2")))
    (after,) = desk.entries().values()
    assert after.id == before.id
    assert (after.label, after.origin and after.origin.programs) == (
        "ALPHA LIMITED",
        ("DPRK3", "CYBER2"),
    )
    assert after.origin
    assert before.origin
    assert after.origin.since == before.origin.since
    assert words(desk, 1, 2) == [("changed", address(1))]


def test_settings_of_a_list_are_followed_without_a_new_version(desk: Desk) -> None:
    desk.take(lines(1))
    (before,) = desk.entries().values()
    desk.set(case="DESK-{entity}", severity=before.severity.LOW, min_amount={"USD": "5"})
    (after,) = desk.entries().values()
    assert after == replace(
        before, case="DESK-1", severity=before.severity.LOW, min_amount={"USD": "5"}
    )
    (row,) = desk.store.read("SELECT case_id FROM entry")
    assert row["case_id"] == "DESK-1"
    assert desk.differences() == []
    seq = desk.store.read("SELECT max(seq) FROM log")[0][0]
    desk.reopen()
    desk.lists.settle()
    assert desk.store.read("SELECT max(seq) FROM log")[0][0] == seq


def test_other_chains_of_a_list_are_followed_without_a_new_version(desk: Desk) -> None:
    """What only the settings left out is watched then; what is watched stays so."""
    desk.set(chains=("bitcoin",))
    desk.take(lines(1))
    assert desk.entries() == {}
    desk.set(chains=("ethereum",))
    assert set(desk.entries()) == {key(lines(1)[0])}
    desk.set(chains=("ethereum", "bnb"))
    both = desk.entries()
    assert {each.partition("/")[0] for each in both} == {"ethereum", "bnb"}
    desk.set(chains=("bitcoin",))
    assert desk.entries() == both
    desk.take(lines(1, 2))
    assert desk.entries() == both
    assert desk.differences() == []


def test_a_list_that_is_watched_no_more_ends_no_watch(desk: Desk) -> None:
    desk.take(lines(1, 2))
    before = desk.entries()
    desk.set(watch=False)
    desk.take(lines(1, 2, 3))
    assert desk.entries() == before
    desk.set(watch=True)
    assert len(desk.entries()) == 3
    desk.configs = {}
    desk.reopen()
    desk.lists.settle()
    assert len(desk.entries()) == 3


def test_a_list_that_is_not_watched_makes_nothing_watched(desk: Desk) -> None:
    desk.set(watch=False)
    desk.take(lines(1, 2))
    assert desk.watched() == {}
    assert len(desk.rows()) == 2
    desk.set(watch=True)
    assert len(desk.entries()) == 2


# -- against a naive model -------------------------------------------------------------------


def test_any_sequence_of_versions_is_as_a_naive_model_has_it(desk: Desk) -> None:
    """Lists that change, shrink and contradict themselves, against sets in memory."""
    dice = random.Random(7)
    every = [
        Line(address(n), str(entity), ticker=ticker)
        for n in range(12)
        for entity in (1, 2)
        for ticker in ("ETH", "USDT")
    ]
    versions: list[set[Line]] = []
    ever: dict[str, str] = {}  # entries that there are, and until when
    for step in range(25):
        mine = set(dice.sample(every, dice.randint(1, len(every))))
        day = f"2026-04-{step + 1:02}"
        desk.take(sorted(mine, key=lambda line: (line.entity, dice.random())), day, shrunk=True)
        versions.append(mine)
        now = {key(line) for line in mine}
        ever |= {each: ever.get(each) or day for each in ever.keys() - now}
        ever |= dict.fromkeys(now, "")
        assert {k: e.origin and e.origin.until for k, e in desk.entries().items()} == ever
    for nr, mine in enumerate(versions, 1):
        told = [each.row.published for each in listing.at_version(desk.store, "ofac", nr)]
        assert sorted((p.address, p.entity.id, p.ticker) for p in told) == sorted(
            (line.address, line.entity, line.ticker) for line in mine
        )
    for _ in range(20):
        old, new = dice.sample(range(1, len(versions) + 1), 2)
        added, gone = versions[new - 1] - versions[old - 1], versions[old - 1] - versions[new - 1]
        assert words(desk, old, new) == sorted(
            [("added", line.address) for line in added]
            + [("removed", line.address) for line in gone]
        )
    ever_said = {(line.address, line.entity, line.ticker) for mine in versions for line in mine}
    last = {(line.address, line.entity, line.ticker) for line in versions[-1]}
    left = [each.row.published for each in listing.removed(desk.store, "ofac", len(versions))]
    assert sorted((p.address, p.entity.id, p.ticker) for p in left) == sorted(ever_said - last)
    assert desk.differences() == []


# -- tampering -------------------------------------------------------------------------------

TAMPERED = (
    "UPDATE listing SET name = 'SOMEBODY ELSE' WHERE from_nr = 1",
    "UPDATE listing SET since = '2020-01-01'",
    "UPDATE listing SET until_nr = NULL WHERE until_nr = 2",
    "UPDATE listing SET until_nr = 2 WHERE until_nr IS NULL AND from_nr = 1",
    "DELETE FROM listing WHERE from_nr = 2",
    "DELETE FROM listing WHERE until_nr IS NOT NULL",
    "UPDATE publication SET sha256 = 'f' || substr(sha256, 2) WHERE nr = 1",
    "UPDATE publication SET rows = 3",
    "DELETE FROM publication WHERE nr = 2",
    "UPDATE entry SET terms = replace(terms, 'ALPHA', 'OMEGA')",
    "INSERT INTO listing SELECT list, 'ffff', 1, NULL, says, since, at_least, place, published_as, "
    "ticker, network, entity, name, programs, label, chain, chains, address, rule, reason, "
    "warning, twin FROM listing LIMIT 1",
)


@pytest.mark.parametrize("number", range(len(TAMPERED)))
def test_tampering_with_a_list_is_found(desk: Desk, tmp_path: Path, number: int) -> None:
    desk.take(lines(*range(20)))
    desk.take(lines(*range(1, 21)))
    copy = tmp_path / "copy.db"
    desk.store.backup(copy)
    with closing(sqlite3.connect(copy)) as conn, untriggered(conn):
        assert conn.execute(TAMPERED[number]).rowcount
        conn.commit()
    assert differences(copy)


@pytest.fixture
def record(desk: Desk, tmp_path: Path) -> Path:
    """A copy of a record with a past: versions, words, an end, somebody who came back."""
    rows = lines(*range(20)) + lines(30, entity="7", name="BETA")
    desk.take(rows, "2026-03-01")
    desk.take([*rows[3:], *lines(50)], "2026-03-02", shrunk=True)
    list_words.set_of_list(desk.lists, (), KIM, "ofac", "7", ["busy=yes", "severity=low"], "x")
    list_words.retire_of_list(desk.lists, KIM, "ofac", rows[0].address, "gone")
    desk.set(case="DESK-{entity}")
    desk.take(rows, "2026-03-03")
    copy = tmp_path / "copy.db"
    desk.store.backup(copy)
    return copy


def test_a_past_of_lists_is_what_the_log_says(record: Path) -> None:
    assert differences(record) == []


@pytest.mark.parametrize("number", range(10))
def test_random_tampering_is_found(record: Path, number: int) -> None:
    done = tampered(record, random.Random(number))
    assert differences(record), done


@pytest.mark.slow
def test_of_a_hundred_random_tamperings_all_are_found(record: Path, tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    dice, missed = random.Random(seed), []
    for number in range(100):
        copy = tmp_path / f"{number}.db"
        shutil.copyfile(record, copy)
        done = tampered(copy, dice)
        if not differences(copy):
            missed.append(done)
        copy.unlink()
    assert missed == [], f"seed {seed}"


def test_a_record_from_before_there_were_lists_is_verified_as_it_is(tmp_path: Path) -> None:
    """A backup of then, which nobody has opened since; and upgraded."""
    path = tmp_path / "old.db"
    record_before("m007_lists", path).close()
    assert differences(path) == []
    Store(path).close()
    assert differences(path) == []


def test_named_by_another_coin_they_still_stand_there(desk: Desk) -> None:
    """On the list without a break: since the first day, and on it now, whatever the coin is."""
    rest = lines(*range(20, 40), entity="9", name="REST")
    coins = (("2026-03-01", "ETH"), ("2026-03-02", "ARB"), ("2026-03-03", "USDT"))
    for day, ticker in coins:
        desk.take([*lines(1, ticker=ticker), *rest], day)
    mine = {k: e.origin for k, e in desk.entries().items() if k.endswith(" 1") and e.origin}
    assert {k.partition("/")[0] for k in mine} == {"ethereum", "arbitrum"}
    assert {(o.since, o.at_least, o.until) for o in mine.values()} == {("2026-03-01", True, "")}
    assert listing.removals(desk.store, "ofac") == []
    desk.take(rest, "2026-03-04")
    desk.take([*lines(1), *rest], "2026-03-05")
    (since,) = {e.origin.since for k, e in desk.entries().items() if k.endswith(" 1") and e.origin}
    assert since == "2026-03-05", "after a break it begins anew"
    assert desk.differences() == []


def test_nobody_leaves_a_list_before_they_came(desk: Desk) -> None:
    """A file that is older than the last: its day is not the one on which it said so no more."""
    rows = lines(*range(20))
    desk.take(rows, "2026-03-09")
    desk.take(rows[:19], "2026-03-01")
    entry = desk.entries()[key(rows[19])]
    assert entry.origin is not None
    assert entry.origin.until > entry.origin.since == "2026-03-09"
    (gone,) = listing.removed(desk.store, "ofac", 2)
    assert gone.until == entry.origin.until
