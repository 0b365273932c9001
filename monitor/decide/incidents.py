"""Incidents: what is wrong with ourselves, told once it has lasted, reminded, closed. Pure.

A state that comes and goes within its hold time is never told (alarms that flap are not
read). One reminder a day while it lasts; one message when it is over.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.model import Alert, AlertKind, Lane, Severity
from monitor.model.facts import IncidentNotice, Notice
from monitor.model.ids import stable_id
from monitor.model.incident import Incident
from monitor.model.plain import utc, without_addresses
from monitor.model.plan import Signal

REMIND_EVERY = 86_400
LATE_LIST = "list:"  # how the key begins where a published list could not be had for a day
HELD_LIST = "listheld:"  # ... and where a newer version of it waits for a person
# Told together, by what their keys begin with: singular and plural for the summary.
_WORDS = {
    "blind": ("list cannot be read", "lists cannot be read"),
    "limit": ("list is served by no source", "lists are served by no source"),
    "late": ("chain has addresses that are behind", "chains have addresses that are behind"),
    "oldhead": ("newest block is old", "newest blocks are old"),
    "refused": ("source is not used", "sources are not used"),
    "doubt": ("newest block is not believed", "newest blocks are not believed"),
    "nosource": ("chain has no source", "chains have no source"),
    "gap": ("part of a list could not be read", "parts of lists could not be read"),
    "list": ("published list could not be had", "published lists could not be had"),
    "listgap": ("list leaves out what was recorded", "lists leave out what was recorded"),
    "budget": ("budget of calls is used up", "budgets of calls are used up"),
    "busy": ("address is very busy", "addresses are very busy"),
}
GATHERED = tuple(f"{kind}:" for kind in _WORDS)
# While these last movements are not seen.
OF_THE_DESK = ("blind:", "late:", "nosource:", "gap:", "listgap:")
# Seconds by which something may be told sooner because others are told now.
SLACK = {"opened": 120, "reminder": 4 * 3600, "closed": 0}
CASES_MOST = 20


def phase(incident: Incident, now: int) -> str | None:
    """What is to be told now: "opened", "reminder", "closed" or nothing."""
    if incident.told is None:
        held = now - incident.since >= incident.signal.hold
        return "opened" if held and incident.closed is None else None
    if incident.signal.once:
        return None
    if incident.closed is not None:
        over = now - incident.closed >= incident.signal.settle
        return "closed" if over and incident.ended is None else None
    last = incident.reminded or incident.told
    return "reminder" if now - last >= REMIND_EVERY else None


def due(found: Sequence[Incident], now: int) -> list[tuple[str, list[Incident]]]:
    """What is to be told now: (phase, incidents that share a notice). One dead explorer is many
    lists: what is about reading is told together, with what would be due in a moment."""
    told: list[tuple[str, list[Incident]]] = []
    gathered: dict[tuple[str, str, str], list[Incident]] = {}
    for incident in found:
        what = phase(incident, now)
        if what is None:
            continue
        if about := _about(incident):
            gathered.setdefault((what, incident.signal.audience, about), []).append(incident)
        else:
            told.append((what, [incident]))
    for (what, audience, about), members in gathered.items():
        soon = now + SLACK[what]
        members += [
            each
            for each in found
            if each not in members
            and _about(each) == about
            and each.signal.audience == audience
            and phase(each, soon) == what
        ]
        told.append((what, members))
    return told


def _about(incident: Incident) -> str:
    """What is told together with others of its kind; empty: it is told alone."""
    if incident.signal.key.startswith(LATE_LIST):
        return "lists"
    return "reading" if incident.signal.key.startswith(GATHERED) else ""


def notice(members: Sequence[Incident], what: str, now: int, labels: Sequence[str] = ()) -> Alert:
    """The alert that tells one phase of incidents, for those whom they are for. To operations it
    names chain, list, source, number of entries and cases; no label, reason, address or person.
    `labels`: what the desk calls the entries concerned, for a notice that is for the desk."""
    first = members[0].signal
    several = len(members) > 1
    told = _summary(members) if several else first.what
    lines = _details(members) if several else []
    who = list(first.who)
    if first.audience != "desk":
        who, told = _concerned(members), without_addresses(told)
        lines = [without_addresses(line) for line in lines]
    return _alert(members, what, now, told, first.audience, who, [*lines, *labels])


def desk_notice(
    members: Sequence[Incident], what: str, now: int, labels: Sequence[str]
) -> Alert | None:
    """The same for the desk: whose movements are not seen, and what that means. `labels`: what
    the desk calls the entries concerned. None where no entry is."""
    late = [m for m in members if m.signal.key.startswith(LATE_LIST)]
    if late:
        return _late_notice(late, what, now)
    blind = [m for m in members if m.signal.key.startswith(OF_THE_DESK) and m.signal.number]
    if not blind:
        return None
    who = _concerned(blind)
    told = f"Movements of {who[0]} may not be seen. {_summary(blind)}"
    meaning = (
        "What was not seen is read again now, and told as late where it is news."
        if what == "closed"
        else "What moves there in these lists meanwhile is told when they can be read again, not "
        "before: look at the addresses on another explorer if a case is urgent."
    )
    lines = [meaning, *_details(blind), *labels]
    return _alert(blind, what, now, told, "desk", who, lines)


def _late_notice(late: Sequence[Incident], what: str, now: int) -> Alert:
    """Of published lists: whoever is listed now is not watched, and no message says so."""
    meaning = (
        "What was listed meanwhile is watched from now on."
        if what == "closed"
        else "Until it can be had again every message about an address of it says of which day "
        "it is."
    )
    details = _details(late) if len(late) > 1 else []
    return _alert(late, what, now, _summary(late), "desk", [], [meaning, *details])


def _summary(members: Sequence[Incident]) -> str:
    """ "5 lists cannot be read (bnb, tron; 12 entries; cases: A)."; of one thing its own words."""
    if len(members) == 1:
        return members[0].signal.what
    counts: dict[str, int] = {}
    for member in members:
        kind = member.signal.key.partition(":")[0]
        counts[kind] = counts.get(kind, 0) + 1
    parts = [f"{count} {_WORDS[kind][count > 1]}" for kind, count in counts.items()]
    chains = ", ".join(sorted({m.signal.chain for m in members if m.signal.chain}))
    keys = [m.signal.key for m in members if m.signal.key.startswith(LATE_LIST)]
    lists = ", ".join(key.removeprefix(LATE_LIST) for key in keys)
    concerned = "; ".join(filter(None, [chains, lists, *_concerned(members)]))
    return f"{', '.join(parts)}{f' ({concerned})' if concerned else ''}."


def _details(members: Sequence[Incident]) -> list[str]:
    """One line each; lists of a chain that fail alike share theirs."""
    alike: dict[str, list[Incident]] = {}
    for member in members:
        blind = member.signal.key.startswith("blind:")
        alike.setdefault(member.signal.what.partition(" on ")[2 if blind else 0], []).append(member)
    lines = []
    for rest, same in alike.items():
        lists = [member.signal.what.partition(" on ")[0] for member in same]
        told = same[0].signal.what
        if len(set(lists)) > 1:
            told = f"{'; '.join(lists)} on {rest}"
        elif len(same) > 1:
            told = f"{told} ({len(same)} times)"
        lines.append(f"{told} (since {utc(min(member.since for member in same))})")
    return lines


def _concerned(members: Sequence[Incident]) -> list[str]:
    """How many entries, and of which cases."""
    by_chain: dict[str, int] = {}
    named: dict[str, set[str]] = {}  # each signal may name other ones
    for signal in (member.signal for member in members):
        chain = signal.chain or ""
        named.setdefault(chain, set()).update(signal.who)
        by_chain[chain] = max(by_chain.get(chain, 0), signal.number, len(named[chain]))
    number = sum(by_chain.values())
    cases = list(dict.fromkeys(case for m in members for case in m.signal.cases))
    shown = ", ".join(cases[:CASES_MOST])
    more = f" and {len(cases) - CASES_MOST} more" if len(cases) > CASES_MOST else ""
    entries = [f"{number:,} {'entry' if number == 1 else 'entries'}"] if number else []
    return entries + ([f"cases: {shown}{more}"] if cases else [])


def _topic(signals: Sequence[Signal], audience: str) -> list[str]:
    """Of the subject: what it is about, and on which chains."""
    about = "movements may not be seen" if audience == "desk" else "reading fails"
    if all(signal.key.startswith(LATE_LIST) for signal in signals):
        about = "a published list is late"
    chains = sorted({signal.chain for signal in signals if signal.chain})
    return [about, "on", *chains] if chains else [about]


def _alert(
    members: Sequence[Incident],
    what: str,
    now: int,
    told: str,
    audience: str,
    who: Sequence[str],
    lines: Sequence[str],
) -> Alert:
    signals = [member.signal for member in members]
    since = min(member.since for member in members)
    ended = max(member.closed or now for member in members) if what == "closed" else None
    worst = min((Severity(s.severity) for s in signals), key=list(Severity).index)
    chains = {signal.chain for signal in signals}
    names = [f"{m.signal.key}/{m.number}/{m.reminded or 0}" for m in members]
    one = [members[0].signal.key, str(members[0].number), what, str(members[0].reminded or 0)]
    spread = audience != signals[0].audience or len(members) > 1
    return Alert(
        id=stable_id("N", *(["together", audience, what, *sorted(names)] if spread else one)),
        kind=AlertKind.NOTICE,
        lane=Lane.NEWS,
        severity=Severity.LOW if what == "closed" else worst,
        created=now,
        chain=signals[0].chain if len(chains) == 1 else None,
        title={"opened": "", "reminder": "Still so: ", "closed": "Over: "}[what] + told,
        lane_reason="Fundwatch tells what it does not know or cannot do.",
        audience=audience,
        facts=Notice(
            incident=IncidentNotice(
                key=signals[0].key if audience == "desk" else without_addresses(signals[0].key),
                what=told,
                since=since,
                closed=ended,
                duration=(ended or now) - since,
                who=tuple(who),
                cure=" ".join(dict.fromkeys(signal.cure for signal in signals)),
                reminder=what == "reminder",
            ),
            topic=" ".join(_topic(signals, audience)) if spread else "",
            lines=tuple(lines),
        ),
    )
