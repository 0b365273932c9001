"""How addresses are written: every published test vector, and what each encoding promises."""

from __future__ import annotations

from collections.abc import Callable

import base58
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from world.vectors import rows, texts

from monitor.chains import encodings
from monitor.chains.encodings import EncodingError, Script

BITCOINS = {b"\x00", b"\x05", b"\x6f", b"\xc4"}  # versions of Bitcoin and its test networks
LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
SIZES = (20, 24, 28, 32, 40, 48, 56, 64)
PREFIXES = ("bitcoincash", "bchtest", "bchreg")


def refused(decode: Callable[..., object], *told: str) -> EncodingError:
    """The error of a text that encodes no address."""
    with pytest.raises(EncodingError) as error:
        decode(*told)
    assert str(error.value)
    return error.value


def outcome(decode: Callable[..., object], *told: str) -> object:
    """What a text encodes, or the error."""
    try:
        return decode(*told)
    except EncodingError as error:
        return error


# -- base58check -----------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "version", "digest"), rows("base58check"))
def test_published_addresses_of_base58check(text: str, version: str, digest: str) -> None:
    """With versions of one byte and of two."""
    assert encodings.base58check(text) == (bytes.fromhex(version), bytes.fromhex(digest))
    assert encodings.encode_base58check(bytes.fromhex(version), bytes.fromhex(digest)) == text


@pytest.mark.parametrize(("text", "key"), rows("base58check_keys"))
def test_private_keys_are_no_addresses(text: str, key: str) -> None:
    """They are named as what they are, and not told."""
    reason = str(refused(encodings.base58check, text))
    assert "as a private key does" in reason
    assert text not in reason
    assert base58.b58decode_check(text)[1:33].hex() == key


@pytest.mark.parametrize("text", ["", *texts("base58check_invalid")])
def test_published_texts_that_are_no_addresses_of_bitcoin(text: str) -> None:
    """Refused, or of a version that Bitcoin does not have."""
    found = outcome(encodings.base58check, text)
    assert isinstance(found, EncodingError) or found.version not in BITCOINS


@pytest.mark.parametrize("size", [19, 20, 23, 24, 32, 78])
def test_base58check_of_another_length_is_no_address(size: int) -> None:
    """However right its checksum is."""
    text = base58.b58encode_check(bytes([5]) * size).decode()
    assert f"holds {size} bytes" in str(refused(encodings.base58check, text))


ADDRESS = "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu"


@pytest.mark.parametrize(
    "text",
    [
        *(f"{ADDRESS} ", f"{ADDRESS}\n", f" {ADDRESS}", f"1{ADDRESS}"),
        *(ADDRESS.replace("o", "0"), ADDRESS.replace("o", "\u043e")),
    ],
)
def test_base58check_is_taken_as_it_stands_or_not_at_all(text: str) -> None:
    """No blanks, no ones too many, no characters that only look alike."""
    refused(encodings.base58check, text)


@given(st.binary(min_size=1, max_size=2), st.binary(min_size=20, max_size=20))
def test_base58check_keeps_version_and_hash(version: bytes, digest: bytes) -> None:
    """There and back."""
    text = encodings.encode_base58check(version, digest)
    assert encodings.base58check(text) == (version, digest)


@given(st.binary(min_size=21, max_size=22), st.data())
def test_a_wrong_character_is_found_in_base58check(payload: bytes, data: st.DataObject) -> None:
    """Wherever it stands."""
    text = encodings.encode_base58check(payload[:-20], payload[-20:])
    refused(encodings.base58check, with_one_other(text, base58.BITCOIN_ALPHABET.decode(), data))


def with_one_other(text: str, letters: str, data: st.DataObject, since: int = 0) -> str:
    """A text with one character replaced by another one."""
    at = data.draw(st.integers(since, len(text) - 1))
    other = data.draw(st.sampled_from([letter for letter in letters if letter != text[at]]))
    return f"{text[:at]}{other}{text[at + 1 :]}"


