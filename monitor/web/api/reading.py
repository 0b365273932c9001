"""What was read of what a question is about: part of every list that is answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from monitor.loops.health import entry_status
from monitor.loops.health.snapshot import EntryStatus
from monitor.model.desk import Sight
from monitor.model.plain import rfc3339, tidy
from monitor.model.status import State
from monitor.store import desk_entries, guard, notes
from monitor.web.api.call import Call
from monitor.web.api.shapes import Blind, Reading
from monitor.web.desk import strip
from monitor.web.desk.strip import FRESH, Strip

MOST = 50  # lines of what is blind
KEPT = 200  # questions whose reading is remembered for a moment
_WHOLE = (State.COMPLETE, State.DORMANT)


class Readings:
    """Looks anew after FRESH seconds."""

    def __init__(self, strip_: Strip) -> None:
        self._strip = strip_
        self._lock = threading.Lock()
        self._made: dict[tuple[Sight, str, str], tuple[float, Reading]] = {}

    def all(self, call: Call) -> Reading:
        """Of everything that may be seen."""
        return self._once(call, "", "", lambda: self._all(call))

    def case(self, call: Call, case: str) -> Reading:
        """Of a case that may be seen."""
        return self._once(call, "case", case, lambda: self._case(call, case))

    def entries(self, call: Call, ids: Sequence[str], unwatched: str = "") -> Reading:
        """Of these entries. `unwatched`: what to say where there are none."""
        found = self._status(call, ids)
        if not found:
            return self._none(call, unwatched or "Nobody watches it: what else it did is not known")
        return self._made_of(call, found, 0)

    def _once(self, call: Call, kind: str, what: str, make: Callable[[], Reading]) -> Reading:
        key = (call.sight, kind, what)
        with self._lock:
            found = self._made.get(key)
        if found is not None and time.monotonic() - found[0] < FRESH:
            return found[1]
        made = make()
        with self._lock:
            if len(self._made) >= KEPT:
                self._made.clear()
            self._made[key] = (time.monotonic(), made)
        return made

    def _all(self, call: Call) -> Reading:
        ids = desk_entries.active(call.store, call.sight)
        beyond = desk_entries.beyond(call.store, call.sight)
        made = self._made_of(call, self._status(call, ids), beyond)
        said = self._strip.of(call.store, call.sight, call.now)
        if not said.head:
            return made
        return but(made, f"{said.head} {said.said}")

    def _case(self, call: Call, case: str) -> Reading:
        ids = desk_entries.of(call.store, call.sight, case)
        beyond = desk_entries.beyond(call.store, call.sight, case)
        return self._made_of(call, self._status(call, ids), beyond)

    def _status(self, call: Call, ids: Sequence[str]) -> Sequence[EntryStatus]:
        running = guard.runs_beside(call.settings.home)
        return entry_status.some_read(call.store, call.settings, call.now, ids, running=running)

    def _none(self, call: Call, said: str) -> Reading:
        running, last = _last(call)
        return Reading(
            complete=False, said=f"{said}.", running=running, pass_at=rfc3339(last), read_to=None,
            entries=0, looked_at=0, blind=[],
        )  # fmt: skip

    def _made_of(self, call: Call, found: Sequence[EntryStatus], beyond: int) -> Reading:
        if not found:
            return self._none(call, "Nothing is watched that this question is about")
        running, last = _last(call)
        read, stand, others = strip.of_entries(found)
        said = [stand, *others, *strip.not_looked_at(beyond)]
        if not running:
            said.insert(0, "Fundwatch does not run: nothing is being read")
        blind = _blind(found)
        return Reading(
            complete=running and read and not others and not beyond,
            said=". ".join(each for each in said if each) + ".",
            running=running,
            pass_at=rfc3339(last),
            read_to=None if beyond else rfc3339(_read_to(found)),
            entries=len(found) + beyond,
            looked_at=len(found),
            blind=blind[:MOST],
            blind_left_out=max(0, len(blind) - MOST),
        )


def _last(call: Call) -> tuple[bool, int | None]:
    noted = (notes.get_note(call.store, "pass") or "").split()
    return guard.runs_beside(call.settings.home), int(noted[0]) if noted else None


def but(made: Reading, said: str, **more: object) -> Reading:
    """The same, not complete, and why; with what else is otherwise."""
    return msgspec.structs.replace(made, complete=False, said=said, **more)


def _read_to(found: Sequence[EntryStatus]) -> int | None:
    """Up to when all of it was read; None: of a part that is not known."""
    times: list[int] = []
    for entry in found:
        if entry.dormant is not None:
            times.append(entry.dormant.time)
            continue
        for each in entry.streams:
            if each.state is State.NOT_SERVED:
                continue
            if each.covered_to is None or each.covered_to.time is None:
                return None
            times.append(each.covered_to.time)
    return min(times, default=None)


def _blind(found: Sequence[EntryStatus]) -> list[Blind]:
    """What is not read in full, the worst first."""
    kinds: dict[tuple[State, str, str, str], tuple[int, int | None]] = {}
    for entry in found:
        for each in entry.streams:
            if each.state in _WHOLE:
                continue
            key = (each.state, entry.chain, each.stream, tidy(each.reason, 300))
            number, since = kinds.get(key, (0, None))
            times = [at for at in (since, each.failing_since) if at is not None]
            kinds[key] = (number + 1, min(times, default=None))
    rank = {state: number for number, state in enumerate(State)}
    return [
        Blind(
            chain=chain, list=stream, state=state.value, reason=reason, since=rfc3339(since),
            entries=number,
        )
        for (state, chain, stream, reason), (number, since) in sorted(
            kinds.items(), key=lambda each: (rank[each[0][0]], each[0][1:])
        )
    ]  # fmt: skip
