"""What the EVM adapters share: the numbering of equal transfers, and addresses as told.

Every source of a chain must give the same rows. Explorers do not tell positions inside a
transaction that could be compared, so equal transfers of one transaction are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from monitor.chains import canonical
from monitor.model import Chain, Kind, Transfer, account_leg

ZERO_ADDRESS = "0x" + "0" * 40
# Before Bedrock, Optimism kept ether in a token contract, which logged each movement.
LEGACY_ETHER = "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0000"


def number_equals(drafts: Iterable[Transfer]) -> list[Transfer]:
    """Give each draft (a Transfer whose leg is "") its leg.

    `drafts` must hold each movement once and each transaction whole: of n equal ones
    (same transaction, kind, contract, token id, parties, amount) the first by log index,
    then by the order given, gets ordinal 0, the last n - 1. The order is kept otherwise.
    """
    seen: Counter[tuple[str, str]] = Counter()
    numbered = []
    for draft in sorted(drafts, key=_position):
        first = _leg(draft, 0)
        ordinal = seen[draft.tx, first]
        seen[draft.tx, first] += 1
        numbered.append(replace(draft, leg=first if ordinal == 0 else _leg(draft, ordinal)))
    return numbered


def _position(draft: Transfer) -> tuple[int, int]:
    return (draft.block_height or 0, draft.log_index or 0)


def _leg(draft: Transfer, ordinal: int) -> str:
    return account_leg(
        Kind(draft.kind),
        draft.contract,
        draft.token_id,
        draft.sender,
        draft.recipient,
        draft.amount,
        ordinal,
    )


def told_address(chain: Chain, text: object) -> str:
    """The canonical form of an address in a source's answer.

    Capitals are not checked: a source's JSON is no hand-copied text, and some chains
    capitalise by rules of their own. Raises ValueError for anything else.
    """
    return canonical(chain, str(text).lower())


def told_twice(contract: str, sender: str, recipient: str) -> bool:
    """Whether a token row is a native movement that the native or internal list tells too.

    Mints and burns of Optimism's old ether (deposits from and withdrawals to Ethereum)
    moved no native value by trace and are told nowhere else: they stay.
    """
    return contract == LEGACY_ETHER and ZERO_ADDRESS not in (sender, recipient)
