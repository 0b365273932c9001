"""Published lists: a version is read, held against the one before, and taken."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from monitor import __version__
from monitor.loops import list_files
from monitor.loops.clock import now
from monitor.loops.list_entries import NOT_CHOSEN, Entries
from monitor.loops.router import Router
from monitor.model import Chain
from monitor.model.acts import DAEMON, AcceptGrown, Actor, Listed, TakeEntries, TakePublication
from monitor.model.dates import utc_day
from monitor.model.errors import ConfigError, Problem
from monitor.model.lists import (
    GROWN,
    GROWN_ROWS,
    SHRUNK,
    Fetched,
    ListConfig,
    Publication,
    Published,
    Row,
)
from monitor.model.plain import tidy
from monitor.store import list_targets, listing, staging
from monitor.store.commit import commit
from monitor.store.port import Store
from monitor.watchlist.imports.lists import Preamble, reader
from monitor.watchlist.imports.poison import Poison

log = logging.getLogger("fundwatch.lists")

FOLDER = "lists"  # of the home folder: the files as they were fetched, packed
AT_ONCE = 1000  # addresses whose entries come into force with their version, in one transaction
REASONS = 5  # for which rows are refused that are told where no other row is there
REMARKS, LONGEST_REMARK = 20, 300  # on a file that are kept; characters of each
READ = 10_000  # rows that are staged in one transaction: each waits for the disk
AT_A_TIME = 1 << 20  # bytes of a file that are packed
PART = 8000  # addresses whose entries are made in one commit: some tenths of a second


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a version. `publication` None: it was not taken, `why` says why not."""

    publication: Publication | None = None
    new: bool = False  # it is not the version that was in force
    why: str = ""


