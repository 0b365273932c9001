"""Who may be asked about an address. Pure.

People may say of a case or an entry that only some of a chain's sources learn of its addresses.
What one entry forbids another on the same address does not allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from monitor.model import Entry, Watched
from monitor.model.ports import Profiles, TellsLogs

Allowed = frozenset[str]  # names of sources


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_S = TypeVar("_S", bound=_Named)


def allowed(watched: Iterable[Watched]) -> Allowed | None:
    """The sources that all active entries on an address allow; None: all of its chain."""
    return allowed_by(w.entry for w in watched if w.active)


def allowed_by(entries: Iterable[Entry]) -> Allowed | None:
    """The same of entries that are all active."""
    named = [frozenset(entry.sources) for entry in entries if entry.sources]
    return frozenset.intersection(*named) if named else None


def among(sources: Iterable[_S], may: Allowed | None) -> tuple[_S, ...]:
    """Those of these sources that may be asked, in their order."""
    return tuple(source for source in sources if may is None or source.name in may)


def all_may(sources: Sequence[_Named], may: Allowed | None) -> bool:
    return may is None or all(source.name in may for source in sources)


def sees_profiles(source: object) -> bool:
    """Whether a source can be asked what an address is, before its history is read."""
    return hasattr(source, Profiles.profile.__name__)


def tells_logs(source: object) -> bool:
    """Whether a source can be asked for all that a transaction wrote."""
    return hasattr(source, TellsLogs.tx_logs.__name__)
