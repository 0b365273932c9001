"""One transfer as several sources have reported it. Pure."""

from __future__ import annotations

from dataclasses import replace

from monitor.decide.absence import BLOCK_ATTRIBUTES
from monitor.model import Transfer

_ATTRIBUTES = (*BLOCK_ATTRIBUTES, "spends")


def merged(known: Transfer, reported: Transfer) -> Transfer:
    """The reported transfer, keeping attributes that only an earlier reporter knew.

    Attributes of a block are kept only while it is the same block.
    """
    if reported.pending:
        return reported
    moved = known.block_hash and reported.block_hash and known.block_hash != reported.block_hash
    if moved or known.pending or (reported.block_height or 0) != (known.block_height or 0):
        if reported.block_height is None and not moved and not known.pending:
            return _fill(known, reported)
        return replace(reported, spends=reported.spends or known.spends)
    return _fill(known, reported)


def _fill(known: Transfer, reported: Transfer) -> Transfer:
    kept = {name: getattr(known, name) for name in _ATTRIBUTES if getattr(reported, name) is None}
    return replace(reported, **kept)
