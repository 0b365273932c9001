"""Etherscan API V2 and the clones that speak its dialect (Routescan, local explorers).

Blockscout's `/api?module=account` speaks it too and borrows the parsers of this file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from monitor.errors import BadResponse, NotServed, RateLimited, Refused, SourceError, Unavailable
from monitor.http import Answer, Http
from monitor.model import (
    Ask,
    Batch,
    Chain,
    Head,
    Interval,
    Kind,
    SourceConfig,
    TokenFacts,
    Transfer,
    TxWord,
)
from monitor.sources import acts
from monitor.sources.acts import Acts, Told
from monitor.sources.ascending import walk_up
from monitor.sources.evm_rows import number_equals, told_address, told_twice
from monitor.sources.paging import Page, Recorder, Walk, batch_of
from monitor.sources.parsing import (
    Parsed,
    RowError,
    fields,
    hash32,
    hex_whole,
    place,
    read_rows,
    shown,
    text,
    token_facts,
    whole,
)

PAGE_SIZE = 1000  # the free plan's most since 2026-07-01
INDEX_LAG = 5  # blocks; undocumented, so a guess on the safe side

LISTS = {
    "native": "txlist",
    "internal": "txlistinternal",
    "erc20": "tokentx",
    "erc721": "tokennfttx",
    "erc1155": "token1155tx",
}
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
CREATES = frozenset({"create", "create2"})
MOVES_NOTHING = frozenset({"delegatecall", "staticcall", "callcode"})
_GENESIS = re.compile(r"GENESIS_[0-9a-fA-F]{40}\Z")


class Etherscan:
    """One chain through one Etherscan-style endpoint. See ports.Source."""

    axis = "height"
    many = False

    def __init__(self, config: SourceConfig, chain: Chain, http: Http) -> None:
        if chain.chain_id is None:
            raise Refused(f"{config.name}: {chain.name} has no chain_id; add it to chains.yaml")
        self.name = config.name
        self.chain = chain.key
        self.index_lag = INDEX_LAG if config.index_lag is None else config.index_lag
        self._chain = chain
        self._http = http
        self._key = config.api_key
        self._size = config.page_size or PAGE_SIZE
        self._common = {"chainid": chain.chain_id}
        self._acts = Acts(chain)
        self.act_calls = len(acts.asked(chain))

    @property
    def bundles(self) -> tuple[frozenset[str], ...]:
        return self._acts.with_list(tuple(frozenset({stream}) for stream in LISTS))

    def identify(self) -> None:
        """Nothing to compare: the chain is named in every call, and no answer names it."""

    def head(self) -> Head:
        height = hex_answer(self._proxy("eth_blockNumber"), "the newest block's number")
        block = self._block(height)
        if block is None:
            raise Unavailable(f"{self.name}: names block {height} as newest but does not have it")
        return parse_head(block)

    def fetch(self, ask: Ask) -> Batch:
        if ask.streams == acts.BUNDLE:
            return self._acts.batch(self.name, ask, self._read_acts)
        (subject,), (stream,) = ask.subjects, ask.streams
        recorder = Recorder(self._http)
        hi = min(ask.span.hi, ask.head.height)
        if hi < ask.span.lo:
            return batch_of(self.name, ask, Walk((), None, None), Parsed(), recorder)

        def page_of(start: int, end: int, number: int, size: int) -> Page:
            params = list_params(LISTS[stream], subject.address, start, end, number, size)
            return read_page(recorder.get("", {**self._common, **params}), self._key)

        walk = walk_up(page_of, Interval(ask.span.lo, hi), height_of, self._size, ask.max_rows)
        parsed = parse_list(stream, walk.rows, self._chain, subject.address)
        return batch_of(self.name, ask, walk, parsed, recorder)

    def _read_acts(self, span: Interval) -> Told:
        recorder = Recorder(self._http)

        def page_by(params: Mapping[str, str | int]) -> Page:
            return read_logs(recorder.get("", {**self._common, **params}), self._key)

        walk = acts.walk_logs(self._chain, span, page_by, min(self._size, PAGE_SIZE))
        parsed = acts.parse_logs(self._chain, walk.rows)
        return Told(parsed, walk.read, recorder.sha256, recorder.calls, walk.gaps)

    def transaction(self, tx: str) -> TxWord:
        _refuse_genesis(self.name, tx)
        head = self.head()
        receipt = self._proxy("eth_getTransactionReceipt", txhash=tx)
        if receipt is not None:
            return parse_receipt(self.name, tx, receipt, head)
        # A transaction that waits has no receipt yet: only both silences mean unknown.
        waiting = self._proxy("eth_getTransactionByHash", txhash=tx)
        return TxWord(self.name, tx, found=waiting is not None, head=head)

    def block_hash(self, height: int) -> str | None:
        block = self._block(height)
        return None if block is None else parse_head(block).block_hash

    def _block(self, height: int) -> object:
        return self._proxy("eth_getBlockByNumber", tag=hex(height), boolean="false")

    def _proxy(self, action: str, **params: str) -> object:
        asked = {**self._common, "module": "proxy", "action": action, **params}
        return proxy_result(self._http.get("", asked), self._key)


def list_params(
    action: str, address: str, start: int, end: int, number: int, size: int
) -> dict[str, str | int]:
    """The query of one page of an account list. `sort` is always sent: Blockscout's own
    order is descending."""
    return {
        "module": "account",
        "action": action,
        "address": address,
        "startblock": start,
        "endblock": end,
        "page": number,
        "offset": size,
        "sort": "asc",
    }


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


def proxy_result(answer: Answer, key: str | None = None) -> object:
    """`result` of a JSON-RPC answer, None included. The proxy module falls back to the
    account lists' envelope when it refuses (paradigmxyz/reth#17140)."""
    body = _envelope(answer, key)
    if answer.status < 400 and "jsonrpc" in body and "error" not in body and "result" in body:
        return body["result"]
    raise failure(answer, _words(body), key)


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


