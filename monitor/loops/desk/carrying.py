"""What was agreed to at the desk is carried out: by the daemon, or by the next start. Once: a kill
between doing it and writing that down finds it done the next time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from monitor.loops.desk.proposing import ALL, carried_out
from monitor.model.acts import DAEMON, Actor, ActorKind
from monitor.model.desk_work import Proposal, Standing
from monitor.model.errors import (
    ConfigError,
    Conflict,
    MonitorError,
    NotInOrder,
    StoreError,
)
from monitor.store import desk
from monitor.store.port import Store

log = logging.getLogger("fundwatch")

# Does what a proposal of one kind asks for, as whoever proposed it, and says what came of it.
# Raises ConfigError where it cannot be done.
Do = Callable[[Proposal, Actor], str]


class Later(Exception):
    """It is being done: what came of it is asked for at the next look."""


# What our own errors say where something is so already.
SO_ALREADY = "Nothing to "


def carry_out(store: Store, kinds: Mapping[str, Do], now: int) -> int:
    """Everything that was agreed to, oldest first. Returns how many were done or failed."""
    found = desk.proposals(store, ALL, Standing.AGREED)
    for each in found:
        try:
            said, failed = _done(each, kinds)
            carried_out(store, DAEMON, each, said, failed, now)
        except Conflict:
            log.warning("proposal %s was carried out by another process", each.id)
        except Later:
            continue
    return len(found)


def actor_of(proposal: Proposal) -> Actor:
    """Who proposed it, with who agreed."""
    agreed = f"agreed to by {proposal.ended_by}, who had signed in"
    how = f"proposal {proposal.id} at the desk, {agreed}"
    return Actor(ActorKind(proposal.door), proposal.name, how)


def _done(proposal: Proposal, kinds: Mapping[str, Do]) -> tuple[str, bool]:
    """What came of it, and whether it failed."""
    do = kinds.get(proposal.kind)
    if do is None:
        return f"this program does not know how to do that ({proposal.kind})", True
    try:
        return do(proposal, actor_of(proposal)), False
    except NotInOrder as error:
        # Who reads a proposal may not see the cases in whose lines they are.
        return f"a file holds mistakes, {len(error.problems)}: see `fundwatch check`", True
    except ConfigError as error:
        so = all(each.remedy.startswith(SO_ALREADY) for each in error.problems)
        return ("it was so already: " if so else "") + str(error), not so
    except (StoreError, Later):
        raise
    except MonitorError as error:
        return str(error), True
    except Exception as error:  # one that cannot be done must not hold up the others
        log.exception("proposal %s could not be carried out", proposal.id)
        return f"a fault in Fundwatch ({type(error).__name__}): see its log", True
