"""*Follow the money* at the desk: asked for on an alert, a case, an address; carried out by the
program, and the trace begins. On a real record of a scripted chain."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests
from test_trace_run import BANK, EXCHANGE, SOURCE, A, B, C, Story, told
from world.desk import User, add_person, send, served, turn_on
from world.desk_open import Open, client
from world.desk_record import A as WATCHED
from world.desk_record import made
from world.logged import differences

from monitor.app.home import open_home
from monitor.loops.desk.carrying import actor_of
from monitor.model import Entry, Origin, Subject
from monitor.model.desk import Role, Sight
from monitor.model.errors import ConfigError
from monitor.model.trace import State
from monitor.store import desk, desk_trace
from monitor.store.guard import DATABASE
from monitor.store.rows import entry_terms
from monitor.store.sqlite import Store

WHY = "It leaves for an exchange."


@contextmanager
def moved(folder: Path) -> Iterator[Story]:
    """SOURCE, whose case is not followed, paid C before it was watched and A since; A paid B, and B
    an exchange."""
    with told(folder) as story:
        text = (folder / "watchlist.yaml").read_text("utf-8")
        story.home.write("watchlist.yaml", text.replace("    follow:\n      hops: 10\n", ""))
        turn_on(folder)
        story.pay(BANK, SOURCE, 10_000)
        story.pay(SOURCE, C, 100)
        story.settle()
        story.home.run("poll")
        story.at = int(time.time()) + 1
        story.pay(SOURCE, A, 8_000)
        story.pay(A, B, 7_000)
        story.pay(B, EXCHANGE, 6_000)
        story.settle()
        story.home.sql("UPDATE scope SET due = 0")
        story.home.run("poll")
        yield story


def carried_out(folder: Path, rounds: int = 3) -> None:
    """What the running program does: what was agreed to, and then it follows for a while."""
    with open_home(folder, os.environ) as app:
        app.work_desk()
        for _ in range(rounds):
            app.tracing.round()


def text(html: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", html).split())


def page(by: requests.Session, path: str, code: int = 200) -> str:
    answer = by.get(path)
    assert answer.status_code == code, answer.text[:500]
    return text(answer.text)


def wanted(begin: str, day: str = "", once: str = "1", **more: str) -> dict[str, str]:
    return {"begin": begin, "day": day, "why": WHY, "once": once, **more}


def proposals(folder: Path) -> list[tuple[str, str, str]]:
    store = Store(folder / "fundwatch.db", readonly=True)
    found = store.read("SELECT kind, state, eyes FROM proposal ORDER BY rowid")
    store.close()
    return [(row["kind"], row["state"], row["eyes"]) for row in found]


def people(folder: Path) -> dict[str, User]:
    roles = (("ann", "lead", ()), ("bob", "analyst", ("C-1",)), ("eve", "analyst", ()),
             ("rex", "reader", ("C-1",)))  # fmt: skip
    return {name: add_person(folder, name, Role(role), cases=cases) for name, role, cases in roles}


def test_the_money_of_an_alert_is_followed_and_then_on(tmp_path: Path) -> None:
    with moved(tmp_path) as story:
        who = people(tmp_path)
        (moved_,) = [a for a in story.home.alerts() if a["kind"] == "movement"]
        (history,) = [a for a in story.home.alerts() if a["kind"] == "history"]
        alert, day = f"/alert/{moved_['id']}", moved_["transfers"][0]["time"][:10]
        with served(tmp_path) as it:
            bob, eve, rex, ann = (it.signed_in(who[n]) for n in ("bob", "eve", "rex", "ann"))
            _no_line_of_others_is_told(tmp_path, bob)
            _files_that_cannot_be_written_are_told(tmp_path, bob)
            _asked_on_the_alert(tmp_path, bob, alert, day)
            _nobody_else(eve, rex, alert)
            assert "FOLLOWING" not in page(bob, f"/alert/{history['id']}")
            carried_out(tmp_path)
            _it_is_followed(tmp_path, bob, alert, day)
            assert 'do=follow"' not in bob.get(alert).text
            _begins_earlier(tmp_path, bob)
            _followed_on(tmp_path, bob, ann)
            for each in (f"/a/dev/{EXCHANGE}", "/c/C-1", alert, "/c/C-1/flow.svg"):
                eve.get(each)
                assert eve.get(each).status_code == 404
        assert differences(tmp_path / "fundwatch.db") == []


def _no_line_of_others_is_told(folder: Path, bob: requests.Session) -> None:
    """A mistake elsewhere in the list may be of a case that whoever asks does not see: neither
    where it is asked for, nor where it is carried out."""
    assert send(bob, "/c/C-1", "/c/C-1", wanted("all", "", "a", act="follow")).status_code == 303
    path = folder / "watchlist.yaml"
    good = path.read_text("utf-8")
    path.write_text(f"{good}addresses:\n- address: canary-of-case-b\n  chain: dev\n", "utf-8")
    refused = send(bob, "/c/C-1?tab=notes", "/c/C-1", wanted("all", "", "b", act="follow"))
    assert refused.status_code == 422
    assert "holds 1 mistake, and is not changed" in text(refused.text)
    carried_out(folder, 0)
    path.unlink()
    for text_, why in ((None, "cannot be read"), (good.replace("C-1:", "c-1:"), "of case C-1")):
        if text_ is not None:
            path.write_text(text_, "utf-8")
        refused = send(bob, "/c/C-1?tab=notes", "/c/C-1", wanted("all", "", "c", act="follow"))
        assert refused.status_code == 422
        assert why in text(refused.text)
        assert str(folder) not in refused.text, "a path says nothing to who reads it here"
    path.write_text(good, "utf-8")
    assert proposals(folder)[-1][:2] == ("follow", "failed")
    failed = page(bob, "/c/C-1")
    assert "It could not be done as bob asked for" in failed
    assert "canary" not in refused.text + failed


def _files_that_cannot_be_written_are_told(folder: Path, bob: requests.Session) -> None:
    """In words, and not as a fault of the program. Nothing of them is lost."""
    named = {"label": "A shop", "category": "service", "source": "its page", "date": "2026-11-29"}
    source = f"/a/dev/{SOURCE}"
    send(bob, "/c/C-1?tab=notes", "/c/C-1", wanted("all", "", "d", act="follow"))
    assert send(bob, source, f"{source}/name", wanted("", "", "e", **named)).status_code == 303
    before = (folder / "watchlist.yaml").read_bytes()
    in_the_way = [folder / "watchlist.new", folder / "addressbook.new"]
    for each in in_the_way:
        each.mkdir()
    carried_out(folder, 0)
    for each in in_the_way:
        each.rmdir()
    assert [each[:2] for each in proposals(folder)[1:]] == [
        ("follow", "failed"),
        ("name", "failed"),
    ]
    story = page(bob, "/c/C-1?kind=all") + page(bob, f"/proposal/{_newest(folder)}")
    for name in ("watchlist.yaml", "addressbook.csv"):
        assert f"{name}: cannot be written (Is a directory). Let the user" in story, story
    assert (folder / "watchlist.yaml").read_bytes() == before


def _newest(folder: Path) -> str:
    with closing(Store(folder / "fundwatch.db", readonly=True)) as store:
        return str(store.read("SELECT id FROM proposal ORDER BY rowid DESC LIMIT 1")[0]["id"])


def _asked_on_the_alert(folder: Path, bob: requests.Session, alert: str, day: str) -> None:
    """Scripts off: a link, a form, an answer. Sent twice it is asked for once."""
    assert "The money of case C-1 is not followed." in page(bob, alert)
    form = page(bob, f"{alert}?do=follow")
    assert f"what left from {day} on, the day of this movement" in form
    assert "everything since watching began" in form
    for wrong in (wanted("all", why=" "), wanted("odd"), wanted("day", "2999-01-01"),
                  wanted("day", "soon"), wanted("day", "0026-11-29")):  # fmt: skip
        assert send(bob, alert, f"{alert}/follow", wrong).status_code == 422
    for _ in range(2):
        said = send(bob, alert, f"{alert}/follow", wanted("day", day), allow_redirects=True)
        assert "Asked for: it is followed from" in text(said.text)
    assert 'do=follow"' not in bob.get(alert).text
    assert proposals(folder)[3:] == [("follow", "agreed", "none")]
    proposal = re.search("/proposal/(P-[A-Z0-9-]+)", bob.get(alert).text)
    assert proposal
    frozen = page(bob, f"/proposal/{proposal[1]}")
    limits = ("10 steps", "300 addresses", "after 50 addresses a person is asked")
    pays = f"what its 1 watched address paid from {day} on"
    for words in (pays, *limits, "learn that somebody looks", WHY):
        assert words in frozen, words


def _nobody_else(eve: requests.Session, rex: requests.Session, alert: str) -> None:
    """Who reads has no form, and who does not see the case nothing at all."""
    for path in (alert, "/c/C-1", f"/a/dev/{SOURCE}"):
        html = rex.get(f"{path}?do=follow").text
        assert "Asked for: it is followed" in text(html)
        assert "do=follow" not in html
        assert 'name="begin"' not in html
    assert send(rex, "/c/C-1", "/c/C-1", wanted("all", act="follow")).status_code == 403
    for path in (f"{alert}/follow", f"/a/dev/{SOURCE}/follow", f"/a/dev/{EXCHANGE}/on"):
        assert send(eve, "/inbox", path, wanted("all", case="C-1")).status_code == 404
    assert send(eve, "/inbox", "/c/C-1", wanted("all", act="follow")).status_code == 404


def _it_is_followed(folder: Path, bob: requests.Session, alert: str, day: str) -> None:
    """The watchlist says it, the trace began, and the pages say since when and by whom."""
    assert f"    follow:\n      since: {day}\n" in (folder / "watchlist.yaml").read_text("utf-8")
    assert proposals(folder)[-1][:2] == ("follow", "done")
    today = re.escape(day[:4])
    for path in (alert, "/c/C-1", f"/a/dev/{SOURCE}"):
        said = page(bob, path)
        state = rf"is followed: what left from {day} on ?\. Switched on {today}[^.]* by bob ?\."
        assert re.search(state, said), said
        assert "The newest word of it:" in said
    _the_newest_word_shows_the_way(bob)
    happened = page(bob, "/c/C-1?kind=all")
    assert f"its money is followed from now on: since {day}" in happened, happened
    assert "ask_after" not in happened, "limits that go without saying"
    assert f"followed case C-1: what its 1 watched address paid since {day}" in happened
    assert "It stands in the trace of case C-1 . There the trace ends: an exchange" in page(
        bob, f"/a/dev/{EXCHANGE}"
    )
    assert "is followed. It" not in page(bob, f"/a/dev/{C}")
    assert "Watch it first , in a case; then its money can be followed." in page(bob, f"/a/dev/{C}")


def _the_newest_word_shows_the_way(bob: requests.Session) -> None:
    (word,) = re.findall(
        r"The newest word of it: <a href=\"(/alert/[^\"]+)", bob.get("/c/C-1").text
    )
    shown = bob.get(word).text
    src, alt = re.findall(r'<img src="(/c/C-1/flow.svg\?state=\d+)" alt="([^"]*)"', shown)[0]
    assert alt.startswith("Case C-1")
    assert "Hop 2" in alt
    drawn = bob.get(src)
    assert drawn.headers["Content-Type"].startswith("image/svg+xml")
    assert drawn.text in bob.get(src.replace("/flow.svg", "")).text


def _begins_earlier(folder: Path, bob: requests.Session) -> None:
    """From the page of the watched address; what left before is followed too."""
    path = f"/a/dev/{SOURCE}"
    form = bob.get(f"{path}?do=follow").text
    assert "Let it begin earlier" in form
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert f'value="" min="2009-01-03" max="{today}"' in form, "no day that it is followed from"
    said = send(bob, path, f"{path}/follow", wanted("all", once="2", case="C-1"))
    assert said.status_code == 303, text(said.text)
    carried_out(folder)
    assert "since: first" in (folder / "watchlist.yaml").read_text("utf-8")
    assert "is followed: all that left since watching began" in page(bob, "/c/C-1")
    assert "do=follow" not in bob.get("/c/C-1").text
    again = send(bob, "/c/C-1?tab=notes", "/c/C-1", wanted("all", once="3", act="follow"))
    assert again.status_code == 422
    assert "Nothing to do" in text(again.text)


def _followed_on(folder: Path, bob: requests.Session, ann: requests.Session) -> None:
    """An exchange by the analyst alone; what a limit stopped by two."""
    path = f"/a/dev/{EXCHANGE}"
    assert "Funds of many people may be one there" in page(bob, f"{path}?do=on")
    said = send(bob, path, f"{path}/on", wanted("", once="4", case="C-1"))
    assert said.status_code == 303, text(said.text)
    carried_out(folder)
    assert proposals(folder)[-1] == ("follow_on", "done", "none")
    _as_after_a_kill(folder)
    assert standing(folder, EXCHANGE) in (State.FOLLOWED, State.QUEUED)
    refused = send(bob, path, f"{path}/on", wanted("", once="5", case="C-1"))
    assert refused.status_code == 422
    list_ = folder / "watchlist.yaml"
    list_.write_text(list_.read_text("utf-8").replace("since: first", "hops: 1"), "utf-8")
    with open_home(folder, os.environ) as app:
        app.reload()
        app.tracing.round()
    path = f"/a/dev/{B}"
    assert "the limit of hops is reached" in page(bob, path)
    said = send(bob, path, f"{path}/on", wanted("", once="6", case="C-1"), allow_redirects=True)
    assert "waits for a second person" in text(said.text)
    name, digest = _waiting(folder)
    yes = {"answer": "yes", "digest": digest}
    answered = send(ann, f"/proposal/{name}", f"/proposal/{name}/answer", yes)
    assert answered.status_code == 303, text(answered.text)
    carried_out(folder)
    assert proposals(folder)[-1] == ("follow_on", "done", "second")
    assert standing(folder, B) is not State.STOPPED


def _as_after_a_kill(folder: Path) -> None:
    """What was done and not written down is not done a second time."""
    with open_home(folder, os.environ) as app:
        for each in desk.proposals(app.store, Sight(None, loose=True), "done"):
            with pytest.raises(ConfigError, match="Nothing to do"):
                app.acts.agreed()[each.kind](each, actor_of(each))


def _waiting(folder: Path) -> tuple[str, str]:
    store = Store(folder / "fundwatch.db", readonly=True)
    (found,) = desk.proposals(store, Sight(None, loose=True), "waiting")
    store.close()
    assert "This goes over a limit of the case." in found.text
    return found.id, found.digest


def standing(folder: Path, address: str) -> State:
    store = Store(folder / "fundwatch.db", readonly=True)
    subject = Subject("dev", address)
    (found,) = desk_trace.standings(store, Sight(frozenset({"C-1"})), subject)
    assert desk_trace.standings(store, Sight(frozenset({"C-2"}), loose=True), subject) == []
    store.close()
    return found.state


@pytest.mark.parametrize(
    ("origin", "why"),
    [
        (None, "Money is followed for a case, and this address is watched in none."),
        (Origin("ofac", "List O"), "What List O alone names is not followed."),
    ],
)
def test_where_it_cannot_be_followed_the_page_says_why(
    tmp_path: Path, origin: Origin | None, why: str
) -> None:
    world = made(tmp_path / "home")
    store = Store(world.home / DATABASE)
    entry = Entry(world.entry_a, Subject("ethereum", WATCHED), origin=origin)
    with store.write() as conn:
        update = "UPDATE entry SET case_id = '', terms = ? WHERE id = ?"
        conn.execute(update, (entry_terms(entry), entry.id))
    store.close()
    with client(world.home, Open()) as by:
        said = text(by.get(f"/alert/{world.alert_a}").text)
        assert why in said
        assert "do=follow" not in by.get(f"/alert/{world.alert_a}").text
        assert by.post(f"/a/ethereum/{WATCHED}/follow", data=wanted("all")).status_code == 422
