"""What is unusual about an alert, by our own record. Pure: the poll hands the record in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.model import LIVE_STATUSES, Alert, Asset, Chain, Kind, Row, Transfer

_Place = tuple[float, ...]  # time, height, place in the block, place in the record

TEST_PAYMENT_WITHIN = 86_400  # seconds
TEST_PAYMENT_SHARE = 100  # a test payment is at most a hundredth of what follows


@dataclass(frozen=True, slots=True)
class Past:
    """What the record holds of an entry's address, this transaction included."""

    rows: tuple[Row, ...]
    complete: bool  # read from the address's first block, so that balances can be known


def facts(
    alert: Alert,
    address: str,
    chain: Chain,
    past: Past,
    assets: Mapping[tuple[str, str], Asset],
) -> dict[str, Any]:
    """Facts for the alert, to be frozen with it. Amounts are base-unit strings."""
    identities = set(alert.rows)
    told = [r.transfer for r in past.rows if r.transfer.identity in identities]
    when = min((t.time for t in told if t.time is not None), default=alert.created)
    live = [r for r in past.rows if r.status in LIVE_STATUSES]
    before = _before(live, alert.tx, when)
    earlier = [r.transfer for r in before]
    found: dict[str, Any] = {
        **_silence(earlier, when),
        "dealings": _dealings(told, earlier, address),
        "test_payments": _tests(told, earlier, address, when),
    }
    if past.complete:
        upto = [*before, *(r for r in live if r.transfer.tx == alert.tx)]
        found["balances"] = _balances(told, upto, alert.tx, address, chain, assets)
    if chain.family == "utxo":
        found["net"] = _net(past.rows, alert.tx, address)
    return found


def _before(rows: Sequence[Row], tx: str | None, when: int) -> list[Row]:
    """The rows of transactions that came before this one: by time, then by their place in the
    block, then by the record. Of several in one block, each knows only those before it."""
    places: dict[str, _Place] = {}
    recorded = sorted(rows, key=lambda r: r.id or math.inf)  # those of this plan come last
    for number, row in enumerate(recorded):
        t = row.transfer
        time = row.first_seen if t.time is None else t.time
        known = (math.inf if each is None else each for each in (t.block_height, t.tx_index))
        place = (time, *known, number)
        # Lists differ in what they tell: the least is what is known of the transaction.
        places[t.tx] = tuple(map(min, place, places.get(t.tx, place)))
    mine = places.get(tx or "", (when, math.inf))
    return [r for r in rows if r.transfer.tx != tx and places[r.transfer.tx] < mine]


def _silence(earlier: Sequence[Transfer], when: int) -> dict[str, Any]:
    moved = [t.time for t in earlier if t.time is not None and t.amount and t.kind is not Kind.FEE]
    if not moved:
        return {"first_ever": True}
    last = max(moved)
    return {"last_moved": last, "quiet_days": max(0, when - last) // 86_400}


def _other(transfer: Transfer, address: str) -> str | None:
    return transfer.recipient if transfer.sender == address else transfer.sender


def _dealings(
    told: Iterable[Transfer], earlier: Sequence[Transfer], address: str
) -> dict[str, dict[str, int]]:
    """Earlier transfers with each counterparty of this alert; zero is told too."""
    found: dict[str, dict[str, int]] = {}
    for other in dict.fromkeys(_other(t, address) for t in told if t.kind is not Kind.FEE):
        if other is None or other == address:
            continue
        times = [t.time or 0 for t in earlier if other in (t.sender, t.recipient)]
        found[other] = {"count": len(times)}
        if times:
            found[other] |= {"first": min(times), "last": max(times)}
    return found


def _tests(
    told: Sequence[Transfer], earlier: Sequence[Transfer], address: str, when: int
) -> list[str]:
    """Small payments of the same asset to the same party shortly before: a known habit."""
    found = []
    for big in told:
        if big.sender != address or big.kind is Kind.FEE:
            continue
        found += [
            t.tx
            for t in earlier
            if (t.sender, t.recipient, t.contract) == (address, big.recipient, big.contract)
            and 0 < t.amount * TEST_PAYMENT_SHARE <= big.amount
            and when - (t.time or 0) <= TEST_PAYMENT_WITHIN
        ]
    return list(dict.fromkeys(found))


def _balances(
    told: Sequence[Transfer],
    rows: Sequence[Row],
    tx: str | None,
    address: str,
    chain: Chain,
    assets: Mapping[tuple[str, str], Asset],
) -> list[dict[str, Any]]:
    """Before and after this transaction, by our record, of each fungible asset told. `rows`:
    those up to it."""
    fungible = (Kind.NATIVE, Kind.INTERNAL, Kind.ERC20, Kind.TRC20, Kind.UTXO_IN, Kind.UTXO_OUT)
    found = []
    for contract in dict.fromkeys(t.contract for t in told if t.kind in fungible):
        asset = assets.get((chain.key, contract)) if contract else None
        if contract and asset is None:
            continue
        mine = [r for r in rows if r.transfer.contract == contract]
        after = sum(_signed(r.transfer, address) for r in mine)
        change = sum(_signed(r.transfer, address) for r in mine if r.transfer.tx == tx)
        if after < 0 or after - change < 0:
            continue  # something is not in the record: better no figure than a wrong one
        found.append(
            {
                "asset": contract or "",
                "symbol": asset.symbol if asset else chain.symbol,
                "decimals": asset.decimals if asset else chain.decimals,
                "before": str(after - change),
                "after": str(after),
            }
        )
    return found


def _signed(transfer: Transfer, address: str) -> int:
    return transfer.amount * ((transfer.recipient == address) - (transfer.sender == address))


def _net(rows: Sequence[Row], tx: str | None, address: str) -> dict[str, str]:
    legs = [r.transfer for r in rows if r.transfer.tx == tx]
    put = sum(t.amount for t in legs if t.sender == address)
    got = sum(t.amount for t in legs if t.recipient == address)
    return {"in": str(put), "out": str(got), "net": str(got - put)}
