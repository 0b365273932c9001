"""LayerZero's tokens, version 2, and Stargate of both versions.

A token says that it was sent, to which chain and under which id; to whom stands in the packet
that LayerZero's endpoint writes in the same transaction. Every contract may call itself such a
token, so that only what the endpoint has written as well is believed. By the ABI of XChainDataGen
(MIT); how packets are laid out is LayerZero's and Stargate's public code. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.chains.bridges.abi import NotSo, Seen, chunk, event, keccak, number
from monitor.chains.bridges.family import Kind, Own, after, before, own
from monitor.chains.bridges.places import LAYERZERO, Here, There, by_number
from monitor.model.trace import Crossing

_V2 = {30_000 + number: id_ for number, id_ in LAYERZERO.items()}
_KNOWN = (1, 10, 56, 137, 8453, 42161, 43114, 59144, 534352)
# https://github.com/AndreAugusto11/XChainDataGen, MIT
_ENDPOINT: Own = {id_: frozenset({"0x1a44076050125825900e736c501f859c50fe728c"}) for id_ in _KNOWN}
_ULN = own("""
    1 0x4d73adb72bc3dd368966edd0f0b2148401a178e2
    10 0x4d73adb72bc3dd368966edd0f0b2148401a178e2
    56 0x4d73adb72bc3dd368966edd0f0b2148401a178e2
    137 0x4d73adb72bc3dd368966edd0f0b2148401a178e2
    8453 0x38de71124f7a447a01d67945a51edce9ff491251
    42161 0x4d73adb72bc3dd368966edd0f0b2148401a178e2
    43114 0x4d73adb72bc3dd368966edd0f0b2148401a178e2
    59144 0x38de71124f7a447a01d67945a51edce9ff491251
    534352 0x38de71124f7a447a01d67945a51edce9ff491251
""")
_BUSES = own("""
    1 0x6d6620efa72948c5f68a3c8646d58c00d3f4a980
    10 0xf1fcb4cbd57b67d683972a59b6a7b1e2e8bf27e6
    56 0x6e3d884c96d640526f273c61dfcf08915ebd7e2b
    137 0x6ce9bf8cdab780416ad1fd87b318a077d2f50eac
    8453 0x5634c4a5fed09819e3c46d86a965dd9447d86e47
    42161 0x19cfce47ed54a88614648dc3f19a5980097007dd
    43114 0x17e450be3ba9557f2378e20d64ad417e59ef9a34
    59144 0x5f688f563dc16590e570f97b542fa87931af2fed
    534352 0x4e422b0acb2bd7e3ac70b5c0e5eb806e86a94038
""")
_POOLS = own("""
    1 0x0faf1d2d3ced330824de3b8200fc8dc6e397850d 0x101816545f6bd2b1076434b54383a1e633390a2e
    1 0x38ea452219524bb87e18de1c24d3bb59510bd783 0x692953e758c3669290cb1677180c64183cee374e
    1 0xdf0770df86a8034b3efef0a1bb3c889b8332ff56 0xfa0f307783ac21c39e939acff795e27b650f6e68
    10 0x165137624f1f692e69659f944bf69de02874ee27 0x3533f5e279bdbf550272a199a223da798d9eff78
    10 0x368605d9c6243a80903b9e326f1cddde088b8924 0xd22363e3762ca7339569f3d33eade20127d5f98c
    10 0xdecc0c09c3b5f6e92ef4184125d5648a66e35298
    56 0x4e145a589e4c03cbe3d28520e4bf3089834289df 0x98a5737749490856b401db5dc27f522fc314a4e1
    56 0x9aa83081aa06af7208dcc7a4cb72c94d057d2cda
    137 0x1205f31718499dbf1fca446663b532ef87481fe1 0x1c272232df0bb6225da87f4decd9d37c32f63eea
    137 0x29e38769f23701a2e4a8ef0492e19da4604be62c
    8453 0x28fc411f9e1c480ad312b3d9c60c22b965015c6b 0x4c80e24119cfb836cdf0a6b53dc23f04f7e652ca
    42161 0x600e576f9d853c95d58029093a16ee49646f3ca5 0x892785f33cdee22a30aef750f285e18c18040c3e
    42161 0x915a55e36a01285a14f05de6e81ed9ce89772f8e 0xb6cfcf89a7b22988bfc96632ac2a9d6dab60d641
    43114 0x1205f31718499dbf1fca446663b532ef87481fe1 0x1c272232df0bb6225da87f4decd9d37c32f63eea
    43114 0x29e38769f23701a2e4a8ef0492e19da4604be62c 0xeae5c2f6b25933deb62f754f239111413a0a25ef
