"""Events of contracts as values: as much of Solidity's ABI as bridges need.

What a contract writes is hostile: whatever does not fit its event is refused, and nothing is
read past the end. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from monitor.model.events import Log

WORD = 32


class NotSo(Exception):
    """The bytes are not what the event says."""


@dataclass(frozen=True, slots=True)
class Field:
    """A value of an event. `parts`: of a tuple."""

    type: str
    name: str
    indexed: bool = False
    parts: tuple[Field, ...] = ()

    @property
    def dynamic(self) -> bool:
        return self.type in ("bytes", "string") or any(part.dynamic for part in self.parts)

    @property
    def canonical(self) -> str:
        return f"({','.join(p.canonical for p in self.parts)})" if self.parts else self.type

    @property
    def words(self) -> int:
        """How many it takes in the head."""
        if self.dynamic or not self.parts:
            return 1
        return sum(part.words for part in self.parts)


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    fields: tuple[Field, ...]

    @property
    def signature(self) -> str:
        return f"{self.name}({','.join(field.canonical for field in self.fields)})"


# Whole numbers, `bytes` and `string` as bytes, tuples as mappings. Addresses and bytes32 are
# numbers too.
Values = Mapping[str, "int | bytes | Values"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A log that is one of a family's events."""

    event: Event
    log: Log
    values: Values

    @property
    def at(self) -> int:
        return self.log.log_index

    def number(self, *path: str) -> int:
        found = self._at(path)
        assert isinstance(found, int), path
        return found

    def raw(self, *path: str) -> bytes:
        found = self._at(path)
        assert isinstance(found, bytes), path
        return found

    def _at(self, path: Sequence[str]) -> int | bytes | Values:
        found: int | bytes | Values = self.values
        for step in path:
            assert isinstance(found, Mapping), path
            found = found[step]
        return found


def event(text: str) -> Event:
    """An event as people write it: "Sent(bytes32 indexed id, (address to, uint256 n) what)"."""
    name, _, rest = text.partition("(")
    return Event(name, tuple(_fields(rest[:-1])))


@lru_cache(maxsize=512)
def topic(signature: str) -> str:
    return f"0x{keccak(signature.encode()).hex()}"


def keccak(data: bytes) -> bytes:
    from Crypto.Hash import keccak as hashes  # noqa: PLC0415 - loads slowly

    digest: bytes = hashes.new(digest_bits=256, data=data).digest()
    return digest


def decode(event: Event, log: Log) -> Values:
    """The values of a log. Raises NotSo where it is no such event."""
    indexed = [field for field in event.fields if field.indexed]
    plain = [field for field in event.fields if not field.indexed]
    if len(log.topics) != len(indexed) + 1:
        raise NotSo
    topics = _bytes("".join(topic.removeprefix("0x") for topic in log.topics[1:]))
    if len(topics) != WORD * len(indexed):
        raise NotSo
    return {**_tuple(indexed, topics, 0), **_tuple(plain, _bytes(log.data.removeprefix("0x")), 0)}


def number(data: bytes, at: int, size: int = WORD) -> int:
    """`size` bytes from `at` on. Raises NotSo where they are not there."""
    if at < 0 or at + size > len(data):
        raise NotSo
    return int.from_bytes(data[at : at + size], "big")


def chunk(data: bytes, at: int) -> bytes:
    """Bytes with their length before them, which lies at `at`."""
    size = number(data, at)
    if at + WORD + size > len(data):
        raise NotSo
    return data[at + WORD : at + WORD + size]


def _tuple(fields: Sequence[Field], data: bytes, base: int) -> Values:
    values: dict[str, int | bytes | Values] = {}
    at = base
    for field in fields:
        values[field.name] = _value(field, data, base, at)
        at += WORD * field.words
    return values


def _value(field: Field, data: bytes, base: int, at: int) -> int | bytes | Values:
    if field.dynamic:
        start = base + number(data, at)
        return _tuple(field.parts, data, start) if field.parts else chunk(data, start)
    if field.parts:
        return _tuple(field.parts, data, at)
    found = number(data, at)
    if found >> _bits(field.type):
        raise NotSo
    return found


@lru_cache(maxsize=64)
def _bits(type_: str) -> int:
    if type_.startswith("uint"):
        return int(type_[4:])
    if type_.startswith("int"):  # a negative one fills its whole word
        return 8 * WORD
    return {"address": 160, "bool": 1, "bytes32": 256}[type_]


def _bytes(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise NotSo from None


def _fields(text: str) -> Iterator[Field]:
    for part in _apart(text):
        head, _, name = part.rpartition(" ")
        indexed = head.endswith(" indexed")
        head = head.removesuffix(" indexed")
        parts = tuple(_fields(head[1:-1])) if head.startswith("(") else ()
        yield Field("" if parts else head, name, indexed, parts)


def _apart(text: str) -> Iterator[str]:
    """At the commas that lie in no brackets."""
    deep, start = 0, 0
    for at, letter in enumerate(text):
        deep += (letter == "(") - (letter == ")")
        if letter == "," and not deep:
            yield text[start:at].strip()
            start = at + 1
    yield text[start:].strip()
