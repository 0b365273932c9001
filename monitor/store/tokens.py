"""What token contracts say of themselves."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.store.port import Reader


def named(store: Reader, chain: str, contract: str) -> tuple[str, int | None] | None:
    """Symbol and decimals that a contract gives itself: hostile text. None: it was never met."""
    rows = store.read(
        "SELECT symbol, decimals FROM token WHERE chain = ? AND contract = ?", [chain, contract]
    )
    return (rows[0]["symbol"] or "", rows[0]["decimals"]) if rows else None


def told(store: Reader, chain: str, contracts: Iterable[str]) -> dict[str, tuple[str, int | None]]:
    """The same of several contracts; those never met are left out."""
    sql = "SELECT contract, symbol, decimals FROM token WHERE chain = ? AND contract IN ({})"
    rows = store.read_in(sql, contracts, [chain])
    return {row["contract"]: (row["symbol"] or "", row["decimals"]) for row in rows}
