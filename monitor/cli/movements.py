"""What is recorded: movements and alerts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from monitor import __version__
from monitor.app.templates import templates
from monitor.cli import terminal
from monitor.cli.common import Home, format_option
from monitor.loops import find
from monitor.loops.clock import now
from monitor.messages import lines, objects, render, spreadsheet
from monitor.model import AlertView, ChannelConfig, Rendered, TransferView
from monitor.model.desk_work import GIVEN
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import plural
from monitor.model.settings import Settings
from monitor.store import notes
from monitor.store.port import Reader

# -- what is recorded --------------------------------------------------------------------


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "jsonl", "csv"]),
    default="table",
    help="A table for people (default), JSON lines or CSV for programs.",
)
@click.option("--all-legs", is_flag=True, help="Also parts of transactions that touch no entry.")
@click.option("--chain", help="Only this chain, by key or name: ethereum, BTC, tron...")
@click.option("--address", help="Only what this address sent or received, in any spelling.")
@click.option("--tx", help="Only this transaction, by its hash.")
@click.pass_obj
def transfers(
    home: Home, form: str, all_legs: bool, chain: str | None, address: str | None, tx: str | None
) -> None:
    """List recorded movements that touch an entry, oldest first.

    Everything that was found is here, quiet and reversed movements too; the status says
    which. The table says amounts as people do and has hashes where the window is wide; CSV and
    JSON lines are exact and whole, JSON lines also say who said so and when. An address or a
    hash that the record does not know is an error, not an empty list. Only reads.

    \b
    Example
      fundwatch transfers --chain tron --format csv > movements.csv
    """
    with home.reading() as (store, settings):
        key = find.chain_key(settings.chains, chain) if chain is not None else None
        if key is not None and not find.is_watched(store, key):
            click.echo(f"No address is watched on {settings.chains[key].name}.", err=True)
        if address is not None:
            address = find.known_address(store, settings.chains, address, key)
        if tx is not None:
            tx = find.known_tx(store, settings.chains, tx)
        views = home.views(store, settings).transfers(
            chain=key, address=address, tx=tx, all_legs=all_legs
        )
        if form == "table":
            _transfer_table(list(views), settings)
        elif form == "csv":
            for line in spreadsheet.csv_rows(views):
                click.echo(line, nl=False)
        else:
            for view in views:
                click.echo(objects.json_text(objects.transfer_object(view)))


def _transfer_table(views: list[TransferView], settings: Settings) -> None:
    columns = terminal.width()
    for view in views:
        chain = settings.chains.get(view.row.transfer.chain)
        click.echo(lines.transfer_line(view, chain, columns))
    click.echo(f"{plural(len(views), 'movement')} (times in UTC; hashes: --format csv)")
    if not views:
        click.echo("Nothing is recorded of it. Up to when it was read: fundwatch status")


# -- alerts ------------------------------------------------------------------------------


def _list_options(command: Callable[..., None]) -> Callable[..., None]:
    """What `alerts` and `alerts list` take alike."""
    for option in (
        click.option("--tx", help="Only of this transaction, by its hash."),
        click.option("--entry", help="Only of this entry: its id (E-...), address or label."),
        click.option(
            "--state",
            type=click.Choice(["open", "acknowledged", "closed"], case_sensitive=False),
            help="Only alerts in this state.",
        ),
        format_option,
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@_list_options
@click.pass_context
def alerts(context: click.Context, /, **wanted: Any) -> None:  # noqa: ANN401 - options
    """List, show, acknowledge and close alerts. Without a command: list.

    An alert is open until somebody acknowledges it, and closed when somebody says so with
    the reason. The address stays watched either way.
    """
    if context.invoked_subcommand is None:
        _list_alerts(context.obj, **wanted)


@alerts.command(name="list")
@_list_options
@click.pass_obj
def alerts_list(home: Home, /, **wanted: Any) -> None:  # noqa: ANN401 - options
    """List alerts, oldest first: number, time in UTC, urgency, state, and what happened.

    Quiet ones too (recorded, not sent by themselves). Only reads.

    \b
    Example
      fundwatch alerts list --state open
    """
    _list_alerts(home, **wanted)


def _list_alerts(
    home: Home, form: str, state: str | None, entry: str | None, tx: str | None
) -> None:
    with home.reading() as (store, settings):
        views = home.views(store, settings)
        ids = _wanted(store, settings, views.alert_ids, state, entry, tx)
        columns, zone = terminal.width(), desk_zone(store, settings)
        for start in range(0, len(ids), 500):
            for view in views.alerts(ids[start : start + 500]):
                if form == "jsonl":
                    click.echo(objects.json_text(objects.alert_object(view)))
                else:
                    click.echo(lines.alert_line(view, zone, now(), columns))
        if form == "table":
            click.echo(f"{plural(len(ids), 'alert')} (times in UTC)")


def _wanted(
    store: Reader,
    settings: Settings,
    alert_ids: Callable[..., list[str]],
    state: str | None,
    entry: str | None,
    tx: str | None,
) -> list[str]:
    """Of one state, entry, transaction; an entry or a hash that is not known is an error."""
    if tx is not None:
        tx = find.known_tx(store, settings.chains, tx)
    if entry is None:
        return alert_ids(state=state, tx=tx)
    meant = [w.entry.id for w in find.entries(store, settings.chains, entry)]
    found = {a for each in meant for a in alert_ids(state=state, entry=each, tx=tx)}
    return [a for a in alert_ids(state=state, tx=tx) if a in found] if len(meant) > 1 else (
        alert_ids(state=state, entry=meant[0], tx=tx)
    )  # fmt: skip


def desk_zone(store: Reader, settings: Settings) -> str:
    return notes.get_note(store, "timezone") or settings.timezone


@alerts.command(name="show")
@click.argument("alert_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As JSON, the form of the webhook.")
@click.option("--csv", "as_csv", is_flag=True, help="The file alone that its mail has, as CSV.")
@click.pass_obj
def alerts_show(home: Home, alert_id: str, as_json: bool, as_csv: bool) -> None:
    """Show one alert as its mail says it, with what is known by now.

    ID is the number of an alert, or of a message with all of its alerts. Only reads.

    \b
    Example
      fundwatch alerts show A-10482
    """
    with home.reading() as (store, settings):
        ids = find.alert_ids(store, alert_id)
        for view in home.views(store, settings).alerts(ids):
            if as_csv:
                _show_file(_rendered(view, store, settings), view.alert.id)
            elif as_json:
                click.echo(objects.json_text(objects.alert_object(view)))
            else:
                click.echo(_as_text(view, store, settings))


def _as_text(view: AlertView, store: Reader, settings: Settings) -> str:
    """An alert as its mail says it, for the terminal."""
    return render.on_screen(_rendered(view, store, settings))


def _show_file(rendered: Rendered, alert_id: str) -> None:
    if not rendered.attachments:
        remedy = "Leave --csv out; rows of movements: fundwatch transfers --format csv"
        raise ConfigError([Problem("ID", alert_id, "has a mail without a file", remedy)])
    for _, _, text in rendered.attachments:
        click.echo(text, nl=False)


def _rendered(view: AlertView, store: Reader, settings: Settings) -> Rendered:
    return render.render(
        [view],
        channel=ChannelConfig("terminal", "email"),
        allowed_cases=None,
        message_id="",
        now=now(),
        timezone=desk_zone(store, settings),
        version=__version__,
        templates=templates(settings.home),
    )


def _state_command(name: str, state: str, text: str) -> None:
    closes = state == "closed"

    @alerts.command(name=name, help=text)
    @click.argument("alert_ids", metavar="ID...", nargs=-1, required=True)
    @click.option("--by", required=True, help="Your name, for the record.")
    @click.option("--note", default="", required=closes, help="Why, for the record.")
    @click.option("--take-over", is_flag=True, help="Also what somebody else has, or closed.")
    @click.pass_obj
    def command(
        home: Home,
        alert_ids: tuple[str, ...],
        by: str,
        note: str,
        take_over: bool,
        outcome: str | None = None,
    ) -> None:
        more = {"outcome": outcome} if outcome else {}
        said = home.change(
            *("set_state",), ids=list(alert_ids), state=state, name=by, note=note,
            take_over=take_over, **more,
        )  # fmt: skip
        click.echo(said)

    if closes:
        how = "Which of the reasons it is; needed while the desk is on."
        click.option(
            "--as", "outcome", type=click.Choice([each.value for each in GIVEN]), help=how
        )(command)


_state_command(
    "ack",
    "acknowledged",
    """Say that you have alerts in hand.

    Records your name, the time and the note with each. ID is the number of an alert, or of a
    message with all of its alerts that are open. What somebody else has stays theirs, and the
    answer names them; --take-over takes it.

    \b
    Example
      fundwatch alerts ack A-10482 --by "M. Ortiz"
    """,
)
_state_command(
    "close",
    "closed",
    """Close alerts, with the reason in --note.

    Records your name, the time and the reason with each. The address stays watched. ID is the
    number of an alert, or of a message with all of its alerts. While the desk is on, severe and
    high ones are closed by two people: this proposes it, and another one agrees there.

    \b
    Example
      fundwatch alerts close A-10482 --as expected --by "M. Ortiz" --note "was announced"
    """,
)
