"""Rows of the record, of one subject."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

from monitor.model import Row, Status, Subject
from monitor.store.port import Reader
from monitor.store.rows import to_row

HISTORY_LIMIT = 100_000  # rows of one subject, above which reading history stops and asks
PART = 1000  # rows of a long history held in memory at once


def open_rows(store: Reader, subject: Subject) -> list[Row]:
    """Rows of a subject that are not final yet."""
    found = store.read(
        "SELECT * FROM transfer INDEXED BY transfer_open WHERE chain = ? "
        "AND status IN ('pending', 'provisional', 'missing') AND (sender = ? OR recipient = ?)",
        [subject.chain, subject.address, subject.address],
    )
    return [to_row(row) for row in found]


def open_rows_among(store: Reader, chain: str, addresses: Set[str]) -> list[Row]:
    """Rows of a chain that are not final yet and touch one of many addresses."""
    found = store.read(
        "SELECT * FROM transfer INDEXED BY transfer_open WHERE chain = ? "
        "AND status IN ('pending', 'provisional', 'missing')",
        [chain],
    )
    return [to_row(row) for row in found if {row["sender"], row["recipient"]} & addresses]


def final(store: Reader, chain: str, txs: Iterable[str]) -> set[tuple[str, str, str]]:
    """Which rows of these transactions are final."""
    sql = "SELECT chain, tx, leg FROM transfer WHERE chain = ? AND status = 'final' AND tx IN ({})"
    return {(row["chain"], row["tx"], row["leg"]) for row in store.read_in(sql, txs, [chain])}


def status_of(store: Reader, identity: tuple[str, str, str]) -> Status | None:
    """How a movement stands; None: it is not recorded."""
    rows = store.read(
        "SELECT status FROM transfer WHERE chain = ? AND tx = ? AND leg = ?", list(identity)
    )
    return Status(rows[0]["status"]) if rows else None


def row_count(store: Reader, subject: Subject) -> int:
    """How many transfers of a subject are recorded (self-transfers count twice)."""
    rows = store.read(
        "SELECT (SELECT count(*) FROM transfer WHERE chain = ?1 AND sender = ?2) + "
        "(SELECT count(*) FROM transfer WHERE chain = ?1 AND recipient = ?2) AS n",
        [subject.chain, subject.address],
    )
    return int(rows[0]["n"])


def any_rows(store: Reader) -> bool:
    """Whether anything at all is recorded."""
    return bool(store.read("SELECT EXISTS (SELECT 1 FROM transfer)")[0][0])


def is_recorded(store: Reader, subject: Subject) -> bool:
    """Whether an address is watched or was, or is one side of a movement."""
    where = [subject.chain, subject.address]
    return any(
        store.read(f"SELECT 1 FROM {table} WHERE chain = ? AND {column} = ? LIMIT 1", where)
        for table, column in (
            ("scope", "address"),
            ("transfer", "sender"),
            ("transfer", "recipient"),
        )
    )


def recorded_tx(store: Reader, forms: Sequence[str]) -> str | None:
    """The first of these spellings of a transaction's hash that the record has."""
    for table in ("transfer", "alert"):
        found = store.read_in(f"SELECT DISTINCT tx FROM {table} WHERE tx IN ({{}})", forms)
        if found:
            return str(found[0]["tx"])
    return None


def rows_of_subject(store: Reader, subject: Subject, limit: int | None = None) -> list[Row]:
    """Transfers of a subject, newest first, at most `limit`."""
    found = store.read(
        "SELECT * FROM transfer WHERE id IN (SELECT id FROM transfer WHERE chain = ?1 "
        "AND sender = ?2 UNION SELECT id FROM transfer WHERE chain = ?1 AND recipient = ?2) "
        "ORDER BY coalesce(time, 9e18) DESC, id DESC LIMIT ?3",
        [subject.chain, subject.address, -1 if limit is None else limit],
    )
    return [to_row(row) for row in found]


def each_row(store: Reader, subject: Subject) -> Iterator[Row]:
    """Every transfer of a subject once, as recorded, with only a part of them in memory."""
    for party, others in (("sender", ""), ("recipient", "AND sender IS NOT ?2")):
        last = 0
        while part := store.read(
            f"SELECT * FROM transfer WHERE chain = ?1 AND {party} = ?2 {others} "
            "AND id > ?3 ORDER BY id LIMIT ?4",
            [subject.chain, subject.address, last, PART],
        ):
            yield from map(to_row, part)
            last = part[-1]["id"]
