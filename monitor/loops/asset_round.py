"""One asset of one address in one round: what of its difference is news, what became of what was
known, and whether somebody else says the same balance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from monitor.decide import balance as deciding
from monitor.decide import findings as finds
from monitor.loops.current import CurrentLists
from monitor.loops.looking import Look, Word
from monitor.loops.passing import PollWorld
from monitor.loops.unexplained import Teller, is_final, stands
from monitor.model import Row
from monitor.model.balance import Figure, Held, State
from monitor.model.finding import Finding
from monitor.model.scores import DAY, Mark, Score
from monitor.model.streams import StreamState
from monitor.store import balances, scores
from monitor.store.port import Store

LOOK_AGAIN = 4 * 3600  # seconds after which what is still not told is looked for once more
REPLACED = "the block of the balance was replaced"

Room = Callable[[str], bool]
Judge = Callable[[Sequence[Row], Mapping[str, StreamState]], Held]


def always(_source: str) -> bool:
    return True


@dataclass
class AssetRound:
    """`lasting`: the findings of the asset that last, as they are kept. `room`: whether a source
    may be asked to read lists again, by its name."""

    store: Store
    world: PollWorld
    teller: Teller
    look: Look
    lasting: list[Finding]
    room: Room = always

    def run(self, figure: Figure, known: Sequence[Figure | None], judge: Judge) -> Held:
        """Its verdict by a figure that can be judged; `known`: older figures that were. What it
        waits for is not said yet."""
        held = self._weighed(figure, known, judge)
        if self._looked():
            held = self._weighed(figure, known, judge)
        if held.state is State.UNEXPLAINED or self._came_back(held):
            held = self._doubted(figure, held)
        if self._looked_once_more():
            again = self._weighed(figure, known, judge)
            held = held if held.state is State.CANNOT_CHECK else again
        return held

    def _came_back(self, held: Held) -> bool:
        """Whether what is not explained left and came back: the sum is right."""
        lasting = self.lasting
        untold = any(f.told is None for f in lasting)
        return untold and held.state is State.RECONCILED and not sum(f.amount for f in lasting)

    def go_on(self, rows: Sequence[Row], held: Held) -> None:
        """Where nothing is judged now: what lasts is looked for all the same."""
        self.review(rows, held)
        looked = self._looked()
        if self._looked_once_more() or looked:
            self.review(self.look.rows(), held)

    def _looked(self) -> bool:
        """Look for what it is time to look for; whether there was any."""
        to_look_for = [f for f in self.lasting if self._to_look_for(f)]
        for finding in to_look_for:
            early = not self._is_final(finding)
            looked = self.look.through(finding, partial(self._explained, finding))
            self._replace(replace(looked, early=early))
        return bool(to_look_for)

    def _weighed(self, figure: Figure, known: Sequence[Figure | None], judge: Judge) -> Held:
        """The verdict by the record as it is now, and what is news by it."""
        rows = self.look.rows()
        held = judge(rows, self.look.states())
        self.review(rows, held)
        if held.state is not State.CANNOT_CHECK:
            found = self._news(figure, known, rows)
            if any(f.closed and f.told for f in found):
                word = self.look.second(figure, 0)
                if word.instead:  # whoever was told hears by no single word that it is over
                    return self._disagreed(figure, held, word)
            self._take(found, rows, held)
        return held

    def _news(
        self, figure: Figure, known: Sequence[Figure | None], rows: Sequence[Row]
    ) -> list[Finding]:
        """What is news by a figure. That something came back does not undo what is known for
        certain to have left before, and to have been told by two."""
        now, lasting = self.world.clock(), self.lasting
        found = finds.news(figure, known, lasting, rows, now)
        back = [f for f in found if f.closed and f.told is None and f.after.second]
        certain = frozenset(f.id for f in back if self.look.is_certain(f))
        return finds.news(figure, known, lasting, rows, now, certain) if certain else found

    def review(self, rows: Sequence[Row], held: Held) -> None:
        """Hold what lasts against the record as it is now, and against the chain."""
        now, pool = self.world.clock(), self.look.witness.pool
        found = finds.reviewed(self.lasting, rows, now)
        for number, each in enumerate(found):
            if each.told is None and each.closed is None and stands(pool, each.after) is False:
                found[number] = replace(each, closed=now, reason=REPLACED)
        self._take(found, rows, held)

    def _to_look_for(self, finding: Finding) -> bool:
        """Also once its blocks are final, before anybody is told: lists on demand do not tell of
        them earlier."""
        if finding.told is not None or not self._has_room():
            return False
        last = finding.looked
        due = last is None or self.world.clock() - last >= LOOK_AGAIN or finding.left > 0
        return due or (finding.early and self._is_final(finding))

    def _has_room(self) -> bool:
        return all(self.room(each.name) for each in self.look.witness.listing)

    def _is_final(self, finding: Finding) -> bool:
        return is_final(self.look.witness.pool, finding.after)

    def _explained(self, finding: Finding) -> bool:
        return finds.missing(finding, self.look.rows()) == 0

    # -- a second word -------------------------------------------------------------------

    def _doubted(self, figure: Figure, held: Held) -> Held:
        """A difference that outlived looking: whether somebody else says the same balance."""
        total = sum(f.amount for f in self.lasting)
        finality = self.world.chains[figure.subject.chain].finality
        for each in [f for f in self.lasting if not f.after.second]:
            word = self.look.second(each.after, total)
            if word.instead and each.told is None:
                return self._disagreed(figure, held, word)
            one = each
            if word.source:
                one = replace(each, after=replace(each.after, second=word.source))
            elif not word.instead:
                one = finds.seconded(each, figure, finality)
            self._replace(one)
        return held

    def _disagreed(self, figure: Figure, held: Held, word: Word) -> Held:
        """Nothing is known where sources contradict each other, but for what two said before."""
        now, reason = self.world.clock(), f"{deciding.DISAGREE}: {word.instead}"
        doubted = [f for f in self.lasting if f.told is None and not f.after.second]
        gone = [replace(f, closed=now, reason=reason) for f in doubted]
        balances.put_findings(self.store, gone)
        self.lasting = [f for f in self.lasting if f not in doubted]
        if word.equal and figure.dated:
            chain = figure.subject.chain
            scores.add(self.store, [Score(figure.source, chain, now // DAY, Mark.WRONG)])
        return replace(held, state=State.CANNOT_CHECK, reason=reason)

    # -- before it is told ---------------------------------------------------------------

    def _looked_once_more(self) -> bool:
        """Ask lists whether they are past what nothing else is waited for, and look once more for
        what is to be told: a list may have shown it since the last look. Returns whether any
        was looked for."""
        again = False
        if not self._has_room():
            return again
        current = CurrentLists(self.store, self.world, self.look.witness)
        for each in [f for f in self.lasting if f.told is None]:
            one = current.ask(each, self.teller.lists_in_doubt(each, self.look.states()))
            if one.ready is None and not self.teller.waits_for(one, self.look.states()):
                one = replace(one, ready=self.world.clock())
                one, again = self.look.through(one, partial(self._explained, one)), True
            if one != each:
                self._replace(one)
        return again

    # -- keeping -------------------------------------------------------------------------

    def _replace(self, finding: Finding) -> None:
        self.lasting = [finding if f.id == finding.id else f for f in self.lasting]
        balances.put_findings(self.store, [finding])

    def _take(self, found: Sequence[Finding], rows: Sequence[Row], held: Held) -> None:
        """Keep what is new of findings. Whoever was told is told what became of it before that
        is kept: after a kill it is told again under the same name, which is once."""
        known = {each.id: each for each in self.lasting}
        changed = [each for each in found if known.get(each.id) != each]
        for each in changed:
            was = known.get(each.id)
            news = was is not None and (each.closed is not None or each.amount != was.amount)
            if was is not None and was.told is not None and news:
                self.teller.amend(was, each, held, rows)
        if changed:
            balances.put_findings(self.store, changed)
        known |= {each.id: each for each in changed}
        self.lasting = [each for each in known.values() if each.closed is None]
