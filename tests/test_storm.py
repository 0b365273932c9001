"""Ten thousand payments to one address in one block, told to a running daemon."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from world.home import ALICE, BANK, BOB, Scene, payment, staged, stop, wait_for

MANY = 10_000


def recorded(scene: Scene, recipient: str) -> int:
    """Payments to an address in the record, read beside the daemon."""
    record = sqlite3.connect(f"file:{scene.home.path}/fundwatch.db?mode=ro", uri=True)
    try:
        sql = "SELECT count(*) FROM transfer WHERE chain = 'dev' AND recipient = ?"
        return int(record.execute(sql, [recipient]).fetchone()[0])
    finally:
        record.close()


def told_to_machines(scene: Scene) -> Counter[str]:
    """How often the webhook was told of each movement, by transaction."""
    found: Counter[str] = Counter()
    for request in list(scene.hook.seen):
        alerts = json.loads(request.body)["data"].get("alerts", [])
        found.update({a["id"]: a.get("tx") for a in alerts if a["kind"] == "movement"}.values())
    return found


@pytest.mark.slow
def test_a_storm_is_stored_by_a_daemon_that_stays_alive(tmp_path: Path) -> None:
    """All of it is stored by the process that began it, others are served meanwhile, and each
    payment is told once: 4,000 such payments once took so long that the watchdog ended the
    daemon, again and again."""
    with staged(tmp_path) as scene:
        home = scene.home
        before = recorded(scene, ALICE), recorded(scene, BOB)
        with home.daemon() as process:
            storm = [payment(n, BANK, ALICE, 10**15 + n) for n in range(1000, 1000 + MANY)]
            scene.ledger.mine([*storm, payment(7, BANK, BOB, 10**18)])
            wait_for(lambda: recorded(scene, BOB) > before[1], 200, home.log)
            wait_for(lambda: recorded(scene, ALICE) == before[0] + MANY, 200, home.log)
            wait_for(lambda: len(told_to_machines(scene)) == MANY + 1, 300, home.log)
            assert process.poll() is None
            assert stop(process) == 0
        assert set(told_to_machines(scene).values()) == {1}
        assert "no progress" not in home.log()
        print(len(scene.hook.seen), len(scene.mail.mails))
