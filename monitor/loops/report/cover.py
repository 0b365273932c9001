"""What a reader has to know before any figure, in words and as values. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor import __version__
from monitor.loops.report.movements import Counts
from monitor.loops.report.state import Standing
from monitor.messages.trace.words import METHOD
from monitor.model.plain import case_said, count, plural, rfc3339, tidy, utc
from monitor.model.trace import Told
from monitor.store.verify.handout import Counts as LogCounts

FORMAT = "fundwatch.export.v1"
WARNING = "Calculation from public ledgers; not proof of ownership."
_WIDTH = 96
MUST_NOT = (
    "That an address belongs to somebody: names are claims of their source, and who holds a key "
    "nothing here can show.",
    "That the traced money is the same coins: where funds of several origins are mixed, a method "
    "decides by a rule which of them went on. Other methods come to other figures; all stand "
    "beside each other.",
    "That nothing else happened: what was not read, and chains that are not watched, are not in "
    "it. An empty list means nothing without the coverage beside it.",
    "That a movement stands for ever: only what is final, and even that is what sources said of "
    "the chain at the time.",
    "That a balance is still there: each has the time at which it was read.",
    "That somebody named here as able to act was asked, or has to: nothing was sent.",
)
CHECK = (
    "fundwatch verify FILE.zip --key FINGERPRINT   on any machine, without a record; ask for the "
    "fingerprint by another way than the file came",
    "sha256sum -c SHA256SUMS   each file, after unpacking",
    "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in manifest.json -sigfile manifest.sig",
)


Section = tuple[str, list[str]]  # heading and lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What must be known before any figure of whatever goes out."""

    standing: Standing
    told: Told | None
    veiled: bool  # something of the trace is said in other words, so it has another digest
    sources: Sequence[str]  # of names
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(Known):
    """What the cover of an export is made of. `answers`: kept bodies that go out, that were
    deleted within their bounds, and that are left out because they would show what is not this
    case's."""

    movements: Counts
    log: LogCounts
    answers: tuple[int, int, int]
    alerts: int
    with_notes: bool
    withheld: int  # texts that named another case

    @property
    def notes_left_out(self) -> int:
        return 0 if self.with_notes else self.standing.notes


def sections(facts: Facts) -> Iterator[Section]:
    """Of an export, in the order in which they are to be read."""
    yield "", [WARNING]
    yield from known(facts)
    yield "WHAT IS LEFT OUT", list(_left_out(facts))
    yield "WHAT YOU MUST NOT CONCLUDE", [*MUST_NOT]


def known(facts: Known) -> Iterator[Section]:
    """As of when it is, what was read, by which method, by whose names, who decided."""
    standing = facts.standing
    yield "AS OF", list(_as_of(facts))
    yield "WHAT WAS READ", list(_read(standing))
    yield "WHAT WAS NOT LOOKED AT", list(_unread(standing))
    yield "METHOD", list(_method(facts))
    yield "NAMES", [_names(facts.sources)]
    yield "WHO DECIDED", list(_eyes(standing))


def _as_of(facts: Known) -> Iterator[str]:
    standing, (number, hash_) = facts.standing, facts.standing.log
    yield f"The record of this case as of {utc(standing.as_of)}; the log ended with number {number}"
    yield f"Hash of that row: {hash_}"
    if facts.told is not None:
        told = facts.told
        yield f"State {told.number} of the trace, of {utc(told.at)}, SHA-256 {told.sha256}"
    yield f"Made by Fundwatch {__version__}, key {facts.fingerprint}"


def _read(standing: Standing) -> Iterator[str]:
    entries = count(standing.entries, "entry is", "entries are")
    if not standing.entries:
        yield "No address is watched for this case now: what stands here is of before."
    elif standing.read:
        yield f"{entries} watched, and read as far as lists go up to the time above."
    else:
        yield f"NOT EVERYTHING IS READ. {entries} watched: {standing.reading}."
    for chain, height in sorted(standing.heads.items()):
        yield f"Read on {chain} up to block {height}"
    if standing.gaps:
        yield f"{count(standing.gaps, 'part', 'parts')} of lists could not be read"
    if standing.unexplained:
        yield f"{plural(standing.unexplained, 'balance')} not explained by what is recorded"


def _unread(standing: Standing) -> Iterator[str]:
    yield from standing.blind
    if standing.not_listed:
        yield f"{standing.not_listed:,} more entries, whose reading is not told here one by one"
    for words, number in standing.unread:
        yield (
            words
            if standing.entries == 1
            else f"{words} ({number:,} of {standing.entries:,} entries)"
        )
    if not standing.blind and not standing.unread and not standing.not_listed:
        yield "Nothing is watched, so nothing was looked at."


