"""What an address is, and what a transaction wrote, as Blockscout says it where it passes on no
calls of a node (ports.Profiles, ports.TellsLogs)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.chains import wallets
from monitor.model import Chain
from monitor.model.errors import BadResponse, NotServed, NotYet
from monitor.model.events import TxLogs
from monitor.model.trace import Code, Profile
from monitor.net.http import Http
from monitor.net.sources import (
    etherscan,
    etherscan_answers,
    evm_calls,
    evm_profile,
    evm_receipts,
)
from monitor.net.sources.blockscout_answers import body_of, cursor_page, query_of, unknown
from monitor.net.sources.evm_rows import told_address
from monitor.net.sources.newest_balances import served
from monitor.net.sources.paging import WINDOW, Page
from monitor.net.sources.parsing import fields, items, shown
from monitor.net.sources.profiles import Sketch

MOST_PAGES = 40  # of the logs of one transaction, 50 rows each
# What its `proxy_type` calls accounts that have a key and run another contract's code.
DELEGATED = "eip7702"


def read(sketch: Sketch, http: Http, key: str | None, node: evm_profile.Rpc, most: int) -> Profile:
    """By the code, else by its own word on what is a contract; then by the lists."""

    def page_of(stream: str, number: int, size: int) -> Page:
        listed = etherscan.LISTS[stream]
        params = etherscan.list_params(
            *(listed, sketch.address, 0, etherscan.LAST_BLOCK, number, size)
        )
        return etherscan_answers.served_page(http.get("/api", params), key)

    asked = evm_profile.Counting(node, page_of)
    evm_profile.look(sketch, asked)
    if sketch.code is Code.UNKNOWN and asked.may:
        asked.calls += 1
        answer = http.get(f"/api/v2/addresses/{sketch.address}")
        if answer.status != 404:
            _take(sketch, body_of(answer, key, "hash"))
    return evm_profile.by_lists(sketch, asked, most, WINDOW)


def _take(sketch: Sketch, body: Mapping[str, object]) -> None:
    """Whether it is a contract; of which wallet, by whose code it runs. Its own names of
    contracts are anybody's, so that a name alone makes no wallet."""
    try:
        if told_address(sketch.chain, body.get("hash")) != sketch.address:
            raise BadResponse(f"{sketch.source} answered with another address")
        contract = body.get("is_contract")
        if not isinstance(contract, bool):
            raise BadResponse(f"{sketch.source}: is_contract is {shown(contract)}")
        runs = [_hash_of(each) for each in items(body.get("implementations"), "implementations")]
    except ValueError as error:
        raise BadResponse(f"{sketch.source}: an address cannot be read: {error}") from None
    sketch.code = Code.CONTRACT if contract else Code.NONE
    delegated = body.get("proxy_type") == DELEGATED and len(runs) == 1
    if contract and delegated:
        sketch.code, sketch.wallet = wallets.kind_of("0xef0100" + runs[0].removeprefix("0x"))
    elif contract and len(runs) == 1 and (wallet := wallets.IMPLEMENTATIONS.get(runs[0][2:])):
        sketch.code, sketch.wallet = Code.WALLET, wallet


def _hash_of(implementation: object) -> str:
    row = fields(implementation)
    return str(row.get("address_hash") or row.get("address")).lower()


def logs_of(name: str, chain: Chain, http: Http, key: str | None, tx: str) -> TxLogs:
    """By the transaction, and the pages of its logs. Raises NotServed for more than are read."""
    path = f"/api/v2/transactions/{tx}"
    answer = http.get(path)
    if unknown(answer):
        raise NotYet(f"{name} does not know transaction {tx}")
    told = body_of(served(answer, name, "transactions"), key, "hash")
    rows: list[object] = []
    following: Mapping[str, object] = {}
    for _ in range(MOST_PAGES):
        listed = served(http.get(f"{path}/logs", query_of(following)), name, "logs")
        page = cursor_page(body_of(listed, key, "items"))
        rows += page.rows
        if page.following is None:
            found = evm_receipts.parse_rest(name, chain, tx, told, rows)
            moved = told.get("status") != "error" and found.to is not None
            return with_coins(name, chain, http, key, found) if moved else found
        following = page.following
    raise NotServed(f"{name}: transaction {tx} wrote more than {MOST_PAGES} pages of logs")


def with_coins(name: str, chain: Chain, http: Http, key: str | None, told: TxLogs) -> TxLogs:
    """By the list of its calls, where that is whole."""

    def inside() -> Sequence[object]:
        asked = {"module": "account", "action": etherscan.LISTS["internal"], "txhash": told.tx}
        page = etherscan_answers.served_page(http.get("/api", asked), key)
        if not page.complete:
            raise NotYet(f"{name} has not processed the calls of {told.tx} yet")
        return page.rows

    return evm_calls.with_coins(name, chain, told, inside)
