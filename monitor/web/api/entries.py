"""Entries: why addresses are watched; that one is watched, and that a watch ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from monitor.loops.desk import wishes
from monitor.model import Severity
from monitor.model.api import Scope
from monitor.model.desk import Right
from monitor.model.desk_work import Proposal, Standing
from monitor.model.plain import rfc3339, tidy
from monitor.store import api_entries
from monitor.store import desk as people
from monitor.store.api_entries import Line, Wanted
from monitor.web.api import params
from monitor.web.api.alerts import WhyBody
from monitor.web.api.call import Answer, Call, Route, Rows, carried_out, digest, match
from monitor.web.api.problems import Error, Wrong, gone
from monitor.web.api.shapes import Body, Done, Reading, Shape, Time, Why

SOON = "The program does it within a minute, once it runs."


class Entry(Shape, frozen=True, kw_only=True):
    """Why an address is watched: a line of the watchlist, or (`list`) of a published list."""

    id: str
    chain: str
    address: str
    label: str
    case: str
    reason: str
    source: str
    severity: str
    direction: str
    since: str
    tags: list[str]
    list_: str | None = msgspec.field(name="list")
    held: str | None
    active: bool
    added: Time
    ended: Time | None
    proposals: Annotated[
        list[str], msgspec.Meta(description="To end its watch, that wait for a second person.")
    ]


class WatchBody(Body, frozen=True, kw_only=True):
    """As a line of the watchlist has it."""

    chain: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    why: Why
    case: Annotated[str, msgspec.Meta(max_length=80)] = ""
    label: Annotated[str, msgspec.Meta(max_length=200)] = ""
    reason: Annotated[str, msgspec.Meta(max_length=400)] = ""
    source: Annotated[str, msgspec.Meta(max_length=400)] = ""
    severity: Annotated[
        str, msgspec.Meta(description=f"One of {', '.join(Severity)}.", max_length=20)
    ] = Severity.MEDIUM.value
    since: Annotated[str, msgspec.Meta(description="first, a day or a block.", max_length=20)] = ""


_FILTER = (
    params.text("case", "Of this case."),
    params.text("chain", "Key of a chain."),
    params.text("list", "That come of this published list."),
    params.one_of("active", "Watched now, or not any more.", ("true", "false")),
)
COLUMNS = (
    *("id", "chain", "address", "label", "case", "reason", "source", "severity", "direction"),
    *("since", "tags", "list", "held", "active", "added", "ended"),
)


def entries(call: Call) -> Rows:
    """GET /entries"""
    args, case = call.args, call.args.get("case")
    active = None if "active" not in args else args["active"] == "true"
    wanted = Wanted(case, args.get("chain"), args.get("list"), active)

    def page(place: str, most: int) -> Sequence[tuple[str, object]]:
        before = int(place) if place else 2**62
        found = api_entries.page(call.store, call.sight, wanted, before, most)
        waits = _waiting(call)
        return [(str(each.place), _entry(each, waits)) for each in found]

    def reading() -> Reading:
        return call.readings.case(call, case) if case else call.readings.all(call)

    return Rows(page, reading, COLUMNS)


def _waiting(call: Call) -> list[Proposal]:
    return people.proposals(call.store, call.sight, state="waiting", kind=wishes.RETIRE)


def _entry(line: Line, waits: Sequence[Proposal]) -> Entry:
    watched = line.watched
    entry = watched.entry
    return Entry(
        id=entry.id,
        chain=entry.subject.chain,
        address=entry.subject.address,
        label=tidy(entry.label, 200),
        case=entry.case,
        reason=tidy(entry.reason, 400),
        source=tidy(entry.source, 400),
        severity=entry.severity.value,
        direction=entry.direction,
        since=entry.since,
        tags=[tidy(each, 80) for each in entry.tags],
        list_=entry.origin.list if entry.origin else None,
        held=entry.held or None,
        active=watched.active,
        added=rfc3339(watched.added) or "",
        ended=rfc3339(line.retired),
        proposals=[each.id for each in waits if each.args.get("entry") == entry.id],
    )


def _seen(call: Call, name: str) -> Line:
    found = api_entries.named(call.store, call.sight, name)
    if found is None:
        raise gone()
    call.looked(found.watched.entry.case)
    return found


def _tag(made: Entry) -> str:
    return digest("entry", *msgspec.to_builtins(made).values())


def entry(call: Call, id: str) -> Answer:
    """GET /entries/{id}"""
    made = _entry(_seen(call, id), _waiting(call))
    return Answer(made, etag=_tag(made))


def watch(call: Call) -> Answer:
    """POST /entries: as `watchlist add`, in the list's own way"""
    body = call.sent(WatchBody)
    if not call.sight.sees(body.case):
        said = "It sees no such case: nothing was done."
        raise Wrong("not_taken", said, [Error("/case", said)])
    if body.severity not in tuple(Severity):
        said = f"It has to be one of {', '.join(Severity)}."
        raise Wrong("not_taken", said, [Error("/severity", said)])
    if body.chain not in call.settings.chains:
        said = "There is no such chain."
        raise Wrong("not_taken", said, [Error("/chain", said)])
    names = ("chain", "address", "case", "label", "reason", "source", "severity", "since")
    lines = {name: str(getattr(body, name)) for name in names}
    lines["reason"] = lines["reason"] or body.why

    def do() -> Answer:
        made = wishes.add_watch(
            *(call.writer, call.settings.web, call.actor, lines, body.why, call.now, call.once)
        )
        return Answer(Done(said=f"Asked for. {SOON}", proposals=[made.id]), status=202)

    return carried_out(do)


def retire(call: Call, id: str) -> Answer:
    """POST /entries/{id}/retire: by two, where a second person exists"""
    line, body = _seen(call, id), call.sent(WhyBody)
    match(call, _tag(_entry(line, _waiting(call))))
    found, web = line.watched.entry, call.settings.web

    def do() -> Answer:
        if found.origin is None:
            made = wishes.retire(
                call.writer, web, call.actor, found.id, body.why, call.now, call.once
            )
        else:
            about = (wishes.OF_LIST, found.origin.list, found.subject.address)
            made = wishes.of_list(
                call.writer, web, call.actor, *about, body.why, call.now, call.once
            )
        waits = made.state is Standing.WAITING
        said = "It waits for a second person." if waits else f"Asked for. {SOON}"
        return Answer(Done(said=said, proposals=[made.id]), status=202)

    return carried_out(do)


_READ, _WRITE = Scope.CASES_READ, Scope.LISTS_WRITE

ROUTES = (
    Route("GET", "/entries", entries, _READ, "Entries, the newest first", Entry, params=_FILTER,
          listing=True),
    Route("GET", "/entries/{id}", entry, _READ, "One entry", Entry, etag=True),
    Route("POST", "/entries", watch, _WRITE, "Watch an address", Done, Right.WORK, body=WatchBody),
    Route("POST", "/entries/{id}/retire", retire, _WRITE, "Propose that its watch ends", Done,
          Right.WORK, body=WhyBody, match=True),
)  # fmt: skip
