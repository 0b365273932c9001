"""A record with a desk: three people, one case of two addresses, alerts of every severity."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.loops.desk import work
from monitor.model import Severity
from monitor.model.acts import Actor, ActorKind
from monitor.model.desk import ClockRule, DeskSettings, Person, Role
from monitor.store.guard import BEGUN, DATABASE
from monitor.store.port import Store
from world.book import START, Book, transfer
from world.logged import differences

NOW = START + 5000
ROOT_ACTOR = Actor(ActorKind.CLI, "root", "system user root (uid 0) ran the command")
CLOCKS = {
    "us": ClockRule("us", "Report", 10, True, "US", "America/New_York", "31 CFR 501.603"),
    "secret": ClockRule("secret", "SAR", 30, False, "", "UTC", "31 CFR 1020", confidential=True),
}
ON = DeskSettings(on=True, clocks=CLOCKS)


def person(name: str) -> Actor:
    return Actor(ActorKind.PERSON, name, "signed in with password and one-time code")


ANN, BOB, CAT = person("ann"), person("bob"), person("cat")
CLI_ANN = Actor(ActorKind.CLI, "ann", "the name is what they typed")
LINK_ANN = Actor(ActorKind.LINK, "ann", "the name is what they typed")


def joined(book: Book, name: str, role: Role, *cases: str) -> Person:
    return joined_in(book.store, name, role, *cases)


def joined_in(store: Store, name: str, role: Role, *cases: str) -> Person:
    """Somebody who can sign in, a member of these cases."""
    found = work.add_person(store, ROOT_ACTOR, name, role, NOW)
    work.enrolled(store, ROOT_ACTOR, name, NOW)
    for case in cases:
        work.set_member(store, ROOT_ACTOR, case, name, True, "works on it", NOW)
    return found


def desk_book(folder: Path, people: int = 3) -> Book:
    """`people`: how many of ann (lead), bob (analyst of C) and cat (analyst of C) there are."""
    book = Book(folder)
    book.watch(severity=Severity.SEVERE)
    book.watch(severity=Severity.HIGH)
    book.watch(severity=Severity.MEDIUM)
    book.read(head=100)
    book.read(transfer(105), head=110)
    for name, role in [("ann", Role.LEAD), ("bob", Role.ANALYST), ("cat", Role.ANALYST)][:people]:
        joined(book, name, role, *(["C"] if role is Role.ANALYST else []))
    return book


@contextmanager
def verified_book(folder: Path, people: int = 3) -> Iterator[Book]:
    """As `desk_book`; at the end it is held against its log."""
    made = desk_book(folder, people=people)
    yield made
    assert differences(made.store.path) == []
    made.store.close()


def as_home(book: Book) -> Path:
    """The folder of the book as a home folder with its record, for pages."""
    home = book.store.path.parent
    (home / "config").mkdir()
    web = {"desk": True, "jurisdiction": "us"}
    (home / "config/settings.yaml").write_text(json.dumps({"web": web}), "utf-8")
    (home / "watchlist.yaml").write_text('{"addresses": []}', "utf-8")
    (home / BEGUN).touch()
    (home / DATABASE).symlink_to(book.store.path)
    return home


def alert_of(book: Book, severity: str, tx: str = "0xt1") -> str:
    sql = "SELECT id FROM alert WHERE severity = ? AND tx = ? ORDER BY rowid LIMIT 1"
    (row,) = book.store.read(sql, [severity, tx])
    return str(row["id"])


def row(book: Book, table: str, name: str) -> dict[str, object]:
    (found,) = book.store.read(f"SELECT * FROM {table} WHERE id = ?", [name])
    return {key: found[key] for key in found.keys()}  # noqa: SIM118
