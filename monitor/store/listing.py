"""Lists that others publish: their versions, what stood in them and when, what people said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from monitor.model import Watched
from monitor.model.dates import utc_day
from monitor.model.lists import (
    Entity,
    Judged,
    Listing,
    ListState,
    Publication,
    Published,
    Row,
    Validators,
    Word,
)
from monitor.store.port import Fields, Reader, Store
from monitor.store.rows import to_watched

PART = 2000  # rows at a time

# What a version says of a row, in the order of a staged body. Another text of the first three
# is no change of what it says.
COLUMNS = (
    *("since", "at_least", "place", "published_as", "ticker", "entity", "name", "programs"),
    *("label", "chain", "chains", "address", "rule", "reason", "warning"),
)
_LOOSE = 3
Body = Sequence[object]
Target = tuple[str, str]  # canonical address, id of the entity


def key_of(row: Row) -> str:
    """Names a row inside its list: however its address is written in the next version."""
    address = row.judged.address or row.published.address
    parts = (row.published.ticker, row.published.network, address, row.published.entity.id)
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:24]


def body_of(row: Row) -> list[object]:
    """As `staged` holds it. `since` is empty where the publisher does not say it."""
    p, j = row.published, row.judged
    return [
        *(p.since, 0, p.place, p.address, p.ticker, p.entity.id, p.entity.name),
        *(json.dumps(p.entity.programs), p.label, j.chain, json.dumps(j.chains), j.address),
        *(j.rule, j.reason, j.warning),
    ]


def says_the_same(one: Body, other: Body) -> bool:
    return list(one[_LOOSE:]) == list(other[_LOOSE:])


# -- versions ----------------------------------------------------------------------------------


def publications(store: Reader, name: str) -> list[Publication]:
    """The versions of a list that were taken, oldest first."""
    rows = store.read(
        "SELECT * FROM publication WHERE list = ? AND taken IS NOT NULL ORDER BY nr", [name]
    )
    return [to_publication(row) for row in rows]


def newest(store: Reader, name: str) -> Publication | None:
    """The version in force."""
    rows = store.read(
        "SELECT * FROM publication WHERE list = ? AND taken IS NOT NULL ORDER BY nr DESC LIMIT 1",
        [name],
    )
    return to_publication(rows[0]) if rows else None


def coming(store: Reader, name: str) -> Publication | None:
    """A version of which only a part was taken."""
    rows = store.read("SELECT * FROM publication WHERE list = ? AND taken IS NULL", [name])
    return to_publication(rows[0]) if rows else None


def to_publication(row: Fields) -> Publication:
    return Publication(
        *(row["list"], row["nr"], row["sha256"], row["published"], row["fetched"], row["bytes"]),
        *(row["rows"], json.loads(row["refused"])),
    )


def names(store: Reader) -> list[str]:
    """Of all lists of which a version was ever taken."""
    rows = store.read("SELECT DISTINCT list FROM publication WHERE taken IS NOT NULL")
    return sorted(row["list"] for row in rows)


# -- rows --------------------------------------------------------------------------------------

_LISTING = (
    "SELECT l.*, f.published AS from_day, f.fetched AS from_at, u.published AS until_day, "
    "u.fetched AS until_at FROM listing l "
    "JOIN publication f ON f.list = l.list AND f.nr = l.from_nr "
    "LEFT JOIN publication u ON u.list = l.list AND u.nr = l.until_nr "
)


def at_version(store: Reader, name: str, nr: int) -> Iterator[Listing]:
    """What a version said, row by row, in the order of keys."""
    where = "l.list = ? AND l.key > ? AND l.from_nr <= ? AND (l.until_nr IS NULL OR l.until_nr > ?)"
    after = ""
    while rows := store.read(
        f"{_LISTING} WHERE {where} ORDER BY l.key LIMIT {PART}", [name, after, nr, nr]
    ):
        yield from map(to_listing, rows)
        after = rows[-1]["key"]


def of_target(store: Reader, name: str, target: Target) -> list[Listing]:
    """Everything that a list ever said of an address as one entity's, oldest first."""
    sql = f"{_LISTING} WHERE l.list = ? AND l.address = ? AND l.entity = ? ORDER BY l.from_nr"
    return [to_listing(row) for row in store.read(sql, [name, *target])]


