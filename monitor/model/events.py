"""What contracts write into the logs of a chain, and what else blocks show of strangers."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model.transfer import Transfer


@dataclass(frozen=True, slots=True)
class Event:
    """One log that names an address. `topics` and `data` are lower-case hex with 0x."""

    contract: str
    topics: tuple[str, ...]
    data: str
    tx: str
    height: int

    @property
    def topic(self) -> str:
        """Which event it is; empty where it has no name at all."""
        return self.topics[0] if self.topics else ""

    def words_beside(self, address: str) -> list[int]:
        """The numbers that it holds beside the address, of 32 bytes each."""
        data = [self.data[at : at + 64] for at in range(2, len(self.data) - 63, 64)]
        words = [*(topic[2:] for topic in self.topics[1:]), *data]
        return [int(word, 16) for word in words if word != address[2:].rjust(64, "0")]


@dataclass(frozen=True, slots=True)
class Moved:
    """A plain movement of somebody's, as the chain itself has it."""

    tx: str
    height: int
    recipient: str


@dataclass(frozen=True, slots=True)
class Log:
    """One log of a transaction. `topics` and `data` are lower-case hex with 0x."""

    contract: str
    topics: tuple[str, ...]
    data: str
    log_index: int


@dataclass(frozen=True, slots=True)
class TxLogs:
    """What a transaction wrote: of a failed one nothing. `legs`: the token movements among it, of
    everybody, as lists have them, in order of log_index; behind them the coins that calls inside
    it moved, where the source tells all of them."""

    tx: str
    legs: tuple[Transfer, ...]
    logs: tuple[Log, ...]
    height: int | None = None
    time: int | None = None  # None: the answer does not say
    sender: str | None = None  # who signed it
    to: str | None = None  # what it called
