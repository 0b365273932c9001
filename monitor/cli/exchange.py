"""The watchlist in exchange with others: import of their lists, export of ours."""

from __future__ import annotations

import os
import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from monitor.app.folder import check_home
from monitor.chains.names import ChainNames, Unclear
from monitor.cli.common import BAD_INPUT, Home
from monitor.model import Entry, Severity, plain
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import plural
from monitor.model.settings import Settings
from monitor.store import watch
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store
from monitor.watchlist import edit
from monitor.watchlist.entries import parse
from monitor.watchlist.export import FORMATS
from monitor.watchlist.file import WATCHLIST, ListFile
from monitor.watchlist.imports import rows, tables
from monitor.watchlist.imports.cells import ListTable
from monitor.watchlist.imports.poison import all_poison
from monitor.watchlist.imports.rows import ImportPlan, Refused, Terms
from monitor.watchlist.spliced import Line
from monitor.watchlist.values import CHOICES, EntryReader, read_value
from monitor.watchlist.yaml_nodes import Notes, Text

_SHOWN_CASES = 20
_SHOWN_COLUMNS = 20
_SHOWN_REFUSED = 200  # rows; `--refused` has them all


@click.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--apply", is_flag=True, help="Write the list. Without it nothing is written.")
@click.option(
    "--chain",
    "given",
    multiple=True,
    metavar="CHAIN",
    help="Chain of addresses that fit several and whose row names none. May be given repeatedly.",
)
@click.option("--case", default="", help="Case of rows that name none.")
@click.option("--reason", default="", help="Reason of rows that name none.")
@click.option("--source", default="", help="Source of rows that name none.")
@click.option("--severity", type=click.Choice(CHOICES["severity"]), help="For rows without one.")
@click.option(
    "--quieter",
    is_flag=True,
    help="Also take what lets an address tell less or nobody: retired, canary, min_amount, "
    "direction, tell_when, channels. Only for lists of your own.",
)
@click.option(
    "--refused",
    "refused_to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the refused rows with their reasons into this new file (CSV), to mend and "
    "import it.",
)
@click.pass_obj
def import_(
    home: Home,
    /,
    file: Path,
    apply: bool,
    given: tuple[str, ...],
    quieter: bool,
    refused_to: Path | None,
    **lines: str | None,
) -> None:
    """Take addresses from FILE into watchlist.yaml: CSV, Excel (.xlsx), JSON, JSON Lines, a plain
    list, OpenSanctions' lines, a TagPack or OFAC's SDN.XML.

    A list of others cannot make its addresses quiet: without --quieter, lines that do so are
    left out, and counted.

    Without --apply it only says what would be taken and what refused. With --apply the good
    rows are written at once; a copy of the old list is kept beside it. Exit code 2 if any row
    was refused.

    \b
    Example
      fundwatch watchlist import cases.csv --chain ethereum
      fundwatch watchlist import cases.csv --chain ethereum --apply
    """
    check_home(home.folder)
    if refused_to is not None and os.path.lexists(refused_to):
        raise _taken(refused_to)
    settings = home.settings()
    listed = ListFile.read(home.folder)
    terms = _terms(settings, given, {k: v for k, v in lines.items() if v})
    terms = replace(terms, quieter=quieter)
    table = _table(file, ChainNames(settings.chains))
    entries = _in_order(listed, settings)
    found = rows.plan(table, entries, terms)
    if not terms.given and sys.stdin.isatty() and sys.stdout.isatty():
        terms = _ask(found, terms)
        found = rows.plan(table, entries, terms)
    _print_table(file, table)
    _print_plan(found)
    _print_quieter(found, terms)
    _print_refused(found.refused)
    if refused_to is not None:
        _write_refused(refused_to, found.refused)
    blocks = rows.blocks(found, settings.chains)
    text = _grown(listed, settings, blocks)
    if not blocks:
        _say("written", "nothing")
    elif apply:
        _write(listed, text, found)
    else:
        _print_next(home, file, terms, found)
    if found.refused:
        sys.exit(BAD_INPUT)


def _terms(settings: Settings, given: Sequence[str], lines: Mapping[str, str]) -> Terms:
    """Raises ConfigError for options that no row could be taken with."""
    symbols = {asset.symbol for asset in settings.assets.values()}
    notes = Notes()
    at = EntryReader(settings.chains, None, symbols, notes)
    for key, value in lines.items():
        read_value(key, Text(f"--{key}", 0, 0, value), at)
    keys = _chain_keys(given, ChainNames(settings.chains), notes)
    if notes.found:
        raise ConfigError(notes.problems)
    return Terms(
        *(settings.chains, list(settings.channels), symbols, keys, lines),
        assets=tuple(settings.assets.values()),
        poison=all_poison(settings),
    )


