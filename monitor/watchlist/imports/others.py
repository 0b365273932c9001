"""Lists in forms of their own (OpenSanctions, TagPacks, OFAC's XML) -> rows for the watchlist. The
reading itself is that of published lists. Pure."""

from __future__ import annotations

import io
import re

from monitor.model.lists import Published
from monitor.watchlist.imports.cells import ListRow, ListTable, Value
from monitor.watchlist.imports.lists import Preamble, reader

_FORMS = {
    "ftm": "OpenSanctions' form (FollowTheMoney)",
    "tagpack": "a TagPack",
    "ofac_sdn": "OFAC's SDN.XML",
    "ofac_advanced": "OFAC's SDN_ADVANCED.XML",
}
_TAKEN = {"address": "address", "ticker": "ticker", "chain": "network", "label": "entity"}
_TAGS = re.compile(r"^tags:", re.MULTILINE)


def kind_of(text: str) -> str | None:
    """Of a text that is XML or YAML: whose form it has, if it is one of these."""
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        head = text[:10_000]
        xml = {"<sdnList": "ofac_sdn", "<Sanctions": "ofac_advanced"}
        return next((kind for root, kind in xml.items() if root in head), None)
    return "tagpack" if _TAGS.search(text) else None


def table(kind: str, data: bytes, file: str) -> ListTable:
    """Raises ConfigError where the file is not what its kind says."""
    preamble = Preamble()
    found = reader(kind)(io.BytesIO(data), file, preamble)
    rows = tuple(_row(number, each) for number, each in enumerate(found, 1))
    return ListTable(_FORMS[kind], "row", rows, _TAKEN, remarks=tuple(preamble.remarks))


def _row(number: int, row: Published) -> ListRow:
    whom = row.entity
    values: dict[str, Value] = {
        "address": row.address,
        "ticker": row.ticker,
        "chain": row.network,
        "label": whom.name,
    }
    original = {
        "address": row.address,
        "ticker": row.ticker,
        "network": row.network,
        "entity": whom.name,
        "entity id": whom.id,
        "programs": "; ".join(whom.programs),
        "listed": row.since,
        "place": row.place,
    }
    fault = (row.address, *row.fault) if row.fault else None
    return ListRow(number, {k: v for k, v in values.items() if v}, original, fault)
