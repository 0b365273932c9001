"""What one reading of a node of Bitcoin Core's kind asks besides blocks: transactions in full, with
all that they spend."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

from monitor.chains.payees import Payees
from monitor.model import Chain, Transfer
from monitor.net.http import Answer, Http
from monitor.net.sources import utxo_node
from monitor.net.sources.parsing import RowError
from monitor.net.sources.utxo_legs import Block, fields_of
from monitor.net.sources.utxo_node import NO_SUCH_THING, Call, Word
from monitor.net.sources.utxo_rpc_rows import Paid, legs_of, parse_outputs, parse_tx
from monitor.net.sources.utxo_whole import Watched, WholeRecorder


class Reader:
    """Of one fetch. `tells_spent`: the node's blocks hold what inputs spend."""

    def __init__(
        self, name: str, chain: Chain, payees: Payees, http: Http, *, tells_spent: bool
    ) -> None:
        self.name, self.chain, self.payees = name, chain, payees
        self.tells_spent = tells_spent
        self.recorder = WholeRecorder(http)
        self._http = http

    def ask(self, calls: Sequence[Call]) -> list[object]:
        """The results in order, a Word for one that failed. Raises SourceError."""
        return utxo_node.many(self.name, partial(self.recorder.post, ""), calls)

    def ask_much(self, calls: Sequence[Call]) -> list[object]:
        """The same, and of the answers no more is kept than what of the last one `matched`."""
        return utxo_node.many(self.name, self._unkept, calls)

    def matched(self, what: object) -> None:
        self.recorder.matched(json.dumps(what, default=str, separators=(",", ":")).encode())

    def _unkept(self, sent: object) -> Answer:
        return self.recorder.whole(lambda: self._http.post("", sent))

    def previous(self, outputs: Iterable[str]) -> dict[str, Paid]:
        """These outputs ("txid:n"), as far as the node finds them. Raises Refused where it has no
        index to find them by."""
        wanted: dict[str, list[str]] = {}
        for output in outputs:
            wanted.setdefault(output.partition(":")[0], []).append(output)
        told = self.ask([("getrawtransaction", [txid, 1]) for txid in wanted])
        found: dict[str, Paid] = {}
        for (txid, named), tx in zip(wanted.items(), told, strict=True):
            if isinstance(tx, Word) and tx.code == NO_SUCH_THING:
                utxo_node.may_be_missing(self.name, tx)
                continue
            found |= self.outputs(fields_of(utxo_node.told(self.name, tx)), txid, named)
        return found

    def outputs(
        self, tx: Mapping[str, object], txid: str, named: Collection[str]
    ) -> dict[str, Paid]:
        """Those of a transaction that are named; none of another one, or that cannot be read."""
        try:
            pays = parse_outputs(self.chain, tx) if tx.get("txid") == txid else []
        except RowError:
            return {}
        there = {f"{txid}:{n}": paid for n, paid in enumerate(pays)}
        return {output: there[output] for output in named if output in there}

    def legs(
        self, row: Mapping[str, object], lent: Mapping[str, Paid], block: Block, watched: Watched
    ) -> list[Transfer]:
        """Every leg of a transaction. `lent`: outputs that it may spend, beside those that its own
        row tells. Raises RowError."""
        tx = parse_tx(self.chain, row)
        told = {output: paid for output, paid in tx.spends if paid is not None}
        legs = legs_of(self.chain, self.payees, tx, {**lent, **told}, block)
        for leg in legs:
            owner = None if leg.spends is None else watched.owner(leg.spends)
            if owner not in (None, leg.sender):
                raise RowError("an input spends what was paid to another address")
        return legs
