"""`fundwatch export`, `report` and `key`: a case in one file that proves itself or as PDF, and the
key that signs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from monitor.app.folder import check_home
from monitor.cli import waiting
from monitor.cli.common import Home
from monitor.loops import cases
from monitor.loops.report import keys
from monitor.loops.report.export import Wanted, export
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import plural


@click.command(name="export")
@click.argument("case")
@click.option(
    "--out",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to: FILE.zip. A file of that name is replaced.",
)
@click.option("--notes", is_flag=True, help="With what people noted; else their number is said.")
@click.pass_obj
def export_(home: Home, case: str, out: Path, notes: bool) -> None:
    """All that is recorded of a case in one ZIP, signed, to be verified on any machine.

    Cover, movements, alerts, decisions, the log with the proof of what is withheld, list versions,
    coverage with gaps, the trace by every method, kept answers, settings and method in words. The
    same state of the record gives the same bytes. Nothing of other cases, no address of the house
    and no confidential clock is in it. `fundwatch verify FILE` checks it. Only reads.

    \b
    Example
      fundwatch export SIM-2023 --out sim-2023.zip
    """
    with home.reading() as (store, settings):
        name = cases.known(store, case)
        try:
            with _writing(out):
                wanted, key = Wanted(name, notes), keys.load(home.folder)
                views = home.views(store, settings)
                done = export(store, settings, views, wanted, out, key, waiting.say)
        except ValueError as error:
            raise ConfigError([Problem("CASE", case, str(error), "Ask for a part")]) from error
    click.echo(f"exported  {out}: {done.size:,} bytes, {plural(done.movements, 'movement')}")
    click.echo(f"sha256    {done.sha256}")
    click.echo(f"key       {keys.fingerprint(keys.public(key))}")
    click.echo(f"left out  {'no note' if notes else plural(done.notes_left_out, 'note')}")
    if not done.standing.read:
        click.echo("NOT EVERYTHING IS READ: the cover says what is not")


@click.command(name="report")
@click.argument("case")
@click.option(
    "--out",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to: FILE.pdf. A file of that name is replaced.",
)
@click.pass_obj
def report_(home: Home, case: str, out: Path) -> None:
    """The report of a case as PDF: where the money is, how sure, who could act, who decided.

    First what must be known before any figure; then sums by every method, the places, the flow
    picture, each hop, what is not known, what was read, decisions, the method. The same state of
    the record gives the same bytes. Needs the extra `report`. Only reads.

    \b
    Example
      fundwatch report SIM-2023 --out sim-2023.pdf
    """
    from monitor.loops.report import pdf  # noqa: PLC0415 - templates load slowly

    with home.reading() as (store, settings):
        name = cases.known(store, case)
        views = home.views(store, settings)
        with _writing(out):
            key = keys.load(home.folder)
            done = pdf.make(store, settings, views, name, out, key, waiting.say)
    click.echo(f"reported  {out}: {plural(done.pages, 'page')}, {done.size:,} bytes")
    click.echo(f"sha256    {done.sha256}")
    if not done.standing.read:
        click.echo("NOT EVERYTHING IS READ: the first page says what is not")


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Faults of the disk, in words about the file."""
    try:
        yield
    except OSError as error:
        why = f"cannot be written ({error.strerror})"
        remedy = "Name a file in a folder that is there, on a disk with room"
        raise ConfigError([Problem("--out", str(out), why, remedy)]) from error


@click.command(name="key")
@click.option("--pem", is_flag=True, help="The public key itself, for other programs.")
@click.pass_obj
def key_(home: Home, pem: bool) -> None:
    """The fingerprint of the key that signs exports, to be told by another way than they go.

    The key is made once, into signing.key of the home folder, for this user alone. Who has that
    file can sign as this installation; `fundwatch backup` does not copy it, so keep a copy.

    \b
    Example
      fundwatch key
    """
    check_home(home.folder)
    os.umask(0o077)
    raw = keys.public(keys.load(home.folder))
    click.echo(keys.pem(raw), nl=False) if pem else click.echo(keys.fingerprint(raw))
