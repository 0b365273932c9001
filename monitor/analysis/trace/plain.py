"""The rows of a transaction of an account chain, each as what it says that moved. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from monitor.analysis.trace.assets import amount_of, is_nft, key_of
from monitor.analysis.trace.reading import BEYOND, ORIGIN, Reading, Tx
from monitor.analysis.trace.steps import Step
from monitor.chains.table import family_of
from monitor.model import Subject, Transfer
from monitor.model.flow import FEES, Account, Moved


@dataclass(frozen=True, slots=True)
class Leg:
    """A row that counts. `giver` None: nobody's, `taker` None: a fee, or nobody's."""

    row: Transfer
    asset: str
    amount: int
    giver: str | None
    taker: str | None

    @property
    def place(self) -> tuple[int, tuple[int, ...] | None]:
        """Where in its transaction it stands: first what it moves itself, its fee last."""
        row = self.row
        if row.kind.fee:
            return (3, None)
        if row.kind.outermost:
            return (0, (0,))
        if row.kind.inner:
            return (1, _path(row.trace_path))
        return (2, None if row.log_index is None else (row.log_index,))


def _path(told: str | None) -> tuple[int, ...] | None:
    """Frames by number: "0_2_1", "0.2.1", "7". None: it says nothing that can be ordered."""
    if not told:
        return None
    parts = told.replace("_", " ").replace(".", " ").replace(",", " ").split()
    numbers = [int(p) for p in takewhile(str.isdecimal, parts)]
    return tuple(numbers) if len(numbers) == len(parts) else None


def legs_of(tx: Tx, book: Reading) -> list[Leg]:
    """The rows that move something, in the order of their names; what strangers can cause at no
    cost is left out, and counted in `book.ignored`."""
    signers = {row.sender for row in tx.rows if row.kind.fee}
    legs = [leg for row in tx.rows if (leg := _leg(row, tx)) is not None]
    came = {leg.taker for leg in legs if book.assets.carries(tx.chain.key, leg.asset)}
    kept = []
    for leg in legs:
        why = _why_not(leg, tx, book, signed=leg.giver in signers, paid=leg.giver in came)
        if why:
            book.ignored[why] += 1
        elif not leg.row.kind.fee or leg.amount:
            kept.append(leg)
    return kept


def netted(legs: Sequence[Leg]) -> tuple[list[Leg], dict[str, str]]:
    """The same without what two addresses gave each other of one asset both ways: change that
    comes back, coins that were only lent for the transaction. Beside it, by leg, what is said."""
    ways: dict[tuple[str, str, str], list[Leg]] = defaultdict(list)
    for leg in legs:
        plain = not (leg.row.kind.fee or leg.row.kind.act or leg.row.kind.ruled)
        if plain and not is_nft(leg.asset) and leg.giver is not None and leg.taker is not None:
            ways[leg.giver, leg.taker, leg.asset].append(leg)
    if not any((taker, giver, asset) in ways for giver, taker, asset in list(ways)):
        return list(legs), {}
    left: dict[str, int] = {}
    said: dict[str, str] = {}
    for (giver, taker, asset), gone in sorted(ways.items()):
        back = sum(leg.amount for leg in ways.get((taker, giver, asset), ()))
        rest = back
        for leg in sorted(gone, key=lambda leg: (-leg.amount, leg.row.leg)) if back else ():
            taken = min(rest, leg.amount)
            left[leg.row.leg] = leg.amount - taken
            said[leg.row.leg] = f"{taken} base units of it came back in the same transaction."
            rest -= taken
    kept = [replace(leg, amount=left.get(leg.row.leg, leg.amount)) for leg in legs]
    return [leg for leg in kept if leg.amount], said


def _leg(row: Transfer, tx: Tx) -> Leg | None:
    if row.kind.utxo or (row.kind.act and not (row.kind.destroys and row.amount)):
        return None  # what was destroyed without an amount stands in a Transfer
    if row.sender is not None and row.sender == row.recipient:
        return None
    zero = family_of(tx.chain).zero
    giver = None if row.sender == zero else row.sender
    taker = zero if row.kind.destroys and zero else row.recipient
    return Leg(row, key_of(row), amount_of(row), giver, taker)


def _why_not(leg: Leg, tx: Tx, book: Reading, *, signed: bool, paid: bool) -> str:
    """Why a row neither taints nor steers; empty: it counts."""
    row, chain = leg.row, tx.chain.key
    if not leg.amount:
        return "" if row.kind.fee else "zero amount"
    mine = leg.giver is not None and Subject(chain, leg.giver) in book.tracked
    if book.assets.carries(chain, leg.asset) or (signed and not _fake(leg, chain, book)):
        return ""
    if is_nft(leg.asset):
        giver = Subject(chain, leg.giver or "")
        return "forged" if giver in book.by_subject and not paid else ""
    if _fake(leg, chain, book):
        return "counterfeit"
    return "forged" if mine else "unverified"


def _fake(leg: Leg, chain: str, book: Reading) -> bool:
    return not is_nft(leg.asset) and book.assets.counterfeit(chain, leg.asset)


def plain_step(leg: Leg, tx: Tx, book: Reading) -> Step | None:
    """A row as one movement; None: it is no part of the case."""
    chain = tx.chain.key
    giver = _giver(leg, tx, book)
    if leg.row.kind.fee:
        if giver is None or giver in book.sources:
            return None  # fees of sources are not modelled
        taker = Account(chain, FEES, "")
    else:
        taker = (
            Account(chain, BEYOND, leg.asset)
            if leg.taker is None
            else book.account(chain, leg.taker, leg.asset)
        )
        if giver is None:
            giver = Account(chain, ORIGIN, leg.asset)
    source = giver in book.sources
    usd = book.assets.worth(chain, leg.asset, leg.amount, tx.time) if source else None
    return step_of(leg, tx, book, Moved(_id(leg), giver, taker, leg.amount, usd))


def _giver(leg: Leg, tx: Tx, book: Reading) -> Account | None:
    """None: what it gives is nobody's, or does not count yet."""
    if leg.giver is None:
        return None
    subject = Subject(tx.chain.key, leg.giver)
    if book.early(subject, tx):
        return None
    return book.account(tx.chain.key, leg.giver, leg.asset)


def _id(leg: Leg) -> str:
    return f"{leg.row.chain}/{leg.row.tx}/{leg.row.leg}"


def step_of(leg: Leg, tx: Tx, book: Reading, flow: Moved, rule: str = "") -> Step:
    chain, row = tx.chain.key, leg.row
    to = None if leg.taker is None or row.kind.fee else Subject(chain, leg.taker)
    return Step(
        flow=flow,
        chain=chain,
        tx=tx.tx,
        leg=row.leg,
        kind=row.kind.value,
        time=tx.time,
        height=tx.height,
        sender=Subject(chain, row.sender) if row.sender else None,
        recipient=to,
        asset=book.assets.of(chain, leg.asset),
        amount=leg.amount,
        rule=rule,
        fee=row.kind.fee,
    )
