"""How loud one transaction is for one entry: direction, lane, reason, classes. Pure.

Every answer carries its reason in words, because somebody will ask why there was no mail.
An outgoing movement is never silenced; what strangers can do to an address at no cost
(zero value, counterfeit tokens, forged logs) is recorded and quiet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from monitor.decide import held
from monitor.decide.worth import TOLERANCE, YESTERDAY, base_units, borne_out, never, usd
from monitor.model import Asset, Batch, Chain, Direction, Entry, Lane, Price, Transfer
from monitor.model.plan import Context
from monitor.model.watch import USD

PRICED = 3 * 86_400  # seconds back for which a smallest amount in dollars looks for prices
FORGED = "may be forged"  # the class of a claim that the address has not signed
AN_ACT = "What the issuer of a token does at this address is always told."
CANARY = "A canary: it only shows that reading works."
DUST = "1"  # USD: what strangers send to held funds below it is no news of these
DAILY = "What arrives here waits for the daily mail."
_What = tuple[bool, str | None]


@dataclass(frozen=True, slots=True)
class Loudness:
    """The verdict on one transaction for one entry."""

    lane: Lane
    reason: str
    direction: Direction
    moved: bool  # something other than a fee or zero
    classes: tuple[tuple[str, str, str], ...] = ()  # (leg, class, reason)
    asked_for: bool = True  # False: the entry is not about such movements


@dataclass(frozen=True, slots=True)
class Market:
    """What is known of prices when a transaction is judged."""

    prices: Mapping[tuple[str, str], Sequence[Price]]  # by (chain, contract), see worth.nearest
    now: int  # Unix seconds: the time of what is not in a block yet

    def price(self, row: Transfer, asset: Asset) -> tuple[Price | None, str]:
        """The price of the row's asset when it moved, if it may keep anything quiet, and why
        none may (worth.borne_out)."""
        at = self.now if row.time is None else row.time
        known = self.prices.get((row.chain, row.contract or ""), ())
        return borne_out(known, at, asset.symbol)


NO_MARKET = Market({}, 0)


@dataclass(frozen=True, slots=True)
class _Part:
    """The verdict on one row: loud or not, and why."""

    loud: bool
    reason: str
    kind: str = ""  # class name, for rows that are quiet by nature


def touches(transfer: Transfer, address: str) -> bool:
    return address in (transfer.sender, transfer.recipient)


def net(rows: Sequence[Transfer], address: str) -> tuple[int, int]:
    """UTXO: what the address put in and what it got back, in base units."""
    put = sum(r.amount for r in rows if r.sender == address)
    got = sum(r.amount for r in rows if r.recipient == address)
    return put, got


def loudness(
    entry: Entry,
    chain: Chain,
    rows: Sequence[Transfer],
    legs: Sequence[Transfer],
    assets: Mapping[tuple[str, str], Asset],
    *,
    signature_known: bool,
    market: Market = NO_MARKET,
) -> Loudness:
    """Judge `rows` (live rows of one transaction that touch the entry, all of them).

    `legs` are all known rows of the transaction; `signature_known` says that the list of
    transactions signed by the address was read at that place, so that the absence of a fee
    row means that somebody else signed.
    """
    verdict = _verdict(
        *(entry, chain, rows, legs, assets),
        signature_known=signature_known,
        market=market,
    )
    forged = {leg for leg, name, _ in verdict.classes if name == FORGED}
    if not held.leaves(entry, rows, forged):
        return verdict
    return replace(verdict, lane=Lane.NEWS, reason=held.reason(entry, rows), asked_for=True)


def _verdict(
    entry: Entry,
    chain: Chain,
    rows: Sequence[Transfer],
    legs: Sequence[Transfer],
    assets: Mapping[tuple[str, str], Asset],
    *,
    signature_known: bool,
    market: Market,
) -> Loudness:
    address = entry.subject.address
    if any(r.kind.utxo for r in rows):
        return _utxo(entry, chain, rows, legs, market)
    signed = any(r.kind.fee and r.sender == address for r in rows)
    came = _came_in(rows, address)
    parts = [
        (r, _part(entry, chain, r, came, assets, signed, signature_known, market))
        for r in rows
        if not r.kind.fee
    ]
    direction = _direction(
        [r for r in rows if not r.kind.fee and (r.amount or r.kind.act)] or rows,
        address,
    )
    moved = any(r.amount or r.kind.act for r, _ in parts)
    classes = tuple((r.leg, p.kind, p.reason) for r, p in parts if p.kind)
    loud = [p for _, p in parts if p.loud]
    if not moved:
        return Loudness(Lane.QUIET, "Nothing moved but a fee or zero.", direction, False, classes)
    if not loud:
        reason = " ".join(dict.fromkeys(p.reason for r, p in parts if r.amount))
        return Loudness(Lane.QUIET, reason, direction, True, classes)
    if any(r.kind.act for r, _ in parts) and not entry.canary:
        return Loudness(Lane.NEWS, AN_ACT, direction, True, classes)
    return _wanted(entry, Loudness(Lane.NEWS, loud[0].reason, direction, True, classes))


def _wanted(entry: Entry, verdict: Loudness) -> Loudness:
    """A canary is always quiet; the entry's own choice of direction moves the rest."""
    if entry.canary:
        return replace(verdict, lane=Lane.QUIET, reason=CANARY, asked_for=False)
    if entry.direction in ("both", verdict.direction.value) or verdict.direction is Direction.SELF:
        return verdict
    words = {"in": "incoming", "out": "outgoing"}[entry.direction]
    whose = "The list's settings ask" if entry.origin else "The watchlist asks"
    reason = f"{whose} for {words} movements only for this entry."
    return replace(verdict, lane=Lane.QUIET, reason=reason, asked_for=False)


