"""What the silence of lists, and the words of look-ups by hash, mean for a row. Pure.

Not asked means no verdict. A list that leaves out what it reported may be at fault, and so may a
look-up that does not know a transaction: what counts against a row is that its block was
replaced, which the block's hash at that height shows. Where nobody can report hashes, silence
counts only from several heads, once the row's block is final for them. What is unconfirmed stands
in no block: there the silence of those who told it, under several heads, says that it is no longer
seen, and another transaction that spends its coins that it was replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from monitor.model import Axis, Batch, Chain, Head, Lookup, Row, Status, Transfer
from monitor.model.plan import Answers, Context

# Two different heads of the same source must leave a row out before that counts.
ABSENT_READS = 2
# Look-ups under so many different heads must not know a transaction whose block cannot be
# compared, because no hash of it was reported or nobody can be asked for one; or which is in none.
SILENT_HEADS = 3
# Seconds for which an unconfirmed transaction may be unknown: it may still be on its way
# to the node that is asked, or pay too little for it.
PENDING_SILENCE = 86_400
# After so many a node of Bitcoin Core's kind has dropped what still waits (-mempoolexpiry): then
# those count who never told it, too.
EXPIRY = 14 * 86_400

BLOCK_ATTRIBUTES = (
    "block_height",
    "block_hash",
    "time",
    "tx_index",
    "log_index",
    "trace_path",
)
Marks = tuple[tuple[str, int], ...]
_ASKED = "?"  # before a source's name: a look-up by hash, not a list, left the row out


class Fate(Enum):
    """What is said of a row; of all rows of its transaction, unless it is MOVED."""

    STANDS = "stands"
    WAITS = "waits"  # without a block again
    GONE = "gone"  # its block was replaced, or nobody ever mined it
    FAILED = "failed"  # in the chain, but it moved nothing
    MOVED = "moved"  # the transaction stands elsewhere, without this row
    KEPT = "kept"  # not found, but its block is unchanged: the lists are at fault


@dataclass(frozen=True, slots=True)
class Verdict:
    fate: Fate
    status: Status
    transfer: Transfer


def unplaced(transfer: Transfer) -> Transfer:
    """The transfer without its block, waiting to be included again."""
    nothing: dict[str, Any] = dict.fromkeys(BLOCK_ATTRIBUTES)
    return replace(transfer, **nothing, pending=True)


# -- lists -------------------------------------------------------------------------------


def linked(row: Row, batches: Iterable[Batch], chain: Chain) -> Verdict | None:
    """Whether a row stands in a whole block that was read before and from which the newest block
    descends: then nothing has to be read again for it to become final."""
    height = row.transfer.block_height
    if row.status is not Status.PROVISIONAL or height is None:
        return None
    for batch in batches:
        mine = batch.blocks.get(height) if row.transfer.kind.stream in batch.streams else None
        if mine is None or height >= batch.fresh_from or batch.doubt:
            continue
        if mine == row.transfer.block_hash and not any(height in each for each in batch.missed):
            final = height <= batch.axis.final_line(batch.head, chain)
            status = Status.FINAL if final else Status.PROVISIONAL
            return Verdict(Fate.STANDS, status, row.transfer)
    return None


def missing_from(row: Row, batch: Batch, context: Context) -> bool:
    """Whether this batch is a complete read, by a reporter of the row, of its place; or of whole
    blocks that have another one in the place of the row's, whoever reported it."""
    if row.transfer.kind.stream not in batch.streams or batch.doubt:
        return False
    at = batch.axis.place(row.transfer)
    if row.status is Status.PENDING or at is None:
        return batch.source in row.reporters and batch.mempool_read and _reaches_head(batch)
    if batch.read is None or at not in batch.read or any(at in gap.at for gap in batch.gaps):
        return False
    if batch.members is not None:
        if row.transfer.block_hash not in (None, batch.blocks.get(at)):
            return True
        return at >= batch.fresh_from and batch.source in row.reporters
    lag = batch.axis.reach(context.lags.get(batch.source, 0), context.chain)
    return batch.source in row.reporters and at <= batch.axis.top(batch.head) - lag


def unsettled(row: Row, batches: Iterable[Batch], context: Context) -> bool:
    """Old enough to be settled, but the source asked now is not one that reported it."""
    return any(
        _passed_over(row, batch, context)
        for batch in batches
        if row.transfer.kind.stream in batch.streams
        and (batch.source not in row.reporters or _below(row, batch))
    )


def _below(row: Row, batch: Batch) -> bool:
    """Whether a row stands below the blocks that are read for its address: no list that shows it
    is read again."""
    if batch.members is None or batch.read is None:
        return False
    at = batch.axis.place(row.transfer)
    return at is not None and at < batch.read.lo