def _envelope(answer: Answer, key: str | None) -> Mapping[str, Any]:
    body = answer.json()
    if not isinstance(body, dict):
        raise failure(answer, "not an object", key)
    return body


def _words(body: Mapping[str, Any]) -> str:
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


def _refuse_genesis(name: str, tx: str) -> None:
    if _GENESIS.match(tx):
        raise Refused(f"{name}: an allocation of the first block is no transaction to look up")


# Parsing: decoded JSON to values, nothing else.


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


def parse_receipt(source: str, tx: str, receipt: object, head: Head | None) -> TxWord:
    """A receipt of eth_getTransactionReceipt. Raises BadResponse."""
    try:
        row = fields(receipt)
        told = hash32(row.get("transactionHash"), "transactionHash")
        height = place(hex_whole(row.get("blockNumber"), "blockNumber"), "blockNumber")
        block_hash = hash32(row.get("blockHash"), "blockHash")
        # Receipts from before Byzantium hold a state root instead of a status.
        failed = row.get("status") is not None and hex_whole(row["status"], "status") == 0
    except RowError as error:
        raise BadResponse(f"{source}: a receipt cannot be read: {error}") from None
    if told != tx.lower():
        raise BadResponse(f"{source}: answered with the receipt of another transaction")
    return TxWord(source, tx, True, height, block_hash, failed, head)


def parse_list(stream: str, rows: Iterable[object], chain: Chain, address: str) -> Parsed:
    """The transfers of an account list in the order of the chain, legs numbered.

    `address` is the canonical address that was asked for: fees are told of it alone.
    """
    kind = Kind(stream)

    def parse(row: Mapping[str, Any]) -> Iterable[Transfer]:
        if kind is Kind.NATIVE:
            return _native(row, chain, address)
        return _internal(row, chain) if kind is Kind.INTERNAL else _token(row, chain, kind)

    kept = tuple(rows)
    parsed = read_rows(kept, height_of, parse)
    tokens = () if kind in (Kind.NATIVE, Kind.INTERNAL) else tuple(_facts(kept, chain))
    return Parsed(tuple(number_equals(parsed.transfers)), parsed.gaps, tokens, parsed.placed)


def height_of(row: object) -> int:
    return place(fields(row).get("blockNumber"), "blockNumber")


