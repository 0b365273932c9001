"""The PRICES section of `fundwatch check`: who says what coins are worth, and whether."""

from __future__ import annotations

from monitor.app.check.report import Bench, places_of
from monitor.app.check.sources import budget_left
from monitor.decide import worth
from monitor.model import Chain, SourceConfig
from monitor.model.errors import SourceError
from monitor.model.plain import count, duration
from monitor.model.watch import USD
from monitor.net import prices
from monitor.net.limits import Limiter

_HARMLESS = "only values in USD depend on it; movements are told without"


def check(bench: Bench) -> None:
    """Ask each price source for the coins of the watched chains (none when offline)."""
    out, settings = bench.out, bench.settings
    out.section("PRICES")
    coins = priced(bench)
    if not settings.prices:
        out.note("switched off (prices: none): alerts show no value in USD")
    elif not coins:
        out.note("price sources know none of the watched chains: alerts show no value in USD")
    else:
        for config in settings.prices:
            _try(bench, config, coins)
    _thresholds(bench)


def priced(bench: Bench) -> list[Chain]:
    """The watched chains whose own coin has a price."""
    chains = [bench.settings.chains[key] for key in bench.chains]
    return [chain for chain in chains if worth.has_id(chain, "")]


def _try(bench: Bench, config: SourceConfig, coins: list[Chain]) -> None:
    out, settings = bench.out, bench.settings
    if bench.offline:
        out.note(f"{config.name:<14}not asked")
        return
    limiter = Limiter(
        config.name,
        config.rate_per_second,
        config.calls_per_hour,
        config.calls_per_day,
        reserve=budget_left(bench),
    )
    source = prices.build(
        config, limiter, proxies=settings.proxies or None, verify=settings.ca_bundle or True
    )
    try:
        (group, *_) = source.groups([(chain, "") for chain in coins], None)
        found = source.ask(group, None)
    except SourceError as error:
        out.warn(str(error), _HARMLESS)
        return
    if not found:
        out.warn(f"{config.name:<14}has no price of any watched coin", _HARMLESS)
        return
    newest = duration(bench.now - max(price.at for price in found))
    have = f"{len(found)} of {count(len(coins), 'coin', 'coins')}"
    out.ok(f"{config.name:<14}{have} of watched chains; the newest price is {newest} old")


def _thresholds(bench: Bench) -> None:
    """A threshold in dollars does nothing where there is no price."""
    known = {chain.key for chain in priced(bench)} if bench.settings.prices else set()
    idle = [e for e in bench.entries if USD in e.min_amount and e.subject.chain not in known]
    if idle:
        bench.out.warn(
            f"{places_of(idle)}: min_amount in USD, and nothing there has a "
            "price: whatever comes in is told, but for dust",
            "give the amount in coins, as  min_amount: {ETH: 0.01}",
        )
