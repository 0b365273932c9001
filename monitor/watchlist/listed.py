"""Rows of a published list, and what people said of them -> the entries that are watched. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from monitor.model import Entry, Origin, Severity, Subject
from monitor.model.dates import utc_day
from monitor.model.ids import stable_id
from monitor.model.lists import ENTITY, ListConfig, Listing, Word

Words = Mapping[tuple[str, str], Word]  # the newest on each (target, key)
_LABEL = 120  # characters
_CASE = 40
_ID = re.compile(r"[\w#/-]+\Z", re.ASCII)


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
        short = re.sub(r"[^\w#-]+", "-", entity, flags=re.ASCII)[:12]
        digest = hashlib.sha256(entity.encode("utf-8", "replace")).hexdigest()[:8]
        return config.case.replace(ENTITY, f"{short}-{digest}")[:_CASE]
    return config.case.replace(ENTITY, "").strip(" -_/.#") or config.title


def refused(listing: Listing, words: Words) -> bool:
    """Whether a rule keeps a row from being watched, and no person insists."""
    return bool(listing.row.judged.rule) and not _word(listing, words, "insist")


def entries(
    config: ListConfig, history: Sequence[Listing], words: Words, since: str = ""
) -> list[Entry]:
    """Those of one address and entity, one a chain. `history`: all that the list ever said of
    them, oldest first; what it says no more stays watched. `since`: from when on the history of
    entries is read that nobody has said yes to."""
    now = [each for each in history if each.until_nr is None]
    last = max((each.until_nr or 0 for each in history), default=0)
    told = now or [each for each in history if each.until_nr == last]
    good = [each for each in told if each.row.judged.address and not refused(each, words)]
    if not config.watch or not good:
        return []
    first = good[0].row
    origin = Origin(
        list=config.name,
        title=config.title,
        entity=first.published.entity.id,
        name=first.published.entity.name,
        programs=first.published.entity.programs,
        since=min(each.since for each in good),
        at_least=any(each.at_least for each in good),
        until="" if now else max(each.until for each in good),
    )
    chains = dict.fromkeys(chain for each in good for chain in _chains(each, words))
    return [
        _entry(config, each, Subject(c, address), origin, words, since)
        for c in chains
        for each in good[:1]
        if (address := each.row.judged.address)
    ]


def _chains(listing: Listing, words: Words) -> Sequence[str]:
    word = _word(listing, words, "chains")
    return word.value if word and isinstance(word.value, list) else listing.row.judged.chains


def _word(listing: Listing, words: Words, key: str) -> Word | None:
    """What was said of the address goes before what was said of the entity."""
    row = listing.row
    targets = (f"address:{row.judged.address}", f"entity:{row.published.entity.id}")
    return next((words[t, key] for t in targets if (t, key) in words), None)


def _entry(
    config: ListConfig,
    listing: Listing,
    subject: Subject,
    origin: Origin,
    words: Words,
    since: str,
) -> Entry:
    said: dict[str, Any] = {}
    for key in ("severity", "incoming", "min_amount", "channels", "busy"):
        word = _word(listing, words, key)
        said |= {} if word is None else {key: word.value}
    retired = _word(listing, words, "retired")
    ended = retired is not None and retired.at >= listing.from_at
    entry = Entry(
        id=entry_id(config.name, subject, origin.entity),
        subject=subject,
        label=" ".join(origin.name.split())[:_LABEL],
        case=case_of(config, origin.entity),
        reason=config.reason or f"{config.title}'s list",
        source=config.title,
        tags=config.tags,
        severity=config.severity,
        direction=config.direction,
        min_amount=config.min_amount,
        tell_when=config.tell_when,
        since=since or config.since,
        channels=config.channels,
        incoming=config.incoming,
        retired=f'{utc_day(retired.at)} {retired.name} "{retired.why}"'
        if retired and ended
        else "",
        title=origin.name[:_LABEL],
        origin=origin,
    )
    if "severity" in said:
        said["severity"] = Severity(said["severity"])
    if said.get("channels") is not None:
        said["channels"] = tuple(said["channels"])
    return replace(entry, **said)
