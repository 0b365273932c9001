"""`fundwatch demo`: the real daemon on an invented little world, and a verdict on its work.

Nothing leaves this machine. What it leaves behind is a home folder as any other, every
mail, and what the webhook receiver got.
"""

from __future__ import annotations

import importlib.util
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from monitor.demo import story
from monitor.demo.truth import Truth
from monitor.model.errors import MonitorError


def main(keep: Path | None) -> int:
    """Play the demo into a new or empty folder `keep` (none: a temporary one, which stays).

    Returns 0 when everything was recorded and told exactly once, 1 when not, 2 when it
    cannot start, 130 when interrupted.
    """
    if reason := _cannot_start(keep):
        return _refuse(reason)
    folder = (keep or Path(tempfile.mkdtemp(prefix="fundwatch-demo-"))).absolute()
    _end_with_terminal()
    try:
        return _play(folder)
    except MonitorError as error:
        return _refuse(f"\n{error}\nWhat there is so far lies in {folder}", 1)
    except KeyboardInterrupt:
        return _refuse(f"\nInterrupted. What there is so far lies in {folder}", 130)


def hands_on(folder: Path) -> int:
    """Set the world up in a new or empty folder and keep it going, for somebody who runs
    Fundwatch on it by hand. Returns as `main` does, 0 when interrupted."""
    if reason := _cannot_start(folder):
        return _refuse(reason)
    from monitor.demo.handson import serve  # noqa: PLC0415 - needs the mail server's library

    _end_with_terminal()
    try:
        serve(folder.absolute())
    except MonitorError as error:
        return _refuse(f"\n{error}", 1)
    except KeyboardInterrupt:
        sys.stdout.write(f"\nThe world has ended. What it left lies in {folder}\n")
    return 0


def _end_with_terminal() -> None:
    """Where the terminal is closed or the process is told to end, the daemon ends too, as it does
    by Ctrl-C: nobody would see any more that it runs."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def _cannot_start(folder: Path | None) -> str:
    if importlib.util.find_spec("aiosmtpd") is None:
        return "The demo needs its mail server: docs/install.md, section Extras, says how"
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        return f"{folder} is there already and not empty. Name a new folder"
    return ""


def _refuse(words: str, code: int = 2) -> int:
    sys.stderr.write(words + "\n")
    return code


def _play(folder: Path) -> int:
    # Both need the mail server's library, which only the demo asks for.
    from monitor.demo.opening import open_desk  # noqa: PLC0415
    from monitor.demo.show import BACK, Show  # noqa: PLC0415
    from monitor.demo.stage import stage  # noqa: PLC0415

    start = int(time.time()) - BACK
    world = story.ledgers(start)
    with stage(folder, world) as standing:
        truth = Truth(world, standing.entries())
        out = Console(highlight=False)
        wrong = Show(standing, truth, start, out).play()
        open_desk(standing, out)
    return 1 if wrong else 0
