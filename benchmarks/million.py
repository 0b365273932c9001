"""A published list of a million addresses, watched on a chain that is read block by block: what it
costs to take it, to start, to pass, to look. Each step in a process of its own.

python benchmarks/million.py [--entries 1000000] [--json FILE]
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import Usage, arguments, evm_address, show

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from monitor.app.fundwatch import Fundwatch

NAME = "many"
_FRESH = multiprocessing.get_context("spawn")


# -- the chain, in a process of its own ----------------------------------------------------------


def _serve(pipe: Connection) -> None:
    from monitor.demo.world.explorer import Explorer
    from monitor.demo.world.ledger import AccountLedger
    from monitor.demo.world.moves import Tx

    ledger = AccountLedger(time=int(time.time()) - 12 * 200, first_height=1_000_000)
    for _ in range(200):
        ledger.mine()
    with Explorer() as running:
        running.add("dev", ledger, "evm_rpc", chain_id=31337)
        pipe.send(running.url("dev", "evm_rpc"))
        while (number := pipe.recv()) is not None:
            for block in range(number):  # each with one payment to somebody on the list
                paid = evm_address(f"listed {block}")
                name = "0x" + evm_address(f"tx {ledger.head.height} {block}")[2:].rjust(64, "0")
                ledger.mine([Tx(name, evm_address("stranger"), paid, 10**18)])
            pipe.send(None)


@contextmanager
def chain() -> Iterator[tuple[str, Callable[[int], None]]]:
    """A node's address, and what mines so many blocks."""
    here, there = _FRESH.Pipe()
    process = _FRESH.Process(target=_serve, args=(there,), daemon=True)
    process.start()

    def mine(number: int) -> None:
        here.send(number)
        here.recv()

    try:
        yield here.recv(), mine
    finally:
        here.send(None)
        process.join(30)


def write_home(home: Path, url: str, entries: int) -> None:
    lines = (evm_address(f"listed {number}") + "\n" for number in range(entries))
    (home / "list.txt").write_text("".join(lines), "utf-8")
    own = {
        "family": "evm",
        "chain_id": 31337,
        "finality": 12,
        "sources": ["mine"],
        "read": "blocks",
    }
    own |= {"native": {"symbol": "ETH", "decimals": 18}}
    listed = {"kind": "text", "title": "MANY", "file": str(home / "list.txt"), "watch": True}
    listed |= {"case": "MANY", "severity": "high", "chains": ["dev"]}
    source = {"kind": "evm_rpc", "url": url, "rate_per_second": 100_000}
    files = {
        "config/chains.yaml": {"chains": {"dev": own}},
        "config/sources.yaml": {"sources": {"mine": source}},
        "config/lists.yaml": {"lists": {NAME: listed}},
        "config/settings.yaml": {"prices": "none"},
        "watchlist.yaml": {"addresses": []},
    }
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(json.dumps(content), "utf-8")


# -- the steps -----------------------------------------------------------------------------------

Step = Callable[[Path], object]


def update(home: Path) -> object:
    """`fundwatch lists update`."""
    from monitor.app.home import open_home
    from monitor.loops import doors
    from monitor.loops.list_watch import Wish

    with open_home(home, {}) as app:
        app.reload()
        (result,) = app.following.update(Wish(doors.this_user().named(None), (NAME,)))
        return result.said


def begun(home: Path) -> object:
    """What `run` does until it is ready."""
    from monitor.app.home import open_home

    with open_home(home, {}) as app:
        app.reload()
    return ""


def passed(home: Path) -> object:
    """One pass, as the first of a process: who is a member is loaded."""
    return _passes(home, 1)


def passes(home: Path) -> object:
    """Two: the second finds nothing due."""
    return _passes(home, 2)


def _passes(home: Path, number: int) -> object:
    from monitor.app.home import open_home

    with open_home(home, {}) as app:
        app.reload()
        _due(app)
        told = []
        for _ in range(number):
            before = Usage.now()
            report = app.poll(everything=False)
            after = Usage.now()
            took = f"{after.wall - before.wall:.2f} s, CPU {after.cpu - before.cpu:.2f} s"
            told.append(f"{report.wholes} chains, {report.new_rows} rows: {took}")
        return "; ".join(told)


