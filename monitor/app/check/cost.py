"""What watching costs: calls, minutes, which hosts a firewall must let through. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from monitor.app import ways
from monitor.app.check import privacy
from monitor.app.check.privacy import BySource
from monitor.decide.cost import (
    LEAST_INTERVAL,
    SHARE,
    Cost,
    Taken,
    cost_of_pass,
)
from monitor.model import ChannelConfig, Entry, Severity, SourceConfig, Subject
from monitor.model.plain import count, duration
from monitor.model.settings import Settings
from monitor.net import wire
from monitor.net.sources import whole_of


def facts(
    settings: Settings,
    entries: Sequence[Entry],
    made: BySource,
    found: Cost,
    asleep: Collection[Subject],
    taken: Mapping[str, Taken],
) -> Iterator[tuple[str, str]]:
    """(section, statement) for COST, PRIVACY and FIREWALL. `found`: what a pass costs; `asleep`,
    `taken`: see privacy.words."""
    yield "COST", words(settings, found)
    yield "PRIVACY", privacy.words(settings, entries, made, asleep, taken)
    asked = (hosts(settings, made), price_hosts(settings, entries), list_hosts(settings))
    needed = dict.fromkeys(host for each in asked for host in each)
    yield "FIREWALL", " ".join(needed) or "no connection is needed"


def cost(
    settings: Settings,
    entries: Sequence[Entry],
    made: BySource,
    asleep: Collection[Subject] = (),
    taken: Mapping[str, Taken] | None = None,
) -> Cost:
    """`taken`: the way in which each chain is read; without it as the settings alone say."""
    awake = Counter(s.chain for s in {e.subject for e in entries} if s not in asleep)
    never = Counter(subject.chain for subject in asleep)
    if taken is None:
        taken = _by_settings(settings, made, awake)
    return cost_of_pass(awake, made, settings.sources, never, taken)


def _by_settings(
    settings: Settings, made: BySource, awake: Mapping[str, int]
) -> Mapping[str, Taken]:
    asked = {}
    for key, sources in made.items():
        faces = (whole_of(source) for source in sources)
        wholes = [face for face in faces if face is not None]
        asked[key] = ways.asked_of(settings.chains[key], sources, wholes, awake.get(key, 0))
    return ways.taken(settings, asked, ways.choose(settings, asked))


def warnings(settings: Settings, found: Cost) -> Iterator[tuple[str, str]]:
    """(what, cure) where the interval that was set uses a budget up."""
    every = settings.poll_interval
    if every is None:
        return
    for name, calls in found.a_second(every).items():
        for unit, seconds, limit in _limits(settings.sources[name]):
            wanted = round(calls * seconds)
            if wanted > limit:
                yield (
                    f"every: {every} needs {wanted:,} calls {unit} of {name}, which has {limit:,}: "
                    "reading will stop when they are used up",
                    f"write  every: {found.interval}  or leave the line out",
                )


def failures(
    settings: Settings, entries: Sequence[Entry], made: BySource, found: Cost
) -> Iterator[tuple[str, str]]:
    """(what, cure) where a round of reading is longer than the severity of an entry allows."""
    pace = max(settings.poll_interval or found.interval, int(found.least_seconds))
    allowed = (
        (Severity.SEVERE, settings.round_severe, "round_severe_minutes"),
        (Severity.HIGH, settings.round_high, "round_high_minutes"),
    )
    for severity, limit, key in allowed:
        number = sum(e.severity is severity and bool(made.get(e.subject.chain)) for e in entries)
        who = count(number, "entry", "entries")
        if number and pace > limit:
            yield (
                f"a round of reading takes {duration(pace)}; for {who} of "
                f"severity {severity.value} it may take {duration(limit)}",
                f"{_faster(settings, found)}; or set {key} in config/settings.yaml and say so to "
                "the desk",
            )


def _faster(settings: Settings, found: Cost) -> str:
    """What would make a round shorter."""
    if settings.poll_interval and settings.poll_interval > found.interval:
        return f"write  every: {found.interval}  or leave the line out"
    name = found.narrowest or "the source"
    return f"use a larger plan of {name} or a node of your own, or watch fewer addresses"


def _limits(config: SourceConfig) -> list[tuple[str, int, int]]:
    """(unit, its seconds, calls) of the budgets that a source has."""
    known = (("an hour", 3600, config.calls_per_hour), ("a day", 86_400, config.calls_per_day))
    return [(unit, seconds, limit) for unit, seconds, limit in known if limit is not None]


def words(settings: Settings, found: Cost) -> str:
    """What a round costs, why it is not made more often, how old news is."""
    least = int(found.least_seconds) + 1
    every = settings.poll_interval or found.interval
    calls = round(sum(found.a_second(every).values()) * every)
    if not calls:
        return "nothing is asked: no address is watched, or no source is in service"
    how = "as set in settings.yaml" if settings.poll_interval else _limited_by(settings, found)
    return (
        f"{calls:,} calls a pass, at least {duration(least)}. One pass every {duration(every)}"
        f"{f', {how}' if how else ''}. News is at most about "
        f"{duration(max(every, found.pace) + least)} old."
        f"{_asleep_words(found)}"
    )


def _asleep_words(found: Cost) -> str:
    number, chains = sum(found.asleep.values()), len(found.asleep)
    if not number:
        return ""
    return (
        f" {count(number, 'address', 'addresses')} dormant on {count(chains, 'chain', 'chains')}: "
        "a call of a node asks for hundreds of them."
    )


def _limited_by(settings: Settings, found: Cost) -> str:
    """Why passes are not made more often."""
    if not found.narrowest:
        return ""
    config = settings.sources[found.narrowest]
    for unit, seconds, limit in _limits(config):
        wanted = round(found.a_second(LEAST_INTERVAL)[found.narrowest] * seconds)
        if wanted > limit * SHARE:
            return (
                f"as {found.narrowest} takes {limit:,} calls {unit} (a pass every "
                f"{LEAST_INTERVAL} s would need {wanted:,})"
            )
    return f"as {found.narrowest} may be asked {config.rate_per_second:g} a second"


def hosts(settings: Settings, made: BySource) -> list[str]:
    """host:port of everything that is connected to, each once."""
    names = dict.fromkeys(s.name for sources in made.values() for s in sources)
    found = [_source_host(settings, settings.sources[name]) for name in names]
    found += [
        proxy_of(settings)
        if c.url and wire.proxies_for(c.url, settings.proxies)
        else channel_host(c)
        for c in settings.channels.values()
    ]
    return list(dict.fromkeys(found))


def price_hosts(settings: Settings, entries: Sequence[Entry]) -> list[str]:
    """host:port of the price sources, where there is something to ask them."""
    asked = settings.prices if privacy.priced(settings, entries) else ()
    return [_source_host(settings, config) for config in asked]


def list_hosts(settings: Settings) -> list[str]:
    """host:port of the publishers of lists; they may lead on to others."""
    urls = [config.url for config in settings.lists.values() if config.url]
    proxied = [wire.proxies_for(url, settings.proxies) for url in urls]
    return [
        proxy_of(settings) if through else host_port(url)
        for url, through in zip(urls, proxied, strict=True)
    ]


def _source_host(settings: Settings, config: SourceConfig) -> str:
    through = wire.proxies_for(config.url, settings.proxies)
    return proxy_of(settings) if through else host_port(config.url)


def proxy_of(settings: Settings) -> str:
    """host:port of the proxy; never its password."""
    return host_port(next(iter(settings.proxies.values())))


def channel_host(config: ChannelConfig) -> str:
    """host:port of a channel's server."""
    if config.urls:
        return f"servers of {config.name} (its Apprise URLs)"
    return host_port(config.url) if config.url else f"{config.host}:{config.port}"


def host_port(url: str) -> str:
    """host:port of a URL, with the port that its scheme means; nothing else of it."""
    host, port = wire.where(url)
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port or (443 if url.lower().startswith('https:') else 80)}"
