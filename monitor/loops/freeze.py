"""Owed alerts become messages: which of them share one, what it says, to whom it goes.

A message is fixed (id and bytes) before its first try. Whatever goes wrong while one is laid
out, its bare facts go out, and the others are not touched.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from jinja2 import Environment

from monitor.decide import routing
from monitor.loops.crowds import MOST, Crowds
from monitor.messages import render
from monitor.messages.objects import MAX_ALERTS, MAX_BODY
from monitor.model import AlertKind, AlertView, ChannelConfig, Kin, Rendered
from monitor.model.errors import StoreError
from monitor.model.ids import stable_id
from monitor.model.plan import Route, Signal
from monitor.model.ports import Channel
from monitor.model.ways import NOBODY, Way
from monitor.store import incidents, outbox, owing, ways
from monitor.store.outbox import Letter
from monitor.store.owing import Owed, Unsent
from monitor.store.port import Store
from monitor.store.views import Views

log = logging.getLogger("fundwatch.outbox")

FLOOD = 100  # alerts of one entry that wait for one channel: more take seconds to lay out
GROUP_ABOVE = 5  # alerts of one case that wait for one channel: more become one message
STORM_WINDOW = 600  # seconds in which this many messages ...
STORM_MESSAGES = 10  # ... about one case make the next ones wait
STORM_WAIT = 1200  # for the next grouped message
DAILY_MOST = 1000  # alerts shown in one daily mail
LAYOUT = "layout"  # the incident about messages that could not be laid out,
LAYOUT_AGAIN = 3600  # which is over when it is this old (seconds) and nothing fails


@dataclass(frozen=True)
class DeliverWorld:
    """Everything that the deliver loop works with. Put together in app/fundwatch.py."""

    store: Store
    configs: Mapping[str, ChannelConfig]
    channels: Mapping[str, Channel]
    views: Views
    templates: Environment
    entries: Callable[[], Collection[Kin]]
    clock: Callable[[], int]
    timezone: str
    version: str
    judged: set[str] = field(default_factory=set)  # see Crowds
    link: Callable[[str], str] = lambda _message_id: ""  # where a message is acknowledged
    desk: str = ""  # where the desk is; empty: it is off


# -- freezing --------------------------------------------------------------------------


def freeze(
    world: DeliverWorld, *, everything: bool, send: Callable[[], None] = lambda: None
) -> int:
    """Make messages of what is owed; returns how many. `everything` does not wait for more
    of a storm to come.

    A flood of one entry keeps nobody else waiting: laying it out takes long, so what is owed
    of other entries, also what has come meanwhile, goes before each step of it. `send` is
    called with each, to begin sending what there is.
    """
    failing = ways.failing(world.store, world.configs)
    _find_takers(world, failing)
    few, flood = _apart(_unsent(world))
    made = [_freeze_all(world, _due(world, few, everything=everything), failing)]
    flooded, seen = {each.place for each in flood}, [0]

    def others() -> None:
        newest = owing.newest(world.store)
        if newest > seen[0]:
            seen[0] = newest
            late, _ = _apart(each for each in _unsent(world) if each.place not in flooded)
            made.append(_freeze_all(world, _due(world, late, everything=everything), failing))
        send()

    for part in _due(world, flood, everything=everything, meanwhile=others):
        others()
        made.append(_freeze_all(world, [part], failing))
    if any(made):
        _mended(world)
    return sum(made)


def _freeze_all(world: DeliverWorld, parts: Sequence[Owed], failing: Collection[Way]) -> int:
    return sum(_freeze_one(world, part, world.configs[part.channel], failing) for part in parts)


def _unsent(world: DeliverWorld) -> list[Unsent]:
    return [each for each in owing.unsent(world.store) if each.channel in world.configs]


def _apart(unsent: Iterable[Unsent]) -> tuple[list[Unsent], list[Unsent]]:
    """What few alerts of an entry owe to a channel, and what very many do."""
    known = list(unsent)
    counts = Counter(each.place for each in known)
    few = [each for each in known if counts[each.place] <= FLOOD]
    return few, [each for each in known if counts[each.place] > FLOOD]


def _find_takers(world: DeliverWorld, failing: Collection[Way]) -> None:
    """What nobody could be told goes to who can be told now."""
    alerts = owing.owed_to_nobody(world.store) if world.configs else []
    for alert, routes in new_routes(world, alerts, failing).items():
        if any(channel != NOBODY for _, channel, _ in routes):
            owing.find_taker(world.store, alert, routes)


def new_routes(
    world: DeliverWorld, alerts: Sequence[str], failing: Collection[Way]
) -> dict[str, list[Route]]:
    """To whom these alerts are owed by the present settings. One that cannot be read is for
    everybody."""
    found: dict[str, list[Route]] = {}
    for view in _readable(world, alerts) if alerts else ():
        found[view.alert.id] = routing.routes(
            view.alert, view.entry, world.configs, failing, view.also
        )
    for alert in alerts:
        found.setdefault(alert, [(alert, name, "alone") for name in world.configs])
    return found


def _readable(world: DeliverWorld, alerts: Sequence[str]) -> list[AlertView]:
    """The views of those alerts that can be read."""
    try:
        return world.views.alerts(alerts)
    except StoreError:
        raise
    except Exception:  # whatever is wrong with one alert must not hide the others
        if len(alerts) == 1:
            log.exception("alert %s cannot be read", alerts[0])
            return []
    half = len(alerts) // 2
    return [*_readable(world, alerts[:half]), *_readable(world, alerts[half:])]


def _due(
    world: DeliverWorld,
    unsent: Sequence[Unsent],
    *,
    everything: bool,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Owed]:
    """What of this is to be told now, cut into messages. `meanwhile`: see Crowds."""
    if not unsent:
        return []
    people = {name: config for name, config in world.configs.items() if not config.machine}
    crowds = Crowds(
        world.store, world.views, people, world.clock(), everything, world.judged, meanwhile
    )
    shared, rest = crowds.sort(unsent)
    sleepers = [name for name, config in world.configs.items() if config.quiet_hours]
    usual = [
        part
        for each in owing.gather(rest, sleepers)
        for part in _parts(world, each, world.configs[each.channel], everything)
    ]
    return [each for each in (*usual, *shared) if not _not_yet(world, each)]


def waiting(world: DeliverWorld) -> bool:
    """Whether a round with `everything` would make a message now, also of what nobody could
    be told until now."""
    if _due(world, _unsent(world), everything=True):
        return True
    alerts = owing.owed_to_nobody(world.store) if world.configs else []
    found = new_routes(world, alerts, ways.failing(world.store, world.configs)) if alerts else {}
    return any(name != NOBODY for owed in found.values() for _, name, _ in owed)


def _not_yet(world: DeliverWorld, each: Owed) -> bool:
    """Whether this is kept for the end of quiet hours."""
    local = datetime.fromtimestamp(world.clock(), ZoneInfo(world.timezone))
    minute = local.hour * 60 + local.minute
    return routing.waits(world.configs[each.channel], urgent=each.urgent, minute=minute)


def _parts(world: DeliverWorld, each: Owed, config: ChannelConfig, everything: bool) -> list[Owed]:
    """Cut what is owed into messages: alone, grouped when many, or nothing yet."""
    if config.machine:
        return _pieces(each, MAX_ALERTS)
    if each.form == "group" and not everything and _storm(world, each):
        return []
    if each.form != "alone" and len(each.alerts) > GROUP_ABOVE:
        return _pieces(each, MOST)
    form = "escalated" if each.form == "escalated" else "alone"
    return [replace(each, alerts=(alert,), form=form) for alert in each.alerts]


def _pieces(each: Owed, most: int) -> list[Owed]:
    return [
        replace(each, alerts=each.alerts[i : i + most]) for i in range(0, len(each.alerts), most)
    ]


def _storm(world: DeliverWorld, each: Owed) -> bool:
    """Whether so much was sent about this case that the next message should collect."""
    now = world.clock()
    recent = outbox.recent_messages(world.store, each.channel, each.case, now - STORM_WINDOW, now)
    last = outbox.last_group(world.store, each.channel, each.case, now)
    return recent >= STORM_MESSAGES or now - last < STORM_WAIT


def _freeze_one(
    world: DeliverWorld, each: Owed, config: ChannelConfig, failing: Collection[Way]
) -> int:
    """Fix one message, or several where one would be too large; returns how many somebody can
    take. A fault in one costs its layout, never its news."""
    now = world.clock()
    passed_on, many = each.form == "escalated", len(each.alerts) > 1
    prefix = "E" if passed_on else "G" if many else "M"
    message_id = stable_id(prefix, each.channel, *each.alerts)
    signals: list[Signal] = []
    try:
        letter = _letter(world, each, config, message_id, failing)
    except StoreError:
        raise
    except Exception as error:
        good = [view.alert.id for view in _readable(world, each.alerts)]
        bad = [alert for alert in each.alerts if alert not in set(good)]
        if good and bad:
            parts = [replace(each, alerts=tuple(part)) for part in (good, bad)]
            return sum(_freeze_one(world, part, config, failing) for part in parts)
        log.exception("message %s could not be laid out", message_id)
        signals.append(_fault(message_id, error))
        letter = _bare(world, each, config, message_id, failing, type(error).__name__)
    if many and _too_large(letter.rendered):
        half = (len(each.alerts) + 1) // 2
        return sum(_freeze_one(world, part, config, failing) for part in _pieces(each, half))
    if not letter.to:
        for alert in each.alerts:
            owing.put_off(world.store, alert, each.channel)
        return 0
    return outbox.freeze(world.store, [letter], now, signals=signals)


def _too_large(rendered: Rendered) -> bool:
    """For what receivers take: a webhook's body, or a mail with its file."""
    mail = sum(len(text) for _, _, text in rendered.attachments) + len(rendered.html)
    return len(rendered.json.encode("utf-8", "replace")) > MAX_BODY or mail > render.MAX_FILE


