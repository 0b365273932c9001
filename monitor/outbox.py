"""The deliver loop: owed alerts -> frozen messages -> channels -> outcome recorded.

At least once, with one name: a message is frozen (id and bytes) before its first try, the
attempt is counted before it is made, and success is recorded only after the receiver said
so. A crash in between repeats the same bytes under the same id.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from jinja2 import Environment

from monitor import messages, routing
from monitor.chains import stable_id
from monitor.errors import DeliveryError
from monitor.model import ChannelConfig, Entry, Outgoing, Rendered
from monitor.plan import Signal
from monitor.ports import Channel
from monitor.records import MAX_ALERTS
from monitor.store import Store, journal, post
from monitor.store.views import Views

log = logging.getLogger("fundwatch.outbox")

# Waits in seconds before each further try. Webhooks follow Standard Webhooks; mail is tried
# for four days, as mail servers themselves do; chats as long, but sooner at first: mostly
# they ask for a second's pause.
_MAIL = (60, 300, 900, 1800, 3600, *([7200] * 6), *([21_600] * 13))
_CHAT = (5, 30, 120, *_MAIL[1:])
WAITS: Mapping[str, tuple[int, ...]] = {
    "webhook": (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400),
    "email": _MAIL,
    **dict.fromkeys(("slack", "teams", "discord", "apprise"), _CHAT),
}
LONGEST_HOLD = 86_400  # the most that a receiver's Retry-After is obeyed
GROUP_ABOVE = 5  # alerts of one case that wait for one channel: more become one message
STORM_WINDOW = 600  # seconds in which this many messages ...
STORM_MESSAGES = 10  # ... about one case make the next ones wait
STORM_WAIT = 1200  # for the next grouped message
# After this a round ends and the next one goes on: a slow receiver must not look like a
# program that hangs.
ROUND_SECONDS = 90.0
GIVE_UP_IN_ROW = 3  # failures in a row after which a channel is left for the next round
DAILY_MOST = 1000  # alerts shown in one daily mail


@dataclass(frozen=True)
class Post:
    """Everything that the deliver loop works with. Put together in app.py."""

    store: Store
    configs: Mapping[str, ChannelConfig]
    channels: Mapping[str, Channel]
    views: Views
    templates: Environment
    entries: Callable[[], Collection[Entry]]
    clock: Callable[[], int]
    timezone: str
    version: str
    link: Callable[[str], str] = lambda _message_id: ""  # where a message is acknowledged


@dataclass
class Tally:
    """What one round of sending did."""

    frozen: int = 0
    accepted: int = 0
    failed: int = 0
    dead: int = 0
    errors: dict[str, str] = field(default_factory=dict)  # channel -> last error


# -- freezing --------------------------------------------------------------------------


def freeze(desk: Post, *, everything: bool) -> int:
    """Make messages of what is owed; returns how many. `everything` does not wait for more
    of a storm to come."""
    made = 0
    for owing in _owed(desk):
        config = desk.configs.get(owing.channel)
        if config is None or _not_yet(desk, owing, config):
            continue
        for part in _parts(desk, owing, config, everything):
            _freeze_one(desk, part, config)
            made += 1
    return made


def _owed(desk: Post) -> list[post.Owed]:
    sleepers = [name for name, config in desk.configs.items() if config.quiet_hours]
    return post.owed(desk.store, sleepers)


def _not_yet(desk: Post, owing: post.Owed, config: ChannelConfig) -> bool:
    """Whether this is kept for the daily message or for the end of quiet hours."""
    if owing.form == "daily":
        return True
    local = datetime.fromtimestamp(desk.clock(), ZoneInfo(desk.timezone))
    return routing.waits(config, urgent=owing.urgent, minute=local.hour * 60 + local.minute)


def _parts(
    desk: Post, owing: post.Owed, config: ChannelConfig, everything: bool
) -> list[post.Owed]:
    """Cut what is owed into messages: alone, grouped when many, or nothing yet."""
    if config.machine:
        return [
            replace(owing, alerts=owing.alerts[i : i + MAX_ALERTS])
            for i in range(0, len(owing.alerts), MAX_ALERTS)
        ]
    if owing.form == "group" and not everything and _storm(desk, owing):
        return []
    if owing.form != "alone" and len(owing.alerts) > GROUP_ABOVE:
        return [owing]
    form = "escalated" if owing.form == "escalated" else "alone"
    return [replace(owing, alerts=(alert,), form=form) for alert in owing.alerts]


def _storm(desk: Post, owing: post.Owed) -> bool:
    """Whether so much was sent about this case that the next message should collect."""
    now = desk.clock()
    recent = post.recent_messages(desk.store, owing.channel, owing.case, now - STORM_WINDOW, now)
    last = post.last_group(desk.store, owing.channel, owing.case, now)
    return recent >= STORM_MESSAGES or now - last < STORM_WAIT


def _freeze_one(desk: Post, owing: post.Owed, config: ChannelConfig) -> None:
    now = desk.clock()
    passed_on, many = owing.form == "escalated", len(owing.alerts) > 1
    prefix = "E" if passed_on else "G" if many else "M"
    message_id = stable_id(prefix, owing.channel, *owing.alerts)
    views = desk.views.alerts(owing.alerts)
    rendered = messages.render(
        views,
        channel=config,
        allowed_cases=routing.allowed_cases(config, desk.entries()),
        message_id=message_id,
        now=now,
        timezone=desk.timezone,
        version=desk.version,
        templates=desk.templates,
        thread=_thread(desk, views[0].thread, owing.channel) if len(views) == 1 else "",
        link=desk.link(message_id),
        passed_on=passed_on,
    )
    post.freeze(desk.store, message_id, owing, rendered, routing.recipients(config), now)


def _thread(desk: Post, alert_id: str | None, channel: str) -> str:
    found = post.first_message_id(desk.store, alert_id, channel) if alert_id else None
    return found or ""


Remarks = Callable[[Collection[str]], Mapping[str, Sequence[str]]]  # of cases -> by heading


def daily(desk: Post, since: int, until: int, remarks: Remarks) -> int:
    """Freeze the daily message of every channel for people; returns how many."""
    waiting: dict[str, list[str]] = {}
    for owing in post.owed(desk.store):
        if owing.form == "daily":
            waiting.setdefault(owing.channel, []).extend(owing.alerts)
    made = 0
    for name, config in desk.configs.items():
        if not config.machine and ("desk" in config.audience or name in waiting):
            _freeze_daily(desk, config, tuple(waiting.get(name, ())), since, until, remarks)
            made += 1
    return made


def _freeze_daily(
    desk: Post,
    config: ChannelConfig,
    owed: tuple[str, ...],
    since: int,
    until: int,
    remarks: Remarks,
) -> None:
    """Everything of the day that the channel is told of; what waited for it goes first."""
    message_id = stable_id("D", config.name, str(until))
    day = post.told_between(desk.store, config.name, since, until)
    alerts = list(dict.fromkeys([*owed, *day]))
    allowed = routing.allowed_cases(config, desk.entries())
    said = dict(remarks(allowed))
    if len(alerts) > DAILY_MOST:
        left = f"{len(alerts) - DAILY_MOST:,} more alerts: `fundwatch alerts list`."
        said["NOT SHOWN"] = [left]
    rendered = messages.render_daily(
        desk.views.alerts(alerts[:DAILY_MOST]),
        channel=config,
        allowed_cases=allowed,
        message_id=message_id,
        since=since,
        until=until,
        remarks=said,
        timezone=desk.timezone,
        version=desk.version,
        templates=desk.templates,
    )
    owing = post.Owed(config.name, "", "daily", False, owed)
    post.freeze(desk.store, message_id, owing, rendered, routing.recipients(config), until)


# -- sending ---------------------------------------------------------------------------


def deliver(desk: Post, *, everything: bool) -> Tally:
    """Freeze what is owed and send what is due; channels in parallel, each in order.

    Rounds never overlap, so what is claimed at the beginning was left by one that ended
    in the middle: it is taken over.
    """
    if taken := post.release_claims(desk.store):
        log.info("took over %d deliveries that an earlier round had begun", taken)
    tally = Tally(frozen=freeze(desk, everything=everything))
    due = post.due_deliveries(desk.store, desk.clock(), all_waiting=everything)
    by_channel: dict[str, list[post.Due]] = {}
    for each in due:
        by_channel.setdefault(each.channel, []).append(each)
    with ThreadPoolExecutor(max(1, len(by_channel)), thread_name_prefix="send") as pool:
        for part in pool.map(lambda item: _send_all(desk, *item), by_channel.items()):
            _add(tally, part)
    return tally


def pending(desk: Post) -> bool:
    """Whether a round with `everything` has something to send now."""
    return bool(post.due_deliveries(desk.store, desk.clock(), all_waiting=True)) or any(
        owing.channel in desk.configs and not _not_yet(desk, owing, desk.configs[owing.channel])
        for owing in _owed(desk)
    )


def _add(total: Tally, part: Tally) -> None:
    total.accepted += part.accepted
    total.failed += part.failed
    total.dead += part.dead
    total.errors |= part.errors


def _send_all(desk: Post, name: str, due: Sequence[post.Due]) -> Tally:
    tally, in_row, began = Tally(), 0, time.monotonic()
    channel = desk.channels.get(name)
    for each in due if channel is not None else ():
        assert channel is not None
        if time.monotonic() - began > ROUND_SECONDS:
            break
        if in_row >= GIVE_UP_IN_ROW or not post.claim(desk.store, each, desk.clock()):
            continue
        error = _send(desk, channel, each)
        in_row = in_row + 1 if error else 0
        tally.accepted += error is None
        tally.failed += error is not None
        tally.dead += error is not None and _fail(desk, each, error)
        if error is not None:
            tally.errors[name] = str(error)
            if error.disable:
                break
    return tally


def _send(desk: Post, channel: Channel, due: post.Due) -> DeliveryError | None:
    try:
        answer = channel.send(due.outgoing)
    except DeliveryError as error:
        return error
    except Exception as error:  # a fault of ours must not stop the other channels
        log.exception("channel %s could not send", due.channel)
        return DeliveryError(f"fault in Fundwatch ({type(error).__name__})", status="fault")
    now = desk.clock()
    post.accepted(desk.store, due, answer, now)
    key = f"channel:{due.channel}"
    good = Signal(key, bad=False)
    journal.put_signals(desk.store, [good], now)
    log.info("message %s accepted by %s", due.outgoing.message_id, due.channel)
    return None


def _fail(desk: Post, due: post.Due, error: DeliveryError) -> bool:
    """Record a failed try; returns whether the message was given up."""
    now = desk.clock()
    waits = WAITS[desk.configs[due.channel].kind]
    attempt = due.attempts + 1
    if error.disable:
        post.disable(desk.store, due.channel, str(error), now)
    # Also by age: polls made by hand or by cron use up the tries within minutes.
    worn_out = attempt > len(waits) and now - due.outgoing.created >= sum(waits)
    dead = error.permanent or (worn_out and not error.disable)
    wait = waits[min(attempt, len(waits)) - 1]
    if error.retry_after is not None:
        wait = int(min(LONGEST_HOLD, max(wait, error.retry_after)))
    post.failed(
        desk.store,
        due,
        str(error),
        None if dead else now + wait,
        held=error.retry_after is not None,
    )
    journal.put_signals(desk.store, _failure_signals(due, error, attempt, dead), now)
    log.warning(
        "message %s not accepted by %s (try %d): %s",
        due.outgoing.message_id,
        due.channel,
        attempt,
        error,
    )
    return dead


def _failure_signals(due: post.Due, error: DeliveryError, attempt: int, dead: bool) -> list[Signal]:
    name = due.channel
    if error.disable:
        what = f"Channel {name} was switched off: its receiver said that it is gone. {error}"
        cure = f"Correct its address, then run `fundwatch channels test {name}`."
        return [Signal(f"channel:{name}", bad=True, what=what, cure=cure)]
    if dead:
        what = f"A message of channel {name} was given up after {attempt} tries: {error}"
        cure = (
            f"Mend the channel, then run `fundwatch deliveries replay {due.outgoing.message_id}`."
        )
        key = f"dead:{name}/{due.outgoing.message_id}/{due.outgoing.recipient}"
        return [Signal(key, bad=True, what=what, cure=cure, once=True)]
    if attempt >= 3:
        what = f"Channel {name} does not accept messages: {error}"
        cure = f"See `fundwatch deliveries list` and `fundwatch channels test {name}`."
        return [Signal(f"channel:{name}", bad=True, what=what, cure=cure, hold=600)]
    return []


def send_test(desk: Post, name: str) -> list[tuple[str, str]]:
    """Send a test message to each recipient; returns (recipient, answer).

    Raises DeliveryError. A success switches a disabled channel on again.
    """
    config, now = desk.configs[name], desk.clock()
    message_id = stable_id("T", name, str(now))
    rendered: Rendered = messages.render_test(
        channel=config,
        message_id=message_id,
        now=now,
        timezone=desk.timezone,
        version=desk.version,
        templates=desk.templates,
    )
    answers = [
        (recipient, desk.channels[name].send(Outgoing(message_id, recipient, now, rendered)))
        for recipient in routing.recipients(config)
    ]
    post.enable(desk.store, name)
    return answers
