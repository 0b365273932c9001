"""Asking a node for the token logs of addresses, and making sure that it reported all of them.

Some nodes cut long answers without a word (Tenderly at wide ranges). An answer that holds
logs is therefore not believed to be whole: what lies from its highest block on is asked for
once more. Where that block is all it holds, only the block's receipts can report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from monitor.chains import issuers
from monitor.model import Ask, Chain, Gap, Interval
from monitor.model.errors import BadResponse, NotServed, Refused, Unavailable
from monitor.model.reading import IN_FILTER
from monitor.net.sources import acts
from monitor.net.sources.evm_logs import (
    BATCH,
    DEPOSIT,
    SINGLE,
    TRANSFER,
    WITHDRAWAL,
    height_of,
    is_asked_event,
    topic_of,
)
from monitor.net.sources.evm_refusals import no_such_call
from monitor.net.sources.parsing import RowError, fields

LEAST_CAP = 5  # logs; nobody is known to cut an answer to fewer

Query = Mapping[str, Any]  # `topics`, and where it is about some contracts `address`


class Node(Protocol):
    def ask(self, method: str, params: Sequence[object]) -> object:
        """The result of one call. Raises SourceError."""


class LogReader:
    """Of one node."""

    def __init__(self, name: str, chain: Chain) -> None:
        self._name = name
        self._chain = chain
        self._most = 0  # logs of the largest answer so far: smaller ones were not cut

    def read(self, node: Node, ask: Ask, window: Interval) -> tuple[list[object], list[Gap]]:
        """All logs of the window, each once, whichever query found it; and the blocks of
        which it cannot be said whether all came."""
        found: dict[object, object] = {}
        gaps: list[Gap] = []
        for query in queries(ask, self._chain):
            logs, doubt = self._whole(node, window, query)
            gaps += [g for g in doubt if g not in gaps]
            for log in logs:
                found.setdefault(_identity(log, len(found)), log)
        return list(found.values()), gaps

    def _whole(self, node: Node, window: Interval, query: Query) -> tuple[list[object], list[Gap]]:
        """Every log of one query, in as many questions as it takes."""
        logs: dict[object, object] = {}
        gaps: list[Gap] = []
        start = window.lo
        while start <= window.hi:
            reported = self._reported(node, Interval(start, window.hi), query)
            fresh = {
                i: log for n, log in enumerate(reported) if (i := _identity(log, n)) not in logs
            }
            for log in fresh.values():
                _check_asked(self._name, log, Interval(start, window.hi), query)
            heights = [h for log in fresh.values() if (h := height_of(log)) is not None]
            logs |= fresh
            if not heights:
                break
            start = max(heights)
            if min(heights) == start:
                more, doubt = self._block(node, start, query, len(reported))
                logs |= more
                gaps += doubt
                start += 1
            self._most = max(self._most, len(reported))
        return list(logs.values()), gaps

    def _reported(self, node: Node, window: Interval, query: Query) -> list[object]:
        span = {"fromBlock": hex(window.lo), "toBlock": hex(window.hi)}
        try:
            reported = node.ask("eth_getLogs", [{**span, **query}])
        except Refused as error:
            if no_such_call(error):  # a limit of this node, not something to mend
                raise NotServed(str(error)) from None
            raise
        if not isinstance(reported, list):
            raise BadResponse(f"{self._name} answered something else than a list of logs")
        return reported

    def _block(
        self, node: Node, block: int, query: Query, count: int
    ) -> tuple[dict[object, object], list[Gap]]:
        """The logs of a block that an answer of `count` logs holds alone, by its receipts.
        An answer of very few logs, or of fewer than another had, was not cut."""
        if count < max(LEAST_CAP, self._most):
            return {}, []
        try:
            logs = _logs_of(node.ask("eth_getBlockReceipts", [hex(block)]))
        except (Refused, BadResponse, Unavailable, RowError):
            reason = (
                f"the node hands out {count} logs of block {block} and cannot show its receipts: "
                "there may be more"
            )
            return {}, [Gap(Interval(block, block), reason)]
        mine = [log for log in logs if _fits(log, query)]
        for log in mine:
            _check_asked(self._name, log, Interval(block, block), query)
        return {_identity(log, n): log for n, log in enumerate(mine)}, []


def queries(ask: Ask, chain: Chain) -> Iterator[Query]:
    """Filters that together find every log that the asked streams are made of."""
    if ask.streams == acts.BUNDLE:
        contracts = [issuer.contract for issuer in chain.issuers]
        yield {"address": contracts, "topics": [issuers.topics(chain)]}
        return
    for topics in _token_topics(ask, chain):
        yield {"topics": topics}


def _token_topics(ask: Ask, chain: Chain) -> Iterator[list[object]]:
    """Topic filters that together find every token log of the asked subjects. The events of
    the chain's wrapped coin have its holder where a transfer has the sender."""
    addresses = [topic_of(subject.address) for subject in ask.subjects]
    sent: object = [TRANSFER, DEPOSIT, WITHDRAWAL] if chain.wrapped else TRANSFER
    for first in range(0, len(addresses), IN_FILTER):
        some = addresses[first : first + IN_FILTER]
        if ask.streams & {"erc20", "erc721"}:
            yield [sent, some]
            yield [TRANSFER, None, some]
        if "erc1155" in ask.streams:
            yield [[SINGLE, BATCH], None, some]
            yield [[SINGLE, BATCH], None, None, some]


def _fits(log: object, query: Query) -> bool:
    """Whether a log of a receipt is one that this filter finds."""
    reported = log.get("topics") if isinstance(log, dict) else None
    wanted = query["topics"]
    if not isinstance(log, dict) or not isinstance(reported, list) or len(reported) < len(wanted):
        return False
    if "address" in query and str(log.get("address")).lower() not in query["address"]:
        return False
    choices = [one if isinstance(one, list) else [one] for one in wanted]
    return all(
        choice == [None] or str(topic).lower() in choice
        for topic, choice in zip(reported, choices, strict=False)
    )


def _logs_of(receipts: object) -> list[object]:
    """Raises RowError also where a receipt does not say that it has none."""
    if not isinstance(receipts, list):
        raise RowError("receipts is not a list")
    found: list[object] = []
    for receipt in receipts:
        logs = fields(receipt).get("logs")
        if not isinstance(logs, list):
            raise RowError("logs is not a list")
        found += logs
    return found


def _check_asked(name: str, log: object, window: Interval, query: Query) -> None:
    """Logs of other contracts are left aside by the parser of acts, whatever their event."""
    height = height_of(log)
    strange = "address" not in query and not is_asked_event(log)
    if (height is not None and height not in window) or strange:
        raise BadResponse(f"{name} answered logs that were not asked for")


def _identity(log: object, number: int) -> object:
    """Two queries find a log twice. What cannot be reported apart is kept."""
    if isinstance(log, dict) and log.get("blockHash") and log.get("logIndex"):
        return (str(log["blockHash"]), str(log["logIndex"]))
    return number
