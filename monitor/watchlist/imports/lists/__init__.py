"""Lists of addresses in their publishers' own forms, read row by row: a file may hold a million.
Pure, but for reading the file that is handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import BinaryIO, cast

from monitor.model.lists import Published


@dataclass(slots=True)
class Preamble:
    """What a file says of itself. Filled while its rows are read: complete after the last."""

    published: str = ""  # the day of this version, 2026-09-23
    remarks: list[str] = field(default_factory=list)  # sentences for people


# The open file (seekable), its name (which may say a coin), what it says of itself -> its rows.
# Raises ConfigError where the file as a whole is not what it should be, also after some rows.
ReadList = Callable[[BinaryIO, str, Preamble], Iterator[Published]]

# Loaded when they are asked for: who only reads the record needs none.
READERS: Mapping[str, str] = {
    "ofac_sdn": "ofac:read_sdn",
    "ofac_advanced": "advanced:read_advanced",
    "text": "plain_list:read_text",
    "tagpack": "tagpack:read_tagpack",
    "ftm": "ftm:read_ftm",
    "csv": "csv_list:read_csv",
    "json": "json_list:read_json",
    "xlsx": "workbook:read_xlsx",
}


def reader(kind: str) -> ReadList:
    """What reads lists of a kind (model.lists.KINDS), packed ones too."""
    module, _, name = READERS[kind].partition(":")
    read = cast(ReadList, getattr(import_module(f"{__name__}.{module}"), name))
    files = import_module(f"{__name__}.files")

    def rows(file: BinaryIO, called: str, preamble: Preamble) -> Iterator[Published]:
        inner, plain = files.unpacked(file, called, zipped=kind != "xlsx")
        with files.told(called):
            yield from read(inner, plain, preamble)

    return rows
