"""The record of a case as transactions: whose rows count, and from when. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.analysis.trace.assets import Assets
from monitor.analysis.trace.known import Known, Source
from monitor.chains.table import family_of
from monitor.model import Chain, Row, Status, Subject, Transfer
from monitor.model.flow import Account
from monitor.model.trace import Name

COUNTED = frozenset({Status.PROVISIONAL, Status.FINAL, Status.MISSING})
# Holders that are no address. What comes from the first is clean, what goes to the second stays.
ORIGIN = "@origin"  # made by the chain or a contract, or not counted yet
BEYOND = "@beyond"  # left the chain, and no recipient is named

Place = tuple[str, str]  # chain, tx


@dataclass(frozen=True, slots=True)
class Tx:
    """What the record holds of a transaction, by the addresses of the case."""

    chain: Chain
    tx: str
    time: int
    height: int | None
    index: int | None
    rows: tuple[Transfer, ...]
    moment: int  # by which it is ordered: no earlier than what it spends


@dataclass
class Gathered:
    """The transactions of one case, put together anew only where rows changed."""

    _chains: Mapping[str, Chain] = field(default_factory=dict)
    _rows: dict[Subject, list[Row]] = field(default_factory=dict)
    _parts: dict[Place, dict[Subject, list[Row]]] = field(default_factory=dict)
    _txs: dict[Place, Tx] = field(default_factory=dict)

    def of(self, known: Known) -> list[Tx]:
        """All that sources and followed addresses have a part in, each once, in no order of value.
        One that is the same as the last time is the same object, but for its moment."""
        if known.chains != self._chains:
            self._chains = dict(known.chains)
            for each in (self._rows, self._parts, self._txs):
                each.clear()
        changed: set[Place] = set()
        subjects = {source.subject for source in known.sources} | set(known.followed)
        for subject in self._rows.keys() - subjects:
            changed |= self._put(subject, [])
        for subject in subjects:
            changed |= self._put(subject, known.rows(subject).rows)
        for place in changed:
            self._join(place)
        return never_back([self._txs[place] for place in sorted(self._txs)])

    def _put(self, subject: Subject, rows: Sequence[Row]) -> set[Place]:
        """Take the rows of an address in. Returns the transactions in which they changed."""
        old, new = self._rows.get(subject, []), list(rows)
        if old == new:
            return set()
        self._rows[subject] = new
        for place in {_place(row) for row in old}:
            self._parts[place].pop(subject, None)
        for row in new:
            self._parts.setdefault(_place(row), {}).setdefault(subject, []).append(row)
        return {_place(row) for row in (*old, *new)}

    def _join(self, place: Place) -> None:
        legs: dict[str, Row] = {}
        parts = self._parts[place]
        for row in (row for subject in sorted(parts) for row in parts[subject]):
            move = row.transfer
            if row.status in COUNTED and not move.pending and move.chain in self._chains:
                other = legs.get(move.leg)
                if other is None or (other.version, other.id) < (row.version, row.id):
                    legs[move.leg] = row
        if legs:
            self._txs[place] = _tx(self._chains[place[0]], place[1], legs)
        else:
            self._txs.pop(place, None)


def _place(row: Row) -> Place:
    return row.transfer.chain, row.transfer.tx


def _tx(chain: Chain, tx: str, legs: Mapping[str, Row]) -> Tx:
    rows = [legs[leg] for leg in sorted(legs)]
    moves = tuple(row.transfer for row in rows)
    time = _least(t.time for t in moves)
    if time is None:
        time = min(row.first_seen for row in rows)
    height = _least(t.block_height for t in moves)
    return Tx(chain, tx, time, height, _least(t.tx_index for t in moves), moves, time)


def _least(values: Iterable[int | None]) -> int | None:
    return min((v for v in values if v is not None), default=None)


def never_back(txs: Sequence[Tx]) -> list[Tx]:
    """Bitcoin's blocks may say an earlier time than the block before: what is spent was there
    before, whatever the times say."""
    times: dict[tuple[str, int], int] = {}
    for tx in txs:
        if tx.height is not None and family_of(tx.chain).atomic:
            block = tx.chain.key, tx.height
            times[block] = max(tx.time, times.get(block, tx.time))
    latest: dict[str, int] = {}
    for chain, height in sorted(times):
        latest[chain] = max(times[chain, height], latest.get(chain, times[chain, height]))
        times[chain, height] = latest[chain]
    if not times:
        return list(txs)
    return [replace(tx, moment=times.get((tx.chain.key, tx.height or 0), tx.time)) for tx in txs]


class Reading:
    """What readers of transactions ask of a case, and what they find beside the steps."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.by_subject: dict[Subject, Source] = {s.subject: s for s in known.sources}
        self.tracked: Container[Subject] = frozenset(known.followed) | self.by_subject.keys()
        self.assets = Assets(known)
        self.begin()

    def begin(self) -> None:
        """From here on what is found and asked is found and asked anew."""
        self.sources: dict[Account, str] = {}
        self.owner: dict[Account, Subject] = {}
        self.mixed: set[Account] = set()
        self.followed: set[Account] = set()  # whose order matters: of followed addresses
        self.ignored: Counter[str] = Counter()
        self._names: dict[Subject, Sequence[Name]] = {}
        self.assets.forget()

    def account(self, chain: str, address: str, asset: str) -> Account:
        """The account of an address, known to be its own from now on."""
        account = Account(chain, address, asset)
        return account if account in self.owner else self.own(account, Subject(chain, address))

    def own(self, account: Account, subject: Subject) -> Account:
        self.owner[account] = subject
        if subject in self.by_subject:
            self.sources[account] = subject.key
        elif subject in self.tracked:
            self.followed.add(account)
        return account

    def early(self, subject: Subject, tx: Tx) -> bool:
        """Whether it is a source, and what it gives in a transaction does not count yet."""
        source = self.by_subject.get(subject)
        if source is None:
            return False
        below = tx.height is not None and tx.height < source.since_height
        return tx.time < source.since or below

    def names(self, subject: Subject) -> Sequence[Name]:
        if subject not in self._names:
            self._names[subject] = self.known.names(subject)
        return self._names[subject]
