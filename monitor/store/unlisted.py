"""Which sources read the place of a movement in full and did not list it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.model import Axis, Row, Subject
from monitor.model.second import compared
from monitor.store.port import Fields, Reader


class Unlisted:
    """Within one look at the record. What was read for a chain as a whole is not looked at."""

    def __init__(self, store: Reader) -> None:
        self._store = store
        self._covered: dict[str, list[Fields]] = {}  # by key of an address

    def learn(self, rows: Iterable[Row]) -> None:
        """Read what is covered of the addresses of these rows, once for all of them."""
        new = {key for row in rows if compared(row) for key in _keys(row)} - self._covered.keys()
        self._covered |= {key: [] for key in new}
        for covered in self._store.read_in(
            "SELECT scope, stream, source, axis, lo, hi FROM coverage WHERE scope IN ({}) "
            "ORDER BY lo",
            new,
        ):
            self._covered[covered["scope"]].append(covered)

    def by(self, row: Row, told: Sequence[tuple[str, int]]) -> tuple[tuple[str, str], ...]:
        """(source, to where it was asked), of those that did not list a movement that `told`
        did."""
        said, found = {name for name, _ in told}, dict[str, str]()
        if not said or not compared(row):
            return ()
        for covered in (each for key in _keys(row) for each in self._covered.get(key, ())):
            axis, source = Axis(covered["axis"]), covered["source"]
            place = axis.place(row.transfer)
            mine = covered["stream"] == row.transfer.kind.stream and source not in said
            if mine and place is not None and covered["lo"] <= place <= covered["hi"]:
                found[source] = axis.words(covered["hi"])
        return tuple(found.items())


def _keys(row: Row) -> list[str]:
    return [Subject(row.transfer.chain, party).key for party in row.transfer.parties()]
