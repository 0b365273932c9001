"""The local explorer answers as the real ones do, and truly, over real and scripted chains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import base58
import pytest
import requests
from world.evm_feed import EvmFeed
from world.evm_world import CHAIN_ID, ETHER, EvmWorld, Row, Step, send_block
from world.parts import LitecoinFeed, Rpc

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger, TokenName, UtxoLedger
from monitor.demo.world.moves import (
    ZERO_ADDRESS,
    Act,
    Input,
    Internal,
    Output,
    TokenMove,
    Tx,
    UtxoTx,
    Withdrawal,
)
from monitor.demo.world.trongrid import hex41

ALICE, BOB, CAROL = ("0x" + c * 40 for c in "abc")
COIN = "0x" + "d" * 40


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


class Reader:
    """Reads an explorer raw, the way its own documentation tells, and nothing more."""

    def __init__(self, http: requests.Session, url: str) -> None:
        self.http, self.url = http, url

    def get(self, path: str = "", **params: Any) -> Any:
        return self.http.get(self.url + path, params=params, timeout=10).json()

    def etherscan(self, action: str, address: str, **params: Any) -> Any:
        named = {"chainid": CHAIN_ID, "module": "account", "action": action, "address": address}
        return self.get(**(named | params))

    def etherscan_all(self, action: str, address: str, size: int) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        while True:
            page = len(found) // size + 1
            rows = self.etherscan(action, address, sort="asc", page=page, offset=size)["result"]
            found += rows
            if len(rows) < size:
                return found

    def blockscout_all(self, address: str, stream: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        params: dict[str, Any] | None = {}
        while params is not None:
            answer = self.get(f"/api/v2/addresses/{address}/{stream}", **params)
            found += answer["items"]
            params = answer["next_page_params"]
        return found


def etherscan_rows(reader: Reader, address: str) -> Counter[Row]:
    """Everything that the five lists tell of an address."""
    rows: Counter[Row] = Counter()
    for r in reader.etherscan_all("txlist", address, 70):
        if r["from"] == address:
            fee = int(r["gasUsed"]) * int(r["gasPrice"])
            rows[Row("fee", r["hash"], None, None, address, None, fee)] += 1
        moved = r["value"] != "0" or r["input"] == "0x" or r["contractAddress"]
        if r["isError"] == "0" and moved:
            to = r["to"] or r["contractAddress"]
            rows[Row("native", r["hash"], None, None, r["from"], to, int(r["value"]))] += 1
    for r in reader.etherscan_all("txlistinternal", address, 70):
        if r["isError"] == "0":
            to = r["to"] or r["contractAddress"]
            rows[Row("internal", r["hash"], None, None, r["from"], to, int(r["value"]))] += 1
    for action, kind, amount in (
        ("tokentx", "erc20", "value"),
        ("tokennfttx", "erc721", ""),
        ("token1155tx", "erc1155", "tokenValue"),
    ):
        for r in reader.etherscan_all(action, address, 70):
            value = int(r[amount]) if amount else 1
            where = (r["contractAddress"], r.get("tokenID"), r["from"], r["to"])
            rows[Row(kind, r["hash"], *where, value)] += 1
    return rows


def blockscout_rows(reader: Reader, address: str) -> Counter[Row]:
    """Everything that REST v2 tells of an address."""
    rows: Counter[Row] = Counter()
    for r in reader.blockscout_all(address, "transactions"):
        sender, target = r["from"]["hash"].lower(), r["to"] or r["created_contract"]
        if sender == address:
            fee = int(r["fee"]["value"])
            rows[Row("fee", r["hash"], None, None, address, None, fee)] += 1
        moved = r["value"] != "0" or r["raw_input"] == "0x" or r["created_contract"]
        if r["status"] == "ok" and moved:
            to = target["hash"].lower()
            rows[Row("native", r["hash"], None, None, sender, to, int(r["value"]))] += 1
    for r in reader.blockscout_all(address, "internal-transactions"):
        moving = r["type"] in ("call", "create", "create2", "selfdestruct")
        creates = r["type"].startswith("create")
        # The creation that is the transaction itself is listed here too, as index 0.
        if moving and r["success"] and r["index"] and (creates or r["value"] != "0"):
            sender, to = r["from"]["hash"], (r["to"] or r["created_contract"])["hash"]
            where = (None, None, sender.lower(), to.lower())
            rows[Row("internal", r["transaction_hash"], *where, int(r["value"]))] += 1
    for r in reader.blockscout_all(address, "token-transfers"):
        kind = r["token_type"].lower().replace("-", "")
        sender, to = r["from"]["hash"].lower(), r["to"]["hash"].lower()
        contract = r["token"]["address_hash"].lower()
        amount = int(r["total"].get("value", "1"))
        where = (contract, r["total"].get("token_id"), sender, to)
        rows[Row(kind, r["transaction_hash"], *where, amount)] += 1
    return rows


@pytest.mark.real
@pytest.mark.parametrize(
    ("style", "read"), [("etherscan", etherscan_rows), ("blockscout", blockscout_rows)]
)
def test_styles_tell_the_whole_truth(
    evm_world: EvmWorld, explorer: Explorer, http: requests.Session, style: str, read: Any
) -> None:
    """Read page by page, an explorer's lists hold exactly the rows that truly happened."""
    explorer.add("local", evm_world.ledger, style, chain_id=CHAIN_ID)
    reader = Reader(http, explorer.url("local", style))
    for address in evm_world.oracle.watchable(25):
        assert read(reader, address) == evm_world.oracle.touching(address)


