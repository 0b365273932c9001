"""`fundwatch lists update`: by the running daemon, which may take minutes, else here."""

from __future__ import annotations

import os
from collections.abc import Sequence

from monitor.app.folder import check_home
from monitor.app.home import open_home
from monitor.cli import waiting
from monitor.cli.common import Home
from monitor.loops import doors, inbox
from monitor.loops.list_watch import Result, Wish
from monitor.model.errors import Busy


def update(
    home: Home, names: Sequence[str], file: str, by: str | None, *, shrunk: bool, grown: bool
) -> list[Result]:
    """Waits for as long as it takes. Raises ConfigError, MonitorError where the daemon does not
    answer."""
    check_home(home.folder)
    try:
        with open_home(home.folder, os.environ) as app:
            app.reload()
            app.following.say = waiting.say
            actor = doors.this_user().named(by)
            return app.following.update(Wish(actor, tuple(names), file, shrunk, grown))
    except Busy:
        args: dict[str, object] = {"names": [*names], "file": file, "by": by}
        ticket = inbox.ask(home.folder, "update_lists", {**args, "shrunk": shrunk, "grown": grown})
        return waiting.outcome(home, "lists_updated", ticket, "results", Result)
