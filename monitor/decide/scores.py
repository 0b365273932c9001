"""What speaks against a source over days, and the order of sources that follows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from monitor.model import LIVE_STATUSES, Transfer, intervals
from monitor.model.plan import Identity, Plan
from monitor.model.scores import DAY, Mark, Score
from monitor.model.second import Listed, ProvenLists
from monitor.model.streams import StreamState

DAYS = 7  # that are looked at
BAD_DAYS = 3  # of them after which a source moves back; without any it comes forward again
LATE_OFTEN = 3  # movements of a day
DOWN_OFTEN, DOWN_SHARE = 20, 4  # failures of a day, and at least every fourth answer
LATE_MOST = 7 * DAY  # seconds; what a list first shows after that is no lateness


def is_bad(day: Mapping[Mark, int]) -> bool:
    """Whether a day speaks against a source, by what was counted."""
    down = day.get(Mark.DOWN, 0)
    return (
        bool(day.get(Mark.MISSING) or day.get(Mark.WRONG))
        or day.get(Mark.LATE, 0) >= LATE_OFTEN
        or (down >= DOWN_OFTEN and down * DOWN_SHARE >= down + day.get(Mark.ASKED, 0))
    )


def moved_back(scores: Iterable[Score], today: int, before: Collection[str]) -> frozenset[str]:
    """Which sources of a chain are asked after the others. `before`: those that were; they come
    forward only after a week without a bad day."""
    days: dict[str, dict[int, dict[Mark, int]]] = {}
    for each in scores:
        if today - DAYS < each.day <= today:
            counts = days.setdefault(each.source, {}).setdefault(each.day, {})
            counts[each.what] = counts.get(each.what, 0) + each.n
    bad = {source: sum(map(is_bad, by_day.values())) for source, by_day in days.items()}
    return frozenset(
        source
        for source in {*bad, *before}
        if bad.get(source, 0) >= (1 if source in before else BAD_DAYS)
    )


def late(
    plan: Plan,
    states: Mapping[str, StreamState],
    told: Iterable[Listed],
    proven: Callable[[], ProvenLists],
) -> list[tuple[str, int]]:
    """Who listed a movement only after having read past it, and by how many seconds.

    `told`: movements of the plan that others had told before; `proven`: what each source had
    proved until then. Of both only what the source says that reads a list now is looked at."""
    says: dict[Identity, set[str]] = {}
    for sighting in plan.sightings:
        says.setdefault(sighting.identity, set()).add(sighting.source)
    found = []
    for row in plan.new:
        source = _reader(states, row.transfer)
        if (
            row.late
            and row.status in LIVE_STATUSES
            and source in says.get(row.transfer.identity, ())
        ):
            found.append((source, row.transfer))
    for listed in told:
        transfer = listed.row.transfer
        source = _reader(states, transfer)
        if source in says.get(transfer.identity, set()) - listed.sources:
            state = states[transfer.kind.stream]
            read = proven().get((transfer.kind.stream, state.axis), {}).get(source, ())
            place = state.axis.place(transfer)
            if place is not None and intervals.holds(read, place):
                found.append((source, transfer))
    ages = [
        (source, plan.now - transfer.time)
        for source, transfer in found
        if transfer.time is not None and not transfer.kind.fee
    ]
    return [(source, age) for source, age in ages if 0 <= age <= LATE_MOST]


def _reader(states: Mapping[str, StreamState], transfer: Transfer) -> str:
    """The source that reads the list in which a movement stands."""
    state = states.get(transfer.kind.stream)
    return state.source if state else ""
