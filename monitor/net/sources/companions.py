"""One list of an address read in the light of its other lists.

A trace that is the transaction itself, wrapping without a token row, a token row that is a
native movement: whether a row counts, or is missing, only the lists together can report. They
are read one after the other in a pass, so what a native or internal list brought a moment ago
is kept, and asked for again only where it does not reach.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from monitor.model import Chain, Gap, Head, Interval, Kind, TokenFacts, Transfer
from monitor.model.errors import NotYet, Refused, SourceError
from monitor.net.sources.evm_rows import SOMETIMES_TOKENS, ZERO_ADDRESS, number_equals
from monitor.net.sources.paging import Walk
from monitor.net.sources.parsing import Parsed

WHY = "this source tells the direction wrongly in these blocks"
KEPT_LISTS = 128
KEPT_ROWS = 500  # of one list; longer ones are asked for again


@dataclass(frozen=True, slots=True)
class Movements:
    """What a list holds of an interval: `read` is as far as it is whole (None: it could not
    be read just now)."""

    read: Interval | None
    rows: tuple[Transfer, ...]

    @classmethod
    def of(cls, walk: Walk, parsed: Parsed) -> Movements:
        """A row without a readable place may lie anywhere: then nothing is whole."""
        return cls(walk.read if parsed.placed else None, parsed.transfers)


Ask = Callable[[str, Interval], Movements]  # (stream, interval)


class Recent:
    """Native and internal movements as read a moment ago, by address. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[Head, Movements]] = OrderedDict()

    def keep(self, address: str, stream: str, head: Head, found: Movements) -> None:
        if found.read is None or len(found.rows) > KEPT_ROWS:
            return
        with self._lock:
            self._kept[address, stream] = (head, found)
            self._kept.move_to_end((address, stream))
            while len(self._kept) > KEPT_LISTS:
                self._kept.popitem(last=False)

    def ask(
        self,
        address: str,
        stream: str,
        head: Head,
        span: Interval,
        read: Callable[[str, Interval], tuple[Walk, Parsed]],
    ) -> Movements:
        """What another list of the address holds of a span: as it was read under this head,
        else by reading it now."""
        held = self.find(address, stream, head, span)
        if held is not None:
            return held
        try:
            return Movements.of(*read(stream, span))
        except Refused:
            return Movements(span, ())  # a list that is not served hides no other list
        except SourceError:
            return Movements(None, ())

    def find(self, address: str, stream: str, head: Head, span: Interval) -> Movements | None:
        """What was read under this head, where it reaches over all of the span."""
        with self._lock:
            at, found = self._kept.get((address, stream), (None, None))
        if found is None or at != head or found.read is None:
            return None
        whole = found.read.lo <= span.lo and span.hi <= found.read.hi
        return Movements(span, _inside(found.rows, span)) if whole else None


def without_outermost(
    parsed: Parsed, walk: Walk, ask: Ask, *, zero_is_outermost: bool = False
) -> tuple[Parsed, Walk]:
    """Internal movements without those that are their transaction's own, which the native
    list reports: some explorers list the outermost call too. Where frames are counted from the
    outermost (Blockscout), number 0 from the signer is that call, whatever it says.

    What the native list cannot be read for just now is not read either: reported without it, a
    movement would come a second time as soon as it can be.
    """
    span = _extent(parsed.transfers)
    if span is None:
        return parsed, walk
    found = ask("native", span)
    end = found.read.hi if found.read is not None else span.lo - 1
    if end < span.hi:
        parsed, walk = _up_to(parsed, end), _ended(walk, end)
    own = [t for t in found.rows if t.kind is Kind.NATIVE]
    signers = {(t.tx, t.sender) for t in found.rows}
    inner = [
        t
        for t in parsed.transfers
        if not (zero_is_outermost and t.trace_path == "0" and (t.tx, t.sender) in signers)
    ]
    return replace(parsed, transfers=_less(inner, Counter(map(_what, own)))), walk


def with_wraps(
    parsed: Parsed, walk: Walk, ask: Ask, chain: Chain, address: str
) -> tuple[Parsed, Walk]:
    """Token movements with those of the chain's wrapped coin that no Transfer reports: coins
    sent to its contract are minted to the sender, coins it sends are burnt. What is proven
    ends where the native and internal lists end."""
    if not chain.wrapped or chain.wrapped == address or walk.read is None:
        return parsed, walk
    lists = [ask(stream, walk.read) for stream in ("native", "internal")]
    wraps = [w for found in lists for t in found.rows for w in _wrapped(t, chain.wrapped)]
    missing = _less(wraps, Counter(map(_what, parsed.transfers)))
    tokens = parsed.tokens
    if missing and all(facts.contract != chain.wrapped for facts in tokens):
        symbol = f"W{chain.symbol}"
        tokens += (TokenFacts(chain.wrapped, symbol, f"Wrapped {chain.symbol}", chain.decimals),)
    found = _numbered((*parsed.transfers, *missing))
    return replace(parsed, transfers=found, tokens=tokens), _shorter(walk, lists)


def without_coin_twins(parsed: Parsed, ask: Ask, chain: Chain) -> Parsed:
    """Token movements without those of the chain's own coin that a native list reports too.
    Raises NotYet where that cannot be read just now: they would be reported twice."""
    coin = SOMETIMES_TOKENS.get(chain.chain_id or 0)
    span = _extent(t for t in parsed.transfers if t.contract == coin)
    if coin is None or span is None:
        return parsed
    lists = [ask(stream, span) for stream in ("native", "internal")]
    if any(found.read is None for found in lists):
        raise NotYet(f"which of {chain.symbol}'s movements are told twice cannot be read just now")
    reported = Counter(_what(replace(t, contract=coin)) for found in lists for t in found.rows)
    return replace(parsed, transfers=_less(parsed.transfers, reported))


