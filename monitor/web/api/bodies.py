"""What is sent, read strictly: JSON without doubles, without numbers that nobody can hold, and of
exactly the type that its route has."""

from __future__ import annotations

import json
import re

import msgspec

from monitor.web.api.problems import Error, Wrong

DEEPEST = 16
_AT = re.compile(r" - at `\$(.*)`$")
_PLACE = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")


def read(data: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """The value of a body. Raises Wrong."""
    found = _json(data)
    try:
        return msgspec.convert(found, kind, strict=True)
    except msgspec.ValidationError as error:
        said = str(error)
        at = _AT.search(said)
        pointer = "".join(
            f"/{name or number or '*'}" for name, number in _PLACE.findall(at[1] if at else "")
        )
        detail = f"{_AT.sub('', said)}."
        raise Wrong("not_taken", detail, [Error(pointer, detail)]) from None


def _json(data: bytes) -> object:
    try:
        text = data.decode("utf-8")
        found: object = json.loads(
            text,
            object_pairs_hook=_no_doubles,
            parse_constant=_refused,
            parse_float=_refused,
            parse_int=_int,
        )
    except (ValueError, RecursionError) as error:
        why = str(error) if type(error) is ValueError else "it is none"
        raise Wrong("not_understood", f"The body is no JSON that is taken: {why}.") from None
    _check(found, 0)
    return found


def _no_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands in it twice")
    return made


def _refused(text: str) -> object:
    raise ValueError(f"{text[:20]} is no number that is taken; amounts are texts")


def _int(text: str) -> int:
    if len(text) > 15:
        raise ValueError("a number in it is too long")
    return int(text)


def _check(value: object, depth: int) -> None:
    if depth > DEEPEST:
        raise Wrong("not_understood", "The body is nested too deeply.")
    if isinstance(value, str):
        if any("\ud800" <= each <= "\udfff" for each in value) or "\0" in value:
            raise Wrong("not_understood", "A text in the body holds half of a character.")
    elif isinstance(value, dict):
        for name, each in value.items():
            _check(name, depth + 1)
            _check(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _check(each, depth + 1)
