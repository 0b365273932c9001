"""The line on top of every page: what is not read, of what whoever looks may see. It is absent
only where all of it is read."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.loops.health import entry_status, recordwatch, vitals
from monitor.loops.health.snapshot import EntryStatus
from monitor.loops.health.verdict import Lists, judge, stand
from monitor.model.desk import Sight
from monitor.model.plain import duration, plural
from monitor.model.settings import Settings
from monitor.model.status import State
from monitor.store import desk_entries, guard, notes
from monitor.store.port import Store

FRESH = 5.0  # seconds for which one look serves every page of somebody
KEPT = 50  # different sights whose look is kept


@dataclass(frozen=True, slots=True)
class Reading:
    """How reading stands. `head` empty: all that may be seen is read."""

    head: str
    said: str
    red: bool  # nothing is read at all: the program stands still
    pass_at: int | None  # when the last pass ended
    stand: str  # how many entries stand how, also where all are read


class Strip:
    """Looks anew after FRESH seconds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._made: dict[Sight, tuple[float, Reading]] = {}

    def of(self, store: Store, sight: Sight, now: int) -> Reading:
        """Raises StoreError."""
        with self._lock:
            found = self._made.get(sight)
        if found is not None and time.monotonic() - found[0] < FRESH:
            return found[1]
        made = self._look(store, sight, now)
        with self._lock:
            if len(self._made) >= KEPT:
                self._made.clear()
            self._made[sight] = (time.monotonic(), made)
        return made

    def _look(self, store: Store, sight: Sight, now: int) -> Reading:
        home = self._settings.home
        running = guard.runs_beside(home)
        silent = recordwatch.silence(home, now) if running else ""
        trouble = recordwatch.told_by_sign(home) if running else ""
        noted = (notes.get_note(store, "pass") or "").split()
        last = int(noted[0]) if noted else None
        if sight.cases is None:
            whole, words, others = self._whole(store, now, running)
        else:
            whole, words, others = self._part(store, sight, now, running)
        if not running or silent or trouble:
            since = f", {duration(max(0, now - last))} ago" if last else ""
            why = silent or trouble or "Fundwatch does not run"
            said = f"{why[0].upper()}{why[1:]}. The last pass ended{since or ' never'}. {words}."
            return Reading("Nothing is being read.", said, True, last, words)
        if whole and not others:
            return Reading("", "", False, last, words)
        head = "" if whole else "Not everything is read:"
        return Reading(head or "Know this:", ". ".join(filter(None, (
            "" if whole else words, *others))) + ".", False, last, words)  # fmt: skip

    def _whole(self, store: Store, now: int, running: bool) -> tuple[bool, str, list[str]]:
        """Of everything: whether it is read, in words, and what else must be known."""
        found = vitals.vitals_of(store, self._settings, now, running=running)
        counts, lists = found.counts, found.lists
        never = bool(lists.unserved or lists.below or lists.shown)
        read = set(_numbers(counts)) <= {State.COMPLETE, State.DORMANT} and not never
        stopped = "no Fundwatch runs on this folder"
        others = [each for each in judge(found).reasons if each != stopped]
        if found.unexplained:
            others.append(f"{plural(found.unexplained, 'balance')} not explained by the record")
        return read, stand(counts, lists), [each[0].upper() + each[1:] for each in others]

    def _part(
        self, store: Store, sight: Sight, now: int, running: bool
    ) -> tuple[bool, str, list[str]]:
        """The same of some cases."""
        ids = desk_entries.active(store, sight)
        if not ids:
            others = not_looked_at(desk_entries.beyond(store, sight))
            return True, "no address that you see is watched", others
        found = entry_status.some_read(store, self._settings, now, ids, running=running)
        read, words, others = of_entries(found)
        return read, words, [*others, *not_looked_at(desk_entries.beyond(store, sight))]


def not_looked_at(number: int) -> list[str]:
    """Of entries that are watched too: nothing looks as if they were known to be read."""
    if not number:
        return []
    verb, them = ("is", "it") if number == 1 else ("are", "them")
    return [f"{number:,} more {verb} watched and not looked at here: health tells of {them}"]


def of_entries(found: Iterable[EntryStatus]) -> tuple[bool, str, list[str]]:
    """How these entries stand: whether all is read, in words, and what else must be known."""
    entries = [*found]
    counts, lists = Counter(each.state for each in entries), lists_of(entries)
    apart = sum(each.balances.unexplained for each in entries if each.balances)
    read = set(_numbers(counts)) <= {State.COMPLETE, State.DORMANT} and not lists.unserved
    others = [f"{plural(apart, 'balance')} not explained by the record"] if apart else []
    return read, stand(counts, lists), others


def lists_of(entries: Sequence[EntryStatus]) -> Lists:
    """Lists of these entries of which not all is read."""
    blind = _named(entries, lambda state: state is State.BLIND)
    return Lists(blind=blind, unserved=_named(entries, lambda state: state is State.NOT_SERVED))


def _named(entries: Iterable[EntryStatus], which: Callable[[State], bool]) -> str:
    found: dict[tuple[str, str], None] = {}
    for each in entries:
        for read in each.streams:
            if which(read.state):
                found[each.chain, read.stream] = None
    by_chain: dict[str, list[str]] = {}
    for chain, stream in found:
        by_chain.setdefault(chain, []).append(stream)
    return ", ".join(f"{' and '.join(lists)} on {chain}" for chain, lists in by_chain.items())


def _numbers(counts: Mapping[State, int]) -> list[State]:
    return [state for state, number in counts.items() if number]
