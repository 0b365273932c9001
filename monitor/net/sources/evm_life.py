"""Asking an EVM node for the signs of life of many addresses, all at one block.

An account that never sent anything and never was a contract has nonce 0 and no code; what it was
ever given it still holds, with few exceptions (docs/operating.md names them). One request is a
JSON-RPC batch: the chain's id, the block, the nonces, and the rest of all addresses by one call of
evm_life_code's program, or one call each where a node does not run that.

Nothing is concluded from an error or from what is missing. In each request a few contracts that are
found on nearly every chain, and the tokens themselves, are looked at too: a node that knows none of
them, and sees nothing of any address, has no state of the chain, and would say so of everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from monitor.model import Chain, Head
from monitor.model.errors import (
    BadResponse,
    NotServed,
    RateLimited,
    SourceError,
    WrongChain,
)
from monitor.model.life import AT_ONCE, LifeWord
from monitor.net.sources.evm_batch import Call, Narrower, Post, narrower, results
from monitor.net.sources.evm_life_code import CODE, COINS, MUTE, TOKENS, call_data
from monitor.net.sources.parsing import RowError, hex_whole, shown

LEAST = 5  # a node that takes no more calls at once is not asked this way
# Deployed at one address on nearly every chain: the CREATE2 deployer, Multicall3.
KNOWN = (
    "0x4e59b44847b379578588920ca78fbf26c0b4956c",
    "0xca11bde05977b3631167028862be2a173976ca11",
)
_BALANCE_OF = "0x70a08231" + "0" * 24
# Reads the block as the node gives it.
ReadHead = Callable[[object], Head]


class LifeReader:
    """Of one node. What it takes is learned, and kept as long as the process lives."""

    def __init__(self, name: str, chain: Chain, read_head: ReadHead) -> None:
        self._name, self._chain, self._read_head = name, chain, read_head
        self._most = AT_ONCE
        self._least_refused = AT_ONCE + 1
        self._runs_code = True  # it takes the program

    def read(
        self, post: Post, addresses: Sequence[str], tokens: Sequence[str], height: int
    ) -> LifeWord:
        """The word on these addresses at this block. Raises NotServed where the node takes no
        requests of this kind, another SourceError where it cannot say it of all of them now."""
        found = _Found(self._name)
        left = list(dict.fromkeys(addresses))
        while left:
            part = left[: self._most]
            found.calls += 1
            try:
                self._ask(post, part, tokens, height, found)
            except Narrower as error:
                self._give_way(len(part), error.reason)
                continue
            except RateLimited:
                self._most = max(LEAST, self._most // 2)  # some count every question
                raise
            left = left[len(part) :]
            if self._most * 2 < self._least_refused:
                self._most *= 2
        return found.word()

    def _give_way(self, refused: int, why: SourceError) -> None:
        """Ask for fewer at once, at last without the program. Raises NotServed."""
        if refused // 2 >= LEAST:
            self._least_refused, self._most = refused, refused // 2
        elif self._runs_code:
            self._runs_code, self._most, self._least_refused = False, AT_ONCE, AT_ONCE + 1
        else:
            raise NotServed(f"{self._name} does not take many questions in one request: {why}")

    def _ask(
        self,
        post: Post,
        part: Sequence[str],
        tokens: Sequence[str],
        height: int,
        found: _Found,
    ) -> None:
        block = hex(height)
        known = [*dict.fromkeys([*tokens, *KNOWN, *([w] if (w := self._chain.wrapped) else [])])]
        calls = [Call("eth_chainId", []), Call("eth_getBlockByNumber", [block, False])]
        calls += [Call("eth_getTransactionCount", [each, block]) for each in part]
        if self._runs_code:
            data = call_data([*known, *part], tokens)
            calls.append(Call("eth_call", [{"data": data}, block]))
        else:
            calls += [Call("eth_getCode", [each, block]) for each in known]
            calls += [each for address in part for each in _plainly(address, tokens, block)]
        answers = iter(results(self._name, post, calls))
        self._check_chain(next(answers))
        found.at(self._head(next(answers), height))
        nonces = [next(answers) for _ in part]
        if all(isinstance(each, SourceError) for each in nonces):
            raise cast(SourceError, nonces[0])  # it has no state of this block
        rest = list(answers)
        if self._runs_code:
            flags = self._flags(rest[0], len(known) + len(part))
        else:
            flags = _plain_flags(rest, known, part, tokens)
        if not any(flag is None or flag for flag in flags) and not any(map(_sent, nonces)):
            raise BadResponse(
                f"{self._name} shows none of the contracts that stand on every chain: it does not "
                f"have the state of block {height}"
            )
        for address, nonce, flag in zip(part, nonces, flags[len(known) :], strict=True):
            found.add(address, nonce, flag)

    def _check_chain(self, reported: object) -> None:
        if isinstance(reported, SourceError):
            raise reported
        chain_id = self._number(reported, "eth_chainId")
        if self._chain.chain_id is not None and chain_id != self._chain.chain_id:
            raise WrongChain(f"{self._name} answers for chain id {chain_id}")

    def _head(self, reported: object, height: int) -> Head:
        if isinstance(reported, SourceError):
            raise reported
        head = self._read_head(reported)
        if head.height != height:
            raise BadResponse(f"{self._name} answered with another block than was asked for")
        return head

    def _number(self, reported: object, what: str) -> int:
        try:
            return hex_whole(reported, what)
        except RowError as error:
            raise BadResponse(f"{self._name}: {error}") from None

    def _flags(self, reported: object, count: int) -> list[int | None]:
        """What the program returned, a number each."""
        if isinstance(reported, SourceError):
            raise narrower(reported)
        text = reported if isinstance(reported, str) else ""
        try:
            data = bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            data = b""
        if not text.startswith("0x") or len(data) != 32 + count or max(data[32:], default=0) > 15:
            raise narrower(BadResponse(f"{self._name} does not run a program: {shown(reported)}"))
        chain_id = int.from_bytes(data[:32], "big")
        if self._chain.chain_id is not None and chain_id != self._chain.chain_id:
            raise WrongChain(f"{self._name} looked at chain id {chain_id}")
        return list(data[32:])


def _plainly(address: str, tokens: Sequence[str], block: str) -> Iterator[Call]:
    yield Call("eth_getBalance", [address, block])
    yield Call("eth_getCode", [address, block])
    for token in tokens:
        data = _BALANCE_OF + address.removeprefix("0x")
        yield Call("eth_call", [{"to": token, "data": data}, block])


def _plain_flags(
    answers: Sequence[object], known: Sequence[str], part: Sequence[str], tokens: Sequence[str]
) -> list[int | None]:
    """As the program's; None: an answer failed or cannot be read. `known` begins with `tokens`."""
    left = iter(answers)
    codes = [_code(next(left)) for _ in known]
    flags: list[int | None] = [*codes]
    for _ in part:
        seen = [_holds(next(left), COINS), _code(next(left))]
        seen += [_token(next(left), codes[n]) for n in range(len(tokens))]
        flags.append(None if None in seen else sum({flag for flag in seen if flag}))
    return flags


