"""What a node's refusals mean: a table of words seen in the wild, by kind. Pure.

Texts of Infura, Alchemy, QuickNode, dRPC, publicnode, Ankr, 1rpc, base.org, LlamaRPC,
Tenderly, zkSync, geth, reth, Nethermind, nitro, anvil. The codes say little: providers
use the same ones for different things.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from monitor.model.errors import (
    BadResponse,
    NotServed,
    NotYet,
    RateLimited,
    Refused,
    SourceError,
    Unavailable,
)

LONGEST = 2000  # characters of a refusal that are looked at
LEAST_LIMIT = 5  # blocks; the smallest range that a provider is known to name (QuickNode)


class TooWide(Unavailable):
    """A query was refused for its size. `limit` is the most blocks it may span, if named."""

    def __init__(self, message: str, limit: int | None) -> None:
        super().__init__(message)
        self.limit = limit


class NoState(Refused):
    """The node keeps no state of this block: it prunes, and no archive stands behind it."""


class Reverted(BadResponse):
    """A contract did not answer. What follows in an error's text is the contract's own word, and
    a stranger's contract says anything: it means nothing about the node."""


_REVERTED = re.compile(
    r"\A(?:error: |err: )?(?:vm (?:exception|execution)|evm error|"
    r"(?:execution |transaction )?revert|out of gas|invalid opcode|invalid jump|"
    r"stack (?:under|over)flow)",
    re.IGNORECASE,
)
_RATE = (
    r"rate.?limit|too many requests|requests per|request (?:count|limit)|compute units|"
    r"throughput|quota|credits|daily|slow down"
)
# The list itself is not for this plan, whatever the range: publicnode answers so to every
# question for an address's logs that does not name the token contracts too.
_NOT_SERVED = (
    r"(?:specify|provide|include|contain) (?:an |the |a contract )?address|missing address|"
    r"address (?:filter |parameter |field )?is required|without (?:an |a contract )?address|"
    r"order a dedicated full node"
)
_KEY = r"unauthori[sz]ed|authenticate|api.?key|forbidden|access denied|project id|personal token"
_BEHIND = (
    r"header not found|unknown block|blocks? (?:\S+ )?not found|block requested not found|"
    r"indexing is in progress|beyond (?:the )?(?:current |latest )?(?:head|block)|"
    r"exceeds? (?:the )?(?:current|latest|head|chain)|(?:height|number) (?:is )?too high|"
    r"(?:greater|higher|larger|later) than (?:the )?(?:current |latest|newest|head|chain)|"
    r"(?:above|after|past|ahead of) (?:the )?(?:current |latest|newest|chain )?(?:head|block)|"
    r"invalid block range|cannot be found|unsupported block number|block.?out.?of.?range|"
    r"future block|block (?:\S+ )?(?:is )?not (?:yet )?(?:available|known|mined|imported)"
)
_PRUNED = (
    r"missing trie node|no state available|no historical rpc|prun(?:ed|ing)|archive|"
    r"historical state|state (?:\S+ ){0,4}(?:is )?not available|world state unavailable|"
    r"state histories (?:haven't|have not)|maximum proof window"
)
_WIDE = (
    r"\branges?\b|\btoo (?:large|big|wide|long|many (?:logs|results|blocks|records|events))|"
    r"(?:more than|at most|up to|limited to|only) [0-9][0-9,._']* ?[km]? (?:\w+ )?"
    r"(?:blocks|results|logs|records|events)|"
    r"query returned more|max(?:imum)? (?:results|logs|blocks)|response (?:size|is too)|"
    r"limit exceeded|(?:logs|results|blocks|size)\b.*\bexceeds?|exceeds?\b.*\blimit|"
    r"query timeout|timed? ?out|context deadline exceeded"
)
# Anvil says so of blocks above its newest, and of older ones whose state it does not keep.
_KEPT = re.compile(r"height is ([0-9]{1,18}) but requested was ([0-9]{1,18})\b")
# Only by paying: a limit of the plan, which no smaller question gets around.
_PLAN = r"not (?:supported|available|allowed|enabled) (?:on|in|for|with) (?:\w+ ){0,2}(?:plan|tier)"
_METHOD = r"method .*not|not (?:whitelisted|allowed|available)|unsupported method|disabled"

