"""`fundwatch init --lists`: published lists are watched from the first minute, and what that means
is said before anything runs: how many addresses, what a round of reading costs, how old news is."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.app import build
from monitor.app.check import cost
from monitor.app.check.privacy import BySource
from monitor.app.home import open_home
from monitor.app.settings.load import load, shipped_config
from monitor.decide.cost import Cost
from monitor.loops.list_watch import Wish
from monitor.loops.lists import FOLDER
from monitor.model import Entry, Severity
from monitor.model.acts import Actor
from monitor.model.errors import ConfigError, Problem, SourceError
from monitor.model.lists import Fetched, ListConfig, Listing, Publication, Validators
from monitor.model.plain import count, duration, plural, tidy
from monitor.model.settings import Settings
from monitor.store import listing
from monitor.store.staging import key_of
from monitor.watchlist import listed, yaml_nodes
from monitor.watchlist.imports.judge import Judge
from monitor.watchlist.imports.lists import Preamble, reader
from monitor.watchlist.imports.poison import all_poison
from monitor.watchlist.yaml_nodes import Fields, Notes

LISTS = "config/lists.yaml"
EXAMPLES = 3  # refused rows that are shown for each rule
RULES = 12  # rules that are named
_HEAD = """\
# Published lists in use: each is named here, and its keys go over those of the shipped table.
# What a list may say: docs/settings.md. How each stands: `fundwatch lists status`.

lists:
"""
_INDENT = " " * 10
NOT_HAD = f"{'missing':<10}"  # a line begins so where a list could not be had


@dataclass(frozen=True, slots=True)
class Had:
    """A list of which there is a file; what it comes to, before anything is taken of it."""

    config: ListConfig
    fetched: Fetched
    entries: Sequence[Entry]


def begin(
    home: Path, environ: Mapping[str, str], names: Sequence[str], file: Path | None, by: Actor
) -> Iterator[str]:
    """Put lists into use in a home folder that `setup.init` has made, and take them. Yields
    lines to show.

    `names`: rows of the shipped table or of the folder's own. `file`: what to take of the one
    list that is named, instead of fetching it. Raises ConfigError, also where it cannot be read;
    then the list is in use, and nothing of it is taken.
    """
    if file is not None and len(names) != 1:
        remedy = "Name one list, or leave --file out"
        raise ConfigError([Problem("--file", str(file), "is the file of one list", remedy)])
    fresh = _name(home, names)
    yield f"{'created' if fresh else 'kept':<10}{LISTS:<22}  ({', '.join(names)})"
    settings = load(home, environ)
    had: list[Had] = []
    for name in names:
        config = settings.lists[name]
        path = file or config.file
        try:
            fetched = _file(path) if path is not None else _fetch(settings, config)
        except SourceError as error:
            yield from _not_had(home, config, str(error))
            continue
        had.append(_look(settings, config, fetched))
    entries = [entry for each in had for entry in each.entries]
    found = cost.cost(settings, entries, _asked(settings, entries))
    slow = _too_slow(settings, had, found)
    if slow and fresh:
        write(home, names, {name: why for name, (_, why) in slow.items()})
    with open_home(home, environ) as app:
        app.reload()
        for each in had:
            wish = Wish(by, (each.config.name,), str(each.fetched.path))
            (result,) = app.following.update(wish)
            version = listing.newest(app.store, each.config.name)
            if result.code or version is None:
                yield f"{NOT_HAD}{result.said}"
                continue
            rows = listing.at_version(app.store, version.list, version.nr)
            yield from _taken(each, version, rows)
            _coming(home, each.config).unlink(missing_ok=True)
    if had:
        yield from _means(settings, entries, found, environ)
    for name, (limit, why) in slow.items():
        wrote = f"severity: medium  is written into {LISTS}" if fresh else limit
        yield f"{'slower':<10}{name}: {wrote}. {why}"


# -- the file that names them -------------------------------------------------------------------


def _name(home: Path, names: Sequence[str]) -> bool:
    """Name lists in the folder's own file; whether it was made for that. One that is there is
    never changed."""
    path = home / LISTS
    own = _rows(path, LISTS)
    known = {*_rows(shipped_config() / "lists.yaml", LISTS), *own}
    problems = []
    for name in names:
        if name not in known:
            near = yaml_nodes.closest(name, known)
            remedy = f"Did you mean {near}?" if near else f"Known: {', '.join(sorted(known))}"
            problems.append(Problem("--lists", name, "is no list that is known", remedy))
        elif path.exists() and name not in own:
            why = f"is not named in {LISTS}, which is there already"
            remedy = f'Add a line  "  {name}:"  below  lists:  there, then run this again'
            problems.append(Problem("--lists", name, why, remedy))
    if problems:
        raise ConfigError(problems)
    if path.exists():
        return False
    write(home, names, {})
    return True


def _rows(path: Path, shown: str) -> list[str]:
    """The names of the lists in a file; none where it is not there or no such file."""
    if not path.is_file():
        return []
    root = yaml_nodes.read(path.read_bytes(), shown, Notes())
    rows = root.get("lists") if isinstance(root, Fields) else None
    return [key.text for key, _ in rows.pairs] if isinstance(rows, Fields) else []


def write(home: Path, names: Sequence[str], slow: Mapping[str, str]) -> None:
    """`slow`: why a list's severity is medium."""
    rows = []
    for name in names:
        rows.append(f"  {name}:\n")
        if why := slow.get(name):
            rows += [f"    # {line}\n" for line in why.split(". ") if line]
            rows.append("    severity: medium\n")
    (home / LISTS).write_text(_HEAD + "".join(rows), "utf-8")


