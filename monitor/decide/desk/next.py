"""What comes next in a case: at most five sentences, each from a rule with its figures. Pure.

Their order is fixed, and nothing is weighed against something else: what moved though it was held
comes first, then what can still be frozen, what the law waits for, what following asks, then
people, then what is not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.decide.desk import clocks
from monitor.decide.desk.lines import overdue, weight
from monitor.model.desk import Open
from monitor.model.desk_requests import Request, Stage
from monitor.model.desk_work import Clock, Proposal
from monitor.model.plain import duration, plural, quoted, tidy
from monitor.model.watch import Severity

MOST = 5
NAMED = 3  # of those who could act, one by one
SOON = 3  # days before its end at which a clock is named


@dataclass(frozen=True, slots=True)
class Next:
    """One sentence, and where to go."""

    words: str
    why: str
    path: str
    button: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a case."""

    case: str
    now: int
    after: int  # seconds after which an alert that nobody has is overdue
    held_missing: Sequence[str] = ()  # what is missing of held funds, in words
    clocks: Sequence[Clock] = ()
    work: Sequence[Open] = ()
    proposals: Sequence[Proposal] = ()  # that wait
    unread: str = ""  # what is not read, in words; empty: nothing
    unexplained: int = 0  # balances
    # What rests where somebody could freeze it, and who; empty: nothing does.
    freezable: tuple[str, str] = ("", "")
    unasked: int | None = None  # places where somebody could act whom nobody asked; None: not known
    could: Sequence[str] = ()  # who that is, in words
    advice: str = ""  # who says whether they are asked
    asked: tuple[str, str] = ("", "")  # what following waits for, and what else is to be known
    questions: str = ""  # where that is answered
    requests: Sequence[Request] = ()  # to hold funds


def following(standing: Standing, path: str) -> list[Next]:
    """The first MOST of them. `path`: of the case's page."""
    found = [
        *_held(standing, path),
        *_freezable(standing, path),
        *_clocks(standing, path),
        *_asked(standing, path),
        *_requests(standing),
        *_nobody(standing),
        *_proposals(standing),
        *_unseen(standing, path),
    ]
    return found[:MOST]


def _held(standing: Standing, path: str) -> list[Next]:
    if not standing.held_missing:
        return []
    why = "; ".join(standing.held_missing)
    words = "Funds that must not move are missing."
    return [Next(words, f"{why}. Call whoever holds them.", f"{path}#held", "See what is missing")]


def _freezable(standing: Standing, path: str) -> list[Next]:
    figure, who = standing.freezable
    if standing.unasked == 0 or not (figure or standing.unasked):
        return []
    where = f"{plural(standing.unasked or 0, 'place')} where somebody could act"
    nobody = f"Nobody was asked about {where}"
    if figure:
        words, why = f"{figure} can still be frozen.", [f"{who}."]
        why += [f"{nobody}."] if standing.unasked is not None else []
    else:
        words, why = f"{nobody}: {_named(standing.could)}.", []
    why += [standing.advice] if standing.advice else []
    return [Next(words, " ".join(why), f"{path}#seized", "See who could act")]


def _named(could: Sequence[str]) -> str:
    rest = len(could) - NAMED
    return ", ".join((*could[:NAMED], *((f"{rest} more",) if rest > 0 else ())))


def _asked(standing: Standing, path: str) -> list[Next]:
    words, why = standing.asked
    at = standing.questions or f"{path}#flow"
    return [Next(words, why, at, "See what it is about")] if words else []


def _requests(standing: Standing) -> list[Next]:
    """Asked and no answer, the longest first; drafted and not sent."""
    found = []
    waiting = sorted((each.sent or 0, each.id, each) for each in standing.requests if each.open)
    if waiting:
        sent, _, first = waiting[0]
        words = f"{_to(first)} has not answered for {duration(standing.now - sent)}."
        last = first.last
        reference = f"Reference {quoted(last.reference)}. " if last and last.reference else ""
        more = f"{plural(len(waiting) - 1, 'more request')} without an answer."
        why = f"{reference}{more if len(waiting) > 1 else ''}".strip()
        found.append(Next(words, why, f"/request/{first.id}", "Record an answer"))
    drafted = [each for each in standing.requests if each.stage is Stage.PREPARED]
    if drafted:
        words = f"A request to {_to(drafted[0])} is drafted, and nobody recorded that it was sent."
        why = f"{len(drafted) - 1:,} more like it." if len(drafted) > 1 else ""
        found.append(Next(words, why, f"/request/{drafted[0].id}", "Look at it"))
    return found


def _to(request: Request) -> str:
    return tidy(request.to, 120) or "Whoever was asked (erased)"


def _clocks(standing: Standing, path: str) -> list[Next]:
    found = []
    for clock in standing.clocks:
        left = clocks.left(clock.due, clock.terms, standing.now)
        if clock.state == "running" and left < SOON:
            when = "ended" if left < 0 else "ends today" if left == 0 else f"ends {clock.due}"
            words = f"{clock.terms.get('title', clock.rule)} {when}."
            why = f"Started by {clock.name}: {quoted(clock.why)}"
            found.append(Next(words, why, f"{path}#clocks", "To the clock"))
    return found


def _nobody(standing: Standing) -> list[Next]:
    free = [each for each in standing.work if not each.holder]
    if not free:
        return []
    urgent = [each for each in free if each.severity in (Severity.SEVERE, Severity.HIGH)]
    late = overdue(free, standing.now, standing.after)
    words = f"Nobody has {len(free):,} of the {plural(len(standing.work), 'open alert')}."
    first = min(free, key=lambda each: (weight(each.severity), each.created))
    why = f"{len(urgent):,} severe or high, {late:,} overdue. The gravest: {first.id}."
    return [Next(words, why, f"/alert/{first.id}", "Open the gravest")]


def _proposals(standing: Standing) -> list[Next]:
    if not standing.proposals:
        return []
    first = standing.proposals[0]
    number = len(standing.proposals)
    waits = "waits" if number == 1 else "wait"
    words = f"{plural(number, 'proposal')} {waits} for a second person."
    return [Next(words, f"The oldest is of {first.name}.", f"/proposal/{first.id}", "Look at it")]


def _unseen(standing: Standing, path: str) -> list[Next]:
    found = []
    if standing.unread:
        words = "Not everything of this case is read."
        found.append(Next(words, f"{standing.unread}.", f"{path}#unknown", "See what is not known"))
    if standing.unexplained:
        words = f"{plural(standing.unexplained, 'balance')} of the chain is not explained."
        why = "Something moved that no list shows, or will yet."
        found.append(Next(words, why, f"{path}?tab=addresses", "Which"))
    return found
