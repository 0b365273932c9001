"""What is not well is told: nothing arrives, turns that never come, canaries that are silent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from world.home import (
    ALICE,
    BANK,
    BOB,
    ROOT,
    SHOP,
    dev_chain,
    entry,
    incident_keys,
    opened,
    staged,
    watchlist,
)

from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.app.settings import load as settings
from monitor.chains.table import streams_of
from monitor.decide import loudness
from monitor.loops.clock import now
from monitor.loops.health import kept, signals, tell, verdict, vitals
from monitor.loops.health.clock import mend_clock
from monitor.model import Entry, Subject
from monitor.model.plan import Signal
from monitor.store import watch, ways
from monitor.store.notes import get_note, put_note
from monitor.store.rows import entry_terms, to_entry
from monitor.watchlist.entries import parse as watchlist_of

HOUR = 3600


# -- nothing arrives ---------------------------------------------------------------------


def everything(app: Fundwatch, at: int) -> list[Signal]:
    return signals.signals(app.store, app.settings, app.pools, app.round_seconds, at)


def bad(app: Fundwatch, at: int | None = None) -> dict[str, Signal]:
    """What is wrong at a time, by key."""
    return {s.key: s for s in everything(app, now() if at is None else at) if s.bad}


def test_after_a_pass_all_is_well(tmp_path: Path) -> None:
    """No signal of trouble, and signals that would close each kind."""
    with opened(tmp_path) as (_, app):
        assert bad(app) == {}
        kinds = {s.key.partition(":")[0] for s in everything(app, now())}
    assert kinds >= {"blind", "nosource", "refused", "oldhead", "overdue", "late"}


def test_when_nothing_is_read_at_all_that_is_told(tmp_path: Path) -> None:
    """The polls have stopped without any error: a severe notice, after a hold, not after a
    restart that reads at once."""
    with opened(tmp_path) as (_, app):
        later = now() + verdict.STALLED + 60
        signal = bad(app, later)["overdue"]
        assert signal.severity == "severe"
        assert "no movement would be seen" in signal.what
        app.housekeep(later)
        assert not _told(app, "Nothing has been read since")
        app.housekeep(later + signal.hold)
        assert _told(app, "Nothing has been read since")
        app.poll(everything=True)
        assert "overdue" not in bad(app)


def _told(app: Fundwatch, words: str) -> list[str]:
    """Titles of notices with these words."""
    rows = app.store.read("SELECT title FROM alert WHERE kind = 'notice' ORDER BY rowid")
    return [row["title"] for row in rows if words in row["title"]]


def test_an_address_whose_turn_never_comes_is_told(tmp_path: Path) -> None:
    """The chain is read and one address is not: no list fails, and still it is seen."""
    with opened(tmp_path) as (scene, app):
        long_ago = now() - 3 * HOUR
        scene.home.sql("UPDATE entry SET added = ?", long_ago)
        assert "late:dev" not in bad(app)
        scene.home.sql("UPDATE reading SET tried = ? WHERE scope = ?", long_ago, f"dev/{ALICE}")
        signal = bad(app)["late:dev"]
        assert "Of 2 addresses on dev, 1 were not read" in signal.what
        assert len(signal.who) == 1
        assert "overdue" not in bad(app)


def test_a_list_that_is_read_and_never_gets_to_its_end_is_told(tmp_path: Path) -> None:
    """Answers come, none reaches the newest block; while a chain that stands still is told
    as that."""
    with opened(tmp_path) as (scene, app):
        long_ago = now() - 3 * HOUR
        scene.home.sql("UPDATE entry SET added = ?", long_ago)
        scene.home.sql("UPDATE reading SET complete_time = ? WHERE stream = 'erc20'", long_ago)
        assert "Of 2 addresses on dev, 2 were not read" in bad(app)["late:dev"].what
        heads = app.pools["dev"].heads_seen
        heads.update({name: replace(head, time=long_ago) for name, head in heads.items()})
        assert set(bad(app)) == {"oldhead:dev/mine"}


def test_sources_that_are_all_held_back_are_told(tmp_path: Path) -> None:
    """After repeated failures no source is asked for a while: that too is blindness."""
    with opened(tmp_path, hold_minutes=0) as (scene, app):
        scene.explorer.knobs("dev", "etherscan").fail_next = 10**6
        for _ in range(5):
            scene.home.sql("UPDATE scope SET due = 0")
            app.pools["dev"].forget_heads()
            app.poll(everything=False)
        calls = sum(scene.explorer.calls.values())
        scene.home.sql("UPDATE scope SET due = 0")
        app.poll(everything=False)
        assert sum(scene.explorer.calls.values()) == calls, "nobody was asked"
        assert "resting after failures" in bad(app)["blind:dev/native"].what
        app.housekeep(now() + 10)  # a hold is never shorter than two rounds
        assert _told(app, "5 lists cannot be read (dev; 2 entries; cases: CASE-1)")


def blind_on_two_chains(app: Fundwatch, since: int) -> None:
    """Every list of two chains has failed since then, as when their explorer is down."""
    rows = app.store.read("SELECT key FROM scope ORDER BY key")
    with app.store.write() as conn:
        conn.executemany(
            "INSERT INTO reading (scope, stream, tried, ok, failing, error) VALUES (?,?,?,?,?,?) "
            "ON CONFLICT (scope, stream) DO UPDATE SET failing = excluded.failing, "
            "error = excluded.error",
            [
                (row["key"], stream, since, 1, since + number, f"mine: no route to {SHOP}/x")
                for number, row in enumerate(rows)
                for stream in streams_of(app.settings.chains["dev"])
            ],
        )


@contextmanager
def two_chains(path: Path, channels: dict[str, object]) -> Iterator[Fundwatch]:
    with staged(path) as scene:
        scene.explorer.add("two", scene.ledger, "etherscan", chain_id=31338)
        second = {**dev_chain("mine"), "chain_id": 31338}
        scene.home.write(
            "config/chains.yaml", {"chains": {"dev": dev_chain("mine"), "two": second}}
        )
        scene.home.write("config/channels.yaml", {"channels": channels})
        listed = watchlist(entry(ALICE, severity="high"), entry(BOB), entry(SHOP, chain="two"))
        scene.home.write("watchlist.yaml", listed)
        with open_home(path, {}) as app:
            app.reload()
            yield app


def mail_for(audience: str) -> dict[str, object]:
    return {
        "kind": "email", "host": "127.0.0.1", "port": 9, "security": "none",
        "from": "f@example.org", "to": [f"{audience}@example.org"],
        **({"audience": audience} if audience != "all" else {}),
    }  # fmt: skip


def notices(app: Fundwatch, words: str) -> dict[str, str]:
    """What each channel is owed with these words in its title: the whole notice as JSON."""
    return {
        row["channel"]: row["title"] + row["facts"]
        for row in app.store.read(
            "SELECT r.channel, a.title, a.facts FROM alert a JOIN route r ON r.alert = a.id "
            "WHERE a.kind = 'notice' AND instr(a.title, ?)",
            [words],
        )
    }


def test_one_dead_explorer_is_one_notice_to_operations_and_one_to_the_desk(tmp_path: Path) -> None:
    """Ten lists of two chains: one message each, that opens, reminds once a day, and ends.
    Operations' names chains, lists, source, number and cases; the desk's also labels."""
    channels = {"ops": mail_for("operations"), "desk": mail_for("desk")}
    with two_chains(tmp_path, channels) as app:
        begun = now() - 3 * HOUR
        blind_on_two_chains(app, begun)
        app.housekeep(begun)
        app.housekeep(begun + app.settings.hold)
        seen = notices(app, "lists cannot be read")
        assert set(seen) == {"ops", "desk"}
        count = app.store.read("SELECT count(*) FROM alert WHERE title LIKE '%cannot be read%'")
        assert count[0][0] == 2
        for word in ("10 lists", "dev, two", "3 entries", "CASE-1", "ERC-20", "mine: no route"):
            assert word in seen["ops"], word
        for word in ("label a", "a reason", ALICE, SHOP, SHOP[2:]):
            assert word not in seen["ops"], word
        assert r"\"label a\" (case CASE-1), dev" in seen["desk"]
        assert "Movements of 3 entries may not be seen" in seen["desk"]
        assert "told when they can be read again" in seen["desk"]

        app.housekeep(begun + app.settings.hold + 12 * HOUR)
        assert notices(app, "Still so") == {}
        app.housekeep(begun + app.settings.hold + 25 * HOUR)
        assert set(notices(app, "Still so")) == {"ops", "desk"}
        count = app.store.read("SELECT count(*) FROM alert WHERE title LIKE 'Still so%'")
        assert count[0][0] == 2
        with app.store.write() as conn:
            conn.execute("UPDATE reading SET failing = NULL, error = NULL")
        app.housekeep(begun + 30 * HOUR)
        assert set(notices(app, "Over: ")) >= {"ops", "desk"}


def test_who_hears_both_hears_it_once(tmp_path: Path) -> None:
    """A channel for everything gets the desk's notice, which says more; one that is kept to some
    cases learns no labels."""
    cased = {**mail_for("desk"), "only": {"case": ["CASE-2"]}}
    for number, channels in enumerate(({"all": mail_for("all")}, {"cased": cased})):
        with two_chains(tmp_path / str(number), channels) as app:
            begun = now() - 3 * HOUR
            blind_on_two_chains(app, begun)
            app.housekeep(begun)
            app.housekeep(begun + app.settings.hold)
            count = app.store.read(
                "SELECT count(*) FROM alert a JOIN route r ON r.alert = a.id "
                "WHERE title LIKE '%cannot be read%'"
            )
            assert count[0][0] == 1
            (seen,) = notices(app, "cannot be read").values()
            assert ("label a" in seen) is (number == 0)


def test_a_day_without_calls_left_is_told(tmp_path: Path) -> None:
    """The budget is used up: the source by its name, and its lists as blind."""
    with staged(tmp_path) as scene:
        mine = yaml.safe_load((tmp_path / "config/sources.yaml").read_text("utf-8"))
        mine["sources"]["mine"]["calls_per_day"] = 8
        scene.home.write("config/sources.yaml", mine)
        with open_home(tmp_path, {}) as app:
            app.reload()
            for _ in range(3):
                scene.home.sql("UPDATE scope SET due = 0")
                app.pools["dev"].forget_heads()
                app.poll(everything=False)
            found = bad(app)
    assert "All 8 calls of source mine for today (UTC) are used up." in found["budget:mine"].what
    assert "used up" in " ".join(s.what for k, s in found.items() if k.startswith("blind:"))


def test_a_clock_that_was_set_back_holds_nothing_up(tmp_path: Path) -> None:
    """What waits for a time far ahead is read and sent now, and people hear of the clock."""
    with opened(tmp_path) as (scene, app):
        ahead = now() + 30 * 86_400
        scene.pay((ALICE, SHOP))
        scene.home.sql("UPDATE reading SET tried = ?, ok = ?", ahead, ahead)
        scene.home.sql("UPDATE scope SET due = ?, deep = ?", ahead, ahead)
        assert watch.due_subjects(app.store, now()) == []
        mend_clock(app.store, app.round_seconds, now())
        assert len(watch.due_subjects(app.store, now())) == 2
        assert app.store.read("SELECT max(tried) AS t, max(ok) AS o FROM reading")[0]["t"] <= now()
        tell.tell_incidents(app.store, app.router, now())
        assert len(_told(app, "clock of this machine")) == 1
        mend_clock(app.store, app.round_seconds, now())
        tell.tell_incidents(app.store, app.router, now())
        assert len(_told(app, "clock of this machine")) == 1


def test_trouble_that_began_on_a_clock_ten_years_ahead_counts_from_now(tmp_path: Path) -> None:
    """Else channels that refuse, and addresses that were never read, would look well for as
    long; and the next daily message would cover no day at all."""
    with opened(tmp_path) as (scene, app):
        ahead = now() + 3650 * 86_400
        for name in app.channels:
            for to in app.settings.channels[name].recipients:
                ways.note(app.store, (name, to), ahead, good=False)
        scene.home.sql("UPDATE entry SET added = ?, base_height = NULL", ahead)
        put_note(app.store, "daily_at", str(ahead))
        put_note(app.store, "started", str(ahead))
        failed = {"at": ahead, "good": False, "words": "no", "whom": [], "since": ahead - 300}
        put_note(app.store, "tested:mail", json.dumps(failed))
        mend_clock(app.store, app.round_seconds, now())
        assert "clock" in {key.partition(":")[0] for key in incident_keys(app)}
        later = now() + 10 * HOUR
        words = vitals.look(app.store, app.settings, later, running=True).words
        assert "every channel for desk refuses messages, since 10 h" in words
        assert "not read for the first time after 10 h" in words
        assert int(get_note(app.store, "daily_at") or 0) <= now()
        assert kept.last_tests(app.store, app.channels)["mail"].at <= now()


def test_a_shorter_interval_holds_from_now_on(tmp_path: Path) -> None:
    """What was due in a day under the old settings is due now; that is no fault of the clock."""
    with opened(tmp_path) as (scene, app):
        scene.home.sql("UPDATE scope SET due = ?", now() + 86_000)
        mend_clock(app.store, app.round_seconds, now())
        assert len(watch.due_subjects(app.store, now())) == 2
        assert not [k for k in incident_keys(app) if k.startswith("clock:")]


# -- canaries ----------------------------------------------------------------------------


def canary(hours: int = 6) -> dict[str, object]:
    return entry(BOB, canary=hours, since="2020-01-01", severity="severe")


def test_a_canary_is_never_told_of_but_its_silence_is(tmp_path: Path) -> None:
    """Movements are recorded and quiet, for people and machines; after its hours without any
    there is an incident, and one movement ends it."""
    with staged(tmp_path) as scene:
        scene.home.write("watchlist.yaml", watchlist(entry(ALICE), canary()))
        with open_home(tmp_path, {}) as app:
            app.reload()
            scene.pay((BANK, BOB), (BOB, SHOP), (BOB, ALICE))
            app.poll(everything=True)
            sung = {a["tx"]: a for a in scene.home.alerts() if a["entry"] and
                    a["entry"]["address"] == BOB and a["kind"] == "movement"}  # fmt: skip
            assert len(sung) == 3
            assert {a["lane"] for a in sung.values()} == {"quiet"}
            reasons = dict(scene.home.sql("SELECT id, lane_reason FROM alert"))
            assert {reasons[a["id"]] for a in sung.values()} == {loudness.CANARY}
            routes = scene.home.sql("SELECT alert FROM route")
            assert not {a["id"] for a in sung.values()} & {row[0] for row in routes}
            assert sum(scene.moved().values()) == 4, "the entry beside it is told as ever"

            late = now() + 6 * HOUR + 60
            assert not [k for k in bad(app) if k.startswith("canary:")]
            (signal,) = (s for k, s in bad(app, late).items() if k.startswith("canary:"))
            assert "at the canary of dev for over 6 h" in signal.what
            assert signal.audience == "operations"
            scene.home.sql("UPDATE transfer SET first_seen = ?", late - HOUR)
            assert not [k for k in bad(app, late) if k.startswith("canary:")]


def test_the_start_of_a_canary_is_of_low_severity(tmp_path: Path) -> None:
    """It has moved in the hours before: that is what it is for, and nobody is told of it."""
    with staged(tmp_path, contacted=False) as scene:
        scene.pay((BANK, BOB))
        scene.home.write("watchlist.yaml", watchlist(canary()))
        with open_home(tmp_path, {}) as app:
            app.reload()
            app.poll(everything=True)
        (summary,) = scene.alerts("history")
        assert (summary["severity"], summary["lane"]) == ("low", "quiet")
        assert scene.home.sql("SELECT * FROM route WHERE alert = ?", summary["id"]) == []


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ({"canary": 6, "since": "2026-11-22"}, ""),
        ({"canary": 0}, ""),
        ({"canary": "often", "since": "2026-11-22"}, "is not a number of hours"),
        ({"canary": 721, "since": "2026-11-22"}, "1 to 720"),
        ({"canary": -1, "since": "2026-11-22"}, "is not a number of hours"),
        ({"canary": 6}, "whole long history would be read"),
    ],
)
def test_a_canary_in_the_watchlist(lines: dict[str, object], words: str) -> None:
    """Hours, and a day of its own from which it is read; a mistake is told by its line."""
    chains = settings.load(ROOT / "docs", {}).chains
    block = {"address": "0x" + "b" * 40, "chain": "ethereum", **lines}
    text = yaml.safe_dump({"defaults": {"since": "first"}, "addresses": [block]})
    parsed = watchlist_of(text, chains)
    assert bool(parsed.problems) is bool(words)
    assert words in " ".join(map(str, parsed.problems))
    assert [e.canary for e in parsed.entries] == ([] if words else [lines["canary"]])


def test_entries_without_canary_keep_their_stored_terms() -> None:
    """An upgrade changes no entry: no answer mail about a list that nobody touched."""
    plain = Entry("E-1", Subject("dev", ALICE), label="x")
    assert "canary" not in entry_terms(plain)
    assert to_entry(entry_terms(plain)) == plain
    singing = replace(plain, canary=6)
    assert to_entry(entry_terms(singing)) == singing
