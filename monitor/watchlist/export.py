"""Entries -> the lists that others read; watchlist.imports.rows takes them again. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from monitor.chains.address import display
from monitor.messages.objects import json_text
from monitor.messages.spreadsheet import csv_line
from monitor.model import Chain, Entry, Planned
from monitor.watchlist.entries import BLOCK_KEYS
from monitor.watchlist.held import PLANNED_KEYS

COLUMNS = ("address", "chain", "case", "title", *(
    key for key in BLOCK_KEYS if key not in {"address", "chain", "chains", "case"}
))  # fmt: skip
_PLAIN_ITEM = re.compile(r"[^\s;,|\[\]{}\"'=:](?:[^;,|\[\]{}\"=:]*[^\s;,|\[\]{}\"=:])?\Z")
_PLAIN_ASSET = re.compile(r"[^\s;,|\[\]{}\"'=:]+\Z")


def entry_object(entry: Entry, chains: Mapping[str, Chain]) -> dict[str, object]:
    """One entry with the names of the watchlist's lines; null where it says nothing."""
    own = {key: getattr(entry, key) or None for key in COLUMNS if key not in {"address", "chain"}}
    chain = entry.subject.chain
    known = chains.get(chain)
    address = display(known, entry.subject.address) if known else entry.subject.address
    planned = {"planned": _planned(entry.planned, known)} if entry.planned else {}
    severity = {"severity": entry.severity.value}
    return {"address": address, "chain": chain, **own, **severity, **planned}


def _planned(planned: Planned, chain: Chain | None) -> dict[str, str]:
    """As it is written in the watchlist."""
    said = {name: str(getattr(planned, name)) for name in PLANNED_KEYS}
    return said | ({"to": display(chain, planned.to)} if chain else {})


def csv_rows(entries: Iterable[Entry], chains: Mapping[str, Chain]) -> Iterator[str]:
    """A table with a header; several tags, channels or amounts stand in one cell."""
    yield csv_line(COLUMNS)
    for entry in entries:
        shown = entry_object(entry, chains)
        yield csv_line(_cell(shown[column]) for column in COLUMNS)


def json_rows(entries: Iterable[Entry], chains: Mapping[str, Chain]) -> Iterator[str]:
    """One list of objects, an object a line."""
    rows = [json_text(entry_object(entry, chains)) for entry in entries]
    yield "[\n" + ",\n".join(rows) + "\n]\n" if rows else "[]\n"


def jsonl_rows(entries: Iterable[Entry], chains: Mapping[str, Chain]) -> Iterator[str]:
    """One object a line."""
    for entry in entries:
        yield json_text(entry_object(entry, chains)) + "\n"


def addresses(entries: Iterable[Entry], chains: Mapping[str, Chain]) -> Iterator[str]:
    """Every address once, one a line; nothing else."""
    shown = (entry_object(entry, chains)["address"] for entry in entries)
    yield from (f"{address}\n" for address in dict.fromkeys(shown))


Writer = Callable[[Iterable[Entry], Mapping[str, Chain]], Iterator[str]]

FORMATS: Mapping[str, Writer] = {
    "csv": csv_rows,
    "json": json_rows,
    "jsonl": jsonl_rows,
    "addresses": addresses,
}


def _cell(value: object) -> object:
    if value is True:
        return "yes"
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False) if "until" in value else _amounts(value)
    if isinstance(value, list | tuple):
        return _list(value)
    # Import takes away one apostrophe before another one.
    return f"'{value}" if isinstance(value, str) and value.startswith("'") else value


def _amounts(amounts: Mapping[str, str]) -> str:
    if all(_PLAIN_ASSET.match(asset) for asset in amounts):
        return "; ".join(f"{asset} {amount}" for asset, amount in amounts.items())
    return json.dumps(dict(amounts), ensure_ascii=False)


def _list(items: Sequence[str]) -> str:
    """Items with ; between, or a JSON list where one of them would not survive that."""
    if all(_PLAIN_ITEM.match(item) and item == " ".join(item.split()) for item in items):
        return "; ".join(items)
    return json.dumps(list(items), ensure_ascii=False)
