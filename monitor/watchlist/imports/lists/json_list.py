"""Lists in JSON: arrays of addresses or of objects, objects by address, several entries under
one; streamed, so that a list may have any length."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import BinaryIO

import ijson

from monitor.model.errors import ConfigError
from monitor.model.lists import Published
from monitor.watchlist.imports.cells import header_words, looks_like_address, refusal
from monitor.watchlist.imports.json_text import DEEPEST, loads
from monitor.watchlist.imports.lists import Preamble
from monitor.watchlist.imports.lists.fields import iso_day
from monitor.watchlist.imports.lists.files import lines, text
from monitor.watchlist.imports.lists.headers import fields
from monitor.watchlist.imports.lists.objects import Context, by_address, rows
from monitor.watchlist.imports.lists.plain_list import coin_of

_DIGITS = 600  # Python may be told to take no more than 640
_NUMBER = re.compile(rb"[0-9]{%d}" % _DIGITS)
_QUOTE = re.compile(rb'(?<!\\)"')  # inside a text none is without a backslash
_SILENCE = 4_000_000  # bytes without any
_MOST_SCALARS = 1000
_HEAVIEST = 10_000_000  # characters of one object; each value counts as 50 more
_LONGEST_LINE = 10_000_000
# Keys behind which the rows themselves stand, however many; behind the first ones an object is
# one by address.
_BY_ADDRESS = frozenset(
    {"addresses", "wallets", "accounts", "blacklist", "sanctioned addresses", "wallet addresses"}
)
_HOLDERS = _BY_ADDRESS | {
    *("result", "results", "data", "items", "rows", "list", "entries", "records"),
}
_DAYS = ("sdn list date", "sdnlistdate", "publish date", "published", "published at")
_FTM = (
    "is in OpenSanctions' own form (FollowTheMoney)",
    "Write  kind: ftm  in config/lists.yaml",
)
_Event = tuple[str, object]


def read_json(file: BinaryIO, name: str, preamble: Preamble) -> Iterator[Published]:
    """A row for each address and each entry that is given for it."""
    if _by_line(file, name):
        yield from _of_lines(file, name)
        return
    with text(file) as reading:
        events = _events(reading, name)
        yield from _Walk(name, preamble, events).rows()


# -- JSON Lines ------------------------------------------------------------------------------


def _by_line(file: BinaryIO, name: str) -> bool:
    """Whether the first two lines are each an object of its own."""
    first: list[str] = []
    try:
        for _, line in lines(file, name, _LONGEST_LINE):
            if line.strip():
                first.append(line)
            if len(first) == 2:
                return all(isinstance(loads(each), dict) for each in first)
    except (ValueError, ConfigError):
        pass
    return False


def _of_lines(file: BinaryIO, name: str) -> Iterator[Published]:
    for number, line in lines(file, name, _LONGEST_LINE):
        if not line.strip():
            continue
        try:
            value = loads(line)
        except ValueError as error:
            raise _broken(name, error, number) from None
        _not_ftm(value, name)
        yield from rows(value, Context(f"line {number}", coin_of(name)))


def _not_ftm(value: object, name: str) -> None:
    if isinstance(value, dict) and {"schema", "properties"} <= value.keys():
        raise refusal(name, "", *_FTM)


def _broken(name: str, error: Exception, line: int = 0) -> ConfigError:
    reason = f"is not whole or not valid JSON ({str(error)[:200]})"
    return refusal(name, "", reason, "Fetch it again", line)


# -- one value, of any length ----------------------------------------------------------------


class _Bytes:
    """A text as UTF-8, for the parser. Held back is what it would fall over: it is written in C,
    and ends the process over a whole number that Python does not take."""

    def __init__(self, reading: io.TextIOWrapper, name: str) -> None:
        self._reading, self._name = reading, name
        self._last = b""
        self._silent = 0

    def read(self, size: int = -1) -> bytes:
        data = self._reading.read(size).encode("utf-8", "replace")
        seen = self._last + data
        if _NUMBER.search(seen):
            reason = f"has a number of over {_DIGITS} digits"
            raise refusal(self._name, "", reason, "Ask its publisher")
        self._silent = 0 if _QUOTE.search(seen, 1) else self._silent + len(data)
        if self._silent > _SILENCE:
            raise refusal(self._name, "", "has a text of endless length", "Ask its publisher")
        self._last = seen[-_DIGITS:]
        return data


def _events(reading: io.TextIOWrapper, name: str) -> Iterator[_Event]:
    """What the parser meets, up to a depth. Raises ConfigError."""
    depth = 0
    try:
        for event, value in ijson.basic_parse(_Bytes(reading, name), buf_size=1 << 16):
            depth += (event in _OPENS) - (event in _CLOSES)
            if depth > DEEPEST:
                raise refusal(name, "", "is nested too deep", "Check that it is the right file")
            yield event, value
    except (ijson.JSONError, ValueError, ArithmeticError) as error:
        raise _broken(name, error) from None


_OPENS = frozenset({"start_map", "start_array"})
_CLOSES = frozenset({"end_map", "end_array"})


def _may_be_address(key: str) -> bool:
    """Whether a key is an address, or was one before somebody changed its letters."""
    changed = key.islower() or key.isupper() or not key.isascii()
    return looks_like_address(key) or (changed and key.isalnum() and 20 <= len(key) <= 120)


class _Walk:
    """Through one value: what holds rows is walked through, each row is built as a whole."""

    def __init__(self, name: str, preamble: Preamble, events: Iterator[_Event]) -> None:
        self.name, self.preamble, self.events = name, preamble, events
        self.coin = coin_of(name)
        self.number = 0

    def rows(self) -> Iterator[Published]:
        event, value = next(self.events, ("null", None))
        if event == "start_map":
            yield from self._members()
        elif event == "start_array":
            yield from self._items("", must=True)
        else:
            remedy = "Check its kind in config/lists.yaml"
            raise refusal(self.name, str(value)[:60], "holds no list of addresses", remedy)
        next(self.events, None)  # what stands behind it is a fault, and the parser says so

    def _items(self, key: str, *, must: bool) -> Iterator[Published]:
        """The rows of an array. Without `must` it is one of addresses if its first item is."""
        for event, value in self.events:
            if event == "end_array":
                return
            self.number += 1
            built = self._built(event, value)
            _not_ftm(built, self.name)
            at = Context(f"item {self.number}", self.coin, key, must=must)
            for row in rows(built, at):
                must = True
                yield row

    def _members(self, *, keyed: bool = False) -> Iterator[Published]:
        """Those of an object. `keyed`: each key is an address, whatever it looks like; elsewhere
        that shows by the first one that does."""
        by_address_alone, scalars = keyed, dict[str, object]()
        for said, named in self.events:
            if said == "end_map":
                break
            key = str(named)
            event, value = next(self.events)
            keyed = keyed or looks_like_address(key)
            if event == "start_array" and not _may_be_address(key):
                yield from self._items(key, must=keyed or header_words(key) in _HOLDERS)
            elif event == "start_map" and header_words(key) in _HOLDERS:
                yield from self._members(keyed=header_words(key) in _BY_ADDRESS)
            elif (keyed and event == "start_map") or _may_be_address(key):
                self.number += 1
                built = self._built(event, value)
                yield from by_address(key, built, Context(f"item {self.number}", self.coin))
            elif event == "start_map":
                yield from self._object(key, event, value)
            elif len(scalars) < _MOST_SCALARS:
                scalars[key] = value
        yield from self._scalars(scalars, keyed=by_address_alone)

    def _scalars(self, scalars: dict[str, object], *, keyed: bool) -> Iterator[Published]:
        """Members that are single values: what the list says of itself, or one row."""
        self._date(scalars)
        if "address" in fields(tuple(scalars)):
            yield from rows(scalars, Context("item 1", self.coin))
        elif keyed:
            for key, value in scalars.items():
                self.number += 1
                yield from by_address(key, value, Context(f"item {self.number}", self.coin))

    def _object(self, key: str, event: str, value: object) -> Iterator[Published]:
        """One that is built as a whole: what is said of the list, or rows by some other key."""
        built = self._built(event, value)
        _not_ftm(built, self.name)
        if isinstance(built, dict):
            self._date(built)
        yield from rows(built, Context(f"{key[:60]!r}", self.coin, key, must=False))

    def _date(self, scalars: dict[str, object]) -> None:
        """The day of which the list says it is."""
        by_word = {header_words(key): value for key, value in scalars.items()}
        for word in _DAYS:
            if not self.preamble.published and isinstance(by_word.get(word), str):
                self.preamble.published = iso_day(str(by_word[word]))

    def _built(self, event: str, value: object) -> object:
        """The value that begins with an event. Numbers are the text that was written, nearly."""
        if event not in _OPENS:
            return value if event in {"string", "boolean", "null"} else str(value)
        builder, depth, weight = ijson.ObjectBuilder(), 0, 0
        while True:
            depth += (event in _OPENS) - (event in _CLOSES)
            builder.event(event, str(value) if event == "number" else value)
            if depth == 0:
                return builder.value
            event, value = next(self.events)
            weight += 50 + (len(value) if isinstance(value, str) else 0)
            if weight > _HEAVIEST:
                remedy = "Name what holds the list  addresses"
                raise refusal(self.name, "", "has one object of endless length", remedy)
