"""What an address is, before its history is read: in three calls at most (ports.Profiles). Pure.

A service is known by how much it does. Strangers can make an address look busy: they send it
tokens of their own making, and write its name into them as the sender. So only what its coin did
counts, what it signed, and tokens whose issuer is known; and of whom it dealt with within a day
only whom it paid, as a hundred strangers pay anybody a few cents.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from monitor.model import Chain, Subject, Transfer
from monitor.model.errors import BadResponse, NotServed
from monitor.model.trace import Code, Profile
from monitor.net.sources.parsing import Parsed

MOST_CALLS = 3
DAY = 86_400
# (Unix seconds, counterparty)
Touch = tuple[int, str]


@dataclass(slots=True)
class Sketch:
    """What was said so far of one address. `txs` None: no list was looked at."""

    source: str
    chain: Chain
    address: str
    code: Code = Code.UNKNOWN
    wallet: str = ""
    txs: set[str] | None = None
    counted: int | None = None  # transactions, as something else than a list's rows says
    at_least: bool = False
    touches: set[Touch] = field(default_factory=set)
    signed: set[str] = field(default_factory=set)

    def take(self, parsed: Parsed, rows: Sequence[object]) -> None:
        """Transfers of a list of the address. What a row that cannot be read moves is left open.
        Raises BadResponse where no row is one of a list at all, or all are about others."""
        if rows and not parsed.transfers and not parsed.gaps and not parsed.placed:
            raise BadResponse(f"{self.source}: no row of a list can be read")
        self.at_least |= bool(parsed.gaps) or not parsed.placed
        own = [each for each in parsed.transfers if self.address in each.parties()]
        if parsed.transfers and not own:
            raise BadResponse(f"{self.source} answered rows of another address")
        self.signed |= {each.tx for each in own if each.kind.fee}
        moved = [each for each in own if self._counts(each)]
        self.txs = (self.txs or set()) | {each.tx for each in moved} | self.signed
        for each in moved:
            if each.sender == self.address:
                self.touch(each.time, each.recipient)

    def touch(self, time: int | None, *parties: str | None) -> None:
        others = {party for party in parties if party is not None} - {self.address}
        self.touches |= {(time, other) for other in others} if time is not None else set()

    def profile(self, calls: int) -> Profile:
        """Raises NotServed where nothing was said."""
        looked = self.txs is not None
        counts = [count for count in (self.counted, self._seen) if count is not None]
        if self.code is Code.UNKNOWN and not counts:
            raise NotServed(f"{self.source} says nothing of what {self.address} is")
        return Profile(
            Subject(self.chain.key, self.address),
            self.code,
            self.wallet,
            transactions=max(counts, default=None),
            at_least=self.at_least and bool(counts),
            busiest_day=busiest_day(self.touches) if looked else None,
            source=self.source,
            calls=calls,
        )

    @property
    def _seen(self) -> int | None:
        return None if self.txs is None else len(self.txs)

    def _counts(self, moved: Transfer) -> bool:
        if moved.kind.fee or not moved.amount:
            return False
        return moved.contract is None or moved.tx in self.signed or self._trusted(moved.contract)

    def _trusted(self, contract: str) -> bool:
        return contract == self.chain.wrapped or self.chain.issuer_of(contract) is not None


def busiest_day(touches: Iterable[Touch]) -> int:
    """How many different counterparties there were within 24 hours, at most."""
    within: deque[Touch] = deque()
    seen: Counter[str] = Counter()
    most = 0
    for time, party in sorted(touches):
        within.append((time, party))
        seen[party] += 1
        while within[0][0] <= time - DAY:
            _, gone = within.popleft()
            seen[gone] -= 1
            if not seen[gone]:
                del seen[gone]
        most = max(most, len(seen))
    return most
