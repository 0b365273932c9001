"""The log of one case, to be handed out: it verifies with the rows of all others withheld.

A file of JSON lines. The first says whose it is and where the log ended; then comes every row of
the chain with its number and digest, and for the rows of this case with salt and text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.model.acts import Body
from monitor.model.difference import Difference, Report
from monitor.store.log import GENESIS, canonical, link
from monitor.store.port import Connection, Fields, Reader
from monitor.store.verify import gone
from monitor.store.verify.chain import is_canonical, made_digest, parsed
from monitor.store.verify.foreign import Foreign
from monitor.store.verify.gone import Erasure

FORMAT = "fundwatch.log.v1"

_ROWS = """
SELECT l.seq, l.digest, t.salt, t.text, e.by_seq, mine.seq IS NOT NULL AS mine,
  about.cases > 1 AS shared
FROM log l LEFT JOIN log_text t ON t.seq = l.seq LEFT JOIN erasure e ON e.seq = l.seq
LEFT JOIN log_case mine ON mine.seq = l.seq AND mine.case_id = ?
LEFT JOIN (SELECT seq, count(*) AS cases FROM log_case GROUP BY seq) about ON about.seq = l.seq
ORDER BY l.seq
"""


@dataclass(slots=True)
class Counts:
    """Rows of the log in a file. `left_out`: of the withheld ones those that concern the case
    and would have named another one, or are left out besides."""

    shown: int = 0
    withheld: int = 0
    erased: int = 0
    left_out: int = 0


Withheld = Callable[[Body], bool]  # whether a text is left out besides


def _nothing(_: Body) -> bool:
    return False


def lines(
    store: Reader, case: str, made: str, by: str, counts: Counts, withheld: Withheld = _nothing
) -> Iterator[str]:
    """The file, line by line, at one moment; fills `counts`. `made`: when, by `by`."""
    with store.look() as conn:
        foreign = Foreign.of(conn, case)
        last = conn.execute("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1").fetchone()
        number, hashed = last or (0, GENESIS)
        yield canonical(
            {
                "format": FORMAT,
                "case": case,
                "number": number,
                "hash": hashed,
                "made": made,
                "by": by,
            }
        )
        yield from _rows(conn, case, lambda told: foreign.named_in(told) or withheld(told), counts)


def _rows(conn: Connection, case: str, withheld: Withheld, counts: Counts) -> Iterator[str]:
    for row in conn.execute(_ROWS, (case,)):
        line: dict[str, Any] = {"seq": row["seq"], "digest": row["digest"]}
        if row["text"] is None and row["by_seq"] is not None:
            counts.erased += 1
            line["erased_by"] = row["by_seq"]
        elif (told := _concerning(row)) and not withheld(told):
            counts.shown += 1
            line |= {"salt": row["salt"], "text": row["text"]}
        else:
            counts.withheld += 1
            counts.left_out += row["mine"]
        yield canonical(line)


def _concerning(row: Fields) -> Body | None:
    """The text of a row of this case alone, or of what moved on a public chain, whoever else
    it concerns."""
    told = parsed(row["text"]) if row["mine"] and row["text"] is not None else None
    if told is None or (row["shared"] and told.get("what") != "rows"):
        return None
    return told


# -- verified, with nothing but the file ---------------------------------------------------


@dataclass(slots=True)
class Handed:
    """What a file says of itself, and what is in it."""

    header: Body
    number: int = 0
    hash: str = GENESIS
    counts: Counts = field(default_factory=Counts)
    erased: dict[int, int] = field(default_factory=dict)  # rows, and by which row
    erasures: list[Erasure] = field(default_factory=list)  # as far as they are shown
    shown: set[int] = field(default_factory=set)  # rows whose texts can be read
    wanted: str | None = None  # the hash of the row that was asked for


def read(file: Iterable[str], report: Report, wanted: int | None = None) -> Handed:
    """Hold a file that was handed out against itself. `wanted`: a row whose hash is asked for.
    Raises ValueError where it is no such file."""
    rest = iter(file)
    handed = Handed(_header(next(rest, "")))
    for text in rest:
        row = _form(text, f"line {handed.number + 2}", ROW)
        seq, digest = row["seq"], row["digest"]
        if seq != handed.number + 1:
            _say(report, "chain", handed.number + 1, "the next row", f"number {seq}")
        handed.number, handed.hash = seq, link(seq, handed.hash, digest)
        if seq == wanted:
            handed.wanted = handed.hash
        _row(row, handed, report)
    _hold_erased(handed, report)
    header = handed.header
    if (handed.number, handed.hash) != (header["number"], header["hash"]):
        expected = f"number {header['number']}, hash {header['hash']}, as its first line says"
        found = f"number {handed.number}, hash {handed.hash}"
        _say(report, "chain", handed.number, expected, found)
    return handed


HEADER = {"format": str, "case": str, "number": int, "hash": str, "made": str, "by": str}
_MUST = {"seq": int, "digest": str}
# A row is withheld, erased or shown, and nothing between.
ROW = (_MUST, {**_MUST, "erased_by": int}, {**_MUST, "salt": str, "text": str})


def _header(text: str) -> Body:
    header = _form(text, "its first line", (HEADER,))
    if header["format"] != FORMAT:
        raise ValueError(f"its first line is not one of {FORMAT}")
    return header


def _form(text: str, place: str, forms: Iterable[Mapping[str, type]]) -> Body:
    """A line, which is JSON in its one form and of one of these."""
    value = parsed(text)
    if value is None or not is_canonical(value, text.rstrip("\n")):
        raise ValueError(f"{place} is not JSON in its one form")
    if {name: type(each) for name, each in value.items()} not in forms:
        raise ValueError(f"{place} does not have the parts that it should")
    return value


def _hold_erased(handed: Handed, report: Report) -> None:
    """What is called erased, and the acts that are shown."""
    told = {each.seq: each.by_seq for each in handed.erasures}
    for seq, by in handed.erased.items():
        there = seq < by <= handed.number
        if not there or ((by in handed.shown or seq in told) and told.get(seq) != by):
            _say(report, "erasure", seq, f"an act in row {by} that erased it", "none")
    for seq, by in told.items():
        if seq not in handed.erased:
            _say(report, "erasure", seq, f"no text: row {by} erased it", "a row that is not so")


def _row(row: Body, handed: Handed, report: Report) -> None:
    counts = handed.counts
    if "text" in row:
        counts.shown += 1
        if made_digest(row["salt"], row["text"]) != row["digest"]:
            expected = f"salt and text with digest {row['digest']}"
            _say(report, "text", row["seq"], expected, str(row["text"])[:80])
        handed.erasures += _erasures(row, handed, report)
    elif "erased_by" in row:
        counts.erased += 1
        handed.erased[row["seq"]] = row["erased_by"]
    else:
        counts.withheld += 1


def _erasures(row: Body, handed: Handed, report: Report) -> list[Erasure]:
    """What a row that is shown says was erased."""
    told, seq = parsed(row["text"]), row["seq"]
    try:
        found = list(gone.erasures_in(told or {}, seq))
    except (ValueError, TypeError, LookupError, AttributeError):
        found, told = [], None
    if told is None or not is_canonical(told, row["text"]):
        _say(report, "text", seq, "what an act says", row["text"][:80])
    handed.shown.add(seq)
    return found


def _say(report: Report, check: str, seq: int, expected: str, found: str) -> None:
    report(Difference(check, f"log {seq}", expected, found))
