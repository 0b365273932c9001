"""One transaction as the desk shows it: rows, sightings, alerts, each as far as it may be seen."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.model import Kind, Status
from monitor.model.desk import Sight
from monitor.model.desk_tx import AlertLine, Leg, SaidBy
from monitor.store.port import Fields, Reader
from monitor.store.sight import of_alert, of_transfer

MOST = 2000  # rows of one transaction that a page shows


def rows(store: Reader, sight: Sight, chain: str, tx: str, most: int = MOST) -> list[Leg]:
    """Its rows, in the order in which they happened."""
    said, params = of_transfer(sight, "t")
    found = store.read(
        f"SELECT t.* FROM transfer t WHERE t.chain = ? AND t.tx = ? AND {said} "
        "ORDER BY t.tx_index, t.log_index, t.id LIMIT ?",
        [chain, tx, *params, most],
    )
    sightings: dict[int, list[SaidBy]] = {}
    for row in store.read_in(
        "SELECT * FROM sighting WHERE transfer IN ({}) ORDER BY at, source",
        (row["id"] for row in found),
    ):
        by = SaidBy(row["source"], row["at"], row["block"], row["sha256"])
        sightings.setdefault(row["transfer"], []).append(by)
    return [_leg(row, sightings.get(row["id"], [])) for row in found]


def _leg(row: Fields, said: Sequence[SaidBy]) -> Leg:
    return Leg(
        *(row["id"], row["tx"], Kind(row["kind"]), row["sender"], row["recipient"]),
        *(row["contract"], row["token_id"], int(row["amount"]), row["block_height"]),
        *(row["block_hash"], row["time"], Status(row["status"]), bool(row["late"])),
        *(row["first_seen"], row["reason"] or "", tuple(said)),
    )


def is_whole(store: Reader, chain: str, tx: str, seen: Sequence[Leg]) -> bool:
    """Whether these are all of its rows."""
    sql = "SELECT count(*) AS n FROM transfer WHERE chain = ? AND tx = ?"
    return bool(store.read(sql, [chain, tx])[0]["n"] == len(seen))


def alerts(store: Reader, sight: Sight, chain: str, tx: str) -> list[AlertLine]:
    """What was told of it, oldest first."""
    said, params = of_alert(sight, "a")
    found = store.read(
        "SELECT a.*, coalesce(e.case_id, '') AS case_id FROM alert a "
        f"LEFT JOIN entry e ON e.id = a.entry WHERE a.tx = ? AND a.chain = ? AND {said} "
        "ORDER BY a.created, a.rowid LIMIT 200",
        [tx, chain, *params],
    )
    return [
        AlertLine(
            *(row["id"], row["kind"], row["lane"], row["severity"], row["created"], row["state"]),
            *(row["entry"] or "", row["case_id"], row["title"]),
        )
        for row in found
    ]