def _token(reported: object, code: int | None) -> int | None:
    """What a token says of a holder; without code it holds nothing for anybody."""
    if code == 0 and (reported == "0x" or isinstance(reported, SourceError)):
        return 0
    word = isinstance(reported, str) and len(reported) >= 66
    return _holds(str(reported)[:66], TOKENS) if word else MUTE


def _holds(reported: object, flag: int) -> int | None:
    try:
        return flag if hex_whole(reported, "a balance") else 0
    except RowError:
        return None


def _code(reported: object) -> int | None:
    if not isinstance(reported, str) or not reported.startswith("0x"):
        return None
    return CODE if len(reported) > 2 else 0


def _sent(nonce: object) -> bool:
    try:
        return hex_whole(nonce, "a nonce") > 0
    except RowError:
        return False


@dataclass
class _Found:
    """What was said so far."""

    source: str
    calls: int = 0
    head: Head | None = None
    none: list[str] = field(default_factory=list)
    signs: dict[str, str] = field(default_factory=dict)
    unsaid: dict[str, str] = field(default_factory=dict)

    def at(self, head: Head) -> None:
        if self.head is not None and self.head.block_hash != head.block_hash:
            raise BadResponse(f"{self.source} shows two blocks {head.height}")
        self.head = head

    def add(self, address: str, nonce: object, flag: int | None) -> None:
        try:
            sent = hex_whole(nonce, "nonce")
        except RowError as error:
            self.unsaid[address] = str(nonce if isinstance(nonce, SourceError) else error)
            return
        seen = [f"nonce {sent}"] if sent else []
        seen += [word for bit, word in _SIGNS.items() if flag is not None and flag & bit]
        if seen:
            self.signs[address] = ", ".join(seen)
        elif flag is None:
            self.unsaid[address] = f"{self.source} left a question about it unanswered"
        elif flag & MUTE:
            self.unsaid[address] = "a verified token gave no answer"
        else:
            self.none.append(address)

    def word(self) -> LifeWord:
        if self.head is None:
            raise BadResponse(f"{self.source} was asked about no address")
        none = frozenset(self.none)
        return LifeWord(self.source, self.head, none, self.signs, self.unsaid, self.calls)


_SIGNS: Mapping[int, str] = {COINS: "coins", CODE: "code", TOKENS: "verified tokens"}
