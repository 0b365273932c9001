"""Newest blocks that sources named, and taking back what was booked on false ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.model import Head
from monitor.model.heads import Book, Fault, HeadReport, Kept
from monitor.model.plan import Signal
from monitor.model.scope import ChainWide
from monitor.store import entrylog, joined
from monitor.store.entrylog import Changed
from monitor.store.incidents import note_signals
from monitor.store.log import Part, cases_on
from monitor.store.port import Connection, Fields, Reader

if TYPE_CHECKING:  # who only reads needs no acts, which load slowly
    from monitor.model.acts import Actor, KeepHeads

QUIET = 3600  # seconds without a fault after which a source is said to be well again


def load(store: Reader, chain: str) -> Book:
    """What the record keeps of the heads of one chain."""
    kept: dict[str, tuple[Kept, ...]] = {}
    for row in store.read("SELECT * FROM head WHERE chain = ? ORDER BY source, number", [chain]):
        kept[row["source"]] = (*kept.get(row["source"], ()), _to_kept(row))
    reports = store.read("SELECT * FROM block_word WHERE chain = ?", [chain])
    return Book(
        kept,
        tuple(
            HeadReport(r["source"], r["height"], r["hash"], r["since"], r["last"]) for r in reports
        ),
    )


def newest(store: Reader, chain: str) -> int | None:
    """The newest block of a chain that any source named and that is believed."""
    rows = store.read("SELECT max(height) AS top FROM head WHERE chain = ? AND doubt = ''", [chain])
    top: int | None = rows[0]["top"]
    return top


def _to_kept(row: Fields) -> Kept:
    mark = None if row["mark_hash"] is None else (row["mark_height"], row["mark_hash"])
    head = Head(row["height"], row["time"], row["hash"], row["final_height"], row["final_time"])
    return Kept(head, row["at"], row["doubt"], mark)


def carry(conn: Connection, _actor: Actor, act: KeepHeads) -> tuple[None, list[Part]]:
    """Write what is kept now and take back what was booked on false heads, in one
    transaction with the incidents about it."""
    _write(conn, act.chain, act.news.book)
    told, parts = list(act.signals), []
    for fault in act.news.faults:
        concerned: frozenset[str] = frozenset()
        if fault.booked:
            concerned, lost = _take_back(conn, act.chain, fault)
            parts += lost
        if fault.loud:
            told.append(act.tell(fault, concerned))
    note_signals(conn, told, act.at)
    conn.executemany(
        "INSERT INTO note (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [(signal.key, str(act.at)) for signal in told if signal.bad],
    )
    return None, parts


def quiet(store: Reader, now: int) -> list[Signal]:
    """The end of incidents about sources that have not been at fault for a while: one that
    comes and goes is told once."""
    rows = store.read(
        "SELECT key, value FROM note WHERE key IN "
        "(SELECT key FROM incident WHERE closed IS NULL) AND (key LIKE 'head:%' "
        "OR key LIKE 'foreign:%')"
    )
    return [Signal(row["key"], bad=False) for row in rows if abs(now - int(row["value"])) > QUIET]


def _write(conn: Connection, chain: str, book: Book) -> None:
    conn.execute("DELETE FROM head WHERE chain = ?", (chain,))
    conn.executemany(
        "INSERT INTO head (chain, source, number, height, time, hash, final_height, final_time, "
        "at, doubt, mark_height, mark_hash) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        [
            (
                *(chain, source, number, k.head.height, k.head.time, k.head.block_hash),
                *(k.head.final_height, k.head.final_time, k.at, k.doubt),
                *(k.mark or (None, None)),
            )
            for source, kept in book.kept.items()
            for number, k in enumerate(kept)
        ],
    )
    conn.execute("DELETE FROM block_word WHERE chain = ?", (chain,))
    conn.executemany(
        "INSERT INTO block_word (chain, source, height, hash, since, last) VALUES (?,?,?,?,?,?)",
        [(chain, r.source, r.height, r.block_hash, r.since, r.last) for r in book.reports],
    )


def _take_back(conn: Connection, chain: str, fault: Fault) -> tuple[frozenset[str], list[Part]]:
    """Un-book what false heads let count as read; returns the subjects concerned, and what the
    log says of it.

    The source's own intervals only: what others read under their own heads stays.
    """
    span = (f"{chain}/", f"{chain}0")  # every key of the chain: "0" follows "/"
    mine = "scope > ? AND scope < ? AND source = ? AND axis = ?"
    key = (*span, fault.source, fault.axis)
    above, place = ("at >= ?", fault.since) if fault.line is None else ("hi > ?", fault.line)
    rows = conn.execute(
        f"SELECT scope, stream, lo, hi FROM coverage WHERE {mine} AND {above}", (*key, place)
    ).fetchall()
    concerned = frozenset(row["scope"] for row in rows)
    if fault.line is None:
        conn.execute(f"DELETE FROM coverage WHERE {mine} AND at >= ?", (*key, place))
    else:
        conn.execute(f"DELETE FROM coverage WHERE {mine} AND lo > ?", (*key, place))
        conn.execute(
            f"UPDATE coverage SET hi = ? WHERE {mine} AND hi > ?",
            (place, *key, place),
        )
    if (whole := ChainWide(chain).key) in concerned:
        lowest = min(row["lo"] for row in rows if row["scope"] == whole)
        line = lowest - 1 if fault.line is None else fault.line
        joined.cut(conn, chain, fault.axis, line)
        concerned |= joined.member_keys(conn, chain)
    _take_back_readings(conn, key, fault)
    # The daily look back was made from a false head.
    since = fault.stands.at if fault.stands else 0
    conn.execute("UPDATE scope SET deep = 0 WHERE chain = ? AND deep >= ?", (chain, since))
    bases = _take_back_baselines(conn, span, fault)
    return concerned, [*_lost_parts(conn, rows, fault), *entrylog.parts(bases)]


def _take_back_baselines(conn: Connection, span: tuple[str, str], fault: Fault) -> list[Changed]:
    """The line between history and news is drawn again where a false head drew it."""
    none = {"base_height": None, "base_time": None, "base_head_time": None}
    changed = []
    for head in fault.false:
        where = "subject > ? AND subject < ? AND base_height = ? AND base_head_time = ?"
        mine = (*span, head.height, head.time)
        rows = conn.execute(
            f"SELECT id, case_id, {', '.join(none)} FROM entry WHERE {where}", mine
        ).fetchall()
        changed += [
            Changed(row["id"], row["case_id"], {name: row[name] for name in none}, none)
            for row in rows
        ]
        conn.execute(
            "UPDATE entry SET base_height = NULL, base_time = NULL, base_head_time = NULL "
            f"WHERE {where}",
            mine,
        )
    return changed


def _lost_parts(conn: Connection, rows: Sequence[Fields], fault: Fault) -> list[Part]:
    """The intervals that were taken back, by the cases that watch their addresses: each as it
    was, and up to where it still counts."""
    why = {
        "source": fault.source,
        "axis": fault.axis,
        "false": [[head.height, head.time, head.block_hash] for head in fault.false],
        "now": [fault.now.height, fault.now.time, fault.now.block_hash],
        "since": fault.since,
        "reorganised": fault.reorganised,
    }
    cases = {scope: cases_on(conn, scope) for scope in {row["scope"] for row in rows}}
    found: dict[frozenset[str], list[list[object]]] = {}
    for row in rows:
        stays = fault.line is not None and row["lo"] <= fault.line
        lines = found.setdefault(cases[row["scope"]], [])
        lines.append([*row, fault.line if stays else None])
    return [
        Part("taken back", {"fault": why, "coverage": lines}, mine) for mine, lines in found.items()
    ]


def _take_back_readings(conn: Connection, key: tuple[str, str, str, str], fault: Fault) -> None:
    """No list counts as read up to a block or time that was false."""
    mine = "scope > ? AND scope < ? AND source = ? AND axis = ?"
    if fault.stands is None:
        conn.execute(
            f"UPDATE reading SET complete_to = NULL, complete_time = NULL WHERE {mine} AND ok >= ?",
            (*key, fault.since),
        )
        return
    head = fault.stands.head
    top = fault.axis.top(head)
    conn.execute(
        f"UPDATE reading SET complete_to = ?, complete_time = ? WHERE {mine} "
        "AND (complete_to > ? OR complete_time > ?)",
        (top, head.time, *key, top, head.time),
    )
