"""One asset out and another one in, in one transaction, for the same address: what became what.
Pure.

What counts is what the transaction leaves an address with, by asset, without its fee: so every
protocol is read alike, and what comes back of the same asset is no gain. An NFT is an asset like
others. Where it cannot be told what became what, nothing is guessed: what left is followed to
whom it went.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from monitor.analysis.trace import passed
from monitor.analysis.trace.assets import is_nft
from monitor.analysis.trace.plain import Leg
from monitor.analysis.trace.reading import Reading, Tx
from monitor.chains.table import family_of

# By prices of that time what came back is worth so much of what was given: outside of the first
# pair it is said, outside of the second one only what fits is taken for exchanged.
NEAR = (Fraction(9, 10), Fraction(11, 10))
FAR = (Fraction(1, 10), Fraction(10))

SEVERAL = (
    "Several assets left and came back in this transaction, and not all have a price: which "
    "became which is not known, so each is followed to whom it went."
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """So much of one asset became so much of another."""

    given_asset: str
    given: int
    got_asset: str
    got: int
    via: str  # swap | wrap | nft
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Deal:
    """What an address exchanged in a transaction."""

    exchanges: tuple[Exchange, ...] = ()
    legs: tuple[Leg, ...] = ()  # which it is made of: they move nothing beside it
    kept: Mapping[str, int] = field(default_factory=dict)  # given, and not exchanged
    extra: Mapping[str, int] = field(default_factory=dict)  # got, and not for what was given
    doubt: str = ""  # why a whole transaction would say more; empty: it would not


def deal_of(address: str, legs: Sequence[Leg], tx: Tx, book: Reading) -> Deal | None:
    """What an address exchanged, by all legs of the transaction; None: nothing.

    A wrap that is only a step on the way is part of the exchange.
    """
    mine = [leg for leg in legs if _exchangeable(leg, address, tx, book)]
    wrapped = {leg.asset for pair in wraps_of(address, legs, tx, book) for leg in pair}
    gave, got = _net(address, mine)
    if wrapped and {*gave, *got} <= wrapped:
        return None
    paid = passed.payees(address, mine, tx, book) if gave and got else frozenset()
    if paid:
        mine = [leg for leg in mine if leg.giver != address or leg.taker not in paid]
        gave, got = _net(address, mine)
    gave, got = _without_nfts(gave, got)
    if not gave or not got:
        return None
    parts = _parts(gave, got, tx, book)
    if not parts:
        return Deal(doubt=SEVERAL)
    assets = {asset for part in parts for asset in (part.given_asset, part.got_asset)}
    used = tuple(leg for leg in mine if leg.asset in assets)
    takers = {leg.taker for leg in used if leg.giver == address}
    unsure = len(takers) > 1 and (tx.chain.key, tx.tx) not in book.known.anatomies
    return _measured(parts, used, unsure=unsure, tx=tx, book=book)


def _exchangeable(leg: Leg, address: str, tx: Tx, book: Reading) -> bool:
    kind = leg.row.kind
    if address not in (leg.giver, leg.taker) or kind.fee or kind.act or kind.ruled:
        return False
    return is_nft(leg.asset) or book.assets.carries(tx.chain.key, leg.asset)


def _net(address: str, legs: Sequence[Leg]) -> tuple[dict[str, int], dict[str, int]]:
    """What it is left without, and with, by asset."""
    net: dict[str, int] = {}
    for leg in sorted(legs, key=lambda leg: leg.asset):
        sign = (leg.taker == address) - (leg.giver == address)
        net[leg.asset] = net.get(leg.asset, 0) + sign * leg.amount
    gave = {asset: -amount for asset, amount in net.items() if amount < 0}
    return gave, {asset: amount for asset, amount in net.items() if amount > 0}


def _without_nfts(
    gave: dict[str, int], got: dict[str, int]
) -> tuple[dict[str, int], dict[str, int]]:
    """Pieces that come beside coins are no part of a swap: anybody can add one."""
    fungible = {asset: amount for asset, amount in got.items() if not is_nft(asset)}
    coins = {asset: amount for asset, amount in gave.items() if not is_nft(asset)}
    return coins or gave, (fungible or got) if coins or fungible else {}


def _parts(
    gave: Mapping[str, int], got: Mapping[str, int], tx: Tx, book: Reading
) -> list[Exchange]:
    """What became what; none: it cannot be told."""
    if len(gave) > 1 and len(got) > 1:
        return []
    many = gave if len(gave) > 1 else got
    weights = _weights(many, tx, book)
    if weights is None:
        return []
    (one, whole), *_ = (got if many is gave else gave).items()
    shares = split(whole, weights)
    how = _how_split(many)
    found = []
    for (asset, amount), share in zip(many.items(), shares, strict=True):
        pair = (asset, amount, one, share) if many is gave else (one, share, asset, amount)
        if pair[1] and pair[3]:
            via = "nft" if is_nft(pair[0]) or is_nft(pair[2]) else "swap"
            found.append(Exchange(*pair, via, how))
    return found


def _weights(assets: Mapping[str, int], tx: Tx, book: Reading) -> list[int] | None:
    """By which several assets share one; None: it cannot be told."""
    if len(assets) == 1 or all(map(is_nft, assets)):
        return list(assets.values())
    worth = [book.assets.worth(tx.chain.key, a, amount, tx.time) for a, amount in assets.items()]
    known: list[int] = [value for value in worth if value is not None]
    return known if len(known) == len(worth) and any(known) else None


def _how_split(many: Mapping[str, int]) -> str:
    if len(many) == 1:
        return ""
    if all(map(is_nft, many)):
        return f"{len(many)} NFTs in one transaction: each piece counts the same."
    return f"{len(many)} assets in one transaction: shared by what each was worth then."


def split(whole: int, weights: Sequence[int]) -> list[int]:
    """A whole in proportion; what is left over by rounding goes to the largest."""
    if not weights:
        return []
    total = sum(weights)
    shares = [whole * weight // total for weight in weights]
    shares[max(range(len(weights)), key=lambda n: weights[n])] += whole - sum(shares)
    return shares


def _measured(
    parts: Sequence[Exchange], used: tuple[Leg, ...], *, unsure: bool, tx: Tx, book: Reading
) -> Deal:
    """The exchange held against the prices of that time."""
    at = tx.chain.key, tx.time
    ratio = _ratio(parts, *at, book)
    doubt = "It went to several addresses at once." if unsure else ""
    if ratio is None:
        return Deal(tuple(parts), used, doubt=doubt)
    if NEAR[0] <= ratio <= NEAR[1]:
        return Deal(tuple(parts), used)
    said = f"By prices of that time what came back was worth {_percent(ratio)} of what was given."
    fitting: list[Exchange] = []
    kept: dict[str, int] = {}
    extra: dict[str, int] = {}
    for part in parts:
        given = int(part.given * ratio) if ratio < FAR[0] else part.given
        got = int(part.got / ratio) if ratio > FAR[1] else part.got
        if not given or not got:
            given = got = 0
        if part.given > given:
            kept[part.given_asset] = kept.get(part.given_asset, 0) + part.given - given
        if part.got > got:
            extra[part.got_asset] = extra.get(part.got_asset, 0) + part.got - got
        rule = " ".join(filter(None, [part.rule, said, _FITS if kept or extra else ""]))
        if given:
            fitting.append(replace(part, given=given, got=got, rule=rule))
    return Deal(tuple(fitting), used, kept, extra, doubt)


_FITS = "Only as much as fits is taken for exchanged."


def _ratio(parts: Sequence[Exchange], chain: str, time: int, book: Reading) -> Fraction | None:
    given = [book.assets.worth(chain, p.given_asset, p.given, time) for p in parts]
    got = [book.assets.worth(chain, p.got_asset, p.got, time) for p in parts]
    if None in given or None in got or not sum(filter(None, given)):
        return None
    return Fraction(sum(filter(None, got)), sum(filter(None, given)))


def _percent(ratio: Fraction) -> str:
    if ratio >= FAR[1]:
        return f"{int(ratio)} times"
    return f"{float(round(ratio * 100, 1 if ratio < FAR[0] else 0)):g} %"


def wraps_of(address: str, legs: Sequence[Leg], tx: Tx, book: Reading) -> list[tuple[Leg, Leg]]:
    """Coins that became the wrapped coin, or came back from it, one to one: what went in, what
    came out. The coin goes to the contract that makes the token."""
    coins = [leg for leg in legs if not leg.asset and not leg.row.kind.fee]
    tokens = [leg for leg in legs if leg.asset and _wraps(leg, tx, book)]
    zero = family_of(tx.chain).zero
    found = []
    for coin in coins:
        pair = next((t for t in tokens if _opposite(coin, t, address, zero)), None)
        if pair is not None:
            tokens.remove(pair)
            found.append((coin, pair) if coin.giver == address else (pair, coin))
    return found


def _wraps(leg: Leg, tx: Tx, book: Reading) -> bool:
    return not is_nft(leg.asset) and book.assets.carries(tx.chain.key, leg.asset)


def _opposite(coin: Leg, token: Leg, address: str, zero: str) -> bool:
    """Whether the coin went to the token's contract and the token came from it, or the reverse."""
    maker = token.asset
    if coin.amount != token.amount or token.row.kind.act:
        return False
    if coin.giver == address and coin.taker == maker:
        return token.taker == address and token.giver in (None, maker)
    back = coin.taker == address and coin.giver == maker
    return back and token.giver == address and token.taker in (zero, maker)
