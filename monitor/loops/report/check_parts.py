"""What single files of an export are held against: each other, their digests, their sums."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import BinaryIO

from monitor import __version__
from monitor.loops.report import archive, traced
from monitor.loops.report.archive import Member, NotOurs
from monitor.loops.report.cover import FORMAT
from monitor.loops.report.movements import COLUMNS, FIRST, HASHES, digest
from monitor.messages.spreadsheet import unguarded
from monitor.messages.trace import objects
from monitor.model.difference import Difference, Report
from monitor.model.flow import CONSERVING, METHODS
from monitor.model.plain import rfc3339
from monitor.model.trace import Node, State, Told, Trace
from monitor.model.trace_json import from_lines
from monitor.store.verify.handout import Handed

MOST_LINE = 64 << 20  # bytes of one line
MOST_ROW = 1 << 20  # bytes of one row of a table, and of one object: a movement, a kept answer
MOST_TRACE = 32 << 20  # bytes of a trace that is worked out again
Manifest = Mapping[str, object]
_STATE = r"\"what\":\"trace state\""  # as it stands in a line of the log


@dataclass(frozen=True)
class Opened:
    """An export's members, to be read bit by bit."""

    file: BinaryIO
    members: Mapping[str, Member]

    def pieces(self, name: str) -> Iterator[bytes]:
        member = self.members[name]
        left, at = member.size, member.at
        while left:
            self.file.seek(at)
            piece = self.file.read(min(archive.PIECE, left))
            if not piece:
                raise EOFError(f"{name} ends before its end")
            left, at = left - len(piece), at + len(piece)
            yield piece

    def whole(self, name: str, most: int) -> bytes:
        if self.members[name].size > most:
            raise NotOurs(f"{name} has {self.members[name].size:,} bytes, which no export has")
        return b"".join(self.pieces(name))

    def lines(self, name: str, most: int = MOST_LINE) -> Iterator[str]:
        """Each with its end. Raises ValueError for what is no UTF-8, or too long a line."""
        rest = b""
        for piece in self.pieces(name):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield f"{_short(line, most).decode()}\n"
            _short(rest, most)
        if rest:
            yield rest.decode()

    def rows(self, name: str) -> Iterator[list[str]]:
        """Of a table. One row may go on over any number of lines, which are counted together.
        Raises ValueError, csv.Error."""
        size = 0

        def fed() -> Iterator[str]:
            nonlocal size
            for line in self.lines(name, MOST_ROW):
                size += len(line)
                if size > MOST_ROW:
                    raise ValueError(f"a row of more than {MOST_ROW:,} bytes")
                yield line

        for row in csv.reader(fed()):
            size = 0
            yield row


def _short(line: bytes, most: int) -> bytes:
    if len(line) > most:
        raise ValueError(f"a line of more than {most:,} bytes")
    return line


def _say(report: Report, check: str, place: str, expected: str, found: str) -> None:
    report(Difference(check, place, expected, found[:400]))


# -- the cover -----------------------------------------------------------------------------------


def cover(opened: Opened, manifest: Manifest, handed: Handed | None, report: Report) -> list[str]:
    """Against the manifest, the log and what is there."""
    told = json.loads(opened.whole("cover.json", 8 << 20))
    same = ("case", "as_of", "log", "version")
    if told["format"] != FORMAT or any((told[k] or "") != manifest[k] for k in same):
        _say(report, "cover", "cover.json", "case, time and log of the manifest", "others")
    figures = told["figures"]
    found = {
        "movements": _number(opened, "movements.jsonl"),
        "alerts": _number(opened, "alerts.jsonl"),
    }
    if handed is not None:
        found["log_rows"] = handed.number
    for name, number in found.items():
        if figures[name] != number:
            _say(report, "cover", f"cover.json: {name}", str(figures[name]), str(number))
    return ["the cover's case, time, log and numbers"]


def _number(opened: Opened, name: str) -> int:
    return sum(piece.count(b"\n") for piece in opened.pieces(name))


# -- movements -----------------------------------------------------------------------------------


