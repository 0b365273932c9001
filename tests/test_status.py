"""`fundwatch status`: true words about what has been read, and what health means."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from world.home import ALICE, BOB, Home, Scene, dev_chain, entry, staged, watchlist

from monitor.app.home import open_home
from monitor.app.settings.load import load
from monitor.loops.daily import Daily
from monitor.loops.health import status, vitals
from monitor.loops.health.snapshot import Snapshot
from monitor.loops.health.words import render
from monitor.model.axis import Axis
from monitor.model.plan import Signal
from monitor.model.status import State, Unread
from monitor.store import incidents
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store


def now() -> int:
    return int(time.time())


def snapshot(home: Home, *, at: int | None = None, running: bool = True) -> Snapshot:
    store = Store(home.path / DATABASE, readonly=True)
    try:
        settings = load(home.path, {})
        moment = now() if at is None else at
        found = status.snapshot(store, settings, moment, running=running)
        counted = Counter((each.chain, each.state) for each in found.entries)
        assert vitals.states(store, settings, moment) == counted, "what /metrics counts"
    finally:
        store.close()
    return found


def streams(found: Snapshot) -> dict[str, set[State]]:
    """The states of all lists, by chain."""
    states: dict[str, set[State]] = {}
    for one in found.entries:
        states.setdefault(one.chain, set()).update(s.state for s in one.streams)
    return states


def polled(scene: Scene) -> None:
    """One pass a moment after a new block, so that its head is recent, and its messages."""
    scene.ledger.mine(time=now())
    with open_home(scene.home.path, {}) as app:
        app.reload()
        scene.home.sql("UPDATE scope SET due = 0")
        app.poll(everything=False)
        app.deliver(everything=True)


def test_a_read_entry_is_complete_to_the_head_of_its_source(tmp_path: Path) -> None:
    """Place and time are those of the newest block, the source is named, the age small."""
    with staged(tmp_path) as scene:
        polled(scene)
        found = snapshot(scene.home)
        head = scene.ledger.head
    assert found.verdict.words == "2 of 2 entries fully read"
    assert streams(found) == {"dev": {"complete"}}
    one = found.entries[0].streams[0]
    assert one.covered_to.place == head.height
    assert (one.by, one.covered_from) == ("mine", "first")
    assert one.age_seconds < 60
    assert found.watchlist.current
    assert found.last_pass.age_seconds < 60


def test_an_entry_without_contact_is_never_called_complete(tmp_path: Path) -> None:
    """A new entry, also a second case's on an address that is being read, is not read yet."""
    with staged(tmp_path) as scene:
        polled(scene)
        before = snapshot(scene.home)
        known = scene.home.sql("SELECT terms FROM entry LIMIT 1")[0][0]
        terms = {**json.loads(known), "id": "E-NEW", "case": "OTHER"}
        scene.home.sql(
            "INSERT INTO entry (id, subject, case_id, terms, added) VALUES (?, ?, ?, ?, ?)",
            *("E-NEW", f"dev/{terms['subject']['address']}", "OTHER", json.dumps(terms), now()),
        )
        found = snapshot(scene.home)
    assert before.verdict.not_read == 0
    assert found.verdict.not_read == 1
    new = next(e for e in found.entries if e.id == "E-NEW")
    assert {s.state for s in new.streams} == {"not read yet"}
    assert "1 not read yet" in found.verdict.words


def test_a_list_that_no_source_serves_is_a_limit_and_not_blindness(tmp_path: Path) -> None:
    """It is shown with its reason and makes nothing red; what is served counts as read."""
    with staged(tmp_path) as scene:
        polled(scene)
        scene.home.sql(
            "UPDATE reading SET failing = ?, ok = NULL, error = ? WHERE stream = 'internal'",
            *(now() - 86_400, "no configured source lists it"),
        )
        found = snapshot(scene.home)
        text = render(found, everything=False, width=100)
    assert (found.verdict.blind, found.verdict.complete) == (0, 2)
    assert found.verdict.words == "2 of 2 entries fully read; no source covers internal on dev"
    assert "NOT SERVED" in text
    assert "BLIND" not in text
    assert "no configured source lists it" in text
    assert found.health.well, found.health
    assert found.health.words == f"well: {found.verdict.words}"


