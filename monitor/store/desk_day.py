"""What the record can say of a day that is over, of what somebody may see: who was watched, which
blocks are known to be of that day, what was found late, what was told. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.model import Subject, Watched
from monitor.model.desk import Sight
from monitor.store import desk_journal, logbook
from monitor.store.port import Reader
from monitor.store.rows import to_watched
from monitor.store.sight import of_alert, of_entries

DAY = 86_400
NEWEST = 500  # lists that were tried last, of which the newest block is taken
LOG_MOST = 3000  # rows of the log that are looked through for the digest of a day


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, and the number after which the next ones come; 0: these are the last."""

    entries: Sequence[Watched]
    next: int


def watched_on(
    store: Reader, sight: Sight, span: tuple[int, str], case: str, after: int, most: int
) -> Page:
    """Entries that were watched at any time of a day: added before its end, and not retired before
    it. `span`: when it begins, and the same as text, for days of retiring are text; `case`: of it
    alone, "": of all."""
    said, params = of_entries(sight)
    since, day = span
    if case:
        said, params = f"{said} AND case_id <> '' AND case_id = ?", [*params, case]
    rows = store.read(
        "SELECT rowid AS number, * FROM entry WHERE rowid > ? AND added < ? "
        f"AND (retired IS NULL OR substr(retired, 1, 10) >= ?) AND {said} "
        "ORDER BY rowid LIMIT ?",
        [after, since + DAY, day, *params, most + 1],
    )
    found = [to_watched(row) for row in rows[:most]]
    return Page(found, rows[most - 1]["number"] if len(rows) > most else 0)


# -- which blocks are of a day -------------------------------------------------------------------

Known = tuple[int, int]  # height and time of a block


@dataclass(frozen=True, slots=True)
class Edge:
    """The known blocks nearest to a moment: the last before it, the first from it on."""

    before: Known | None
    after: Known | None


def edge(store: Reader, chain: str, moment: int, of: Sequence[Subject] | None) -> Edge:
    """By blocks with a recorded movement, and by the newest ones that sources named. Blocks are in
    the order of time. `of`: movements of these addresses alone; None: of all."""
    low, high = _of_movements(store, chain, moment) if of is None else _of_some(store, of, moment)
    others = [
        *((r["height"], r["time"]) for r in store.read(
            "SELECT height, time FROM head WHERE chain = ? AND doubt = ''", [chain])),
        *((r["place"], r["time"]) for r in store.read(
            "SELECT complete_to AS place, complete_time AS time FROM "
            f"(SELECT * FROM reading ORDER BY tried DESC LIMIT {NEWEST}) WHERE scope > ? "
            "AND scope < ? AND axis <> 'time' AND complete_to IS NOT NULL",
            [f"{chain}/", f"{chain}0"])),
    ]  # fmt: skip
    before = [each for each in [low, *others] if each and each[1] < moment]
    after = [each for each in [high, *others] if each and each[1] >= moment]
    return Edge(max(before, default=None), min(after, default=None))


