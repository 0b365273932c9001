"""What stands in published lists, row by row, and what became of it. Only reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import click

from monitor.cli import terminal
from monitor.cli.common import Home, format_option
from monitor.loops import list_rows
from monitor.loops.health import list_status
from monitor.loops.list_rows import Standing
from monitor.messages import objects
from monitor.messages.lines import laid_out
from monitor.model import Entry
from monitor.model.errors import ConfigError, Problem
from monitor.model.lists import Listing, Publication, Word
from monitor.model.plain import plural, quoted, tidy, utc
from monitor.model.settings import Settings
from monitor.store import listing
from monitor.store.port import Reader
from monitor.watchlist.yaml_nodes import closest

LEAST_SHA = 4  # characters of a digest that name a version


def _told(name: str, version: Publication, it: Standing) -> dict[str, object]:
    """A row, for programs."""
    published, judged, entity = it.row.row.published, it.row.row.judged, it.row.row.published.entity
    return {
        **{"list": name, "version": version.sha256, "published_as": published.address},
        **{"ticker": published.ticker, "chain": judged.chain, "chains": [*it.chains]},
        "address": judged.address,
        "entity": {"id": entity.id, "name": entity.name, "programs": [*entity.programs]},
        **{"since": it.row.since, "until": it.row.until or None, "state": it.state.value},
        "reason": "; ".join(filter(None, [it.reason, *map(_said, it.words.values())])),
    }


def _said(word: Word) -> str:
    value = "" if word.value is True else f"={objects.json_text(word.value)}"
    return f"{word.key}{value}, {word.name} {utc(word.at)}: {word.why}"


def _newest(store: Reader, settings: Settings, name: str) -> Publication:
    newest = listing.newest(store, name)
    if newest is None:
        known = list_status.names(store, settings)
        near = closest(name, [each for each in known if each != name])
        hint = f"Did you mean {near}?" if near else "See `fundwatch lists status`"
        reason = "is no list of which a version was taken"
        raise ConfigError([Problem("NAME", name, reason, hint)])
    return newest


def _version(store: Reader, name: str, sha256: str, option: str) -> Publication:
    found = listing.version(store, name, sha256) if len(sha256) >= LEAST_SHA else []
    if len(found) == 1:
        return found[0]
    known = ", ".join(p.sha256[:12] for p in listing.publications(store, name)[-5:])
    reason = "fits several versions" if found else "is no version of this list"
    raise ConfigError([Problem(option, sha256, reason, f"The newest are {known}")])


@click.command()
@click.argument("name", metavar="NAME")
@format_option
@click.option("--version", "sha256", help="As this version had it: its SHA-256, or how it begins.")
@click.pass_obj
def rows(home: Home, name: str, form: str, sha256: str | None) -> None:
    """Every published address of a list, and what became of it.

    A row is watched; listed (kept and compared); refused, with the reason; or removed: an
    earlier version held it. With what people said of it.

    \b
    Example
      fundwatch lists rows ofac --format jsonl
    """
    with home.reading() as (store, settings):
        newest = _newest(store, settings, name)
        version = _version(store, name, sha256, "--version") if sha256 else newest
        found = list_rows.rows(store, name, version)
        _print(form, ((_told(name, version, each), each.row) for each in found))


@click.command()
@click.argument("name", metavar="NAME")
@format_option
@click.option("--from", "old", help="Since this version; without it the one before --to.")
@click.option("--to", "new", help="Up to this version; without it the one in force.")
@click.pass_obj
def diff(home: Home, name: str, form: str, old: str | None, new: str | None) -> None:
    """What changed from one version of a list to another: added, removed, changed rows.

    \b
    Example
      fundwatch lists diff ofac
    """
    with home.reading() as (store, settings):
        newest = _newest(store, settings, name)
        to = _version(store, name, new, "--to") if new else newest
        since = _version(store, name, old, "--from") if old else _before(store, to)
        found = list_rows.changes(store, name, since, to)
        told = (({"change": word, **_told(name, to, each)}, each.row) for word, each, _was in found)
        _print(form, told)


def _before(store: Reader, version: Publication) -> Publication:
    """The version before another one; before the first there was an empty one."""
    every = listing.publications(store, version.list)
    return next((p for p in every if p.nr == version.nr - 1), replace(version, nr=0))


@click.command()
@click.argument("name", metavar="[NAME]", default="")
@format_option
@click.pass_obj
def removals(home: Home, name: str, form: str) -> None:
    """Addresses that a list names no more and that are still watched, until a person decides.

    `fundwatch lists retire` ends the watch of one.

    \b
    Example
      fundwatch lists removals ofac
    """
    count = 0
    with home.reading() as (store, settings):
        names = [_newest(store, settings, name).list] if name else listing.names(store)
        for each in names:
            for watched in listing.removals(store, each):
                count += 1
                told = _removal(each, watched.entry)
                click.echo(objects.json_text(told) if form == "jsonl" else _removal_line(told))
    if form == "table":
        waits = "entry waits" if count == 1 else "entries wait"
        click.echo(f"{count:,} {waits} for a decision")


def _removal(name: str, entry: Entry) -> dict[str, object]:
    origin = entry.origin
    entity = {
        "id": origin.entity if origin else "",
        "name": origin.name if origin else "",
        "programs": [*origin.programs] if origin else [],
    }
    return {
        **{"list": name, "id": entry.id, "chain": entry.subject.chain},
        **{"address": entry.subject.address, "entity": entity, "case": entry.case},
        **{"since": origin.since if origin else "", "until": origin.until if origin else ""},
    }


def _removal_line(told: Mapping[str, object]) -> str:
    who = _whom(told["entity"])
    parts = [
        f"{told['list']}  {told['chain']} {told['address']}",
        f"{who}, on the list from {told['since']} to {told['until']}",
    ]
    return laid_out([tidy(part, 400) for part in parts], terminal.width())


def _print(form: str, told: Iterator[tuple[dict[str, object], Listing]]) -> None:
    """Row by row: a list may hold a million."""
    count = 0
    for each, row in told:
        click.echo(objects.json_text(each) if form == "jsonl" else _line(each, row))
        count += 1
    if form == "table":
        click.echo(plural(count, "row"))


def _line(told: Mapping[str, object], row: Listing) -> str:
    """State and place, then whom it is about, then why; for 80 columns."""
    judged, published = row.row.judged, row.row.published
    change = f"{told['change']:<8} " if "change" in told else ""
    address = tidy(judged.address or published.address, 120)
    since = f"since {row.since}{' or before' if row.at_least else ''}"
    until = f" to {row.until}" if row.until else ""
    parts = [
        f"{change}{told['state']:<8} {judged.chain or '-':<9} {address}",
        tidy(f"{_whom(told['entity'])}, {since}{until}", 300),
        tidy(str(told["reason"]), 400),
    ]
    return laid_out(parts, terminal.width())


def _whom(entity: object) -> str:
    if not isinstance(entity, Mapping) or not (entity["id"] or entity["name"]):
        return "nobody named"
    programs = f" ({', '.join(entity['programs'])})" if entity["programs"] else ""
    name = quoted(entity["name"], 80) if entity["name"] else ""
    return " ".join(filter(None, [entity["id"], f"{name}{programs}"]))
