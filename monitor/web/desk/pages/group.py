"""The alerts that one message told, and what can be done with many at once."""

from __future__ import annotations

from collections.abc import Sequence

from werkzeug import Response

from monitor.decide.desk import lines as rules
from monitor.model.desk import Line, Open, Right
from monitor.model.errors import StoreError
from monitor.store import desk as people
from monitor.store import desk_inbox, outbox
from monitor.web.desk import shown
from monitor.web.desk.ask import Ask
from monitor.web.desk.pages.alert import act_on, reasons, seen
from monitor.web.desk.words import Gone, Wrong

PAGE = 100
MOST = 500  # alerts that are ticked one by one


def group(ask: Ask, message: str) -> Response:
    """GET /g/MESSAGE?after=&do="""
    message = shown.spelled(message)
    found = _found(ask, message)
    ids = [each.id for each in found]
    after = ask.request.args.get("after", "")
    start = ids.index(after) + 1 if after in ids else 0
    part = found[start : start + PAGE]
    form = ask.request.args.get("do", "")
    acts = ("take", "note", "close") if ask.signed.may(Right.WORK) else ()
    return ask.page(
        "group.html.j2",
        f"{message} ({len(found):,})",
        "inbox",
        message=message,
        subject=_subject(ask, message),
        lines=shown.lines(ask, [Line(each.id, (each,)) for each in part], ""),
        number=len(found),
        begins=start,
        more=part[-1].id if start + PAGE < len(found) else "",
        open=sum(each.state != "closed" for each in found),
        nobody=sum(not each.holder and each.state != "closed" for each in found),
        severe=[each.id for each in found if each.severity == "severe"],
        acts=acts,
        form=form if form in acts else "",
        outcomes=reasons(),
        colleagues=[each.name for each in people.people(ask.store) if each.active],
    )


def _subject(ask: Ask, message: str) -> str:
    """What it said of itself; nothing where it told of other people's cases too."""
    if desk_inbox.of_others(ask.store, ask.sight, [message]):
        return ""
    try:
        return outbox.message(ask.store, message)[1].subject.partition("] ")[2]
    except (StoreError, LookupError):
        return ""


def _found(ask: Ask, message: str) -> list[Open]:
    found = desk_inbox.of_message(ask.store, ask.sight, message)
    if not found:
        raise Gone
    return found


def do(ask: Ask, message: str, act: str) -> Response:
    """POST /g/MESSAGE/ACT: with those that are ticked, or with all of them."""
    message = shown.spelled(message)
    found = _found(ask, message)
    said = act_on(ask, _chosen(ask, found), act)
    return ask.go(f"/g/{message}", said)


def _chosen(ask: Ask, found: Sequence[Open]) -> list[str]:
    """What is meant. Severe ones are named one by one: no group takes them along."""
    if ask.field("which") != "all":
        ticked = ask.request.form.getlist("alert")[:MOST]
        among = {each.id for each in found}
        if not ticked or not among.issuperset(ticked):
            raise Wrong("Tick at least one line, or choose all.")
        return [*seen(ask, ticked)]
    found = [each for each in found if each.severity != "severe" and each.state != "closed"]
    if not found:
        raise Wrong("Nothing of it is left to be done this way. Severe ones are done one by one.")
    return [each.id for each in sorted(found, key=lambda each: rules.weight(each.severity))]
