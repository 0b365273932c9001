"""The first morning with published lists: one mail after five minutes, one within a day.

Lists whose first versions are taken within an hour begin together. What was told is seen by the
alerts themselves, whose ids are made of the lists: a kill before they are written tells them
again, one after it does not.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.analysis.by_entity import Party, by_entity
from monitor.decide.incidents import GATHERED
from monitor.loops.health.words import count
from monitor.loops.router import Router
from monitor.messages.objects import csv_line
from monitor.model import Alert, AlertKind, Chain, Lane, Severity
from monitor.model.acts import DAEMON, Tell, TellIncidents
from monitor.model.facts import Notice, Report
from monitor.model.ids import stable_id
from monitor.model.incident import Incident
from monitor.model.lists import Publication
from monitor.model.plain import duration, plural, quoted, tidy, utc
from monitor.model.settings import Settings
from monitor.store import first_read, incidents
from monitor.store.commit import commit
from monitor.store.first_read import First, Reading
from monitor.store.port import Reader, Store

log = logging.getLogger("fundwatch.lists")

TOGETHER = 3600  # seconds within which first versions of several lists begin one morning
BEGUN_AFTER = 300  # seconds after which the first mail says how it goes
AT_LATEST = 86_400  # seconds after which the table goes out with what there is
LARGEST = 20  # rows of the table that stand in the mail
ROWS_MOST = 10_000  # in the attached file
NAMED = 20  # parties, chains or rules that a section names
BUSY = "busy:"  # what keys of incidents about very busy addresses begin with
# Seconds from one notice to operations to the next during the first day: what a start brings
# (chains without a source, keys that are missing) is told together.
PAUSES = (3 * 3600, 12 * 3600)


@dataclass(frozen=True, slots=True)
class Morning:
    """Lists that began together."""

    firsts: Sequence[First]

    @property
    def start(self) -> int:
        return self.firsts[0].taken

    @property
    def lists(self) -> list[str]:
        return [each.version.list for each in self.firsts]

    def name(self, what: str) -> str:
        first = self.firsts[0]
        return stable_id("N", "first morning", what, first.version.list, str(first.taken))

    @property
    def begun(self) -> str:
        """The id of the first mail's alert."""
        return self.name("begun")

    @property
    def read(self) -> str:
        """The id of the table's."""
        return self.name("read")


def mornings(store: Reader) -> list[Morning]:
    """Every one that there was."""
    found: list[list[First]] = []
    for first in first_read.firsts(store):
        if found and first.taken - found[-1][0].taken < TOGETHER:
            found[-1].append(first)
        else:
            found.append([first])
    return [Morning(each) for each in found]


def under_way(store: Reader) -> list[Morning]:
    """Those whose table was not told yet."""
    every = mornings(store)
    told = first_read.told(store, [each.read for each in every])
    return [each for each in every if each.read not in told]


def tell(store: Store, router: Router, settings: Settings, round_seconds: int, now: int) -> None:
    """Tell what is due of every morning."""
    for morning in under_way(store):
        told = first_read.told(store, [morning.begun])
        if morning.begun not in told:
            if now - morning.start >= BEGUN_AFTER:
                _tell_begun(store, router, settings, morning, round_seconds, now)
            continue
        served = [key for key, chain in settings.chains.items() if chain.sources]
        over = now - max(morning.start, told[morning.begun] - AT_LATEST) >= AT_LATEST
        if over or not first_read.unread(store, morning.lists, served):
            _tell_read(store, router, settings, morning, now)


# -- incidents of the first day ------------------------------------------------------------------


