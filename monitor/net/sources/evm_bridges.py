"""Coins that arrive over a chain's own bridge and stand in no list of an account: the contract that
hands them out writes a log, which an explorer or a node can be asked for. Pure.

By the chains' public sources, and never recorded: Polygon's coin contract writes Deposit when it
is told of a deposit on Ethereum (0xPolygon, MRC20.sol), Gnosis' reward contract AddedReceiver when
xDAI are to be created (poanetwork, BlockRewardHbbft and its like).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from monitor.model import Chain, Kind, Transfer
from monitor.net.sources.evm_logs import topic_of
from monitor.net.sources.evm_rows import number_equals, told_address
from monitor.net.sources.parsing import (
    Parsed,
    RowError,
    fields,
    hash32,
    hex_whole,
    items,
    place,
    read_rows,
)


@dataclass(frozen=True, slots=True)
class Bridge:
    contract: str
    event: str  # its topic
    taker: int  # which topic is who gets the coins
    # The first word of the data is how much.


BRIDGES: Mapping[int, Bridge] = {
    # Deposit(address indexed token, address indexed from, uint256 amount, uint256, uint256)
    137: Bridge(
        "0x0000000000000000000000000000000000001010",
        "0x4e2ca0515ed1aef1395f66b5303bb5d6f1bf9d61a353fa53f73f8ac9973fa9f6",
        2,
    ),
    # AddedReceiver(uint256 amount, address indexed receiver, address indexed bridge)
    100: Bridge(
        "0x481c034c6d9441db23ea48de68bcae812c5d39ba",
        "0x3c798bbcf33115b42c728b8504cff11dd58736e9fa789f1cda2738db7d696b2a",
        1,
    ),
}


def bridge_of(chain: Chain) -> Bridge | None:
    return BRIDGES.get(chain.chain_id or 0)


def topics(bridge: Bridge, address: str) -> list[str | None]:
    """What the logs of an address are asked for by."""
    return [bridge.event, *[None] * (bridge.taker - 1), topic_of(address)]


def parse_deposits(
    logs: Iterable[object],
    bridge: Bridge,
    chain: Chain,
    address: str,
    times: Mapping[int, int] | None = None,
) -> Parsed:
    """`times`: of the blocks whose logs tell none."""

    def parse(log: Mapping[str, object]) -> Iterator[Transfer]:
        told = [t for t in items(log.get("topics"), "topics") if t is not None]
        named = [hash32(topic, "topic") for topic in told]
        mine = len(named) > bridge.taker and named[bridge.taker] == topic_of(address)
        if log.get("removed") is True or not mine or named[0] != bridge.event:
            return
        if told_address(chain, log.get("address")) != bridge.contract:
            return
        yield _deposit(log, chain, address, times or {})

    parsed = read_rows(logs, log_height, parse)
    once = {(t.tx, t.log_index): t for t in parsed.transfers}
    return replace(parsed, transfers=tuple(number_equals(once.values())))


def log_height(row: object) -> int:
    return place(hex_whole(fields(row).get("blockNumber"), "blockNumber"), "blockNumber")


def _deposit(
    log: Mapping[str, object], chain: Chain, address: str, times: Mapping[int, int]
) -> Transfer:
    data, height = log.get("data"), log_height(log)
    if not isinstance(data, str) or len(data) < 66:
        raise RowError("the amount is not told")
    reported = log.get("timeStamp") or log.get("blockTimestamp")
    return Transfer(
        chain=chain.key,
        tx=hash32(log.get("transactionHash"), "transactionHash"),
        leg="",
        kind=Kind.DEPOSIT,
        sender=None,
        recipient=address,
        amount=hex_whole(data[:66], "amount"),
        block_height=height,
        block_hash=hash32(log["blockHash"], "blockHash") if log.get("blockHash") else None,
        time=times.get(height) if reported is None else place(hex_whole(reported, "time"), "time"),
        log_index=place(hex_whole(log.get("logIndex"), "logIndex"), "logIndex"),
    )
