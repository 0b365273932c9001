"""Every door makes the same act, and says who came by it and how far that is proven."""

from __future__ import annotations

import json
import os
import pwd
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from world.home import ALICE, BANK, BOB, SHOP, Scene, entry, staged, wait_for, watchlist
from world.parts import free_port

from monitor.loops import doors, inbox

ME = pwd.getpwuid(os.geteuid()).pw_name
USER = f"system user {ME} (uid {os.geteuid()})"
TYPED = "the name is what they typed"
PUBLIC = "https://fundwatch.example/watch"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Alerts that have been told by mails of their own, each with its link."""
    with staged(tmp_path) as made:
        made.home.write("link-secret", "a-secret-that-signs-links-for-tests-only")
        made.home.write("config/settings.yaml", {
            "every": 2, "prices": "none", "listen": f"127.0.0.1:{free_port()}",
            "public_url": PUBLIC, "link_secret_file": "link-secret",
        })  # fmt: skip
        made.ledger.mine(time=int(time.time()))
        yield made


def told(scene: Scene, way: tuple[str, str]) -> str:
    """Let a payment happen and be told; returns the number of its alert."""
    (tx,) = scene.pay(way)
    scene.home.run("poll")
    return next(a["id"] for a in scene.alerts("movement") if a["tx"] == tx)


def acts(scene: Scene, kind: str) -> list[dict[str, Any]]:
    """What the log says of acts of a kind, oldest first."""
    rows = scene.home.sql("SELECT text FROM log_text ORDER BY seq")
    return [found for (text,) in rows if (found := json.loads(text))["act"] == kind]


def asked(
    scene: Scene, action: str, *, owner: int | None = None, **args: object
) -> Mapping[str, Any]:
    """A request as an older program writes it, answered by the running daemon."""
    folder = scene.home.path / "requests"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "new.tmp").write_text(json.dumps({"action": action, "args": args}), "utf-8")
    os.chown(folder / "new.tmp", -1 if owner is None else owner, -1)
    (folder / "new.tmp").rename(folder / "one.json")
    answer = folder / "one.answer"
    wait_for(answer.exists, 30, scene.home.log)
    said: dict[str, Any] = json.loads(answer.read_text("utf-8"))
    answer.unlink()
    return said


def local(scene: Scene, link: str) -> str:
    """A link of a mail, at the door of this machine."""
    parts = urlsplit(link)
    settings = (scene.home.path / "config/settings.yaml").read_text("utf-8")
    (listen,) = re.findall(r"listen: (\S+)", settings)
    return f"http://{listen}{parts.path}?{parts.query}"


def links(scene: Scene, alert: str) -> tuple[str, str]:
    """The link in the text of the mail that told an alert, and the one behind its button."""
    mail = scene.mails_of(alert)[0]
    found = []
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        text = body.get_content().replace("&amp;", "&")
        found.append(re.findall(rf"{PUBLIC}/ack/[^\s\"<>]+", text)[0])
    return found[0], found[1]


def press(scene: Scene, link: str, name: str, note: str) -> None:
    """Open the page and press its button."""
    page = requests.get(local(scene, link), timeout=10)
    assert "<form" in page.text
    done = requests.post(local(scene, link), data={"name": name, "note": note}, timeout=10)
    assert f"Recorded: {name}" in done.text


def test_four_doors_make_the_same_act(scene: Scene) -> None:
    """By command, by a file of requests, by the page and by the button of a mail: the log tells
    them apart by the actor alone."""
    ways = [(ALICE, SHOP), (ALICE, BANK), (BANK, BOB), (BOB, SHOP)]
    one, two, three, four = (told(scene, way) for way in ways)
    scene.home.run("alerts", "ack", one, "--by", "Ann", "--note", "mine")
    with scene.home.daemon():
        state = {"ids": [two], "state": "acknowledged", "name": "Ann", "note": "mine"}
        assert asked(scene, "set_state", **state)["ok"]
        press(scene, links(scene, three)[0], "Ann", "mine")
        press(scene, links(scene, four)[1], "Ann", "mine")
    found = acts(scene, "take")
    assert [each["body"]["alerts"][0][0] for each in found] == [one, two, three, four]
    actors = [each.pop("actor") for each in found]
    for each in found:
        (told_of,) = each["body"].pop("alerts")  # the alert, the line about it, its state before
        assert told_of[2] == "open"
        del each["at"], each["first"]
    body = {"note": "mine", "state": "acknowledged", "outcome": "", "to": None}
    assert found == [{"act": "take", "what": "taken", "body": body}] * 4
    assert {actor["name"] for actor in actors} == {"Ann"}
    assert [actor["kind"] for actor in actors] == ["cli", "cli", "link", "link"]
    assert actors[0]["authority"] == f"{USER} ran the command; {TYPED}"
    assert actors[1]["authority"] == f"{USER} owns the file of the request; {TYPED}"
    for alert, actor in zip((three, four), actors[2:], strict=True):
        (message,) = {m["X-Fundwatch-Message"] for m in scene.mails_of(alert)}
        until = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
        wanted = rf"the signed link of message {message}, valid until {until}; {TYPED}"
        assert re.fullmatch(wanted, actor["authority"]), actor["authority"]


def test_a_file_of_requests_is_its_owners_and_no_link(scene: Scene) -> None:
    """What stands in it does not make it somebody else's, and a link to another file is not
    followed: its owner has asked for nothing."""
    alert = told(scene, (ALICE, SHOP))
    state = {"ids": [alert], "state": "acknowledged", "name": "root", "note": ""}
    with scene.home.daemon():
        folder = scene.home.path / "requests"
        folder.mkdir(mode=0o700, exist_ok=True)
        (scene.home.path / "elsewhere").write_text(
            json.dumps({"action": "set_state", "args": state}), "utf-8"
        )
        (folder / "link.json").symlink_to(scene.home.path / "elsewhere")
        wait_for((folder / "link.answer").exists, 30, scene.home.log)
        assert not json.loads((folder / "link.answer").read_text("utf-8"))["ok"]
        assert acts(scene, "take") == []
        for action, args, words in (
            ("acknowledge", state, "There are: set_state, "),
            ("set_state", {"ids": [alert]}, "missing a required argument: 'state'"),
        ):
            refused = asked(scene, action, **args)
            assert refused["problems"][0][:2] == ["action", action]
            assert words in " ".join(refused["problems"][0])
        assert asked(scene, "set_state", **state)["ok"]
    (act,) = acts(scene, "take")
    assert act["actor"]["name"] == "root"
    assert act["actor"]["authority"].startswith(f"{USER} owns the file of the request")


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator gives files away")
def test_another_users_request_is_told_by_its_owner(scene: Scene) -> None:
    """The number of the file's owner, whatever name stands in it."""
    alert, nobody = told(scene, (ALICE, SHOP)), pwd.getpwnam("nobody")
    state = {"ids": [alert], "state": "acknowledged", "name": ME, "note": ""}
    with scene.home.daemon():
        assert asked(scene, "set_state", owner=nobody.pw_uid, **state)["ok"]
    (act,) = acts(scene, "take")
    assert act["actor"]["name"] == ME
    said = f"system user nobody (uid {nobody.pw_uid}) owns the file of the request; {TYPED}"
    assert act["actor"]["authority"] == said


