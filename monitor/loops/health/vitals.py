"""The facts on which the verdict rests, counted by the record itself: at 100,000 entries a look
costs a fraction of a second. Reads only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace

from monitor.decide import coverage
from monitor.decide.cost import LEAST_INTERVAL
from monitor.loops.health import channel_tests, pulse, tell
from monitor.loops.health.verdict import ROUNDS, Blind, Facts, Start, Verdict, judge
from monitor.loops.health.words import BEHIND, BLIND, COMPLETE, NOT_READ
from monitor.model import Interval, Severity
from monitor.model.errors import StoreError
from monitor.model.settings import Settings
from monitor.model.streams import UNSERVED
from monitor.store import notes, outbox
from monitor.store.sqlite import Store

OVERDUE = 300  # seconds past its time after which an address counts as not up to date
LEAST_START = 100  # seconds that a first reading may always take
_ACTIVE = "e.retired IS NULL"


def look(
    store: Store,
    settings: Settings,
    now: int,
    *,
    running: bool,
    record: str = "",
    silent: str = "",
    stuck: Sequence[str] = (),
) -> Verdict:
    """The verdict on a home folder. `record`: what is known to be wrong with writing to it;
    `silent`: that the running program gives no sign of life, in words;
    `stuck`: parts of the running program that do not get on.
    Never fails: a record that cannot be read is not well."""
    try:
        found = facts(store, settings, now, running=running)
        return judge(replace(found, record=record, silent=silent, stuck=stuck))
    except StoreError as error:
        return Verdict(False, f"the record cannot be read: {error}", (str(error),))


def facts(store: Store, settings: Settings, now: int, *, running: bool) -> Facts:
    """Raises StoreError."""
    served = [key for key, chain in settings.chains.items() if chain.sources]
    told = tell.told(store, *(f"fault:{job}" for job in pulse.VITAL), "late:")
    blind = tuple(_blind(store, settings, served, now))
    entries = store.read(f"SELECT count(*) AS n FROM entry e WHERE {_ACTIVE}")[0]["n"]  # noqa: S608
    dead = store.read("SELECT count(*) AS n FROM delivery WHERE state = 'dead'")[0]["n"]
    return Facts(
        now=now,
        running=running,
        entries=entries,
        complete=sum(n for (_, s), n in states(store, settings, now).items() if s == COMPLETE),
        overdue=overdue(store, settings, now),
        blind=blind,
        start=_start(store, settings, served, now),
        late=outbox.late(store, now),
        dead=dead,
        off=sorted(outbox.disabled(store)),
        channels=len(settings.channels),
        deaf=_deaf(store, settings, now),
        faults=[key.partition(":")[2] for key in told if key.startswith("fault:")],
        behind=[_name(settings, k.partition(":")[2]) for k in told if k.startswith("late:")],
        limits=tuple(_limits(store, settings, served)),
    )


def rounds(store: Store, settings: Settings) -> tuple[int, int]:
    """Seconds between two readings of an address, and of a first reading of all, as the
    running program has worked them out."""
    noted = (notes.get_note(store, "round") or "").split()
    if len(noted) == 2:
        return int(noted[0]), int(noted[1])
    every = settings.poll_interval or LEAST_INTERVAL
    return every, every


def hold(settings: Settings, severity: Severity, every: int) -> int:
    """Seconds that a blind spot must last before it is told and health fails: as set, and
    never so short that one missed reading would do."""
    wanted = settings.hold
    if severity is Severity.SEVERE:
        wanted = min(wanted, settings.hold_severe)
    return max(wanted, ROUNDS * every)


def overdue(store: Store, settings: Settings, now: int) -> int:
    """Seconds for which an address has been due while nothing at all was read; 0 if none.

    Addresses of chains without a source do not count: no waiting would help.
    """
    chains = [key for key, chain in settings.chains.items() if chain.sources]
    rows = store.read_in(
        "SELECT min(s.due) AS due, min(e.added) AS added, max((SELECT max(r.tried) FROM reading r "
        "WHERE r.subject = s.key)) AS tried FROM subject s JOIN entry e ON e.subject = s.key "
        "WHERE e.retired IS NULL AND s.chain IN ({})",
        chains,
    )
    found = [row for row in rows if row["due"] is not None]
    if not found:
        return 0
    # A new address is due since ever; it waits since it was added.
    waits = max(min(row["due"] for row in found), min(row["added"] for row in found))
    return max(0, now - int(max([waits, *(row["tried"] or 0 for row in found)])))


# -- reading -----------------------------------------------------------------------------


def _name(settings: Settings, chain: str) -> str:
    return settings.chains[chain].name if chain in settings.chains else chain


def _blind(store: Store, settings: Settings, served: list[str], now: int) -> Iterator[Blind]:
    every, _ = rounds(store, settings)
    severe, other = (now - hold(settings, s, every) for s in (Severity.SEVERE, Severity.HIGH))
    over = (
        "r.failing < CASE json_extract(e.terms, '$.severity') WHEN 'severe' "
        f"THEN {severe} ELSE {other} END"
    )
    for row in store.read_in(
        "SELECT s.chain, count(DISTINCT e.id) AS n, min(r.failing) AS since, "  # noqa: S608
        f"count(DISTINCT CASE WHEN {over} THEN e.id END) AS lasting FROM reading r "
        "JOIN subject s ON s.key = r.subject JOIN entry e ON e.subject = r.subject "
        "WHERE r.failing IS NOT NULL AND r.ok IS NOT NULL AND coalesce(r.error, '') <> ? "
        f"AND {_ACTIVE} AND s.chain IN ({{}}) GROUP BY s.chain ORDER BY s.chain",
        served,
        [UNSERVED],
    ):
        name = _name(settings, row["chain"])
        yield Blind(name, row["n"], row["lasting"], row["since"])


def _start(store: Store, settings: Settings, served: list[str], now: int) -> Start:
    """Entries that were never read in full: without first contact, or with a list that has
    failed ever since."""
    row = _sum(
        store.read_in(
            "SELECT count(*) AS n, sum(NOT unread) AS read, "  # noqa: S608
            "min(CASE WHEN unread THEN added END) AS added FROM (SELECT e.added, "
            "e.base_height IS NULL OR EXISTS (SELECT 1 FROM reading r WHERE r.subject = e.subject "
            "AND r.failing IS NOT NULL AND r.ok IS NULL AND coalesce(r.error, '') <> ?) AS unread "
            f"FROM entry e JOIN subject s ON s.key = e.subject WHERE {_ACTIVE} "
            "AND s.chain IN ({}))",
            served,
            [UNSERVED],
        )
    )
    if row is None:
        return Start()
    entries, read, added = row
    _, expected = rounds(store, settings)
    begun = max(added, int(notes.get_note(store, "started") or 0))
    allowed = max(LEAST_START, ROUNDS * expected)
    return Start(entries, read, max(1, now - begun), expected, allowed)


def _sum(rows: Sequence[sqlite3.Row]) -> tuple[int, int, int] | None:
    """(entries, read, when the oldest unread one was added); None where all are read."""
    added = [row["added"] for row in rows if row["added"] is not None]
    if not added:
        return None
    return sum(r["n"] or 0 for r in rows), sum(r["read"] or 0 for r in rows), min(added)


def states(store: Store, settings: Settings, now: int) -> dict[tuple[str, str], int]:
    """How many entries stand how, by chain and state (as in status_text)."""
    served = [key for key, chain in settings.chains.items() if chain.sources]
    found: dict[tuple[str, str], int] = {}
    for row in store.read(
        f"SELECT s.chain, {_STATE} AS state, count(*) AS n FROM entry e "  # noqa: S608
        f"JOIN subject s ON s.key = e.subject WHERE {_ACTIVE} GROUP BY s.chain, state",
        [now - OVERDUE],
    ):
        state = row["state"] if row["chain"] in served else BLIND
        key = (row["chain"], state)
        found[key] = found.get(key, 0) + row["n"]
    for chain, count in _torn_entries(store, now).items():
        if chain in served:
            found[chain, COMPLETE] = found.get((chain, COMPLETE), 0) - count
            found[chain, BEHIND] = found.get((chain, BEHIND), 0) + count
    return found


# Of an entry `e` on a subject `s`; one parameter: since when an address may be due. What no
# source lists is a limit that is told by itself; where nothing is listed, nothing is seen.
_SERVED = f"r.subject = s.key AND coalesce(r.error, '') <> '{UNSERVED}'"
_STATE = (
    f"CASE WHEN EXISTS (SELECT 1 FROM reading r WHERE {_SERVED} AND r.failing IS NOT NULL) "  # noqa: S608
    "OR (EXISTS (SELECT 1 FROM reading r WHERE r.subject = s.key) "
    f"AND NOT EXISTS (SELECT 1 FROM reading r WHERE {_SERVED})) THEN '{BLIND}' "
    "WHEN e.base_height IS NULL OR NOT EXISTS (SELECT 1 FROM reading r "
    f"WHERE r.subject = s.key) OR EXISTS (SELECT 1 FROM reading r WHERE {_SERVED} "
    f"AND r.ok IS NULL) THEN '{NOT_READ}' WHEN e.history <> 'told' OR s.due < ? OR EXISTS "
    f"(SELECT 1 FROM reading r WHERE {_SERVED} AND r.complete_time IS NULL) OR EXISTS "
    "(SELECT 1 FROM gap g WHERE g.subject = s.key AND g.closed IS NULL) "
    f"THEN '{BEHIND}' ELSE '{COMPLETE}' END"
)


def ages(store: Store, now: int) -> dict[str, int]:
    """Seconds since the newest block that was read, at each chain's list that is furthest
    behind."""
    rows = store.read(
        "SELECT s.chain, min(r.complete_time) AS at FROM reading r "
        "JOIN subject s ON s.key = r.subject WHERE r.complete_time IS NOT NULL AND EXISTS "
        "(SELECT 1 FROM entry e WHERE e.subject = s.key AND e.retired IS NULL) GROUP BY s.chain"
    )
    return {row["chain"]: max(0, now - row["at"]) for row in rows}


def _torn_entries(store: Store, now: int) -> dict[str, int]:
    """Entries, by chain, that would be complete but for a part in between, or a history that is
    held back."""
    held = {key.partition(":")[2] for key in tell.told(store, "busy:")}
    rows = store.read_in(
        f"SELECT s.chain FROM entry e JOIN subject s ON s.key = e.subject WHERE {_ACTIVE} "  # noqa: S608
        f"AND {_STATE} = '{COMPLETE}' AND s.key IN ({{}})",
        _torn(store) | held,
        [now - OVERDUE],
    )
    found: dict[str, int] = {}
    for row in rows:
        found[row["chain"]] = found.get(row["chain"], 0) + 1
    return found


def _torn(store: Store) -> set[str]:
    """Subjects with a list of which a part in between is still to be read."""
    parts: dict[tuple[str, str, str], list[Interval]] = {}
    for row in store.read(
        "SELECT c.subject, c.stream, c.axis, c.lo, c.hi FROM (SELECT subject, stream, axis FROM "
        "coverage GROUP BY subject, stream, axis HAVING count(*) > 1) t JOIN coverage c "
        "ON c.subject = t.subject AND c.stream = t.stream AND c.axis = t.axis"
    ):
        key = (row["subject"], row["stream"], row["axis"])
        parts.setdefault(key, []).append(Interval(row["lo"], row["hi"]))
    return {key[0] for key, found in parts.items() if len(coverage.union(found)) > 1}


def _limits(store: Store, settings: Settings, served: list[str]) -> Iterator[str]:
    """What no configured source can serve, by chain."""
    found: dict[str, list[str]] = {}
    for row in store.read(
        "SELECT s.chain, r.stream, count(DISTINCT e.id) AS n FROM reading r "  # noqa: S608
        "JOIN subject s ON s.key = r.subject JOIN entry e ON e.subject = r.subject "
        f"WHERE r.failing IS NOT NULL AND r.error = ? AND {_ACTIVE} "
        "GROUP BY s.chain, r.stream ORDER BY s.chain, r.stream",
        [UNSERVED],
    ):
        found.setdefault(row["chain"], []).append(row["stream"])
    for chain, streams in found.items():
        yield f"{' '.join(streams)} of {_name(settings, chain)}"
    for row in store.read(
        "SELECT DISTINCT s.chain FROM subject s JOIN entry e ON e.subject = s.key "  # noqa: S608
        f"WHERE {_ACTIVE} ORDER BY s.chain"
    ):
        if row["chain"] not in served:
            yield f"anything of {_name(settings, row['chain'])}"


# -- sending -----------------------------------------------------------------------------


def _deaf(store: Store, settings: Settings, now: int) -> dict[str, int]:
    """Audiences of which every channel refuses, with the seconds since the last of them does."""
    tests = channel_tests.last_tests(store, settings.channels)
    # One that failed once may be a server that was just being started.
    failed = {
        name: t.since for name, t in tests.items() if not (t.good or t.whom) and t.at > t.since
    }
    since = outbox.refused_since(store, settings.channels, now, failed)
    return {audience: max(0, now - at) for audience, at in since.items()}
