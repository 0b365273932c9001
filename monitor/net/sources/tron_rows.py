"""What the rows of TronGrid's lists, and the node's word on a transaction, come to. Pure.

Amounts are in sun, or in base units of the token. Addresses come as hex (41...) and as
base58; transfers hold base58.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.model import Chain, Kind, TokenFacts, Transfer
from monitor.model.errors import BadResponse
from monitor.net.sources import tron_notes
from monitor.net.sources.evm_rows import number_equals
from monitor.net.sources.parsing import (
    Parsed,
    RowError,
    fields,
    items,
    place,
    read_rows,
    shown,
    token_facts,
    whole,
)
from monitor.net.sources.tron_contracts import (
    CREDITS,
    MAY_CREDIT_NOTHING,
    Common,
    address_of,
    contract_moved,
    token_of,
    value_of,
)

# Results of a transaction that did what it says. Older rows report none at all.
SUCCEEDED = (None, "", "DEFAULT", "SUCCESS", "SUCESS")

_HASH = re.compile(r"[0-9a-fA-F]{64}\Z")


@dataclass(frozen=True, slots=True)
class TxInfo:
    """The node's word on one transaction."""

    height: int | None
    failed: bool
    rejected: frozenset[str] = field(default_factory=frozenset)  # internal transfers undone
    credits: Mapping[str, object] = field(default_factory=dict)  # by field, as reported, in sun


def times_of(rows: Iterable[object]) -> list[int]:
    """Times of the rows that report one, in Unix milliseconds."""
    times = []
    for row in rows:
        try:
            times.append(time_of(row))
        except ValueError:
            continue  # reported by the parser
    return times


def parse_info(reported: object) -> TxInfo | None:
    """`gettransactioninfobyid`; None for the empty object: unknown. Raises BadResponse."""
    try:
        info = fields(reported)
        if not info:
            return None
        result = fields(info.get("receipt", {})).get("result")
        told = items(info.get("internal_transactions"), "internal_transactions")
        frames = [fields(frame) for frame in told]
        return TxInfo(
            height=place(info.get("blockNumber"), "blockNumber"),
            failed=info.get("result") == "FAILED" or result not in SUCCEEDED,
            rejected=frozenset(str(f.get("hash")) for f in frames if f.get("rejected") is True),
            credits={name: info[name] for name in CREDITS.values() if name in info},
        )
    except RowError as error:
        raise BadResponse(f"a transaction's result cannot be read: {error}") from None


def parse_trc20(chain: Chain, rows: Sequence[object]) -> Parsed:
    """Rows of type Transfer. Approvals move nothing; another type is a gap, because what it
    does is not known. The list reports no block, so `block_height` is None; equal transfers of
    one transaction are counted."""
    parsed = read_rows(rows, time_of, lambda row: _trc20(chain, row))
    return Parsed(
        tuple(number_equals(parsed.transfers)),
        parsed.gaps,
        tuple(_facts(chain, rows)),
        parsed.placed,
    )


def _trc20(chain: Chain, row: Mapping[str, object]) -> Iterator[Transfer]:
    if row.get("type") == "Approval":
        return
    if row.get("type") != "Transfer":
        raise RowError(f"type is neither Transfer nor Approval: {shown(row.get('type'))}")
    yield Transfer(
        chain=chain.key,
        tx=hash_of(row.get("transaction_id"), "transaction_id"),
        leg="",
        kind=Kind.TRC20,
        sender=address_of(chain, row.get("from")),
        recipient=address_of(chain, row.get("to")),
        amount=whole(row.get("value"), "value"),
        contract=address_of(chain, fields(row.get("token_info")).get("address")),
        time=time_of(row) // 1000,
    )


def _facts(chain: Chain, rows: Sequence[object]) -> Iterator[TokenFacts]:
    seen: set[str] = set()
    for row in rows:
        try:
            info = fields(fields(row).get("token_info"))
            contract = address_of(chain, info.get("address"))
        except ValueError:
            continue  # reported as a gap already
        if contract not in seen:
            seen.add(contract)
            yield token_facts(contract, *(info.get(k) for k in ("symbol", "name", "decimals")))


