"""Ask sources the look-ups by hash that a decision wants. A failure is simply no answer.

A plan may want thousands and a source may hang: so many are asked, for so long, and a source
that fails one is left alone for the rest of the plan. What was not asked stays in doubt and
is asked by a later plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from monitor.decide.asking import Allowed, among
from monitor.loops.pool import SourcePool, hearing
from monitor.model import Lookup
from monitor.model.answers import Heard, part
from monitor.model.errors import NotServed, NotYet, Refused, SourceError
from monitor.model.plan import Answers, Question
from monitor.model.ports import BlockReceipts, Source

MAX_QUESTIONS = 50  # transactions of one plan
MAX_SECOND_SOURCE = 10  # severe and high movements of one plan that a second source is asked about
SECONDS = 30.0  # after which no look-up of a plan begins
SECONDS_FOR_SUCCESS = 10.0  # after which none begins that can wait for the next plan
WHOLE_BLOCK = 3  # questions about one block for which all its receipts are asked for
_CAN_WAIT = frozenset({"success", "second source"})


def answer(
    pool: SourcePool,
    asked: Sequence[Question],
    may: Allowed | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Answers:
    """What sources say of each transaction, other sources than its reporters first. `may`: who
    alone may be asked."""
    if not asked:
        return Answers()
    tour = _Tour(pool, among(pool.sources, may), clock, clock())
    wanted = _chosen(asked)
    tour.blocks([q for q in wanted if q.why == "success"])
    for question in wanted:
        if question.tx not in tour.lookups and not tour.over(question):
            tour.one(question)
    return tour.answers()


def _chosen(asked: Sequence[Question]) -> list[Question]:
    """Each transaction once; what decides whether a movement happened comes first."""
    urgent = [q for q in asked if q.why not in _CAN_WAIT]
    success = [q for q in asked if q.why == "success"]
    second = [q for q in asked if q.why == "second source"][:MAX_SECOND_SOURCE]
    by_tx: dict[str, Question] = {}
    for question in (*urgent, *success, *second):
        by_tx.setdefault(question.tx, question)
    loud = {q.tx: place for place, q in enumerate(second)}
    last = len(loud)
    return sorted(by_tx.values(), key=lambda q: (q.why in _CAN_WAIT, loud.get(q.tx, last)))


@dataclass
class _Tour:
    """The look-ups of one plan."""

    pool: SourcePool
    sources: Sequence[Source]
    clock: Callable[[], float]
    began: float
    lookups: dict[str, list[Lookup]] = field(default_factory=dict)
    hashes: dict[tuple[str, int], str | None] = field(default_factory=dict)
    heard: dict[str | int, list[Heard]] = field(default_factory=dict)  # by transaction or height
    failed: set[str] = field(default_factory=set)  # sources left alone for the rest
    refused: set[str] = field(default_factory=set)  # sources that look nothing up
    blockless: set[str] = field(default_factory=set)  # sources without receipts of blocks
    hashless: set[str] = field(default_factory=set)  # sources that report no block's hash
    asked: int = 0

    def answers(self) -> Answers:
        whose = {s.name: self.pool.operators[s.name] for s in self.sources}
        mute = bool(whose) and self.refused == whose.keys()
        alone = len(set(whose.values())) == 1
        return Answers(self.lookups, self.hashes, self.heard, mute, alone, whose)

    def over(self, question: Question) -> bool:
        seconds = SECONDS_FOR_SUCCESS if question.why in _CAN_WAIT else SECONDS
        return self.asked >= MAX_QUESTIONS or self.clock() - self.began >= seconds

    def _late(self) -> bool:
        """Whether nobody else is asked. A call may hang for twenty seconds: after one that failed
        none begins that could end beyond SECONDS."""
        seconds = SECONDS_FOR_SUCCESS if self.failed else SECONDS
        return self.clock() - self.began >= seconds

    def one(self, question: Question) -> None:
        """Ask until somebody finds it done; where nobody does, ask for its block's hash."""
        self.asked += 1
        for source in self._order(question):
            if self._late():
                return
            lookup = self._look_up(source, question.tx)
            if lookup is None:
                continue
            self.lookups.setdefault(question.tx, []).append(lookup)
            if lookup.found and lookup.height is not None and not lookup.failed:
                return
        if question.height is not None:
            self._block_hash(question.height)

    def blocks(self, wanted: Sequence[Question]) -> None:
        """All receipts of a block where many are wanted, from a source that has that call."""
        by_height: dict[int, set[str]] = {}
        for question in wanted:
            if question.height is not None:
                by_height.setdefault(question.height, set()).add(question.tx)
        for height, txs in by_height.items():
            if len(txs) >= WHOLE_BLOCK and not self.over(wanted[0]):
                self._whole_block(height, txs)

    def _whole_block(self, height: int, txs: set[str]) -> None:
        for source in self.sources:
            whole = _whole_blocks(source)
            if whole is None or source.name in self.blockless or not self._usable(source):
                continue
            self.asked += 1
            try:
                sure = self.pool.heads.sure(source.name, self.pool.head(source))
                with hearing(source) as heard:
                    reported = whole.receipts(height)
            except SourceError as error:
                self._fault(source, error, self.blockless)
                continue
            for lookup in reported:
                if lookup.tx in txs:
                    self.lookups.setdefault(lookup.tx, []).append(replace(lookup, head=sure))
                    self._note(lookup.tx, [part(each, [lookup.tx]) for each in heard])
            return

    def _order(self, question: Question) -> Iterator[Source]:
        """Those of other operators than the reporters first, the reporters themselves last. A
        second word is that of another operator, or none."""
        whose = self.pool.operators
        told = {self.pool.operator_of(name) for name in question.not_from}

        def near(source: Source) -> int:
            return (whose[source.name] in told) + (source.name in question.not_from)

        for source in sorted(self.sources, key=near):
            if question.why == "second source" and near(source):
                return
            if source.name not in self.refused and self._usable(source):
                yield source

    def _usable(self, source: Source) -> bool:
        return source.name not in self.failed and self.pool.usable(source, everything=False)

    def _look_up(self, source: Source, tx: str) -> Lookup | None:
        since = self.clock()
        try:
            head = self.pool.head(source)
            with hearing(source) as heard:
                lookup = source.transaction(tx)
        except SourceError as error:
            self._fault(source, error, self.refused, self.clock() - since)
            return None
        named = [part(each, [tx, lookup.block_hash or tx]) for each in heard]
        self._note(tx, named)
        return replace(lookup, head=self.pool.heads.sure(source.name, lookup.head or head))

    def _note(self, about: str | int, heard: Sequence[Heard]) -> None:
        self.heard.setdefault(about, []).extend(heard)

    def _block_hash(self, height: int) -> None:
        """Until one source names it: with many rows of one block it is asked for once."""
        for source in self.sources:
            if self.hashes.get((source.name, height)) is not None:
                return
            if self._late() or source.name in self.hashless or not self._usable(source):
                continue
            if (source.name, height) not in self.hashes:
                try:
                    with hearing(source) as heard:
                        found = self.hashes[source.name, height] = source.block_hash(height)
                    self._note(height, [part(each, [found] if found else ()) for each in heard])
                except SourceError as error:
                    self._fault(source, error, self.hashless)

    def _fault(
        self, source: Source, error: SourceError, cannot: set[str], seconds: float = 0.0
    ) -> None:
        """What a source cannot do at all says nothing about its health; a failure does.
        `seconds`: for how long it was waited."""
        if isinstance(error, Refused | NotServed):
            cannot.add(source.name)
        elif not isinstance(error, NotYet):
            self.failed.add(source.name)
            self.pool.failed(source, error, frozenset(), seconds)


def _whole_blocks(source: Source) -> BlockReceipts | None:
    return cast(BlockReceipts, source) if hasattr(source, "receipts") else None


def second_source(answers: Answers, tx: str, reporters: frozenset[str]) -> Lookup | None:
    """The word of a source of another operator than those that reported the transaction."""
    told = {answers.whose.get(name, name) for name in reporters}
    said = answers.lookups.get(tx, ())
    return next((w for w in said if answers.whose.get(w.source, w.source) not in told), None)
