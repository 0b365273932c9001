"""What sources were like: counted by day, for the order in which they are asked."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.model.scores import DAY, KEPT_DAYS, Mark, Score
from monitor.store.port import Reader, Store

LATE_DAYS = 14  # for which it is remembered how late a source was


def add(store: Store, scores: Sequence[Score]) -> None:
    """Count these; what is older than 90 days goes."""
    if not scores:
        return
    oldest = max(each.day for each in scores) - KEPT_DAYS
    with store.write() as conn:
        conn.executemany(
            "INSERT INTO score (source, chain, day, what, n, worst) VALUES (?,?,?,?,?,?) "
            "ON CONFLICT (source, chain, day, what) DO UPDATE SET n = n + excluded.n, "
            "worst = max(worst, excluded.worst)",
            [(s.source, s.chain, s.day, s.what.value, s.n, s.worst) for s in scores],
        )
        conn.execute("DELETE FROM score WHERE day < ?", (oldest,))


def late(store: Reader, chain: str, source: str, now: int) -> int:
    """How late a source listed a movement at worst in the last 14 days: seconds after its block's
    time; 0: never."""
    rows = store.read(
        "SELECT max(worst) AS worst FROM score WHERE chain = ? AND source = ? AND what = ? "
        "AND day > ?",
        [chain, source, Mark.LATE.value, now // DAY - LATE_DAYS],
    )
    return int(rows[0]["worst"] or 0)


def since(store: Reader, day: int) -> list[Score]:
    """All that was counted from a day on, by chain, source and day."""
    rows = store.read("SELECT * FROM score WHERE day >= ? ORDER BY chain, source, day, what", [day])
    return [
        Score(r["source"], r["chain"], r["day"], Mark(r["what"]), r["n"], r["worst"]) for r in rows
    ]
