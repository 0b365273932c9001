"""The table of transfers and alerts, for a spreadsheet. Its columns are a contract; what they hold
is what objects.py says of each."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from monitor.messages.objects import Allowed, alert_object, transfer_object
from monitor.model import AlertView, TransferView

TRANSFER_COLUMNS = (
    *("chain", "tx", "leg", "kind", "contract", "symbol", "decimals", "token_id", "verified"),
    *("from", "to", "amount", "amount_decimal", "block_height", "block_hash", "time", "status"),
    *("entry_ids", "watched_addresses", "labels", "cases", "directions", "sources", "first_seen"),
    *("usd_value", "usd_price", "price_source", "price_time"),
)
ALERT_COLUMNS = ("alert_id", "alert_kind", "lane", "severity", "direction")


def csv_rows(views: Iterable[TransferView], allowed: Allowed = None) -> Iterator[str]:
    """The table of transfers as CSV lines (RFC 4180, header first), one per transfer.

    `amount` is in base units, `amount_decimal` in coins and empty where the decimals are
    not known. Several entries are joined by "; ". What a spreadsheet would take for a
    formula has an apostrophe before it.
    """
    yield csv_line(TRANSFER_COLUMNS)
    for view in views:
        yield csv_line(_transfer_cells(transfer_object(view, allowed)))


def alert_csv_rows(views: Iterable[AlertView], allowed: Allowed = None) -> Iterator[str]:
    """As `csv_rows`, with the alert of each transfer before it; an alert without transfers
    has one line with empty cells."""
    yield csv_line((*ALERT_COLUMNS, *TRANSFER_COLUMNS))
    for view in views:
        shown = alert_object(view, allowed)
        head = [shown[key] for key in ("id", "kind", "lane", "severity", "direction")]
        for transfer in shown["transfers"]:
            yield csv_line((*head, *_transfer_cells(transfer)))
        if not shown["transfers"]:
            blank = {"chain": shown["chain"], "tx": shown["tx"]}
            yield csv_line((*head, *(blank.get(column) for column in TRANSFER_COLUMNS)))


def _transfer_cells(shown: Mapping[str, Any]) -> list[object]:
    parties = shown["entries"]
    priced = shown["value"] or dict.fromkeys(("usd", "price", "source", "price_time"))
    cells = {
        **shown,
        **shown["asset"],
        "usd_value": priced["usd"],
        "usd_price": priced["price"],
        "price_source": priced["source"],
        "price_time": priced["price_time"],
        "amount_decimal": _coins(shown["amount"], shown["asset"]["decimals"]),
        "entry_ids": _joined(parties, "id"),
        "watched_addresses": _joined(parties, "address"),
        "labels": _joined(parties, "label"),
        "cases": _joined(parties, "case"),
        "directions": _joined(parties, "direction"),
        "sources": "; ".join(shown["sources"]),
    }
    return [cells[column] for column in TRANSFER_COLUMNS]


def _joined(parties: Sequence[Mapping[str, object]], key: str) -> str:
    return "; ".join(str(party[key] or "") for party in parties)


def _coins(units: str, decimals: int | None) -> str:
    if not decimals:
        return "" if decimals is None else units
    digits = units.rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


def csv_line(cells: Iterable[object]) -> str:
    """One line of a table (RFC 4180). What a spreadsheet would take for a formula, at the
    beginning of a cell or behind anything that a spreadsheet may split at, gets an
    apostrophe before it; `unguarded` takes it away again."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_cell(cell) for cell in cells])
    return out.getvalue()


# Excel splits at semicolons where the decimal sign is a comma (Swiss, German, French), and
# then quotes in the middle of its field protect nothing: csv.writer's are not enough.
_BEGIN = "(^|[;,|\t\r\n\v\f\x1c-\x1f\x85\u2028\u2029\uff1b\uff0c])"  # where a cell may begin
_FORMULA = (
    "(?=['\" \0\xa0\u2000-\u200b\u202f\u205f\u3000\ufeff]*"  # what is passed over
    "[=+@\\-\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b])"
)
_BARE, _GUARDED = re.compile(_BEGIN + _FORMULA), re.compile(f"{_BEGIN}'{_FORMULA}")
_CONTROL = re.compile("[\t\r\n\0]")


def _cell(value: object) -> str:
    """The text of a cell; what a spreadsheet would calculate begins with an apostrophe."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not text or text.isalnum():  # most cells are, and a file has a million
        return text
    text = _BARE.sub(r"\1'", text.encode("utf-8", "replace").decode("utf-8"))
    return f"'{text}" if _CONTROL.match(text.lstrip(" ")) else text


def unguarded(cell: str) -> str:
    """A cell without the apostrophes that `csv_line` put before what looks like a formula."""
    return _GUARDED.sub(r"\1", cell)
