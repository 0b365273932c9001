"""When addresses are held against their chains: each about once a day, within what regular passes
leave of a source's budget; and at once where a person asks for it.

One thread runs all of it. A group of addresses of one chain is held at a time, as many as one
source answers in a few calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.decide.balance_cost import BUSY
from monitor.decide.balance_pace import in_order
from monitor.decide.cost import BALANCES, HEAD_CALLS
from monitor.loops.asset_round import Room, always
from monitor.loops.chosen import chosen
from monitor.loops.health.faults import Faults
from monitor.loops.leftover import calls_left
from monitor.loops.passing import JobSigns, PollWorld
from monitor.loops.tickets import StoppedError, Tickets
from monitor.loops.witness import Witness, sees_balances
from monitor.model import SourceConfig, Subject
from monitor.model.balance import Holding
from monitor.model.errors import StoreError
from monitor.model.plain import count
from monitor.model.ports import Source
from monitor.store import balance_due
from monitor.store.port import Store

GROUP_CALLS, GROUP_MOST = 40, 200  # calls for one group, about, and addresses in it
LOOK_EVERY = 30.0  # seconds between two looks at who waits
LOOKING = 0.05  # of the time, at most: with a million addresses one takes seconds
PUT_OFF = 3600.0  # seconds for which addresses wait at which a fault of ours came up
MEMBERS = 2000  # of chains that are read block by block, at one look
ROOM = 3  # what is held more often than once a day needs so many times its calls
AGAIN = 300  # seconds until a balance is asked for again that nobody said, of who was touched
SAY_EVERY = 2.0  # seconds between two words on how far it is


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for; see loops/chosen.py."""

    address: str | None = None
    chain: str | None = None
    case: str | None = None


@dataclass(frozen=True)
class BalanceWorld:
    """What it works with. `regular`: calls a second that regular passes make, by source."""

    store: Store
    world: PollWorld
    # Hold them against their chains, keep it; of which sources lists may be read again.
    check: Callable[[Sequence[Subject], Room], object]
    configs: Mapping[str, SourceConfig]
    regular: Callable[[], Mapping[str, float]]


