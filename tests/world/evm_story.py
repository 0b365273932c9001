"""A little invented history of one EVM address, told in two dialects by scripted servers.

Everything an account chain can do is in it once: payments both ways, to itself, of
nothing, failed, creations, internal calls, tokens of three kinds, equal transfers in one
transaction, a batch of one NFT contract. `EXPECTED` says what a source must make of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from monitor.model import Chain, Head, Kind, account_leg
from world.scripted_server import Call, Reply

CHAIN = Chain(
    key="test", name="Test chain", family="evm", symbol="ETH", decimals=18, finality=12,
    chain_id=31337,
)  # fmt: skip
ME = "0x" + "aa" * 20
PEER = "0x" + "bb" * 20
OTHER = "0x" + "cc" * 20
COIN = "0x" + "c0" * 20
ART = "0x" + "a7" * 20
ITEMS = "0x" + "17" * 20
MADE = "0x" + "de" * 20
ZERO = "0x" + "00" * 20
HUGE = 2**256 - 1
START = 1_700_000_000


def tx_of(name: str) -> str:
    return "0x" + hashlib.sha256(name.encode()).hexdigest()


def block_hash(height: int) -> str:
    return tx_of(f"block {height}")


def block_time(height: int) -> int:
    return START + 12 * height


@dataclass(frozen=True)
class Move:
    """One line of one list. `counts` is False where nothing moved."""

    kind: Kind
    block: int
    tx: str
    sender: str
    recipient: str | None
    amount: int
    contract: str = ""  # token, or what a transaction created
    token_id: int | None = None
    data: str = "0x"
    failed: bool = False
    how: str = "call"
    counts: bool = True
    call: int = 1  # of those that a transaction makes inside


STORY = (
    Move(Kind.NATIVE, 5, "in", PEER, ME, 10**18),
    Move(Kind.NATIVE, 7, "out", ME, PEER, 3 * 10**17),
    Move(Kind.NATIVE, 7, "self", ME, ME, 5),
    Move(Kind.NATIVE, 9, "failed", ME, PEER, 10**17, failed=True, counts=False),
    Move(Kind.NATIVE, 12, "nothing", ME, OTHER, 0),
    Move(Kind.NATIVE, 13, "approve", ME, COIN, 0, data="0x095ea7b3", counts=False),
    Move(Kind.NATIVE, 14, "create", ME, None, 0, MADE, data="0x6080"),
    Move(Kind.NATIVE, 15, "endow", ME, None, 7, MADE, data="0x6080"),
    Move(Kind.INTERNAL, 13, "approve", COIN, ME, 11),
    Move(Kind.INTERNAL, 16, "spread", MADE, ME, 21),
    Move(Kind.INTERNAL, 16, "spread", MADE, ME, 21, call=2),
    Move(Kind.INTERNAL, 17, "cancelled", MADE, ME, 99, failed=True, counts=False),
    Move(Kind.INTERNAL, 18, "ended", MADE, ME, 4, how="selfdestruct"),
    Move(Kind.INTERNAL, 18, "factory", ME, None, 6, OTHER, how="create2"),
    Move(Kind.INTERNAL, 19, "poke", MADE, ME, 0, how="call", counts=False),
    Move(Kind.ERC20, 20, "airdrop", PEER, ME, 500, COIN),
    Move(Kind.ERC20, 20, "airdrop", PEER, ME, 500, COIN),
    Move(Kind.ERC20, 20, "airdrop", PEER, ME, 501, COIN),
    Move(Kind.ERC20, 21, "minted", ZERO, ME, HUGE, COIN),
    Move(Kind.ERC20, 22, "poison", ME, OTHER, 0, COIN),
    Move(Kind.ERC721, 21, "art", PEER, ME, 1, ART, HUGE),
    Move(Kind.ERC721, 23, "art back", ME, PEER, 1, ART, HUGE),
    Move(Kind.ERC1155, 24, "batch", PEER, ME, 3, ITEMS, 1),
    Move(Kind.ERC1155, 24, "batch", PEER, ME, 4, ITEMS, 2),
    Move(Kind.ERC1155, 24, "batch", PEER, ME, 3, ITEMS, 1),
)
HEAD = Head(height=40, time=block_time(40), block_hash=block_hash(40))
GAS_USED, GAS_PRICE = 21_000, 7
TOKENS = (Kind.ERC20, Kind.ERC721, Kind.ERC1155)


def expected(story: Iterable[Move] = STORY) -> set[tuple[str, str, int, int]]:
    """(tx, leg, block, amount) of every transfer that the story comes to."""
    rows: set[tuple[str, str, int, int]] = set()
    for move in story:
        contract = move.contract if move.kind in TOKENS else None
        recipient = move.recipient or move.contract
        token_id = None if move.token_id is None else str(move.token_id)
        for ordinal in range(10) if move.counts else ():
            leg = account_leg(
                move.kind, contract, token_id, move.sender, recipient, move.amount, ordinal
            )
            row = (tx_of(move.tx), leg, move.block, move.amount)
            if row not in rows:
                rows.add(row)
                break
        if move.kind is Kind.NATIVE and move.sender == ME:
            leg = account_leg(Kind.FEE, None, None, ME, None, 0, 0)
            rows.add((tx_of(move.tx), leg, move.block, GAS_USED * GAS_PRICE))
    return rows


ACTIONS = {
    "txlist": Kind.NATIVE,
    "txlistinternal": Kind.INTERNAL,
    "tokentx": Kind.ERC20,
    "tokennfttx": Kind.ERC721,
    "token1155tx": Kind.ERC1155,
}


def etherscan_row(move: Move) -> dict[str, Any]:
    row = {
        "blockNumber": str(move.block),
        "timeStamp": str(block_time(move.block)),
        "hash": tx_of(move.tx),
        "from": move.sender,
        "to": move.recipient or "",
        "contractAddress": move.contract,
        "value": str(move.amount),
        "input": move.data,
        "isError": "1" if move.failed else "0",
        "gasUsed": str(GAS_USED),
        "gasPrice": str(GAS_PRICE),
    }
    if move.kind is Kind.INTERNAL:
        return {**row, "type": move.how, "traceId": f"0_{move.call}"}
    row |= {"blockHash": block_hash(move.block), "transactionIndex": "0"}
    if move.kind in TOKENS:
        row |= {"tokenName": "Coin", "tokenSymbol": "CN", "tokenDecimal": "6"}
    if move.token_id is not None:
        row["tokenID"] = str(move.token_id)
        row["tokenValue"] = row.pop("value")
    return row


def rpc_block(height: int) -> dict[str, str] | None:
    if height > HEAD.height:
        return None
    return {
        "number": hex(height),
        "timestamp": hex(block_time(height)),
        "hash": block_hash(height),
    }


class EtherscanServer:
    """Answers like Etherscan; `cap` cuts every page in silence."""

    def __init__(self, story: Iterable[Move] = STORY, cap: int = 10_000) -> None:
        self.story = tuple(story)
        self.cap = cap
        self.rows = [(ACTIONS_OF[m.kind], etherscan_row(m)) for m in self.story]

    def __call__(self, call: Call) -> Reply:
        query = call.query
        if query["module"] == "proxy":
            return Reply({"jsonrpc": "2.0", "id": 1, "result": self.proxy(query)})
        page = self.page(query)
        if not page:
            return Reply({"status": "0", "message": "No transactions found", "result": []})
        return Reply({"status": "1", "message": "OK", "result": page})

    def page(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        low, high = int(query["startblock"]), int(query["endblock"])
        size, number = min(int(query["offset"]), self.cap), int(query["page"])
        assert size * number <= 10_000
        assert query["address"] == ME
        rows = [r for action, r in self.rows if action == query["action"]]
        rows = [r for r in rows if low <= int(r["blockNumber"]) <= high]
        rows.sort(key=lambda r: int(r["blockNumber"]), reverse=query.get("sort") != "asc")
        return rows[size * (number - 1) : size * number]

    def proxy(self, query: Mapping[str, str]) -> Any:
        if query["action"] == "eth_blockNumber":
            return hex(HEAD.height)
        if query["action"] == "eth_getBlockByNumber":
            return rpc_block(int(query["tag"], 16))
        found = [m for m in self.story if tx_of(m.tx) == query["txhash"]]
        if query["action"] == "eth_getTransactionByHash":
            waiting = query["txhash"] == tx_of("waiting")
            return {"hash": query["txhash"]} if found or waiting else None
        if not found:
            return None
        return {
            "transactionHash": query["txhash"],
            "blockNumber": hex(found[0].block),
            "blockHash": block_hash(found[0].block),
            "status": "0x0" if found[0].failed else "0x1",
        }


ACTIONS_OF = {kind: action for action, kind in ACTIONS.items()}


NOT_FOUND = Reply({"message": "Not found"}, 404)


def iso(height: int) -> str:
    return datetime.fromtimestamp(block_time(height), UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def rest_block(height: int) -> dict[str, Any]:
    return {"height": height, "hash": block_hash(height), "timestamp": iso(height), "type": "block"}


def rest_row(move: Move, log_index: int) -> dict[str, Any]:
    total: dict[str, Any] = {"value": str(move.amount), "decimals": "6"}
    if move.token_id is not None:
        total["token_id"] = str(move.token_id)
    if move.kind is Kind.ERC721:
        del total["value"]
    written = {Kind.ERC20: "ERC-20", Kind.ERC721: "ERC-721", Kind.ERC1155: "ERC-1155"}[move.kind]
    token = {"address_hash": move.contract, "symbol": "CN", "name": "Coin", "decimals": "6"}
    return {
        "block_hash": block_hash(move.block),
        "block_number": move.block,
        "log_index": log_index,
        "timestamp": iso(move.block),
        "transaction_hash": tx_of(move.tx),
        "from": {"hash": move.sender},
        "to": {"hash": move.recipient},
        "token": {**token, "type": written},
        "token_type": written,
        "total": total,
        "type": "token_transfer",
    }


class BlockscoutServer(EtherscanServer):
    """Answers like Blockscout: the same lists in its own spelling, tokens by REST."""

    def __init__(
        self, story: Iterable[Move] = STORY, cap: int = 10_000, rest_page: int = 50
    ) -> None:
        super().__init__(story, cap)
        self.rest_page = rest_page
        self.rest_told = 0  # > 0: rows of a page that are handed out, the others are cut
        self.unprocessed_above = HEAD.height  # internal transactions
        for action, row in self.rows:
            if action == "txlistinternal":
                row["transactionHash"] = row.pop("hash")
                row |= {"index": row.pop("traceId")[-1], "callType": "call"}
        extra = [m for m in self.story if m.kind is Kind.NATIVE and not m.recipient]
        # Things that Blockscout lists and that are no movements of their own.
        for move in extra:
            row = etherscan_row(replace(move, kind=Kind.INTERNAL, how="create"))
            row["transactionHash"] = row.pop("hash")
            self.rows.append(("txlistinternal", {**row, "index": "0", "callType": ""}))
        if self.story is STORY:
            borrowed = etherscan_row(Move(Kind.INTERNAL, 16, "spread", MADE, ME, 21))
            borrowed["transactionHash"] = borrowed.pop("hash")
            borrowed |= {"index": "5", "callType": "delegatecall"}
            self.rows.append(("txlistinternal", borrowed))
        tokens = [m for m in self.story if m.kind in TOKENS]
        numbered = [(m, n) for n, m in enumerate(sorted(tokens, key=lambda m: m.block))]
        self.tokens = [rest_row(m, n) for m, n in reversed(numbered)]

    def __call__(self, call: Call) -> Reply:
        if call.path == "/api":
            high = int(call.query["endblock"])
            if call.query["action"] == "txlistinternal" and high > self.unprocessed_above:
                text = "Some internal transactions within this block range have not yet been"
                return Reply({"status": "2", "message": f"{text} processed", "result": []})
            return super().__call__(call)
        if call.path == "/api/v2/blocks":
            return Reply(self.blocks(call))
        if call.path.startswith("/api/v2/blocks/"):
            height = int(call.path.rpartition("/")[2])
            return Reply(rest_block(height)) if height <= HEAD.height else NOT_FOUND
        if call.path.startswith("/api/v2/transactions/"):
            return self.transaction(call.path.rpartition("/")[2])
        assert call.path == f"/api/v2/addresses/{ME}/token-transfers"
        return self.transfers(call)

    def blocks(self, call: Call) -> dict[str, Any]:
        top = int(call.query.get("block_number", HEAD.height + 1)) - 1
        heights = range(top, max(top - 10, -1), -1)
        items = [rest_block(h) for h in heights]
        last = heights[-1]
        following = {"block_number": last, "items_count": 50} if last else None
        return {"items": items, "next_page_params": following}

    def transaction(self, tx: str) -> Reply:
        found = [m for m in self.story if tx_of(m.tx) == tx]
        if not found:
            return NOT_FOUND
        status = "error" if found[0].failed else "ok"
        return Reply({"hash": tx, "status": status, "block_number": found[0].block})

    def transfers(self, call: Call) -> Reply:
        types = call.query.get("type")
        rows = [r for r in self.tokens if types is None or r["token_type"] in types.split(",")]
        if "index" in call.query:
            rows = [r for r in rows if r["log_index"] < int(call.query["index"])]
            if call.query.get("exact") == "false":
                return Reply({"errors": [{"title": "Invalid value"}]}, 422)
        page, told = rows[: self.rest_page], rows[: self.rest_told or self.rest_page]
        more = len(rows) > self.rest_page
        last = {"index": page[-1]["log_index"], "exact": True, "batch": None} if more else None
        if more and self.rest_told:
            last = {"index": page[-1]["log_index"], "block_number": page[-1]["block_number"]}
        return Reply({"items": told, "next_page_params": last})
