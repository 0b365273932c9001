"""What contracts write into their logs when a balance changes and no Transfer says so. Pure.

Only names: whoever reads one looks at the transaction. What an event is called says nothing of
what the contract did.
"""

from __future__ import annotations

from collections.abc import Mapping

# By topic, keccak-256 of the signature.
NAMES: Mapping[str, str] = {
    "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef": (
        "Transfer(address,address,uint256)"
    ),
    "0xe1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c": (
        "Deposit(address,uint256)"
    ),
    "0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65": (
        "Withdrawal(address,uint256)"
    ),
    "0xcc16f5dbb4873280815c1ee09dbd06736cffcc184412cf7a71a0fdb75d397ca5": "Burn(address,uint256)",
    "0x0f6798a560793a54c3bcfe86a93cde1e73087d944c0ea20544137d4121396885": "Mint(address,uint256)",
    "0x5d624aa9c148153ab3446c1b154f660ee7701e549fe9b62dab7171b1c80e6fa2": (
        "Burn(address,address,uint256,uint256)"
    ),
    "0x2f00e3cdd69a77be7ed215ec7b2a36784dd158f921fca79ac29deffa353fe6ee": (
        "Mint(address,address,uint256,uint256)"
    ),
    "0x61e6e66b0d6339b2980aecc6ccc0039736791f0ccde9ed512e789a7fbdd698c6": (
        "DestroyedBlackFunds(address,uint256)"
    ),
    "0x6a2859ae7902313752498feb80a014e6e7275fe964c79aa965db815db1c7f1e9": (
        "DestroyedBlockedFunds(address,uint256)"
    ),
    "0xfc5960f1c5a5d2b60f031bf534af053b1bf7d9881989afaeb8b1d164db23aede": (
        "FrozenAddressWiped(address)"
    ),
    "0x9d9c909296d9c674451c0c24f02cb64981eb3b727f99865939192f880a755dcb": (
        "TransferShares(address,address,uint256)"
    ),
    "0x8b2a1e1ad5e0578c3dd82494156e985dade827a87c573b5c1c7716a32162ad64": (
        "SharesBurnt(address,uint256,uint256,uint256)"
    ),
    "0x222838db2794d11532d940e8dec38ae307ed0b63cd97c233322e221f998767a6": "Redeem(address,uint256)",
    "0xe5b754fb1abb7f01b499791d0b820ae3b6af3424ac1c59768edb53f4ec31a929": (
        "Redeem(address,uint256,uint256)"
    ),
    "0xc65a3f767206d2fdcede0b094a4840e01c0dd0be1888b5ba800346eaa0123c16": "Issue(address,uint256)",
    "0xdcbc1c05240f31ff3ad067ef1ee35ce4997762752e3a095284754544f4c709d7": (
        "Deposit(address,address,uint256,uint256)"
    ),
    "0xfbde797d201c681b91056529119e0b02407c7bb96a4a2c75c01fc9667232c8db": (
        "Withdraw(address,address,address,uint256,uint256)"
    ),
    "0x4700c1726b4198077cd40320a32c45265a1910521eb0ef713dd1d8412413d7fc": (
        "Wrapped(address,uint256)"
    ),
    "0x95ae649bfaaef9def56a52f4fb2d9e8fa5496bb7082930e442c74cc76b03dcb3": (
        "Unwrapped(address,uint256)"
    ),
}
# They let somebody else spend, and change no balance: Approval, ApprovalForAll.
LEAVE_ALONE = frozenset(
    {
        "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925",
        "0x17307eab39ab6107e8899845ad3d59bd9653f200f220920489ca2b5937696c31",
    }
)


def called(topic: str) -> str:
    """An event by its name, or by what of its topic tells it from others."""
    name = NAMES.get(topic, "")
    return f"the event {name.partition('(')[0]}" if name else f"an unknown event ({topic[:10]})"
