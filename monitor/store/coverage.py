"""What was read of each list, and what was not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from monitor.chains.table import ON_DEMAND
from monitor.model import Axis, Interval, Subject, intervals
from monitor.model.plan import (
    Covered,
    OpenGap,
    Signal,
    gap_key,
)
from monitor.model.scope import EVERY, ChainWide, Joined, Scope
from monitor.model.streams import SHOWN, StreamState
from monitor.store import doubts, joined
from monitor.store.incidents import note_signals
from monitor.store.port import Connection, Fields, Reader, Store

RETRY_GAP = 86_400  # seconds between tries to read a gap

UNTRIED = StreamState({}, {}, (), None, 0, None, "", None, "", Axis.HEIGHT, 0)


def stream_states(
    store: Reader, scope: Scope, now: int, whole: Mapping[str, StreamState] | None = None
) -> dict[str, StreamState]:
    """Coverage and reading state of every stream that was ever tried. What a chain-wide reading
    read for an address is the address's own, too; `whole`: its states, where they are known."""
    own = _states(store, scope.key, now)
    parts = joined.memberships(store, scope)
    if not parts:
        return own
    if whole is None:
        whole = _states(store, ChainWide(scope.chain).key, now)
    parts = [each for part in parts for each in _by_list(part, whole)]
    present = {part.stream for part in parts if part.until_place is None}
    ever = {part.stream for part in parts}
    # A list that no source serves is noted once for the whole chain.
    shared = ever | ({s for s, state in whole.items() if state.unserved} if present else set())
    gaps = _gaps(store, scope)
    return own | {
        stream: _joined_state(
            own.get(stream, UNTRIED),
            whole.get(stream, UNTRIED),
            [part for part in parts if part.stream == stream],
            gaps.get(stream, 0),
            current=stream in present or stream not in ever,
        )
        for stream in shared
    }


def _by_list(part: Joined, whole: Iterable[str]) -> list[Joined]:
    """A membership of all lists of a chain as one of each. Lists that are read on demand are none
    of an address's own: nothing counts as unread because of them, though blocks hold some."""
    if part.stream != EVERY:
        return [part]
    return [replace(part, stream=each) for each in whole if each not in ON_DEMAND]


def on_demand_in_blocks(store: Reader, subject: Subject) -> dict[str, int]:
    """Lists that are read on demand and that the blocks of an address's chain hold, with the block
    from which on these are read for it."""
    mine = joined.membership(store, subject)
    if mine is None:
        return {}
    rows = store.read("SELECT stream FROM reading WHERE scope = ?", [ChainWide(subject.chain).key])
    return {row["stream"]: mine.from_place for row in rows if row["stream"] in ON_DEMAND}


def _joined_state(
    own: StreamState, whole: StreamState, parts: Sequence[Joined], gaps: int, *, current: bool
) -> StreamState:
    """A list that is or was read chain-wide, as one of its members has it."""
    covered = {
        axis: intervals.union(
            [*own.covered.get(axis, ()), *_clipped(whole.covered.get(axis, ()), axis, parts)]
        )
        for axis in own.covered.keys() | whole.covered.keys()
    }
    if not current:
        return replace(own, covered=covered)
    present = next((p for p in parts if p.until_place is None), None)
    mine = [part for part in parts if part.until_place is None]
    below = present.below_time if present is not None else None
    if below is not None and whole.complete_time is not None and whole.complete_time >= below:
        # What blocks proved, where the address's own lists are read along time.
        grain = Axis.TIME.grain
        span = Interval(below * grain, whole.complete_time * grain)
        covered[Axis.TIME] = intervals.union([*covered.get(Axis.TIME, ()), span])
    # That no source lists the address's own part says nothing of what is read for its chain.
    below_unserved = own.unserved and whole.ok is not None
    newest = own if own.tried >= whole.tried and not below_unserved else whole
    return replace(
        newest,
        covered=covered,
        cursors=own.cursors,
        waiting=own.waiting,
        unread=(*own.unread, *_clipped(whole.unread, newest.axis, mine)),
        missed=_clipped(whole.waiting, newest.axis, mine),
        ok=_latest(own.ok, whole.ok),
        complete_time=_latest(own.complete_time, whole.complete_time),
        complete_to=_latest(own.complete_to, whole.complete_to),
        gaps=gaps,
        joined=present.from_place if present is not None else None,
        below_time=below,
        below_unserved=own.unserved,
        shown=whole.shown,
    )


