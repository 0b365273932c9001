"""A second operator's word on what is read: over the local explorer, in two styles as two
operators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from world.evm_feed import EvmFeed
from world.evm_world import build
from world.home import (
    ALICE,
    BOB,
    SHOP,
    Scene,
    configured,
    dev_chain,
    evm_home,
    payment,
    staged,
    stop,
    wait_for,
)
from world.parts import anvil

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger, Record
from monitor.demo.world.moves import Tx
from monitor.loops.clock import now

DEPTH = 14  # blocks under which all is final


@contextmanager
def two(
    path: Path, *, operators: tuple[str, str] = ("one", "two"), **more: object
) -> Iterator[Scene]:
    """A scene whose chain is read from `mine`, and of which `other` is asked too."""
    with staged(path) as scene:
        rows = {
            "mine": configured(scene.explorer, operator=operators[0]),
            "other": configured(scene.explorer, "blockscout", operator=operators[1], **more),
        }
        scene.home.write("config/chains.yaml", {"chains": {"dev": dev_chain("mine", "other")}})
        scene.home.write("config/sources.yaml", {"sources": rows})
        yield scene


def bury(scene: Scene) -> None:
    for _ in range(DEPTH):
        scene.ledger.mine()
    scene.ledger.mine(time=now())


def hide(scene: Scene, style: str, tx: str) -> None:
    for stream in ("native", "internal"):
        scene.explorer.knobs("dev", style).hidden.add((stream, tx))


def words(scene: Scene) -> dict[str, tuple[str, int, int]]:
    """By watched address: who gave a second word on its coin, and in what it differs."""
    rows = scene.home.sql(
        "SELECT s.address, w.source, w.more, w.less FROM second_word w "
        "JOIN scope s ON s.key = w.subject WHERE w.stream = 'native'"
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def counted(scene: Scene, what: str) -> dict[str, int]:
    rows = scene.home.sql("SELECT source, sum(n) FROM score WHERE what = ? GROUP BY 1", what)
    return {row[0]: row[1] for row in rows}


def moved(scene: Scene, tx: str) -> list[dict[str, Any]]:
    """Movements of a transaction, without its fee."""
    return [t for t in scene.home.transfers("--tx", tx) if t["kind"] != "fee"]


def calls(scene: Scene, style: str) -> int:
    return sum(n for (_, of, _), n in scene.explorer.calls.items() if of == style)


def test_what_only_the_second_lists_is_told_late_and_counted(tmp_path: Path) -> None:
    with two(tmp_path) as scene:
        (tx,) = scene.pay((ALICE, SHOP))
        hide(scene, "etherscan", tx)
        bury(scene)
        scene.home.run("poll")
        (row,) = moved(scene, tx)
        assert (row["sources"], row["status"]) == (["other"], "final")
        (alert,) = [a for a in scene.home.alerts() if a["tx"] == tx]
        assert alert["kind"] == "late"
        assert row["not_listed_by"] == ["mine"]
        said = " ".join(scene.home.run("alerts", "show", alert["id"]).split())
        assert "Only other lists it; mine, asked up to block" in said
        assert "only other lists it; mine, asked up to" in scene.home.run("transfers", "--tx", tx)
        assert words(scene)[ALICE][:2] == ("other", 1)
        assert counted(scene, "missing") == {"mine": 1}
        told = " ".join(scene.home.run("status").split())
        assert "2 of 2 addresses with a second operator's word" in told
        assert "1 movement listed by the second alone, 0 not by it" in told
        assert "mine on dev, in 7 days: left out 1 movement" in told
        assert counted(scene, "wrong") == {}


def test_what_the_second_leaves_out_stays_and_is_counted(tmp_path: Path) -> None:
    with two(tmp_path) as scene:
        (tx,) = scene.pay((ALICE, SHOP))
        hide(scene, "blockscout", tx)
        bury(scene)
        scene.home.run("poll")
        (row,) = moved(scene, tx)
        assert (row["sources"], row["status"]) == (["mine"], "final")
        assert words(scene)[ALICE] == ("other", 0, 1)
        assert counted(scene, "missing") == {"other": 1}
        assert row["not_listed_by"] == ["other"]
        assert [a["kind"] for a in scene.home.alerts() if a["tx"] == tx] == ["movement"]


def test_one_operator_under_two_names_is_not_asked_twice(tmp_path: Path) -> None:
    with two(tmp_path, operators=("one", "one")) as scene:
        scene.pay((ALICE, SHOP))
        bury(scene)
        scene.home.run("poll")
        assert words(scene) == {}
        assert "No second operator is set up: dev (" in scene.home.run("status")
        assert calls(scene, "blockscout") == 0


def test_a_second_source_that_is_behind_is_not_held_against_it(tmp_path: Path) -> None:
    with two(tmp_path) as scene:
        (tx,) = scene.pay((ALICE, SHOP))
        bury(scene)
        scene.explorer.knobs("dev", "blockscout").lag["head"] = DEPTH
        scene.home.run("poll")
        assert words(scene)[ALICE] == ("other", 0, 0)
        assert counted(scene, "missing") == {}
        (row,) = moved(scene, tx)
        assert row["sources"] == ["mine"]
        assert "not_listed_by" not in row


def test_what_a_source_lists_only_later_is_how_late_it_is(tmp_path: Path) -> None:
    """The first leaves it out of a list it reads past, and has it when that is read again."""
    with two(tmp_path) as scene:
        (tx,) = scene.pay((ALICE, SHOP))
        hide(scene, "etherscan", tx)
        bury(scene)
        scene.home.run("poll")
        assert counted(scene, "late") == {}
        scene.explorer.knobs("dev", "etherscan").hidden.clear()
        scene.home.sql("UPDATE scope SET deep = 0, due = 0")
        scene.home.run("poll")
        assert sorted(moved(scene, tx)[0]["sources"]) == ["mine", "other"]
        assert counted(scene, "late") == {"mine": 1}


def test_the_lists_of_the_first_come_late_without_any_other(tmp_path: Path) -> None:
    with staged(tmp_path) as scene:
        (tx,) = scene.pay((ALICE, SHOP))
        hide(scene, "etherscan", tx)
        bury(scene)
        scene.home.run("poll")
        scene.explorer.knobs("dev", "etherscan").hidden.clear()
        scene.home.sql("UPDATE scope SET deep = 0, due = 0")
        scene.home.run("poll")
        assert len(moved(scene, tx)) == 1
        assert counted(scene, "late")["mine"] >= 1


def test_a_second_word_keeps_to_a_tenth_of_what_is_left(tmp_path: Path) -> None:
    """Of eighty calls eight: one address is asked for, the other one waits and that is said."""
    with two(tmp_path, calls_per_day=80) as scene:
        scene.pay((ALICE, SHOP), (SHOP, BOB))
        bury(scene)
        scene.home.run("poll")
        assert list(words(scene)) == [ALICE]  # of severity high, the other is medium
        (note,) = scene.home.sql("SELECT value FROM note WHERE key = 'second'")
        assert json.loads(note[0])["budget"] == {"other": 1}
        spent = scene.home.sql("SELECT used FROM budget WHERE key = 'second:other' "
                               "AND seconds = 86400")  # fmt: skip
        assert 0 < spent[0][0] <= 8
        assert (
            "1 address waiting: what second words may take of the budget of other is used up"
            in (" ".join(scene.home.run("status").split()))
        )


def test_nobody_is_asked_twice_for_what_both_have_read(tmp_path: Path) -> None:
    with two(tmp_path) as scene:
        scene.pay((ALICE, SHOP))
        bury(scene)
        scene.home.run("poll")
        assert words(scene)[ALICE] == ("other", 0, 0)
        scene.home.sql("UPDATE second_word SET at = 0")
        scene.explorer.forget_calls()
        scene.home.run("poll")
        assert calls(scene, "blockscout") == 0


class Liar(AccountLedger):
    """The same chain, with a payment in lists that never was."""

    made_up: Record[Tx]

    @classmethod
    def of(cls, ledger: AccountLedger, made_up: Record[Tx]) -> Liar:
        liar = cls()
        liar.__dict__ = {**ledger.__dict__, "made_up": made_up}
        return liar

    def records(
        self, stream: str, address: str, lo: int = 0, hi: int | None = None
    ) -> list[Record[Tx]]:
        found = super().records(stream, address, lo, hi)
        it = self.made_up
        mine = (stream, address) == ("native", it.tx.sender) and lo <= it.height
        if mine and (hi is None or it.height <= hi):
            found = sorted([*found, it], key=lambda record: record.height)
        return found


def test_a_movement_that_never_was_is_held_against_who_lists_it(tmp_path: Path) -> None:
    """The second shows a payment of which the chain knows nothing: others are asked for it by its
    hash, and it is counted for whoever made it up."""
    with two(tmp_path) as scene, Explorer() as liar, Explorer() as third:
        scene.pay((BOB, SHOP))
        invented = payment(900, ALICE, SHOP, 7)
        liar_ledger = Liar.of(scene.ledger, Record("native", scene.ledger.head, invented, 9))
        bury(scene)
        liar.add("dev", liar_ledger, "blockscout", chain_id=31337)
        third.add("dev", scene.ledger, "etherscan", chain_id=31337)
        rows = {
            "mine": configured(scene.explorer, operator="one"),
            "other": configured(liar, "blockscout", operator="two"),
            "third": configured(third, operator="three"),
        }
        scene.home.write("config/sources.yaml", {"sources": rows})
        chain = dev_chain("mine", "other", "third")
        scene.home.write("config/chains.yaml", {"chains": {"dev": chain}})
        scene.home.run("poll")
        assert counted(scene, "missing") == {}
        assert counted(scene, "wrong") == {"other": 1}
        (alert,) = [a for a in scene.home.alerts() if a["tx"] == invented.hash]
        said = " ".join(scene.home.run("alerts", "show", alert["id"]).split())
        assert "Second source mine DOES NOT SHOW IT" in said
        assert "Only other lists it; mine, asked up to block" in said


def test_high_alerts_have_a_second_operators_word(tmp_path: Path) -> None:
    with two(tmp_path) as scene:
        (tx,) = scene.pay((ALICE, SHOP))  # of severity high
        (of_bob,) = scene.pay((BOB, SHOP))
        scene.home.run("poll")
        said = {a["tx"]: " ".join(scene.home.run("alerts", "show", a["id"]).split())
                for a in scene.home.alerts()}  # fmt: skip
        assert "Second source other agrees" in said[tx]
        assert "Second source: not asked." in said[of_bob]


def test_a_kill_while_a_second_is_asked_loses_nothing(tmp_path: Path) -> None:
    with two(tmp_path) as scene:
        (tx,) = scene.pay((ALICE, SHOP))
        hide(scene, "etherscan", tx)
        bury(scene)
        knobs = scene.explorer.knobs("dev", "blockscout")
        knobs.delay = 5.0
        process = scene.home.start("poll")
        scene.explorer.forget_calls()
        wait_for(lambda: calls(scene, "blockscout") > 0, 60)
        process.kill()
        process.wait(10)
        assert scene.home.sql("SELECT 1 FROM transfer WHERE tx = ?", tx) == []
        knobs.delay = 0.0
        scene.home.run("poll")
        assert [row["sources"] for row in moved(scene, tx)] == [["other"]]
        assert [a["kind"] for a in scene.home.alerts() if a["tx"] == tx] == ["late"]


def test_polling_makes_no_more_calls_for_a_second_word(tmp_path: Path) -> None:
    """What the first is asked is the same, whether there is a second or not; the second reads
    each list once."""
    first = {}
    for operators in (("one", "one"), ("one", "two")):
        folder = tmp_path / operators[1]
        folder.mkdir()
        with two(folder, operators=operators) as scene:
            scene.pay((BOB, SHOP))
            bury(scene)
            scene.explorer.forget_calls()
            scene.home.run("poll")
            first[operators] = calls(scene, "etherscan")
            seconds = calls(scene, "blockscout")
    assert len(set(first.values())) == 1, first
    lists = 5 * 2  # of two addresses
    assert lists <= seconds <= 2 * lists + 6, seconds


def test_the_daemon_asks_a_second_beside_its_passes(tmp_path: Path) -> None:
    with two(tmp_path) as scene:
        with scene.home.daemon() as process:
            wait_for(lambda: len(words(scene)) == 2, 90, scene.home.log)
            assert stop(process) == 0
        assert all(word == ("other", 0, 0) for word in words(scene).values())
        assert "fault" not in scene.home.log()


@pytest.mark.real
def test_two_operators_that_tell_the_truth_never_differ(tmp_path: Path) -> None:
    """A busy chain with every kind of movement: whatever one lists, the other does."""
    with anvil() as rpc, Explorer() as explorer:
        oracle = build(rpc, blocks=12, seed=5)
        ledger = AccountLedger()
        EvmFeed(rpc, ledger).sync()
        for _ in range(DEPTH):
            ledger.mine()
        explorer.add("dev", ledger, "etherscan", "blockscout", chain_id=31337)
        url = explorer.url("dev", "etherscan")
        home = evm_home(tmp_path, url, "etherscan", oracle.watchable(15), index_lag=0)
        row = {"kind": "blockscout", "url": explorer.url("dev", "blockscout"), "operator": "two"}
        first = {"kind": "etherscan", "url": url, "operator": "one", "index_lag": 0}
        rows = {"mine": first, "other": row | {"index_lag": 0}}
        rows = {name: each | {"rate_per_second": 1000} for name, each in rows.items()}
        home.write("config/sources.yaml", {"sources": rows})
        home.write("config/chains.yaml", {"chains": {"dev": dev_chain("mine", "other")}})
        home.run("poll")
        found = home.sql("SELECT count(*), sum(more), sum(less) FROM second_word")
        both = home.sql("SELECT count(DISTINCT transfer) FROM sighting WHERE source = 'other'")
        assert (found[0][0] > 30, found[0][1:]) == (True, (0, 0))
        assert both[0][0] > 300
        assert not [t for t in home.transfers() if "not_listed_by" in t]
        marks = home.sql("SELECT what, source, n FROM score WHERE what <> 'asked'")
        assert marks == []
