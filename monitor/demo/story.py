"""A laundering story over four chains: weeks of history, then a few minutes of chain time.

`ledgers(now)` makes the chains with their history; `play` applies the beats one by one.
What each beat stands for is the list of methods in the complaint against such a ring:
test payments, swaps, NFTs, bridges, small sums into exchanges, commingling, spam.
How the stolen money runs on is in `onward`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from monitor.demo import cast, onward
from monitor.demo.pen import Pen
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger, Ledger, TokenName, UtxoLedger
from monitor.demo.world.moves import Input, Internal, Output, TokenMove, Tx, UtxoTx
from monitor.demo.world.utxo_raw import sealed

COIN = 10**18
UNIT = 10**6  # of USDT and USDC
SAT = 10**8
SUN = 10**6
HOUR = 3600
DAY = 24 * HOUR
BITCOIN_GENESIS = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
CODE = "0x6001"  # of a contract; nobody runs it
HOSTILE = "Claim your reward at https://evil.example/<script>\u202e"


@dataclass(slots=True)
class World:
    """The four chains, their pens, and what the bitcoin actors can spend."""

    bitcoin: UtxoLedger
    ethereum: AccountLedger
    polygon: AccountLedger
    tron: AccountLedger
    pens: dict[str, Pen] = field(
        default_factory=lambda: {c: Pen(c) for c in ("ethereum", "polygon", "tron")}
    )
    coins: dict[str, list[tuple[str, int, Output]]] = field(default_factory=dict)

    def account(self, chain: str) -> AccountLedger:
        return {"ethereum": self.ethereum, "polygon": self.polygon, "tron": self.tron}[chain]

    def all(self) -> dict[str, UtxoLedger | AccountLedger]:
        return {
            "bitcoin": self.bitcoin,
            "ethereum": self.ethereum,
            "polygon": self.polygon,
            "tron": self.tron,
        }


@dataclass(frozen=True, slots=True)
class Beat:
    """One event: `at` seconds of chain time after the start, what it shows, what it does.
    `apply` gets the chain time now and may return nothing. `reaches`: addresses that following
    must come to."""

    at: int
    chain: str
    title: str
    apply: Callable[[World, int], object]
    reaches: Collection[str] = ()


def ledgers(now: int) -> World:
    """The chains as they stand when the story begins at `now` (Unix seconds): history
    from eleven weeks ago on, deep enough below the head to be final."""
    world = World(
        bitcoin=UtxoLedger(first_height=880_000, time=now - 90 * DAY),
        ethereum=AccountLedger(first_height=21_400_000, time=now - 90 * DAY),
        polygon=AccountLedger(first_height=66_000_000, time=now - 90 * DAY, block_time=2),
        tron=AccountLedger(tron=True, first_height=68_000_000, time=now - 90 * DAY, block_time=3),
    )
    world.bitcoin.genesis = BITCOIN_GENESIS
    _name_contracts(world)
    for past in _history(world):
        past_time = now - past.at
        _mine(world.all()[past.chain], past_time, past.txs)
    for chain, depth in (("bitcoin", 7), ("ethereum", 70), ("polygon", 135), ("tron", 25)):
        _pad(world.all()[chain], now, depth)
    return world


def serve(explorer: Explorer, world: World) -> None:
    """Put the four chains behind the explorer, each in its usual style, and their prices."""
    for chain, ledger in world.all().items():
        explorer.add(chain, ledger, *cast.STYLES[chain], chain_id=cast.CHAIN_IDS.get(chain))
    explorer.price(cast.PRICES)


def play(world: World, clock: Callable[[], int], step: Callable[[Beat], None]) -> None:
    """Apply every beat in order. `clock` gives the chain time for new blocks, in Unix
    seconds; `step` is called before each beat, waits until it is due, and may print."""
    for beat in BEATS:
        step(beat)
        moment = clock()
        for chain in ("ethereum", "polygon", "tron"):
            _mine(world.account(chain), moment, ())
        beat.apply(world, moment)


@dataclass(frozen=True, slots=True)
class Past:
    at: int  # seconds before the story
    chain: str
    txs: tuple[Tx, ...] | tuple[UtxoTx, ...]


def _history(world: World) -> list[Past]:
    eth, poly, tron = (world.pens[c] for c in ("ethereum", "polygon", "tron"))
    return [
        Past(80 * DAY, "bitcoin", (_fund(world, cast.SAVINGS, SAT // 2),)),
        Past(79 * DAY, "bitcoin", (_fund(world, cast.STRANGER, 4 * SAT // 10),)),
        Past(78 * DAY, "bitcoin", (_fund(world, cast.SAVINGS, 3 * SAT // 10),)),
        Past(77 * DAY, "ethereum", (eth.pay(cast.EMPLOYER, cast.PAYROLL, 20 * COIN),)),
        Past(
            70 * DAY,
            "ethereum",
            (
                eth.token(cast.USDT, cast.EMPLOYER, cast.PAYROLL, 48_000 * UNIT),
                eth.pay(cast.BUYER, cast.HARBOUR, 40 * COIN),
            ),
        ),
        Past(60 * DAY, "tron", (tron.pay(cast.MULE, cast.CASH_OUT, 500 * SUN),)),
        Past(
            45 * DAY,
            "tron",
            (tron.token(cast.USDT_TRON, cast.MULE, cast.CASH_OUT, 1_000_040_500_000),),
        ),
        Past(
            31 * DAY,
            "ethereum",
            (eth.token(cast.USDT, cast.EMPLOYER, cast.PAYROLL, 52_000 * UNIT),),
        ),
        Past(20 * DAY, "polygon", (poly.pay(cast.EMPLOYER, cast.PAYOUT, 50 * COIN),)),
        Past(
            12 * DAY,
            "ethereum",
            (eth.token(cast.USDT, cast.PAYROLL, cast.EMPLOYER, 1_500 * UNIT),),
        ),
        *(
            Past(11 * DAY - n, chain, (tx,))
            for n, (chain, tx) in enumerate(onward.before(eth, poly))
        ),
        Past(50 * HOUR, "tron", (tron.pay(cast.CASH_OUT, cast.MULE, 20 * SUN),)),
    ]


def _name_contracts(world: World) -> None:
    world.ethereum.tokens.update(
        {
            cast.USDT: TokenName("USDT", "Demo Tether", 6),
            cast.USDC: TokenName("USDC", "Demo USD Coin", 6),
            cast.FAKE: TokenName("USDT", HOSTILE, 6),
            cast.ART: TokenName("CRANES", "Folded Cranes", None, "ERC-721"),
        }
    )
    world.polygon.tokens[cast.USDC_POLYGON] = TokenName("USDC", "Demo USD Coin", 6)
    world.tron.tokens[cast.USDT_TRON] = TokenName("USDT", "Demo Tether", 6)
    world.ethereum.codes.update(dict.fromkeys((cast.ROUTER, cast.MARKET, cast.BRIDGE), CODE))
    world.ethereum.codes[cast.ACROSS] = CODE
    world.polygon.codes.update(dict.fromkeys((cast.BRIDGE_POLYGON, cast.ACROSS_POLYGON), CODE))


def _mine(ledger: Ledger[Tx] | UtxoLedger, moment: int, txs: Iterable[object]) -> None:
    """Mine at a chain time; blocks never run backwards or stand still."""
    after = ledger.head.time + 1 if len(ledger) else moment
    ledger.mine(tuple(txs), max(moment, after))  # type: ignore[arg-type]


def _pad(ledger: UtxoLedger | AccountLedger, now: int, depth: int) -> None:
    for place in range(depth, 0, -1):
        _mine(ledger, now - place * ledger.block_time, ())


# Bitcoin.


def _txid(*parts: object) -> str:
    return hashlib.sha256("/".join(map(str, ("fundwatch demo", *parts))).encode()).hexdigest()


def _fund(world: World, address: str, value: int) -> UtxoTx:
    """A payment out of nowhere, so that the address has something to spend."""
    source = Output(cast.bitcoin("old money"), value + 2_000, kind="p2pkh")
    spent = Input(_txid("source", address, value), 1, source)
    tx = sealed(UtxoTx("", (spent,), (Output(address, value),)))
    world.coins.setdefault(address, []).append((tx.hash, 0, tx.vout[0]))
    return tx


def _spend(world: World, *addresses: str) -> tuple[Input, ...]:
    return tuple(Input(*coin) for a in addresses for coin in world.coins.pop(a))


def _savings_move(world: World, _: int) -> None:
    """Two inputs of the entry and one of somebody; receiver, another entry, change."""
    inputs = _spend(world, cast.SAVINGS, cast.STRANGER)
    outputs = (
        Output(cast.RECEIVER, 75_000_000),
        Output(cast.COURIER, 25_000_000, kind="p2pkh"),
        Output(cast.SAVINGS, 19_980_000),
    )
    world.bitcoin.submit(sealed(UtxoTx("", inputs, outputs, size=400, weight=1300)))


def _savings_mined(world: World, moment: int) -> None:
    _mine(world.bitcoin, moment, tuple(world.bitcoin.mempool.values()))


# Tron.


def _tron_pays(amount: int) -> Callable[[World, int], None]:
    def apply(world: World, moment: int) -> None:
        tx = world.pens["tron"].token(cast.USDT_TRON, cast.CASH_OUT, cast.BROKER, amount)
        _mine(world.tron, moment, (tx,))

    return apply


# Ethereum and Polygon.


def _swap(world: World, moment: int) -> None:
    legs = (
        TokenMove("ERC-20", cast.USDT, cast.PAYROLL, cast.ROUTER, 90_000 * UNIT),
        TokenMove("ERC-20", cast.USDC, cast.ROUTER, cast.PAYROLL, 89_910 * UNIT),
    )
    tx = world.pens["ethereum"].call(cast.PAYROLL, cast.ROUTER, *legs)
    _mine(world.ethereum, moment, (tx,))


def _buy_art(world: World, moment: int) -> None:
    moved = TokenMove("ERC-721", cast.ART, cast.SELLER, cast.PAYROLL, 1, token_id=1207)
    price = Internal(cast.MARKET, cast.SELLER, 3 * COIN, path="0")
    pen = world.pens["ethereum"]
    tx = pen.call(cast.PAYROLL, cast.MARKET, moved, value=3 * COIN, inner=(price,))
    _mine(world.ethereum, moment, (tx,))


def _into_bridge(world: World, moment: int) -> None:
    moved = TokenMove("ERC-20", cast.USDC, cast.PAYROLL, cast.BRIDGE, 80_000 * UNIT)
    tx = world.pens["ethereum"].call(cast.PAYROLL, cast.BRIDGE, moved)
    _mine(world.ethereum, moment, (tx,))


def polygon_pays(*payments: tuple[str, str, int]) -> Callable[[World, int], None]:
    def apply(world: World, moment: int) -> None:
        pen = world.pens["polygon"]
        txs = [pen.token(cast.USDC_POLYGON, *payment) for payment in payments]
        _mine(world.polygon, moment, txs)

    return apply


def _spam(world: World, moment: int) -> None:
    """A transfer of nothing in the victim's name, and a counterfeit with a loud name."""
    pen = world.pens["ethereum"]
    nothing = TokenMove("ERC-20", cast.USDT, cast.HARBOUR, cast.LOOKALIKE, 0)
    poison = pen.call(cast.POISONER, cast.USDT, nothing)
    fake = TokenMove("ERC-20", cast.FAKE, cast.POISONER, cast.HARBOUR, 50_000 * UNIT)
    _mine(world.ethereum, moment, (poison, pen.call(cast.POISONER, cast.FAKE, fake)))


