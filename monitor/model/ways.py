"""Ways to people: a channel and one of its recipients; and what is passed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Way = tuple[str, str]  # channel and recipient
NOBODY = ""  # the channel of what is owed and has no channel that could take it yet


def trouble_key(channel: str, recipient: str = "") -> str:
    """Names the incident about a channel, or about one recipient of several."""
    return f"channel:{channel}/{recipient}" if recipient else f"channel:{channel}"


def place_of(key: str) -> Way | None:
    """The channel and recipient ("": all of it) that an incident is about; None: about
    something other than sending."""
    kind, _, place = key.partition(":")
    name, _, recipient = place.partition("/")
    return (name, recipient) if kind == "channel" else None


@dataclass(frozen=True, slots=True)
class Reach:
    """How one channel stands, in times by recipient."""

    accepted: Mapping[str, int] = field(default_factory=dict)  # the newest yes
    refusing: Mapping[str, int] = field(default_factory=dict)  # since when nothing is taken
    asked: frozenset[str] = frozenset()  # those for whom something is due
    off: int | None = None  # since when it is switched off


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """An alert that nobody has taken in hand, and how far it was passed on."""

    alert: str
    created: int
    passed_to: tuple[str, ...] = ()  # channels
    passed: int | None = None  # when the last of them was told
