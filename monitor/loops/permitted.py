"""Who alone may be asked about an address: by its entries, else by the cases that follow it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from monitor.decide.asking import Allowed, allowed
from monitor.model import Subject, Watched
from monitor.store import follow
from monitor.store.port import Reader


def permitted(
    store: Reader, subjects: Iterable[Subject], watched: Mapping[Subject, Sequence[Watched]]
) -> dict[Subject, Allowed | None]:
    """By address; None: all sources of its chain. `watched`: their entries."""
    wanted = list(subjects)
    active = {s: [w for w in watched.get(s, ()) if w.active] for s in wanted}
    named = follow.allowed(store, [s for s in wanted if not active[s]])
    return {s: allowed(active[s]) if active[s] else named.get(s.key) for s in wanted}
