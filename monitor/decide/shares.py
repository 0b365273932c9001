"""Tokens whose balances change without a transfer, held against the chain. Pure.

A rebasing token pays its interest by changing every balance at once: no list holds that, so that
amounts prove nothing. Where its contract tells shares, which only transfers change, the number of
shares at two blocks does: none moved between them, or something moved that lists hold, or that no
list holds. How much a share was worth at each transfer nobody can tell afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from monitor.model import LIVE_STATUSES, Asset, Row, Status
from monitor.model.balance import COIN, REBASING, Figure, Held, State

FEE = "fee on transfer: less arrives than its transfers say"
NO_SHARES = f"{REBASING}: its balances change without a transfer"
FIRST = f"{REBASING}: its shares were counted for the first time"
MOVED = f"{REBASING}: it moved meanwhile, and a list says amounts where the contract counts shares"
COUNTED = "counted in shares, which only transfers change"


def needs_shares(asset: Asset) -> bool:
    """Whether amounts of this token prove nothing."""
    return bool(asset.rebases) or asset.fee_on_transfer


def unsaid_why(asset: Asset) -> str:
    """Why nothing can be said of such a token without a figure of it; empty: it is none."""
    if asset.fee_on_transfer:
        return FEE
    return NO_SHARES if asset.rebases else ""


def judge_shares(
    held: Held, asset: Asset, figure: Figure, before: Figure | None, rows: Iterable[Row]
) -> Held:
    """How the record stands to a figure of such a token. `before`: the figure of it that was the
    newest base; `rows`: all recorded of this asset. Nothing else may speak against checking."""
    held = replace(held, recorded=None)
    if asset.fee_on_transfer or not asset.shares or figure.shares != asset.shares:
        return replace(held, state=State.CANNOT_CHECK, reason=unsaid_why(asset))
    if before is None or before.shares != figure.shares:
        return replace(held, state=State.CANNOT_CHECK, reason=FIRST)
    if moved(rows, before, figure):
        return replace(held, state=State.CANNOT_CHECK, reason=MOVED)
    equal = before.amount == figure.amount
    state = State.RECONCILED if equal else State.UNEXPLAINED
    return replace(held, state=state, reason=COUNTED, recorded=before.amount)


def moved(rows: Iterable[Row], before: Figure, after: Figure) -> bool:
    """Whether any of these rows moved something of the asset above one figure, up to the other."""
    return any(_between(row, before, after) for row in rows)


def _between(row: Row, before: Figure, after: Figure) -> bool:
    """Whether a row moved something of the asset above one figure, up to the other."""
    transfer = row.transfer
    if (transfer.contract or COIN) != after.contract or transfer.kind.nft or not transfer.amount:
        return False
    if row.status not in LIVE_STATUSES or row.status is Status.PENDING:
        return False
    if transfer.block_height is None:
        return transfer.time is None or before.time <= transfer.time <= after.time
    return before.low < transfer.block_height <= after.high
