"""What the note of an internal transfer on Tron means: a contract may stake, delegate and vote, and
what it does so stands among its internal transfers, with an amount that need not have moved. Pure.

Notes come as hex (of the node, also inside TronGrid's rows) or as plain text. Their words are those
of java-tron's Program.java; the amounts that its documentation shows are shares where resources
are delegated, and TRX that is not paid out yet where unstaking begins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2})+)\Z")
_NOTHING = re.compile(
    r"(?:unfreezeBalanceV2For|delegateResourceOf|unDelegateResourceOf)\w*\Z|"
    r"voteWitness\Z|cancelAllUnfreezeV2\Z"
)
_STAKES = re.compile(r"freeze(?:BalanceV2)?For\w*\Z")
# Paid to whoever staked, whoever had the use of it.
_PAID_BACK = re.compile(
    r"unfreezeFor\w*\Z|withdrawReward\Z|withdrawExpireUnfreeze(?:While(?:Unfreezing|Canceling))?\Z"
)
_TO_HEIR = "withdrawExpireUnfreezeWhileSuiciding"


@dataclass(frozen=True, slots=True)
class Parties:
    """Who pays whom, as reported; `told`: whether both are known, or known to be nobody."""

    sender: object
    recipient: object
    told: bool = True


def parties(note: object, caller: object, target: object) -> Parties | None:
    """Of an internal transfer; None where nothing moves. Staking takes from the balance and gives
    it to nobody; what is paid back comes from nobody."""
    said = _plain(note)
    if _NOTHING.match(said):
        return None
    if _STAKES.match(said):
        return Parties(caller, None, caller is not None)
    if _PAID_BACK.match(said):
        return Parties(None, caller, caller is not None)
    if said == _TO_HEIR:
        return Parties(None, target, target is not None)
    return Parties(caller, target, caller is not None and target is not None)


def _plain(note: object) -> str:
    said = note if isinstance(note, str) else ""
    found = _HEX.match(said)
    return bytes.fromhex(found[1]).decode("latin-1") if found else said
