"""What a transaction of Tron moves by its contracts: one parser for each type. Pure.

Amounts are in sun, or in base units of the token. Addresses come as hex (41...) and as
base58; transfers hold base58.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from monitor.chains.address import AddressError, canonical
from monitor.model import Chain, Kind, Transfer
from monitor.net.sources.parsing import RowError, fields, shown, text, whole

# Contract types that move nothing but the fee, or only rights and counters.
MOVES_NOTHING = frozenset(
    {
        "AccountCreateContract",
        "AccountPermissionUpdateContract",
        "AccountUpdateContract",
        "ClearABIContract",
        "DelegateResourceContract",
        "ProposalApproveContract",
        "ProposalCreateContract",
        "ProposalDeleteContract",
        "SetAccountIdContract",
        "UnDelegateResourceContract",
        "UpdateAssetContract",
        "UpdateBrokerageContract",
        "UpdateEnergyLimitContract",
        "UpdateSettingContract",
        "VoteAssetContract",
        "VoteWitnessContract",
        "WitnessCreateContract",
        "WitnessUpdateContract",
    }
)
# Credits to the owner's balance: type -> field of the row that reports the amount in sun.
CREDITS = {
    "CancelAllUnfreezeV2Contract": "withdraw_expire_amount",
    "UnfreezeBalanceContract": "unfreeze_amount",
    "UnfreezeBalanceV2Contract": "withdraw_expire_amount",
    "WithdrawBalanceContract": "withdraw_amount",
    "WithdrawExpireUnfreezeContract": "withdraw_expire_amount",
}
# These credit what has expired by the way, which may be nothing.
MAY_CREDIT_NOTHING = frozenset({"CancelAllUnfreezeV2Contract", "UnfreezeBalanceV2Contract"})
_SHAPE = re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}\Z")


@dataclass(frozen=True, slots=True)
class Common:
    """What the transfers of one transaction share."""

    chain: Chain
    tx: str
    height: int | None
    time: int

    def draft(
        self, kind: Kind, sender: object, recipient: object, amount: int, token: str | None = None
    ) -> Transfer:
        return Transfer(
            chain=self.chain.key,
            tx=self.tx,
            leg="",
            kind=kind,
            sender=None if sender is None else address_of(self.chain, sender),
            recipient=None if recipient is None else address_of(self.chain, recipient),
            amount=amount,
            contract=token,
            block_height=self.height,
            time=self.time,
        )


def contract_moved(
    common: Common, contract: Mapping[str, object], row: Mapping[str, object]
) -> Iterator[Transfer]:
    """What the contract of a transaction moves by itself. Raises RowError for a type whose
    movements the row does not report."""
    kind = text(contract.get("type"), "type")
    value = value_of(contract)
    parse = CONTRACTS.get(kind)
    if parse is not None:
        yield from parse(common, value, row)
    elif kind in CREDITS:
        amount = whole(row.get(CREDITS[kind], 0), CREDITS[kind])
        if amount == 0 and kind not in MAY_CREDIT_NOTHING:
            raise RowError(f"{kind} without {CREDITS[kind]}: what it paid out is not told")
        if amount:
            yield common.draft(Kind.NATIVE, None, value.get("owner_address"), amount)
    elif kind not in MOVES_NOTHING:
        raise RowError(f"what a {kind} moves is not told by this list")


_Value = Mapping[str, object]


def _transfer(common: Common, value: _Value, _: _Value) -> Iterator[Transfer]:
    amount = whole(value.get("amount"), "amount")
    yield common.draft(
        Kind.NATIVE, value.get("owner_address"), _present(value, "to_address"), amount
    )


def _transfer_asset(common: Common, value: _Value, _: _Value) -> Iterator[Transfer]:
    amount = whole(value.get("amount"), "amount")
    token = token_of(value.get("asset_name"))
    to = _present(value, "to_address")
    yield common.draft(Kind.TRC10, value.get("owner_address"), to, amount, token)


def _trigger(common: Common, value: _Value, _: _Value) -> Iterator[Transfer]:
    yield from _called(common, value, _present(value, "contract_address"))


def _create(common: Common, value: _Value, row: _Value) -> Iterator[Transfer]:
    reported = {**fields(value.get("new_contract")), **value}
    yield from _called(common, reported, row.get("contract_address"), creation=True)


def _called(
    common: Common, value: _Value, contract: object, *, creation: bool = False
) -> Iterator[Transfer]:
    owner = value.get("owner_address")
    amount = whole(value.get("call_value", 0), "call_value")
    tokens = whole(value.get("call_token_value", 0), "call_token_value")
    if amount or creation:
        yield common.draft(Kind.NATIVE, owner, contract, amount)
    if tokens:
        token = token_of(value.get("token_id"))
        yield common.draft(Kind.TRC10, owner, contract, tokens, token)


def _stake(common: Common, value: _Value, _: _Value) -> Iterator[Transfer]:
    amount = whole(value.get("frozen_balance"), "frozen_balance")
    yield common.draft(Kind.NATIVE, value.get("owner_address"), None, amount)


# Contract types whose movements stand in the contract itself. Staking takes from the
# owner's balance and gives it to nobody; CREDITS pay it back.
CONTRACTS: Mapping[str, Callable[[Common, _Value, _Value], Iterator[Transfer]]] = {
    "CreateSmartContract": _create,
    "FreezeBalanceContract": _stake,
    "FreezeBalanceV2Contract": _stake,
    "ParticipateAssetIssueContract": _transfer,  # the TRX paid; the tokens are not reported
    "TransferAssetContract": _transfer_asset,
    "TransferContract": _transfer,
    "TriggerSmartContract": _trigger,
}


def value_of(contract: Mapping[str, object]) -> Mapping[str, object]:
    return fields(fields(contract.get("parameter")).get("value"))


def _present(value: Mapping[str, object], name: str) -> object:
    if value.get(name) is None:
        raise RowError(f"{name} is not told")
    return value[name]


def token_of(reported: object) -> str:
    """Id of a TRC-10 token, as reported."""
    if isinstance(reported, (str, int)) and not isinstance(reported, bool) and str(reported):
        return str(reported)
    raise RowError(f"the token's id cannot be read: {shown(reported)}")


def address_of(chain: Chain, reported: object) -> str:
    """The canonical form. What has an address's shape but a wrong checksum is kept as reported:
    an odd party must not lose the movement of the other."""
    written = text(reported, "address")
    try:
        return canonical(chain, written)
    except AddressError:
        if _SHAPE.match(written):
            return written
        raise
