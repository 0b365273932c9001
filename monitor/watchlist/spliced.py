"""What edits of a watchlist share: its text line by line, values as they are written, and the
words for what is in the way. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.model.errors import ConfigError, NotInOrder, Problem
from monitor.watchlist.entries import Parsed
from monitor.watchlist.yaml_nodes import Fields, Node, is_blank

_PLAIN = re.compile(r"[^\W_][\w ./()+-]*\Z")

Line = str | Sequence[str] | Mapping[str, str]


def in_order(parsed: Parsed) -> Parsed:
    """Raises NotInOrder where anything in the list is refused: nothing is changed then."""
    if parsed.problems:
        raise NotInOrder(parsed.problems)
    return parsed


def as_changed(parsed: Parsed) -> Parsed:
    """Raises ConfigError where what was written is refused."""
    if parsed.problems:
        raise ConfigError(parsed.problems)
    return parsed


def problem(file: str, reason: str, remedy: str, line: int = 0) -> ConfigError:
    return ConfigError([Problem(f"{file}:{line}" if line else file, "", reason, remedy)])


def scalar(value: Line) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{scalar(k)}: {scalar(v)}' for k, v in value.items())}}}"
    if not isinstance(value, str):
        return f"[{', '.join(scalar(item) for item in value)}]"
    plain = _PLAIN.match(value) and value == value.strip()
    return value if plain else json.dumps(value, ensure_ascii=False)


def split_lines(text: str) -> list[str]:
    """Lines with their ends, as YAML counts them."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def own_comments(text: str, after: int, column: int) -> int:
    """The last line that belongs to the block ending at line `after`: notes that are
    indented deeper than its dash follow it."""
    lines = split_lines(text)
    while after < len(lines):
        line = lines[after].rstrip()
        indent = len(line) - len(line.lstrip())
        if not line.lstrip().startswith("#") or indent <= column:
            break
        after += 1
    return after


def splice(text: str, after: int, lines: Sequence[str]) -> str:
    """The text with `lines` put behind line number `after`, in the file's own line ends."""
    split = split_lines(text)
    end = "\r\n" if split and split[0].endswith("\r\n") else "\n"
    if split and after == len(split) and not split[-1].endswith("\n"):
        split[-1] += end
    return "".join((*split[:after], *(line + end for line in lines), *split[after:]))


@dataclass(frozen=True, slots=True)
class Place:
    """Where lines go: behind line `after`, below `head`, in this column."""

    after: int
    column: int
    head: tuple[str, ...] = ()

    def depth(self) -> tuple[int, int]:
        """Of two places behind one line the deeper one comes first in the text: it ends a
        list there, the other opens something new."""
        return self.after, 0 if self.head else -self.column - 1


def cases_place(text: str, cases: Node | None, file: str) -> Place:
    """Where one more case goes. `cases`: what stands behind `cases:`, None where there is none.
    Raises ConfigError where it is written in brackets."""
    if cases is None:
        return Place(len(split_lines(text)), 2, ("", "cases:") if text else ("cases:",))
    if isinstance(cases, Fields) and cases.pairs and not cases.flow:
        return Place(own_comments(text, cases.end, cases.column), cases.column)
    if is_blank(cases):
        return Place(cases.line, 2)
    raise problem(file, "the cases are written in brackets", "Write them as lines", cases.line)
