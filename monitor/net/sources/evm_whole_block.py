"""A block as a node hands it out, and what of it touches members. Pure.

Blocks are matched as they came, as texts in decoded JSON, and only transactions that touch a member
are read into rows: what a block costs does not grow with the number of members. Rows come from the
parsers of an address's lists, so that they are the same whichever way a chain is read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import compress
from operator import itemgetter
from typing import Any

from monitor.model import Chain, Gap, Interval, Kind, Transfer
from monitor.model.scope import Members
from monitor.model.transfer import ruled_tx
from monitor.net.sources import acts, evm_more
from monitor.net.sources.account_rows import parse_rows
from monitor.net.sources.evm_block_rows import At, at_of, created_by, native_row, place_row
from monitor.net.sources.evm_logs import BATCH, SINGLE, parse_logs
from monitor.net.sources.evm_rows import told_address
from monitor.net.sources.evm_system import DEPOSIT, UNDEBITED, TxFacts, facts_of
from monitor.net.sources.evm_traces import Row, frames_of_tx, traces_of_tx
from monitor.net.sources.parsing import Parsed, RowError, column, fields, hash32, hex_whole

Raw = Mapping[str, Any]  # decoded JSON, as it came
Has = Callable[[object], bool]
_FROM, _TO, _PATH = (itemgetter(name) for name in ("from", "to", "traceAddress"))
_UNREADABLE = (LookupError, TypeError, AttributeError, ValueError)
_HEX = re.compile(r"0x[0-9a-fA-F]{1,16}\Z")
RULED = ("withdrawals", "rewards")  # what blocks hold that is no transaction
_NOTHING = (None, "0x0", "0x", "0x00")
_SYSTEM = frozenset(hex(kind) for kind in (DEPOSIT, *UNDEBITED))
_USUAL = frozenset(
    {None, "0x0", "0x1", "0x2", "0x3", "0x4"}
)  # types that number their senders' acts


@dataclass(slots=True)
class Block:
    at: At
    parent: str
    header: Raw
    name: str  # its hash as the node writes it
    txs: Sequence[Raw]
    logs: list[Raw] = field(default_factory=list)
    # By how the node shows them one of these; both None: not at all.
    traces: Sequence[Raw] | None = None
    frames: Sequence[Raw] | None = None  # a tree for each transaction
    doubts: list[str] = field(default_factory=list)  # what of it could not be read

    @property
    def height(self) -> int:
        return self.at.height

    @property
    def traced(self) -> bool:
        return self.traces is not None or self.frames is not None


@dataclass(slots=True)
class Touched:
    """What of a block touches members."""

    block: Block
    sent: dict[str, Raw] = field(default_factory=dict)  # transactions, by hash
    created: dict[str, str] = field(default_factory=dict)  # which contract, by transaction
    logs: list[Raw] = field(default_factory=list)
    acts: list[Raw] = field(default_factory=list)
    inner: dict[str, list[Row]] = field(default_factory=dict)  # by transaction
    failed: set[str] = field(default_factory=set)  # transactions, as their traces say
    withdrawn: list[Raw] = field(default_factory=list)
    made: bool = False  # a member made the block
    paid: list[str] = field(default_factory=list)  # transactions whose receipts are needed
    unread: list[str] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        """Transactions that rows come of, as the node writes them."""
        logs = (str(log.get("transactionHash")) for log in (*self.logs, *self.acts))
        return {*self.sent, *logs, *self.inner}

    @property
    def ruled(self) -> dict[str, str]:
        """What stands for the transactions of withdrawals and rewards: by the withdrawal's index,
        and by the block's hash, as the node writes them."""
        indexes = [str(each.get("index")) for each in self.withdrawn]
        found = {i: ruled_tx(Kind.WITHDRAWAL, int(i, 16)) for i in indexes if _HEX.match(i)}
        if self.made:
            found[self.block.name] = ruled_tx(Kind.REWARD, self.block.height)
        return found


