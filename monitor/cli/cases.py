"""Cases: which there are, closing them, legal holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from monitor.cli import terminal
from monitor.cli.common import Home, format_option
from monitor.decide import retention
from monitor.loops.clock import now
from monitor.messages import lines, objects
from monitor.model.cases import CaseFacts
from monitor.model.desk_work import Clock
from monitor.model.plain import count, plural, rfc3339, tidy, utc
from monitor.store import cases, desk


@click.group(name="case")
def case_() -> None:
    """Cases: list, close and reopen them, put them under a legal hold."""


@case_.command(name="list")
@format_option
@click.pass_obj
def case_list(home: Home, form: str) -> None:
    """List the cases of the record, by name.

    Says of each whether it is open, how many addresses are watched for it, how many of its
    alerts nobody has acknowledged, whether a legal hold is on it, and until when it is kept
    where the settings say `retention_years`. Only reads.

    \b
    Example
      fundwatch case list
    """
    with home.reading() as (store, settings):
        found, people = cases.facts(store), desk.inside(store)
        running = desk.running(store)
    columns = terminal.width()
    for each in found:
        kept, mine = _kept_until(each, settings.retention_years), people.get(each.case, [])
        clocks = [clock for clock in running if clock.case == each.case]
        if form == "jsonl":
            click.echo(objects.json_text(_as_object(each, kept) | _desk_object(mine, clocks)))
        else:
            click.echo(lines.laid_out([*_row(each, kept), *_desk(mine, clocks)], columns))
    if form == "table":
        click.echo(f"{plural(len(found), 'case')} (times in UTC)")


def _kept_until(facts: CaseFacts, years: int | None) -> int | None:
    if years is None or facts.state.closed is None:
        return None
    return retention.ends(facts.state.closed, years)


def _as_object(facts: CaseFacts, kept: int | None) -> dict[str, object]:
    return {
        "case": facts.case,
        "closed": rfc3339(facts.state.closed),
        "held": rfc3339(facts.state.held),
        "kept_until": rfc3339(kept),
        "watched": facts.watched,
        "open_alerts": facts.untaken,
    }


def _row(facts: CaseFacts, kept: int | None) -> Iterator[str]:
    state = facts.state
    yield f"{tidy(facts.case)}  {'open' if state.closed is None else f'closed {utc(state.closed)}'}"
    if state.held is not None:
        yield f"legal hold since {utc(state.held)}"
    if kept is not None:
        yield f"{'kept until' if kept > now() else 'its retention is over since'} {utc(kept)}"
    yield f"{count(facts.watched, 'address', 'addresses')} watched"
    yield f"{plural(facts.untaken, 'alert')} not acknowledged"


def _desk_object(members: Sequence[str], clocks: Sequence[Clock]) -> dict[str, object]:
    running = [
        {
            **{name: str(c.terms.get(name, "")) for name in ("title", "zone")},
            "due": c.due,
            "by": c.name,
        }
        for c in clocks
    ]
    return {"members": [*members], "clocks": running}


def _desk(members: Sequence[str], clocks: Sequence[Clock]) -> Iterator[str]:
    """Who sees it at the desk, beside leads and auditors, and which clocks run."""
    if members:
        yield f"members: {', '.join(tidy(each, 80) for each in members)}"
    for each in clocks:
        zone, title = each.terms.get("zone", "UTC"), tidy(str(each.terms.get("title", each.rule)))
        yield f"clock: {title}, last day {each.due} ({zone}), by {tidy(each.name, 80)}"


def _change_command(name: str, text: str) -> None:
    @case_.command(name=name, help=text)
    @click.argument("case", metavar="CASE")
    @click.option("--by", required=True, help="Your name, for the record.")
    @click.option("--why", required=True, help="The reason, for the record.")
    @click.pass_obj
    def command(home: Home, case: str, by: str, why: str) -> None:
        click.echo(home.change("change_case", how=name, case=case, name=by, why=why))


_TEXTS = {
    "close": """Say that the work on a case is done.

    Nothing else changes: its addresses stay watched and its alerts open, and the answer names
    what is. From now on counts for how long it is kept, where the settings say so.

    \b
    Example
      fundwatch case close SIM-2023 --by "M. Ortiz" --why "handed to the prosecutor"
    """,
    "reopen": """Say that the work on a closed case goes on.

    \b
    Example
      fundwatch case reopen SIM-2023 --by "M. Ortiz" --why "a new transfer"
    """,
    "hold": """Put a case under a legal hold: nothing that concerns it can be erased.

    \b
    Example
      fundwatch case hold SIM-2023 --by "M. Ortiz" --why "letter of the court, 12 May"
    """,
    "release": """End the legal hold of a case.

    \b
    Example
      fundwatch case release SIM-2023 --by "M. Ortiz" --why "the court lifted it"
    """,
}
for _name, _text in _TEXTS.items():
    _change_command(_name, _text)
