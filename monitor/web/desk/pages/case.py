"""Cases: all of them, and one with what is to be done in it, what is not known, what happened."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from werkzeug import Response

from monitor.decide.desk import next as following
from monitor.decide.desk.lines import weight
from monitor.decide.desk.next import Next
from monitor.loops import cases as changes
from monitor.loops.desk import work
from monitor.loops.health import entry_status
from monitor.loops.health.snapshot import EntryStatus
from monitor.messages.sheets.parts import quantity
from monitor.model import TransferView, Watched
from monitor.model.cases import CaseState
from monitor.model.desk import Line, Open, Right, Sight
from monitor.model.desk_work import Clock
from monitor.model.plain import plural, tidy
from monitor.store import cases as kept
from monitor.store import desk as people
from monitor.store import desk_cases, desk_entries, guard, requests, watch, written
from monitor.store.not_covered import not_covered
from monitor.web.desk import flow, gone, happened, money, seized, shown, strip
from monitor.web.desk.ask import Ask
from monitor.web.desk.flow import Flow
from monitor.web.desk.guard import looked
from monitor.web.desk.known import Shown as Side
from monitor.web.desk.known import chain_said, names_for, raw_units
from monitor.web.desk.known import shown as known_side
from monitor.web.desk.money import Money
from monitor.web.desk.pages import files
from monitor.web.desk.pages.alert import LONGEST, carried_out, started
from monitor.web.desk.pages.restricted import restricted_section
from monitor.web.desk.words import Gone, Wrong

TABS = {
    "": "Overview",
    "addresses": "Addresses",
    "alerts": "Alerts",
    "movements": "Movements",
    "notes": "Notes",
    "members": "Members",
    "files": "Files",
}
PAGE = 100
_UNKNOWN = 40  # sentences on what is not known
_WHYS = 5  # reasons of entries in the head


def cases(ask: Ask) -> Response:
    """GET /c"""
    return ask.page("cases.html.j2", "Cases", "cases", cases=desk_cases.lines(ask.store, ask.sight))


def path_of(case: str) -> str:
    return f"/c/{quote(case, safe='')}"


@dataclass(frozen=True, slots=True)
class Movement:
    """A row of the table of movements."""

    view: TransferView
    chain: str
    sender: Side
    recipient: Side
    amount: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What several parts of a case's page show, read once."""

    case: str
    entries: Sequence[str]  # ids, those that are watched first
    status: Sequence[EntryStatus]
    read: bool
    stand: str
    work: Sequence[Open]
    clocks: Sequence[Clock]


def _known(ask: Ask, case: str) -> str:
    if not desk_cases.is_known(ask.store, ask.sight, case):
        raise Gone
    return case


def case(ask: Ask, case: str) -> Response:
    """GET /c/CASE?tab="""
    _known(ask, case)
    looked(ask, case)
    tab = ask.request.args.get("tab", "")
    tab = tab if tab in TABS else ""
    only = Sight(frozenset({case}))
    ids = desk_entries.of(ask.store, ask.sight, case)
    status = entry_status.some_read(
        *(ask.store, ask.settings, ask.now, ids),
        running=guard.runs_beside(ask.settings.home),
    )
    read, stand, others = strip.of_entries(status)
    beyond = desk_entries.beyond(ask.store, ask.sight, case)
    others = [*others, *strip.not_looked_at(beyond)]
    with_work = ask.signed.may(Right.WORK)
    form = ask.request.args.get("do", "")
    open_work = desk_cases.open_work(ask.store, ask.sight, case)
    clocks = people.clocks(ask.store, only, case=case)
    found = Looked(case, ids, status, read, stand, open_work, clocks)
    money_here = money.in_case(ask, case)
    shown_here = _tab(ask, found, tab, money_here)
    return ask.page(
        "case.html.j2",
        f"{case}",
        "cases",
        case=case,
        path=path_of(case),
        tab=tab,
        tabs=TABS,
        state=kept.changed(ask.store).get(case, CaseState()),
        severity=_worst(status, open_work),
        whys=_whys(ask, ids),
        watched=len(status) + beyond,
        read=read,
        stand=stand,
        others=others,
        members=[each.person for each in people.members(ask.store, case) if each.until is None],
        clocks=clocks,
        gone_clocks=_gone(ask, "clock", [each.id for each in clocks]),
        gone_ends=_gone(ask, "clock ended", [each.id for each in clocks]),
        erase=lambda what, name, text: gone.path(ask, what, name, text),
        by_one=people.by_one(ask.store, only, case),
        rules=[each for each in ask.settings.web.clocks.values() if not each.confidential],
        work=with_work,
        lead=ask.signed.may(Right.LEAD),
        form=form if with_work else "",
        restricted=restricted_section(ask, case),
        money=money_here,
        following_path=seized.following_path(ask, case),
        **shown_here,
    )


