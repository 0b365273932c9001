"""A chain read block by block through a node that shows no calls inside transactions: balances show
that coins moved in one, an explorer is asked what, and without one that is what people are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
import yaml
from test_blocks import ALICE, BOB, FINALITY, PAYER, Desk, Open, desk
from world.evm_world import calldata, created_by, deploy_data
from world.odd_contracts import put_multicall

from monitor.loops.clock import now
from monitor.loops.health import chain_status, chain_words
from monitor.model import Subject
from monitor.model.balance import NOT_COMPLETE, OPENING
from monitor.model.errors import StoreError
from monitor.store import balance_due, balances

__all__ = ["desk"]
pytestmark = pytest.mark.real
ETHER = 10**18


@contextmanager
def untraced(desk: Desk, *sources: str) -> Iterator[Open]:
    """The home over these sources; the node hands out no traces."""
    path = desk.home.path / "config/sources.yaml"
    rows = yaml.safe_load(path.read_text())["sources"]
    rows["node"]["traces"] = "none"
    desk.home.write("config/sources.yaml", {"sources": {name: rows[name] for name in sources}})
    with desk.reading("blocks", *sources) as home:
        yield home


def forwarder(desk: Desk) -> str:
    """A contract that pays on what it is paid."""
    nonce = int(desk.rpc.call("eth_getTransactionCount", PAYER, "pending"), 16)
    send(desk, None, deploy_data("Forwarder"))
    put_multicall(desk.rpc)
    return created_by(PAYER, nonce)


def send(desk: Desk, to: str | None, data: str = "0x", value: int = 0, mine: bool = True) -> str:
    call = {"from": PAYER, "data": data, "value": hex(value), "gas": hex(2_000_000)}
    tx = desk.rpc.call("eth_sendTransaction", call | ({"to": to} if to else {}))
    if mine:
        desk.mine()
    return str(tx)


def inside(desk: Desk, via: str, to: str, value: int = 3 * ETHER, mine: bool = True) -> str:
    return send(desk, via, calldata("Forwarder", "forward", to), value, mine)


def begin(desk: Desk, home: Open) -> None:
    """Members have joined, and blocks are read above them."""
    for _ in range(3):
        desk.mine(FINALITY)
        home.poll()
    hold(home)


def hold(home: Open) -> None:
    """As a `poll` does at its end."""
    home.app.balancing._look_again = 0.0
    home.app.balancing.take_due(20)


def day(home: Open) -> None:
    """It is everybody's turn."""
    with home.app.store.write() as conn:
        conn.execute("UPDATE balance SET due = 0")
    hold(home)


def kept(home: Open, address: str) -> Mapping[str, balances.Verdict]:
    """How each asset of an address stood the last time, by contract."""
    subject = Subject("dev", address)
    return balances.verdicts(home.app.store, [subject])[subject]


def coin(home: Open, address: str) -> balances.Verdict:
    return kept(home, address)[""]


def test_what_a_row_of_a_block_touches_is_held_against_the_chain_at_once(desk: Desk) -> None:
    """A call that pays a member beside a plain payment: the explorer is asked for that one address,
    what it lists is told like everything else, and once."""
    via = forwarder(desk)
    desk.watch(ALICE, BOB)
    with untraced(desk, "node", "lists") as home:
        begin(desk, home)
        assert coin(home, ALICE).held.reason == OPENING
        desk.mine(2)
        plain = send(desk, ALICE, value=ETHER, mine=False)
        paid = inside(desk, via, ALICE)
        home.poll()
        assert home.told() == {plain: 1}
        assert [each.subject.address for each in balance_due.touched(home.app.store, 2**40, 9)] == [
            ALICE
        ]
        before = desk.calls_of_lists()
        hold(home)
        assert home.told() == {plain: 1, paid: 1}
        assert desk.calls_of_lists() > before
        assert coin(home, ALICE).held.state == "reconciled"
        assert coin(home, ALICE).held.height == int(desk.rpc.call("eth_blockNumber"), 16)
        assert balance_due.touched(home.app.store, 2**40, 9) == []
        before = desk.calls_of_lists()
        for _ in range(3):
            desk.mine(FINALITY)
            home.poll()
            day(home)
        assert home.told() == {plain: 1, paid: 1}
        assert home.told("unexplained") == {}


