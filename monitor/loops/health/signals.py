"""What is wrong with reading now, and what is well again: signals that become incidents.

Silence is the failure that nobody sees. So each thing that could end in it has its own
signal: lists that fail (blind), lists that nobody comes to (late), nothing read at all
(overdue), a chain without a source, a source that refuses, a head that stands still, a
budget that is used up, a canary that no longer sings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.chains.table import STREAM_WORDS, streams_of
from monitor.loops.health import held, list_signals, verdict, vitals
from monitor.loops.pool import SourcePool
from monitor.model import Entry, Severity
from monitor.model.plain import count, duration, utc, without_addresses
from monitor.model.plan import Signal
from monitor.model.scope import WHOLE
from monitor.model.settings import Settings
from monitor.model.streams import CANCELS, SHOWN, who_is_asked
from monitor.store import budgets, heads, incidents, joined, list_standing, standing, watch
from monitor.store.port import Reader
from monitor.store.standing import FailingList

OLD_HEAD = 3600  # seconds: a chain whose newest block is older is told as standing still
LATE_ROUNDS = 3  # polls that a list may miss before that is told
# After a start, reading comes first: what is old only because nothing ran is no news.
START_HOLD = 600
DAY = 86_400

WHO_MOST = 50  # entries that a signal names; the others are counted


@dataclass(frozen=True)
class _Look:
    """What there is to judge by at one moment."""

    store: Reader
    settings: Settings
    pools: Mapping[str, SourcePool]
    round_seconds: int  # how often an address is read
    now: int

    def hold(self, severity: Severity) -> int:
        return vitals.hold(self.settings, severity, self.round_seconds)

    def name(self, chain: str) -> str:
        known = self.settings.chains.get(chain)
        return known.name if known else chain


def signals(
    store: Reader,
    settings: Settings,
    pools: Mapping[str, SourcePool],
    round_seconds: int,
    now: int,
) -> list[Signal]:
    """Everything that is watched about reading, good or bad."""
    look, chains = _Look(store, settings, pools, round_seconds, now), watch.active_chains(store)
    return [
        *_blind(look, chains),
        *_left_alone(look),
        *_no_source(look, chains),
        *_refused(look),
        *_standing_still(look),
        _overdue(look),
        *_late(look, chains),
        *_spent(look),
        *_canaries(look),
        *heads.quiet(store, now),
        *list_signals.signals(store, settings, now),
        *held.signals(store, settings, now),
    ]


def _blind(look: _Look, chains: Sequence[str]) -> Iterable[Signal]:
    """Lists that cannot be read, by chain and list; told after a hold time. What no configured
    source lists at all is a limit, which is told once."""
    failing = {(f.chain, f.stream, f.unserved): f for f in standing.failing_lists(look.store)}
    for chain in chains:
        known = look.settings.chains.get(chain)
        for stream in streams_of(known) if known else ():
            yield _list_signal(look, chain, stream, failing.get((chain, stream, False)))
            if limit := failing.get((chain, stream, True)):
                yield _limit_signal(look, limit)
    yield from (Signal(key, bad=False) for key in _vanished(look, chains))


def _list_signal(look: _Look, chain: str, stream: str, failing: FailingList | None) -> Signal:
    key = f"blind:{chain}/{stream}"
    if failing is None:
        return Signal(key, bad=False)
    who = standing.failing_entries(look.store, chain, stream, WHO_MOST)
    severity = Severity.SEVERE if failing.severe else Severity.HIGH
    words, number = _list_words(failing)
    error = without_addresses(failing.error.rstrip("."))
    return Signal(
        key=key,
        bad=True,
        severity=severity.value,
        hold=look.hold(severity),
        what=f"{words} on {look.name(chain)} cannot be read for {number}. {error}.",
        cure="See `fundwatch check`; another source for this chain would close the gap.",
        chain=chain,
        who=tuple(e.id for e in who),
        cases=_cases(who),
        number=failing.entries,
    )


def _limit_signal(look: _Look, limit: FailingList) -> Signal:
    words, number = _list_words(limit)
    listed, seen = "no configured source lists them", "What moves there is not seen."
    if limit.error.startswith(SHOWN):
        listed = "the blocks that are read do not hold them"
        seen = f"Where coins moved, balances show it; {who_is_asked(limit.error)}; {CANCELS}."
    return Signal(
        key=f"limit:{limit.chain}/{limit.stream}",
        bad=True,
        severity="medium",
        hold=look.hold(Severity.HIGH),
        what=f"{words} on {look.name(limit.chain)}: {listed}, for {number}. {seen}",
        cure="See `fundwatch check` for a source that would; alerts name this as NOT CHECKED.",
        chain=limit.chain,
        number=limit.entries,
        once=True,
    )


def _list_words(failing: FailingList) -> tuple[str, str]:
    """The list, and for how many entries it fails."""
    words = STREAM_WORDS.get(failing.stream, failing.stream)
    return words, count(failing.entries, "entry", "entries")


def _vanished(look: _Look, chains: Sequence[str]) -> Iterable[str]:
    """Open incidents about lists of chains that are watched or known no more."""
    for incident in incidents.incident_list(look.store, open_only=True):
        kind, _, rest = incident.signal.key.partition(":")
        chain, _, stream = rest.partition("/")
        known = look.settings.chains.get(chain) if chain in chains else None
        if kind == "blind" and (known is None or stream not in streams_of(known)):
            yield incident.signal.key


def _left_alone(look: _Look) -> Iterable[Signal]:
    """Gaps of chains that are not read as a whole any more are over: who is still watched reads
    these places by itself, and has a gap of its own where that fails."""
    found = incidents.incident_list(look.store, open_only=True)
    gaps = [i.signal.key for i in found if i.signal.key.startswith("gap:")]
    scopes = {key: "/".join(key.partition(":")[2].split("/")[:2]) for key in gaps}
    wide = {key: scope for key, scope in scopes.items() if scope.endswith(f"/{WHOLE}")}
    read = joined.read_chain_wide(look.store) if wide else frozenset()
    yield from (Signal(key, bad=False) for key, scope in wide.items() if scope not in read)


def _cases(entries: Iterable[Entry]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(e.case for e in entries if e.case))


def _no_source(look: _Look, chains: Sequence[str]) -> Iterable[Signal]:
    for chain in chains:
        yield Signal(
            key=f"nosource:{chain}",
            bad=chain not in look.pools,
            what=f"Nothing is read on {look.name(chain)}: no source is in service for it.",
            cure="See `fundwatch check` for what is missing.",
            chain=chain,
        )


def _refused(look: _Look) -> Iterable[Signal]:
    """Sources that will not serve until a person changes something; others step in quietly."""
    for chain, sources in look.pools.items():
        for name, why in dict(sources.refusals).items():
            yield Signal(
                key=f"refused:{chain}/{name}",
                bad=bool(why),
                what=f"Source {name} is not used for {look.name(chain)}. {why}.",
                cure="Correct its url or key in config/sources.yaml, or take it out of the list.",
                chain=chain,
            )


def _standing_still(look: _Look) -> Iterable[Signal]:
    """A head that has not moved for long: the chain stands, or the source does."""
    for chain, sources in look.pools.items():
        for name, head in dict(sources.heads_seen).items():
            yield Signal(
                key=f"oldhead:{chain}/{name}",
                bad=look.now - head.time > OLD_HEAD,
                severity="medium",
                hold=look.hold(Severity.HIGH),
                what=f"The newest block that {name} shows on {look.name(chain)} is of "
                f"{utc(head.time)}.",
                cure="Compare with another explorer: the chain or this source stands still.",
                chain=chain,
            )


# -- nothing arrives ---------------------------------------------------------------------


def _overdue(look: _Look) -> Signal:
    """Nothing at all is read, and nothing says so: no list has failed."""
    seconds = vitals.overdue(look.store, look.settings, look.now)
    return Signal(
        key="overdue",
        bad=seconds > verdict.STALLED,
        severity="severe",
        hold=START_HOLD,
        what=f"Nothing has been read since {utc(look.now - seconds)} although addresses are due: "
        "no movement would be seen.",
        cure="See the log and `fundwatch status`; then restart Fundwatch.",
    )


def _late(look: _Look, chains: Sequence[str]) -> Iterable[Signal]:
    """Lists that did not fail and were still not read up to the newest block for long:
    their turn never came, or what came never reached the end."""
    limit = max(look.settings.hold, LATE_ROUNDS * look.round_seconds)
    for chain in set(chains) & set(look.pools):
        heads = look.pools[chain].heads_seen.values()
        still = bool(heads) and all(look.now - head.time > OLD_HEAD for head in heads)
        late = standing.behind(look.store, chain, look.now - limit, WHO_MOST, still=still)
        who = watch.named(look.store, late.some)
        yield Signal(
            key=f"late:{chain}",
            bad=bool(late.number),
            hold=START_HOLD,
            what=f"Of {late.watched} addresses on {look.name(chain)}, {late.number} were not "
            f"read up to the newest block for over {duration(limit)}.",
            cure="See `fundwatch status`: calls are too few, a history is long, or reading hangs.",
            chain=chain,
            who=tuple(e.id for e in who),
            cases=_cases(who),
            number=late.number,
        )


def _spent(look: _Look) -> Iterable[Signal]:
    """A day's budget that is used up: nothing more is read from this source today."""
    used = {key: n for key, seconds, n in budgets.budgets(look.store, look.now) if seconds == DAY}
    for name, config in look.settings.sources.items():
        limit = config.calls_per_day
        if limit is None:
            continue
        yield Signal(
            key=f"budget:{name}",
            bad=used.get(name, 0) >= limit,
            hold=START_HOLD,
            what=f"All {limit:,} calls of source {name} for today (UTC) are used up.",
            cure="It is asked again from 00:00 UTC on. Until then another source of the chain "
            "would step in; calls_per_day in config/sources.yaml holds the limit.",
        )


def _canaries(look: _Look) -> Iterable[Signal]:
    """Addresses that move all the time: silence there means that reading is broken."""
    for watched in watch.canaries(look.store):
        entry = watched.entry
        since = max(watched.added, list_standing.last_recorded(look.store, entry.subject))
        yield Signal(
            key=f"canary:{entry.id}",
            bad=look.now - since > entry.canary * 3600,
            hold=START_HOLD,
            what=f"Nothing was recorded at the canary of {look.name(entry.subject.chain)} "
            f"for over {entry.canary} h (since {utc(since)}): either it is quiet, or reading is "
            "broken.",
            cure="Compare with an explorer. If the address has moved there, reading is broken; "
            "if not, choose a busier canary.",
            chain=entry.subject.chain,
            who=(entry.id,),
        )
