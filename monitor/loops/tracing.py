"""Following money: for each case that asks for it, what left its watched addresses is followed on.

One thread runs all of it, beside the passes over what is watched and within what they leave of the
sources' budgets. What is known is worked out again from the record whenever something changed;
what is missing is asked for, largest value first.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from monitor.analysis.trace.evaluate import Tracer
from monitor.analysis.trace.veil import addresses, veiled
from monitor.loops.find import unknown
from monitor.loops.giving_way import giving_way
from monitor.loops.own_book import OwnBook
from monitor.loops.passing import JobSigns
from monitor.loops.tickets import StoppedError, Tickets
from monitor.loops.trace_beside import Ground, beside, is_news
from monitor.loops.trace_case import FollowedCase, TraceWorld
from monitor.loops.trace_learn import Learner
from monitor.loops.trace_watch import TraceReader
from monitor.loops.trace_world import CaseMoney
from monitor.model import OURS, Subject
from monitor.model.acts import DAEMON
from monitor.model.acts_trace import Follow, LearnOfTrace, TakeTrace, Unfollow
from monitor.model.plain import count, plural, tidy, without_addresses
from monitor.model.trace import Need, Node, State, Trace, Wanted
from monitor.store import log, ours, watch
from monitor.store import trace as kept
from monitor.store.commit import commit

runlog = logging.getLogger("fundwatch")

ROUND = 20.0  # seconds after which a round begins nothing more
FIRST = 16  # addresses that are followed one after the other; later some at a time
AT_ONCE = 2  # of every so many that are followed
MOST_AT_ONCE = 40
CALLS_EACH = 10  # what learning of an address and reading it takes, mostly less
NO_ROOM = (
    "what is watched needs the calls that the sources' budgets have left; it goes on when there "
    "are more"
)
RETRIED = 4  # addresses in one round that could not be read before
LOOK_EVERY = 60  # seconds
AGAIN = 300.0  # seconds until what could not be read is tried again
READ = (State.SOURCE, State.FOLLOWED, State.PARKED)
EVERY = 86_400  # seconds: what is followed is read by this loop, not by passes


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for: a case, and how many calls may be made."""

    case: str
    calls: int | None = None


