"""Who has an alert at the desk: taken, noted, handed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.decide.desk.eyes import works_on
from monitor.loops import hands
from monitor.loops.desk.said import paragraphs, reason, the_person, wrong
from monitor.model.acts import Actor, Take
from monitor.model.acts_desk import Note
from monitor.model.desk_work import Remark
from monitor.model.errors import ConfigError
from monitor.model.ids import stable_id
from monitor.model.plain import is_same_name
from monitor.store import alerts, desk, desk_inbox
from monitor.store.commit import commit
from monitor.store.port import Reader, Store


def take(
    store: Store, actor: Actor, ids: Sequence[str], now: int, over: bool = False, why: str = ""
) -> str:  # fmt: skip
    """Yields what was done, in words. `over`: also what somebody else has, which needs a reason.
    Raises ConfigError, and takes nothing, where somebody else has one of them."""
    _there(store, ids)
    if over and _others(store, ids, actor.name):
        why = reason(why)
    given = [(each, [each]) for each in ids]
    try:
        return hands.take(store, given, hands.ACKNOWLEDGED, actor, why, now, over=over).said
    except ConfigError as error:
        remedy = "Ask them; to take it over all the same, say why"
        said = [replace(p, remedy=remedy) if p.place == "alert" else p for p in error.problems]
        raise ConfigError(said) from error


def _others(store: Reader, ids: Sequence[str], name: str) -> list[str]:
    held = alerts.last_states(store, ids)
    return [each.name for each in held.values() if not is_same_name(each.name, name)]


def _there(store: Reader, ids: Sequence[str]) -> None:
    found = alerts.states(store, ids)
    if missing := [each for each in ids if each not in found]:
        raise wrong("alert", missing[0], "is not there", "Look at the inbox again")


def note(
    store: Store,
    actor: Actor,
    case: str,
    alert: str | None,
    text: str,
    now: int,
    once: str,
    corrects: str | None = None,
) -> None:
    """Write about a case, or about one of its alerts. `corrects`: the earlier note that this one
    puts right; it stays. `once`: of a form, so that it writes once however often it is sent."""
    shown = paragraphs(text)
    if alert is not None:
        _there(store, [alert])
        case = desk.alert_cases(store, [alert])[alert]
    if corrects is not None and not desk.is_remark(store, corrects, case):
        raise wrong("note", corrects, "is no note of this case", "Open the case again")
    name = stable_id("K", "remark", actor.name, once)
    remark = Remark(name, now, case, alert, actor.name, actor.kind.value, shown, corrects)
    commit(store, actor, Note(now, remark))


def hand_over(store: Store, actor: Actor, ids: Sequence[str], to: str, why: str, now: int) -> None:
    """To somebody who can work on it, or ("") to nobody. Raises ConfigError where they cannot, and
    where an alert is closed."""
    why = reason(why)
    _there(store, ids)
    states = alerts.states(store, ids)
    if closed := [each for each in ids if states[each] == hands.CLOSED]:
        raise wrong("alert", closed[0], "is closed", "Open it again first, by taking it over")
    if to:
        to = _able(store, ids, to)
    state = hands.ACKNOWLEDGED if to else "open"
    step = (state, actor.recorded, to, why)
    wanted = [each for each in dict.fromkeys(ids) if _last_step(store, each) != step]
    commit(store, actor, Take(now, wanted, state, why, over=True, to=to))


def _last_step(store: Reader, alert: str) -> tuple[str, str, str, str] | None:
    """What was done with it last: a form may be sent twice."""
    steps = desk_inbox.history(store, alert)
    last = steps[-1] if steps else None
    return (last.state, last.name, last.holder, last.note) if last else None


def _able(store: Reader, ids: Sequence[str], to: str) -> str:
    person = the_person(store, to)
    for case in sorted({*desk.alert_cases(store, ids).values()}):
        inside = {each.person for each in desk.members(store, case) if each.until is None}
        if not works_on(person, case, inside):
            what = f"cannot work on case {case}" if case else "cannot work on alerts"
            remedy = "Make them a member of it first, or hand it to somebody else"
            raise wrong("person", person.name, what, remedy)
    return person.name
