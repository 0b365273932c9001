"""The movements of a case as a table for evidence: one row each, what is not known empty.

Each row has a digest over itself and the digest of the row before (docs/evidence.md, "The files of
an export"): none can be changed, taken out, put in or moved without all digests behind it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor import __version__
from monitor.decide import worth
from monitor.loops.report.mine import Mine
from monitor.messages.objects import json_text
from monitor.model import Entry, Known, Status, TransferView
from monitor.model.plain import MAX_DECIMALS, clean, rfc3339, tidy
from monitor.model.trace import Trace
from monitor.store import case_file
from monitor.store.case_file import Alerted, Said

COLUMNS = (
    *("case_id", "alert_id", "watch_entry_id", "watched_address", "direction", "chain"),
    *("network_id", "block_height", "block_hash", "block_time_utc", "confirmations_at_export"),
    *("status", "tx_hash", "tx_index", "log_index_or_vout", "leg", "transfer_kind", "asset"),
    *("contract", "token_id", "decimals", "amount_raw", "amount", "usd_value", "price_source"),
    *("price_time", "from_address", "from_label", "from_label_source", "from_label_confidence"),
    *("from_label_as_of", "to_address", "to_label", "to_label_source", "to_label_confidence"),
    *("to_label_as_of", "hop", "tracing_method", "fee_raw", "list_name", "list_publish_date"),
    *("list_file_sha256", "list_entry_id", "listed_from", "listed_to", "match_basis"),
    *("detected_at_utc", "late", "lane", "delivered_at_utc", "channel", "acknowledged_by"),
    *("acknowledged_at", "disposition", "disposition_reason", "source_1"),
    *("source_1_response_sha256", "source_2", "source_2_agrees", "exporter_version"),
    *("row_hash", "prev_row_hash"),
)
FIRST = "0" * 64  # stands for the digest of the row before the first
HASHES = ("row_hash", "prev_row_hash")
# How certain a row is, in the words of the columns.
_STATUS: Mapping[Status, str] = {
    Status.PENDING: "pending",
    Status.PROVISIONAL: "confirmed",
    Status.FINAL: "final",
    Status.MISSING: "being re-checked",
    Status.ORPHANED: "orphaned",
    Status.SUPERSEDED: "superseded",
}

Cells = dict[str, str]  # by column; empty: not known, or not so


def digest(cells: Mapping[str, str], columns: Sequence[str] = COLUMNS) -> str:
    """Of a row: SHA-256 of its cells but its own digest, as compact JSON, a list in their order.
    `columns`: of a file that another version made."""
    kept = [cells[column] for column in columns if column != HASHES[0]]
    return hashlib.sha256(json_text(kept).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Going:
    """What goes out with the movements: the state of the trace, the newest block of each chain that
    was read for the case. `safe`: other words for a text that names another case."""

    trace: Trace | None
    heads: Mapping[str, int]
    safe: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Around:
    """What the rows of one part share."""

    names: Mapping[tuple[str, str], Known]
    said: Mapping[int, Sequence[Said]]
    alerted: Mapping[int, Sequence[Alerted]]
    hops: Mapping[str, int]  # by the key of a movement in the trace
    method: str
    published: Mapping[str, tuple[str, str]]  # by list: day and SHA-256 of its newest version
    going: Going


@dataclass(slots=True)
class Counts:
    """What the cover says of them."""

    rows: int = 0
    reversed: int = 0
    late: int = 0
    quiet: int = 0
    unconfirmed: int = 0


def rows(mine: Mine, ids: Sequence[int], going: Going, counts: Counts) -> Iterator[Cells]:
    """Every row with its digests; fills `counts`."""
    trace = going.trace
    lists = {w.entry.origin.list for w in mine.entries if w.entry.origin}
    found = case_file.publications(mine.store, sorted(lists))
    published = {str(p["list"]): (str(p["published"]), str(p["sha256"])) for p in found}
    hops = {edge.key: edge.hop for edge in trace.edges} if trace is not None else {}
    method = (trace.method or "range of all") if trace is not None else ""
    before = FIRST
    for views in mine.movements(ids):
        part = [view.row.id for view in views]
        around = _Around(
            mine.names(views),
            case_file.said(mine.store, part),
            case_file.alerted(mine.store, mine.case, part),
            *(hops, method, published, going),
        )
        for view in views:
            cells = _cells(mine, view, around)
            _count(counts, cells)
            cells["prev_row_hash"] = before
            cells["row_hash"] = before = digest(cells)
            yield cells


def _count(counts: Counts, cells: Cells) -> None:
    counts.rows += 1
    counts.reversed += cells["status"] in ("orphaned", "superseded")
    counts.late += cells["late"] == "yes"
    counts.quiet += cells["lane"] == "quiet"
    counts.unconfirmed += cells["status"] == "pending"


def _cells(mine: Mine, view: TransferView, around: _Around) -> Cells:
    transfer, row = view.row.transfer, view.row
    chain = mine.settings.chains.get(transfer.chain)
    edge = f"{transfer.chain}/{transfer.tx}/{transfer.leg}"
    hop = around.hops.get(edge)
    place = transfer.log_index if transfer.log_index is not None else _output(transfer.leg)
    found: dict[str, object] = dict.fromkeys(COLUMNS)
    found |= {
        "case_id": mine.case,
        "chain": transfer.chain,
        "network_id": chain.chain_id if chain else None,
        "block_height": transfer.block_height,
        "block_hash": transfer.block_hash,
        "block_time_utc": rfc3339(transfer.time),
        "confirmations_at_export": _confirmations(view, around.going.heads),
        "status": _STATUS[row.status],
        "tx_hash": transfer.tx,
        "tx_index": transfer.tx_index,
        "log_index_or_vout": place,
        "leg": transfer.leg,
        "transfer_kind": transfer.kind.value,
        "hop": hop,
        "tracing_method": around.method if hop is not None else None,
        "detected_at_utc": rfc3339(row.first_seen),
        "late": "yes" if row.late else "no",
        "lane": _lane(around.alerted.get(row.id, ())),
        "exporter_version": __version__,
    }
    found |= _asset(view)
    found |= _value(view)
    found |= _parties(view, around.names)
    found |= _watched(view.entries, view.directions, around.published)
    found |= _work(around.alerted.get(row.id, ()), around.going.safe)
    found |= _sources(around.said.get(row.id, ()))
    return {column: _text(found[column]) for column in COLUMNS}


def _lane(alerts: Sequence[Alerted]) -> str:
    """Whether people were told of it at once; quiet: with others, or it stands here alone."""
    return "told" if any(each.lane == "news" for each in alerts) else "quiet"


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _output(leg: str) -> int | None:
    """The number in a leg like "out:1"."""
    number = leg.rpartition(":")[2]
    return int(number) if number.isdecimal() and len(number) < 10 else None


def _confirmations(view: TransferView, heads: Mapping[str, int]) -> int | None:
    height, head = view.row.transfer.block_height, heads.get(view.row.transfer.chain)
    if height is None or head is None or view.row.status is Status.ORPHANED:
        return None
    return max(0, head - height + 1)


def _asset(view: TransferView) -> dict[str, object]:
    """A symbol is told of what is verified; of anything else it is what a contract calls itself."""
    transfer, decimals = view.row.transfer, view.decimals
    known = decimals is not None and 0 <= decimals <= MAX_DECIMALS
    symbol = view.symbol if view.verified else clean(view.symbol)
    claimed = f"{symbol} (unverified)" if symbol and not view.verified else symbol
    return {
        "asset": claimed or ("unverified" if transfer.contract else None),
        "contract": transfer.contract,
        "token_id": transfer.token_id,
        "decimals": decimals if known else None,
        "amount_raw": transfer.amount,
        "amount": coins(transfer.amount, decimals) if known and decimals is not None else None,
    }


def coins(units: int, decimals: int) -> str:
    """Exact, in coins: "0.000001"."""
    if not decimals:
        return str(units)
    whole, rest = divmod(units, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}"


def _value(view: TransferView) -> dict[str, object]:
    dollars, price = worth.of(view), view.price
    if dollars is None or price is None:
        return {}
    return {
        "usd_value": f"{worth.cents(dollars):f}",
        "price_source": price.source,
        "price_time": rfc3339(price.at),
    }


def _parties(view: TransferView, names: Mapping[tuple[str, str], Known]) -> dict[str, object]:
    transfer = view.row.transfer
    found: dict[str, object] = {}
    for side, address in (("from", transfer.sender), ("to", transfer.recipient)):
        known = names.get((transfer.chain, address)) if address is not None else None
        found[f"{side}_address"] = address
        if known is not None:
            found[f"{side}_label"] = tidy(known.label, 100)
            found[f"{side}_label_source"] = tidy(known.source, 100)
            found[f"{side}_label_confidence"] = known.confidence
            found[f"{side}_label_as_of"] = tidy(known.date, 20)
    return found


def _watched(
    entries: Sequence[Entry], sides: Mapping[str, str], published: Mapping[str, tuple[str, str]]
) -> dict[str, object]:
    origins = [each.origin for each in entries if each.origin is not None]
    lists = [published.get(each.list, ("", "")) for each in origins]
    return {
        "watch_entry_id": _joined(each.id for each in entries),
        "watched_address": _joined(each.subject.address for each in entries),
        "direction": _joined(sides.get(each.id, "") for each in entries),
        "list_name": _joined(tidy(each.title, 60) for each in origins),
        "list_publish_date": _joined(day for day, _ in lists),
        "list_file_sha256": _joined(sha256 for _, sha256 in lists),
        "list_entry_id": _joined(tidy(each.entity, 80) for each in origins),
        "listed_from": _joined(each.since for each in origins),
        "listed_to": _joined(each.until for each in origins),
        "match_basis": "exact address" if entries else "counterparty or followed address",
    }


def _work(alerts: Sequence[Alerted], safe: Callable[[str], str]) -> dict[str, object]:
    return {
        "alert_id": _joined(each.id for each in alerts),
        "delivered_at_utc": _joined(rfc3339(each.delivered) or "" for each in alerts),
        "channel": _joined(each.channel for each in alerts),
        "acknowledged_by": _joined(tidy(each.taken_by, 80) for each in alerts),
        "acknowledged_at": _joined(rfc3339(each.taken_at) or "" for each in alerts),
        "disposition": _joined(each.outcome or each.state for each in alerts),
        "disposition_reason": _joined(tidy(safe(each.why), 500) for each in alerts),
    }


def _sources(said: Sequence[Said]) -> dict[str, object]:
    """`source_2_agrees`: that it reports the same movement; empty: no second one was heard."""
    first, second = (*said[:2], None, None)[:2]
    return {
        "source_1": first.source if first else None,
        "source_1_response_sha256": first.sha256 if first else None,
        "source_2": second.source if second else None,
        "source_2_agrees": "yes" if second else None,
    }


def _joined(values: Iterator[str] | Sequence[str]) -> str:
    """Several stand in one order, with "; " between; all empty: nothing."""
    found = [*values]
    return "; ".join(found) if any(found) else ""
