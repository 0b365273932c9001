"""The summary of what happened before watching began."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.chains.table import family_of
from monitor.messages.sheets import about, acts, listed, to_do
from monitor.messages.sheets.alert import rows_section, subject_tail
from monitor.messages.sheets.balance import on_chain
from monitor.messages.sheets.parts import (
    Item,
    Section,
    Sheet,
    Table,
    Telling,
    figure_of,
    section,
    sections,
    shown_address,
    topic,
)
from monitor.messages.sheets.say import owner
from monitor.messages.spreadsheet import csv_rows
from monitor.model import AlertView, TransferView
from monitor.model.facts import AssetSum, History, of_kind
from monitor.model.plain import amount, plural, tidy, unverified, utc

_HELD = "What came in minus what went out{}, by our record{}"


def history_sheet(view: AlertView, telling: Telling) -> Sheet:
    """What first contact brought: sums, what is left of it, and the last 30 days row by row."""
    fact = of_kind(view.alert.facts, History)
    count = fact.count
    table = "".join(
        csv_rows(view.transfers, telling.among({view.entry.case} if view.entry else ()))
    )
    done = acts.deeds(view)
    moved = [row for row in view.transfers if row not in done]
    recent = rows_section(view, telling, moved, "LAST 30 DAYS", dated=True) if moved else None
    return Sheet(
        banner=view.alert.severity.value.upper(),
        severity=view.alert.severity,
        topic=topic(f"HISTORY {plural(count, 'movement')}", *subject_tail(view), view.alert.id),
        headline=listed.begun(view, _headline(view, fact, count)),
        lead=(alarm_words(alarming=fact.alarming), *listed.late([view], telling.now)),
        sections=sections(
            to_do.to_do_section(view, telling),
            section("TOTALS", _sums(view, fact)) if fact.by_asset else None,
            _balance(view, fact),
            section("PERIOD", _period(fact)),
            rows_section(view, telling, done, "WHAT ISSUERS DID", dated=True) if done else None,
            recent,
            section("READ", *_read(fact)),
            about.who_section(view, address=True),
            listed.also_section(view),
            about.unchecked_section([view]),
            about.id_section(view, telling, "a summary; each movement is in the record"),
        ),
        footer=about.INTERNAL,
        table=table if view.transfers else "",
    )


def alarm_words(*, alarming: bool) -> str:
    if alarming:
        return "ATTENTION: funds moved in the 72 hours before watching began."
    return "This is history, not news: nothing here happened after watching began."


def _headline(view: AlertView, fact: History, count: int) -> str:
    who = owner(view.entry, listed.also(view))
    if not count:
        return f"Watching began: {who} has no earlier movements in our record."
    last = f", the last on {utc(fact.last)[:10]}" if fact.last is not None else ""
    held = [said for each in fact.by_asset if (said := _left(view, each))]
    left = f"; {' and '.join(held[:2])} left" if held else ""
    moved = f"{plural(count, 'earlier movement')} in our record"
    began = f"Watching began: {who} has {moved}{last}{left}."
    return " ".join((began, *_stands(view)))


def _stands(view: AlertView) -> Iterable[str]:
    """What an issuer did last about each token, with its day."""
    newest: dict[str | None, TransferView] = {}
    for row in sorted(acts.deeds(view), key=lambda row: row.row.transfer.time or 0):
        newest[row.row.transfer.contract] = row
    for row in newest.values():
        yield f"{acts.sentence(row).rstrip('.')} on {utc(row.row.transfer.time)[:10]}."


def _period(fact: History) -> Item | None:
    ends = [fact.first, fact.last]
    return None if None in ends else Item(" to ".join(dict.fromkeys(utc(end) for end in ends)))


def _read(fact: History) -> Iterable[Item]:
    """What was read of which list; lists of which the same is true stand in one line."""
    lists: dict[str, list[str]] = {}
    for text in fact.covered:
        name, _, so = tidy(text, 300).rpartition(": ")
        lists.setdefault(so, []).append(name)
    for so, names in lists.items():
        yield Item(": ".join(part for part in ("; ".join(names), so) if part))


def _sums(view: AlertView, fact: History) -> Table:
    rows = []
    for each in fact.by_asset:
        shown = (_said(each, units) for units in (each.went, each.came))
        rows.append((_name(view, each), *shown))
    return Table(("asset", "out", "in"), tuple(rows))


def _said(each: AssetSum, units: int) -> str:
    return figure_of(units, _decimals(each), each.symbol) if units else "0"


def _own(each: AssetSum) -> bool:
    return not each.contract or each.verified


def _decimals(each: AssetSum) -> int | None:
    return each.decimals if _own(each) else None


def _name(view: AlertView, each: AssetSum) -> str:
    if _own(each):
        return tidy(each.symbol, 32)
    address = shown_address(view.chain, each.contract or "")
    return f"{unverified('token', each.symbol)} {address}"


# --- what is left --------------------------------------------------------------------------


def _balance(view: AlertView, fact: History) -> Section | None:
    """By our record, and what the chain says where it was asked since."""
    chain = [item for held in view.held if (item := on_chain(held))]
    if not fact.by_asset:
        return section("BALANCE", *chain)
    if view.entry is None or view.entry.since != "first":
        since = tidy(view.entry.since, 40) if view.entry else "a later day"
        return section("BALANCE", Item(f"Unknown: the history is read from {since} on."), *chain)
    items = list(_exact(fact))
    fees = "" if _atomic(view) else ", without fees"
    asked = "." if chain else "; not asked from the chain."
    note = Item(_HELD.format(fees, asked), style="note") if items else None
    return section("BALANCE", *items, note, *chain)


def _atomic(view: AlertView) -> bool:
    return view.chain is not None and family_of(view.chain).atomic


def _exact(fact: History) -> Iterable[Item]:
    for each in fact.by_asset:
        if _own(each):
            held = _held(each)
            said = "unknown: more went out than came in" if held is None else ""
            name = tidy(each.symbol, 32)
            yield Item(
                f"{name}: {said}" if said else f"{amount(held or 0, _decimals(each))} {name}"
            )


def _held(each: AssetSum) -> int | None:
    """In minus out, where it makes sense."""
    return each.came - each.went if each.came >= each.went else None


def _left(view: AlertView, each: AssetSum) -> str:
    """What is left of one asset, as a person says it; empty where that is not known, as of
    a coin that also paid the fees."""
    whole = view.entry is not None and view.entry.since == "first"
    known = whole and _own(each) and (_atomic(view) or bool(each.contract))
    held = _held(each) if known else None
    if not held:
        return ""
    return f"{_said(each, held)} {tidy(each.symbol, 32)}"
