"""The questions of one fetch of whole blocks, and what is kept of their answers: what matched, and
of blocks on which nothing is found no more than the digest."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from itertools import compress
from typing import TypeVar

from monitor.model.answers import Heard
from monitor.net.heard import extract_of
from monitor.net.http import Answer, Http
from monitor.net.sources.evm_batch import Asking, Call
from monitor.net.sources.parsing import column

_HASHES = ("transactionHash", "hash", "txHash")  # as logs, transactions and trees name theirs
ROUNDS, IN_VAIN = 5, 2  # of asking again: at most, and those that bring nothing
_T = TypeVar("_T")


class Asked:
    """Of one fetch. Not for several threads."""

    def __init__(self, http: Http, asking: Asking) -> None:
        self._http, self._asking = http, asking
        self._said: list[tuple[Answer, object]] = []  # without the bodies
        self.calls = 0  # questions, as providers count them, and not requests
        self.digests: list[str] = []
        self.bytes = 0

    def ask(self, calls: Sequence[Call]) -> tuple[list[object], float]:
        """The results in order, a SourceError for one that failed, and the seconds that it took.
        Raises SourceError."""
        began = time.monotonic()
        found = self._asking.ask(self._post, calls, read=self._read) if calls else []
        return found, time.monotonic() - began

    def until(
        self,
        wanted: Iterable[_T],
        call_of: Callable[[_T], Call],
        take: Callable[[_T, object], bool],
    ) -> list[tuple[_T, object]]:
        """Ask about each of these until `take` accepts the answer, and as long as others of them
        are accepted meanwhile; what is left, with its last answers. Raises SourceError."""
        left: list[tuple[_T, object]] = [(each, None) for each in wanted]
        rounds = vain = 0
        while left and vain < IN_VAIN and rounds < ROUNDS:
            told, _ = self.ask([call_of(each) for each, _ in left])
            pairs = [(each, answer) for (each, _), answer in zip(left, told, strict=True)]
            still = [pair for pair in pairs if not take(*pair)]
            vain = 0 if len(still) < len(left) else vain + 1
            left, rounds = still, rounds + 1
        return left

    def _post(self, payload: object) -> Answer:
        self.calls += len(payload) if isinstance(payload, list) else 1
        answer = self._http.post("", payload)
        self.digests.append(answer.sha256)
        self.bytes += len(answer.body)
        return answer

    def _read(self, answer: Answer) -> object:
        told = answer.json_of_blocks()
        self._said.append((replace(answer, body=b""), told))
        return told

    def heard(self, names: Set[str], ruled: Mapping[str, str], *, silence: bool) -> list[Heard]:
        """Of the answers since the last time what names these transactions, as the node writes
        them; `ruled`: what stands for those of withdrawals, by their index, and of rewards, by the
        block's hash. Of others nothing, or with `silence` the blocks' headers."""
        found = []
        for answer, told in self._said if names or ruled or silence else ():
            part, matched = _matching(told, names, ruled, silence=silence)
            if matched or silence:
                data = json.dumps(part, separators=(",", ":")).encode("ascii")
                found.append(extract_of(self._http, answer, data, frozenset(matched)))
        self._said.clear()
        return found


def _matching(
    told: object, names: Set[str], ruled: Mapping[str, str], *, silence: bool
) -> tuple[list[object], set[str]]:
    """Of an answer its results cut to what matched, and which transactions they name."""
    kept: list[object] = []
    matched: set[str] = set()
    for each in told if isinstance(told, list) else [told]:
        if not isinstance(each, dict):
            continue
        result = each.get("result")
        if isinstance(result, list):
            rows = _named(result, names, matched)
            if rows or silence:
                kept.append({**each, "result": rows})
        elif isinstance(result, dict) and isinstance(result.get("transactions"), list):
            rows = _named(result["transactions"], names, matched)
            paid = [w for w in result.get("withdrawals") or () if _index(w) in ruled]
            made = ruled.get(str(result.get("hash")))
            matched |= {ruled[_index(w)] for w in paid} | ({made} if made else set())
            if rows or paid or made or silence:
                lists = {"transactions": rows, "withdrawals": paid}
                kept.append({**each, "result": {**result, **lists}})
        elif isinstance(result, dict) and (rows := _named([result], names, matched)):
            kept.append(each)
    return kept, matched


def _named(
    rows: Sequence[Mapping[str, object]], names: Set[str], matched: set[str]
) -> list[object]:
    try:
        key = next((name for name in _HASHES if name in rows[0]), "") if rows else ""
        found = list(compress(rows, map(names.__contains__, column(rows, key))))
    except (AttributeError, TypeError):  # one of them is no object, or names no text
        return []
    matched.update(str(row[key]).lower() for row in found)
    return list[object](found)


def _index(withdrawal: object) -> str:
    return str(withdrawal.get("index")) if isinstance(withdrawal, dict) else ""
