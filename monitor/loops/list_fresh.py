"""Entries of rows that a published list says for the first time, of which nobody has said anything:
nearly all of a long one. Most of them differ in their address alone, and are worked out once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from monitor.model import Entry, Subject
from monitor.model.acts import Listed
from monitor.store.listing import Target
from monitor.store.port import Fields
from monitor.store.taking import listed
from monitor.watchlist.listed import entry_id

# All of a row that its entries are made of, beside its address.
_ALIKE = ("entity", "name", "programs", "since", "at_least", "chain", "chains", "rule")
_KEPT = 1000  # different ones


@dataclass(frozen=True, slots=True)
class _Form:
    """What entries have in common that differ in id and address alone."""

    chain: str
    case: str
    retired: bool
    texts: Sequence[str]  # of their terms: before the id, between it and the address, behind that


@dataclass(frozen=True, slots=True)
class Fresh:
    """`made`: works the entries of any rows out; `judged`: the version whose new rows were judged
    by the settings of now."""

    name: str  # of the list
    made: Callable[[Target, Sequence[Fields]], list[Entry]]
    judged: int
    _forms: dict[tuple[object, ...], Sequence[_Form]] = field(default_factory=dict)

    def listed(self, target: Target, row: Fields) -> list[Listed]:
        """The entries of the only row on an address and entity that has none yet."""
        if row["from_nr"] != self.judged or row["twin"]:
            return listed(self.made(target, [row]))  # by its address it may be of other chains now
        alike = tuple(row[column] for column in _ALIKE)
        forms = self._forms.get(alike)
        if forms is None:
            entries = self.made(target, [row])
            forms = [_form(entry) for entry in entries if entry.subject.address == target[0]]
            usual = len(forms) == len(entries) and all(len(each.texts) == 3 for each in forms)
            if usual and len(self._forms) < _KEPT:
                self._forms[alike] = forms
            return listed(entries)
        return [self._filled(form, *target) for form in forms]

    def _filled(self, form: _Form, address: str, entity: str) -> Listed:
        subject = Subject(form.chain, address)
        name = entry_id(self.name, subject, entity)
        first, middle, last = form.texts
        terms = f"{first}{name}{middle}{address}{last}"  # neither holds what JSON would escape
        return Listed(name, subject, form.case, terms, form.retired)


def _form(entry: Entry) -> _Form:
    subject = Subject(entry.subject.chain, entry.id)  # nothing else holds its id
    (marked,) = listed([replace(entry, subject=subject)])
    return _Form(subject.chain, entry.case, marked.retired, marked.terms.split(entry.id))
