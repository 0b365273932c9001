"""A way that refuses: its news take other ways, its storm ends, and nothing is lost by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from world.home import ALICE, BANK, BOB, DESK, SHOP, Scene, bodies, staged, told
from world.older import record_before
from world.record import new_record
from world.sinks import answer

from monitor.decide.reach import refused_since
from monitor.model import ChannelConfig
from monitor.store import outbox, owing, ways
from monitor.store.sqlite import Store

GOOD, GONE = DESK
NO_SUCH = "550 5.1.1 no such user"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with staged(tmp_path) as made:
        yield made


def only(scene: Scene, *names: str, **more: dict[str, Any]) -> None:
    """Keep these channels of the scene alone, with more lines where given."""
    path = scene.home.path / "config/channels.yaml"
    found = yaml.safe_load(path.read_text("utf-8"))["channels"]
    kept = {name: found[name] | more.get(name, {}) for name in names}
    scene.home.write("config/channels.yaml", {"channels": kept})


def subjects(scene: Scene, recipient: str) -> list[str]:
    return [m.message["Subject"] for m in scene.mail.mails if m.recipients == (recipient,)]


def unsent(scene: Scene) -> list[str]:
    return [row[0] for row in scene.home.sql("SELECT alert FROM route WHERE message IS NULL")]


def test_one_refused_recipient_makes_one_notice(scene: Scene) -> None:
    """The only mail channel, one of two recipients refused for good: the other one gets every
    alert and one notice, which is never sent to the one it is about; and `poll` ends."""
    only(scene, "mail")
    scene.mail.rcpt[GONE] = NO_SUCH
    scene.pay((ALICE, SHOP))
    scene.home.run("poll", code=1)
    scene.pay((BANK, BOB))
    scene.home.run("poll", code=1)
    notices = [each for each in subjects(scene, GOOD) if "NOTICE" in each]
    assert (len(subjects(scene, GOOD)), len(notices)) == (3, 1)
    (notice,) = scene.alerts("notice", "given up")
    assert GONE in notice["title"]
    assert len(scene.mails_of(notice["id"])) == 1
    tried = Counter(d["recipient"] for d in scene.home.deliveries() if d["state"] == "dead")
    assert tried == {GONE: 2}  # the two movements, never the notice


def test_only_recipient_refused_is_told_when_he_can_be(scene: Scene) -> None:
    """Nobody can be told: nothing is sent into the void, health may know, and when the
    recipient is back everything arrives, each once."""
    only(scene, "mail", mail={"to": [GOOD]})
    scene.mail.rcpt[GOOD] = NO_SUCH
    scene.pay((ALICE, SHOP))
    scene.home.run("poll", code=1)
    scene.home.run("poll")
    assert Counter(d["state"] for d in scene.home.deliveries()) == {"dead": 1}
    (notice,) = scene.alerts("notice", "given up")
    assert unsent(scene) == [notice["id"]]
    scene.mail.rcpt.clear()
    scene.pay((BANK, BOB))
    scene.home.run("poll")
    assert Counter(d["state"] for d in scene.home.deliveries()) == {"accepted": 3}
    assert unsent(scene) == []
    seen = Counter(subjects(scene, GOOD))
    assert (len(seen), set(seen.values())) == (3, {1})


@pytest.mark.parametrize(
    "status", [401, *(pytest.param(other, marks=pytest.mark.slow) for other in (403, 404, 405))]
)
def test_a_no_for_good_is_tried_eight_times(scene: Scene, status: int) -> None:
    """A webhook whose receiver says no, poll after poll: eight tries of a message, one notice,
    and after a test of the mended channel what was given up arrives."""
    scene.hook.default = answer(status)
    scene.pay((ALICE, SHOP))
    for _ in range(4):
        scene.home.run("poll", code=None)
    (dead,) = scene.home.deliveries("--state", "dead")
    assert (dead["attempts"], len(scene.hook.seen)) == (8, 8)
    (notice,) = scene.alerts("notice", "hook")
    assert {d["channel"] for d in notice["deliveries"]} == {"mail"}
    scene.hook.default = answer(200)
    scene.home.run("channels", "test", "hook")
    scene.home.run("poll")
    (movement,) = scene.alerts("movement")
    assert told(scene.hook.seen[8:]) == {movement["id"]: 1}
    assert scene.home.deliveries("--state", "dead") == []


@pytest.mark.parametrize("kind", ["slack", "teams", "discord"])
def test_a_chat_that_refuses_for_good_is_asked_eight_times(scene: Scene, kind: str) -> None:
    """The plain form, tried where the layout is refused, counts."""
    path = scene.home.path / "config/channels.yaml"
    configs = yaml.safe_load(path.read_text("utf-8"))
    (scene.home.path / "chat.url").write_text(scene.hook.url(), "utf-8")
    chat = {"kind": kind, "url_file": str(scene.home.path / "chat.url"), "allow_private": True}
    configs["channels"]["hook"] = chat
    scene.home.write("config/channels.yaml", configs)
    scene.hook.default = answer(400, b"invalid_payload")
    scene.pay((ALICE, SHOP))
    for _ in range(4):
        scene.home.run("poll", code=None)
    (dead,) = scene.home.deliveries("--state", "dead")
    assert dead["channel"] == "hook"
    assert len(scene.hook.seen) == 8


def test_two_channels_that_fail_do_not_tell_of_each_other(scene: Scene) -> None:
    """Both refuse: their notices wait for a way that works, and none is sent on a dead one."""
    only(scene, "hook", "mail", mail={"to": [GOOD]})
    scene.hook.default = answer(410)
    scene.mail.rcpt[GOOD] = NO_SUCH
    scene.pay((ALICE, SHOP))
    scene.home.run("poll", code=1)
    scene.pay((BANK, BOB))
    scene.home.run("poll", code=1)
    assert len(scene.alerts("notice", "hannel")) == len(unsent(scene)) == 2
    assert len(scene.hook.seen) == 1
    scene.mail.rcpt.clear()
    scene.pay((ALICE, BANK))
    scene.home.run("poll", code=1)  # the webhook is still switched off
    assert unsent(scene) == []
    sent = [m for m in subjects(scene, GOOD) if "NOTICE" in m]
    assert len(sent) == 2


def test_a_recipient_taken_out_leaves_nothing_behind(scene: Scene) -> None:
    """What waited for somebody who left the channel goes to who is new in it, once."""
    only(scene, "mail")
    scene.mail.rcpt[GONE] = "451 4.7.1 later"
    scene.pay((ALICE, SHOP))
    scene.home.run("poll", code=1)
    only(scene, "mail", mail={"to": [GOOD, "new@example.org"]})
    scene.home.run("poll")
    assert len(subjects(scene, GOOD)) == len(subjects(scene, "new@example.org")) == 1
    states = {d["recipient"]: d["state"] for d in scene.home.deliveries()}
    assert states == {GOOD: "accepted", GONE: "moved", "new@example.org": "accepted"}


def test_a_test_reaches_everybody_whatever_one_answers(scene: Scene) -> None:
    """One refused recipient does not keep the test from the others, and is named."""
    scene.mail.rcpt[GOOD] = NO_SUCH
    said = scene.home.run("channels", "test", "mail", code=2)
    assert GOOD in said
    assert len(subjects(scene, GONE)) == 1


def test_what_had_no_channel_is_adopted(scene: Scene) -> None:
    """No channel for a while: what came meanwhile is told by the first one, and said so."""
    path = scene.home.path / "config/channels.yaml"
    before = path.read_text("utf-8")
    scene.home.write("config/channels.yaml", {"channels": {}})
    scene.pay((ALICE, SHOP), (BANK, BOB))
    scene.home.run("poll", code=None)
    path.write_text(before, "utf-8")
    scene.home.run("poll")
    moved = {alert["id"] for alert in scene.alerts("movement")}
    seen = told(scene.hook.seen)
    assert {alert: seen[alert] for alert in moved} == dict.fromkeys(moved, 1)
    assert all(len(scene.mails_of(alert)) == 2 for alert in moved)
    (notice,) = scene.alerts("notice", "could be told to nobody")
    assert "2 alerts" in notice["title"]
    assert bodies(scene.hook.seen)
    scene.home.run("poll")
    assert told(scene.hook.seen) == seen


def test_a_server_that_refuses_every_text(scene: Scene) -> None:
    """554 to everybody for a while, on the only channel: no storm, and when the server takes
    mail again every alert arrives once; the notice about one recipient goes to the other."""
    only(scene, "mail")
    scene.mail.data = "554 5.7.1 blocked by policy"
    scene.pay((ALICE, SHOP), (BANK, BOB))
    scene.home.run("poll", code=1)
    assert "2 alerts could be told to nobody yet" in scene.home.run("poll", code=None)
    assert Counter(d["state"] for d in scene.home.deliveries()) == {"dead": 4}
    scene.mail.data = ""
    scene.home.run("channels", "test", "mail")
    scene.home.run("poll")
    assert [len(scene.mails_of(a["id"])) for a in scene.alerts("movement")] == [2, 2]
    notices = scene.alerts("notice", "given up")
    assert [len(scene.mails_of(a["id"])) for a in notices] == [1, 1]
    assert {d["state"] for d in scene.home.deliveries()} == {"accepted"}


def test_a_flapping_server_makes_one_notice(scene: Scene) -> None:
    """Refusals and acceptances in turn are one incident, and each given-up message is sent
    again once, not for ever."""
    only(scene, "hook", "mail", mail={"to": [GOOD]})
    for refusal in (NO_SUCH, "", NO_SUCH, "", NO_SUCH):
        scene.mail.rcpt = {GOOD: refusal} if refusal else {}
        scene.pay((ALICE, SHOP))
        scene.home.run("poll", code=None)
    assert len(scene.alerts("notice", "given up")) == 1
    seen = Counter(m.message["X-Fundwatch-Message"] for m in scene.mail.mails)
    assert set(seen.values()) == {1}
    tries = [d["attempts"] for d in scene.home.deliveries() if d["channel"] == "mail"]
    assert max(tries) <= 2


# -- what the record knows of ways -------------------------------------------------------------


def mail_channel(name: str, *to: str, audience: str = "desk") -> ChannelConfig:
    return ChannelConfig(name, "email", frozenset({audience}), to=to)


def refused(
    store: Store, configs: Mapping[str, ChannelConfig], now: int, tested: Mapping[str, int] = {}
) -> dict[str, int]:
    return refused_since(configs, ways.reach(store, now), tested)


def test_an_audience_refuses_when_all_of_its_ways_do(tmp_path: Path) -> None:
    """Since the last of them began to refuse; one yes of one recipient ends it."""
    app, ops = mail_channel("desk", "a", "b"), mail_channel("ops", "c", audience="operations")
    hook = ChannelConfig("hook", "webhook", frozenset({"desk"}), machine=True)
    configs = {each.name: each for each in (app, ops, hook)}
    store = new_record(tmp_path / "r.db")
    ways.note(store, ("desk", "a"), 100, good=False)
    ways.note(store, ("desk", "b"), 200, good=False)
    ways.note(store, ("ops", "c"), 150, good=False)
    assert refused(store, configs, 900) == {"operations": 150}
    ways.disable(store, "hook", "gone", 300)
    assert refused(store, configs, 900) == {"operations": 150, "desk": 300}
    ways.note(store, ("desk", "a"), 400, good=True)
    ways.note(store, ("desk", "b"), 500, good=False)
    assert refused(store, configs, 900) == {"operations": 150}
    assert ways.refusing(store) == {("desk", "b"): 200, ("ops", "c"): 150}
    assert owing.owed_to_nobody(store) == []
    store.close()


def waits(store: Store, channel: str, recipient: str, due: int) -> None:
    with store.write() as conn:
        conn.execute(
            "INSERT OR IGNORE INTO message (id, channel, case_id, form, created, rendered) "
            "VALUES ('M', ?, '', 'alone', 1, '{}')",
            [channel],
        )
        conn.execute(
            "INSERT INTO delivery (message, recipient, channel, state, due) "
            "VALUES ('M', ?, ?, 'waiting', ?)",
            [recipient, channel, due],
        )


def test_a_channel_refuses_before_all_of_many_were_asked_in_vain(tmp_path: Path) -> None:
    """A server that hangs for half a minute at each of thirty recipients."""
    to = [f"p{n}" for n in range(30)]
    configs = {"mail": mail_channel("mail", *to)}
    store = new_record(tmp_path / "r.db")
    for each in to:
        ways.note(store, ("mail", each), 100, good=True)
        waits(store, "mail", each, 200)
    assert refused(store, configs, 210) == {}
    for n, each in enumerate(to[:3]):
        ways.note(store, ("mail", each), 230 + 30 * n, good=False)
    assert refused(store, configs, 320) == {"desk": 230, "operations": 230}
    ways.note(store, ("mail", to[9]), 330, good=True)
    assert refused(store, configs, 340) == {}, "the trouble of three of them"
    store.close()


def test_one_who_is_refused_for_days_does_not_date_back_the_trouble_of_all(tmp_path: Path) -> None:
    configs = {"mail": mail_channel("mail", "a", "b")}
    store = new_record(tmp_path / "r.db")
    ways.note(store, ("mail", "a"), 100, good=False)
    ways.note(store, ("mail", "b"), 5000, good=True)
    waits(store, "mail", "b", 6000)
    assert refused(store, configs, 6001) == {}, "it is b's turn in a moment"
    ways.note(store, ("mail", "b"), 6002, good=False)
    assert refused(store, configs, 6003) == {"desk": 6002, "operations": 6002}
    store.close()


def test_a_channel_that_fails_its_tests_refuses_though_nothing_is_to_be_sent(
    tmp_path: Path,
) -> None:
    configs = {"mail": mail_channel("mail", "a", "b")}
    store = new_record(tmp_path / "r.db")
    ways.note(store, ("mail", "a"), 100, good=True)
    assert refused(store, configs, 900, {"mail": 500}) == {
        "desk": 500,
        "operations": 500,
    }
    ways.note(store, ("mail", "b"), 600, good=True)
    assert refused(store, configs, 900, {"mail": 500}) == {}, "a message was taken since"
    store.close()


def test_after_an_outage_nothing_waits_for_its_next_try(tmp_path: Path) -> None:
    """Which may be half a day away; where a way says yes and no in turn, waits stay."""
    store = new_record(tmp_path / "r.db")
    waits(store, "hook", "hook", 40_000)
    ways.note(store, ("hook", "hook"), 1000, good=False)
    ways.note(store, ("hook", "hook"), 1001, good=True)
    assert outbox.channels_due(store, 1001, all_waiting=False) == []
    ways.note(store, ("hook", "hook"), 2000, good=False)
    ways.note(store, ("hook", "hook"), 2000 + ways.OUTAGE, good=True)
    assert outbox.channels_due(store, 2000 + ways.OUTAGE, all_waiting=False) == ["hook"]
    store.close()


def test_a_record_of_before_gets_its_ways(tmp_path: Path) -> None:
    """A record with the schema before this one is upgraded, deliveries and all."""
    path = tmp_path / "r.db"
    record_before("m003_real_life", path).close()
    store = Store(path)
    assert store.upgrade is not None
    ways.note(store, ("mail", "a"), 1, good=False)
    assert outbox.deliveries(store) == []
    store.close()
