"""What is wrong with reading now, and what is well again: signals that become incidents.

Silence is the failure that nobody sees. So each thing that could end in it has its own
signal: lists that fail (blind), lists that nobody comes to (late), nothing read at all
(overdue), a chain without a source, a source that refuses, a head that stands still, a
budget that is used up, a canary that no longer sings.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor import verdict, vitals
from monitor.model import Entry, Severity, Watched
from monitor.plain import duration, utc
from monitor.plan import Signal
from monitor.store import Store, heads, journal, watch
from monitor.store.views import STREAM_WORDS

if TYPE_CHECKING:
    from monitor.app import Fundwatch

OLD_HEAD = 3600  # seconds: a chain whose newest block is older is told as standing still
LATE_ROUNDS = 3  # polls that a list may miss before that is told
# After a start, reading comes first: what is old only because nothing ran is no news.
START_HOLD = 600
DAY = 86_400

Entries = Mapping[str, Sequence[Entry]]  # active ones, by chain


def signals(desk: Fundwatch, now: int) -> list[Signal]:
    """Everything that is watched about reading, good or bad."""
    active = [w for w in watch.all_entries(desk.store) if w.active]
    entries: dict[str, list[Entry]] = {}
    for each in active:
        entries.setdefault(each.entry.subject.chain, []).append(each.entry)
    return [
        *_blind(desk, entries),
        *_no_source(desk, entries),
        *_refused(desk),
        *_standing_still(desk, now),
        _overdue(desk, now),
        *_late(desk, entries, now),
        *_spent(desk, now),
        *_canaries(desk, active, now),
        *heads.quiet(desk.store, now),
    ]


@dataclass
class _List:
    """One list of one chain over all watched addresses."""

    failing: set[str] = field(default_factory=set)  # keys of subjects
    error: str = ""


def _blind(desk: Fundwatch, watched: Entries) -> Iterable[Signal]:
    """Lists that cannot be read, by chain and list; told after a hold time."""
    for (chain, stream), found in _lists(desk.store).items():
        entries = [e for e in watched.get(chain, ()) if e.subject.key in found.failing]
        words = STREAM_WORDS.get(stream, stream)
        severe = any(e.severity is Severity.SEVERE for e in entries)
        count = "1 entry" if len(entries) == 1 else f"{len(entries)} entries"
        yield Signal(
            key=f"blind:{chain}/{stream}",
            bad=bool(entries),
            severity="severe" if severe else "high",
            hold=_hold(desk, Severity.SEVERE if severe else Severity.HIGH),
            what=f"{words} on {_chain_name(desk, chain)} cannot be read for {count}. "
            f"{found.error.rstrip('.')}.",
            cure="See `fundwatch check`; another source for this chain would close the gap.",
            chain=chain,
            who=tuple(e.id for e in entries),
        )


def _hold(desk: Fundwatch, severity: Severity) -> int:
    return vitals.hold(desk.settings, severity, desk.round_seconds)


def _lists(store: Store) -> dict[tuple[str, str], _List]:
    found: dict[tuple[str, str], _List] = {}
    for row in store.read(
        "SELECT s.key, s.chain, r.stream, r.failing, r.error FROM reading r "
        "JOIN subject s ON s.key = r.subject WHERE EXISTS "
        "(SELECT 1 FROM entry e WHERE e.subject = s.key AND e.retired IS NULL)"
    ):
        one = found.setdefault((row["chain"], row["stream"]), _List())
        if row["failing"] is not None:
            one.failing.add(row["key"])
            one.error = row["error"] or ""
    return found


def _no_source(desk: Fundwatch, watched: Entries) -> Iterable[Signal]:
    for chain in watched:
        yield Signal(
            key=f"nosource:{chain}",
            bad=chain not in desk.desks,
            what=f"Nothing is read on {_chain_name(desk, chain)}: no source is in service for it.",
            cure="See `fundwatch check` for what is missing.",
            chain=chain,
        )


def _refused(desk: Fundwatch) -> Iterable[Signal]:
    """Sources that will not serve until a person changes something; others step in quietly."""
    for chain, sources in desk.desks.items():
        for name, why in dict(sources.refusals).items():
            yield Signal(
                key=f"refused:{chain}/{name}",
                bad=bool(why),
                what=f"Source {name} is not used for {_chain_name(desk, chain)}. {why}.",
                cure="Correct its url or key in config/sources.yaml, or take it out of the list.",
                chain=chain,
            )


def _standing_still(desk: Fundwatch, now: int) -> Iterable[Signal]:
    """A head that has not moved for long: the chain stands, or the source does."""
    for chain, sources in desk.desks.items():
        for name, head in dict(sources.heads_seen).items():
            yield Signal(
                key=f"oldhead:{chain}/{name}",
                bad=now - head.time > OLD_HEAD,
                severity="medium",
                hold=_hold(desk, Severity.HIGH),
                what=f"The newest block that {name} shows on {_chain_name(desk, chain)} is of "
                f"{utc(head.time)}.",
                cure="Compare with another explorer: the chain or this source stands still.",
                chain=chain,
            )


# -- nothing arrives ---------------------------------------------------------------------


def _overdue(desk: Fundwatch, now: int) -> Signal:
    """Nothing at all is read, and nothing says so: no list has failed."""
    seconds = vitals.overdue(desk.store, desk.settings, now)
    return Signal(
        key="overdue",
        bad=seconds > verdict.STALLED,
        severity="severe",
        hold=START_HOLD,
        what=f"Nothing has been read since {utc(now - seconds)} although addresses are due: no "
        "movement would be seen.",
        cure="See the log and `fundwatch status`; then restart Fundwatch.",
    )


def _late(desk: Fundwatch, watched: Entries, now: int) -> Iterable[Signal]:
    """Lists that did not fail and were still not read up to the newest block for long:
    their turn never came, or what came never reached the end."""
    rows = _newest(desk.store)
    for chain in {row["chain"] for row in rows} & set(desk.desks):
        heads = desk.desks[chain].heads_seen.values()
        still = bool(heads) and all(now - head.time > OLD_HEAD for head in heads)
        limit = max(desk.settings.hold, LATE_ROUNDS * desk.round_seconds)
        mine = [row for row in rows if row["chain"] == chain]
        keys = {
            row["key"]
            for row in mine
            if now - row["tried"] > limit or (now - row["reached"] > limit and not still)
        }
        every = len({row["key"] for row in mine})
        yield Signal(
            key=f"late:{chain}",
            bad=bool(keys),
            hold=START_HOLD,
            what=f"Of {every} addresses on {_chain_name(desk, chain)}, {len(keys)} were not "
            f"read up to the newest block for over {duration(limit)}.",
            cure="See `fundwatch status`: calls are too few, a history is long, or reading hangs.",
            chain=chain,
            who=tuple(e.id for e in watched.get(chain, ()) if e.subject.key in keys),
        )


def _newest(store: Store) -> list[sqlite3.Row]:
    """By list that does not fail: when it was last tried, and which time it was read up to.
    Both count from the adding of the address at the earliest."""
    return store.read(
        "SELECT s.chain, s.key, max(e.added, coalesce(r.tried, 0)) AS tried, "
        "max(e.added, coalesce(r.complete_time, 0)) AS reached FROM subject s "
        "JOIN (SELECT subject, min(added) AS added FROM entry WHERE retired IS NULL "
        "GROUP BY subject) e ON e.subject = s.key "
        "LEFT JOIN reading r ON r.subject = s.key WHERE r.failing IS NULL"
    )


def _spent(desk: Fundwatch, now: int) -> Iterable[Signal]:
    """A day's budget that is used up: nothing more is read from this source today."""
    used = {key: n for key, seconds, n in journal.budgets(desk.store, now) if seconds == DAY}
    for name, config in desk.settings.sources.items():
        limit = config.calls_per_day
        if limit is None:
            continue
        yield Signal(
            key=f"budget:{name}",
            bad=used.get(name, 0) >= limit,
            hold=START_HOLD,
            what=f"All {limit:,} calls of source {name} for today (UTC) are used up.",
            cure="It is asked again from 00:00 UTC on. Until then another source of the chain "
            "would step in; calls_per_day in config/sources.yaml holds the limit.",
        )


