"""What comes next in a case: a fixed order, figures in words, one button each."""

from __future__ import annotations

from dataclasses import replace

import trace_values as v

from monitor.decide.desk import next as coming
from monitor.decide.desk.next import Standing
from monitor.messages.trace import wherenow
from monitor.messages.trace.words import Page
from monitor.model import Severity
from monitor.model.desk import Open
from monitor.model.trace import Beside
from monitor.web.desk.where import freezable

PATH = "/c/C"
ISSUED = v.trace(beside=Beside(issuers=(("ethereum", v.USDT.contract, "Tether"),)))
ALERT = Open("A-1", "C", Severity.HIGH, "movement", 0, "dev", "open", "", "", "", waits=False)
BUSY = Standing(
    "C",
    1000,
    60,
    held_missing=["5 ETH missing"],
    work=[ALERT],
    unread="1 of 2 entries not read",
    unexplained=2,
    freezable=("85,000 USDT", "1 address on Ethereum; issuer: Tether"),
    asked=("1 address waits: may it be followed?", ""),
)


def words(standing: Standing) -> list[str]:
    return [each.words for each in coming.following(standing, PATH)]


def test_what_can_be_done_most_about_stands_first_and_five_are_told() -> None:
    assert words(BUSY) == [
        "Funds that must not move are missing.",
        "85,000 USDT can still be frozen.",
        "1 address waits: may it be followed?",
        "Nobody has 1 of the 1 open alert.",
        "Not everything of this case is read.",
    ]
    calm = replace(BUSY, held_missing=(), work=(), unread="", unexplained=0)
    assert words(calm) == words(BUSY)[1:3]
    assert words(replace(calm, freezable=("", ""), asked=("", ""))) == []


def test_each_has_a_button_that_leads_somewhere() -> None:
    found = coming.following(BUSY, PATH)
    assert all(each.path.startswith(("/c/C", "/alert/A-1")) and each.button for each in found)
    frozen = found[1]
    assert frozen.path == "/c/C#seized"
    assert frozen.why == "1 address on Ethereum; issuer: Tether."
    told = coming.following(replace(BUSY, unasked=1), PATH)[1]
    where = "1 place where somebody could act"
    assert told.why.endswith(f"issuer: Tether. Nobody was asked about {where}.")
    assert "85,000 USDT can still be frozen." not in words(replace(BUSY, unasked=0))


def test_who_could_act_and_was_not_asked_is_named_also_where_no_issuer_could() -> None:
    names = ["Exchange", "Other", "Third", "Fourth", "Fifth"]
    there = replace(BUSY, freezable=("", ""), unasked=6, could=names, advice="Ask your counsel.")
    found = coming.following(there, PATH)[1]
    asked = "Nobody was asked about 6 places where somebody could act"
    assert found.words == f"{asked}: Exchange, Other, Third, 2 more."
    assert found.why == "Ask your counsel."
    for nobody in (replace(there, unasked=0), replace(there, unasked=None)):
        assert not any("could act" in said for said in words(nobody))


def test_what_can_still_be_frozen_is_of_the_method_of_the_page() -> None:
    page = Page(method="fifo")
    found = wherenow.accounts(ISSUED, page)
    assert freezable(found, page) == ("85,000 USDT", "1 address on ethereum; issuer: Tether")
    by_lifo = Page(method="lifo")  # by which nothing rests there
    assert freezable(wherenow.accounts(ISSUED, by_lifo), by_lifo) == ("", "")
    assert freezable(wherenow.accounts(ISSUED, Page()), Page())[0] == "0 to 85,000 USDT"
    nobody = wherenow.accounts(v.trace(), page)
    assert freezable(nobody, page) == ("", "")
