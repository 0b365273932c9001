"""An address a line, as the lists of 0xB10C are. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from monitor.model.lists import Published
from monitor.watchlist.imports.cells import BROKEN_CELL, refusal
from monitor.watchlist.imports.lists import Preamble
from monitor.watchlist.imports.lists.fields import CUT, CUT_REMEDY, is_cut, named_addresses
from monitor.watchlist.imports.lists.files import lines, no_other_form

_COIN = re.compile(r"[_-]([A-Z0-9]{2,6})\.(txt|json)\Z")  # sanctioned_addresses_XBT.txt
_NOTE = re.compile(r"(^|\s)#.*", re.DOTALL)


def read_text(file: BinaryIO, name: str, _preamble: Preamble) -> Iterator[Published]:
    """Empty lines are none, nor is what stands behind a #."""
    no_other_form(file, name)
    ticker = coin_of(name)
    for number, line in lines(file, name):
        if is_cut(line):
            raise refusal(name, "", CUT, CUT_REMEDY, number)
        bare = line.strip()
        for cell in [bare] if bare.isalnum() else _cells(bare):  # nearly all of a long list
            for coin, address in named_addresses(cell):
                yield Published(address, coin or ticker, place=f"line {number}")


def _cells(text: str) -> Iterator[str]:
    kept = text if BROKEN_CELL.match(text) else _NOTE.sub("", text)
    return filter(None, re.split(r"[,;|\t]", kept))


def coin_of(name: str) -> str:
    """The coin that a file's name says, as 0xB10C's do."""
    coin = _COIN.search(name)
    return coin[1] if coin else ""
