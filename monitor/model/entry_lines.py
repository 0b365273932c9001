"""How the log says what became of entries. What is the same of new ones that differ in id and
address alone is said once: a published list has a million of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.model.acts import Body

Columns = Mapping[str, object]  # of table entry, by name
Line = Sequence[Any]  # id before, columns before (None: it is new), columns now
_OWN = ("subject", "terms")  # columns that hold id or address


def body(entries: Iterable[tuple[str, Columns | None, Columns]]) -> dict[str, object]:
    """`alike`: names and values of the columns, the chain, the text before the id, the text between
    it and the address, the text behind that; then id and address of each."""
    others: list[Line] = []
    alike: dict[tuple[object, ...], list[tuple[str, str]]] = {}
    for name, was, now in entries:
        found = _shared(name, now) if was is None else None
        if found is None:
            others.append((name, was, now))
        else:
            shared, address = found
            alike.setdefault(shared, []).append((name, address))
    told = [[*shared, rows] for shared, rows in alike.items()]
    return {"entries": others, **({"alike": told} if told else {})}


def _shared(name: str, now: Columns) -> tuple[tuple[object, ...], str] | None:
    """What others may share with a new entry, and its address; None where its text does not hold
    both as they are."""
    subject, terms = now.get("subject"), now.get("terms")
    if not isinstance(subject, str) or not isinstance(terms, str):
        return None
    chain, _, address = subject.partition("/")
    first, found, rest = terms.partition(name)
    middle, held, last = rest.partition(address or "\0")
    if not (found and held):
        return None
    columns = tuple((key, each) for key, each in now.items() if key not in _OWN)
    return (columns, chain, first, middle, last), address


def lines(told: Body) -> Iterator[Line]:
    """All entries of a part, of whichever version of the program."""
    yield from told["entries"]
    for columns, chain, first, middle, last, rows in told.get("alike", ()):
        for name, address in rows:
            terms = f"{first}{name}{middle}{address}{last}"
            yield name, None, {**dict(columns), "subject": f"{chain}/{address}", "terms": terms}
