"""Tokens of programs that use the API of the desk."""

from __future__ import annotations

import os

import click

from monitor.cli import terminal
from monitor.cli.common import Home, by_option
from monitor.loops import doors
from monitor.loops.clock import now
from monitor.messages import lines
from monitor.model.api import Scope, Token
from monitor.model.plain import count, rfc3339
from monitor.store import api_tokens
from monitor.store.deskfile import FILE, DeskFile


@click.group(name="tokens")
def tokens_() -> None:
    """Tokens of programs that use the API: make, list and end them."""


@tokens_.command(name="add")
@click.argument("title")
@click.option("--for", "maker", required=True, help="A person: it may no more than they.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([each.value for each in Scope]),
    help="What it may do; may be repeated.",
)
@click.option("--case", "cases", multiple=True, help="Only this case of theirs; may be repeated.")
@click.option(
    "--days", type=int, default=90, show_default=True, help="How long it works: at most 365."
)
@by_option
@click.pass_obj
def tokens_add(
    home: Home,
    title: str,
    maker: str,
    scopes: tuple[str, ...],
    cases: tuple[str, ...],
    days: int,
    by: str | None,
) -> None:
    """Make a token for a program, and print it once.

    It sees what the person sees at that moment, or less, and ends when they may no longer use the
    desk. It proposes and never agrees. What its scopes allow: docs/integrating.md.

    \b
    Example
      fundwatch tokens add "case tool" --for m.ortiz --scope alerts:read --days 30
    """
    from monitor.app.people import front  # noqa: PLC0415 - loads all that runs
    from monitor.loops.desk import tokens  # noqa: PLC0415

    with front(home.folder, os.environ) as door:
        name = doors.this_user().named(by).name
        token, key = tokens.make(
            *(door.store, door.file, maker, title, scopes, cases or None, days, now(), name)
        )
        click.echo(f"{token.id} works until {rfc3339(token.until)}. It is shown only now:")
        click.echo(f"  {key}")
        if not door.settings.web.on:
            click.echo(
                "The desk is off: write  web:  and below it  desk: on  in config/settings.yaml."
            )


@tokens_.command(name="list")
@click.option("--all", "all_", is_flag=True, help="Also those that work no more.")
@click.pass_obj
def tokens_list(home: Home, all_: bool) -> None:
    """List the tokens of programs, and when each was used last. Only reads.

    \b
    Example
      fundwatch tokens list
    """
    path = home.folder / FILE
    found: list[Token] = []
    if path.exists():
        file = DeskFile(path)
        try:
            found = api_tokens.every(file)
        finally:
            file.close()
    moment = now()
    shown = [each for each in found if all_ or each.works(moment)]
    for each in shown:
        cases = "all cases of theirs" if each.cases is None else ", ".join(sorted(each.cases))
        may = ", ".join(sorted(each.scopes))
        row = [each.id, each.title, each.maker, _stands(each, moment), may, cases]
        click.echo(lines.laid_out(row, terminal.width()))
    click.echo(count(len(shown), "token", "tokens"))


def _stands(token: Token, moment: int) -> str:
    if token.ended is not None:
        return f"ended {rfc3339(token.ended)}: {token.why}"
    if not token.works(moment):
        return f"over since {rfc3339(token.until)}"
    used = f"used last {rfc3339(token.used)}" if token.used else "never used"
    return f"until {rfc3339(token.until)}, {used}"


@tokens_.command(name="end")
@click.argument("token")
@click.option("--why", default="by command", help="The reason, for the record.")
@by_option
@click.pass_obj
def tokens_end(home: Home, token: str, why: str, by: str | None) -> None:
    """End a token, by the id that `list` shows: it lets nobody in from now on.

    \b
    Example
      fundwatch tokens end 3f9a01bc --why "the case tool was replaced"
    """
    from monitor.app.people import front  # noqa: PLC0415 - loads all that runs
    from monitor.loops.desk import tokens  # noqa: PLC0415

    with front(home.folder, os.environ) as door:
        found = tokens.end(door.file, token, why, now(), doors.this_user().named(by).name)
        click.echo(f"{found.id} ({found.title}, of {found.maker}) is ended")
