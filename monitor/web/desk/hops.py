"""The figures of the picture of a trace as tables, hop by hop: where boxes and bands lead to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.picture.parts import Back, Band, Box, Carried, Picture, back_at, band_at, box_at
from monitor.web.desk.ask import Ask
from monitor.web.desk.known import address_path, tx_path


@dataclass(frozen=True, slots=True)
class Shown:
    """One box, band or thin line as a row of a table."""

    id: str
    box: Box | None = None
    href: str = ""  # of the address's page
    giver: str = ""
    taker: str = ""
    giver_id: str = ""
    taker_id: str = ""
    how: str = ""  # of a thin line
    lines: tuple[str, ...] = ()
    carried: Carried | None = None
    payments: tuple[tuple[str, str], ...] = ()  # words, and the page of the transaction


@dataclass(frozen=True, slots=True)
class Hop:
    head: str
    sub: str
    sums: tuple[tuple[str, str], ...]
    boxes: tuple[Shown, ...]
    went: tuple[Shown, ...]


def hops(ask: Ask, shown: Picture) -> Iterator[Hop]:
    places = {box.key: (number, box) for number, box in enumerate(shown.boxes, 1)}
    went = [_went(ask, band_at(n), each, places) for n, each in enumerate(shown.bands, 1)]
    went += [_went(ask, back_at(n), each, places) for n, each in enumerate(shown.backs, 1)]
    for at, column in enumerate(shown.columns):
        mine = {box_at(number) for number, box in places.values() if box.column == at}
        yield Hop(
            column.head,
            column.sub,
            tuple((row.name, row.figure) for row in column.rows),
            tuple(
                Shown(box_at(number), box, _address(ask, box))
                for number, box in places.values()
                if box.column == at
            ),
            tuple(each for each in went if each.giver_id in mine),
        )


def _address(ask: Ask, box: Box) -> str:
    subject = box.subject
    if subject is None or subject.chain not in ask.settings.chains:
        return ""
    return address_path(subject.chain, subject.address)


def _went(ask: Ask, name: str, each: Band | Back, places: Mapping[str, tuple[int, Box]]) -> Shown:
    (giver, from_), (taker, to) = places[each.giver], places[each.taker]
    how = ""
    if isinstance(each, Back):
        steps = to.column - from_.column
        how = "back to an earlier hop" if steps < 0 else "past a hop" if steps else "inside the hop"
    paid = each.carried.payments
    return Shown(
        name,
        giver=_called(from_),
        taker=_called(to),
        giver_id=box_at(giver),
        taker_id=box_at(taker),
        how=how,
        lines=each.lines[1:] if isinstance(each, Band) else (),
        carried=each.carried,
        payments=tuple((p.words, _tx(ask, p.chain, p.tx)) for p in paid),
    )


def _tx(ask: Ask, chain: str, tx: str) -> str:
    return tx_path(chain, tx) if chain in ask.settings.chains else ""


def _called(box: Box) -> str:
    """How a box is called in a line: its name, and its address in full."""
    return " ".join(filter(None, (box.name, box.address)))
