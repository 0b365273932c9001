"""Tables of addresses in CSV, in the ways of spreadsheets and publishers, line by line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO

from monitor.model.lists import Published
from monitor.watchlist.imports.cells import refusal
from monitor.watchlist.imports.layout import Cells, delimiter_of
from monitor.watchlist.imports.lists import Preamble
from monitor.watchlist.imports.lists.fields import CUT, CUT_REMEDY, is_cut
from monitor.watchlist.imports.lists.files import lines, no_other_form
from monitor.watchlist.imports.lists.grid import Place, published
from monitor.watchlist.imports.lists.plain_list import coin_of

_TOLD = re.compile(r"[ \t]*\"?sep=(.)\"?[ \t]*\n", re.IGNORECASE)  # Excel's own first line
_SAMPLE = 50  # lines
_SAMPLED = 20_000  # characters of each


def read_csv(file: BinaryIO, name: str, preamble: Preamble) -> Iterator[Published]:
    """Whatever its separator, with a header or without."""
    no_other_form(file, name)
    yield from published(
        _rows(file, name), Place(name, coin=coin_of(name), remarks=preamble.remarks)
    )


@dataclass(slots=True)
class _Source:
    """The lines that a row is read from, and whether there are no more."""

    coming: Iterator[tuple[int, str]]
    name: str
    ended: bool = False
    number: int = 0

    def __iter__(self) -> Iterator[str]:
        for number, line in self.coming:
            self.number = number
            if is_cut(line):
                raise refusal(self.name, "", CUT, CUT_REMEDY, self.number)
            yield line
        self.ended = True


def _rows(file: BinaryIO, name: str) -> Iterator[Cells]:
    coming = lines(file, name)
    head = list(islice(coming, _SAMPLE))
    told = _TOLD.match(head[0][1]) if head else None
    kept = head[1:] if told else head
    delimiter = told[1] if told else delimiter_of("\n".join(x[:_SAMPLED] for _, x in kept))
    source = _Source(chain(kept, coming), name)
    reader = csv.reader(source, delimiter=delimiter, skipinitialspace=True)
    before = source.number
    try:
        for cells in reader:
            first = before + 1 if before else source.number
            if source.ended and any(map(str.strip, cells)):
                remedy = 'Delete the stray ", or close the quote'
                raise refusal(name, "", "opens a quote that is not closed", remedy, first)
            yield Cells(first, cells, source.number - first + 1)
            before = source.number
    except csv.Error:  # the only one that is possible here
        reason = f"has a cell of over {csv.field_size_limit():,} characters"
        remedy = 'Shorten it; if it should be short, close the quote (") that opens it'
        raise refusal(name, "", reason, remedy, before + 1) from None
