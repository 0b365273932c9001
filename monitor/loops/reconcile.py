"""Holding the record against the chain's own balances: by the daemon on a schedule, by the command,
and before a severe alert is told.

A figure of the chain is kept, and judged again whenever rows came that lie below it. A difference
is looked for before anybody hears of it: its blocks are read again from every source that lists
them, and another source is asked for the same balance.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from monitor.chains.table import family_of
from monitor.decide import balance as deciding
from monitor.decide import expected, telling
from monitor.decide.asking import Allowed
from monitor.decide.shares import COUNTED
from monitor.loops.asset_round import AssetRound, Room, always
from monitor.loops.balance_case import Case, by_asset, find_opening
from monitor.loops.causes import Causes
from monitor.loops.looking import Look, read_on
from monitor.loops.passing import PollWorld
from monitor.loops.permitted import permitted
from monitor.loops.reread import Rereader
from monitor.loops.unexplained import Teller, as_held, stands
from monitor.loops.witness import Heights, Said, Witness
from monitor.model import LIVE_STATUSES, Chain, Row, Subject
from monitor.model.balance import AGAIN, COIN, OPENING, Between, Figure, Held, Holding, State
from monitor.model.balance_words import block_said
from monitor.model.finding import Finding
from monitor.model.plain import plural, tidy, utc
from monitor.model.streams import StreamState
from monitor.store import balance_due, balances, dormant, watch
from monitor.store.coverage import stream_states
from monitor.store.port import Store
from monitor.store.transfers import row_count

EVERY = 86_400  # seconds until an address is held against the chain again
SOON = 1800  # ... where something is looked for, or could not be checked yet
TURNS = 3  # how often what moves meanwhile is asked for in one round
PINNED = 3600  # seconds for which a figure that could not be judged is judged before one is asked
AT_ONCE, ROWS = 200, 20_000  # addresses, and recorded movements of theirs
MOST_ROWS = 200_000  # of one address, each some two kilobytes of memory
OTHERS = 20  # unverified tokens of an address, those that moved last


@dataclass(frozen=True)
class Reconciler:
    """Made once. `again` reads intervals of lists; one round at a time."""

    store: Store
    world: PollWorld
    again: Rereader
    teller: Teller
    causes: Causes
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, subjects: Iterable[Subject], room: Room = always) -> list[Held]:
        """Hold these addresses against their chains now, look for what differs, and keep and tell
        what came of it. Many of a chain are asked for together. `room`: whether the source of a
        name may be asked to read lists again; what differs waits where not."""
        wanted = list(dict.fromkeys(subjects))
        watched = watch.entries_of(self.store, wanted)
        alike: dict[tuple[str, Allowed | None], list[Subject]] = {}
        for subject, may in permitted(self.store, wanted, watched).items():
            alike.setdefault((subject.chain, may), []).append(subject)
        found: dict[Subject, list[Held]] = {}
        with self._lock:
            for (chain, may), mine in alike.items():
                for part in self._parts(mine):
                    found |= self._check(self.world.chains[chain], part, may, room)
        return [held for subject in wanted for held in found[subject]]

    def _parts(self, subjects: Sequence[Subject]) -> Iterator[dict[Subject, int]]:
        """Those that are held together, with how many rows each has: all of them are in memory at
        once."""
        part: dict[Subject, int] = {}
        for subject in subjects:
            more = row_count(self.store, subject)
            if part and (len(part) >= AT_ONCE or sum(part.values()) + more > ROWS):
                yield part
                part = {}
            part[subject] = more
        if part:
            yield part

    def _check(
        self, chain: Chain, subjects: Mapping[Subject, int], may: Allowed | None, room: Room
    ) -> dict[Subject, list[Held]]:
        pool = self.world.pools.get(chain.key)
        cases = self._cases(chain, subjects)
        held, many = {c.subject: [self._unsaid(c, COIN)] for c in cases}, False
        if pool is not None:
            witness = Witness(pool, self.world.clock, may)
            self._ask(chain, cases, witness)
            awake = [c for c in cases if not c.unasked]
            held |= {c.subject: self._settle(chain, c, witness, room) for c in awake}
            many = self.teller.one_cause(chain.key)
        kept = {c.subject: self._finished(chain, c, held[c.subject], many) for c in cases}
        balances.keep(self.store, kept.values())
        return {subject: [held for held, _ in each.found] for subject, each in kept.items()}

    # -- who is asked for what -----------------------------------------------------------

    def _cases(self, chain: Chain, subjects: Mapping[Subject, int]) -> list[Case]:
        kept = balances.verdicts(self.store, subjects)
        on = watch.entries_of(self.store, subjects)
        found = []
        for subject, number in subjects.items():
            mine = [w.entry for w in on.get(subject, ()) if w.active]
            wanted = expected.contracts(chain, mine, self.world.assets)
            if number > MOST_ROWS:
                found.append(Case(subject, {}, {}, kept[subject], [COIN], deciding.TOO_MANY))
            else:
                found.append(self._case(chain, subject, kept[subject], wanted))
        return found

    def _case(
        self,
        chain: Chain,
        subject: Subject,
        kept: Mapping[str, balances.Verdict],
        wanted: Sequence[str],
    ) -> Case:
        rows = by_asset(balances.rows_of(self.store, subject))
        states = stream_states(self.store, subject, self.world.clock())
        never = dormant.of(self.store, subject)
        mine = [c for c in sorted({*rows, *kept}) if (chain.key, c) in self.world.assets]
        others = [c for c in rows if c != COIN and (chain.key, c) not in self.world.assets]
        others.sort(key=lambda c: max(row.transfer.time or 0 for row in rows[c]), reverse=True)
        asleep = never is not None and never.asleep
        asked = list(dict.fromkeys([COIN, *mine, *wanted, *others[:OTHERS]]))
        asked = asked[:1] if asleep else asked
        unasked = deciding.ASLEEP if asleep else ""
        case = Case(subject, rows, states, kept, asked, unasked, expected=frozenset(wanted))
        case.opening = find_opening(chain, case)
        return case

    def _ask(self, chain: Chain, cases: Sequence[Case], witness: Witness) -> None:
        """Ask for all of them, for what moves meanwhile several times."""
        self._add_unseen(chain, cases, witness)
        by_address = {case.subject.address: case for case in cases}
        touched = balance_due.among(self.store, by_subject := {c.subject: c for c in cases})
        self._open(chain, [by_subject[each] for each in touched], witness)
        left = {
            self._holding(case, contract): case.height(chain, contract, case.subject in touched)
            for case in cases
            for contract in case.asked
            if not case.unasked
            and (case.subject in touched or not self._pinned(chain, case, contract))
        }
        for _ in range(TURNS):
            if not left:
                break
            said = witness.ask(left, witness.sources())
            for holding in left:
                case = by_address[holding.address]
                if holding in said.figures:
                    case.figures[holding.contract] = said.figures[holding]
                case.why[holding.contract] = said.why.get(holding, "")
            left = self._moving(chain, by_address, left, witness)

    def _open(self, chain: Chain, cases: Sequence[Case], witness: Witness) -> None:
        """Of those that can be counted from no figure yet the one below the first block that
        touched them since their chain is read for them."""
        below = {
            Holding(case.subject.address): (case, height)
            for case in cases
            if not case.unasked and (height := case.opens_at(chain)) is not None
        }
        asked = {holding: height for holding, (_, height) in below.items()}
        said = witness.ask(asked, witness.sources()) if asked else Said()
        for holding, figure in said.figures.items():
            case, height = below[holding]
            if figure.high == height:
                case.open(chain, figure)

    def _add_unseen(self, chain: Chain, cases: Sequence[Case], witness: Witness) -> None:
        """Verified tokens of which nothing is recorded, where that costs next to nothing: a list
        may have left out all of their movements."""
        tokens = sorted(contract for key, contract in self.world.assets if key == chain.key)
        awake = [case for case in cases if not case.unasked]
        if awake and tokens and witness.gladly(awake[0].subject.address, tokens):
            for case in awake:
                case.asked += [token for token in tokens if token not in case.rows]

    def _pinned(self, chain: Chain, case: Case, contract: str) -> bool:
        """Whether a figure of a moment ago, which could not be judged then, can be now."""
        verdict = case.kept.get(contract)
        if verdict is None or verdict.figure is None:
            return False
        old = self.world.clock() - verdict.figure.at > PINNED
        if old or verdict.held.state is not State.CANNOT_CHECK:
            return False
        if not verdict.held.reason.startswith((deciding.NOT_READ, deciding.MOVING)):
            return False
        held = self._judged(chain, case, verdict.figure)
        if held.state is State.CANNOT_CHECK:
            return False
        case.figures[contract] = verdict.figure
        return True

    def _moving(
        self, chain: Chain, cases: Mapping[str, Case], asked: Heights, witness: Witness
    ) -> dict[Holding, int | None]:
        """Those of these that have to be asked for again, after the lists were read on."""
        again: dict[Holding, int | None] = {}
        by_case: dict[str, list[Figure]] = {}
        for holding in asked:
            if figure := cases[holding.address].figures.get(holding.contract):
                by_case.setdefault(holding.address, []).append(figure)
        for address, figures in by_case.items():
            case = cases[address]
            self._read_on(chain, case, figures, witness)
            for figure in figures:
                held = self._judged(chain, case, figure)
                if held.reason == deciding.MOVING and figure.low != figure.high:
                    again[self._holding(case, figure.contract)] = None
        return again

    def _read_on(
        self, chain: Chain, case: Case, figures: Sequence[Figure], witness: Witness
    ) -> None:
        """Read an address's lists on to the blocks of figures that were asked for just now."""
        ready = [f for f in figures if case.is_readable(chain, f.contract)]
        behind = {s for f in ready for s in deciding.unread_to(chain, f, case.states, case.seen)}
        if behind:
            case.seen |= read_on(self.again, witness, ready, case.states, behind)
            self._reload(chain, case)

    def _reload(self, chain: Chain, case: Case) -> None:
        case.rows = by_asset(balances.rows_of(self.store, case.subject))
        case.states = stream_states(self.store, case.subject, self.world.clock())
        case.opening = find_opening(chain, case)

    # -- what it comes to ----------------------------------------------------------------

    def _judged(self, chain: Chain, case: Case, figure: Figure) -> Held:
        rows = case.counted(figure.contract)
        return self._judged_by(chain, case, figure, rows, case.states)

    def _judged_by(
        self,
        chain: Chain,
        case: Case,
        figure: Figure,
        rows: Sequence[Row],
        states: Mapping[str, StreamState],
    ) -> Held:
        verdict = case.kept.get(figure.contract)
        good = verdict.good if verdict else None
        opening = case.opening_of(figure.contract)
        return deciding.judge(
            *(chain, figure, rows, states, self.world.assets, good, case.seen, opening)
        )

    def _holding(self, case: Case, contract: str) -> Holding:
        asset = self.world.assets.get((case.subject.chain, contract))
        return Holding(case.subject.address, contract, asset.shares if asset else "")

    def _unsaid(self, case: Case, contract: str) -> Held:
        chain, why = self.world.chains[case.subject.chain], case.why.get(contract, "")
        now = self.world.clock()
        held = deciding.unsaid(chain, case.subject, contract, why, self.world.assets, now)
        return replace(held, reason=case.unasked) if case.unasked else held

    def _settle(self, chain: Chain, case: Case, witness: Witness, room: Room) -> list[Held]:
        """Every asset of an address; what of a difference is news is kept."""
        lasting = balances.open_findings(self.store, case.subject)
        found = []
        for contract in dict.fromkeys([*case.asked, *(f.contract for f in lasting)]):
            mine = [f for f in lasting if f.contract == contract]
            self._drop_replaced(chain, case, contract, witness)
            look = Look(
                *(self.store, self.world, self.again, self.causes, witness, case.subject),
                *(contract, case.opening_of(contract)),
            )
            rounds = AssetRound(self.store, self.world, self.teller, look, mine, room)
            held = self._one(chain, case, contract, rounds)
            known = contract == COIN or contract in {*case.rows, *case.kept, *case.expected}
            if known or held.on_chain or mine:
                found.append(held)
        return found

    def _drop_replaced(self, chain: Chain, case: Case, contract: str, witness: Witness) -> None:
        """Nothing differs from an opening whose block was replaced."""
        figure, opening = case.figures.get(contract), case.opening_of(contract)
        if figure is None or opening is None:
            return
        differs = self._judged(chain, case, figure).state is State.UNEXPLAINED
        if differs and stands(witness.pool, opening) is False:
            case.opening = None

    def _one(self, chain: Chain, case: Case, contract: str, round_: AssetRound) -> Held:
        """One asset of an address."""
        figure = case.figures.get(contract)
        rows = case.counted(contract)
        if figure is None:
            held = self._unsaid(case, contract)
            round_.go_on(rows, held)
            return held
        verdict = case.kept.get(contract)
        known = (verdict.base, verdict.good, verdict.opening) if verdict else ()
        known = (*known, case.opening_of(contract))
        judged = self._judged(chain, case, figure)
        if not judged.verified or judged.state is State.CANNOT_CHECK:
            round_.go_on(rows, judged)
            return self._seconded(case, judged, round_)

        return round_.run(figure, known, partial(self._judged_by, chain, case, figure))

    def _seconded(self, case: Case, held: Held, round_: AssetRound) -> Held:
        """Of held funds what the chain says counts also where the record cannot be held against
        it, once another source says the same."""
        figure = case.figures[held.contract]
        if held.contract not in case.expected or figure.shares:
            return held
        second = round_.look.same(figure)
        case.figures[held.contract] = replace(figure, second=second)
        return replace(held, second=second)

    # -- telling and keeping -------------------------------------------------------------

    def _finished(
        self, chain: Chain, case: Case, found: Sequence[Held], many: bool
    ) -> balances.Kept:
        """Tell what it is time to tell, say of the rest what it waits for. Returns what is to be
        kept."""
        lasting = balances.open_findings(self.store, case.subject)
        told = []
        for held in found:
            mine = [f for f in lasting if f.contract == held.contract]
            if held.state is State.UNEXPLAINED and mine:
                told.append(self._one_finished(chain, case, held, mine, many=many))
            else:
                self._tell_known(chain, case, held, mine, many=many)
                told.append(_with_last(held, case.kept.get(held.contract)))
        looked_for = [
            f
            for f in lasting
            if (f.told is None and (f.left or not self._only_fees(chain, case, f)))
            or f.equal is not None
        ]
        waits = looked_for or any(_for_now(held) for held in told)
        due = self.world.clock() + (SOON if waits else EVERY)
        kept = [(held, case.figures.get(held.contract)) for held in told]
        first = next((f for held, f in kept if held.reason.startswith(OPENING)), None)
        return balances.Kept(kept, due, first or (case.opening if case.opened else None))

    def _tell_known(
        self, chain: Chain, case: Case, held: Held, mine: Sequence[Finding], *, many: bool
    ) -> None:
        """Of what left and came back: the sum is right. And where nobody says what is there now:
        what two said rests on figures that are kept."""
        back = held.state is State.RECONCILED and not sum(f.amount for f in mine)
        if not back and held.state is not State.CANNOT_CHECK:
            return
        quarrel = held.reason.startswith(deciding.DISAGREE)
        for each in mine:
            alone = quarrel and AGAIN in each.after.second
            if each.told is None and not alone and not self._only_fees(chain, case, each):
                self._told(chain, case, replace(held, reason=""), each, many=many)

    def _one_finished(
        self, chain: Chain, case: Case, held: Held, mine: Sequence[Finding], *, many: bool
    ) -> Held:
        if all(each.told is None and self._only_fees(chain, case, each) for each in mine):
            left = sum(each.left for each in mine)
            more = f": {plural(left, 'receipt')} not looked up yet" if left else ""
            return replace(held, state=State.CANNOT_CHECK, reason=f"{deciding.FEES}{more}")
        said = []
        for each in mine:
            if each.told is None:
                said.append(self._told(chain, case, held, each, many=many))
            else:
                said.append(_standing(f"told {utc(each.told)}", each))
        blocks = Between(min(f.blocks.lo for f in mine), max(f.blocks.hi for f in mine))
        doubly = next((f.after for f in mine if f.after.second), None)
        second = doubly.second if doubly else ""
        if doubly and doubly.source != held.source:  # of a figure before this one
            second = doubly.source
        return replace(held, reason="\n".join(said), between=blocks, second=second)

    def _told(self, chain: Chain, case: Case, held: Held, finding: Finding, *, many: bool) -> str:
        """Tell a finding if it is time. Returns how it stands with it, in words."""
        why = self.teller.waits_for(finding, case.states)
        if not why and finding.ready is None:
            why = "its blocks are still to be read once more"
        if not why and many and self.world.clock() - finding.found < EVERY:
            why = f"so many addresses of {chain.name} differ at once that one cause is likelier"
        if not why:
            rows = case.counted(finding.contract)
            one = self.teller.tell(finding, as_held(finding, held, rows))
            balances.put_findings(self.store, [one])
            if one.told is not None:
                return _standing(f"told {utc(one.told)}", one)
            why = "nobody watches the address"
        return _standing(f"not told yet: {why}; looked for since {utc(finding.found)}", finding)

    def _only_fees(self, chain: Chain, case: Case, finding: Finding) -> bool:
        """Whether what is missing can be what lists leave out of the fees that were paid."""
        if finding.contract != COIN or not family_of(chain).fees_in_part(chain):
            return False
        low = finding.before.high if finding.before else -1
        paid = (
            row.transfer.amount
            for row in case.rows.get(COIN, [])
            if row.transfer.kind.fee
            and row.status in LIVE_STATUSES
            and row.transfer.sender == case.subject.address
            and low < (row.transfer.block_height or -1) <= finding.after.high
        )
        return telling.only_fees(finding.amount, sum(paid))


def _standing(how: str, finding: Finding) -> str:
    """How it stands with a finding, then, one a line, what was looked through for it."""
    counted = f"; {COUNTED}" if finding.after.shares else ""
    return "\n".join([f"{how}{counted}", *(tidy(each, 200) for each in finding.said)])


def _with_last(held: Held, known: balances.Verdict | None) -> Held:
    """What cannot be checked now, with the newest block at which it was equal: that stays so."""
    good = known.good if known else None
    if held.state is not State.CANNOT_CHECK or good is None or good.shares:
        return held
    equal = f"equal when last checked, at {block_said(good.high, good.time)} by {good.source}"
    return replace(held, reason=f"{held.reason}; {equal}")


def _for_now(held: Held) -> bool:
    """Whether it may be different soon."""
    soon = (deciding.MOVING, deciding.DISAGREE)
    return held.state is State.CANNOT_CHECK and (
        held.reason.startswith(soon) or " yet: " in held.reason
    )
