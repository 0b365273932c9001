"""Cases for pages of the desk, as one person may see them. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from monitor.model.desk import Open, Sight
from monitor.store.cases import KNOWN
from monitor.store.desk_inbox import COLUMNS, to_open
from monitor.store.desk_schema import WORK
from monitor.store.port import Reader
from monitor.store.sight import of_case

# As the index on cases has it, which else is not used.
_OF = "e.case_id <> '' AND e.case_id"
Keys = Sequence[tuple[str, str]]  # chain and address


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in the list of cases."""

    case: str
    closed: int | None  # since when; None: open
    held: int | None  # legal hold since
    watched: int  # entries
    work: int  # alerts that are to be done
    nobody: int  # of them: that nobody has
    newest: int | None  # when the newest alert of it was made
    people: int  # members


def lines(store: Reader, sight: Sight) -> list[CaseLine]:
    """Every case that may be seen, open ones first, by name."""
    seen, params = of_case(sight, "k.case_id")
    rows = store.read(
        f"SELECT k.case_id, s.closed, s.held, "
        "(SELECT count(*) FROM entry e WHERE e.case_id = k.case_id AND e.case_id <> '' "
        "AND e.retired IS NULL) AS watched, "
        "(SELECT count(*) FROM member m WHERE m.case_id = k.case_id AND m.until IS NULL) "
        "AS people "
        f"FROM (SELECT DISTINCT case_id FROM ({KNOWN}) WHERE case_id <> '') k "
        f"LEFT JOIN case_state s ON s.case_id = k.case_id WHERE {seen} "
        "ORDER BY s.closed IS NOT NULL, k.case_id",
        params,
    )
    work = _work(store, sight)
    newest = _newest(store, [row["case_id"] for row in rows])
    return [
        CaseLine(
            *(row["case_id"], row["closed"], row["held"], row["watched"]),
            *work.get(row["case_id"], (0, 0)),
            *(newest.get(row["case_id"]), row["people"]),
        )
        for row in rows
    ]


def _work(store: Reader, sight: Sight) -> dict[str, tuple[int, int]]:
    """By case: alerts that are to be done, and those of them that nobody has."""
    seen, params = of_case(sight, "e.case_id")
    rows = store.read(
        "SELECT e.case_id, count(*) AS n, sum(a.holder = '') AS nobody "
        "FROM alert a INDEXED BY alert_work JOIN entry e ON e.id = a.entry "
        f"WHERE a.state <> 'closed' AND {WORK} AND {seen} GROUP BY e.case_id",
        params,
    )
    return {row["case_id"]: (row["n"], row["nobody"]) for row in rows}


def _newest(store: Reader, cases: Iterable[str]) -> dict[str, int]:
    rows = store.read_in(
        "SELECT e.case_id, max((SELECT max(a.created) FROM alert a WHERE a.entry = e.id)) AS at "
        "FROM entry e WHERE e.case_id IN ({}) GROUP BY e.case_id",
        cases,
    )
    return {row["case_id"]: row["at"] for row in rows if row["at"] is not None}


def is_known(store: Reader, sight: Sight, case: str) -> bool:
    """Whether there is such a case, and it may be seen."""
    seen, params = of_case(sight)
    sql = f"SELECT 1 FROM ({KNOWN}) WHERE case_id = ? AND case_id <> '' AND {seen} LIMIT 1"
    return bool(store.read(sql, [case, *params]))


def open_work(store: Reader, sight: Sight, case: str) -> list[Open]:
    """What is to be done in a case, oldest first."""
    seen, params = of_case(sight, "e.case_id")
    rows = store.read(
        f"SELECT {COLUMNS} FROM alert a INDEXED BY alert_work JOIN entry e ON e.id = a.entry "
        f"WHERE a.state <> 'closed' AND {WORK} AND e.case_id = ? AND {seen} "
        "ORDER BY a.created, a.rowid",
        [case, *params],
    )
    return [to_open(row) for row in rows]


def alerts(
    store: Reader, sight: Sight, case: str, state: str, after: str, most: int
) -> tuple[list[Open], bool]:
    """Alerts of a case, newest first, and whether there are more. `state` empty: in any;
    `after`: the last one that was shown."""
    seen, params = of_case(sight, "e.case_id")
    clauses, values = [f"{_OF} = ?", seen], [case, *params]
    if state:
        clauses.append("a.state = ?")
        values.append(state)
    if after:
        clauses.append(
            "(a.created, a.rowid) < (SELECT last.created, last.rowid FROM alert last "
            "JOIN entry own ON own.id = last.entry WHERE last.id = ? AND own.case_id = ?)"
        )
        values += [after, case]
    rows = store.read(
        f"SELECT {COLUMNS} FROM entry e "
        "CROSS JOIN alert a INDEXED BY alert_of_entry ON a.entry = e.id "
        f"WHERE {' AND '.join(clauses)} ORDER BY a.created DESC, a.rowid DESC LIMIT {most + 1}",
        values,
    )
    return [to_open(row) for row in rows[:most]], len(rows) > most


def addresses(store: Reader, sight: Sight, case: str) -> list[tuple[str, str]]:
    """Chain and address of what a case watches or watched."""
    seen, params = of_case(sight, "e.case_id")
    rows = store.read(
        "SELECT DISTINCT s.chain, s.address FROM entry e JOIN scope s ON s.key = e.subject "
        f"WHERE {_OF} = ? AND {seen}",
        [case, *params],
    )
    return [(row["chain"], row["address"]) for row in rows]


def movements(store: Reader, keys: Keys, before: int, most: int) -> list[int]:
    """The rows that were recorded last before this one on any of these addresses, newest first;
    one more than `most` where there are more. They are asked for address by address: each query
    ends after so many steps, however much there is."""
    found: set[int] = set()
    for side in ("sender", "recipient"):
        for chain, address in keys:
            rows = store.read(
                f"SELECT id FROM transfer WHERE chain = ? AND {side} = ? AND id < ? "
                f"ORDER BY id DESC LIMIT {most + 1}",
                [chain, address, before],
            )
            found.update(row["id"] for row in rows)
    return sorted(found, reverse=True)[: most + 1]


def happened(store: Reader, case: str, before: int, most: int) -> list[int]:
    """Numbers of the log's rows about a case, newest first."""
    rows = store.read(
        f"SELECT seq FROM log_case WHERE case_id = ? AND seq < ? ORDER BY seq DESC LIMIT {most}",
        [case, before],
    )
    return [row["seq"] for row in rows]


def others(store: Reader, numbers: Sequence[int], case: str) -> Iterator[int]:
    """Those of these rows of the log that are about other cases too."""
    rows = store.read_in(
        "SELECT DISTINCT seq FROM log_case WHERE case_id <> ? AND seq IN ({})", numbers, [case]
    )
    return (row["seq"] for row in rows)
