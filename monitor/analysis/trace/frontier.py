"""What is followed, what waits, and what has to be learned next: largest traced value first.
Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from monitor.analysis.trace.books import Books
from monitor.analysis.trace.known import Known
from monitor.analysis.trace.ledger import Pot
from monitor.analysis.trace.run import Run
from monitor.analysis.trace.said import about_addresses, allowed
from monitor.analysis.trace.steps import Flows, Step
from monitor.analysis.trace.stops import Rules, least_usd
from monitor.chains.table import family_of
from monitor.model import Subject
from monitor.model.trace import (
    USD_UNIT,
    Lead,
    Need,
    Question,
    Say,
    State,
    Stop,
    Terms,
    Wanted,
)

QUIET = 180 * 24 * 3600  # seconds without outflow after which an address is parked
ASKED_ABOUT = 50  # addresses in one question
# Stops of persons and limits, which are told apart where nothing had left.
_FROM_OUTSIDE = ("person", "hops")
# Whom value came to that may have gone on in the same transaction.
# Some bridges burn what they make anew elsewhere.
_PASSES_ON = ("bridge", "dex", "service", "contract", "burn")


@dataclass(frozen=True, slots=True)
class Limits:
    """How every address stands, sources too, with the limits of the whole case."""

    states: Mapping[Subject, tuple[State, Stop | None]]
    followed: int  # addresses
    next: tuple[Subject, ...] = ()  # to be learned about, in this order
    values: Mapping[Subject, int] = field(default_factory=dict)  # USD millionths, not followed yet
    asked: tuple[Subject, ...] = ()  # of those that are queued: beyond what a person allowed
    cut: tuple[Subject, ...] = ()  # not looked at, as a limit is reached
    ended: str = ""


def limits(
    known: Known, terms: Terms, rules: Rules, run: Run, books: Mapping[Subject, Books]
) -> Limits:
    states: dict[Subject, tuple[State, Stop | None]] = {
        source.subject: (State.SOURCE, None) for source in known.sources
    }
    queue = []
    for subject, verdict in run.verdicts.items():
        if verdict.stop is not None:
            stop = _nothing_left(known, run, subject, verdict.stop)
            states[subject] = (State.STOPPED, stop)
        elif verdict.waits:
            states[subject] = (State.WAITING, None)
        elif subject in known.followed:
            states[subject] = (_rests(known, run, books, subject), None)
        else:
            queue.append(subject)
    values = {subject: _value(run, books, subject) for subject in run.arrived}
    queue.sort(key=lambda s: (not rules.approved(s), -values[s], -_share(rules, run, s), s))
    followed = len(set(known.followed) - {source.subject for source in known.sources})
    return _bounded(known, terms, rules, queue, states, followed, values)


def _bounded(
    known: Known,
    terms: Terms,
    rules: Rules,
    queue: Sequence[Subject],
    states: dict[Subject, tuple[State, Stop | None]],
    followed: int,
    values: Mapping[Subject, int],
) -> Limits:
    """The queue as far as limits let it go on."""
    free = [subject for subject in queue if rules.approved(subject)]
    rest = queue[len(free) :]
    cut: Sequence[Subject] = ()
    asked: Sequence[Subject] = ()
    why = ""
    room = max(0, terms.addresses - followed)
    if known.calls_used >= terms.calls:
        why, cut, free, rest = "calls", queue, [], []
    elif not room:
        why, cut, rest = "addresses", rest, []
    limit = allowed(terms, known.words)
    if limit is not None and followed >= limit:
        asked, rest = rest, []
    elif limit is not None:
        room = min(room, limit - followed)
    states |= dict.fromkeys((*free, *rest), (State.QUEUED, None))
    states |= dict.fromkeys(asked, (State.WAITING, None))
    words = f"the limit of {getattr(terms, why):,} {_LIMITS[why]} is reached" if cut else ""
    states |= {subject: (State.STOPPED, Stop(why, words)) for subject in cut}
    sum_ = usd_words(sum(values[subject] for subject in cut))
    ended = f"{words}: {_addresses(len(cut))} with {sum_} not looked at" if cut else ""
    following = (*free, *rest[:room])
    return Limits(states, followed, following, values, tuple(asked), tuple(cut), ended)


_LIMITS = {"calls": "calls for finding addresses", "addresses": "followed addresses"}


def _nothing_left(known: Known, run: Run, subject: Subject, stop: Stop) -> Stop:
    """A stop from outside, of an address that was read and had passed nothing on by then."""
    if stop.reason not in _FROM_OUTSIDE or subject not in known.followed:
        return stop
    if run.ledger.last_given.get(subject, -1) >= run.arrived[subject].first:
        return stop
    return replace(stop, reason="no_outflow", detail=f"{stop.detail}; nothing had left")


def _rests(known: Known, run: Run, books: Mapping[Subject, Books], subject: Subject) -> State:
    arrived = run.arrived[subject]
    last = max(arrived.last, (books[subject].last_out or 0) if subject in books else 0)
    read = not known.rows(subject).unread
    return State.PARKED if read and known.now - last > QUIET else State.FOLLOWED


def _value(run: Run, books: Mapping[Subject, Books], subject: Subject) -> int:
    """What is there of known value, by the highest method; of what a bridge only promised, that."""
    here = Pot()
    for pot in books[subject].holds.values() if subject in books else ():
        here.merge(pot)
    promised = 0 if run.arrived[subject].held else run.arrived[subject].all.most()
    return max(here.most(), promised)


def _share(rules: Rules, run: Run, subject: Subject) -> Fraction:
    return rules.share(run.arrived[subject]) or Fraction(0)


def usd_words(millionths: int) -> str:
    cents = (millionths * 100 + USD_UNIT // 2) // USD_UNIT
    return f"{cents // 100:,}.{cents % 100:02} USD"


def _addresses(count: int) -> str:
    return "1 address" if count == 1 else f"{count:,} addresses"


# --- what has to be learned ---------------------------------------------------------------------


def wanted(
    known: Known, run: Run, limits: Limits, flows: Flows, rules: Rules
) -> tuple[Wanted, ...]:
    """Largest traced value first. A profile comes before the history, so that no service is read;
    transactions only where more than the least movement went through somebody who passes on."""
    if known.calls_used >= rules.terms.calls:
        return ()
    found = []
    for subject in limits.next:
        need = Need.FOLLOW if subject in known.profiles else Need.PROFILE
        share = _decimal(_share(rules, run, subject))
        found.append(Wanted(need, subject, limits.values[subject], share=share))
    approved = {w.subject for w in found if rules.approved(w.subject)}
    found += _anatomies(known, run, limits, flows, least_usd(rules.terms))
    found.sort(
        key=lambda w: (w.subject not in approved, -w.value, -Decimal(w.share), w.subject, w.tx)
    )
    return tuple(found)


def _anatomies(
    known: Known, run: Run, limits: Limits, flows: Flows, least: int
) -> Iterator[Wanted]:
    unclear = {id(step) for step in flows.unclear}
    sent = {id(each.step) for each in flows.sent}
    asked: dict[tuple[str, str], tuple[Subject, int]] = {}
    for each in run.steps:
        step, to = each.step, each.recipient
        key = (step.chain, step.tx)
        if key in known.anatomies or id(step) in sent or not _tells(known, step):
            continue
        if id(step) in unclear or _passes_on(limits, to):
            value = each.pot.most()
            if value >= least and value > asked.get(key, (to, -1))[1]:
                asked[key] = (to, value)
    for (_, tx), (to, value) in asked.items():
        yield Wanted(Need.ANATOMY, to, value, tx)
    yield from _other_sides(run, flows, least)


def _other_sides(run: Run, flows: Flows, least: int) -> Iterator[Wanted]:
    """Transactions whose logs would say whether they are the other side of a bridge."""
    sent = {id(each.step): each for each in flows.sent if each.ask}
    asked: dict[tuple[Subject, str], int] = {}
    for each in run.steps:
        promise = sent.get(id(each.step))
        if promise is not None and promise.to is not None:
            value = each.pot.most()
            if value >= least:
                key = (promise.to, promise.ask)
                asked[key] = max(value, asked.get(key, 0))
    for (to, tx), value in asked.items():
        yield Wanted(Need.ANATOMY, to, value, tx)


def _tells(known: Known, step: Step) -> bool:
    """Whether a transaction has logs that say more than its rows."""
    chain = known.chains.get(step.chain)
    return chain is not None and not family_of(chain).atomic


def _passes_on(limits: Limits, to: Subject) -> bool:
    stop = limits.states[to][1] if to in limits.states else None
    return stop is not None and stop.reason in _PASSES_ON


def _decimal(share: Fraction) -> str:
    return f"{Decimal(share.numerator) / Decimal(share.denominator):.12f}"


# --- what a person is asked -----------------------------------------------------------------------


def questions(
    known: Known, run: Run, limits: Limits, terms: Terms, leads: Iterable[Lead] = ()
) -> tuple[Question, ...]:
    """One of each kind at most, the first of which is open: about the largest values first."""
    found = []
    if limits.asked:
        found.append(_ask_after(limits))
    if limits.cut:
        words = f"{limits.ended}. Raise the limit?"
        found.append(Question("limit", words, limits.cut[:ASKED_ABOUT]))
    for kind, said in _WAITS.items():
        about = [s for s, verdict in run.verdicts.items() if verdict.waits == kind]
        if about:
            found.append(_question(kind, said.format(terms.min_usd), about, limits))
    doubtful = [s for s, (_, stop) in limits.states.items() if stop and not stop.confirmed]
    if doubtful:
        found.append(_question("low_confidence", _DOUBT, doubtful, limits))
    about = list(dict.fromkeys(lead.subject for lead in leads))
    left = {s for s, word in about_addresses(known.words).items() if word.say is Say.STOP}
    open_ = [s for s in about if s not in {*known.followed, *limits.next, *left}]
    if open_:
        found.append(Question("lead", f"{_addresses(len(open_))}: {_LEAD}", tuple(open_)))
    return tuple(found)


_WAITS = {
    "small_amounts": "got it in movements of less than {} USD each, in all more than ten times "
    "that. Follow?",
    "unpriced": "got traced value that has no price. Follow?",
}
_DOUBT = "named by sources that contradict each other or are not sure. Is the name right?"
_LEAD = "value may have gone on there by a guess from amount and time. Follow?"


def _ask_after(limits: Limits) -> Question:
    about = limits.asked[:ASKED_ABOUT]
    sum_ = usd_words(sum(limits.values[subject] for subject in about))
    words = f"{_addresses(limits.followed)} followed. Follow the next {len(about)}, with {sum_}?"
    return Question("ask_after", words, about)


def _question(kind: str, said: str, about: list[Subject], limits: Limits) -> Question:
    about.sort(key=lambda s: (-limits.values.get(s, 0), s))
    sum_ = usd_words(sum(limits.values.get(s, 0) for s in about))
    words = f"{_addresses(len(about))} with {sum_} {said}"
    if kind == "low_confidence":
        words = f"{_addresses(len(about))} with {sum_}, {said}"
    return Question(kind, words, tuple(about[:ASKED_ABOUT]))
