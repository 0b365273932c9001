"""Lists that others publish: their versions, and what differs between two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Annotated

import msgspec

from monitor.model.api import Scope
from monitor.model.lists import ListConfig, Listing, ListState, Publication
from monitor.model.plain import count, rfc3339, tidy
from monitor.store import listing
from monitor.store.listing import Change
from monitor.web.api import params
from monitor.web.api.call import Call, Param, Route, Rows
from monitor.web.api.problems import gone, parameter
from monitor.web.api.shapes import Blind, Reading, Shape, Time
from monitor.web.desk.known import names_for
from monitor.web.desk.publications import may_see


class Version(Shape, frozen=True, kw_only=True):
    """A version of a list as it was taken."""

    number: int
    sha256: str
    day: str
    fetched: Time
    rows: int
    refused: dict[str, int]
    remarks: list[str]


class PublishedList(Shape, frozen=True, kw_only=True):
    """A list, and how having it goes. `failing`: since when it cannot be had or read."""

    name: str
    title: str
    kind: str
    watched: bool
    version: Version | None
    had: Time | None
    failing: Time | None
    waits: Annotated[
        str, msgspec.Meta(description="Why a version waits for a person's yes; empty: none does.")
    ]


class ListChange(Shape, frozen=True, kw_only=True):
    """What differs of one row between two versions. `rule`: why the address is refused; empty: it
    is not. `entries`: those on its address that may be seen."""

    change: str
    chain: str | None
    address: str | None
    as_published: str
    entity: str
    name: str
    programs: list[str]
    since: str
    place: str
    rule: str
    entries: list[str]


def _seen(call: Call) -> dict[str, ListConfig]:
    """As on their pages; but lists of our own addresses are given to no program."""
    return {
        name: config
        for name, config in call.settings.lists.items()
        if not config.ours and may_see(call.ask, name)
    }


def _version(found: Publication | None) -> Version | None:
    if found is None:
        return None
    return Version(
        number=found.nr, sha256=found.sha256, day=found.day, fetched=rfc3339(found.fetched) or "",
        rows=found.rows, refused=dict(found.refused),
        remarks=[tidy(each, 300) for each in found.remarks],
    )  # fmt: skip


def lists(call: Call) -> Rows:
    """GET /lists"""
    states = listing.states(call.store)
    found = []
    for name, config in _seen(call).items():
        state = states.get(name)
        found.append(
            PublishedList(
                name=name, title=tidy(config.title, 80), kind=config.kind, watched=config.watch,
                version=_version(listing.newest(call.store, name)),
                had=rfc3339(state.had) if state else None,
                failing=rfc3339(state.failing) if state else None,
                waits=tidy(state.held_why, 300) if state else "",
            )
        )  # fmt: skip
    columns = ("name", "title", "kind", "watched", "version.number", "version.day", "had")
    return Rows(params.in_memory(found), lambda: _reading(call, _seen(call)), columns)


def _reading(call: Call, names: Iterable[str]) -> Reading:
    """Of these lists: since when one cannot be had, and how old the oldest is."""
    states = listing.states(call.store)
    known = {name: states.get(name) or ListState() for name in names}
    blind = [
        Blind(
            chain="",
            list=name,
            state="blind",
            reason=tidy(state.error, 300),
            since=rfc3339(state.failing),
            entries=0,
        )
        for name, state in known.items()
        if state.failing is not None or state.had is None
    ]
    had = [state.had for state in known.values() if state.had is not None]
    what = count(len(blind), "list is", "lists are")
    said = f"{what} not had now" if blind else "All lists are had" if known else "There is no list"
    made = call.readings.all(call)
    return msgspec.structs.replace(
        made, complete=made.running and bool(known) and not blind,
        said=f"{said}.{'' if made.running else ' Fundwatch does not run.'}",
        read_to=rfc3339(min(had)) if len(had) == len(known) and had else None,
        entries=0, looked_at=0, blind=blind, blind_left_out=0,
    )  # fmt: skip


def changes(call: Call, list: str) -> Rows:
    """GET /lists/{list}/changes: from the version before to the newest, or between two"""
    if list not in _seen(call):
        raise gone()
    newest = listing.newest_nr(call.store, list)
    new = call.number("to") or newest
    old = call.number("from")
    old = max(0, new - 1) if old is None else old
    for name, number in (("to", new), ("from", old)):
        if number > newest:
            raise parameter(name, f"The newest version is {newest}.")

    def page(place: str, most: int) -> Sequence[tuple[str, object]]:
        found = islice(listing.changes(call.store, list, old, new, place, most), most)
        part = [(each, row) for each in found if (row := each.new or each.old) is not None]
        made = _made(call, part)
        return [(row.key, each) for (_, row), each in zip(part, made, strict=True)]

    columns = (
        *("change", "chain", "address", "as_published", "entity", "name", "programs", "since"),
        *("place", "rule", "entries"),
    )
    return Rows(page, lambda: _reading(call, [list]), columns)


def _made(call: Call, part: Sequence[tuple[Change, Listing]]) -> Sequence[ListChange]:
    names = names_for(call.store, call.settings, call.sight)
    by_chain: dict[str, set[str]] = {}
    for _, found in part:
        if found.row.judged.chain and found.row.judged.address:
            by_chain.setdefault(found.row.judged.chain, set()).add(found.row.judged.address)
    on = {chain: names.of(chain, addresses) for chain, addresses in by_chain.items()}
    made = []
    for each, found in part:
        said, judged = found.row.published, found.row.judged
        party = on.get(judged.chain or "", {}).get(judged.address or "")
        made.append(
            ListChange(
                change=each.word, chain=judged.chain, address=judged.address,
                as_published=tidy(said.address, 300), entity=tidy(said.entity.id, 80),
                name=tidy(said.entity.name, 200),
                programs=[tidy(p, 80) for p in said.entity.programs], since=found.since,
                place=tidy(said.place, 80), rule=judged.rule,
                entries=[w.entry.id for w in party.watched] if party else [],
            )
        )  # fmt: skip
    return made


_READ = Scope.CASES_READ
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 10**6}

ROUTES = (
    Route("GET", "/lists", lists, _READ, "Published lists", PublishedList, listing=True),
    Route("GET", "/lists/{list}/changes", changes, _READ, "What differs between two versions",
          ListChange,
          params=(Param("from", "Number of a version; without it the one before.", _NUMBER),
                  Param("to", "Number of a version; without it the newest.", _NUMBER)),
          listing=True),
)  # fmt: skip
