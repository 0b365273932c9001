"""What addresses hold, by Blockscout.

Its own figures are those of the last time that it asked its node, which may be a day ago
(blockscout#1941, #8157): only where the block is named beside them they say anything. That is so
of coins (`/api/v2/addresses/{address}`), and neither of `balancemulti` nor of the list of tokens.
A token's contract is therefore asked itself, through the node behind (`eth_call`).

Recorded are answers of `eth_call` that refuse, and none of `/api/v2/addresses/{address}`: its
members are taken from the documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from monitor.model.balance import Holding
from monitor.model.errors import BadResponse
from monitor.net.sources.newest_balances import Saying, Told, coins_and_tokens
from monitor.net.sources.parsing import RowError, place, shown, text, whole

BALANCE_OF = "0x70a08231" + "0" * 24
# A question about one holding.
Question = Callable[[Holding, Saying], Told]
_WORD = re.compile(r"0x[0-9a-fA-F]{64}\Z")
UNKNOWN = "this source does not know the address"


def questions(asked: Sequence[Holding]) -> int:
    """How many calls it takes: the block of an address's coins is looked up besides."""
    coins, tokens = coins_and_tokens(asked)
    return 2 * len(coins) + len(tokens)


def put(of_coins: Question, of_token: Question, asked: Sequence[Holding], saying: Saying) -> None:
    coins, tokens = coins_and_tokens(asked)
    for holding in coins:
        saying.ask("coins", [holding], partial(of_coins, holding, saying))
    for holding in tokens:
        saying.ask("tokens", [holding], partial(of_token, holding, saying))


def call_of(holding: Holding) -> dict[str, str]:
    """The call that asks a token's contract."""
    return {"to": holding.contract, "data": BALANCE_OF + holding.address.removeprefix("0x")}


def parse_word(result: object) -> int:
    """What a contract answered: one word of 32 bytes. Raises RowError."""
    if not isinstance(result, str) or not _WORD.match(result):
        raise RowError(f"the token's contract answered no amount: {shown(result)}")
    return int(result, 16)


def parse_coins(body: Mapping[str, object], address: str) -> tuple[int, int]:
    """(coins, block at which they were so) of an address. Raises RowError; BadResponse for
    another address's."""
    if text(body.get("hash"), "hash").lower() != address:
        raise BadResponse("it answered for another address than was asked for")
    amount = whole(body.get("coin_balance"), "coin_balance")
    return amount, place(body.get("block_number_balance_updated_at"), "the balance's block")
