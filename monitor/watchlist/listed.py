"""Rows of a published list, and what people said of them -> the entries that are watched. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from monitor.model import Entry, Origin, Severity, Subject
from monitor.model.dates import utc_day
from monitor.model.ids import stable_id
from monitor.model.lists import ENTITY, ListConfig, Listing, RowState, Word

Words = Mapping[tuple[str, str], Word]  # the newest on each (target, key)
# Where a row is watched: on these chains, as far as it can be, or (none) by the settings.
ChainsOf = Callable[[Listing, Collection[str]], Collection[str]]
Spell = Callable[[str, str], str]  # chain, address of a row -> as that chain writes it
_LABEL = 120  # characters
_CASE = 40
LEAST_ENTITY = 8  # characters that a case has to leave for each {entity}
_ID = re.compile(r"[\w#/-]+\Z", re.ASCII)
SET = ("severity", "incoming", "min_amount", "channels", "busy")  # what a word puts into an entry


def entry_id(name: str, subject: Subject, entity: str) -> str:
    """The same in every version; another one where the address is listed for somebody else."""
    return stable_id("E", "list", name, subject.key, entity)


def case_of(config: ListConfig, entity: str) -> str:
    """By the id of the entity, never by a name; without one the case of all."""
    if entity or ENTITY not in config.case:
        whole = config.case.replace(ENTITY, entity)
        if len(whole) <= _CASE and (ENTITY not in config.case or _ID.match(entity)):
            return whole
        # Cases stand in subjects: no text of a publisher may. The digest keeps two of them two.
        digest = hashlib.sha256(entity.encode("utf-8", "replace")).hexdigest()[:LEAST_ENTITY]
        rest = len(config.case.replace(ENTITY, ""))
        room = (_CASE - rest) // max(1, config.case.count(ENTITY)) - len(digest) - 1
        short = re.sub(r"[^\w#-]+", "-", entity, flags=re.ASCII)[: max(0, min(12, room))]
        return config.case.replace(ENTITY, f"{short}-{digest}" if short else digest)
    return config.case.replace(ENTITY, "").strip(" -_/.#") or config.title


def refused(listing: Listing, words: Words) -> bool:
    """Whether a rule keeps a row from being watched, and no person insists."""
    return bool(listing.row.judged.rule) and word_on(listing, words, "insist") is None


def as_judged(listing: Listing, _wanted: Collection[str] = ()) -> Collection[str]:
    """Where a row is watched, as it was judged when its version was read. Of one that is refused
    its own chain, should a person insist."""
    judged = listing.row.judged
    return judged.chains or ((judged.chain,) if judged.chain else ())


def as_written(_chain: str, address: str) -> str:
    return address


def entries(
    config: ListConfig,
    history: Sequence[Listing],
    words: Words,
    known: Iterable[Subject] = (),
    chains_of: ChainsOf = as_judged,
    spell: Spell = as_written,
) -> list[Entry]:
    """Those of one address and entity, one a chain. `history`: all that the list ever said of
    them, oldest first; what it says no more stays watched. `known`: where it is watched already,
    and stays so, whatever the settings say by now."""
    good = [each for each in history if each.row.judged.address and not refused(each, words)]
    if not config.watch or not good:
        return []
    written = {subject.chain: subject.address for subject in known}
    found: dict[str, list[Listing]] = {chain: [] for chain in written}
    for each in good:
        for chain in _chains(each, words, chains_of):
            found.setdefault(chain, []).append(each)
            written.setdefault(chain, spell(chain, each.row.judged.address or ""))
    run = _run(history)
    return [
        _entry(config, _told(rows, good), history, Subject(chain, written[chain]), run, words)
        for chain, rows in found.items()
    ]


def _told(rows: Sequence[Listing], good: Sequence[Listing]) -> Sequence[Listing]:
    """What is said now, of this chain or (of whom it names by another coin now) of another, or
    was said last."""
    for said in (rows, good):
        if now := [each for each in said if each.until_nr is None]:
            return now
    said = rows or good
    last = max(each.until_nr or 0 for each in said)
    return [each for each in said if each.until_nr == last]


def _stood(history: Iterable[Listing], told: Sequence[Listing]) -> list[Listing]:
    """What it said of them without a break until it said this."""
    found, first = [*told], min(each.from_nr for each in told)
    for each in sorted(history, key=lambda each: each.until_nr or 2**62, reverse=True):
        if each.from_nr < first <= (each.until_nr or 2**62):
            found.append(each)
            first = each.from_nr
    return found


def _run(history: Sequence[Listing]) -> int:
    """The version from which on they have stood on the list without a break, the last time."""
    first, until = 0, 0
    for each in sorted(history, key=lambda each: each.from_nr):
        if each.from_nr > until:
            first = each.from_nr
        until = max(until, each.until_nr or 2**62)
    return first


def _chains(listing: Listing, words: Words, chains_of: ChainsOf) -> Collection[str]:
    word = word_on(listing, words, "chains")
    return chains_of(listing, word.value if word and isinstance(word.value, list) else ())


def word_on(listing: Listing, words: Words, key: str) -> Word | None:
    """What was said of the address goes before what was said of the entity."""
    if not words:  # nearly always, a million times
        return None
    row = listing.row
    targets = (address_target(row.judged.address or ""), entity_target(row.published.entity.id))
    return next((words[t, key] for t in targets if (t, key) in words), None)


def address_target(address: str) -> str:
    return f"address:{address}"


def entity_target(entity: str) -> str:
    return f"entity:{entity}"


def ended(history: Sequence[Listing], words: Words) -> Word | None:
    """The word by which a person ended the watch, unless they were listed anew since then."""
    word = word_on(history[-1], words, "retired") if history else None
    return word if word is not None and word.nr >= _run(history) else None


def state(listing: Listing, nr: int, words: Words, *, watched: bool) -> RowState:
    """How a row stands beside version `nr`, which is in force. `watched`: it has an entry that
    is."""
    if listing.until_nr is not None and listing.until_nr <= nr:
        return RowState.REMOVED
    if watched:
        return RowState.WATCHED
    return RowState.REFUSED if refused(listing, words) else RowState.LISTED


def _entry(
    config: ListConfig,
    told: Sequence[Listing],
    history: Sequence[Listing],
    subject: Subject,
    run: int,
    words: Words,
) -> Entry:
    first, entity = told[0], told[0].row.published.entity
    address = first.row.judged.address or ""
    gone = first.until_nr is not None
    stood = _stood(history, told)
    since = min(each.since for each in stood)
    retired = word_on(first, words, "retired")
    over = retired is not None and retired.nr >= run
    entry = Entry(
        id=entry_id(config.name, subject, entity.id),
        subject=subject,
        label=" ".join(entity.name.split())[:_LABEL],
        case=case_of(config, entity.id),
        reason=config.reason or f"{config.title}'s list",
        source=config.title,
        tags=config.tags,
        severity=config.severity,
        direction=config.direction,
        min_amount=config.min_amount,
        tell_when=config.tell_when,
        since=config.since,
        channels=config.channels,
        incoming=config.incoming,
        retired=_retired(retired) if retired and over else "",
        title=entity.name[:_LABEL],
        origin=Origin(
            list=config.name,
            title=config.title,
            entity=entity.id,
            name=entity.name,
            programs=entity.programs,
            since=since,
            at_least=any(each.at_least for each in stood if each.since == since),
            until=max(each.until for each in told) if gone else "",
            address=address if address != subject.address else "",
        ),
    )
    return replace(entry, **_said(first, words)) if words else entry


def _retired(word: Word) -> str:
    return f'{utc_day(word.at)} {word.name} "{word.why}"'


def _said(listing: Listing, words: Words) -> dict[str, Any]:
    """What people said, as an entry holds it."""
    found = {key: word.value for key in SET if (word := word_on(listing, words, key))}
    said: dict[str, Any] = {**found}
    if "severity" in said:
        said["severity"] = Severity(said["severity"])
    if said.get("channels") is not None:
        said["channels"] = tuple(said["channels"])
    return said
