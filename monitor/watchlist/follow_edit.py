"""Switch following on for a case, in the text of a watchlist; every other byte stays. Pure.

As every edit it is read again before it is handed back: all addresses of the case are followed as
was asked for, and nothing else is other than it was, or ConfigError tells what is in the way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.model import Chain, Entry
from monitor.model.plain import case_said
from monitor.model.terms import Terms
from monitor.watchlist import yaml_nodes
from monitor.watchlist.entries import parse
from monitor.watchlist.spliced import (
    Place,
    as_changed,
    cases_place,
    in_order,
    problem,
    scalar,
    splice,
    split_lines,
)
from monitor.watchlist.values import a_date
from monitor.watchlist.yaml_nodes import Fields, Node, Notes, Text

FIRST = "first"  # of `since`: each address's own
_BY_HAND = "Write it by hand"


@dataclass(frozen=True, slots=True)
class Switched:
    """A list with a case that is followed now."""

    text: str
    case: str  # as the list spells it
    terms: Terms
    addresses: int  # of the case, whose money is followed


def follow(
    text: str,
    chains: Mapping[str, Chain],
    case: str,
    *,
    since: str = "",
    file: str = "watchlist.yaml",
) -> Switched:
    """The list with `follow:` among the lines of this case, or with an earlier `since` of it.

    `since`: the day (ISO) from which what its addresses paid counts; empty: all that each address
    is watched for. Raises NotInOrder when the text is not in order; ConfigError when it watches no
    address of the case, when the case is followed so already (there is "Nothing to do"), or when
    the lines cannot be written there.
    """
    before = in_order(parse(text, chains, file))
    case = _spelt(case, before.entries)
    mine = [e for e in before.entries if _is_followed(e, case) and not e.retired]
    if not mine:
        why = f"watches no address of case {case_said(case)}"
        remedy = "Watch one in this case first: what published lists alone bring is not followed"
        raise problem(file, why, remedy)
    wanted = since or FIRST
    present = mine[0].follow
    _may_follow(file, case, present, wanted)
    changed = _changed(text, case, wanted, file)
    after = as_changed(parse(changed, chains, file))
    terms = next((e.follow for e in after.entries if e.id == mine[0].id), None)
    if terms is None or terms != replace(present or terms, since=wanted):
        raise problem(file, f"cannot say that case {case_said(case)} is followed", _BY_HAND)
    meant = [
        replace(e, line=0, follow=terms if _is_followed(e, case) else e.follow)
        for e in before.entries
    ]
    same = before.timezone == after.timezone and before.count == after.count
    if not same or meant != [replace(e, line=0) for e in after.entries]:
        raise problem(file, f"would say more than that case {case} is followed", _BY_HAND)
    return Switched(changed, case, terms, len(mine))


def _spelt(case: str, entries: Sequence[Entry]) -> str:
    """As the list has it, however somebody wrote it."""
    names = {e.case for e in entries}
    like = [each for each in names if each.casefold() == case.strip().casefold()]
    return case if case in names or len(like) != 1 else like[0]


def _is_followed(entry: Entry, case: str) -> bool:
    """Whether it is where its case is."""
    return entry.case == case and not entry.canary


def _may_follow(file: str, case: str, present: Terms | None, wanted: str) -> None:
    if wanted != FIRST and a_date(wanted) is None:
        raise problem(file, f"takes a day, and {wanted} is none", "Write it like 2026-11-29")
    if present is None or (wanted == FIRST != present.since):
        return
    said = f"follows the money of case {case_said(case)}"
    if present.since.isdigit() and wanted != FIRST:
        raise problem(file, f"{said} from block {present.since} on", _BY_HAND)
    if present.since == FIRST or present.since <= wanted:
        since = "" if present.since == FIRST else f" from {present.since} on"
        raise problem(file, f"{said}{since} already", "Nothing to do")


def _changed(text: str, case: str, since: str, file: str) -> str:
    root = yaml_nodes.read(text, file, Notes())
    cases = root.get("cases") if isinstance(root, Fields) else None
    block = cases.get(case) if isinstance(cases, Fields) else None
    defaults = root.get("defaults") if isinstance(root, Fields) else None
    lines = _lines(since, whole=since == FIRST and not _has_since(defaults))
    if isinstance(cases, Fields) and (cases.flow or (isinstance(block, Fields) and block.flow)):
        remedy = "Write its settings as lines"
        raise problem(file, f"case {case_said(case)} is written in brackets", remedy, cases.line)
    if block is None:
        place = cases_place(text, cases, file)
        indent = " " * place.column
        rows = [*place.head, f"{indent}{scalar(case)}:", *(f"{indent}  {row}" for row in lines)]
        return splice(text, place.after, rows)
    if isinstance(block, Fields) and (own := block.get("follow")) is not None:
        return _said_otherwise(text, block, own, lines, since)
    column = cases.column + 2 if isinstance(cases, Fields) else 2
    place = _place_in(block) if isinstance(block, Fields) else Place(block.line, column)
    return splice(text, place.after, [" " * place.column + row for row in lines])


def _has_since(defaults: Node | None) -> bool:
    """Whether the defaults say from when on money is followed."""
    said = defaults.get("follow") if isinstance(defaults, Fields) else None
    return isinstance(said, Fields) and said.get("since") is not None


def _lines(since: str, *, whole: bool) -> list[str]:
    return ["follow: yes"] if whole else ["follow:", f"  since: {since}"]


def _place_in(block: Fields) -> Place:
    """Among the lines of a case: in front of its addresses."""
    keys = [key.text for key, _ in block.pairs]
    at = keys.index("addresses") if "addresses" in keys else len(keys)
    after = block.pairs[at - 1][1].end if at else block.line - 1
    return Place(after, block.column)


def _said_otherwise(text: str, block: Fields, own: Node, lines: list[str], since: str) -> str:
    """Where the case says something of following already."""
    key = next(key for key, node in block.pairs if node is own)
    if isinstance(own, Fields) and not own.flow:
        old = own.get("since")
        if isinstance(old, Text):
            return _value(text, own.file, old, "since", f" {since}")
        return splice(text, own.end, [f"{' ' * own.column}since: {since}"])
    if not isinstance(own, Text):
        remedy = "Write its settings as lines"
        raise problem(own.file, "follow: is written in brackets", remedy, key.line)
    head, *more = lines
    changed = _value(text, own.file, own, "follow", head.removeprefix("follow:"))
    return splice(changed, own.line, [" " * block.column + row for row in more])


def _value(text: str, file: str, old: Text, key: str, new: str) -> str:
    """The text with another value behind this key; what else stands in its line stays."""
    lines = split_lines(text)
    before = rf"(\s*[\"']?{key}[\"']?\s*:)\s*([\"']?){re.escape(old.text)}\2(?=\s|$)"
    found = re.match(before, lines[old.line - 1])
    if found is None:
        raise problem(file, f"{key}: is not written in one line", _BY_HAND, old.line)
    lines[old.line - 1] = f"{found[1]}{new}{lines[old.line - 1][found.end() :]}"
    return "".join(lines)