def _tab(ask: Ask, found: Looked, tab: str, followed: Money | None) -> dict[str, object]:
    """What only this tab shows."""
    case = found.case
    if tab == "addresses":
        return {"entries": found.status, "retired": _retired(ask, found.entries)}
    if tab == "alerts":
        return _alerts(ask, case)
    if tab == "movements":
        return _movements(ask, case)
    if tab == "notes":
        notes = people.remarks(ask.store, ask.sight, case=case)
        return {"notes": notes, "erased": _gone(ask, "remark", [n.id for n in notes if not n.text])}
    if tab == "files":
        return files.tab(ask, case)
    if tab == "members":
        everybody = [each for each in people.people(ask.store) if each.disabled is None]
        return {"everybody": everybody}
    return _overview(ask, found, flow.in_case(ask, case, followed))


def _gone(ask: Ask, what: str, names: Sequence[str]) -> dict[str, str]:
    """Of those of these texts that were erased: how, in words."""
    return {name: gone.said(how) for name, how in written.erased(ask.store, what, names).items()}


def _worst(status: Sequence[EntryStatus], work: Sequence[Open]) -> str:
    """The worst severity of what is watched, and of what is to be done."""
    found = [*(each.severity for each in status), *(each.severity for each in work)]
    return min(found, key=weight, default="")


