"""Holding the record against what the chain says that an address holds. Pure.

A figure is one source's word on one asset at some block. What is recorded up to that block either
equals it, or something moved that no list holds, or one of both cannot be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.chains.table import STREAM_WORDS, streams_of
from monitor.decide.shares import judge_shares, needs_shares, unsaid_why
from monitor.model import (
    ISSUER,
    LIVE_STATUSES,
    Asset,
    Axis,
    Chain,
    Kind,
    Row,
    Status,
    Subject,
    Transfer,
)
from monitor.model.balance import COIN, NOT_COMPLETE, OPENING, Figure, Held, Recorded, State
from monitor.model.streams import StreamState

# With these words begins why something cannot be checked.
NO_SOURCE = "no source"
NOT_READ = "list not read"
MOVING = "still moving"
DISAGREE = "sources disagree"
FEES = "fees are told in part"
UNDATED = "the source does not say how old its balance is"
# Their rows would fill the memory that the passes need.
TOO_MANY = "too many movements: their sum is not worked out"
COUNTED_FROM = "the rest of its history is not read; counted from block"
ASLEEP = "dormant: the address never lived on this chain"

_PLAIN = next(kind for kind in Kind if kind.coin and not kind.fee)

Seen = Mapping[str, int]  # the newest place that was read in full just now, by list
NOTHING: Seen = {}


def signed(transfer: Transfer, address: str) -> int:
    """What a transfer adds to an address's holding of its asset."""
    return transfer.amount * ((transfer.recipient == address) - (transfer.sender == address))


def recorded(rows: Iterable[Row], address: str, figure: Figure) -> Recorded:
    """What the record holds of the figure's asset up to its blocks; of unconfirmed transactions
    nothing. Rows that name no block are placed by their time."""
    amount, moving = 0, False
    for row in rows:
        transfer = row.transfer
        if (transfer.contract or COIN) != figure.contract or transfer.kind.nft:
            continue
        above = _above(transfer, figure)
        moving |= row.status is Status.MISSING and above is not True
        if row.status not in LIVE_STATUSES or row.status is Status.PENDING or above is True:
            continue
        amount += signed(transfer, address)
        moving |= above is None
    return Recorded(amount, moving)


def _above(transfer: Transfer, figure: Figure) -> bool | None:
    """Whether a transfer came after a figure; None: between its blocks."""
    if transfer.block_height is not None:
        if transfer.block_height > figure.high:
            return True
        return None if transfer.block_height > figure.low else False
    if transfer.time is None or transfer.time > figure.time:
        return transfer.time is not None
    low = figure.time if figure.low_time is None else figure.low_time
    return None if transfer.time > low else False


@dataclass(frozen=True, slots=True)
class Named:
    """An asset as people read it."""

    contract: str
    symbol: str
    decimals: int | None
    verified: bool


def named(chain: Chain, contract: str, assets: Mapping[tuple[str, str], Asset]) -> Named:
    if contract == COIN:
        return Named(COIN, chain.symbol, chain.decimals, verified=True)
    asset = assets.get((chain.key, contract))
    if asset is None:
        return Named(contract, "", None, verified=False)
    return Named(contract, asset.symbol, asset.decimals, verified=True)


def lists_of(chain: Chain, contract: str) -> frozenset[str]:
    """The lists in which movements of an asset stand."""
    wanted = {
        kind.stream
        for kind in Kind
        if (kind.coin if contract == COIN else kind.token and not kind.nft)
    }
    if contract != COIN and chain.issuer_of(contract):
        wanted.add(ISSUER)
    return frozenset(wanted & set(streams_of(chain)))


def unreadable(
    chain: Chain,
    contract: str,
    states: Mapping[str, StreamState],
    opening: Figure | None = None,
) -> str:
    """Why no figure of an asset can be held against the record, in words; empty: one can. Every
    list in which it moves has to be read without holes from the address's beginning on, or from
    `opening` on, of which figure the record is then counted. A list that balances show is only
    looked for: below the block at which the address joined it has to be read all the same."""
    return next(unread_lists(chain, contract, states, opening), "")


