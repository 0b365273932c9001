"""The watchlist: look at it, add to it, retire from it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any

import click

from monitor.app.folder import check_home
from monitor.cli import exchange, terminal
from monitor.cli.common import Home
from monitor.loops import find
from monitor.messages import objects
from monitor.messages.lines import entry_line, entry_terms, laid_out
from monitor.model import Watched
from monitor.model.plain import utc
from monitor.model.settings import Settings
from monitor.store import watch
from monitor.store.guard import runs
from monitor.watchlist import edit
from monitor.watchlist.entries import parse
from monitor.watchlist.file import WATCHLIST, ListFile


@click.group(name="watchlist")
def watchlist_() -> None:
    """Show the watchlist, add, retire, import, export."""


@watchlist_.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
@click.pass_obj
def watchlist_list(home: Home, as_json: bool) -> None:
    """List the entries: watched, retired, or missing from the file.

    \b
    Example
      fundwatch watchlist list
    """
    with home.reading() as (store, settings):
        entries = watch.all_entries(store)
        absent = {w.entry.id for w in watch.absent_entries(store)}
    columns = terminal.width()
    for watched in entries:
        e, chain = watched.entry, settings.chains.get(watched.entry.subject.chain)
        state = _state(watched, absent)
        if as_json:
            cells = (e.id, e.case, e.subject.chain, e.subject.address, e.label, e.severity.value)
            names = ("id", "case", "chain", "address", "label", "severity", "state")
            click.echo(objects.json_text(dict(zip(names, (*cells, state), strict=True))))
        else:
            of = f", list {e.origin.list}" if e.origin else ""
            click.echo(entry_line(watched, f"{state}{of}", chain, columns))
    if not as_json:
        click.echo(f"{len(entries)} entries")
        _not_taken(home.folder, settings, {w.entry.id for w in entries})


def _state(watched: Watched, absent: Collection[str]) -> str:
    if not watched.active:
        return "retired"
    return "watched, missing from the file" if watched.entry.id in absent else "watched"


def _not_taken(folder: Path, settings: Settings, taken: set[str]) -> None:
    """Say how many entries stand in the file alone."""
    path = folder / WATCHLIST
    parsed = parse(path.read_bytes() if path.is_file() else b"", settings.chains)
    fresh = [e for e in parsed.entries if e.id not in taken and not e.retired]
    if fresh:
        how = "the running Fundwatch takes them within a minute" if runs(folder) else "run or poll"
        click.echo(f"{WATCHLIST} holds {len(fresh)} that are not taken yet: {how}")


@watchlist_.command(name="show")
@click.argument("entry_id", metavar="ENTRY")
@click.pass_obj
def watchlist_show(home: Home, entry_id: str) -> None:
    """Show one entry: every line of it in words, and when each version of them was taken.

    ENTRY is its id, or its address or label where only one entry has it.

    \b
    Example
      fundwatch watchlist show E-2VQ8-0T4D-K1ZC
    """
    with home.reading() as (store, settings):
        watched = find.the_entry(store, entry_id, settings.chains)
        absent = {w.entry.id for w in watch.absent_entries(store)}
        versions = watch.versions(store, watched.entry.id)
    chain = settings.chains.get(watched.entry.subject.chain)
    told = entry_terms(watched, _state(watched, absent), chain)
    told += [("version", f"taken {utc(at)}") for at in versions]
    for name, text in told:
        click.echo(laid_out([f"{name:<11} {text}"], terminal.width()))


@watchlist_.command(name="add")
@click.argument("address")
@click.option(
    "--chain", "chains", required=True, multiple=True, help="Its chain; may be given repeatedly."
)
@click.option("--label", default="", help="A short name, which people see.")
@click.option("--case", default="", help="Your file; alerts of one case come together.")
@click.option("--reason", default="", help="Why it is watched; stands in every alert.")
@click.option("--source", default="", help="Where the reason is written.")
@click.option(
    "--severity",
    type=click.Choice(["severe", "high", "medium", "low"]),
    help="How loud; medium without it.",
)
@click.option("--since", default="", help='Read history from: "first", a date, a block height.')
@click.pass_obj
def watchlist_add(home: Home, /, address: str, chains: tuple[str, ...], **lines: Any) -> None:  # noqa: ANN401 - options
    """Add an address to watchlist.yaml; its notes and layout stay as they are.

    A wrong checksum or a chain that does not fit is refused. A running Fundwatch takes the
    address within a minute and answers by mail.

    \b
    Example
      fundwatch watchlist add TXhf9nU9bjo1j9z5qEesHdr6gtdndfnA4T \\
        --chain tron --label "Sim Tron 4" --case SIM-2023
    """
    check_home(home.folder)
    table = home.settings().chains
    listed = ListFile.read(home.folder)
    keys = list(dict.fromkeys(find.chain_key(table, chain) for chain in chains))
    chain = keys[0] if len(keys) == 1 else keys
    text = edit.add(
        listed.text, table, address=address, chain=chain,
        **{k: v for k, v in lines.items() if v},
    )  # fmt: skip
    listed.replace(text)
    click.echo(
        f"added     {address} to {listed.path.name}; a running Fundwatch takes it within a minute"
    )


@watchlist_.command(name="retire")
@click.argument("entry_id", metavar="ENTRY")
@click.option("--by", required=True, help="Your name, for the record.")
@click.option("--why", required=True, help="The reason, for the record.")
@click.pass_obj
def watchlist_retire(home: Home, entry_id: str, by: str, why: str) -> None:
    """End the watch of an entry; what was recorded stays.

    Writes `retired:` with the day, your name and the reason into watchlist.yaml. ENTRY is its
    id, or its address or label where only one entry has it.

    \b
    Example
      fundwatch watchlist retire E-2VQ8-0T4D-K1ZC --by "M. Ortiz" --why "case closed"
    """
    click.echo(home.change("retire", entry_id=entry_id, name=by, why=why, day=_today()))


def _today() -> str:
    return date.today().isoformat()  # noqa: DTZ011 - the day of the person who retires it


for command in (exchange.import_, exchange.export):
    watchlist_.add_command(command)
