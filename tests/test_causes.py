"""What lists on demand, receipts and logs say where a balance differs: as a person sees it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from world.evm_feed import EvmFeed
from world.evm_world import Step, calldata, created_by, deploy_data, send_block
from world.home import ALICE, BOB, Home, Scene, configured, dev_chain, evm_home, staged
from world.parts import Rpc, anvil

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger
from monitor.demo.world.moves import Tx, Withdrawal
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


def test_what_was_looked_for_too_early_is_looked_for_again_before_it_is_told(
    tmp_path: Path,
) -> None:
    """Withdrawals are not asked for before their block is final. Blocks come faster than the
    chain's settings say: nobody is told of one that is only not asked for yet."""
    with staged(tmp_path) as scene:
        home = scene.home
        blocks(scene, 20)
        home.run("poll")
        held(home)
        scene.ledger.mine(withdrawals=[Withdrawal(7, 1, ALICE, REWARD)])
        blocks(scene, 1)
        home.run("poll")
        (one,) = held(home, code=None)
        assert one["state"] == "unexplained"
        blocks(scene, 20)
        home.run("poll")
        (one,) = held(home, code=None)
        assert one["state"] == "reconciled"
        assert [row["tx"] for row in home.transfers() if row["kind"] == "withdrawal"]
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
    for n in range(2 * causes.FEES + 5):
        ledger.mine([Tx(f"0x{n + 2:064x}", ALICE, BOB, 10**15, parent_fee=10**13)])
    for _ in range(30):
        ledger.mine()
    with Explorer() as explorer:
        home = rollup(explorer, tmp_path, ledger)
        home.run("poll")
        said = [one for _ in range(3) for one in held(home, code=None)]
        assert {each["state"] for each in said} == {"cannot_check", "reconciled"}
        assert (said[-1]["state"], said[-1]["difference"]) == ("reconciled", "0")
        (last,) = [each for each in said if each["difference"] == str(-5 * 10**13)]
        assert last["reason"] == "fees are told in part: 5 receipts not looked up yet"
        assert {a["kind"] for a in home.alerts()} <= {"history", "notice"}


@pytest.mark.parametrize(
    ("missing", "state"), [(10**15, "cannot_check"), (5 * 10**17, "unexplained")]
)
def test_what_fees_can_be_is_no_difference_and_what_they_cannot_is_one(
    tmp_path: Path, missing: int, state: str
) -> None:
    """Where receipts do not tell what the parent chain was paid."""
    ledger = AccountLedger(time=int(time.time()) - 3600)
    ledger.mine([Tx(f"0x{1:064x}", BOB, ALICE, 10**18)])
    ledger.mine([Tx(f"0x{2:064x}", ALICE, BOB, 10**15)])
    ledger.vanish(ALICE, missing)
    for _ in range(30):
        ledger.mine()
    with Explorer() as explorer:
        home = rollup(explorer, tmp_path, ledger)
        home.run("poll")
        (one,) = held(home, code=None)
        assert (one["state"], one["difference"]) == (state, str(-missing))


# -- a real node: what moved inside, what a contract wrote -----------------------------------------

BURN = "0xcc16f5dbb4873280815c1ee09dbd06736cffcc184412cf7a71a0fdb75d397ca5"
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TOKEN = "0x" + "70" * 20
PAYER = "0x" + "e1" * 20
# balanceOf(a) is what lies at slot a. 01000000 a n adds n and emits a Transfer from nobody; any
# other call takes n away and emits Burn(a, n).
_BURNS = f"6024356004355403600435556024356000526004357f{BURN[2:]}60206000a200"
_MINTS = f"5b60243560043554016004355560243560005260043560007f{TRANSFER[2:]}60206000a300"
_SAYS = "5b6004355460005260206000f3"


def token_code() -> str:
    head = "3660241460{:02x}5760003560f81c60011460{:02x}57"
    mint = len(head.format(0, 0)) // 2 + len(_BURNS) // 2
    says = mint + len(_MINTS) // 2
    return "0x" + head.format(says, mint) + _BURNS + _MINTS + _SAYS


def moves(how: str, address: str, amount: int) -> str:
    return how + address[2:].rjust(64, "0") + f"{amount:064x}"