@pytest.mark.real
def test_feed_follows_a_reorg(evm_node: Rpc, explorer: Explorer, http: requests.Session) -> None:
    """After the node replaces its newest blocks, the explorer shows the new ones only."""
    nonces: Counter[str] = Counter()
    evm_node.call("anvil_setBalance", ALICE, hex(100 * ETHER))
    send_block(evm_node, nonces, [Step(ALICE, BOB, 1)])
    dropped = send_block(evm_node, nonces, [Step(ALICE, CAROL, 2)])[0][0]
    ledger = AccountLedger()
    feed = EvmFeed(evm_node, ledger)
    feed.sync()
    explorer.add("local", ledger, "etherscan", chain_id=CHAIN_ID)
    reader = Reader(http, explorer.url("local", "etherscan"))
    assert [r["hash"] for r in reader.etherscan("txlist", CAROL)["result"]] == [dropped]
    old_head = ledger.head
    evm_node.call("anvil_reorg", 1, [])
    feed.sync()
    assert ledger.head.height == old_head.height
    assert ledger.head.hash != old_head.hash
    assert reader.etherscan("txlist", CAROL)["result"] == []
    assert len(reader.etherscan("txlist", BOB)["result"]) == 1


@pytest.mark.real
def test_litecoin_through_esplora(
    utxo_node: Rpc, explorer: Explorer, http: requests.Session
) -> None:
    """A payment goes mempool, block, mempool again after a reorg, block again."""
    ledger = UtxoLedger()
    feed = LitecoinFeed(utxo_node, ledger)
    feed.sync()
    explorer.add("ltc", ledger, "esplora")
    reader = Reader(http, explorer.url("ltc", "esplora"))
    miner, payee = utxo_node.call("getnewaddress"), utxo_node.call("getnewaddress")
    txid = utxo_node.call("sendtoaddress", payee, 1.25)
    feed.sync()
    (waiting,) = reader.get(f"/address/{payee}/txs/mempool")
    assert waiting["status"] == {"confirmed": False}
    paid = [v["value"] for v in waiting["vout"] if v.get("scriptpubkey_address") == payee]
    assert paid == [125_000_000]
    block_hash = utxo_node.call("generatetoaddress", 1, miner)[0]
    feed.sync()
    (mined,) = reader.get(f"/address/{payee}/txs/chain")
    assert mined["txid"] == txid
    assert mined["status"]["block_hash"] == block_hash
    assert mined["fee"] == sum(v["prevout"]["value"] for v in mined["vin"]) - sum(
        v["value"] for v in mined["vout"]
    )
    utxo_node.call("invalidateblock", block_hash)
    feed.sync()
    assert reader.get(f"/address/{payee}/txs/chain") == []
    assert reader.get(f"/tx/{txid}/status") == {"confirmed": False}
    assert http.get(f"{reader.url}/block/{block_hash}", timeout=10).status_code == 404
    again = utxo_node.call("generatetoaddress", 2, utxo_node.call("getnewaddress"))
    feed.sync()
    assert reader.get(f"/tx/{txid}/status")["block_hash"] == again[0]
    tip = http.get(f"{reader.url}/blocks/tip/height", timeout=10)
    assert (tip.text, tip.headers["content-type"][:10]) == ("103", "text/plain")


