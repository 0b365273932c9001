"""Where people look first: what the commands say once a balance was held against the chain."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from world.home import ALICE, BOB, Scene, staged

from monitor.model.balance import AGAIN


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def read_again(scene: Scene) -> None:
    """Enough blocks above that all that happened is final, and a reading of them."""
    for _ in range(20):
        scene.ledger.mine()
    scene.home.sql("UPDATE scope SET due = 0")
    scene.home.run("poll")


def test_all_read_is_not_called_all_equal_before_the_chain_was_asked(tmp_path: Path) -> None:
    with staged(tmp_path) as scene:
        scene.home.run("poll")
        scene.home.sql("DELETE FROM balance")
        status = flat(scene.home.run("status"))
        assert "VERDICT 2 of 2 entries fully read" in status
        assert "BALANCES 0 of 2 addresses equal to the chain; 2 not asked yet" in status
        assert "um equals balance" not in flat(scene.home.run("messages", "preview", "daily"))


def test_equal_is_said_with_block_and_source(tmp_path: Path) -> None:
    with staged(tmp_path) as scene:
        scene.home.run("poll")
        scene.home.run("reconcile")
        assert "BALANCES 2 of 2 addresses equal to the chain" in flat(scene.home.run("status"))
        daily = flat(scene.home.run("messages", "preview", "daily"))
    assert re.search(
        r"complete up to .* UTC \(from the first block to block \d+, by mine\)\. Sum "
        r"equals balance up to block \d+ by mine\.",
        daily,
    ), daily


def test_what_vanished_is_said_by_status_health_and_the_daily_mail(tmp_path: Path) -> None:
    with staged(tmp_path) as scene:
        scene.home.run("poll")
        scene.home.run("reconcile")
        scene.ledger.vanish(ALICE, 10**17)
        read_again(scene)
        table = flat(scene.home.run("reconcile", code=1))
        status = flat(scene.home.run("status"))
        daily = flat(scene.home.run("messages", "preview", "daily"))
        told = json.loads(scene.home.run("status", "--json"))
    less = "0.100000000000000000 ETH less on the chain than recorded"
    assert f"UNEXPLAINED {less}" in table
    assert "2 addresses: 1 balance equal to the chain, 1 unexplained, 0 cannot be checked." in table
    assert "BALANCES 1 of 2 addresses equal to the chain; 1 UNEXPLAINED" in status
    assert f"UNEXPLAINED label a (CASE-1) on dev: {less} at block" in status
    assert f"SUM IS NOT THE BALANCE: {less}" in daily
    assert "nothing moved" not in daily
    assert (told["balances"]["equal"], told["balances"]["unexplained"]) == (1, 1)
    of_alice = next(e["balances"] for e in told["entries"] if e["address"] == ALICE)
    assert (of_alice["unexplained"], of_alice["differences"][0][: len(less)]) == (1, less)


def test_a_source_that_was_asked_twice_is_one_source(tmp_path: Path) -> None:
    """However many digits the block has at which it said the same again."""
    with staged(tmp_path) as scene:
        scene.home.run("poll")
        scene.home.run("reconcile")
        scene.home.sql("UPDATE balance SET second = ?", f"mine{AGAIN}26,401,190")
        told = json.loads(scene.home.run("status", "--json"))
    assert [each["balances"]["sources"] for each in told["entries"]] == [["mine"], ["mine"]]


def test_a_case_is_handed_out_with_its_balances(tmp_path: Path) -> None:
    """Beside the log of the case, each line with block, time and source; never over a file."""
    target = tmp_path / "case.jsonl"
    with staged(tmp_path / "home") as scene:
        scene.home.run("poll")
        scene.home.run("reconcile")
        args = ("log", "export", "--case", "CASE-1", "--output", str(target))
        said = scene.home.run(*args)
        beside = target.with_name("case.jsonl.balances.jsonl")
        text = beside.read_text("utf-8")
        target.unlink()
        assert "cannot be made" in scene.home.run(*args, code=2)
    assert f"{beside}: 2 lines, SHA-256 {hashlib.sha256(text.encode()).hexdigest()}" in said
    assert beside.stat().st_mode & 0o077 == 0
    found = [json.loads(line) for line in text.splitlines()]
    assert {each["address"] for each in found} == {ALICE, BOB}
    for each in found:
        assert (each["state"], each["difference"], each["source"]) == ("reconciled", "0", "mine")
        assert each["at"]["height"] > 0
        assert each["asked"]
