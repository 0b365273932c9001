"""Cases whose money is or was followed, as one person may see them. Reads only."""

from __future__ import annotations

from monitor.model.desk import Sight
from monitor.store.port import Reader
from monitor.store.sight import of_case
from monitor.store.trace import FOLLOWING


def cases(store: Reader, sight: Sight) -> dict[str, bool]:
    """By name; whether it is followed now."""
    seen, params = of_case(sight)
    followed = store.read(
        f"SELECT DISTINCT case_id FROM {FOLLOWING} AND case_id <> '' AND {seen}", params
    )
    traced = store.read(f"SELECT DISTINCT case_id FROM trace_state WHERE {seen}", params)
    now = {row["case_id"] for row in followed}
    return {case: case in now for case in sorted(now | {row["case_id"] for row in traced})}
