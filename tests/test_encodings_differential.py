"""Our encodings beside those of bip-utils, which shares no line with them: where it takes a
text, we find the same in it; where it refuses one, so do we."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.chains import encodings
from monitor.chains.encodings import Script
from monitor.net.depth import recursion_kept

with recursion_kept():
    pytest.importorskip(
        "bip_utils", reason="bip-utils is not installed; here it may have no wheels"
    )

    from bip_utils.base58 import Base58ChecksumError, Base58Decoder, Base58Encoder
    from bip_utils.bech32 import (
        BchBech32Decoder,
        BchBech32Encoder,
        Bech32ChecksumError,
        SegwitBech32Decoder,
        SegwitBech32Encoder,
    )

# bip-utils raises IndexError where a right checksum stands over nothing.
REFUSED = (ValueError, IndexError, Base58ChecksumError, Bech32ChecksumError)
SIZES = (20, 24, 28, 32, 40, 48, 56, 64)


def found(decode: Callable[..., Any], *told: str) -> Any:
    """What a text encodes, or nothing."""
    try:
        return decode(*told)
    except REFUSED:
        return None


def of_size(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


@st.composite
def typed(draw: st.DrawFn, text: str) -> str:
    """A text as people type it: right, or with a few slips."""
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text) - 1))
        new = draw(st.sampled_from(["", text[at] * 2, text[at].swapcase(), "q", "1", "l", ":"]))
        text = text[:at] + new + text[at + 1 :]
    return text


@settings(max_examples=300)
@given(st.binary(min_size=18, max_size=36), st.data())
def test_base58check_as_bip_utils_has_it(payload: bytes, data: st.DataObject) -> None:
    """Payloads of any length, of which 21 and 22 bytes are addresses."""
    text = Base58Encoder.CheckEncode(payload)
    assert encodings.encode_base58check(payload[:-20], payload[-20:]) == text
    written = data.draw(typed(text))
    theirs, ours = found(Base58Decoder.CheckDecode, written), found(encodings.base58check, written)
    if theirs is None or len(theirs) not in (21, 22):
        assert ours is None
    else:
        assert ours.version + ours.hash == theirs


@settings(max_examples=300)
@given(
    st.sampled_from(["bc", "tb", "ltc"]),
    st.integers(0, 16),
    st.sampled_from((20, 32)).flatmap(of_size) | st.binary(min_size=2, max_size=40),
    st.data(),
)
def test_segwit_as_bip_utils_has_it(
    hrp: str, version: int, program: bytes, data: st.DataObject
) -> None:
    """Every version and length, the unlawful ones of version 0 too."""
    text = SegwitBech32Encoder.Encode(hrp, version, program)
    assert encodings.encode_segwit(hrp, version, program) == text
    written = data.draw(typed(text) | st.just(text.upper()))
    theirs, ours = found(SegwitBech32Decoder.Decode, hrp, written), found(encodings.segwit, written)
    if ours is not None and ours.hrp != hrp:
        ours = None
    assert theirs == (ours and ours[1:])


@settings(max_examples=300)
@given(
    st.sampled_from(["bitcoincash", "bchtest", "bchreg"]),
    st.integers(0, 31).flatmap(lambda kind: st.tuples(st.just(kind), of_size(SIZES[kind % 8])))
    | st.tuples(st.integers(0, 255), st.binary(max_size=70)),
    st.data(),
)
def test_cashaddr_as_bip_utils_has_it(
    prefix: str, told: tuple[int, bytes], data: st.DataObject
) -> None:
    """It leaves type and length to its callers, and we hold both."""
    text = BchBech32Encoder.Encode(prefix, bytes([told[0]]), told[1])
    written = data.draw(typed(text) | st.sampled_from([text.upper(), text.partition(":")[2]]))
    theirs = found(BchBech32Decoder.Decode, prefix, prefixed(written, prefix))
    assert found(encodings.cashaddr, written, prefix) == (theirs and lawful(*theirs))


def prefixed(text: str, prefix: str) -> str:
    """bip-utils reads no address without its prefix."""
    return text if ":" in text else f"{prefix.upper() if text.isupper() else prefix}:{text}"


def lawful(kind: bytes, digest: bytes) -> tuple[Script, bytes] | None:
    """What an address of a type stands for, by the table of the specification."""
    if kind[0] >= 32 or SIZES[kind[0] % 8] != len(digest):
        return None
    return Script(kind[0] // 8 % 2), digest
