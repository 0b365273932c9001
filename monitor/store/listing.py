"""Lists that others publish: their versions, what stood in them and when, what people said."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

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
from monitor.model.views import ListAge
from monitor.store import staging
from monitor.store.port import Fields, Reader, Store
from monitor.store.rows import to_watched

PART = 2000  # rows at a time

Target = tuple[str, str]  # canonical address, id of the entity
Histories = dict[Target, list[Listing]]


# -- versions ----------------------------------------------------------------------------------


def publications(store: Reader, name: str) -> list[Publication]:
    """The versions of a list that were taken, oldest first."""
    rows = store.read("SELECT * FROM publication WHERE list = ? ORDER BY nr", [name])
    return [to_publication(row) for row in rows]


def newest(store: Reader, name: str) -> Publication | None:
    """The version in force."""
    rows = store.read(
        "SELECT * FROM publication WHERE list = ? ORDER BY nr DESC LIMIT 1",
        [name],
    )
    return to_publication(rows[0]) if rows else None


def newest_nr(store: Reader, name: str) -> int:
    """The number of the version in force; 0: none was ever taken."""
    rows = store.read("SELECT max(nr) AS nr FROM publication WHERE list = ?", [name])
    return int(rows[0]["nr"] or 0)


def taken(store: Reader) -> int:
    """How many versions of lists were ever taken: another number means that some list changed."""
    return int(store.read("SELECT count(*) AS n FROM publication")[0]["n"])


def version(store: Reader, name: str, sha256: str) -> list[Publication]:
    """The newest version of each content whose digest begins so, oldest first."""
    found = {p.sha256: p for p in publications(store, name) if p.sha256.startswith(sha256.lower())}
    return sorted(found.values(), key=lambda p: p.nr) if sha256 else []


def to_publication(row: Fields) -> Publication:
    return Publication(
        *(row["list"], row["nr"], row["sha256"], row["published"], row["fetched"], row["bytes"]),
        *(row["rows"], json.loads(row["refused"]), tuple(json.loads(row["remarks"]))),
        row["kind"],
    )


def names(store: Reader) -> list[str]:
    """Of all lists of which a version was ever taken."""
    return sorted(row["list"] for row in store.read("SELECT DISTINCT list FROM publication"))


# -- rows --------------------------------------------------------------------------------------

# Rows of a version that is being taken have no publication yet: they are not found.
LISTING = (
    "SELECT l.*, f.published AS from_day, f.fetched AS from_at, u.published AS until_day, "
    "u.fetched AS until_at FROM listing l "
    "JOIN publication f ON f.list = l.list AND f.nr = l.from_nr "
    "LEFT JOIN publication u ON u.list = l.list AND u.nr = l.until_nr "
)
AT = "l.from_nr <= ? AND (l.until_nr IS NULL OR l.until_nr > ?)"


def at_version(store: Reader, name: str, nr: int) -> Iterator[Listing]:
    """What a version said, row by row, in the order of keys."""
    yield from _walk(store, f"{LISTING} WHERE l.list = ? AND {AT}", [name, nr, nr])


def removed(store: Reader, name: str, nr: int) -> Iterator[Listing]:
    """What versions before this one said, and it does not: each row as it stood there last."""
    sql = (
        f"{LISTING} WHERE l.list = ? AND l.until_nr <= ? AND NOT EXISTS (SELECT 1 FROM listing n "
        "WHERE n.list = l.list AND n.key = l.key AND n.from_nr > l.from_nr AND n.from_nr <= ?)"
    )
    yield from _walk(store, sql, [name, nr, nr])


def _walk(store: Reader, sql: str, params: Sequence[object]) -> Iterator[Listing]:
    """Every row of a query that has one a key, with only a part of them in memory."""
    after = ""
    while rows := store.read(f"{sql} AND l.key > ? ORDER BY l.key LIMIT {PART}", [*params, after]):
        yield from map(to_listing, rows)
        after = rows[-1]["key"]


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two versions. `old` None: added; `new` None: removed."""

    old: Listing | None
    new: Listing | None

    @property
    def word(self) -> str:
        if self.old is None:
            return "added"
        return "removed" if self.new is None else "changed"


