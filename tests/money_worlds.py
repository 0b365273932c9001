"""Random records of moved money, wilder than real ones, as traces of the real tracer: tokens of any
number of decimals, verified or not, with a price or without, NFTs, swaps, fees, bridges, several
sources, histories that are not whole, money that was there before, names that end a trace, words of
people, questions and leads. And the pages, files and answers that show them, read back."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from tracing_world import Case, Learner, at, on, person
from world.trail import BASE, ETH, PUNKS, ZERO

from monitor.analysis.trace.known import Known
from monitor.model import Asset, Kind, Subject
from monitor.model.flow import CONSERVING
from monitor.model.trace import Anatomy, Crossing, Lead, Need, Say, Terms, Trace

NAMES = ("S", "T", *"ABCDEFGHIJKL")
ENDS = ("exchange", "mixer", "bridge", "dex", "service", "issuer", "burn")


@dataclass(frozen=True)
class Token:
    contract: str | None  # None: the coin
    decimals: int

    def units(self, chance: random.Random) -> int:
        """Nothing, one unit, a little, a lot."""
        kind = chance.random()
        if kind < 0.03:
            return 0
        if kind < 0.1:
            return 1
        if kind < 0.13:
            return chance.randrange(2**200)
        return chance.randint(1, 3000 * 10**self.decimals)


@dataclass
class Wild(Case):
    """Also of tokens by `tokens_of`; `verified`: those whose names a person confirmed."""

    verified: dict[str, tuple[str, int]] = field(default_factory=dict)

    def knows(self, followed: Collection[Subject] = (), **more: Any) -> Known:
        known = super().knows(followed, **more)
        mine = {
            (chain.key, contract): Asset(chain.key, contract, symbol, decimals)
            for chain in (ETH, BASE)
            for contract, (symbol, decimals) in self.verified.items()
        }
        return replace(known, assets=mine)


def _tokens(chance: random.Random, case: Wild) -> list[Token]:
    case.prices.clear()
    if chance.random() < 0.8:
        case.prices[""] = Decimal(2000)
    found = [Token(None, 18)]
    for number in range(chance.randint(0, 5)):
        contract = f"0x{number + 1:040x}"
        decimals = chance.choice((0, 1, 6, 8, 18, 24, 30, chance.randint(0, 30)))
        if chance.random() < 0.6:
            case.verified[contract] = (f"TK{number}", decimals)
        else:
            told = chance.choice((decimals, None, 77))
            case.tokens["ethereum", contract] = (f"WILD{number}", told)
        if chance.random() < 0.7:
            case.prices[contract] = Decimal(chance.choice(("1", "0.00001", "1234.5")))
        found.append(Token(contract, decimals))
    return found


def wild(seed: int, moves: int = 60) -> Wild:
    """A record."""
    chance = random.Random(seed)
    terms = Terms(
        hops=chance.choice((3, 8, 8)),
        min_usd=chance.choice(("0", "0", "100")),
        min_share=chance.choice(("0", "0", "0.001")),
        ask_after=chance.choice((None, None, 5)),
    )
    case = Wild(sources=NAMES[: chance.randint(1, 2)], terms=terms)
    tokens = _tokens(chance, case)
    first = chance.choice(tokens)
    for taker in chance.sample(NAMES[2:], 3):
        units = chance.randint(1, 3000 * 10**first.decimals)
        case.move(f"first{taker}", "S", taker, units, contract=first.contract)
    for number in range(moves):
        _step(case, chance, f"t{number}", tokens)
    for name in chance.sample(NAMES[3:], chance.randint(0, 4)):
        case.name(name, chance.choice(ENDS))
    if chance.random() < 0.5:
        case.openings["A", ""] = 10**18
    if chance.random() < 0.4:
        case.unread = {at(name): ("its list of coins was not read",) for name in "AB"}
    if chance.random() < 0.3:
        case.words.append(person(Say.STOP, "C"))
    return case


def _step(case: Wild, chance: random.Random, tx: str, tokens: list[Token]) -> None:
    paid = [row.transfer.recipient for row in case.rows[-12:] if row.transfer.recipient]
    names = [name for name in NAMES if chance.random() < 0.3 or at(name) in paid]
    giver = chance.choice(names or NAMES)
    taker = chance.choice([name for name in NAMES if name != giver])
    token, other = chance.choice(tokens), chance.choice(tokens)
    what = chance.random()
    units = token.units(chance)
    if what < 0.65:
        case.move(tx, giver, taker, units, contract=token.contract)
    elif what < 0.8 and token != other:
        case.move(tx, giver, "pool", units, contract=token.contract)
        case.move(tx, "pool", giver, other.units(chance), contract=other.contract)
    elif what < 0.88:
        piece = {"kind": Kind.ERC721, "contract": PUNKS, "token_id": str(chance.randrange(3))}
        if chance.random() < 0.5:
            case.move(tx, giver, "pool", units, contract=token.contract)
        case.move(tx, taker, giver, 1, **piece)
    elif what < 0.92 and token.contract:
        case.move(tx, giver, ZERO, units, contract=token.contract)
    else:
        _bridge(case, tx, giver, taker, units, token)
    if chance.random() < 0.5 or 0.65 <= what < 0.88:
        case.fee(tx, giver, chance.randint(1, 10**15))


def _bridge(case: Wild, tx: str, giver: str, taker: str, units: int, token: Token) -> None:
    """Its other side is on record three times of four."""
    there: dict[str, Any] = {"chain": "base", "contract": token.contract}
    case.move(tx, giver, "pool", units, contract=token.contract)
    link, out = f"across/1/{tx}", units * 99 // 100
    told: dict[str, Any] = {"chain": "base", "recipient": at(taker), "token": token.contract or ""}
    lock = Crossing("Across", True, link, 3, at("pool"), amount=units, **told)
    case.anatomies["ethereum", tx] = Anatomy("ethereum", tx, (), (lock,), "node")
    if int(tx[1:]) % 4:
        case.move(f"{tx}out", "relayer", taker, out, **there)
        back: dict[str, Any] = {"chain": "ethereum", "recipient": at(taker), "amount": out}
        fill = Crossing("Across", False, link, 3, at("pool"), **back)
        case.anatomies["base", f"{tx}out"] = Anatomy("base", f"{tx}out", (), (fill,), "node")
    case.now += 5


def traced(seed: int, moves: int = 60) -> Trace:
    """What the tracer makes of it: to its end, or stopped on the way as a budget does."""
    chance = random.Random(~seed)
    case = wild(seed, moves)
    learner = Learner(case)
    for _ in range(chance.choice((3, 1000, 1000))):
        trace = learner.trace()
        wanted = [w for w in trace.wanted if w.need is not Need.ANATOMY]
        if not wanted:
            break
        first = wanted[0]
        (learner.profiled if first.need is Need.PROFILE else learner.followed).append(first.subject)
    more: dict[str, Any] = {"case": f"WORLD-{seed}"}
    if chance.random() < 0.5:
        more |= {"method": chance.choice(CONSERVING), "method_by": "M. Weber", "method_why": "law"}
    if chance.random() < 0.3:
        more["leads"] = (Lead("0xlead", on("Q", "base"), "a like amount came 4 minutes later"),)
    if chance.random() < 0.3:
        more["ended"] = "the budget of calls is used up"
    return replace(trace, **more)
