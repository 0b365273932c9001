"""What first contact and a quiet pass cost over a node that has token logs and nothing else:
commits of the record, calls of the node, seconds.

python benchmarks/first_contact.py [--addresses 1000] [--rows 3] [--json FILE]
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import Usage, addresses, arguments, evm_address, measured, show, start, tx_hash

if TYPE_CHECKING:
    from monitor.app.fundwatch import Fundwatch

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
GENESIS, SECONDS = 1_600_000_000, 12
MINED = 3  # blocks between two passes


def topic(address: str) -> str:
    return "0x" + address.removeprefix("0x").rjust(64, "0")


class Node:
    """Answers as a node whose every block of the first ones pays a token to each address."""

    def __init__(self, watched: Sequence[str], rows: int) -> None:
        self.height = rows + 200
        self.calls = 0
        self.logs = [
            self._log(10 + row, number, address)
            for row in range(rows)
            for number, address in enumerate(watched)
        ]

    def answer(self, method: str, params: Sequence[Any]) -> object:
        self.calls += 1
        match method:
            case "eth_chainId":
                return hex(31337)
            case "eth_blockNumber":
                return hex(self.height)
            case "eth_getBlockByNumber":
                named = params[0]
                return self._block({"latest": self.height, "finalized": self.height - 64}.get(
                    named, int(named, 16) if named.startswith("0x") else 0))  # fmt: skip
            case "eth_getLogs":
                return self._found(params[0])
        return None

    def _found(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        lo, hi = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        wanted = [
            None if each is None else {each} if isinstance(each, str) else set(each)
            for each in query["topics"]
        ]
        return [
            log
            for log in self.logs
            if lo <= int(log["blockNumber"], 16) <= hi
            and len(log["topics"]) >= len(wanted)
            and all(w is None or t in w for t, w in zip(log["topics"], wanted, strict=False))
        ]

    def _block(self, height: int) -> dict[str, str]:
        return {
            "number": hex(height),
            "hash": "0x" + tx_hash("block", height),
            "timestamp": hex(GENESIS + height * SECONDS),
        }

    def _log(self, height: int, number: int, address: str) -> dict[str, Any]:
        return {
            "address": evm_address("token"),
            "blockNumber": hex(height),
            "blockHash": "0x" + tx_hash("block", height),
            "blockTimestamp": hex(GENESIS + height * SECONDS),
            "transactionHash": "0x" + tx_hash(height, number),
            "transactionIndex": hex(number),
            "logIndex": hex(number),
            "topics": [TRANSFER, topic(evm_address("stranger")), topic(address)],
            "data": "0x" + f"{10**6 + number:064x}",
            "removed": False,
        }


@contextmanager
def served(node: Node) -> Iterator[str]:
    """The node's address, for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            result = node.answer(asked["method"], asked["params"])
            told = {"jsonrpc": "2.0", "id": asked["id"], "result": result}
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: standard error is for mistakes."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def write_home(home: Path, url: str, watched: Sequence[str]) -> None:
    """Settings of a home folder with the node as the only source of its chain."""
    chain: dict[str, object] = {"family": "evm", "chain_id": 31337, "finality": 12}
    chain |= {"sources": ["mine"], "read": "addresses"}  # blocks.py measures the other way
    chain |= {"native": {"symbol": "ETH", "decimals": 18}}
    source = {"kind": "evm_rpc", "url": url, "rate_per_second": 100_000}
    rows = [{"address": a, "chain": "dev", "label": f"w {n}"} for n, a in enumerate(watched)]
    files = {
        "config/chains.yaml": {"chains": {"dev": chain}},
        "config/sources.yaml": {"sources": {"mine": source}},
        "watchlist.yaml": {"addresses": rows},
    }
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(json.dumps(content), "utf-8")


def one_pass(app: Fundwatch) -> tuple[Usage, Usage, int, int]:
    """(before, after, new rows, commits) of a pass in which everything is due."""
    with app.store.write() as conn:
        conn.execute("UPDATE scope SET due = 0")
    for pool in app.pools.values():
        pool.forget_heads()
    seen: list[str] = []
    with app.store.write() as conn:
        conn.set_trace_callback(lambda sql: seen.append(sql) if sql == "COMMIT" else None)
    before = Usage.now()
    report = app.poll(everything=True)
    after = Usage.now()
    with app.store.write() as conn:
        conn.set_trace_callback(None)
    return before, after, report.new_rows, len(seen) - 2


def measure(count: int, rows: int) -> list[dict[str, object]]:
    watched = addresses("etherscan", count)
    node = Node(watched, rows)
    found: list[dict[str, object]] = []
    with (
        served(node) as url,
        tempfile.TemporaryDirectory(prefix="fundwatch-bench-") as name,
    ):
        write_home(Path(name), url, watched)
        with measured(Path(name)) as process:
            process.do(start)
            for which in ("first", "quiet"):
                node.calls = 0
                before, after, new, commits = process.do(one_pass)
                found.append(
                    {
                        "pass": which,
                        "addresses": count,
                        "new rows": new,
                        "commits": commits,
                        "calls": node.calls,
                        "wall s": round(after.wall - before.wall, 3),
                        "CPU s": round(after.cpu - before.cpu, 3),
                    }
                )
                node.height += MINED
    return found


def main() -> None:
    args = arguments(__doc__ or "", addresses=1000, rows=3).parse_args()
    few = measure(10, args.rows) if args.addresses > 10 else []
    show([*few, *measure(args.addresses, args.rows)], args.json)


if __name__ == "__main__":
    main()
