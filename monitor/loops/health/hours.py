"""How far each chain was read in the hours that went by: noted by the running program as it goes,
for the pages that show a day of it. What nobody noted is not known, and is shown as that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.loops.health import vitals
from monitor.model.settings import Settings
from monitor.model.status import State
from monitor.store import notes
from monitor.store.port import Reader, Store

SLOT = 900  # seconds that one value stands for: the worst of them
SLOTS = 96  # a day
LOOK_EVERY = 300  # seconds: three looks a slot
LEAST_LOOKS = 2  # with fewer a slot that is over was seen in part only
LOOKED, NOTE = "hours", "hours:"  # when it was looked last; of a chain


@dataclass(frozen=True, slots=True)
class Slot:
    """How entries of a chain stood, at the worst moment of a quarter of an hour."""

    at: int  # when it begins, Unix seconds
    looks: int
    entries: int
    unread: int  # of these not complete (nor dormant)
    blind: int  # of these

    def worse(self, other: Slot) -> Slot:
        first = (self.unread, self.blind) >= (other.unread, other.blind)
        worst = self if first else other
        return Slot(self.at, self.looks + other.looks, worst.entries, worst.unread, worst.blind)


def note(store: Store, settings: Settings, now: int) -> None:
    """Look, where the last look is old enough. Raises StoreError."""
    last = notes.get_note(store, LOOKED)
    if last is not None and 0 <= now - int(last) < LOOK_EVERY:
        return
    found: dict[str, Slot] = {}
    begin = now - now % SLOT
    for (chain, state), number in vitals.states(store, settings, now).items():
        unread = number if state not in (State.COMPLETE, State.DORMANT) else 0
        blind = number if state is State.BLIND else 0
        was = found.get(chain, Slot(begin, 1, 0, 0, 0))
        sums = (was.entries + number, was.unread + unread, was.blind + blind)
        found[chain] = Slot(begin, 1, *sums)
    for chain, slot in found.items():
        _add(store, chain, slot)
    notes.put_note(store, LOOKED, str(now))


def _add(store: Store, chain: str, slot: Slot) -> None:
    kept = _kept(store, chain)
    was = kept.get(slot.at)
    kept[slot.at] = was.worse(slot) if was else slot
    oldest = slot.at - SLOTS * SLOT
    told = [
        [s.at, s.looks, s.entries, s.unread, s.blind]
        for s in sorted(kept.values(), key=lambda each: each.at)
        if oldest <= s.at <= slot.at  # a clock that was set back leaves nothing of the future
    ]
    notes.put_note(store, f"{NOTE}{chain}", json.dumps(told))


def _kept(store: Reader, chain: str) -> dict[int, Slot]:
    told = notes.get_note(store, f"{NOTE}{chain}")
    return {each[0]: Slot(*each) for each in json.loads(told)} if told else {}


def last_day(store: Reader, chain: str, now: int) -> Mapping[int, Slot]:
    """The slots of the last day that are known, by when they begin; the one that runs is the
    last of SLOTS."""
    first = now - now % SLOT - (SLOTS - 1) * SLOT
    return {at: slot for at, slot in _kept(store, chain).items() if first <= at <= now}
