"""Somebody tries to lead a trace astray, to make it ask too much, to make it cry wolf or fall
silent: the real command on a scripted chain."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from test_trace_run import BANK, EXCHANGE, SOURCE, UNIT, USD, A, B, C, Story, told

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.moves import TokenMove, Tx
from monitor.demo.world.service import Reply


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All that is asked of explorers here."""
    seen: list[bytes] = []
    true = Explorer.reply

    def reply(self: Explorer, method: str, target: str, body: bytes) -> Reply:
        seen.append(target.encode() + b"\n" + body)
        return true(self, method, target, body)

    monkeypatch.setattr(Explorer, "reply", reply)
    return seen


def _again(story: Story) -> str:
    """Follow again, as if some time had gone by."""
    story.home.sql("UPDATE scope SET due = 0")
    story.home.sql("UPDATE reading SET ok = 0")
    return story.run()


def test_a_deposit_address_that_is_found_out_later_was_reached(tmp_path: Path) -> None:
    """The payment was told as a step on the way; when the address is swept it is more."""
    with told(tmp_path) as story:
        story.pay(BANK, SOURCE, 20_000)
        story.pay(SOURCE, A, 8_000)
        story.run()
        story.at = int(time.time()) + 1
        paid = story.pay(A, B, 3_000)
        _again(story)
        before = story.traced()
        story.pay(B, EXCHANGE, 3_000)
        _again(story)
        nodes, found = story.nodes(), story.traced()
    assert "reached" not in {each["kind"] for each in before}
    assert nodes[B]["stop"]["reason"] == "deposit_address"
    reached = [each for each in found if each["kind"] == "reached"]
    assert [(r["severity"], r["traced"]["reason"], r["tx"]) for r in reached] == [
        ("severe", "deposit_address", paid)
    ]


def test_a_question_that_grows_is_asked_once_a_day(tmp_path: Path) -> None:
    with told(tmp_path, {"hops": 10, "min_usd": 25}) as story:
        story.pay(BANK, SOURCE, 20_000)
        story.pay(SOURCE, A, 8_000)
        for _ in range(12):
            story.pay(A, C, 24)
        story.run()
        first = [each for each in story.traced() if each["kind"] == "trace_question"]
        for n in range(4):
            other = "0x" + f"{n + 16:02x}" * 20
            for _ in range(12):
                story.pay(A, other, 24)
            _again(story)
        every = [each for each in story.traced() if each["kind"] == "trace_question"]
    assert len(first) == 1
    assert len(every) == 1


def _own(story: Story, *lines: str) -> None:
    """A list of our own addresses."""
    home = story.home
    home.write("customers.csv", "address,label\n" + "".join(f"{line}\n" for line in lines))
    row = {"kind": "csv", "file": "customers.csv", "title": "Our bank", "every": "never",
           "watch": "no", "ours": "yes"}  # fmt: skip
    home.write("config/lists.yaml", {"lists": {"house": row}})
    home.run("lists", "update", "house")


def _everything_shown(story: Story) -> str:
    """All that anybody can have shown of the case."""
    home = story.home
    for form in ("table", "jsonl"):
        home.run("trace", "show", "C-1", "--format", form)
        home.run("trace", "frontier", "C-1", "--format", form)
    for form in ("table", "jsonl", "csv"):
        home.run("seizure", "C-1", "--format", form)
    home.run("trace", "picture", "C-1", "--out", str(home.path / "picture.svg"))
    for alert in home.alerts():
        home.run("alerts", "show", alert["id"])
    home.run("alerts", "list", "--format", "jsonl")
    home.run("transfers", "--format", "jsonl")
    home.run("status", code=None)
    return "\n".join([*home.said, (home.path / "picture.svg").read_text()]).casefold()


def test_of_our_own_nobody_learns_and_hundreds_of_payments_are_one_alert(
    tmp_path: Path, asked: list[bytes]
) -> None:
    with told(tmp_path) as story:
        _own(story, f"{C},our treasury")
        story.home.said.clear()
        story.pay(BANK, SOURCE, 20_000)
        story.pay(SOURCE, A, 8_000)
        story.run()
        story.at = int(time.time()) + 1
        for _ in range(30):
            story.pay(A, C, 1)
        story.pay(A, C, 2_000)
        story.pay(C, B, 1_500)
        _again(story)
        nodes, touching = story.show()["node"], story.traced()
        shown = _everything_shown(story)
    assert [n["hop"] for n in nodes if n["address"] == "ours:our treasury"] == [2]
    severe = [e for e in touching if e["severity"] == "severe" and e["kind"] == "traced"]
    assert [len(each["transfers"]) for each in severe] == [31]
    assert C[2:] not in b"\n".join(asked).decode().casefold()
    assert A[2:] in b"\n".join(asked).decode().casefold()
    assert C[2:] not in shown


def test_what_was_followed_and_became_our_own_is_asked_about_no_more(
    tmp_path: Path, asked: list[bytes]
) -> None:
    with told(tmp_path) as story:
        story.pay(BANK, SOURCE, 20_000)
        story.pay(SOURCE, A, 8_000)
        story.pay(A, C, 4_000)
        story.run()
        _own(story, f"{C},our treasury")
        asked.clear()
        story.home.said.clear()
        story.home.sql("UPDATE reading SET failing = 1 WHERE 1")
        _again(story)
        _again(story)
        story.home.run("poll")
    assert asked
    assert C[2:] not in b"\n".join(asked).decode().casefold()


def test_a_long_history_takes_hardly_more_calls_than_the_case_has(tmp_path: Path) -> None:
    """Of a source with few rows a page; what a person raises the limit by is gone on with."""
    with told(tmp_path, {"hops": 10, "calls": 60}) as story:
        story.pay(BANK, SOURCE, 20_000)
        story.pay(SOURCE, A, 8_000)
        for number in range(60):
            story.at += 60
            moves = [TokenMove("ERC-20", USD, BANK, A, UNIT, log_index=n) for n in range(100)]
            tx = Tx(f"0x{number:064x}", BANK, USD, 0, nonce=number, tokens=tuple(moves))
            story.ledger.mine([tx], story.at)
        knobs = story.explorer.knobs("dev", "etherscan")
        knobs.page_cap, knobs.seen = 20, []
        said = story.run()
        asked = sum(A in str(request.query) for request in knobs.seen)
        story.run()
        again = sum(A in str(request.query) for request in knobs.seen)
        partly = story.nodes()[A]
        words = ("--by", "Ann", "--note", "a reason")
        story.home.run("trace", "limit", "C-1", "calls", "2000", *words)
        story.run()
        whole = story.nodes()[A]
    assert "the limit of 60 calls for finding addresses is reached: 1 address not" in said
    assert asked <= 60 + 2 * 2_000 / 20  # what is read in one go is not cut
    assert again - asked <= 5
    assert (partly["complete"], whole["complete"]) == (False, True)
