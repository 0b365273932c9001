"""What the movements of a case come to for attribution: flows in one order, each with where it
stands in the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.model import Subject
from monitor.model.flow import Account, Flow
from monitor.model.trace import Crossing, Lead, TracedAsset


@dataclass(frozen=True, slots=True)
class Step:
    """A flow, and the recorded movement that it is.

    One row is one step, but for a conversion (swap, wrap, bridge, NFT), which is one step for the
    rows that it takes together and is named after the row that went in; and for a UTXO
    transaction, which is one flow and one step for each output (`part` is its number).
    """

    flow: Flow
    chain: str
    tx: str
    leg: str
    kind: str  # of the row, as the record has it
    time: int
    height: int | None
    sender: Subject | None
    recipient: Subject | None  # on another chain behind a bridge; None: a fee, nobody
    asset: TracedAsset
    amount: int
    via: str | None = None  # swap | bridge | wrap | nft
    got: TracedAsset | None = None
    got_amount: int | None = None
    rule: str = ""  # why it is read as it is, where that is not plain: a sentence
    part: int | None = None
    fee: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A deposit in a bridge of which the other side is not found (yet): it ends at the bridge.
    Where the event names chain and recipient, the recipient is whom to look at next."""

    step: Step
    crossing: Crossing
    to: Subject | None  # None: not named, or on a chain that is not configured
    # A transaction that paid it there, whose logs would say whether it is the other side.
    ask: str = ""


@dataclass(frozen=True, slots=True)
class Flows:
    """All steps of the sources and the followed addresses, in order."""

    steps: tuple[Step, ...]
    # The same where, of what has no order inside a moment, withdrawals come before deposits;
    # None: nothing is in doubt.
    other: tuple[Step, ...] | None
    sources: Mapping[Account, str]  # labels: keys of the sources' subjects
    owner: Mapping[Account, Subject]  # of every account that is not FEES
    mixed: frozenset[Account] = frozenset()  # outputs of CoinJoins: stops, `mixer`
    sent: tuple[Sent, ...] = ()
    leads: tuple[Lead, ...] = ()  # where it may have gone on behind a bridge that wrote nothing
    # Transactions whose anatomy would say more, with the step that asks for it.
    unclear: tuple[Step, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)  # bait, forged, zero: how many, by why
