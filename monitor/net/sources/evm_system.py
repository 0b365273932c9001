"""Transactions that bring value onto a chain from outside: deposits to rollups. Pure.

A list reports such a transaction like any other, as if its sender paid; but the sender is not
debited, what it is worth came from the parent chain, and it pays no fee. Lists report no type:
a row without a gas price is looked up by its hash.

Types: Optimism's deposits are 0x7e and say what they `mint` to their sender before its value
moves on (specs.optimism.io, deposits); Arbitrum's are 0x64, and 0x68 pays out of an escrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from monitor.chains.evm import EVM
from monitor.model import Chain
from monitor.net.sources.parsing import RowError, hex_whole

DEPOSIT = 0x7E
UNDEBITED = frozenset({0x64, 0x68})  # what they are worth came from outside, all of it
MAX_LOOKUPS = 20  # of one fetch, the newest


@dataclass(frozen=True, slots=True)
class TxFacts:
    """What a look-up adds to a row of a list. None: not reported."""

    kind: int | None = None  # the transaction's type
    mint: int | None = None  # base units that came from the parent chain
    fee: int | None = None  # base units paid in all


UNKNOWN = TxFacts()


def priceless(row: Mapping[str, object]) -> bool:
    """Whether a list's row names no gas price, so that neither fee nor payer are known."""
    return row.get("gasPrice") in (None, "", "0", 0)


def to_look_up(rows: Iterable[object], address: str) -> list[str]:
    """Hashes of rows to ask about: without a gas price, and worth something to know of."""
    found = [
        str(row.get("hash")).lower()
        for row in rows
        if isinstance(row, dict)
        and row.get("from") != "GENESIS"
        and priceless(row)
        and (row.get("value") not in ("0", 0) or str(row.get("from")).lower() == address)
    ]
    return list(dict.fromkeys(found))[-MAX_LOOKUPS:]


def facts_of(receipt: object, transaction: object = None) -> TxFacts:
    """What eth_getTransactionReceipt and eth_getTransactionByHash report, as far as they do."""
    reported, sent = (x if isinstance(x, dict) else {} for x in (receipt, transaction))
    kind = _number(reported.get("type"))
    kind = _number(sent.get("type")) if kind is None else kind
    mint = _number(sent.get("mint"))
    if mint is None and ("mint" in sent or "sourceHash" in sent):
        mint = 0
    used, price = _number(reported.get("gasUsed")), _number(reported.get("effectiveGasPrice"))
    fee = (
        None
        if used is None or price is None
        else used * price + (_number(reported.get("l1Fee")) or 0)
    )
    return TxFacts(kind, mint, fee)


# Where a receipt's `l1Fee` is in the chain's own coin, by id. Of Mantle and Celo, whose fees may be
# in another one, nothing is recorded.
_WHOLE_FEES = frozenset({10, 130, 252, 480, 1135, 1868, 8453, 34443, 57073, 81457, 534352, 7777777})


def paid_in_all(receipt: object, chain: Chain) -> int | None:
    """Base units that a receipt says were paid; None where it may not be all: another kind of
    rollup, or a share for its operator, of which the rule has changed over time."""
    reported = receipt if isinstance(receipt, dict) else {}
    shares = (_number(reported.get(f"operatorFee{what}")) for what in ("Scalar", "Constant"))
    if any(shares) or (EVM.fees_in_part(chain) and chain.chain_id not in _WHOLE_FEES):
        return None
    if chain.chain_id in _WHOLE_FEES and _number(reported.get("l1Fee")) is None:
        return None
    return facts_of(reported).fee


def came_from_outside(
    facts: TxFacts, *, free: bool, sender: str, recipient: str, value: int
) -> int | None:
    """How much of the parent chain's value a transaction brought, None for an ordinary one.

    Where the type is not reported, one that names no gas price and pays its own sender is a
    deposit: that is how explorers list them (recorded for Base), and nobody else does it.
    """
    if facts.kind == DEPOSIT:
        return value if facts.mint is None else facts.mint
    if facts.kind in UNDEBITED:
        return value
    untold = facts.kind is None and free and sender == recipient
    return value if untold and value else None


Move = tuple[str | None, str, int]  # sender (None: the parent chain), recipient, amount


def moves(came: int, sender: str, recipient: str, value: int, *, failed: bool) -> Iterator[Move]:
    """What such a transaction moves. What came is the sender's before the value moves on, and
    stays so where the rest failed."""
    through = 0 if failed else min(came, value)
    if through:
        yield None, recipient, through
    if value > through and not failed:
        yield sender, recipient, value - through
    if came > through:
        yield None, sender, came - through


def _number(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    try:
        return hex_whole(value, "value")
    except RowError:
        return None
