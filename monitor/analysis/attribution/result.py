"""What comes out of a replay. Figures are kept small and read on demand: of a long case there are
many, and few are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from monitor.analysis.attribution.holding import Figures, of_poison
from monitor.analysis.attribution.numbers import Numbers
from monitor.model.flow import METHODS, Account, Number, Outcome, Part, Traced


class Carried(NamedTuple):
    """An Outcome as it is kept; `before` by poison is what came (see holding.of_poison)."""

    taken: Figures
    got: tuple[tuple[Account, Figures], ...]
    before: Figures
    held: Number


class Kept(NamedTuple):
    """The same with names, made when it is read."""

    taken: Figures
    got: tuple[tuple[Account, Figures], ...]
    before: Figures
    held: Number


def traced(figures: Figures) -> Traced:
    """By method, and by label; every method is there, a label only with more than nothing."""
    return {
        method: {
            label: Part(amount, None if blind else usd) for label, amount, usd, blind in shares
        }
        for method, shares in zip(METHODS, figures, strict=True)
    }


def _outcome(carried: Carried, numbers: Numbers) -> Outcome:
    of_giver, of_takers, came, held = carried
    taken = traced(of_giver)
    got = {
        account: taken if figures is of_giver else traced(figures) for account, figures in of_takers
    }
    return Outcome(taken, got, traced(of_poison(came, held, numbers)), held)


class Outcomes(Sequence[Outcome | None]):
    """One for each movement, made when it is read."""

    def __init__(self, carried: list[Carried | None], numbers: Numbers) -> None:
        self._carried, self._numbers = carried, numbers

    @property
    def kept(self) -> Sequence[Kept | None]:
        """The same as they are kept, for whoever reads all of them."""
        return [None if carried is None else Kept(*carried) for carried in self._carried]

    def __len__(self) -> int:
        return len(self._carried)

    @overload
    def __getitem__(self, at: int) -> Outcome | None: ...
    @overload
    def __getitem__(self, at: slice) -> Outcomes: ...
    def __getitem__(self, at: int | slice) -> Outcome | Outcomes | None:
        if isinstance(at, slice):
            return Outcomes(self._carried[at], self._numbers)
        carried = self._carried[at]
        return None if carried is None else _outcome(carried, self._numbers)


class Left(Mapping[Account, Traced]):
    """What of each account is traced at the end, read on demand; accounts with nothing are not in
    it."""

    def __init__(self, figures: dict[Account, Figures]) -> None:
        self._figures = figures

    @property
    def kept(self) -> Mapping[Account, Figures]:
        """The same as they are kept, for whoever reads all of them."""
        return self._figures

    def __len__(self) -> int:
        return len(self._figures)

    def __iter__(self) -> Iterator[Account]:
        return iter(self._figures)

    def __getitem__(self, account: Account) -> Traced:
        return traced(self._figures[account])


@dataclass(frozen=True)
class Result:
    """`outcomes`: one for each movement, None where nothing in it is traced by any method.

    `left`: what is traced of what every account holds at the end; of stops and FEES of all that
    came to them. `balances`: all that they hold as far as the movements say (of stops what came);
    sources are in neither. `lacking`: clean opening balances that must have been there beyond
    those of the ground, as an account gave more than it had.
    """

    outcomes: Outcomes
    left: Left
    balances: Mapping[Account, Number]
    lacking: Mapping[Account, Number]
