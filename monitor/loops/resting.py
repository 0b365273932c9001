"""When addresses at which value rests are looked at again, and those whose newest movements a
reorg may still take back: their balances first, and their lists where a balance is another one than
at the last look."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field

from monitor.loops.witness import Heights, Said
from monitor.model import Subject
from monitor.model.balance import Figure, Holding
from monitor.model.flow import CONSERVING
from monitor.model.trace import Node, State, Trace

HOUR, DAY = 3600, 86_400
RESTS = (State.FOLLOWED, State.PARKED)
LEAST = 60  # seconds between two looks
FRESH = 4  # times as often is looked at what moved within the last day
COST = 4.0  # calls of a look at one address, until it is known
LISTS = 6 * HOUR  # seconds for which a balance that stays the same stands for the lists

Ask = Callable[[Heights], Said]  # what sources say of these holdings now


@dataclass
class Resting:
    """Of one case. Times are of our clock."""

    _looked: dict[Subject, int] = field(default_factory=dict)
    _read: dict[Subject, int] = field(default_factory=dict)
    _at_read: dict[Subject, dict[Holding, int]] = field(default_factory=dict)
    _said: dict[Subject, dict[Holding, int]] = field(default_factory=dict)  # at the last look
    _cost: float = COST
    # The newest words on balances, by contract, and whose were ever asked for.
    figures: dict[tuple[Subject, str], Figure] = field(default_factory=dict)
    asked: set[Subject] = field(default_factory=set)

    def read(self, subjects: Iterable[Subject], now: int, failed: Container[Subject] = ()) -> None:
        """Their lists were asked for just now; of those that failed nothing is known."""
        for subject in subjects:
            self._looked[subject] = now
            if subject in failed:
                self._at_read.pop(subject, None)
            else:
                self._read[subject] = now

    def settled(self, subject: Subject, *, news: bool) -> None:
        """After another balance was said its lists were read. Where they brought nothing, they may
        be behind: the next look reads them again."""
        if news or subject not in self._at_read:
            self._at_read[subject] = self._said.get(subject, {})

    def took(self, calls: int, nodes: int) -> None:
        """What a look at some addresses cost in all."""
        self._cost = (3 * self._cost + calls / nodes) / 4

    def due(
        self,
        trace: Trace,
        now: int,
        read_at: Callable[[Subject], int],
        open_: Callable[[Subject], bool] = lambda _subject: False,
    ) -> list[Node]:
        """Those that it is time for, largest value first: as often as the calls of a day allow,
        and no less than once an hour for as many as they are enough for. `read_at`: when lists
        were read last, by the record; `open_`: whether something there is not final yet."""
        found = ((node, node.state in RESTS and value(node)) for node in trace.nodes)
        waiting = [node for node, rests in found if rests or open_(node.subject)]
        waiting.sort(key=lambda node: (-value(node), node.subject))
        every = DAY * self._cost * len(waiting) / max(1, trace.terms.calls_per_day)
        pace = min(HOUR, max(LEAST, int(every)))
        return [
            n for n in waiting if _is_due(self._last(n.subject, read_at), now, _pace(n, now, pace))
        ]

    def unmoved(self, nodes: Sequence[Node], ask: Ask, now: int) -> tuple[set[Subject], int]:
        """Those of one chain whose balances are what they were when their lists were read, and the
        calls that asking took."""
        same: set[Subject] = set()
        calls = self.ask(nodes, ask)
        for node in nodes:
            mine = self._said[node.subject] = self._balances(node)
            fresh = not _is_due(self._read.get(node.subject, 0), now, LISTS)
            if (
                len(mine) == len(_holdings(node))
                and fresh
                and self._at_read.get(node.subject) == mine
            ):
                same.add(node.subject)
                self._looked[node.subject] = now
        return same, calls

    def ask(self, nodes: Sequence[Node], ask: Ask) -> int:
        """Ask for the balances of what rests at addresses of one chain. Returns the calls made."""
        asked: Heights = dict.fromkeys(each for node in nodes for each in _holdings(node))
        said = ask(asked)
        for holding, figure in said.figures.items():
            self.figures[figure.subject, holding.contract] = figure
        self.asked.update(node.subject for node in nodes)
        return said.calls

    def _balances(self, node: Node) -> dict[Holding, int]:
        mine = ((each, self.figures.get((node.subject, each.contract))) for each in _holdings(node))
        return {each: figure.amount for each, figure in mine if figure is not None}

    def _last(self, subject: Subject, read_at: Callable[[Subject], int]) -> int:
        return self._looked.get(subject) or read_at(subject)


def _holdings(node: Node) -> list[Holding]:
    """What it holds of what a balance can be said of: no NFTs. Where nothing rests: what it held,
    and would hold again if a reorg took back what it paid."""
    contracts = (each.asset.contract for each in node.holds or node.left)
    return [Holding(node.subject.address, each) for each in contracts if "#" not in each]


def value(node: Node) -> int:
    """What rests there by whichever conserving method says most: USD millionths, and 1 where
    something rests that has no price."""
    usd = max((sum((s.usd or {}).get(m, 0) for s in node.holds) for m in CONSERVING), default=0)
    rests = any(s.amount.get(m, 0) for s in node.holds for m in CONSERVING)
    return max(usd, int(rests))


def _is_due(last: int, now: int, pace: int) -> bool:
    """A time ahead of the clock is one from before it was set back."""
    return not 0 <= now - last < pace


def _pace(node: Node, now: int, pace: int) -> int:
    """Seconds between two looks."""
    fresh = now - (node.last_moved or 0) < DAY
    return max(LEAST, pace // FRESH) if fresh else pace
