"""deBridge: an order names everything, whoever fulfils it repeats the order. By the ABI of
XChainDataGen (MIT). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.chains.bridges.abi import NotSo, Seen, event
from monitor.chains.bridges.family import Kind, own
from monitor.chains.bridges.places import DEBRIDGE, Here, There, address, by_id, by_number
from monitor.model.trace import Crossing

# https://github.com/AndreAugusto11/XChainDataGen, MIT
_FROM = own(
    "\n".join(f"{i} 0xef4fb24ad0916217251f553c0596f8edc630eb66" for i in (1, 56, 8453, 42161))
)
_TO = own(
    "\n".join(f"{i} 0xe7351fd770a37282b91d153ee690b63579d6dd7f" for i in (1, 56, 8453, 42161))
)
_ORDER = (
    "(uint64 makerOrderNonce, bytes makerSrc, uint256 giveChainId, bytes giveTokenAddress, "
    "uint256 giveAmount, uint256 takeChainId, bytes takeTokenAddress, uint256 takeAmount, "
    "bytes receiverDst, bytes givePatchAuthoritySrc, bytes orderAuthorityAddressDst, "
    "bytes allowedTakerDst, bytes allowedCancelBeneficiarySrc, bytes externalCall) order"
)


def _created(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    there = _place(here, seen.number("order", "takeChainId"))
    return Crossing(
        bridge="deBridge",
        deposit=True,
        link=f"debridge/{seen.number('orderId'):064x}",
        log_index=seen.at,
        contract=seen.log.contract,
        chain=there.key,
        domain=there.domain,
        recipient=there.holder(_word(seen.raw("order", "receiverDst"))),
        token=address(_word(seen.raw("order", "giveTokenAddress"))),
        amount=seen.number("order", "giveAmount"),
        expected=seen.number("order", "takeAmount"),
    )


def _fulfilled(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    origin = _place(here, seen.number("order", "giveChainId"))
    return Crossing(
        bridge="deBridge",
        deposit=False,
        link=f"debridge/{seen.number('orderId'):064x}",
        log_index=seen.at,
        contract=seen.log.contract,
        chain=origin.key,
        domain=origin.domain,
        recipient=There(here.chain, "").holder(_word(seen.raw("order", "receiverDst"))),
        token=address(_word(seen.raw("order", "takeTokenAddress"))),
        amount=seen.number("order", "takeAmount"),
    )


def _place(here: Here, id_: int) -> There:
    return by_number(here, DEBRIDGE, id_, "chain") if id_ in DEBRIDGE else by_id(here, id_)


def _word(data: bytes) -> int:
    """An address of 20 bytes, or one of 32 of another chain."""
    if len(data) > 32:
        raise NotSo
    return int.from_bytes(data, "big")


KINDS = (
    Kind(
        event(
            f"CreatedOrder({_ORDER}, bytes32 orderId, bytes affiliateFee, uint256 nativeFixFee, "
            "uint256 percentFee, uint32 referralCode, bytes metadata)"
        ),
        _created,
        _FROM,
    ),
    Kind(
        event(
            f"FulfilledOrder({_ORDER}, bytes32 orderId, address sender, address unlockAuthority)"
        ),
        _fulfilled,
        _TO,
    ),
)
