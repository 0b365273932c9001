"""Across: a deposit names everything, a relayer pays it out and names the deposit.

V3FundsDeposited and FilledV3Relay by the ABI of XChainDataGen (MIT), what was before them (until
2024) and their successors by signatures that several public programs use against real logs. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.chains.bridges.abi import Seen, event
from monitor.chains.bridges.family import Kind, own
from monitor.chains.bridges.places import Here, There, address, by_id
from monitor.model.trace import Crossing

# https://github.com/AndreAugusto11/XChainDataGen, MIT
POOLS = own("""
    1 0x5c7bcd6e7de5423a257d81b442095a1a6ced35c5
    10 0x6f26bf09b1c792e3228e5467807a900a503c0281
    137 0x9295ee1d8c5b022be115a2ad3c30c72e34e7f096
    8453 0x09aea4b2242abc8bb4bb78d537a67a245a7bec64
    42161 0xe35e9842fceaca96570b734083f4a58e8f7c5f2a
    59144 0x7e63a5f1a8f0b4d0934b2f2327daed3f6bb2ee75
    534352 0x3bad7ad0728f9917d1bf08af5782dcbd516cdd96
""")


def _deposit(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    there = by_id(here, seen.number("destinationChainId"))
    return Crossing(
        bridge="Across",
        deposit=True,
        link=f"across/{here.chain.chain_id}/{seen.number('depositId')}",
        log_index=seen.at,
        contract=seen.log.contract,
        chain=there.key,
        domain=there.domain,
        recipient=there.holder(seen.number("recipient")),
        token=address(seen.number("inputToken")),
        amount=seen.number("inputAmount"),
        expected=seen.number("outputAmount"),
    )


def _fill(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    origin = by_id(here, seen.number("originChainId"))
    paid = There(here.chain, "").holder(seen.number("relayExecutionInfo", "updatedRecipient"))
    return Crossing(
        bridge="Across",
        deposit=False,
        link=f"across/{seen.number('originChainId')}/{seen.number('depositId')}",
        log_index=seen.at,
        contract=seen.log.contract,
        chain=origin.key,
        domain=origin.domain,
        recipient=paid,
        token=address(seen.number("outputToken")),
        amount=seen.number("relayExecutionInfo", "updatedOutputAmount"),
    )


def _old_deposit(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    """Its token is the same on both sides, and a fee is taken off."""
    there = by_id(here, seen.number("destinationChainId"))
    return Crossing(
        bridge="Across",
        deposit=True,
        link=f"across/{here.chain.chain_id}/{seen.number('depositId')}",
        log_index=seen.at,
        contract=seen.log.contract,
        chain=there.key,
        domain=there.domain,
        recipient=there.holder(seen.number("recipient")),
        token=address(seen.number("originToken")),
        amount=seen.number("amount"),
    )


def _old_fill(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    origin = by_id(here, seen.number("originChainId"))
    return Crossing(
        bridge="Across",
        deposit=False,
        link=f"across/{seen.number('originChainId')}/{seen.number('depositId')}",
        log_index=seen.at,
        contract=seen.log.contract,
        chain=origin.key,
        domain=origin.domain,
        recipient=There(here.chain, "").holder(seen.number("updated", "recipient")),
        token=address(seen.number("destinationToken")),
    )


KINDS = (
    Kind(
        event(
            "FundsDeposited(uint256 amount, uint256 originChainId, "
            "uint256 indexed destinationChainId, int64 relayerFeePct, uint32 indexed depositId, "
            "uint32 quoteTimestamp, address originToken, address recipient, "
            "address indexed depositor, bytes message)"
        ),
        _old_deposit,
        POOLS,
    ),
    Kind(
        event(
            "FilledRelay(uint256 amount, uint256 totalFilledAmount, uint256 fillAmount, "
            "uint256 repaymentChainId, uint256 indexed originChainId, uint256 destinationChainId, "
            "int64 relayerFeePct, int64 realizedLpFeePct, uint32 indexed depositId, "
            "address destinationToken, address relayer, address indexed depositor, "
            "address recipient, bytes message, (address recipient, bytes message, "
            "int64 relayerFeePct, bool isSlowRelay, int256 payoutAdjustmentPct) updated)"
        ),
        _old_fill,
        POOLS,
    ),
    Kind(
        event(
            "V3FundsDeposited(address inputToken, address outputToken, uint256 inputAmount, "
            "uint256 outputAmount, uint256 indexed destinationChainId, uint32 indexed depositId, "
            "uint32 quoteTimestamp, uint32 fillDeadline, uint32 exclusivityDeadline, "
            "address indexed depositor, address recipient, address exclusiveRelayer, "
            "bytes message)"
        ),
        _deposit,
        POOLS,
    ),
    Kind(
        event(
            "FundsDeposited(bytes32 inputToken, bytes32 outputToken, uint256 inputAmount, "
            "uint256 outputAmount, uint256 indexed destinationChainId, uint256 indexed depositId, "
            "uint32 quoteTimestamp, uint32 fillDeadline, uint32 exclusivityDeadline, "
            "bytes32 indexed depositor, bytes32 recipient, bytes32 exclusiveRelayer, "
            "bytes message)"
        ),
        _deposit,
        POOLS,
    ),
    Kind(
        event(
            "FilledV3Relay(address inputToken, address outputToken, uint256 inputAmount, "
            "uint256 outputAmount, uint256 repaymentChainId, uint256 indexed originChainId, "
            "uint32 indexed depositId, uint32 fillDeadline, uint32 exclusivityDeadline, "
            "address exclusiveRelayer, address indexed relayer, address depositor, "
            "address recipient, bytes message, (address updatedRecipient, bytes updatedMessage, "
            "uint256 updatedOutputAmount, uint8 fillType) relayExecutionInfo)"
        ),
        _fill,
        POOLS,
    ),
    Kind(
        event(
            "FilledRelay(bytes32 inputToken, bytes32 outputToken, uint256 inputAmount, "
            "uint256 outputAmount, uint256 repaymentChainId, uint256 indexed originChainId, "
            "uint256 indexed depositId, uint32 fillDeadline, uint32 exclusivityDeadline, "
            "bytes32 exclusiveRelayer, bytes32 indexed relayer, bytes32 depositor, "
            "bytes32 recipient, bytes32 messageHash, (bytes32 updatedRecipient, "
            "bytes32 updatedMessageHash, uint256 updatedOutputAmount, uint8 fillType) "
            "relayExecutionInfo)"
        ),
        _fill,
        POOLS,
    ),
)
