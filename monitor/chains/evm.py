"""Ethereum and chains of its kind: accounts, contracts, addresses of 20 bytes that every one of
them shares."""

from __future__ import annotations

import re
from functools import lru_cache

from monitor.chains import sinks
from monitor.chains.family import AddressError, Family, Form, Stream
from monitor.chains.sinks import Sink
from monitor.model import UINT256_MAX, Axis, Chain

_HEX20 = re.compile(r"0x[0-9a-fA-F]{40}\Z")
_BARE_OR_NOT = re.compile(r"(?:0[xX])?([0-9a-fA-F]{40})\Z")
_ZERO = "0x" + "0" * 40
_XDC = (50, 51)  # chain ids of the network that writes xdc instead of 0x
_BURN = frozenset(
    {
        "0xdead000000000000000042069420694206942069",
        "0x00000000000000000000045261d4ee77acdb3286",
    }
)
# Parts of the machinery that no form tells.
_SYSTEM = frozenset(
    {
        # On rollups of Optimism's kind: the party to the first transaction of every block.
        *(f"0xdeaddeaddeaddeaddeaddeaddeaddeaddead000{n}" for n in range(3)),
        "0xfffffffffffffffffffffffffffffffffffffffe",  # who makes a block's own calls: EIP-4788
        "0x000f3df6d732807ef1319fb7b8bb8522d0beac02",  # roots of the beacon chain: EIP-4788
        "0x0000f90827f1c53a10cb7a02335b175320002935",  # hashes of blocks: EIP-2935
        "0x00000961ef480eb55e80d19ad83579a64c007002",  # withdrawals: EIP-7002
        "0x0000bbddc7ce488642fb579f8b00f3a590007251",  # consolidations: EIP-7251
        "0x00000000219ab540356cbb839cbe05303d7705fa",  # deposits of validators: EIP-6110
    }
)


# Rollups that add what they pay their parent chain, which no list tells, by chain id:
# Optimism and its kin, Scroll.
_PARENT_SHARE = frozenset(
    {10, 130, 252, 480, 1135, 1868, 5000, 8453, 34443, 42220, 57073, 81457, 534352, 7777777}
)


# Chains of which it is known that whoever makes their blocks is paid in another way than Ethereum's
# validators, by chain id: in a token (Gnosis), by transactions (BNB), or not at all.
_OTHERWISE_PAID = _PARENT_SHARE | {56, 97, 100, 137, 10200, 42161, 43113, 43114, 59144}
_BRIDGED = frozenset({100, 137})  # the coin arrives over a bridge of the chain's own


def _has_more(chain: Chain, stream: str) -> bool:
    if stream == "deposits":
        return chain.chain_id in _BRIDGED
    if stream == "fees":
        return chain.chain_id in _PARENT_SHARE
    return chain.chain_id not in _OTHERWISE_PAID


@lru_cache(maxsize=20_000)
def checksummed(address: str) -> str:
    """An EVM address with the capitals that guard it against slips: https://eips.ethereum.org/
    EIPS/eip-55. Our own, for the library's takes a fifth of a second to load."""
    from Crypto.Hash import keccak  # noqa: PLC0415 - loads slowly, and few commands need it

    digits = address[2:].lower()
    reported = keccak.new(digest_bits=256, data=digits.encode()).hexdigest()
    shown = (
        c.upper() if int(mark, 16) > 7 else c for c, mark in zip(digits, reported, strict=False)
    )
    return f"0x{''.join(shown)}"


def canonical(chain: Chain, text: str) -> str:
    """Lower-case hex with 0x."""
    if text[:3].lower() == "xdc" and chain.chain_id in _XDC:
        text = f"0x{text[3:]}"
    elif text.startswith("0X"):
        text = f"0x{text[2:]}"
    elif len(text) == 40 and _BARE_OR_NOT.match(text):
        raise AddressError("lacks 0x at its start", f"Write 0x{text}")
    if not _HEX20.match(text):
        raise AddressError(f"is not an address of {chain.name} (0x and 40 characters 0-9, a-f)")
    digits = text[2:]
    mixed = digits != digits.lower() and digits != digits.upper()
    if mixed and text != checksummed(text):
        raise AddressError(
            "has a letter in the wrong case (its checksum does not fit)",
            "Copy the address again from its source",
        )
    return text.lower()


def _form(_: Chain, text: str) -> Form:
    """Also of a text whose 0x or checksum is wrong: no other chain has addresses like it."""
    return Form.SHARED if _BARE_OR_NOT.match(text) else Form.FOREIGN


def _resembles(_: Chain, text: str) -> bool:
    return text.startswith("0")


def _forgiving(text: str) -> str:
    """The size of the letters is a checksum only: what is looked up is found by its digits, and
    never called unknown for a letter."""
    bare = _BARE_OR_NOT.match(text)
    return f"0x{bare[1].lower()}" if bare else text


def _nobodys(address: str) -> Sink | None:
    if address in _BURN:
        return sinks.BURN
    return sinks.SYSTEM if address in _SYSTEM else sinks.of_account(address[2:])


EVM = Family(
    key="evm",
    called="Ethereum",
    axis=Axis.HEIGHT,
    streams={
        "native": Stream("Plain coin transfers", "native"),
        "internal": Stream("Coin transfers made by contracts (internal)", "internal"),
        "erc20": Stream("Token transfers (ERC-20)", "tokens"),
        "erc721": Stream("NFT transfers (ERC-721)", "NFTs"),
        "erc1155": Stream("Multi-token transfers (ERC-1155)", "NFTs"),
    },
    more={
        "withdrawals": Stream("Withdrawals of validators", "withdrawals"),
        "rewards": Stream("Rewards and tips of blocks", "rewards"),
        "deposits": Stream("Coins that arrive over the chain's own bridge", "deposits"),
        "fees": Stream("What fees were more than their list says", "fees"),
    },
    has_more=_has_more,
    atomic=False,
    signed="native",
    can_fail=True,
    amount_max=UINT256_MAX,
    canonical=canonical,
    form=_form,
    resembles=_resembles,
    nobodys=_nobodys,
    not_listed=(
        "tokens whose balances change by themselves",
        "coins and tokens wrapped by other contracts than the chain's usual one",
    ),
    hints={"an address of Ethereum or a chain of its kind": _HEX20},
    display=checksummed,
    forgiving=_forgiving,
    zero=_ZERO,
    fees_in_part=lambda chain: chain.chain_id in _PARENT_SHARE,
    numbered=True,
    wraps=True,
    cure="an explorer for this chain: a key in .env (some chains need a paid plan), or one of "
    "your own in config/sources.yaml",
)