# -- bech32 and segwit -----------------------------------------------------------------------


@pytest.mark.parametrize(("text", "hrp", "script"), rows("segwit"))
def test_published_addresses_of_segwit(text: str, hrp: str, script: str) -> None:
    """In small letters and in capitals, for the script that they stand for."""
    found = encodings.segwit(text)
    assert found == encodings.segwit(text.swapcase())
    assert found.hrp == hrp
    opcode = found.version and found.version + 0x50
    assert f"{opcode:02x}{len(found.program):02x}{found.program.hex()}" == script
    assert encodings.encode_segwit(*found) == text.lower()


@pytest.mark.parametrize("text", texts("segwit_invalid"))
def test_published_texts_that_are_no_segwit_addresses(text: str) -> None:
    """Refused, or for a network that is none of Bitcoin's."""
    found = outcome(encodings.segwit, text)
    assert isinstance(found, EncodingError) or found.hrp in ("tc", "bt")


@pytest.mark.parametrize(("text", "checksum"), rows("bech32"))
def test_a_right_checksum_alone_makes_no_segwit_address(text: str, checksum: str) -> None:
    """Every published bech32 and bech32m: the checksum is not what is wrong with it."""
    assert refused(encodings.segwit, text).slip
    found = refused(encodings.bech32m, text) if checksum == "bech32" else None
    assert found is None or str(found) == "has the checksum of bech32, not of bech32m"


@pytest.mark.parametrize("text", texts("bech32_invalid"))
def test_published_texts_that_are_no_bech32(text: str) -> None:
    """Nothing of them fits."""
    assert not refused(encodings.segwit, text).slip
    assert not refused(encodings.bech32m, text).slip


def test_bech32m_without_a_version() -> None:
    """The vector of https://zips.z.cash/zip-0320: one hash in both spellings of Zcash."""
    known = encodings.base58check("t1VmmGiyjVNeCjxDZzg7vZmd99WyzVby9yC")
    tex = "tex1s2rt77ggv6q989lr49rkgzmh5slsksa9khdgte"
    assert encodings.bech32m(tex) == encodings.bech32m(tex.upper()) == ("tex", known.hash)
    refused(encodings.bech32m, f"{tex[:-1]}f")


def programs() -> st.SearchStrategy[tuple[str, int, bytes]]:
    """What segwit addresses may encode."""
    hrp = st.sampled_from(["bc", "tb", "bcrt", "ltc"])
    key_or_script = st.sampled_from((20, 32)).flatmap(
        lambda size: st.binary(min_size=size, max_size=size)
    )
    later = st.tuples(hrp, st.integers(1, 16), st.binary(min_size=2, max_size=40))
    return st.tuples(hrp, st.just(0), key_or_script) | later


@given(programs())
def test_segwit_keeps_what_it_encodes(program: tuple[str, int, bytes]) -> None:
    """There and back, in capitals too."""
    text = encodings.encode_segwit(*program)
    assert encodings.segwit(text) == encodings.segwit(text.upper()) == program


@given(programs(), st.data())
def test_a_wrong_letter_is_found_in_segwit(
    program: tuple[str, int, bytes], data: st.DataObject
) -> None:
    """Wherever it stands behind the human-readable part: the checksum does not fit."""
    text = encodings.encode_segwit(*program)
    wrong = with_one_other(text, LETTERS, data, since=text.rindex("1") + 1)
    assert not refused(encodings.segwit, wrong).slip


def ending_in_p(encode: Callable[[int], str]) -> str:
    return next(text for text in map(encode, range(1, 3000)) if text.endswith("p"))


@pytest.mark.parametrize("more", [1, 2, 8])
def test_a_q_before_a_final_p_is_a_slip_in_segwit(more: int) -> None:
    """bech32's checksum does not notice it; the length does."""
    text = ending_in_p(lambda n: encodings.encode_segwit("bc", 0, n.to_bytes(20, "big")))
    assert refused(encodings.segwit, f"{text[:-1]}{'q' * more}p").slip