# Scripted chains: no node needed.


def name(n: int) -> str:
    return f"0x{n:064x}"


def busy(count: int, per_block: int = 3) -> AccountLedger:
    """`count` payments of Alice to Bob, each with one token movement and one inner call."""
    ledger = AccountLedger(first_height=100)
    ledger.tokens[COIN] = TokenName("USDT", "Tether", 6)
    for lo in range(0, count, per_block):
        ledger.mine(payment(n) for n in range(lo, min(lo + per_block, count)))
    return ledger


def payment(n: int) -> Tx:
    return Tx(
        name(n),
        ALICE,
        BOB,
        value=n,
        nonce=n,
        internals=(
            Internal(ALICE, BOB, n, path=""),
            Internal(BOB, CAROL, 5, path="0"),
            Internal(BOB, CAROL, 5, kind="delegatecall", path="1"),
        ),
        tokens=(TokenMove("ERC-20", COIN, ALICE, BOB, 10**6, log_index=n % 3),),
    )


def test_etherscan_envelope_and_errors(explorer: Explorer, http: requests.Session) -> None:
    """Empty, refused and out-of-window answers come in HTTP 200 with the texts of the API."""
    explorer.add("local", busy(9), "etherscan", chain_id=CHAIN_ID)
    reader = Reader(http, explorer.url("local", "etherscan"))
    empty = reader.etherscan("txlist", "0x" + "9" * 40)
    assert empty == {"status": "0", "message": "No transactions found", "result": []}
    assert "chainid" in reader.etherscan("txlist", ALICE, chainid=1)["result"]
    assert reader.etherscan("txlist", "0x12")["result"] == "Error! Invalid address format"
    assert "Action name" in reader.etherscan("nonsense", ALICE)["result"]
    assert "10000" in reader.etherscan("txlist", ALICE, page=11, offset=1000)["result"]
    row = reader.etherscan("txlist", ALICE, startblock=101, endblock=101)["result"][0]
    assert all(isinstance(value, str) for value in row.values())
    assert (row["blockNumber"], row["confirmations"]) == ("101", "2")


def test_etherscan_caps_pages_and_lags(explorer: Explorer, http: requests.Session) -> None:
    """A page never exceeds the plan's cap, and a lagging list hides the newest blocks."""
    explorer.add("local", busy(2500, per_block=10), "etherscan", chain_id=CHAIN_ID)
    reader = Reader(http, explorer.url("local", "etherscan"))
    assert len(reader.etherscan("txlist", ALICE, offset=5000)["result"]) == 1000
    assert len(reader.etherscan_all("tokentx", ALICE, 1000)) == 2500
    explorer.knobs("local", "etherscan").lag["erc20"] = 240
    assert len(reader.etherscan_all("tokentx", ALICE, 1000)) == 100
    assert len(reader.etherscan_all("txlist", ALICE, 1000)) == 2500


