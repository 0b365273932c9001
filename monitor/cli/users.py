"""Who may use the desk."""

from __future__ import annotations

import os

import click

from monitor.cli import terminal
from monitor.cli.common import Home, by_option
from monitor.loops import doors
from monitor.loops.clock import now
from monitor.messages import lines
from monitor.model.desk import Person, Role
from monitor.model.plain import count, plural, rfc3339
from monitor.store import desk, desk_ways
from monitor.store.deskfile import FILE, DeskFile

role_type = click.Choice([each.value for each in Role])
why_option = click.option("--why", default="by command", help="The reason, for the record.")


@click.group(name="users")
def users_() -> None:
    """Who may use the desk: add people, let them in anew, take them out."""


@users_.command(name="add")
@click.argument("name")
@click.option(
    "--role", type=role_type, required=True, help="What they may do: a table of docs/settings.md."
)
@click.option("--case", "cases", multiple=True, help="A case that they may see; may be repeated.")
@click.option("--reports", is_flag=True, help="They may see confidential clocks.")
@by_option
@click.pass_obj
def users_add(
    home: Home, name: str, role: str, cases: tuple[str, ...], reports: bool, by: str | None
) -> None:
    """Add somebody, and print the link by which they choose how they sign in.

    The link works once, for 24 hours. Send it by a way that only they read. A lead sees all
    cases; an analyst and a reader see those of which they are members.

    \b
    Example
      fundwatch users add m.ortiz --role lead
      fundwatch users add j.weber --role analyst --case NK-07
    """
    from monitor.app.people import front  # noqa: PLC0415 - loads all that runs
    from monitor.loops.desk import access  # noqa: PLC0415

    with front(home.folder, os.environ) as door:
        actor = doors.this_user().named(by)
        shown, word = access.add(
            *(door.store, door.file, actor, name, Role(role), now()),
            of_cases=cases, reports=reports,
        )  # fmt: skip
        _invited(shown, door.link(word), on=door.settings.web.on)


def _invited(name: str, link: str, *, on: bool) -> None:
    click.echo(f"{name} opens this link once, within 24 hours:")
    click.echo(f"  {link}")
    if not on:
        click.echo("The desk is off: write  web:  and below it  desk: on  in config/settings.yaml.")


@users_.command(name="list")
@click.pass_obj
def users_list(home: Home) -> None:
    """List who may use the desk, and how they stand. Only reads.

    \b
    Example
      fundwatch users list
    """
    with home.reading() as (store, _):
        people = desk.people(store)
        cases = {each.name: desk.cases_of(store, each.name) for each in people}
    path = home.folder / FILE
    file = DeskFile(path) if path.exists() else None
    try:
        ways = desk_ways.ways_of(file) if file else {}
        links = desk_ways.invited_until(file, now()) if file else {}
    finally:
        if file:
            file.close()
    rows = [
        [each.name, f"{each.role}{', reports' if each.reports else ''}",
         _stands(each, ways.get(each.name, []), links.get(each.name)),
         ", ".join(sorted(cases[each.name]))]
        for each in people
    ]  # fmt: skip
    for row in rows:
        click.echo(lines.laid_out(row, terminal.width()))
    click.echo(count(len(rows), "person", "people"))


def _stands(person: Person, ways: list[str], link: int | None) -> str:
    if person.disabled is not None:
        return f"disabled since {rfc3339(person.disabled)}"
    if link is not None:
        return f"has a link until {rfc3339(link)}"
    if ways:
        return f"signs in with {', '.join(ways)}"
    return "has no link that works"


@users_.command(name="reset")
@click.argument("name")
@by_option
@click.pass_obj
def users_reset(home: Home, name: str, by: str | None) -> None:
    """Take away what lets somebody in, end their sessions, and print a new link.

    Password, codes and passkeys end at once. The link works once, for 24 hours.

    \b
    Example
      fundwatch users reset m.ortiz
    """
    from monitor.app.people import front  # noqa: PLC0415 - loads all that runs
    from monitor.loops.desk import access  # noqa: PLC0415

    with front(home.folder, os.environ) as door:
        actor = doors.this_user().named(by)
        word = access.reset(door.store, door.file, actor, name, now())
        _invited(name, door.link(word), on=door.settings.web.on)


@users_.command(name="disable")
@click.argument("name")
@why_option
@by_option
@click.pass_obj
def users_disable(home: Home, name: str, why: str, by: str | None) -> None:
    """Let somebody in no longer: their sessions end at once.

    The alerts that they had go to nobody, which is told. The last lead who can sign in stays.

    \b
    Example
      fundwatch users disable j.weber --why "left the team"
    """
    from monitor.app.people import front  # noqa: PLC0415 - loads all that runs
    from monitor.loops.desk import access  # noqa: PLC0415

    with front(home.folder, os.environ) as door:
        actor = doors.this_user().named(by)
        freed = access.disable(door.store, door.file, door.settings, actor, name, why, now())
        click.echo(f"{name} is disabled; {plural(freed, 'alert')} went to nobody")


@users_.command(name="enable")
@click.argument("name")
@why_option
@by_option
@click.pass_obj
def users_enable(home: Home, name: str, why: str, by: str | None) -> None:
    """Let somebody in again, with what let them in before.

    \b
    Example
      fundwatch users enable j.weber
    """
    from monitor.app.people import front  # noqa: PLC0415 - loads all that runs
    from monitor.loops.desk import access  # noqa: PLC0415

    with front(home.folder, os.environ) as door:
        actor = doors.this_user().named(by)
        can = access.enable(door.store, door.file, actor, name, why, now())
        click.echo(f"{name} is enabled" + ("" if can else f"; `fundwatch users reset {name}` "
                   "makes a link, for nothing lets them in yet"))  # fmt: skip


@users_.command(name="role")
@click.argument("name")
@click.argument("role", type=role_type)
@click.option("--reports/--no-reports", default=None, help="Whether they see confidential clocks.")
@why_option
@by_option
@click.pass_obj
def users_role(
    home: Home, name: str, role: str, reports: bool | None, why: str, by: str | None
) -> None:
    """Give somebody another role.

    \b
    Example
      fundwatch users role j.weber lead
    """
    from monitor.app.people import front  # noqa: PLC0415 - loads all that runs
    from monitor.loops.desk.people import change_person  # noqa: PLC0415
    from monitor.loops.desk.said import the_person  # noqa: PLC0415

    with front(home.folder, os.environ) as door:
        actor = doors.this_user().named(by)
        had = the_person(door.store, name).reports
        keeps = had if reports is None else reports
        change_person(door.store, actor, name, Role(role), keeps, why, now())
        click.echo(f"{name} is {role}{', and sees confidential clocks' if keeps else ''}")
