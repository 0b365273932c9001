"""Answers of Etherscan's dialect: the envelope, what its words mean, blocks and receipts of its
proxy. Pure.

Status 200 says nothing here: an error is told by words alone, which differ by who runs it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from monitor.model import Head, Lookup
from monitor.model.errors import (
    BadResponse,
    NotServed,
    RateLimited,
    Refused,
    SourceError,
    Unavailable,
)
from monitor.net.http import Answer
from monitor.net.sources.paging import Page
from monitor.net.sources.parsing import RowError, fields, hash32, hex_whole, place

EMPTY = frozenset(
    {
        "no transactions found",
        "no internal transactions found",
        "no token transfers found",
        "no records found",
        "no logs found",
    }
)
# An endpoint that has no lists of logs (a local explorer, a clone).
NO_SUCH_LIST = re.compile(r"(unknown|invalid|unsupported) (module|action)", re.IGNORECASE)
NO_SUCH_ACTION = re.compile(f"{NO_SUCH_LIST.pattern}|api pro endpoint", re.IGNORECASE)
NOT_PROCESSED = re.compile(r"not (yet )?been processed", re.IGNORECASE)
# What an error's words mean; the first that fits counts ("Too many invalid api key
# attempts" is over in seconds, "Invalid API Key" is not).
MEANINGS: tuple[tuple[str, type[SourceError]], ...] = (
    ("max rate limit", RateLimited),
    ("max calls per sec", RateLimited),
    ("max daily rate limit", RateLimited),
    ("rate limit reached", RateLimited),
    ("too many requests", RateLimited),
    ("too many invalid api key attempts", RateLimited),
    ("temporarily unavailable", Unavailable),
    ("query timeout", Unavailable),
    ("timeout occur", Unavailable),
    ("server too busy", Unavailable),
    ("rpc request failed", Unavailable),
    ("one or more errors occurred", Unavailable),
    ("an error occurred", Unavailable),  # Routescan
    ("service unavailable", Unavailable),
    ("internal server error", Unavailable),
    ("invalid api key", Refused),
    ("missing/invalid api key", Refused),
    ("chainid parameter", Refused),
    ("chain not supported", Refused),
    ("invalid action name", Refused),
    ("invalid address format", Refused),
    ("query parameter 'address' is required", Refused),
    ("free api access is not supported", Refused),
    ("api pro endpoint", Refused),
)


def read_page(answer: Answer, key: str | None = None) -> Page:
    """The rows of an account list. Raises the SourceError that an error text stands for;
    an unknown text is BadResponse, never an empty list."""
    body = _envelope(answer, key)
    status, message, result = (body.get(k) for k in ("status", "message", "result"))
    said = str(message).strip()
    if answer.status < 400:
        if status == "1" and isinstance(result, list):
            return Page(result)
        if status == "0" and said.lower() in EMPTY and result in ([], None):
            return Page(())
        if status == "2" and NOT_PROCESSED.search(said) and isinstance(result, list):
            return Page(result, complete=False)
    raise failure(answer, _words(body), key)


def read_logs(answer: Answer, key: str | None = None) -> Page:
    """A page of `module=logs`. Raises NotServed where the endpoint has no such list."""
    try:
        return read_page(answer, key)
    except SourceError as error:
        if answer.status in (404, 405, 501) or NO_SUCH_LIST.search(answer.text[:2000]):
            raise NotServed(f"{error}: it has no list of logs") from None
        raise


def served_page(answer: Answer, key: str | None = None) -> Page:
    """As read_page. Raises NotServed where the endpoint has no such list, or only for who pays."""
    try:
        return read_page(answer, key)
    except SourceError as error:
        if answer.status in (404, 405, 501) or NO_SUCH_ACTION.search(answer.text[:2000]):
            raise NotServed(f"{error}: it has no such list") from None
        raise


def account_result(answer: Answer, key: str | None = None) -> object:
    """`result` of a balance. Raises NotServed where the endpoint has no such action, or only
    for who pays."""
    body = _envelope(answer, key)
    if answer.status < 400 and body.get("status") == "1":
        return body.get("result")
    error = failure(answer, _words(body), key)
    if answer.status in (404, 405, 501) or NO_SUCH_ACTION.search(_words(body)):
        raise NotServed(f"{error}: it has no such balances")
    raise error


def proxy_result(answer: Answer, key: str | None = None) -> object:
    """`result` of a JSON-RPC answer, None included. The proxy module falls back to the
    account lists' envelope when it refuses (paradigmxyz/reth#17140)."""
    body = _envelope(answer, key)
    if answer.status < 400 and "jsonrpc" in body and "error" not in body and "result" in body:
        return body["result"]
    raise failure(answer, _words(body), key)


