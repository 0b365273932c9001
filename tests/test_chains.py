"""The chain table and the canonical form of addresses, against published vectors."""

from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st
from world.parts import SHARED
from world.recordings import OWN

from monitor.app.settings import load
from monitor.chains.address import AddressError, canonical, display
from monitor.chains.evm import checksummed
from monitor.chains.names import from_encoding
from monitor.chains.table import FAMILIES, STREAM_WORDS, more_of
from monitor.model import Kind
from monitor.model.ids import stable_id
from monitor.net.sources import SOURCES
from monitor.store.not_covered import not_listed

SHIPPED = load.load(Path("/nonexistent"), {})
CHAINS = SHIPPED.chains
NEW = ("litecoin", "dogecoin", "dash", "zcash", "bitcoin-cash")

SIM = "0x4F47Bc496083C727c5fbe3CE9CDf2B0f6496270c"
TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
TRON_HEX = "41a614f803b6fd780986a42c78ec9c7f77e6ded13c"


def test_the_shipped_table_holds_every_promised_chain():
    """The chains of the contract are there, each with a source that needs no key."""
    promised = (
        "ethereum bnb polygon arbitrum optimism base avalanche gnosis linea bitcoin "
        "bitcoin-testnet bitcoin-signet bitcoin-regtest tron local "
        "litecoin dogecoin dash zcash bitcoin-cash"
    )
    assert set(promised.split()) <= set(CHAINS)
    for chain in CHAINS.values():
        assert chain.sources, chain.key
        assert chain.finality >= 1
        assert all(SOURCES[SHIPPED.sources[s].kind].serves(chain) for s in chain.sources)
        assert not chain.link_tx or "{tx}" in chain.link_tx


def test_chain_ids_are_the_published_ones():
    """Ids, coins and decimals of the EVM chains."""
    found = {c.key: (c.chain_id, c.symbol) for c in CHAINS.values() if c.family == "evm"}
    assert found == {
        "ethereum": (1, "ETH"),
        "bnb": (56, "BNB"),
        "polygon": (137, "POL"),
        "arbitrum": (42161, "ETH"),
        "optimism": (10, "ETH"),
        "base": (8453, "ETH"),
        "avalanche": (43114, "AVAX"),
        "gnosis": (100, "xDAI"),
        "linea": (59144, "ETH"),
        "local": (31337, "ETH"),
    }
    assert {c.decimals for c in CHAINS.values() if c.family == "evm"} == {18}
    assert (CHAINS["bitcoin"].decimals, CHAINS["tron"].decimals) == (8, 6)


def test_free_etherscan_is_not_asked_for_chains_that_it_refuses():
    """With a free key, no shipped chain asks Etherscan for what only paid plans serve."""
    keyed = load.load(Path("/nonexistent"), {"ETHERSCAN_KEY": "k"})
    asking = {c.key for c in keyed.chains.values() if "etherscan" in c.sources}
    assert asking == {"ethereum", "polygon", "arbitrum", "gnosis", "linea"}


@pytest.mark.parametrize(
    ("chain", "written", "form"),
    [
        ("ethereum", SIM, SIM.lower()),
        ("bnb", SIM.lower(), SIM.lower()),
        ("ethereum", "0x" + SIM[2:].upper(), SIM.lower()),
        ("ethereum", f" {SIM} ", SIM.lower()),
        ("tron", TRON, TRON),
        ("tron", TRON_HEX, TRON),
        ("tron", "0x" + TRON_HEX[2:], TRON),
        ("bitcoin", "1D6gG9iKEhPitTcWRJiniuj1jYM2hNeAfJ", "1D6gG9iKEhPitTcWRJiniuj1jYM2hNeAfJ"),
        # BIP-173 and BIP-350 test vectors: version 0 and version 1 (taproot)
        (
            "bitcoin",
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        ),
        (
            "bitcoin",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        ),
        (
            "bitcoin-testnet",
            "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
            "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
        ),
    ],
)
def test_spellings_of_one_address_have_one_form(chain: str, written: str, form: str):
    """Case, prefix and encoding do not make two addresses of one."""
    assert canonical(CHAINS[chain], written) == form
    assert canonical(CHAINS[chain], form) == form


