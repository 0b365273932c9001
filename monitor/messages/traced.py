"""Alerts about followed money as JSON objects. Pure."""

from __future__ import annotations

from decimal import Decimal

from monitor.model.plain import rfc3339, tidy
from monitor.model.trace import USD_UNIT
from monitor.model.traced import Ended, Figure, Hop, Traced


def traced_object(facts: Traced) -> dict[str, object]:
    """What machines read of followed money, as docs/webhook.schema.json has it."""
    return {
        "turn": facts.turn,
        "case": facts.case,
        "state": {"number": facts.state, "time": rfc3339(facts.at), "sha256": facts.sha256},
        "method": facts.method or None,
        "reason": facts.reason or None,
        "confirmed": facts.confirmed,
        "names": [
            {"name": tidy(name, 120), "source": tidy(source, 120) or None, "date": date or None}
            for name, source, date in facts.named
        ],
        "steps": [_step(hop) for hop in facts.hops],
        "ends": [_end(end) for end in facts.ends],
        "moved_usd": _dollars(facts.moved),
        "moved_usd_by_method": _chosen(facts.moved),
        "rests_usd": _dollars(facts.rests),
        "rests_usd_by_method": _chosen(facts.rests),
        "left_usd": _dollars(facts.left),
        "left_usd_by_method": _chosen(facts.left),
        "before": {"state": facts.was_state, "rests_usd": _dollars(facts.was)}
        if facts.was_state
        else None,
        "question": tidy(facts.ask, 600) or None,
        "lines": [tidy(each, 300) for each in facts.lines],
    }


def _step(hop: Hop) -> dict[str, object]:
    return {
        "chain": hop.chain,
        "tx": hop.tx,
        "hop": hop.hop,
        "to_chain": hop.to_chain or hop.chain,
        "amount": [str(hop.low), str(hop.high)],
        "amount_by_method": None if hop.chosen is None else str(hop.chosen),
        "usd": _dollars(hop.usd),
        "usd_by_method": _chosen(hop.usd),
        "time": rfc3339(hop.time),
        "to": tidy(hop.to, 120) or None,
    }


def _end(end: Ended) -> dict[str, object]:
    return {
        "reason": end.reason,
        "name": tidy(end.name, 120) or None,
        "confirmed": end.confirmed,
        "places": end.places,
        "usd": _dollars(end.usd),
        "usd_by_method": _chosen(end.usd),
        "unpriced": end.unpriced,
    }


def _dollars(figure: Figure | None) -> list[str] | None:
    """The lowest and the highest by the methods that conserve, as decimal texts."""
    return None if figure is None else [_dollar(figure.low), _dollar(figure.high)]


def _chosen(figure: Figure | None) -> str | None:
    """By the method that a person chose."""
    return None if figure is None or figure.chosen is None else _dollar(figure.chosen)


def _dollar(millionths: int) -> str:
    return f"{Decimal(millionths) / USD_UNIT:f}"
