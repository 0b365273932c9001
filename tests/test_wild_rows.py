"""Whatever stands at whatever place of a row, it costs that row and nothing else.

A sound row of each explorer; at every place in it, one after the other, everything that JSON can
hold. Its parser makes a gap of it, or refuses the answer; any other error would stop the reading
of an address for as long as its list holds the row.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from monitor.model import Chain, Head
from monitor.model.errors import BadResponse
from monitor.net.sources import (
    account_rows,
    acts,
    blockbook_rows,
    blockscout_rows,
    esplora_rows,
    etherscan,
    evm_logs,
    evm_rpc,
    evm_system,
    tron_logs,
    tron_rows,
)

WILD = [
    *(None, True, 5, -1, 1.5, 10**90, "", "x"),
    *([], [5], ["x"], [[1]], [{}], {}, {"a": 1}, {"_": [1]}),
]
ETHEREUM = Chain("ethereum", "Ethereum", "evm", "ETH", 18, 6, chain_id=1)
BITCOIN = Chain("bitcoin", "Bitcoin", "utxo", "BTC", 8, 6)
TRON = Chain("tron", "Tron", "tron", "TRX", 6, 19)
HEAD = Head(9, 9)
HASH, TX = "0x" + "1" * 64, "1" * 64
MINE, OTHER = "0x" + "a" * 40, "0x" + "b" * 40
WORD = "0x" + "0" * 24
COIN = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
TRON_MINE, TRON_OTHER = "41" + "aa" * 20, "41" + "bb" * 20

ACCOUNT = {
    "blockNumber": "5", "timeStamp": "9", "hash": HASH, "blockHash": HASH, "from": MINE,
    "to": OTHER, "value": "5", "isError": "0", "txreceipt_status": "1", "gasUsed": "21000",
    "gasPrice": "5", "input": "0x", "transactionIndex": "3", "contractAddress": "",
}  # fmt: skip
INTERNAL = ACCOUNT | {"type": "call", "traceId": "0", "index": "0", "callType": "call"}
TOKEN = ACCOUNT | {
    "contractAddress": MINE, "tokenSymbol": "S", "tokenName": "N", "tokenDecimal": "6",
    "logIndex": "1", "tokenID": "5", "tokenValue": "6",
}  # fmt: skip
LOG = {
    "address": MINE, "topics": [evm_logs.TRANSFER, WORD + "a" * 40, WORD + "b" * 40],
    "data": f"{5:#066x}", "blockNumber": "0x5", "blockHash": HASH, "transactionHash": HASH,
    "transactionIndex": "0x1", "logIndex": "0x2", "blockTimestamp": "0x9", "removed": False,
}  # fmt: skip
RECEIPT = {
    "transactionHash": HASH, "blockHash": HASH, "blockNumber": "0x5", "status": "0x1",
    "logs": [LOG], "gasUsed": "0x5", "effectiveGasPrice": "0x5", "type": "0x2", "from": MINE,
}  # fmt: skip
TRANSACTION = {
    "hash": HASH, "block_number": 5, "result": "success", "status": "ok", "type": 2,
    "timestamp": "2026-01-01T00:00:00Z", "fee": {"value": "5"},
}  # fmt: skip
TRANSFER = {
    "block_number": 5, "transaction_hash": HASH, "block_hash": HASH, "log_index": 1,
    "from": {"hash": MINE}, "to": {"hash": OTHER}, "timestamp": "2026-01-01T00:00:00.0Z",
    "token": {"address_hash": MINE, "symbol": "S", "name": "N", "decimals": "6", "type": "ERC-20"},
    "total": {"value": "5", "decimals": "6"}, "type": "token_transfer",
}  # fmt: skip
BLOCK = {"height": 5, "timestamp": "2026-01-01T00:00:00.0Z", "hash": HASH, "type": "block"}
ESPLORA = {
    "txid": TX, "fee": 2,
    "vin": [{"txid": "2" * 64, "vout": 0, "is_coinbase": False,
             "prevout": {"scriptpubkey": "0014" + "ab" * 20, "scriptpubkey_address": COIN,
                         "scriptpubkey_type": "v0_p2wpkh", "value": 7}}],
    "vout": [{"scriptpubkey": "0014" + "ab" * 20, "scriptpubkey_address": COIN, "value": 5}],
    "status": {"confirmed": True, "block_height": 5, "block_hash": "3" * 64, "block_time": 9},
}  # fmt: skip
BLOCKBOOK = {
    "txid": TX, "blockHash": "3" * 64, "blockHeight": 5, "confirmations": 3, "blockTime": 9,
    "value": "5", "valueIn": "7", "fees": "2",
    "vin": [{"txid": "2" * 64, "vout": 0, "n": 0, "addresses": [COIN], "isAddress": True,
             "value": "7"}],
    "vout": [{"n": 0, "addresses": [COIN], "isAddress": True, "value": "5"}],
}  # fmt: skip
TRON_CALL = {
    "txID": TX, "blockNumber": 5, "block_timestamp": 3000,
    "ret": [{"contractRet": "SUCCESS", "fee": 1}],
    "raw_data": {"contract": [{
        "type": "TransferContract",
        "parameter": {"value": {"owner_address": TRON_MINE, "to_address": TRON_OTHER,
                                "amount": 5}},
    }]},
    "internal_transactions": [{
        "hash": "a", "caller_address": TRON_OTHER, "transferTo_address": TRON_MINE,
        "callValueInfo": [{"callValue": 5}, {"callValue": 5, "tokenId": "1000001"}],
    }],
}  # fmt: skip
TRON_ITEM = {
    "internal_tx_id": "a", "tx_id": TX, "block_timestamp": 3000, "from_address": TRON_OTHER,
    "to_address": TRON_MINE, "data": {"note": "call", "rejected": False, "call_value": {"_": 5}},
}  # fmt: skip
TRON_TOKEN = {
    "transaction_id": TX, "block_timestamp": 3000, "from": TRON_OTHER, "to": TRON_MINE,
    "type": "Transfer", "value": "5",
    "token_info": {"address": TRON_OTHER, "symbol": "S", "name": "N", "decimals": 6},
}  # fmt: skip
TRON_INFO = {
    "id": TX, "blockNumber": 5, "receipt": {"result": "SUCCESS"}, "result": "FAILED",
    "internal_transactions": [{"hash": "a", "rejected": True}],
    "log": [{"address": "a" * 40, "topics": ["d" * 64, "0" * 64, "1" * 64], "data": "05"}],
}  # fmt: skip


def rows(parse: Callable[..., Any], *before: Any, after: tuple[Any, ...] = ()) -> Any:
    """A parser of lists, for one row."""
    return lambda row: parse(*before, [row], *after)


def of_object(parse: Callable[..., Any]) -> Callable[[Any], Any]:
    """A parser whose caller has seen that the answer is an object."""
    return lambda body: parse(body) if isinstance(body, dict) else None


def _account(stream: str) -> Callable[[Any], Any]:
    return rows(account_rows.parse_list, stream, after=(ETHEREUM, MINE))


CASES: dict[str, tuple[object, Callable[[Any], Any]]] = {
    "account native": (ACCOUNT, _account("native")),
    "account internal": (INTERNAL, _account("internal")),
    "account erc20": (TOKEN, _account("erc20")),
    "account erc1155": (TOKEN, _account("erc1155")),
    "logs": (
        LOG,
        rows(evm_logs.parse_logs, ETHEREUM, after=(frozenset({MINE}), defaultdict(int))),
    ),
    "acts": (LOG, rows(acts.parse_logs, ETHEREUM)),
    "a node's receipt": (RECEIPT, partial(evm_rpc.parse_receipt, source="s", tx=HASH)),
    "a proxied receipt": (RECEIPT, lambda told: etherscan.parse_receipt("s", HASH, told, None)),
    "what a receipt moved": (RECEIPT, partial(evm_logs.token_legs, ETHEREUM)),
    "what a receipt cost": (RECEIPT, evm_system.facts_of),
    "blockscout transaction": (
        TRANSACTION,
        of_object(lambda told: blockscout_rows.parse_transaction("s", HASH, told, HEAD)),
    ),
    "blockscout cost": (TRANSACTION, of_object(blockscout_rows.parse_facts)),
    "blockscout token": (
        TRANSFER,
        rows(blockscout_rows.parse_token_transfers, after=(ETHEREUM,)),
    ),
    "blockscout block": (BLOCK, rows(blockscout_rows.parse_blocks)),
    "esplora": (ESPLORA, rows(esplora_rows.parse_transactions, BITCOIN)),
    "esplora waiting": (ESPLORA, rows(esplora_rows.parse_unconfirmed, BITCOIN, after=(5,))),
    "esplora outline": (ESPLORA, esplora_rows.outline),
    "esplora lookup": (ESPLORA, lambda told: esplora_rows.parse_lookup(told, "s", TX, HEAD)),
    "blockbook": (BLOCKBOOK, rows(blockbook_rows.parse_transactions, BITCOIN)),
    "blockbook waiting": (BLOCKBOOK, rows(blockbook_rows.parse_unconfirmed, BITCOIN, after=(5,))),
    "blockbook outline": (BLOCKBOOK, blockbook_rows.outline),
    "blockbook lookup": (BLOCKBOOK, lambda told: blockbook_rows.parse_lookup(told, "s", TX, HEAD)),
    "tron": (TRON_CALL, rows(tron_rows.parse_transactions, TRON, TRON_MINE, after=({},))),
    "tron doubtful": (TRON_CALL, rows(tron_rows.doubtful, TRON, TRON_MINE)),
    "tron item": (TRON_ITEM, rows(tron_rows.parse_transactions, TRON, TRON_MINE, after=({},))),
    "tron item doubtful": (TRON_ITEM, rows(tron_rows.doubtful, TRON, TRON_MINE)),
    "tron token": (TRON_TOKEN, rows(tron_rows.parse_trc20, TRON)),
    "tron node": (TRON_INFO, tron_rows.parse_info),
    "what a tron receipt moved": (TRON_INFO, partial(tron_logs.token_legs, TRON)),
}


def places(told: object, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    if isinstance(told, dict):
        for key, inner in told.items():
            yield from places(inner, (*here, key))
    elif isinstance(told, list):
        for number, inner in enumerate(told):
            yield from places(inner, (*here, number))


def put(told: Any, place: tuple[Any, ...], wild: object) -> Any:
    if not place:
        return wild
    changed = copy.deepcopy(told)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = wild
    return changed


@pytest.mark.parametrize("name", CASES)
def test_nothing_in_a_row_stops_the_others(name: str) -> None:
    sound, parse = CASES[name]
    parse(sound)
    for place in places(sound):
        for wild in WILD:
            with suppress(BadResponse):
                parse(put(sound, place, wild))


@pytest.mark.parametrize(
    "name", [name for name, (_, parse) in CASES.items() if "outline" not in name]
)
def test_the_sound_rows_are_read(name: str) -> None:
    """Else nothing above would have come far."""
    sound, parse = CASES[name]
    read = parse(sound)
    assert read is not None
    assert not getattr(read, "gaps", ())
