"""What status, health, messages and metrics say of addresses whose list is read for the chain as a
whole: the same as of those that are read one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from world.evm_node import ME, PEER, Node, coin
from world.home import ALICE, BANK, BOB, SHOP, evm_home, incident_keys, opened
from world.members import WHOLE, fails_as_a_whole, read_as_a_whole
from world.scripted_server import serve

from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.loops.clock import now
from monitor.loops.daily import Daily
from monitor.loops.health import entry_status, signals, status, vitals
from monitor.loops.health.clock import mend_clock
from monitor.loops.health.snapshot import EntryStatus, to_json
from monitor.loops.health.words import render
from monitor.model import Axis, Gap, Interval, Subject
from monitor.model.acts import DAEMON
from monitor.model.acts_trace import Follow
from monitor.model.plan import Covered, OpenGap, Plan, Signal, gap_key
from monitor.model.scope import Joined
from monitor.model.status import FollowedCount, State
from monitor.model.streams import Reading
from monitor.store import apply, joined, list_standing, standing, watch
from monitor.store.commit import commit
from monitor.store.coverage import change_members
from monitor.store.incidents import incident_list
from monitor.store.not_covered import not_covered
from monitor.web import metrics

HOUR = 3600


def shown(app: Fundwatch, at: int) -> dict[str, EntryStatus]:
    """How each entry is shown, by address."""
    found = entry_status.entries_read(app.store, app.settings, at, running=True)
    return {entry.address: entry for entry in found}


def states(app: Fundwatch, at: int) -> dict[State, int]:
    return {s: n for (_, s), n in vitals.states(app.store, app.settings, at).items() if n}


def signal(app: Fundwatch, key: str, at: int) -> Signal:
    told = signals.signals(app.store, app.settings, app.pools, app.round_seconds, at)
    return next(each for each in told if each.key == key)


def text_of_metrics(app: Fundwatch, at: int) -> list[str]:
    found = status.snapshot(app.store, app.settings, at, running=True, entries=False)
    lines = metrics.exposition(app.store, app.settings, found, at).splitlines()
    return [x for x in lines if x.startswith(("fundwatch_entries", "fundwatch_reading"))]


def test_a_member_is_shown_as_before(tmp_path: Path) -> None:
    """How a list is read makes no difference to what is said of it."""
    with opened(tmp_path) as (_, app):
        at = now()
        entries, figures = to_json(tuple(shown(app, at).values())), text_of_metrics(app, at)
        checked = Daily(app.store, app.settings, 0, at).remarks({"CASE-1"}, "mail")["CHECKED"]
        health = vitals.vitals_of(app.store, app.settings, at, running=True)
        read_as_a_whole(app.store)
        assert to_json(tuple(shown(app, at).values())) == entries
        assert text_of_metrics(app, at) == figures
        assert (
            Daily(app.store, app.settings, 0, at).remarks({"CASE-1"}, "mail")["CHECKED"] == checked
        )
        assert vitals.vitals_of(app.store, app.settings, at, running=True) == health
        assert states(app, at) == {State.COMPLETE: 2}


def test_a_list_that_fails_as_a_whole_makes_all_members_blind(tmp_path: Path) -> None:
    """In status, in health, in the incident, in the daily message and under NOT CHECKED."""
    with opened(tmp_path) as (_, app):
        at = now()
        read_as_a_whole(app.store)
        fails_as_a_whole(app.store, at - 5 * HOUR, at)
        with app.store.write() as conn:
            conn.execute("UPDATE reading SET ok = ? WHERE scope = ?", (at - 6 * HOUR, WHOLE.key))
        assert {entry.state for entry in shown(app, at).values()} == {State.BLIND}
        assert states(app, at) == {State.BLIND: 2}
        health = vitals.look(app.store, app.settings, at, running=True)
        assert "2 entries on dev cannot be read, since 5 h" in health.words
        told = signal(app, "blind:dev/erc20", at)
        assert (told.bad, told.number, len(told.who)) == (True, 2, 2)
        assert told.cases == ("CASE-1",)
        assert "for 2 entries" in told.what
        entry = watch.all_entries(app.store)[0].entry
        assert (
            "Token transfers (ERC-20): not read since"
            in not_covered(app.store, entry, app.settings.chains)[0]
        )
        (checked,) = Daily(app.store, app.settings, 0, at).remarks({"CASE-1"}, "mail")["CHECKED"]
        assert "BLIND: Token transfers (ERC-20) on dev (2 addresses)" in checked


def reads_alone(app: Fundwatch, subject: Subject, at: int, lo: int, hi: int) -> None:
    """An address is read by itself, by another source of the chain."""
    span = Interval(lo, hi)
    plan = Plan(subject, at, covered=(Covered("erc20", "other", Axis.HEIGHT, span),))
    reading = Reading("erc20", ok=True, source="other", axis="height", complete_to=hi,
                      complete_time=at, read=span)  # fmt: skip
    apply.apply(app.store, plan, readings=[reading])


def test_who_is_read_by_itself_meanwhile_is_not_blind(tmp_path: Path) -> None:
    """And when the other source ends too, it is blind from then on, not from the node's failure."""
    with opened(tmp_path) as (_, app):
        at = now()
        read_as_a_whole(app.store)
        fails_as_a_whole(app.store, at - 2 * HOUR, at)
        reads_alone(app, Subject("dev", BOB), at + 1, 0, 40)
        found = shown(app, at + 1)
        assert (found[ALICE].state, found[BOB].state) == (State.BLIND, State.COMPLETE)
        assert states(app, at + 1) == {State.BLIND: 1, State.COMPLETE: 1}
        assert signal(app, "blind:dev/erc20", at + 1).number == 1
        fails_as_a_whole(app.store, at - 2 * HOUR, at + 60)
        erc20 = next(s for s in shown(app, at + 60)[BOB].streams if s.stream == "erc20")
        assert (erc20.state, erc20.failing_seconds) == (State.BLIND, 59)
        assert erc20.age_seconds == 59


