"""`fundwatch files`: making the reports and exports that people asked for at the desk."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import click

from monitor.cli.common import Home
from monitor.loops.clock import now
from monitor.loops.report import jobs
from monitor.loops.report.work import Tools, work_off
from monitor.loops.views import views_of
from monitor.model.plain import count
from monitor.store.guard import DATABASE
from monitor.store.port import Reader, Store
from monitor.store.sqlite import Store as Record


@click.command(name="files")
@click.option("--beside", is_flag=True, hidden=True)  # ends when its input does
@click.pass_obj
def files_(home: Home, beside: bool) -> None:
    """Make the reports and exports that people asked for at the desk.

    The desk starts this by itself; by hand it goes on where one was ended. One process makes them,
    one after the other. Files lie in files/ of the home folder, the newest 50 of the last 30 days.

    \b
    Example
      fundwatch files
    """
    home.logs()
    if beside:
        threading.Thread(target=_end_with_input, daemon=True).start()
    with home.reading() as (_, settings):
        pass

    @contextmanager
    def reading() -> Iterator[Reader]:
        with closing(Record(home.folder / DATABASE, readonly=True)) as store:
            yield store

    @contextmanager
    def writing() -> Iterator[Store]:
        with closing(Record(home.folder / DATABASE)) as store:
            yield store

    tools = Tools(
        home.folder, settings, reading, writing, lambda store: views_of(store, settings), now
    )
    made = work_off(tools)
    if beside:
        return
    click.echo(f"made      {count(made, 'file', 'files')}")
    waiting = sum(job.open for job in jobs.every(home.folder))
    if waiting:
        click.echo(f"waiting   {waiting:,}, which another process makes")


def _end_with_input() -> None:
    """However this process is ended, the next one goes on."""
    while os.read(0, 4096):  # not by sys.stdin, whose lock would be held where the work is done
        pass
    os._exit(0)
