"""What transactions came to the last time, so that a case is not read anew whenever something is
learned. Pure.

A transaction is read by itself, and what is asked on the way is noted with the answers: names,
profiles, prices, who is followed, whole transactions, what tokens call themselves. As long as its
rows and all these answers are the same it comes to the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Generic, TypeVar

from monitor.analysis.trace import account, utxo
from monitor.analysis.trace.account import Placed
from monitor.analysis.trace.known import Known, Market
from monitor.analysis.trace.reading import Gathered, Place, Reading, Tx
from monitor.analysis.trace.steps import Step
from monitor.chains.table import family_of
from monitor.model import Subject
from monitor.model.flow import Account
from monitor.model.trace import Name

Question = tuple[str, Hashable]  # kind, about what
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Came:
    """What one transaction comes to. The rest as Reading has it."""

    tx: Tx
    placed: list[Placed]
    unclear: list[Step]
    owner: Mapping[Account, Subject]
    sources: Mapping[Account, str]
    mixed: frozenset[Account]
    followed: frozenset[Account]
    ignored: Counter[str]


@dataclass
class Again:
    """Of one case."""

    _gathered: Gathered = field(default_factory=Gathered)
    _ground: object = None
    _came: dict[Place, Came] = field(default_factory=dict)
    _answers: dict[Question, object] = field(default_factory=dict)
    _askers: dict[Question, set[Place]] = field(default_factory=dict)

    def read(self, known: Known, book: Reading) -> Iterator[tuple[Tx, Came]]:
        """All transactions of the case in order; what each of them adds is put into `book`."""
        txs = sorted(self._gathered.of(known), key=lambda tx: tx.moment)
        asking = _Asking(known, book)
        self._forget(known, asking)
        for tx in txs:
            place = (tx.chain.key, tx.tx)
            came = self._came.get(place)
            if came is None or came.tx.rows is not tx.rows:
                came = self._came[place] = self._new(tx, asking)
            _add(book, came)
            yield tx, came

    def _forget(self, known: Known, asking: _Asking) -> None:
        """What does not stand any more."""
        ground = (tuple(known.sources), dict(known.chains), dict(known.assets))
        if ground != self._ground:
            self._ground = ground
            for each in (self._came, self._answers, self._askers):
                each.clear()
        for question in [q for q, was in self._answers.items() if not _same(asking.ask(q), was)]:
            del self._answers[question]
            for place in self._askers.pop(question):
                self._came.pop(place, None)

    def _new(self, tx: Tx, asking: _Asking) -> Came:
        came, answers = asking.read(tx)
        for question, answer in answers.items():
            self._answers[question] = answer
            self._askers.setdefault(question, set()).add((tx.chain.key, tx.tx))
        return came


def _same(now: object, was: object) -> bool:
    return now is was or now == was


def _add(book: Reading, came: Came) -> None:
    """An output that came out of a mix is nobody's, whoever spends it."""
    if book.mixed and not book.mixed.isdisjoint(came.owner):
        mine = [a for a in came.owner if a in came.mixed or a not in book.mixed]
        book.owner.update((a, came.owner[a]) for a in mine)
        book.sources.update((a, came.sources[a]) for a in mine if a in came.sources)
        book.followed.update(a for a in mine if a in came.followed)
    else:
        book.owner.update(came.owner)
        book.sources.update(came.sources)
        book.followed |= came.followed
    book.mixed |= came.mixed
    if came.ignored:
        book.ignored.update(came.ignored)


class _Asking:
    """Reads one transaction after the other and notes what is asked on the way."""

    def __init__(self, known: Known, book: Reading) -> None:
        self._asked: dict[Question, object] = {}
        self._kinds: dict[str, Callable[..., object]] = {
            "names": lambda subject: tuple(known.names(subject)),
            "price": lambda at: known.market.at(*at),
            "profile": known.profiles.get,
            "anatomy": known.anatomies.get,
            "token": known.tokens.get,
            "tracked": lambda subject: subject in book.tracked,
        }
        self._book = Reading(
            replace(
                known,
                names=self._names,
                market=Market(self._price, known.market.newest),
                profiles=_Noted("profile", known.profiles, self._asked),
                anatomies=_Noted("anatomy", known.anatomies, self._asked),
                tokens=_Noted("token", known.tokens, self._asked),
            )
        )
        self._book.tracked = _Tracked(book, self._asked)

    def ask(self, question: Question) -> object:
        return self._kinds[question[0]](question[1])

    def read(self, tx: Tx) -> tuple[Came, Mapping[Question, object]]:
        book = self._book
        book.begin()
        self._asked.clear()
        unclear: list[Step] = []
        if family_of(tx.chain).atomic:
            placed: list[Placed] = [
                (step, (0, (step.part or 0,))) for step in utxo.steps_of(tx, book)
            ]
        else:
            placed, unclear = account.steps_of(tx, book)
        came = Came(
            *(tx, placed, unclear, book.owner, book.sources),
            *(frozenset(book.mixed), frozenset(book.followed), book.ignored),
        )
        return came, dict(self._asked)

    def _names(self, subject: Subject) -> Sequence[Name]:
        found = self._noted("names", subject)
        assert isinstance(found, tuple)
        return found

    def _price(self, chain: str, contract: str, at: int) -> Decimal | None:
        found = self._noted("price", (chain, contract, at))
        assert found is None or isinstance(found, Decimal)
        return found

    def _noted(self, kind: str, about: Hashable) -> object:
        question = (kind, about)
        found = self._asked[question] = self.ask(question)
        return found


@dataclass(frozen=True)
class _Tracked:
    book: Reading
    asked: dict[Question, object]

    def __contains__(self, subject: object) -> bool:
        found = self.asked["tracked", subject] = subject in self.book.tracked
        return found


@dataclass(frozen=True)
class _Noted(Mapping[K, V], Generic[K, V]):
    """A mapping of which it is noted what it was asked for."""

    kind: str
    known: Mapping[K, V]
    asked: dict[Question, object]

    def __getitem__(self, key: K) -> V:
        found = self.known.get(key)
        self.asked[self.kind, key] = found
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[K]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)
