"""Differences, as `fundwatch verify` tells them: in words, or one JSON object each."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict

import click

from monitor.model.difference import Difference, Report
from monitor.model.plain import plural, tidy

SHOWN = 1000  # differences that are shown to people
WIDEST = 400  # characters of one value
LABEL = 8  # columns of what stands before a line


class Heard:
    """Differences: the first of them kept, all of them counted."""

    def __init__(self) -> None:
        self.first: list[Difference] = []
        self.number = 0

    def __call__(self, difference: Difference) -> None:
        self.number += 1
        if self.number <= SHOWN:
            self.first.append(difference)


def passing(heard: Heard) -> Report:
    """Counts them too, and says each at once, for programs."""

    def both(difference: Difference) -> None:
        heard(difference)
        click.echo(json.dumps(asdict(difference)))

    return both


def tell(heard: Heard) -> None:
    """The answer first, then each of them."""
    differ = "differs" if heard.number == 1 else "differ"
    click.echo(f"{plural(heard.number, 'place')} {differ}." if heard.number else "Nothing differs.")
    for each in heard.first:
        click.echo(f"{each.check:<10} {tidy(each.place, WIDEST)}")
        click.echo(f"           expected  {tidy(each.expected, WIDEST)}")
        click.echo(f"           found     {tidy(each.found, WIDEST)}")
    if heard.number > SHOWN:
        click.echo(f"and {heard.number - SHOWN:,} more: --format jsonl has them all")


def wrapped(line: str, columns: int) -> str:
    """Below its label, in columns of the window; hashes and names of files stay whole."""
    return textwrap.fill(
        line,
        columns,
        subsequent_indent=" " * LABEL,
        break_long_words=False,
        break_on_hyphens=False,
    )
