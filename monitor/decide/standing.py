"""How a row will stand after a plan, and what becomes of one that had been told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.model import LIVE_STATUSES, Status, Transfer
from monitor.model.facts import BACK, COUNTS, INCLUDED, REPLACED, SEEN, UNSEEN

_UNCONFIRMED = (REPLACED, UNSEEN)  # was in no block when this was told


@dataclass(frozen=True, slots=True)
class Standing:
    """A row as it will stand after the plan, and whether it was known in a block before."""

    transfer: Transfer
    status: Status
    late: bool
    was_in_block: bool = False
    rival: str = ""  # another transaction that spends the same coins


def whole(told: Sequence[Standing]) -> bool:
    """Whether a transaction that is in the chain again can be told as one: not while some of
    its rows are still looked for, unless that takes until the others are final."""
    missing = any(s.status is Status.MISSING for s in told)
    return not missing or any(s.status is Status.FINAL for s in told)


def correction_state(stood: Standing, told: str | None) -> str | None:
    """What a row that had been told has turned into, if that needs telling.

    `told` is how the newest correction left it; None: as first told.
    """
    if stood.status is Status.ORPHANED:
        if told in ("reversed", REPLACED) or (told == UNSEEN and not stood.rival):
            return None
        if stood.was_in_block:
            return "reversed"
        return REPLACED if stood.rival else UNSEEN
    if stood.status is Status.PENDING:
        if told in _UNCONFIRMED:
            return SEEN
        return "unconfirmed again" if told == "reversed" or stood.was_in_block else None
    if stood.status in LIVE_STATUSES and told is not None and told not in COUNTS:
        return INCLUDED if told in (*_UNCONFIRMED, SEEN) else BACK
    return None
