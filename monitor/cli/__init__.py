"""The commands: parse, call, print. `main` is `fundwatch`; each group has a file of its own."""

from __future__ import annotations

from pathlib import Path

import click

from monitor import __version__
from monitor.cli import lists, record, sending, service
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
    """Watch flagged blockchain addresses: record every movement, tell people, lose nothing."""
    context.obj = Home(home.expanduser().absolute())
    context.with_resource(plain_errors())


COMMANDS: tuple[click.Command, ...] = (
    *(service.init, service.check, service.poll, service.run, service.status_),
    *(service.backup, service.demo),
    *(record.transfers, record.alerts),
    lists.watchlist_,
    *(sending.deliveries, sending.channels_),
)
for command in COMMANDS:
    main.add_command(command)
