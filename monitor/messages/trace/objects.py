"""A trace as JSON lines: nodes, edges, totals. Names and meanings are a contract (docs/tracing.md).

Amounts are whole base units and USD dollars, both as decimal strings; times are RFC 3339 UTC. The
same trace gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monitor.messages.objects import json_text
from monitor.model.flow import METHODS
from monitor.model.plain import MAX_DECIMALS, clean, rfc3339, tidy
from monitor.model.trace import USD_UNIT, Edge, Name, Node, Sum, Total, Trace, TracedAsset

Object = dict[str, Any]  # JSON


def lines(trace: Trace) -> Iterator[str]:
    """One object a line: every node by hop and value, every edge in time, every total."""
    yield from (json_text(node_object(node)) for node in trace.nodes)
    yield from (json_text(edge_object(edge)) for edge in trace.edges)
    yield from (json_text(total_object(total)) for total in trace.totals)


def usd_text(millionths: int) -> str:
    """Dollars, exact: "1234.5"."""
    sign = "-" if millionths < 0 else ""
    whole, rest = divmod(abs(millionths), USD_UNIT)
    return f"{sign}{whole}.{rest:06d}".rstrip("0").rstrip(".")


def node_object(node: Node) -> Object:
    stop, bounds = node.stop, None if node.complete else node.bounds
    return {
        "type": "node",
        "chain": node.subject.chain,
        "address": node.subject.address,
        "hop": node.hop,
        "state": node.state.value,
        "stop": stop
        and {"reason": stop.reason, "detail": tidy(stop.detail, 400), "confirmed": stop.confirmed},
        "label": _label(node.names[0]) if node.names else None,
        "other_labels": [_label(name) for name in node.names[1:]],
        "first_traced": rfc3339(node.first_traced),
        "last_moved": rfc3339(node.last_moved),
        "complete": node.complete,
        "unread": [tidy(each, 400) for each in node.unread],
        "read_to": rfc3339(node.covered_to),
        "received": [_sum(each) for each in node.received],
        "left": [_sum(each) for each in node.left],
        "holds": [_held(each, complete=node.complete) for each in node.holds],
        "bounds": _bounds(bounds),
    }


def _label(name: Name) -> dict[str, str | None]:
    return {
        "name": tidy(name.name, 100),
        "category": name.category or None,
        "source": tidy(name.source, 100) or None,
        "date": tidy(name.date, 20) or None,
        "confidence": name.confidence or None,
    }


def asset_object(asset: TracedAsset) -> Object:
    """`contract` null: the coin of its chain. A name that a contract gives itself is made
    harmless."""
    known = asset.decimals is not None and 0 <= asset.decimals <= MAX_DECIMALS
    return {
        "contract": asset.contract or None,
        "symbol": (asset.symbol if asset.verified else clean(asset.symbol)) or None,
        "decimals": asset.decimals if known else None,
        "verified": asset.verified,
    }


def _sum(each: Sum) -> Object:
    shown = {
        "asset": asset_object(each.asset),
        "amount": _amounts(each.amount),
        "usd": _dollars(each.usd),
    }
    if len(each.by_source) > 1:
        by_source = sorted(each.by_source.items())
        shown["by_source"] = {source: _amounts(amount) for source, amount in by_source}
    return shown


def _held(each: Sum, *, complete: bool) -> Object:
    """What rests is worth what it is worth now, as far as prices on record say."""
    newest = {"usd": _dollars(each.newest_usd), "usd_day": each.newest_day or None}
    bounds = None if complete else each.bounds
    return _sum(each) | newest | {"bounds": _bounds(bounds)}


def edge_object(edge: Edge) -> Object:
    shown = {
        "type": "edge",
        "chain": edge.chain,
        "tx": edge.tx,
        "leg": edge.leg,
        "kind": edge.kind,
        "from": edge.sender,
        "to": edge.recipient,
        "asset": asset_object(edge.asset),
        "amount": str(edge.amount),
        "time": rfc3339(edge.time),
        "hop": edge.hop,
        "traced": _amounts(edge.traced),
        "usd": _dollars(edge.usd),
        "via": edge.via,
    }
    if edge.got is None:
        return shown
    amount = None if edge.got_amount is None else str(edge.got_amount)
    came = {"chain": edge.to_chain or edge.chain, "amount": amount}
    return shown | {
        "got": came | {"asset": asset_object(edge.got.asset), "traced": _amounts(edge.got.amount)}
    }


def total_object(total: Total) -> Object:
    said = str if total.asset is not None else usd_text
    figures = ("out_of_sources", "converted_in", "converted_out", "fees", "resting")
    return {
        "type": "total",
        "chain": total.asset.chain if total.asset else None,
        "asset": asset_object(total.asset) if total.asset else None,
        "method": total.method,
        **{name: said(getattr(total, name)) for name in figures},
        "ended": {reason: said(units) for reason, units in sorted(total.ended.items())},
        "unfollowed": said(total.unfollowed),
        "ties": total.ties and {order: said(units) for order, units in sorted(total.ties.items())},
        "difference": said(total.difference),
    }


def in_order(methods: Mapping[str, Any]) -> Sequence[str]:
    """The methods that a figure has, in the order in which they always stand."""
    return [method for method in METHODS if method in methods]


def _amounts(figures: Mapping[str, int]) -> dict[str, str]:
    return {method: str(figures[method]) for method in in_order(figures)}


def _dollars(figures: Mapping[str, int] | None) -> dict[str, str] | None:
    if figures is None:
        return None
    return {method: usd_text(figures[method]) for method in in_order(figures)}


def _bounds(bounds: Mapping[str, tuple[int, int]] | None) -> dict[str, list[str]] | None:
    if bounds is None:
        return None
    return {method: list(map(str, bounds[method])) for method in in_order(bounds)}
