"""Looking for what a balance shows and the record does not: its blocks are read again, and another
source is asked for the same balance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from monitor.decide import balance as deciding
from monitor.decide.findings import difference
from monitor.loops.causes import Causes
from monitor.loops.narrow import narrow_finding
from monitor.loops.passing import PollWorld
from monitor.loops.reread import Reread, Rereader
from monitor.loops.witness import Witness, sees_balances
from monitor.model import Row, Subject
from monitor.model.balance import Between, Figure, Holding
from monitor.model.finding import Finding
from monitor.model.plain import amount, count
from monitor.model.ports import Source
from monitor.model.streams import StreamState
from monitor.store import balances
from monitor.store.coverage import stream_states
from monitor.store.port import Store

WIDE = 20_000  # blocks: above that they are narrowed before any list is read again


@dataclass(frozen=True, slots=True)
class Word:
    """What another source says of a figure: that it is so, or what it says instead."""

    source: str = ""  # who says so; empty: nobody does
    instead: str = ""  # a sentence
    equal: bool = False  # the other figure is what is recorded: this one is wrong


@dataclass(frozen=True)
class Look:
    """At one asset of one address."""

    store: Store
    world: PollWorld
    again: Rereader
    causes: Causes
    witness: Witness
    subject: Subject
    contract: str
    opening: Figure | None = None  # from which on its record is counted

    def rows(self) -> Sequence[Row]:
        """What is recorded of it; what that lacks below its opening as one more."""
        rows = list(balances.rows_of(self.store, self.subject, self.contract))
        return deciding.counted_from(self.opening, rows)

    def states(self) -> dict[str, StreamState]:
        return stream_states(self.store, self.subject, self.world.clock())

    # -- reading again -------------------------------------------------------------------

    def through(self, finding: Finding, over: Callable[[], bool]) -> Finding:
        """Read a finding's blocks again from every source that lists them, until it is `over`.
        Returns it with what was asked."""
        asked: list[str] = []
        if finding.blocks.hi - finding.blocks.lo > WIDE:
            finding, asked = self._narrowed(finding)
        blocks = finding.blocks
        whole = replace(finding, narrowed=None).blocks
        leads, left = finding.leads, 0
        listed: list[tuple[str, str]] = []
        for source in self.witness.listing:
            came = self._read(source, blocks, finding)
            asked += [_said(each, blocks) for each in came]
            top = source.axis.at(blocks.hi, finding.after.time)
            listed += [(s, c.source) for c in came if _to(c, top) for s in sorted(c.streams)]
            if came and over():
                break
        else:
            finding, said = self._narrowed(finding)
            asked += said
            found = self.causes.look(
                *(self.subject, self.contract, whole, finding.blocks, _times(finding)),
                *(self.witness.listing, over),
            )
            asked += found.asked
            leads, left = found.leads or leads, found.fees_left
        now = self.world.clock()
        asked = list(dict.fromkeys(asked))
        return replace(
            finding,
            asked=tuple(asked),
            leads=leads,
            looked=now,
            listed=tuple(listed),
            left=left,
        )

    def _narrowed(self, finding: Finding) -> tuple[Finding, list[str]]:
        """With the blocks in which it arose, where a source answers for the past, and what is to
        be said of that."""
        if finding.narrowed is not None:
            return finding, []
        came = narrow_finding(self.witness, finding, self.rows())
        if came is None:
            return finding, []
        why = [f"in which block it arose is not known better: {came.reason}"] if came.reason else []
        known = came.blocks != finding.blocks
        return (replace(finding, narrowed=came.blocks) if known else finding), why

    def _read(self, source: Source, blocks: Between, finding: Finding) -> list[Reread]:
        lists = deciding.lists_of(self.world.chains[self.subject.chain], self.contract)
        return self.again.read(self.subject, source, lists, blocks, _times(finding))

    # -- a second word -------------------------------------------------------------------

    def same(self, told: Figure) -> str:
        """Which other operator says the same amount, at whatever block; empty: none."""
        for source in self._others(told):
            figure = self._ask(source, told)
            if figure is not None and figure.amount == told.amount:
                return source.name
        return ""

    def _others(self, told: Figure) -> list[Source]:
        """Those of other operators that say balances."""
        whose = self.witness.pool.operator_of
        return [s for s in self.witness.sources() if whose(s.name) != whose(told.source)]

    def second(self, told: Figure, lasting: int) -> Word:
        """What others say of a figure; `lasting`: the sum of all that is not explained. Any other
        source can contradict, only another operator's confirms; and one that does outweighs
        whoever contradicts: a source that lies, or is broken, silences nobody."""
        others, instead = self._others(told), Word()
        for source in self.witness.sources():
            if source.name == told.source:
                continue
            figure = self._ask(source, told)
            apart = None if figure is None else self._apart(figure, told, lasting)
            if figure is None or apart is None:
                continue
            if not apart and source in others:
                return Word(source.name)
            if apart and not instead.instead:
                said = " and ".join(map(self._words, (told, figure)))
                instead = Word(instead=said, equal=apart == -lasting)
        return instead

    def _apart(self, figure: Figure, told: Figure, lasting: int) -> int | None:
        """By how much another source's figure contradicts; None: it says nothing of it."""
        if not figure.dated:
            return None  # it may be older than what it is held against
        if figure.low == figure.high == told.high == told.low:
            return figure.amount - told.amount
        if figure.low < told.high or (left := self._left(figure)) is None:
            return None  # of a block before it, or one to which the lists are not read
        return left - lasting

    def is_certain(self, finding: Finding) -> bool:
        """Whether a source that answers for the past still says of a finding's block what showed
        it: then it was so, whatever the balance is now."""
        after = finding.after
        holding = Holding(self.subject.address, self.contract, after.shares)
        for source in self.witness.sources():
            able = sees_balances(source)
            if able is None or not able.old_heights:
                continue
            figure = self.witness.ask({holding: after.high}, [source]).figures.get(holding)
            if figure is not None and figure.low == figure.high == after.high:
                return figure.amount == after.amount
        return False

    def _words(self, figure: Figure) -> str:
        chain = self.world.chains[self.subject.chain]
        of = deciding.named(chain, self.contract, self.world.assets)
        what = f"shares of {of.symbol}" if figure.shares else of.symbol
        held = " ".join(filter(None, (amount(figure.amount, of.decimals), what)))
        return f"{figure.source} says {held} at block {figure.high:,}"

    def _ask(self, source: Source, told: Figure) -> Figure | None:
        """Its figure; None where it has none, or one that may be old: that is no second word."""
        holding = Holding(self.subject.address, self.contract, told.shares)
        at = told.high if told.low == told.high else None
        figure = self.witness.ask({holding: at}, [source]).figures.get(holding)
        return figure if figure is not None and figure.dated else None

    def _left(self, figure: Figure) -> int | None:
        """What of another source's figure is not recorded; None: nobody knows."""
        chain, states = self.world.chains[self.subject.chain], self.states()
        if figure.shares:
            return None
        if deciding.unreadable(chain, self.contract, states, self.opening):
            return None
        behind = deciding.unread_to(chain, figure, states, {})
        seen = read_on(self.again, self.witness, [figure], states, behind)
        if deciding.unread_to(chain, figure, states, seen):
            return None
        return difference(figure, self.rows())