def test_etherscan_proxy(explorer: Explorer, http: requests.Session) -> None:
    """The proxy speaks JSON-RPC: the head, a block, a transaction, a receipt, and null."""
    ledger = busy(9)
    explorer.add("local", ledger, "etherscan", chain_id=CHAIN_ID)
    reader = Reader(http, explorer.url("local", "etherscan"))

    def ask(action: str, **params: str) -> Any:
        return reader.get(chainid=CHAIN_ID, module="proxy", action=action, **params)["result"]

    assert ask("eth_blockNumber") == hex(102)
    block = ask("eth_getBlockByNumber", tag=hex(101), boolean="false")
    assert block["hash"] == ledger.block(101).hash  # type: ignore[union-attr]
    assert block["parentHash"] == ledger.block(100).hash  # type: ignore[union-attr]
    receipt = ask("eth_getTransactionReceipt", txhash=name(4))
    assert (receipt["blockNumber"], receipt["status"]) == ("0x65", "0x1")
    assert int(receipt["logs"][0]["data"], 16) == 10**6
    assert ask("eth_getTransactionByHash", txhash=name(4))["value"] == "0x4"
    assert ask("eth_getTransactionByHash", txhash=name(999)) is None


def test_blockscout_keyset_pages_do_not_shift(explorer: Explorer, http: requests.Session) -> None:
    """New rows between two pages neither repeat nor hide older ones."""
    ledger = busy(120)
    explorer.add("local", ledger, "blockscout")
    reader = Reader(http, explorer.url("local", "blockscout"))
    path = f"/api/v2/addresses/{ALICE}/token-transfers"
    first = reader.get(path)
    ledger.mine([payment(500)])
    second = reader.get(path, **first["next_page_params"])
    third = reader.get(path, **second["next_page_params"])
    assert [len(p["items"]) for p in (first, second, third)] == [50, 50, 20]
    assert third["next_page_params"] is None
    seen = [i["transaction_hash"] for p in (first, second, third) for i in p["items"]]
    assert seen == [name(n) for n in range(119, -1, -1)]


def test_blockscout_names_blocks_three_ways(explorer: Explorer, http: requests.Session) -> None:
    """Page by page, one by one, and through the node call behind the same host."""
    ledger = busy(180)
    explorer.add("local", ledger, "blockscout")
    reader = Reader(http, explorer.url("local", "blockscout"))
    first = reader.get("/api/v2/blocks")
    second = reader.get("/api/v2/blocks", **first["next_page_params"])
    heights = [block["height"] for page in (first, second) for block in page["items"]]
    assert heights == list(range(159, 99, -1))
    assert second["next_page_params"] is None
    told = reader.get("/api/v2/blocks/120")["hash"]
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": ["0x78", False]}
    node = http.post(reader.url + "/json-rpc", json=call, timeout=10).json()["result"]["hash"]
    block = ledger.block(120)
    assert block is not None
    assert told == node == block.hash


def test_blockscout_api_differs_from_etherscan(explorer: Explorer, http: requests.Session) -> None:
    """Newest first, its own empty texts, delegate calls with a value, and status "2"."""
    explorer.add("local", busy(6), "blockscout")
    reader = Reader(http, explorer.url("local", "blockscout"))

    def ask(action: str, address: str, **params: Any) -> Any:
        return reader.get("/api", module="account", action=action, address=address, **params)

    assert ask("txlist", ALICE)["result"][0]["hash"] == name(5)
    assert ask("tokentx", ZERO_ADDRESS)["message"] == "No token transfers found"
    inner = ask("txlistinternal", CAROL, sort="asc")
    assert [r["callType"] for r in inner["result"][:2]] == ["call", "delegatecall"]
    explorer.knobs("local", "blockscout").internals_upto = 100
    stuck = ask("txlistinternal", CAROL, sort="asc")
    assert (stuck["status"], len(stuck["result"])) == ("2", 6)
    tx = reader.get(f"/api/v2/transactions/{name(5)}")
    assert tx["result"] == "awaiting_internal_transactions"


