"""What is said of a fee: exact, at least, or not told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world.evm_story import CHAIN

from monitor.messages.sheets.fees import fee_words
from monitor.model import Chain

UTXO = Chain("bitcoin", "Bitcoin", "utxo", "BTC", 8, 6)


@pytest.mark.parametrize(
    ("chain", "amount", "said"),
    [
        (CHAIN, 7, "7 ETH"),
        (replace(CHAIN, chain_id=10), 7, "at least 7 ETH"),  # Ethereum's share is not listed
        (replace(CHAIN, chain_id=8453), 7, "at least 7 ETH"),
        (replace(CHAIN, chain_id=10), 0, "not told by the source"),
        (CHAIN, 0, "not told by the source"),
        (UTXO, 0, "0 ETH"),
        (None, 0, "0 ETH"),
    ],
)
def test_fee_words(chain: Chain | None, amount: int, said: str) -> None:
    """A fee of zero is none that anybody paid; a rollup's is what is known of it."""
    assert fee_words(chain, amount, f"{amount} ETH") == said
