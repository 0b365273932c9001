"""Setting up, checking, the main job, and keeping it well."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from monitor import actions, outbox, setup, status
from monitor.app import Fundwatch, now, open_home, runs
from monitor.cli.common import BAD_INPUT, DONE, UNREAD, Home
from monitor.daemon import Daemon
from monitor.errors import ConfigError, Problem
from monitor.poll import PassReport
from monitor.store import post

POLL_SENDING_ROUNDS = 3  # tries of a `poll` to hand over what waits
POLL_SENDING_PAUSE = 1.0  # seconds between them

# -- set up ----------------------------------------------------------------------------


@click.command()
@click.option("--example", is_flag=True, help="Fill the watchlist with the example's entries.")
@click.pass_obj
def init(home: Home, example: bool) -> None:
    """Make a home folder; overwrites nothing."""
    for line in setup.init(home.folder, example=example):
        click.echo(line)


@click.command()
@click.option("--offline", is_flag=True, help="Only what can be checked without a connection.")
@click.pass_obj
def check(home: Home, offline: bool) -> None:
    """Say in plain words what works, what does not, and how to mend it. Sends nothing."""
    from monitor import check as checks  # noqa: PLC0415

    home.logs(logging.ERROR)
    sys.exit(checks.run(home.folder, os.environ, offline=offline, now=now(), write=click.echo))


# -- the main job ----------------------------------------------------------------------


_json_logs = click.option(
    "--json-logs", is_flag=True, help="Log lines as JSON, for log collectors."
)


@click.command()
@_json_logs
@click.pass_obj
def poll(home: Home, json_logs: bool) -> None:
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


@click.command()
@_json_logs
@click.pass_obj
def run(home: Home, json_logs: bool) -> None:
    """Watch until stopped (SIGTERM or Ctrl-C), as a service does."""
    home.logs(as_json=json_logs)
    with open_home(home.folder, os.environ) as desk:
        code = Daemon(desk, actions.table(desk)).run()
    sys.exit(code)


@click.command(name="status")
@click.option("--all", "everything", is_flag=True, help="Also what is complete and recent.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--healthy", is_flag=True, help="Only exit 0 when all is well, else 1.")
@click.pass_obj
def status_(home: Home, everything: bool, as_json: bool, healthy: bool) -> None:
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


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def backup(home: Home, file: Path) -> None:
    """Copy the record to FILE while it is in use, and verify the copy."""
    if file.exists():
        problem = Problem("FILE", str(file), "exists already", "Choose a new name")
        raise ConfigError([problem])
    with home.reading() as (store, _):
        store.backup(file)
    home.change("note_backup", path=str(file.absolute()))
    click.echo(f"backed up  {file} ({file.stat().st_size:,} bytes, verified)")


@click.command()
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for what the demo leaves.")
def demo(keep: Path | None) -> None:
    """Show the whole thing on an invented little world; needs no network."""
    from monitor.demo.run import main as show  # noqa: PLC0415 - needs the demo extra

    sys.exit(show(keep))
