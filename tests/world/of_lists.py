"""Entries of published lists in a record, as their versions make them."""

from __future__ import annotations

from dataclasses import replace

from monitor.model import AlertView, Entry, Origin, Severity, Subject
from monitor.model.acts import DAEMON, TakeEntries, TakePublication
from monitor.model.facts import OnList
from monitor.model.lists import Publication
from monitor.model.views import ListAge
from monitor.store import taking
from monitor.store.commit import commit
from monitor.store.port import Store
from monitor.watchlist.listed import entry_id

SHA = "ab12cd34ef56" + "0" * 52


def publish(store: Store, name: str, now: int, day: str = "2026-09-23", nr: int = 1) -> None:
    commit(store, DAEMON, TakePublication(now, Publication(name, nr, SHA, day, now, 10, 1)))


def listed_entry(
    subject: Subject, listed: str = "ofac", entity: str = "42498", **terms: object
) -> Entry:
    """`terms`: of the entry, or of its origin."""
    title = {"ofac": "OFAC", "fbi": "FBI"}.get(listed, listed)
    said = {"title": title, "name": "SIM, Hyon Sop", "programs": ("DPRK3",), "since": "2023-04-24"}
    said |= {key: terms.pop(key) for key in list(terms) if key in Origin.__slots__}
    origin = Origin(listed, entity=entity, **said)  # type: ignore[arg-type]
    given = {
        "label": origin.name,
        "case": f"{title}-{entity}",
        "reason": f"{title}'s list",
        "source": title,
        "title": origin.name,
        "severity": Severity.HIGH,
        "incoming": "daily",
    }
    return Entry(entry_id(listed, subject, entity), subject, origin=origin, **(given | terms))  # type: ignore[arg-type]


def take_entries(store: Store, now: int, *entries: Entry) -> None:
    commit(store, DAEMON, TakeEntries(now, SHA, taking.listed(entries)))


def on_list(entry: Entry, day: str = "2026-09-23") -> OnList:
    """As an alert about its address keeps it."""
    assert entry.origin is not None
    return OnList(entry.id, entry.origin, entry.case, day, SHA)


def naming(view: AlertView, *entries: Entry, failing: int | None = None) -> AlertView:
    """An alert that names these entries of lists. `failing`: since when no list can be had."""
    said = tuple(map(on_list, entries))
    mine = view.entry.id if view.entry else ""
    return replace(
        view,
        alert=replace(view.alert, facts=replace(view.alert.facts, on_lists=said)),
        also=tuple(each for each in entries if each.id != mine),
        lists={each.origin.list: ListAge("2026-11-20", failing, failing) for each in said},
    )
