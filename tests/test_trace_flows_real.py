"""Two whole blocks of Ethereum, every transaction read as its signer's: what was exchanged, what
was passed on."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from world.trail import ETH, ZERO, Trail

from monitor.analysis.trace.flows import flows_of
from monitor.analysis.trace.steps import Step
from monitor.model import Asset, Kind, Transfer, account_leg
from monitor.model.trace import Anatomy

BLOCKS = Path(__file__).resolve().parents[2] / "shared/data/tx/eth/ethereum_etl_17173049_17173050"
WETH9 = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
DEPOSIT, WITHDRAWAL = "0xe1fffcc4", "0x7fcf532c"
MAINNET = replace(ETH, wrapped=WETH9)

pytestmark = pytest.mark.skipif(not BLOCKS.exists(), reason="../shared is absent")


def told(name: str) -> Iterator[Mapping[str, Any]]:
    with (BLOCKS / name).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def legs() -> dict[str, list[Transfer]]:
    """Token movements of everybody by transaction, wraps as the record has them."""
    found: dict[str, list[Transfer]] = defaultdict(list)
    ends_of = ("transaction_hash", "token_address", "from_address", "to_address")
    moves = [
        (*(t[name] for name in ends_of), int(t["value"]), t["log_index"])
        for t in told("expected_token_transfers.jsonl")
        if t["value"]
    ]
    for log in told("expected_logs.jsonl"):
        if log["address"] == WETH9 and log["topics"][0][:10] in (DEPOSIT, WITHDRAWAL):
            who = "0x" + log["topics"][1][-40:]
            ends = (ZERO, who) if log["topics"][0].startswith(DEPOSIT) else (who, ZERO)
            at = (int(log["data"], 16), log["log_index"])
            moves.append((log["transaction_hash"], WETH9, *ends, *at))
    for tx, contract, giver, taker, amount, log_index in moves:
        leg = account_leg(Kind.ERC20, contract, None, giver, taker, amount, log_index)
        where = ("ethereum", tx, leg, Kind.ERC20, giver, taker, amount, contract)
        found[tx].append(Transfer(*where, log_index=log_index))
    return found


def read(tx: Mapping[str, Any], moved: list[Transfer], tokens: set[str]) -> tuple[Step, ...]:
    signer = tx["from_address"]
    trail = Trail(sources=["none"], followed=[signer])
    if int(tx["value"]) and tx["receipt_status"] == 1:
        trail.move(tx["hash"], signer, tx["to_address"], int(tx["value"]))
    for leg in moved:
        if signer in leg.parties():
            more = {"contract": leg.contract, "log_index": leg.log_index}
            trail.move(tx["hash"], leg.sender, leg.recipient, leg.amount, **more)
    trail.anatomies["ethereum", tx["hash"]] = Anatomy("ethereum", tx["hash"], tuple(moved))
    known = replace(
        trail.known(),
        chains={"ethereum": MAINNET},
        assets={("ethereum", token): Asset("ethereum", token, token[:9], 18) for token in tokens},
    )
    return flows_of(known).steps


def exchanged(tx: Mapping[str, Any], moved: list[Transfer]) -> tuple[Any, ...] | None:
    """What the signer is left without and with, where that is one asset each."""
    signer = tx["from_address"]
    net = Counter({"": -int(tx["value"]) * (tx["receipt_status"] == 1)})
    for leg in moved:
        sign = (leg.recipient == signer) - (leg.sender == signer)
        net[leg.contract or ""] += sign * leg.amount
    gave = [(asset, -amount) for asset, amount in net.items() if amount < 0]
    got = [(asset, amount) for asset, amount in net.items() if amount > 0]
    return (*gave[0], *got[0]) if len(gave) == len(got) == 1 else None


def test_in_two_real_blocks_who_gave_one_asset_and_got_another_exchanged_them() -> None:
    moved = legs()
    tokens = {leg.contract or "" for each in moved.values() for leg in each}
    ways: Counter[str] = Counter()
    for tx in told("expected_transactions.jsonl"):
        steps = read(tx, moved[tx["hash"]], tokens)
        wanted = exchanged(tx, moved[tx["hash"]])
        turned = [step for step in steps if step.via]
        if wanted is not None:
            (step,) = turned
            found = (step.asset.contract, step.amount)
            assert step.got is not None
            assert (*found, step.got.contract, step.got_amount) == wanted
            assert step.recipient == step.sender
        ways.update([step.via for step in turned if step.via])
        ways["passed on"] += any("passed it on" in step.rule for step in steps)
    assert ways == {"swap": 42, "passed on": 1}
