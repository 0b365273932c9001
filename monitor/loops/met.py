"""A version of a published list is held against what is recorded already: addresses that it names
anew, with which watched ones have dealt before, are told once. Without a call."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from monitor.chains.address import display
from monitor.loops.list_news import say
from monitor.loops.morning_words import notice
from monitor.loops.router import Router
from monitor.messages.spreadsheet import csv_line
from monitor.model import Chain, Severity
from monitor.model.facts import Report
from monitor.model.ids import stable_id
from monitor.model.lists import ListConfig
from monitor.model.plain import count, plural, quoted, rfc3339, tidy, utc
from monitor.model.settings import Settings
from monitor.store import first_read, listing, notes, ours
from monitor.store.met import Met, met
from monitor.store.port import Store

log = logging.getLogger("fundwatch.lists")

NAMED = 20  # addresses that the mail names
ROWS_MOST = 2000  # in the attached file


def tell(store: Store, router: Router, settings: Settings, now: int) -> None:
    """Compare what was taken since the last time. Of our own lists loops/touching.py tells."""
    for name, config in settings.lists.items():
        newest = 0 if config.ours else listing.newest_nr(store, name)
        compared = int(notes.get_note(store, f"met:{name}") or 0)
        if newest <= compared:
            continue
        versions = range(compared + 1, newest + 1)
        found = [m for nr in versions for m in met(store, name, nr, settings.assets.keys())]
        found = found if config.watch else _without_ours(store, settings, found)
        alert_id = stable_id("N", "list met", name, str(newest))
        if found and alert_id not in first_read.told(store, [alert_id]):
            report = _report(found, settings.chains, name)
            alert = notice(alert_id, Severity.MEDIUM, _title(config, found), _TOPIC, report, now)
            say(store, router, alert, now)
        notes.put_note(store, f"met:{name}", str(newest))


def _without_ours(store: Store, settings: Settings, found: Sequence[Met]) -> list[Met]:
    """Whom nobody watches and is our own is shown to nobody, and told by loops/touching.py."""
    titles = {name: each.title for name, each in settings.lists.items() if each.ours}
    mine = ours.labels(store, titles, {each.address for each in found})
    return [each for each in found if each.address not in mine]


_TOPIC = "a list names addresses that are recorded already"


def _title(config: ListConfig, found: Sequence[Met]) -> str:
    who = count(len({each.address for each in found}), "address", "addresses")
    whose = f"{tidy(config.title, 40)}'s list"
    return f"{whose} names {who} with which watched addresses have dealt before."


def _report(found: Sequence[Met], chains: Mapping[str, Chain], name: str) -> Report:
    by: dict[tuple[str, str, str], list[Met]] = defaultdict(list)
    for each in found:
        by[each.chain, each.address, each.entity].append(each)
    lines = [_line(each, chains) for each in [*by.values()][:NAMED]]
    if len(by) > NAMED:
        lines.append(f"And {len(by) - NAMED:,} more.")
    what = "Recorded movements of value, newest first; no explorer was asked for this."
    see = "See  fundwatch transfers --address ADDRESS"
    sections = (("RECORDED ALREADY", (what, *lines)), ("WHAT TO DO", (see,)))
    return Report(sections, file="".join(_file(found, name)))


def _line(mine: Sequence[Met], chains: Mapping[str, Chain]) -> str:
    first = mine[0]
    chain = chains.get(first.chain)
    spelt = display(chain, first.address) if chain else first.address
    whom = " ".join(filter(None, [tidy(first.entity, 40), quoted(first.name, 60)]))
    moved = plural(sum(each.count for each in mine), "movement")
    others = count(len({each.other for each in mine}), "watched address", "watched addresses")
    last = max(each.last or 0 for each in mine)
    when = f", the last on {utc(last)}" if last else ""
    on = chain.name if chain else first.chain
    return f"{spelt} on {on} ({whom}): {moved} with {others}{when}."


def _file(found: Sequence[Met], name: str) -> Iterator[str]:
    yield csv_line(
        ("chain", "address", "entity_id", "entity", "watched", "contract", "movements", "last")
    )
    for m in found[:ROWS_MOST]:
        last = rfc3339(m.last) or ""
        yield csv_line(
            (m.chain, m.address, m.entity, m.name, m.other, m.contract or "", m.count, last)
        )
    if len(found) > ROWS_MOST:
        yield csv_line((f"{len(found) - ROWS_MOST} more of list {name}", *[""] * 7))
