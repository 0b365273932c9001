"""Trying sources for `fundwatch check`: a head and a few rows each, nothing is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from monitor.decide.asking import Allowed
from monitor.decide.cost import sees_life
from monitor.model import Ask, Batch, Chain, Head, Interval, Subject
from monitor.model.errors import NotServed, SourceError
from monitor.model.ports import SeesLife, Source

TINY_BLOCKS = 10  # what even the smallest free plans of nodes answer in one call
WORKERS = 8
TRIED_WITH = 3  # addresses at most, where a source does not take the first


def offers(sources: Iterable[Source]) -> frozenset[str]:
    """The lists that these sources can serve together."""
    return frozenset(s for source in sources for bundle in source.bundles for s in bundle)


@dataclass(frozen=True, slots=True)
class Probe:
    """What one source answered for one chain."""

    chain: Chain
    source: Source
    head: Head | None = None
    serves: frozenset[str] = frozenset()
    errors: tuple[SourceError, ...] = ()
    not_ready: frozenset[str] = frozenset()  # answered, but could not vouch for its list
    old_blocks: str = ""  # why it will not read old blocks
    kept_back: frozenset[str] = frozenset()  # lists that it does not hand out to us at all
    kept_back_words: str = ""  # its own words for that
    misfits: tuple[tuple[Subject, str], ...] = ()  # addresses that it does not take, its words
    one_by_one: str = ""  # why a node cannot be asked for many addresses at once

    @property
    def refused(self) -> bool:
        """Whether a person has to change something."""
        return any(not error.retryable for error in self.errors)


def probe_all(
    sources: Mapping[str, Sequence[Source]],
    chains: Mapping[str, Chain],
    subjects: Mapping[str, Sequence[Subject]],
    with_history: frozenset[str],
    with_lists: frozenset[str] = frozenset(),
    may_ask: Mapping[Subject, Allowed] = MappingProxyType({}),
) -> list[Probe]:
    """Try every source of every chain with one watched address, several sources at a time.

    `subjects`: those to try with; the next one where the source does not take an address,
    which is that entry's fault. `with_history` names the chains where old blocks are wanted too,
    `with_lists` those where published lists watch addresses, for many of which one call asks.
    `may_ask`: who alone may learn of some of them.
    """
    jobs = [
        (
            chains[key],
            source,
            [s for s in subjects[key] if s not in may_ask or source.name in may_ask[s]][
                :TRIED_WITH
            ],
            key in with_history,
            key in with_lists,
        )
        for key, of_chain in sources.items()
        for source in of_chain
    ]
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="check") as pool:
        return list(pool.map(lambda job: probe(*job), jobs))


def probe(
    chain: Chain, source: Source, subjects: Sequence[Subject], history: bool, listed: bool
) -> Probe:
    """A head, and for one address the newest blocks of every list that it can serve."""
    try:
        source.identify()
        head = source.head()
    except SourceError as error:
        return Probe(chain, source, errors=(error,))
    serves: set[str] = set()
    not_ready: set[str] = set()
    errors: list[SourceError] = []
    kept: dict[frozenset[str], str] = {}
    misfits: dict[Subject, str] = {}
    for bundle in source.bundles:
        try:
            batch = _first_that_fits(source, subjects, bundle, head, misfits)
        except NotServed as error:
            kept[bundle] = str(error)
        except SourceError as error:
            errors.append(error)
        else:
            if batch is not None:
                (serves if batch.read is not None else not_ready).update(bundle)
    if not subjects:  # it may not learn of any
        return Probe(chain, source, head, offers([source]))
    old = _old_blocks(source, subjects[0], head) if history and serves else ""
    return Probe(
        chain,
        source,
        head,
        frozenset(serves),
        tuple(errors),
        frozenset(not_ready),
        old,
        frozenset().union(*kept),
        "; ".join(dict.fromkeys(kept.values())),
        tuple(misfits.items()),
        _one_by_one(source, subjects[0], head) if listed else "",
    )


def _one_by_one(source: Source, subject: Subject, head: Head) -> str:
    """Why a node cannot be asked for many addresses at once; empty when it can, or is no node."""
    if not sees_life(source):
        return ""
    try:
        cast(SeesLife, source).life([subject.address], (), head.height)
    except SourceError as error:
        return str(error)
    return ""


def _first_that_fits(
    source: Source,
    subjects: Sequence[Subject],
    bundle: frozenset[str],
    head: Head,
    misfits: dict[Subject, str],
) -> Batch | None:
    """What the source answers for the first address that it takes; None: it took none."""
    for subject in subjects:
        try:
            return source.fetch(_ask(subject, bundle, _newest(source, head), head))
        except SourceError as error:
            if not error.of_address:
                raise
            misfits[subject] = str(error)
    return None


def _old_blocks(source: Source, subject: Subject, head: Head) -> str:
    """Why a node will not read its oldest blocks; empty when it does. Explorers keep lists
    by address and are not asked."""
    if not source.many:
        return ""
    oldest = Interval(0, min(TINY_BLOCKS - 1, head.height))
    try:
        source.fetch(_ask(subject, source.bundles[0], oldest, head))
    except SourceError as error:
        return str(error)
    return ""


def _ask(subject: Subject, bundle: frozenset[str], span: Interval, head: Head) -> Ask:
    return Ask((subject,), bundle, span, head, max_rows=50, mempool=False)


def _newest(source: Source, head: Head) -> Interval:
    top = source.axis.top(head)
    return Interval(max(0, top - (TINY_BLOCKS - 1) * source.axis.grain), top)
