"""Published lists are followed: asked for when due, taken whole, told how it went."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from world.deskbook import ANN as LEAD
from world.deskbook import ON, joined_in
from world.home import Home, stop, wait_for
from world.published import address
from world.sinks import HttpSink, answer, drip, hang, reset

from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.loops.clock import now
from monitor.loops.desk import work
from monitor.loops.desk.carrying import carry_out
from monitor.loops.doors import this_user
from monitor.loops.health.list_status import lateness
from monitor.loops.list_watch import NOT_HAD, NOT_TAKEN, TAKEN, UNDER_WAY, Wish
from monitor.loops.tickets import StoppedError
from monitor.model.acts import DAEMON, Actor, ActorKind
from monitor.model.desk import Role
from monitor.model.errors import ConfigError, MonitorError
from monitor.model.lists import LATE, ListState
from monitor.net.download import KEPT_FREE
from monitor.store import listing
from monitor.store.port import Store

ANN = Actor(ActorKind.CLI, "Ann", "a test")


def addresses(first: int, last: int) -> bytes:
    return "".join(
        f"0x{n:040x}\n" for n in range(0xABCDEF00000 + first, 0xABCDEF00000 + last)
    ).encode()


@dataclass
class Desk:
    """A home that follows one list of a server of its own."""

    home: Home
    sink: HttpSink

    def serve(self, body: bytes, etag: str = "") -> None:
        self.sink.default = answer(200, body, **({"etag": etag} if etag else {}))

    def lists(self, **more: object) -> None:
        place = {} if "file" in more else {"url": self.sink.url("/list.txt")}
        row = {"kind": "text", **place, "every": "1h", "watch": "no", **more}
        self.home.write("config/lists.yaml", {"lists": {"mine": row}})

    @contextmanager
    def opened(self) -> Iterator[Fundwatch]:
        with open_home(self.home.path, {}) as app:
            app.reload()
            yield app


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with HttpSink() as sink:
        made = Desk(Home(tmp_path), sink)
        made.home.write("config/settings.yaml", {"prices": "none"})
        made.home.write("watchlist.yaml", {"addresses": []})
        made.lists()
        yield made


def shift(app: Fundwatch, seconds: int) -> None:
    """Let time pass for the list: what was noted of it lies further back."""
    state = listing.state(app.store, "mine")
    moved = {name: getattr(state, name) for name in ("due", "tried", "had", "failing")}
    back = {name: at if at is None else at - seconds for name, at in moved.items()}
    listing.put_state(app.store, "mine", ListState(**{**_fields(state), **back}))


def _fields(state: ListState) -> dict[str, object]:
    return {name: getattr(state, name) for name in ListState.__slots__}


def state(app: Fundwatch) -> ListState:
    return listing.state(app.store, "mine")


def test_a_list_is_asked_for_when_it_is_due(desk: Desk) -> None:
    """The second time by condition; what has not changed is no new version."""
    desk.serve(addresses(0, 20), '"v1"')
    with desk.opened() as app:
        app.following.round()
        first = listing.newest(app.store, "mine")
        app.following.round()
        assert len(desk.sink.seen) == 1
        assert first is not None
        assert first.rows == 20
        desk.sink.then(answer(304))
        shift(app, 3600)
        app.following.round()
        assert desk.sink.seen[1].headers["if-none-match"] == '"v1"'
        assert listing.publications(app.store, "mine") == [first]
        assert 3500 < state(app).due - now() <= 3600


def test_what_was_known_of_another_address_is_not_asked_for_by_condition(desk: Desk) -> None:
    """Nor of a file that a person gave, or that was never taken."""
    desk.serve(addresses(0, 20), '"v1"')
    with desk.opened() as app:
        app.following.round()
    desk.lists(url=desk.sink.url("/other.txt"))
    with desk.opened() as app:
        app.following.update(Wish(ANN, ("mine",)))
        assert "if-none-match" not in desk.sink.seen[-1].headers
        given = desk.home.path / "given.txt"
        given.write_bytes(addresses(0, 21))
        (result,) = app.following.update(Wish(ANN, ("mine",), str(given)))
        assert result.code == TAKEN
        app.following.update(Wish(ANN, ("mine",)))
        assert "if-none-match" not in desk.sink.seen[-1].headers


def test_after_a_failure_it_is_asked_sooner(desk: Desk) -> None:
    """A quarter of the time, or as the server asks; what was in force stays."""
    desk.serve(addresses(0, 20))
    with desk.opened() as app:
        app.following.round()
        shift(app, 3600)
        desk.sink.then(answer(503))
        app.following.round()
        assert 880 < state(app).due - now() <= 900
        assert "HTTP 503" in state(app).error
        desk.sink.then(answer(429, retry_after="2000"))
        (result,) = app.following.update(Wish(ANN, ("mine",)))
        assert result.code == NOT_HAD
        assert 1990 < state(app).due - now() <= 2000
        newest = listing.newest(app.store, "mine")
        assert newest is not None
        assert newest.rows == 20
        (result,) = app.following.update(Wish(ANN, ("mine",)))
        assert result.code == TAKEN
        assert (state(app).failing, state(app).error) == (None, "")


def test_a_server_may_ask_for_a_longer_pause_than_ours(desk: Desk) -> None:
    """It is not taken for a clock that was set back, and asked again every second."""
    desk.lists(every="10m")
    desk.sink.default = answer(429, retry_after="99999")
    with desk.opened() as app:
        app.following.round()
        assert 3590 < state(app).due - now() <= 3600
        app.following.round()
        assert len(desk.sink.seen) == 1
        shift(app, 3600)
        app.following.round()
        assert len(desk.sink.seen) == 2


def test_what_is_to_be_asked_more_often_is_asked_at_once(desk: Desk) -> None:
    desk.serve(addresses(0, 20))
    desk.lists(every="1d")
    with desk.opened() as app:
        app.following.round()
    desk.lists(every="10m")
    with desk.opened() as app:
        assert app.following.due(now()) == ["mine"]


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"<html>Please log in</html>", NOT_HAD, "web page"),
        (b"", NOT_HAD, "answered with nothing"),
        (b"# nothing to see\n", NOT_TAKEN, "holds no address"),
    ],
)
def test_what_is_no_list_changes_nothing(desk: Desk, body: bytes, code: int, words: str) -> None:
    desk.serve(addresses(0, 20))
    with desk.opened() as app:
        app.following.round()
        desk.serve(body)
        (result,) = app.following.update(Wish(ANN, ("mine",)))
        assert (result.code, len(listing.publications(app.store, "mine"))) == (code, 1)
        assert words in result.said
        assert words in state(app).error


@pytest.mark.parametrize("watch", ["yes", "no"])
def test_the_first_version_must_hold_an_address_too(desk: Desk, watch: str) -> None:
    """A wrong file, or a wrong kind: nothing is in force, and it says what the rows are."""
    desk.lists(watch=watch)
    desk.serve(b"name\nfirst\nsecond\n")
    with desk.opened() as app:
        (result,) = app.following.update(Wish(ANN, ("mine",)))
        assert (result.code, listing.newest(app.store, "mine")) == (NOT_TAKEN, None)
        assert "holds no address that can be read; 3 refused: " in result.said
        assert "its kind in config/lists.yaml" in state(app).error


def test_rules_may_be_against_all_that_a_list_names(desk: Desk) -> None:
    """Its names are of use all the same."""
    desk.serve(b"0x000000000000000000000000000000000000dEaD\n")
    with desk.opened() as app:
        assert app.following.update(Wish(ANN, ("mine",)))[0].code == TAKEN


def test_while_the_desk_is_on_a_list_that_shrank_needs_two(desk: Desk) -> None:
    """What a command wants is proposed; once another person agreed, the lists' own job takes it."""
    desk.serve(addresses(0, 20), '"v1"')
    with desk.opened() as app:
        joined_in(app.store, "ann", Role.LEAD)
        app.following.round()
        desk.serve(addresses(0, 10), '"v2"')
        assert app.following.update(Wish(ANN, ("mine",)))[0].code == NOT_TAKEN
        acts = replace(app.acts, desk=ON)
        assert app.acts.propose_shrunk(this_user(), ["mine"], "", "bob") == "", "no desk, no need"
        said = acts.propose_shrunk(this_user(), ["mine"], "", "bob")
        name = said.split()[1].rstrip(";")
        work.answer(app.store, ON, LEAD, name, True, "", 5)
        carry_out(app.store, acts.agreed(), 6)
        assert of(app.store, name) == ("agreed", "")
        app.following.round()
        carry_out(app.store, acts.agreed(), 7)
        now_, said = of(app.store, name)
        assert now_ == "done"
        assert said.startswith("taken     mine: ")
        newest = listing.newest(app.store, "mine")
        assert newest is not None
        assert newest.rows == 10


