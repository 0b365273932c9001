"""What people decide of the trace of a case: which addresses are followed or left, how many more
may be looked for, limits, the method that is shown first. As with other wishes, `doing` does it
once it is agreed to; what goes over a limit, or counts what is a guess, takes two people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.analysis.trace.said import terms_now
from monitor.chains.address import display
from monitor.loops.desk import following
from monitor.loops.desk.proposing import ALL, Wish, propose
from monitor.loops.desk.said import reason, wrong
from monitor.model import Chain, Subject
from monitor.model.acts import Actor
from monitor.model.desk import DeskSettings
from monitor.model.desk_work import Proposal, Standing
from monitor.model.errors import ConfigError
from monitor.model.flow import CONSERVING, METHOD_SAID
from monitor.model.ids import stable_id
from monitor.model.plain import case_said, count
from monitor.model.terms import Terms
from monitor.model.trace import Say, State, Told, Word
from monitor.store import desk, desk_trace, trace
from monitor.store.port import Reader, Store

KIND = "trace_words"
LONGEST = 500  # addresses of one answer
NAMED = 50  # of them, that stand in the text that is agreed to

Chains = Mapping[str, Chain]


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody decides. One of them: addresses that are followed, or left; `more` addresses
    that may be looked for; a limit and its number; the method that is shown first."""

    follow: tuple[Subject, ...] = ()
    leave: tuple[Subject, ...] = ()
    more: int = 0
    limit: tuple[str, int] | None = None
    method: str = ""


def decide(
    store: Store,
    settings: DeskSettings,
    actor: Actor,
    chains: Chains,
    case: str,
    answer: Answer,
    why: str,
    now: int,
    once: str,
) -> Proposal:
    """Propose it; the same form once more is the same proposal. Raises ConfigError where there is
    nothing to decide any more, or somebody else asks for the same already."""
    why = reason(why)

    def ask() -> Wish:
        told = _newest(store, case)
        words = [_word(each) for each in said(store, told, answer)]
        what, over = _what(store, chains, told, answer)
        text = (
            f"{what}\nDecided on state {told.number} of the trace of case {case_said(case)}, "
            f"SHA-256 {told.sha256}.{over}\nWhy: {why}"
        )
        args = {"case": case, "words": words, "state": told.number, "why": why}
        return Wish(KIND, case, args, text, why, once, weighty=bool(over))

    made = stable_id("P", KIND, actor.name, once)
    if (there := desk.proposal(store, ALL, made)) is not None:
        return there
    try:
        return propose(store, settings, actor, ask, now, alone=(KIND, case))
    except ConfigError:
        # A second click may come while the first is being written.
        if (there := desk.proposal(store, ALL, made)) is not None:
            return there
        raise


def decided(store: Reader, case: str, answer: Answer) -> list[dict[str, str]]:
    """As a proposal holds it: the same once more is the same proposal."""
    told = _newest(store, case)
    return [_word(each) for each in _words(store, told, answer)]


def _newest(store: Reader, case: str) -> Told:
    told = desk_trace.told(store, ALL, case)
    if told is None:
        raise wrong("case", case, "has no trace that can be read", "Its money is followed first")
    return told


def _word(word: Word) -> dict[str, str]:
    subject = word.subject
    return {
        "say": word.say.value,
        "chain": subject.chain if subject else "",
        "address": subject.address if subject else "",
        "value": word.value,
    }


def words_of(proposal: Proposal) -> list[Word]:
    """What is said of the trace once it is agreed to."""
    listed = proposal.args.get("words")
    found = []
    for each in listed if isinstance(listed, list) else ():
        subject = Subject(each["chain"], each["address"]) if each["chain"] else None
        why = str(proposal.args["why"])
        found.append(Word(Say(each["say"]), subject, each["value"], proposal.name, why, 0))
    return found


def said(store: Reader, told: Told, answer: Answer) -> list[Word]:
    """As words. Raises ConfigError where an address neither ends nor waits there any more, where it
    was decided on meanwhile, and where there is nothing to change."""
    about = (*answer.follow, *answer.leave)
    if len(about) > LONGEST:
        raise wrong("address", "", "are too many at once", f"At most {LONGEST}")
    _not_decided(store, told, about)
    return _words(store, told, answer)


def _words(store: Reader, told: Told, answer: Answer) -> list[Word]:
    case, at = told.trace.case, desk_trace.standing_in(store, told.trace.case)
    words = []
    for subject in answer.follow:
        standing = at.get(subject.key)
        if standing is None or not following.goes_on(standing):
            remedy = "Look at the page again: it has changed since"
            raise wrong("address", subject.address, "neither ends nor waits there", remedy)
        say = Say.APPROVE if following.says_yes(standing) else Say.RESUME
        words.append(Word(say, subject, "", "", "", 0))
    for subject in answer.leave:
        standing = at.get(subject.key)
        if standing is None or standing.state is State.SOURCE or standing.reason == "person":
            remedy = "Look at the page again: it has changed since"
            raise wrong("address", subject.address, "is not followed there", remedy)
        words.append(Word(Say.STOP, subject, "", "", "", 0))
    if answer.more:
        if not any(each.kind == "ask_after" for each in told.trace.questions):
            remedy = "Look at the page again: it has changed since"
            raise wrong("question", "", "is not asked any more", remedy)
        words.append(Word(Say.MORE, None, str(answer.more), "", "", 0))
    words += _of_case(store, case, told, answer)
    if not words:
        raise wrong("address", "", "is missing", "Choose at least one address")
    return words


