"""What people record of requests to hold funds."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model.acts import Act
from monitor.model.desk_requests import Request, Step


@dataclass(frozen=True, slots=True)
class Prepare(Act[str]):
    """A request is drafted. Yields its id; the same once more is no act."""

    kind = "prepare request"

    request: Request


@dataclass(frozen=True, slots=True)
class RecordStep(Act[str]):
    """What became of a request: it was sent, answered, refused, taken back; or an earlier step is
    put right. `case`: of the request. Yields its id; the same once more is no act. Its number says
    how many steps there were when that was decided."""

    kind = "record request"

    case: str
    step: Step
