"""YAML text -> nodes that know their place. Every scalar stays the text that was written.

What a person writes is read without guessing: no types (an unquoted 0x... is text, not a
number), no aliases, no tags, no second document. Mistakes go to Notes, all at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from monitor.chains import keys
from monitor.model.errors import Problem

MAX_BYTES = 40_000_000  # a watchlist of 100,000 entries has about 15 MB
MAX_DEPTH = 20
_SHOWN = 60

# libyaml's parser where PyYAML was built with it: ten times faster on long watchlists.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

# Control characters, line breaks that only YAML 1.1 knows, text-direction overrides: they
# make a file read differently from how it looks in an editor.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as written. `line` and `end` are 1-based and inclusive."""

    file: str
    line: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list. `column` is 0-based: of the first dash in block style."""

    file: str
    line: int
    end: int
    column: int
    flow: bool
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping without duplicate keys. `column` is 0-based: of the first key."""

    file: str
    line: int
    end: int
    column: int
    flow: bool
    pairs: tuple[tuple[Text, Node], ...]

    def get(self, key: str) -> Node | None:
        return next((node for name, node in self.pairs if name.text == key), None)


Node = Text | Items | Fields


def is_blank(node: Node) -> bool:
    """True for `key:` with nothing behind it."""
    return isinstance(node, Text) and not node.text.strip()


@dataclass(slots=True)
class Notes:
    """Collects problems with their lines. With `secret` no written value is ever shown."""

    secret: bool = False
    found: list[tuple[str, int, Problem]] = field(default_factory=list)
    lines: set[tuple[str, int]] = field(default_factory=set)

    def say(self, at: Node, reason: str, remedy: str, value: str | None = None) -> None:
        """Note a problem at a node; a scalar's own text is shown unless `value` is given."""
        if value is None:
            value = at.text if isinstance(at, Text) and not self.secret else ""
        self.at(at.file, at.line, value, reason, remedy)

    def at(self, file: str, line: int, value: str, reason: str, remedy: str) -> None:
        place = f"{file}:{line}" if line else file
        problem = Problem(place, keys.shown(value, _SHOWN), reason, remedy)
        self.found.append((file, line, problem))
        self.lines.add((file, line))

    def unknown(self, key: Text, allowed: Collection[str], where: str) -> None:
        """Note a key that is not known here, with the likeliest meant one."""
        near = closest(key.text, allowed)
        remedy = f"Did you mean {near}?" if near else f"Known here: {', '.join(sorted(allowed))}"
        self.say(key, f"is not a setting of {where}", remedy, value=key.text)

    def within(self, node: Node, without: Node | None = None) -> bool:
        """True if a problem was noted inside the lines of this node, leaving those of an
        inner node out."""
        inner = range(without.line, without.end + 1) if without else range(0)
        lines = (n for n in range(node.line, node.end + 1) if n not in inner)
        return any((node.file, n) in self.lines for n in lines)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(p for _, _, p in sorted(self.found, key=lambda item: item[:2]))


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was likely meant, or None."""
    by_small = {k.lower(): k for k in known}
    near = difflib.get_close_matches(word.lower(), by_small, n=1, cutoff=0.6)
    return by_small[near[0]] if near else None


class _Unreadable(Exception):
    """The whole text has to be refused: (line, value, reason, remedy)."""


def decode(data: bytes | str, file: str, notes: Notes) -> str | None:
    """UTF-8 text of a file's bytes, without a byte order mark; None after noting why not."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        size = f"{len(data):,} bytes"
        notes.at(file, 0, size, f"is larger than {MAX_BYTES:,} bytes", "Split or shorten the file")
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        notes.at(file, 1, "", "is saved as UTF-16", 'Save it again with the encoding "UTF-8"')
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        notes.at(
            file,
            line,
            f"byte {data[error.start]:#04x}",
            "is not UTF-8 text",
            'Save the file again with the encoding "UTF-8"',
        )
        return None


