"""What a trace makes of names that others gave an address: a stop, how sure, in which words.
Pure."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.model import CONFIDENCES
from monitor.model.trace import CATEGORIES, Name, Stop

# Categories of address books that end a trace under another reason.
_AS = {"gambling": "service", "government-seizure": "service"}
_LOW = CONFIDENCES[-1]


def reason(name: Name) -> str:
    """Why a trace ends at an address of this name; empty: a name alone ends nothing."""
    category = _AS.get(name.category, name.category)
    return category if category in CATEGORIES else ""


def in_order(names: Sequence[Name]) -> tuple[Name, ...]:
    """The one that counts first: the home's own, then what says what it is, then the surest."""
    return tuple(sorted(names, key=_rank))


def stop(names: Sequence[Name]) -> Stop | None:
    """Why a trace ends at an address of these names; None: they end nothing.

    A name of the home's own address book stands, whatever others say; it is confirmed unless that
    book itself says low. Where others contradict each other, or nobody is sure, the stop is not
    confirmed.
    """
    own = [name for name in names if name.own and name.category]
    counted = in_order(own or names)
    ends = [name for name in counted if reason(name)]
    if not ends:
        return None
    first = ends[0]
    if own and first.confidence != _LOW:
        return Stop(reason(first), said(first))
    ends = ends[:1] if own else ends
    sure = any(name.confidence != _LOW for name in ends)
    if sure and len({reason(name) for name in ends}) == 1:
        return Stop(reason(first), said(first))
    words = "; ".join(f"named as {said(name)}, not confirmed" for name in ends)
    return Stop(reason(first), words, confirmed=False)


def said(name: Name) -> str:
    """ "Binance 14 by etherscan labels (2024-05-01)"."""
    by = f" by {name.source}" if name.source else ""
    return f"{name.name}{by}" + (f" ({name.date})" if name.date else "")


def _rank(name: Name) -> tuple[bool, bool, int, int, str, str, str]:
    sure = CONFIDENCES.index(name.confidence) if name.confidence in CONFIDENCES else 1
    which = CATEGORIES.index(reason(name)) if reason(name) else len(CATEGORIES)
    return (not name.own, not reason(name), sure, which, name.name, name.source, name.date)
