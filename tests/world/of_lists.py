"""Entries of published lists in a record, as their versions make them."""

from __future__ import annotations

from monitor.model import Entry, Origin, Severity, Subject
from monitor.model.acts import DAEMON, TakeEntries, TakePublication
from monitor.model.lists import Publication
from monitor.store import taking
from monitor.store.commit import commit
from monitor.store.port import Store
from monitor.watchlist.listed import entry_id

SHA = "ab12cd34ef56" + "0" * 52


def publish(store: Store, name: str, now: int, day: str = "2026-09-23", nr: int = 1) -> None:
    commit(store, DAEMON, TakePublication(now, Publication(name, nr, SHA, day, now, 10, 1)))


def listed_entry(
    subject: Subject, name: str = "ofac", entity: str = "42498", **terms: object
) -> Entry:
    """`terms`: of the entry, or of its origin."""
    title = {"ofac": "OFAC", "fbi": "FBI"}.get(name, name)
    said = {"title": title, "name": "SIM, Hyon Sop", "programs": ("DPRK3",), "since": "2023-04-24"}
    said |= {key: terms.pop(key) for key in list(terms) if key in Origin.__slots__}
    origin = Origin(name, entity=entity, **said)  # type: ignore[arg-type]
    given = {
        "label": origin.name,
        "case": f"{title}-{entity}",
        "reason": f"{title}'s list",
        "source": title,
        "title": origin.name,
        "severity": Severity.HIGH,
        "incoming": "daily",
    }
    return Entry(entry_id(name, subject, entity), subject, origin=origin, **(given | terms))  # type: ignore[arg-type]


def take_entries(store: Store, now: int, *entries: Entry) -> None:
    commit(store, DAEMON, TakeEntries(now, SHA, taking.listed(entries)))
