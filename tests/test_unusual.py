"""What an alert says of its own past: of several payments in one block, each in its turn."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.home import ALICE, BANK, SHOP, entry, payment, staged, watchlist

from monitor.analysis.rules.unusual import TEST_PAYMENT_AMONG, Past, facts
from monitor.demo.world.ledger import AccountLedger, TokenName
from monitor.demo.world.moves import TokenMove, Tx
from monitor.model import Alert, AlertKind, Chain, Kind, Lane, Row, Severity, Status, Transfer
from monitor.model.facts import Unusual

DEV = Chain("dev", "dev", "evm", "ETH", 18, 12)
MINE, THEM = "0x" + "a" * 40, "0x" + "b" * 40
T0 = 1_795_338_843
TOKEN = "0x" + "7e" * 20
USDT = TokenName("USDT", "Dollar", 6)


def row(number: int, *, id_: int = 0, index: int | None = None, out: bool = True) -> Row:
    sender, recipient = (MINE, THEM) if out else (THEM, MINE)
    t = Transfer("dev", f"0x{number}", f"leg {number}", Kind.NATIVE, sender, recipient, 900,
                 block_height=7, time=T0, tx_index=index)  # fmt: skip
    return Row(id_, t, Status.PROVISIONAL, 1, T0 + 5)


def told(rows: list[Row], tx: str, **more: Any) -> Unusual:
    identity = next(r.transfer.identity for r in rows if r.transfer.tx == tx)
    alert = Alert(
        f"A-{tx}", AlertKind.MOVEMENT, Lane.NEWS, Severity.HIGH, T0 + 5, "dev", tx, rows=(identity,)
    )
    past = Past(tuple(rows), **({"complete": False} | more))
    return facts([alert], MINE, DEV, past, {})[alert.id]


@pytest.mark.parametrize(
    "rows",
    [
        [row(1), row(2), row(3)],
        [row(3, index=9), row(1, index=2), row(2, index=5)],
        [row(3), row(2, id_=12), row(1, id_=11)],
    ],
    ids=["in one answer", "by their place in the block", "recorded before"],
)
def test_payments_of_one_block_are_told_in_their_order(rows: list[Row]) -> None:
    """The first is the first time, the next has been seen once, the third twice."""
    counts = [told(rows, f"0x{n}").dealings[THEM].count for n in (1, 2, 3)]
    assert counts == [0, 1, 2]
    assert [told(rows, f"0x{n}").last_moved is None for n in (1, 2, 3)] == [
        True,
        False,
        False,
    ]


def test_each_payment_of_one_block_has_its_own_balance() -> None:
    """What is left after a payment is not what is left after all of them."""
    rows = [
        row(0, index=0, out=False),
        row(1, index=1, out=False),
        row(2, index=2),
        row(3, index=3),
    ]
    ends = [told(rows, f"0x{n}", complete=True).balances for n in (1, 2, 3)]
    assert [(each[0].before, each[0].after) for each in ends if each] == [
        (900, 1800),
        (1800, 900),
        (900, 0),
    ]


def test_a_summary_names_a_verified_token(tmp_path: Path) -> None:
    """A token of config/assets.yaml has its symbol and decimals in the totals; one that only
    calls itself so has neither; what was looked at has no message."""
    fake = "0x" + "fa" * 20
    ledger = AccountLedger(time=T0)
    ledger.tokens |= dict.fromkeys((TOKEN, fake), USDT)
    moves = [TokenMove("ERC-20", c, BANK, ALICE, 1_500_000_000) for c in (TOKEN, fake)]
    hashes = [payment(n, BANK, ALICE, 0).hash for n in (1, 2)]
    ledger.mine([Tx(h, BANK, m.contract, tokens=(m,)) for h, m in zip(hashes, moves, strict=True)])
    for _ in range(20):
        ledger.mine()
    with staged(tmp_path, contacted=False, ledger=ledger) as scene:
        dollar = {"symbol": "USDT", "decimals": 6}
        scene.home.write("config/assets.yaml", {"assets": {"dev": {TOKEN: dollar}}})
        listed = {**watchlist(entry(ALICE, severity="severe")), "timezone": "Europe/Zurich"}
        scene.home.write("watchlist.yaml", listed)
        scene.home.run("poll")
        (summary,) = scene.alerts("history")
        shown = " ".join(scene.home.run("alerts", "show", summary["id"]).split())
        scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        (paid,) = scene.alerts("movement")
        payed = " ".join(scene.home.run("alerts", "show", paid["id"]).split())
    assert "USDT in 1,500 " in shown
    assert shown.partition("PERIOD")[0].count("unverified token") == 1
    assert ", message" not in shown
    assert re.search(r" Sent \S+ \S+ UTC \([^)]+ Zurich\) ", payed)
    assert "No source of another operator is set up for this chain." in payed


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.booleans(), st.sampled_from((1, 5, 900, 100_000)),
                  st.none() | st.integers(0, 9), st.sampled_from((0, 7, 90_000))),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_many_alerts_know_what_each_alone_would_know(
    moves: list[tuple[int, bool, int, int | None, int]],
) -> None:
    """Facts do not depend on which alerts are decided on together."""
    rows = []
    for leg, (number, out, amount, index, later) in enumerate(moves):
        made = row(number, index=index, out=out)
        moved = replace(
            made.transfer, leg=f"leg {leg}", amount=amount, time=T0 + later, block_height=7 + number
        )
        rows.append(replace(made, transfer=moved, id=leg))
    by_tx: dict[str, list[Row]] = {}
    for each in rows:
        by_tx.setdefault(each.transfer.tx, []).append(each)
    alerts = [
        Alert(tx, AlertKind.MOVEMENT, Lane.NEWS, Severity.HIGH, T0, "dev", tx,
              rows=tuple(r.transfer.identity for r in mine))
        for tx, mine in by_tx.items()
    ]  # fmt: skip
    past = Past(tuple(rows), complete=True)
    together = facts(alerts, MINE, DEV, past, {})
    for alert in alerts:
        assert facts([alert], MINE, DEV, past, {})[alert.id] == together[alert.id]


def test_a_small_payment_just_before_is_told_and_only_among_the_last() -> None:
    """A hundredth to the same receiver within a day is a known habit; among very many payments
    to one receiver only the newest are looked at."""
    rows = [replace(each, transfer=replace(each.transfer, time=T0 + n, amount=1))
            for n in range(TEST_PAYMENT_AMONG + 5) for each in [row(n, index=n)]]  # fmt: skip
    last = row(999, index=999)
    rows.append(replace(last, transfer=replace(last.transfer, time=T0 + 500)))
    found = told(rows, "0x999").test_payments
    assert found == tuple(f"0x{n}" for n in range(5, TEST_PAYMENT_AMONG + 5))
