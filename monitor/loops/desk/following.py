"""What people at the desk want of following money: that a case's is followed, and that it goes on
at one address. As with other wishes, `carrying` does it once it is agreed to."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.analysis.trace.said import terms_now
from monitor.chains.address import display
from monitor.loops.desk.proposing import ALL, Wish, propose
from monitor.loops.desk.said import reason, wrong
from monitor.messages.trace.followed import GONE, MIXED
from monitor.messages.trace.words import REASON
from monitor.model import Chain, Subject
from monitor.model.acts import Actor
from monitor.model.desk import DeskSettings
from monitor.model.desk_work import Proposal
from monitor.model.errors import ConfigError, NotInOrder
from monitor.model.plain import case_said, count, tidy
from monitor.model.terms import Terms
from monitor.model.trace import Say, State
from monitor.store import desk_trace, trace
from monitor.store.desk_trace import Standing
from monitor.store.port import Reader, Store
from monitor.watchlist import follow_edit
from monitor.watchlist.file import WATCHLIST, ListFile
from monitor.watchlist.follow_edit import Switched

FOLLOW, FOLLOW_ON = "follow", "follow_on"
_CHECK = "Whoever runs Fundwatch sees more with `fundwatch check`"
Chains = Mapping[str, Chain]

_LIMITS = ("hops", "addresses", "calls", "no_outflow")  # of a stop: going on is going over a limit
LEARN = "Explorers and nodes that are asked about these addresses learn that somebody looks."


def follow(
    store: Store,
    settings: DeskSettings,
    actor: Actor,
    chains: Chains,
    case: str,
    since: str,
    why: str,
    now: int,
    once: str,
) -> Proposal:
    """Follow the money of a case: needs nobody else. `since`: the day (ISO) from which what its
    addresses paid counts; empty: all of it."""
    why = reason(why)

    def ask() -> Wish:
        made = _switched(store, chains, case, since)
        terms = terms_now(made.terms, trace.words(store, case))
        pays = count(made.addresses, "watched address", "watched addresses")
        begins = f"from {since} on" if since else "since watching of each began"
        text = (
            f"Follow the money of case {case_said(case)}: what its {pays} paid {begins}. Whoever "
            "received it is read too, and whoever got it from them, until it rests or comes to "
            f"somebody who can be asked to stop it.\n{_limits_said(terms)}\n{_who(terms)}{LEARN}\n"
            f"Why: {why}"
        )
        args = {"case": case, "since": since, "why": why}
        return Wish(FOLLOW, case, args, text, why, once, weighty=False)

    return propose(store, settings, actor, ask, now)


def _switched(store: Reader, chains: Chains, case: str, since: str) -> Switched:
    """The list as it will be. Raises ConfigError, and of mistakes in other lines says only that
    there are some: they may be of cases that whoever asks does not see."""
    try:
        text = ListFile.read(store.path.parent).text
    except ConfigError:  # which names the path, and a remedy for whoever runs the machine
        raise wrong(WATCHLIST, WATCHLIST, "cannot be read", f"{_CHECK}; then ask again") from None
    try:
        made = follow_edit.follow(text, chains, case, since=since)
    except NotInOrder as error:
        mistakes = count(len(error.problems), "mistake", "mistakes")
        why = f"holds {mistakes}, and is not changed"
        raise wrong(WATCHLIST, WATCHLIST, why, f"{_CHECK}; then ask again") from None
    if made.case != case:  # a command takes another spelling; here it may be a case of others
        why = f"watches no address of case {case_said(case)}"
        raise wrong(WATCHLIST, WATCHLIST, why, _CHECK)
    return made


def _limits_said(terms: Terms) -> str:
    asked = "nobody is asked on the way"
    if terms.ask_after is not None:
        asked = f"after {count(terms.ask_after, 'address', 'addresses')} a person is asked"
    return (
        f"Limits in force: {count(terms.hops, 'step', 'steps')} from a watched address, "
        f"{count(terms.addresses, 'address', 'addresses')}, "
        f"{count(terms.calls, 'call', 'calls')} to find them and {terms.calls_per_day:,} a day to "
        f"watch them; less than {terms.min_usd} USD, or than {terms.min_share} of what left, is "
        f"summed up and not followed; {asked}."
    )


def _who(terms: Terms) -> str:
    return f"Only {', '.join(terms.sources)} may be asked. " if terms.sources else ""


def follow_on(
    store: Store,
    settings: DeskSettings,
    actor: Actor,
    chains: Chains,
    case: str,
    subject: Subject,
    why: str,
    now: int,
    once: str,
) -> Proposal:
    """Follow an address of a case's trace on, which ends or waits there: what goes over a limit of
    the case, or takes a guess for a fact, needs a second person."""
    why = reason(why)

    def ask() -> Wish:
        at = _standing(store, case, subject)
        address = display(chains[subject.chain], subject.address)
        beyond = over(at)
        text = (
            f"Follow {address} on {chains[subject.chain].name} on, in the trace of case "
            f"{case_said(case)}. {stands(at)} What it pays is followed further.{care(at)}{beyond}\n"
            f"{LEARN}\nWhy: {why}"
        )
        say = Say.APPROVE if says_yes(at) else Say.RESUME
        args = {
            **{"case": case, "chain": subject.chain, "address": subject.address},
            **{"say": say.value, "why": why},
        }
        return Wish(FOLLOW_ON, case, args, text, why, once, weighty=bool(beyond))

    return propose(store, settings, actor, ask, now)


def stands(at: Standing) -> str:
    """How it stands in the trace, in a sentence."""
    if at.state is State.WAITING:
        return "There it waits for a person's yes."
    if at.state is not State.STOPPED:
        return "There it is read, or will be."
    detail = f" ({tidy(at.detail, 200)})" if at.detail else ""
    return f"There the trace ends: {REASON.get(at.reason, tidy(at.reason, 40))}{detail}."


def goes_on(at: Standing) -> bool:
    """Whether a person may have it followed on."""
    return at.state is State.WAITING or (at.state is State.STOPPED and at.reason not in GONE)


def needs_second(at: Standing) -> bool:
    """Whether following it on takes two people."""
    return bool(over(at))


def care(at: Standing) -> str:
    """What speaks against following it on; empty: nothing that is known."""
    if at.state is not State.STOPPED or at.reason not in MIXED:
        return ""
    return " Funds of many people may be one there: what leaves it need not be this money."


def over(at: Standing) -> str:
    """What of it goes over a limit, or takes a guess for a fact; empty: nothing."""
    if at.lead:
        return " That the money came to it is a guess; with this it is counted."
    if at.state is not State.STOPPED or at.reason not in _LIMITS:
        return ""
    if at.reason == "calls":
        return " This goes over a limit of the case: its calls are counted anew from here."
    return " This goes over a limit of the case."


def says_yes(at: Standing) -> bool:
    """Whether it is a yes to what waits, or to more calls, and not a word against an end."""
    return at.state is State.WAITING or at.reason == "calls"


def _standing(store: Reader, case: str, subject: Subject) -> Standing:
    found = [s for s in desk_trace.standings(store, ALL, subject) if s.case == case]
    if not found or not goes_on(found[0]):
        remedy = "Look at the page of the address again"
        raise wrong("address", subject.address, "neither ends nor waits in that trace", remedy)
    return found[0]