def read_on(
    again: Rereader,
    witness: Witness,
    figures: list[Figure],
    states: dict[str, StreamState],
    behind: Iterable[str],
) -> dict[str, int]:
    """Read these lists of an address on, from where they are read to until its figures' blocks.
    Returns how far they were read in full."""
    left = {stream for stream in behind if stream in states}
    seen: dict[str, int] = {}
    if not left:
        return seen
    top = max(figures, key=lambda f: f.high)
    parts = [states[stream].covered.get(states[stream].axis) for stream in left]
    low = min((part[-1].hi for part in parts if part), default=0)
    witness.pool.forget_heads()
    for source in witness.listing:
        mine = frozenset(left)
        blocks = Between(low if source.axis.by_block else 0, top.high)
        times = Between(0 if source.axis.by_block else low // 1000, top.time)
        for came in again.read(top.subject, source, mine, blocks, times):
            if came.read is None or came.error:
                continue
            seen |= dict.fromkeys(came.streams & mine, came.read.hi)
            left -= came.streams
        if not left:
            break
    return seen


def _times(finding: Finding) -> Between:
    before = finding.before
    return Between(before.time if before else 0, finding.after.time)


def _to(came: Reread, top: int) -> bool:
    """Whether a list was read in full up to this place."""
    return not came.error and came.read is not None and came.read.hi >= top


def _said(came: Reread, blocks: Between) -> str:
    where = f"blocks {blocks.lo:,} to {blocks.hi:,}"
    if came.error:
        return f"{came.source} could not read {where} again: {came.error}"
    if came.new:
        more = count(came.new, "movement", "movements")
        return f"{came.source} listed {more} more in {where} that had not been listed before"
    return f"{came.source} listed nothing new in {where}"
