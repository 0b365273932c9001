"""`fundwatch verify`: a record, or a file of one case that was handed out, and a checkpoint that
somebody kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from monitor.model.difference import Difference, Report
from monitor.model.errors import StoreError
from monitor.model.plain import plural
from monitor.store.schema import LOGGED
from monitor.store.sqlite import Store
from monitor.store.verify import handout, record
from monitor.store.verify.handout import Handed
from monitor.store.verify.record import Checkpoint, Replaced, Verdict


@dataclass(frozen=True, slots=True)
class Verified:
    """`confirmed`: where the checkpoint stands, in words; nothing without one."""

    verdict: Verdict
    confirmed: str = ""


def verify(path: Path, checkpoint: Checkpoint | None, report: Report) -> Verified:
    """Hold a record against its log, and the log against a checkpoint. Raises StoreError where
    they cannot be read."""
    with _opened(path) as store:
        verdict = record.verify(store, report)
        found = record.hash_at(store, checkpoint.number) if checkpoint else None
    if checkpoint is None:
        return Verified(verdict)
    if found == checkpoint.hash:
        return Verified(verdict, _stands(checkpoint, verdict.number))
    kept = _replaced(path.parent, verdict.replaced, checkpoint, frozenset({path}))
    if kept is None:
        report(_unconfirmed(checkpoint, found, verdict.number))
        return Verified(verdict)
    return _confirmed_in(kept, verdict, checkpoint, report)


@contextmanager
def _opened(path: Path) -> Iterator[Store]:
    with closing(Store(path, readonly=True, older=True)) as store:
        if (version := store.schema()) < LOGGED:
            raise StoreError(
                f"{path} has no log: it was written with schema {version}, and logs begin with "
                f"{LOGGED}. `fundwatch run` or `fundwatch poll` upgrades it, after a backup"
            )
        yield store


def _stands(checkpoint: Checkpoint, last: int) -> str:
    """That it stands in the log, and for how many rows it does not speak."""
    later = last - checkpoint.number
    rest = f"; {plural(later, 'row')} after it rest on no checkpoint" if later else ""
    return f"row {checkpoint.number:,} of the log has this hash{rest}"


def _unconfirmed(checkpoint: Checkpoint, found: str | None, last: int) -> Difference:
    ends = f"the log ends with number {last}: cut off, or a copy from before"
    there = f"hash {found}" if found else ends
    place = f"log {checkpoint.number}"
    return Difference("checkpoint", place, f"hash {checkpoint.hash}", there)


def _replaced(
    folder: Path, made: Sequence[Replaced], checkpoint: Checkpoint, seen: frozenset[Path]
) -> Path | None:  # fmt: skip
    """The record that holds the checkpoint among those that a restore replaced and kept aside.
    Each must end as the act of its restore says. `seen`: where it was looked for already."""
    for each in reversed(made):
        kept = folder / Path(each.file).name
        if kept in seen or not kept.is_file():
            continue
        seen |= {kept}
        try:
            with _opened(kept) as store:
                if record.hash_at(store, each.number) != each.hash:
                    continue
                if record.hash_at(store, checkpoint.number) == checkpoint.hash:
                    return kept
                inner = record.replaced_in(store)
        except StoreError:
            continue  # gone or damaged: it confirms nothing
        if found := _replaced(folder, inner, checkpoint, seen):
            return found
    return None


def _confirmed_in(kept: Path, verdict: Verdict, checkpoint: Checkpoint, report: Report) -> Verified:
    """The checkpoint counts there as far as that record is whole."""

    def there(difference: Difference) -> None:
        report(replace(difference, place=f"{kept.name}: {difference.place}"))

    with _opened(kept) as store:
        aside = record.verify(store, there)
    words = (
        f"row {checkpoint.number:,} belongs to the record that a restore replaced, and has this "
        f"hash in {kept.name}, which was kept aside"
    )
    erased = [*verdict.erased, *(each for each in aside.erased if each not in verdict.erased)]
    return Verified(replace(verdict, erased=erased), words)


def verify_file(path: Path, checkpoint: Checkpoint | None, report: Report) -> tuple[Handed, str]:
    """Hold a file that was handed out against itself and a checkpoint; returns what it holds and
    where the checkpoint stands, in words. Raises StoreError where it cannot be read."""
    wanted = checkpoint.number if checkpoint else None
    try:
        with path.open(encoding="utf-8") as file:
            handed = handout.read(file, report, wanted)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}. Name a file that you may read") from error
    except record.UNREADABLE as error:
        why = "it is no text" if isinstance(error, UnicodeDecodeError) else error
        remedy = "Name a file that `fundwatch log export` made"
        raise StoreError(f"{path}: {why}. {remedy}") from error
    if checkpoint is None:
        return handed, ""
    if handed.wanted != checkpoint.hash:
        report(_unconfirmed(checkpoint, handed.wanted, handed.number))
        return handed, ""
    return handed, _stands(checkpoint, handed.number)
