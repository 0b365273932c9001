"""What decide() needs of the record for one poll."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from monitor.model import Alert, Asset, Axis, Batch, Chain, Interval, Row, Subject, Watched
from monitor.model.lists import Publication
from monitor.model.plan import Context
from monitor.model.scope import ChainWide, Members, Scope
from monitor.model.streams import StreamState
from monitor.store import doubts, follow, listing, ours, planned, watch
from monitor.store.coverage import stream_states
from monitor.store.port import Reader
from monitor.store.rows import NOT_TRACED, to_alert, to_row, to_transfer
from monitor.store.transfers import open_rows, open_rows_among

NO_TITLES: Mapping[str, str] = {}


def load_context(
    store: Reader,
    chain: Chain,
    scope: Scope,
    batches: Sequence[Batch],
    states: Mapping[str, StreamState],
    *,
    assets: Mapping[tuple[str, str], Asset],
    lags: Mapping[str, int],
    now: int,
    titles: Mapping[str, str] = NO_TITLES,
) -> Context:
    """Load what decide() needs for these batches, but for prices: of the entries only those on
    an address that is concerned, for there may be very many. `states`: of the scope; `titles`:
    of the lists of our own addresses."""
    followed = followed_by(scope, batches)
    owed = doubts.of_scope(store, scope)
    txs = {doubt.tx for doubt in owed} | _concerned(store, scope, followed, batches)
    others = doubts.of_transactions(store, chain.key, txs)
    known = _rows_of(store, chain.key, txs)
    moved = [t for b in batches for t in b.transfers] + [row.transfer for row in known]
    parties = {party for t in moved for party in t.parties()}
    watched = watch.watch(store, chain.key, parties | _unmet(store, scope, followed))
    return Context(
        chain=chain,
        scope=scope,
        now=now,
        followed=followed,
        watched=watched,
        known=known,
        alerts=_alerts_of(store, known),
        covered={
            address: _covered(store, scope, address, batches, states, now)
            for address in followed & parties
        },
        assets=assets,
        lags=lags,
        doubts=tuple({doubt.key: doubt for doubt in (*others, *owed)}.values()),
        doubtful=doubts.counts(store, chain.key),
        lists=lists_of(store, [w for on in watched.values() for w in on]),
        ours=ours.own(store, titles, parties),
        traced=follow.traced(store, chain.key, parties) if titles else frozenset(),
        paid=_paid(store, chain.key, watched),
        told_as_planned=planned.told(store, [w.entry for on in watched.values() for w in on]),
    )


def of_transactions(
    store: Reader,
    chain: Chain,
    txs: Iterable[str],
    *,
    assets: Mapping[tuple[str, str], Asset],
    titles: Mapping[str, str],
    now: int,
) -> Context:
    """What is recorded of transactions, to be held against addresses of our own once more."""
    known = _rows_of(store, chain.key, txs)
    parties = {party for row in known for party in row.transfer.parties()}
    return Context(
        chain=chain,
        scope=ChainWide(chain.key),
        now=now,
        followed=frozenset(),
        watched=watch.watch(store, chain.key, parties),
        known=known,
        alerts=_alerts_of(store, known),
        assets=assets,
        ours=ours.own(store, titles, parties),
        traced=follow.traced(store, chain.key, parties),
    )


def _paid(
    store: Reader, chain: str, watched: Mapping[str, Sequence[Watched]]
) -> dict[str, tuple[Row, ...]]:
    """What addresses with an announced outflow have paid since then, all rows of it."""
    found = {}
    for address, on in watched.items():
        plans = [w.entry.planned for w in on if w.active and w.entry.planned]
        if plans:
            since = min(plan.counts_from for plan in plans)
            txs = planned.paid_in(store, Subject(chain, address), since)
            found[address] = _rows_of(store, chain, txs)
    return found


def lists_of(store: Reader, watched: Iterable[Watched]) -> dict[str, Publication]:
    """The versions in force of the published lists of which these entries come, by name."""
    names = {w.entry.origin.list for w in watched if w.entry.origin}
    found = {name: listing.newest(store, name) for name in sorted(names)}
    return {name: version for name, version in found.items() if version}


def _concerned(
    store: Reader, scope: Scope, followed: Set[str], batches: Sequence[Batch]
) -> set[str]:
    """The transactions that were reported, that are not final yet, or were read again."""
    reported = {t.tx for b in batches for t in b.transfers}
    unsettled = {row.transfer.tx for row in _open_rows(store, scope, followed)}
    return reported | unsettled | _reread_txs(store, scope, followed, batches)


def _open_rows(store: Reader, scope: Scope, followed: Set[str]) -> list[Row]:
    if isinstance(scope, Subject):
        return open_rows(store, scope)
    return open_rows_among(store, scope.chain, followed)


def followed_by(scope: Scope, batches: Sequence[Batch]) -> Set[str]:
    """The addresses of which a scope's batches are exhaustive."""
    if isinstance(scope, Subject):
        return frozenset({scope.address})
    for batch in batches:
        if batch.members is not None:
            return batch.members
    return frozenset(subject.address for batch in batches for subject in batch.subjects)


