"""What it costs to hold addresses against their chains: calls of each kind of source, beside what
`fundwatch check` says of them. The second round finds all recorded and equal.

python benchmarks/balances.py [--addresses 1000] [--rows 4] [--json FILE]

The node is an anvil (FUNDWATCH_ANVIL names it, else PATH); without one it is left out.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import Measured, Usage, addresses, arguments, explorer, home, measured, show, start

if TYPE_CHECKING:
    from monitor.app.fundwatch import Fundwatch

STYLES = ("etherscan", "blockscout", "esplora")
DAY = 86_400


# -- what is done in the measured process -------------------------------------------------


def read(app: Fundwatch) -> int:
    """The first pass: all movements are recorded."""
    return app.poll(everything=True).new_rows


def hold(app: Fundwatch) -> tuple[Usage, Usage, dict[str, int]]:
    """(before, after, how many assets stand how) of one round over all addresses."""
    from monitor.loops.balance_rounds import Wish
    from monitor.store import balances

    before = Usage.now()
    subjects = app.balancing.carry_out(Wish())
    after = Usage.now()
    found = balances.of_subjects(app.store, subjects)
    return before, after, Counter(h.state.value for mine in found.values() for h in mine)


def foretold(app: Fundwatch) -> int:
    """Calls of a round by the arithmetic of `fundwatch check`."""
    from monitor.decide.balance_cost import cost_of_balances
    from monitor.store import balance_due, watch

    asked: dict[str, list[Any]] = {}
    for subject, mine in balance_due.holdings(app.store, watch.listed_subjects(app.store)).items():
        asked.setdefault(subject.chain, []).extend(mine)
    sources = {chain: app.pools[chain].sources for chain in asked}
    return sum(cost_of_balances(asked, sources, app.settings.sources, {}).calls.values())


# -- a node whose calls are counted -------------------------------------------------------


class Counted:
    """Hands requests on to a node, and counts them."""

    def __init__(self, node: str) -> None:
        self.node, self.calls = node, 0

    def ask(self, body: bytes) -> bytes:
        self.calls += 1
        head = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.node, body, head)) as answer:
            return bytes(answer.read())

    def rpc(self, method: str, *params: object) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return json.loads(self.ask(json.dumps(body).encode()))["result"]


@contextmanager
def anvil() -> Iterator[Counted | None]:
    """A node of our own; None where there is no anvil."""
    name = os.environ.get("FUNDWATCH_ANVIL") or shutil.which("anvil")
    if not name:
        yield None
        return
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    began = int(time.time()) - DAY
    command = [name, "--port", str(port), "--silent", "--timestamp", str(began)]
    process = subprocess.Popen([*command, "--preserve-historical-states"])
    counted = Counted(f"http://127.0.0.1:{port}")
    try:
        for _ in range(200):
            try:
                counted.rpc("eth_chainId")
                break
            except OSError:
                time.sleep(0.05)
        yield counted
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def served(node: Counted) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = node.ask(self.rfile.read(int(self.headers["Content-Length"])))
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


def paid(node: Counted, watched: Sequence[str]) -> None:
    """Each address is paid coins, in one block, which is final."""
    payer = node.rpc("eth_accounts")[0]
    node.rpc("evm_setAutomine", False)
    for address in watched:
        node.rpc("eth_sendTransaction", {"from": payer, "to": address, "value": hex(10**15)})
    while (
        int(node.rpc("eth_getBlockByNumber", "latest", False)["number"], 16) < 1
        or node.rpc("txpool_status")["pending"] != "0x0"
    ):
        node.rpc("evm_mine")
    node.rpc("anvil_mine", hex(100))


# -- measuring ----------------------------------------------------------------------------


def row(style: str, which: str, count: int, calls: int, said: tuple[Any, ...]) -> dict[str, Any]:
    before, after, states = said
    return {
        "source": style,
        "round": which,
        "addresses": count,
        "assets": sum(states.values()),
        "calls": calls,
        "an entry": round(calls / count, 3),
        "wall s": round(after.wall - before.wall, 2),
        "CPU s": round(after.cpu - before.cpu, 2),
        **dict(states),
    }


def rounds(process: Measured, style: str, count: int, take: Any) -> list[dict[str, Any]]:
    process.do(start)
    process.do(read)
    take()
    found = []
    for which in ("first", "second"):
        said = process.do(hold)
        found.append(row(style, which, count, take(), said))
    found[-1]["by check"] = process.do(foretold)
    return found


def of_explorer(style: str, count: int, rows: int) -> list[dict[str, Any]]:
    watched = addresses(style, count)
    with (
        explorer(style, watched, rows) as other,
        home(style, other.url, watched) as folder,
        measured(folder) as process,
    ):
        return rounds(process, style, count, lambda: sum(other.take_calls().values()))


def of_node(count: int) -> list[dict[str, Any]]:
    watched = addresses("etherscan", count)
    with anvil() as node:
        if node is None:
            return []
        paid(node, watched)
        with served(node) as url, tempfile.TemporaryDirectory(prefix="fundwatch-bench-") as name:
            from first_contact import write_home

            write_home(Path(name), url, watched)

            def take() -> int:
                calls, node.calls = node.calls, 0
                return calls

            with measured(Path(name)) as process:
                return rounds(process, "evm_rpc", count, take)


def main() -> None:
    args = arguments(__doc__ or "", addresses=1000, rows=4).parse_args()
    found = [each for s in STYLES for each in of_explorer(s, args.addresses, args.rows)]
    show([*found, *of_node(args.addresses)], args.json)


if __name__ == "__main__":
    main()
