"""How the program does, for whoever looks: the verdict, how many entries stand how, what is not
read, since when, why, and what helps. Of others' cases nothing, but numbers for who keeps it
running."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.chains.table import STREAM_WORDS
from monitor.loops.health import entry_status, recordwatch, status, vitals
from monitor.loops.health.snapshot import EntryStatus, ListStatus
from monitor.loops.health.verdict import Blind, Start, Verdict, Vitals, judge
from monitor.model import Severity
from monitor.model.desk import Right
from monitor.model.plain import tidy, without_addresses
from monitor.model.settings import Settings
from monitor.model.status import State
from monitor.model.streams import SHOWN
from monitor.store import desk_entries, desk_health, guard, standing
from monitor.web.desk.ask import Ask
from monitor.web.desk.strip import lists_of

SPOTS_MOST = 100
CASES_MOST = 6  # that a line names
# In the order in which they are told.
STATES: Mapping[State, str] = {
    State.COMPLETE: "all of its lists are read up to a few minutes ago",
    State.BEHIND: "read, but not up to now, or with a part missing",
    State.BLIND: "a list of it cannot be read now",
    State.NOT_READ: "its first reading is still to come",
    State.DORMANT: "it never lived on its chain, as nodes proved; asked for together",
}


@dataclass(frozen=True, slots=True)
class Spot:
    """What is not read: lists of entries of one chain that stand alike."""

    chain: str
    lists: tuple[str, ...]
    state: State
    since: int | None
    why: str
    cure: str
    cases: tuple[str, ...]  # the first of them
    more: int  # cases beyond these
    loose: int  # entries of no case
    entries: int


@dataclass(frozen=True, slots=True)
class Health:
    """`wide`: of everything; else of the cases that whoever looks may see."""

    verdict: Verdict
    wide: bool
    operates: bool  # keeps the program running: sees numbers of what else there is
    counts: tuple[tuple[State, str, int], ...]
    entries: int
    spots: tuple[Spot, ...]
    more: int  # spots beyond these
    unlooked: int  # entries that were not looked at one by one
    others: tuple[tuple[str, State, int], ...]  # chain, how, entries of cases that are not seen


def health(ask: Ask) -> Health:
    """Raises StoreError."""
    home = ask.settings.home
    running = guard.runs_beside(home)
    whole = vitals.vitals_of(ask.store, ask.settings, ask.now, running=running)
    whole = replace(
        whole,
        record=recordwatch.told_by_sign(home) if running else "",
        silent=recordwatch.silence(home, ask.now) if running else "",
    )
    entries, counts, unlooked = _entries(ask, whole, running=running)
    wide = ask.sight.cases is None
    found = whole if wide else _of_part(ask, whole, entries, counts)
    spots = spots_of(entries, ask.settings, others=not wide)
    operates = wide or ask.signed.may(Right.PEOPLE)
    return Health(
        judge(found),
        wide,
        operates,
        tuple((each, said, counts[each]) for each, said in STATES.items()),
        counts.total(),
        tuple(spots[:SPOTS_MOST]),
        max(0, len(spots) - SPOTS_MOST),
        unlooked,
        _others(ask, entries) if operates and not wide else (),
    )


def _entries(
    ask: Ask, whole: Vitals, *, running: bool
) -> tuple[Sequence[EntryStatus], Counter[State], int]:
    """Those that were looked at, how many of all stand how, and how many were not looked at."""
    store, settings, now = ask.store, ask.settings, ask.now
    if ask.sight.cases is None and standing.active_entries(store) > status.MOST:
        worst = entry_status.worst_read(store, settings, now, running=running, most=status.MOST)
        counts = Counter(whole.counts)
        apart = counts.total() - counts[State.COMPLETE] - counts[State.DORMANT]
        seen = sum(e.state not in (State.COMPLETE, State.DORMANT) for e in worst)
        return worst, counts, max(0, apart - seen)
    ids = desk_entries.active(store, ask.sight)
    found = entry_status.some_read(store, settings, now, ids, running=running)
    return found, Counter(e.state for e in found), desk_entries.beyond(store, ask.sight)


def _of_part(
    ask: Ask, whole: Vitals, entries: Sequence[EntryStatus], counts: Counter[State]
) -> Vitals:
    """The same signs of life, with what is told of entries taken from these alone."""
    apart = sum(each.balances.unexplained for each in entries if each.balances)
    return replace(
        whole,
        counts=counts,
        lists=lists_of(entries),
        blind=tuple(_blind(ask, entries)),
        start=Start(),
        dead=len(desk_health.given_up(ask.store, ask.sight)),
        behind=(),
        followed=0,
        spent=0,
        old_lists=(),
        held_lists=(),
        off=["some"] if whole.off else (),
        unexplained=apart,
    )


def _blind(ask: Ask, entries: Iterable[EntryStatus]) -> Iterable[Blind]:
    """As vitals tells it of all: by chain, with those that last."""
    every, _ = vitals.rounds(ask.store, ask.settings)
    by_chain: dict[str, list[tuple[int, bool]]] = {}
    for each in entries:
        failing = [s.failing_since for s in each.streams if s.failing_since and not s.unserved]
        if failing:
            hold = vitals.hold(ask.settings, Severity(each.severity), every)
            lasts = ask.now - min(failing) > hold
            by_chain.setdefault(each.chain, []).append((min(failing), lasts))
    for chain, found in by_chain.items():
        lasting = sum(lasts for _, lasts in found)
        yield Blind(_name(ask.settings, chain), len(found), lasting, min(at for at, _ in found))


def _others(ask: Ask, mine: Iterable[EntryStatus]) -> tuple[tuple[str, State, int], ...]:
    """How many entries of other cases stand how on which chain: for who keeps the program running
    and sees no case. No name of any of them."""
    every = vitals.states(ask.store, ask.settings, ask.now)
    every.subtract(Counter((each.chain, each.state) for each in mine))
    found = [(_name(ask.settings, chain), s, n) for (chain, s), n in every.items() if n > 0]
    return tuple(sorted(found, key=lambda each: (each[0], [*STATES].index(each[1]))))


# -- what is not read ----------------------------------------------------------------------------


def spots_of(
    entries: Iterable[EntryStatus], settings: Settings, *, others: bool = False
) -> list[Spot]:
    """What stands alike together; the worst first. `others`: whoever looks does not see all cases,
    so that no address that a source names in an error is shown."""
    alike: dict[tuple[str, State, str, int | None], list[tuple[EntryStatus, str]]] = {}
    for entry in entries:
        for read in entry.streams:
            if read.state not in (State.COMPLETE, State.DORMANT):
                why = without_addresses(read.reason) if others else read.reason
                key = (entry.chain, read.state, why, read.failing_since)
                alike.setdefault(key, []).append((entry, read.stream))
    rank = {state: number for number, state in enumerate(State)}
    found = [_spot(settings, *key, members) for key, members in alike.items()]
    return sorted(found, key=lambda each: (rank[each.state], each.chain, each.since or 0))


def _spot(
    settings: Settings,
    chain: str,
    state: State,
    why: str,
    since: int | None,
    members: Sequence[tuple[EntryStatus, str]],
) -> Spot:
    entries = {entry.id: entry for entry, _ in members}
    cases = sorted({entry.case for entry in entries.values() if entry.case})
    names = dict.fromkeys(stream for _, stream in members)
    lists = [STREAM_WORDS.get(each, each) for each in names]
    every = all(len(entry.streams) == len(names) for entry in entries.values())
    streams = [s for e in entries.values() for s in e.streams if s.stream in names]
    return Spot(
        _name(settings, chain),
        ("all lists",) if every and len(names) > 1 else tuple(lists),
        state,
        since if since is not None else _complete_to(streams),
        tidy(why, 400),
        cure(state, why),
        tuple(cases[:CASES_MOST]),
        max(0, len(cases) - CASES_MOST),
        sum(not entry.case for entry in entries.values()),
        len(entries),
    )


def _complete_to(streams: Iterable[ListStatus]) -> int | None:
    """Up to when all of them were read; None: one never was."""
    reached = [each.covered_to.time if each.covered_to else None for each in streams]
    known = [each for each in reached if each is not None]
    return min(known) if known and len(known) == len(reached) else None


# What helps, by what a reason begins with or says; the first that fits.
_CURES: tuple[tuple[str, str], ...] = (
    ("is no longer in config/chains.yaml", "Put the chain back into config/chains.yaml."),
    ("no source is in service", "Give the chain a source in config/sources.yaml, or its key."),
    ("held back", "Say  busy: yes  in its entry, if all of that history is wanted."),
    ("no Fundwatch runs", "Start Fundwatch."),
    ("is overdue", "If it lasts: calls are too few for what is watched; `fundwatch check` counts."),
    ("could not be read", "It is asked for again by itself; another source would close it sooner."),
)


def cure(state: State, why: str) -> str:
    """What helps against it."""
    if state is State.NOT_SERVED and why.startswith(SHOWN):
        return "None is needed: balances show that coins moved, and then it is looked for."
    if state is State.NOT_SERVED:
        return "A source that lists it, in config/sources.yaml; until then it stays unknown."
    for said, helps in _CURES:
        if said in why:
            return helps
    if state is State.BLIND:
        return "It is tried again by itself; another source for this chain would close the gap."
    return "None is needed: it is being read."


def _name(settings: Settings, chain: str) -> str:
    return settings.chains[chain].name if chain in settings.chains else chain
