"""What `fundwatch status` shows, as values; `to_json` is their outward form. Pure.

Keys of the JSON are the fields in their order, and stay (times RFC 3339 UTC or null):

    version, at, health {well, words, reasons}, verdict {words, entries, complete, behind,
        blind, not_read, dormant}, running, started,
    last_pass {ended, age_seconds, seconds}, overdue_seconds, hold_severe_seconds
    entries [{id, case, label, severity, chain, address, absent, state, streams [{stream,
        state, reason, covered_from, covered_to {axis, place, time}, by, age_seconds,
        failing_since, failing_seconds, unserved, gaps [{axis, from, to, reason}]}],
        dormant {since, block, hash, time, age_seconds, by, not_covered, late}, balances {equal,
        unexplained, cannot_check, asked, block, time, sources [..], differences [..],
        reasons [..], kinds [..]}, held {state, holder, missing, unknown, assets [..]}}]
    left_out: entries that are not complete and are not among these. Above 1,000 entries only the
        worst 1,000 stand here (and those of which a balance differs or whose funds are held);
        with `--all` all do
    chains {KEY: {reading {mode, head, covered_to, proven_to, behind, source}, debt {addresses,
        severe, waiting}, blind {since, why, read_singly}, inside {looked, never, oldest,
        oldest_seconds, asked}}}: of chains with an entry. `mode`: addresses, mixed or blocks; only
        of blocks it is known how far the chain is read; `covered_to`: the highest block that was
        read and matched, unconfirmed ones included; `proven_to`: the highest that counts as proven;
        `behind`: head - covered_to; `debt`: addresses of which history is still to be read one by
        one, `waiting`: those of which it was, and is not final yet; `blind`: null, or that the
        blocks cannot be read, and how many severe addresses are read one by one meanwhile;
        `inside`: null, or that its blocks do not hold the coins that move inside transactions: of
        how many addresses the balance was asked for, the longest ago when, and who is asked what
        moved where one differs
    deliveries {waiting, accepted, dead, next_due, late_seconds, unsent, daily, channels
        [{channel, waiting, accepted, dead, attempts, next_due, last_error, disabled,
        tested {at, good, words}}]}
    budgets [{source, window_seconds, used, limit}]
    followed {addresses, spent, blind, not_read}
    traces [{case, number, taken, followed, waiting, question, ended, calls_left, calls,
        calls_today_left, calls_per_day, stale, oldest_seconds}]: cases whose money is followed;
        `number`, `taken`: of the newest state; `stale`: places where value rests, not looked at
        for over an hour
    alerts {open, oldest, oldest_seconds}
    desk: null while it is off, else {waiting, agreed, one_person}: proposals that wait for a second
        person, that the program is to carry out, and what one person did because no second existed
    incidents [{key, what, cure, severity, since, told}]
    heartbeat {wanted, accepted, age_seconds, error}
    record {movements, bytes, last_backup, backup_seconds, answers {number, bytes,
        last_30_days_bytes, oldest, pruned {at, number, bytes, of_alerts}}}
    watchlist {sha256, taken_at, current, refused [..], awaiting_retirement [..]}
    retention {years, over [{case, since}]}
    lists [{list, title, day, rows, had, age_seconds, missing_since, error}]: in use, those with an
        error first; `missing_since` where one is missing for a day
    balances {addresses, equal, unexplained, cannot_check, never, oldest, oldest_seconds, reasons
        [{reason, addresses}]}: each address once; of the coin and verified tokens
    sources [{chain, source, operator, asked, late, late_seconds, missing, wrong, down,
        moved_back}]: in the last seven days (UTC)
    second {addresses, with_word, oldest, oldest_seconds, more, less, restricted, one_operator
        [{chain, lists}], budget [{source, addresses}], in_blocks [{chain, lists}]}

`state` is complete, dormant, behind, blind or "not read yet", of a list also "not served". An axis
"height" counts blocks, "time" milliseconds; a place is the newest that the last complete read
reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass

from monitor.loops.health.chain_values import ChainStatus, Time
from monitor.loops.health.verdict import Verdict
from monitor.model.axis import Axis
from monitor.model.plain import rfc3339
from monitor.model.status import FollowedCount, State, Unread

VERSION = 1  # raised when a key goes or means something else; keys that are new raise nothing


# -- entries -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reached:
    """The newest place that the last complete read of a list reached."""

    axis: Axis
    place: int | None
    time: Time


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStatus:
    """How far one list of one entry is read."""

    stream: str
    state: State
    reason: str  # why it is not complete
    covered_from: str | None  # where the unbroken part begins
    covered_to: Reached | None
    by: str  # the source that answered last
    age_seconds: int | None  # of the newest block that was read
    failing_since: Time | None
    failing_seconds: int | None
    unserved: bool
    gaps: tuple[Unread, ...]


@dataclass(frozen=True, slots=True)
class DormantStatus:
    """The newest proof that an address never lived on its chain."""

    since: Time  # when it was proven first
    block: int
    hash: str
    time: Time  # of the block
    age_seconds: int
    by: str  # the node that said so
    not_covered: str
    late: str = ""  # why nothing newer is proven though it should be


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryBalances:
    """How the assets of an entry's address stand to the chain: how many of them how."""

    equal: int
    unexplained: int
    cannot_check: int
    asked: Time  # by our clock, the longest ago of all
    block: int | None  # the lowest up to which what is equal is equal
    time: Time | None  # of that block
    sources: tuple[str, ...]
    differences: tuple[str, ...]  # in words
    reasons: tuple[str, ...]  # why some cannot be checked
    kinds: tuple[str, ...]  # what these begin with, each once

    @property
    def is_equal(self) -> bool:
        return not self.unexplained and not self.cannot_check


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldStatus:
    """What is there of the held funds of an entry."""

    state: str  # frozen | seized | forfeited
    holder: str
    missing: bool  # less is there than expected
    unknown: bool  # of something nobody knows
    assets: tuple[str, ...]  # in words: what is there, what is expected, at which block


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryStatus:
    """How far one entry is read; its state is that of its worst list."""

    id: str
    case: str
    label: str
    severity: str
    chain: str
    address: str
    absent: bool  # from the file, and still watched
    state: State
    streams: tuple[ListStatus, ...]
    dormant: DormantStatus | None = None
    balances: EntryBalances | None = None  # None: never asked for
    held: HeldStatus | None = None  # None: its funds are not held


