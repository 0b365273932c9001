"""When addresses are held against their chains: by the daemon, by the command beside it, and by
the command alone, within the budgets of calls."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from world.home import (
    ALICE,
    BANK,
    BOB,
    SHOP,
    Home,
    Scene,
    configured,
    dev_chain,
    entry,
    staged,
    stop,
    wait_for,
    watchlist,
)

from monitor.app.check.balances import words
from monitor.app.home import open_home
from monitor.decide.balance_cost import cost_of_balances
from monitor.decide.balance_pace import NEWS_EVERY, SEVERE_EVERY, in_order
from monitor.decide.cost import BALANCES, spare
from monitor.demo.world.ledger import Change, TokenMove, Tx
from monitor.loops.clock import now
from monitor.loops.reconcile import MOST_ROWS, OTHERS
from monitor.model import Chain, Subject
from monitor.model.balance import Holding, Waiting
from monitor.store import balance_due

DAY = 86_400
DEV = Chain("dev", "Dev", "evm", "ETH", 18, finality=12, block_time=12.0)


@contextmanager
def unheld(path: Path) -> Iterator[Scene]:
    """Before anything was held against the chain."""
    with staged(path) as scene:
        scene.home.sql("DELETE FROM balance")
        yield scene


def held(home: Home, *args: str, code: int = 0) -> list[dict[str, Any]]:
    said = home.run("reconcile", "--format", "jsonl", *args, code=code)
    return [json.loads(line) for line in said.splitlines()]


def kept(scene: Scene) -> list[Any]:
    return scene.home.sql("SELECT subject, state FROM balance ORDER BY subject")


# -- by the daemon -------------------------------------------------------------------------


def test_the_daemon_holds_every_address_and_the_command_beside_it(tmp_path: Path) -> None:
    with unheld(tmp_path) as scene:
        with scene.home.daemon() as process:
            wait_for(lambda: len(kept(scene)) == 2, 60, scene.home.log)
            alone = held(scene.home, "--address", ALICE.upper().replace("0X", "0x"))
            every = held(scene.home)
            assert stop(process) == 0
        again = held(scene.home)
    assert [each["address"] for each in every] == [ALICE, BOB]
    assert {each["state"] for each in every} == {"reconciled"}
    assert [each["address"] for each in alone] == [ALICE]
    # Without a daemon the command says the same, by itself.
    assert [(e["address"], e["recorded"]) for e in again] == [
        (e["address"], e["recorded"]) for e in every
    ]


def test_a_stop_while_a_source_hangs_is_quick_and_the_rest_is_held_later(tmp_path: Path) -> None:
    with unheld(tmp_path) as scene:
        with scene.home.daemon() as process:
            wait_for(lambda: len(kept(scene)) == 2, 60, scene.home.log)
            scene.explorer.knobs("dev", "etherscan").delay = 30.0
            asking = scene.home.start("reconcile")
            assert stop(process, signal.SIGTERM) in (0,)
            asking.kill()
            asking.wait(10)
        scene.explorer.knobs("dev", "etherscan").delay = 0.0
        assert {each["state"] for each in held(scene.home)} == {"reconciled"}


def test_a_kill_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    with unheld(tmp_path) as scene:
        scene.explorer.knobs("dev", "etherscan").delay = 0.2
        for _ in range(3):
            with scene.home.daemon() as process:
                stop(process, signal.SIGKILL)
        scene.explorer.knobs("dev", "etherscan").delay = 0.0
        with scene.home.daemon() as process:
            wait_for(lambda: len(kept(scene)) == 2, 60, scene.home.log)
            stop(process)
        assert {state for _, state in kept(scene)} == {"reconciled"}
        scene.home.run("verify")


# -- the command ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--chain", "dav"), "Did you mean dev?"),
        (("--case", "CASE-2"), "Did you mean CASE-1?"),
        (("--address", "0x12"), "--address"),
        (("--address", "0x" + "9" * 40), "is not watched"),
        (("--address", SHOP), "is nothing that is watched now"),
        (("--chain", "bitcoin"), "is nothing that is watched now"),
    ],
)
def test_what_is_not_known_is_an_error(tmp_path: Path, args: tuple[str, ...], words: str) -> None:
    with unheld(tmp_path) as scene:
        assert words in scene.home.run("reconcile", *args, code=2)


def test_some_are_chosen_by_case_label_and_chain(tmp_path: Path) -> None:
    with unheld(tmp_path) as scene:
        assert len(held(scene.home, "--case", "case-1")) == 2
        assert [e["address"] for e in held(scene.home, "--address", "label b")] == [BOB]
        assert len(held(scene.home, "--chain", "DEV", "--address", f"dev:{ALICE}")) == 1


def test_poll_holds_what_is_due_once(tmp_path: Path) -> None:
    with unheld(tmp_path) as scene:
        scene.home.run("poll")
        first = scene.home.sql("SELECT subject, at FROM balance")
        assert len(first) == 2
        scene.home.run("poll")
        assert scene.home.sql("SELECT subject, at FROM balance") == first


# -- whose turn it is ----------------------------------------------------------------------


def waiting(name: str, **more: Any) -> Waiting:
    given: dict[str, Any] = {"severe": False, "held": 0, "due": DAY, **more}
    return Waiting(Subject("dev", name), **given)


def turns(now: int, *each: Waiting) -> tuple[list[str], list[str]]:
    turn, more = in_order(each, {"dev": DEV}, now)
    return [s.address for s in turn], [s.address for s in more]


def test_the_severe_go_first_then_who_has_waited_longest() -> None:
    now = 2 * DAY
    assert turns(
        now,
        waiting("late", due=DAY),
        waiting("later", due=DAY - 1),
        waiting("severe", due=now, severe=True),
        waiting("not yet", due=now + 1, held=now - 10),
        waiting("never", held=None, due=0),
    ) == (["severe", "never", "later", "late"], [])


def test_news_bring_an_address_forward_once_its_rows_are_final() -> None:
    told = 10_000
    final = told + 12 * 12 + 60
    moved = waiting("moved", held=told - NEWS_EVERY, news=told)
    assert turns(final - 1, moved) == ([], [])
    assert turns(final, moved) == (["moved"], [])
    # Held since: its turn is that of the day again.
    assert turns(final + 1, waiting("moved", held=final, news=told)) == ([], [])
    # However often it moves, it is held once an hour at most.
    assert turns(final, waiting("moved", held=told + 1, news=told)) == ([], [])


def test_severe_ones_are_held_more_often_where_there_is_room() -> None:
    severe = waiting("severe", severe=True, held=0, due=DAY)
    assert turns(SEVERE_EVERY - 1, severe) == ([], [])
    assert turns(SEVERE_EVERY, severe) == ([], ["severe"])


# -- within the budget ---------------------------------------------------------------------


def test_what_regular_passes_need_is_left_to_them() -> None:
    limit, regular = 100_000, 90_000 / DAY
    # A new day: four tenths of the tenth that passes leave.
    assert spare(limit, 0, regular, DAY, DAY, BALANCES) == 4_000
    assert spare(limit, 4_000, regular, DAY, DAY, BALANCES) == 0
    # Nobody else used theirs by noon: half of that is free too.
    assert spare(limit, 45_000, regular, DAY, DAY // 2, BALANCES) == 7_000
    # Histories used more than theirs: balances wait.
    assert spare(limit, 45_000 + 9_000, regular, DAY, DAY // 2, BALANCES) == 0
    # Passes that use a budget up leave nothing.
    assert spare(1_000, 0, 1.0, DAY, DAY, BALANCES) == 0


def test_where_a_budget_has_no_room_polling_goes_on_and_nothing_is_held(tmp_path: Path) -> None:
    """Passes every two seconds would use all of it up."""
    with unheld(tmp_path) as scene:
        row = configured(scene.explorer, calls_per_day=60)
        scene.home.write("config/sources.yaml", {"sources": {"mine": row}})
        scene.home.write("watchlist.yaml", watchlist(entry(ALICE, severity="severe"), entry(BOB)))
        scene.home.run("poll")
        assert kept(scene) == []


# -- what check says of it -----------------------------------------------------------------


def balances_of_check(scene: Scene) -> str:
    said = scene.home.run("check", "--offline", code=None)
    return " ".join(said.partition("BALANCES")[2].partition("PRIVACY")[0].split())


def test_check_says_what_it_costs_and_what_a_budget_allows(tmp_path: Path) -> None:
    with unheld(tmp_path) as scene:
        assert "2 addresses are held against the chain about once a day" in balances_of_check(scene)
        # A pass of 14 calls each two hours: 168 of 178 calls a day, of the others four tenths.
        row = configured(scene.explorer, calls_per_day=178)
        scene.home.write("config/sources.yaml", {"sources": {"mine": row}})
        scene.home.write("config/settings.yaml", {"every": 7200, "prices": "none"})
        said = balances_of_check(scene)
        assert "More often mine does not allow, of whose budget passes leave 4 calls a day" in said
        assert "about every 2 d" in said


def test_check_names_the_chains_of_which_nobody_says_balances() -> None:
    found = cost_of_balances({"dev": [Holding(ALICE)]}, {"dev": ()}, {}, {})
    assert (found.without, found.calls, found.addresses) == (("dev",), {}, 0)
    assert words(found, 1, {"dev": DEV}) == "No source says what addresses hold on Dev."


# -- tokens that nobody asks about any more ------------------------------------------------


def spam(first: int, count: int) -> list[Tx]:
    """Tokens of strangers, each sent to Alice."""
    sent = [
        TokenMove("ERC-20", f"0x{'e' * 30}{n:010x}", BANK, ALICE, 7)
        for n in range(first, first + count)
    ]
    return [
        Tx(f"0x{n:064x}", BANK, each.contract, nonce=n, tokens=(each,))
        for n, each in enumerate(sent, first)
    ]


def test_a_token_that_is_not_held_any_more_does_not_bring_its_address_forward(
    tmp_path: Path,
) -> None:
    """Of many tokens those that moved last are held: what was kept of the others would be due for
    ever, and its address the first one in every round."""
    with unheld(tmp_path) as scene:
        for first, count in ((1, OTHERS), (100, 5)):
            scene.ledger.mine(spam(first, count))
            for _ in range(20):
                scene.ledger.mine()
            scene.home.sql("UPDATE scope SET due = 0")
            scene.home.sql("UPDATE balance SET at = at - ?, due = due - ?", 2 * DAY, 2 * DAY)
            scene.home.run("poll")
        assert scene.home.sql("SELECT count(*) FROM balance WHERE due < ?", now()) == [(0,)]
        mine = scene.home.sql("SELECT count(*) FROM balance WHERE subject LIKE ?", f"%{ALICE}")
        assert mine == [(1 + OTHERS,)]


# -- what goes wrong, and what takes long --------------------------------------------------


def test_a_fault_at_one_address_costs_no_other_its_turn_and_is_told(tmp_path: Path) -> None:
    """The job as a whole works then, so that nothing else would show it."""
    with staged(tmp_path) as scene:
        scene.home.run("reconcile")
        scene.home.sql("UPDATE balance SET at = at - 99999, due = 0")
        scene.home.sql("UPDATE balance SET figure = '{}' WHERE subject LIKE ?", f"%{ALICE}")

        def told_and_others_held() -> bool:
            key = "fault:balances:addresses"
            bad = "SELECT 1 FROM incident WHERE key = ? AND closed IS NULL"
            fresh = "SELECT subject FROM balance WHERE due > 0"
            held = {subject for (subject,) in scene.home.sql(fresh)}
            return bool(scene.home.sql(bad, key)) and held == {Subject("dev", BOB).key}

        with scene.home.daemon() as process:
            wait_for(told_and_others_held, 60, scene.home.log)
            stop(process)


def read_spam(scene: Scene) -> None:
    """Eight unverified tokens of ALICE, final and read, and nothing held against the chain."""
    scene.ledger.mine(spam(1, 8))
    for _ in range(20):
        scene.ledger.mine()
    scene.home.sql("UPDATE scope SET due = 0")
    scene.home.run("poll")
    scene.home.sql("DELETE FROM balance")


def test_each_question_is_a_sign_of_life(tmp_path: Path) -> None:
    """A group may take longer than the watchdog waits for a job that does nothing."""
    with unheld(tmp_path) as scene:
        read_spam(scene)
        scene.explorer.knobs("dev", "etherscan").delay = 0.25
        with open_home(scene.home.path, os.environ) as app:
            app.reload()
            at_work = threading.Thread(target=app.balancing.round)
            began = time.monotonic()
            at_work.start()
            longest = 0.0
            while at_work.is_alive():
                at_work.join(0.05)
                longest = max(longest, time.monotonic() - app.balancing.signs.moved_at)
            took = time.monotonic() - began
    assert took > 2.5
    assert longest < took / 2


def test_where_the_first_source_is_down_the_budget_of_the_next_counts(tmp_path: Path) -> None:
    with unheld(tmp_path) as scene:
        down = {"kind": "evm_rpc", "url": "http://127.0.0.1:9", "rate_per_second": 1000}
        row = configured(scene.explorer, calls_per_day=60)
        scene.home.write("config/sources.yaml", {"sources": {"node": down, "mine": row}})
        chain = {**dev_chain("node", "mine"), "read": "addresses"}
        scene.home.write("config/chains.yaml", {"chains": {"dev": chain}})
        scene.home.run("poll", code=None)
        assert [state for _, state in kept(scene) if state == "reconciled"] == []


def test_what_was_never_held_counts_with_all_its_tokens(tmp_path: Path) -> None:
    """Else one group of new addresses would take many times the calls that there are."""
    with unheld(tmp_path) as scene:
        read_spam(scene)
        with open_home(scene.home.path, os.environ) as app:
            found = balance_due.holdings(app.store, [Subject("dev", ALICE), Subject("dev", BOB)])
    assert {s.address: len(mine) for s, mine in found.items()} == {ALICE: 9, BOB: 1}


def test_poll_holds_one_group_after_the_other(tmp_path: Path) -> None:
    """No pass is under way that would want its turn of the source."""
    with unheld(tmp_path) as scene:
        scene.ledger.mine(spam(1, 39))
        for _ in range(20):
            scene.ledger.mine()
        scene.home.sql("UPDATE scope SET due = 0")
        scene.home.run("poll")
        assert {subject for subject, _ in kept(scene)} == {f"dev/{ALICE}", f"dev/{BOB}"}


def test_what_differs_waits_where_a_budget_has_no_room_to_read_its_lists_again(
    tmp_path: Path,
) -> None:
    """A list that falls behind for all addresses would be read again for each of them."""
    with unheld(tmp_path) as scene:
        scene.ledger.mine([Tx(f"0x{9:064x}", BANK, SHOP, 1, changes=(Change(ALICE, -(10**9)),))])
        for _ in range(20):
            scene.ledger.mine()
        scene.home.sql("UPDATE scope SET due = 0")
        scene.home.run("poll")
        scene.home.sql("DELETE FROM balance")
        scene.home.sql("DELETE FROM finding")
        with open_home(scene.home.path, os.environ) as app:
            app.reload()
            (waits,) = app.reconciler.check([Subject("dev", ALICE)], lambda _source: False)
            (looked,) = app.reconciler.check([Subject("dev", ALICE)])
    assert "its blocks are still to be read again" in waits.reason
    assert "mine listed nothing new" in looked.reason


def test_of_very_many_movements_no_sum_is_worked_out(tmp_path: Path) -> None:
    """All of them at once would take the memory that reading needs."""
    with unheld(tmp_path) as scene:
        columns = [row[1] for row in scene.home.sql("PRAGMA table_info(transfer)")]
        copied = ", ".join({"id": "NULL", "leg": "'copy ' || n.value"}.get(c, c) for c in columns)
        scene.home.sql(
            "INSERT INTO transfer WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 "
            f"FROM n WHERE value <= ?) SELECT {copied} FROM n, (SELECT * FROM transfer "
            "WHERE recipient = ? LIMIT 1)",
            *(MOST_ROWS, ALICE),
        )
        (one,) = held(scene.home, "--address", ALICE)
    assert (one["state"], one["recorded"]) == ("cannot_check", None)
    assert one["reason"].startswith("too many movements")