def test_commands_that_ask_no_name_have_the_system_users(scene: Scene, tmp_path: Path) -> None:
    """`--by` names somebody else; without it the system user stands for themselves."""
    alert = told(scene, (ALICE, SHOP))
    message = scene.mails_of(alert)[0]["X-Fundwatch-Message"]
    for by in ([], ["--by", "Ann"]):
        scene.home.run("deliveries", "replay", message, *by)
        scene.home.run("channels", "test", "mail", *by)
        scene.home.run("backup", str(tmp_path / f"copy-{len(by)}.db"), *by)
    for kind, body in {
        "replay": {"messages": [message]},
        "test channel": {"channel": "mail", "accepted": 2, "refused": 0},
        "backup": None,
    }.items():
        first, second = acts(scene, kind)
        assert body is None or first["body"] == second["body"] == body
        assert (first["actor"]["name"], second["actor"]["name"]) == (ME, "Ann")
        how = f"{USER} ran the command; "
        assert first["actor"]["authority"] == f"{how}no other name was given"
        assert second["actor"]["authority"] == f"{how}the name is what they typed"
    cases = scene.home.sql("SELECT DISTINCT case_id FROM log_case JOIN log_text USING (seq) "
                           "WHERE text LIKE '%\"act\":\"replay\"%'")  # fmt: skip
    assert cases == [("CASE-1",)]
    scene.home.run("backup", str(tmp_path / "no.db"), "--by", " ", code=2)
    assert not (tmp_path / "no.db").exists()


