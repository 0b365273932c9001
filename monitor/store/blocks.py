"""Chains of which each block is read once: for whom, how far, and what is owed to whom."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.model import Axis, Interval, Severity, Subject, intervals
from monitor.model.scope import EVERY, ChainWide, Joined, Scope
from monitor.model.status import ChainReading
from monitor.model.streams import SHOWN, UNSERVED
from monitor.store.coverage import change_members
from monitor.store.follow import POLLED
from monitor.store.heads import newest
from monitor.store.joined import NO_END
from monitor.store.port import Connection, Fields, Reader, Store
from monitor.store.watch import PARKED, chains

AGAIN = len(Severity) + 1  # ranks after those of histories: of what is looked at once more
_LISTED = "EXISTS (SELECT 1 FROM entry e WHERE e.subject = s.key AND e.retired IS NULL)"
# Whether an entry `e` is on a member: parameters are the chain-wide scope and its list.
_IS_MEMBER = (
    "EXISTS (SELECT 1 FROM joined j WHERE j.subject = e.subject AND j.scope = ? AND j.stream = ? "
    "AND j.until_place IS NULL)"
)
# Of an entry `e`: 0 severe, 3 low.
_RANKS = " ".join(f"WHEN '{each}' THEN {rank}" for rank, each in enumerate(Severity))
_RANK = f"CASE json_extract(e.terms, '$.severity') {_RANKS} ELSE {len(Severity)} END"


# -- for whom ------------------------------------------------------------------------------


def members(store: Reader, chain: str) -> dict[str, int]:
    """From which block on a chain's blocks are read for each address, by address."""
    sql = (
        "SELECT substr(subject, ?), from_place FROM joined WHERE scope = ? AND stream = ? "
        "AND until_place IS NULL"
    )
    with store.look() as conn:  # bit by bit: a million rows at once are 200 MiB more
        found = conn.execute(sql, [len(chain) + 2, ChainWide(chain).key, EVERY])
        return dict(found)


def read_by_blocks(store: Reader) -> frozenset[str]:
    """The chains whose blocks are read for anybody."""
    sql = "SELECT 1 FROM joined WHERE scope = ? AND stream = ? AND until_place IS NULL LIMIT 1"
    every = chains(store)  # a million memberships are not looked through for it
    return frozenset(each for each in every if store.read(sql, [ChainWide(each).key, EVERY]))


def newcomers(store: Reader, chain: str, most: int) -> Iterator[list[Subject]]:
    """Addresses of a chain with an active entry that are due by themselves, so many at a time, in
    the order of their keys: what is written of each then lies side by side. Whoever is handed out
    may join meanwhile."""
    sql = (
        f"SELECT address FROM scope s WHERE chain = ? AND due < {PARKED} AND address <> '*' "
        f"AND {_LISTED} ORDER BY key"
    )
    with store.look() as conn:  # bit by bit, as `members`, in which they are kept then
        found = [row[0] for row in conn.execute(sql, [chain])]
    for start in range(0, len(found), most):
        yield [Subject(chain, address) for address in found[start : start + most]]


def severe(store: Reader, chain: str, most: int) -> list[Subject]:
    """Newcomers with a severe entry, those first that have waited longest."""
    sql = (
        f"SELECT key AS subject FROM scope s WHERE chain = ? AND due < {PARKED} AND address <> '*' "
        "AND EXISTS (SELECT 1 FROM entry e WHERE e.subject = s.key AND e.retired IS NULL "
        f"AND {_RANK} = 0) ORDER BY due LIMIT ?"
    )
    return _subjects(chain, store.read(sql, [chain, most]))


def due_alone(
    store: Reader, chain: str, now: int | None, left_out: Iterable[Subject]
) -> list[Subject]:
    """Addresses of a chain that are due by themselves: of those with an entry only the ones that
    do not belong to its members, and what is only followed."""
    rows = store.read(
        f"SELECT key, address, {_LISTED} AS listed, EXISTS (SELECT 1 FROM followed f "
        f"WHERE f.subject = s.key AND {POLLED}) AS polled FROM scope s WHERE chain = ? "
        "AND due <= ? AND address <> '*' ORDER BY due, key",
        [chain, PARKED - 1 if now is None else now],
    )
    wanted = {each.key for each in left_out}
    return [
        Subject(chain, row["address"])
        for row in rows
        if row["key"] in wanted or (row["polled"] and not row["listed"])
    ]


def unwatched(store: Reader, chain: str) -> list[Subject]:
    """Members of a chain without an active entry."""
    # Only who had one was taken in, and none is ever deleted: an index names those that ended.
    rows = store.read(
        "SELECT DISTINCT e.subject FROM entry e WHERE e.retired IS NOT NULL AND e.subject > ? "
        "AND e.subject < ? AND NOT EXISTS (SELECT 1 FROM entry o WHERE o.subject = e.subject "
        f"AND o.retired IS NULL) AND {_IS_MEMBER}",
        [f"{chain}/", f"{chain}0", ChainWide(chain).key, EVERY],
    )
    return _subjects(chain, rows)


