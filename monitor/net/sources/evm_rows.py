"""What the adapters of account chains share: copies and equals, and addresses as reported.

Every source of a chain must give the same rows. Explorers do not report positions inside a
transaction that could be compared, so equal transfers of one transaction are counted, after
what is only the same row reported twice has been left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from monitor.chains.address import canonical
from monitor.model import Chain, Kind, Transfer, account_leg

ZERO_ADDRESS = "0x" + "0" * 40
# Before Bedrock, Optimism kept ether in a token contract, which logged each movement; Metis
# and Mantle keep their coins at the same place.
LEGACY_ETHER = "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0000"
# Where a chain's own coin is a token too and every movement of it is a native one, by id:
# Polygon, zkSync Era.
COIN_TOKENS = {
    137: "0x0000000000000000000000000000000000001010",
    324: "0x000000000000000000000000000000000000800a",
}
# Where some movements of the coin are a token's only (a precompile leaves no trace) and
# others are reported by both, by id: Celo, Moonbeam, Moonriver.
SOMETIMES_TOKENS = {
    42220: "0x471ece3750da237f93b8e339c536989b8978a438",
    1284: "0x0000000000000000000000000000000000000802",
    1285: "0x0000000000000000000000000000000000000802",
}


def number_equals(drafts: Iterable[Transfer]) -> list[Transfer]:
    """Give each draft (a Transfer whose leg is "") its leg.

    `drafts` must hold each transaction whole; copies are left out (`_copy_of`). Of n equal
    ones (same transaction, kind, contract, token id, parties, amount) the first by log
    index, then by the order given, gets ordinal 0, the last n - 1. The order is kept
    otherwise.
    """
    seen: Counter[tuple[str, str]] = Counter()
    numbered = []
    for draft in _without_copies(sorted(drafts, key=_position)):
        first = _leg(draft, 0)
        ordinal = seen[draft.tx, first]
        seen[draft.tx, first] += 1
        numbered.append(replace(draft, leg=first if ordinal == 0 else _leg(draft, ordinal)))
    return numbered


def _without_copies(drafts: Sequence[Transfer]) -> Iterator[Transfer]:
    """Each movement once. Of a transaction that is listed in two blocks the higher place
    counts: the other one is what a reorganisation left behind."""
    last = {key: n for n, draft in enumerate(drafts) if (key := _copy_of(draft)) is not None}
    for n, draft in enumerate(drafts):
        key = _copy_of(draft)
        if key is None or last[key] == n:
            yield draft


def _copy_of(draft: Transfer) -> tuple[str, ...] | None:
    """Rows with the same key are one movement, reported twice. None: it cannot be known.

    A transaction moves its own value once and pays one fee. Of tokens and of calls inside
    a transaction there may be honest equals, which only their place there reports apart:
    where it is not reported (Etherscan's token lists), equal rows count as equal movements. One
    log of ERC-1155 may hold the same id and amount twice, so its place says nothing.
    """
    if draft.kind in (Kind.NATIVE, Kind.FEE):
        return (draft.tx, _leg(draft, 0))
    if draft.trace_path is not None:
        return (draft.tx, _leg(draft, 0), draft.trace_path)
    if draft.log_index is None or draft.kind is Kind.ERC1155:
        return None
    return (draft.tx, _leg(draft, 0), str(draft.log_index))


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


def told_twice(chain: Chain, contract: str, sender: str, recipient: str) -> bool:
    """Whether a token row is a native movement that the native or internal list reports too.

    Mints and burns of Optimism's old ether (deposits from and withdrawals to Ethereum)
    moved no native value by trace and are reported nowhere else: they stay.
    """
    coin = contract in (LEGACY_ETHER, COIN_TOKENS.get(chain.chain_id or 0))
    return coin and ZERO_ADDRESS not in (sender, recipient)