def breaks(app: Fundwatch, at: int, lo: int, hi: int) -> None:
    """Part of the chain-wide list cannot be read."""
    gap = OpenGap("erc20", "mine", Axis.HEIGHT, Gap(Interval(lo, hi), "a broken row", "raw"))
    apply.apply(app.store, Plan(WHOLE, at, gaps=(gap,)), readings=[])


def test_a_gap_is_of_those_who_were_members_there(tmp_path: Path) -> None:
    """Cut with where an address joined; what it has read by itself is no gap of it."""
    with opened(tmp_path) as (_, app):
        at = now()
        alice, bob = Subject("dev", ALICE), Subject("dev", BOB)
        read_as_a_whole(app.store)
        breaks(app, at, 10, 20)
        keys = [alice.key, bob.key]
        gaps = list_standing.unread(app.store, keys)[bob.key, "erc20"]
        assert [(g.from_, g.to) for g in gaps] == [(10, 20)]
        assert states(app, at) == {State.BEHIND: 2}
        with app.store.write() as conn:
            conn.execute("UPDATE joined SET from_place = 15 WHERE subject = ?", (alice.key,))
        reads_alone(app, bob, at, 0, 30)
        left = list_standing.unread(app.store, keys)
        assert list(left) == [(alice.key, "erc20")]
        assert [(g.from_, g.to) for g in left[alice.key, "erc20"]] == [(15, 20)]
        breaks(app, at, 3, 5)
        (missed,) = joined.concerned(app.store, WHOLE, "erc20", Axis.HEIGHT, Interval(3, 5))
        assert missed == (shown(app, at)[BOB].id, "CASE-1")
        told = {
            each.subject: not_covered(app.store, each, app.settings.chains)[0]
            for each in watch.named(app.store, [e.id for e in shown(app, at).values()])
        }
        assert told[alice] == "Token transfers (ERC-20): 1 part(s) of the list could not be read."
        assert "could not be read" not in told[bob]
        reasons = {s.reason for s in shown(app, at)[ALICE].streams} - {""}
        assert reasons == {"height 15 to 20 could not be read: a broken row"}


