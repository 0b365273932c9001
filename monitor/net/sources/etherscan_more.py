"""Etherscan's lists that are read only where a balance says that something is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from monitor.model import Ask, Chain, Interval
from monitor.net.sources.ascending import walk_up
from monitor.net.sources.evm_bridges import bridge_of, log_height, parse_deposits, topics
from monitor.net.sources.evm_more import (
    lists_of,
    only_these,
    parse_rewards,
    parse_withdrawals,
    walk_rewards,
    withdrawal_height,
)
from monitor.net.sources.paging import Page, Walk
from monitor.net.sources.parsing import Parsed

Params = Mapping[str, str | int]


def served(chain: Chain) -> frozenset[str]:
    return lists_of(chain, ("withdrawals", "rewards", "deposits"))


def read(
    source: str,
    ask: Ask,
    span: Interval,
    size: int,
    chain: Chain,
    page_by: Callable[[Params], Page],
) -> tuple[Walk, Parsed]:
    """One of these lists between two blocks. `page_by` asks for one page. Raises NotServed where
    the endpoint has no such list, as clones may not."""
    (subject,), (stream,) = ask.subjects, ask.streams
    whose: Params = {"module": "account", "address": subject.address, "sort": "asc", "offset": size}

    def withdrawals(start: int, end: int, number: int, size: int) -> Page:
        asked: Params = {"action": "txsBeaconWithdrawal", "startblock": start, "endblock": end}
        return page_by({**whose, **asked, "page": number, "offset": size})

    def rewards(number: int) -> Page:
        asked: Params = {"action": "getminedblocks", "blocktype": "blocks", "page": number}
        return page_by({**whose, **asked, "startblock": span.lo, "endblock": span.hi})

    def deposits(start: int, end: int, number: int, size: int) -> Page:
        assert bridge is not None
        named = enumerate(topics(bridge, subject.address))
        asked: dict[str, str | int] = {f"topic{n}": topic for n, topic in named if topic}
        asked |= {f"topic0_{bridge.taker}_opr": "and", "address": bridge.contract}
        asked |= {"module": "logs", "action": "getLogs", "fromBlock": start, "toBlock": end}
        return page_by({**asked, "page": number, "offset": size})

    bridge = bridge_of(chain)
    if stream == "deposits" and bridge is not None:
        walk = only_these(
            lambda: walk_up(deposits, span, log_height, min(size, 1000), ask.max_rows),
            *(source, "what a bridge pays"),
        )
        return walk, parse_deposits(walk.rows, bridge, chain, subject.address)
    if stream == "rewards":
        walk = only_these(lambda: walk_rewards(rewards, span), source, "rewards of blocks")
        return walk, parse_rewards(walk.rows, chain, subject.address)
    walk = only_these(
        lambda: walk_up(withdrawals, span, withdrawal_height, size, ask.max_rows),
        *(source, "withdrawals of validators"),
    )
    return walk, parse_withdrawals(walk.rows, chain, subject.address)