@dataclass
class Lists:
    """The lists of a home folder. One version is taken at a time."""

    home: Path
    store: Store
    chains: Mapping[str, Chain]
    configs: Mapping[str, ListConfig]
    router: Router
    poison: Poison
    look: Callable[[str], object] = lambda _words: None  # told how far it is; may raise
    taken: Callable[[], object] = lambda: None  # called when a version is in force
    # Held by whoever works out entries until they are written: versions, and words of people.
    deciding: threading.RLock = field(default_factory=threading.RLock)
    _taking: threading.Lock = field(default_factory=threading.Lock)
    # Of each list the version whose rows this process has judged, by the settings of now.
    _judged: dict[str, int] = field(default_factory=dict)

    @property
    def makes(self) -> Entries:
        return Entries(self.store, self.chains, self.poison)

    def config(self, name: str) -> ListConfig:
        """Raises ConfigError where no list in use is called so."""
        if name not in self.configs:
            known = ", ".join(self.configs) or "none"
            remedy = f"Known: {known}. Name it in config/lists.yaml"
            raise ConfigError([Problem("NAME", name, "is no list in use", remedy)])
        return self.configs[name]

    def take(
        self,
        name: str,
        fetched: Fetched,
        by: Actor,
        *,
        shrunk: bool = False,
        grown: bool = False,
    ) -> Outcome:
        """Read a file that was fetched and take it as the newest version. `shrunk`, `grown`: a
        person says yes to what is held back otherwise. Raises ConfigError where it cannot be
        read, and nothing has changed."""
        config = self.config(name)
        with self._taking:
            before = listing.newest(self.store, name)
            # The same file is read anew where it was read as what it is not.
            if before is None or (before.sha256, before.kind) != (fetched.sha256, config.kind):
                return self._take(config, fetched, before, by, shrunk=shrunk, grown=grown)
        if grown:
            self.accept_grown(name, by)
        return Outcome(before)

    def kept(self, name: str, sha256: str) -> Path:
        """Where the file of a version is kept, packed."""
        return self.home / FOLDER / name / f"{sha256}.gz"

    def _take(
        self,
        config: ListConfig,
        fetched: Fetched,
        before: Publication | None,
        by: Actor,
        *,
        shrunk: bool,
        grown: bool,
    ) -> Outcome:
        name = config.name
        with self.store.long_work():
            staging.begin(self.store, name)
            try:
                coming = self._stage(config, fetched, before)
                self._judged[name] = coming.nr
                held = "" if shrunk or before is None else held_back(coming, before)
                if held:
                    return Outcome(None, why=held)
                self._keep(name, fetched)
                self._bring(config, coming, before, by, shrunk=shrunk, grown=grown)
            finally:
                staging.clear(self.store, name)
        self.follow(name)
        self.taken()
        log.info("list %s taken nr=%d rows=%d", name, coming.nr, coming.rows)
        return Outcome(coming, new=True)

    def _stage(
        self, config: ListConfig, fetched: Fetched, before: Publication | None
    ) -> Publication:
        """Read all rows into the record, beside what is in force."""
        name, preamble, count = config.name, Preamble(), 0
        with list_files.watched(fetched.path, self._read) as file:
            rows = self._judge(config, reader(config.kind)(file, fetched.name, preamble))
            while part := [*islice(rows, READ)]:
                list_files.room(self.home)
                staging.stage(self.store, name, part, count)
                count += len(part)
                self.look(f"{count:,} rows read")
        counts = staging.counted(self.store, name)
        refused = {rule: count for rule, count in sorted(counts.items()) if rule}
        coming = Publication(
            *(name, (before.nr if before else 0) + 1, fetched.sha256, preamble.published),
            *(now(), fetched.bytes, counts.total(), refused),
            tuple(tidy(each, LONGEST_REMARK) for each in preamble.remarks[:REMARKS]),
            config.kind,
        )
        # What the settings alone leave out can be read: they may be others tomorrow.
        readable_now = readable(coming) or counts[NOT_CHOSEN]
        good = readable_now or (before is not None and not readable(before))
        if not config.watch:  # names may be of what nobody would watch: a token's contract
            good = good or staging.has_address(self.store, name)
        if not counts or not good:
            what = "holds no address that can be read" if counts else "holds no address"
            what += "".join(f"; {n:,} refused: {rule}" for rule, n in counts.most_common(REASONS))
            remedy = "Check that it is the right file, and its kind in config/lists.yaml"
            raise ConfigError([Problem(fetched.name, "", what, remedy)])
        return coming

    def _read(self, size: int) -> None:
        self.look(f"{size / 1e6:,.1f} MB read")

    def _judge(self, config: ListConfig, rows: Iterator[Published]) -> Iterator[Row]:
        return map(self.makes.judge(config).row, rows)

    def _keep(self, name: str, fetched: Fetched) -> None:
        """The file as it came, packed, under its digest."""
        kept = self.kept(name, fetched.sha256)
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if kept.exists():
            return
        part = kept.with_suffix(".part")
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as disk:
                self._pack(fetched.path, disk)
                disk.flush()
                os.fsync(handle)
            part.replace(kept)
        finally:
            part.unlink(missing_ok=True)

    def _pack(self, path: Path, disk: BinaryIO) -> None:
        with gzip.GzipFile("", "wb", 6, disk, mtime=0) as packed, path.open("rb") as file:
            while data := file.read(AT_A_TIME):
                list_files.room(self.home)
                packed.write(data)
                self.look("its file is packed")

    def _bring(
        self,
        config: ListConfig,
        coming: Publication,
        before: Publication | None,
        by: Actor,
        *,
        shrunk: bool,
        grown: bool,
    ) -> None:
        """Into force: its rows, and, unless they are very many, its entries with them."""
        store, rows = self.store, coming.rows + (before.rows if before else 0)
        found = []
        for keys in staging.spans(rows):
            list_files.room(self.home)
            found.append(staging.prepare(store, coming, keys))
            self.look("what it changes is looked for")
        accepted = " ".join(word for word, yes in (("shrunk", shrunk), ("grown", grown)) if yes)
        with self.deciding:
            moment = now()
            waits = config.watch and not grown and before is not None and has_grown(coming, before)
            entries, terms = self._with_it(config, coming, utc_day(moment) if waits else "")
            act = TakePublication(
                *(moment, coming, [each for each in found if each], accepted, waits),
                *(entries, terms),
            )
            commit(store, by, act)

    def _with_it(
        self, config: ListConfig, coming: Publication, waits: str
    ) -> tuple[Sequence[Listed], str]:
        """The entries that a version changes, and by which settings; none where they are made
        after it, in parts: those before it are by other settings, or they are very many."""
        state, terms = listing.state(self.store, config.name), terms_of(config)
        if not config.watch:
            return (), terms
        found = list_targets.coming_targets(self.store, coming)
        addresses = list(dict.fromkeys(islice(found, AT_ONCE + 1)))
        behind = (state.made, state.terms) != (coming.nr - 1, terms) and coming.nr > 1
        if behind or len(addresses) > AT_ONCE:
            return (), ""
        waits = utc_day(state.grown) if state.grown else waits
        judged = self._judged.get(config.name, 0)
        return self.makes.changed(config, addresses, waits, coming, judged=judged), terms

    # -- the entries -----------------------------------------------------------------------

    def settle(self) -> None:
        """Let the entries of every list follow its settings, and a version whose entries were not
        all made when the program ended. Costs little where there is nothing to do."""
        if self._taking.locked():
            return  # who takes a version makes its entries, and nobody waits for that
        states = listing.states(self.store)
        for name, config in self.configs.items():
            state = states.get(name)
            if state is not None and (state.made, state.terms) != (
                listing.newest_nr(self.store, name),
                terms_of(config),
            ):
                self.follow(name)

    def follow(self, name: str) -> None:
        """Make and change entries of a list until they are those of the version in force, of its
        settings and of what people said."""
        config, store = self.config(name), self.store
        state, nr, terms = listing.state(store, name), listing.newest_nr(store, name), ""
        if nr and config.watch and (state.made, state.terms) != (nr, terms := terms_of(config)):
            made = state.made if state.terms == terms else 0
            addresses = list_targets.targets(store, name, made, nr)
            with store.long_work():
                while part := [*islice(addresses, PART)]:
                    self._make(config, part)
                    self.look("its entries are recorded")
        if nr:
            listing.made(store, name, nr, terms or terms_of(config))

    def _make(self, config: ListConfig, addresses: Sequence[str]) -> None:
        with self.deciding:
            version = listing.newest(self.store, config.name)
            grown = listing.state(self.store, config.name).grown
            waits, judged = utc_day(grown) if grown else "", self._judged.get(config.name, 0)
            entries = self.makes.changed(config, addresses, waits, judged=judged)
            if version is not None and entries:
                act = TakeEntries(now(), version.sha256, entries)
                commit(self.store, DAEMON, act)

    def accept_grown(self, name: str, by: Actor) -> int:
        """A person wants the history of what a grown list added: it is read. Returns of how many
        entries; 0: none waits."""
        with self.deciding:
            self.config(name)
            count = self.waiting(name)
            if listing.state(self.store, name).grown is None:
                return 0
            commit(self.store, by, AcceptGrown(now(), name, count))
        self.follow(name)
        return count

    def waiting(self, name: str) -> int:
        """Of how many entries the history waits for a person's yes."""
        grown = listing.state(self.store, name).grown
        return listing.waiting(self.store, name, utc_day(grown)) if grown else 0


_ASKING = ("kind", "url", "file", "every")  # settings that no entry holds


def terms_of(config: ListConfig) -> str:
    """Names the settings of a list, and the program that works its entries out."""
    terms = {key: each for key, each in asdict(config).items() if key not in _ASKING}
    told = json.dumps([__version__, terms], default=str, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def held_back(coming: Publication, before: Publication) -> str:
    """Why a version is not taken without a person's yes; empty: it is."""
    pairs = (
        ("rows", coming.rows, before.rows),
        ("readable rows", readable(coming), readable(before)),
    )
    for what, new, old in pairs:
        if new * 100 < old * (100 - SHRUNK):
            return f"it has {new:,} {what}, the version in force has {old:,}"
    return ""


def readable(publication: Publication) -> int:
    """Rows that no rule refuses."""
    return publication.rows - sum(publication.refused.values())


def has_grown(coming: Publication, before: Publication) -> bool:
    """Whether the history of the new rows waits for a person's yes."""
    more = coming.rows - before.rows
    return more > GROWN_ROWS and more * GROWN > before.rows
