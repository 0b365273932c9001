"""What addresses hold, by Blockscout.

Its own figures are those of the last time that it asked its node, which may be a day ago
(blockscout#1941, #8157): only where the block is named beside them they say anything. That is so
of coins (`/api/v2/addresses/{address}`), and neither of `balancemulti` nor of the list of tokens.
A token's contract is therefore asked itself, through the node behind (`eth_call`). Only where
an installation has neither, its own figures are asked for, and said to be undated.

Recorded are answers of `eth_call` that refuse, and none of `/api/v2/addresses/{address}`: its
members are taken from the documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from monitor.model.balance import Holding
from monitor.model.errors import BadResponse, NotServed, SourceError
from monitor.net.http import Answer
from monitor.net.sources import etherscan_answers, etherscan_balances
from monitor.net.sources.newest_balances import Saying, Told, coins_and_tokens
from monitor.net.sources.parsing import RowError, fields, place, shown, text, whole

BALANCE_OF = "0x70a08231" + "0" * 24
# A question about one holding.
Question = Callable[[Holding, Saying], Told]
# So a refusal begins of a method that the server does not have. What a contract says of itself
# stands behind the word that it reverted.
NO_CALLS = re.compile(
    r"(?:the )?method (?:\S+ )?(?:is |does )?not (?:found|exist|supported|available|allowed)|"
    r"(?:unknown|unsupported) (?:method|module|action)|action not found",
    re.IGNORECASE,
)
_WORD = re.compile(r"0x[0-9a-fA-F]{64}\Z")
UNKNOWN = "this source does not know the address"


def questions(asked: Sequence[Holding]) -> int:
    """How many calls it takes: the block of an address's coins is looked up besides."""
    coins, tokens = coins_and_tokens(asked)
    return 2 * len(coins) + len(tokens)


@dataclass(frozen=True, slots=True)
class Ways:
    """How a Blockscout is asked: for coins and for a token with their block, for its own figures
    by `module=account`, and for its list of an address's tokens."""

    coins: Question
    token: Question
    account: etherscan_balances.Ask
    listed: Callable[[str], object]


def put(ways: Ways, asked: Sequence[Holding], saying: Saying) -> None:
    coins, tokens = coins_and_tokens(asked)
    for holding in coins:
        saying.ask("coins", [holding], partial(ways.coins, holding, saying))
    for holding in tokens:
        saying.ask("tokens", [holding], partial(ways.token, holding, saying))
    left = [h for h in coins if saying.lacks("coins") or saying.unsaid.get(h) == UNKNOWN]
    left += tokens if saying.lacks("tokens") else []
    saying.undated.update(left)
    etherscan_balances.put(ways.account, left, saying)
    if saying.lacks("tokenbalance"):
        _lists(ways, [h for h in left if h in tokens], saying)


def _lists(ways: Ways, tokens: Sequence[Holding], saying: Saying) -> None:
    for address in dict.fromkeys(holding.address for holding in tokens):
        mine = [holding for holding in tokens if holding.address == address]
        saying.ask("list of tokens", mine, partial(_listed, ways, address, mine))


def _listed(ways: Ways, address: str, holdings: Sequence[Holding]) -> Told:
    return parse_listed(ways.listed(address), holdings)


def call_of(holding: Holding) -> dict[str, str]:
    """The call that asks a token's contract."""
    return {"to": holding.contract, "data": BALANCE_OF + holding.address.removeprefix("0x")}


def call_result(answer: Answer, key: str | None) -> object:
    """What a call of a contract returned. Raises NotServed where there are no such calls."""
    try:
        return etherscan_answers.proxy_result(answer, key)
    except SourceError as error:
        if _no_calls(answer):
            raise NotServed(f"{error}: it has no calls of contracts") from None
        raise


def _no_calls(answer: Answer) -> bool:
    body = answer.json()
    error = body.get("error", body.get("message")) if isinstance(body, dict) else None
    said, code = (
        (error.get("message"), error.get("code")) if isinstance(error, dict) else (error, 0)
    )
    return code == -32601 or (isinstance(said, str) and NO_CALLS.match(said) is not None)


def parse_word(result: object) -> int:
    """What a contract answered: one word of 32 bytes. Raises RowError."""
    if not isinstance(result, str) or not _WORD.match(result):
        raise RowError(f"the token's contract answered no amount: {shown(result)}")
    return int(result, 16)


def parse_listed(reported: object, holdings: Sequence[Holding]) -> Told:
    """Of `token-balances`: what is not in the list is not held; what is there twice and
    differently is not believed."""
    if reported is None:
        return dict.fromkeys(holdings, UNKNOWN)
    if not isinstance(reported, list):
        raise RowError(f"no list of tokens: {shown(reported)}")
    found: dict[Holding, int | str] = dict.fromkeys(holdings, 0)
    wanted = {holding.contract: holding for holding in holdings}
    seen: dict[Holding, int] = {}
    for each in reported:
        row = fields(each)
        token = fields(row.get("token"))
        contract = token.get("address_hash", token.get("address"))
        holding = wanted.get(text(contract, "a token's address").lower())
        if holding is not None:
            amount = whole(row.get("value"), "value")
            twice = seen.setdefault(holding, amount) != amount
            found[holding] = "two different balances were answered" if twice else amount
    return found


def parse_coins(body: Mapping[str, object], address: str) -> tuple[int, int | None]:
    """(coins, block at which they were so) of an address; None: it does not say. Raises RowError;
    BadResponse for another address's."""
    if text(body.get("hash"), "hash").lower() != address:
        raise BadResponse("it answered for another address than was asked for")
    amount = whole(body.get("coin_balance"), "coin_balance")
    block = body.get("block_number_balance_updated_at")
    return amount, None if block is None else place(block, "the balance's block")
