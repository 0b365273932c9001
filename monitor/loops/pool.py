"""The sources of one chain: which can be asked now, which rest, and their heads."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import cast

from monitor.loops.headwatch import HeadWatch
from monitor.loops.tally import Tally
from monitor.model import (
    Chain,
    Head,
)
from monitor.model.answers import Heard, part
from monitor.model.config import Way
from monitor.model.errors import (
    NotServed,
    NotYet,
    RateLimited,
    Refused,
    SourceError,
    Unavailable,
    WrongChain,
)
from monitor.model.ports import Hears, Source, WholeBlocks
from monitor.model.scores import Mark

HEAD_TTL = 10.0  # seconds for which a source's head serves other subjects too
SURE_FOR = 2.0  # seconds after which rows read under a head ask which chain it is once more
IDENTIFY_EVERY = 3600.0
ASK_AGAIN = 86_400.0  # seconds until a list that is not handed out is asked for again
BREAK_AFTER = 3  # failures in a row before a source is left alone for a while
BREAK_SECONDS = (15.0, 120.0)  # first and longest time that it is left alone in an outage
REFUSED_SECONDS = 900.0  # the same for one that will not serve until a person changes something
RESTING = "resting after failures, the last"
HANGS = 10.0  # seconds after which a call that failed has hung
HUNG_TWICE, SHUNNED = 2, 60.0  # so many in a row, and how long nobody asks that source then


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that could not read a stream, in words without secrets."""

    source: str
    streams: frozenset[str]
    error: str
    retryable: bool
    retry_after: float | None = None


def hearing(source: Source) -> AbstractContextManager[list[Heard]]:
    """What a source answers meanwhile, where it is asked over a network."""
    return cast(Hears, source).hearing() if hasattr(source, "hearing") else nullcontext([])


def _heard_head(source: Source) -> Head:
    """A source's head with the answers that say so."""
    with hearing(source) as heard:
        head = source.head()
    names = {head.block_hash} if head.block_hash else frozenset[str]()
    return replace(head, heard=tuple(part(each, names) for each in heard))