def _letter(
    world: DeliverWorld,
    each: Owed,
    config: ChannelConfig,
    message_id: str,
    failing: Collection[Way],
) -> Letter:
    views = world.views.alerts(each.alerts)
    rendered = render.render(
        views,
        channel=config,
        allowed_cases=routing.allowed_cases(config, world.entries()),
        message_id=message_id,
        now=world.clock(),
        timezone=world.timezone,
        version=world.version,
        templates=world.templates,
        thread=_thread(world, views[0].thread, each.channel) if len(views) == 1 else "",
        link=world.link(message_id),
        desk=world.desk,
        passed_on=each.form == "escalated",
    )
    to = config.recipients
    if len(views) == 1 and routing.about_sending(views[0].alert):
        to = routing.able(views[0].alert, config, failing, others=True) or routing.able(
            views[0].alert, config, failing, others=False
        )
    return Letter(message_id, each, rendered, to)


def _thread(world: DeliverWorld, alert_id: str | None, channel: str) -> str:
    found = outbox.first_message_id(world.store, alert_id, channel) if alert_id else None
    return found or ""


def _bare(
    world: DeliverWorld,
    each: Owed,
    config: ChannelConfig,
    message_id: str,
    failing: Collection[Way],
    trouble: str,
) -> Letter:
    """What still goes out when a message could not be laid out: which alerts there are."""
    outlines = outbox.outlines(world.store, each.alerts)
    rendered = render.render_outlines(
        outlines, channel=config, message_id=message_id, now=world.clock(), trouble=trouble
    )
    to = config.recipients
    if any(outline.kind == AlertKind.NOTICE for outline in outlines):  # perhaps about sending
        to = tuple(each for each in to if (config.name, each) not in failing)
    return Letter(message_id, each, rendered, to)


