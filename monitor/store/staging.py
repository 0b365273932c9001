"""A version of a published list that is being read and taken: bookkeeping, until an act
(TakePublication) brings it into force.

All of its rows are staged first, so that a file which cannot be read to its end changes nothing.
What it changes is then found by sets, one span of keys after the other, so that nobody waits for
long: new rows are put down beside those in force, and the keys of those that end stay staged.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from monitor.model.lists import Publication, Row, Span
from monitor.store import digests
from monitor.store.port import Connection, Fields, Params, Reader, Store

# What a version says of a row, in the order of a staged body. Where it stands in the file is no
# part of it: one line more at the top changes nothing.
COLUMNS = (
    *("since", "place", "published_as", "ticker", "network", "entity", "name", "programs"),
    *("label", "chain", "chains", "address", "rule", "reason", "warning", "twin"),
)
_PLACE = COLUMNS.index("place")
_NAMES = ", ".join(COLUMNS)
UNDER_WAY = "z"  # a key that no row has, staged as long as anything else may be
SPAN = 4000  # rows of a span, about; a transaction is as long

Keys = tuple[str, str]  # from the first on, below the second


def key_of(row: Row) -> str:
    """Names a row inside its list: however its address is written in the next version."""
    address = row.judged.address or row.published.address
    parts = (row.published.ticker, row.published.network, address, row.published.entity.id)
    return _digest(json.dumps(parts))[:24]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _body(row: Row) -> list[object]:
    """`since` is empty where the publisher does not say it."""
    p, j = row.published, row.judged
    told = [
        *(p.since, p.place, p.address, p.ticker, p.network, p.entity.id, p.entity.name),
        *(json.dumps(p.entity.programs), p.label, j.chain, json.dumps(j.chains), j.address),
        *(j.rule, j.reason, j.warning, j.twin),
    ]
    return [_clean(each) if each else each for each in told]


def _clean(text: str) -> str:
    """Without what no text of the record can hold: halves of characters, and zeros."""
    if text.isascii() and text.isprintable():  # nearly all of a long list
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def _staged(name: str, row: Row) -> tuple[object, ...]:
    body = _body(row)
    says = _digest(json.dumps([*body[:_PLACE], *body[_PLACE + 1 :]]))[:32]
    return (name, key_of(row), says, row.judged.rule, json.dumps(body))


def stage(store: Store, name: str, rows: Iterable[Row]) -> None:
    """Put rows down until all of the version has been read. Of two with one key the order in the
    file does not decide; what the version in force says too is kept without its text."""
    lines = [_staged(name, row) for row in rows]
    with store.write() as conn:
        conn.executemany(
            "INSERT INTO staged (list, key, says, rule, body) SELECT ?1, ?2, ?3, ?4, CASE WHEN "
            "EXISTS (SELECT 1 FROM listing l WHERE l.list = ?1 AND l.key = ?2 AND l.says = ?3 "
            "AND l.until_nr IS NULL) THEN NULL ELSE ?5 END WHERE true "
            "ON CONFLICT (list, key) DO UPDATE SET says = excluded.says, rule = excluded.rule, "
            "body = excluded.body WHERE excluded.says < staged.says",
            lines,
        )


def counted(store: Reader, name: str) -> Counter[str]:
    """How many rows are staged, by the rule that refuses them; empty: none does."""
    rows = store.read(
        "SELECT rule, count(*) AS n FROM staged WHERE list = ? AND key < ? GROUP BY rule",
        [name, UNDER_WAY],
    )
    return Counter({row["rule"]: row["n"] for row in rows})


def has_address(store: Reader, name: str) -> bool:
    """Whether any staged row is an address, refused or not."""
    place = f"$[{COLUMNS.index('address')}]"
    sql = (
        "SELECT 1 FROM staged WHERE list = ? AND key < ? AND (body IS NULL "
        "OR json_extract(body, ?) IS NOT NULL) LIMIT 1"
    )
    return bool(store.read(sql, [name, UNDER_WAY, place]))


def spans(rows: int) -> Iterator[Keys]:
    """Parts of all keys, which are digests, with about as many rows each."""
    digits = 0
    while 16**digits * SPAN < rows:
        digits += 1
    ends = [f"{number:0{digits}x}" if digits else "" for number in range(16**digits)]
    yield from zip(ends, [*ends[1:], "g"], strict=True)


def begin(store: Store, name: str) -> None:
    """Of the list a version is being taken, until it is in force or `clear` ends that."""
    clear(store, name)
    with store.write() as conn:
        conn.execute(
            "INSERT INTO staged (list, key, says, rule) VALUES (?, ?, '', '')", (name, UNDER_WAY)
        )


def clear(store: Store, name: str) -> None:
    """Forget whatever is staged of a list, and rows of a version that never came into force."""
    if not store.read("SELECT 1 FROM staged WHERE list = ? LIMIT 1", [name]):
        return
    while True:
        with store.write() as conn:
            if not _cleared(conn, name):
                conn.execute("DELETE FROM staged WHERE list = ?", (name,))
                return


def _cleared(conn: Connection, name: str) -> int:
    """At most so many at once. Returns how many."""
    old = "SELECT max(nr) FROM publication WHERE list = ?1"
    staged = conn.execute(
        "DELETE FROM staged WHERE list = ?1 AND key IN "
        f"(SELECT key FROM staged WHERE list = ?1 AND key < ?2 LIMIT {SPAN})",
        (name, UNDER_WAY),
    ).rowcount
    begun = conn.execute(
        "DELETE FROM listing WHERE list = ?1 AND (key, from_nr) IN (SELECT key, from_nr "
        f"FROM listing WHERE list = ?1 AND from_nr > coalesce(({old}), 0) LIMIT {SPAN})",
        (name,),
    ).rowcount
    return staged + begun


def prepare(store: Store, coming: Publication, keys: Keys) -> Span | None:
    """Find what a version changes of these rows, and put the new ones down; None: nothing."""
    mine = (coming.list, *keys)
    with store.write() as conn:
        _mark(conn, mine)
        _put(conn, mine, coming)
        conn.execute(
            "DELETE FROM staged WHERE list = ? AND key >= ? AND key < ? AND NOT ends", mine
        )
    found = Span(*keys, *begun(store.read, coming.list, coming.nr, keys), *_ending(store, mine))
    return found if found.new or found.gone else None


def _mark(conn: Connection, mine: tuple[str, str, str]) -> None:
    """Which rows in force end: those that the version says otherwise, and those it does not."""
    conn.execute(
        "INSERT INTO staged (list, key, says, rule, ends) SELECT list, key, '', '', 1 "
        "FROM listing l WHERE list = ? AND key >= ? AND key < ? AND until_nr IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.list = l.list AND s.key = l.key)",
        mine,
    )
    conn.execute(
        "UPDATE staged SET ends = 1 WHERE list = ? AND key >= ? AND key < ? AND body IS NOT NULL "
        "AND EXISTS (SELECT 1 FROM listing l WHERE l.list = staged.list AND l.key = staged.key "
        "AND l.until_nr IS NULL)",
        mine,
    )


def _put(conn: Connection, mine: tuple[str, str, str], coming: Publication) -> None:
    """The new rows. Without a day of listing: the one known before, else of the version; what
    stood in the first version may be older."""
    told = ", ".join(f"json_extract(s.body, '$[{at}]')" for at in range(1, len(COLUMNS)))
    conn.execute(
        f"INSERT INTO listing (list, key, from_nr, says, at_least, {_NAMES}) "
        "SELECT s.list, s.key, ?4, s.says, "
        "CASE WHEN json_extract(s.body, '$[0]') <> '' THEN 0 ELSE coalesce(o.at_least, ?4 = 1) "
        "END, coalesce(nullif(json_extract(s.body, '$[0]'), ''), o.since, ?5), "
        f"{told} FROM staged s LEFT JOIN listing o ON o.list = s.list AND o.key = s.key "
        "AND o.until_nr IS NULL "
        "WHERE s.list = ?1 AND s.key >= ?2 AND s.key < ?3 AND s.body IS NOT NULL",
        (*mine, coming.nr, coming.day),
    )


def end(conn: Connection, coming: Publication) -> None:
    """What is marked ends with this version, and nothing is staged any more."""
    conn.execute(
        "UPDATE listing SET until_nr = ?2 WHERE list = ?1 AND until_nr IS NULL AND from_nr < ?2 "
        "AND key IN (SELECT key FROM staged WHERE list = ?1)",
        (coming.list, coming.nr),
    )
    conn.execute("DELETE FROM staged WHERE list = ?", (coming.list,))


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
    return _counted(rows)


def _ending(store: Reader, mine: tuple[str, str, str]) -> tuple[int, str]:
    rows = store.read(
        "SELECT key FROM staged WHERE list = ? AND key >= ? AND key < ? ORDER BY key", mine
    )
    return _counted(rows)


def ended(ask: Ask, name: str, nr: int, keys: Keys) -> tuple[int, str]:
    """The same of those that end with it."""
    rows = ask(
        "SELECT key FROM listing WHERE list = ? AND until_nr = ? AND key >= ? AND key < ? "
        "ORDER BY key",
        (name, nr, *keys),
    )
    return _counted(rows)


def _counted(rows: Sequence[Fields]) -> tuple[int, str]:
    made = hashlib.sha256()
    for row in rows:
        made.update(digests.row_text(row))
    return len(rows), made.hexdigest()
