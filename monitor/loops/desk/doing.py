"""How each kind of proposal is carried out, once it was agreed to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from monitor.loops import erasing, find, list_words
from monitor.loops.clock import now
from monitor.loops.desk import following, pursuing, wishes
from monitor.loops.desk.carrying import Do, Later
from monitor.loops.list_watch import TAKEN, ListWatch, Wish
from monitor.loops.lists import Lists
from monitor.loops.own_book import OwnBook
from monitor.loops.trace_words import TraceWords
from monitor.model import Chain, Known, Subject
from monitor.model.acts import SIGNED_IN, Actor, ActorKind
from monitor.model.desk_work import Proposal
from monitor.model.errors import ConfigError, Problem
from monitor.model.trace import Say, Word
from monitor.store import trace as kept
from monitor.store.port import Store
from monitor.watchlist import edit


@dataclass(frozen=True)
class Doing:
    """What a proposal may need of an opened home folder."""

    store: Store
    chains: Mapping[str, Chain]
    retention: int | None
    lists: Lists
    following: ListWatch
    book: OwnBook
    change_list: Callable[[Callable[[str], str], Actor], object]
    reload: Callable[[], object]
    retire: Callable[[Actor, str, str], str]  # an entry, and why
    tickets: dict[str, str]  # of lists that are being taken, by proposal
    follow: Callable[[Actor, str, str], str]  # a case, and from which day on
    trace: TraceWords
    test: Callable[[Actor, str], str]  # a channel

    def kinds(self) -> dict[str, Do]:
        return {
            wishes.RETIRE: self._retire,
            wishes.OF_LIST: self._of_list,
            wishes.INSIST: self._insist,
            wishes.NOT_FOR_US: self._not_for_us,
            wishes.SHRUNK: self._shrunk,
            wishes.ERASE: self._erase,
            wishes.WATCH: self._watch,
            wishes.NAME: self._name,
            wishes.TEST: self._test,
            following.FOLLOW: self._follow,
            following.FOLLOW_ON: self._follow_on,
            pursuing.KIND: self._trace_words,
        }

    def _retire(self, proposal: Proposal, actor: Actor) -> str:
        return self.retire(actor, _text(proposal, "entry"), _text(proposal, "why"))

    def _of_list(self, proposal: Proposal, actor: Actor) -> str:
        name, address, why = (_text(proposal, key) for key in ("list", "address", "why"))
        return list_words.retire_of_list(self.lists, actor, name, address, why)

    def _insist(self, proposal: Proposal, actor: Actor) -> str:
        name, address, why = (_text(proposal, key) for key in ("list", "address", "why"))
        said = list_words.insist_of_list(self.lists, actor, name, address, why)
        self.reload()
        return said

    def _not_for_us(self, proposal: Proposal, actor: Actor) -> str:
        name, address, why = (_text(proposal, key) for key in ("list", "address", "why"))
        return list_words.not_for_us(self.lists, actor, name, address, why)

    def _shrunk(self, proposal: Proposal, actor: Actor) -> str:
        """It is taken by the lists' own loop: a list may take longer than anybody waits."""
        names, file = proposal.args["lists"], _text(proposal, "file")
        assert isinstance(names, list)
        wanted = tuple(map(str, names))
        if (ticket := self.tickets.get(proposal.id)) is None:
            wish = Wish(actor, wanted, file, True, False)
            self.tickets[proposal.id] = self.following.ask(wish)
            raise Later
        results, _ = self.following.outcome(ticket)
        if results is None:
            raise Later
        del self.tickets[proposal.id]
        said = "; ".join(each.said for each in results)
        if any(each.code != TAKEN for each in results):
            raise ConfigError([Problem("list", ", ".join(wanted), f"was not taken: {said}", "")])
        return said

    def _erase(self, proposal: Proposal, _actor: Actor) -> str:
        """Whoever agreed confirms it: the request is of somebody else."""
        who = Actor(ActorKind.PERSON, proposal.ended_by, f"agreed to {proposal.id} at the desk")
        number = int(str(proposal.args["number"]))
        return erasing.confirm(self.store, (who, SIGNED_IN), number, self.retention, now())

    def _watch(self, proposal: Proposal, actor: Actor) -> str:
        lines = proposal.args["lines"]
        assert isinstance(lines, Mapping)
        told = {str(key): str(value) for key, value in lines.items()}
        told["chain"] = find.chain_key(self.chains, told["chain"])
        adding = partial(_added, chains=self.chains, lines=told)
        self.change_list(adding, actor)
        self.reload()
        return f"added {told['address']} to watchlist.yaml"

    def _name(self, proposal: Proposal, _actor: Actor) -> str:
        said, chain, address = proposal.args["said"], _text(proposal, "chain"), ""
        assert isinstance(said, Mapping)
        address = _text(proposal, "address")
        known = Known(
            str(said["label"]),
            source=f"{said['source']} ({proposal.name})",
            category=str(said["category"] or "other"),
            date=str(said["date"]),
            confidence="high",
        )
        self.book.add(Subject(chain, address), known)
        return f"named {address} on {chain} in addressbook.csv"

    def _test(self, proposal: Proposal, actor: Actor) -> str:
        return self.test(actor, _text(proposal, "channel"))

    def _follow(self, proposal: Proposal, actor: Actor) -> str:
        return self.follow(actor, _text(proposal, "case"), _text(proposal, "since"))

    def _follow_on(self, proposal: Proposal, actor: Actor) -> str:
        case, why, say = (_text(proposal, key) for key in ("case", "why", "say"))
        subject = Subject(_text(proposal, "chain"), _text(proposal, "address"))
        for word in kept.words(self.store, case):
            mine = (word.say, word.subject, word.by) == (say, subject, actor.recorded)
            if mine and word.why == why and word.at >= proposal.at:  # before a kill
                raise ConfigError([Problem("trace", "", "says so already", "Nothing to do")])
        place = f"{subject.chain}:{subject.address}"
        if say == Say.APPROVE:
            return self.trace.approve(actor, case, [place], None, None, why)
        return self.trace.on_address(actor, Say(say), case, place, why)

    def _trace_words(self, proposal: Proposal, actor: Actor) -> str:
        """Word by word, each once: a kill between two of them leaves the others to be said."""
        said = kept.words(self.store, proposal.case)
        words = [
            word
            for word in pursuing.words_of(proposal)
            if not any(_is_said(each, word, actor, proposal) for each in said)
        ]
        if not words:
            raise ConfigError([Problem("trace", "", "says so already", "Nothing to do")])
        if why := pursuing.gone(self.store, proposal):
            raise ConfigError([Problem("trace", "", why, "Look at its page again")])
        done = [self._say(actor, proposal.case, word) for word in words]
        more = f"; and {len(done) - 1} more" if len(done) > 1 else ""
        return f"{' '.join(done[0].split())}{more}"

    def _say(self, actor: Actor, case: str, word: Word) -> str:
        if word.say is Say.MORE:
            return self.trace.approve(actor, case, [], int(word.value), None, word.why)
        if word.say is Say.LIMIT:
            name, _, number = word.value.partition("=")
            return self.trace.limit(actor, case, name, number, word.why)
        if word.say is Say.METHOD:
            return self.trace.method(actor, case, word.value, word.why)
        assert word.subject is not None
        place = f"{word.subject.chain}:{word.subject.address}"
        if word.say is Say.APPROVE:
            return self.trace.approve(actor, case, [place], None, None, word.why)
        return self.trace.on_address(actor, word.say, case, place, word.why)


def _is_said(said: Word, word: Word, actor: Actor, proposal: Proposal) -> bool:
    same = (said.say, said.subject, said.value) == (word.say, word.subject, word.value)
    return same and (said.by, said.why) == (actor.recorded, word.why) and said.at >= proposal.at


def _text(proposal: Proposal, key: str) -> str:
    return str(proposal.args[key])


def _added(text: str, *, chains: Mapping[str, Chain], lines: Mapping[str, str]) -> str:
    """Raises ConfigError; where the line stands there already (as after a kill), one that has
    nothing to do."""
    more = {key: value for key, value in lines.items() if key not in ("address", "chain", "case")}
    address, chain, case = lines["address"], lines["chain"], lines.get("case", "")
    try:
        return edit.add(text, chains, address=address, chain=chain, case=case, **more)
    except ConfigError as error:
        if not all("is on the list twice" in each.reason for each in error.problems):
            raise
        problems = [replace(each, remedy="Nothing to do") for each in error.problems]
        raise ConfigError(problems) from error
