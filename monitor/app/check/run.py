"""`fundwatch check`: what works, what does not, and the cure, in plain words.

Sends nothing and writes nothing, so it may run beside the daemon. Online it asks every
source of every chain with an entry for its head and for the newest rows of one watched
address, and tries the channels up to the point of sending.
"""

from __future__ import annotations

import errno
import os
import platform
import shutil
import socket
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import available_timezones

from monitor import __version__
from monitor.app import fundwatch
from monitor.app.check import channels, cost, prices, sources
from monitor.app.check.probe import Probe, offers
from monitor.app.check.report import WIDTH, Bench, Report, lines_of
from monitor.app.check.sources import day_of
from monitor.app.settings.load import Settings, load
from monitor.loops.health import status
from monitor.loops.health.words import count
from monitor.model import ChannelConfig, Entry, Severity
from monitor.model.errors import ConfigError, Problem, StoreError
from monitor.model.plain import duration
from monitor.net.wire import is_loopback
from monitor.store import guard, journal, watch
from monitor.store.schema import VERSION
from monitor.store.sqlite import Store
from monitor.watchlist import entries as watchlist

OLDEST_SQLITE = (3, 37)  # STRICT tables
LEAST_DISK = 0.05  # of the disk that should be free
BACKUP_EVERY = 7 * 86_400
GOOD, FAILED, BAD_INPUT = 0, 1, 2


def run(
    home: Path,
    environ: Mapping[str, str],
    *,
    offline: bool,
    now: int,
    write: Callable[[str], None],
    width: int = WIDTH,
) -> int:
    """Check a home folder, writing lines as they come. Returns the exit code: 0 nothing
    fails, 1 something does, 2 the settings or the watchlist hold mistakes."""
    out = Report(write, width)
    out.fact("Fundwatch", _headline(home))
    out.section("SETTINGS")
    try:
        fundwatch.check_home(home)
        settings = load(home, environ)
    except ConfigError as error:
        for problem in error.problems:
            out.fail(str(problem))
        out.note("watchlist, sources and channels were not looked at: correct this first")
        out.fact("RESULT", f"{len(out.failures)} FAIL. It cannot run.  (exit {BAD_INPUT})")
        return BAD_INPUT
    store = _open(home, out)
    try:
        return _check(Bench(home, settings, (), store, offline, now, out))
    finally:
        if store is not None:
            store.close()


def _headline(home: Path) -> str:
    free = shutil.disk_usage(home).free / 1e9 if home.is_dir() else 0
    return (
        f" {__version__} - Python {platform.python_version()} - "
        f"SQLite {sqlite3.sqlite_version} - {home} ({free:,.0f} GB free)"
    )


def _open(home: Path, out: Report) -> Store | None:
    path = home / guard.DATABASE
    if not path.exists():
        return None
    try:
        return Store(path, readonly=True)
    except StoreError as error:
        out.fail(str(error))
        return None


def _check(bench: Bench) -> int:
    out = bench.out
    _settings(bench)
    bench, list_is_bad = _watchlist(bench)
    made = fundwatch.make_sources(
        bench.settings,
        {k: bench.settings.chains[k] for k in bench.chains},
        sources.budget_left(bench),
    )
    probes = sources.check(bench, made)
    prices.check(bench)
    channels.check(bench)
    for name, text in cost.facts(bench.settings, bench.entries, made.by_chain):
        out.fact(name, text)
    for text, cure in cost.failures(bench.settings, bench.entries, made.by_chain):
        out.fail(text, cure)
    for text, cure in cost.warnings(bench.settings, bench.entries, made.by_chain):
        out.warn(text, cure)
    code = BAD_INPUT if list_is_bad else FAILED if out.failures else GOOD
    out.fact("RESULT", _result(bench, made, probes, code))
    return code


# -- settings ----------------------------------------------------------------------------


