"""Blockscout: its Etherscan-style API for native and internal transfers, its REST API
(version 2) for tokens, which alone reports their place in the block.

Works for an instance (`https://eth.blockscout.com`) and for the PRO API, whose address
ends with the chain's id (`https://api.blockscout.com/{chain_id}`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from monitor.chains.evm import EVM
from monitor.model import Ask, Batch, Chain, Head, Interval, Lookup, SourceConfig, Transfer
from monitor.model.balance import BalanceWord, Holding
from monitor.model.errors import (
    BadResponse,
    NotServed,
    NotYet,
    RateLimited,
    Refused,
    SourceError,
    Unavailable,
)
from monitor.model.events import Event, Moved, TxLogs
from monitor.model.trace import Profile
from monitor.net.http import Answer, Http
from monitor.net.sources import (
    acts,
    blockscout_balances,
    blockscout_profile,
    etherscan,
    etherscan_answers,
    evm_events,
    evm_more,
    evm_others,
    evm_receipts,
)
from monitor.net.sources.account_rows import height_of, parse_list
from monitor.net.sources.acts import Acts, Reported
from monitor.net.sources.ascending import walk_up
from monitor.net.sources.blockscout_answers import body_of, cursor_page, query_of, unknown
from monitor.net.sources.blockscout_rows import (
    KINDS,
    below_row,
    parse_blocks,
    parse_facts,
    parse_token_transfers,
    parse_transaction,
    token_height,
    unsure_failures,
)
from monitor.net.sources.companions import (
    Movements,
    Recent,
    with_wraps_righted,
    without_coin_twins,
    without_outermost,
)
from monitor.net.sources.evm_system import TxFacts, to_look_up
from monitor.net.sources.newest_balances import Newest, Saying, Told, served
from monitor.net.sources.paging import CursorPage, Page, Recorder, Walk, batch_of, walk_down
from monitor.net.sources.parsing import Parsed
from monitor.net.sources.profiles import Sketch

PAGE_SIZE = 1000
INDEX_LAG = 5
# How many times the lag to stay below the head while the newest blocks' internal
# transactions are being worked on.
STEPS_BACK = (1, 4, 16)
CALLS = "calls of contracts"
PARTS = (8, 512)  # of a span in the past, to get as far as its unprocessed block

TOKENS = frozenset(kind.value for kind in KINDS.values())
# Blocks by chain id in which every Deposit of the wrapped coin is reported as a burn, by the
# recorded answers: log 0xe1fffcc4 says the contrary.
WRONG_WRAPS = {10: Interval(56_198_164, 56_552_390)}


class Blockscout:
    """One chain through one Blockscout. See ports.Source."""

    axis = EVM.axis
    many = False
    list_calls = 1

    def __init__(self, config: SourceConfig, chain: Chain, http: Http) -> None:
        self.name = config.name
        self.chain = chain.key
        self.index_lag = INDEX_LAG if config.index_lag is None else config.index_lag
        self._chain = chain
        self._http = http
        self._key = config.api_key
        self._size = config.page_size or PAGE_SIZE
        ends = ("/{chain_id}", f"/{chain.chain_id}")
        self._has_rpc = config.url.rstrip("/").endswith(ends)
        self._recent = Recent()
        self._newest = Newest(self.name, self.head, head_calls=1)
        self._acts = Acts(chain)
        self.act_calls = len(acts.asked(chain))

    @property
    def bundles(self) -> tuple[frozenset[str], ...]:
        return self._acts.with_list((frozenset({"native"}), frozenset({"internal"}), TOKENS))

    @property
    def more(self) -> frozenset[str]:
        """See ports.ReadsMore. Its list of blocks that an address made tells no reward."""
        return evm_more.lists_of(self._chain, ("withdrawals",))

    def identify(self) -> None:
        if not self._has_rpc:
            return  # an instance has no documented word on its chain id
        try:
            reported = etherscan_answers.hex_answer(self._rpc("eth_chainId"), "the chain id")
        except BadResponse:
            return
        if reported != self._chain.chain_id:
            raise Refused(
                f"{self.name}: answers for chain id {reported}, but {self._chain.name} is "
                f"{self._chain.chain_id}; correct its url"
            )

    def head(self) -> Head:
        blocks = parse_blocks(self._blocks({}).rows)
        if not blocks:
            raise Unavailable(f"{self.name}: lists no blocks")
        return max(blocks, key=lambda head: head.height)

    def fetch(self, ask: Ask) -> Batch:
        if ask.streams == acts.BUNDLE:
            return self._acts.batch(self.name, ask, self._read_acts)
        recorder = Recorder(self._http)
        if ask.streams <= self.more:
            return self._withdrawals(ask, recorder)
        hi = min(ask.span.hi, ask.head.height)
        if hi < ask.span.lo:
            return batch_of(self.name, ask, Walk((), None, None), Parsed(), recorder)
        span = Interval(ask.span.lo, hi)
        if ask.streams <= TOKENS:
            walk = self._token_walk(ask, span, recorder)
            parsed = self._tokens(ask, walk, recorder)
            return batch_of(self.name, ask, walk, parsed, recorder)
        (stream,) = ask.streams
        walk, parsed = self._list(ask, recorder, stream, span)
        return batch_of(self.name, ask, walk, parsed, recorder)

    def _withdrawals(self, ask: Ask, recorder: Recorder) -> Batch:
        span = evm_more.settled(ask, self._chain)
        if span is None:
            return batch_of(self.name, ask, Walk((), None, None), Parsed(), recorder)
        address, height_of = ask.subjects[0].address, evm_more.withdrawal_height
        path = f"/api/v2/addresses/{address}/withdrawals"

        def page_of(following: Mapping[str, object]) -> CursorPage:
            return cursor_page(body_of(recorder.get(path, query_of(following)), self._key, "items"))

        walk = evm_more.only_these(
            lambda: walk_down(
                *(page_of, span, height_of, ask.cursor, ask.max_rows), evm_more.cursor_below
            ),
            *(self.name, "withdrawals of validators"),
        )
        parsed = evm_more.parse_items(walk.rows, self._chain, address)
        return batch_of(self.name, ask, walk, parsed, recorder)

    def _list(
        self, ask: Ask, recorder: Recorder, stream: str, span: Interval
    ) -> tuple[Walk, Parsed]:
        address = ask.subjects[0].address
        walk = self._list_walk(ask, span, stream, recorder)
        facts = self._facts(walk.rows, address, recorder) if stream == "native" else {}
        parsed = parse_list(stream, walk.rows, self._chain, address, facts)
        if stream == "native":
            unsure = tuple(unsure_failures(walk.rows, self._chain))
            parsed = replace(parsed, gaps=(*parsed.gaps, *unsure))
        else:
            lists = partial(self._movements, ask, recorder)
            parsed, walk = without_outermost(parsed, walk, lists, zero_is_outermost=True)
        self._recent.keep(address, stream, ask.head, Movements.of(walk, parsed))
        return walk, parsed

    def _movements(self, ask: Ask, recorder: Recorder, stream: str, span: Interval) -> Movements:
        """What another list of the address holds of a span."""
        address = ask.subjects[0].address
        read = partial(self._list, ask, recorder)
        return self._recent.ask(address, stream, ask.head, span, read)

    def _tokens(self, ask: Ask, walk: Walk, recorder: Recorder) -> Parsed:
        parsed = parse_token_transfers(walk.rows, self._chain)
        asked = tuple(t for t in parsed.transfers if t.kind in ask.streams)
        parsed = replace(parsed, transfers=asked)
        if "erc20" not in ask.streams:
            return parsed
        lists = partial(self._movements, ask, recorder)
        parsed = without_coin_twins(parsed, lists, self._chain)
        wrong = WRONG_WRAPS.get(self._chain.chain_id or 0)
        if wrong is None or not self._chain.wrapped:
            return parsed
        return with_wraps_righted(parsed, lists, self._chain, wrong)

    def _facts(
        self, rows: Sequence[object], address: str, recorder: Recorder
    ) -> dict[str, TxFacts]:
        """Of transactions of which the list does not report who paid what."""
        found: dict[str, TxFacts] = {}
        for tx in to_look_up(rows, address):
            try:
                answer = recorder.get(f"/api/v2/transactions/{tx}", {})
                found[tx] = parse_facts(body_of(answer, self._key, "hash"))
            except RateLimited:
                raise
            except SourceError:
                break  # it cannot report: the rows say what they say
        return found

    def _read_acts(self, span: Interval) -> Reported:
        recorder = Recorder(self._http)

        def page_by(params: Mapping[str, str | int]) -> Page:
            return etherscan_answers.read_logs(recorder.get("/api", params), self._key)

        walk = acts.walk_logs(self._chain, span, page_by, min(self._size, PAGE_SIZE))
        parsed = acts.parse_logs(self._chain, walk.rows)
        return Reported(parsed, walk.read, recorder, walk.gaps)

    def transaction(self, tx: str) -> Lookup:
        head = self.head()
        answer = self._http.get(f"/api/v2/transactions/{tx}")
        if unknown(answer):
            return Lookup(self.name, tx, found=False, head=head)
        return parse_transaction(self.name, tx, body_of(answer, self._key, "hash"), head)

    def fee_rest(self, fee: Transfer) -> Transfer | None:
        """See ports.TellsFees: it says the whole fee."""
        answer = self._http.get(f"/api/v2/transactions/{fee.tx}")
        if unknown(answer):
            raise NotYet(f"{self.name} does not know transaction {fee.tx}")
        paid = parse_facts(body_of(answer, self._key, "hash")).fee
        if paid is None:
            raise NotServed(f"{self.name} does not say what was paid for a transaction")
        return evm_more.rest_of(fee, paid)

    def events(self, contract: str, address: str, span: Interval) -> list[Event]:
        """See ports.ReadsEvents."""

        def rows_by(params: Mapping[str, str | int]) -> Sequence[object]:
            return etherscan_answers.read_logs(self._http.get("/api", params), self._key).rows

        return evm_events.of_explorer(self.name, rows_by, self._chain, contract, address, span)

    def others(self, stream: str, contract: str, span: Interval) -> list[Moved]:
        """See ports.SeesOthers: of tokens alone."""
        if not contract:
            raise NotServed(f"{self.name} is not asked for {stream} of a block")
        answer = self._http.get("/api", evm_others.query(contract, span))
        rows = etherscan_answers.read_logs(answer, self._key).rows
        return evm_others.logged(self._chain, contract, rows, span)

    def has_code(self, address: str) -> bool:
        """See ports.SeesOthers."""
        answer = self._http.get(f"/api/v2/addresses/{address}")
        known = answer.status != 404
        told = body_of(answer, self._key, "hash").get("is_contract") if known else None
        if not isinstance(told, bool):
            raise NotServed(f"{self.name} does not say whether {address} is a contract")
        return told

    def profile(self, address: str, most: int) -> Profile:
        """See ports.Profiles."""
        sketch = Sketch(self.name, self._chain, address)
        return blockscout_profile.read(sketch, self._http, self._key, self._node, most)

    def tx_logs(self, tx: str) -> TxLogs:
        """See ports.TellsLogs: by the receipt, else by its own pages."""
        try:
            receipt = self._node("eth_getTransactionReceipt", [tx])
        except NotServed:
            return blockscout_profile.logs_of(self.name, self._chain, self._http, self._key, tx)
        told = evm_receipts.parse_receipt(self.name, self._chain, tx, receipt)
        if evm_receipts.failed(receipt) or told.to is None:
            return told
        return blockscout_profile.with_coins(self.name, self._chain, self._http, self._key, told)

    def _node(self, method: str, params: Sequence[object]) -> object:
        """Raises NotServed where there are no such calls."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = self._http.post("/json-rpc" if self._has_rpc else "/api/eth-rpc", call)
        return blockscout_balances.call_result(served(answer, self.name, CALLS), self._key)

    def block_hash(self, height: int) -> str | None:
        if self._has_rpc:
            block = self._rpc("eth_getBlockByNumber", hex(height), False)
            return None if block is None else etherscan_answers.parse_head(block).block_hash
        answer = self._http.get(f"/api/v2/blocks/{height}")
        if unknown(answer):
            return None
        return self._block(answer, height).block_hash

    @property
    def old_heights(self) -> bool:
        """Of coins it keeps only the newest figure."""
        return False

    def balances(self, asked: Sequence[Holding], height: int | None) -> BalanceWord:
        """See ports.SeesBalances."""
        ways = blockscout_balances.Ways(self._coins, self._holding, self._account, self._listed)
        return self._newest.word(asked, height, partial(blockscout_balances.put, ways, asked))

    def balance_calls(self, asked: Sequence[Holding]) -> int:
        """See ports.SeesBalances."""
        return self._newest.calls(blockscout_balances.questions(asked))

    def _coins(self, holding: Holding, saying: Saying) -> Told:
        """As they were at the block that it names, which is looked up too."""
        answer = self._http.get(f"/api/v2/addresses/{holding.address}")
        if unknown(answer):
            return {holding: blockscout_balances.UNKNOWN}
        body = body_of(served(answer, self.name, "addresses"), self._key, "hash")
        amount, height = blockscout_balances.parse_coins(body, holding.address)
        if height is None:
            saying.undated.add(holding)
            return {holding: amount}
        head = saying.low
        if head.height != height:
            saying.calls += 1
            head = self._block(self._http.get(f"/api/v2/blocks/{height}"), height)
        saying.own[holding] = (head, head)
        return {holding: amount}

    def _holding(self, holding: Holding, saying: Saying) -> Told:
        """Of a token, as its contract has it at the newest block of this source's own lists."""
        asked = [blockscout_balances.call_of(holding), hex(saying.low.height)]
        amount = blockscout_balances.parse_word(self._node("eth_call", asked))
        saying.own[holding] = (saying.low, saying.low)
        return {holding: amount}

    def _account(self, params: Mapping[str, str]) -> object:
        """Of `module=account`: its own figures."""
        answer = self._http.get("/api", {"module": "account", **params})
        return etherscan_answers.account_result(answer, self._key)

    def _listed(self, address: str) -> object:
        answer = self._http.get(f"/api/v2/addresses/{address}/token-balances")
        if unknown(answer):
            return None
        answer = served(answer, self.name, "list of tokens")
        if answer.status >= 400:
            body_of(answer, self._key, "items")
        return answer.json()

    def _block(self, answer: Answer, height: int) -> Head:
        (block,) = parse_blocks([body_of(answer, self._key, "hash")])
        if block.height != height:
            raise BadResponse(f"{self.name} answered with another block than was asked for")
        return block

    def _list_walk(self, ask: Ask, span: Interval, stream: str, recorder: Recorder) -> Walk:
        """One Etherscan-style list. While the newest blocks' internal transactions are
        not processed, the API calls the whole range so: ask again for less of it."""
        address = ask.subjects[0].address

        def page_of(start: int, end: int, number: int, size: int) -> Page:
            action = etherscan.LISTS[stream]
            params = etherscan.list_params(action, address, start, end, number, size)
            return etherscan_answers.read_page(recorder.get("/api", params), self._key)

        def walked(hi: int) -> Walk:
            part = Interval(span.lo, hi)
            return walk_up(page_of, part, height_of, self._size, ask.max_rows)

        first = walk = walked(span.hi)
        for hi in self._lower_ends(span, ask.head):
            if not walk.unprocessed or walk.read is not None:
                return walk
            walk = walked(hi)
        if not walk.unprocessed or walk.read is not None:
            return walk
        if not first.rows:
            raise NotYet(f"{self.name}: has not processed blocks {span.lo} to {span.hi} in full")
        return first

    def _lower_ends(self, span: Interval, head: Head) -> list[int]:
        """Where the processed part may end: a little below the head, or, where the hole is
        in the past, somewhere in the span."""
        lag = max(1, self.index_lag)
        near_head = [head.height - step * lag for step in STEPS_BACK]
        inside = [span.lo + (span.hi - span.lo) // part for part in PARTS]
        return [hi for hi in (*near_head, *inside) if span.lo <= hi < span.hi]

    def _token_walk(self, ask: Ask, span: Interval, recorder: Recorder) -> Walk:
        path = f"/api/v2/addresses/{ask.subjects[0].address}/token-transfers"

        def page_of(following: Mapping[str, object]) -> CursorPage:
            # No filter by type: it would hide the types that it does not name (ERC-404).
            answer = recorder.get(path, query_of(following))
            return cursor_page(body_of(answer, self._key, "items"))

        try:
            return walk_down(page_of, span, token_height, ask.cursor, ask.max_rows, below_row)
        except (BadResponse, Refused):
            if ask.cursor is None:
                raise
        return walk_down(page_of, span, token_height, None, ask.max_rows, below_row)

    def _blocks(self, following: Mapping[str, object]) -> CursorPage:
        answer = self._http.get("/api/v2/blocks", query_of(following))
        return cursor_page(body_of(answer, self._key, "items"))

    def _rpc(self, method: str, *params: object) -> object:
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return etherscan_answers.proxy_result(self._http.post("/json-rpc", asked), self._key)
