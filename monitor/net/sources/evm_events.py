"""All that one contract wrote into its logs and that names one address, whatever the event: where a
token's balance changed and no list says why.

Of few blocks all logs of the contract are read, so that also those are found that hold the
address in their data; of more only those that are indexed by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from monitor.model import Chain, Interval
from monitor.model.errors import BadResponse, NotServed, Refused
from monitor.model.events import Event
from monitor.net.sources.evm_logs import topic_of
from monitor.net.sources.evm_refusals import TooWide
from monitor.net.sources.evm_rows import told_address
from monitor.net.sources.parsing import RowError, fields, hash32, hex_whole, items, place

FEW = 20  # blocks of which all logs of a contract are read
MOST = 2000  # blocks of one question; most public nodes take it
FULL = 1000  # logs of one page of an explorer: there may be more
_PLACES = (1, 2, 3)  # of a topic that may be the address

Params = Mapping[str, str | int]


def of_node(
    name: str,
    ask: Callable[[str, Sequence[object]], object],
    chain: Chain,
    contract: str,
    address: str,
    span: Interval,
) -> list[Event]:
    """See ports.ReadsEvents."""
    _check(name, span)

    def logs_at(place: int | None) -> object:
        topics = [] if place is None else [[*[None] * place, topic_of(address)]]
        query: dict[str, object] = {"fromBlock": hex(span.lo), "toBlock": hex(span.hi)}
        query |= {"address": contract} | ({"topics": topics[0]} if topics else {})
        return ask("eth_getLogs", [query])

    try:
        logs = [log for at in _places(span) for log in items(logs_at(at), "logs")]
        return list(_naming(chain, logs, contract, address, span))
    except (TooWide, Refused, BadResponse, RowError) as error:
        raise NotServed(f"{name} cannot say what {contract} wrote: {error}") from None


def of_explorer(
    name: str,
    rows_by: Callable[[Params], Sequence[object]],
    chain: Chain,
    contract: str,
    address: str,
    span: Interval,
) -> list[Event]:
    """See ports.ReadsEvents. `rows_by` asks for one page of `getLogs`."""
    _check(name, span)
    asked = {"module": "logs", "action": "getLogs", "address": contract}
    asked |= {"fromBlock": str(span.lo), "toBlock": str(span.hi), "page": "1", "offset": str(FULL)}
    found: list[object] = []
    try:
        for at in _places(span):
            rows = rows_by(asked if at is None else {**asked, f"topic{at}": topic_of(address)})
            if len(rows) >= FULL:
                raise NotServed(f"{name}: {contract} wrote too much in these blocks")
            found += rows
        return list(_naming(chain, found, contract, address, span))
    except (Refused, BadResponse, RowError) as error:
        raise NotServed(f"{name} cannot say what {contract} wrote: {error}") from None


def _check(name: str, span: Interval) -> None:
    if span.hi - span.lo >= MOST:
        raise NotServed(f"{name}: what a contract wrote is read of at most {MOST:,} blocks")


def _places(span: Interval) -> tuple[int | None, ...]:
    return (None,) if span.hi - span.lo < FEW else _PLACES


def _naming(
    chain: Chain, logs: Sequence[object], contract: str, address: str, span: Interval
) -> Iterator[Event]:
    """Those that name the address, each once. Raises RowError for a log that cannot be read."""
    seen = set()
    word = topic_of(address)[2:]
    for log in map(fields, logs):
        if log.get("removed") is True:
            continue
        event = _event(chain, log)
        key = (event.tx, str(log.get("logIndex")))
        if event.contract != contract or event.height not in span or key in seen:
            continue
        seen.add(key)
        if word in event.data or any(topic[2:] == word for topic in event.topics[1:]):
            yield event


def _event(chain: Chain, log: Mapping[str, object]) -> Event:
    told = (topic for topic in items(log.get("topics"), "topics") if topic is not None)
    data = log.get("data") or "0x"
    if not isinstance(data, str) or not data.startswith("0x"):
        raise RowError("data is not hex text")
    return Event(
        told_address(chain, log.get("address")),
        tuple(hash32(topic, "topic") for topic in told),
        data.lower(),
        hash32(log.get("transactionHash"), "transactionHash"),
        place(hex_whole(log.get("blockNumber"), "blockNumber"), "blockNumber"),
    )
