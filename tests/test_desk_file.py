"""desk.db: its chain, its rights, its backup, and what stands in it."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from world.home import begun

from monitor.model.api import Scope
from monitor.model.errors import StoreError
from monitor.store import api_tokens, desk_failures, desk_sessions, desk_ways, restricted
from monitor.store.deskfile import FILE, DeskFile, faults, told
from monitor.store.deskfile_schema import APPLICATION_ID, STEPS, VERSION

NOW = 1_790_000_000


def filled(path: Path) -> DeskFile:
    file = DeskFile(path)
    with file.change() as conn:
        desk_ways.set_password(conn, "m.ortiz", "$argon2id$x", NOW)
        desk_ways.set_code(conn, "m.ortiz", "ABCD", 0, ["one"], NOW)
        desk_sessions.begin(conn, "m.ortiz", NOW, "password", "127.0.0.1", "a browser")
    file.looked("m.ortiz", "NK-07", NOW)
    restricted.start(file, "NK-07", "quiet", {}, "2026-12-01", "m.ortiz", "why", NOW, "once")
    return file


def test_only_this_user_may_read_it(tmp_path: Path) -> None:
    (tmp_path / FILE).touch(0o644)
    with closing(filled(tmp_path / FILE)):
        for each in tmp_path.iterdir():
            assert stat.S_IMODE(each.stat().st_mode) == 0o600, each


def test_what_is_no_desk_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as conn, conn:
        conn.execute("CREATE TABLE other (x)")
    with pytest.raises(StoreError, match="not the file of a desk"):
        DeskFile(tmp_path / FILE)


def test_a_chain_that_is_whole_has_no_fault(tmp_path: Path) -> None:
    filled(tmp_path / FILE).close()
    assert faults(tmp_path / FILE) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trail SET text = replace(text, 'm.ortiz', 'j.weber') WHERE seq = 2",
        "UPDATE trail SET name = 'j.weber' WHERE seq = 2",
        "UPDATE trail SET at = at + 1 WHERE seq = 3",
        "UPDATE trail SET restricted = 0 WHERE restricted = 1",
        "DELETE FROM trail WHERE seq = 2",
        "DELETE FROM trail WHERE restricted = 1",  # the last row: its clock misses it
        "UPDATE restricted_clock SET due = '2027-12-01'",
        "UPDATE restricted_clock SET state = 'met'",
        "DELETE FROM restricted_clock",
    ],
)
def test_a_change_behind_its_back_is_found(tmp_path: Path, change: str) -> None:
    filled(tmp_path / FILE).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as conn, conn:
        if not change.endswith("state = 'met'"):
            with pytest.raises(sqlite3.IntegrityError):
                conn.execute(change)
        for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            conn.execute(f"DROP TRIGGER {name}")
        conn.execute(change)
    assert faults(tmp_path / FILE)


def test_a_backup_is_whole_and_private(tmp_path: Path) -> None:
    with closing(filled(tmp_path / FILE)) as file:
        file.backup(tmp_path / "copy")
        with pytest.raises(StoreError):
            file.backup(tmp_path / "copy")
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
    assert faults(tmp_path / "copy") == []


def test_looking_is_told_once_a_person_case_and_day(tmp_path: Path) -> None:
    with closing(DeskFile(tmp_path / FILE)) as file, closing(DeskFile(tmp_path / FILE)) as other:
        for _ in range(3):
            file.looked("m.ortiz", "NK-07", NOW)
            other.looked("m.ortiz", "NK-07", NOW + 5)
        file.looked("m.ortiz", "NK-07", NOW + 86_400)
        file.looked("j.weber", "NK-07", NOW)
        assert len(told(file, restricted=False)) == 3


def test_who_may_not_reads_nothing_of_confidential_clocks(tmp_path: Path) -> None:
    with closing(filled(tmp_path / FILE)) as file:
        assert any(each.restricted for each in told(file, restricted=True))
        assert not any(each.restricted for each in told(file, restricted=False))


def test_a_code_works_once_and_no_older_one_after_it(tmp_path: Path) -> None:
    with closing(filled(tmp_path / FILE)) as file:
        done = together(20, lambda: desk_ways.use_step(file, "m.ortiz", 7))
        assert done.count(True) == 1
        assert not desk_ways.use_step(file, "m.ortiz", 6)
        assert desk_ways.use_step(file, "m.ortiz", 8)
        assert (
            together(20, lambda: desk_ways.use_recovery(file, "m.ortiz", "one", NOW)).count(True)
            == 1
        )


def test_an_invitation_is_used_once(tmp_path: Path) -> None:
    with closing(DeskFile(tmp_path / FILE)) as file:
        word = desk_ways.invite(file, "m.ortiz", "ABCD", NOW, "cli")
        found = desk_ways.invitation(file, word, NOW)
        assert found is not None
        assert desk_ways.invitation(file, word, NOW + desk_ways.INVITED_FOR) is None

        def use() -> bool:
            with file.change() as conn:
                return desk_ways.use_invitation(conn, found, NOW)

        assert together(20, use).count(True) == 1
        assert desk_ways.invitation(file, word, NOW) is None


def test_failures_slow_down_and_never_for_good(tmp_path: Path) -> None:
    with closing(DeskFile(tmp_path / FILE)) as file:
        at, waits = NOW, []
        for _ in range(30):
            wait = desk_failures.try_(file, ["name x", "from y"], at)
            waits.append(wait)
            at += wait
            assert wait == 0 or desk_failures.try_(file, ["name x", "from y"], at) == 0
        assert waits[: desk_failures.FREE] == [0] * desk_failures.FREE
        assert waits[desk_failures.FREE] == desk_failures.FIRST
        assert max(waits) == desk_failures.LONGEST
        assert desk_failures.try_(file, ["name z", "from q"], at) == 0
        # A day later nothing is left of it.
        assert desk_failures.try_(file, ["name x"], at + desk_failures.FORGOTTEN + 1) == 0


def test_a_hundred_tries_at_once_are_a_hundred(tmp_path: Path) -> None:
    with closing(DeskFile(tmp_path / FILE)) as file:
        waits = together(40, lambda: desk_failures.try_(file, ["name x"], NOW))
        assert waits.count(0) == desk_failures.FREE


def test_a_stranger_does_not_slow_who_was_here_before(tmp_path: Path) -> None:
    with closing(DeskFile(tmp_path / FILE)) as file:
        with file.change() as conn:
            desk_failures.remember(conn, "a browser's key", "m.ortiz", NOW)
        theirs = desk_failures.buckets(file, "m.ortiz", "10.0.0.1", "a browser's key")
        stranger = desk_failures.buckets(file, "m.ortiz", "10.0.0.1", "some other key")
        assert not set(theirs) & set(stranger)
        # The browser of one person is none of another one's.
        other = desk_failures.buckets(file, "j.weber", "10.0.0.1", "a browser's key")
        assert other == ["name j.weber", "from 10.0.0.1"]


def together(number: int, work: Callable[[], object]) -> list[object]:
    """Done by so many threads at once."""
    found: list[object] = []
    ready = threading.Barrier(number)

    def one() -> None:
        ready.wait()
        found.append(work())

    threads = [threading.Thread(target=one) for _ in range(number)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return found


def test_verify_backup_and_restore_know_it(tmp_path: Path) -> None:
    home = begun(tmp_path / "home")
    filled(home.path / FILE).close()
    assert "Desk    number 5" in home.run("verify")
    copy = tmp_path / "copy.db"
    assert "copy.db.desk" in home.run("backup", str(copy))
    assert "Desk    number 5" in home.run("verify", "--record", str(copy))
    with closing(sqlite3.connect(home.path / FILE)) as conn, conn:
        conn.execute("DROP TRIGGER trail_kept")
        conn.execute("UPDATE trail SET text = replace(text, 'm.ortiz', 'j.weber') WHERE seq = 2")
    said = home.run("verify", code=1)
    assert "row 2 of its chain is not what was written" in said
    assert "Nobody is signed in" in home.run("restore", str(copy))
    assert "Desk    number 6" in home.run("verify")
    with closing(DeskFile(home.path / FILE)) as file:
        assert desk_sessions.of_person(file, "m.ortiz", NOW) == []
        assert desk_ways.credential(file, "m.ortiz") is not None
    assert [p for p in home.path.iterdir() if p.name.startswith("desk.db.before-restore")]


# -- the file of an older version ------------------------------------------------------------------


def older(path: Path) -> None:
    """As the version before tokens wrote it, with somebody signed in."""
    with closing(sqlite3.connect(path)) as conn:
        conn.executescript(
            f"BEGIN; {STEPS[0]}; PRAGMA application_id = {APPLICATION_ID}; "
            "PRAGMA user_version = 1; COMMIT;"
        )
        conn.row_factory = sqlite3.Row
        desk_ways.set_password(conn, "m.ortiz", "$argon2id$x", NOW)
        desk_sessions.begin(conn, "m.ortiz", NOW, "password", "127.0.0.1", "a browser")
        conn.commit()


def test_an_older_file_is_lifted_and_all_in_it_stays(tmp_path: Path) -> None:
    path = tmp_path / FILE
    older(path)
    before = _dump(path)
    for _ in range(2):
        with closing(DeskFile(path)) as file:
            assert desk_ways.credential(file, "m.ortiz")
            assert len(desk_sessions.of_person(file, "m.ortiz", NOW)) == 1
            assert api_tokens.every(file) == []
    assert before <= _dump(path)
    assert faults(path) == []


def _dump(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as conn:
        return {line for line in conn.iterdump() if not line.startswith(("BEGIN", "COMMIT"))}


def test_a_kill_while_it_is_lifted_leaves_it_as_it_was(tmp_path: Path) -> None:
    """At any statement of it: the transaction is open when the process is gone."""
    path = tmp_path / FILE
    older(path)
    before = _dump(path)
    code = (
        "import sqlite3, os, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "left = [int(sys.argv[2])]\n"
        "def tick(_):\n"
        "    left[0] -= 1\n"
        "    if left[0] < 0: os._exit(9)\n"
        "c.set_trace_callback(tick); c.executescript(sys.stdin.read())"
    )
    steps = f"BEGIN IMMEDIATE; {STEPS[1]}; PRAGMA user_version = 2; COMMIT;"
    for at in (1, 3, 8):
        command = [sys.executable, "-c", code, str(path), str(at)]
        done = subprocess.run(command, input=steps, text=True, check=False)
        assert done.returncode == 9
        assert _dump(path) == before
    DeskFile(path).close()
    assert before <= _dump(path)


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    DeskFile(tmp_path / FILE).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as conn:
        conn.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StoreError, match="newer Fundwatch"):
        DeskFile(tmp_path / FILE)


def test_a_restored_backup_lets_no_token_in(tmp_path: Path) -> None:
    """One that was ended after the backup must not work again."""
    home = begun(tmp_path)
    with closing(DeskFile(home.path / FILE)) as file:
        scopes = frozenset({Scope.HEALTH})
        token, key = api_tokens.make(file, "m", "x", scopes, None, NOW + 9**9, NOW, "m")
    copy = tmp_path / "copy.db"
    home.run("backup", str(copy))
    home.run("restore", str(copy))
    with closing(DeskFile(home.path / FILE)) as file:
        found = api_tokens.find(file, key)
        assert found is not None
        assert found.id == token.id
        assert not found.works(NOW + 1)
