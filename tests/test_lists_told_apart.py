"""What published lists said of an alert's address is told of the cases that somebody sees, and not
even how much there is of others."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from world.api import Program, token
from world.desk_open import Open, client
from world.desk_record import T0, made

from monitor.loops.desk import work
from monitor.model.acts import DAEMON
from monitor.model.desk import Person, Role
from monitor.model.facts import Movement, OnList
from monitor.model.facts_json import to_json
from monitor.model.ids import stable_id
from monitor.model.watch import Origin
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store


def test_lists_of_other_cases_are_neither_told_nor_counted(tmp_path: Path) -> None:
    world = made(tmp_path / "home")
    said = [OnList("E-B", Origin("of-b", world.canary), "case-b") for _ in range(25)]
    said += [OnList("E-A", Origin("of-a", "List of A"), "case-a")]
    own = {"kind": "csv", "file": "b.csv", "title": world.canary, "case": "case-b", "watch": "yes"}
    config = json.loads((world.home / "config/lists.yaml").read_text("utf-8"))
    config["lists"]["of-b"] = own
    (world.home / "config/lists.yaml").write_text(json.dumps(config), "utf-8")
    alert = stable_id("A", "both lists")
    with closing(Store(world.home / DATABASE)) as store, store.write() as conn:
        conn.execute(
            "INSERT INTO alert (id, kind, lane, severity, created, chain, tx, entry, direction, "
            "lane_reason, title, facts, audience) SELECT ?, kind, lane, severity, created, chain, "
            "tx, entry, direction, '', '', ?, audience FROM alert WHERE id = ?",
            (alert, json.dumps(to_json(Movement(on_lists=tuple(said)))), world.alert_a),
        )
        conn.execute(
            "INSERT INTO alert_transfer SELECT ?, transfer FROM alert_transfer WHERE alert = ?",
            (alert, world.alert_a),
        )
    store = Store(world.home / DATABASE)
    for name, role in (("a.keller", Role.ANALYST), ("l.roth", Role.LEAD)):
        work.add_person(store, DAEMON, name, role, T0)
        work.enrolled(store, DAEMON, name, T0)
    work.set_member(store, DAEMON, "case-a", "a.keller", True, "for a test", T0)
    store.close()
    guard = Open(person=Person("a.keller", Role.ANALYST, enrolled=1), cases=("case-a",))
    with client(world.home, guard) as browser:
        page = browser.get(f"/alert/{alert}").text
        path = f"/alerts/{alert}"
        mine = Program(browser, token(world.home, "a.keller")).get(path)
        every = Program(browser, token(world.home, "l.roth")).get(path)
    assert [each["entry"] for each in mine.json["on_lists"]] == ["E-A"]
    assert "on_lists_left_out" not in mine.json
    assert "List of A" in page
    assert world.canary not in page
    assert "case-b" not in page
    assert world.canary not in json.dumps(mine.json)
    assert every.json["on_lists_left_out"] == 6
