"""How far each entry is read, for `fundwatch status`. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from monitor.chains.table import streams_of
from monitor.loops.health import held
from monitor.loops.health.balance_status import Balances
from monitor.loops.health.chain_values import Time
from monitor.loops.health.snapshot import (
    Alike,
    DormantStatus,
    EntryStatus,
    HeldStatus,
    ListStatus,
    Reached,
    Tally,
)
from monitor.loops.health.verdict import Lists, stand
from monitor.loops.health.vitals import OVERDUE, lists_named
from monitor.model import Chain, Interval, Subject, Watched, intervals
from monitor.model.life import UNCOVERED, Dormant, proven
from monitor.model.plain import utc
from monitor.model.settings import Settings
from monitor.model.status import State, Unread
from monitor.model.streams import UNSERVED
from monitor.store import alike, balance_figures, dormant, list_standing, standing, watch
from monitor.store import held as kept
from monitor.store.alike import Group
from monitor.store.crowd import crowds
from monitor.store.incidents import incident_list
from monitor.store.list_standing import ListRead
from monitor.store.port import Reader

NEVER = ListRead()
PART = 2000  # entries that are looked at together
OLD_HEAD = 3600  # seconds: a newest block older than this is remarked upon


@dataclass(frozen=True)
class _Loaded:
    """What the record says about reading, loaded once."""

    settings: Settings
    now: int
    running: bool
    lists: Mapping[tuple[str, str], ListRead]  # by subject and stream
    covered: Mapping[tuple[str, str], tuple[Interval, ...]]
    gaps: Mapping[tuple[str, str], Sequence[Unread]]
    due: Mapping[str, int]  # by subject
    history_told: frozenset[str]  # entry ids
    owed: Mapping[str, bool]  # see list_standing.owed
    begins: Mapping[tuple[str, str], int]  # lists of members, where no source lists what is below
    asleep: Mapping[str, Dormant]  # by subject: what never lived, and is not read list by list
    held: frozenset[str]  # subjects whose history is too long to be read unasked
    balances: Balances
    funds: Mapping[str, HeldStatus]  # by entry, of those whose funds are held

    @cached_property
    def tried(self) -> Mapping[str, Sequence[str]]:
        """By subject: which lists were ever tried."""
        found: dict[str, list[str]] = {}
        for subject, stream in sorted(self.lists):
            found.setdefault(subject, []).append(stream)
        return found


def entries_read(
    store: Reader, settings: Settings, now: int, *, running: bool
) -> tuple[EntryStatus, ...]:
    """How far each active entry is read, in the order of adding. Raises StoreError."""
    shared: dict[tuple[ListStatus, ...], tuple[ListStatus, ...]] = {}
    return tuple(
        entry
        for part in watch.active_in_parts(store, PART)
        for entry in _stand(store, settings, now, running, part, shared)
    )


def some_read(
    store: Reader, settings: Settings, now: int, ids: Iterable[str], *, running: bool
) -> tuple[EntryStatus, ...]:
    """The same of the active ones among these entries. Raises StoreError."""
    part = [each for each in watch.entries(store, ids).values() if each.active]
    return tuple(_stand(store, settings, now, running, part, {}))


def alike_read(store: Reader, settings: Settings, now: int) -> Iterator[Alike]:
    """The same of a running Fundwatch, those that stand alike together: of a million members of a
    chain there are a few kinds. Raises StoreError."""
    together = crowds(store)
    apart = {each.entry.subject.key for each in kept.entries(store)} | _busy(store)
    shared: dict[tuple[ListStatus, ...], tuple[ListStatus, ...]] = {}

    def stand(part: Sequence[Watched]) -> Iterator[EntryStatus]:
        return _stand(store, settings, now, True, part, shared)

    for part in watch.active_in_parts(store, PART, but=[*together]):
        yield from map(Alike, stand(part))
    for crowd in together.values():
        found = alike.of(store, crowd, apart)
        for start in range(0, len(found.singly), PART):
            some = watch.entries(store, found.singly[start : start + PART])
            yield from map(Alike, stand([*some.values()]))
        groups = {group.id: group for group in found.groups.values()}
        for one in stand([*watch.entries(store, groups).values()]):
            yield _as_group(one, groups[one.id])


def _as_group(one: EntryStatus, group: Group) -> Alike:
    if one.balances is None:
        return Alike(one, group.number)
    lowest = replace(one.balances, block=group.high, time=Time.of(group.time))
    return Alike(replace(one, balances=lowest), group.number)


def worst_read(
    store: Reader, settings: Settings, now: int, *, running: bool, most: int
) -> tuple[EntryStatus, ...]:
    """The same of those that stand worst, of most of them alone; those of which the chain says
    another balance, and those whose funds are held, among them. Raises StoreError."""
    first = {each.entry.id for each in kept.entries(store)} | {*balance_figures.apart(store, most)}
    ids = [*first, *standing.not_complete(store, now - OVERDUE, most)]
    found = watch.entries(store, dict.fromkeys(ids))
    part = [found[each] for each in dict.fromkeys(ids) if each in found and found[each].active]
    stand = _stand(store, settings, now, running, part, {})
    wrong = [each for each in stand if each.state != State.COMPLETE or _is_apart(each)]
    rank = {state: number for number, state in enumerate(State)}
    wrong.sort(key=lambda each: (each.id not in first, rank[each.state]))
    return tuple(wrong[:most])


def _is_apart(entry: EntryStatus) -> bool:
    """Whether something is to be said of it although all its lists are read."""
    return entry.held is not None or bool(entry.balances and entry.balances.unexplained)


def _stand(
    store: Reader,
    settings: Settings,
    now: int,
    running: bool,
    part: Sequence[Watched],
    shared: dict[tuple[ListStatus, ...], tuple[ListStatus, ...]],
) -> Iterator[EntryStatus]:
    """`shared`: how lists stand, each once: of a million entries most stand alike."""
    loaded = _load(store, settings, now, running, part)
    absent = {w.entry.id for w in watch.absent_entries(store)}
    for watched in part:
        entry = _entry(loaded, watched, watched.entry.id in absent)
        yield replace(entry, streams=shared.setdefault(entry.streams, entry.streams))


def _load(
    store: Reader, settings: Settings, now: int, running: bool, part: Sequence[Watched]
) -> _Loaded:
    keys = [*dict.fromkeys(watched.entry.subject.key for watched in part)]
    ids = [watched.entry.id for watched in part]
    lists = list_standing.lists_read(store, keys)
    return _Loaded(
        settings=settings,
        now=now,
        running=running,
        lists=lists,
        covered={
            (subject, stream): intervals.union(parts)
            for (subject, stream, axis), parts in list_standing.covered(store, keys).items()
            if (read := lists.get((subject, stream))) and axis == read.axis
        },
        gaps=list_standing.unread(store, keys),
        due=list_standing.due_times(store, keys),
        history_told=list_standing.history_told(store, ids),
        owed=list_standing.owed(store, keys),
        begins=list_standing.begins(store, keys),
        asleep=dormant.asleep_of(store, keys),
        held=_busy(store),
        balances=Balances.load(store, keys),
        funds={each.entry.id: each.status() for each in held.accounts(store, settings, now)},
    )


def _busy(store: Reader) -> frozenset[str]:
    """Keys of addresses whose history is held back."""
    incidents = (i.signal.key for i in incident_list(store, open_only=True))
    return frozenset(k.partition(":")[2] for k in incidents if k.startswith("busy:"))


def _entry(loaded: _Loaded, watched: Watched, absent: bool) -> EntryStatus:
    entry = watched.entry
    chain = loaded.settings.chains.get(entry.subject.chain)
    names = streams_of(chain) if chain else loaded.tried.get(entry.subject.key, ())
    streams = tuple(_list(loaded, watched, chain, name) for name in names)
    # Where nothing at all is served, nothing is seen.
    states = {s.state for s in streams} - {State.NOT_SERVED} or {State.BLIND}
    return EntryStatus(
        id=entry.id,
        case=entry.case,
        label=entry.label,
        severity=entry.severity.value,
        chain=entry.subject.chain,
        address=entry.subject.address,
        absent=absent,
        state=next(state for state in State if state in states),
        streams=streams,
        dormant=_dormant(loaded, entry.subject),
        balances=loaded.balances.of(entry.subject.key),
        held=loaded.funds.get(entry.id),
    )


def _dormant(loaded: _Loaded, subject: Subject) -> DormantStatus | None:
    found = loaded.asleep.get(subject.key)
    if found is None:
        return None
    return DormantStatus(
        since=Time(found.since),
        block=found.height,
        hash=found.block_hash,
        time=Time(found.time),
        age_seconds=max(0, loaded.now - found.time),
        by=found.source,
        not_covered=UNCOVERED,
        late=_late(loaded, found),
    )


def _list(loaded: _Loaded, watched: Watched, chain: Chain | None, stream: str) -> ListStatus:
    key = (watched.entry.subject.key, stream)
    read = loaded.lists.get(key, NEVER)
    state, reason = _state(loaded, watched, chain, read, key)
    failing, reached = Time.of(read.failing), Time.of(read.complete_time)
    return ListStatus(
        stream=stream,
        state=state,
        reason=reason,
        covered_from=_covered_from(loaded, watched, read, key),
        covered_to=None if reached is None else Reached(read.axis, read.complete_to, reached),
        by=read.source,
        age_seconds=age(reached, loaded.now),
        failing_since=failing,
        failing_seconds=None if failing is None else loaded.now - failing,
        unserved=read.error.startswith(UNSERVED),
        gaps=tuple(loaded.gaps.get(key, ())),
    )


def age(at: int | None, now: int) -> int | None:
    """Clocks differ: what is to come is of now."""
    return None if at is None else max(0, now - at)


def _state(
    loaded: _Loaded, watched: Watched, chain: Chain | None, read: ListRead, key: tuple[str, str]
) -> tuple[State, str]:
    """One word for a list of one entry, and why it is not "complete"."""
    if chain is None:
        return State.BLIND, f"{watched.entry.subject.chain} is no longer in config/chains.yaml"
    if not chain.sources:
        return State.BLIND, f"no source is in service for {chain.name}; see `fundwatch check`"
    if read.failing is not None:
        if read.error.startswith(UNSERVED):
            return State.NOT_SERVED, read.error
        return State.BLIND, f"{read.error or 'it could not be read'} (since {utc(read.failing)})"
    asleep = loaded.asleep.get(key[0])
    if asleep is not None and watched.baseline is not None:
        return _asleep(loaded, asleep)
    if read.ok is None or watched.baseline is None:
        return State.NOT_READ, "the first read is still to come"
    for reason in _shortfalls(loaded, watched, read, key):
        return State.BEHIND, reason
    if (age(read.complete_time, loaded.now) or 0) > OLD_HEAD:
        return State.COMPLETE, f"{read.source} has no newer block: it or the chain stands still"
    return State.COMPLETE, ""


def _asleep(loaded: _Loaded, found: Dormant) -> tuple[State, str]:
    """How every list of an address stands that never lived on its chain."""
    said, late = proven(found), _late(loaded, found)
    return (State.BEHIND, f"{late}; {said}") if late else (State.DORMANT, said)


def _late(loaded: _Loaded, found: Dormant) -> str:
    """Why nothing newer is proven of it; empty: all that is due."""
    if found.failing is not None:
        return f"no node says more since {utc(found.failing)}: {found.error}"
    if loaded.now - loaded.due.get(found.subject.key, loaded.now) <= OVERDUE:
        return ""
    return "asking again is overdue" if loaded.running else "no Fundwatch runs"


def _shortfalls(
    loaded: _Loaded, watched: Watched, read: ListRead, key: tuple[str, str]
) -> Iterable[str]:
    """Why a list that can be read is not complete, the weightiest first."""
    if read.complete_time is None:
        yield "its newest part has not been read in full yet"
    if loaded.now - loaded.due.get(key[0], loaded.now) > OVERDUE:
        why = "reading is overdue" if loaded.running else "no Fundwatch runs"
        yield f"{why}; last read {utc(read.ok)}"
    for gap in loaded.gaps.get(key, ()):
        yield f"{gap.axis} {gap.from_} to {gap.to} could not be read: {gap.reason}"
    if key[0] in loaded.held:
        yield "over 100,000 movements: history is held back until its entry says  busy: yes"
    if watched.entry.id not in loaded.history_told:
        yield "its history is still being read"
    elif key[0] in loaded.owed:
        waits = "what lies below the block at which it joined was read, and waits for confirmations"
        unread = "a part before it was read with its chain is still to be read"
        yield waits if loaded.owed[key[0]] else unread
    elif len(loaded.covered.get(key, ())) > 1 and key not in loaded.begins:
        yield "a part in between is still to be read"


def _covered_from(
    loaded: _Loaded, watched: Watched, read: ListRead, key: tuple[str, str]
) -> str | None:
    """Where the unbroken part begins: what `since` asked for once that has been reached."""
    if read.ok is None:
        return None
    if (place := loaded.begins.get(key)) is not None:
        return read.axis.words(place)
    parts = loaded.covered.get(key, ())
    whole = watched.entry.id in loaded.history_told and key[0] not in loaded.held
    # What nobody lists now was perhaps read with its chain alone, from some block on.
    partly = read.error.startswith(UNSERVED) and any(part.lo for part in parts)
    if whole and not partly and len(parts) <= 1:
        since = watched.entry.since
        return f"block {since}" if since.isdecimal() else since
    if not parts:
        return None
    return read.axis.words(parts[-1].lo)


def tally(store: Reader, settings: Settings, counts: Counter[State]) -> Tally:
    # Where none was looked at nothing is looked up for them either.
    lists = lists_named(store, settings) if counts else Lists()
    return Tally(
        words=stand(counts, lists),
        entries=counts.total(),
        complete=counts[State.COMPLETE],
        behind=counts[State.BEHIND],
        blind=counts[State.BLIND],
        not_read=counts[State.NOT_READ],
        dormant=counts[State.DORMANT],
    )