def _settings(bench: Bench) -> None:
    out, settings = bench.out, bench.settings
    for note in _general_notes(settings):
        out.warn(note)
    if (bench.home / ".env").exists() and not any(n.startswith(".env") for n in settings.notes):
        keys = [c.name for c in settings.sources.values() if c.api_key]
        out.ok(
            ".env can be read by this user only" + (f"; keys for {', '.join(keys)}" if keys else "")
        )
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        out.fail(f"SQLite {sqlite3.sqlite_version} is too old", "use a Python with 3.37 or newer")
    _disk(bench)
    _database(bench)
    if settings.proxies:
        out.ok(f"explorers and webhooks are reached through {cost.proxy_of(settings)}")
    if settings.ca_bundle:
        out.ok(f"certificates are checked against {settings.ca_bundle}")
    _seen_alive(bench)


def _seen_alive(bench: Bench) -> None:
    """Whether anybody notices when all of this ends, and who can reach what it serves."""
    out, settings = bench.out, bench.settings
    if not settings.heartbeat_url:
        cure = "write  heartbeat_url  into config/settings.yaml"
        out.warn("no heartbeat: nobody is told when this machine dies", cure)
    if settings.listen is None:
        return
    host, port = settings.listen
    taken = "" if guard.runs(bench.home) else _cannot_listen(host, port)
    if taken:
        out.fail(
            f"listen: {host}:{port} cannot be listened on ({taken}); run would not start",
            "choose a free port of this machine, or end the program that holds it",
        )
    if is_loopback(host) and taken:
        return
    if is_loopback(host):
        what = "health, metrics and links" if settings.public_url else "health and metrics"
        out.ok(f"{what} are served on {host}:{port}, for this machine only")
    else:
        out.warn(
            f"{host}:{port} can be reached from other machines, without login and TLS",
            "listen on 127.0.0.1, and put a proxy before it that has both",
        )


def _cannot_listen(host: str, port: int) -> str:
    """Why nothing can listen there, or nothing; the port is free again afterwards."""
    try:
        for family, *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            socket.create_server((str(address[0]), port), family=family).close()
    except OSError as error:
        busy = error.errno == errno.EADDRINUSE
        return "another program holds it" if busy else error.strerror or str(error)
    return ""


def _general_notes(settings: Settings) -> list[str]:
    return [n for n in settings.notes if n.startswith((".env", "config/"))]


def _disk(bench: Bench) -> None:
    usage = shutil.disk_usage(bench.home)
    if usage.free < LEAST_DISK * usage.total:
        left = f"{usage.free / 1e9:,.1f} GB"
        bench.out.warn(
            f"only {left} of the disk are free", "make room: a full disk stops recording"
        )
    if not os.access(bench.home, os.W_OK):
        bench.out.fail("this user may not write to the folder", "change its owner or mode")


def _database(bench: Bench) -> None:
    out, store = bench.out, bench.store
    if store is None:
        if not (bench.home / guard.DATABASE).exists():
            out.note(f"{guard.DATABASE} is not there yet; the first poll or run makes it")
        return
    version = store.read("PRAGMA user_version")[0][0]
    for each in (store.path, bench.home / guard.LOCK):
        if guard.is_readable_by_others(each):
            cure = f"chmod 600 {each}"
            out.warn(f"{each.name} can be read by other users of this machine", cure)
    size = f"{store.path.stat().st_size / 1e6:,.1f} MB"
    if version < VERSION:
        out.warn(
            f"database schema {version}, {size}; the next run raises it to {VERSION}",
            "make a backup first: fundwatch backup FILE",
        )
    else:
        out.ok(f"database schema {version}, opened, {size}")
    backed_up = status.last_backup(store)
    movements = store.read("SELECT EXISTS (SELECT 1 FROM transfer)")[0][0]
    if backed_up is not None and bench.now - backed_up <= BACKUP_EVERY:
        out.ok(f"last backup {duration(bench.now - backed_up)} ago")
    elif movements:
        age = "never" if backed_up is None else f"{duration(bench.now - backed_up)} ago"
        out.warn(f"last backup: {age}", "fundwatch backup FILE, best daily")


# -- watchlist ---------------------------------------------------------------------------


