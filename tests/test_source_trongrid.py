"""The TronGrid adapter: recorded answers, scripted servers, and the local explorer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import base58
import pytest
from world.recordings import each, kept, needs_recordings, stored
from world.scripted_server import Call, Reply, Server, serve
from world.tron_parts import TRON, b58, hex41, tx_id

from monitor.decide import absence
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger, TokenName
from monitor.demo.world.moves import Internal, TokenMove, Tx
from monitor.model import (
    Ask,
    Batch,
    Head,
    Interval,
    Kind,
    Lookup,
    SourceConfig,
    Subject,
    TokenFacts,
    Transfer,
)
from monitor.model.errors import BadResponse, RateLimited, Refused, SourceError, Unavailable
from monitor.net.http import Http
from monitor.net.sources import http_options
from monitor.net.sources.evm_logs import TRANSFER
from monitor.net.sources.tron_answers import classify
from monitor.net.sources.tron_logs import token_legs
from monitor.net.sources.tron_rows import doubtful, parse_info, parse_transactions, parse_trc20
from monitor.net.sources.trongrid import TronGrid, parse_page

USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
NATIVE = frozenset({"native", "internal"})
TRC20 = frozenset({"trc20"})
NOW = 1_700_000_000
HEAD = Head(50_000, NOW, final_height=49_981, final_time=NOW - 57)


ME, PEER, SHOP, OTHER = (b58(n) for n in (1, 2, 3, 4))


# -- recordings ---------------------------------------------------------------------------

# Read by a person: (transaction, from, to, amount, seconds), addresses by their last six.
TRC20_BY_HAND = [
    ("fb078403", "tfwx9D", "aAtx8A", 500_000_000, 1592757117),
    ("c4052b52", "tfwx9D", "yhJGRd", 50_000_000, 1592757066),
    ("c4052b52", "tfwx9D", "yhJGRd", 50_000_000, 1592757066),
    ("0b52a4ef", "tfwx9D", "swmMYV", 3_988_000_000, 1592756784),
    ("19d2ec61", "tfwx9D", "TVk4am", 640_990_000, 1592756763),
    ("efb7d443", "kfzNKG", "tfwx9D", 1_062_000_000, 1592756631),
    ("48bd90dc", "tfwx9D", "aAtx8A", 2_000_000, 1592756610),
    ("afd5ae7e", "tfwx9D", "HYje3R", 1_000_000_000, 1592756589),
    ("3d613031", "tfwx9D", "wz3ifq", 21_200_000, 1592756583),
    ("cbe359c2", "tfwx9D", "DTCsf5", 125_000_000, 1592756583),
    ("c87248b0", "tfwx9D", "f5ogkC", 5_277_600_000, 1592756583),
    ("8584f1b6", "tfwx9D", "qyw23W", 485_342_000, 1592756583),
    ("2b28b69e", "tfwx9D", "Sz8VFr", 1_000_000_000, 1592756583),
    ("1da6576d", "tfwx9D", "RDAH6x", 2_000_000_000, 1592756583),
    ("f9c86cce", "tfwx9D", "tLnHkK", 24_216_600_000, 1592756583),
    ("75eb3573", "b9k6mV", "tfwx9D", 8_241_997_837, 1592756541),
    ("adee73da", "K29yzH", "tfwx9D", 18_000_000_000, 1592756220),
    ("3655a115", "fi2kdV", "tfwx9D", 863_399_098, 1592755962),
    ("03574741", "tfwx9D", "v9iwYQ", 20_000_000, 1592755740),
    ("f3aa0059", "tfwx9D", "vUTyug", 21_161_340_000, 1592755722),
]
# (transaction, kind, amount in sun or units, block); the fees are those of the holder.
NATIVE_BY_HAND = {
    ("18f5908a", Kind.FEE, 299_770, 20829763),
    ("3fca53c0", Kind.FEE, 2_690, 20829716),
    ("3fca53c0", Kind.NATIVE, 13_195_916_000, 20829716),
    ("79010512", Kind.FEE, 2_850, 20829627),
    ("79010512", Kind.TRC10, 7_639_170_000_000, 20829627),
    ("b38fb632", Kind.FEE, 2_690, 20829589),
    ("b38fb632", Kind.NATIVE, 8_737_000_000, 20829589),
    ("82efc845", Kind.NATIVE, 2_538_461, 20829499),
    ("a336bd17", Kind.NATIVE, 30_000_000, 20829498),
    ("007bbcc3", Kind.NATIVE, 111_337_320, 20829498),
    ("9351e87b", Kind.NATIVE, 200_000_000, 20829498),
    ("008ebda5", Kind.NATIVE, 511_000_000, 20829498),
}


def test_own_trc20() -> None:
    """Newest first, one row twice, rows with the word about their finality and without, and a
    sender whose checksum is wrong: an odd party does not lose the movement of the other."""
    page = parse_page(kept("trongrid/trc20.json"))
    parsed = parse_trc20(TRON, page.rows)
    assert page.fingerprint == "inventedFingerprint1"
    assert [(t.tx[:2], t.sender, t.recipient, t.amount, t.time) for t in parsed.transfers] == [
        ("a1", ME, PEER, 500_000_000, 1_700_000_090),
        ("b2", ME, SHOP, 50_000_000, 1_700_000_060),
        ("b2", ME, SHOP, 50_000_000, 1_700_000_060),
        ("c3", PEER, ME, 1, 1_700_000_030),
        ("d5", f"{SHOP[:-1]}a", ME, 7, 1_700_000_020),
    ]
    assert {(t.kind, t.contract, t.block_height, t.pending) for t in parsed.transfers} == {
        (Kind.TRC20, USDT, None, False)
    }
    assert len({t.identity for t in parsed.transfers}) == 5
    assert parsed.tokens == (TokenFacts(USDT, "USDT", "Tether USD", 6),)
    assert (parsed.gaps, parsed.placed) == ((), True)


def test_own_transactions() -> None:
    """A call that costs energy, payments both ways, a TRC-10 token, fees of the holder only."""
    page = parse_page(kept("trongrid/transactions.json"))
    parsed = parse_transactions(TRON, ME, page.rows, {})
    assert {(t.tx[:2], t.kind, t.amount, t.block_height) for t in parsed.transfers} == {
        ("a1", Kind.FEE, 299_770, 1030),
        ("b2", Kind.FEE, 2_690, 1020),
        ("b2", Kind.NATIVE, 13_195_916_000, 1020),
        ("c3", Kind.FEE, 2_850, 1010),
        ("c3", Kind.TRC10, 7_639_170_000_000, 1010),
        ("d4", Kind.NATIVE, 2_538_461, 1000),
    }
    (token,) = [t for t in parsed.transfers if t.kind is Kind.TRC10]
    assert (token.contract, token.sender, token.recipient) == ("1002000", ME, SHOP)
    assert parsed.gaps == ()


@needs_recordings
def test_recorded_trc20() -> None:
    """Twenty rows, one of them twice: two payments of one transaction, not one."""
    page = parse_page(kept("tron/trongrid_trc20_page1_unconfirmed.json"))
    parsed = parse_trc20(TRON, page.rows)
    assert page.fingerprint == "2tmLC90HQEnpnJ02w3n"
    assert [
        (t.tx[:8], (t.sender or "")[-6:], (t.recipient or "")[-6:], t.amount, t.time)
        for t in parsed.transfers
    ] == TRC20_BY_HAND
    assert {(t.kind, t.contract, t.block_height, t.pending) for t in parsed.transfers} == {
        (Kind.TRC20, USDT, None, False)
    }
    assert len({t.identity for t in parsed.transfers}) == 20
    assert parsed.tokens == (TokenFacts(USDT, "USDT", "Tether USD", 6),)
    assert (parsed.gaps, parsed.placed) == ((), True)


@needs_recordings
def test_recorded_trc20_row() -> None:
    """The newer row, whose key set is complete: a spam payment of one unit."""
    (transfer,) = parse_trc20(TRON, [kept("tron/quoted_trc20_row_2026.json")]).transfers
    assert transfer == Transfer(
        "tron",
        "261d7e7a525fc80599791a990cb175d2fb2298bd08a165a2497143e1fbadb47c",
        "trc20|TFbLNAqLCYCcUYogjueTbANU8kWwSqve4G|-|TJQQLsfYvwK1gJyET4C7hvPdJ2YyNcAUbL"
        "|TMuA6YqfCeX8EhbfYEg5y7S4DqzSJireY9|1|0",
        Kind.TRC20,
        "TJQQLsfYvwK1gJyET4C7hvPdJ2YyNcAUbL",
        "TMuA6YqfCeX8EhbfYEg5y7S4DqzSJireY9",
        1,
        contract="TFbLNAqLCYCcUYogjueTbANU8kWwSqve4G",
        time=1772649612,
    )


@needs_recordings
def test_recorded_transactions() -> None:
    """Payments both ways, a TRC-10 token, and the fees that the holder paid."""
    page = parse_page(kept("tron/trongrid_accounts_transactions_limit25_next.json"))
    owner = page.rows[0]["raw_data"]["contract"][0]["parameter"]["value"]["owner_address"]
    holder = base58.b58encode_check(bytes.fromhex(owner)).decode()
    parsed = parse_transactions(TRON, holder, page.rows, {})
    told = {(t.tx[:8], t.kind, t.amount, t.block_height) for t in parsed.transfers}
    assert told >= NATIVE_BY_HAND
    assert Counter(t.kind for t in parsed.transfers) == {
        Kind.FEE: 20,
        Kind.NATIVE: 7,
        Kind.TRC10: 1,
    }
    (token,) = [t for t in parsed.transfers if t.kind is Kind.TRC10]
    assert (token.contract, token.sender) == ("1002000", holder)
    assert parsed.gaps == ()


def node_rows(row: Mapping[str, Any], holder: str) -> list[tuple[Kind, int]]:
    """What a transaction as the node tells it comes to: a row without its block."""
    parsed = parse_transactions(TRON, holder, [{**row, "block_timestamp": 1757976720000}], {})
    assert parsed.gaps == ()
    return [(t.kind, t.amount) for t in parsed.transfers]


def test_own_node_transactions() -> None:
    """Coins move by themselves, a token by its contract."""
    rows = kept("trongrid/node_transactions.json")
    assert node_rows(rows["coins"], OTHER) == [(Kind.NATIVE, 13_195_916_000)]
    assert node_rows(rows["a call"], OTHER) == []


@needs_recordings
def test_recorded_node_transactions() -> None:
    """As ours, so the node's."""
    coins, call = (f"tron/gem_transaction_{what}_transfer.json" for what in ("coin", "token"))
    assert node_rows(kept(coins), ME) == [(Kind.NATIVE, 25_000_000)]
    assert node_rows(kept(call), ME) == []


