"""kill -9 at any moment: nothing lost, nothing twice in the record, repeats under the old id.

The oracle is what the test itself paid; the sinks are a real webhook receiver and a real
mail server. With -rP (or when it fails) the test prints its figures:

    python -m pytest tests/test_kills.py -m slow -rP
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from world import chain
from world.home import ALICE, BANK, BOB, SHOP, Scene, ids, meanwhile, staged, told, wait_for
from world.sinks import Request

WAYS = ((ALICE, SHOP), (BANK, ALICE), (BANK, BOB), (ALICE, BOB), (BOB, SHOP), (BANK, SHOP))


@dataclass
class Figures:
    """What kills did, by comparing oracle, record and receivers."""

    kills: int
    payments: int
    told_meanwhile: int  # messages that got out while it was being killed
    lost_records: int
    double_records: int
    false_records: int
    lost_alerts: int
    double_alerts: int
    untold_alerts: int  # in the record, not at the webhook receiver
    unmailed: int  # messages that a recipient never got
    repeats: int  # the same message again
    renamed: int  # the same alert under another message id
    unlogged: int  # breaks of the log, rows and alerts that it does not tell of once

    def faults(self) -> int:
        rest = (self.kills, self.payments, self.told_meanwhile, self.repeats)
        return sum(vars(self).values()) - sum(rest)


def messages_of(seen: list[Request]) -> dict[str, set[str]]:
    """alert id -> the ids of the messages that told it."""
    found: dict[str, set[str]] = {}
    for request in seen:
        for alert in told([request]):
            found.setdefault(alert, set()).add(request.headers["webhook-id"])
    return found


def figures(scene: Scene, kills: int, told_meanwhile: int = 0) -> Figures:
    rows = [r for r in scene.home.transfers() if r["tx"] in scene.paid and r["kind"] == "native"]
    recorded = Counter((r["tx"], r["from"], r["to"], int(r["amount"])) for r in rows)
    truth = Counter((tx, *scene.paid[tx]) for _, tx in set(scene.due()))
    truth = Counter(dict.fromkeys(truth, 1))
    due, moved = Counter(scene.due()), scene.moved()
    alerts = {a["id"] for a in scene.home.alerts() if a["deliveries"]}  # since there is a channel
    at_hook = messages_of(scene.hook.seen)
    got = Counter((m.recipients[0], m.message["X-Fundwatch-Message"]) for m in scene.mail.mails)
    mail = [d for d in scene.home.deliveries() if d["channel"] == "mail"]
    repeats = Counter(ids(scene.hook.seen))
    return Figures(
        kills=kills,
        payments=len(scene.paid),
        told_meanwhile=told_meanwhile,
        lost_records=(truth - recorded).total(),
        double_records=(recorded - Counter(set(recorded))).total(),
        false_records=len(set(recorded) - set(truth)),
        lost_alerts=(due - moved).total(),
        double_alerts=(moved - due).total(),
        untold_alerts=len(alerts - set(at_hook)),
        unmailed=sum((d["recipient"], d["message"]) not in got for d in mail),
        repeats=sum((repeats - Counter(set(repeats))).values())
        + sum((got - Counter(set(got))).values()),
        renamed=sum(len(names) > 1 for names in at_hook.values()),
        unlogged=len(chain.faults_of(scene.home.path / "fundwatch.db")),
    )


def paying(scene: Scene, pause: float) -> AbstractContextManager[None]:
    """Payments go on in the background for the length of the block."""
    chance = random.Random(7)
    return meanwhile(
        lambda: scene.pay(*(chance.choice(WAYS) for _ in range(chance.randint(0, 2)))), pause
    )


def kill_once(scene: Scene, chance: random.Random) -> bool:
    """Start a poll or the daemon and kill it somewhere in its work; False: it was too quick."""
    before = len(scene.home.log())
    process = scene.home.start(chance.choice(["poll", "poll", "run"]))
    wait_for(lambda: len(scene.home.log()) > before or process.poll() is not None, 20)
    try:
        process.wait(chance.uniform(0.0, 1.5))
    except Exception:  # noqa: BLE001 - the time is over: that is when it is killed
        process.kill()
    return process.wait(10) == -signal.SIGKILL


def finish(scene: Scene) -> None:
    """A poll that nobody disturbs, after enough blocks to make everything final."""
    for _ in range(15):
        scene.ledger.mine()
    scene.home.run("poll")


def run_kills(path: Path, kills: int, seed: int) -> Figures:
    chance = random.Random(seed)
    with staged(path) as scene:
        done = 0
        with paying(scene, 0.2):
            for _ in range(2 * kills):
                done += done < kills and kill_once(scene, chance)
                assert chain.faults_of(scene.home.path / "fundwatch.db") == []
        meanwhile = len(scene.hook.seen) + len(scene.mail.mails)
        finish(scene)
        assert scene.home.sql("PRAGMA integrity_check") == [("ok",)]
        assert {d["state"] for d in scene.home.deliveries()} == {"accepted"}
        return figures(scene, done, meanwhile)


@pytest.mark.slow
def test_random_kills(tmp_path: Path) -> None:
    """While payments go on, the program is killed again and again at random moments."""
    kills = 50
    found = run_kills(tmp_path, kills, seed=kills)
    print(found)
    assert found.kills == kills
    assert found.payments > kills
    assert found.told_meanwhile > kills
    assert found.faults() == 0
    assert found.repeats <= 3 * kills


Killer = Callable[[Any], None]


def killer(pids: list[int]) -> Killer:
    """A receiver that has taken the message and kills the sender before it answers."""

    def mode(handler: Any) -> None:
        os.kill(pids[0], signal.SIGKILL)
        handler.close_connection = True

    return mode


@pytest.mark.parametrize("command", ["poll", "run"])
def test_kill_between_accept_and_mark(tmp_path: Path, command: str) -> None:
    """The receiver has it, the record does not know: it comes again, under the same id and
    with the same bytes, and nothing else comes twice."""
    with staged(tmp_path) as scene:
        pids: list[int] = []
        scene.hook.then(killer(pids))
        scene.pay((ALICE, SHOP), (BANK, BOB))
        process = scene.home.start(command)
        pids.append(process.pid)
        assert process.wait(20) == -signal.SIGKILL
        assert [d["state"] for d in scene.home.deliveries() if d["channel"] == "hook"] == [
            "waiting"
        ]
        finish(scene)
        first, again = scene.hook.seen
        assert first.headers["webhook-id"] == again.headers["webhook-id"]
        assert first.body == again.body
        found = figures(scene, 1)
        assert (found.faults(), found.payments) == (0, 2)
        assert found.repeats - 1 <= 1  # at most one mail was on its way, too
