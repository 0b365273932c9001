"""Published test vectors of the encodings of addresses. The facts of each file are those of the
documents that its comments name."""

from __future__ import annotations

from pathlib import Path


def rows(name: str) -> list[tuple[str, ...]]:
    """The lines of a file, split into what stands in them."""
    lines = (Path(__file__).parent / f"{name}.txt").read_text("ascii").splitlines()
    return [tuple(line.split()) for line in lines if not line.startswith("#")]


def texts(name: str) -> list[str]:
    """What stands first in each line, with its escapes undone."""
    return [row[0].encode("ascii").decode("unicode_escape") for row in rows(name)]
