"""Questions by hash that are owed, as plan.Doubt: kept until somebody answers them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.model.plan import Doubt, Plan, Signal
from monitor.model.scope import ChainWide, Scope
from monitor.store.incidents import put_signals
from monitor.store.port import Connection, Reader, Store

OLDEST = 200  # of one scope, that one poll looks at

_FIELDS = "tx, why, scope, source, state, rows, since"


def of_scope(store: Reader, scope: Scope) -> list[Doubt]:
    """The oldest doubts that the polls of a scope have to ask about."""
    rows = store.read(
        f"SELECT {_FIELDS} FROM doubt WHERE scope = ? ORDER BY since, tx LIMIT ?",
        [scope.key, OLDEST],
    )
    return [Doubt(*row) for row in rows]


def asking(store: Reader, chain: str) -> frozenset[str]:
    """The keys of the scopes of a chain whose polls have something to ask about."""
    rows = store.read("SELECT DISTINCT scope FROM doubt WHERE chain = ?", [chain])
    return frozenset(row["scope"] for row in rows)


def of_transactions(store: Reader, chain: str, txs: Iterable[str]) -> list[Doubt]:
    """Doubts about these transactions, whoever has to ask."""
    if not store.read("SELECT 1 FROM doubt WHERE chain = ? LIMIT 1", [chain]):
        return []
    sql = f"SELECT {_FIELDS} FROM doubt WHERE chain = ? AND tx IN ({{}})"
    return [Doubt(*row) for row in store.read_in(sql, txs, [chain])]


def counts(store: Reader, chain: str) -> Mapping[tuple[str, str, str], int]:
    """How many rows of a chain an answer has left in doubt, by (source, why, state)."""
    rows = store.read(
        "SELECT source, why, state, sum(rows) AS n FROM doubt WHERE chain = ? AND state <> '' "
        "GROUP BY source, why, state",
        [chain],
    )
    return {(row["source"], row["why"], row["state"]): row["n"] for row in rows}


def unchecked(store: Reader, chain: str, tx: str) -> bool:
    """Whether nobody has yet shown a receipt for what was told of a transaction."""
    sql = "SELECT 1 FROM doubt WHERE chain = ? AND tx = ? AND why = 'success'"
    return bool(store.read(sql, [chain, tx]))


def forget_unwatched(store: Store, now: int) -> None:
    """Forget what nobody watches any more, and end the incidents that only it kept open."""
    rows = store.read(
        "SELECT key FROM incident WHERE closed IS NULL "
        "AND (key GLOB 'integrity:*' OR key GLOB 'listgap:*')"
    )
    if not rows:
        return
    with store.write() as conn:
        conn.execute(
            "DELETE FROM doubt WHERE NOT EXISTS "
            "(SELECT 1 FROM entry e WHERE e.subject = doubt.scope AND e.retired IS NULL) "
            "AND NOT EXISTS (SELECT 1 FROM followed f "
            "WHERE f.subject = doubt.scope AND f.until IS NULL) "
            "AND NOT EXISTS (SELECT 1 FROM joined j "
            "WHERE j.scope = doubt.scope AND j.until_place IS NULL)"
        )
    left = store.read("SELECT DISTINCT chain, source, state FROM doubt WHERE state <> ''")
    kinds = {"lost": "integrity", "kept": "listgap"}
    lasting = {f"{kinds.get(r['state'], '')}:{r['chain']}/{r['source']}" for r in left}
    over = [Signal(row["key"], bad=False) for row in rows if row["key"] not in lasting]
    put_signals(store, over, now)


def hand_over(conn: Connection, scope: ChainWide) -> None:
    """Once nobody is read for chain-wide, an address that is read asks what its polls had to."""
    conn.execute(
        "UPDATE doubt SET scope = coalesce((SELECT s.key FROM transfer t JOIN scope s ON s.key "
        "IN (t.chain || '/' || t.sender, t.chain || '/' || t.recipient) "
        "WHERE t.chain = doubt.chain AND t.tx = doubt.tx AND (EXISTS "
        "(SELECT 1 FROM entry e WHERE e.subject = s.key AND e.retired IS NULL) OR EXISTS "
        "(SELECT 1 FROM followed f WHERE f.subject = s.key AND f.until IS NULL)) LIMIT 1), scope) "
        "WHERE scope = ? AND NOT EXISTS "
        "(SELECT 1 FROM joined j WHERE j.scope = doubt.scope AND j.until_place IS NULL)",
        (scope.key,),
    )


def note(conn: Connection, plan: Plan) -> None:
    """Keep a plan's doubts and forget those that it settled."""
    chain = plan.scope.chain
    conn.executemany(
        "DELETE FROM doubt WHERE chain = ? AND tx = ? AND why = ?",
        [(chain, tx, why) for tx, why in plan.settled],
    )
    conn.executemany(
        "INSERT INTO doubt (chain, tx, why, scope, source, state, rows, since) "
        "VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (chain, tx, why) DO UPDATE SET "
        "scope = excluded.scope, source = excluded.source, state = excluded.state, "
        "rows = excluded.rows",
        [(chain, d.tx, d.why, d.scope, d.source, d.state, d.rows, d.since) for d in plan.doubts],
    )
