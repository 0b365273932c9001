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
            caller = doors.this_user()
            actor = caller.named(by)
            if shrunk and (said := app.acts.propose_shrunk(caller, names, file, by)):
                return _proposed(names, said)
            return app.following.update(Wish(actor, tuple(names), file, shrunk, grown))
    except Busy:
        args: dict[str, object] = {"names": [*names], "file": file, "by": by}
        if shrunk and (said := inbox.ask(home.folder, "propose_shrunk", args)):
            return _proposed(names, said)
        ticket = inbox.ask(home.folder, "update_lists", {**args, "shrunk": shrunk, "grown": grown})
        return waiting.outcome(home, "lists_updated", ticket, "results", Result)


def _proposed(names: Sequence[str], said: str) -> list[Result]:
    """While the desk is on, taking a list against its rule needs a second person."""
    return [Result(", ".join(names) or "all lists", 0, said)]