def _passed_over(row: Row, batch: Batch, context: Context) -> bool:
    if batch.doubt:
        return False
    at = batch.axis.place(row.transfer)
    if at is None:
        return _reaches_head(batch) and _long_silent(row, context)
    line = batch.axis.final_line(batch.head, context.chain)
    return batch.read is not None and (at in batch.read or _below(row, batch)) and at <= line


def _reaches_head(batch: Batch) -> bool:
    return batch.read is not None and batch.read.hi >= batch.axis.top(batch.head)


def marks(row: Row, batches: Iterable[Batch], answers: Answers, context: Context) -> Marks:
    """Under which heads the row was left out, with what this poll adds: by lists, and by
    look-ups that are far enough past it."""
    found = row.absences
    lists = ((b.source, b.head.height) for b in batches if missing_from(row, b, context))
    silent = (
        (_ASKED + lookup.source, lookup.head.height)
        for lookup in answers.lookups.get(row.transfer.tx, ())
        if not lookup.found and lookup.head and _counts(row, lookup.head, context)
    )
    for mark in (*lists, *silent):
        if mark not in found:
            found = (*found, mark)
    return found


def _counts(row: Row, head: Head, context: Context) -> bool:
    """Whether it means anything that a look-up under this head does not know the row."""
    if row.transfer.pending:
        return _long_silent(row, context)
    return _settled(row.transfer, head, context.chain)


def left_out(absences: Marks) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
    """The heads by source: of its lists, and of its look-ups by hash."""
    lists: dict[str, set[int]] = {}
    asked: dict[str, set[int]] = {}
    for source, head in absences:
        where = asked if source.startswith(_ASKED) else lists
        where.setdefault(source.removeprefix(_ASKED), set()).add(head)
    return lists, asked


def _twice(absences: Marks) -> bool:
    return any(len(heads) >= ABSENT_READS for heads in left_out(absences)[0].values())


# -- look-ups ------------------------------------------------------------------------------


def judge(row: Row, absences: Marks, answers: Answers, context: Context) -> Verdict | None:
    """What the answers say of a row that no list reported. None: nobody answered, or too little."""
    lookups = answers.lookups.get(row.transfer.tx, ())
    if (stands := _standing(row.transfer, lookups, context.chain)) is not None:
        return stands
    if any(lookup.found and lookup.failed for lookup in lookups):
        return Verdict(Fate.FAILED, Status.ORPHANED, row.transfer)
    elsewhere = [lookup for lookup in lookups if lookup.found and lookup.height is not None]
    if elsewhere:
        left = not row.transfer.pending and _twice(absences)
        far = any(_beyond_lags(lookup, context) for lookup in elsewhere)
        return Verdict(Fate.MOVED, Status.ORPHANED, row.transfer) if left and far else None
    if any(lookup.found for lookup in lookups):
        return _waiting(row, answers, context)
    if lookups or answers.mute:
        return _unknown(row, absences, answers, context)
    return None


def final_state(row: Row, answers: Answers, context: Context) -> str:
    """What the answers say of a final row that a list left out: "stands", "kept" (unknown, but
    its block is unchanged), "silent" (unknown, and the block cannot be compared), "lost", or
    "" where nobody answered. Nobody can be asked: the list's word is all there is."""
    lookups = answers.lookups.get(row.transfer.tx, ())
    if not lookups:
        return "lost" if answers.mute else ""
    verdict = judge(row, (), answers, context)
    if verdict is None:
        return "lost" if any(lookup.found for lookup in lookups) else "silent"
    return {Fate.STANDS: "stands", Fate.KEPT: "kept"}.get(verdict.fate, "lost")


def succeeded(transfer: Transfer, lookups: Iterable[Lookup]) -> bool | None:
    """Whether the transaction did what it says, by its receipts. None: nobody said so of the
    block that the transfer stands in. Where receipts contradict each other it counts as done:
    a movement is not silenced on one word."""
    said = [w for w in lookups if w.found and same_block(transfer, w)]
    if any(not lookup.failed for lookup in said):
        return True
    return False if said else None


def may_be_a_copy(transfer: Transfer) -> bool:
    """Whether a list reported it twice without saying where in the transaction: two equal payments,
    or one that is listed twice."""
    again = transfer.kind.token and not transfer.leg.endswith("|0")
    return again and transfer.log_index is None


def a_copy(transfer: Transfer, lookups: Iterable[Lookup]) -> bool:
    """Whether a receipt holds the movement, but not so often as the list reported it."""
    if not may_be_a_copy(transfer):
        return False
    leg, _, ordinal = transfer.leg.rpartition("|")
    counts = [w.moved.get(leg, 0) for w in lookups if w.moved and same_block(transfer, w)]
    return bool(counts) and 0 < max(counts) <= int(ordinal)


