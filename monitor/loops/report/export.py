"""`fundwatch export`: all that the record holds of one case, in one file that proves itself.

The same state of the record gives the same bytes: no clock is asked, and everything stands in a
fixed order.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from Crypto.PublicKey.ECC import EccKey

from monitor import __version__
from monitor.loops.report import cover, held, keys, members, movements, traced
from monitor.loops.report.cover import FORMAT, Facts
from monitor.loops.report.held import Answers
from monitor.loops.report.members import Made, Progress, Workshop
from monitor.loops.report.mine import Mine
from monitor.loops.report.movements import COLUMNS, Counts
from monitor.loops.report.state import Standing, name_sources, standing
from monitor.messages.objects import alert_object, json_text
from monitor.messages.spreadsheet import csv_line
from monitor.model.settings import Settings
from monitor.store import case_file
from monitor.store.port import Reader
from monitor.store.verify import handout
from monitor.store.views import Views

_SAID = {
    "cover.json": "this page for programs",
    "movements.csv": "every movement, one a row, with its digest over itself and the row before",
    "movements.jsonl": "the same, exact",
    "alerts.jsonl": "every alert, quiet ones and corrections too",
    "decisions.jsonl": "who took, closed, proposed and agreed, with which words; clocks of law",
    "notes.jsonl": "what people noted",
    "log.jsonl": "the log: texts of this case, of all other rows the digests",
    "entries.jsonl": "what is and was watched, with every version of each entry",
    "lists.jsonl": "published lists that entries rest on: every version with its SHA-256",
    "coverage.csv": "what was read by whom, from where to where, and what was not",
    "balances.jsonl": "what the chain says that addresses hold, beside what is recorded",
    "answers.jsonl": "what sources answered, with digests; the bodies in answers/",
    "settings.json": "chains, sources and thresholds as they were set, without secrets",
    "method.txt": "how it was worked out",
    "trace/state.jsonl": "the trace as the record keeps it",
    "trace/trace.json": "which state that is",
    "trace/objects.jsonl": "the same as addresses, movements and totals, by every method",
    "trace/seizure.csv": "where it is, by every method, and who could act",
    "trace/flow.svg": "the flow picture; in trace/ one more for each method",
    "SHA256SUMS": "digests, for `sha256sum -c`",
    "manifest.json": "digests of all files, signed",
    "manifest.sig": "the signature (Ed25519)",
    "key.pem": "the public key that it was made with",
}


@dataclass(frozen=True, slots=True)
class Done:
    """What was written."""

    sha256: str
    size: int
    standing: Standing
    movements: int
    notes_left_out: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to go out."""

    case: str
    notes: bool = False


def export(
    store: Reader,
    settings: Settings,
    views: Views,
    wanted: Wanted,
    out: Path,
    key: EccKey,
    say: Progress = members.quiet,
) -> Done:
    """Write the file, whole or not at all. Raises StoreError, OSError, and ValueError where the
    case is larger than one file holds."""
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
        shop = Workshop(Path(folder))
        with store.look():  # all of it is of one moment
            facts = _fill(shop, Mine(store, settings, views, wanted.case), wanted, key, say)
        _sign(shop, facts, key)
        say("putting it together")

        def write(file: BinaryIO) -> None:
            members.pack(shop.made, file)

        digest = members.whole(out, write)
    counts = facts.movements
    return Done(digest, out.stat().st_size, facts.standing, counts.rows, facts.notes_left_out)


