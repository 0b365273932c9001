"""A trace by hand, whose figures are those of the worked example of METHODS 1.3 (vector A01).

`kept` puts states of it into the record of a new home folder.

The watched address pays 200 to HUB, where 100 of somebody else's lie. HUB pays 75 to an exchange,
80 to SWAPPER and 60 to REST; 85 stay. SWAPPER turns its 80 USDT into 32 ETH and sends 12 of them
over a bridge, of which 11.99 arrive at FAR on Arbitrum. Of USDT all in thousands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from monitor.app import setup
from monitor.model import Subject
from monitor.model.acts import DAEMON
from monitor.model.acts_trace import TakeTrace
from monitor.model.flow import METHODS
from monitor.model.trace import (
    ByMethod,
    Edge,
    Lead,
    Name,
    Need,
    Node,
    Question,
    State,
    Stop,
    Sum,
    Terms,
    Total,
    Trace,
    TracedAsset,
    Wanted,
)
from monitor.store.commit import commit
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store

START = 1_700_000_000
SOURCE, HUB, EXCHANGE, SWAPPER, REST, BRIDGE, FAR = (
    "0x" + f"{n:02x}" * 20 for n in range(0xA1, 0xA8)
)
USDT = TracedAsset("ethereum", "0xdac17f958d2ee523a2206206994597c13d831ec7", "USDT", 6, True)
ETH = TracedAsset("ethereum", "", "ETH", 18, True)
FAR_ETH = TracedAsset("arbitrum", "", "ETH", 18, True)
COINS = {USDT: 10**9, ETH: 10**18, FAR_ETH: 10**18}  # base units of one of the story's
PRICE = {USDT: 1_000 * 10**6, ETH: 2_500 * 10**6, FAR_ETH: 2_500 * 10**6}


def by_method(*figures: int | str | Fraction, unit: int = 1) -> dict[str, int]:
    """Six figures in the order of METHODS, or one for all of them; fractions are cut."""
    all_six = figures * 6 if len(figures) == 1 else figures
    return {m: int(Fraction(f) * unit) for m, f in zip(METHODS, all_six, strict=True)}


IN = by_method(200, unit=10**9)
TO_EXCHANGE = by_method(75, 75, 50, 0, 75, 0, unit=10**9)
TO_SWAPPER = by_method(80, 80, "160/3", 55, 80, 55, unit=10**9)
TO_REST = by_method(60, 45, 40, 60, 45, 60, unit=10**9)
AT_HUB = {m: IN[m] - TO_EXCHANGE[m] - TO_SWAPPER[m] - TO_REST[m] for m in METHODS}
AT_HUB |= {"poison": 85 * 10**9}
BOUGHT = {m: TO_SWAPPER[m] * 10**9 * 2 // 5 for m in METHODS}
BRIDGED = by_method(12, 12, 8, 2, 12, 2, unit=10**18)
BRIDGED |= {"haircut": BOUGHT["haircut"] * 12 // 32}  # 21.33... of 32 are a whole number only so
LANDED = {m: BRIDGED[m] * 1199 // 1200 for m in METHODS}
KEPT = {m: BOUGHT[m] - BRIDGED[m] for m in METHODS}


def summed(asset: TracedAsset, amount: ByMethod, *, newest: bool = False) -> Sum:
    usd = worth(asset, amount)
    return Sum(asset, amount, usd, {}, None, usd if newest else None, "2026-11-27" * newest)


def worth(asset: TracedAsset, amount: ByMethod) -> ByMethod:
    return {m: units * PRICE[asset] // COINS[asset] for m, units in amount.items()}


def edge(
    number: int,
    ends: tuple[str, str],
    moved: tuple[TracedAsset, int],
    traced: ByMethod,
    hop: int,
    held: tuple[int | None, ByMethod] = (None, {}),
    **more: object,
) -> Edge:
    """The movement of that number, an hour after the one before it."""
    asset, amount = moved
    made = Edge(
        *(asset.chain, f"0x{number:064x}", "leg", "erc20" if asset.contract else "native"),
        *(*ends, asset, amount, START + 3600 * number, hop, traced, worth(asset, traced)),
        height=18_000_000 + number,
        held=held[0],
        before=held[1],
    )
    return replace(made, **more)  # type: ignore[arg-type]


def node(
    address: str,
    hop: int,
    state: State,
    sums: tuple[Sequence[Sum], Sequence[Sum], Sequence[Sum]],
    *,
    chain: str = "ethereum",
    **more: object,
) -> Node:
    received, left, holds = map(tuple, sums)
    made = Node(
        Subject(chain, address),
        hop,
        state,
        first_traced=START + 3600 * hop,
        last_moved=START + 3600 * 6,
        covered_to=START + 86_400,
        received=received,
        left=left,
        holds=holds,
    )
    return replace(made, **more)  # type: ignore[arg-type]


THOUSAND = 10**9  # units of USDT
COIN = 10**18
EDGES = (
    edge(1, (SOURCE, HUB), (USDT, 200 * THOUSAND), IN, 1, (None, IN)),
    edge(2, (HUB, EXCHANGE), (USDT, 75 * THOUSAND), TO_EXCHANGE, 2, (300 * THOUSAND, IN)),
    edge(
        *(3, (HUB, SWAPPER), (USDT, 80 * THOUSAND), TO_SWAPPER, 2),
        (225 * THOUSAND, {m: IN[m] - TO_EXCHANGE[m] for m in METHODS} | {"poison": 225 * THOUSAND}),
    ),
    edge(
        *(4, (HUB, REST), (USDT, 60 * THOUSAND), TO_REST, 2),
        (
            145 * THOUSAND,
            {m: IN[m] - TO_EXCHANGE[m] - TO_SWAPPER[m] for m in METHODS}
            | {"poison": 145 * THOUSAND},
        ),
    ),
    edge(
        *(5, (SWAPPER, SWAPPER), (USDT, 80 * THOUSAND), TO_SWAPPER, 3),
        (80 * THOUSAND, TO_SWAPPER),
        via="swap",
        got=summed(ETH, BOUGHT),
        got_amount=32 * COIN,
        rule="one asset went out and one came in in one transaction",
    ),
    edge(
        *(6, (SWAPPER, FAR), (ETH, 12 * COIN), BRIDGED, 3),
        (32 * COIN, BOUGHT),
        via="bridge",
        to_chain="arbitrum",
        got=summed(FAR_ETH, LANDED),
        got_amount=1199 * 10**16,
        rule="Across deposit 77 of ethereum is filled by this transaction",
    ),
)
NODES = (
    node(SOURCE, 0, State.SOURCE, ((), [summed(USDT, IN)], ()), last_moved=START + 3600),
    node(
        HUB,
        1,
        State.FOLLOWED,
        (
            [summed(USDT, IN)],
            [summed(USDT, {m: TO_EXCHANGE[m] + TO_SWAPPER[m] + TO_REST[m] for m in METHODS})],
            [summed(USDT, AT_HUB, newest=True)],
        ),
    ),
    node(
        SWAPPER,
        2,
        State.FOLLOWED,
        (
            [summed(USDT, TO_SWAPPER), summed(ETH, BOUGHT)],
            [summed(USDT, TO_SWAPPER), summed(ETH, BRIDGED)],
            [summed(ETH, KEPT, newest=True)],
        ),
    ),
    node(
        EXCHANGE,
        2,
        State.STOPPED,
        ([summed(USDT, TO_EXCHANGE)], (), [summed(USDT, TO_EXCHANGE, newest=True)]),
        stop=Stop("exchange", "named as Binance 14 by etherscan labels (2024-05-01)"),
        names=(Name("Binance 14", "exchange", "etherscan labels", "2024-05-01", "high"),),
    ),
    node(
        REST,
        2,
        State.QUEUED,
        ([summed(USDT, TO_REST)], (), [summed(USDT, TO_REST, newest=True)]),
        complete=False,
        unread=("its history is not read yet",),
        covered_to=None,
    ),
    node(
        FAR,
        3,
        State.PARKED,
        ([summed(FAR_ETH, LANDED)], (), [summed(FAR_ETH, LANDED, newest=True)]),
        chain="arbitrum",
    ),
)


def totals() -> tuple[Total, ...]:
    return tuple(total for method in METHODS for total in _of(method))


def _of(m: str) -> tuple[Total, ...]:
    return (
        Total(
            *(USDT, m, IN[m]),
            converted_out=TO_SWAPPER[m],
            resting=AT_HUB[m],
            ended={"exchange": TO_EXCHANGE[m]},
            unfollowed=TO_REST[m],
        ),
        Total(ETH, m, converted_in=BOUGHT[m], converted_out=BRIDGED[m], resting=KEPT[m]),
        Total(FAR_ETH, m, converted_in=LANDED[m], resting=LANDED[m]),
        Total(
            *(None, m, _usd(USDT, IN)[m]),
            resting=_usd(USDT, IN)[m] - _usd(USDT, TO_EXCHANGE)[m] - _usd(USDT, TO_REST)[m],
            ended={"exchange": _usd(USDT, TO_EXCHANGE)[m]},
            unfollowed=_usd(USDT, TO_REST)[m],
        ),
    )


def _usd(asset: TracedAsset, amount: ByMethod) -> Mapping[str, int]:
    return worth(asset, amount)


def trace(**more: object) -> Trace:
    """The whole story; `more` replaces fields."""
    made = Trace(
        "CRANE-01",
        "Salaries",
        Terms(),
        NODES,
        EDGES,
        totals(),
        wanted=(Wanted(Need.FOLLOW, Subject("ethereum", REST), 60_000 * 10**6),),
        questions=(
            Question(
                "ask_after", "1 address waits: may it be followed?", (Subject("ethereum", REST),)
            ),
        ),
        leads=(
            Lead(
                EDGES[5].tx,
                Subject("arbitrum", FAR),
                "12 ETH left over a bridge; a like amount came to this address 4 minutes later",
            ),
        ),
        followed=3,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def kept(home: Path, *states: tuple[int, Trace]) -> Path:
    """A new home folder whose record holds these states, each taken at its moment."""
    setup.init(home, example=False)
    store = Store(home / DATABASE)
    try:
        for at, state in states:
            commit(store, DAEMON, TakeTrace(at, state.case, state))
    finally:
        store.close()
    return home
