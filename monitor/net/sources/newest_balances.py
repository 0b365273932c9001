"""Asking an explorer what addresses hold now: between two looks at its newest block.

Explorers answer for no other block than their newest one, and seldom name it. What they said was
so at some block between the one before the first question and the one after the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from monitor.model import Head
from monitor.model.balance import COIN, BalanceWord, Holding
from monitor.model.errors import BadResponse, NotServed, NotYet, Refused
from monitor.net.sources.parsing import RowError

NO_TOKENS = "this source knows no tokens"
# What was said of holdings: amounts in base units, or why there is none.
Told = Mapping[Holding, int | str]


class Newest:
    """Of one source. What it does not serve is learned, and kept as long as the process lives.

    `head` makes `head_calls` requests.
    """

    def __init__(self, name: str, head: Callable[[], Head], head_calls: int) -> None:
        self.name = name
        self.head = head
        self.head_calls = head_calls
        self.lacks: dict[str, str] = {}  # what it does not serve, and its words

    def word(
        self, asked: Sequence[Holding], height: int | None, ask: Callable[[Saying], None]
    ) -> BalanceWord:
        """See ports.SeesBalances. `ask` puts the questions."""
        if height is not None:
            raise NotServed(f"{self.name} says what addresses hold now, and not earlier")
        saying = Saying(self)
        ask(saying)
        low = saying.low
        if low is None:
            raise NotServed("; ".join(dict.fromkeys(saying.unsaid.values())) or "nothing is asked")
        high = self.head()
        if low.height == high.height and low.block_hash != high.block_hash:
            raise NotYet(f"{self.name} replaced its newest block while it was asked")
        if high.height < low.height:  # another machine of the same source, a little behind
            low, high = high, low
        calls = saying.calls + 2 * self.head_calls
        unsaid = {h: saying.unsaid.get(h, f"{self.name} left it out") for h in asked}
        unsaid = {h: why for h, why in unsaid.items() if h not in saying.said}
        return BalanceWord(self.name, low, high, saying.said, unsaid, calls, own=saying.own)

    def calls(self, questions: int) -> int:
        """How many requests that many questions make."""
        return questions + 2 * self.head_calls


class Saying:
    """What a source said of holdings while it is asked, question by question."""

    def __init__(self, of: Newest) -> None:
        self._of = of
        self.low: Head | None = None  # before the first question
        self.said: dict[Holding, int] = {}
        self.unsaid: dict[Holding, str] = {}
        self.own: dict[Holding, Head] = {}  # blocks that answers named
        self.calls = 0

    def ask(self, what: str, holdings: Sequence[Holding], question: Callable[[], Told]) -> bool:
        """Put a question to that ability of the source. Returns whether it was one to answer:
        not where the source does not have the ability, or refuses an address that is asked.

        Raises SourceError where the source as a whole does not answer.
        """
        if why := self._of.lacks.get(what):
            return self.leave(holdings, why)
        if self.low is None:
            self.low = self._of.head()
        self.calls += 1
        try:
            told = question()
        except NotServed as error:
            self._of.lacks[what] = str(error)
            return self.leave(holdings, str(error))
        except Refused as error:
            if not error.of_address:
                raise
            return self.leave(holdings, str(error))
        except (BadResponse, RowError) as error:
            told = dict.fromkeys(holdings, f"{self._of.name}: {error}")
        self._take(holdings, told)
        return True

    def leave(self, holdings: Iterable[Holding], why: str) -> bool:
        """Say why nothing is said of these."""
        self.unsaid.update(dict.fromkeys(holdings, why))
        return False

    def _take(self, holdings: Sequence[Holding], told: Told) -> None:
        for holding in holdings:
            amount = told.get(holding, f"{self._of.name} left it out")
            if isinstance(amount, str):
                self.unsaid[holding] = amount
            else:
                self.said[holding] = amount


def coins_and_tokens(asked: Sequence[Holding]) -> tuple[list[Holding], list[Holding]]:
    coins = [holding for holding in asked if holding.contract == COIN]
    return coins, [holding for holding in asked if holding.contract != COIN]


def parts(holdings: Sequence[Holding], size: int) -> list[Sequence[Holding]]:
    return [holdings[at : at + size] for at in range(0, len(holdings), size)]
