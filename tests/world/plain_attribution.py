"""Attribution as the rules are written, over plain lists and fractions: slow, and without a thing
in common with the real one. And invented movements."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from hypothesis import strategies as st

from monitor.model.flow import (
    CONSERVING,
    FEES,
    Account,
    Flow,
    Ground,
    Moved,
    Number,
    Spent,
    Turned,
)

# Label (None: clean), amount, USD a unit (None: no price).
Lot = tuple[str | None, Fraction, Fraction | None]
# By label: amount, USD.
Sums = dict[str, tuple[Fraction, Fraction | None]]


def sums(lots: list[Lot]) -> Sums:
    found: Sums = {}
    for label, amount, price in lots:
        if label is not None and amount:
            had, usd = found.get(label, (Fraction(0), Fraction(0)))
            worth = None if usd is None or price is None else usd + amount * price
            found[label] = (had + amount, worth)
    return found


def first_of(lots: list[Lot], amount: Fraction) -> tuple[list[Lot], list[Lot]]:
    """(the first `amount`, the rest)."""
    gone, kept = [], []
    for label, held, price in lots:
        part = min(held, amount)
        amount -= part
        gone.append((label, part, price))
        kept.append((label, held - part, price))
    return [lot for lot in gone if lot[1]], [lot for lot in kept if lot[1]]


def take(method: str, lots: list[Lot], amount: Fraction) -> tuple[list[Lot], list[Lot]]:
    """(what goes, what stays) of an account."""
    if method == "fifo":
        return first_of(lots, amount)
    if method == "lifo":
        gone, kept = first_of(lots[::-1], amount)
        return gone[::-1], kept[::-1]
    traced = sum((lot[1] for lot in lots if lot[0] is not None), Fraction(0))
    clean = sum((lot[1] for lot in lots if lot[0] is None), Fraction(0))
    goes = {
        "tainted_first": min(amount, traced),
        "libr": max(Fraction(0), amount - clean),
        "haircut": amount * traced / (traced + clean),
    }[method]
    rates = (goes / traced if traced else 0, (amount - goes) / clean if clean else 0)
    gone = [(label, held * rates[label is None], price) for label, held, price in lots]
    kept = [
        (label, held - part[1], price)
        for (label, held, price), part in zip(lots, gone, strict=True)
    ]
    return [lot for lot in gone if lot[1]], [lot for lot in kept if lot[1]]


class Plain:
    """One conserving method. `went`: of each movement what left and what came, by account."""

    def __init__(self, method: str, ground: Ground, openings: dict[Account, Number]) -> None:
        self.method, self.ground = method, ground
        self.lots: dict[Account, list[Lot]] = defaultdict(list)
        for account, amount in openings.items():
            if amount and account not in ground.sources and not self.stops(account):
                self.lots[account].append((None, Fraction(amount), None))
        self.went: list[tuple[Sums, dict[Account, Sums]]] = []

    def stops(self, account: Account) -> bool:
        return account in self.ground.stops or account.holder == FEES

    def give(self, account: Account, amount: Number, usd: Number | None) -> list[Lot]:
        if account in self.ground.sources:
            price = None if usd is None else Fraction(usd) / Fraction(amount)
            return [(self.ground.sources[account], Fraction(amount), price)]
        if self.stops(account):
            return [(None, Fraction(amount), None)]
        gone, self.lots[account] = take(self.method, self.lots[account], Fraction(amount))
        return gone

    def put(self, account: Account, lots: list[Lot]) -> None:
        if account not in self.ground.sources:
            self.lots[account] += lots

    def write(self, flow: Flow) -> None:
        if isinstance(flow, Spent):
            self.spend(flow)
        elif isinstance(flow, Moved):
            if not flow.amount or flow.giver == flow.taker:
                self.went.append(({}, {}))
                return
            lots = self.give(flow.giver, flow.amount, flow.usd)
            self.put(flow.taker, lots)
            self.went.append((sums(lots), {flow.taker: sums(lots)}))
        else:
            self.turn(flow)

    def turn(self, flow: Turned) -> None:
        if not flow.given:
            self.put(flow.taker, [(None, Fraction(flow.got), None)] if flow.got else [])
            self.went.append(({}, {}))
            return
        lots = self.give(flow.giver, flow.given, flow.usd)
        rate = Fraction(flow.got) / Fraction(flow.given)
        changed = [
            (label, amount * rate, None if price is None else price / rate)
            for label, amount, price in lots
            if rate
        ]
        self.put(flow.taker, changed)
        self.went.append((sums(lots), {flow.taker: sums(changed)}))

    def spend(self, flow: Spent) -> None:
        paid = sum(amount for _, amount in flow.inputs)
        pool: list[Lot] = []
        for account, amount in flow.inputs:
            usd = None if flow.usd is None else Fraction(flow.usd) * amount / paid
            pool += self.give(account, amount, usd) if amount else []
        taken = sums(pool)
        if self.method == "lifo":
            pool = pool[::-1]
        outputs = [output for output in flow.outputs if output[1]]
        fee = paid - sum(amount for _, amount in outputs)
        if fee > 0:
            outputs.append((flow.inputs[0][0]._replace(holder=FEES), fee))
        elif fee < 0:
            pool.append((None, Fraction(-fee), None))
        got: dict[Account, Sums] = {}
        inside = "fifo" if self.method in ("fifo", "lifo") else self.method
        for account, amount in outputs:
            lots, pool = take(inside, pool, Fraction(amount))
            self.put(account, lots)
            got[account] = sums(lots)
        self.went.append((taken, got))


def plain(flows: list[Flow], ground: Ground, openings: dict[Account, Number]) -> dict[str, Plain]:
    """By every conserving method. `openings`: those that had to be there included."""
    found = {method: Plain(method, ground, openings) for method in CONSERVING}
    for flow in flows:
        for each in found.values():
            each.write(flow)
    return found


# --- invented movements ------------------------------------------------------------------------

ACCOUNTS = [Account("c", holder, asset) for holder in "ABCDE" for asset in ("", "t")]
SOURCES = [Account("c", holder, asset) for holder in ("S", "T") for asset in ("", "t")]
STOP = Account("c", "X", "")
GROUND = Ground({a: f"c/{a.holder}" for a in SOURCES}, frozenset({STOP}))

places = st.sampled_from([*ACCOUNTS, *ACCOUNTS, *SOURCES, STOP, Account("c", FEES, "")])
amounts = st.integers(0, 40)
worth = st.one_of(st.none(), st.integers(0, 1000))


@st.composite
def moved(draw: st.DrawFn) -> Moved:
    """Sometimes of nothing, sometimes to itself."""
    giver = draw(places)
    taker = draw(places.filter(lambda account: account.asset == giver.asset))
    return Moved("m", giver, taker, draw(amounts), draw(worth))


@st.composite
def turned(draw: st.DrawFn) -> Turned:
    giver, taker = draw(st.tuples(places, places).filter(lambda two: two[0] != two[1]))
    return Turned("t", giver, draw(amounts), taker, draw(amounts), draw(worth))


@st.composite
def spent(draw: st.DrawFn) -> Spent:
    """Inputs of one asset to others of it; now and then more comes out than went in."""
    asset = draw(st.sampled_from(("", "t")))
    mine = [a for a in [*ACCOUNTS, *SOURCES] if a.asset == asset]
    inputs = draw(st.lists(st.sampled_from(mine), min_size=1, max_size=3, unique=True))
    outputs = draw(st.lists(st.sampled_from(mine), min_size=1, max_size=3, unique=True))
    paid = tuple((account, draw(st.integers(1, 40))) for account in inputs)
    return Spent("s", paid, tuple((a, draw(amounts)) for a in outputs), draw(worth))


keeping = st.one_of(moved(), moved(), moved(), spent())  # no asset becomes another one
flows = st.lists(st.one_of(keeping, keeping, turned()), max_size=25)
openings = st.dictionaries(st.sampled_from(ACCOUNTS), st.integers(0, 60), max_size=4)


@st.composite
def grounds(draw: st.DrawFn) -> Ground:
    sources = {a: f"c/{a.holder}" for a in draw(st.sets(st.sampled_from(SOURCES), min_size=1))}
    stops = draw(st.sets(st.sampled_from([STOP, *ACCOUNTS[:2]])))
    return Ground(sources, frozenset(stops), draw(openings))
