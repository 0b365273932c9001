"""A case is asked for by a program, made, and taken away whole."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest
from world.api import Program, token
from world.desk_open import Open, client
from world.desk_record import made

from monitor.loops.desk import work
from monitor.loops.report import jobs
from monitor.model.acts import DAEMON
from monitor.model.desk import Role
from monitor.store.guard import DATABASE
from monitor.store.logbook import rows
from monitor.store.sqlite import Store
from monitor.web.desk.pages.files import MAKERS

T = int(time.time())
WITHIN = 60.0  # seconds in which it is made, however busy the machine


@pytest.mark.slow
def test_a_case_is_made_and_taken_away(tmp_path: Path) -> None:
    world = made(tmp_path / "home")
    store = Store(world.home / DATABASE)
    for name, case in (("a.keller", "case-a"), ("b.stein", "case-b")):
        work.add_person(store, DAEMON, name, Role.ANALYST, T)
        work.enrolled(store, DAEMON, name, T)
        work.set_member(store, DAEMON, case, name, True, "for a test", T)
    with client(world.home, Open()) as browser:
        mine = Program(browser, token(world.home, "a.keller"))
        other = Program(browser, token(world.home, "b.stein"))
        weak = Program(browser, token(world.home, "a.keller", "cases:read"))
        assert weak.post("/exports", {"case": "case-a"}).status_code == 403
        assert mine.post("/exports", {"case": "case-b"}).status_code == 404
        try:
            said = mine.post("/exports", {"case": "case-a"}, key="one")
            assert said.status_code == 202
            path = f"/jobs/{said.json['id']}"
            assert mine.post("/exports", {"case": "case-a"}, key="one").json == said.json
            assert other.get(path).status_code == 404
            end = time.monotonic() + WITHIN
            while (job := mine.get(path).json)["stage"] not in ("done", "failed"):
                assert time.monotonic() < end, job
                time.sleep(0.2)
        finally:
            MAKERS.stop()
        assert job["there"] is True, job
        file = mine.get(f"{path}/file")
        assert file.mimetype == "application/zip"
        assert hashlib.sha256(file.data).hexdigest() == job["sha256"]
        assert len(file.data) == job["size"]
        assert other.get(f"{path}/file").status_code == 404
    assert len(jobs.every(world.home)) == 1
    doors = {str(each.told["actor"]["kind"]) for each in rows(store) if each.told}
    assert "token" in doors
    store.close()
