"""Which chain of Bitcoin's kind a source answers for."""

from __future__ import annotations

from monitor.chains import landmarks
from monitor.model import Chain
from monitor.model.errors import Refused
from monitor.model.ports import Source


def foreign(source: Source, chain: Chain, why: str) -> Refused:
    return Refused(
        f"{source.name} answers for another chain than {chain.name}: {why}. Correct the "
        "url or the chain's sources"
    )


def check_landmark(source: Source, chain: Chain) -> None:
    """Raises Refused where a source shows another block than the chain's at a height where others
    differ."""
    height, expected = landmarks.of(chain.key)
    reported = source.block_hash(height) if expected else None
    if reported not in (expected, None):  # None: one that does not go so far yet
        raise foreign(source, chain, f"its block {height} is {reported}, not {expected}")