@pytest.mark.parametrize("name", each(["trongrid/empty.json", "tron/trongrid_asset_empty.json"]))
def test_an_empty_list_is_a_page(name: str) -> None:
    """Nothing there, nothing to go on from."""
    assert parse_page(kept(name)).rows == []


@pytest.mark.parametrize(
    "name", each(["trongrid/rate_limit.json", "tron/quoted_trongrid_429_2026.json"])
)
def test_a_refusal_names_its_wait(name: str) -> None:
    """The body says for how long the server is closed to the key."""
    error = classify("trongrid", 403, stored(name).decode())
    assert type(error) is RateLimited
    assert error.retry_after == 27


@pytest.mark.parametrize("name", each(["trongrid/account.json", "tron/gem_balance_coin.json"]))
def test_an_account_is_no_list(name: str) -> None:
    """Another answer than was asked for proves nothing; an unknown account is none."""
    with pytest.raises(BadResponse):
        parse_page(kept(name))
    assert parse_info({}) is None


# -- rows ---------------------------------------------------------------------------------


def row(kind: str, value: Mapping[str, Any], number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "txID": tx_id(number),
        "blockNumber": 500 + number,
        "block_timestamp": 3000 * number,
        "ret": [{"contractRet": "SUCCESS", "fee": 0}],
        "raw_data": {
            "contract": [
                {"type": kind, "parameter": {"value": {"owner_address": hex41(ME), **value}}}
            ]
        },
        **more,
    }


