"""What somebody may see, as part of a query: the one place where that is decided in the record.

Whoever reads the record for a page of the desk puts this into the query itself, so that nothing
that they may not see is ever read, counted or searched for them.
"""

from __future__ import annotations

import json

from monitor.model.desk import Sight

Clause = tuple[str, list[object]]


def of_case(sight: Sight, column: str = "case_id") -> Clause:
    """A condition on a column that names a case ('' or NULL: none), and its parameters."""
    if sight.cases is None:
        return "1", []
    named = f"{column} IN (SELECT value FROM json_each(?))"
    params: list[object] = [json.dumps(sorted(sight.cases - {""}))]
    if not sight.loose:
        return named, params
    return f"({named} OR coalesce({column}, '') = '')", params


def of_alert(sight: Sight, alert: str = "alert") -> Clause:
    """A condition on an alert (by its table's name in the query): it belongs to the case of its
    entry. A notice about ourselves belongs to none."""
    if sight.cases is None:
        return "1", []
    said, params = of_case(sight, "seen.case_id")
    inside = f"EXISTS (SELECT 1 FROM entry seen WHERE seen.id = {alert}.entry AND {said})"
    return (f"({inside} OR {alert}.entry IS NULL)" if sight.loose else inside), params
