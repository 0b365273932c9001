"""Holding the record against what the chain says that an address holds. Pure.

A figure is one source's word on one asset at some block. What is recorded up to that block either
equals it, or something moved that no list holds, or one of both cannot be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.chains.table import STREAM_WORDS, streams_of
from monitor.decide.shares import judge_shares, needs_shares, unsaid_why
from monitor.model import ISSUER, LIVE_STATUSES, Asset, Chain, Kind, Row, Status, Subject, Transfer
from monitor.model.balance import COIN, Between, Figure, Finding, Held, Recorded, State
from monitor.model.ids import stable_id
from monitor.model.streams import StreamState

# With these words begins why something cannot be checked.
NO_SOURCE = "no source"
NOT_READ = "list not read"
NOT_COMPLETE = "history not complete"
MOVING = "still moving"


def signed(transfer: Transfer, address: str) -> int:
    """What a transfer adds to an address's holding of its asset."""
    return transfer.amount * ((transfer.recipient == address) - (transfer.sender == address))


def recorded(rows: Iterable[Row], address: str, figure: Figure) -> Recorded:
    """What the record holds of the figure's asset up to its blocks; of unconfirmed transactions
    nothing. Rows that name no block are placed by their time."""
    amount, number, moving = 0, 0, False
    for row in rows:
        transfer = row.transfer
        if (transfer.contract or COIN) != figure.contract or transfer.kind.nft:
            continue
        above = _above(transfer, figure)
        moving |= row.status is Status.MISSING and above is not True
        if row.status not in LIVE_STATUSES or row.status is Status.PENDING or above is True:
            continue
        number += 1
        amount += signed(transfer, address)
        moving |= above is None
    return Recorded(amount, moving, number)


def _above(transfer: Transfer, figure: Figure) -> bool | None:
    """Whether a transfer came after a figure; None: between its blocks."""
    if transfer.block_height is not None:
        if transfer.block_height > figure.high:
            return True
        return None if transfer.block_height > figure.low else False
    return transfer.time is not None and transfer.time > figure.time


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


def unready(chain: Chain, figure: Figure, states: Mapping[str, StreamState]) -> str:
    """Why the record cannot be held against a figure, in words; empty: it can. Every list in
    which the asset moves has to be read from the address's beginning to the figure's block."""
    for stream in sorted(lists_of(chain, figure.contract)):
        state, words = states.get(stream), STREAM_WORDS.get(stream, stream)
        if state is None or state.unserved or state.ok is None:
            return f"{NOT_READ}: {words}"
        parts = state.covered.get(state.axis, ())
        if len(parts) != 1 or parts[0].lo != 0 or state.gaps:
            return f"{NOT_COMPLETE}: {words}"
        place = state.axis.at(figure.high, figure.time)
        if max(parts[0].hi, state.complete_to or 0) < place:
            return f"{NOT_READ} up to block {figure.high} yet: {words}"
    return ""


def judge(
    chain: Chain,
    figure: Figure,
    rows: Sequence[Row],
    states: Mapping[str, StreamState],
    assets: Mapping[tuple[str, str], Asset],
    before: Figure | None = None,
) -> Held:
    """How the record stands to one figure. `before`: the newest one that was good, of which
    alone something follows where a token's amounts prove nothing (decide/shares.py)."""
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
    )
    if why := unready(chain, figure, states):
        return replace(held, state=State.CANNOT_CHECK, reason=why)
    if found.moving:
        return replace(held, state=State.CANNOT_CHECK, reason=MOVING)
    asset = assets.get((chain.key, figure.contract))
    if asset is not None and needs_shares(asset):
        return judge_shares(held, asset, figure, before, rows)
    if found.amount != figure.amount:
        return replace(held, state=State.UNEXPLAINED)
    return held


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


def finding(held: Held, figure: Figure, before: Figure | None, earlier: int) -> Finding | None:
    """What of a difference arose since `before`, the newest figure that was equal; `earlier`: how
    much of it is in findings already. None: nothing more."""
    amount = (held.difference or 0) - earlier
    if not amount:
        return None
    start = str(before.high) if before else "0"
    key = stable_id("B", figure.subject.key, figure.contract, start, str(figure.high))
    return Finding(key, figure.subject, figure.contract, before, figure, amount, figure.at)


def between(before: Figure | None, after: Figure) -> Between:
    return Between(before.high if before else 0, after.high)
