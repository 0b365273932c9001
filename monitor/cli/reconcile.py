"""`fundwatch reconcile`: what addresses hold, by the record and on the chain."""

from __future__ import annotations

import json
import os
import sys

import click

from monitor.app.home import open_home
from monitor.cli.common import Home, format_option
from monitor.messages.balances import line, to_object
from monitor.model.balance import State
from monitor.store import watch

NOT_EQUAL = 1


@click.command()
@click.option("--address", metavar="ADDRESS", help="Only this address.")
@click.option("--chain", metavar="CHAIN", help="Only this chain.")
@click.option("--case", metavar="CASE", help="Only this case.")
@format_option
@click.pass_obj
def reconcile(
    home: Home, address: str | None, chain: str | None, case: str | None, form: str
) -> None:
    """Hold what is recorded against what the chain says that addresses hold.

    Asks explorers and nodes for the balances of watched addresses and compares them with the sum
    of what is recorded. What differs is looked for in all lists once more.

    \b
    Example
      fundwatch reconcile --case CRANE-01
    """
    with open_home(home.folder, os.environ) as app:
        app.reload()
        entries = [w.entry for w in watch.all_entries(app.store) if w.active]
        subjects = dict.fromkeys(
            e.subject
            for e in entries
            if (address is None or e.subject.address == address.lower())
            and (chain is None or e.subject.chain == chain)
            and (case is None or e.case == case)
        )
        found = app.reconciler.check(subjects)
    for held in found:
        click.echo(json.dumps(to_object(held)) if form == "jsonl" else line(held))
    sys.exit(NOT_EQUAL if any(h.state is State.UNEXPLAINED for h in found) else 0)
