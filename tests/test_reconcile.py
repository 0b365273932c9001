"""`fundwatch reconcile`, as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

from world.home import staged


def test_what_is_recorded_equals_what_the_chain_says(tmp_path: Path) -> None:
    with staged(tmp_path) as scene:
        scene.pay(("0x" + "b" * 40, "0x" + "a" * 40))
        for _ in range(20):
            scene.ledger.mine()
        scene.home.run("poll")
        said = scene.home.run("reconcile", "--format", "jsonl")
        found = [json.loads(line) for line in said.splitlines()]
    assert [each["state"] for each in found] == ["reconciled", "reconciled"], found
    for each in found:
        assert each["recorded"] == each["on_chain"]
        assert each["difference"] == "0"
        assert each["between"] is None
        assert each["asset"] == {"contract": None, "symbol": "ETH", "decimals": 18}
