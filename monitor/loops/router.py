"""To which channels an alert goes, by the present settings and by what of them works."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from monitor.decide import routing
from monitor.model import Alert, ChannelConfig, Entry
from monitor.model.plan import Route
from monitor.store import watch, ways
from monitor.store.port import Store


@dataclass(frozen=True)
class Router:
    """The rules of `decide.routing`, held against the channels that are set up."""

    store: Store
    configs: Mapping[str, ChannelConfig]

    def route(self, alert: Alert, entry: Entry | None) -> list[Route]:
        if entry is not None and entry.canary and not alert.facts.ours:
            return []  # it moves all the time: one would read nothing else
        bad = ways.failing(self.store, self.configs) if routing.about_sending(alert) else ()
        return routing.routes(alert, entry, self.configs, bad, self._also(alert))

    def _also(self, alert: Alert) -> list[Entry]:
        """The entries of published lists that an alert names beside its own."""
        ids = [each.entry for each in alert.facts.on_lists if each.entry != alert.entry_id]
        return watch.named(self.store, ids) if ids else []

    def may_see_labels(self, names: Collection[str]) -> bool:
        """Whether none of these channels is kept to some cases."""
        rules = [self.configs[name].only for name in names if name in self.configs]
        return not any(only.case or only.tags for only in rules)
