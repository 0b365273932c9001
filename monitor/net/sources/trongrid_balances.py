"""What addresses of Tron hold, by the node's own calls on TronGrid's host.

`/v1/accounts/{address}` would tell coins and all tokens in one call, but out of an index of its
own that names no block, and of an account that no TRX ever reached it tells nothing, whatever
tokens it holds. The node's `getaccount` and a constant call of the token's contract speak of the
newest block. Answers of both were recorded, and of an account that does not exist.

`balance` is what can be spent. What is staked is taken out of it by the transaction that stakes,
is unstaked for 14 days and comes back by the one that withdraws it; rewards wait in `allowance`
until they are withdrawn. All of these are recorded where they enter or leave `balance`
(tron_contracts.py), so that nothing is to be added. Delegating and voting move nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import base58

from monitor.model.balance import Holding
from monitor.net.sources.newest_balances import Saying, Told, coins_and_tokens
from monitor.net.sources.parsing import RowError, fields, items, shown, text, whole

_WORD = re.compile(r"[0-9a-fA-F]{64}\Z")
_NUMBER = re.compile(r"[0-9]+\Z")
NUMBERED = "tokens by number (TRC-10) are not asked for"
# Path and JSON; the object that was answered.
Ask = Callable[[str, Mapping[str, str | int]], object]


def put(ask: Ask, asked: Sequence[Holding], saying: Saying) -> None:
    coins, tokens = coins_and_tokens(asked)
    for holding in coins:
        saying.ask("coins", [holding], partial(_coins, ask, holding))
    for holding in tokens:
        if _NUMBER.match(holding.contract):
            saying.leave([holding], NUMBERED)
        else:
            saying.ask("tokens", [holding], partial(_tokens, ask, holding))


def _coins(ask: Ask, holding: Holding) -> Told:
    asked: dict[str, str | int] = {"address": holding.address, "visible": True}
    return {holding: parse_account(ask("/wallet/getaccount", asked), holding.address)}


def _tokens(ask: Ask, holding: Holding) -> Told:
    asked: dict[str, str | int] = {
        "owner_address": holding.address,
        "contract_address": holding.contract,
        "function_selector": "balanceOf(address)",
        "parameter": base58.b58decode_check(holding.address)[1:].hex().rjust(64, "0"),
        "visible": True,
    }
    return {holding: parse_constant(ask("/wallet/triggerconstantcontract", asked))}


def parse_account(reported: object, address: str) -> int:
    """Sun that can be spent; of an account that does not exist, which is an empty object,
    nothing. A sum of 0 is left out. Raises RowError."""
    account = fields(reported)
    if not account:
        return 0
    if text(account.get("address"), "address") != address:
        raise RowError("the answer is about another address than was asked for")
    return whole(account.get("balance", 0), "balance")


def parse_constant(reported: object) -> int:
    """What a token's contract answered: one word of 32 bytes. Raises RowError."""
    answer = fields(reported)
    words = items(answer.get("constant_result"), "constant_result")
    rets = items(fields(answer.get("transaction", {})).get("ret"), "ret")
    failed = any(fields(ret).get("ret") not in (None, "SUCESS", "SUCCESS") for ret in rets)
    done = fields(answer.get("result")).get("result") is True and not failed
    word = words[0] if done and len(words) == 1 else None
    if not isinstance(word, str) or not _WORD.match(word):
        raise RowError(f"the token's contract answered no amount: {shown(words)}")
    return int(word, 16)
