"""The commands: parse, call, print.

Exit codes: 0 done; 1 a required list could not be read by any source, or a message is not
accepted yet; 2 bad input or settings; 75 another Fundwatch runs on this home folder.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from monitor import __version__, actions, inbox, log, outbox, records, setup, status, watchlist_edit
from monitor.app import DATABASE, WATCHLIST, Fundwatch, check_home, now, open_home, runs
from monitor.daemon import Daemon
from monitor.errors import Busy, ConfigError, MonitorError, Problem
from monitor.model import AlertView, TransferView
from monitor.plain import amount, clean, utc
from monitor.poll import PassReport
from monitor.settings import Settings, load
from monitor.store import Store, post, watch
from monitor.store.views import Views

DONE, UNREAD, BAD_INPUT, BUSY = 0, 1, 2, 75
POLL_SENDING_ROUNDS = 3  # tries of a `poll` to hand over what waits
POLL_SENDING_PAUSE = 1.0  # seconds between them


@contextmanager
def _plain_errors() -> Iterator[None]:
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
    except MonitorError as error:
        click.echo(str(error), err=True)
        sys.exit(UNREAD)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(DONE)


class _Home:
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
        settings = self.settings()
        store = Store(self.folder / DATABASE, readonly=True)
        try:
            yield store, settings
        finally:
            store.close()

    def views(self, store: Store, settings: Settings) -> Views:
        return Views(store, settings.chains, settings.assets, settings.addressbook)

    def change(self, action: str, **args: object) -> str:
        """Carry out a change: by the running daemon, else here under the lock."""
        check_home(self.folder)
        try:
            with open_home(self.folder, os.environ) as desk:
                return actions.table(desk)[action](**args)
        except Busy:
            return inbox.ask(self.folder, action, args)


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
    context.obj = _Home(home.expanduser().absolute())
    context.with_resource(_plain_errors())


# -- set up ----------------------------------------------------------------------------


@main.command()
@click.option("--example", is_flag=True, help="Fill the watchlist with the example's entries.")
@click.pass_obj
def init(home: _Home, example: bool) -> None:
    """Make a home folder; overwrites nothing."""
    for line in setup.init(home.folder, example=example):
        click.echo(line)


@main.command()
@click.option("--offline", is_flag=True, help="Only what can be checked without a connection.")
@click.pass_obj
def check(home: _Home, offline: bool) -> None:
    """Say in plain words what works, what does not, and how to mend it. Sends nothing."""
    from monitor import check as checks  # noqa: PLC0415

    home.logs(logging.ERROR)
    sys.exit(checks.run(home.folder, os.environ, offline=offline, now=now(), write=click.echo))


# -- the main job ----------------------------------------------------------------------


_json_logs = click.option(
    "--json-logs", is_flag=True, help="Log lines as JSON, for log collectors."
)


@main.command()
@_json_logs
@click.pass_obj
def poll(home: _Home, json_logs: bool) -> None:
    """Read every watched address once, tell what is new, then exit.

    Reads all lists of all active entries whatever their due time, sends everything that
    waits (except where a receiver named a time), then exits: 0 when all was read and
    accepted, 1 when a list could not be read or a message is not accepted yet.
    """
    home.logs(as_json=json_logs)
    with open_home(home.folder, os.environ) as desk:
        desk.reload()
        for problem in desk.list.problems:
            click.echo(str(problem), err=True)
        with _progress(desk):
            report = desk.poll(everything=True)
        desk.daily()
        waiting = _send_all(desk)
        _say_done(report, waiting)
        if desk.list.problems:
            sys.exit(BAD_INPUT)
        sys.exit(UNREAD if report.unread or waiting else DONE)


def _send_all(desk: Fundwatch) -> int:
    """Send what waits, a few rounds; returns how many deliveries are still not accepted."""
    before = {(r["message"], r["recipient"]) for r in post.deliveries(desk.store, "dead")}
    failed_rounds = 0
    while True:
        tally = desk.deliver(everything=True)
        desk.housekeep()  # a channel that fails may be news for another one
        failed_rounds += not tally.accepted
        if failed_rounds == POLL_SENDING_ROUNDS or not outbox.pending(desk.post()):
            break
        if tally.failed:
            desk.poller.world.sleep(POLL_SENDING_PAUSE)
    died = [
        r
        for r in post.deliveries(desk.store, "dead")
        if (r["message"], r["recipient"]) not in before
    ]
    return len(post.deliveries(desk.store, "waiting")) + len(died)


def _say_done(report: PassReport, waiting: int) -> None:
    unread = sum(len(streams) for streams in report.unread.values())
    blind = len(report.unserved)
    parts = [f"{report.subjects} addresses", f"{report.new_rows:,} new movements"]
    parts.append(f"{report.alerts} alerts")
    if blind:
        parts.append(f"{blind} addresses partly blind (see `fundwatch check`)")
    if unread:
        parts.append(f"{unread} lists could not be read (see `fundwatch status`)")
    if waiting:
        parts.append(f"{waiting} messages not accepted yet (see `fundwatch deliveries list`)")
    click.echo("done      " + ", ".join(parts), err=True)


@contextmanager
def _progress(desk: Fundwatch) -> Iterator[None]:
    """A bar on a terminal; elsewhere the pass's own log line is enough."""
    if not sys.stderr.isatty():
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[found]}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("reading", total=None, found="")

        def show(report: PassReport, left: int) -> None:
            bar.update(
                task,
                total=report.subjects,
                completed=max(0, report.subjects - left),
                found=f"{report.new_rows:,} movements (Ctrl-C is safe, it resumes)",
            )

        desk.poller.on_progress = show
        yield


