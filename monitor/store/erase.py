"""Texts of the log are erased: two persons, a reason, a rule. The chain keeps their digests, the
act says what they had made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from monitor.model import entry_lines
from monitor.model.acts import Actor, Body, EraseAsked, Erased, one_system_user
from monitor.model.cases import CaseState
from monitor.model.errors import Conflict
from monitor.store import carry_trace
from monitor.store.cases import changed_now
from monitor.store.log import Part, next_seq
from monitor.store.port import Connection

Keys = Mapping[str, object]
Cases = frozenset[str]


def _rows(body: Body) -> Keys:
    """The names of new rows; of changed ones where they were and are, with their status, which
    says nothing of anybody; by whom which row was reported in which block; and the digests of the
    answers that are kept."""
    names, sources = body["columns"]["new"], [source for source, _ in body["answers"]]
    reports = [[*line[:4], sources[line[4]]] for line in body["sighted"]]
    for line in body["new"]:
        new = dict(zip(names, line, strict=True))
        block = new["block_hash"] or str(new["block_height"] or "")
        reports += [[*line[:3], block, sources[answer]] for answer in new["answers"]]
    return {
        "new": [line[:3] for line in body["new"]],
        "changed": body["changed"],
        "columns": body["columns"]["changed"],
        "reports": reports,
        "kept": body.get("kept", []),
    }


def _alerts(body: Body) -> Keys:
    """With the entry and the rows of each."""
    names = body["columns"]
    told = [dict(zip(names, line, strict=True)) for line in body["alerts"]]
    return {
        "alerts": [alert["id"] for alert in told],
        "of": [[alert["entry"], alert["rows"]] for alert in told],
    }


def _baselines(body: Body) -> Keys:
    return {"baselines": [line[0] for line in body["baselines"]]}


def _taken(body: Body) -> Keys:
    """All but names and the note."""
    kept = {"taken": body["alerts"], "state": body["state"]}
    if "to" in body:
        kept |= {"outcome": body["outcome"]}
    return kept


def _entries(body: Body) -> Keys:
    """All but the terms."""
    every = [*entry_lines.lines(body)]
    lines = [[entry, _bare(was), _bare(now)] for entry, was, now in every]
    terms = [line[2].get("terms") is not None for line in every]
    return {"entries": lines, "terms": terms, **({"list": body["list"]} if "list" in body else {})}


def _bare(columns: Body | None) -> Body | None:
    return columns and {name: value for name, value in columns.items() if name != "terms"}


def _respelt(body: Body) -> Keys:
    return {name: body[name] for name in ("old", "new", "sender", "recipient")}


def _list(body: Body) -> Keys:
    return {"list": body["sha256"]}


def _word(body: Body) -> Keys:
    """All but the name and the reason."""
    names = ("list", "nr", "number", "target", "values", "entries")
    return {name: body[name] for name in names}


def _incidents(body: Body) -> Keys:
    return {"incidents": body["incidents"], "phase": body["phase"]}


def _followed(body: Body) -> Keys:
    """All but why."""
    return {name: value for name, value in body.items() if name != "why"}


def _trace_word(body: Body) -> Keys:
    """All but the name and the reason."""
    return {name: value for name, value in body.items() if name not in ("name", "why")}


def _all(body: Body) -> Keys:
    """It names nobody: addresses, numbers and digests."""
    return body


def _trace_state(body: Body) -> Keys:
    """Which state it was, and the digest of its text, which goes."""
    return {name: body[name] for name in ("case", "number", "version", "sha256")}


def _remark(body: Body) -> Keys:
    """All but the name and the text."""
    return {name: value for name, value in body.items() if name not in ("name", "text")}


def _proposal(body: Body) -> Keys:
    """What it is about and how it stood; none of its words, nor their digest: whoever guesses them
    would see that they were these."""
    words = ("args", "text", "digest", "why", "name", "ended_by", "said")
    return {name: value for name, value in body.items() if name not in words}


def _ended(body: Body) -> Keys:
    """Of a proposal or a clock: how it stood before and after, without who ended it and in which
    words."""
    bare = {
        when: {
            name: value for name, value in body[when].items() if name not in ("ended_by", "said")
        }
        for when in ("was", "is")
    }
    return {**body, **bare}


def _clock(body: Body) -> Keys:
    """All but the name and the reason; it runs when it is started."""
    return {name: value for name, value in body.items() if name not in ("name", "why")}


def _request(body: Body) -> Keys:
    """All but who was asked, the draft with its digest, and who prepared it."""
    words = ("recipient", "named_by", "text", "digest", "name")
    return {name: value for name, value in body.items() if name not in words}


def _request_step(body: Body) -> Keys:
    """All but the name and the words."""
    words = ("reference", "text", "name")
    return {name: value for name, value in body.items() if name not in words}


def _nothing(_body: Body) -> Keys:
    return {}


# The parts of acts whose texts can be erased, and what they had made, by its keys. All others
# are what a record is verified by, and stay.
KEYS: Mapping[str, Callable[[Body], Keys]] = {
    "rows": _rows,
    "alerts": _alerts,
    "baselines": _baselines,
    "taken": _taken,
    "entries": _entries,
    "respelt": _respelt,
    "followed": _followed,
    "unfollowed": _followed,
    "list": _list,
    "word": _word,
    "trace word": _trace_word,
    "trace facts": _all,
    "trace state": _trace_state,
    "incidents": _incidents,
    "remark": _remark,
    "proposal": _proposal,
    "proposal ended": _ended,
    "clock": _clock,
    "clock ended": _ended,
    "request": _request,
    "request step": _request_step,
    "told": _all,
    "taken back": _nothing,  # coverage: nothing that the log makes rests on it
    "replayed": _nothing,
    "tested": _nothing,
    "backed up": _nothing,
}


# Of what people say at the desk: by which key a part names it, and what goes with the text.
SAID: Mapping[str, tuple[str, str]] = {
    "remark": ("id", "UPDATE remark SET name = '', text = '' WHERE id = ?"),
    "proposal": (
        "id",
        "UPDATE proposal SET args = '{}', text = '', digest = '', why = '', name = '', "
        "ended_by = '', said = '' WHERE id = ?",
    ),
    "proposal ended": ("proposal", "UPDATE proposal SET ended_by = '', said = '' WHERE id = ?"),
    "clock": ("id", "UPDATE clock SET name = '', why = '' WHERE id = ?"),
    "clock ended": ("clock", "UPDATE clock SET ended_by = '', said = '' WHERE id = ?"),
    "request": (
        "id",
        "UPDATE request SET recipient = '', named_by = '', text = '', digest = '', name = '' "
        "WHERE id = ?",
    ),
    "request step": (
        "id",
        "UPDATE request_step SET reference = '', text = '', name = '' WHERE id = ?",
    ),
}


def carry_asked(conn: Connection, _actor: Actor, act: EraseAsked) -> tuple[int, list[Part]]:
    """Changes nothing yet. Yields the number by which it is confirmed. Raises Conflict where a
    case has changed since it was decided."""
    _unchanged(conn, act.cases)
    wish = {"why": act.why, "rule": act.rule, "uid": act.uid}
    groups = _by_case(conn, act.numbers)
    return next_seq(conn), [
        Part("erase asked", {"numbers": numbers, **wish}, mine) for mine, numbers in groups.items()
    ]


def carry_erased(conn: Connection, _actor: Actor, act: Erased) -> tuple[None, list[Part]]:
    """Salts and texts, and the names and notes that stand beside alerts because of them, go.
    Raises Conflict where a case has changed, or a row was erased, since that was decided."""
    _unchanged(conn, act.cases)
    one = one_system_user(act.asked["uid"], act.uid)
    wish = {"asked": act.asked, "uid": act.uid, "one_system_user": one}
    first, parts = next_seq(conn), []
    # What is freed is overwritten in the file too.
    conn.execute("PRAGMA secure_delete = ON")
    for place, (mine, numbers) in enumerate(_by_case(conn, act.numbers).items()):
        gone = [_erase(conn, number, first + place) for number in numbers]
        parts.append(Part("erased", {"rows": gone, **wish}, mine))
    return None, parts


def _unchanged(conn: Connection, cases: Mapping[str, CaseState]) -> None:
    if changed_now(conn) != cases:
        raise Conflict("a case has just been changed by somebody else. Try again")


def _by_case(conn: Connection, numbers: Sequence[int]) -> dict[Cases, list[int]]:
    """Rows by the cases that they are about."""
    found: dict[Cases, list[int]] = {}
    for number in numbers:
        rows = conn.execute("SELECT case_id FROM log_case WHERE seq = ?", (number,))
        found.setdefault(frozenset(row["case_id"] for row in rows), []).append(number)
    return found


def _erase(conn: Connection, number: int, by: int) -> dict[str, object]:
    """Returns what stays known of the row."""
    row = conn.execute(
        "SELECT l.digest, t.text FROM log l JOIN log_text t ON t.seq = l.seq WHERE l.seq = ?",
        (number,),
    ).fetchone()
    told = json.loads(row["text"])
    conn.execute("INSERT INTO erasure (seq, by_seq) VALUES (?,?)", (number, by))
    conn.execute("UPDATE log_text SET salt = NULL, text = NULL WHERE seq = ?", (number,))
    if told["what"] == "taken":
        _erase_taken(conn, [line for _, line, _ in told["body"]["alerts"]], number)
    kept = {name: told[name] for name in ("act", "what", "at", "first")}
    if told["what"] == "word":
        _erase_words(conn, told["body"], number)
    if told["what"] in SAID:
        _erase_said(conn, told["what"], told["body"], number)
    if told["what"] in ("trace word", "trace state"):
        _erase_trace(conn, told["what"].removeprefix("trace "), told["body"], number)
    keys = KEYS[told["what"]](told["body"])
    if "outcome" in keys:  # who it was is gone, not by which door they came
        keys = {**keys, "door": told["body"].get("door", told["actor"]["kind"])}
    return {"number": number, "digest": row["digest"], **kept, "keys": keys}


def _erase_taken(conn: Connection, lines: Sequence[str], number: int) -> None:
    """Names and note beside alerts; and who has one, where that is what the line says."""
    conn.executemany(
        "INSERT INTO erased_line (line, seq) VALUES (?,?)", [(line, number) for line in lines]
    )
    conn.executemany(
        "UPDATE alert SET holder = '', holder_door = '' "
        "WHERE id = (SELECT alert FROM alert_log WHERE id = ?1) "
        "AND NOT EXISTS (SELECT 1 FROM alert_log o, alert_log mine WHERE mine.id = ?1 "
        "AND o.alert = mine.alert AND o.rowid > mine.rowid)",
        [(line,) for line in lines],
    )
    conn.executemany(
        "UPDATE alert_log SET name = '', note = '', holder = '' WHERE id = ?",
        [(line,) for line in lines],
    )


def _erase_said(conn: Connection, what: str, body: Body, number: int) -> None:
    """Name and words of a note, a proposal, a clock, a request. Of one that has not ended nobody
    asks that (see loops/erasing)."""
    key, change = SAID[what]
    name = body[key]
    conn.execute("INSERT INTO erased_said (what, id, seq) VALUES (?,?,?)", (what, name, number))
    conn.execute(change, (name,))


def _erase_words(conn: Connection, body: Body, number: int) -> None:
    """Name and reason beside what somebody said of a published list."""
    for place in range(len(body["values"])):
        key = (body["list"], body["number"] + place)
        conn.execute("INSERT INTO erased_word (list, number, seq) VALUES (?,?,?)", (*key, number))
        conn.execute("UPDATE list_word SET name = '', why = '' WHERE list = ? AND number = ?", key)


def _erase_trace(conn: Connection, what: str, body: Body, seq: int) -> None:
    """Name and reason of what somebody said in a trace, or how it stood."""
    case, number = body["case"], body["number"]
    conn.execute(
        "INSERT INTO erased_trace (case_id, what, number, seq) VALUES (?,?,?,?)",
        (case, what, number, seq),
    )
    if what == "state":
        carry_trace.erase(conn, case, number)
    else:
        where = "case_id = ? AND number = ?"
        conn.execute(f"UPDATE trace_word SET name = '', why = '' WHERE {where}", (case, number))