@dataclass(frozen=True, slots=True)
class Alike:
    """Entries of one case that stand as this one does, each on an address of its own."""

    entry: EntryStatus
    number: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many entries stand how."""

    words: str
    entries: int
    complete: int
    behind: int
    blind: int
    not_read: int
    dormant: int


@dataclass(frozen=True, slots=True)
class BalanceReason:
    reason: str  # why balances cannot be checked
    addresses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancesStatus:
    """How many watched addresses stand how to their chains."""

    addresses: int = 0
    equal: int = 0  # all that is compared is equal
    unexplained: int = 0  # something differs
    cannot_check: int = 0  # nothing differs, and something could not be compared
    never: int = 0  # not asked for yet
    oldest: Time | None = None  # when the one was that was asked for the longest ago
    oldest_seconds: int | None = None
    reasons: tuple[BalanceReason, ...] = ()  # the most frequent first


# -- sources -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """What a source of a chain was like in the last week."""

    chain: str
    source: str
    operator: str
    asked: int  # lists that it read
    late: int  # movements that it listed only after having read past them
    late_seconds: int  # after the block's time, at worst
    missing: int  # movements that it left out of a complete list
    wrong: int  # what it said and a receipt, or two others, contradict
    down: int  # failures
    moved_back: bool  # it is asked after the others


@dataclass(frozen=True, slots=True)
class ListsOfChain:
    chain: str
    lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WaitsForBudget:
    source: str
    addresses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondStatus:
    """Of which addresses a second operator was asked, and why of others not."""

    addresses: int = 0
    with_word: int = 0
    oldest: Time | None = None
    oldest_seconds: int | None = None
    more: int = 0  # movements that the second alone lists
    less: int = 0  # movements that it does not list
    restricted: int = 0  # addresses whose entries allow one operator alone
    one_operator: tuple[ListsOfChain, ...] = ()  # that one operator alone serves
    budget: tuple[WaitsForBudget, ...] = ()  # whose share for second words is used up
    in_blocks: tuple[ListsOfChain, ...] = ()  # read from blocks, and from nothing else


# -- messages and alerts -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChannelTest:
    at: Time
    good: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStatus:
    """What became of the messages for one channel, counted by recipients."""

    channel: str
    waiting: int
    accepted: int
    dead: int
    attempts: int  # of the waiting one that was tried most
    next_due: Time | None
    last_error: str
    disabled: str | None  # why
    tested: ChannelTest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """Over all channels."""

    waiting: int
    accepted: int
    dead: int
    next_due: Time | None
    late_seconds: int  # for which the oldest message has waited past its time
    unsent: int  # routes that are to become messages
    daily: int  # and those that wait for the daily one
    channels: tuple[ChannelStatus, ...]


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """Alerts that nobody has acknowledged."""

    open: int
    oldest: Time | None
    oldest_seconds: int | None


@dataclass(frozen=True, slots=True)
class DeskStatus:
    """What waits at the desk."""

    waiting: int
    agreed: int
    one_person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    key: str
    what: str
    cure: str
    severity: str
    since: Time
    told: Time | None


# -- Fundwatch itself --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LastPass:
    """The newest round of reading that ended."""

    ended: Time
    age_seconds: int
    seconds: float  # that it took


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """Calls of one source in the present hour or day."""

    source: str
    window_seconds: int
    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class HeartbeatStatus:
    wanted: bool
    accepted: Time | None
    age_seconds: int | None
    error: str  # of the newest one


@dataclass(frozen=True, slots=True)
class PrunedStatus:
    """Kept answers that went because of their size, the last time."""

    at: Time
    number: int
    bytes: int
    of_alerts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersStatus:
    """What is kept of what sources answered."""

    number: int = 0
    bytes: int = 0
    last_30_days_bytes: int = 0
    oldest: Time | None = None
    pruned: PrunedStatus | None = None


@dataclass(frozen=True, slots=True)
class RecordStatus:
    movements: int
    bytes: int
    last_backup: Time | None
    backup_seconds: int | None
    answers: AnswersStatus = AnswersStatus()


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchlistStatus:
    """The watchlist in force."""

    sha256: str | None
    taken_at: Time | None
    current: bool  # the file is still the one that was taken
    refused: tuple[str, ...]
    awaiting_retirement: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseOver:
    """A closed case that need not be kept any longer."""

    case: str
    since: Time


@dataclass(frozen=True, slots=True)
class RetentionStatus:
    years: int | None  # that closed cases are kept; None: nothing ends
    over: tuple[CaseOver, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedStatus:
    """A published list that is in use."""

    list: str
    title: str
    day: str | None  # of the version in force
    rows: int
    had: Time | None  # the last time that it could be had, changed or not
    age_seconds: int | None
    missing_since: Time | None
    error: str


@dataclass(frozen=True, slots=True)
class TraceStatus:
    case: str
    number: int | None
    taken: Time | None
    followed: int
    waiting: int
    question: str
    ended: str
    calls_left: int
    calls: int
    calls_today_left: int
    calls_per_day: int
    stale: int
    oldest_seconds: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything, at one moment."""

    version: int = VERSION
    at: Time
    health: Verdict
    verdict: Tally
    running: bool
    started: Time | None
    last_pass: LastPass | None
    overdue_seconds: int
    hold_severe_seconds: int
    entries: tuple[EntryStatus, ...]
    left_out: int = 0
    chains: Mapping[str, ChainStatus] = field(default_factory=dict)
    deliveries: Deliveries
    budgets: tuple[BudgetStatus, ...]
    followed: FollowedCount
    alerts: OpenAlerts
    incidents: tuple[OpenIncident, ...]
    heartbeat: HeartbeatStatus
    record: RecordStatus
    watchlist: WatchlistStatus
    retention: RetentionStatus
    lists: tuple[PublishedStatus, ...] = ()
    balances: BalancesStatus = BalancesStatus()
    sources: tuple[SourceStatus, ...] = ()
    second: SecondStatus = SecondStatus()
    traces: tuple[TraceStatus, ...] = ()
    desk: DeskStatus | None = None


# Most of what is written as it is: a watchlist of 100,000 entries has millions of these.
_PLAIN = frozenset({str, int, float, bool, type(None), State, Axis})


def to_json(part: object) -> object:
    """The JSON of a snapshot or of any part of it: each field under its name."""
    if isinstance(part, tuple):
        return [each if type(each) in _PLAIN else to_json(each) for each in part]
    if isinstance(part, Mapping):
        return {key: to_json(each) for key, each in part.items()}
    if isinstance(part, Time):
        return rfc3339(part)
    if not is_dataclass(part):
        return part
    return {
        name.rstrip("_"): value if type(value := getattr(part, name)) in _PLAIN else to_json(value)
        for name in part.__dataclass_fields__
    }