@main.command()
@_json_logs
@click.pass_obj
def run(home: _Home, json_logs: bool) -> None:
    """Watch until stopped (SIGTERM or Ctrl-C), as a service does."""
    home.logs(as_json=json_logs)
    with open_home(home.folder, os.environ) as desk:
        code = Daemon(desk, actions.table(desk)).run()
    sys.exit(code)


@main.command(name="status")
@click.option("--all", "everything", is_flag=True, help="Also what is complete and recent.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--healthy", is_flag=True, help="Only exit 0 when all is well, else 1.")
@click.pass_obj
def status_(home: _Home, everything: bool, as_json: bool, healthy: bool) -> None:
    """What has been read up to when, what waits, what is wrong."""
    with home.reading() as (store, settings):
        found = status.snapshot(store, settings, now(), running=runs(home.folder))
    if healthy:
        well, why = status.healthy(found)
        click.echo(why)
        sys.exit(DONE if well else UNREAD)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        click.echo(status.render(found, everything=everything, width=None))


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def backup(home: _Home, file: Path) -> None:
    """Copy the record to FILE while it is in use, and verify the copy."""
    if file.exists():
        problem = Problem("FILE", str(file), "exists already", "Choose a new name")
        raise ConfigError([problem])
    with home.reading() as (store, _):
        store.backup(file)
    home.change("note_backup", path=str(file.absolute()))
    click.echo(f"backed up  {file} ({file.stat().st_size:,} bytes, verified)")


@main.command()
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for what the demo leaves.")
def demo(keep: Path | None) -> None:
    """Show the whole thing on an invented little world; needs no network."""
    from monitor.demo.run import main as show  # noqa: PLC0415 - needs the demo extra

    sys.exit(show(keep))


# -- what is recorded --------------------------------------------------------------------


@main.command()
@click.option("--format", "form", type=click.Choice(["table", "jsonl", "csv"]), default="table")
@click.option("--all-legs", is_flag=True, help="Also parts of transactions that touch no entry.")
@click.option("--chain", help="Only this chain.")
@click.option("--address", help="Only this address, in canonical form.")
@click.option("--tx", help="Only this transaction.")
@click.pass_obj
def transfers(
    home: _Home, form: str, all_legs: bool, chain: str | None, address: str | None, tx: str | None
) -> None:
    """List recorded movements that touch an entry, oldest first."""
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
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("TIME (UTC)", "CHAIN", "WAY", "AMOUNT", "FROM", "TO", "STATUS", "TRANSACTION"):
        table.add_column(name, justify="right" if name == "AMOUNT" else "left", overflow="fold")
    for view in views:
        t = view.row.transfer
        ways = "/".join(sorted(set(view.directions.values()))) or "-"
        what = view.symbol if view.verified else f"unverified {clean(view.symbol, 12)}".strip()
        fee = " fee" if t.kind.value == "fee" else ""
        item = f" #{t.token_id}" if t.token_id else ""
        table.add_row(
            *(utc(t.time) if t.time is not None else "unconfirmed", t.chain, ways + fee),
            f"{amount(t.amount, view.decimals)} {what}{item}",
            *(t.sender or "-", t.recipient or "-", view.row.status.value, t.tx),
        )
    _print(table)
    click.echo(f"{len(views):,} movements")


def _print(table: Table) -> None:
    """Full addresses whatever the width: a cut address is a wrong address."""
    console = Console(width=None if sys.stdout.isatty() else 400)
    console.print(table)


# -- alerts ------------------------------------------------------------------------------


