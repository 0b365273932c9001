"""What an amount was worth: which price counts, and the words for it. Pure.

Prices and values are Decimal from end to end: a float would invent digits. A price counts
for a moment only when it is near; there is no assumption that a stablecoin is worth 1.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction

from monitor.model import Chain, Kind, Price, TransferView
from monitor.model.plain import MAX_DECIMALS, tidy

TOLERANCE = 3600  # seconds between a price and the moment that it counts for
DAILY_TOLERANCE = 12 * 3600  # the same for a snapshot of midnight
# Why there is no value, in the words that people see.
NOT_YET = "not priced yet: no price of that time so far"
NO_PRICE = "not priced: no source has a price of that time"
NO_SOURCE = "not priced: no price source knows this chain"
UNVERIFIED = "not priced: unverified token"
AN_NFT = "not priced: an NFT"
BEFORE = "not priced: recorded before prices were kept"
SWITCHED_OFF = "not priced: prices are switched off"
# A price may keep a movement quiet only where another one bears it out: of a second source at
# that time, or of the day before, within this factor. One source alone may be wrong or lie.
AGREE_WITHIN = 2
YESTERDAY = (12 * 3600, 36 * 3600)  # seconds before: at least, at most
PEGGED = frozenset(
    {"USDT", "USDC", "USDC.e", "USDT0", "DAI", "USDS", "BUSD", "FDUSD", "TUSD", "PYUSD", "USDP"}
)  # verified coins meant to be worth 1 USD
OFF_PEG = Decimal("0.1")  # by how much at most, for a price of theirs to be borne out
# USD that nobody ever paid for one of a coin: about ten times the highest price up to 2026-11.
# Where prices are missing, strangers' dust is below a smallest amount even at that.
_NEVER = {
    **dict.fromkeys(("BTC", "WBTC", "BTCB"), 1_500_000),
    **dict.fromkeys(("ETH", "WETH"), 50_000),
    **{"BNB": 15_000, "WBNB": 15_000, "AVAX": 1500, "POL": 30, "WPOL": 30, "TRX": 5},
    **{"LTC": 4000, "DOGE": 8, "DASH": 16_000, "BCH": 40_000, "ZEC": 60_000},
    **dict.fromkeys((*PEGGED, "XDAI", "xDAI"), 10),
}
TITLES = {"defillama": "DefiLlama", "coingecko": "CoinGecko"}
CENT = Decimal("0.01")
_SHOWN = Context(prec=9)  # digits of a price that people see
EXACT = 400  # digits: a uint256 times any price that is taken


def sort(prices: Iterable[Price]) -> tuple[Price, ...]:
    """In the order that `nearest` needs."""
    return tuple(sorted(prices, key=lambda price: (price.at, price.source)))


def nearest(prices: Sequence[Price], moment: int, *, daily: bool = True) -> Price | None:
    """The price of one asset that counts for a moment; None: none is near enough.

    `prices` as `sort` leaves them. A snapshot of midnight counts only where nothing else
    does, and not at all without `daily`.
    """
    found = _closest(prices, moment, TOLERANCE, daily=False)
    return found or (_closest(prices, moment, DAILY_TOLERANCE, daily=True) if daily else None)


def _closest(prices: Sequence[Price], moment: int, most: int, *, daily: bool) -> Price | None:
    start = bisect_left(prices, moment - most, key=lambda price: price.at)
    best: Price | None = None
    for price in prices[start:]:
        if price.at > moment + most:
            break
        if price.daily == daily and (
            best is None or abs(price.at - moment) < abs(best.at - moment)
        ):
            best = price
    return best


def borne_out(prices: Sequence[Price], moment: int, symbol: str) -> tuple[Price | None, str]:
    """The price by which a movement may be kept quiet, the highest of those that agree; or
    None and why there is none, in words that follow the asset's name.

    `prices` of one verified asset as `sort` leaves them; `symbol` is the asset's own.
    """
    near: dict[str, Price] = {}
    for price in _within(prices, moment - TOLERANCE, moment + TOLERANCE):
        other = near.setdefault(price.source, price)
        if abs(price.at - moment) < abs(other.at - moment):
            near[price.source] = price
    told = sorted(near.values(), key=lambda p: (p.usd, p.source))
    if not told:
        return None, "has no price"
    low, high = told[0], told[-1]
    if symbol in PEGGED:
        if all(abs(p.usd - 1) <= OFF_PEG for p in told):
            return high, ""
        odd = low if abs(low.usd - 1) > OFF_PEG else high
        return None, f"is meant to be worth 1 USD, and {title(odd.source)} says {figure(odd.usd)}"
    if high.usd > low.usd * AGREE_WITHIN:
        return None, (
            f"is worth {figure(low.usd)} USD by {title(low.source)} and {figure(high.usd)} USD "
            f"by {title(high.source)}"
        )
    if len(told) > 1:
        return high, ""
    return _like_yesterday(prices, moment, high)


def _like_yesterday(prices: Sequence[Price], moment: int, price: Price) -> tuple[Price | None, str]:
    least, most = YESTERDAY
    before = list(_within(prices, moment - most, moment - least, daily=True))
    if not before:
        return None, f"has a price of {title(price.source)} alone and none of the day before"
    worst = max(before, key=lambda p: max(p.usd / price.usd, price.usd / p.usd))
    if max(worst.usd, price.usd) <= AGREE_WITHIN * min(worst.usd, price.usd):
        return price, ""
    return None, (
        f"has a price of {title(price.source)} alone, {figure(price.usd)} USD, far from the "
        f"{figure(worst.usd)} USD of the day before"
    )


def _within(prices: Sequence[Price], lo: int, hi: int, *, daily: bool = False) -> Iterable[Price]:
    start = bisect_left(prices, lo, key=lambda price: price.at)
    for price in prices[start:]:
        if price.at > hi:
            return
        if daily or not price.daily:
            yield price


def never(symbol: str) -> int | None:
    """USD that one of a coin was never worth, of the chain's own or a verified token; None where
    nothing is known of it."""
    return _NEVER.get(symbol)


def base_units(coins: str, decimals: int) -> Fraction:
    """What a number of coins, as a watchlist has it ("1000.5"), is in base units: exact, however
    many digits it has."""
    unit: int = 10**decimals
    return Fraction(coins) * unit


def usd(units: int, decimals: int | None, price: Price | None) -> Decimal | None:
    """The exact value of an amount in base units; None without a price or known decimals."""
    if price is None or decimals is None or not 0 <= decimals <= MAX_DECIMALS:
        return None
    with localcontext(prec=EXACT):
        return (Decimal(units) * price.usd).scaleb(-decimals)


def cents(value: Decimal) -> Decimal:
    """Rounded to whole cents."""
    with localcontext(prec=EXACT):
        return value.quantize(CENT, ROUND_HALF_EVEN)


def of(view: TransferView) -> Decimal | None:
    """The exact value of a transfer by what is known now."""
    return usd(view.row.transfer.amount, view.decimals, view.price)


def title(source: str) -> str:
    """A price source as people know it."""
    return TITLES.get(source, tidy(source, 40))


def moment(view: TransferView) -> int:
    """When a transfer happened; unconfirmed ones: when we first saw it."""
    happened = view.row.transfer.time
    return view.row.first_seen if happened is None else happened


def figure(price: Decimal) -> str:
    """Nine digits are enough for people; JSON and tables have them all."""
    text = f"{_SHOWN.plus(price):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True)
class Total:
    """The value of several movements together, and how many of them have none."""

    usd: Decimal = Decimal(0)
    priced: int = 0
    unpriced: int = 0

    def plus(self, value: Decimal | None) -> Total:
        if value is None:
            return Total(self.usd, self.priced, self.unpriced + 1)
        with localcontext(prec=EXACT):
            return Total(self.usd + value, self.priced + 1, self.unpriced)


def unpriceable(chain: Chain | None, contract: str | None, kind: Kind, *, verified: bool) -> str:
    """Why an asset can have no price; empty: it may have one.

    A price for a counterfeit, or for an NFT by its collection, would be a stranger's claim.
    """
    if kind.nft:
        return AN_NFT
    if not verified or kind.numbered:
        return UNVERIFIED
    return "" if chain is not None and has_id(chain, contract or "") else NO_SOURCE


def has_id(chain: Chain, contract: str) -> bool:
    """Whether any price source can be asked about this asset."""
    ids = chain.prices
    return bool((ids.defillama or ids.coingecko) if contract else ids.coin)