def parse_transactions(
    chain: Chain, address: str, rows: Sequence[object], infos: Mapping[str, TxInfo | None]
) -> Parsed:
    """Rows of `/transactions` of one address: what the contract itself moves, internal
    transfers that touch the address, and the fee where the address paid it.

    `infos` holds the node's word on the transactions that `doubtful` names. A transaction
    that failed moved nothing but its fee.
    """
    failures = _failures(rows)
    outer = read_rows(_outer(rows), time_of, lambda row: _moved(chain, address, row, infos))
    inner = read_rows(
        _items(rows), time_of, lambda row: _item_moved(chain, address, row, failures, infos)
    )
    drafts = (*outer.transfers, *_not_yet_reported(outer.transfers, inner.transfers))
    return Parsed(
        tuple(number_equals(drafts)),
        (*outer.gaps, *inner.gaps),
        (),
        outer.placed and inner.placed,
    )


def doubtful(chain: Chain, address: str, rows: Sequence[object]) -> dict[str, int]:
    """Transactions of which the list reports too little, with their time in Unix milliseconds,
    earliest first: internal transfers of this address that stand as items of their own (only
    the node says whether they were undone), and credits without their amount, as rows of 2019
    have them (only the node says how much)."""
    failures = _failures(rows)
    found = {str(fields(row)["txID"]).lower(): time_of(row) for row in _outer(rows) if _untold(row)}
    for item in _items(rows):
        try:
            moved = list(_item_moved(chain, address, fields(item), failures, {}))
        except ValueError:
            continue  # reported as a gap by the parser
        found.update({draft.tx: time_of(item) for draft in moved})
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def _untold(row: object) -> bool:
    """Whether a row is a credit that does not report its amount; False where it is unreadable,
    which is for the parser to report."""
    try:
        reported = fields(row)
        contracts = contracts_of(reported)
        hash_of(reported.get("txID"), "txID")
        time_of(row)
    except ValueError:
        return False
    kinds = {str(c.get("type")) for c in contracts} - MAY_CREDIT_NOTHING
    return not _failed(reported) and any(
        not reported.get(CREDITS[k]) for k in kinds & CREDITS.keys()
    )


def _is_item(row: object) -> bool:
    return isinstance(row, dict) and "internal_tx_id" in row


def _outer(rows: Sequence[object]) -> list[object]:
    """The transactions themselves, each once: a row may come again on the next page."""
    unique = {
        str(row.get("txID") or n) if isinstance(row, dict) else str(n): row
        for n, row in enumerate(rows)
        if not _is_item(row)
    }
    return list(unique.values())


def _items(rows: Sequence[object]) -> list[object]:
    """The internal transfers reported as items, each once."""
    unique = {
        str((row.get("tx_id"), row["internal_tx_id"])): row
        for row in rows
        if isinstance(row, dict) and _is_item(row)
    }
    return list(unique.values())


def _failures(rows: Sequence[object]) -> frozenset[str]:
    """Transactions of the list that did not do what they say."""
    return frozenset(
        str(row.get("txID"))
        for row in rows
        if isinstance(row, dict) and not _is_item(row) and _failed(row)
    )


def _not_yet_reported(reported: Iterable[Transfer], also: Iterable[Transfer]) -> Iterator[Transfer]:
    """Of `also` what `reported` does not hold: the same internal transfer comes in both shapes,
    under ids that need not agree, so equal ones are counted."""
    held = Counter(replace(draft, block_height=None) for draft in reported)
    for draft in also:
        key = replace(draft, block_height=None)
        if held[key] > 0:
            held[key] -= 1
        else:
            yield draft


