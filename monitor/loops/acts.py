"""What people change: one function for each change, whichever door they come through. Carried
out by the daemon when one runs, else by the command; the page calls them too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import partial

from monitor.loops import cases, deliver, erasing, find, hands, inbox, list_words
from monitor.loops.balance_rounds import BalanceRounds
from monitor.loops.balance_rounds import Wish as BalanceWish
from monitor.loops.clock import now
from monitor.loops.desk import wishes
from monitor.loops.desk.carrying import Do
from monitor.loops.desk.claims import Claims
from monitor.loops.desk.doing import Doing
from monitor.loops.desk.pursuing import Answer
from monitor.loops.doors import Caller
from monitor.loops.freeze import DeliverWorld
from monitor.loops.hands import Taken
from monitor.loops.list_watch import ListWatch, Wish
from monitor.loops.lists import Lists
from monitor.loops.trace_words import TraceWords
from monitor.loops.tracing import Tracing
from monitor.loops.tracing import Wish as TraceWish
from monitor.model import Chain
from monitor.model.acts import Actor, BackedUp, Replay, Retire, TestChannel
from monitor.model.dates import utc_day
from monitor.model.desk import DeskSettings
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import count, quoted
from monitor.model.trace import Say
from monitor.store import outbox, watch
from monitor.store.commit import commit
from monitor.store.port import Store
from monitor.watchlist import edit, follow_edit
from monitor.watchlist.follow_edit import Switched


@dataclass(frozen=True)
class Acts:
    """The changes that can be made in an opened home folder."""

    store: Store
    chains: Mapping[str, Chain]
    retention: int | None  # years for which a closed case is kept
    world: Callable[[], DeliverWorld]
    deliver: Callable[[], object]  # send what is due, and wait for it
    change_list: Callable[[Callable[[str], str], Actor], object]  # rewrite the watchlist, take it
    reload: Callable[[], object]  # follow what it says
    following: ListWatch
    balancing: BalanceRounds
    tracing: Tracing
    lists: Lists
    symbols: Collection[str]  # of verified assets
    desk: DeskSettings = field(default_factory=DeskSettings)
    tickets: dict[str, str] = field(default_factory=dict)  # see Doing

    def table(self) -> dict[str, inbox.Action]:
        """Every change by the name that a request gives it. Each is told who asks, and returns
        the line to show."""
        return {
            "set_state": self._set_state,
            "replay": self.replay,
            "test_channel": self.test_channel,
            "retire": self.retire,
            "note_backup": self.note_backup,
            "change_case": self.change_case,
            "ask_erasure": self.ask_erasure,
            "confirm_erasure": self.confirm_erasure,
            "update_lists": self.update_lists,
            "propose_shrunk": self.propose_shrunk,
            "lists_updated": self.lists_updated,
            "reconcile": self.reconcile,
            "reconciled": self.reconciled,
            "trace": self.trace,
            "traced": self.traced,
            "trace_follow": self.trace_follow,
            "trace_stop": partial(self._on_address, Say.STOP),
            "trace_resume": partial(self._on_address, Say.RESUME),
            "trace_approve": self.trace_approve,
            "trace_limit": self.trace_limit,
            "trace_method": self.trace_method,
            "trace_label": self.trace_label,
            "set_of_list": self.set_of_list,
            "retire_of_list": self.retire_of_list,
            "insist_of_list": self.insist_of_list,
        }

    def take(
        self,
        ids: Sequence[str],
        state: str,
        actor: Actor,
        note: str,
        *,
        over: bool = False,
        outcome: str = "",
    ) -> Taken:
        """Acknowledge or close single alerts, or all alerts of a message that are free. While the
        desk is on, severe and high ones are closed by two: what a typed name wants is proposed."""
        hands.note_of(note, state)  # said before what is wrong with the ids
        problems: list[Problem] = []
        given: list[tuple[str, list[str]]] = []
        for each in ids:
            try:
                found = find.alert_ids(self.store, each)
            except ConfigError as error:
                problems += error.problems
                continue
            one = len(found) == 1 and found[0] in (each.strip(), find.spelled_id(each))
            given.append((found[0] if one else find.spelled_id(each), found))
        if problems:
            raise ConfigError(problems)
        if state == hands.CLOSED and self._claims.take(actor):
            every = [alert for _, found in given for alert in found]
            return Taken(*self._claims.close(actor, every, outcome, note, now()))
        return hands.take(self.store, given, state, actor, note, now(), over=over, outcome=outcome)

    def _set_state(
        self,
        caller: Caller,
        ids: Sequence[str],
        state: str,
        name: str,
        note: str,
        take_over: bool = False,
        outcome: str = "",
    ) -> str:
        """As a command asks for it; older ones do not say `take_over` or `outcome`."""
        actor = caller.named(name)
        return self.take(ids, state, actor, note, over=take_over, outcome=outcome).said

    def replay(self, caller: Caller, ids: Sequence[str], dead: bool, by: str | None = None) -> str:
        wanted = [each.message for each in outbox.deliveries(self.store, "dead")] if dead else ids
        wanted = find.message_ids(self.store, wanted)
        count = commit(self.store, caller.named(by), Replay(now(), wanted))
        self.deliver()
        what = "delivery" if count == 1 else "deliveries"
        return f"replayed  {count:,} {what}; see `fundwatch deliveries list`"

    def test_channel(self, caller: Caller, name: str, by: str | None = None) -> str:
        return self._test(caller.named(by), name)

    def _test(self, actor: Actor, name: str) -> str:
        world = self.world()
        if name not in world.channels:
            raise ConfigError([Problem("channel", name, "is not there any more", "See the others")])
        answers = deliver.send_test(world, name)
        good = sum(answer.good for answer in answers)
        commit(self.store, actor, TestChannel(now(), name, good, len(answers) - good))
        remedy = "Correct config/channels.yaml, then try again"
        problems = [
            Problem(f"channel {name}", "", f"{answer.recipient}: {answer.words}", remedy)
            for answer in answers
            if not answer.good
        ]
        if problems:
            raise ConfigError(problems)
        return "\n".join(f"accepted  {each.recipient}: {each.words}" for each in answers)

    def retire(self, caller: Caller, entry_id: str, name: str, why: str, day: str) -> str:
        """In the file where the entry still stands there; else in the record alone."""
        return self._retire(caller.named(name), entry_id, why, day, agreed=False)

    def _retire(self, actor: Actor, entry_id: str, why: str, day: str, *, agreed: bool) -> str:
        """`agreed`: by a second person, where one is needed."""
        why = hands.reason_of(why, "--why")
        found = find.the_entry(self.store, entry_id, self.chains)
        entry_id, origin = found.entry.id, found.entry.origin
        if origin is not None:
            address = found.entry.subject.address
            remedy = f"fundwatch lists retire {origin.list} {address} --by NAME --why TEXT"
            reason = f"is an entry of list {origin.list}"
            raise ConfigError([Problem("ENTRY", entry_id, reason, remedy)])
        if not found.active:
            raise ConfigError([Problem("ENTRY", entry_id, "is retired already", "Nothing to do")])
        if not agreed and self._claims.take(actor):
            return self._claims.retire(actor, entry_id, why, now())
        if entry_id in {w.entry.id for w in watch.absent_entries(self.store)}:
            ended = replace(found.entry, retired=f'{day} {actor.recorded} "{why}"')
            commit(self.store, actor, Retire(now(), ended))
            return f"retired   {entry_id}; it was missing from the file already"
        ending = partial(
            edit.retire,
            chains=self.chains,
            entry_id=entry_id,
            when=day,
            name=actor.recorded,
            why=why,
        )
        self.change_list(ending, actor)
        self.reload()
        return f"retired   {entry_id}; what was recorded stays"

    def note_backup(self, caller: Caller, path: str, by: str | None = None) -> str:
        commit(self.store, caller.named(by), BackedUp(now(), path))
        return ""

    def change_case(self, caller: Caller, how: str, case: str, name: str, why: str) -> str:
        actor = caller.named(name)
        return cases.change(self.store, actor, how, case, why, self.retention, now())

    def ask_erasure(
        self, caller: Caller, numbers: Sequence[int], why: str, rule: str, name: str
    ) -> str:
        who = caller.named(name), caller.uid
        return erasing.ask(self.store, who, numbers, (why, rule), self.retention, now())

    def confirm_erasure(self, caller: Caller, number: int, name: str) -> str:
        who = caller.named(name), caller.uid
        if self._claims.take(who[0]):
            erasing.look(self.store, who[0], number, self.retention, now())
            return self._claims.erase(who[0], number, now())
        return erasing.confirm(self.store, who, number, self.retention, now())

    def update_lists(
        self,
        caller: Caller,
        names: Sequence[str],
        file: str,
        shrunk: bool,
        grown: bool,
        by: str | None = None,
    ) -> str:
        """Lists may take longer than anybody waits for an answer: this hands out the ticket with
        which `lists_updated` is asked what came of it."""
        actor = caller.named(by)
        wish = Wish(actor, tuple(names), file, shrunk, grown)
        return self.following.ask(wish)

    def propose_shrunk(
        self, caller: Caller, names: Sequence[str], file: str, by: str | None = None
    ) -> str:
        """What to say where taking a list that lost rows needs a second person; empty: it needs
        none, and `update_lists` does it."""
        actor = caller.named(by)
        if not self._claims.take(actor):
            return ""
        private = [self.lists.config(each).private_to for each in names]
        case = next(filter(None, private), "")
        return self._claims.shrunk(actor, names, file, now(), case)

    def lists_updated(self, _caller: Caller, ticket: str) -> str:
        """JSON: `results` (null while it lasts), each as [name, exit code, line]; `doing`."""
        results, doing = self.following.outcome(ticket)
        told = None if results is None else [astuple(each) for each in results]
        return json.dumps({"results": told, "doing": doing})

    def reconcile(
        self, _caller: Caller, address: str | None, chain: str | None, case: str | None
    ) -> str:
        """Hold addresses against their chains: hands out the ticket with which `reconciled` is
        asked, for it may take long."""
        return self.balancing.ask(BalanceWish(address, chain, case))

    def reconciled(self, _caller: Caller, ticket: str) -> str:
        """JSON: `held`, the addresses as [chain, address] (null while it lasts); `doing`."""
        held, doing = self.balancing.outcome(ticket)
        told = None if held is None else [astuple(each) for each in held]
        return json.dumps({"held": told, "doing": doing})

    def trace(self, _caller: Caller, case: str, calls: int | None) -> str:
        """Follow a case's money: hands out the ticket with which `traced` is asked."""
        return self.tracing.ask(TraceWish(case, calls))

    def traced(self, _caller: Caller, ticket: str) -> str:
        """JSON: `lines`, each as [line] (null while it lasts); `doing`."""
        lines, doing = self.tracing.outcome(ticket)
        told = None if lines is None else [[line] for line in lines]
        return json.dumps({"lines": told, "doing": doing})

    def trace_follow(self, caller: Caller, case: str, since: str, note: str, by: str) -> str:
        """Switch following on for a case, in the watchlist: from a day on, or ("") all of it."""
        why = hands.reason_of(note, "--note")
        actor = caller.named(by)
        told = replace(actor, authority=f"{actor.authority}; why: {quoted(why, 500)}")
        return self._follow(told, case, since)

    def _follow(self, actor: Actor, case: str, since: str) -> str:
        done: list[Switched] = []

        def switched(text: str) -> str:
            done.append(follow_edit.follow(text, self.chains, case, since=since))
            return done[-1].text

        self.change_list(switched, actor)
        self.reload()
        case = done[0].case
        pays = count(done[0].addresses, "watched address", "watched addresses")
        begins = f"since {since}" if since else "since watching began"
        return f"followed  case {case}: what its {pays} paid {begins}"

    def _on_address(
        self, say: Say, caller: Caller, case: str, address: str, note: str, by: str
    ) -> str:
        words, actor = self._trace_words, caller.named(by)
        if say is Say.RESUME and self._claims.take(actor):
            case = self.tracing.meant(case)
            if said := self._of_trace(
                actor, case, Answer(tuple(words.meant(case, [address]))), note
            ):
                return said
        return words.on_address(actor, say, case, address, note)

    def _of_trace(self, actor: Actor, case: str, answer: Answer, note: str) -> str:
        """What to say where it takes a second person who has signed in."""
        why = hands.reason_of(note, "--note")
        return self._claims.of_trace(actor, self.chains, case, answer, why, now())

    def trace_approve(
        self,
        caller: Caller,
        case: str,
        addresses: Sequence[str],
        more: int | None,
        above: str | None,
        note: str,
        by: str,
    ) -> str:
        words, actor = self._trace_words, caller.named(by)
        if not self._claims.take(actor) or not (addresses or above):
            return words.approve(actor, case, addresses, more, above, note)
        case = self.tracing.meant(case)
        said = self._of_trace(actor, case, Answer(tuple(words.meant(case, addresses, above))), note)
        if said and more is not None:
            return f"{said}\n{words.approve(actor, case, [], more, None, note)}"
        return said or words.approve(actor, case, addresses, more, above, note)

    def trace_limit(
        self, caller: Caller, case: str, name: str, value: str, note: str, by: str
    ) -> str:
        words, actor = self._trace_words, caller.named(by)
        number = words.limit_of(name, value)
        if self._claims.take(actor):
            case = self.tracing.meant(case)
            if said := self._of_trace(actor, case, Answer(limit=(name, number)), note):
                return said
        return words.limit(actor, case, name, value, note)

    def trace_method(self, caller: Caller, case: str, name: str, note: str, by: str) -> str:
        return self._trace_words.method(caller.named(by), case, name, note)

    def trace_label(
        self,
        caller: Caller,
        address: str,
        chain: str | None,
        name: str,
        category: str,
        note: str,
        by: str,
    ) -> str:
        words = self._trace_words
        return words.label(caller.named(by), address, chain, name, category, note)

    @property
    def _claims(self) -> Claims:
        return Claims(self.store, self.desk)

    def agreed(self) -> dict[str, Do]:
        """How what was agreed to at the desk is carried out, by the kind of proposal."""
        doing = Doing(
            *(self.store, self.chains, self.retention, self.lists, self.following),
            *(self.tracing.book, self.change_list, self.reload),
            lambda actor, entry, why: self._retire(actor, entry, why, utc_day(now()), agreed=True),
            self.tickets,
            self._follow,
            self._trace_words,
            self._test,
        )
        return doing.kinds()

    @property
    def _trace_words(self) -> TraceWords:
        return TraceWords(self.store, self.chains, self.tracing)

    def set_of_list(
        self,
        caller: Caller,
        name: str,
        what: str,
        pairs: Sequence[str],
        by: str,
        why: str,
    ) -> str:
        """Of an address or an entity of a list: KEY=VALUE."""
        actor = caller.named(by)
        said = list_words.set_of_list(self.lists, self.symbols, actor, name, what, pairs, why)
        self.reload()
        return said

    def retire_of_list(self, caller: Caller, name: str, address: str, by: str, why: str) -> str:
        """End the watch of an address of a list."""
        if self._claims.take(actor := caller.named(by)):
            case = self.lists.config(name).private_to
            return self._claims.of_list(actor, wishes.OF_LIST, name, address, why, now(), case)
        return list_words.retire_of_list(self.lists, caller.named(by), name, address, why)

    def insist_of_list(self, caller: Caller, name: str, address: str, by: str, why: str) -> str:
        """Watch an address of a list against a rule."""
        if self._claims.take(actor := caller.named(by)):
            case = self.lists.config(name).private_to
            return self._claims.of_list(actor, wishes.INSIST, name, address, why, now(), case)
        said = list_words.insist_of_list(self.lists, caller.named(by), name, address, why)
        self.reload()
        return said
