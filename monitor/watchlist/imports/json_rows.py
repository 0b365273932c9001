"""JSON and JSON Lines -> rows of a list of addresses. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from monitor.model.errors import ConfigError
from monitor.watchlist.imports import others
from monitor.watchlist.imports.cells import (
    OF_PARTS,
    ListRow,
    ListTable,
    Value,
    cell_value,
    columns,
    header_words,
    json_value,
    looks_like_address,
    plain_address,
    refusal,
    text_of,
)
from monitor.watchlist.imports.json_text import loads


def read(text: str, file: str, remarks: list[str]) -> ListTable:
    """Read a text that starts with [ or {. Raises ConfigError where it is neither form."""
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    try:
        return _json_table(_items(loads(text), file), file, "JSON", "item", remarks)
    except ValueError as error:
        if len(lines) < 2 or not all(line.lstrip()[0] in '{["#' for _, line in lines):
            raise _not_json(file, error, 0) from None
    items = []
    for number, line in lines:
        try:
            items += [] if line.lstrip().startswith("#") else [(number, loads(line))]
        except ValueError as error:
            raise _not_json(file, error, number) from None
    return _json_table(items, file, "JSON Lines", "line", remarks)


def _not_json(file: str, error: ValueError, line: int) -> ConfigError:
    at = line or getattr(error, "lineno", 0)
    return refusal(file, "", f"is not valid JSON ({error})", "Export it again from its tool", at)


def _items(value: object, file: str) -> list[tuple[int, object]]:
    """The numbered items: of a list, of {"addresses": ...}, or of {address: what is known}."""
    if isinstance(value, dict):
        inner = next(
            (v for k, v in value.items() if header_words(k) in {"addresses", "wallets"}), None
        )
        value = value if inner is None or "address" in value else inner
    if isinstance(value, dict):
        if "address" not in columns(list(value)) and any(map(looks_like_address, value)):
            value = [{**_as_object(v), "address": k} for k, v in value.items()]
        else:
            value = [value]
    if not isinstance(value, list):
        remedy = 'Write a list of objects, or {"addresses": [...]}'
        raise refusal(file, "", "holds no list of addresses", remedy)
    return list(enumerate(value, 1))


def _as_object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {"label": value} if isinstance(value, str) else {}


def _json_table(
    items: Iterable[tuple[int, object]], file: str, form: str, unit: str, remarks: list[str]
) -> ListTable:
    items = list(items)
    if any(_is_ftm(item) for _, item in items[:_LOOKED_AT]):
        lines = "".join(json.dumps(item) + "\n" for _, item in items)
        return others.table("ftm", lines.encode(), file)
    keys = list(dict.fromkeys(k for _, item in items if isinstance(item, dict) for k in item))
    found = columns(keys)
    by_key = {keys[n]: name for name, n in found.items()}
    rows = tuple(_json_row(number, item, by_key) for number, item in items)
    taken = {name: key for key, name in by_key.items()}
    ignored = tuple(key for key in keys if key not in by_key)
    return ListTable(form, unit, rows, taken, ignored, tuple(remarks))


_LOOKED_AT = 200  # items, to learn whose form it is


def _is_ftm(item: object) -> bool:
    """An entity of FollowTheMoney: https://followthemoney.tech/docs/"""
    return (
        isinstance(item, dict)
        and isinstance(item.get("schema"), str)
        and isinstance(item.get("properties"), dict)
    )


def _json_row(number: int, item: object, by_key: Mapping[str, str]) -> ListRow:
    if not isinstance(item, dict):
        text = plain_address(text_of(item))
        return ListRow(number, {"address": text}, {"address": text})
    values: dict[str, Value] = {}
    for key, name in by_key.items():
        value = json_value(item.get(key))
        if name == "address" and isinstance(value, str):
            value = plain_address(value)
        elif name in OF_PARTS and isinstance(value, str):
            value = cell_value(name, value)
        values |= {name: value} if value else {}
    original = {key: text_of(value) for key, value in item.items() if value is not None}
    return ListRow(number, values, original)
