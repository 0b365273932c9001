"""Whether a record, or what was handed out of it, is what the log says."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import click

from monitor.app import verify as holding
from monitor.cli import differences, terminal
from monitor.cli import verify_export as exports
from monitor.cli.common import BAD_INPUT, DONE, UNREAD, Home
from monitor.cli.differences import Heard, passing
from monitor.loops.report.check import is_export
from monitor.messages import loglines
from monitor.model.difference import Difference, Report
from monitor.model.errors import ConfigError, Problem, StoreError
from monitor.model.plain import count, quoted, tidy, utc
from monitor.store import deskfile
from monitor.store.deskfile import FILE
from monitor.store.guard import DATABASE
from monitor.store.verify.gone import Erasure
from monitor.store.verify.handout import Handed
from monitor.store.verify.record import Checkpoint, Verdict

PROVES = """\
What this proves
  No row of the log was changed, taken out, put in or moved since it was
  written, unless every hash after it was worked out anew. Movements, who
  reported them, alerts, acknowledgements, entries and lists are what the log
  says, to the last column. What explorers answered, as far as it is kept, is
  what its digests say."""
PROVES_FILE = """\
What this proves
  If a daily mail that somebody else kept has this number and hash, or those of
  a checkpoint that was given: up to there the log had these rows in this order,
  and those that are shown had these words. Without such a mail it proves
  nothing: anybody can make a file that agrees with itself."""
DIFFERS = """\
What this proves
  At each place above, the log or what it is held against was changed by
  something else than an act, or is damaged. What rests on these places is not
  proven. Backups, and checkpoints of older daily mails, show since when."""
DOES_NOT = """\
What it does not prove
  - The owner of this machine could write everything anew that came after the
    last checkpoint that somebody else holds: number and hash stand in every
    daily mail.
  - A log whose end was cut off looks whole without a checkpoint from after the
    cut.
  - What counts as read, what was sent to whom, prices, and of kept answers
    which were deleted to keep within their bounds, which movement or silence
    each is evidence of: that is bookkeeping. Of what counts as read the log has
    a digest a day; when and to which request an answer came, it holds from the
    next day on.
  - The texts say what this program was told, not what is true on a chain."""
DOES_NOT_FILE = """\
What it does not prove
  - That nothing else concerns the case: rows that are withheld cannot be read
    here.
  - Whose case it is, when and by whom it was handed out: so says the first line
    of the file, of itself.
  - The texts say what the program was told, not what is true on a chain."""
NO_CHECKPOINT = (
    "Check   no checkpoint was given: rows that were cut off at the end would not be missed here. "
    "Take number and hash of a daily mail"
)
NO_CHECKPOINT_FILE = (
    "Check   no checkpoint was given: hold number and hash against a daily mail that somebody else "
    "kept"
)
RESTS = (
    "Erased  of what the texts had told, it is held that it is there, and not any more what it says"
)


@click.command()
@click.argument(
    "export", metavar="[FILE]", required=False, type=click.Path(dir_okay=False, path_type=Path)
)
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    help="This record (a backup, an older copy) instead of the one of the home folder.",
)
@click.option(
    "--file",
    "handed",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file of one case that `log export` made; needs no record.",
)
@click.option(
    "--key",
    metavar="FINGERPRINT",
    help="Of an export: whose key it must be, as told by another way (`fundwatch key`).",
)
@click.option("--checkpoint", help="NUMBER:HASH of a daily mail: finds an end that was cut off.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    help="In words (default), or one JSON object for each difference: check, place, expected, "
    "found.",
)
@click.pass_obj
def verify(
    home: Home,
    export: Path | None,
    record: Path | None,
    handed: Path | None,
    key: str | None,
    checkpoint: str | None,
    form: str,
) -> None:
    """Hold the record against its log, and the log against itself; or FILE, which `export` made.

    Walks the chain of hashes, works out from the texts of the log alone what movements, alerts,
    acknowledgements and entries must be, and names every difference. Only reads; works while
    `run` does. Says in the end what it proves and what not.

    With FILE it needs no record and no home folder, on any machine: frame, digests, signature, the
    chain of the log, the digests of movements, the sums of the trace.

    \b
    Exit codes
      0   nothing differs
      1   something does
      2   the record, its log or the file cannot be read

    \b
    Example
      fundwatch verify --checkpoint 1234:9f86d081884c7d65...
      fundwatch verify sim-2023.zip --key 2b7e151628aed2a6...
    """
    mark = _checkpoint(checkpoint)
    given = [each for each in (export, record, handed) if each is not None]
    if len(given) > 1:
        raise ConfigError([Problem("FILE", str(given[1]), "stands beside another", "Give one")])
    if export is not None and is_export(export):
        exports.tell(export, key, mark, form)
    if key is not None:
        raise ConfigError([Problem("--key", key[:100], "is for exports", "Name one as FILE")])
    handed = handed or export
    heard = Heard()
    report: Report = heard if form == "text" else passing(heard)
    try:
        if handed is not None:
            said = _of_file(handed, mark, report)
        else:
            said = _of_record(record or home.folder / DATABASE, mark, report)
            beside = home.folder / FILE if record is None else deskfile.beside(record)
            said += _of_desk(beside, report)
    except StoreError as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_INPUT)
    if form == "text":
        _tell(heard, said, of_file=handed is not None)
    sys.exit(UNREAD if heard.number else DONE)


def _checkpoint(text: str | None) -> Checkpoint | None:
    if text is None:
        return None
    found = Checkpoint.of(text)
    if found is None:
        remedy = "Give NUMBER:HASH as the daily mail has them, the hash with all of its 64 digits"
        raise ConfigError([Problem("--checkpoint", text[:100], "is no checkpoint", remedy)])
    return found


def _of_record(path: Path, checkpoint: Checkpoint | None, report: Report) -> list[str]:
    done = holding.verify(path, checkpoint, report)
    verdict = done.verdict
    held = [count(verdict.rows[name], *words) for name, words in _WORDS.items()]
    held += [count(n, *words) for name, words in _LISTS.items() if (n := verdict.rows.get(name))]
    counted = ", ".join(held)
    return [
        _checked(checkpoint, done.confirmed, NO_CHECKPOINT),
        f"Log     number {verdict.number:,}, hash {verdict.hash}",
        f"Held    {counted}",
        *_before(verdict),
        *_restored(verdict),
        *_erased(verdict.erased),
        *([RESTS] if verdict.erased else []),
    ]


def _of_desk(path: Path, report: Report) -> list[str]:
    """The chain of the desk, where there is one."""
    if not path.is_file():
        return []
    for place in deskfile.faults(path):
        report(Difference("desk", place, "as its chain says", "something else"))
    number, hash_ = deskfile.last(path)
    return [f"Desk    number {number:,}, hash {hash_}"]


def _checked(checkpoint: Checkpoint | None, confirmed: str, without: str) -> str:
    """Whether the checkpoint stands, and how far it reaches."""
    if checkpoint is None:
        return without
    return f"Check   {confirmed or 'the checkpoint does not stand there'}"


def _before(verdict: Verdict) -> Iterator[str]:
    """What is held by less than acts."""
    if verdict.begun is not None:
        yield (
            f"Before  the log began {utc(verdict.begun)} in a record that was there: what it held "
            "is as it was then. Whether it was changed before that, nothing here can show"
        )


def _restored(verdict: Verdict) -> Iterator[str]:
    """Which backups took the place of the record, when, by whom."""
    for told in verdict.restores:
        yield f"Restore row {', '.join(loglines.told_line(told.seq, asdict(told)))}"


# Tables, in the words of people: of one row, of several.
_WORDS = {
    "transfer": ("movement", "movements"),
    "sighting": ("report of a source", "reports of sources"),
    "alert": ("alert", "alerts"),
    "alert_log": ("acknowledgement", "acknowledgements"),
    "entry": ("entry", "entries"),
    "list_version": ("watchlist", "watchlists"),
}
# Where there are any.
_LISTS = {
    "publication": ("version of a published list", "versions of published lists"),
    "listing": ("row of it", "rows of them"),
    "list_word": ("word on a list", "words on lists"),
}


def _of_file(path: Path, checkpoint: Checkpoint | None, report: Report) -> list[str]:
    handed, confirmed = holding.verify_file(path, checkpoint, report)
    header, counts = handed.header, handed.counts
    return [
        _checked(checkpoint, confirmed, NO_CHECKPOINT_FILE),
        f"Case    {tidy(str(header['case']), 80)}, handed out {tidy(str(header['made']), 40)} by "
        f"{tidy(str(header['by']), 80)}",
        f"Log     number {handed.number:,}, hash {handed.hash}",
        f"Rows    {counts.shown:,} shown, {counts.withheld:,} withheld, {counts.erased:,} erased",
        *_erased(handed.erasures),
        *_untold(handed),
    ]


def _erased(erasures: Iterable[Erasure]) -> Iterator[str]:
    """What was erased, when, by whom, under which rule."""
    for each in erasures:
        yield (
            f"Erased  row {each.seq:,} by row {each.by_seq:,}, {utc(each.at)}, by "
            f"{tidy(each.by, 80)}, asked for by {tidy(each.asked_by, 80)}, under "
            f"{quoted(each.rule)}: {quoted(each.why)}"
            + ("; both names came from one system user" if each.one_system_user else "")
        )


def _untold(handed: Handed) -> Iterator[str]:
    """What was erased by acts that are withheld."""
    told = {each.seq for each in handed.erasures}
    for seq, by in handed.erased.items():
        if seq not in told:
            yield f"Erased  row {seq:,} by row {by:,}, which is withheld"


def _tell(heard: Heard, said: Iterable[str], *, of_file: bool) -> None:
    """The answer first, then what is held against what, then what that proves and what not."""
    columns = terminal.width()
    differences.tell(heard)
    for line in said:
        click.echo(differences.wrapped(line, columns))
    proves = PROVES_FILE if of_file else PROVES
    click.echo(DIFFERS if heard.number else proves)
    click.echo(DOES_NOT_FILE if of_file else DOES_NOT)
