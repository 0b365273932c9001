"""What decide() needs of the record for one poll."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from monitor.model import Alert, Asset, Axis, Batch, Chain, Interval, Row, Subject
from monitor.model.plan import (
    Context,
)
from monitor.model.streams import StreamState
from monitor.store import doubts, watch
from monitor.store.port import Reader
from monitor.store.rows import to_alert, to_row, to_transfer
from monitor.store.transfers import open_rows


def load_context(
    store: Reader,
    chain: Chain,
    subject: Subject,
    batches: Sequence[Batch],
    states: Mapping[str, StreamState],
    *,
    assets: Mapping[tuple[str, str], Asset],
    lags: Mapping[str, int],
    now: int,
) -> Context:
    """Load what decide() needs for these batches, but for prices: of the entries only those on
    an address that is concerned, for there may be very many."""
    txs = {t.tx for b in batches for t in b.transfers}
    txs.update(row.transfer.tx for row in open_rows(store, subject))
    txs.update(_reread_txs(store, subject, batches))
    owed = doubts.of_subject(store, subject)
    txs.update(doubt.tx for doubt in owed)
    others = {d.key: d for d in doubts.of_transactions(store, chain.key, txs)}
    owed = list((others | {d.key: d for d in owed}).values())
    known = _rows_of(store, chain.key, txs)
    moved = [t for b in batches for t in b.transfers] + [row.transfer for row in known]
    parties = {subject.address, *(party for t in moved for party in t.parties())}
    watched = watch.watch(store, chain.key, parties)
    return Context(
        chain=chain,
        scope=subject,
        now=now,
        watched=watched,
        known=known,
        alerts=_alerts_of(store, known),
        covered={
            stream: state.covered.get(axis, ())
            for stream, state in states.items()
            for axis in [next((b.axis for b in batches if stream in b.streams), Axis.HEIGHT)]
        },
        assets=assets,
        lags=lags,
        doubts=tuple(owed),
        doubtful=doubts.counts(store, chain.key),
    )


def _reread_txs(store: Reader, subject: Subject, batches: Sequence[Batch]) -> set[str]:
    """Transactions of final rows where a batch read again what had been read before, also
    where that counts as unread by now."""
    return {
        tx
        for batch in batches
        if batch.read is not None
        for tx in _final_txs(store, subject, batch.axis, batch.read)
    }


def _final_txs(store: Reader, subject: Subject, axis: Axis, span: Interval) -> set[str]:
    column, unit = "block_height" if axis.by_block else "time", axis.grain
    sql = (
        f"SELECT tx FROM transfer WHERE chain = ? AND {{}} = ? AND status = 'final' "
        f"AND {column} BETWEEN ? AND ?"
    )
    params = [subject.chain, subject.address, -(-span.lo // unit), span.hi // unit]
    return {
        row["tx"]
        for party in ("sender", "recipient")
        for row in store.read(sql.format(party), params)
    }


def _rows_of(store: Reader, chain: str, txs: Iterable[str]) -> tuple[Row, ...]:
    found = store.read_in("SELECT * FROM transfer WHERE chain = ? AND tx IN ({})", txs, [chain])
    transfers = {row["id"]: to_transfer(row) for row in found}
    reporters: dict[int, set[str]] = {}
    for number, source, block in store.read_in(
        "SELECT transfer, source, block FROM sighting WHERE transfer IN ({})", transfers
    ):
        if block == transfers[number].block_key:
            reporters.setdefault(number, set()).add(source)
    return tuple(
        to_row(row, transfers[row["id"]], frozenset(reporters.get(row["id"], ()))) for row in found
    )


def _alerts_of(store: Reader, known: Sequence[Row]) -> tuple[Alert, ...]:
    """Alerts about the rows' transactions, and start-up summaries that listed the rows."""
    txs = (row.transfer.tx for row in known)
    found = store.read_in("SELECT rowid AS nr, * FROM alert WHERE tx IN ({})", txs)
    summaries = store.read_in(
        "SELECT DISTINCT a.rowid AS nr, a.* FROM alert_transfer at JOIN alert a ON a.id = at.alert "
        "WHERE a.kind = 'history' AND at.transfer IN ({})",
        (row.id for row in known),
    )
    found += {row["id"]: row for row in summaries}.values()
    identities: dict[str, list[tuple[str, str, str]]] = {}
    for row in store.read_in(
        "SELECT at.alert, t.chain, t.tx, t.leg FROM alert_transfer at "
        "JOIN transfer t ON t.id = at.transfer WHERE at.alert IN ({})",
        (row["id"] for row in found),
    ):
        identities.setdefault(row["alert"], []).append((row["chain"], row["tx"], row["leg"]))
    ordered = sorted(found, key=lambda row: (row["created"], row["nr"]))
    return tuple(to_alert(row, tuple(identities.get(row["id"], ()))) for row in ordered)
