"""Published lists: how each stands, what changed, its rows; what can be done about one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from werkzeug import Response
from werkzeug.exceptions import NotFound

from monitor.loops.desk import wishes
from monitor.model.desk import Right
from monitor.model.desk_work import OPEN, Proposal, Standing
from monitor.model.lists import Publication
from monitor.model.plain import tidy
from monitor.model.watch import Severity
from monitor.store import desk as people
from monitor.store import desk_find, desk_lists, listing, watch
from monitor.store.desk_lists import ALL, GONE, Wanted
from monitor.watchlist.imports.rules import RULES
from monitor.web.desk import files, publications
from monitor.web.desk.ask import Ask
from monitor.web.desk.money import DONE_SOON
from monitor.web.desk.pages.alert import LONGEST, carried_out
from monitor.web.desk.publications import ACTS, Head, Line
from monitor.web.desk.words import Gone, Wrong

CHANGES = "changes"
VIEWS = {CHANGES: "What changed", ALL: "All rows", GONE: "Not on it any more"}
MOST = 80  # characters of one word of the filter
VERSIONS = 20  # that the page offers
SEVERITIES = tuple(each.value for each in Severity)


def lists(ask: Ask) -> Response:
    """GET /lists"""
    wide = ask.sight.cases is None
    taken = watch.last_list(ask.store)
    heads = [publications.head(ask, name) for name in publications.visible(ask)]
    entries = desk_lists.entries(ask.store, [each.name for each in heads])
    return ask.page(
        *("lists.html.j2", "Lists", "lists"),
        heads=heads,
        entries=entries,
        wide=wide,
        taken=taken,
        absent=len(watch.absent_entries(ask.store)) if wide else 0,
        changed={each.name: _last_change(each) for each in heads},
    )


def _last_change(head: Head) -> int | None:
    """When its version in force was fetched, if it is not the first."""
    newest = head.newest
    return newest.fetched if newest is not None and newest.nr > 1 else None


# -- one list ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class View:
    """What of a list is shown. `given`: what of it stands in the address bar."""

    view: str
    wanted: Wanted
    old: Publication | None  # of changes: from it ...
    new: Publication | None  # ... to this one; of rows: which version
    given: Mapping[str, str]


def published(ask: Ask, name: str) -> Response:
    """GET /lists/NAME"""
    if not publications.may_see(ask, name):
        raise Gone
    head, versions = publications.head(ask, name), listing.publications(ask.store, name)
    view = _view(ask, versions)
    after = ask.request.args.get("after", "")[:80]
    shown = head.newest is not None and not (head.config and head.config.ours)
    rows, more = _rows(ask, name, view, after) if shown else ([], "")
    path = f"/lists/{name}"
    act, row = _form(ask, name)
    return ask.page(
        *("list.html.j2", head.title, "lists"),
        head=head,
        versions=versions[::-1][:VERSIONS],
        view=view,
        views={key: (said, f"{path}?view={key}") for key, said in VIEWS.items()},
        rows=rows,
        shown=shown,
        path=path,
        next_link=_link(path, {**view.given, "after": more}) if more else "",
        first_link=_link(path, view.given) if after else "",
        back=_link(path, view.given),
        csv_link=_link(f"{path}/rows.csv", view.given),
        rules=sorted(head.newest.refused) if head.newest else [],
        acts=ACTS,
        act=act,
        row=row,
        cases=desk_find.cases(ask.store, ask.sight) if act == "take" else [],
        severities=SEVERITIES,
        asked_for=_proposals(ask, name),
        takes_shrunk=bool(head.state.held and head.config) and ask.signed.may(Right.WORK),
        query=urlencode(view.given),
    )  # fmt: skip


def rows_csv(ask: Ask, name: str) -> Response:
    """GET /lists/NAME/rows.csv: all rows of the filter."""
    if not publications.may_see(ask, name):
        raise Gone
    head, view = publications.head(ask, name), _view(ask, listing.publications(ask.store, name))
    if view.new is None or (head.config and head.config.ours):
        raise Gone
    pages = _every(ask, name, view)
    file = files.csv_file(publications.csv_lines(name, view.new, pages))
    return files.sent(file, f"{name}-{view.view}.csv")


def _every(ask: Ask, name: str, view: View) -> Iterator[list[Line]]:
    after = ""
    while True:
        rows, after = _rows(ask, name, view, after)
        yield rows
        if not after:
            return


def _view(ask: Ask, versions: list[Publication]) -> View:
    args = ask.request.args
    by_nr = {str(each.nr): each for each in versions}
    newest = versions[-1] if versions else None
    before = versions[-2] if len(versions) > 1 else None
    view = args.get("view", CHANGES if before else ALL)
    view = view if view in VIEWS else ALL
    new = by_nr.get(args.get("to", ""), newest)
    old = by_nr.get(args.get("from", ""), before)
    rule = args.get("rule", "")
    watched = args.get("watched", "")
    text = tidy(args.get("q", ""), MOST)
    if view == CHANGES:
        wanted, given = Wanted(), {"from": args.get("from", ""), "to": args.get("to", "")}
    else:
        wanted = Wanted(
            view,
            rule if rule in RULES or rule == "any" else "",
            watched if watched in ("yes", "no") else "",
            text,
        )
        given = {"rule": wanted.rule, "watched": wanted.watched, "q": text}
        given |= {"to": args.get("to", "")} if view == ALL else {}
    kept = {key: value for key, value in given.items() if value and len(value) <= MOST}
    return View(view, wanted, old, new, {"view": view, **kept})


def _rows(ask: Ask, name: str, view: View, after: str) -> tuple[list[Line], str]:
    if view.new is None:
        return [], ""
    if view.view == CHANGES:
        if view.old is None:
            return [], ""
        return publications.changes(ask, name, view.old, view.new, after)
    return publications.page_of(ask, name, view.new.nr, view.wanted, after)


def _link(path: str, given: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(given)}"


def _form(ask: Ask, name: str) -> tuple[str, Line | None]:
    """Which form is open, and for which row."""
    act = ask.request.args.get("do", "")
    if act == "shrunk" and ask.signed.may(Right.WORK):
        return act, None
    row = publications.row_of(ask, name, ask.request.args.get("row", "")[:80])
    return (act, row) if row is not None and act in row.acts else ("", None)


def _proposals(ask: Ask, name: str) -> list[Proposal]:
    """What was asked for or proposed about this list and is not done, of what may be seen."""
    kinds = (wishes.OF_LIST, wishes.INSIST, wishes.NOT_FOR_US, wishes.SHRUNK)
    found = [p for state in OPEN for p in people.proposals(ask.store, ask.sight, state=state)]
    return [p for p in found if p.kind in kinds and _about(p, name)]


def _about(proposal: Proposal, name: str) -> bool:
    names = proposal.args.get("lists")
    return proposal.args.get("list") == name or (isinstance(names, list) and name in names)


# -- acts ----------------------------------------------------------------------------------------


def do(ask: Ask, name: str, act: str) -> Response:
    """POST /lists/NAME/ACT"""
    if not publications.may_see(ask, name):
        raise Gone
    if act not in (*ACTS, "shrunk"):
        raise NotFound
    head = publications.head(ask, name)
    if act == "shrunk":
        said = _shrunk(ask, head)
    else:
        row = publications.row_of(ask, name, ask.field("row", 80))
        if row is None:
            raise Gone
        if act not in row.acts:
            raise Wrong("It stands otherwise by now: look at the row again.")
        said = _take(ask, head, row) if act == "take" else _of_list(ask, head, act, row)
    query = ask.field("back", 400)
    return ask.go(f"/lists/{name}?{query}" if query else f"/lists/{name}", said)


def _take(ask: Ask, head: Head, row: Line) -> str:
    """Watch it in a case of one's own, whatever the list says later."""
    case, why, severity = (
        ask.field("case", 80),
        ask.field("why", LONGEST),
        ask.field("severity", 20),
    )
    if not case or not ask.sight.sees(case):
        raise Wrong("You are a member of no such case. Choose one of yours, or ask a lead.")
    if severity not in SEVERITIES:
        raise Wrong("Choose how urgent it is.")
    chains = {name: href.split("/")[2] for name, href in row.places}
    chain = chains.get(ask.field("chain", 80))
    if chain is None:
        raise Wrong("Choose on which chain it is watched.")
    day = head.newest.day if head.newest else "no version"
    lines = {
        "address": row.row.row.judged.address or "", "chain": chain, "case": case, "reason": why,
        "label": ask.field("label", 200) or row.row.row.published.entity.name[:200],
        "source": f"{head.title}, version of {day}", "severity": severity,
    }  # fmt: skip
    settings, once = ask.settings.web, ask.field("once", 64)

    def taken() -> str:
        made = wishes.add_watch(ask.writer, settings, ask.actor, lines, why, ask.now, once)
        return f"Asked for: it is watched in case {case} ({made.id}). {DONE_SOON}"

    return carried_out(taken)


