"""Real parts for the tests: an EVM node and a UTXO node, started on free ports.

Where a binary is missing the test is skipped, and the reason says how to install it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from monitor.demo.world.ledger import Block, UtxoLedger
from monitor.demo.world.moves import Input, Output, UtxoTx

REPO = Path(__file__).resolve().parents[2]
SHARED = REPO.parent / "shared"
ANVIL_INSTALL = "npm install --prefix .tools @foundry-rs/anvil@1.7.1"
LITECOIN_INSTALL = "apt-get install litecoind"
_PROMPT = 20.0  # seconds for a node to answer after its start


class RpcError(Exception):
    """The node refused a call; the text is the node's."""


class Rpc:
    """A JSON-RPC client for one node. One per thread."""

    def __init__(self, url: str, auth: tuple[str, str] | None = None) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.auth = auth

    def call(self, method: str, *params: Any) -> Any:
        return self.batch([(method, params)])[0]

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Results in the order of the calls; RpcError when any of them failed."""
        if not calls:
            return []
        sent = [
            {"jsonrpc": "2.0", "id": n, "method": method, "params": list(params)}
            for n, (method, params) in enumerate(calls)
        ]
        reply = self._session.post(self.url, json=sent, timeout=120).json()
        answers = sorted(reply if isinstance(reply, list) else [reply], key=lambda a: a["id"] or 0)
        for answer in answers:
            if answer.get("error"):
                raise RpcError(f"{calls[answer['id'] or 0][0]}: {answer['error']}")
        return [answer["result"] for answer in answers]

    def close(self) -> None:
        self._session.close()


def free_port() -> int:
    """A port to listen on in a moment. Not one that the system hands out by itself: it could
    be somebody else's by then."""
    while True:
        port = secrets.randbelow(12_000) + 20_000
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def find_anvil() -> str | None:
    """FUNDWATCH_ANVIL, then what `make test` put into .tools, then PATH."""
    bundled = sorted((REPO / ".tools/node_modules/@foundry-rs").glob("anvil-*/bin/anvil"))
    named = os.environ.get("FUNDWATCH_ANVIL")
    return named or (str(bundled[0]) if bundled else shutil.which("anvil"))


def find_litecoind() -> str | None:
    return os.environ.get("FUNDWATCH_LITECOIND") or shutil.which("litecoind")


@contextmanager
def anvil(*args: str, block_time: int | None = None, age: int = 86_400) -> Iterator[Rpc]:
    """An EVM node whose chain began `age` seconds ago. It mines by itself every
    `block_time` seconds, or only when told to (evm_mine)."""
    binary = find_anvil()
    if binary is None:
        pytest.skip(f"anvil is not installed: {ANVIL_INSTALL}")
    port = free_port()
    mining = ["--no-mining"] if block_time is None else ["--block-time", str(block_time)]
    command = [binary, "--host", "127.0.0.1", "--port", str(port), "-q", *mining]
    command += ["--timestamp", str(int(time.time()) - age), "--auto-impersonate"]
    command += ["--no-request-size-limit", "--order", "fifo", "--accounts", "1", *args]
    rpc = Rpc(f"http://127.0.0.1:{port}")
    with _running(command, rpc, "eth_blockNumber"):
        yield rpc


@contextmanager
def litecoind() -> Iterator[Rpc]:
    """A UTXO node on its own regtest chain, with a wallet that holds 101 rewards' worth."""
    binary = find_litecoind()
    if binary is None:
        pytest.skip(f"litecoind is not installed: {LITECOIN_INSTALL}")
    port, password = free_port(), secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="fundwatch-ltc-") as home:
        command = [binary, "-regtest", "-server", "-txindex=1", f"-datadir={home}"]
        command += ["-rpcuser=test", f"-rpcpassword={password}", f"-rpcport={port}"]
        command += ["-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-listen=0", "-dnsseed=0"]
        # Beyond height 431 mining fails once the extension block is active.
        command += ["-fallbackfee=0.0002", "-printtoconsole=0"]
        command += ["-vbparams=mweb:4000000000:4000000001"]
        rpc = Rpc(f"http://127.0.0.1:{port}/", ("test", password))
        with _running(command, rpc, "getblockcount"):
            rpc.call("createwallet", "test")
            rpc.call("generatetoaddress", 101, rpc.call("getnewaddress"))
            yield rpc


