"""Which balances must have been there before the first movement: a pass over balances alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.model.flow import FEES, Account, Flow, Ground, Moved, Number, Turned


def legs(flow: Flow) -> tuple[Sequence[tuple[Account, Number]], Sequence[tuple[Account, Number]]]:
    """(what goes out, what comes in), without what is nothing."""
    if isinstance(flow, Moved):
        if flow.amount <= 0 or flow.giver == flow.taker:
            return (), ()
        return ((flow.giver, flow.amount),), ((flow.taker, flow.amount),)
    if isinstance(flow, Turned):
        given = ((flow.giver, flow.given),) if flow.given > 0 else ()
        return given, ((flow.taker, flow.got),) if flow.got > 0 else ()
    return (
        [leg for leg in flow.inputs if leg[1] > 0],
        [leg for leg in flow.outputs if leg[1] > 0],
    )


@dataclass(slots=True)
class Survey:
    """`first`: at which movement an account is met first. `lacking`: what it gave more than it
    had, its opening included."""

    first: dict[Account, int] = field(default_factory=dict)
    lacking: dict[Account, Number] = field(default_factory=dict)


def survey(flows: Sequence[Flow], ground: Ground) -> Survey:
    found = Survey()
    balances: dict[Account, Number] = {}
    for at, flow in enumerate(flows):
        out, into = legs(flow)
        for account, amount in out:
            if account not in balances:
                found.first[account] = at
                balances[account] = ground.openings.get(account, 0)
            left = balances[account] - amount
            if left < 0 and not boundless(account, ground):
                found.lacking[account] = found.lacking.get(account, 0) - left
                left = 0
            balances[account] = left
        for account, amount in into:
            if account not in balances:
                found.first[account] = at
                balances[account] = ground.openings.get(account, 0)
            balances[account] += amount
    return found


def boundless(account: Account, ground: Ground) -> bool:
    """Whether what it has is not modelled."""
    return account in ground.sources or is_stop(account, ground)


def is_stop(account: Account, ground: Ground) -> bool:
    return account.holder == FEES or account in ground.stops
