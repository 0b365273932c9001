"""What people ask a job for that takes longer than anybody waits for an answer: they get a ticket,
with which they ask what came of it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from monitor.model.errors import MonitorError

REMEMBERED = 100  # answers to people who have not come back for them yet

W = TypeVar("W")
R = TypeVar("R")


class StoppedError(MonitorError):
    """The program is told to stop: what is left is done another time."""


@dataclass
class _Ticket(Generic[W, R]):
    wish: W
    result: R | None = None
    error: str = ""
    done: bool = False


class Tickets(Generic[W, R]):
    """Wishes, and what came of each. `see`: where people look when theirs is not known."""

    def __init__(self, see: str) -> None:
        self._see = see
        self._lock = threading.Lock()
        self._tickets: dict[str, _Ticket[W, R]] = {}

    def ask(self, wish: W) -> str:
        """Have it carried out by the job; returns a ticket for `outcome`."""
        ticket = uuid.uuid4().hex
        with self._lock:
            for old in [*self._tickets][: -REMEMBERED + 1]:
                del self._tickets[old]
            self._tickets[ticket] = _Ticket(wish)
        return ticket

    def outcome(self, ticket: str) -> R | None:
        """What came of it, None while it lasts. Raises MonitorError where the ticket is not
        known, or something failed."""
        with self._lock:
            found = self._tickets.get(ticket)
            if found is not None and found.done:
                del self._tickets[ticket]
        if found is None:
            raise MonitorError(
                f"Fundwatch was started anew meanwhile: see `{self._see}`, ask again"
            )
        if found.error:
            raise MonitorError(found.error)
        return found.result if found.done else None

    def grant(self, carry_out: Callable[[W], R], stopping: Callable[[], bool]) -> None:
        """Carry out all that wait. What is a fault of ours goes on: it is to be loud."""
        with self._lock:
            waiting = [each for each in self._tickets.values() if not each.done]
        for ticket in waiting:
            if stopping():
                return
            try:
                ticket.result = carry_out(ticket.wish)
            except MonitorError as error:
                ticket.error = f"{error}"
            except Exception:  # whoever asked must hear of it; the job's own catch tells the rest
                ticket.error = "A fault in Fundwatch: its log tells more"
                raise
            finally:
                ticket.done = True
