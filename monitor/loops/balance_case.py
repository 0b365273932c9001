"""One address as it is held against its chain in one round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.decide import balance as deciding
from monitor.model import Chain, Row, Subject
from monitor.model.balance import COIN, Figure
from monitor.model.streams import StreamState
from monitor.store import balances


@dataclass
class Case:
    """One address in one round."""

    subject: Subject
    rows: dict[str, list[Row]]  # by contract
    states: dict[str, StreamState]
    kept: Mapping[str, balances.Verdict]
    asked: list[str]  # contracts
    unasked: str = ""  # why nothing is asked of it
    figures: dict[str, Figure] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)  # of what nobody says
    seen: dict[str, int] = field(default_factory=dict)  # how far lists were read just now
    expected: frozenset[str] = frozenset()  # contracts of held funds
    opening: Figure | None = None  # from which on its coin is counted
    opened: bool = False  # that is new

    def opening_of(self, contract: str) -> Figure | None:
        """Of an asset: only a coin has one."""
        return self.opening if contract == COIN else None

    def counted(self, contract: str) -> Sequence[Row]:
        """An asset's rows; what they lack below its opening as one more."""
        return deciding.counted_from(self.opening_of(contract), self.rows.get(contract, []))

    def is_readable(self, chain: Chain, contract: str) -> bool:
        """Whether an asset's record can be held against figures at all."""
        return not deciding.unreadable(chain, contract, self.states, self.opening_of(contract))

    def height(self, chain: Chain, contract: str, touched: bool) -> int | None:
        """The block at which an asset is best asked for: the newest that is proven read, of who is
        touched by newer ones the newest that is read; None: now."""
        if touched and (height := deciding.read_to(chain, contract, self.states)) is not None:
            return height
        return deciding.proven_to(chain, contract, self.states)

    def opens_at(self, chain: Chain) -> int | None:
        """Below the first block that touches an address since its chain is read for it; None: none
        does, or its coin can be counted."""
        if self.is_readable(chain, COIN):
            return None
        joined = deciding.joined_at(chain, self.states)
        heights = (row.transfer.block_height for row in self.rows.get(COIN, ()))
        mine = [at for at in heights if at is not None and joined is not None and at >= joined]
        return min(mine) - 1 if mine else None

    def open(self, chain: Chain, figure: Figure) -> None:
        """Count the coin from a figure on, if it can be."""
        rows = self.rows.get(COIN, [])
        if deciding.may_open(chain, figure, rows, self.states, self.seen):
            self.opening, self.opened = figure, True


def find_opening(chain: Chain, case: Case) -> Figure | None:
    """From which figure on an address's coin is counted: None: from its beginning on, or it cannot
    be counted."""
    verdict = case.kept.get(COIN)
    if verdict is None or not deciding.unreadable(chain, COIN, case.states):
        return None
    unread = deciding.unreadable(chain, COIN, case.states, verdict.opening)
    return None if unread else verdict.opening


def by_asset(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows of what is held in amounts, by contract."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        kind = row.transfer.kind
        if not kind.nft and not kind.numbered:
            found.setdefault(row.transfer.contract or COIN, []).append(row)
    return found