def _of_movements(store: Reader, chain: str, moment: int) -> tuple[Known | None, Known | None]:
    """By halves, on the index of heights."""
    top = _nearest(store, chain, "<=", 2**62, "DESC")
    first = _nearest(store, chain, ">=", 0, "ASC")
    if top is None or first is None:
        return None, None
    if first[1] >= moment:
        return None, first
    if top[1] < moment:
        return top, None
    low, high = first, top
    while low[0] + 1 < high[0]:
        middle = _nearest(store, chain, ">=", (low[0] + high[0] + 1) // 2, "ASC")
        if middle is None or middle[0] >= high[0]:
            middle = _nearest(store, chain, "<=", (low[0] + high[0] + 1) // 2, "DESC")
        if middle is None or not low[0] < middle[0] < high[0]:
            break
        low, high = (middle, high) if middle[1] < moment else (low, middle)
    return low, high


def _of_some(
    store: Reader, subjects: Sequence[Subject], moment: int
) -> tuple[Known | None, Known | None]:
    before, after = list[Known](), list[Known]()
    for subject in subjects:
        for side in ("sender", "recipient"):
            for found, sign, order in ((before, "<", "DESC"), (after, ">=", "ASC")):
                rows = store.read(
                    "SELECT block_height, time FROM transfer WHERE chain = ? "
                    f"AND {side} = ? AND time {sign} ? AND status = 'final' "
                    f"AND block_height IS NOT NULL ORDER BY time {order} LIMIT 1",
                    [subject.chain, subject.address, moment],
                )
                found += [(row["block_height"], row["time"]) for row in rows]
    return max(before, default=None), min(after, default=None)


def nearest_of(store: Reader, subject: Subject, sign: str, height: int) -> Known | None:
    """The block with a final movement of an address nearest to a height, at it or above (">=") or
    below ("<=")."""
    order = "ASC" if sign == ">=" else "DESC"
    found = [
        (row["block_height"], row["time"])
        for side in ("sender", "recipient")
        for row in store.read(
            f"SELECT block_height, time FROM transfer WHERE chain = ? AND {side} = ? "
            f"AND block_height {sign} ? AND time IS NOT NULL AND status = 'final' "
            f"ORDER BY block_height {order} LIMIT 1",
            [subject.chain, subject.address, height],
        )
    ]
    return min(found, default=None) if sign == ">=" else max(found, default=None)


def _nearest(store: Reader, chain: str, sign: str, height: int, order: str) -> Known | None:
    rows = store.read(
        "SELECT block_height, time FROM transfer WHERE chain = ? AND block_height IS NOT NULL "
        f"AND block_height {sign} ? AND time IS NOT NULL AND status = 'final' "
        f"ORDER BY block_height {order} LIMIT 1",
        [chain, height],
    )
    return (rows[0]["block_height"], rows[0]["time"]) if rows else None


# -- late, told, logged --------------------------------------------------------------------------


def late(store: Reader, subject: Subject, since: int) -> int:
    """Movements of an address on a day that were found after they should have been."""
    found: set[int] = set()
    for side in ("sender", "recipient"):
        rows = store.read(
            f"SELECT id FROM transfer WHERE chain = ? AND {side} = ? AND time >= ? AND time < ? "
            "AND late = 1",
            [subject.chain, subject.address, since, since + DAY],
        )
        found.update(row["id"] for row in rows)
    return len(found)


@dataclass(frozen=True, slots=True)
class Told:
    """A notice about ourselves."""

    id: str
    title: str
    at: int


def told(store: Reader, sight: Sight, since: int, most: int) -> list[Told]:
    """Notices about ourselves of a day, of what may be seen, oldest first."""
    said, params = of_alert(sight)
    rows = store.read(
        "SELECT id, title, created FROM alert WHERE created >= ? AND created < ? "
        f"AND kind = 'notice' AND {said} ORDER BY created, rowid LIMIT ?",
        [since, since + DAY, *params, most],
    )
    return [Told(row["id"], row["title"], row["created"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Digest:
    """What the log holds of coverage: of a day, as it stood when it was written."""

    number: int  # row of the log
    at: int
    hash: str
    scopes: int  # addresses and chains of which anything counted as read
    intervals: int
    sha256: str


def digest(store: Reader, day: str, since: int) -> Digest | None:
    """The one that was logged on a day; None: none was, or it was not found near it."""
    top = int(store.read("SELECT coalesce(max(seq), 0) FROM log")[0][0])
    first = desk_journal.first_from(store, since, top)
    for row in _covered(store, first):
        if row.told is None or row.told["body"]["day"] != day:
            continue
        body = row.told["body"]
        number, sha256 = body["coverage"]
        return Digest(row.number, row.told["at"], row.hash, body["scopes"], number, sha256)
    return None


def _covered(store: Reader, first: int) -> Iterable[logbook.Told]:
    rows = store.read(
        "SELECT seq FROM log_text WHERE seq >= ? AND seq < ? AND text IS NOT NULL "
        "AND json_valid(text) AND json_extract(text, '$.what') = 'covered' ORDER BY seq LIMIT 3",
        [first, first + LOG_MOST],
    )
    return logbook.numbered(store, [row["seq"] for row in rows]).values()
