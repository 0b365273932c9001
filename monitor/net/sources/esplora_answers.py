"""What an Esplora's answers are, before anything is read out of them. Pure."""

from __future__ import annotations

from monitor.model.errors import BadResponse, Refused, SourceError
from monitor.net.http import Answer
from monitor.net.sources.utxo_legs import HASH


def checked(name: str, answer: Answer) -> Answer:
    """The answer, if it is no refusal. Raises SourceError."""
    if answer.status < 400:
        return answer
    raise classify(name, answer.status, answer.text)


def hash_in(name: str, answer: Answer) -> str | None:
    """A block's hash as `/block-height/...` gives it; None above the head."""
    return None if answer.status == 404 else hash_text(checked(name, answer))


def hash_text(answer: Answer) -> str:
    reported = answer.text.strip()
    if not HASH.match(reported):
        raise BadResponse(f"{answer.origin} answered something else than a block's hash")
    return reported


def classify(name: str, status: int, body: str) -> SourceError:
    """An HTTP 4xx of this API, whose bodies are plain text."""
    said = " ".join(body.split())[:120]
    if said.startswith("<"):  # a web page: a proxy's or a guard's, not this API's word
        return BadResponse(f"{name} answered a web page (HTTP {status})")
    if status in (401, 402, 403):
        return Refused(f"{name} refuses access (HTTP {status}: {said})")
    if status == 400:
        return Refused(f"{name} refuses this request (HTTP 400: {said})")
    return BadResponse(f"{name} answered HTTP {status}: {said}")
