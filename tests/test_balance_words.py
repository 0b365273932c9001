"""What people and programs are told of balances: alerts, and the line beside a movement."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import world.sample_alerts as sample

from monitor.chains.address import display
from monitor.loops.health import balance_words
from monitor.loops.health.chain_values import Time
from monitor.loops.health.snapshot import (
    Alike,
    BalanceReason,
    BalancesStatus,
    EntryBalances,
    EntryStatus,
)
from monitor.loops.health.verdict import Vitals, judge
from monitor.messages import objects
from monitor.messages.balance_lines import table
from monitor.model import OURS, Chain, Severity
from monitor.model.balance import AGAIN, Held
from monitor.model.config import Issuer
from monitor.model.facts import Unexplained
from monitor.model.status import State as ReadState
from monitor.model.status import State as Stands

SENTENCE = (
    "Payroll wallet 3 (case NK-07): the balance fell by 7,740,000 USDT between block 88,011,000 "
    "(2026-11-22 08:06:48 UTC) and block 88,012,345 (2026-11-22 09:14:03 UTC), and no list says "
    "why."
)


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def body(view: Any, **more: Any) -> str:
    return flat(sample.mail(view, **more).text)


# --- a difference that no list explains ------------------------------------------------------


def test_an_unexplained_fall_is_told_in_one_sentence_and_by_whom() -> None:
    rendered = sample.mail(sample.unexplained())
    assert rendered.subject == (
        "[Fundwatch HIGH] UNEXPLAINED: balance fell by 7,740,000 USDT - case NK-07 - Tron - A-10501"
    )
    text = flat(rendered.text)
    for said in (
        SENTENCE,
        "told by trongrid and tron-node. No transaction, sender or receiver of it is known.",
        "By our record 7,740,000.500000 USDT",
        "On the chain 0.500000 USDT",
        "Difference 7,740,000.000000 USDT less on the chain than recorded",
        "At block 88,012,345 (2026-11-22 09:14:03 UTC)",
        "an event that our lists do not know (DestroyedBlackFunds)",
        f"https://tronscan.org/#/transaction/{sample.tx_hash('lead')}",
        f"https://tronscan.org/#/address/{sample.WATCHED}",
        "TRC-20 transfers by tron-node: nothing new",
        "take it that these funds are no longer there",
        "fundwatch alerts ack A-10501 --by NAME",
    ):
        assert said in text, said


def test_one_source_alone_is_said_to_be_alone() -> None:
    text = body(sample.unexplained(facts={"held": sample.held(second="")}))
    assert "by trongrid alone" in text
    assert "Nobody else has said the same: check it by hand." in text


def test_the_same_source_twice_is_not_called_two() -> None:
    again = f"trongrid{AGAIN}88,012,399"
    text = body(sample.unexplained(facts={"held": sample.held(second=again)}))
    assert "told by trongrid alone, and again at block 88,012,399" in text
    assert "trongrid and trongrid" not in text
    assert "Nobody else has said the same: check it by hand." in text


def test_a_rise_and_a_beginning_are_told_as_what_they_are() -> None:
    facts = {
        "amount": "500000",
        "since_time": None,
        "held": sample.held(recorded="0", on_chain="500000", between=[0, 88_012_345]),
    }
    text = body(sample.unexplained(facts=facts))
    assert "the balance rose by 0.50 USDT up to block 88,012,345 (2026-11-22 09:14:03 UTC)" in text
    assert "0.500000 USDT more on the chain than recorded" in text
    assert "no longer there" not in text


def test_a_part_of_a_difference_says_that_it_is_a_part() -> None:
    text = body(sample.unexplained(facts={"amount": "-1000000"}))
    assert "the balance fell by 1 USDT" in text
    assert "1 USDT of it is what this message is about." in text


def test_the_issuer_of_a_token_is_asked_where_there_is_one() -> None:
    issuer = Issuer(sample.USDT, "Tether", "USDT", ())
    chain = Chain("tron", "Tron", "tron", "TRX", 6, 19, issuers=(issuer,))
    view = sample.unexplained()
    assert "Ask Tether" in body(type(view)(**{**_fields(view), "chain": chain}))
    assert "Ask " not in body(view)


def _fields(view: Any) -> dict[str, Any]:
    return {name: getattr(view, name) for name in view.__dataclass_fields__}


def test_what_was_found_says_which_alert_it_explains() -> None:
    rendered = sample.mail(sample.explained())
    assert rendered.subject.startswith("[Fundwatch HIGH] EXPLAINED: balance fell by 7,740,000 USDT")
    assert rendered.subject.endswith("A-10501")
    text = flat(rendered.text)
    assert "An explorer listed it 2 h later: see A-10509." in text
    assert "1. OUT 7,740,000.000000 USDT" in text
    assert "nothing of it is unexplained any more." in text
    assert "no list says why" not in text
    assert "Difference none: they are equal" in text


def test_what_was_found_in_part_says_what_is_left() -> None:
    facts = {"found": "Part of it was found.", "left": "-740000000000", "held": sample.held()}
    rendered = sample.mail(sample.explained(facts=facts))
    assert "PARTLY EXPLAINED: balance fell by 7,740,000 USDT" in rendered.subject
    assert "740,000 USDT of it is still unexplained." in flat(rendered.text)


@pytest.mark.parametrize(("left", "way"), [("-9740000000000", "fell"), ("2000000000000", "rose")])
def test_what_was_found_may_leave_more_than_was_said(left: str, way: str) -> None:
    facts = {"found": "More is missing than was said.", "left": left, "held": sample.held()}
    rendered = sample.mail(sample.explained(facts=facts))
    much = f"{abs(int(left)) // 10**6:,} USDT"
    assert f"STILL UNEXPLAINED: balance {way} by {much}" in rendered.subject
    assert f"by what is known now it {way} by {much} unexplained." in flat(rendered.text)
    assert "of it is still unexplained" not in flat(rendered.text)


def test_a_lead_never_shows_an_address() -> None:
    """A counterparty in it can be one of our own, which nobody is to see."""
    ours = sample.tron_address("customer")
    lead = {"what": f"a transfer to {ours}", "tx": "", "height": None, "source": ""}
    view = sample.unexplained(facts={"leads": [lead], "asked": [f"at {ours}: nothing"]})
    shown = sample.mail(view)
    assert ours not in shown.text + shown.html
    assert "a transfer to (address)" in flat(shown.text)
    assert ours not in objects.json_text(objects.alert_object(view)["unexplained"]["leads"])
    assert OURS not in shown.text


def test_shares_are_not_called_the_amount_that_they_are_worth() -> None:
    view = sample.unexplained(facts={"held": sample.held(in_shares=True)})
    assert "the balance fell by 7,740,000 shares of USDT between" in body(view)
    assert "On the chain 0.500000 shares of USDT" in body(view)


def test_an_unverified_token_is_not_called_what_it_calls_itself() -> None:
    held = sample.held(verified=False, symbol='USDT"; <b>', contract=sample.tron_address("fake"))
    text = body(sample.unexplained(facts={"held": held}))
    assert "of 7,740,000 USDT" not in text
    assert 'unverified token "USDT, <b>"' in text
    assert "7,740,000,000,000 raw units" in text


def test_a_group_names_it_by_its_sentence() -> None:
    text = body(sample.outgoing(), channel=sample.MAIL)
    assert SENTENCE not in text
    grouped = flat(sample.mail(sample.unexplained(), *sample.storm(3)).text)
    assert SENTENCE in grouped
    assert "Nothing on a chain is claimed" not in grouped


def test_machines_get_the_figures() -> None:
    shown = objects.alert_object(sample.unexplained())["unexplained"]
    assert shown["amount"] == "-7740000000000"
    assert shown["balance"]["difference"] == "-7740000000000"
    assert shown["balance"]["between"] == {"from": 88_011_000, "to": 88_012_345}
    assert shown["balance"]["asset"]["contract"] == sample.USDT
    assert shown["since"] == "2026-11-22T08:06:48Z"
    assert shown["leads"][0]["tx"] == sample.tx_hash("lead")
    assert (shown["second"], shown["found"]) == ("tron-node", None)


# --- beside a movement -----------------------------------------------------------------------

BALANCES = [
    {
        "asset": sample.USDT,
        "symbol": "USDT",
        "decimals": 6,
        "before": "1000030500000",
        "after": "30500000",
    }
]


def moved(**held: Any) -> str:
    facts = {"balances": BALANCES, "held": [sample.held(**held)]}
    return body(sample.outgoing(facts=facts, severity=Severity.SEVERE))


def test_a_movement_says_what_the_chain_says_beside_the_record() -> None:
    text = moved(recorded="30500000", on_chain="30500000", state="reconciled", reason="")
    assert "1,000,030.500000 -> 30.500000 USDT" in text
    assert (
        "On the chain: the same, 30.500000 USDT, at block 88,012,345 (2026-11-22 09:14:03 UTC) by "
        "trongrid." in text
    )
    assert "not asked from the chain" not in text
    assert "30.50 USDT left." in text
    assert "not sure" not in text


def test_a_movement_says_by_how_much_the_chain_differs() -> None:
    text = moved(recorded="30500000", on_chain="500000")
    assert "ON THE CHAIN IT IS NOT THE SAME: 0.500000 USDT, at block 88,012,345" in text
    assert "to an unknown address. " in text
    assert "30.50 USDT left" not in text
    assert "What is left is not sure: the chain says otherwise than our record" in text
    assert "that is 30.000000 USDT less on the chain than recorded up to that block" in text


@pytest.mark.parametrize("reason", ["still moving", ""])
def test_a_movement_says_why_the_chain_was_not_checked(reason: str) -> None:
    told = {"state": "cannot_check", "recorded": None, "on_chain": None, "height": None}
    text = moved(**told, reason=reason)
    assert f"On the chain: not checked ({reason or 'no source said it in time'})." in text
    assert "the same" not in text


def test_a_movement_whose_balance_nobody_asked_for_says_so() -> None:
    assert "By our record, not asked from the chain." in body(sample.outgoing())


def test_a_summary_says_what_the_chain_says_where_it_was_asked() -> None:
    view = sample.history()
    assert "by our record; not asked from the chain." in body(view)
    equal = a_held(state="reconciled", recorded="5", on_chain="5")
    text = body(replace(view, held=(equal, a_held())))
    assert "not asked" not in text
    assert (
        "On the chain: 0.000005 USDT, at block 88,012,345 (2026-11-22 09:14:03 UTC) by trongrid; "
        "our record comes to the same." in text
    )
    assert "that is 7,740,000.000000 USDT less on the chain than recorded." in text


def test_machines_get_the_balance_beside_a_movement() -> None:
    view = sample.outgoing(facts={"held": [sample.held()]})
    (shown,) = objects.alert_object(view)["balances"]
    assert (shown["state"], shown["source"]) == ("unexplained", "trongrid")
    assert "balances" not in objects.alert_object(sample.outgoing())


# --- the table of `fundwatch reconcile` ------------------------------------------------------

ETH = sample.EVM_ENTRY.subject
CHAINS = {"tron": sample.TRON, "ethereum": sample.ETHEREUM}
OWNERS = {
    sample.TRON_ENTRY.subject: [sample.TRON_ENTRY],
    ETH: [sample.make_entry(sample.ETHEREUM, sample.EVM_MINE, label="Shop")],
}


def a_held(**more: Any) -> Held:
    found = sample.unexplained(facts={"held": sample.held(**more)}).alert.facts
    assert isinstance(found, Unexplained)
    assert found.held is not None
    return found.held


def on_eth(state: str, contract: str = "", **more: Any) -> Held:
    told = {"chain": "ethereum", "address": sample.EVM_MINE, "contract": contract, "state": state}
    own = {"symbol": "ETH", "decimals": 18} if not contract else {"verified": False, "symbol": "X"}
    return a_held(**(told | own | {"between": None, "reason": ""} | more))


FOUND = [
    on_eth("reconciled", recorded="5", on_chain="5"),
    on_eth("unexplained", "0x" + "a" * 40, recorded="1", on_chain="9" * 40),
    on_eth("reconciled", "0x" + "b" * 40, recorded="1", on_chain="1"),
    a_held(),
    a_held(contract="", symbol="TRX", state="cannot_check", reason="list not read yet: TRX"),
]


def laid(columns: int = 80, *, every: bool = False) -> str:
    return "\n".join(table(FOUND, OWNERS, CHAINS, columns, every=every))


def test_the_table_tells_what_differs_first_and_sums_up_last() -> None:
    lines = laid().splitlines()
    assert lines[0] == "Payroll wallet 3 (case NK-07)"
    assert lines[1] == f"{sample.WATCHED} on Tron"
    text = flat(laid())
    assert text.index("UNEXPLAINED 7,740,000.000000 USDT less") < text.index("not checked TRX")
    assert text.index("not checked TRX: list not read yet: TRX") < text.index("Shop (case NK-07)")
    assert text.endswith(
        "2 addresses: 1 balance equal to the chain, 1 unexplained, 1 cannot be checked "
        "(list not read yet 1). Unverified tokens beside them: 2."
    )


def test_the_table_keeps_to_its_columns_and_cuts_no_address() -> None:
    assert all(len(line) <= 80 for line in laid(every=True).splitlines())
    assert display(sample.ETHEREUM, sample.EVM_MINE) in laid(40)


def test_what_differs_is_wrapped_in_a_file_too_and_what_was_looked_through_stands_below() -> None:
    reason = "not told yet: nobody else has said the same\none listed nothing new\ntwo was down"
    asked = a_held(reason=f"{reason}: {'<html>' * 60}")
    lines = list(table([asked], {}, {}, 10_000, every=False))
    assert max(map(len, lines)) <= 100 + len("<html>" * 30)
    start = next(n for n, line in enumerate(lines) if "UNEXPLAINED" in line)
    shown = "\n".join(lines[start:]).splitlines()
    assert [line.strip() for line in shown[1:3]] == [
        "arose between block 88,011,000 and block 88,012,345",
        "recorded 7,740,000.500000 USDT, on the chain 0.500000 USDT",
    ]
    assert [line.strip() for line in shown[4:7]] == [
        "not told yet: nobody else has said the same",
        "Looked through:",
        "one listed nothing new",
    ]


def test_tokens_that_nobody_verified_are_one_line_unless_asked_for() -> None:
    """What a stranger's contract answers is no news, and never under its own name."""
    folded = flat(laid())
    assert "and 2 unverified tokens (1 equal, 1 not equal), of which nobody is told" in folded
    assert f"--address {sample.EVM_MINE}" in folded
    assert "9" * 3 not in folded
    every = flat(laid(200, every=True))
    assert 'not equal unverified token "X"' in every
    assert display(sample.ETHEREUM, "0x" + "a" * 40) in every
    assert every.count("UNEXPLAINED") == 1