def test_a_source_that_fails_makes_every_list_of_it_blind(tmp_path: Path) -> None:
    """The reason is the source's own error; old coverage is still shown."""
    with staged(tmp_path) as scene:
        polled(scene)
        scene.explorer.knobs("dev", "etherscan").fail_next = 10**6
        head = scene.ledger.head
        polled(scene)
        found = snapshot(scene.home)
    assert streams(found) == {"dev": {"blind"}}
    one = found.entries[0].streams[0]
    assert "HTTP 500" in one.reason
    assert one.covered_to.place == head.height


def test_without_reading_it_falls_behind_and_says_why(tmp_path: Path) -> None:
    """Past its due time a list is behind; the reason tells whether anything runs at all."""
    with staged(tmp_path) as scene:
        polled(scene)
        later = now() + 1000
        running = snapshot(scene.home, at=later)
        stopped = snapshot(scene.home, at=later, running=False)
    assert streams(running) == {"dev": {"behind"}}
    assert "overdue" in running.entries[0].streams[0].reason
    assert "no Fundwatch runs" in stopped.entries[0].streams[0].reason
    assert running.overdue_seconds > 600


def test_a_gap_and_an_unfinished_history_are_not_complete(tmp_path: Path) -> None:
    """A part that could not be read keeps its list behind, with the place named."""
    with staged(tmp_path) as scene:
        polled(scene)
        scene.home.sql(
            "INSERT INTO gap (scope, stream, source, axis, lo, hi, reason, raw, opened, next_try)"
            " VALUES (?, 'native', 'mine', 'height', 5, 7, 'a broken row', '', 0, 0)",
            f"dev/{ALICE}",
        )
        scene.home.sql("UPDATE entry SET history = 'due' WHERE subject = ?", f"dev/{BOB}")
        found = snapshot(scene.home)
    by_address = {e.address: e.streams[0] for e in found.entries}
    assert by_address[ALICE].state == by_address[BOB].state == "behind"
    assert "height 5 to 7 could not be read: a broken row" in by_address[ALICE].reason
    assert by_address[ALICE].gaps == (Unread(Axis.HEIGHT, 5, 7, "a broken row"),)
    assert "history is still being read" in by_address[BOB].reason
    assert by_address[BOB].covered_from.startswith("block ")


def test_a_chain_without_source_is_blind_before_anything_was_tried(tmp_path: Path) -> None:
    """Nothing is recorded for it, and the words say so at once."""
    with staged(tmp_path) as scene:
        scene.home.write(
            "config/chains.yaml", {"chains": {"dev": dev_chain("mine"), "dark": dev_chain()}}
        )
        scene.home.write("watchlist.yaml", watchlist(entry(ALICE), entry(BOB, chain="dark")))
        polled(scene)
        found = snapshot(scene.home)
    assert streams(found)["dark"] == {"blind"}
    assert "(all lists on dark)" in found.verdict.words
    assert found.overdue_seconds < 600, "an address that cannot be read is never overdue"


def test_what_stands_alike_is_said_once(tmp_path: Path) -> None:
    """Addresses of one name in a line, and why a chain is blind once for all."""
    home = Home(tmp_path)
    home.write("config/chains.yaml", {"chains": {"dark": dev_chain()}})
    named = [
        {"address": f"0x{7**56 + n:040x}", "chain": "dark", "label": "CHATEX" if n else "OTHER"}
        for n in range(4)
    ]
    home.write("watchlist.yaml", {"cases": {"C": {"addresses": named}}})
    with open_home(tmp_path, {}) as app:
        app.reload()
        found = status.snapshot(app.store, app.settings, now(), running=True)
    text, full = (render(found, everything=whole, width=160) for whole in (False, True))
    assert "CHATEX (3x)" in text
    assert text.count("CHATEX") == 1
    reason = found.entries[0].streams[0].reason
    assert text.count(reason) == full.count(reason) == 1
    assert full.count("CHATEX") == 3


