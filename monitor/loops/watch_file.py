"""The watchlist as it is followed, and what is told about it and about ourselves."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from monitor.chains.address import display
from monitor.loops import doors
from monitor.loops.clock import timezones
from monitor.loops.health.tell import case_of
from monitor.loops.router import Router
from monitor.model import Alert, AlertKind, Chain, Entry, Lane, Severity, plain
from monitor.model.acts import Actor, TakeList
from monitor.model.errors import Problem
from monitor.model.facts import Notice
from monitor.model.ids import stable_id
from monitor.model.plan import Route, Signal
from monitor.model.settings import Settings
from monitor.store import taking, watch
from monitor.store.incidents import put_signals
from monitor.store.port import Store
from monitor.watchlist import held
from monitor.watchlist.entries import Difference, Parsed, difference, parse
from monitor.watchlist.file import ListFile

log = logging.getLogger("fundwatch.watchlist")
SETTLE = 0.3  # seconds between two looks at a file that was just saved
MARK_AFTER = 5.0  # seconds since it was saved, after which a look at its time is enough
# What is refused is not watched, so it is named as long as a mail can hold it.
REFUSED_MOST = 1000
NAMED_MOST = 20  # entries of a kind that the answer to a list names; a list may have 100,000


def read_stable(path: Path) -> bytes:
    """The file's bytes, read until two looks agree: an editor may be half-way through."""
    data = path.read_bytes()
    while time.time() - path.stat().st_mtime < SETTLE:
        time.sleep(SETTLE)
        again = path.read_bytes()
        if again == data:
            break
        data = again
    return data


def _mark(path: Path) -> tuple[int, ...]:
    """Tells one saving of a file from another without reading it; empty while it is so new
    that it could be saved again within the same tick of the disk's clock."""
    seen = path.stat()
    if abs(time.time() - seen.st_mtime) < MARK_AFTER:
        return ()
    return (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino)


class WatchFile:
    """Follows watchlist.yaml: takes what is right, tells what is not."""

    def __init__(self, path: Path, settings: Settings, store: Store, router: Router) -> None:
        self._path, self._settings = path, settings
        self._store, self._router = store, router
        self._sha256 = ""
        self._mark: tuple[int, ...] = ()
        self._reloading = threading.Lock()
        self.timezone = ""
        self.problems: tuple[Problem, ...] = ()

    @property
    def version(self) -> str:
        """Names the list that was read last; another name means that it has changed."""
        return self._sha256

    def reload(self) -> tuple[Problem, ...]:
        """Read the file if it changed, apply what is right, answer by a notice. Of two at once
        (its turn, and a command that changed the file) the second finds it taken."""
        with self._reloading:
            return self._reload(None)

    def change(self, edit: Callable[[str], str], by: Actor) -> None:
        """Rewrite the file and take it at once, as what this person did. Raises ConfigError where
        it cannot be rewritten."""
        with self._reloading:
            listed = ListFile.read(self._path.parent)
            listed.replace(edit(listed.text))
            self._reload(by)

    def _reload(self, by: Actor | None) -> tuple[Problem, ...]:
        """`by`: who has just changed the file, where that is known."""
        now = int(time.time())
        try:
            mark = _mark(self._path)
            if mark and mark == self._mark:
                return self.problems
            data = read_stable(self._path)
        except OSError as error:
            self._sha256, self._mark = "", ()  # the same file put back is news
            self._unreadable(f"{error.strerror or error}", now)
            self.problems = (Problem(str(self._path), "", "cannot be read", "Put it back"),)
            return self.problems
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 == self._sha256:
            self._mark = mark
            return self.problems
        parsed = self.parse(data)
        self.problems = parsed.problems
        if not parsed.whole:
            # Goes to operations: where and why, without what stands there.
            first = parsed.problems[0] if parsed.problems else None
            self._unreadable(str(replace(first, value="")) if first else "", now)
        else:
            self._apply(parsed, sha256, now, by)
        self._sha256 = sha256
        return self.problems

    def parse(self, data: bytes) -> Parsed:
        settings = self._settings
        return parse(
            data,
            settings.chains,
            self._path.name,
            channels=list(settings.channels),
            assets=list(settings.assets.values()),
            timezones=timezones(),
            sources=settings.written_sources,
        )

    def _unreadable(self, why: str, now: int) -> None:
        """Only an unreadable file freezes the list; polling goes on with the old one."""
        log.error("watchlist could not be read; the entries taken before stay watched")
        what = f"The watchlist could not be read, the entries taken before stay watched. {why}"
        signal = Signal("watchlist", bad=True, what=what, cure="Correct the file and save it.")
        put_signals(self._store, [signal], now)

    def _apply(self, parsed: Parsed, sha256: str, now: int, by: Actor | None) -> None:
        store = self._store
        stored = [w.entry for w in watch.persons_entries(store)]
        entries = held.announced(parsed.entries, stored, now)
        parsed = replace(parsed, entries=entries)
        change = difference(stored, parsed.entries, parsed.refused)
        self.timezone = parsed.timezone
        outcome = {
            "added": [e.id for e in change.added],
            "changed": [e.id for _, e in change.changed],
            "retired": [e.id for e in change.retired],
            "missing": [e.id for e in change.missing],
            "refused": [str(p) for p in parsed.problems],
        }
        news = any(outcome.values()) and watch.last_list(store).sha256 != sha256
        answer = self._answers(change, parsed.problems, sha256, now) if news else ([], [])
        listed = taking.listed(parsed.entries)
        act = TakeList(now, sha256, listed, parsed.refused, outcome, *answer)
        taking.take_list(store, doors.by_file(self._path, by), act)
        put_signals(store, [Signal("watchlist", bad=False)], now)
        log.info(
            "watchlist taken=%d changed=%d retired=%d missing=%d refused=%d",
            *(len(change.added), len(change.changed), len(change.retired)),
            *(len(change.missing), len(parsed.problems)),
        )

    def _answers(
        self,
        change: Difference,
        problems: Sequence[Problem],
        sha256: str,
        now: int,
    ) -> tuple[list[Alert], list[Route]]:
        """The answer to a saved watchlist: to the desk with its addresses, to operations with
        numbers, chains and cases. A channel that gets the desk's, which says more, gets only
        that."""
        short = _change_lines(change, _places(problems), _unnamed, now)
        ours = _answer("operations", short, change, problems, sha256, now)
        theirs = _answer("desk", short, change, problems, sha256, now)
        router, table = self._router, self._settings.chains
        routes = router.route(theirs, None)
        takers = {channel for _, channel, _ in routes}
        if router.may_see_labels(takers):
            full = _change_lines(
                change, problems, lambda some: [_named(e, table) for e in some], now
            )
            theirs = _answer("desk", full, change, problems, sha256, now)
        rest = [route for route in router.route(ours, None) if route[1] not in takers]
        return ([theirs, ours], [*routes, *rest]) if rest else ([theirs], routes)


