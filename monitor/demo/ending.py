"""The end of the demo: what was told and recorded, where it lies, and the verdict."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from monitor.demo import cast, verdict
from monitor.demo.receivers import Letter
from monitor.demo.stage import Stage
from monitor.demo.truth import Truth
from monitor.model import AlertKind, AlertView, Severity
from monitor.model.plain import plural
from monitor.store import outbox

SETTLE = 5.0  # seconds for the last mail to come
WRONG_MOST = 20  # mistakes that are printed


@dataclass
class Ending:
    stage: Stage
    truth: Truth
    out: Console

    def play(self) -> list[str]:
        """Stop the daemon, show what there is; returns what went wrong."""
        code, seconds = self._stop()
        alerts = self.stage.alerts()
        messages = self._messages()
        rows = [
            json.loads(line)
            for line in self.stage.run("transfers", "--format", "jsonl").splitlines()
        ]
        differs = (0, 1)  # the verdict says what does
        told = self.stage.run("reconcile", "--format", "jsonl", good=differs)
        held = [json.loads(line) for line in told.splitlines()]
        self._show_mail(alerts, messages)
        self._show_rows()
        self._show_alerts(alerts)
        self._show_trace()
        self._show_places()
        letters = [letter.message_id for letter in self.stage.mail.letters]
        wrong = [
            *([] if code == 0 else [f"the daemon ended with exit code {code}"]),
            *verdict.recorded_wrong(rows, self.truth),
            *verdict.told_wrong(self.stage.hook.alerts, self.truth),
            *verdict.mailed_wrong(alerts, messages, letters),
            *verdict.unequal(held),
            *verdict.traced_wrong(self._traced()),
            *[f"wrong signature: {c.message_id}" for c in self.stage.hook.calls if not c.genuine],
        ]
        self._show_verdict(wrong, len(rows), seconds, verdict.equal(held))
        return wrong

    def _stop(self) -> tuple[int, float]:
        """End the daemon; one poll then sends what waits for a storm of mails to end."""
        self.stage.until(lambda: False, SETTLE)
        code, seconds = self.stage.stop()
        before = len(self.stage.mail.letters)
        self.stage.run("poll")
        late = len(self.stage.mail.letters) - before
        if late:
            self.out.print(
                f"\n{plural(late, 'mail')} had waited: after ten about one case within ten "
                "minutes the next are collected. The webhook had them at once; "
                "`fundwatch poll` has sent them now."
            )
        return code, seconds

    def _messages(self) -> dict[tuple[str, str], str]:
        with self.stage.record() as store:
            return outbox.told_in(store)

    # -- what is shown -------------------------------------------------------------------

    def _title(self, words: str) -> None:
        self.out.print()
        self.out.rule(f"[bold]{words}[/]", align="left", style="dim")

    def _show_mail(self, alerts: list[AlertView], messages: Mapping[tuple[str, str], str]) -> None:
        letter = self._most_important(alerts, messages)
        if letter is not None:
            self._title("The most important mail, as the analyst gets it")
            words = f"Subject: {letter.subject}\n\n{letter.text.rstrip()}"
            self.out.print(words, markup=False, soft_wrap=True)

    def _most_important(
        self, alerts: list[AlertView], messages: Mapping[tuple[str, str], str]
    ) -> Letter | None:
        severe = [
            v
            for v in alerts
            if v.alert.kind is AlertKind.MOVEMENT and v.alert.severity is Severity.SEVERE
        ]
        if not severe:
            return None
        most = max(severe, key=lambda v: max(t.row.transfer.amount for t in v.transfers))
        name = messages.get((most.alert.id, "desk-mail"))
        return next((x for x in self.stage.mail.letters if x.message_id == name), None)

    def _show_rows(self) -> None:
        self._title("The record, as fundwatch transfers shows it")
        for line in self.stage.movements(self.out.width):
            self.out.print(line, markup=False, soft_wrap=True)

    def _show_alerts(self, alerts: list[AlertView]) -> None:
        self._title("Alerts by kind and lane")
        counts = Counter((v.alert.kind.value, v.alert.lane.value) for v in alerts)
        for (kind, lane), count in sorted(counts.items()):
            what = "told at once" if lane == "news" else "recorded, webhook, daily mail"
            self.out.print(f"{count:>4}  {kind:<11} {lane:<6} [dim]{what}[/]")

    def _traced(self) -> list[dict[str, Any]]:
        told = self.stage.run("trace", "show", cast.FOLLOWED, "--format", "jsonl")
        return [json.loads(line) for line in told.splitlines()]

    def _show_trace(self) -> None:
        self._title("Where the stolen money is, as fundwatch seizure tells it")
        told = self.stage.run("seizure", cast.FOLLOWED).rstrip()
        self.out.print(told, markup=False, soft_wrap=True)
        self.stage.run("trace", "picture", cast.FOLLOWED, "--out", str(self._picture))

    @property
    def _picture(self) -> Path:
        return self.stage.folder / "trace.png"

    def _show_places(self) -> None:
        self._title("Where it all lies")
        stage = self.stage
        html = len(list((stage.folder / "mails").glob("*.html")))
        places: list[tuple[str, Path, str]] = [
            ("mails", stage.folder / "mails", f"{len(stage.mail.letters)} (.eml), {html} as .html"),
            ("picture", self._picture, "where the stolen money went: `fundwatch trace picture`"),
            ("webhook", stage.hook.log, f"{len(stage.hook.calls)} messages"),
            ("home folder", stage.home, "watchlist.yaml, config/, fundwatch.db"),
            ("daemon's log", stage.folder / "daemon.log", ""),
        ]
        for name, path, what in places:
            self.out.print(f"{name:<13} {near(path)}  [dim]{what}[/]", soft_wrap=True)
        self.out.print(
            f"[dim]look around:[/]  {command()} --home {near(stage.home)} transfers\n"
            f"[dim]daily mail:[/]   {command()} --home {near(stage.home)} messages preview daily",
            soft_wrap=True,
        )

    def _show_verdict(self, wrong: list[str], rows: int, seconds: float, equal: int) -> None:
        self.out.print()
        told = sum(self.truth.alerts.values())
        if not wrong:
            self.out.print(
                f"[bold green]Right:[/] all {rows} movements are recorded once, all {told} pieces "
                "of news were told exactly once, every signature holds, "
                f"{plural(equal, 'balance')} on the chains are what the record comes to, to the "
                "last unit, what was stolen was followed to where it is now, and the daemon "
                f"stopped in {seconds:.1f} s when asked.",
            )
        for words in wrong[:WRONG_MOST]:
            self.out.print(f"[bold red]Wrong:[/] {escape(words)}")
        if len(wrong) > WRONG_MOST:
            self.out.print(f"and {len(wrong) - WRONG_MOST} more")


def command() -> str:
    """How to call Fundwatch from here."""
    installed = Path(sys.executable).with_name("fundwatch")
    return str(near(installed)) if installed.exists() else f"{sys.executable} -m monitor"


def near(path: Path) -> Path:
    """A path below the current folder without that folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