def keeps_back(
    store: Reader, found: Sequence[Incident], hour: int, timezone: str, now: int
) -> list[Incident]:
    """Those of these incidents that are not told yet. On a folder's first day trouble with reading
    is told at most so often as PAUSES say, unless it is severe; that addresses are very busy is
    asked once for all, with the table."""
    waiting = under_way(store)
    asked = [each for each in found if _is_asked(each)] if waiting else []
    every = mornings(store)
    added = first_read.added_first(store)
    if not every or added is None or every[0].start - added > TOGETHER:
        return asked  # others were watched before: their trouble does not wait
    start = every[0].start
    if now >= _end(start, hour, timezone) or now >= _next(store, start):
        return asked
    return asked + [
        each
        for each in found
        if each not in asked
        and each.signal.key.startswith(GATHERED)
        and each.signal.severity != Severity.SEVERE
    ]


def _is_asked(incident: Incident) -> bool:
    return incident.signal.key.startswith(BUSY) and incident.told is None


def _end(start: int, hour: int, timezone: str) -> int:
    """When the first day is over: with the next morning's mail, and not before a day."""
    zone = ZoneInfo(timezone)
    local = datetime.fromtimestamp(start, zone)
    mail = datetime(local.year, local.month, local.day, hour, tzinfo=zone) + timedelta(days=1)
    return max(start + AT_LATEST, int(mail.timestamp()) + TOGETHER)


def _next(store: Reader, start: int) -> int:
    """When operations may be told again of trouble with reading."""
    told = sorted(set(first_read.incidents_told(store, start, "operations")))
    if not told:
        return start + BEGUN_AFTER
    return told[-1] + PAUSES[len(told) - 1] if len(told) <= len(PAUSES) else 2**62


# -- after five minutes --------------------------------------------------------------------------


def _tell_begun(
    store: Store,
    router: Router,
    settings: Settings,
    morning: Morning,
    round_seconds: int,
    now: int,
) -> None:
    found = [each for name in morning.lists for each in first_read.entries(store, name)]
    met = [each for each in found if each.watched.baseline is not None]
    blind = [each for each in found if not _served(settings.chains, each)]
    left = len(found) - len(met) - len(blind)
    title = (
        f"Watching {_titles(found)} has begun: {len(met):,} of "
        f"{count(len(found), 'address', 'addresses')} are read up to now"
        f"{f', the others within about {duration(2 * round_seconds)}' if left > 0 else ''}. "
        "Nothing is to be done."
    )
    waiting = [e for e in found if e.watched.baseline is None and _served(settings.chains, e)]
    sections = (
        ("LISTS", tuple(_of_list(each.version) for each in morning.firsts)),
        ("READ", (_by_chain(met) or "Nothing yet.",)),
        ("NOT YET", (f"{_by_chain(waiting)}. The newest listings are read first.",))
        if waiting
        else ("", ()),
        ("NOT READ", tuple(_blind(blind))),
        (
            "NEXT",
            (
                "From its first reading on, whatever leaves an address is told at once.",
                "Within a day one mail comes with a table of whom these lists name: what they "
                "hold and what they did in the 30 days before. No mail comes for each address.",
            ),
        ),
    )
    report = Report(sections=tuple(each for each in sections if each[1]))
    alert = _notice(morning.begun, Severity.LOW, title, "watching a list has begun", report, now)
    commit(store, DAEMON, Tell(now, [alert], router.route(alert, None)))
    log.info("lists begun notice=%s", alert.id)


def _served(chains: Mapping[str, Chain], each: Reading) -> bool:
    chain = chains.get(each.watched.entry.subject.chain)
    return chain is not None and bool(chain.sources)


def _titles(found: Sequence[Reading]) -> str:
    names = dict.fromkeys(e.watched.entry.origin.title for e in found if e.watched.entry.origin)
    return " and ".join(f"{tidy(name, 40)}'s list" for name in names) or "published lists"


def _of_list(version: Publication) -> str:
    refused = sum(version.refused.values())
    rules = sorted(version.refused.items(), key=lambda item: -item[1])[:NAMED]
    why = ", ".join(f"{rule} {number:,}" for rule, number in rules)
    return (
        f"{version.list}: of {version.day}, sha256 {version.sha256[:12]}, "
        f"{plural(version.rows, 'row')}, {version.rows - refused:,} can be read"
        + (f"; {refused:,} not ({why}): fundwatch lists rows {version.list}" if refused else "")
        + "."
    )


