"""The texts of states of a trace, as the record keeps them: most of a state is as it was before.

A body is packed (zlib) JSON, a list: a text is a line, a pair [first, count] stands for as many
lines of the state before. Every fiftieth state is a difference to nothing, so that no state takes
more than so many steps to be read.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from monitor.model.trace_json import whole
from monitor.store.port import Connection

STEPS = 50  # states of which the first stands by itself

Lines = Sequence[str]


def packed(lines: Lines, base: Lines = ()) -> bytes:
    """The same lines always give the same body."""
    return zlib.compress(json.dumps(_difference(lines, base), separators=(",", ":")).encode())


def unpacked(body: bytes, base: Lines = ()) -> list[str]:
    """Raises ValueError, TypeError, LookupError or zlib.error where it is no body."""
    lines: list[str] = []
    for each in json.loads(zlib.decompress(body)):
        if isinstance(each, str):
            lines.append(each)
        else:
            first, count = each
            lines += base[first : first + count]
    return lines


def _difference(lines: Lines, base: Lines) -> list[str | list[int]]:
    places = {line: place for place, line in reversed(list(enumerate(base)))}
    found: list[str | list[int]] = []
    run: list[int] | None = None
    for line in lines:
        follows = run[0] + run[1] if run else len(base)
        if run and follows < len(base) and base[follows] == line:
            run[1] += 1
        elif (place := places.get(line)) is not None:
            run = [place, 1]
            found.append(run)
        else:
            run = None
            found.append(line)
    return found


def digest(lines: Lines) -> str:
    return hashlib.sha256(whole(lines)).hexdigest()


def counts(lines: Lines) -> dict[str, object]:
    """How much there is, and what it comes to in USD (millionths) by method: what left the
    sources, rests, and ended. The log says it of every state."""
    totals = [json.loads(line) for line in lines if '"what":"total"' in line]
    return {
        "nodes": sum('"what":"node"' in line for line in lines),
        "edges": sum('"what":"edge"' in line for line in lines),
        "usd": {each["method"]: _sums(each) for each in totals if each["asset"] is None},
    }


def _sums(total: Mapping[str, Any]) -> list[int]:
    ended = sum(total.get("ended", {}).values())
    return [total.get("out_of_sources", 0), total.get("resting", 0), ended]


def is_erased(body: bytes) -> bool:
    return not body


def read(conn: Connection, case: str, number: int) -> list[str] | None:
    """The lines of a state; None where it was erased. Raises LookupError where there is none, and
    as `unpacked`."""
    chain: list[bytes] = []
    wanted: int | None = number
    while wanted is not None:
        row = conn.execute(
            "SELECT base, body FROM trace_state WHERE case_id = ? AND number = ?", (case, wanted)
        ).fetchone()
        if row is None:
            raise LookupError(f"case {case} has no state {wanted}")
        if is_erased(row["body"]):
            return None
        chain.append(row["body"])
        wanted = row["base"]
    lines: list[str] = []
    for body in reversed(chain):
        lines = unpacked(body, lines)
    return lines
