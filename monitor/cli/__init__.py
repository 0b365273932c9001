"""The commands: parse, call, print. `main` is `fundwatch`; each group has a file of its own."""

from __future__ import annotations

from pathlib import Path

import click

from monitor import __version__
from monitor.cli import lists, movements, sending, service
from monitor.cli.common import Home, plain_errors


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    envvar="FUNDWATCH_HOME",
    default=".",
    help="Folder with watchlist.yaml, .env, config/, addressbook.csv and fundwatch.db. "
    "Default: FUNDWATCH_HOME, else the current folder.",
)
@click.version_option(__version__, prog_name="fundwatch")
@click.pass_context
def main(context: click.Context, home: Path) -> None:
    """Watch flagged blockchain addresses: record every movement, tell people, lose nothing.

    Everything stands in one folder, the home folder: name it with --home before the
    command, or in FUNDWATCH_HOME. A new one is made by `init`; `check` says what is still
    missing in it; `run` then watches until it is stopped, and the other commands may be
    used meanwhile.

    \b
    Exit codes
      0   done
      1   something could not be read or sent yet; with `check` and
          `status --healthy`: something is not well
      2   bad input or settings; every mistake is on standard error
      70  `run` made no progress and ended itself, to be restarted
      75  another Fundwatch runs on this home folder; nothing was done
      78  the folder or the record cannot be used until a person mends it

    \b
    Example
      fundwatch --home ~/fundwatch init
      fundwatch --home ~/fundwatch check
      fundwatch --home ~/fundwatch run
    """
    context.obj = Home(home.expanduser().absolute())
    context.with_resource(plain_errors())


COMMANDS: tuple[click.Command, ...] = (
    *(service.init, service.check, service.poll, service.run, service.status_),
    *(service.backup, service.restore_, service.demo),
    *(movements.transfers, movements.alerts),
    lists.watchlist_,
    *(sending.deliveries, sending.messages_, sending.channels_),
)
for command in COMMANDS:
    main.add_command(command)
