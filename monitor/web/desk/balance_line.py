"""The balance of an address over time, by asset, as its page shows it: by what is recorded, with
what was not read marked where it lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.model import Axis, Interval, Kind, Subject, intervals
from monitor.model.dates import utc_day
from monitor.picture import steps
from monitor.picture.steps import Point
from monitor.store import desk_day
from monitor.store.port import Reader
from monitor.web.desk.known import AssetShown
from monitor.web.desk.movements import Total
from monitor.web.desk.read_of import ListRead

DAY = 86_400
LINES_MOST, POINTS_MOST = 3, 60
FRESH = 900  # seconds for which what was read counts as up to now
STEPS_OF = (1, 7, 30, 91, 365)  # days that a point stands for, the first that gives few enough
UNKNOWN_MOST = 12  # stretches that are marked one by one
COIN = frozenset(kind.stream for kind in Kind if kind.coin)
TOKEN = frozenset(k.stream for k in Kind if (k.token or k.numbered) and not k.nft)


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """`points`: the newest first, as they stand in the table; `unknown`: from when to when not all
    was read."""

    asset: AssetShown
    svg: str  # it escapes what it holds itself
    points: tuple[Point, ...]
    every: int  # days that a point stands for
    unknown: tuple[tuple[int, int], ...]
    undated: bool  # movements without a time are in the sum and not in the line


def balance_lines(
    store: Reader,
    subject: Subject,
    nets: dict[str, list[tuple[int, int]]],
    totals: Sequence[Total],
    lists: Sequence[ListRead],
    now: int,
) -> tuple[list[BalanceLine], int]:
    """Of the coin and of verified tokens, in the order of `totals`; and how many other assets
    moved, of which none is drawn: what nobody verified says what it wants."""
    moved = {asset for asset, days in nets.items() if any(net for _, net in days)}
    shown = [t for t in totals if t.asset.verified and not t.nft and t.asset.contract in moved]
    drawn = shown[:LINES_MOST]
    rest = sum(not t.nft and t.asset.contract in moved for t in totals) - len(drawn)
    return [_line(store, subject, t, nets[t.asset.contract], lists, now) for t in drawn], rest


def _line(
    store: Reader,
    subject: Subject,
    total: Total,
    nets: Sequence[tuple[int, int]],
    lists: Sequence[ListRead],
    now: int,
) -> BalanceLine:
    asset = total.asset
    points, every = _points(asset, nets, now)
    first = nets[0][0] * DAY
    since = first - max(DAY, (now - first) // 20)
    names = TOKEN if asset.contract else COIN
    mine = [each for each in lists if each.stream in names]
    unknown = _unknown(store, subject, mine, since, now)
    on = steps.axis(points, since, now)
    ends = (f"lowest: {_said(asset, on.low)}", f"highest: {_said(asset, on.high)}")
    title = f"Balance of {asset.name} over time; the table says the same"
    return BalanceLine(
        asset,
        steps.svg(title, points, unknown, on, ends),
        tuple(reversed(points)),
        every,
        tuple(unknown),
        points[-1].units != total.net,
    )


def _points(
    asset: AssetShown, nets: Sequence[tuple[int, int]], now: int
) -> tuple[list[Point], int]:
    """The balance at the end of each day with a movement, or of the last one of several days."""
    every = next((n for n in STEPS_OF if len({d // n for d, _ in nets}) <= POINTS_MOST), 365)
    balance, last = 0, dict[int, tuple[int, int]]()
    for day, net in nets:
        balance += net
        last[day // every] = (day, balance)
    return [
        Point(min(now, (day + 1) * DAY), units, _said(asset, units)) for day, units in last.values()
    ], every


def _said(asset: AssetShown, units: int) -> str:
    return f"{asset.exact(units)} {asset.symbol or asset.name}"


# -- what was not read ---------------------------------------------------------------------------


def _unknown(
    store: Reader, subject: Subject, lists: Iterable[ListRead], since: int, now: int
) -> list[tuple[int, int]]:
    """Times in which any of these lists was not read, as narrow as its own movements tell the times
    of blocks. Seconds, both ends in."""
    spans = [
        Interval(max(since, low), max(since, min(now, high)))
        for each in lists
        for low, high in _missing(store, subject, each, since, now)
        if high >= since
    ]
    found = [(span.lo, span.hi) for span in intervals.union(spans)]
    if len(found) > UNKNOWN_MOST:  # then all of it together: never less than there is
        return [(found[0][0], found[-1][1])]
    return found


def _missing(
    store: Reader, subject: Subject, read: ListRead, since: int, now: int
) -> Iterable[tuple[int, int]]:
    if not read.covered:
        yield since, now
        return
    top = read.covered[-1].hi
    # Places 0 and 1 are the beginning.
    for span in intervals.subtract(Interval(2, top), read.covered) if top >= 2 else ():
        yield (
            _time(store, subject, read.axis, span.lo - 1, "<=", since),
            _time(store, subject, read.axis, span.hi + 1, ">=", now),
        )
    end = read.at if read.at is not None else _time(store, subject, read.axis, top, "<=", since)
    if now - end > FRESH:
        yield end, now


def _time(store: Reader, subject: Subject, axis: Axis, place: int, sign: str, else_: int) -> int:
    if not axis.by_block:
        return place // 1000
    known = desk_day.nearest_of(store, subject, sign, place)
    return known[1] if known else else_


def days_said(line: BalanceLine) -> str:
    """What a point of it stands for."""
    if line.every == 1:
        return "at the end of each day (UTC) on which it moved"
    return f"at the end of the last day of every {line.every} on which it moved"


def unknown_said(line: BalanceLine) -> str:
    """What was not read, in words; empty: all was."""
    spans = ", ".join(f"{utc_day(low)} to {utc_day(high)}" for low, high in line.unknown)
    return f"Not all was read: {spans}. What moved then is not in the line." if spans else ""
