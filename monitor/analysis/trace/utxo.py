"""Transactions of Bitcoin and chains of its kind as steps: one flow for all inputs and outputs.
Pure.

Which output is change nobody guesses: every output gets what the methods give to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.analysis.trace import coinjoin
from monitor.analysis.trace.reading import ORIGIN, Reading, Tx
from monitor.analysis.trace.steps import Step
from monitor.model import Subject, Transfer
from monitor.model.flow import Account, Spent

_Put = tuple[Account, int]
# Of a chain where inputs and outputs may be hidden, base units: no fee is higher than that.
MOST_FEE = 10**6
HIDDEN = "What the other outputs do not hold went where nobody sees it, or to the miners."


def steps_of(tx: Tx, book: Reading) -> list[Step]:
    """The steps of a transaction, one for each output that holds anything.

    The rows have to be all of it. What the inputs lack was put in where nobody sees it, and is
    clean; what they hold more is the fee.
    """
    inputs = _in_order(row for row in tx.rows if not row.kind.output)
    outputs = _in_order(row for row in tx.rows if row.kind.output)
    if not inputs or not any(row.amount for row in outputs):
        return []
    put = [_input(row, tx, book) for row in inputs]
    why, mixed = _mix(inputs, outputs, tx, book)
    got = [_output(row, tx, book, mixed=n in mixed) for n, row in enumerate(outputs)]
    rest = sum(amount for _, amount in put) - sum(amount for _, amount in got)
    hidden = tx.chain.shielded and rest > MOST_FEE
    if rest < 0:
        put.append((Account(tx.chain.key, f"{ORIGIN}:{tx.tx}", ""), -rest))
    if hidden:
        got.append((_hidden(tx, book), rest))
    flow = Spent(f"{tx.chain.key}/{tx.tx}", tuple(put), tuple(got), _usd(put, tx, book))
    legs = [(row.leg, row.kind.value) for row in outputs] + [("hidden", "utxo_out")] * hidden
    sender = _sender(inputs, tx, book)
    return [
        Step(
            flow=flow,
            chain=tx.chain.key,
            tx=tx.tx,
            leg=leg,
            kind=kind,
            time=tx.time,
            height=tx.height,
            sender=sender,
            recipient=book.owner[account],
            asset=book.assets.of(tx.chain.key, ""),
            amount=amount,
            rule=HIDDEN if leg == "hidden" else why * (account in book.mixed),
            part=n,
        )
        for n, ((account, amount), (leg, kind)) in enumerate(zip(got, legs, strict=True))
        if amount
    ]


def _in_order(rows: Iterator[Transfer]) -> list[Transfer]:
    """By their number in the transaction: "in:3", "out:12"."""
    return sorted(rows, key=lambda row: int(row.leg.partition(":")[2]))


def _input(row: Transfer, tx: Tx, book: Reading) -> _Put:
    """The output that is spent; a name that nothing else has where it is clean whatever its
    owner is: created coins, and what a source put in before it counts."""
    chain = tx.chain.key
    owner = Subject(chain, row.sender or row.spends or "")
    if row.spends is None or book.early(owner, tx):
        return Account(chain, f"{ORIGIN}:{row.spends or tx.tx}", ""), row.amount
    account = Account(chain, row.spends, "")
    if account not in book.mixed:
        book.own(account, owner)
    return account, row.amount


def _output(row: Transfer, tx: Tx, book: Reading, *, mixed: bool) -> _Put:
    chain = tx.chain.key
    place = f"{tx.tx}:{row.leg.partition(':')[2]}"
    owner = Subject(chain, row.recipient or place)
    account = Account(chain, place, "")
    if mixed and owner not in book.by_subject:
        owner = Subject(chain, tx.tx)
        book.mixed.add(account)
    return book.own(account, owner), row.amount


def _hidden(tx: Tx, book: Reading) -> Account:
    account = Account(tx.chain.key, f"{tx.tx}:hidden", "")
    book.mixed.add(account)
    return book.own(account, Subject(tx.chain.key, tx.tx))


def _mix(
    inputs: Sequence[Transfer], outputs: Sequence[Transfer], tx: Tx, book: Reading
) -> tuple[str, frozenset[int]]:
    """Why it is read as a mix, and the places of the outputs that come out of it or go into one;
    empty: it is none."""
    givers = [(row.sender, row.amount) for row in inputs]
    takers = [(row.recipient, row.amount) for row in outputs]
    found = coinjoin.shape(givers, takers)
    if found in coinjoin.NOT_OF_EXCHANGES and _from_exchange(inputs, tx, book):
        found = coinjoin.shape(givers, takers, from_exchange=True)
    if not found:
        return "", frozenset()
    if found == coinjoin.TX0:
        return (
            "By its shape this makes coins ready for Whirlpool, a mixer: they go nowhere else.",
            coinjoin.premix_of(takers),
        )
    said = f"By its shape this is a CoinJoin ({found}): who of those that pay in got what nobody"
    return f"{said} can tell.", frozenset(range(len(outputs)))


def _from_exchange(inputs: Sequence[Transfer], tx: Tx, book: Reading) -> bool:
    owners = {Subject(tx.chain.key, row.sender) for row in inputs if row.sender}
    return any(name.category == "exchange" for o in sorted(owners) for name in book.names(o))


def _usd(put: Sequence[_Put], tx: Tx, book: Reading) -> int | None:
    """What all inputs were worth, where a source put in any."""
    if not any(account in book.sources for account, _ in put):
        return None
    return book.assets.worth(tx.chain.key, "", sum(amount for _, amount in put), tx.time)


def _sender(inputs: Sequence[Transfer], tx: Tx, book: Reading) -> Subject | None:
    """Who paid: a source, or else a followed address, or else the first that is named."""
    owners = [Subject(tx.chain.key, row.sender) for row in inputs if row.sender]
    sources = [o for o in owners if o in book.by_subject and not book.early(o, tx)]
    followed = [o for o in owners if o in book.tracked]
    return next(iter([*sources, *followed, *owners]), None)
