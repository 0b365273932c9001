"""What nodes' words on an address come to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.decide.dormant import Judged, fits, judge
from monitor.model import Entry, Head, Origin, Severity, Subject, Watched
from monitor.model.life import Dormant, LifeWord

IT = Subject("ethereum", "0x" + "1" * 40)
KNOWN = Dormant(IT, 100, (("a", 5, "0x5"), ("b", 6, "0x6")), 6, "0x6", 60, "b", 100)
HOLD = 3600


def none(source: str, height: int) -> LifeWord:
    head = Head(height, height * 10, f"0x{height}")
    return LifeWord(source, head, frozenset({IT.address}), {}, {})


def sign(source: str, height: int) -> LifeWord:
    return replace(none(source, height), none=frozenset(), signs={IT.address: "coins"})


def unsaid(source: str, height: int) -> LifeWord:
    return replace(none(source, height), none=frozenset(), unsaid={IT.address: "no answer"})


def judged(*words: LifeWord, known: Dormant | None = None, now: int = 200) -> Judged:
    return judge([IT], {IT: known} if known else {}, words, "nobody answers", now, HOLD)


@pytest.mark.parametrize(
    ("words", "enough"),
    [
        ([], False),
        ([none("a", 9)], False),
        ([none("a", 9), none("a", 9)], False),
        ([none("a", 9), unsaid("b", 9)], False),
        ([none("a", 9), sign("b", 9)], False),
        ([none("a", 9), none("b", 9)], True),
        ([none("a", 9), none("a", 1)], True),
    ],
)
def test_the_first_proof_takes_two_words(words: list[LifeWord], enough: bool) -> None:
    found = judged(*words)
    assert (found.asleep == {IT}) is enough
    assert bool(found.changed) is enough
    if enough:  # what came after the lower block is news
        assert found.met[IT].height == min(word.head.height for word in words)
        assert found.changed[0].height == 9


def test_later_one_word_is_enough() -> None:
    found = judged(none("a", 9), known=KNOWN)
    assert found.asleep == {IT}
    (kept,) = found.changed
    assert (kept.height, kept.source, kept.at, kept.words) == (9, "a", 200, KNOWN.words)


def test_one_sign_of_life_wakes_for_good() -> None:
    found = judged(none("a", 9), sign("b", 9), known=KNOWN)
    assert not found.asleep
    (kept,) = found.changed
    assert (kept.asleep, kept.woke) == (False, 200)
    assert kept.sign == "coins at block 9, by b"


@pytest.mark.parametrize("words", [[], [unsaid("a", 9)]])
def test_a_proof_stands_for_a_while(words: list[LifeWord]) -> None:
    soon = judged(*words, known=KNOWN, now=KNOWN.at + HOLD)
    assert soon.asleep == soon.unsaid == {IT}
    assert soon.changed[0].failing == KNOWN.at + HOLD
    late = judged(*words, known=KNOWN, now=KNOWN.at + HOLD + 1)
    assert not late.asleep
    assert not late.changed[0].asleep
    assert late.changed[0].woke is None  # it is asked for again, and may sleep again
    again = judged(none("a", 9), known=late.changed[0])
    assert again.asleep == {IT}
    assert again.changed[0].failing is None


def test_of_whom_it_may_be_asked() -> None:
    own = Watched(Entry("E-1", IT), 0)
    severe = Watched(Entry("E-2", IT, severity=Severity.SEVERE), 0)
    listed = Watched(Entry("E-3", IT, severity=Severity.SEVERE, origin=Origin("ofac", "OFAC")), 0)
    assert fits([listed], unread=False)
    assert fits([own, listed], unread=True)
    assert not fits([own, listed], unread=False)
    assert not fits([severe, listed], unread=True)
    assert not fits([], unread=True)
