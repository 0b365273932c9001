"""Tables that hold addresses in several columns: one a coin, or one after the other. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.watchlist.imports.cells import header_words
from monitor.watchlist.imports.layout import LOOKED_AT, Cells
from monitor.watchlist.imports.lists.fields import is_address
from monitor.watchlist.imports.lists.headers import is_chain

_WORDS = frozenset({"address", "addresses", "wallet", "wallets", "adresse", "adressen", "account"})
_SIBLINGS = ("chain", "blockchain", "network", "currency", "coin", "ticker", "asset")


@dataclass(frozen=True, slots=True)
class Column:
    """One that holds addresses. `found`: which columns say what of them, by `headers.fields`;
    `coin`: what its header says."""

    found: Mapping[str, int]
    coin: str = ""


def columns(
    names: Sequence[str], found: Mapping[str, int], below: Sequence[Cells], *, named: bool
) -> tuple[list[Column], list[str]]:
    """(those that are read, the names of those that hold addresses and are not). `named`: the
    header calls the first one the address."""
    first = found["address"]
    words = [header_words(name) for name in names]
    family = [n for n in range(len(words)) if _stem(words[n]) == _stem_at(words, first)]
    holding = [n for n in _holding(below) if n != first]
    if named:
        chosen = [first, *(n for n in family if n != first)]
    else:
        chosen = _chosen(words, first, sorted({first, *holding, *family}), family)
    left = [names[n] if n < len(names) else f"column {n + 1}" for n in holding if n not in chosen]
    return [_column(words, found, n) for n in chosen], left


def _stem_at(words: Sequence[str], n: int) -> str:
    return _stem(words[n]) if n < len(words) else "none"


def _stem(words: str) -> str:
    """ "addresses 0 address" and "addresses 1 address" are columns of one kind."""
    return re.sub(r"\d+", "", words).strip()


def _chosen(words: Sequence[str], first: int, every: list[int], family: list[int]) -> list[int]:
    """Where the header calls none the address: those of coins, those that are one kind, those
    whose names have the word in them; else the one that holds most."""
    coins = [n for n in every if n < len(words) and _coin(words[n])]
    if len(coins) > 1 or first in coins:
        return sorted({*coins})
    if len(family) > 1:
        return family
    worded = [n for n in every if n < len(words) and is_worded(words[n])]
    return worded or (every if len(every) == len(words) else [first])


def is_worded(name: str) -> bool:
    """Whether a header says that its column holds addresses."""
    return not _WORDS.isdisjoint(header_words(name).split())


def _coin(words: str) -> str:
    """The coin or chain that a header names, and nothing else but that they are addresses."""
    rest = " ".join(word for word in words.split() if word not in _WORDS)
    return rest if rest and is_chain(rest) else ""


def _column(words: Sequence[str], found: Mapping[str, int], n: int) -> Column:
    mine = {**found, "address": n}
    said = words[n].split() if n < len(words) else []
    for word in _SIBLINGS if len(said) > 1 and said[-1] in _WORDS else ():
        sibling = " ".join([*said[:-1], word])
        if sibling in words:
            mine["ticker" if word in {"currency", "coin", "ticker", "asset"} else "chain"] = (
                words.index(sibling)
            )
            break
    coin = _coin(words[n]) if n < len(words) else ""
    return Column(mine, coin.upper())


def _holding(below: Sequence[Cells]) -> Iterator[int]:
    """Columns of which at least half of what is filled are addresses for certain."""
    looked = below[:LOOKED_AT]
    for n in range(max((len(row.cells) for row in looked), default=0)):
        filled = [row.cells[n] for row in looked if n < len(row.cells) and row.cells[n].strip()]
        if filled and sum(map(is_address, filled)) * 2 >= len(filled):
            yield n
