"""The READING section of `fundwatch check`: what each chain costs by address, by ranges and by
blocks, which of them is taken and why, and what a source's blocks do not show."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from monitor.app import build, ways
from monitor.app.check.probe import WORKERS, Probe
from monitor.app.check.report import Bench
from monitor.chains.table import short_words
from monitor.decide.cost import Taken
from monitor.decide.way import Asked, Figures, Verdict, Weighed
from monitor.model import ISSUER, Ask, Interval, Subject, Way
from monitor.model.errors import SourceError
from monitor.model.plain import duration
from monitor.model.ports import Source, WholeBlocks
from monitor.model.scope import Members
from monitor.net.sources import whole_of

BELOW = 2  # blocks below the newest one, of a block that is read to try: that one may still change
_NOBODY = Members({})


@dataclass(frozen=True, slots=True)
class Looked:
    """A source that hands out whole blocks, after one was read for nobody."""

    chain: str
    whole: WholeBlocks
    error: str = ""  # why it could not be read


def check(
    bench: Bench, made: build.Sources, probes: Sequence[Probe], asleep: Collection[Subject]
) -> dict[str, Taken]:
    """Say it, and return the way in which each chain is read."""
    looked = _look(bench, made)
    asked = {
        key: _asked(bench, key, sources, looked, probes, asleep)
        for key, sources in made.by_chain.items()
        if sources
    }
    chosen = ways.choose(bench.settings, asked)
    form = _Form(bench.out.width, chosen)
    if chosen:
        bench.out.section("READING", form.heading())
    for key, (weighed, verdict) in chosen.items():
        _chain(bench, form, key, weighed, verdict)
        for each in looked:
            if each.chain == key and each.error:
                text = f"{form.who(key)}whole blocks cannot be read: {each.error}"
                bench.out.warn(text, "mend that; until then the chain is read without them")
    return ways.taken(asked, chosen)


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


def _chain(bench: Bench, form: _Form, key: str, weighed: Weighed, verdict: Verdict) -> None:
    out, taken = bench.out, verdict.figures(weighed)
    out.ok(form.line(_counted(key, weighed), taken))
    for each in _ways(weighed):
        if each is not taken and each.calls != taken.calls:
            out.note(form.line("", each))
    if verdict.error:
        out.fail(
            f"{form.who(key)}{verdict.error}",
            "name a source that can, like a node of your own, or write  read: auto",
        )
    elif weighed.blocks or weighed.mixed or bench.settings.chains[key].read != "auto":
        out.note(f"{form.who('')}{verdict.why}")
    if verdict.way is Way.BLOCKS:
        if less := weighed.addresses.lists - taken.lists - {ISSUER}:
            out.warn(
                f"{form.who(key)}blocks of {taken.source} do not show: {short_words(less)}",
                "of those touched an explorer is asked; a node with traces shows them all",
            )
        for text in taken.lacks:
            out.note(f"{form.who('')}not in blocks: {text}")


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

    def __init__(self, width: int, found: ways.Chosen) -> None:
        figures = [each for weighed, _ in found.values() for each in _ways(weighed)]
        chains = (_counted(key, weighed) for key, (weighed, _) in found.items())
        self._chain = max(map(len, chains), default=0) + 2
        self._way = max((len(_name(each)) for each in figures), default=0) + 2
        self._budget = max([*(len(_budget(each)) for each in figures), len("budget used")]) + 2
        self._narrow = 7 + self._chain + self._way + 13 + self._budget + 10 + 12 > width

    def heading(self) -> str:
        if self._narrow:
            return ""
        lead = " " * max(0, 7 + self._chain + self._way - len("READING"))
        budget = f"{'budget used':<{self._budget}}"
        return f"{lead}{'calls a day':>11}  {budget}{'MB a day':>8}  seen within"

    def who(self, chain: str) -> str:
        return f"{chain:<{self._chain}}" if chain or not self._narrow else ""

    def line(self, chain: str, found: Figures) -> str:
        calls, mega = sum(found.calls.values()), found.bytes / 1e6
        if self._narrow:
            return (
                f"{self.who(chain)}{_name(found)}: {calls:,.0f} calls and {mega:,.0f} MB a day, "
                f"{_budget(found)}; seen within {duration(found.seen)}"
            )
        return (
            f"{self.who(chain)}{_name(found):<{self._way}}{calls:>11,.0f}  "
            f"{_budget(found):<{self._budget}}{mega:>8,.0f}  {duration(found.seen)}"
        )


def _counted(chain: str, weighed: Weighed) -> str:
    return f"{chain}, {weighed.number:,}"


def _name(found: Figures) -> str:
    return f"{found.way}, {found.source}" if found.source else str(found.way)


def _budget(found: Figures) -> str:
    return f"{found.share:.0%} of {found.key}" if found.key else "-"
