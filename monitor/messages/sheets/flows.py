"""What moved in a transaction, seen from the entry of an alert: added up, and with whom."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.messages.sheets.acts import deeds
from monitor.messages.sheets.parts import asset_key, trusted
from monitor.model import AlertView, Direction, TransferView


@dataclass(frozen=True, slots=True)
class Flow:
    """All rows of an alert with the same asset and direction, added up. `net`: what came
    back is taken off already (UTXO chains)."""

    direction: str
    sample: TransferView
    units: int
    count: int
    net: bool = False


def direction_of(view: AlertView, row: TransferView) -> str:
    """Of one row, seen from the alert's entry: in, out or self."""
    if view.entry is None:
        return ""
    given = row.directions.get(view.entry.id)
    if given:
        return given
    transfer, mine = row.row.transfer, view.entry.subject.address
    if transfer.sender == transfer.recipient == mine:
        return Direction.SELF.value
    return Direction.OUT.value if transfer.sender == mine else Direction.IN.value


def flows(view: AlertView) -> tuple[Flow, ...]:
    """What moved, without fees; without zero amounts unless there is nothing else.

    Verified assets first, then the alert's own direction.
    """
    rows = [row for row in view.transfers if not _aside(row)]
    rows = [row for row in rows if row.row.transfer.amount] or rows
    # What an issuer destroyed is gone like what was sent; the other acts move nothing.
    rows += [row for row in deeds(view) if row.row.transfer.amount]
    found: dict[tuple[object, ...], Flow] = {}
    for row in rows:
        way, destroyed = direction_of(view, row), row.row.transfer.kind.destroys
        key = (way, destroyed, asset_key(row))
        old = found.get(key, Flow(way, row, 0, 0))
        units = old.units + row.row.transfer.amount
        found[key] = Flow(old.direction, old.sample, units, old.count + 1)
    wanted = view.alert.direction.value if view.alert.direction else ""
    order = sorted(found.values(), key=lambda f: (not trusted(f.sample), f.direction != wanted))
    return tuple(order)


def _aside(row: TransferView) -> bool:
    """Whether a row is no movement between people: a fee, or what an issuer did."""
    return row.row.transfer.kind.fee or row.row.transfer.kind.act


def moved(view: AlertView) -> tuple[Flow, ...]:
    """What moved, added up; on UTXO chains the net of the entry, or what it sent itself."""
    if not is_utxo(view):
        return flows(view)
    put, got = utxo_sums(view)
    way = utxo_direction(view)
    units = got if way == Direction.SELF.value else abs(put - got)
    return (Flow(way, view.transfers[0], units, 1, net=way != Direction.SELF.value),)


def others(view: AlertView, way: str) -> list[str]:
    """The addresses at the other end of what came in or went out, each once; on UTXO chains
    those that the transaction pays, or spends from."""
    mine = view.entry.subject.address if view.entry else None
    out, utxo = way == Direction.OUT.value, is_utxo(view)
    rows = legs(view) if utxo else [r for r in view.transfers if direction_of(view, r) == way]
    ends = [
        row.row.transfer.recipient if out else row.row.transfer.sender
        for row in rows
        if not _aside(row)
    ]
    return [end for end in dict.fromkeys(ends) if end is not None and end != mine]


# --- UTXO chains ---------------------------------------------------------------------------


def is_utxo(view: AlertView) -> bool:
    return any(row.row.transfer.kind.utxo for row in view.transfers)


def legs(view: AlertView) -> tuple[TransferView, ...]:
    """All inputs and outputs of the transaction, as far as the record has them."""
    return view.all_legs or view.transfers


def utxo_sums(view: AlertView) -> tuple[int, int]:
    """What this entry put in and what it got back, in base units."""
    mine = view.entry.subject.address if view.entry else None
    rows = [row.row.transfer for row in legs(view)]
    put = sum(each.amount for each in rows if each.sender == mine)
    return put, sum(each.amount for each in rows if each.recipient == mine)


def utxo_direction(view: AlertView) -> str:
    put, got = utxo_sums(view)
    if view.alert.direction is Direction.SELF:
        return Direction.SELF.value
    return Direction.OUT.value if put > got else Direction.IN.value


def inputs(view: AlertView) -> list[TransferView]:
    """What was spent, in the chain's own order."""
    return sorted((row for row in legs(view) if row.row.transfer.kind.input), key=place)


def outputs(view: AlertView) -> list[TransferView]:
    """What was made of it, newly mined coins included, in the chain's own order."""
    return sorted((row for row in legs(view) if not row.row.transfer.kind.input), key=place)


def place(row: TransferView) -> int:
    number = row.row.transfer.leg.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0
