"""What addresses of Tron hold, by the node's own calls on TronGrid's host.

`/v1/accounts/{address}` would tell coins and all tokens in one call, but out of an index of its
own that names no block, and of an account that no TRX ever reached it tells nothing, whatever
tokens it holds. The node's `getaccount` and a constant call of the token's contract speak of the
newest block. Answers of all were recorded, and of an account that does not exist. Only where a
server does not have the node's calls, the index is asked, and its figures are said to be undated.

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
UNREACHED = "this source tells no tokens of an account that no TRX ever reached"
NUMBERED = "tokens by number (TRC-10) are not asked for"
# Path and JSON; the object that was answered.
Ask = Callable[[str, Mapping[str, str | int]], object]
# An address; the object that the index answered.
Listed = Callable[[str], object]


def put(ask: Ask, listed: Listed, asked: Sequence[Holding], saying: Saying) -> None:
    coins, tokens = coins_and_tokens(asked)
    for holding in coins:
        saying.ask("coins", [holding], partial(_coins, ask, holding))
    for holding in tokens:
        if _NUMBER.match(holding.contract):
            saying.leave([holding], NUMBERED)
        else:
            saying.ask("tokens", [holding], partial(_tokens, ask, holding))
    left = coins if saying.lacks("coins") else []
    left += [h for h in tokens if saying.lacks("tokens") and not _NUMBER.match(h.contract)]
    saying.undated.update(left)
    for address in dict.fromkeys(holding.address for holding in left):
        mine = [holding for holding in left if holding.address == address]
        saying.ask("account", mine, partial(_account, listed, address, mine))


def _account(listed: Listed, address: str, holdings: Sequence[Holding]) -> Told:
    return parse_listed(listed(address), address, holdings)


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
    _check_same(account, address)
    return whole(account.get("balance", 0), "balance")


def parse_listed(reported: object, address: str, holdings: Sequence[Holding]) -> Told:
    """Of `/v1/accounts/{address}`: an account that it does not have holds no TRX, and what it
    holds of tokens nobody knows. A token that it does not list is not held; one that is there
    twice and differently is not believed. Raises RowError."""
    page = fields(reported)
    data = page.get("data")
    if page.get("success") is not True or not isinstance(data, list) or len(data) > 1:
        raise RowError("the answer is no account")
    if not data:
        return {h: UNREACHED if h.contract else 0 for h in holdings}
    account = fields(data[0])
    _check_same(account, address)
    tokens = _tokens_of(account)
    coins = whole(account.get("balance", 0), "balance")
    return {h: tokens.get(h.contract, 0) if h.contract else coins for h in holdings}


def _tokens_of(account: Mapping[str, object]) -> dict[str, int | str]:
    found: dict[str, int | str] = {}
    for each in items(account.get("trc20"), "trc20"):
        for contract, reported in fields(each).items():
            amount = whole(reported, "a token's balance")
            twice = found.get(contract, amount) != amount
            found[contract] = "two different balances were answered" if twice else amount
    return found


def _check_same(account: Mapping[str, object], address: str) -> None:
    """Node and index write an address in either of its forms."""
    said = text(account.get("address"), "address")
    if said not in (address, base58.b58decode_check(address).hex()):
        raise RowError("the answer is about another address than was asked for")


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
