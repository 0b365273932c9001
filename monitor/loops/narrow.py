"""Narrowing a difference to few blocks, where a source answers for the past: by halving, several
assets at once, in so many requests as halving takes. Whatever cannot be asked leaves the blocks
wider, and never others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from monitor.decide.balance import recorded
from monitor.decide.findings import difference as unrecorded
from monitor.decide.narrowing import Narrowing
from monitor.loops.witness import Witness, sees_balances, tells_shares
from monitor.model import Row
from monitor.model.balance import Between, Holding
from monitor.model.errors import NotServed, NotYet, SourceError
from monitor.model.finding import Finding
from monitor.model.ports import Source

PAST = "balances of old blocks"
MOST = 60  # words on balances of one search: halving twice over a hundred million blocks


@dataclass(frozen=True, slots=True)
class Difference:
    """What is narrowed: the blocks; what of the chain's figure is not recorded at the first of
    them (`start`) and at the last (`end`); what is recorded up to a block of theirs."""

    holding: Holding
    blocks: Between
    start: int
    end: int
    recorded: Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The blocks in which a difference arose: it is not there at the first, and all of it is at the
    last. `reason`: why they are no fewer, in words. What went and came back in between, with no
    question asked meanwhile, is not seen: more than one movement may be missing in them."""

    blocks: Between
    reason: str = ""


def narrow(
    witness: Witness, source: Source, differences: Iterable[Difference], most: int = MOST
) -> dict[Holding, Narrowed]:
    """Where these differences arose, by one source that answers for the past."""
    return _Search(witness, source, [d for d in differences if d.start != d.end], most).run()


def narrow_finding(witness: Witness, finding: Finding, rows: Sequence[Row]) -> Narrowed | None:
    """Where what a finding tells of arose; `rows`: all recorded of its asset. None: no source
    answers for the past, or it is one block already, or rows are not decided."""
    difference = _of_finding(finding, rows)
    shares = finding.after.shares
    able = [s for s in witness.sources() if _old_heights(s) and (not shares or tells_shares(s))]
    if difference is None or not able or finding.blocks.hi - finding.blocks.lo <= 1:
        return None
    return narrow(witness, able[0], [difference]).get(difference.holding)


def _old_heights(source: Source) -> bool:
    able = sees_balances(source)
    return able is not None and able.old_heights


def _of_finding(finding: Finding, rows: Sequence[Row]) -> Difference | None:
    before, after, address = finding.before, finding.after, finding.subject.address
    holding = Holding(address, finding.contract, after.shares)
    blocks = Between(before.high if before else 0, after.high)
    if after.shares:
        base = before.amount if before else 0
        return Difference(holding, blocks, 0, after.amount - base, lambda _: base)

    def at(height: int) -> int:
        return recorded(rows, address, replace(after, low=height, high=height)).amount

    start = unrecorded(before, rows) if before else 0
    end = unrecorded(after, rows)
    if start is None or end is None or any(row.transfer.block_height is None for row in rows):
        return None
    return Difference(holding, blocks, start, end, at)


@dataclass
class _Search:
    witness: Witness
    source: Source
    differences: Sequence[Difference]
    most: int
    places: dict[Holding, Narrowing] = field(default_factory=dict)
    hashes: dict[int, str | None] = field(default_factory=dict)
    why: dict[Holding, str] = field(default_factory=dict)  # these are left as they are
    ended: str = ""  # why nothing more is asked

    def run(self) -> dict[Holding, Narrowed]:
        for each in self.differences:
            ends = {each.blocks.lo: each.start, each.blocks.hi: each.end}
            self.places[each.holding] = Narrowing(ends)
        self._agree()
        while (height := self._next()) is not None and not self.ended:
            wanted = [each for each in self._open() if self.places[each.holding].wants(height)]
            for each, left in self._ask(wanted, height):
                if left is None:
                    self.places[each.holding].lost(height)
                else:
                    self.places[each.holding].note(height, left)
        return {each.holding: self._narrowed(each) for each in self.differences}

    def _open(self) -> list[Difference]:
        return [each for each in self.differences if each.holding not in self.why]

    def _agree(self) -> None:
        """The source has to say of both ends what others said; of the first one it may have lost
        the state."""
        for last in (True, False):
            by_height: dict[int, list[Difference]] = {}
            for each in self._open():
                height = each.blocks.hi if last else each.blocks.lo
                by_height.setdefault(height, []).append(each)
            for height, wanted in by_height.items():
                for each, left in self._ask(wanted, height):
                    self._agreed(each, left, height, last=last)

    def _agreed(self, each: Difference, left: int | None, height: int, *, last: bool) -> None:
        if left is None:
            self.places[each.holding].lost(height)
            if last:
                self.why[each.holding] = f"{self.source.name} does not say what was at {height:,}"
        elif left != (each.end if last else each.start):
            self.why[each.holding] = f"{self.source.name} says something else of block {height:,}"

    def _next(self) -> int | None:
        """The middle of the widest."""
        places = [self.places[each.holding] for each in self._open()]
        heights = [(place.width, place.next()) for place in places]
        wanted = [(width, height) for width, height in heights if height is not None]
        return max(wanted)[1] if wanted else None

    def _ask(
        self, wanted: Sequence[Difference], height: int
    ) -> list[tuple[Difference, int | None]]:
        """What is left of each at this block; None: the source does not say."""
        able = sees_balances(self.source)
        if not wanted or self.ended or able is None:
            return []
        if self.most <= 0 or self.witness.pool.rests(self.source, PAST):
            self.ended = "asked often enough" if self.most <= 0 else "the source has to rest"
            return []
        self.most -= 1
        try:
            word = able.balances([each.holding for each in wanted], height)
            self.witness.pool.confirm(self.source)
        except (NotServed, NotYet):
            return [(each, None) for each in wanted]
        except SourceError as error:
            self.witness.pool.withheld(self.source, PAST, error)
            self.ended = str(error)
            return []
        self.witness.pool.told(self.source, PAST)
        if not word.low.height == word.high.height == height:
            return [(each, None) for each in wanted]
        self.hashes[height] = word.high.block_hash
        said = word.said
        return [
            (each, said[each.holding] - each.recorded(height) if each.holding in said else None)
            for each in wanted
        ]

    def _narrowed(self, each: Difference) -> Narrowed:
        if why := self.why.get(each.holding, ""):
            return Narrowed(each.blocks, why)
        place = self.places[each.holding]
        blocks = place.blocks
        if not self._stands(blocks):
            return Narrowed(each.blocks, "the chain was reorganised meanwhile")
        if self.ended:
            return Narrowed(blocks, self.ended)
        if blocks.hi - blocks.lo > 1 and place.floor >= blocks.lo:
            return Narrowed(blocks, f"{self.source.name} does not say what was before")
        return Narrowed(blocks)

    def _stands(self, blocks: Between) -> bool:
        """Whether both ends are still blocks of one chain; final ones are."""
        pool = self.witness.pool
        try:
            newest = pool.head(self.source).height
            for height in (blocks.lo, blocks.hi):
                known = self.hashes.get(height)
                if known is None or height <= newest - pool.chain.finality:
                    continue
                if self.source.block_hash(height) != known:
                    return False
        except SourceError:
            return False
        return True
