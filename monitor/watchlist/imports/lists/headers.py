"""What columns and keys of published lists mean, by their names. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain, pairwise

from monitor.chains.names import SYNONYMS
from monitor.model.lists import Entity
from monitor.watchlist.imports.cells import columns, header_words, plain_text
from monitor.watchlist.imports.lists.fields import entity, iso_day, programs_of, ticker_of

# Beside what cells.columns knows; the first one found counts.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": (
        *("entity id", "sdn uid", "ofac uid", "sdn id", "entity number", "ent num", "fixed ref"),
        *("fixedref", "profile id", "party id", "actor id", "uid", "actor", "id"),
    ),
    "name": (
        *("entity", "entity name", "sdn name", "name", "owner", "holder", "family", "actor"),
        *("threat actor", "group", "group name", "label", "name tag", "nametag", "tag", "alias"),
        *("inhaber", "eigent\u00fcmer", "naam"),
    ),
    "programs": (
        *("programs", "program", "sanctions programs", "sanctions program", "programme"),
        *("programmes", "program id", "regime"),
    ),
    "since": (
        *("listed at", "listed on", "listed", "listing date", "date listed", "date of listing"),
        *("designated", "designated on", "designation date", "date of designation", "since"),
        *("date added", "added", "added at", "added on"),
        *("first seen in daily snapshots", "first seen", "date"),
        *("gelistet am", "aufgenommen am", "datum"),
    ),
    "type": ("type", "id type", "idtype", "feature type", "address type"),
}
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?!\d)")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)")
_LINES = ("address", "chain", "ticker", "label")  # of cells.columns, which a row here has
_OTHER_CHAINS = (
    *("base", "linea", "scroll", "zksync", "fantom", "ftm", "cronos", "celo", "solana", "sol"),
    *("monero", "xmr", "ripple", "xrp", "ton"),
)


def _squeezed(name: str) -> str:
    return "".join(re.findall(r"[a-z0-9]+", name.casefold()))


_CHAINS = frozenset(map(_squeezed, (*SYNONYMS, *chain(*SYNONYMS.values()), *_OTHER_CHAINS)))


def is_chain(text: str) -> bool:
    """Whether a cell is what people call a chain, also one that is not watched."""
    return _squeezed(text) in _CHAINS


@lru_cache(256)
def fields(names: tuple[str, ...]) -> Mapping[str, int]:
    """Which column, or key, holds what: address, chain, ticker, label, id, name, programs, since
    and type."""
    found = {k: n for k, n in columns(names).items() if k in _LINES}
    plain = [header_words(name) for name in names]
    for field, words in _NAMES.items():
        at = next((plain.index(word) for word in words if word in plain), None)
        if at is not None and at != found.get("address"):
            found[field] = at
    return found


def numbered(values: Sequence[str]) -> bool:
    """Whether a column only counts the rows, from 0 or 1: such a number names nobody."""
    numbers = [int(v) for v in values if v.isascii() and v.isdigit() and len(v) < 10]
    if len(numbers) < len(values) or not numbers or numbers[0] > 1:
        return False
    return {b - a for a, b in pairwise(numbers)} == {1}


def entity_of(values: Mapping[str, str]) -> Entity:
    """Whom a row is about, of its values by `fields`."""
    name = values.get("name") or values.get("label", "")
    return _entity(values.get("id", ""), name, values.get("programs", ""))


@lru_cache(1000)
def _entity(id_: str, name: str, programs: str) -> Entity:
    return entity(id_, name, programs_of(programs))


def coin_of(values: Mapping[str, str]) -> str:
    """The coin that a row names, in a column of its own or behind OFAC's type."""
    written = values.get("ticker") or ""
    typed = ticker_of(written) if written else ticker_of(values.get("type", ""))
    return typed if typed is not None else plain_text(written)[:20]


def chain_of(values: Mapping[str, str]) -> str:
    return plain_text(values.get("chain", ""))[:60]


def day_of(values: Mapping[str, str]) -> str:
    """Empty where days and months cannot be told apart: 05/04/2022 is two days."""
    said = values.get("since", "").strip()
    if found := _DOTTED.match(said):
        return iso_day(f"{found[3]}-{found[2]:0>2}-{found[1]:0>2}")
    if (slashed := _SLASHED.match(said)) and slashed[1] != slashed[2]:
        day, month = sorted((int(slashed[1]), int(slashed[2])), reverse=True)
        return iso_day(f"{slashed[3]}-{month:02}-{day:02}") if day > 12 else ""
    return iso_day(said)