def targets(store: Reader, name: str, nr: int) -> Iterator[Target]:
    """Whom a version is about that says something new, or something no more; some twice."""
    for place in ("from_nr", "until_nr"):
        after: Target = ("", "")
        while rows := store.read(
            f"SELECT DISTINCT address, entity FROM listing WHERE list = ? AND {place} = ? "
            f"AND (address, entity) > (?, ?) ORDER BY address, entity LIMIT {PART}",
            [name, nr, *after],
        ):
            yield from ((row["address"], row["entity"]) for row in rows)
            after = (rows[-1]["address"], rows[-1]["entity"])


def all_targets(store: Reader, name: str) -> Iterator[Target]:
    """Everybody of whom a list ever said anything that can be watched."""
    after: Target = ("", "")
    while rows := store.read(
        "SELECT DISTINCT address, entity FROM listing WHERE list = ? AND address IS NOT NULL "
        f"AND (address, entity) > (?, ?) ORDER BY address, entity LIMIT {PART}",
        [name, *after],
    ):
        yield from ((row["address"], row["entity"]) for row in rows)
        after = (rows[-1]["address"], rows[-1]["entity"])


def stored(store: Reader, name: str, target: Target) -> list[Watched]:
    """The entries of a list about an address as one entity's."""
    rows = store.read(
        "SELECT e.* FROM entry e JOIN scope s ON s.key = e.subject WHERE e.list = ? "
        "AND s.address = ? AND coalesce(json_extract(e.terms, '$.origin.entity'), '') = ?",
        [name, *target],
    )
    return [to_watched(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Counts:
    """Of a list: rows of the version in force that are watched, and entries that wait for a
    person because it does not name them any more."""

    watched: int
    removals: int


def counts(store: Reader, name: str) -> Counts:
    rows = store.read(
        "SELECT count(DISTINCT l.key) AS n "
        "FROM entry e JOIN scope s ON s.key = e.subject JOIN listing l ON l.list = e.list "
        "AND l.address = s.address AND l.until_nr IS NULL "
        "AND l.entity = coalesce(json_extract(e.terms, '$.origin.entity'), '') "
        "WHERE e.list = ? AND e.list <> '' AND e.retired IS NULL",
        [name],
    )
    gone = store.read(
        "SELECT count(*) AS n FROM entry WHERE list = ? AND list <> '' AND retired IS NULL "
        "AND json_extract(terms, '$.origin.until') <> ''",
        [name],
    )
    return Counts(rows[0]["n"], gone[0]["n"])


def to_listing(row: Fields) -> Listing:
    published = Published(
        *(row["published_as"], row["ticker"], ""),
        Entity(row["entity"], row["name"], tuple(json.loads(row["programs"]))),
        row["since"],
        *(row["label"], row["place"]),
    )
    judged = Judged(
        row["chain"],
        tuple(json.loads(row["chains"])),
        *(row["address"], row["rule"], row["reason"], row["warning"]),
    )
    return Listing(
        *(row["list"], row["key"], Row(published, judged), row["from_nr"], row["until_nr"]),
        *(row["since"], bool(row["at_least"]), row["from_at"]),
        until="" if row["until_nr"] is None else row["until_day"] or utc_day(row["until_at"]),
    )


# -- what is being taken -----------------------------------------------------------------------


def clear_staged(store: Store, name: str) -> None:
    with store.write() as conn:
        conn.execute("DELETE FROM staged WHERE list = ?", (name,))


@dataclass(frozen=True, slots=True)
class Delta:
    """What a part of a version changes: the rows that it says anew, and those that it says no
    more, by their keys."""

    new: Sequence[tuple[str, Body]]
    gone: Sequence[str]


def deltas(store: Reader, name: str) -> Iterator[Delta]:
    """What the staged version changes, part by part. What was carried out is no change any more,
    so that it can be asked again."""
    after = ""
    while rows := store.read(
        "SELECT s.key, s.body, l.key AS known, l.from_nr, "
        f"{', '.join(f'l.{each}' for each in COLUMNS)} "
        "FROM staged s LEFT JOIN listing l ON l.list = s.list AND l.key = s.key "
        f"AND l.until_nr IS NULL WHERE s.list = ? AND s.key > ? ORDER BY s.key LIMIT {PART}",
        [name, after],
    ):
        new: list[tuple[str, Body]] = []
        gone = []
        for row in rows:
            body, was = json.loads(row["body"]), [row[each] for each in COLUMNS]
            if row["known"] is not None and says_the_same(body, was):
                continue
            if row["known"] is not None:
                gone.append(row["key"])
                body[:2] = [body[0] or was[0], was[1] if not body[0] else 0]
            new.append((row["key"], body))
        after = rows[-1]["key"]
        yield Delta(new, gone)
    after = ""
    while rows := store.read(
        "SELECT l.key FROM listing l LEFT JOIN staged s ON s.list = l.list AND s.key = l.key "
        "WHERE l.list = ? AND l.until_nr IS NULL AND l.key > ? AND s.key IS NULL "
        f"ORDER BY l.key LIMIT {PART}",
        [name, after],
    ):
        after = rows[-1]["key"]
        yield Delta((), [row["key"] for row in rows])


def undo_coming(store: Store, name: str) -> None:
    """Forget a version of which only a part was taken, for another one is read."""
    with store.write() as conn:
        row = conn.execute(
            "SELECT nr FROM publication WHERE list = ? AND taken IS NULL", (name,)
        ).fetchone()
        if row is not None:
            conn.execute("DELETE FROM listing WHERE list = ? AND from_nr = ?", (name, row["nr"]))
            conn.execute(
                "UPDATE listing SET until_nr = NULL WHERE list = ? AND until_nr = ?",
                (name, row["nr"]),
            )
            conn.execute("DELETE FROM publication WHERE list = ? AND nr = ?", (name, row["nr"]))


def stage(store: Store, name: str, rows: Iterable[Row]) -> int:
    """Put rows of a version down until all of it has been read. Returns how many are new."""
    lines = [(name, key_of(row), json.dumps(body_of(row))) for row in rows]
    with store.write() as conn:
        return conn.executemany(
            "INSERT OR IGNORE INTO staged (list, key, body) VALUES (?, ?, ?)", lines
        ).rowcount


# -- words of people, and how asking went ------------------------------------------------------


def words(store: Reader, name: str) -> dict[tuple[str, str], Word]:
    """The newest word on each (target, key)."""
    rows = store.read("SELECT * FROM list_word WHERE list = ? ORDER BY at", [name])
    return {
        (row["target"], row["key"]): Word(
            *(row["target"], row["key"], json.loads(row["value"]), row["at"], row["name"]),
            row["why"],
        )
        for row in rows
    }


def state(store: Reader, name: str) -> ListState:
    rows = store.read("SELECT * FROM list_state WHERE list = ?", [name])
    if not rows:
        return ListState()
    (row,) = rows
    return ListState(
        *(row["due"], row["tried"], row["had"], row["failing"], row["error"]),
        Validators(row["etag"], row["modified"], row["known"]),
        *(row["held"], row["held_why"], row["grown"]),
    )


def put_state(store: Store, name: str, new: ListState) -> None:
    with store.write() as conn:
        conn.execute(
            "INSERT OR REPLACE INTO list_state (list, due, tried, had, failing, error, etag, "
            "modified, known, held, held_why, grown) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                *(name, new.due, new.tried, new.had, new.failing, new.error),
                *(new.validators.etag, new.validators.modified, new.validators.of),
                *(new.held, new.held_why, new.grown),
            ),
        )
