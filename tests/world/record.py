"""A new record for a test, without making its schema anew for each."""

from __future__ import annotations

import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

from monitor.store.sqlite import Store


def new_record(path: Path) -> Store:
    """As `Store(path, create=True)`. What that makes where no file is is made once a process, and
    copied, because most tests and each example of a property begin with one."""
    if not path.exists():
        draft = path.with_suffix(".draft")  # a kill leaves no half of it
        draft.write_bytes(_made())
        draft.replace(path)
    return Store(path)


@cache
def _made() -> bytes:
    with tempfile.TemporaryDirectory(prefix="fundwatch-record-") as folder:
        path = Path(folder, "new.db")
        with closing(Store(path, create=True)):
            pass
        return path.read_bytes()
