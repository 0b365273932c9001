"""Whether an address behaves like a deposit address of an exchange: what comes in goes on whole,
soon, to one address that is named as an exchange's. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from monitor.model import Row, Subject
from monitor.model.transfer import Transfer

SHARE = 0.9  # of what leaves in an asset, at least, to one address of an exchange
SOON = 24 * 3600  # seconds between what came last and the sweep; measured: 24 minutes in 9 of 10
REST = 200  # a sweep leaves less than one part in so many behind


@dataclass(slots=True)
class _Asset:
    """One asset of the address."""

    balance: int = 0
    came: int | None = None  # when something came last
    due: int = 0  # what came long enough ago that it would be swept by now
    out: int = 0
    swept: dict[str, int] = field(default_factory=dict)  # to whom whole and soon


def sweeps_to(
    subject: Subject, rows: Iterable[Row], carries: Callable[[str], bool], now: int
) -> Sequence[str]:
    """To whom an address passes everything on: one address for each asset that left it, as far
    as they were named `carries` (by contract: worth looking at); none where it keeps to no such
    habit. Whether those are an exchange's has to be asked of their names."""
    assets: dict[str, _Asset] = {}
    moves = sorted((row.transfer for row in rows), key=_place)
    for _, group in groupby(moves, key=lambda t: t.tx):
        _transaction(subject.address, list(group), assets, carries, now - SOON)
    left = [asset for asset in assets.values() if asset.out]
    targets = [_target(asset) for asset in left]
    return () if None in targets else tuple(sorted({t for t in targets if t is not None}))


def _transaction(
    address: str,
    moves: Sequence[Transfer],
    assets: dict[str, _Asset],
    carries: Callable[[str], bool],
    long_ago: int,
) -> None:
    """What came is counted before what left: the order inside a transaction is not asked for."""
    plain = [t for t in moves if t.amount and carries(t.contract or "") and not t.kind.nft]
    for move in plain:
        if move.recipient == address and move.sender != address and not move.kind.fee:
            asset = assets.setdefault(move.contract or "", _Asset())
            asset.balance += move.amount
            asset.came = move.time
            asset.due += move.amount if (move.time or 0) <= long_ago else 0
    for move in plain:
        if move.kind.fee and move.sender == address and "" in assets:
            assets[""].balance = max(0, assets[""].balance - move.amount)
    gone: dict[tuple[str, str | None], int] = {}
    for move in plain:
        if move.sender == address and move.recipient != address and not move.kind.fee:
            key = (move.contract or "", move.recipient or _only_output(address, moves))
            gone[key] = gone.get(key, 0) + move.amount
    for (contract, _), amount in gone.items():
        asset = assets.setdefault(contract, _Asset())
        asset.balance = max(0, asset.balance - amount)
        asset.out += amount
    for (contract, to), amount in gone.items():
        asset = assets[contract]
        if to and _whole(asset, amount, moves[0].time or 0):
            asset.swept[to] = asset.swept.get(to, 0) + amount


def _whole(asset: _Asset, amount: int, time: int) -> bool:
    soon = asset.came is not None and time - asset.came <= SOON
    return soon and asset.balance * REST <= amount


def _only_output(address: str, moves: Sequence[Transfer]) -> str | None:
    """Of a transaction of many inputs: whom nearly all of its outputs go to."""
    outputs = [t for t in moves if t.kind.output and t.recipient]
    total = sum(t.amount for t in outputs)
    best = max(outputs, key=lambda t: t.amount, default=None)
    if best is None or best.recipient == address or best.amount < SHARE * total:
        return None
    return best.recipient


def _target(asset: _Asset) -> str | None:
    to, amount = max(asset.swept.items(), key=lambda item: item[1], default=("", 0))
    return to if to and amount >= SHARE * max(asset.out, asset.due) else None


def _place(move: Transfer) -> tuple[int, int, int, str, int, str]:
    return (
        *(move.time or 0, move.block_height or 0, move.tx_index or 0),
        *(move.tx, move.log_index or 0, move.leg),
    )
