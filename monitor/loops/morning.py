"""The first morning with published lists: one mail after five minutes, one within a day.

Lists whose first versions are taken within an hour begin together. What was told is seen by the
alerts themselves, whose ids are made of the lists: a kill before they are written tells them
again, one after it does not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.analysis.by_entity import by_entity
from monitor.decide.incidents import GATHERED
from monitor.loops import morning_words
from monitor.loops.router import Router
from monitor.model import Severity, Subject
from monitor.model.acts import DAEMON, Tell, TellIncidents
from monitor.model.facts import Touched
from monitor.model.ids import stable_id
from monitor.model.incident import Incident
from monitor.model.settings import Settings
from monitor.store import first_read, incidents, notes, standing
from monitor.store.commit import commit
from monitor.store.first_read import First
from monitor.store.port import Reader, Store

log = logging.getLogger("fundwatch.lists")

TOGETHER = 3600  # seconds within which first versions of several lists begin one morning
BEGUN_AFTER = 300  # seconds after which the first mail says how it goes
AT_LATEST = 23 * 3600  # seconds after which the table goes out with what there is: within a day
DAY = 86_400
BUSY = "busy:"  # what keys of incidents about very busy addresses begin with
# Seconds from one notice to operations to the next during the first day: what a start brings
# (chains without a source, keys that are missing) is told together.
PAUSES = (3 * 3600, 12 * 3600)

# All that is recorded between these addresses and our own.
Among = Callable[[Iterable[Subject]], Sequence[Touched]]


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


def tell(
    store: Store,
    router: Router,
    settings: Settings,
    round_seconds: int,
    among: Among,
    now: int,
) -> None:
    """Tell what is due of every morning."""
    for morning in under_way(store):
        told = first_read.told(store, [morning.begun])
        if morning.begun not in told:
            began = notes.get_note(store, "daily_at")  # by the first start at the earliest
            if began and now - max(morning.start, int(began)) >= BEGUN_AFTER:
                _tell_begun(store, router, settings, morning, round_seconds, now)
            continue
        served = [key for key, chain in settings.chains.items() if chain.sources]
        over = now - (told[morning.begun] - BEGUN_AFTER) >= AT_LATEST
        # That an address is too busy is seen when it is read again.
        settled = now - first_read.newest_history(store, morning.lists) >= round_seconds
        if over or (settled and not first_read.unread(store, morning.lists, served)):
            _tell_read(store, router, settings, morning, among, now)


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
    begun = first_read.told(store, [every[0].begun]).get(every[0].begun)
    if begun is not None:
        start = begun - BEGUN_AFTER
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
    return max(start + DAY, int(mail.timestamp()) + TOGETHER)


def _next(store: Reader, start: int) -> int:
    """When operations may be told again of trouble with reading."""
    told = sorted(set(first_read.incidents_told(store, start, "operations")))
    if not told:
        return start + BEGUN_AFTER
    return told[-1] + PAUSES[len(told) - 1] if len(told) <= len(PAUSES) else 2**62


# -- telling -------------------------------------------------------------------------------------


def _tell_begun(
    store: Store,
    router: Router,
    settings: Settings,
    morning: Morning,
    round_seconds: int,
    now: int,
) -> None:
    found = [each for name in morning.lists for each in first_read.entries(store, name)]
    alert = morning_words.begun(
        *(morning.begun, morning.firsts, found, standing.failing_lists(store)),
        *(settings.chains, round_seconds, now),
    )
    commit(store, DAEMON, Tell(now, [alert], router.route(alert, None)))
    log.info("lists begun notice=%s", alert.id)


def _tell_read(
    store: Store, router: Router, settings: Settings, morning: Morning, among: Among, now: int
) -> None:
    found = [each for name in morning.lists for each in first_read.entries(store, name)]
    entries = [each.watched.entry for each in found]
    ids = {entry.id for entry in entries}
    touched = among({entry.subject for entry in entries})
    places = {(each.chain, each.who) for each in touched}
    ours = {e.id for e in entries if (e.subject.chain, e.subject.address) in places}
    histories = first_read.histories(store, ids)
    parties = by_entity(entries, histories, first_read.prices(store), ours)
    busy = [
        each
        for each in incidents.incident_list(store, open_only=True)
        if _is_asked(each) and ids.intersection(each.signal.who)
    ]
    alert = morning_words.read(
        *(morning.read, morning.firsts, found, parties, busy, touched),
        *(standing.failing_lists(store), settings.chains, now),
    )
    routes = router.route(alert, None)
    if not router.may_see_labels({channel for _, channel, _ in routes}):
        alert = morning_words.without_names(alert)
    if busy:
        keys = [each.signal.key for each in busy]
        commit(store, DAEMON, TellIncidents(now, keys, "opened", [alert], routes))
    else:
        commit(store, DAEMON, Tell(now, [alert], routes))
    log.info("lists read notice=%s entries=%d parties=%d", alert.id, len(found), len(parties))
