"""How Fundwatch is: a command of its own file, because others start it every minute."""

from __future__ import annotations

import json
import sys

import click

from monitor.cli import terminal
from monitor.cli.common import DONE, UNREAD, Home
from monitor.loops.clock import now
from monitor.loops.health import status, vitals
from monitor.loops.health.recordwatch import silence, told_by_sign
from monitor.loops.health.snapshot import to_json
from monitor.loops.health.words import render
from monitor.store.guard import runs


@click.command(name="status")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also show what is complete and recent, and above 1,000 entries each of them.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option(
    "--healthy", is_flag=True, help="One sentence only; exit code 0 when all is well, else 1."
)
@click.pass_obj
def status_(home: Home, everything: bool, as_json: bool, healthy: bool) -> None:
    """What has been read up to when, what waits, what is wrong.

    Says of every watched address and list from when to when it was read and by which
    source, what is behind or blind, which messages wait or were given up, what is left of
    the call budgets, and when the last backup was made. Of more than 1,000 entries it counts all
    and shows the worst 1,000. Only reads; works whether or not `run` does.

    \b
    Example
      fundwatch status --healthy || echo "look after Fundwatch"
    """
    running = runs(home.folder)
    with home.reading() as (store, settings):
        record = told_by_sign(home.folder) if running else ""
        silent = silence(home.folder, now()) if running else ""
        verdict = vitals.look(store, settings, now(), running=running, record=record, silent=silent)
        if healthy:
            click.echo(verdict.words)
            sys.exit(DONE if verdict.well else UNREAD)
        found = status.snapshot(
            store, settings, now(), running=running, health=verdict, everything=everything
        )
    if as_json:
        click.echo(json.dumps(to_json(found), indent=2, ensure_ascii=False))
    else:
        click.echo(render(found, everything=everything, width=terminal.page()))
