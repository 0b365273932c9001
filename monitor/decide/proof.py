"""Whose success nobody proved: movements that a list tells without the transaction. Pure.

Explorers have listed what a reverted transaction undid as if it had happened (blockscout#8349,
#10526). A list that holds the transaction's own row says itself whether it succeeded; where
an alert rests on other rows alone, a receipt is asked for; so it is where a list tells two
equal payments without their places, which may be one. What was not asked is told so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from monitor.chains.table import family_of
from monitor.decide import absence
from monitor.decide.standing import Standing
from monitor.model import Alert, AlertKind, Lane, Status
from monitor.model.plan import Answers, Context, Doubt, Identity

MOST = 50  # transactions of one plan that wait for their receipts
# Of so many that wait, a plan asks for a few: a flood must not use up the calls of a day.
FLOOD, FEW = 200, 10
PATIENCE = 86_400  # seconds for which a receipt is asked for
NOT_YET = "not checked yet"
_TOLD = frozenset({AlertKind.MOVEMENT, AlertKind.LATE, AlertKind.AMENDMENT})
_IN_BLOCK = frozenset({Status.PROVISIONAL, Status.FINAL})


def unproven(
    context: Context,
    alerts: Iterable[Alert],
    standing: Mapping[Identity, Standing],
    answers: Answers,
    shown: Collection[str] = frozenset(),
) -> tuple[str, ...]:
    """Transactions of loud alerts of which no row and no receipt says that they succeeded. `shown`:
    that were read with their whole block, and so with what became of them."""
    if not family_of(context.chain).can_fail or answers.mute:
        return ()
    told = {a.tx for a in alerts if a.lane is Lane.NEWS and a.kind in _TOLD}
    mined = [
        s.transfer
        for s in standing.values()
        if s.transfer.tx in told
        and s.status in _IN_BLOCK
        and not (s.transfer.kind.fee or s.transfer.kind.ruled)
    ]
    proven = {
        transfer.tx
        for transfer in mined
        if transfer.kind.outermost
        or transfer.tx in shown
        or absence.succeeded(transfer, answers.lookups.get(transfer.tx, ()))
    }
    reported_twice = {
        t.tx for t in mined if absence.may_be_a_copy(t) and not answers.lookups.get(t.tx)
    }
    wanted = (t.tx for t in mined if t.tx in reported_twice or t.tx not in proven)
    return tuple(dict.fromkeys(wanted))


def waiting(context: Context) -> list[Doubt]:
    """Doubts about success for which a receipt is still asked for, the oldest first."""
    young = [d for d in context.doubts if d.why == "success" and context.now - d.since < PATIENCE]
    return sorted(young, key=lambda d: (d.since, d.tx))[: FEW if len(young) >= FLOOD else MOST]


def held(context: Context, answers: Answers) -> frozenset[str]:
    """Transactions that wait for a receipt: nobody has answered that they succeeded."""
    return frozenset(
        doubt.tx
        for doubt in waiting(context)
        if not any(w.found and not w.failed for w in answers.lookups.get(doubt.tx, ()))
    )
