"""Setting up, checking, the main job, and keeping it well."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from monitor.app import restore, setup
from monitor.app.daemon import Daemon
from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.cli import terminal
from monitor.cli.common import BAD_INPUT, DONE, UNREAD, Home, by_option
from monitor.loops import deliver, doors, freeze
from monitor.loops.clock import now
from monitor.loops.keeping import keep_bounds
from monitor.loops.passing import PassReport
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import count, plural
from monitor.store import deskfile, outbox, owing

POLL_SENDING_ROUNDS = 3  # tries of a `poll` to hand over what waits
POLL_SENDING_PAUSE = 1.0  # seconds between them
POLL_SENDING = 40.0  # seconds for all of them: what is not accepted by then goes next time
POLL_BALANCES = 20.0  # seconds after which a `poll` begins to hold nobody else against the chain
POLL_DEBTS = 60.0  # seconds in which a `poll` reads what is owed to addresses read by blocks
POLL_PRICING = 3.0  # seconds in which a `poll` asks for prices, to show beside what it told

# -- set up ----------------------------------------------------------------------------


@click.command()
@click.option(
    "--example", is_flag=True, help="Fill the watchlist with real, published addresses, to try it."
)
@click.option("--lists", metavar="NAMES", help="Published lists to watch: ofac, or several: a,b.")
@click.option(
    "--file", "path", type=click.Path(path_type=Path), help="Take this file of the one list."
)
@by_option
@click.pass_obj
def init(home: Home, example: bool, lists: str | None, path: Path | None, by: str | None) -> None:
    """Make a home folder; overwrites nothing.

    Makes the folder where there is none, and in it what is missing of: watchlist.yaml,
    config/ (all comments, nothing is set up by it), .env for keys and passwords (readable
    by you only) and fundwatch.db, the record. Then says what to do next. Run it again at
    any time: what is there is not touched.

    With --lists everything that these lists publish is watched from the start: it fetches
    them (or takes FILE where there is no network), and says how many addresses can be read and
    how many not and why, what a round of reading costs, how old news will be, and what would
    make it better. Exits with 1 where a list could not be had.

    \b
    Example
      fundwatch --home ~/fundwatch init
      fundwatch --home ~/fundwatch init --lists ofac
    """
    names = [*dict.fromkeys(each.strip() for each in (lists or "").split(",") if each.strip())]
    if (lists is not None and not names) or (path is not None and not names):
        remedy = "Write  --lists ofac"
        raise ConfigError([Problem("--lists", lists or "", "names no list", remedy)])
    for line in setup.init(home.folder, example=example, lists=bool(names)):
        click.echo(line)
    if not names:
        return
    from monitor.app import first_lists  # noqa: PLC0415 - it loads what reads lists

    actor, missing = doors.this_user().named(by), False
    for line in first_lists.begin(home.folder, os.environ, names, path, actor):
        click.echo(line)
        missing = missing or line.startswith(first_lists.NOT_HAD)
    for line in setup.steps(home.folder):
        click.echo(line)
    sys.exit(UNREAD if missing else DONE)


@click.command()
@click.option("--offline", is_flag=True, help="Only what can be checked without a connection.")
@click.pass_obj
def check(home: Home, offline: bool) -> None:
    """Say what works, what does not, and how to mend it.

    Reads settings, watchlist and record, asks every source for its newest block and for the
    newest rows of one watched address, and opens every channel without sending. Says what a
    round of reading costs, which operators learn which addresses, and which hosts a firewall
    must allow. Sends and changes nothing. Exits with 1 when something fails; warnings alone
    are 0.

    \b
    Example
      fundwatch check --offline      before there is a connection
    """
    from monitor.app.check.run import run  # noqa: PLC0415

    home.logs(logging.ERROR)
    code = run(
        *(home.folder, os.environ),
        offline=offline,
        now=now(),
        write=click.echo,
        width=terminal.page(),
    )
    sys.exit(code)


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
    accepted, 1 when a list could not be read or a message is not accepted yet. Published
    lists that are due are fetched first, and balances that are due held against the record at
    the end. For cron, or to try a new watchlist; while `run` works it does nothing and exits
    with 75.

    \b
    Example
      fundwatch poll
    """
    home.logs(as_json=json_logs)
    with open_home(home.folder, os.environ) as app:
        app.reload()
        for problem in app.watch_file.problems:
            click.echo(str(problem), err=True)
        lists = app.following.take_due()
        app.reload()  # what they brought is read with the rest
        for result in lists:
            click.echo(result.said, err=True)
        with _progress(app):
            report = app.poll(everything=True)
        app.daily()
        waiting = _send_all(app)  # before whatever else asks sources: that may fail or hang
        app.second.round(busy=1.0)  # no pass is under way
        report.new_rows += app.debts.work(POLL_DEBTS)
        app.balancing.take_due(POLL_BALANCES)
        if freeze.waiting(app.deliver_world()):  # what came of it
            waiting = _send_all(app)
        app.pricer.round(POLL_PRICING)  # after everything was sent: prices never delay
        keep_bounds(app.store, app.settings, now(), at_once=True)
        _say_done(report, waiting, owing.count_untold(app.store), app.debts.left())
        if app.watch_file.problems:
            sys.exit(BAD_INPUT)
        missed = any(result.code for result in lists)
        sys.exit(UNREAD if report.unread or waiting or missed else DONE)