_KINDS = {
    "not_for_us": wishes.NOT_FOR_US,
    "retire": wishes.OF_LIST,
    "insist": wishes.INSIST,
}
_BECOMES = {
    "not_for_us": "it stays unwatched",
    "retire": "its watch ends",
    "insist": "it is watched against the rule",
}


def _of_list(ask: Ask, head: Head, act: str, row: Line) -> str:
    why, once = ask.field("why", LONGEST), ask.field("once", 64)
    address, settings = row.row.row.judged.address or "", ask.settings.web

    def proposed() -> str:
        made = wishes.of_list(
            *(ask.writer, settings, ask.actor, _KINDS[act], head.name, address, why, ask.now, once),
            _case(head),
        )
        return _proposed(made, _BECOMES[act])

    return carried_out(proposed)


def _shrunk(ask: Ask, head: Head) -> str:
    if not head.state.held or head.config is None:
        raise Wrong("No version of it waits any more.")
    why, once, settings = ask.field("why", LONGEST), ask.field("once", 64), ask.settings.web

    def proposed() -> str:
        made = wishes.accept_shrunk(
            *(ask.writer, settings, ask.actor, ([head.name], ""), why, ask.now, once),
            _case(head),
        )
        return _proposed(made, "the newer version is taken")

    return carried_out(proposed)


def _case(head: Head) -> str:
    """Whose people alone may know of the list."""
    return head.config.private_to if head.config else ""


def _proposed(made: Proposal, becomes: str) -> str:
    if made.state is Standing.WAITING:
        return f"Proposed: {becomes} when a second person agrees ({made.id})."
    return f"Asked for: {becomes} ({made.id}). {DONE_SOON}"
