"""Transactions of Bitcoin's kind: one flow for all inputs and outputs, and mixes as ends."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.trail import BTC, ETH, Trail

from monitor.analysis.attribution.replay import Replay
from monitor.analysis.trace.flows import flows_of
from monitor.analysis.trace.steps import Flows
from monitor.model import Kind, Subject, Transfer
from monitor.model.flow import CONSERVING, FEES, Account, Ground, Spent
from monitor.model.trace import Name

DATA = Path(__file__).resolve().parents[2] / "shared/data/tx"
quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def bitcoin(**told: Any) -> Trail:
    return Trail(chain=BTC, **told)


def output(place: str) -> Account:
    return Account("bitcoin", place, "")


def spent(flows: Flows, n: int = 0) -> Spent:
    flow = flows.steps[n].flow
    assert isinstance(flow, Spent)
    return flow


def left(flows: Flows, method: str) -> dict[str, int]:
    """What is traced at the end, by holder."""
    replay = Replay()
    result = replay.run(flows_in(flows), Ground(flows.sources, flows.mixed))
    return {
        account.holder: int(sum(part.amount for part in found[method].values()))
        for account, found in result.left.items()
        if found.get(method)
    }


def flows_in(flows: Flows) -> list[Any]:
    """One flow for all steps of a transaction."""
    return list({step.flow.id: step.flow for step in flows.steps}.values())


def test_a_transaction_is_one_flow_and_a_step_for_each_output() -> None:
    trail = bitcoin(followed=["A"], prices={"": Decimal(100_000)})
    trail.spend(
        "t1",
        [("p:0", "S", 600), ("p:7", "X", 500), ("p:2", "S", 100)],
        [("A", 900), (None, 0), (None, 50), ("S", 200)],
    )
    flows = flows_of(trail.known())
    flow = spent(flows)
    assert [(a.holder, amount) for a, amount in flow.inputs] == [
        ("p:0", 600),
        ("p:7", 500),
        ("p:2", 100),
    ]
    assert [(a.holder, amount) for a, amount in flow.outputs] == [
        ("t1:0", 900),
        ("t1:1", 0),
        ("t1:2", 50),
        ("t1:3", 200),
    ]
    assert flow.usd == 1_200_000
    assert [(step.leg, step.part, step.amount) for step in flows.steps] == [
        ("out:0", 0, 900),
        ("out:2", 2, 50),
        ("out:3", 3, 200),
    ]
    assert {step.sender for step in flows.steps} == {Subject("bitcoin", "S")}
    assert flows.steps[0].recipient == flows.owner[output("t1:0")] == Subject("bitcoin", "A")
    assert flows.owner[output("t1:2")] == Subject("bitcoin", "t1:2")
    assert flows.sources == {output(p): "bitcoin/S" for p in ("p:0", "p:2", "t1:3")}


def test_ten_inputs_are_in_the_order_of_their_numbers() -> None:
    trail = bitcoin()
    trail.spend("t1", [(f"p:{n}", "S", n + 1) for n in range(12)], [("A", n) for n in range(1, 12)])
    flow = spent(flows_of(trail.known()))
    assert [amount for _, amount in flow.inputs] == list(range(1, 13))
    assert [amount for _, amount in flow.outputs] == list(range(1, 12))
    assert [step.part for step in flows_of(trail.known()).steps] == list(range(11))


def test_what_a_source_put_in_before_it_counts_is_clean() -> None:
    trail = bitcoin(followed=["A"], since=1020)
    trail.spend("t1", [("p:0", "S", 600)], [("A", 100), ("S", 500)])
    trail.spend("t2", [("t1:1", "S", 500)], [("A", 500)])
    flows = flows_of(trail.known())
    assert left(flows, "haircut") == {"t2:0": 500}


def test_created_coins_and_coins_that_nobody_sees_are_clean() -> None:
    trail = bitcoin(followed=["A"])
    trail.rows.append(
        replace(
            trail.fee("t1", "x"),
            transfer=Transfer(
                "bitcoin", "t1", "in:0", Kind.COINBASE, None, None, 50, block_height=1, time=1
            ),
        )
    )
    trail.rows.append(
        replace(
            trail.rows.pop(0),
            transfer=Transfer(
                "bitcoin", "t1", "out:0", Kind.UTXO_OUT, None, "A", 50, block_height=1, time=1
            ),
        )
    )
    trail.spend("t2", [("q:0", "S", 10)], [("A", 30)])
    flows = flows_of(trail.known())
    assert [amount for _, amount in spent(flows, 0).inputs] == [50]
    assert [a.holder for a, _ in spent(flows, 1).inputs] == ["q:0", "@origin:t2"]
    assert left(flows, "tainted_first") == {"t2:0": 10}


def test_what_is_spent_was_there_before_whatever_the_blocks_say() -> None:
    """In one block without places, and in a later block of an earlier time."""
    trail = bitcoin(followed=["A", "B", "C"])
    trail.spend("t9", [("p:0", "S", 100)], [("A", 100)], block_height=50, time=9000)
    trail.spend("t1", [("t9:0", "A", 100)], [("B", 100)], block_height=50, time=9000)
    trail.spend("t0", [("t1:0", "B", 100)], [("C", 100)], block_height=51, time=8000)
    flows = flows_of(trail.known())
    assert [step.tx for step in flows.steps] == ["t9", "t1", "t0"]
    assert [step.time for step in flows.steps] == [9000, 9000, 8000]
    assert flows.other is None
    assert left(flows, "libr") == {"t0:0": 100}


def whirlpool(trail: Trail, tx: str = "w", entrant: str = "S", outs: Sequence[str] = ()) -> None:
    """Vector U04."""
    others = [(f"r:{n}", f"R{n}", 1_000_000) for n in range(4)]
    owners = [*outs, *(f"O{n}" for n in range(5 - len(outs)))]
    trail.spend(tx, [("e:0", entrant, 1_000_300), *others], [(o, 1_000_000) for o in owners])


def test_a_mix_is_where_it_ends() -> None:
    trail = bitcoin(followed=["O1"])
    whirlpool(trail)
    trail.spend("t2", [("w:1", "O1", 1_000_000)], [("B", 999_000)])
    flows = flows_of(trail.known())
    assert flows.mixed == {output(f"w:{n}") for n in range(5)}
    assert {flows.owner[account] for account in flows.mixed} == {Subject("bitcoin", "w")}
    assert {step.recipient for step in flows.steps[:5]} == {Subject("bitcoin", "w")}
    assert "CoinJoin (Whirlpool)" in flows.steps[0].rule
    assert flows.steps[5].rule == ""
    for method in CONSERVING:
        found = left(flows, method)
        assert sum(found.values()) == 1_000_300, method
        assert all(holder.startswith("w:") or holder == FEES for holder in found), method


def test_what_comes_out_of_a_mix_to_a_source_came_back_to_it() -> None:
    trail = bitcoin()
    whirlpool(trail, outs=["S"])
    flows = flows_of(trail.known())
    assert flows.mixed == {output(f"w:{n}") for n in range(1, 5)}
    assert flows.owner[output("w:0")] == Subject("bitcoin", "S")


def test_of_what_is_made_ready_for_a_mix_the_change_goes_on() -> None:
    trail = bitcoin(followed=["C"])
    trail.spend(
        "z", [("p:0", "S", 2_100_000)], [(None, 0), ("F", 50_000), ("M", 1_000_500), ("C", 1000)]
    )
    flows = flows_of(trail.known())
    assert flows.mixed == {output("z:2")}
    assert flows.owner[output("z:3")] == Subject("bitcoin", "C")
    assert [bool(step.rule) for step in flows.steps] == [False, True, False]


def test_an_exchange_that_pays_equal_amounts_is_no_mixer() -> None:
    trail = bitcoin()
    trail.spend(
        "t1",
        [("p:0", "S", 900), ("p:1", "H", 9_000_000), ("p:2", "I", 9_000_000)],
        [("A", 4_000_000), ("B", 4_000_000), ("C", 4_000_000), ("D", 4_711_000)],
    )
    assert len(flows_of(trail.known()).mixed) == 4
    trail.names["H"] = Name("An exchange", "exchange")
    assert flows_of(trail.known()).mixed == frozenset()


def test_what_goes_where_nobody_sees_it_ends_there_and_is_no_fee() -> None:
    trail = bitcoin()
    trail.spend("t1", [("p:0", "S", 10**8)], [("A", 10**7)])
    known = trail.known()
    known = replace(known, chains={**known.chains, "bitcoin": replace(BTC, shielded=True)})
    flows = flows_of(known)
    assert flows.mixed == {output("t1:hidden")}
    assert left(flows, "libr") == {"t1:0": 10**7, "t1:hidden": 9 * 10**7}


@quick
@given(st.randoms(use_true_random=False), st.integers(2, 25))
def test_the_order_in_which_transactions_are_read_changes_nothing(random: Any, many: int) -> None:
    trail = bitcoin(followed=["A", "B", "C"])
    loose = [("p:0", "S", 10**6), ("p:1", "X", 10**6), ("p:2", "S", 10**6)]
    names = [f"t{n:02}" for n in range(many)]
    random.shuffle(names)
    for n, tx in enumerate(names):
        inputs = [loose.pop(random.randrange(len(loose))) for _ in range(min(2, len(loose)))]
        amount = sum(put[2] for put in inputs)
        owners = [random.choice("SABCX") for _ in range(random.randint(1, 3))]
        at = {"block_height": 50 + n // 4, "time": 9000 + random.randint(-9, 9)}
        trail.spend(tx, inputs, [(o, amount // 4) for o in owners], **at)
        loose += [(f"{tx}:{k}", owner, amount // 4) for k, owner in enumerate(owners)]
    order = list(range(len(trail.rows)))
    random.shuffle(order)
    flows = flows_of(trail.known())
    assert flows == flows_of(trail.shuffled(order).known())
    made: set[Account] = set()
    later = {account for flow in flows_in(flows) for account, _ in flow.outputs}
    for flow in flows_in(flows):
        assert all(account in made for account, _ in flow.inputs if account in later)
        made |= {account for account, _ in flow.outputs}


# --- real cases -------------------------------------------------------------------------------


def rows_of(name: str) -> list[Mapping[str, str]]:
    path = DATA / name
    if not path.exists():
        pytest.skip("../shared is absent")
    with path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_the_coins_of_the_lubian_case_arrive_where_they_were_seized() -> None:
    """17 chains of two hops, of 2020 and 2024: what was paid to the first address is at the second
    one, by every method."""
    rows = rows_of("btc/lubian_seizure_trace_excerpt.csv")
    first = {row["To"]: row for row in rows if row["Timestamp"].startswith("2020")}
    second = [row for row in rows if not row["Timestamp"].startswith("2020")]
    trail = bitcoin(sources=sorted({r["From"] for r in first.values()}), followed=sorted(first))
    place = {}
    for n, row in enumerate(first.values()):
        amount = int(Decimal(row["Value"]) * 10**8)
        inputs = [(f"before{n}:0", row["From"], amount)]
        trail.spend(row["Txn Hash"], inputs, [(row["To"], amount)])
        place[row["To"]] = (f"{row['Txn Hash']}:0", amount)
    for row in second:
        spends, amount = place[row["From"]]
        trail.spend(
            row["Txn Hash"],
            [(spends, row["From"], amount)],
            [(row["To"], int(Decimal(row["Value"]) * 10**8))],
        )
    flows = flows_of(trail.known())
    assert len(flows.steps) == 34
    for method in CONSERVING:
        found = left(flows, method)
        paid = {row["Txn Hash"]: place[row["From"]][1] for row in second}
        assert {holder.partition(":")[0]: amount for holder, amount in found.items()} == paid


def test_of_the_ronin_thief_only_what_left_it_is_traced() -> None:
    """The first address and those that it paid and that paid on: 361 rows of strangers, most of
    them dust, change nothing of what was passed on."""
    rows = rows_of("eth/dspytdao_lazarus/LazarusTabularTxs1322519.csv")
    thief = "\\x098b716b8aaf21512996dc57eb0615e2383e2f96"
    behind = {r["to"] for r in rows if r["from"] == thief} & {r["from"] for r in rows}
    trail = Trail(sources=[thief], followed=sorted(behind), chain=ETH)
    for n, row in enumerate(sorted(rows, key=lambda r: r["block_time"])):
        wei = int(Decimal(row["total_eth"]) * 10**18)
        trail.move(f"t{n:03}", row["from"], row["to"], wei)
    flows = flows_of(trail.known())
    came = {b: sum(eth(r) for r in rows if (r["from"], r["to"]) == (thief, b)) for b in behind}
    went = {b: sum(eth(r) for r in rows if r["from"] == b) for b in behind}
    assert len(behind) == 9
    found = left(flows, "tainted_first")
    gave = sum(eth(r) for r in rows if r["from"] == thief)
    assert sum(found.values()) == gave - 2 * 10**18  # two payments of 1 ETH came back to it
    for address in sorted(behind):
        assert found.get(address, 0) == max(0, came[address] - went[address])
    assert flows.ignored["zero amount"] > 5
    strangers = {r["from"] for r in rows} - behind - {thief}
    assert not strangers & set(found)


def eth(row: Mapping[str, str]) -> int:
    return int(Decimal(row["total_eth"]) * 10**18)
