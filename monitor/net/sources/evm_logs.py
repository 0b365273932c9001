"""Token logs of EVM chains to transfers. Pure.

Anyone can emit a log of any shape. What is not a Transfer of its standard by ABI (too few
topics, no amount, parties that are no addresses) is skipped; what may be one and cannot be
read is a gap of its block.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial

from monitor.model import Chain, Kind, Transfer
from monitor.net.sources.evm_rows import number_equals, told_address, told_twice
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

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
BATCH = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"
# Of a chain's wrapped coin (WETH9 and its kin): they move tokens and emit no Transfer.
DEPOSIT = "0xe1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c"
WITHDRAWAL = "0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65"
_WRAPS = (DEPOSIT, WITHDRAWAL)
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*\Z")
_SHORT = re.compile(r"0x[0-9a-fA-F]{1,64}\Z")
_PADDING = "0x" + "0" * 24
_NOBODY = "0x" + "0" * 64  # the zero address as a topic


def topic_of(address: str) -> str:
    """An address as an indexed argument: left-padded to 32 bytes."""
    return _PADDING + address.removeprefix("0x")


def is_asked_event(log: object) -> bool:
    """Whether a log is of one of the five events; True where its topics cannot be read,
    which is for the parser to report."""
    topics = log.get("topics") if isinstance(log, dict) else None
    if not isinstance(topics, list) or not topics or not isinstance(topics[0], str):
        return True
    return topics[0].lower() in (TRANSFER, SINGLE, BATCH, *_WRAPS)


def height_of(log: object) -> int | None:
    """The log's block, None where it cannot be read."""
    try:
        return _height(log)
    except ValueError:
        return None


def parse_logs(
    chain: Chain, logs: Sequence[object], wanted: Set[str] | None, times: Mapping[int, int]
) -> Parsed:
    """Logs, each given once, to the transfers that touch a wanted address (None: all of them).

    `times` holds Unix seconds of the blocks whose logs report none. Of a log that was removed
    by a reorg nothing comes.
    """
    reported = _reported_by_transfers(logs)
    parsed = read_rows(logs, _height, lambda log: _movements(chain, log, wanted, times, reported))
    return Parsed(tuple(number_equals(parsed.transfers)), parsed.gaps, (), parsed.placed)


def _movements(
    chain: Chain,
    log: Mapping[str, object],
    wanted: Set[str] | None,
    times: Mapping[int, int],
    reported: Counter[_Minted],
) -> Iterator[Transfer]:
    if log.get("removed") is True:
        return
    if (minted := _minted(log)) is not None and reported[minted] > 0:
        reported[minted] -= 1
        return
    for draft in parse_log(chain, log, times):
        if wanted is None or not wanted.isdisjoint(draft.parties()):
            yield draft


_Minted = tuple[str, str, str, str, str]  # transaction, contract, sender, recipient, data


def _reported_by_transfers(logs: Sequence[object]) -> Counter[_Minted]:
    """Mints and burns that a Transfer reports, in the form of `_minted`: some contracts emit
    one beside the Deposit or the Withdrawal, and the movement counts once."""
    found: Counter[_Minted] = Counter()
    for log in logs:
        topics = log.get("topics") if isinstance(log, dict) else None
        if isinstance(log, dict) and isinstance(topics, list) and len(topics) == 3:
            parties = [str(topic).lower() for topic in topics]
            own = topic_of(str(log.get("address")).lower())
            sides = [_NOBODY if party in (own, _NOBODY) else party for party in parties[1:]]
            if parties[0] == TRANSFER and _NOBODY in sides:
                found[_key(log, *sides)] += 1
    return found


def _minted(log: Mapping[str, object]) -> _Minted | None:
    """What a Deposit or Withdrawal moves; None for other logs."""
    topics = log.get("topics")
    if not isinstance(topics, list) or len(topics) != 2:
        return None
    event, holder = (str(topic).lower() for topic in topics)
    if event not in _WRAPS:
        return None
    return _key(log, *((_NOBODY, holder) if event == DEPOSIT else (holder, _NOBODY)))


def _key(log: Mapping[str, object], sender: str, recipient: str) -> _Minted:
    tx, contract, data = (str(log.get(k)).lower() for k in ("transactionHash", "address", "data"))
    return tx, contract, sender, recipient, data


def token_legs(chain: Chain, receipt: object) -> Mapping[str, int] | None:
    """How often a receipt holds each token movement, as Lookup.moved; None where one of its
    logs cannot be read."""
    try:
        logs = [fields(log) for log in items(fields(receipt).get("logs"), "logs")]
        drafts = [draft for log in logs for draft in parse_log(chain, log, defaultdict(int))]
    except ValueError:
        return None
    return Counter(draft.leg.rpartition("|")[0] for draft in number_equals(drafts))


