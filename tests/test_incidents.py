"""Incidents: held, told, reminded once a day, closed; flapping does not cry wolf."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from world.record import new_record

from monitor.decide import incidents
from monitor.model.acts import DAEMON, TellIncidents
from monitor.model.facts import Notice, of_kind
from monitor.model.incident import Incident
from monitor.model.plan import Signal
from monitor.store.commit import commit
from monitor.store.incidents import incident_list, put_signals
from monitor.store.sqlite import Store

HOUR = 3600
DAY = 24 * HOUR


class Watchman:
    """Puts signals into a real record and tells what is due, as the daemon does."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.told: list[str] = []

    def signal(
        self, now: int, *, bad: bool, hold: int = 0, settle: int = 0, once: bool = False
    ) -> None:
        what = "Blind on one list." if bad else ""
        signal = Signal("blind:x", bad, hold=hold, settle=settle, what=what, once=once)
        put_signals(self.store, [signal], now)

    def look(self, now: int) -> str | None:
        """Tell what is due now; returns the phase."""
        found = incident_list(self.store, open_only=False)
        for phase, members in incidents.due(found, now):
            notice = incidents.notice(members, phase, now)
            keys = [member.signal.key for member in members]
            commit(self.store, DAEMON, TellIncidents(now, keys, phase, [notice]))
            self.told.append(notice.id)
            return phase
        return None


@pytest.fixture
def man(tmp_path: Path) -> Iterator[Watchman]:
    store = new_record(tmp_path / "book.db")
    yield Watchman(store)
    store.close()


def test_the_life_of_an_incident(man: Watchman) -> None:
    """Opened once, one reminder a day, closed once; every notice has a name of its own."""
    man.signal(0, bad=True)
    assert man.look(0) == "opened"
    assert man.look(HOUR) is None
    assert man.look(DAY) == "reminder"
    assert man.look(DAY + HOUR) is None
    assert man.look(2 * DAY) == "reminder"
    man.signal(2 * DAY + HOUR, bad=False)
    assert man.look(2 * DAY + HOUR) == "closed"
    assert man.look(9 * DAY) is None
    assert len(set(man.told)) == 4
    assert incident_list(man.store, open_only=False) == []


def test_what_passes_within_its_hold_time_is_never_told(man: Watchman) -> None:
    """A state that comes and goes is no news; the hold starts anew each time."""
    for start in range(0, 5 * HOUR, HOUR):
        man.signal(start, bad=True, hold=HOUR)
        assert man.look(start + HOUR - 1) is None
        man.signal(start + HOUR - 1, bad=False)
        assert man.look(start + HOUR - 1) is None
    assert man.told == []
    man.signal(6 * HOUR, bad=True, hold=HOUR)
    man.signal(6 * HOUR + 60, bad=True, hold=HOUR)
    assert man.look(7 * HOUR) == "opened", "a repeated signal does not start the hold anew"


def test_back_before_its_end_was_told_is_the_same_incident(man: Watchman) -> None:
    """Told, over, and bad again before anybody looked: nothing is told twice."""
    man.signal(0, bad=True)
    assert man.look(0) == "opened"
    man.signal(10, bad=False)
    man.signal(20, bad=True)
    assert man.look(30) is None
    man.signal(40, bad=False)
    assert man.look(50) == "closed"


def test_a_second_time_has_new_names(man: Watchman) -> None:
    """The same trouble after it was closed is told again, under other ids."""
    for start in (0, DAY):
        man.signal(start, bad=True)
        assert man.look(start) == "opened"
        man.signal(start + 10, bad=False)
        assert man.look(start + 20) == "closed"
    assert len(set(man.told)) == 4


def test_an_event_is_told_once(man: Watchman) -> None:
    """No reminder, no repetition: it is not a state."""
    man.signal(0, bad=True, once=True)
    assert man.look(0) == "opened"
    man.signal(10, bad=True, once=True)
    assert man.look(10 * DAY) is None


def test_the_end_says_how_long_it_lasted(man: Watchman) -> None:
    """The closing notice keeps what it was about and counts until the end, not until now."""
    man.signal(100, bad=True)
    man.look(100)
    man.signal(100 + HOUR, bad=False)
    (incident,) = incident_list(man.store, open_only=False)
    notice = incidents.notice([incident], "closed", 5 * HOUR)
    told = of_kind(notice.facts, Notice).incident
    assert told is not None
    assert told.duration == HOUR
    assert notice.title == "Over: Blind on one list."


def test_an_end_that_must_settle(man: Watchman) -> None:
    """What comes back before its end was told is the same incident: nothing is said."""
    man.signal(0, bad=True, settle=600)
    assert man.look(0) == "opened"
    for again in (30, 60, 90):
        man.signal(again, bad=False)
        assert man.look(again + 10) is None
        man.signal(again + 20, bad=True, settle=600)
        assert man.look(again + 25) is None
    man.signal(200, bad=False)
    assert man.look(799) is None
    assert man.look(800) == "closed"
    assert len(man.told) == 2


def test_a_gap_is_told_to_operations_without_the_address(man: Watchman) -> None:
    """Operations hear of the chain, the list and the source, how many entries and which cases;
    the desk also where it is, so that somebody can look there."""
    address, tx = "0x" + "ab" * 20, "0x" + "cd" * 32
    what = f"Part of a list (erc20) could not be read (height 5 to 7, from scan): see {tx}."
    key = f"gap:dev/{address}/height/5-7"
    signal = Signal(key, bad=True, what=what, chain="dev", who=("E-1",), cases=("C-1",), number=1)
    put_signals(man.store, [signal], 0)
    ((phase, members),) = incidents.due(incident_list(man.store, open_only=True), 0)
    notice = incidents.notice(members, phase, 0)
    said = f"{notice.title} {notice.facts}"
    assert notice.audience == "operations"
    assert all(word in said for word in ("dev", "erc20", "scan", "height 5 to 7", "1 entry", "C-1"))
    assert not any(word in said for word in (address, tx, "E-1"))
    desk = incidents.desk_notice(members, phase, 0, ["Wallet 3 (case C-1), dev"])
    assert desk is not None
    assert tx in desk.title
    assert "Wallet 3 (case C-1), dev" in of_kind(desk.facts, Notice).lines


def test_what_many_addresses_have_alike_is_counted_and_said_once() -> None:
    """Twenty addresses of one chain, each with a gap of its own; two lists of three others."""
    words = "Part of a list (native) on dev could not be read (height 5 to 5)."
    gaps = [
        Signal(f"gap:dev/{n}", bad=True, what=words, chain="dev", who=(f"E{n}",), number=1)
        for n in range(20)
    ]
    lists = [
        Signal(f"blind:two/{name}", bad=True, what=f"{name} on two cannot be read.", chain="two",
               who=("A", "B", "C"), number=3)
        for name in ("erc20", "native")
    ]  # fmt: skip
    members = [Incident(signal, 1, 100) for signal in (*gaps, *lists)]
    notice = incidents.notice(members, "opened", 200)
    assert "23 entries" in notice.title
    lines = of_kind(notice.facts, Notice).lines
    assert len(lines) == 2
    assert lines[0].startswith(f"{words} (20 times)")
    assert lines[1].startswith("erc20; native on two cannot be read.")
