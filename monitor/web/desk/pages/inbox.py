"""What there is to do, and one alert opened beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from werkzeug import Response

from monitor.decide.desk import lines as rules
from monitor.model.desk import Line, Open, Right
from monitor.model.desk_work import Proposal, Standing
from monitor.model.plain import tidy
from monitor.store import desk as people
from monitor.store import desk_inbox
from monitor.web.desk import second, shown
from monitor.web.desk.ask import Ask
from monitor.web.desk.pages import alert as opened
from monitor.web.desk.words import Wrong

PAGE = 50  # lines
MOST = 500  # alerts that are ticked one by one
FAILED_SHOWN = 7 * 24 * 3600  # seconds for which it is shown that something could not be done
TITLES = {
    "todo": "To do",
    "nobody": "Nobody has it",
    "yours": "Yours",
    "second": "Second person",
    "single": "All single alerts",
    "closed": "Closed today",
    "quiet": "Told, no work",
    "ourselves": "About ourselves",
}
_MOST_CASES = 30  # in the list on the left; of people too


@dataclass(frozen=True, slots=True)
class Side:
    """An item of the list on the left."""

    title: str
    path: str
    number: str
    current: bool


def inbox(ask: Ask) -> Response:
    """GET /inbox?view=&severity=&case=&who=&after="""
    return _page(ask, "")


def alert(ask: Ask, alert: str) -> Response:
    """GET /alert/ID: the same, with an alert opened."""
    return _page(ask, shown.spelled(alert))


def new(ask: Ask) -> Response:
    """GET /inbox/new?since=TIME: how many alerts that are work came since then."""
    since = ask.request.args.get("since", "")
    known = since.isascii() and since.isdecimal() and len(since) < 12
    number = desk_inbox.count_new(ask.store, ask.sight, int(since)) if known else 0
    return Response(str(number), mimetype="text/plain")


def people_channels(ask: Ask) -> list[str]:
    """The channels by which people are told, in the order of the settings."""
    return [name for name, each in ask.settings.channels.items() if not each.machine]


def _page(ask: Ask, wanted: str) -> Response:
    args = ask.request.args
    view = args.get("view", "todo")
    view = view if view in TITLES else "todo"
    severity, case, who = args.get("severity", ""), args.get("case"), args.get("who", "")
    work = desk_inbox.work(ask.store, ask.sight, people_channels(ask))
    held = [each for each in work if who in ("", each.holder)]
    chosen, more = _chosen(ask, held, view, severity, case)
    query = _query(view, severity, case, who)
    listed = shown.lines(ask, chosen[:PAGE], query)
    # On a wide screen the first one stands beside the list; a phone shows the list alone.
    first = wanted or (chosen[0].first.id if chosen and not chosen[0].group else "")
    one = opened.opened(ask, first) if first else None
    return ask.page(
        "inbox.html.j2",
        wanted or f"{TITLES[view]} ({len(chosen):,})",
        "inbox",
        sides=_sides(ask, work, view, severity, case, who),
        view=view,
        heading=TITLES[view],
        lines=listed,
        more=more,
        number=len(chosen),
        query=query,
        one=one,
        opened=bool(wanted),
        work=view in rules.CHOICES,
        ticks=view == "single" and ask.signed.may(Right.WORK),
        outcomes=opened.reasons(),
        proposals=_proposals(ask) if view == "second" else (),
    )


def _proposals(ask: Ask) -> list[tuple[Proposal, str, str]]:
    """What waits for a second person or for the program, and what could not be done in the last
    days: each with its title and how it stands."""
    found: list[Proposal] = []
    for state in ("waiting", "agreed", "failed"):
        found += people.proposals(ask.store, ask.sight, state=state)
    recent = [
        each
        for each in found
        if each.state is not Standing.FAILED or ask.now - (each.ended or 0) < FAILED_SHOWN
    ]
    return [(each, second.title(each), second.stands(each)) for each in recent]


def many(ask: Ask, act: str) -> Response:
    """POST /alerts/ACT: with those that are ticked."""
    ticked = ask.request.form.getlist("alert")[:MOST]
    if not ticked:
        raise Wrong("Tick at least one line.")
    said = opened.act_on(ask, [*opened.seen(ask, ticked)], act)
    return ask.go("/inbox?view=single", said)


def _chosen(
    ask: Ask, work: Sequence[Open], view: str, severity: str, case: str | None
) -> tuple[list[Line], str]:
    """The lines from the wanted one on, and where the next page begins."""
    after = ask.request.args.get("after", "")
    if view in ("quiet", "ourselves"):
        rows, more = desk_inbox.told(
            ask.store, ask.sight, quiet=view == "quiet", after=shown.spelled(after), most=PAGE
        )
        return [Line(each.id, (each,)) for each in rows], rows[-1].id if more else ""
    if view == "closed":
        rows = desk_inbox.closed_since(ask.store, ask.sight, _midnight(ask), MOST)
        return [Line(each.id, (each,)) for each in rows], ""
    if view == "second":
        return [], ""
    mine, test = rules.names_of(work, ask.signed.person.name), rules.CHOICES[view]
    found = [
        each
        for each in work
        if test(each, mine)
        and severity in ("", each.severity)
        and (case is None or each.case == case)
    ]
    lines = rules.lines(found, single=view == "single")
    ids = [line.id for line in lines]
    start = ids.index(after) + 1 if after in ids else 0
    rest = lines[start:]
    return rest, rest[PAGE - 1].id if len(rest) > PAGE else ""


def _midnight(ask: Ask) -> int:
    """The beginning of the desk's day."""
    local = datetime.fromtimestamp(ask.now, ZoneInfo(ask.desk.zone()))
    return int(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())


