"""Multicall3 (github.com/mds1/multicall3): a contract at the same address on nearly every chain
that carries out many calls in one. Pure.

Its calls are no static calls: what the contract called does inside one `eth_call`, later calls of
it see. So only calls of one contract are put together: a stranger's token that takes gas, moves
coins or spends what somebody allowed it to spend changes the answers of none but itself.
"""

from __future__ import annotations

from collections.abc import Sequence

MULTICALL = "0xca11bde05977b3631167028862be2a173976ca11"
CHAIN_ID = "3408e470"  # getChainId()
COINS_OF = "4d2301cc"  # getEthBalance(address)
_AGGREGATE3 = "82ad56cb"  # aggregate3((address target, bool allowFailure, bytes callData)[])
_WORD = 32
_MOST = 64  # words of one answer that are looked at; a balance is one


def _word(number: int) -> str:
    return f"{number:064x}"


def encode(calls: Sequence[tuple[str, str]]) -> str:
    """The data of one call of Multicall3 that makes these: (contract, its data as hex). Each may
    fail by itself."""
    tuples = [_tuple(target, data) for target, data in calls]
    places, at = [], len(tuples) * _WORD
    for each in tuples:
        places.append(_word(at))
        at += len(each) // 2
    return "".join(["0x", _AGGREGATE3, _word(_WORD), _word(len(tuples)), *places, *tuples])


def _tuple(target: str, data: str) -> str:
    size = len(data) // 2
    padded = data + "0" * (-len(data) % (2 * _WORD))
    address = target.removeprefix("0x").rjust(64, "0")
    return "".join([address, _word(1), _word(3 * _WORD), _word(size), padded])


def decode(reported: object, count: int) -> list[tuple[bool, bytes]] | None:
    """Of each call whether it succeeded, and the first bytes of what it returned. None: this is no
    such answer to `count` calls."""
    if not isinstance(reported, str) or not reported.startswith("0x"):
        return None
    try:
        data = bytes.fromhex(reported[2:])
        if _number(data, 0) != _WORD or _number(data, _WORD) != count:
            return None
        first = 2 * _WORD
        return [_result(data, first + _number(data, first + n * _WORD)) for n in range(count)]
    except ValueError:
        return None


def _result(data: bytes, at: int) -> tuple[bool, bytes]:
    flag, place = _number(data, at), _number(data, at + _WORD)
    if flag > 1:
        raise ValueError("no flag")
    size = _number(data, at + place)
    start = at + place + _WORD
    if start + size > len(data):
        raise ValueError("the answer ends too early")
    return bool(flag), data[start : start + min(size, _MOST * _WORD)]


def _number(data: bytes, at: int) -> int:
    if at + _WORD > len(data):
        raise ValueError("the answer ends too early")
    return int.from_bytes(data[at : at + _WORD], "big")
