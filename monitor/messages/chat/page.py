"""The page that all chat platforms draw: lines of styled runs, cut where they do not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from monitor.messages.sheets.parts import Item, Section, Sheet, Table
from monitor.model.plain import plural, tidy

# What an alert is about, and how it is looked up: cut last.
_ESSENTIAL = frozenset(
    {"WHAT", "FROM", "TO", "THIS ENTRY", "TAKE CARE", "STATUS", "TO DO", "ID", "MOVEMENTS"}
    | {"WE SAID", "NOW", "MEANING", "IF YOU ACTED", "CURE", "NO FILE HERE"}
    | {"BALANCE", "LEADS", "FOUND"}
)
_LONGEST = 600  # characters of one run
_NAMED = 120  # characters of the names of parts that are left out
_MANY = 12  # lines that a part of another sort has at most: phones are small
_FEW = 4  # lines that an essential part keeps as long as possible
_STYLES = {"row": "strong", "command": "code"}
_LINK = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~:/?#@!$&'*+,;=%-]*)?\Z")


@dataclass(frozen=True, slots=True)
class Run:
    """Words of one look: "" plain, "strong", "code" (never cut), "link", "warn", "note"."""

    text: str
    style: str = ""


Line = tuple[Run, ...]
_BEFORE: Line = (Run("x", "code"),)  # a line that is never drawn as one with the next


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One message. `first` is its first line and holds no text from a chain."""

    first: str
    colour: str  # "#a3001b"
    headline: str
    lead: tuple[str, ...]
    parts: tuple[Part, ...]
    footer: str
    show: str  # the command that tells everything


@dataclass(frozen=True, slots=True)
class Medium:
    """How a platform draws a page, and how much it takes. `weigh` is of a drawn page, in the
    unit of `room`; parts add up."""

    room: int
    draw: Callable[[Page], object]
    weigh: Callable[[Page], int]
    most_parts: int = 1000


# --- from a sheet ----------------------------------------------------------------------------


def page_of(sheet: Sheet, colour: str, show: str) -> Page:
    """The sheet's words, line by line. Attached tables are named, not carried."""
    parts = [_part(each) for each in sheet.sections if each.name != "ATTACHED"]
    if sheet.table:
        notice = sheet.banner == "NOTICE"  # its rows are no movements
        parts.append(_no_file(f"{show} --csv" if notice else "fundwatch transfers --format csv"))
    return Page(
        first=tidy(f"{sheet.banner} - {sheet.topic}", 150),
        colour=colour,
        headline=tidy(sheet.headline, _LONGEST),
        lead=tuple(tidy(line, _LONGEST) for line in sheet.lead if line),
        parts=tuple(parts),
        footer=tidy(sheet.footer),
        show=show,
    )


def page_of_lines(first: str, lines: Sequence[str], show: str) -> Page:
    shown = tuple((Run(tidy(line, _LONGEST)),) for line in lines[1:] if line)
    head = tidy(lines[0], _LONGEST)
    return Page(tidy(first, 150), "#3d566e", head, (), (Part("FACTS", shown),), "", show)


def _no_file(command: str) -> Part:
    said = Run("The attached file goes out by mail only; a chat carries none. All rows: ", "warn")
    return Part("NO FILE HERE", ((said, Run(command, "code")),))


def _part(section: Section) -> Part:
    lines = [line for item in section.items for line in _lines(item)]
    return Part(section.name, tuple(lines))


def _lines(item: Item | Table) -> list[Line]:
    if isinstance(item, Table):
        return [_row(item.head, row) for row in item.rows]
    label = (Run(f"{tidy(item.label, 40)}: "),) if item.label else ()
    style = _STYLES.get(item.style, item.style)
    if style == "link" and not _LINK.match(item.text):
        style = ""
    said = Run(tidy(item.text, _LONGEST), style)
    if not item.note:
        return [(*label, said)]
    note = Run(tidy(item.note, _LONGEST), "note")
    if style in ("code", "link"):
        return [(*label, said), (note,)]
    return [(*label, said, Run("  "), note)]


