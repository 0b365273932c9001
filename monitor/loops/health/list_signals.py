"""What is wrong with published lists, for desk and operations: signals that become incidents."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.decide.incidents import HELD_LIST, LATE_LIST
from monitor.loops.health.list_status import Late, lateness
from monitor.model.lists import ListConfig
from monitor.model.plain import utc
from monitor.model.plan import Signal
from monitor.model.settings import Settings
from monitor.store import incidents, listing
from monitor.store.port import Reader

START_HOLD = 600  # seconds: after a start the first try may come before the network


def signals(store: Reader, settings: Settings, now: int) -> Iterable[Signal]:
    """Of every list in use, good or bad; what was said of others is over."""
    late = lateness(store, settings, now)
    for name, config in settings.lists.items():
        yield _late(config, late.get(name))
        yield _held(store, config)
    for incident in incidents.incident_list(store, open_only=True):
        kind, _, name = incident.signal.key.partition(":")
        if f"{kind}:" in (LATE_LIST, HELD_LIST) and name not in settings.lists:
            yield Signal(incident.signal.key, bad=False)


def _late(config: ListConfig, late: Late | None) -> Signal:
    key = f"{LATE_LIST}{config.name}"
    if late is None:
        return Signal(key, bad=False)
    why = late.why.rstrip(".")
    stays = (
        f"The version of {late.day} stays in force: what was listed since then is not watched."
        if late.day
        else "No version of it was ever taken: nothing of it is watched."
    )
    return Signal(
        key=key,
        bad=True,
        hold=START_HOLD,
        what=f"{config.title}'s list ({config.name}) could not be had or read since "
        f"{utc(late.since)}: {why}. {stays}",
        cure="See `fundwatch lists status`. A file that you fetch yourself is taken by  "
        f"fundwatch lists update {config.name} --file FILE",
    )


def _held(store: Reader, config: ListConfig) -> Signal:
    """A version that waits for a yes keeps everything newer out: the desk is reminded."""
    key, state = f"{HELD_LIST}{config.name}", listing.state(store, config.name)
    newest = listing.newest(store, config.name)
    if not state.held or newest is None:
        return Signal(key, bad=False)
    return Signal(
        key=key,
        bad=True,
        audience="desk",
        what=f"A newer version of {config.title}'s list ({config.name}) was not taken: "
        f"{state.held_why}. The version of {newest.day} stays in force: what is new is not "
        "watched.",
        cure="Look at what the publisher says. If it is right:  fundwatch lists update "
        f"{config.name} --accept-shrunk",
    )
