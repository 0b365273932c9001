"""The window that a command writes into."""

from __future__ import annotations

import os
import shutil
import sys

PIPE = 10_000  # columns of what is no terminal: a line each, for grep


def width() -> int:
    """Columns of the window; of a file: as many as a line needs. COLUMNS counts for both."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size().columns
    return PIPE


def page() -> int:
    """Columns for running text: of the window, in a file 100."""
    columns = width()
    return 100 if columns == PIPE else min(max(columns, 40), 160)
