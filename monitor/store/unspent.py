"""What members of a chain whose blocks do not say whose money inputs spend have not spent."""

from __future__ import annotations

from collections.abc import Container

from monitor.model import Kind, Status
from monitor.store.port import Reader


def outputs(store: Reader, chain: str, members: Container[str]) -> dict[str, str]:
    """Outputs of members ("txid:n") that no block that is final spends, with their addresses."""
    kinds = [kind for kind in Kind if kind.output]
    rows = store.read(
        "SELECT t.tx, t.leg, t.recipient FROM transfer t WHERE t.chain = ?1 "
        "AND t.status IN (?2, ?3) AND NOT EXISTS (SELECT 1 FROM transfer i "
        "WHERE i.chain = ?1 AND i.status = ?3 AND i.spends = t.tx || ':' || substr(t.leg, 5)) "
        f"AND t.kind IN ({','.join('?' * len(kinds))})",
        [chain, Status.PROVISIONAL, Status.FINAL, *kinds],
    )
    found = {f"{row['tx']}:{row['leg'][4:]}": row["recipient"] for row in rows}
    known = store.read(
        "SELECT u.output, u.address FROM unspent u WHERE u.chain = ?1 AND NOT EXISTS (SELECT 1 "
        "FROM transfer i WHERE i.chain = ?1 AND i.status = ?2 AND i.spends = u.output)",
        [chain, Status.FINAL],
    )
    found |= {row["output"]: row["address"] for row in known}
    return {output: address for output, address in found.items() if address in members}