def test_a_gap_of_its_own_is_over_once_that_is_read_for_all(tmp_path: Path) -> None:
    """Else it would be reminded of for good: what is covered is not read again by anybody."""
    with opened(tmp_path) as (_, app):
        at, bob = now(), Subject("dev", BOB)
        gap = OpenGap("erc20", "mine", Axis.HEIGHT, Gap(Interval(10, 20), "a broken row", "raw"))
        told = Signal(gap_key(bob, Axis.HEIGHT, gap.gap.at), bad=True)
        apply.apply(app.store, Plan(bob, at, gaps=(gap,), signals=(told,)), readings=[])
        read_as_a_whole(app.store)
        assert incident_keys(app) == [told.key]
        assert states(app, at) == {State.COMPLETE: 1, State.BEHIND: 1}
        covered = Covered("erc20", "mine", Axis.HEIGHT, Interval(0, 15))
        apply.apply(app.store, Plan(WHOLE, at, covered=(covered,)), readings=[])
        assert incident_keys(app) == [told.key]
        apply.apply(app.store, Plan(WHOLE, at, covered=(replace(covered, span=Interval(0, 30)),)),
                    readings=[])  # fmt: skip
        assert incident_keys(app) == []
        assert states(app, at) == {State.COMPLETE: 2}


def test_a_gap_of_a_chain_that_is_read_one_by_one_again_is_over(tmp_path: Path) -> None:
    """Nobody reads that place as a whole any more; while anybody is a member it stays."""
    with opened(tmp_path) as (_, app):
        at = now()
        read_as_a_whole(app.store)
        gap = OpenGap("erc20", "mine", Axis.HEIGHT, Gap(Interval(10, 20), "a broken row", "raw"))
        told = Signal(gap_key(WHOLE, Axis.HEIGHT, gap.gap.at), bad=True)
        apply.apply(app.store, Plan(WHOLE, at, gaps=(gap,), signals=(told,)), readings=[])
        leaving = [Joined(Subject("dev", a), "erc20", Axis.HEIGHT, 0) for a in (ALICE, BOB)]
        change_members(app.store, WHOLE, [], leaving[:1], at)
        app.housekeep(at)
        assert incident_keys(app) == [told.key]
        change_members(app.store, WHOLE, [], leaving[1:], at)
        app.housekeep(at)
        assert incident_keys(app) == []


@pytest.mark.parametrize("alone", [False, True])
def test_what_was_not_read_for_it_while_it_was_away_is_a_part_in_between(
    tmp_path: Path, alone: bool
) -> None:
    """Until it has read that by itself."""
    with opened(tmp_path) as (_, app):
        at = now()
        bob = Subject("dev", BOB)
        read_as_a_whole(app.store)
        change_members(app.store, WHOLE, [], [Joined(bob, "erc20", Axis.HEIGHT, 0)], at)
        with app.store.write() as conn:
            conn.execute("UPDATE joined SET until_place = 10 WHERE subject = ?", (bob.key,))
        change_members(app.store, WHOLE, [Joined(bob, "erc20", Axis.HEIGHT, 20)], [], at)
        if alone:
            reads_alone(app, bob, at - 60, 5, 19)
        assert list_standing.torn(app.store) == (set() if alone else {bob.key})
        assert shown(app, at)[BOB].state == (State.COMPLETE if alone else State.BEHIND)
        assert states(app, at).get(State.COMPLETE) == (2 if alone else 1)


# -- addresses that are followed ---------------------------------------------------------