def parse_log(chain: Chain, log: Mapping[str, object], times: Mapping[int, int]) -> list[Transfer]:
    """One log to drafts (leg ""): one for ERC-20 and ERC-721, one per id for ERC-1155.

    ERC-721 and ERC-20 share their event; the token id is the fourth topic of the one, the
    amount the data of the other. Raises RowError.
    """
    topics = _topics(log)
    contract = told_address(chain, log.get("address"))
    parties = _parties(chain, topics, contract)
    if parties is None:
        return []
    sender, recipient = parties
    height = _height(log)
    reported = log.get("blockTimestamp")
    index = log.get("transactionIndex")
    draft = partial(
        Transfer,
        chain=chain.key,
        tx=hash32(log.get("transactionHash"), "transactionHash"),
        leg="",
        sender=sender,
        recipient=recipient,
        contract=contract,
        block_height=height,
        block_hash=hash32(log.get("blockHash"), "blockHash"),
        time=times[height] if reported is None else _small(reported, "blockTimestamp"),
        tx_index=None if index is None else _small(index, "transactionIndex"),
        log_index=_small(log.get("logIndex"), "logIndex"),
    )
    return [
        draft(kind=kind, amount=amount, token_id=token_id)
        for kind, amount, token_id in _amounts(topics, _words(log))
        if kind is not Kind.ERC20 or not told_twice(chain, contract, sender, recipient)
    ]


_Amounts = list[tuple[Kind, int, str | None]]


def _amounts(topics: Sequence[str], words: Sequence[int]) -> _Amounts:
    """(kind, amount, token id) of each movement of a log whose parties could be read."""
    if topics[0] == SINGLE:
        if len(words) != 2:
            raise RowError("a TransferSingle does not hold one id and one amount")
        return [(Kind.ERC1155, words[1], str(words[0]))]
    if topics[0] == BATCH:
        ids, amounts = _array(words, 0), _array(words, 1)
        if len(ids) != len(amounts):
            raise RowError("a TransferBatch holds more ids than amounts, or fewer")
        return [(Kind.ERC1155, n, str(i)) for i, n in zip(ids, amounts, strict=True)]
    if len(topics) == 4:
        return [(Kind.ERC721, 1, str(int(topics[3], 16)))]
    if len(words) > 1:
        raise RowError("a Transfer holds more than one amount")
    return [(Kind.ERC20, amount, None) for amount in words]  # none: no amount, no transfer


def _parties(chain: Chain, topics: Sequence[str], contract: str) -> tuple[str, str] | None:
    """Sender and recipient, None where the log is no transfer of its standard. Anybody can
    emit a Deposit: only the one of the chain's wrapped coin is a movement."""
    if topics and topics[0] == TRANSFER and len(topics) in (3, 4):
        reported = topics[1:3]
    elif topics and topics[0] in (SINGLE, BATCH) and len(topics) == 4:
        reported = topics[2:4]
    elif topics and topics[0] in _WRAPS and len(topics) == 2 and contract == chain.wrapped:
        reported = [_NOBODY, topics[1]] if topics[0] == DEPOSIT else [topics[1], _NOBODY]
    else:
        return None
    if not all(topic.startswith(_PADDING) for topic in reported):
        return None
    sender, recipient = (told_address(chain, "0x" + topic[-40:]) for topic in reported)
    return sender, recipient


def _topics(log: Mapping[str, object]) -> list[str]:
    reported = log.get("topics")
    if not isinstance(reported, list):
        raise RowError("topics is not a list")
    return [hash32(topic, "topic") for topic in reported]


def _words(log: Mapping[str, object]) -> list[int]:
    """The data as 32-byte words; what is left over at the end is no word. The one number of
    a Deposit or Withdrawal may come without its leading zeros."""
    data = log.get("data")
    if _minted(log) is not None and isinstance(data, str) and _SHORT.match(data):
        return [int(data, 16)]
    if not isinstance(data, str) or not _DATA.match(data):
        raise RowError("data is not hex text")
    return [int(data[at : at + 64], 16) for at in range(2, len(data) - 63, 64)]


def _array(words: Sequence[int], argument: int) -> Sequence[int]:
    """A dynamic array of the ABI: the argument reports where it begins, its first word its
    length."""
    if argument >= len(words) or words[argument] % 32:
        raise RowError("an array does not begin where a word does")
    start = words[argument] // 32
    if start >= len(words) or words[start] > len(words) - start - 1:
        raise RowError("an array is longer than the data")
    return words[start + 1 : start + 1 + words[start]]


def _height(log: object) -> int:
    return _small(fields(log).get("blockNumber"), "blockNumber")


def _small(value: object, field: str) -> int:
    return place(hex_whole(value, field), field)
