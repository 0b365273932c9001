"""What waits for a channel or a recipient that is no longer set up goes to those there are."""

from __future__ import annotations

import logging

from monitor.loops import freeze
from monitor.loops.freeze import DeliverWorld
from monitor.model.plain import plural
from monitor.model.plan import Signal
from monitor.model.ways import NOBODY
from monitor.store import owing, ways

log = logging.getLogger("fundwatch")


def adopt(world: DeliverWorld) -> None:
    """Tell to the present channels what waits for one that was taken out of the settings,
    for somebody who was taken out of a channel, or for the first channel of all."""
    store, configs, now = world.store, world.configs, world.clock()
    ways.forget(store, configs)
    for name, config in configs.items():
        owing.readdress(store, name, config.recipients, now)
    gone = owing.gone(store, configs) if configs else {}
    if not gone:
        return
    alerts = list(dict.fromkeys(alert for owed in gone.values() for alert in owed))
    anew = freeze.new_routes(world, alerts, ways.failing(store, configs))
    routes = [route for found in anew.values() for route in found]
    taken = {alert for alert, channel, _ in routes if channel != NOBODY}
    counts = {name: len(taken.intersection(gone[name])) for name in gone}
    signals = [_gone(name, count, now) for name, count in counts.items() if count]
    owing.move(store, gone, routes, signals, now)
    if taken:
        log.warning("%d alerts that had no channel go to those there are", len(taken))


def _gone(name: str, count: int, now: int) -> Signal:
    if name == NOBODY:
        what = f"{plural(count, 'alert')} could be told to nobody until now, and are told now."
        cure = "`fundwatch alerts list` shows since when. Keep at least one channel set up."
        return Signal(f"untold:{now}", bad=True, what=what, cure=cure, once=True)
    return Signal(
        key=f"gone:{name}/{now}",
        bad=True,
        severity="medium",
        what=f"Channel {name} is no longer in config/channels.yaml. {plural(count, 'alert')} that "
        "waited for it went to the other channels.",
        cure="If that was a slip of the hand, put the channel back.",
        once=True,
    )
