"""A node of an EVM chain as one that reads whole blocks (ports.WholeBlocks): each new block once,
for however many addresses."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from monitor.model import (
    ISSUER,
    Ask,
    Batch,
    Chain,
    Gap,
    Head,
    Interval,
    SourceConfig,
    Transfer,
)
from monitor.model.answers import Heard, digest_of
from monitor.model.errors import BadResponse, NotYet, SourceError
from monitor.model.ports import Source
from monitor.model.scope import Members
from monitor.net.http import Http
from monitor.net.sources import evm_whole_traces as ways
from monitor.net.sources.evm_batch import Asking
from monitor.net.sources.evm_more import lists_of
from monitor.net.sources.evm_whole_asked import Asked
from monitor.net.sources.evm_whole_block import RULED, Block, Matcher
from monitor.net.sources.evm_whole_fork import newest_standing
from monitor.net.sources.evm_whole_read import BlockReader, block_call
from monitor.net.sources.parsing import RowError, fields, hash32
from monitor.net.sources.whole_face import WholeFace

FIRST, MOST = 4, 20  # blocks of one request: at first, and at most
REQUEST_BYTES = 6_000_000  # of the answer that one request should bring
SLOW = 5.0  # seconds of a request, above which the next one asks for fewer blocks
RUNS = 10  # requests of one fetch, after which it ends between two blocks
_GUESS = 150_000  # bytes of a block, until one was seen


class EvmWhole(WholeFace):
    """`node`: the same source as one that lists logs, for all but `fetch`."""

    list_calls = 1
    needs_unspent = False

    def __init__(
        self,
        config: SourceConfig,
        chain: Chain,
        http: Http,
        node: Source,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(node)
        self._chain, self._http = chain, http
        self._asking = Asking(config.name, clock)
        self._traces = ways.Traces(config.name, config.traces, clock)
        self._reader = BlockReader(config.name, chain, self._traces, clock)
        self._matcher = Matcher(chain)
        self._width = FIRST
        self.block_bytes = _GUESS

    @property
    def bundles(self) -> tuple[frozenset[str], ...]:
        issued = {ISSUER} if self._chain.issuers else set()
        ruled = lists_of(self._chain, RULED)
        inner = set() if self._traces.how in ("", ways.NONE) else {"internal"}
        return (frozenset({"native", "erc20", "erc721", "erc1155", *inner, *issued, *ruled}),)

    @property
    def untraced(self) -> bool:
        """Whether the node shows no calls inside transactions, as far as is known."""
        return self._traces.how == ways.NONE

    @property
    def block_calls(self) -> float:
        """Each question of a batch counts, as most public providers count them."""
        per_block = 1.0 if self._traces.how in ("", ways.NONE) else 2.0
        return per_block + (1.0 / self._width if self._reader.logs.by_range else 1.0)

    @property
    def traces(self) -> str:
        """See ports.SeesInside."""
        return self._traces.how or "auto"

    @property
    def not_in_blocks(self) -> tuple[str, ...]:
        said = []
        if self._traces.how == "":
            said.append(
                "It is not known yet whether the node shows calls inside transactions: until then "
                "coins that contracts move are not seen."
            )
        elif self._traces.how == ways.NONE:
            said.append(
                "The node shows no calls inside transactions, so that coins that contracts move "
                f"are not seen ({self._http.hidden.hide(self._traces.why)})."
            )
        if self.untraced and self._reader.roots.unknown:
            said.append("No block has shown yet whether all of its transactions come.")
        elif self.untraced and self._reader.roots.silent:
            said.append(
                "Of some blocks nothing shows whether all of their transactions come: the header "
                "names them in a way of this chain's own."
            )
        if self._reader.logs.speaks is False:
            said.append(
                "The blocks of this chain do not say in their headers whether they hold token "
                "movements: a list of them that comes empty is asked for twice, and cannot be held "
                "against anything else."
            )
        return tuple(said)

    def head(self) -> Head:
        """With the first, whether the node shows calls inside transactions is found out: what its
        blocks hold is to be known before they are read."""
        head = super().head()
        if self._traces.unknown:
            with suppress(SourceError):
                self._find_out(Asked(self._http, self._asking), head.height)
        return head

    def _find_out(self, asked: Asked, height: int) -> None:
        self._traces.find_out(lambda calls: asked.ask(calls)[0], height)

    # -- reading ------------------------------------------------------------------------------

    def fetch(self, ask: Ask) -> Batch:
        asked = Asked(self._http, self._asking)
        top = min(ask.span.hi, ask.head.height)
        run = _Run(ask, dict(ask.known))
        if top < ask.span.lo:
            return self._batch(run, asked)
        if not self._stands_already(asked, run, top):
            self._read_up(asked, run, top)
        return self._batch(run, asked)

    def _stands_already(self, asked: Asked, run: _Run, top: int) -> bool:
        """Whether nothing is new; what does not stand any more of the known blocks is dropped."""
        newest = max(run.known, default=None)
        if newest is None or newest < top:
            return False
        head = run.ask.head
        here = head.block_hash if head.height == top else None
        stands = here or self._hash_of(asked, top)
        if stands == run.known.get(top):
            run.drop_above(top)
            return True
        if head.height < newest:
            raise NotYet(f"{self.name} is at block {head.height}, on another branch than before")
        self._find_fork(asked, run)
        return False

    def _hash_of(self, asked: Asked, height: int) -> str:
        (told,), _ = asked.ask([block_call(height, full=False)])
        if told is None:
            raise NotYet(f"{self.name} does not have block {height} yet")
        if isinstance(told, SourceError):
            raise told
        try:
            return hash32(fields(told).get("hash"), "hash")
        except RowError as error:
            raise BadResponse(f"{self.name}: {error}") from None

    def _find_fork(self, asked: Asked, run: _Run) -> None:
        stands = newest_standing(self.name, asked, run.known)
        run.drop_above(run.ask.span.lo - 1 if stands is None else stands)

    def _read_up(self, asked: Asked, run: _Run, top: int) -> None:
        for _ in range(RUNS):
            lo = run.next
            if lo > top or len(run.transfers) >= run.ask.max_rows:
                return
            try:
                self._step(asked, run, Interval(lo, min(lo + self._width - 1, top)))
            except SourceError:
                if not run.fresh:
                    raise
                return  # what was read counts; the next fetch meets it again

    def _step(self, asked: Asked, run: _Run, span: Interval) -> None:
        blocks = self._sized(asked, run.ask, span)
        before = run.hash_below(span.lo)
        if before is not None and blocks[0].parent != before:
            if run.fresh:
                raise NotYet(f"{self.name}: blocks changed while they were read")
            self._find_fork(asked, run)
            span = Interval(run.next, min(run.next + self._width - 1, span.hi))
            blocks = self._sized(asked, run.ask, span)
            before = run.hash_below(span.lo)
            if before is not None and blocks[0].parent != before:
                raise NotYet(f"{self.name}: blocks changed while they were read")
        head = run.ask.head
        for block in blocks:
            if block.height == head.height and head.block_hash not in (None, block.at.hash):
                raise NotYet(f"{self.name}: block {block.height} was replaced meanwhile")
        self._take(asked, run, blocks)

    def _sized(self, asked: Asked, ask: Ask, span: Interval) -> list[Block]:
        """The blocks of a span, or the lowest of them; how many are asked for at once the next
        time follows what they weigh."""
        if self._traces.unknown:
            self._find_out(asked, ask.head.height)
        if "internal" in ask.streams and self._traces.how in ("", ways.NONE):
            raise NotYet(f"{self.name} shows no calls inside transactions any more")
        bytes_before, began = asked.bytes, time.monotonic()
        blocks = self._reader.read(asked, span.lo, span.hi)
        self.block_bytes = max(1, (asked.bytes - bytes_before) // len(blocks))
        fits = max(1, min(MOST, REQUEST_BYTES // self.block_bytes))
        if time.monotonic() - began > SLOW:
            fits = min(fits, max(1, len(blocks) // 2))
        self._width = min(fits, 2 * max(self._width, FIRST))
        return blocks

    def _take(self, asked: Asked, run: _Run, blocks: Sequence[Block]) -> None:
        members = run.members
        touched = [self._matcher.match(block, members) for block in blocks]
        paid = [(found.block, found.paid) for found in touched if found.paid]
        receipts = self._reader.receipts.of(asked, paid) if paid else {}
        names: set[str] = set()
        ruled: dict[str, str] = {}
        for found in touched:
            rows, gaps = self._matcher.rows(found, receipts, members)
            run.transfers += rows
            run.gaps += gaps
            run.fresh[found.block.height] = found.block.at.hash
            if rows:
                names |= found.names
                ruled |= found.ruled
        run.heard += asked.heard(names, ruled, silence=run.ask.silence)

    def _batch(self, run: _Run, asked: Asked) -> Batch:
        ask = run.ask
        top = min(ask.span.hi, ask.head.height)
        end = run.next - 1
        read = Interval(ask.span.lo, end) if end >= ask.span.lo else None
        return Batch(
            source=self.name,
            subjects=(),
            streams=ask.streams,
            axis=self.axis,
            head=ask.head,
            transfers=tuple(run.transfers),
            read=read,
            rest=Interval(end + 1, top) if end < top else None,
            gaps=tuple(run.gaps),
            sha256=digest_of(asked.digests),
            digests=tuple(asked.digests),
            heard=tuple(run.heard),
            silence=ask.silence,
            calls=asked.calls,
            members=ask.members,
            blocks={**run.known, **run.fresh},
            fresh_from=max(run.known, default=ask.span.lo - 1) + 1,
        )


@dataclass(slots=True)
class _Run:
    """What one fetch has read so far."""

    ask: Ask
    known: dict[int, str]  # that still stand, as far as is known
    fresh: dict[int, str] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)

    @property
    def members(self) -> Members:
        return self.ask.members or Members({})

    @property
    def next(self) -> int:
        return max(self.fresh or self.known, default=self.ask.span.lo - 1) + 1

    def hash_below(self, height: int) -> str | None:
        return self.fresh.get(height - 1) or self.known.get(height - 1)

    def drop_above(self, height: int) -> None:
        self.known = {at: named for at, named in self.known.items() if at <= height}
