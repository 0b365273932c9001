"""What sources answered, and what is kept of it: a row can then be held against what was said.
Pure."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

LEVEL = 1  # of compression: answers are lists of like rows, which any level makes small
PACK_ABOVE = 32_768  # bytes; a longer body is compressed while it waits for its decision
FEW = 8  # transactions that are looked for one by one
_HASH = 64  # hex digits
_WRITTEN = (_HASH, _HASH + 2)  # with 0x

NEWS, HEAD, LOOKUP, SILENCE = "news", "head", "lookup", "silence"  # why an answer is kept


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer of a source, until it is decided whether it is kept.

    `hide` takes secrets out of the request, `clean` out of the body; only what is kept is put
    to them, since they take a while. A body that is packed was cleaned already.
    """

    source: str
    request: str = field(repr=False)  # JSON: method, path, params or payload
    at: int
    status: int
    sha256: str  # of the body as it came
    data: bytes = field(repr=False)  # the body; compressed where `packed`
    packed: bool = False
    block: bool = False  # holds a whole block, of which only what matches is kept
    extract: bool = False  # is what matched
    names: frozenset[str] = frozenset()  # transactions of ours that it names
    hide: Callable[[str], str] = field(default=str, repr=False, compare=False)
    clean: Callable[[str], str] = field(default=str, repr=False, compare=False)

    def body(self) -> bytes:
        return zlib.decompress(self.data) if self.packed else self.data


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as the record keeps it."""

    source: str
    request: str
    at: int
    status: int
    sha256: str  # of the body as it came
    body_sha256: str  # of the body as it is kept: without secrets, of a block only what matched
    size: int  # of the body as it is kept, in bytes
    packed: bytes = field(repr=False)  # that body, compressed
    extract: bool
    why: str  # news | head | lookup | silence
    txs: tuple[str, ...] = ()  # what it is evidence of


@dataclass(frozen=True, slots=True)
class Answered:
    """Of which single answers a batch was made: its SHA-256 is that of their digests, in hex and
    in order, with a space between."""

    batch: str
    source: str
    digests: tuple[str, ...]
    heads: tuple[str, ...] = ()  # digests of the answers that gave the head it was read under


@dataclass(frozen=True, slots=True)
class Silence:
    """That a list was read in full and brought nothing: the answers that show it."""

    stream: str
    source: str
    lo: int
    hi: int
    digests: tuple[str, ...]


def digest_of(digests: Collection[str]) -> str:
    """The digest of a batch, from those of its answers."""
    return hashlib.sha256(" ".join(digests).encode("ascii")).hexdigest()


def named(body: bytes, txs: Collection[str]) -> frozenset[str]:
    """Which of these transactions a body names, however it writes their hashes."""
    low = body.lower()
    bare = {_bare(tx): tx for tx in txs}
    if len(bare) <= FEW:
        return frozenset(tx for each, tx in bare.items() if each in low)
    texts = {text.removeprefix(b"0x") for text in set(low.split(b'"')) if len(text) in _WRITTEN}
    odd = (each for each in bare if len(each) != _HASH and each in low)  # names of a first block
    return frozenset(bare[each] for each in (*(texts & bare.keys()), *odd))


def _bare(tx: str) -> bytes:
    return tx.lower().removeprefix("0x").encode("utf-8", "replace")


def part(heard: Heard, names: Collection[str]) -> Heard:
    """Of a whole block its head and what names one of these; any other answer as it is."""
    if not heard.block:
        return heard
    try:
        matched = _matching(json.loads(heard.body()), [_bare(name).decode() for name in names])
    except (ValueError, RecursionError):
        matched = None
    data = json.dumps(matched, separators=(",", ":")).encode("ascii")
    return replace(heard, data=data, packed=False, block=False, extract=True)


def _matching(value: object, names: Collection[str]) -> object:
    """A JSON value whose lists hold only what names one of these."""
    if isinstance(value, dict):
        return {key: _matching(each, names) for key, each in value.items()}
    if not isinstance(value, list):
        return value
    texts = ((each, json.dumps(each).lower()) for each in value)
    return [each for each, text in texts if any(name in text for name in names)]


def packed(heard: Heard) -> Heard:
    """With a long body compressed, and its secrets hidden before."""
    if heard.packed or len(heard.data) <= PACK_ABOVE:
        return heard
    data = zlib.compress(_cleaned(heard), LEVEL)
    return replace(heard, data=data, packed=True)


def keep(heard: Heard, why: str, txs: Collection[str] = ()) -> Kept:
    """An answer as it is kept: without secrets, compressed, with the digest of what is kept."""
    body = heard.body() if heard.packed else _cleaned(heard)
    return Kept(
        source=heard.source,
        request=heard.hide(heard.request),
        at=heard.at,
        status=heard.status,
        sha256=heard.sha256,
        body_sha256=hashlib.sha256(body).hexdigest(),
        size=len(body),
        packed=heard.data if heard.packed else zlib.compress(body, LEVEL),
        extract=heard.extract,
        why=why,
        txs=tuple(sorted(txs)),
    )


def _cleaned(heard: Heard) -> bytes:
    """Byte for byte as it came, unless it holds a secret."""
    text = heard.data.decode("utf-8", "replace")
    said = heard.clean(text)
    return heard.data if said == text else said.encode("utf-8", "replace")
