"""Reports and exports at the desk: asked for by a form, made by a process of its own, taken away by
whoever may see the case."""

from __future__ import annotations

import json
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from test_export import differences
from world.desk import Served, User, add_person, send, served, turn_on
from world.desk_record import CANARY, T0, Made, made
from world.deskbook import BOB, CAT, NOW, verified_book

from monitor.app.settings.load import load
from monitor.loops import erasing
from monitor.loops.desk import work
from monitor.loops.report import jobs, keys
from monitor.loops.report.export import Wanted, export
from monitor.loops.report.jobs import Stage, What
from monitor.loops.report.members import sha256_of
from monitor.loops.views import views_of
from monitor.messages.loglines import said
from monitor.model.acts import SIGNED_IN, Actor, ActorKind
from monitor.model.acts_desk import HandOut
from monitor.model.errors import Conflict
from monitor.model.settings import Settings
from monitor.store import case_file, logbook
from monitor.store import log as logged
from monitor.store.commit import commit
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store
from monitor.web.desk.pages.files import MAKERS

ANN = Actor(ActorKind.PERSON, "ann", "signed in with password")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Made:
    found = made(tmp_path_factory.mktemp("files") / "home")
    turn_on(found.home)
    return found


@pytest.fixture(scope="module")
def people(world: Made) -> dict[str, User]:
    roles = {"ann": "analyst", "rae": "reader", "aud": "auditor", "adm": "admin"}
    return {
        name: add_person(world.home, name, role, cases=("case-a",) if name != "aud" else ())
        for name, role in roles.items()
    }


@pytest.fixture(scope="module")
def desk(world: Made, people: dict[str, User]) -> Iterator[Served]:
    with served(world.home) as found:
        yield found
    MAKERS.stop()


def until_done(home: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while jobs.waits(home):
        assert time.monotonic() < end, jobs.every(home)
        time.sleep(0.1)


def handed_out(home: Path) -> list[str]:
    """What the log says of it."""
    with closing(Store(home / DATABASE, readonly=True)) as store:
        rows = [row.told for row in logbook.rows(store) if row.told]
    return [said(told) for told in rows if told["what"] == "handed out"]


def test_an_export_is_asked_for_made_told_and_taken_away(
    world: Made, desk: Served, people: dict[str, User]
) -> None:
    ann, home = desk.signed_in(people["ann"]), world.home
    page = "/c/case-a?tab=files"
    form = {"case": "case-a", "what": "export", "once": "one"}
    for _ in range(2):  # a form that is sent twice is one file
        done = send(ann, page, "/files", form)
        assert done.status_code == 303, done.text
    until_done(home)
    (job,) = jobs.every(home)
    assert job.stage is Stage.DONE, job
    html = ann.get(page).text
    assert job.sha256 in html
    answer = ann.get(f"/files/{job.id}")
    assert answer.headers["Content-Type"] == "application/zip"
    assert f"case-a-export-{job.id[:6]}.zip" in answer.headers["Content-Disposition"]
    file = home.parent / "taken.zip"
    file.write_bytes(answer.content)
    assert differences(file) == []
    assert sha256_of(file) == job.sha256
    assert CANARY.encode() not in answer.content
    (told,) = handed_out(home)
    assert job.sha256 in told
    assert "made an export for evidence of the case" in ann.get("/c/case-a").text
    journal = desk.signed_in(people["aud"]).get("/journal?of=desk").text
    assert "Asked for a file" in journal
    assert "Took a file away" in journal
    mode = stat.S_IMODE(jobs.file_of(home, job).stat().st_mode)
    assert (mode, stat.S_IMODE(jobs.folder_of(home).stat().st_mode)) == (0o600, 0o700)


def test_who_may_not_see_a_case_gets_no_file_of_it(
    world: Made, desk: Served, people: dict[str, User]
) -> None:
    of_b = jobs.ask(world.home, ANN, "case-b", What.EXPORT, T0, "b")
    of_b = replace(of_b, stage=Stage.DONE, ended=int(time.time()))
    jobs.put(world.home, of_b)
    jobs.file_of(world.home, of_b).write_text(CANARY)
    ann = desk.signed_in(people["ann"])
    none = ann.get("/files/0123456789abcdef")
    hidden = ann.get(f"/files/{of_b.id}")
    assert (none.status_code, hidden.status_code) == (404, 404)
    assert re.sub(r"\s", "", none.text) == re.sub(r"\s", "", hidden.text)
    assert ann.get("/files/..%2Fdesk.db").status_code == 404
    form = {"case": "case-b", "what": "export", "once": "x"}
    assert send(ann, "/c/case-a?tab=files", "/files", form).status_code == 404
    assert of_b.id not in ann.get("/c/case-a?tab=files").text
    reader = desk.signed_in(people["rae"])
    assert reader.get(f"/files/{of_b.id}").status_code == 403
    form = {"case": "case-a", "what": "export", "once": "y"}
    assert send(reader, "/c/case-a?tab=notes", "/files", form).status_code == 403
    assert desk.signed_in(people["aud"]).get(f"/files/{of_b.id}").text == CANARY
    assert len(jobs.every(world.home)) >= 1
    jobs.delete(world.home, of_b)


def worker(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "monitor", "--home", str(home), "files"]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return made(tmp_path / "home").home


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.0, 0.3, 0.7, 1.0, 1.3])
def test_a_kill_at_any_time_loses_nothing_and_doubles_nothing(home: Path, wait: float) -> None:
    job = jobs.ask(home, ANN, "case-a", What.EXPORT, T0, "k")
    for _ in range(2):
        process = worker(home)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert worker(home).communicate()[0]
    (now,) = jobs.every(home)
    assert now.stage is Stage.DONE, now
    assert len(handed_out(home)) == 1
    assert differences(jobs.file_of(home, job)) == []
    left = {path.name for path in jobs.folder_of(home).iterdir()}
    assert {n for n in left if not n.startswith(".job.")} == {
        jobs.LOCK, f"{job.id}.json", f"{job.id}.zip",
    }  # fmt: skip


