"""What lists on demand, receipts and logs say where a balance differs: as a person sees it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from world.home import ALICE, BOB, Home, Scene, configured, dev_chain, evm_home, staged

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger, Tx, Withdrawal
from monitor.loops import causes

GWEI = 10**9
REWARD = 17_104_157 * GWEI


def held(home: Home, code: int | None = 0) -> list[dict[str, Any]]:
    said = home.run("reconcile", "--address", ALICE, "--format", "jsonl", code=code)
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def blocks(scene: Scene, number: int) -> None:
    for _ in range(number):
        scene.ledger.mine()


def serve(scene: Scene, kind: str) -> None:
    scene.home.write("config/sources.yaml", {"sources": {"mine": configured(scene.explorer, kind)}})


def test_a_validators_withdrawal_is_found_by_the_balance_and_told(tmp_path: Path) -> None:
    """No list that is read always holds it; the balance says so, the list of withdrawals is read,
    it is told like every movement, and the difference is gone."""
    with staged(tmp_path) as scene:
        home = scene.home
        blocks(scene, 20)
        home.run("poll")
        assert [each["state"] for each in held(home)] == ["reconciled"]
        scene.ledger.mine(withdrawals=[Withdrawal(24_133_326, 564_618, ALICE, REWARD)])
        height = scene.ledger.head.height
        blocks(scene, 20)
        home.run("poll")
        assert [row for row in home.transfers() if row["kind"] == "withdrawal"] == []

        (one,) = held(home)
        assert (one["state"], one["difference"]) == ("reconciled", "0")
        (row,) = [row for row in home.transfers() if row["kind"] == "withdrawal"]
        assert row["tx"] == "withdrawal_24133326"
        assert (row["from"], row["to"], row["amount"]) == (None, ALICE, str(REWARD))
        assert (row["block_height"], row["status"]) == (height, "final")
        (alert,) = [each for each in home.alerts() if each["tx"] == row["tx"]]
        assert (alert["kind"], alert["lane"], alert["direction"]) == ("movement", "news", "in")
        shown = home.run("alerts", "show", alert["id"])
        assert "withdrawn by a validator" in shown
        assert "no transaction makes" in shown
        assert "from validators" in home.run("transfers", "--tx", row["tx"])

        home.run("poll")
        assert [each["state"] for each in held(home)] == ["reconciled"]
        assert len([a for a in home.alerts() if a["tx"] == row["tx"]]) == 1
        assert [a for a in home.alerts() if a["kind"] == "unexplained"] == []
        home.run("verify")


def test_what_is_not_final_yet_is_looked_for_and_not_told(tmp_path: Path) -> None:
    with staged(tmp_path) as scene:
        home = scene.home
        blocks(scene, 20)
        home.run("poll")
        held(home)
        scene.ledger.mine(withdrawals=[Withdrawal(7, 1, ALICE, REWARD)])
        home.run("poll")
        (one,) = held(home, code=None)
        assert (one["state"], one["difference"]) == ("unexplained", str(REWARD))
        assert [row for row in home.transfers() if row["kind"] == "withdrawal"] == []
        assert [a for a in home.alerts() if a["kind"] == "unexplained"] == []


def test_a_list_that_an_explorer_lacks_hides_no_other_one(tmp_path: Path) -> None:
    """A clone knows no withdrawals: its own lists go on, and the next source is asked."""
    with staged(tmp_path) as scene:
        home = scene.home
        rows = {
            "mine": configured(scene.explorer),
            "other": configured(scene.explorer, "blockscout"),
        }
        home.write("config/sources.yaml", {"sources": rows})
        home.write("config/chains.yaml", {"chains": {"dev": dev_chain("mine", "other")}})
        scene.explorer.knobs("dev", "etherscan").lacks = frozenset({"txsBeaconWithdrawal"})
        blocks(scene, 20)
        home.run("poll")
        held(home)
        scene.ledger.mine(withdrawals=[Withdrawal(7, 1, ALICE, REWARD)])
        blocks(scene, 20)
        home.run("poll")
        assert [each["state"] for each in held(home)] == ["reconciled"]
        (row,) = [row for row in home.transfers() if row["kind"] == "withdrawal"]
        assert row["sources"] == ["other"]


# -- fees of rollups ----------------------------------------------------------------------------


def rollup(explorer: Explorer, path: Path, ledger: AccountLedger) -> Home:
    """ALICE on a chain of Optimism's kind, whose lists leave out what it pays its parent chain."""
    explorer.add("dev", ledger, "etherscan", chain_id=10)
    home = evm_home(path, explorer.url("dev", "etherscan"), "etherscan", [ALICE], index_lag=0)
    home.write("config/chains.yaml", {"chains": {"dev": {**dev_chain("mine"), "chain_id": 10}}})
    return home


def test_what_fees_were_more_than_their_list_says_gets_rows_of_its_own(tmp_path: Path) -> None:
    ledger = AccountLedger(time=int(time.time()) - 3600)
    ledger.mine([Tx(f"0x{1:064x}", BOB, ALICE, 10**18)])
    shares = [3 * 10**13, 7 * 10**13, 10**6]
    for n, share in enumerate(shares):
        ledger.mine([Tx(f"0x{n + 2:064x}", ALICE, BOB, 10**15, parent_fee=share)])
    for _ in range(30):
        ledger.mine()
    with Explorer() as explorer:
        home = rollup(explorer, tmp_path, ledger)
        home.run("poll")
        before = {row["leg"]: row for row in home.transfers() if row["kind"] == "fee"}
        (one,) = held(home, code=None)
        rests = [row for row in home.transfers() if row["kind"] == "fee_rest"]
        after = {row["leg"]: row for row in home.transfers() if row["kind"] == "fee"}
        assert (one["state"], one["difference"]) == ("reconciled", "0")
        assert sorted(int(row["amount"]) for row in rests) == sorted(shares)
        assert all(row["status"] == "final" and row["to"] is None for row in rests)
        assert after == before
        assert {a["kind"] for a in home.alerts()} <= {"history", "notice"}
        home.run("verify")


def test_while_fees_are_being_looked_up_nothing_is_said_to_be_missing(tmp_path: Path) -> None:
    """So many receipts are asked for at a time; a fee that was more is no news."""
    ledger = AccountLedger(time=int(time.time()) - 3600)
    ledger.mine([Tx(f"0x{1:064x}", BOB, ALICE, 10**18)])
    for n in range(causes.FEES + 5):
        ledger.mine([Tx(f"0x{n + 2:064x}", ALICE, BOB, 10**15, parent_fee=10**13)])
    for _ in range(30):
        ledger.mine()
    with Explorer() as explorer:
        home = rollup(explorer, tmp_path, ledger)
        home.run("poll")
        (one,) = held(home, code=None)
        assert (one["state"], one["difference"]) == ("unexplained", str(-5 * 10**13))
        assert "what 5 transactions cost in all is not looked up yet" in one["reason"]
        (one,) = held(home, code=None)
        assert (one["state"], one["difference"]) == ("reconciled", "0")
        assert {a["kind"] for a in home.alerts()} <= {"history", "notice"}