# -- what a list comes to -----------------------------------------------------------------------


def _file(path: Path) -> Fetched:
    try:
        with path.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        return Fetched(path, sha256, path.stat().st_size, path.name)
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
        raise ConfigError([Problem("--file", str(path), why, "Check the path")]) from None


def _coming(home: Path, config: ListConfig) -> Path:
    return home / FOLDER / config.name / "first"


def _fetch(settings: Settings, config: ListConfig) -> Fetched:
    """The file that the publisher hands out now. Raises SourceError where it cannot be had."""
    into = _coming(settings.home, config)
    into.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fetched = build.list_fetch(settings)(config, into, Validators(), lambda _size: None)
    if fetched is None:
        raise SourceError("it answered that nothing has changed")
    return fetched


def _not_had(home: Path, config: ListConfig, why: str) -> Iterator[str]:
    """Without network: which file to bring, and the command that takes it."""
    yield f"{NOT_HAD}{config.name}: could not be had ({why.rstrip('.')})"
    yield f"{_INDENT}Get it with another machine: {config.url}"
    yield f"{_INDENT}then  fundwatch --home {home} lists update {config.name} --file FILE"


def _look(settings: Settings, config: ListConfig, fetched: Fetched) -> Had:
    """Which entries the file would make. Raises ConfigError where it cannot be read."""
    if not config.watch:
        return Had(config, fetched, ())
    judge, found = Judge(settings.chains, config.chains, all_poison(settings)), dict[str, Entry]()
    with fetched.path.open("rb") as file:
        for published in reader(config.kind)(file, fetched.name, Preamble()):
            row = judge.row(published)
            history = [Listing(config.name, key_of(row), row, 1, None, published.since, False)]
            for entry in listed.entries(config, history, {}):
                found[entry.id] = entry
    return Had(config, fetched, tuple(found.values()))


def _asked(settings: Settings, entries: Sequence[Entry]) -> BySource:
    used = {entry.subject.chain for entry in entries}
    chains = {key: chain for key, chain in settings.chains.items() if key in used}
    return build.make_sources(settings, chains, None).by_chain


def _pace(settings: Settings, found: Cost) -> int:
    """Seconds of a round."""
    return max(settings.poll_interval or found.interval, int(found.least_seconds))


def _too_slow(settings: Settings, had: Sequence[Had], found: Cost) -> dict[str, tuple[str, str]]:
    """Lists whose severity a round is too long for: (what to write, why)."""
    pace, slow = _pace(settings, found), {}
    limits = {Severity.SEVERE: settings.round_severe, Severity.HIGH: settings.round_high}
    for each in had:
        severity = each.config.severity
        if each.entries and pace > limits.get(severity, pace):
            why = (
                f"A round of reading takes {duration(pace)}, and for severity {severity.value} it "
                f"may take {duration(limits[severity])} (`fundwatch check`). What leaves is told "
                "at once all the same. With a shorter round delete the line  severity: medium"
            )
            slow[each.config.name] = (f"write  severity: medium  into {LISTS}", why)
    return slow


