"""What the movements of a case come to: each told once, whoever of its entries told it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.decide.worth import Total, usd
from monitor.messages import money
from monitor.messages.sheets.flows import direction_of, is_utxo, legs
from monitor.messages.sheets.parts import (
    Item,
    Section,
    Table,
    asset_key,
    asset_name,
    chain_name,
    figure,
    section,
    trusted,
)
from monitor.model import AlertKind, AlertView, Direction, Status, TransferView
from monitor.model.plain import plural

MOVING = frozenset({AlertKind.MOVEMENT, AlertKind.AMENDMENT, AlertKind.LATE})
INSIDE = "inside"  # from one address of the case to another one
WAYS = (Direction.OUT.value, Direction.IN.value, INSIDE, Direction.SELF.value)
_UNDONE = frozenset({Status.ORPHANED, Status.SUPERSEDED})


@dataclass
class Sum:
    """One asset of a chain, by the way that it went: units, and how often."""

    sample: TransferView
    chain: str
    units: dict[str, int] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=dict)

    def add(self, way: str, units: int) -> None:
        self.units[way] = self.units.get(way, 0) + units
        self.count[way] = self.count.get(way, 0) + 1

    def said(self, way: str) -> str:
        """ "41.33 ETH", as a person says it; of trusted assets."""
        return f"{figure(self.sample, self.units[way])} {asset_name(self.sample)}"


@dataclass(frozen=True)
class Sums:
    by_asset: tuple[Sum, ...]
    worth: Mapping[str, Total]  # by way

    def ways(self) -> list[str]:
        return [way for way in WAYS if any(way in each.units for each in self.by_asset)]

    def usd(self, way: str) -> str:
        total = self.worth.get(way)
        return money.money_said(total.usd) if total is not None and total.priced else ""


def sums(views: Sequence[AlertView]) -> Sums:
    """Of movements that stand: what was reversed moved nothing, and a correction tells again
    what its movement told. What went from one entry to another of the same case stays inside,
    and is counted once although both entries have an alert about it."""
    found: dict[object, Sum] = {}
    worth: dict[str, Total] = {}
    for sample, chain, way, units in _moves([v for v in map(_standing, views) if v]):
        key = (asset_key(sample), chain)
        found.setdefault(key, Sum(sample, chain)).add(way, units)
        price = usd(units, sample.decimals, sample.price)
        worth[way] = worth.get(way, Total()).plus(price)
    ordered = sorted(found.values(), key=lambda each: not trusted(each.sample))
    return Sums(tuple(ordered), worth)


def totals(views: Sequence[AlertView]) -> Section | None:
    """The sums as a table, and what all of it was worth."""
    found = sums(views)
    ways = found.ways()
    rows = [
        (asset_name(each.sample), each.chain, *(_cell(each, way) for way in ways))
        for each in found.by_asset
    ]
    table = Table(("asset", "chain", *ways), tuple(rows))
    return section("TOTALS", table, *_worth(found)) if rows else None


def _cell(each: Sum, way: str) -> str:
    if way not in each.units:
        return "0"
    units, counted = each.units[way], plural(each.count[way], "transfer")
    if each.sample.row.transfer.kind.nft:
        return f"{plural(units, 'NFT')} ({counted})"
    # How much of a token that anybody can make says nothing; the file has it to the last digit.
    return f"{figure(each.sample, units)} ({counted})" if trusted(each.sample) else counted


def _worth(found: Sums) -> Iterable[Item]:
    """Each movement at its own time, by what is known now."""
    priced = [f"{way} {found.usd(way)}" for way in found.ways() if found.usd(way)]
    without = sum(total.unpriced for total in found.worth.values())
    if not priced:
        yield Item("not priced", "Value of all")
        return
    missing = f"{plural(without, 'amount')} without a price, not in it" if without else ""
    yield Item("; ".join(priced), "Value of all", note=missing)


# --- each movement once --------------------------------------------------------------------


def _standing(view: AlertView) -> AlertView | None:
    """A movement without its rows that were reversed; None where nothing stands."""
    if view.alert.kind not in MOVING:
        return None
    rows = tuple(row for row in view.transfers if row.row.status not in _UNDONE)
    return replace(view, transfers=rows) if rows else None


_Move = tuple[TransferView, str, str, int]  # a row of the asset, its chain, the way, units


def _moves(views: Sequence[AlertView]) -> Iterator[_Move]:
    cases = {view.entry.case for view in views if view.entry}
    seen: set[object] = set()
    for view in views:
        if is_utxo(view):
            key: object = (view.alert.chain, view.transfers[0].row.transfer.tx)
            if key not in seen:
                seen.add(key)
                yield _net(view, cases)
            continue
        for row in view.transfers:
            transfer = row.row.transfer
            if transfer.identity in seen or transfer.kind.fee or not transfer.amount:
                continue
            seen.add(transfer.identity)
            yield row, chain_name(view), _way(view, row, cases), transfer.amount


def _mine(rows: Iterable[TransferView], cases: Collection[str]) -> set[str]:
    """Addresses of these cases that the rows touch."""
    return {e.subject.address for row in rows for e in row.entries if e.case in cases}


def _way(view: AlertView, row: TransferView, cases: Collection[str]) -> str:
    transfer, mine = row.row.transfer, _mine([row], cases)
    both = {transfer.sender, transfer.recipient} <= mine
    if both and transfer.sender != transfer.recipient:
        return INSIDE
    return direction_of(view, row) or Direction.IN.value


def _net(view: AlertView, cases: Collection[str]) -> _Move:
    """A transaction of a UTXO chain: what all addresses of the case put in, against what they
    got back."""
    rows = legs(view)
    mine = _mine(rows, cases) | ({view.entry.subject.address} if view.entry else set())
    moved = [row.row.transfer for row in rows]
    put = sum(each.amount for each in moved if each.sender in mine)
    got = sum(each.amount for each in moved if each.recipient in mine)
    sample, chain = view.transfers[0], chain_name(view)
    hidden = view.chain is not None and view.chain.shielded and put != got
    others = any(each.recipient not in mine for each in moved if each.sender is None)
    if put and not others and not hidden:
        return sample, chain, INSIDE if len(mine) > 1 else Direction.SELF.value, got
    way = Direction.OUT if put > got else Direction.IN
    return sample, chain, way.value, abs(put - got)
