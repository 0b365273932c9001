"""Single blocks of Tron: what each transaction moves, and answers that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from world.recordings import kept, needs_recordings
from world.tron_parts import TRON, b58, hex41, tx_id

from monitor.chains.tron import canonical
from monitor.model import Interval, Kind
from monitor.model.errors import BadResponse
from monitor.model.scope import Members
from monitor.net.sources.evm_logs import TRANSFER
from monitor.net.sources.tron_block_rows import parse_block, parse_infos, rows_of
from monitor.net.sources.tron_rows import parse_transactions

ME, PEER, SHOP, OTHER = (b58(n) for n in (1, 2, 3, 4))


def members(*addresses: str) -> Members:
    return Members(dict.fromkeys(addresses, 0))


def node_answers(*rows: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Rows as TronGrid lists them, in the words of the node: a block and its results."""
    height, time = rows[0]["blockNumber"], rows[0]["block_timestamp"]
    txs, infos = [], []
    for row in rows:
        results = [{k: v for k, v in ret.items() if k != "fee"} for ret in row.get("ret", [])]
        txs.append({"ret": results, "txID": row["txID"], "raw_data": row["raw_data"]})
        fee = sum(ret.get("fee", 0) for ret in row.get("ret", []))
        failed = any(r.get("contractRet", "SUCCESS") != "SUCCESS" for r in results)
        result = ("_amount", "_address", "transactions")
        said = {name: row[name] for name in row if name.endswith(result)}
        infos.append(
            {"id": row["txID"], "blockNumber": height, "blockTimeStamp": time, **said}
            | ({"fee": fee} if fee else {})
            | ({"result": "FAILED"} if failed else {})
        )
    raw = {"number": height, "timestamp": time, "txTrieRoot": "ab" * 32}
    raw["parentHash"] = f"{height - 1:016x}" + "0" * 48
    block = {"blockID": f"{height:016x}" + "a" * 48, "block_header": {"raw_data": raw}}
    return {**block, "transactions": txs}, infos


def told_by(block: Any, infos: Any, *watched: str, height: int = 0) -> Any:
    read = parse_block(block, height or block["block_header"]["raw_data"]["number"])
    assert read is not None
    return rows_of(TRON, read, parse_infos(infos, read), members(*watched))


def row(kind: str, value: Mapping[str, Any], number: int = 1, **more: Any) -> dict[str, Any]:
    contract = {"type": kind, "parameter": {"value": {"owner_address": hex41(ME), **value}}}
    return {
        "txID": tx_id(number),
        "blockNumber": 500,
        "block_timestamp": 3000,
        "ret": [{"contractRet": "SUCCESS", "fee": 9}],
        "raw_data": {"contract": [contract]},
        **more,
    }


TO = {"to_address": hex41(PEER), "amount": 7}
INSIDE = [
    {
        "hash": "ab",
        "caller_address": hex41(SHOP),
        "transferTo_address": hex41(ME),
        "callValueInfo": [{"callValue": 4}, {"callValue": 2, "tokenId": "1000001"}],
    },
    {"hash": "ac", "caller_address": hex41(SHOP), "transferTo_address": hex41(ME),
     "callValueInfo": [{"callValue": 5}], "rejected": True},
]  # fmt: skip
ROWS = [
    row("TransferContract", TO),
    row("TransferContract", {**TO, "owner_address": hex41(PEER), "to_address": hex41(ME)}),
    row("TransferContract", TO, ret=[{"contractRet": "OUT_OF_ENERGY", "fee": 9}]),
    row("TransferContract", TO, ret=[{"code": "SUCESS"}]),
    row("TransferAssetContract", {**TO, "asset_name": "1002000"}),
    row("ParticipateAssetIssueContract", TO),
    row("TriggerSmartContract", {"contract_address": hex41(SHOP), "call_value": 5,
                                 "call_token_value": 6, "token_id": 1000001}),
    row("TriggerSmartContract", {"contract_address": hex41(SHOP)}, internal_transactions=INSIDE),
    row("CreateSmartContract", {"new_contract": {"call_value": 4}}, contract_address=hex41(SHOP)),
    row("FreezeBalanceV2Contract", {"frozen_balance": 8}),
    row("WithdrawExpireUnfreezeContract", {}, withdraw_expire_amount=8),
    row("UnfreezeBalanceContract", {}, unfreeze_amount=3),
    row("WithdrawBalanceContract", {}, withdraw_amount=2),
    row("CancelAllUnfreezeV2Contract", {}),
    row("VoteWitnessContract", {"votes": []}),
]  # fmt: skip


def assert_alike(rows: list[dict[str, Any]], holder: str) -> int:
    told = told_by(*node_answers(*rows), holder)
    listed = parse_transactions(TRON, holder, rows, {})
    assert told.gaps == listed.gaps == ()
    plain = {replace(t, block_hash=None, tx_index=None) for t in told.transfers}
    assert plain == {t for t in listed.transfers if holder in t.parties()}
    return len(plain)


@pytest.mark.parametrize("listed", ROWS, ids=lambda r: r["raw_data"]["contract"][0]["type"])
def test_what_each_contract_moves(listed: dict[str, Any]) -> None:
    """As the list of an address tells it, fees and calls inside among it."""
    assert_alike([listed], ME)
    assert not told_by(*node_answers(listed), OTHER).transfers


@needs_recordings
def test_recorded_transactions() -> None:
    """Twenty-five of a list, put into their blocks."""
    page = kept("tron/trongrid_accounts_transactions_limit25_next.json")["data"]
    owner = page[0]["raw_data"]["contract"][0]["parameter"]["value"]["owner_address"]
    holder = canonical(TRON, owner)
    heights = dict.fromkeys(r["blockNumber"] for r in page)
    found = [assert_alike([r for r in page if r["blockNumber"] == h], holder) for h in heights]
    assert sum(found) == 28


