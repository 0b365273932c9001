"""Deliveries and channels: what was sent, and the ways of telling people."""

from __future__ import annotations

import click

from monitor import records
from monitor.cli.common import Home, print_table, table
from monitor.errors import ConfigError, Problem
from monitor.plain import utc
from monitor.store import post


@click.group()
def deliveries() -> None:
    """What was sent, what waits, what was given up."""


@deliveries.command(name="list")
@click.option(
    "--state",
    type=click.Choice(["waiting", "accepted", "dead", "moved"]),
    help="Only deliveries in this state; dead: given up; moved: its channel was taken away.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "jsonl"]),
    default="table",
    help="A table for people (default) or JSON lines for programs.",
)
@click.pass_obj
def deliveries_list(home: Home, state: str | None, form: str) -> None:
    """List deliveries, newest first.

    One line for each message and recipient: how often it was tried, when next, and the
    last error. Accepted means accepted by the server, not read by a person. Only reads.

    \b
    Example
      fundwatch deliveries list --state dead
    """
    with home.reading() as (store, _):
        rows = post.deliveries(store, state)
    names = ("message", "channel", "recipient", "state", "attempts", "due", "last_error")
    shown = table("MESSAGE", "CHANNEL", "RECIPIENT", "STATE", "TRIES", "NEXT (UTC)", "LAST ERROR")
    for row in rows:
        if form == "jsonl":
            click.echo(records.json_text({name: row[name] for name in names}))
            continue
        next_try = utc(row["due"]) if row["state"] == "waiting" else "-"
        words = {
            "dead": "given up",
            "accepted": "accepted by the server",
            "moved": "went to others",
        }
        shown.add_row(
            *(row["message"], row["channel"], row["recipient"]),
            *(words.get(row["state"], row["state"]), str(row["attempts"]), next_try),
            row["last_error"],
        )
    if form == "table":
        print_table(shown)
        click.echo(f"{len(rows):,} deliveries")


@deliveries.command(name="replay")
@click.argument("message_ids", metavar="MESSAGE...", nargs=-1)
@click.option("--dead", is_flag=True, help="Send everything again that was given up.")
@click.pass_obj
def deliveries_replay(home: Home, message_ids: tuple[str, ...], dead: bool) -> None:
    """Send messages again, with the same id and bytes.

    A receiver that already has one can tell by its id. Mend the channel first, and try it
    with `fundwatch channels test`.

    \b
    Example
      fundwatch deliveries replay --dead
    """
    if bool(message_ids) == dead:
        problem = Problem("replay", "", "wants message ids, or --dead", "Give one of them")
        raise ConfigError([problem])
    click.echo(home.change("replay", ids=list(message_ids), dead=dead))


@click.group(name="channels")
def channels_() -> None:
    """Try the ways of telling people."""


@channels_.command(name="test")
@click.argument("name")
@click.pass_obj
def channels_test(home: Home, name: str) -> None:
    """Send a test message over a channel.

    NAME is a channel of config/channels.yaml. Everybody that it names gets a message that
    says it is a test. A success switches a disabled channel on again.

    \b
    Example
      fundwatch channels test desk-mail
    """
    if name not in home.settings().channels:
        known = ", ".join(home.settings().channels) or "none is set up"
        problem = Problem("config/channels.yaml", name, "is no channel", f"There are: {known}")
        raise ConfigError([problem])
    click.echo(home.change("test_channel", name=name))
