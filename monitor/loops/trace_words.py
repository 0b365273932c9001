"""What persons say of a case's trace: stop, resume, approve, more, a limit, the method that is
shown first, a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from monitor.loops import find, hands
from monitor.loops.clock import now
from monitor.loops.resting import value
from monitor.loops.tracing import Tracing
from monitor.model import Chain, Known, Subject
from monitor.model.acts import Actor
from monitor.model.acts_trace import SayOfTrace
from monitor.model.dates import utc_day
from monitor.model.errors import ConfigError, Problem
from monitor.model.flow import CONSERVING, METHODS
from monitor.model.plain import plural, tidy
from monitor.model.trace import USD_UNIT, Node, Say, State, Terms, Trace, Word
from monitor.store import trace as kept
from monitor.store.commit import commit
from monitor.store.port import Store
from monitor.watchlist.addressbook import CATEGORIES
from monitor.watchlist.yaml_nodes import closest

LONGEST_NAME = 120
_WHOLE = re.compile(r"[0-9]{1,9}\Z")


@dataclass(frozen=True)
class TraceWords:
    """One function for each command. Every change names who and why."""

    store: Store
    chains: Mapping[str, Chain]
    tracing: Tracing

    def on_address(self, actor: Actor, say: Say, case: str, address: str, note: str) -> str:
        """Stop or resume at an address of the trace."""
        case, why = self.tracing.meant(case), hands.reason_of(note, "--note")
        subject = self._in_trace(case, address)
        self._say(case, Word(say, subject, "", actor.recorded, why, now()), actor)
        done = "is followed on no more" if say is Say.STOP else "is followed again"
        return f"{say.value:<9} {subject.address} on {subject.chain} {done}, case {case}"

    def approve(
        self,
        actor: Actor,
        case: str,
        addresses: Sequence[str],
        more: int | None,
        above: str | None,
        note: str,
    ) -> str:
        """Addresses that wait for a person, so many more, or all above a value."""
        case, why = self.tracing.meant(case), hands.reason_of(note, "--note")
        subjects = self.meant(case, addresses, above)
        if not subjects and more is None:
            see = f"`fundwatch trace frontier {case}` shows who waits"
            if above is not None:
                raise _bad("--above", above, "is more than anybody has that waits", see)
            remedy = f"Write addresses, --next N or --above USD; {see}"
            raise _bad("ADDRESS", "", "is missing", remedy)
        for subject in dict.fromkeys(subjects):
            self._say(case, Word(Say.APPROVE, subject, "", actor.recorded, why, now()), actor)
        if more is not None:
            self._say(case, Word(Say.MORE, None, str(more), actor.recorded, why, now()), actor)
        parts = [plural(len(dict.fromkeys(subjects)), "address approved")] if subjects else []
        parts += [f"the next {more} may be looked for"] if more is not None else []
        return f"approved  case {case}: {'; '.join(parts).replace('approveds', 'approved')}"

    def limit(self, actor: Actor, case: str, name: str, text: str, note: str) -> str:
        """Another limit, with its reason."""
        case, why = self.tracing.meant(case), hands.reason_of(note, "--note")
        number = self.limit_of(name, text)
        word = Word(Say.LIMIT, None, f"{name}={number}", actor.recorded, why, now())
        self._say(case, word, actor)
        return f"limit     {name} is {number:,} for case {case}"

    def limit_of(self, name: str, text: str) -> int:
        """The number that is meant. Raises ConfigError."""
        if name not in Terms.LIMITS:
            near = closest(name, Terms.LIMITS)
            hint = f"Did you mean {near}? " if near else ""
            raise _bad("LIMIT", name, "is no limit", f"{hint}One of {', '.join(Terms.LIMITS)}")
        if not _WHOLE.match(text):
            raise _bad("NUMBER", text, "is not a whole number", "Write one like 600")
        return int(text)

    def method(self, actor: Actor, case: str, name: str, note: str) -> str:
        """The method that is shown first."""
        case, why = self.tracing.meant(case), hands.reason_of(note, "--note")
        if name not in CONSERVING:
            near = closest(name, CONSERVING)
            hint = f"Did you mean {near}? " if near else ""
            flag = "only says whether something can be reached" if name in METHODS else "is none"
            remedy = f"{hint}One of {', '.join(CONSERVING)}"
            raise _bad("METHOD", name, flag, remedy)
        self._say(case, Word(Say.METHOD, None, name, actor.recorded, why, now()), actor)
        return f"method    {name} is shown first in case {case}, chosen by {actor.recorded}"

    def label(
        self, actor: Actor, address: str, chain: str | None, name: str, category: str, note: str
    ) -> str:
        """Name an address in the home's address book."""
        why, shown = hands.reason_of(note, "--note"), tidy(name, LONGEST_NAME)
        if not shown:
            raise _bad("--name", name, "is empty", "Give a name that people know")
        if category not in CATEGORIES:
            near = closest(category, CATEGORIES)
            hint = f"Did you mean {near}? " if near else ""
            remedy = f"{hint}One of {', '.join(CATEGORIES)}"
            raise _bad("--category", category, "is not a category", remedy)
        subject = self._meant(address, chain)
        source = f"{actor.recorded}: {why}"
        known = Known(
            shown, source=source, category=category, date=utc_day(now()), confidence="high"
        )
        self.tracing.book.add(subject, known)
        for case in self._touched(subject):
            self.tracing.again(case)
        where = f"{subject.address} on {subject.chain}"
        return f"labelled  {where}: {shown} ({category}), in addressbook.csv"

    def meant(self, case: str, addresses: Sequence[str], above: str | None = None) -> list[Subject]:
        """Addresses of its trace that a command names: by themselves, or by what waits there."""
        subjects = [self._in_trace(case, address) for address in addresses]
        if above is not None:
            subjects += [n.subject for n in self._waiting(case) if value(n) >= _dollars(above)]
        return subjects

    # -- what is meant -------------------------------------------------------------------------

    def _say(self, case: str, word: Word, actor: Actor) -> None:
        commit(self.store, actor, SayOfTrace(word.at, case, word))
        self.tracing.again(case)

    def _trace(self, case: str) -> Trace:
        told = kept.newest(self.store, case)
        if told is None:
            remedy = f"Run  fundwatch trace run {case}  first"
            raise _bad("CASE", case, "was not followed yet", remedy)
        return told.trace

    def _in_trace(self, case: str, address: str) -> Subject:
        trace = self._trace(case)
        there = dict.fromkeys(
            [*(n.subject for n in trace.nodes), *(x.subject for x in trace.leads)]
        )
        meant = set(find.subjects(self.chains, address))
        found = [subject for subject in there if subject in meant]
        if not found:
            remedy = f"See `fundwatch trace show {case}`"
            raise _bad("ADDRESS", address, f"is not in the trace of case {case}", remedy)
        if len(found) > 1:
            names = ", ".join(subject.chain for subject in found)
            remedy = f"Write  {found[0].chain}:{found[0].address}"
            raise _bad("ADDRESS", address, f"is in the trace on several chains ({names})", remedy)
        return found[0]

    def _waiting(self, case: str) -> Iterable[Node]:
        return (node for node in self._trace(case).nodes if node.state is State.WAITING)

    def _meant(self, address: str, chain: str | None) -> Subject:
        key = None if chain is None else find.chain_key(self.chains, chain)
        found = find.subjects(self.chains, address, key)
        known = {subject for case in kept.cases(self.store) for subject in self._nodes(case)}
        mine = [subject for subject in found if subject in known] or found
        if len(mine) > 1:
            names = ", ".join(subject.chain for subject in mine[:8])
            raise _bad("ADDRESS", address, f"may be on several chains ({names})", "Add --chain")
        return mine[0]

    def _touched(self, subject: Subject) -> list[str]:
        return [case for case in kept.cases(self.store) if subject in self._nodes(case)]

    def _nodes(self, case: str) -> set[Subject]:
        told = kept.newest(self.store, case)
        return {node.subject for node in told.trace.nodes} if told else set()


def _dollars(text: str) -> int:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not 0 <= amount < 10**15:
        raise _bad("--above", text, "is not an amount of USD", "Write one like 5000")
    return int(amount * USD_UNIT)


def _bad(place: str, given: str, reason: str, remedy: str) -> ConfigError:
    return ConfigError([Problem(place, given, reason, remedy)])