class BalanceRounds:
    """One at a time, from one thread."""

    def __init__(self, world: BalanceWorld) -> None:
        self._world, self._store = world, world.store
        self._tickets: Tickets[Wish, list[Subject]] = Tickets("fundwatch status")
        self.stopping: Callable[[], bool] = lambda: False
        self.say: Callable[[str], object] = lambda _words: None
        self.signs = JobSigns()  # of life, for the watchdog
        self.doing = ""
        self._said_at = 0.0
        self._look_again = 0.0
        self._turn: list[Subject] = []
        self._more: list[Subject] = []
        self._rest: dict[str, float] = {}  # by source: when it may be asked again
        self._put_off: dict[Subject, float] = {}
        self._after = ""  # the last member of a chain read block by block that was never held
        self._busy = BUSY
        self._alone: set[Subject] = set()  # one of these is at fault, and made a group fail
        words = "cannot be held against what the chain says"
        self._faults = Faults(self._store, "balances", words, world.world.clock)

    # -- on a schedule -----------------------------------------------------------------------

    def round(self) -> None:
        """What people asked for, then one group of those whose turn it is."""
        with self.signs.at_work():
            self._tickets.grant(self.carry_out, self.stopping)
            if not self.stopping():
                self._next_group()

    def take_due(self, seconds: float) -> None:
        """Group after group, as `poll` by hand does; none begins after so many seconds."""
        until, self._busy = time.monotonic() + seconds, 1.0  # no pass is under way
        while time.monotonic() < until and not self.stopping():
            if not self._next_group():
                return

    def _next_group(self) -> bool:
        """Hold one group; whether there was one that may be held now."""
        moment = time.monotonic()
        if not self._turn and not self._more:
            if moment < self._look_again:
                return False
            self._look(moment)
            took = time.monotonic() - moment
            self._look_again = moment + max(LOOK_EVERY, took / LOOKING)
        for queue, room in ((self._turn, 1), (self._more, ROOM)):
            for chain in dict.fromkeys(subject.chain for subject in queue):
                group = self._may_be_held(chain, queue, room)
                if group:
                    gone = set(group)
                    queue[:] = [subject for subject in queue if subject not in gone]
                    self._hold_due(group)
                    return True
        self._turn, self._more = [], []  # nobody may be asked now: looked at anew in a while
        return False

    def _hold_due(self, group: Sequence[Subject]) -> None:
        """What is a fault of ours at one address costs only that one its turn."""
        try:
            self._hold(group, room=self._has_room)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - told by what keeps count of it
            if len(group) > 1:
                self._alone.update(group)
                self._turn[:0] = group
                return
            self._put_off[group[0]] = time.monotonic() + PUT_OFF
            self._faults.note(group[0], error)
        else:
            self._alone.difference_update(group)
            self._faults.over(group)

    def _look(self, moment: float) -> None:
        now = self._world.world.clock()
        self._put_off = {s: until for s, until in self._put_off.items() if until > moment}
        waiting = balance_due.waiting(self._store, now)
        some, self._after = balance_due.members(self._store, now, MEMBERS, self._after)
        touched = balance_due.touched(self._store, now, MEMBERS)
        known = {each.subject: each for each in (*waiting, *some, *touched)}
        self._faults.keep({*known, *self._put_off})
        waiting = [each for each in known.values() if each.subject not in self._put_off]
        self._turn, self._more = in_order(waiting, self._world.world.chains, now)

    def _may_be_held(self, chain: str, queue: Sequence[Subject], room: int) -> list[Subject]:
        """The next addresses of a chain, as far as the source that is asked first has calls for
        them; where no source says balances, that is what is noted of each."""
        mine = [subject for subject in queue if subject.chain == chain][:GROUP_MOST]
        if not self._sources(chain):
            return mine
        source = self._first(chain)
        if source is None:
            return []  # all of them rest after failures
        most = min(GROUP_CALLS, self._left(source.name) // room)
        if most < HEAD_CALLS or time.monotonic() < self._rest.get(source.name, 0.0):
            return []
        held = balance_due.holdings(self._store, mine)
        group: list[Subject] = []
        asked: list[Holding] = []
        for subject in mine:
            asked += held[subject]
            alone = subject in self._alone or (group and group[-1] in self._alone)
            if group and (alone or self._calls(source, asked) > most):
                break
            group.append(subject)
        return group

    def _sources(self, chain: str) -> list[Source]:
        """The sources of a chain that say balances."""
        pool = self._world.world.pools.get(chain)
        return Witness(pool, self._world.world.clock).sources() if pool else []

    def _first(self, chain: str) -> Source | None:
        """The one that is asked first: where others before it are down, its budget counts."""
        pool, found = self._world.world.pools.get(chain), self._sources(chain)
        return next((s for s in found if pool and pool.usable(s, everything=False)), None)

    def _calls(self, source: Source, asked: Sequence[Holding]) -> int:
        able = sees_balances(source)
        return HEAD_CALLS + (able.balance_calls(asked) if able else 0)

    def _left(self, name: str) -> int:
        """Calls of a source that may be made for balances now."""
        config, now = self._world.configs[name], self._world.world.clock()
        regular = self._world.regular().get(name, 0.0)
        return calls_left(self._store, config, regular, BALANCES, now, GROUP_CALLS * ROOM)

    def _has_room(self, name: str) -> bool:
        """Whether lists may be read again from a source, too: when a list falls behind for many
        addresses, all of them would be."""
        return self._left(name) >= HEAD_CALLS

    # -- when people ask for it --------------------------------------------------------------

    def ask(self, wish: Wish) -> str:
        """Have it carried out by the job; returns a ticket for `outcome`. Raises ConfigError
        for what is not known."""
        self.meant(wish)
        return self._tickets.ask(wish)

    def outcome(self, ticket: str) -> tuple[list[Subject] | None, str]:
        """The addresses that were held, None while it lasts; and what is done now.
        Raises MonitorError where the ticket is not known, or something failed."""
        return self._tickets.outcome(ticket), self.doing

    def carry_out(self, wish: Wish) -> list[Subject]:
        """Hold what a person means against its chains now. Returns the addresses."""
        subjects = self.meant(wish)
        for done, group in self._groups(subjects):
            if self.stopping():
                raise StoppedError("Fundwatch is told to stop; ask again once it runs")
            self._hold(group, done, len(subjects))
        return subjects

    def meant(self, wish: Wish) -> list[Subject]:
        """Raises ConfigError for what is not known."""
        chains = self._world.world.chains
        return chosen(self._store, chains, wish.address, wish.chain, wish.case)

    def _groups(self, subjects: Sequence[Subject]) -> Iterator[tuple[int, list[Subject]]]:
        """With how many come before. Small ones: people look on."""
        done = 0
        for chain in dict.fromkeys(subject.chain for subject in subjects):
            mine = [subject for subject in subjects if subject.chain == chain]
            for start in range(0, len(mine), GROUP_CALLS):
                group = mine[start : start + GROUP_CALLS]
                yield done, group
                done += len(group)

    # -- one group ---------------------------------------------------------------------------

    def _hold(
        self, group: Sequence[Subject], done: int = 0, of: int = 0, room: Room = always
    ) -> None:
        began, since = time.monotonic(), self._world.world.clock()
        self.doing = f"{done:,} of {count(of, 'address', 'addresses')} held" if of else ""
        self._tell()
        try:
            self._world.check(group, room)
            balance_due.asked(self._store, group, since, self._world.world.clock() + AGAIN)
        finally:
            self.doing = ""
            ended = time.monotonic()
            source = self._first(group[0].chain)
            if source is not None:
                self._rest[source.name] = ended + (ended - began) * (1 / self._busy - 1)

    def _tell(self) -> None:
        moment = time.monotonic()
        if self.doing and moment - self._said_at > SAY_EVERY:
            self._said_at = moment
            self.say(self.doing)
