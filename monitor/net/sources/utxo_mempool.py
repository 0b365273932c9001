"""What waits to be in a block, by a node's own list of it.

The list holds ids only. Each transaction is looked at once, when it is new, so many of them in one
fetch at most; those that touch a member are told with every fetch as long as they wait.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from monitor.model import Ask, Interval, Transfer
from monitor.model.errors import BadResponse
from monitor.model.scope import Members
from monitor.net.sources import parsing, utxo_node
from monitor.net.sources.parsing import Parsed, RowError, fields
from monitor.net.sources.utxo_legs import HASH
from monitor.net.sources.utxo_node import AT_ONCE, NO_SUCH_THING, Word
from monitor.net.sources.utxo_rpc_reader import Reader
from monitor.net.sources.utxo_rpc_rows import Outline, Paid, outline, paid_of
from monitor.net.sources.utxo_whole import Watched

MOST_NEW = 3000  # transactions that are looked at in one fetch


class _New(NamedTuple):
    txid: str
    told: Outline
    paid: Mapping[str, str]  # members' outputs


class Mempool:
    """Of one node, from fetch to fetch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: Members | None = None  # whom the rest is about
        self._others: set[str] = set()  # what waits and touches none of them
        self._ours: dict[str, Sequence[Transfer]] = {}
        self._paid: dict[str, Mapping[str, str]] = {}  # members' outputs, by what waits

    def read(self, ask: Ask, watched: Watched, reader: Reader) -> tuple[Parsed, bool]:
        """What waits and touches a member, and whether that is all. Raises SourceError."""
        with self._lock:
            if ask.members is not self._members:
                self._members, self._others, self._ours, self._paid = ask.members, set(), {}, {}
            listed = _listed(reader)
            self._forget(listed)
            for outputs in self._paid.values():
                watched.own(outputs)
            fresh = [txid for txid in listed if txid not in self._others and txid not in self._ours]
            look = _Look(self, listed, reader, watched)
            for at in range(0, min(len(fresh), MOST_NEW), AT_ONCE):
                look.at(fresh[at : at + AT_ONCE])
            here = Interval(ask.head.height, ask.head.height)
            gaps = tuple(parsing.gap(here, str(error), row) for error, row in look.bad)
            told = tuple(leg for legs in self._ours.values() for leg in legs)
            seen = len(self._others) + len(self._ours) + look.gone
            return Parsed(told, gaps), seen == len(listed)

    def _forget(self, listed: Mapping[str, None]) -> None:
        """What waits no more."""
        self._others.intersection_update(listed)
        for kept in (self._ours, self._paid):
            for gone in [txid for txid in kept if txid not in listed]:
                del kept[gone]

    def is_ours(self, txid: str, legs: Sequence[Transfer]) -> None:
        self._ours[txid] = legs

    def pays(self, txid: str, outputs: Mapping[str, str]) -> None:
        self._paid[txid] = outputs

    def is_others(self, txid: str) -> None:
        self._others.add(txid)

    def waits(self, txid: str) -> bool:
        """Whether what a transaction pays is known."""
        return txid in self._others or txid in self._ours or txid in self._paid