class SourcePool:
    """The sources of one chain with their health: heads, identity, breakers. Thread-safe."""

    def __init__(
        self,
        chain: Chain,
        sources: Sequence[Source],
        head_ttl: float = HEAD_TTL,
        sure_for: float = SURE_FOR,
        hang_after: float = HANGS,
        operators: Mapping[str, str] = MappingProxyType({}),
        wholes: Sequence[WholeBlocks] = (),
    ) -> None:
        """`operators`: who runs each source; of one that is not named nobody else is. `wholes`:
        those of the sources that read whole blocks, as such."""
        self.chain = chain
        self.way = Way.ADDRESSES  # how the chain is read now
        self.sources = tuple(sources)  # in the order in which they are asked; see `order`
        self.wholes = tuple(wholes)  # in the same order
        self.as_set = self.sources  # in the order of the settings
        self._back: frozenset[str] = frozenset()  # those that are asked after the others
        self.first = ""  # whose blocks are read before those of others
        self.operators = {s.name: operators.get(s.name, s.name) for s in self.sources}
        self.tally = Tally(chain.key)
        self._head_ttl = head_ttl
        self._sure_for = sure_for
        self.hang_after = hang_after
        self._lock = threading.Lock()
        self._asking = {source.name: threading.Lock() for source in self.sources}
        self._heads: dict[str, tuple[float, Head | SourceError]] = {}
        self._identified: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._rest_until: dict[str, float] = {}
        self._why: dict[str, str] = {}  # the newest failure, by source
        # (source, what is asked beside lists) -> failures in a row, asked again at, why
        self._beside: dict[tuple[str, str], tuple[int, float, str]] = {}
        self._hung: dict[str, int] = {}  # calls in a row that hung, by source
        self._shunned: dict[str, float] = {}  # until when nobody asks a source that hangs
        self._kept_back: dict[tuple[str, str], float] = {}  # (source, stream) -> ask again at
        self.heads_seen: dict[str, Head] = {}  # the newest that are believed
        self.heads = HeadWatch(chain, self.sources, lambda: int(time.time()), self._glance)
        self.refusals: dict[str, str] = {}  # by source asked: why it will not serve, or ""
        self._sure: dict[str, float] = {}  # when each source last showed which chain it is

    def order(self, back: Collection[str]) -> None:
        """Ask these sources after the others from now on, each part as the settings order it. None
        is left out: what one alone serves is read from it."""
        self._back = frozenset(back)
        self.use(self.way, self.first)

    def use(self, way: Way, first: str = "") -> None:
        """Read the chain in this way from the next pass on, blocks of the source `first` as long as
        it hands them out. In the mixed way those are asked first that read a list for many
        addresses at once."""
        self.way, self.first = way, first
        self.sources = tuple(sorted(self.as_set, key=self._turn))
        places = {source.name: place for place, source in enumerate(self.sources)}
        wholes = sorted(self.wholes, key=lambda s: (s.name != first, places[s.name]))
        self.wholes = tuple(sorted(wholes, key=lambda source: source.name in self._back))

    def _turn(self, source: Source) -> tuple[bool, bool]:
        return source.name in self._back, self.way is Way.MIXED and not source.many

    @property
    def needs_unspent(self) -> bool:
        """Whether the first source that reads blocks does not say what inputs spend: the unspent
        outputs of the members must be known then."""
        return bool(self.wholes) and self.wholes[0].needs_unspent

    def chain_wide(self, way: Way) -> tuple[Source, ...]:
        """Who is asked for the chain as a whole, where it is read in this way."""
        if way is Way.BLOCKS:
            # For one that does not say what inputs spend, members must have joined accordingly.
            return tuple(w for w in self.wholes if self.needs_unspent or not w.needs_unspent)
        return tuple(source for source in self.sources if source.many)

    def operator_of(self, name: str) -> str:
        """Who runs a source; of one that is not of this pool any more nobody else."""
        return self.operators.get(name, name)

    def usable(self, source: Source, *, everything: bool) -> bool:
        if self.hangs(source):
            return False
        with self._lock:
            return everything or time.monotonic() >= self._rest_until.get(source.name, 0.0)

    def rests(self, source: Source, what: str) -> str:
        """Why a source is not asked for something beside its lists now; empty: it is."""
        if not self.usable(source, everything=False):
            return self.resting(source)
        with self._lock:
            _, until, why = self._beside.get((source.name, what), (0, 0.0, ""))
        return f"{RESTING}: {why}" if time.monotonic() < until else ""

    def told(self, source: Source, what: str) -> None:
        """It answered what it was asked beside its lists."""
        with self._lock:
            self._beside.pop((source.name, what), None)

    def withheld(self, source: Source, what: str, error: SourceError, seconds: float = 0.0) -> None:
        """Leave a source alone with this, and not with its lists: they may be served all the
        same. As a whole only where it asks for fewer calls, hangs (`seconds`: for how long it was
        waited), or shows another chain."""
        if isinstance(error, NotYet | NotServed) or error.of_address:
            return
        hung = isinstance(error, Unavailable) and seconds >= self.hang_after
        if hung or isinstance(error, RateLimited | WrongChain):
            self.failed(source, error, frozenset(), seconds)
            return
        with self._lock:
            count = self._beside.get((source.name, what), (0, 0.0, ""))[0] + 1
            wait = REFUSED_SECONDS if isinstance(error, Refused) else _pause(count)
            self._beside[source.name, what] = (count, time.monotonic() + wait, str(error))

    def hangs(self, source: Source) -> bool:
        """Whether a source let several calls in a row hang a moment ago: each of its lists, and
        each address, would be waited for as long."""
        with self._lock:
            return time.monotonic() < self._shunned.get(source.name, 0.0)

    def resting(self, source: Source) -> str:
        """Why a source is not asked now; without this the cause would be lost after a while."""
        with self._lock:
            return f"{RESTING}: {self._why.get(source.name, 'unknown')}"

    def head(self, source: Source) -> Head:
        """The source's own head, at most `head_ttl` seconds old: always read before the data.

        A failure is kept as long: a source that hangs is waited for once, not once a
        subject. One thread asks, the others wait for its answer: calls are counted.
        """
        with self._asking[source.name]:
            moment = time.monotonic()
            with self._lock:
                at, found = self._heads.get(source.name, (0.0, None))
            if found is None or moment - at >= self._head_ttl:
                found = self._ask_head(source)
                with self._lock:
                    self._heads[source.name] = (time.monotonic(), found)
        if isinstance(found, SourceError):
            raise found
        return found

    def believed_head(self, source: Source) -> Head | None:
        """The same; None where it cannot be had, or is not believed yet."""
        try:
            head = self.head(source)
        except SourceError:
            return None
        return head if self.heads_seen.get(source.name) == head else None

    def _ask_head(self, source: Source) -> Head | SourceError:
        with self._lock:
            identified = self._identified.get(source.name, -IDENTIFY_EVERY)
        try:
            if time.monotonic() - identified >= IDENTIFY_EVERY:
                source.identify()
                with self._lock:
                    self._identified[source.name] = time.monotonic()
            head = _heard_head(source)
            doubt = self.heads.hear(source, head)
        except SourceError as error:
            error = self._passing(source, error)
            if isinstance(error, Refused):
                with self._lock:
                    self.refusals[source.name] = str(error)
            return error
        with self._lock:
            self.refusals[source.name] = ""
            self._sure[source.name] = time.monotonic()
            if not doubt:
                self.heads_seen[source.name] = head
        return head

    def confirm(self, source: Source) -> None:
        """After rows were read: is it still the chain whose head was read before? A load
        balancer may have turned elsewhere since. Raises WrongChain.

        The calls for it do not grow with the number of addresses.
        """
        with self._asking[source.name]:
            with self._lock:
                if time.monotonic() - self._sure.get(source.name, 0.0) < self._sure_for:
                    return
            try:
                self.heads.still_shows(source)
            except SourceError:
                with self._lock:
                    self._heads.pop(source.name, None)
                raise
            with self._lock:
                self._sure[source.name] = time.monotonic()

    def _glance(self, source: Source) -> Head | None:
        """A source's head as another one's is held against it; None where it fails, rests, or
        is just being asked. A failure is kept, so that it is waited for once."""
        if not self.usable(source, everything=False):
            return None
        with self._lock:
            at, found = self._heads.get(source.name, (0.0, None))
        if found is not None and time.monotonic() - at < self._head_ttl:
            return found if isinstance(found, Head) else None
        if not self._asking[source.name].acquire(blocking=False):
            return None
        try:
            return source.head()
        except SourceError as error:
            with self._lock:
                self._heads[source.name] = (time.monotonic(), error)
            return None
        finally:
            self._asking[source.name].release()

    def _passing(self, source: Source, error: SourceError) -> SourceError:
        """A source that served this chain and now answers for another one is asked again
        soon: a load balancer that errs is enough for that."""
        with self._lock:
            served = source.name in self.heads_seen
        return WrongChain(str(error)) if isinstance(error, Refused) and served else error

    def forget_heads(self) -> None:
        with self._lock:
            self._heads.clear()

    def wake(self) -> None:
        """Ask every source again: what failed because we stood still says nothing of them."""
        with self._lock:
            self._heads.clear()
            self._failures.clear()
            self._rest_until.clear()
            self._beside.clear()
            self._hung.clear()
            self._shunned.clear()

    def worked(self, source: Source) -> None:
        self.tally.note(source.name, Mark.ASKED)
        with self._lock:
            self._failures.pop(source.name, None)
            self._rest_until.pop(source.name, None)
            self._hung.pop(source.name, None)
            self._shunned.pop(source.name, None)

    def handed_out(self, source: Source) -> frozenset[str]:
        """The lists of a source, without those that it said it does not hand out."""
        now = time.monotonic()
        with self._lock:
            kept = {
                s for (name, s), at in self._kept_back.items() if name == source.name and now < at
            }
        return frozenset(s for bundle in source.bundles for s in bundle) - kept

    def failed(
        self,
        source: Source,
        error: SourceError,
        streams: frozenset[str],
        seconds: float = 0.0,
    ) -> None:
        """Leave a source alone after repeated failures, longer each time. A list that it does
        not hand out at all is a limit of that list and no failure of the source; an address
        that it does not take is that entry's matter. `seconds`: for how long it was waited."""
        if isinstance(error, NotYet) or error.of_address:
            return
        if isinstance(error, Unavailable) and seconds >= self.hang_after:
            self._hang(source)
        if isinstance(error, NotServed):
            again = time.monotonic() + ASK_AGAIN
            with self._lock:
                self._kept_back.update(dict.fromkeys([(source.name, s) for s in streams], again))
            return
        self.tally.note(source.name, Mark.DOWN)
        with self._lock:
            self._identified.pop(source.name, None)
            self._why[source.name] = str(error)
            if time.monotonic() < self._rest_until.get(source.name, 0.0) and not error.retry_after:
                return  # asked before it was left alone: many addresses are one failure
            count = self._failures[source.name] = self._failures.get(source.name, 0) + 1
            wait = max(error.retry_after or 0.0, _pause(count))
            if isinstance(error, Refused):
                wait = REFUSED_SECONDS
            until = max(self._rest_until.get(source.name, 0.0), time.monotonic() + wait)
            self._rest_until[source.name] = until

    def _hang(self, source: Source) -> None:
        with self._lock:
            self._hung[source.name] = self._hung.get(source.name, 0) + 1
            if self._hung[source.name] >= HUNG_TWICE:
                self._shunned[source.name] = time.monotonic() + SHUNNED


def _pause(count: int) -> float:
    """Seconds for which a source is left alone after so many failures in a row."""
    first, longest = BREAK_SECONDS
    return 0.0 if count < BREAK_AFTER else min(longest, first * 2.0 ** min(count - BREAK_AFTER, 9))
