"""The watchlist: look at it, add to it, retire from it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import click

from monitor import records, watchlist_edit
from monitor.app import WATCHLIST, check_home
from monitor.cli.common import Home, print_table, table
from monitor.errors import ConfigError, Problem
from monitor.plain import utc
from monitor.store import watch


@click.group(name="watchlist")
def watchlist_() -> None:
    """Look at the watchlist, add to it, retire from it."""


@watchlist_.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="As JSON lines.")
@click.pass_obj
def watchlist_list(home: Home, as_json: bool) -> None:
    """List the entries that are watched."""
    with home.reading() as (store, _):
        entries = watch.all_entries(store)
        absent = {w.entry.id for w in watch.absent_entries(store)}
    shown = table("ENTRY", "CASE", "CHAIN", "ADDRESS", "LABEL", "SEVERITY", "STATE")
    for watched in entries:
        e = watched.entry
        state = "retired" if not watched.active else "watched"
        if watched.active and e.id in absent:
            state = "watched, missing from the file"
        cells = (e.id, e.case, e.subject.chain, e.subject.address, e.label, e.severity.value, state)
        if as_json:
            names = ("id", "case", "chain", "address", "label", "severity", "state")
            click.echo(records.json_text(dict(zip(names, cells, strict=True))))
        else:
            shown.add_row(*cells)
    if not as_json:
        print_table(shown)
        click.echo(f"{len(entries)} entries")


@watchlist_.command(name="show")
@click.argument("entry_id", metavar="ENTRY")
@click.pass_obj
def watchlist_show(home: Home, entry_id: str) -> None:
    """Show one entry with its terms and history."""
    with home.reading() as (store, _):
        rows = store.read("SELECT * FROM entry WHERE id = ?", [entry_id])
        versions = store.read(
            "SELECT at, terms FROM entry_version WHERE entry = ? ORDER BY at", [entry_id]
        )
    if not rows:
        problem = Problem("ENTRY", entry_id, "there is none", "See `fundwatch watchlist list`")
        raise ConfigError([problem])
    for key, value in json.loads(rows[0]["terms"]).items():
        shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
        click.echo(f"{key:<11} {'' if shown is None else shown}")
    for version in versions:
        click.echo(f"{'version':<11} taken {utc(version['at'])}")


@watchlist_.command(name="add")
@click.argument("address")
@click.option("--chain", "chains", required=True, multiple=True, help="May be given repeatedly.")
@click.option("--label", default="")
@click.option("--case", default="")
@click.option("--reason", default="")
@click.option("--source", default="", help="Where the reason is written.")
@click.option("--severity", type=click.Choice(["severe", "high", "medium", "low"]))
@click.option("--since", default="", help='"first", a date or a block height.')
@click.pass_obj
def watchlist_add(home: Home, /, address: str, chains: tuple[str, ...], **lines: Any) -> None:  # noqa: ANN401
    """Add an address to watchlist.yaml; its notes and layout stay as they are."""
    check_home(home.folder)
    table = home.settings().chains
    path = home.folder / WATCHLIST
    chain = chains[0] if len(chains) == 1 else list(chains)
    text = watchlist_edit.add(
        path.read_text("utf-8"), table, address=address, chain=chain,
        **{k: v for k, v in lines.items() if v},
    )  # fmt: skip
    _replace(path, text)
    click.echo(f"added     {address} to {path.name}; a running Fundwatch takes it within a minute")


@watchlist_.command(name="retire")
@click.argument("entry_id", metavar="ENTRY")
@click.option("--by", required=True, help="Your name, for the record.")
@click.option("--why", required=True, help="The reason, for the record.")
@click.pass_obj
def watchlist_retire(home: Home, entry_id: str, by: str, why: str) -> None:
    """End the watch of an entry; what was recorded stays."""
    click.echo(home.change("retire", entry_id=entry_id, name=by, why=why, day=_today()))


def _today() -> str:
    return date.today().isoformat()  # noqa: DTZ011 - the day of the person who retires it


def _replace(path: Path, text: str) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(text, "utf-8")
    temporary.chmod(path.stat().st_mode)
    temporary.replace(path)
