"""Programs that use the desk's API: what a token is and may. Frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Scope(StrEnum):
    """What a token may do, as far as its maker may."""

    ALERTS_READ = "alerts:read"
    ALERTS_ACT = "alerts:act"
    CASES_READ = "cases:read"
    TRACES_ACT = "traces:act"
    LISTS_WRITE = "lists:write"
    EXPORT = "export"
    HEALTH = "health"


SCOPES: Mapping[Scope, str] = {
    Scope.ALERTS_READ: "read alerts",
    Scope.ALERTS_ACT: "take, note, hand over, propose to close alerts",
    Scope.CASES_READ: "read cases, addresses, movements, traces, lists",
    Scope.TRACES_ACT: "write notes of cases, start clocks, propose what is followed",
    Scope.LISTS_WRITE: "watch addresses, propose that a watch ends",
    Scope.EXPORT: "download all rows of a question at once",
    Scope.HEALTH: "read how reading and sending go, and send messages again",
}


@dataclass(frozen=True, slots=True)
class Token:
    """What a program shows instead of a password. Times: Unix seconds. Of the token itself only
    a hash is kept."""

    id: str
    title: str
    maker: str  # a person of the desk
    scopes: frozenset[Scope]
    cases: frozenset[str] | None  # None: all that its maker may see
    made: int
    until: int
    seal: str = field(default="", repr=False)  # its cursors are sealed with it
    used: int | None = None
    used_from: str = ""
    ended: int | None = None
    ended_by: str = ""
    why: str = ""

    def works(self, now: int) -> bool:
        return self.ended is None and now < self.until