def test_esplora_pages_and_their_traps(explorer: Explorer, http: requests.Session) -> None:
    """25 a page; an unknown last_seen looks like the end; errors are plain text."""
    ledger = UtxoLedger()
    paid = Output("bc1qwatched", 1000, "0014")
    for n in range(51):
        spent = Input(f"{n + 1000:064x}", 0, Output("bc1qother", 1500, "0014"))
        ledger.mine([UtxoTx(f"{n:064x}", (spent,), (paid, Output(None, 0, "6a", "op_return")))])
    explorer.add("btc", ledger, "esplora")
    reader = Reader(http, explorer.url("btc", "esplora"))
    path = "/address/bc1qwatched/txs/chain"
    pages = [reader.get(path)]
    while len(pages[-1]) == 25:
        pages.append(reader.get(f"{path}/{pages[-1][-1]['txid']}"))
    assert [len(page) for page in pages] == [25, 25, 1]
    assert [t["txid"] for p in pages for t in p] == [f"{n:064x}" for n in range(50, -1, -1)]
    assert reader.get(f"{path}/{'f' * 64}") == []
    assert reader.get("/address/bc1qwatched")["chain_stats"]["tx_count"] == 51
    assert "scriptpubkey_address" not in pages[0][0]["vout"][1]
    missing = http.get(f"{reader.url}/tx/{'f' * 64}", timeout=10)
    assert (missing.status_code, missing.text) == (404, "Transaction not found")
    assert http.get(f"{reader.url}/tx/zz", timeout=10).status_code == 400
    height = http.get(f"{reader.url}/block-height/7", timeout=10).text
    assert reader.get(f"/block/{height}")["height"] == 7


def test_blockbook_pages_and_their_traps(explorer: Explorer, http: requests.Session) -> None:
    """A page beyond the last one is the last one, how many there are is not said of a part of
    the list, and a path that is not known is answered with the server's state."""
    ledger = UtxoLedger()
    paid = Output("bc1qwatched", 1000, "0014")
    spent = Output("bc1qother", 1500, "0014")
    text = Output(None, 0, "6a", "op_return")
    txs = [UtxoTx(f"{n:064x}", (Input("ee" * 32, n % 2, spent),), (paid, text)) for n in range(52)]
    for tx in txs[:51]:
        ledger.mine([tx])
    ledger.submit(txs[51])
    explorer.add("btc", ledger, "blockbook")
    reader = Reader(http, explorer.url("btc", "blockbook"))

    def ask(**query: Any) -> Any:
        return reader.get("/api/v2/address/bc1qwatched", details="txs", pageSize=25, **query)

    def heights(page: Any) -> list[int]:
        return [row["blockHeight"] for row in page["transactions"]]

    first, third, beyond = ask(), ask(page=3), ask(page=9)
    assert heights(first) == [-1, *range(50, 25, -1)]
    assert heights(third) == heights(beyond) == [0]
    assert (first["totalPages"], beyond["page"], first["txs"]) == (3, 3, 51)
    assert (first["unconfirmedTxs"], first["transactions"][0]["confirmations"]) == (1, 0)
    part = ask(to=30)
    assert heights(part) == list(range(30, 5, -1))
    assert (part["totalPages"], part["unconfirmedTxs"], part["txs"]) == (-1, 0, 51)
    row = part["transactions"][0]
    assert (row["confirmations"], row["vin"][0].get("vout"), row["fees"]) == (21, None, "500")
    assert row["vout"][1] == {
        "n": 1, "hex": "6a", "value": "0", "addresses": ["OP_RETURN (text)"], "isAddress": False,
    }  # fmt: skip
    assert "transactions" not in reader.get("/api/v2/address/bc1qunused", details="txs")
    tip = reader.get("/api/v2/block-index/50")["blockHash"]
    assert reader.get(f"/api/v2/block/{tip}")["height"] == 50
    assert reader.get("/api/v2/block-index/51") == {"blockHash": ""}
    assert reader.get("/api/v2/nothing")["blockbook"]["bestHeight"] == 50
    missing = http.get(f"{reader.url}/api/v2/tx/{'f' * 64}", timeout=10)
    assert missing.status_code == 400
    assert missing.json() == {"error": f"Transaction '{'f' * 64}' not found"}


def tron_address(n: int) -> str:
    return base58.b58encode_check(b"\x41" + n.to_bytes(20, "big")).decode()


