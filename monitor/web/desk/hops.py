"""The figures of the picture of a trace as tables, hop by hop: where boxes and bands lead to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

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
    carried: Carried | None = None
    payments: tuple[tuple[str, str], ...] = ()  # words, and the page of the transaction


@dataclass(frozen=True, slots=True)
class Hop:
    number: int
    head: str
    sub: str
    sums: tuple[tuple[str, str], ...]
    boxes: tuple[Shown, ...]
    went: tuple[Shown, ...]

    @property
    def folded(self) -> int:
        """How many addresses share a box."""
        return sum(each.box.folded for each in self.boxes if each.box is not None)


@dataclass(frozen=True, slots=True)
class Listing:
    """All addresses of a hop, or all that went from one to another, a page of them. `first`: the
    number of the first that is shown, from 1 on; `more`: that of the next page, 0 for none."""

    what: str  # one of LISTS
    hop: Hop  # with what is shown alone
    first: int
    last: int
    count: int
    more: int


LISTS = {"boxes": "addresses", "went": "payments, address by address"}
PAGE = 100


def listing(ask: Ask, whole: Picture, wanted: str, first: int) -> Listing | None:
    """`whole`: the picture unfolded; `wanted`: "boxes.3". None: there is no such list."""
    what, _, number = wanted.partition(".")
    hop = next((each for each in hops(ask, whole) if str(each.number) == number), None)
    if what not in LISTS or hop is None:
        return None
    rows = hop.boxes if what == "boxes" else hop.went
    start = min(max(first, 1), max(len(rows), 1))
    shown = rows[start - 1 : start - 1 + PAGE]
    only = (
        replace(hop, boxes=shown, went=())
        if what == "boxes"
        else replace(hop, boxes=(), went=shown)
    )
    end = start - 1 + len(shown)
    return Listing(what, only, start, end, len(rows), end + 1 if end < len(rows) else 0)


def hops(ask: Ask, shown: Picture) -> Iterator[Hop]:
    places = {box.key: (number, box) for number, box in enumerate(shown.boxes, 1)}
    went = [_went(ask, band_at(n), each, places) for n, each in enumerate(shown.bands, 1)]
    went += [_went(ask, back_at(n), each, places) for n, each in enumerate(shown.backs, 1)]
    for at, column in enumerate(shown.columns):
        mine = {box_at(number) for number, box in places.values() if box.column == at}
        yield Hop(
            at,
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
        carried=each.carried,
        payments=tuple((p.words, _tx(ask, p.chain, p.tx)) for p in paid),
    )


def _tx(ask: Ask, chain: str, tx: str) -> str:
    return tx_path(chain, tx) if chain in ask.settings.chains else ""


def _called(box: Box) -> str:
    """How a box is called in a line: its name, and its address in full."""
    return " ".join(filter(None, (box.name, box.address)))
