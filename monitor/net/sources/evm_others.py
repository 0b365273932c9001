"""What strangers moved in a few blocks, by logs of a token's contract, by a block's transactions or
by a node's traces of it: whether a list of addresses is past those blocks is asked by it. Pure.

Taken are plain movements alone, which the list of whoever got them must hold. Who got several
there is busy: its list would take many pages. What cannot be read is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from monitor.model import Chain, Interval
from monitor.model.balance import COIN
from monitor.model.errors import BadResponse, NotServed, Refused
from monitor.model.events import Moved
from monitor.net.sources import evm_blocks
from monitor.net.sources.evm_logs import TRANSFER
from monitor.net.sources.evm_refusals import TooWide
from monitor.net.sources.evm_rows import told_address
from monitor.net.sources.parsing import RowError, fields, hash32, hex_whole, items, place, whole

NEAR = 20  # blocks of a token that a node, which answers with all of them, is asked for
FAR = 2000  # blocks of one question to an explorer, which answers with one page of them
PAGE = 25  # logs of it
RESERVED = 0x10000  # nobody has an address below

Row = Mapping[str, object]


def query(contract: str, span: Interval) -> Mapping[str, str | int]:
    """What asks an explorer for one page of a token's Transfers, from the lowest block on."""
    blocks = {"fromBlock": span.lo, "toBlock": min(span.hi, span.lo + FAR - 1)}
    asked = {"module": "logs", "action": "getLogs", "address": contract, "topic0": TRANSFER}
    return {**asked, **blocks, "page": 1, "offset": PAGE}


def of_node(
    name: str, node: evm_blocks.Node, chain: Chain, stream: str, contract: str, span: Interval
) -> list[Moved]:
    """See ports.SeesOthers. Of coins it reads one block."""
    try:
        if contract != COIN:
            blocks = {"fromBlock": hex(span.lo), "toBlock": hex(min(span.hi, span.lo + NEAR - 1))}
            asked = {**blocks, "address": contract, "topics": [TRANSFER]}
            return logged(chain, contract, items(node.ask("eth_getLogs", [asked]), "logs"), span)
        if stream == "native":
            block = node.ask("eth_getBlockByNumber", [hex(span.lo), True])
            return in_block(chain, block, span.lo)
        calls = evm_blocks.calls_of(name, node, span.lo)
        return _plain(_each(lambda row: _of_call(chain, row, span.lo), calls), span)
    except (TooWide, Refused, BadResponse, RowError) as error:
        raise NotServed(f"{name} cannot say what others moved there: {error}") from None


def logged(chain: Chain, contract: str, logs: Iterable[object], span: Interval) -> list[Moved]:
    """What plain Transfers of a token its contract wrote between two blocks."""
    return _plain(_each(lambda log: _of_log(chain, contract, log), logs), span)


def in_block(chain: Chain, told: object, height: int) -> list[Moved]:
    """What the transactions of a block, given in full, paid. Raises NotServed where it is none."""
    try:
        txs = items(fields(told).get("transactions"), "transactions")
    except RowError as error:
        raise NotServed(f"block {height} is not told with its transactions: {error}") from None
    return _plain(_each(lambda tx: _of_tx(chain, tx), txs), Interval(height, height))


def has_code(told: object) -> bool:
    """Whether `eth_getCode` says that there is any. Raises BadResponse."""
    if not isinstance(told, str) or not told.startswith("0x"):
        raise BadResponse("an address's code cannot be read")
    return len(told) > len("0x")


def _each(
    read: Callable[[Row], tuple[str, Moved] | None], rows: Iterable[object]
) -> Iterator[tuple[str, Moved]]:
    """By sender, what is plain among these rows."""
    for row in rows:
        try:
            found = read(fields(row))
        except ValueError:
            continue
        if found is not None:
            yield found


def _plain(found: Iterable[tuple[str, Moved]], span: Interval) -> list[Moved]:
    inside = [(sender, moved) for sender, moved in found if moved.height in span]
    busy = Counter(moved.recipient for _, moved in inside)
    busy.update(sender for sender, _ in inside)
    return [
        moved
        for sender, moved in inside
        if busy[moved.recipient] == 1 and sender != moved.recipient and _usual(moved.recipient)
    ]


def _usual(address: str) -> bool:
    return int(address, 16) >= RESERVED


def _of_log(chain: Chain, contract: str, log: Row) -> tuple[str, Moved] | None:
    topics = [hash32(each, "topic") for each in items(log.get("topics"), "topics") if each]
    is_transfer = len(topics) == 3 and topics[0] == TRANSFER and log.get("removed") is not True
    if not is_transfer or told_address(chain, log.get("address")) != contract:
        return None
    amount, ends = hex_whole(log.get("data"), "data"), [topic[-40:] for topic in topics[1:]]
    sender, recipient = (told_address(chain, f"0x{end}") for end in ends)
    moved = _moved(log.get("transactionHash"), log.get("blockNumber"), recipient)
    return (sender, moved) if amount and recipient != contract else None


def _of_tx(chain: Chain, tx: Row) -> tuple[str, Moved] | None:
    if not tx.get("to") or tx.get("input") != "0x" or not hex_whole(tx.get("value"), "value"):
        return None
    sender, recipient = (told_address(chain, tx.get(side)) for side in ("from", "to"))
    return sender, _moved(tx.get("hash"), tx.get("blockNumber"), recipient)


def _of_call(chain: Chain, row: Row, height: int) -> tuple[str, Moved] | None:
    if row.get("type") != "call" or not whole(row.get("value"), "value"):
        return None
    sender, recipient = (told_address(chain, row.get(side)) for side in ("from", "to"))
    return sender, _moved(row.get("hash"), hex(height), recipient)


def _moved(tx: object, height: object, recipient: str) -> Moved:
    return Moved(
        hash32(tx, "hash"), place(hex_whole(height, "blockNumber"), "blockNumber"), recipient
    )
