"""Invented cases on a scripted chain, each movement with what it means beside it: coins and tokens
with fees, payments from inside, swaps, wraps, NFTs, circles, splits and merges, two sources. And
what a trace of it has to say, worked out from the meaning alone, in plain fractions."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from monitor.demo.world.ledger import AccountLedger
from monitor.demo.world.moves import ZERO_ADDRESS, Internal, TokenMove, Tx
from monitor.model.flow import CONSERVING, FEES, Account, Flow, Ground, Moved, Turned
from world.plain_attribution import Plain

USDC, DAI, WETH, FAKE, APES = ("0x" + f"{n:02x}" * 20 for n in range(0x11, 0x16))
BANK, EXCHANGE, MIXER, POOL, ROUTER = ("0x" + f"{n:02x}" * 20 for n in range(0xE1, 0xE6))
SOURCES = tuple("0x" + f"{n:02x}" * 20 for n in (0xA1, 0xA2))
PEOPLE = tuple("0x" + f"{n:02x}" * 20 for n in range(0xB1, 0xB9))
NAMED = {BANK: "exchange", EXCHANGE: "exchange", MIXER: "mixer", POOL: "dex", ROUTER: "dex"}
COIN = ""
GAS_PRICE = 10**12
FEE = 21_000 * GAS_PRICE  # 42 USD
COIN_USD = 2000
# Base units that are a dollar.
DOLLAR = {COIN: 10**18 // COIN_USD, WETH: 10**18 // COIN_USD, USDC: 10**6, DAI: 10**6}
PIECE = 10**18


@dataclass(frozen=True)
class Move:
    giver: str
    taker: str
    asset: str
    amount: int


@dataclass(frozen=True)
class Turn:
    """One asset out and another in; `taker` may be somebody else."""

    giver: str
    given_asset: str
    given: int
    taker: str
    got_asset: str
    got: int


@dataclass(frozen=True)
class Fee:
    payer: str
    amount: int = FEE


Meaning = Move | Turn | Fee


@dataclass
class World:
    """Written as it goes; `said`: what every transaction means, in order."""

    seed: int
    start: int
    logs: bool = True  # whether whoever tells of it knows the order inside of a transaction
    routers: bool = True
    ledger: AccountLedger = field(init=False)
    said: list[tuple[str, int, list[Meaning]]] = field(default_factory=list)  # tx, time, meanings
    balances: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    owners: dict[str, str] = field(default_factory=dict)  # of NFTs
    count: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.ledger = AccountLedger(time=self.start)
        self.at = self.start

    # --- writing -----------------------------------------------------------------------------

    def play(self, steps: int) -> None:
        """Everybody has something of their own, and then this happens."""
        for who in (*SOURCES, *PEOPLE, *SOURCES):
            self._block([lambda who=who: self._paid(BANK, who, COIN, 2 * DOLLAR[COIN] * 1000)])
            self._block([lambda who=who: self._fund(who)])
        while steps > 0:
            many = self.random.choice((1, 1, 1, 2, 3))
            self._block([self._any] * many)
            steps -= many

    def settle(self, blocks: int = 20) -> None:
        for _ in range(blocks):
            self.at += 12
            self.ledger.mine((), self.at)

    def _block(self, makers: list[Callable[[], tuple[Tx, list[Meaning]] | None]]) -> None:
        self.at += self.random.choice((12, 60, 3600))
        txs = []
        for make in makers:
            made = make()
            if made is not None:
                tx, meaning = made
                txs.append(tx)
                self.said.append((tx.hash, self.at, meaning))
                self._book(meaning)
        self.ledger.mine(txs, self.at)

    def _book(self, meaning: list[Meaning]) -> None:
        for each in meaning:
            if isinstance(each, Fee):
                self.balances[each.payer, COIN] -= each.amount
            elif isinstance(each, Move):
                self.balances[each.giver, each.asset] -= each.amount
                self.balances[each.taker, each.asset] += each.amount
            else:
                self.balances[each.giver, each.given_asset] -= each.given
                self.balances[each.taker, each.got_asset] += each.got

    def _name(self) -> str:
        self.count += 1
        return "0x" + hashlib.sha256(f"{self.seed} {self.count}".encode()).hexdigest()

    def _tx(self, signer: str, to: str, **more: object) -> Tx:
        return Tx(self._name(), signer, to, gas_price=GAS_PRICE, nonce=self.count, **more)  # type: ignore[arg-type]

    def _fund(self, who: str) -> tuple[Tx, list[Meaning]]:
        asset = self.random.choice((COIN, USDC, DAI))
        return self._paid(BANK, who, asset, self.random.randint(500, 20_000) * DOLLAR[asset])

    def _paid(self, giver: str, taker: str, asset: str, amount: int) -> tuple[Tx, list[Meaning]]:
        meaning: list[Meaning] = [Move(giver, taker, asset, amount), Fee(giver)]
        if asset == COIN:
            return self._tx(giver, taker, value=amount), meaning
        moves = (TokenMove("ERC-20", asset, giver, taker, amount, log_index=3),)
        return self._tx(giver, asset, tokens=moves), meaning

    def _any(self) -> tuple[Tx, list[Meaning]] | None:
        kinds = (
            *(self._pays,) * 8,
            *(self._swaps,) * 3,
            *(self._several,) * (2 * self.logs),
            *(self._inside,) * 2,
            *(self._wraps,) * 2,
            *(self._buys,) * 2,
            *(self._aggregates,) * self.routers,
            *(self._forwards,) * (self.routers and self.logs),
            *(self._funds, self._fails, self._bait, self._self),
        )
        return self.random.choice(kinds)()

    def _somebody(self, asset: str, least: int) -> str | None:
        """Who can pay so many dollars, and the fee."""

        def able(who: str) -> bool:
            has = self.balances[who, asset] - (FEE if asset == COIN else 0)
            return has >= least * DOLLAR[asset] and self.balances[who, COIN] >= 2 * FEE

        found = [who for who in (*SOURCES, *SOURCES, *PEOPLE) if able(who)]
        return self.random.choice(found) if found else None

    def _amount(self, who: str, asset: str) -> int:
        """Some of it, all, or little."""
        most = self.balances[who, asset] - (FEE if asset == COIN else 0)
        roll = self.random.random()
        if roll < 0.2:
            return most
        if roll < 0.35:
            return min(most, self.random.randint(1, 60 * DOLLAR[asset]))
        return self.random.randint(1, most)

    def _taker(self, but: str) -> str:
        everybody = [*PEOPLE, *PEOPLE, *SOURCES, EXCHANGE, MIXER, ZERO_ADDRESS]
        return self.random.choice([who for who in everybody if who != but])

    def _what(self) -> tuple[str, str] | None:
        asset = self.random.choice((COIN, COIN, USDC, USDC, DAI, WETH))
        who = self._somebody(asset, 20)
        return None if who is None else (who, asset)

    def _pays(self) -> tuple[Tx, list[Meaning]] | None:
        found = self._what()
        if found is None:
            return None
        who, asset = found
        return self._paid(who, self._taker(who), asset, self._amount(who, asset))

    def _funds(self) -> tuple[Tx, list[Meaning]]:
        return self._fund(self.random.choice((*SOURCES, *PEOPLE)))

    def _several(self) -> tuple[Tx, list[Meaning]] | None:
        """A token to several in one transaction."""
        asset = self.random.choice((USDC, DAI))
        who = self._somebody(asset, 20)
        if who is None:
            return None
        amount = self._amount(who, asset)
        parts = [amount // 3, amount - amount // 3]
        moves, meaning = [], []
        for n, part in enumerate(parts):
            taker = self._taker(who)
            if part:
                moves.append(TokenMove("ERC-20", asset, who, taker, part, log_index=5 + n))
                meaning.append(Move(who, taker, asset, part))
        return self._tx(who, asset, tokens=tuple(moves)), [*meaning, Fee(who)]

    def _inside(self) -> tuple[Tx, list[Meaning]] | None:
        """Clean coins by a payment inside of a transaction of the bank's."""
        taker = self.random.choice(PEOPLE)
        amount = self.random.randint(1, 4000) * DOLLAR[COIN]
        paid = Internal(BANK, taker, amount, path="0_1")
        return self._tx(BANK, POOL, internals=(paid,)), [Move(BANK, taker, COIN, amount), Fee(BANK)]

    def _swaps(self) -> tuple[Tx, list[Meaning]] | None:
        found = self._what()
        if found is None:
            return None
        who, asset = found
        other = self.random.choice([a for a in (COIN, USDC, DAI) if a != asset])
        return self._swapped(who, asset, self._amount(who, asset), other, who)

    def _aggregates(self) -> tuple[Tx, list[Meaning]] | None:
        """A swap of tokens that pays somebody else."""
        who = self._somebody(USDC, 100)
        if who is None:
            return None
        taker = self.random.choice([p for p in PEOPLE if p != who])
        amount = self.random.randint(60 * DOLLAR[USDC], self.balances[who, USDC])
        got = amount * self.random.randint(95, 100) // 100
        moves = (
            TokenMove("ERC-20", USDC, who, ROUTER, amount, log_index=1),
            TokenMove("ERC-20", USDC, ROUTER, POOL, amount, log_index=2),
            TokenMove("ERC-20", DAI, POOL, taker, got, log_index=4),
        )
        turn = Turn(who, USDC, amount, taker, DAI, got)
        return self._tx(who, ROUTER, tokens=moves), [turn, Fee(who)]

    def _forwards(self) -> tuple[Tx, list[Meaning]] | None:
        """A router that passes a token on to two."""
        who = self._somebody(USDC, 100)
        if who is None:
            return None
        one, two = self.random.sample([p for p in PEOPLE if p != who], 2)
        amount = self.random.randint(60 * DOLLAR[USDC], self.balances[who, USDC])
        first = amount // 3
        moves = (
            TokenMove("ERC-20", USDC, who, ROUTER, amount, log_index=1),
            TokenMove("ERC-20", USDC, ROUTER, one, first, log_index=2),
            TokenMove("ERC-20", USDC, ROUTER, two, amount - first, log_index=4),
        )
        meaning = [Move(who, one, USDC, first), Move(who, two, USDC, amount - first), Fee(who)]
        return self._tx(who, ROUTER, tokens=moves), meaning

    def _swapped(
        self, who: str, asset: str, amount: int, other: str, taker: str
    ) -> tuple[Tx, list[Meaning]] | None:
        rate = Fraction(self.random.randint(950, 1000), 1000)
        got = int(Fraction(amount, DOLLAR[asset]) * DOLLAR[other] * rate)
        if not got:
            return None
        moves, inside, value = [], [], 0
        if asset == COIN:
            value = amount
        else:
            moves.append(TokenMove("ERC-20", asset, who, POOL, amount, log_index=1))
        if other == COIN:
            inside.append(Internal(POOL, taker, got, path="0_2"))
        else:
            moves.append(TokenMove("ERC-20", other, POOL, taker, got, log_index=2))
        tx = self._tx(who, POOL, value=value, tokens=tuple(moves), internals=tuple(inside))
        return tx, [Turn(who, asset, amount, taker, other, got), Fee(who)]

    def _wraps(self) -> tuple[Tx, list[Meaning]] | None:
        asset, other = self.random.choice(((COIN, WETH), (WETH, COIN)))
        who = self._somebody(asset, 20)
        if who is None:
            return None
        amount = self._amount(who, asset)
        turn = Turn(who, asset, amount, who, other, amount)
        if asset == COIN:
            moves = (TokenMove("ERC-20", WETH, ZERO_ADDRESS, who, amount, log_index=1),)
            return self._tx(who, WETH, value=amount, tokens=moves), [turn, Fee(who)]
        moves = (TokenMove("ERC-20", WETH, who, ZERO_ADDRESS, amount, log_index=1),)
        paid = (Internal(WETH, who, amount, path="0_0"),)
        return self._tx(who, WETH, tokens=moves, internals=paid), [turn, Fee(who)]

    def _buys(self) -> tuple[Tx, list[Meaning]] | None:
        """An NFT of a person, or a new one of the bank."""
        who = self._somebody(USDC, 50)
        if who is None:
            return None
        nft = str(self.random.randint(1, 3))
        owner = self.owners.get(nft, BANK)
        if owner in (who, ZERO_ADDRESS):
            return None
        price = self.random.randint(40 * DOLLAR[USDC], self.balances[who, USDC])
        moves = (
            TokenMove("ERC-20", USDC, who, owner, price, log_index=1),
            TokenMove("ERC-721", APES, owner, who, 1, log_index=2, token_id=int(nft)),
        )
        self.owners[nft] = who
        piece = f"{APES}#{nft}"
        meaning = [
            Turn(who, USDC, price, who, piece, PIECE),
            Turn(owner, piece, PIECE, owner, USDC, price),
            Fee(who),
        ]
        return self._tx(who, APES, tokens=moves), meaning

    def _fails(self) -> tuple[Tx, list[Meaning]] | None:
        who = self._somebody(COIN, 20)
        if who is None:
            return None
        tx = self._tx(who, self._taker(who), value=self._amount(who, COIN), ok=False)
        return tx, [Fee(who)]

    def _bait(self) -> tuple[Tx, list[Meaning]]:
        """Of strangers: nothing, in the name of others, and a token that is none."""
        one, two = self.random.sample(PEOPLE, 2)
        moves = (
            TokenMove("ERC-20", USDC, one, two, 0, log_index=1),
            TokenMove("ERC-20", FAKE, one, two, 10**12, log_index=2),
        )
        return self._tx(BANK, FAKE, tokens=moves), [Fee(BANK)]

    def _self(self) -> tuple[Tx, list[Meaning]] | None:
        who = self._somebody(COIN, 20)
        if who is None:
            return None
        return self._tx(who, who, value=self._amount(who, COIN)), [Fee(who)]