def _canaries(desk: Fundwatch, active: Iterable[Watched], now: int) -> Iterable[Signal]:
    """Addresses that move all the time: silence there means that reading is broken."""
    for watched in active:
        entry = watched.entry
        if not entry.canary:
            continue
        since = max(watched.added, _last_recorded(desk.store, entry))
        yield Signal(
            key=f"canary:{entry.id}",
            bad=now - since > entry.canary * 3600,
            hold=START_HOLD,
            what=f"Nothing was recorded at the canary of {_chain_name(desk, entry.subject.chain)} "
            f"for over {entry.canary} h (since {utc(since)}): either it is quiet, or reading is "
            "broken.",
            cure="Compare with an explorer. If the address has moved there, reading is broken; "
            "if not, choose a busier canary.",
            chain=entry.subject.chain,
            who=(entry.id,),
        )


def _last_recorded(store: Store, entry: Entry) -> int:
    """When a transfer of this address was last recorded; 0 if never."""
    place = [entry.subject.chain, entry.subject.address]
    found = [
        row["first_seen"]
        for party in ("sender", "recipient")
        for row in store.read(
            f"SELECT first_seen FROM transfer WHERE chain = ? AND {party} = ? "  # noqa: S608
            "ORDER BY id DESC LIMIT 1",
            place,
        )
    ]
    return max(found, default=0)


def _chain_name(desk: Fundwatch, key: str) -> str:
    chain = desk.settings.chains.get(key)
    return chain.name if chain else key
