"""Asking an EVM node what addresses hold, all at one block.

The block is named by its hash (EIP-1898) where the node takes that: behind a load balancer another
node answers for the same block, or says that it does not have it. Otherwise it is named by its
number, and its hash is compared afterwards. Addresses of one contract are asked for in one call of
Multicall3 where it stands at that block; all calls go in batches where the node takes those.

That somebody holds nothing is believed only of a node that shows contracts at this block: one that
dropped the state may answer so of everybody. (Some erigons answer an old block's question by the
newest state; nothing in the answer shows it, and a figure is never told on one node's word.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from monitor.model import Chain, Head
from monitor.model.balance import BalanceWord, Holding
from monitor.model.errors import (
    BadResponse,
    NotServed,
    NotYet,
    Refused,
    SourceError,
    Unavailable,
    WrongChain,
)
from monitor.net.http import Answer
from monitor.net.sources.evm_batch import DAY, Asking, Call, Post
from monitor.net.sources.evm_holdings import TOGETHER, Answers, Block, questions
from monitor.net.sources.evm_multicall import MULTICALL
from monitor.net.sources.evm_refusals import NoState, no_such_call
from monitor.net.sources.parsing import RowError, hex_whole

# The CREATE2 deployer, which stands at one address on nearly every chain.
_KNOWN = "0x4e59b44847b379578588920ca78fbf26c0b4956c"
KEPT = 128  # blocks whose state a node without an archive has (geth)

ReadHead = Callable[[object], Head]


class BalanceReader:
    """Of one node. What it can do is learned, and tried anew after a day: behind a load balancer
    another one may answer then."""

    def __init__(
        self,
        name: str,
        chain: Chain,
        read_head: ReadHead,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._chain, self._read_head = name, chain, read_head
        self._clock = clock
        self._asking = Asking(name, clock)
        self._past = _Past(clock)
        self._by_number_until = float("-inf")
        self._multicall = _Since()
        self._known = (_KNOWN, *([chain.wrapped] if chain.wrapped else []))

    @property
    def old_heights(self) -> bool:
        """Whether it has more than the state of the newest blocks; false for a day after it said
        that it does not. (Nodes with the last 128 blocks have the final ones; which are too old
        for one is remembered too.)"""
        return self._past.kept

    def calls(self, asked: Sequence[Holding]) -> int:
        """Requests that `read` is likely to make."""
        contracts = {(each.contract, each.shares) for each in asked}
        if self._multicall.ever:
            number, beside = max(len(contracts), -(-len(asked) // TOGETHER)), 2
        else:
            number, beside = len(asked), 2 + len(self._known)
        if self._asking.alone:
            return 3 + number + beside
        return 1 + -(-(number + beside) // self._asking.most)

    def read(self, post: Post, asked: Sequence[Holding], height: int | None) -> BalanceWord:
        """The word on these holdings at this block, or at the newest. Raises NotYet where the
        node does not have the block or its state, another SourceError where it says nothing."""
        self._past.check(self._name, height)
        counted = _Counted(post)
        head, multicall = self._begin(counted.post, height)
        answers = self._ask(counted.post, asked, head, multicall)
        if not answers.said and answers.no_state is not None:
            raise self._without_state(answers.no_state, head, height)
        if not answers.said and answers.failed is not None:
            raise _final(answers.failed)
        return BalanceWord(self._name, head, head, answers.said, answers.unsaid, counted.calls)

    def _begin(self, post: Post, height: int | None) -> tuple[Head, bool]:
        """The block, and whether Multicall3 stands there."""
        which = "latest" if height is None else hex(height)
        calls = [Call("eth_chainId", []), Call("eth_getBlockByNumber", [which, False])]
        calls.append(Call("eth_blockNumber", []))
        looks = self._multicall.unknown(height)
        if looks:
            calls.append(Call("eth_getCode", [MULTICALL, which]))
        told = self._asking.ask(post, calls, patience=0)
        chain_id = self._number(told[0], "eth_chainId")
        if self._chain.chain_id is not None and chain_id != self._chain.chain_id:
            raise WrongChain(f"{self._name} answers for chain id {chain_id}")
        head = self._read_head(_good(told[1]))
        if height is not None and head.height != height:
            raise BadResponse(f"{self._name} answered with another block than was asked for")
        self._past.newest = max(head.height, self._number(told[2], "eth_blockNumber"))
        if looks:
            if isinstance(told[3], (NoState, NotYet)):
                raise self._without_state(told[3], head, height)
            self._multicall.note(head.height, _has_code(told[3]) is True)
        return head, self._multicall.at(head.height)

    def _ask(self, post: Post, asked: Sequence[Holding], head: Head, multicall: bool) -> Answers:
        if head.block_hash and self._clock() >= self._by_number_until:
            block = {"blockHash": head.block_hash, "requireCanonical": True}
            try:
                return self._ask_at(post, asked, head, block, multicall)
            except _NotTaken:  # the hash may be the reason: only where the number does better
                answers = self._ask_by_number(post, asked, head, multicall)
                self._by_number_until = self._clock() + DAY
                return answers
        return self._ask_by_number(post, asked, head, multicall)

    def _ask_by_number(
        self, post: Post, asked: Sequence[Holding], head: Head, multicall: bool
    ) -> Answers:
        try:
            answers = self._ask_at(post, asked, head, hex(head.height), multicall)
        except _NotTaken as error:
            raise _final(error.reason) from None
        (told,) = self._asking.ask(post, [self._same(head)], patience=0)
        self._check_same(told, head)
        return answers

    def _ask_at(
        self, post: Post, asked: Sequence[Holding], head: Head, block: Block, multicall: bool
    ) -> Answers:
        """What is said of the block under this name. Raises _NotTaken."""
        answers = Answers(self._name, self._chain.chain_id, block)
        todo = questions(dict.fromkeys(asked), block, multicall)
        known = [MULTICALL] if multicall else self._known
        proof = [Call("eth_getCode", [each, block]) for each in known]
        told = self._asking.ask(post, [*proof, *(each.call for each in todo), self._same(head)])
        codes = [_has_code(each) for each in told[: len(proof)]]
        if isinstance(refused := told[0], SourceError) and _not_taken(refused):
            raise _NotTaken(refused)
        self._check_same(told[-1], head)
        reported = told[len(proof) : -1]
        while todo:
            more = [
                each
                for question, answer in zip(todo, reported, strict=True)
                for each in answers.take(question, answer)
            ]
            todo = more or answers.rest()
            reported = self._asking.ask(post, [each.call for each in todo]) if todo else []
        self._empty(post, answers, any(codes))
        if not any(codes) and not answers.any:
            answers.without_proof()
        return answers

    def _empty(self, post: Post, answers: Answers, shown: bool) -> None:
        """Of contracts that answered nothing: whether they stand there."""
        contracts = list(dict.fromkeys(each.contract for each in answers.empty))
        if not contracts:
            return
        calls = [Call("eth_getCode", [each, answers.block]) for each in contracts]
        codes = map(_has_code, self._asking.ask(post, calls))
        sure = shown or answers.together
        answers.no_code(dict(zip(contracts, codes, strict=True)), sure)

    def _same(self, head: Head) -> Call:
        return Call("eth_getBlockByNumber", [hex(head.height), False])

    def _check_same(self, reported: object, head: Head) -> None:
        """The block is still the one that stands at its height."""
        now = self._read_head(_good(reported))
        if (now.height, now.block_hash) != (head.height, head.block_hash):
            raise NotYet(f"{self._name}: block {head.height} was replaced meanwhile")

    def _without_state(self, reason: SourceError, head: Head, height: int | None) -> NotYet:
        """`height`: the block that was asked for. That a node of a load balancer is behind is no
        sign that none of them knows the past."""
        deep = self._past.newest - head.height > KEPT
        if height is not None and (isinstance(reason, NoState) or deep):
            self._past.lost(head.height)
        return NotYet(f"{self._name} does not have the state of block {head.height}: {reason}")

    def _number(self, reported: object, what: str) -> int:
        try:
            return hex_whole(_good(reported), what)
        except RowError as error:
            raise BadResponse(f"{self._name}: {error}") from None


def _good(reported: object) -> object:
    if isinstance(reported, SourceError):
        raise reported
    return reported


def _has_code(reported: object) -> bool | None:
    """None: the answer does not say."""
    if not isinstance(reported, str) or not reported.startswith("0x"):
        return None
    return len(reported) > 2


def _not_taken(error: SourceError) -> bool:
    """Whether a question was refused as it was put."""
    refused = isinstance(error, (Refused, BadResponse, Unavailable))
    return refused and not isinstance(error, NoState)


def _final(error: SourceError) -> SourceError:
    """What to raise where nothing was said: a node may serve lists and not these calls."""
    if isinstance(error, Refused) and no_such_call(error):
        return NotServed(str(error))
    return error


class _NotTaken(Exception):
    """The node does not take this name of a block."""

    def __init__(self, reason: SourceError) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass
class _Counted:
    """Counts requests."""

    send: Post
    calls: int = 0

    def post(self, payload: object) -> Answer:
        self.calls += 1
        return self.send(payload)


@dataclass
class _Past:
    """How deep below the newest block a node has no state any more."""

    clock: Callable[[], float]
    newest: int = 0
    _depth: int | None = None
    _until: float = 0.0

    @property
    def kept(self) -> bool:
        depth = self._lost_depth()
        return depth is None or depth > KEPT

    def _lost_depth(self) -> int | None:
        if self._depth is not None and self.clock() >= self._until:
            self._depth = None
        return self._depth

    def lost(self, height: int) -> None:
        depth, known = max(1, self.newest - height), self._lost_depth()
        self._depth = depth if known is None else min(known, depth)
        self._until = self.clock() + DAY

    def check(self, name: str, height: int | None) -> None:
        """Raises NotYet for a block of which the node said already that it has no state."""
        depth = self._lost_depth()
        if height is not None and depth is not None and self.newest - height >= depth:
            raise NotYet(f"{name} keeps no state of blocks so old as {height}")


@dataclass
class _Since:
    """From where on a contract stands that is never destroyed."""

    present: int | None = None  # the lowest block that showed it
    absent: int = field(default=-1)  # the highest that did not

    @property
    def ever(self) -> bool:
        return self.present is not None

    def unknown(self, height: int | None) -> bool:
        if self.present is not None and (height is None or height >= self.present):
            return False
        return height is None or height > self.absent

    def note(self, height: int, stands: bool) -> None:
        if stands:
            self.present = height if self.present is None else min(self.present, height)
        else:
            self.absent = max(self.absent, height)

    def at(self, height: int) -> bool:
        return self.present is not None and height >= self.present
