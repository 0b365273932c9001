"""What the parsers of price sources share: a stranger's figures, taken only where they make
sense. Pure."""

from __future__ import annotations

from decimal import Decimal

from monitor.model.errors import BadResponse, Refused
from monitor.net.http import Answer

# No coin is worth more or less than this; what says so is a fault or an attack.
LEAST, MOST = Decimal("1e-18"), Decimal("1e9")
MOST_DIGITS = 40  # a float has 17
AHEAD = 600  # seconds by which a source's clock may be ahead of ours


def figure(raw: object) -> Decimal | None:
    """A price in USD, or None for what is none."""
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        return None
    made = Decimal(raw)
    if not made.is_finite() or not LEAST <= made <= MOST:
        return None
    return made if len(made.as_tuple().digits) <= MOST_DIGITS else None


def time_of(raw: object, now: int) -> int | None:
    """The time of a price, or None for what is none or lies ahead."""
    if isinstance(raw, bool) or not isinstance(raw, int) or not 0 < raw <= now + AHEAD:
        return None
    return raw


def body(answer: Answer) -> dict[str, object]:
    """The decoded object of an answer. Raises Refused for 401, 403 and the like, BadResponse
    for other failures and for what is no object."""
    if answer.status in (401, 402, 403):
        raise Refused(f"{answer.origin}: refuses us (HTTP {answer.status}); check its key")
    if answer.status >= 400:
        raise BadResponse(f"{answer.origin}: HTTP {answer.status}")
    found = answer.json(exact=True)
    if not isinstance(found, dict):
        raise BadResponse(f"{answer.origin}: answered with something else than prices")
    return found