# What an error's words mean; the first that fits counts.
MEANINGS: tuple[tuple[re.Pattern[str], type[SourceError]], ...] = tuple(
    (re.compile(words, re.IGNORECASE), meaning)
    for words, meaning in (
        (_RATE, RateLimited),
        (_NOT_SERVED, NotServed),
        (_PRUNED, NoState),
        (_KEY, Refused),
        (_BEHIND, NotYet),
        (_WIDE, TooWide),
        (_PLAN, NotServed),
        (_METHOD, Refused),
    )
)
_CODES: Mapping[object, type[SourceError]] = {
    429: RateLimited,
    -32601: Refused,  # no such method
    -32020: TooWide,  # "backend response too large" (base.org, Optimism's proxyd)
}

_NUMBER = r"([0-9]+(?:[,._'][0-9]{3})*(?:\.[0-9]+)?)(?: ?([km])\b)?"
# The block range that a refusal names as its limit. A number of rows is no range.
_LIMIT = re.compile(
    r"(?:limit of|at most|up to an?|up to|limited to an?|limited to|ranges over|more than|within|"
    r"max(?:imum)?(?: is| of)?:?|block range(?: limit)?(?: is)?:?)\s*" + _NUMBER,
    re.IGNORECASE,
)
_OF_ROWS = re.compile(r"\b(?:logs|results|records|events|rows)\b", re.IGNORECASE)
_OF_BLOCKS = re.compile(r"\b(?:blocks?|ranges?)\b", re.IGNORECASE)


def classify(name: str, status: int, error: object) -> SourceError:
    """A JSON-RPC error (an object, or a plain text with some servers), or an HTTP 4xx or
    5xx that holds one."""
    reported: Mapping[str, object] = error if isinstance(error, dict) else {"message": error}
    said = " ".join(str(reported.get("message")).split())[:LONGEST]
    code = reported.get("code")
    message = f"{name}: {said[:200]} ({reported.get('code', f'HTTP {status}')})"
    if code == 429 or status == 429:
        return RateLimited(message)
    if code == 3 or _REVERTED.match(said):
        return Reverted(message)
    if (pair := _KEPT.search(said)) and int(pair[2]) <= int(pair[1]):
        return NoState(message)
    for words, meaning in MEANINGS:
        if words.search(said):
            return _made(meaning, message, said)
    by_code = _CODES.get(code)
    if by_code is not None:
        return _made(by_code, message, said)
    if status in (401, 402, 403):
        return Refused(message)
    if status == 413:
        return TooWide(message, None)
    return Unavailable(message) if status >= 500 else BadResponse(message)


def no_such_call(error: Refused) -> bool:
    """Whether a refusal (of `classify`) is of the method itself, on any arguments."""
    return "(-32601)" in str(error) or re.search(_METHOD, str(error), re.IGNORECASE) is not None


def _made(meaning: type[SourceError], message: str, said: str) -> SourceError:
    return TooWide(message, limit_of(said)) if meaning is TooWide else meaning(message)


def limit_of(said: str) -> int | None:
    """The most blocks that a refusal names; None where it names none, or a number of rows,
    or one so small that it must mean something else.

    >>> limit_of("You can make eth_getLogs requests with up to a 2K block range")
    2000
    """
    for named in _LIMIT.finditer(said):
        if _counts_rows(said, named):
            continue
        blocks = _number(named[1], named[2])
        if blocks >= LEAST_LIMIT:
            return blocks
    return None


def _counts_rows(said: str, named: re.Match[str]) -> bool:
    """Whether the number named counts rows: what is said beside it decides."""
    after = said[named.end() : named.end() + 24]
    unit = _OF_ROWS.search(after), _OF_BLOCKS.search(after)
    if unit[0] or unit[1]:
        first = min((u.start(), n) for n, u in enumerate(unit) if u is not None)
        return first[1] == 0
    before = said[: named.end()]
    return bool(_OF_ROWS.search(before)) and not _OF_BLOCKS.search(before)


def _number(digits: str, suffix: str | None) -> int:
    """10,000 and 10_000 and 2K and 1.5M, in whole blocks."""
    whole = re.sub(r"[,._'](?=[0-9]{3}(?![0-9]))", "", digits)
    factor = {"k": 1000, "m": 1_000_000}.get((suffix or "").lower(), 1)
    return int(float(whole) * factor)
