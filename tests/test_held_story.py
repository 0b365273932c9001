"""Held funds over the local explorer, by the commands that a person types."""

from __future__ import annotations

import datetime
import signal
from pathlib import Path
from typing import Any

import pytest
from world.home import (
    ALICE,
    BANK,
    BOB,
    SHOP,
    Scene,
    bodies,
    configured,
    dev_chain,
    entry,
    staged,
    wait_for,
    watchlist,
)

from monitor.demo.world.moves import Tx
from monitor.loops.clock import now

DAY = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)).date().isoformat()


def hold(scene: Scene, **terms: object) -> None:
    """ALICE's funds are held, and her entry asks for as little as an entry can."""
    quiet = {"severity": "low", "direction": "in", "tell_when": "final", "min_amount": {"ETH": 9}}
    held = {"held": "seized", "holder": "the court", **quiet, **terms}
    scene.home.write("watchlist.yaml", watchlist(entry(ALICE, **held), entry(BOB)))


def coins(units: int) -> str:
    whole, part = divmod(units, 10**18)
    return f"{whole}.{part:018d}"


def mine(scene: Scene, *txs: Tx, final: bool = False) -> None:
    scene.ledger.mine(list(txs), time=now())
    for _ in range(20 if final else 0):
        scene.ledger.mine()
    scene.home.sql("UPDATE scope SET due = 0")
    scene.home.run("poll", code=None)


def paid(scene: Scene, number: int, amount: int, to: str = SHOP, **more: Any) -> Tx:
    return Tx(f"0x{number:064x}", ALICE, to, amount, nonce=number, **more)


def told(scene: Scene) -> list[tuple[str, str]]:
    """How loudly, and how it begins, in the order of telling; summaries are left out."""
    found = [
        a for body in bodies(scene.hook.seen) for a in body["data"]["alerts"]
        if a["kind"] in ("movement", "activity", "amendment", "late") and a["lane"] == "news"
    ]  # fmt: skip
    return [
        (a["severity"], "planned" if a.get("held_funds", {}).get("as_planned") else a["kind"])
        for a in found
    ]


def subjects(scene: Scene) -> list[str]:
    return [str(m.message["Subject"]) for m in scene.mail.mails]


def test_whatever_leaves_is_told_at_once_by_its_name(tmp_path: Path) -> None:
    """The smallest unit, then a call that moves nothing but its fee."""
    with staged(tmp_path) as scene:
        hold(scene)
        mine(scene, paid(scene, 1, 1))
        mine(scene, paid(scene, 2, 0, input="0x12"))
        assert told(scene) == [("severe", "movement"), ("severe", "activity")]
        assert any("HELD FUNDS MOVED" in each for each in subjects(scene))
        assert any("KEY OF HELD FUNDS USED" in each for each in subjects(scene))
        mine(scene, final=True)
        assert len(told(scene)) == 2
        scene.home.run("verify")


def test_what_comes_in_below_a_dollar_is_no_alert(tmp_path: Path) -> None:
    with staged(tmp_path) as scene:
        hold(scene, min_amount={"USDT": 1}, direction="both", tell_when="confirmed")
        mine(scene, Tx("0x" + "d" * 64, BANK, ALICE, 10**12))
        assert told(scene) == []
        mine(scene, Tx("0x" + "e" * 64, BANK, ALICE, 5 * 10**18))
        assert told(scene) == [("low", "movement")]


def test_one_is_planned_and_a_second_is_not(tmp_path: Path) -> None:
    plan = {"to": SHOP, "amount": "0.5 eth", "until": DAY, "by": "M. Ortiz", "why": "order 12"}
    with staged(tmp_path) as scene:
        hold(scene, planned=plan)
        mine(scene, paid(scene, 1, 10**16, to=BANK))
        mine(scene, paid(scene, 2, 10**17))
        mine(scene, paid(scene, 3, 10**17))
        assert told(scene) == [("severe", "movement"), ("high", "planned"), ("severe", "movement")]
        assert any("HELD FUNDS MOVED AS PLANNED" in each for each in subjects(scene))
        scene.home.run("verify")


