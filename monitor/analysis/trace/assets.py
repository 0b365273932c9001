"""What moves in a trace: which assets carry value, how they are called, what they were worth.
Pure."""

from __future__ import annotations

import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from monitor.analysis.trace.known import Known
from monitor.chains.lookalike import folded
from monitor.model import Transfer
from monitor.model.trace import NFT_PARTS, USD_UNIT, TracedAsset

_EXACT = 400  # digits: a uint256 times any price
_NFT_DECIMALS = len(str(NFT_PARTS)) - 1


def key_of(row: Transfer) -> str:
    """The asset of a row as flow.Account has it: contract, "contract#id", empty for the coin."""
    if row.kind.nft:
        return f"{row.contract}#{row.token_id}"
    return row.contract or ""


def is_nft(asset: str) -> bool:
    return "#" in asset


def amount_of(row: Transfer) -> int:
    """In base units; of an NFT in NFT_PARTS a piece."""
    return row.amount * NFT_PARTS if row.kind.nft else row.amount


class Assets:
    """The assets of one case's chains."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._called: dict[tuple[str, str], TracedAsset] = {}
        self._prices: dict[tuple[str, str, int], Decimal | None] = {}
        self._genuine = {(a.chain, _plain(a.symbol)) for a in known.assets.values()}
        self._genuine |= {(key, _plain(chain.symbol)) for key, chain in known.chains.items()}

    def forget(self) -> None:
        self._called.clear()
        self._prices.clear()

    def of(self, chain: str, asset: str) -> TracedAsset:
        """As people see it."""
        found = self._called.get((chain, asset))
        if found is None:
            found = self._called[chain, asset] = self._find(chain, asset)
        return found

    def _find(self, chain: str, asset: str) -> TracedAsset:
        row = self._known.chains[chain]
        if not asset:
            return TracedAsset(chain, "", row.symbol, row.decimals, verified=True)
        listed = self._known.assets.get((chain, asset))
        if listed is not None:
            return TracedAsset(chain, asset, listed.symbol, listed.decimals, verified=True)
        if asset == row.wrapped:
            return TracedAsset(chain, asset, f"W{row.symbol}", row.decimals, verified=True)
        symbol, decimals = self._known.tokens.get((chain, asset.partition("#")[0]), ("", None))
        if is_nft(asset):
            return TracedAsset(chain, asset, symbol or "NFT", _NFT_DECIMALS)
        return TracedAsset(chain, asset, symbol, decimals)

    def carries(self, chain: str, asset: str) -> bool:
        """Whether it has value whoever says that it moved: the coin, or a verified token."""
        return self.of(chain, asset).verified

    def wrapped(self, asset: TracedAsset) -> bool:
        """Whether it is its chain's coin, wrapped."""
        return bool(asset.contract) and asset.contract == self._known.chains[asset.chain].wrapped

    def counterfeit(self, chain: str, asset: str) -> bool:
        """Whether an unverified token calls itself like one of its chain that is verified."""
        called = self.of(chain, asset)
        return not called.verified and (chain, _plain(called.symbol)) in self._genuine

    def worth(self, chain: str, asset: str, amount: int, time: int) -> int | None:
        """In millionths of a dollar, by the price of that time; None where there is none."""
        called = self.of(chain, asset)
        if not called.verified or called.decimals is None:
            return None
        price = self._price(chain, asset, time)
        if price is None and asset == self._known.chains[chain].wrapped:
            price = self._price(chain, "", time)
        if price is None:
            return None
        with localcontext(prec=_EXACT):
            exact = (Decimal(amount) * price * USD_UNIT).scaleb(-called.decimals)
            return int(exact.to_integral_value(ROUND_HALF_EVEN))

    def _price(self, chain: str, asset: str, time: int) -> Decimal | None:
        at = (chain, asset, time)
        if at not in self._prices:
            self._prices[at] = self._known.market.at(chain, asset, time)
        return self._prices[at]


def _plain(symbol: str) -> str:
    """Without what only looks different: letters of other scripts, capitals, what is not seen."""
    seen = "".join(c for c in symbol if unicodedata.category(c)[0] not in "CZ")
    return folded(seen).casefold()
