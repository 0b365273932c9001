"""What counts as read is bookkeeping; once a day a digest of all of it is an act. It is worked out
before that is committed: of 100,000 addresses it takes seconds."""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.model.acts import Actor, CoverDay
from monitor.model.errors import Conflict
from monitor.store import answers
from monitor.store.digests import counted
from monitor.store.log import Part
from monitor.store.notes import get_note, write_note
from monitor.store.port import Connection, Reader

NOTED = "covered_day"
PINNED = "answers_pinned"  # the newest kept answer of which an act holds a digest
COVERAGE = (
    "SELECT scope, stream, source, axis, lo, hi FROM coverage "
    "ORDER BY scope, stream, source, axis, lo"
)
# Which addresses a chain-wide interval counts for.
JOINED = (
    "SELECT subject, scope, stream, axis, from_place, until_place FROM joined "
    "ORDER BY subject, scope, stream, axis, from_place"
)


def is_due(store: Reader, now: int) -> bool:
    """Whether the day, by UTC, has no act yet."""
    return get_note(store, NOTED) != day_of(now)


def day_of(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def seen(store: Reader, now: int) -> CoverDay:
    """What counts as read at this moment, to be committed."""
    with store.look() as conn:
        scopes = conn.execute("SELECT count(DISTINCT scope) FROM coverage").fetchone()[0]
        coverage = {
            "scopes": scopes,
            "coverage": [*counted(conn.execute(COVERAGE))],
            "joined": [*counted(conn.execute(JOINED))],
        }
        return CoverDay(now, day_of(now), coverage, answers.pin(conn, _last_pinned(conn)))


def carry(conn: Connection, _actor: Actor, act: CoverDay) -> tuple[None, list[Part]]:
    """Once a day, however often it is tried. Raises Conflict where another day came between."""
    noted = conn.execute("SELECT value FROM note WHERE key = ?", (NOTED,)).fetchone()
    if noted is not None and noted["value"] == act.day:
        return None, []
    after, to, *_ = act.answers
    if after != _last_pinned(conn):
        raise Conflict("kept answers have just been logged by somebody else")
    write_note(conn, NOTED, act.day)
    write_note(conn, PINNED, str(to))
    return None, [Part("covered", {"day": act.day, **act.coverage, "answers": act.answers})]


def _last_pinned(conn: Connection) -> int:
    last = conn.execute("SELECT value FROM note WHERE key = ?", (PINNED,)).fetchone()
    return int(last["value"]) if last else 0
