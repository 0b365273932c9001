"""Cases: whether they are closed, and whether a legal hold keeps what concerns them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CaseState:
    """Unix seconds. A case that nobody has closed or held is this without any."""

    closed: int | None = None  # since when
    held: int | None = None  # since when a legal hold is on it


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """A case as the record has it."""

    case: str
    state: CaseState
    watched: int  # entries that are watched, and addresses that are followed for it
    untaken: int  # alerts that nobody has acknowledged