@needs_recordings
@pytest.mark.parametrize(("what", "rows"), [("coin", [(Kind.NATIVE, 25_000_000)]), ("token", [])])
def test_recorded_node_transactions(what: str, rows: list[Any]) -> None:
    """As the node itself writes them."""
    tx = kept(f"tron/gem_transaction_{what}_transfer.json")
    block, infos = node_answers({**row("", {}), "txID": tx["txID"]})
    owner = tx["raw_data"]["contract"][0]["parameter"]["value"]["owner_address"]
    told = told_by({**block, "transactions": [tx]}, infos, canonical(TRON, owner))
    assert [(t.kind, t.amount) for t in told.transfers if t.kind is not Kind.FEE] == rows
    assert told.gaps == ()


def garble(place: str, value: Any) -> Callable[[Any, Any], None]:
    """Puts a value at a place of the answers: "block.transactions.0.txID"."""
    first, *names, last = place.split(".")

    def change(block: Any, infos: Any) -> None:
        at = {"block": block, "infos": infos}[first]
        for name in names:
            at = at[int(name) if isinstance(at, list) else name]
        if value is None:
            del at[int(last) if isinstance(at, list) else last]
        else:
            at[int(last) if isinstance(at, list) else last] = value

    return change


ODD = "block.block_header.raw_data"
USELESS = [
    garble("block.blockID", None),
    garble("block.blockID", f"{501:016x}" + "a" * 48),
    garble("block.blockID", "x"),
    garble(f"{ODD}.parentHash", f"{500:016x}" + "0" * 48),
    garble(f"{ODD}.parentHash", None),
    garble(f"{ODD}.timestamp", "soon"),
    garble(f"{ODD}.txTrieRoot", None),
    garble(f"{ODD}.txTrieRoot", "0" * 64),
    garble("block.transactions", None),
    garble("block.transactions", []),
    garble("block.transactions", "none"),
    garble("block.transactions.1", None),
    garble("block.transactions.1", 5),
    garble("block.transactions.1.txID", tx_id(1)),
    garble("block.transactions.1.txID", "?"),
    garble("infos.1", None),
    garble("infos.1", {}),
    garble("infos.1.id", tx_id(3)),
    garble("infos.1.id", tx_id(1)),
    garble("infos.1.blockNumber", 501),
    garble("infos.1.blockNumber", None),
    garble("infos.1.blockTimeStamp", 3001),
]


@pytest.mark.parametrize("change", USELESS)
def test_answers_that_do_not_fit(change: Callable[[Any, Any], None]) -> None:
    """They are errors, and not a block with less in it."""
    block, infos = node_answers(row("TransferContract", TO), row("TransferContract", TO, 2))
    change(block, infos)
    with pytest.raises(BadResponse):
        told_by(block, infos, ME, height=500)


@pytest.mark.parametrize("said", [None, [], "none", {"transactions": []}, 5])
def test_no_block_at_all(said: Any) -> None:
    with pytest.raises(BadResponse):
        parse_block(said, 500)
    read = parse_block(node_answers(row("TransferContract", TO))[0], 500)
    assert read is not None
    for nothing in (said, {}):
        with pytest.raises(BadResponse):
            parse_infos(nothing, read)


FIRST_TX = "block.transactions.0.raw_data.contract"
VALUE = f"{FIRST_TX}.0.parameter.value"
SPOILT = [
    garble(FIRST_TX, []),
    garble(f"{FIRST_TX}.0.type", None),
    garble(f"{FIRST_TX}.0.type", "ExchangeTransactionContract"),
    garble(VALUE, {}),
    garble(f"{VALUE}.owner_address", 5),
    garble(f"{VALUE}.to_address", None),
    garble(f"{VALUE}.amount", -1),
    garble("infos.0.fee", "1e3"),
    garble("infos.0.result", "FAILED"),
    garble("block.transactions.0.ret.0.contractRet", "REVERT"),
    garble("infos.0.internal_transactions", [{"callValueInfo": [{"callValue": 3}]}]),
    garble("infos.0.internal_transactions", {"a": 1}),
    garble("infos.0.log", [{"topics": [TRANSFER[2:]]}]),
    garble("infos.0.log", [{"topics": [5]}]),
]


@pytest.mark.parametrize("change", SPOILT)
def test_a_transaction_that_cannot_be_read(change: Callable[[Any, Any], None]) -> None:
    """It is a gap of its block, and costs nobody else's movement."""
    block, infos = node_answers(row("TransferContract", TO), row("TransferContract", TO, 2))
    change(block, infos)
    told = told_by(block, infos, ME)
    assert [gap.at for gap in told.gaps] == [Interval(500, 500)]
    assert {t.kind for t in told.transfers if t.tx == tx_id(2)} == {Kind.FEE, Kind.NATIVE}


def test_what_strangers_do_is_no_gap() -> None:
    """A type whose movements no block tells concerns those whom it names."""
    value = {"owner_address": hex41(PEER), "first_token_id": "5f"}
    block, infos = node_answers(row("ExchangeTransactionContract", value))
    assert told_by(block, infos, ME).gaps == ()
    assert len(told_by(block, infos, PEER).gaps) == 1


def test_old_blocks_do_not_tell_the_outcome() -> None:
    block, infos = node_answers(row("TransferContract", TO, ret=[{}]))
    assert len(told_by(block, infos, ME).transfers) == 1
    infos[0]["receipt"] = {"result": "OUT_OF_TIME"}
    assert told_by(block, infos, ME).transfers == ()
