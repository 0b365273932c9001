"""The desk as a process of its own beside the daemon: a heavy page holds up no pass, and what
ends it ends nothing else."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from monitor.loops.clock import now
from monitor.model.desk import DeskSettings
from monitor.model.errors import StoreError
from monitor.model.plan import Signal
from monitor.store import incidents
from monitor.store.port import Store

log = logging.getLogger("fundwatch.desk")

AGAIN = (1.0, 5.0, 15.0, 60.0)  # seconds until it is started again, after each end in a row
STEADY = 300.0  # seconds after which an end counts as the first one
STOP_WITHIN = 3.0
HOLD = 60  # seconds that it has to be away before that is told


class DeskProcess:
    """Keeps `fundwatch web` running while the daemon does, where the settings turn the desk on."""

    def __init__(self, home: Path, settings: DeskSettings) -> None:
        self._home, self._settings = home, settings
        self._process: subprocess.Popen[bytes] | None = None
        self._begun, self._ends, self._next = 0.0, 0, 0.0

    def start(self) -> None:
        if not self._settings.on:
            return
        command = [sys.executable, "-m", "monitor", "--home", str(self._home), "web", "--beside"]
        # It ends when its input does: also after a kill of this process, so that the port is free.
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - our own
        self._begun = time.monotonic()

    def look(self, store: Store) -> None:
        """Start it again where it has ended; tell it where that has changed. Never fails."""
        signal_ = self._looked()
        if signal_ is not None:
            with suppress(StoreError):  # then the record is what is told
                incidents.put_signals(store, [signal_], now())

    def _looked(self) -> Signal | None:
        if self._process is None:
            if time.monotonic() >= self._next:
                self.start()
            return None
        if (code := self._process.poll()) is None:
            if self._ends and time.monotonic() - self._begun > HOLD:
                self._ends = 0
                return self._signal(bad=False)
            return None
        self._close()
        lasted = time.monotonic() - self._begun
        self._ends = 1 if lasted > STEADY else self._ends + 1
        self._next = time.monotonic() + AGAIN[min(self._ends, len(AGAIN)) - 1]
        log.error("the desk ended with code %s after %.0f s; it is started again", code, lasted)
        return self._signal(bad=True)

    def stop(self) -> None:
        """End it; returns within STOP_WITHIN or little more."""
        process = self._process
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_WITHIN)
        if process.poll() is None:
            process.kill()
            process.wait()
        self._close()

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None

    def _signal(self, *, bad: bool) -> Signal:
        host, port = self._settings.listen
        return Signal(
            key="desk:process",
            bad=bad,
            severity="high",
            hold=HOLD,
            what=f"The desk (pages in the browser, on {host}:{port}) is not served: it ends as "
            "soon as it is started. Watching and telling go on without it.",
            cure="The log says why; `fundwatch check` tries the address. Alerts can be taken by "
            "the button in the mail and by `fundwatch alerts ack`.",
        )