def read(data: bytes | str, file: str, notes: Notes) -> Node | None:
    """The root node; None when the text is unreadable (noted) or empty (not noted)."""
    text = decode(data, file, notes)
    if text is None:
        return None
    hidden = _HIDDEN.search(text.replace("\r\n", "\n"))
    if hidden:
        line = text.replace("\r\n", "\n").count("\n", 0, hidden.start()) + 1
        name = f"U+{ord(hidden[0]):04X}"
        notes.at(file, line, name, "is an invisible character", "Delete it and type it again")
        return None
    try:
        return _compose(text, file, notes)
    except _Unreadable as refused:
        line, value, reason, remedy = refused.args
        notes.at(file, line, "" if notes.secret else value, reason, remedy)
    except yaml.MarkedYAMLError as error:
        notes.at(file, _error_line(error), "", *_plain_words(str(error.problem)))
    except yaml.YAMLError:
        notes.at(file, 0, "", *_plain_words(""))
    return None


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been seen yet."""

    mapping: bool
    line: int
    column: int
    flow: bool
    children: list[Node] = field(default_factory=list)


def _compose(text: str, file: str, notes: Notes) -> Node | None:
    stack: list[_Open] = []
    root: Node | None = None
    documents = 0
    for event in yaml.parse(text, Loader=_LOADER):
        documents += isinstance(event, yaml.DocumentStartEvent)
        _refuse_cleverness(event, documents, len(stack))
        done: Node | None = None
        if isinstance(event, yaml.CollectionStartEvent):
            mapping = isinstance(event, yaml.MappingStartEvent)
            column = event.start_mark.column if event.start_mark else 0
            stack.append(_Open(mapping, _line(event.start_mark), column, bool(event.flow_style)))
        elif isinstance(event, yaml.ScalarEvent):
            done = _scalar(event, file)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = _close(stack.pop(), _line(event.end_mark), file, notes)
        if done is not None and stack:
            stack[-1].children.append(done)
        elif done is not None:
            root = done
    return root


def _line(mark: Any) -> int:  # noqa: ANN401 - two classes without a common base
    return int(mark.line) + 1 if mark else 0


def _refuse_cleverness(event: yaml.Event, documents: int, depth: int) -> None:
    line = _line(event.start_mark)
    anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
    if anchor:
        sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
        raise _Unreadable(
            line,
            f"{sign}{anchor}",
            "is a YAML alias or anchor, which is not allowed here",
            'Write the lines out again, or put a text that starts so in "quotes"',
        )
    if tag:
        raise _Unreadable(
            line,
            tag,
            "is a YAML tag, which is not allowed here",
            'Remove it, or put a text that starts with ! in "quotes"',
        )
    if documents > 1:
        raise _Unreadable(line, "---", "starts a second document", "Remove the line")
    if depth > MAX_DEPTH:
        raise _Unreadable(line, "", *_TOO_DEEP)


def _scalar(event: yaml.ScalarEvent, file: str) -> Text:
    first, last = _line(event.start_mark), _line(event.end_mark)
    if event.end_mark and event.end_mark.column == 0:
        last -= 1  # a block scalar (| or >) ends at the start of the line below it
    return Text(file, first, max(first, last), event.value)


def _close(opened: _Open, end_line: int, file: str, notes: Notes) -> Node:
    children = opened.children
    end = end_line if opened.flow else max([opened.line, *(c.end for c in children)])
    place = (file, opened.line, end, opened.column, opened.flow)
    if not opened.mapping:
        return Items(*place, tuple(children))
    return Fields(*place, _unique(zip(children[::2], children[1::2], strict=True), notes))


def _unique(pairs: Iterable[tuple[Node, Node]], notes: Notes) -> tuple[tuple[Text, Node], ...]:
    first: dict[str, tuple[Text, Node]] = {}
    for key, node in pairs:
        if not isinstance(key, Text) or not key.text.strip():
            notes.say(key, "has no name before its colon", "Write  name: value", value="")
        elif key.text in first:
            line = first[key.text][0].line
            notes.say(
                key,
                f"is written twice (first on line {line})",
                "Keep one of the two, with what stands below both",
                value=key.text,
            )
        else:
            first[key.text] = (key, node)
    return tuple(first.values())


def _error_line(error: yaml.MarkedYAMLError) -> int:
    """Where the mistake began, when that is where a person has to look: an open bracket
    or quote is noticed only at the end of the file."""
    unclosed = "flow" in str(error.context) or "end of stream" in str(error.problem)
    return _line(error.context_mark if unclosed and error.context_mark else error.problem_mark)


_TOO_DEEP = (f"is nested more than {MAX_DEPTH} levels deep", "Check the brackets")

# Words of the YAML parsers (both spellings), and what they mean to a person.
_WORDS = (
    # libyaml's own limit: it looks ahead, and so may meet it before we have seen 20 levels.
    ("nesting depth", *_TOO_DEEP),
    (
        "mapping values are not allowed",
        "does not fit: a colon where no new setting can start, or wrong indentation",
        'Align the line with its neighbours; put a text that holds ": " in "quotes"',
    ),
    (
        "cannot start any token",
        "has a tab, or a text that starts with one of @ ` %",
        'Indent with spaces instead of tabs; put such a text in "quotes"',
    ),
    ("tab character", "is indented with a tab", "Indent with spaces"),
    (
        "end of stream",
        "opens a quote that is never closed",
        "Add the missing quote",
    ),
    (
        "expected key",
        "is not aligned with the lines above it",
        "Give it the same number of spaces as its neighbours",
    ),
    (
        "<block end>",
        "is not aligned with the lines above it",
        "Give it the same number of spaces as its neighbours",
    ),
    (
        "'-' indicator",
        "stands where the list expects a line that starts with -",
        "Give it the same number of spaces as its neighbours",
    ),
    ("expected ',' or", "opens a bracket that is not closed properly", "Add the missing bracket"),
    (
        "expected ':'",
        "has no colon after its name",
        "Write  name: value  with a space after the colon",
    ),
    (
        "escape character",
        "has a backslash inside double quotes",
        "Use 'single quotes' for this text",
    ),
)


def _plain_words(problem: str) -> tuple[str, str]:
    for fragment, reason, remedy in _WORDS:
        if fragment in problem:
            return reason, remedy
    return "cannot be read as YAML", "Compare the line with the example file"
