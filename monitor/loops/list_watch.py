"""Following published lists: when each is asked for, what came of it, what people ask for now."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from monitor.loops import list_files
from monitor.loops.clock import now
from monitor.loops.lists import FOLDER, Lists
from monitor.loops.tickets import StoppedError, Tickets
from monitor.model.acts import DAEMON, Actor
from monitor.model.errors import ConfigError, MonitorError, Problem, SourceError, StoreError
from monitor.model.lists import Fetched, ListConfig, ListState, Publication, Validators
from monitor.model.plain import plural, tidy
from monitor.store import listing
from monitor.store.port import Store
from monitor.watchlist.yaml_nodes import closest

log = logging.getLogger("fundwatch.lists")

TAKEN, NOT_HAD, NOT_TAKEN = 0, 1, 2  # exit codes
LEAST_RETRY = 60  # seconds
LONGEST_RETRY = 3600  # seconds: more than this no server may ask us to wait
UNDER_WAY = 300  # seconds: a list at which the program died is asked for again only then
SAY_EVERY = 2.0  # seconds between two words on how far it is
LONGEST_ERROR = 400  # characters

# A list, where to put it, what is known of it, who looks on -> the file; None: as it is known.
Fetch = Callable[[ListConfig, Path, Validators, Callable[[int], object]], Fetched | None]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of asking for a list."""

    name: str
    code: int
    said: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for. Without names: every list that is in use."""

    by: Actor
    names: tuple[str, ...] = ()
    file: str = ""
    shrunk: bool = False
    grown: bool = False


class ListWatch:
    """Asks for the lists of a home folder, one at a time."""

    def __init__(self, lists: Lists, fetch: Fetch) -> None:
        self._lists, self._fetch = lists, fetch
        self._store: Store = lists.store
        self._busy = threading.Lock()
        self._tickets: Tickets[Wish, list[Result]] = Tickets("fundwatch lists status")
        self.stopping: Callable[[], bool] = lambda: False
        self.moved_at = time.monotonic()  # when something last came or was taken
        self.doing = ""
        self.say: Callable[[str], object] = lambda _words: None
        self._said_at = 0.0
        lists.look = self._look

    # -- on a schedule -----------------------------------------------------------------------

    def round(self) -> None:
        """What people asked for, then the list that is due longest."""
        self._tickets.grant(self.update, self.stopping)
        due = self.due(now())
        if due and not self.stopping():
            with self._busy, suppress(StoppedError):
                self._follow(due[0], Wish(DAEMON))

    def take_due(self) -> list[Result]:
        """Every list that is due, as `poll` by hand does."""
        with self._busy:
            return [self._follow(name, Wish(DAEMON)) for name in self.due(now())]

    def settle(self) -> None:
        """Let entries follow settings and versions. What a stop interrupts goes on at the next
        start: that is no fault."""
        with suppress(StoppedError):
            self._lists.settle()

    def due(self, moment: int) -> list[str]:
        """Lists to be asked for now, the longest waiting first."""
        found = []
        for name, config in self._lists.configs.items():
            if config.every is None:
                continue
            state = listing.state(self._store, name)
            longest = max(config.every, LONGEST_RETRY if state.failing is not None else 0)
            far = state.due - moment > longest  # the clock was set back, or it was asked less often
            if far or (state.due <= moment and not _died_at(state, moment)):
                found.append((state.due, name))
        return [name for _, name in sorted(found)]

    # -- when people ask for it --------------------------------------------------------------

    def update(self, wish: Wish) -> list[Result]:
        """Carry it out now. Raises ConfigError for a list that is not in use."""
        names = self._named(wish)
        with self._busy:
            return [self._follow(name, wish) for name in names]

    def ask(self, wish: Wish) -> str:
        """Have it carried out by the job; returns a ticket for `outcome`."""
        self._named(wish)
        return self._tickets.ask(wish)

    def outcome(self, ticket: str) -> tuple[list[Result] | None, str]:
        """What came of it, None while it lasts; and what is done now. Raises MonitorError where
        the ticket is not known, or something failed."""
        return self._tickets.outcome(ticket), self.doing

    def _named(self, wish: Wish) -> list[str]:
        configs = self._lists.configs
        for name in wish.names:
            if name not in configs:
                near = closest(name, configs)
                hint = f"Did you mean {near}?" if near else "Name it in config/lists.yaml"
                known = ", ".join(configs) or "none"
                remedy = f"{hint} In use: {known}"
                raise ConfigError([Problem("NAME", name, "is no list in use", remedy)])
        if wish.file and len(wish.names) != 1:
            raise ConfigError([Problem("--file", wish.file, "is of one list", "Name that list")])
        return list(dict.fromkeys(wish.names or configs))

    # -- one list ----------------------------------------------------------------------------

    def _follow(self, name: str, wish: Wish) -> Result:
        """Ask for a list, take what comes, and note how it went."""
        config, moment = self._lists.configs[name], now()
        before = listing.state(self._store, name)
        self._note(name, replace(before, due=before.due or moment, tried=moment))
        self._said_at, self.doing = time.monotonic(), f"{name}: is asked for"
        try:
            return self._came(config, wish, before)
        except StoppedError:
            self._note(name, before)
            raise
        except StoreError:
            raise
        except Exception as error:
            said, code, wait = _fault(error)
            if wish.file:  # a person's own file says nothing about the publisher
                self._note(name, before)
                result = self._bad(name, said, code)
            else:
                result = self._failed(config, before, said, code, wait)
            if not isinstance(error, MonitorError | OSError):
                raise  # it is loud in the log
            return result
        finally:
            self.doing = ""
            with suppress(OSError):
                self._path(name, "coming").unlink(missing_ok=True)

    def _came(self, config: ListConfig, wish: Wish, before: ListState) -> Result:
        name = config.name
        if wish.grown and before.grown is not None and not wish.file:
            self._note(name, before)
            count = self._lists.accept_grown(name, wish.by)
            said = f"accepted  {name}: what {count:,} of its addresses did before is read now"
            return Result(name, TAKEN, said)
        fetched = self._had(config, wish, before)
        if fetched is None and before.held:
            return self._held(config, before, before.validators, before.held, before.held_why)
        newest = listing.newest(self._store, name)
        if fetched is None:
            self._well(config, before.validators)
            return Result(name, TAKEN, f"unchanged {name}: {_stands(newest)}")
        self._look("is read")
        out = self._lists.take(name, fetched, wish.by, shrunk=wish.shrunk, grown=wish.grown)
        known = replace(fetched.validators, of=_of(config, fetched.sha256))
        if wish.file:
            known = Validators()  # what the publisher hands out is another thing
        if out.publication is None:
            self._keep_held(name, fetched)
            return self._held(config, before, known, fetched.sha256, out.why)
        self._well(config, known)
        self._path(name, "held").unlink(missing_ok=True)
        word = "taken" if out.new else "unchanged"
        waits = self._lists.waiting(name)
        more = f"; the history of {waits:,} waits for --accept-grown" if waits else ""
        return Result(name, TAKEN, f"{word:<9} {name}: {_stands(out.publication)}{more}")

    def _had(self, config: ListConfig, wish: Wish, before: ListState) -> Fetched | None:
        """The file, under a name of ours. None: nothing has changed since."""
        into = self._path(config.name, "coming")
        into.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = self._path(config.name, "held")
        if wish.file:
            return self._copy(Path(wish.file), into, Validators())
        if wish.shrunk and before.held and held.exists():
            found = self._copy(held, into, Validators())
            return found and replace(found, validators=before.validators)
        known = self._known(config, before)
        if config.file is not None:
            return self._copy(config.file, into, known)
        if not config.url:
            remedy = f"Take a file: fundwatch lists update {config.name} --file FILE"
            raise ConfigError([Problem(config.name, "", "has no address to fetch from", remedy)])

        def look(size: int) -> None:
            self._look(f"{size / 1e6:,.1f} MB fetched")

        return self._fetch(config, into, known, look)

    def _known(self, config: ListConfig, before: ListState) -> Validators:
        """What may be said to whoever hands it out: of this very question, and of the file that
        is in force or waits for a yes. Else a file that is not here would pass for known."""
        newest = listing.newest(self._store, config.name)
        files = {newest.sha256 if newest else "", before.held} - {""}
        good = before.validators.of in {_of(config, each) for each in files}
        return before.validators if good else Validators()

    def _copy(self, path: Path, into: Path, known: Validators) -> Fetched | None:
        def look(size: int) -> None:
            self._look(f"{size / 1e6:,.1f} MB read")

        return list_files.copied(path, into, known, look)

    def _keep_held(self, name: str, fetched: Fetched) -> None:
        """What a person says yes to is what was told of, not what is handed out by then."""
        held = self._path(name, "held")
        if fetched.path != held:
            fetched.path.replace(held)

    def _path(self, name: str, what: str) -> Path:
        return self._lists.home / FOLDER / name / what

    # -- how it went -------------------------------------------------------------------------

    def _well(self, config: ListConfig, known: Validators) -> None:
        moment, state = now(), listing.state(self._store, config.name)
        due = moment + config.every if config.every else 0
        good = replace(state, due=due, had=moment, failing=None, error="", validators=known)
        self._note(config.name, replace(good, held="", held_why=""))

    def _held(
        self, config: ListConfig, before: ListState, known: Validators, sha256: str, why: str
    ) -> Result:
        self._well(config, known)
        state = listing.state(self._store, config.name)
        self._note(config.name, replace(state, held=sha256, held_why=why))
        if before.held != sha256:
            log.warning("list %s: a version is held back: %s", config.name, why)
        said = (
            f"not taken {config.name}: {why}. The version before stays in force. If it is right: "
            f"fundwatch lists update {config.name} --accept-shrunk"
        )
        return Result(config.name, NOT_TAKEN, said)

    def _failed(
        self,
        config: ListConfig,
        before: ListState,
        said: str,
        code: int,
        wait: float | None = None,
    ) -> Result:
        moment, error = now(), tidy(said, LONGEST_ERROR)
        every = config.every or LEAST_RETRY
        retry = max(min(every, max(LEAST_RETRY, every // 4)), min(int(wait or 0), LONGEST_RETRY))
        # What was due while nothing ran has been missing since then.
        since = moment if before.missing is None else min(before.missing, moment)
        state = listing.state(self._store, config.name)
        self._note(config.name, replace(state, due=moment + retry, failing=since, error=error))
        if before.error != error:
            log.warning("list %s could not be had or read: %s", config.name, error)
        return self._bad(config.name, error, code)

    def _bad(self, name: str, error: str, code: int) -> Result:
        word = "not had" if code == NOT_HAD else "not taken"
        here = listing.newest(self._store, name) is not None
        stays = " The version before stays in force." if here else ""
        how = f" A file of your own: fundwatch lists update {name} --file FILE"
        more = f"{stays}{how if code == NOT_HAD else ''}"
        return Result(name, code, f"{word:<9} {name}: {error.rstrip('.')}.{more}")

    def _note(self, name: str, state: ListState) -> None:
        listing.put_state(self._store, name, state)

    def _look(self, words: str) -> None:
        """A sign of life. Raises StoppedError where the program is to end."""
        if self.stopping():
            raise StoppedError("Fundwatch is told to stop")
        moment = self.moved_at = time.monotonic()
        if not self.doing:
            return  # nobody asked for it: entries follow their settings
        name = self.doing.partition(":")[0]
        self.doing = f"{name}: {words}"
        if moment - self._said_at > SAY_EVERY:
            self._said_at = moment
            self.say(self.doing)


def _died_at(state: ListState, moment: int) -> bool:
    """Whether the program died while it was asked for, just now: nothing was noted after."""
    tried = state.tried
    return tried is not None and state.due <= tried and 0 <= moment - tried < UNDER_WAY


def _fault(error: Exception) -> tuple[str, int, float | None]:
    """In words, the exit code, and for how long its server asks us to wait."""
    if isinstance(error, SourceError):
        return f"{error}", NOT_HAD, error.retry_after
    if isinstance(error, ConfigError):
        return "; ".join(map(str, error.problems)), NOT_TAKEN, None
    if isinstance(error, OSError):
        where = f"{Path(os.fsdecode(error.filename)).name}: " if error.filename else ""
        return f"{where}{error.strerror or type(error).__name__}", NOT_HAD, None
    return f"a fault in Fundwatch ({type(error).__name__})", NOT_TAKEN, None


def _of(config: ListConfig, sha256: str) -> str:
    asked = f"{config.kind} {config.url or config.file}".encode()
    return f"{hashlib.sha256(asked).hexdigest()[:16]} {sha256}"


def _stands(publication: Publication | None) -> str:
    if publication is None:
        return "no version of it is here"
    p = publication
    refused = sum(p.refused.values())
    told = f", {refused:,} refused" if refused else ""
    return "; ".join((f"{plural(p.rows, 'row')} of {p.day}{told}", *p.remarks))
