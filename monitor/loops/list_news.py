"""What a new version of a published list means, told twice: when it was taken, and when what its
additions had done before is read; once more where a yes or a slow source brought more of it later.
And weekly whoever it names no more, until a person decides.

What was told is seen by the alerts themselves, whose ids are made of list and version: a kill
before they are written tells them again, one after it does not. Of a list's first version
loops/morning.py tells.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from monitor.analysis.by_entity import by_entity
from monitor.decide.cost import Cost
from monitor.loops import morning_words
from monitor.loops.morning_words import notice
from monitor.loops.router import Router
from monitor.messages.spreadsheet import csv_line
from monitor.model import Alert, Severity, Subject
from monitor.model.acts import DAEMON, Tell
from monitor.model.dates import utc_day
from monitor.model.facts import Notice, Report, Touched, of_kind
from monitor.model.ids import stable_id
from monitor.model.lists import Entity, Publication
from monitor.model.plain import count, duration, plural, quoted, tidy
from monitor.model.settings import Settings
from monitor.store import first_read, list_news, listing, notes, standing
from monitor.store.commit import commit
from monitor.store.first_read import First
from monitor.store.list_news import Later
from monitor.store.listing import Change
from monitor.store.port import Reader, Store

log = logging.getLogger("fundwatch.lists")

WINDOW = 14 * 86_400  # seconds for which a version may still have something to be told
AT_LATEST = 86_400  # seconds after which the second notice goes out with what is missing
WEEK = 7 * 86_400
NAMED = 20  # entities, rules and addresses that a section names
ROWS_MOST = 2000  # in an attached file
WORDS = ("added", "removed", "changed")

Costs = Callable[[Sequence[Subject]], Cost]
Touching = Callable[[Collection[Subject]], Sequence[Touched]]  # movements with our own addresses


def tell(
    store: Store,
    router: Router,
    settings: Settings,
    costs: Costs,
    touching: Touching,
    now: int,
) -> None:
    """Tell what is due of every list."""
    # Of a list that is of our own by now nobody is told what it holds.
    own = {name for name, config in settings.lists.items() if config.ours}
    versions = [v for v in list_news.later(store, now - WINDOW) if v.version.list not in own]
    names = [_ids(each) for each in versions]
    told = first_read.told(store, [one for both in names for one in both])
    for each, (taken, scanned, rest) in zip(versions, names, strict=True):
        if taken not in told:
            _tell_taken(store, router, settings, costs, each, now)
        if scanned not in told:
            number, unread = list_news.counted(store, each)
            if number and (not unread or now - each.taken >= AT_LATEST):
                _tell_scanned(store, router, settings, touching, each, scanned, now)
        elif rest not in told and _has_rest(store, each, scanned, now):
            _tell_scanned(store, router, settings, touching, each, rest, now)
    for name in (name for name in settings.lists if name not in own):
        _remind(store, router, settings, name, now)


def _ids(each: Later) -> tuple[str, str, str]:
    """Of what is told when it was taken, when its additions are read, and when what was missing
    then is read as well."""
    kinds = ("list taken", "list scanned", "list scanned in full")
    taken, scanned, rest = (
        stable_id("N", kind, each.version.list, str(each.version.nr)) for kind in kinds
    )
    return taken, scanned, rest


def _has_rest(store: Reader, each: Later, told: str, now: int) -> bool:
    """Whether more of what its additions had done was read since that was `told`: a person has
    said yes, or it took longer than a day."""
    newest = list_news.read_after(store, each, told)
    if newest is None or listing.state(store, each.version.list).grown is not None:
        return False
    return not list_news.counted(store, each)[1] or now - newest >= AT_LATEST


def _title(settings: Settings, name: str) -> str:
    config = settings.lists.get(name)
    return tidy(config.title if config else name, 40)


# -- when it was taken ---------------------------------------------------------------------------


@dataclass
class _Changes:
    """What a version changes, counted row by row: there may be a million."""

    counts: Counter[str] = field(default_factory=Counter)
    by: dict[str, dict[Entity, Counter[str]]] = field(default_factory=dict)  # chains
    rules: Counter[str] = field(default_factory=Counter)  # of added rows that are refused
    lines: list[str] = field(default_factory=list)  # CSV

    def add(self, change: Change) -> None:
        row = change.new or change.old
        if row is None:
            return
        published, judged = row.row.published, row.row.judged
        self.counts[change.word] += 1
        whom = self.by.setdefault(change.word, {}).setdefault(published.entity, Counter())
        whom[judged.chain or "not known"] += 1
        if change.word == "added" and judged.rule:
            self.rules[judged.rule] += 1
        if len(self.lines) < ROWS_MOST:
            e = published.entity
            cells = (change.word, judged.chain or "", judged.address or published.address, e.id)
            more = (e.name, "; ".join(e.programs), row.since, judged.rule)
            self.lines.append(csv_line((*cells, *more)))

    def entities(self, word: str) -> Iterator[str]:
        """Those with most rows first."""
        found = self.by.get(word, {})
        for whom in sorted(found, key=lambda each: -found[each].total())[:NAMED]:
            chains = ", ".join(f"{chain} {n:,}" for chain, n in found[whom].most_common(NAMED))
            yield f"{_whom(whom)}: {chains}."
        if len(found) > NAMED:
            yield f"And {len(found) - NAMED:,} more."

    def file(self, name: str) -> str:
        head = ("change", "chain", "address", "entity_id", "entity", "programs", "since", "refused")
        lines, more = [csv_line(head), *self.lines], self.counts.total() - len(self.lines)
        if more:
            lines.append(csv_line((f"{more} more: fundwatch lists diff {name}", *[""] * 7)))
        return "".join(lines)


def _whom(entity: Entity) -> str:
    programs = f" ({tidy(', '.join(entity.programs), 60)})" if entity.programs else ""
    name = quoted(entity.name, 60) if entity.name.strip() else ""
    return (" ".join(filter(None, [tidy(entity.id, 40), name])) or "nobody named") + programs


def _tell_taken(
    store: Store, router: Router, settings: Settings, costs: Costs, each: Later, now: int
) -> None:
    version, found = each.version, _Changes()
    for change in listing.changes(store, version.list, version.nr - 1, version.nr):
        found.add(change)
    if not found.counts:
        return  # lists are published anew for what is no address, too
    told = ", ".join(f"{found.counts[word]:,} {word}" for word in WORDS if found.counts[word])
    title = f"{_title(settings, version.list)}'s list of {version.day} was taken: {told}."
    refused = [f"{rule}: {plural(n, 'row')}." for rule, n in found.rules.most_common(NAMED)]
    removed = [*found.entities("removed")]
    if removed:
        removed += [
            "They stay watched until a person decides; every new message says that they are not "
            f"on the list now. See  fundwatch lists removals {version.list}",
        ]
    sections = (
        ("ADDED", tuple(found.entities("added"))),
        ("NOT READABLE", tuple(refused)),
        ("REMOVED", tuple(removed)),
        ("CHANGED", tuple(found.entities("changed"))),
        ("READING", tuple(_reading(store, costs, each))),
        ("VERSION", tuple(_of(version))),
    )
    report = Report(tuple(s for s in sections if s[1]), file=found.file(version.list))
    severity = Severity.MEDIUM if found.counts["added"] else Severity.LOW
    topic = "a list has a new version"
    say(store, router, notice(_ids(each)[0], severity, title, topic, report, now), now)


def _of(version: Publication) -> Iterator[str]:
    refused = sum(version.refused.values())
    yield (
        f"{version.list}: sha256 {version.sha256[:12]}, {plural(version.rows, 'row')}, "
        f"{refused:,} refused."
    )
    yield from morning_words.remarks_of(version)


def _reading(store: Reader, costs: Costs, each: Later) -> Iterator[str]:
    """What is read of the additions, what that costs, how long it takes."""
    name = each.version.list
    added = [reading.watched.entry for reading in list_news.additions(store, each)]
    if not added:
        return
    cost = costs([*dict.fromkeys(entry.subject for entry in added)])
    calls = f"at least {plural(sum(cost.calls.values()), 'call')}"
    took = f"at least {duration(int(cost.least_seconds) + 1)}"
    who = count(len(added), "address is", "addresses are")
    yield f"{who} watched for new movements from now on."
    if _waiting(store, name):
        yield (
            "The list has grown by more than a quarter, so what they did before is not read until "
            f"a person says yes: it takes {calls}, {took}. To read it:"
        )
        yield f"fundwatch lists update {name} --accept-grown --by NAME"
        return
    yield (
        f"What they did before is read now: it takes {calls}, {took}. One mail says when it is "
        "done, at the latest in a day."
    )


def _waiting(store: Reader, name: str) -> int:
    """Of how many entries the history waits for a yes."""
    grown = listing.state(store, name).grown
    return listing.waiting(store, name, utc_day(grown)) if grown is not None else 0


# -- when its additions are read -----------------------------------------------------------------


def _tell_scanned(
    store: Store,
    router: Router,
    settings: Settings,
    touching: Touching,
    each: Later,
    name: str,
    now: int,
) -> None:
    """`name`: the id of what is told."""
    found = list_news.additions(store, each)
    entries = [reading.watched.entry for reading in found]
    histories = first_read.histories(store, [entry.id for entry in entries])
    touched = touching({entry.subject for entry in entries})
    whose = {(t.chain, t.who) for t in touched}
    ours = {e.id for e in entries if (e.subject.chain, e.subject.address) in whose}
    parties = by_entity(entries, histories, first_read.prices(store), ours)
    version, read = each.version, sum(reading.told for reading in found)
    firsts = [First(version, each.taken)]
    failing = standing.failing_lists(store)
    alert = morning_words.read(
        *(name, firsts, found, parties, (), touched, failing, settings.chains, now)
    )
    moved = sum(party.moved > 0 for party in parties)
    title = (
        f"What {_title(settings, version.list)}'s list of {version.day} added, before watching "
        f"began: {read:,} of {count(len(found), 'address', 'addresses')} are read; {moved:,} of "
        f"{count(len(parties), 'party', 'parties')} moved in 30 days."
    )
    say(store, router, replace(_with_waiting(store, alert, version.list), title=title), now)


def _with_waiting(store: Reader, alert: Alert, name: str) -> Alert:
    """What a grown list added is not read before a person says yes."""
    waits, facts = _waiting(store, name), of_kind(alert.facts, Notice)
    if not waits or facts.report is None:
        return alert
    asked = (
        f"What {count(waits, 'address', 'addresses')} did before is not read until a person says "
        f"yes: fundwatch lists update {name} --accept-grown --by NAME"
    )
    report = replace(facts.report, sections=(("WAITING", (asked,)), *facts.report.sections))
    return replace(alert, facts=replace(facts, report=report))


# -- whoever it names no more --------------------------------------------------------------------


def _remind(store: Store, router: Router, settings: Settings, name: str, now: int) -> None:
    """A week after they were removed, and each week from then on."""
    key, gone = f"removals {name}", listing.removals(store, name)
    last = notes.get_note(store, key)
    if not gone or last is None:
        if bool(gone) != (last is not None):
            notes.put_note(store, key, str(now) if gone else None)
        return
    if now - int(last) < WEEK:
        return
    title = (
        f"{count(len(gone), 'address', 'addresses')} of {_title(settings, name)}'s list are not "
        "on it any more and still watched."
    )
    lines = [
        f"{_whom(Entity(o.entity, o.name, o.programs))}: {each.entry.subject.chain} "
        f"{each.entry.subject.address}, on it until {o.until}."
        for each in gone[:NAMED]
        if (o := each.entry.origin) is not None
    ]
    if len(gone) > NAMED:
        lines.append(f"And {len(gone) - NAMED:,} more: fundwatch lists removals {name}")
    cure = f"To end a watch: fundwatch lists retire {name} ADDRESS --by NAME --why TEXT"
    report = Report((("REMOVED", tuple(lines)), ("CURE", (cure,))))
    alert, topic = stable_id("N", "removals", name, last), "a list names some no more"
    if not first_read.told(store, [alert]):
        say(store, router, notice(alert, Severity.MEDIUM, title, topic, report, now), now)
    notes.put_note(store, key, str(now))


# -- telling it ---------------------------------------------------------------------------------


def say(store: Store, router: Router, alert: Alert, now: int) -> None:
    """Tell it; where a channel may not see all cases, without names."""
    routes = router.route(alert, None)
    if not router.may_see_labels({channel for _, channel, _ in routes}):
        alert = morning_words.without_names(alert)
    commit(store, DAEMON, Tell(now, [alert], routes))
    log.info("list notice=%s", alert.id)