def _by_chain(found: Sequence[Reading]) -> str:
    counts = Counter(each.watched.entry.subject.chain for each in found)
    return ", ".join(f"{chain} {number:,}" for chain, number in counts.most_common(NAMED))


def _blind(blind: Sequence[Reading]) -> Iterator[str]:
    if blind:
        yield (
            f"{_by_chain(blind)}: no source is in service there, so nothing that moves there is "
            "seen. `fundwatch check` says which key or source would help."
        )


# -- within a day --------------------------------------------------------------------------------


def _tell_read(
    store: Store, router: Router, settings: Settings, morning: Morning, now: int
) -> None:
    found = [each for name in morning.lists for each in first_read.entries(store, name)]
    ids = [each.watched.entry.id for each in found]
    histories = first_read.histories(store, ids)
    ours: Collection[str] = ()
    entries = [each.watched.entry for each in found]
    parties = by_entity(entries, histories, first_read.prices(store), ours)
    busy = [each for each in incidents.incident_list(store, open_only=True) if _is_asked(each)]
    busy = [each for each in busy if set(each.signal.who) & set(ids)]
    alert = _table(morning, found, parties, busy, settings, now)
    routes = router.route(alert, None)
    if not router.may_see_labels({channel for _, channel, _ in routes}):
        alert = _without_names(alert)
    if busy:
        keys = [each.signal.key for each in busy]
        commit(store, DAEMON, TellIncidents(now, keys, "opened", [alert], routes))
    else:
        commit(store, DAEMON, Tell(now, [alert], routes))
    log.info("lists read notice=%s entries=%d parties=%d", alert.id, len(found), len(parties))


def _table(
    morning: Morning,
    found: Sequence[Reading],
    parties: Sequence[Party],
    busy: Sequence[Incident],
    settings: Settings,
    now: int,
) -> Alert:
    missing = [each for each in found if not each.told]
    moved = sum(party.moved > 0 for party in parties)
    lately = [party for party in parties if party.lately]
    read = len(found) - len(missing)
    title = (
        f"{_titles(found)}, before watching began: {read:,} of "
        f"{count(len(found), 'address', 'addresses')} are read; {moved:,} of "
        f"{count(len(parties), 'party', 'parties')} moved in 30 days, {len(lately):,} of them in "
        "the last 72 hours."
    )
    sections = (
        ("MISSING", tuple(_missing(settings.chains, missing, now))),
        ("TOUCHES US", tuple(_line(party) for party in parties if party.touches)[:NAMED]),
        ("72 HOURS", tuple(_lately(lately))),
        ("QUESTION", tuple(_question(busy))),
        ("LISTS", tuple(_of_list(each.version) for each in morning.firsts)),
        (
            "MEANING",
            (
                "This is history, not news: nothing here happened after watching began. What is "
                "held is what came in minus what went out, by our record; not asked from the "
                "chain. Unverified tokens are left out.",
            ),
        ),
    )
    report = Report(
        sections=tuple(each for each in sections if each[1]),
        table=tuple(_rows(parties[:LARGEST])),
        file=_file(parties),
    )
    severity = Severity.HIGH if any(p.touches for p in parties) else Severity.MEDIUM
    return _notice(morning.read, severity, title, "what a list named had done before", report, now)


def _missing(chains: Mapping[str, Chain], missing: Sequence[Reading], now: int) -> Iterator[str]:
    """What is not read, and why, first of all."""
    blind = [each for each in missing if not _served(chains, each)]
    unmet = [e for e in missing if _served(chains, e) and e.watched.baseline is None]
    rest = [e for e in missing if _served(chains, e) and e.watched.baseline is not None]
    yield from _blind(blind)
    if unmet:
        yield f"{_by_chain(unmet)}: not read for the first time up to {utc(now)}."
    if rest:
        yield f"{_by_chain(rest)}: news is told, the history is still being read."