def test_who_retires_by_command_has_done_it_in_the_log(scene: Scene) -> None:
    """Whether the line stands in the file still or left it; what is merely found in the file is
    of nobody known."""
    told(scene, (ALICE, SHOP))
    (alice, bob), who = entries_of(scene), ("--by", "Zoe", "--why", "over")
    scene.home.run("watchlist", "retire", alice, *who)
    scene.home.write("watchlist.yaml", watchlist(entry(SHOP)))
    scene.home.run("poll")
    scene.home.run("watchlist", "retire", bob, *who)
    found, (lost,) = acts(scene, "take list"), acts(scene, "retire")
    path, mine = "the file watchlist.yaml as found", f"{USER} ran the command; {TYPED}"
    by_zoe = [each for each in found if each["actor"]["name"] == "Zoe"]
    others = [each for each in found if each not in by_zoe]
    assert authorities(by_zoe) == {f"{mine}; with the rest of {path}, of {USER}"}
    assert authorities(others) == {f"{path}, of {USER}; who changed it is not known"}
    assert {each["actor"]["kind"] for each in others} == {"daemon"}
    assert authorities([lost]) == {mine}
    ((ended, was, now),) = next(e["body"]["entries"] for e in by_zoe if e["what"] == "entries")
    assert (ended, was["retired"]) == (alice, None)
    assert json.loads(now["terms"])["retired"].endswith('Zoe "over"')
    assert lost["body"]["entries"][0][0] == bob
    assert scene.alerts("notice", "1 retired")


def entries_of(scene: Scene) -> list[str]:
    """The ids of Alice's entry and of Bob's."""
    return [row[0] for row in scene.home.sql("SELECT id FROM entry ORDER BY subject")]


def authorities(found: Sequence[Mapping[str, Any]]) -> set[str]:
    return {each["actor"]["authority"] for each in found}


@pytest.mark.parametrize("name", ["Fundwatch", " Fund\u200bwatch ", "(erased)"])
def test_nobody_takes_an_alert_as_the_program(scene: Scene, name: str) -> None:
    """Beside the alert the name stands alone."""
    alert = told(scene, (ALICE, SHOP))
    said = scene.home.run("alerts", "ack", alert, "--by", name, code=2)
    assert "is not a person's. Give your own name" in said
    assert acts(scene, "take") == []


def test_what_is_no_file_of_a_request_holds_nobody_up(tmp_path: Path) -> None:
    """A pipe that nobody writes into, a folder, a file without end: the next one is served."""
    folder = tmp_path / "requests"
    folder.mkdir()
    os.mkfifo(folder / "1.json")
    (folder / "2.json").mkdir()
    with (folder / "3.json").open("wb") as file:
        file.truncate(10**9)
    (folder / "4.json").write_text(json.dumps({"action": "say", "args": {"word": "yes"}}))
    inbox.serve(tmp_path, {"say": lambda _caller, word: word})
    answers = [json.loads(path.read_text()) for path in sorted(folder.glob("*.answer"))]
    assert [answer["ok"] for answer in answers] == [False, False, True]


def test_a_system_user_without_a_name_is_a_number() -> None:
    """As in a container that runs under a number of its own."""
    uid = max(each.pw_uid for each in pwd.getpwall() if each.pw_uid < 2**31) + 1
    actor = doors.by_request(uid).named()
    assert (actor.name, actor.kind.value) == (f"uid {uid}", "cli")
    assert actor.authority.startswith(f"system user (uid {uid}) owns the file of the request; ")
