"""Movements and transactions, as they are recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from monitor.messages.objects import transfer_object
from monitor.model import Kind, Status
from monitor.model.api import Scope
from monitor.model.plain import amount as in_coins
from monitor.model.plain import rfc3339, tidy
from monitor.store import api_movements, desk_cases, desk_tx
from monitor.web.api import params
from monitor.web.api.call import Answer, Call, Route, Rows
from monitor.web.api.problems import gone, parameter
from monitor.web.api.shapes import Amount, Asset, Reading, Shape, Time
from monitor.web.desk.filtering import COIN
from monitor.web.desk.known import names_for


class Party(Shape, frozen=True, kw_only=True):
    """An entry that a movement touches, as far as it may be seen."""

    id: str
    address: str
    label: str
    case: str
    direction: str | None


class Value(Shape, frozen=True, kw_only=True):
    """What it was worth, by what is known now."""

    usd: str
    price: str
    source: str
    price_time: Time
    daily: bool


class Movement(Shape, frozen=True, kw_only=True):
    """One movement of one asset in one transaction: (chain, tx, leg) is unique. An address of our
    own is given to nobody: "ours:" and its label stands in its place."""

    chain: str
    tx: str
    leg: str
    kind: str
    sender: str | None = msgspec.field(name="from")
    recipient: str | None = msgspec.field(name="to")
    amount: Amount
    block_height: int | None
    block_hash: str | None
    time: Time | None
    status: str
    late: bool
    first_seen: Time
    value: Value | None
    entries: list[Party]
    sources: list[str]
    not_listed_by: list[str]
    issuer: str | None
    alerts: list[str]


class Sighting(Shape, frozen=True, kw_only=True):
    """Who reported a movement, when, and the SHA-256 of the answer."""

    source: str
    at: Time
    sha256: str | None


class Leg(Shape, frozen=True, kw_only=True):
    """A movement with who reported it."""

    movement: Movement
    reason: str
    sightings: list[Sighting]


class Transaction(Shape, frozen=True, kw_only=True):
    """`whole` false: it has more movements than may be seen, or than are shown."""

    chain: str
    tx: str
    whole: bool
    legs: list[Leg]
    alerts: list[str]


COLUMNS = (
    *("chain", "tx", "leg", "kind", "from", "to", "amount.raw", "amount.decimals", "amount.shown"),
    *("amount.asset.contract", "amount.asset.symbol", "amount.asset.verified"),
    *("amount.asset.token_id", "block_height", "block_hash", "time", "status", "late"),
    *("first_seen", "value.usd", "entries.id", "entries.case", "sources", "not_listed_by"),
    *("issuer", "alerts"),
)
MOVED = (
    params.one_of("kind", "Of this kind.", Kind),
    params.one_of("status", "How it stands.", Status),
    params.text("asset", f'Contract of the asset; "{COIN}": the coin of the chain.'),
    params.when("since", "In a block of then or later."),
    params.when("until", "In a block before then; a day is included."),
)


def objects(call: Call, ids: Sequence[int]) -> list[Movement]:
    """Of movements that may be seen, in that order."""
    told = api_movements.alerts_of(call.store, call.sight, ids)
    late = api_movements.late_of(call.store, ids)
    allowed = call.ask.allowed
    said = [transfer_object(view, allowed) for view in call.ask.views.rows(ids)]
    veiled = _veil(call, said)
    return [
        _object({**each, **veiled(each)}, told.get(number, []), late=number in late)
        for number, each in zip(ids, said, strict=True)
    ]


def _veil(
    call: Call, said: Sequence[Mapping[str, object]]
) -> Callable[[Mapping[str, object]], Mapping[str, object]]:
    """Over addresses of our own that are shown because somebody watches them too: whoever does not
    see that case does not learn of it."""
    if call.sight.cases is None:
        return lambda _: {}
    names = names_for(call.store, call.settings, call.sight)
    ends: dict[str, set[str]] = {}
    for each in said:
        found = {str(each[side]) for side in ("from", "to") if each[side] is not None}
        ends.setdefault(str(each["chain"]), set()).update(found)
    ours = {
        (chain, address): party.ours
        for chain, addresses in ends.items()
        for address, party in names.of(chain, addresses).items()
        if party.ours
    }

    def veiled(each: Mapping[str, object]) -> Mapping[str, object]:
        hidden = {
            side: ours[str(each["chain"]), str(each[side])]
            for side in ("from", "to")
            if (str(each["chain"]), str(each[side])) in ours
        }
        leg = str(each["leg"])
        for side, shown in hidden.items():
            leg = leg.replace(str(each[side]), shown)
        return {**hidden, "leg": leg} if hidden else {}

    return veiled


def _object(said: Mapping[str, object], alerts: list[str], *, late: bool) -> Movement:
    asset = said["asset"]
    if not isinstance(asset, Mapping):
        raise TypeError(type(asset))
    parties = [
        each
        for each in msgspec.convert(said["entries"], list[dict[str, object]])
        if each["id"] is not None  # of other cases not even that they watch it
    ]
    told = {
        **said,
        "amount": amount_of(int(str(said["amount"])), asset),
        "entries": parties,
        "alerts": alerts,
        "late": late,
        "issuer": said.get("issuer"),
        "not_listed_by": said.get("not_listed_by", []),
    }
    return msgspec.convert(told, Movement)


def amount_of(units: int, asset: Mapping[str, object]) -> Amount:
    """Of an asset as our JSON has it."""
    decimals = asset["decimals"] if isinstance(asset["decimals"], int) else None
    return Amount(
        raw=str(units),
        decimals=decimals,
        shown=None if decimals is None else in_coins(units, decimals).replace(",", ""),
        asset=Asset(
            contract=_text(asset.get("contract")),
            symbol=_text(asset.get("symbol")),
            verified=bool(asset.get("verified")),
            token_id=_text(asset.get("token_id")),
        ),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def wanted_of(call: Call) -> api_movements.Wanted:
    args = call.args
    asset = args.get("asset")
    return api_movements.Wanted(
        chain=args.get("chain"),
        kind=args.get("kind"),
        status=args.get("status"),
        contract="" if asset == COIN else asset,
        since=params.seconds(args["since"]) if "since" in args else None,
        until=params.seconds(args["until"], end=True) if "until" in args else None,
    )


def movements(call: Call) -> Rows:
    """GET /movements: of addresses that are or were watched or followed, or of one case."""
    case, chain = call.args.get("case"), call.args.get("chain")
    if chain is not None and chain not in call.settings.chains:
        raise parameter("chain", "There is no such chain.")
    keys = api_movements.own(call.store, call.sight)
    if case is not None:
        keys = api_movements.of_case_too(call.store, call.sight, case)
        if desk_cases.is_known(call.store, call.sight, case):
            call.looked(case)
    return rows(call, keys, case)


def rows(call: Call, keys: Sequence[tuple[str, str]] | None, case: str | None) -> Rows:
    wanted = wanted_of(call)

    def page(place: str, most: int) -> Sequence[tuple[str, object]]:
        before = int(place) if place else 2**62
        ids = api_movements.page(call.store, call.sight, keys, wanted, before, most)
        made = objects(call, ids)
        return [(str(n), each) for n, each in zip(ids, made, strict=True)]

    def reading() -> Reading:
        return call.readings.case(call, case) if case is not None else call.readings.all(call)

    return Rows(page, reading, COLUMNS)


def transaction(call: Call, chain: str, hash: str) -> Answer:
    """GET /transactions/{chain}/{hash}"""
    legs = desk_tx.rows(call.store, call.sight, chain, hash)
    if not legs:
        raise gone()
    made = objects(call, [leg.id for leg in legs])
    shown = [
        Leg(
            movement=movement,
            reason=tidy(leg.reason, 300),
            sightings=[
                Sighting(source=s.source, at=rfc3339(s.at) or "", sha256=s.sha256 or None)
                for s in leg.said
            ],
        )
        for leg, movement in zip(legs, made, strict=True)
    ]
    alerts = desk_tx.alerts(call.store, call.sight, chain, hash)
    for case in {each.case for each in alerts}:
        call.looked(case)
    whole = desk_tx.is_whole(call.store, chain, hash, legs)
    return Answer(
        Transaction(
            chain=chain, tx=legs[0].tx, whole=whole, legs=shown, alerts=[a.id for a in alerts]
        )
    )


ROUTES = (
    Route("GET", "/movements", movements, Scope.CASES_READ,
          "Movements, those first that were recorded last", Movement,
          params=(params.text("case", "Of addresses of this case."),
                  params.text("chain", "Key of a chain."), *MOVED), listing=True),
    Route("GET", "/transactions/{chain}/{hash}", transaction, Scope.CASES_READ,
          "A transaction, as far as it is recorded and may be seen", Transaction),
)  # fmt: skip