def movements(opened: Opened, manifest: Manifest, _: Handed | None, report: Report) -> list[str]:
    """Each row's digest, that it follows the one before, and that both files say the same."""
    table = opened.rows("movements.csv")
    columns = tuple(next(table, ()))  # another version may have more
    if not {*COLUMNS} <= {*columns} or len({*columns}) != len(columns):
        _say(report, "movements", "movements.csv", "the columns of an export", "others")
        return []
    before, number = FIRST, 0
    for line, cells in zip_longest(opened.lines("movements.jsonl", MOST_ROW), table):
        number += 1
        place = f"movement {number}"
        row = json.loads(line) if line is not None else {}
        if tuple(row) != columns or not all(isinstance(each, str) for each in row.values()):
            _say(report, "movements", place, "a row of movements.jsonl", "none")
            continue
        if [*map(unguarded, cells or ())] != [*map(_as_cell, row.values())]:
            _say(report, "movements", place, "the same in movements.csv", "another one")
        if row["case_id"] != manifest["case"]:
            _say(report, "movements", place, f"case {manifest['case']}", row["case_id"])
        if row[HASHES[1]] != before or row[HASHES[0]] != digest(row, columns):
            _say(report, "movements", place, f"a row behind {before[:16]}, by its digest", "none")
        before = row[HASHES[0]]
    return [f"the digests of {number:,} movements, each over the one before, in both files"]


def _as_cell(text: str) -> str:
    """As it stands in a table whose guards are taken away."""
    return unguarded(text)


# -- the trace -----------------------------------------------------------------------------------


def trace(opened: Opened, manifest: Manifest, _: Handed | None, report: Report) -> list[str]:
    """Its digest, its sums, and that objects, table and pictures say what it says."""
    if "trace/state.jsonl" not in opened.members:
        return []
    if opened.members["trace/state.jsonl"].size > MOST_TRACE:
        return []
    said = json.loads(opened.whole("trace/trace.json", 100_000))
    raw = opened.whole("trace/state.jsonl", MOST_TRACE)
    sha256 = hashlib.sha256(raw).hexdigest()
    same = said["sha256"] == said["sha256_in_log"]
    if sha256 != said["sha256"] or same == said["veiled"]:
        _say(report, "trace", "trace/state.jsonl", f"SHA-256 {said['sha256']}", sha256)
    found = from_lines(raw.decode("ascii").splitlines())
    told = Told(said["number"], said["at_seconds"], said["sha256_in_log"], found)
    if found.case != manifest["case"] or said["at"] != rfc3339(told.at):
        _say(report, "trace", "trace/trace.json", f"a trace of {manifest['case']}", found.case)
    in_log = _in_log(opened, told)
    if in_log not in ("", told.sha256):
        _say(report, "trace", f"state {told.number}", f"SHA-256 {in_log}, by the log", told.sha256)
    _sums(found, report)
    _seizure(opened, found, report)
    held = [
        f"the trace: its digest, {len(found.totals):,} totals, {len(found.nodes):,} addresses and "
        f"{len(found.edges):,} movements in balance by {len(CONSERVING)} methods"
    ]
    if in_log:
        held.append("that the log has this digest of it")
    if manifest["version"] == __version__:  # others may say and draw it in another way
        _objects(opened, found, report)
        _pictures(opened, told, report)
        held.append("its objects and pictures, made again")
    return held


def _in_log(opened: Opened, told: Told) -> str:
    """The digest of a state by the text of the log about it; empty: it is withheld or erased."""
    for line in opened.lines("log.jsonl"):
        if _STATE in line:
            text = json.loads(json.loads(line)["text"])
            body = text["body"]
            if text["what"] == "trace state" and body["number"] == told.number:
                return str(body["sha256"])
    return ""


def _sums(found: Trace, report: Report) -> None:
    """What left the sources is what rests, ended, waits and was paid for; at each address what
    came is what left and what is there."""
    for total in found.totals:
        if total.method in CONSERVING and total.difference:
            asset = total.asset.symbol if total.asset else "USD"
            _say(report, "trace", f"total {asset} by {total.method}", "0", str(total.difference))
    for node in found.nodes:
        if node.state is not State.SOURCE and (differ := _unbalanced(node)):
            expected = "what came is what left and what is there"
            _say(report, "trace", f"address {node.subject.key}", expected, differ)