def test_what_is_missing_after_a_planned_outflow_is_said_to_be_planned(tmp_path: Path) -> None:
    plan = {"to": SHOP, "amount": "0.5 eth", "until": DAY, "by": "M. Ortiz", "why": "order 12"}
    with staged(tmp_path) as scene:
        hold(scene, planned=plan, expected={"ETH": coins(scene.ledger.balance(ALICE))})
        mine(scene, paid(scene, 2, 10**17))
        opened = [text for text in texts(scene) if "HELD FUNDS ARE MISSING" in text]
        assert opened
        said = f"An outflow left as planned since it was announced: 0x{2:064x}."
        assert all(said in text for text in opened)


@pytest.mark.parametrize("short", [0, 1])
def test_one_unit_less_than_expected_is_an_incident(tmp_path: Path, short: int) -> None:
    """It is opened at once, stands in `status`, and is over once the line is corrected."""
    with staged(tmp_path) as scene:
        there = scene.ledger.balance(ALICE)
        hold(scene, expected={"ETH": coins(there + short)})
        mine(scene)
        found = scene.home.sql("SELECT key FROM incident WHERE key LIKE 'heldfunds:%'")
        assert len(found) == short
        said = scene.home.run("status", code=None)
        assert ("MISSING" in said) == bool(short)
        assert "seized, held by the court" in " ".join(said.split())
        if short:
            words = "HELD FUNDS ARE MISSING: label a (case CASE-1), seized, held by the court: "
            assert any(words in text for text in texts(scene))
            assert any("OPENED HELD FUNDS ARE MISSING on dev" in each for each in subjects(scene))
            hold(scene, expected={"ETH": coins(there)})
            mine(scene)
            closed = "SELECT closed FROM incident WHERE key LIKE 'heldfunds:%'"
            assert scene.home.sql(closed)[0][0] is not None


def texts(scene: Scene) -> list[str]:
    bodies_ = (m.message.get_body(("plain",)) for m in scene.mail.mails)
    return [" ".join(body.get_content().split()) for body in bodies_ if body]


def test_what_vanishes_is_missing_once_two_say_so(tmp_path: Path) -> None:
    """No list shows it, and one source's balance alone opens nothing; the other one's word does."""
    with staged(tmp_path) as scene:
        there = scene.ledger.balance(ALICE)
        hold(scene, expected={"ETH": coins(there)})
        mine(scene, final=True)
        scene.home.run("reconcile", "--address", ALICE, code=None)
        scene.ledger.vanish(ALICE, 1)
        mine(scene, final=True)
        scene.home.run("reconcile", "--address", ALICE, code=None)
        open_ = "SELECT key FROM incident WHERE key LIKE 'heldfunds:%' AND closed IS NULL"
        mine(scene)
        assert scene.home.sql(open_) == []
        second(scene)
        for _ in range(2):
            scene.home.sql("UPDATE balance SET due = 0")
            scene.home.run("reconcile", "--address", ALICE, code=None)
        mine(scene)
        assert len(scene.home.sql(open_)) == 1, scene.home.run("reconcile", code=None)


def second(scene: Scene) -> None:
    """A second source of another kind answers for the chain from now on."""
    rows = {"mine": configured(scene.explorer), "other": configured(scene.explorer, "blockscout")}
    scene.home.write("config/sources.yaml", {"sources": rows})
    scene.home.write("config/chains.yaml", {"chains": {"dev": dev_chain("mine", "other")}})


def test_a_kill_tells_nothing_twice_and_plans_nothing_twice(tmp_path: Path) -> None:
    """Killed while it tells of the announced one: afterwards it is high once, and the next one
    severe."""
    plan = {"to": SHOP, "amount": "0.5 ETH", "until": DAY, "by": "M. Ortiz", "why": "order 12"}
    with staged(tmp_path) as scene:
        hold(scene, planned=plan)
        scene.ledger.mine([paid(scene, 1, 10**17)], time=now())
        with scene.home.daemon() as process:
            wait_for(lambda: bool(scene.home.sql("SELECT 1 FROM alert WHERE tx IS NOT NULL")), 60)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        mine(scene, paid(scene, 2, 10**17))
        mine(scene)
        alerts = {a["id"]: a for b in bodies(scene.hook.seen) for a in b["data"]["alerts"]}
        moved = [a for a in alerts.values() if a["kind"] == "movement"]
        assert sorted((a["severity"], a["held_funds"]["as_planned"]) for a in moved) == [
            ("high", True), ("severe", False),
        ]  # fmt: skip
        scene.home.run("verify")
