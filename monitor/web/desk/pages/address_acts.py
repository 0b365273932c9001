"""What can be asked for on the page of an address: that it is watched, and that it gets a name."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug import Response
from werkzeug.exceptions import NotFound

from monitor.loops.desk import following, wishes
from monitor.model.desk import Right
from monitor.model.desk_work import OPEN, Proposal, Standing
from monitor.model.watch import Severity, Watched
from monitor.store import desk as people
from monitor.store import desk_find, desk_trace
from monitor.watchlist.addressbook import CATEGORIES
from monitor.web.desk import money
from monitor.web.desk.address_found import Found, found
from monitor.web.desk.ask import Ask
from monitor.web.desk.money import DONE_SOON
from monitor.web.desk.pages.alert import LONGEST, carried_out
from monitor.web.desk.words import Wrong

FORMS = {
    "watch": "Watch it",
    "name": "Name it",
    "follow": "Follow the money",
    "on": "Follow it on",
    "end": "End its watch",
}
SEVERITIES = tuple(each.value for each in Severity)


def forms(it: Found) -> dict[str, object]:
    """What the page needs for them; no form for whoever only reads."""
    ask = it.ask
    may = ask.signed.may(Right.WORK)
    wanted = ask.request.args.get("do", "")
    active = _active(it)
    followed = [money.of_case(ask, case) for case in money.cases_of(it.party.watched)]
    onward = _onward(it)
    may_be = {
        "end": bool(active),
        "follow": any(each.offered for each in followed),
        "on": any(each.offered for each in onward),
    }
    there = {act: said for act, said in FORMS.items() if may_be.get(act, True)}
    if all(each.state for each in followed if each.offered) and "follow" in there:
        there["follow"] = "Let following begin earlier"
    return {
        "followed": followed,
        "onward": onward,
        "acts": there if may else {},
        "active": active,
        "form": wanted if may and wanted in there else "",
        "cases": desk_find.cases(ask.store, ask.sight) if may and wanted == "watch" else [],
        "severities": SEVERITIES,
        "categories": CATEGORIES,
        "asked": _asked(it),
    }


def _active(it: Found) -> list[Watched]:
    """The entries on it that are watched, of cases that whoever asks may see."""
    return [each for each in it.party.watched if each.active]


@dataclass(frozen=True, slots=True)
class Onward:
    """How it stands in the trace of a case, and whether it can be followed on there."""

    case: str
    words: str
    asked: Proposal | None  # for that; the last one
    offered: bool
    second: bool  # it takes a second person
    care: str  # what speaks against it; empty: nothing does


def _onward(it: Found) -> list[Onward]:
    ask, found = it.ask, []
    for at in desk_trace.standings(ask.store, ask.sight, it.subject):
        wanted = people.proposals(ask.store, ask.sight, case=at.case, kind=following.FOLLOW_ON)
        mine = [each for each in wanted if _is_about(each, it)]
        asked = mine[-1] if mine else None
        free = asked is None or asked.state not in OPEN
        found.append(
            Onward(
                *(at.case, following.stands(at), asked),
                offered=following.goes_on(at) and free and ask.signed.may(Right.WORK),
                second=following.needs_second(at),
                care=following.care(at),
            )
        )
    return found


def _asked(it: Found) -> list[Proposal]:
    """What was asked for of this address and is not done yet."""
    ask = it.ask
    open_ones = people.proposals(ask.store, ask.sight, state="agreed")
    kinds = (wishes.WATCH, wishes.NAME)
    return [each for each in open_ones if each.kind in kinds and _is_about(each, it)]


def _is_about(proposal: Proposal, it: Found) -> bool:
    lines = proposal.args.get("lines", proposal.args)
    if not isinstance(lines, dict):
        return False
    return (lines.get("chain"), lines.get("address")) == (it.chain.key, it.subject.address)


def do(ask: Ask, chain: str, address: str, act: str) -> Response:
    """POST /a/CHAIN/ADDRESS/ACT"""
    it = found(ask, chain, address)
    if isinstance(it, Response):
        return it
    if act not in FORMS:
        raise NotFound
    do_it = {"watch": _watch, "name": _name, "follow": _follow, "on": _follow_on, "end": _end}
    said = do_it[act](it)
    return ask.go(it.path, said)


def _watch(it: Found) -> str:
    ask = it.ask
    case, why = ask.field("case", 80), ask.field("why", LONGEST)
    if not ask.sight.sees(case):
        raise Wrong("You are a member of no such case. Choose one of yours, or ask a lead.")
    severity = ask.field("severity", 20)
    if severity not in SEVERITIES:
        raise Wrong("Choose how urgent it is.")
    lines = {
        "address": it.subject.address, "chain": it.chain.key, "case": case, "reason": why,
        "label": ask.field("label", 200), "source": ask.field("source", 400), "severity": severity,
    }  # fmt: skip
    settings, once = ask.settings.web, ask.field("once", 64)

    def watched() -> str:
        made = wishes.add_watch(ask.writer, settings, ask.actor, lines, why, ask.now, once)
        return f"Asked for: it is watched ({made.id}). {DONE_SOON}"

    return carried_out(watched)


def _name(it: Found) -> str:
    ask = it.ask
    said = {key: ask.field(key, 200) for key in ("label", "category", "source", "date")}
    if said["category"] not in CATEGORIES:
        raise Wrong("Choose what kind of address it is.")
    subject = (it.chain.key, it.subject.address)
    settings, why, once = ask.settings.web, ask.field("why", LONGEST), ask.field("once", 64)

    def named() -> str:
        made = wishes.name(ask.writer, settings, ask.actor, subject, said, why, ask.now, once)
        return f"Asked for: it gets this name ({made.id}). {DONE_SOON}"

    return carried_out(named)


def _follow(it: Found) -> str:
    """The money of a case in which it is watched."""
    ask, case = it.ask, it.ask.field("case", 80)
    if case not in money.cases_of(it.party.watched):
        raise Wrong("Choose the case whose money is followed.")
    why = ask.field("why", LONGEST)
    return carried_out(lambda: money.asked_for(ask, case, why))


def _follow_on(it: Found) -> str:
    """In the trace of a case, where it ends or waits."""
    ask, case = it.ask, it.ask.field("case", 80)
    if case not in {each.case for each in _onward(it)}:
        raise Wrong("Choose the case in whose trace it is followed on.")
    settings, why, once = ask.settings, ask.field("why", LONGEST), ask.field("once", 64)

    def followed() -> str:
        made = following.follow_on(
            *(ask.writer, settings.web, ask.actor, settings.chains, case, it.subject),
            *(why, ask.now, once),
        )
        if made.state is Standing.WAITING:
            return f"Proposed: it is followed on when a second person agrees ({made.id})."
        return f"Asked for: it is followed on ({made.id}). {DONE_SOON}"

    return carried_out(followed)


def _end(it: Found) -> str:
    """Of one of its entries, by two where a second person exists."""
    ask = it.ask
    entries = {each.entry.id: each.entry for each in _active(it)}
    entry = entries.get(ask.field("entry", 60))
    if entry is None:
        raise Wrong("Choose which watch is to end.")
    settings, why, once = ask.settings.web, ask.field("why", LONGEST), ask.field("once", 64)

    def ended() -> str:
        if entry.origin is None:
            made = wishes.retire(ask.writer, settings, ask.actor, entry.id, why, ask.now, once)
        else:
            about = (wishes.OF_LIST, entry.origin.list, entry.subject.address)
            config = ask.settings.lists.get(entry.origin.list)
            case = config.private_to if config else entry.case  # a list that is gone names its own
            made = wishes.of_list(ask.writer, settings, ask.actor, *about, why, ask.now, once, case)
        if made.state is Standing.WAITING:
            return f"Proposed: its watch ends when a second person agrees ({made.id})."
        return f"Asked for: its watch ends ({made.id}). {DONE_SOON}"

    return carried_out(ended)