@dataclass
class Real:
    """A home over a node and an explorer of Etherscan's form that lists what the node did."""

    rpc: Rpc
    feed: EvmFeed
    explorer: Explorer
    home: Home
    nonces: Counter[str]

    def send(self, to: str | None, value: int = 0, data: str = "0x") -> str:
        ((tx, _),) = send_block(self.rpc, self.nonces, [Step(PAYER, to, value, data)])
        self.feed.sync()
        return tx

    def mine(self, number: int) -> None:
        for _ in range(number):
            self.rpc.call("evm_mine")
        self.feed.sync()


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    with anvil() as rpc, Explorer() as explorer:
        rpc.call("anvil_setBalance", PAYER, hex(10**21))
        rpc.call("anvil_setCode", TOKEN, token_code())
        ledger = AccountLedger()
        feed = EvmFeed(rpc, ledger)
        feed.sync()
        explorer.add("dev", ledger, "etherscan", chain_id=31337)
        home = evm_home(tmp_path, explorer.url("dev", "etherscan"), "etherscan", [ALICE])
        rows = {
            "node": {"kind": "evm_rpc", "url": rpc.url, "rate_per_second": 1000},
            "mine": {
                "kind": "etherscan", "url": explorer.url("dev", "etherscan"),
                "rate_per_second": 1000, "index_lag": 0,
            },
        }  # fmt: skip
        home.write("config/sources.yaml", {"sources": rows})
        chain = dev_chain("mine", "node", finality=1)
        home.write("config/chains.yaml", {"chains": {"dev": chain}})
        asset = {"symbol": "COIN", "decimals": 6, "source": "its deployer", "date": "2026-11-01"}
        home.write("config/assets.yaml", {"assets": {"dev": {TOKEN: asset}}})
        yield Real(rpc, feed, explorer, home, Counter())


def test_an_internal_transfer_that_a_list_hides_is_found_by_a_nodes_traces(real: Real) -> None:
    real.send(None, data=deploy_data("Forwarder"))
    forwarder = created_by(PAYER, 0)
    real.mine(3)
    real.home.run("poll")
    assert {each["state"] for each in held(real.home)} == {"reconciled"}
    tx = real.send(forwarder, 5 * 10**17, calldata("Forwarder", "forward", ALICE))
    real.explorer.knobs("dev", "etherscan").hidden.add(("internal", tx))
    real.mine(1)
    real.home.run("poll")
    assert [row for row in real.home.transfers() if row["tx"] == tx] == []
    assert {each["state"] for each in held(real.home)} == {"reconciled"}
    (row,) = [row for row in real.home.transfers() if row["tx"] == tx]
    assert (row["kind"], row["from"], row["amount"]) == ("internal", forwarder, str(5 * 10**17))
    assert row["sources"] == ["node"]
    assert [a["tx"] for a in real.home.alerts() if a["kind"] in ("movement", "late")] == [tx]
    # The list shows it after all: the same row, and nothing more is told.
    real.explorer.knobs("dev", "etherscan").hidden.clear()
    real.mine(1)
    real.home.run("poll")
    (again,) = [row for row in real.home.transfers() if row["tx"] == tx]
    assert again["leg"] == row["leg"]
    assert len([a for a in real.home.alerts() if a["tx"] == tx]) == 1


def test_what_a_tokens_contract_wrote_is_a_lead(real: Real) -> None:
    """Burnt without a Transfer: no list holds it; the log that names the address is shown."""
    real.send(TOKEN, data=moves("0x01000000", ALICE, 7_000_000))
    real.mine(3)
    real.home.run("poll")
    assert {each["state"] for each in held(real.home)} == {"reconciled"}
    tx = real.send(TOKEN, data=moves("0x02000000", ALICE, 4_000_000))
    height = int(real.rpc.call("eth_blockNumber"), 16)
    lies = real.explorer.knobs("dev", "etherscan").false_balance
    lies[ALICE, TOKEN] = -4_000_000  # the ledger behind it knows Transfers only
    real.mine(2)
    real.home.run("poll")
    (one,) = [h for h in held(real.home, code=None) if h["asset"]["contract"] == TOKEN]
    assert (one["state"], one["difference"]) == ("unexplained", "-4000000")
    assert "1 event of the token's contract" in one["reason"]
    ((looked,),) = real.home.sql("SELECT looked FROM finding WHERE closed IS NULL")
    (lead,) = json.loads(looked)["leads"]
    assert (lead["tx"], lead["height"], lead["source"]) == (tx, height, "node")
    assert "the event Burn with the number 4.000000 COIN" in lead["what"]