def _direction(rows: Sequence[Transfer], address: str) -> Direction:
    sides = {r.side(address) for r in rows}
    for wanted in (Direction.OUT, Direction.IN):
        if wanted in sides:
            return wanted
    return Direction.SELF


def _part(
    entry: Entry,
    chain: Chain,
    row: Transfer,
    came: Mapping[_What, int],
    assets: Mapping[tuple[str, str], Asset],
    signed: bool,
    signature_known: bool,
    market: Market,
) -> _Part:
    asset = _asset(chain, row, assets)
    if row.kind.act:
        return _Part(True, AN_ACT)
    if row.amount == 0:
        return _Part(False, "Zero amount: anybody can cause this at no cost.", "zero value")
    if row.side(entry.subject.address) is Direction.IN:
        return _incoming(entry, row, came, asset, market)
    if asset is not None or signed or not signature_known:
        return _Part(True, "An outgoing movement is always told.")
    return _Part(
        False,
        "An unverified token says that it left this address, but the address did not sign "
        "the transaction: it may be forged.",
        FORGED,
    )


def _came_in(rows: Sequence[Transfer], address: str) -> dict[_What, int]:
    """What came in of each asset, in base units."""
    came: dict[_What, int] = {}
    for row in rows:
        if row.side(address) is Direction.IN:
            came[_what(row)] = came.get(_what(row), 0) + row.amount
    return came


def _what(row: Transfer) -> _What:
    """An asset: coins sent by contracts are the same coins."""
    return (row.kind.coin, row.contract)


def _incoming(
    entry: Entry, row: Transfer, came: Mapping[_What, int], asset: Asset | None, market: Market
) -> _Part:
    if asset is None:
        return _Part(
            False, "An unverified token: anybody can make and send one.", "unverified token"
        )
    return _threshold(entry, asset, came[_what(row)], row, market)