class Matcher:
    """Of one chain."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._issuers = frozenset(issuer.contract for issuer in chain.issuers)
        self._ruled = evm_more.lists_of(chain, RULED)

    def match(self, block: Block, members: Members) -> Touched:
        found = Touched(block)
        self._sent(found, members)
        self._logs(found, members)
        if block.traces is not None:
            _traces(found, block.traces, members)
        elif block.frames is not None:
            _frames(found, block.frames, members)
        if "withdrawals" in self._ruled:
            for each in block.header.get("withdrawals") or ():
                if isinstance(each, dict) and str(each.get("address")).lower() in members:
                    found.withdrawn.append(each)
        maker = str(block.header.get("miner")).lower()
        found.made = "rewards" in self._ruled and bool(block.txs) and maker in members
        found.paid = (
            column(block.txs, "hash")
            if found.made
            else [t for t, sent in found.sent.items() if _needs_receipt(found, t, sent, members)]
        )
        return found

    def _sent(self, found: Touched, members: Members) -> None:
        for tx in _worth_reading(found.block.txs, members.has):
            try:
                sender, to = tx["from"].lower(), tx.get("to")
                if to:
                    if sender in members or to.lower() in members:
                        found.sent[tx["hash"]] = tx
                else:
                    made = _created(sender, tx)
                    if sender in members or made is None or made in members:
                        found.sent[tx["hash"]] = tx
                        found.created[tx["hash"]] = made or ""
            except _UNREADABLE:
                found.unread.append("a transaction names no sender or recipient")

    def _logs(self, found: Touched, members: Members) -> None:
        seen, has = set(), members.has
        for log in _worth_looking_at(found.block.logs, has, self._issuers):
            try:
                topics = log["topics"]
                for end in topics[2:4] if topics[0] in (SINGLE, BATCH) else topics[1:3]:
                    if has("0x" + end[26:].lower()):
                        if log["logIndex"] not in seen:  # some list a log twice
                            seen.add(log["logIndex"])
                            found.logs.append(log)
                        break
                if self._issuers and log["address"].lower() in self._issuers:
                    found.acts.append(log)
            except _UNREADABLE:
                found.unread.append("a log names no event or contract")

    def rows(
        self, found: Touched, receipts: Mapping[str, Raw], members: Members
    ) -> tuple[list[Transfer], list[Gap]]:
        """The movements that touch members, and what could not be read. `receipts` holds those
        of `found.paid`."""
        at, chain = found.block.at, self._chain
        parsed = [Parsed()]
        if found.sent:
            parsed.append(self._native(found, receipts, members))
        if found.inner:
            rows = [{**place_row(at), **row} for each in found.inner.values() for row in each]
            parsed.append(parse_rows("internal", rows, chain, members))
        if found.logs:
            parsed.append(parse_logs(chain, found.logs, members, {at.height: at.time}))
        if found.acts:
            parsed.append(acts.parse_logs(chain, found.acts, {at.height: at.time}))
        if found.withdrawn:
            parsed.append(self._withdrew(found))
        if found.made:
            parsed.append(self._rewarded(found, receipts))
        rows_ = [
            t for each in parsed for t in each.transfers if not members.isdisjoint(t.parties())
        ]
        here = Interval(at.height, at.height)
        unread = dict.fromkeys((*found.unread, *found.block.doubts))
        lost = [gap for each in parsed for gap in each.gaps]
        if not all(each.placed for each in parsed):
            unread["a row of this block names no block"] = None
        return rows_, [*lost, *(Gap(here, reason) for reason in unread)]

    def _native(self, found: Touched, receipts: Mapping[str, Raw], members: Members) -> Parsed:
        facts: dict[str, TxFacts] = {}
        rows: list[object] = []
        for tx, sent in found.sent.items():
            receipt = receipts.get(tx)
            if receipt is None:
                if not found.block.traced:
                    continue  # it moves nothing, whether it failed or not
                receipt = {
                    "status": "0x0" if tx in found.failed else "0x1",
                    "gasUsed": "0x0",
                    "contractAddress": found.created.get(tx),
                }
            try:
                rows.append(native_row(sent, receipt, found.block.at))
                facts[hash32(tx, "hash")] = facts_of(receipt, sent)
            except RowError as error:
                found.unread.append(f"transaction {str(tx)[:66]}: {error}")
        return parse_rows("native", rows, self._chain, members, facts)

    def _withdrew(self, found: Touched) -> Parsed:
        at = found.block.at
        rows: list[Transfer] = []
        for each in found.withdrawn:
            try:
                address = told_address(self._chain, each.get("address"))
                header = {"withdrawals": [each]}
                drafts = evm_more.parse_header(header, self._chain, address, at.height, at.time)
                rows += [replace(draft, block_hash=at.hash) for draft in drafts]
            except ValueError as error:
                found.unread.append(f"a withdrawal: {error}")
        return Parsed(tuple(evm_more.numbered(rows)))

    def _rewarded(self, found: Touched, receipts: Mapping[str, Raw]) -> Parsed:
        block, at = found.block, found.block.at
        try:
            all_of = [receipts[tx] for tx in column(block.txs, "hash")]
            drafts = evm_more.tips(block.header, all_of, self._chain, at.height, at.time)
            rows = [replace(draft, block_hash=at.hash) for draft in drafts]
        except _UNREADABLE as error:
            found.unread.append(f"the reward of its maker: {error}")
            return Parsed()
        return Parsed(tuple(evm_more.numbered(rows)))


def _worth_reading(txs: Sequence[Raw], has: Has) -> Sequence[Raw]:
    """Those of which an end is a member, and those that create a contract. Told by whole columns:
    it takes a fifth of the time of looking at one after the other."""
    try:
        ends = [to or "" for to in map(_TO, txs)]
        givers, takers = (map(has, map(str.lower, each)) for each in (map(_FROM, txs), ends))
        mine = zip(txs, givers, takers, ends, strict=True)
        return [tx for tx, gives, takes, to in mine if gives or takes or not to]
    except _UNREADABLE:
        return txs  # one of them names nobody: each is read by itself


def _worth_looking_at(logs: Sequence[Raw], has: Has, issuers: Set[str]) -> Sequence[Raw]:
    """Those of which a topic names a member, and those that an issuer wrote. By the different
    topics of a block, which are far fewer than those of its logs."""
    try:
        topics = column(logs, "topics")
        mine = {end for end in set[str]().union(*topics) if has("0x" + end[26:].lower())}
        written = column(logs, "address") if issuers else ()
        theirs = {address for address in set(written) if address.lower() in issuers}
        if not mine and not theirs and all(topics):
            return ()
        return [
            log
            for log, ends in zip(logs, topics, strict=True)
            if not ends or not mine.isdisjoint(ends) or (theirs and log["address"] in theirs)
        ]
    except _UNREADABLE:
        return logs  # one of them names nothing: each is looked at by itself


def _created(sender: str, tx: Raw) -> str | None:
    """Which contract a transaction creates; None: only its receipt says so."""
    if tx.get("type") not in _USUAL:
        return None
    return created_by(sender, hex_whole(tx.get("nonce"), "nonce"))


def _needs_receipt(found: Touched, tx: str, sent: Raw, members: Members) -> bool:
    """For what a member paid; and for whether it failed, where no trace says so and it would have
    moved something."""
    if sent["from"].lower() in members or found.created.get(tx) == "":
        return True
    if found.block.traced:
        return False
    plain = not sent.get("to") or sent.get("input") in ("", "0x", None)
    return plain or sent.get("value") not in _NOTHING or sent.get("type") in _SYSTEM


# -- calls inside transactions ----------------------------------------------------------------


def _worth_following(found: Touched, traces: Sequence[Raw]) -> Sequence[Raw]:
    """Those that failed, and those inside transactions. Told by whole columns."""
    try:
        paths = list(map(_PATH, traces))
        failed = [trace for trace in traces if "error" in trace]
    except _UNREADABLE:
        return traces  # one of them has no place: each is read by itself
    if not set(map(type, paths)) <= {list}:
        found.unread.append("a trace names no place")
    return [*failed, *compress(traces, paths)]


def _traces(found: Touched, traces: Sequence[Raw], members: Members) -> None:
    """Of `trace_block`."""
    touched: set[str] = set()
    for trace in _worth_following(found, traces):
        try:
            if not trace["traceAddress"]:
                if trace.get("error"):
                    found.failed.add(trace["transactionHash"])
                continue
            action = trace["action"]
            if action.get("value") in _NOTHING and "balance" not in action:
                continue
            if _names_any(trace, action, members.has):
                touched.add(trace["transactionHash"])
        except _UNREADABLE:
            found.unread.append("a trace names nobody")
    if not touched:
        return
    whole: dict[str, list[object]] = defaultdict(list)
    for trace in traces:
        if (tx := trace.get("transactionHash")) in touched:
            whole[tx].append(trace)
    for tx, each in whole.items():
        try:
            _keep(found, tx, traces_of_tx(tx, each), members)
        except ValueError as error:
            found.unread.append(f"calls inside {tx[:66]}: {error}")


def _names_any(trace: Raw, action: Raw, has: Has) -> bool:
    """Raises KeyError where one of its ends is not named: it may be anybody."""
    ends = [action.get(name) for name in ("from", "to", "address", "refundAddress")]
    ends.append((trace.get("result") or {}).get("address"))
    named = [end for end in ends if end is not None]
    if len(named) < 2 and not trace.get("error"):
        raise KeyError("an end")
    return any(has(end.lower()) for end in named)


def _frames(found: Touched, frames: Sequence[Raw], members: Members) -> None:
    """Of callTracer: trees in the order of the transactions."""
    for tx, told in zip(found.block.txs, frames, strict=True):
        try:
            top = told["result"]
            if top.get("error"):
                found.failed.add(tx["hash"])
            elif _any_touched(top.get("calls"), members):
                _keep(found, tx["hash"], frames_of_tx(tx["hash"], top), members)
        except _UNREADABLE as error:
            found.unread.append(f"calls inside {str(tx.get('hash'))[:66]}: {error}")


def _any_touched(calls: Sequence[Raw] | None, members: Members) -> bool:
    left = list(calls or ())
    while left:
        frame = left.pop()
        left += frame.get("calls") or ()
        if frame.get("value") in _NOTHING and frame.get("type") not in ("SELFDESTRUCT", "SUICIDE"):
            continue
        if frame["from"].lower() in members or str(frame.get("to")).lower() in members:
            return True
    return False


def _keep(found: Touched, tx: str, rows: Iterable[Row], members: Members) -> None:
    mine = [row for row in rows if row["from"] in members or row["to"] in members]
    if mine:
        found.inner[tx] = mine


def readable(header: object, height: int) -> Block:
    """A header with its transactions. Raises RowError."""
    told = fields(header)
    at = at_of(told)
    if at.height != height:
        raise RowError("it is another block than was asked for")
    txs = told.get("transactions")
    if not isinstance(txs, list) or not set(map(type, txs)) <= {dict}:
        raise RowError("its transactions are not there")
    parent = hash32(told.get("parentHash"), "parentHash")
    return Block(at, parent, told, str(told.get("hash")), txs)
