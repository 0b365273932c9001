"""`fundwatch verify FILE` of an export: what was held, what could not be, what that proves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import click

from monitor.cli import differences, terminal
from monitor.cli.common import BAD_INPUT, DONE, UNREAD
from monitor.cli.differences import Heard, passing
from monitor.loops.report import check, keys
from monitor.loops.report.check import Checked
from monitor.model.difference import Difference
from monitor.model.errors import ConfigError, Problem, StoreError
from monitor.model.plain import tidy
from monitor.store.verify.record import Checkpoint

PROVES = """\
What this proves
  The file is, to the last byte, what somebody signed who has this key, and its parts agree with
  each other. If the fingerprint came to you by another way, that was this installation. If a
  checkpoint was given, the log had these rows up to there when it was kept."""
DIFFERS = """\
What this proves
  The file, or a part of it, is not what was signed. Do not rely on it: get it again from whoever
  made it, and the fingerprint by another way."""


def tell(path: Path, key: str | None, mark: Checkpoint | None, form: str) -> NoReturn:
    """Say it, and end with its exit code: 0 nothing differs, 1 something does, 2 it is no whole
    export."""
    spelt = keys.spelt(key) if key is not None else None
    if key is not None and spelt is None:
        remedy = "Give all 64 digits that `fundwatch key` says"
        raise ConfigError([Problem("--key", key[:100], "is no fingerprint", remedy)])
    heard = Heard()
    report = heard if form == "text" else passing(heard)
    try:
        checked = check.verify(path, spelt, report, mark.number if mark else None)
    except StoreError as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_INPUT)
    confirmed = checked.handed.wanted if checked.handed is not None else None
    if mark is not None and confirmed != mark.hash:
        place, there = f"log {mark.number}", f"hash {confirmed}" if confirmed else "no such row"
        report(Difference("checkpoint", place, f"hash {mark.hash}", there))
    if form == "text":
        differences.tell(heard)
        for line in _lines(checked, mark):
            click.echo(differences.wrapped(line, terminal.width()))
        click.echo(DIFFERS if heard.number else PROVES)
    sys.exit(UNREAD if heard.number else DONE)


def _lines(checked: Checked, mark: Checkpoint | None) -> Iterator[str]:
    yield f"Case    {tidy(checked.case, 80)}, as of {tidy(checked.as_of, 40)}"
    yield f"Key     {checked.fingerprint}"
    if checked.handed is not None:
        yield f"Log     number {checked.handed.number:,}, hash {checked.handed.hash}"
    if mark is not None:
        yield f"Check   row {mark.number:,} of the log was asked for"
    yield from (f"Held    {each}" for each in checked.held)
    yield from (f"Not     {each}" for each in checked.not_held)
