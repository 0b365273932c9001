"""A chain that is read block by block: who is new while blocks cannot be read, and how often the
newest block is asked for."""

from __future__ import annotations

import pytest
from test_blocks import ALICE, BOB, FINALITY, Desk, desk

from monitor.loops.clock import now
from monitor.store import blocks

__all__ = ["desk"]
pytestmark = pytest.mark.real


def test_who_is_added_while_blocks_cannot_be_read(desk: Desk) -> None:
    """Where the chain stands cannot be said: nobody can join. Severe entries are read by address
    meanwhile, and nothing is told twice once the node is back."""
    desk.home.write("watchlist.yaml", {"addresses": [
        {"address": ALICE, "chain": "dev", "severity": "severe"},
        {"address": BOB, "chain": "dev", "severity": "medium"}]})  # fmt: skip
    desk.shut = True
    with desk.reading("blocks") as home:
        home.poll()
        (tx,) = desk.pay(ALICE)
        home.poll()
        assert home.told() == {tx: 1}
        assert blocks.members(home.app.store, "dev") == {}
        desk.shut = False
        home.poll()
        assert blocks.members(home.app.store, "dev").keys() == {ALICE, BOB}
        paid = [tx, *desk.pay(ALICE, BOB)]
        home.poll()
        home.work_off()
        assert home.told() == dict.fromkeys(paid, 1)


def test_the_newest_block_is_asked_for_by_the_pace_of_the_chain(desk: Desk) -> None:
    """Passes begin every two seconds; who asks nothing else, asks for nothing meanwhile."""
    desk.home.write("config/settings.yaml", {"prices": "none"})
    desk.watch(ALICE)
    with desk.reading("blocks", block_time=600) as home:
        home.poll()
        home.poll()
        (row,) = home.app.store.read("SELECT due FROM scope WHERE address = '*'")
        assert (home.app.longest_pace, row["due"] % 60) == (60, 0)
        with home.app.store.write() as conn:
            conn.execute("UPDATE scope SET due = ? WHERE address = '*'", [now() + 50])
        desk.asked.clear()
        for _ in range(3):
            for pool in home.app.pools.values():
                pool.wake()
            home.app.reload()
            home.app.poll(everything=False)
        assert not desk.asked
        desk.watch(ALICE, BOB)
        home.app.reload()
        home.app.poll(everything=False)
        assert blocks.members(home.app.store, "dev").keys() == {ALICE, BOB}, "who is new waits not"


def test_what_a_node_alone_missed_while_read_by_address_is_not_waited_for(desk: Desk) -> None:
    """By address nobody lists its native coins: nobody ever will for these blocks."""
    desk.watch(ALICE, BOB)
    with desk.reading("blocks", "node") as home:
        home.poll()
        desk.pay(ALICE)
        desk.mine(3 * FINALITY)
        home.poll()
        home.work_off()
        joined = blocks.members(home.app.store, "dev")[ALICE]
        desk.mine(3 * FINALITY)
        home.poll()
    with desk.reading("addresses", "node") as home:
        home.poll()
        (native,) = (each for each in home.lists(ALICE) if each.stream == "native")
        assert native.state == "not served"
        assert native.covered_from == f"block {joined}"
        missed = desk.pay(ALICE)
        desk.mine(3 * FINALITY)
        home.poll()
    with desk.reading("blocks", "node") as home:
        for _ in range(3):
            home.poll()
            home.work_off()
            desk.mine(3 * FINALITY)
        (native,) = (each for each in home.lists(ALICE) if each.stream == "native")
        again = blocks.members(home.app.store, "dev")[ALICE]
        assert (native.state, native.covered_from) == ("complete", f"block {again}")
        assert home.told()[missed[0]] == 0
        assert "2 of 2 entries fully read; no source covers what moved in" in home.status()
        assert "behind" not in home.status()


def test_a_daily_mail_names_no_block_of_many(desk: Desk) -> None:
    """Coins are read from the block of joining on, tokens from the first."""
    relay = {"kind": "email", "host": "127.0.0.1", "security": "none"}
    desk.home.write("config/channels.yaml", {"channels": {
        "mail": {**relay, "from": "f@example.org", "to": ["desk@example.org"]}}})  # fmt: skip
    desk.watch(ALICE)
    with desk.reading("blocks", "node") as home:
        home.poll()
        home.work_off()
        desk.mine(3 * FINALITY)
        home.poll()
        home.work_off()
    said = " ".join(desk.home.run("messages", "preview", "daily").split())
    assert "(from where `fundwatch status --all` says of each list to block " in said


def test_poll_counts_the_history_that_it_reads(desk: Desk) -> None:
    """It is read beside the pass, which itself finds nothing new."""
    desk.pay(ALICE)
    desk.mine(2 * FINALITY)
    desk.watch(ALICE)
    with desk.reading("blocks"):
        pass
    assert "1 address, 1 new movement, 0 alerts" in desk.home.run("poll", code=None)