def test_trongrid_pages_by_time(explorer: Explorer, http: requests.Session) -> None:
    """Ascending from a time with fingerprints; TRC-20 in its own list, without a block."""
    ledger = AccountLedger(tron=True, first_height=80_000_000, block_time=3)
    a, b, token = tron_address(1), tron_address(2), tron_address(3)
    ledger.tokens[token] = TokenName("USDT", "Tether USD", 6)
    for n in range(30):
        move = TokenMove("ERC-20", token, a, b, n)
        inner = Internal(token, b, 5, path="0")
        call = Tx(f"{n:064x}", a, token, 0, True, 345_000, 1, input="0xa9059cbb")
        ledger.mine([replace(call, tokens=(move,), internals=(inner,))])
    explorer.add("tron", ledger, "trongrid")
    reader = Reader(http, explorer.url("tron", "trongrid"))
    path = f"/v1/accounts/{b}/transactions/trc20"
    since = (ledger.head.time - 3 * 24) * 1000
    params = {"min_timestamp": since, "order_by": "block_timestamp,asc", "limit": 20}
    first = reader.get(path, **params)
    second = reader.get(path, **params, fingerprint=first["meta"]["fingerprint"])
    assert [r["value"] for p in (first, second) for r in p["data"]] == [
        str(n) for n in range(5, 30)
    ]
    assert "fingerprint" not in second["meta"]
    assert "blockNumber" not in first["data"][0]
    inside = reader.get(f"/v1/accounts/{b}/transactions")["data"]
    assert inside[0]["data"]["call_value"] == {"_": 5}
    signed = reader.get(f"/v1/accounts/{a}/transactions")["data"]
    assert signed[0]["ret"][0] == {"contractRet": "SUCCESS", "fee": 345_000}
    too_many = http.get(reader.url + path, params={"limit": 201}, timeout=10)
    assert (too_many.status_code, too_many.content) == (400, b"")


def test_trongrid_node_calls(explorer: Explorer, http: requests.Session) -> None:
    """The newest block, the solid one 19 below, and a transaction by id or {}."""
    ledger = AccountLedger(tron=True, first_height=80_000_000, block_time=3)
    for n in range(30):
        ledger.mine([Tx(f"{n:064x}", tron_address(1), tron_address(2), n)])
    explorer.add("tron", ledger, "trongrid")
    url = explorer.url("tron", "trongrid")

    def post(path: str, body: Any = None) -> Any:
        return http.post(url + path, json=body or {}, timeout=10).json()

    head = post("/wallet/getnowblock")
    assert head["block_header"]["raw_data"]["number"] == 80_000_029
    assert int(head["blockID"][:16], 16) == 80_000_029
    solid = post("/walletsolidity/getnowblock")
    assert solid["block_header"]["raw_data"]["number"] == 80_000_010
    info = post("/wallet/gettransactioninfobyid", {"value": f"{29:064x}"})
    assert info["blockNumber"] == 80_000_029
    assert post("/walletsolidity/gettransactioninfobyid", {"value": f"{29:064x}"}) == {}


def test_knobs_misbehave_on_purpose(explorer: Explorer, http: requests.Session) -> None:
    """Failing, refusing and hiding can be set while it runs, and every call is counted."""
    explorer.add("local", busy(3), "etherscan", chain_id=CHAIN_ID)
    reader = Reader(http, explorer.url("local", "etherscan"))
    knobs = explorer.knobs("local", "etherscan")
    query = {"chainid": CHAIN_ID, "module": "account", "action": "txlist", "address": ALICE}

    def status() -> int:
        return http.get(reader.url, params=query, timeout=10).status_code

    knobs.fail_next = 2
    assert [status(), status(), status()] == [500, 500, 200]
    knobs.limited = 429
    assert status() == 429
    knobs.limited = 200
    assert "rate limit" in reader.etherscan("txlist", ALICE)["result"]
    knobs.limited = 0
    knobs.hidden.add(("native", name(1)))
    assert [r["hash"] for r in reader.etherscan("txlist", ALICE)["result"]] == [name(0), name(2)]
    assert explorer.calls["local", "etherscan", "txlist"] == 6


