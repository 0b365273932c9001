"""The people of a home folder's desk, for commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.app.folder import check_home
from monitor.app.home import open_home
from monitor.app.settings.load import load
from monitor.model.errors import Busy
from monitor.model.settings import Settings
from monitor.store.deskfile import FILE, DeskFile
from monitor.store.guard import DATABASE
from monitor.store.port import Store
from monitor.store.sqlite import Store as Record


@dataclass(frozen=True, slots=True)
class Front:
    """Where people come in."""

    store: Store
    file: DeskFile
    settings: Settings

    def link(self, word: str) -> str:
        """By which somebody chooses how they sign in."""
        return f"{self.settings.web.url}/welcome/{word}"


@contextmanager
def front(home: Path, environ: Mapping[str, str]) -> Iterator[Front]:
    """The record and desk.db to change them, also while Fundwatch runs: whoever writes takes
    turns. Raises ConfigError, StoreError."""
    check_home(home)
    settings = load(home, environ)
    with _record(home, environ) as store, closing(DeskFile(home / FILE)) as file:
        yield Front(store, file, settings)


@contextmanager
def _record(home: Path, environ: Mapping[str, str]) -> Iterator[Store]:
    """Where none runs, the folder is opened as by any command: made when it is new, upgraded."""
    try:
        with open_home(home, environ) as app:
            yield app.store
            return
    except Busy:
        pass
    with closing(Record(home / DATABASE)) as store:
        yield store
