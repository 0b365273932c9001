"""Incidents: what is wrong with ourselves, as the record keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model.plan import Signal


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
