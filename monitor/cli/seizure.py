"""`fundwatch seizure`: where the traced funds of a case rest, and who could act there."""

from __future__ import annotations

import click

from monitor.cli.common import Home
from monitor.cli.trace_show import as_of_option, head_of, page_of, the_trace
from monitor.messages.trace import seizure as view


@click.command()
@click.argument("case")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "jsonl", "csv"]),
    default="table",
    help="A table for people (default), JSON lines or CSV for programs.",
)
@as_of_option
@click.pass_obj
def seizure(home: Home, case: str, form: str, as_of: str | None) -> None:
    """Where traced funds of a case rest now, who could act there, and what ended where.

    For each address and asset: how much by each method, the balance on the chain as far as a
    source told it, since when, how far it was read, names with their sources, who could act, and
    the way. Then held entries with expected and found. Whom to ask depends on `desk:` in
    config/settings.yaml; only an authority gets a draft. Nothing is sent and nobody is asked
    anything.

    \b
    Example
      fundwatch seizure CRANE-01 --format csv > places.csv
    """
    with home.reading() as (store, settings):
        told = the_trace(store, case, as_of)
        head = head_of(store, told, as_of)
    page = page_of(told, settings)
    if form == "csv":
        for line in view.csv(told, page):
            click.echo(line, nl=False)
        return
    lines = view.jsonl(told, page) if form == "jsonl" else view.table(told, page, head)
    for line in lines:
        click.echo(line)