def unread_lists(
    chain: Chain,
    contract: str,
    states: Mapping[str, StreamState],
    opening: Figure | None = None,
) -> Iterator[str]:
    """The same of each of those lists, in words."""
    for stream in sorted(lists_of(chain, contract)):
        state, words = states.get(stream), STREAM_WORDS.get(stream, stream)
        if state is not None and state.shown:
            if opening is None and not _is_read_below(state):
                yield f"{NOT_COMPLETE}: {words}"
            continue
        if state is None or state.unserved or state.ok is None:
            yield f"{NOT_READ}{' yet' if state is None else ''}: {words}"
            continue
        if opening is not None:
            if not _is_read_from(state, opening.high):
                yield f"{NOT_COMPLETE}: {words}"
            continue
        parts = state.covered.get(state.axis, ())
        if len(parts) != 1 or parts[0].lo != 0 or state.gaps:
            yield f"{NOT_COMPLETE}: {words}"


def _is_read_below(state: StreamState) -> bool:
    """Whether a list is read up to where an address joined."""
    for axis, parts in state.covered.items():
        joined = state.joined_on(axis)
        if joined == 0 or (joined and parts and parts[0].lo == 0 and parts[0].hi >= joined - 1):
            return not state.gaps
    return state.joined == 0


def _is_read_from(state: StreamState, height: int) -> bool:
    """Whether a list that is read for a chain as a whole is read on from a block, without holes.
    Blocks are read in their order: above what is proven none is left out."""
    parts, joined = state.covered.get(Axis.HEIGHT, ()), state.joined
    if joined is None or any(gap.hi > height for gap in (*state.unread, *state.missed)):
        return False
    lo, hi = joined, state.complete_to or 0
    if parts and parts[-1].hi >= joined - 1:
        lo, hi = parts[-1].lo, max(hi, parts[-1].hi)
    return lo - 1 <= height <= hi


def may_open(
    chain: Chain, figure: Figure, rows: Sequence[Row], states: Mapping[str, StreamState], seen: Seen
) -> bool:
    """Whether what moves after a figure can be held against it, of an address whose chain is read
    block by block and whose history is not complete. It names its block, so that one can tell
    later whether that was replaced."""
    if figure.contract != COIN or not figure.block_hash or figure.low != figure.high:
        return False
    if joined_at(chain, states) is None:
        return False
    if unready(chain, figure, states, seen, figure):
        return False
    return not recorded(rows, figure.subject.address, figure).moving


def counted_from(opening: Figure | None, rows: Sequence[Row]) -> Sequence[Row]:
    """Rows with what they lack up to a figure from which on the record is counted: as one more, of
    the chain's beginning."""
    if opening is None:
        return rows
    held = recorded(rows, opening.subject.address, opening)
    lacks, me = opening.amount - held.amount, opening.subject.address
    if not lacks:
        return rows
    came = lacks > 0
    row = Transfer(
        *(opening.subject.chain, "", "", _PLAIN, None if came else me, me if came else None),
        *(abs(lacks), opening.contract or None),
        block_height=0,
        time=0,
    )
    return [*rows, Row(0, row, Status.FINAL, 0, 0)]


def unread_to(
    chain: Chain, figure: Figure, states: Mapping[str, StreamState], seen: Seen
) -> list[str]:
    """The lists that have not been read up to a figure's block. `seen`: how far some were read
    in full just now."""
    return [
        stream
        for stream in sorted(lists_of(chain, figure.contract))
        for state in [states[stream]]
        if not state.shown
        for place in [state.axis.at(figure.high, figure.time)]
        if max(_proven(state), state.complete_to or 0, seen.get(stream, 0)) < place
    ]


def _proven(state: StreamState) -> int:
    parts = state.covered.get(state.axis, ())
    return parts[-1].hi if parts else -1