def _gaps(store: Reader, scope: Scope) -> Mapping[str, int]:
    """How many parts of each list were not read for an address."""
    rows = store.read(
        "SELECT stream, count(*) AS n FROM list_gap WHERE subject = ? GROUP BY stream", [scope.key]
    )
    return {row["stream"]: row["n"] for row in rows}


def has_gap(store: Reader, scope: Scope) -> bool:
    """Whether any part of a list of its own could not be read."""
    sql = "SELECT 1 FROM gap WHERE scope = ? AND closed IS NULL LIMIT 1"
    return bool(store.read(sql, [scope.key]))


def _clipped(
    covered: Sequence[Interval], axis: Axis, parts: Sequence[Joined]
) -> tuple[Interval, ...]:
    return intervals.clip(covered, [joined.span(p) for p in parts if p.axis == axis])


def _latest(one: int | None, other: int | None) -> int | None:
    return max((at for at in (one, other) if at is not None), default=None)


def _states(store: Reader, key: str, now: int) -> dict[str, StreamState]:
    covered: dict[str, dict[Axis, list[Interval]]] = {}
    for row in store.read("SELECT stream, axis, lo, hi FROM coverage WHERE scope = ?", [key]):
        by_axis = covered.setdefault(row["stream"], {})
        by_axis.setdefault(Axis(row["axis"]), []).append(Interval(row["lo"], row["hi"]))
    gaps: dict[str, list[tuple[Interval, int]]] = {}
    for row in store.read(
        "SELECT stream, lo, hi, next_try FROM gap WHERE scope = ? AND closed IS NULL",
        [key],
    ):
        gap = (Interval(row["lo"], row["hi"]), row["next_try"])
        gaps.setdefault(row["stream"], []).append(gap)
    return {
        row["stream"]: _state(row, covered.get(row["stream"], {}), gaps.get(row["stream"], []), now)
        for row in store.read("SELECT * FROM reading WHERE scope = ?", [key])
    }


def _state(
    row: Fields,
    covered: Mapping[Axis, list[Interval]],
    gaps: Sequence[tuple[Interval, int]],
    now: int,
) -> StreamState:
    cursors: dict[str, list[object]] = json.loads(row["cursors"])
    return StreamState(
        covered={axis: intervals.union(parts) for axis, parts in covered.items()},
        cursors={s: (int(str(c[0])), str(c[1])) for s, c in cursors.items()},
        waiting=tuple(span for span, next_try in gaps if next_try > now),
        unread=tuple(span for span, _ in gaps),
        ok=row["ok"],
        tried=row["tried"],
        failing=row["failing"],
        source=row["source"] or "",
        complete_time=row["complete_time"],
        error=(error := row["error"] or ""),
        shown=error if error.startswith(SHOWN) else "",
        axis=Axis(row["axis"] or Axis.HEIGHT),
        gaps=len(gaps),
        complete_to=row["complete_to"],
    )


def cover(conn: Connection, scope: Scope, new: Covered, now: int) -> None:
    """Add an interval, joined with those of the same source that it meets."""
    key = (scope.key, new.stream, new.source, new.axis)
    where = "scope = ? AND stream = ? AND source = ? AND axis = ? AND lo <= ? AND hi >= ?"
    near = (*key, new.span.hi + 1, new.span.lo - 1)
    rows = conn.execute(f"SELECT lo, hi FROM coverage WHERE {where}", near).fetchall()
    (joined,) = intervals.union([new.span, *(Interval(r["lo"], r["hi"]) for r in rows)])
    if any(r["lo"] != joined.lo for r in rows):
        conn.execute(f"DELETE FROM coverage WHERE {where} AND lo <> ?", (*near, joined.lo))
    conn.execute(
        "INSERT INTO coverage (scope, stream, source, axis, lo, hi, at) VALUES (?,?,?,?,?,?,?) "
        "ON CONFLICT (scope, stream, source, axis, lo) "
        "DO UPDATE SET hi = excluded.hi, at = excluded.at",
        (*key, joined.lo, joined.hi, now),
    )
    for whose in (scope, *_members_with_gaps(conn, scope, new)):
        _close_gaps(conn, whose, new, now)


