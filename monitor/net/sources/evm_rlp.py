"""Ethereum's own notation of numbers, texts and lists, and its digest. Pure.
https://ethereum.github.io/yellowpaper, appendix B."""

from __future__ import annotations

Item = bytes | list["Item"]


def whole(number: int) -> bytes:
    """A number without leading zeros: nothing for zero."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def rlp(item: Item) -> bytes:
    if isinstance(item, bytes):
        return item if len(item) == 1 and item < b"\x80" else headed(0x80, item)
    return headed(0xC0, b"".join(map(rlp, item)))


def headed(base: int, body: bytes) -> bytes:
    """What is written already, as one text (0x80) or list (0xC0)."""
    if len(body) < 56:
        return bytes([base + len(body)]) + body
    length = whole(len(body))
    return bytes([base + 55 + len(length)]) + length + body


def keccak256(data: bytes) -> bytes:
    from Crypto.Hash import keccak  # noqa: PLC0415 - loads slowly, and few blocks need it

    return keccak.new(digest_bits=256, data=data).digest()
