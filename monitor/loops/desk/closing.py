"""Alerts are closed: with a reason from the list and a sentence; severe and high ones by two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from monitor.decide.desk.eyes import WEIGHTY
from monitor.loops import hands
from monitor.loops.desk.proposing import ALL, CLOSE, Wish, propose
from monitor.loops.desk.proposing import waiting as waiting_proposals
from monitor.loops.desk.said import reason, wrong
from monitor.model import Alert, Severity
from monitor.model.acts import Actor, Take
from monitor.model.desk import DeskSettings
from monitor.model.desk_work import GIVEN, OUTCOMES, Outcome, Proposal, Standing
from monitor.model.errors import Conflict
from monitor.model.plain import case_said, plural, rfc3339, utc
from monitor.store import alerts, desk
from monitor.store.commit import commit
from monitor.store.port import Reader, Store


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of alerts that somebody wanted to close."""

    closed: Sequence[str] = ()  # at once
    proposals: Sequence[Proposal] = ()  # one for each case, of severe and high ones
    left: Sequence[str] = ()  # severe ones of a group: each is closed by itself
    before: Sequence[str] = ()  # closed already
    waiting: Sequence[str] = ()  # for a second person already, by another proposal
    said: str = field(default="", compare=False)


def close(
    store: Store,
    settings: DeskSettings,
    actor: Actor,
    ids: Sequence[str],
    outcome: str,
    why: str,
    now: int,
    once: str,
    *,
    together: bool = False,
) -> Closing:
    """Close alerts: medium and low ones at once, high and severe ones as a proposal (one a case),
    which is done at once where no second person exists. Of several, severe ones are left; but of
    one movement and its correction (`together`), where either all close at once or all wait in one
    proposal. The same form once more changes nothing. Raises ConfigError without a reason; Conflict
    where all are closed by somebody else."""
    why, told = reason(why), _outcome(outcome)
    ids = list(dict.fromkeys(ids))
    found = alerts.of_ids(store, ids)
    if missing := [each for each in ids if each not in found]:
        raise wrong("alert", missing[0], "is not there", "Look at the inbox again")
    severe = [each for each in ids if found[each].severity is Severity.SEVERE]
    left = severe if len(ids) > 1 and not together else []
    mine = [each for each in ids if each not in left]
    states = alerts.states(store, mine)
    before = [each for each in mine if states[each] == hands.CLOSED]
    waiting = _waiting(store, mine, once)
    heavy = [a for a in mine if found[a].severity in WEIGHTY]
    heavy = mine if together and heavy else heavy
    weighty = [a for a in heavy if a not in waiting]
    proposals = _propose(store, settings, actor, weighty, told, why, now, once)
    light = [each for each in mine if each not in heavy and each not in before]
    closed = commit(store, actor, Take(now, light, hands.CLOSED, why, outcome=told))
    if before and len(before) == len(ids) and not proposals:
        _explain(store, before[0], actor, why)
    done = [a for p in proposals if p.state is Standing.DONE for a in p.alerts]
    made = Closing([*closed, *done], proposals, left, before, waiting)
    return replace(made, said=_said(made))


def _waiting(store: Reader, ids: Sequence[str], once: str) -> list[str]:
    """Those of these that somebody has proposed to close already. Raises ConfigError where it is
    the only one."""
    by: dict[str, str] = {}
    for each in waiting_proposals(store):
        if each.kind == CLOSE and each.args.get("once") != once:
            by |= dict.fromkeys(each.alerts, each.id)
    found = [each for each in ids if each in by]
    if len(ids) == 1 and found:
        remedy = "Agree to that one, or have it withdrawn"
        said = f"waits for a second person already: {by[ids[0]]}"
        raise wrong("alert", ids[0], said, remedy)
    return found


def _outcome(key: str) -> Outcome:
    if key not in GIVEN:
        remedy = f"Choose one of {', '.join(GIVEN)}"
        raise wrong("outcome", key, "is no reason to close", remedy)
    return Outcome(key)


def _explain(store: Reader, alert: str, actor: Actor, why: str) -> None:
    """The same form once more is no conflict."""
    word = alerts.last_states(store, [alert])[alert]
    if word.name != actor.recorded or word.note != why:
        raise Conflict(f"{alert} is closed already, by {word.name} since {utc(word.at)}")


def _propose(
    store: Store,
    settings: DeskSettings,
    actor: Actor,
    ids: Sequence[str],
    outcome: Outcome,
    why: str,
    now: int,
    once: str,
) -> list[Proposal]:
    cases = desk.alert_cases(store, ids)
    found = []
    for case in sorted({*cases.values()}):
        mine = [each for each in ids if cases[each] == case]

        def ask(case: str = case, mine: Sequence[str] = tuple(mine)) -> Wish:
            return _wish(store, case, mine, outcome, why, once)

        if _all_closed(store, mine) and not _is_ours(store, actor, mine, once):
            continue
        found.append(propose(store, settings, actor, ask, now))
    return found


def _all_closed(store: Reader, ids: Sequence[str]) -> bool:
    return {*alerts.states(store, ids).values()} == {hands.CLOSED}


def _is_ours(store: Reader, actor: Actor, ids: Sequence[str], once: str) -> bool:
    """Whether the same form has closed them."""
    return any(
        each.args.get("once") == once and each.name == actor.name
        for each in desk.proposals(store, ALL, alert=ids[0])
    )


def _wish(
    store: Reader, case: str, ids: Sequence[str], outcome: Outcome, why: str, once: str
) -> Wish:
    """Of those that are not closed."""
    states, found = alerts.states(store, ids), alerts.of_ids(store, ids)
    open_ = [each for each in ids if states[each] != hands.CLOSED] or [*ids]
    text = closing_text([found[each] for each in open_], case, outcome, why)
    args = {"outcome": outcome.value, "once": once}
    return Wish(CLOSE, case, args, text, why, f"{once} {case}", alerts=tuple(open_))


def closing_text(found: Sequence[Alert], case: str, outcome: Outcome, why: str) -> str:
    """What whoever agrees agrees to."""
    about = f" of case {case_said(case)}" if case else ""
    lines = [f'Close {plural(len(found), "alert")}{about} as "{OUTCOMES[outcome]}".']
    for alert in found:
        what = " ".join(filter(None, (alert.severity.value, alert.kind.value)))
        where = " ".join(filter(None, (alert.chain, alert.tx)))
        told = f", told {rfc3339(alert.created)}"
        lines.append(f"{alert.id}: {what}{f', {where}' if where else ''}{told}")
    return "\n".join([*lines, f"Why: {why}"])


def _said(made: Closing) -> str:
    """In words, a sentence for each."""
    said = [f"{plural(len(made.closed), 'alert')} closed."] if made.closed else []
    for each in made.proposals:
        if each.state is Standing.WAITING:
            number = plural(len(each.alerts), "alert")
            said.append(f"{each.id} waits for a second person: {number}.")
    if made.waiting:
        said.append(f"{plural(len(made.waiting), 'alert')} waited for a second person before.")
    if made.before:
        said.append(f"{plural(len(made.before), 'alert')} closed before.")
    if made.left:
        names = ", ".join(made.left[:10]) + (" ..." if len(made.left) > 10 else "")
        verb = "is" if len(made.left) == 1 else "are"
        said.append(f"{len(made.left):,} severe {verb} left, each is closed by itself: {names}.")
    return " ".join(said)
