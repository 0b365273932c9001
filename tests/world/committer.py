"""A process that commits plan after plan and says so when each is kept, until it is killed.

python committer.py RECORD NAME FIRST
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from monitor.model import Kind, Status, Subject, Transfer, account_leg
from monitor.model.errors import Conflict
from monitor.model.plan import NewRow, Plan, Sighting
from monitor.store import apply
from monitor.store.sqlite import Store

PAYER, PAYEE = "0x" + "a" * 40, "0x" + "b" * 40
SHARED = "both"  # what each of several processes tries to record


def payment(name: str, number: int) -> Transfer:
    return Transfer(
        "ethereum",
        f"{name}-{number}",
        account_leg(Kind.NATIVE, None, None, PAYER, PAYEE, number, 0),
        Kind.NATIVE,
        PAYER,
        PAYEE,
        number,
        block_height=number,
        block_hash=f"0x{number}",
        time=1_700_000_000 + number,
    )


def plan(*rows: Transfer) -> Plan:
    return Plan(
        Subject("ethereum", PAYEE),
        1_700_000_000,
        new=tuple(NewRow(row, Status.FINAL) for row in rows),
        sightings=tuple(Sighting(row.identity, "one", row.block_key, "00") for row in rows),
    )


def commit_one(store: Store, name: str, number: int) -> None:
    """The own row, with the shared one if nobody was quicker; all are known where the process
    before this one was killed between its commit and its word."""
    mine, shared = payment(name, number), payment(SHARED, number)
    with suppress(Conflict):
        apply.apply(store, plan(mine, shared))
        return
    with suppress(Conflict):
        apply.apply(store, plan(mine))


def main(record: str, name: str, first: str) -> None:
    store, number = Store(Path(record)), int(first)
    while True:
        commit_one(store, name, number)
        print(number, flush=True)
        number += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
