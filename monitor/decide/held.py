"""Funds that somebody holds: whatever leaves is severe, but for one outflow that was announced.
Pure.

An announced outflow is used up by the first transaction on the chain that fits it: all that
leaves goes to the named address, in the named asset, is not more than the named amount, and is
in a block of the named day (UTC) at the latest. One of less uses it up too. It is worked out from
the rows: a poll more or less, or another order, changes nothing; only what was told as the
announced one remains it, while it stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.chains.address import display
from monitor.decide.worth import base_units
from monitor.model import Asset, Chain, Entry, Planned, Severity, Transfer
from monitor.model.facts import HeldFunds

LEFT = "Held funds: whatever leaves is told at once."
SIGNED = "Held funds: somebody signed with the key of the address."


def assets_named(chain: Chain, name: str, assets: Iterable[Asset]) -> list[Asset]:
    """What a person means by a symbol, in capitals or not, or by a contract: the chain's coin or
    its verified tokens; several where their symbols are the same."""
    coin = Asset(chain.key, "", chain.symbol, chain.decimals)
    here = [coin, *(asset for asset in assets if asset.chain == chain.key)]
    wanted = name.casefold()
    exact = [a for a in here if a.symbol == name or (a.contract and a.contract == name)]
    alike = [a for a in here if wanted in {a.symbol.casefold(), a.contract.casefold()} - {""}]
    return exact or alike


def leaves(entry: Entry, rows: Sequence[Transfer], forged: Collection[str] = ()) -> bool:
    """Whether held funds leave with live rows of a transaction, or its key was used: what an
    issuer does is another thing. `forged`: legs that may be."""
    return bool(entry.held) and any(
        row.sender == entry.subject.address and row.leg not in forged and _counts(row)
        for row in rows
    )


def _counts(row: Transfer) -> bool:
    """Whether a row of the sender says that it left or was signed there: zero in a token, or in a
    call inside, anybody can cause."""
    if row.kind.act:
        return False
    return bool(row.amount) or row.kind.fee or row.kind.outermost or row.kind.input


def reason(entry: Entry, rows: Sequence[Transfer]) -> str:
    """Why it is told, in the words of a lane."""
    moved = (r for r in rows if r.sender == entry.subject.address and not r.kind.fee)
    return LEFT if any(r.amount for r in moved) else SIGNED


@dataclass(frozen=True, slots=True)
class Payment:
    """A transaction that an address pays in, by all of its known rows that stand."""

    tx: str
    rows: tuple[Transfer, ...]
    seen: int = 0  # by our clock: when it was recorded first

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts as the chain does; what is in no block yet comes last."""
        first = self.rows[0]
        height = min((r.block_height for r in self.rows if r.block_height is not None), default=0)
        places = [r.tx_index for r in self.rows if r.tx_index is not None]
        return (first.pending, self.time or 0, height, min(places, default=-1), self.tx)

    def after(self, planned: Planned) -> bool:
        """Whether it can be what was announced: not what was known before that."""
        return self.seen >= planned.since and (
            self.time is None or self.time >= planned.counts_from
        )

    @property
    def time(self) -> int | None:
        return min((r.time for r in self.rows if r.time is not None), default=None)


@dataclass(frozen=True, slots=True)
class Known:
    """What is needed to tell the announced outflow from others."""

    chain: Chain
    assets: Mapping[tuple[str, str], Asset]
    now: int  # Unix seconds: the time of what is not in a block yet
    payments: Sequence[Payment] = ()  # of the address since it was announced
    told: Collection[str] = ()  # transactions that were told as the announced one


def facts(entry: Entry, tx: str, known: Known) -> HeldFunds:
    """What an alert says of the held funds that left with a transaction."""
    planned = entry.planned
    unlike = _unlike(entry, planned, tx, known) if planned else ""
    return HeldFunds(entry.held, entry.holder, entry.expected, planned, unlike)


def severity(funds: HeldFunds) -> Severity:
    return Severity.HIGH if funds.as_planned else Severity.SEVERE


def _unlike(entry: Entry, planned: Planned, tx: str, known: Known) -> str:
    """Why a transaction is not the announced outflow; empty: it is."""
    mine = next((p for p in known.payments if p.tx == tx), None)
    if mine is None:
        return "It was made before the planned outflow was announced."
    if why := misfit(entry, planned, mine, known):
        return why
    fitting = [p for p in known.payments if p.tx in known.told or not _no_fit(entry, p, known)]
    first = min(fitting, key=lambda p: (p.tx not in known.told, p.order))
    return "" if first.tx == tx else f"The planned outflow was made already ({first.tx})."


def _no_fit(entry: Entry, payment: Payment, known: Known) -> str:
    assert entry.planned is not None
    return misfit(entry, entry.planned, payment, known)


def misfit(entry: Entry, planned: Planned, payment: Payment, known: Known) -> str:
    """Why a payment of the entry cannot be the announced one, in a sentence; empty: it fits."""
    coins, _, name = planned.amount.partition(" ")
    found = assets_named(known.chain, name, known.assets.values())
    out = _outgoing(entry.subject.address, payment.rows)
    if not out:
        return "Nothing is paid with it, and only one payment was planned."
    if known.chain.shielded:
        return "Who is paid by it may be hidden on this chain."
    if len(found) != 1 or any((r.contract or "") != found[0].contract or r.kind.nft for r in out):
        return f"Something else than the planned {name} leaves with it."
    if any(row.recipient != planned.to for row in out):
        return f"It does not pay {display(known.chain, planned.to)} alone, as was planned."
    if sum(row.amount for row in out) > base_units(coins, found[0].decimals):
        return f"It is more than the {planned.amount} that were planned."
    day = datetime.fromtimestamp(payment.time or known.now, UTC).date().isoformat()
    if day > planned.until:
        return f"It was planned until {planned.until} (UTC)."
    return ""


def _outgoing(address: str, rows: Sequence[Transfer]) -> list[Transfer]:
    """What a payment pays to others. Of coins that are spent together every output counts: which
    of them is whose nobody can tell."""
    if any(row.kind.utxo for row in rows):
        spent = any(row.kind.input and row.sender == address for row in rows)
        return [r for r in rows if spent and r.kind.output and r.amount and r.recipient != address]
    return [r for r in rows if r.sender == address and r.amount and not r.kind.fee]
