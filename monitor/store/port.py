"""What a record has to offer, whatever keeps it.

The modules of this room hold the queries and are written against these protocols: `sqlite`
is one that fits, and what stands in for it needs no other queries, only the same meaning
(tests/test_store_contract.py). Rooms outside know the modules as their ports:

    records   apply, context, transfers, coverage, joined, doubts, heads, respell
    watch     watch, taking, follow
    outbox    outbox, owing, ways
    notes     alerts, incidents, notes, budgets, clock
    prices    prices
    figures   figures, standing, views
    log       commit, log, logbook, cases, erase, covered_day, answers, verify

Whoever takes a `Reader` cannot change anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Params = Sequence[Any]


class Fields(Protocol):
    """One row of an answer: by name, by number, or its values in order."""

    def __getitem__(self, key: int | str, /) -> Any: ...  # noqa: ANN401 - of any type
    def __iter__(self) -> Iterator[Any]: ...
    def keys(self) -> list[str]: ...


class Cursor(Protocol):
    """What a statement did."""

    @property
    def rowcount(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def fetchone(self) -> Any: ...  # noqa: ANN401 - Fields or None
    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """A transaction that is under way."""

    def execute(self, sql: str, params: Params = ..., /) -> Cursor: ...
    def executemany(self, sql: str, params: Iterable[Params], /) -> Cursor: ...


class Reader(Protocol):
    """A record to look at. Every method raises StoreError and nothing else.

    An answer is of one moment; two answers may be of two.
    """

    path: Path

    def read(self, sql: str, params: Params = ...) -> list[Fields]:
        """All rows of a query."""

    def read_in(self, sql: str, values: Iterable[Any], params: Params = ...) -> list[Fields]:
        """A query with `IN ({})` over any number of values; `params` come before them."""

    def look(self) -> AbstractContextManager[Connection]:
        """One moment of the record for as long as the block lasts, to be read bit by bit;
        temporary tables that are made meanwhile go with it."""

    def schema(self) -> int:
        """The version of its schema; lower than schema.VERSION in a record opened as it is."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """That opening the record brought it to a newer schema."""

    old: int
    new: int
    copy: Path  # the record as it was before


class Store(Reader, Protocol):
    """A record to work on. Threads may share it."""

    upgrade: Upgrade | None  # what opening it did

    def write(self) -> AbstractContextManager[Connection]:
        """One transaction: all of it at the end, nothing of it on any error. No other write
        comes between its looks and its changes. Raises Conflict where what is to be added is
        there already."""

    def long_work(self) -> AbstractContextManager[None]:
        """Around many transactions in a row that belong together: the record may be kept in a way
        that suits them better."""

    def trouble(self, seconds: float) -> str:
        """The newest fault of the disk in these last seconds, in words; nothing if none."""

    def backup(self, target: Path) -> None:
        """Copy the record, consistent while it is in use, into a new file, and check the copy.

        Only this user may read it. Raises StoreError and leaves no file when it fails.
        """

    def leave_nothing(self) -> None:
        """Take what was just erased out of the files too, as far as nobody reads them now."""

    def close(self) -> None: ...
