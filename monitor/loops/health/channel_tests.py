"""The daily test of the channels."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.loops import deliver
from monitor.loops.freeze import DeliverWorld
from monitor.loops.health.kept import Tested, last_tests
from monitor.model.errors import DeliveryError
from monitor.model.plain import tidy
from monitor.model.plan import Signal
from monitor.model.ways import trouble_key
from monitor.net.channels import CheckedChannel
from monitor.store import notes, ways
from monitor.store.incidents import put_signals
from monitor.store.port import Store

log = logging.getLogger("fundwatch.alive")
TEST_AGAIN = 300  # seconds until a channel that failed its test is tried again
TEST_HOLD = 900  # a channel that is back by then is no news


def try_channels(
    world: DeliverWorld, channels: Mapping[str, CheckedChannel], daily_hour: int, now: int
) -> None:
    """Once a day, at its hour, try every channel: connect to it, and send a test message
    where its settings say so. One that fails is tried again until it works."""
    store, before = world.store, last_tests(world.store, channels)
    again = {n for n, t in before.items() if not t.good and now - t.at >= TEST_AGAIN}
    names = set(channels) if _is_hour(store, world.timezone, daily_hour, now) else again
    if not names:
        return
    with ThreadPoolExecutor(len(names), thread_name_prefix="test") as pool:
        futures = {name: pool.submit(_try, world, channels[name], now) for name in sorted(names)}
    found = {name: future.result() for name, future in futures.items()}
    for name, tested in found.items():
        earlier = before.get(name)
        since = earlier.since or earlier.at if earlier and not earlier.good else now
        noted = replace(tested, since=0 if tested.good else since)
        notes.put_note(store, f"tested:{name}", json.dumps(asdict(noted)))
    put_signals(store, [s for t in found.items() for s in _told(store, *t)], now)


def _is_hour(store: Store, timezone: str, daily_hour: int, now: int) -> bool:
    """Whether today's test is due; the first one on the day after the first start."""
    local = datetime.fromtimestamp(now, ZoneInfo(timezone))
    last, today = notes.get_note(store, "tests"), local.date().isoformat()
    if last == today or (last is not None and local.hour < daily_hour):
        return False
    notes.put_note(store, "tests", today)
    return last is not None


def _try(world: DeliverWorld, channel: CheckedChannel, now: int) -> Tested:
    name = channel.name
    try:
        if not world.configs[name].daily_test:
            return Tested(now, True, tidy(channel.check()))
        answers = deliver.send_test(world, name)
    except DeliveryError as error:
        return Tested(now, False, tidy(str(error)))
    except Exception as error:  # a fault of ours in one channel says nothing about the others
        log.exception("channel %s could not be tested", name)
        return Tested(now, False, f"fault in Fundwatch ({type(error).__name__})")
    if failed := [each for each in answers if not each.good]:
        whom = [each.recipient for each in failed] if len(failed) < len(answers) else []
        return Tested(now, False, tidy("; ".join(each.words for each in failed)), whom)
    notes.put_note(world.store, f"test:{name}", str(now))
    return Tested(now, True, f"test message accepted ({len(answers)} recipients)")


def _told(store: Store, name: str, tested: Tested) -> Iterable[Signal]:
    """A channel that takes a connection may still refuse messages: then it stays told."""
    if not tested.good:
        for recipient in tested.whom or ("",):
            to = f" to {recipient}" if recipient else ""
            yield Signal(
                key=trouble_key(name, recipient),
                bad=True,
                hold=TEST_HOLD,
                what=f"Channel {name} failed its daily test{to}: {tested.words}",
                cure="Nothing may be lost yet. Mend it, then run "
                f"`fundwatch channels test {name}`.",
            )
    elif not ways.takes_nothing(store, name):
        yield Signal(trouble_key(name), bad=False)
