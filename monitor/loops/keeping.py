"""Keeping what sources answered within its bounds, and saying what went."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.model.plain import plural
from monitor.model.plan import Signal
from monitor.model.settings import Settings
from monitor.store import answers, incidents
from monitor.store.answers import Pruned
from monitor.store.port import Store

DAY = 86_400


def keep_bounds(store: Store, settings: Settings, now: int, *, at_once: bool = False) -> None:
    """Prune answers, once a day or now; evidence of alerts that went is told to the desk."""
    if not at_once and 0 <= now - answers.looked_at(store) < DAY:
        return
    went = answers.prune(store, settings.answers_days, settings.answers_size, now)
    incidents.put_signals(store, [*_told(went)], now)


def _told(went: Pruned) -> Iterator[Signal]:
    if not went.of_alerts:
        return
    yield Signal(
        key=f"answers:{went.at}",
        bad=True,
        audience="operations",
        severity="medium",
        what=f"{said(went)} {plural(went.of_alerts, 'answer')} among them belonged to alerts: what "
        "explorers said of these can be held against the record by its digest alone now.",
        cure="Raise answers_size in config/settings.yaml, or keep fewer days (answers_days).",
        once=True,
    )


def said(went: Pruned) -> str:
    """What went because of the size, as a sentence."""
    return (
        f"Answers of explorers took more room than answers_size allows: the bodies of "
        f"{plural(went.bodies, 'answer')} ({went.bytes / 1e6:,.1f} MB) were deleted, the oldest "
        "first; their digests and requests stay."
    )