def test_what_a_list_hides_below_the_block_of_joining_is_found_by_the_balance(desk: Desk) -> None:
    """Where no look at the history comes any more: the address holds what nobody listed."""
    before = send(desk, ALICE, value=ETHER)
    desk.mine(FINALITY)
    knobs = desk.explorer.knobs("dev", "etherscan")
    knobs.hidden.add(("native", before))
    desk.watch(ALICE)
    with desk.reading("blocks") as home:
        for _ in range(3):
            desk.mine(FINALITY)
            home.poll()
            home.work_off()
        with home.app.store.write() as conn:
            conn.execute("DELETE FROM debt")
        assert not home.rows()
        knobs.hidden.clear()
        hold(home)
        assert home.rows() == {(before, "final"): 1}
        assert home.told() == {}, "it is history"
        assert coin(home, ALICE).held.state == "reconciled"


@pytest.mark.parametrize("table", ["touched", "reading"])
def test_rows_and_whom_they_touch_are_written_together(desk: Desk, table: str) -> None:
    """Whichever of them a writing ends at: both are there, or none."""
    desk.watch(ALICE)
    with untraced(desk, "node", "lists") as home:
        begin(desk, home)
        store = home.app.store
        plain = send(desk, ALICE, value=ETHER)
        with store.write() as conn:
            conn.execute(
                f"CREATE TRIGGER killed BEFORE INSERT ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'killed'); END"
            )
        with pytest.raises(StoreError, match="killed"):
            home.poll()
        assert not home.rows()
        assert balance_due.touched(store, 2**40, 9) == []
        with store.write() as conn:
            conn.execute("DROP TRIGGER killed")
        home.poll()
        assert home.told() == {plain: 1}
        assert balance_due.among(store, [Subject("dev", ALICE)]) == {Subject("dev", ALICE)}


def test_what_nothing_else_touches_is_found_by_the_daily_round(desk: Desk) -> None:
    via = forwarder(desk)
    desk.watch(ALICE, BOB)
    with untraced(desk, "node", "lists") as home:
        begin(desk, home)
        paid = inside(desk, via, BOB)
        home.poll()
        hold(home)
        assert home.told() == {}
        desk.mine(FINALITY)
        home.poll()
        day(home)
        assert home.told() == {paid: 1}
        assert home.told("unexplained") == {}
        said = status(home)
        assert "coins moved by calls inside transactions are seen by balances" in said
        assert "lists is asked what moved" in said
        shown = home.status()
        assert "; balances alone show internal on dev (lists is asked what moved)" in shown
        assert "BY BALANCES" in shown
        assert "no source covers" not in shown
        assert "NOT SERVED" not in shown


def test_who_is_touched_before_anybody_looked_is_counted_from_below_that_block(desk: Desk) -> None:
    """The node still knows what the address held there."""
    via = forwarder(desk)
    desk.watch(ALICE, BOB)
    with untraced(desk, "node", "lists") as home:
        for _ in range(3):
            desk.mine(2)
            home.poll()
        plain = send(desk, BOB, value=ETHER, mine=False)
        paid = inside(desk, via, BOB)
        home.poll()
        hold(home)
        assert home.told() == {plain: 1, paid: 1}
        opening = coin(home, BOB).opening
        assert opening is not None
        assert opening.amount == 0


def test_who_was_touched_while_history_waited_is_held_again_once_it_is_read(desk: Desk) -> None:
    """Its tokens, which are counted from no first figure: not a day later."""
    nonce = int(desk.rpc.call("eth_getTransactionCount", PAYER, "pending"), 16)
    token = created_by(PAYER, nonce)
    send(desk, None, deploy_data("Coin", "Tether", "USDT", 6))
    usdt = {"symbol": "USDT", "decimals": 6, "name": "Tether", "source": "a test"}
    row = {**usdt, "date": "2026-01-01"}
    desk.home.write("config/assets.yaml", {"assets": {"dev": {token: row}}})
    send(desk, token, calldata("Coin", "mint", ALICE, 1000))
    desk.watch(ALICE)
    with untraced(desk, "node", "lists") as home:
        home.poll()
        home.work_off()
        desk.mine(2 * FINALITY)  # above the block of joining some are proven, below it none yet
        home.poll()
        send(desk, token, calldata("Coin", "mint", ALICE, 7))
        home.poll()
        hold(home)
        assert kept(home, ALICE)[token].held.reason.startswith(NOT_COMPLETE)
        home.work_off()
        hold(home)
        assert kept(home, ALICE)[token].held.state == "reconciled"


