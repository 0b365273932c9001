"""Lists that others publish: how each stands, what is in it, taking a version."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from monitor.cli import list_rows, list_update, terminal
from monitor.cli.common import DONE, Home, by_option, format_option
from monitor.loops.health import list_status
from monitor.loops.health.list_status import Standing
from monitor.messages import objects
from monitor.messages.lines import laid_out
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import plural, tidy, utc


@click.group(name="lists")
def lists_() -> None:
    """Published lists: update them, see what stands in them."""


@lists_.command(name="status")
@format_option
@click.pass_obj
def lists_status(home: Home, form: str) -> None:
    """How each list stands: its version, when it was had, what is watched of it.

    Also lists that were never had, and lists that left config/lists.yaml while entries of
    theirs are still watched. Only reads.

    \b
    Example
      fundwatch lists status
    """
    with home.reading() as (store, settings):
        for each in list_status.standing(store, settings):
            click.echo(objects.json_text(each.told()) if form == "jsonl" else _stands(each))
        if form == "table" and not list_status.names(store, settings):
            click.echo("no list is in use: name one in config/lists.yaml")


def _stands(each: Standing) -> str:
    """A few lines, for 80 columns."""
    head = f"{each.name:<16} {each.title}, {each.kind or 'not in config/lists.yaml any more'}"
    lines = [head]
    p = each.newest
    if p is None:
        take = f"fundwatch lists update {each.name}, or with  --file FILE"
        lines.append(f"no version of it was taken yet: {take}")
    else:
        day = f"of {p.published}, " if p.published else ""
        lines.append(f"{day}fetched {utc(p.fetched)}, sha256 {p.sha256[:12]}")
        use = each.use or f"{each.watched:,} watched"
        lines.append(f"{plural(p.rows, 'row')}: {use}, {each.refused:,} refused")
        lines += [f"  {count:,} refused: {rule}" for rule, count in p.refused.items()]
        lines += [f"note: {each}" for each in p.remarks]
    if each.state.grown is not None:
        how = f"fundwatch lists update {each.name} --accept-grown"
        lines.append(f"it has grown: the history of what is new waits for  {how}")
    if each.removals:
        said = f"{each.removals:,} not on it any more and still watched"
        lines.append(f"{said}: fundwatch lists removals {each.name}")
    lines += [f"WRONG: {each.error}"] if each.error else []
    columns = terminal.width()
    body = [laid_out([f"  {tidy(line, 500)}"], columns) for line in lines[1:]]
    return "\n".join([tidy(head, 100), *body])


@lists_.command(name="update")
@click.argument("name", metavar="[NAME]", default="")
@click.option("--file", "path", type=click.Path(path_type=Path), help="Take this file.")
@click.option("--accept-shrunk", "shrunk", is_flag=True, help="Take it although it shrank.")
@click.option("--accept-grown", "grown", is_flag=True, help="Read the history of what is new.")
@by_option
@click.pass_obj
def lists_update(
    home: Home, name: str, path: Path | None, shrunk: bool, grown: bool, by: str | None
) -> None:
    """Fetch a list, or take a file, and apply it now. Without NAME: every list in use.

    Exits with 0 where it was taken or is unchanged; 1 where it could not be had; 2 where it was
    not taken, because it cannot be read or has shrunk by more than a tenth: then the version
    before stays in force. --accept-shrunk takes the version that was held back. Where a list
    has grown by more than a quarter and 500 rows, the history of what is new is read with
    --accept-grown. Of several lists the highest exit code counts.

    \b
    Example
      fundwatch lists update ofac --file SDN.XML
    """
    names = (name,) if name else ()
    if (shrunk or grown) and not name:
        remedy = "Name the list that you have looked at"
        raise ConfigError([Problem("NAME", "", "is missing", remedy)])
    file = str(path.absolute()) if path else ""
    results = list_update.update(home, names, file, by, shrunk=shrunk, grown=grown)
    for result in results:
        click.echo(result.said, err=result.code != 0)
    sys.exit(max((result.code for result in results), default=DONE))


@lists_.command(name="retire")
@click.argument("name", metavar="NAME")
@click.argument("address", metavar="ADDRESS")
@click.option("--by", required=True, help="Your name, for the record.")
@click.option("--why", required=True, help="The reason, for the record.")
@click.pass_obj
def lists_retire(home: Home, name: str, address: str, by: str, why: str) -> None:
    """End the watch of an address that a list holds, or held; what was recorded stays.

    It stays ended over later versions, until the list names it anew.

    \b
    Example
      fundwatch lists retire ofac 0x8589427373D6D84E98730D7795D8f6f8731FDA16 \\
        --by "M. Ortiz" --why "removed on 21 March, case closed"
    """
    click.echo(home.change("retire_of_list", name=name, address=address, by=by, why=why))


@lists_.command(name="set")
@click.argument("name", metavar="NAME")
@click.argument("what", metavar="ADDRESS|ENTITY")
@click.argument("pairs", metavar="KEY=VALUE...", nargs=-1, required=True)
@click.option("--by", required=True, help="Your name, for the record.")
@click.option("--why", required=True, help="The reason, for the record.")
@click.pass_obj
def lists_set(home: Home, name: str, what: str, pairs: tuple[str, ...], by: str, why: str) -> None:
    """Let an address, or all of an entity, be told otherwise than the list.

    KEY is busy, severity, incoming, min_amount, chains or channels; what is said of an address
    goes before what is said of its entity, and both stay over later versions. KEY= alone takes
    it back.

    \b
    Example
      fundwatch lists set ofac 42498 severity=severe --by "M. Ortiz" --why "our own case"
    """
    click.echo(home.change("set_of_list", name=name, what=what, pairs=[*pairs], by=by, why=why))


@lists_.command(name="insist")
@click.argument("name", metavar="NAME")
@click.argument("address", metavar="ADDRESS")
@click.option("--by", required=True, help="Your name, for the record.")
@click.option("--why", required=True, help="The reason, for the record.")
@click.pass_obj
def lists_insist(home: Home, name: str, address: str, by: str, why: str) -> None:
    """Watch an address of a list although a rule refuses it, or its watch was ended.

    \b
    Example
      fundwatch lists insist ofac 0x8589427373D6D84E98730D7795D8f6f8731FDA16 \\
        --by "M. Ortiz" --why "the publisher means this contract"
    """
    click.echo(home.change("insist_of_list", name=name, address=address, by=by, why=why))


for command in (list_rows.rows, list_rows.diff, list_rows.removals):
    lists_.add_command(command)
