"""The questions that tell what addresses hold, and what the answers say. Pure.

An amount is one word of 32 bytes and nothing else. A stranger's contract answers what it likes:
what is no such word is left unsaid with its reason, and takes no other holding with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.model.balance import COIN, Holding
from monitor.model.errors import BadResponse, NotYet, SourceError, WrongChain
from monitor.net.sources.evm_batch import Call
from monitor.net.sources.evm_multicall import CHAIN_ID, COINS_OF, MULTICALL, decode, encode
from monitor.net.sources.evm_refusals import NoState, Reverted
from monitor.net.sources.parsing import RowError, hex_whole

TOGETHER = 200  # addresses in one call of Multicall3
APART = 16  # so many, and fewer, are not asked for in halves but one by one
_WORD = 32
# Functions that tell an amount, or shares, by the name that config/assets.yaml has for them.
_SELECTORS: Mapping[str, str] = {
    "": "70a08231",  # balanceOf(address)
    "sharesOf": "f5eb42dc",
    "scaledBalanceOf": "1da24f3e",
}
_Contract = tuple[str, str]  # and the function that is asked
Block = object  # as JSON-RPC names one: a number, or a hash


@dataclass(frozen=True, slots=True)
class Question:
    """One call, and the holdings that its answer is about."""

    call: Call
    holdings: tuple[Holding, ...]
    together: bool = False  # by Multicall3


def questions(asked: Iterable[Holding], block: Block, multicall: bool) -> list[Question]:
    """What to ask for these, those of one contract in one call where Multicall3 is there."""
    by_contract: dict[_Contract, list[Holding]] = defaultdict(list)
    for holding in asked:
        by_contract[_contract(holding)].append(holding)
    found: list[Question] = []
    for holdings in by_contract.values():
        if multicall and len(holdings) > 1:
            parts = range(0, len(holdings), TOGETHER)
            found += [_together(holdings[n : n + TOGETHER], block) for n in parts]
        else:
            found += [_singly(each, block) for each in holdings]
    return found


def _contract(holding: Holding) -> _Contract:
    return holding.contract, holding.shares


def _data(holding: Holding) -> str:
    selector = COINS_OF if holding.contract == COIN else _SELECTORS[holding.shares]
    return selector + holding.address.removeprefix("0x").rjust(64, "0")


def _singly(holding: Holding, block: Block) -> Question:
    if holding.contract == COIN:
        return Question(Call("eth_getBalance", [holding.address, block]), (holding,))
    call = {"to": holding.contract, "data": "0x" + _data(holding)}
    return Question(Call("eth_call", [call, block]), (holding,))


def _together(holdings: Sequence[Holding], block: Block) -> Question:
    calls = [(each.contract or MULTICALL, _data(each)) for each in holdings]
    data = encode([(MULTICALL, CHAIN_ID), *calls])
    call = Call("eth_call", [{"to": MULTICALL, "data": data}, block])
    return Question(call, tuple(holdings), together=True)


@dataclass
class Answers:
    """What was said so far, of one chain at one block."""

    source: str
    chain_id: int | None
    block: Block
    said: dict[Holding, int] = field(default_factory=dict)
    unsaid: dict[Holding, str] = field(default_factory=dict)
    empty: list[Holding] = field(default_factory=list)  # the contract answered with nothing
    no_state: SourceError | None = None  # the node does not have this block's state
    failed: SourceError | None = None  # a question that the node refused, and no contract
    together: bool = False  # Multicall3 answered, and so there is a state
    # Of contracts that failed in Multicall3: who waits until others have got an answer singly.
    _waiting: dict[_Contract, list[Holding]] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        """Whether something was seen that only the chain's state can show."""
        return self.together or any(self.said.values())

    def take(self, question: Question, reported: object) -> list[Question]:
        """Note an answer; what is to be asked instead of it. Raises WrongChain."""
        if isinstance(reported, (NoState, NotYet)):
            self.no_state = reported
            self._leave(question.holdings, str(reported))
            return []
        if question.together:
            return list(self._of_many(question, reported))
        self._of_one(question.holdings[0], reported)
        return []

    def _of_many(self, question: Question, reported: object) -> Iterator[Question]:
        holdings = question.holdings
        told = decode(reported, len(holdings) + 1)
        if told is None or not self._on_chain(told[0]):
            yield from self._halves(holdings)
            return
        self.together = True
        failed = []
        for holding, (worked, data) in zip(holdings, told[1:], strict=True):
            if worked:
                self._say(holding, data)
            else:
                failed.append(holding)
        yield from self._one_by_one(failed)

    def _on_chain(self, told: tuple[bool, bytes]) -> bool:
        worked, data = told
        if not worked or len(data) != _WORD:
            return False  # whatever stands there, it is not Multicall3
        chain_id = int.from_bytes(data, "big")
        if self.chain_id is not None and chain_id != self.chain_id:
            raise WrongChain(f"{self.source} looked at chain id {chain_id}")
        return True

    def _halves(self, holdings: Sequence[Holding]) -> Iterator[Question]:
        if len(holdings) <= APART:
            yield from self._one_by_one(holdings)
            return
        middle = len(holdings) // 2
        yield _together(holdings[:middle], self.block)
        yield _together(holdings[middle:], self.block)

    def _one_by_one(self, holdings: Sequence[Holding]) -> Iterator[Question]:
        """Some first: a contract that takes all gas, or fails for everybody, is left then."""
        if not holdings:
            return
        key = _contract(holdings[0])
        now = [] if key in self._waiting else holdings[:APART]
        self._waiting.setdefault(key, []).extend(holdings[len(now) :])
        yield from (_singly(each, self.block) for each in now)

    def rest(self) -> list[Question]:
        """What waited for others of its contract, where these have got their answer."""
        answered = {_contract(each) for each in self.said}
        found: list[Question] = []
        for key, holdings in self._waiting.items():
            if key in answered:
                found += [_singly(each, self.block) for each in holdings]
            else:
                self._leave(holdings, f"{self.source}: the token's contract gave no answer")
        self._waiting.clear()
        return found

    def _of_one(self, holding: Holding, reported: object) -> None:
        if isinstance(reported, SourceError):
            if not isinstance(reported, Reverted):
                self.failed = reported
            self._leave([holding], str(reported))
            return
        try:
            if holding.contract == COIN:
                self.said[holding] = hex_whole(reported, "a balance")
            else:
                self._say(holding, _bytes(reported))
        except (RowError, BadResponse) as error:
            self._leave([holding], f"{self.source}: {error}")

    def _say(self, holding: Holding, data: bytes) -> None:
        if len(data) == _WORD:
            self.said[holding] = int.from_bytes(data, "big")
        elif data:
            self._leave([holding], f"{self.source}: the token's contract answered no amount")
        else:
            self.empty.append(holding)

    def _leave(self, holdings: Iterable[Holding], why: str) -> None:
        self.unsaid.update(dict.fromkeys(holdings, why))

    def no_code(self, codes: Mapping[str, bool | None], sure: bool) -> None:
        """What `empty` comes to; `codes`: whether a contract has code, `sure`: contracts show
        theirs at this block. Where none is, nobody holds anything."""
        for holding in self.empty:
            if codes.get(holding.contract) is False and sure:
                self.said[holding] = 0
            else:
                self._leave([holding], f"{self.source}: the token's contract answered nothing")
        self.empty.clear()

    def without_proof(self) -> None:
        """Nothing shows that the node has the chain's state: that somebody holds nothing it
        would say of everybody."""
        zeros = [holding for holding, amount in self.said.items() if not amount]
        for holding in zeros:
            del self.said[holding]
        why = f"{self.source} shows none of the contracts that stand on every chain"
        self._leave(zeros, f"{why}: it may not have the state of this block")


def _bytes(reported: object) -> bytes:
    try:
        if isinstance(reported, str) and reported.startswith("0x"):
            return bytes.fromhex(reported[2:])
    except ValueError:
        pass
    raise BadResponse("an answer of a contract cannot be read")