def test_of_whom_something_was_told_waits_less_than_a_day(desk: Desk) -> None:
    """As where addresses are read one by one."""
    desk.watch(ALICE, BOB)
    with desk.reading("blocks") as home:
        begin(desk, home)
        assert balance_due.members(home.app.store, now(), 9, "~") == ([], "")
        desk.pay(ALICE)
        home.poll()
        with home.app.store.write() as conn:
            conn.execute("UPDATE balance SET at = at - 10")
        (waits,), _ = balance_due.members(home.app.store, now(), 9, "~")
        assert waits.subject == Subject("dev", ALICE)
        assert waits.news is not None
        assert waits.held is not None
        assert waits.held < waits.news


def test_what_moves_above_a_first_figure_arose_above_it(desk: Desk) -> None:
    """Also where that figure was asked for in the round that finds it."""
    via = forwarder(desk)
    send(desk, BOB, value=7 * ETHER)  # a history that nobody lists
    desk.watch(BOB)
    with untraced(desk, "node") as home:
        for _ in range(3):
            desk.mine(FINALITY)
            home.poll()
        send(desk, BOB, value=ETHER, mine=False)
        inside(desk, via, BOB)
        home.poll()
        hold(home)
        known = coin(home, BOB)
        assert known.opening is not None
        assert known.held.between is not None
        assert known.held.between.lo == known.opening.high


def test_without_an_explorer_the_difference_itself_is_told(desk: Desk) -> None:
    """Once: of what nobody can be asked, nothing is waited for but that it is final, and that it is
    said again."""
    via = forwarder(desk)
    send(desk, ALICE, value=7 * ETHER)  # a history that nobody lists
    desk.watch(ALICE, BOB, severity="severe")
    with untraced(desk, "node") as home:
        begin(desk, home)
        desk.rpc.call("evm_setNextBlockTimestamp", now() - 60)  # no list could be six hours late
        plain = send(desk, ALICE, value=ETHER, mine=False)
        inside(desk, via, ALICE)
        home.poll()
        hold(home)
        assert home.told() == {plain: 1}
        assert coin(home, ALICE).held.difference == 3 * ETHER
        for _ in range(3):
            desk.mine(2 * FINALITY)
            home.poll()
            day(home)
        assert home.told("unexplained") == {None: 1}
        assert home.told() == {plain: 1}
        said = status(home)
        assert "nobody can be asked what" in said
        alerts = home.app.store.read("SELECT id FROM alert WHERE kind = 'movement'")
    shown = " ".join(desk.home.run("alerts", "show", alerts[0]["id"]).split())
    assert "Where coins moved, balances show it; nobody can be asked what" in shown


def test_a_first_figure_of_a_block_that_was_replaced_is_taken_anew(desk: Desk) -> None:
    via = forwarder(desk)
    desk.watch(ALICE)
    with untraced(desk, "node") as home:
        for _ in range(3):
            desk.mine(1)
            home.poll()
        inside(desk, via, ALICE, value=ETHER)
        home.poll()
        hold(home)
        opening = coin(home, ALICE).opening
        assert opening is not None
        assert opening.amount == ETHER
        desk.rpc.call("anvil_reorg", 1, [])
        for _ in range(3):
            desk.mine(FINALITY)
            home.poll()
            day(home)
        assert home.told("unexplained") == {}
        held = coin(home, ALICE).held
        assert (held.state, held.on_chain) == ("reconciled", 0)


def status(home: Open) -> str:
    lines = chain_words.lines(chain_status.chains(home.app.store, now()), now())
    return "\n".join(lines)
