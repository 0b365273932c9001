"""Secrets in foreign words: what we send (keys, passwords, addresses that are keys) must not
come back in an error, a log, the record or a message, however it is spelled there.

Servers repeat what they were asked: in capitals, percent-encoded, escaped, cut off at some
length, or as the base64 of a header. All of these are found; nothing else is changed.
"""

from __future__ import annotations

import base64
import binascii
import re
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar
from urllib.parse import unquote

from monitor.model import plain
from monitor.model.errors import MonitorError

P = ParamSpec("P")
R = TypeVar("R")
MARK = "[hidden]"
SHORTEST = 4  # characters of a secret; nothing shorter can be told from other words
CUT = 8  # so many characters of a longer secret, in one piece, are hidden too
_WHOLE_IN_DATA = 16  # characters: a shorter text may stand in data by chance
CUT_IN_DATA = 15  # the same of what stands in data, where eight hex digits do by chance
_LEAST_WORD = 9  # characters; shorter parts of a URL are words such as "services"
_LEAST_KEY_OF_WORDS = 20  # letters; a shorter part of a source's URL is its name: "blockscout"
_WORDY = re.compile(r"[A-Za-z]?[a-z]*([-_.][a-z]*)*|[A-Z]+")
# At a path's segments, at a query's values, at every sign that stands between words.
_BREAKS = (r"[/?#]", r"[?&;#]|=", r"[/:@?&=,;#+\s]+")
_INTEGERS = {8: "Q", 4: "I", 2: "H"}  # bytes of an integer, and how an array calls it
_ROUNDS = 3  # encoded, and encoded again
_ESCAPED = re.compile(
    rb"%(?:25)*(?P<byte>[0-9a-f]{2})|(?:\\u|&\#x)(?P<hex>[0-9a-f]{2,4});?|\\x(?P<x>[0-9a-f]{2})"
    rb"|&\#(?P<number>[0-9]{2,4});|&(?P<name>amp|lt|gt|quot|apos);|\\(?P<plain>[\\/\"'])",
    re.IGNORECASE,
)
_SIGNS = (b"%", b"\\", b"&")  # with which an escape begins
_NAMES = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}


