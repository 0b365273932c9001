"""Which folder can be worked in."""

from __future__ import annotations

from pathlib import Path

from monitor.model.errors import ConfigError, Problem
from monitor.store.guard import DATABASE
from monitor.watchlist.file import WATCHLIST

RESTORING = "fundwatch.db.restoring"  # a restore that has not come to its end


def check_home(home: Path) -> None:
    """Raise ConfigError unless this folder can be worked in. A record alone will do: what
    was watched before the watchlist got lost stays watched."""
    if not home.is_dir():
        raise ConfigError(
            [Problem("--home", str(home), "is not a folder", "Make it with `fundwatch init`")]
        )
    if not (home / WATCHLIST).is_file() and not (home / DATABASE).is_file():
        raise ConfigError(
            [
                Problem(
                    str(home / WATCHLIST),
                    "",
                    "is not there",
                    "Make it with `fundwatch init`, or correct --home",
                )
            ]
        )
