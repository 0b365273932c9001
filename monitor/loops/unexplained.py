"""Telling what no list explains: once for each entry, when it has outlived all that could excuse
it, and again when it is over. One cause over many addresses is told to operations instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from monitor.decide import balance as deciding
from monitor.decide import telling, voices
from monitor.decide.findings import difference, may_be_old
from monitor.loops.passing import PollWorld
from monitor.loops.pool import SourcePool
from monitor.model import LIVE_STATUSES, Alert, AlertKind, Entry, Kind, Lane, Row, Watched
from monitor.model.acts import DAEMON, Tell
from monitor.model.balance import Figure, Held, State
from monitor.model.errors import SourceError
from monitor.model.facts import HeldFunds, Unexplained, of_kind
from monitor.model.finding import Finding
from monitor.model.ids import stable_id
from monitor.model.plain import count, plural
from monitor.model.plan import Identity, Signal
from monitor.model.ports import Source
from monitor.model.streams import StreamState, is_asked
from monitor.store import alerts, balances, incidents, scores, watch
from monitor.store.commit import commit
from monitor.store.context import lists_of
from monitor.store.port import Store

DAY, HOUR = 86_400, 3600
AHEAD = 600  # seconds by which a figure may be newer than the heads that are kept
REASON = "The balance on the chain changed, and no list says why."
MORE = "More is missing than was said: what was found since went the other way."
REVERSED = "what had been recorded there did not happen"
OVER = "What becomes of an unexplained balance follows whatever had been told of it."


@dataclass(frozen=True)
class Teller:
    """Made once."""

    store: Store
    world: PollWorld

    # -- whether it is time --------------------------------------------------------------

    def waits_for(self, finding: Finding, states: dict[str, StreamState]) -> str:
        """Why a finding is not told yet; empty: it is time."""
        if finding.left and finding.amount < 0:
            return f"what {plural(finding.left, 'transaction')} cost in all is not looked up yet"
        return telling.waits_for(finding, self._ground(finding, states), self.world.clock())

    def lists_in_doubt(
        self, finding: Finding, states: dict[str, StreamState]
    ) -> list[tuple[str, str]]:
        """Lists, each with the source that it is read from, of which nobody knows whether they are
        past a finding's block, where nothing else is waited for. Those first of which hardly
        anybody can say."""
        ground, now = self._ground(finding, states), self.world.clock()
        waits = not ground.past and telling.waits_for(finding, ground, now)
        if not waits or telling.waits_for(finding, replace(ground, past=True), now):
            return []
        in_doubt = self._in_doubt(finding, states)
        return [(stream, states[stream].source) for stream in in_doubt if stream in states]

    def _ground(self, finding: Finding, states: dict[str, StreamState]) -> telling.Ground:
        chain = self.world.chains[finding.subject.chain]
        pool = self.world.pools[chain.key]
        streams = deciding.lists_of(chain, finding.contract)
        reading = {states[s].source for s in streams if s in states}
        in_doubt = self._in_doubt(finding, states)
        now = self.world.clock()
        late = max((scores.late(self.store, chain.key, each, now) for each in reading), default=0)
        behind = (s.words for s in finding.shown if s.stream in in_doubt and not s.past)
        final = is_final(pool, finding.after)
        rows = balances.rows_of(self.store, finding.subject, finding.contract)
        stale = may_be_old(finding, rows)
        return telling.Ground(final, not in_doubt, late, next(behind, ""), stale)

    def _in_doubt(self, finding: Finding, states: dict[str, StreamState]) -> list[str]:
        """The lists in which a finding would stand that are not known to be past its block."""
        chain, after = self.world.chains[finding.subject.chain], finding.after
        pool = self.world.pools[chain.key]
        return [
            each
            for each in sorted(deciding.lists_of(chain, finding.contract))
            if not _listed_by_nobody(each, states)
            and not (
                self._past(pool, each, states, after)
                or self._two_read(pool, each, finding)
                or _is_shown(finding, each, states)
                or _of_one_index(pool, each, finding)
            )
        ]

    def _past(
        self, pool: SourcePool, stream: str, states: dict[str, StreamState], figure: Figure
    ) -> bool:
        """Whether a list is known to be past a figure's block: a node's own logs are, another one
        once it has shown anything later."""
        name = states[stream].source if stream in states else ""
        source = by_name(pool, name)
        if source is not None and source.many:
            return True
        kinds = [kind.value for kind in Kind if kind.stream == stream]
        return balances.shows_later(self.store, pool.chain.key, name, kinds, figure)

    def _two_read(self, pool: SourcePool, stream: str, finding: Finding) -> bool:
        """Whether two operators' lists do not have it that were read after its block was final,
        and that have never been seen to be as late as that."""
        chain, after, looked = pool.chain, finding.after, finding.looked or 0
        age = looked - after.time
        if age < chain.finality * chain.block_time:
            return False
        prompt = {
            pool.operator_of(source)
            for list_, source in finding.listed
            if list_ == stream and scores.late(self.store, chain.key, source, looked) < age
        }
        return len(prompt) > 1

    # -- many at once --------------------------------------------------------------------

    def one_cause(self, chain: str) -> bool:
        """Whether so many addresses of a chain differ that one cause is likely; operations are
        told so while it lasts. What outlives a day of it is told as usual."""
        now = self.world.clock()
        differing, checked = balances.differing(self.store, chain, now - DAY)
        bad = telling.one_cause(differing, checked)
        key = f"balances:{chain}"
        title = self.world.chains[chain].name
        signal = Signal(
            key=key,
            bad=bad,
            hold=HOUR,
            what=f"{title}: of {count(checked, 'address', 'addresses')} held against the chain "
            f"{differing:,} differ from the record at once. One cause is likelier than so many "
            "movements that no list shows: a list that is not brought up to date, a source that "
            "says false balances, a fork of the chain. Nobody at the desk was told of them yet.",
            cure="Look with `fundwatch reconcile` at what differs and by whose word, and hold it "
            "against another explorer. What lasts longer than a day is told to the desk.",
            chain=chain,
        )
        lasts = bad and incidents.lasts(self.store, key, now - DAY)
        if bad or incidents.lasts(self.store, key, now + 1):
            incidents.put_signals(self.store, [signal], now)
        return bad and not lasts

    # -- telling -------------------------------------------------------------------------

    def tell(self, finding: Finding, held: Held) -> Finding:
        """Tell a finding to every entry that is concerned, once. Returns it as told, or as it was
        where nobody is concerned."""
        now = self.world.clock()
        watched = watch.entries_of(self.store, [finding.subject]).get(finding.subject, ())
        found = []
        for speaker, listed in telling.speakers(watched):
            alert = self._alert(finding, held, speaker)
            on = voices.on_lists(speaker.entry, listed, lists_of(self.store, listed))
            found.append((replace(alert, facts=replace(alert.facts, on_lists=on)), speaker))
        self._commit(found)
        return replace(finding, told=now) if found else finding

    def _alert(self, finding: Finding, held: Held, speaker: Watched) -> Alert:
        now, entry = self.world.clock(), speaker.entry
        return Alert(
            id=first_id(finding, entry.id),
            kind=AlertKind.UNEXPLAINED,
            lane=Lane.NEWS,
            severity=telling.severity(finding, speaker),
            created=now,
            chain=finding.subject.chain,
            entry_id=entry.id,
            lane_reason=REASON,
            facts=Unexplained(
                read_at=now,
                finality=self.world.chains[finding.subject.chain].finality,
                held=held,
                amount=finding.amount,
                since_time=since(finding),
                asked=finding.said,
                leads=finding.leads,
                funds=_funds(entry) if finding.amount < 0 else None,
            ),
        )

    def amend(self, was: Finding, now_is: Finding, held: Held, rows: Sequence[Row]) -> None:
        """Tell what became of a finding that had been told: it is over, or less of it is left, or
        more is missing than was said, where what is found went the other way."""
        new = [each.transfer.identity for each in _between(now_is, rows)]
        held, now_is = replace(held, between=was.blocks), replace(now_is, narrowed=was.narrowed)
        watched = watch.entries_of(self.store, [was.subject]).get(was.subject, ())
        known = alerts.of_ids(self.store, [first_id(was, w.entry.id) for w in watched])
        self._commit(
            (self._amendment(first, was, now_is, held, each, new), each)
            for each in watched
            if (first := known.get(first_id(was, each.entry.id)))
        )

    def _amendment(
        self,
        first: Alert,
        was: Finding,
        finding: Finding,
        held: Held,
        each: Watched,
        new: Sequence[Identity],
    ) -> Alert:
        now, entry = self.world.clock(), each.entry
        left = 0 if finding.closed else finding.amount
        facts = Unexplained(
            read_at=now,
            finality=self.world.chains[finding.subject.chain].finality,
            held=held,
            amount=of_kind(first.facts, Unexplained).amount,
            since_time=since(finding),
            left=left,
            funds=_funds(entry) if left < 0 else None,
        )
        # That it is over is told as loudly as the worst that had been told of it.
        worst = finding if left else was
        grew = replace(facts, left=worst.amount).grew
        urgent = telling.severity(worst, each) if grew else first.severity
        return Alert(
            id=stable_id("A", entry.id, finding.id, str(left) if left else "over"),
            kind=AlertKind.UNEXPLAINED,
            lane=Lane.NEWS,
            severity=voices.louder(first.severity, urgent),
            created=now,
            chain=finding.subject.chain,
            entry_id=entry.id,
            amends=first.id,
            lane_reason=OVER,
            facts=replace(facts, found=self._words(finding, facts, entry.id, new)),
            rows=tuple(new),
        )

    def _words(
        self, finding: Finding, facts: Unexplained, entry: str, new: Sequence[Identity]
    ) -> str:
        """What was found, in sentences."""
        if not new:
            why = finding.reason or (REVERSED if facts.grew else "part of it is recorded now")
            return f"{why[:1].upper()}{why[1:]}."
        txs = list(dict.fromkeys(tx for _, tx, _ in new))
        told = alerts.first_alerts(self.store, entry, txs)
        listed = [f"{tx} (alert {told[tx]})" if tx in told else tx for tx in txs[:5]]
        rest = f" and {len(txs) - 5:,} more" if len(txs) > 5 else ""
        named = f"{', '.join(listed)}{rest}"
        if facts.grew:
            return f"{MORE} A list showed late: {named}."
        part = "It was found" if finding.closed else "Part of it was found"
        return f"{part}: a list showed late what is recorded now as {named}."

    def _commit(self, found: Iterable[tuple[Alert, Watched]]) -> None:
        """What was told already, before a kill, is not told twice."""
        fresh = [(a, w) for a, w in found if not alerts.is_alert(self.store, a.id)]
        if fresh:
            routes = [route for a, w in fresh for route in self.world.route(a, w.entry)]
            told = [alert for alert, _ in fresh]
            commit(self.store, DAEMON, Tell(self.world.clock(), told, routes))


def _listed_by_nobody(stream: str, states: dict[str, StreamState]) -> bool:
    """Whether nothing is to be waited for of a list that only balances show."""
    state = states.get(stream)
    return state is not None and bool(state.shown) and not is_asked(state.shown)


def _is_shown(finding: Finding, stream: str, states: dict[str, StreamState]) -> bool:
    """Whether a list holds what a stranger moved above a finding's block, and by the last look not
    what is missing."""
    source = states[stream].source if stream in states else ""
    past = any(s.past and (s.stream, s.source) == (stream, source) for s in finding.shown)
    return past and (stream, source) in finding.listed


def _of_one_index(pool: SourcePool, stream: str, finding: Finding) -> bool:
    """Whether the source that says the balance makes its list of the same index, and read it to
    the end without what is missing: it is never behind its own balance."""
    source = by_name(pool, finding.after.source)
    same = source is not None and bool(getattr(source, "one_index", False))
    return same and (stream, finding.after.source) in finding.listed


def _funds(entry: Entry) -> HeldFunds | None:
    return HeldFunds(entry.held, entry.holder, entry.expected) if entry.held else None


def first_id(finding: Finding, entry: str) -> str:
    return stable_id("A", entry, finding.id)


def since(finding: Finding) -> int | None:
    """The time of the block after which it was missing, where that is known."""
    before = finding.before
    return before.time if before and before.high == finding.blocks.lo else None


def _between(finding: Finding, rows: Iterable[Row]) -> list[Row]:
    """The rows that came since a finding was made, lie in its blocks and stand."""
    return [
        row
        for row in rows
        if row.first_seen >= finding.found
        and row.status in LIVE_STATUSES
        and _lies(row, finding.before, finding.after)
    ]


def _lies(row: Row, before: Figure | None, after: Figure) -> bool:
    at = row.transfer.block_height
    if at is None:
        low = before.time if before else -1
        return row.transfer.time is not None and low < row.transfer.time <= after.time
    return (before.high if before else -1) < at <= after.high


def is_final(pool: SourcePool, figure: Figure) -> bool:
    """Whether the block of a figure cannot be replaced any more. Its own source is asked first:
    it may be gone, or down, and what it showed lasts."""
    for source in sorted(pool.sources, key=lambda each: each.name != figure.source):
        try:
            head = pool.head(source)
        except SourceError:
            continue
        place = source.axis.at(figure.high, figure.time)
        return source.axis.final_line(head, pool.chain) >= place
    return False


def stands(pool: SourcePool, figure: Figure) -> bool | None:
    """Whether the block that a figure names is still that of the chain; None: nobody says, or it
    names none. One far above every newest block never was: it was a lie, and would keep whatever
    comes below it from being noticed."""
    if _far_ahead(pool, figure):
        return False
    source = by_name(pool, figure.source)
    if source is None or not figure.block_hash:
        return None
    try:
        found = source.block_hash(figure.high)
    except SourceError:
        return None
    return None if found is None else found == figure.block_hash


def _far_ahead(pool: SourcePool, figure: Figure) -> bool:
    """Whether a figure's block lies farther above every source's newest than heads are kept."""
    heights = []
    for source in pool.sources:
        try:
            heights.append(pool.head(source).height)
        except SourceError:
            continue
    slack = pool.chain.finality + int(AHEAD / pool.chain.block_time)
    return bool(heights) and figure.high > max(heights) + slack


def by_name(pool: SourcePool, name: str) -> Source | None:
    return next((each for each in pool.sources if each.name == name), None)


def as_held(finding: Finding, held: Held, rows: Sequence[Row]) -> Held:
    """A finding as a line of `fundwatch reconcile`: at its own newer figure."""
    after = finding.after
    left = finding.amount if after.shares else difference(after, rows)
    return replace(
        held,
        state=State.UNEXPLAINED,
        height=after.high,
        time=after.time,
        on_chain=after.amount,
        recorded=None if left is None else after.amount - left,
        between=finding.blocks,
        source=after.source,
        second=after.second,
        at=after.at,
    )
