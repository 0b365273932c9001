"""Alerts' facts as JSON: what is in a record stays readable, whichever version wrote it."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from monitor.model import AlertKind
from monitor.model.facts import (
    ClockDue,
    Correction,
    Dealings,
    Facts,
    History,
    Movement,
    Notice,
    SecondSource,
    Unexplained,
    Unread,
    of_kind,
)
from monitor.model.facts_json import VERSION, from_json, from_text, to_json
from monitor.model.traced import Traced

OURS = (
    '{"chain": "ethereum", "label": "Customer 17", "leg": "native|a|b", "list": "house", '
    '"tx": "0x1", "way": "to us", "who": "0xa"}'
)
# As the record of version 0.2 holds them, byte for byte: one of each form that it writes.
FROZEN: dict[str, tuple[AlertKind, str]] = {
    "held": (
        AlertKind.MOVEMENT,
        '{"classes": [], "held": [{"address": "0xa", "at": 1795338900, "between": [900, '
        '1000], "chain": "ethereum", "contract": "0xc", "decimals": 6, "height": 1000, '
        '"on_chain": "0", "reason": "why", "recorded": "7740000000000", "second": "two", '
        '"source": "one", "state": "unexplained", "symbol": "USDT", "time": 1795338877, '
        '"verified": true}]}',
    ),
    "unexplained": (
        AlertKind.UNEXPLAINED,
        '{"finality": 19, "funds": {"state": "seized"}, "read_at": 1795338877, '
        '"unexplained": {"amount": '
        '"-7740000000000", "asked": ["one: nothing new"], "found": "a row was found", '
        '"held": {"address": "0xa", "at": 1795338900, "between": [900, 1000], "chain": '
        '"ethereum", "contract": "0xc", "decimals": 6, "height": 1000, "on_chain": "0", '
        '"reason": "why", "recorded": "7740000000000", "second": "two", "source": "one", '
        '"state": "unexplained", "symbol": "USDT", "time": 1795338877, "verified": true},'
        ' "leads": [{"height": 950, "source": "one", "tx": "0x99", "what": "a log of the '
        'token"}], "left": "-40000", "since_time": 1795330000}}',
    ),
    "movement": (
        AlertKind.MOVEMENT,
        '{"balances": [{"after": "30500000", "asset": "0xc", "before": "1000030500000", '
        '"decimals": 6, "symbol": "USDT"}, {"after": "0", "asset": "", "before": "7", '
        '"decimals": 18, "symbol": "ETH"}], "classes": [["erc20|0xc|-|a|b|1|0", "dust", '
        '"Less than 1 USD."]], "confirmations": 11, "dealings": {"0xb": {"count": 3, "first": '
        '1700000000, "last": 1700000600}, "0xd": {"count": 0}}, "finality": 19, "last_moved": '
        '1700000600, "quiet_days": 212, "read_at": 1795338877, "second_source": {"agrees": '
        'false, "at": 1795338900, "says": "it failed", "source": "two"}, "success": '
        '"not checked yet", "test_payments": ["A-1", "0x99"]}',
    ),
    "first movement": (
        AlertKind.ACTIVITY,
        '{"classes": [], "confirmations": 0, "dealings": {}, "finality": 6, "first_ever": true, '
        '"net": {"in": "80000000", "net": "-60020000", "out": "19980000"}, "read_at": 1700000000, '
        '"second_source": null, "test_payments": []}',
    ),
    "nothing left": (
        AlertKind.LATE,
        '{"balances": [], "classes": [], "confirmations": 1, "dealings": {}, "finality": 6, '
        '"last_moved": 5, "quiet_days": 0, "read_at": 9, "second_source": {"asked": false, "why": '
        '"none"}, "test_payments": []}',
    ),
    "not looked into": (
        AlertKind.AMENDMENT,
        '{"classes": [], "confirmations": 0, "finality": 6, "read_at": 9}',
    ),
    "reversed": (
        AlertKind.CORRECTION,
        '{"correction": {"evidence": ["one does not know the transaction."], "state": '
        '"reversed", "was_hash": "0xa", "was_height": 91}, "finality": 4, "read_at": 1700000988}',
    ),
    "included again": (
        AlertKind.CORRECTION,
        '{"correction": {"evidence": [], "now_hash": "0xb", "now_height": 92, "state": '
        '"included again"}, "finality": 4, "read_at": 1700000988, "second_source": null}',
    ),
    "unconfirmed again": (
        AlertKind.CORRECTION,
        '{"correction": {"evidence": [], "state": "unconfirmed again", "was_hash": null, '
        '"was_height": null}, "finality": 4, "read_at": 1700000033}',
    ),
    "history": (
        AlertKind.HISTORY,
        '{"history": {"alarming": true, "by_asset": [{"contract": "0xc", "decimals": 6, "in": '
        '"2500", "out": "2400", "symbol": "USDT", "verified": true}, {"contract": "0xe", '
        '"decimals": null, "in": "1", "out": "0", "symbol": "", "verified": false}], "count": '
        '431, "covered": ["Ether: read at one."], "from": 1700000000, "listed": 2, "to": '
        '1700009999}, "read_at": 1795338877}',
    ),
    "history of a listed address": (
        AlertKind.HISTORY,
        '{"history": {"alarming": false, "by_asset": [], "count": 2, "covered": [], "fees": "42", '
        '"from": 1, "listed": 1, "month": [{"contract": null, "decimals": 18, "in": "0", "out": '
        '"7", "symbol": "ETH", "verified": true}], "month_count": 1, "to": 2}, '
        '"read_at": 1795338877}',
    ),
    "empty history": (
        AlertKind.HISTORY,
        '{"history": {"alarming": false, "by_asset": [], "count": 0, "covered": [], "from": null, '
        '"listed": 0, "to": null}, "read_at": 1795338877}',
    ),
    "incident": (
        AlertKind.NOTICE,
        '{"incident": {"closed": 176400, "cure": "Wait.", "duration": 176400, "key": "blind:x", '
        '"reminder": false, "since": 0, "what": "Blind.", "who": ["6 entries"]}, "lines": '
        '["More."], "topic": "reading fails on x"}',
    ),
    "listed": (
        AlertKind.MOVEMENT,
        '{"classes": [], "on_lists": [{"case": "OFAC-42498", "day": "2026-09-23", "entry": "E-1", '
        '"origin": {"address": "", "at_least": true, "entity": "42498", "list": "ofac", "name": '
        '"SIM", '
        '"programs": ["DPRK3"], "since": "2023-04-24", "title": "OFAC", "until": "2026-09-01"}, '
        '"sha256": "ab"}], "read_at": 9}',
    ),
    "listed, reversed": (
        AlertKind.CORRECTION,
        '{"correction": {"evidence": [], "state": "reversed"}, "on_lists": [{"case": "", "day": '
        '"", "entry": "E-1", "origin": {"address": "", "at_least": false, "entity": "", '
        '"list": "fbi", "name": "", "programs": [], "since": "2023-04-24", "title": "FBI", '
        '"until": ""}, "sha256": ""}]}',
    ),
    "listed, history": (
        AlertKind.HISTORY,
        '{"history": {"alarming": false, "by_asset": [], "count": 0, "covered": [], "from": null, '
        '"listed": 0, "to": null}, "on_lists": [{"case": "", "day": "", "entry": "E-1", "origin": '
        '{"address": "", "at_least": false, "entity": "", "list": "fbi", "name": "", '
        '"programs": [], "since": '
        '"2023-04-24", "title": "FBI", "until": ""}, "sha256": ""}]}',
    ),
    "clock": (
        AlertKind.CLOCK_DUE,
        '{"clock_due": {"by": "m.ortiz", "case": "C", "clock": "C-1", "counted": "30 days - not '
        'legal advice", "due": "2026-12-07", "source": "31 CFR 501.603", "started": 1795338877, '
        '"step": "soon", "title": "Report", "zone": "UTC"}}',
    ),
    "report": (
        AlertKind.NOTICE,
        '{"lines": [], "report": {"above": 1, "file": "a,b\\r\\n", "sections": [{"lines": '
        '["Read."], "name": "READ"}], "table": [{"cells": ["whom", "out"]}]}, "topic": "lists"}',
    ),
    "answer": (AlertKind.NOTICE, '{"lines": ["Taken: \\"Ann\\""], "topic": "watchlist"}'),
    "held funds": (
        AlertKind.MOVEMENT,
        '{"classes": [], "confirmations": 1, "finality": 4, "funds": {"as_planned": true, '
        '"expected": [{"asset": "USDT", "coins": "1000.5"}], "holder": "the court", "planned": '
        '{"amount": "5 USDT", "by": "Ann", "since": 7, "to": "0xb", "until": "2026-12-31", '
        '"why": "order 12"}, "state": "seized"}, "read_at": 9}',
    ),
    "held funds, reversed": (
        AlertKind.CORRECTION,
        '{"correction": {"evidence": [], "state": "reversed"}, "finality": 4, "funds": {"planned": '
        '{"amount": "5 USDT", "by": "Ann", "since": 7, "to": "0xb", "until": "2026-12-31", '
        '"why": "order 12"}, "state": "frozen", "unlike": "It is more."}, "read_at": 9}',
    ),
    "touches us": (
        AlertKind.MOVEMENT,
        '{"classes": [], "confirmations": 1, "finality": 4, "ours": [' + OURS + '], "read_at": 9}',
    ),
    "touches us, reversed": (
        AlertKind.CORRECTION,
        '{"correction": {"evidence": [], "state": "reversed"}, "finality": 4, "ours": ['
        + OURS
        + '], "read_at": 9}',
    ),
    "reached": (
        AlertKind.REACHED,
        '{"read_at": 9, "traced": {"ask": "Go on?", "at": 8, "case": "C-1", "confirmed": '
        'false, "ends": [{"confirmed": false, "name": "Big Exchange", "places": 2, "reaso'
        'n": "exchange", "unpriced": 1, "usd": [1, 3, 2]}, {"confirmed": true, "name": ""'
        ', "places": 1, "reason": "rests", "unpriced": 0, "usd": null}], "hops": [{"chain'
        '": "dev", "chosen": "6", "decimals": 6, "high": "7", "hop": 2, "leg": "erc20|a",'
        ' "low": "5", "symbol": "USDC", "time": 6, "to": "Big Exchange", "to_chain": "far'
        '", "touches": true, "tx": "0x1", "usd": [50, 70, 60]}, {"chain": "dev", "decimal'
        's": null, "high": "2", "hop": 3, "leg": "native", "low": "1", "symbol": "ETH", "'
        'time": 0, "to": "", "to_chain": "", "touches": false, "tx": "0x2", "usd": null}]'
        ', "known": ["aa"], "left": [3, 4], "lines": ["a word"], "method": "libr", "moved'
        '": [7, 8], "moves": 12, "named": [["Big Exchange", "a list", "2024-01-01"]], "pl'
        'ace": "dev/0xb", "reason": "exchange", "rests": [1, 2], "sha256": "ab", "state":'
        ' 3, "turn": "reached", "was": [1, 9], "was_state": 2}}',
    ),
    "touches us, found later": (
        AlertKind.NOTICE,
        '{"lines": [], "ours": [' + OURS + '], "topic": "TOUCHES US"}',
    ),
}
TYPES = {
    AlertKind.CORRECTION: Correction,
    AlertKind.HISTORY: History,
    AlertKind.CLOCK_DUE: ClockDue,
    AlertKind.NOTICE: Notice,
    AlertKind.UNEXPLAINED: Unexplained,
    AlertKind.TRACED: Traced,
    AlertKind.REACHED: Traced,
    AlertKind.TRACE_QUESTION: Traced,
}


# Members of all facts that some kinds never have.
ELSEWHERE = {
    *((History, name) for name in ("finality", "second_source", "ours", "funds")),
    *((ClockDue, name) for name in ("read_at", "finality", "second_source", "on_lists", "funds")),
    *((ClockDue, "ours"),),
    *((Notice, name) for name in ("read_at", "finality", "second_source", "on_lists", "funds")),
    *((Traced, name) for name in ("finality", "second_source", "ours", "on_lists", "funds")),
    *((Unexplained, name) for name in ("second_source", "ours", "on_lists")),
}


@pytest.mark.parametrize(("kind", "text"), FROZEN.values(), ids=FROZEN)
def test_what_a_record_holds_is_read_whole_and_written_alike(kind: AlertKind, text: str) -> None:
    """Nothing is left over, and only the version is new."""
    facts = from_json(kind, json.loads(text))
    assert type(facts) is TYPES.get(kind, Movement)
    assert facts.more == {}
    written = to_json(facts)
    assert written.pop("version") == VERSION
    assert json.dumps(written, sort_keys=True) == text
    assert from_json(kind, json.loads(json.dumps(to_json(facts)))) == facts


def test_the_frozen_forms_reach_every_member() -> None:
    """A member that none of them sets would be a form that no test knows."""
    read = [from_json(kind, json.loads(text)) for kind, text in FROZEN.values()]
    for facts in (Movement, Correction, History, Notice, Unexplained, Traced, ClockDue):
        mine = [each for each in read if type(each) is facts]
        plain = facts()
        for field in fields(facts):
            if field.name != "more" and (facts, field.name) not in ELSEWHERE:
                assert any(
                    getattr(each, field.name) != getattr(plain, field.name) for each in mine
                ), field.name


@pytest.mark.parametrize("kind", list(AlertKind))
def test_what_a_newer_version_adds_is_kept(kind: AlertKind) -> None:
    """Wherever it stands: it is written again under its place."""
    told = {
        "correction": {"state": "reversed", "cause": ["x"]},
        "history": {"count": 2, "cause": ["x"]},
        "unexplained": {"cause": ["x"]},
        "traced": {"cause": ["x"]},
        "clock_due": {"cause": ["x"]},
        "incident": {"key": "k", "cause": ["x"]},
        "dealings": {"0xb": {"count": 1, "cause": ["x"]}},
        "version": VERSION + 1,
    }
    facts = from_json(kind, told)
    assert not isinstance(facts, Unread)
    (place,) = [place for place in facts.more if place.endswith(".cause")]
    assert to_json(facts)[place] == ["x"]


@pytest.mark.parametrize("kind", [AlertKind.MOVEMENT, AlertKind.NOTICE])
def test_what_an_older_version_left_out_is_not_missed(kind: AlertKind) -> None:
    facts = from_json(kind, {})
    assert facts == TYPES.get(kind, Movement)()


@pytest.mark.parametrize(
    ("kind", "told", "why"),
    [
        (AlertKind.MOVEMENT, ["a", "list"], "the whole is not an object"),
        (AlertKind.MOVEMENT, {"read_at": True}, "read_at is not a whole number"),
        (AlertKind.MOVEMENT, {"classes": [["leg", "dust"]]}, "classes is not a list of threes"),
        (AlertKind.MOVEMENT, {"classes": "dust"}, "classes is not a list"),
        (AlertKind.MOVEMENT, {"dealings": {"0xb": 3}}, "dealings is not an object"),
        (
            AlertKind.MOVEMENT,
            {"dealings": {}, "net": {"in": "1.5", "out": "0", "net": "1"}},
            "net.in is not an amount in base units",
        ),
        (AlertKind.CORRECTION, {"read_at": 3}, "correction is missing"),
        (AlertKind.CORRECTION, {"correction": {"state": 7}}, "correction.state is not a text"),
        (AlertKind.HISTORY, {"history": {"covered": [3]}}, "history.covered is not a list of te"),
        (AlertKind.NOTICE, {"incident": {"reminder": 2}}, "incident.reminder is neither true nor"),
    ],
)
def test_what_is_not_of_its_type_is_kept_as_it_stands(
    kind: AlertKind, told: object, why: str
) -> None:
    """It says which member is at fault, and is written as it was."""
    facts = from_json(kind, told)
    assert isinstance(facts, Unread)
    assert facts.why.startswith(why)
    assert to_json(facts) == (told if isinstance(told, dict) else {"facts": told})


@pytest.mark.parametrize(
    "text", ["", "{oops", "[" * 100_000, '{"read_at": ' + "9" * 5000 + "}"],
    ids=["empty", "cut", "deep", "long"],
)  # fmt: skip
@pytest.mark.parametrize("kind", list(AlertKind))
def test_a_damaged_text_is_kept_as_it_stands(kind: AlertKind, text: str) -> None:
    """One bad alert must not make the list of all of them unreadable."""
    facts = from_text(kind, text)
    assert isinstance(facts, Unread)
    assert facts.why.startswith("not readable as JSON")
    assert to_json(facts) == {"facts": text}


def test_an_amount_of_thousands_of_digits_is_not_read() -> None:
    """Python refuses to make a number of it."""
    told = {"dealings": {}, "balances": [{"asset": "", "before": "9" * 5000, "after": "0"}]}
    assert isinstance(from_json(AlertKind.MOVEMENT, told), Unread)


def test_facts_of_another_kind_are_empty_ones() -> None:
    facts: Facts = Movement(success="not checked yet")
    assert of_kind(facts, Movement) is facts
    assert of_kind(facts, History) == History()


def test_a_first_time_has_no_dates() -> None:
    facts = from_json(AlertKind.MOVEMENT, {"dealings": {"0xd": {"count": 0}}})
    unusual = of_kind(facts, Movement).unusual
    assert unusual is not None
    assert unusual.dealings == {"0xd": Dealings()}


@pytest.mark.parametrize(
    ("told", "second"),
    [
        ({}, None),
        ({"second_source": None}, SecondSource()),
        ({"second_source": {"asked": False, "why": "none"}}, SecondSource(alone=True)),
        (
            {"second_source": {"source": "two", "agrees": None, "at": 9}},
            SecondSource("two", None, "", 9),
        ),
    ],
    ids=["not wanted", "none has answered", "there is none", "could not say"],
)
def test_words_of_a_second_source(told: object, second: SecondSource | None) -> None:
    assert from_json(AlertKind.MOVEMENT, told).second_source == second
