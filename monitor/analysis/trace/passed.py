"""What a contract passed on to somebody else in the same transaction: a swap that pays another
address, a payment to many at once. It takes the whole transaction to see it. Pure.

A contract on the way is left with nothing of what came in, or with less of something else. Whoever
is only left with more was paid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from monitor.analysis.trace.assets import key_of
from monitor.analysis.trace.plain import Leg
from monitor.analysis.trace.reading import Reading, Tx
from monitor.chains.table import family_of
from monitor.model.trace import Anatomy

COIN = ""  # as assets.key_of has it
Balances = Mapping[str, Mapping[str, int]]  # address -> asset -> what it is left with or without


class Gain(NamedTuple):
    """What somebody is left with."""

    address: str
    asset: str
    amount: int


def _balances(anatomy: Anatomy, tx: Tx, book: Reading) -> Balances:
    """Of everybody, in what carries value: tokens by the whole transaction, coins by it too as far
    as they were told, else as far as they are on record."""
    net: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    told = {leg.leg for leg in anatomy.legs}
    own = (row for row in tx.rows if row.kind.coin and not row.kind.fee and row.leg not in told)
    for row in (*anatomy.legs, *own):
        asset = key_of(row)
        if book.assets.carries(tx.chain.key, asset) and row.amount:
            if row.sender is not None:
                net[row.sender][asset] -= row.amount
            if row.recipient is not None:
                net[row.recipient][asset] += row.amount
    _unwrapped(net, tx)
    return net


def _unwrapped(net: dict[str, dict[str, int]], tx: Tx) -> None:
    """Where coins were told, what the wrapped coin's contract took or paid was made into tokens, or
    they were burnt for it: nobody is left with either of the two."""
    wrapped, zero = tx.chain.wrapped, family_of(tx.chain).zero
    if not wrapped or wrapped not in net or zero not in net:
        return
    coins, tokens = net[wrapped][COIN], net[zero][wrapped]
    if coins * tokens < 0:
        both = min(abs(coins), abs(tokens)) * (1 if coins > 0 else -1)
        net[wrapped][COIN] -= both
        net[zero][wrapped] += both


def payees(address: str, legs: Sequence[Leg], tx: Tx, book: Reading) -> frozenset[str]:
    """Whom of those that an address gave to in an exchange it simply paid. None of them where all
    were: then who took and who gave back were not the same."""
    anatomy = book.known.anatomies.get((tx.chain.key, tx.tx))
    if anatomy is None:
        return frozenset()
    net = _balances(anatomy, tx, book)
    gave = {leg.taker for leg in legs if leg.giver == address and leg.taker is not None}
    paid = frozenset(taker for taker in gave if _only_more(net.get(taker, {})))
    return paid if paid < gave else frozenset()


def _only_more(net: Mapping[str, int]) -> bool:
    return any(net.values()) and all(amount >= 0 for amount in net.values())


def gains(
    address: str, asset: str, takers: frozenset[str], tx: Tx, book: Reading
) -> tuple[Gain, ...]:
    """Who was left with what an address gave to `takers`, by the whole transaction. Empty: the
    takers kept it, or it cannot be told.

    What a contract turned into something else and was left with, or burnt, nobody else got: it
    may have paid it out in coins, which logs do not show and not every source tells.
    """
    anatomy = book.known.anatomies.get((tx.chain.key, tx.tx))
    if anatomy is None:
        return ()
    net = _balances(anatomy, tx, book)
    zero = family_of(tx.chain).zero
    if any(_only_more(net.get(taker, {})) and net[taker].get(asset) for taker in takers):
        return ()
    found = [
        Gain(other, got, amount)
        for other, mine in net.items()  # who was paid first comes first: some methods ask for it
        if other not in {address, zero, *takers} and _only_more(mine)
        for got, amount in mine.items()
        if amount
    ]
    turned = [gain for gain in found if gain.asset != asset]
    left = [net.get(zero, {}), *({**net.get(taker, {}), asset: 0} for taker in takers)]
    elsewhere = any(amount > 0 for each in left for amount in each.values())
    if turned and (elsewhere or not _comparable(turned, tx, book)):
        return ()
    return tuple(found)


def _comparable(turned: Sequence[Gain], tx: Tx, book: Reading) -> bool:
    if len({gain.asset for gain in turned}) == 1:
        return True
    worth = [book.assets.worth(tx.chain.key, g.asset, g.amount, tx.time) for g in turned]
    return None not in worth
