"""What the benchmarks share: small chains, the explorer in a process of its own, a measured
process with the daemon's parts, and how figures are shown. Linux only (/proc).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import multiprocessing
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from monitor.app.fundwatch import Fundwatch

CHAINS = {
    "etherscan": "dev",
    "blockscout": "dev",
    "esplora": "bitcoin",
}  # style -> the chain that is served
# A process is started anew, so that what it measures is not the memory of its parent.
_FRESH = multiprocessing.get_context("spawn")


# -- usage -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """Of this process: seconds of wall clock and CPU (all threads), memory in MiB."""

    wall: float
    cpu: float
    rss: float
    peak: float

    @classmethod
    def now(cls) -> Usage:
        memory = _memory()
        return cls(time.perf_counter(), time.process_time(), memory["VmRSS"], memory["VmHWM"])


def _memory() -> dict[str, float]:
    """VmRSS and VmHWM; getrusage would count what the parent held before the start."""
    lines = Path("/proc/self/status").read_text("ascii", errors="replace").splitlines()
    pairs = (line.split(":", 1) for line in lines if line.startswith(("VmRSS", "VmHWM")))
    return {name: int(value.split()[0]) / 1024 for name, value in pairs}


# -- chains ------------------------------------------------------------------------------


def evm_address(name: str) -> str:
    return "0x" + hashlib.sha256(name.encode()).hexdigest()[:40]


def bitcoin_address(name: str) -> str:
    import base58

    return base58.b58encode_check(b"\x00" + hashlib.sha256(name.encode()).digest()[:20]).decode()


def addresses(style: str, count: int) -> list[str]:
    make = bitcoin_address if style == "esplora" else evm_address
    return [make(f"watched {n}") for n in range(count)]


def tx_hash(*parts: object) -> str:
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


def ledger(style: str, watched: Sequence[str], rows: int) -> Any:
    """A chain on which every watched address has `rows` movements, oldest first, all of
    them final, and whose newest block is of now."""
    return (_utxo_ledger if style == "esplora" else _evm_ledger)(watched, rows)


def _evm_ledger(watched: Sequence[str], rows: int) -> Any:
    from monitor.demo.world.ledger import AccountLedger, TokenName

    blocks = rows + 60
    made = AccountLedger(time=int(time.time()) - 12 * blocks, first_height=1_000_000)
    made.tokens[evm_address("token")] = TokenName("USDX", "Dollar", 6)
    for number in range(rows):
        made.mine(_evm_tx(address, number) for address in watched)
    for _ in range(blocks - rows):
        made.mine()
    return made


def _evm_tx(address: str, number: int) -> Any:
    """In turn: coins in, coins out (with a fee), tokens in, coins by a contract."""
    from monitor.demo.world.moves import Internal, TokenMove, Tx

    other, token = evm_address(f"stranger {number % 7}"), evm_address("token")
    name = "0x" + tx_hash("evm", address, number)
    match number % 4:
        case 0:
            return Tx(name, other, address, 10**18 + number)
        case 1:
            return Tx(name, address, other, 10**17 + number)
        case 2:
            move = TokenMove("ERC-20", token, other, address, 10**6 + number, number)
            return Tx(name, other, token, input="0xa9059cbb", tokens=(move,))
        case _:
            call = Internal(token, address, 10**16 + number)
            return Tx(name, other, token, input="0xa9059cbb", internals=(call,))


def storm(address: str, payments: int) -> Iterator[Any]:
    """Payments of coins to one address, each by a transaction of its own."""
    from monitor.demo.world.moves import Tx

    for number in range(payments):
        payer = evm_address(f"payer {number}")
        yield Tx("0x" + tx_hash("storm", payments, number), payer, address, 10**15 + number)


def _utxo_ledger(watched: Sequence[str], rows: int) -> Any:
    from monitor.demo.story import BITCOIN_GENESIS
    from monitor.demo.world.ledger import UtxoLedger

    blocks = rows + 20
    made = UtxoLedger(time=int(time.time()) - 600 * blocks, first_height=800_000)
    made.genesis = BITCOIN_GENESIS
    for number in range(rows):
        made.mine(_utxo_tx(address, number) for address in watched)
    for _ in range(blocks - rows):
        made.mine()
    return made


def _utxo_tx(address: str, number: int) -> Any:
    from monitor.demo.world.moves import Input, Output, UtxoTx

    other = bitcoin_address(f"stranger {number % 7}")
    payer, payee = (other, address) if number % 2 == 0 else (address, other)
    spent = Input(tx_hash("coin", address, number), 0, Output(payer, 10**8 + 500))
    paid = (Output(payee, 6 * 10**7 + 500), Output(payer, 4 * 10**7))
    return UtxoTx(tx_hash("utxo", address, number), (spent,), paid)


# -- the explorer, in a process of its own -----------------------------------------------


class Explorer:
    """The local explorer over one ledger, in another process."""

    def __init__(self, pipe: Connection, url: str) -> None:
        self._pipe, self.url = pipe, url

    def mine(self, blocks: int) -> None:
        self._ask("mine", blocks)

    def storm(self, payments: int) -> None:
        """Mine a block in which so many strangers pay the first watched address."""
        self._ask("storm", payments)

    def take_calls(self) -> Counter[str]:
        """Calls by endpoint since the last time."""
        return Counter(self._ask("calls", 0))

    def _ask(self, what: str, number: int) -> Any:
        self._pipe.send((what, number))
        return self._pipe.recv()


@contextmanager
def explorer(style: str, watched: Sequence[str], rows: int) -> Iterator[Explorer]:
    """Serve a fresh ledger (see `ledger`) for as long as the block lasts."""
    here, there = _FRESH.Pipe()
    process = _FRESH.Process(target=_serve, args=(there, style, watched, rows), daemon=True)
    process.start()
    try:
        yield Explorer(here, here.recv())
    finally:
        here.send(("stop", 0))
        process.join(30)


def _serve(pipe: Connection, style: str, watched: Sequence[str], rows: int) -> None:
    from monitor.demo.world import explorer as local

    chain = CHAINS[style]
    made = ledger(style, watched, rows)
    with local.Explorer() as running:
        running.add(chain, made, style, chain_id=31337)
        pipe.send(running.url(chain, style))
        while (asked := pipe.recv())[0] != "stop":
            if asked[0] == "mine":
                for _ in range(asked[1]):
                    made.mine()
                pipe.send(None)
            elif asked[0] == "storm":
                made.mine(storm(watched[0], asked[1]))
                pipe.send(None)
            else:
                pipe.send({name: n for (_, _, name), n in running.calls.items()})
                running.forget_calls()


# -- the daemon's parts, in a process of their own ----------------------------------------


def write_home(home: Path, style: str, url: str, watched: Sequence[str], busy: bool) -> None:
    """Settings of a home folder with one source and these addresses."""
    chain = CHAINS[style]
    own: dict[str, object] = {"sources": ["mine"], "read": "addresses"}
    if chain == "dev":
        own |= {"family": "evm", "chain_id": 31337, "finality": 12}
        own |= {"native": {"symbol": "ETH", "decimals": 18}}
    source = {"kind": style, "url": url, "rate_per_second": 100_000}
    rows = [
        {"address": address, "chain": chain, "label": f"watched {n}"}
        | ({"busy": "yes"} if busy else {})
        for n, address in enumerate(watched)
    ]
    files = {
        "config/chains.yaml": {"chains": {chain: own}},
        "config/sources.yaml": {"sources": {"mine": source}},
        "watchlist.yaml": {"addresses": rows},
    }
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(json.dumps(content), "utf-8")


@contextmanager
def home(style: str, url: str, watched: Sequence[str], *, busy: bool = False) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fundwatch-bench-") as name:
        write_home(Path(name), style, url, watched, busy)
        yield Path(name)


class Measured:
    """A process that holds a home folder open and does one step at a time."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def do(self, step: Callable[..., Any], *args: object) -> Any:
        """Run `step(desk, *args)` there; a function of a module, so that it can be named."""
        self._pipe.send((step, args))
        answer = self._pipe.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer


