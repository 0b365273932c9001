"""Runs movements in their order through accounts, and says what of each is traced, by all methods
side by side. Run again, it goes on from the first movement that differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.analysis.attribution.books import Before, Books
from monitor.analysis.attribution.numbers import EXACT, WHOLE, Numbers
from monitor.analysis.attribution.openings import survey
from monitor.analysis.attribution.result import Carried, Left, Outcomes, Result
from monitor.model.flow import Account, Flow, Ground, Number

__all__ = ["EXACT", "WHOLE", "Numbers", "Replay", "Result"]

# Movements of a stretch. Before each one it is kept what it changes, so that the accounts can be
# put back to any of its beginnings.
STRETCH = 2_000


class Replay:
    """Of one case. The result is the same as that of a new one, whatever was run before."""

    def __init__(self, numbers: Numbers = WHOLE, *, stretch: int = STRETCH) -> None:
        self._books = Books(numbers)
        self._stretch = stretch
        self._flows: Sequence[Flow] = ()
        self._carried: list[Carried | None] = []
        self._stretches: list[Before] = []

    def run(self, flows: Sequence[Flow], ground: Ground) -> Result:
        """What becomes of what the sources of `ground` give, by `flows` in their order."""
        found = survey(flows, ground)
        openings = dict(ground.openings)
        for account, amount in found.lacking.items():
            openings[account] = openings.get(account, 0) + amount
        same = self._same(flows, ground, openings, found.first)
        self._back_to(same)
        books = self._books
        books.ground, books.openings, self._flows = ground, openings, tuple(flows)
        for flow in self._flows[len(self._carried) :]:
            if len(self._carried) % self._stretch == 0:
                books.before = {}
                self._stretches.append(books.before)
            self._carried.append(books.write(flow))
        return self._result(found.lacking)

    def _same(
        self,
        flows: Sequence[Flow],
        ground: Ground,
        openings: Mapping[Account, Number],
        first: Mapping[Account, int],
    ) -> int:
        """How many movements are the same as before, and stand on the same ground."""
        old = self._books
        same = 0
        for one, other in zip(flows, self._flows, strict=False):
            if one is not other and one != other:
                break
            same += 1
        changed = old.ground.stops ^ ground.stops
        for was, now in ((old.ground.sources, ground.sources), (old.openings, openings)):
            changed |= {a for a in was.keys() | now.keys() if was.get(a) != now.get(a)}
        return min([same, *(first[account] for account in changed if account in first)])

    def _back_to(self, at: int) -> None:
        """The accounts are as they were at the beginning of the stretch that `at` is in, or as
        they are, where nothing from there on was run yet."""
        if at >= len(self._carried):
            return
        stretch = at // self._stretch
        for before in reversed(self._stretches[stretch:]):
            self._books.undo(before)
        del self._stretches[stretch:]
        del self._carried[stretch * self._stretch :]

    def _result(self, lacking: Mapping[Account, Number]) -> Result:
        return Result(
            Outcomes(self._carried.copy(), self._books.numbers),
            Left(self._books.figures()),
            {account: held.held for account, held in sorted(self._books.accounts.items())},
            dict(sorted(lacking.items())),
        )