def _list_options(command: Callable[..., None]) -> Callable[..., None]:
    """What `alerts` and `alerts list` take alike."""
    for option in (
        click.option("--tx", help="Only of this transaction."),
        click.option("--entry", help="Only of this entry (E-...)."),
        click.option("--state", type=click.Choice(["open", "acknowledged", "closed"])),
        click.option("--format", "form", type=click.Choice(["table", "jsonl"]), default="table"),
    ):
        command = option(command)
    return command


@main.group(invoke_without_command=True)
@_list_options
@click.pass_context
def alerts(context: click.Context, /, **wanted: Any) -> None:  # noqa: ANN401
    """List, show, acknowledge and close alerts. Without a command: list."""
    if context.invoked_subcommand is None:
        _list_alerts(context.obj, **wanted)


@alerts.command(name="list")
@_list_options
@click.pass_obj
def alerts_list(home: _Home, /, **wanted: Any) -> None:  # noqa: ANN401
    """List alerts, oldest first."""
    _list_alerts(home, **wanted)


def _list_alerts(
    home: _Home, form: str, state: str | None, entry: str | None, tx: str | None
) -> None:
    with home.reading() as (store, settings):
        views = home.views(store, settings)
        ids = views.alert_ids(state=state, entry=entry, tx=tx)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("ALERT", "TIME (UTC)", "SEVERITY", "KIND", "WAY", "CHAIN", "CASE", "STATE"):
            table.add_column(name, overflow="fold")
        for start in range(0, len(ids), 500):
            for view in views.alerts(ids[start : start + 500]):
                if form == "jsonl":
                    click.echo(records.json_text(records.alert_object(view)))
                else:
                    table.add_row(*_alert_cells(view))
        if form == "table":
            _print(table)
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
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def alerts_show(home: _Home, alert_id: str, as_json: bool) -> None:
    """Show one alert as its mail says it."""
    with home.reading() as (store, settings):
        found = home.views(store, settings).alerts([alert_id])
        if not found:
            raise ConfigError(
                [Problem("alert", alert_id, "there is none", "See `fundwatch alerts list`")]
            )
        if as_json:
            click.echo(records.json_text(records.alert_object(found[0])))
        else:
            click.echo(actions.as_text(found[0], home.folder, settings, now()))


def _state_command(name: str, state: str, text: str) -> None:
    @alerts.command(name=name, help=text)
    @click.argument("alert_ids", metavar="ID...", nargs=-1, required=True)
    @click.option("--by", required=True, help="Your name, for the record.")
    @click.option("--note", default="", help="Why, for the record.")
    @click.pass_obj
    def command(home: _Home, alert_ids: tuple[str, ...], by: str, note: str) -> None:
        click.echo(home.change("set_state", ids=list(alert_ids), state=state, name=by, note=note))


_state_command("ack", "acknowledged", "Say that you have an alert in hand.")
_state_command("close", "closed", "Close an alert, with the reason in --note.")


# -- watchlist ---------------------------------------------------------------------------


@main.group(name="watchlist")
def watchlist_() -> None:
    """Look at the watchlist, add to it, retire from it."""


@watchlist_.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
@click.pass_obj
def watchlist_list(home: _Home, as_json: bool) -> None:
    """List the entries that are watched."""
    with home.reading() as (store, _):
        entries = watch.all_entries(store)
        absent = {w.entry.id for w in watch.absent_entries(store)}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("ENTRY", "CASE", "CHAIN", "ADDRESS", "LABEL", "SEVERITY", "STATE"):
        table.add_column(name, overflow="fold")
    for watched in entries:
        e = watched.entry
        state = "retired" if not watched.active else "watched"
        if watched.active and e.id in absent:
            state = "watched, missing from the file"
        cells = (e.id, e.case, e.subject.chain, e.subject.address, e.label, e.severity.value, state)
        if as_json:
            names = ("id", "case", "chain", "address", "label", "severity", "state")
            click.echo(records.json_text(dict(zip(names, cells, strict=True))))
        else:
            table.add_row(*cells)
    if not as_json:
        _print(table)
        click.echo(f"{len(entries)} entries")


@watchlist_.command(name="show")
@click.argument("entry_id", metavar="ENTRY")
@click.pass_obj
def watchlist_show(home: _Home, entry_id: str) -> None:
    """Show one entry with its terms and history."""
    with home.reading() as (store, _):
        rows = store.read("SELECT * FROM entry WHERE id = ?", [entry_id])
        versions = store.read(
            "SELECT at, terms FROM entry_version WHERE entry = ? ORDER BY at", [entry_id]
        )
    if not rows:
        problem = Problem("ENTRY", entry_id, "there is none", "See `fundwatch watchlist list`")
        raise ConfigError([problem])
    for key, value in json.loads(rows[0]["terms"]).items():
        shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
        click.echo(f"{key:<11} {'' if shown is None else shown}")
    for version in versions:
        click.echo(f"{'version':<11} taken {utc(version['at'])}")


