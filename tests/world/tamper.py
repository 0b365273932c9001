"""Changes of a record behind the back of its log, as somebody who has the file can make them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from monitor.store.port import Connection


@contextmanager
def untriggered(conn: Connection) -> Iterator[None]:
    """Without the triggers that refuse changes of what is only added to; they come back."""
    kept = conn.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in kept:
        conn.execute(f"DROP TRIGGER {name}")
    yield
    for _, sql in kept:
        conn.execute(sql)