def _method(facts: Known) -> Iterator[str]:
    if facts.told is None:
        yield "No money is followed in this case: it holds movements, and no trace."
        return
    trace = facts.told.trace
    if trace.method:
        by = f", chosen by {tidy(trace.method_by, 60)}" if trace.method_by else ""
        yield f"Figures of the trace are by {METHOD[trace.method]}{by}; the range beside them."
    else:
        yield "Nobody has chosen a method: figures of the trace are ranges over five methods."
    unread = sum(not node.complete for node in trace.nodes)
    if unread:
        number = count(unread, "address", "addresses")
        yield f"{number} of {len(trace.nodes):,} in the trace not all read: figures are bounds"
    if facts.veiled:
        yield (
            "The trace is shown without addresses of the house and what names other cases, so the "
            "digest in the log, which is of the text with them, is another one."
        )


def _names(sources: Sequence[str]) -> str:
    if not sources:
        return "No name stands in it."
    return f"Names are claims, by: {'; '.join(sources)}."


def _eyes(standing: Standing) -> Iterator[str]:
    yield f"{standing.eyes}."
    decisions = count(standing.by_one, "decision was", "decisions were")
    yield f"{decisions} made by one person because no second one existed."


def _left_out(facts: Facts) -> Iterator[str]:
    notes, log, (_, pruned, withheld) = facts.standing.notes, facts.log, facts.answers
    if facts.with_notes:
        yield f"No note: {count(notes, 'note is', 'notes are')} in it."
    else:
        yield f"{count(notes, 'note is', 'notes are')} left out."
    yield (
        f"Of the log {log.withheld:,} texts are withheld ({log.left_out:,} of them about this case "
        f"too) and {log.erased:,} were erased; their digests stand in it, so the chain verifies."
    )
    if pruned:
        yield f"{count(pruned, 'kept answer was', 'kept answers were')} deleted to keep in bounds."
    if withheld:
        yield (
            f"{count(withheld, 'kept answer is', 'kept answers are')} left out: they hold more "
            "than this case. Their digests stand in answers.jsonl."
        )
    if facts.withheld:
        yield f"{count(facts.withheld, 'text', 'texts')} left out that named another case."
    yield "Addresses of the house and its customers stand by their labels alone."


def text(facts: Facts, files: Sequence[tuple[str, str]]) -> Iterator[str]:
    """`files`: names and what is in them."""
    yield f"Case {case_said(facts.standing.case)}: export for evidence\n"
    for heading, lines in sections(facts):
        yield f"\n{heading}\n" if heading else "\n"
        yield from (f"{line}\n" for said in lines for line in _wrapped(said))
    yield "\nWHAT IS IN IT\n"
    width = max((len(name) for name, _ in files), default=0)
    yield from (f"  {name.ljust(width)}  {said}\n" for name, said in files)
    yield "\nFIGURES\n"
    moved = facts.movements
    yield (
        f"  {plural(moved.rows, 'movement')}, of which {moved.reversed:,} did not stand, "
        f"{moved.late:,} came late, {moved.quiet:,} were told to nobody at once, "
        f"{moved.unconfirmed:,} in no block yet\n"
    )
    yield f"  {plural(facts.alerts, 'alert')}\n"
    yield "\nHOW TO CHECK IT\n"
    yield from (f"  {each}\n" for each in CHECK)


def _wrapped(said: str) -> list[str]:
    return textwrap.wrap(
        said,
        _WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def values(facts: Facts) -> dict[str, object]:
    """The same for programs."""
    standing, told, moved = facts.standing, facts.told, facts.movements
    out, pruned, withheld = facts.answers
    trace = None
    if told is not None:
        trace = {
            "state": told.number,
            "at": rfc3339(told.at),
            "sha256_in_log": told.sha256,
            "veiled": facts.veiled,
            "method": told.trace.method or None,
        }
    return {
        "format": FORMAT,
        "warning": WARNING,
        "case": standing.case,
        "as_of": rfc3339(standing.as_of),
        "log": {"number": standing.log[0], "hash": standing.log[1]},
        "version": __version__,
        "read": {
            "entries": standing.entries,
            "complete": standing.read,
            "words": standing.reading,
            "to_block": dict(sorted(standing.heads.items())),
            "gaps": standing.gaps,
            "balances_not_explained": standing.unexplained,
        },
        "not_looked_at": [*standing.blind, *(words for words, _ in standing.unread)],
        "trace": trace,
        "names_by": [*facts.sources],
        "four_eyes": {"words": standing.eyes, "decisions_by_one": standing.by_one},
        "left_out": {
            "notes": facts.notes_left_out,
            "log_texts_withheld": facts.log.withheld,
            "log_texts_withheld_of_this_case": facts.log.left_out,
            "log_texts_erased": facts.log.erased,
            "answers_deleted": pruned,
            "answers_withheld": withheld,
            "texts_naming_other_cases": facts.withheld,
        },
        "must_not_conclude": [*MUST_NOT],
        "figures": {
            "movements": moved.rows,
            "reversed": moved.reversed,
            "late": moved.late,
            "quiet": moved.quiet,
            "in_no_block": moved.unconfirmed,
            "alerts": facts.alerts,
            "answers": out,
            "log_rows": facts.log.shown + facts.log.withheld + facts.log.erased,
        },
    }
