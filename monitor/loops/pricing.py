"""The price loop: keeps what coins are worth, beside polling and sending and never before them.

Two jobs: current prices of everything watched, every five minutes, so that one is there when
a movement is decided and told; and prices of the past for movements that were told without.
Whatever fails here costs a figure, never an alert.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.decide import worth
from monitor.model import Asset, Chain, Price
from monitor.model.errors import SourceError
from monitor.model.plan import Signal
from monitor.model.ports import PriceSource
from monitor.store import incidents, prices, watch
from monitor.store.port import Store
from monitor.store.prices import Key, Moment

log = logging.getLogger("fundwatch.prices")

CURRENT_EVERY = 300  # seconds between two looks at current prices
MOST_ASSETS = 120  # asked for in one look; those that were ever seen first
MOST_PAST = 20  # moments of the past asked for in one round
BACK = 7 * 86_400  # seconds: how old an alert may be whose movements are priced
WAITS = (300, 1800, 7200, 21_600, 86_400, 86_400, 86_400)  # then it is given up
REST = 300  # seconds for which a source that failed is left alone
KEEP = 2 * 86_400  # seconds for which prices that nobody needs are kept
THIN_EVERY = 86_400
INCIDENT = "prices:"  # before the source's name: the incident's key
FAIL_HOLD = 86_400  # seconds that a source must fail before operations are told


@dataclass(frozen=True)
class PricingWorld:
    """What the loop works with. Put together in app/build.py."""

    store: Store
    sources: Sequence[PriceSource]  # in the order in which they are asked
    chains: Mapping[str, Chain]
    assets: Mapping[Key, Asset]  # verified tokens
    clock: Callable[[], int]


class Pricer:
    """Runs rounds, one at a time."""

    def __init__(self, world: PricingWorld) -> None:
        self._world = world
        self._current_due = 0.0  # monotonic seconds
        self._thin_due = 0.0
        self._rest: dict[str, float] = {}  # source -> until when it is left alone
        self._priced: dict[Key, int] = {}  # when a current price last came
        self._said: dict[str, str] = {}  # source -> why it failed last, or empty
        self._ends = 0.0

    def round(self, seconds: float) -> None:
        """Ask for what is due; begins no call after `seconds`, nor one that would have to
        wait longer for its turn."""
        world = self._world
        if not world.sources:
            return
        self._ends = time.monotonic() + seconds
        now = world.clock()
        since = prices.begin(world.store, now - BACK)
        assets = self._watched()
        if time.monotonic() >= self._current_due:
            self._current_due = time.monotonic() + CURRENT_EVERY
            self._current(assets)
        self._past(assets, max(since, now - BACK))
        if time.monotonic() >= self._thin_due:
            self._thin_due = time.monotonic() + THIN_EVERY
            thin(world.store, now - KEEP)

    def past(self, seconds: float) -> None:
        """Ask for all that moments of the past lack, and for nothing else, as far as `seconds`
        and the sources allow."""
        world = self._world
        if not world.sources:
            return
        self._ends = time.monotonic() + seconds
        now = world.clock()
        since = max(prices.begin(world.store, now - BACK), now - BACK)
        assets = self._watched()
        while self._past(assets, since):
            continue

    def _watched(self) -> dict[Key, Chain]:
        """Everything that is priced: coins, wrapped too, and verified tokens of chains with an
        entry."""
        world = self._world
        chains = [
            world.chains[key] for key in watch.active_chains(world.store) if key in world.chains
        ]
        coins = {(c.key, ""): c for c in chains if worth.has_id(c, "")}
        used = {c.key: c for c in chains}
        wrapped = [(c.key, c.wrapped) for c in chains if c.wrapped]
        tokens = {
            key: used[key[0]]
            for key in (*world.assets, *wrapped)
            if key[0] in used and worth.has_id(used[key[0]], key[1])
        }
        seen = prices.seen_contracts(world.store)
        ordered = sorted(tokens, key=lambda key: key not in seen)
        return dict([*coins.items(), *((key, tokens[key]) for key in ordered)][:MOST_ASSETS])

    # -- current prices ------------------------------------------------------------------

    def _current(self, assets: Mapping[Key, Chain]) -> None:
        now = self._world.clock()
        compared = prices.compared(self._world.store)
        if not self._priced:  # a program that has just begun: another may have asked
            lately = now - CURRENT_EVERY, worth.TOLERANCE
            self._priced = prices.asked_since(self._world.store, *lately)
            assets = {key: chain for key, chain in assets.items() if key not in self._priced}
        left = sorted(assets, key=lambda key: self._priced.get(key, 0))
        for source in self._world.sources:
            asked = [(assets[key], key[1]) for key in left]
            for group in source.groups(asked, None):
                found = self._ask(source, group, None) or []
                prices.put(self._world.store, found, now)
                fresh = {(p.chain, p.contract) for p in found if now - p.at <= worth.TOLERANCE}
                self._priced |= dict.fromkeys(fresh, now)
                left = [key for key in left if key not in fresh or key[0] in compared]

    # -- prices of the past --------------------------------------------------------------

    def _past(self, assets: Mapping[Key, Chain], since: int) -> int:
        """How many moments somebody answered for."""
        store, now = self._world.store, self._world.clock()
        found: dict[Key, list[Price]] = {}
        left = MOST_PAST
        # Many more than can be asked: one answer serves all movements around it.
        near = worth.TOLERANCE, worth.DAILY_TOLERANCE
        for moment in prices.wanted(store, list(assets), since, near, now, 50 * MOST_PAST):
            known = found.setdefault(moment[:2], [])
            if not left or worth.nearest(worth.sort(known), moment[2]) is not None:
                continue
            came = self._past_one(assets[moment[:2]], moment)
            left -= came is not None
            known += came or ()
        return MOST_PAST - left

    def _past_one(self, chain: Chain, moment: Moment) -> list[Price] | None:
        """What came for one moment, kept; None: it could not be asked by anybody."""
        store, answered = self._world.store, False
        for source in self._world.sources:
            for group in source.groups([(chain, moment[1])], moment[2]):
                said = self._ask(source, group, moment[2])
                answered |= said is not None
                good = [p for p in said or () if worth.nearest([p], moment[2]) is not None]
                if good:
                    prices.put(store, good, self._world.clock())
                    return good
        if not answered:
            return None
        prices.tried(store, [moment], WAITS, self._world.clock())
        return []

    # -- asking --------------------------------------------------------------------------

    def _ask(
        self, source: PriceSource, group: Sequence[tuple[Chain, str]], moment: int | None
    ) -> list[Price] | None:
        """One call; None where it was not made or failed."""
        began = time.monotonic()
        if began < self._rest.get(source.name, 0.0) or began + source.wait() > self._ends:
            return None
        try:
            said = source.ask(group, moment)
        except SourceError as error:
            self._rest[source.name] = time.monotonic() + max(REST, error.retry_after or 0.0)
            log.info("prices: %s", error)
            self._tell(source.name, str(error))
            return None
        self._tell(source.name, "")
        return said

    def _tell(self, name: str, error: str) -> None:
        """A source that does not answer is an incident of operations, a low one."""
        if self._said.get(name) == error:
            return
        self._said[name] = error
        signal = Signal(
            key=f"{INCIDENT}{name}",
            bad=bool(error),
            severity="low",
            hold=FAIL_HOLD,
            what=f"Price source {name} does not answer, so movements may have no value in USD. "
            f"Nothing else depends on it. {error}",
            cure="Look at its row in config/sources.yaml, or write  prices: none  into "
            "config/settings.yaml if no prices are wanted.",
        )
        incidents.put_signals(self._world.store, [signal], self._world.clock())


def close_unused(store: Store, names: Iterable[str], now: int) -> None:
    """Nobody needs to hear of price sources that are no longer asked."""
    used = {f"{INCIDENT}{name}" for name in names}
    open_keys = [i.signal.key for i in incidents.incident_list(store, open_only=True)]
    gone = [key for key in open_keys if key.startswith(INCIDENT) and key not in used]
    if gone:
        incidents.put_signals(store, [Signal(key, bad=False) for key in gone], now)


def thin(store: Store, until: int) -> None:
    """Forget prices from before `until` that count for no alerted movement.

    Those that count stay for ever, so that a value that was told can be explained. Each
    stretch of time is looked through once.
    """
    begun = prices.thinned(store) or until
    found = prices.kept(store, begun, until)
    moved = prices.moved_since(store, begun - worth.DAILY_TOLERANCE)
    counting = {worth.nearest(found.get(moment[:2], ()), moment[2]) for moment in moved}
    left = (price for of_asset in found.values() for price in of_asset)
    prices.forget(store, [price for price in left if price not in counting], until)
