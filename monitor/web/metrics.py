"""What Prometheus reads: the figures of `fundwatch status`. Labels hold names of chains,
channels, sources and published lists, never an address, a label or a case."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor import __version__
from monitor.loops.health import list_status, trace_status, vitals
from monitor.loops.health.snapshot import Snapshot
from monitor.model.settings import Settings
from monitor.model.status import State
from monitor.store import balance_figures, figures
from monitor.store.port import Reader, Store

TABLES = ("transfer", "alert", "message", "delivery")
WINDOWS = {3600: "hour", 86_400: "day"}
STATES = {
    State.COMPLETE: "complete",
    State.BEHIND: "behind",
    State.BLIND: "blind",
    State.NOT_READ: "not_read",
    State.DORMANT: "dormant",
}

Value = float | None  # None: there is none yet


def exposition(store: Store, settings: Settings, found: Snapshot, now: int) -> str:
    """The text that /metrics gives. `found`: see status.snapshot, its entries are not needed.
    Raises StoreError."""
    registry = CollectorRegistry(auto_describe=False)
    counts = vitals.states(store, settings, now)
    registry.register(_Figures(store, found, counts, vitals.ages(store, now)))
    registry.register(_Lists(list_status.ages(store, settings, now)))
    return generate_latest(registry).decode()


class _Figures(Collector):
    def __init__(
        self,
        store: Reader,
        found: Snapshot,
        counts: Mapping[tuple[str, State], int],
        ages: Mapping[str, int],
    ) -> None:
        self._store, self._found, self._counts, self._ages = store, found, counts, ages

    def collect(self) -> Iterator[Metric]:
        found = self._found
        build = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily("fundwatch_build", "Which Fundwatch this is.", value=build)
        yield _one(
            "healthy",
            "1 while `fundwatch status --healthy` is well.",
            float(found.health.well),
        )
        yield from _reading(found, self._counts, self._ages)
        yield from _balances(self._store, int(found.at))
        yield from _followed(found)
        yield from _traces(self._store, int(found.at))
        yield from _budgets(found)
        yield from _telling(found)
        yield from _record(self._store, found)


class _Lists(Collector):
    def __init__(self, ages: Mapping[str, int | None]) -> None:
        self._ages = ages

    def collect(self) -> Iterator[Metric]:
        yield _many(
            "list_age_seconds",
            "Since a published list was last had; one that is only taken by command has none.",
            ("list",),
            (((name,), age) for name, age in self._ages.items()),
        )


def _reading(
    found: Snapshot, counts: Mapping[tuple[str, State], int], ages: Mapping[str, int]
) -> Iterator[Metric]:
    age, took = (last.age_seconds, last.seconds) if (last := found.last_pass) else (None, None)
    yield _one("last_pass_age_seconds", "Since the last pass ended.", age)
    yield _one("last_pass_duration_seconds", "What the last pass took.", took)
    yield _one(
        "overdue_seconds",
        "For which addresses are due and nothing at all is read.",
        found.overdue_seconds,
    )
    chains = sorted({chain for chain, _ in counts})
    yield _many(
        "entries",
        "Watched entries by how far they are read.",
        ("chain", "state"),
        (
            ((chain, STATES[state]), counts.get((chain, state), 0))
            for chain in chains
            for state in STATES
        ),
    )
    yield _many(
        "reading_age_seconds",
        "Of the newest block to which all lists were read, at the list that is furthest behind.",
        ("chain",),
        (((chain,), age) for chain, age in sorted(ages.items())),
    )


def _balances(store: Reader, now: int) -> Iterator[Metric]:
    yield _many(
        "balances",
        "Balances of watched addresses, by how the record stands to the chain.",
        ("chain", "state"),
        (
            ((chain, state.value), number)
            for (chain, state), number in sorted(balance_figures.by_chain(store).items())
        ),
    )
    yield _many(
        "balance_age_seconds",
        "Since the balance that was asked for the longest ago was.",
        ("chain",),
        (((chain,), max(0, now - at)) for chain, at in balance_figures.oldest(store).items()),
    )


def _followed(found: Snapshot) -> Iterator[Metric]:
    followed = found.followed
    counts = {
        "spent": followed.spent,
        "blind": followed.blind,
        "not_read": followed.not_read,
    }
    read = followed.addresses - sum(counts.values())
    yield _many(
        "followed_addresses",
        "Addresses that are followed, by how they are read.",
        ("state",),
        (((state,), number) for state, number in {"read": read, **counts}.items()),
    )


def _traces(store: Reader, now: int) -> Iterator[Metric]:
    lefts = trace_status.lefts(store, now).values()
    states = {
        "following": sum(left.finding > 0 for left in lefts),
        "out_of_calls": sum(left.finding <= 0 for left in lefts),
    }
    yield _many(
        "trace_cases",
        "Cases whose money is followed, by whether they may look for further addresses.",
        ("state",),
        (((state,), number) for state, number in states.items()),
    )
    yield _one(
        "trace_calls_left_today",
        "The fewest calls that a case may make today to watch where value rests.",
        min((float(left.watching) for left in lefts), default=None),
    )


def _budgets(found: Snapshot) -> Iterator[Metric]:
    limited = [
        (budget, (budget.source, WINDOWS[budget.window_seconds]))
        for budget in found.budgets
        if budget.limit
    ]
    labels = ("source", "window")
    yield _many(
        "budget_used_calls",
        "Calls taken in this hour or day.",
        labels,
        ((names, budget.used) for budget, names in limited),
    )
    yield _many(
        "budget_limit_calls",
        "Calls allowed in this hour or day.",
        labels,
        ((names, budget.limit) for budget, names in limited),
    )


def _telling(found: Snapshot) -> Iterator[Metric]:
    sent, alerts = found.deliveries, found.alerts
    yield _many(
        "deliveries",
        "Messages to recipients, by what became of them.",
        ("channel", "state"),
        (
            ((c.channel, state), number)
            for c in sent.channels
            for state, number in (
                ("waiting", c.waiting),
                ("accepted", c.accepted),
                ("dead", c.dead),
            )
        ),
    )
    yield _many(
        "channel_disabled",
        "1 for a channel that is switched off.",
        ("channel",),
        (((c.channel,), float(bool(c.disabled))) for c in sent.channels),
    )
    yield _one(
        "delivery_late_seconds",
        "Since the oldest message should have been tried.",
        sent.late_seconds,
    )
    yield _one("alerts_unacknowledged", "Alerts that nobody has acknowledged.", alerts.open)
    yield _one(
        "alerts_unacknowledged_age_seconds", "Of the oldest of them.", alerts.oldest_seconds or 0
    )
    open_now = Counter(i.severity for i in found.incidents if i.told)
    yield _many(
        "incidents_open",
        "What is wrong with Fundwatch itself and was told.",
        ("severity",),
        (((s,), open_now[s]) for s in ("severe", "high", "medium", "low")),
    )
    age = found.heartbeat.age_seconds
    yield _one("heartbeat_age_seconds", "Since a heartbeat was accepted.", age)


def _record(store: Reader, found: Snapshot) -> Iterator[Metric]:
    record = found.record
    yield _one("record_bytes", "Size of the record on disk.", record.bytes)
    yield _many(
        "record_rows",
        "Rows of the record.",
        ("table",),
        (((table,), number) for table, number in figures.rows_of(store, *TABLES).items()),
    )
    kept = record.answers
    yield _one("answers_bytes", "Answers of sources that are kept as evidence.", kept.bytes)
    yield _one(
        "answers_30_days_bytes", "Of these, what came in the last 30 days.", kept.last_30_days_bytes
    )
    yield _one("answers_oldest_seconds", "When the oldest of them came (Unix).", kept.oldest)
    yield _one("last_backup_age_seconds", "Since the last backup.", record.backup_seconds)


def _one(name: str, words: str, value: Value) -> Metric:
    metric = GaugeMetricFamily(f"fundwatch_{name}", words)
    if value is not None:
        metric.add_metric((), value)
    return metric


def _many(
    name: str,
    words: str,
    labels: tuple[str, ...],
    values: Iterable[tuple[tuple[str, ...], Value]],
) -> Metric:
    metric = GaugeMetricFamily(f"fundwatch_{name}", words, labels=labels)
    for names, value in values:
        if value is not None:
            metric.add_metric(names, value)
    return metric
