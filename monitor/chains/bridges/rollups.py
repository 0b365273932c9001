"""The bridges that rollups bring with them: of Arbitrum's and of Optimism's kind.

Arbitrum's inbox was read in a real receipt, the events of Optimism's bridges have the topics of a
public query; the others are known from public code. What goes down into Arbitrum is written
there under no key of the deposit; what goes into a chain of Optimism's kind has the hash of its
message on both sides. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.chains.bridges.abi import Seen, event, keccak, number, topic
from monitor.chains.bridges.family import Kind, Own, after, before, own
from monitor.chains.bridges.places import Here, There, address, by_id
from monitor.model.trace import Crossing

_INBOX = own("1 0x4dbd4fc535ac27206064b68ffcf827b0a60bab3f")
_BRIDGE = own("1 0x8315177ab297ba92a06054ce80a67ed4dbd7ed3a")
_OUTBOX = own("1 0x0b9857ae2d4a3dbe74ffe1d7df045bb7f96e4840")
_ARBSYS = own("42161 0x0000000000000000000000000000000000000064")
_ARBITRUM = 42161
_DEPOSITED, _TICKET = 12, 9  # kinds of messages

_DELIVERED = event(
    "MessageDelivered(uint256 indexed messageIndex, bytes32 indexed beforeInboxAcc, "
    "address inbox, uint8 kind, address sender, bytes32 messageDataHash, uint256 baseFeeL1, "
    "uint64 timestamp)"
)
_INBOXED = event("InboxMessageDelivered(uint256 indexed messageNum, bytes data)")


def _into_arbitrum(here: Here, seen: Seen, others: Sequence[Seen]) -> Crossing | None:
    """The coin: 20 bytes and an amount, or a ticket's words. Tokens have an event of their own."""
    delivered = before(others, _DELIVERED, seen.at)
    if delivered is None or delivered.number("messageIndex") != seen.number("messageNum"):
        return None
    data = seen.raw("data")
    if delivered.number("kind") == _DEPOSITED:
        recipient, amount = number(data, 0, 20), number(data, 20)
    elif delivered.number("kind") == _TICKET:
        recipient, amount = number(data, 0), number(data, 32)
    else:
        return None
    there = by_id(here, _ARBITRUM)
    return (
        _crossing("Arbitrum bridge", True, "", seen, there, there.holder(recipient), amount)
        if (amount)
        else None
    )


