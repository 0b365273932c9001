"""Many questions to a node in one request: a JSON-RPC batch, each answer told by its id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitor.model.errors import (
    BadResponse,
    NotServed,
    RateLimited,
    Refused,
    SourceError,
    Unavailable,
)
from monitor.net.http import Answer
from monitor.net.sources.evm_refusals import TooWide, classify

AT_ONCE = 100  # questions in one request, until a node is known to take fewer
LEAST = 3  # a node that takes no more at once is asked one by one
PATIENCE = 8
DAY = 86_400.0
# What to post (a JSON-RPC batch, or one question), and what came.
Post = Callable[[object], Answer]
Read = Callable[[Answer], object]  # an answer's JSON; raises BadResponse


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    params: Sequence[object]


class Narrower(Exception):
    """A request was refused as it was made."""

    def __init__(self, reason: SourceError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def narrower(error: SourceError) -> Exception:
    """A smaller request, or one of another kind, may do; not where the node is out of service."""
    fits = isinstance(error, (TooWide, Refused, BadResponse)) and not isinstance(error, NotServed)
    return Narrower(error) if fits else error


def results(name: str, post: Post, calls: Sequence[Call], read: Read = Answer.json) -> list[object]:
    """The results in order, a SourceError for one that failed. Raises Narrower where the request
    is refused as a whole, RateLimited where any of it is, another SourceError as `post`."""
    sent = [
        {"jsonrpc": "2.0", "id": n, "method": call.method, "params": list(call.params)}
        for n, call in enumerate(calls)
    ]
    answer = post(sent)
    try:
        reported = read(answer)
    except BadResponse as error:
        if answer.status < 400 or answer.text.lstrip().startswith("<"):
            raise
        raise narrower(classify(name, answer.status, answer.text)) from error
    if not isinstance(reported, list):
        said = reported.get("error", reported) if isinstance(reported, dict) else reported
        raise narrower(classify(name, answer.status, said))
    by_id = {
        each["id"]: each
        for each in reported
        if isinstance(each, dict) and type(each.get("id")) is int
    }
    if len(by_id) != len(reported):
        raise BadResponse(f"{name} answered other questions than were asked")
    found = [_result(name, by_id.get(n), answer.status) for n in range(len(calls))]
    if limited := next((each for each in found if isinstance(each, RateLimited)), None):
        raise limited
    return found


def _result(name: str, reported: object, status: int) -> object:
    if not isinstance(reported, dict):
        return BadResponse(f"{name} left a question unanswered")
    if reported.get("error") is not None:
        return classify(name, status, reported["error"])
    if "result" not in reported:
        return BadResponse(f"{name} answered neither a result nor an error")
    return reported["result"]


def single(name: str, post: Post, call: Call, read: Read = Answer.json) -> object:
    """The result of one question by itself, a SourceError where it failed. Raises as `post`."""
    asked = {"jsonrpc": "2.0", "id": 0, "method": call.method, "params": list(call.params)}
    answer = post(asked)
    try:
        reported = read(answer)
    except BadResponse:
        if answer.status < 400 or answer.text.lstrip().startswith("<"):
            raise
        return classify(name, answer.status, answer.text)
    found = _result(name, reported, answer.status)
    if isinstance(found, RateLimited):
        raise found
    if isinstance(reported, dict) and "result" in reported and reported.get("id") != 0:
        return BadResponse(f"{name} answered another question than was asked")
    return found


class Asking:
    """Of one node: batches as large as it takes, and single questions where it takes none. What
    it takes is learned, and tried anew after a day."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self._name, self._clock = name, clock
        self.most, self._least_refused = AT_ONCE, AT_ONCE + 1
        self._alone_until = float("-inf")

    @property
    def alone(self) -> bool:
        return self._clock() < self._alone_until

    def ask(
        self,
        post: Post,
        calls: Sequence[Call],
        patience: int = PATIENCE,
        read: Read = Answer.json,
    ) -> list[object]:
        """The results in order, a SourceError for one that failed. A question that is too much
        for the node, or whose answer is too large, does not take the others with it; `patience`:
        how many requests may fail until the node is given up."""
        found: list[object] = []
        left, width = list(calls), self.most
        while left:
            part = left[: 1 if self.alone else min(width, self.most)]
            try:
                found += self._ask(post, part, read)
            except Narrower:
                self._give_way(len(part))
                continue
            except (Unavailable, BadResponse) as error:
                patience -= 1
                if patience < 0:
                    raise
                if len(part) > 1:
                    width = len(part) // 2
                    continue
                found.append(error)
            left, width = left[len(part) :], width * 2
        return found

    def _ask(self, post: Post, part: Sequence[Call], read: Read) -> list[object]:
        if self.alone:
            return [single(self._name, post, part[0], read)]
        try:
            found = results(self._name, post, part, read)
        except RateLimited:
            self.most = max(LEAST, self.most // 2)  # some count every question
            raise
        if self.most * 2 < self._least_refused:
            self.most *= 2
        return found

    def _give_way(self, refused: int) -> None:
        if refused // 2 >= LEAST:
            self._least_refused, self.most = refused, refused // 2
        else:
            self._alone_until = self._clock() + DAY
            self.most, self._least_refused = AT_ONCE, AT_ONCE + 1
