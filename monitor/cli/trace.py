"""`fundwatch trace`: following money from a case's watched addresses to where it rests."""

from __future__ import annotations

import os
import sys

import click

from monitor.app.folder import check_home
from monitor.app.home import open_home
from monitor.cli import terminal, waiting
from monitor.cli.common import DONE, Home, format_option
from monitor.cli.trace_picture import picture
from monitor.cli.trace_show import explain, show
from monitor.loops import inbox
from monitor.loops.find import unknown
from monitor.loops.tracing import Wish
from monitor.messages.objects import json_text
from monitor.messages.trace.frontier import lines as open_lines
from monitor.messages.trace.frontier import objects as open_objects
from monitor.messages.trace.words import Page
from monitor.model.errors import Busy
from monitor.store.trace import newest

by = click.option("--by", required=True, metavar="NAME", help="Your name, for the record.")
note = click.option("--note", required=True, metavar="TEXT", help="Why, for the record.")


@click.group(name="trace")
def trace_() -> None:
    """Follow the money of a case: hop by hop, to where it rests or can be frozen.

    Cases are followed that say so in the watchlist (`follow:`), where `trace follow` writes it.
    `run` of Fundwatch follows them beside its polls; `trace run` does it now.
    """


@trace_.command()
@click.argument("case")
@click.option(
    "--since", default="", metavar="DAY", help="What was paid from this day on; else all."
)
@by
@note
@click.pass_obj
def follow(home: Home, case: str, since: str, by: str, note: str) -> None:
    """Switch following on for a case, as a line of watchlist.yaml; or let it begin earlier.

    What the case's addresses paid is followed on from whoever got it. Who is asked about these
    learns that somebody looks; `fundwatch check` says under FOLLOW who that is.

    \b
    Example
      fundwatch trace follow CRANE-01 --since 2026-11-22 --by "M. Ortiz" --note "it leaves"
    """
    click.echo(home.change("trace_follow", by=by, case=case, since=since, note=note))


@trace_.command()
@click.argument("case")
@click.option("--calls", type=click.IntRange(1), metavar="N", help="Make about so many calls.")
@click.pass_obj
def run(home: Home, case: str, calls: int | None) -> None:
    """Follow the money of a case now, until nothing is left or a limit or a question ends it.

    Reads the watched addresses where they are due, then who was paid by them, largest value
    first. Everything is recorded; a second run goes on where the first ended.

    \b
    Example
      fundwatch trace run CRANE-01
    """
    check_home(home.folder)
    try:
        with open_home(home.folder, os.environ) as app:
            app.reload()
            app.tracing.say = waiting.say
            lines = app.tracing.carry_out(Wish(case, calls))
            app.deliver(everything=True)  # no daemon runs that would send what came of it
    except Busy:
        ticket = inbox.ask(home.folder, "trace", {"case": case, "calls": calls})
        lines = waiting.outcome(home, "traced", ticket, "lines", str)
    for line in lines:
        click.echo(line)
    sys.exit(DONE)


@trace_.command()
@click.argument("case")
@click.argument("address")
@by
@note
@click.pass_obj
def stop(home: Home, case: str, address: str, by: str, note: str) -> None:
    """Follow an address of the trace no further.

    \b
    Example
      fundwatch trace stop CRANE-01 0x... --by "M. Ortiz" --note "a payment processor"
    """
    click.echo(home.change("trace_stop", by=by, case=case, address=address, note=note))


@trace_.command()
@click.argument("case")
@click.argument("address")
@by
@note
@click.pass_obj
def resume(home: Home, case: str, address: str, by: str, note: str) -> None:
    """Follow an address on, whatever ended it.

    \b
    Example
      fundwatch trace resume CRANE-01 0x... --by "M. Ortiz" --note "it is no exchange"
    """
    click.echo(home.change("trace_resume", by=by, case=case, address=address, note=note))


@trace_.command()
@click.argument("case")
@click.argument("addresses", nargs=-1, metavar="ADDRESS...")
@click.option("--next", "more", type=click.IntRange(1), metavar="N", help="The next N addresses.")
@click.option("--above", metavar="USD", help="All that wait with at least this value.")
@by
@note
@click.pass_obj
def approve(
    home: Home,
    case: str,
    addresses: tuple[str, ...],
    more: int | None,
    above: str | None,
    by: str,
    note: str,
) -> None:
    """Say yes to addresses that wait for a person; see `trace frontier`.

    \b
    Example
      fundwatch trace approve CRANE-01 --next 50 --by "M. Ortiz" --note "go on"
    """
    args = {"case": case, "addresses": list(addresses), "more": more, "above": above}
    click.echo(home.change("trace_approve", by=by, note=note, **args))


@trace_.command()
@click.argument("case")
@click.argument("name", metavar="LIMIT")
@click.argument("value", metavar="NUMBER")
@by
@note
@click.pass_obj
def limit(home: Home, case: str, name: str, value: str, by: str, note: str) -> None:
    """Set a limit of a case: hops, addresses, calls or calls_per_day.

    \b
    Example
      fundwatch trace limit CRANE-01 addresses 600 --by "M. Ortiz" --note "it goes on"
    """
    click.echo(home.change("trace_limit", by=by, case=case, name=name, value=value, note=note))


@trace_.command()
@click.argument("case")
@click.argument("name", metavar="METHOD")
@by
@note
@click.pass_obj
def method(home: Home, case: str, name: str, by: str, note: str) -> None:
    """Choose the method whose figures are shown first; until then a range stands.

    \b
    Example
      fundwatch trace method CRANE-01 libr --by "M. Ortiz" --note "as our court asks for"
    """
    click.echo(home.change("trace_method", by=by, case=case, name=name, note=note))


@trace_.command()
@click.argument("address")
@click.option("--chain", metavar="CHAIN", help="Its chain, where several may be meant.")
@click.option("--name", required=True, metavar="TEXT", help="Whose it is.")
@click.option("--category", required=True, metavar="WORD", help="exchange, mixer, bridge ...")
@by
@click.option("--note", default="named by hand", metavar="TEXT", help="Why, or by which source.")
@click.pass_obj
def label(
    home: Home, address: str, chain: str | None, name: str, category: str, by: str, note: str
) -> None:
    """Name an address in the home's address book, with who, when and why.

    \b
    Example
      fundwatch trace label 0x... --name "Example Exchange" --category exchange --by "M. Ortiz"
    """
    args = {"address": address, "chain": chain, "name": name, "category": category, "note": note}
    click.echo(home.change("trace_label", by=by, **args))


@trace_.command()
@click.argument("case")
@format_option
@click.pass_obj
def frontier(home: Home, case: str, form: str) -> None:
    """Who is to be looked at next and who waits for a person, largest value first.

    \b
    Example
      fundwatch trace frontier CRANE-01
    """
    with home.reading() as (store, settings):
        told = newest(store, case)
        if told is None:
            raise unknown("CASE", case, "was not followed yet", f"fundwatch trace run {case}")
        if form == "jsonl":
            for each in open_objects(told.trace):
                click.echo(json_text(each))
            return
        page = Page(terminal.width(), settings.chains, told.trace.method)
        for line in open_lines(told.trace, page):
            click.echo(line)


for command in (show, explain, picture):
    trace_.add_command(command)
