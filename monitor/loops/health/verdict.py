"""Whether Fundwatch is well, in one place: what `status --healthy`, /healthz, /metrics, the
heartbeat and the check of a container say. Pure.

Not well is what a person has to mend before movements are missed or nobody is told of them.
A list that no configured source can serve is a limit that is told with the verdict: no waiting
and no restart would bring it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.model.plain import duration, plural
from monitor.model.status import State

STALLED = 600  # seconds without any reading, with addresses due, after which health fails
LATE = 900  # seconds past its time that a message may wait to be tried, before health fails
REFUSING = 120  # seconds for which every channel of an audience may refuse
ROUNDS = 2  # of reading that a blind spot or a first reading may last, whatever is set


@dataclass(frozen=True, slots=True)
class Blind:
    """Entries of one chain with a list that was readable and cannot be read now."""

    chain: str
    entries: int  # with any list that fails
    lasting: int  # of these, for longer than their hold time
    since: int  # Unix seconds: the oldest failure


@dataclass(frozen=True, slots=True)
class Start:
    """The first reading. Seconds count from its beginning."""

    entries: int = 0  # that a source can be asked for
    read: int = 0
    begun: int = 0  # seconds ago, for the oldest that is unread; 0: none is
    expected: int = 0  # seconds that it should take
    allowed: int = 0  # seconds after which it fails


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of which not all is read, by chain, in words: "internal on bnb, all lists on tron"."""

    blind: str = ""  # they cannot be read now
    unserved: str = ""  # no configured source has them
    below: str = ""  # they are in blocks alone, from the one on at which an address joined
    shown: str = ""  # balances alone show that coins moved; with who is asked what moved


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the verdict rests on. Times in seconds."""

    now: int
    running: bool
    counts: Mapping[State, int] = field(default_factory=dict)  # entries
    lists: Lists = Lists()
    record: str = ""  # what is wrong with the record, in plain words
    silent: str = ""  # that the running program gives no sign of life, in plain words
    stuck: Sequence[str] = ()  # parts of the running program that do not move
    overdue: int = 0
    blind: Sequence[Blind] = ()
    start: Start = Start()
    late: int = 0  # for which the oldest message waits past its time
    dead: int = 0
    off: Sequence[str] = ()  # channels that are switched off
    channels: int = 0
    deaf: Mapping[str, int] = field(default_factory=dict)  # audience -> all refuse, seconds
    faults: Sequence[str] = ()  # jobs that fail and were told
    behind: Sequence[str] = ()  # chains whose addresses do not get their turn, as was told
    followed: int = 0  # addresses, beside the entries
    spent: int = 0  # of these: not read any more, their calls are used up
    old_lists: Sequence[str] = ()  # published lists that could not be had for a day, as was told
    unexplained: int = 0  # balances that differ from the chain
    held_lists: Sequence[str] = ()  # those of which a newer version waits for a person


@dataclass(frozen=True, slots=True)
class Verdict:
    well: bool
    words: str  # one sentence; begins with "well", "starting" or what is wrong
    reasons: tuple[str, ...] = ()  # none while it is well


def judge(vitals: Vitals) -> Verdict:
    """The verdict on these signs of life."""
    reasons = tuple(_reasons(vitals))
    if reasons:
        return Verdict(False, "; ".join(reasons), reasons)
    start = vitals.start
    if start.begun and start.read < start.entries:
        words = f"starting: {start.read:,} of {start.entries:,} read, about {_left(start)} left"
        return Verdict(True, words + _limits(vitals.lists) + _told(vitals))
    return Verdict(True, f"well: {stand(vitals.counts, vitals.lists)}{_told(vitals)}")


def stand(counts: Mapping[State, int], lists: Lists) -> str:
    """How many entries stand how, and what nobody covers, in the words that all of `status` has
    for it."""
    number = sum(counts.values())
    if not number:
        return "no address is watched"
    words = f"{counts.get(State.COMPLETE, 0):,} of {_entries(number)} fully read"
    if blind := counts.get(State.BLIND):
        named = f" ({lists.blind})" if lists.blind else ""
        words += f", {blind:,} partly or wholly blind{named}"
    for state in (State.BEHIND, State.NOT_READ, State.DORMANT):
        words += f", {counts[state]:,} {state}" if counts.get(state) else ""
    return words + _limits(lists)


def _limits(lists: Lists) -> str:
    """What no reading brings, after how far all is read: it holds however far that is."""
    below = f"what moved in {lists.below} before an address joined" if lists.below else ""
    never = ", nor ".join(filter(None, (lists.unserved, below)))
    words = f"; no source covers {never}" if never else ""
    return words + (f"; balances alone show {lists.shown}" if lists.shown else "")


def _told(vitals: Vitals) -> str:
    """What is no alarm and must not be forgotten."""
    words = f"; {_followed(vitals)}" if vitals.followed else ""
    if number := vitals.unexplained:
        one = "balance differs" if number == 1 else "balances differ"
        words += f"; {number:,} {one} from the chain: `fundwatch reconcile`"
    held = ", ".join(vitals.held_lists)
    return words + (f"; a newer version of {held} waits for your yes" if held else "")


def _followed(vitals: Vitals) -> str:
    words = f"{vitals.followed:,} followed"
    return words + (f" ({vitals.spent:,} with all calls used up)" if vitals.spent else "")


def _reasons(vitals: Vitals) -> Iterator[str]:
    if not vitals.running:
        yield "no Fundwatch runs on this folder"
    if vitals.record:
        yield f"the record cannot be written: {vitals.record}"
    if vitals.silent:
        yield vitals.silent
    if vitals.stuck:
        yield f"no progress of {', '.join(vitals.stuck)}"
    if vitals.overdue > STALLED:
        yield f"nothing has been read for {duration(vitals.overdue)} though addresses are due"
    yield from _reading(vitals)
    if vitals.faults:
        yield f"parts of Fundwatch fail: {', '.join(vitals.faults)}; its log tells more"
    yield from _sending(vitals)


def _reading(vitals: Vitals) -> Iterator[str]:
    for each in vitals.blind:
        if each.lasting:
            since = duration(vitals.now - each.since)
            yield f"{_entries(each.lasting)} on {each.chain} cannot be read, since {since}"
    start = vitals.start
    if start.begun > start.allowed:
        unread = start.entries - start.read
        yield (
            f"{_entries(unread)} of {start.entries:,} not read for the first time after "
            f"{duration(start.begun)}, expected were {duration(start.expected)}"
        )
    if vitals.behind:
        yield f"addresses do not get their turn on {', '.join(vitals.behind)}"
    if vitals.old_lists:
        names = ", ".join(vitals.old_lists)
        yield (
            f"published lists could not be had for a day ({names}): what is new on them is not "
            "watched; see `fundwatch lists status`"
        )


def _sending(vitals: Vitals) -> Iterator[str]:
    if not vitals.channels:
        yield "no channel is set up: nobody is told"
    for audience, seconds in vitals.deaf.items():
        if seconds > REFUSING:
            yield (
                f"every channel for {audience} refuses messages, since {duration(seconds)}; "
                "see `fundwatch deliveries list`"
            )
    if vitals.late > LATE:
        yield f"messages have waited to be sent for {duration(vitals.late)}"
    if vitals.dead:
        given_up = "was given up" if vitals.dead == 1 else "were given up"
        see = "see `fundwatch deliveries list --state dead`"
        yield f"{plural(vitals.dead, 'message')} {given_up}; {see}"
    if vitals.off:
        yield f"channels are switched off: {', '.join(vitals.off)}"


def _left(start: Start) -> str:
    """By the pace until now, or by what was expected while there is none."""
    left = start.entries - start.read
    if start.read and start.begun:
        seconds = start.begun * left // start.read
    else:
        seconds = max(0, start.expected - start.begun)
    return duration(max(1, seconds))


def _entries(number: int) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'}"
