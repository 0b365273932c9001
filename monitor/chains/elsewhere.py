"""Coins and chains that are not covered: by what people call them, and by how their addresses
are written. For lists, where a row of such a chain is refused as what it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import base58

from monitor.chains import encodings
from monitor.chains.encodings import EncodingError


class Elsewhere(NamedTuple):
    """A chain that is not covered. `parted`: from which chain, whose keys hold its coins too."""

    key: str
    name: str
    parted: str = ""


# Other names than the key and the name itself, without spaces and signs.
_KNOWN: Mapping[Elsewhere, str] = {
    Elsewhere("bitcoin-sv", "Bitcoin SV", "bitcoin"): "bsv bchsv bitcoinsatoshivision",
    Elsewhere("ecash", "eCash", "bitcoin"): "xec bcha bitcoincashabc",
    Elsewhere("bitcoin-gold", "Bitcoin Gold", "bitcoin"): "btg",
    Elsewhere("bitcoin-diamond", "Bitcoin Diamond", "bitcoin"): "bcd",
    Elsewhere("ethereum-classic", "Ethereum Classic", "ethereum"): "etc",
    Elsewhere("ethereum-pow", "EthereumPoW", "ethereum"): "ethw ethpow",
    Elsewhere("bnb-beacon", "BNB Beacon Chain (which ended in 2024)"): "bep2 binancedex bnbbeacon "
    "binancebeacon",
    Elsewhere("solana", "Solana"): "sol spl",
    Elsewhere("ripple", "the XRP Ledger"): "xrp xrpl xrpledger",
    Elsewhere("verge", "Verge"): "xvg",
    Elsewhere("digibyte", "DigiByte"): "dgb",
    Elsewhere("vertcoin", "Vertcoin"): "vtc",
    Elsewhere("namecoin", "Namecoin"): "nmc",
    Elsewhere("peercoin", "Peercoin"): "ppc",
    Elsewhere("ravencoin", "Ravencoin"): "rvn",
    Elsewhere("qtum", "Qtum"): "",
    Elsewhere("komodo", "Komodo"): "kmd",
    Elsewhere("horizen", "Horizen"): "zen",
    Elsewhere("pivx", "PIVX"): "",
    Elsewhere("monacoin", "MonaCoin"): "mona",
    Elsewhere("groestlcoin", "Groestlcoin"): "grs",
    Elsewhere("litecoin-cash", "Litecoin Cash"): "lcc",
    Elsewhere("decred", "Decred"): "dcr",
    Elsewhere("neo", "Neo"): "gas antshares",
    Elsewhere("stellar", "Stellar"): "xlm",
    Elsewhere("cardano", "Cardano"): "ada",
    Elsewhere("polkadot", "Polkadot"): "dot",
    Elsewhere("kusama", "Kusama"): "ksm",
    Elsewhere("cosmos", "Cosmos"): "atom cosmoshub",
    Elsewhere("osmosis", "Osmosis"): "osmo",
    Elsewhere("terra", "Terra"): "luna lunc ust",
    Elsewhere("thorchain", "THORChain"): "rune thor",
    Elsewhere("injective", "Injective"): "inj",
    Elsewhere("sei", "Sei"): "",
    Elsewhere("celestia", "Celestia"): "tia",
    Elsewhere("kava", "Kava"): "",
    Elsewhere("ton", "TON"): "toncoin theopen",
    Elsewhere("near", "NEAR"): "nearprotocol",
    Elsewhere("aptos", "Aptos"): "apt",
    Elsewhere("sui", "Sui"): "",
    Elsewhere("algorand", "Algorand"): "algo",
    Elsewhere("tezos", "Tezos"): "xtz",
    Elsewhere("eos", "EOS"): "",
    Elsewhere("filecoin", "Filecoin"): "fil",
    Elsewhere("hedera", "Hedera"): "hbar",
    Elsewhere("nano", "Nano"): "xno",
    Elsewhere("kaspa", "Kaspa"): "kas",
    Elsewhere("icon", "ICON"): "icx",
    Elsewhere("zilliqa", "Zilliqa"): "zil",
    Elsewhere("multiversx", "MultiversX"): "egld erd elrond",
    Elsewhere("harmony", "Harmony"): "one",
    Elsewhere("waves", "Waves"): "",
    Elsewhere("iota", "IOTA"): "miota",
    Elsewhere("starknet", "Starknet"): "strk",
    Elsewhere("stacks", "Stacks"): "stx",
    Elsewhere("arweave", "Arweave"): "ar",
    Elsewhere("siacoin", "Siacoin"): "sc",
    Elsewhere("lightning", "Lightning"): "ln lnbtc lightningnetwork",
    Elsewhere("xdc", "the XDC Network"): "xinfin",
}
_BY_NAME = {
    name: each
    for each, names in _KNOWN.items()
    for name in {each.key.replace("-", ""), *names.split()}
}
_BY_KEY = {each.key: each for each in _KNOWN}

# Versions of base58 addresses that no chain here has, where they are one chain's.
_VERSIONS = {
    b"\x26": "bitcoin-gold",
    b"\x47": "vertcoin",
    b"\x34": "namecoin",
    b"\x37": "peercoin",
    b"\x3a": "qtum",
    b"\x20\x89": "horizen",
    b"\x20\x96": "horizen",
}
# Words that addresses begin with, before the last 1: https://github.com/satoshilabs/slips
_WORDS = {
    "bnb": "bnb-beacon", "btg": "bitcoin-gold", "vtc": "vertcoin", "dgb": "digibyte",
    "grs": "groestlcoin", "mona": "monacoin", "nc": "namecoin", "pc": "peercoin",
    "cosmos": "cosmos", "osmo": "osmosis", "terra": "terra", "thor": "thorchain",
    "inj": "injective", "sei": "sei", "celestia": "celestia", "kava": "kava", "addr": "cardano",
    "stake": "cardano", "zil": "zilliqa", "erd": "multiversx", "one": "harmony", "iota": "iota",
    "lnbc": "lightning", "lnurl": "lightning",
}  # fmt: skip
_WORD = re.compile(r"([a-z]{2,8})[0-9]*[munp]?1[02-9ac-hj-np-z]{20,}\Z", re.IGNORECASE)
_FORMS = (
    (re.compile(r"ecash:[qp][02-9ac-hj-np-z]{41}\Z"), "ecash"),
    (re.compile(r"kaspa:[02-9ac-hj-np-z]{60,70}\Z"), "kaspa"),
    (re.compile(r"(nano|xrb)_[13][13-9a-km-uw-z]{59}\Z"), "nano"),
    (re.compile(r"G[A-Z2-7]{55}\Z"), "stellar"),
    (re.compile(r"[A-Z2-7]{58}\Z"), "algorand"),
    (re.compile(r"(tz[1-4]|KT1)[1-9A-HJ-NP-Za-km-z]{33}\Z"), "tezos"),
    (re.compile(r"[EUk][Qf][0-9A-Za-z_-]{46}\Z"), "ton"),
    (re.compile(r"(?:-1|0):[0-9a-fA-F]{64}\Z"), "ton"),
    (re.compile(r"(Ae2|DdzFF)[1-9A-HJ-NP-Za-km-z]{50,110}\Z"), "cardano"),
    (re.compile(r"1[1-9A-HJ-NP-Za-km-z]{45,47}\Z"), "polkadot"),
    (re.compile(r"f[0-3][0-9a-z]{30,90}\Z"), "filecoin"),
    (re.compile(r"0\.0\.[0-9]{1,10}\Z"), "hedera"),
    (re.compile(r"(hx|cx)[0-9a-f]{40}\Z"), "icon"),
    (re.compile(r"xdc[0-9a-fA-F]{40}\Z"), "xdc"),
    (re.compile(r"S[PM][0-9A-HJKMNP-TV-Z]{37,39}\Z"), "stacks"),
    (re.compile(r"0x[0-9a-fA-F]{63}\Z"), "starknet"),
    (re.compile(r"[\w-]{2,60}\.near\Z", re.ASCII), "near"),
)
_RIPPLE = re.compile(r"r[1-9A-HJ-NP-Za-km-z]{24,34}\Z|X[1-9A-HJ-NP-Za-km-z]{46}\Z")
_SOLANA = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}\Z")


def by_name(plain: str) -> Elsewhere | None:
    """By a name or a coin, in small letters without signs; None: not known."""
    return _BY_NAME.get(plain)


def by_form(text: str) -> Elsewhere | None:
    """By how an address is written that is none of the chains here; None: not known."""
    key = next((key for form, key in _FORMS if form.match(text)), "") or _by_encoding(text)
    return _BY_KEY.get(key)


def _by_encoding(text: str) -> str:
    word = _WORD.match(text)
    if word and word[1].lower() in _WORDS and text in (text.lower(), text.upper()):
        return _WORDS[word[1].lower()]
    if _RIPPLE.match(text) and _is_ripple(text):
        return "ripple"
    try:
        found = _VERSIONS.get(encodings.base58check(text).version, "")
    except EncodingError:
        found = "solana" if _SOLANA.match(text) and len(base58.b58decode(text)) == 32 else ""
    return found


def _is_ripple(text: str) -> bool:
    try:
        payload = base58.b58decode_check(text, alphabet=base58.RIPPLE_ALPHABET)
    except ValueError:
        return False
    return len(payload) in (21, 31)
