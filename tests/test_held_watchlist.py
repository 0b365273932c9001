"""The lines of a watchlist about held funds: what they take, what they refuse, how they last."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from monitor.model import Asset, Chain, Entry, Planned
from monitor.store.rows import entry_terms, to_entry
from monitor.watchlist import edit, entries, export, held
from monitor.watchlist.imports import rows, tables

ETHEREUM = Chain("ethereum", "Ethereum", "evm", "ETH", 18, 65, (), 1)
TRON = Chain("tron", "Tron", "tron", "TRX", 6, 19)
CHAINS = {"ethereum": ETHEREUM, "tron": TRON}
SIM = "0x4F47Bc496083C727c5fbe3CE9CDf2B0f6496270c"
TO = "0xd04E33461FEA8302c5E1e13895b60cEe8AEfda7F"
TETHER = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
USDT = Asset("ethereum", TETHER.lower(), "USDT", 6)
TWICE = [Asset("ethereum", "0x" + digit * 40, "TWO", 18) for digit in "12"]
PLAN = f'{{to: {TO}, amount: 5 usdt, until: 2026-12-31, by: M. Ortiz, why: "order 12"}}'


def parse(text: str) -> entries.Parsed:
    return entries.parse(text, CHAINS, assets=[USDT, *TWICE])


def block(*lines: str, chain: str = "chain: ethereum") -> str:
    start = f"addresses:\n  - address: {SIM}\n    {chain}\n"
    return start + "".join(f"    {line}\n" for line in lines)


def one(*lines: str) -> Entry:
    parsed = parse(block(*lines))
    assert parsed.problems == ()
    (entry,) = parsed.entries
    return entry


def test_every_line_reaches_the_entry() -> None:
    """Symbols in capitals or not, and contracts in their one form; zero is an amount."""
    entry = one(
        "held: seized", "holder: the court", "expected: {usdt: 1000.5, eth: 0}",
        f"planned: {PLAN}",
    )  # fmt: skip
    assert (entry.held, entry.holder) == ("seized", "the court")
    assert entry.expected == {"USDT": "1000.5", "ETH": "0"}
    assert entry.planned == Planned(TO.lower(), "5 USDT", "2026-12-31", "M. Ortiz", "order 12")
    assert one("held: frozen", f"expected: {{{TETHER}: 1}}").expected == {TETHER.lower(): "1"}


def test_a_case_holds_for_its_addresses() -> None:
    """`held` and `holder` of a case or the defaults; an address may say otherwise."""
    parsed = parse(
        "defaults:\n  held: frozen\n  holder: the issuer\ncases:\n  A:\n    held: forfeited\n"
        f"    addresses:\n      - {{address: {SIM}, chain: ethereum}}\n"
        f"      - {{address: {TO}, chain: ethereum, held: seized, holder: me}}\n"
    )
    assert parsed.problems == ()
    found = [(e.held, e.holder) for e in parsed.entries]
    assert found == [("forfeited", "the issuer"), ("seized", "me")]


# lines, line of the problem, part of what it says
BAD = {
    "held as what": (["held: frozn"], 4, "Did you mean frozen"),
    "held with a capital": (["held: Frozen"], 4, "Did you mean frozen"),
    "misspelt": (["helt: frozen"], 4, "Did you mean held"),
    "not held": (["expected: {ETH: 1}"], 4, "Add a line  held:"),
    "held by, not held": (["holder: me"], 4, "Add a line  held:"),
    "planned, not held": ([f"planned: {PLAN}"], 4, "Add a line  held:"),
    "long holder": (["held: frozen", "holder: " + "x" * 121], 5, "longer than 120"),
    "a canary": (["held: frozen", "canary: 6", "since: 2026-11-22"], 5, "is held and a canary"),
    "no coin": (["held: frozen", "expected: 5"], 5, "{USDT: 1000.5}"),
    "unknown symbol": (["held: frozen", "expected: {USTD: 1}"], 5, "Did you mean USDT"),
    "dollars": (["held: frozen", "expected: {USD: 1}"], 5, "nor a verified token"),
    "coin of another chain": (["held: frozen", "expected: {TRX: 1}"], 5, "coin of Ethereum"),
    "symbol of two": (["held: frozen", "expected: {TWO: 1}"], 5, f"{TWICE[0].contract} or 0x2"),
    "unknown contract": (["held: frozen", f"expected: {{{TO}: 1}}"], 5, "config/assets.yaml"),
    "named twice": (["held: frozen", f"expected: {{USDT: 1, {TETHER}: 1}}"], 5, "named twice"),
    "exponent": (["held: frozen", "expected: {ETH: 1e3}"], 5, "amount in coins"),
    "negative": (["held: frozen", "expected: {ETH: -1}"], 5, "amount in coins"),
    "separators": (["held: frozen", 'expected: {ETH: "1,000"}'], 5, "amount in coins"),
    "no amount": (["held: frozen", "expected: {ETH: }"], 5, "amount in coins"),
    "digits": (["held: frozen", "expected: {USDT: 1.0000001}"], 5, "more digits"),
    "plan in words": (["held: frozen", "planned: soon"], 5, "planned: {to: ADDRESS"),
    "plan lacks": (
        ["held: frozen", f"planned: {PLAN.replace(', why:', ', wy:')}"],
        5,
        "lacks  why:",
    ),
    "plan misspelt": (["held: frozen", f"planned: {PLAN.replace('until', 'untill')}"], 5, "until"),
    "plan to Tron": (
        ["held: frozen", f"planned: {PLAN.replace(TO, 'TXhf9nU9bjo1j9z5qEesHdr6gtdndfnA4T')}"],
        5,
        "looks like a Tron address",
    ),
    "plan to itself": (["held: frozen", f"planned: {PLAN.replace(TO, SIM)}"], 5, "holds the funds"),
    "plan of nothing": (
        ["held: frozen", f"planned: {PLAN.replace('5 usdt', '0 usdt')}"],
        5,
        "is nothing",
    ),
    "plan without coin": (
        ["held: frozen", f"planned: {PLAN.replace('5 usdt', '5')}"],
        5,
        "1000.5 USDT",
    ),
    "plan on no day": (
        ["held: frozen", f"planned: {PLAN.replace('12-31', '02-30')}"],
        5,
        "is not a day",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_told_with_its_line_and_remedy(name: str) -> None:
    lines, line, part = BAD[name]
    parsed = parse(block(*lines))
    assert {p.place for p in parsed.problems} == {f"watchlist.yaml:{line}"}
    assert any(part in str(problem) for problem in parsed.problems), parsed.problems
    assert all(problem.remedy for problem in parsed.problems)
    assert parsed.entries == ()


@pytest.mark.parametrize("line", ["expected: {ETH: 1}", f"planned: {PLAN}"])
def test_amounts_belong_to_one_chain(line: str) -> None:
    parsed = parse(block("held: frozen", line, chain="chains: [ethereum, bnb]"))
    assert parse(block("held: frozen", line)).problems == ()
    chains = {**CHAINS, "bnb": Chain("bnb", "BNB Chain", "evm", "BNB", 18, 15, (), 56)}
    parsed = entries.parse(block("held: frozen", line, chain="chains: [ethereum, bnb]"), chains)
    assert "several chains" in str(parsed.problems[0])


HELD = ("held: seized", "holder: 'the court, Basel'", "expected: {USDT: 1000.5, ETH: 0}")


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_what_export_writes_import_takes_without_loss(form: str) -> None:
    entry = one(*HELD, f"planned: {PLAN}")
    text = "".join(export.FORMATS[form]([entry], CHAINS))
    table = tables.read(text.encode(), "list", lambda word: word in CHAINS)
    terms = rows.Terms(CHAINS, symbols={"USDT"}, assets=[USDT], quieter=True)
    found = rows.plan(table, [], terms)
    assert [p for each in found.refused for p in each.problems] == []
    (taken,) = found.taken
    assert [replace(each, line=0) for each in taken.entries] == [replace(entry, line=0)]
    grown = edit.add_many("", CHAINS, rows.blocks(found, CHAINS))
    assert [replace(e, line=0) for e in parse(grown).entries] == [replace(entry, line=0)]


def test_a_list_of_others_holds_nothing() -> None:
    """Of held funds less is told of what comes in, and of what was announced."""
    text = "".join(export.FORMATS["jsonl"]([one(*HELD, f"planned: {PLAN}")], CHAINS))
    table = tables.read(text.encode(), "list", lambda word: word in CHAINS)
    found = rows.plan(table, [], rows.Terms(CHAINS, symbols={"USDT"}, assets=[USDT]))
    (taken,) = found.taken
    assert [each.held for each in taken.entries] == [""]
    assert {"held", "holder", "expected", "planned"} <= set(found.quieter)


def test_the_record_keeps_the_terms() -> None:
    """And entries that are not held have the terms that they always had."""
    entry = one(*HELD, f"planned: {PLAN}")
    (dated,) = held.announced([entry], [], 1_700_000_000)
    assert to_entry(entry_terms(dated)) == replace(dated, line=0)
    assert json.loads(entry_terms(dated))["planned"]["since"] == 1_700_000_000
    assert not {"held", "holder", "expected", "planned"} & json.loads(entry_terms(one())).keys()


def test_an_announcement_counts_from_when_it_was_first_read() -> None:
    """Saving the list again changes nothing; another announcement is a new one."""
    entry = one("held: frozen", f"planned: {PLAN}")
    (first,) = held.announced([entry], [], 100)
    (again,) = held.announced([entry], [first], 200)
    assert again == first
    other = one("held: frozen", f"planned: {PLAN.replace('order 12', 'order 13')}")
    (second,) = held.announced([other], [first], 300)
    assert second.planned is not None
    assert second.planned.since == 300
    assert entries.difference([first], [again]).unchanged == (again,)
