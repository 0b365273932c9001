"""What comes by a name that somebody typed, while the desk is on: it proposes, and another person,
who has signed in, agrees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monitor.decide.desk.eyes import is_claimed
from monitor.loops.desk import closing, proposing, pursuing, wishes
from monitor.loops.desk.pursuing import Answer
from monitor.model import Chain
from monitor.model.acts import Actor
from monitor.model.desk import DeskSettings
from monitor.model.desk_work import Proposal, Standing
from monitor.store.port import Store


@dataclass(frozen=True)
class Claims:
    """One function for each thing that needs a second person."""

    store: Store
    settings: DeskSettings

    def take(self, actor: Actor) -> bool:
        """Whether what this actor wants only becomes a proposal."""
        return self.settings.on and is_claimed(actor)

    def close(
        self, actor: Actor, ids: Sequence[str], outcome: str, why: str, now: int
    ) -> tuple[Sequence[str], str]:
        """The alerts that closed at once, and what to say."""
        made = closing.close(
            self.store, self.settings, actor, ids, outcome, why, now, once=f"{now}"
        )
        waits = [each for each in made.proposals if each.state is Standing.WAITING]
        return made.closed, "\n".join([made.said, *map(self._said, waits)]).strip()

    def retire(self, actor: Actor, entry: str, why: str, now: int) -> str:
        return self._said(
            self._once(
                *(wishes.RETIRE, actor, {"entry": entry}),
                lambda once: wishes.retire(self.store, self.settings, actor, entry, why, now, once),
                now,
            )
        )

    def of_list(
        self, actor: Actor, kind: str, name: str, address: str, why: str, now: int, case: str = ""
    ) -> str:
        """`case`: whose people alone may know of the list; empty: everybody may."""
        return self._said(
            self._once(
                *(kind, actor, {"list": name, "address": address}),
                lambda once: wishes.of_list(
                    self.store, self.settings, actor, kind, name, address, why, now, once, case
                ),
                now,
            )
        )

    def shrunk(self, actor: Actor, names: Sequence[str], file: str, now: int, case: str) -> str:
        """`case`: as in `of_list`."""
        why = "given with --accept-shrunk"
        return self._said(
            self._once(
                *(wishes.SHRUNK, actor, {"lists": [*names], "file": file}),
                lambda once: wishes.accept_shrunk(
                    self.store, self.settings, actor, (names, file), why, now, once, case
                ),
                now,
            )
        )

    def erase(self, actor: Actor, number: int, now: int) -> str:
        why = "confirmed by a command"
        return self._said(
            self._once(
                *(wishes.ERASE, actor, {"number": number}),
                lambda once: wishes.erase(self.store, self.settings, actor, number, why, now, once),
                now,
            )
        )

    def of_trace(
        self, actor: Actor, chains: Mapping[str, Chain], case: str, answer: Answer, why: str,
        now: int,
    ) -> str:  # fmt: skip
        """What to say where it takes a second person; empty: it may be done at once."""
        if not pursuing.needs_second(self.store, case, answer):
            return ""
        words = pursuing.decided(self.store, case, answer)
        return self._said(
            self._once(
                *(pursuing.KIND, actor, {"case": case, "words": words}),
                lambda once: pursuing.decide(
                    *(self.store, self.settings, actor, chains, case, answer, why, now, once)
                ),
                now,
            )
        )

    def _once(
        self,
        kind: str,
        actor: Actor,
        args: Mapping[str, object],
        make: Callable[[str], Proposal],
        now: int,
    ) -> Proposal:
        """The same command while it waits is the same proposal."""
        for each in proposing.waiting(self.store):
            same = all(each.args.get(name) == value for name, value in args.items())
            if each.kind == kind and each.name == actor.name and same:
                return each
        return make(f"{now}")

    def _said(self, proposal: Proposal) -> str:
        page = f"{self.settings.url}/proposal/{proposal.id}"
        return (
            f"proposed  {proposal.id}; nothing is done yet: another person, who signs in, agrees "
            f"at {page}"
        )
