"""The log: what was done, by whom, how far that is proven."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TextIO

import click

from monitor.cli import terminal
from monitor.cli.common import Home, format_option
from monitor.loops import cases
from monitor.loops.clock import now
from monitor.loops.doors import this_user
from monitor.messages import lines, loglines, objects
from monitor.messages.balances import to_handed
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import one_line, plural, rfc3339
from monitor.store import balance_figures, logbook
from monitor.store.guard import PRIVATE
from monitor.store.logbook import Told
from monitor.store.port import Reader
from monitor.store.verify import handout


@click.group(name="log")
def log_() -> None:
    """The log of everything that was done: look at it, hand it out, erase texts of it."""


@log_.command(name="show")
@click.option("--from", "first", type=click.IntRange(1), default=1, help="From this number on.")
@click.option("--case", help="Only what is about this case.")
@format_option
@click.pass_obj
def log_show(home: Home, first: int, case: str | None, form: str) -> None:
    """Show what was done, the newest last.

    Of each act: its number and time, who did it and how far that is proven, what was done, and
    the first 12 characters of its hash. JSON lines hold all of it. Only reads.

    \b
    Example
      fundwatch log show --case SIM-2023
    """
    columns, shown = terminal.width(), 0
    with home.reading() as (store, _):
        case = cases.known(store, case) if case is not None else None
        for row in logbook.rows(store, first, case):
            click.echo(_json(row) if form == "jsonl" else _line(row, columns))
            shown += 1
    if form == "table":
        click.echo(f"{plural(shown, 'row')} of the log (times in UTC)")


def _line(row: Told, columns: int) -> str:
    parts = loglines.row_line(row.number, row.hash, row.told, row.erased_by)
    return lines.laid_out([one_line(part) for part in parts], columns)


def _json(row: Told) -> str:
    told = row.told or {}
    names = ("act", "what", "at", "actor", "body", "first")
    return objects.json_text({
        "number": row.number, "hash": row.hash, "digest": row.digest,
        **{name: told.get(name) for name in names}, "erased_by": row.erased_by,
    })  # fmt: skip


@log_.command(name="erase")
@click.argument("numbers", metavar="NUMBER...", type=click.IntRange(1), nargs=-1)
@click.option("--why", default="", help="The reason, for the record.")
@click.option("--rule", default="", help="The rule that asks for it, for the record.")
@click.option("--confirm", type=click.IntRange(1), help="Erase what another person asked for.")
@click.option("--by", required=True, help="Your name, for the record.")
@click.pass_obj
def log_erase(
    home: Home, numbers: tuple[int, ...], why: str, rule: str, confirm: int | None, by: str
) -> None:
    """Erase the texts of rows of the log; two persons are needed.

    One asks, with the NUMBERs of the rows as `log show` has them, the reason and the rule. The
    answer is the number of the request, with which another person confirms it. Then the texts
    are gone for good, and so are names and notes that stand beside alerts because of them. The
    chain still verifies, and says what was erased, when, by whom and under which rule.

    Nothing is erased of a case under a legal hold, nor of one whose retention is not over.

    \b
    Example
      fundwatch log erase 57 58 --by "M. Ortiz" --rule "GDPR art. 17" --why "letter of 3 May"
      fundwatch log erase --confirm 91 --by "J. Weber"
    """
    if bool(numbers) == (confirm is not None):
        wants = "wants the numbers of rows, or --confirm"
        raise ConfigError([Problem("erase", "", wants, "Give one of them")])
    if confirm is not None:
        click.echo(home.change("confirm_erasure", number=confirm, name=by))
        return
    said = home.change("ask_erasure", numbers=list(numbers), why=why, rule=rule, name=by)
    click.echo(said)


@log_.command(name="export")
@click.option("--case", required=True, help="Whose texts are shown; all others are withheld.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The new file to write; only this user may read it.",
)
@click.pass_obj
def log_export(home: Home, case: str, output: Path) -> None:
    """Hand out the log of one case, to be verified by others.

    The file has every row of the log as number and digest, and the texts of this case alone:
    `fundwatch verify --file` verifies it on any machine, and nothing of other cases can be
    read in it. A text that would name another case is withheld, and counted. Beside it comes
    FILE.balances.jsonl: what the case's addresses hold, by the record and on the chain, at which
    block and by whose word. Only reads.

    \b
    Example
      fundwatch log export --case SIM-2023 --output sim-2023.jsonl
    """
    beside = output.with_name(f"{output.name}.balances.jsonl")
    with home.reading() as (store, _):
        case = cases.known(store, case)
        balances = balance_figures.of_case(store, case)
        text = "".join(f"{objects.json_text(to_handed(each))}\n" for each in balances)
        counts = _write(store, case, output)
    digest = hashlib.sha256(text.encode()).hexdigest()
    if balances:
        with _new(beside) as file:
            file.write(text)
    left = f", {counts.left_out:,} of them because they would name another case"
    click.echo(
        f"exported  {output}: {plural(counts.shown, 'row')} shown, {counts.withheld:,} withheld"
        f"{left if counts.left_out else ''}, {counts.erased:,} erased"
    )
    if balances:
        click.echo(f"balances  {beside}: {plural(len(balances), 'line')}, SHA-256 {digest}")
    else:
        click.echo("balances  none: no address of the case was held against its chain yet")


def _new(path: Path) -> TextIO:
    """A file that was not there, which only this user may read."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE)
    except OSError as error:
        why = f"cannot be made ({error.strerror})"
        remedy = "Name a new file in a folder that is there"
        raise ConfigError([Problem("--output", str(path), why, remedy)]) from error
    return os.fdopen(handle, "w", encoding="utf-8")


def _write(store: Reader, case: str, output: Path) -> handout.Counts:
    counts = handout.Counts()
    with _new(output) as file:
        made = rfc3339(now()) or ""
        for line in handout.lines(store, case, made, this_user().user, counts):
            file.write(f"{line}\n")
    return counts
