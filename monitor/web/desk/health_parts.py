"""What the page of health tells besides reading: sources, messages, channels, incidents, the
machine; each for who may know it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor import __version__
from monitor.loops.desk import wishes
from monitor.loops.desk.proposing import ALL
from monitor.loops.health import kept, recordwatch, second_status, second_words, status
from monitor.loops.health.snapshot import BudgetStatus, ChannelStatus, Deliveries, SourceStatus
from monitor.model.desk_work import Proposal
from monitor.model.incident import Incident
from monitor.model.plain import duration, tidy, without_addresses
from monitor.store import desk, desk_health, figures, notes, watch
from monitor.store.desk_health import Heard, Late
from monitor.store.outbox import Delivery
from monitor.web.desk.ask import Ask

DAY = 86_400
ENDED = 30 * DAY  # incidents that ended since then
FOUND_LATE = 3600  # seconds after an incident ends in which what it hid is found
# Incidents about the program itself, which name no case: by what their keys begin with.
MACHINE = ("fault:", "clock:", "record:", "stuck:", "overdue", "desk:")
# About a source of a chain: for who watches something on that chain.
OF_CHAIN = ("refused:", "oldhead:", "nosource:")
# About sources and ways to people: for who keeps the program running.
OPERATIONS = (*MACHINE, *OF_CHAIN, "budget:", "channel:", "head:", "foreign:")


# -- sources -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """A source of a chain."""

    chain: str
    name: str
    operator: str
    heard: Heard | None  # the newest block that it named; None: none is kept
    said: str  # what counts against it in the last seven days; empty: nothing
    asked: int | None  # lists that it read in that time; None: not for whoever looks
    budgets: tuple[BudgetStatus, ...]


def sources(ask: Ask, *, operates: bool) -> list[Source]:
    """Of chains on which whoever looks watches something; of all for who keeps it running."""
    seen = None if operates else desk_health.chains(ask.store, ask.sight)
    heard = desk_health.heard(ask.store)
    scored = {
        (s.chain, s.source): s for s in second_status.sources(ask.store, ask.settings, ask.now)
    }
    budgets: dict[str, list[BudgetStatus]] = {}
    for each in status.budgets_of(ask.store, ask.settings, ask.now):
        budgets.setdefault(each.source, []).append(each)
    watched = watch.active_chains(ask.store)
    found = []
    for key, chain in ask.settings.chains.items():
        if key not in (watched if seen is None else seen):
            continue
        for name in chain.sources:
            last, score = heard.get((key, name)), scored.get((key, name))
            found.append(
                Source(
                    *(chain.name, name, ask.settings.sources[name].operator or name, last),
                    # How much is asked and used tells how much is watched.
                    _against(score) if score and operates else "",
                    (score.asked if score else 0) if operates else None,
                    tuple(budgets.get(name, ())) if operates else (),
                )
            )
    return found


def _against(score: SourceStatus) -> str:
    return ", ".join(second_words.against(score))


# -- messages ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Channel:
    name: str
    off: str  # why it is switched off; empty: it is not
    numbers: ChannelStatus
    asked: Proposal | None  # the last test that somebody asked for at the desk


def channels(ask: Ask, sent: Deliveries) -> list[Channel]:
    """Ways to people: their names and numbers are for who keeps the program running."""
    asked: dict[str, Proposal] = {}
    for each in desk.proposals(ask.store, ALL, kind=wishes.TEST):
        asked[str(each.args.get("channel", ""))] = each
    return [Channel(c.channel, c.disabled or "", c, asked.get(c.channel)) for c in sent.channels]


def sending(ask: Ask) -> Deliveries:
    return status.deliveries_of(ask.store, ask.settings, ask.now)


def given_up(ask: Ask) -> list[tuple[str, list[Delivery]]]:
    """By message; at most so many as the store gives."""
    found: dict[str, list[Delivery]] = {}
    for each in desk_health.given_up(ask.store, ask.sight):
        found.setdefault(each.message, []).append(each)
    return [*found.items()]


# -- incidents ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """An incident that may be seen. Times in Unix seconds."""

    what: str
    cure: str
    severity: str
    since: int
    told: int | None
    closed: int | None
    cases: tuple[str, ...]
    late: Late | None  # what was found late, of one that ended and hid movements


@dataclass(frozen=True, slots=True)
class Incidents:
    open: tuple[Shown, ...]
    ended: tuple[Shown, ...]
    hidden: int | None  # open ones of cases that are not seen; None: nobody counts them here


def incidents(ask: Ask, *, operates: bool) -> Incidents:
    opened, ended = (
        desk_health.open_incidents(ask.store),
        desk_health.ended_incidents(ask.store, ask.now - ENDED),
    )
    seen = _Seen(ask, [*opened, *ended], operates=operates)
    shown = [each for each in opened if seen.may(each)]
    hidden = len(opened) - len(shown) if operates else None
    return Incidents(
        tuple(seen.shown(each) for each in shown),
        tuple(seen.shown(each) for each in ended if seen.may(each)),
        hidden,
    )


class _Seen:
    """Which incidents whoever looks may read. The words of one count all entries that it is about,
    so all of them have to be theirs."""

    def __init__(self, ask: Ask, every: Iterable[Incident], *, operates: bool) -> None:
        self._ask, self._operates = ask, operates
        self._wide = ask.sight.cases is None
        self._chains = desk_health.chains(ask.store, ask.sight) or frozenset()
        ids = [name for each in every for name in each.signal.who]
        self._cases: Mapping[str, str] = desk_health.seen_entries(ask.store, ask.sight, ids)

    def may(self, incident: Incident) -> bool:
        signal = incident.signal
        if self._wide or signal.key.startswith(MACHINE):
            return True
        if signal.who:
            whole = signal.number in (0, len(signal.who))
            return whole and all(each in self._cases for each in signal.who)
        if signal.key.startswith(OF_CHAIN):
            return self._operates or (signal.chain or "") in self._chains
        return self._operates and signal.key.startswith(OPERATIONS)

    def shown(self, incident: Incident) -> Shown:
        signal = incident.signal
        cases = {self._cases.get(each, "") for each in signal.who} - {""}
        return Shown(
            tidy(signal.what if self._wide or signal.who else without_addresses(signal.what), 1000),
            tidy(signal.cure, 600),
            signal.severity,
            incident.since,
            incident.told,
            incident.closed,
            tuple(sorted(cases)),
            self._late(incident),
        )

    def _late(self, incident: Incident) -> Late | None:
        signal = incident.signal
        if incident.closed is None or not signal.chain:
            return None
        until = incident.closed + FOUND_LATE
        ask = self._ask
        return desk_health.found_late(ask.store, ask.sight, signal.chain, incident.since, until)


# -- the machine -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Machine:
    """Bytes, and times in Unix seconds; None: not known, or never."""

    version: str
    started: int | None
    pass_at: int | None
    backup: int | None
    record: int
    free: int
    heartbeat: str


def machine(ask: Ask) -> Machine:
    noted = (notes.get_note(ask.store, "pass") or "").split()
    started = notes.get_note(ask.store, "started")
    return Machine(
        *(__version__, int(started) if started else None, int(noted[0]) if noted else None),
        *(figures.last_backup(ask.store), figures.size(ask.store)),
        *(recordwatch.free(ask.settings.home), _heartbeat(ask)),
    )


def _heartbeat(ask: Ask) -> str:
    if not ask.settings.heartbeat_url:
        return "none is set up: nobody is told when this machine dies"
    beat = kept.last_heartbeat(ask.store)
    if beat is None or beat.accepted is None:
        return "none was accepted yet"
    ago = f"accepted {duration(ask.now - beat.accepted)} ago"
    return f"{ago}; the last one was not: {tidy(beat.error, 200)}" if beat.error else ago
