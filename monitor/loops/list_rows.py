"""Rows of published lists as people see them: what a version said, and how each stands now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from monitor.model import Watched
from monitor.model.lists import Listing, Publication, RowState, Word
from monitor.store import listing
from monitor.store.port import Reader
from monitor.watchlist import listed


@dataclass(frozen=True, slots=True)
class Standing:
    """A row of a list, and how it stands beside the version in force."""

    row: Listing
    state: RowState
    chains: Sequence[str]  # on which it is watched; where it is not: on which it would be
    reason: str  # why it is refused, not watched any more, or what to look at; empty: nothing
    words: Mapping[str, Word]  # what people said of it, or of whom it is about, by key
    entries: Sequence[str] = ()  # ids of those that watch it


def rows(store: Reader, name: str, version: Publication) -> Iterator[Standing]:
    """What a version said, row by row; of the version in force also what earlier ones said and it
    does not, each as it stood there last. With only a part of them in memory."""
    newest = listing.newest_nr(store, name)
    told = listing.at_version(store, name, version.nr)
    if version.nr == newest:
        told = chain(told, listing.removed(store, name, newest))
    yield from standing(store, name, newest, told)


Changed = tuple[str, Standing, Standing | None]  # added | removed | changed; it; what it was


def changes(store: Reader, name: str, old: Publication, new: Publication) -> Iterator[Changed]:
    """What differs between two versions, row by row."""
    newest, found = listing.newest_nr(store, name), listing.changes(store, name, old.nr, new.nr)
    while part := [*islice(found, listing.PART)]:
        now = standing(store, name, newest, (each for c in part if (each := c.new or c.old)))
        was = standing(store, name, newest, (c.old for c in part if c.new and c.old))
        for change, it in zip(part, now, strict=True):
            yield change.word, it, next(was) if change.word == "changed" else None


def standing(store: Reader, name: str, newest: int, told: Iterable[Listing]) -> Iterator[Standing]:
    """How these rows stand beside version `newest`, which is in force."""
    said, rest = listing.words(store, name), iter(told)
    while part := [*islice(rest, listing.PART)]:
        addresses = [a for row in part if (a := row.row.judged.address)]
        stored = listing.stored(store, name, addresses) if listing.has_entries(store, name) else {}
        for row in part:
            yield _stands(row, newest, said, stored.get(row.row.target, ()))


def _stands(row: Listing, newest: int, said: listed.Words, mine: Sequence[Watched]) -> Standing:
    active = [watched.entry for watched in mine if watched.active]
    state = listed.state(row, newest, said, watched=bool(active))
    watched_on = [entry.subject.chain for entry in active]
    words = {key: word for _, key in said if (word := listed.word_on(row, said, key))}
    own = [*row.row.judged.chains]  # another row may have the same address for other chains
    here = watched_on if "chains" in words else [key for key in watched_on if key in own]
    chains = here or watched_on or own
    ids = [entry.id for entry in active]
    return Standing(row, state, chains, _reason(row, state, mine), words, ids)


def _reason(row: Listing, state: RowState, mine: Sequence[Watched]) -> str:
    judged = row.row.judged
    ended = next((w.entry.retired for w in mine if not w.active), "")
    if state is RowState.REFUSED:
        return judged.reason or judged.rule
    if state is RowState.REMOVED:
        watched = any(w.active for w in mine)
        after = "still watched" if watched else f"ended {ended}" if ended else "not watched"
        return f"not on it since {row.until}; {after}"
    if state is RowState.LISTED:
        return f"ended {ended}" if ended else ""
    return judged.reason if judged.rule else judged.warning
