"""What is recorded, as people of one case may have it: without entries, names and alerts of other
cases, and with our own addresses by their labels alone, also where another case watches them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from monitor.chains.within import addresses_in
from monitor.model import Alert, AlertView, Entry, Known, TransferView, Watched
from monitor.model.errors import ConfigError, Problem
from monitor.model.facts import Facts
from monitor.model.lists import ListConfig
from monitor.model.settings import Settings
from monitor.store import case_file, named, ours, veil
from monitor.store.port import Reader
from monitor.store.views import Views

MOST_ENTRIES = 50_000  # of a case that goes out; those of a whole list are its publisher's to give
PART = 500  # movements that are in memory at once


@dataclass(frozen=True)
class Mine:
    """The record, as it goes out with one case."""

    store: Reader
    settings: Settings
    views: Views
    case: str

    def check(self) -> None:
        """Raises ConfigError where the case is too large to go out."""
        number = case_file.number_of_entries(self.store, self.case)
        if number > MOST_ENTRIES:
            why = f"has {number:,} entries, and at most {MOST_ENTRIES:,} go out in one file"
            remedy = "`fundwatch lists rows` and `log export` hand out what a whole list holds"
            raise ConfigError([Problem("CASE", self.case, why, remedy)])

    @cached_property
    def entries(self) -> Sequence[Watched]:
        return case_file.entries(self.store, self.case)

    @cached_property
    def keys(self) -> frozenset[str]:
        """Its addresses, those that are followed for it among them."""
        return frozenset(each.key for each in case_file.subjects(self.store, self.case))

    @cached_property
    def addresses(self) -> frozenset[str]:
        return frozenset(key.split("/", 1)[1] for key in self.keys)

    @cached_property
    def lists(self) -> Mapping[str, ListConfig]:
        """The lists whose names its people may know."""
        found = self.views.lists.items()
        return {name: each for name, each in found if each.private_to in ("", self.case)}

    # -- our own -------------------------------------------------------------------------------

    def labels(self, addresses: Iterable[str]) -> dict[str, str]:
        """What stands for those of these that are our own, unless the case watches them."""
        found = ours.labels(self.store, self.views.ours, {*addresses} - self.addresses)
        return {address: f"ours:{label}" for address, label in found.items()}

    def names_ours(self, text: str) -> bool:
        """Whether an address of our own stands in a text."""
        if not self.views.ours:
            return False
        return bool(self.labels(addresses_in(text)))

    # -- movements ------------------------------------------------------------------------------

    def movements(self, ids: Sequence[int]) -> Iterator[Sequence[TransferView]]:
        """In parts, in this order."""
        for start in range(0, len(ids), PART):
            yield self.of_mine(self.views.rows(ids[start : start + PART]))

    def of_mine(self, found: Sequence[TransferView]) -> list[TransferView]:
        parties = {address for view in found for address in view.row.transfer.parties()}
        labels = self.labels(parties) if self.views.ours else {}
        return [self._movement(view, labels) for view in found]

    def _movement(self, view: TransferView, labels: veil.Veil) -> TransferView:
        kept = tuple(each for each in view.entries if each.case == self.case)
        names = {each.id for each in kept}
        sides = {entry: side for entry, side in view.directions.items() if entry in names}
        return replace(view, row=veil.veiled(view.row, labels), entries=kept, directions=sides)

    def names(self, found: Iterable[TransferView]) -> dict[tuple[str, str], Known]:
        """By chain and address: an entry of the case, your own book, a list, the shipped book."""
        parties = {
            (view.row.transfer.chain, address)
            for view in found
            for address in view.row.transfer.parties()
        }
        listed = named.gather(self.store, self.settings.chains, self.lists, sorted(parties))
        names = ((party, self._name(party, listed)) for party in parties)
        return {party: known for party, known in names if known is not None}

    def _name(
        self, party: tuple[str, str], listed: Mapping[tuple[str, str], Known]
    ) -> Known | None:
        entry = self._entry_on.get("/".join(party))
        if entry is not None:
            return Known(entry.label, entry.case, True, entry.id, source="label of the case")
        book = self.views.book
        known = book.get(party) or book.get(("", party[1]))
        return known if known is not None and not known.shipped else listed.get(party) or known

    @cached_property
    def _entry_on(self) -> Mapping[str, Entry]:
        found: dict[str, Entry] = {}
        for watched in sorted(self.entries, key=lambda w: not w.active):
            found.setdefault(watched.entry.subject.key, watched.entry)
        return found

    # -- alerts ---------------------------------------------------------------------------------

    def alerts(self, ids: Sequence[str]) -> Iterator[AlertView]:
        """Of the case, in this order."""
        for start in range(0, len(ids), PART):
            yield from map(self._alert, self.views.alerts(ids[start : start + PART]))

    def _alert(self, view: AlertView) -> AlertView:
        parties = {
            a for leg in (*view.transfers, *view.all_legs) for a in leg.row.transfer.parties()
        }
        labels = self.labels(parties) if self.views.ours else {}
        known = {
            labels.get(address, address): name
            for address, name in view.names.items()
            if name.case in ("", self.case) and address not in labels
        }
        return replace(
            view,
            alert=self._facts(veil.facts(view.alert, labels)),
            transfers=tuple(self._movement(each, labels) for each in view.transfers),
            all_legs=tuple(self._movement(each, labels) for each in view.all_legs),
            names=known,
            also=tuple(each for each in view.also if each.case == self.case),
        )

    def _facts(self, alert: Alert) -> Alert:
        """What lists said of the address, as far as it is this case that they watch it for."""
        facts: Facts = alert.facts
        kept = tuple(each for each in facts.on_lists if each.case == self.case)
        return (
            alert if kept == facts.on_lists else replace(alert, facts=replace(facts, on_lists=kept))
        )
