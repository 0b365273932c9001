"""Where people look first: what the commands say once a balance was held against the chain."""

from __future__ import annotations

import json
import re
from pathlib import Path

from world.home import ALICE, Scene, staged


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
        assert "sum equals balance" not in flat(scene.home.run("messages", "preview", "daily"))


def test_equal_is_said_with_block_and_source(tmp_path: Path) -> None:
    with staged(tmp_path) as scene:
        scene.home.run("poll")
        scene.home.run("reconcile")
        assert "BALANCES 2 of 2 addresses equal to the chain" in flat(scene.home.run("status"))
        daily = flat(scene.home.run("messages", "preview", "daily"))
    assert re.search(
        r"complete up to .* UTC \(from the first block to block \d+, by mine\)\. Balances: sum "
        r"equals balance up to block \d+ by mine\.",
        daily,
    ), daily


def test_what_vanished_is_said_by_status_health_and_the_daily_mail(tmp_path: Path) -> None:
    with staged(tmp_path) as scene:
        scene.home.run("poll")
        scene.home.run("reconcile")
        scene.ledger.vanish(ALICE, 10**17)
        read_again(scene)
        scene.home.run("reconcile", code=1)
        status = flat(scene.home.run("status"))
        daily = flat(scene.home.run("messages", "preview", "daily"))
        told = json.loads(scene.home.run("status", "--json"))
    less = "0.100000000000000000 ETH less on the chain than recorded"
    assert "BALANCES 1 of 2 addresses equal to the chain; 1 UNEXPLAINED" in status
    assert f"UNEXPLAINED label a (CASE-1) on dev: {less} at block" in status
    assert f"SUM IS NOT THE BALANCE: {less}" in daily
    assert "nothing moved" not in daily
    assert (told["balances"]["equal"], told["balances"]["unexplained"]) == (1, 1)
    of_alice = next(e["balances"] for e in told["entries"] if e["address"] == ALICE)
    assert (of_alice["unexplained"], of_alice["differences"][0][: len(less)]) == (1, less)
