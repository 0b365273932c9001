"""Which addresses a chain-wide reading reads for, list by list, and from where to where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from monitor.model import Axis, Interval, Subject, intervals
from monitor.model.scope import EVERY, ChainWide, Joined, Scope
from monitor.store.port import Connection, Reader
from monitor.store.watch import chains

NO_END = 2**62  # above every place: the membership goes on


def members(store: Reader, scope: ChainWide) -> dict[Subject, dict[str, Joined]]:
    """The addresses that are read for now, each with its membership by list. Those for which whole
    blocks are read are not among them: see blocks.members."""
    found: dict[Subject, dict[str, Joined]] = {}
    rows = store.read(
        "SELECT s.address, j.stream, j.axis, j.from_place FROM joined j "
        "JOIN scope s ON s.key = j.subject WHERE j.scope = ? AND j.stream <> ? "
        "AND j.until_place IS NULL",
        [scope.key, EVERY],
    )
    for address, stream, axis, place in rows:
        subject = Subject(scope.chain, address)
        found.setdefault(subject, {})[stream] = Joined(subject, stream, Axis(axis), place)
    return found


def read_chain_wide(store: Reader) -> frozenset[str]:
    """The keys of the chain-wide scopes that are read for anybody."""
    keys = [ChainWide(chain).key for chain in chains(store)]
    return frozenset(key for key in keys if _is_read(store, key))


def _is_read(store: Reader, key: str) -> bool:
    sql = "SELECT 1 FROM joined WHERE scope = ? AND until_place IS NULL LIMIT 1"
    return bool(store.read(sql, [key]))


def member_keys(conn: Connection, chain: str) -> frozenset[str]:
    """The keys of the addresses of a chain that are read for now."""
    sql = "SELECT DISTINCT subject FROM joined WHERE scope = ? AND until_place IS NULL"
    return frozenset(row["subject"] for row in conn.execute(sql, (ChainWide(chain).key,)))


def memberships(store: Reader, scope: Scope) -> list[Joined]:
    """Where the chain-wide lists were and are read for an address; of a chain-wide scope none."""
    if isinstance(scope, ChainWide):
        return []
    rows = store.read(
        "SELECT stream, axis, from_place, until_place, below_time FROM joined WHERE subject = ?",
        [scope.key],
    )
    return [Joined(scope, stream, Axis(axis), *rest) for stream, axis, *rest in rows]


def concerned(
    store: Reader, scope: ChainWide, stream: str, axis: Axis, at: Interval
) -> list[tuple[str, str]]:
    """Active entries of the addresses that a list is read for at a place: (id, case id)."""
    rows = store.read(
        "SELECT e.id, e.case_id FROM joined j JOIN entry e ON e.subject = j.subject "
        "WHERE j.scope = ? AND j.stream IN (?, '*') AND j.axis = ? AND j.until_place IS NULL "
        "AND j.from_place <= ? AND e.retired IS NULL ORDER BY e.id",
        [scope.key, stream, axis, at.hi],
    )
    return [(row["id"], row["case_id"]) for row in rows]


def membership(store: Reader, scope: Scope) -> Joined | None:
    """Where an address joined a chain that is read block by block; None: it is no member of one."""
    parts = memberships(store, scope)
    return next((p for p in parts if p.stream == EVERY and p.until_place is None), None)


def span(membership: Joined) -> Interval:
    until = membership.until_place
    return Interval(membership.from_place, NO_END if until is None else until)


def ends(store: Reader, chain: str) -> dict[tuple[str, str, Axis], int]:
    """The highest place covered of each list of each scope of a chain, by the scope's key."""
    rows = store.read(
        "SELECT scope, stream, axis, max(hi) AS hi FROM coverage WHERE scope > ? AND scope < ? "
        "GROUP BY scope, stream, axis",
        [f"{chain}/", f"{chain}0"],
    )
    return {(row["scope"], row["stream"], Axis(row["axis"])): row["hi"] for row in rows}


def change(
    conn: Connection, scope: ChainWide, joining: Sequence[Joined], leaving: Sequence[Joined]
) -> None:
    """Take addresses in, and let others go with what was read for them."""
    conn.execute(
        "INSERT INTO scope (key, chain, address) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
        (scope.key, scope.chain, scope.address),
    )
    _leave(conn, scope, leaving)
    _insert(conn, scope, joining)


def _leave(conn: Connection, scope: ChainWide, leaving: Sequence[Joined]) -> None:
    """What was covered while they were members stays theirs; what is read later, also at places
    that a gap left out, was not read for them."""
    covered = _covered(conn, scope) if leaving else {}
    conn.executemany(
        "DELETE FROM joined WHERE subject = ? AND scope = ? AND stream = ? AND axis = ? "
        "AND until_place IS NULL",
        [(j.subject.key, scope.key, j.stream, j.axis) for j in leaving],
    )
    kept = [
        Joined(j.subject, stream, axis, part.lo, part.hi)
        for j in leaving
        for (stream, axis), parts in covered.items()
        if axis == j.axis and j.stream in (stream, EVERY)
        for part in intervals.clip(parts, [span(j)])
    ]
    _insert(conn, scope, kept)


def _covered(conn: Connection, scope: ChainWide) -> Mapping[tuple[str, Axis], list[Interval]]:
    found: dict[tuple[str, Axis], list[Interval]] = {}
    for row in conn.execute(
        "SELECT stream, axis, lo, hi FROM coverage WHERE scope = ?", (scope.key,)
    ):
        parts = found.setdefault((row["stream"], Axis(row["axis"])), [])
        parts.append(Interval(row["lo"], row["hi"]))
    return {key: list(intervals.union(parts)) for key, parts in found.items()}


def _insert(conn: Connection, scope: ChainWide, rows: Iterable[Joined]) -> None:
    conn.executemany(
        "INSERT INTO joined (subject, scope, stream, axis, from_place, until_place) "
        "VALUES (?,?,?,?,?,?)",
        [(j.subject.key, scope.key, j.stream, j.axis, j.from_place, j.until_place) for j in rows],
    )


def cut(conn: Connection, chain: str, axis: Axis, line: int) -> None:
    """Coverage above a line was taken back: what is read there again is not read for those
    that have left. Who joined above it is read for from the line on, or from above what others
    have read."""
    left = "scope = ? AND axis = ? AND until_place > ?"
    key = (ChainWide(chain).key, axis, line)
    conn.execute(f"DELETE FROM joined WHERE {left} AND from_place > ?", (*key, line))
    conn.execute(f"UPDATE joined SET until_place = ? WHERE {left}", (line, *key))
    conn.execute(
        "UPDATE joined SET from_place = min(from_place, 1 + max(?, (SELECT coalesce(max(c.hi), -1) "
        "FROM coverage c WHERE c.scope = joined.scope AND joined.stream IN (c.stream, '*') "
        "AND c.axis = joined.axis))) WHERE scope = ? AND axis = ? AND until_place IS NULL",
        (line, *key[:2]),
    )