@pytest.mark.parametrize(
    ("chain", "written"),
    [
        ("ethereum", SIM[:-1]),
        ("ethereum", SIM.replace("F", "f", 1)),
        ("ethereum", SIM[2:]),
        ("ethereum", TRON),
        ("ethereum", SIM.replace("c", "\u0441")),  # a Cyrillic letter
        ("tron", TRON.lower()),
        ("tron", TRON[:-1] + "u"),
        ("bitcoin", "1d6gg9ikehpittcwrjiniuj1jym2hneafj"),
        ("bitcoin", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"),
        ("bitcoin", "bc1qW508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        ("bitcoin", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"),
        ("bitcoin-testnet", "1D6gG9iKEhPitTcWRJiniuj1jYM2hNeAfJ"),
        ("bitcoin", ""),
    ],
)
def test_what_is_no_address_of_the_chain_is_refused_with_a_remedy(chain: str, written: str):
    """A slip or another chain's address is refused, never taken in another spelling."""
    with pytest.raises(AddressError) as error:
        canonical(CHAINS[chain], written)
    assert error.value.reason
    assert error.value.remedy


@given(st.text(max_size=80), st.sampled_from(sorted(CHAINS)))
def test_no_text_breaks_the_address_rules(text: str, chain: str):
    """Any text is an address in canonical form, or refused in words."""
    try:
        form = canonical(CHAINS[chain], text)
    except AddressError:
        return
    assert canonical(CHAINS[chain], form) == form


def _listed() -> list[tuple[str, str]]:
    """What OFAC lists, with the chain by whose rules each is written: some of every kind, and
    all of them where the list lies beside the repository."""
    forms = {"bitcoin-cash(cashaddr,no prefix)": "bitcoin-cash", "evm": "ethereum"}
    some = [line.split("\t") for line in (OWN / "ofac/addresses.tsv").read_text().splitlines()]
    everything = SHARED / "data/ofac/ofac_digital_currency_addresses_2026-08-20.tsv"
    lines = everything.read_text().splitlines() if everything.is_file() else []
    rows = [line.split("\t") for line in lines[1:]]
    found = [(row[1], forms.get(row[2], row[2])) for row in rows if row[3] == "yes"]
    return [(row[1], row[2]) for row in some[1:]] + found


def test_every_listed_address_of_our_chains_is_taken():
    """All of OFAC's addresses on chains that we have are canonical, shown as listed (those of
    Bitcoin Cash with their prefix), and say their chain themselves where any can."""
    taken = Counter()
    for address, key in _listed():
        chain = CHAINS.get(key)
        if chain is not None:
            shown = display(chain, canonical(chain, address))
            assert shown.removeprefix(f"{chain.cashaddr}:") == address
            assert key == "ethereum" or from_encoding(address, CHAINS) == (key,)
            taken[key] += 1
    assert taken.total() >= 57
    assert set(taken) == {"ethereum", "tron", "bitcoin", *NEW}


def test_stable_ids_depend_on_every_part_and_on_nothing_else():
    """The same parts give the same name for ever; moving a border gives another."""
    assert stable_id("E", "SIM-2023", "ethereum", SIM.lower()) == "E-6KM2-9RVW-35FH"
    assert stable_id("E", "a", "bc") != stable_id("E", "ab", "c")


def test_every_kind_stands_in_a_list_of_some_family():
    """And every list of a family holds some kind; all of them have words."""
    kept = {kind.stream for kind in Kind}
    assert kept == set(STREAM_WORDS)
    for family in FAMILIES.values():
        assert set(family.streams) <= kept
        assert {kind.utxo for kind in Kind if kind.stream in family.streams} == {family.atomic}


@pytest.mark.parametrize("kind", SOURCES)
def test_adapters_read_along_the_axis_of_their_family(kind: str):
    """Coverage of one family's sources can be added up."""
    module, _, name = SOURCES[kind].adapter.partition(":")
    assert getattr(import_module(module), name).axis is SOURCES[kind].answers_for.axis


def test_every_chain_says_what_no_list_holds():
    """The shipped ones and one of a person's own; none of it is too long for a mail."""
    for chain in CHAINS.values():
        never, *more = not_listed(chain, {})
        assert chain.name in never
        assert all(len(sentence) < 400 for sentence in (never, *more))
        assert len(more) == bool(more_of(chain))
    assert "validators" in not_listed(CHAINS["gnosis"], {})[0]
    assert "bare public keys" in not_listed(CHAINS["bitcoin"], {})[0]
    assert "atomic" in not_listed(CHAINS["avalanche"], {})[0]
    assert "withdrawals of validators" in not_listed(CHAINS["ethereum"], {})[1]
    assert "bridge" in not_listed(CHAINS["polygon"], {})[1]
    _, rest, below = not_listed(CHAINS["ethereum"], {"withdrawals": 7})
    assert "missing: rewards" in below
    assert "missing, of blocks before 7: withdrawals" in rest


@given(st.binary(min_size=20, max_size=20))
def test_capitals_are_those_of_the_public_library(raw: bytes) -> None:
    """EIP-55 as eth-utils has it."""
    address = f"0x{raw.hex()}"
    assert checksummed(address) == to_checksum_address(address)
