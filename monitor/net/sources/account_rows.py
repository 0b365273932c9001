"""Rows of the account lists of Etherscan's dialect to transfers. Pure.

Blockscout's `/api?module=account` speaks it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from types import MappingProxyType

from monitor.model import Chain, Kind, TokenFacts, Transfer
from monitor.net.sources.evm_rows import number_equals, told_address, told_twice
from monitor.net.sources.evm_system import UNKNOWN, TxFacts, came_from_outside, moves, priceless
from monitor.net.sources.parsing import (
    Parsed,
    RowError,
    fields,
    hash32,
    place,
    read_rows,
    shown,
    text,
    token_facts,
    whole,
)

CREATES = frozenset({"create", "create2"})
MOVES_NOTHING = frozenset({"delegatecall", "staticcall", "callcode"})
GENESIS = re.compile(r"GENESIS_[0-9a-fA-F]{40}\Z")


def parse_list(
    stream: str,
    rows: Iterable[object],
    chain: Chain,
    address: str,
    facts: Mapping[str, TxFacts] = MappingProxyType({}),
) -> Parsed:
    """The transfers of an account list in the order of the chain, legs numbered.

    `address` is the canonical address that was asked for: fees are reported of it alone. `facts`
    holds what look-ups said of single transactions, by hash.
    """
    return parse_rows(stream, rows, chain, frozenset({address}), facts)


def parse_rows(
    stream: str,
    rows: Iterable[object],
    chain: Chain,
    payers: Set[str],
    facts: Mapping[str, TxFacts] = MappingProxyType({}),
) -> Parsed:
    """The same of rows of many addresses: fees are reported of those among `payers`."""
    kind = Kind(stream)

    def parse(row: Mapping[str, object]) -> Iterable[Transfer]:
        if kind is Kind.NATIVE:
            return _native(row, chain, payers, facts.get(_tx(row), UNKNOWN))
        return _internal(row, chain) if kind is Kind.INTERNAL else _token(row, chain, kind)

    kept = tuple(rows)
    parsed = read_rows(kept, height_of, parse)
    tokens = () if kind in (Kind.NATIVE, Kind.INTERNAL) else tuple(_facts(kept, chain))
    return Parsed(tuple(number_equals(parsed.transfers)), parsed.gaps, tokens, parsed.placed)


def height_of(row: object) -> int:
    return place(fields(row).get("blockNumber"), "blockNumber")


def _native(
    row: Mapping[str, object], chain: Chain, payers: Set[str], facts: TxFacts
) -> Iterator[Transfer]:
    if row.get("from") == "GENESIS":
        yield _draft(row, chain, Kind.NATIVE, None, _recipient(row, chain), _amount(row))
        return
    sender = told_address(chain, row.get("from"))
    failed, amount, free = _failed(row), _amount(row), priceless(row)
    recipient = _recipient(row, chain)
    came = came_from_outside(facts, free=free, sender=sender, recipient=recipient, value=amount)
    if came is not None:
        for giver, taker, moved in moves(came, sender, recipient, amount, failed=failed):
            if giver in payers or taker in payers or sender not in payers:
                yield _draft(row, chain, Kind.NATIVE, giver, taker, moved)
        return
    plain = not row.get("to") or row.get("input") in ("", "0x")
    if not failed and (amount or plain):
        yield _draft(row, chain, Kind.NATIVE, sender, recipient, amount)
    if sender in payers:
        yield _draft(row, chain, Kind.FEE, sender, None, _fee(row, facts))


def _fee(row: Mapping[str, object], facts: TxFacts) -> int:
    """What was paid, at least: a list leaves out what a rollup pays its parent chain. Zero is
    "not reported", since nobody pays nothing."""
    if facts.fee is not None:
        return facts.fee
    if priceless(row):
        return 0
    return whole(row.get("gasUsed"), "gasUsed") * whole(row.get("gasPrice"), "gasPrice")


def _internal(row: Mapping[str, object], chain: Chain) -> Iterator[Transfer]:
    failed, amount, how = _failed(row), _amount(row), text(row.get("type"), "type")
    # Blockscout lists the outermost frame of a creation too, which is the native row.
    outermost = how in CREATES and row.get("index") in ("0", 0)
    borrowed = how in MOVES_NOTHING or str(row.get("callType")) in MOVES_NOTHING
    if failed or not amount or outermost or borrowed:
        return
    sender = told_address(chain, row.get("from"))
    yield _draft(row, chain, Kind.INTERNAL, sender, _recipient(row, chain), amount)


def _token(row: Mapping[str, object], chain: Chain, kind: Kind) -> Iterator[Transfer]:
    token_id = None if kind is Kind.ERC20 else str(whole(row.get("tokenID"), "tokenID"))
    amount = 1
    if kind is not Kind.ERC721:
        field = "value" if kind is Kind.ERC20 else "tokenValue"
        amount = whole(row.get(field), field)
    sender, recipient, contract = (
        told_address(chain, row.get(party)) for party in ("from", "to", "contractAddress")
    )
    if not told_twice(chain, contract, sender, recipient):
        yield _draft(row, chain, kind, sender, recipient, amount, contract, token_id)


def _draft(
    row: Mapping[str, object],
    chain: Chain,
    kind: Kind,
    sender: str | None,
    recipient: str | None,
    amount: int,
    contract: str | None = None,
    token_id: str | None = None,
) -> Transfer:
    index, path = row.get("transactionIndex"), row.get("traceId") or row.get("index")
    log = row.get("logIndex")  # some who speak this dialect report it
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


def _tx(row: Mapping[str, object]) -> str:
    reported = row.get("hash") or row.get("transactionHash")
    if isinstance(reported, str) and GENESIS.match(reported):
        return reported
    return hash32(reported, "hash")


def _recipient(row: Mapping[str, object], chain: Chain) -> str:
    return told_address(chain, row.get("to") or row.get("contractAddress"))


def _amount(row: Mapping[str, object]) -> int:
    return whole(row.get("value"), "value")


def _failed(row: Mapping[str, object]) -> bool:
    """Whether the transaction or call moved nothing. Native rows hold the receipt's status too,
    which undoes what the list says; the contrary would hide a movement, and is a gap."""
    reported, receipt = text(row.get("isError"), "isError"), row.get("txreceipt_status")
    if reported not in ("0", "1"):
        raise RowError(f"isError is neither 0 nor 1: {shown(reported)}")
    if reported == "1" and receipt == "1":
        raise RowError("isError says that it failed and txreceipt_status that it succeeded")
    return reported == "1" or receipt == "0"


def _facts(rows: Iterable[object], chain: Chain) -> Iterator[TokenFacts]:
    seen: set[str] = set()
    for row in rows:
        try:
            reported = fields(row)
            contract = told_address(chain, reported.get("contractAddress"))
        except ValueError:
            continue  # reported as a gap already
        if contract not in seen:
            seen.add(contract)
            names = (reported.get(k) for k in ("tokenSymbol", "tokenName", "tokenDecimal"))
            yield token_facts(contract, *names)
