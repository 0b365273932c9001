"""The worked cases of attribution: every method, every movement, to the fraction. The file is not
ours to pass on: it lies in ../shared beside the repository."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest
from world.parts import SHARED

from monitor.analysis.attribution.replay import EXACT, Replay, Result
from monitor.model.flow import (
    FEES,
    METHODS,
    Account,
    Flow,
    Ground,
    Moved,
    Outcome,
    Shares,
    Spent,
    Traced,
    Turned,
)

FILE = SHARED / "tracing" / "vectors.json"
VECTORS: list[dict[str, Any]] = (
    json.loads(FILE.read_text("utf-8"))["vectors"] if FILE.is_file() else []
)
CHAIN = "testnet"
# The UTXO forms of our columns. `tiho` is no column of ours: see `tiho` below.
UTXO = {"tainted_first": "tifo", "libr": "cifo"} | {m: m for m in ("poison", "haircut", "fifo")}
UTXO["lifo"] = "lifo"

needs_vectors = pytest.mark.skipif(not VECTORS, reason="../shared/tracing is not here")
by_account = [pytest.param(v, id=v["id"]) for v in VECTORS if v["model"] == "account"]
by_output = [pytest.param(v, id=v["id"]) for v in VECTORS if v["model"] == "utxo"]


def account(name: str, asset: str | None = None) -> Account:
    """ "A/USDC", or "A" and an asset."""
    holder, _, inside = name.partition("/")
    return Account(CHAIN, holder, asset or inside)


def parts(shares: Shares) -> dict[str, Fraction]:
    return {label: Fraction(part.amount) for label, part in shares.items()}


def expected(figure: str | Mapping[str, str], source: str) -> dict[str, Fraction]:
    """A bare figure is of the only source."""
    figures = {source: figure} if isinstance(figure, str) else figure
    return {label: Fraction(of) for label, of in figures.items() if Fraction(of)}


# --- accounts ---------------------------------------------------------------------------------


@dataclass
class Case:
    flows: list[Flow]
    ground: Ground
    result: Result

    def carried(self, seq: str, method: str) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
        """What of a movement left the giver, and what came to the taker."""
        at = next(at for at, flow in enumerate(self.flows) if flow.id == seq)
        outcome = self.result.outcomes[at]
        if outcome is None:
            return {}, {}
        (got,) = outcome.got.values()
        return parts(outcome.taken[method]), parts(got[method])

    def left(self, name: str, method: str) -> dict[str, Fraction]:
        found: Traced = self.result.left.get(account(name), {})
        return parts(found.get(method, {}))


def in_order(vector: dict[str, Any]) -> list[dict[str, Any]]:
    """By place; of ties by the vector's own rule."""
    first = {"deposits_first": 0, "withdrawals_first": 1, None: 0}[vector.get("tie_rule")]

    def place(event: dict[str, Any]) -> tuple[int, int, int]:
        deposit = event.get("from") in vector["sources"]
        tie = (0 if deposit else 1) ^ first if "tie_rule" in vector else 0
        return event.get("ts", 0), tie, event["seq"]

    return sorted(vector["events"], key=place)


def flows_of(vector: dict[str, Any]) -> Iterator[Flow]:
    for event in in_order(vector):
        seq = str(event["seq"])
        if event.get("kind"):
            giver = account(event["account"], event["give_asset"])
            taker = account(event.get("recipient", event["account"]), event["get_asset"])
            yield Turned(seq, giver, event["give"], taker, event["get"])
            continue
        giver = account(event["from"], event.get("asset"))
        yield Moved(seq, giver, account(event["to"], event.get("asset")), event["amount"])
        if event.get("fee") and event["from"] not in vector["sources"]:
            yield Moved(seq + "/fee", giver, Account(CHAIN, FEES, ""), event["fee"])


def openings_of(vector: dict[str, Any]) -> dict[Account, int]:
    """One that is not known is worked out from the balance of today."""
    found = {}
    for name, known in vector["opening"].items():
        opening = known
        if known is None:
            into = sum(e["amount"] for e in vector["events"] if e["to"] == name)
            out = sum(e["amount"] + e.get("fee", 0) for e in vector["events"] if e["from"] == name)
            opening = vector["balance_now"][name] - into + out
            assert opening == vector["derived_opening"][name]
        found[account(name)] = opening
    return found