def of(store: Store, name: str) -> tuple[str, str]:
    (row,) = store.read("SELECT state, said FROM proposal WHERE id = ?", [name])
    return row["state"], row["said"]


def test_a_list_that_shrank_waits_for_a_person(desk: Desk) -> None:
    """What they say yes to is the version that was told, not what is handed out by then."""
    desk.serve(addresses(0, 20), '"v1"')
    with desk.opened() as app:
        app.following.round()
        desk.serve(addresses(0, 10), '"v2"')
        for _ in range(2):
            (result,) = app.following.update(Wish(ANN, ("mine",)))
            assert result.code == NOT_TAKEN
            assert "--accept-shrunk" in result.said
        held = state(app).held
        desk.sink.then(answer(304))
        (result,) = app.following.update(Wish(ANN, ("mine",)))
        assert desk.sink.seen[-1].headers["if-none-match"] == '"v2"'
        assert result.code == NOT_TAKEN
        desk.serve(addresses(0, 3), '"v3"')
        (result,) = app.following.update(Wish(ANN, ("mine",), shrunk=True))
        assert result.code == TAKEN
        newest = listing.newest(app.store, "mine")
        assert newest is not None
        assert (newest.sha256, newest.rows) == (held, 10)
        assert state(app).held == ""
        (result,) = app.following.update(Wish(ANN, ("mine",)))
        assert result.code == NOT_TAKEN, "the next one is judged anew"


