"""A real HTTP server in front of an EVM node, whose answers a test twists."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from world.parts import Rpc
from world.scripted_server import Call, Reply, serve


class Refusal(Exception):
    """What a node says instead of a result: code and words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code, self.words = code, words


# Method, parameters and the node's own result; gives what is answered, or raises Refusal.
Twist = Callable[[str, list[Any], Any], Any]


@dataclass
class Proxy:
    url: str
    asked: Counter[str] = field(default_factory=Counter)  # questions, by method
    requests: int = 0
    batches: bool = True  # whether it takes several questions at once

    @property
    def questions(self) -> int:
        return sum(self.asked.values())

    def forget(self) -> None:
        self.asked.clear()
        self.requests = 0


def as_it_is(_: str, __: list[Any], result: Any) -> Any:
    return result


@contextmanager
def before(node: Rpc, twist: Twist = as_it_is) -> Iterator[Proxy]:
    def respond(call: Call) -> Reply:
        with requests.Session() as session:
            session.trust_env = False
            told = session.post(node.url, json=call.body, timeout=60).json()
        proxy.requests += 1
        batch = isinstance(call.body, list)
        if batch and not proxy.batches:
            refusal = {"code": -32600, "message": "batch requests are disabled"}
            return Reply({"jsonrpc": "2.0", "id": None, "error": refusal})
        answers = {each["id"]: each for each in (told if batch else [told])}
        body = [one(asked, answers[asked["id"]]) for asked in (call.body if batch else [call.body])]
        return Reply(body if batch else body[0])

    def one(asked: Any, answer: Any) -> Any:
        method, params = asked["method"], asked.get("params") or []
        proxy.asked[method] += 1
        try:
            if "error" in answer:
                return answer
            return {**answer, "result": twist(method, params, answer["result"])}
        except Refusal as refusal:
            error = {"code": refusal.code, "message": refusal.words}
            return {"jsonrpc": "2.0", "id": asked["id"], "error": error}

    with serve(respond) as server:
        proxy = Proxy(server.url)
        yield proxy


def without(*methods: str) -> Twist:
    """A node that has no such calls."""

    def twist(method: str, _: list[Any], result: Any) -> Any:
        if method in methods:
            raise Refusal(-32601, f"the method {method} does not exist/is not available")
        return result

    return twist


_LISTS = {"eth_getLogs", "eth_getBlockReceipts", "trace_block", "debug_traceBlockByHash"}


def empties(seed: int, one_in: int = 10) -> Twist:
    """A node of whose answers one in ten is quietly empty: lists, blocks, receipts."""
    rng = random.Random(seed)

    def twist(method: str, _: list[Any], result: Any) -> Any:
        if rng.randrange(one_in):
            return result
        if method in _LISTS:
            return []
        if method == "eth_getTransactionReceipt":
            return None
        if method.startswith("eth_getBlockBy") and result and result["transactions"]:
            return {**result, "transactions": []}
        return result

    return twist