def _doomed_payment(world: World, moment: int) -> None:
    tx = world.pens["ethereum"].pay(cast.HARBOUR, cast.BUYER, 25 * COIN // 2)
    _mine(world.ethereum, moment, (tx,))


def _reorg(world: World, moment: int) -> None:
    """The block of the payment and all above it are replaced by a longer branch without it."""
    ledger = world.ethereum
    paid = max(r.height for r in ledger.records("native", cast.HARBOUR))
    count = ledger.head.height - paid + 1
    ledger.reorg(count, [()] * (count + 1))
    _mine(ledger, moment, ())


def _runs_on(world: World, moment: int) -> None:
    """Faster than anybody could act on the first alert."""
    pens = world.pens
    for later, (chain, tx) in enumerate(onward.steps(pens["ethereum"], pens["polygon"])):
        _mine(world.account(chain), moment + later, (tx,))


def _quiet(_: World, __: int) -> None:
    """Only the next blocks."""


BEATS: tuple[Beat, ...] = (
    Beat(5, "tron", "a test payment of 10 USDT", _tron_pays(10 * UNIT)),
    Beat(25, "bitcoin", "savings move, seen in the mempool", _savings_move),
    Beat(40, "tron", "a million USDT leaves", _tron_pays(1_000_000 * UNIT)),
    Beat(55, "ethereum", "a swap: USDT out, USDC in", _swap),
    Beat(65, "ethereum", "an NFT is bought", _buy_art),
    Beat(80, "ethereum", "USDC goes into a bridge", _into_bridge),
    Beat(95, "ethereum", "a payment that will not last", _doomed_payment),
    Beat(
        110,
        "polygon",
        "and comes out on another chain",
        polygon_pays((cast.BRIDGE_POLYGON, cast.PAYOUT, 79_920 * UNIT)),
    ),
    Beat(130, "ethereum", "replaced blocks: it did not happen", _reorg),
    Beat(
        145,
        "polygon",
        "small sums into an exchange",
        polygon_pays(*((cast.PAYOUT, deposit, 900 * UNIT) for deposit in cast.DEPOSITS)),
    ),
    Beat(155, "ethereum", "spam: nothing moved, and a counterfeit", _spam),
    Beat(
        165,
        "polygon",
        "clean money is mixed in",
        polygon_pays((cast.MERCHANT, cast.PAYOUT, 250 * UNIT)),
    ),
    Beat(170, "ethereum", "the thief pays, and it runs on", _runs_on, onward.FIRST),
    Beat(190, "bitcoin", "the savings' transaction is in a block", _savings_mined),
    Beat(210, "all", "the chains go on", _quiet),
)
