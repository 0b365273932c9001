"""Answers of explorers, nodes and price sources as their adapters are tested on.

Those of our own making lie in tests/recordings and are always there. Recorded ones are not
ours to pass on: they lie in ../shared beside the repository, and a test that wants one is
skipped where that folder is absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from world.parts import REPO, SHARED

OWN = REPO / "tests/recordings"
RECORDED = SHARED / "explorers/recorded"
needs_recordings = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="no recorded answers beside the repository"
)


def stored(name: str) -> bytes:
    """The body of that name (`etherscan/txlist.json`): our own, else a recorded one."""
    own = OWN / name
    return (own if own.is_file() else RECORDED / name).read_bytes()


def kept(name: str) -> Any:
    return json.loads(stored(name))


def each(names: Iterable[str]) -> list[Any]:
    """Parameters for a test of bodies by name: those that are not ours want ../shared."""
    own = [name for name in names if (OWN / name).is_file()]
    others = [name for name in names if name not in own]
    return [*own, *(pytest.param(name, marks=needs_recordings, id=name) for name in others)]
