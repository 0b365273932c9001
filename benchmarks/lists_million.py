"""A published list of a million rows: read, kept, and a second version with 10,000 changes; and a
list of 20,000 addresses that are watched. How long each takes, how much memory, and how long
nobody else can write meanwhile.

python benchmarks/lists_million.py [--rows 1000000] [--changes 10000] [--watched 20000]
    [--json FILE]
"""

from __future__ import annotations

import hashlib
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import Usage, arguments, evm_address, show

if TYPE_CHECKING:
    from monitor.loops.lists import Lists


class Turns:
    """How long each transaction lasted."""

    def __init__(self, store: Any) -> None:
        self.longest, self.count, self._write = 0.0, 0, store.write
        store.write = self.write

    @contextmanager
    def write(self) -> Iterator[Any]:
        started = time.perf_counter()
        with self._write() as conn:
            yield conn
        self.longest = max(self.longest, time.perf_counter() - started)
        self.count += 1


def opened(folder: Path, *, watch: bool) -> tuple[Lists, Any]:
    from monitor.app.settings.load import load
    from monitor.loops.lists import Lists
    from monitor.loops.router import Router
    from monitor.model.lists import ListConfig
    from monitor.store.sqlite import Store
    from monitor.watchlist.imports.poison import all_poison

    settings, store = load(folder, {}), Store(folder / "fundwatch.db", create=True)
    config = ListConfig("many", "text", "MANY", watch=watch)
    router = Router(store, settings.channels)
    poison = all_poison(settings)
    return Lists(folder, store, settings.chains, {"many": config}, router, poison), store


def take(lists: Lists, turns: Turns, addresses: list[str]) -> dict[str, object]:
    """One version, and what it cost."""
    from monitor.model.acts import DAEMON
    from monitor.model.lists import Fetched

    path = lists.home / "list.txt"
    path.write_text("\n".join(addresses) + "\n", "utf-8")
    data = path.read_bytes()
    fetched = Fetched(path, hashlib.sha256(data).hexdigest(), len(data), path.name)
    turns.longest, turns.count = 0.0, 0
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = lists.take("many", fetched, DAEMON)
    assert outcome.publication is not None, outcome.why
    return {
        "rows": outcome.publication.rows,
        "seconds": round(time.perf_counter() - wall, 2),
        "cpu": round(time.process_time() - cpu, 2),
        "longest transaction": round(turns.longest, 3),
        "transactions": turns.count,
        "peak MiB": round(Usage.now().peak),
    }


def main() -> None:
    given = arguments(__doc__ or "", rows=1_000_000, changes=10_000, watched=20_000).parse_args()
    figures = []
    for rows, changes, watch in (
        (given.rows, given.changes, False),
        (given.watched, given.watched // 100, True),
    ):
        with tempfile.TemporaryDirectory() as name:
            lists, store = opened(Path(name), watch=watch)
            turns = Turns(store)
            addresses = [evm_address(f"listed {number}") for number in range(rows)]
            for what in ("first version", "second version"):
                told = {"what": what, "watched": watch, **take(lists, turns, addresses)}
                figures.append(told)
                gone = set(random.Random(1).sample(range(rows), changes // 2))
                addresses = [each for at, each in enumerate(addresses) if at not in gone]
                addresses += [evm_address(f"later {number}") for number in range(changes // 2)]
            size = (Path(name) / "fundwatch.db").stat().st_size
            figures[-1]["record MB"] = round(size / 1e6)
            store.close()
    show(figures, given.json)


if __name__ == "__main__":
    main()