def served_proxy(answer: Answer, key: str | None = None) -> object:
    """As proxy_result. Raises NotServed where the endpoint has no proxy, or not this call."""
    if answer.status in (404, 405, 501):
        raise NotServed(f"{answer.origin} has no such call of a node (HTTP {answer.status})")
    try:
        return proxy_result(answer, key)
    except SourceError as error:
        body = _envelope(answer, key)
        told = body.get("error")
        code = told.get("code") if isinstance(told, dict) else None
        if code == -32601 or NO_SUCH_ACTION.search(_words(body)):
            raise NotServed(f"{error}: it has no such call of a node") from None
        raise


def failure(answer: Answer, words: str, key: str | None) -> SourceError:
    """The error that the words of a refusing answer stand for."""
    said = (words.replace(key, "[key]") if key else words)[:200]
    place_and_words = f"{answer.origin}: HTTP {answer.status}, {said!r}"
    lowered = words.lower()
    of_address = "invalid address" in lowered or answer.status == 422
    for fragment, kind in MEANINGS:
        if fragment in lowered:
            return kind(place_and_words, of_address=of_address)
    if answer.status in (401, 402, 403):
        return Refused(f"{place_and_words}; check the key and what its plan allows")
    if answer.status >= 500:
        return Unavailable(place_and_words)
    said = f"{place_and_words} is no answer that is known"
    return BadResponse(said, of_address=of_address)


def _envelope(answer: Answer, key: str | None) -> Mapping[str, object]:
    body = answer.json()
    if not isinstance(body, dict):
        raise failure(answer, "not an object", key)
    return body


def _words(body: Mapping[str, object]) -> str:
    error = body.get("error")
    parts = [body.get("message"), body.get("result"), error]
    if isinstance(error, dict):
        parts.append(error.get("message"))
    return " ".join(part for part in parts if isinstance(part, str)) or "no words"


def hex_answer(value: object, field: str) -> int:
    try:
        return place(hex_whole(value, field), field)
    except RowError as error:
        raise BadResponse(str(error)) from None


def parse_head(block: object) -> Head:
    """A block of eth_getBlockByNumber. Raises BadResponse."""
    try:
        row = fields(block)
        return Head(
            height=place(hex_whole(row.get("number"), "number"), "number"),
            time=place(hex_whole(row.get("timestamp"), "timestamp"), "timestamp"),
            block_hash=hash32(row.get("hash"), "hash"),
        )
    except RowError as error:
        raise BadResponse(f"a block cannot be read: {error}") from None


def parse_receipt(source: str, tx: str, receipt: object, head: Head | None) -> Lookup:
    """A receipt of eth_getTransactionReceipt. Raises BadResponse."""
    try:
        row = fields(receipt)
        reported = hash32(row.get("transactionHash"), "transactionHash")
        height = place(hex_whole(row.get("blockNumber"), "blockNumber"), "blockNumber")
        block_hash = hash32(row.get("blockHash"), "blockHash")
        # Receipts from before Byzantium hold a state root instead of a status.
        failed = row.get("status") is not None and hex_whole(row["status"], "status") == 0
    except RowError as error:
        raise BadResponse(f"{source}: a receipt cannot be read: {error}") from None
    if reported != tx.lower():
        raise BadResponse(f"{source}: answered with the receipt of another transaction")
    return Lookup(source, tx, True, height, block_hash, failed, head)