def test_followed_addresses_are_told_beside_the_entries(tmp_path: Path) -> None:
    """How many there are, and how many have used up their calls: those are no entries, and what is
    wrong with them does not ring."""
    with opened(tmp_path) as (_, app):
        at = now()
        before = vitals.vitals_of(app.store, app.settings, at, running=True)
        assert before.followed == 0
        for address, case, calls in ((SHOP, "A", 5), (SHOP, "B", 7), (BANK, "A", 5), (BOB, "A", 5)):
            commit(app.store, DAEMON, Follow(at, Subject("dev", address), case, "why", 60, calls))
        use = [watch.Ended(Subject("dev", a), at, False, calls=5) for a in (SHOP, BANK, BOB)]
        watch.turn(app.store, use, [], at)
        assert standing.followed(app.store) == FollowedCount(3, spent=1, not_read=1)
        with app.store.write() as conn:
            conn.execute(
                "INSERT INTO reading (scope, stream, tried, failing, error) VALUES (?,?,?,?,?)",
                (f"dev/{SHOP}", "erc20", at, at - 9 * HOUR, "mine: no answer"),
            )
        found = status.snapshot(app.store, app.settings, at, running=True)
        assert found.followed == FollowedCount(3, spent=1, blind=1)
        assert (found.verdict.entries, found.verdict.blind) == (2, 0)
        assert found.health.words.endswith("; 3 followed (1 with all calls used up)")
        assert found.health.well
        text = " ".join(render(found, everything=False, width=200).split())
        assert "FOLLOWED 3 addresses, their movements are kept; 1 not read any more" in text
        lines = metrics.exposition(app.store, app.settings, found, at).splitlines()
        assert 'fundwatch_followed_addresses{state="spent"} 1.0' in lines
        assert not signal(app, "blind:dev/erc20", at).bad


def test_a_followed_address_keeps_its_own_pace(tmp_path: Path) -> None:
    """It may be due later than one round from now, and not later than its own pace asks for."""
    with opened(tmp_path) as (_, app):
        at, shop = now(), Subject("dev", SHOP)
        commit(app.store, DAEMON, Follow(at, shop, "A", "why", 10 * HOUR))
        due = watch.Ended(shop, at + 10 * HOUR, failed=False)
        watch.turn(app.store, [due], [], at)
        mend_clock(app.store, app.round_seconds, at)
        assert shop not in watch.due_subjects(app.store, at + 9 * HOUR)
        mend_clock(app.store, app.round_seconds, at - HOUR)
        assert shop in watch.due_subjects(app.store, at)


# -- a whole poll of a node ---------------------------------------------------------------


class Moody(Node):
    """A node that can refuse to list logs."""

    mute = False

    def eth_getLogs(self, asked: Any) -> Any:
        if self.mute:
            raise ValueError("logs are switched off")
        return super().eth_getLogs(asked)


def test_addresses_of_a_node_are_shown_by_what_it_reads_for_all(tmp_path: Path) -> None:
    """One reading of three lists for both. When it fails both are blind, in one incident; a log
    that cannot be read is told once, with how many it concerns."""
    node = Moody(coin(5))
    with serve(node) as server:
        evm_home(tmp_path, server.url, "evm_rpc", [ME, PEER])
        with open_home(tmp_path, {}) as app:
            app.reload()
            app.poll(everything=True)
            at = now()
            assert {r["scope"] for r in app.store.read("SELECT scope FROM reading")} == {WHOLE.key}
            for entry in shown(app, at).values():
                assert entry.state is State.COMPLETE
                served = {s.stream: s.by for s in entry.streams if not s.unserved}
                assert served == dict.fromkeys(("erc20", "erc721", "erc1155"), "mine")
            assert states(app, at) == {State.COMPLETE: 2}
            node.mute = True
            app.poll(everything=True)
            assert states(app, now()) == {State.BLIND: 2}
            assert {entry.state for entry in shown(app, now()).values()} == {State.BLIND}
            told = signal(app, "blind:dev/erc20", now())
            assert (told.bad, told.number, len(told.who)) == (True, 2, 2)
            node.mute, node.newest = False, 10_010
            node.logs = (*node.logs, {**coin(7, 9_995), "data": "0xzz"})
            app.pools["dev"].forget_heads()
            app.poll(everything=True)
            (gap,) = [i.signal for i in incident_list(app.store, open_only=True)
                      if i.signal.key.startswith("gap:")]  # fmt: skip
            assert gap.key == "gap:dev/*/height/9995-9995"
            assert (gap.number, len(gap.who)) == (2, 2)
            assert "that is read for 2 entries at once could not be read" in gap.what
            assert states(app, now()) == {State.BEHIND: 2}
            assert not signal(app, "blind:dev/erc20", now()).bad
