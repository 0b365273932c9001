"""The deliver loop: owed alerts -> frozen messages -> channels -> outcome recorded.

At least once, with one name: a message is frozen (id and bytes) before its first try, the
attempt is counted before it is made, and success is recorded only after the receiver said
so. A crash in between repeats the same bytes under the same id.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from monitor.loops import freeze
from monitor.loops.freeze import DeliverWorld
from monitor.messages import render
from monitor.model import Outgoing, Rendered
from monitor.model.errors import DeliveryError, StoreError
from monitor.model.ids import stable_id
from monitor.model.plan import Signal
from monitor.model.ports import Channel
from monitor.model.ways import trouble_key
from monitor.net.channels import CHANNELS
from monitor.store import outbox, ways

log = logging.getLogger("fundwatch.outbox")

LONGEST_HOLD = 86_400  # the most that a receiver's Retry-After is obeyed
# Requests for one message that are answered by a no which only a person can change.
MOST_REFUSALS = 8
OUTAGE_TRIES = 3  # after so many tries that failed people hear of it, if it has lasted
OUTAGE_HOLD = 600  # seconds
SETTLE = 600  # seconds that a way must work until people hear that it does
# A no to this very message, which another one's yes does not change.
_ABOUT_MESSAGE = frozenset({"400", "413", "422", "552", "address"})
# After this a round ends and the next one goes on: a slow receiver must not look like a
# program that hangs.
ROUND_SECONDS = 90.0
LOOK_AGAIN = 2.0  # seconds of a round after which what has come meanwhile is looked for
TEST_SECONDS = 60.0  # of one test message; a recipient that is not reached by then is told so
GIVE_UP_IN_ROW = 3  # failures in a row after which a channel is left for the next round


@dataclass
class Tally:
    """What one round of sending did."""

    frozen: int = 0
    accepted: int = 0
    failed: int = 0
    dead: int = 0
    errors: dict[str, str] = field(default_factory=dict)  # channel -> last error
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, channel: str, error: DeliveryError | None, *, dead: bool) -> None:
        """One try; from the thread of its channel."""
        with self._lock:
            self.accepted += error is None
            self.failed += error is not None
            self.dead += dead
            if error is not None:
                self.errors[channel] = str(error)


class SendingRounds:
    """Rounds of sending under way, one a channel: none waits for another."""

    def __init__(self) -> None:
        self.closing = threading.Event()  # nothing more is begun
        self._lock = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self._faults: list[Exception] = []

    def begin(self, name: str, work: Callable[[], None]) -> bool:
        """Start a channel's round, unless its last one still runs."""
        with self._lock:
            running = self._threads.get(name)
            if self.closing.is_set() or (running is not None and running.is_alive()):
                return False
            # Never waited for at the end of the process: what a receiver does must not keep
            # it, and what is cut off is sent again under its id.
            thread = threading.Thread(
                target=self._run, args=[work], name=f"send {name}", daemon=True
            )
            self._threads[name] = thread
            thread.start()
        return True

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised by whoever asks for faults
            with self._lock:
                self._faults.append(error)

    def busy(self) -> list[str]:
        """Channels whose round runs."""
        with self._lock:
            return sorted(name for name, thread in self._threads.items() if thread.is_alive())

    def wait(self, until: float) -> None:
        """Until no round runs, or the monotonic clock shows `until`."""
        with self._lock:
            threads = list(self._threads.values())
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def raise_fault(self) -> None:
        """Raise what a round since the last call ended with, so that it is not silent."""
        with self._lock:
            faults, self._faults = self._faults, []
        if faults:
            raise faults[0]


def deliver(
    world: DeliverWorld, rounds: SendingRounds, *, everything: bool, seconds: float = 0.0
) -> Tally:
    """Freeze what is owed and send what is due: each channel in order and in a thread of its
    own. Waits at most `seconds` for them; what is not done then goes on without the caller.

    Raises what a round ended with, at this call or at the next.
    """
    ways.settle(world.store, world.configs, world.clock())
    tally = Tally()
    until = time.monotonic() + seconds

    def begin() -> None:
        last = until if seconds else time.monotonic() + ROUND_SECONDS
        for name in outbox.channels_due(world.store, world.clock(), all_waiting=everything):
            channel = world.channels.get(name)
            if channel is not None:
                task = _Task(world, rounds, channel, name, everything, last, tally)
                rounds.begin(name, task.run)

    # With `everything` each round looks past our own waits: there must be one a channel.
    tally.frozen = freeze.freeze(
        world, everything=everything, send=begin if not everything else lambda: None
    )
    begin()
    if seconds:
        rounds.wait(until)
        ways.settle(world.store, world.configs, world.clock())
    rounds.raise_fault()
    return tally


def pending(world: DeliverWorld) -> bool:
    """Whether a round with `everything` has something to send now."""
    due = outbox.channels_due(world.store, world.clock(), all_waiting=True)
    return any(name in world.channels for name in due) or freeze.waiting(world)


