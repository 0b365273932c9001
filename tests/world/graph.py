"""A graph of real flows (../shared/tracing/graphs) as a chain behind the local explorer: the USD of
each flow are a token that is worth a dollar. What an address lacks to pay comes to it before, from
nowhere, and is clean: the graphs hold illicit flows alone. Each address also gets what strangers
send: dust, counterfeit tokens, payments of nothing that name it as payer."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitor.demo.world.ledger import AccountLedger
from monitor.demo.world.moves import TokenMove, Tx

USD = "0x" + "11" * 20
FAKE = "0x" + "99" * 20
STRANGER = "0x" + "5a" * 20
BAIT = "0x" + "ba" * 20
UNIT = 100  # the token has two decimals, as the graphs do


@dataclass(frozen=True, slots=True)
class Flow:
    time: int
    tx: int
    sender: str
    recipient: str
    units: int


@dataclass(frozen=True, slots=True)
class Graph:
    flows: tuple[Flow, ...]
    sources: frozenset[str]
    ends: dict[str, str]  # address -> exchange | mixer | bridge

    def reach(self) -> tuple[set[str], int]:
        """Who can get anything of the sources in order of time, and how much of it comes to the
        ends: each flow whole once its sender has received."""
        reached, units = set(self.sources), 0
        for flow in self.flows:
            if flow.sender in reached and flow.sender not in self.ends:
                reached.add(flow.recipient)
                units += flow.units if flow.recipient in self.ends else 0
        return reached, units


def read(folder: Path, name: str) -> Graph:
    with (folder / f"{name}.ends.tsv").open() as file:
        ends = list(csv.DictReader(file, delimiter="\t"))
    with (folder / f"{name}.flows.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    flows = [
        Flow(
            int(datetime.fromisoformat(row["time"]).timestamp()),
            *(int(row["tx"]), row["from"], row["to"]),
            round(float(row["usd"]) * UNIT),
        )
        for row in rows
    ]
    sources = frozenset(e["address"] for e in ends if e["role"] == "source")
    terminal = {e["address"]: e["kind"] for e in ends if e["role"] == "terminal"}
    return Graph(tuple(_in_order(flows)), sources, terminal)


def _in_order(flows: list[Flow]) -> list[Flow]:
    """Of one moment, what pays an address comes before what it spends, as far as that goes."""
    by_time: dict[int, list[Flow]] = defaultdict(list)
    for flow in flows:
        by_time[flow.time].append(flow)
    found: list[Flow] = []
    for time in sorted(by_time):
        left = by_time[time]
        while left:
            payees = {flow.recipient for flow in left}
            ready = [flow for flow in left if flow.sender not in payees] or left[:1]
            found += ready
            left = [flow for flow in left if flow not in ready]
    return found


def ledger_of(graph: Graph) -> AccountLedger:
    first = graph.flows[0].time
    ledger = AccountLedger(time=first - 10_000)
    ledger.mine(_clean(graph), first - 5_000)
    ledger.mine(_noise(graph), first - 4_000)
    by_time: dict[int, list[Flow]] = defaultdict(list)
    for flow in graph.flows:
        by_time[flow.time].append(flow)
    for time in sorted(by_time):
        ledger.mine([_paid(n, flow) for n, flow in enumerate(by_time[time])], time)
    last = max(by_time)
    ledger.mine(_noise(graph, "after"), last + 60)
    for n in range(30):
        ledger.mine((), last + 100 + 12 * n)
    return ledger


def _clean(graph: Graph) -> list[Tx]:
    """What addresses lack at their worst moment, less what they have got."""
    balance: dict[str, int] = defaultdict(int)
    lowest: dict[str, int] = defaultdict(int)
    for flow in graph.flows:
        balance[flow.sender] -= flow.units
        lowest[flow.sender] = min(lowest[flow.sender], balance[flow.sender])
        balance[flow.recipient] += flow.units
    lacking = [(a, -low) for a, low in sorted(lowest.items()) if low and a not in graph.sources]
    return [_tx(f"clean {a}", STRANGER, USD, STRANGER, a, units) for a, units in lacking]


def _noise(graph: Graph, when: str = "before") -> list[Tx]:
    found = []
    for address in sorted({f.recipient for f in graph.flows} - graph.ends.keys()):
        found.append(_tx(f"dust {when} {address}", STRANGER, USD, STRANGER, address, 1))
        found.append(_tx(f"fake {when} {address}", STRANGER, FAKE, STRANGER, address, 10**9))
        found.append(_tx(f"bait {when} {address}", STRANGER, USD, address, BAIT, 0))
        found.append(_tx(f"forged {when} {address}", STRANGER, FAKE, address, BAIT, 10**9))
    return found


def _paid(number: int, flow: Flow) -> Tx:
    name = f"flow {flow.time} {number} {flow.sender} {flow.recipient}"
    return _tx(name, flow.sender, USD, flow.sender, flow.recipient, flow.units)


def _tx(name: str, signer: str, token: str, sender: str, recipient: str, units: int) -> Tx:
    digest = "0x" + hashlib.sha256(name.encode()).hexdigest()
    move = TokenMove("ERC-20", token, sender, recipient, units, log_index=0)
    return Tx(digest, signer, token, 0, nonce=0, tokens=(move,))