def _fault(message_id: str, error: Exception) -> Signal:
    what = (
        f"Message {message_id} could not be laid out ({type(error).__name__}): it says which "
        "alerts there are, and no more."
    )
    cure = "`fundwatch alerts show ID` may tell the rest. Send the log to who maintains Fundwatch."
    return Signal(LAYOUT, bad=True, what=what, cure=cure)


def _mended(world: DeliverWorld) -> None:
    """The incident about layout is over when nothing failed for a while."""
    if incidents.lasts(world.store, LAYOUT, world.clock() - LAYOUT_AGAIN):
        incidents.put_signals(world.store, [Signal(LAYOUT, bad=False)], world.clock())


# -- the daily message -----------------------------------------------------------------

# Of cases, and of what this channel was told -> by heading.
Remarks = Callable[[Collection[str], str], Mapping[str, Sequence[str]]]


def daily(world: DeliverWorld, day: str, since: int, until: int, remarks: Remarks) -> int:
    """Freeze the daily message of every channel for people, and note that it was done, at
    once; returns how many. `day` (2026-11-28) names it: there is one a day and channel."""
    waiting_for = _waiting_for(world)
    letters, signals = [], []
    for name, config in world.configs.items():
        if config.machine or ("desk" not in config.audience and name not in waiting_for):
            continue
        message_id = stable_id("D", name, day)
        owed = Owed(name, "", "daily", False, tuple(waiting_for.get(name, ())))
        try:
            letter = _daily_letter(world, config, message_id, owed, since, until, remarks)
        except StoreError:
            raise
        except Exception as error:
            log.exception("message %s could not be laid out", message_id)
            signals.append(_fault(message_id, error))
            letter = _bare(world, owed, config, message_id, (), type(error).__name__)
        letters.append(letter)
    notes = {"daily": day, "daily_at": str(until)}
    return outbox.freeze(world.store, letters, until, signals=signals, notes=notes)


