"""`fundwatch reconcile`: what addresses hold, by the record and on the chain."""

from __future__ import annotations

import os
import sys

import click

from monitor.app.folder import check_home
from monitor.app.home import open_home
from monitor.cli import terminal, waiting
from monitor.cli.common import DONE, Home, format_option
from monitor.loops import inbox
from monitor.loops.balance_rounds import Wish
from monitor.messages.balance_lines import table
from monitor.messages.balances import to_object
from monitor.messages.objects import json_text
from monitor.model import Subject
from monitor.model.balance import State
from monitor.model.errors import Busy
from monitor.store import balances, watch

NOT_EQUAL = 1


@click.command()
@click.option("--address", metavar="ADDRESS", help="Only this address; also an entry's label.")
@click.option("--chain", metavar="CHAIN", help="Only this chain.")
@click.option("--case", metavar="CASE", help="Only this case.")
@format_option
@click.pass_obj
def reconcile(
    home: Home, address: str | None, chain: str | None, case: str | None, form: str
) -> None:
    """Hold what is recorded against what the chain says that addresses hold.

    Asks explorers and nodes for the balances of watched addresses and compares them with the sum
    of what is recorded. What differs is looked for in all lists once more. The running Fundwatch
    does it where one runs, else the command itself. Exits with 1 where the coin or a
    verified token differs and no list explains it.

    \b
    Example
      fundwatch reconcile --case CRANE-01
    """
    subjects = _carried_out(home, Wish(address, chain, case))
    with home.reading() as (store, settings):
        by_subject = balances.of_subjects(store, subjects)
        watched = watch.entries_of(store, subjects)
    found = [held for subject in subjects for held in by_subject.get(subject, ())]
    if form == "jsonl":
        for held in found:
            click.echo(json_text(to_object(held)))
    else:
        owners = {s: [w.entry for w in mine if w.active] for s, mine in watched.items()}
        columns = terminal.width()
        for line in table(found, owners, settings.chains, columns, every=address is not None):
            click.echo(line)
    # A token that nobody verified answers what it likes.
    differs = any(held.state is State.UNEXPLAINED and held.verified for held in found)
    sys.exit(NOT_EQUAL if differs else DONE)


def _carried_out(home: Home, wish: Wish) -> list[Subject]:
    """The addresses that were held, in order. Waits for as long as it takes."""
    check_home(home.folder)
    try:
        with open_home(home.folder, os.environ) as app:
            app.reload()
            app.balancing.say = waiting.say
            return app.balancing.carry_out(wish)
    except Busy:
        args = {"address": wish.address, "chain": wish.chain, "case": wish.case}
        ticket = inbox.ask(home.folder, "reconcile", args)
        return waiting.outcome(home, "reconciled", ticket, "held", Subject)
