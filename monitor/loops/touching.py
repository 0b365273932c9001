"""TOUCHES US: what no entry tells of movements with our own addresses becomes alerts, and what is
recorded already is held against what is new: lists of our own, entries, followed addresses.
Without a call."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice

from monitor.decide.ours import REASON
from monitor.decide.untold import REVERSED, all_of, standing_of, untold
from monitor.loops.passing import PollWorld
from monitor.model import Alert, AlertKind, Entry, Lane, Severity, Subject
from monitor.model.acts import DAEMON, Tell
from monitor.model.errors import Conflict
from monitor.model.facts import BACK, Movement, Notice, Touched
from monitor.model.ids import stable_id
from monitor.model.plain import count
from monitor.model.plan import Context, Plan, Route
from monitor.store import follow, notes, ours, watch
from monitor.store.commit import commit
from monitor.store.context import of_transactions
from monitor.store.port import Store

MOST = 5000  # movements of one alert
NAMED = 20  # followed addresses that a message names
TXS = 500  # transactions that are looked at together
TRIES = 3  # to tell, where somebody else told meanwhile
TITLE = "TOUCHES US"
NOTE = "ours"  # what of the record was compared with what of our own
_STATES = {
    REVERSED: "DID NOT HAPPEN, do not rely on it: ",
    BACK: "IN A BLOCK AGAIN, it counts: ",
}
_NOWHERE = ("", "")  # where no channel is owed it


@dataclass(frozen=True)
class Touching:
    """Tells what touches our own and no entry tells."""

    store: Store
    world: PollWorld

    def told(
        self, found: Iterable[Touched], state: str = "", amends: str | None = None
    ) -> tuple[list[Alert], list[Route]]:
        """One alert for all that the same channels may see, and to whom it is owed. `state`: what
        became of what the alert `amends` had told; empty: it is told first."""
        mine: dict[tuple[str, str], list[Touched]] = defaultdict(list)
        for each, owed in self._owed([*found]):
            for place in owed or [_NOWHERE]:
                mine[place].append(each)
        same: dict[tuple[Touched, ...], list[tuple[str, str]]] = defaultdict(list)
        for place in sorted(mine):
            same[tuple(mine[place])].append(place)
        alerts = {part: self._alert(part, state, amends) for part in same}
        routes = [
            (alerts[part].id, *place)
            for part, places in same.items()
            for place in places
            if place != _NOWHERE
        ]
        return list(alerts.values()), routes

    def added(self, plan: Plan) -> tuple[Plan, list[Route]]:
        """A plan with the alerts of what touches our own and no entry tells."""
        (told, owed), (more, too) = self.told(plan.touching), self.corrected(plan.undone)
        return replace(plan, alerts=(*plan.alerts, *told, *more)), [*owed, *too]

    def corrected(
        self, found: Iterable[tuple[str, str, Touched]]
    ) -> tuple[list[Alert], list[Route]]:
        """The same for what holds no longer, or again: (state, alert that told it, what)."""
        by_alert: dict[tuple[str, str], list[Touched]] = defaultdict(list)
        for state, alert, each in found:
            by_alert[state, alert].append(each)
        told = [self.told(mine, *about) for about, mine in by_alert.items()]
        return [a for alerts, _ in told for a in alerts], [r for _, owed in told for r in owed]

    def compare(self) -> None:
        """Hold what is recorded against what is new on either side, and tell what was found, once
        ever. After a kill it begins again."""
        for attempt in range(TRIES if self.world.ours else 0):
            try:
                return self._compare()
            except Conflict:
                if attempt == TRIES - 1:
                    raise
        return None

    def among(self, subjects: Iterable[Subject]) -> list[Touched]:
        """All that is recorded between these addresses and our own, told or not."""
        wanted = set(subjects)
        places = ours.of_subjects(self.store, self.world.ours, wanted)
        found = (each for context in self._contexts(places) for each in all_of(context))
        return [each for each in dict.fromkeys(found) if Subject(each.chain, each.who) in wanted]

    # -- comparing -----------------------------------------------------------------------

    def _compare(self) -> None:
        before = ours.Seen(**json.loads(notes.get_note(self.store, NOTE) or "{}"))
        known = ",".join(sorted("/".join(key) for key in self.world.assets))
        assets = hashlib.sha256(known.encode()).hexdigest()
        now = ours.present(self.store, self.world.ours, assets)
        if now == before:
            return
        contexts = self._contexts(self._places(before, now))
        found = [t for context in contexts for t in untold(context, standing_of(context), {})]
        found = [*dict.fromkeys(found)]
        for start in range(0, len(found), MOST):
            alerts, routes = self.told(found[start : start + MOST])
            commit(self.store, DAEMON, Tell(self.world.clock(), alerts, routes))
        notes.put_note(self.store, NOTE, json.dumps(asdict(now)))

    def _places(self, before: ours.Seen, now: ours.Seen) -> Iterator[Sequence[ours.Place]]:
        titles = self.world.ours
        known = before.lists
        newer = {n: known.get(n, 0) for n, nr in now.lists.items() if nr != known.get(n)}
        few = all(ours.fewer_listed(self.store, name, nr) for name, nr in newer.items())
        if before.assets != now.assets or not few:
            yield from ours.of_rows(self.store, titles)
            return
        for name, nr in newer.items():
            yield from ours.of_listing(self.store, name, nr)
        subjects = ours.new_subjects(self.store, before)
        yield from ours.of_subjects(self.store, titles, subjects)

    def _contexts(self, places: Iterable[Sequence[ours.Place]]) -> Iterator[Context]:
        """What is recorded of these transactions, some at a time."""
        for part in places:
            by_chain: dict[str, list[str]] = defaultdict(list)
            for chain, tx in part:
                by_chain[chain].append(tx)
            for key, txs in by_chain.items():
                for start in range(0, len(txs) if key in self.world.chains else 0, TXS):
                    yield self._context(key, txs[start : start + TXS])

    def _context(self, chain: str, txs: Sequence[str]) -> Context:
        return of_transactions(
            self.store,
            self.world.chains[chain],
            txs,
            assets=self.world.assets,
            titles=self.world.ours,
            now=self.world.clock(),
        )

    # -- telling -------------------------------------------------------------------------

    def _owed(
        self, found: Sequence[Touched]
    ) -> Iterator[tuple[Touched, Sequence[tuple[str, str]]]]:
        """Each with the channels that may see it, and in which form."""
        subjects = {Subject(each.chain, each.who) for each in found}
        entries = watch.entries_of(self.store, subjects)
        cases = follow.cases_of(self.store, subjects)
        known: dict[Subject, Sequence[tuple[str, str]]] = {}
        for each in found:
            subject = Subject(each.chain, each.who)
            if subject not in known:
                on = [w.entry for w in entries.get(subject, ()) if w.active]
                on += [Entry("", subject, case=case) for case in cases.get(subject.key, ())]
                known[subject] = self._channels(each, on)
            yield each, known[subject]

    def _channels(self, found: Touched, entries: Sequence[Entry]) -> list[tuple[str, str]]:
        alone = Movement(ours=(found,))
        alert = replace(self._alert([found]), kind=AlertKind.MOVEMENT, facts=alone)
        routes = [route for entry in entries for route in self.world.route(alert, entry)]
        return list(dict.fromkeys((channel, form) for _, channel, form in routes))

    def _alert(self, found: Sequence[Touched], state: str = "", amends: str | None = None) -> Alert:
        now = self.world.clock()
        what = (TITLE, *("/".join(each.key) for each in found))
        again = (state, amends, str(now)) if amends else ()
        return Alert(
            id=stable_id("A", *what, *again),
            kind=AlertKind.NOTICE,
            lane=Lane.NEWS,
            severity=Severity.SEVERE,
            created=now,
            amends=amends,
            lane_reason=REASON,
            title=_title(found, state),
            facts=Notice(
                topic=" ".join(filter(None, (TITLE, state))),
                lines=self._followed(found),
                ours=tuple(found),
            ),
            rows=tuple(dict.fromkeys((each.chain, each.tx, each.leg) for each in found)),
        )

    def _followed(self, found: Sequence[Touched]) -> tuple[str, ...]:
        """For which case those are read that nobody watches; the first of them."""
        subjects = {Subject(each.chain, each.who): None for each in found}
        cases = follow.cases_of(self.store, subjects)
        said = (
            f"Followed for case {case}: {subject.address}"
            for subject in subjects
            for case in cases.get(subject.key, ())
        )
        return tuple(islice(said, NAMED))


def _title(found: Sequence[Touched], state: str) -> str:
    number = len({(each.chain, each.tx, each.who) for each in found})
    moved = count(number, "recorded movement", "recorded movements")
    who = len({(each.chain, each.who) for each in found})
    whose = count(who, "watched or followed address", "watched or followed addresses")
    so = _STATES.get(state, "")
    return f"{TITLE}: {so}{moved} between {whose} and our own."