def _chain_keys(given: Sequence[str], names: ChainNames, notes: Notes) -> tuple[str, ...]:
    keys: list[str] = []
    for text in given:
        found = names.keys(text)
        if isinstance(found, tuple) and found:
            keys += found
        else:
            remedy = f"Known: {', '.join(names.chains)}"
            value = found.value if isinstance(found, Unclear) else text
            notes.at("--chain", 0, value, "is not a chain of config/chains.yaml", remedy)
    return tuple(dict.fromkeys(keys))


def _table(file: Path, names: ChainNames) -> ListTable:
    if file.stat().st_size > tables.MAX_BYTES:
        size = f"{file.stat().st_size:,} bytes"
        why = f"is larger than {tables.MAX_BYTES:,} bytes"
        raise ConfigError([Problem(file.name, size, why, "Split it, and import the parts")])
    try:
        data = file.read_bytes()
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
        raise ConfigError([Problem(str(file), "", why, "Check its rights")]) from None
    return tables.read(data, file.name, lambda text: names.key(text) is not None)


def _in_order(listed: ListFile, settings: Settings) -> tuple[Entry, ...]:
    parsed = parse(listed.text, settings.chains)
    if parsed.problems:
        click.echo("Nothing was imported, because watchlist.yaml itself has mistakes:", err=True)
        raise ConfigError(parsed.problems)
    return parsed.entries


def _grown(listed: ListFile, settings: Settings, blocks: Sequence[Mapping[str, Line]]) -> str:
    """The text of the new list, read again and found in order."""
    try:
        return edit.add_many(listed.text, settings.chains, blocks)
    except ConfigError:
        click.echo("Nothing can be written, because the new watchlist would not do:", err=True)
        raise


def _ask(found: ImportPlan, terms: Terms) -> Terms:
    """Ask a person once for the chains that the file does not name."""
    asking = sum(each.asks for each in found.refused)
    if not asking:
        return terms
    names = ChainNames(terms.chains)
    click.echo(
        f"Addresses that start with 0x and whose row names no chain: {asking:,}. Such an address "
        "can be\nused on Ethereum and on every chain of its kind. Which of them shall be watched? "
        "For\nexample: ethereum, bnb"
    )
    while True:
        answer = click.prompt("Chains (Enter alone: leave them out)", "", show_default=False)
        notes = Notes()
        keys = _chain_keys([answer] if answer.strip() else [], names, notes)
        if not notes.found:
            return replace(terms, given=keys)
        click.echo("\n".join(str(problem) for problem in notes.problems), err=True)


# -- what people see -------------------------------------------------------------------------


def _say(word: str, text: str) -> None:
    """One line; what a file brought in it moves no cursor and changes no colour."""
    click.echo(f"{word:<10}{plain.one_line(text)}")


def _print_table(file: Path, table: ListTable) -> None:
    _say("file", f"{file.name}: {table.form}, {plural(len(table.rows), 'row')}")
    named = [
        name if name == column.casefold() else f'{name} from "{column}"'
        for name, column in table.taken.items()
    ]
    if named:
        _say("columns", ", ".join(named))
    ignored = [column for column in table.ignored if column not in rows.REASONS]
    if ignored:
        shown = ", ".join(plain.quoted(column, 60) for column in ignored[:_SHOWN_COLUMNS])
        more = len(ignored) - _SHOWN_COLUMNS
        _say("", f"not taken: {shown}" + (f" and {more:,} more" if more > 0 else ""))
    for remark in table.remarks:
        _say("note", remark)


def _print_plan(found: ImportPlan) -> None:
    count = len(found.entries)
    _say("good", f"{_entries(count)} to add" if count else "nothing to add")
    cases: dict[str, Counter[str]] = {}
    for entry in found.entries:
        cases.setdefault(entry.case, Counter())[entry.subject.chain] += 1
    for case, chains in list(cases.items())[:_SHOWN_CASES]:
        shown = ", ".join(f"{chain} {number:,}" for chain, number in chains.most_common())
        _say("", f"{'case ' + case if case else 'without a case'}: {shown}")
    if len(cases) > _SHOWN_CASES:
        _say("", f"and {len(cases) - _SHOWN_CASES:,} more cases")
    retired = sum(bool(entry.retired) for entry in found.entries)
    if retired:
        _say("note", f"{_entries(retired)} of these are retired: listed, but not watched")
    if found.present:
        _say("there", f"{_entries(found.present)} on the list already, under the same case")
    if found.repeated:
        _say("twice", f"{_entries(found.repeated)} repeated in the file; taken once")
    for remark in found.remarks:
        _say("note", remark)