def test_a_table_of_nothing_says_so() -> None:
    assert list(table([], {}, {}, 80, every=False)) == [
        "No watched address was held against its chain."
    ]


# --- status and daily mails ------------------------------------------------------------------


def stands(address: str = "0x1", *, asked: bool = True, **more: Any) -> EntryStatus:
    """An entry on one address; by default equal to the chain at block 90."""
    told = {
        "equal": 2,
        "unexplained": 0,
        "cannot_check": 0,
        "asked": Time(sample.T0),
        "block": 90,
        "time": Time(sample.T0 - 60),
        "sources": ("one", "two"),
        "differences": (),
        "reasons": (),
        "kinds": (),
    }
    return EntryStatus(
        id=f"E-{address}",
        case="NK-07",
        label="Shop",
        severity="high",
        chain="dev",
        address=address,
        absent=False,
        state=ReadState.COMPLETE,
        streams=(),
        balances=EntryBalances(**(told | more)) if asked else None,
    )


LESS = {"unexplained": 1, "differences": ("2 ETH less on the chain than recorded at block 90",)}
UNKNOWN = {"cannot_check": 1, "reasons": ("ETH: no source",), "kinds": ("no source",)}


def test_a_day_on_which_all_is_equal_says_at_which_block_and_by_whom() -> None:
    assert balance_words.daily([Alike(stands()), Alike(stands("0x2", block=80))]) == (
        "Sum equals balance up to block 80 by one and two"
    )


