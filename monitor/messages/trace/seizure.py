"""`fundwatch seizure` as a table for people, JSON lines and CSV: where traced value rests now, who
could act, what ended where, what is held."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from monitor.messages.objects import json_text
from monitor.messages.spreadsheet import csv_line
from monitor.messages.trace import asking, objects
from monitor.messages.trace.seizing import Added, Place, Where, nobody, places, sums
from monitor.messages.trace.words import (
    METHOD,
    Page,
    asset_said,
    bare,
    by_rule,
    counted,
    detail_said,
    exact,
    minute,
    names_said,
    read_said,
    state_said,
    sum_said,
    usd_said,
    worth_said,
)
from monitor.model.flow import CONSERVING, METHODS
from monitor.model.plain import case_said, duration, quoted, rfc3339, tidy, utc
from monitor.model.trace import Beside, HeldFunds, OnChain, Sum, Told, Trace

Object = dict[str, Any]  # JSON

_HEADS = {
    Where.RESTS: "RESTS: followed, and not moved on as far as is read",
    Where.WAITS: "ARRIVED, NOT READ YET: it may have moved on",
    Where.NOT_FOLLOWED: "ARRIVED, NOT FOLLOWED: it may have moved on",
    Where.ENDED: "ENDED: in hands in which it cannot be followed",
}
_MOST = 120  # columns, also in a file
_OLD = 3600  # seconds after which it is said how old a reading is


# --- for people -------------------------------------------------------------------------------


def table(told: Told, page: Page, head: Sequence[str] = ()) -> Iterator[str]:
    """`head`: which state of the trace it is, and what else a page begins with."""
    trace, found = told.trace, places(told.trace, page)
    yield f"Case {case_said(trace.case)}: where traced funds are, and who could act"
    for text in (*head, _method(trace)):
        yield from _text(text, page)
    added = sums(found)
    if not found:
        yield ""
        yield "Nothing is traced to any other address yet."
    for kind in Where:
        mine = [place for place in found if place.where is kind]
        if mine:
            yield ""
            yield _HEADS[kind]
            yield from (line for each in added if each.where is kind for line in _sum(each, page))
        for number, place in enumerate(mine, 1):
            yield ""
            yield from _place(number, place, told.at, page)
    yield ""
    yield from _held(trace, page)
    yield "WHOM TO ASK (Fundwatch sends nothing)"
    for ask in asking.asks(trace, found, page, state_line(told)):
        yield ask.text
        yield ""


def state_line(told: Told) -> str:
    """ "State 7 of 2026-11-28 22:03:43 UTC (sha256 3f2a9c01b2d4e5f6)"."""
    return f"State {told.number} of {utc(told.at)} (sha256 {told.sha256[:16]})"


def _text(text: str, page: Page, indent: int = 0, hang: int = 0) -> list[str]:
    return textwrap.wrap(
        text,
        max(min(page.columns, _MOST), 40),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hang),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _method(trace: Trace) -> str:
    if not trace.method:
        return "Nobody has chosen a method: sums are ranges over all methods that conserve."
    return f"Sums are traced by {METHOD[trace.method]}; other methods stand beside."


def _sum(added: Added, page: Page) -> Iterator[str]:
    if added.asset is not None:
        said = sum_said(Sum(added.asset, added.amount), page)
        where = f"{page.chain(added.asset.chain)}, {counted(added.places, 'address', 'addresses')}"
        yield from _text(f"{where}: {said}", page, 2, 2)
        return
    left = f"; {counted(added.unpriced, 'place')} without a price" if added.unpriced else ""
    yield from _text(f"all: worth {usd_said(added.amount, page)}{left}", page, 2, 2)


def _place(number: int, place: Place, at: int, page: Page) -> Iterator[str]:
    node, asset = place.node, place.asset
    yield f"{number:>3}  {page.place(node.subject)}"
    by_method = ", ".join(
        f"{METHOD[m]} {by_rule(m, asset, place.held.amount.get(m, 0))}" for m in METHODS
    )
    said = [
        f"{sum_said(place.held, page)}; {worth_said(place.held, page)}",
        f"by method, in {asset_said(asset)}: {by_method}",
        *_bounds(place),
        _on_chain(place),
        f"{state_said(node)}; arrived {minute(node.first_traced)}, last movement "
        f"{minute(place.since)}",
        detail_said(node),
        _read(place, at),
        names_said(node),
        f"could act: {_actors(place)}",
        f"way: {place.way}" if place.way else "",
    ]
    yield from (line for text in filter(None, said) for line in _text(text, page, 5, 2))


def _bounds(place: Place) -> Iterator[str]:
    bounds = None if place.node.complete else place.held.bounds
    if bounds:
        said = (
            f"{METHOD[m]} {' to '.join(bare(place.asset, units) for units in bounds[m])}"
            for m in CONSERVING
            if m in bounds
        )
        yield f"bounds, as not all is read: {', '.join(said)}"


def _on_chain(place: Place) -> str:
    said = place.on_chain
    if said is None:
        return "on the chain: nobody was asked for a balance"
    if said.amount is None:
        return f"on the chain: not known ({tidy(said.why, 200) or 'nobody could say'})"
    text = f"on the chain: {exact(place.asset, said.amount)} at {utc(said.time)}"
    text += f" by {tidy(said.source, 40)}" if said.source else ""
    if place.less(place.held.amount):
        text += ". LESS THAN IS TRACED by a method: it moved since, or is not all read"
    return text


def _read(place: Place, at: int) -> str:
    """How far it was read; how old that was where it is not of the last hour."""
    node = place.node
    said = read_said(node)
    if node.complete and not said and place.where is not Where.RESTS:
        return ""
    age = at - node.covered_to if node.covered_to is not None else 0
    old = f", {duration(age)} before this state" if age > _OLD else ""
    return f"{said}{old}" if said else "not known up to when it was read"


def _actors(place: Place) -> str:
    if not place.actors:
        return nobody(place)
    return ", ".join(f"{actor.name} ({actor.role}, by {actor.by})" for actor in place.actors)


def _held(trace: Trace, page: Page) -> Iterator[str]:
    held = (trace.beside or Beside()).held
    if not held:
        return
    yield "HELD: must not move"
    for each in held:
        by = f" by {tidy(each.holder, 60)}" if each.holder else ""
        label = f" {quoted(each.label, 60)}" if each.label else ""
        yield f"  {page.place(each.subject)}{label}"
        yield from _text(f"{each.held}{by}; {expected(each)}", page, 5, 2)
    yield ""


def expected(each: HeldFunds) -> str:
    """What has to be there of held funds, and what is."""
    if not each.asset:
        return "no amount is expected"
    name = tidy(each.asset, 60)
    if each.found is None:
        return f"expected {each.wanted} {name}; found: not known ({tidy(each.why, 200)})"
    when = f" at {utc(each.time)}" if each.time is not None else ""
    by = f" by {tidy(each.by, 60)}" if each.by else ""
    return f"expected {each.wanted} {name}, found {each.found}{when}{by}"


# --- for programs -----------------------------------------------------------------------------


def jsonl(told: Told, page: Page) -> Iterator[str]:
    """One object a line: the state, places, sums, held entries, what to ask."""
    yield from map(json_text, _objects(told, page))


def _objects(told: Told, page: Page) -> Iterator[Object]:
    trace, found = told.trace, places(told.trace, page)
    state = {"number": told.number, "at": rfc3339(told.at), "sha256": told.sha256}
    yield {"type": "state", "case": trace.case, "method": trace.method or None, **state}
    yield from map(_place_object, found)
    yield from map(_sum_object, sums(found))
    yield from map(_held_object, (trace.beside or Beside()).held)
    for ask in asking.asks(trace, found, page, state_line(told)):
        kind = "draft" if ask.is_draft else "note"
        yield {"type": kind, "to": ask.to or None, "text": ask.text}


def _place_object(place: Place) -> Object:
    node = objects.node_object(place.node)
    kept = ("chain", "address", "hop", "state", "stop", "label", "other_labels", "first_traced")
    told = ("complete", "unread", "read_to")
    held = next(each for each in node["holds"] if each["asset"] == _asset(place))
    return {
        "type": "place",
        "where": place.where.value,
        **{key: node[key] for key in kept},
        "since": rfc3339(place.since),
        **{key: node[key] for key in told},
        **held,
        "on_chain": _chain_object(place.on_chain),
        "could_act": [{"role": a.role, "name": a.name, "by": a.by} for a in place.actors],
        "path": place.way or None,
    }


def _asset(place: Place) -> Object:
    return objects.asset_object(place.asset)


def _chain_object(said: OnChain | None) -> Object | None:
    if said is None:
        return None
    return {
        "amount": None if said.amount is None else str(said.amount),
        "time": rfc3339(said.time),
        "height": said.height,
        "source": said.source or None,
        "why": tidy(said.why, 200) or None,
    }


def _sum_object(added: Added) -> Object:
    said = str if added.asset is not None else objects.usd_text
    return {
        "type": "sum",
        "where": added.where.value,
        "chain": added.asset.chain if added.asset is not None else None,
        "asset": objects.asset_object(added.asset) if added.asset is not None else None,
        "amount": {m: said(added.amount[m]) for m in METHODS},
        "places": added.places,
        "unpriced": added.unpriced,
    }


def _held_object(each: HeldFunds) -> Object:
    return {
        "type": "held",
        "chain": each.subject.chain,
        "address": each.subject.address,
        "label": tidy(each.label, 200) or None,
        "held": each.held,
        "holder": tidy(each.holder, 200) or None,
        "asset": each.asset or None,
        "expected": each.wanted or None,
        "found": each.found,
        "time": rfc3339(each.time),
        "by": each.by or None,
        "why": tidy(each.why, 200) or None,
    }


COLUMNS = (
    *(
        "case",
        "trace_state",
        "where",
        "state",
        "reason",
        "confirmed",
        "chain",
        "address",
        "hop",
        "symbol",
    ),
    *("contract", "decimals", *METHODS, *(f"usd_{method}" for method in METHODS), "usd_day"),
    *("on_chain", "on_chain_time", "on_chain_source", "first_traced", "since", "complete"),
    *("read_to", "unread", "label", "category", "label_source", "label_date", "could_act", "path"),
    *("held", "holder", "expected", "found"),
)


def csv(told: Told, page: Page) -> Iterator[str]:
    """One line for each place, then one for each held entry (RFC 4180, header first). Amounts are
    in base units; what a spreadsheet would take for a formula has an apostrophe before it."""
    yield csv_line(COLUMNS)
    rows: Iterable[Object] = (
        *(_cells(each) for each in map(_place_object, places(told.trace, page))),
        *(_held_cells(each) for each in map(_held_object, (told.trace.beside or Beside()).held)),
    )
    for row in rows:
        named = {"case": told.trace.case, "trace_state": told.number, **row}
        yield csv_line(named.get(column) for column in COLUMNS)


def _cells(shown: Object) -> Object:
    stop, label, chain = shown["stop"] or {}, shown["label"] or {}, shown["on_chain"] or {}
    dollars = {f"usd_{method}": usd for method, usd in (shown["usd"] or {}).items()}
    return {
        **{key: shown[key] for key in COLUMNS if key in shown and key != "label"},
        **shown["asset"],
        **shown["amount"],
        **dollars,
        "reason": stop.get("reason"),
        "confirmed": stop.get("confirmed"),
        "on_chain": chain.get("amount"),
        "on_chain_time": chain.get("time"),
        "on_chain_source": chain.get("source"),
        "unread": "; ".join(shown["unread"]),
        "label": label.get("name"),
        "category": label.get("category"),
        "label_source": label.get("source"),
        "label_date": label.get("date"),
        "could_act": "; ".join(f"{a['name']} ({a['role']})" for a in shown["could_act"]),
    }


def _held_cells(shown: Object) -> Object:
    same = ("chain", "address", "label", "held", "holder", "expected", "found")
    told = {"where": "held", "symbol": shown["asset"]}
    return {**{key: shown[key] for key in same}, **told, "on_chain_time": shown["time"]}
