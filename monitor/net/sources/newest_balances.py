"""Asking an explorer what addresses hold now: between two looks at its newest block.

Explorers answer for no other block than their newest one, and seldom name it. What they said was
so at some block between the one before the first question and the one after the last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from monitor.model import Head
from monitor.model.balance import COIN, BalanceWord, Holding
from monitor.model.errors import BadResponse, NotServed, NotYet, Refused, SourceError
from monitor.net.http import Answer
from monitor.net.sources.parsing import RowError

EVERY = 15  # questions between two looks: a figure should not take longer than it must
AGAIN = 86_400.0  # seconds until what it does not serve is asked for once more
NO_TOKENS = "this source knows no tokens"
# What was said of holdings: amounts in base units, or why there is none.
Told = Mapping[Holding, int | str]


class Newest:
    """Of one source. What it does not serve is learned, and tried anew after a day.

    `head` makes `head_calls` requests.
    """

    def __init__(
        self,
        name: str,
        head: Callable[[], Head],
        head_calls: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.head = head
        self.head_calls = head_calls
        self._clock = clock
        self._lacks: dict[str, tuple[float, str]] = {}  # what it does not serve: since when, words

    def word(
        self, asked: Sequence[Holding], height: int | None, ask: Callable[[Saying], None]
    ) -> BalanceWord:
        """See ports.SeesBalances. `ask` puts the questions. A source that fails in their midst has
        said what it said before."""
        if height is not None:
            raise NotServed(f"{self.name} says what addresses hold now, and not earlier")
        saying = Saying(self)
        try:
            ask(saying)
            if saying.looks:
                saying.look()
        except SourceError as error:
            if not saying.said:
                raise
            saying.leave(asked, str(error))
        if not saying.looks:
            raise NotServed("; ".join(dict.fromkeys(saying.unsaid.values())) or "nothing is asked")
        left_out = f"{self.name} left it out"
        unsaid = {h: saying.unsaid.get(h, left_out) for h in asked if h not in saying.said}
        heads = sorted(saying.looks, key=lambda head: head.height)
        return BalanceWord(
            *(self.name, heads[0], heads[-1], saying.said, unsaid, saying.calls),
            own=saying.own,
            undated=frozenset(saying.undated),
        )

    def lacks(self, what: str) -> str:
        """Its words where it does not serve this; else empty."""
        since, words = self._lacks.get(what, (float("-inf"), ""))
        return words if self._clock() - since < AGAIN else ""

    def note_lack(self, what: str, words: str) -> None:
        self._lacks[what] = (self._clock(), words)

    def calls(self, questions: int) -> int:
        """How many requests that many questions make at most."""
        return questions + self.head_calls * (1 + -(-questions // EVERY))


class Saying:
    """What a source said of holdings while it is asked, question by question. `said` holds what
    lies between two looks at the newest block already."""

    def __init__(self, of: Newest) -> None:
        self._of = of
        self._now: dict[Holding, int] = {}  # since the last look
        self._questions = 0
        self.looks: list[Head] = []
        self.said: dict[Holding, int] = {}
        self.unsaid: dict[Holding, str] = {}
        self.own: dict[Holding, tuple[Head, Head]] = {}
        self.undated: set[Holding] = set()  # of these it may tell an old figure, and not say so
        self.calls = 0

    @property
    def low(self) -> Head:
        """The newest block at the last look."""
        return self.looks[-1]

    def ask(self, what: str, holdings: Sequence[Holding], question: Callable[[], Told]) -> bool:
        """Put a question to that ability of the source. Returns whether it was one to answer:
        not where the source does not have the ability, or refuses an address that is asked.

        Raises SourceError where the source as a whole does not answer.
        """
        if why := self._of.lacks(what):
            return self.leave(holdings, why)
        if not self.looks or self._questions == EVERY:
            self.look()
        self.calls += 1
        self._questions += 1
        try:
            told = question()
        except NotServed as error:
            self._of.note_lack(what, str(error))
            return self.leave(holdings, str(error))
        except Refused as error:
            if not error.of_address:
                raise
            return self.leave(holdings, str(error))
        except (BadResponse, RowError) as error:
            told = dict.fromkeys(holdings, f"{self._of.name}: {error}")
        self._take(holdings, told)
        return True

    def lacks(self, what: str) -> bool:
        """Whether the source does not have that ability."""
        return bool(self._of.lacks(what))

    def leave(self, holdings: Iterable[Holding], why: str) -> bool:
        """Say why nothing is said of these."""
        self.unsaid.update(dict.fromkeys(holdings, why))
        return False

    def look(self) -> None:
        """Look at the newest block: what was said since the last look was so in between. Raises
        NotYet where the block was replaced meanwhile."""
        self.calls += self._of.head_calls
        high = self._of.head()
        if self.looks:
            self._settle(self.looks[-1], high)
        self.looks.append(high)
        self._questions = 0

    def _settle(self, low: Head, high: Head) -> None:
        if low.height == high.height and low.block_hash != high.block_hash:
            raise NotYet(f"{self._of.name} replaced its newest block while it was asked")
        if high.height < low.height:  # another machine of the same source, a little behind
            low, high = high, low
        self.own.update({h: (low, high) for h in self._now if h not in self.own})
        self.said |= self._now
        self._now = {}

    def _take(self, holdings: Sequence[Holding], told: Told) -> None:
        for holding in holdings:
            amount = told.get(holding, f"{self._of.name} left it out")
            if isinstance(amount, str):
                self.unsaid[holding] = amount
            else:
                self._now[holding] = amount


def served(answer: Answer, name: str, what: str) -> Answer:
    """The answer, where it is one. Raises NotServed where the server has no such place."""
    if answer.status in (404, 405, 501):
        raise NotServed(f"{name} has no {what} (HTTP {answer.status})")
    return answer


def coins_and_tokens(asked: Sequence[Holding]) -> tuple[list[Holding], list[Holding]]:
    coins = [holding for holding in asked if holding.contract == COIN]
    return coins, [holding for holding in asked if holding.contract != COIN]


def parts(holdings: Sequence[Holding], size: int) -> list[Sequence[Holding]]:
    return [holdings[at : at + size] for at in range(0, len(holdings), size)]