def _item_moved(
    chain: Chain,
    address: str,
    item: Mapping[str, object],
    failures: frozenset[str],
    infos: Mapping[str, TxInfo | None],
) -> Iterator[Transfer]:
    """An internal transfer as an item: `data.call_value` is {"_": sun, token id: amount}."""
    tx = hash_of(item.get("tx_id"), "tx_id")
    info = infos.get(tx)
    undone = info is not None and (info.failed or str(item["internal_tx_id"]) in info.rejected)
    data = fields(item.get("data"))
    if undone or tx in failures or data.get("rejected") is True:
        return
    common = Common(chain, tx, info.height if info is not None else None, time_of(item) // 1000)
    values = [(None if k == "_" else k, v) for k, v in fields(data.get("call_value", {})).items()]
    parties = tron_notes.parties(data.get("note"), item.get("from_address"), item.get("to_address"))
    yield from _internal(common, address, parties, values)


def _moved(
    chain: Chain, address: str, row: Mapping[str, object], infos: Mapping[str, TxInfo | None]
) -> Iterator[Transfer]:
    height = row.get("blockNumber")
    common = Common(
        chain,
        hash_of(row.get("txID"), "txID"),
        None if height is None else place(height, "blockNumber"),
        time_of(row) // 1000,
    )
    contracts = contracts_of(row)
    if not contracts:
        raise RowError("raw_data.contract is empty")
    owner = address_of(chain, value_of(contracts[0]).get("owner_address"))
    fee = _fee(row)
    if owner == address and fee > 0:
        yield common.draft(Kind.FEE, owner, None, fee)
    if _failed(row):
        return
    info = infos.get(common.tx)
    untold = info.credits.items() if info is not None else ()
    reported = {**row, **{name: amount for name, amount in untold if not row.get(name)}}
    for contract in contracts:
        yield from contract_moved(common, contract, reported)
    for frame in items(row.get("internal_transactions"), "internal_transactions"):
        yield from _frame(common, address, fields(frame))


def contracts_of(row: Mapping[str, object]) -> list[Mapping[str, object]]:
    told = fields(row.get("raw_data")).get("contract")
    return [fields(each) for each in items(told, "raw_data.contract")]


def _fee(row: Mapping[str, object]) -> int:
    """Fee in sun: the burnt TRX, whatever was paid by staked resources left out."""
    reported = [fields(ret).get("fee") for ret in items(row.get("ret"), "ret")]
    if reported and reported[0] is not None:
        return whole(reported[0], "fee")
    return whole(row.get("net_fee", 0), "net_fee") + whole(row.get("energy_fee", 0), "energy_fee")


def _failed(row: Mapping[str, object]) -> bool:
    results = row.get("ret")
    reported = [r for r in results if isinstance(r, dict)] if isinstance(results, list) else []
    return any(
        r.get("contractRet") not in SUCCEEDED or r.get("code") not in SUCCEEDED for r in reported
    )


def moved_inside(common: Common, info: Mapping[str, object]) -> Iterator[Transfer]:
    """What calls inside a transaction moved, of everybody, by `gettransactioninfobyid`; drafts
    without their legs. Raises RowError."""
    for frame in items(info.get("internal_transactions"), "internal_transactions"):
        yield from _frame(common, None, fields(frame))


def _frame(common: Common, address: str | None, frame: Mapping[str, object]) -> Iterator[Transfer]:
    """An internal transfer inside the row of its transaction, as the node writes it; `address`
    None: whoever it touches."""
    if frame.get("rejected") is True:
        return
    note, caller, target = map(frame.get, ("note", "caller_address", "transferTo_address"))
    values = []
    for reported in items(frame.get("callValueInfo"), "callValueInfo"):
        part = fields(reported)
        token = part.get("tokenId")
        values.append((token or None, part.get("callValue", 0)))
    yield from _internal(common, address, tron_notes.parties(note, caller, target), values)


def _internal(
    common: Common,
    address: str | None,
    parties: tron_notes.Parties | None,
    values: Iterable[tuple[object, object]],
) -> Iterator[Transfer]:
    if parties is None:
        return
    for token, reported in values:
        amount = whole(reported, "call value")
        if amount == 0:
            continue
        if not parties.told:
            raise RowError("a party of an internal transfer is not told")
        kind = Kind.INTERNAL if token is None else Kind.TRC10
        contract = None if token is None else token_of(token)
        draft = common.draft(kind, parties.sender, parties.recipient, amount, contract)
        if address is None or address in draft.parties():
            yield draft


def time_of(row: object) -> int:
    return place(fields(row).get("block_timestamp"), "block_timestamp")


def hash_of(value: object, name: str) -> str:
    if not isinstance(value, str) or not _HASH.match(value):
        raise RowError(f"{name} is not a hash")
    return value.lower()
