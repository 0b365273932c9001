"""`Fundwatch`: a home folder opened for work, and the steps that run in it. `app.home` opens it,
`Daemon` (daemon.py) runs it on a schedule.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor import __version__
from monitor.app.build import Pools, list_fetch, make_channel, pricing_world, reserve_in
from monitor.app.templates import templates
from monitor.app.ways import Ways
from monitor.decide.cost import LEAST_INTERVAL, Cost, cost_of_pass
from monitor.loops import freeze, list_news, met, morning, second
from monitor.loops.acts import Acts
from monitor.loops.balance_rounds import BalanceRounds, BalanceWorld
from monitor.loops.causes import Causes
from monitor.loops.clock import now, timezones
from monitor.loops.daily import Daily
from monitor.loops.debts import Debts, Read
from monitor.loops.deliver import ROUND_SECONDS, SendingRounds, Tally, deliver
from monitor.loops.desk.tick import tick
from monitor.loops.escalate import pass_on
from monitor.loops.freeze import DeliverWorld
from monitor.loops.giving_way import give_way, gives_way
from monitor.loops.health import hours
from monitor.loops.health.signals import signals
from monitor.loops.health.tell import tell_incidents
from monitor.loops.keeping import keep_bounds
from monitor.loops.list_watch import ListWatch
from monitor.loops.lists import Lists
from monitor.loops.passing import PassReport, PollWorld
from monitor.loops.poll import Poller
from monitor.loops.pricing import Pricer, close_unused
from monitor.loops.reconcile import Reconciler
from monitor.loops.reread import Rereader
from monitor.loops.respell import respell
from monitor.loops.router import Router
from monitor.loops.touching import Touching
from monitor.loops.trace_case import TraceWorld
from monitor.loops.trace_telling import Telling
from monitor.loops.tracing import Tracing
from monitor.loops.unexplained import Teller
from monitor.loops.views import views_of
from monitor.loops.watch_file import WatchFile
from monitor.messages import ack_links
from monitor.model import Kin, Subject
from monitor.model.acts import DAEMON
from monitor.model.dates import since_time
from monitor.model.errors import Problem
from monitor.model.scope import ChainWide, Scope
from monitor.model.settings import Settings
from monitor.store import covered_day, dormant, incidents, notes, watch
from monitor.store.commit import commit
from monitor.store.port import Store
from monitor.watchlist.file import WATCHLIST
from monitor.watchlist.imports.poison import all_poison

log = logging.getLogger("fundwatch")

PRICING = 60.0  # seconds in which prices are asked for before money is followed by hand


class Fundwatch:
    """A home folder opened for work. Make it with `open_home`."""

    def __init__(self, home: Path, settings: Settings, store: Store) -> None:
        self.home, self.settings, self.store = home, settings, store
        self.timezone = settings.timezone
        self.views = views_of(store, settings)
        self.router = Router(store, settings.channels)
        self.channels = {n: make_channel(settings, c) for n, c in settings.channels.items()}
        reserve = reserve_in(store, settings)
        self.pools = Pools(settings, reserve, partial(second.moved_back, store), self._asked)
        self.ways = Ways(settings, store, self.pools)
        self.pricer = Pricer(pricing_world(store, settings, reserve))
        close_unused(store, (p.name for p in settings.prices), now())
        self._interval = LEAST_INTERVAL
        self._regular: dict[str, float] = {}  # calls a second of regular passes, by source
        self._respelt = False  # the record has the forms that addresses have now
        self._kin: tuple[int, list[Kin]] = (-1, [])  # see entries()
        # The watchlist, and the version of all entries, that the interval was computed for.
        self._costed: tuple[str, int, int] | None = None
        self._asleep = 0  # addresses that are asked for in hundreds, after the last pass
        # Kept, so that a template is not compiled again for each message.
        self.templates = templates(home)
        self._sending, self._keeping = threading.Lock(), threading.Lock()
        self._desk_work = threading.Lock()
        self.rounds = SendingRounds()
        self._judged: set[str] = set()
        self.poller = Poller(store, self._poll_world())
        self.touching = Touching(store, self.poller.world)
        world = self.poller.world
        again = Rereader(world, self.poller.settler)
        causes = Causes(store, world, again)
        self.reconciler = Reconciler(store, world, again, Teller(store, world), causes)
        self.second = second.SecondReader(
            store, world, again, settings.sources, lambda: self._regular
        )
        self.balancing = BalanceRounds(self._balance_world())
        self.tracing = Tracing(self._trace_world())
        self.debts = Debts(
            *(store, world, self._history_reader(self._owes_no_more)),
            *(settings.sources, lambda: self._regular),
        )
        self.watch_file = WatchFile(home / WATCHLIST, settings, store, self.router)
        self.lists = Lists(
            *(home, store, settings.chains, settings.lists, self.router, all_poison(settings))
        )
        self.lists.taken = self.touching.compare
        self.following = ListWatch(self.lists, list_fetch(settings))
        self.acts = Acts(
            store=store,
            chains=settings.chains,
            retention=settings.retention_years,
            world=self.deliver_world,
            deliver=lambda: self.deliver(everything=True),
            change_list=self.watch_file.change,
            reload=self.reload,
            following=self.following,
            balancing=self.balancing,
            tracing=self.tracing,
            lists=self.lists,
            symbols={asset.symbol for asset in settings.assets.values()},
            desk=settings.web,
        )

    def _poll_world(self) -> PollWorld:
        return PollWorld(
            chains=self.settings.chains,
            pools=self.pools,
            assets=self.settings.assets,
            route=self.router.route,
            clock=now,
            interval=self._pace,
            since_time=since_time,
            trailing_seconds=self.settings.trailing_window_days * 86_400,
            ours={name: each.title for name, each in self.settings.lists.items() if each.ours},
        )

    def _balance_world(self) -> BalanceWorld:
        return BalanceWorld(
            self.store,
            self.poller.world,
            self.reconciler.check,
            self.settings.sources,
            lambda: self._regular,
        )

    def _history_reader(self, stopping: Callable[[], bool]) -> Read:
        reader = Poller(self.store, self.poller.world, give_way)
        reader.stopping = stopping
        return lambda subjects, most: reader.run_pass(everything=True, only=subjects, calls=most)

    def _trace_world(self) -> TraceWorld:
        world, settings = self.poller.world, self.settings
        reader = Poller(self.store, world, give_way)  # of its own: histories hold up no pass
        reader.stopping = self._follows_no_more
        return TraceWorld(
            *(self.store, world, settings),
            lambda subjects, most: reader.run_pass(everything=True, only=subjects, calls=most),
            Telling(self.store, world).of,
            settings.sources,
            lambda: self._regular,
            lambda: self.pricer.past(PRICING),
            reader.signs,
        )

    def _follows_no_more(self) -> bool:
        return self.tracing.stopping()

    def _owes_no_more(self) -> bool:
        return self.debts.stopping()

    def _pace(self, scope: Scope) -> int:
        """Seconds until a watched scope is due again."""
        own = self.ways.pace(scope.chain) if isinstance(scope, ChainWide) else 0
        return max(self.round_seconds, own)

    @property
    def longest_pace(self) -> int:
        """Seconds after which every watched scope is due again, at most."""
        return max([self.round_seconds, *(self.ways.pace(chain) for chain in self.pools)])

    @property
    def round_seconds(self) -> int:
        """How often an address is read."""
        return self.settings.poll_interval or self._interval

    def _asked(self) -> None:
        """A source is asked: a sign of life of a job that does little else."""
        self.second.signs.asked()
        self.balancing.signs.asked()
        if gives_way():  # by whichever of its threads
            self.tracing.signs.moved()
            self.debts.signs.moved()

    def _cost(self, of: Sequence[Subject] | None = None) -> Cost:
        """What reading these addresses by address costs; without any a pass over all that are
        watched, in the way in which each chain is read."""
        if of is None:
            return self.ways.cost()
        never = {each.subject for each in dormant.asleep(self.store).values()}
        numbers = Counter(subject.chain for subject in of)
        asleep = Counter(subject.chain for subject in of if subject in never)
        asked = {chain: self.pools[chain].sources for chain in numbers if chain in self.pools}
        return cost_of_pass(numbers - asleep, asked, self.settings.sources, asleep)

    def deliver_world(self) -> DeliverWorld:
        return DeliverWorld(
            store=self.store,
            configs=self.settings.channels,
            channels=self.channels,
            views=self.views,
            templates=self.templates,
            entries=self.entries,
            clock=now,
            timezone=self.timezone,
            version=__version__,
            judged=self._judged,
            link=self._link,
            desk=self.settings.web.url if self.settings.web.on else "",
        )

    def entries(self) -> list[Kin]:
        """What tells of all entries to whom they are told, read anew only when what they say has
        changed: each message asks for it."""
        version = watch.version(self.store)
        if self._kin[0] != version:
            self._kin = (version, watch.kin(self.store))
        return self._kin[1]

    def _link(self, message_id: str) -> str:
        settings = self.settings
        until = now() + settings.link_hours * 3600
        if not settings.public_url:
            return ""
        return ack_links.link(settings.public_url, settings.link_secret, message_id, until)

    # -- the steps of a poll -------------------------------------------------------------

    def reload(self) -> tuple[Problem, ...]:
        """Take the watchlist if it changed. Returns its problems."""
        if not self._respelt:
            self._respelt = True
            respell(self.store, self.settings.chains, now())
        problems = self.watch_file.reload()
        self.following.settle()
        told = self.watch_file.timezone
        self.timezone = told if told in timezones() else self.settings.timezone
        if self.timezone != notes.get_note(self.store, "timezone"):
            notes.put_note(self.store, "timezone", self.timezone)  # for commands that look
        entries = (self.watch_file.version, watch.version(self.store), self._asleep)
        if entries != self._costed:
            self.ways.count()
        if self.ways.choose() or entries != self._costed:
            cost = self._cost()
            self._interval = cost.interval
            self._regular = cost.a_second(self.round_seconds)
            self._costed = entries
        paces = f"{self.round_seconds} {max(self.round_seconds, self._interval)}"
        if paces != notes.get_note(self.store, "round"):
            notes.put_note(self.store, "round", paces)
        return problems

    def poll(self, *, everything: bool) -> PassReport:
        """One pass, with its log line. See Poller.run_pass."""
        self.touching.compare()
        report = self.poller.run_pass(everything=everything, followed=False)
        if report.subjects or report.wholes:
            self._asleep = sum(dormant.counted(self.store).values())
            self.housekeep(report.started)
            self._cover_day()
            notes.put_note(self.store, "pass", f"{now()} {report.seconds:.1f}")
            log.info(
                "pass %.1fs subjects=%d calls=%d new=%d alerts=%d late=%d errors=%d unread=%d",
                *(report.seconds, report.subjects, report.calls, report.new_rows),
                *(report.alerts, report.late, report.errors, len(report.unread)),
            )
        return report

    def _cover_day(self) -> None:
        """With the first pass of a day, by UTC, what counts as read is logged."""
        moment = now()
        if covered_day.is_due(self.store, moment):
            commit(self.store, DAEMON, covered_day.seen(self.store, moment))

    def housekeep(self, at: int | None = None) -> None:
        """Raise and close incidents, tell those that have lasted. One at a time."""
        moment = now() if at is None else at
        with self._keeping:
            found = signals(self.store, self.settings, self.pools, self.round_seconds, moment)
            incidents.put_signals(self.store, found, moment)
            list_news.tell(
                *(self.store, self.router, self.settings, self._cost),
                *(self.touching.among, moment),
            )
            met.tell(self.store, self.router, self.settings, moment)
            hour, zone = self.settings.daily_hour, self.timezone
            tell_incidents(
                *(self.store, self.router, moment),
                lambda found: morning.keeps_back(self.store, found, hour, zone, moment),
            )
            morning.tell(
                *(self.store, self.router, self.settings, self.round_seconds),
                *(self.touching.among, moment),
            )
            chain, after = self.settings.escalate_to, self.settings.escalate_after
            pass_on(self.store, chain, after, moment, now())
            keep_bounds(self.store, self.settings, moment)
            hours.note(self.store, self.settings, moment)

    def work_desk(self) -> None:
        """What the program does at the desk by itself. One at a time; whoever comes meanwhile has
        nothing to wait for."""
        if not self._desk_work.acquire(blocking=False):
            return
        try:
            kinds = self.acts.agreed()
            tick(self.store, self.settings, self.router, kinds, now())
        finally:
            self._desk_work.release()

    def deliver(self, *, everything: bool, seconds: float = ROUND_SECONDS) -> Tally:
        """Freeze what is owed and send what is due. With `everything` waits for it, at most
        so many `seconds`; else each channel works on beside its caller."""
        with self._sending:
            world, wait = self.deliver_world(), seconds if everything else 0.0
            return deliver(world, self.rounds, everything=everything, seconds=wait)

    def daily(self) -> None:
        """Freeze the daily message at its hour of the desk's day, once a day; the first one on
        the day after the first start."""
        moment = now()
        local = datetime.fromtimestamp(moment, ZoneInfo(self.timezone))
        day, last = local.date().isoformat(), notes.get_note(self.store, "daily")
        if last == day or (last is not None and local.hour < self.settings.daily_hour):
            return
        if last is None:
            notes.put_note(self.store, "daily_at", str(moment))
            notes.put_note(self.store, "daily", day)
            return
        since = int(notes.get_note(self.store, "daily_at") or moment - 86_400)
        told = Daily(self.store, self.settings, since, moment)
        freeze.daily(self.deliver_world(), day, since, moment, told.remarks)

    def close(self) -> None:
        self.store.close()
