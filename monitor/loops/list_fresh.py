"""Entries that differ in id and address alone, as nearly all do that a long list brings:
they are worked out once, and the text of one is that of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from monitor.model import Entry, Subject
from monitor.model.acts import Listed
from monitor.store.taking import listed
from monitor.watchlist.listed import entry_id


@dataclass(frozen=True, slots=True)
class _OfChain:
    chain: str
    case: str
    retired: bool
    texts: Sequence[str]  # of its terms: before the id, between it and the address, behind that


@dataclass(frozen=True, slots=True)
class Form:
    """What the entries of an address and an entity are like, one a chain."""

    list: str
    entries: Sequence[_OfChain]

    def of(self, address: str, entity: str) -> Iterator[Listed]:
        """The same of another address, which a chain writes as it is handed in."""
        for each in self.entries:
            subject = Subject(each.chain, address)
            name = entry_id(self.list, subject, entity)
            first, middle, last = each.texts
            terms = f"{first}{name}{middle}{address}{last}"  # JSON escapes nothing of these two
            yield Listed(name, subject, each.case, terms, each.retired)


def form(name: str, entries: Sequence[Entry]) -> Form | None:
    """None where their texts hold more of an address than their subject does."""
    found = [_of_chain(entry) for entry in entries]
    usual = all(len(each.texts) == 3 for each in found)
    origins = [entry.origin for entry in entries]
    return Form(name, found) if usual and not any(o and o.address for o in origins) else None


def _of_chain(entry: Entry) -> _OfChain:
    subject = Subject(entry.subject.chain, entry.id)  # nothing else holds its id
    (marked,) = listed([replace(entry, subject=subject)])
    return _OfChain(subject.chain, entry.case, marked.retired, marked.terms.split(entry.id))
