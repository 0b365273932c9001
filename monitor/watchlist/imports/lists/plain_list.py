"""An address a line, as the lists of 0xB10C are. Pure."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from monitor.model.lists import LONGEST, Published
from monitor.watchlist.imports.cells import plain_address
from monitor.watchlist.imports.lists import Preamble

_COIN = re.compile(r"[_-]([A-Z0-9]{2,6})\.(txt|json)\Z")  # sanctioned_addresses_XBT.txt


def read_text(file: BinaryIO, name: str, _preamble: Preamble) -> Iterator[Published]:
    """Empty lines and those that begin with # are none."""
    coin = _COIN.search(name)
    ticker = coin[1] if coin else ""
    lines = io.TextIOWrapper(file, "utf-8-sig", errors="replace")
    for number, line in enumerate(lines, 1):
        text = plain_address(line)
        if text and not text.startswith("#"):
            yield Published(text[:LONGEST], ticker, place=f"line {number}")
