"""When addresses at which value rests are looked at again: their balances first, and their lists
where a balance is another one than at the last look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from monitor.loops.witness import Witness
from monitor.model import Subject
from monitor.model.balance import Figure, Holding
from monitor.model.flow import CONSERVING
from monitor.model.trace import Node, State, Trace

HOUR, DAY = 3600, 86_400
RESTS = (State.FOLLOWED, State.PARKED)
FRESH = 300  # seconds between two looks at what moved within the last day
LISTS = 6 * HOUR  # seconds for which a balance that stays the same stands for the lists


@dataclass
class Resting:
    """Of one case. Times are of our clock."""

    _looked: dict[Subject, int] = field(default_factory=dict)
    _read: dict[Subject, int] = field(default_factory=dict)
    _at_read: dict[Subject, dict[Holding, int]] = field(default_factory=dict)
    # The newest words on balances, by contract, and whose were ever asked for.
    figures: dict[tuple[Subject, str], Figure] = field(default_factory=dict)
    asked: set[Subject] = field(default_factory=set)

    def read(self, subjects: Iterable[Subject], now: int) -> None:
        """Their lists were read just now."""
        for subject in subjects:
            self._looked[subject] = self._read[subject] = now

    def due(self, trace: Trace, now: int, read_at: Callable[[Subject], int]) -> list[Node]:
        """Those that it is time for, largest value first. `read_at`: when lists were read last, by
        the record."""
        found = [node for node in trace.nodes if node.state in RESTS]
        waiting = [node for node in found if value(node)]
        waiting.sort(key=lambda node: (-value(node), node.subject))
        return [n for n in waiting if now - self._last(n.subject, read_at) >= _pace(n, now)]

    def unmoved(self, nodes: Sequence[Node], witness: Witness) -> tuple[set[Subject], int]:
        """Those of one chain whose balances are what they were when their lists were read, and the
        calls that asking took."""
        now, same = witness.clock(), set()
        calls = self.ask(nodes, witness)
        for node in nodes:
            mine = self._said(node)
            fresh = now - self._read.get(node.subject, 0) < LISTS
            if (
                len(mine) == len(_holdings(node))
                and fresh
                and self._at_read.get(node.subject) == mine
            ):
                same.add(node.subject)
                self._looked[node.subject] = now
            self._at_read[node.subject] = mine
        return same, calls

    def ask(self, nodes: Sequence[Node], witness: Witness) -> int:
        """Ask for the balances of what rests at addresses of one chain. Returns the calls made."""
        asked = dict.fromkeys(each for node in nodes for each in _holdings(node))
        said = witness.ask(asked, witness.sources())
        for holding, figure in said.figures.items():
            self.figures[figure.subject, holding.contract] = figure
        self.asked.update(node.subject for node in nodes)
        return said.calls

    def _said(self, node: Node) -> dict[Holding, int]:
        mine = ((each, self.figures.get((node.subject, each.contract))) for each in _holdings(node))
        return {each: figure.amount for each, figure in mine if figure is not None}

    def _last(self, subject: Subject, read_at: Callable[[Subject], int]) -> int:
        return self._looked.get(subject) or read_at(subject)


def _holdings(node: Node) -> list[Holding]:
    """What it holds of what a balance can be said of: no NFTs."""
    contracts = (each.asset.contract for each in node.holds)
    return [Holding(node.subject.address, each) for each in contracts if "#" not in each]


def value(node: Node) -> int:
    """What rests there by whichever conserving method says most: USD millionths, and 1 where
    something rests that has no price."""
    usd = max((sum((s.usd or {}).get(m, 0) for s in node.holds) for m in CONSERVING), default=0)
    rests = any(s.amount.get(m, 0) for s in node.holds for m in CONSERVING)
    return max(usd, int(rests))


def _pace(node: Node, now: int) -> int:
    """Seconds between two looks."""
    moved = node.last_moved or 0
    return FRESH if now - moved < DAY else HOUR
