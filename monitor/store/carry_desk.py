"""What acts at the desk make of the record, written inside a transaction. Whatever was decided on
what has changed meanwhile is refused, to be decided again."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from monitor.model.acts import Actor, ActorKind, Take, Tell
from monitor.model.acts_desk import (
    CloseTold,
    End,
    EndClock,
    HandOut,
    Note,
    PassOn,
    People,
    Propose,
    SetMember,
    SetPerson,
    StartClock,
    TellClock,
)
from monitor.model.desk import Person
from monitor.model.desk_work import Clock, Proposal, Standing
from monitor.model.errors import Conflict
from monitor.store import alerts, desk, lapse
from monitor.store.log import Part, canonical, cases_of
from monitor.store.port import Connection

Row = dict[str, object]


def about(case: str) -> frozenset[str]:
    return frozenset({case} - {""})


def insert(conn: Connection, table: str, row: Mapping[str, object]) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    conn.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", (*row.values(),))


def is_there(conn: Connection, table: str, name: str) -> bool:
    """Whether this was done already: a form that is sent twice does it once."""
    return conn.execute(f"SELECT 1 FROM {table} WHERE id = ?", (name,)).fetchone() is not None


# -- people --------------------------------------------------------------------------------------


def _unchanged(conn: Connection, people: People) -> None:
    if desk.people_now(conn) != people:
        raise Conflict("who may use the desk has just been changed by somebody else. Try again")


def carry_person(conn: Connection, actor: Actor, act: SetPerson) -> tuple[None, list[Part]]:
    """Raises Conflict where who may use the desk has changed since that was decided: of two who
    each make the last but one lead something else, one is refused."""
    _unchanged(conn, act.people)
    was = next((each for each in act.people if each.name == act.person.name), None)
    columns = ("role", "reports", "added", "enrolled", "disabled")
    now = _person(act.person)
    if was is None:
        insert(conn, "person", {"name": act.person.name, **now})
    else:
        told = ", ".join(f"{name} = ?" for name in columns)
        values = [now[name] for name in columns]
        conn.execute(f"UPDATE person SET {told} WHERE name = ?", (*values, act.person.name))
    body = {"person": act.person.name, "was": was and _person(was), "is": now, "why": act.why}
    parts = [Part("person", body)]
    if act.frees:
        freed = Take(act.at, act.frees, "open", act.why, over=True, to="")
        parts += alerts.carry_take(conn, actor, freed)[1]
    if act.alerts:
        parts += alerts.carry_tell(conn, actor, Tell(act.at, act.alerts, act.routes))[1]
    return None, parts


def _person(person: Person) -> Row:
    return {
        **{"role": person.role.value, "reports": int(person.reports), "added": person.added},
        **{"enrolled": person.enrolled, "disabled": person.disabled},
    }


def carry_member(conn: Connection, _actor: Actor, act: SetMember) -> tuple[None, list[Part]]:
    """Raises Conflict where they are one, or are none, already."""
    member, inside = act.member, act.member.until is None
    if (member.person in desk.members_now(conn, member.case)) == inside:
        raise Conflict(f"{member.person} {'is' if inside else 'is not'} a member already")
    row = {"case_id": member.case, "person": member.person, "since": member.since}
    if inside:
        insert(conn, "member", {**row, "until": None})
    else:
        where = "case_id = ? AND person = ? AND since = ? AND until IS NULL"
        conn.execute(f"UPDATE member SET until = ? WHERE {where}", (member.until, *row.values()))
    told = {"case": member.case, "person": member.person, "since": member.since}
    body = {**told, "until": member.until, "why": act.why}
    return None, [Part("member", body, about(member.case))]


# -- what they write -----------------------------------------------------------------------------


def carry_note(conn: Connection, _actor: Actor, act: Note) -> tuple[str, list[Part]]:
    note = act.remark
    if is_there(conn, "remark", note.id):
        return note.id, []
    row = {
        **{"id": note.id, "at": note.at, "case_id": note.case, "alert": note.alert},
        **{"name": note.name, "door": note.door, "text": note.text, "corrects": note.corrects},
    }
    insert(conn, "remark", row)
    body = {("case" if name == "case_id" else name): value for name, value in row.items()}
    return note.id, [Part("remark", body, about(note.case))]


# -- what they propose ---------------------------------------------------------------------------


def carry_propose(conn: Connection, actor: Actor, act: Propose) -> tuple[str, list[Part]]:
    """Raises Conflict where who could agree, or an alert, has changed since it was decided."""
    new = act.proposal
    if is_there(conn, "proposal", new.id):
        return new.id, []
    _unchanged(conn, act.people)
    _same_members(conn, new.case, act.members)
    if act.others is not None and desk.open_now(conn, new.kind, new.case) != act.others:
        raise Conflict("something else of this was just asked for. Look at it again")
    if new.alerts and desk.basis_now(conn, new.alerts) != act.basis:
        raise Conflict("an alert has just changed. Look at it again")
    row = {
        **{"id": new.id, "at": new.at, "kind": new.kind, "case_id": new.case},
        **{"args": canonical(new.args), "text": new.text, "digest": new.digest, "why": new.why},
        **{"name": new.name, "door": new.door, **_ended(new), "escalated": None},
    }
    insert(conn, "proposal", row)
    _insert_many(conn, new)
    body = {("case" if name == "case_id" else name): value for name, value in row.items()}
    parts = [Part("proposal", {**body, "alerts": [*new.alerts]}, about(new.case))]
    if act.outcome:
        parts += _close(conn, new, act.at, act.outcome, actor)
    return new.id, parts


def _insert_many(conn: Connection, new: Proposal) -> None:
    conn.executemany(
        "INSERT INTO proposal_alert (proposal, alert) VALUES (?,?)",
        [(new.id, each) for each in new.alerts],
    )


def _same_members(conn: Connection, case: str, members: Collection[str]) -> None:
    if desk.members_now(conn, case) != frozenset(members):
        raise Conflict(f"the members of case {case} have just changed. Try again")


def _close(
    conn: Connection, new: Proposal, at: int, outcome: str, agrees: Actor
) -> list[Part]:  # fmt: skip
    """The alerts of a proposal, in the name of who proposed it."""
    who = Actor(ActorKind(new.door), new.name, "")
    also = "" if (agrees.name, agrees.kind) == (who.name, who.kind) else f" ({agrees.name} agreed)"
    act = Take(at, new.alerts, "closed", f"{new.why}{also}", outcome=outcome)
    return alerts.take_as(conn, who, act, by=True)[1]


def _ended(proposal: Proposal) -> Row:
    return {
        **{"eyes": proposal.eyes.value, "state": proposal.state.value, "ended": proposal.ended},
        **{"ended_by": proposal.ended_by, "said": proposal.said},
    }


def carry_end(conn: Connection, actor: Actor, act: End) -> tuple[None, list[Part]]:
    """Raises Conflict where somebody was faster."""
    was = act.was
    if desk.proposal_now(conn, was.id) != was:
        raise Conflict(f"{was.id} has just been answered, or it lapsed. Look at it again")
    if act.people is not None:
        _unchanged(conn, act.people)
        _same_members(conn, was.case, act.members)
    carried = act.state in (Standing.DONE, Standing.FAILED) and was.state is Standing.AGREED
    now: Row = {
        **{"eyes": (act.eyes or was.eyes).value, "state": act.state.value, "said": act.said},
        "ended": was.ended if carried else act.at,
        "ended_by": was.ended_by if carried else actor.name,
    }
    parts = [lapse.end(conn, was.id, was.case, _ended(was), now)]
    if act.outcome:
        parts += _close(conn, was, act.at, act.outcome, actor)
    return None, parts


def carry_pass_on(conn: Connection, actor: Actor, act: PassOn) -> tuple[None, list[Part]]:
    """Those of them that still wait, and were not passed on."""
    found: dict[str, list[str]] = {}
    for name in act.proposals:
        row = conn.execute(
            "UPDATE proposal SET escalated = ? WHERE id = ? AND state = 'waiting' "
            "AND escalated IS NULL RETURNING case_id",
            (act.at, name),
        ).fetchone()
        if row is None:
            raise Conflict(f"{name} has just been answered")
        found.setdefault(row["case_id"], []).append(name)
    parts = [
        Part("passed on", {"case": case, "proposals": names}, about(case))
        for case, names in found.items()
    ]
    return None, parts + alerts.carry_tell(conn, actor, Tell(act.at, act.alerts, act.routes))[1]


# -- clocks --------------------------------------------------------------------------------------


def carry_clock(conn: Connection, _actor: Actor, act: StartClock) -> tuple[str, list[Part]]:
    new = act.clock
    if is_there(conn, "clock", new.id):
        return new.id, []
    row = {
        **{"id": new.id, "case_id": new.case, "rule": new.rule, "terms": canonical(new.terms)},
        **{"started": new.started, "due": new.due, "name": new.name, "door": new.door},
        **{"why": new.why, **_clock(new)},
    }
    insert(conn, "clock", row)
    body = {("case" if name == "case_id" else name): value for name, value in row.items()}
    return new.id, [Part("clock", body, about(new.case))]


def _clock(clock: Clock) -> Row:
    return {
        **{"state": clock.state, "ended": clock.ended, "ended_by": clock.ended_by},
        **{"said": clock.said, "told": clock.told},
    }


def carry_clock_end(conn: Connection, actor: Actor, act: EndClock) -> tuple[None, list[Part]]:
    """Raises Conflict where somebody was faster."""
    now = {"state": act.state, "ended": act.at, "ended_by": actor.name, "said": act.said}
    return None, [_change_clock(conn, act.was, {**_clock(act.was), **now})]


def carry_clock_told(conn: Connection, actor: Actor, act: TellClock) -> tuple[None, list[Part]]:
    part = _change_clock(conn, act.was, {**_clock(act.was), "told": act.step})
    told = alerts.carry_tell(conn, actor, Tell(act.at, act.alerts, act.routes))[1]
    return None, [part, *told]


def _change_clock(conn: Connection, was: Clock, now: Row) -> Part:
    row = conn.execute("SELECT * FROM clock WHERE id = ?", (was.id,)).fetchone()
    if row is None or desk.to_clock(row) != was:
        raise Conflict(f"clock {was.id} has just been changed by somebody else. Look at it again")
    columns = ", ".join(f"{column} = ?" for column in now)
    conn.execute(f"UPDATE clock SET {columns} WHERE id = ?", (*now.values(), was.id))
    body = {"clock": was.id, "case": was.case, "was": _clock(was), "is": now}
    return Part("clock ended", body, about(was.case))


# -- the rule "told" -----------------------------------------------------------------------------


def carry_told(conn: Connection, _actor: Actor, act: CloseTold) -> tuple[int, list[Part]]:
    """No line of history each: of a quiet lane there are millions, and the log names each once."""
    wanted = json.dumps([*act.alerts])
    rows = conn.execute(
        "UPDATE alert SET state = 'closed', outcome = 'told', closed = ? WHERE state <> 'closed' "
        "AND id IN (SELECT value FROM json_each(?)) RETURNING id, entry",
        (act.at, wanted),
    ).fetchall()
    cases = cases_of(conn, {row["entry"] for row in rows if row["entry"]})
    found: dict[frozenset[str], list[str]] = {}
    for row in rows:
        found.setdefault(about(cases.get(row["entry"] or "", "")), []).append(row["id"])
    return len(rows), [Part("told", {"alerts": ids}, mine) for mine, ids in found.items()]


# -- what goes to others -------------------------------------------------------------------------

_TOLD = (
    "SELECT 1 FROM log_case c JOIN log_text t ON t.seq = c.seq "
    "WHERE c.case_id = ? AND instr(t.text, ?) LIMIT 1"
)


def carry_hand_out(conn: Connection, _actor: Actor, act: HandOut) -> tuple[bool, list[Part]]:
    told = {"case": act.case, "id": act.id, "what": act.what, "notes": act.notes}
    if conn.execute(_TOLD, (act.case, canonical({"id": act.id})[1:-1])).fetchone() is not None:
        return False, []
    body = {**told, "sha256": act.sha256, "size": act.size}
    return True, [Part("handed out", body, about(act.case))]
