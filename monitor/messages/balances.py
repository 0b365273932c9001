"""Balances held against the record, as JSON. Pure."""

from __future__ import annotations

from monitor.model.balance import COIN, Held
from monitor.model.plain import rfc3339


def to_object(held: Held) -> dict[str, object]:
    """One line of `fundwatch reconcile --format jsonl`; amounts are decimal texts in base units."""
    between = held.between
    return {
        "chain": held.subject.chain,
        "address": held.subject.address,
        "asset": {
            "contract": held.contract if held.contract != COIN else None,
            "symbol": held.symbol or None,
            "decimals": held.decimals,
        },
        "at": None
        if held.height is None
        else {"height": held.height, "time": None if held.time is None else rfc3339(held.time)},
        "recorded": _text(held.recorded),
        "on_chain": _text(held.on_chain),
        "difference": _text(held.difference),
        "state": held.state.value,
        "reason": "; ".join(held.reason.splitlines()) or None,
        "between": None if between is None else {"from": between.lo, "to": between.hi},
        "source": held.source or None,
    }


def to_handed(held: Held) -> dict[str, object]:
    """The same for somebody else, with who says the same and when it was asked."""
    return to_object(held) | {"second": held.second or None, "asked": rfc3339(held.at)}


def _text(units: int | None) -> str | None:
    return None if units is None else str(units)
