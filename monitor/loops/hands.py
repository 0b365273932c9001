"""Who has an alert in hand: the same rules for the command, the page and a request.

An alert is taken by a name; closing needs the reason; what somebody else has is taken over
only by somebody who says so, and the answer names who had it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from monitor.model.acts import DAEMON, Actor, ActorKind, Take
from monitor.model.acts_desk import Note
from monitor.model.desk_work import Remark
from monitor.model.errors import ConfigError, Problem
from monitor.model.ids import stable_id
from monitor.model.plain import CLAIMED, ERASED, tidy, utc
from monitor.store import desk
from monitor.store.alerts import LastState, LastStates, last_states
from monitor.store.commit import commit
from monitor.store.port import Store

LONGEST_NOTE = 500
ACKNOWLEDGED, CLOSED = "acknowledged", "closed"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of alerts that somebody took or closed."""

    alerts: Collection[str]  # those that changed
    said: str  # what was done, a line for each of what was named


def note_of(note: str, state: str) -> str:
    """The note to record. Raises ConfigError where an alert is closed without a reason."""
    return reason_of(note, "--note") if state == CLOSED else tidy(note, LONGEST_NOTE)


def reason_of(text: str, option: str) -> str:
    """The reason to record. Raises ConfigError, naming the option, where there is none."""
    shown = tidy(text, LONGEST_NOTE)
    if not shown:
        raise ConfigError([Problem(option, text, "is empty", "Say why: the reason is recorded")])
    return shown


def take(
    store: Store,
    given: Sequence[tuple[str, Sequence[str]]],
    state: str,
    actor: Actor,
    note: str,
    now: int,
    *,
    over: bool = False,
    outcome: str = "",
) -> Taken:
    """Acknowledge or close alerts.

    `given`: what somebody named, with the alerts that it stands for. A message is taken as
    far as its alerts are free. `over`: also what somebody else has. Raises ConfigError, and
    changes nothing, where something cannot be taken; the error names who has it.
    """
    name, note = _own(actor.name), note_of(note, state)
    every = list(dict.fromkeys(alert for _, alerts in given for alert in alerts))
    held = last_states(store, every)
    problems = [
        problem
        for said, alerts in given
        if (problem := _hindrance(said, alerts, state, name, held, over=over))
    ]
    if problems:
        raise ConfigError(problems)
    mine = [a for a in every if a in held and state == ACKNOWLEDGED and _has(held[a], name)]
    wanted = [a for a in every if a not in mine and (over or _is_free(held.get(a), state, name))]
    changed = commit(store, actor, Take(now, wanted, state, note, over, outcome))
    taken = set(changed)
    taken.update(_more(store, {a: held[a] for a in mine}, actor, note, now))
    lines = [_line(said, alerts, state, name, held, taken) for said, alerts in given]
    return Taken(taken, "\n".join(lines))


def _more(store: Store, mine: LastStates, actor: Actor, note: str, now: int) -> set[str]:
    """What somebody has already gets a further note, which a browser may send twice. Whoever has
    signed in has it from then on under their own name, where it was typed before; and no typed
    name takes that from them."""
    signed = actor.kind is ActorKind.PERSON
    proven = {a for a, word in mine.items() if word.door == ActorKind.PERSON}
    again = [a for a, word in mine.items() if note and word.note != note]
    again = [a for a in again if signed or a not in proven]
    again += [a for a in mine if signed and a not in proven and a not in again]
    changed = {*commit(store, actor, Take(now, again, ACKNOWLEDGED, note, over=True))}
    if note and not signed:
        cases = desk.alert_cases(store, proven)
        for alert, case in cases.items():
            line = stable_id("K", "note", actor.name, alert, note)
            said = Remark(line, now, case, alert, actor.name, actor.kind.value, note)
            commit(store, actor, Note(now, said))
            changed.add(alert)
    return changed


def _own(name: str) -> str:
    """Beside an alert the name stands alone. Raises ConfigError for one that would read there as
    if the program had done it, or as if a name had been erased."""
    if name in (DAEMON.name, ERASED):
        raise ConfigError([Problem("name", name, "is not a person's", "Give your own name")])
    return name


def _hindrance(
    said: str,
    alerts: Sequence[str],
    state: str,
    name: str,
    held: LastStates,
    *,
    over: bool,
) -> Problem | None:
    if over or any(_is_free(held.get(alert), state, name) for alert in alerts):
        return None
    word = held[alerts[0]]
    why = f"is {word.state} by {word.name} since {utc(word.at)}"
    also = "" if len(alerts) == 1 else f", all of its {len(alerts)} alerts are taken"
    remedy = "Ask them; to take it over all the same: --take-over"
    return Problem("alert", said, f"{why}{also}", remedy)


def _is_free(word: LastState | None, state: str, name: str) -> bool:
    """Whether it may be taken without taking it from somebody."""
    if word is None or word.state == "open":
        return True
    if state == CLOSED:
        return word.state != CLOSED
    return _has(word, name)


def _has(word: LastState, name: str) -> bool:
    return word.state == ACKNOWLEDGED and _same(word.name, name)


def _same(one: str, other: str) -> bool:
    return one.removesuffix(CLAIMED).strip().casefold() == other.casefold()


def _line(
    said: str,
    alerts: Sequence[str],
    state: str,
    name: str,
    held: LastStates,
    taken: set[str],
) -> str:
    mine = [alert for alert in alerts if alert in taken]
    others = dict.fromkeys(
        held[alert].name
        for alert in alerts
        if alert in held and held[alert].name and not _same(held[alert].name, name)
    )
    had = f" ({', '.join(others)} had {'it' if len(alerts) == 1 else 'some'})" if others else ""
    if list(alerts) == [said]:
        return f"{state:<9} {said} by {name}{had}"
    left = len(alerts) - len(mine)
    rest = f", {left} were so or closed before" if left else ""
    return f"{state:<9} {len(mine)} of {len(alerts)} alerts of {said} by {name}{rest}{had}"
