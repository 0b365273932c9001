"""`fundwatch trace show` and `trace explain`: what was taken of a case's trace, as it stands or as
it stood. They only read."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import click

from monitor.cli import terminal
from monitor.cli.common import Home, format_option
from monitor.loops import find
from monitor.messages.trace import explain as explaining
from monitor.messages.trace import objects, tree
from monitor.messages.trace.seizure import state_line
from monitor.messages.trace.words import Page, counted
from monitor.model import Subject
from monitor.model.dates import since_time
from monitor.model.errors import ConfigError
from monitor.model.plain import case_said, utc
from monitor.model.settings import Settings
from monitor.model.trace import Beside, Told
from monitor.store import cases
from monitor.store import trace as kept
from monitor.store.port import Reader

DAY = 86_400
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)")

as_of_option = click.option(
    "--as-of",
    metavar="TIME",
    help="As it stood then: a day (at its end, UTC) or a time like 2026-11-28T22:03:43Z.",
)


@click.command()
@click.argument("case")
@format_option
@as_of_option
@click.pass_obj
def show(home: Home, case: str, form: str, as_of: str | None) -> None:
    """Where the funds of a case went: what rests where, how sure, what is open, the way, totals.

    Shows the newest state that was recorded of the trace and asks nobody anything. Amounts stand
    by each method of attribution: as a range, until a person has chosen one. JSON lines have one
    object a line: nodes, edges, totals.

    \b
    Example
      fundwatch trace show CRANE-01
    """
    with home.reading() as (store, settings):
        told = the_trace(store, case, as_of)
        head = head_of(store, told, as_of)
    page = page_of(told, settings)
    if form == "jsonl":
        lines = objects.lines(told.trace)
    else:
        lines = tree.lines(told.trace, page, head, learned(told), told.at)
    for line in lines:
        click.echo(line)


@click.command()
@click.argument("case")
@click.argument("address")
@as_of_option
@click.pass_obj
def explain(home: Home, case: str, address: str, as_of: str | None) -> None:
    """How what is traced came to an address: each step, with the rule that applied.

    From the watched addresses on, every movement that its funds may come from: transaction, what
    was held before and after, and what each method of attribution makes of it, exactly.

    \b
    Example
      fundwatch trace explain CRANE-01 0x...
    """
    with home.reading() as (store, settings):
        told = the_trace(store, case, as_of)
    for number, subject in enumerate(in_trace(told, settings, address)):
        if number:
            click.echo("")
        page = page_of(told, settings)
        for line in explaining.lines(told.trace, subject, page, [state_line(told)]):
            click.echo(line)


# --- which trace --------------------------------------------------------------------------------


def the_trace(store: Reader, case: str, as_of: str | None = None) -> Told:
    """The newest state, or the newest at a time that a person wrote. Raises ConfigError."""
    name = _known_case(store, case)
    at = moment(as_of) if as_of is not None else None
    told = kept.newest(store, name) if at is None else kept.as_of(store, name, at)
    if told is not None:
        return told
    states = kept.states(store, name)
    if not states and name not in kept.cases(store):
        remedy = "Write  follow: {hops: 10}  under the case in watchlist.yaml"
        raise find.unknown("CASE", case, "follows no money", remedy)
    if not states:
        remedy = f"fundwatch trace run {case_said(name)}  follows it now; so does a running `run`"
        raise find.unknown("CASE", case, "has no trace yet", remedy)
    if at is not None and at < states[0].at:
        began = f"The first state is of {utc(states[0].at)}"
        raise find.unknown("--as-of", as_of or "", "is before the trace began", began)
    raise find.unknown("CASE", case, "has a trace whose text was erased", "See  fundwatch log show")


def _known_case(store: Reader, case: str) -> str:
    known = list(dict.fromkeys((*cases.known(store), *kept.cases(store))))
    if case in known:
        return case
    like = [each for each in known if each.casefold() == case.strip().casefold()]
    if len(like) == 1:
        return like[0]
    raise find.unknown("CASE", case, "is no case of the record", "`fundwatch case list` names them")


def moment(text: str) -> int:
    """A day, of which the end is meant, or a time with its zone, in Unix seconds. Raises
    ConfigError."""
    day = since_time(text.strip())
    if day is not None:
        return day + DAY - 1
    try:
        if _MOMENT.fullmatch(text.strip()):
            return int(datetime.fromisoformat(text.strip()).astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        pass
    remedy = "Write a day, 2026-11-28, or a time with its zone, 2026-11-28T22:03:43Z"
    raise find.unknown("--as-of", text, "is no time", remedy)


def in_trace(told: Told, settings: Settings, address: str) -> list[Subject]:
    """What a person means by an address, of those that are in the trace. Raises ConfigError."""
    mine = [node.subject for node in told.trace.nodes]
    found = [subject for subject in mine if address.strip() in (subject.address, subject.key)]
    if not found:
        meant = _meant(settings, address)
        found = [subject for subject in mine if subject in meant]
    if not found:
        case = case_said(told.trace.case)
        remedy = f"fundwatch trace show {case}  shows all of it"
        raise find.unknown("ADDRESS", address, f"is not in the trace of {case}", remedy)
    return found


def _meant(settings: Settings, address: str) -> set[Subject]:
    try:
        return set(find.subjects(settings.chains, address))
    except ConfigError as error:
        wrong = error.problems[0]
        raise find.unknown("ADDRESS", address, wrong.reason, wrong.remedy) from None


# --- how it is shown ----------------------------------------------------------------------------


def page_of(told: Told, settings: Settings) -> Page:
    return Page(terminal.width(), settings.chains, told.trace.method)


def head_of(store: Reader, told: Told, as_of: str | None) -> list[str]:
    """Which state it is; of the newest also that no other will come."""
    if as_of is not None or told.trace.case in kept.following(store):
        return [state_line(told)]
    why = "`follow:` is switched off, or its addresses are retired. What moved since is not known."
    return [state_line(told), "NOT FOLLOWED ANY MORE", why]


def learned(told: Told) -> list[str]:
    """Which operators learn how many addresses that are not watched."""
    operators = (told.trace.beside or Beside()).operators
    return [
        f"{operator}: {counted(number, 'followed address', 'followed addresses')}"
        for operator, number in operators
    ]