# --- what a trace has to say ---------------------------------------------------------------------

Amounts = dict[str, Fraction]  # by method


def _none() -> Amounts:
    return defaultdict(Fraction)


@dataclass
class Expected:
    """`opened`: who is followed; of these and of whom value reaches what came, left and rests."""

    opened: set[str] = field(default_factory=set)
    hops: dict[str, int] = field(default_factory=dict)
    received: dict[tuple[str, str], Amounts] = field(default_factory=lambda: defaultdict(_none))
    left: dict[tuple[str, str], Amounts] = field(default_factory=lambda: defaultdict(_none))
    holds: dict[tuple[str, str], Amounts] = field(default_factory=lambda: defaultdict(_none))
    # By tx, giver, taker, asset that went in.
    edges: dict[tuple[str, str, str, str], Amounts] = field(
        default_factory=lambda: defaultdict(_none)
    )
    out: dict[str, Amounts] = field(default_factory=lambda: defaultdict(_none))
    turned_in: dict[str, Amounts] = field(default_factory=lambda: defaultdict(_none))
    turned_out: dict[str, Amounts] = field(default_factory=lambda: defaultdict(_none))
    fees: Amounts = field(default_factory=lambda: defaultdict(Fraction))
    largest: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    usd: dict[str, Fraction] = field(default_factory=dict)
    out_usd: Fraction = Fraction(0)


