"""What bridges call chains, and whom they pay there. Pure.

Numbers are by the bridges' own documents, collected in 2026-11 from public code; where a number
is missing, the crossing says the number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.chains.address import AddressError, canonical
from monitor.model import Chain
from monitor.model.events import TxLogs

# By number of a scheme: the id of an EVM chain, or the name of another.
CCTP: Mapping[int, int | str] = {
    **{0: 1, 1: 43114, 2: 10, 3: 42161, 4: "Noble", 5: "Solana", 6: 8453, 7: 137, 8: "Sui"},
    **{9: "Aptos", 10: 130, 11: 59144, 12: 81224, 13: 146, 14: 480, 16: 1329, 17: 56, 18: 50},
    **{19: 999, 21: 57073, 22: 98866, 25: "Starknet"},
}
# LayerZero's endpoints of version 1; those of version 2 are 30,000 more.
LAYERZERO: Mapping[int, int | str] = {
    **{101: 1, 102: 56, 106: 43114, 109: 137, 110: 42161, 111: 10, 112: 250, 125: 42220},
    **{126: 1284, 145: 100, 151: 1088, 158: 1101, 165: 324, 168: "Solana", 181: 5000},
    **{183: 59144, 184: 8453, 214: 534352, 243: 81457},
}
WORMHOLE: Mapping[int, int | str] = {
    **{1: "Solana", 2: 1, 3: "Terra", 4: 56, 5: 137, 6: 43114, 8: "Algorand", 10: 250},
    **{14: 42220, 15: "NEAR", 16: 1284, 18: "Terra 2", 21: "Sui", 22: "Aptos", 23: 42161, 24: 10},
    **{25: 100, 30: 8453, 34: 534352, 35: 5000, 36: 81457, 38: 59144},
}
# deBridge calls most chains by their own ids.
DEBRIDGE: Mapping[int, int | str] = {
    **{7565164: "Solana", 100000001: 245022934, 100000002: 100, 100000004: 1088, 100000014: 146},
    **{100000022: 999, 100000026: "tron"},
}

_ADDRESS = (1 << 160) - 1


@dataclass(frozen=True, slots=True)
class Here:
    """A transaction on its chain, and all chains that are configured."""

    chain: Chain
    tx: TxLogs
    chains: Mapping[str, Chain]

    def numbers(self, scheme: Mapping[int, int | str]) -> list[int]:
        """What the scheme calls this chain."""
        return [number for number, id_ in scheme.items() if id_ == self.chain.chain_id]


@dataclass(frozen=True, slots=True)
class There:
    """A chain that a bridge names: the key of a configured one or none, and how it names it."""

    chain: Chain | None
    domain: str

    @property
    def key(self) -> str:
        return self.chain.key if self.chain else ""

    def holder(self, word: int) -> str:
        """An address that stands in up to 32 bytes: canonical there, and as it stands where the
        chain is not configured. Empty: nobody, or no address of that chain."""
        if not word:
            return ""
        above, short = word >> 160, f"{word & _ADDRESS:040x}"
        if self.chain is None:
            return f"0x{word:064x}" if above else f"0x{short}"
        if self.chain.family == "tron":
            return self.written(f"41{short}") if above in (0, 0x41) else ""
        return "" if above else self.written(f"0x{short}")

    def written(self, text: str) -> str:
        """An address that stands there as a text."""
        if self.chain is None:
            return text if text.isascii() and text.isprintable() and len(text) <= 100 else ""
        try:
            return canonical(self.chain, text)
        except AddressError:
            return ""


def by_id(here: Here, chain_id: int) -> There:
    """A chain by the id that EVM chains have."""
    return There(_with_id(here.chains, chain_id), str(chain_id))


def by_number(here: Here, scheme: Mapping[int, int | str], number: int, word: str) -> There:
    """A chain by a bridge's own number for it; `word` says what the bridge calls such numbers."""
    known = scheme.get(number)
    domain = f"{word} {number}"
    if known is None:
        return There(None, domain)
    if isinstance(known, str):
        return There(here.chains.get(known), f"{domain} ({known})")
    return There(_with_id(here.chains, known), domain)


def address(word: int) -> str:
    """An EVM address as contracts of this chain have it; empty where it is none."""
    return f"0x{word:040x}" if word and not word >> 160 else ""


def _with_id(chains: Mapping[str, Chain], chain_id: int) -> Chain | None:
    return next((c for _, c in sorted(chains.items()) if c.chain_id == chain_id), None)
