"""An EVM node that answers by script, and logs of tokens for it to hold."""

from __future__ import annotations

from typing import Any

from monitor.model import Chain, Head
from monitor.net.sources.evm_logs import TRANSFER, topic_of
from world.scripted_server import Call, Reply

LOCAL = Chain("local", "Local", "evm", "ETH", 18, 12, chain_id=31337)
ME, PEER, COIN = ("0x" + c * 40 for c in "abc")
HEAD = Head(10_000, 1_700_000_000)


def word(number: int) -> str:
    return f"{number:064x}"


def log(topics: list[str], data: str = "", block: int = 5, index: int = 0, **more: Any) -> Any:
    return {
        "address": COIN,
        "blockNumber": hex(block),
        "blockHash": "0x" + word(block),
        "blockTimestamp": hex(1000 + block),
        "transactionHash": "0x" + word(block * 1000),
        "transactionIndex": "0x1",
        "logIndex": hex(index),
        "topics": topics,
        "data": "0x" + data,
        **more,
    }


def coin(amount: int, block: int = 5, index: int = 0, **more: Any) -> Any:
    return log([TRANSFER, topic_of(PEER), topic_of(ME)], word(amount), block, index, **more)


class Node:
    """A node with given logs; `limit` is the most blocks, `most` the most logs a call."""

    def __init__(self, *logs: Any, limit: int | None = None, most: int = 10**9) -> None:
        self.logs, self.limit, self.most = logs, limit, most
        self.cap = 10**9  # logs of one answer; the others are left out in silence
        self.newest = HEAD.height
        self.words = "block range is too large: limit of {}"

    def __call__(self, call: Call) -> Reply:
        method, params = call.body["method"], call.body["params"]
        try:
            result = getattr(self, method)(*params)
        except ValueError as error:
            told = {"code": -32005, "message": str(error)}
            return Reply({"jsonrpc": "2.0", "id": call.body["id"], "error": told})
        return Reply({"jsonrpc": "2.0", "id": call.body["id"], "result": result})

    def eth_chainId(self) -> str:
        return hex(31337)

    def eth_blockNumber(self) -> str:
        return hex(self.newest)

    def eth_getBlockByNumber(self, which: str, _: bool) -> Any:
        if which == "finalized":
            raise ValueError("'finalized' tag not supported on pre-merge network")
        height = self.newest if which == "latest" else int(which, 16)
        if height > self.newest:
            return None
        block = {"number": hex(height), "hash": "0x" + word(height)}
        return {**block, "timestamp": hex(1000 + height)}

    def eth_getLogs(self, query: Any) -> Any:
        lo, hi = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        if self.limit is not None and hi - lo + 1 > self.limit:
            raise ValueError(self.words.format(self.limit))
        found = [one for one in self.logs if lo <= int(one["blockNumber"], 16) <= hi]
        found = [one for one in found if matches(one["topics"], query["topics"])]
        if len(found) > self.most:
            raise ValueError(f"query returned more than {self.most} results")
        return found[: self.cap]

    def eth_getBlockReceipts(self, which: str) -> Any:
        return [{"logs": [one for one in self.logs if one["blockNumber"] == which]}]


def matches(topics: list[str], wanted: list[Any]) -> bool:
    if len(topics) < len(wanted):
        return False
    choices = [w if isinstance(w, list) else [w] for w in wanted]
    return all(w == [None] or t in w for t, w in zip(topics, choices, strict=False))
