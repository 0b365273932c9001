"""What addresses of a UTXO chain hold in mined blocks, by the totals that servers keep.

Esplora: outputs funded less outputs spent (`chain_stats`); recorded of unused addresses and of
another coin. Blockbook: `balance`, beside `unconfirmedBalance`; recorded of other coins. What
waits in the mempool is in neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from monitor.chains.address import AddressError, canonical
from monitor.model import Chain
from monitor.model.balance import Holding
from monitor.net.sources.newest_balances import NO_TOKENS, Saying, Told, coins_and_tokens
from monitor.net.sources.parsing import RowError, fields, text, whole

# Asks for an address; the object that was answered.
Ask = Callable[[str], object]
Parse = Callable[[Mapping[str, object]], int]


def put(ask: Ask, parse: Parse, chain: Chain, asked: Sequence[Holding], saying: Saying) -> None:
    coins, tokens = coins_and_tokens(asked)
    for holding in coins:
        saying.ask("coins", [holding], partial(_coins, ask, parse, chain, holding))
    saying.leave(tokens, NO_TOKENS)


def _coins(ask: Ask, parse: Parse, chain: Chain, holding: Holding) -> Told:
    answer = fields(ask(holding.address))
    reported = text(answer.get("address"), "address")
    if holding.address not in (reported, _canonical(chain, reported)):
        raise RowError("the answer is about another address than was asked for")
    return {holding: parse(answer)}


def _canonical(chain: Chain, reported: str) -> str:
    """Servers of Bitcoin Cash and Litecoin may answer in another form than they were asked in."""
    try:
        return canonical(chain, reported)
    except AddressError:
        return ""


def parse_totals(answer: Mapping[str, object]) -> int:
    """Of Esplora's `/address/{address}`. Raises RowError."""
    stats = fields(answer.get("chain_stats"))
    funded, spent = (whole(stats.get(f"{name}_txo_sum"), name) for name in ("funded", "spent"))
    if spent > funded:
        raise RowError("more is spent than ever came")
    return funded - spent


def parse_balance(answer: Mapping[str, object]) -> int:
    """Of Blockbook's `/api/v2/address/{address}`. Raises RowError."""
    return whole(answer.get("balance"), "balance")