def _members_with_gaps(conn: Connection, scope: Scope, new: Covered) -> list[Subject]:
    """Addresses that could not read by themselves what is read now for the chain as a whole."""
    if isinstance(scope, Subject):
        return []
    rows = conn.execute(
        "SELECT DISTINCT s.address FROM gap g CROSS JOIN joined j ON j.subject = g.scope "
        "AND j.stream IN (g.stream, '*') AND j.axis = g.axis JOIN scope s ON s.key = g.scope "
        "WHERE g.closed IS NULL AND g.stream = ? AND g.axis = ? AND g.lo >= ? AND g.hi <= ? "
        "AND j.scope = ? AND j.until_place IS NULL AND j.from_place <= g.lo",
        (new.stream, new.axis, new.span.lo, new.span.hi, scope.key),
    )
    return [Subject(scope.chain, row["address"]) for row in rows.fetchall()]


def _close_gaps(conn: Connection, scope: Scope, new: Covered, now: int) -> None:
    where = "scope = ? AND stream = ? AND axis = ? AND closed IS NULL AND lo >= ? AND hi <= ?"
    inside = (scope.key, new.stream, new.axis, new.span.lo, new.span.hi)
    gaps = conn.execute(f"SELECT lo, hi FROM gap WHERE {where}", inside).fetchall()
    if gaps:
        conn.execute(f"UPDATE gap SET closed = ? WHERE {where}", (now, *inside))
    for gap in gaps:
        _end_incident(conn, scope, new.axis, Interval(gap["lo"], gap["hi"]), now)


def change_members(
    store: Store,
    scope: ChainWide,
    joining: Sequence[Joined],
    leaving: Sequence[Joined],
    now: int,
) -> None:
    """Take addresses into a chain-wide reading and let others go. What could not be read is a gap
    of the chain-wide list for as long as somebody there needs it; who left reads it alone."""
    with store.write() as conn:
        joined.change(conn, scope, joining, leaving)
        doubts.hand_over(conn, scope)
        nobody = (
            "scope = ? AND closed IS NULL AND NOT EXISTS (SELECT 1 FROM joined j "
            "WHERE j.scope = gap.scope AND j.stream IN (gap.stream, '*') AND j.axis = gap.axis "
            "AND j.until_place IS NULL AND j.from_place <= gap.hi)"
        )
        key = (scope.key,)
        gaps = conn.execute(f"SELECT axis, lo, hi FROM gap WHERE {nobody}", key).fetchall()
        if gaps:
            conn.execute(f"UPDATE gap SET closed = ? WHERE {nobody}", (now, *key))
        for gap in gaps:
            _end_incident(conn, scope, Axis(gap["axis"]), Interval(gap["lo"], gap["hi"]), now)


def _end_incident(conn: Connection, scope: Scope, axis: Axis, span: Interval, now: int) -> None:
    """Close the incident about a gap once all lists that it was about have been read."""
    left = conn.execute(
        "SELECT 1 FROM gap WHERE scope = ? AND axis = ? AND lo = ? AND hi = ? "
        "AND closed IS NULL LIMIT 1",
        (scope.key, axis, span.lo, span.hi),
    ).fetchone()
    if left is None:
        note_signals(conn, [Signal(gap_key(scope, axis, span), bad=False)], now)


def open_gap(conn: Connection, scope: Scope, new: OpenGap, now: int) -> None:
    conn.execute(
        "INSERT INTO gap (scope, stream, source, axis, lo, hi, reason, raw, opened, next_try) "
        "VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (scope, stream, axis, lo, hi) DO UPDATE "
        "SET next_try = excluded.next_try, reason = excluded.reason, closed = NULL",
        (
            *(scope.key, new.stream, new.source, new.axis, new.gap.at.lo, new.gap.at.hi),
            *(new.gap.reason, new.gap.raw[:4000], now, now + RETRY_GAP),
        ),
    )
