"""What is unusual about an alert, by our own record. Pure: the poll hands the record in."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.chains.table import family_of
from monitor.decide.balance import signed
from monitor.model import LIVE_STATUSES, Alert, Asset, Chain, Row, Transfer
from monitor.model.facts import Balance, Dealings, Net, Unusual

_Place = tuple[float, ...]  # time, height, place in the block, place in the record

TEST_PAYMENT_WITHIN = 86_400  # seconds
TEST_PAYMENT_SHARE = 100  # a test payment is at most a hundredth of what follows
TEST_PAYMENT_AMONG = 30  # earlier payments of the asset to the same party that are looked at


@dataclass(frozen=True, slots=True)
class Past:
    """What the record holds of an entry's address, the alerts' transactions included."""

    rows: tuple[Row, ...]
    complete: bool  # read from the address's first block, so that balances can be known


def facts(
    alerts: Sequence[Alert],
    address: str,
    chain: Chain,
    past: Past,
    assets: Mapping[tuple[str, str], Asset],
) -> dict[str, Unusual]:
    """What is unusual about each alert of one address, by its id, to be frozen with it.

    One walk through the record, oldest first: what is known of the past when an alert's
    transaction comes is what it may say. So many alerts cost no more for each than a few.
    """
    record = _Record.of(past.rows)
    walk = _Walk(address, chain, assets)
    found = {}
    for place, alert in sorted(
        ((record.place(alert), alert) for alert in alerts), key=lambda pair: pair[0]
    ):
        walk.go_to(place, record)
        told = record.told(alert)
        mine = record.by_tx.get(alert.tx or "", ())
        live = [r.transfer for r in mine if r.status in LIVE_STATUSES]
        atomic = family_of(chain).atomic
        found[alert.id] = replace(
            walk.facts(told, record.when(alert)),
            balances=walk.left(told, live, whole=past.complete),
            net=_net([r.transfer for r in mine], address) if atomic else None,
        )
    return found


@dataclass(frozen=True)
class _Record:
    """Rows by transaction, and the transactions that count in their order."""

    by_identity: Mapping[tuple[str, str, str], Transfer]
    by_tx: Mapping[str, Sequence[Row]]
    places: Mapping[str, _Place]  # of live transactions
    order: Sequence[str]  # live transactions, oldest first

    @classmethod
    def of(cls, rows: Sequence[Row]) -> _Record:
        by_tx: dict[str, list[Row]] = {}
        for row in rows:
            by_tx.setdefault(row.transfer.tx, []).append(row)
        places = _places([r for r in rows if r.status in LIVE_STATUSES])
        known = {r.transfer.identity: r.transfer for r in rows}
        return cls(known, by_tx, places, sorted(places, key=places.__getitem__))

    def told(self, alert: Alert) -> list[Transfer]:
        return [self.by_identity[i] for i in dict.fromkeys(alert.rows) if i in self.by_identity]

    def when(self, alert: Alert) -> int:
        times = [t.time for t in self.told(alert) if t.time is not None]
        return min(times, default=alert.created)

    def place(self, alert: Alert) -> _Place:
        return self.places.get(alert.tx or "", (self.when(alert), math.inf))


def _places(rows: Sequence[Row]) -> dict[str, _Place]:
    """Where each transaction stands: by time, then by its place in the block, then by the
    record. Of several in one block, each knows only those before it."""
    places: dict[str, _Place] = {}
    recorded = sorted(rows, key=lambda r: r.id or math.inf)  # those of this plan come last
    for number, row in enumerate(recorded):
        t = row.transfer
        time = row.first_seen if t.time is None else t.time
        known = (math.inf if each is None else each for each in (t.block_height, t.tx_index))
        place = (time, *known, number)
        # Lists differ in what they tell: the least is what is known of the transaction.
        places[t.tx] = tuple(map(min, place, places.get(t.tx, place)))
    return places


def _more(known: Dealings, time: int) -> Dealings:
    """With one transfer more."""
    ends = [end for end in (known.first, known.last, time) if end is not None]
    return Dealings(known.count + 1, min(ends), max(ends))


def _last_payments() -> deque[Transfer]:
    return deque(maxlen=TEST_PAYMENT_AMONG)


@dataclass
class _Walk:
    """What is known of an address up to a transaction, and not beyond."""

    address: str
    chain: Chain
    assets: Mapping[tuple[str, str], Asset]
    done: int = 0  # transactions walked past
    moved: int | None = None  # when something moved last
    dealings: dict[str, Dealings] = field(default_factory=dict)
    held: dict[str | None, int] = field(default_factory=lambda: defaultdict(int))  # by contract
    paid: dict[tuple[str | None, str | None], deque[Transfer]] = field(
        default_factory=lambda: defaultdict(_last_payments)
    )  # newest payments by (recipient, contract)

    def go_to(self, place: _Place, record: _Record) -> None:
        """Take in every live transaction that stands before this place."""
        order = record.order
        while self.done < len(order) and record.places[order[self.done]] < place:
            for row in record.by_tx[order[self.done]]:
                if row.status in LIVE_STATUSES:
                    self._add(row.transfer)
            self.done += 1

    def _add(self, t: Transfer) -> None:
        if t.time is not None and t.amount and not t.kind.fee:
            self.moved = t.time if self.moved is None else max(self.moved, t.time)
        for party in {t.sender, t.recipient} - {None, self.address}:
            known = self.dealings.get(party or "", Dealings())
            self.dealings[party or ""] = _more(known, t.time or 0)
        self.held[t.contract] += signed(t, self.address)
        if t.sender == self.address:
            self.paid[t.recipient, t.contract].append(t)

    def facts(self, told: Sequence[Transfer], when: int) -> Unusual:
        return Unusual(
            last_moved=self.moved,
            quiet_days=0 if self.moved is None else max(0, when - self.moved) // 86_400,
            dealings=self._dealings(told),
            test_payments=self._tests(told, when),
        )

    def _dealings(self, told: Iterable[Transfer]) -> dict[str, Dealings]:
        """Earlier transfers with each counterparty of this alert; zero is told too."""
        others = dict.fromkeys(_other(t, self.address) for t in told if not t.kind.fee)
        return {
            other: self.dealings.get(other, Dealings())
            for other in others
            if other is not None and other != self.address
        }

    def _tests(self, told: Sequence[Transfer], when: int) -> tuple[str, ...]:
        """Small payments of the same asset to the same party shortly before: a known habit."""
        biggest: dict[tuple[str | None, str | None], int] = {}
        for t in told:
            if t.sender == self.address and not t.kind.fee:
                key = (t.recipient, t.contract)
                biggest[key] = max(t.amount, biggest.get(key, 0))
        return tuple(
            dict.fromkeys(
                t.tx
                for key, amount in biggest.items()
                for t in self.paid.get(key, ())
                if 0 < t.amount * TEST_PAYMENT_SHARE <= amount
                and when - (t.time or 0) <= TEST_PAYMENT_WITHIN
            )
        )

    def left(
        self, told: Sequence[Transfer], mine: Sequence[Transfer], *, whole: bool
    ) -> tuple[Balance, ...] | None:
        """What is there afterwards, as far as that is known. `mine`: the live rows of the
        transaction; `whole`: the record has all of the address."""
        emptied = self._emptied(told, mine)
        if not (whole or emptied):
            return None
        gone = {each.contract for each in emptied}
        balances = self._balances(told, mine) if whole else []
        return (*emptied, *(each for each in balances if each.contract not in gone))

    def _balances(self, told: Sequence[Transfer], mine: Sequence[Transfer]) -> list[Balance]:
        """Before and after this transaction, by our record, of each fungible asset told."""
        changes: dict[str | None, int] = defaultdict(int)
        for t in mine:
            changes[t.contract] += signed(t, self.address)
        found = []
        for contract in dict.fromkeys(t.contract for t in told if _adds_up(t)):
            asset = self.assets.get((self.chain.key, contract)) if contract else None
            before = self.held.get(contract, 0)
            after = before + changes[contract]
            if (contract and asset is None) or before < 0 or after < 0:
                continue  # something is not in the record: better no figure than a wrong one
            found.append(self._balance(contract, asset, before, after))
        return found

    def _emptied(self, told: Sequence[Transfer], mine: Sequence[Transfer]) -> list[Balance]:
        """An issuer destroys all that is there, whatever our record holds of it."""
        found = []
        for contract in dict.fromkeys(t.contract for t in told if t.kind.destroys):
            asset = self.assets.get((self.chain.key, contract or ""))
            gone = -sum(signed(t, self.address) for t in mine if t.contract == contract)
            if asset is not None:
                before = max(0, gone, self.held.get(contract, 0))
                found.append(self._balance(contract, asset, before, 0))
        return found

    def _balance(
        self, contract: str | None, asset: Asset | None, before: int, after: int
    ) -> Balance:
        named = asset or self.chain
        return Balance(contract or None, named.symbol, named.decimals, before, after)


def _adds_up(transfer: Transfer) -> bool:
    """Whether it moved an amount of something; what an issuer destroys is told by `_emptied`."""
    return not (transfer.kind.fee or transfer.kind.nft or transfer.kind.act)


def _other(transfer: Transfer, address: str) -> str | None:
    return transfer.recipient if transfer.sender == address else transfer.sender


def _net(legs: Sequence[Transfer], address: str) -> Net:
    put = sum(t.amount for t in legs if t.sender == address)
    got = sum(t.amount for t in legs if t.recipient == address)
    return Net(put, got)