def test_ledger_reorg_moves_rows(explorer: Explorer) -> None:
    """Replaced blocks take their rows with them; the new ones have other names."""
    ledger = busy(9)
    old = ledger.head
    gone = ledger.reorg(1, [[payment(77)]])
    assert [block.hash for block in gone] == [old.hash]
    assert ledger.head.height == old.height
    assert ledger.head.time == old.time
    assert ledger.head.hash != old.hash
    assert [r.tx.hash for r in ledger.records("native", ALICE, old.height)] == [name(77)]
    assert ledger.find(name(8)) is None


def moving(tron: bool) -> tuple[AccountLedger, str, str]:
    """A holder of coins and of a token, whose list of tokens does not hold all that moved."""
    one, other = (tron_address(1), tron_address(2)) if tron else (ALICE, BOB)
    token = tron_address(3) if tron else COIN
    ledger = AccountLedger(tron=tron)
    prefix = "" if tron else "0x"
    moves = (TokenMove("ERC-20", token, other, one, 700),)
    ledger.mine([Tx(f"{prefix}{1:064x}", other, one, 10**18, tokens=moves)])
    ledger.mine([Tx(f"{prefix}{2:064x}", one, other, 5, gas_price=1)])
    act = (Act("DestroyedBlackFunds", token, one, 40),)
    ledger.mine([Tx(f"{prefix}{3:064x}", other, token, input="0xab", acts=act)])
    ledger.vanish(one, 60, token)
    return ledger, one, token


def test_balances_hold_what_no_list_says() -> None:
    ledger, one, token = moving(tron=False)
    coins = 10**18 - 5 - 21000
    assert [ledger.balance(one, token, height) for height in range(4)] == [700, 700, 660, 600]
    assert [ledger.balance(one, None, height) for height in range(2)] == [10**18, coins]
    ledger.mine(withdrawals=[Withdrawal(7, 1, one, 3 * 10**9)])
    ledger.vanish(one, -11)
    assert ledger.balance(one) == coins + 3 * 10**9 + 11
    ledger.rollback(2)
    assert ledger.balance(one) == coins
    ledger.rollback(2)
    assert ledger.balance(one, token) == 700


def test_every_style_tells_balances(explorer: Explorer, http: requests.Session) -> None:
    ledger, one, token = moving(tron=False)
    explorer.add("local", ledger, "etherscan", "blockscout", chain_id=CHAIN_ID)
    coins, tokens = str(ledger.balance(one)), str(ledger.balance(one, token))
    reader = Reader(http, explorer.url("local", "etherscan"))
    assert reader.etherscan("balance", one)["result"] == coins
    assert reader.etherscan("tokenbalance", one, contractaddress=token)["result"] == tokens
    several = reader.etherscan("balancemulti", f"{one},{CAROL}")["result"]
    assert [each["balance"] for each in several] == [coins, "0"]
    scout = Reader(http, explorer.url("local", "blockscout"))
    told = scout.get(f"/api/v2/addresses/{one}")
    assert (told["coin_balance"], told["block_number_balance_updated_at"]) == (coins, 3)
    assert scout.get(f"/api/v2/addresses/{CAROL}") == {"message": "Not found"}
    asked = {"to": token, "data": "0x70a08231" + "0" * 24 + one[2:]}
    call = {"id": 1, "method": "eth_call", "params": [asked, "0x2"]}
    answer = http.post(scout.url + "/json-rpc", json=call, timeout=10).json()
    assert int(answer["result"], 16) == ledger.balance(one, token, 2)


def test_trongrid_tells_balances(explorer: Explorer, http: requests.Session) -> None:
    ledger, one, token = moving(tron=True)
    explorer.add("tron", ledger, "trongrid")
    reader = Reader(http, explorer.url("tron", "trongrid"))
    account, none = (
        http.post(f"{reader.url}/wallet/getaccount", json={"address": a}, timeout=10).json()
        for a in (one, tron_address(9))
    )
    assert account["balance"] == ledger.balance(one) > 0
    assert none == {}
    asked = {
        "owner_address": hex41(one),
        "contract_address": hex41(token),
        "function_selector": "balanceOf(address)",
        "parameter": "0" * 24 + hex41(one)[2:],
    }
    url = reader.url + "/wallet/triggerconstantcontract"
    (said,) = http.post(url, json=asked, timeout=10).json()["constant_result"]
    assert int(said, 16) == 600


