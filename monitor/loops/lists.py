"""Published lists: a version is read, held against the one before, and taken."""

from __future__ import annotations

import gzip
import hashlib
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from monitor.loops import list_files
from monitor.loops.clock import now
from monitor.loops.router import Router
from monitor.model import Chain, Entry
from monitor.model.acts import Actor, TakeEntries, TakePublication, TakeRows
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
from monitor.store import listing, taking
from monitor.store.commit import commit
from monitor.store.port import Store
from monitor.watchlist import listed
from monitor.watchlist.imports.judge import Judge
from monitor.watchlist.imports.lists import Preamble, reader
from monitor.watchlist.imports.poison import Poison

log = logging.getLogger("fundwatch.lists")

FOLDER = "lists"  # of the home folder: the files as they were fetched, packed
ENTRIES = 1000  # in one commit


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a version. `publication` None: it was not taken, `why` says why not."""

    publication: Publication | None = None
    new: bool = False  # it is not the version that was in force
    why: str = ""


@dataclass
class Lists:
    """The lists of a home folder."""

    home: Path
    store: Store
    chains: Mapping[str, Chain]
    configs: Mapping[str, ListConfig]
    router: Router
    poison: Poison
    look: Callable[[str], object] = lambda _words: None  # told how far it is; may raise

    def update(self, name: str, file: Path, by: Actor) -> Outcome:
        """Take a file that a person has. Raises ConfigError."""
        if name not in self.configs:
            known = ", ".join(self.configs) or "none"
            remedy = f"Known: {known}. Name it in config/lists.yaml"
            raise ConfigError([Problem("NAME", name, "is no list in use", remedy)])
        try:
            with file.open("rb") as opened:
                sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
            fetched = Fetched(file, sha256, file.stat().st_size, file.name)
        except OSError as error:
            reason = f"cannot be read ({error.strerror})"
            raise ConfigError([Problem("--file", str(file), reason, "Check the path")]) from None
        return self.take(name, fetched, by)

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
        config, before = self.configs[name], listing.newest(self.store, name)
        if before is not None and before.sha256 == fetched.sha256:
            return Outcome(before)
        coming = self._stage(config, fetched, before)
        held = "" if shrunk or before is None else self._held(coming, before)
        if held:
            listing.clear_staged(self.store, name)
            return Outcome(None, why=held)
        self._keep(name, fetched)
        waits = not grown and before is not None and has_grown(coming, before)
        self._carry(config, coming, by, since=coming.day if waits else "")
        accepted = " ".join(word for word, yes in (("shrunk", shrunk), ("grown", grown)) if yes)
        commit(self.store, by, TakePublication(now(), coming, accepted))
        log.info("list %s taken nr=%d rows=%d", name, coming.nr, coming.rows)
        return Outcome(coming, new=True)

    def _stage(
        self, config: ListConfig, fetched: Fetched, before: Publication | None
    ) -> Publication:
        """Read all rows into the record, beside what is in force."""
        name = config.name
        listing.clear_staged(self.store, name)
        listing.undo_coming(self.store, name)
        preamble, refused, rows = Preamble(), Counter[str](), 0
        with list_files.watched(fetched.path, self._read) as file:
            found = self._judged(config, reader(config.kind)(file, fetched.name, preamble))
            while part := [*islice(found, listing.PART)]:
                refused.update(each.judged.rule for each in part if each.judged.rule)
                rows += listing.stage(self.store, name, part)
                self.look(f"{rows:,} rows read")
        if not rows:
            remedy = "Check that it is the right file, and its kind in config/lists.yaml"
            raise ConfigError([Problem(fetched.name, "", "holds no address", remedy)])
        return Publication(
            *(name, (before.nr if before else 0) + 1, fetched.sha256, preamble.published),
            *(now(), fetched.bytes, rows, dict(refused)),
        )

    def _read(self, size: int) -> None:
        self.look(f"{size / 1e6:,.1f} MB read")

    def _judged(self, config: ListConfig, rows: Iterator[Published]) -> Iterator[Row]:
        judge = Judge(self.chains, config.chains, self.poison)
        return (Row(each, judge.judge(each)) for each in rows)

    def _held(self, coming: Publication, before: Publication) -> str:
        """Why a version is not taken without a person's yes; empty: it is."""
        pairs = (
            ("rows", coming.rows, before.rows),
            ("readable rows", readable(coming), readable(before)),
        )
        for what, new, old in pairs:
            if new * 100 < old * (100 - SHRUNK):
                return f"it has {new:,} {what}, the version in force has {old:,}"
        return ""

    def _keep(self, name: str, fetched: Fetched) -> None:
        """The file as it came, packed, under its digest."""
        folder = self.home / FOLDER / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = folder / f"{fetched.sha256}.gz"
        if kept.exists():
            return
        part = kept.with_suffix(".part")
        with fetched.path.open("rb") as file, gzip.open(part, "wb", 6) as packed:
            shutil.copyfileobj(file, packed)
        part.replace(kept)

    def _carry(self, config: ListConfig, coming: Publication, by: Actor, since: str) -> None:
        """Rows first, then the entries that they make; in parts, each whole in itself."""
        for delta in listing.deltas(self.store, config.name):
            commit(self.store, by, TakeRows(now(), coming, delta.new, delta.gone))
            self.look("its changes are recorded")
        said = listing.words(self.store, config.name)
        targets = listing.targets(self.store, config.name, coming.nr)
        while part := [*islice(targets, ENTRIES // 4)]:
            entries: dict[str, Entry] = {}
            for target in part:
                history = listing.of_target(self.store, config.name, target)
                for each in listed.entries(config, history, said, since):
                    entries[each.id] = each
            act = TakeEntries(now(), coming.sha256, taking.listed(entries.values()))
            commit(self.store, by, act)
            self.look("its entries are recorded")


def readable(publication: Publication) -> int:
    """Rows that no rule refuses."""
    return publication.rows - sum(publication.refused.values())


def has_grown(coming: Publication, before: Publication) -> bool:
    """Whether the history of the new rows waits for a person's yes."""
    more = coming.rows - before.rows
    return more > GROWN_ROWS and more * GROWN > before.rows
