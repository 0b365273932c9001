"""What cells and headers of lists mean that others have written: text -> values. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitor.messages.spreadsheet import unguarded
from monitor.model.errors import ConfigError, Problem
from monitor.watchlist.entries import BLOCK_KEYS

Value = str | tuple[str, ...] | Mapping[str, str]
Why = tuple[str, str, str]  # value, reason, remedy

# Headers that people use, beside the names of the watchlist's lines; the first one found
# counts. `ticker` is a coin, which mostly says the chain.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "address": (
        *("addresses", "wallet", "wallet address", "address hash", "addr", "crypto address"),
        *("digital currency address", "blockchain address", "public address", "account"),
        *("account address", "wallets", "adresse", "adressen", "wallet adresse"),
        *("krypto adresse", "kryptoadresse", "adresse crypto"),
    ),
    "chain": (
        "chains",
        "network",
        "networks",
        "blockchain",
        "blockchains",
        "netzwerk",
        "chainid",
        "chain id",
    ),
    "ticker": (
        *("currency", "coin", "asset", "symbol", "crypto", "cryptocurrency", "digital currency"),
        *("currency type", "digital currency type", "currency code", "coin type", "asset type"),
        *("w\u00e4hrung", "waehrung", "kryptow\u00e4hrung"),
    ),
    "label": ("name", "entity", "entity name", "owner", "alias", "nickname"),
    "case": ("case id", "case number", "case no", "case ref", "case reference", "dossier"),
    "title": ("case title",),
    "reason": ("why", "comment", "comments", "note", "notes", "remark", "remarks", "description"),
    "source": ("source url", "url", "link", "reference", "origin"),
    "tags": ("tag", "category", "categories"),
    "min_amount": ("min amounts", "minimum amount"),
    "channels": ("channel",),
}
FIELDS = tuple(dict.fromkeys(("title", "ticker", *(k for k in BLOCK_KEYS if k != "chains"))))
# "chain by format", "ticker as published": taken where no header fits better.
_BY_FIRST_WORD = ("chain", "ticker")

_ADDRESS_LIKE = re.compile(r"([a-z]{3,20}:)?[0-9A-Za-z]{25,110}\Z")
# Lines of several values, which may be written as JSON.
OF_PARTS = frozenset({"tags", "channels", "sources", "min_amount", "expected", "planned"})
_QUOTES = "'\"`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
# Not taken into a watchlist: yaml_nodes.py refuses them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
# What a spreadsheet shows for a cell that it cannot compute; other words after # are notes.
BROKEN_CELL = re.compile(r"#(NAME\?|N/A|REF!|VALUE!|NUM!|NULL!|DIV/0!)\Z")


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row: its line or item number (from 1), its values by field, and every cell by its
    column as it was written. `fault` says why the row cannot be read."""

    number: int
    values: Mapping[str, Value]
    original: Mapping[str, str]
    fault: Why | None = None


@dataclass(frozen=True, slots=True)
class ListTable:
    """What a file holds. `taken` are columns by the field that they were read as, `ignored`
    the others; `unit` is what `ListRow.number` counts."""

    form: str
    unit: str
    rows: tuple[ListRow, ...]
    taken: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def refusal(file: str, value: str, reason: str, remedy: str, line: int = 0) -> ConfigError:
    """The error that says why a whole file was not read."""
    return ConfigError([Problem(f"{file}:{line}" if line else file, value, reason, remedy)])


def wide(data: bytes) -> str | None:
    """The UTF-16 that it is written in, if it is: by its mark, else by its zero bytes."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = data[:400]
    if head[1::2].count(0) > len(head) // 3:
        return "utf-16-le"
    return "utf-16-be" if head[0::2].count(0) > len(head) // 3 else None


def plain_text(cell: str) -> str:
    """A cell as a text in one line: no control or hidden characters, single spaces, without
    the apostrophes that stand before what a spreadsheet would calculate."""
    text = " ".join(_HIDDEN.sub("", unguarded(cell)).split())
    return text[1:] if text.startswith("''") else text


def plain_address(cell: str) -> str:
    """A cell as an address: also without quotes around it and invisible characters in it."""
    if cell.isascii() and cell.isalnum():  # nearly all of a long list
        text = cell
    else:
        seen = "".join(c for c in cell if unicodedata.category(c) not in {"Cf", "Cc", "Cs"})
        text = seen.strip().strip(_QUOTES).strip()
    return f"0x{text[2:]}" if text.startswith("0X") else text


def looks_like_address(cell: str) -> bool:
    """Whether a cell may be an address: a long word of letters and digits with a digit."""
    text = plain_address(cell)
    return _ADDRESS_LIKE.match(text) is not None and any(c.isdigit() for c in text)


def cell_value(name: str, cell: str) -> Value:
    """The value of a cell: several tags, channels or amounts stand in one, with ; between."""
    if name == "address":
        return plain_address(cell)
    text = plain_text(cell)
    if name in OF_PARTS and text[:1] in {"[", "{"}:
        try:
            return json_value(json.loads(unguarded(cell).strip(), parse_int=str, parse_float=str))
        except (ValueError, RecursionError):
            return text
    if name in {"min_amount", "expected"}:
        return _amounts(text)
    if name in {"tags", "channels", "sources"}:
        items = tuple(part.strip() for part in re.split(r"[;,|]", text))
        return tuple(dict.fromkeys(item for item in items if item))
    return text


def _amounts(text: str) -> Value:
    """ "ETH 0.01; USDT=1" by asset; the text itself where it is not of this form."""
    parts = [part.strip() for part in re.split(r"[;|]", text) if part.strip()]
    pairs = [re.fullmatch(r"([^\s=:]+)\s*[\s=:]\s*([^\s=:]+)", part) for part in parts]
    found = {pair[1]: pair[2] for pair in pairs if pair}
    return found if len(found) == len(parts) else text


def json_value(value: object) -> Value:
    if isinstance(value, list):
        return tuple(
            _HIDDEN.sub("", v).strip() if isinstance(v, str) else text_of(v) for v in value
        )
    if isinstance(value, dict):
        return {plain_text(key): text_of(item) for key, item in value.items()}
    return text_of(value)


def text_of(value: object) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(_HIDDEN.sub("", shown).split())


def header_words(cell: str) -> str:
    folded = unicodedata.normalize("NFKC", _HIDDEN.sub("", cell)).casefold()
    return " ".join(re.findall(r"[^\W_]+", folded))


_NAMES = {name: (header_words(name), *SYNONYMS.get(name, ())) for name in FIELDS}


def columns(headers: Sequence[str]) -> dict[str, int]:
    """Which column holds each field, by its header."""
    plain = [header_words(header) for header in headers]
    found: dict[str, int] = {}
    for name, names in _NAMES.items():
        at = next((plain.index(word) for word in names if word in plain), None)
        if at is not None:
            found[name] = at
    for name in _BY_FIRST_WORD:
        first = [words.split(" ")[0] for words in plain]
        if name not in found and name in first and first.index(name) not in found.values():
            found[name] = first.index(name)
    return found
