"""Rows a second into the record: `apply.apply` beside raw `executemany`.

All write the same rows into the same schema (same indexes, FULL synchronous) on the same
disk, in turns, one transaction a plan. `apply, not logged` leaves the log out, which is what it
costs. `raw` fills the one table of transfers; `raw, with sightings` also the table that says who
told each, which apply fills too.

python benchmarks/insert_rate.py [--rows 2000] [--plans 50] [--json FILE]
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common import arguments, evm_address, median, show, tx_hash

if TYPE_CHECKING:
    from monitor.model import Subject
    from monitor.model.plan import Plan
    from monitor.store.sqlite import Store

SOURCE = "explorer"
NOW = 1_700_000_000


def plan(subject: Subject, number: int, rows: int) -> Plan:
    """What one bounded fetch of an address brings: new final rows, each told once."""
    from monitor.model import Interval, Kind, Status, Transfer, account_leg
    from monitor.model.plan import Covered, NewRow, Plan, Sighting

    lo = number * rows
    transfers = []
    for at in range(lo, lo + rows):
        sender, amount = evm_address(f"payer {at % 500}"), 10**18 + at
        transfers.append(
            Transfer(
                chain=subject.chain,
                tx="0x" + tx_hash("insert", at),
                leg=account_leg(Kind.NATIVE, None, None, sender, subject.address, amount, 0),
                kind=Kind.NATIVE,
                sender=sender,
                recipient=subject.address,
                amount=amount,
                block_height=at,
                block_hash="0x" + tx_hash("block", at),
                time=NOW + at,
                tx_index=0,
            )
        )
    return Plan(
        scope=subject,
        now=NOW,
        new=tuple(NewRow(t, Status.FINAL) for t in transfers),
        sightings=tuple(
            Sighting(t.identity, SOURCE, t.block_key, tx_hash("answer", number)) for t in transfers
        ),
        covered=(Covered("native", SOURCE, "height", Interval(lo, lo + rows - 1)),),
    )


def fresh(folder: Path, name: str, subject: Subject) -> Store:
    from monitor.store.sqlite import Store

    store = Store(folder / f"{name}.db", create=True)
    with store.write() as conn:
        conn.execute(
            "INSERT INTO scope (key, chain, address) VALUES (?, ?, ?)",
            (subject.key, subject.chain, subject.address),
        )
    return store


def by_apply(store: Store, made: Plan) -> None:
    from monitor.model.streams import Reading
    from monitor.store import apply

    apply.apply(store, made, readings=[Reading("native", ok=True, source=SOURCE)])


def not_logged(store: Store, made: Plan) -> None:
    from monitor.model.acts import DAEMON, ApplyPlan
    from monitor.model.streams import Reading
    from monitor.store import carry_plan

    readings = [Reading("native", ok=True, source=SOURCE)]
    with store.write() as conn:
        carry_plan.carry(conn, DAEMON, ApplyPlan(made.now, made, readings))


def raw(store: Store, made: Plan, first: int, *, sightings: bool) -> None:
    from monitor.store.rows import TRANSFER_COLUMNS, transfer_params

    rows = [
        (n, *transfer_params(new.transfer), "final", 0, NOW)
        for n, new in enumerate(made.new, first)
    ]
    with store.write() as conn:
        conn.executemany(
            f"INSERT INTO transfer (id, {TRANSFER_COLUMNS}, status, late, first_seen) "
            f"VALUES ({','.join('?' * 20)})",
            rows,
        )
        if sightings:
            conn.executemany(
                "INSERT INTO sighting (transfer, source, block, at, sha256) VALUES (?,?,?,?,?)",
                [
                    (n, s.source, s.block, NOW, s.sha256)
                    for n, s in enumerate(made.sightings, first)
                ],
            )


def measure(plans: int, rows: int) -> dict[str, list[float]]:
    """Seconds of every plan, by way of writing."""
    from monitor.model import Subject
    from monitor.store import apply  # noqa: F401 - loaded before the clock runs

    subject = Subject("dev", evm_address("watched"))
    ways = ("apply", "apply, not logged", "raw", "raw, with sightings")
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory(prefix="fundwatch-bench-") as name:
        stores = {way: fresh(Path(name), way, subject) for way in seconds}
        for number in range(plans):
            made, first = plan(subject, number, rows), number * rows + 1
            # Each is first in its turn: the disk has moods.
            for way in [*ways[number % len(ways) :], *ways[: number % len(ways)]]:
                store = stores[way]
                began = time.perf_counter()
                if way == "apply":
                    by_apply(store, made)
                elif way == "apply, not logged":
                    not_logged(store, made)
                else:
                    raw(store, made, first, sightings=way != "raw")
                seconds[way].append(time.perf_counter() - began)
        for store in stores.values():
            store.close()
    return seconds


def figures(seconds: dict[str, list[float]], rows: int) -> Sequence[dict[str, object]]:
    base = median(seconds["raw"]) or 1e-9
    return [
        {
            "way": way,
            "plans": len(spent),
            "rows a plan": rows,
            "median s a plan": median(spent),
            "rows/s": int(rows / max(median(spent), 1e-9)),
            "rows/s overall": int(rows * len(spent) / sum(spent)),
            "time over raw": round(median(spent) / base, 2),
        }
        for way, spent in seconds.items()
    ]


def main() -> None:
    args = arguments(__doc__ or "", rows=2000, plans=50).parse_args()
    show(figures(measure(args.plans, args.rows), args.rows), args.json)


if __name__ == "__main__":
    main()
