"""Python's collector of circles, told what stays.

By itself it looks at everything that is alive, again and again while blocks are decoded: at all
that was imported and loaded, in a process that keeps it to its end. That took a third of the time
of reading blocks, and grows with what is watched.
"""

from __future__ import annotations

import gc

# New objects until those that came since the last time are looked at. A decoded block is thousands
# of objects that hold no circles, and is gone before; Python's 700 would look at each three times.
YOUNG, MIDDLE, OLD = 50_000, 20, 20


def keep_what_is_loaded() -> None:
    """What is alive now is not looked at any more. Once, when all is loaded, in a process that runs
    on: it takes longer than a short command works."""
    gc.collect()
    gc.freeze()
    look_seldom()


def look_seldom() -> None:
    """From the beginning of work on: rows of a list, like blocks, hold no circles."""
    gc.set_threshold(YOUNG, MIDDLE, OLD)
