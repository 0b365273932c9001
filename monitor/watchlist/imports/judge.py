"""What a published address comes to: its chain, its canonical form, or by which rule it is refused.
Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.chains.address import AddressError, canonical
from monitor.chains.names import Unclear, from_encoding
from monitor.model import Chain
from monitor.model.lists import Judged, Published
from monitor.watchlist.imports.poison import Poison


@dataclass(frozen=True)
class Judge:
    """For one list. `wanted`: its `chains` (model.lists.ListConfig)."""

    chains: Mapping[str, Chain]
    wanted: str | tuple[str, ...]
    poison: Poison

    def judge(self, row: Published) -> Judged:
        """Never raises: what cannot be read is refused, with a rule and a reason."""
        if row.fault:
            return Judged(rule="unreadable", reason=f"{row.fault[0]}. {row.fault[1]}")
        found = from_encoding(row.address, self.chains, ("ethereum",))
        if isinstance(found, Unclear):
            return Judged(rule="not an address", reason=f"{found.reason}. {found.remedy}")
        key = found[0]
        try:
            address = canonical(self.chains[key], row.address)
        except AddressError as error:
            return Judged(rule="not an address", reason=f"{error.reason}. {error.remedy}")
        sink = self.poison.rule(self.chains[key], address)
        if sink is not None:
            return Judged(key, found, address, sink.rule, sink.reason)
        return Judged(key, found, address, warning=self.poison.warning(address))