# The node ends when its keeper's standard input does: also when a test worker crashes.
_KEEPER = '"$@" & node=$!; read -r _; kill -9 $node; wait $node'


@contextmanager
def _running(command: list[str], rpc: Rpc, probe: str) -> Iterator[None]:
    # Not a pipe for its output: a node that waits for its reader to empty one would stop.
    with subprocess.Popen(
        ["/bin/sh", "-c", _KEEPER, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as keeper:
        try:
            _await(rpc, probe)
            yield
        finally:
            rpc.close()
            keeper.communicate(timeout=30)


def _await(rpc: Rpc, probe: str) -> None:
    deadline = time.monotonic() + _PROMPT
    while time.monotonic() < deadline:
        with suppress(requests.RequestException, RpcError, ValueError):
            rpc.call(probe)
            return
        time.sleep(0.02)
    pytest.fail(f"{probe} got no answer within {_PROMPT:.0f} s")


class LitecoinFeed:
    """Fills a UtxoLedger from litecoind; `sync` follows new blocks, reorgs, the mempool."""

    def __init__(self, rpc: Rpc, ledger: UtxoLedger) -> None:
        self._rpc = rpc
        self._ledger = ledger
        self._outputs: dict[str, tuple[Output, ...]] = {}

    def sync(self) -> None:
        ledger, rpc = self._ledger, self._rpc
        count = rpc.call("getblockcount")
        gone = 0
        while gone < len(ledger):
            known = ledger.block(ledger.head.height - gone)
            assert known is not None
            if known.height <= count and rpc.call("getblockhash", known.height) == known.hash:
                break
            gone += 1
        first = ledger.head.height - gone + 1 if len(ledger) else 0
        fresh = [self._block(height) for height in range(first, count + 1)]
        with ledger.lock:
            ledger.rollback(gone)
            for block in fresh:
                ledger.append(block)
            self._follow_mempool()

    def _block(self, height: int) -> Block[UtxoTx]:
        name = self._rpc.call("getblockhash", height)
        raw = self._rpc.call("getblock", name, 2)
        self._ledger.raws[name] = bytes.fromhex(self._rpc.call("getblock", name, 0))
        txs = tuple(self._tx(tx) for tx in raw["tx"])
        return Block(height, raw["hash"], raw.get("previousblockhash", ""), raw["time"], txs)

    def _follow_mempool(self) -> None:
        waiting = set(self._rpc.call("getrawmempool"))
        known = set(self._ledger.mempool)
        for txid in known - waiting:
            self._ledger.forget(txid)
        raws = [self._rpc.call("getrawtransaction", txid, True) for txid in waiting - known]
        while raws:  # a child may come before its parent
            ready = [r for r in raws if all(v["txid"] in self._outputs for v in r["vin"])]
            for raw in ready:
                self._ledger.submit(self._tx(raw))
            raws = [r for r in raws if r not in ready]

    def _tx(self, raw: dict[str, Any]) -> UtxoTx:
        outputs = tuple(_output(vout) for vout in raw["vout"])
        self._outputs[raw["txid"]] = outputs
        inputs = tuple(self._input(vin) for vin in raw["vin"])
        return UtxoTx(raw["txid"], inputs, outputs, raw["version"], raw["locktime"], raw["size"])

    def _input(self, vin: dict[str, Any]) -> Input:
        if "coinbase" in vin:
            return Input("0" * 64, 0xFFFFFFFF, None, vin["sequence"], vin["coinbase"])
        spent = self._outputs[vin["txid"]][vin["vout"]]
        return Input(vin["txid"], vin["vout"], spent, vin["sequence"])


def _output(vout: dict[str, Any]) -> Output:
    script = vout["scriptPubKey"]
    addresses = script.get("addresses", [])
    kinds = {"witness_v0_keyhash": "v0_p2wpkh", "scripthash": "p2sh", "nulldata": "op_return"}
    kind = kinds.get(script["type"], script["type"])
    value = round(vout["value"] * 100_000_000)
    return Output(addresses[0] if len(addresses) == 1 else None, value, script["hex"], kind)
