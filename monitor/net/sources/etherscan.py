"""Etherscan API V2 and the clones that speak its dialect (Routescan, local explorers).

Blockscout's `/api?module=account` speaks it too. What answers say: etherscan_answers.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from monitor.chains.evm import EVM
from monitor.model import (
    Ask,
    Batch,
    Chain,
    Head,
    Interval,
    Lookup,
    SourceConfig,
    Transfer,
)
from monitor.model.balance import BalanceWord, Holding
from monitor.model.errors import (
    NotServed,
    RateLimited,
    Refused,
    SourceError,
    Unavailable,
)
from monitor.model.events import Event, Moved, TxLogs
from monitor.model.trace import Profile
from monitor.net.http import Http
from monitor.net.sources import (
    acts,
    etherscan_balances,
    etherscan_more,
    evm_calls,
    evm_events,
    evm_others,
    evm_profile,
    evm_receipts,
)
from monitor.net.sources.account_rows import GENESIS, height_of, parse_list
from monitor.net.sources.acts import Acts, Reported
from monitor.net.sources.ascending import walk_up
from monitor.net.sources.companions import (
    Movements,
    Recent,
    with_wraps,
    without_coin_twins,
    without_listed,
    without_outermost,
)
from monitor.net.sources.etherscan_answers import (
    account_result,
    hex_answer,
    parse_head,
    parse_receipt,
    proxy_result,
    read_logs,
    read_page,
    served_page,
    served_proxy,
)
from monitor.net.sources.evm_logs import token_legs
from monitor.net.sources.evm_more import fee_rest, settled
from monitor.net.sources.evm_system import TxFacts, facts_of, to_look_up
from monitor.net.sources.newest_balances import Newest
from monitor.net.sources.paging import Page, Recorder, Walk, batch_of
from monitor.net.sources.parsing import Parsed
from monitor.net.sources.profiles import Sketch

PAGE_SIZE = 1000  # the free plan's most since 2026-07-01
SMALLER = 10  # how many times smaller a page is that is asked for after a time-out
INDEX_LAG = 5  # blocks; undocumented, so a guess on the safe side

LAST_BLOCK = 2**31 - 1
# What the proxy calls the arguments of a node's calls.
NODE_CALLS = {
    "eth_getCode": ("address", "tag"),
    "eth_getStorageAt": ("address", "position", "tag"),
    "eth_getTransactionReceipt": ("txhash",),
}
LISTS = {
    "native": "txlist",
    "internal": "txlistinternal",
    "erc20": "tokentx",
    "erc721": "tokennfttx",
    "erc1155": "token1155tx",
}


class Etherscan:
    """One chain through one Etherscan-style endpoint. See ports.Source."""

    axis = EVM.axis
    many = False
    list_calls = 1

    def __init__(self, config: SourceConfig, chain: Chain, http: Http) -> None:
        if chain.chain_id is None:
            raise Refused(f"{config.name}: {chain.name} has no chain_id; add it to chains.yaml")
        self.name = config.name
        self.chain = chain.key
        self.index_lag = INDEX_LAG if config.index_lag is None else config.index_lag
        self._chain = chain
        self._http = http
        self._key = config.api_key
        self._size = config.page_size or PAGE_SIZE
        self._common = {"chainid": chain.chain_id}
        self._recent = Recent()
        self._newest = Newest(self.name, self.head, head_calls=2)
        self._acts = Acts(chain)
        self.act_calls = len(acts.asked(chain))

    @property
    def bundles(self) -> tuple[frozenset[str], ...]:
        return self._acts.with_list(tuple(frozenset({stream}) for stream in LISTS))

    @property
    def more(self) -> frozenset[str]:
        """See ports.ReadsMore."""
        return etherscan_more.served(self._chain)

    def identify(self) -> None:
        """Nothing to compare: the chain is named in every call, and no answer names it."""

    def head(self) -> Head:
        height = hex_answer(self._proxy("eth_blockNumber"), "the newest block's number")
        block = self._block(height)
        if block is None:
            raise Unavailable(f"{self.name}: names block {height} as newest but does not have it")
        return parse_head(block)

    def fetch(self, ask: Ask) -> Batch:
        if ask.streams == acts.BUNDLE:
            return self._acts.batch(self.name, ask, self._read_acts)
        (subject,), (stream,) = ask.subjects, ask.streams
        recorder = Recorder(self._http)
        if stream in self.more:
            return self._fetch_more(ask, recorder)
        hi = min(ask.span.hi, ask.head.height)
        if hi < ask.span.lo:
            return batch_of(self.name, ask, Walk((), None, None), Parsed(), recorder)
        walk, parsed = self._list(ask, recorder, stream, Interval(ask.span.lo, hi))
        if stream == "erc20":
            ask_for = partial(self._movements, ask, recorder)
            parsed = without_coin_twins(parsed, ask_for, self._chain)
            parsed, walk = with_wraps(parsed, walk, ask_for, self._chain, subject.address)
        return batch_of(self.name, ask, walk, parsed, recorder)

    def _fetch_more(self, ask: Ask, recorder: Recorder) -> Batch:
        span = settled(ask, self._chain)
        if span is None:
            return batch_of(self.name, ask, Walk((), None, None), Parsed(), recorder)

        def page_by(params: Mapping[str, str | int]) -> Page:
            return read_page(recorder.get("", {**self._common, **params}), self._key)

        walk, parsed = etherscan_more.read(
            *(self.name, ask, span, self._size, self._chain), page_by
        )
        if ask.streams == {"deposits"}:
            parsed = without_listed(parsed, partial(self._movements, ask, recorder))
        return batch_of(self.name, ask, walk, parsed, recorder)

    def _list(
        self, ask: Ask, recorder: Recorder, stream: str, span: Interval
    ) -> tuple[Walk, Parsed]:
        address = ask.subjects[0].address

        def ask_for(start: int, end: int, number: int, size: int) -> Page:
            params = list_params(LISTS[stream], address, start, end, number, size)
            return read_page(recorder.get("", {**self._common, **params}), self._key)

        def page_of(start: int, end: int, number: int, size: int) -> Page:
            try:
                return ask_for(start, end, number, size)
            except Unavailable as error:
                if number > 1 or size < SMALLER or "smaller" not in str(error).lower():
                    raise
            return ask_for(start, end, 1, size // SMALLER)  # a short page is never the end

        walk = walk_up(page_of, span, height_of, self._size, ask.max_rows)
        facts = self._facts(walk.rows, address, recorder) if stream == "native" else {}
        parsed = parse_list(stream, walk.rows, self._chain, address, facts)
        if stream == "internal":
            ask_for_list = partial(self._movements, ask, recorder)
            parsed, walk = without_outermost(parsed, walk, ask_for_list)
        if stream in ("native", "internal"):
            self._recent.keep(address, stream, ask.head, Movements.of(walk, parsed))
        return walk, parsed

    def _movements(self, ask: Ask, recorder: Recorder, stream: str, span: Interval) -> Movements:
        """What another list of the address holds of a span."""
        address = ask.subjects[0].address
        read = partial(self._list, ask, recorder)
        return self._recent.ask(address, stream, ask.head, span, read)

    def _facts(
        self, rows: Sequence[object], address: str, recorder: Recorder
    ) -> dict[str, TxFacts]:
        """Of transactions of which the list does not report who paid what."""
        found: dict[str, TxFacts] = {}
        for tx in to_look_up(rows, address):
            try:
                receipt = self._asked(recorder, "eth_getTransactionReceipt", txhash=tx)
                sent = self._asked(recorder, "eth_getTransactionByHash", txhash=tx)
            except RateLimited:
                raise
            except SourceError:
                break  # it cannot report: the rows say what they say
            found[tx] = facts_of(receipt, sent)
        return found

    def _asked(self, recorder: Recorder, action: str, **params: str) -> object:
        asked = {**self._common, "module": "proxy", "action": action, **params}
        return proxy_result(recorder.get("", asked), self._key)

    def _read_acts(self, span: Interval) -> Reported:
        recorder = Recorder(self._http)

        def page_by(params: Mapping[str, str | int]) -> Page:
            return read_logs(recorder.get("", {**self._common, **params}), self._key)

        walk = acts.walk_logs(self._chain, span, page_by, min(self._size, PAGE_SIZE))
        parsed = acts.parse_logs(self._chain, walk.rows)
        return Reported(parsed, walk.read, recorder, walk.gaps)

    def transaction(self, tx: str) -> Lookup:
        _refuse_genesis(self.name, tx)
        head = self.head()
        receipt = self._proxy("eth_getTransactionReceipt", txhash=tx)
        if receipt is not None:
            lookup = parse_receipt(self.name, tx, receipt, head)
            return replace(lookup, moved=token_legs(self._chain, receipt))
        # A transaction that waits has no receipt yet: only both silences mean unknown.
        waiting = self._proxy("eth_getTransactionByHash", txhash=tx)
        return Lookup(self.name, tx, found=waiting is not None, head=head)

    def fee_rest(self, fee: Transfer) -> Transfer | None:
        """See ports.TellsFees."""
        receipt = self._proxy("eth_getTransactionReceipt", txhash=fee.tx)
        return fee_rest(self.name, self._chain, fee, receipt)

    def events(self, contract: str, address: str, span: Interval) -> list[Event]:
        """See ports.ReadsEvents."""

        def rows_by(params: Mapping[str, str | int]) -> Sequence[object]:
            return read_logs(self._http.get("", {**self._common, **params}), self._key).rows

        return evm_events.of_explorer(self.name, rows_by, self._chain, contract, address, span)

    def others(self, stream: str, contract: str, span: Interval) -> list[Moved]:
        """See ports.SeesOthers: of coins by transactions of one block, for it shows no traces."""
        if contract:
            asked = {**self._common, **evm_others.query(contract, span)}
            rows = read_logs(self._http.get("", asked), self._key).rows
            return evm_others.logged(self._chain, contract, rows, span)
        if stream != "native":
            raise NotServed(f"{self.name} shows no calls inside transactions of a block")
        return evm_others.in_block(self._chain, self._block(span.lo, full=True), span.lo)

    def has_code(self, address: str) -> bool:
        """See ports.SeesOthers."""
        return evm_others.has_code(self._proxy("eth_getCode", address=address, tag="latest"))

    def profile(self, address: str, most: int) -> Profile:
        """See ports.Profiles."""
        sketch = Sketch(self.name, self._chain, address)

        def page_of(stream: str, number: int, size: int) -> Page:
            params = list_params(LISTS[stream], address, 0, LAST_BLOCK, number, size)
            return served_page(self._http.get("", {**self._common, **params}), self._key)

        asked = evm_profile.Counting(self._node, page_of)
        evm_profile.look(sketch, asked)
        return evm_profile.by_lists(sketch, asked, most, min(self._size, PAGE_SIZE))

    def tx_logs(self, tx: str) -> TxLogs:
        """See ports.TellsLogs."""
        _refuse_genesis(self.name, tx)
        receipt = self._node("eth_getTransactionReceipt", [tx])
        told = evm_receipts.parse_receipt(self.name, self._chain, tx, receipt)
        if evm_receipts.failed(receipt) or told.to is None:
            return told

        def inside() -> Sequence[object]:
            asked = {"module": "account", "action": LISTS["internal"], "txhash": tx}
            return served_page(self._http.get("", {**self._common, **asked}), self._key).rows

        return evm_calls.with_coins(self.name, self._chain, told, inside)

    def block_hash(self, height: int) -> str | None:
        block = self._block(height)
        return None if block is None else parse_head(block).block_hash

    @property
    def old_heights(self) -> bool:
        """Only a paid plan answers for old blocks."""
        return False

    def balances(self, asked: Sequence[Holding], height: int | None) -> BalanceWord:
        """See ports.SeesBalances."""
        put = partial(etherscan_balances.put, self._account, asked)
        return self._newest.word(asked, height, put)

    def balance_calls(self, asked: Sequence[Holding]) -> int:
        """See ports.SeesBalances."""
        return self._newest.calls(etherscan_balances.questions(asked))

    def _account(self, params: Mapping[str, str]) -> object:
        asked: dict[str, str | int] = {
            **self._common,
            "module": "account",
            "tag": "latest",
            **params,
        }
        return account_result(self._http.get("", asked), self._key)

    def _block(self, height: int, *, full: bool = False) -> object:
        return self._proxy("eth_getBlockByNumber", tag=hex(height), boolean=str(full).lower())

    def _node(self, method: str, params: Sequence[object]) -> object:
        """A node's call by its name, in order of NODE_CALLS. Raises NotServed where the endpoint
        has none."""
        named = dict(zip(NODE_CALLS[method], map(str, params), strict=True))
        asked = {**self._common, "module": "proxy", "action": method, **named}
        return served_proxy(self._http.get("", asked), self._key)

    def _proxy(self, action: str, **params: str) -> object:
        asked = {**self._common, "module": "proxy", "action": action, **params}
        return proxy_result(self._http.get("", asked), self._key)


def list_params(
    action: str, address: str, start: int, end: int, number: int, size: int
) -> dict[str, str | int]:
    """The query of one page of an account list. `sort` is always sent: Blockscout's own
    order is descending."""
    return {
        "module": "account",
        "action": action,
        "address": address,
        "startblock": start,
        "endblock": end,
        "page": number,
        "offset": size,
        "sort": "asc",
    }


def _refuse_genesis(name: str, tx: str) -> None:
    if GENESIS.match(tx):
        raise Refused(f"{name}: an allocation of the first block is no transaction to look up")