def _send_all(app: Fundwatch) -> int:
    """Send what waits, a few rounds within a time; returns how many deliveries are still not
    accepted."""
    until = time.monotonic() + POLL_SENDING
    before = {(r.message, r.recipient) for r in outbox.deliveries(app.store, "dead")}
    failed_rounds = 0
    while (left := until - time.monotonic()) > 0:
        tally = app.deliver(everything=True, seconds=left)
        app.housekeep()  # a channel that fails may be news for another one
        failed_rounds += not tally.accepted
        # What went out may have shown a way for what nobody could be told.
        again = tally.accepted and owing.count_untold(app.store)
        again = again or deliver.pending(app.deliver_world())
        if failed_rounds == POLL_SENDING_ROUNDS or not again:
            break
        if tally.failed:
            app.poller.world.sleep(POLL_SENDING_PAUSE)
    died = [
        r for r in outbox.deliveries(app.store, "dead") if (r.message, r.recipient) not in before
    ]
    return len(outbox.deliveries(app.store, "waiting")) + len(died)


def _say_done(report: PassReport, waiting: int, untold: int, owed: int) -> None:
    unread = sum(len(streams) for streams in report.unread.values())
    blind = len(report.unserved)
    parts = [count(report.subjects, "address", "addresses")]
    parts += [plural(report.new_rows, "new movement"), plural(report.alerts, "alert")]
    if blind:
        said = count(blind, "address has lists", "addresses have lists")
        parts.append(f"{said} that no source serves (see `fundwatch check`)")
    if unread:
        parts.append(f"{plural(unread, 'list')} could not be read (see `fundwatch status`)")
    if owed:
        said = count(owed, "address has", "addresses have")
        parts.append(f"{said} older history that is still to be read (see `fundwatch status`)")
    if waiting:
        see = "see `fundwatch deliveries list`"
        parts.append(f"{plural(waiting, 'message')} not accepted yet ({see})")
    if untold:
        said = plural(untold, "alert")
        parts.append(f"{said} could be told to nobody yet (see `fundwatch status`)")
    click.echo("done      " + ", ".join(parts), err=True)


@contextmanager
def _progress(app: Fundwatch) -> Iterator[None]:
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

        app.poller.on_progress = show
        yield