def dollars(asset: str, amount: int) -> Fraction | None:
    return Fraction(amount, DOLLAR[asset]) if asset in DOLLAR else None


def flows_of(world: World, sources: frozenset[str]) -> list[tuple[str, str, str, Flow]]:
    """tx, giver, taker, flow."""
    found: list[tuple[str, str, str, Flow]] = []
    for tx, _, meanings in world.said:
        for n, each in enumerate(meanings):
            name = f"{tx} {n}"
            if isinstance(each, Fee):
                if each.payer not in sources:
                    payer, fees = Account("dev", each.payer, COIN), Account("dev", FEES, COIN)
                    found.append((tx, each.payer, FEES, Moved(name, payer, fees, each.amount)))
            elif isinstance(each, Move):
                giver = Account("dev", each.giver, each.asset)
                taker = Account("dev", each.taker, each.asset)
                worth = dollars(each.asset, each.amount) if each.giver in sources else None
                flow: Flow = Moved(name, giver, taker, each.amount, worth)
                found.append((tx, each.giver, each.taker, flow))
            elif not (each.giver in sources and each.taker == each.giver):
                giver = Account("dev", each.giver, each.given_asset)
                taker = Account("dev", each.taker, each.got_asset)
                worth = dollars(each.given_asset, each.given) if each.giver in sources else None
                flow = Turned(name, giver, each.given, taker, each.got, worth)
                found.append((tx, each.giver, each.taker, flow))
    return found


