"""What was sent under an Idempotency-Key is done once, however often it is sent: the second time,
and of two at once the other one, gets the answer of the first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from werkzeug import Request, Response

from monitor.model.api import Token
from monitor.store import api_tokens
from monitor.store.deskfile import DeskFile, hashed
from monitor.web.api import problems
from monitor.web.api.problems import Wrong

LONGEST = 200  # characters of a key
WAIT = 20.0  # seconds for the answer of the same request that is carried out now
# Problems that say what came of it: they are answered again. Of the others nothing came.
_ANSWERS = (409, 422)


def key_of(request: Request) -> str:
    """Raises Wrong where there is none."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key or len(key) > LONGEST or not key.isprintable() or not key.isascii():
        said = "Send the header Idempotency-Key: a word of your own, new for each thing to be done."
        raise Wrong("key_missing", said)
    return key


def word(token: Token, key: str) -> str:
    """What stands for a key in the record, so that what was done and not answered is not done
    again."""
    return hashed(f"{token.id} {key}")[:40]


class Once:
    """Keeps what is being carried out apart."""

    def __init__(self, file: DeskFile) -> None:
        self._file = file
        self._guard = threading.Lock()
        self._busy: dict[str, tuple[threading.Lock, int]] = {}

    def answer(
        self, token: Token, key: str, asked: str, now: int, route: tuple[str, str],
        do: Callable[[], Response],
    ) -> Response:  # fmt: skip
        """`asked`: a digest of the request; `route`: method and path, for the log."""
        with self._alone(f"{token.id} {key}"):
            known = api_tokens.begin(self._file, token.id, key, asked, now)
            if known is not None and known.asked != asked:
                raise Wrong("key_reused", "Nothing was done. Use a new key for a new request.")
            if known is not None and known.status is not None:
                response = Response(known.body, known.status, mimetype=known.type)
                response.headers["Idempotency-Replayed"] = "true"
                return response
            try:
                response = do()
            except Wrong as wrong:
                if wrong.kind.status not in _ANSWERS:
                    api_tokens.dropped(self._file, token.id, key)
                    raise
                response = problems.answered(wrong, *route)
            api_tokens.ended(
                *(self._file, token.id, key, response.status_code, response.mimetype or ""),
                response.get_data(as_text=True),
            )
            return response

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        with self._guard:
            lock, number = self._busy.get(name, (threading.Lock(), 0))
            self._busy[name] = (lock, number + 1)
        try:
            if not lock.acquire(timeout=WAIT):
                said = "The same request is being carried out. Send it again in a moment."
                raise Wrong("changed", said, headers={"Retry-After": "5"})
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._guard:
                lock, number = self._busy[name]
                if number == 1:
                    del self._busy[name]
                else:
                    self._busy[name] = (lock, number - 1)


def asked(request: Request, data: bytes) -> str:
    """A digest of what is asked for."""
    return hashed(f"{request.method} {request.full_path}\n{hashed(data.hex())}")
