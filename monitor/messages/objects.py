"""The outward form of transfers and alerts: JSON objects and CSV rows that others build on.

Field names and values are a contract (docs/webhook.schema.json). Amounts are decimal
strings in base units, times RFC 3339 UTC or null; nothing is ever a float.

`allowed` names the cases whose labels the reader may see; None means all. An entry of
another case stays visible as a watched address, without its id, label and case.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from monitor.decide import worth
from monitor.messages import balances
from monitor.messages.traced import traced_object
from monitor.model import AlertKind, AlertView, Entry, Kind, Known, Origin, Subject, TransferView
from monitor.model.clock_json import clock_object
from monitor.model.facts import ClockDue, HeldFunds, Movement, OnList, Touched, Unexplained, of_kind
from monitor.model.plain import MAX_DECIMALS, clean, rfc3339, tidy, without_addresses
from monitor.model.traced import Traced

BODY_TYPE = "fundwatch.alerts.v1"
# Of one webhook message: alerts, and bytes, which many servers take no more of.
MAX_ALERTS = 500
MAX_BODY = 1_040_000
MAX_ROWS_SIZE = 200_000  # bytes of the transfers of one alert in it
MAX_ENTRIES = 20  # of lists on one address: they may name it under any number of entities
FLOOD = 100  # alerts in a body; more of them are told without the rows of their fees

Allowed = Collection[str] | None


def transfer_object(view: TransferView, allowed: Allowed = None) -> dict[str, Any]:
    """One transfer as `transfers --format jsonl` and webhooks show it."""
    transfer, row = view.row.transfer, view.row
    entries = _few(view.entries)
    left = len(view.entries) - len(entries)
    shown = {
        "chain": transfer.chain,
        "tx": transfer.tx,
        "leg": transfer.leg,
        "kind": transfer.kind.value,
        "asset": _asset(view),
        "from": transfer.sender,
        "to": transfer.recipient,
        "amount": str(transfer.amount),
        "block_height": transfer.block_height,
        "block_hash": transfer.block_hash,
        "time": rfc3339(transfer.time),
        "status": row.status.value,
        "value": _value(view),
        "entries": [_party(entry, view.directions, allowed) for entry in entries],
        "sources": list(dict.fromkeys(name for name, _ in view.sources)),
        "first_seen": rfc3339(row.first_seen),
    }
    shown |= {"entries_left_out": left} if left > 0 else {}
    shown |= {"not_listed_by": [name for name, _ in view.unlisted]} if view.unlisted else {}
    return shown | ({"issuer": tidy(view.issuer, 40)} if view.issuer else {})


def _few(entries: Iterable[Entry]) -> list[Entry]:
    """All of persons, and of each address the first that come of lists."""
    kept, found = [], Counter[Subject]()
    for entry in entries:
        found[entry.subject] += entry.origin is not None
        if entry.origin is None or found[entry.subject] <= MAX_ENTRIES:
            kept.append(entry)
    return kept


def _value(view: TransferView) -> dict[str, object] | None:
    """The worth in USD by what is known now; None: not priced."""
    dollars, price = worth.of(view), view.price
    if dollars is None or price is None:
        return None
    return {
        "usd": f"{worth.cents(dollars):f}",
        "price": f"{price.usd:f}",
        "source": price.source,
        "price_time": rfc3339(price.at),
        "daily": price.daily,
    }


def _asset(view: TransferView) -> dict[str, object]:
    known = view.decimals is not None and 0 <= view.decimals <= MAX_DECIMALS
    return {
        "contract": view.row.transfer.contract,
        "symbol": (view.symbol if view.verified else clean(view.symbol)) or None,
        "decimals": view.decimals if known else None,
        "token_id": view.row.transfer.token_id,
        "verified": view.verified,
    }


def may_see(case: str, allowed: Allowed) -> bool:
    """Whether a reader who was told of these cases may see a label of this one."""
    return allowed is None or case in allowed


def _party(entry: Entry, directions: Mapping[str, str], allowed: Allowed) -> dict[str, object]:
    seen = may_see(entry.case, allowed)
    return {
        "id": entry.id if seen else None,
        "address": entry.subject.address,
        "label": entry.label if seen else None,
        "case": entry.case if seen else None,
        "direction": directions.get(entry.id),
    } | (_origin(entry.origin) if seen else {})


def _origin(origin: Origin | None) -> dict[str, object]:
    """Of an entry that comes of a published list: which of its rows, and since when."""
    return {} if origin is None else {"origin": _origin_object(origin)}


@lru_cache(4096)  # the same in all alerts of an address
def _origin_object(origin: Origin) -> Mapping[str, object]:
    return {
        "list": origin.list,
        "title": tidy(origin.title, 60),
        "entity": tidy(origin.entity, 80),
        "name": tidy(origin.name, 200),
        "programs": [tidy(each, 80) for each in origin.programs],
        "since": origin.since,
        "at_least": origin.at_least,
        "until": origin.until or None,
    }


def alert_object(view: AlertView, allowed: Allowed = None) -> dict[str, Any]:
    """One alert as `alerts --format jsonl` and webhooks show it.

    A notice has no chain facts and carries its news in `title`, which others do not have.
    The alert's own case counts as allowed: the reader is being told of it.
    """
    alert, entry = view.alert, view.entry
    seen = allowed if allowed is None or entry is None else {*allowed, entry.case}
    shown: dict[str, Any] = {
        "id": alert.id,
        "kind": alert.kind.value,
        "lane": alert.lane.value,
        "severity": alert.severity.value,
        "chain": alert.chain,
        "tx": alert.tx,
        "entry": _entry(entry, view) if entry else None,
        "direction": alert.direction.value if alert.direction else None,
        "transfers": [transfer_object(each, seen) for each in view.transfers],
        "names": {a: _name(k, seen) for a, k in view.names.items() if not k.ours},
        "amends": alert.amends,
        "created": rfc3339(alert.created),
        "state": view.state,
        "deliveries": [
            {"channel": each.channel, "state": each.state, "attempts": each.attempts}
            for each in view.deliveries
        ],
    }
    if lists := alert.facts.on_lists:
        shown["on_lists"] = [_on_list(each, view) for each in lists[:MAX_ENTRIES]]
        left = len(lists) - MAX_ENTRIES
        shown |= {"on_lists_left_out": left} if left > 0 else {}
    if view.again is not None:
        shown["after_restore"] = True
    if alert.facts.funds is not None:
        shown["held_funds"] = _funds(alert.facts.funds)
    if alert.facts.ours:
        shown["ours"] = [_touched(each) for each in alert.facts.ours]
    if success := of_kind(alert.facts, Movement).success:
        shown["success"] = success
    if held := of_kind(alert.facts, Movement).held:
        shown["balances"] = [balances.to_object(each) for each in held]
    if isinstance(alert.facts, Traced):
        shown["traced"] = traced_object(alert.facts)
    if view.holder:
        shown["holder"] = tidy(view.holder)
    if isinstance(alert.facts, ClockDue):
        shown["clock"] = _clock(alert.facts)
    if isinstance(alert.facts, Unexplained):
        shown["unexplained"] = _unexplained(alert.facts)
    return shown | ({"title": alert.title} if alert.kind is AlertKind.NOTICE else {})


def _clock(facts: ClockDue) -> dict[str, object]:
    texts = {name: tidy(str(value)) for name, value in clock_object(facts).items()}
    return {**texts, "id": texts.pop("clock"), "started": rfc3339(facts.started)}


def _unexplained(facts: Unexplained) -> dict[str, object]:
    return {
        "balance": balances.to_object(facts.held) if facts.held else None,
        "second": (facts.held.second or None) if facts.held else None,
        "amount": str(facts.amount),
        "since": rfc3339(facts.since_time),
        "asked": [tidy(each, 300) for each in facts.asked],
        "leads": [
            {
                "what": without_addresses(tidy(lead.what, 300)),
                "tx": lead.tx or None,
                "height": lead.height,
                "source": lead.source or None,
            }
            for lead in facts.leads
        ],
        "found": tidy(facts.found, 600) or None,
        "left": str(facts.left) if facts.found else None,
    }


def _funds(funds: HeldFunds) -> dict[str, object]:
    planned = funds.planned
    said = None
    if planned is not None:
        said = {
            "to": planned.to,
            "amount": planned.amount,
            "until": planned.until,
            "by": tidy(planned.by, 60),
            "why": tidy(planned.why, 200),
        }
    return {
        "state": funds.state,
        "holder": tidy(funds.holder, 120) or None,
        "expected": dict(funds.expected),
        "planned": said,
        "as_planned": funds.as_planned,
        "not_planned_because": funds.unlike or None,
    }


def _touched(each: Touched) -> dict[str, object]:
    return {
        "chain": each.chain,
        "tx": each.tx,
        "way": each.way,
        "watched": each.who,
        "list": each.list,
        "label": tidy(each.label, 80),
    }


def _name(known: Known, allowed: Allowed) -> dict[str, object]:
    """What is known of an address. Of an entry of another case only that it is watched."""
    hidden = known.watched and not may_see(known.case, allowed)
    return {
        "name": None if hidden else tidy(known.label, 80),
        "category": known.category or None,
        "source": tidy(known.source, 80) or None,
        "date": tidy(known.date, 20) or None,
        "confidence": known.confidence or None,
        "watched": known.watched,
        "shipped": known.shipped,
        "list": tidy(known.list or next(iter(known.also), ""), 60) or None,
    }


def _entry(entry: Entry, view: AlertView) -> dict[str, object]:
    then = (each.origin for each in view.alert.facts.on_lists if each.entry == entry.id)
    return {
        "id": entry.id,
        "address": entry.subject.address,
        "label": entry.label,
        "case": entry.case,
        **({"held": entry.held, "holder": tidy(entry.holder, 120) or None} if entry.held else {}),
    } | _origin(next(then, entry.origin))


def _on_list(each: OnList, view: AlertView) -> dict[str, object]:
    age = view.lists.get(each.origin.list)
    return {
        "entry": each.entry,
        "case": each.case,
        **_origin(each.origin),
        "version": {"day": each.day, "sha256": each.sha256} if each.sha256 else None,
        "list_day": age.day if age else None,
        "not_had_since": rfc3339(age.failing) if age else None,
    }


def reference_object(view: AlertView) -> dict[str, object]:
    """What a channel with `detail: reference` learns: that there is something to look up."""
    alert = view.alert
    return {
        "id": alert.id,
        "kind": alert.kind.value,
        "severity": alert.severity.value,
        "chain": alert.chain,
        "time": rfc3339(alert.created),
    }


def webhook_body(
    views: Sequence[AlertView],
    created: int,
    *,
    detail: str = "full",
    allowed: Allowed = None,
    passed_on: bool = False,
) -> dict[str, object]:
    """The body of one webhook message, valid under docs/webhook.schema.json.

    `passed_on`: because nobody acknowledged these alerts.
    Raises ValueError for more than MAX_ALERTS alerts: the caller splits them.
    """
    if len(views) > MAX_ALERTS:
        raise ValueError(f"{len(views)} alerts in one message, at most {MAX_ALERTS} are allowed")
    whole = detail == "full"
    fees = len(views) <= FLOOD
    alerts = [
        _bounded(alert_object(v, allowed), fees=fees) if whole else reference_object(v)
        for v in views
    ]
    data = {"alerts": alerts} | ({"passed_on": True} if passed_on else {})
    return {"type": BODY_TYPE, "timestamp": rfc3339(created), "data": data}


def _bounded(shown: dict[str, Any], *, fees: bool) -> dict[str, object]:
    """An alert with as many of its transfers as a body may hold, and the number of the others:
    `fundwatch transfers --tx` has them all."""
    room, kept = MAX_ROWS_SIZE, list[Any]()
    for transfer in shown["transfers"]:
        room -= len(json_text(transfer).encode())
        if room < 0:
            break
        kept.append(transfer)
    moved = [each for each in kept if not Kind(each["kind"]).fee]
    kept = kept if fees or not moved else moved
    left = len(shown["transfers"]) - len(kept)
    if not left:
        return shown
    parties = {party for each in kept for party in (each["from"], each["to"])}
    names = {address: name for address, name in shown["names"].items() if address in parties}
    return {**shown, "transfers": kept, "transfers_left_out": left, "names": names}


class Outlined(Protocol):
    """The least that can be said of an alert. `created`: Unix seconds."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def chain(self) -> str | None: ...
    @property
    def created(self) -> int: ...


def outline_body(outlines: Sequence[Outlined], created: int) -> dict[str, object]:
    """A body of alerts that could not be shown: each as `detail: reference` has it."""
    alerts = [
        {
            "id": each.id,
            "kind": each.kind,
            "severity": each.severity,
            "chain": each.chain,
            "time": rfc3339(each.created),
        }
        for each in outlines
    ]
    return {"type": BODY_TYPE, "timestamp": rfc3339(created), "data": {"alerts": alerts}}


def json_text(value: object) -> str:
    """Compact JSON that is valid UTF-8 whatever the chain put into it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8")