@pytest.mark.parametrize("decode", [encodings.segwit, encodings.bech32m])
def test_letters_that_only_look_alike_are_refused(decode: Callable[[str], object]) -> None:
    """The sign of kelvin becomes a k in small letters."""
    refused(decode, "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4".replace("K", "\u212a"))


# -- cashaddr --------------------------------------------------------------------------------


def forged(prefix: str, payload: bytes, spare: int = 0) -> str:
    """A right checksum over anything, as the specification computes it."""
    powers = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
    bits = "".join(f"{byte:08b}" for byte in payload)
    bits += f"{spare:b}".zfill(-len(bits) % 5) if len(bits) % 5 else ""
    values = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    check = 1
    for value in [*(ord(c) % 32 for c in prefix), 0, *values, *[0] * 8]:
        top, check = check >> 35, (check & 0x07FFFFFFFF) << 5 ^ value
        for bit, power in enumerate(powers):
            check ^= power if top >> bit & 1 else 0
    values += [(check ^ 1) >> 5 * (7 - n) & 31 for n in range(8)]
    return f"{prefix}:{''.join(LETTERS[value] for value in values)}"


@pytest.mark.parametrize(("text", "kind", "digest"), rows("cashaddr"))
def test_published_addresses_of_cashaddr(text: str, kind: str, digest: str) -> None:
    """With and without the prefix, in small letters and in capitals; where tokens may come too
    it is the same script."""
    prefix, _, short = text.partition(":")
    script = Script(int(kind) % 2)
    for spelling in (text, short, text.upper(), short.upper()):
        assert encodings.cashaddr(spelling, prefix) == (script, bytes.fromhex(digest))
    again = encodings.encode_cashaddr(prefix, script, bytes.fromhex(digest))
    assert (again == text) == (int(kind) < 2)


@pytest.mark.parametrize(("legacy", "text"), rows("cashaddr_legacy"))
def test_cashaddr_and_its_legacy_form_are_one_script(legacy: str, text: str) -> None:
    """As the specification lists them."""
    version, digest = encodings.base58check(legacy)
    script = {b"\x00": Script.P2PKH, b"\x05": Script.P2SH}[version]
    assert encodings.cashaddr(text, "bitcoincash") == (script, digest)


@pytest.mark.parametrize("text", texts("cashaddr_undefined"))
def test_a_right_checksum_alone_makes_no_cashaddr_address(text: str) -> None:
    """Nothing, undefined types, types and lengths that contradict each other."""
    prefix = text.partition(":")[0].lower()
    assert refused(encodings.cashaddr, text, prefix).slip


@pytest.mark.parametrize("text", texts("cashaddr_invalid"))
def test_published_texts_that_are_no_cashaddr(text: str) -> None:
    """Whatever prefix is wanted."""
    for prefix in ("prefix", "pref1x", "bchreg", "bitcoincash"):
        refused(encodings.cashaddr, text, prefix)


