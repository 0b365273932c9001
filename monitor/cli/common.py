"""What the commands share: the home folder, errors as sentences, exit codes, tables.

Exit codes: 0 done; 1 a required list could not be read by any source, or a message is not
accepted yet; 2 bad input or settings; 75 another Fundwatch runs on this home folder; 78 the
folder or the record cannot be used until a person mends it.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.app.folder import check_home
from monitor.app.settings.load import load
from monitor.model.errors import Busy, ConfigError, MonitorError, Unfit
from monitor.model.settings import Settings
from monitor.net import log
from monitor.store.guard import DATABASE, cannot_use, check_begun
from monitor.store.port import Reader
from monitor.store.sqlite import Store

if TYPE_CHECKING:
    from monitor.store.views import Views

DONE, UNREAD, BAD_INPUT, BUSY, UNFIT = 0, 1, 2, 75, 78

# Of commands that have always been run without a name.
by_option = click.option("--by", help="Your name, for the record. Default: the system user's.")
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "jsonl"]),
    default="table",
    help="A table for people (default) or JSON lines for programs.",
)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Errors as sentences on standard error, with the documented exit code."""
    try:
        yield
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(BAD_INPUT)
    except Busy as error:
        click.echo(f"{error}. Nothing was done.", err=True)
        sys.exit(BUSY)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(DONE)
    except (MonitorError, OSError) as error:
        fault = _words(error)
        click.echo(str(fault), err=True)
        sys.exit(UNFIT if isinstance(fault, Unfit) else UNREAD)


def _words(error: MonitorError | OSError) -> MonitorError:
    """A file or folder that this user may not use is a sentence too."""
    if isinstance(error, MonitorError):
        return error
    if not error.filename:
        raise error  # nothing of the home folder: a fault of ours is loud
    return cannot_use(Path(os.fsdecode(error.filename)), error)


class Home:
    """What every command gets: the home folder, and how to open it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def logs(self, level: int = logging.INFO, *, as_json: bool = False) -> None:
        log.set_up(as_json=as_json, level=level)

    def settings(self) -> Settings:
        return load(self.folder, os.environ)

    @contextmanager
    def reading(self) -> Iterator[tuple[Store, Settings]]:
        check_home(self.folder)
        check_begun(self.folder)
        settings = self.settings()
        store = Store(self.folder / DATABASE, readonly=True)
        try:
            yield store, settings
        finally:
            store.close()

    def views(self, store: Reader, settings: Settings) -> Views:
        from monitor.loops.views import views_of  # noqa: PLC0415 - status shows no movement

        return views_of(store, settings)

    def change(self, action: str, *, by: str | None = None, **args: object) -> str:
        """Carry out a change: by the running daemon, else here under the lock. `by`: a name for
        the record, where a command does not insist on one."""
        from monitor.app.home import open_home  # noqa: PLC0415 - loads all that runs
        from monitor.loops import doors, inbox  # noqa: PLC0415

        if by is not None:
            args["by"] = by

        check_home(self.folder)
        try:
            with open_home(self.folder, os.environ) as app:
                return app.acts.table()[action](doors.this_user(), **args)
        except Busy:
            return inbox.ask(self.folder, action, args)