""")

_PACKET_SENT = event("PacketSent(bytes encodedPayload, bytes options, address sendLibrary)")
_PACKET_DELIVERED = event(
    "PacketDelivered((uint32 srcEid, bytes32 sender, uint64 nonce) origin, address receiver)"
)
_OFT_SENT = event(
    "OFTSent(bytes32 indexed guid, uint32 dstEid, address indexed fromAddress, "
    "uint256 amountSentLD, uint256 amountReceivedLD)"
)
_OFT_RECEIVED = event(
    "OFTReceived(bytes32 indexed guid, uint32 srcEid, address indexed toAddress, "
    "uint256 amountReceivedLD)"
)
_BUS_RODE = event("BusRode(uint32 dstEid, uint72 ticketId, uint80 fare, bytes passenger)")
_SWAP = event(
    "Swap(uint16 chainId, uint256 dstPoolId, address from, uint256 amountSD, uint256 eqReward, "
    "uint256 eqFee, uint256 protocolFee, uint256 lpFee)"
)
_PACKET = event("Packet(bytes payload)")
_SWAP_REMOTE = event(
    "SwapRemote(address to, uint256 amountSD, uint256 protocolFee, uint256 dstFee)"
)
_PACKET_RECEIVED = event(
    "PacketReceived(uint16 indexed srcChainId, bytes srcAddress, address indexed dstAddress, "
    "uint64 nonce, bytes32 payloadHash)"
)


def _sent(here: Here, seen: Seen, others: Sequence[Seen]) -> Crossing | None:
    """Stargate's bus has no id when somebody takes a seat: nothing links it to what comes out."""
    guid, eid = seen.number("guid"), seen.number("dstEid")
    there = by_number(here, _V2, eid, "LayerZero endpoint")
    told = _packet(others, guid, seen.log.contract) if guid else _seat(others, seen)
    if told is None:
        return None
    bridge, recipient = told
    return Crossing(
        bridge=bridge,
        deposit=True,
        link=f"layerzero/{guid:064x}" if guid else "",
        log_index=seen.at,
        contract=seen.log.contract,
        chain=there.key,
        domain=there.domain,
        recipient=there.holder(recipient),
        amount=seen.number("amountSentLD"),
        expected=seen.number("amountReceivedLD"),
    )


def _packet(others: Sequence[Seen], guid: int, token: str) -> tuple[str, int] | None:
    """Which bridge, and whom it pays, by the packet of that id: format (1 byte), number (8), from
    (4 and 32), to (4 and 32), id (32), message."""
    for packet in _all(others, "PacketSent"):
        data = packet.raw("encodedPayload")
        if number(data, 81) != guid:
            continue
        message = data[113:]
        if number(data, 13) == int(token, 16):
            return "LayerZero", number(message, 0)
        # Stargate's pools send through one contract: kind (1), asset (2), receiver.
        return "Stargate", number(message, 3) if number(message, 0, 1) == 1 else 0
    return None


def _seat(others: Sequence[Seen], seen: Seen) -> tuple[str, int] | None:
    rode = before(others, _BUS_RODE, seen.at) or after(others, _BUS_RODE, seen.at)
    if rode is None or rode.number("dstEid") != seen.number("dstEid"):
        return None
    return "Stargate", number(rode.raw("passenger"), 2)


