"""The HTTP server: waitress in a thread of its own, with few workers.

It shares nothing with the loops but the record, so that whatever is done to it cannot hold
up reading and telling. It has no login and no TLS: a proxy before it has.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any
from weakref import WeakKeyDictionary
from wsgiref.types import WSGIApplication

from waitress import create_server, wasyncore

from monitor.model.errors import ConfigError, Problem

log = logging.getLogger("fundwatch.web")

WORKERS = 4
CONNECTIONS = 100  # more wait in the system's queue
CROWDED, ROOM = 80, 60  # with more than the first open, the oldest are closed down to the second
IDLE = 30  # seconds that a connection may be quiet
REQUEST_WITHIN = 15.0  # seconds in which a request has to be complete
BODY_MOST = 65_536  # bytes
HEADERS_MOST = 16_384
STOP_WITHIN = 2.0  # seconds


class Server:
    """Listens from the beginning, answers between `start` and `stop`."""

    def __init__(
        self, place: tuple[str, int], application: WSGIApplication, *, proxied: bool = False
    ) -> None:
        """`proxied`: the application judges itself what a proxy says of the client. Raises
        ConfigError when it cannot listen there."""
        self._sockets: dict[int, Any] = {}
        self._stopping = threading.Event()
        self._begun: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)
        # Each refused connection or broken request would be a line, at a stranger's will.
        logging.getLogger("waitress").setLevel(logging.CRITICAL)
        try:
            self._server = create_server(
                application,
                map=self._sockets,
                host=place[0],
                port=place[1],
                threads=WORKERS,
                connection_limit=CONNECTIONS,
                channel_timeout=IDLE,
                cleanup_interval=5,
                max_request_body_size=BODY_MOST,
                max_request_header_size=HEADERS_MOST,
                ident=None,
                clear_untrusted_proxy_headers=not proxied,
                asyncore_use_poll=True,
            )
        except (OSError, ValueError) as error:
            raise _cannot_listen(place, error) from error

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End every connection; returns within STOP_WITHIN or little more."""
        self._stopping.set()
        self._thread.join(STOP_WITHIN)
        self._server.task_dispatcher.shutdown(timeout=STOP_WITHIN)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                wasyncore.loop(timeout=0.2, use_poll=True, map=self._sockets, count=1)
                self._cut_slow()
                self._make_room()
            except Exception:  # one bad connection must not end the pages for all others
                log.exception("the web server stumbled; it goes on")
                self._stopping.wait(1.0)
        wasyncore.close_all(self._sockets, ignore_all=True)

    def _cut_slow(self) -> None:
        """Waitress waits for ever for a request that comes a byte at a time; a hundred of
        these would keep everybody else out."""
        moment = time.monotonic()
        for channel in list(self._sockets.values()):
            unfinished = getattr(channel, "request", None)
            if unfinished is None:
                continue
            if moment - self._begun.setdefault(unfinished, moment) > REQUEST_WITHIN:
                channel.handle_close()

    def _make_room(self) -> None:
        """Connections that are kept open and ask nothing must not keep others out: a hundred of
        them would shut the door, /healthz with it."""
        if len(self._sockets) <= CROWDED:
            return
        idle = [channel for channel in self._sockets.values() if _is_idle(channel)]
        idle.sort(key=lambda channel: channel.creation_time)  # who came last is served next
        for channel in idle[: len(self._sockets) - ROOM]:
            channel.handle_close()


def _is_idle(channel: object) -> bool:
    """Whether nobody works for this connection; the server's own sockets are not idle."""
    return hasattr(channel, "last_activity") and not getattr(channel, "requests", ())


def _cannot_listen(place: tuple[str, int], error: Exception) -> ConfigError:
    why = getattr(error, "strerror", None) or "no such host"
    problem = Problem(
        "config/settings.yaml: listen",
        f"{place[0]}:{place[1]}",
        f"cannot be listened on ({why})",
        "Choose a free port of this machine, or take the line out",
    )
    return ConfigError([problem])
