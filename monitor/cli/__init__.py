"""The commands: parse, call, print. `main` is `fundwatch`; each group has a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

import click

from monitor import __version__

# What a person types -> module and name of the command. Loaded when it is asked for: what
# all of them need together takes longer to load than most of them run.
COMMANDS: Mapping[str, str] = {
    "alerts": "movements:alerts",
    "answers": "evidence:answers_",
    "backup": "service:backup",
    "case": "cases:case_",
    "channels": "sending:channels_",
    "check": "service:check",
    "deliveries": "sending:deliveries",
    "demo": "service:demo",
    "export": "export:export_",
    "files": "files:files_",
    "init": "service:init",
    "key": "export:key_",
    "lists": "listed:lists_",
    "log": "logs:log_",
    "messages": "sending:messages_",
    "poll": "service:poll",
    "reconcile": "reconcile:reconcile",
    "report": "export:report_",
    "restore": "service:restore_",
    "run": "service:run",
    "seizure": "seizure:seizure",
    "status": "state:status_",
    "trace": "trace:trace_",
    "transfers": "movements:transfers",
    "tokens": "tokens:tokens_",
    "users": "users:users_",
    "verify": "verify:verify",
    "watchlist": "lists:watchlist_",
    "web": "web:web_",
}


class OnDemand(click.Group):
    """A group whose commands are loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's form
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name in COMMANDS:
            return _loaded(cmd_name)
        # click says which command is near among those that it holds itself.
        self.commands = {each: _loaded(each) for each in COMMANDS}
        return None


def _loaded(command: str) -> click.Command:
    module, _, name = COMMANDS[command].partition(":")
    return cast(click.Command, getattr(import_module(f"monitor.cli.{module}"), name))


@click.group(cls=OnDemand, context_settings={"help_option_names": ["-h", "--help"]})
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
    from monitor.cli.common import Home, plain_errors  # noqa: PLC0415 - not for --version

    context.obj = Home(home.expanduser().absolute())
    context.with_resource(plain_errors())
