"""The schema of the record itself: what refuses changes can be taken away by whoever can write to
the file, and what changes rows by itself can be put in."""

from __future__ import annotations

from monitor.model.difference import Difference, Report
from monitor.store.port import Connection


def compare(conn: Connection, report: Report) -> None:
    """Hold tables and triggers against those that this program makes."""
    from monitor.store.migrations import STATEMENTS, as_made  # noqa: PLC0415 - loads slowly

    made = {name: (kind, _bare(sql)) for name, (kind, sql) in as_made().items()}
    found = {row[0]: (row[1], _bare(row[2])) for row in conn.execute(STATEMENTS)}
    for name, (kind, sql) in made.items():
        if found.get(name) != (kind, sql):
            there = f"another one: {found[name][1]}" if name in found else "none"
            report(Difference("schema", f"{kind} {name}", "as this program makes it", there))
    for name, (kind, sql) in found.items():
        if kind == "trigger" and name not in made:
            report(Difference("schema", f"trigger {name}", "no trigger but the program's own", sql))


def _bare(sql: str) -> str:
    """Which names SQLite puts in quotes where it changes a statement, its versions do not agree."""
    return sql.replace('"', "")
