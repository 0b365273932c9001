"""What needs a second person: proposed, agreed to, declined, withdrawn. And what needs nobody else,
but the program's hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.decide.desk import eyes
from monitor.loops.desk.said import again, reason, wrong
from monitor.model.acts import Actor
from monitor.model.acts_desk import End, People, Propose
from monitor.model.desk import DeskSettings, Person, Sight
from monitor.model.desk_work import ONE_PERSON, Eyes, Proposal, Standing
from monitor.model.errors import Conflict
from monitor.model.ids import stable_id
from monitor.model.plain import is_same_name
from monitor.store import desk
from monitor.store.commit import commit
from monitor.store.port import Reader, Store

ALL = Sight(None, loose=True)
CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to be done. `weighty`: it needs a second person. `text`: what whoever
    agrees agrees to; it is frozen. `once`: of a form, so that it is proposed once."""

    kind: str
    case: str
    args: Mapping[str, object]
    text: str
    why: str
    once: str
    weighty: bool = True
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Who:
    """Who could agree to what concerns a case."""

    people: People
    members: frozenset[str]
    able: tuple[Person, ...]


def who(store: Reader, settings: DeskSettings, case: str) -> Who:
    people = desk.people(store)
    inside = frozenset(m.person for m in desk.members(store, case) if m.until is None)
    able = eyes.agreeing(people, case, inside, settings.second_person)
    return Who(people, inside, tuple(able))


def propose(
    store: Store,
    settings: DeskSettings,
    actor: Actor,
    ask: Callable[[], Wish],
    now: int,
    alone: tuple[str, str] | None = None,
) -> Proposal:
    """Yields the proposal as it stands: it waits for another person, or it is done at once (a
    closing), or agreed to and done by the program. `ask` reads anew whatever it tells of. `alone`:
    kind and case of proposals of which `ask` looks whether another one is open about the same."""

    def decide() -> Proposal:
        beside = frozenset[str]() if alone is None else desk.open_ids(store, *alone)
        wish = ask()
        name = stable_id("P", wish.kind, actor.name, wish.once)
        there = desk.proposal(store, ALL, name)
        if there is not None:
            return there
        basis = ""
        if wish.alerts:
            basis = desk.basis(store, wish.alerts)
            wish = ask()  # what stands in the text is not older than `basis`
        found = who(store, settings, wish.case)
        seen = eyes.eyes(actor, found.able) if wish.weighty else Eyes.NONE
        new = _made(name, wish, actor, seen, now)
        outcome = str(wish.args["outcome"]) if new.state is Standing.DONE else ""
        others = None if alone is None else beside
        act = Propose(now, new, found.people, found.members, basis, outcome, others)
        commit(store, actor, act)
        return new

    return again(decide)


def _made(name: str, wish: Wish, actor: Actor, seen: Eyes, now: int) -> Proposal:
    digest = hashlib.sha256(wish.text.encode()).hexdigest()
    door = actor.kind.value
    new = Proposal(
        *(name, now, wish.kind, wish.case, wish.args, wish.text, digest, wish.why, actor.name),
        *(door, seen, tuple(sorted(wish.alerts))),
    )
    if seen is Eyes.SECOND:
        return new
    said = ONE_PERSON if seen is Eyes.ONE else ""
    state = Standing.DONE if wish.kind == CLOSE else Standing.AGREED
    return replace(new, state=state, ended=now, ended_by=actor.name, said=said)


def answer(
    store: Store,
    settings: DeskSettings,
    actor: Actor,
    proposal: str,
    yes: bool,
    why: str,
    now: int,
) -> Proposal:
    """Agree to a proposal, or decline it with a reason. Raises ConfigError where they may not
    agree, Conflict where it does not wait any more."""
    why = why.strip() and reason(why) if yes else reason(why)

    def decide() -> Proposal:
        was, found = _waiting(store, settings, proposal)
        if no := eyes.hindrance(actor, was, found.able):
            raise wrong("proposal", was.id, "cannot be answered by you", no)
        if not yes:
            end = End(now, was, Standing.DECLINED, why, found.people, found.members)
        else:
            seen = eyes.agreed_eyes(actor, was)
            said = "; ".join(filter(None, (ONE_PERSON if seen is Eyes.ONE else "", why)))
            closes = was.kind == CLOSE
            state = Standing.DONE if closes else Standing.AGREED
            outcome = str(was.args["outcome"]) if closes else ""
            end = End(now, was, state, said, found.people, found.members, seen, outcome)
        commit(store, actor, end)
        return replace(was, state=end.state, ended=now, ended_by=actor.name, said=end.said)

    return again(decide)


def _waiting(
    store: Reader, settings: DeskSettings, proposal: str
) -> tuple[Proposal, Who]:  # fmt: skip
    was = desk.proposal(store, ALL, proposal)
    if was is None:
        raise wrong("proposal", proposal, "is not there", "See what waits in the inbox")
    if was.state is not Standing.WAITING:
        by = f" by {was.ended_by}" if was.ended_by else ""
        said = f": {was.said}" if was.said else ""
        raise Conflict(f"{was.id} does not wait any more: it is {was.state}{by}{said}")
    return was, who(store, settings, was.case)


def withdraw(
    store: Store, settings: DeskSettings, actor: Actor, proposal: str, why: str, now: int
) -> None:
    """Take back what oneself proposed."""
    why = reason(why)

    def decide() -> None:
        was, _ = _waiting(store, settings, proposal)
        if not is_same_name(was.name, actor.name):
            remedy = f"{was.name} proposed it: they withdraw it, you may decline it"
            raise wrong("proposal", was.id, "is not yours", remedy)
        commit(store, actor, End(now, was, Standing.WITHDRAWN, why))

    again(decide)


def carried_out(
    store: Store, actor: Actor, was: Proposal, said: str, failed: bool, now: int
) -> None:
    """What came of what was agreed to."""
    state = Standing.FAILED if failed else Standing.DONE
    said = "; ".join(filter(None, (ONE_PERSON if was.eyes is Eyes.ONE else "", said)))
    commit(store, actor, End(now, was, state, said[:2000]))


def waiting(store: Reader, names: Sequence[str] = ()) -> list[Proposal]:
    """All that wait for a second person; or of these names those that do."""
    found = desk.proposals(store, ALL, Standing.WAITING)
    return [each for each in found if not names or each.id in names]
