"""Facts about balances as JSON, in the form that the record keeps: see facts_json.py."""

from __future__ import annotations

from monitor.model.balance import Between, Held, State
from monitor.model.facts import Lead, Unexplained
from monitor.model.members import Members, Misfit
from monitor.model.watch import Subject

# --- out -----------------------------------------------------------------------------------


def held_object(held: Held) -> dict[str, object]:
    told: dict[str, object] = {
        "chain": held.subject.chain,
        "address": held.subject.address,
        "contract": held.contract,
        "symbol": held.symbol,
        "decimals": held.decimals,
        "verified": held.verified,
        "state": held.state.value,
        "reason": held.reason,
        "height": held.height,
        "time": held.time,
        "recorded": _text(held.recorded),
        "on_chain": _text(held.on_chain),
        "between": None if held.between is None else [held.between.lo, held.between.hi],
        "source": held.source,
        "second": held.second,
        "at": held.at,
    }
    return told | {"in_shares": True} if held.in_shares else told


def unexplained_object(facts: Unexplained) -> dict[str, object]:
    return {
        "held": None if facts.held is None else held_object(facts.held),
        "amount": str(facts.amount),
        "since_time": facts.since_time,
        "asked": list(facts.asked),
        "leads": [
            {"what": lead.what, "tx": lead.tx, "height": lead.height, "source": lead.source}
            for lead in facts.leads
        ],
        "found": facts.found,
        "left": str(facts.left),
    }


def _text(units: int | None) -> str | None:
    return None if units is None else str(units)


# --- in ------------------------------------------------------------------------------------


def read_held(read: Members) -> Held:
    state = read.text("state")
    if state not in [each.value for each in State]:
        raise Misfit("the state of a balance is not known")
    between = read.wholes("between")
    return Held(
        Subject(read.text("chain"), read.text("address")),
        read.text("contract"),
        read.text("symbol"),
        read.whole("decimals"),
        bool(read.flag("verified")),
        State(state),
        read.text("reason"),
        read.whole("height"),
        read.whole("time"),
        _units(read, "recorded"),
        _units(read, "on_chain"),
        Between(*between) if len(between) == 2 else None,
        read.text("source"),
        read.text("second"),
        read.number("at"),
        bool(read.flag("in_shares")),
    )


def _units(read: Members, key: str) -> int | None:
    """An amount, or null."""
    found = read.text(key)
    if found and not found.removeprefix("-").isdecimal():
        raise Misfit("a balance is not an amount in base units")
    return int(found) if found else None


def read_unexplained(read: Members) -> Unexplained:
    inner = read.inner("unexplained")
    if inner is None:
        return Unexplained()
    held = inner.inner("held")
    return Unexplained(
        read_at=read.whole("read_at"),
        finality=read.whole("finality"),
        held=read_held(held) if held else None,
        amount=_units(inner, "amount") or 0,
        since_time=inner.whole("since_time"),
        asked=inner.texts("asked"),
        leads=tuple(
            Lead(each.text("what"), each.text("tx"), each.whole("height"), each.text("source"))
            for each in inner.inner_list("leads")
        ),
        found=inner.text("found"),
        left=_units(inner, "left") or 0,
    )
