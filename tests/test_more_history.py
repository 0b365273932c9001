"""Where more of an entry's history is asked for later, it gets another summary."""

from __future__ import annotations

from pathlib import Path

from world.fake_ledger import FakeLedger, FakeSource
from world.play import ETHEREUM, A, Play

from monitor.model import AlertKind


def test_a_second_summary_has_a_name_of_its_own(tmp_path: Path) -> None:
    """As when a person says yes to the history of a grown list."""
    ledger = FakeLedger(ETHEREUM)
    play = Play(tmp_path, ledger, [FakeSource(ledger, "s")])
    entry = play.watch(A)
    for _ in range(3):
        play.poll()
        ledger.mine()
        with play.store.write() as conn:
            conn.execute("UPDATE entry SET history = 'due'")
    told = [a.id for a in play.alerts(entry) if a.kind is AlertKind.HISTORY]
    assert (len(told), len(set(told))) == (3, 3)
    play.store.close()
