"""What could be seized, and whom to ask, on the page of a case: what can be done now stands first,
all lines add up to what left, and only an authority gets a draft."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import desk_traced as traced
import pytest
import trace_values as story
from hypothesis import given, settings
from test_trace_sums import cases, quick
from tracing_world import Case, Learner
from werkzeug.test import Client, TestResponse
from world.book import Book
from world.desk_open import TOKEN, Open, client
from world.deskbook import BOB, NOW, as_home, verified_book

from monitor.loops.desk import requests
from monitor.messages.trace.followed import following
from monitor.messages.trace.seized import Known, seized
from monitor.messages.trace.words import Page
from monitor.model import Subject
from monitor.model.desk import Person, Role, Sight
from monitor.model.desk_requests import Stage
from monitor.model.flow import CONSERVING
from monitor.model.trace import Node, State, Stop, Told, Trace
from monitor.store import requests as kept

ALL = Sight(None, loose=True)
BOB_P = Person("bob", Role.ANALYST, enrolled=1)
READER = Person("rex", Role.READER, enrolled=1)
USDT = story.USDT.contract
NEW = f"/request/new?case=C&chain=ethereum&address={story.HUB}&contract={USDT}"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with verified_book(tmp_path) as made:
        as_home(made)
        yield made


@pytest.fixture
def guard() -> Open:
    return Open(person=BOB_P, cases=("C",))


@pytest.fixture
def browser(book: Book, guard: Open) -> Iterator[Client]:
    with client(book.store.path.parent, guard) as made:
        yield made


def told(trace: Trace) -> Told:
    return Told(1, NOW, "ab" * 32, trace)


def text(page: TestResponse) -> str:
    assert page.status_code == 200, page.text[:500]
    return " ".join(re.sub("<[^>]+>", " ", page.text).split())


def shown(browser: Client, query: str = "") -> str:
    said = text(browser.get(f"/c/C{query}"))
    return said[said.index("What could be seized") : said.index("What happened")]


# -- sums ----------------------------------------------------------------------------------------


@settings(quick, max_examples=40)
@given(cases)
def test_all_lines_add_up_to_what_left_by_every_method(case: Case) -> None:
    for trace in Learner(case).seen or [Learner(case).to_the_end()]:
        for most in (30, 1):
            found = seized(told(trace), Page(), Known(NOW), most)
            for account in found.accounts:
                assert account.adds_up
                lines = [each for each in found.lines if each.asset == account.asset]
                for method in CONSERVING:
                    mine = (f.units for line in lines for f in line.figures if f.method == method)
                    assert sum(mine) == dict(account.rows)["these lines"][method]
            out = {t.asset for t in trace.totals if t.method in CONSERVING and t.out_of_sources}
            assert out - {None} <= {each.asset for each in found.accounts}


@settings(quick, max_examples=40)
@given(cases)
def test_the_page_of_following_says_the_same_and_its_hops_balance(case: Case) -> None:
    for trace in Learner(case).seen or [Learner(case).to_the_end()]:
        found, rests = following(trace, Page()), seized(told(trace), Page(), Known(NOW), 10**6)
        for balance in found.balances:
            assert [hop.difference for hop in balance.hops] == [0] * len(balance.hops)
        beside = {
            (each.row.subject, each.asset, figure.method): figure.units
            for each in found.beside
            for figure in each.figures
            if each.highest
        }
        lines = {
            (line.subject, line.symbol, figure.method): figure.units
            for line in rests.lines
            for figure in line.figures
            if line.subject is not None
        }
        assert lines.items() <= beside.items()
        for each in found.beside:
            marked = {figure.units for figure in each.figures}
            assert (each.lowest, each.highest) == (min(marked), max(marked))


def test_what_does_not_add_up_says_by_how_much() -> None:
    trace = story.trace(nodes=story.NODES[:-1])
    far = next(
        each
        for each in seized(told(trace), Page(), Known(NOW)).accounts
        if each.asset == story.FAR_ETH
    )
    assert far.difference == {m: story.LANDED[m] for m in CONSERVING}


def test_small_ends_are_one_line_and_many_places_are_summed() -> None:
    small = Stop("below_value", "")
    ends = tuple(
        replace(_rest(n), state=State.STOPPED, stop=small if n < 30 else None) for n in range(100)
    )
    found = seized(told(story.trace(nodes=(*story.NODES[:1], *ends))), Page(), Known(NOW))
    assert [each.places for each in found.lines] == [1] * 30 + [40, 30]
    assert found.folded == 40
    assert found.lines[-1].details == ("less than is followed (min_usd)",)
    assert found.lines[-1].ours == "1,200 to 1,800 USDT"


def _rest(number: int) -> Node:
    subject = Subject("ethereum", f"0x{number + 1:040x}")
    amount = {m: units // 1000 for m, units in story.TO_REST.items()}
    return replace(story.NODES[4], subject=subject, holds=(story.summed(story.USDT, amount),))


# -- order ---------------------------------------------------------------------------------------


def test_what_can_be_done_now_stands_first(book: Book) -> None:
    traced.take(book, NOW)
    state = told(traced.of_case())

    def order() -> list[str]:
        known = Known(NOW, kept.requests(book.store, ALL))
        return [each.address for each in seized(state, Page(), known).lines]

    hub, rest, exchange = story.HUB, story.REST, story.EXCHANGE
    assert order()[:3] == [hub, exchange, rest], "the largest of those that nobody was asked about"
    made = requests.prepare(
        book.store, BOB, {}, "C", (traced.HUB, USDT), "Tether", "", NOW - 9000, "1"
    )
    assert order()[:3] == [exchange, rest, hub]
    requests.record(book.store, BOB, made.id, Stage.SENT, NOW - 5700, ("R", ""), NOW - 5700, "2")
    line = seized(state, Page(), Known(NOW, kept.requests(book.store, ALL))).lines[2]
    assert (line.address, line.asked[0].waits) == (hub, "No answer for 95 min")
    frozen = {(traced.HUB, USDT): (NOW - 60, "0xf")}
    state_ = seized(state, Page(), Known(NOW, frozen=frozen))
    (line,) = [each for each in state_.lines if each.subject == traced.HUB]
    assert (line.pill, line.rank) == ("FROZEN", 4)
    assert line.details[0].startswith("by Tether since ")


# -- the page ------------------------------------------------------------------------------------


def test_the_page_says_where_how_much_whom_to_ask(book: Book, browser: Client) -> None:
    traced.take(book, NOW, traced.less(traced.of_case(), 84 * 10**9))
    said = shown(browser)
    for words in (
        *("RESTS HERE", "TO BE READ", "AT AN EXCHANGE", "0 to 85,000 USDT", "not asked"),
        *("84,000", "up to 1,000 USDT less than is traced", "check first: that name is of 2024"),
        "nobody: a chain's own coin cannot be frozen at an address",
        *("Sum of these lines, USDT on Ethereum.", "Left the watched addresses: 200,000 USDT"),
    ):
        assert words in said.replace("&#39;", "'"), words
    assert 'class="less"' in browser.get("/c/C").text
    assert story.HUB in said.lower()
    assert "does not add up" not in said
    chosen = browser.get("/c/C?method=libr").text
    assert "<b>85,000</b>" in chosen
    assert "<b>85,000 USDT</b>" in chosen


@pytest.mark.parametrize(
    ("desk", "note", "button"),
    [
        ("authority", "", "Prepare a request"),
        ("bank", "Do not write to them, or to the holder, on this alone", "Record a request"),
        ("", "desk: is not set in config/settings.yaml", ""),
    ],
)
def test_only_an_authority_gets_a_draft(
    book: Book, browser: Client, desk: str, note: str, button: str
) -> None:
    traced.take(book, NOW, traced.of_case(desk))
    said = shown(browser)
    assert note in said
    assert ("Prepare a request" in said, "Record a request" in said) == (
        button == "Prepare a request",
        button == "Record a request",
    )
    assert ("/request/new" in browser.get("/c/C").text) == bool(button)
    if desk == "bank":
        assert "Note, not sent." in text(browser.get(NEW))
        assert "Legal basis" not in text(browser.get(NEW))


def test_a_past_day_and_a_reader_have_no_forms(book: Book, browser: Client, guard: Open) -> None:
    traced.take(book, NOW)
    day = time.strftime("%Y-%m-%d", time.gmtime(NOW))
    traced.take(book, NOW + 3 * 86_400, traced.of_case(nodes=story.NODES[:-1]))
    then = browser.get(f"/c/C?as_of={day}")
    assert "As it stood then. Nothing can be done on this page" in text(then)
    assert "/request/new" not in then.text
    late = time.strftime("%Y-%m-%d", time.gmtime(NOW + 5 * 86_400))
    same = browser.get(f"/c/C?as_of={late}")  # the newest state, and yet a day that is over
    assert "As it stood then" in text(same)
    assert "/request/new" not in same.text
    made = requests.prepare(
        book.store, BOB, {}, "C", (traced.HUB, USDT), "Tether", "", NOW + 9 * 86_400, "1"
    )
    assert made.id in browser.get("/c/C").text
    assert made.id not in shown(browser, f"?as_of={late}"), "of that day, not of now"
    erase = browser.get(f"/erase/request/{made.id}")
    assert "Draft, not sent." in erase.text
    assert f"/erase/request/{made.id}" in browser.get(f"/request/{made.id}").text
    guard.person = READER
    assert "/request/new" not in browser.get("/c/C").text
    assert browser.get(NEW).status_code == 403
    assert browser.post(NEW, data={"token": TOKEN, "to": "x"}).status_code == 403


def test_a_request_from_its_draft_to_its_answer_by_forms_alone(book: Book, browser: Client) -> None:
    traced.take(book, NOW)
    form = browser.get(f"{NEW}&to=Tether")
    assert "Draft, not sent." in form.text
    fields = {"token": TOKEN, "to": "Tether", "once": "1", "text": "Dear\r\n   desk"}
    made = browser.post(NEW, data=fields)
    assert made.status_code == 303
    path = made.headers["Location"]
    assert browser.post(NEW, data=fields).headers["Location"] == path, "sent twice"
    page = text(browser.get(path))
    assert "Prepared for Tether by" in page
    assert '<pre class="draft">Dear\n   desk</pre>' in browser.get(path).text
    sent = {
        **{"token": TOKEN, "once": "2", "reference": "EXA-2211", "text": "By letter"},
        "happened": time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() - 5700)),
    }
    refused = browser.post(f"{path}/sent", data={**sent, "happened": "soon", "reference": "<b>"})
    assert refused.status_code == 422
    assert "By letter" in refused.text, "what was written is given back"
    assert browser.post(f"{path}/sent", data=sent).status_code == 303
    assert "reference EXA-2211" in shown(browser)
    assert "No answer for 95 min" in shown(browser)
    again = browser.post(f"{path}/sent", data={**sent, "once": "3"})
    assert again.status_code == 409
    assert "is sent by now: it cannot be sent" in again.text
    came = {**sent, "once": "4", "text": "Frozen", "happened": time.strftime("%Y-%m-%d %H:%M")}
    assert browser.post(f"{path}/answered", data=came).status_code == 303
    last = re.search(r"(Q-[A-Z0-9-]+), recorded", browser.get(path).text)
    assert last is not None
    assert "do=right" in browser.get(path).text
    steps = kept.requests(book.store, ALL)[0].steps
    right = {**came, "once": "5", "stage": "refused", "corrects": steps[-1].id, "text": "No."}
    assert browser.post(f"{path}/right", data=right).status_code == 303
    assert "Tether refused" in text(browser.get(path))
    assert browser.post(f"{path}/odd", data=came).status_code == 404


def test_what_comes_next_names_who_was_not_asked_and_who_has_not_answered(
    book: Book, browser: Client
) -> None:
    traced.take(book, NOW)

    def next_() -> str:
        said = text(browser.get("/c/C"))
        return said[said.index(" Next ") : said.index("What could be seized")]

    assert "can still be frozen." in next_()
    assert "Nobody was asked about 3 places where somebody could act." in next_()
    at = int(time.time())
    rest = Subject("ethereum", story.REST)
    places = [(traced.HUB, "Tether"), (rest, "Tether"), (traced.EXCHANGE, "Binance 14")]
    for number, (where, to) in enumerate(places):
        made = requests.prepare(
            book.store, BOB, {}, "C", (where, USDT), to, "", at - 9000, f"{number}"
        )
    assert "A request to Tether is drafted, and nobody recorded that it was sent." in next_()
    assert "2 more like it." in next_()
    requests.record(
        book.store, BOB, made.id, Stage.SENT, at - 5700, ("EXA-2211", ""), at - 5700, "s"
    )
    said = next_()
    assert "Binance 14 has not answered for 95 min. Reference &#34;EXA-2211&#34;." in said
    assert "can still be frozen" not in said, "somebody was asked everywhere"


def test_a_place_that_went_while_the_form_was_open_is_said(book: Book, browser: Client) -> None:
    traced.take(book, NOW)
    assert browser.get(NEW).status_code == 200
    traced.take(book, NOW + 1, traced.of_case(nodes=(story.NODES[0], *story.NODES[2:])))
    late = browser.post(NEW, data={"token": TOKEN, "to": "Tether", "text": "mine", "once": "1"})
    assert late.status_code == 422
    assert "Nothing is traced there any more" in late.text
    assert "mine" in late.text
    assert kept.requests(book.store, ALL) == []


def test_of_another_case_there_is_nothing(book: Book, browser: Client, guard: Open) -> None:
    traced.take(book, NOW)
    made = requests.prepare(book.store, BOB, {}, "C", (traced.HUB, USDT), "Tether", "", NOW, "1")
    guard.cases = ("D",)
    other = NEW.replace("case=C", "case=none")
    there, nowhere = browser.get(f"/request/{made.id}"), browser.get("/request/Q-NONE")
    assert (there.status_code, nowhere.status_code) == (404, 404)
    assert there.text == nowhere.text
    assert browser.get(NEW).text == browser.get(other).text
    for path in (f"/request/{made.id}/sent", f"/erase/request/{made.id}"):
        assert browser.post(path, data={"token": TOKEN}).status_code == 404