def _token_into_arbitrum(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    there = by_id(here, _ARBITRUM)
    paid = there.holder(seen.number("to"))
    return _crossing(
        "Arbitrum bridge", True, "", seen, there, paid, seen.number("amount"), "l1Token"
    )


def _token_in_arbitrum(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    paid = There(here.chain, "").holder(seen.number("to"))
    return _crossing(
        "Arbitrum bridge", False, "", seen, by_id(here, 1), paid, seen.number("amount")
    )


def _token_out_of_arbitrum(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    there = by_id(here, 1)
    link = f"arbitrum-out/{seen.number('l2ToL1Id')}"
    paid = there.holder(seen.number("to"))
    return _crossing("Arbitrum bridge", True, link, seen, there, paid, seen.number("amount"))


def _out_of_arbitrum(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing | None:
    amount = seen.number("callvalue")
    there = by_id(here, 1)
    link = f"arbitrum-out/{seen.number('position')}"
    paid = there.holder(seen.number("destination"))
    return _crossing("Arbitrum bridge", True, link, seen, there, paid, amount) if amount else None


def _arrived_from_arbitrum(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    link = f"arbitrum-out/{seen.number('transactionIndex')}"
    return _crossing("Arbitrum bridge", False, link, seen, by_id(here, _ARBITRUM), "", None)


# --- chains of Optimism's kind ------------------------------------------------------------------

# Whose bridge a contract of Ethereum is, by public code.
_DOWN: Mapping[str, int] = {
    "0x99c9fc46f92e8a1c0dec1b1747d010903e884be1": 10,
    "0x3154cf16ccdb4c6d922629664174b904d80f2c35": 8453,
}
_L2 = frozenset({"0x4200000000000000000000000000000000000010"})
_BRIDGES: Own = {1: frozenset(_DOWN), 10: _L2, 8453: _L2}
_MESSENGERS = own("""
    1 0x25ace71c97b33cc4729cf772ae268934f7ab5fa1 0x866e82a600a1414e583f7f13623f1ac5d58b0afa
    10 0x4200000000000000000000000000000000000007
    8453 0x4200000000000000000000000000000000000007
""")
_SENT = event(
    "SentMessage(address indexed target, address sender, bytes message, uint256 messageNonce, "
    "uint256 gasLimit)"
)
_WORTH = event("SentMessageExtension1(address indexed sender, uint256 value)")
_RELAYED = event("RelayedMessage(bytes32 indexed msgHash)")
_RELAY = "relayMessage(uint256,address,address,uint256,uint256,bytes)"


def _optimism_in(here: Here, seen: Seen, others: Sequence[Seen]) -> Crossing:
    down = _DOWN.get(seen.log.contract)
    there = by_id(here, down or 1) if down or here.chain.chain_id in (10, 8453) else There(None, "")
    paid = there.holder(seen.number("to"))
    amount = seen.number("amount")
    link = _sent_link(seen, others)
    return _crossing("Optimism bridge", True, link, seen, there, paid, amount, "localToken")


def _optimism_out(here: Here, seen: Seen, others: Sequence[Seen]) -> Crossing:
    relayed = after(others, _RELAYED, seen.at)
    link = f"optimism/{relayed.number('msgHash'):064x}" if relayed else ""
    paid = There(here.chain, "").holder(seen.number("to"))
    amount = seen.number("amount")
    origin = by_id(here, 1) if here.chain.chain_id != 1 else There(None, "")
    return _crossing("Optimism bridge", False, link, seen, origin, paid, amount, "localToken")


def _sent_link(seen: Seen, others: Sequence[Seen]) -> str:
    """The hash of the call that is made on the other side."""
    sent = after(others, _SENT, seen.at)
    worth = after(others, _WORTH, sent.at) if sent else None
    if sent is None or worth is None:
        return ""
    message = sent.raw("message")
    words = (
        *(sent.number("messageNonce"), sent.number("sender"), sent.number("target")),
        *(worth.number("value"), sent.number("gasLimit"), 6 * 32, len(message)),
    )
    call = bytes.fromhex(topic(_RELAY)[2:10]) + b"".join(word.to_bytes(32, "big") for word in words)
    padded = message + bytes(-len(message) % 32)
    return f"optimism/{keccak(call + padded).hex()}"


def _crossing(
    bridge: str,
    deposit: bool,
    link: str,
    seen: Seen,
    other: There,
    recipient: str,
    amount: int | None,
    token: str = "",
) -> Crossing:
    held = seen.values.get(token)
    return Crossing(
        bridge=bridge,
        deposit=deposit,
        link=link,
        log_index=seen.at,
        contract=seen.log.contract,
        chain=other.key,
        domain=other.domain,
        recipient=recipient,
        token=address(held) if isinstance(held, int) else "",
        amount=amount,
    )


_TOKENS = (
    "address indexed localToken, address indexed remoteToken, address indexed from, address to, "
    "uint256 amount, bytes extraData"
)
_ETHER = "address indexed from, address indexed to, uint256 amount, bytes extraData"
KINDS = (
    Kind(_DELIVERED, None, _BRIDGE),
    Kind(_INBOXED, _into_arbitrum, _INBOX),
    Kind(
        event(
            "DepositInitiated(address l1Token, address indexed from, address indexed to, "
            "uint256 indexed sequenceNumber, uint256 amount)"
        ),
        _token_into_arbitrum,
    ),
    Kind(
        event(
            "DepositFinalized(address indexed l1Token, address indexed from, address indexed to, "
            "uint256 amount)"
        ),
        _token_in_arbitrum,
    ),
    Kind(
        event(
            "WithdrawalInitiated(address l1Token, address indexed from, address indexed to, "
            "uint256 indexed l2ToL1Id, uint256 exitNum, uint256 amount)"
        ),
        _token_out_of_arbitrum,
    ),
    Kind(
        event(
            "L2ToL1Tx(address caller, address indexed destination, uint256 indexed hash, "
            "uint256 indexed position, uint256 arbBlockNum, uint256 ethBlockNum, "
            "uint256 timestamp, uint256 callvalue, bytes data)"
        ),
        _out_of_arbitrum,
        _ARBSYS,
    ),
    Kind(
        event(
            "OutBoxTransactionExecuted(address indexed to, address indexed l2Sender, "
            "uint256 indexed outputIndex, uint256 transactionIndex)"
        ),
        _arrived_from_arbitrum,
        _OUTBOX,
    ),
    Kind(event(f"ETHBridgeInitiated({_ETHER})"), _optimism_in, _BRIDGES),
    Kind(event(f"ERC20BridgeInitiated({_TOKENS})"), _optimism_in, _BRIDGES),
    Kind(event(f"ETHBridgeFinalized({_ETHER})"), _optimism_out, _BRIDGES),
    Kind(event(f"ERC20BridgeFinalized({_TOKENS})"), _optimism_out, _BRIDGES),
    Kind(_SENT, None, _MESSENGERS),
    Kind(_WORTH, None, _MESSENGERS),
    Kind(_RELAYED, None, _MESSENGERS),
)
