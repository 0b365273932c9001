"""What an EVM address is: its code, and the first page of its lists. See profiles."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from monitor.chains import wallets
from monitor.model.errors import BadResponse, NotServed
from monitor.model.trace import Code, Profile
from monitor.net.sources.account_rows import parse_list
from monitor.net.sources.paging import Page
from monitor.net.sources.parsing import RowError, hex_whole, shown
from monitor.net.sources.profiles import MOST_CALLS, Sketch

# A node's method and its arguments; the result.
Rpc = Callable[[str, Sequence[object]], object]
# A list of the address (a stream), the number of a page, rows of a page.
Listed = Callable[[str, int, int], Page]
DELEGATED = "0xef0100"  # EIP-7702: an account with a key of its own
_CODE = re.compile(r"0x(?:[0-9a-fA-F]{2})*\Z")


class Counting:
    """Counts what is asked, and knows whether one more question is allowed."""

    def __init__(self, rpc: Rpc, listed: Listed | None = None) -> None:
        self._rpc, self._listed = rpc, listed
        self.calls = 0

    @property
    def may(self) -> bool:
        return self.calls < MOST_CALLS

    def rpc(self, method: str, params: Sequence[object]) -> object:
        self.calls += 1
        return self._rpc(method, params)

    def page(self, stream: str, number: int, size: int) -> Page | None:
        """None where the source has no such list."""
        if self._listed is None:
            return None
        self.calls += 1
        try:
            return self._listed(stream, number, size)
        except NotServed:
            return None


def look(sketch: Sketch, asked: Counting) -> bool:
    """What stands at the address, and whether it has a key of its own. Where only its storage
    tells whose code it runs and nobody shows that, nothing is known of it."""
    try:
        told = asked.rpc("eth_getCode", [sketch.address, "latest"])
    except NotServed:
        return False
    code = _code(sketch.source, told)
    sketch.code, sketch.wallet = wallets.kind_of(code)
    slot = wallets.slot_of(code)
    if sketch.code is Code.CONTRACT and slot is not None:
        _look_behind(sketch, asked, code, slot)
    return sketch.code is Code.NONE or code.lower().startswith(DELEGATED)


def _look_behind(sketch: Sketch, asked: Counting, code: str, slot: str) -> None:
    try:
        kept = asked.rpc("eth_getStorageAt", [sketch.address, slot, "latest"])
        hex_whole(kept, "storage")
    except NotServed:
        sketch.code = Code.UNKNOWN
        return
    except RowError as error:
        raise BadResponse(f"{sketch.source}: {error}") from None
    sketch.code, sketch.wallet = wallets.kind_of(code, str(kept))


def by_lists(sketch: Sketch, asked: Counting, most: int, size: int) -> Profile:
    """By its transactions, counted to one more than `most`, and where they are few by its
    movements of tokens too. A contract is not counted: it is none to follow."""
    if sketch.code is Code.CONTRACT or not asked.may:
        return sketch.profile(asked.calls)
    wanted = min(most + 1, size)
    page = asked.page("native", 1, wanted)
    if page is not None:
        sketch.take(parse_list("native", page.rows, sketch.chain, sketch.address), page.rows)
        sketch.at_least |= not page.complete
        if len(page.rows) >= wanted:
            _more(sketch, asked, len(page.rows), most)
            return sketch.profile(asked.calls)
    _tokens(sketch, asked, wanted)
    return sketch.profile(asked.calls)


def _more(sketch: Sketch, asked: Counting, rows: int, most: int) -> None:
    """A page came full: whether there is one more than `most` is asked by that row alone."""
    sketch.counted, sketch.at_least = rows, True
    if rows <= most and asked.may:
        beyond = asked.page("native", most + 1, 1)
        sketch.counted = most + 1 if beyond is not None and beyond.rows else rows


def _tokens(sketch: Sketch, asked: Counting, wanted: int) -> None:
    page = asked.page("erc20", 1, wanted) if asked.may else None
    if page is None:
        sketch.at_least = True
        return
    sketch.take(parse_list("erc20", page.rows, sketch.chain, sketch.address), page.rows)
    sketch.at_least |= len(page.rows) >= wanted or not page.complete


def of_node(sketch: Sketch, rpc: Rpc) -> Profile:
    """A node counts what an address signed, and nothing that it got: there may be more. Of a
    contract it counts what it created."""
    asked = Counting(rpc)
    if look(sketch, asked):
        told = asked.rpc("eth_getTransactionCount", [sketch.address, "latest"])
        try:
            sketch.counted, sketch.at_least = hex_whole(told, "a count"), True
        except RowError as error:
            raise BadResponse(f"{sketch.source}: {error}") from None
    return sketch.profile(asked.calls)


def _code(source: str, told: object) -> str:
    if not isinstance(told, str) or not _CODE.match(told):
        raise BadResponse(f"{source}: something else than code was answered: {shown(told)[:80]}")
    return told
