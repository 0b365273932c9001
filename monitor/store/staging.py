"""A version of a published list that is being read and taken: bookkeeping, until an act
(TakePublication) brings it into force.

All of its rows are staged first, so that a file which cannot be read to its end changes nothing.
What it changes is then found by sets, one span of keys after the other, so that nobody waits for
long: new rows are put down beside those in force, and the keys of those that end are noted.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from monitor.model.lists import Entity, Publication, Row, Span
from monitor.store import digests
from monitor.store.port import Connection, Fields, Params, Reader, Store

# What a version says of a row. Where it stands in the file is no part of it: one line more at the
# top changes nothing.
COLUMNS = (
    *("since", "place", "published_as", "ticker", "network", "entity", "name", "programs"),
    *("label", "chain", "chains", "address", "rule", "reason", "warning", "twin"),
)
_NAMES = ", ".join(COLUMNS)
DIGITS = 2  # of keys, by which staged rows lie together: each is put down at the end of its part
UNDER_WAY = -1  # a part that no key has, staged as long as anything else may be
SPAN = 8000  # rows of a span, about; a transaction is as long

Keys = tuple[str, str]  # from the first on, below the second


def key_of(row: Row) -> str:
    """Names a row inside its list: however its address is written in the next version."""
    address = row.judged.address or row.published.address
    p = row.published
    before, behind = _beside(p.ticker, p.network, p.entity.id)
    return _digest(f"{before}{_json(address)}{behind}")[:24]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


_json = json.JSONEncoder().encode


@lru_cache(maxsize=1000)
def _beside(ticker: str, network: str, entity: str) -> tuple[str, str]:
    """What stands before and behind the address in what a key is made of."""
    return f"[{_json(ticker)}, {_json(network)}, ", f", {_json(entity)}]"


@lru_cache(maxsize=5000)
def _said(text: str | None) -> tuple[str | None, str]:
    """As the record holds it, and as the digest of a row has it."""
    held = _clean(text) if text else text
    return held, _json(held)


def _clean(text: str) -> str:
    """Without what no text of the record can hold: halves of characters, and zeros."""
    if text.isascii() and text.isprintable():  # nearly all of a long list
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


class _Alike(NamedTuple):
    """What rows share that differ in address and place alone, as nearly all of a long list do:
    columns and JSON, before, between and behind the address as published and as canonical."""

    since: str | None
    before: tuple[str | None, ...]
    behind: tuple[str | None, ...]
    texts: tuple[str, str, str]


_Says = tuple[str, str, str, Entity, str]  # since, ticker, network, entity, label
_Comes = tuple[str | None, tuple[str, ...], str, str, str, str | None]  # chain, chains ... twin


@lru_cache(maxsize=1000)
def _alike(published: _Says, judged: _Comes) -> _Alike:
    since, ticker, network, entity, label = published
    chain, chains, *rest = judged
    first, programs, where = _said(since), json.dumps(entity.programs), json.dumps(chains)
    before = (ticker, network, entity.id, entity.name, programs, label, chain, where)
    said, behind = [*map(_said, before)], [*map(_said, rest)]
    texts = (first[1], ", ".join(each[1] for each in said), ", ".join(each[1] for each in behind))
    return _Alike(first[0], tuple(each[0] for each in said), tuple(e[0] for e in behind), texts)


def _staged(name: str, number: int, row: Row) -> tuple[object, ...]:
    """In the order of the columns of `stage`. `since` is empty where the publisher does not say
    it."""
    p, j, key = row.published, row.judged, key_of(row)
    place, published, address = _clean(p.place), _clean(p.address), j.address and _clean(j.address)
    shared = _alike(
        (p.since, p.ticker, p.network, p.entity, p.label),
        (j.chain, j.chains, j.rule, j.reason, j.warning, j.twin),
    )
    first, between, last = shared.texts
    says = _digest(f"[{first}, {_json(published)}, {between}, {_json(address)}, {last}]")[:32]
    part = int(key[:DIGITS], 16)
    return (
        *(name, part, number, key, says, shared.since, place, published),
        *(*shared.before, address, *shared.behind),
    )


_STAGED = ("list", "part", "number", "key", "says", *COLUMNS)
_MARKS = ", ".join("?" * len(_STAGED))


def stage(store: Store, name: str, rows: Iterable[Row], first: int) -> None:
    """Put rows down until all of the version has been read; `first`: the number of the first of
    them, in the order of reading."""
    lines = [_staged(name, number, row) for number, row in zip(count(first), rows, strict=False)]
    with store.write() as conn:
        conn.executemany(
            f"INSERT INTO staged ({', '.join(_STAGED)}) VALUES ({_MARKS})",
            lines,
        )


# The rows of a version in some parts of all keys, one a key: of two the order in the file does not
# decide.
_SAID = (
    "SELECT key, min(says) AS says{} FROM staged "
    "WHERE list = ?1 AND part >= ?2 AND part < ?3 GROUP BY key"
)


def counted(store: Reader, name: str) -> Counter[str]:
    """How many rows are staged, by the rule that refuses them; empty: none does."""
    found: Counter[str] = Counter()
    for part in range(16**DIGITS):
        rows = store.read(
            f"SELECT rule, count(*) AS n FROM ({_SAID.format(', rule')}) GROUP BY rule",
            [name, part, part + 1],
        )
        found.update({row["rule"]: row["n"] for row in rows})
    return found


def has_address(store: Reader, name: str) -> bool:
    """Whether any staged row is an address, refused or not."""
    sql = "SELECT 1 FROM staged WHERE list = ? AND part > ? AND address IS NOT NULL LIMIT 1"
    return bool(store.read(sql, [name, UNDER_WAY]))


def spans(rows: int) -> Iterator[Keys]:
    """Parts of all keys, which are digests, with about as many rows each."""
    parts = 16**DIGITS
    number = min(parts, rows // SPAN + 1)
    ends = ["", *(f"{each * parts // number:0{DIGITS}x}" for each in range(1, number))]
    yield from zip(ends, [*ends[1:], "g"], strict=True)


def begin(store: Store, name: str) -> None:
    """Of the list a version is being taken, until it is in force or `clear` ends that."""
    clear(store, name)
    nothing = dict.fromkeys(_STAGED, "") | {"list": name, "part": UNDER_WAY, "number": 0}
    with store.write() as conn:
        conn.execute(
            f"INSERT INTO staged ({', '.join(nothing)}) VALUES ({_MARKS})", (*nothing.values(),)
        )


def clear(store: Store, name: str) -> None:
    """Forget whatever is staged of a list, and rows of a version that never came into force."""
    if not store.read("SELECT 1 FROM staged WHERE list = ? LIMIT 1", [name]):
        return
    while True:
        with store.write() as conn:
            if not _cleared(conn, name):
                _forget(conn, name)
                return


def _forget(conn: Connection, name: str) -> None:
    conn.execute("DELETE FROM staged WHERE list = ?", (name,))
    conn.execute("DELETE FROM ending WHERE list = ?", (name,))


def _cleared(conn: Connection, name: str) -> int:
    """At most so many at once. Returns how many."""
    (old,) = conn.execute("SELECT max(nr) FROM publication WHERE list = ?", (name,)).fetchone()
    staged = conn.execute(
        "DELETE FROM staged WHERE list = ?1 AND (part, number) IN "
        f"(SELECT part, number FROM staged WHERE list = ?1 AND part > ?2 LIMIT {SPAN})",
        (name, UNDER_WAY),
    ).rowcount
    begun = conn.execute(
        "DELETE FROM listing WHERE list = ?1 AND (key, from_nr) IN (SELECT key, from_nr "
        f"FROM listing WHERE list = ?1 AND from_nr > ?2{later((old or 0) + 1)} LIMIT {SPAN})",
        (name, old or 0),
    ).rowcount
    return staged + begun


def later(nr: int) -> str:
    """What a condition on rows that begin with this version, or with it and later ones, has to say
    besides: the index by versions holds none of the first, and is used only where that is said."""
    return " AND from_nr > 1" if nr > 1 else ""


def prepare(store: Store, coming: Publication, keys: Keys) -> Span | None:
    """Find what a version changes of these rows, and put the new ones down; None: nothing."""
    parts = _parts(keys)
    with store.write() as conn:
        if coming.nr > 1:  # before the first version nothing is in force
            _mark(conn, coming, parts, keys)
        _put(conn, coming, parts)
        conn.execute(
            "DELETE FROM staged WHERE list = ? AND part >= ? AND part < ?", (coming.list, *parts)
        )
    name = coming.list
    found = Span(*keys, *begun(store.read, name, coming.nr, keys), *_ending(store, name, keys))
    return found if found.new or found.gone else None


def _parts(keys: Keys) -> tuple[int, int]:
    """Of staged rows, from the first on, below the second."""
    lo, hi = keys
    above = 16**DIGITS if hi == "g" else int(hi.ljust(DIGITS, "0"), 16)
    return int(lo.ljust(DIGITS, "0"), 16), above


def _mark(conn: Connection, coming: Publication, parts: tuple[int, int], keys: Keys) -> None:
    """Which rows in force end: those that the version says otherwise, and those it does not."""
    conn.execute(
        f"WITH said AS ({_SAID.format('')}) INSERT INTO ending (list, key) SELECT l.list, l.key "
        "FROM listing l LEFT JOIN said s ON s.key = l.key WHERE l.list = ?1 "
        "AND l.key >= ?4 AND l.key < ?5 AND l.until_nr IS NULL AND s.says IS NOT l.says",
        (coming.list, *parts, *keys),
    )


def _put(conn: Connection, coming: Publication, parts: tuple[int, int]) -> None:
    """The new rows. Without a day of listing: the one known before, else of the version; what
    stood in the first version may be older."""
    told = ", ".join(f"s.{each}" for each in COLUMNS[1:])
    conn.execute(
        f"WITH said AS ({_SAID.format(f', {_NAMES}')}) "
        f"INSERT INTO listing (list, key, from_nr, says, at_least, {_NAMES}) "
        "SELECT ?1, s.key, ?4, s.says, "
        "CASE WHEN s.since <> '' THEN 0 ELSE coalesce(o.at_least, ?4 = 1) END, "
        f"coalesce(nullif(s.since, ''), o.since, ?5), {told} "
        "FROM said s LEFT JOIN listing o ON o.list = ?1 AND o.key = s.key AND o.until_nr IS NULL "
        "WHERE o.says IS NOT s.says",
        (coming.list, *parts, coming.nr, coming.day),
    )


def end(conn: Connection, coming: Publication) -> None:
    """What is marked ends with this version, and nothing is staged any more."""
    conn.execute(
        "UPDATE listing SET until_nr = ?2 WHERE list = ?1 AND until_nr IS NULL AND from_nr < ?2 "
        "AND key IN (SELECT key FROM ending WHERE list = ?1)",
        (coming.list, coming.nr),
    )
    _forget(conn, coming.list)


# -- digests -----------------------------------------------------------------------------------

_SAYS = f"key, since, at_least, says, {_NAMES.removeprefix('since, ')}"
Ask = Callable[[str, Params], Sequence[Fields]]


def begun(ask: Ask, name: str, nr: int, keys: Keys) -> tuple[int, str]:
    """The rows that begin with a version: how many, and a digest over them in order of keys."""
    rows = ask(
        f"SELECT {_SAYS} FROM listing WHERE list = ? AND from_nr = ? AND key >= ? AND key < ? "
        "ORDER BY key",
        (name, nr, *keys),
    )
    return digests.counted(rows)


def _ending(store: Reader, name: str, keys: Keys) -> tuple[int, str]:
    rows = store.read(
        "SELECT key FROM ending WHERE list = ? AND key >= ? AND key < ? ORDER BY key", [name, *keys]
    )
    return digests.counted(rows)


def ended(ask: Ask, name: str, nr: int, keys: Keys) -> tuple[int, str]:
    """The same of those that end with it."""
    rows = ask(
        "SELECT key FROM listing WHERE list = ? AND until_nr = ? AND key >= ? AND key < ? "
        "ORDER BY key",
        (name, nr, *keys),
    )
    return digests.counted(rows)
