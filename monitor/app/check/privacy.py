"""The PRIVACY statement of `fundwatch check`: who learns which of the watched addresses. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.decide import worth
from monitor.decide.asking import Allowed, all_may, allowed_by, among
from monitor.decide.balance_cost import witnesses
from monitor.decide.cost import Taken, first_sources, sees_life
from monitor.decide.second import second_sources
from monitor.model import Entry, Severity, Subject, Way
from monitor.model.hosts import is_loopback
from monitor.model.plain import count
from monitor.model.ports import SeesUnspent, Source
from monitor.model.settings import Settings
from monitor.net import wire
from monitor.net.sources import whole_of

BySource = Mapping[str, Sequence[Source]]  # chain -> sources in order


def words(
    settings: Settings,
    entries: Sequence[Entry],
    made: BySource,
    asleep: Collection[Subject],
    taken: Mapping[str, Taken],
) -> str:
    """`asleep`: addresses that never lived on their chain, of which no list is asked for; `taken`:
    the way in which each chain is read."""
    shown = _Shown(settings, asleep)
    for (chain, may), mine in _alike(entries).items():
        sources = made.get(chain, ())
        faces = [face for source in sources if (face := whole_of(source)) is not None]
        if taken.get(chain, Taken()).way is Way.BLOCKS and all_may(faces, may):
            shown.by_blocks(chain, mine, among(sources, may))
        else:
            shown.by_address(mine, among(sources, may))
    said = ", ".join(shown.places())
    said = f"addresses are shown to: {said}" if said else "no address is shown to anybody"
    if shown.whole:
        whole = ", ".join(f"{len(each):,} on {chain}" for chain, each in shown.whole.items())
        said += f"; read by blocks, which show nobody whom they are read for: {whole}"
    if number := sum(s in asleep for s in {e.subject for e in entries}):
        chains = {s.chain for s in asleep}
        said += (
            f"; {number:,} dormant on {count(len(chains), 'chain', 'chains')}, shown there to "
            "nodes alone"
        )
    learn = [_place(wire.where(c.url)[0]) for c in settings.prices if priced(settings, entries)]
    return f"{said}; only which coins you watch to: {', '.join(learn)}" if learn else said


@dataclass
class _Shown:
    """Addresses by the host that learns of them."""

    settings: Settings
    asleep: Collection[Subject]
    regular: dict[str, set[str]] = field(default_factory=dict)
    # Of whom blocks are read: asked for what lies below the block of joining, and once more.
    history: dict[str, set[str]] = field(default_factory=dict)
    standby: dict[str, set[str]] = field(default_factory=dict)
    whole: dict[str, set[str]] = field(default_factory=dict)  # read by blocks, by chain

    def by_address(self, mine: Sequence[Entry], sources: Sequence[Source]) -> None:
        read = {e.subject.address for e in mine if e.subject not in self.asleep}
        # Those of lists are asked for together before anything is read, see loops/dormant.py.
        looked = {e.subject.address for e in mine if e.subject in self.asleep or e.origin}
        asked = self._listing(sources) | _weighing(mine, sources)
        for source in sources:
            self._add(self.regular if source.name in asked else self.standby, source, read)
            if sees_life(source):
                self._add(self.regular, source, looked)

    def by_blocks(self, chain: str, mine: Sequence[Entry], sources: Sequence[Source]) -> None:
        read = {e.subject.address for e in mine}
        self.whole.setdefault(chain, set()).update(read)
        balances, histories = _weighing(mine, sources), self._listing(sources)
        for source in sources:
            once = source.name in histories or hasattr(
                whole_of(source), SeesUnspent.unspent.__name__
            )
            known = self.regular if source.name in balances else self.history
            self._add(known if known is self.regular or once else self.standby, source, read)

    def places(self) -> Iterator[str]:
        for host, found in self.regular.items():
            yield f"{_place(host)} {len(found)}"
        for host, found in self.history.items():
            if rest := found - self.regular.get(host, set()):
                yield f"{_place(host)} {len(rest)} (for their history)"
        for host, found in self.standby.items():
            if host not in self.regular and host not in self.history:
                yield f"{_place(host)} {len(found)} (standby)"

    def _listing(self, sources: Sequence[Source]) -> set[str]:
        """Who is asked for lists, first or for a second word."""
        whose = {s.name: self.settings.sources[s.name].operator for s in sources}
        return {*first_sources(sources), *second_sources(sources, whose)}

    def _add(self, to: dict[str, set[str]], source: Source, addresses: set[str]) -> None:
        if addresses:
            host = wire.where(self.settings.sources[source.name].url)[0]
            to.setdefault(host, set()).update(addresses)


def _weighing(mine: Sequence[Entry], sources: Sequence[Source]) -> set[str]:
    """Who is asked what addresses hold."""
    severe = any(e.severity is Severity.SEVERE for e in mine)
    return {source.name for source in witnesses(sources)[: None if severe else 1]}


def _alike(
    entries: Sequence[Entry],
) -> Mapping[tuple[str, Allowed | None], Sequence[Entry]]:
    """Entries by their chain and who alone may learn of their addresses."""
    on: dict[Subject, list[Entry]] = {}
    for entry in entries:
        on.setdefault(entry.subject, []).append(entry)
    alike: dict[tuple[str, Allowed | None], list[Entry]] = {}
    for subject, mine in on.items():
        alike.setdefault((subject.chain, allowed_by(mine)), []).extend(mine)
    return alike


def priced(settings: Settings, entries: Sequence[Entry]) -> bool:
    """Whether any price source is asked about anything."""
    chains = (settings.chains[e.subject.chain] for e in entries)
    return any(worth.has_id(chain, "") for chain in chains)


def _place(host: str) -> str:
    return f"{host} (this machine)" if is_loopback(host) else host
