"""How a case stands, for the cover of what goes out: as of when, what was read and what was not,
by which method, by whose names, with how many eyes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.loops.desk import work
from monitor.loops.health import entry_status
from monitor.loops.health.snapshot import EntryStatus
from monitor.loops.health.verdict import Lists, stand
from monitor.loops.report.mine import Mine
from monitor.model.desk import Sight
from monitor.model.plain import plural, tidy
from monitor.model.status import State
from monitor.model.trace import Told, Trace
from monitor.store import balance_figures, case_file, desk, log
from monitor.store.case_file import newest_of
from monitor.store.not_covered import not_covered
from monitor.store.port import Fields

_READ = (State.COMPLETE, State.DORMANT)
_MOST = 2000  # entries that are looked at one by one


@dataclass(frozen=True, slots=True)
class Standing:
    """What must be known before any figure of a case."""

    case: str
    as_of: int | None  # the newest that the record holds of the case, Unix seconds
    log: tuple[int, str]  # number and hash of the newest row of the log
    entries: int
    status: Sequence[EntryStatus]
    not_listed: int  # entries beyond those in `status`
    read: bool
    reading: str  # how many stand how, in words
    blind: Sequence[str]  # lists that are not complete, a sentence each
    unread: Sequence[tuple[str, int]]  # what nobody looked at, and for how many entries
    gaps: int
    unexplained: int  # balances that the record does not explain
    eyes: str
    by_one: int
    notes: int
    heads: Mapping[str, int]  # by chain: the newest block that was read for the case
    people: Sequence[str] = ()

    @property
    def moment(self) -> int:
        return self.as_of or 0


def standing(mine: Mine, told: Told | None) -> Standing:
    """`told`: the state of the trace that goes out with it."""
    store, case = mine.store, mine.case
    lists = case_file.lists(store, case)
    times = [newest_of(lists, "tried"), newest_of(lists, "ok"), case_file.last_act(store, case)]
    times.append(told.at if told is not None else None)
    as_of = max((at for at in times if at is not None), default=None)
    active = [each.entry.id for each in mine.entries if each.active]
    status = entry_status.some_read(store, mine.settings, as_of or 0, active[:_MOST], running=True)
    counts = Counter(each.state for each in status)
    blind = [line for each in status for line in _blind(each)]
    sight = Sight(frozenset({case}))
    return Standing(
        case=case,
        as_of=as_of,
        log=log.last(store),
        entries=len(active),
        status=status,
        not_listed=max(0, len(active) - _MOST),
        read=not blind and set(counts) <= {*_READ} and len(active) <= _MOST,
        reading=stand(counts, Lists(blind=_named(status, State.BLIND), unserved="")),
        blind=blind,
        unread=_unread(mine, active[:_MOST]),
        gaps=len(case_file.gaps(store, case)),
        unexplained=sum(
            h.state.value == "unexplained" for h in balance_figures.of_case(store, case)
        ),
        eyes=_eyes(mine),
        by_one=desk.by_one(store, sight, case),
        notes=len(desk.remarks(store, sight, case=case)),
        heads=_heads(lists),
    )


def _heads(lists: Iterable[Fields]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in lists:
        if row["axis"] == "height" and isinstance(row["complete_to"], int):
            chain = str(row["subject"]).split("/", 1)[0]
            found[chain] = max(found.get(chain, 0), row["complete_to"])
    return found


def _blind(entry: EntryStatus) -> list[str]:
    """Why which of its lists are not complete, a sentence for each reason."""
    by_reason: dict[str, list[str]] = {}
    for each in entry.streams:
        if each.state not in _READ:
            reason = tidy(each.reason, 300) or each.state.value
            by_reason.setdefault(reason, []).append(each.stream)
    label = tidy(entry.label, 80) or entry.id
    where = f"{label} ({entry.address} on {entry.chain})"
    return [f"{where}: {', '.join(lists)}: {reason}" for reason, lists in by_reason.items()]


def _named(status: Iterable[EntryStatus], state: State) -> str:
    found = dict.fromkeys(
        f"{each.stream} on {entry.chain}"
        for entry in status
        for each in entry.streams
        if each.state is state
    )
    return ", ".join(found)


def _unread(mine: Mine, active: Sequence[str]) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    wanted = {*active}
    for watched in mine.entries:
        if watched.entry.id in wanted:
            counts.update(not_covered(mine.store, watched.entry, mine.settings.chains))
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def _eyes(mine: Mine) -> str:
    web = mine.settings.web
    if not web.on:
        return "Four eyes are off: the desk is not in use, and one person's decision counts"
    able = work.who(mine.store, web, mine.case).able
    if len(able) < 2:
        return "Four eyes are off: there is no second person who may agree in this case"
    number = plural(len(able), "person")
    return f"Four eyes are on: severe and high alerts are closed by two ({number} may agree)"


def name_sources(trace: Trace | None, others: Iterable[str]) -> list[str]:
    """Who gives the names that stand in it."""
    found = {tidy(each, 100) for each in others if each}
    for node in trace.nodes if trace is not None else ():
        found |= {tidy(name.source, 100) for name in node.names if name.source}
    return sorted(found)
