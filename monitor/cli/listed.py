"""Lists that others publish: how each stands, what is in it, taking a version."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.common import Home, format_option
from monitor.messages import objects
from monitor.model.errors import ConfigError, Problem
from monitor.store import listing


@click.group(name="lists")
def lists_() -> None:
    """Published lists: update them, see what stands in them."""


@lists_.command(name="update")
@click.argument("name", metavar="NAME")
@click.option("--file", "path", type=click.Path(path_type=Path), help="Take this file.")
@click.pass_obj
def lists_update(home: Home, name: str, path: Path | None) -> None:
    """Fetch a list, or take a file, and apply it now.

    \b
    Example
      fundwatch lists update ofac --file SDN.XML
    """
    click.echo(home.change("update_list", name=name, file=str(path.absolute()) if path else ""))


@lists_.command(name="rows")
@click.argument("name", metavar="NAME")
@format_option
@click.pass_obj
def lists_rows(home: Home, name: str, form: str) -> None:  # noqa: ARG001
    """Every published address of a list.

    \b
    Example
      fundwatch lists rows ofac --format jsonl
    """
    with home.reading() as (store, _settings):
        version = listing.newest(store, name)
        if version is None:
            raise ConfigError(
                [
                    Problem(
                        "NAME",
                        name,
                        "is no list of which a version was taken",
                        "See `fundwatch lists status`",
                    )
                ]
            )
        for each in listing.at_version(store, name, version.nr):
            p, j = each.row.published, each.row.judged
            line = {
                **{"list": name, "version": version.sha256, "published_as": p.address},
                **{"ticker": p.ticker, "chain": j.chain, "chains": j.chains, "address": j.address},
                "entity": {
                    "id": p.entity.id, "name": p.entity.name, "programs": p.entity.programs,
                },
                **{"since": each.since, "until": each.until or None},
                **{"state": "refused" if j.rule else "listed", "reason": j.reason},
            }  # fmt: skip
            click.echo(objects.json_text(line))
