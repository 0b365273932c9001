"""Private keys that somebody put into a list: refused as what they are, and quoted nowhere."""

from __future__ import annotations

from pathlib import Path

import base58
import pytest

from monitor.app.settings import load
from monitor.chains import keys
from monitor.watchlist import entries
from monitor.watchlist.imports import rows, tables

CHAINS = load.load(Path("/nonexistent"), {}).chains
KEY = bytes(range(1, 33))
GOOD = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"


def coded(head: str, body: bytes) -> str:
    return base58.b58encode_check(bytes.fromhex(head) + body).decode()


# Of invented keys; versions as the coins' own sources have them.
WALLETS = {
    "bitcoin": coded("80", KEY + b"\1"),
    "bitcoin, old": coded("80", KEY),
    "litecoin": coded("b0", KEY + b"\1"),
    "dogecoin": coded("9e", KEY + b"\1"),
    "dogecoin, old": coded("9e", KEY),
    "dash": coded("cc", KEY + b"\1"),
    "dash, old": coded("cc", KEY),
    "extended": coded("0488ade4", bytes(41) + b"\0" + KEY),
    "extended, litecoin": coded("019d9cfe", bytes(41) + b"\0" + KEY),
    "with a password": coded("0142", bytes(5) + KEY),
}
OTHERS = {
    "hex": KEY.hex(),
    "hex, 0x": f"0x{KEY.hex()}",
    "phrase": "abandon " * 11 + "about",
    "zcash": "secret-extended-key-main1" + "q" * 150,
    "zcash, to look": "uivk1" + "q" * 150,
    "long": "zxviews1" + "q" * 300,
}
ALL = WALLETS | OTHERS


def is_quoted(text: str, told: str) -> bool:
    """Whether eight characters in one piece of it are shown."""
    return any(text[at : at + 8] in told for at in range(len(text) - 7))


def refused(data: str) -> list[str]:
    terms = rows.Terms(CHAINS, {"desk-mail"}, {"USDT"}, (), {}, quieter=False)
    table = tables.read(data.encode(), "list", lambda text: text in CHAINS)
    found = rows.plan(table, (), terms)
    assert not found.taken
    return [str(problem) for each in found.refused for problem in each.problems]


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_no_error_quotes_a_key(text: str) -> None:
    """From plain lists, tables and the watchlist, in whatever place of a row it stands."""
    lists = [f"{text}\n", *(f"address,chain\n{text},{c}\n" for c in ("bitcoin", "dash", "zcash"))]
    lists.append(f"address,chain\n{GOOD} {text},bitcoin\n")
    told = [words for data in lists for words in refused(data)]
    for chain in ("litecoin", "bitcoin-cash", "ethereum", "tron"):
        read = entries.parse(f"addresses:\n  - {{address: {text}, chain: {chain}}}\n", CHAINS)
        told += map(str, read.problems)
    assert len(told) == 9
    assert not [words for words in told if is_quoted(text, words)]


@pytest.mark.parametrize("name", ["bitcoin, old", "dash", "extended", "hex", "zcash"])
def test_a_key_is_called_so(name: str) -> None:
    """With what to do: to copy it again would be the wrong advice."""
    for [told] in (refused(f"{ALL[name]}\n"), refused(f"address,chain\n{ALL[name]},dash\n")):
        assert "private key" in told
        assert "Copy" not in told


@pytest.mark.parametrize("line", ["label", "reason", "source"])
@pytest.mark.parametrize("text", WALLETS.values(), ids=WALLETS)
def test_no_word_about_an_address_holds_a_key(line: str, text: str) -> None:
    """Labels and reasons stand in every mail."""
    block = f"addresses:\n  - {{address: {GOOD}, chain: bitcoin, {line}: the key is {text}}}\n"
    read = entries.parse(block, CHAINS)
    [problem] = read.problems
    assert problem.reason == "holds a private key"
    assert not is_quoted(text, str(problem))


@pytest.mark.parametrize(
    "text",
    [
        "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
        "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
        "BITCOINCASH:QPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVY22GDX6A",
        "4" + "A" * 94,
        "wages of IT workers under false names, collected for somebody else",
    ],
)
def test_what_is_no_key_is_quoted(text: str) -> None:
    """Addresses of every length, and words."""
    assert keys.shown(text, 100) == text
    assert keys.by_form(text) is None


def test_a_transaction_in_a_reason_is_no_key() -> None:
    """64 characters of hex: the theft that started the case."""
    reason = f"theft of 2026-11-02 in {KEY.hex()}"
    block = f"addresses:\n  - {{address: {GOOD}, chain: bitcoin, reason: {reason}}}\n"
    assert entries.parse(block, CHAINS).problems == ()
