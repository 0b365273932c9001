"""The only place that opens a connection to a source.

Deadline, size cap, call budget, short retries, proxy and strict JSON are settled here, so
that adapters build requests and read answers and nothing else. No error text holds a path,
a query or a key.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from json import JSONDecoder
from typing import Any, NoReturn

import msgspec
import requests
import urllib3

from monitor.model.errors import BadResponse, RateLimited, Refused, SourceError, Unavailable
from monitor.net import hidden, wire
from monitor.net.limits import Limiter

WAITS = (0.3, 1.0)  # seconds between the attempts of one call; the last one repeats
# What the largest honest answers hold (thousands of transactions of a block, each with its logs)
# several times over. What holds more was made to fill our memory.
MOST_PARTS, MOST_VALUES = 400_000, 2_000_000  # lists and objects; commas, and escapes
LONGEST_DIGITS = 400  # a uint256 has 78; Python itself refuses above 4,300
_CHUNK = 1_048_576  # bytes; whole blocks come in megabytes, and each piece costs a round
# Escaped backslashes, one pair of surrogates, or one surrogate alone. It begins with the one sign
# that all of them begin with: what holds none is passed over as fast as memory is read.
_SURROGATES = re.compile(
    r"\\(?:\\(?:\\\\)*|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2}))"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: HTTP 2xx, or 4xx other than 429."""

    status: int
    body: bytes = field(repr=False)  # decoded of gzip and the like
    headers: Mapping[str, str] = field(repr=False)  # names in lower case
    sha256: str  # hex, over the body as it came
    origin: str = "the source"  # for error texts: name and host
    asked: str = field(default="", repr=False)  # JSON of what was asked; address and key apart

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")

    def json(self, *, exact: bool = False) -> object:
        """The decoded body. Raises BadResponse for what is not strict JSON: duplicate
        keys, NaN, Infinity, nesting beyond Python's depth, numbers of over 400 digits.
        `exact`: fractions as Decimal, digit by digit, instead of float; a number that is too
        large or long, NaN and Infinity stay the text that was written, for one bad value
        must not cost the good ones beside it.

        Broken text inside strings (bad UTF-8, half a surrogate pair) becomes U+FFFD: a
        token's name must not make the page that holds it unreadable.
        """
        return self._decoded(_EXACT if exact else _DECODER)

    def json_of_blocks(self) -> object:
        """The same of megabytes of a node's blocks, where looking at every object and number would
        cost ten times what decoding costs: of a key that appears twice the last one counts, and a
        number may have the 4,300 digits that Python allows."""
        self._refuse_too_many()
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _FAST.decode(self.body)
        return self._decoded(_PLAIN)  # which mends broken text, or says what is wrong

    def _refuse_too_many(self) -> None:
        if _too_many(self.body):
            raise BadResponse(f"{self.origin}: answered with more values than any list has")

    def _decoded(self, decoder: JSONDecoder) -> object:
        self._refuse_too_many()
        text = self.text.removeprefix("\ufeff")
        try:
            return decoder.decode(_SURROGATES.sub(_mend, text) if "\\" in text else text)
        except ValueError as error:
            reason = str(error)
        except RecursionError:
            reason = "nested too deeply"
        raise BadResponse(f"{self.origin}: not readable as JSON ({reason})")


def _too_many(body: bytes) -> bool:
    """Before the decoder, which would need twenty times the memory for them."""
    if len(body) <= 2 * MOST_VALUES:
        return False  # each takes two bytes at least: what so few hold takes 120 MiB at most
    parts = body.count(b"{") + body.count(b"[")
    return parts > MOST_PARTS or max(body.count(b","), body.count(b"\\")) > MOST_VALUES


def _mend(match: re.Match[str]) -> str:
    return "\\ufffd" if match["lone"] else match[0]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key appears twice")
    return made


def _integer(text: str) -> int:
    if len(text) > LONGEST_DIGITS:
        raise ValueError("a number is too long")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if len(text) > LONGEST_DIGITS or math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON value")


