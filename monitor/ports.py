"""Protocols between the loops and the edges. Nothing here does any work."""

from __future__ import annotations

from typing import Protocol

from monitor.model import Ask, Batch, Head, Outgoing, TxWord


class Source(Protocol):
    """An explorer or node that can answer for one chain.

    Every method may raise monitor.errors.SourceError (and its children) and nothing else
    on bad answers, and makes its calls through monitor.http only.
    """

    name: str
    chain: str
    axis: str  # "height" or "time": what Ask.span and Batch.read count in
    # Streams that one fetch reads together; their union is all that it can serve.
    bundles: tuple[frozenset[str], ...]
    many: bool  # one ask may name many subjects
    index_lag: int  # blocks that its lists may be behind its head

    def identify(self) -> None:
        """Raise Refused if it answers for another chain. Returns quietly where the API
        has no word on it."""

    def head(self) -> Head:
        """The newest block of this source itself."""

    def fetch(self, ask: Ask) -> Batch:
        """Read what was asked, at most about ask.max_rows rows. Says honestly what was
        read in full: a page that is exactly full is not the end."""

    def transaction(self, tx: str) -> TxWord:
        """Look one transaction up by hash. Raises Refused where it cannot."""

    def block_hash(self, height: int) -> str | None:
        """Hash of the block at this height, None above its head. Raises Refused where
        it cannot."""


class Channel(Protocol):
    """A way to tell people or machines."""

    name: str

    def send(self, message: Outgoing) -> str:
        """Hand one message to one recipient; return the receiver's own words of
        acceptance. Raises monitor.errors.DeliveryError otherwise."""