def _waiting_for(world: DeliverWorld) -> dict[str, list[str]]:
    """Alerts that wait for the daily message, by channel."""
    found: dict[str, list[str]] = {}
    for each in owing.gather(owing.unsent(world.store, daily=True)):
        found.setdefault(each.channel, []).extend(each.alerts)
    return found


def preview(
    world: DeliverWorld, config: ChannelConfig, since: int, until: int, remarks: Remarks
) -> Rendered:
    """The daily message as a channel would get it now; nothing is frozen or sent."""
    owed = Owed(config.name, "", "daily", False, tuple(_waiting_for(world).get(config.name, ())))
    name = stable_id("D", config.name, "preview")
    return _daily_letter(world, config, name, owed, since, until, remarks).rendered


def _daily_letter(
    world: DeliverWorld,
    config: ChannelConfig,
    message_id: str,
    owed: Owed,
    since: int,
    until: int,
    remarks: Remarks,
) -> Letter:
    """Everything of the day that the channel is told of; what waited for it goes first."""
    day = outbox.told_between(world.store, config.name, since, until)
    alerts = list(dict.fromkeys([*owed.alerts, *day]))
    allowed = routing.allowed_cases(config, world.entries())
    said = dict(remarks(allowed, config.name))
    if len(alerts) > DAILY_MOST:
        left = f"{len(alerts) - DAILY_MOST:,} more alerts: `fundwatch alerts list`."
        said["NOT SHOWN"] = [left]
    rendered = render.render_daily(
        world.views.alerts(alerts[:DAILY_MOST]),
        channel=config,
        allowed_cases=allowed,
        message_id=message_id,
        since=since,
        until=until,
        remarks=said,
        timezone=world.timezone,
        version=world.version,
        templates=world.templates,
    )
    return Letter(message_id, owed, rendered, config.recipients)