@watchlist_.command(name="add")
@click.argument("address")
@click.option("--chain", "chains", required=True, multiple=True, help="May be given repeatedly.")
@click.option("--label", default="")
@click.option("--case", default="")
@click.option("--reason", default="")
@click.option("--source", default="", help="Where the reason is written.")
@click.option("--severity", type=click.Choice(["severe", "high", "medium", "low"]))
@click.option("--since", default="", help='"first", a date or a block height.')
@click.pass_obj
def watchlist_add(home: _Home, /, address: str, chains: tuple[str, ...], **lines: Any) -> None:  # noqa: ANN401
    """Add an address to watchlist.yaml; its notes and layout stay as they are."""
    check_home(home.folder)
    table = home.settings().chains
    path = home.folder / WATCHLIST
    chain = chains[0] if len(chains) == 1 else list(chains)
    text = watchlist_edit.add(
        path.read_text("utf-8"), table, address=address, chain=chain,
        **{k: v for k, v in lines.items() if v},
    )  # fmt: skip
    _replace(path, text)
    click.echo(f"added     {address} to {path.name}; a running Fundwatch takes it within a minute")


@watchlist_.command(name="retire")
@click.argument("entry_id", metavar="ENTRY")
@click.option("--by", required=True, help="Your name, for the record.")
@click.option("--why", required=True, help="The reason, for the record.")
@click.pass_obj
def watchlist_retire(home: _Home, entry_id: str, by: str, why: str) -> None:
    """End the watch of an entry; what was recorded stays."""
    click.echo(home.change("retire", entry_id=entry_id, name=by, why=why, day=_today()))


def _today() -> str:
    return date.today().isoformat()  # noqa: DTZ011 - the day of the person who retires it


def _replace(path: Path, text: str) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(text, "utf-8")
    temporary.chmod(path.stat().st_mode)
    temporary.replace(path)


# -- deliveries and channels ---------------------------------------------------------------


@main.group()
def deliveries() -> None:
    """What was sent, what waits, what was given up."""


@deliveries.command(name="list")
@click.option("--state", type=click.Choice(["waiting", "accepted", "dead"]))
@click.option("--format", "form", type=click.Choice(["table", "jsonl"]), default="table")
@click.pass_obj
def deliveries_list(home: _Home, state: str | None, form: str) -> None:
    """List deliveries, newest first."""
    with home.reading() as (store, _):
        rows = post.deliveries(store, state)
    names = ("message", "channel", "recipient", "state", "attempts", "due", "last_error")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("MESSAGE", "CHANNEL", "RECIPIENT", "STATE", "TRIES", "NEXT (UTC)", "LAST ERROR"):
        table.add_column(name, overflow="fold")
    for row in rows:
        if form == "jsonl":
            click.echo(records.json_text({name: row[name] for name in names}))
            continue
        next_try = utc(row["due"]) if row["state"] == "waiting" else "-"
        shown = {"dead": "given up", "accepted": "accepted by the server"}
        table.add_row(
            *(row["message"], row["channel"], row["recipient"]),
            *(shown.get(row["state"], row["state"]), str(row["attempts"]), next_try),
            row["last_error"],
        )
    if form == "table":
        _print(table)
        click.echo(f"{len(rows):,} deliveries")


@deliveries.command(name="replay")
@click.argument("message_ids", metavar="MESSAGE...", nargs=-1)
@click.option("--dead", is_flag=True, help="Everything that was given up.")
@click.pass_obj
def deliveries_replay(home: _Home, message_ids: tuple[str, ...], dead: bool) -> None:
    """Send again, with the same id and bytes."""
    if bool(message_ids) == dead:
        problem = Problem("replay", "", "wants message ids, or --dead", "Give one of them")
        raise ConfigError([problem])
    click.echo(home.change("replay", ids=list(message_ids), dead=dead))


@main.group(name="channels")
def channels_() -> None:
    """Try the ways of telling people."""


@channels_.command(name="test")
@click.argument("name")
@click.pass_obj
def channels_test(home: _Home, name: str) -> None:
    """Send a test message over a channel; a success switches a disabled one on again."""
    if name not in home.settings().channels:
        known = ", ".join(home.settings().channels) or "none is set up"
        problem = Problem("config/channels.yaml", name, "is no channel", f"There are: {known}")
        raise ConfigError([problem])
    click.echo(home.change("test_channel", name=name))