def _threshold(entry: Entry, asset: Asset, total: int, row: Transfer, market: Market) -> _Part:
    least = entry.min_amount.get(asset.contract) or entry.min_amount.get(asset.symbol)
    dollars = entry.min_amount.get(USD) or (DUST if entry.held else None)
    if least is None and dollars is not None:
        return _in_dollars(dollars, asset, total, market.price(row, asset))
    if least is None and entry.incoming == "daily":
        return _Part(False, DAILY)
    if least is None:
        return _Part(True, "No smallest amount is set for this asset.")
    if total >= base_units(least, asset.decimals):
        return _Part(True, f"At least {least} {asset.symbol} came in.")
    return _Part(False, f"Less than {least} {asset.symbol} came in.", "below the smallest amount")


def prices_needed(
    context: Context, batches: Sequence[Batch]
) -> tuple[frozenset[tuple[str, str]], int, int]:
    """What thresholds in USD need for a decision: the assets that moved to an entry that has
    one, and from when to when they have to be priced."""
    moved = [t for b in batches for t in b.transfers] + [row.transfer for row in context.known]
    concerned = [
        t
        for t in moved
        if any(_in_usd(w.entry) for w in context.watched.get(t.recipient or "", ()))
    ]
    oldest = min((t.time or context.now for t in concerned), default=context.now)
    # What happened before that has no price yet when it is decided, or is history.
    since = max(oldest, context.now - PRICED) - YESTERDAY[1]
    keys = frozenset((t.chain, t.contract or "") for t in concerned)
    return keys, since, context.now + TOLERANCE


def _in_usd(entry: Entry) -> bool:
    return USD in entry.min_amount or bool(entry.held)


def _in_dollars(least: str, asset: Asset, total: int, by: tuple[Price | None, str]) -> _Part:
    """What has no price that is borne out is below only what it could not be worth at any."""
    price, why = by
    worth = usd(total, asset.decimals, price)
    if worth is None:
        most = never(asset.symbol)
        if most is not None and total * most < base_units(least, asset.decimals):
            return _Part(
                False,
                f"Less than {least} USD came in, at any price that {asset.symbol} ever had.",
                "below the smallest amount",
            )
        said = why or "has no price"
        return _Part(True, f"{asset.symbol} {said}, so it cannot be below {least} USD.")
    if worth >= Decimal(least):
        return _Part(True, f"At least {least} USD came in.")
    return _Part(False, f"Less than {least} USD came in.", "below the smallest amount")


def _asset(chain: Chain, row: Transfer, assets: Mapping[tuple[str, str], Asset]) -> Asset | None:
    """The verified asset of a row; the chain's own coin counts as one. None: unverified."""
    if row.contract is None:
        return Asset(chain.key, "", chain.symbol, chain.decimals)
    return assets.get((chain.key, row.contract))


def _utxo(
    entry: Entry,
    chain: Chain,
    rows: Sequence[Transfer],
    legs: Sequence[Transfer],
    market: Market,
) -> Loudness:
    """By net amount: what the address put in against what it got back."""
    address = entry.subject.address
    put, got = net(rows, address)
    if not put and not got:
        return Loudness(
            Lane.QUIET, "Zero amount: anybody can cause this at no cost.", Direction.IN, False
        )
    if put:
        away = any(r.amount and r.recipient != address for r in legs if r.kind.output)
        away = away or (chain.shielded and put != got)  # the rest went where nobody sees it
        direction = (Direction.OUT if put > got else Direction.IN) if away else Direction.SELF
        if direction is not Direction.IN:
            verdict = Loudness(Lane.NEWS, "An outgoing movement is always told.", direction, True)
            return _wanted(entry, verdict)
    coin = Asset(chain.key, "", chain.symbol, chain.decimals)
    part = _threshold(entry, coin, got - put, rows[0], market)
    classes = tuple((r.leg, part.kind, part.reason) for r in rows) if part.kind else ()
    lane = Lane.NEWS if part.loud else Lane.QUIET
    return _wanted(entry, Loudness(lane, part.reason, Direction.IN, True, classes))
