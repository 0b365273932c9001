"""Bridges of which one event says all that it knows: a line each. Pure.

Polygon's and Synapse's swapping deposits by the ABI of XChainDataGen (MIT); TransferSentToL2 was
read in a real receipt; the others are known from public code, and no receipt was at hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.chains.bridges.abi import Event, Seen, event, keccak
from monitor.chains.bridges.family import Kind, Own, after, own
from monitor.chains.bridges.places import Here, There, address, by_id
from monitor.model.trace import Crossing


@dataclass(frozen=True, slots=True)
class Line:
    """`link` has names of values in braces, besides `here` (id of this chain) and `kappa`
    (Synapse: hash of the transaction's name). `chain`: id of the other side, or the value that
    holds it. `beside`: the event after this one whose values are needed too."""

    bridge: str
    deposit: bool
    event: Event
    link: str
    to: str = ""
    token: str = ""
    amount: str = "amount"
    chain: str | int = ""
    own: Own | None = None
    beside: Event | None = None
    expected: str = ""

    def read(self, here: Here, seen: Seen, others: Sequence[Seen]) -> Crossing:
        values = self._values(here, seen, others)
        there = self._other_side(here, values)
        paid = there if self.deposit else There(here.chain, "")
        return Crossing(
            bridge=self.bridge,
            deposit=self.deposit,
            link=self._link(values),
            log_index=seen.at,
            contract=seen.log.contract,
            chain=there.key,
            domain=there.domain,
            recipient=paid.holder(values.get(self.to, 0)),
            token=address(values.get(self.token, 0)),
            amount=values.get(self.amount),
            expected=values.get(self.expected),
        )

    def _values(self, here: Here, seen: Seen, others: Sequence[Seen]) -> Mapping[str, int]:
        beside = after(others, self.beside, seen.at) if self.beside else None
        both = [*(beside.values.items() if beside else ()), *seen.values.items()]
        kappa = int.from_bytes(keccak(here.tx.tx.lower().encode()), "big")
        own_ = {"here": here.chain.chain_id or 0, "kappa": kappa}
        return own_ | {name: value for name, value in both if isinstance(value, int)}

    def _other_side(self, here: Here, values: Mapping[str, int]) -> There:
        id_ = self.chain if isinstance(self.chain, int) else values.get(self.chain)
        return There(None, "") if id_ is None else by_id(here, id_)

    def _link(self, values: Mapping[str, int]) -> str:
        try:
            return self.link.format_map(values)
        except KeyError:  # the event beside it is not there
            return ""


_SYNAPSE = own("""
    1 0x2796317b0ff8538f253012862c06787adfb8ceb6
    10 0xaf41a65f786339e7911f4acdad6bd49426f2dc6b
    137 0x8f5bbb2bb8c2ee94639e55d5f41de9b4839c1280
    8453 0xf07d1c752fab503e47fef309bf14fbdd3e867089
    42161 0x6f4e8eba4d337f874ab57478acc2cb5bacdc19c9
    43114 0xc05e61d0e7a63d27546389b7ad62fdff5a91aace
""")
_PLASMA = own("1 0x401f6c983ea34274ec46f84d70b31c151321188b")
_ETHER_LOCK = own("1 0x8484ef722627bf18ca5ae6bcf031c23e6e922b30")
_TOKEN_LOCK = own("1 0x40ec5b33f54e0e8a33a975908c5ba1c14e5bbbdf")
_SYNC = own("1 0x28e4f3a7f651294b9564800b2d01f35189a5bfbe")
_COMMIT = own("137 0x0000000000000000000000000000000000001001")
_CHILD = own("137 0xd9c7c4ed4b66858301d0cb28cc88bf655fe34861")

_STATE_SYNCED = event(
    "StateSynced(uint256 indexed id, address indexed contractAddress, bytes data)"
)
_KAPPA = "synapse/{kappa:064x}"
_DEPOSITED = "address indexed to, uint256 chainId, address token, uint256 amount"
_OUT = "address indexed to, address token, uint256 amount, uint256 fee"
_HOP = (
    "hop/{}/{{recipient:x}}/{{amount}}/{{amountOutMin}}/{{deadline}}/{{relayer:x}}/{{relayerFee}}"
)
_HOPPED = (
    "address indexed recipient, uint256 amount, uint256 amountOutMin, uint256 deadline, "
    "address indexed relayer, uint256 relayerFee"
)
_CBRIDGE = "bytes32 transferId, address sender, address receiver, address token, uint256 amount"


def _synapse(name: str, more: str = "") -> Line:
    return Line(
        "Synapse", True, event(f"{name}({_DEPOSITED}{more})"), _KAPPA, "to", "token",
        chain="chainId", own=_SYNAPSE,
    )  # fmt: skip


def _synapse_out(name: str, more: str = "") -> Line:
    return Line(
        "Synapse", False, event(f"{name}({_OUT}{more}, bytes32 indexed kappa)"), _KAPPA, "to",
        "token", own=_SYNAPSE,
    )  # fmt: skip


_SWAP = ", uint8 tokenIndexFrom, uint8 tokenIndexTo, uint256 minDy, uint256 deadline"
_REMOVE = ", uint8 swapTokenIndex, uint256 swapMinAmount, uint256 swapDeadline"
LINES = (
    _synapse("TokenDeposit"),
    _synapse("TokenRedeem"),
    _synapse("TokenDepositAndSwap", _SWAP),
    _synapse("TokenRedeemAndSwap", _SWAP),
    _synapse("TokenRedeemAndRemove", _REMOVE),
    _synapse_out("TokenMint"),
    _synapse_out("TokenWithdraw"),
    _synapse_out("TokenMintAndSwap", f"{_SWAP}, bool swapSuccess"),
    _synapse_out("TokenWithdrawAndRemove", f"{_REMOVE}, bool swapSuccess"),
    Line(
        "Hop", True,
        event(f"TransferSentToL2(uint256 indexed chainId, {_HOPPED})"),
        _HOP.format("{chainId}"), "recipient", chain="chainId",
    ),
    Line(
        "Hop", False,
        event(f"TransferFromL1Completed({_HOPPED})"),
        _HOP.format("{here}"), "recipient", chain=1,
    ),
    Line(
        "Hop", True,
        event("TransferSent(bytes32 indexed transferId, uint256 indexed chainId, "
              "address indexed recipient, uint256 amount, bytes32 transferNonce, "
              "uint256 bonderFee, uint256 index, uint256 amountOutMin, uint256 deadline)"),
        "hop/{transferId:064x}", "recipient", chain="chainId",
    ),
    Line("Hop", False, event("WithdrawalBonded(bytes32 indexed transferId, uint256 amount)"),
         "hop/{transferId:064x}"),
    Line(
        "Hop", False,
        event("Withdrew(bytes32 indexed transferId, address indexed recipient, uint256 amount, "
              "bytes32 transferNonce)"),
        "hop/{transferId:064x}", "recipient",
    ),
    Line(
        "Celer cBridge", True,
        event(f"Send({_CBRIDGE}, uint64 dstChainId, uint64 nonce, uint32 maxSlippage)"),
        "cbridge/{transferId:064x}", "receiver", "token", chain="dstChainId",
    ),
    Line(
        "Celer cBridge", False,
        event(f"Relay({_CBRIDGE}, uint64 srcChainId, bytes32 srcTransferId)"),
        "cbridge/{srcTransferId:064x}", "receiver", "token", chain="srcChainId",
    ),
    Line(
        "Polygon PoS bridge", True,
        event("LockedEther(address indexed depositor, address indexed depositReceiver, "
              "uint256 amount)"),
        "polygon/{id}", "depositReceiver", chain=137, own=_ETHER_LOCK, beside=_STATE_SYNCED,
    ),
    Line(
        "Polygon PoS bridge", True,
        event("LockedERC20(address indexed depositor, address indexed depositReceiver, "
              "address indexed rootToken, uint256 amount)"),
        "polygon/{id}", "depositReceiver", "rootToken", chain=137, own=_TOKEN_LOCK,
        beside=_STATE_SYNCED,
    ),
    Line("Polygon PoS bridge", False,
         event("StateCommitted(uint256 indexed stateId, bool success)"),
         "polygon/{stateId}", chain=1, own=_COMMIT),
    Line(
        "Polygon PoS bridge", True,
        event("NewDepositBlock(address indexed owner, address indexed token, "
              "uint256 amountOrNFTId, uint256 depositBlockId)"),
        "polygon-plasma/{depositBlockId}", "owner", "token", "amountOrNFTId", 137, _PLASMA,
    ),
    Line(
        "Polygon PoS bridge", False,
        event("TokenDeposited(address indexed rootToken, address indexed childToken, "
              "address indexed user, uint256 amount, uint256 depositCount)"),
        "polygon-plasma/{depositCount}", "user", "childToken", chain=1, own=_CHILD,
    ),
)  # fmt: skip
KINDS = (
    *(Kind(line.event, line.read, line.own or {}) for line in LINES),
    Kind(_STATE_SYNCED, None, _SYNC),
)
