"""A read watchlist, committed: at once, or a long one part by part, so that no other process has
to wait for long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from monitor.model.acts import Actor, Listed, TakeList
from monitor.model.watch import Entry
from monitor.store.carry_entries import differs, leaves
from monitor.store.commit import commit
from monitor.store.port import Reader, Store
from monitor.store.rows import entry_terms

PART = 2000  # entries that one transaction changes


def listed(entries: Iterable[Entry]) -> list[Listed]:
    """As a watchlist has them."""
    return [Listed(e.id, e.subject, e.case, entry_terms(e), bool(e.retired)) for e in entries]


def take_list(store: Store, actor: Actor, act: TakeList) -> None:
    """Take a list. Of a long one the parts before a fault stay: the list does not count as taken
    then, so it is read again, and what is there is known."""
    changed = list(dict.fromkeys(_changed(store, act)))
    if len(changed) > PART:
        every = {each.id: each for each in act.entries}
        for start in range(0, len(changed), PART):
            ids = changed[start : start + PART]
            mine = tuple(every[each] for each in ids if each in every)
            part = replace(act, entries=mine, of=tuple(ids), alerts=(), routes=())
            commit(store, actor, part)
    commit(store, actor, act)


def _changed(store: Reader, act: TakeList) -> Iterator[str]:
    """The entries that the list changes, as far as is known before others have to wait."""
    rows = store.read("SELECT id, terms, retired, absent FROM entry WHERE list = ''")
    known, present = {row["id"]: row for row in rows}, act.present
    yield from (each.id for each in act.entries if differs(each, known.get(each.id)))
    for row in rows:
        if row["retired"] is None and leaves(row, present):
            yield row["id"]
