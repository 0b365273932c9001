"""How far lists of single addresses are read, as values. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.chains.table import STREAM_WORDS
from monitor.model import Axis, Interval, Subject
from monitor.model.scope import EVERY, ChainWide
from monitor.model.status import Unread
from monitor.model.streams import UNSERVED
from monitor.store.port import Fields, Reader


@dataclass(frozen=True, slots=True)
class ListRead:
    """What has been read of one subject's list. Times in Unix seconds."""

    axis: Axis = Axis.HEIGHT
    ok: int | None = None  # when it was last read
    failing: int | None = None  # since when it fails
    error: str = ""
    source: str = ""
    complete_to: int | None = None  # the newest place that a complete read reached
    complete_time: int | None = None  # and the time of that place


def lists_read(store: Reader, keys: Iterable[str]) -> dict[tuple[str, str], ListRead]:
    """Every list of these subjects that was ever tried, by subject and stream."""
    rows = store.read_in(
        "SELECT subject, stream, coalesce(axis, 'height'), ok, unread, coalesce(error, ''), "
        "coalesce(source, ''), complete_to, complete_time FROM list_read WHERE subject IN ({})",
        keys,
    )
    return {(subject, stream): ListRead(Axis(axis), *read) for subject, stream, axis, *read in rows}


Parts = dict[tuple[str, str, Axis], list[Interval]]  # by subject, stream and axis


def covered(store: Reader, keys: Iterable[str]) -> Parts:
    """What of these subjects is proven read, source by source: parts may overlap."""
    sql = "SELECT subject, stream, axis, lo, hi FROM list_coverage WHERE subject IN ({})"
    return _parts(store.read_in(sql, keys))


def torn(store: Reader) -> set[str]:
    """Subjects with a list of which a part in between is still to be read. Of members that is owed
    (table debt)."""
    # Most lists are covered in one part, by one reading. They are left out at little cost.
    rows = store.read(
        "WITH several AS (SELECT scope FROM coverage GROUP BY scope, stream HAVING count(*) > 1), "
        "looked AS (SELECT scope AS subject FROM several "
        "UNION SELECT subject FROM joined WHERE scope IN (SELECT scope FROM several) "
        "AND stream <> '*' "
        "UNION SELECT subject FROM joined WHERE stream <> '*' GROUP BY subject, stream "
        "HAVING count(*) > 1 "
        "UNION SELECT j.subject FROM joined j JOIN coverage o ON o.scope = j.subject "
        "AND o.stream = j.stream WHERE j.stream <> '*'), "
        "parts AS (SELECT subject, lo, max(hi) OVER (PARTITION BY subject, stream, axis "
        "ORDER BY lo ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS below "
        "FROM list_coverage WHERE subject IN (SELECT subject FROM looked)) "
        "SELECT DISTINCT subject FROM parts WHERE lo > below + 1 AND NOT EXISTS (SELECT 1 "
        "FROM joined j WHERE j.subject = parts.subject AND j.stream = '*' "
        "AND j.until_place IS NULL)"
    )
    return {row["subject"] for row in rows}


def _parts(rows: Sequence[Fields]) -> Parts:
    found: Parts = {}
    for row in rows:
        key = (row["subject"], row["stream"], Axis(row["axis"]))
        found.setdefault(key, []).append(Interval(row["lo"], row["hi"]))
    return found


def unread(store: Reader, keys: Iterable[str]) -> dict[tuple[str, str], list[Unread]]:
    """Open gaps of these subjects by subject and stream, the lowest first."""
    found: dict[tuple[str, str], list[Unread]] = {}
    sql = "SELECT subject, stream, axis, lo, hi, reason FROM list_gap WHERE subject IN ({})"
    for row in sorted(store.read_in(sql, keys), key=lambda row: int(row["lo"])):
        gap = Unread(Axis(row["axis"]), row["lo"], row["hi"], row["reason"])
        found.setdefault((row["subject"], row["stream"]), []).append(gap)
    return found


def due_times(store: Reader, keys: Iterable[str]) -> dict[str, int]:
    """When each of these subjects is due."""
    rows = store.read_in("SELECT key, due FROM scope WHERE key IN ({})", keys)
    return {row["key"]: row["due"] for row in rows}


def history_told(store: Reader, ids: Iterable[str]) -> frozenset[str]:
    """Those of these entries whose start-up summary has been told."""
    rows = store.read_in("SELECT id FROM entry WHERE history = 'told' AND id IN ({})", ids)
    return frozenset(row["id"] for row in rows)


def owed(store: Reader, keys: Iterable[str]) -> dict[str, bool]:
    """Those of these subjects of which an earlier part is read address by address; and whether it
    was read, and is only not final yet."""
    # 2: it was read, and is only looked at again.
    sql = "SELECT subject, waits FROM debt WHERE history = 1 AND subject IN ({})"
    return {row["subject"]: bool(row["waits"]) for row in store.read_in(sql, keys)}


def begins(store: Reader, keys: Iterable[str]) -> dict[tuple[str, str], int]:
    """From which block on lists of these subjects are read with their chain, where no source lists
    what lies below: by subject and stream."""
    rows = store.read_in(
        "SELECT r.scope, r.stream, j.from_place FROM reading r JOIN joined j "
        "ON j.subject = r.scope AND j.stream IN (r.stream, '*') AND j.until_place IS NULL "
        f"WHERE r.error = '{UNSERVED}' AND r.scope IN ({{}})",
        keys,
    )
    return {(row["scope"], row["stream"]): row["from_place"] for row in rows}


def unlisted(store: Reader, chain: str) -> list[str]:
    """Lists of which no configured source has what lies below the block at which addresses joined,
    as one of them shows whose history was asked for."""
    # CROSS JOIN: what fails comes first, and not a million members.
    rows = store.read(
        "SELECT stream FROM reading WHERE failing IS NOT NULL AND error = ?1 AND scope = (SELECT "
        "r.scope FROM reading r CROSS JOIN joined j ON j.subject = r.scope AND j.scope = ?2 AND "
        "j.stream = ?3 AND j.until_place IS NULL WHERE r.failing IS NOT NULL AND r.error = ?1 "
        "ORDER BY r.failing LIMIT 1)",
        [UNSERVED, ChainWide(chain).key, EVERY],
    )
    order = [*STREAM_WORDS]
    return sorted((row["stream"] for row in rows), key=order.index)


def last_recorded(store: Reader, subject: Subject) -> int:
    """When a transfer of this address was last recorded; 0 if never."""
    found = [
        row["first_seen"]
        for party in ("sender", "recipient")
        for row in store.read(
            f"SELECT first_seen FROM transfer WHERE chain = ? AND {party} = ? "
            "ORDER BY id DESC LIMIT 1",
            [subject.chain, subject.address],
        )
    ]
    return max(found, default=0)