@dataclass
class _Task:
    """One channel's round."""

    world: DeliverWorld
    rounds: SendingRounds
    channel: Channel
    name: str
    everything: bool
    until: float  # by the monotonic clock: nothing is begun after it
    tally: Tally

    def run(self) -> None:
        """Send what is due, messages that a crowd shares after the others. What was claimed
        before was left by a round that ended in the middle, as a channel's rounds never
        overlap: it is taken over."""
        store = self.world.store
        if taken := outbox.release_claims(store, self.name):
            log.info("took over %d deliveries that an earlier round had begun", taken)
        in_row = 0
        for due in self._waiting():
            if in_row >= GIVE_UP_IN_ROW or time.monotonic() > self.until:
                break
            if self.rounds.closing.is_set():
                break
            if not outbox.claim(store, due, self.world.clock()):
                continue
            error = _send(self.world, self.channel, due)
            dead = error is not None and _fail(self.world, due, error)
            self.tally.count(self.name, error, dead=dead)
            # What is given up at once says nothing about the next message.
            in_row = in_row + 1 if error is not None and not error.permanent else 0
            if error is not None and error.disable:
                break

    def _waiting(self) -> Iterator[outbox.Due]:
        """Each delivery once. What is made while a flood is being sent goes before the rest of
        it."""
        tried: set[tuple[str, str]] = set()
        while True:
            read, now = time.monotonic(), self.world.clock()
            found = outbox.due_deliveries(
                self.world.store, self.name, now, all_waiting=self.everything
            )
            left = [due for due in found if (due.message_id, due.recipient) not in tried]
            if not left:
                return
            for due in left:
                tried.add((due.message_id, due.recipient))
                yield due
                if time.monotonic() - read > LOOK_AGAIN:
                    break


def _send(world: DeliverWorld, channel: Channel, due: outbox.Due) -> DeliveryError | None:
    try:
        answer = channel.send(outbox.outgoing(world.store, due))
    except DeliveryError as error:
        return error
    except StoreError:
        raise
    except Exception as error:  # a fault of ours must not stop the other messages
        log.exception("channel %s could not send", due.channel)
        return DeliveryError(f"fault in Fundwatch ({type(error).__name__})", status="fault")
    outbox.accepted(world.store, due, answer, world.clock())
    log.info("message %s accepted by %s", due.message_id, due.channel)
    return None


def _fail(world: DeliverWorld, due: outbox.Due, error: DeliveryError) -> bool:
    """Record a failed try; returns whether the message was given up."""
    now = world.clock()
    waits = CHANNELS[world.configs[due.channel].kind].waits
    attempt = due.attempts + 1
    refusals = due.refusals + error.posts * (error.lasting and not error.disable)
    if error.disable:
        ways.disable(world.store, due.channel, str(error), now)
    # Also by age: polls made by hand or by cron use up the tries within minutes.
    worn_out = attempt > len(waits) and now - due.created >= sum(waits)
    dead = error.permanent or refusals >= MOST_REFUSALS or (worn_out and not error.disable)
    wait = waits[min(attempt, len(waits)) - 1]
    if error.retry_after is not None:
        wait = int(min(LONGEST_HOLD, max(wait, error.retry_after)))
    failure = outbox.Failure(
        str(error),
        None if dead else now + wait,
        held=error.retry_after is not None,
        refusals=refusals,
        revive=_revive(due, error),
    )
    outbox.failed(world.store, due, failure, _trouble(world, due, error, attempt, dead), now)
    log.warning(
        "message %s not accepted by %s (try %d): %s", due.message_id, due.channel, attempt, error
    )
    return dead


def _revive(due: outbox.Due, error: DeliveryError) -> int:
    """Whether a message is to be sent again, once, when its way works again."""
    own_fault = error.status in _ABOUT_MESSAGE
    return due.revive if due.revive or own_fault else ways.GIVEN_UP_FOR_ITS_WAY


def _trouble(
    world: DeliverWorld, due: outbox.Due, error: DeliveryError, attempt: int, dead: bool
) -> list[Signal]:
    """One incident a channel, or a recipient of several, while it lasts."""
    name = due.channel
    one_of_many = error.personal and len(world.configs[name].recipients) > 1
    key = trouble_key(name, due.recipient if one_of_many else "")
    to = f" to {due.recipient}" if one_of_many else ""
    again = f"run `fundwatch channels test {name}`"
    if error.disable:
        what = f"Channel {name} was switched off: its receiver said that it is gone. {error}"
        return [Signal(key, bad=True, what=what, cure=f"Correct its address, then {again}.")]
    if dead:
        tries = "1 try" if attempt == 1 else f"{attempt} tries"
        what = f"A message of channel {name}{to} was given up after {tries}: {error}"
        leave_out = ", or take this recipient out of it" if to else ""
        cure = (
            f"Mend the channel{leave_out}, then {again}. See `fundwatch deliveries list --state "
            "dead`."
        )
        return [Signal(key, bad=True, what=what, cure=cure, settle=SETTLE)]
    if attempt >= OUTAGE_TRIES:
        what = f"Channel {name} does not accept messages{to}: {error}"
        cure = f"See `fundwatch deliveries list`; then {again}."
        return [Signal(key, bad=True, what=what, cure=cure, hold=OUTAGE_HOLD, settle=SETTLE)]
    return []


@dataclass(frozen=True, slots=True)
class Answer:
    """How a test message went for one recipient."""

    recipient: str
    words: str
    good: bool = True


def send_test(world: DeliverWorld, name: str) -> list[Answer]:
    """Send a test message to each recipient of a channel, whatever the others answer. A yes
    switches a disabled channel on again."""
    config, now = world.configs[name], world.clock()
    message_id = stable_id("T", name, str(now))
    rendered: Rendered = render.render_test(
        channel=config,
        message_id=message_id,
        now=now,
        timezone=world.timezone,
        version=world.version,
        templates=world.templates,
    )
    answers: list[Answer] = []
    until = time.monotonic() + TEST_SECONDS
    for recipient in config.recipients:
        if time.monotonic() > until:
            answers.append(Answer(recipient, "not tried: those before took too long", good=False))
            continue
        try:
            words = world.channels[name].send(Outgoing(message_id, recipient, now, rendered))
            answers.append(Answer(recipient, words))
        except DeliveryError as error:
            answers.append(Answer(recipient, str(error), good=False))
        ways.note(world.store, (name, recipient), now, good=answers[-1].good)
    if any(answer.good for answer in answers):
        ways.enable(world.store, name)
    return answers
