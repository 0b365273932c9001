"""Several statements in one text, carried out within the transaction of whoever asks.

SQLite's own way of it (`executescript` of sqlite3) commits first, and that of sqlite_utils tries
after every character whether a statement ends there, which was two thirds of making a record.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from monitor.store.port import Connection


def carry_out(conn: Connection, script: str) -> None:
    """Each statement in turn. Raises sqlite3.Error."""
    for statement in _statements(script):
        conn.execute(statement)


def _statements(script: str) -> Iterator[str]:
    """Only a semicolon ends a statement, and not each does: it may stand in a text, in a comment or
    within a trigger."""
    begun = ""
    for part in script.split(";")[:-1]:
        begun += f"{part};"
        if sqlite3.complete_statement(begun):
            yield begun.strip()
            begun = ""
