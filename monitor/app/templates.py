"""The templates of mails and pages."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment

from monitor.app.settings.load import shipped_config
from monitor.messages import layout


def templates(home: Path) -> Environment:
    """The shipped ones, and before them those that people have changed."""
    return layout.environment(home / "config" / "templates", shipped_config() / "templates")
