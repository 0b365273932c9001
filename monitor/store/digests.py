"""What a log begins with: digests of all that the record held before it.

    row    = its values as JSON, in the order of its query, ending in a newline
    block  = SHA-256 over the rows of up to 1,000 keys in a row, in the order of their keys
    table  = SHA-256 over all rows, in the order of their keys

A block names its first and its last key, so that a row which was removed later shows where it
was missing and disturbs no other block. A transfer brings its sightings along, an alert its rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

import msgspec

from monitor.store.log import Part, canonical
from monitor.store.port import Connection, Params

BLOCK = 1000  # rows

Row = Sequence[object]
Query = Callable[[str, Params], Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Table:
    """What is digested of a table. The first `key` columns are its key, which orders it.

    `with_it`: a query for what belongs to the rows between two keys, led by the row's key.
    """

    columns: str
    key: int = 1
    with_it: str = ""


# As schema 5 had them: a log that has begun is held against the same columns for good.
_TRANSFER = (
    "id, chain, tx, leg, kind, contract, token_id, sender, recipient, amount, block_height, "
    "block_hash, time, tx_index, log_index, trace_path, spends, status, version, late, absences, "
    "first_seen, reason"
)
_ALERT = (
    "id, kind, lane, severity, created, chain, tx, entry, direction, amends, lane_reason, title, "
    "facts, audience, state"
)
TABLES: Mapping[str, Table] = {
    "list_version": Table("sha256, at, outcome", 2),
    "entry": Table(
        "id, subject, case_id, terms, added, retired, absent, "
        "base_height, base_time, base_head_time, history"
    ),
    "entry_version": Table("entry, at, terms, list_sha256", 3),
    "transfer": Table(
        _TRANSFER,
        with_it="SELECT transfer, source, block, at, sha256 FROM sighting "
        "WHERE transfer BETWEEN ? AND ? ORDER BY transfer, source, block",
    ),
    "alert": Table(
        _ALERT,
        with_it="SELECT a.alert, t.chain, t.tx, t.leg FROM alert_transfer a "
        "JOIN transfer t ON t.id = a.transfer WHERE a.alert BETWEEN ? AND ? "
        "ORDER BY a.alert, t.chain, t.tx, t.leg",
    ),
    "alert_log": Table("id, alert, at, state, name, note"),
}


@dataclass(frozen=True, slots=True)
class Block:
    first: Row  # keys
    last: Row
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Digest:
    """Of a table."""

    rows: int
    sha256: str
    blocks: Sequence[Block]

    def body(self) -> dict[str, object]:
        """As the log gives it."""
        blocks = [[b.first, b.last, b.rows, b.sha256] for b in self.blocks]
        return {"rows": self.rows, "sha256": self.sha256, "blocks": blocks}


_lines = msgspec.json.Encoder().encode_lines


def rows_text(rows: Iterable[Iterable[object]]) -> bytes:
    """What stands for rows in every digest of them: each as `canonical` has it and a newline.

    Of texts and whole numbers (no column is REAL) msgspec says the same, in a quarter of the time,
    but for what is not ASCII and for DEL."""
    told = [[*row] for row in rows]
    with suppress(ValueError, TypeError, OverflowError):  # half a character, a number past 64 bits
        text = _lines(told)
        if text.isascii() and b"\x7f" not in text:
            return text
    return "".join(f"{canonical(row)}\n" for row in told).encode("ascii")


def counted(rows: Iterable[Iterable[object]]) -> tuple[int, str]:
    """How many there are, and SHA-256 over their texts."""
    made, number, rest = hashlib.sha256(), 0, iter(rows)
    while part := [*islice(rest, BLOCK)]:
        made.update(rows_text(part))
        number += len(part)
    return number, made.hexdigest()


def digest(rows: Iterable[Row], key: int) -> Digest:
    """Of rows in the order of their keys, which are their first columns."""
    blocks: list[Block] = []
    whole, rest = hashlib.sha256(), iter(rows)
    while part := [*islice(rest, BLOCK)]:
        text = rows_text(part)
        whole.update(text)
        ends = [*part[0][:key]], [*part[-1][:key]]
        blocks.append(Block(*ends, len(part), hashlib.sha256(text).hexdigest()))
    return Digest(sum(block.rows for block in blocks), whole.hexdigest(), blocks)


def rows_of(query: Query, name: str) -> Iterator[Row]:
    """Every row of a table with what belongs to it, in the order of its keys, with only a part
    of them in memory."""
    table = TABLES[name]
    names = ", ".join(table.columns.split(", ")[: table.key])
    marks = ", ".join("?" * table.key)
    after: Row = ()
    where = ""
    while part := query(
        f"SELECT {table.columns} FROM {name} {where} ORDER BY {names} LIMIT {BLOCK}", after
    ):
        yield from _accompanied(query, table, part)
        after, where = tuple(part[-1])[: table.key], f"WHERE ({names}) > ({marks})"


def _accompanied(query: Query, table: Table, part: Sequence[Row]) -> Iterator[Row]:
    if not table.with_it:
        yield from part
        return
    found: dict[object, list[Row]] = {}
    for key, *values in query(table.with_it, (part[0][0], part[-1][0])):
        found.setdefault(key, []).append(values)
    yield from ((*row, found.get(row[0], [])) for row in part)


def begin(conn: Connection, schema: int) -> list[Part]:
    """What the log begins with: the schema that the record had, and what was in it."""

    def query(sql: str, params: Params) -> Sequence[Row]:
        return conn.execute(sql, params).fetchall()

    return [
        Part("record", {"schema": schema}),
        *(
            Part("table", {"table": name, **digest(rows_of(query, name), table.key).body()})
            for name, table in TABLES.items()
        ),
    ]
