"""A process that takes one long plan, to be killed between its parts.

python long_plan.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from monitor.model import Transfer
from monitor.model.plan import Plan
from monitor.model.streams import Reading
from monitor.store import apply
from world.book import Book, transfer

BLOCK, HEAD = 105, 120
MANY = 3 * apply.PART


def payments(count: int = MANY) -> list[Transfer]:
    """Strangers pay in one block, each by a transaction of their own."""
    return [
        transfer(BLOCK, tx=f"0xt{n}", sender=f"0x{n + 0xA000:040x}", amount=10**18 + n)
        for n in range(count)
    ]


def met(folder: Path) -> Book:
    """The record of an address that was met before."""
    book = Book(folder)
    book.watch()
    book.read(head=100)
    return book


def decided(book: Book, moved: list[Transfer]) -> Plan:
    return book.decide([book.batch(*moved, head=HEAD)])


def take(book: Book, plan: Plan) -> None:
    routes = [(alert.id, channel, "group") for alert in plan.alerts for channel in ("a", "b")]
    apply.apply(book.store, plan, readings=[Reading("native", ok=True)], routes=routes)


if __name__ == "__main__":
    record = met(Path(sys.argv[1]))
    take(record, decided(record, payments()))
    record.store.close()