def expected(
    world: World, sources: frozenset[str], *, hops: int, min_usd: Fraction, min_share: Fraction
) -> Expected:
    """Opens whom the rules let through, until nobody is opened any more."""
    flows = flows_of(world, sources)
    opened: set[str] = set()
    while True:
        found = _run(flows, sources, opened)
        more = set()
        for who, largest in found.largest.items():
            if who in sources or who in NAMED or who == ZERO_ADDRESS or who in opened:
                continue
            share = found.usd[who] / found.out_usd if found.out_usd else Fraction(0)
            if largest >= min_usd and share >= min_share and found.hops[who] <= hops:
                more.add(who)
        if not more:
            found.opened = opened
            return found
        opened |= more


def _run(
    flows: list[tuple[str, str, str, Flow]], sources: frozenset[str], opened: set[str]
) -> Expected:
    accounts = {a for *_, flow in flows for a in _accounts(flow)}
    ground = Ground(
        {a: a.holder for a in accounts if a.holder in sources},
        frozenset(a for a in accounts if a.holder not in sources and a.holder not in opened),
    )
    plain = {method: Plain(method, ground, {}) for method in CONSERVING}
    for *_, flow in flows:
        for each in plain.values():
            each.write(flow)
    found = Expected()
    infected: dict[Account, set[str]] = defaultdict(set)
    hop: dict[Account, int] = {}
    worth: dict[str, Amounts] = defaultdict(lambda: defaultdict(Fraction))
    for at, (tx, giver, taker, flow) in enumerate(flows):
        assert isinstance(flow, Moved | Turned)
        given = flow.giver
        labels = (
            {given.holder}
            if given in ground.sources
            else set(infected[given]) - ({""} if given in ground.stops else set())
        )
        if given in ground.stops:
            labels = set()
        size = flow.given if isinstance(flow, Turned) else flow.amount
        came_size = flow.got if isinstance(flow, Turned) else flow.amount
        if not size or not came_size or flow.giver == flow.taker:
            continue
        taken: Amounts = {"poison": Fraction(size) * len(labels)}
        came: Amounts = {"poison": Fraction(came_size) * len(labels)}
        worths: Amounts = {}
        for method, each in plain.items():
            gone, got = each.went[at]
            taken[method] = sum((n for n, _ in gone.values()), Fraction(0))
            mine = got.get(flow.taker, {})
            came[method] = sum((n for n, _ in mine.values()), Fraction(0))
            worths[method] = sum((usd or Fraction(0) for _, usd in mine.values()), Fraction(0))
        if not labels:
            continue
        infected[flow.taker] |= labels
        _add(found.left[giver, given.asset], taken)
        if flow.taker.holder == FEES:
            _add(found.fees, came)
            continue
        _add(found.received[taker, flow.taker.asset], came)
        _add(found.edges[tx, giver, taker, given.asset], taken)
        if given in ground.sources:
            _add(found.out[given.asset], taken)
            found.out_usd += Fraction(flow.usd or 0)
        if flow.taker in ground.sources:
            _add(found.out[flow.taker.asset], came, -1)
        if isinstance(flow, Turned):
            _add(found.turned_in[flow.taker.asset], came)
            _add(found.turned_out[given.asset], taken)
        if not any(came[m] for m in CONSERVING):
            continue
        here = 0 if given in ground.sources else hop.get(given, 99)
        here += giver != taker
        hop[flow.taker] = min(here, hop.get(flow.taker, 99))
        if taker not in sources:
            found.hops[taker] = min(here, found.hops.get(taker, 99))
            if giver != taker:
                for method in CONSERVING:
                    worth[taker][method] += worths[method]
                found.largest[taker] = max(found.largest[taker], *worths.values())
                found.usd[taker] = max(worth[taker].values())
    for method, each in plain.items():
        for account, lots in each.lots.items():
            amount = sum((n for label, n, _ in lots if label is not None), Fraction(0))
            if amount:
                found.holds[account.holder, account.asset][method] += amount
    return found


def _accounts(flow: Flow) -> Iterator[Account]:
    assert isinstance(flow, Moved | Turned)
    yield from (flow.giver, flow.taker)


def _add(to: Amounts, more: Amounts, sign: int = 1) -> None:
    for method, amount in more.items():
        to[method] += sign * amount
