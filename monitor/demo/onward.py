"""How the stolen money runs on, once the first alert is out: hop, swap, bridge, exchange.

Nobody of those who take it on is watched: that is found out by following.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.chains.bridges.abi import topic
from monitor.demo import cast
from monitor.demo.pen import Pen
from monitor.demo.world.moves import RawLog, TokenMove, Tx

COIN = 10**18
UNIT = 10**6

STOLEN = 25 * COIN  # what leaves the watched address
SWAPPED, GOT = 24 * COIN, 74_750 * UNIT
ARRIVED = 74_700 * UNIT
CASHED = (30_000 * UNIT, 20_000 * UNIT)  # into deposit addresses of the exchange
STASHED = 15_000 * UNIT
OWN = 20_000 * UNIT  # what the address on the other chain had before

# What arrives or rests on Polygon at the end, in USDC: by the method in which what is traced leaves
# first, and by the one in which it leaves last. Of COOK's 2 ETH and of OWN nothing is traced.
REST = ARRIVED - sum(CASHED) - STASHED
FIRST = dict(
    zip((*cast.DEPOSITS[:2], cast.STASH, cast.LANDING), (*CASHED, STASHED, REST), strict=True)
)
_CLEAN = OWN + ARRIVED - ARRIVED * 22 // 24
LAST = {**FIRST, cast.DEPOSITS[0]: CASHED[0] - _CLEAN, cast.LANDING: REST + OWN}

_NUMBER = 4711  # of the deposit in the bridge
_DEPOSITED = (
    "FundsDeposited(bytes32,bytes32,uint256,uint256,uint256,uint256,uint32,uint32,uint32,"
    "bytes32,bytes32,bytes32,bytes)"
)
_FILLED = (
    "FilledRelay(bytes32,bytes32,uint256,uint256,uint256,uint256,uint256,uint32,uint32,"
    "bytes32,bytes32,bytes32,bytes32,bytes32,(bytes32,bytes32,uint256,uint8))"
)


def before(eth: Pen, poly: Pen) -> list[tuple[str, Tx]]:
    """What those had who take it on, weeks before: nothing of it is traced."""
    return [
        ("ethereum", eth.pay(cast.BUYER, cast.COOK, 2 * COIN)),
        ("polygon", poly.pay(cast.EMPLOYER, cast.LANDING, 5 * COIN)),
        ("polygon", poly.token(cast.USDC_POLYGON, cast.MERCHANT, cast.LANDING, OWN)),
    ]


def steps(eth: Pen, poly: Pen) -> list[tuple[str, Tx]]:
    """Every transaction with its chain, in the order in which they happen."""
    usdc = cast.USDC_POLYGON
    return [
        ("ethereum", eth.pay(cast.HARBOUR, cast.RUNNER, STOLEN)),
        ("ethereum", eth.pay(cast.RUNNER, cast.COOK, STOLEN - COIN // 10)),
        ("ethereum", _swap(eth)),
        ("ethereum", _deposit(eth)),
        ("polygon", _fill(poly)),
        *(
            ("polygon", poly.token(usdc, cast.LANDING, deposit, amount))
            for deposit, amount in zip(cast.DEPOSITS, CASHED, strict=False)
        ),
        ("polygon", poly.token(usdc, cast.LANDING, cast.STASH, STASHED)),
    ]


def _swap(eth: Pen) -> Tx:
    got = TokenMove("ERC-20", cast.USDC, cast.ROUTER, cast.COOK, GOT)
    return eth.call(cast.COOK, cast.ROUTER, got, value=SWAPPED)


def _deposit(eth: Pen) -> Tx:
    """Its event names the chain, the receiver there, and a number."""
    moved = TokenMove("ERC-20", cast.USDC, cast.COOK, cast.ACROSS, GOT)
    tx = eth.call(cast.COOK, cast.ACROSS, moved)
    topics = [cast.CHAIN_IDS["polygon"], _NUMBER, int(cast.COOK, 16)]
    data = [
        *(int(cast.USDC, 16), int(cast.USDC_POLYGON, 16), GOT, ARRIVED),
        *(0, 0, 0),  # times
        *(int(cast.LANDING, 16), 0),
        *(10 * 32, 0),  # a message of no bytes, and where it lies
    ]
    return _wrote(tx, cast.ACROSS, _DEPOSITED, topics, data)


def _fill(poly: Pen) -> Tx:
    """Somebody pays it out; the event repeats the number."""
    moved = TokenMove("ERC-20", cast.USDC_POLYGON, cast.RELAYER, cast.LANDING, ARRIVED)
    tx = poly.call(cast.RELAYER, cast.ACROSS_POLYGON, moved)
    origin = cast.CHAIN_IDS["ethereum"]
    topics = [origin, _NUMBER, int(cast.RELAYER, 16)]
    data = [
        *(int(cast.USDC, 16), int(cast.USDC_POLYGON, 16), GOT, ARRIVED, origin),
        *(0, 0),  # times
        *(0, int(cast.COOK, 16), int(cast.LANDING, 16), 0),
        *(int(cast.LANDING, 16), 0, ARRIVED, 0),
    ]
    return _wrote(tx, cast.ACROSS_POLYGON, _FILLED, topics, data)


def _wrote(tx: Tx, contract: str, event: str, topics: Sequence[int], data: Sequence[int]) -> Tx:
    """The transaction with one event more, after those of its tokens."""
    place = max(move.log_index for move in tx.tokens) + 1
    words = (f"0x{word:064x}" for word in topics)
    told = "0x" + "".join(f"{word:064x}" for word in data)
    return replace(tx, logs=(RawLog(contract, (topic(event), *words), told, place),))
