"""A record that cannot be written, was deleted, or may not be used: seen, told, never silent."""

from __future__ import annotations

import codecs
import errno
import fcntl
import json
import os
import resource
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from world.home import ALICE, DESK, ROOT, SHOP, Scene, bodies, environment, staged, stop, wait_for

from monitor.cli import main
from monitor.loops.health import recordwatch
from monitor.model.errors import Busy, StoreError, Unfit
from monitor.store import guard
from monitor.store.sqlite import Store

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="needs the right to mount or to change user"
)


def healthy(scene: Scene) -> tuple[int, str]:
    """What the command says while the daemon runs."""
    done = subprocess.run(
        scene.home.command("status", "--healthy"),
        capture_output=True, text=True, timeout=60, cwd=ROOT, env=environment(), check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def emergencies(scene: Scene, words: str) -> list[str]:
    """Titles of what the webhook got with these words."""
    titles = [
        a.get("title", "") for body in bodies(scene.hook.seen) for a in body["data"]["alerts"]
    ]
    return [title for title in titles if words in title]


def mailed(scene: Scene, words: str) -> list[str]:
    """The mails with these words, as a person reads them."""
    texts = [m.message.get_body(("plain",)) for m in scene.mail.mails]
    found = [" ".join(text.get_content().split()) for text in texts if text is not None]
    return [text for text in found if words in text]


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[Path]:
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def fill(path: Path) -> None:
    """Take all the room that there is."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        while True:
            os.write(handle, bytes(4096))
    os.close(handle)


@pytest.mark.slow
@needs_root
def test_a_full_disk_is_told_without_the_record(tmp_path: Path) -> None:
    """Not well in every place, a message to operations that needs no write, one traceback at
    most; and once there is room again all is well and told."""
    with small_disk(tmp_path / "disk", "6m") as disk, staged(disk) as scene:
        with scene.home.daemon() as process:
            wait_for(lambda: healthy(scene)[0] == 0, 30, lambda: healthy(scene))
            filler = disk / "filler"
            fill(filler)
            (tx,) = scene.pay((ALICE, SHOP))
            wait_for(lambda: healthy(scene)[0] == 1, 60, lambda: healthy(scene))
            assert "the record cannot be written" in healthy(scene)[1]
            wait_for(lambda: emergencies(scene, "cannot be written"), 60, scene.home.log)
            wait_for(lambda: len(mailed(scene, "cannot be written")) == len(DESK), 30)
            filler.unlink()
            wait_for(lambda: healthy(scene)[0] == 0, 120, lambda: healthy(scene))
            wait_for(lambda: scene.moved() == {(ALICE, tx): 1}, 60, scene.home.log)
            wait_for(lambda: emergencies(scene, "can be written again"), 60, scene.home.log)
            assert stop(process) == 0
        assert len(emergencies(scene, "cannot be written")) == 1, "not again within the hour"
        assert scene.home.log().count("Traceback") <= 6, "one for each job, not for each try"


@needs_root
def test_a_disk_that_becomes_readonly_is_seen_at_once(tmp_path: Path) -> None:
    """As the kernel does it after errors: no try is needed, in the running one or beside it."""
    with small_disk(tmp_path / "disk", "1m") as disk:
        assert recordwatch.of_the_disk(disk) == ""
        assert recordwatch.told_by_sign(disk) == ""
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        assert "mounted read-only" in recordwatch.of_the_disk(disk)
        assert "mounted read-only" in recordwatch.told_by_sign(disk)


@needs_root
def test_a_record_on_a_full_disk_is_not_called_damaged(tmp_path: Path) -> None:
    """Nor is a disk: SQLite calls it an error of the disk that it has no room to begin."""
    with small_disk(tmp_path / "disk", "2m") as disk:
        Store(disk / "r.db", create=True).close()
        fill(disk / "filler")
        with pytest.raises(StoreError, match="Free space on the disk") as found:
            Store(disk / "r.db").read("SELECT count(*) FROM entry")
        assert not isinstance(found.value, Unfit), "a supervisor tries again"


def test_the_sign_counts_where_the_file_of_the_lock_was_deleted(tmp_path: Path) -> None:
    sign = {"at": 1000, "pid": 77, "record": "the disk has an error"}
    (tmp_path / recordwatch.PULSE).write_text(json.dumps(sign), "utf-8")
    assert recordwatch.told_by_sign(tmp_path) == "the disk has an error"
    assert recordwatch.silence(tmp_path, 1001) == ""
    assert "no sign of life for 2 min" in recordwatch.silence(tmp_path, 1120)
    (tmp_path / guard.LOCK).write_text("78\n", "ascii")
    assert recordwatch.told_by_sign(tmp_path) == "", "of one that ran before"


@pytest.mark.slow
def test_an_error_of_the_disk_is_seen_by_other_processes(tmp_path: Path) -> None:
    """Files that cannot grow: the daemon's own limit, so that only it cannot write."""
    with staged(tmp_path) as scene, scene.home.daemon() as process:
        wait_for(lambda: healthy(scene)[0] == 0, 30, lambda: healthy(scene))
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
        wait_for(lambda: healthy(scene)[0] == 1, 60, lambda: healthy(scene))
        assert "the record cannot be written" in healthy(scene)[1]
        resource.prlimit(
            process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )
        wait_for(lambda: healthy(scene)[0] == 0, 120, lambda: healthy(scene))
        assert stop(process) == 0
        assert not (tmp_path / recordwatch.PULSE).exists()


@pytest.mark.parametrize(
    "name", ["fundwatch.db*", pytest.param("fundwatch.db-wal", marks=pytest.mark.slow)]
)
def test_a_record_that_is_deleted_under_it_is_saved_and_told(tmp_path: Path, name: str) -> None:
    """It ends with a code that is not restarted, keeps what it held, begins no new record in
    silence, and goes on after a restore."""
    with staged(tmp_path) as scene:
        (tx,) = scene.pay((ALICE, SHOP))
        with scene.home.daemon() as process:
            wait_for(lambda: scene.moved() == {(ALICE, tx): 1}, 30, scene.home.log)
            for path in tmp_path.glob(name):
                path.unlink()
            assert process.wait(60) == 78
        (tmp_path / "fundwatch.db").unlink(missing_ok=True)
        assert emergencies(scene, "was deleted or replaced while Fundwatch ran")
        (saved,) = tmp_path.glob("fundwatch.db.rescued.*")
        for command in (("poll",), ("run",), ("init",), ("status",)):
            said = scene.home.run(*command, code=78)
            assert f"fundwatch restore {saved}" in said
            assert not (tmp_path / "fundwatch.db").exists()
        scene.home.run("restore", str(saved))
        scene.home.run("poll")
        assert scene.moved() == {(ALICE, tx): 1}
        assert stat.S_IMODE((tmp_path / "fundwatch.db").stat().st_mode) == 0o600


def test_a_new_record_is_begun_when_a_person_says_so(tmp_path: Path) -> None:
    """By taking the mark away; and where there never was one, as ever."""
    with staged(tmp_path) as scene:
        scene.home.run("poll")
        (tmp_path / "fundwatch.db").unlink()
        said = scene.home.run("poll", code=78)
        assert "nothing is begun anew in silence" in said
        (tmp_path / guard.BEGUN).unlink()
        scene.home.run("poll")
        assert (tmp_path / guard.BEGUN).exists()


@pytest.mark.parametrize("fresh", [False, True])
def test_no_second_one_gets_in_when_the_lock_is_deleted(tmp_path: Path, fresh: bool) -> None:
    """The record itself is held, also one that was just begun."""
    with staged(tmp_path) as scene:
        if fresh:
            (tmp_path / "fundwatch.db").unlink()
            (tmp_path / guard.BEGUN).unlink(missing_ok=True)
        with scene.home.daemon() as process:
            (tmp_path / guard.LOCK).unlink()
            assert "runs on" in scene.home.run("poll", code=75)
            assert json.loads(scene.home.run("status", "--json"))["running"] is True
            assert stop(process) == 0
        scene.home.run("poll")


def test_files_of_the_record_are_for_their_owner_only(tmp_path: Path) -> None:
    """In a folder that was there before, after an old version, and after a restore."""
    with staged(tmp_path) as scene:
        for name in ("fundwatch.db", "fundwatch.lock"):
            (tmp_path / name).touch()
            (tmp_path / name).chmod(0o644)
        old = os.umask(0o022)
        try:
            scene.home.run("poll")
            scene.home.run("backup", str(tmp_path / "copy.db"))
            (tmp_path / "copy.db").chmod(0o644)
            scene.home.run("restore", str(tmp_path / "copy.db"))
        finally:
            os.umask(old)
        for path in tmp_path.glob("fundwatch.*"):
            if path.name not in (guard.BEGUN,) and path.is_file():
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_what_a_killed_one_of_an_older_version_left_is_for_its_owner_only(tmp_path: Path) -> None:
    """The newest part of the record lies in the file beside it."""
    names = ("fundwatch.db", "fundwatch.db-wal", "fundwatch.db-shm", "fundwatch.lock")
    for name in names:
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    with guard.lock(tmp_path):
        modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names}
    assert set(modes.values()) == {0o600}