def changes(
    store: Reader, name: str, old: int, new: int, after: str = "", part: int = PART
) -> Iterator[Change]:
    """From one version to another, also backwards, row by row, in the order of keys. `after`: the
    key from which on; `part`: rows at a time."""
    lo, hi = min(old, new), max(old, new)
    # Only what began or ended between the two can differ.
    keys = (
        "SELECT key FROM listing WHERE list = ?1 AND key > ?2 AND from_nr > ?3 AND from_nr <= ?4"
        f"{staging.later(lo + 1)} UNION SELECT key FROM listing WHERE list = ?1 AND key > ?2 "
        f"AND until_nr > ?3 AND until_nr <= ?4 ORDER BY key LIMIT {part}"
    )
    while found := store.read(keys, [name, after, lo, hi]):
        wanted = [row["key"] for row in found]
        sides = [_by_key(store, name, nr, wanted) for nr in (old, new)]
        for key in wanted:
            was, now = (side.get(key) for side in sides)
            if (was is None) != (now is None) or (was and now and was.says != now.says):
                yield Change(was, now)
        after = wanted[-1]


def _by_key(store: Reader, name: str, nr: int, keys: Iterable[str]) -> dict[str, Listing]:
    sql = f"{LISTING} WHERE l.list = ? AND {AT} AND l.key IN ({{}})"
    return {row["key"]: to_listing(row) for row in store.read_in(sql, keys, [name, nr, nr])}


def histories(
    store: Reader, name: str, addresses: Sequence[str], coming: Publication | None = None
) -> Histories:
    """Everything that a list ever said of these addresses, oldest first, by (address, entity).
    `coming`: a version that is being taken, as if it were in force."""
    told = _about(store, name, "address", addresses)
    if coming is not None:
        told = _with_coming(store, coming, addresses, told)
    found: Histories = {}
    for each in sorted(told, key=lambda each: (each.from_nr, each.key)):
        found.setdefault(each.row.target, []).append(each)
    return found


def _about(store: Reader, name: str, column: str, texts: Iterable[str]) -> list[Listing]:
    """Everything that a list ever said with one of these texts in a column."""
    # The + keeps SQLite from going through all of the list, which it takes for ten rows.
    indexed = "+" if column != "published_as" else ""
    sql = f"{LISTING} WHERE {indexed}l.list = ? AND l.{column} IN ({{}})"
    return [to_listing(row) for row in store.read_in(sql, texts, [name])]


def _with_coming(
    store: Reader, coming: Publication, addresses: Sequence[str], told: Sequence[Listing]
) -> list[Listing]:
    """After a version whose new rows were put down and whose ending ones are marked."""
    sql = "SELECT key FROM ending WHERE list = ? AND key IN ({})"
    rows = store.read_in(sql, (each.key for each in told), [coming.list])
    ending = {row["key"] for row in rows}
    ended = [
        replace(each, until_nr=coming.nr, until=_until(each.since, coming))
        if each.until_nr is None and each.key in ending
        else each
        for each in told
    ]
    sql = (
        "SELECT *, ? AS from_at, NULL AS until_at FROM listing "
        "WHERE list = ? AND from_nr = ? AND address IN ({})"
    )
    new = store.read_in(sql, addresses, [coming.fetched, coming.list, coming.nr])
    return [*ended, *map(to_listing, new)]


def _until(since: str, coming: Publication) -> str:
    """The day of the version; of a file that is older than the last, when it was fetched."""
    return coming.day if coming.day >= since else utc_day(coming.fetched)


def of_entity(store: Reader, name: str, entity: str) -> list[Listing]:
    """Everything that a list ever said of an entity."""
    sql = f"{LISTING} WHERE l.list = ? AND l.entity = ?"
    return list(_walk_rows(store, sql, [name, entity]))


