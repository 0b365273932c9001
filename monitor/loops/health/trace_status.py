"""How following money stands, by case: as the newest state of its trace says, and what it may
still ask."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from monitor.analysis.trace.said import terms_now
from monitor.loops.health.chain_values import Time
from monitor.loops.health.snapshot import TraceStatus
from monitor.loops.resting import HOUR, RESTS, value
from monitor.loops.trace_world import last_yes
from monitor.model import OURS
from monitor.model.errors import StoreError
from monitor.model.plain import tidy
from monitor.model.trace import Beside, Node, State, Terms, Told
from monitor.store import follow
from monitor.store import trace as kept
from monitor.store.coverage import stream_states
from monitor.store.port import Reader


@dataclass(frozen=True, slots=True)
class Left:
    """Calls that a case may still make."""

    terms: Terms  # as they hold now
    finding: int
    watching: int  # on this day


def cases(store: Reader, now: int) -> tuple[TraceStatus, ...]:
    """The cases that follow, by name."""
    followed = Counter(each.case for each in follow.followed(store))
    return tuple(
        _status(store, case, left, followed[case], now) for case, left in lefts(store, now).items()
    )


def lefts(store: Reader, now: int) -> dict[str, Left]:
    """What each case that follows has left, without a look at its trace."""
    return {case: _left(store, case, terms, now) for case, terms in kept.following(store).items()}


def left_of(store: Reader, case: str, now: int) -> Left | None:
    """What one case has left; None: it follows nothing now."""
    terms = kept.following(store).get(case)
    return _left(store, case, terms, now) if terms is not None else None


def _left(store: Reader, case: str, terms: Terms, now: int) -> Left:
    words = kept.words(store, case)
    used, terms = kept.used(store, case, now, last_yes(words)), terms_now(terms, words)
    finding, watching = terms.calls - used.finding, terms.calls_per_day - used.watching
    return Left(terms, max(0, finding), max(0, watching))


def _status(store: Reader, case: str, left: Left, followed: int, now: int) -> TraceStatus:
    told, trouble = _newest(store, case)
    trace = told.trace if told is not None else None
    ages = [] if told is None else _ages(store, told, now)
    questions = trace.questions if trace is not None else ()
    return TraceStatus(
        case=case,
        number=told.number if told is not None else None,
        taken=Time.of(told.at if told is not None else None),
        followed=followed,
        waiting=sum(node.state is State.WAITING for node in trace.nodes) if trace else 0,
        question=tidy(questions[0].words, 300) if questions else "",
        ended=trouble or (tidy(trace.ended, 200) if trace else ""),
        calls_left=left.finding,
        calls=left.terms.calls,
        calls_today_left=left.watching,
        calls_per_day=left.terms.calls_per_day,
        stale=len(ages),
        oldest_seconds=max((age for age in ages if age is not None), default=None),
    )


def _newest(store: Reader, case: str) -> tuple[Told | None, str]:
    """Its newest state, and why there is none that can be read: that keeps no other word back."""
    try:
        return kept.newest(store, case), ""
    except StoreError:
        return None, "ITS NEWEST STATE CANNOT BE READ: `fundwatch verify` says what differs"


def _ages(store: Reader, told: Told, now: int) -> list[int | None]:
    """How long ago those places were looked at where value rests and that was over an hour ago;
    None: never."""
    said: dict[object, int] = {}
    for each in (told.trace.beside or Beside()).balances:
        said[each.subject] = max(said.get(each.subject, 0), each.time or 0)
    rests = [node for node in told.trace.nodes if node.state in RESTS and value(node)]
    looked = (
        max(_read_at(store, node, now), said.get(node.subject, 0))
        for node in rests
        if not node.subject.address.startswith(OURS)  # nobody asks about these
    )
    return [now - at if at else None for at in looked if now - at > HOUR]


def _read_at(store: Reader, node: Node, now: int) -> int:
    states = stream_states(store, node.subject, now).values()
    return min((state.ok or 0 for state in states if not state.unserved), default=0)
