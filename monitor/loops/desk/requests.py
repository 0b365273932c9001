"""Requests to keep traced funds from moving, as people record them: for the page, the command and
the API. Nothing is sent by the program: it keeps the draft, and what a person says became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from monitor.loops import cases
from monitor.loops.desk.proposing import ALL
from monitor.loops.desk.said import again, paragraphs, wrong
from monitor.messages.trace import asking
from monitor.messages.trace.seizing import Place, places
from monitor.messages.trace.seizure import state_line
from monitor.messages.trace.words import Page
from monitor.model import Chain, Subject
from monitor.model.acts import Actor
from monitor.model.acts_requests import Prepare, RecordStep
from monitor.model.dates import EARLIEST, since_time
from monitor.model.desk_requests import NEXT, Basis, Request, Stage, Step
from monitor.model.errors import Conflict
from monitor.model.ids import stable_id
from monitor.model.plain import tidy, utc
from monitor.model.trace import Told
from monitor.store import requests, trace
from monitor.store.commit import commit
from monitor.store.port import Store

OTHER = "other"  # the role of whom no table names
LONGEST = 20_000  # characters of a draft
LONGEST_REFERENCE = 200
_AHEAD = 300  # seconds that somebody's clock may be ahead of ours
_SAID = {
    Stage.PREPARED: "prepared, and not sent",
    Stage.SENT: "sent",
    Stage.ANSWERED: "answered",
    Stage.REFUSED: "refused",
    Stage.WITHDRAWN: "taken back",
}


def stage_said(stage: Stage) -> str:
    return _SAID[stage]


def place_of(told: Told, page: Page, subject: Subject, contract: str) -> Place | None:
    """One asset of one address in a state of the trace; None: nothing is traced there."""
    found = places(told.trace, page)
    return next(
        (p for p in found if p.node.subject == subject and p.asset.contract == contract), None
    )


def draft(told: Told, place: Place, to: tuple[str, str], page: Page) -> str:
    """What a person begins with. `to`: role and name."""
    return asking.draft(told.trace, place, *to, page, state_line(told))


def prepare(
    store: Store,
    actor: Actor,
    chains: Mapping[str, Chain],
    case: str,
    where: tuple[Subject, str],
    to: str,
    text: str,
    now: int,
    once: str,
) -> Request:
    """Keep a draft. `where`: the address, and the contract of the asset ("" for the coin); `to`:
    whom a table names for it, or somebody else; `text` empty: the draft as the program makes it.
    The same form once more is the same request. Raises ConfigError."""
    case = cases.known(store, case)
    name = stable_id("Q", "request", case, actor.name, once)
    if (there := requests.request(store, ALL, name)) is not None:
        return there
    told = trace.newest(store, case)
    if told is None:
        raise wrong("case", case, "has no trace yet", "Its money is followed first")
    page = Page(chains=chains, method=told.trace.method)
    place = place_of(told, page, *where)
    if place is None:
        remedy = "Look at the case again: the trace has changed"
        raise wrong("address", where[0].address, "holds nothing that is traced", remedy)
    role, recipient, named_by = _recipient(place, to)
    kept = _text(text) if text.strip() else draft(told, place, (role, recipient), page)
    digest = hashlib.sha256(kept.encode()).hexdigest()
    new = Request(
        *(name, now, case, where[0], role, recipient, named_by, _basis(told, place)),
        *(kept, digest, actor.name, actor.kind.value),
    )
    commit(store, actor, Prepare(now, new))
    return new


def _recipient(place: Place, to: str) -> tuple[str, str, str]:
    """Role, name, and which table or name says so; of somebody whom none names the person who
    asks does."""
    shown = tidy(to, 120)
    if not shown:
        raise wrong("to", "", "is missing", "Say who is to be asked")
    for each in place.actors:
        if each.name == shown:
            return each.role, each.name, each.by
    return OTHER, shown, "whoever prepared it"


def _text(text: str) -> str:
    """A draft is longer than a note: lines are kept as they are, each harmless."""
    if len(text) > LONGEST:
        raise wrong("text", "", "is too long", f"Write at most {LONGEST:,} characters")
    lines = [_line(line) for line in text.splitlines()]
    return "\n".join(lines).strip("\n")


def _line(line: str) -> str:
    """Without what shows as something else; blanks before it stay."""
    indent = len(line) - len(line.lstrip(" "))
    return " " * min(indent, 20) + tidy(line, LONGEST)


def _basis(told: Told, place: Place) -> Basis:
    chain = place.on_chain
    amount = None if chain is None else chain.amount
    time = None if chain is None or amount is None else chain.time
    traced = dict(place.held.amount)
    return Basis(place.asset, traced, told.number, told.sha256, amount, time)


def record(
    store: Store,
    actor: Actor,
    request: str,
    stage: Stage,
    happened: int,
    said: tuple[str, str],
    now: int,
    once: str,
    corrects: str = "",
) -> Request:
    """What became of a request. `happened`: when, as whoever records it says; `said`: a reference
    and what was said, of which one must be there; `corrects`: the earlier step in whose place this
    stands. The same form once more is the same step. Raises ConfigError; Conflict where that cannot
    follow on what somebody else recorded meanwhile."""
    reference, text = tidy(said[0], LONGEST_REFERENCE), said[1].strip()
    text = paragraphs(text) if text else ""
    if not reference and not text:
        raise wrong("text", "", "is empty", "Give a reference, or say in a sentence what came")

    def decide() -> Request:
        was = requests.request(store, ALL, request)
        if was is None:
            raise wrong("request", request, "is not there", "Open the case again")
        name = stable_id("Q", "step", was.id, actor.name, once)
        if any(each.id == name for each in was.steps):
            return was
        _may_follow(was, stage, happened, corrects, now)
        step = Step(
            *(name, was.id, len(was.steps) + 1, now, happened, stage, reference, text),
            *(actor.name, actor.kind.value, corrects or None),
        )
        commit(store, actor, RecordStep(now, was.case, step))
        found = requests.request(store, ALL, request)
        assert found is not None
        return found

    return again(decide)


def _may_follow(was: Request, stage: Stage, happened: int, corrects: str, now: int) -> None:
    if stage is Stage.PREPARED:
        raise wrong("stage", stage, "is how it began", "Say what became of it")
    if happened > now + _AHEAD:
        raise wrong("happened", utc(happened), "is in the future", "Say when it happened (UTC)")
    if happened < (since_time(EARLIEST) or 0):
        raise wrong("happened", utc(happened), "is before there were chains", "Check the year")
    standing = [each for each in was.standing if each.id != corrects]
    if corrects and len(standing) == len(was.standing):
        raise Conflict(f"{corrects} was put right already, or is no step of {was.id}")
    if corrects and was.standing[-1].id != corrects:
        raise wrong("corrects", corrects, "is not the last step", "Put right the last one first")
    before = standing[-1].stage if standing else Stage.PREPARED
    if stage not in NEXT[before]:
        raise Conflict(f"{was.id} is {stage_said(before)} by now: it cannot be {stage_said(stage)}")
    sent = next((each.happened for each in standing if each.stage is Stage.SENT), None)
    if sent is not None and happened < sent:
        raise wrong("happened", utc(happened), f"is before it was sent ({utc(sent)})", "Check it")
