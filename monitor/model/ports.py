"""Protocols between the loops and the edges. Nothing here does any work."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from monitor.model import (
    Ask,
    Axis,
    Batch,
    Chain,
    Head,
    Interval,
    Lookup,
    Outgoing,
    Price,
    Transfer,
)
from monitor.model.answers import Heard
from monitor.model.balance import BalanceWord, Holding
from monitor.model.events import Event, Moved, TxLogs
from monitor.model.facts import Lead
from monitor.model.life import LifeWord
from monitor.model.reading import Unspent
from monitor.model.trace import Profile


class Source(Protocol):
    """An explorer or node that can answer for one chain.

    Every method may raise monitor.model.errors.SourceError (and its children) and nothing else
    on bad answers, and makes its calls through monitor.net.http only.
    """

    name: str
    chain: str
    axis: Axis  # what Ask.span and Batch.read count in
    many: bool  # one ask may name many subjects
    list_calls: int  # of one fetch of a list on which nothing is new
    act_calls: int  # of one reading of the issuers' acts, for all addresses of the chain
    index_lag: int  # blocks that its lists may be behind its head

    @property
    def bundles(self) -> tuple[frozenset[str], ...]:
        """Streams that one fetch reads together; their union is all that it can serve now."""

    def identify(self) -> None:
        """Raise Refused if it answers for another chain. Returns quietly where the API
        has no word on it."""

    def head(self) -> Head:
        """The newest block of this source itself."""

    def fetch(self, ask: Ask) -> Batch:
        """Read what was asked, at most about ask.max_rows rows. Says honestly what was
        read in full: a page that is exactly full is not the end."""

    def transaction(self, tx: str) -> Lookup:
        """Look one transaction up by hash. Raises Refused where it cannot."""

    def block_hash(self, height: int) -> str | None:
        """Hash of the block at this height, None above its head. Raises Refused where
        it cannot."""


class BlockReceipts(Protocol):
    """What a source may have besides: the receipts of a whole block in one call."""

    def receipts(self, height: int) -> list[Lookup]:
        """A lookup of every transaction of the block at this height, each with that height
        and block; no head. Raises NotYet for a block above its head."""


class ReadsBlocks(Protocol):
    """What a source may have besides: whole blocks, each read once for however many addresses."""

    def whole(self) -> WholeBlocks:
        """The same source as one that reads whole blocks: same name, same limits."""


class WholeBlocks(Source, Protocol):
    """A source that reads whole blocks. `axis` is Axis.HEIGHT and `many` true; `bundles` is one
    bundle, of all lists that its blocks hold in full, as far as is known by now.

    `fetch` takes an ask with `members` and without subjects, and reads upwards from the block above
    `ask.known`, or from `ask.span.lo`:

    - The first block must be a child of the newest known one. Where it is not, the chain was
      reorganised: the newest known block that still stands is looked for, and what lies above it
      is fetched. Where none of them stands all of the span is fetched.
    - Every block that counts as read is a child of the one before, and everything in it was
      reported: what its header calls for (transactions, logsBloom) and does not come is an error,
      never "nothing". Raises NotYet for blocks that change while they are read, or that the source
      does not have yet, also where its head lies below the known blocks on another branch.
    - `transfers` holds every movement of the fetched blocks that touches a member, and fees that
      members paid, as lists of an address would show them, block hash included; no others.
    - `read` begins at span.lo and ends with the last block that was fetched in full; where there is
      nothing new, with the newest known one that stands, at most the head. More than about max_rows
      rows, or more blocks than are asked for at once, are `rest`. What cannot be read of single
      rows is a gap of its block.
    - `calls` are all that were made. They do not grow with the number of members, but with
      that of blocks, and of transactions that touch members.
    """

    block_calls: float  # of a block on which nothing is found, as the calls of a source are counted
    block_bytes: int  # of such a block, about
    needs_unspent: bool  # it does not say what an input spends: see Ask.unspent
    not_in_blocks: tuple[str, ...]  # what it cannot see, one sentence each: for `check` and status


class SeesUnspent(Protocol):
    """What a face of whole blocks may have besides, where it `needs_unspent`."""

    def unspent(self, addresses: Sequence[str]) -> Unspent:
        """The unspent outputs of these addresses at the newest block. May take minutes. Raises
        NotServed where it has no such answer."""


class SeesInside(Protocol):
    """What a source of whole blocks may have besides: a word on calls inside transactions."""

    @property
    def traces(self) -> str:
        """How it shows them, one of config.TRACES; auto: that was not found out yet."""


class SeesLife(Protocol):
    """What a source may have besides: whether addresses ever lived, of hundreds in one call."""

    def life(self, addresses: Sequence[str], tokens: Sequence[str], height: int) -> LifeWord:
        """The signs of life of these addresses at this block: what they sent, whether they are
        contracts, their coins, their holdings of these tokens. Raises NotServed where it takes
        no such call."""


class SeesBalances(Protocol):
    """What a source may have besides: what addresses hold. One with `one_index` makes lists and
    balances of the same index, so that no list is behind a balance that it says."""

    @property
    def old_heights(self) -> bool:
        """Whether it answers for blocks of the past; false once it has said that it does not."""

    def balances(self, asked: Sequence[Holding], height: int | None) -> BalanceWord:
        """What these holdings are at this block, or (None) now. A token's contract may answer
        anything: what is no plain amount is `unsaid`. Raises NotServed where it takes no such
        call, NotYet where it does not have the block, or not any more. Only of a source with
        `tells_shares` holdings are asked that are counted in shares."""

    def balance_calls(self, asked: Sequence[Holding]) -> int:
        """How many calls that takes."""


class ReadsMore(Protocol):
    """What a source may have besides: lists that are read only where a balance says that
    something is missing in those that are read always."""

    @property
    def more(self) -> frozenset[str]:
        """Streams that `fetch` takes besides those of `bundles`, each alone."""


class ReadsEvents(Protocol):
    """What a source may have besides: whatever a contract wrote into its logs of an address."""

    def events(self, contract: str, address: str, span: Interval) -> list[Event]:
        """All that the contract wrote between two blocks and that names the address. Raises
        NotServed where it cannot say so in full."""


class SeesOthers(Protocol):
    """What a source may have besides: what anybody moved, by something else than its lists of
    addresses."""

    def others(self, stream: str, contract: str, span: Interval) -> list[Moved]:
        """Some plain movements of an asset between two blocks that must stand in this list of
        whoever got them, unless that is a contract, which may have refused them; the lowest blocks
        may be all that is looked at. Raises NotServed where it cannot say."""

    def has_code(self, address: str) -> bool:
        """Whether there is a contract at an address. Raises NotServed where it cannot say."""


class SeesBlocks(Protocol):
    """What a source may have besides: what single blocks say of an address beside transactions."""

    def block_leads(self, address: str, span: Interval) -> list[Lead]:
        """Where the chain itself may have moved its coins. Raises NotServed for more blocks than
        are read one by one."""


class TellsFees(Protocol):
    """What a source may have besides: all that was paid for a transaction."""

    def fee_rest(self, fee: Transfer) -> Transfer | None:
        """The row of what was paid beyond what a list says of a fee: a rollup's share for its
        parent chain, or all of it; None: nothing. Raises NotServed where its word may not be
        all that was paid, NotYet where it does not know the transaction."""


class Profiles(Protocol):
    """What a source may have besides: what an address is, before its history is read."""

    def profile(self, address: str, most: int) -> Profile:
        """In three calls at most: whether there is a contract, and of what kind; how many
        transactions it has, counted to one more than `most`; how many counterparties on its
        busiest day, of what was looked at. What it cannot say is None or Code.UNKNOWN. Raises
        NotServed where it can say none of it."""


class TellsLogs(Protocol):
    """What a source may have besides: all that one transaction wrote into the chain's logs, and
    the coins that calls inside it moved."""

    def tx_logs(self, tx: str) -> TxLogs:
        """In one call for the logs and one or two for the coins. Raises NotYet where it does not
        know the transaction, NotServed where it has no such answer."""


class Hears(Protocol):
    """What a source that is asked over a network has besides."""

    def hearing(self) -> AbstractContextManager[list[Heard]]:
        """The answers that this thread gets meanwhile: there at the end, unless it failed."""


class PriceSource(Protocol):
    """Somebody who says what coins are worth in USD.

    Assets are (chain, contract), an empty contract being the chain's own coin. It learns
    which assets we ask about, never an address. A moment is in Unix seconds; None: now.
    """

    name: str

    def groups(
        self, assets: Sequence[tuple[Chain, str]], moment: int | None
    ) -> list[tuple[tuple[Chain, str], ...]]:
        """Those of these assets that it can be asked about, as one call takes them."""

    def wait(self) -> float:
        """Seconds until it may be asked again, by the rate set for it."""

    def ask(self, group: Sequence[tuple[Chain, str]], moment: int | None) -> list[Price]:
        """One call. Prices with the source's own time; what it does not know is left out.
        Raises monitor.model.errors.SourceError and nothing else on bad answers."""


class Channel(Protocol):
    """A way to tell people or machines."""

    name: str

    def send(self, message: Outgoing) -> str:
        """Hand one message to one recipient; return the receiver's own words of
        acceptance. Raises monitor.model.errors.DeliveryError otherwise."""
