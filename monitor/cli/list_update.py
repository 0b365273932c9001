"""`fundwatch lists update`: by the running daemon, which may take minutes, else here."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence

import click

from monitor.app.folder import check_home
from monitor.app.home import open_home
from monitor.cli.common import Home
from monitor.loops import doors, inbox
from monitor.loops.list_watch import Result, Wish
from monitor.model.errors import Busy
from monitor.model.plain import tidy

PAUSE = 0.5  # seconds between two questions to the daemon
SAY_EVERY = 2.0  # seconds between two words on how far it is


def update(
    home: Home, names: Sequence[str], file: str, by: str | None, *, shrunk: bool, grown: bool
) -> list[Result]:
    """Waits for as long as it takes. Raises ConfigError, MonitorError where the daemon does not
    answer."""
    check_home(home.folder)
    try:
        with open_home(home.folder, os.environ) as app:
            app.reload()
            app.following.say = _say
            actor = doors.this_user().named(by)
            return app.following.update(Wish(actor, tuple(names), file, shrunk, grown))
    except Busy:
        args: dict[str, object] = {"names": [*names], "file": file, "by": by}
        ticket = inbox.ask(home.folder, "update_lists", {**args, "shrunk": shrunk, "grown": grown})
        return _wait(home, ticket)


def _wait(home: Home, ticket: str) -> list[Result]:
    said = time.monotonic()
    while True:
        told = json.loads(inbox.ask(home.folder, "lists_updated", {"ticket": ticket}))
        if told["results"] is not None:
            return [Result(*each) for each in told["results"]]
        if told["doing"] and time.monotonic() - said > SAY_EVERY:
            said = time.monotonic()
            _say(told["doing"])
        time.sleep(PAUSE)


def _say(words: str) -> None:
    """To a person who waits; a program reads the outcome alone."""
    if sys.stderr.isatty():
        click.echo(tidy(words), err=True)
