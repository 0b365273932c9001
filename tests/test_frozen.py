"""What issuers froze, as the record shows it: until they released it, and not before they did."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.desk_record import TOKEN, USDT, A, B, _Pen
from world.record import new_record

from monitor.model import Kind, Subject
from monitor.store.frozen import frozen
from monitor.store.sqlite import Store

AT_A, AT_B = Subject("ethereum", A), Subject("ethereum", B)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = new_record(tmp_path / "fundwatch.db")
    with made.write() as conn:
        pen = _Pen(conn)
        pen.move(A, None, 0, Kind.FROZEN, USDT, time=100)
        pen.move(A, None, 0, Kind.RELEASED, USDT, time=200)
        pen.move(A, None, 0, Kind.FROZEN, USDT, time=300)
        pen.move(B, None, 0, Kind.FROZEN, TOKEN, time=100, status="orphaned")
        pen.move(B, None, 5, Kind.DESTROYED, USDT, time=100)
        pen.move(A, B, 7, Kind.ERC20, USDT, time=90)
    return made


@pytest.mark.parametrize(
    ("until", "since"), [(99, None), (100, 100), (199, 100), (200, None), (300, 300)]
)
def test_what_stood_frozen_at_a_time(store: Store, until: int, since: int | None) -> None:
    found = frozen(store, [AT_A, AT_B, Subject("tron", A)], until)
    assert {key: each.at for key, each in found.items()} == ({(AT_A, USDT): since} if since else {})
