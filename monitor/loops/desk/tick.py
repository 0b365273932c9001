"""What the program does at the desk by itself, every half minute: carries out what was agreed to,
tells clocks, passes on what nobody answers, closes what was told and needed nobody."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress

from monitor.decide.desk import clocks
from monitor.loops.desk import pursuing
from monitor.loops.desk.carrying import Do, carry_out
from monitor.loops.desk.proposing import waiting
from monitor.loops.router import Router
from monitor.model import Alert, AlertKind, Lane, Severity
from monitor.model.acts import DAEMON
from monitor.model.acts_desk import CloseTold, End, PassOn, TellClock
from monitor.model.desk_work import Clock, Proposal, Standing
from monitor.model.errors import Conflict
from monitor.model.facts import ClockDue
from monitor.model.ids import stable_id
from monitor.model.plain import duration
from monitor.model.settings import Settings
from monitor.store import desk, watch
from monitor.store.commit import commit
from monitor.store.port import Store

log = logging.getLogger("fundwatch")

UNANSWERED = 4 * 3600  # seconds after which a proposal is passed on
TOLD_AFTER = 30 * 86_400  # seconds after which what needed nobody is closed
TOLD_MOST = 1000  # alerts that one act closes: a tenth of a second of writing


def tick(
    store: Store, settings: Settings, router: Router, kinds: Mapping[str, Do], now: int
) -> None:  # fmt: skip
    """All of it, once; nothing while the desk is off."""
    if not settings.web.on:
        return
    carry_out(store, kinds, now)
    lapse_closed(store, now)
    lapse_gone(store, now)
    tell_clocks(store, router, now)
    pass_on(store, settings, now)
    close_told(store, now)


def lapse_closed(store: Store, now: int) -> None:
    """Proposals to close what is closed by now."""
    closed = desk.all_closed(store)
    for each in waiting(store, closed) if closed else ():
        with suppress(Conflict):
            commit(store, DAEMON, End(now, each, Standing.LAPSED, "its alerts are closed already"))


def lapse_gone(store: Store, now: int) -> None:
    """Proposals about addresses of a trace that neither end nor wait there any more."""
    for each in waiting(store):
        if each.kind == pursuing.KIND and (why := pursuing.gone(store, each)):
            with suppress(Conflict):
                commit(store, DAEMON, End(now, each, Standing.LAPSED, why))


# -- clocks --------------------------------------------------------------------------------------


def tell_clocks(store: Store, router: Router, now: int) -> None:
    """Each step once, to whom alerts of the case are told."""
    for clock in desk.running(store):
        step = clocks.untold(clock, now)
        if not step:
            continue
        entry = next(iter(watch.named(store, desk.an_entry_of(store, clock.case))), None)
        alert = _alert(clock, step, entry.id if entry else None, now)
        routes = router.route(alert, entry)
        with suppress(Conflict):  # it has just been ended
            commit(store, DAEMON, TellClock(now, clock, step, [alert], routes))


def _alert(clock: Clock, step: str, entry: str | None, now: int) -> Alert:
    told = clock.terms
    return Alert(
        stable_id("A", "clock", clock.id, step),
        AlertKind.CLOCK_DUE,
        Lane.NEWS,
        Severity.SEVERE if step == "over" else Severity.HIGH,
        now,
        entry_id=entry,
        facts=ClockDue(
            clock=clock.id,
            # Without an entry everybody who works may see it, who may not all see the case.
            case=clock.case if entry else "",
            title=str(told.get("title", clock.rule)),
            step=step,
            due=clock.due,
            zone=str(told.get("zone", "UTC")),
            counted=clocks.said(told),
            source=str(told.get("source", "")),
            by=clock.name,
            started=clock.started,
        ),
    )


# -- what nobody answers -------------------------------------------------------------------------


def pass_on(store: Store, settings: Settings, now: int) -> None:
    """Proposals that wait for too long, once each, to the first channel of escalation. Without one
    they are shown at the desk alone."""
    if not settings.escalate_to:
        return
    late = [p for p in waiting(store) if p.escalated is None and now - p.at >= UNANSWERED]
    if not late:
        return
    told = [_unanswered(each, settings, now) for each in late]
    routes = [(alert.id, settings.escalate_to[0], "alone") for alert in told]
    with suppress(Conflict):  # one has just been answered: at the next look
        commit(store, DAEMON, PassOn(now, [each.id for each in late], told, routes))
        log.warning("proposals that nobody has answered were passed on: %d", len(late))


def _unanswered(proposal: Proposal, settings: Settings, now: int) -> Alert:
    """Names no case and no address: it may go to whoever is passed on to."""
    waited = duration(now - proposal.at)
    page = f"{settings.web.url}/proposal/{proposal.id}"
    return Alert(
        stable_id("N", "unanswered", proposal.id),
        *(AlertKind.NOTICE, Lane.NEWS, Severity.HIGH, now),
        title=f"{proposal.id} has waited for a second person for {waited}, proposed by "
        f"{proposal.name}. Nobody has agreed or declined: {page}",
    )


# -- the rule "told" -----------------------------------------------------------------------------


def close_told(store: Store, now: int) -> int:
    """What was told 30 days ago, needed nobody, and nobody has taken: some of it, the oldest first,
    so that a million of them hold nobody up. Returns how many were closed."""
    found = desk.told_before(store, now - TOLD_AFTER, TOLD_MOST)
    return commit(store, DAEMON, CloseTold(now, found)) if found else 0
