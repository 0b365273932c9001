"""Questions to a node of Bitcoin Core's kind, by JSON-RPC.

Always several in one request (a batch): a single one that fails is answered by older nodes with
HTTP 500, as if they were broken. https://github.com/bitcoin/bitcoin/blob/master/doc/JSON-RPC-interface.md
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitor.model.errors import BadResponse, NotServed, NotYet, Refused, SourceError
from monitor.net.http import Answer

AT_ONCE = 100  # questions in one request
NO_SUCH_CALL, NO_SUCH_THING, NOT_IN_RANGE, WARMING_UP = -32601, -5, -8, -28
Post = Callable[[object], Answer]
Call = tuple[str, Sequence[object]]  # method and parameters


@dataclass(frozen=True, slots=True)
class Word:
    """What the node said instead of a result."""

    code: int
    text: str


def results(name: str, post: Post, calls: Sequence[Call]) -> list[object]:
    """The results in order, a Word for one that failed. Raises SourceError."""
    sent = [
        {"jsonrpc": "2.0", "id": n, "method": method, "params": list(params)}
        for n, (method, params) in enumerate(calls)
    ]
    answer = post(sent)
    if answer.status in (401, 403):
        raise Refused(
            f"{name} refuses access (HTTP {answer.status}): user and password of its url, or what "
            "its rpcauth, rpcwhitelist and rpcallowip allow, have to be corrected"
        )
    reported = answer.json(exact=True)
    if not isinstance(reported, list):
        said = reported.get("error") if isinstance(reported, dict) else None
        raise (
            error_of(name, _word(said))
            if said
            else BadResponse(
                f"{name} answered something else than was asked (HTTP {answer.status})"
            )
        )
    by_id = {
        each["id"]: each
        for each in reported
        if isinstance(each, dict) and type(each.get("id")) is int
    }
    if len(by_id) != len(reported) or by_id.keys() != set(range(len(calls))):
        raise BadResponse(f"{name} answered other questions than were asked")
    return [_result(name, by_id[n]) for n in range(len(calls))]


def many(name: str, post: Post, calls: Sequence[Call]) -> list[object]:
    """As `results`, in as many requests as it takes; answers that are too large come alone."""
    found: list[object] = []
    width = AT_ONCE
    while len(found) < len(calls):
        part = calls[len(found) : len(found) + width]
        try:
            found += results(name, post, part)
        except BadResponse:
            if len(part) == 1:
                raise
            width = len(part) // 2
    return found


def one(name: str, post: Post, method: str, *params: object) -> object:
    """The result of one question. Raises SourceError."""
    (found,) = results(name, post, [(method, params)])
    return told(name, found)


def told(name: str, found: object) -> object:
    """A result that must be there. Raises SourceError."""
    if isinstance(found, Word):
        raise error_of(name, found)
    return found


def may_be_missing(name: str, word: Word) -> None:
    """Of a transaction that the node does not find: raises Refused where it cannot know, NotYet
    where it does not yet."""
    if "-txindex" in word.text:
        raise Refused(f"{name} has no index of transactions: start it with -txindex=1")
    if "being indexed" in word.text:
        raise NotYet(f"{name} is still making its index of transactions")


def error_of(name: str, word: Word) -> SourceError:
    said = " ".join(word.text.split())[:160]
    if word.code == WARMING_UP:
        return NotYet(f"{name} is starting: {said}")
    if word.code == NO_SUCH_CALL:
        return NotServed(f"{name} has no such call: {said}")
    if "prune" in said.lower():
        return Refused(f"{name} keeps only the newest blocks: {said}. Start it without -prune")
    return BadResponse(f"{name} refuses a call: {said} ({word.code})")


def _result(name: str, reported: dict[str, object]) -> object:
    if reported.get("error") is not None:
        return _word(reported["error"])
    if "result" not in reported:
        raise BadResponse(f"{name} answered neither a result nor an error")
    return reported["result"]


def _word(said: object) -> Word:
    if not isinstance(said, dict):
        return Word(0, str(said))
    code = said.get("code")
    return Word(code if type(code) is int else 0, str(said.get("message")))
