"""Pictures of what the tracer makes of records: every hop adds up, whatever moved."""

from __future__ import annotations

import random
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from tracing_world import Case, Learner
from world.trail import BTC, USDC, ZERO

from monitor.model.flow import METHODS
from monitor.picture import draw, fold
from monitor.picture.parts import Picture

NAMES = "SABCDEFGHIJ"


def picture(case: Case, **more: object) -> Picture:
    trace = Learner(case).to_the_end()
    return fold.of_trace(trace, 1_700_000_000, **more)  # type: ignore[arg-type]


def rows(shown: Picture) -> list[dict[str, str]]:
    return [{row.name: row.figure for row in column.rows} for column in shown.columns]


def wandering(seed: int, payments: int = 40) -> Case:
    """Payments between a few addresses, other money among them, with fees and swaps."""
    chance = random.Random(seed)
    case = Case()
    case.pay("S", "A", 5000)
    for number in range(payments):
        giver, taker = chance.sample(NAMES, 2)
        case.pay(giver, taker, chance.randint(1, 3000), tx=f"p{number}")
        if chance.random() < 0.5:
            case.fee(f"p{number}", giver, chance.randint(1, 10**15))
        if chance.random() < 0.2:
            turning(case, f"w{number}", chance.choice(NAMES[1:]), chance.randint(1, 900))
    case.name("J", "exchange")
    case.name("I", "mixer")
    return case


def turning(case: Case, tx: str, who: str, usd: int) -> None:
    case.move(tx, who, "pool", usd * 10**18 // 2000)
    case.move(tx, "pool", who, usd * 10**6, contract=USDC)
    case.fee(tx, who, 10**14)


@pytest.mark.parametrize("seed", range(5))
def test_every_hop_adds_up(seed: int) -> None:
    case = wandering(seed)
    shown = picture(case)
    assert len(shown.columns) > 2
    assert not any("Differs by" in each for each in rows(shown))
    ElementTree.fromstring(draw.svg(shown))
    few = picture(case, boxes=len(shown.columns) + 2)
    assert rows(few) == rows(shown)


@pytest.mark.parametrize("method", METHODS[1:])
def test_by_the_method_that_a_person_chose(method: str) -> None:
    trace = Learner(wandering(3)).to_the_end()
    shown = fold.of_trace(replace(trace, method=method), 1_700_000_000)
    assert not shown.ranged
    assert not any("Differs by" in each for each in rows(shown))
    assert all(" to " not in row.figure for column in shown.columns for row in column.rows)


def test_what_the_chain_took_has_a_line() -> None:
    case = Case()
    case.pay("S", "A", 1000)
    case.pay("A", "B", 500, tx="t2")
    case.fee("t2", "A", 10**15)
    assert rows(picture(case))[1] == {
        "Arrived": "0.50 ETH",
        "Rests": "0.249 ETH",
        "Stopped": "0 ETH",
        "Fees": "0.001 ETH",
        "Went on": "0.25 ETH",
    }


def test_what_was_burnt_is_a_place_of_its_own() -> None:
    case = Case()
    case.move("t1", "S", "A", 10**9, contract=USDC)
    case.move("t2", "A", ZERO, 4 * 10**8, contract=USDC)
    case.move("t3", "S", ZERO, 2 * 10**8, contract=USDC)
    shown = picture(case)
    assert {box.address: box.state for box in shown.boxes}[ZERO] == "BURNT"
    assert rows(shown)[1]["Stopped"] == "600 USDC"
    assert [back.label for back in shown.backs] == ["400 USDC"]


def test_a_swap_neither_came_nor_went() -> None:
    case = Case()
    case.pay("S", "A", 1000)
    turning(case, "t2", "A", 200)
    case.move("t3", "A", "D", 150 * 10**6, contract=USDC)
    shown = picture(case)
    hop = rows(shown)[1]
    assert (hop["Arrived"], hop["Went on"]) == ("1,000 USD", "150 USD")
    assert "swap ETH → USDC" in shown.boxes[1].marks
    assert sorted(band.lines[0] for band in shown.bands) == ["0.50 ETH", "150 USDC"]


def test_transactions_of_bitcoins_kind_add_up() -> None:
    source = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
    peel = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    other = "bc1q34aq5drpuwy3wgl9lhup9892qp6svr8ldzyy7c"
    case = Case(chain=BTC, sources=(source,))
    case.spend(
        "a" * 64, [("f" * 64 + ":0", source, 10**8)], [(peel, 9 * 10**7), (source, 10**7 - 500)]
    )
    case.spend(
        "b" * 64, [("a" * 64 + ":0", peel, 9 * 10**7)], [(other, 10**7), (peel, 8 * 10**7 - 700)]
    )
    shown = picture(case)
    assert not any("Differs by" in each for each in rows(shown))
    assert rows(shown)[0]["Fees"] == "0.000005 BTC"
    assert rows(shown)[1]["Arrived"] == "0.90 BTC"
    assert [box.marks for box in shown.boxes] == [(), (), ()], "change is no swap"
    ElementTree.fromstring(draw.svg(shown))