def _of_case(store: Reader, case: str, told: Told, answer: Answer) -> list[Word]:
    found = []
    if answer.limit is not None:
        name, number = answer.limit
        if name not in Terms.LIMITS:
            raise wrong("limit", name, "is no limit", f"One of {', '.join(Terms.LIMITS)}")
        if number == getattr(_terms(store, case, told), name):
            raise wrong("limit", name, f"is {number:,} already", "Nothing to do")
        found.append(Word(Say.LIMIT, None, f"{name}={number}", "", "", 0))
    if answer.method:
        if answer.method not in CONSERVING:
            raise wrong("method", answer.method, "is none", f"One of {', '.join(CONSERVING)}")
        if answer.method == told.trace.method:
            raise wrong("method", answer.method, "is shown first already", "Nothing to do")
        found.append(Word(Say.METHOD, None, answer.method, "", "", 0))
    return found


def _terms(store: Reader, case: str, told: Told) -> Terms:
    return terms_now(told.trace.terms, trace.words(store, case))


def _not_decided(store: Reader, told: Told, about: Sequence[Subject]) -> None:
    """Of two who answer the same question the second is told what the first said."""
    case, wanted = told.trace.case, {*about}
    for each in desk.proposals(store, ALL, case=case, kind=KIND):
        open_ = each.state in (Standing.WAITING, Standing.AGREED)
        same = [w.subject for w in words_of(each) if w.subject in wanted] if open_ else []
        if same and same[0] is not None:
            why = f"is decided on already: {each.id}, by {each.name}"
            raise wrong("address", same[0].address, why, "See what becomes of that")
    for word in trace.words(store, case):
        if word.subject in wanted and word.subject is not None and word.at >= told.at:
            why = f"was decided on just now by {word.by}: {word.say.value}"
            remedy = "The trace is worked out anew within a minute: look at it then"
            raise wrong("address", word.subject.address, why, remedy)


def needs_second(store: Reader, case: str, answer: Answer) -> bool:
    """Whether it takes two people."""
    return bool(_over(store, _newest(store, case), answer))


def _over(store: Reader, told: Told, answer: Answer) -> str:
    at = desk_trace.standing_in(store, told.trace.case)
    found = [following.over(at[each.key]) for each in answer.follow if each.key in at]
    if answer.limit is not None:
        name, number = answer.limit
        present = getattr(_terms(store, told.trace.case, told), name, 0)
        found.append(" This raises a limit of the case." if number > present else "")
    return "".join(dict.fromkeys(found))


def _what(store: Reader, chains: Chains, told: Told, answer: Answer) -> tuple[str, str]:
    """What is agreed to, and what of it goes over a limit."""
    case, at = case_said(told.trace.case), desk_trace.standing_in(store, told.trace.case)
    over = _over(store, told, answer)
    if answer.follow:
        head = f"Follow on, in the trace of case {case}, and whoever they paid:"
        care = "".join(dict.fromkeys(following.care(at[s.key]) for s in answer.follow))
        return f"{head}\n{_listed(chains, answer.follow)}\n{following.LEARN}{care}", over
    if answer.leave:
        head = f"Leave it there, and follow no further in the trace of case {case}:"
        return f"{head}\n{_listed(chains, answer.leave)}", over
    if answer.more:
        more = count(answer.more, "more address", "more addresses")
        return f"Look for {more} in the trace of case {case}.\n{following.LEARN}", over
    if answer.limit is not None:
        name, number = answer.limit
        was = getattr(_terms(store, told.trace.case, told), name)
        return f"Set the limit {name} of case {case} to {number:,}; it is {was:,} now.", over
    method = METHOD_SAID[answer.method]
    return f"Show the figures of case {case} by {method} first; others stand beside.", over


def _listed(chains: Chains, subjects: Sequence[Subject]) -> str:
    lines = [f"- {_address(chains, each)} on {each.chain}" for each in subjects[:NAMED]]
    more = len(subjects) - len(lines)
    return "\n".join([*lines, *([f"and {more:,} more, as the record names them"] if more else [])])


def _address(chains: Chains, subject: Subject) -> str:
    chain = chains.get(subject.chain)
    return display(chain, subject.address) if chain else subject.address


def gone(store: Reader, proposal: Proposal) -> str:
    """Why a proposal about a trace that waits has nothing left to decide; empty: it has."""
    words = words_of(proposal)
    at = desk_trace.standing_in(store, proposal.case)
    about = [word.subject for word in words if word.subject is not None]
    if not about:
        return ""
    left = [s for s in about if s.key in at and _still(at[s.key], words)]
    return "" if left else "none of its addresses ends or waits in the trace any more"


def _still(at: desk_trace.Standing, words: Sequence[Word]) -> bool:
    if words[0].say is Say.STOP:
        return at.reason != "person"
    return following.goes_on(at)