def same_block(transfer: Transfer, lookup: Lookup) -> bool:
    """By hash where both name one, else by height, which some lists do not report either."""
    if lookup.height is None or transfer.pending:
        return False
    if transfer.block_hash and lookup.block_hash:
        return transfer.block_hash == lookup.block_hash
    return transfer.block_height in (None, lookup.height)


def with_block(transfer: Transfer, lookups: Iterable[Lookup]) -> Transfer:
    """The transfer with the block that a look-up names, where its list names none: later only
    the block's hash can report whether it was replaced, or a list has forgotten."""
    if transfer.pending or transfer.block_hash is not None:
        return transfer
    for lookup in lookups:
        if lookup.found and lookup.block_hash and same_block(transfer, lookup):
            return replace(transfer, block_height=lookup.height, block_hash=lookup.block_hash)
    return transfer


def replaced(transfer: Transfer, answers: Answers, context: Context) -> bool | None:
    """Whether the block was replaced, by its hash at its height. None: it cannot be said. One
    source that still has the block is enough to say that nothing was reorganised."""
    height, known = transfer.block_height, _hash_of(transfer, context)
    if height is None or known is None:
        return None
    behind = {
        lookup.source
        for lookup in answers.lookups.get(transfer.tx, ())
        if lookup.head is not None and lookup.head.height < height
    }
    reported = [
        block
        for (source, at), block in answers.hashes.items()
        if at == height and block is not None and source not in behind
    ]
    return known not in reported if reported else None


def _hash_of(transfer: Transfer, context: Context) -> str | None:
    """Of the transfer's block; another row of the transaction may know it."""
    return transfer.block_hash or next(
        (
            row.transfer.block_hash
            for row in context.known
            if row.transfer.tx == transfer.tx
            and row.transfer.block_hash
            and row.transfer.block_height == transfer.block_height
        ),
        None,
    )


def _standing(transfer: Transfer, lookups: Sequence[Lookup], chain: Chain) -> Verdict | None:
    for lookup in lookups:
        done = not lookup.failed or transfer.kind.fee  # what fails is paid for too
        if lookup.found and done and same_block(transfer, lookup):
            settled = (
                lookup.head is not None
                and lookup.height is not None
                and lookup.height <= Axis.HEIGHT.final_line(lookup.head, chain)
            )
            status = Status.FINAL if settled else Status.PROVISIONAL
            return Verdict(Fate.STANDS, status, replace(transfer, block_height=lookup.height))
    return None


def _waiting(row: Row, answers: Answers, context: Context) -> Verdict | None:
    """Known, but in no block: as ever, or since its block was replaced."""
    if row.transfer.pending:
        return Verdict(Fate.STANDS, Status.PENDING, row.transfer)
    if replaced(row.transfer, answers, context):
        return Verdict(Fate.WAITS, Status.PENDING, unplaced(row.transfer))
    return None


def _unknown(row: Row, absences: Marks, answers: Answers, context: Context) -> Verdict | None:
    """Nobody knows the transaction, or nobody can be asked about any."""
    if row.transfer.pending:
        gone = _twice(absences) or _forgotten(row, absences, context)
    else:
        verdict = replaced(row.transfer, answers, context)
        if verdict is False:
            return Verdict(Fate.KEPT, Status.MISSING, row.transfer)
        gone = verdict or _silent(absences, mute=answers.mute)
    return Verdict(Fate.GONE, Status.ORPHANED, row.transfer) if gone else None


def _silent(absences: Marks, *, mute: bool) -> bool:
    lists, asked = left_out(absences)
    return any(len(heads) >= SILENT_HEADS for heads in (lists if mute else asked).values())


def _forgotten(row: Row, absences: Marks, context: Context) -> bool:
    """Whether look-ups show for long enough that nobody knows an unconfirmed row any more of those
    who told it. Others may never have had it: they count where none of these is asked any more."""
    tellers = row.reporters & context.lags.keys()
    alone = not tellers or context.now - row.first_seen >= EXPIRY
    asked = left_out(absences)[1].items()
    return any(len(heads) >= SILENT_HEADS for name, heads in asked if alone or name in tellers)


def _beyond_lags(lookup: Lookup, context: Context) -> bool:
    """Whether the lists should show what this look-up found."""
    if lookup.head is None or lookup.height is None:
        return False
    return lookup.head.height - lookup.height >= max(context.lags.values(), default=0)


def _settled(transfer: Transfer, head: Head, chain: Chain) -> bool:
    axis = Axis.TIME if transfer.block_height is None else Axis.HEIGHT
    at = axis.place(transfer)
    return at is not None and at <= axis.final_line(head, chain)


def _long_silent(row: Row, context: Context) -> bool:
    return context.now - row.first_seen >= PENDING_SILENCE
