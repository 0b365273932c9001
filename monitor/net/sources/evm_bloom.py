"""What a block's header says about its logs: a Bloom filter over the addresses and topics of all of
them (Ethereum's yellow paper, 4.3.1). Pure.

It may say yes by chance, more often the fuller the block is, and never says no where there are
some.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from monitor.chains import issuers
from monitor.model import Chain
from monitor.net.sources.evm_logs import BATCH, DEPOSIT, SINGLE, TRANSFER, WITHDRAWAL
from monitor.net.sources.parsing import RowError

BITS = 2048
FULL = (1 << BITS) - 1
_CHARS = 2 + BITS // 4  # as text: 0x and hex digits


def bloom_of(header: Mapping[str, object]) -> int:
    """Raises RowError."""
    told = header.get("logsBloom")
    if not isinstance(told, str) or len(told) != _CHARS:
        raise RowError("logsBloom is not 256 bytes")
    try:
        return int(told, 16)
    except ValueError:
        raise RowError("logsBloom is not hex text") from None


@lru_cache(maxsize=4096)
def bits_of(text: str) -> int:
    """Those that an address or a topic (0x and hex digits) sets."""
    from Crypto.Hash import keccak  # noqa: PLC0415 - loads slowly, and few blocks need it

    digest = keccak.new(digest_bits=256, data=bytes.fromhex(text[2:])).digest()
    found = 0
    for at in (0, 2, 4):
        found |= 1 << (int.from_bytes(digest[at : at + 2], "big") % BITS)
    return found


def of_logs(logs: Iterable[Mapping[str, object]]) -> int:
    """The filter of these logs. Raises ValueError."""
    found = 0
    for log in logs:
        topics = log.get("topics")
        if not isinstance(topics, list):
            raise RowError("topics is not a list")
        for text in (log.get("address"), *topics):
            if not isinstance(text, str) or text[:2] != "0x":
                raise RowError("a log names something else than hex text")
            found |= bits_of(text)
    return found


def wanted(chain: Chain) -> tuple[int, ...]:
    """The bits of each kind of log that is asked for: by its event, and by its contract where only
    that one's counts."""
    found = [bits_of(topic) for topic in (TRANSFER, SINGLE, BATCH)]
    if chain.wrapped:
        found += [bits_of(topic) | bits_of(chain.wrapped) for topic in (DEPOSIT, WITHDRAWAL)]
    for issuer in chain.issuers:
        found += [bits_of(e.topic) | bits_of(issuer.contract) for e in issuers.events(issuer)]
    return tuple(found)


def may_hold(bloom: int, kinds: Iterable[int]) -> bool:
    return any(bloom & bits == bits for bits in kinds)


def topics(chain: Chain) -> list[str]:
    """Of every event that is asked for."""
    wraps = [DEPOSIT, WITHDRAWAL] if chain.wrapped else []
    return [TRANSFER, SINGLE, BATCH, *wraps, *issuers.topics(chain)]