def _subjects(chain: str, rows: Iterable[Fields]) -> list[Subject]:
    """Of rows that name them by their keys."""
    skip = len(chain) + 1
    return [Subject(chain, row["subject"][skip:]) for row in rows]


def untold(store: Reader, chain: str) -> list[Subject]:
    """Members with an active entry whose history was not told of and is not owed."""
    rows = store.read(  # whether it is owed first: it is of nearly all of them
        "SELECT DISTINCT e.subject FROM entry e WHERE e.subject > ? AND e.subject < ? "
        "AND e.history = 'due' AND e.retired IS NULL AND NOT EXISTS (SELECT 1 FROM debt d "
        f"WHERE d.subject = e.subject AND d.history = 1) AND {_IS_MEMBER}",
        [f"{chain}/", f"{chain}0", ChainWide(chain).key, EVERY],
    )
    return _subjects(chain, rows)


def unmet(store: Reader, chain: str, most: int) -> Iterator[list[tuple[str, int]]]:
    """Active entries on members that had no first contact, so many at a time: (id, when it was
    added). Each part has had its own before the next is asked for."""
    sql = (
        "SELECT e.subject, e.id, e.added FROM entry e WHERE e.subject >= ? AND e.subject < ? "
        f"AND e.base_height IS NULL AND e.retired IS NULL AND {_IS_MEMBER} "
        "ORDER BY e.subject LIMIT ?"
    )
    after = f"{chain}/"
    while rows := store.read(sql, [after, f"{chain}0", ChainWide(chain).key, EVERY, most]):
        yield [(row["id"], row["added"]) for row in rows]
        after = rows[-1]["subject"]


@dataclass(frozen=True, slots=True)
class Own:
    """What an address has read by itself of its lists, where these are read along blocks."""

    end: int  # the highest block up to which all of them are covered
    whole: bool  # ... from the first block on
    seen: int  # the newest block that a complete read of all of them reached


def own(store: Reader, subjects: Sequence[Subject], lists: int) -> dict[Subject, Own]:
    """By address; one is left out of which less than so many lists were read so."""
    by_key = {subject.key: subject for subject in subjects}
    parts: dict[str, dict[str, list[Interval]]] = {}
    for row in store.read_in(
        f"SELECT scope, stream, lo, hi FROM coverage WHERE axis = '{Axis.HEIGHT}' "
        "AND scope IN ({})",
        by_key,
    ):
        mine = parts.setdefault(row["scope"], {})
        mine.setdefault(row["stream"], []).append(Interval(row["lo"], row["hi"]))
    seen = {
        row["scope"]: row["seen"]
        for row in store.read_in(
            "SELECT scope, min(coalesce(complete_to, -1)) AS seen FROM reading "
            f"WHERE axis = '{Axis.HEIGHT}' AND scope IN ({{}}) GROUP BY scope",
            parts,
        )
    }
    found = {}
    for key, streams in parts.items():
        if len(streams) >= lists:
            joint = [intervals.union(each) for each in streams.values()]
            whole = all(len(each) == 1 and each[0].lo == 0 for each in joint)
            end = min(each[-1].hi for each in joint)
            found[by_key[key]] = Own(end, whole, seen.get(key, -1))
    return found


def join(
    store: Store,
    chain: str,
    places: Mapping[str, int],
    below_time: int,
    outputs: Mapping[str, str],
) -> None:
    """Take addresses in, each from a block on (`below_time`: the time of the one below, or later);
    what lies there is owed to them. `outputs`: what they had not spent then, with whose it is. Who
    is in already is only not due by itself any more."""
    scope = ChainWide(chain)
    joining = {f"{chain}/{address}": place for address, place in places.items()}
    with store.write() as conn:
        conn.execute(
            "INSERT INTO scope (key, chain, address) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
            (scope.key, scope.chain, scope.address),
        )
        conn.execute(
            "INSERT INTO joined (subject, scope, stream, axis, from_place, below_time) "
            f"SELECT k.key, ?2, '{EVERY}', '{Axis.HEIGHT}', k.value, ?3 FROM json_each(?1) k "
            f"WHERE NOT EXISTS (SELECT 1 FROM joined WHERE subject = k.key AND scope = ?2 "
            f"AND stream = '{EVERY}' AND until_place IS NULL) ON CONFLICT DO UPDATE "
            "SET until_place = NULL, below_time = excluded.below_time",
            (json.dumps(joining), scope.key, below_time),
        )
        conn.execute(
            f"UPDATE scope SET due = {PARKED} WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps([*joining]),),
        )
        _owe(conn, chain, [*joining])
        conn.executemany(
            "INSERT INTO unspent (chain, output, address) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(chain, output, address) for output, address in outputs.items()],
        )