def without_listed(parsed: Parsed, ask: Ask) -> Parsed:
    """Coins that arrived over a bridge without those that the internal list reports too, as sent
    by its contract. Raises NotYet where that cannot be read just now."""
    span = _extent(parsed.transfers)
    if span is None:
        return parsed
    found = ask("internal", span)
    if found.read is None or found.read.hi < span.hi:
        raise NotYet("which deposits are listed among the internal ones cannot be read just now")
    listed = Counter((t.tx, t.recipient, t.amount) for t in found.rows)
    kept = []
    for move in parsed.transfers:
        if listed[move.tx, move.recipient, move.amount] > 0:
            listed[move.tx, move.recipient, move.amount] -= 1
        else:
            kept.append(move)
    return replace(parsed, transfers=_numbered(kept))


def with_wraps_righted(parsed: Parsed, ask: Ask, chain: Chain, wrong: Interval) -> Parsed:
    """Token movements where the source reports every Deposit of the wrapped coin of these
    blocks as if it were a burn: the coin's own movement says which it was. One that no list
    shows is a gap of its block."""
    doubtful = [t for t in parsed.transfers if _burnt(t, chain, wrong)]
    span = _extent(doubtful)
    if span is None:
        return parsed
    lists = [ask(stream, span) for stream in ("native", "internal")]
    reported = Counter(
        _what(w) for found in lists for t in found.rows for w in _wrapped(t, chain.wrapped)
    )
    kept = [t for t in parsed.transfers if t not in doubtful]
    gaps = []
    for burn in doubtful:
        mint = replace(burn, sender=burn.recipient, recipient=burn.sender)
        meant = next((t for t in (mint, burn) if reported[_what(t)] > 0), None)
        if meant is not None:
            reported[_what(meant)] -= 1
            kept.append(meant)
        elif burn.block_height is not None:
            at = Interval(burn.block_height, burn.block_height)
            gaps.append(Gap(at, f"transaction {burn.tx} wraps or unwraps {burn.amount}, and {WHY}"))
    return replace(parsed, transfers=_numbered(kept), gaps=(*parsed.gaps, *gaps))


def _burnt(move: Transfer, chain: Chain, wrong: Interval) -> bool:
    mine = move.contract == chain.wrapped and move.recipient == ZERO_ADDRESS
    return mine and move.block_height is not None and move.block_height in wrong


def _wrapped(move: Transfer, contract: str) -> tuple[Transfer, ...]:
    """The token movement that goes with a native one to or from the contract."""
    if move.kind not in (Kind.NATIVE, Kind.INTERNAL) or not move.amount:
        return ()
    token = replace(move, kind=Kind.ERC20, contract=contract, leg="", trace_path=None)
    if move.recipient == contract and move.sender:
        return (replace(token, sender=ZERO_ADDRESS, recipient=move.sender),)
    if move.sender == contract and move.recipient:
        return (replace(token, sender=move.recipient, recipient=ZERO_ADDRESS),)
    return ()


_What = tuple[str, str | None, str | None, int, str | None]


def _what(move: Transfer) -> _What:
    return move.tx, move.sender, move.recipient, move.amount, move.contract


def _less(moves: Iterable[Transfer], reported: Counter[_What]) -> tuple[Transfer, ...]:
    """The movements that are not reported elsewhere, one for one."""
    left = Counter(reported)
    kept = []
    for move in moves:
        if left[_what(move)] > 0:
            left[_what(move)] -= 1
        else:
            kept.append(move)
    return _numbered(kept)


def _numbered(moves: Iterable[Transfer]) -> tuple[Transfer, ...]:
    return tuple(number_equals(replace(move, leg="") for move in moves))


def _extent(moves: Iterable[Transfer]) -> Interval | None:
    heights = [t.block_height for t in moves if t.block_height is not None]
    return Interval(min(heights), max(heights)) if heights else None


def _inside(rows: Sequence[Transfer], span: Interval) -> tuple[Transfer, ...]:
    return tuple(t for t in rows if t.block_height is not None and t.block_height in span)


def _up_to(parsed: Parsed, end: int) -> Parsed:
    kept = tuple(t for t in parsed.transfers if t.block_height is None or t.block_height <= end)
    gaps = tuple(gap for gap in parsed.gaps if gap.at.lo <= end)
    return replace(parsed, transfers=kept, gaps=gaps)


def _shorter(walk: Walk, lists: Sequence[Movements]) -> Walk:
    """The walk, proven as far as every one of the lists is."""
    if walk.read is None:
        return walk
    ends = [found.read.hi if found.read else walk.read.lo - 1 for found in lists]
    return _ended(walk, min(ends, default=walk.read.hi))


def _ended(walk: Walk, end: int) -> Walk:
    """The walk, proven up to a height at most."""
    if walk.read is None or end >= walk.read.hi:
        return walk
    read = Interval(walk.read.lo, end) if end >= walk.read.lo else None
    most = walk.rest.hi if walk.rest is not None else walk.read.hi
    return replace(walk, read=read, rest=Interval(max(end + 1, walk.read.lo), most))
