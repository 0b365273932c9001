"""Ask sources the look-ups by hash that a decision wants. A failure is simply no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.errors import SourceError
from monitor.model import TxWord
from monitor.plan import Question
from monitor.ports import Source
from monitor.reader import Desk

MAX_QUESTIONS = 20  # of one plan; the rest is asked at the next poll
MAX_SECOND_SOURCE = 5  # severe movements of one plan that a second source is asked about


@dataclass(frozen=True, slots=True)
class Answers:
    words: dict[str, list[TxWord]] = field(default_factory=dict)
    hashes: dict[tuple[str, int], str | None] = field(default_factory=dict)
    alone: bool = False  # the chain has one source: there is no second one to ask


def answer(desk: Desk, asked: Sequence[Question]) -> Answers:
    """Words of the first source that can look each transaction up, other sources first."""
    answers = Answers(alone=len(desk.sources) == 1)
    second = [q for q in asked if q.why == "second source"][:MAX_SECOND_SOURCE]
    first = [q for q in asked if q.why != "second source"][:MAX_QUESTIONS]
    for question in (*first, *second):
        _one(desk, question, answers)
    return answers


def _one(desk: Desk, question: Question, answers: Answers) -> None:
    others = [s for s in desk.sources if s.name not in question.not_from]
    same = [s for s in desk.sources if s.name in question.not_from]
    for source in (*others, *same):
        word = _look_up(desk, source, question)
        if word is None:
            continue
        answers.words.setdefault(question.tx, []).append(word)
        if word.height is None and question.height is not None:
            _block_hash(source, question.height, answers)
        return


def _look_up(desk: Desk, source: Source, question: Question) -> TxWord | None:
    try:
        head = desk.head(source)
        word = source.transaction(question.tx)
    except SourceError:
        return None
    return replace(word, head=desk.heads.sure(source.name, word.head or head))


def _block_hash(source: Source, height: int, answers: Answers) -> None:
    try:
        answers.hashes[source.name, height] = source.block_hash(height)
    except SourceError:
        return


def second_source(
    words: Mapping[str, Sequence[TxWord]], tx: str, tellers: frozenset[str]
) -> TxWord | None:
    """The word of a source other than those that told the transaction."""
    return next((w for w in words.get(tx, ()) if w.source not in tellers), None)
