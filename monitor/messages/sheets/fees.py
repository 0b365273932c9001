"""How sure a fee is. Lists of explorers tell gas used and its price, which is not all of it."""

from __future__ import annotations

from monitor.chains.table import family_of
from monitor.model import Chain

UNTOLD = "not told by the source"


def fee_words(chain: Chain | None, amount: int, words: str) -> str:
    """`words` say the amount. Where signers pay, nobody pays nothing: a fee of zero is one that
    was not told; on some rollups a fee is what is known of it.

    >>> fee_words(None, 0, "0 ETH")
    '0 ETH'
    """
    if chain is None or not family_of(chain).signed:
        return words
    if amount == 0:
        return UNTOLD
    return f"at least {words}" if family_of(chain).fees_in_part(chain) else words
