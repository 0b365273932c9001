"""The READING section of `fundwatch check`: what each chain costs by address, by ranges and by
blocks, which of them is taken and why, and what a source's blocks do not show."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

from monitor.app import build, ways
from monitor.app.check.probe import WORKERS, Probe
from monitor.app.check.report import Bench
from monitor.chains.table import short_words
from monitor.decide.cost import Taken
from monitor.decide.way import Asked, Figures, Verdict, Weighed
from monitor.model import Ask, Interval, Subject, Way
from monitor.model.errors import SourceError
from monitor.model.plain import count, duration
from monitor.model.ports import SeesInside, Source, WholeBlocks
from monitor.model.scope import Members
from monitor.net.sources import whole_of
from monitor.store import blocks
from monitor.store.schema import VERSION

BELOW = 2  # blocks below the newest one, of a block that is read to try: that one may still change
_NOBODY = Members({})
_HOW = {
    "trace_block": "by trace_block",
    "debug": "by debug_traceBlockByHash",
    "none": "the node does not show them",
}


@dataclass(frozen=True, slots=True)
class Looked:
    """A source that hands out whole blocks, after one was read for nobody."""

    chain: str
    whole: WholeBlocks
    error: str = ""  # why it could not be read


@dataclass(frozen=True, slots=True)
class Found:
    """In which way each chain is read, before anything is said of it."""

    looked: Sequence[Looked]
    chosen: ways.Chosen
    taken: Mapping[str, Taken]

    def by_blocks(self, chain: str) -> frozenset[str]:
        """The lists that the blocks of a chain hold, where these are what is read."""
        found = self.taken.get(chain)
        return found.lists if found is not None and found.way is Way.BLOCKS else frozenset()


def find(
    bench: Bench, made: build.Sources, probes: Sequence[Probe], asleep: Collection[Subject]
) -> Found:
    looked = _look(bench, made)
    asked = {
        key: _asked(bench, key, sources, looked, probes, asleep)
        for key, sources in made.by_chain.items()
        if sources
    }
    store = bench.store if bench.store is not None and bench.store.schema() >= VERSION else None
    now = () if store is None else blocks.read_by_blocks(store)
    chosen = ways.choose(bench.settings, asked, dict.fromkeys(now, Way.BLOCKS))
    return Found(looked, chosen, ways.taken(bench.settings, asked, chosen))


def say(bench: Bench, found: Found) -> None:
    looked, chosen = found.looked, found.chosen
    form = _Form(bench.out.width, chosen)
    if chosen:
        bench.out.section("READING", form.heading())
    for key, each_way in chosen.items():
        mine = [each for each in looked if each.chain == key]
        _chain(bench, form, key, each_way, mine)
        for each in mine:
            if each.error:
                text = f"{form.who(key)}whole blocks cannot be read: {each.error}"
                bench.out.warn(text, "mend that; until then the chain is read without them")


def _look(bench: Bench, made: build.Sources) -> list[Looked]:
    """One block of each source that hands them out: what it shows is known after it."""
    faces = [
        (key, whole)
        for key in bench.chains
        if bench.settings.chains[key].read != Way.ADDRESSES
        for source in made.by_chain.get(key, ())
        if (whole := whole_of(source)) is not None
    ]
    if bench.offline:
        return [Looked(*each) for each in faces]
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="check") as pool:
        return list(pool.map(lambda each: _read_one(*each), faces))


def _read_one(chain: str, whole: WholeBlocks) -> Looked:
    try:
        whole.identify()
        head = whole.head()
        at = max(0, head.height - BELOW)
        lists = frozenset(s for bundle in whole.bundles for s in bundle)
        whole.fetch(Ask((), lists, Interval(at, at), head, mempool=False, members=_NOBODY))
    except SourceError as error:
        return Looked(chain, whole, str(error))
    return Looked(chain, whole)


def _asked(
    bench: Bench,
    key: str,
    sources: Sequence[Source],
    looked: Sequence[Looked],
    probes: Sequence[Probe],
    asleep: Collection[Subject],
) -> Asked:
    subjects = {entry.subject for entry in bench.on(key)}
    never = sum(subject in asleep for subject in subjects)
    kept = {p.source.name: p.kept_back for p in probes if p.chain.key == key}
    wholes = [each.whole for each in looked if each.chain == key and not each.error]
    chain = bench.settings.chains[key]
    return ways.asked_of(chain, sources, wholes, len(subjects) - never, never, kept)


def _chain(
    bench: Bench,
    form: _Form,
    key: str,
    chosen: tuple[Weighed, Verdict],
    looked: Sequence[Looked],
) -> None:
    weighed, verdict = chosen
    out, taken = bench.out, verdict.figures(weighed)
    if taken.share <= 1:
        out.ok(form.line(key, weighed, taken))
    else:
        cure = "leave  every  out of config/settings.yaml, or write more seconds"
        out.warn(form.line(key, weighed, taken), cure)
    for each in _ways(weighed):
        if each is not taken and each.calls != taken.calls and each.lists:
            out.note(form.line("", weighed, each))
    if verdict.error:
        out.fail(
            f"{form.who(key)}{verdict.error}; it is read by address meanwhile",
            "name a source that can, like a node of your own, or write  read: auto",
        )
    elif weighed.blocks or weighed.mixed or bench.settings.chains[key].read != "auto":
        out.note(f"{form.who('')}{verdict.why}")
    if verdict.way is Way.BLOCKS:
        whole = next(each.whole for each in looked if each.whole.name == verdict.source)
        _shown(bench, form, key, weighed, taken, whole)


def _shown(
    bench: Bench, form: _Form, key: str, weighed: Weighed, taken: Figures, whole: WholeBlocks
) -> None:
    """What the blocks that are read show, and what they do not."""
    out = bench.out
    how = cast(SeesInside, whole).traces if hasattr(whole, "traces") else ""
    if how and how != "auto":
        out.note(f"{form.who('')}calls inside transactions: {_HOW[how]}")
    less = weighed.lists & weighed.addresses.lists - taken.lists
    if less and how != "auto":
        out.warn(
            f"{form.who(key)}blocks of {taken.source} do not show: {short_words(less)}",
            "of those touched an explorer is asked; a node with traces shows them all",
        )
    for text in taken.lacks:
        out.note(f"{form.who('')}blocks of {taken.source}: {text}")


def _ways(weighed: Weighed) -> Iterator[Figures]:
    mixed = weighed.mixed
    if mixed is None or mixed.calls != weighed.addresses.calls:
        yield weighed.addresses
    if mixed is not None:
        yield mixed
    yield from weighed.blocks


class _Form:
    """Columns as wide as the names of this home folder need; sentences where the window is too
    narrow for them."""

    def __init__(self, width: int, chosen: ways.Chosen) -> None:
        found = [(weighed, each) for weighed, _ in chosen.values() for each in _ways(weighed)]
        self._chain = max(map(len, chosen), default=0) + 2
        self._way = max((len(_name(*each)) for each in found), default=0) + 2
        self._budget = max([*(len(_budget(each)) for _, each in found), len("budget used")]) + 2
        self._narrow = 7 + self._chain + self._way + 11 + self._budget + 10 + 11 > width

    def heading(self) -> str:
        if self._narrow:
            return ""
        lead = " " * max(0, 7 + self._chain + self._way - len("READING"))
        return f"{lead}{'calls/day':>9}  {'budget used':<{self._budget}}{'MB/day':>8}  seen within"

    def who(self, chain: str) -> str:
        return f"{chain:<{self._chain}}" if chain or not self._narrow else ""

    def line(self, chain: str, weighed: Weighed, found: Figures) -> str:
        calls, mega = sum(found.calls.values()), found.bytes / 1e6
        name = _name(weighed, found)
        if self._narrow:
            return (
                f"{self.who(chain)}{name}: {calls:,.0f} calls and {mega:,.0f} MB a day, "
                f"{_budget(found)}; seen within {duration(found.seen)}"
            )
        return (
            f"{self.who(chain)}{name:<{self._way}}{calls:>9,.0f}  "
            f"{_budget(found):<{self._budget}}{mega:>8,.0f}  {duration(found.seen)}"
        )


def _name(weighed: Weighed, found: Figures) -> str:
    if found.way is Way.ADDRESSES:
        return count(weighed.number, "address", "addresses")
    return f"{found.way} {found.source}".strip()


def _budget(found: Figures) -> str:
    whom = "it" if found.key == found.source else found.key
    return f"{found.share:.0%} of {whom}" if whom else "-"
