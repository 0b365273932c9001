"""What somebody may see, as part of a query: the one place where that is decided in the record.

Whoever reads the record for a page of the desk puts this into the query itself, so that nothing
that they may not see is ever read, counted or searched for them.
"""

from __future__ import annotations

import json
from dataclasses import replace

from monitor.model import Kind
from monitor.model.desk import Sight

Clause = tuple[str, list[object]]


def of_case(sight: Sight, column: str = "case_id") -> Clause:
    """A condition on a column that names a case ('' or NULL: none), and its parameters."""
    if sight.cases is None:
        return "1", []
    named = f"{column} IN (SELECT value FROM json_each(?))"
    params: list[object] = [json.dumps(sorted(sight.cases - {""}))]
    either = [named]
    if sight.loose:
        either.append(f"coalesce({column}, '') = ''")
    if sight.lists:
        # Named otherwise: `case_id` alone must mean the column of the query around it.
        one = "(SELECT case_id AS its_case, list AS its_list FROM entry WHERE case_id <> '') one"
        listed = f"FROM {one} WHERE one.its_case = {column}"
        these = "(SELECT value FROM json_each(?))"
        either.append(
            f"(EXISTS (SELECT 1 {listed}) "
            f"AND NOT EXISTS (SELECT 1 {listed} AND one.its_list NOT IN {these}))"
        )
        params.append(json.dumps(sorted(sight.lists)))
    return f"({' OR '.join(either)})", params


def of_entries(sight: Sight, entry: str = "entry") -> Clause:
    """A condition on an entry (by its table's name in the query), for queries that look at very
    many of them: the cases that hold anything but entries of those lists are worked out once, and
    not case by case."""
    if sight.cases is None or not sight.lists:
        return of_case(sight, f"{entry}.case_id")
    said, params = of_case(replace(sight, lists=frozenset()), f"{entry}.case_id")
    these = "list IN (SELECT value FROM json_each(?))"
    listed = (
        f"{entry}.{these} AND {entry}.case_id <> '' AND {entry}.case_id NOT IN "
        f"(SELECT case_id FROM entry WHERE NOT {these} AND case_id <> '')"
    )
    lists = json.dumps(sorted(sight.lists))
    return f"({said} OR ({listed}))", [*params, lists, lists]


def of_alert(sight: Sight, alert: str = "alert") -> Clause:
    """A condition on an alert (by its table's name in the query): it belongs to the case of its
    entry. A notice names the entries that it is about: all of them must be seen; one that names
    none may tell of any case (what a watchlist brought), and is for who sees all."""
    if sight.cases is None:
        return "1", []
    said, params = of_case(sight, "seen.case_id")
    inside = f"EXISTS (SELECT 1 FROM entry seen WHERE seen.id = {alert}.entry AND {said})"
    named = f"json_each({alert}.facts, '$.incident.who')"
    unseen = (
        f"SELECT 1 FROM {named} who WHERE NOT EXISTS "
        f"(SELECT 1 FROM entry seen WHERE seen.id = who.value AND {said})"
    )
    notice = f"{alert}.entry IS NULL AND EXISTS (SELECT 1 FROM {named}) AND NOT EXISTS ({unseen})"
    return f"({inside} OR ({notice}))", [*params, *params]


def of_subject(sight: Sight, key: str) -> Clause:
    """A condition on an address, by an expression of the query that gives its key ("tron/T..."):
    somebody watches or watched it, or it is or was followed, for a case that they may see."""
    if sight.cases is None:
        return "1", []
    said, params = of_case(sight, "seen.case_id")
    inside = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} seen WHERE seen.subject = {key} AND {said})"
        for table in ("entry", "followed")
    )
    return f"({inside})", [*params, *params]


# Where a transaction comes and goes as a whole, and all of its legs are read with any of them.
_WHOLE = ", ".join(f"'{kind.value}'" for kind in Kind if kind.utxo)


def of_transfer(sight: Sight, transfer: str = "transfer") -> Clause:
    """A condition on a movement (by its table's name in the query): one of its sides, or of the
    transaction that comes and goes with it, is an address of `of_subject`."""
    if sight.cases is None:
        return "1", []
    ends, params = _of_ends(sight, transfer)
    legs, again = _of_ends(sight, "leg")
    whole = (
        f"{transfer}.kind IN ({_WHOLE}) AND EXISTS (SELECT 1 FROM transfer leg "
        f"WHERE leg.chain = {transfer}.chain AND leg.tx = {transfer}.tx AND {legs})"
    )
    return f"({ends} OR ({whole}))", [*params, *again]


def _of_ends(sight: Sight, transfer: str) -> Clause:
    sides = [
        of_subject(sight, f"{transfer}.chain || '/' || {transfer}.{side}")
        for side in ("sender", "recipient")
    ]
    (one, first), (other, second) = sides
    return f"({one} OR {other})", [*first, *second]