def _owe(conn: Connection, chain: str, keys: Sequence[str]) -> None:
    conn.execute(
        "INSERT INTO debt (subject, chain, history, rank) SELECT k.value, ?2, 1, "
        f"coalesce((SELECT min({_RANK}) FROM entry e WHERE e.subject = k.value "
        f"AND e.retired IS NULL), {len(Severity)}) FROM json_each(?1) k WHERE 1 "
        "ON CONFLICT (subject) DO UPDATE SET history = 1, waits = 0, "
        "rank = min(rank, excluded.rank), due = 0",
        (json.dumps(keys), chain),
    )


def leave(store: Store, chain: str, places: Mapping[Subject, int], now: int) -> None:
    """Let addresses go, by the block at which each joined: they are due by themselves again, and
    keep what was read for them."""
    leaving = [Joined(each, EVERY, Axis.HEIGHT, place) for each, place in places.items()]
    change_members(store, ChainWide(chain), [], leaving, now)
    keys = [(subject.key,) for subject in places]
    with store.write() as conn:
        conn.executemany("DELETE FROM debt WHERE subject = ?", keys)
        conn.executemany(f"UPDATE scope SET due = 0 WHERE key = ? AND due >= {PARKED}", keys)


# -- how far -------------------------------------------------------------------------------


def known(store: Reader, chain: str) -> dict[int, str]:
    """The blocks that were read and do not count as proven yet: hashes by height, rising."""
    sql = "SELECT height, hash FROM block WHERE scope = ? ORDER BY height"
    rows = store.read(sql, [ChainWide(chain).key])
    return {row["height"]: row["hash"] for row in rows}


def note(conn: Connection, scope: Scope, read: Mapping[int, str], proven: int) -> None:
    """Keep the blocks that were read up to the newest; those up to `proven` count as proven."""
    kept = [(scope.key, height, each) for height, each in read.items() if height > proven]
    conn.execute(
        "DELETE FROM block WHERE scope = ? AND (height <= ? OR height >= ?)",
        (scope.key, proven, kept[0][1] if kept else NO_END),
    )
    conn.executemany("INSERT INTO block (scope, height, hash) VALUES (?, ?, ?)", kept)


def reached(store: Reader, chain: str) -> tuple[int, int]:
    """The highest block that was read for the chain as a whole, in whatever way, and the highest
    that counts as proven; -1 for none."""
    key = ChainWide(chain).key
    proven = store.read(
        f"SELECT max(hi) AS hi FROM coverage WHERE scope = ? AND axis = '{Axis.HEIGHT}'", [key]
    )[0]["hi"]
    top = store.read("SELECT max(height) AS top FROM block WHERE scope = ?", [key])[0]["top"]
    proven = -1 if proven is None else proven
    return max(proven, -1 if top is None else top), proven


def reading_of(store: Reader, chain: str) -> ChainReading | None:
    """How far a chain is read block by block; None: it is not."""
    scope = ChainWide(chain)
    rows = store.read(
        "SELECT min(hi) AS proven FROM (SELECT stream, max(hi) AS hi FROM coverage "
        f"WHERE scope = ?1 AND axis = '{Axis.HEIGHT}' AND stream IN (SELECT stream FROM reading "
        "WHERE scope = ?1 AND tried = (SELECT max(tried) FROM reading WHERE scope = ?1)) "
        "GROUP BY stream)",
        [scope.key],
    )
    last = store.read(
        "SELECT source, complete_to, failing, error FROM reading WHERE scope = ? "
        "AND coalesce(error, '') NOT LIKE ? ORDER BY tried DESC, stream LIMIT 1",
        [scope.key, f"{UNSERVED}%"],
    )
    if not last or chain not in read_by_blocks(store):
        return None
    top = store.read("SELECT max(height) AS top FROM block WHERE scope = ?", [scope.key])[0]["top"]
    proven = rows[0]["proven"]
    return ChainReading(
        head=newest(store, chain),
        covered_to=top if top is not None else proven,
        proven_to=proven,
        source=last[0]["source"] or "",
        failing=last[0]["failing"],
        why=last[0]["error"] or "",
    )


def shown(store: Reader, chain: str) -> str:
    """What balances show of a list that the blocks of a chain do not hold (`SHOWN`); empty: of
    none."""
    sql = "SELECT error FROM reading WHERE scope = ? AND error LIKE ? LIMIT 1"
    rows = store.read(sql, [ChainWide(chain).key, f"{SHOWN}%"])
    return rows[0]["error"] if rows else ""


