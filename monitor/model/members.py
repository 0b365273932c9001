"""JSON that we wrote ourselves, maybe with another version: strict about types, not about
what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Misfit(ValueError):
    """A member is not of the type that it has in every version."""


class Members:
    """A JSON object of ours that is read member by member. One that is not there, or null, is
    None or empty; what nobody asked for was written by a newer version."""

    __slots__ = ("_inside", "_left", "_place")

    def __init__(self, told: object, place: str = "") -> None:
        if not isinstance(told, Mapping):
            raise Misfit(f"{place or 'the whole'} is not an object")
        self._left: dict[str, object] = dict(told)
        self._place = place
        self._inside: list[Members] = []

    def more(self) -> dict[str, object]:
        """What nobody asked for, by its place."""
        found = {self._at(key): value for key, value in self._left.items()}
        for inner in self._inside:
            found |= inner.more()
        return found

    def whole(self, key: str) -> int | None:
        found = self._take(key)
        if found is None or type(found) is int:  # True is an int as well
            return found
        raise Misfit(f"{self._at(key)} is not a whole number")

    def number(self, key: str) -> int:
        return self.whole(key) or 0

    def flag(self, key: str) -> bool | None:
        found = self._take(key)
        if found is None or isinstance(found, bool):
            return found
        raise Misfit(f"{self._at(key)} is neither true nor false")

    def text(self, key: str) -> str:
        found = self._take(key)
        if found is None or isinstance(found, str):
            return found or ""
        raise Misfit(f"{self._at(key)} is not a text")

    def units(self, key: str) -> int:
        """An amount, which is a text: no JSON number is wide enough."""
        found = self.text(key)
        if not found.removeprefix("-").isdecimal():
            raise Misfit(f"{self._at(key)} is not an amount in base units")
        return int(found)

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(_texts(self._at(key), self._list(key)))

    def wholes(self, key: str) -> tuple[int, ...]:
        found = self._list(key)
        if not all(type(each) is int for each in found):
            raise Misfit(f"{self._at(key)} is not a list of whole numbers")
        return tuple(each for each in found if isinstance(each, int))

    def triples(self, key: str) -> tuple[tuple[str, str, str], ...]:
        found = []
        for each in self._list(key):
            told = tuple(_texts(self._at(key), each if isinstance(each, list) else [each]))
            if len(told) != 3:
                raise Misfit(f"{self._at(key)} is not a list of threes")
            found.append(told)
        return tuple(found)

    def inner(self, key: str) -> Members | None:
        found = self._take(key)
        return None if found is None else self._within(key, found)

    def inner_list(self, key: str) -> list[Members]:
        return [self._within(key, each) for each in self._list(key)]

    def inner_by_name(self, key: str) -> dict[str, Members]:
        found = self._take(key)
        if not isinstance(found, Mapping | None):
            raise Misfit(f"{self._at(key)} is not an object")
        return {name: self._within(key, each) for name, each in (found or {}).items()}

    def holds(self, key: str) -> bool:
        return key in self._left

    def _take(self, key: str) -> object:
        return self._left.pop(key, None)

    def _list(self, key: str) -> list[object]:
        found = self._take(key)
        if not isinstance(found, list | None):
            raise Misfit(f"{self._at(key)} is not a list")
        return found or []

    def _within(self, key: str, told: object) -> Members:
        made = Members(told, self._at(key))
        self._inside.append(made)
        return made

    def _at(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key


def _texts(place: str, told: Iterable[object]) -> Iterable[str]:
    for each in told:
        if not isinstance(each, str):
            raise Misfit(f"{place} is not a list of texts")
        yield each
