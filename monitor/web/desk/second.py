"""Second persons, in words for pages: what closing takes, who may answer."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.decide.desk import eyes
from monitor.loops.desk import work
from monitor.model.desk import Open
from monitor.model.desk_work import ONE_PERSON, OUTCOMES, Eyes, Outcome, Proposal, Standing
from monitor.model.plain import is_same_name, tidy
from monitor.web.desk.ask import Ask

# What a proposal is about, by its kind; another one is told by its name.
_KINDS = {
    "close": "Close alerts",
    "retire": "End the watch of an address",
    "retire_of_list": "End the watch of an address of a list",
    "insist_of_list": "Watch an address against a rule",
    "erase": "Erase what somebody wrote",
    "watch": "Watch an address",
    "name": "Name an address",
    "not_for_us": "Do not watch an address of a list",
    "accept_shrunk": "Take a version of a list that lost rows",
    "test_channel": "Send a test message",
    "follow": "Follow the money",
    "follow_on": "Follow an address on",
    "trace_words": "Decide on the trace",
}
_STANDS = {
    Standing.WAITING: "It waits for a second person.",
    Standing.AGREED: "Agreed; Fundwatch carries it out while it runs.",
    Standing.DONE: "Done",
    Standing.FAILED: "It could not be done",
    Standing.DECLINED: "Declined",
    Standing.WITHDRAWN: "Taken back",
    Standing.LAPSED: "Lapsed: it was about what has changed since",
}


def hindrance(ask: Ask, proposal: Proposal) -> str:
    """Why whoever asks may not agree; empty: they may."""
    able = work.who(ask.store, ask.settings.web, proposal.case).able
    return eyes.hindrance(ask.actor, proposal, able)


def is_own(ask: Ask, proposal: Proposal) -> bool:
    return is_same_name(proposal.name, ask.signed.person.name)


def title(proposal: Proposal) -> str:
    said = _KINDS.get(proposal.kind, proposal.kind.replace("_", " "))
    if proposal.kind == "close" and proposal.args:  # they go where its text is erased
        outcome = str(proposal.args.get("outcome", ""))
        known = {each.value: words for each, words in OUTCOMES.items()}
        said = f"{said}: {known.get(Outcome(outcome), outcome) if outcome in known else outcome}"
    return f"{said} (case {tidy(proposal.case, 60)})" if proposal.case else said


def stands(proposal: Proposal) -> str:
    """What became of it."""
    return _STANDS[proposal.state]


def needs(ask: Ask, alerts: Iterable[Open]) -> str:
    """What closing these alerts takes."""
    weighty = [each for each in alerts if each.severity in eyes.WEIGHTY]
    if not weighty:
        return "It closes at once."
    able = work.who(ask.store, ask.settings.web, weighty[0].case).able
    if eyes.eyes(ask.actor, able) is Eyes.ONE:
        return f"It closes at once, marked: {ONE_PERSON}."
    others = [each.name for each in able if not is_same_name(each.name, ask.signed.person.name)]
    named = ", ".join(tidy(each, 40) for each in others[:3])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return (
        f"Severity {weighty[0].severity.upper()}: it closes when a second person agrees "
        f"({named}{more}). You cannot be that person."
    )
