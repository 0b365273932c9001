"""Circle's CCTP: tokens are burnt here and minted there.

Version 1 by the ABI of XChainDataGen (MIT): both sides have source domain and nonce. Version 2
gives no number before Circle has signed; what both sides have is what was asked for, so two equal
deposits of one sender have the same link. Its signatures are those of public programs. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.chains.bridges.abi import Seen, event, keccak, number
from monitor.chains.bridges.family import Kind, own
from monitor.chains.bridges.places import CCTP, Here, There, address, by_number
from monitor.model.trace import Crossing

# https://github.com/AndreAugusto11/XChainDataGen, MIT
_V1_BURNS = own("""
    1 0xbd3fa81b58ba92a82136038b25adec7066af3155
    10 0x2b4069517957735be00cee0fadae88a26365528f
    137 0x9daf8c91aefae50b9c0e69629d3f6ca40ca3b3fe
    8453 0x1682ae6375c4e4a97e4b583bc394c861a46d8962
    42161 0x19330d10d9cc8751218eaf51e8885d058642e08a
    43114 0x6b25532e1060ce10cc3b0a99e5683b91bfde6982
""")
_V1_MINTS = own("""
    1 0x0a992d191deec32afe36203ad87d7d289a738f81
    10 0x4d41f22c5a0e5c74090899e5a8fb597a8842b3e8
    137 0xf3be9355363857f3e001be68856a2f96b4c39ba9
    8453 0xad09780d193884d503182ad4588450c416d6f9d4
    42161 0xc30362313fbba5cf9163f0bb16a0e01f01a896ca
    43114 0x8186359af5f57fbb40c6b14a588d2a59c0c29880
""")
# The same on every chain of the second version.
_V2_CHAINS = [id_ for id_ in CCTP.values() if isinstance(id_, int)]
_V2_BURNS = {i: frozenset({"0x28b5a0e9c621a5badaa536219b3a228c8168cf5d"}) for i in _V2_CHAINS}
_V2_MINTS = {i: frozenset({"0x81d40f21f12a8f0e3252bccb954d722d4c464b64"}) for i in _V2_CHAINS}


def _burn(here: Here, seen: Seen, link: str) -> Crossing:
    there = by_number(here, CCTP, seen.number("destinationDomain"), "domain")
    return Crossing(
        bridge="Circle CCTP",
        deposit=True,
        link=link,
        log_index=seen.at,
        contract=seen.log.contract,
        chain=there.key,
        domain=there.domain,
        recipient=there.holder(seen.number("mintRecipient")),
        token=address(seen.number("burnToken")),
        amount=seen.number("amount"),
    )


def _burn_v1(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    domains = here.numbers(CCTP)
    link = f"cctp/{domains[0]}/{seen.number('nonce')}" if domains else ""
    return _burn(here, seen, link)


def _burn_v2(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    asked = b"".join(
        seen.number(name).to_bytes(32, "big")
        for name in ("burnToken", "mintRecipient", "amount", "depositor", "maxFee")
    )
    domains = here.numbers(CCTP)
    link = _v2_link(domains[0], asked + seen.raw("hookData")) if domains else ""
    return _burn(here, seen, link)


def _mint(here: Here, seen: Seen, link: str, fee: int = 0) -> Crossing:
    """By the message: format, token there, recipient, amount, sender."""
    origin = by_number(here, CCTP, seen.number("sourceDomain"), "domain")
    body = seen.raw("messageBody")
    return Crossing(
        bridge="Circle CCTP",
        deposit=False,
        link=link,
        log_index=seen.at,
        contract=seen.log.contract,
        chain=origin.key,
        domain=origin.domain,
        recipient=There(here.chain, "").holder(number(body, 36)),
        amount=max(0, number(body, 68) - fee),
    )


def _mint_v1(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    return _mint(here, seen, f"cctp/{seen.number('sourceDomain')}/{seen.number('nonce')}")


def _mint_v2(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    """Behind the sender: highest fee, fee taken, last block, what is to be called."""
    body = seen.raw("messageBody")
    fee = number(body, 164)
    link = _v2_link(seen.number("sourceDomain"), body[4:164] + body[228:])
    return _mint(here, seen, link, fee)


def _v2_link(domain: int, asked: bytes) -> str:
    return f"cctp2/{domain}/{keccak(asked).hex()}"


KINDS = (
    Kind(
        event(
            "DepositForBurn(uint64 indexed nonce, address indexed burnToken, uint256 amount, "
            "address indexed depositor, bytes32 mintRecipient, uint32 destinationDomain, "
            "bytes32 destinationTokenMessenger, bytes32 destinationCaller)"
        ),
        _burn_v1,
        _V1_BURNS,
    ),
    Kind(
        event(
            "DepositForBurn(address indexed burnToken, uint256 amount, address indexed depositor, "
            "bytes32 mintRecipient, uint32 destinationDomain, bytes32 destinationTokenMessenger, "
            "bytes32 destinationCaller, uint256 maxFee, uint32 indexed minFinalityThreshold, "
            "bytes hookData)"
        ),
        _burn_v2,
        _V2_BURNS,
    ),
    Kind(
        event(
            "MessageReceived(address indexed caller, uint32 sourceDomain, uint64 indexed nonce, "
            "bytes32 sender, bytes messageBody)"
        ),
        _mint_v1,
        _V1_MINTS,
    ),
    Kind(
        event(
            "MessageReceived(address indexed caller, uint32 sourceDomain, bytes32 indexed nonce, "
            "bytes32 sender, uint32 indexed finalityThresholdExecuted, bytes messageBody)"
        ),
        _mint_v2,
        _V2_MINTS,
    ),
)
