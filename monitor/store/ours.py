"""Addresses of our own: which of these are, by which label, and what was told of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from monitor.model import Alert, AlertKind, Subject
from monitor.model.errors import Conflict
from monitor.model.facts_json import from_text
from monitor.model.lists import Own
from monitor.store import listing, staging
from monitor.store.port import Connection, Reader

_SPELLINGS = ("address", "twin")  # where a listing says which address it is about
Titles = Mapping[str, str]  # by name of a list that is `ours`: what people call it


def own(store: Reader, titles: Titles, addresses: Iterable[str]) -> dict[str, Own]:
    """Those of these addresses that are our own by the versions in force, on whatever chain: one
    key has the same address on all chains of its family."""
    wanted = set(addresses) if titles else set()
    found: dict[str, Own] = {}
    for name, title in titles.items() if wanted else ():
        version = listing.newest(store, name)
        if version is None:
            continue
        for column in _SPELLINGS:
            # The plus: few addresses are looked up, and the list may have a million.
            rows = store.read_in(
                f"SELECT {column} AS address, published_as, label FROM listing l WHERE +list = ? "
                "AND +from_nr <= ? AND (until_nr IS NULL OR +until_nr > ?) "
                f"AND {_COUNTS} AND {column} IN ({{}}) ORDER BY +key",
                wanted,
                [name, version.nr, version.nr],
            )
            for row in rows:
                spelt = (row["address"], row["published_as"])
                label = label_of(row["label"], spelt, title)
                found.setdefault(row["address"], Own(name, label))
    return found


def number(store: Reader, titles: Titles) -> int:
    """How many addresses of our own there are by the versions in force."""
    versions = {name: listing.newest(store, name) for name in titles}
    return sum(
        int(
            store.read(
                "SELECT count(DISTINCT address) AS n FROM listing WHERE list = ? AND from_nr <= ? "
                "AND (until_nr IS NULL OR until_nr > ?) AND address IS NOT NULL",
                [name, version.nr, version.nr],
            )[0]["n"]
        )
        for name, version in versions.items()
        if version
    )


# A row that no rule refuses but those about sinks: whose contract or odd address it is, its owner
# knows, and on which chain does not matter; what strangers send to the zero address is no news. Or
# one that a person insists on.
_COUNTS = (
    "(rule NOT IN ('zero address', 'burn address', 'precompile', 'system contract', 'anybody''s') "
    "OR (SELECT value FROM list_word w WHERE w.list = l.list AND w.key = 'insist' "
    "AND w.target = 'address:' || l.address ORDER BY at DESC, number DESC LIMIT 1) = 'true')"
)


def label_of(label: str, spellings: Iterable[str], title: str) -> str:
    """What stands for an address of our own wherever it would be shown. A label that holds it, in
    whatever spelling, or another address would show it, also where it is cut."""
    said = " ".join(label.split())
    plain = "".join(filter(str.isalnum, said.casefold()))
    shows = any(_bare(each) in plain for each in spellings) or any(
        _DIGIT.search(word) and not _IBAN.match(word) for word in _LONG.findall(said)
    )
    return said[:80] if said and not shows else f"{title}: our own address"


# Long words with a digit in them: keys and addresses in spellings that their chains know.
_LONG = re.compile(r"[0-9A-Za-z]{26,}")
_DIGIT = re.compile(r"[0-9]")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}\Z")


def _bare(address: str) -> str:
    """Without what is written before it on some chains: 0x, bitcoincash:"""
    return address.casefold().rpartition(":")[2].removeprefix("0x")


def labels(store: Reader, titles: Titles, addresses: Iterable[str]) -> dict[str, str]:
    """By address, the labels of those that a list of our own holds or ever held: who has left is
    shown to nobody either."""
    if not titles:
        return {}
    wanted = [*addresses]
    sql = "SELECT list, {0} AS address, published_as, label FROM listing WHERE {0} IN ({{}}) "
    order = "ORDER BY until_nr IS NOT NULL, from_nr DESC"
    found: dict[str, str] = {}
    for row in (
        row for each in _SPELLINGS for row in store.read_in(sql.format(each) + order, wanted)
    ):
        if row["list"] in titles:
            spelt = (row["address"], row["published_as"])
            label = label_of(row["label"], spelt, titles[row["list"]])
            found.setdefault(row["address"], label)
    return found


# -- what is recorded of them -------------------------------------------------------------------

Place = tuple[str, str]  # chain, transaction
SPAN = 20_000  # rows of the record that are looked at in one query


@dataclass(frozen=True, slots=True)
class Seen:
    """What of the record was compared with what of our own."""

    lists: Mapping[str, int] = field(default_factory=dict)  # name -> number of the version
    entry: int = 0  # the newest, by its number
    followed: int = 0  # when the newest was begun, Unix seconds
    assets: str = ""  # digest of the verified ones


def of_rows(store: Reader, titles: Titles) -> Iterator[list[Place]]:
    """Transactions of the whole record that one of our own has a part in, some twice."""
    last = int(store.read("SELECT coalesce(max(id), 0) AS n FROM transfer")[0]["n"])
    names = [*titles]
    for after in range(0, last, SPAN):
        sql = f"SELECT DISTINCT chain, tx FROM transfer o WHERE id > ? AND id <= ? AND {_in(names)}"
        yield _places(store, sql, [after, after + SPAN, *names, *names])


def of_listing(store: Reader, name: str, nr: int) -> Iterator[list[Place]]:
    """The same of what versions after this one say anew."""
    chains = [row["chain"] for row in store.read("SELECT DISTINCT chain FROM scope")]
    after = ""
    while rows := store.read(
        "SELECT address, max(twin) AS twin FROM listing WHERE list = ? AND from_nr > ?"
        f"{staging.later(nr + 1)} AND address > ? GROUP BY address ORDER BY address "
        f"LIMIT {listing.PART}",
        [name, nr, after],
    ):
        addresses = [each for row in rows for each in (row["address"], row["twin"]) if each]
        after = rows[-1]["address"]
        for chain in chains:
            for side in ("sender", "recipient"):
                sql = f"SELECT chain, tx FROM transfer WHERE chain = ? AND {side} IN ({{}})"
                found = store.read_in(sql, addresses, [chain])
                yield [*dict.fromkeys((row["chain"], row["tx"]) for row in found)]


def of_subjects(
    store: Reader, titles: Titles, subjects: Iterable[Subject]
) -> Iterator[list[Place]]:
    """The same of what these addresses have a part in."""
    names = [*titles]
    for subject in subjects if titles else ():
        for side in ("sender", "recipient"):
            sql = (
                "SELECT DISTINCT o.chain, o.tx FROM transfer s JOIN transfer o "
                f"ON o.chain = s.chain AND o.tx = s.tx WHERE s.chain = ? AND s.{side} = ? "
                f"AND {_in(names)}"
            )
            yield _places(store, sql, [subject.chain, subject.address, *names, *names])


def present(store: Reader, titles: Titles, assets: str) -> Seen:
    """What there is to be compared now. `assets`: digest of the verified ones."""
    (row,) = store.read(
        "SELECT (SELECT max(rowid) FROM entry) AS entry, "
        "(SELECT max(since) FROM followed) AS followed"
    )
    versions = {name: listing.newest(store, name) for name in titles}
    lists = {name: version.nr for name, version in versions.items() if version}
    return Seen(lists, row["entry"] or 0, row["followed"] or 0, assets)


def new_subjects(store: Reader, seen: Seen) -> list[Subject]:
    """Whose entries are newer than these, and who is followed since."""
    rows = store.read(
        "SELECT chain, address FROM scope WHERE key IN (SELECT subject FROM entry WHERE rowid > ? "
        "UNION SELECT subject FROM followed WHERE since >= ?)",
        [seen.entry, seen.followed],
    )
    return [Subject(row["chain"], row["address"]) for row in rows]


def check_untold(conn: Connection, alerts: Iterable[Alert]) -> None:
    """Each movement is told once, also where two processes look. Raises Conflict where another
    alert has told one of these meanwhile."""
    for alert in alerts:
        wanted = {each.key for each in alert.facts.ours if _is_first(alert)}
        for place in {key[:2] for key in wanted}:
            rows = conn.execute(
                "SELECT DISTINCT a.kind, a.facts FROM transfer t JOIN alert_transfer x "
                "ON x.transfer = t.id JOIN alert a ON a.id = x.alert WHERE t.chain = ? "
                "AND t.tx = ? AND instr(a.facts, '\"ours\"')",
                place,
            )
            told = (from_text(AlertKind(row["kind"]), row["facts"]).ours for row in rows)
            if any(each.key in wanted for found in told for each in found):
                raise Conflict("a movement with an address of our own was told meanwhile")


def _is_first(alert: Alert) -> bool:
    """Whether it tells what no entry does, and corrects nothing."""
    return alert.entry_id is None and alert.amends is None


def fewer_listed(store: Reader, name: str, nr: int) -> bool:
    """Whether what a list says anew is less than the record."""
    sql = (
        "SELECT count(*) AS n FROM (SELECT 1 FROM listing WHERE list = ? AND from_nr > ?"
        f"{staging.later(nr + 1)} LIMIT ?)"
    )
    rows = int(store.read("SELECT coalesce(max(id), 0) AS n FROM transfer")[0]["n"])
    return int(store.read(sql, [name, nr, rows + 1])[0]["n"]) * 10 < rows


def _in(names: Collection[str]) -> str:
    marks = ", ".join("?" * len(names))
    one = (
        "EXISTS (SELECT 1 FROM listing l WHERE (l.address = o.{0} OR l.twin = o.{0}) "
        "AND +l.list IN ({1}))"
    )
    return f"({one.format('sender', marks)} OR {one.format('recipient', marks)})"


def _places(store: Reader, sql: str, params: list[object]) -> list[Place]:
    return [(row["chain"], row["tx"]) for row in store.read(sql, params)]
