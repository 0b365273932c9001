"""What the templates lay a sheet out with: no figure is broken, no address is cut."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from monitor.messages.sheets.parts import Item, Section, Sheet, Table

WIDTH = 78
_NAME = 10  # the column of section names; with "Tx" before it a hash still fits
_UNBROKEN = frozenset({"code", "link"})
_PHONE = 28  # characters of running text that a narrow screen holds in a line
_WORDS = re.compile(r"(\s+)")
_BREAKS = re.compile(r"(?=.*\d).*[^\w.,]|--")  # a browser breaks at hyphens and the like


def environment(*folders: Path) -> Environment:
    """The templates of these folders; an earlier folder hides equal names of later ones."""
    made = Environment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["wrapped"] = _wrapped
    made.filters["block"] = _block
    made.filters["whole"] = _whole
    made.filters["each_wrapped"] = _each_wrapped
    made.tests["table"] = lambda value: isinstance(value, Table)
    return made


# --- the HTML form ---------------------------------------------------------------------------


def _whole(text: str) -> Markup:
    """Text as HTML in which no figure, date or number of an alert breaks in the middle, however
    narrow the screen; what is longer than a phone is wide breaks where it must."""
    return Markup("").join(map(_unbroken, _WORDS.split(text)))


def _unbroken(word: str) -> Markup:
    if len(word) > _PHONE:
        return Markup('<span style="overflow-wrap:anywhere">{}</span>').format(word)
    if _BREAKS.search(word):
        return Markup('<span style="white-space:nowrap">{}</span>').format(word)
    return escape(word)


def text_lines(sheet: Sheet) -> int:
    """How many lines the shipped text template makes of a sheet, but for its subject."""
    said = [sheet.headline, *sheet.lead, sheet.footer]
    seen = [_each_wrapped(image.alt) for image in sheet.images]
    laid = [*map(_wrapped, said), *seen, *map(_block, sheet.sections)]
    return sum(text.count("\n") + 1 for text in laid)


# --- the text form ---------------------------------------------------------------------------


def _wrapped(text: str, first: str = "", rest: str = "") -> str:
    """Wrapped at WIDTH; an address or hash is never cut, even where it is longer."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _each_wrapped(text: str) -> str:
    """Several lines, each wrapped; what a list holds is indented."""
    rest = {"- ": "  "}
    return "\n".join(_wrapped(line, "", rest.get(line[:2], "")) for line in text.split("\n"))


def _block(section: Section) -> str:
    """A section as text: its name in a column, its items beside it."""
    indent = " " * _NAME
    named = [item.label for item in section.items if isinstance(item, Item) and item.label]
    width = max(map(len, named), default=0) + 2
    lines = [line for item in section.items for line in _lines(item, indent, width)]
    if len(section.name) < _NAME:
        return "\n".join([section.name.ljust(_NAME) + lines[0][_NAME:], *lines[1:]])
    return "\n".join([section.name, *lines])


def _lines(item: Item | Table, indent: str, width: int) -> list[str]:
    if isinstance(item, Table):
        return _table_lines(item, indent)
    label = item.label.ljust(width) if item.label else ""
    if label and item.style in _UNBROKEN and len(indent + label + item.text) > WIDTH:
        bare = Item(item.text, "", item.style, item.note)
        return [(indent + label).rstrip(), *_lines(bare, indent, width)]
    hanging = indent + " " * len(label)
    one = f"{indent}{label}{item.text}   {item.note}".rstrip()
    if len(one) <= WIDTH:
        return [one]
    lines = _wrapped(item.text, indent + label, hanging).split("\n")
    return [*lines, *(_wrapped(item.note, hanging, hanging).split("\n") if item.note else ())]


def _table_lines(table: Table, indent: str) -> list[str]:
    """Columns where they fit, else a row in running text with its columns' names."""
    rows = [table.head, *table.rows]
    widths = [max(len(row[at]) for row in rows) for at in range(len(table.head))]
    if len(indent) + sum(widths) + 2 * len(widths) <= WIDTH:
        padded = [[c.ljust(w) for c, w in zip(row, widths, strict=True)] for row in rows]
        return [(indent + "  ".join(row)).rstrip() for row in padded]
    lines: list[str] = []
    for first, *rest in table.rows:
        named = zip(table.head[1:], rest, strict=True)
        cells = [f"{name} {cell}" for name, cell in named if cell != "0"]
        lines += _wrapped("   ".join([first, *cells]), indent, f"{indent}  ").split("\n")
    return lines