def test_a_list_is_late_after_a_day(desk: Desk) -> None:
    """Since it was missing: also while nothing ran."""
    desk.serve(addresses(0, 20))
    with desk.opened() as app:
        app.following.round()
        day = listing.newest(app.store, "mine")
        desk.sink.default = reset
        shift(app, 3600)
        app.following.round()
        settings = app.settings
        assert lateness(app.store, settings, now()) == {}
        shift(app, LATE)
        app.following.round()
        late = lateness(app.store, settings, now())["mine"]
        assert day is not None
        assert (late.title, late.day) == ("MINE", day.day)
        assert "cut the connection" in late.why
        desk.serve(addresses(0, 20))
        app.following.update(Wish(ANN, ("mine",)))
        assert lateness(app.store, settings, now()) == {}
        shift(app, 3600 + LATE)  # the machine was off
        desk.sink.default = reset
        app.following.round()
        assert "mine" in lateness(app.store, settings, now())


def test_the_clock_may_jump(desk: Desk) -> None:
    """What is due far in the future was noted by a clock that ran ahead."""
    desk.serve(addresses(0, 20))
    with desk.opened() as app:
        app.following.round()
        shift(app, -10 * 365 * 86_400)
        assert app.following.due(now()) == ["mine"]
        desk.sink.default = reset
        app.following.round()
        failing = state(app).failing
        assert failing is not None
        assert failing <= now()


def test_never_means_by_command(desk: Desk) -> None:
    desk.lists(every="never")
    desk.serve(addresses(0, 20))
    with desk.opened() as app:
        app.following.round()
        assert desk.sink.seen == []
        assert app.following.update(Wish(ANN))[0].code == TAKEN


def test_a_file_of_this_machine_is_followed(desk: Desk) -> None:
    """By its time and its content; a person's own file says nothing about it."""
    path = desk.home.path / "lists" / "own.txt"
    path.parent.mkdir()
    path.write_bytes(addresses(0, 20))
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))
    desk.lists(file="lists/own.txt", every="1s")
    with desk.opened() as app:
        app.following.round()
        assert "20 rows" in app.following.update(Wish(ANN, ("mine",)))[0].said
        path.write_bytes(addresses(0, 25))
        os.utime(path, (long_ago + 9, long_ago + 9))
        assert "taken     mine: 25 rows" in app.following.update(Wish(ANN, ("mine",)))[0].said
        (result,) = app.following.update(Wish(ANN, ("mine",), str(path.parent / "missing")))
        assert result.code == NOT_HAD
        assert state(app).failing is None
        path.unlink()
        assert app.following.update(Wish(ANN, ("mine",)))[0].code == NOT_HAD
        assert state(app).failing is not None
        os.mkfifo(path)
        assert "is no file" in app.following.update(Wish(ANN, ("mine",)))[0].said


