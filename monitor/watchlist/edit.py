"""Add to and retire from the text of a watchlist; every other byte stays as it is. Pure.

Each edit is read again before it is handed back: what it gives must be the old list and
exactly the change that was asked for, or ConfigError tells what is in the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from monitor.model import Chain, Entry
from monitor.watchlist import yaml_nodes
from monitor.watchlist.entries import Parsed, difference, parse
from monitor.watchlist.spliced import (
    Line,
    Place,
    as_changed,
    cases_place,
    in_order,
    own_comments,
    problem,
    scalar,
    splice,
    split_lines,
)
from monitor.watchlist.yaml_nodes import Fields, Items, Node, Notes, Text, is_blank

_NAME = re.compile(r'[^"]{1,60}\Z')


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
    before = in_order(parse(text, chains, file))
    root = yaml_nodes.read(text, file, Notes())
    grown = text
    for place, lines in _insertions(text, root, before, blocks, file):
        grown = splice(grown, place.after, lines)
    grown = _recount(grown, file, len(blocks))
    after_all = as_changed(parse(grown, chains, file))
    change = difference(before.entries, after_all.entries)
    wanted = sum(1 if "chain" in block else len(block["chains"]) for block in blocks)
    count = len(after_all.entries) - len(before.entries)
    if count != wanted or len(change.unchanged) != len(before.entries):
        raise problem(file, "the block cannot be added to this file", "Add it by hand")
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
    before, name = in_order(parse(text, chains, file)), " ".join(name.split())
    entry = next((e for e in before.entries if e.id == entry_id), None)
    if entry is None:
        raise problem(file, f"holds no entry {entry_id}", "Check: fundwatch watchlist list")
    block = _block_at(yaml_nodes.read(text, file, Notes()), entry.line)
    _may_retire(block, entry, before, name)
    why = " ".join(why.replace('"', "'").split())
    value = f'{when} {name} "{why}"'
    if ": " in value or " #" in value:
        value = "'" + value.replace("'", "''") + "'"
    changed = splice(text, block.end, [f"{' ' * block.column}retired: {value}"])
    after = as_changed(parse(changed, chains, file))
    same = [replace(e, line=0, retired="") for e in before.entries] == [
        replace(e, line=0, retired="") for e in after.entries
    ]
    ended = difference(before.entries, after.entries).retired
    if not same or [e.id for e in ended] != [entry_id]:
        raise problem(file, "the line cannot be added to this block", "Add it by hand")
    return changed


def _case_list(root: Node | None, case: str) -> Items | None:
    cases = root.get("cases") if isinstance(root, Fields) else None
    block = cases.get(case) if isinstance(cases, Fields) else None
    found = block.get("addresses") if isinstance(block, Fields) else None
    return found if isinstance(found, Items) and found.items and not found.flow else None


def _insertions(
    text: str,
    root: Node | None,
    before: Parsed,
    blocks: Sequence[Mapping[str, Line]],
    file: str,
) -> list[tuple[Place, list[str]]]:
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
) -> tuple[Place, list[str]]:
    """Cases of their own, each with its title and its blocks."""
    place = cases_place(text, cases, file)
    rows = [*place.head]
    indent = " " * place.column
    for case, (title, blocks) in wanted.items():
        rows += [f"{indent}{scalar(case)}:", f"{indent}  title: {scalar(title)}"]
        rows.append(f"{indent}  addresses:")
        rows += [row for block in blocks for row in _block_lines(block, place.column + 4)]
    return place, rows


def _place(text: str, root: Node | None, case: str, file: str) -> Place:
    """Where the blocks of a case go, or those that stand alone."""
    top = root.get("addresses") if isinstance(root, Fields) else None
    target = _case_list(root, case) if case else top
    if isinstance(target, Items) and target.items and not target.flow:
        return Place(own_comments(text, target.end, target.column), target.column)
    if target is None:
        return Place(len(split_lines(text)), 2, ("", "addresses:") if text else ("addresses:",))
    if is_blank(target):
        return Place(target.line, 2)
    raise problem(
        file,
        "the list of addresses is written in brackets",
        "Write it as lines that start with a dash",
        target.line,
    )


def _block_lines(block: Mapping[str, Line], column: int) -> list[str]:
    lines = [f"{key}: {scalar(value)}" for key, value in block.items()]
    return [" " * column + ("  " if n else "- ") + line for n, line in enumerate(lines)]


def _recount(text: str, file: str, blocks: int) -> str:
    """The text with its `count:` raised, where it has one."""
    root = yaml_nodes.read(text, file, Notes())
    count = root.get("count") if isinstance(root, Fields) else None
    if not isinstance(count, Text):
        return text
    split = split_lines(text)
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
        raise problem(file, f"{entry.id} is retired already", "Nothing to do", block.line)
    if not _NAME.match(name) or not name.isprintable():
        why = "the name is empty, longer than 60 characters or holds a double quote"
        raise problem(file, why, "Write it like M. Ortiz")
    if block.flow:
        raise problem(
            file, "the block is written in brackets", "Write one setting a line", block.line
        )
    others = [e.subject.chain for e in before.entries if e.line == entry.line and e is not entry]
    if others:
        raise problem(
            file,
            f"the same block also watches {', '.join(others)}",
            f"Give {entry.subject.chain} a block of its own first, or add the line by hand to "
            "retire all of them",
            block.line,
        )
