"""What is recorded: movements and alerts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from monitor import actions, records
from monitor.app import now
from monitor.cli.common import Home, print_table, table
from monitor.errors import ConfigError, Problem
from monitor.model import AlertView, TransferView
from monitor.plain import amount, clean, utc

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
@click.option("--chain", help="Only this chain, by its key: ethereum, bitcoin, tron...")
@click.option("--address", help="Only what this address sent or received; in canonical form.")
@click.option("--tx", help="Only this transaction, by its hash.")
@click.pass_obj
def transfers(
    home: Home, form: str, all_legs: bool, chain: str | None, address: str | None, tx: str | None
) -> None:
    """List recorded movements that touch an entry, oldest first.

    Everything that was found is here, quiet and reversed movements too; the status says
    which. Amounts are exact. JSON lines also hold who said so and when. Only reads.

    \b
    Example
      fundwatch transfers --chain tron --format csv > movements.csv
    """
    with home.reading() as (store, settings):
        views = home.views(store, settings).transfers(
            chain=chain, address=address, tx=tx, all_legs=all_legs
        )
        if form == "table":
            _transfer_table(list(views))
        elif form == "csv":
            for line in records.csv_rows(views):
                click.echo(line, nl=False)
        else:
            for view in views:
                click.echo(records.json_text(records.transfer_object(view)))


def _transfer_table(views: list[TransferView]) -> None:
    shown = table("TIME (UTC)", "CHAIN", "WAY", "AMOUNT", "FROM", "TO", "STATUS", "TRANSACTION")
    shown.columns[3].justify = "right"
    for view in views:
        t = view.row.transfer
        ways = "/".join(sorted(set(view.directions.values()))) or "-"
        what = view.symbol if view.verified else f"unverified {clean(view.symbol, 12)}".strip()
        fee = " fee" if t.kind.value == "fee" else ""
        item = f" #{t.token_id}" if t.token_id else ""
        shown.add_row(
            *(utc(t.time) if t.time is not None else "unconfirmed", t.chain, ways + fee),
            f"{amount(t.amount, view.decimals)} {what}{item}",
            *(t.sender or "-", t.recipient or "-", view.row.status.value, t.tx),
        )
    print_table(shown)
    click.echo(f"{len(views):,} movements")


# -- alerts ------------------------------------------------------------------------------


def _list_options(command: Callable[..., None]) -> Callable[..., None]:
    """What `alerts` and `alerts list` take alike."""
    for option in (
        click.option("--tx", help="Only of this transaction, by its hash."),
        click.option("--entry", help="Only of this entry (E-...)."),
        click.option(
            "--state",
            type=click.Choice(["open", "acknowledged", "closed"]),
            help="Only alerts in this state.",
        ),
        click.option(
            "--format",
            "form",
            type=click.Choice(["table", "jsonl"]),
            default="table",
            help="A table for people (default) or JSON lines for programs.",
        ),
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@_list_options
@click.pass_context
def alerts(context: click.Context, /, **wanted: Any) -> None:  # noqa: ANN401
    """List, show, acknowledge and close alerts. Without a command: list.

    An alert is open until somebody acknowledges it, and closed when somebody says so with
    the reason. The address stays watched either way.
    """
    if context.invoked_subcommand is None:
        _list_alerts(context.obj, **wanted)


@alerts.command(name="list")
@_list_options
@click.pass_obj
def alerts_list(home: Home, /, **wanted: Any) -> None:  # noqa: ANN401
    """List alerts, oldest first.

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
        ids = views.alert_ids(state=state, entry=entry, tx=tx)
        shown = table("ALERT", "TIME (UTC)", "SEVERITY", "KIND", "WAY", "CHAIN", "CASE", "STATE")
        for start in range(0, len(ids), 500):
            for view in views.alerts(ids[start : start + 500]):
                if form == "jsonl":
                    click.echo(records.json_text(records.alert_object(view)))
                else:
                    shown.add_row(*_alert_cells(view))
        if form == "table":
            print_table(shown)
            click.echo(f"{len(ids):,} alerts")


def _alert_cells(view: AlertView) -> list[str]:
    alert = view.alert
    quiet = "" if alert.lane.value == "news" else " (quiet)"
    return [
        alert.id,
        utc(alert.created),
        alert.severity.value,
        alert.kind.value + quiet,
        alert.direction.value if alert.direction else "-",
        alert.chain or "-",
        view.entry.case if view.entry else "-",
        view.state,
    ]


@alerts.command(name="show")
@click.argument("alert_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As JSON, the form of the webhook.")
@click.pass_obj
def alerts_show(home: Home, alert_id: str, as_json: bool) -> None:
    """Show one alert as its mail says it, with what is known by now.

    Only reads.

    \b
    Example
      fundwatch alerts show A-10482
    """
    with home.reading() as (store, settings):
        found = home.views(store, settings).alerts([alert_id])
        if not found:
            raise ConfigError(
                [Problem("alert", alert_id, "there is none", "See `fundwatch alerts list`")]
            )
        if as_json:
            click.echo(records.json_text(records.alert_object(found[0])))
        else:
            click.echo(actions.as_text(found[0], store, home.folder, settings, now()))


def _state_command(name: str, state: str, text: str) -> None:
    @alerts.command(name=name, help=text)
    @click.argument("alert_ids", metavar="ID...", nargs=-1, required=True)
    @click.option("--by", required=True, help="Your name, for the record.")
    @click.option("--note", default="", help="Why, for the record.")
    @click.pass_obj
    def command(home: Home, alert_ids: tuple[str, ...], by: str, note: str) -> None:
        click.echo(home.change("set_state", ids=list(alert_ids), state=state, name=by, note=note))


_state_command(
    "ack",
    "acknowledged",
    """Say that you have alerts in hand.

    Records your name, the time and the note with each. ID is the number of an alert, or of a
    message with all of its alerts that are open.

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
    number of an alert, or of a message with all of its alerts.

    \b
    Example
      fundwatch alerts close A-10482 --by "M. Ortiz" --note "payment was announced"
    """,
)
