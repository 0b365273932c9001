"""Token movements of a Tron transaction, by the logs of the node's word on it. Pure.

The list of TRC-20 transfers reports no place inside a transaction: whether two equal rows are
two payments, or one that was listed twice, only these logs can report.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from monitor.chains.address import canonical
from monitor.model import Chain, Kind, Transfer, account_leg
from monitor.model.errors import BadResponse
from monitor.model.events import Log, TxLogs
from monitor.net.sources.evm_logs import TRANSFER
from monitor.net.sources.evm_rows import number_equals
from monitor.net.sources.parsing import RowError, fields, hash32, hex_whole, items, place, text
from monitor.net.sources.tron_contracts import Common
from monitor.net.sources.tron_rows import SUCCEEDED, hash_of, moved_inside

_DATA = re.compile(r"(?:[0-9a-fA-F]{2})*\Z")


def token_legs(chain: Chain, info: object) -> Mapping[str, int] | None:
    """How often `gettransactioninfobyid` holds each TRC-20 movement, as Lookup.moved; None
    where one of its logs cannot be read."""
    try:
        logs = [fields(log) for log in items(fields(info).get("log"), "log")]
        return Counter(leg for log in logs if (leg := _leg(chain, log)) is not None)
    except ValueError:
        return None


def parse_info_logs(source: str, chain: Chain, tx: str, info: object) -> TxLogs:
    """All that `gettransactioninfobyid` holds of logs (ports.TellsLogs); their place is the one
    that they have in the transaction. Raises BadResponse."""
    try:
        told = fields(info)
        if hash_of(told.get("id"), "id") != tx:
            raise RowError("it is of another transaction")
        height = place(told.get("blockNumber"), "blockNumber")
        time = place(told.get("blockTimeStamp"), "blockTimeStamp") // 1000
        result = fields(told.get("receipt", {})).get("result")
        failed = told.get("result") == "FAILED" or result not in SUCCEEDED
        rows = [] if failed else [fields(log) for log in items(told.get("log"), "log")]
        logs = tuple(log_of(chain, log, n) for n, log in enumerate(rows))
        called = told.get("contract_address")
        to = canonical(chain, text(called, "contract_address")) if called else None
    except ValueError as error:
        raise BadResponse(f"{source}: a transaction cannot be read: {error}") from None
    drafts = [draft for log in logs if (draft := token_draft(chain, tx, log)) is not None]
    legs = [replace(leg, block_height=height, time=time) for leg in number_equals(drafts)]
    coins = [] if failed else _coins(chain, tx, height, time, told)
    return TxLogs(tx, (*legs, *coins), logs, height, time, to=to)


def _coins(
    chain: Chain, tx: str, height: int, time: int, told: Mapping[str, object]
) -> list[Transfer]:
    """Where one of them cannot be read, the logs stand alone."""
    try:
        return number_equals(moved_inside(Common(chain, tx, height, time), told))
    except ValueError:
        return []


def log_of(chain: Chain, log: Mapping[str, object], index: int) -> Log:
    """Words come without 0x, addresses without the 41 of Tron."""
    data = text(log.get("data") or "", "data")
    if not _DATA.match(data):
        raise RowError("a log's data is not hex text")
    told = items(log.get("topics"), "topics")
    topics = tuple(hash32(f"0x{text(topic, 'topic')}", "topic") for topic in told)
    contract = canonical(chain, f"41{text(log.get('address'), 'address')[-40:]}")
    return Log(contract, topics, f"0x{data.lower()}", index)


def token_draft(chain: Chain, tx: str, log: Log) -> Transfer | None:
    """A movement of TRC-20; None for another event, and for one with another than one amount."""
    if len(log.topics) != 3 or log.topics[0] != TRANSFER or len(log.data) != 66:
        return None
    sender, recipient = (canonical(chain, f"41{topic[-40:]}") for topic in log.topics[1:])
    return Transfer(
        *(chain.key, tx, "", Kind.TRC20, sender, recipient, int(log.data, 16), log.contract),
        log_index=log.log_index,
    )


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