def _row(head: Sequence[str], cells: Sequence[str]) -> Line:
    rest = (f" - {tidy(f'{n} {c}', 120)}" for n, c in zip(head[1:], cells[1:], strict=True))
    return (Run(tidy(cells[0], 120), "strong"), Run("".join(rest)))


# --- cut to fit ------------------------------------------------------------------------------


def fit(page: Page, medium: Medium) -> Page:
    """The page with as many lines as the medium takes; every cut is visible.

    The longest part loses its last line first; what an alert is about loses lines only when
    nothing else has any left. Raises ValueError when even that is too much.
    """
    cutter = _Cutter(page, medium)
    for essential, least in ((False, 1), (False, 0), (True, _FEW), (True, 2), (True, 1)):
        cutter.shorten(essential=essential, least=least)
    found = cutter.page()
    if medium.weigh(found) > medium.room:
        raise ValueError("the message cannot be made short enough")
    return found


class _Cutter:
    """Which lines of each part stay. Weights are taken once: a daily mail has many lines."""

    def __init__(self, page: Page, medium: Medium) -> None:
        self._page = page
        self._medium = medium
        empty = replace(page, parts=())
        frame = medium.weigh(empty)

        def weigh(part: Part) -> int:
            return medium.weigh(replace(empty, parts=(part,))) - frame

        before = weigh(Part("", (_BEFORE,)))
        self._names = [weigh(Part(part.name, ())) for part in page.parts]
        self._lines = [
            [weigh(Part("", (_BEFORE, line))) - before for line in part.lines]
            for part in page.parts
        ]
        self._kept = [
            len(part.lines) if _essential(part) else min(_MANY, len(part.lines))
            for part in page.parts
        ]
        self._notice = weigh(Part("", (_BEFORE, _more(999_999)))) - before
        self._about_cuts = weigh(Part("LEFT OUT", (_left_out("x" * _NAMED, page.show),)))
        self._room = medium.room - frame

    def shorten(self, *, essential: bool, least: int) -> None:
        """Take lines of the longest parts of this sort, down to `least`, until it fits."""
        while self._too_much():
            able = [
                at
                for at, part in enumerate(self._page.parts)
                if self._kept[at] > least and _essential(part) is essential
            ]
            if not able:
                return
            self._kept[max(able, key=self._weight)] -= 1

    def _too_much(self) -> bool:
        shown = sum(1 for kept in self._kept if kept)
        whole = [len(lines) for lines in self._lines]
        about_cuts = self._about_cuts if self._kept != whole else 0
        total = about_cuts + sum(self._weight(at) for at in range(len(self._kept)))
        return total > self._room or shown > self._medium.most_parts

    def _weight(self, at: int) -> int:
        kept = self._kept[at]
        if not kept:
            return 0
        notice = self._notice if kept < len(self._lines[at]) else 0
        return self._names[at] + sum(self._lines[at][:kept]) + notice

    def page(self) -> Page:
        parts, gone = [], []
        for part, kept in zip(self._page.parts, self._kept, strict=True):
            rest = len(part.lines) - kept
            if kept:
                cut = (_more(rest),) if rest else ()
                parts.append(Part(part.name, (*part.lines[:kept], *cut)))
            else:
                gone.append(part.name)
        if gone or parts != list(self._page.parts):
            names = tidy(", ".join(gone), _NAMED)
            parts.append(Part("LEFT OUT", (_left_out(names, self._page.show),)))
        return replace(self._page, parts=tuple(parts))


def _more(rest: int) -> Line:
    return (Run(f"(cut here: {plural(rest, 'more line')})", "warn"),)


def _left_out(names: str, show: str) -> Line:
    return (
        Run(f"{names}. " if names else "lines, as marked. "),
        Run("All of it: "),
        Run(show, "code"),
    )


def _essential(part: Part) -> bool:
    return part.name in _ESSENTIAL


def cut_text(text: str, room: int) -> str:
    """The beginning of a text, at the end of a line, with a word about the cut."""
    if len(text) <= room:
        return text
    kept = text[: room - 20]
    return f"{kept.rpartition(chr(10))[0] or kept}\n(cut here)"
