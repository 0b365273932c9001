"""What takes long keeps nobody else waiting: neither a slow list of one address the reading of
others, nor a flood of one entry the messages of others."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

from world.fake_ledger import FakeLedger, FakeSource
from world.home import ALICE, BANK, BOB, payment, staged
from world.play import ETHEREUM, A, B, Play, X, native
from world.record import new_record

from monitor.app.home import open_home
from monitor.chains.table import streams_of
from monitor.loops import freeze
from monitor.loops.pool import SourcePool
from monitor.loops.reading import Progress, ScopeReader
from monitor.model import Ask, Batch
from monitor.model.errors import Unavailable
from monitor.store import outbox

MEANWHILE = 2  # readings of the other address


class SlowForOne(FakeSource):
    """A list of A comes only when B has been read and read again."""

    def __init__(self, ledger: FakeLedger) -> None:
        super().__init__(ledger, "slow")
        self.others = threading.Semaphore(0)
        self.in_time = True

    def fetch(self, ask: Ask) -> Batch:
        if ask.subjects[0].address == B:
            self.others.release()
            return super().fetch(ask)
        batch = super().fetch(ask)
        self.in_time = all(self.others.acquire(timeout=60) for _ in range(MEANWHILE))
        return batch


def test_a_slow_list_of_one_address_holds_up_no_other(tmp_path: Path) -> None:
    """Within one pass of the daemon the other address comes due, and is read, again and again;
    the pass ends with the slow one."""
    ledger = FakeLedger(ETHEREUM)
    ledger.mine(20)
    source = SlowForOne(ledger)
    play = Play(tmp_path, ledger, [source])
    play.watch(A)
    play.watch(B)
    ledger.now += 1
    ledger.pay(*native(X, A, 5))
    ledger.pay(*native(X, B, 6))
    ledger.mine()
    report = play.poller().run_pass(everything=False)
    assert source.in_time
    assert report.subjects > 2
    moved = [a.entry_id for e in play.entries for a in play.alerts(e) if a.tx]
    assert sorted(map(str, moved)) == ["E0", "E1"]
    play.store.close()


def test_a_flood_keeps_no_other_message_waiting(tmp_path: Path) -> None:
    """What comes for another entry while a flood is laid out is fixed and goes out before the
    rest of the flood, to machines and to people; nothing is told twice or left out."""
    many = 620
    with staged(tmp_path) as scene, open_home(scene.home.path, {}) as app:
        app.reload()
        scene.ledger.mine([payment(n, BANK, ALICE, 10**16 + n) for n in range(1000, 1000 + many)])
        app.poll(everything=True)
        late = payment(7, BANK, BOB, 10**18)
        steps: list[int] = []

        def send() -> None:
            steps.append(1)
            if len(steps) == 2:
                scene.ledger.mine([late])
                app.pools["dev"].forget_heads()
                app.poll(everything=True)

        freeze.freeze(app.deliver_world(), everything=False, send=send)
        rows = app.store.read(
            "SELECT m.channel, m.form, a.tx FROM message m JOIN route r ON r.message = m.id "
            "JOIN alert a ON a.id = r.alert WHERE a.kind = 'movement' ORDER BY m.rowid"
        )
        for channel in ("hook", "mail"):
            told = [row["tx"] for row in rows if row["channel"] == channel]
            assert Counter(told).most_common(1)[0][1] == 1
            assert len(told) == many + 1
            assert told.index(late.hash) < many - 100
        app.deliver(everything=True)
        bodies = [m.message.get_body(("plain",)) for m in scene.mail.mails]
        assert any(body and late.hash in body.get_content() for body in bodies)


class Hanging(FakeSource):
    """Its first list fails after a while; the others are only answered all at once."""

    def __init__(self, ledger: FakeLedger, lists: int) -> None:
        super().__init__(ledger, "hanging", bundles=[[s] for s in streams_of(ETHEREUM)])
        self.together = threading.Barrier(lists - 1)

    def fetch(self, ask: Ask) -> Batch:
        if ask.streams == self.bundles[0]:
            time.sleep(0.1)
            raise Unavailable("no answer in time")
        self.together.wait(60)
        return super().fetch(ask)


def test_lists_of_a_source_that_hangs_are_waited_for_side_by_side(tmp_path: Path) -> None:
    """One list that hangs costs its wait and not the others' as well; they are all asked for,
    so that one that always hangs hides no other."""
    ledger = FakeLedger(ETHEREUM)
    ledger.mine(20)
    lists = len(streams_of(ETHEREUM))
    source = Hanging(ledger, lists)
    play = Play(tmp_path, ledger, [source])
    entry = play.watch(A)
    pool = SourcePool(ETHEREUM, [source], hang_after=0.05)
    reading = ScopeReader(
        pool=pool,
        subjects=(entry.subject,),
        streams=frozenset(streams_of(ETHEREUM)),
        sources=pool.sources,
        floor=lambda _axis, _head: 0,
        states={},
        open_rows=(),
        progress=Progress(),
        history_from={},
        deep_seconds=0,
        severe=False,
        everything=True,
    )
    outcome = reading.run()
    assert outcome.unread == source.bundles[0]
    assert [batch.streams for batch in outcome.batches] == list(source.bundles[1:])
    play.store.close()


def test_a_crowd_of_one_entry_delays_no_other_of_its_case(tmp_path: Path) -> None:
    """What a crowd shares does not count as many messages about its case, or the next entry's
    alert would wait for twenty minutes."""
    store = new_record(tmp_path / "r.db")
    with store.write() as conn:
        conn.executemany(
            "INSERT INTO message (id, channel, case_id, form, created, rendered) "
            "VALUES (?, 'mail', 'C', ?, 100, '{}')",
            [(f"M{n}", form) for n, form in enumerate(["alone"] * 2 + ["crowd"] * 10 + ["dust"])],
        )
    assert outbox.recent_messages(store, "mail", "C", 0, 200) == 2
    store.close()