def _whole_or_text(text: str) -> int | str:
    return int(text) if len(text) <= LONGEST_DIGITS else text


def _decimal_or_text(text: str) -> Decimal | str:
    try:
        _float(text)
        return Decimal(text)
    except (ValueError, InvalidOperation):  # the latter: an exponent beyond all measure
        return text


_DECODER, _EXACT = (
    JSONDecoder(
        object_pairs_hook=_object,
        parse_int=whole,
        parse_float=fraction,
        parse_constant=constant,
    )
    for whole, fraction, constant in (
        (_integer, _float, _constant),
        (_whole_or_text, _decimal_or_text, str),
    )
)
_PLAIN = JSONDecoder(parse_float=_float, parse_constant=_constant)
_FAST = msgspec.json.Decoder()  # half of the time of Python's, and fewer texts: equal keys are one


class Http:
    """A thin client of one source; may be shared by threads.

    `timeout` bounds, in seconds, everything a call does on the network, its repetitions
    and the waits between them included; only waiting for the limiter comes on top.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        limiter: Limiter | None = None,
        timeout: float = 20.0,
        max_bytes: int = 20_000_000,
        proxies: Mapping[str, str] | None = None,
        verify: bool | str = True,
        attempts: int = 3,
    ) -> None:
        self.name = name
        self._origin = f"{name} ({wire.host_of(base_url)})"
        self._base_url = base_url
        self._params = dict(params or {})
        self._headers = {"Accept-Encoding": "gzip, deflate", **(headers or {})}
        self._limiter = limiter
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._proxies = wire.proxies_for(base_url, proxies)
        # What a server may repeat of our requests; taken out of all that it says.
        sent = (base_url, self._params, self._headers, [*(proxies or {}).values()])
        self.hidden = hidden.of_request(*sent)
        self.hidden_in_data = hidden.of_request(*sent, in_data=True)
        self._verify = verify
        self._attempts = attempts
        self._sessions = threading.local()
        self._ears = threading.local()
        self._lock = threading.Lock()
        self._calls = 0

    @property
    def calls(self) -> int:
        """Calls made so far, repetitions included."""
        with self._lock:
            return self._calls

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """GET base_url + path. Returns 2xx and 4xx other than 429; raises RateLimited
        (429, budget), Unavailable (5xx, network), BadResponse (redirect, too large)."""
        return self._call("GET", path, params=params)

    def post(
        self,
        path: str,
        payload: object,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """POST a JSON body, as `get` otherwise. Must be safe to repeat. A 5xx whose body is
        a JSON-RPC error is an answer too: some nodes refuse a call so. `seconds`: for this call in
        place of the usual time."""
        return self._call("POST", path, headers=headers, payload=payload, seconds=seconds)

    @contextmanager
    def hearing(self) -> Iterator[list[Answer]]:
        """Every answer to this thread meanwhile, as it comes."""
        before = getattr(self._ears, "heard", None)
        heard: list[Answer] = []
        self._ears.heard = heard
        try:
            yield heard
        finally:
            self._ears.heard = before

    def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        payload: object = None,
        seconds: float | None = None,
    ) -> Answer:
        request = requests.Request(
            method,
            self._base_url + path,
            params={**self._params, **(params or {})},
            headers={**self._headers, **(headers or {})},
            json=payload,
        )
        left = self._timeout if seconds is None else seconds
        attempt = 0
        while True:
            attempt += 1
            self._take_turn(len(payload) if isinstance(payload, list) else 1)  # a JSON-RPC batch
            began = time.monotonic()
            outcome = self._once(request, left)
            if isinstance(outcome, Answer):
                return self._told(replace(outcome, asked=_asked(method, path, params, payload)))
            wait = max(WAITS[min(attempt, len(WAITS)) - 1], outcome.retry_after or 0.0)
            left -= time.monotonic() - began + wait
            if attempt == self._attempts or left <= 0 or not _worth_repeating(outcome):
                # Not raised where it was caught: the library's own exception holds the
                # whole URL and must not hang on ours as its context.
                raise outcome
            time.sleep(wait)

    def _told(self, answer: Answer) -> Answer:
        ear: list[Answer] | None = getattr(self._ears, "heard", None)
        if ear is not None:
            ear.append(answer)
        return answer

    def _take_turn(self, questions: int) -> None:
        if self._limiter is None:
            return
        try:
            self._limiter.acquire(questions)
        except RateLimited as error:
            raise RateLimited(f"{self._origin}: {error}", error.retry_after) from None

    def _session(self) -> requests.Session:
        made = getattr(self._sessions, "session", None)
        if not isinstance(made, requests.Session):
            made = self._sessions.session = wire.session(self._proxies, self._verify)
        return made

    def _once(self, request: requests.Request, seconds: float) -> Answer | SourceError:
        with self._lock:
            self._calls += 1
        session = self._session()
        deadline = wire.Deadline(seconds)
        try:
            prepared = session.prepare_request(request)
            with (
                deadline,
                session.send(
                    prepared, stream=True, allow_redirects=False, timeout=seconds
                ) as response,
            ):
                outcome = self._read(response)
        except ValueError:  # requests' word for a URL or header that it cannot use
            return Refused(f"{self._origin}: its url or key cannot be used; correct it")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return Unavailable(f"{self._origin}: {wire.explain(error, deadline)}")
        if deadline.expired:  # a connection cut among the headers reads like a short answer
            return Unavailable(f"{self._origin}: {wire.expired(deadline)}")
        return outcome

    def _read(self, response: requests.Response) -> Answer | SourceError:
        status = response.status_code
        if status == 429:
            return RateLimited(
                f"{self._origin}: asks for fewer calls (HTTP 429)", _retry_after(response)
            )
        about_it = 400 <= status < 500 or status == 501  # a word about the question, which lasts
        if status >= 500 and not about_it:
            body = self._body(response) if response.request.method == "POST" else None
            if body is None or not _is_rpc_error(body):
                return Unavailable(f"{self._origin}: HTTP {status}", _retry_after(response))
            return self._answer(response, body)
        if not 200 <= status < 300 and not about_it:
            return BadResponse(
                f"{self._origin}: HTTP {status}, which is not followed; set the final address "
                "as its url"
            )
        body = self._body(response)
        if body is None:
            return BadResponse(f"{self._origin}: answered more than {self._max_bytes:,} bytes")
        return self._answer(response, body)

    def _answer(self, response: requests.Response, body: bytes) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        digest = hashlib.sha256(body).hexdigest()
        clean = self.hidden.scrub(body)
        return Answer(response.status_code, clean, headers, digest, self._origin)

    def _body(self, response: requests.Response) -> bytes | None:
        length = response.raw.length_remaining  # None: in pieces of its own, without one
        if length is not None and length <= self._max_bytes and not _packed(response):
            # Megabytes of blocks: half of the time of putting pieces together.
            return bytes(response.raw.read())
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_content(_CHUNK):  # unpacked as it comes, never whole
            size += len(chunk)
            if size > self._max_bytes:
                return None
            chunks.append(chunk)
        return b"".join(chunks)


def _asked(method: str, path: str, params: Mapping[str, str | int] | None, payload: object) -> str:
    parts = {"method": method, "path": path, "params": params, "payload": payload}
    given = {name: part for name, part in parts.items() if part}
    return json.dumps(given, separators=(",", ":"))


def _packed(response: requests.Response) -> bool:
    return bool(response.headers.get("Content-Encoding"))


def _is_rpc_error(body: bytes) -> bool:
    """Whether a 5xx is a node's word about the call, and not a broken server's."""
    return body.lstrip().startswith(b"{") and b'"jsonrpc"' in body and b'"error"' in body


def _retry_after(response: requests.Response) -> float | None:
    return wire.retry_after(response.headers.get("Retry-After"), time.time())


def _worth_repeating(error: SourceError) -> bool:
    """Within the same call: only what may be over in a second."""
    brief = (error.retry_after or 0.0) <= WAITS[-1]
    return isinstance(error, (Unavailable, RateLimited)) and brief
