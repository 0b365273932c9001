"""Requests to hold funds, with what became of them: reads. What is shown on a page takes a
Sight."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from monitor.model import Subject
from monitor.model.desk import Sight
from monitor.model.desk_requests import Basis, Request, Stage, Step
from monitor.model.trace import TracedAsset
from monitor.store.port import Connection, Fields, Reader
from monitor.store.sight import of_case

_STEPS = "SELECT * FROM request_step WHERE request IN ({}) ORDER BY request, number"


def requests(store: Reader, sight: Sight, case: str | None = None) -> list[Request]:
    """Of a case, or of all that may be seen; oldest first."""
    seen, params = of_case(sight)
    mine = "" if case is None else "AND case_id = ?"
    sql = f"SELECT * FROM request WHERE {seen} {mine} ORDER BY at, rowid"
    return _whole(store, store.read(sql, [*params, *([] if case is None else [case])]))


def request(store: Reader, sight: Sight, name: str) -> Request | None:
    seen, params = of_case(sight)
    rows = store.read(f"SELECT * FROM request WHERE id = ? AND {seen}", [name, *params])
    found = _whole(store, rows)
    return found[0] if found else None


def _whole(store: Reader, rows: Sequence[Fields]) -> list[Request]:
    steps: dict[str, list[Step]] = {row["id"]: [] for row in rows}
    for row in store.read_in(_STEPS, steps):
        steps[row["request"]].append(to_step(row))
    return [to_request(row, steps[row["id"]]) for row in rows]


def to_request(row: Fields, steps: Iterable[Step]) -> Request:
    return Request(
        *(row["id"], row["at"], row["case_id"], Subject(row["chain"], row["address"])),
        *(row["role"], row["recipient"], row["named_by"], _basis(row)),
        *(row["text"], row["digest"], row["name"], row["door"]),
        steps=tuple(steps),
    )


def to_step(row: Fields) -> Step:
    return Step(
        *(row["id"], row["request"], row["number"], row["at"], row["happened"]),
        *(Stage(row["stage"]), row["reference"], row["text"], row["name"], row["door"]),
        row["corrects"],
    )


def steps_now(conn: Connection, name: str) -> int:
    """How many steps a request has, inside a transaction."""
    sql = "SELECT count(*) AS n FROM request_step WHERE request = ?"
    return int(conn.execute(sql, (name,)).fetchone()["n"])


def figures(basis: Basis) -> dict[str, object]:
    """As the column of that name has them; units as text, for they may be past 64 bits."""
    asset = basis.asset
    return {
        "symbol": asset.symbol,
        "decimals": asset.decimals,
        "verified": asset.verified,
        "traced": {method: str(units) for method, units in basis.traced.items()},
        "on_chain": None if basis.on_chain is None else str(basis.on_chain),
        "on_chain_time": basis.on_chain_time,
    }


def _basis(row: Fields) -> Basis:
    told = json.loads(row["figures"])
    traced: Mapping[str, str] = told["traced"]
    chain = told["on_chain"]
    return Basis(
        TracedAsset(
            *(row["chain"], row["contract"], told["symbol"], told["decimals"], told["verified"])
        ),
        {method: int(units) for method, units in traced.items()},
        *(row["trace_number"], row["trace_sha256"]),
        None if chain is None else int(chain),
        told["on_chain_time"],
    )
