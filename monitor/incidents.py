"""Incidents: what is wrong with ourselves, told once it has lasted, reminded, closed. Pure.

A state that comes and goes within its hold time is never told (alarms that flap are not
read). One reminder a day while it lasts; one message when it is over.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitor.chains import stable_id
from monitor.model import Alert, AlertKind, Lane, Severity
from monitor.plan import Signal

REMIND_EVERY = 86_400


@dataclass(frozen=True, slots=True)
class Incident:
    """A signal with its history in the record. Times in Unix seconds."""

    signal: Signal
    number: int  # how often this key has opened
    since: int
    told: int | None = None
    reminded: int | None = None
    closed: int | None = None
    ended: int | None = None  # people were told that it is over


def phase(incident: Incident, now: int) -> str | None:
    """What is to be told now: "opened", "reminder", "closed" or nothing."""
    if incident.told is None:
        held = now - incident.since >= incident.signal.hold
        return "opened" if held and incident.closed is None else None
    if incident.signal.once:
        return None
    if incident.closed is not None:
        over = now - incident.closed >= incident.signal.settle
        return "closed" if over and incident.ended is None else None
    last = incident.reminded or incident.told
    return "reminder" if now - last >= REMIND_EVERY else None


def notice(incident: Incident, what: str, now: int) -> Alert:
    """The alert that tells one phase of an incident."""
    signal = incident.signal
    ended = incident.closed if what == "closed" else None
    title = {"opened": "", "reminder": "Still so: ", "closed": "Over: "}[what] + signal.what
    return Alert(
        id=stable_id("N", signal.key, str(incident.number), what, str(incident.reminded or 0)),
        kind=AlertKind.NOTICE,
        lane=Lane.NEWS,
        severity=Severity.LOW if what == "closed" else Severity(signal.severity),
        created=now,
        chain=signal.chain,
        title=title,
        lane_reason="Fundwatch tells what it does not know or cannot do.",
        audience=signal.audience,
        facts={
            "incident": {
                "key": signal.key,
                "what": signal.what,
                "since": incident.since,
                "closed": ended,
                "duration": (ended or now) - incident.since,
                "who": list(signal.who),
                "cure": signal.cure,
                "reminder": what == "reminder",
            }
        },
    )
