"""What an address of Tron is, by the node's own word on its account. Pure. See profiles.

A contract has an account of its own from its first block on, of type "Contract"; what never had an
account is none. Wallets that are contracts are not known there: who shares an account does so by
permissions of the account itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import base58

from monitor.model.errors import BadResponse
from monitor.model.trace import Code
from monitor.net.sources.parsing import RowError, fields, shown, text
from monitor.net.sources.profiles import Sketch

TYPES = {"Normal": Code.NONE, "AssetIssue": Code.NONE, "Contract": Code.CONTRACT}


def look(sketch: Sketch, told: object) -> None:
    """`getaccount`; an empty object: no account. Raises BadResponse."""
    try:
        account = fields(told)
        sketch.code = _kind(account, sketch.address) if account else Code.NONE
    except RowError as error:
        raise BadResponse(f"{sketch.source}: an account cannot be read: {error}") from None


def _kind(account: Mapping[str, object], address: str) -> Code:
    said = text(account.get("address"), "address")
    if said not in (address, base58.b58decode_check(address).hex()):
        raise RowError("it is about another address than was asked for")
    kind = account.get("type", "Normal")
    if not isinstance(kind, str) or kind not in TYPES:
        raise RowError(f"the type of an account is {shown(kind)}")
    return TYPES[kind]
