"""What no list explains, by real commands over the local explorer: found, told once, and over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from world.home import ALICE, BANK, BOB, SHOP, Scene, configured, dev_chain, payment, staged

from monitor.decide.telling import HOLD, HOLD_MOST
from monitor.demo.world.ledger import TokenName
from monitor.demo.world.moves import Internal, TokenMove, Tx
from monitor.demo.world.service import Knobs

TOKEN, FORGED = "0x" + "7" * 40, "0x" + "8" * 40
ETH = 10**18
STRANGERS = ["0x" + "1" * 40, "0x" + "2" * 40]
TWIN = "twin"  # another explorer of the same chain


@dataclass
class Story:
    """`staged` with a verified token, perhaps a second explorer."""

    scene: Scene
    number: int = 500

    @property
    def knobs(self) -> Knobs:
        return self.scene.explorer.knobs("dev", "etherscan")

    @property
    def other(self) -> Knobs:
        return self.scene.explorer.knobs(TWIN, "etherscan")

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.scene.ledger.mine()

    def tx(self, **more: Any) -> Tx:
        """A transaction that itself moves nothing to or from whoever is watched."""
        self.number += 1
        tx = replace(payment(self.number, BANK, SHOP, 0), **more)
        self.scene.ledger.mine([tx])
        return tx

    def inner(self, recipient: str, amount: int, *, hidden: bool = True) -> Tx:
        """A payment inside of a transaction, which the explorers may leave out."""
        tx = self.tx(internals=(Internal(BANK, recipient, amount),))
        if hidden:
            self.hide("internal", tx)
        return tx

    def token(self, sender: str, recipient: str, amount: int, contract: str = TOKEN) -> Tx:
        return self.tx(tokens=(TokenMove("ERC-20", contract, sender, recipient, amount),))

    def hide(self, stream: str, tx: Tx) -> None:
        for knobs in (self.knobs, self.other):
            knobs.hidden.add((stream, tx.hash))

    def show(self) -> None:
        """Lists show all, and are read again."""
        for knobs in (self.knobs, self.other):
            knobs.hidden.clear()
            knobs.lag.clear()
        self.scene.home.sql("UPDATE scope SET deep = 0")
        self.poll()

    def poll(self) -> None:
        self.scene.home.sql("UPDATE scope SET due = 0")
        self.scene.home.run("poll")

    def check(self) -> dict[tuple[str, str], dict[str, Any]]:
        """`fundwatch reconcile`, by address and symbol; of an unverified token by its contract."""
        said = self.scene.home.run("reconcile", "--format", "jsonl", code=None)
        lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        return {(x["address"], x["asset"]["symbol"] or x["asset"]["contract"]): x for x in lines}

    def states(self) -> dict[tuple[str, str], str]:
        return {key: line["state"] for key, line in self.check().items()}

    def later(self, seconds: int = HOLD) -> None:
        """Let time pass for what is looked for."""
        self.scene.home.sql("UPDATE finding SET found = found - ?", seconds)

    def age(self, seconds: int) -> None:
        """The blocks of what is looked for were so long ago, and it is time to look again."""
        self.scene.home.sql(
            "UPDATE finding SET looked = json_set(looked, '$.at', 0), "
            "after = json_set(after, '$.time', json_extract(after, '$.time') - ?)",
            seconds,
        )

    def told(self) -> list[dict[str, Any]]:
        return [a for a in self.scene.home.alerts() if a["kind"] == "unexplained"]

    def outlive(self) -> None:
        """All that could excuse a difference."""
        self.check()
        self.mine(14)
        self.poll()
        self.check()
        self.later()
        self.check()

    def sound(self) -> None:
        """At the end the record is what its log says."""
        assert "nothing differs" in self.scene.home.run("verify").lower()


@contextmanager
def story(
    path: Path, *, second: bool = False, whose: tuple[str, str] = ("", "")
) -> Iterator[Story]:
    with staged(path) as scene:
        scene.ledger.tokens[TOKEN] = TokenName("USDT", "Tether USD", 6)
        scene.ledger.tokens[FORGED] = TokenName("USDT", "Tether USD", 6)
        usdt = {"symbol": "USDT", "decimals": 6, "name": "Tether USD", "source": "a test",
                "date": "2026-01-01"}  # fmt: skip
        scene.home.write("config/assets.yaml", {"assets": {"dev": {TOKEN: usdt}}})
        scene.explorer.add(TWIN, scene.ledger, "etherscan", chain_id=31337)
        scene.explorer.knobs(TWIN, "etherscan").api_key = scene.explorer.knobs(
            "dev", "etherscan"
        ).api_key
        if second:
            twin = {**configured(scene.explorer), "url": scene.explorer.url(TWIN, "etherscan")}
            rows = {"mine": configured(scene.explorer), "twin": twin}
            for name, operator in zip(rows, whose, strict=True):
                rows[name] |= {"operator": operator} if operator else {}
            scene.home.write("config/sources.yaml", {"sources": rows})
            scene.home.write("config/chains.yaml", {"chains": {"dev": dev_chain("mine", "twin")}})
        made = Story(scene)
        made.poll()
        assert set(made.states().values()) == {"reconciled"}
        yield made


def test_a_hidden_movement_is_told_once_and_is_over_when_a_list_shows_it(tmp_path: Path) -> None:
    with story(tmp_path) as told:
        tx = told.inner(ALICE, 7 * ETH)
        line = told.check()[ALICE, "ETH"]
        assert (line["state"], line["difference"]) == ("unexplained", str(7 * ETH))
        assert told.told() == []  # its block can still be replaced, and lists may be behind
        told.outlive()
        (alert,) = told.told()
        assert alert["entry"]["address"] == ALICE
        assert alert["severity"] == "medium"  # more than recorded
        told.check()
        assert len(told.told()) == 1
        told.show()
        assert told.states() == dict.fromkeys([(ALICE, "ETH"), (BOB, "ETH")], "reconciled")
        told.check()
        late, over = told.scene.alerts("late"), told.told()[1:]
        assert [a["tx"] for a in late] == [tx.hash]
        assert [a["amends"] for a in over] == [alert["id"]]
        assert late[0]["id"] in json.dumps(over)
        told.sound()


def test_a_destroyed_balance_is_as_urgent_as_its_entry(tmp_path: Path) -> None:
    with story(tmp_path) as told:
        told.token(BANK, ALICE, 7_740_000)
        told.mine(14)
        told.poll()
        assert told.states()[ALICE, "USDT"] == "reconciled"
        told.scene.ledger.vanish(ALICE, 7_740_000, TOKEN)
        told.outlive()
        line = told.check()[ALICE, "USDT"]
        assert line["difference"] == "-7740000"
        assert (line["recorded"], line["on_chain"]) == ("7740000", "0")
        (alert,) = told.told()
        assert alert["severity"] == "high"
        told.scene.ledger.vanish(ALICE, -7_740_000, TOKEN)  # it is there again
        told.mine(14)
        told.poll()
        for _ in range(2):  # nobody is told so by one word
            told.mine()
            told.poll()
            assert told.states()[ALICE, "USDT"] == "reconciled"
        _, over = told.told()
        assert over["amends"] == alert["id"]
        told.sound()


def test_a_second_one_is_another_finding(tmp_path: Path) -> None:
    with story(tmp_path) as told:
        told.inner(ALICE, 7 * ETH)
        told.outlive()
        told.inner(ALICE, 2 * ETH)
        told.outlive()
        first, second = told.told()
        assert first["id"] != second["id"]
        assert told.check()[ALICE, "ETH"]["difference"] == str(9 * ETH)


def test_lists_that_lag_for_hours_make_no_alert(tmp_path: Path) -> None:
    """The balance is ahead of the lists, which say that they are read to the head."""
    with story(tmp_path) as told:
        for hour in range(5):
            told.knobs.lag = {"internal": 12, "erc20": 12, "native": 12}
            told.inner(BOB, ETH, hidden=False)
            told.token(BANK, ALICE, 5)
            told.mine(4)
            told.poll()
            told.later(3600 * (hour + 1))
            told.check()
            assert told.told() == []
        told.knobs.lag.clear()
        told.show()
        assert set(told.states().values()) == {"reconciled"}
        assert told.told() == []
        told.sound()


def test_a_forged_token_has_its_line_and_no_alert(tmp_path: Path) -> None:
    with story(tmp_path) as told:
        told.token(BANK, ALICE, 5, FORGED)
        told.scene.ledger.vanish(ALICE, -(10**30), FORGED)  # it answers what it likes
        told.outlive()
        assert told.check()[ALICE, FORGED]["state"] == "unexplained"
        assert told.told() == []
        assert told.scene.home.sql("SELECT count(*) FROM finding") == [(0,)]


@pytest.mark.parametrize("answers", [1, None])
def test_a_false_balance_makes_no_alert_while_another_says_otherwise(
    tmp_path: Path, answers: int | None
) -> None:
    with story(tmp_path, second=True) as told:
        told.knobs.false_balance[ALICE, ""] = 5 * ETH
        told.knobs.false_answers = answers
        line = told.check()[ALICE, "ETH"]
        assert line["state"] == "cannot_check"
        assert "mine says" in line["reason"]
        assert "twin says" in line["reason"]
        told.outlive()
        assert told.told() == []
        wrong = told.scene.home.sql("SELECT source FROM score WHERE what = 'wrong'")
        assert set(wrong) == {("mine",)}
        told.knobs.false_balance.clear()
        assert told.states()[ALICE, "ETH"] == "reconciled"


def test_another_source_is_the_second_word(tmp_path: Path) -> None:
    with story(tmp_path, second=True, whose=("one", "two")) as told:
        told.inner(ALICE, 7 * ETH)
        told.outlive()
        assert len(told.told()) == 1
        seconds = told.scene.home.sql("SELECT json_extract(after, '$.second') FROM finding")
        assert seconds == [("twin",)]
        told.knobs.limited = 429
        told.check()
        by = "SELECT source, second FROM balance WHERE state = 'unexplained'"
        assert told.scene.home.sql(by) == [("twin", "mine")]


def test_a_list_that_shows_what_strangers_moved_later_is_not_waited_for(tmp_path: Path) -> None:
    with story(tmp_path) as told:
        told.token(BANK, ALICE, 7)
        told.mine(14)
        told.poll()
        told.scene.ledger.vanish(ALICE, 5, TOKEN)
        assert told.check()[ALICE, "USDT"]["difference"] == "-5"
        told.token(BANK, STRANGERS[0], 3)
        height = told.scene.ledger.head.height
        told.mine(14)
        told.poll()
        told.check()
        (alert,) = told.told()
        assert f"mine lists movements of block {height:,} already" in json.dumps(alert)


def test_a_list_that_lacks_what_strangers_moved_is_behind_and_that_is_said(tmp_path: Path) -> None:
    """It is waited for longer than one of which nobody knows, and read once more before it is
    told, also where the hours are over: by then it has caught up."""
    with story(tmp_path) as told:
        told.token(BANK, ALICE, 7)
        told.mine(14)
        told.poll()
        told.knobs.lag = {"erc20": 40}
        told.token(BANK, ALICE, 5)
        told.check()
        for each in STRANGERS:
            told.token(BANK, each, 3)
        told.mine(14)
        told.poll()
        for seconds in (0, HOLD):
            told.later(seconds)
            line = told.check()[ALICE, "USDT"]
            assert "not told yet: mine is behind: it does not list what" in line["reason"]
        told.knobs.lag.clear()
        told.later(HOLD_MOST)
        assert told.check()[ALICE, "USDT"]["state"] == "reconciled"
        assert told.told() == []


def test_what_two_operators_do_not_list_is_not_waited_for(tmp_path: Path) -> None:
    """Both read the blocks after they were final, and neither was ever that late."""
    with story(tmp_path, second=True, whose=("one", "two")) as told:
        told.inner(ALICE, 7 * ETH)
        told.check()
        told.mine(14)
        told.poll()
        told.age(3600)
        told.check()
        (alert,) = told.told()
        assert alert["entry"]["address"] == ALICE


def test_what_one_operator_alone_lists_is_waited_for(tmp_path: Path) -> None:
    with story(tmp_path, second=True, whose=("one", "one")) as told:
        told.inner(ALICE, 7 * ETH)
        told.check()
        told.mine(14)
        told.poll()
        told.age(3600)
        told.check()
        assert told.told() == []


def test_another_source_of_the_same_operator_is_no_second_word(tmp_path: Path) -> None:
    """It can contradict; but what it repeats is one word."""
    with story(tmp_path, second=True, whose=("one", "one")) as told:
        told.inner(ALICE, 7 * ETH)
        told.outlive()
        assert len(told.told()) == 1
        ((said,),) = told.scene.home.sql("SELECT json_extract(after, '$.second') FROM finding")
        assert said.startswith("mine again at block ")


def test_what_only_the_other_lists_is_found_at_once(tmp_path: Path) -> None:
    with story(tmp_path, second=True) as told:
        tx = told.inner(ALICE, 7 * ETH)
        told.other.hidden.clear()
        assert told.states()[ALICE, "ETH"] == "reconciled"
        assert told.told() == []
        assert tx.hash in {t["tx"] for t in told.scene.home.transfers()}


def test_a_balance_of_a_block_that_was_replaced_is_forgotten(tmp_path: Path) -> None:
    with story(tmp_path) as told:
        told.inner(ALICE, 7 * ETH)
        assert told.states()[ALICE, "ETH"] == "unexplained"
        told.scene.ledger.reorg(1, [()])
        told.mine()
        told.poll()
        assert told.states()[ALICE, "ETH"] == "reconciled"
        told.outlive()
        assert told.told() == []


def test_one_cause_over_many_addresses_is_one_notice(tmp_path: Path) -> None:
    many = [f"0x{number:040x}" for number in range(16, 24)]
    with story(tmp_path) as told:
        rows = [{"address": a, "chain": "dev", "label": a[-2:]} for a in [ALICE, *many]]
        told.scene.home.write("watchlist.yaml", {"addresses": rows})
        told.poll()
        told.check()
        for address in many:
            told.inner(address, ETH)
        told.outlive()
        assert told.told() == []
        keys = told.scene.home.sql("SELECT key FROM incident WHERE closed IS NULL")
        assert ("balances:dev",) in keys
        told.scene.home.sql("UPDATE incident SET since = since - 90000")
        told.check()
        assert {a["entry"]["address"] for a in told.told()} == set(many)


def test_that_it_was_equal_is_not_forgotten_while_nobody_answers(tmp_path: Path) -> None:
    with story(tmp_path) as told:
        line = told.check()[ALICE, "ETH"]
        told.mine()
        for _ in range(2):  # it does not grow
            told.knobs.fail_next = 1000
            down = told.check()[ALICE, "ETH"]
            assert down["state"] == "cannot_check"
            assert down["reason"].startswith("no source: ")
            assert down["reason"].count("equal when last checked, at block") == 1
            assert f"at block {line['at']['height']} " in down["reason"]
