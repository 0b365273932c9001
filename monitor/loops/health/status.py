"""`fundwatch status`: what has been read up to when, what waits, what is wrong. Reads only."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from monitor.chains.table import streams_of
from monitor.decide import retention
from monitor.loops.health import (
    balance_status,
    held,
    kept,
    list_status,
    second_status,
    vitals,
)
from monitor.loops.health.balance_status import Balances
from monitor.loops.health.kept import Tested
from monitor.loops.health.snapshot import (
    AnswersStatus,
    BudgetStatus,
    CaseOver,
    ChannelStatus,
    ChannelTest,
    Deliveries,
    DormantStatus,
    EntryStatus,
    HeartbeatStatus,
    HeldStatus,
    LastPass,
    ListStatus,
    OpenAlerts,
    OpenIncident,
    PrunedStatus,
    PublishedStatus,
    Reached,
    RecordStatus,
    RetentionStatus,
    Snapshot,
    Tally,
    Time,
    WatchlistStatus,
)
from monitor.loops.health.verdict import Verdict
from monitor.loops.health.vitals import OVERDUE
from monitor.loops.health.words import count
from monitor.model import Chain, Interval, Subject, Watched, intervals
from monitor.model.incident import Incident
from monitor.model.life import UNCOVERED, Dormant, proven
from monitor.model.plain import utc
from monitor.model.settings import Settings
from monitor.model.status import State, Unread
from monitor.model.streams import UNSERVED
from monitor.store import (
    answers,
    budgets,
    cases,
    dormant,
    figures,
    listing,
    notes,
    outbox,
    standing,
    watch,
    ways,
)
from monitor.store.figures import Sent
from monitor.store.incidents import incident_list
from monitor.store.port import Reader, Store
from monitor.store.standing import ListRead

NONE, NEVER = Sent(), ListRead()
OLD_HEAD = 3600  # seconds: a newest block older than this is remarked upon


@dataclass(frozen=True)
class _Loaded:
    """What the record says about reading, loaded once."""

    settings: Settings
    now: int
    running: bool
    lists: Mapping[tuple[str, str], ListRead]  # by subject and stream
    covered: Mapping[tuple[str, str], tuple[Interval, ...]]
    gaps: Mapping[tuple[str, str], Sequence[Unread]]
    due: Mapping[str, int]  # by subject
    history_told: frozenset[str]  # entry ids
    asleep: Mapping[str, Dormant]  # by subject: what never lived, and is not read list by list
    held: frozenset[str]  # subjects whose history is too long to be read unasked
    balances: Balances
    funds: Mapping[str, HeldStatus]  # by entry, of those whose funds are held

    @cached_property
    def tried(self) -> Mapping[str, Sequence[str]]:
        """By subject: which lists were ever tried."""
        found: dict[str, list[str]] = {}
        for subject, stream in sorted(self.lists):
            found.setdefault(subject, []).append(stream)
        return found


def snapshot(
    store: Store,
    settings: Settings,
    now: int,
    *,
    running: bool,
    health: Verdict | None = None,
    entries: bool = True,
) -> Snapshot:
    """Everything that `status` shows. Raises StoreError.

    `health`: the verdict where more is known than the record tells. Without `entries` each of
    them is left out, with all that is counted from them: at 100,000 they take long."""
    each = entries_read(store, settings, now, running=running) if entries else ()
    return Snapshot(
        at=Time(now),
        health=health or vitals.look(store, settings, now, running=running),
        verdict=_tally(each),
        running=running,
        started=_started(store),
        last_pass=_last_pass(store, now),
        overdue_seconds=vitals.overdue(store, settings, now),
        hold_severe_seconds=settings.hold_severe,
        entries=each,
        balances=balance_status.tally(each, now),
        sources=second_status.sources(store, settings, now),
        second=second_status.second(store, now),
        deliveries=_deliveries(store, settings, now),
        budgets=tuple(_budgets(store, settings, now)),
        followed=standing.followed(store),
        alerts=_alerts(store, now),
        incidents=tuple(_incident(i) for i in incident_list(store, open_only=True)),
        heartbeat=_heartbeat(store, settings, now),
        record=_size(store, now),
        watchlist=_watchlist(store, settings),
        retention=retention_of(store, settings, now),
        lists=_published(store, settings, now),
    )


def _published(store: Reader, settings: Settings, now: int) -> tuple[PublishedStatus, ...]:
    late, found = list_status.lateness(store, settings, now), []
    for name, config in settings.lists.items():
        newest, state = listing.newest(store, name), listing.state(store, name)
        found.append(
            PublishedStatus(
                list=name,
                title=config.title,
                day=newest.day if newest else None,
                rows=newest.rows if newest else 0,
                had=Time.of(state.had),
                age_seconds=_age(state.had, now),
                missing_since=Time.of(late[name].since) if name in late else None,
                error=list_status.wrong(name, state) or (late[name].why if name in late else ""),
            )
        )
    return tuple(sorted(found, key=lambda each: not each.error))


def entries_read(
    store: Reader, settings: Settings, now: int, *, running: bool
) -> tuple[EntryStatus, ...]:
    """How far each active entry is read, in the order of adding. Raises StoreError."""
    loaded = _load(store, settings, now, running)
    absent = {w.entry.id for w in watch.absent_entries(store)}
    active = [w for w in watch.all_entries(store) if w.active]
    return tuple(_entry(loaded, w, w.entry.id in absent) for w in active)


def _load(store: Reader, settings: Settings, now: int, running: bool) -> _Loaded:
    lists = standing.lists_read(store)
    incidents = (i.signal.key for i in incident_list(store, open_only=True))
    return _Loaded(
        settings=settings,
        now=now,
        running=running,
        lists=lists,
        covered={
            (subject, stream): intervals.union(parts)
            for (subject, stream, axis), parts in standing.covered(store).items()
            if (read := lists.get((subject, stream))) and axis == read.axis
        },
        gaps=standing.unread(store),
        due=standing.due_times(store),
        history_told=standing.history_told(store),
        asleep=dormant.asleep(store),
        held=frozenset(k.partition(":")[2] for k in incidents if k.startswith("busy:")),
        balances=Balances.load(store),
        funds={each.entry.id: each.status() for each in held.accounts(store, settings, now)},
    )


# -- reading -----------------------------------------------------------------------------


def _entry(loaded: _Loaded, watched: Watched, absent: bool) -> EntryStatus:
    entry = watched.entry
    chain = loaded.settings.chains.get(entry.subject.chain)
    names = streams_of(chain) if chain else loaded.tried.get(entry.subject.key, ())
    streams = tuple(_list(loaded, watched, chain, name) for name in names)
    # Where nothing at all is served, nothing is seen.
    states = {s.state for s in streams} - {State.NOT_SERVED} or {State.BLIND}
    return EntryStatus(
        id=entry.id,
        case=entry.case,
        label=entry.label,
        severity=entry.severity.value,
        chain=entry.subject.chain,
        address=entry.subject.address,
        absent=absent,
        state=next(state for state in State if state in states),
        streams=streams,
        dormant=_dormant(loaded, entry.subject),
        balances=loaded.balances.of(entry.subject.key),
        held=loaded.funds.get(entry.id),
    )


def _dormant(loaded: _Loaded, subject: Subject) -> DormantStatus | None:
    found = loaded.asleep.get(subject.key)
    if found is None:
        return None
    return DormantStatus(
        since=Time(found.since),
        block=found.height,
        hash=found.block_hash,
        time=Time(found.time),
        age_seconds=max(0, loaded.now - found.time),
        by=found.source,
        not_covered=UNCOVERED,
    )


def _list(loaded: _Loaded, watched: Watched, chain: Chain | None, stream: str) -> ListStatus:
    key = (watched.entry.subject.key, stream)
    read = loaded.lists.get(key, NEVER)
    state, reason = _state(loaded, watched, chain, read, key)
    failing, reached = Time.of(read.failing), Time.of(read.complete_time)
    return ListStatus(
        stream=stream,
        state=state,
        reason=reason,
        covered_from=_covered_from(loaded, watched, read, key),
        covered_to=None if reached is None else Reached(read.axis, read.complete_to, reached),
        by=read.source,
        age_seconds=_age(reached, loaded.now),
        failing_since=failing,
        failing_seconds=None if failing is None else loaded.now - failing,
        unserved=read.error == UNSERVED,
        gaps=tuple(loaded.gaps.get(key, ())),
    )


def _age(at: int | None, now: int) -> int | None:
    """Clocks differ: what is to come is of now."""
    return None if at is None else max(0, now - at)


def _state(
    loaded: _Loaded, watched: Watched, chain: Chain | None, read: ListRead, key: tuple[str, str]
) -> tuple[State, str]:
    """One word for a list of one entry, and why it is not "complete"."""
    if chain is None:
        return State.BLIND, f"{watched.entry.subject.chain} is no longer in config/chains.yaml"
    if not chain.sources:
        return State.BLIND, f"no source is in service for {chain.name}; see `fundwatch check`"
    if read.failing is not None:
        if read.error == UNSERVED:
            return State.NOT_SERVED, UNSERVED
        return State.BLIND, f"{read.error or 'it could not be read'} (since {utc(read.failing)})"
    asleep = loaded.asleep.get(key[0])
    if asleep is not None and watched.baseline is not None:
        return _asleep(loaded, asleep)
    if read.ok is None or watched.baseline is None:
        return State.NOT_READ, "the first read is still to come"
    for reason in _shortfalls(loaded, watched, read, key):
        return State.BEHIND, reason
    if (_age(read.complete_time, loaded.now) or 0) > OLD_HEAD:
        return State.COMPLETE, f"{read.source} has no newer block: it or the chain stands still"
    return State.COMPLETE, ""


def _asleep(loaded: _Loaded, found: Dormant) -> tuple[State, str]:
    """How every list of an address stands that never lived on its chain."""
    said = proven(found)
    if found.failing is not None:
        why = f"no node says more since {utc(found.failing)}: {found.error}"
        return State.BEHIND, f"{said}; {why}"
    due = loaded.due.get(found.subject.key, loaded.now)
    if loaded.now - due > OVERDUE:
        why = "asking again is overdue" if loaded.running else "no Fundwatch runs"
        return State.BEHIND, f"{why}; {said}"
    return State.DORMANT, said


def _shortfalls(
    loaded: _Loaded, watched: Watched, read: ListRead, key: tuple[str, str]
) -> Iterable[str]:
    """Why a list that can be read is not complete, the weightiest first."""
    if read.complete_time is None:
        yield "its newest part has not been read in full yet"
    if loaded.now - loaded.due.get(key[0], loaded.now) > OVERDUE:
        why = "reading is overdue" if loaded.running else "no Fundwatch runs"
        yield f"{why}; last read {utc(read.ok)}"
    for gap in loaded.gaps.get(key, ()):
        yield f"{gap.axis} {gap.from_} to {gap.to} could not be read: {gap.reason}"
    if key[0] in loaded.held:
        yield "over 100,000 movements: history is held back until its entry says  busy: yes"
    if watched.entry.id not in loaded.history_told:
        yield "its history is still being read"
    elif len(loaded.covered.get(key, ())) > 1:
        yield "a part in between is still to be read"


def _covered_from(
    loaded: _Loaded, watched: Watched, read: ListRead, key: tuple[str, str]
) -> str | None:
    """Where the unbroken part begins: what `since` asked for once that has been reached."""
    if read.ok is None:
        return None
    parts = loaded.covered.get(key, ())
    whole = watched.entry.id in loaded.history_told and key[0] not in loaded.held
    if whole and len(parts) <= 1:
        since = watched.entry.since
        return f"block {since}" if since.isdecimal() else since
    if not parts:
        return None
    return read.axis.words(parts[-1].lo)


def _tally(entries: Sequence[EntryStatus]) -> Tally:
    counts = Counter(entry.state for entry in entries)
    words = f"{counts[State.COMPLETE]} of {count(len(entries), 'entry', 'entries')} fully read"
    if limits := _named_lists(entries, State.NOT_SERVED):
        words += f", but for lists that no source serves ({limits})"
    if blind := counts[State.BLIND]:
        words += f", {blind} partly or wholly blind ({_named_lists(entries, State.BLIND)})"
    for state in (State.BEHIND, State.NOT_READ, State.DORMANT):
        words += f", {counts[state]} {state}" if counts[state] else ""
    return Tally(
        words=words if entries else "no address is watched",
        entries=len(entries),
        complete=counts[State.COMPLETE],
        behind=counts[State.BEHIND],
        blind=counts[State.BLIND],
        not_read=counts[State.NOT_READ],
        dormant=counts[State.DORMANT],
    )


def _named_lists(entries: Sequence[EntryStatus], state: State) -> str:
    """Which lists stand so: "bnb native internal, tron all lists"."""
    found: dict[str, list[str]] = {}
    everything: dict[str, int] = {}
    for entry in entries:
        everything[entry.chain] = len(entry.streams)
        mine = [each.stream for each in entry.streams if each.state == state]
        if mine or (not entry.streams and entry.state == state):
            found.setdefault(entry.chain, []).extend(mine)
    named = {chain: list(dict.fromkeys(streams)) for chain, streams in found.items()}
    return ", ".join(
        f"{chain} {'all lists' if len(s) == everything[chain] else ' '.join(s)}"
        for chain, s in named.items()
    )


# -- the rest ----------------------------------------------------------------------------


def _started(store: Reader) -> Time | None:
    text = notes.get_note(store, "started")
    return Time(text) if text else None


def _last_pass(store: Reader, now: int) -> LastPass | None:
    ended, _, seconds = (notes.get_note(store, "pass") or "").partition(" ")
    if not ended:
        return None
    return LastPass(Time(ended), max(0, now - int(ended)), float(seconds))


def _deliveries(store: Reader, settings: Settings, now: int) -> Deliveries:
    sent, errors, off = figures.sent(store), figures.last_errors(store), ways.disabled(store)
    names = list(dict.fromkeys([*settings.channels, *(name for name, _ in sent), *off]))
    tested = kept.last_tests(store, names)
    found = tuple(
        _channel(name, sent, errors.get(name, ""), off.get(name), tested.get(name))
        for name in names
    )
    owed = figures.owed(store)
    return Deliveries(
        waiting=sum(each.waiting for each in found),
        accepted=sum(each.accepted for each in found),
        dead=sum(each.dead for each in found),
        next_due=min((each.next_due for each in found if each.next_due), default=None),
        late_seconds=outbox.late(store, now),
        unsent=sum(number for form, number in owed.items() if form != "daily"),
        daily=owed.get("daily", 0),
        channels=found,
    )


def _channel(
    name: str,
    sent: Mapping[tuple[str, str], Sent],
    error: str,
    disabled: str | None,
    tested: Tested | None,
) -> ChannelStatus:
    waiting = sent.get((name, "waiting"), NONE)
    return ChannelStatus(
        channel=name,
        waiting=waiting.number,
        accepted=sent.get((name, "accepted"), NONE).number,
        dead=sent.get((name, "dead"), NONE).number,
        attempts=waiting.attempts,
        next_due=Time.of(waiting.due),
        last_error=error,
        disabled=disabled,
        tested=ChannelTest(Time(tested.at), tested.good, tested.words) if tested else None,
    )


def _budgets(store: Reader, settings: Settings, now: int) -> Iterable[BudgetStatus]:
    used = {(key, seconds): number for key, seconds, number in budgets.budgets(store, now)}
    for name, config in settings.sources.items():
        for seconds, limit in ((3600, config.calls_per_hour), (86_400, config.calls_per_day)):
            if limit is not None:
                yield BudgetStatus(name, seconds, used.get((name, seconds), 0), limit)


def _alerts(store: Reader, now: int) -> OpenAlerts:
    number, oldest = figures.untaken_since(store)
    return OpenAlerts(number, Time.of(oldest), _age(oldest, now))


def _incident(incident: Incident) -> OpenIncident:
    signal = incident.signal
    return OpenIncident(
        key=signal.key,
        what=signal.what,
        cure=signal.cure,
        severity=signal.severity,
        since=Time(incident.since),
        told=Time.of(incident.told),
    )


def _heartbeat(store: Reader, settings: Settings, now: int) -> HeartbeatStatus:
    beat = kept.last_heartbeat(store)
    accepted = beat.accepted if beat else None
    return HeartbeatStatus(
        wanted=bool(settings.heartbeat_url),
        accepted=Time.of(accepted),
        age_seconds=_age(accepted, now),
        error=beat.error if beat else "",
    )


def _size(store: Reader, now: int) -> RecordStatus:
    backed_up = figures.last_backup(store)
    return RecordStatus(
        movements=figures.rows_of(store, "transfer")["transfer"],
        bytes=figures.size(store),
        last_backup=Time.of(backed_up),
        backup_seconds=_age(backed_up, now),
        answers=_answers(store, now),
    )


def _answers(store: Reader, now: int) -> AnswersStatus:
    kept, went = answers.size(store, now), answers.last_pruned(store)
    pruned = PrunedStatus(
        at=Time(went.at), number=went.bodies, bytes=went.bytes, of_alerts=went.of_alerts
    ) if went else None  # fmt: skip
    return AnswersStatus(
        number=kept.bodies,
        bytes=kept.bytes,
        last_30_days_bytes=kept.last_30_days,
        oldest=Time.of(kept.oldest),
        pruned=pruned,
    )


def retention_of(store: Reader, settings: Settings, now: int) -> RetentionStatus:
    """The closed cases that need not be kept any longer."""
    years = settings.retention_years
    found = retention.over(cases.changed(store), years, now)
    return RetentionStatus(years, tuple(CaseOver(case, Time(at)) for case, at in found.items()))


def _watchlist(store: Reader, settings: Settings) -> WatchlistStatus:
    taken = watch.last_list(store)
    path = settings.home / "watchlist.yaml"
    now_there = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    return WatchlistStatus(
        sha256=taken.sha256 or None,
        taken_at=Time.of(taken.at),
        current=taken.at is not None and taken.sha256 == now_there,
        refused=tuple(taken.refused),
        awaiting_retirement=tuple(sorted(w.entry.id for w in watch.absent_entries(store))),
    )
