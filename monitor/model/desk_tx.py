"""What a page of one transaction shows. Frozen values; times in Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model.transfer import Kind, Status, in_transaction


@dataclass(frozen=True, slots=True)
class SaidBy:
    """That a source said so."""

    source: str
    at: int  # by our clock
    block: str
    sha256: str  # of the answer


@dataclass(frozen=True, slots=True)
class Leg:
    """One row of a transaction."""

    id: int
    tx: str
    kind: Kind
    sender: str | None
    recipient: str | None
    contract: str | None
    token_id: str | None
    amount: int  # base units
    height: int | None
    block_hash: str | None
    time: int | None
    status: Status
    late: bool
    first_seen: int
    reason: str  # why it was replaced
    said: tuple[SaidBy, ...] = ()

    @property
    def in_transaction(self) -> bool:
        return in_transaction(self.tx)


@dataclass(frozen=True, slots=True)
class AlertLine:
    """An alert that tells of a transaction."""

    id: str
    kind: str
    lane: str
    severity: str
    created: int
    state: str
    entry: str
    case: str
    title: str
