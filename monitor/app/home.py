"""A home folder opened for work, under its lock."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from monitor.app.folder import RESTORING, check_home
from monitor.app.fundwatch import Fundwatch, log
from monitor.app.memory import look_seldom
from monitor.app.settings.load import load
from monitor.loops.adopt import adopt
from monitor.loops.clock import now
from monitor.loops.upgrade import tell_upgrade
from monitor.model.errors import ConfigError, Problem
from monitor.store.guard import DATABASE, check_begun, hold_record, lock, mark_begun
from monitor.store.sqlite import Store


@contextmanager
def open_home(home: Path, environ: Mapping[str, str]) -> Iterator[Fundwatch]:
    """Lock a home folder, read its settings, open its record (made when it is new).

    Raises Busy, ConfigError, StoreError (Unfit where a person is needed).
    """
    check_home(home)
    check_begun(home)
    settings = load(home, environ)
    look_seldom()
    with lock(home):
        if (home / RESTORING).exists():
            remedy = (
                "Run `fundwatch restore FILE` again; or delete this file to go on with the record "
                "as it is"
            )
            reason = "is what an interrupted restore left"
            raise ConfigError([Problem(str(home / RESTORING), "", reason, remedy)])
        fresh = not (home / DATABASE).exists()
        if fresh:
            log.warning("%s is new: nothing was recorded here before", home / DATABASE)
        store = Store(home / DATABASE, create=fresh)
        held = hold_record(home) if fresh else -1
        mark_begun(home, now())
        app = Fundwatch(home, settings, store)
        try:
            tell_upgrade(store, app.router, now())
            adopt(app.deliver_world())
            yield app
        finally:
            app.close()
            if held >= 0:
                os.close(held)
