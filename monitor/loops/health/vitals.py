"""What the verdict on our health rests on. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from monitor.chains.table import streams_of
from monitor.decide.cost import LEAST_INTERVAL
from monitor.decide.incidents import HELD_LIST, LATE_LIST
from monitor.decide.reach import refused_since
from monitor.loops.health import kept, pulse
from monitor.loops.health.verdict import ROUNDS, Blind, Lists, Start, Verdict, Vitals, judge
from monitor.model import Severity
from monitor.model.errors import StoreError
from monitor.model.settings import Settings
from monitor.model.status import State
from monitor.model.streams import SHOWN, who_is_asked
from monitor.store import (
    balance_figures,
    blocks,
    figures,
    incidents,
    list_standing,
    notes,
    outbox,
    standing,
    watch,
    ways,
)
from monitor.store.port import Reader

OVERDUE = 300  # seconds past its time after which an address counts as not up to date
LEAST_START = 100  # seconds that a first reading may always take


def look(
    store: Reader,
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
        found = vitals_of(store, settings, now, running=running)
        return judge(replace(found, record=record, silent=silent, stuck=stuck))
    except StoreError as error:
        return Verdict(False, f"the record cannot be read: {error}", (str(error),))


def vitals_of(store: Reader, settings: Settings, now: int, *, running: bool) -> Vitals:
    """Raises StoreError."""
    served = _served(settings)
    jobs = [f"fault:{job}" for job in pulse.VITAL]
    told = incidents.told(store, *jobs, "late:", HELD_LIST)
    counts, followed = Counter[State](), standing.followed(store)
    for (_, state), number in states(store, settings, now).items():
        counts[state] += number
    return Vitals(
        now=now,
        running=running,
        counts=counts,
        lists=lists_named(store, settings),
        overdue=overdue(store, settings, now),
        blind=tuple(_blind(store, settings, served, now)),
        start=_start(store, settings, served, now),
        late=outbox.late(store, now),
        dead=figures.given_up(store),
        off=sorted(ways.disabled(store)),
        channels=len(settings.channels),
        deaf=_deaf(store, settings, now),
        faults=[key.partition(":")[2] for key in told if key.startswith("fault:")],
        behind=[_name(settings, k.partition(":")[2]) for k in told if k.startswith("late:")],
        followed=followed.addresses,
        spent=followed.spent,
        old_lists=old_lists(store, settings),
        unexplained=balance_figures.unexplained(store),
        held_lists=[*_about(told, HELD_LIST)],
    )


def _about(told: Sequence[str], kind: str) -> Iterator[str]:
    return (key.removeprefix(kind) for key in told if key.startswith(kind))


def old_lists(store: Reader, settings: Settings) -> list[str]:
    """Published lists without which a movement may be missed, and that could not be had for a
    day, as was told."""
    told = incidents.told(store, LATE_LIST)
    return [each for each in _about(told, LATE_LIST) if _counts(settings, each)]


def _counts(settings: Settings, name: str) -> bool:
    """Whether a movement may be missed without a list: one that only gives names does not."""
    config = settings.lists.get(name)
    return config is not None and (config.watch or config.ours)


def rounds(store: Reader, settings: Settings) -> tuple[int, int]:
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


def overdue(store: Reader, settings: Settings, now: int) -> int:
    """Seconds for which an address has been due while nothing at all was read; 0 if none.

    Addresses of chains without a source do not count: no waiting would help.
    """
    since = standing.idle_since(store, _served(settings))
    return 0 if since is None else max(0, now - since)


# -- reading -----------------------------------------------------------------------------


def _served(settings: Settings) -> list[str]:
    """Chains with a source."""
    return [key for key, chain in settings.chains.items() if chain.sources]


def _name(settings: Settings, chain: str) -> str:
    return settings.chains[chain].name if chain in settings.chains else chain


def _blind(store: Reader, settings: Settings, served: list[str], now: int) -> Iterator[Blind]:
    every, _ = rounds(store, settings)
    severe, other = (now - hold(settings, s, every) for s in (Severity.SEVERE, Severity.HIGH))
    for each in standing.failing(store, served, severe, other):
        name = _name(settings, each.chain)
        yield Blind(name, each.entries, each.lasting, each.since)


def _start(store: Reader, settings: Settings, served: list[str], now: int) -> Start:
    """How far the first reading of all has come."""
    first = standing.first_reads(store, served)
    if first is None:
        return Start()
    _, expected = rounds(store, settings)
    begun = max(first.added, int(notes.get_note(store, "started") or 0))
    allowed = max(LEAST_START, ROUNDS * expected)
    return Start(first.entries, first.read, max(1, now - begun), expected, allowed)


def states(store: Reader, settings: Settings, now: int) -> Counter[tuple[str, State]]:
    """How many entries stand how, by chain and state."""
    served = _served(settings)
    found: Counter[tuple[str, State]] = Counter()
    for (chain, state), number in standing.states(store, now - OVERDUE).items():
        found[chain, state if chain in served else State.BLIND] += number
    for chain, number in standing.complete_on(store, _torn(store), now - OVERDUE).items():
        if chain in served:
            found[chain, State.COMPLETE] -= number
            found[chain, State.BEHIND] += number
    return found


def ages(store: Reader, now: int) -> dict[str, int]:
    """Seconds since the newest block that was read, at each chain's list that is furthest
    behind."""
    return {chain: max(0, now - at) for chain, at in standing.furthest_behind(store).items()}


def _torn(store: Reader) -> set[str]:
    """Subjects with a list of which a part in between is still to be read, or with a history
    that is held back."""
    return {key.partition(":")[2] for key in incidents.told(store, "busy:")} | list_standing.torn(
        store
    )


def lists_named(store: Reader, settings: Settings) -> Lists:
    """Lists of which not all is read."""
    blind: dict[str, list[str]] = {}
    unserved: dict[str, list[str]] = {}
    shown: dict[tuple[str, str], list[str]] = {}  # by chain, and who is asked what moved
    for each in standing.failing_lists(store):
        if each.error.startswith(SHOWN):
            shown.setdefault((each.chain, who_is_asked(each.error)), []).append(each.stream)
        else:
            found = unserved if each.unserved else blind
            found.setdefault(each.chain, []).append(each.stream)
    served = _served(settings)
    blind |= {key: [] for key in watch.active_chains(store) if key not in served}
    every = {key: len(streams_of(chain)) for key, chain in settings.chains.items()}
    below = {c: list_standing.unlisted(store, c) for c in sorted(blocks.read_by_blocks(store))}
    return Lists(
        blind=_on_chains(blind, every),
        unserved=_on_chains(unserved, every),
        below=_on_chains({chain: lists for chain, lists in below.items() if lists}, {}),
        shown=", ".join(
            f"{_joined(lists)} on {chain} ({who} moved)" for (chain, who), lists in shown.items()
        ),
    )


def _on_chains(lists: Mapping[str, Collection[str]], every: Mapping[str, int]) -> str:
    """ "native and internal on dev, all lists on tron"; of a chain without any name all."""
    return ", ".join(
        f"{'all lists' if len(names) in (0, every.get(chain)) else _joined([*names])} on {chain}"
        for chain, names in lists.items()
    )


def _joined(names: Sequence[str]) -> str:
    """ "erc20, erc721 and erc1155"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


# -- sending -----------------------------------------------------------------------------


def _deaf(store: Reader, settings: Settings, now: int) -> dict[str, int]:
    """Audiences of which every channel refuses, with the seconds since the last of them does."""
    tests = kept.last_tests(store, settings.channels)
    # One that failed once may be a server that was just being started.
    failed = {
        name: t.since for name, t in tests.items() if not (t.good or t.whom) and t.at > t.since
    }
    since = refused_since(settings.channels, ways.reach(store, now), failed)
    return {audience: max(0, now - at) for audience, at in since.items()}
