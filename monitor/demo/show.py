"""Plays the story against the running daemon and prints it, one line an event."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Console

from monitor import __version__
from monitor.demo import story, verdict
from monitor.demo.ending import Ending
from monitor.demo.stage import Stage
from monitor.demo.truth import Due, Truth
from monitor.messages.sheets.alert import movement_short
from monitor.model import AlertKind, AlertView, Lane
from monitor.model.errors import MonitorError

BACK = 150  # seconds before now at which the story's chain time begins
START_MOST = 60.0  # seconds in which the history must be read and told
TOLD_MOST = 30.0  # seconds in which an event must be told
DWELL = 1.5  # seconds that an event stays on the screen at least
FOLLOWED_MOST = 60.0  # seconds in which what runs on must be followed to its ends
QUIET_LOOK = 3.0  # seconds in which nothing may come where there is nothing to tell
WIDE = 110  # columns in which a line of the story fits
NAMES = {"bitcoin": "Bitcoin", "ethereum": "Ethereum", "polygon": "Polygon", "tron": "Tron"}


@dataclass
class Show:
    """One performance. `start` is the chain time at which the story begins."""

    stage: Stage
    truth: Truth
    start: int
    out: Console
    _beat: story.Beat | None = None
    _began: float = field(default_factory=time.monotonic)

    def play(self) -> list[str]:
        """The whole story; returns what went wrong."""
        self._open()
        story.play(self.stage.world, self._clock, self._step)
        self._finish_beat()
        return Ending(self.stage, self.truth, self.out).play()

    # -- before ------------------------------------------------------------------------

    def _open(self) -> None:
        self.out.print(
            f"[bold]Fundwatch {__version__}[/] watches an invented world: four chains behind a "
            "local explorer, a mail server, a webhook receiver, and the real daemon, all on "
            "this machine. Chain time runs faster than yours, so blocks look up to "
            f"{BACK // 60} minutes old.\n"
        )
        entries = self.truth.entries
        if not self.stage.until(lambda: self._summaries() >= len(entries), START_MOST):
            raise MonitorError(f"The history was not summed up within {START_MOST:.0f} s")
        took = time.monotonic() - self._began
        cases = len({entry.case for entry in entries})
        self.out.print(
            f"{took:.1f} s after its start the daemon has read eleven weeks of history of "
            f"{len(entries)} entries in {cases} cases and told one summary of each. Now the "
            "money moves.\n"
        )
        self.out.print(
            f"[dim]{'TIME':<8}  {'CHAIN':<8}  {'WHAT HAPPENS':<38}  {self._below}{'TOLD IN':>7}  "
            "WHAT FUNDWATCH TELLS[/]"
        )

    def _summaries(self) -> int:
        return sum(alert["kind"] == "history" for alert in self.stage.hook.alerts)

    @property
    def _below(self) -> str:
        """What is told stands beside what happens, or below it where the window is narrow."""
        return "" if self.out.width >= WIDE else "\n" + " " * 20

    # -- the story ---------------------------------------------------------------------

    def _clock(self) -> int:
        """Chain time: the script's, never ahead of the real one."""
        at = self._beat.at if self._beat is not None else 0
        return min(int(time.time()), self.start + at)

    def _step(self, beat: story.Beat) -> None:
        """Wait until the event before this one is told, then announce this one."""
        if self._beat is not None:
            self._finish_beat()
        self._beat = beat
        at = datetime.fromtimestamp(self._clock(), UTC).strftime("%H:%M:%S")
        chain = NAMES.get(beat.chain, "all")
        self.out.print(f"{at:<8}  {chain:<8}  {beat.title:<38}  {self._below}", end="")
        self._began = time.monotonic()

    def _finish_beat(self) -> None:
        due = self.truth.look()
        if not due:
            self.stage.until(lambda: False, QUIET_LOOK)
            self.out.print(f"[dim]{'-':>7}  nothing, rightly[/]")
        elif self.stage.until(lambda: self._have(due), TOLD_MOST):
            took = self.stage.hook.calls[-1].at - self._began
            self.out.print(f"{took:>5.1f} s  {self._words(due)}")
        else:
            self.out.print(f"[red]{'-':>7}  not told within {TOLD_MOST:.0f} s[/]")
        if self._beat is not None and self._beat.reaches:
            self._follow(self._beat.reaches)
        self.stage.until(lambda: time.monotonic() - self._began > DWELL, DWELL)

    def _follow(self, ends: Collection[str]) -> None:
        """Wait until what was paid on is followed to where it is now."""
        self.out.print(f"{'':<20}{'and where it goes':<38}  {self._below}", end="")
        if not self.stage.until(lambda: set(ends) <= set(self._traced()), FOLLOWED_MOST):
            self.out.print(f"[red]{'-':>7}  not followed within {FOLLOWED_MOST:.0f} s[/]")
            return
        hops = self._traced()
        took = time.monotonic() - self._began
        self.out.print(f"{took:>5.1f} s  followed over {max(hops.values())} hops, see the end")

    def _traced(self) -> dict[str, int]:
        """Addresses in the trace, with their hops."""
        trace = self.stage.trace()
        return {node.subject.address: node.hop for node in trace.nodes} if trace else {}

    def _have(self, due: Sequence[Due]) -> bool:
        told = verdict.told(self.stage.hook.alerts)
        return all(told[each] for each in due)

    def _words(self, due: Sequence[Due]) -> str:
        """What the alerts say; equal ones are counted."""
        views = {verdict.due_of_view(view): view for view in self.stage.alerts()}
        found = [_short(views[each]) for each in due]
        return "; ".join(
            words if found.count(words) == 1 else f"{found.count(words)} x {words}"
            for words in dict.fromkeys(found)
        )


def _short(view: AlertView) -> str:
    alert = view.alert
    if alert.kind is AlertKind.CORRECTION:
        return f"[bold]CORRECTION[/] of {movement_short(view)}"
    if alert.lane is Lane.QUIET:
        return "quiet, no mail of its own"
    return f"{alert.severity.value.upper()} {movement_short(view)}"
