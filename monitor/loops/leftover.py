"""How many calls of a source's budget may be made now for what waits behind regular passes."""

from __future__ import annotations

from monitor.decide.cost import spare
from monitor.model import SourceConfig
from monitor.store import budgets
from monitor.store.port import Reader


def calls_left(
    store: Reader, config: SourceConfig, regular: float, share: float, now: int, most: int
) -> int:
    """`regular`: calls a second that passes over the watched addresses make; `share`: the part of
    what they leave that is meant; `most`: where nothing bounds it."""
    found = [most]
    for seconds, limit in ((3600, config.calls_per_hour), (86_400, config.calls_per_day)):
        if limit is not None:
            start = now // seconds * seconds
            used = budgets.used(store, config.name, start, seconds)
            left = start + seconds - now
            found.append(spare(limit, used, regular, seconds, left, share))
    return min(found)
