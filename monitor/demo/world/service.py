"""What the explorer styles share: a request, a reply, and the knobs of one service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from monitor.demo.world.ledger import Ledger, Record
from monitor.demo.world.lies import BlockLies
from monitor.demo.world.moves import Tx, UtxoTx

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

T = TypeVar("T", Tx, UtxoTx)


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is what follows the service's prefix; the names in `query` are lower-case."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes = b""

    def number(self, name: str, default: int) -> int:
        text = self.query.get(name, "")
        return int(text) if text.isdecimal() else default


@dataclass(frozen=True, slots=True)
class Reply:
    body: bytes
    status: int = 200
    content_type: str = JSON


@dataclass(slots=True)
class Knobs:
    """How one service misbehaves. Plain attributes that a test sets while it runs."""

    delay: float = 0.0  # seconds before every answer
    # stream ("head", "balance") -> blocks behind; balances are the head's where not said here
    lag: dict[str, int] = field(default_factory=dict)
    limited: int = 0  # status to refuse everything with as too fast; 200: the text in a 200
    per_second: int = 0  # refuse with 429 beyond so many calls in a second
    fail_next: int = 0  # so many answers are HTTP 500
    # (stream, tx), or of it only the row (stream, tx, number): left out of lists
    hidden: set[tuple[str, str] | tuple[str, str, int]] = field(default_factory=set)
    # (address, contract or "") -> what is added to the true balance, in the next so many answers
    false_balance: dict[tuple[str, str], int] = field(default_factory=dict)
    false_answers: int | None = None  # None: in all
    page_cap: int | None = None  # rows a page has at most; None: as the real one
    internals_upto: int | None = None  # Blockscout has not processed calls above this height
    lacks: frozenset[str] = frozenset()  # actions that Etherscan's form does not know here
    api_key: str = ""  # refuse other keys
    lies: BlockLies = field(default_factory=BlockLies)  # about whole blocks
    seen: list[Request] | None = None  # a list: every request is added to it


class Service(Generic[T]):
    """One explorer style over one ledger. Subclasses say how it answers."""

    style = ""
    url_tail = ""  # what the outward url has after the prefix
    limit_text = b"Too many requests"

    def __init__(self, ledger: Ledger[T], chain_id: int | None = None) -> None:
        self.ledger: Ledger[T] = ledger
        self.chain_id = chain_id
        self.knobs = Knobs()

    def endpoint(self, request: Request) -> str:
        """A short name of what is asked, for counting."""
        raise NotImplementedError

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError

    def head_height(self, stream: str = "head") -> int:
        """The newest height that this service shows for a stream."""
        lag = self.knobs.lag.get(stream, 0)
        return max(self.ledger.head.height - lag, self.ledger.first_height - 1)

    def rows(
        self, stream: str, address: str, lo: int = 0, hi: int | None = None, told_as: str = ""
    ) -> list[Record[T]]:
        """Rows as this service lists them, oldest first; `told_as` names the knobs' stream."""
        name = told_as or stream
        top = self.head_height(name)
        found = self.ledger.records(stream, address, lo, top if hi is None else min(hi, top))
        if self.knobs.hidden:
            found = [r for r in found if not self._hides(name, r)]
        return found

    def _hides(self, stream: str, row: Record[T]) -> bool:
        hidden, tx = self.knobs.hidden, row.tx.hash
        return (stream, tx) in hidden or (stream, tx, row.number) in hidden

    @property
    def balance_height(self) -> int:
        """The block whose balances this service tells."""
        return self.head_height("balance" if "balance" in self.knobs.lag else "head")

    def balance(self, address: str, contract: str | None = None, height: int | None = None) -> int:
        """What this service says that an address holds, whatever its lists hide or are behind
        with."""
        upto = self.balance_height if height is None else height
        true = self.ledger.balance(address, contract, upto)
        return max(true + self._falsehood(address, contract or ""), 0)

    def _falsehood(self, address: str, contract: str) -> int:
        knobs = self.knobs
        added = knobs.false_balance.get((address, contract), 0)
        if not added or knobs.false_answers is None:
            return added
        knobs.false_answers -= 1
        return added if knobs.false_answers >= 0 else 0

    def rendered(self, record: Record[T], shape: str, make: Callable[[], object]) -> bytes:
        """The JSON text of a row, made once and kept with it."""
        text = record.rendered.get(shape)
        if text is None:
            text = dump(make())
            record.rendered[shape] = text
        return text


def dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def joined(parts: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(parts) + b"]"


def said(value: object, status: int = 200) -> Reply:
    return Reply(dump(value), status)
