"""Prices in the record: what sources said, what is still wanted, what may be forgotten."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal

from monitor.model import Kind, Price
from monitor.store.notes import get_note, put_note, write_note
from monitor.store.port import Fields, Reader, Store

Key = tuple[str, str]  # chain, contract; contract empty: the chain's own coin
Moment = tuple[str, str, int]  # chain, contract, Unix seconds

SINCE = "prices_since"  # note: movements recorded before that are not priced
THINNED = "prices_thinned"  # note: up to there only prices that somebody needs are left
# Kinds for which no price is asked: see worth.unpriceable; a fee alone is not worth a call.
_UNASKED = ", ".join(f"'{kind}'" for kind in Kind if kind.fee or kind.nft or kind.numbered)


# What left addresses whose money is followed: each unit keeps the USD that it had then.
_LEFT = (
    "FROM entry e INDEXED BY entry_follow JOIN scope s ON s.key = e.subject "
    "JOIN transfer t ON t.chain = s.chain AND t.sender = s.address "
    "WHERE e.retired IS NULL AND e.list = '' AND instr(e.terms, '\"follow\": {') > 0 "
    "AND t.time IS NOT NULL"
)


def put(store: Store, prices: Iterable[Price], asked: int) -> None:
    """Keep prices. What a source says a second time of the same moment changes nothing."""
    with store.write() as conn:
        conn.executemany(
            "INSERT INTO price (chain, contract, at, usd, source, asked, daily) "
            "VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
            [(p.chain, p.contract, p.at, f"{p.usd:f}", p.source, asked, p.daily) for p in prices],
        )


def between(store: Reader, keys: Iterable[Key], lo: int, hi: int) -> dict[Key, tuple[Price, ...]]:
    """Prices of these assets in [lo, hi], in order of time; assets without any are left out."""
    found: dict[Key, tuple[Price, ...]] = {}
    for chain, contract in dict.fromkeys(keys):
        rows = store.read(
            "SELECT chain, contract, at, usd, source, daily FROM price "
            "WHERE chain = ? AND contract = ? AND at BETWEEN ? AND ? ORDER BY at, source",
            [chain, contract, lo, hi],
        )
        if rows:
            found[chain, contract] = tuple(map(_price, rows))
    return found


def around(store: Reader, moments: Iterable[Moment], reach: int) -> dict[Key, tuple[Price, ...]]:
    """Every price from at most `reach` seconds before or after one of these moments."""
    spans: dict[Key, tuple[int, int]] = {}
    for chain, contract, at in moments:
        lo, hi = spans.get((chain, contract), (at, at))
        spans[chain, contract] = (min(lo, at), max(hi, at))
    found: dict[Key, tuple[Price, ...]] = {}
    for key, (lo, hi) in spans.items():
        found |= between(store, [key], lo - reach, hi + reach)
    return found


def asked_since(store: Reader, at: int, reach: int) -> dict[Key, int]:
    """Assets of which a price was asked for after `at` that is at most `reach` seconds older, and
    when that was."""
    rows = store.read(
        "SELECT chain, contract, max(asked) AS asked FROM price "
        "WHERE at > ? AND asked > ? GROUP BY chain, contract",
        [at - reach, at],
    )
    return {(row["chain"], row["contract"]): row["asked"] for row in rows}


def newest(store: Reader, chain: str, contract: str) -> Price | None:
    """The newest price of an asset on record."""
    rows = store.read(
        "SELECT chain, contract, at, usd, source, daily FROM price "
        "WHERE chain = ? AND contract = ? ORDER BY at DESC, source LIMIT 1",
        [chain, contract],
    )
    return _price(rows[0]) if rows else None


def _price(row: Fields) -> Price:
    usd, daily = Decimal(row["usd"]), bool(row["daily"])
    return Price(row["chain"], row["contract"], row["at"], usd, row["source"], daily)


# -- what is still wanted ------------------------------------------------------------------


def wanted(
    store: Reader, keys: Collection[Key], since: int, near: tuple[int, int], now: int, most: int
) -> list[Moment]:
    """When these assets moved in alerts made since then, or ever left an address whose money is
    followed, without a price that counts and due to be asked; newest alerts first. `near`:
    seconds within which a price counts, and within which one of midnight does."""
    rows = store.read(
        "SELECT DISTINCT t.chain, coalesce(t.contract, '') AS contract, t.time FROM ("
        "SELECT a.created AS at, at.transfer AS id FROM alert a "
        "CROSS JOIN alert_transfer at ON at.alert = a.id WHERE a.created >= ?1 "
        f"UNION ALL SELECT t.time AS at, t.id {_LEFT}"
        ") m JOIN transfer t ON t.id = m.id "
        "WHERE t.time IS NOT NULL AND t.amount <> '0' "
        f"AND t.kind NOT IN ({_UNASKED}) "
        "AND t.chain || '/' || coalesce(t.contract, '') IN (SELECT value FROM json_each(?2)) "
        "AND NOT EXISTS (SELECT 1 FROM price p WHERE p.chain = t.chain "
        "AND p.contract = coalesce(t.contract, '') AND p.daily = 0 "
        "AND p.at BETWEEN t.time - ?3 AND t.time + ?3) "
        "AND NOT EXISTS (SELECT 1 FROM price p WHERE p.chain = t.chain "
        "AND p.contract = coalesce(t.contract, '') AND p.daily = 1 "
        "AND p.at BETWEEN t.time - ?4 AND t.time + ?4) "
        "AND NOT EXISTS (SELECT 1 FROM price_try y WHERE y.chain = t.chain "
        "AND y.contract = coalesce(t.contract, '') AND y.at = t.time "
        "AND (y.next_try IS NULL OR y.next_try > ?5)) "
        "ORDER BY m.at DESC, t.time DESC LIMIT ?6",
        [
            *(since, json.dumps([f"{chain}/{contract}" for chain, contract in keys])),
            *(*near, now, most),
        ],
    )
    return [(row["chain"], row["contract"], row["time"]) for row in rows]


def tried(store: Store, moments: Iterable[Moment], waits: Sequence[int], now: int) -> None:
    """No source had a price for these: ask again after the next of `waits`, in the end no
    more."""
    with store.write() as conn:
        for moment in moments:
            row = conn.execute(
                "SELECT tries FROM price_try WHERE chain = ? AND contract = ? AND at = ?", moment
            ).fetchone()
            tries = row["tries"] if row else 0
            after = now + waits[tries] if tries < len(waits) else None
            conn.execute(
                "INSERT INTO price_try (chain, contract, at, tries, next_try) VALUES (?,?,?,?,?) "
                "ON CONFLICT DO UPDATE SET tries = excluded.tries, next_try = excluded.next_try",
                (*moment, tries + 1, after),
            )


def given_up(store: Reader, moments: Iterable[Moment]) -> set[Moment]:
    """Those of these moments for which no source will be asked again."""
    asked = set(moments)
    rows = store.read_in(
        "SELECT chain, contract, at FROM price_try WHERE next_try IS NULL AND at IN ({})",
        (at for _, _, at in asked),
    )
    return asked & {(row["chain"], row["contract"], row["at"]) for row in rows}


def compared(store: Reader) -> set[str]:
    """Chains on which an amount in USD keeps incoming movements quiet, also that of held funds:
    what is worth something there is asked of every price source, so that none can silence
    alone."""
    rows = store.read(
        "SELECT DISTINCT s.chain FROM entry e JOIN scope s ON s.key = e.subject "
        "WHERE e.retired IS NULL "
        "AND (e.terms LIKE '%\"USD\":%' OR e.terms LIKE '%\"held\":%')"
    )
    return {row["chain"] for row in rows}


def seen_contracts(store: Reader) -> set[Key]:
    """Tokens that appeared in any list that was read."""
    return {(row["chain"], row["contract"]) for row in store.read("SELECT * FROM token")}


def since(store: Reader) -> int | None:
    noted = get_note(store, SINCE)
    return None if noted is None else int(noted)


def begin(store: Store, at: int) -> int:
    """From when on movements are priced: fixed at the first round."""
    noted = since(store)
    if noted is None:
        put_note(store, SINCE, str(at))
    return at if noted is None else noted


# -- what may be forgotten -----------------------------------------------------------------


def thinned(store: Reader) -> int | None:
    """Up to when prices that nobody needs were forgotten; where none were yet, when pricing
    began."""
    noted = get_note(store, THINNED)
    return since(store) if noted is None else int(noted)


def moved_since(store: Reader, at: int) -> list[Moment]:
    """When which assets moved in alerts made since then, or left an address whose money is
    followed."""
    rows = store.read(
        "SELECT DISTINCT t.chain, coalesce(t.contract, '') AS contract, "
        "coalesce(t.time, t.first_seen) AS at FROM alert a "
        "CROSS JOIN alert_transfer at ON at.alert = a.id JOIN transfer t ON t.id = at.transfer "
        "WHERE a.created >= ? "
        f"UNION SELECT t.chain, coalesce(t.contract, '') AS contract, t.time {_LEFT} "
        "AND t.time >= ?",
        [at, at],
    )
    return [(row["chain"], row["contract"], row["at"]) for row in rows]


def kept(store: Reader, since: int, until: int) -> dict[Key, tuple[Price, ...]]:
    """Every price of a stretch of time, later than `since`, in order of time."""
    found: dict[Key, list[Price]] = {}
    for row in store.read(
        "SELECT chain, contract, at, usd, source, daily FROM price WHERE at > ? AND at <= ? "
        "ORDER BY at, source",
        [since, until],
    ):
        found.setdefault((row["chain"], row["contract"]), []).append(_price(row))
    return {key: tuple(prices) for key, prices in found.items()}


def forget(store: Store, prices: Iterable[Price], until: int) -> None:
    """Prices that nobody needs; all up to `until` have been looked at."""
    with store.write() as conn:
        conn.executemany(
            "DELETE FROM price WHERE chain = ? AND contract = ? AND at = ? AND source = ?",
            [(p.chain, p.contract, p.at, p.source) for p in prices],
        )
        write_note(conn, THINNED, str(until))