def _received(here: Here, seen: Seen, others: Sequence[Seen]) -> Crossing | None:
    guid = seen.number("guid")
    if not any(guid in _guids(here, packet) for packet in _all(others, "PacketDelivered")):
        return None
    origin = by_number(here, _V2, seen.number("srcEid"), "LayerZero endpoint")
    return Crossing(
        bridge="LayerZero",
        deposit=False,
        link=f"layerzero/{guid:064x}",
        log_index=seen.at,
        contract=seen.log.contract,
        chain=origin.key,
        domain=origin.domain,
        recipient=There(here.chain, "").holder(seen.number("toAddress")),
        amount=seen.number("amountReceivedLD"),
    )


def _guids(here: Here, packet: Seen) -> Iterator[int]:
    """The ids that a delivered packet may have: a hash of where it came from and went."""
    for eid in here.numbers(_V2):
        way = (
            packet.number("origin", "nonce").to_bytes(8, "big")
            + packet.number("origin", "srcEid").to_bytes(4, "big")
            + packet.number("origin", "sender").to_bytes(32, "big")
            + eid.to_bytes(4, "big")
            + packet.number("receiver").to_bytes(32, "big")
        )
        yield int.from_bytes(keccak(way), "big")


def _swapped(here: Here, seen: Seen, others: Sequence[Seen]) -> Crossing | None:
    """Stargate 1. The pool counts in units of its own: the amount is that of the token's
    movement."""
    packet = after(others, _PACKET, seen.at)
    if packet is None:
        return None
    data = packet.raw("payload")
    destination = seen.number("chainId")
    if number(data, 30, 2) != destination:
        return None
    there = by_number(here, LAYERZERO, destination, "LayerZero chain")
    inner = data[52:]
    recipient = chunk(inner, number(inner, 12 * 32)) if number(inner, 0) == 1 else b""
    if len(recipient) > 32:
        raise NotSo
    return Crossing(
        bridge="Stargate",
        deposit=True,
        link=_v1_link(number(data, 8, 2), data[10:30], destination, number(data, 0, 8)),
        log_index=seen.at,
        contract=seen.log.contract,
        chain=there.key,
        domain=there.domain,
        recipient=there.holder(int.from_bytes(recipient, "big")),
    )


def _paid_out(here: Here, seen: Seen, others: Sequence[Seen]) -> Crossing | None:
    packet = before(others, _PACKET_RECEIVED, seen.at) or after(others, _PACKET_RECEIVED, seen.at)
    numbers = here.numbers(LAYERZERO)
    if packet is None or not numbers:
        return None
    source = packet.number("srcChainId")
    origin = by_number(here, LAYERZERO, source, "LayerZero chain")
    sender = packet.raw("srcAddress")[:20]
    return Crossing(
        bridge="Stargate",
        deposit=False,
        link=_v1_link(source, sender, numbers[0], packet.number("nonce")),
        log_index=seen.at,
        contract=seen.log.contract,
        chain=origin.key,
        domain=origin.domain,
        recipient=There(here.chain, "").holder(seen.number("to")),
    )


def _v1_link(source: int, sender: bytes, destination: int, nonce: int) -> str:
    """Packets are numbered by sender and destination."""
    return f"layerzero1/{source}/{sender.hex()}/{destination}/{nonce}"


def _all(others: Sequence[Seen], name: str) -> Iterator[Seen]:
    return (seen for seen in others if seen.event.name == name)


KINDS = (
    Kind(_PACKET_SENT, None, _ENDPOINT),
    Kind(_PACKET_DELIVERED, None, _ENDPOINT),
    Kind(_BUS_RODE, None, _BUSES),
    Kind(_OFT_SENT, _sent),
    Kind(_OFT_RECEIVED, _received),
    Kind(_PACKET, None, _ULN),
    Kind(_PACKET_RECEIVED, None, _ULN),
    Kind(_SWAP, _swapped, _POOLS),
    Kind(_SWAP_REMOTE, _paid_out, _POOLS),
)
