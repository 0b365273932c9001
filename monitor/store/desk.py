"""What people at the desk decided: reads. What is shown on a page takes a Sight."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from monitor.model.desk import Person, Role, Sight
from monitor.model.desk_work import Clock, Eyes, Member, Proposal, Remark, Standing
from monitor.store.desk_schema import WORK
from monitor.store.port import Connection, Fields, Reader
from monitor.store.sight import of_case

_PEOPLE = "SELECT * FROM person ORDER BY name"
# As the index of what is open has it.
_OPEN = "state IN ('waiting', 'agreed')"


def to_person(row: Fields) -> Person:
    return Person(
        *(row["name"], Role(row["role"]), bool(row["reports"])),
        *(row["added"], row["enrolled"], row["disabled"]),
    )


def person(store: Reader, name: str) -> Person | None:
    rows = store.read("SELECT * FROM person WHERE name = ?", [name])
    return to_person(rows[0]) if rows else None


def people(store: Reader) -> tuple[Person, ...]:
    """Everybody, also who may no longer; by name."""
    return tuple(map(to_person, store.read(_PEOPLE)))


def people_now(conn: Connection) -> tuple[Person, ...]:
    """The same, inside a transaction."""
    return tuple(map(to_person, conn.execute(_PEOPLE)))


def cases_of(store: Reader, name: str) -> frozenset[str]:
    """The cases of which somebody is a member."""
    rows = store.read("SELECT case_id FROM member WHERE person = ? AND until IS NULL", [name])
    return frozenset(row["case_id"] for row in rows)


_MEMBERS = "SELECT person FROM member WHERE case_id = ? AND until IS NULL"


def members(store: Reader, case: str) -> list[Member]:
    """Whoever is and was a member of a case, in the order of their coming."""
    rows = store.read("SELECT * FROM member WHERE case_id = ? ORDER BY since, person", [case])
    return [Member(row["case_id"], row["person"], row["since"], row["until"]) for row in rows]


def members_now(conn: Connection, case: str) -> frozenset[str]:
    """The names of who is one, inside a transaction."""
    return frozenset(row["person"] for row in conn.execute(_MEMBERS, (case,)))


# -- what they write -----------------------------------------------------------------------------


def remarks(
    store: Reader, sight: Sight, case: str | None = None, alert: str | None = None
) -> list[Remark]:
    """Of a case with its alerts, or of an alert; oldest first."""
    seen, params = of_case(sight)
    where = [seen]
    for column, value in (("case_id", case), ("alert", alert)):
        if value is not None:
            where.append(f"{column} = ?")
            params.append(value)
    sql = f"SELECT * FROM remark WHERE {' AND '.join(where)} ORDER BY at, rowid"
    return [to_remark(row) for row in store.read(sql, params)]


def to_remark(row: Fields) -> Remark:
    return Remark(
        *(row["id"], row["at"], row["case_id"], row["alert"], row["name"], row["door"]),
        *(row["text"], row["corrects"]),
    )


# -- what they propose ---------------------------------------------------------------------------


def proposals(
    store: Reader,
    sight: Sight,
    state: str | None = None,
    case: str | None = None,
    alert: str | None = None,
    kind: str | None = None,
) -> list[Proposal]:
    """Oldest first."""
    seen, params = of_case(sight)
    where = [seen]
    if state is not None:
        where.append(f"{_OPEN} AND state = ?" if state in ("waiting", "agreed") else "state = ?")
        params.append(state)
    if case is not None:
        where.append("case_id = ?")
        params.append(case)
    if kind is not None:
        where.append("kind = ?")
        params.append(kind)
    if alert is not None:
        where.append("id IN (SELECT proposal FROM proposal_alert WHERE alert = ?)")
        params.append(alert)
    sql = f"SELECT * FROM proposal WHERE {' AND '.join(where)} ORDER BY at, rowid"
    return _proposals(store, store.read(sql, params))


def proposal(store: Reader, sight: Sight, name: str) -> Proposal | None:
    seen, params = of_case(sight)
    rows = store.read(f"SELECT * FROM proposal WHERE id = ? AND {seen}", [name, *params])
    found = _proposals(store, rows)
    return found[0] if found else None


def _proposals(store: Reader, rows: Sequence[Fields]) -> list[Proposal]:
    about: dict[str, list[str]] = {row["id"]: [] for row in rows}
    sql = "SELECT proposal, alert FROM proposal_alert WHERE proposal IN ({}) ORDER BY alert"
    for row in store.read_in(sql, about):
        about[row["proposal"]].append(row["alert"])
    return [to_proposal(row, about[row["id"]]) for row in rows]


def to_proposal(row: Fields, alerts: Iterable[str]) -> Proposal:
    return Proposal(
        *(row["id"], row["at"], row["kind"], row["case_id"], json.loads(row["args"])),
        *(row["text"], row["digest"], row["why"], row["name"], row["door"], Eyes(row["eyes"])),
        *(tuple(alerts), Standing(row["state"]), row["ended"], row["ended_by"], row["said"]),
        row["escalated"],
    )


def proposal_now(conn: Connection, name: str) -> Proposal | None:
    """Inside a transaction."""
    row = conn.execute("SELECT * FROM proposal WHERE id = ?", (name,)).fetchone()
    if row is None:
        return None
    sql = "SELECT alert FROM proposal_alert WHERE proposal = ? ORDER BY alert"
    return to_proposal(row, [each["alert"] for each in conn.execute(sql, (name,))])


_OPEN_IDS = f"SELECT id FROM proposal WHERE {_OPEN} AND kind = ? AND case_id = ?"


def open_ids(store: Reader, kind: str, case: str) -> frozenset[str]:
    """Proposals of a kind in a case that are not decided on or not carried out yet."""
    return frozenset(row["id"] for row in store.read(_OPEN_IDS, [kind, case]))


def open_now(conn: Connection, kind: str, case: str) -> frozenset[str]:
    """The same, inside a transaction."""
    return frozenset(row["id"] for row in conn.execute(_OPEN_IDS, (kind, case)))


def counts(store: Reader) -> dict[str, int]:
    """For health and reports: `waiting` proposals, those `agreed` to that are not carried out yet,
    and how many things were done by `one` person because no second existed."""
    found = {
        row["state"]: row["n"]
        for row in store.read(
            f"SELECT state, count(*) AS n FROM proposal WHERE {_OPEN} GROUP BY state"
        )
    }
    sql = "SELECT count(*) AS n FROM proposal WHERE eyes = 'one' AND state IN ('done', 'agreed')"
    one = store.read(sql)[0]["n"]
    return {"waiting": found.get("waiting", 0), "agreed": found.get("agreed", 0), "one": one}


def by_one(store: Reader, sight: Sight, case: str | None = None) -> int:
    """How many things one person did because no second existed; of a case for its report."""
    seen, params = of_case(sight)
    mine = "" if case is None else "AND case_id = ?"
    sql = f"SELECT count(*) AS n FROM proposal WHERE eyes = 'one' AND {seen} {mine}"
    return int(store.read(sql, [*params, *([] if case is None else [case])])[0]["n"])


# How alerts stand: with it changes what somebody read of them before they decided.
_BASIS = (
    "SELECT a.id, a.state, (SELECT count(*) FROM alert o WHERE o.entry = a.entry "
    "AND o.tx = a.tx) AS told, (SELECT count(*) || ' ' || total(t.version) FROM transfer t "
    "WHERE t.chain = a.chain AND t.tx = a.tx) AS rows FROM alert a "
    "WHERE a.id IN (SELECT value FROM json_each(?)) ORDER BY a.id"
)


def basis(store: Reader, alerts: Sequence[str]) -> str:
    """A digest of how alerts stand: who has closed them, what else was told of them, and their
    movements."""
    return _digest(store.read(_BASIS, [json.dumps([*alerts])]))


def basis_now(conn: Connection, alerts: Sequence[str]) -> str:
    """The same, inside a transaction."""
    return _digest(conn.execute(_BASIS, (json.dumps([*alerts]),)).fetchall())


def _digest(rows: Iterable[Fields]) -> str:
    return hashlib.sha256(json.dumps([[*row] for row in rows]).encode()).hexdigest()


# -- clocks --------------------------------------------------------------------------------------


def clocks(store: Reader, sight: Sight, case: str | None = None) -> list[Clock]:
    """Those that run first, by their last day."""
    seen, params = of_case(sight)
    where = [seen]
    if case is not None:
        where.append("case_id = ?")
        params.append(case)
    sql = f"SELECT * FROM clock WHERE {' AND '.join(where)} ORDER BY state <> 'running', due, id"
    return [to_clock(row) for row in store.read(sql, params)]


def running(store: Reader) -> list[Clock]:
    """All that run, for the program."""
    return [to_clock(r) for r in store.read("SELECT * FROM clock WHERE state = 'running'")]


def clock(store: Reader, name: str) -> Clock | None:
    rows = store.read("SELECT * FROM clock WHERE id = ?", [name])
    return to_clock(rows[0]) if rows else None


def to_clock(row: Fields) -> Clock:
    return Clock(
        *(row["id"], row["case_id"], row["rule"], json.loads(row["terms"]), row["started"]),
        *(row["due"], row["name"], row["door"], row["why"], row["state"], row["ended"]),
        *(row["ended_by"], row["said"], row["told"]),
    )


# -- alerts --------------------------------------------------------------------------------------


def alert_cases(store: Reader, alerts: Iterable[str]) -> dict[str, str]:
    """The case of each of these alerts; '' where it belongs to none."""
    sql = (
        "SELECT a.id, coalesce(e.case_id, '') AS case_id FROM alert a "
        "LEFT JOIN entry e ON e.id = a.entry WHERE a.id IN ({})"
    )
    return {row["id"]: row["case_id"] for row in store.read_in(sql, alerts)}


def held_by(store: Reader, name: str) -> list[str]:
    """The alerts that somebody has, by their name at any door; not those that are closed."""
    sql = (
        "SELECT id FROM alert WHERE state = 'acknowledged' AND holder <> '' AND holder = ? "
        "ORDER BY created, id"
    )
    return [row["id"] for row in store.read(sql, [name])]


def is_remark(store: Reader, name: str, case: str) -> bool:
    """Whether there is such a note in a case."""
    sql = "SELECT 1 FROM remark WHERE id = ? AND case_id = ?"
    return bool(store.read(sql, [name, case]))


def all_closed(store: Reader) -> list[str]:
    """Proposals that wait and whose alerts are all closed."""
    rows = store.read(
        f"SELECT id FROM proposal p WHERE {_OPEN} AND state = 'waiting' AND EXISTS "
        "(SELECT 1 FROM proposal_alert x WHERE x.proposal = p.id) AND NOT EXISTS "
        "(SELECT 1 FROM proposal_alert x JOIN alert a ON a.id = x.alert "
        "WHERE x.proposal = p.id AND a.state <> 'closed')"
    )
    return [row["id"] for row in rows]


def told_before(store: Reader, before: int, most: int) -> list[str]:
    """Alerts that are no work, that nobody has taken, and that came before a time: the oldest."""
    sql = (
        f"SELECT id FROM alert WHERE state <> 'closed' AND NOT ({WORK}) AND state = 'open' "
        "AND created < ? ORDER BY created LIMIT ?"
    )
    return [row["id"] for row in store.read(sql, [before, most])]


def an_entry_of(store: Reader, case: str) -> list[str]:
    """An entry of a case, one that is watched before others; none where it has none."""
    sql = (
        "SELECT id FROM entry WHERE case_id = ? AND case_id <> '' "  # as its index has it
        "ORDER BY retired IS NOT NULL, added, id LIMIT 1"
    )
    return [row["id"] for row in store.read(sql, [case])]


def inside(store: Reader) -> dict[str, list[str]]:
    """The members of each case that has any, by name."""
    found: dict[str, list[str]] = {}
    sql = "SELECT case_id, person FROM member WHERE until IS NULL ORDER BY case_id, person"
    for row in store.read(sql):
        found.setdefault(row["case_id"], []).append(row["person"])
    return found