@pytest.mark.parametrize("style", ["esplora", "blockbook"])
def test_outputs_make_balances(explorer: Explorer, http: requests.Session, style: str) -> None:
    """What waits in the mempool is in none."""
    ledger = UtxoLedger()
    paid = UtxoTx("1" * 64, (Input("0" * 64, 0, None),), (Output("one", 90), Output("two", 8)))
    ledger.mine([paid])
    spent = (Input("1" * 64, 0, Output("one", 90)),)
    ledger.mine([UtxoTx("2" * 64, spent, (Output("two", 50), Output("one", 39)))])
    ledger.submit(UtxoTx("3" * 64, (Input("1" * 64, 1, Output("two", 8)),), (Output("one", 8),)))
    explorer.add("coins", ledger, style)
    reader = Reader(http, explorer.url("coins", style))

    def told(address: str) -> int:
        path = f"/address/{address}" if style == "esplora" else f"/api/v2/address/{address}"
        answer = reader.get(path)
        if style == "blockbook":
            return int(answer["balance"])
        stats = answer["chain_stats"]
        return int(stats["funded_txo_sum"]) - int(stats["spent_txo_sum"])

    assert [told("one"), told("two"), told("none")] == [39, 58, 0]
    explorer.knobs("coins", style).lag["head"] = 1
    assert [told("one"), told("two")] == [90, 8]


def test_knobs_of_balances(explorer: Explorer, http: requests.Session) -> None:
    """Lists may hide and be late while the balance is true, and a balance may be false."""
    ledger, one, _ = moving(tron=False)
    explorer.add("local", ledger, "etherscan", chain_id=CHAIN_ID)
    reader = Reader(http, explorer.url("local", "etherscan"))
    knobs, true = explorer.knobs("local", "etherscan"), ledger.balance(one)

    def told() -> int:
        return int(reader.etherscan("balance", one)["result"])

    knobs.hidden.add(("erc20", name(1), 0))
    knobs.lag["native"] = 3
    assert reader.etherscan("tokentx", one)["result"] == []
    assert len(reader.etherscan("txlist", one)["result"]) == 1
    assert told() == true
    knobs.lag["balance"] = 3
    assert told() == 10**18
    del knobs.lag["balance"]
    knobs.false_balance[one, ""], knobs.false_answers = -5, 1
    assert [told(), told()] == [true - 5, true]
    knobs.false_answers = None
    assert [told(), told()] == [true - 5, true - 5]


def test_withdrawals_are_listed(explorer: Explorer, http: requests.Session) -> None:
    """By Etherscan in gwei, by Blockscout in wei, and in the header."""
    ledger = busy(2)
    ledger.mine(withdrawals=[Withdrawal(7, 583, ALICE, 32 * ETHER), Withdrawal(8, 1, BOB, ETHER)])
    explorer.add("local", ledger, "etherscan", "blockscout", chain_id=CHAIN_ID)
    reader = Reader(http, explorer.url("local", "etherscan"))
    (row,) = reader.etherscan_all("txsBeaconWithdrawal", ALICE, 70)
    assert (row["withdrawalIndex"], row["amount"], row["blockNumber"]) == (
        "7",
        "32000000000",
        "101",
    )
    scout = Reader(http, explorer.url("local", "blockscout"))
    (item,) = scout.blockscout_all(ALICE, "withdrawals")
    assert (item["index"], item["amount"], item["block_number"]) == (7, str(32 * ETHER), 101)
    call = {"id": 1, "method": "eth_getBlockByNumber", "params": ["latest", False]}
    block = http.post(scout.url + "/json-rpc", json=call, timeout=10).json()["result"]
    assert [int(w["amount"], 16) for w in block["withdrawals"]] == [32 * 10**9, 10**9]
