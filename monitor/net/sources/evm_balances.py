"""Asking an EVM node what addresses hold, at one block."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.model import Chain, Head
from monitor.model.balance import COIN, BalanceWord, Holding
from monitor.model.errors import BadResponse, NotYet, Refused
from monitor.net.sources.parsing import RowError, hex_whole

_BALANCE_OF = "0x70a08231" + "0" * 24
# Method and parameters; the result as decoded JSON.
Ask = Callable[[str, Sequence[object]], object]
ReadHead = Callable[[object], Head]


class BalanceReader:
    """Of one node. What it can do is learned, and kept as long as the process lives."""

    def __init__(self, name: str, chain: Chain, read_head: ReadHead) -> None:
        self._name, self._chain, self._read_head = name, chain, read_head
        self.old_heights = True

    def calls(self, asked: Sequence[Holding]) -> int:
        return 1 + len(asked)

    def read(self, ask: Ask, asked: Sequence[Holding], height: int | None) -> BalanceWord:
        """The word on these holdings at this block, or at the newest."""
        which = "latest" if height is None else hex(height)
        head = self._read_head(ask("eth_getBlockByNumber", [which, False]))
        if height is not None and head.height != height:
            raise BadResponse(f"{self._name} answered with another block than was asked for")
        said: dict[Holding, int] = {}
        unsaid: dict[Holding, str] = {}
        for holding in asked:
            try:
                said[holding] = self._one(ask, holding, hex(head.height))
            except NotYet:
                raise
            except (Refused, BadResponse, RowError) as error:
                unsaid[holding] = str(error)
        return BalanceWord(self._name, head, head, said, unsaid, self.calls(asked))

    def _one(self, ask: Ask, holding: Holding, block: str) -> int:
        if holding.contract == COIN:
            return hex_whole(ask("eth_getBalance", [holding.address, block]), "a balance")
        data = _BALANCE_OF + holding.address.removeprefix("0x")
        reported = ask("eth_call", [{"to": holding.contract, "data": data}, block])
        if not isinstance(reported, str) or len(reported) < 66:
            raise BadResponse(f"{self._name}: the token's contract answered no amount")
        return hex_whole(reported[:66], "a balance")
