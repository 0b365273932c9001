"""The one clock."""

from __future__ import annotations

import time


def now() -> int:
    return int(time.time())