def test_many_that_stand_alike_are_counted_in_a_line(tmp_path: Path) -> None:
    """Of one case, whatever their names are; a few are named, and `--all` names each."""
    home = Home(tmp_path)
    home.write("config/chains.yaml", {"chains": {"dark": dev_chain()}})
    cases = {
        case: {
            "addresses": [
                {"address": f"0x{7**56 + 100 * n + m:040x}", "chain": "dark", "label": f"{case}{m}"}
                for m in range(size)
            ]
        }
        for n, (case, size) in enumerate({"FEW": 5, "MANY": 30}.items())
    }
    home.write("watchlist.yaml", {"cases": cases})
    with open_home(tmp_path, {}) as app:
        app.reload()
        found = status.snapshot(app.store, app.settings, now(), running=True)
    text, full = (render(found, everything=whole, width=160) for whole in (False, True))
    lines = text.splitlines()
    assert sum(line.startswith("FEW ") for line in lines) == 5
    (many,) = (line for line in lines if line.startswith("MANY "))
    assert "  30 entries  dark   all " in many
    assert "share a line; each of them: --all" in text
    assert full.count("MANY ") == 30
    assert "share a line" not in full


def test_a_chain_that_left_the_settings_is_blind(tmp_path: Path) -> None:
    """With the lists that were read once, and what they hold."""
    with staged(tmp_path) as scene:
        polled(scene)
        scene.home.write("config/chains.yaml", {"chains": {"other": dev_chain("mine")}})
        found = snapshot(scene.home)
    lists = found.entries[0].streams
    assert [each.stream for each in lists] == ["erc1155", "erc20", "erc721", "internal", "native"]
    assert {each.reason for each in lists} == {"dev is no longer in config/chains.yaml"}
    assert found.verdict.words == (
        "0 of 2 entries fully read, 2 partly or wholly blind (all lists on dev)"
    )
    assert lists[0].covered_to is not None


def test_deliveries_and_alerts_are_counted_as_they_stand(tmp_path: Path) -> None:
    """Waiting, accepted and given up, by channel, with the last error and the next try."""
    with staged(tmp_path) as scene:
        scene.pay((ALICE, BOB))
        scene.mail.rcpt["deputy@example.org"] = "550 5.1.1 no such user"
        scene.mail.rcpt["desk@example.org"] = "451 4.7.1 later"
        polled(scene)
        found = snapshot(scene.home)
        text = render(found, everything=True, width=100)
    sent = {c.channel: c for c in found.deliveries.channels}
    assert sent["hook"].waiting == sent["hook"].dead == 0
    assert sent["hook"].accepted >= 1
    assert sent["mail"].waiting >= 1
    assert sent["mail"].dead >= 1
    assert sent["mail"].next_due
    assert found.deliveries.dead == sent["mail"].dead
    # Two movements, and two start-up summaries of addresses whose funds moved lately.
    assert found.alerts.open == 4
    assert "given up" in text
    assert not found.health.well
    assert "given up" in found.health.words


def test_a_changed_file_that_was_not_taken_is_told(tmp_path: Path) -> None:
    """The list on disk differs from the one in force: the page says so."""
    with staged(tmp_path) as scene:
        polled(scene)
        scene.home.write("watchlist.yaml", watchlist(entry(ALICE)))
        found = snapshot(scene.home)
        text = render(found, everything=False, width=None)
        polled(scene)
        after = snapshot(scene.home)
    assert not found.watchlist.current
    assert "has not been taken" in text
    assert after.watchlist.current
    assert len(after.watchlist.awaiting_retirement) == 1
    assert "1 awaiting retirement" in render(after, everything=False, width=None)


