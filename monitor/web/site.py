"""The WSGI application: /healthz, /livez, /metrics, /ack/MESSAGE, and nothing else.

Reads through a connection of its own. What a request says (host, path, query, body) is a
stranger's word.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from monitor.loops.clock import now
from monitor.loops.health import status
from monitor.loops.health.snapshot import Snapshot
from monitor.loops.health.verdict import Verdict
from monitor.model.errors import StoreError
from monitor.model.settings import Settings
from monitor.store.port import Store
from monitor.web.ack import AckPage
from monitor.web.answer import FAULT, NO_RECORD, NOT_FOUND, Answer
from monitor.web.metrics import exposition

log = logging.getLogger("fundwatch.web")

FRESH = 5.0  # seconds for which one look at the record serves everybody who asks
OK, NOT_WELL = "200 OK", "503 Service Unavailable"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

Value = TypeVar("Value")


class Site:
    """What is served of one opened home folder."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        judge: Callable[[], Verdict],
        stuck: Callable[[], Sequence[str]],
        ack: AckPage | None,
    ) -> None:
        """`store`: a connection of its own, closed with it. `judge`: the verdict of the running
        program; `stuck`: its parts that do not move; `ack`: none where mails hold no links."""
        self._store, self._settings = store, settings
        self._verdict = _Fresh(judge)
        self._stuck = stuck
        self._metrics = _Fresh(lambda: exposition(store, settings, self._snapshot(), now()))
        self._ack = ack
        self._below = urlsplit(settings.public_url).path.rstrip("/")

    def close(self) -> None:
        self._store.close()

    def _snapshot(self) -> Snapshot:
        settings, health = self._settings, self._verdict()
        return status.snapshot(
            self._store, settings, now(), running=True, health=health, entries=False
        )

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            answer = self._answer(environ)
        except StoreError as error:
            log.warning("a page could not be made: %s", error)
            answer = NO_RECORD
        except Exception:  # whatever a stranger sends must not end the server
            log.exception("a page could not be made")
            answer = FAULT
        start(answer.status, answer.headers())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.data()]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        looks = method in ("GET", "HEAD")  # HEAD: what uptime monitors ask with
        if looks and path == "/healthz":
            return self._health()
        if looks and path == "/livez":
            return self._alive()
        if looks and path == "/metrics":
            return Answer("200 OK", self._metrics(), PROMETHEUS)
        if self._ack is not None and method in ("GET", "POST"):
            # The proxy may hand the path on as people see it, or without what is its own.
            return self._ack.answer(environ, path.removeprefix(self._below))
        return NOT_FOUND

    def _health(self) -> Answer:
        found = self._verdict()
        return Answer(OK if found.well else NOT_WELL, f"{found.words}\n")

    def _alive(self) -> Answer:
        """Only whether the process works: what a restart could mend. Asks no record."""
        stuck = self._stuck()
        words = f"no progress of {', '.join(stuck)}" if stuck else "alive"
        return Answer(NOT_WELL if stuck else OK, f"{words}\n")


class _Fresh(Generic[Value]):
    """Something that is made anew after FRESH seconds: who asks often costs no more."""

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: tuple[float, Value] | None = None

    def __call__(self) -> Value:
        with self._lock:
            if self._made is None or time.monotonic() - self._made[0] >= FRESH:
                self._made = (time.monotonic(), self._make())
            return self._made[1]
