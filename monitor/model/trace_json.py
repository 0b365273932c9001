"""A trace and what it rests on as JSON, in the form that the record keeps.

A trace is one object a line, in an order of its own, so that two states of it differ in few lines:
first what it is as a whole, then its nodes, edges and so on. What is empty and would be by default
is left out, so that fields which later versions add change no text of before; other defaults may
be others then, and are written. What a later version wrote besides is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from monitor.model.trace import Anatomy, Profile, Trace

Value = TypeVar("Value", Profile, Anatomy)
Convert = Callable[[Any], Any]

WHAT = "what"  # of a line: which part of the trace it is
WHOLE = "trace"
# Parts of a trace that stand in lines of their own, by what they are called there.
PARTS: Mapping[str, str] = {
    "node": "nodes",
    "edge": "edges",
    "total": "totals",
    "wanted": "wanted",
    "question": "questions",
    "lead": "leads",
}
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
_PLAIN = (str, int, bool)


def to_text(value: Profile | Anatomy) -> str:
    """The one text of a value."""
    return _ENCODER.encode(_writer(_key(type(value)))(value))


def from_text(kind: type[Value], text: str) -> Value:
    """Raises ValueError, TypeError or LookupError where it is none."""
    made = _reader(_key(kind))(json.loads(text))
    assert isinstance(made, kind)
    return made


def to_lines(trace: Trace) -> list[str]:
    """Without the ends of the lines."""
    told = _writer(Trace)(trace)
    parts = {name: told.pop(field, ()) for name, field in PARTS.items()}
    lines = [_ENCODER.encode({WHAT: WHOLE, **told})]
    for name, values in parts.items():
        lines += [_ENCODER.encode({WHAT: name, **value}) for value in values]
    return lines


def whole(lines: Iterable[str]) -> bytes:
    """The text that a digest is of: every line ends in a newline."""
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def from_lines(lines: Sequence[str]) -> Trace:
    """Raises ValueError, TypeError or LookupError where they are none."""
    told = json.loads(lines[0])
    found: dict[str, list[object]] = {field: [] for field in PARTS.values()}
    for line in lines[1:]:
        value = json.loads(line)
        if (field := PARTS.get(value[WHAT])) is not None:
            found[field].append(value)
    made = _reader(Trace)({**told, **found})
    assert isinstance(made, Trace)
    return made


# -- by the types of fields --------------------------------------------------------------------


@cache
def _writer(kind: Hashable) -> Convert:
    """What makes JSON of a value of this type."""
    if isinstance(kind, type) and is_dataclass(kind):
        return _object_writer(kind)
    if kind in _PLAIN or (isinstance(kind, type) and issubclass(kind, StrEnum)):
        return _as_is
    inner = [_writer(each) for each in get_args(kind) if each not in (type(None), Ellipsis)]
    if _is_optional(kind):
        return lambda value: None if value is None else inner[0](value)
    if get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis:
        return lambda values: [inner[0](value) for value in values]
    if get_origin(kind) is tuple:
        return lambda values: [to(value) for to, value in zip(inner, values, strict=True)]
    if get_origin(kind) is Mapping:
        return lambda values: {key: inner[1](value) for key, value in values.items()}
    raise TypeError(f"no JSON for {kind}")


def _object_writer(kind: type) -> Convert:
    hints = get_type_hints(kind)
    parts = [(each.name, _default(each), _writer(hints[each.name])) for each in fields(kind)]

    def write(value: object) -> dict[str, object]:
        found = ((name, default, to, getattr(value, name)) for name, default, to in parts)
        return {name: to(each) for name, default, to, each in found if each or each != default}

    return write


@cache
def _reader(kind: Hashable) -> Convert:
    """What makes a value of this type of JSON."""
    if isinstance(kind, type) and is_dataclass(kind):
        return _object_reader(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    if kind in _PLAIN:
        return _checked(kind)
    inner = [_reader(each) for each in get_args(kind) if each not in (type(None), Ellipsis)]
    if _is_optional(kind):
        return lambda value: None if value is None else inner[0](value)
    if get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis:
        return lambda values: tuple([inner[0](value) for value in values])
    if get_origin(kind) is tuple:
        return lambda values: tuple(to(value) for to, value in zip(inner, values, strict=True))
    if get_origin(kind) is Mapping:
        return lambda values: {key: inner[1](value) for key, value in values.items()}
    raise TypeError(f"no JSON for {kind}")


def _object_reader(kind: type) -> Convert:
    hints = get_type_hints(kind)
    parts = {each.name: _reader(hints[each.name]) for each in fields(kind)}

    def read(value: Mapping[str, Any]) -> object:
        return kind(**{name: to(value[name]) for name, to in parts.items() if name in value})

    return read


def _checked(kind: type) -> Convert:
    def check(value: object) -> object:
        if type(value) is not kind:
            raise ValueError(f"{value!r} is no {kind.__name__}")
        return value

    return check


def _key(kind: type) -> Hashable:
    """A type is one, which checkers do not see where its values are none."""
    return kind


def _as_is(value: object) -> object:
    return value


def _default(each: Field[Any]) -> object:
    return each.default_factory() if each.default_factory is not MISSING else each.default


def _is_optional(kind: object) -> bool:
    return get_origin(kind) in (Union, UnionType) and type(None) in get_args(kind)
