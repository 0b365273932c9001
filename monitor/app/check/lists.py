"""What `fundwatch check` says of the watchlist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from monitor.app.check.record import check_held_back
from monitor.app.check.report import Bench, places_of
from monitor.app.check.sources import day_of
from monitor.loops.clock import timezones
from monitor.model import ChannelConfig, Entry, Severity
from monitor.model.errors import Problem
from monitor.model.plain import count, plural
from monitor.model.settings import Settings
from monitor.store import listing, watch
from monitor.watchlist import file, held
from monitor.watchlist.entries import parse

NAMED_MOST = 20  # entries


def _without_list(bench: Bench, error: OSError) -> Bench:
    why = f"cannot be read ({error.strerror or error}); what was taken before stays watched"
    remedy = "Put it back, or make an empty one with `fundwatch init`"
    bench.out.fail(str(Problem(file.WATCHLIST, "", why, remedy)))
    known = watch.all_entries(bench.store) if bench.store else []
    kept = [w.entry for w in known if w.active and w.entry.subject.chain in bench.settings.chains]
    return replace(bench, entries=tuple(kept))


def check_list(bench: Bench) -> tuple[Bench, bool]:
    """The bench with the entries in force, and whether the file holds mistakes."""
    out, settings = bench.out, bench.settings
    out.section("WATCHLIST")
    try:
        data = (bench.home / file.WATCHLIST).read_bytes()
    except OSError as error:
        return _without_list(bench, error), True
    parsed = parse(
        data,
        settings.chains,
        file.WATCHLIST,
        channels=list(settings.channels),
        assets=list(settings.assets.values()),
        timezones=timezones(),
        sources=settings.written_sources,
    )
    for problem in parsed.problems:
        out.fail(str(problem))
    live = [e for e in parsed.entries if not e.retired]
    stored = [w.entry for w in watch.all_entries(bench.store) if w.active] if bench.store else []
    named = {e.id for e in parsed.entries}
    unnamed = [e for e in stored if e.id not in named and e.subject.chain in settings.chains]
    kept = [e for e in unnamed if e.origin is None]
    published = [e for e in unnamed if e.origin is not None]
    bench = replace(bench, entries=(*live, *unnamed))
    cases, chains = len({e.case for e in live if e.case}), len(bench.chains)
    if live:
        out.ok(
            f"{count(len(live), 'entry', 'entries')}, {count(cases, 'case', 'cases')}, "
            f"{count(chains, 'chain', 'chains')}; {len(settings.assets)} verified tokens known"
        )
    elif not parsed.problems and published:
        out.note("the file names no address; what published lists name is watched")
    elif not parsed.problems:
        out.warn("the list is empty: nothing is watched", "add an address to watchlist.yaml")
    gone = [e for e in kept if e.id not in parsed.refused]
    if gone:
        ids = ", ".join(e.id for e in gone[:NAMED_MOST])
        ids += f" and {len(gone) - NAMED_MOST:,} more" if len(gone) > NAMED_MOST else ""
        out.warn(
            f"no longer in the file, still watched: {ids}",
            "fundwatch watchlist retire ENTRY, or put them back",
        )
    _published(bench, published)
    _remarks(bench, live)
    check_held_back(bench)
    return bench, bool(parsed.problems)


def _published(bench: Bench, entries: Sequence[Entry]) -> None:
    """Writes the section LISTS: what is watched of each published list that is in use."""
    lists, store = bench.settings.lists, bench.store
    if not lists and not entries:
        return
    bench.out.section("LISTS (how each stands: fundwatch lists status)")
    counts = Counter(e.origin.list for e in entries if e.origin)
    for name, config in lists.items():
        taken = listing.newest(store, name) if store else None
        if taken is None:
            cure = f"fundwatch lists update {name}, or with  --file FILE  of {config.url or name}"
            bench.out.warn(f"{name}: no version of it was taken yet, nothing of it is known", cure)
            continue
        watched = f"{count(counts[name], 'entry', 'entries')} watched" if config.watch else "kept"
        refused = sum(taken.refused.values())
        bench.out.ok(f"{name}: of {taken.day}, {plural(taken.rows, 'row')}, {watched}, {refused:,} "
                     "refused")  # fmt: skip
    for name in sorted(set(counts) - set(lists)):
        cure = "name it there again; or retire what is not to be watched: fundwatch lists retire"
        said = count(counts[name], "entry is", "entries are")
        bench.out.warn(f"{name} is no list of config/lists.yaml: {said} still watched", cure)


def _remarks(bench: Bench, entries: Sequence[Entry]) -> None:
    """Lines that are right, and may not do what somebody expects."""
    today = datetime.fromtimestamp(bench.now, UTC).date()
    settings = bench.settings
    asked = (
        (
            [e for e in entries if e.direction == "in"],
            "direction: in - what leaves the address only comes in the daily mail",
            "write  direction: both  if you want to hear of it at once",
        ),
        (
            [e for e in entries if (day := day_of(e.since)) is not None and day > today],
            "since lies in the future - no history is read before it",
            "correct the day if older movements matter",
        ),
        (
            [e for e in entries if e.severity is Severity.LOW and not _daily(e, settings)],
            "severity: low comes in the daily message, and no channel for the desk is told",
            "add a channel for the desk, or another severity",
        ),
        (
            [e for e in entries if held.is_over(e, bench.now)],
            "planned: its last day is over - whatever leaves is severe",
            "delete the line, or correct its  until:",
        ),
    )
    for found, text, cure in asked:
        if found:
            bench.out.warn(f"{places_of(found)}: {text}", cure)
    deaf = [e for e in entries if settings.channels and not _told(e, settings)]
    if deaf:
        bench.out.fail(
            f"{places_of(deaf)}: no channel is told of these addresses",
            "write  audience: desk  into a channel of config/channels.yaml",
        )


def _told(entry: Entry, settings: Settings) -> list[ChannelConfig]:
    """The channels that are told of an entry's movements."""
    if entry.channels is not None:
        return [settings.channels[n] for n in entry.channels if n in settings.channels]
    return [c for c in settings.channels.values() if "desk" in c.audience]


def _daily(entry: Entry, settings: Settings) -> bool:
    told = _told(entry, settings)
    return any(c.machine or "desk" in c.audience for c in told)