def _covered(
    store: Reader,
    scope: Scope,
    address: str,
    batches: Sequence[Batch],
    states: Mapping[str, StreamState],
    now: int,
) -> dict[str, tuple[Interval, ...]]:
    """What was read of an address, by stream, on the axis on which it is read now; `states`: of
    the scope."""
    axes = {stream: batch.axis for batch in batches for stream in batch.streams}
    known = states
    if isinstance(scope, ChainWide):
        known = stream_states(store, Subject(scope.chain, address), now, states)
    return {
        stream: state.covered.get(axes.get(stream, Axis.HEIGHT), ())
        for stream, state in known.items()
    }


def _unmet(store: Reader, scope: Scope, followed: Set[str]) -> Set[str]:
    """Of the followed addresses those for whose entries it is the first contact."""
    if isinstance(scope, Subject):
        return followed
    if isinstance(followed, Members):
        return frozenset()  # they were met when they joined
    return followed & watch.unmet(store, scope.chain)


def _reread_txs(
    store: Reader, scope: Scope, followed: Set[str], batches: Sequence[Batch]
) -> set[str]:
    """Transactions of final rows where a batch read again what had been read before, also
    where that counts as unread by now."""
    return {
        tx
        for batch in batches
        if batch.read is not None and batch.read.hi >= batch.fresh_from
        for tx in _final_txs(store, scope, followed, batch.axis, _fetched(batch.read, batch))
    }


def _fetched(read: Interval, batch: Batch) -> Interval:
    return Interval(max(read.lo, batch.fresh_from), read.hi)


def _final_txs(
    store: Reader, scope: Scope, followed: Set[str], axis: Axis, span: Interval
) -> set[str]:
    column, unit = "block_height" if axis.by_block else "time", axis.grain
    sql = (
        "SELECT tx, sender, recipient FROM transfer WHERE chain = ? AND {} status = 'final' "
        "AND {}{} BETWEEN ? AND ?"
    )
    places = [-(-span.lo // unit), span.hi // unit]
    if isinstance(scope, ChainWide):
        rows = store.read(sql.format("", "", column), [scope.chain, *places])
        return {tx for tx, sender, recipient in rows if {sender, recipient} & followed}
    # The plus keeps SQLite from walking through all rows of the chain at these heights.
    parts = (sql.format(f"{party} = ? AND", "+", column) for party in ("sender", "recipient"))
    asked = [scope.chain, scope.address, *places]
    return {row["tx"] for part in parts for row in store.read(part, asked)}


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
    """Alerts about the rows' transactions, and those about many that listed the rows."""
    txs = (row.transfer.tx for row in known)
    found = store.read_in(
        f"SELECT rowid AS nr, * FROM alert WHERE {NOT_TRACED} AND tx IN ({{}})", txs
    )
    summaries = store.read_in(
        "SELECT DISTINCT a.rowid AS nr, a.* FROM alert_transfer at JOIN alert a ON a.id = at.alert "
        "WHERE a.kind IN ('history', 'notice') AND at.transfer IN ({})",
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
