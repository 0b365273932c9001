"""The benchmarks run, with numbers too small to measure anything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from world.home import ROOT
from world.parts import ANVIL_INSTALL, find_anvil

pytestmark = pytest.mark.slow


def figures(tmp_path: Path, script: str, *args: str) -> list[dict[str, Any]]:
    """What a benchmark wrote, run as a person runs it."""
    target = tmp_path / "figures.json"
    command = [sys.executable, f"benchmarks/{script}", *args, "--json", str(target)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(target.read_text("utf-8"))["figures"])


def test_pass_1000(tmp_path: Path) -> None:
    """A pass over three addresses: both styles, first and quiet, every row read once."""
    profile = tmp_path / "profile.txt"
    small = ("--addresses", "3", "--rows", "4", "--passes", "1")
    found = figures(tmp_path, "pass_1000.py", *small, "--profile", str(profile))
    assert [(row["style"], row["pass"], row["new rows"], row["errors"]) for row in found] == [
        ("etherscan", "first", 15, 0),  # four movements and one fee each
        ("etherscan", "quiet", 0, 0),
        ("esplora", "first", 36, 0),  # four transactions of three legs each
        ("esplora", "quiet", 0, 0),
    ]
    assert "run_pass" in profile.read_text("utf-8")


def test_first_contact(tmp_path: Path) -> None:
    """Over a node, for ten addresses and for twelve: as many commits, every row read once."""
    found = figures(tmp_path, "first_contact.py", "--addresses", "12", "--rows", "2")
    assert [(row["addresses"], row["pass"], row["new rows"]) for row in found] == [
        *((10, "first", 20), (10, "quiet", 0)),
        *((12, "first", 24), (12, "quiet", 0)),
    ]
    assert [row["commits"] for row in found[:2]] == [row["commits"] for row in found[2:]]


def test_balances(tmp_path: Path) -> None:
    """Whatever is recorded equals the chain, and check foretells the calls of a round."""
    found = figures(tmp_path, "balances.py", "--addresses", "3", "--rows", "4")
    explorers = [row for row in found if row["source"] != "evm_rpc"]
    assert [row["source"] for row in explorers] == [
        *("etherscan", "etherscan", "blockscout", "blockscout", "esplora", "esplora")
    ]
    assert all(row["reconciled"] == row["assets"] >= row["addresses"] for row in explorers)
    assert all(row["calls"] <= row["by check"] for row in found if row["round"] == "second")


def test_start(tmp_path: Path) -> None:
    """Every command runs, beside a bare interpreter."""
    found = figures(tmp_path, "start.py", "--times", "1")
    assert found[0]["of a bare Python"] == 1
    assert [row["command"] for row in found[1:]] == [
        *("fundwatch --version", "fundwatch status", "fundwatch transfers")
    ]
    assert all(row["CPU ms"] > 0 for row in found)


def test_insert_rate(tmp_path: Path) -> None:
    """Each way of writing is measured, on the same number of plans."""
    found = figures(tmp_path, "insert_rate.py", "--rows", "20", "--plans", "3")
    assert [(row["way"], row["plans"]) for row in found] == [
        ("apply", 3),
        ("apply, not logged", 3),
        ("raw", 3),
        ("raw, with sightings", 3),
    ]


def test_backfill(tmp_path: Path) -> None:
    """A history of several rounds is read to its end, and memory is told on the way."""
    found = figures(tmp_path, "backfill.py", "--rows", "5200")
    assert found[-1]["rows"] == 5200
    assert [row["recorded %"] for row in found] == [0, 10, 25, 50, 75, 100, "end"]
    assert all(row["RSS MiB"] > 0 for row in found)


def test_storm(tmp_path: Path) -> None:
    """Every payment of a storm is stored and has its alert, beside three of first contact."""
    found = figures(tmp_path, "storm.py", "--least", "5", "--most", "20")
    assert [(row["payments"], row["rows"]) for row in found] == [(5, 5), (20, 20)]
    assert all(row["alerts"] >= row["payments"] for row in found)


def test_lists_million(tmp_path: Path) -> None:
    """Two versions each of a list that is kept, and of one that is watched."""
    told = ("--rows", "3000", "--changes", "100", "--watched", "200")
    found = figures(tmp_path, "lists_million.py", *told)
    assert [(row["rows"], row["watched"]) for row in found] == [
        *[(3000, False)] * 2,
        *[(200, True)] * 2,
    ]


def test_attribution(tmp_path: Path) -> None:
    """All six methods beside plain Python: few movements, as mixed as many and less, and many."""
    small = ("--movements", "200", "--addresses", "10", "--sources", "2")
    found = figures(tmp_path, "attribution.py", *small)
    ways = ["replay, all six", "balances in a dict", "FIFO over lists", "going on"]
    assert [(row["movements"], row["addresses"], row["way"]) for row in found] == [
        *((20, 10, way) for way in ways),
        *((20, 2, way) for way in ways),
        *((200, 10, way) for way in ways),
    ]
    assert 0 < found[8]["traced"] <= 200


@pytest.mark.real
def test_blocks(tmp_path: Path) -> None:
    """The floor and the adapter find what was generated, whoever else is watched."""
    if find_anvil() is None:
        pytest.skip(f"anvil is not installed: {ANVIL_INSTALL}")
    small = ("--blocks", "12", "--txs", "40", "--rounds", "1", "--addresses", "10", "500")
    found = figures(tmp_path, "blocks.py", *small)
    assert {(row["way"], row["addresses"]) for row in found if "blocks/s" in row} == {
        (way, count) for way in ("floor", "face", "pass") for count in (10, 30, 500)
    }
    read = [row for row in found if "blocks/s" in row]
    assert all(row["rows"] == row["true rows"] for row in read)
    few, many = ([r for r in read if r["addresses"] == count] for count in (10, 500))
    asked = [row["requests a block"] for row in few]
    assert asked == [row["requests a block"] for row in many]


def test_million(tmp_path: Path) -> None:
    """Twelve hundred of them: all are watched, blocks bring what moved, the worst thousand show."""
    found = {
        row["step"]: row["said"] for row in figures(tmp_path, "million.py", "--entries", "1200")
    }
    assert "1,200 rows" in found["lists update"]
    assert found["pass, 3 new blocks; nothing due"].startswith("1 chains, 3 rows")
    assert "of 1,200 entries" in found["status --json"]


def test_desk(tmp_path: Path) -> None:
    """Pages of a small record for four readers, and passes beside them without an error."""
    small = ("--movements", "2000", "--requests", "2", "--passes", "1")
    found = figures(tmp_path, "desk.py", *small)
    assert [row["what"] for row in found] == [
        *("inbox", "address", "case", "case with its money"),
        *("passes alone", "passes, a page a second each", "passes, readers without pause"),
    ]
    assert [row["requests"] for row in found[:4]] == [8, 8, 8, 8]
    assert all(0 < row["KB"] < 150 for row in found[:3])
    assert all(row["p95 ms, no pause"] >= row["median ms, no pause"] > 0 for row in found[:4])
