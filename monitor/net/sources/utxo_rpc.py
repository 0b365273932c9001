"""A node of Bitcoin Core's kind, by JSON-RPC: Core itself, and those of Bitcoin Cash, Litecoin,
Dogecoin, Dash and Zcash.

A node has no list of an address. What it has are blocks: with verbosity 3 (Core since 23.0) they
hold the outputs that are spent; elsewhere those are looked up, for which it needs its index of
transactions. And it shows all that waits to be in a block.
"""

from __future__ import annotations

from monitor.chains.utxo import UTXO
from monitor.model import Ask, Batch, Chain, Head, Lookup, SourceConfig
from monitor.model.errors import NotServed
from monitor.net.http import Answer, Http
from monitor.net.sources import utxo_node
from monitor.net.sources.utxo_identity import check_landmark, foreign
from monitor.net.sources.utxo_legs import fields_of
from monitor.net.sources.utxo_node import NO_SUCH_THING, NOT_IN_RANGE, Word
from monitor.net.sources.utxo_rpc_blocks import NodeBlocks
from monitor.net.sources.utxo_rpc_rows import parse_hash, parse_head, parse_lookup


class UtxoRpc:
    """Source for one UTXO chain. `url` is the endpoint itself, with user and password."""

    axis = UTXO.axis
    bundles: tuple[frozenset[str], ...] = ()
    many = False
    list_calls = 0
    act_calls = 0

    def __init__(self, config: SourceConfig, chain: Chain, http: Http) -> None:
        self.name = config.name
        self.chain = chain.key
        self.index_lag = config.index_lag or 0
        self._chain = chain
        self._http = http
        self._whole = NodeBlocks(self, chain, http)

    def identify(self) -> None:
        told = fields_of(self._ask("getblockchaininfo")).get("chain")
        test = UTXO.is_test(self._chain)
        if isinstance(told, str) and (told == "main") == test:
            raise foreign(self, self._chain, f"it is on {told}")
        check_landmark(self, self._chain)

    def head(self) -> Head:
        tip = parse_hash(self._ask("getbestblockhash"))
        return parse_head(self._ask("getblockheader", tip), tip)

    def transaction(self, tx: str) -> Lookup:
        head = self.head()
        (found,) = utxo_node.results(self.name, self._post, [("getrawtransaction", [tx, 1])])
        if isinstance(found, Word) and found.code == NO_SUCH_THING:
            utxo_node.may_be_missing(self.name, found)
            return Lookup(self.name, tx, found=False, head=head)
        block = fields_of(utxo_node.told(self.name, found)).get("blockhash")
        header = None if block is None else self._ask("getblockheader", block)
        return parse_lookup(found, header, self.name, tx, head)

    def block_hash(self, height: int) -> str | None:
        (found,) = utxo_node.results(self.name, self._post, [("getblockhash", [height])])
        if isinstance(found, Word) and found.code == NOT_IN_RANGE:
            return None
        return parse_hash(utxo_node.told(self.name, found))

    def fetch(self, ask: Ask) -> Batch:
        del ask
        raise NotServed(f"{self.name} is a node, which has no list of an address")

    def whole(self) -> NodeBlocks:
        """See ports.ReadsBlocks."""
        return self._whole

    def _ask(self, method: str, *params: object) -> object:
        return utxo_node.one(self.name, self._post, method, *params)

    def _post(self, sent: object) -> Answer:
        return self._http.post("", sent)
