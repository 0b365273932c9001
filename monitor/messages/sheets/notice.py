"""Corrections of what was told, notices about ourselves, the test message, references."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from monitor.messages.sheets import about, listed, to_do
from monitor.messages.sheets.alert import movement_short, rows_section, subject_tail
from monitor.messages.sheets.ours import ours_section, shout
from monitor.messages.sheets.parts import (
    Item,
    Section,
    Sheet,
    Table,
    Telling,
    chain_name,
    section,
    sections,
    shown_tx,
    topic,
    worst,
)
from monitor.messages.sheets.say import as_told
from monitor.model import AlertKind, AlertView, Severity
from monitor.model.facts import (
    BACK,
    COUNTS,
    INCLUDED,
    REPLACED,
    SEEN,
    UNSEEN,
    Correction,
    IncidentNotice,
    Notice,
    Report,
    of_kind,
)
from monitor.model.plain import duration, plural, tidy, utc, when

_OUTCOME = {
    "reversed": "did not happen",
    REPLACED: "was replaced before it was confirmed",
    UNSEEN: "is no longer seen, and may still come",
    SEEN: "is seen again, still unconfirmed",
    BACK: "is in a block again",
    INCLUDED: "is in a block now",
    "unconfirmed again": "is unconfirmed again",
}
# What the headline begins with, before the movement as it was told.
_SHOUT = {
    "reversed": "DID NOT HAPPEN",
    REPLACED: "REPLACED, NEVER CONFIRMED",
    UNSEEN: "NO LONGER SEEN, MAY STILL COME",
    SEEN: "SEEN AGAIN, STILL UNCONFIRMED",
    BACK: "IN A BLOCK AGAIN",
    INCLUDED: "IN A BLOCK NOW",
    "unconfirmed again": "UNCONFIRMED AGAIN",
}
_MEANING = {
    "reversed": (
        "By our record the funds are where they were before. The same transaction may be "
        "included again: you would get a new message under the same number."
    ),
    REPLACED: (
        "The transaction was unconfirmed, and another one spends the same coins: only one of them "
        "can happen. The other is told by itself if it touches a watched address."
    ),
    UNSEEN: (
        "The transaction is unconfirmed, and nobody who was asked knows it now. That does not "
        "show that it was replaced or is gone: nodes forget what waits, for instance when they "
        "are restarted. If it is seen again or is in a block, a new message follows under the "
        "same number."
    ),
    SEEN: "It waits as before: it may be confirmed, or never happen.",
    BACK: "The movement counts again, in the block named here.",
    INCLUDED: "The movement counts, in the block named here. It was unconfirmed before.",
    "unconfirmed again": "It left its block and waits again: it may be confirmed, or never happen.",
}


# --- corrections ----------------------------------------------------------------------------


def correction_sheet(view: AlertView, telling: Telling) -> Sheet:
    """What we said, what is true now, and what that means."""
    fact = of_kind(view.alert.facts, Correction)
    state = tidy(fact.state or "changed", 30)
    told = view.alert.amends or view.alert.id
    outcome = _OUTCOME.get(state, "has changed")
    return Sheet(
        banner="CORRECTION",
        severity=view.alert.severity,
        topic=topic(
            shout(view, f"{state.upper()}: {movement_short(view)} {outcome}"),
            *subject_tail(view),
            told,
        ),
        headline=shout(
            view, listed.begun(view, _correction_headline(state, as_told(view, telling)))
        ),
        lead=(_what_became(state, told), *listed.late([view], telling.now)),
        sections=sections(
            to_do.to_do_section(view, telling),
            section("WE SAID", _we_said(view, telling)),
            section("NOW", *_now(fact)),
            section("MEANING", Item(_MEANING.get(state, "Compare the record."))),
            _if_acted(state, told),
            ours_section(view),
            rows_section(view, telling, view.transfers, "ROWS"),
            about.status_section(view),
            about.who_section(view, address=True),
            listed.also_section(view),
            about.says_section(view),
            about.id_section(view, telling, f"corrects {told}"),
        ),
        footer=about.INTERNAL,
    )


def _correction_headline(state: str, said: str) -> str:
    rely = "" if state in COUNTS else " DO NOT RELY ON IT."
    return f"{_SHOUT.get(state, 'CHANGED')}: {said}{rely}"


def _what_became(state: str, told: str) -> str:
    if state == "reversed":
        return f"The movement that we reported as {told} is no longer part of the chain."
    return f"The movement that we reported as {told} {_OUTCOME.get(state, 'has changed')}."


def _we_said(view: AlertView, telling: Telling) -> Item:
    if view.told_at is None:
        return Item("It was recorded; no message about it had been accepted yet.")
    return Item(when(view.told_at, telling.timezone))


def _now(fact: Correction) -> list[Item]:
    items = [Item(tidy(text, 400)) for text in fact.evidence]
    for label, block in (("Then", fact.was), ("Now", fact.now)):
        if block and block.height is not None:
            items.append(Item(f"block {block.height:,}", label))
        if block and block.hash:
            items.append(Item(shown_tx(block.hash), f"{label}, hash", "code"))
    return items or [Item("No block of it is known.")]


def _if_acted(state: str, told: str) -> Section | None:
    if state in COUNTS or state == SEEN:
        return None
    text = (
        f"If a hold, a report or a call followed {told}: review it. The record keeps both states."
    )
    return section("IF YOU ACTED", Item(text, style="warn"))


# --- notices ---------------------------------------------------------------------------------


# Of an incident's key: what the subject says it is about.
_KINDS = {
    "blind": "a list cannot be read",
    "limit": "no source has a list",
    "late": "addresses are behind",
    "oldhead": "the newest block is old",
    "refused": "a source is not used",
    "nosource": "nothing is read",
    "overdue": "nothing is read",
    "gap": "part of a list cannot be read",
    "listgap": "a list leaves something out",
    "busy": "a very busy address",
    "list": "a published list is late",
    "listheld": "a published list waits for you",
    "heldfunds": "HELD FUNDS ARE MISSING",
    "balances": "many balances differ",
}


def notice_sheet(view: AlertView, telling: Telling) -> Sheet:
    """News about Fundwatch itself: an incident that opened, lasts or closed, or an answer."""
    facts = of_kind(view.alert.facts, Notice)
    incident = facts.incident
    stage, title = _stage(incident), tidy(view.alert.title, 400)
    return Sheet(
        banner="NOTICE",
        severity=view.alert.severity,
        topic=topic(" ".join(filter(None, (stage, _about(view, facts)))), view.alert.id),
        headline=title or "A notice about Fundwatch itself.",
        lead=(stage.capitalize() + ".",) if stage else (),
        sections=sections(
            _what(incident, title) if incident else None,
            section("WHO", *(Item(tidy(each, 200)) for each in incident.who)) if incident else None,
            *_report(facts.report),
            section("WHEN", *_times(incident, telling, view)),
            section("CURE", _text(incident.cure)) if incident and not incident.closed else None,
            section("DETAILS", *map(_text, facts.lines)),
            _attached(facts.report, telling),
            about.unchecked_section([view]) if view.not_covered else None,
            about.id_section(view, telling, "a notice about Fundwatch itself"),
        ),
        footer=about.INTERNAL if facts.report else "Internal.",
        table=facts.report.file if facts.report else "",
    )


def _report(report: Report | None) -> Iterator[Section | None]:
    """What a notice says at length."""
    if report is None:
        return
    told = [section(tidy(name, 40), *map(_text, lines)) for name, lines in report.sections]
    yield from told[: report.above]
    if len(report.table) > 1:
        head, *rows = (tuple(tidy(cell, 100) for cell in row) for row in report.table)
        yield section("LARGEST", Table(head, tuple(rows)))
    yield from told[report.above :]


def _attached(report: Report | None, telling: Telling) -> Section | None:
    if report is None or not report.file:
        return None
    rows = plural(report.file.count("\r\n") - 1, "row")
    return section("ATTACHED", Item(f"{telling.message_id}.csv, all {rows}."))


def _stage(incident: IncidentNotice | None) -> str:
    if incident is None:
        return ""
    if incident.closed:
        return "CLOSED"
    return "STILL OPEN" if incident.reminder else "OPENED"


def _about(view: AlertView, facts: Notice) -> str:
    """Topic words of ours; what looks like an address stays out of the subject."""
    about = facts.topic
    kind, _, rest = (facts.incident.key if facts.incident else "").partition(":")
    if not about and kind in _KINDS:
        about = f"{_KINDS[kind]} on {chain}" if (chain := view.alert.chain) else _KINDS[kind]
    words = re.findall(r"[A-Za-z0-9_-]+", about or f"{kind} {rest}")
    return " ".join(word for word in words if len(word) < 20)[:60]


def _what(incident: IncidentNotice, title: str) -> Section | None:
    said = tidy(incident.what, 400) in title
    return None if said else section("WHAT", _text(incident.what))


def _text(value: str) -> Item | None:
    return Item(tidy(value, 600)) if value else None


def _times(incident: IncidentNotice | None, telling: Telling, view: AlertView) -> list[Item]:
    if incident is None:
        return [Item(when(view.alert.created, telling.timezone))]
    items = [Item(when(incident.since, telling.timezone), "Since")]
    if incident.closed is not None:
        items.append(Item(when(incident.closed, telling.timezone), "Closed"))
    if incident.duration is not None:
        items.append(Item(duration(incident.duration), "Lasted"))
    return items


# --- little that says much ---------------------------------------------------------------------


def test_sheet(telling: Telling) -> Sheet:
    """`fundwatch channels test`: nothing happened, the channel works."""
    return Sheet(
        banner="TEST",
        severity=Severity.LOW,
        topic=telling.message_id,
        headline="This is a test. Nothing moved.",
        lead=(f"Fundwatch can reach you through the channel {tidy(telling.channel.name, 60)}.",),
        sections=sections(
            section("WHEN", Item(when(telling.now, telling.timezone), "Sent")),
            section("ID", Item(f"{telling.message_id} - Fundwatch {telling.version}")),
        ),
        footer="Internal.",
    )


def reference_sheet(
    views: Sequence[AlertView], telling: Telling, remarks: Mapping[str, Sequence[str]] | None = None
) -> Sheet:
    """For channels that may learn only that there is something to look up. `remarks`: further
    sections, by heading."""
    severity = worst(views)
    chains = ", ".join(dict.fromkeys(chain_name(view) for view in views if view.alert.chain))
    corrects = all(view.alert.kind is AlertKind.CORRECTION for view in views)
    counted = views[0].alert.id if len(views) == 1 else f"{len(views):,} alerts"
    number = "" if len(views) == 1 else telling.message_id
    items = [item for view in views for item in _reference(view, telling)]
    return Sheet(
        banner="CORRECTION" if corrects else severity.value.upper(),
        severity=severity,
        topic=topic(counted, chains, utc(telling.now), number),
        headline="Fundwatch has news for you.",
        lead=("Details are kept in Fundwatch: this channel carries references only.",),
        sections=sections(
            section("ALERTS", *items),
            *(section(name, *map(Item, said)) for name, said in (remarks or {}).items()),
        ),
        footer="Internal.",
    )


def _reference(view: AlertView, telling: Telling) -> list[Item]:
    alert = view.alert
    what = alert.kind.value
    if alert.kind is AlertKind.CORRECTION and alert.amends:
        what = f"{what} of {alert.amends}"
    said = [what, alert.severity.value, chain_name(view), utc(alert.created)]
    return [
        Item(topic(alert.id, *said)),
        *to_do.at_desk(alert.id, telling),
        Item(f"fundwatch alerts show {alert.id}", "Open", "command"),
    ]