def test_a_day_tells_what_differs_and_claims_no_more_for_the_others() -> None:
    entries = [
        *(stands(), stands("0x2", **LESS)),
        *(stands("0x3", **UNKNOWN), stands("0x4", asked=False)),
    ]
    assert balance_words.apart(entries) == (
        "SUM IS NOT THE BALANCE: 2 ETH less on the chain than recorded at block 90, no list says "
        "why"
    )
    assert balance_words.daily([*map(Alike, entries)]) == (
        "Sum equals balance of 1 of 4 addresses up to block 90 by one and two; 1 cannot be checked "
        "(no source); 1 not asked yet"
    )
    assert balance_words.apart([stands()]) == ""


def test_a_day_without_any_question_claims_nothing() -> None:
    assert balance_words.daily([Alike(stands(asked=False))]) == ""


def test_status_tells_the_numbers_and_names_what_differs() -> None:
    entries = [
        *(stands(), stands(), stands("0x2", **LESS), stands("0x3", **UNKNOWN)),
        stands("0x4", asked=False),
    ]
    found = BalancesStatus(
        **{"addresses": 4, "equal": 1, "unexplained": 1, "cannot_check": 1, "never": 1},
        oldest_seconds=7200,
        reasons=(BalanceReason("no source", 1),),
    )
    lines = balance_words.status_lines(found, entries)
    assert lines == [
        "1 of 4 addresses equal to the chain; 1 UNEXPLAINED; 1 cannot be checked (no source 1); "
        "1 not asked yet",
        "UNEXPLAINED  Shop (NK-07) on dev: 2 ETH less on the chain than recorded at block 90",
        "the oldest of these answers is 2 h 0 min old",
    ]


def test_health_does_not_hide_that_a_balance_differs() -> None:
    told = judge(Vitals(0, running=True, counts={Stands.COMPLETE: 3}, channels=1, unexplained=1))
    assert told.words.endswith("; 1 balance differs from the chain: `fundwatch reconcile`")
