"""The desk of a home folder: what it is made of, and the process that serves it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from monitor.app.folder import check_home
from monitor.app.settings.load import load
from monitor.loops.report import jobs
from monitor.loops.views import views_of
from monitor.model.errors import ConfigError, Problem
from monitor.model.settings import Settings
from monitor.store import desk as people
from monitor.store import notes
from monitor.store.deskfile import FILE, DeskFile
from monitor.store.guard import DATABASE, check_begun
from monitor.store.port import Reader
from monitor.store.sqlite import Store
from monitor.web.desk.guard import Guard
from monitor.web.desk.pages.files import MAKERS
from monitor.web.desk.site import Desk
from monitor.web.server import Server

log = logging.getLogger("fundwatch.desk")

NICE = 19  # how far the desk stands behind


def desk_of(home: Path, settings: Settings) -> Desk:
    """The desk of a home folder, to be closed."""

    def timezone(store: Reader) -> str:
        return notes.get_note(store, "timezone") or settings.timezone

    return Desk(
        lambda: Store(home / DATABASE, readonly=True),
        settings,
        Guard(settings.web, DeskFile(home / FILE)),
        lambda store: views_of(store, settings),
        lambda: Store(home / DATABASE),
        timezone,
    )


def give_way() -> None:
    """Reading and telling go first wherever the machine is busy: with four people at the desk the
    poll loop of a busy machine lost a fifth of its pace, so a twentieth (benchmarks/desk.py)."""
    os.nice(NICE)


def serve(home: Path, environ: Mapping[str, str], *, beside: bool = False) -> None:
    """Serve the desk until SIGTERM or SIGINT; `beside` another process: also until that one ends,
    however it does. Raises ConfigError, StoreError."""
    check_home(home)
    check_begun(home)
    settings, is_new = load(home, environ), not (home / FILE).exists()
    if not settings.web.on:
        remedy = "Write  web:  and below it  desk: on"
        raise ConfigError([Problem("config/settings.yaml: web", "", "has no desk", remedy)])
    give_way()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if beside:
        threading.Thread(target=_wait_for_end, args=[stop], daemon=True).start()
    desk = desk_of(home, settings)
    if is_new and any(each.enrolled for each in people.people(desk.record())):
        log.error("%s was not there and is made anew: nobody can sign in, and what stood in it is "
                  "gone. Restore it from the newest backup", home / FILE)  # fmt: skip
    server = Server(settings.web.listen, desk, proxied=bool(settings.web.proxy))
    try:
        server.start()
        log.info("the desk is served at %s", settings.web.url)
        if jobs.waits(home):  # what a kill has left
            MAKERS.wake(home)
        stop.wait()
        server.stop()
    finally:
        MAKERS.stop()
        desk.close()


def _wait_for_end(stop: threading.Event) -> None:
    """Of whoever started this process: then its input ends."""
    sys.stdin.buffer.read()
    stop.set()