# -- what is owed ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Owed:
    """How many members of a chain wait to be read address by address."""

    history: int  # for what lies below the block at which they joined
    severe: int  # of these, severe ones
    waits: int  # beside these: of whom that was read, and is not final yet
    blind: int  # because the chain's blocks cannot be read now


def owed(store: Reader, chain: str) -> Owed:
    row = store.read(
        "SELECT total(history = 1 AND NOT waits) AS history, "
        "total(history = 1 AND NOT waits AND rank = 0) AS severe, "
        "total(history = 1 AND waits) AS waits, total(blind) AS blind FROM debt WHERE chain = ?",
        [chain],
    )[0]
    return Owed(*(int(row[name]) for name in ("history", "severe", "waits", "blind")))


def blind(store: Reader, subject: Subject) -> bool:
    """Whether a member is to be read by itself as if it were none: because its chain's blocks
    cannot be read, or to look once more at what its lists may have shown late."""
    sql = "SELECT 1 FROM debt WHERE subject = ? AND (blind OR history = 2)"
    return bool(store.read(sql, [subject.key]))


def next_owed(store: Reader, chain: str, now: int, most: int) -> dict[Subject, bool]:
    """Who is to be read next, and whether that is to look again at a history that was read: first
    those whose blocks cannot be read, then histories, the severe first in both."""
    found: dict[Subject, bool] = {}
    for blind in (1, 0):
        for rank in range(AGAIN + len(Severity) + 1):
            if len(found) < most:
                rows = store.read(
                    "SELECT subject, history FROM debt WHERE chain = ? AND blind = ? AND rank = ? "
                    "AND due <= ? ORDER BY due LIMIT ?",
                    [chain, blind, rank, now, most - len(found)],
                )
                looks = (row["history"] == 2 for row in rows)
                found |= dict(zip(_subjects(chain, rows), looks, strict=True))
    return found


def owe(store: Store, chain: str, subjects: Iterable[Subject]) -> None:
    """Members are to be read for their history, as when they joined."""
    with store.write() as conn:
        _owe(conn, chain, [subject.key for subject in subjects])


def tried(
    store: Store,
    paid: Mapping[Subject, int | None],
    again: Mapping[Subject, int],
    waits: Collection[Subject],
) -> None:
    """Members that were read: whose history is owed no more, and when the others are tried
    `again`, some of which only `waits` to be final. What was `paid` is looked at again at its time,
    if it has one: lists may have shown something late."""
    with store.write() as conn:
        keys = [(subject.key,) for subject in paid]
        done = [(subject.key,) for subject, look in paid.items() if look is None]
        conn.executemany("DELETE FROM debt WHERE subject = ? AND history AND NOT blind", done)
        conn.executemany("UPDATE debt SET history = 0 WHERE subject = ?", done)
        conn.executemany(
            f"UPDATE debt SET history = 2, rank = rank + (history = 1) * {AGAIN}, due = ? "
            "WHERE subject = ? AND history",
            [(look, subject.key) for subject, look in paid.items() if look is not None],
        )
        conn.executemany(
            "UPDATE debt SET due = ?, waits = ? WHERE subject = ?",
            [(due, subject in waits, subject.key) for subject, due in again.items()],
        )
        conn.executemany(
            f"UPDATE scope SET due = {PARKED} WHERE key = ? AND EXISTS (SELECT 1 FROM joined "
            f"WHERE subject = scope.key AND stream = '{EVERY}' AND until_place IS NULL)",
            [*keys, *((subject.key,) for subject in again)],
        )


def blinded(store: Store, chain: str) -> None:
    """A chain's blocks cannot be read: its severe members are read by themselves meanwhile."""
    severe = (
        "SELECT j.subject, ?1, 0, 1, 0, 0 FROM joined j WHERE j.scope = ?2 AND j.stream = ?3 "
        "AND j.until_place IS NULL AND EXISTS (SELECT 1 FROM entry e WHERE e.subject = j.subject "
        f"AND e.retired IS NULL AND {_RANK} = 0)"
    )
    with store.write() as conn:
        conn.execute(
            f"INSERT INTO debt (subject, chain, history, blind, rank, due) {severe} "
            "ON CONFLICT (subject) DO UPDATE SET blind = 1, "
            "due = CASE WHEN blind THEN due ELSE 0 END",
            (chain, ChainWide(chain).key, EVERY),
        )


def sighted(store: Store, chain: str) -> None:
    """A chain's blocks can be read again."""
    if not store.read("SELECT 1 FROM debt WHERE chain = ? AND blind = 1 LIMIT 1", [chain]):
        return
    with store.write() as conn:
        conn.execute("DELETE FROM debt WHERE chain = ? AND blind = 1 AND NOT history", (chain,))
        conn.execute("UPDATE debt SET blind = 0 WHERE chain = ? AND blind = 1", (chain,))
