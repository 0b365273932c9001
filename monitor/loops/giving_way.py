"""Threads that give way: their questions to a source come after those of everybody else, so that
what is followed delays nothing that is watched."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_MINE = threading.local()


def gives_way() -> bool:
    """Whether the present thread does."""
    return getattr(_MINE, "behind", False)


def give_way() -> None:
    """The present thread does, until its end."""
    _MINE.behind = True


@contextmanager
def giving_way() -> Iterator[None]:
    """The present thread does, for the length of the block."""
    before, _MINE.behind = gives_way(), True
    try:
        yield
    finally:
        _MINE.behind = before