def _without_list(bench: Bench, error: OSError) -> Bench:
    why = f"cannot be read ({error.strerror or error}); what was taken before stays watched"
    remedy = "Put it back, or make an empty one with `fundwatch init`"
    bench.out.fail(str(Problem(fundwatch.WATCHLIST, "", why, remedy)))
    known = watch.all_entries(bench.store) if bench.store else []
    kept = [w.entry for w in known if w.active and w.entry.subject.chain in bench.settings.chains]
    return replace(bench, entries=tuple(kept))


def _watchlist(bench: Bench) -> tuple[Bench, bool]:
    """The bench with the entries in force, and whether the file holds mistakes."""
    out, settings = bench.out, bench.settings
    out.section("WATCHLIST")
    try:
        data = (bench.home / fundwatch.WATCHLIST).read_bytes()
    except OSError as error:
        return _without_list(bench, error), True
    parsed = watchlist.parse(
        data,
        settings.chains,
        fundwatch.WATCHLIST,
        channels=list(settings.channels),
        assets=list(settings.assets.values()),
        timezones=available_timezones(),
    )
    for problem in parsed.problems:
        out.fail(str(problem))
    live = [e for e in parsed.entries if not e.retired]
    stored = [w.entry for w in watch.all_entries(bench.store) if w.active] if bench.store else []
    named = {e.id for e in parsed.entries}
    kept = [e for e in stored if e.id not in named and e.subject.chain in settings.chains]
    bench = replace(bench, entries=(*live, *kept))
    cases, chains = len({e.case for e in live if e.case}), len(bench.chains)
    if live:
        out.ok(
            f"{count(len(live), 'entry', 'entries')}, {count(cases, 'case', 'cases')}, "
            f"{count(chains, 'chain', 'chains')}; {len(settings.assets)} verified tokens known"
        )
    elif not parsed.problems:
        out.warn("the list is empty: nothing is watched", "add an address to watchlist.yaml")
    gone = [e for e in kept if e.id not in parsed.refused]
    if gone:
        ids = ", ".join(e.id for e in gone)
        out.warn(
            f"no longer in the file, still watched: {ids}",
            "fundwatch watchlist retire ENTRY, or put them back",
        )
    _remarks(bench, live)
    _held_back(bench)
    return bench, bool(parsed.problems)


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
    )
    for found, text, cure in asked:
        if found:
            bench.out.warn(f"{lines_of([e.line for e in found])}: {text}", cure)
    deaf = [e for e in entries if settings.channels and not _told(e, settings)]
    if deaf:
        bench.out.fail(
            f"{lines_of([e.line for e in deaf])}: no channel is told of these addresses",
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


def _held_back(bench: Bench) -> None:
    if bench.store is None:
        return
    subjects = {e.subject.key: e for e in bench.entries if not e.busy}
    for incident in journal.incident_list(bench.store, open_only=True):
        entry = subjects.get(incident.signal.key.removeprefix("busy:"))
        if entry is not None:
            bench.out.warn(
                f"line {entry.line}: {entry.subject.address} has over 100,000 movements, it "
                "looks like a service; its history is held back",
                "confirm with  busy: yes",
            )


# -- result ------------------------------------------------------------------------------


def _result(bench: Bench, made: fundwatch.Sources, probes: Sequence[Probe], code: int) -> str:
    out = bench.out
    wrong = f"{len(out.failures)} FAIL, {len(out.warnings)} WARN."
    full = partly = nothing = 0
    for key in bench.chains:
        readable = offers(made.by_chain.get(key, ()))
        if not bench.offline:
            readable = frozenset(s for p in probes if p.chain.key == key for s in p.serves)
        missing = frozenset(bench.settings.chains[key].streams) - readable
        number = len(bench.on(key))
        full += 0 if missing else number
        partly += number if missing and readable else 0
        nothing += 0 if readable else number
    parts = [f"{full} of {count(len(bench.entries), 'entry', 'entries')} can be read fully"]
    parts += [f"{partly} partly"] if partly else []
    parts += [f"{nothing} not at all"] if nothing else []
    tried = " (by the settings; nothing was asked)" if bench.offline else ""
    first = f" First cure: {out.failures[0]}" if out.failures else ""
    return f"{wrong} {', '.join(parts)}{tried}.{first}  (exit {code})"