def call(number: int = 1, **more: Any) -> dict[str, Any]:
    value = {"contract_address": hex41(SHOP), "owner_address": hex41(PEER)}
    return row("TriggerSmartContract", value, number, **more)


def frame(sender: str, recipient: str, amount: int, **more: Any) -> dict[str, Any]:
    return {
        "hash": f"{amount:064x}",
        "caller_address": hex41(sender),
        "transferTo_address": hex41(recipient),
        "callValueInfo": [{"callValue": amount}],
        **more,
    }


def item(sender: str, recipient: str, amount: Any, number: int = 1, ident: str = "a") -> Any:
    return {
        "internal_tx_id": ident,
        "tx_id": tx_id(number),
        "block_timestamp": 3000 * number,
        "from_address": hex41(sender),
        "to_address": hex41(recipient),
        "data": {"note": "call", "rejected": False, "call_value": {"_": amount}},
    }


def rows_of(*rows: Any, infos: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    words = {tx: parse_info(told) for tx, told in (infos or {}).items()}
    parsed = parse_transactions(TRON, ME, rows, words)
    assert parsed.gaps == ()
    return [(t.kind, t.sender, t.recipient, t.amount, t.contract) for t in parsed.transfers]


TO = {"to_address": hex41(PEER), "amount": 7}
MOVES = [
    (row("TransferContract", TO), [(Kind.NATIVE, ME, PEER, 7, None)]),
    (
        row("TransferAssetContract", {**TO, "asset_name": "1002000"}),
        [(Kind.TRC10, ME, PEER, 7, "1002000")],
    ),
    (row("ParticipateAssetIssueContract", TO), [(Kind.NATIVE, ME, PEER, 7, None)]),
    (
        row("TriggerSmartContract", {"contract_address": hex41(SHOP), "call_value": 5,
                                     "call_token_value": 6, "token_id": 1000001}),
        [(Kind.NATIVE, ME, SHOP, 5, None), (Kind.TRC10, ME, SHOP, 6, "1000001")],
    ),
    (row("TriggerSmartContract", {"contract_address": hex41(SHOP)}), []),
    (
        row("CreateSmartContract", {"new_contract": {"call_value": 4}},
            contract_address=hex41(SHOP)),
        [(Kind.NATIVE, ME, SHOP, 4, None)],
    ),
    (row("FreezeBalanceV2Contract", {"frozen_balance": 8}), [(Kind.NATIVE, ME, None, 8, None)]),
    (
        row("WithdrawExpireUnfreezeContract", {}, withdraw_expire_amount=8),
        [(Kind.NATIVE, None, ME, 8, None)],
    ),
    (row("UnfreezeBalanceContract", {}, unfreeze_amount=3), [(Kind.NATIVE, None, ME, 3, None)]),
    (row("WithdrawBalanceContract", {}, withdraw_amount=2), [(Kind.NATIVE, None, ME, 2, None)]),
    (row("CancelAllUnfreezeV2Contract", {}), []),
    (row("UnfreezeBalanceV2Contract", {}), []),
    (
        row("UnfreezeBalanceV2Contract", {}, withdraw_expire_amount=4),
        [(Kind.NATIVE, None, ME, 4, None)],
    ),
    (row("VoteWitnessContract", {"votes": []}), []),
    (row("TransferContract", TO, ret=[{"contractRet": "OUT_OF_ENERGY", "fee": 9}]),
     [(Kind.FEE, ME, None, 9, None)]),
    (row("TransferContract", TO, ret=[{"code": "SUCESS"}]), [(Kind.NATIVE, ME, PEER, 7, None)]),
    (row("TransferContract", TO, ret=[], net_fee=3, energy_fee=4),
     [(Kind.FEE, ME, None, 7, None), (Kind.NATIVE, ME, PEER, 7, None)]),
    (row("TransferContract", {**TO, "owner_address": hex41(OTHER), "to_address": hex41(ME)},
         ret=[{"contractRet": "SUCCESS", "fee": 9}]), [(Kind.NATIVE, OTHER, ME, 7, None)]),
]  # fmt: skip


@pytest.mark.parametrize(("told", "expected"), MOVES)
def test_what_each_contract_moves(told: Any, expected: list[Any]) -> None:
    """Value, tokens and stake by type; a failed one costs its fee, another's fee is his."""
    assert rows_of(told) == expected


UNTOLD = [
    ("UnfreezeBalanceContract", "unfreeze_amount"),
    ("WithdrawBalanceContract", "withdraw_amount"),
    ("WithdrawExpireUnfreezeContract", "withdraw_expire_amount"),
]


@pytest.mark.parametrize(("kind", "name"), UNTOLD)
@pytest.mark.parametrize("written", [{}, {"zero": 0}])
def test_a_credit_without_its_amount_is_asked_for(
    kind: str, name: str, written: dict[str, int]
) -> None:
    """Rows of 2019 do not tell it; the node does. Without its word it stays a gap."""
    told = row(kind, {}, **dict.fromkeys([name] if written else [], 0))
    tx = told["txID"]
    assert list(doubtful(TRON, ME, [told])) == [tx]
    info = {"id": tx, "blockNumber": 9, name: 777, "receipt": {}}
    assert rows_of(told, infos={tx: info}) == [(Kind.NATIVE, None, ME, 777, None)]
    for nothing in ({}, {"id": tx, "blockNumber": 9, "receipt": {}}):
        parsed = parse_transactions(TRON, ME, [told], {tx: parse_info(nothing)})
        assert (parsed.transfers, len(parsed.gaps)) == ((), 1)


def test_what_is_told_is_not_asked_for() -> None:
    """A credit with its amount, one that may be nothing, one that failed."""
    quiet = [
        row("UnfreezeBalanceContract", {}, unfreeze_amount=3),
        row("UnfreezeBalanceV2Contract", {}),
        row("CancelAllUnfreezeV2Contract", {}),
        row("WithdrawBalanceContract", {}, ret=[{"contractRet": "REVERT"}]),
        {"raw_data": {"contract": [{"type": "WithdrawBalanceContract"}]}},
    ]
    assert doubtful(TRON, ME, quiet) == {}


@pytest.mark.parametrize(
    "told",
    [
        row("ExchangeTransactionContract", {"quant": 5}),
        row("SomethingNewContract", {}),
        row("WithdrawBalanceContract", {}),
        row("TransferContract", {"to_address": hex41(PEER)}),
        row("TransferContract", {"to_address": hex41(PEER), "amount": -1}),
        row("TransferContract", {"to_address": hex41(PEER), "amount": 1.5}),
        row("TransferContract", {"amount": 1}),
        row("TransferContract", TO, txID="12"),
        row("TransferContract", TO, raw_data={"contract": []}),
        item(SHOP, ME, "x"),
        {**item(SHOP, ME, 1), "to_address": None},
    ],
)
def test_unreadable_row_is_a_gap(told: Any) -> None:
    """What is not told, or not readable, is a gap of its millisecond; others still count."""
    parsed = parse_transactions(TRON, ME, [told, row("TransferContract", TO, 2)], {})
    assert [gap.at for gap in parsed.gaps] == [Interval(3000, 3000)]
    assert [t.amount for t in parsed.transfers] == [7]
    assert parsed.placed


def test_unplaced_row() -> None:
    """A bad row without a time leaves nothing proven."""
    bad = row("TransferContract", {}, block_timestamp="soon")
    parsed = parse_transactions(TRON, ME, [bad, row("TransferContract", TO, 2)], {})
    assert (len(parsed.transfers), parsed.placed) == (1, False)


def test_internal_transfers_in_both_shapes() -> None:
    """Told inside the row, as an item, or both: each counted once, equal ones kept."""
    inside = [frame(SHOP, ME, 5), frame(SHOP, ME, 5), frame(SHOP, OTHER, 9)]
    five = (Kind.INTERNAL, SHOP, ME, 5, None)
    assert rows_of(call(internal_transactions=inside)) == [five, five]
    items = [item(SHOP, ME, 5, ident="a"), item(SHOP, ME, 5, ident="b")]
    assert rows_of(*items) == [five, five]
    assert rows_of(*items, items[0]) == [five, five]
    assert rows_of(call(internal_transactions=inside), *items) == [five, five]
    assert rows_of(call(internal_transactions=inside[:1]), *items) == [five, five]


NOTES = [
    ("call", Kind.INTERNAL, SHOP, ME),
    ("suicide", Kind.INTERNAL, SHOP, ME),
    ("freezeForEnergy", None, SHOP, None),
    ("freezeBalanceV2ForBandwidth", None, SHOP, None),
    ("unfreezeForEnergy", None, None, SHOP),
    ("withdrawExpireUnfreeze", None, None, SHOP),
    ("withdrawExpireUnfreezeWhileUnfreezing", None, None, SHOP),
    ("withdrawExpireUnfreezeWhileCanceling", None, None, SHOP),
    ("withdrawReward", None, None, SHOP),
    ("withdrawExpireUnfreezeWhileSuiciding", Kind.INTERNAL, None, ME),
    ("unfreezeBalanceV2ForEnergy", None, None, None),
    ("delegateResourceOfEnergy", None, None, None),
    ("unDelegateResourceOfBandwidth", None, None, None),
    ("voteWitness", None, None, None),
    ("cancelAllUnfreezeV2", None, None, None),
]


@pytest.mark.parametrize("written", [str, lambda note: note.encode().hex()], ids=["text", "hex"])
@pytest.mark.parametrize(("note", "kind", "sender", "recipient"), NOTES)
def test_what_a_contract_does_with_its_stake_is_no_payment(
    note: str, kind: Kind | None, sender: str | None, recipient: str | None, written: Any
) -> None:
    """Energy that a contract lends to an address comes with an amount of TRX that never moved; what
    a contract stakes itself leaves its balance, and nobody else's comes back to it."""
    expected = [] if kind is None else [(kind, sender, recipient, 5, None)]
    lent = call(internal_transactions=[frame(SHOP, ME, 5, note=written(note))])
    assert rows_of(lent) == expected
    other = item(SHOP, ME, 5)
    other["data"]["note"] = written(note)
    assert rows_of(other) == expected
    own = call(internal_transactions=[frame(ME, ME, 5, note=written(note))])
    found = [(ME if s == SHOP else s, ME if r == SHOP else r) for s, r in [(sender, recipient)]]
    nothing = (sender, recipient) == (None, None)
    assert [(s, r) for _, s, r, _, _ in rows_of(own)] == ([] if nothing else found)


def test_internal_transfers_of_tokens() -> None:
    """TRC-10 tokens move inside calls too."""
    coins = frame(SHOP, ME, 0, callValueInfo=[{"callValue": 4, "tokenId": "1000001"}, {}])
    expected = [(Kind.TRC10, SHOP, ME, 4, "1000001")]
    assert rows_of(call(internal_transactions=[coins])) == expected
    told = item(SHOP, ME, 0)
    told["data"]["call_value"] = {"1000001": 4}
    assert rows_of(told) == expected


def test_internal_transfers_that_were_undone() -> None:
    """Rejected, or of a failed transaction, by the list's word or the node's: no movement."""
    undone = frame(SHOP, ME, 5, rejected=True)
    assert rows_of(call(internal_transactions=[undone])) == []
    failed = call(ret=[{"contractRet": "REVERT"}], internal_transactions=[frame(SHOP, ME, 5)])
    assert rows_of(failed, item(SHOP, ME, 5)) == []
    info = {"blockNumber": 3, "receipt": {"result": "SUCCESS"}}
    told = {"internal_transactions": [{"hash": "a", "rejected": True}]}
    assert rows_of(item(SHOP, ME, 5), infos={tx_id(1): {**info, **told}}) == []
    assert rows_of(item(SHOP, ME, 5), infos={tx_id(1): {**info, "result": "FAILED"}}) == []
    assert len(rows_of(item(SHOP, ME, 5), infos={tx_id(1): info})) == 1
    assert len(rows_of(item(SHOP, ME, 5), infos={tx_id(1): {}})) == 1


def test_a_transaction_told_twice() -> None:
    """A row that comes again on the next page is one transaction."""
    assert len(rows_of(*[row("TransferContract", TO)] * 2)) == 1


def coin(number: int, value: Any = "5", **more: Any) -> dict[str, Any]:
    return {
        "transaction_id": tx_id(number),
        "token_info": {"symbol": "USDT", "address": USDT, "decimals": 6, "name": "Tether USD"},
        "block_timestamp": 3000 * number,
        "from": PEER,
        "to": ME,
        "type": "Transfer",
        "value": value,
        **more,
    }


@pytest.mark.parametrize(
    "bad",
    [
        coin(1, "1e5"),
        coin(1, "１２"),
        coin(1, str(2**256)),
        coin(1, " 1"),
        coin(1, None),
        coin(1, type="Mint"),
        coin(1, to="0xnothing"),
        coin(1, token_info={}),
        coin(1, transaction_id=None),
    ],
)
def test_unreadable_token_row(bad: Any) -> None:
    """A bad token row is a gap; an approval is nothing; a uint256 is exact."""
    rows = [bad, coin(2, type="Approval"), coin(3, str(2**256 - 1))]
    parsed = parse_trc20(TRON, rows)
    assert [gap.at for gap in parsed.gaps] == [Interval(3000, 3000)]
    assert [t.amount for t in parsed.transfers] == [2**256 - 1]


@pytest.mark.parametrize("decimals", [None, 77, -1, "x", 10**50])
def test_absurd_decimals(decimals: Any) -> None:
    """What a token says of itself never loses its transfer."""
    info = {"address": USDT, "decimals": decimals, "symbol": ["?"]}
    parsed = parse_trc20(TRON, [coin(1, token_info=info)])
    assert parsed.tokens == (TokenFacts(USDT),)
    assert len(parsed.transfers) == 1


# -- scripted servers ---------------------------------------------------------------------


@contextmanager
def source(
    respond: Callable[[Call], Reply], page_size: int | None = None
) -> Iterator[tuple[TronGrid, Server]]:
    with serve(respond) as server:
        config = SourceConfig("trongrid", "trongrid", server.url, "KEY-123", page_size=page_size)
        options = http_options(config, TRON)
        http = Http(config.name, options.base_url, headers=options.headers, attempts=1)
        yield TronGrid(config, TRON, http), server


def ask(lo: int = 0, hi: int = NOW * 1000, streams: frozenset[str] = TRC20, **more: Any) -> Ask:
    return replace(Ask((Subject("tron", ME),), streams, Interval(lo, hi), HEAD), **more)


def page(rows: list[Any], fingerprint: str | None = None) -> Reply:
    meta = {"at": 1, "page_size": len(rows)}
    if fingerprint is not None:
        meta["fingerprint"] = fingerprint  # type: ignore[assignment]
    return Reply({"data": rows, "success": True, "meta": meta})


def pages(*replies: Reply) -> Callable[[Call], Reply]:
    waiting = iter(replies)
    return lambda _: next(waiting)


def test_an_empty_page_is_not_the_end() -> None:
    """An empty page with a fingerprint is followed; the request is repeated as it was."""
    scripted = pages(page([coin(1)], "f1"), page([], "f2"), page([coin(2)]), page([coin(2)]))
    with source(scripted) as (adapter, server):
        batch = adapter.fetch(ask(lo=5))
    assert [t.tx for t in batch.transfers] == [tx_id(1), tx_id(2)]
    assert (batch.read, batch.rest, batch.calls) == (Interval(5, NOW * 1000), None, 4)
    queries = [dict(c.query) for c in server.calls]
    assert queries.pop()["min_timestamp"] == "6000"  # the last one once more: nothing new
    assert [q.pop("fingerprint", None) for q in queries] == [None, "f1", "f2"]
    assert queries[0] == {
        "min_timestamp": "5",
        "max_timestamp": str(NOW * 1000),
        "order_by": "block_timestamp,asc",
        "limit": "200",
    }
    assert all(q == queries[0] for q in queries)
    assert all(c.headers["tron-pro-api-key"] == "KEY-123" for c in server.calls)


def test_a_full_page_without_a_fingerprint_is_cut() -> None:
    """Fingerprints get lost (trongrid#23): a full page leaves out its last millisecond."""
    with source(pages(page([coin(1), coin(2), coin(2)])), page_size=3) as (adapter, _):
        batch = adapter.fetch(ask())
    assert [t.tx for t in batch.transfers] == [tx_id(1)]
    assert (batch.read, batch.rest) == (Interval(0, 5999), Interval(6000, NOW * 1000))


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("cap", [3, 7, 25])
def test_pages_cut_in_silence(cap: int, lost: bool) -> None:
    """A server that hands out fewer rows than it goes on after, or names no next page at
    all, costs calls and not rows."""
    rows = [coin(n // 2, str(n)) for n in range(2, 60)]

    def respond(call: Call) -> Reply:
        lo, after = int(call.query["min_timestamp"]), int(call.query.get("fingerprint", 0))
        found = [r for r in rows if r["block_timestamp"] >= lo][after:]
        if call.query["order_by"].endswith("desc"):
            found.reverse()
        more = len(found) > 30 and not lost
        return page(found[:cap], str(after + 30) if more else None)

    with source(respond) as (adapter, _):
        batches = read_all(adapter, ask())
    assert sorted(t.amount for b in batches for t in b.transfers) == list(range(2, 60))
    assert not [gap for b in batches for gap in b.gaps]
    read = [b.read for b in batches if b.read is not None]
    assert (read[0].lo, read[-1].hi) == (0, NOW * 1000)


def test_one_block_cut_in_silence() -> None:
    """Rows of one millisecond, cut without a word: a gap that is told, not an end."""
    rows = [coin(1, str(n)) for n in range(12)]

    def respond(call: Call) -> Reply:
        backwards = call.query["order_by"].endswith("desc")
        mine = [r for r in rows if r["block_timestamp"] >= int(call.query["min_timestamp"])]
        return page((mine[::-1] if backwards else mine)[:7])

    rows[7:] = [coin(1, str(n), transaction_id=tx_id(n)) for n in range(7, 12)]
    with source(respond) as (adapter, _):
        batch = adapter.fetch(ask())
    assert len(batch.transfers) == 7
    assert [gap.at for gap in batch.gaps] == [Interval(3000, 3000)]


def test_a_millisecond_that_fills_the_list() -> None:
    """It becomes a gap and is passed."""
    with source(pages(page([coin(2)] * 3)), page_size=3) as (adapter, _):
        batch = adapter.fetch(ask())
    assert len(batch.transfers) == 3
    assert [gap.at for gap in batch.gaps] == [Interval(6000, 6000)]
    assert (batch.read, batch.rest) == (Interval(0, 6000), Interval(6001, NOW * 1000))


@pytest.mark.parametrize(
    "replies",
    [
        (page([coin(1)], "f"), page([coin(2)], "f")),
        (page([coin(1), coin(2)], "f"), page([coin(1), coin(2)], "g")),
        (page([coin(2), coin(1)]),),
        (page([coin(1), coin(10**9)]),),
    ],
)
def test_pages_that_lead_nowhere(replies: tuple[Reply, ...]) -> None:
    """A page or fingerprint that comes back, or a cut list in disorder, is an error."""
    with source(pages(*replies), page_size=2) as (adapter, _), pytest.raises(BadResponse):
        adapter.fetch(ask())


def test_equal_pages_of_equal_payments() -> None:
    """A transaction that pays the same many times may fill two pages with the same rows."""
    last = page([coin(2)])
    scripted = pages(page([coin(1)] * 2, "f"), page([coin(1)] * 2, "g"), last, last)
    with source(scripted, page_size=2) as (adapter, _):
        batch = adapter.fetch(ask())
    assert len({t.identity for t in batch.transfers}) == 5


def test_many_doubtful_transfers() -> None:
    """What only the node can answer is asked in bounded portions, cut between blocks."""
    items = [item(SHOP, ME, 5, number, str(number)) for number in range(1, 131)]

    def respond(call: Call) -> Reply:
        if call.method == "POST":
            return Reply({"blockNumber": 5, "receipt": {"result": "SUCCESS"}})
        lo = int(call.query["min_timestamp"])
        return page([told for told in items if told["block_timestamp"] >= lo])

    with source(respond) as (adapter, _):
        batches = read_all(adapter, ask(streams=NATIVE))
    assert [b.calls for b in batches] == [52, 52, 32]
    assert len({t.identity for b in batches for t in b.transfers}) == 130


def test_empty_pages_for_ever() -> None:
    """They end in an error after a bounded number of calls."""
    counter = iter(range(10_000))
    with (
        source(lambda _: page([], str(next(counter)))) as (adapter, server),
        pytest.raises(BadResponse),
    ):
        adapter.fetch(ask())
    assert len(server.calls) <= 100


THROTTLED = "request rate exceeded the allowed_rps(3), and the query server is suspended for 19 s."


@pytest.mark.parametrize(
    ("status", "body", "kind", "wait"),
    [
        (429, {"Error": THROTTLED}, RateLimited, None),
        (403, {"Error": THROTTLED}, RateLimited, 19),
        (200, {"Error": THROTTLED}, RateLimited, 19),
        (200, {"success": False, "error": THROTTLED, "statusCode": 403}, RateLimited, 19),
        (200, {"success": False, "error": "No permission", "statusCode": 403}, Refused, None),
        (401, {"Error": "ApiKey not exists"}, Refused, None),
        (400, b"", Refused, None),
        (404, {"success": False, "error": "Not found"}, BadResponse, None),
        (200, {"success": False}, BadResponse, None),
        (200, {"data": [], "meta": {}}, BadResponse, None),
        (200, {"data": None, "success": True, "meta": {}}, BadResponse, None),
        (200, {"data": [], "success": True}, BadResponse, None),
        (200, {}, BadResponse, None),
        (403, b"<html>Just a moment</html>", BadResponse, None),
        (502, b"<html>Bad gateway</html>", Unavailable, None),
    ],
)
def test_refusals(status: int, body: Any, kind: type[SourceError], wait: float | None) -> None:
    """Every refusal is told apart; none is taken for an empty list; none shows the key."""
    with source(lambda _: Reply(body, status)) as (adapter, _):
        for streams in adapter.bundles:
            with pytest.raises(SourceError) as caught:
                adapter.fetch(ask(streams=streams))
            assert type(caught.value) is kind
            assert caught.value.retry_after == wait
            assert "KEY-123" not in str(caught.value) + repr(caught.value)
        with pytest.raises(SourceError):
            adapter.head()


@pytest.mark.parametrize("header", [{"number": 5, "timestamp": NOW * 1000}, {}])
def test_the_hash_of_a_block(header: dict[str, int]) -> None:
    """Its id, also where the first block's header leaves out what is zero."""
    body = {"blockID": "0" * 15 + "5" + "a" * 48, "block_header": {"raw_data": header}}
    with source(lambda _: Reply(body)) as (adapter, server):
        assert adapter.block_hash(5) == body["blockID"]
    (call,) = server.calls
    assert (call.path, call.body) == ("/wallet/getblockbynum", {"num": 5})


def test_a_block_that_is_not_there() -> None:
    """An empty answer means that the chain is not so high; anything else is an error."""
    with source(lambda _: Reply({})) as (adapter, _):
        assert adapter.block_hash(5) is None
    with source(lambda _: Reply({"blockID": "?"})) as (adapter, _), pytest.raises(BadResponse):
        adapter.block_hash(5)


# -- the local explorer -------------------------------------------------------------------


def story() -> AccountLedger:
    """Five hundred blocks: payments, failures, calls that pay inside, coins, equal ones."""
    ledger = AccountLedger(tron=True, time=NOW, block_time=3)
    ledger.tokens[USDT] = TokenName("USDT", "Tether USD", 6)
    for height in range(500):
        n = 10 * height
        txs = [Tx(tx_id(n), PEER, OTHER, 1)]
        if height % 5 == 0:
            txs.append(Tx(tx_id(n + 1), ME, PEER, height, gas_used=300, gas_price=1))
        if height % 7 == 0:
            txs.append(Tx(tx_id(n + 2), ME, PEER, 9, ok=False, gas_used=70, gas_price=1))
        if height % 11 == 0:
            calls = (
                Internal(PEER, SHOP, 0, path=""),
                Internal(SHOP, ME, 3, path="0"),
                Internal(SHOP, ME, 3, path="1"),
                Internal(SHOP, ME, 8, path="2", failed=True),
                Internal(SHOP, OTHER, 4, path="3"),
            )
            moves = (TokenMove("ERC-20", USDT, SHOP, ME, 50, 1),) * 2
            txs.append(Tx(tx_id(n + 3), PEER, SHOP, input="0xab", internals=calls, tokens=moves))
        ledger.mine(txs)
    return ledger


def truth(ledger: AccountLedger) -> Counter[tuple[Any, ...]]:
    rows: Counter[tuple[Any, ...]] = Counter()
    for height in range(500):
        n = 10 * height
        if height % 5 == 0:
            rows[tx_id(n + 1), Kind.NATIVE, ME, PEER, height] += 1
            rows[tx_id(n + 1), Kind.FEE, ME, None, 300] += 1
        if height % 7 == 0:
            rows[tx_id(n + 2), Kind.FEE, ME, None, 70] += 1
        if height % 11 == 0:
            rows[tx_id(n + 3), Kind.INTERNAL, SHOP, ME, 3] += 2
            rows[tx_id(n + 3), Kind.TRC20, SHOP, ME, 50] += 2
    return rows


def read_all(adapter: TronGrid, first: Ask) -> list[Batch]:
    batches: list[Batch] = []
    going: Ask | None = first
    while going is not None:
        batch = adapter.fetch(going)
        batches.append(batch)
        assert len(batches) < 500, "the walk does not end"
        going = None if batch.rest is None else replace(going, span=batch.rest)
    return batches


@pytest.mark.parametrize(("max_rows", "cap"), [(2000, None), (30, None), (20, 7), (1, 3)])
def test_whole_story(explorer: Explorer, max_rows: int, cap: int | None) -> None:
    """In bites of any size: every movement once, and what was read joins up."""
    ledger = story()
    explorer.add("tron", ledger, "trongrid")
    explorer.knobs("tron", "trongrid").page_cap = cap
    url = explorer.url("tron", "trongrid")
    adapter = TronGrid(SourceConfig("local", "trongrid", url), TRON, Http("local", url))
    head = adapter.head()
    assert (head.height, head.final_height) == (499, 480)
    assert (head.time, head.final_time) == (NOW + 499 * 3, NOW + 480 * 3)
    span = Interval(NOW * 1000, head.time * 1000 + 999_000)
    told: Counter[tuple[Any, ...]] = Counter()
    for streams in adapter.bundles:
        first = Ask((Subject("tron", ME),), streams, span, head, max_rows=max_rows)
        batches = read_all(adapter, first)
        rows = [t for b in batches for t in b.transfers]
        assert len({t.identity for t in rows}) == len(rows)
        told.update((t.tx, t.kind, t.sender, t.recipient, t.amount) for t in rows)
        read = [b.read for b in batches if b.read is not None]
        assert (read[0].lo, read[-1].hi) == (span.lo, head.time * 1000)
        assert all(a.hi + 1 == b.lo for a, b in pairwise(read))
    assert told == truth(ledger)


def test_look_up(explorer: Explorer) -> None:
    """A transaction by its id: block and outcome, or not found."""
    explorer.add("tron", story(), "trongrid")
    url = explorer.url("tron", "trongrid")
    adapter = TronGrid(SourceConfig("local", "trongrid", url), TRON, Http("local", url))
    paid = adapter.transaction(tx_id(51))
    failed = adapter.transaction(tx_id(72))
    assert (paid.found, paid.height, paid.failed) == (True, 5, False)
    assert paid.block_hash == adapter.block_hash(5)
    assert (failed.found, failed.height, failed.failed) == (True, 7, True)
    unknown = adapter.transaction("0x" + tx_id(999_999))
    assert (unknown.found, unknown.head) == (False, paid.head)


def test_a_payment_that_the_list_tells_twice() -> None:
    """The list tells no place inside a transaction: the node's logs say how often it paid."""
    row = coin(1)
    pad = "0" * 24
    log = {
        "address": hex41(USDT)[2:],
        "topics": [TRANSFER[2:], pad + hex41(PEER)[2:], pad + hex41(ME)[2:]],
        "data": f"{int(row['value']):064x}",
    }
    other = {"address": hex41(SHOP)[2:], "topics": ["ab" * 32], "data": ""}
    first, second = parse_trc20(TRON, [row, row]).transfers
    for logs, copied in (([log, other], True), ([log, log], False), ([], False)):
        info = {"id": row["transaction_id"], "blockNumber": 9, "log": logs}
        word = Lookup("t", first.tx, True, 9, moved=token_legs(TRON, info))
        assert not absence.a_copy(first, [word])
        assert absence.a_copy(second, [word]) is copied
    assert token_legs(TRON, {"log": [{**log, "data": None}]}) is None