def _answer(
    audience: str,
    lines: Sequence[str],
    change: Difference,
    problems: Sequence[Problem],
    sha256: str,
    now: int,
) -> Alert:
    attention = problems or change.missing
    # The desk's keeps the name that this answer always had.
    names = ("N", "watchlist", sha256, str(now), *([] if audience == "desk" else [audience]))
    return Alert(
        id=stable_id(*names),
        kind=AlertKind.NOTICE,
        lane=Lane.NEWS,
        severity=Severity.HIGH if attention else Severity.LOW,
        created=now,
        title="The watchlist was read: " + lines[0],
        lane_reason="Every change of the watchlist is answered.",
        audience=audience,
        facts=Notice(topic="watchlist", lines=tuple(lines[1:])),
    )


def _change_lines(
    change: Difference,
    problems: Sequence[object],
    named: Callable[[Sequence[Entry]], list[str]],
    now: int,
) -> list[str]:
    """A summary first, then what became of whom: `named` tells it of entries."""
    counts = (
        (len(change.added), "taken"),
        (len(change.changed), "changed"),
        (len(change.retired), "retired"),
        (len(problems), "refused"),
        (len(change.missing), "missing"),
    )
    changed = [entry for _, entry in change.changed]
    over = [entry for entry in (*change.added, *changed) if held.is_over(entry, now)]
    missing = "Missing from the file, still watched until somebody retires it"
    return [
        ", ".join(f"{count:,} {word}" for count, word in counts if count) + ".",
        *_some("Refused", [*map(str, problems)], "check", REFUSED_MOST),
        *_some(missing, named(change.missing), "watchlist list"),
        *_some("Its planned outflow was to be made by a day that is over", named(over), "check"),
        *_some("Changed", named(changed), "watchlist list"),
        *_some("Retired", named(change.retired), "watchlist list"),
        *_some("Taken", named(change.added), "watchlist list"),
    ]


def _some(word: str, names: Sequence[str], command: str, most: int = NAMED_MOST) -> Iterator[str]:
    """A line each; of very many the first, and where the rest is seen."""
    for name in names[:most]:
        yield f"{word}: {name}"
    if len(names) > most:
        yield f"{word}: and {len(names) - most:,} more, see `fundwatch {command}`"


def _named(entry: Entry, table: Mapping[str, Chain]) -> str:
    """For the desk: whom it is about, with the address as its other mails spell it."""
    label = plain.quoted(entry.label, 60) if entry.label.strip() else "no label"
    name, address = entry.subject.chain, entry.subject.address
    spelt = display(table[name], address) if name in table else address
    return f"{label}{case_of(entry)}, {name} {spelt}"


def _unnamed(entries: Sequence[Entry]) -> list[str]:
    """For operations: how many, on which chain, of which case."""
    counts = Counter((case_of(entry), entry.subject.chain) for entry in entries)
    return [
        f"{count:,} {'entry' if count == 1 else 'entries'}{case} on {chain}"
        for (case, chain), count in counts.items()
    ]


def _places(problems: Sequence[Problem]) -> list[str]:
    """What is refused, without what stands there."""
    return [f"{problem.place}: see `fundwatch check`" for problem in problems]