def _fill(shop: Workshop, mine: Mine, wanted: Wanted, key: EccKey, say: Progress) -> Facts:
    say("reading how the case stands")
    mine.check()
    safe = held.Safe(mine)
    trace = traced.of(mine, safe.text)
    told = trace.told if trace is not None else None
    stands = standing(mine, told)
    ids = case_file.row_ids(mine.store, mine.case)
    counts, names = Counts(), set[str]()
    _movements(
        *(shop, mine, ids, movements.Going(told.trace if told else None, stands.heads, safe.text)),
        *(counts, names, say),
    )
    say("alerts and decisions")
    alerts = case_file.alert_ids(mine.store, mine.case)
    shop.lines(
        "alerts.jsonl",
        (f"{json_text(alert_object(v, {mine.case}))}\n" for v in mine.alerts(alerts)),
    )
    shop.lines("decisions.jsonl", held.objects(safe.of(each) for each in held.decisions(mine)))
    if wanted.notes:
        shop.lines("notes.jsonl", held.objects(safe.of(each) for each in held.notes(mine)))
    say("the log")
    logged = handout.Counts()
    shop.lines("log.jsonl", _log(mine, stands, logged, wanted))
    shop.lines("entries.jsonl", held.objects(safe.of(each) for each in held.entries(mine)))
    shop.lines("lists.jsonl", held.objects(held.lists(mine)))
    shop.lines("coverage.csv", held.coverage(mine))
    shop.lines("balances.jsonl", held.objects(held.balances(mine)))
    shop.lines("settings.json", [pretty(held.settings_said(mine))])
    shop.lines("method.txt", held.method())
    if trace is not None:
        say("the trace and its pictures")
        traced.fill(shop, trace, mine)
    say("kept answers")
    answers = Answers(mine, frozenset(ids))
    answers.fill(shop)
    return Facts(
        standing=stands,
        told=told,
        veiled=trace is not None and trace.veiled,
        sources=name_sources(told.trace if told is not None else None, names),
        movements=counts,
        log=logged,
        answers=answers.counts,
        alerts=len(alerts),
        with_notes=wanted.notes,
        fingerprint=keys.fingerprint(keys.public(key)),
        withheld=safe.withheld,
    )


def _movements(
    shop: Workshop,
    mine: Mine,
    ids: list[int],
    going: movements.Going,
    counts: Counts,
    names: set[str],
    say: Progress,
) -> None:
    """Both forms in one pass."""

    def cells() -> Iterator[movements.Cells]:
        for number, each in enumerate(movements.rows(mine, ids, going, counts)):
            if number % 1000 == 0:
                say(f"movements: {number:,} of {len(ids):,}")
            names.update(filter(None, (each["from_label_source"], each["to_label_source"])))
            yield each

    with tempfile.TemporaryFile() as beside:

        def exact() -> Iterator[str]:
            for each in cells():
                beside.write(
                    csv_line(each[column] for column in COLUMNS).encode("utf-8", "replace")
                )
                yield f"{json_text(each)}\n"

        shop.lines("movements.jsonl", exact())
        beside.seek(0)
        shop.lines("movements.csv", _table(beside))


def _table(beside: BinaryIO) -> Iterator[str]:
    yield csv_line(COLUMNS)
    for line in beside:
        yield line.decode("utf-8")


def _log(mine: Mine, stands: Standing, counts: handout.Counts, wanted: Wanted) -> Iterator[str]:
    def withheld(told: Mapping[str, object]) -> bool:
        if told.get("what") == "remark" and not wanted.notes:
            return True
        return mine.names_ours(json_text(told))

    by = f"Fundwatch {__version__}"
    made = held.time_said(stands.as_of)
    for line in handout.lines(mine.store, mine.case, made, by, counts, withheld):
        yield f"{line}\n"


# -- what proves it ------------------------------------------------------------------------------


def pretty(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _sign(shop: Workshop, facts: Facts, key: EccKey) -> None:
    shop.lines("cover.json", [pretty(cover.values(facts))])
    there = {*shop.made, "SHA256SUMS", "manifest.json", "manifest.sig", "key.pem"}
    shop.lines("cover.txt", cover.text(facts, [e for e in _SAID.items() if e[0] in there]))
    made: Mapping[str, Made] = {name: shop.made[name] for name in members.in_order(shop.made)
                                if name in shop.made}  # fmt: skip
    shop.lines("SHA256SUMS", (f"{each.sha256}  {name}\n" for name, each in made.items()))
    raw = keys.public(key)
    manifest = {
        "format": FORMAT,
        "case": facts.standing.case,
        "as_of": held.time_said(facts.standing.as_of),
        "log": {"number": facts.standing.log[0], "hash": facts.standing.log[1]},
        "version": __version__,
        "key": raw.hex(),
        "fingerprint": keys.fingerprint(raw),
        "files": [
            {"name": name, "size": shop.made[name].size, "sha256": shop.made[name].sha256}
            for name in (*made, "SHA256SUMS")
        ],
    }
    text = pretty(manifest).encode("utf-8", "replace")
    shop.data("manifest.json", text)
    shop.data("manifest.sig", keys.sign(key, text))
    shop.data("key.pem", keys.pem(raw).encode("ascii"))
