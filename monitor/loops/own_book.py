"""The home's address book as it stands now: what a person adds while Fundwatch runs counts at
once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from monitor.model import Chain, Known, Subject
from monitor.model.errors import ConfigError, Problem
from monitor.watchlist import addressbook
from monitor.watchlist.file import put
from monitor.watchlist.yaml_nodes import Notes

BOOK = "addressbook.csv"


@dataclass
class OwnBook:
    """`shipped`: the book in force when the settings were read, the home's own lines in it."""

    home: Path
    chains: Mapping[str, Chain]
    shipped: Mapping[tuple[str, str], Known]
    _stamp: tuple[int, int] | None = None
    _book: Mapping[tuple[str, str], Known] = field(default_factory=dict)

    @property
    def stamp(self) -> tuple[int, int] | None:
        """Another one means that the file was changed."""
        try:
            found = (self.home / BOOK).stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size)

    def __call__(self) -> Mapping[tuple[str, str], Known]:
        stamp = self.stamp
        if stamp is None or stamp != self._stamp or not self._book:
            self._book, self._stamp = self._read(), stamp
        return self._book

    def _read(self) -> Mapping[tuple[str, str], Known]:
        try:
            data = (self.home / BOOK).read_bytes()
        except OSError:
            return self.shipped
        # What is wrong in it was told when the settings were read; `check` tells it again.
        own = addressbook.parse(data, self.chains, Notes(), BOOK)
        return addressbook.BookOnDemand(
            lambda: addressbook.over({k: v for k, v in self.shipped.items() if v.shipped}, own)
        )

    def add(self, subject: Subject, known: Known) -> None:
        """Write a line. What the file said of the address gives way. Raises ConfigError where it
        cannot be written."""
        path = self.home / BOOK
        was = path.read_bytes() if path.exists() else None
        try:
            old = (was or b"").decode("utf-8-sig")
        except UnicodeDecodeError:
            remedy = 'Save it again with the encoding "UTF-8"'
            raise ConfigError([Problem(BOOK, "", "is not UTF-8 text", remedy)]) from None
        key = (subject.chain, subject.address)
        put(path, addressbook.with_line(old, self.chains, key, known), was)
