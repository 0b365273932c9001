"""Deliveries and channels: what was sent, and the ways of telling people."""

from __future__ import annotations

import click

from monitor import __version__
from monitor.app.templates import templates
from monitor.cli import terminal
from monitor.cli.common import Home, by_option, format_option
from monitor.loops import freeze
from monitor.loops.clock import now
from monitor.loops.daily import Daily
from monitor.loops.freeze import DeliverWorld
from monitor.messages import lines, objects, render
from monitor.model import ChannelConfig
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import plural, tidy, utc
from monitor.model.settings import Settings
from monitor.store import notes, outbox, watch
from monitor.store.outbox import Delivery


@click.group()
def deliveries() -> None:
    """What was sent, what waits, what was given up."""


@deliveries.command(name="list")
@click.option(
    "--state",
    type=click.Choice(["waiting", "accepted", "dead", "moved"]),
    help="Only deliveries in this state; dead: given up; moved: its channel was taken away.",
)
@format_option
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
        found = outbox.deliveries(store, state)
    names = ("message", "channel", "recipient", "state", "attempts", "due", "last_error")
    columns = terminal.width()
    for row in found:
        if form == "jsonl":
            click.echo(objects.json_text({name: getattr(row, name) for name in names}))
        else:
            click.echo(lines.laid_out(_delivery(row), columns))
    if form == "table":
        click.echo(f"{len(found):,} deliveries")


_STATES = {"dead": "given up", "accepted": "accepted by the server", "moved": "went to others"}


def _delivery(row: Delivery) -> list[str]:
    state = _STATES.get(row.state, row.state)
    tries = plural(row.attempts, "try").replace("trys", "tries")
    due = f"next {utc(row.due)}" if row.state == "waiting" else ""
    head = f"{row.message}  {utc(row.created)[:16]}  {row.channel}"
    to = "" if row.recipient == row.channel else f" for {row.recipient}"
    how = f"{state}{to}, {tries}"
    what = tidy(row.subject, 200).removeprefix("[Fundwatch ").replace("]", "", 1)
    return [head, f"{how}, {due}" if due else how, what, tidy(row.last_error, 500)]


@deliveries.command(name="replay")
@click.argument("message_ids", metavar="MESSAGE...", nargs=-1)
@click.option("--dead", is_flag=True, help="Send everything again that was given up.")
@by_option
@click.pass_obj
def deliveries_replay(home: Home, message_ids: tuple[str, ...], dead: bool, by: str | None) -> None:
    """Send messages again, with the same id and bytes.

    MESSAGE is the id of a message, or of an alert that it told. A receiver that already has
    one can tell by its id. Mend the channel first, and try it
    with `fundwatch channels test`.

    \b
    Example
      fundwatch deliveries replay --dead
    """
    if bool(message_ids) == dead:
        problem = Problem("replay", "", "wants message ids, or --dead", "Give one of them")
        raise ConfigError([problem])
    click.echo(home.change("replay", by=by, ids=list(message_ids), dead=dead))


@click.group(name="channels")
def channels_() -> None:
    """Try the ways of telling people."""


@channels_.command(name="test")
@click.argument("name")
@by_option
@click.pass_obj
def channels_test(home: Home, name: str, by: str | None) -> None:
    """Send a test message over a channel.

    NAME is a channel of config/channels.yaml. Everybody that it names gets a message that
    says it is a test. A success switches a disabled channel on again.

    \b
    Example
      fundwatch channels test desk-mail
    """
    name = _channel(home.settings(), name)
    click.echo(home.change("test_channel", by=by, name=name))


def _channel(settings: Settings, name: str) -> str:
    """The channel of this name, whatever the size of its letters."""
    like = [each for each in settings.channels if each.casefold() == name.strip().casefold()]
    found = [name] if name in settings.channels else like
    if len(found) != 1:
        known = ", ".join(settings.channels) or "none is set up"
        problem = Problem("config/channels.yaml", name, "is no channel", f"There are: {known}")
        raise ConfigError([problem])
    return found[0]


@click.group(name="messages")
def messages_() -> None:
    """Look at messages before they are sent."""


@messages_.command(name="preview")
@click.argument("kind", type=click.Choice(["daily"]))
@click.option("--channel", "name", help="For this channel; without it the first one for people.")
@click.pass_obj
def messages_preview(home: Home, kind: str, name: str | None) -> None:  # noqa: ARG001 - one kind
    """Show the daily message as it would be now. Nothing is sent.

    \b
    Example
      fundwatch messages preview daily
    """
    with home.reading() as (store, settings):
        config = _reader(settings, name)
        until = now()
        since = int(notes.get_note(store, "daily_at") or until - 86_400)
        world = DeliverWorld(
            store=store,
            configs=settings.channels,
            channels={},
            views=home.views(store, settings),
            templates=templates(home.folder),
            entries=lambda: watch.kin(store),
            clock=now,
            timezone=notes.get_note(store, "timezone") or settings.timezone,
            version=__version__,
        )
        told = Daily(store, settings, since, until)
        rendered = freeze.preview(world, config, since, until, told.remarks)
    click.echo(render.on_screen(rendered))


def _reader(settings: Settings, name: str | None) -> ChannelConfig:
    """The channel that is meant. A machine gets no daily message."""
    if name is not None:
        found = settings.channels[_channel(settings, name)]
        if found.machine:
            problem = Problem("--channel", name, "is for a program", "Name one for people")
            raise ConfigError([problem])
        return found
    people = [each for each in settings.channels.values() if not each.machine]
    desk = [each for each in people if "desk" in each.audience]
    return next(iter([*desk, *people]), ChannelConfig("preview", "email"))