@pytest.mark.parametrize("size", [0, 19, 21, 65, *SIZES])
def test_the_byte_of_the_type_says_all(size: int) -> None:
    """Four types exist, each with one length; the first bit is reserved."""
    for kind in range(256):
        text = forged("bitcoincash", bytes([kind]) + b"\x07" * size)
        if kind < 32 and size == SIZES[kind % 8]:
            found = encodings.cashaddr(text, "bitcoincash")
            assert found == (Script(kind // 8 % 2), b"\x07" * size)
        else:
            assert refused(encodings.cashaddr, text, "bitcoincash").slip


@pytest.mark.parametrize("spare", range(4))
def test_what_fills_cashaddr_up_is_zero(spare: int) -> None:
    """21 bytes leave two bits over."""
    text = forged("bitcoincash", bytes(21), spare)
    if spare:
        assert refused(encodings.cashaddr, text, "bitcoincash").slip
    else:
        assert encodings.cashaddr(text, "bitcoincash") == (Script.P2PKH, bytes(20))


def test_cashaddr_has_a_greatest_length() -> None:
    """252 bytes, as the specification says; more are not even counted."""
    assert refused(encodings.cashaddr, forged("bitcoincash", bytes(252)), "bitcoincash").slip
    assert not refused(encodings.cashaddr, forged("bitcoincash", bytes(253)), "bitcoincash").slip


def hashes() -> st.SearchStrategy[tuple[str, Script, bytes]]:
    """What cashaddr addresses may encode."""
    digest = st.sampled_from(SIZES).flatmap(lambda size: st.binary(min_size=size, max_size=size))
    return st.tuples(st.sampled_from(PREFIXES), st.sampled_from(Script), digest)


@given(hashes())
def test_cashaddr_keeps_what_it_encodes(told: tuple[str, Script, bytes]) -> None:
    """There and back, with and without the prefix."""
    prefix, script, digest = told
    text = encodings.encode_cashaddr(*told)
    assert text == forged(prefix, bytes([script.value * 8 + SIZES.index(len(digest))]) + digest)
    for spelling in (text, text.upper(), text.partition(":")[2]):
        assert encodings.cashaddr(spelling, prefix) == (script, digest)


@given(hashes(), st.data())
def test_a_wrong_letter_is_found_in_cashaddr(
    told: tuple[str, Script, bytes], data: st.DataObject
) -> None:
    """Wherever it stands behind the prefix."""
    text = encodings.encode_cashaddr(*told)
    wrong = with_one_other(text, LETTERS, data, since=text.index(":") + 1)
    assert not refused(encodings.cashaddr, wrong, told[0]).slip


@given(hashes(), st.sampled_from(PREFIXES))
def test_cashaddr_of_another_network_is_refused(told: tuple[str, Script, bytes], wanted: str):
    """Also where the prefix is left out: the checksum holds it."""
    assume(wanted != told[0])
    text = encodings.encode_cashaddr(*told)
    assert str(refused(encodings.cashaddr, text, wanted)) == f"has another prefix than {wanted}"
    assert not refused(encodings.cashaddr, text.partition(":")[2], wanted).slip


@given(hashes(), st.data())
def test_cashaddr_mixes_no_capitals_and_small_letters(
    told: tuple[str, Script, bytes], data: st.DataObject
) -> None:
    """Not even where only the prefix is in capitals."""
    text = encodings.encode_cashaddr(*told)
    at = data.draw(st.integers(1, len(text) - 1))
    mixed = text[:at].upper() + text[at:]
    assume(mixed not in (text, text.upper()))
    assert "mixes" in str(refused(encodings.cashaddr, mixed, told[0]))


@pytest.mark.parametrize("more", [1, 2, 8])
def test_a_q_before_a_final_p_is_a_slip_in_cashaddr(more: int) -> None:
    """Its checksum has bech32's weakness; the type tells the length."""
    text = ending_in_p(
        lambda n: encodings.encode_cashaddr("bitcoincash", Script.P2PKH, n.to_bytes(20, "big"))
    )
    assert refused(encodings.cashaddr, f"{text[:-1]}{'q' * more}p", "bitcoincash").slip


# -- all of them -----------------------------------------------------------------------------


@given(st.text(max_size=120))
def test_any_text_encodes_something_or_is_refused_in_words(text: str) -> None:
    """No text breaks a decoder."""
    for decode in (encodings.base58check, encodings.segwit, encodings.bech32m):
        assert str(outcome(decode, text))
    assert str(outcome(encodings.cashaddr, text, "bitcoincash"))


@pytest.mark.parametrize("letter", "1qQ:")
def test_a_long_text_costs_no_time(letter: str) -> None:
    """Its length is judged before its numbers."""
    text = letter * 1_000_000
    refused(encodings.base58check, text)
    refused(encodings.segwit, text)
    refused(encodings.cashaddr, text, "bitcoincash")