def case_of(vector: dict[str, Any]) -> Case:
    flows = list(flows_of(vector))
    assets = {a.asset for f in flows if isinstance(f, Moved) for a in (f.giver, f.taker)}
    sources = {account(name, asset): name for name in vector["sources"] for asset in assets}
    stops = frozenset(account(name) for name in vector.get("stops", {}))
    ground = Ground(sources, stops, openings_of(vector))
    return Case(flows, ground, Replay(EXACT).run(flows, ground))


@needs_vectors
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("vector", by_account)
def test_account(vector: dict[str, Any], method: str) -> None:
    case, source = case_of(vector), vector["sources"][0]
    wanted = vector["expected"][method]
    for seq, figure in wanted["event_taint"].items():
        sides = figure if "give" in figure else {"give": figure, "get": figure}
        given, got = case.carried(seq, method)
        assert given == expected(sides["give"], source), seq
        assert got == expected(sides["get"], source), seq
    for name, figure in wanted["taint_left"].items():
        assert case.left(name, method) == expected(figure, source), name
    assert not case.result.lacking


@needs_vectors
@pytest.mark.parametrize("known", [0, 10**9])
def test_opening_that_is_not_known(known: int) -> None:
    """A12 without today's balance: at both ends of what may have been there, its bounds."""
    vector = next(v for v in VECTORS if v["id"] == "A12")
    flows = list(flows_of(vector))
    ground = Ground({account("S"): "S"}, openings={account("A"): known})
    outcome = Replay(EXACT).run(flows, ground).outcomes[1]
    ((_, bounds),) = vector["bounds_without_balance_now"].items()
    for method in METHODS:
        low, high = (Fraction(bound.split()[0]) for bound in bounds[method])
        found = outcome.taken[method].get("S", (0,))[0] if outcome else 0
        assert float(found) == pytest.approx(float(low if known else high), abs=1e-4), method


# --- outputs ----------------------------------------------------------------------------------


def coin(name: str) -> Account:
    return Account(CHAIN, name, "")


def spends_of(vector: dict[str, Any], *, largest_first: bool = False) -> list[Flow]:
    held = {name: sum(lot[1] for lot in lots) for name, lots in vector["utxos"].items()}
    held |= {name: amount for tx in vector["txs"] for name, amount in tx["vout"]}
    flows: list[Flow] = []
    for tx in vector["txs"]:
        outputs = [(coin(name), amount) for name, amount in tx["vout"]]
        if largest_first:
            outputs.sort(key=lambda output: -output[1])
        inputs = tuple((coin(name), held[name]) for name in tx["vin"])
        flows.append(Spent(tx["txid"], inputs, tuple(outputs)))
    return flows


def came(vector: dict[str, Any], flows: list[Flow], method: str) -> dict[str, Fraction]:
    """What of every output is traced, and of all fees."""
    sources = {coin(name): "t" for name, lots in vector["utxos"].items() if lots[0][0] == "t"}
    assert all(len(lots) == 1 for lots in vector["utxos"].values())
    found: dict[str, Fraction] = {}
    outcomes: list[Outcome | None] = list(Replay(EXACT).run(flows, Ground(sources)).outcomes)
    for outcome in filter(None, outcomes):
        for output, traced in outcome.got.items():
            amount = parts(traced[method]).get("t", Fraction(0))
            found[output.holder] = found.get(output.holder, Fraction(0)) + amount
    return found


@needs_vectors
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("vector", by_output)
def test_output(vector: dict[str, Any], method: str) -> None:
    wanted = {name: Fraction(of) for name, of in vector["expected"][UTXO[method]].items()}
    assert came(vector, spends_of(vector), method) == wanted


@needs_vectors
@pytest.mark.parametrize("vector", by_output)
def test_tiho(vector: dict[str, Any]) -> None:
    """Traced first, to the largest outputs first: `tainted_first`, where they are in that order."""
    wanted = {name: Fraction(of) for name, of in vector["expected"]["tiho"].items()}
    assert came(vector, spends_of(vector, largest_first=True), "tainted_first") == wanted


@needs_vectors
def test_all_are_here() -> None:
    assert len(by_account) + len(by_output) == 21
