"""What addresses with an announced outflow have paid, as it will stand after a decision. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.decide import held
from monitor.decide.standing import Standing
from monitor.model import LIVE_STATUSES, Status, Transfer
from monitor.model.plan import Context

# What is looked for has not been found not to have happened.
STANDS = LIVE_STATUSES | {Status.MISSING}


def payments(
    context: Context, by_tx: Mapping[str, Sequence[Standing]]
) -> dict[str, tuple[held.Payment, ...]]:
    """What addresses with an announced outflow have paid since then, as it stands after this."""
    found: dict[str, tuple[held.Payment, ...]] = {}
    for address in context.watched:
        plans = [w.entry.planned for w in context.watched[address] if w.active]
        if not any(plans):
            continue
        laid: dict[str, list[Transfer]] = {}
        for row in context.paid.get(address, ()):
            if row.transfer.tx not in by_tx and row.status in STANDS:
                laid.setdefault(row.transfer.tx, []).append(row.transfer)
        for tx, stood in by_tx.items():
            live = [s.transfer for s in stood if s.status in STANDS]
            if any(t.sender == address for t in live):
                laid[tx] = live
        seen = _first_seen(context, address)
        found[address] = tuple(
            held.Payment(tx, tuple(rows), seen.get(tx, context.now)) for tx, rows in laid.items()
        )
    return found


def _first_seen(context: Context, address: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in (*context.paid.get(address, ()), *context.known):
        tx = row.transfer.tx
        found[tx] = min(found.get(tx, row.first_seen), row.first_seen)
    return found