def _whys(ask: Ask, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Reason and source of its entries, each once."""
    found = watch.entries(ask.store, ids[:200]).values()
    said = dict.fromkeys((tidy(w.entry.reason, 300), tidy(w.entry.source, 200)) for w in found)
    return [each for each in said if any(each)][:_WHYS]


def _overview(ask: Ask, found: Looked, seen: Flow) -> dict[str, object]:
    case, status = found.case, found.status
    held = [each for each in status if each.held is not None]
    places = seized.section(ask, seen.traced)
    standing = following.Standing(
        case=case,
        now=ask.now,
        after=ask.settings.escalate_after,
        held_missing=[each for e in held if e.held and e.held.missing for each in e.held.assets],
        clocks=found.clocks,
        work=found.work,
        proposals=people.proposals(ask.store, ask.sight, state="waiting", case=case),
        unread="" if found.read else found.stand,
        unexplained=sum(e.balances.unexplained for e in status if e.balances),
        freezable=seen.freezable,
        unasked=places.unasked if places and not places.past else None,
        could=places.could if places else (),
        advice=places.advice if places else "",
        asked=_asked(seen),
        questions=f"{seized.following_path(ask, case)}#questions",
        requests=requests.requests(ask.store, ask.sight, case),
    )
    steps: list[Next] = following.following(standing, path_of(case))
    return {
        "flow": seen,
        "steps": steps,
        "open": len(found.work),
        "held": seized.held_now(ask, watch.named(ask.store, [each.id for each in held])),
        "seized": places,
        "ask_path": seized.ask_path,
        "unknown": _not_known(ask, status),
        **_happened(ask, case),
    }


def _asked(seen: Flow) -> tuple[str, str]:
    """What following waits for: the question to a person, or the limit that ended it."""
    trace = seen.trace
    if trace is None or not seen.traced.is_newest:
        return "", ""
    if trace.questions:
        more = len(trace.questions) - 1
        behind = f"{plural(more, 'more question')} after it." if more else ""
        return tidy(trace.questions[0].words, 400), behind
    return (
        ("Following stopped before its end.", tidy(trace.ended, 400)) if trace.ended else ("", "")
    )


def _not_known(ask: Ask, status: Sequence[EntryStatus]) -> list[tuple[str, int]]:
    """What nobody looked at, in sentences, with for how many entries it is so."""
    counts: dict[str, int] = {}
    found = watch.entries(ask.store, [each.id for each in status])
    for watched in found.values():
        for sentence in not_covered(ask.store, watched.entry, ask.settings.chains):
            counts[sentence] = counts.get(sentence, 0) + 1
    return sorted(counts.items(), key=lambda each: -each[1])[:_UNKNOWN]


def _happened(ask: Ask, case: str) -> dict[str, object]:
    kind = ask.request.args.get("kind", "")
    kind = kind if kind in happened.KINDS else ""
    found = happened.happened(ask, case, kind, _number(ask.request.args.get("before", "")))
    return {
        "events": found.events,
        "older": found.older,
        "kinds": happened.KINDS,
        "kind": kind,
    }


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 2**62


def _retired(ask: Ask, ids: Sequence[str]) -> list[Watched]:
    return [each for each in watch.entries(ask.store, ids).values() if not each.active]


def _alerts(ask: Ask, case: str) -> dict[str, object]:
    state = ask.request.args.get("state", "")
    state = state if state in ("open", "acknowledged", "closed") else ""
    after = shown.spelled(ask.request.args.get("after", ""))
    found, more = desk_cases.alerts(ask.store, ask.sight, case, state, after, PAGE)
    return {
        "lines": shown.lines(ask, [Line(each.id, (each,)) for each in found], ""),
        "filter": state,
        "more": found[-1].id if more else "",
    }


def _movements(ask: Ask, case: str) -> dict[str, object]:
    keys = desk_cases.addresses(ask.store, ask.sight, case)
    before = _number(ask.request.args.get("before", ""))
    ids = desk_cases.movements(ask.store, keys, before, PAGE)
    rows = _rows(ask, ask.views.rows(ids[:PAGE]))
    return {"rows": rows, "older": ids[PAGE - 1] if len(ids) > PAGE else 0}


def _rows(ask: Ask, views: Sequence[TransferView]) -> list[Movement]:
    names = names_for(ask.store, ask.settings, ask.sight)
    ends: dict[str, set[str]] = {}
    for view in views:
        ends.setdefault(view.row.transfer.chain, set()).update(view.row.transfer.parties())
    parties = {key: names.of(key, each) for key, each in ends.items()}
    found = []
    for view in views:
        moved = view.row.transfer
        chain, known = ask.settings.chains.get(moved.chain), parties[moved.chain]
        sender = known_side(chain, moved.sender, moved.kind, known.get(moved.sender or ""))
        to = known_side(chain, moved.recipient, moved.kind, known.get(moved.recipient or ""))
        name = chain_said(ask.settings, moved.chain)
        found.append(Movement(view, name, sender, to, _amount(view, known=chain is not None)))
    return found


def _amount(view: TransferView, *, known: bool) -> str:
    """`known`: whether its chain is configured."""
    moved = view.row.transfer
    if known or view.decimals is not None:
        return quantity(view, moved.amount)
    what = moved.contract or f"the coin of {moved.chain}"
    return raw_units(moved.amount, tidy(what, 120))


# -- what is done ------------------------------------------------------------------------

_ACTS = ("note", "follow", "clock", "met", "stop", "member", "leave", *changes.CHANGES)


def do(ask: Ask, case: str) -> Response:
    """POST /c/CASE, with the act in the form."""
    _known(ask, case)
    act = ask.field("act", 20)
    if act not in _ACTS:
        raise Gone
    if act in ("member", "leave", *changes.CHANGES) and not ask.signed.may(Right.LEAD):
        raise Wrong("Only a lead does this.")
    return ask.go(f"{path_of(case)}{_tab_of(act)}", carried_out(lambda: _act(ask, case, act)))


def _tab_of(act: str) -> str:
    return {"note": "?tab=notes", "member": "?tab=members", "leave": "?tab=members"}.get(act, "")


def _act(ask: Ask, case: str, act: str) -> str:
    store, actor, web, now = ask.writer, ask.actor, ask.settings.web, ask.now
    why = ask.field("why", LONGEST)
    if act == "note":
        once = ask.field("once", 64) or secrets.token_hex(8)
        work.note(store, actor, case, None, why, now, once, ask.field("corrects", 40) or None)
        return "Noted."
    if act == "follow":
        return money.asked_for(ask, case, why)
    if act == "clock":
        rule = ask.field("rule", 40)
        if rule not in web.clocks or web.clocks[rule].confidential:
            raise Wrong("Choose which clock is started.")
        return started(ask, case, rule, why)
    if act in ("met", "stop"):
        mine = {each.id for each in people.clocks(ask.store, ask.sight, case=case)}
        if (clock := ask.field("clock", 40)) not in mine:
            raise Gone
        work.end_clock(store, actor, clock, act == "met", why, now)
        return "The clock was met." if act == "met" else "The clock is stopped."
    if act in ("member", "leave"):
        name = ask.field("person", 80)
        work.set_member(store, actor, case, name, act == "member", why, now)
        return f"{name} may see it." if act == "member" else f"{name} may see it no longer."
    return changes.change(store, actor, act, case, why, ask.settings.retention_years, now)
