"""What people decide of a trace at the desk: reading more is the analyst's, what goes over a limit
or counts a guess takes two; of two who answer the same the second is told; what has changed since
is said, and what waited for somebody lapses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import desk_traced as traced
import pytest
import trace_values as story
from world.book import Book
from world.deskbook import ANN, BOB, CAT, NOW, ON, verified_book

from monitor.loops.desk import pursuing, tick, work
from monitor.loops.desk.pursuing import Answer
from monitor.model import Subject
from monitor.model.acts import DAEMON, Actor
from monitor.model.acts_trace import SayOfTrace
from monitor.model.desk import Sight
from monitor.model.desk_work import Eyes, Proposal, Standing
from monitor.model.errors import ConfigError
from monitor.model.trace import Lead, Node, Say, State, Stop, Trace, Word
from monitor.store import desk
from monitor.store.commit import commit
from monitor.store.sqlite import Store

ALL = Sight(None, loose=True)
REST = Subject("ethereum", story.REST)
GUESS = Subject("arbitrum", "0x" + "ee" * 20)
WHY = "It goes to the same people."


def asked(state: State = State.WAITING, stop: Stop | None = None, **more: object) -> Trace:
    """REST stands so, and there is a guess."""
    rest: Node = replace(story.NODES[4], state=state, stop=stop)
    nodes = (*story.NODES[:4], rest, *story.NODES[5:])
    lead = Lead(story.EDGES[5].tx, GUESS, "a like amount came to this address 4 minutes later")
    return traced.of_case(nodes=nodes, leads=(lead,), **more)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with verified_book(tmp_path) as made:
        traced.take(made, NOW, asked())
        yield made


def decide(
    book: Book, answer: Answer, who: Actor = BOB, once: str = "1", store: Store | None = None
) -> Proposal:
    return pursuing.decide(store or book.store, ON, who, {}, "C", answer, WHY, NOW + 9, once)


def test_reading_more_is_the_analysts(book: Book) -> None:
    made = decide(book, Answer(follow=(REST,)))
    assert (made.eyes, made.state) == (Eyes.NONE, Standing.AGREED)
    assert [(w.say, w.subject) for w in pursuing.words_of(made)] == [(Say.APPROVE, REST)]
    told = f"- {story.REST} on ethereum\nExplorers and nodes that are asked"
    assert told in made.text
    assert "Decided on state 1 of the trace of case C, SHA-256 " in made.text
    assert decide(book, Answer(follow=(REST,))) == made, "a form that is sent twice"
    assert decide(book, Answer(more=50), once="2").eyes is Eyes.NONE
    assert decide(book, Answer(method="libr"), once="3").eyes is Eyes.NONE


@pytest.mark.parametrize(
    ("state", "answer", "words"),
    [
        (asked(State.STOPPED, Stop("hops")), Answer(follow=(REST,)), "goes over a limit"),
        (asked(State.STOPPED, Stop("addresses")), Answer(follow=(REST,)), "goes over a limit"),
        (asked(), Answer(follow=(GUESS,)), "is a guess; with this it is counted"),
        (asked(), Answer(limit=("hops", 12)), "This raises a limit of the case"),
        (asked(), Answer(limit=("hops", 9)), ""),
        (asked(), Answer(leave=(REST,)), ""),
        (asked(State.STOPPED, Stop("exchange")), Answer(follow=(REST,)), ""),
    ],
)
def test_what_goes_over_a_limit_or_counts_a_guess_takes_two(
    book: Book, state: Trace, answer: Answer, words: str
) -> None:
    traced.take(book, NOW + 1, state)
    made = decide(book, answer)
    assert (made.eyes, made.state) == (
        (Eyes.SECOND, Standing.WAITING) if words else (Eyes.NONE, Standing.AGREED)
    )
    assert words in made.text
    assert pursuing.needs_second(book.store, "C", answer) == bool(words)
    if words:
        agreed = work.answer(book.store, ON, CAT, made.id, True, "", NOW + 20)
        assert agreed.state is Standing.AGREED


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(), "Choose at least one address"),
        (Answer(follow=(Subject("ethereum", "0xno"),)), "neither ends nor waits there"),
        (Answer(follow=(traced.HUB,)), "neither ends nor waits there"),
        (Answer(leave=(Subject("ethereum", story.SOURCE),)), "is not followed there"),
        (Answer(limit=("speed", 1)), "is no limit"),
        (Answer(limit=("hops", 10)), "is 10 already"),
        (Answer(method="poison"), "is none"),
    ],
)
def test_what_cannot_be_decided_is_said(book: Book, answer: Answer, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        decide(book, answer)
    assert desk.proposals(book.store, ALL) == []


def test_of_two_who_answer_the_same_question_at_once_one_is_told(book: Book) -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def answer(who: Actor, given: Answer) -> None:
        with closing(Store(book.store.path)) as store:
            ready.wait()
            try:
                decide(book, given, who, who.name, store)
                outcomes.append("done")
            except ConfigError as error:
                outcomes.append(str(error))

    both = [(BOB, Answer(follow=(REST,))), (CAT, Answer(leave=(REST,)))]
    threads = [threading.Thread(target=answer, args=each) for each in both]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes)[1] == "done"
    assert "is decided on already: P-" in sorted(outcomes)[0]
    assert len(desk.proposals(book.store, ALL)) == 1


def test_what_was_said_since_the_trace_was_worked_out_is_told(book: Book) -> None:
    word = Word(Say.STOP, REST, "", "ann (claimed)", "no", NOW + 5)
    commit(book.store, ANN, SayOfTrace(NOW + 5, "C", word))
    with pytest.raises(ConfigError, match=r"was decided on just now by ann \(claimed\): stop"):
        decide(book, Answer(follow=(REST,)))


def test_a_question_that_went_while_its_form_was_open_is_told(book: Book) -> None:
    traced.take(book, NOW + 1, asked(State.FOLLOWED, questions=()))
    with pytest.raises(ConfigError, match="neither ends nor waits there"):
        decide(book, Answer(follow=(REST,)))
    with pytest.raises(ConfigError, match="is not asked any more"):
        decide(book, Answer(more=1))


def test_what_waits_for_somebody_lapses_with_its_question(book: Book) -> None:
    traced.take(book, NOW + 1, asked(State.STOPPED, Stop("hops")))
    made = decide(book, Answer(follow=(REST,)))
    limit = decide(book, Answer(limit=("hops", 20)), once="2")
    tick.lapse_gone(book.store, NOW + 10)
    assert desk.proposal(book.store, ALL, made.id) == made
    traced.take(book, NOW + 11, asked(State.FOLLOWED))
    tick.lapse_gone(book.store, NOW + 12)
    ended = desk.proposal(book.store, ALL, made.id)
    assert ended is not None
    assert (ended.state, ended.ended_by) == (Standing.LAPSED, DAEMON.name)
    assert ended.said == "none of its addresses ends or waits in the trace any more"
    assert desk.proposal(book.store, ALL, limit.id) == limit