def _query(view: str, severity: str, case: str | None, who: str = "") -> str:
    said = {"view": view if view != "todo" else "", "severity": severity, "who": who}
    kept = {key: value for key, value in said.items() if value}
    if case is not None:
        kept["case"] = case
    return f"?{urlencode(kept)}" if kept else ""


def _sides(
    ask: Ask, work: Sequence[Open], view: str, severity: str, case: str | None, who: str
) -> list[tuple[str, list[Side]]]:
    plain = not severity and case is None and not who
    mine = rules.names_of(work, ask.signed.person.name)
    counts = {
        "todo": len(rules.lines(work)),
        "nobody": sum(not each.holder for each in work),
        "yours": sum(each.holder in mine for each in work),
        "second": len(people.proposals(ask.store, ask.sight, state="waiting")),
        "single": len(work),
        "closed": len(desk_inbox.closed_since(ask.store, ask.sight, _midnight(ask), 999)),
    }
    first = [
        Side(TITLES[name], f"/inbox{_query(name, '', None)}", f"{number:,}", plain and name == view)
        for name, number in counts.items()
    ]
    severities = Counter(each.severity for each in work)
    cases = Counter(each.case for each in work)
    holders = Counter(each.holder for each in work if each.holder)
    quiet = desk_inbox.count_told(ask.store, ask.sight, quiet=True)
    about = desk_inbox.count_told(ask.store, ask.sight, quiet=False)
    return [
        ("Work", first),
        (
            "Severity",
            [
                Side(each.capitalize(), f"/inbox{_query('todo', each, None)}", f"{number:,}",
                     each == severity)
                for each, number in sorted(severities.items(), key=lambda s: rules.weight(s[0]))
            ],
        ),
        (
            "Case",
            [
                Side(tidy(each, 40) or "no case", f"/inbox{_query('todo', '', each)}",
                     f"{number:,}", each == case)
                for each, number in cases.most_common(_MOST_CASES)
            ],
        ),
        (
            "Who has it",
            [
                Side(tidy(each, 40), f"/inbox{_query('todo', '', None, each)}", f"{number:,}",
                     each == who)
                for each, number in holders.most_common(_MOST_CASES)
            ],
        ),
        (
            "Told, no work",
            [
                Side("Small, quiet, history", "/inbox?view=quiet", _many(quiet), view == "quiet"),
                Side("About ourselves", "/inbox?view=ourselves", _many(about), view == "ourselves"),
            ],
        ),
    ]  # fmt: skip


def _many(number: int) -> str:
    return f"{desk_inbox.MANY:,}+" if number > desk_inbox.MANY else f"{number:,}"