def _native(row: Mapping[str, Any], chain: Chain, address: str) -> Iterator[Transfer]:
    if row.get("from") == "GENESIS":
        yield _draft(row, chain, Kind.NATIVE, None, _recipient(row, chain), _amount(row))
        return
    sender = told_address(chain, row.get("from"))
    failed, amount = _failed(row), _amount(row)
    plain = not row.get("to") or row.get("input") in ("", "0x")
    if not failed and (amount or plain):
        yield _draft(row, chain, Kind.NATIVE, sender, _recipient(row, chain), amount)
    if sender == address:
        fee = whole(row.get("gasUsed"), "gasUsed") * whole(row.get("gasPrice"), "gasPrice")
        yield _draft(row, chain, Kind.FEE, sender, None, fee)


def _internal(row: Mapping[str, Any], chain: Chain) -> Iterator[Transfer]:
    failed, amount, how = _failed(row), _amount(row), text(row.get("type"), "type")
    # Blockscout lists the outermost frame of a creation too, which is the native row.
    outermost = how in CREATES and row.get("index") in ("0", 0)
    borrowed = how in MOVES_NOTHING or str(row.get("callType")) in MOVES_NOTHING
    if failed or not amount or outermost or borrowed:
        return
    sender = told_address(chain, row.get("from"))
    yield _draft(row, chain, Kind.INTERNAL, sender, _recipient(row, chain), amount)


def _token(row: Mapping[str, Any], chain: Chain, kind: Kind) -> Iterator[Transfer]:
    token_id = None if kind is Kind.ERC20 else str(whole(row.get("tokenID"), "tokenID"))
    amount = 1
    if kind is not Kind.ERC721:
        field = "value" if kind is Kind.ERC20 else "tokenValue"
        amount = whole(row.get(field), field)
    sender, recipient, contract = (
        told_address(chain, row.get(party)) for party in ("from", "to", "contractAddress")
    )
    if not told_twice(contract, sender, recipient):
        yield _draft(row, chain, kind, sender, recipient, amount, contract, token_id)


def _draft(
    row: Mapping[str, Any],
    chain: Chain,
    kind: Kind,
    sender: str | None,
    recipient: str | None,
    amount: int,
    contract: str | None = None,
    token_id: str | None = None,
) -> Transfer:
    index, path = row.get("transactionIndex"), row.get("traceId") or row.get("index")
    log = row.get("logIndex")  # some who speak this dialect tell it
    return Transfer(
        chain=chain.key,
        tx=_tx(row),
        leg="",
        kind=kind,
        sender=sender,
        recipient=recipient,
        amount=amount,
        contract=contract,
        token_id=token_id,
        block_height=height_of(row),
        block_hash=hash32(row["blockHash"], "blockHash") if row.get("blockHash") else None,
        time=place(row.get("timeStamp"), "timeStamp"),
        tx_index=place(index, "transactionIndex") if index not in (None, "") else None,
        log_index=place(log, "logIndex") if log not in (None, "") else None,
        trace_path=str(path) if path is not None and kind is Kind.INTERNAL else None,
    )


def _tx(row: Mapping[str, Any]) -> str:
    told = row.get("hash") or row.get("transactionHash")
    if isinstance(told, str) and _GENESIS.match(told):
        return told
    return hash32(told, "hash")


def _recipient(row: Mapping[str, Any], chain: Chain) -> str:
    return told_address(chain, row.get("to") or row.get("contractAddress"))


def _amount(row: Mapping[str, Any]) -> int:
    return whole(row.get("value"), "value")


def _failed(row: Mapping[str, Any]) -> bool:
    told = text(row.get("isError"), "isError")
    if told not in ("0", "1"):
        raise RowError(f"isError is neither 0 nor 1: {shown(told)}")
    return told == "1"


def _facts(rows: Iterable[object], chain: Chain) -> Iterator[TokenFacts]:
    seen: set[str] = set()
    for row in rows:
        try:
            told = fields(row)
            contract = told_address(chain, told.get("contractAddress"))
        except ValueError:
            continue  # told as a gap already
        if contract not in seen:
            seen.add(contract)
            names = (told.get(k) for k in ("tokenSymbol", "tokenName", "tokenDecimal"))
            yield token_facts(contract, *names)