def test_a_stop_in_the_middle_begins_anew(desk: Desk) -> None:
    desk.serve(addresses(0, 20))
    with desk.opened() as app:
        stopped = iter([False, False, True, True])
        app.following.stopping = lambda: next(stopped)
        app.following.round()
        assert listing.newest(app.store, "mine") is None
        assert state(app).due == 0
        app.following.stopping = lambda: False
        app.following.round()
        assert listing.newest(app.store, "mine") is not None


def test_a_stop_while_entries_follow_their_settings_is_no_fault(desk: Desk) -> None:
    """They go on at the next start; nothing is said of work that nobody asked for."""
    desk.serve("".join(f"{address(n)}\n" for n in range(3)).encode())
    desk.lists(watch="yes", severity="high", case="A")
    with desk.opened() as app:
        app.following.round()
    desk.lists(watch="yes", severity="low", case="A")
    with open_home(desk.home.path, {}) as app:
        app.following.stopping = lambda: True
        app.reload()
        assert app.following.doing == ""
    with desk.opened() as app:
        told = [w.entry.severity.value for w in listing.entries_of(app.store, "mine")]
    assert told == ["low"] * 3


def test_where_the_program_died_it_is_not_begun_again_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list on which it dies would end it again and again."""

    class DeathError(BaseException):
        pass

    with desk.opened() as app:

        def die(*_: object) -> None:
            raise DeathError

        monkeypatch.setattr(app.following, "_fetch", die)
        with pytest.raises(DeathError):
            app.following.round()
        assert app.following.due(now()) == []
        shift(app, UNDER_WAY)
        assert app.following.due(now()) == ["mine"]


def test_a_list_at_which_the_program_dies_each_time_is_late_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be noted after each try, and nothing newer came."""

    class DeathError(BaseException):
        pass

    def die(*_: object) -> None:
        raise DeathError

    with desk.opened() as app:
        monkeypatch.setattr(app.following, "_fetch", die)
        for _ in range(2):
            assert lateness(app.store, app.settings, now()) == {}
            with pytest.raises(DeathError):
                app.following.round()
            shift(app, LATE // 2)
        late = lateness(app.store, app.settings, now())["mine"]
        assert late.day == ""
        assert "ended each time" in late.why


def test_a_list_that_nobody_asks_for_is_late(desk: Desk) -> None:
    """While nothing runs; one that is only asked for by command never is."""
    desk.serve(addresses(0, 20))
    with desk.opened() as app:
        app.following.round()
        shift(app, 3600 + LATE - 5)
        assert lateness(app.store, app.settings, now()) == {}
        shift(app, 10)
        assert "mine" in lateness(app.store, app.settings, now())
    desk.lists(every="never")
    with desk.opened() as app:
        assert lateness(app.store, app.settings, now()) == {}


@pytest.mark.parametrize("looks", range(4))
@pytest.mark.parametrize("place", ["url", "file"])
def test_a_list_leaves_the_record_its_room_on_the_disk(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, place: str, looks: int
) -> None:
    """Wherever the disk runs full while it is taken, it is given up, and nothing of it stays."""
    path = desk.home.path / "own.txt"
    path.write_bytes(addresses(0, 20))
    desk.serve(addresses(0, 20))
    desk.lists(**({"file": str(path)} if place == "file" else {}))
    real = shutil.disk_usage(desk.home.path)
    left = looks  # so often there is room

    def usage(_path: object) -> object:
        nonlocal left
        left -= 1
        return real if left >= 0 else real._replace(free=KEPT_FREE - 1)

    with desk.opened() as app:
        monkeypatch.setattr(shutil, "disk_usage", usage)
        (result,) = app.following.update(Wish(ANN, ("mine",)))
        if left >= 0:
            assert result.code == TAKEN
            return
        assert result.code == NOT_HAD
        assert "no room for it (67 MB are free)" in result.said
        monkeypatch.undo()
        assert app.store.read("SELECT * FROM staged", []) == []
        assert app.store.read("SELECT * FROM listing", []) == []
        assert [*(desk.home.path / "lists" / "mine").glob("*[!z]")] == []
        assert app.following.update(Wish(ANN, ("mine",)))[0].code == TAKEN


def test_what_was_watched_stays_so_and_that_is_said(desk: Desk) -> None:
    """Where the settings of its list say no later."""
    desk.lists(watch=True, case="X", chains=["ethereum"])
    desk.serve("".join(f"{address(n)}\n" for n in range(3)).encode())
    with desk.opened() as app:
        app.following.round()
    assert (_status(desk)["watched"], _status(desk)["error"]) == (3, None)
    desk.lists(watch=False)
    assert _status(desk)["watched"] == 3
    assert "stays watched until retired" in str(_status(desk)["error"])


def test_names_of_lists_are_those_in_use(desk: Desk) -> None:
    with desk.opened() as app, pytest.raises(ConfigError, match="Did you mean mine"):
        app.following.update(Wish(DAEMON, ("mime",)))


def test_a_ticket_is_answered_once(desk: Desk) -> None:
    desk.serve(addresses(0, 20))
    with desk.opened() as app:
        ticket = app.following.ask(Wish(ANN, ("mine",)))
        assert app.following.outcome(ticket)[0] is None
        app.following.round()
        results, _ = app.following.outcome(ticket)
        assert results is not None
        assert results[0].code == TAKEN
        with pytest.raises(MonitorError, match="started anew"):
            app.following.outcome(ticket)


def test_stopped_is_an_error_of_ours() -> None:
    assert issubclass(StoppedError, MonitorError)


def test_no_secret_of_an_address_is_kept(desk: Desk) -> None:
    """Neither our own key nor a redirect's signature, whatever the publisher says of it."""
    key, signature = "key-0123456789abcdef", "9f86d081884c7d659a2feaa0c55ad015"
    desk.lists(url=desk.sink.url(f"/list.txt?key={key}"))
    desk.serve(addresses(0, 20), f'"{key}"')
    lead = answer(302, location=f"/x?X-Amz-Signature={signature}")
    with desk.opened() as app:
        app.following.round()
        desk.sink.then(lead, answer(500, f"no {key} {signature}".encode()))
        results = app.following.update(Wish(ANN, ("mine",)))
        said = f"{results} {state(app)}"
    kept = b"".join(p.read_bytes() for p in desk.home.path.glob("fundwatch.db*"))
    status = desk.home.lines("lists", "status", "--format", "jsonl")
    for secret in (key, signature):
        assert secret not in said + str(status)
        assert secret.encode() not in kept


def test_a_kill_in_the_middle_leaves_what_was_in_force(desk: Desk) -> None:
    """While the file comes and after it; the next start takes it whole."""
    desk.serve(addresses(0, 20))
    with desk.opened() as app:
        app.following.round()
    desk.sink.default = drip(
        b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + addresses(0, 20)
    )
    process = desk.home.start("lists", "update")
    wait_for((desk.home.path / "lists/mine/coming").exists, 60, desk.home.log)
    process.kill()
    process.wait()
    desk.serve(addresses(0, 25))
    with desk.opened() as app:
        newest = listing.newest(app.store, "mine")
        assert newest is not None
        assert newest.rows == 20
        assert app.following.update(Wish(ANN, ("mine",)))[0].code == TAKEN


@pytest.mark.slow
def test_the_daemon_follows_and_carries_out_what_is_asked(desk: Desk) -> None:
    """A slow publisher delays nobody; what people ask for is answered when it is done."""
    desk.serve(addresses(0, 20))
    with desk.home.daemon() as process:
        wait_for(lambda: _status(desk)["rows"] == 20, 20, desk.home.log)
        desk.serve(addresses(0, 25))
        assert "25 rows" in desk.home.run("lists", "update", "mine")
        assert "20 rows" in desk.home.run(
            "lists", "update", "mine", "--file", _file(desk, 20), code=2
        )
        desk.sink.then(hang)
        asked = desk.home.start("lists", "update")
        wait_for(lambda: len(desk.sink.seen) == 3, 20, desk.home.log)
        assert json.loads(desk.home.run("status", "--json"))["running"] is True
        assert "is no alert" in desk.home.run("alerts", "ack", "A-NO", "--by", "Ann", code=2)
        began = time.monotonic()
        assert stop(process) == 0
        assert time.monotonic() - began < 15
        asked.kill()
        asked.wait()


def _file(desk: Desk, rows: int) -> str:
    path = desk.home.path / "given.txt"
    path.write_bytes(addresses(0, rows))
    return str(path)


def _status(desk: Desk) -> dict[str, object]:
    (line,) = desk.home.lines("lists", "status", "--format", "jsonl")
    return line
