"""Alerts: what people are told, and how loudly."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.model.facts import NO_FACTS, Facts
from monitor.model.watch import Direction, Severity


class Lane(StrEnum):
    """News makes a message of its own; quiet is recorded, sent to machines and counted."""

    NEWS = "news"
    QUIET = "quiet"


class AlertKind(StrEnum):
    """Why an alert exists."""

    MOVEMENT = "movement"
    AMENDMENT = "amendment"  # later rows of a transaction already told
    CORRECTION = "correction"  # reversed, replaced, no longer seen, included again
    LATE = "late"  # found at a height that had been read before
    HISTORY = "history"  # what first contact brought
    ACTIVITY = "activity"  # nothing moved but a fee or zero
    UNEXPLAINED = "unexplained"  # a balance changed, and no list says why
    TRACED = "traced"  # followed value moved on, or what is known of it changed
    REACHED = "reached"  # followed value came to somebody who can be asked to stop it
    TRACE_QUESTION = "trace_question"  # a person is asked how to follow on
    CLOCK_DUE = "clock_due"  # a clock of the law that a person started is near its end
    NOTICE = "notice"  # about ourselves


@dataclass(frozen=True, slots=True)
class Alert:
    """News about one entry and one transaction, or a notice. The id is stable: a hash of
    what it is about, so that a repeat after a crash has the same name."""

    id: str
    kind: AlertKind
    lane: Lane
    severity: Severity
    created: int
    chain: str | None = None
    tx: str | None = None
    entry_id: str | None = None
    direction: Direction | None = None
    amends: str | None = None
    lane_reason: str = ""  # why quiet, or why news: one plain sentence
    title: str = ""  # notices: the whole news in one sentence
    facts: Facts = NO_FACTS  # frozen at decision; of the kind's own type where it has any
    audience: str = "desk"  # desk | operations: who a notice is for
    rows: tuple[tuple[str, str, str], ...] = ()  # identities of the transfers it is about