def _due(app: Fundwatch) -> None:
    with app.store.write() as conn:
        conn.execute("UPDATE scope SET due = 0 WHERE address = '*'")


def kept(home: Path) -> object:
    """What is looked after twice a minute beside passes: the second time."""
    from monitor.app.home import open_home

    with open_home(home, {}) as app:
        app.reload()
        app.housekeep()
        before = Usage.now()
        app.housekeep()
        after = Usage.now()
        return f"again: {after.wall - before.wall:.2f} s, CPU {after.cpu - before.cpu:.2f} s"


def _looked(home: Path, look: Callable[[Any, Any], object]) -> object:
    from monitor.app.settings.load import load
    from monitor.store.sqlite import Store

    store = Store(home / "fundwatch.db", readonly=True)
    try:
        return look(store, load(home, {}))
    finally:
        store.close()


def healthy(home: Path) -> object:
    """`status --healthy`, the health page."""
    from monitor.loops.health import vitals

    def look(store: Any, settings: Any) -> object:
        return vitals.look(store, settings, int(time.time()), running=True).words

    return _looked(home, look)


def status(home: Path) -> object:
    """`status --json`."""
    from monitor.loops.health import status
    from monitor.loops.health.snapshot import to_json

    def look(store: Any, settings: Any) -> object:
        found = status.snapshot(store, settings, int(time.time()), running=True)
        text = json.dumps(to_json(found), indent=2)
        return f"{len(text):,} characters; {found.verdict.words}"

    return _looked(home, look)


def metrics(home: Path) -> object:
    """The page for Prometheus."""
    from monitor.loops.health import status
    from monitor.web import metrics

    def look(store: Any, settings: Any) -> object:
        now = int(time.time())
        found = status.snapshot(store, settings, now, running=True, entries=False)
        return f"{len(metrics.exposition(store, settings, found, now)):,} characters"

    return _looked(home, look)


def day(home: Path) -> object:
    """What the daily message says of all entries."""
    from monitor.loops.daily import Daily

    def look(store: Any, settings: Any) -> object:
        now = int(time.time())
        return Daily(store, settings, now - 86_400, now).remarks({"MANY"}, "mail")["CHECKED"]

    return _looked(home, look)


def copied(home: Path) -> object:
    """`fundwatch backup`."""
    from monitor.store.sqlite import Store

    store = Store(home / "fundwatch.db")
    store.backup(home / "copy.db")
    store.close()
    size = (home / "copy.db").stat().st_size
    (home / "copy.db").unlink()
    return f"{size / 1e6:,.0f} MB"


STEPS: tuple[tuple[str, Step, int], ...] = (  # blocks that are mined before it
    ("lists update", update, 0),
    ("first pass", passed, 0),
    ("start", begun, 0),
    ("pass, 3 new blocks; nothing due", passes, 3),
    ("housekeeping", kept, 0),
    ("health", healthy, 0),
    ("status --json", status, 0),
    ("metrics", metrics, 0),
    ("daily message", day, 0),
    ("backup", copied, 0),
)


def _alone(pipe: Connection, step: Step, home: Path) -> None:
    before = Usage.now()
    said = step(home)
    after = Usage.now()
    pipe.send(
        {
            "wall s": round(after.wall - before.wall, 2),
            "CPU s": round(after.cpu - before.cpu, 2),
            "peak MiB": round(after.peak),
            "said": str(said)[:120],
        }
    )


def alone(step: Step, home: Path) -> dict[str, object]:
    """A step in a process that is started anew for it."""
    here, there = _FRESH.Pipe()
    process = _FRESH.Process(target=_alone, args=(there, step, home))
    process.start()
    there.close()
    try:
        found: dict[str, object] = here.recv()
        return found
    finally:
        process.join()


def main() -> None:
    given = arguments(__doc__ or "", entries=1_000_000).parse_args()
    figures = []
    with chain() as (url, mine), tempfile.TemporaryDirectory(prefix="fundwatch-bench-") as name:
        home = Path(name)
        write_home(home, url, given.entries)
        for what, step, blocks in STEPS:
            if blocks:
                mine(blocks)
            figures.append({"entries": given.entries, "step": what, **alone(step, home)})
            print(json.dumps(figures[-1]), file=sys.stderr, flush=True)  # a million takes long
    show(figures, given.json)


if __name__ == "__main__":
    main()
