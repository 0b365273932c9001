"""Incidents that have lasted are told, and so is their end."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from monitor.decide.incidents import desk_notice, due, notice
from monitor.loops.router import Router
from monitor.model import Alert, Entry, plain
from monitor.model.acts import DAEMON, TellIncidents
from monitor.model.incident import Incident
from monitor.model.plan import Route
from monitor.model.ways import NOBODY
from monitor.store import incidents, watch
from monitor.store.commit import commit
from monitor.store.port import Store

log = logging.getLogger("fundwatch.watchlist")

LABELS_MOST = 50  # entries that a notice to the desk names


def tell_incidents(
    store: Store,
    router: Router,
    now: int,
    kept_back: Callable[[Sequence[Incident]], Collection[Incident]] = lambda _found: (),
) -> int:
    """Make the notices that are due; returns how many. `kept_back`: what of these incidents is
    not told yet."""
    told = 0
    found = incidents.incident_list(store, open_only=False)
    kept = kept_back(found)
    found = [each for each in found if each not in kept]
    for phase, members in due(found, now):
        alerts, routes = _notices(router, phase, members, now)
        if phase == "reminder" and all(channel == NOBODY for _, channel, _ in routes):
            continue  # the notice before it still waits for somebody who could take it
        keys = [member.signal.key for member in members]
        commit(store, DAEMON, TellIncidents(now, keys, phase, alerts, routes))
        kinds = ",".join(dict.fromkeys(key.partition(":")[0] for key in keys))
        for alert in alerts:
            log.warning("incident %s %s notice=%s", kinds, phase, alert.id)
        told += len(alerts)
    return told


def _notices(
    router: Router, phase: str, members: Sequence[Incident], now: int
) -> tuple[list[Alert], list[Route]]:
    """One for those whom the incidents are for, and one for the desk where its addresses are
    not seen. A channel that gets the desk's, which says more, does not get both."""
    members = [_with_cases(router.store, member) for member in members]
    alert = notice(members, phase, now)
    routes = router.route(alert, None)
    if alert.audience == "desk":
        if router.may_see_labels({channel for _, channel, _ in routes}):
            alert = notice(members, phase, now, _labels(router.store, members))
        return [alert], routes
    other = desk_notice(members, phase, now, ())
    if other is None:
        return [alert], routes
    theirs = router.route(other, None)
    takers = {channel for _, channel, _ in theirs}
    if router.may_see_labels(takers):
        other = desk_notice(members, phase, now, _labels(router.store, members)) or other
    return [alert, other], [*(r for r in routes if r[1] not in takers), *theirs]


def _with_cases(store: Store, member: Incident) -> Incident:
    signal = member.signal
    if signal.cases or not signal.who:
        return member
    entries = watch.named(store, signal.who)
    cases = tuple(dict.fromkeys(entry.case for entry in entries if entry.case))
    return replace(member, signal=replace(signal, cases=cases))


def _labels(store: Store, members: Sequence[Incident]) -> list[str]:
    """What the desk calls the entries that are concerned, the first of many."""
    ids = list(dict.fromkeys(name for m in members for name in m.signal.who))
    entries = watch.named(store, ids[:LABELS_MOST])
    alike = Counter(
        f"{plain.quoted(e.label, 60) if e.label.strip() else e.id}{case_of(e)}, {e.subject.chain}"
        for e in entries
    )
    lines = [said + (f": {n} entries" if n > 1 else "") for said, n in alike.items()]
    more = max((m.signal.number for m in members), default=0) - len(entries)
    return lines + (["and more: `fundwatch status` names all"] if more > 0 else [])


def case_of(entry: Entry) -> str:
    return f" (case {entry.case})" if entry.case else ""
