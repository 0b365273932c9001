"""`fundwatch check`: what works, what does not, and the cure, in plain words.

Sends nothing and writes nothing, so it may run beside the daemon. Online it asks every
source of every chain with an entry for its head and for the newest rows of one watched
address, and tries the channels up to the point of sending.
"""

from __future__ import annotations

import errno
import platform
import shutil
import socket
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from monitor import __version__
from monitor.app import build
from monitor.app.check import balances, channels, cost, following, prices, sources, ways
from monitor.app.check.desk import check_desk
from monitor.app.check.lists import check_list
from monitor.app.check.ours import check_ours
from monitor.app.check.probe import Probe, offers
from monitor.app.check.record import check_disk, check_record
from monitor.app.check.report import WIDTH, Bench, Report
from monitor.app.folder import check_home
from monitor.app.settings.load import load
from monitor.chains.table import streams_of
from monitor.decide.asking import among
from monitor.decide.balance_cost import cost_of_balances
from monitor.model import Subject
from monitor.model.balance import Holding
from monitor.model.errors import ConfigError, StoreError
from monitor.model.hosts import is_loopback
from monitor.model.plain import count
from monitor.model.settings import Settings
from monitor.store import balance_due, dormant, guard, sqlite
from monitor.store.schema import VERSION
from monitor.store.sqlite import Store

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
        check_home(home)
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
        f"{sqlite.ENGINE} - {home} ({free:,.0f} GB free)"
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
    bench, list_is_bad = check_list(bench)
    made = build.make_sources(
        bench.settings,
        {k: bench.settings.chains[k] for k in bench.chains},
        sources.budget_left(bench),
    )
    probes, asleep = sources.probe(bench, made), _asleep(bench)
    found = ways.find(bench, made, probes, asleep)
    sources.say(bench, made, probes, found.by_blocks)
    ways.say(bench, found)
    prices.check(bench)
    channels.check(bench)
    about = (bench.settings, bench.entries, made.by_chain)
    passes = cost.cost(*about, asleep, found.taken)
    regular = passes.a_second(bench.settings.poll_interval or passes.interval)
    for name, text in cost.facts(*about, passes, asleep, found.taken):
        out.fact(name, text)
        if name == "COST":
            out.fact("BALANCES", _balances(bench, made, asleep, regular))
            _following(bench, made, regular)
    check_ours(bench)
    for text, cure in cost.failures(*about, passes):
        out.fail(text, cure)
    for text, cure in cost.warnings(bench.settings, passes):
        out.warn(text, cure)
    code = BAD_INPUT if list_is_bad else FAILED if out.failures else GOOD
    out.fact("RESULT", _result(bench, made, probes, found, code))
    return code


def _balances(
    bench: Bench,
    made: build.Sources,
    asleep: Collection[Subject],
    regular: Mapping[str, float],
) -> str:
    """What holding addresses against their chains costs; those that never lived are left out."""
    settings, entries = bench.settings, bench.entries
    subjects = dict.fromkeys(e.subject for e in entries if e.subject not in asleep)
    asked = dict[str, list[Holding]]()
    for subject, mine in _holdings(bench, subjects).items():
        asked.setdefault(subject.chain, []).extend(mine)
    found = cost_of_balances(asked, made.by_chain, settings.sources, regular)
    return balances.words(found, len(entries), settings.chains)


def _following(bench: Bench, made: build.Sources, regular: Mapping[str, float]) -> None:
    """`regular`: calls a second that passes make, by source."""
    about = (bench.entries, made.by_chain, bench.settings.sources, regular)
    if said := following.words(*about):
        bench.out.fact("FOLLOW", said)
    for text, cure in following.warnings(*about):
        bench.out.warn(text, cure)


def _holdings(bench: Bench, subjects: Iterable[Subject]) -> Mapping[Subject, Sequence[Holding]]:
    """What each address was last asked for, as far as the record knows; its coin at least."""
    if bench.store is None or bench.store.schema() < VERSION:
        return {subject: [Holding(subject.address)] for subject in subjects}
    return balance_due.holdings(bench.store, subjects)


def _asleep(bench: Bench) -> frozenset[Subject]:
    """The watched addresses that never lived on their chain, as far as the record knows."""
    if bench.store is None or bench.store.schema() < VERSION:  # one that run is to upgrade
        return frozenset()
    known = frozenset(each.subject for each in dormant.asleep(bench.store).values())
    return known & {entry.subject for entry in bench.entries}


def _settings(bench: Bench) -> None:
    out, settings = bench.out, bench.settings
    for note in _general_notes(settings):
        out.warn(note)
    if (bench.home / ".env").exists() and not any(n.startswith(".env") for n in settings.notes):
        keys = [c.name for c in settings.sources.values() if c.api_key]
        out.ok(
            ".env can be read by this user only" + (f"; keys for {', '.join(keys)}" if keys else "")
        )
    if sqlite.engine_is_too_old():
        out.fail(f"{sqlite.ENGINE} is too old", "use a Python with 3.37 or newer")
    check_disk(bench)
    check_record(bench)
    if settings.proxies:
        out.ok(f"explorers and webhooks are reached through {cost.proxy_of(settings)}")
    if settings.ca_bundle:
        out.ok(f"certificates are checked against {settings.ca_bundle}")
    _seen_alive(bench)
    check_desk(bench, _cannot_listen)


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


def _result(
    bench: Bench, made: build.Sources, probes: Sequence[Probe], found: ways.Found, code: int
) -> str:
    out = bench.out
    wrong = f"{len(out.failures)} FAIL, {len(out.warnings)} WARN."
    full = partly = nothing = 0
    may_ask = bench.may_ask()
    alike = Counter((e.subject.chain, may_ask.get(e.subject)) for e in bench.entries)
    for (key, may), number in alike.items():
        readable = offers(among(made.by_chain.get(key, ()), may))
        if not bench.offline:
            mine = [p for p in probes if p.chain.key == key]
            readable = frozenset(
                s for p in mine if may is None or p.source.name in may for s in p.serves
            )
        readable |= found.by_blocks(key)
        missing = frozenset(streams_of(bench.settings.chains[key])) - readable
        full += 0 if missing else number
        partly += number if missing and readable else 0
        nothing += 0 if readable else number
    parts = [f"{full} of {count(len(bench.entries), 'entry', 'entries')} can be read fully"]
    parts += [f"{partly} partly"] if partly else []
    parts += [f"{nothing} not at all"] if nothing else []
    tried = " (by the settings; nothing was asked)" if bench.offline else ""
    first = f" First cure: {out.failures[0]}" if out.failures else ""
    return f"{wrong} {', '.join(parts)}{tried}.{first}  (exit {code})"