def _lately(parties: Sequence[Party]) -> Iterator[str]:
    """Whose funds moved shortly before the start: no alert was made of it."""
    for party in parties[:NAMED]:
        yield _line(party)
    if len(parties) > NAMED:
        yield f"{len(parties) - NAMED:,} more in the attached file (column moved_72h)."


def _line(party: Party) -> str:
    last = f", last {utc(party.last)}" if party.last is not None else ""
    return (
        f"{_name(party, 50)}: out {party.said('went', 2)}, in {party.said('came', 2)} in 30 "
        f"days{last}; case {quoted(party.first.case, 40)}."
    )


def _question(busy: Sequence[Incident]) -> Iterator[str]:
    """One for all addresses that are too busy to be read unasked."""
    if not busy:
        return
    whose = "address has" if len(busy) == 1 else "addresses have"
    yield (
        f"{len(busy):,} {whose} over 100,000 movements and may be services. Reading the history "
        "has stopped there; new movements are told. To read on, say so of each that you want:"
    )
    for each in busy[:NAMED]:
        address = each.signal.key.partition("/")[2]
        yield f"{each.signal.chain} {address}"
    if len(busy) > NAMED:
        yield f"and {len(busy) - NAMED:,} more: fundwatch status"
    yield "fundwatch lists set LIST ADDRESS busy=yes --by NAME --why TEXT"


def _rows(parties: Sequence[Party]) -> Iterator[tuple[str, ...]]:
    yield ("whom", "holds", "out 30 d", "in 30 d")
    for party in parties:
        yield (_name(party, 26), *(party.said(which, 1) for which in ("held", "went", "came")))


def _name(party: Party, most: int) -> str:
    """Of whom a list names nothing else, the address, whole."""
    origin = party.first.origin
    name = (origin.name if origin else "") or party.first.label
    return tidy(name, most) if name.strip() else tidy(party.first.subject.address, 200)


_HEAD = (
    "list", "entity_id", "entity", "programs", "case", "touches_us", "addresses", "read", "chains",
    "holds", "out_30d", "in_30d", "movements_30d", "movements", "last", "moved_72h",
)  # fmt: skip


def _file(parties: Sequence[Party]) -> str:
    """All rows, a line an entity."""
    lines = [csv_line(_HEAD)]
    lines += [csv_line(_cells(party)) for party in parties[:ROWS_MOST]]
    if len(parties) > ROWS_MOST:
        more = f"{len(parties) - ROWS_MOST} more: fundwatch lists rows NAME"
        lines.append(csv_line((more, *[""] * (len(_HEAD) - 1))))
    return "".join(lines)


def _cells(party: Party) -> tuple[object, ...]:
    entry, origin = party.first, party.first.origin
    chains = dict.fromkeys(each.subject.chain for each in party.entries)
    return (
        *((origin.list, origin.entity) if origin else ("", "")),
        *(_name(party, 200), "; ".join(origin.programs) if origin else "", entry.case),
        *("yes" if party.touches else "", len(party.entries), party.read, " ".join(chains)),
        *(party.said(which, 50, exact=True) for which in ("held", "went", "came")),
        *(party.moved, party.count, utc(party.last) if party.last is not None else ""),
        "yes" if party.lately else "",
    )


def _without_names(alert: Alert) -> Alert:
    """For channels that are kept to some cases: figures without names and files."""
    facts = Notice(
        topic="what a list named had done before", lines=("See `fundwatch lists status`.",)
    )
    return Alert(
        *(alert.id, alert.kind, alert.lane, alert.severity, alert.created),
        title=alert.title,
        lane_reason=alert.lane_reason,
        audience=alert.audience,
        facts=facts,
    )


def _notice(
    name: str, severity: Severity, title: str, topic: str, report: Report, now: int
) -> Alert:
    return Alert(
        id=name,
        kind=AlertKind.NOTICE,
        lane=Lane.NEWS,
        severity=severity,
        created=now,
        title=title,
        lane_reason="The first reading of a list is told as a whole.",
        audience="desk",
        facts=Notice(topic=topic, report=report),
    )