class _Look:
    """What one fetch finds out of what is new."""

    def __init__(
        self, pool: Mempool, listed: Mapping[str, None], reader: Reader, watched: Watched
    ) -> None:
        self._pool, self._listed, self._reader, self._watched = pool, listed, reader, watched
        self.bad: list[tuple[RowError, object]] = []
        self.gone = 0  # that were listed, and wait no more

    def at(self, txids: Sequence[str]) -> None:
        """Some of which a child may come before its parent: it is looked at again then."""
        fresh = self._fresh(txids)
        here = {each.txid for each in fresh}
        known = [each for each in fresh if self._parents_known(each, here)]
        lent = self._unspent(known)
        ours = []
        for each in known:
            spends = self._spends(each.told, lent)
            if spends or (each.paid and spends is not None):
                ours.append(each)
            elif spends is not None:
                self._pool.is_others(each.txid)
        self._take(ours, lent)

    def _fresh(self, txids: Sequence[str]) -> list[_New]:
        address = self._reader.payees.address
        rows = self._reader.ask_much([("getrawtransaction", [txid, 1]) for txid in txids])
        found = []
        for txid, row in zip(txids, rows, strict=True):
            if isinstance(row, Word) and row.code == NO_SUCH_THING:
                self.gone += 1
                continue
            tx = self._same(utxo_node.told(self._reader.name, row), txid)
            try:
                told = outline(tx)
            except RowError as error:
                self.bad.append((error, row))
                continue
            paid = self._watched.pays(txid, map(address, told.pays))
            if paid:
                self._pool.pays(txid, paid)
            found.append(_New(txid, told, paid))
        return found

    def _parents_known(self, each: _New, here: Collection[str]) -> bool:
        parents = {output.partition(":")[0] for output in each.told.spends}
        return all(p in here or p not in self._listed or self._pool.waits(p) for p in parents)

    def _unspent(self, fresh: Sequence[_New]) -> dict[str, Paid]:
        """What these spend of outputs in blocks, where members' own are not known beforehand."""
        if not self._reader.tells_spent:
            return {}
        outputs = [
            output
            for each in fresh
            for output in each.told.spends
            if output.partition(":")[0] not in self._listed
        ]
        calls = [("gettxout", [*_place(output), False]) for output in outputs]
        found: dict[str, Paid] = {}
        for output, told in zip(outputs, self._reader.ask_much(calls), strict=True):
            if (row := utxo_node.told(self._reader.name, told)) is not None:
                try:
                    found[output] = paid_of(self._reader.chain, fields(row))
                except RowError as error:
                    self.bad.append((error, row))
        return found

    def _spends(self, told: Outline, lent: Mapping[str, Paid]) -> bool | None:
        """Whether a member's output is spent; None where that cannot be said: it is in a block by
        now, perhaps."""
        if self._reader.tells_spent:
            inside = [o for o in told.spends if o.partition(":")[0] not in self._listed]
            if any(o not in lent for o in inside):
                return None
            address = self._reader.payees.address
            if any(self._watched.has(address(lent[o].script)) for o in inside):
                return True
        return any(self._watched.owner(output) is not None for output in told.spends)

    def _take(self, ours: Sequence[_New], lent: dict[str, Paid]) -> None:
        """Asked for once more, alone: these answers are kept."""
        missing = [o for each in ours for o in each.told.spends if o not in lent]
        lent = {**lent, **self._reader.previous(missing)}
        rows = self._reader.ask([("getrawtransaction", [each.txid, 1]) for each in ours])
        for each, row in zip(ours, rows, strict=True):
            if isinstance(row, Word) and row.code == NO_SUCH_THING:
                self.gone += 1
                continue
            tx = self._same(utxo_node.told(self._reader.name, row), each.txid)
            try:
                legs = self._reader.legs(tx, lent, (None, None, None), self._watched)
            except RowError as error:
                self.bad.append((error, row))
            else:
                self._pool.is_ours(each.txid, legs)

    def _same(self, row: object, txid: str) -> Mapping[str, object]:
        tx = row if isinstance(row, dict) else {}
        if tx.get("txid") != txid:
            raise BadResponse(f"{self._reader.name} answered with another transaction")
        return tx


def _listed(reader: Reader) -> dict[str, None]:
    """Ids of all that waits, parents first, as nodes put them."""
    (told,) = reader.ask_much([("getrawmempool", [])])
    listed = utxo_node.told(reader.name, told)
    if not isinstance(listed, list) or not all(
        isinstance(t, str) and HASH.match(t) for t in listed
    ):
        raise BadResponse(f"{reader.name} answered something else than what waits")
    return dict.fromkeys(listed)


def _place(output: str) -> tuple[str, int]:
    txid, _, n = output.partition(":")
    return txid, int(n)