# -- what is said of it -------------------------------------------------------------------------


def _taken(had: Had, taken: Publication, rows: Iterable[Listing]) -> Iterator[str]:
    """The version, and what of it cannot be watched and why."""
    config = had.config
    good = taken.rows - sum(taken.refused.values())
    yield (
        f"{'list':<10}{config.name}: {config.title}, of {taken.day}, sha256 {taken.sha256}, "
        f"{taken.bytes:,} bytes"
    )
    addresses, chains = len({e.subject for e in had.entries}), _chains(had.entries)
    watched = f"watched on {chains}" if had.entries else "kept and compared, not watched"
    yield f"{_INDENT}{plural(taken.rows, 'row')}: {good:,} can be read, {watched}" + (
        f" ({count(addresses, 'address', 'addresses')})" if had.entries else ""
    )
    yield from (f"{_INDENT}note: {each}" for each in taken.remarks)
    bad = sum(taken.refused.values())
    if not bad:
        return
    yield f"{_INDENT}{bad:,} cannot be watched; `fundwatch lists rows {config.name}` has them all:"
    shown: dict[str, list[Listing]] = {rule: [] for rule in taken.refused}
    for each in rows:
        some = shown.get(each.row.judged.rule)
        if some is not None and len(some) < EXAMPLES:
            some.append(each)
    ordered = sorted(taken.refused.items(), key=lambda item: -item[1])
    for rule, number in ordered[:RULES]:
        said = ", ".join(tidy(each.row.published.address, 44) for each in shown[rule])
        yield f"{_INDENT}  {number:>5,}  {rule}: {said}{' ...' if number > EXAMPLES else ''}"
    if len(ordered) > RULES:
        yield f"{_INDENT}  and {len(ordered) - RULES:,} more reasons"


def _chains(entries: Sequence[Entry]) -> str:
    counts = Counter(entry.subject.chain for entry in entries)
    return ", ".join(f"{chain} {number:,}" for chain, number in counts.most_common())


def _means(
    settings: Settings, entries: Sequence[Entry], found: Cost, environ: Mapping[str, str]
) -> Iterator[str]:
    """What a round costs, how old news will be, what is not read, and the one cheapest cure."""
    made = _asked(settings, entries)
    yield f"{'cost':<10}{cost.words(settings, found)}"
    blind = [entry for entry in entries if not made.get(entry.subject.chain)]
    if blind:
        yield f"{_INDENT}Not read, for no source is in service there: {_chains(blind)}."
    yield f"{'cure':<10}{_cure(settings, entries, environ, len(blind), found)}"


def _cure(
    settings: Settings,
    entries: Sequence[Entry],
    environ: Mapping[str, str],
    blind: int,
    found: Cost,
) -> str:
    """Of the keys that are not set the one that brings most: addresses first, then pace."""
    best, words, before = (0, 0), "", _pace(settings, found)
    for name in settings.keys_wanted:
        better = load(settings.home, {**environ, name: "not a key"})
        made = _asked(better, entries)
        still = sum(not made.get(entry.subject.chain) for entry in entries)
        pace = _pace(better, cost.cost(better, entries, made))
        gain = (blind - still, before - pace)
        if gain > best:
            best = gain
            reads = f"{count(gain[0], 'address', 'addresses')} more can be read" if gain[0] else ""
            faster = f"a round takes {duration(pace)} instead of {duration(before)}"
            said = [reads, faster if pace < before else ""]
            words = f"put {name} into .env: " + ", ".join(part for part in said if part)
    if words or not found.narrowest:
        return words or "nothing is missing"
    asked = _asked(settings, entries)
    chains = {c for c, sources in asked.items() if any(s.name == found.narrowest for s in sources)}
    slow = _chains([entry for entry in entries if entry.subject.chain in chains])
    return (
        f"an explorer or node of your own, or a larger plan of {found.narrowest}, makes a round "
        f"shorter ({slow})"
    )
