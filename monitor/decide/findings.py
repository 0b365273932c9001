"""Which parts of the record's differences from the chain are news, and what became of others. Pure.

The sum of what lasts is always the difference at the newest figure. A finding rests on two
figures that are kept; rows that come late, however late, change what is recorded between them
and so explain it without another word of the chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

from monitor.decide.balance import recorded, signed
from monitor.decide.shares import moved
from monitor.model import LIVE_STATUSES, Row
from monitor.model.balance import AGAIN, COIN, Figure
from monitor.model.finding import Finding
from monitor.model.ids import stable_id

FOUND = "what moved is recorded now"
EQUAL = "the chain's balance is what is recorded again"


def difference(figure: Figure, rows: Iterable[Row]) -> int | None:
    """On the chain, less what is recorded; None while rows there are not decided."""
    held = recorded(rows, figure.subject.address, figure)
    return None if held.moving else figure.amount - held.amount


def missing(finding: Finding, rows: Sequence[Row]) -> int | None:
    """What moved between a finding's figures and is not recorded; None: not decided."""
    if finding.after.shares:
        return _missing_shares(finding.before, finding.after, rows)
    before = difference(finding.before, rows) if finding.before else 0
    after = difference(finding.after, rows)
    return None if before is None or after is None else after - before


def _missing_shares(before: Figure | None, after: Figure, rows: Iterable[Row]) -> int:
    """The same of a token that is counted in shares: what rows there come to nobody knows."""
    if before is None or before.shares != after.shares or moved(rows, before, after):
        return 0
    return after.amount - before.amount


def reviewed(found: Iterable[Finding], rows: Sequence[Row], now: int) -> list[Finding]:
    """Findings as the record has them now: those that rows explain are closed."""
    return [_reviewed(each, rows, now) for each in found]


def _reviewed(finding: Finding, rows: Sequence[Row], now: int) -> Finding:
    amount = missing(finding, rows)
    if amount is None or amount == finding.amount:
        return finding
    if not amount:
        return replace(finding, closed=now, reason=FOUND)
    return replace(finding, amount=amount, narrowed=None)


def start(
    figure: Figure, known: Iterable[Figure | None], found: Sequence[Finding], rows: Sequence[Row]
) -> Figure | None:
    """The newest of these figures below `figure` at which all was accounted for, as the record is
    now; None: the address's beginning."""
    below = [each for each in known if each is not None and each.high < figure.high]
    for each in sorted(below, key=lambda f: (f.high, f.low), reverse=True):
        left = sum(f.amount for f in found if f.after.high <= each.high)
        if difference(each, rows) == left:
            return each
    return None


def news(
    figure: Figure,
    known: Iterable[Figure | None],
    found: Sequence[Finding],
    rows: Sequence[Row],
    now: int,
    certain: frozenset[str] = frozenset(),
) -> list[Finding]:
    """What changes of these findings, which last, by a newer figure: a part of the difference that
    none of them holds is a new one; what came back is over. Of those that are `certain`, by name,
    it is not: that it came back is a finding of its own."""
    known = list(known)
    total = difference(figure, rows)
    if figure.shares:
        total = _missing_shares(_newest(known), figure, rows)
    if total is None or any(f.after.high > figure.high for f in found):
        return []
    if not total and not certain:
        return [_equal(f, figure, now) for f in found]
    doubted = [replace(f, equal=None) for f in found if f.equal is not None]
    if any(f.after.high == figure.high for f in found):
        # Nothing moves at a block that has been: this is one word against another one.
        return doubted
    return [*doubted, *_more(figure, total, known, found, rows, now, certain)]


def _equal(finding: Finding, figure: Figure, now: int) -> Finding:
    """A finding at whose asset the balance is what is recorded. Nobody who was told of it hears
    that by one answer: another one has to say so at a later block."""
    if finding.told is not None and (finding.equal is None or figure.low <= finding.equal):
        return replace(finding, equal=finding.equal or figure.high)
    return replace(finding, closed=now, reason=EQUAL)


def _more(
    figure: Figure,
    total: int,
    known: Iterable[Figure | None],
    found: Sequence[Finding],
    rows: Sequence[Row],
    now: int,
    certain: frozenset[str],
) -> list[Finding]:
    """What of a difference none of these findings holds, or which of them came back."""
    amount = total - sum(f.amount for f in found)
    if not amount:
        return []
    for each in found:
        if each.amount == -amount and each.told is None and each.id not in certain:
            return [replace(each, closed=now, reason=EQUAL)]
    before = _newest(known) if figure.shares else start(figure, known, found, rows)
    return [_new(before, figure, amount, now)]


def _newest(known: Iterable[Figure | None]) -> Figure | None:
    return max((each for each in known if each), key=lambda each: each.high, default=None)


def _new(before: Figure | None, figure: Figure, amount: int, now: int) -> Finding:
    first = str(before.high) if before else "0"
    key = stable_id("B", figure.subject.key, figure.contract, first, str(figure.high))
    return Finding(key, figure.subject, figure.contract, before, figure, amount, now)


def may_be_old(finding: Finding, rows: Iterable[Row]) -> bool:
    """Whether the newer figure of a finding is what one source alone says, and the record has held
    just that before: a balance that a source does not bring up to date looks like that."""
    after = finding.after
    if after.shares or not after.second.startswith(f"{after.source}{AGAIN}"):
        return False
    changes: dict[tuple[int, int], int] = {}
    for row in rows:
        transfer = row.transfer
        if (transfer.contract or COIN) == after.contract and row.status in LIVE_STATUSES:
            place = (transfer.block_height or 0, transfer.time or 0)
            adds = signed(transfer, after.subject.address)
            changes[place] = changes.get(place, 0) + adds
    sums = [*accumulate((changes[place] for place in sorted(changes)), initial=0)]
    return after.amount in sums[:-1]


def seconded(finding: Finding, figure: Figure, finality: int) -> Finding:
    """With a second word, where this later figure, at which all that lasts sums up to the
    difference, is one. A figure that names no block could be one of blocks that were replaced: its
    second has to lie so far above that it is final. One that may be old is nobody's second."""
    after = finding.after
    margin = 0 if after.block_hash else finality
    if after.second or not figure.dated or figure.low <= after.high + margin:
        return finding
    if figure.source != after.source:
        return replace(finding, after=replace(after, second=figure.source))
    said = f"{figure.source}{AGAIN}{figure.high:,}"
    return replace(finding, after=replace(after, second=said))
