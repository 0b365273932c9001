"""A program of the EVM that looks at many addresses in one `eth_call`. Pure.

It is run as if it were to create a contract, so that nothing has to be deployed on a chain, and no
contract of somebody else is believed: what it returns would be the contract's code. It gets, after
its own code: how many addresses, how many tokens (a word each), the tokens, the addresses (20 bytes
each). It returns the chain's id (a word) and a byte for each address: COINS, CODE, TOKENS if it
holds any, MUTE if a token gave no answer. A token without code holds nothing for anybody.

A node answers so with some hundred bytes for hundreds of addresses, where a call for each of them
and each token would be megabytes. Addresses' nonces are not to be had inside the EVM.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

COINS, CODE, TOKENS, MUTE = 1, 2, 4, 8

# In memory: 0x00 the selector of balanceOf(address), 0x20 the address as its argument (the call's
# data are the bytes from 0x1c on), 0x40 what a token returns, 0x80 the number of the address,
# 0xa0 of the token, 0xc0 the flags; from 0x200 on what the program was given, from 0x8000 on what
# it returns. Opcodes as in the Yellow Paper; "@x" is the place of the label "x:".
_PROGRAM = """
        PUSH2 @end CODESIZE SUB PUSH2 @end PUSH2 0x200 CODECOPY
        PUSH4 0x70a08231 PUSH1 0 MSTORE
        CHAINID PUSH2 0x8000 MSTORE
next:   PUSH1 0x80 MLOAD PUSH2 0x200 MLOAD EQ PUSH2 @done JUMPI
        PUSH1 0x80 MLOAD PUSH2 0x220 MLOAD ADD PUSH1 20 MUL PUSH2 0x240 ADD MLOAD
        PUSH1 96 SHR PUSH1 0x20 MSTORE
        PUSH1 0x20 MLOAD BALANCE ISZERO ISZERO
        PUSH1 0x20 MLOAD EXTCODESIZE ISZERO ISZERO PUSH1 2 MUL OR
        PUSH1 0xc0 MSTORE
        PUSH1 0 PUSH1 0xa0 MSTORE
token:  PUSH1 0xa0 MLOAD PUSH2 0x220 MLOAD EQ PUSH2 @said JUMPI
        PUSH1 0xa0 MLOAD PUSH1 20 MUL PUSH2 0x240 ADD MLOAD PUSH1 96 SHR
        DUP1 EXTCODESIZE ISZERO PUSH2 @over JUMPI
        PUSH1 0x20 PUSH1 0x40 PUSH1 0x24 PUSH1 0x1c DUP5 PUSH3 200000 STATICCALL
        PUSH1 31 RETURNDATASIZE GT AND PUSH2 @good JUMPI
        PUSH1 8 PUSH2 @note JUMP
good:   PUSH1 0x40 MLOAD ISZERO ISZERO PUSH1 4 MUL
note:   PUSH1 0xc0 MLOAD OR PUSH1 0xc0 MSTORE
over:   POP PUSH1 0xa0 MLOAD PUSH1 1 ADD PUSH1 0xa0 MSTORE
        PUSH2 @token JUMP
said:   PUSH1 0xc0 MLOAD PUSH1 0x80 MLOAD PUSH2 0x8020 ADD MSTORE8
        PUSH1 0x80 MLOAD PUSH1 1 ADD PUSH1 0x80 MSTORE
        PUSH2 @next JUMP
done:   PUSH2 0x200 MLOAD PUSH1 32 ADD PUSH2 0x8000 RETURN
end:
"""
_OPCODES = {
    "ADD": 0x01, "MUL": 0x02, "SUB": 0x03, "GT": 0x11, "EQ": 0x14, "ISZERO": 0x15, "AND": 0x16,
    "OR": 0x17, "SHR": 0x1C, "BALANCE": 0x31, "CODESIZE": 0x38, "CODECOPY": 0x39,
    "EXTCODESIZE": 0x3B, "RETURNDATASIZE": 0x3D, "CHAINID": 0x46, "POP": 0x50, "MLOAD": 0x51,
    "MSTORE": 0x52, "MSTORE8": 0x53, "JUMP": 0x56, "JUMPI": 0x57, "PUSH1": 0x60, "PUSH2": 0x61,
    "PUSH3": 0x62, "PUSH4": 0x63, "DUP1": 0x80, "DUP5": 0x84, "RETURN": 0xF3, "STATICCALL": 0xFA,
}  # fmt: skip
_JUMPDEST = 0x5B


@cache
def program() -> bytes:
    """The program without what it is given."""
    places: dict[str, int] = {}
    _assembled(places)  # where its labels are
    return _assembled(places)


def _assembled(places: dict[str, int]) -> bytes:
    code = bytearray()
    room = 0  # bytes of the number that the PUSH before wants
    for word in _PROGRAM.split():
        if room:
            number = places.get(word[1:], 0) if word.startswith("@") else int(word, 0)
            code += number.to_bytes(room, "big")
            room = 0
        elif word.endswith(":"):
            places[word[:-1]] = len(code)
            code += b"" if word == "end:" else bytes([_JUMPDEST])
        else:
            code.append(_OPCODES[word])
            room = int(word[4:]) if word.startswith("PUSH") else 0
    return bytes(code)


def call_data(addresses: Sequence[str], tokens: Sequence[str]) -> str:
    """What to send to nobody, as hex text."""
    counts = len(addresses).to_bytes(32, "big") + len(tokens).to_bytes(32, "big")
    given = (bytes.fromhex(each.removeprefix("0x")) for each in (*tokens, *addresses))
    return "0x" + (program() + counts + b"".join(given)).hex()
