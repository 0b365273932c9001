"""What the daily message says beside its alerts: what was checked up to when, what is open,
what is wrong. Only of the cases that its channel may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from monitor.chains.table import STREAM_WORDS
from monitor.loops import keeping
from monitor.loops.health import (
    balance_words,
    entry_status,
    held,
    status,
    trace_status,
    trace_words,
)
from monitor.loops.health.snapshot import Alike, ListStatus, RetentionStatus
from monitor.loops.health.words import LIMIT, retention_lines
from monitor.messages.sheets.daily import LOG, UNSEEN
from monitor.messages.sheets.ours import SHOUT
from monitor.model import Severity
from monitor.model.axis import Axis
from monitor.model.incident import Incident
from monitor.model.plain import case_said, count, duration, plural, utc
from monitor.model.settings import Settings
from monitor.model.status import State
from monitor.store import answers, figures, incidents, log
from monitor.store.port import Reader

_GRAVE = [severity.value for severity in Severity]
LISTED = 30  # open alerts that are listed singly
SINGLY = 10  # cases of which each has its line, also where nothing moved


class Daily:
    """Looked up once, told to each channel by its cases."""

    def __init__(self, store: Reader, settings: Settings, since: int, until: int) -> None:
        self._store, self._since, self._until = store, since, until
        self._entries = [*entry_status.alike_read(store, settings, until)]
        self._traces = trace_status.cases(store, until)
        self._retention = status.retention_of(store, settings, until)
        self._moved = figures.news_by_case(store, since, until)

    def remarks(self, allowed: Collection[str], channel: str) -> dict[str, list[str]]:
        """Sections by heading; a case that is not allowed is not named, nor what is about no
        case and not for this channel."""
        mine = [each for each in self._entries if each.entry.case in allowed]
        cases: dict[str, list[Alike]] = {}
        for each in mine:
            cases.setdefault(each.entry.case, []).append(each)
        checked = self._cases(cases)
        limits = _limits(self._store)
        over = retention_lines(self._over(allowed))
        funds = held.lines(each.entry for each in mine)
        traces = trace_words.lines(self._traces, allowed)
        unseen = _unseen(mine)
        return {
            **({UNSEEN: [unseen]} if unseen else {}),
            **({"HELD FUNDS": funds} if funds else {}),
            **({"FOLLOWED": traces} if traces else {}),
            "CHECKED": checked or ["No address is watched."],
            "OPEN": _open(self._store, allowed, channel, self._until),
            "NOT WELL": _wrong(self._store, self._since, self._until),
            **({"LIMITS": limits} if limits else {}),
            **({"RETENTION": over} if over else {}),
            LOG: [_checkpoint(self._store)],
        }

    def _over(self, allowed: Collection[str]) -> RetentionStatus:
        found = self._retention.over
        return replace(self._retention, over=tuple(e for e in found if e.case in allowed))

    def _cases(self, cases: Mapping[str, Sequence[Alike]]) -> list[str]:
        """A line each; of very many one of all in which nothing moved."""
        still = [case for case in cases if self._is_still(case, cases[case])]
        still = still if len(cases) > SINGLY else []
        told = [self._checked(case, cases[case]) for case in sorted(set(cases) - set(still))]
        if still:
            entries = [entry for case in still for entry in cases[case]]
            name = f"{plural(len(still), 'other case' if told else 'case')}: checked, nothing moved"
            told.append(f"{name}. {_where(entries)}.")
        return told

    def _is_still(self, case: str, entries: Sequence[Alike]) -> bool:
        """Whether nothing of a case is news, by lists and by what the chain says."""
        return not self._moved.get(case) and not balance_words.apart(each.entry for each in entries)

    def _checked(self, case: str, entries: Sequence[Alike]) -> str:
        told = self._moved.get(case, 0)
        apart = balance_words.apart(each.entry for each in entries)
        still = "checked, no list shows a movement" if apart else "checked, nothing moved"
        name = case_said(case) if case else "Without case"
        moved = plural(told, "alert") if told else still
        return f"{name}: {f'{apart}; ' if apart else ''}{moved}. {_where(entries)}."


def _unseen(entries: Sequence[Alike]) -> str:
    """How many addresses are not seen in full, and on which chains."""
    chains: Counter[str] = Counter()
    for each in entries:
        if each.entry.state in (State.BLIND, State.NOT_READ):
            chains[each.entry.chain] += each.number
    where = ", ".join(f"{chain} {number:,}" for chain, number in chains.most_common(6))
    return (
        f"NOT SEEN IN FULL: {chains.total():,} of {_addresses(entries)} "
        f"({where}). What moves there is told when it can be read."
        if chains
        else ""
    )


def _where(entries: Sequence[Alike]) -> str:
    chains = ", ".join(dict.fromkeys(each.entry.chain for each in entries))
    said = balance_words.daily(entries)
    return f"{_addresses(entries)} on {chains}, {_coverage(entries)}{f'. {said}' if said else ''}"


def _addresses(entries: Sequence[Alike]) -> str:
    return count(sum(each.number for each in entries), "address", "addresses")


def _coverage(entries: Sequence[Alike]) -> str:
    """Which lists were not read, before all: a long line is cut. Then up to when all were."""
    read = [
        stream
        for each in entries
        for stream in each.entry.streams
        if stream.covered_to and stream.state == State.COMPLETE
    ]
    short = _shortfalls(entries)
    dormant = short.pop(State.DORMANT, "")
    parts = [*short.values()]
    if read:
        parts.append(f"{'else ' if parts else ''}complete {_read_to(entries, read)}")
    elif any(each.entry.state != State.DORMANT for each in entries):
        parts.append("no list was read in full")
    return "; ".join(filter(None, [*parts, dormant]))


def _read_to(entries: Sequence[Alike], read: Sequence[ListStatus]) -> str:
    """ "up to TIME", and of a single chain from which block to which, and by whom."""
    ends = [each.covered_to for each in read if each.covered_to]
    to = f"up to {utc(min(end.time for end in ends))}"
    blocks = [end.place for end in ends if end.axis is Axis.HEIGHT and end.place is not None]
    if not blocks or len({each.entry.chain for each in entries}) > 1:
        return to
    by = " and ".join(list(dict.fromkeys(each.by for each in read if each.by))[:3])
    starts = {each.covered_from for each in read}
    start = next(iter(starts)) or "an unknown block"
    if len(starts) > 1:  # addresses join at as many blocks as there are
        start = "where `fundwatch status --all` says of each list"
    start = "the first block" if start == "first" else start
    return f"{to} (from {start} to block {min(blocks):,}, by {by})"


def _shortfalls(entries: Sequence[Alike]) -> dict[State, str]:
    """ "BLIND: all lists on tron (2 addresses)"; the words of the lists are those of a mail."""
    words = {
        State.BLIND: "BLIND",
        State.BEHIND: "behind",
        State.NOT_READ: "not read yet",
        State.DORMANT: "dormant, the address never lived there",
    }
    found = {}
    for state, word in words.items():
        alike: Counter[tuple[str, str]] = Counter()
        for each in entries:
            entry = each.entry
            short = [listed.stream for listed in entry.streams if listed.state == state]
            every = len(short) == len(entry.streams)
            names = ["all lists"] if every else [STREAM_WORDS.get(s, s) for s in short]
            if short:
                alike["; ".join(names), entry.chain] += each.number
        told = [
            f"{names} on {chain} ({count(number, 'address', 'addresses')})"
            for (names, chain), number in alike.most_common(6)
        ]
        if told:
            found[state] = f"{word}: {', '.join(told)}"
    return found


def _open(store: Reader, allowed: Collection[str], channel: str, now: int) -> list[str]:
    """What nobody has acknowledged, the gravest first, of these the oldest."""
    mine = [
        alert
        for alert in figures.untaken(store)
        if (channel in alert.told if alert.case is None else alert.case in allowed)
    ]
    mine.sort(key=lambda alert: _GRAVE.index(alert.severity))
    if not mine:
        return ["Every alert is acknowledged."]
    listed = [
        f"{alert.id}  {alert.severity}, {_place(alert)}, open for {duration(now - alert.created)}."
        for alert in mine[:LISTED]
    ]
    rest = len(mine) - len(listed)
    more = [f"{rest:,} more: `fundwatch alerts list --state open`."] if rest else []
    verb = "is" if len(mine) == 1 else "are"
    return [f"{plural(len(mine), 'alert')} {verb} not acknowledged.", *listed, *more]


def _place(alert: figures.Untaken) -> str:
    if alert.case is None:
        return SHOUT
    return f"{case_said(alert.case) or 'no case'}, {alert.chain}"


def _wrong(store: Reader, since: int, now: int) -> list[str]:
    """Incidents that last, and those of the day that are over."""
    lasting = [
        f"{incident.signal.what} Since {utc(incident.since)}."
        for incident in incidents.incident_list(store, open_only=True)
        if incident.told and not incident.signal.once and not _is_limit(incident)
    ]
    over = [
        f"Over: {each.signal.what} It lasted {duration((each.closed or now) - each.since)}."
        for each in incidents.incidents_closed(store, since)
        if not _is_limit(each)
    ]
    went = answers.last_pruned(store)
    pruned = [keeping.said(went)] if went and since < went.at <= now else []
    return [*lasting, *over, *pruned] or ["Nothing is known to be wrong with Fundwatch."]


def _limits(store: Reader) -> list[str]:
    """What no source can serve: no fault, and not to be forgotten."""
    return [
        f"{incident.signal.what} {incident.signal.cure}"
        for incident in incidents.incident_list(store, open_only=True)
        if _is_limit(incident)
    ]


def _is_limit(incident: Incident) -> bool:
    return incident.signal.key.startswith(LIMIT)


def _checkpoint(store: Reader) -> str:
    """How the log ends now, for somebody else to hold against it later."""
    number, hashed = log.last(store)
    return (
        f"The log has {plural(number, 'row')}. Keep this mail: `fundwatch verify --checkpoint "
        f"{number}:{hashed}` finds out later whether anything up to there was changed or cut off."
    )