def _unbalanced(node: Node) -> str:
    """By asset and method, what came less what left and is there."""
    left: dict[tuple[str, str, str], int] = {}
    for sign, sums in ((1, node.received), (-1, node.left), (-1, node.holds)):
        for each in sums:
            for method in CONSERVING:
                key = (each.asset.chain, each.asset.contract, method)
                left[key] = left.get(key, 0) + sign * each.amount.get(method, 0)
    return ", ".join(f"{' '.join(key)}: {units}" for key, units in left.items() if units)


def _objects(opened: Opened, found: Trace, report: Report) -> None:
    name = "trace/objects.jsonl"
    made = hashlib.sha256()
    for line in objects.lines(found):
        made.update(f"{line}\n".encode())
    there = hashlib.sha256()
    for piece in opened.pieces(name):
        there.update(piece)
    if made.digest() != there.digest():
        _say(report, "trace", name, "what the trace says", "something else")


def _seizure(opened: Opened, found: Trace, report: Report) -> None:
    """The figures of the table are those of the addresses."""
    wanted = {
        (node.subject.chain, node.subject.address, each.asset.contract): each.amount
        for node in found.nodes
        if node.state is not State.SOURCE
        for each in node.holds
        if any(each.amount.get(method, 0) for method in CONSERVING)
    }
    table = opened.rows("trace/seizure.csv")
    head = next(table, [])
    for cells in table:
        row = dict(zip(head, cells, strict=True))
        if row["where"] == "held":
            continue
        place = (row["chain"], unguarded(row["address"]), unguarded(row["contract"] or ""))
        figures = wanted.pop(place, None)
        if figures is None or any(int(row[m] or 0) != figures.get(m, 0) for m in METHODS):
            _say(report, "trace", f"trace/seizure.csv {' '.join(place)}", "its figures", "others")
    for place in wanted:
        _say(report, "trace", f"trace/seizure.csv {' '.join(place)}", "a line", "none")


def _pictures(opened: Opened, told: Told, report: Report) -> None:
    chains = json.loads(opened.whole("settings.json", 8 << 20))["chain_names"]
    for name, svg in traced.pictures(told, chains):
        if opened.whole(f"trace/{name}", 32 << 20) != svg.encode():
            _say(report, "trace", f"trace/{name}", "the picture of this trace", "another one")


# -- kept answers --------------------------------------------------------------------------------


def answers(opened: Opened, _: Manifest, __: Handed | None, report: Report) -> list[str]:
    """Every body has the digest that its line names, and a line."""
    left = {name for name in opened.members if name.startswith("answers/")}
    number = 0
    seen = set[str]()
    for line in opened.lines("answers.jsonl", MOST_ROW):
        told = json.loads(line)
        name = told["file"]
        if name is None or name in seen:
            continue
        number += 1
        seen.add(name)
        made = hashlib.sha256()
        for piece in opened.pieces(name):
            made.update(piece)
        if made.hexdigest() != told["body_sha256"]:
            _say(report, "answer", name, f"SHA-256 {told['body_sha256']}", made.hexdigest())
    for name in sorted(left - seen):
        _say(report, "answer", name, "a line in answers.jsonl", "none")
    return [f"{number:,} kept answers, by the digests that the record has of them"]


Part = Callable[[Opened, Manifest, Handed | None, Report], list[str]]
PARTS: Mapping[str, Part] = {
    "cover.json": cover,
    "movements.jsonl": movements,
    "trace": trace,
    "answers.jsonl": answers,
}


def not_held(opened: Opened) -> list[str]:
    """What nothing in the file can show."""
    found = [
        "that the texts are true: they say what the program was told, not what is on a chain",
        "that nothing else concerns the case: what is withheld of the log cannot be read here",
        "words of the cover, alerts, decisions, entries and coverage beyond their digests",
    ]
    state = opened.members.get("trace/state.jsonl")
    if state is not None and state.size > MOST_TRACE:
        found.append("the sums of the trace: it is too large to be worked out again here")
    return found
