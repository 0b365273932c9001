"""What addresses hold, by `module=account` of Etherscan's dialect.

`balance`, `balancemulti` (20 addresses a call) and `tokenbalance` name no block: `latest`. Of
`balancemulti` the result of an answer was recorded (2020), of `tokenbalance` nothing: its form is
taken from the documentation, and is that of `balance`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from monitor.model.balance import Holding
from monitor.model.errors import Unavailable
from monitor.net.sources.newest_balances import Saying, Told, coins_and_tokens, parts
from monitor.net.sources.parsing import RowError, fields, items, text, whole

MOST = 20  # addresses of one balancemulti
# Action and parameters; `result` of the answer.
Ask = Callable[[Mapping[str, str]], object]


def questions(asked: Sequence[Holding]) -> int:
    """How many calls it takes where all actions are served."""
    coins, tokens = coins_and_tokens(asked)
    return len(parts(coins, MOST)) + len(tokens)


def put(ask: Ask, asked: Sequence[Holding], saying: Saying) -> None:
    coins, tokens = coins_and_tokens(asked)
    for part in parts(coins, MOST):
        for holding in () if _together(ask, part, saying) else part:
            saying.ask("balance", [holding], partial(_coins, ask, holding))
    for holding in tokens:
        saying.ask("tokenbalance", [holding], partial(_tokens, ask, holding))


def _together(ask: Ask, part: Sequence[Holding], saying: Saying) -> bool:
    """Whether these could be asked for in one call. A clone may fail at what it does not have:
    the next question shows whether it is down."""
    try:
        return len(part) > 1 and saying.ask("balancemulti", part, partial(_several, ask, part))
    except Unavailable:
        return False


def _coins(ask: Ask, holding: Holding) -> Told:
    asked = {"action": "balance", "address": holding.address}
    return {holding: whole(ask(asked), "the balance")}


def _tokens(ask: Ask, holding: Holding) -> Told:
    asked = {"address": holding.address, "contractaddress": holding.contract}
    return {holding: whole(ask({"action": "tokenbalance", **asked}), "the balance")}


def _several(ask: Ask, holdings: Sequence[Holding]) -> Told:
    addresses = ",".join(holding.address for holding in holdings)
    return parse_several(ask({"action": "balancemulti", "address": addresses}), holdings)


def parse_several(result: object, holdings: Sequence[Holding]) -> Told:
    """Rows of `balancemulti`: what nobody asked for is left out, what is told twice and
    differently is not believed, and what Blockscout's form calls stale is no figure."""
    wanted = {holding.address: holding for holding in holdings}
    found: dict[Holding, int | str] = {}
    for reported in items(result, "result"):
        row = fields(reported)
        holding = wanted.get(text(row.get("account"), "account").lower())
        if holding is not None:
            amount = _amount(row)
            twice = found.get(holding, amount) != amount
            found[holding] = "two different balances were answered" if twice else amount
    return found


def _amount(row: Mapping[str, object]) -> int | str:
    if row.get("stale") not in (None, False, "false"):
        return "the answer calls its balance stale"
    try:
        return whole(row.get("balance"), "the balance")
    except RowError as error:
        return str(error)
