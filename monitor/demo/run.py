"""`fundwatch demo`: the real daemon on an invented little world, and a verdict on its work.

Nothing leaves this machine. What it leaves behind is a home folder as any other, every
mail, and what the webhook receiver got.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from monitor.demo import story
from monitor.demo.truth import Truth
from monitor.errors import MonitorError


def main(keep: Path | None) -> int:
    """Play the demo into a new or empty folder `keep` (none: a temporary one, which stays).

    Returns 0 when everything was recorded and told exactly once, 1 when not, 2 when it
    cannot start, 130 when interrupted.
    """
    if importlib.util.find_spec("aiosmtpd") is None:
        return _refuse("The demo needs its mail server. Install it:  pip install aiosmtpd")
    if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        return _refuse(f"--keep {keep} is there already and not empty. Name a new folder")
    folder = (keep or Path(tempfile.mkdtemp(prefix="fundwatch-demo-"))).absolute()
    try:
        return _play(folder)
    except MonitorError as error:
        return _refuse(f"\n{error}\nWhat there is so far lies in {folder}", 1)
    except KeyboardInterrupt:
        return _refuse(f"\nInterrupted. What there is so far lies in {folder}", 130)


def _refuse(words: str, code: int = 2) -> int:
    sys.stderr.write(words + "\n")
    return code


def _play(folder: Path) -> int:
    # Both need the mail server's library, which only the demo asks for.
    from monitor.demo.show import BACK, Show  # noqa: PLC0415
    from monitor.demo.stage import stage  # noqa: PLC0415

    start = int(time.time()) - BACK
    world = story.ledgers(start)
    with stage(folder, world) as standing:
        truth = Truth(world, standing.entries())
        wrong = Show(standing, truth, start, Console(highlight=False)).play()
    return 1 if wrong else 0