def _print_quieter(found: ImportPlan, terms: Terms) -> None:
    """What rows of the list ask for that makes alerts fewer, and whether it is taken."""
    if found.quieter:
        asked = ", ".join(f"{what} ({count:,})" for what, count in found.quieter.items())
        _say("weaker", f"rows ask for fewer alerts: {asked}")
        _say(
            "",
            "taken as they ask (--quieter)"
            if terms.quieter
            else "taken without that; --quieter takes it too, for a list of your own",
        )
    low = sum(entry.severity is Severity.LOW for entry in found.entries)
    if low:
        _say("weaker", f"{_entries(low)} of severity low: told once a day only")


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count:,} entries"


def _print_refused(refused: Sequence[Refused]) -> None:
    """Every refused row on standard error, then a summary of the reasons."""
    if not refused:
        return
    _say("refused", f"{plural(len(refused), 'row')}:")
    for each in refused[:_SHOWN_REFUSED]:
        for problem in each.problems:
            click.echo(plain.one_line(str(problem)), err=True)
    if len(refused) > _SHOWN_REFUSED:
        more = len(refused) - _SHOWN_REFUSED
        click.echo(f"and {more:,} more; --refused FILE writes all of them", err=True)
    reasons = Counter(each.problems[0].reason for each in refused)
    if len(reasons) * 2 <= len(refused):
        for reason, number in reasons.most_common():
            _say("", f"{number:>6,} {reason}")


def _taken(to: Path) -> ConfigError:
    remedy = "Name a new file: nothing is written over"
    return ConfigError([Problem("--refused", str(to), "is there already", remedy)])


def _write_refused(to: Path, refused: Sequence[Refused]) -> None:
    if not refused:
        return
    kept = "".join(rows.refused_rows(refused))
    try:
        # The mark at the start tells spreadsheets that this is UTF-8.
        with to.open("xb") as new:
            new.write(kept.encode("utf-8-sig"))
    except FileExistsError:
        raise _taken(to) from None
    except OSError as error:
        why = f"cannot be written ({error.strerror})"
        raise ConfigError([Problem("--refused", str(to), why, "Name another file")]) from None
    _say("", f"They are in {to}: mend them there and import that file.")


def _write(listed: ListFile, text: str, found: ImportPlan) -> None:
    copy = listed.back_up()
    listed.replace(text)
    count = _entries(len(found.entries))
    _say("written", f"{count} added to {listed.path.name}; a running Fundwatch takes them within")
    _say("", "a minute. `fundwatch check` says what reading them costs.")
    _say("backup", f"{copy.name} is the list as it was")


def _print_next(home: Home, file: Path, terms: Terms, found: ImportPlan) -> None:
    """The command that applies; without --refused, whose file is written already."""
    chains = [part for key in terms.given for part in ("--chain", key)]
    chains += ["--quieter"] if terms.quieter else []
    lines = [part for key, value in terms.lines.items() for part in (f"--{key}", value)]
    words = ["fundwatch", "--home", str(home.folder), "watchlist", "import", str(file)]
    count = _entries(len(found.entries))
    click.echo(f"\nNothing was written yet. To add the {count}:\n")
    click.echo(f"  {shlex.join([*words, *chains, *lines, '--apply'])}")


# -- export ----------------------------------------------------------------------------------


@click.command(name="export")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="csv",
    help="csv (default), json, jsonl: every term; addresses: each address once, nothing else.",
)
@click.option("--all", "everything", is_flag=True, help="Also retired entries.")
@click.pass_obj
def export(home: Home, form: str, everything: bool) -> None:
    """Write what is watched, with all its terms, to standard output.

    What the file says, and what is still watched although somebody deleted its lines. All
    formats but `addresses` can be imported again without loss.

    \b
    Example
      fundwatch watchlist export --format csv > watched.csv
    """
    check_home(home.folder)
    settings = home.settings()
    wanted = [e for e in _listed(home.folder, settings) if everything or not e.retired]
    for line in FORMATS[form](wanted, settings.chains):
        click.echo(line, nl=False)


def _listed(folder: Path, settings: Settings) -> list[Entry]:
    """What the file says, and what is still watched although the file does not say it. What
    published lists name is theirs to hand on."""
    path = folder / WATCHLIST
    parsed = parse(path.read_bytes() if path.is_file() else b"", settings.chains)
    for problem in parsed.problems:
        click.echo(str(problem), err=True)
    found = {entry.id: entry for entry in (parsed.entries if parsed.whole else ())}
    for entry in _recorded(folder):
        if entry.id not in found:
            found[entry.id] = entry
    return list(found.values())


def _recorded(folder: Path) -> list[Entry]:
    if not (folder / DATABASE).is_file():
        return []
    store = Store(folder / DATABASE, readonly=True)
    try:
        return [watched.entry for watched in watch.persons_entries(store)]
    finally:
        store.close()