def test_what_was_made_and_not_told_yet_is_told_once(home: Path) -> None:
    jobs.ask(home, ANN, "case-a", What.EXPORT, T0, "k")
    worker(home).communicate()
    (job,) = jobs.every(home)
    for _ in range(2):
        jobs.put(home, replace(job, stage=Stage.TELLING))
        worker(home).communicate()
        assert jobs.every(home)[0].stage is Stage.DONE
    assert len(handed_out(home)) == 1


def test_what_cannot_be_made_says_why_and_is_not_tried_for_ever(home: Path) -> None:
    (home / "signing.key").write_text("torn")
    first = jobs.ask(home, ANN, "case-a", What.EXPORT, T0, "1")
    second = jobs.ask(home, ANN, "case-a", What.EXPORT, T0 + 1, "2")
    jobs.put(home, replace(second, stage=Stage.MAKING, tries=jobs.TRIES))
    worker(home).communicate()
    by = {job.id: job for job in jobs.every(home)}
    assert "holds no signing key" in by[first.id].said
    assert "ended 3 times" in by[second.id].said
    assert {job.stage for job in by.values()} == {Stage.FAILED}


def test_files_are_bounded_in_number_and_age(tmp_path: Path) -> None:
    now = T0 + 100 * jobs.DAY
    for number in range(jobs.MOST_WAITING):
        jobs.ask(tmp_path, ANN, "c", What.EXPORT, T0, str(number))
    with pytest.raises(Conflict, match="wait to be made already"):
        jobs.ask(tmp_path, ANN, "c", What.EXPORT, T0, "more")
    for number, job in enumerate(jobs.every(tmp_path)):
        jobs.put(tmp_path, replace(job, stage=Stage.DONE, ended=now - number * 5 * jobs.DAY))
        jobs.file_of(tmp_path, job).write_text("x")
    jobs.sweep(tmp_path, now)
    stages = [job.stage for job in jobs.every(tmp_path)]
    assert (stages.count(Stage.DONE), stages.count(Stage.GONE)) == (7, 3)
    assert len([*jobs.folder_of(tmp_path).glob("*.zip")]) == 7
    (jobs.folder_of(tmp_path) / f"{'0' * 16}.json").write_text("{")
    assert len(jobs.every(tmp_path)) == 10, "what is damaged is passed over"
    assert json.loads((jobs.folder_of(tmp_path) / f"{job.id}.json").read_text())["name"] == "ann"


def test_the_act_is_verified_and_told_once(tmp_path: Path) -> None:
    with verified_book(tmp_path) as book:
        act = HandOut(NOW, "C", "0123456789abcdef", "export", True, "ab" * 32, 1234)
        assert commit(book.store, ANN, act)
        assert not commit(book.store, ANN, act)


def test_what_holds_a_text_that_was_erased_since_can_be_had_no_more(tmp_path: Path) -> None:
    with verified_book(tmp_path) as book:
        store, secret = book.store, "Canary: her name"
        work.note(store, BOB, "C", None, secret, NOW, "n", None)
        number, _ = logged.last(store)
        out, key = tmp_path / "x.zip", keys.load(tmp_path)
        views = views_of(store, settings := settings_of(tmp_path))
        export(store, settings, views, Wanted("C", notes=True), out, key)
        assert secret.encode() in out.read_bytes()
        assert not case_file.erased_since(store, "C", number)
        asked, _ = erasing.request(store, (BOB, SIGNED_IN), [number], ("w", "rule"), None, NOW)
        erasing.confirm(store, (CAT, SIGNED_IN), asked, None, NOW + 1)
        assert case_file.erased_since(store, "C", number)
        export(store, settings, views, Wanted("C", notes=True), out, key)
        assert secret.encode() not in out.read_bytes()
        assert not case_file.erased_since(store, "C", logged.last(store)[0])


def settings_of(home: Path) -> Settings:
    """Of an empty home folder."""
    (home / "config").mkdir()
    (home / "watchlist.yaml").write_text('{"addresses": []}', "utf-8")
    return load(home, {})


@pytest.mark.slow
def test_however_often_somebody_asks_few_processes_work(tmp_path: Path) -> None:
    home = made(tmp_path / "home").home
    try:
        for _ in range(20):
            MAKERS.wake(home)
        assert 1 <= MAKERS.number <= MAKERS.MOST
    finally:
        MAKERS.stop()