class Hidden:
    """Hides `secrets` and every piece of them that could be used or recognised. `whole`: what
    may be a secret, but reads like words or holds some; hidden as a whole only."""

    def __init__(self, secrets: Iterable[str], whole: Iterable[str] = (), cut: int = CUT) -> None:
        raw = {s.encode("utf-8", "replace") for s in secrets if len(s) >= SHORTEST}
        spelled = {_plain(each) for one in raw for each in (one, *_encodings(one))}
        words = (_plain(w.encode("utf-8", "replace")) for w in whole if len(w) >= SHORTEST)
        self._pieces = frozenset([*(p for each in spelled for p in _pieces(each, cut)), *words])
        self._sizes = sorted({len(piece) for piece in self._pieces}, reverse=True)
        self._long = tuple(one.lower() for one in raw if len(one) >= _WHOLE_IN_DATA)
        # A text cut into parts of this length has one that lies whole in any piece it holds.
        least = self._sizes[-1] if self._sizes else SHORTEST
        self._part = next(size for size in _INTEGERS if 2 * size - 1 <= least)
        self._parts = {
            int.from_bytes(part, sys.byteorder): part
            for piece in self._pieces
            for at in range(len(piece) - self._part + 1)
            for part in [piece[at : at + self._part]]
        }

    def hide(self, words: str) -> str:
        """The words without any secret."""
        raw = words.encode("utf-8", "surrogatepass")
        if not self._suspicious(raw):
            return words
        spans = [span for form in _forms(raw) for span in self._found(form)]
        if not spans:
            return words
        return _without(raw, spans).decode("utf-8", "replace")

    def discreet(self, do: Callable[P, R]) -> Callable[P, R]:
        """The same call, whose errors of ours hold no secret."""

        @wraps(do)
        def call(*args: P.args, **named: P.kwargs) -> R:
            try:
                return do(*args, **named)
            except MonitorError as error:
                error.args = tuple(self._words(a) for a in error.args)
                said = error
            # Without what it was made from, whose words a traceback would show.
            said.__context__ = said.__cause__ = None
            raise said

        return call

    def _words(self, said: object) -> object:
        """For people, also at a terminal, which obeys control characters."""
        return plain.one_line(self.hide(said)) if isinstance(said, str) else said

    def scrub(self, body: bytes) -> bytes:
        """An answer's bytes without any long secret in its own spelling. Data must not be
        changed by chance, so pieces are left to `hide`."""
        low = body.lower() if self._long else b""
        for secret in self._long:
            if secret in low:
                body = re.sub(re.escape(secret), MARK.encode(), body, flags=re.IGNORECASE)
        return body

    def _suspicious(self, raw: bytes) -> bool:
        """Whether any piece stands there, in any form. To find where takes far longer."""
        for _ in range(_ROUNDS + 1):
            if self._holds(_plain(raw)):
                return True
            if not any(sign in raw for sign in _SIGNS) or not _ESCAPED.search(raw):
                return False
            raw = _ESCAPED.sub(_meant, raw)
        return False

    def _holds(self, text: bytes) -> bool:
        whole = text[: len(text) // self._part * self._part]
        cut = array(_INTEGERS[self._part], whole)
        if self._parts.keys().isdisjoint(cut):
            return False
        return any(
            self._stands_around(text, at)
            for each in self._parts.keys() & set(cut)
            for at in _places(text, self._parts[each])
        )

    def _stands_around(self, text: bytes, place: int) -> bool:
        return any(
            text[at : at + size] in self._pieces
            for size in self._sizes
            for at in range(max(0, place + self._part - size), place + 1)
        )

    def _found(self, form: _Form) -> Iterator[tuple[int, int]]:
        for size in self._sizes:
            for at in range(len(form.text) - size + 1):
                if form.text[at : at + size] in self._pieces:
                    yield form.places[at][0], form.places[at + size - 1][1]


def _places(text: bytes, part: bytes) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


class _Form:
    """A text as it would be read, and where each byte of it stands in the original."""

    def __init__(self, text: bytes, places: list[tuple[int, int]]) -> None:
        self.text, self.places = _plain(text), places


def _plain(text: bytes) -> bytes:
    """Capitals and the plus for a space do not count."""
    return text.lower().replace(b"+", b" ")


def _forms(raw: bytes) -> Iterator[_Form]:
    """The text as written, and decoded once, twice..."""
    places = [(at, at + 1) for at in range(len(raw))]
    for _ in range(_ROUNDS + 1):
        yield _Form(raw, places)
        if not _ESCAPED.search(raw):
            return
        raw, places = _decoded(raw, places)


def _decoded(raw: bytes, places: list[tuple[int, int]]) -> tuple[bytes, list[tuple[int, int]]]:
    made, kept, at = bytearray(), list[tuple[int, int]](), 0
    for match in _ESCAPED.finditer(raw):
        made += raw[at : match.start()]
        kept += places[at : match.start()]
        meant = _meant(match)
        made += meant
        kept += [(places[match.start()][0], places[match.end() - 1][1])] * len(meant)
        at = match.end()
    return bytes(made + raw[at:]), kept + places[at:]


def _meant(match: re.Match[bytes]) -> bytes:
    """What an escape stands for, as UTF-8."""
    if one := match["byte"] or match["x"]:
        return bytes([int(one, 16)])
    if match["hex"] or match["number"]:
        code = int(match["hex"], 16) if match["hex"] else int(match["number"])
        return chr(code).encode("utf-8", "replace")
    return _NAMES[match["name"].lower()] if match["name"] else match["plain"]


def _encodings(secret: bytes) -> Iterator[bytes]:
    """How it looks inside base64 (it may begin at any of three places there) and in hex.
    Whatever comes before and after it, these bytes stay the same."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + secret)
        first, last = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        for each in (coded, coded.translate(bytes.maketrans(b"+/", b"-_"))):
            yield each[first:last]
    yield binascii.hexlify(secret)


def _pieces(secret: bytes, cut: int) -> Iterator[bytes]:
    size = min(len(secret), cut)
    if size >= SHORTEST:
        yield from (secret[at : at + size] for at in range(len(secret) - size + 1))


def _without(raw: bytes, spans: list[tuple[int, int]]) -> bytes:
    made, at, mark = bytearray(), 0, MARK.encode()
    for start, end in sorted(spans):
        if start > at or (start == at and not made.endswith(mark)):
            made += raw[at:start] + mark
        at = max(at, end)
    return bytes(made + raw[at:])


# -- where secrets stand -------------------------------------------------------------------


def of_url(url: str, *more: str, least: int = _LEAST_WORD) -> Hidden:
    """What a URL holds, host apart, and these secrets beside it."""
    return Hidden([*more, *_sure(url)], _whole(url, least))


def of_anything(url: str) -> Hidden:
    """A URL without its scheme, any part of which may be the key, its host too."""
    found = pieces(url, SHORTEST)
    return Hidden((p for p in found if not _WORDY.fullmatch(p) and p != url), found)


def of_request(
    url: str,
    params: Mapping[str, str],
    headers: Mapping[str, str],
    proxies: Iterable[str] = (),
    *,
    in_data: bool = False,
) -> Hidden:
    """What every request to a source carries: its address, key and login, and the proxies'.
    `in_data`: only what cannot stand in the data of an answer by chance."""
    secret = {value for name, value in headers.items() if name.lower() not in _OPEN_HEADERS}
    logins = {login for text in (url, *proxies) for login in _login(text)}
    known = {word for value in secret for word in (value, *value.split(), *_basic(value))}
    keys = {value for value in params.values() if not value.isdecimal()}
    secrets = {*keys, *known, *logins, *_sure(url)}
    if in_data:
        return Hidden((s for s in secrets if len(s) >= _WHOLE_IN_DATA), cut=CUT_IN_DATA)
    return Hidden(secrets, _whole(url, _LEAST_KEY_OF_WORDS))


_OPEN_HEADERS = frozenset({"accept", "accept-encoding", "content-type", "user-agent"})


def _cut(url: str) -> tuple[str, str]:
    """(login and host, all that follows), of unusable URLs too."""
    place, rest = re.fullmatch(r"(?:[^:/?#]*://)?([^/?#]*)(.*)", url, re.DOTALL).groups()  # type: ignore[union-attr]
    return place, rest


def _login(url: str) -> set[str]:
    """User and password of a URL."""
    auth = _cut(url)[0].rpartition("@")[0]
    return {unquote(part) for part in (auth, *auth.split(":", 1))}


def _basic(header: str) -> list[str]:
    """User and password of a header of basic authentication."""
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        login = base64.b64decode(coded).decode("utf-8", "replace")
    except ValueError:
        return []
    return [login, *login.split(":", 1)]


def _sure(url: str) -> set[str]:
    """The parts of a URL that no word looks like, and its login."""
    found = {unquote(piece) for piece in re.split(r"[/?&=;#]", _cut(url)[1])}
    return _login(url) | {p for p in found if len(p) >= CUT and not _WORDY.fullmatch(p)}


def _whole(url: str, least: int) -> set[str]:
    """The URL, and every part of it that is long enough, host apart."""
    place, rest = _cut(url)
    path, query, fragment = [*re.split(r"[?#]", rest, maxsplit=2), "", ""][:3]
    parts = (place.rpartition("@")[0], path, query, fragment)
    inner = {piece for part in parts if part for piece in pieces(part, least)}
    return inner | {each for each in (url, rest) if len(each) >= CUT}


def pieces(url: str, least: int) -> set[str]:
    """Everything in a URL, or in a part of one, that may be a secret: `least` characters or
    more, as written and percent-decoded."""
    found = {url, *(piece for at in _BREAKS for piece in re.split(at, url))}
    return {piece for piece in found | {unquote(piece) for piece in found} if len(piece) >= least}