class Tracing:
    """Made once. Runs in one thread."""

    def __init__(self, world: TraceWorld) -> None:
        self._world, self._store = world, world.store
        self._learner = Learner(world.world)
        self._reader = TraceReader(world, self._is_stopping)
        self._cases: dict[str, FollowedCase] = {}
        self._tickets: Tickets[Wish, list[str]] = Tickets("fundwatch trace show CASE")
        settings = world.settings
        self.book = OwnBook(settings.home, settings.chains, settings.addressbook)
        self.stopping: Callable[[], bool] = lambda: False
        self.say: Callable[[str], object] = lambda _words: None
        self.signs = JobSigns()
        self.doing = ""
        self._last = ""  # the case that had its turn last
        self._lock = threading.RLock()  # around whatever works on a case

    @property
    def moved_at(self) -> float:
        """When it last showed a sign of life, by the monotonic clock: a question to a source, or
        what its own reading brought."""
        return max(self.signs.moved_at, self._world.reading.moved_at)

    def _is_stopping(self) -> bool:
        return self.stopping()  # which whoever runs this may set later

    # -- on a schedule -----------------------------------------------------------------------

    def round(self, seconds: float = ROUND) -> None:
        """What people asked for; then every case that follows, for a while."""
        with self.signs.at_work(), self._lock, giving_way():
            self._tickets.grant(self.carry_out, self.stopping)
            until = time.monotonic() + seconds
            names = kept.cases(self._store)
            later = [name for name in names if name > self._last]
            for name in (*later, *names[: len(names) - len(later)]):  # each gets its turn
                if self.stopping() or time.monotonic() > until:
                    return
                self._last = name  # one that cannot be worked on holds up no other
                case, now = self._case(name), self._moment()
                if case.looked != now:
                    with _logged(case):
                        self._round_of(case, until)
                    case.looked = now  # what it did itself is looked at once more

    def _moment(self) -> tuple[object, ...]:
        """Another one means that a case is to be looked at: somebody did something, or time passed
        after which addresses are due."""
        seq, _ = log.last(self._store)
        return (seq, self.book.stamp, self._world.world.clock() // LOOK_EVERY)

    def _round_of(self, case: FollowedCase, until: float) -> None:
        if not self._renew(case):
            return
        self._retry(case, everything=False)
        self._reader.watch(case, self._evaluate(case), until)
        while time.monotonic() < until and not self.stopping():
            if self._step(case):
                break
        self._take(case)

    # -- when people ask for it ----------------------------------------------------------------

    def ask(self, wish: Wish) -> str:
        """Have it carried out by the job; returns a ticket for `outcome`. Raises ConfigError for a
        case that follows nothing."""
        self.meant(wish.case)
        return self._tickets.ask(wish)

    def outcome(self, ticket: str) -> tuple[list[str] | None, str]:
        """What it came to, None while it lasts; and what is done now. Raises MonitorError where
        the ticket is not known, or something failed."""
        return self._tickets.outcome(ticket), self.doing

    def meant(self, name: str) -> str:
        """A case that follows, as the record spells it. Raises ConfigError."""
        every = kept.cases(self._store)
        like = [each for each in every if each.casefold() == name.strip().casefold()]
        case = self._case(like[0]) if like else None
        if case is None or not self._renew(case):
            remedy = "Write  follow: {hops: 10}  under the case in watchlist.yaml"
            raise unknown("CASE", name, "follows no money", remedy)
        return like[0]

    def carry_out(self, wish: Wish) -> list[str]:
        """Follow until nothing is left, a limit or a question ends it. Returns the words."""
        with self._lock, giving_way():
            return self._carried_out(wish)

    def _carried_out(self, wish: Wish) -> list[str]:
        case = self._case(self.meant(wish.case))
        with _logged(case):
            return self._follow_to_the_end(case, wish)

    def _follow_to_the_end(self, case: FollowedCase, wish: Wish) -> list[str]:
        began = case.money.used().finding
        self._read_sources(case)
        self._world.price()  # what left is worth what it was then
        self._reader.watch(case, self._evaluate(case), float("inf"))
        self._retry(case, everything=True)
        ended = ""
        while not ended:
            if self.stopping():
                raise StoppedError("Fundwatch is told to stop; ask again once it runs")
            used = case.money.used().finding - began
            if wish.calls is not None and used >= wish.calls:
                ended = f"{plural(used, 'call')} made, as asked for with --calls"
                break
            left = None if wish.calls is None else wish.calls - used
            ended = self._step(case, left)
        self._take(case)
        return [ended, *self._summary(case)]

    def again(self, name: str) -> None:
        """Work a case's trace out anew from the record, asking nobody, and tell what changed; by
        the job itself, a moment later, where that is at work."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            case = self._case(name)
            if self._renew(case):
                self._take(case, asking=False)
        finally:
            self._lock.release()

    def _summary(self, case: FollowedCase) -> list[str]:
        trace = self._evaluate(case)
        followed = count(trace.followed, "address", "addresses")
        return [f"{followed} followed; see `fundwatch trace show {case.money.case}`"]

    # -- one case ------------------------------------------------------------------------------

    def _case(self, name: str) -> FollowedCase:
        if name not in self._cases:
            world = self._world
            money = CaseMoney.of(self._store, world.world, world.settings, name, self.book)
            self._cases[name] = FollowedCase(money, Tracer())
        return self._cases[name]

    def _renew(self, case: FollowedCase) -> bool:
        """Take up what the watchlist says of a case now; whether it follows."""
        case.entries = case.money.entries()
        case.terms = case.entries[0].entry.follow if case.entries else None
        if case.terms is not None:
            self._let_go(case, case.money.ours(case.money.followed()))
            return True
        self._let_go(case, case.money.followed())
        return False

    def _let_go(self, case: FollowedCase, subjects: Collection[Subject]) -> None:
        """Read these no more: where nothing is followed any longer, or they became our own."""
        for subject in sorted(subjects):
            commit(
                self._store, DAEMON, Unfollow(self._world.world.clock(), subject, case.money.case)
            )

    def _evaluate(self, case: FollowedCase, *, whole: bool = True) -> Trace:
        """The trace by the record as it is now; not worked out again where nothing changed. Not
        `whole`: what is wanted next alone, which is quicker."""
        assert case.terms is not None
        stamp, read = case.stamp_now(self.book.stamp, self._world.world.clock() // EVERY)
        if case.trace is None or stamp != case.stamp or (whole and not case.whole):
            of = [node.subject for node in case.trace.nodes] if case.trace else []
            known = case.money.known(case.terms, case.entries, of, read)
            case.trace = case.tracer.trace(known, whole=whole)
            found = [node.subject for node in case.trace.nodes]
            if case.money.ours(found) - case.money.ours(of):
                known = case.money.known(case.terms, case.entries, found, read)
                case.trace = case.tracer.trace(known, whole=whole)
            case.stamp, case.whole = stamp, whole
        return case.trace

    def _take(self, case: FollowedCase, *, asking: bool = True) -> None:
        """Keep the trace as it stands, and tell what is new in it; with balances of what is new,
        where sources may be asked."""
        if asking:
            self._reader.ask_balances(case, self._evaluate(case))
        trace, before = self._evaluate(case), kept.newest(self._store, case.money.case)
        ground = Ground(self._store, self._world.settings, self._world.world.clock())
        stood = before.trace.beside if before else None
        trace = replace(trace, beside=beside(ground, trace, case.resting.figures, stood))
        shown = veiled(trace, self._labels(trace))
        alerts, routes = self._world.tell(case.money.case, before, trace, shown)
        if before is None or alerts or is_news(before, shown, ground.now):
            act = TakeTrace(self._world.world.clock(), case.money.case, shown, alerts, routes)
            commit(self._store, DAEMON, act)

    def _labels(self, trace: Trace) -> dict[str, str]:
        """By address what stands in the place of each of our own, each in one of its own: lists
        need not tell them apart."""
        found = ours.labels(self._store, self._world.world.ours, addresses(trace))
        said: dict[str, str] = {}
        for address in sorted(found):
            label = OURS + tidy(found[address], 80)
            same = sum(each.partition(" #")[0] == label for each in said.values())
            said[address] = f"{label} #{same + 1}" if same else label
        return said

    # -- getting on ----------------------------------------------------------------------------

    def _step(self, case: FollowedCase, calls: int | None = None) -> str:
        """Learn what is wanted next, by about so many calls at most. Returns why it ends, empty: it
        goes on."""
        trace = self._evaluate(case, whole=False)
        wanted = self._open(case, trace)
        if not wanted:
            unread = len(self._unread(case, trace)) if _is_spent(case, trace) else 0
            return _why_done(trace, unread, waiting=bool(trace.wanted and case.unanswered))
        wanted = [each for each in wanted if self._reader.has_room(each.subject.chain, case)]
        if not wanted:
            return NO_ROOM
        group = wanted[: self._at_once(case, trace, wanted, calls)]
        self._say(case, trace, wanted)
        learn = [each for each in group if each.need is not Need.FOLLOW]
        if learn:
            self._learn(case, learn)
        read = [each.subject for each in group if each.need is Need.FOLLOW]
        if read:
            self._follow(case, read, trace)
        return ""

    def _at_once(
        self, case: FollowedCase, trace: Trace, wanted: Sequence[Wanted], calls: int | None
    ) -> int:
        """How many are learned about together: the more, the more is followed already, so that a
        case is worked out anew a number of times that hardly grows with it. Near the end of the
        calls, of the case or of a source, it is few again."""
        left = [trace.terms.calls - case.money.used().finding]
        left += [self._reader.room(chain, case) for chain in {w.subject.chain for w in wanted}]
        left += [calls] if calls is not None else []
        most = min(MOST_AT_ONCE, min(left) // CALLS_EACH)
        return max(1, min(trace.followed // FIRST * AT_ONCE, most))

    def _open(self, case: FollowedCase, trace: Trace) -> list[Wanted]:
        """What is wanted of addresses that are not ours: of these no source ever learns."""
        ours = case.money.ours({each.subject for each in trace.wanted})
        since = time.monotonic() - AGAIN
        return [
            each
            for each in trace.wanted
            if each.subject not in ours and case.unanswered.get(_question(each), since) <= since
        ]

    def _learn(self, case: FollowedCase, wanted: Sequence[Wanted]) -> None:
        learned = self._learner.learn(wanted, case.may())
        now, name = self._world.world.clock(), case.money.case
        act = LearnOfTrace(now, name, learned.profiles, learned.anatomies)
        commit(self._store, DAEMON, act)
        moment = time.monotonic()
        case.unanswered.update({_question(each): moment for each in learned.failed})
        case.errors += len(learned.failed)
        case.money.learned(learned.profiles, learned.anatomies)
        self._reader.use(case, finding=learned.calls)

    def _follow(self, case: FollowedCase, subjects: Sequence[Subject], trace: Trace) -> None:
        now, name = self._world.world.clock(), case.money.case
        hops = {node.subject: node.hop for node in trace.nodes}
        for subject in subjects:
            why = f"hop {hops.get(subject, 0)} of case {name}"
            commit(self._store, DAEMON, Follow(now, subject, name, why, EVERY))
        self._reader.read(case, subjects, finding=True)

    def _say(self, case: FollowedCase, trace: Trace, wanted: Sequence[Wanted]) -> None:
        followed, left = trace.followed, len(wanted)
        self.doing = f"{case.money.case}: {followed:,} followed, {left:,} to look at"
        self.say(self.doing)

    # -- reading what is known to matter ---------------------------------------------------------

    def _read_sources(self, case: FollowedCase) -> None:
        """The watched addresses, as far as they are due: they do not count."""
        due = set(watch.due_subjects(self._store, self._world.world.clock(), followed=False))
        mine = dict.fromkeys(w.entry.subject for w in case.entries)
        if wanted := [subject for subject in mine if subject in due]:
            self._world.read(wanted, None)

    def _retry(self, case: FollowedCase, *, everything: bool) -> None:
        """What is followed and could not be read to its beginning, unless the trace has ended
        there since; within the calls of the case, nearest to a source first."""
        moment, trace = time.monotonic(), self._evaluate(case)
        unread = [
            subject
            for subject in self._unread(case, trace)
            if (everything or moment - case.tried.get(subject, -AGAIN) >= AGAIN)
            and case.tried.get(subject, -AGAIN) + 1 < moment
        ]
        for at in range(0, len(unread) if everything else min(len(unread), RETRIED), RETRIED):
            group = unread[at : at + RETRIED]
            room = all(self._reader.has_room(s.chain, case) for s in group)
            if not room or _is_spent(case, trace) or self.stopping():
                return
            self._reader.read(case, group, finding=True)

    def _unread(self, case: FollowedCase, trace: Trace) -> list[Subject]:
        """Whose histories were begun and are not read to their beginning, where value goes on."""
        followed, rows = case.money.followed(), case.money.rows
        mine = (n.subject for n in trace.nodes if n.subject in followed and _is_read_on(n))
        return [subject for subject in mine if rows.unfinished(subject)]


@contextmanager
def _logged(case: FollowedCase) -> Iterator[None]:
    """A line about what was done meanwhile, where sources were asked."""
    before = len(case.money.followed())
    try:
        yield
    finally:
        if case.calls or case.errors:
            followed, name = len(case.money.followed()), without_addresses(case.money.case)
            words = "trace case=%s calls=%d followed=%d new=%d errors=%d"
            runlog.info(words, name, case.calls, followed, followed - before, case.errors)
        case.calls = case.errors = 0


def _is_read_on(node: Node) -> bool:
    return node.stop is None or node.stop.reason == "deposit_address"


def _question(wanted: Wanted) -> tuple[str, Subject, str]:
    return (wanted.need.value, wanted.subject, wanted.tx)


def _is_spent(case: FollowedCase, trace: Trace) -> bool:
    return case.money.used().finding >= trace.terms.calls


def _why_done(trace: Trace, unread: int, *, waiting: bool) -> str:
    """`unread`: addresses whose histories the calls did not suffice for."""
    if waiting:
        return "sources did not answer what is left to ask; it is asked again"
    if trace.questions:
        return f"a person is asked: {trace.questions[0].words}"
    if unread and not trace.ended:
        words = f"the limit of {plural(trace.terms.calls, 'call')} for finding addresses is reached"
        return f"{words}: {count(unread, 'address', 'addresses')} not completely read"
    return trace.ended or _nothing_left(trace)


def _nothing_left(trace: Trace) -> str:
    """That nothing was found, and that not all was looked at, are two things."""
    unread = [node for node in trace.nodes if node.unread and node.state in READ]
    if not unread:
        return "nothing is left to follow"
    less = count(len(unread), "address is", "addresses are")
    return f"nothing more is known to follow, but {less} not completely read: {unread[0].unread[0]}"
