"""The schema of the record itself: what refuses changes can be taken away by whoever can write to
the file, and what changes rows by itself can be put in."""

from __future__ import annotations

import re

from monitor.model.difference import Difference, Report
from monitor.store.port import Connection


def compare(conn: Connection, version: int, report: Report) -> None:
    """Hold tables and triggers against those that this program makes of a version of the schema,
    and the places by which rows are found against the rows."""
    from monitor.store.migrations import STATEMENTS, as_made  # noqa: PLC0415 - loads slowly

    made = {name: (kind, _bare(sql)) for name, (kind, sql) in as_made(version).items()}
    found = {row[0]: (row[1], _bare(row[2])) for row in conn.execute(STATEMENTS)}
    for name, (kind, sql) in made.items():
        if found.get(name) != (kind, sql):
            there = f"another one: {found[name][1]}" if name in found else "none"
            report(Difference("schema", f"{kind} {name}", "as this program makes it", there))
    for name, (kind, sql) in found.items():
        if kind == "trigger" and name not in made:
            report(Difference("schema", f"trigger {name}", "no trigger but the program's own", sql))
    for (found_wrong,) in conn.execute("PRAGMA main.integrity_check"):
        if found_wrong != "ok":
            report(Difference("schema", "the file", "rows that every index finds", found_wrong))
    for table, row, of, _ in conn.execute("PRAGMA main.foreign_key_check"):
        where = f"{table}, row {row}" if row is not None else table
        report(Difference("schema", where, f"the row of {of} that it names", "none"))
    for row in conn.execute("SELECT key FROM scope WHERE key <> chain || '/' || address"):
        report(Difference("schema", f"scope {row[0]}", "the address of its name", "another one"))


def _bare(sql: str) -> str:
    """Which names SQLite puts in quotes where it changes a statement, its versions do not agree.
    More than one name in quotes would be a text."""
    return re.sub(r'"([A-Za-z_]\w*)"', r"\1", sql)
