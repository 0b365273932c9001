"""How deep Python may recurse stays as it was, whatever a library wishes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def recursion_kept() -> Iterator[None]:
    """Around imports. py_ecc, which web3 loads, allows a hundred times the usual depth, more
    than the stack of a process holds (https://github.com/ethereum/py_ecc, its `__init__`):
    nested JSON of any server would then end this process instead of being refused."""
    depth = sys.getrecursionlimit()
    try:
        yield
    finally:
        sys.setrecursionlimit(depth)
