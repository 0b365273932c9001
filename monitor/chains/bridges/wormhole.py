"""Wormhole's token bridge: the message that it publishes names everything, and what is redeemed
names the message. By the ABI of XChainDataGen (MIT); how the message is laid out is Wormhole's
public code. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.chains.bridges.abi import Seen, event, number
from monitor.chains.bridges.family import Kind, own
from monitor.chains.bridges.places import WORMHOLE, Here, by_number
from monitor.model.trace import Crossing

# https://github.com/AndreAugusto11/XChainDataGen, MIT
_CORES = own("""
    1 0x98f3c9e6e3face36baad05fe09d375ef1464288b
    10 0xee91c335eab126df5fdb3797ea9d6ad93aec9722
    56 0x98f3c9e6e3face36baad05fe09d375ef1464288b
    137 0x7a4b5a56256163f07b2c80a7ca55abe66c4ec4d7
    8453 0xbebdb6c8ddc678ffa9f8748f85c815c556dd8ac6
    42161 0xa5f208e072434bc67592e4c49c1b991ba79bca46
    43114 0x54a8e5f9c4cba08f9943965859f6c34eaf03e26c
    534352 0xbebdb6c8ddc678ffa9f8748f85c815c556dd8ac6
""")
_BRIDGES = own("""
    1 0x3ee18b2214aff97000d974cf647e7c347e8fa585
    10 0x1d68124e65fafc907325e3edbf8c4d84499daa8b
    56 0xb6f6d86a8f9879a9c87f643768d9efc38c1da6e7
    137 0x5a58505a96d1dbf8df91cb21b54419fc36e93fde
    8453 0x8d2de8d2f73f1f4cab472ac9a881c9b123c79627
    42161 0x0b2402144bb366a632d14b83f244d2e0e21bd39c
    43114 0x0e082f06ff657d94310cb8ce8b0d9a04541d8052
    534352 0x24850c6f61c438823f01b7a3bf2b89b72174fa9d
""")
_TRANSFERS = (1, 3)  # of messages: a transfer, one with a call behind it


def _published(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing | None:
    """Anybody may publish: it is the token bridge's, or nobody's. Kind (1 byte), amount, token,
    its chain (2), recipient, chain (2). Amounts have eight decimals at most, so none is told."""
    sender = seen.number("sender")
    bridges = _BRIDGES.get(here.chain.chain_id or 0)
    payload = seen.raw("payload")
    if bridges is not None and f"0x{sender:040x}" not in bridges:
        return None
    if not payload or payload[0] not in _TRANSFERS:
        return None
    there = by_number(here, WORMHOLE, number(payload, 99, 2), "Wormhole chain")
    numbers = here.numbers(WORMHOLE)
    return Crossing(
        bridge="Wormhole",
        deposit=True,
        link=_link(numbers[0], sender, seen.number("sequence")) if numbers else "",
        log_index=seen.at,
        contract=seen.log.contract,
        chain=there.key,
        domain=there.domain,
        recipient=there.holder(number(payload, 67)),
    )


def _redeemed(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    source = seen.number("emitterChainId")
    origin = by_number(here, WORMHOLE, source, "Wormhole chain")
    return Crossing(
        bridge="Wormhole",
        deposit=False,
        link=_link(source, seen.number("emitterAddress"), seen.number("sequence")),
        log_index=seen.at,
        contract=seen.log.contract,
        chain=origin.key,
        domain=origin.domain,
    )


def _link(chain: int, emitter: int, sequence: int) -> str:
    return f"wormhole/{chain}/{emitter:064x}/{sequence}"


KINDS = (
    Kind(
        event(
            "LogMessagePublished(address indexed sender, uint64 sequence, uint32 nonce, "
            "bytes payload, uint8 consistencyLevel)"
        ),
        _published,
        _CORES,
    ),
    Kind(
        event(
            "TransferRedeemed(uint16 indexed emitterChainId, bytes32 indexed emitterAddress, "
            "uint64 indexed sequence)"
        ),
        _redeemed,
        _BRIDGES,
    ),
)
