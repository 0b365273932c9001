"""What can be asked for on the page of an address: that it is watched, and that it gets a name."""

from __future__ import annotations

from werkzeug import Response
from werkzeug.exceptions import NotFound

from monitor.loops.desk import wishes
from monitor.model.desk import Right
from monitor.model.desk_work import Proposal, Standing
from monitor.model.watch import Severity, Watched
from monitor.store import desk as people
from monitor.store import desk_find
from monitor.watchlist.addressbook import CATEGORIES
from monitor.web.desk.address_found import Found, found
from monitor.web.desk.ask import Ask
from monitor.web.desk.pages.alert import LONGEST, carried_out
from monitor.web.desk.words import Wrong

FORMS = {"watch": "Watch it", "name": "Name it", "end": "End its watch"}
SEVERITIES = tuple(each.value for each in Severity)
DONE_SOON = "The program does it within a minute, once it runs."


def forms(it: Found) -> dict[str, object]:
    """What the page needs for them; no form for whoever only reads."""
    ask = it.ask
    may = ask.signed.may(Right.WORK)
    wanted = ask.request.args.get("do", "")
    active = _active(it)
    there = {act: said for act, said in FORMS.items() if act != "end" or active}
    return {
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


def _asked(it: Found) -> list[Proposal]:
    """What was asked for of this address and is not done yet."""
    ask = it.ask
    open_ones = people.proposals(ask.store, ask.sight, state="agreed")
    return [each for each in open_ones if _is_about(each, it)]


def _is_about(proposal: Proposal, it: Found) -> bool:
    lines = proposal.args.get("lines", proposal.args)
    if proposal.kind not in (wishes.WATCH, wishes.NAME) or not isinstance(lines, dict):
        return False
    return (lines.get("chain"), lines.get("address")) == (it.chain.key, it.subject.address)


def do(ask: Ask, chain: str, address: str, act: str) -> Response:
    """POST /a/CHAIN/ADDRESS/ACT"""
    it = found(ask, chain, address)
    if isinstance(it, Response):
        return it
    if act not in FORMS:
        raise NotFound
    said = {"watch": _watch, "name": _name, "end": _end}[act](it)
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
            made = wishes.of_list(ask.writer, settings, ask.actor, *about, why, ask.now, once)
        if made.state is Standing.WAITING:
            return f"Proposed: its watch ends when a second person agrees ({made.id})."
        return f"Asked for: its watch ends ({made.id}). {DONE_SOON}"

    return carried_out(ended)