def proven_to(chain: Chain, contract: str, states: Mapping[str, StreamState]) -> int | None:
    """The newest block to which all lists of an asset are proven read; None: of one that is not
    known by block, or of one nothing is."""
    ends = []
    for stream in lists_of(chain, contract):
        state = states.get(stream)
        if state is None or state.unserved or state.shown:
            continue
        if not state.axis.by_block or not state.covered.get(state.axis):
            return None
        ends.append(_proven(state))
    return min(ends, default=None)


def read_to(chain: Chain, contract: str, states: Mapping[str, StreamState]) -> int | None:
    """The newest block to which all lists of an asset are read, proven or not; None: not known."""
    ends: list[int] = []
    for stream in lists_of(chain, contract):
        state = states.get(stream)
        if state is not None and state.shown:
            continue
        if state is None or not state.axis.by_block or state.complete_to is None:
            return None
        ends.append(state.complete_to)
    return min(ends, default=None)


def joined_at(chain: Chain, states: Mapping[str, StreamState]) -> int | None:
    """From which block on all lists of the coin are read for a chain as a whole; None: not all."""
    places: list[int] = []
    for stream in lists_of(chain, COIN):
        state = states.get(stream)
        if state is None or state.joined is None:
            return None
        places.append(state.joined)
    return max(places, default=None)


def unready(
    chain: Chain,
    figure: Figure,
    states: Mapping[str, StreamState],
    seen: Seen = NOTHING,
    opening: Figure | None = None,
) -> str:
    """Why the record cannot be held against a figure, in words; empty: it can. `opening`: see
    unreadable."""
    if why := unreadable(chain, figure.contract, states, opening):
        return why
    if behind := unread_to(chain, figure, states, seen):
        words = STREAM_WORDS.get(behind[0], behind[0])
        return f"{NOT_READ} up to block {figure.high:,} yet: {words}"
    return ""


def judge(
    chain: Chain,
    figure: Figure,
    rows: Sequence[Row],
    states: Mapping[str, StreamState],
    assets: Mapping[tuple[str, str], Asset],
    before: Figure | None = None,
    seen: Seen = NOTHING,
    opening: Figure | None = None,
) -> Held:
    """How the record stands to one figure. `before`: the newest one that was good, of which
    alone something follows where a token's amounts prove nothing (decide/shares.py). `seen`: see
    unread_to; `opening`: unreadable, `rows` are counted from it then."""
    of = named(chain, figure.contract, assets)
    found = recorded(rows, figure.subject.address, figure)
    held = Held(
        *(figure.subject, figure.contract, of.symbol, of.decimals, of.verified),
        State.RECONCILED,
        height=figure.high,
        time=figure.time,
        recorded=found.amount,
        on_chain=figure.amount,
        source=figure.source,
        second=figure.second,
        at=figure.at,
        in_shares=bool(figure.shares),
    )
    if why := unready(chain, figure, states, seen, opening):
        opens = opening is None and may_open(chain, figure, rows, states, seen)
        return replace(held, state=State.CANNOT_CHECK, reason=OPENING if opens else why)
    if found.moving:
        return replace(held, state=State.CANNOT_CHECK, reason=MOVING)
    asset = assets.get((chain.key, figure.contract))
    if asset is not None and needs_shares(asset):
        return judge_shares(held, asset, figure, before, rows)
    if found.amount != figure.amount:
        return replace(held, state=State.UNEXPLAINED)
    if opening is not None:
        return replace(held, reason=f"{COUNTED_FROM} {opening.high:,} on")
    return held if figure.dated else replace(held, reason=UNDATED)


def unsaid(
    chain: Chain,
    subject: Subject,
    contract: str,
    why: str,
    assets: Mapping[tuple[str, str], Asset],
    now: int,
) -> Held:
    """Of an asset of which no source says anything."""
    of = named(chain, contract, assets)
    asset = assets.get((chain.key, contract))
    mute = unsaid_why(asset) if asset else ""
    return Held(
        *(subject, contract, of.symbol, of.decimals, of.verified),
        State.CANNOT_CHECK,
        mute or (f"{NO_SOURCE}: {why}" if why else NO_SOURCE),
        at=now,
    )
