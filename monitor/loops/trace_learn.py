"""Asking sources what a trace needs to go on: what an address is, what a transaction did."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar, cast

from monitor.chains.bridges import crossings
from monitor.decide.asking import Allowed, among
from monitor.loops.giving_way import give_way
from monitor.loops.passing import PollWorld
from monitor.loops.pool import SourcePool, hearing
from monitor.model import Subject
from monitor.model.errors import NotServed, NotYet, Refused, SourceError
from monitor.model.ports import Profiles, Source, TellsLogs
from monitor.model.trace import Anatomy, Code, Need, Profile, Wanted

MOST = 1000  # transactions above which an address is a service
PROFILING, LOGS = "profiles", "logs of transactions"

T = TypeVar("T")


@dataclass
class Learned:
    """What was learned in one go. `calls`: requests made, also those that failed."""

    profiles: list[Profile]
    anatomies: list[Anatomy]
    calls: int = 0
    failed: list[Wanted] = field(default_factory=list)  # nobody answered, for now


@dataclass(frozen=True)
class Learner:
    """Asks the sources of chains in their order. That nobody can say is learned too, and not asked
    again; that nobody answers for now is not."""

    world: PollWorld
    threads: int = 4

    def learn(self, wanted: Sequence[Wanted], may: Allowed | None) -> Learned:
        """Side by side; in the order asked for."""
        found = Learned([], [])
        with ThreadPoolExecutor(self.threads, "trace", give_way) as threads:
            answers = threads.map(lambda each: self._one(each, may), wanted)
            for each, (said, calls) in zip(wanted, answers, strict=True):
                found.calls += calls
                if isinstance(said, Profile):
                    found.profiles.append(said)
                elif said is not None:
                    found.anatomies.append(said)
                else:
                    found.failed.append(each)
        return found

    def _one(self, wanted: Wanted, may: Allowed | None) -> tuple[Profile | Anatomy | None, int]:
        if wanted.need is Need.PROFILE:
            return self._profile(wanted.subject, may)
        return self._anatomy(wanted.subject.chain, wanted.tx, may)

    def _profile(self, subject: Subject, may: Allowed | None) -> tuple[Profile | None, int]:
        pool, calls, down = self.world.pools.get(subject.chain), 0, False
        found = Profile(subject, Code.UNKNOWN, at=self.world.clock())
        # Who lists what an address did knows more of it than a node, and calls are few.
        asked = sorted(self._asked(pool, may, "profile", PROFILING), key=lambda s: s.many)
        for source in asked:
            said, made = _ask(
                pool, source, PROFILING, lambda s: cast(Profiles, s).profile(subject.address, MOST)
            )
            calls += made.calls if said is None else max(said.calls, 1)
            down |= made.down
            if said is not None:
                found = _joined(found, replace(said, subject=subject, at=self.world.clock()))
            if _enough(found):
                break
        unsure = (down or self._rests(pool, may, "profile", PROFILING)) and not _enough(found)
        return (None if unsure else replace(found, calls=calls)), calls

    def _anatomy(self, chain: str, tx: str, may: Allowed | None) -> tuple[Anatomy | None, int]:
        pool, calls, down = self.world.pools.get(chain), 0, False
        for source in self._asked(pool, may, "tx_logs", LOGS):
            assert pool is not None
            with hearing(source) as heard:
                said, made = _ask(pool, source, LOGS, lambda s: cast(TellsLogs, s).tx_logs(tx))
            calls += max(made.calls, len(heard))
            down |= made.down
            if said is not None:
                found = crossings(self.world.chains[chain], said, self.world.chains)
                sha256 = next((h.sha256 for h in heard if tx.encode() in h.body()), "")
                now = self.world.clock()
                return Anatomy(chain, tx, said.legs, found, source.name, now, sha256), calls
        if down or self._rests(pool, may, "tx_logs", LOGS):
            return None, calls
        # That nobody could say is known, too: what has no word stays as the rows have it.
        return Anatomy(chain, tx, (), at=self.world.clock()), calls

    def _rests(self, pool: SourcePool | None, may: Allowed | None, ability: str, what: str) -> bool:
        """Whether somebody who may be able to say it is not asked for now."""
        able = [s for s in among(pool.sources, may) if hasattr(s, ability)] if pool else []
        return any(pool is not None and pool.rests(source, what) for source in able)

    def _asked(
        self, pool: SourcePool | None, may: Allowed | None, ability: str, what: str
    ) -> Iterator[Source]:
        for source in among(pool.sources, may) if pool else ():
            if hasattr(source, ability) and pool and not pool.rests(source, what):
                yield source


class _Made(NamedTuple):
    """Calls that were made for an answer, about, and whether it may come another time."""

    calls: int
    down: bool = False


def _ask(
    pool: SourcePool | None, source: Source, what: str, question: Callable[[Source], T]
) -> tuple[T | None, _Made]:
    """The answer, None where there is none."""
    assert pool is not None
    began = time.monotonic()
    try:
        said = question(source)
        pool.confirm(source)
    except NotServed:
        return None, _Made(1)
    except NotYet:
        return None, _Made(1, down=True)
    except SourceError as error:
        pool.withheld(source, what, error, time.monotonic() - began)
        return None, _Made(1, down=not isinstance(error, Refused))
    pool.told(source, what)
    return said, _Made(1)


def _enough(found: Profile) -> bool:
    """Nothing is counted of a contract."""
    counted = found.transactions is not None or found.code is Code.CONTRACT
    return counted and found.code is not Code.UNKNOWN


def _joined(one: Profile, other: Profile) -> Profile:
    """What a later source adds to what is known."""
    known = one.code is not Code.UNKNOWN
    return replace(
        other,
        code=one.code if known else other.code,
        wallet=one.wallet if known else other.wallet,
        transactions=other.transactions if one.transactions is None else one.transactions,
        at_least=other.at_least if one.transactions is None else one.at_least,
        busiest_day=other.busiest_day if one.busiest_day is None else one.busiest_day,
        source=f"{one.source}, {other.source}" if one.source else other.source,
    )