def test_the_short_page_leaves_out_what_is_well(tmp_path: Path) -> None:
    """Complete and recent lists are one line; with everything each entry has its own."""
    with staged(tmp_path) as scene:
        polled(scene)
        found = snapshot(scene.home)
    short = render(found, everything=False, width=100)
    full = render(found, everything=True, width=100)
    assert "(10 lists complete and younger than 5 min: --all)" in short
    assert "label a" not in short
    assert "label a" in full
    assert "label b" in full
    assert short.splitlines()[1].startswith("HEALTH    well: 2 of 2 entries fully read")
    assert short.splitlines()[2].startswith("VERDICT")


def test_looking_writes_nothing(tmp_path: Path) -> None:
    """The record's bytes are the same after a look as before."""
    with staged(tmp_path) as scene:
        polled(scene)
        path = scene.home.path / DATABASE
        before = hashlib.sha256(path.read_bytes()).hexdigest()
        render(snapshot(scene.home), everything=True, width=80)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_the_command_says_the_same(tmp_path: Path) -> None:
    """`status --json` is the snapshot, `--healthy` fails while nothing runs."""
    with staged(tmp_path) as scene:
        polled(scene)
        told = json.loads(scene.home.run("status", "--json"))
        assert told["verdict"]["words"] == "2 of 2 entries fully read"
        assert "no Fundwatch runs" in scene.home.run("status", "--healthy", code=1)
        assert "NOT RUNNING" in scene.home.run("status")


def test_the_table_fits_a_window_of_80_columns(tmp_path: Path) -> None:
    """Whose list it is in one line, how it stands in the next, where one does not hold both."""
    with staged(tmp_path) as scene:
        polled(scene)
        scene.home.sql(
            "UPDATE reading SET failing = ?, error = 'HTTP 500' WHERE stream <> 'native'",
            now() - 86_400,
        )
        found = snapshot(scene.home)
    long = replace(found.entries[0], label="A label of thirty characters..")
    found = replace(found, entries=(long, *found.entries[1:]))
    narrow = render(found, everything=True, width=80).splitlines()
    wide = render(found, everything=True, width=160).splitlines()
    assert max(map(len, narrow)) <= 80
    assert "  READ FROM  COMPLETE TO" in "\n".join(narrow)
    assert any(line.startswith("CASE") and "COMPLETE TO" in line for line in wide)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("stream = 'internal'", "BLIND: Coin transfers made by contracts (internal) on dev (2 a"),
        ("1 = 1", "BLIND: all lists on dev (2 addresses)"),
    ],
)
def test_the_daily_message_names_lists_in_words(tmp_path: Path, where: str, said: str) -> None:
    """An analyst reads it; nobody has told him what an "erc20" is."""
    with staged(tmp_path) as scene:
        polled(scene)
        scene.home.sql(f"UPDATE reading SET failing = ?, error = 'HTTP 500' WHERE {where}", now())
        store = Store(scene.home.path / DATABASE, readonly=True)
        try:
            book = Daily(store, load(scene.home.path, {}), now() - 86_400, now())
            (checked,) = book.remarks({"CASE-1"}, "mail")["CHECKED"]
        finally:
            store.close()
    assert said in checked


def test_a_limit_is_no_trouble_in_the_daily_message(tmp_path: Path) -> None:
    """It stands under a heading of its own, every day, and in `status` too."""
    with staged(tmp_path) as scene:
        polled(scene)
        what = (
            "Coin transfers made by contracts (internal) on Dev: no configured source lists them."
        )
        limit = Signal("limit:dev/internal", bad=True, what=what, cure="See check.", once=True)
        with open_home(scene.home.path, {}) as app:
            incidents.put_signals(app.store, [limit], now())
            told = Daily(app.store, app.settings, now() - 86_400, now()).remarks({"CASE-1"}, "mail")
        text = render(snapshot(scene.home), everything=False, width=160)
    assert told["LIMITS"] == [f"{what} See check."]
    assert told["NOT WELL"] == ["Nothing is known to be wrong with Fundwatch."]
    assert f"LIMITS    {what}" in text
    assert "INCIDENTS" not in text
