"""Alerts' facts as JSON, in the form that the record keeps.

Records outlive versions. What an older one left out has its default; what a newer one added
is kept under its place and written again; what is not of its type makes the facts `Unread`,
so that the alert is told all the same, with the JSON as it stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

from monitor.model.alert import AlertKind
from monitor.model.balance_json import (
    held_object,
    read_held,
    read_unexplained,
    unexplained_object,
)
from monitor.model.clock_json import clock_object, read_clock
from monitor.model.facts import (
    AssetSum,
    Balance,
    ClockDue,
    Correction,
    Dealings,
    Facts,
    HeldFunds,
    History,
    InBlock,
    Movement,
    Net,
    Notice,
    OnList,
    SecondSource,
    Touched,
    Unexplained,
    Unread,
    Unusual,
)
from monitor.model.members import Members, Misfit
from monitor.model.notice_json import notice_object, read_notice
from monitor.model.traced import Traced, read_traced, traced_object
from monitor.model.watch import Origin, Planned

VERSION = 1  # records of before there was one have the same form


# --- out -----------------------------------------------------------------------------------


def to_json(facts: Facts) -> dict[str, object]:
    """What facts of this kind say, and what else the record holds of them."""
    if isinstance(facts, Unread):
        return dict(facts.more)
    return {"version": VERSION, **_common(facts), **_own(facts), **facts.more}


def _own(facts: Facts) -> dict[str, object]:
    match facts:
        case Movement():
            return _movement(facts)
        case Correction():
            return {"correction": _correction(facts)}
        case History():
            return {"history": _history(facts)}
        case Notice():
            return notice_object(facts)
        case Unexplained():
            return {"unexplained": unexplained_object(facts)}
        case Traced():
            return {"traced": traced_object(facts)}
        case ClockDue():
            return {"clock_due": clock_object(facts)}
    return {}


def _common(facts: Facts) -> dict[str, object]:
    said: dict[str, object] = {}
    if facts.read_at is not None:
        said["read_at"] = facts.read_at
    if facts.finality is not None:
        said["finality"] = facts.finality
    if facts.second_source is not None:
        said["second_source"] = _second_source(facts.second_source)
    if facts.on_lists:
        said["on_lists"] = [_on_list(each) for each in facts.on_lists]
    if facts.ours:
        said["ours"] = [asdict(each) for each in facts.ours]
    if facts.funds:
        said["funds"] = _funds(facts.funds)
    return said


def _funds(found: HeldFunds) -> dict[str, object]:
    expected = [{"asset": asset, "coins": coins} for asset, coins in found.expected.items()]
    said = asdict(found) | {"expected": expected, "as_planned": found.as_planned}
    return {name: value for name, value in said.items() if value}


def _on_list(found: OnList) -> dict[str, object]:
    origin = asdict(found.origin) | {"programs": list(found.origin.programs)}
    own = {"entry": found.entry, "case": found.case, "day": found.day, "sha256": found.sha256}
    return {"origin": origin, **own}


def _second_source(second: SecondSource) -> dict[str, object] | None:
    if second.alone:
        return {"asked": False, "why": "none"}
    if not second.name:
        return None
    return {
        "source": second.name,
        "agrees": second.agrees,
        "says": second.says,
        "at": second.at,
    }


def _movement(facts: Movement) -> dict[str, object]:
    said: dict[str, object] = {"classes": [list(each) for each in facts.classes]}
    if facts.confirmations is not None:
        said["confirmations"] = facts.confirmations
    if facts.success:
        said["success"] = facts.success
    if facts.held:
        said["held"] = [held_object(each) for each in facts.held]
    return said | (_unusual(facts.unusual) if facts.unusual else {})


def _unusual(found: Unusual) -> dict[str, object]:
    said: dict[str, object] = {
        "dealings": {party: _dealings(each) for party, each in found.dealings.items()},
        "test_payments": list(found.test_payments),
    }
    if found.last_moved is None:
        said["first_ever"] = True
    else:
        said |= {"last_moved": found.last_moved, "quiet_days": found.quiet_days}
    if found.balances is not None:
        said["balances"] = [_balance(each) for each in found.balances]
    if found.net is not None:
        put, got = found.net.put, found.net.got
        said["net"] = {"in": str(put), "out": str(got), "net": str(got - put)}
    return said


def _dealings(found: Dealings) -> dict[str, object]:
    if not found.count:
        return {"count": 0}
    return {"count": found.count, "first": found.first, "last": found.last}


def _balance(found: Balance) -> dict[str, object]:
    return {
        "asset": found.contract or "",
        "symbol": found.symbol,
        "decimals": found.decimals,
        "before": str(found.before),
        "after": str(found.after),
    }


def _correction(facts: Correction) -> dict[str, object]:
    said: dict[str, object] = {"state": facts.state, "evidence": list(facts.evidence)}
    for when, block in (("was", facts.was), ("now", facts.now)):
        if block is not None:
            said |= {f"{when}_height": block.height, f"{when}_hash": block.hash}
    return said


def _history(facts: History) -> dict[str, object]:
    said: dict[str, object] = {
        "count": facts.count,
        "by_asset": [_asset_sum(each) for each in facts.by_asset],
        "from": facts.first,
        "to": facts.last,
        "covered": list(facts.covered),
        "listed": facts.listed,
        "alarming": facts.alarming,
    }
    said |= {"fees": str(facts.fees)} if facts.fees else {}
    if facts.month_count:
        month = [_asset_sum(each) for each in facts.month]
        said |= {"month": month, "month_count": facts.month_count}
    return said


def _asset_sum(found: AssetSum) -> dict[str, object]:
    return {
        "symbol": found.symbol,
        "contract": found.contract,
        "verified": found.verified,
        "in": str(found.came),
        "out": str(found.went),
        "decimals": found.decimals,
    }


# --- in --------------------------------------------------------------------------------------


def from_text(kind: AlertKind, text: str) -> Facts:
    """As from_json, of a text that may be damaged: it must not hide the alerts beside it."""
    try:
        return from_json(kind, json.loads(text))
    except (ValueError, RecursionError) as error:
        return Unread(more={"facts": text}, why=f"not readable as JSON: {type(error).__name__}")


def from_json(kind: AlertKind, told: object) -> Facts:
    """The facts of an alert of this kind. Never raises for what the JSON holds."""
    try:
        read = Members(told)
        read.whole("version")
        found = replace(
            _READERS[kind](read),
            on_lists=_read_on_lists(read),
            ours=_read_ours(read),
            funds=_read_funds(read),
        )
        more = read.more()
        return replace(found, more=more) if more else found
    except ValueError as error:  # a misfit, or a number of thousands of digits
        kept = told if isinstance(told, Mapping) else {"facts": told}
        return Unread(more=dict(kept), why=str(error))


def _read_on_lists(read: Members) -> tuple[OnList, ...]:
    return tuple(
        OnList(each.text("entry"), _read_origin(each), *map(each.text, ("case", "day", "sha256")))
        for each in read.inner_list("on_lists")
    )


def _read_origin(read: Members) -> Origin:
    told = read.inner("origin")
    if told is None:
        raise Misfit("the origin of an entry is missing")
    names = ("list", "title", "entity", "name", "since", "until", "address")
    texts = {key: told.text(key) for key in names}
    at_least = told.flag("at_least") or False
    return Origin(**texts, programs=told.texts("programs"), at_least=at_least)


def _read_ours(read: Members) -> tuple[Touched, ...]:
    return tuple(
        Touched(*map(each.text, ("chain", "tx", "leg", "way", "who", "list", "label")))
        for each in read.inner_list("ours")
    )


def _read_funds(read: Members) -> HeldFunds | None:
    told = read.inner("funds")
    if told is None:
        return None
    told.flag("as_planned")  # is what the others say
    plan = told.inner("planned")
    planned = None if plan is None else _read_planned(plan)
    state, holder, unlike = map(told.text, ("state", "holder", "unlike"))
    amounts = {each.text("asset"): each.text("coins") for each in told.inner_list("expected")}
    return HeldFunds(state, holder, amounts, planned, unlike)


def _read_planned(told: Members) -> Planned:
    names = ("to", "amount", "until", "by", "why")
    return Planned(**{name: told.text(name) for name in names}, since=told.number("since"))


_UNUSUAL = ("dealings", "last_moved", "quiet_days", "test_payments", "balances", "net")


def _read_movement(read: Members) -> Facts:
    return Movement(
        read_at=read.whole("read_at"),
        finality=read.whole("finality"),
        second_source=_read_second_source(read),
        classes=read.triples("classes"),
        confirmations=read.whole("confirmations"),
        success=read.text("success"),
        unusual=_read_unusual(read) if any(map(read.holds, _UNUSUAL)) else None,
        held=tuple(map(read_held, read.inner_list("held"))),
    )


def _read_second_source(read: Members) -> SecondSource | None:
    if not read.holds("second_source"):
        return None
    second = read.inner("second_source")
    if second is None:
        return SecondSource()
    second.text("why")
    return SecondSource(
        name=second.text("source"),
        agrees=second.flag("agrees"),
        says=second.text("says"),
        at=second.whole("at"),
        alone=second.flag("asked") is False,
    )


def _read_unusual(read: Members) -> Unusual:
    read.flag("first_ever")  # is what the lack of `last_moved` says
    dealings = read.inner_by_name("dealings").items()
    net = read.inner("net")
    return Unusual(
        last_moved=read.whole("last_moved"),
        quiet_days=read.number("quiet_days"),
        dealings={party: _read_dealings(each) for party, each in dealings},
        test_payments=read.texts("test_payments"),
        balances=tuple(map(_read_balance, read.inner_list("balances")))
        if read.holds("balances")
        else None,
        net=_read_net(net) if net else None,
    )


def _read_dealings(read: Members) -> Dealings:
    return Dealings(read.number("count"), read.whole("first"), read.whole("last"))


def _read_balance(read: Members) -> Balance:
    return Balance(
        contract=read.text("asset") or None,
        symbol=read.text("symbol"),
        decimals=read.number("decimals"),
        before=read.units("before"),
        after=read.units("after"),
    )


def _read_net(read: Members) -> Net:
    read.units("net")  # is what the others say
    return Net(put=read.units("in"), got=read.units("out"))


def _read_correction(read: Members) -> Facts:
    told = read.inner("correction")
    if told is None:
        raise Misfit("correction is missing")
    return Correction(
        read_at=read.whole("read_at"),
        finality=read.whole("finality"),
        second_source=_read_second_source(read),
        state=told.text("state"),
        was=_read_block(told, "was"),
        now=_read_block(told, "now"),
        evidence=told.texts("evidence"),
    )


def _read_block(read: Members, when: str) -> InBlock | None:
    if not read.holds(f"{when}_height"):
        return None
    return InBlock(read.whole(f"{when}_height"), read.text(f"{when}_hash") or None)


def _read_history(read: Members) -> Facts:
    told = read.inner("history")
    if told is None:
        raise Misfit("history is missing")
    return History(
        read_at=read.whole("read_at"),
        count=told.number("count"),
        by_asset=tuple(map(_read_asset_sum, told.inner_list("by_asset"))),
        first=told.whole("from"),
        last=told.whole("to"),
        covered=told.texts("covered"),
        listed=told.number("listed"),
        alarming=told.flag("alarming") or False,
        fees=told.units("fees") if told.holds("fees") else 0,
        month=tuple(map(_read_asset_sum, told.inner_list("month"))),
        month_count=told.number("month_count"),
    )


def _read_asset_sum(read: Members) -> AssetSum:
    return AssetSum(
        symbol=read.text("symbol"),
        contract=read.text("contract") or None,
        verified=read.flag("verified") or False,
        came=read.units("in"),
        went=read.units("out"),
        decimals=read.whole("decimals"),
    )


_READERS: Mapping[AlertKind, Callable[[Members], Facts]] = {
    AlertKind.MOVEMENT: _read_movement,
    AlertKind.AMENDMENT: _read_movement,
    AlertKind.LATE: _read_movement,
    AlertKind.ACTIVITY: _read_movement,
    AlertKind.CORRECTION: _read_correction,
    AlertKind.HISTORY: _read_history,
    AlertKind.UNEXPLAINED: read_unexplained,
    AlertKind.TRACED: read_traced,
    AlertKind.REACHED: read_traced,
    AlertKind.TRACE_QUESTION: read_traced,
    AlertKind.CLOCK_DUE: read_clock,
    AlertKind.NOTICE: read_notice,
}