@contextmanager
def measured(folder: Path) -> Iterator[Measured]:
    here, there = _FRESH.Pipe()
    process = _FRESH.Process(target=_hold, args=(there, folder), daemon=True)
    process.start()
    try:
        yield Measured(here)
    finally:
        here.send(None)
        process.join(30)


def _hold(pipe: Connection, folder: Path) -> None:
    from monitor.app.home import open_home

    logging.getLogger("fundwatch").setLevel(logging.ERROR)
    with open_home(folder, {}) as app:
        while (asked := pipe.recv()) is not None:
            step, args = asked
            try:
                pipe.send(step(app, *args))
            except Exception as error:  # noqa: BLE001 - shown by the process that asked
                pipe.send(error)


def start(app: Fundwatch) -> Usage:
    """Take the watchlist, as the daemon does once."""
    app.reload()
    return Usage.now()


def alone(step: Callable[..., Any], *args: object) -> Any:
    """What a function of a module comes to in a process of its own."""
    with _FRESH.Pool(1) as pool:
        return pool.apply(step, args)


# -- showing -----------------------------------------------------------------------------


def arguments(about: str, **defaults: int) -> argparse.ArgumentParser:
    """A parser with whole-number options and --json FILE."""
    parser = argparse.ArgumentParser(description=about)
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    return parser


def show(figures: Sequence[Mapping[str, object]], target: Path | None) -> None:
    """Print figures as a table and, below it or into a file, as JSON."""
    names = list(dict.fromkeys(name for row in figures for name in row))
    table = [names, *([_cell(row.get(name)) for name in names] for row in figures)]
    widths = [max(len(line[n]) for line in table) for n in range(len(names))]
    for line in table:
        print("  ".join(map(str.rjust, line, widths)))
    told = json.dumps({"machine": machine(), "figures": list(figures)}, indent=1)
    if target is None:
        print(told)
    else:
        target.write_text(told + "\n", "utf-8")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value if value is not None else "")


def machine() -> dict[str, str]:
    return {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}


def median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 6)
