"""What the chain says of the assets of a severe alert, asked before it is told, and never for
long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from world.home import ALICE, BOB, SHOP, Scene, configured, dev_chain, entry, staged, watchlist

from monitor.loops.beforehand import LATE, LOOKED_FOR, REFILL, SECONDS, Patience

BALANCES = ("balance", "balancemulti", "tokenbalance", "eth_getBalance")


@contextmanager
def severe(path: Path, *sources: str, **more: Any) -> Iterator[Scene]:
    """ALICE is severe, BOB is not. `sources`: styles that are asked beside Etherscan's."""
    with staged(path, **more) as scene:
        watched = watchlist(entry(ALICE, severity="severe"), entry(BOB, severity="high"))
        rows = {"mine": configured(scene.explorer)}
        rows |= {style: configured(scene.explorer, style) for style in sources}
        scene.home.write("watchlist.yaml", watched)
        scene.home.write("config/chains.yaml", {"chains": {"dev": dev_chain(*rows)}})
        scene.home.write("config/sources.yaml", {"sources": rows})
        scene.home.write("config/settings.yaml", {"every": 2, "prices": "none"})
        yield scene


def held(scene: Scene, address: str) -> list[dict[str, Any]]:
    """What the alerts of an address say of its assets."""
    mine = [a for a in scene.alerts("movement") if a["entry"]["address"] == address]
    return [each for alert in mine for each in alert.get("balances", [])]


def test_a_severe_alert_says_what_the_chain_says_and_a_high_one_does_not_ask(
    tmp_path: Path,
) -> None:
    with severe(tmp_path) as scene:
        scene.pay((ALICE, SHOP), (BOB, SHOP))
        scene.home.run("poll")
        (said,) = held(scene, ALICE)
        assert said["state"] == "reconciled"
        assert said["recorded"] == said["on_chain"] == str(scene.ledger.balance(ALICE))
        assert said["at"]["height"] == scene.ledger.head.height
        assert held(scene, BOB) == []


def test_another_source_than_the_one_that_told_it_is_asked_first(tmp_path: Path) -> None:
    with severe(tmp_path, "blockscout") as scene:
        scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        (said,) = held(scene, ALICE)
        assert (said["source"], said["state"]) == ("blockscout", "reconciled")


def test_what_differs_is_said_beside_the_movement(tmp_path: Path) -> None:
    with severe(tmp_path) as scene:
        scene.explorer.knobs("dev", "etherscan").false_balance = {(ALICE, ""): -7}
        scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        (said,) = held(scene, ALICE)
        assert (said["state"], said["difference"]) == ("unexplained", "-7")
        assert said["reason"] == LOOKED_FOR
        assert scene.alerts("unexplained") == []  # one bad answer never makes an alert


@pytest.mark.parametrize(
    ("knob", "value", "source"), [("limited", 429, "mine"), ("delay", 2.0, "blockscout")]
)
def test_one_that_refuses_is_passed_over_and_one_that_is_late_is_waited_for(
    tmp_path: Path, knob: str, value: float, source: str
) -> None:
    with severe(tmp_path, "blockscout") as scene:
        setattr(scene.explorer.knobs("dev", "blockscout"), knob, value)
        scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        (said,) = held(scene, ALICE)
        assert (said["state"], said["source"]) == ("reconciled", source)


def test_an_alert_waits_for_no_source_that_hangs(tmp_path: Path) -> None:
    """Its look-up and its balance hang: it goes out within half a minute, and says so."""
    with severe(tmp_path, "blockscout") as scene:
        scene.home.run("poll")
        scene.pay((ALICE, SHOP))
        scene.explorer.knobs("dev", "blockscout").delay = 25.0
        began = time.monotonic()
        with scene.home.daemon():
            while not scene.hook.seen or not held(scene, ALICE):
                assert time.monotonic() - began < 45, scene.home.log()
                time.sleep(0.2)
            took = time.monotonic() - began
        (said,) = held(scene, ALICE)
        assert took < 30, said
        assert (said["state"], said["reason"]) == ("cannot_check", f"no source: {LATE}")


def test_many_alerts_of_one_block_are_one_question(tmp_path: Path) -> None:
    with severe(tmp_path) as scene:
        scene.pay(*[(SHOP, ALICE)] * 200)
        seen = scene.explorer.knobs("dev", "etherscan").seen = []
        scene.home.run("poll")
        said = held(scene, ALICE)
        assert len(said) == 200
        assert {each["state"] for each in said} == {"reconciled"}
        asked = [r for r in seen if r.query.get("action") in BALANCES]
        assert len(asked) <= 2, asked  # before the alerts, and when its turn comes


def test_history_is_told_without(tmp_path: Path) -> None:
    with severe(tmp_path, contacted=False) as scene:
        scene.home.run("poll")
        (history, *_) = scene.alerts("history")
        assert "balances" not in history


def test_many_alerts_wait_no_longer_together_than_one() -> None:
    moment = 0.0
    patience = Patience(lambda: moment)
    waited = 0.0
    for _ in range(100):  # each would wait for as long as it may
        left = patience.left()
        patience.take(left)
        moment, waited = moment + left, waited + left
    assert SECONDS <= waited < SECONDS / (1 - REFILL) + 0.01
    moment += SECONDS / REFILL
    assert patience.left() == SECONDS
