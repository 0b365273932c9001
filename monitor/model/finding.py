"""What no list explains: part of the difference between the record and the chain."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model.balance import Between, Figure
from monitor.model.facts import Lead
from monitor.model.watch import Subject


@dataclass(frozen=True, slots=True)
class Shown:
    """Whether a list holds what a stranger moved above a finding's block, which the chain has."""

    stream: str
    source: str
    height: int  # at which the stranger moved it
    past: bool  # it does: it is not behind that block

    @property
    def words(self) -> str:
        if self.past:
            return f"{self.source} lists movements of block {self.height:,} already"
        return f"{self.source} is behind: it does not list what moved in block {self.height:,} yet"


@dataclass(frozen=True, slots=True)
class Finding:
    """Part of a difference that arose between two figures and is looked for.

    `amount`: what moved there that is not recorded, signed, in base units. `after` is the first
    figure that shows it, `before` the last one without; None: the address's beginning, with
    nothing. Times are by our clock.
    """

    id: str
    subject: Subject
    contract: str
    before: Figure | None
    after: Figure
    amount: int
    found: int
    told: int | None = None  # None: it is still looked for
    closed: int | None = None  # None: it lasts
    reason: str = ""  # what became of it
    narrowed: Between | None = None  # the blocks in which it arose, where somebody knows better
    asked: tuple[str, ...] = ()  # what was looked through, and with what result
    leads: tuple[Lead, ...] = ()
    looked: int | None = None  # when it was looked for last
    early: bool = False  # its blocks were not final then: lists on demand do not tell of such
    equal: int | None = None  # at this block the balance was what is recorded, by one word
    # Lists of which sources read these blocks to their end without it, by the last look.
    listed: tuple[tuple[str, str], ...] = ()  # (list, source)
    left: int = 0  # transactions whose fee may be more than is recorded, not looked up yet
    shown: tuple[Shown, ...] = ()  # lists that were asked for what strangers moved
    probed: int | None = None  # when they were asked last
    ready: int | None = None  # when the last look was made before it is told

    @property
    def blocks(self) -> Between:
        """The difference is not there at the first of these blocks, and is at the last."""
        return self.narrowed or Between(self.before.high if self.before else 0, self.after.high)

    @property
    def said(self) -> tuple[str, ...]:
        """All that was asked, in sentences."""
        return (*self.asked, *(each.words for each in self.shown if each.past))