@click.command()
@_json_logs
@click.pass_obj
def run(home: Home, json_logs: bool) -> None:
    """Watch until stopped (SIGTERM or Ctrl-C), as a service does.

    Reads every address when it is due, records what moved, sends what waits, follows
    changes of watchlist.yaml within a minute (settings: at the next start), and serves the
    other commands. Stops cleanly within 10 seconds; killed at any moment it loses nothing.
    Log lines go to standard error, one a round and one a change of state; they hold
    numbers, never labels or addresses.

    \b
    Example
      fundwatch --home /var/lib/fundwatch run
    """
    home.logs(as_json=json_logs)
    with open_home(home.folder, os.environ) as app:
        code = Daemon(app).run()
    sys.exit(code)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@by_option
@click.pass_obj
def backup(home: Home, file: Path, by: str | None) -> None:
    """Copy the record to FILE, and verify the copy.

    The copy is whole and consistent while `run` works on. FILE must not exist yet; only you
    may read it. Where there is a desk, its file is copied beside it, to FILE.desk.
    Settings, watchlist and .env are files of yours: copy them by your own means.

    \b
    Example
      fundwatch backup /backup/fundwatch-$(date +%F).db
    """
    doors.this_user().named(by)  # before anything is done: it may be no name
    _may_be_made(file)
    with home.reading() as (store, _):
        store.backup(file)
    desk = _desk_backed_up(home.folder / deskfile.FILE, file)
    home.change("note_backup", by=by, path=str(file.absolute()))
    click.echo(f"backed up  {file} ({file.stat().st_size:,} bytes, verified)")
    if desk:
        click.echo(f"the desk   {desk}: how people sign in, and who looked at what")


def _desk_backed_up(path: Path, file: Path) -> Path | None:
    """The file of the desk, where there is one, is copied beside the copy of the record."""
    if not path.is_file():
        return None
    target = deskfile.beside(file)
    with closing(deskfile.DeskFile(path)) as desk:
        desk.backup(target)
    return target


def _may_be_made(file: Path) -> None:
    """Raises ConfigError, before anything is done."""
    folder = file.absolute().parent
    if not os.access(folder, os.W_OK | os.X_OK):
        why = "cannot be made: its folder is not there, or this user may not write to it"
        remedy = f"Make the folder (mkdir -p {folder}), or name another place"
    elif file.exists():
        why, remedy = "exists already", "Choose a new name"
    else:
        return
    raise ConfigError([Problem("FILE", str(file), why, remedy)])


@click.command(name="restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@by_option
@click.pass_obj
def restore_(home: Home, file: Path, by: str | None) -> None:
    """Put a backup in the place of the record; needs Fundwatch to be stopped.

    FILE is checked first. The record as it was stays beside the new one. What happened since
    the backup is read again and told again, under the same numbers and marked as such. The log of
    the restored record says so: by whom, and what the record that was replaced held beyond it.

    \b
    Example
      fundwatch restore /backup/fundwatch-2026-11-20.db
    """
    for line in restore.restore(home.folder, file, doors.this_user().named(by)):
        click.echo(line)


@click.command()
@click.option(
    "--keep", type=click.Path(path_type=Path), help="Keep what the demo leaves in this folder."
)
@click.option(
    "--hands-on",
    "by_hand",
    type=click.Path(path_type=Path),
    help="Only the world, in this new folder: you run Fundwatch on it by hand.",
)
def demo(keep: Path | None, by_hand: Path | None) -> None:
    """Show everything on an invented little world.

    Needs no network. Plays a made-up laundering story on four chains behind an explorer of
    its own, lets the real program watch it, receives its mails and webhooks, and at the end
    checks that every movement was recorded and told exactly once. Takes about a minute; in a
    terminal the desk then stays open on this story, until Ctrl-C. Touches no home folder.
    Needs the extras: docs/install.md, section Extras.

    \b
    Example
      fundwatch demo --keep ./demo
    """
    from monitor.demo import run as demonstration  # noqa: PLC0415 - needs the demo extra

    if by_hand is not None:
        sys.exit(demonstration.hands_on(by_hand))
    sys.exit(demonstration.main(keep))
