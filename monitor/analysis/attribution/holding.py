"""What one account holds, by all methods at once, and what leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from monitor.analysis.attribution import shares as rules
from monitor.analysis.attribution.lots import Lot, Lots, one_lot
from monitor.analysis.attribution.numbers import Numbers
from monitor.analysis.attribution.shares import Shares, converted, merged, poisoned, share
from monitor.model.flow import Number

# What is traced by each of flow.METHODS, in their order.
Figures = tuple[Shares, Shares, Shares, Shares, Shares, Shares]
NOTHING: Figures = ((), (), (), (), (), ())
# An account as it was: whether it is a Sink, what it held, figures, lots of FIFO and of LIFO. There
# are many of them, so they are nothing but tuples, which the garbage collector leaves alone.
Frozen = tuple[bool, Number, Figures, tuple[Lot, ...] | None, tuple[Lot, ...] | None]


class Load(NamedTuple):
    """What is on its way from one account to another. Lots None: all clean; they are used up by
    whoever takes the load in."""

    amount: Number
    figures: Figures = NOTHING
    fifo: Lots | None = None
    lifo: Lots | None = None

    @property
    def traced(self) -> bool:
        """By any method: what one traces is poisoned."""
        return bool(self.figures[0])

    def converted(self, got: Number, numbers: Numbers) -> Load:
        """The same as `got` of another asset, above zero."""
        if not self.traced:
            return Load(got)
        fifo = None if self.fifo is None else _or_clean(self.fifo.converted(got, numbers))
        lifo = None if self.lifo is None else _or_clean(self.lifo.converted(got, numbers))
        poison, first, haircut, _, _, libr = self.figures
        figures = (
            tuple([(label, got, usd, blind) for label, _, usd, blind in poison]),
            converted(first, self.amount, got, numbers),
            converted(haircut, self.amount, got, numbers),
            _traced(fifo),
            _traced(lifo),
            converted(libr, self.amount, got, numbers),
        )
        return Load(got, figures, fifo, lifo)


def from_source(label: str, amount: Number, usd: Number | None) -> Load:
    """All of it is traced."""
    shares: Shares = (share(label, amount, usd),)
    figures = (shares, shares, shares, shares, shares, shares)
    lots = one_lot(label, amount, usd)
    return Load(amount, figures, lots, lots.copy())


def of_poison(figures: Figures, held: Number, numbers: Numbers) -> Figures:
    """What is traced of `held` units, where the figure of poison is of all that ever came."""
    return poisoned(figures[0], held, numbers), *figures[1:]


def _traced(lots: Lots | None) -> Shares:
    return () if lots is None else lots.shares


@dataclass(slots=True)
class Holding:
    """An account. `came`: what ever came of a label, by poison. Lots None: all clean."""

    held: Number = 0
    came: Shares = ()
    first: Shares = ()
    haircut: Shares = ()
    libr: Shares = ()
    fifo: Lots | None = None
    lifo: Lots | None = None

    def frozen(self) -> Frozen:
        fifo = None if self.fifo is None else self.fifo.frozen()
        lifo = None if self.lifo is None else self.lifo.frozen()
        return False, self.held, self.figures(), fifo, lifo

    def figures(self) -> Figures:
        """What is traced of all that it holds, but by poison what came: see `of_poison`."""
        if not self.came:
            return NOTHING
        fifo, lifo = _traced(self.fifo), _traced(self.lifo)
        return self.came, self.first, self.haircut, fifo, lifo, self.libr

    def give(self, amount: Number, numbers: Numbers, *, pool: bool = False) -> Load:
        """`amount` of it, above zero and not above what it holds. `pool`: inputs of a UTXO
        transaction, of which LIFO gives the oldest, as their list was turned round."""
        held = self.held
        self.held = held - amount
        if not self.came:
            return Load(amount)
        poison = poisoned(self.came, amount, numbers)
        if amount == held:
            return self._give_all(poison, amount)
        first, self.first = rules.tainted_first(self.first, amount, numbers)
        haircut, self.haircut = rules.haircut(self.haircut, held, amount, numbers)
        libr, self.libr = rules.libr(self.libr, held, amount, numbers)
        fifo = lifo = None
        if self.fifo is not None:
            fifo = _or_clean(self.fifo.take_oldest(amount, held, numbers))
            self.fifo = _or_clean(self.fifo)
        if self.lifo is not None:
            take = self.lifo.take_oldest if pool else self.lifo.take_newest
            lifo = _or_clean(take(amount, held, numbers))
            self.lifo = _or_clean(self.lifo)
        figures = (poison, first, haircut, _traced(fifo), _traced(lifo), libr)
        return Load(amount, figures, fifo, lifo)

    def _give_all(self, poison: Shares, amount: Number) -> Load:
        """By every method all of it goes; the account stays poisoned."""
        load = Load(amount, (poison, *self.figures()[1:]), self.fifo, self.lifo)
        self.first = self.haircut = self.libr = ()
        self.fifo = self.lifo = None
        return load

    def take(self, load: Load) -> None:
        """All of it comes in, as the newest. Its lots are used up."""
        self.fifo = _with(self.fifo, self.held, load.fifo, load.amount)
        self.lifo = _with(self.lifo, self.held, load.lifo, load.amount)
        self.held += load.amount
        if load.traced:
            poison, first, haircut, _, _, libr = load.figures
            self.came = merged(self.came, poison)
            self.first = merged(self.first, first)
            self.haircut = merged(self.haircut, haircut)
            self.libr = merged(self.libr, libr)

    def turn_round(self) -> None:
        """LIFO turns the list of a UTXO transaction's inputs round."""
        if self.lifo is not None:
            self.lifo.reverse()


@dataclass(slots=True)
class Sink:
    """A stop: what comes stays. `held`: all that came."""

    held: Number = 0
    came: Figures = NOTHING

    def frozen(self) -> Frozen:
        return True, self.held, self.came, None, None

    def take(self, load: Load) -> None:
        self.held += load.amount
        if load.traced:
            a, b, c, d, e, f = map(merged, self.came, load.figures)
            self.came = (a, b, c, d, e, f)


def thawed(frozen: Frozen) -> Holding | Sink:
    sink, held, figures, older, newer = frozen
    if sink:
        return Sink(held, figures)
    came, first, haircut, in_fifo, in_lifo, libr = figures
    fifo = None if older is None else Lots(older, in_fifo)
    lifo = None if newer is None else Lots(newer, in_lifo)
    return Holding(held, came, first, haircut, libr, fifo, lifo)


def _or_clean(lots: Lots) -> Lots | None:
    return lots if lots.shares else None


def _with(lots: Lots | None, held: Number, newer: Lots | None, amount: Number) -> Lots | None:
    """`lots` of `held` units, then `newer` of `amount`."""
    if newer is None:
        if lots is not None:
            lots.extend(one_lot(None, amount, None))
        return lots
    if lots is None:
        if not held:
            return newer
        lots = one_lot(None, held, None)
    lots.extend(newer)
    return lots
