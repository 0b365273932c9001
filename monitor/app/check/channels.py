"""The channels in `fundwatch check`: tried up to the point of sending, and who is told what."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from monitor.app.build import make_channel
from monitor.app.check import cost
from monitor.app.check.report import Bench
from monitor.model import ChannelConfig
from monitor.model.errors import ConfigError, DeliveryError
from monitor.model.plain import duration
from monitor.store import notes, ways
from monitor.watchlist.yaml_nodes import closest


def check(bench: Bench) -> None:
    """Writes the section CHANNELS."""
    out, settings = bench.out, bench.settings
    tail = "was tried" if bench.offline else "was sent"
    out.section(f"CHANNELS (nothing {tail}; to send: fundwatch channels test NAME)")
    if not settings.channels:
        say = out.warn if _just_set_up(bench) else out.fail
        say("no channel is set up: nobody is told", "say whom to tell in config/channels.yaml")
        return
    off = ways.disabled(bench.store) if bench.store else {}
    with ThreadPoolExecutor(len(settings.channels), thread_name_prefix="check") as pool:
        tried = list(pool.map(lambda c: _try_channel(bench, c), settings.channels.values()))
    for config, (good, text) in zip(settings.channels.values(), tried, strict=True):
        if good:
            out.ok(f"{config.name:<12}{text}{_last_test(bench, config.name)}")
        else:
            out.fail(text, "correct config/channels.yaml")
        if config.name in off:
            cure = f"mend it, then  fundwatch channels test {config.name}"
            out.fail(f"{config.name} is switched off: {off[config.name]}", cure)
    for note in settings.notes:
        if note.partition(":")[0] in settings.channels:
            out.warn(note)
    _rules(bench)
    _audiences(bench)


def _just_set_up(bench: Bench) -> bool:
    """Whether `init --lists` was the last that happened: whom to tell is its next step."""
    store = bench.store
    ran = store is None or any(notes.get_note(store, name) for name in ("started", "pass"))
    return bool(bench.settings.lists) and not ran


def _try_channel(bench: Bench, config: ChannelConfig) -> tuple[bool, str]:
    try:
        channel = make_channel(bench.settings, config)
        if bench.offline:
            return True, f"{config.kind} to {cost.channel_host(config)}"
        return True, channel.check()
    except (ConfigError, DeliveryError) as error:
        return False, str(error)


def _last_test(bench: Bench, name: str) -> str:
    noted = notes.get_note(bench.store, f"test:{name}") if bench.store else None
    return f"; last test accepted {duration(bench.now - int(noted))} ago" if noted else ""


def _audiences(bench: Bench) -> None:
    """Whether somebody hears of our own failures, by another way than what failed."""
    configs = list(bench.settings.channels.values())
    told = [c for c in configs if "operations" in c.audience]
    if not told:
        bench.out.warn(
            "no channel is for operations: nobody hears that Fundwatch is blind or stuck",
            "write  audience: operations  into a channel",
        )
    for ops in told:
        host = cost.channel_host(ops)
        same = [c for c in configs if c is not ops and cost.channel_host(c) == host]
        elsewhere = any(cost.channel_host(c) != host for c in told)
        if same and not elsewhere:
            bench.out.warn(
                f"{ops.name} uses the same server as {same[0].name}: it cannot report that "
                "server's failure",
                "tell operations through another server too",
            )
    if len(configs) == 1:
        bench.out.warn(
            f"{configs[0].name} is the only channel: nobody hears of its own failure",
            "add a second one through another server",
        )


def _rules(bench: Bench) -> None:
    """A rule that names what no address has, a typo mostly, takes its channel out unnoticed."""
    if not bench.entries:
        return
    cases = {e.case for e in bench.entries if e.case}
    tags = {tag for e in bench.entries for tag in e.tags}
    for config in bench.settings.channels.values():
        only = config.only
        for key, named, known in (("case", only.case, cases), ("tags", only.tags, tags)):
            for word in sorted(named - known):
                near = closest(word, known)
                bench.out.warn(
                    f"{config.name}: only: {key}: {word} - no watched address has that",
                    f"did you mean {near}?" if near else "correct config/channels.yaml",
                )