def spelled(store: Reader, name: str, texts: Iterable[str]) -> list[Listing]:
    """What a list ever said of addresses that it published so, or that are canonical so."""
    wanted = [*texts]
    found = [
        *_about(store, name, "address", wanted),
        *_about(store, name, "twin", wanted),
        *_about(store, name, "published_as", wanted),
    ]
    return list({(each.key, each.from_nr): each for each in found}.values())


def near(store: Reader, name: str, text: str) -> list[str]:
    """A few addresses and entities of a list that begin or end as a text does."""
    if len(text) < NEAR:
        return []
    wanted = [name, f"{_bare(text[:NEAR])}%", f"%{_bare(text[-NEAR:])}"]
    found: list[str] = []
    for column in ("published_as", "entity"):
        rows = store.read(
            f"SELECT DISTINCT {column} AS said FROM listing WHERE list = ?1 AND ({column} LIKE ?2 "
            f"ESCAPE '\\' OR {column} LIKE ?3 ESCAPE '\\') LIMIT 2",
            wanted,
        )
        found += [row["said"] for row in rows]
    return found


NEAR = 6  # characters


def _bare(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _walk_rows(store: Reader, sql: str, params: Sequence[object]) -> Iterator[Listing]:
    yield from map(to_listing, store.read(f"{sql} ORDER BY l.key, l.from_nr", params))


@lru_cache(maxsize=1000)  # a million rows have few different ones
def _texts(told: str) -> tuple[str, ...]:
    return tuple(json.loads(told))


def to_listing(row: Fields) -> Listing:
    published = Published(
        *(row["published_as"], row["ticker"], row["network"]),
        Entity(row["entity"], row["name"], _texts(row["programs"])),
        row["since"],
        *(row["label"], row["place"]),
    )
    judged = Judged(
        row["chain"],
        _texts(row["chains"]),
        *(row["address"], row["rule"], row["reason"], row["warning"], row["twin"]),
    )
    ended, day = row["until_at"], row["until_day"] if row["until_at"] is not None else ""
    if ended is not None and day < row["since"]:  # none, or of a file that is older than the last
        day = utc_day(ended)
    return Listing(
        *(row["list"], row["key"], Row(published, judged), row["from_nr"], row["until_nr"]),
        *(row["since"], bool(row["at_least"]), row["from_at"]),
        until=day,
        says=row["says"],
    )


# -- the entries that they make ----------------------------------------------------------------


def stored(store: Reader, name: str, addresses: Iterable[str]) -> dict[Target, list[Watched]]:
    """The entries of a list about these addresses, retired ones too."""
    # Only with <> '' the index of entries of lists is used: without, every entry would be read.
    sql = "SELECT * FROM entry WHERE list = ? AND list <> '' AND listed IN ({})"
    rows = store.read_in(sql, addresses, [name])
    found: dict[Target, list[Watched]] = {}
    for row in rows:
        watched = to_watched(row)
        origin = watched.entry.origin
        entity = origin.entity if origin else ""
        found.setdefault((row["listed"], entity), []).append(watched)
    return found


def has_entries(store: Reader, name: str) -> bool:
    """Whether anything was ever watched because of a list."""
    sql = "SELECT 1 FROM entry WHERE list = ? AND list <> '' LIMIT 1"
    return bool(store.read(sql, [name]))


def entries_of(store: Reader, name: str) -> Iterator[Watched]:
    """Every entry of a list, retired ones too."""
    after = ("", "")
    while rows := store.read(
        "SELECT * FROM entry WHERE list = ? AND list <> '' AND (listed, id) > (?, ?) "
        f"ORDER BY listed, id LIMIT {PART}",
        [name, *after],
    ):
        yield from map(to_watched, rows)
        after = (rows[-1]["listed"], rows[-1]["id"])


def waiting(store: Reader, name: str, since: str) -> int:
    """How many watched entries of a list are read from this day on only."""
    rows = store.read(
        "SELECT count(*) AS n FROM entry WHERE list = ? AND list <> '' AND retired IS NULL "
        "AND json_extract(terms, '$.since') = ?",
        [name, since],
    )
    return int(rows[0]["n"])


def removals(store: Reader, name: str) -> list[Watched]:
    """Entries of a list that are watched although it does not name them any more: a person has
    to say whether to end that."""
    rows = store.read(
        "SELECT * FROM entry WHERE list = ? AND list <> '' AND retired IS NULL "
        'AND instr(terms, \'"until": ""\') = 0 '
        "AND json_extract(terms, '$.origin.until') <> '' ORDER BY listed, id",
        [name],
    )
    return [to_watched(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Counts:
    """Of a list: rows of the version in force that are watched, and entries that wait for a
    person because it does not name them any more."""

    watched: int
    removals: int


def counts(store: Reader, name: str) -> Counts:
    (watched,) = store.read(
        "SELECT count(DISTINCT l.key) AS n FROM entry e JOIN listing l ON l.list = e.list "
        "AND l.address = e.listed AND l.until_nr IS NULL "
        "AND l.entity = coalesce(json_extract(e.terms, '$.origin.entity'), '') "
        "JOIN publication p ON p.list = l.list AND p.nr = l.from_nr "
        "WHERE e.list = ? AND e.list <> '' AND e.retired IS NULL",
        [name],
    )
    return Counts(watched["n"], len(removals(store, name)))


# -- words of people, and how asking went ------------------------------------------------------


def words(store: Reader, name: str) -> dict[tuple[str, str], Word]:
    """The newest word on each (target, key) that was not taken back."""
    found = {(each.target, each.key): each for each in all_words(store, name)}
    return {key: each for key, each in found.items() if each.value is not None}


def all_words(store: Reader, name: str) -> list[Word]:
    """Everything that people said of a list, oldest first."""
    rows = store.read("SELECT * FROM list_word WHERE list = ? ORDER BY number", [name])
    return [
        Word(
            *(row["target"], row["key"], json.loads(row["value"]), row["at"], row["name"]),
            *(row["why"], row["nr"]),
        )
        for row in rows
    ]


def state(store: Reader, name: str) -> ListState:
    rows = store.read("SELECT * FROM list_state WHERE list = ?", [name])
    return to_state(rows[0]) if rows else ListState()


def states(store: Reader) -> dict[str, ListState]:
    """How it stands with every list that was ever asked for or taken."""
    return {row["list"]: to_state(row) for row in store.read("SELECT * FROM list_state")}


def to_state(row: Fields) -> ListState:
    return ListState(
        *(row["due"], row["tried"], row["had"], row["failing"], row["error"]),
        Validators(row["etag"], row["modified"], row["known"]),
        *(row["held"], row["held_why"], row["grown"], row["made"], row["terms"]),
    )


def age(store: Reader, name: str, *, asked: bool) -> ListAge:
    """How old what we have of it is. `asked`: it is asked for without a person."""
    version, found = newest(store, name), state(store, name) if asked else ListState()
    return ListAge(version.day if version else "", found.failing, found.missing)


def put_state(store: Store, name: str, new: ListState) -> None:
    """How asking went. What waits for a yes, and what the entries are of, stays as it is: acts
    note that, and who makes the entries (`made`)."""
    told = {
        **{"due": new.due, "tried": new.tried, "had": new.had, "failing": new.failing},
        **{"error": new.error, "etag": new.validators.etag, "modified": new.validators.modified},
        **{"known": new.validators.of, "held": new.held, "held_why": new.held_why},
    }
    names, marks = ", ".join(told), ", ".join("?" * len(told))
    sets = ", ".join(f"{each} = excluded.{each}" for each in told)
    with store.write() as conn:
        conn.execute(
            f"INSERT INTO list_state (list, {names}) VALUES (?, {marks}) "
            f"ON CONFLICT (list) DO UPDATE SET {sets}",
            (name, *told.values()),
        )


def made(store: Store, name: str, nr: int, terms: str) -> None:
    """The entries of a list are those of this version, by these settings."""
    with store.write() as conn:
        conn.execute(
            "INSERT INTO list_state (list, made, terms) VALUES (?,?,?) "
            "ON CONFLICT (list) DO UPDATE SET made = excluded.made, terms = excluded.terms",
            (name, nr, terms),
        )
