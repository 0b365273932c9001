"""What the parts of `fundwatch check` share: what they look at, and the form of their lines."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monitor.decide.asking import Allowed, allowed_by
from monitor.model import Entry, Subject
from monitor.model.settings import Settings
from monitor.store.port import Reader

WIDTH = 100  # columns, where no window says otherwise
MOST_LINES = 5  # line numbers named in one remark


@dataclass
class Report:
    """Writes lines as they come and keeps what is wrong, for the result."""

    write: Callable[[str], None]
    width: int = WIDTH
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)  # "text -> cure"

    def section(self, name: str, tail: str = "") -> None:
        self.write(f"{name}{tail}")

    def ok(self, text: str) -> None:
        self._line("ok", text, "")

    def note(self, text: str) -> None:
        """Neither good nor bad, or not looked at."""
        self._line("-", text, "")

    def warn(self, text: str, cure: str = "") -> None:
        self.warnings.append(text)
        self._line("WARN", text, cure)

    def fail(self, text: str, cure: str = "") -> None:
        self.failures.append(" ".join(f"{text} -> {cure}".split()) if cure else text)
        self._line("FAIL", text, cure)

    def fact(self, name: str, text: str) -> None:
        """A section of one statement."""
        self._wrapped(f"{name:<9}", text)

    def _line(self, level: str, text: str, cure: str) -> None:
        """The cure stands in the same line where it fits, else in the next."""
        first = f" {level:<6}"
        one = f"{first}{text} -> {cure}" if cure else first + text
        if len(one) <= self.width:
            self.write(one)
            return
        self._wrapped(first, text)
        if cure:
            self._wrapped("       -> ", cure)

    def _wrapped(self, first: str, text: str) -> None:
        # Columns are kept where the text fits; addresses and hosts are never broken.
        if len(first) + len(text) <= self.width:
            self.write(first + text)
            return
        for line in textwrap.wrap(
            text,
            width=self.width,
            initial_indent=first,
            subsequent_indent=" " * len(first),
            break_long_words=False,
            break_on_hyphens=False,
        ):
            self.write(line)


def _lines_of(numbers: Sequence[int]) -> str:
    """ "line 3", "lines 3, 8, 12, 20, 31 and 4 more"."""
    places = sorted(set(numbers))
    text = ", ".join(str(n) for n in places[:MOST_LINES])
    more = f" and {len(places) - MOST_LINES} more" if len(places) > MOST_LINES else ""
    return f"{'line' if len(places) == 1 else 'lines'} {text}{more}"


def places_of(entries: Sequence[Entry]) -> str:
    """Where these stand: lines of the watchlist, and published lists by their names."""
    lines = [entry.line for entry in entries if entry.origin is None]
    names = sorted({entry.origin.list for entry in entries if entry.origin})
    lists = [f"{'list' if len(names) == 1 else 'lists'} {', '.join(names)}"] if names else []
    return " and ".join([*([_lines_of(lines)] if lines else []), *lists])


@dataclass(frozen=True)
class Bench:
    """What the sections look at."""

    home: Path
    settings: Settings
    entries: tuple[Entry, ...]  # in force: of the file, and those that it lost
    store: Reader | None
    offline: bool
    now: int
    out: Report

    def on(self, chain: str) -> list[Entry]:
        return [e for e in self.entries if e.subject.chain == chain]

    def may_ask(self) -> dict[Subject, Allowed]:
        """Of addresses of which not every source of their chain may learn: those that may."""
        on: dict[Subject, list[Entry]] = {}
        for entry in self.entries:
            on.setdefault(entry.subject, []).append(entry)
        may = {subject: allowed_by(entries) for subject, entries in on.items()}
        return {subject: named for subject, named in may.items() if named is not None}

    @property
    def chains(self) -> list[str]:
        """Chains with an entry, in the order of the table."""
        used = {e.subject.chain for e in self.entries}
        return [key for key in self.settings.chains if key in used]
