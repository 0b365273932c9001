"""Addresses beyond their checksum: BIP-173 and BIP-350, spellings of one script, public keys,
and what belongs to anybody."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import base58
import pytest
from world.vectors import texts

from monitor.app.settings import load
from monitor.chains import encodings, scripts
from monitor.chains.address import AddressError, canonical
from monitor.chains.table import family_of
from monitor.model import Chain
from monitor.watchlist.entries import parse

CHAINS = load.load(Path("/nonexistent"), {}).chains
BITCOIN, TESTNET = CHAINS["bitcoin"], CHAINS["bitcoin-testnet"]
LITECOIN = Chain("litecoin", "Litecoin", "utxo", "LTC", 8, 6, bech32="ltc", base58=(48, 50))


def chain_of(address: str) -> Chain:
    known = {"tb": TESTNET, "bcrt": CHAINS["bitcoin-regtest"]}
    return known.get(address.lower().partition("1")[0], BITCOIN)


@pytest.mark.parametrize("address", texts("segwit"))
def test_lawful_addresses_are_taken(address: str) -> None:
    """In small letters."""
    assert canonical(chain_of(address), address) == address.lower()


@pytest.mark.parametrize("address", texts("segwit_invalid") + texts("base58check_invalid"))
def test_unlawful_addresses_are_refused_with_a_remedy(address: str) -> None:
    """By every rule of the published documents, whatever the checksum says."""
    with pytest.raises(AddressError) as error:
        canonical(chain_of(address), address)
    assert error.value.reason
    assert error.value.remedy


def test_a_q_before_a_final_p_is_a_slip() -> None:
    """The known weakness of bech32: the checksum still fits, the length does not."""
    numbers = (encodings.encode_segwit("bc", 0, n.to_bytes(20, "big")) for n in range(1, 3000))
    good = next(a for a in numbers if a.endswith("p"))
    assert canonical(BITCOIN, good) == good
    with pytest.raises(AddressError, match=r"bytes|bits") as error:
        canonical(BITCOIN, f"{good[:-1]}qp")
    assert "added or left out" in error.value.remedy


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ("bitcoin", "bc1pfeessrawgf"),
        ("bitcoin-testnet", "tb1pfees9rn5nz"),
        ("bitcoin-signet", "TB1PFEES9RN5NZ"),
        ("bitcoin-regtest", "bcrt1pfeesnyr2tx"),
        ("bitcoin", encodings.encode_segwit("bc", 0, hashlib.sha256(b"\x51").digest())),
        ("bitcoin", base58.b58encode_check(b"\x05" + scripts.hash160(b"\x51")).decode()),
        ("bitcoin", encodings.encode_segwit("bc", 0, bytes(20))),
        ("bitcoin", base58.b58encode_check(b"\x00" + scripts.hash160(b"")).decode()),
    ],
)
def test_what_belongs_to_anybody_is_refused(chain: str, address: str) -> None:
    """In lists that are imported and in the watchlist itself; as a party it is still read."""
    form = canonical(CHAINS[chain], address)
    assert family_of(CHAINS[chain]).nobodys(form)
    text = f"addresses:\n  - {{address: {address}, chain: {chain}}}\n"
    read = parse(text, CHAINS)
    assert read.entries == ()
    assert [p.remedy for p in read.problems] == ["Delete the block"]


# -- one script, several spellings -----------------------------------------------------------

SCRIPT = bytes.fromhex("9a" * 20)


def spelt(version: int, script: bytes = SCRIPT) -> str:
    return base58.b58encode_check(bytes([version]) + script).decode()


@pytest.mark.parametrize(
    "chain",
    [
        LITECOIN,
        replace(LITECOIN, base58=(48, 50, 5)),
        replace(LITECOIN, base58=(48, 5)),
        replace(LITECOIN, base58=()),
        replace(LITECOIN, bech32=None, base58=(48, 50, 5)),
    ],
)
def test_litecoin_scripts_have_one_form(chain: Chain) -> None:
    """3... and M... are the same script; explorers write M... today."""
    assert canonical(chain, spelt(5)) == canonical(chain, spelt(50)) == spelt(50)
    assert canonical(chain, spelt(48)) == spelt(48)


def test_other_chains_keep_their_spellings() -> None:
    """Bitcoin's 3... stays, and M... is no address of it; testnets of both kinds."""
    assert canonical(BITCOIN, spelt(5)) == spelt(5)
    with pytest.raises(AddressError):
        canonical(BITCOIN, spelt(50))
    tests = Chain("t", "T", "utxo", "LTC", 8, 6, bech32="tltc", base58=(111, 58))
    assert canonical(tests, spelt(196)) == canonical(tests, spelt(58)) == spelt(58)
    dogecoin = Chain("d", "Dogecoin", "utxo", "DOGE", 8, 6, base58=(30, 22))
    assert canonical(dogecoin, spelt(22)) == spelt(22)


def test_other_spellings_of_evm_addresses() -> None:
    """0X, and the xdc of the one network that writes it."""
    digits = "4f47bc496083c727c5fbe3ce9cdf2b0f6496270c"
    xdc = replace(CHAINS["ethereum"], key="xdc", chain_id=50)
    for text in (f"xdc{digits}", f"XDC{digits.upper()}", f"0X{digits.upper()}", f"0x{digits}"):
        assert canonical(xdc, text) == f"0x{digits}"
    with pytest.raises(AddressError):
        canonical(CHAINS["ethereum"], f"xdc{digits}")


# -- public keys -----------------------------------------------------------------------------

# The generator of secp256k1: its addresses stand in many places.
SHORT = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
LONG = f"04{SHORT[2:]}483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"


@pytest.mark.parametrize("written", [SHORT, LONG, SHORT.upper()])
def test_a_public_key_is_refused_with_its_addresses(written: str) -> None:
    """The remedy names what can be watched instead, and what cannot."""
    with pytest.raises(AddressError) as error:
        canonical(BITCOIN, written)
    assert error.value.reason == "is a public key, not an address"
    assert "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4" in error.value.remedy
    assert "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH" in error.value.remedy
    assert ("1EHNa6Q4Jz2uvNExL497mE43ikXhwF6kZm" in error.value.remedy) == (written == LONG)
    assert "no address's page" in error.value.remedy


def test_what_is_no_point_of_the_curve_names_no_address() -> None:
    """A mistyped key has no addresses to name."""
    for wrong in (f"02{'f' * 64}", LONG[:-1] + "9", "02" + "0" * 63 + "5"):
        with pytest.raises(AddressError) as error:
            canonical(BITCOIN, wrong)
        assert error.value.remedy == "Write the addresses that its owner uses"
