"""Clocks of the law that people start for a case. Confidential ones are not of the record."""

from __future__ import annotations

from monitor.decide.desk import clocks
from monitor.loops import cases
from monitor.loops.desk.said import reason, wrong
from monitor.model.acts import Actor
from monitor.model.acts_desk import EndClock, StartClock
from monitor.model.desk import ClockRule, DeskSettings
from monitor.model.desk_work import Clock
from monitor.model.errors import Conflict
from monitor.model.ids import stable_id
from monitor.store import desk
from monitor.store.commit import commit
from monitor.store.port import Store


def rule_of(settings: DeskSettings, name: str) -> ClockRule:
    """Raises ConfigError for one that is not in use, and for a confidential one, which has no place
    in the record."""
    rule = settings.clocks.get(name)
    if rule is None or rule.confidential:
        known = ", ".join(each for each, r in settings.clocks.items() if not r.confidential)
        remedy = f"Use one of {known}" if known else "config/clocks.yaml has none that is in use"
        raise wrong("clock", "" if rule else name, "is no clock of this desk", remedy)
    return rule


def start_clock(
    store: Store, settings: DeskSettings, actor: Actor, case: str, rule: str, why: str, now: int
) -> Clock:
    """With a reason. One of the same rule that runs for the same reason is that one: a form may be
    sent twice."""
    case, why, found = cases.known(store, case), reason(why), rule_of(settings, rule)
    for each in desk.running(store):
        if (each.case, each.rule, each.why) == (case, rule, why):
            return each
    name = stable_id("C", "clock", case, rule, actor.name, str(now))
    clock = Clock(
        *(name, case, rule, clocks.terms(found), now, clocks.due(found, now).isoformat()),
        *(actor.name, actor.kind.value, why),
    )
    commit(store, actor, StartClock(now, clock))
    return clock


def end_clock(store: Store, actor: Actor, clock: str, met: bool, said: str, now: int) -> None:
    """It was met (`said`: the reference), or it is stopped (`said`: why). Raises Conflict where it
    does not run any more."""
    said = reason(said, "reference" if met else "why")
    was = desk.clock(store, clock)
    if was is None:
        raise wrong("clock", clock, "is not there", "Open the case again")
    if was.state != "running":
        raise Conflict(f"clock {clock} does not run any more: {was.state} by {was.ended_by}")
    commit(store, actor, EndClock(now, was, "met" if met else "stopped", said))
