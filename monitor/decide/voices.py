"""Which entries speak of a transaction where published lists have the address too. Pure.

People write an entry for each of their cases, and each tells its own. What lists say of an
address is one voice, however many of them have it: one of their entries leads, all are named in
its alert. Where a person's entry tells of the transaction, the lists' are named in that alert
and make none of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from monitor.model import Alert, Entry, Severity, Transfer, Watched
from monitor.model.facts import OnList
from monitor.model.lists import Publication

_ORDER = tuple(Severity)


class Case(Protocol):
    """One transaction held against one entry."""

    @property
    def entry(self) -> Entry: ...
    @property
    def alerts(self) -> Sequence[Alert]:
        """Of the entry about the transaction, also summaries that listed it."""

    @property
    def begun(self) -> bool:
        """Whether the entry has told of it as news, or goes on for one that did and is not watched
        any more."""

    @property
    def spoke(self) -> bool:
        """Whether anything of it was told by the entry itself, as news."""

    @property
    def has_news(self) -> bool:
        """Whether anything of it is news for the entry."""

    @property
    def tells(self) -> bool:
        """Whether all of it is news for the entry, which is about such movements."""


_C = TypeVar("_C", bound=Case)


def spoken(cases: Sequence[_C]) -> list[tuple[_C, tuple[_C, ...]]]:
    """Who tells of a transaction, each with those for whom it speaks, itself among them. One
    without any only corrects what it had told."""
    found: list[tuple[_C, tuple[_C, ...]]] = []
    found += [(case, (case,)) for case in cases if case.entry.origin is None]
    of_lists: dict[object, list[_C]] = {}
    for case in cases:
        if case.entry.origin is not None:
            of_lists.setdefault(case.entry.subject, []).append(case)
    for subject, mine in of_lists.items():
        persons = (case for case in cases if case.entry.origin is None)
        taken = any(case.tells for case in persons if case.entry.subject == subject)
        heard = [] if taken else [c for c in mine if c.begun or c.has_news]
        # Who told it first goes on, so that all of it stays in one thread.
        heard.sort(key=lambda c: (not (c.begun and c.spoke), not c.begun, weight(c.entry)))
        found += [(case, tuple(heard)) for case in heard[:1]]
        found += [
            (case, ()) for case in mine if case.alerts and case is not next(iter(heard), None)
        ]
    return sorted(found, key=lambda each: each[0].entry.id)


def weight(entry: Entry) -> tuple[object, ...]:
    """Sorts entries: those first that are still listed, then the most severe."""
    return (_is_off(entry), _ORDER.index(entry.severity), entry.id)


def _is_off(entry: Entry) -> bool:
    """Whether the list that an entry comes of does not name the address any more."""
    return entry.origin is not None and bool(entry.origin.until)


def severity(entry: Entry, rows: Sequence[Transfer]) -> Severity:
    """The entry's, raised by what the issuer of a token did: after a release the money can
    move again, and what is destroyed is gone. What is on its list no more is medium at most."""
    acts = [row.kind for row in rows if row.kind.act]
    found = entry.severity
    if any(not act.freezes for act in acts):
        found = Severity.SEVERE
    elif acts and found is not Severity.SEVERE:
        found = Severity.HIGH
    return Severity.MEDIUM if _is_off(entry) and found.urgent else found


def louder(one: Severity, other: Severity) -> Severity:
    """The more severe of two."""
    return min(one, other, key=_ORDER.index)


def on_lists(
    own: Entry, watched: Sequence[Watched], versions: Mapping[str, Publication]
) -> tuple[OnList, ...]:
    """What lists say of an address now, for an alert of one of its entries: that one first."""
    entries = [w.entry for w in watched if w.entry.origin and w.active]
    found = []
    for entry in sorted(entries, key=lambda e: (e.id != own.id, weight(e))):
        assert entry.origin is not None
        version = versions.get(entry.origin.list)
        day, sha256 = (version.day, version.sha256) if version else ("", "")
        found.append(OnList(entry.id, entry.origin, entry.case, day, sha256))
    return tuple(found)
