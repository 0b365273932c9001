"""Who plays in the demo's story, and the home folder's files that name them.

All names and addresses are invented: an address is the hash of its name, so nobody has
its key. Checksums are right. Only Across, a bridge, has its real addresses: an event of a bridge
is believed of nobody else.
"""

from __future__ import annotations

import hashlib

import base58
from eth_utils.address import to_checksum_address

from monitor.demo.world.explorer import Explorer

SAVINGS = "bc1qew5wc0tmevy6y0fzmukm39r42l43x2p2jjk9ue"
STRANGER = "bc1qpxu4ms8qp47khx32l85u3fga5mjmt5hyvdzuca"
RECEIVER = "bc1qddmhhp7qalagfqe06enm9suu324r49hujnzysa"


def _hash20(name: str) -> bytes:
    return hashlib.sha256(f"fundwatch demo/{name}".encode()).digest()[:20]


def evm(name: str) -> str:
    """An EVM address in lower case."""
    return "0x" + _hash20(name).hex()


def tron(name: str) -> str:
    return base58.b58encode_check(b"\x41" + _hash20(name)).decode()


def bitcoin(name: str) -> str:
    """A pay-to-public-key-hash address."""
    return base58.b58encode_check(b"\x00" + _hash20(name)).decode()


FOLLOWED = "HARBOUR-02"  # the case whose money is followed

# Watched.
PAYROLL = evm("payroll")  # on Ethereum and on Polygon: one key, every EVM chain
PAYOUT = evm("payout")
HARBOUR = evm("harbour")
CASH_OUT = tron("cash out")
COURIER = bitcoin("courier")
# Known by name.
ROUTER, MARKET, BRIDGE = evm("router"), evm("market"), evm("bridge")
BRIDGE_POLYGON, MERCHANT = evm("bridge polygon"), evm("merchant")
DEPOSITS = tuple(evm(f"exchange deposit {n}") for n in (1, 2, 3))
EXCHANGE_TRON = tron("exchange deposit")
# Known to nobody.
BROKER, MULE = tron("broker"), tron("mule")
EMPLOYER, BUYER, SELLER = evm("employer"), evm("buyer"), evm("seller")
POISONER, LOOKALIKE = evm("poisoner"), evm("lookalike")
# They take on what the thief pays, and are known to nobody.
RUNNER, COOK, LANDING, STASH = (evm(name) for name in ("runner", "cook", "landing", "stash"))
RELAYER = evm("relayer")
ACROSS = "0x5c7bcd6e7de5423a257d81b442095a1a6ced35c5"
ACROSS_POLYGON = "0x9295ee1d8c5b022be115a2ad3c30c72e34e7f096"
# Tokens.
USDT, USDC, ART, FAKE = (evm(f"token {n}") for n in ("usdt", "usdc", "art", "fake"))
USDC_POLYGON, USDT_TRON = evm("token usdc polygon"), tron("token usdt")

# USD for one coin, as DefiLlama calls it; invented like the rest.
PRICES = {
    "coingecko:bitcoin": 91_234.56,
    "coingecko:ethereum": 3120.4518,
    "coingecko:polygon-ecosystem-token": 0.18234,
    "coingecko:tron": 0.28713,
    f"ethereum:{USDT}": 1.00028353,
    f"ethereum:{USDC}": 0.99981204,
    f"polygon:{USDC_POLYGON}": 0.99981204,
    f"tron:{USDT_TRON}": 1.00028353,
}

CHAIN_IDS = {"ethereum": 1, "polygon": 137}
PRICE_SOURCE = "demo-prices"
STYLES = {
    "bitcoin": ("esplora",),
    "ethereum": ("etherscan",),
    "polygon": ("blockscout",),
    "tron": ("trongrid",),
}


def watchlist_yaml() -> str:
    """watchlist.yaml of the demo's home folder."""
    return f"""\
# The demo's watchlist. Labels, cases and addresses are invented.
version: 1
timezone: Europe/Zurich

defaults:
  severity: medium
  tell_when: confirmed

cases:
  CRANE-01:
    title: Paper Crane
    reason: wages of IT workers under false names, collected for somebody else
    source: invented for the demo
    severity: high
    addresses:
      - address: {to_checksum_address(PAYROLL)}
        chains: [ethereum, polygon]
        label: Crane payroll
      - address: {to_checksum_address(PAYOUT)}
        chain: polygon
        label: Crane payout
        severity: medium
      - address: {CASH_OUT}
        chain: tron
        label: Crane cash-out
        severity: severe
      - address: {SAVINGS}
        chain: bitcoin
        label: Crane savings
        tell_when: seen
      - address: {COURIER}
        chain: bitcoin
        label: Crane courier

  {FOLLOWED}:
    title: Glass Harbour
    reason: stolen from its owner
    source: invented for the demo
    follow:
      hops: 10
    addresses:
      - address: {to_checksum_address(HARBOUR)}
        chain: ethereum
        label: Harbour thief
"""


def addressbook_csv() -> str:
    """addressbook.csv: names that alerts show beside addresses."""
    named = [
        (to_checksum_address(ROUTER), "ethereum", "Demo Swap router", "dex"),
        (to_checksum_address(MARKET), "ethereum", "Demo Gallery marketplace", "service"),
        (to_checksum_address(BRIDGE), "ethereum", "Demo Bridge to Polygon", "bridge"),
        (to_checksum_address(BRIDGE_POLYGON), "polygon", "Demo Bridge payouts", "bridge"),
        (to_checksum_address(MERCHANT), "polygon", "Corner shop (a bystander)", "other"),
        *(
            (to_checksum_address(a), "polygon", "Demo Exchange deposit address", "exchange")
            for a in DEPOSITS
        ),
        (EXCHANGE_TRON, "tron", "Demo Exchange deposit address", "exchange"),
    ]
    rows = (
        f"{where},{chain},{name},the demo,2026-11-01,{kind}" for where, chain, name, kind in named
    )
    return "\n".join(["address,chain,name,source,date,category", *rows]) + "\n"


def assets_yaml() -> str:
    """config/assets.yaml: which of the story's tokens are genuine."""
    told = "source: invented for the demo, date: 2026-11-01"
    usdt = f"{{symbol: USDT, decimals: 6, name: Demo Tether, {told}}}"
    usdc = f"{{symbol: USDC, decimals: 6, name: Demo USD Coin, {told}}}"
    return f"""\
assets:
  ethereum:
    "{to_checksum_address(USDT)}": {usdt}
    "{to_checksum_address(USDC)}": {usdc}
  polygon:
    "{to_checksum_address(USDC_POLYGON)}": {usdc}
  tron:
    {USDT_TRON}: {usdt}
"""


def sources_yaml(explorer: Explorer) -> str:
    """config/sources.yaml: one local source a chain, named demo-<chain>, and one of prices."""
    lines = ["sources:"]
    for chain, (style, *_) in STYLES.items():
        lines += [
            f"  demo-{chain}:",
            f"    kind: {style}",
            f"    url: {explorer.url(chain, style)}",
            "    rate_per_second: 500",
            "    index_lag: 0",
        ]
    lines += [
        f"  {PRICE_SOURCE}:",
        "    kind: defillama",
        f"    url: {explorer.url('prices', 'defillama')}",
        "    rate_per_second: 500",
    ]
    return "\n".join(lines) + "\n"


def chains_yaml() -> str:
    """config/chains.yaml: the story's chains ask the local sources only."""
    rows = (f"  {chain}: {{sources: [demo-{chain}]}}" for chain in STYLES)
    return "\n".join(["chains:", *rows]) + "\n"
