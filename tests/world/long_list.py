"""A process that takes one long list, to be killed between its parts.

python long_list.py RECORD
"""

from __future__ import annotations

import sys
from pathlib import Path

from monitor.model import Entry, Subject
from monitor.store import taking
from monitor.store.sqlite import Store
from world.listed import take_list

MANY = 5 * taking.PART + 1


def entries(count: int = MANY) -> list[Entry]:
    return [
        Entry(f"E{n}", Subject("ethereum", f"0x{n:040x}"), case=f"C{n % 7}") for n in range(count)
    ]


if __name__ == "__main__":
    record = Store(Path(sys.argv[1]))
    take_list(record, entries(), "long", 5)
    record.close()
