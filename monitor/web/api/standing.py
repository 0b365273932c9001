"""How the watch stands: what is read, what is wrong, what was sent."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from monitor.loops.health import entry_status
from monitor.loops.health.snapshot import EntryStatus
from monitor.model.acts import Replay
from monitor.model.api import Scope
from monitor.model.desk import Right
from monitor.model.plain import count, rfc3339, tidy
from monitor.model.status import State
from monitor.store import api_deliveries, desk_entries, guard, watch
from monitor.store.api_deliveries import Line
from monitor.store.commit import commit
from monitor.web.api import params
from monitor.web.api.call import Answer, Call, Route, Rows, carried_out
from monitor.web.api.problems import gone
from monitor.web.api.shapes import Body, Done, Reading, Shape, Time
from monitor.web.desk import health_parts, healthy


class ListRead(Shape, frozen=True, kw_only=True):
    """How far one list of an entry is read."""

    name: str = msgspec.field(name="list")
    state: str
    reason: str
    covered_from: str | None
    read_to: Time | None
    by: str
    failing_since: Time | None


class EntryRead(Shape, frozen=True, kw_only=True):
    """How far an entry is read: as its worst list."""

    entry: str
    case: str
    chain: str
    address: str
    state: str
    lists: list[ListRead]


class Spot(Shape, frozen=True, kw_only=True):
    """What is not read: lists of entries of one chain that stand alike."""

    chain: str
    lists: list[str]
    state: str
    since: Time | None
    why: str
    cure: str
    cases: list[str]
    entries: int


class Health(Shape, frozen=True, kw_only=True):
    """Of what may be seen. `states`: how many entries stand how."""

    well: bool
    words: str
    reasons: list[str]
    entries: int
    not_looked_at: int
    states: dict[str, int]
    spots: list[Spot]
    spots_left_out: int
    version: str
    pass_at: Time | None


class Incident(Shape, frozen=True, kw_only=True):
    """What is or was wrong. `found_late`: alerts of what it had hidden, once it was over."""

    what: str
    cure: str
    severity: str
    since: Time
    told: Time | None
    ended: Time | None
    cases: list[str]
    found_late: int


class Delivery(Shape, frozen=True, kw_only=True):
    """A message for one recipient, who is named to those who see all."""

    message: str
    channel: str
    recipient: str | None
    state: str
    attempts: int
    due: Time
    accepted: Time | None
    last_error: str
    created: Time


class NoBody(Body, frozen=True, kw_only=True):
    """Nothing is to be said."""


def coverage(call: Call) -> Rows:
    """GET /coverage"""
    case = call.args.get("case")
    store, sight = call.store, call.sight
    ids = desk_entries.active(store, sight) if case is None else desk_entries.of(store, sight, case)
    ids = [each for each, watched in watch.entries(store, ids).items() if watched.active]
    running = guard.runs_beside(call.settings.home)

    def page(place: str, most: int) -> Sequence[tuple[str, object]]:
        first = int(place or 0)
        part = ids[first : first + most]
        found = {
            each.id: each
            for each in entry_status.some_read(
                store, call.settings, call.now, part, running=running
            )
        }
        return [(str(first + n), _entry(found[each])) for n, each in enumerate(part, 1)]

    def reading() -> Reading:
        return call.readings.all(call) if case is None else call.readings.case(call, case)

    return Rows(page, reading, ("entry", "case", "chain", "address", "state", "lists.list",
                                "lists.state", "lists.read_to"))  # fmt: skip


def _entry(each: EntryStatus) -> EntryRead:
    return EntryRead(
        entry=each.id, case=each.case, chain=each.chain, address=each.address,
        state=each.state.value,
        lists=[
            ListRead(
                name=read.stream, state=read.state.value, reason=tidy(read.reason, 400),
                covered_from=read.covered_from,
                read_to=rfc3339(read.covered_to.time) if read.covered_to else None,
                by=read.by, failing_since=rfc3339(read.failing_since),
            )
            for read in each.streams
        ],
    )  # fmt: skip


def health(call: Call) -> Answer:
    """GET /health"""
    found, machine = healthy.health(call.ask), health_parts.machine(call.ask)
    return Answer(
        Health(
            well=found.verdict.well, words=found.verdict.words, reasons=[*found.verdict.reasons],
            entries=found.entries, not_looked_at=found.unlooked,
            states={state.value: number for state, _, number in found.counts},
            spots=[
                Spot(
                    chain=each.chain, lists=[*each.lists], state=State(each.state).value,
                    since=rfc3339(each.since), why=each.why, cure=each.cure,
                    cases=[*each.cases], entries=each.entries,
                )
                for each in found.spots
            ],
            spots_left_out=found.more, version=machine.version,
            pass_at=rfc3339(machine.pass_at),
        )
    )  # fmt: skip


def incidents(call: Call) -> Rows:
    """GET /incidents: open ones, and those that ended in the last 30 days"""
    operates = call.sight.cases is None or call.ask.signed.may(Right.PEOPLE)
    found = health_parts.incidents(call.ask, operates=operates)
    made = [_incident(each) for each in (*found.open, *found.ended)]
    columns = ("severity", "since", "told", "ended", "what", "cure", "cases", "found_late")
    return Rows(params.in_memory(made), lambda: call.readings.all(call), columns)


def _incident(each: health_parts.Shown) -> Incident:
    return Incident(
        what=each.what, cure=each.cure, severity=each.severity, since=rfc3339(each.since) or "",
        told=rfc3339(each.told), ended=rfc3339(each.closed), cases=[*each.cases],
        found_late=each.late.number if each.late else 0,
    )  # fmt: skip


def deliveries(call: Call) -> Rows:
    """GET /deliveries"""
    args = call.args

    def page(place: str, most: int) -> Sequence[tuple[str, object]]:
        number, _, recipient = place.partition(" ")
        before = (int(number), recipient) if place else (2**62, "")
        found = api_deliveries.page(
            call.store, call.sight, args.get("state"), args.get("message"), before, most
        )
        return [(f"{each.place} {each.recipient}", _delivery(call, each)) for each in found]

    columns = ("message", "channel", "recipient", "state", "attempts", "due", "accepted")
    return Rows(page, lambda: call.readings.all(call), (*columns, "last_error", "created"))


def _delivery(call: Call, each: Line) -> Delivery:
    return Delivery(
        message=each.message, channel=each.channel,
        recipient=each.recipient if call.sight.cases is None else None, state=each.state,
        attempts=each.attempts, due=rfc3339(each.due) or "", accepted=rfc3339(each.accepted),
        last_error=tidy(each.last_error, 300), created=rfc3339(each.created) or "",
    )  # fmt: skip


def replay(call: Call, message: str) -> Answer:
    """POST /deliveries/{message}/replay: with the same id and bytes"""
    if not api_deliveries.page(call.store, call.sight, None, message, (2**62, ""), 1):
        raise gone()

    def do() -> Answer:
        number = commit(call.writer, call.actor, Replay(call.now, [message]))
        said = f"{count(number, 'delivery waits', 'deliveries wait')}, once Fundwatch runs."
        return Answer(Done(said=said, changed=[message]))

    return carried_out(do)


_HEALTH = Scope.HEALTH
_STATES = ("waiting", "accepted", "dead", "moved")

ROUTES = (
    Route("GET", "/coverage", coverage, _HEALTH, "How far entries are read", EntryRead,
          params=(params.text("case", "Of this case."),), listing=True),
    Route("GET", "/health", health, _HEALTH, "How the program does", Health),
    Route("GET", "/incidents", incidents, _HEALTH, "What is wrong, and was lately", Incident,
          listing=True),
    Route("GET", "/deliveries", deliveries, _HEALTH, "What was sent, the newest first", Delivery,
          params=(params.one_of("state", "How it stands.", _STATES),
                  params.text("message", "Of this message.")), listing=True),
    Route("POST", "/deliveries/{message}/replay", replay, _HEALTH, "Send it again", Done,
          Right.WORK, body=NoBody),
)  # fmt: skip
