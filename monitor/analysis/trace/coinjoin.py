"""CoinJoins by their shape: transactions in which several people mix coins of the same size. Pure.

The shapes are those of Whirlpool, Wasabi 1 and 2 and JoinMarket, as public detectors have them. A
shape is a sign, not a proof: payouts of one sender to many, and wallets that only look like a mix,
are told apart as far as amounts and addresses allow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

# An input or output: its address (None: a script without one), its amount in satoshi.
Party = tuple[str | None, int]

WHIRLPOOL, TX0, WASABI_1, WASABI_2, JOINMARKET = (
    *("Whirlpool", "Whirlpool Tx0", "Wasabi 1", "Wasabi 2", "JoinMarket"),
)

# What payouts of equal amounts may look like, so that it counts who sent them.
NOT_OF_EXCHANGES = (WASABI_1, JOINMARKET)

# Size of a pool's coins, and the fee to come in. Of Ashigaru's two the fee is taken to be as high
# in proportion as of the pools that are next to them.
_POOLS = {
    100_000: 5_000,
    1_000_000: 50_000,
    2_500_000: 125_000,
    5_000_000: 175_000,
    25_000_000: 875_000,
    50_000_000: 1_750_000,
}
_MIX = range(5, 11)  # coins of a Whirlpool mix
_ENTRANTS = range(1, 5)  # of them from outside: these pay the miners
_ABOVE = range(100, 110_001)  # what they bring above the pool's size
_PREMIX = range(1, 71)  # coins that one Tx0 makes
_TENTH = 10_000_000  # 0.1 BTC: what Wasabi 1 mixed, times powers of two
_TENTH_WITHIN = 500_000
_WASABI_1_INPUTS = 10
_WASABI_2_INPUTS = 20
_WASABI_2_LEAST = 5_000
_TOP_SHARE = 10  # one address has at most a tenth of a Wasabi's inputs
_DUST = 2_730  # JoinMarket mixes nothing that is smaller
_LARGE = 50  # inputs from which a JoinMarket has to look like one in more ways
_REUSED = 7, 10  # where so many addresses pay themselves it is nobody's mix


def shape(inputs: Sequence[Party], outputs: Sequence[Party], *, from_exchange: bool = False) -> str:
    """Which mix a transaction looks like; empty: none. `from_exchange`: an input is named as an
    exchange's, which sends payouts of equal amounts and joins no mix of strangers."""
    givers = [(owner, amount) for owner, amount in inputs if owner is not None]
    takers = [(owner, amount) for owner, amount in outputs if owner is not None]
    if not givers or not takers or not _distinct(takers) or _reused(givers, takers):
        return ""
    if _is_whirlpool(givers, takers):
        return WHIRLPOOL
    if premix_of(outputs):
        return TX0
    if _is_stonewall(givers, takers):
        return ""
    if _is_wasabi_2(givers, takers):
        return WASABI_2
    if from_exchange:
        return ""
    if _is_wasabi_1(givers, takers):
        return WASABI_1
    return JOINMARKET if _is_joinmarket(givers, takers) else ""


def premix_of(outputs: Sequence[Party]) -> frozenset[int]:
    """Places of the outputs that a Tx0 makes ready for Whirlpool; none: it is no Tx0."""
    takers = [(n, amount) for n, (owner, amount) in enumerate(outputs) if owner is not None]
    if len(outputs) - len(takers) != 1:  # exactly one that holds data
        return frozenset()
    for pool, fee in _POOLS.items():
        sizes = Counter(amount for _, amount in takers if amount - pool in _ABOVE)
        if not sizes:
            continue
        size, count = max(sizes.items(), key=lambda pair: (pair[1], pair[0]))
        fees = [amount for _, amount in takers if fee <= 2 * amount and amount <= 3 * fee]
        if count in _PREMIX and len(takers) - count <= 2 and len(fees) == 1:
            return frozenset(n for n, amount in takers if amount == size)
    return frozenset()


def _distinct(parties: Sequence[Party]) -> bool:
    return len({owner for owner, _ in parties}) == len(parties)


def _reused(givers: Sequence[Party], takers: Sequence[Party]) -> bool:
    """Whether most of those who are paid had paid: batch payouts of one wallet to itself."""
    again = {owner for owner, _ in givers} & {owner for owner, _ in takers}
    return len(again) * _REUSED[1] >= len(takers) * _REUSED[0]


def _is_whirlpool(givers: Sequence[Party], takers: Sequence[Party]) -> bool:
    pool = takers[0][1]
    if pool not in _POOLS or any(amount != pool for _, amount in takers):
        return False
    above = [amount - pool for _, amount in givers if amount != pool]
    return (
        len(givers) in _MIX
        and len(givers) == len(takers)
        and _distinct(givers)
        and len(above) in _ENTRANTS
        and all(more in _ABOVE for more in above)
    )


def _is_stonewall(givers: Sequence[Party], takers: Sequence[Party]) -> bool:
    """One wallet that looks like a mix of two: one pair of equal outputs among three or four."""
    sizes = Counter(amount for _, amount in takers)
    pairs = sorted(sizes.values(), reverse=True)
    return len(givers) > 1 and pairs in ([2, 1], [2, 1, 1])


def _is_wasabi_2(givers: Sequence[Party], takers: Sequence[Party]) -> bool:
    if len(givers) < _WASABI_2_INPUTS or _one_has_most(givers):
        return False
    sizes = Counter(amount for _, amount in takers)
    repeated = [count for count in sizes.values() if count > 1]
    return (
        min(sizes) >= _WASABI_2_LEAST
        and len(repeated) >= 3
        and len(repeated) < len(sizes)
        and 2 * sum(repeated) >= len(takers) - 1
    )


def _is_wasabi_1(givers: Sequence[Party], takers: Sequence[Party]) -> bool:
    if len(givers) < _WASABI_1_INPUTS or _one_has_most(givers):
        return False
    mixed = Counter(level for _, amount in takers if (level := _level(amount)) is not None)
    levels = {level: count for level, count in mixed.items() if count > 1}
    people = len({owner for owner, _ in givers})
    if not levels:
        return False
    most = max(levels.values())
    enough = 2 * sum(levels.values()) >= len(takers) - 1
    return most >= 3 and most <= people <= 7 * most and enough


def _level(amount: int) -> int | None:
    """Of 0.1 BTC and its doubles the one that an amount stands for."""
    level = max(0, (amount // _TENTH).bit_length() - 1)
    for n in (level, level + 1):
        if abs(amount - (_TENTH << n)) <= _TENTH_WITHIN << n:
            return n
    return None


def _one_has_most(givers: Sequence[Party]) -> bool:
    return _TOP_SHARE * max(Counter(owner for owner, _ in givers).values()) > len(givers)


def _is_joinmarket(givers: Sequence[Party], takers: Sequence[Party]) -> bool:
    sizes = Counter(amount for _, amount in takers if amount > _DUST)
    if not sizes:
        return False
    count = max(sizes.values())
    people = len({owner for owner, _ in givers})
    if not (3 <= count <= people and 2 * count >= len(takers) and count < len(takers)):
        return False
    if len(givers) < _LARGE:
        return True
    return len(givers) <= 20 * count and 10 * len(takers) >= 17 * count
