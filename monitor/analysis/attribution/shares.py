"""What is traced of an amount, by label, and the methods that need no more than that: they mix
what an account holds, so that only sums count. Nothing here is ever changed in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from monitor.analysis.attribution.numbers import Numbers
from monitor.model.flow import UNPRICED, Number

# Label, amount, USD of what has a price, and more than zero where a part has none: of lots how
# much, else a mark, as what is mixed cannot be told apart any more.
Share = tuple[str, Number, Number, Number]
# Ordered by label, amounts above zero.
Shares = tuple[Share, ...]


def share(label: str, amount: Number, usd: Number | None) -> Share:
    return (label, amount, 0, amount) if usd is None else (label, amount, usd, 0)


def total(shares: Shares) -> Number:
    if len(shares) == 1:
        return shares[0][1]
    return sum([share[1] for share in shares])


def merged(one: Shares, other: Shares) -> Shares:
    """Both together."""
    if not one:
        return other
    if not other:
        return one
    if len(one) == len(other) == 1 and one[0][0] == other[0][0]:
        return (_sum(one[0], other[0]),)
    by_label = {share[0]: share for share in one}
    for share in other:
        had = by_label.get(share[0])
        by_label[share[0]] = share if had is None else _sum(had, share)
    if len(by_label) == len(one):
        return tuple(by_label.values())
    return tuple([by_label[label] for label in sorted(by_label)])


def _sum(one: Share, other: Share) -> Share:
    return one[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]


def less(all_of: Shares, gone: Shares) -> Shares:
    """What is left of it."""
    if not gone:
        return all_of
    by_label = {share[0]: share for share in all_of}
    for label, amount, usd, blind in gone:
        had = by_label[label]
        if had[1] == amount:
            del by_label[label]
        else:
            by_label[label] = (label, had[1] - amount, had[2] - usd, had[3] - blind)
    return tuple(by_label.values())


def divided(shares: Shares, gives: Iterable[Number], numbers: Numbers) -> tuple[Shares, Shares]:
    """(what goes, what stays) where of each share so much goes; its USD go in proportion."""
    gone: list[Share] = []
    kept: list[Share] = []
    for share, amount in zip(shares, gives, strict=True):
        label, held, usd, blind = share
        if amount == held:
            gone.append(share)
        elif not amount:
            kept.append(share)
        else:
            part = numbers.part(usd, amount, held)
            gone.append((label, amount, part, blind))
            kept.append((label, held - amount, usd - part, blind))
    return tuple(gone), tuple(kept)


def converted(shares: Shares, given: Number, got: Number, numbers: Numbers) -> Shares:
    """What of `got` is traced, where `shares` of `given` are. Each keeps its USD; one that comes
    to less than a base unit is gone."""
    if not shares:
        return shares
    clean = given - total(shares)
    amounts = numbers.spread(got, [clean, *[share[1] for share in shares]])[1:]
    return tuple(
        (label, amount, usd, blind)
        for (label, _, usd, blind), amount in zip(shares, amounts, strict=True)
        if amount
    )


# --- the methods: (what goes, what stays) of the shares of an account that gives `amount`, which is
# above zero and not above the `held` that it holds ----------------------------------------------


def haircut(
    shares: Shares, held: Number, amount: Number, numbers: Numbers
) -> tuple[Shares, Shares]:
    """Traced and clean leave in proportion."""
    if not shares or amount == held:
        return shares, ()
    clean = held - total(shares)
    gives = numbers.spread(amount, [clean, *[share[1] for share in shares]])[1:]
    return divided(shares, gives, numbers)


def tainted_first(shares: Shares, amount: Number, numbers: Numbers) -> tuple[Shares, Shares]:
    """What is traced leaves first."""
    traced = total(shares)
    return _give(shares, traced, min(amount, traced), numbers)


def libr(shares: Shares, held: Number, amount: Number, numbers: Numbers) -> tuple[Shares, Shares]:
    """What is clean leaves first."""
    traced = total(shares)
    return _give(shares, traced, max(0, amount - (held - traced)), numbers)


def _give(
    shares: Shares, traced: Number, amount: Number, numbers: Numbers
) -> tuple[Shares, Shares]:
    """`amount` of what is traced goes, of each label in proportion."""
    if amount == traced:
        return shares, ()
    if not amount:
        return (), shares
    gives = numbers.spread(amount, [share[1] for share in shares])
    return divided(shares, gives, numbers)


def poisoned(came: Shares, amount: Number, numbers: Numbers) -> Shares:
    """All of `amount`, for every source that ever came; worth what that was worth a unit, where
    any of it had a price."""
    if not amount:
        return ()
    if len(came) > 1:
        labels = {share[0] for share in came}
        came = tuple([each for each in came if _once(each[0], labels)])
    return tuple(
        [(label, amount, numbers.part(usd, amount, of), blind) for label, of, usd, blind in came]
    )


def _once(label: str, labels: Set[str]) -> bool:
    """Not for a source that is there under its own label too."""
    return not (label.endswith(UNPRICED) and label.removesuffix(UNPRICED) in labels)
