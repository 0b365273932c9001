"""What the log says of a plan: its rows and who told them can be worked out from the texts, and
stand with the cases that they concern."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from world.book import START, transfer
from world.home import ALICE, SHOP, staged
from world.play import A, B, X
from world.record import new_record

from monitor.model import Alert, AlertKind, Lane, Severity, Status, Subject, Transfer
from monitor.model.answers import HEAD, NEWS, Kept
from monitor.model.plan import NewRow, Plan, Sighting
from monitor.store import apply, log, planlog
from monitor.store.sqlite import Store

HERE = Subject("ethereum", A)
NOW = START + 2000
CASES = {A: frozenset({"C-1"}), X: frozenset({"C-2"})}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = new_record(tmp_path / "record.db")
    yield made
    made.close()


def told(row: Transfer, source: str, block: str | None = None) -> Sighting:
    return Sighting(row.identity, source, row.block_key if block is None else block, f"{source}-1")


def take(store: Store, *seen: Sighting, new: tuple[Transfer, ...] = ()) -> None:
    rows = tuple(NewRow(row, Status.FINAL) for row in new)
    apply.apply(store, Plan(HERE, NOW, new=rows, sightings=seen, cases=CASES))


def texts(store: Store) -> list[dict[str, Any]]:
    found = [json.loads(row.text or "") for row in log.each(store)]
    return [text for text in found if text["act"] == "plan"]


def by_cases(store: Store) -> list[tuple[str, list[str]]]:
    """The cases of each text, and the transactions of its new rows."""
    rows = store.read(
        "SELECT t.text, group_concat(c.case_id) AS cases FROM log_text t "
        "LEFT JOIN (SELECT * FROM log_case ORDER BY case_id) c ON c.seq = t.seq "
        "GROUP BY t.seq ORDER BY t.seq"
    )
    told = [(json.loads(row["text"]), row["cases"] or "") for row in rows]
    return [
        (cases, [line[1] for line in text["body"]["new"]])
        for text, cases in told
        if (text["act"], text["what"]) == ("plan", "rows")
    ]


def worked_out(store: Store) -> set[tuple[object, ...]]:
    """The sightings, from the texts alone."""
    found: dict[tuple[object, ...], tuple[object, ...]] = {}
    for text in texts(store):
        answers = text["body"]["answers"]
        for line in text["body"]["new"]:
            row = dict(zip(planlog.NEW, line, strict=True))
            block = row["block_hash"] or str(row["block_height"])
            for source, sha256 in (answers[number] for number in row["answers"]):
                found.setdefault((*line[:3], source, block), (text["at"], sha256))
        for *identity, block, number in text["body"]["sighted"]:
            source, sha256 = answers[number]
            found.setdefault((*identity, source, block), (text["at"], sha256))
    return {(*key, *value) for key, value in found.items()}


def recorded(store: Store) -> set[tuple[object, ...]]:
    rows = store.read(
        "SELECT t.chain, t.tx, t.leg, s.source, s.block, s.at, s.sha256 "
        "FROM sighting s JOIN transfer t ON t.id = s.transfer"
    )
    return {tuple(row) for row in rows}


def test_who_told_a_row_can_be_worked_out(store: Store) -> None:
    """Told in its block, by its height alone, in another block, before any, and again later."""
    by_hash, by_height = transfer(105), replace(transfer(106), tx="0xh", block_hash=None)
    seen = [
        *(told(by_hash, "one"), told(by_hash, "two"), told(by_hash, "two", "0xother")),
        *(told(by_height, "one"), told(by_height, "two", "pending")),
    ]
    take(store, *seen, new=(by_hash, by_height))
    take(store, told(by_hash, "three"), told(by_hash, "one"))
    assert len(recorded(store)) == 6
    assert worked_out(store) == recorded(store)
    (first, _) = texts(store)
    assert first["body"]["answers"] == [["one", "one-1"], ["two", "two-1"]], "each is told once"


def test_rows_stand_with_the_cases_of_their_parties(store: Store) -> None:
    """Also a row that is known and was told again."""
    mine, both = transfer(105, sender=B), transfer(106, tx="0xb")
    nobodys = transfer(107, tx="0xn", sender=B, recipient=B)
    take(store, new=(mine, both, nobodys))
    take(store, told(both, "two"))
    assert by_cases(store) == [
        *(("C-1", ["0xt1"]), ("C-1,C-2", ["0xb"]), ("", ["0xn"]), ("C-1,C-2", [])),
    ]


def test_answers_behind_an_alert_alone_are_named(store: Store) -> None:
    """An entry that is new on the list is told of a row that was recorded for another one: the
    answers are kept for the alert, and verify must not call them rows without an act."""
    known = transfer(105, sender=B)
    take(store, new=(known,))
    alert = Alert(
        *("A-1", AlertKind.MOVEMENT, Lane.NEWS, Severity.HIGH, NOW),
        chain=known.chain,
        tx=known.tx,
        rows=(known.identity,),
    )
    body = "a" * 64, "b" * 64, 1, b"x"
    kept = [
        Kept("one", "GET /list", NOW, 200, *body, extract=False, why=NEWS, txs=(known.tx,)),
        Kept("one", "GET /head", NOW, 200, "c" * 64, "c" * 64, 1, b"x", extract=False, why=HEAD),
    ]
    apply.apply(store, Plan(HERE, NOW, alerts=(alert,), kept=tuple(kept), cases=CASES))
    (rows,) = [text for text in texts(store)[1:] if text["what"] == "rows"]
    assert rows["body"]["kept"] == [["a" * 64, "b" * 64], ["c" * 64, "c" * 64]]
    assert by_cases(store)[1] == ("C-1", [])


def test_a_plan_that_brought_nothing_is_not_logged(store: Store) -> None:
    take(store)
    assert texts(store) == []


def test_a_quiet_pass_logs_nothing(tmp_path: Path) -> None:
    """Once all is final, further polls of the real program read, and bring no act."""
    with staged(tmp_path / "home") as scene:
        scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        for _ in range(15):
            scene.ledger.mine()
        scene.home.run("poll")
        plans = "SELECT count(*) FROM log_text WHERE json_extract(text, '$.act') = 'plan'"
        before = scene.home.sql(plans)
        for _ in range(2):
            scene.ledger.mine()
            scene.home.run("poll")
        assert scene.home.sql(plans) == before
