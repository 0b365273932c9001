"""Add to and retire from the text of a watchlist; every other byte stays as it is. Pure.

Each edit is read again before it is handed back: what it gives must be the old list and
exactly the change that was asked for, or ConfigError tells what is in the way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.model import Chain, Entry
from monitor.model.errors import ConfigError, Problem
from monitor.watchlist import yaml_nodes
from monitor.watchlist.entries import Parsed, difference, parse
from monitor.watchlist.yaml_nodes import Fields, Items, Node, Notes, Text, is_blank

_PLAIN = re.compile(r"[^\W_][\w ./()+-]*\Z")
_NAME = re.compile(r'[^"]{1,60}\Z')


Line = str | Sequence[str] | Mapping[str, str]


def add(
    text: str,
    chains: Mapping[str, Chain],
    *,
    address: str,
    chain: str | Sequence[str],
    case: str = "",
    file: str = "watchlist.yaml",
    **lines: str | Sequence[str],
) -> str:
    """The text with one more address block, under its case where the file has that case.

    `chain` is one key or several; `lines` are further lines of the block (label, reason,
    source, tags, severity, direction, tell_when, since, channels), empty ones are left out.
    Raises ConfigError when the text is not in order or the block would be refused.
    """
    name = "chain" if isinstance(chain, str) else "chains"
    return add_many(text, chains, [{"address": address, name: chain, "case": case, **lines}], file)


def add_many(
    text: str,
    chains: Mapping[str, Chain],
    blocks: Sequence[Mapping[str, Line]],
    file: str = "watchlist.yaml",
) -> str:
    """As `add`, with many blocks at once: each a mapping of its lines.

    A `title` makes a case of its own with this title, where the list does not know the case
    yet. Raises ConfigError when the text is not in order or a block would be refused.
    """
    before = _in_order(parse(text, chains, file))
    root = yaml_nodes.read(text, file, Notes())
    grown = text
    for place, lines in _insertions(text, root, before, blocks, file):
        grown = _splice(grown, place.after, lines)
    grown = _recount(grown, file, len(blocks))
    after_all = _in_order(parse(grown, chains, file))
    change = difference(before.entries, after_all.entries)
    wanted = sum(1 if "chain" in block else len(block["chains"]) for block in blocks)
    count = len(after_all.entries) - len(before.entries)
    if count != wanted or len(change.unchanged) != len(before.entries):
        raise _problem(file, "the block cannot be added to this file", "Add it by hand")
    return grown


def retire(
    text: str,
    chains: Mapping[str, Chain],
    entry_id: str,
    *,
    when: str,
    name: str,
    why: str,
    file: str = "watchlist.yaml",
) -> str:
    """The text with a `retired:` line in the block of this entry.

    `when` is an ISO date, `name` has no double quotes. Raises ConfigError when the entry is not in
    the text, is retired already, or its block watches more than one chain.
    """
    before, name = _in_order(parse(text, chains, file)), " ".join(name.split())
    entry = next((e for e in before.entries if e.id == entry_id), None)
    if entry is None:
        raise _problem(file, f"holds no entry {entry_id}", "Check: fundwatch watchlist list")
    block = _block_at(yaml_nodes.read(text, file, Notes()), entry.line)
    _may_retire(block, entry, before, name)
    why = " ".join(why.replace('"', "'").split())
    value = f'{when} {name} "{why}"'
    if ": " in value or " #" in value:
        value = "'" + value.replace("'", "''") + "'"
    changed = _splice(text, block.end, [f"{' ' * block.column}retired: {value}"])
    after = _in_order(parse(changed, chains, file))
    same = [replace(e, line=0, retired="") for e in before.entries] == [
        replace(e, line=0, retired="") for e in after.entries
    ]
    ended = difference(before.entries, after.entries).retired
    if not same or [e.id for e in ended] != [entry_id]:
        raise _problem(file, "the line cannot be added to this block", "Add it by hand")
    return changed


def _in_order(parsed: Parsed) -> Parsed:
    if parsed.problems:
        raise ConfigError(parsed.problems)
    return parsed


def _problem(file: str, reason: str, remedy: str, line: int = 0) -> ConfigError:
    return ConfigError([Problem(f"{file}:{line}" if line else file, "", reason, remedy)])


def _case_list(root: Node | None, case: str) -> Items | None:
    cases = root.get("cases") if isinstance(root, Fields) else None
    block = cases.get(case) if isinstance(cases, Fields) else None
    found = block.get("addresses") if isinstance(block, Fields) else None
    return found if isinstance(found, Items) and found.items and not found.flow else None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where lines go: behind line `after`, below `head`, in this column."""

    after: int
    column: int
    head: tuple[str, ...] = ()

    def depth(self) -> tuple[int, int]:
        """Of two places behind one line the deeper one comes first in the text: it ends a
        list there, the other opens something new."""
        return self.after, 0 if self.head else -self.column - 1


def _insertions(
    text: str,
    root: Node | None,
    before: Parsed,
    blocks: Sequence[Mapping[str, Line]],
    file: str,
) -> list[tuple[_Place, list[str]]]:
    """The lines to put in at every place that takes blocks, the last place first."""
    known = {entry.case for entry in before.entries}
    cases = root.get("cases") if isinstance(root, Fields) else None
    titles: dict[str, str] = {}
    under: dict[str, list[Mapping[str, Line]]] = {}
    for block in blocks:
        case, title = str(block.get("case", "")), str(block.get("title", ""))
        if case and title and case not in known:
            titles.setdefault(case, title)
        inner = case in titles or _case_list(root, case) is not None
        under.setdefault(case if inner else "", []).append(_lines_of(block, inner=inner))
    fresh = {case: (title, under.pop(case)) for case, title in titles.items()}
    found = [_new_cases(text, cases, fresh, file)] if fresh else []
    for case, lines in under.items():
        place = _place(text, root, case, file)
        rows = [row for block in lines for row in _block_lines(block, place.column)]
        found.append((place, [*place.head, *rows]))
    return sorted(found, key=lambda each: each[0].depth(), reverse=True)


