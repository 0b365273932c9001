"""Token movements of a Tron transaction, by the logs of the node's word on it. Pure.

The list of TRC-20 transfers reports no place inside a transaction: whether two equal rows are
two payments, or one that was listed twice, only these logs can report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from monitor.chains.address import canonical
from monitor.model import Chain, Kind, account_leg
from monitor.net.sources.evm_logs import TRANSFER
from monitor.net.sources.parsing import fields, hash32, hex_whole, items, text


def token_legs(chain: Chain, info: object) -> Mapping[str, int] | None:
    """How often `gettransactioninfobyid` holds each TRC-20 movement, as Lookup.moved; None
    where one of its logs cannot be read."""
    try:
        logs = [fields(log) for log in items(fields(info).get("log"), "log")]
        return Counter(leg for log in logs if (leg := _leg(chain, log)) is not None)
    except ValueError:
        return None


def _leg(chain: Chain, log: Mapping[str, object]) -> str | None:
    """The leg without its ordinal; None for another event. Words come without 0x, addresses
    without the 41 of Tron."""
    told = items(log.get("topics"), "topics")
    topics = [hash32(f"0x{text(topic, 'topic')}", "topic") for topic in told]
    if len(topics) != 3 or topics[0] != TRANSFER:
        return None
    written = (text(log.get("address"), "address"), *topics[1:])
    contract, sender, recipient = (canonical(chain, f"41{reported[-40:]}") for reported in written)
    amount = hex_whole(f"0x{text(log.get('data'), 'data')}", "data")
    leg = account_leg(Kind.TRC20, contract, None, sender, recipient, amount, 0)
    return leg.rpartition("|")[0]