def test_another_lock_holder_is_named(tmp_path: Path) -> None:
    with guard.lock(tmp_path):
        assert guard.runs(tmp_path)
        with pytest.raises(Busy, match=f"process {os.getpid()}"), guard.lock(tmp_path):
            pass
    assert not guard.runs(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 500])
def test_a_broken_record_is_one_sentence_and_not_restarted(tmp_path: Path, content: bytes) -> None:
    """Emptied or overwritten: exit 78 and a remedy, no traceback, the file left as it is."""
    with staged(tmp_path) as scene:
        (tmp_path / "fundwatch.db").write_bytes(content)
        for command in ("run", "poll"):
            said = scene.home.run(command, code=78)
            assert "fundwatch.db" in said
            assert "Traceback" not in said
        assert (tmp_path / "fundwatch.db").read_bytes() == content


@needs_root
def test_a_foreign_folder_is_one_sentence() -> None:
    """Somebody else's home: exit 78, who owns it, what to do; no traceback."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        with staged(home) as scene:
            scene.home.run("poll")
            (home / ".env").chmod(0o644)
            home.chmod(0o755)
            for command in ("run", "poll", "status"):
                code, said = as_nobody(scene, command)
                assert code == 78, said
                assert "belongs to root, this user is nobody" in said
            home.chmod(0o700)
            assert as_nobody(scene, "run")[0] in (2, 78)


def as_nobody(scene: Scene, command: str) -> tuple[int, str]:
    """Exit code and words of a command for a user without rights, in a process of its own."""
    # Loaded now: Python's own files may be out of reach then.
    codecs.lookup("utf-8-sig")
    CliRunner().invoke(main, ["--home", str(scene.home.path), command, "--help"])
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.setegid(65534)
        os.seteuid(65534)
        done = CliRunner().invoke(main, ["--home", str(scene.home.path), command])
        said = done.output + (repr(done.exception) if done.exit_code == 1 else "")
        os.write(write, f"{done.exit_code} {said}".encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read, encoding="utf-8") as told:
        code, _, said = told.read().partition(" ")
    return int(code), said


@needs_root
def test_a_readonly_folder_is_one_sentence(tmp_path: Path) -> None:
    """A disk that was mounted read-only: exit 78 and the remedy, also for root."""
    with small_disk(tmp_path / "disk", "9m") as disk, staged(disk) as scene:
        scene.home.run("poll")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        for command in ("run", "poll"):
            said = scene.home.run(command, code=78)
            assert "Read-only file system" in said
            assert "mount it so" in said
            assert "Traceback" not in said
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


def test_no_other_user_can_hold_the_lock(tmp_path: Path) -> None:
    """Its file can be opened by its owner only, from the moment it is made."""
    old = os.umask(0)
    try:
        with guard.lock(tmp_path):
            assert stat.S_IMODE((tmp_path / guard.LOCK).stat().st_mode) == 0o600
    finally:
        os.umask(old)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Some disks of a network refuse them: before the record is touched, and at each write."""

    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    store = Store(tmp_path / guard.DATABASE, create=True)
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", refused)  # what the system would say
        for name, use in (
            (guard.LOCK, lambda: guard.lock(tmp_path)),
            (f"{guard.DATABASE}-turn", store.write),
        ):
            with pytest.raises(Unfit, match=f"{name}: .*put the folder on a local disk"), use():
                raise AssertionError("went on without a lock")
    store.close()


def test_a_write_that_does_not_come_back_counts(tmp_path: Path) -> None:
    """A disk that hangs: after a minute without an answer that is trouble too."""
    moment = 0.0
    store = Store(tmp_path / "fundwatch.db", create=True)
    watch = recordwatch.RecordWatch(tmp_path, store, lambda: moment)
    assert watch.look() == ""
    watch._note(moment, "")
    moment += recordwatch.HANGS + 1
    assert "writing has not come back" in watch.trouble
    assert watch.look() == ""
    assert watch.trouble == ""
    store.close()
