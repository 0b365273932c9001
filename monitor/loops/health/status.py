"""`fundwatch status`: what has been read up to when, what waits, what is wrong. Reads only."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

from monitor.decide import retention
from monitor.loops.health import (
    balance_status,
    chain_status,
    kept,
    list_status,
    second_status,
    trace_status,
    vitals,
)
from monitor.loops.health.chain_values import Time
from monitor.loops.health.entry_status import (
    age,
    entries_read,
    tally,
    worst_read,
)
from monitor.loops.health.kept import Tested
from monitor.loops.health.snapshot import (
    AnswersStatus,
    BalancesStatus,
    BudgetStatus,
    CaseOver,
    ChannelStatus,
    ChannelTest,
    Deliveries,
    DeskStatus,
    EntryStatus,
    HeartbeatStatus,
    LastPass,
    OpenAlerts,
    OpenIncident,
    PrunedStatus,
    PublishedStatus,
    RecordStatus,
    RetentionStatus,
    Snapshot,
    WatchlistStatus,
)
from monitor.loops.health.verdict import Verdict
from monitor.model.incident import Incident
from monitor.model.settings import Settings
from monitor.model.status import State
from monitor.store import (
    answers,
    budgets,
    cases,
    desk,
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

NONE = Sent()
MOST = 1000  # entries above which only the worst are shown


def snapshot(
    store: Store,
    settings: Settings,
    now: int,
    *,
    running: bool,
    health: Verdict | None = None,
    entries: bool = True,
    everything: bool = False,
) -> Snapshot:
    """Everything that `status` shows. Raises StoreError.

    `health`: the verdict where more is known than the record tells. Without `entries` each of
    them is left out, with all that is counted from them: at 100,000 they take long. Above MOST
    entries only the worst are looked at, unless `everything`."""
    each: tuple[EntryStatus, ...] = ()
    counts, left_out = Counter[State](), 0
    if entries and (everything or standing.active_entries(store) <= MOST):
        each = entries_read(store, settings, now, running=running)
        counts.update(entry.state for entry in each)
    elif entries:
        each = worst_read(store, settings, now, running=running, most=MOST)
        for (_, state), number in vitals.states(store, settings, now).items():
            counts[state] += number
        shown = sum(entry.state != State.COMPLETE for entry in each)
        left_out = max(0, counts.total() - counts[State.COMPLETE] - shown)
    return Snapshot(
        at=Time(now),
        health=health or vitals.look(store, settings, now, running=running),
        verdict=tally(store, settings, +counts),
        running=running,
        started=_started(store),
        last_pass=_last_pass(store, now),
        overdue_seconds=vitals.overdue(store, settings, now),
        hold_severe_seconds=settings.hold_severe,
        entries=each,
        left_out=left_out,
        chains=chain_status.chains(store, now) if entries else {},
        balances=balance_status.tally(store, now) if entries else BalancesStatus(),
        sources=second_status.sources(store, settings, now),
        second=second_status.second(store, now),
        deliveries=deliveries_of(store, settings, now),
        budgets=tuple(budgets_of(store, settings, now)),
        followed=standing.followed(store),
        traces=trace_status.cases(store, now) if entries else (),
        alerts=_alerts(store, now),
        incidents=tuple(_incident(i) for i in incident_list(store, open_only=True)),
        heartbeat=_heartbeat(store, settings, now),
        record=_size(store, now),
        watchlist=_watchlist(store, settings),
        retention=retention_of(store, settings, now),
        lists=_published(store, settings, now),
        desk=_desk(store) if settings.web.on else None,
    )


def _desk(store: Reader) -> DeskStatus:
    found = desk.counts(store)
    return DeskStatus(found["waiting"], found["agreed"], found["one"])


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
                age_seconds=age(state.had, now),
                missing_since=Time.of(late[name].since) if name in late else None,
                error=list_status.wrong(name, state) or (late[name].why if name in late else ""),
            )
        )
    return tuple(sorted(found, key=lambda each: not each.error))


def _started(store: Reader) -> Time | None:
    text = notes.get_note(store, "started")
    return Time(text) if text else None


def _last_pass(store: Reader, now: int) -> LastPass | None:
    ended, _, seconds = (notes.get_note(store, "pass") or "").partition(" ")
    if not ended:
        return None
    return LastPass(Time(ended), max(0, now - int(ended)), float(seconds))


def deliveries_of(store: Reader, settings: Settings, now: int) -> Deliveries:
    """How messages stand, over all channels and by channel."""
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


def budgets_of(store: Reader, settings: Settings, now: int) -> Iterable[BudgetStatus]:
    """Calls of limited sources in the present hour and day."""
    used = {(key, seconds): number for key, seconds, number in budgets.budgets(store, now)}
    for name, config in settings.sources.items():
        for seconds, limit in ((3600, config.calls_per_hour), (86_400, config.calls_per_day)):
            if limit is not None:
                yield BudgetStatus(name, seconds, used.get((name, seconds), 0), limit)


def _alerts(store: Reader, now: int) -> OpenAlerts:
    number, oldest = figures.untaken_since(store)
    return OpenAlerts(number, Time.of(oldest), age(oldest, now))


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
        age_seconds=age(accepted, now),
        error=beat.error if beat else "",
    )


def _size(store: Reader, now: int) -> RecordStatus:
    backed_up = figures.last_backup(store)
    return RecordStatus(
        movements=figures.rows_of(store, "transfer")["transfer"],
        bytes=figures.size(store),
        last_backup=Time.of(backed_up),
        backup_seconds=age(backed_up, now),
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