def _lines_of(block: Mapping[str, Line], *, inner: bool) -> dict[str, Line]:
    """The lines of a block that are written; under its case it does not repeat the case."""
    return {k: v for k, v in block.items() if v and k != "title" and not (inner and k == "case")}


def _new_cases(
    text: str,
    cases: Node | None,
    wanted: Mapping[str, tuple[str, Sequence[Mapping[str, Line]]]],
    file: str,
) -> tuple[_Place, list[str]]:
    """Cases of their own, each with its title and its blocks."""
    place = _Place(len(_split(text)), 2, ("", "cases:") if text else ("cases:",))
    if isinstance(cases, Fields) and cases.pairs and not cases.flow:
        place = _Place(_own_comments(text, cases.end, cases.column), cases.column)
    elif cases is not None and is_blank(cases):
        place = _Place(cases.line, 2)
    elif cases is not None:
        raise _problem(file, "the cases are written in brackets", "Write them as lines", cases.line)
    rows = [*place.head]
    indent = " " * place.column
    for case, (title, blocks) in wanted.items():
        rows += [f"{indent}{_scalar(case)}:", f"{indent}  title: {_scalar(title)}"]
        rows.append(f"{indent}  addresses:")
        rows += [row for block in blocks for row in _block_lines(block, place.column + 4)]
    return place, rows


def _place(text: str, root: Node | None, case: str, file: str) -> _Place:
    """Where the blocks of a case go, or those that stand alone."""
    top = root.get("addresses") if isinstance(root, Fields) else None
    target = _case_list(root, case) if case else top
    if isinstance(target, Items) and target.items and not target.flow:
        return _Place(_own_comments(text, target.end, target.column), target.column)
    if target is None:
        return _Place(len(_split(text)), 2, ("", "addresses:") if text else ("addresses:",))
    if is_blank(target):
        return _Place(target.line, 2)
    raise _problem(
        file,
        "the list of addresses is written in brackets",
        "Write it as lines that start with a dash",
        target.line,
    )


def _block_lines(block: Mapping[str, Line], column: int) -> list[str]:
    lines = [f"{key}: {_scalar(value)}" for key, value in block.items()]
    return [" " * column + ("  " if n else "- ") + line for n, line in enumerate(lines)]


def _scalar(value: Line) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_scalar(k)}: {_scalar(v)}' for k, v in value.items())}}}"
    if not isinstance(value, str):
        return f"[{', '.join(_scalar(item) for item in value)}]"
    plain = _PLAIN.match(value) and value == value.strip()
    return value if plain else json.dumps(value, ensure_ascii=False)


def _split(text: str) -> list[str]:
    """Lines with their ends, as YAML counts them."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _own_comments(text: str, after: int, column: int) -> int:
    """The last line that belongs to the block ending at line `after`: notes that are
    indented deeper than its dash follow it."""
    lines = _split(text)
    while after < len(lines):
        line = lines[after].rstrip()
        indent = len(line) - len(line.lstrip())
        if not line.lstrip().startswith("#") or indent <= column:
            break
        after += 1
    return after


def _splice(text: str, after: int, lines: Sequence[str]) -> str:
    """The text with `lines` put behind line number `after`, in the file's own line ends."""
    split = _split(text)
    end = "\r\n" if split and split[0].endswith("\r\n") else "\n"
    if split and after == len(split) and not split[-1].endswith("\n"):
        split[-1] += end
    return "".join((*split[:after], *(line + end for line in lines), *split[after:]))


def _recount(text: str, file: str, blocks: int) -> str:
    """The text with its `count:` raised, where it has one."""
    root = yaml_nodes.read(text, file, Notes())
    count = root.get("count") if isinstance(root, Fields) else None
    if not isinstance(count, Text):
        return text
    split = _split(text)
    number = str(int(count.text) + blocks)
    line = split[count.line - 1]
    split[count.line - 1] = re.sub(
        rf"(?<=:)(\s*[\"']?){count.text}", rf"\g<1>{number}", line, count=1
    )
    return "".join(split)


def _fields(node: Node | None) -> Iterator[Fields]:
    if isinstance(node, Fields):
        yield node
    children = node.items if isinstance(node, Items) else ()
    inner = [child for _, child in node.pairs] if isinstance(node, Fields) else children
    for child in inner:
        yield from _fields(child)


def _block_at(root: Node | None, line: int) -> Fields:
    return next(f for f in _fields(root) if f.line == line and f.get("address") is not None)


def _may_retire(block: Fields, entry: Entry, before: Parsed, name: str) -> None:
    file = block.file
    if entry.retired:
        raise _problem(file, f"{entry.id} is retired already", "Nothing to do", block.line)
    if not _NAME.match(name) or not name.isprintable():
        why = "the name is empty, longer than 60 characters or holds a double quote"
        raise _problem(file, why, "Write it like M. Ortiz")
    if block.flow:
        raise _problem(
            file, "the block is written in brackets", "Write one setting a line", block.line
        )
    others = [e.subject.chain for e in before.entries if e.line == entry.line and e is not entry]
    if others:
        raise _problem(
            file,
            f"the same block also watches {', '.join(others)}",
            f"Give {entry.subject.chain} a block of its own first, or add the line by hand to "
            "retire all of them",
            block.line,
        )
