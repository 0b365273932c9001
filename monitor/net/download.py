"""A file that a publisher hands out, fetched onto the disk: it may be larger than the memory.

Redirects are followed, each place checked before it is asked. What is not proven whole (cut
short, packed badly, above the limit) is not had. No error text holds a path, a query or a key.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urljoin, urlsplit

import requests
import urllib3

from monitor.model.errors import BadResponse, RateLimited, Refused, SourceError, Unavailable
from monitor.model.hosts import is_loopback
from monitor.model.lists import Fetched, Validators
from monitor.model.plain import tidy
from monitor.net import hidden, wire

MOST = 500_000_000  # bytes on the wire, and unpacked
WITHIN = 900.0  # seconds for all of it: 127 MB at 150 KB/s
SILENT = 60.0  # seconds without a byte
KEPT_FREE = 64 * 1024**2  # bytes of the disk that are left to the record
HOPS = 5
_CHUNK = 1 << 18
_LOOK = 32 * _CHUNK  # bytes between two looks at the disk
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script")
_LONGEST_VALIDATOR = 300  # characters

# Told how many bytes came, again and again; what it raises ends the fetch.
Watch = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Way:
    """How this machine reaches the network, and what it is patient with."""

    proxies: Mapping[str, str]
    verify: bool | str = True
    within: float = WITHIN
    silent: float = SILENT
    most: int = MOST


@dataclass(frozen=True, slots=True)
class _Came:
    """An answer that was written down. `whole`: it says itself where it ends."""

    sha256: str
    bytes: int
    whole: bool
    validators: Validators


@dataclass(frozen=True, slots=True)
class _Next:
    """Another place to ask."""

    url: str


def download(
    name: str, url: str, into: Path, known: Validators, way: Way, watch: Watch
) -> Fetched | None:
    """Fetch what `url` hands out into a file of this user's own. None: it is still what it was
    when it said `known`.

    Raises Unavailable (network, 5xx, cut, disk), RateLimited, Refused (4xx), BadResponse (a web
    page, nothing, too large, led to where it must not lead).
    """
    secret = hidden.of_request(url, {}, {}, way.proxies.values())
    return secret.discreet(_Download(name, url, into, known, way, watch, secret).run)()


class _Download:
    def __init__(
        self,
        name: str,
        url: str,
        into: Path,
        known: Validators,
        way: Way,
        watch: Watch,
        secret: hidden.Hidden,
    ) -> None:
        self._name, self._url, self._into, self._known = name, url, into, known
        self._way, self._watch, self._secret = way, watch, secret
        self._host = wire.where(url)[0]
        self._deadline = wire.Deadline(way.within)
        self._origin = f"{name} ({wire.host_of(url)})"

    def run(self) -> Fetched | None:
        try:
            with self._deadline:
                came = self._asked()
                if came is not None and not came.whole:
                    again = self._asked()
                    if again is None or again.sha256 != came.sha256:
                        raise self._fault(
                            Unavailable,
                            "its answer does not say where it ends, and two of them differ: one "
                            "may be cut short",
                        )
        except ValueError:  # requests' word for a URL that it cannot use
            fault: SourceError = Refused(f"{self._origin}: its url cannot be used; correct it")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            fault = Unavailable(f"{self._origin}: {wire.explain(error, self._deadline)}")
        else:
            if self._deadline.expired:  # a connection cut among the headers reads like an answer
                raise self._fault(Unavailable, wire.expired(self._deadline))
            if came is None:
                return None
            called = tidy(unquote(urlsplit(self._url).path.rpartition("/")[2]), 100)
            return Fetched(self._into, came.sha256, came.bytes, called, came.validators)
        # Not raised where it was caught: the library's own holds the whole URL.
        raise fault

    def _fault(self, kind: type[SourceError], words: str) -> SourceError:
        return kind(f"{self._origin}: {words}")

    def _asked(self) -> _Came | None:
        url = self._url
        for _ in range(HOPS + 1):
            came = self._hop(url)
            if not isinstance(came, _Next):
                return came
            url = self._allowed(url, came.url)
        raise self._fault(BadResponse, f"it leads on more than {HOPS} times")

    def _allowed(self, url: str, to: str) -> str:
        """The next place, where it may be asked: within https, and not into our own network
        unless the settings named that host."""
        to = urljoin(url, to)
        scheme, host = urlsplit(to).scheme.lower(), wire.where(to)[0]
        self._origin = f"{self._name} ({wire.host_of(self._url)}, which leads to {_host(to)})"
        ours = is_loopback(self._host) and is_loopback(host)
        if scheme != "https" and not (scheme == "http" and ours):
            raise self._fault(BadResponse, "that is not https, and is not followed")
        if "@" in urlsplit(to).netloc:
            raise self._fault(BadResponse, "that holds a login, and is not followed")
        # An address alone needs no resolving, so a proxy cannot hide where it leads.
        if not self._named(host) and _is_inside(host):
            raise self._fault(
                BadResponse, "that is not on the public internet, and is not followed"
            )
        return to

    def _named(self, host: str) -> bool:
        """Whether the settings mean this host; this machine has several names."""
        return host == self._host or (is_loopback(host) and is_loopback(self._host))

    def _hop(self, url: str) -> _Came | _Next | None:
        proxies = wire.proxies_for(url, self._way.proxies)
        # Through a proxy the peer is the proxy, and where it leads is its own to guard.
        self._deadline.public_only = not self._named(wire.where(url)[0]) and not proxies
        headers = {"Accept": "*/*", "Accept-Encoding": "gzip", **_conditions(self._known)}
        with (
            wire.session(proxies, self._way.verify) as session,
            session.get(
                url,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=min(self._way.silent, self._deadline.left()),
            ) as response,
        ):
            return self._answered(response)

    def _answered(self, response: requests.Response) -> _Came | _Next | None:
        status = response.status_code
        if status in _REDIRECTS and response.headers.get("Location"):
            return _Next(response.headers["Location"])
        if status == 304 and _conditions(self._known):
            return None
        if status == 200:
            return self._written(response)
        wait = wire.retry_after(response.headers.get("Retry-After"), time.time())
        if status == 429:
            raise RateLimited(f"{self._origin}: asks for fewer calls (HTTP 429)", wait)
        if status >= 500:
            raise Unavailable(f"{self._origin}: HTTP {status}", wait)
        kind = Refused if 400 <= status < 500 else BadResponse
        raise self._fault(kind, f"HTTP {status}")

    def _written(self, response: requests.Response) -> _Came:
        length = response.headers.get("Content-Length", "")
        announced = int(length) if length.isascii() and length.isdecimal() else 0
        self._small_enough(announced)
        self._room(announced)
        packing = response.headers.get("Content-Encoding", "").strip().lower()
        if packing not in ("", "identity", "gzip", "x-gzip"):
            raise self._fault(BadResponse, "its answer is packed in a way that was not asked for")
        parts = response.raw.stream(_CHUNK, decode_content=False)
        packed = packing.endswith("gzip")
        digest, size = hashlib.sha256(), 0
        with _private(self._into) as file:
            for part in self._unpacked(parts) if packed else parts:
                self._small_enough(size := size + len(part))
                digest.update(part)
                if size // _LOOK != (size - len(part)) // _LOOK:
                    self._room(0)
                self._put(file, part)
                self._watch(size)
        self._is_no_page(size)
        whole = bool(length) or bool(response.raw.chunked) or packed
        return _Came(digest.hexdigest(), size, whole, self._validators(response))

    def _unpacked(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        """Never more than a piece at a time, however small the bomb."""
        unpack, came = zlib.decompressobj(31), 0
        for part in parts:
            self._small_enough(came := came + len(part))
            left = part
            while left:
                if unpack.eof:
                    unpack = zlib.decompressobj(31)  # another member behind the first
                yield self._inflated(unpack, left)
                left = unpack.unconsumed_tail or unpack.unused_data
        yield unpack.flush()
        if not unpack.eof:
            raise self._fault(Unavailable, "its packed answer is cut short")

    def _inflated(self, unpack: zlib._Decompress, data: bytes) -> bytes:
        try:
            return unpack.decompress(data, _CHUNK)
        except zlib.error:
            pass
        raise Unavailable(f"{self._origin}: its answer cannot be unpacked")

    def _put(self, file: BinaryIO, part: bytes) -> None:
        try:
            file.write(part)
        except OSError as error:
            why = f"what it answers cannot be written to the disk ({error.strerror})"
        else:
            return
        raise self._fault(Unavailable, why)

    def _small_enough(self, size: int) -> None:
        if size > self._way.most:
            raise self._fault(BadResponse, f"it is larger than {self._way.most // 10**6:,} MB")

    def _room(self, coming: int) -> None:
        free = shutil.disk_usage(self._into.parent).free
        if free - coming < KEPT_FREE:
            words = f"the disk has no room for it ({free // 10**6:,} MB are free)"
            raise self._fault(Unavailable, words)

    def _is_no_page(self, size: int) -> None:
        if not size:
            raise self._fault(BadResponse, "answered with nothing")
        if is_page(self._into):
            raise self._fault(
                BadResponse,
                "answered with a web page, not with a list: a login, or another address by now?",
            )

    def _validators(self, response: requests.Response) -> Validators:
        etag, modified = (response.headers.get(n, "") for n in ("ETag", "Last-Modified"))
        return Validators(self._open(etag), self._open(modified))

    def _open(self, said: str) -> str:
        """What the record may keep of it and send again: nothing long, strange or secret."""
        good = said.isascii() and said.isprintable() and len(said) <= _LONGEST_VALIDATOR
        return said if good and self._secret.hide(said) == said else ""


def is_page(path: Path) -> bool:
    """Whether a file begins as a web page does."""
    with path.open("rb") as file:
        first = file.read(1024)
    return first.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGES)


def _private(path: Path) -> BinaryIO:
    flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)


def _conditions(known: Validators) -> dict[str, str]:
    pairs = (("If-None-Match", known.etag), ("If-Modified-Since", known.modified))
    return {name: value for name, value in pairs if value}


def _host(url: str) -> str:
    return tidy(wire.host_of(url), 80)


def _is_inside(host: str) -> bool:
    """Whether a host is the number of an address that is not on the public internet."""
    try:
        return not wire.is_public(host)
    except ValueError:
        return is_loopback(host)
