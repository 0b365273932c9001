"""What people want that the program carries out: it changes files, or needs the daemon. Each makes
a proposal with the text that is agreed to; `carrying` does it once it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from monitor.loops import erasing
from monitor.loops.desk.proposing import Wish, propose
from monitor.loops.desk.said import reason, wrong
from monitor.model.acts import Actor
from monitor.model.desk import DeskSettings
from monitor.model.desk_work import Proposal
from monitor.model.plain import case_said, quoted, tidy
from monitor.store import logbook, watch
from monitor.store.port import Store
from monitor.watchlist.addressbook import CATEGORIES

RETIRE, OF_LIST, INSIST = "retire", "retire_of_list", "insist_of_list"
SHRUNK, ERASE, WATCH, NAME = "accept_shrunk", "erase", "watch", "name"
TEST, NOT_FOR_US = "test_channel", "not_for_us"
_OF_LIST: Mapping[str, str] = {
    OF_LIST: "End the watch of {}",
    INSIST: "Against the rule that refuses it, watch {}",
    NOT_FOR_US: "Do not watch {}, which is not watched now,",
}
# Of a proposal to watch an address: the lines of a watchlist that may be given.
LINES = ("address", "chain", "label", "case", "reason", "source", "severity", "since")


def retire(
    store: Store, settings: DeskSettings, actor: Actor, entry: str, why: str, now: int, once: str
) -> Proposal:
    """End the watch of an entry."""
    why = reason(why)

    def ask() -> Wish:
        found = watch.named(store, [entry])
        if not found:
            raise wrong("entry", entry, "is not on the watchlist", "Open its case again")
        if found[0].origin is not None:
            remedy = "End the watch of its address on that list instead"
            raise wrong("entry", entry, f"comes of list {found[0].origin.list}", remedy)
        subject, label = found[0].subject, found[0].label
        text = (
            f"End the watch of {entry}{f' {quoted(label)}' if label else ''}, {subject.chain} "
            f"{subject.address}. What was recorded stays; nothing new is told of it.\nWhy: {why}"
        )
        return Wish(RETIRE, found[0].case, {"entry": entry, "why": why}, text, why, once)

    return propose(store, settings, actor, ask, now)


def of_list(
    store: Store,
    settings: DeskSettings,
    actor: Actor,
    kind: str,
    name: str,
    address: str,
    why: str,
    now: int,
    once: str,
    case: str = "",
) -> Proposal:
    """`kind`: OF_LIST ends the watch of an address of a published list, INSIST watches one against
    the rule that refuses it, NOT_FOR_US (which needs nobody else) lets one that is not watched stay
    so. `case`: whose people alone may know of the list (ListConfig.private_to)."""
    why, name, address = reason(why), tidy(name, 80), tidy(address, 200)
    text = f"{_OF_LIST[kind].format(address)} of list {name}.\nWhy: {why}"
    args = {"list": name, "address": address, "why": why}
    wish = Wish(kind, case, args, text, why, once, weighty=kind != NOT_FOR_US)
    return propose(store, settings, actor, lambda: wish, now)


def accept_shrunk(
    store: Store,
    settings: DeskSettings,
    actor: Actor,
    lists: tuple[Sequence[str], str],
    why: str,
    now: int,
    once: str,
    case: str = "",
) -> Proposal:
    """Take a version of published lists that lost more rows than their rule allows. `lists`: their
    names, none for all, and the file to take it from, or "". `case`: as in `of_list`."""
    why = reason(why)
    names, file = lists
    named = ", ".join(tidy(each, 80) for each in names) or "all lists"
    named += f" from {tidy(file, 400)}" if file else ""
    text = f"Take the present version of {named}, although it has lost many rows.\nWhy: {why}"
    wish = Wish(SHRUNK, case, {"lists": [*names], "file": file, "why": why}, text, why, once)
    return propose(store, settings, actor, lambda: wish, now)


def erase(
    store: Store, settings: DeskSettings, actor: Actor, number: int, why: str, now: int, once: str
) -> Proposal:
    """Confirm what somebody asked to erase: row `number` of the log. The text that is agreed to
    names rows alone, for it stays."""
    why = reason(why)
    asked, rows = erasing.asked_for(store, number)
    by, rule = str(asked["name"]), str(asked["rule"])
    text = (
        f"Erase the text of {erasing.rows_said(rows)}, as {tidy(by, 80)} asks under {quoted(rule)} "
        f"(number {number}). It cannot be brought back; hashes stay.\nWhy: {why}"
    )
    args = {"number": number, "why": why, "asked_by": by}
    wish = Wish(ERASE, _one_case(store, rows), args, text, why, once)
    return propose(store, settings, actor, lambda: wish, now)


def _one_case(store: Store, rows: Sequence[int]) -> str:
    """The case that all of these rows of the log are about; "": none, or several."""
    about = {*logbook.cases_of(store, rows).values()}
    cases = about.pop() if len(about) == 1 else frozenset()
    return next(iter(cases)) if len(cases) == 1 else ""


def add_watch(
    store: Store,
    settings: DeskSettings,
    actor: Actor,
    lines: Mapping[str, str],
    why: str,
    now: int,
    once: str,
) -> Proposal:
    """Watch an address: needs nobody else. `lines`: of the watchlist (LINES)."""
    why = reason(why)
    kept = {name: tidy(lines[name], 400) for name in LINES if lines.get(name, "").strip()}
    if not kept.get("address") or not kept.get("chain"):
        raise wrong("address", "", "or its chain is missing", "Give both")
    case = kept.get("case", "")
    about = f", case {case_said(case)}" if case else ""
    text = f"Watch {kept['address']} on {kept['chain']}{about}.\nWhy: {why}"
    wish = Wish(WATCH, case, {"lines": kept, "why": why}, text, why, once, weighty=False)
    return propose(store, settings, actor, lambda: wish, now)


def name(
    store: Store,
    settings: DeskSettings,
    actor: Actor,
    subject: tuple[str, str],
    said: Mapping[str, str],
    why: str,
    now: int,
    once: str,
) -> Proposal:
    """Name an address in the address book: needs nobody else. `subject`: chain and address; `said`:
    label, category, source and date, of which source and date must be there."""
    why = reason(why)
    kept = {key: tidy(said.get(key, ""), 200) for key in ("label", "category", "source", "date")}
    for key in ("label", "source", "date"):
        if not kept[key]:
            raise wrong(key, "", "is missing", "A name needs who says so, and when they did")
    if kept["category"] not in ("", *CATEGORIES):
        raise wrong("category", kept["category"], "is none", f"One of {', '.join(CATEGORIES)}")
    if not _is_day(kept["date"]):
        raise wrong("date", kept["date"], "is no day", "Write it like 2026-11-29")
    chain, address = subject
    text = (
        f"Name {address} on {chain}: {quoted(kept['label'])}, {kept['category'] or 'other'}, by "
        f"{kept['source']} of {kept['date']}.\nWhy: {why}"
    )
    args = {"chain": chain, "address": address, "said": kept, "why": why}
    wish = Wish(NAME, "", args, text, why, once, weighty=False)
    return propose(store, settings, actor, lambda: wish, now)


def test_channel(
    store: Store, settings: DeskSettings, actor: Actor, channel: str, now: int, once: str
) -> Proposal:
    """Send a test message over a channel: needs nobody else."""
    text = f"Send a test message over channel {tidy(channel, 80)} to everybody that it names."
    wish = Wish(TEST, "", {"channel": channel}, text, "", once, weighty=False)
    return propose(store, settings, actor, lambda: wish, now)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
