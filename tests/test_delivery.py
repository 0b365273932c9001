"""Who is told of what, with the real command and real receivers: once, and never not at all."""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from world.home import (
    ALICE,
    BANK,
    BOB,
    DESK,
    SHOP,
    Scene,
    bodies,
    configured,
    dev_chain,
    entry,
    ids,
    payment,
    staged,
    told,
    watchlist,
)
from world.sinks import answer, cut, hang, reset

from monitor.store.rows import ALERT_COLUMNS

THREE = ((ALICE, SHOP), (BANK, BOB), (ALICE, BOB))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with staged(tmp_path) as made:
        yield made


def kinds(scene: Scene) -> Counter[str]:
    """Alerts by kind. Left out: between two watched parties the fee may come with the
    payer's own list, after the movement was told; that is one quiet amendment."""
    return Counter(
        alert["kind"]
        for alert in scene.home.alerts()
        if not (alert["kind"] == "amendment" and [t["kind"] for t in alert["transfers"]] == ["fee"])
    )


def states(scene: Scene) -> Counter[tuple[str, str]]:
    """How many deliveries of each channel are in each state."""
    return Counter((d["channel"], d["state"]) for d in scene.home.deliveries())


def mails(scene: Scene) -> Counter[tuple[str, str]]:
    """(recipient, Message-ID) of every mail that the server took."""
    return Counter((m.recipients[0], m.message["Message-ID"]) for m in scene.mail.mails)


def past_eight() -> str:
    """A time zone in which the daily message is due now."""
    zones = ("UTC", "Asia/Tokyo", "America/Los_Angeles")
    return next(zone for zone in zones if datetime.now(ZoneInfo(zone)).hour >= 8)


def test_first_contact_is_history_and_payments_are_news(tmp_path: Path) -> None:
    """First contact makes one summary an entry, each payment one alert an entry, a third
    poll nothing; everybody gets everything once."""
    with staged(tmp_path, contacted=False) as scene:
        scene.home.run("poll")
        assert kinds(scene) == {"history": 2, "notice": 1}
        seen = len(scene.hook.seen)
        scene.pay(*THREE)
        scene.home.run("poll")
        assert scene.moved() == Counter(scene.due())
        assert kinds(scene) == {"history": 2, "notice": 1, "movement": 4}
        assert len(scene.hook.seen) == seen + 1  # all of one case in one message
        counts = len(scene.hook.seen), len(scene.mail.mails)
        scene.home.run("poll")
        assert (len(scene.hook.seen), len(scene.mail.mails)) == counts
        alerts = {alert["id"] for alert in scene.home.alerts()}
        assert told(scene.hook.seen) == Counter(alerts)
        assert mails(scene) == Counter(
            (recipient, f"<{d['message']}@fundwatch.example.org>")
            for d in scene.home.deliveries()
            for recipient in DESK
            if d["channel"] == "mail" and d["recipient"] == recipient
        )
        assert all(m.encrypted and m.logged_in for m in scene.mail.mails)
        assert {d["state"] for d in scene.home.deliveries()} == {"accepted"}


def test_webhook_says_the_same_as_the_record(scene: Scene) -> None:
    """A webhook's alerts are the objects of `alerts list`, but for what sending changed."""
    scene.pay(*THREE)
    scene.home.run("poll")
    (body,) = bodies(scene.hook.seen)
    listed = {alert["id"]: alert for alert in scene.home.alerts() if alert["deliveries"]}
    for alert in body["data"]["alerts"]:
        mine = listed.pop(alert["id"])
        assert alert | {"deliveries": []} == mine | {"deliveries": []}
    assert listed == {}


def test_quiet_alerts_go_to_machines_only(scene: Scene) -> None:
    """What nobody has to act on makes no mail of its own, but the webhook has it."""
    scene.home.write("watchlist.yaml", watchlist(entry(ALICE, min_amount={"ETH": "5"}), entry(BOB)))
    scene.pay((BANK, ALICE))
    scene.home.run("poll")
    (alert,) = scene.alerts("movement")
    assert alert["lane"] == "quiet"
    assert told(scene.hook.seen)[alert["id"]] == 1
    subjects = [m.message["Subject"] for m in scene.mail.mails]
    assert not [s for s in subjects if alert["id"] in s]
    assert len(subjects) == 2  # the answer to the changed watchlist, for each recipient

    scene.home.write("config/settings.yaml", {"timezone": past_eight(), "prices": "none"})
    scene.home.sql("UPDATE note SET value = '2026-01-01' WHERE key = 'daily'")
    scene.home.run("poll")
    scene.home.run("poll")
    daily = [m.message for m in scene.mail.mails][2:]
    assert len(daily) == 2  # once, for each recipient
    assert scene.home.sql("SELECT count(*) FROM route WHERE message IS NULL") == [(0,)]
    text = daily[0].get_body(("plain",))
    assert text is not None
    assert "1 quiet" in text.get_content()


def test_refused_webhook_is_repeated_with_its_id(scene: Scene) -> None:
    """4xx, 5xx, cut, redirect and reset: the same bytes under the same id until a 2xx."""
    (tx,) = scene.pay((ALICE, SHOP))
    elsewhere = scene.hook.url("/elsewhere")
    scene.hook.then(answer(400), answer(503), cut, answer(302, location=elsewhere), reset)
    scene.home.run("poll", code=1)
    assert scene.moved() == {(ALICE, tx): 1}
    assert len(mails(scene)) == 2  # the other channel does not wait
    scene.home.run("poll")
    assert len(scene.hook.seen) == 6
    assert len(set(ids(scene.hook.seen))) == 1
    assert len({r.body for r in scene.hook.seen}) == 1
    assert {r.path for r in scene.hook.seen} == {"/hook"}
    assert states(scene) == {("hook", "accepted"): 1, ("mail", "accepted"): 2}


def test_gone_receiver_is_switched_off_and_told_elsewhere(scene: Scene) -> None:
    """After a 410 nothing more goes there, the other channel says so, and after a test of
    the mended channel everything that was kept arrives."""
    scene.hook.default = answer(410)
    scene.pay((ALICE, SHOP))
    assert "1 message not accepted" in scene.home.run("poll", code=1)
    assert len(scene.hook.seen) == 1
    (notice,) = scene.alerts("notice", "hook")
    assert {d["channel"] for d in notice["deliveries"]} == {"mail"}
    assert {m["To"] for m in scene.mails_of(notice["id"])} == {*DESK}
    scene.pay((BANK, BOB))
    scene.home.run("poll", code=1)
    assert len(scene.hook.seen) == 1
    scene.hook.default = answer(200)
    scene.home.run("channels", "test", "hook")
    scene.home.run("poll")
    got = [r for r in scene.hook.seen[1:] if bodies([r])[0]["data"]["alerts"]]
    moved = {a["id"] for a in scene.home.alerts() if a["kind"] == "movement"}
    assert moved <= set(told(got))
    assert set(told(got).values()) == {1}
    assert ids(scene.hook.seen)[0] in ids(got)


def test_retry_after_is_obeyed_by_a_poll(scene: Scene) -> None:
    """A poll sends everything but what the receiver named a time for; then that, too."""
    scene.pay((ALICE, SHOP))
    scene.hook.then(answer(429, retry_after="3000"))
    scene.home.run("poll", code=1)
    assert len(scene.hook.seen) == 1
    scene.pay((BANK, BOB))
    scene.home.run("poll", code=1)
    held, other = ids(scene.hook.seen)
    assert held != other
    scene.later(2900)
    scene.home.run("poll", code=1)
    assert len(scene.hook.seen) == 2
    scene.later(200)
    scene.home.run("poll")
    assert ids(scene.hook.seen) == [held, other, held]


def test_recipients_have_outcomes_of_their_own(scene: Scene) -> None:
    """A full mailbox waits, an unknown one is given up and told elsewhere, the third got its
    mail; later each missing one gets it, under the same Message-ID."""
    desk, deputy = DESK
    scene.mail.rcpt[desk] = "451 4.7.1 come back later"
    scene.mail.rcpt[deputy] = "550 5.1.1 no such mailbox"
    scene.mail_to(desk, deputy, "third@example.org")
    scene.pay((ALICE, SHOP))
    scene.home.run("poll", code=1)
    assert [m.recipients for m in scene.mail.mails] == [("third@example.org",)]
    found = {d["recipient"]: d["state"] for d in scene.home.deliveries() if d["channel"] == "mail"}
    assert found == {desk: "waiting", deputy: "dead", "third@example.org": "accepted"}
    (notice,) = scene.alerts("notice", "given up")
    assert told(scene.hook.seen)[notice["id"]] == 1
    scene.mail.rcpt.clear()
    scene.home.run("deliveries", "replay", "--dead")
    (movement,) = scene.alerts("movement")
    sent = scene.mails_of(movement["id"])
    assert Counter(m["To"] for m in sent) == {desk: 1, deputy: 1, "third@example.org": 1}
    assert len({m["Message-ID"] for m in sent}) == 1


@pytest.mark.slow
def test_mail_cut_after_acceptance_keeps_its_id(scene: Scene) -> None:
    """The server took the mail and hung up: it comes again, with the same Message-ID."""
    scene.mail.drop = True
    scene.pay((ALICE, SHOP))
    scene.home.run("poll", code=1)
    scene.mail.drop = False
    scene.home.run("poll")
    assert {recipient for recipient, _ in mails(scene)} == set(DESK)
    assert len({message_id for _, message_id in mails(scene)}) == 1
    assert min(mails(scene).values()) > 1
    for recipient in DESK:
        assert len({m.data for m in scene.mail.mails if m.recipients == (recipient,)}) == 1


@pytest.mark.slow
def test_replay_repeats_an_accepted_message(scene: Scene) -> None:
    """A message can be asked for again: the same id, the same bytes."""
    scene.pay((ALICE, SHOP))
    scene.home.run("poll")
    (message,) = ids(scene.hook.seen)
    scene.home.run("deliveries", "replay", message)
    first, second = scene.hook.seen
    assert (first.body, message) == (second.body, second.headers["webhook-id"])
    assert scene.home.run("deliveries", "replay", "M-NONE", code=2).startswith("message: 'M-NONE'")


@pytest.mark.slow
def test_dead_letter_is_told_elsewhere_and_replayed(scene: Scene) -> None:
    """However often somebody polls, a message is given up after days of refusals only; then
    the other channel says so, and it is kept for a replay."""
    scene.pay((ALICE, SHOP))
    scene.hook.default = answer(503)
    scene.home.run("poll", code=1)
    scene.home.sql("UPDATE delivery SET attempts = 60 WHERE state = 'waiting'")
    scene.home.run("poll", code=1)
    assert states(scene)["hook", "waiting"] == 1
    scene.home.sql("UPDATE message SET created = created - ?", 5 * 86_400)
    scene.home.run("poll", code=1)
    (dead,) = scene.home.deliveries("--state", "dead")
    (notice,) = (
        a for a in scene.home.alerts() if a["kind"] == "notice" and "given up" in a["title"]
    )
    assert {d["channel"] for d in notice["deliveries"]} == {"mail"}
    scene.hook.default = answer(200)
    count = len(scene.hook.seen)
    scene.home.run("poll")  # what is dead is not sent by itself
    assert len(scene.hook.seen) == count
    scene.home.run("deliveries", "replay", "--dead")
    assert ids(scene.hook.seen)[-1] == dead["message"]
    assert scene.home.deliveries("--state", "dead") == []


@pytest.mark.slow
def test_hanging_receiver_does_not_hold_a_poll(scene: Scene) -> None:
    """A receiver that never answers costs its time limit, the poll ends and says 1; mail
    goes meanwhile."""
    scene.pay((ALICE, SHOP))
    scene.hook.default = hang
    scene.home.run("poll", code=1, timeout=90)
    assert len(set(ids(scene.hook.seen))) == 1
    assert len(mails(scene)) == 2


# -- exit codes ----------------------------------------------------------------------------


def test_second_instance_is_refused(scene: Scene) -> None:
    """While one runs, another one changes nothing and says 75; reading is allowed."""
    scene.pay((ALICE, SHOP))
    with (scene.home.path / "fundwatch.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "Nothing was done" in scene.home.run("poll", code=75)
        scene.home.run("run", code=75)
        assert scene.moved() == {}
    assert scene.hook.seen == []


def test_bad_line_is_refused_and_the_rest_goes_on(scene: Scene) -> None:
    """Exit 2 with file, line, value and remedy; the right entries are polled meanwhile."""
    bad = f"""\
cases:
  CASE-1:
    reason: a reason
    addresses:
      - {{address: "{ALICE}", chain: dev, label: label a, severity: high}}
      - {{address: "{BOB}", chain: dev, label: label b, severty: low}}
"""
    scene.home.write("watchlist.yaml", bad)
    (tx,) = scene.pay((ALICE, BOB))
    said = scene.home.run("poll", code=2)
    assert "watchlist.yaml:6" in said
    assert "severty" in said
    assert scene.moved() == {(ALICE, tx): 1, (BOB, tx): 1}  # BOB's line was taken before
    assert len(bodies(scene.hook.seen)) == 2  # the movements; the answer to the file


def test_unreadable_watchlist_freezes_the_list_only(scene: Scene) -> None:
    """A file that is no YAML: exit 2, told, and everything taken before is still polled."""
    scene.home.write("watchlist.yaml", "cases: [\n")
    (tx,) = scene.pay((ALICE, SHOP))
    assert "watchlist.yaml:" in scene.home.run("poll", code=2)
    assert scene.moved() == {(ALICE, tx): 1}
    assert any("could not be read" in a.get("title", "") for a in scene.home.alerts())


def test_bad_settings_stop_everything(scene: Scene) -> None:
    """Wrong settings: exit 2 with the place, and nothing was sent or changed."""
    scene.home.write("config/settings.yaml", {"every": 1})
    assert "config/settings.yaml" in scene.home.run("poll", code=2)
    assert scene.hook.seen == []


@pytest.mark.slow
def test_source_down_is_exit_1_and_the_others_advance(scene: Scene) -> None:
    """A chain whose only source is down, one without any source, and one that is well."""
    chains = {key: dev_chain("mine") for key in ("dev", "void")}
    chains["dead"] = dev_chain("down")
    chains["void"]["sources"] = []
    scene.home.write("config/chains.yaml", {"chains": chains})
    down = {"kind": "etherscan", "url": "http://127.0.0.1:9/v2/api", "rate_per_second": 1000}
    scene.home.write(
        "config/sources.yaml", {"sources": {"mine": configured(scene.explorer), "down": down}}
    )
    scene.home.write("watchlist.yaml", watchlist(
        entry(ALICE, severity="high"), entry(BOB), entry(SHOP, "dead"), entry(SHOP, "void"),
    ))  # fmt: skip
    (tx,) = scene.pay((ALICE, SHOP))
    said = scene.home.run("poll", code=1)
    assert "could not be read" in said
    assert scene.moved() == {(ALICE, tx): 1}
    titles = " ".join(a.get("title", "") for a in scene.home.alerts())
    assert "no source is in service" in titles


@pytest.mark.slow
def test_source_that_recovers_within_the_poll_costs_nothing(scene: Scene) -> None:
    """Errors that pass are tried again before the poll reports: exit 0, nothing missed."""
    scene.explorer.knobs("dev", "etherscan").fail_next = 7
    (tx,) = scene.pay((ALICE, SHOP))
    scene.home.run("poll")
    assert scene.moved() == {(ALICE, tx): 1}


def test_chain_without_source_is_exit_1(scene: Scene) -> None:
    """Nothing can be read there: said by the exit code at once, and told."""
    chains = {"dev": dev_chain("mine"), "void": dev_chain()}
    scene.home.write("config/chains.yaml", {"chains": chains})
    scene.home.write("watchlist.yaml", watchlist(
        entry(ALICE, severity="high"), entry(BOB), entry(SHOP, "void"),
    ))  # fmt: skip
    (tx,) = scene.pay((ALICE, SHOP))
    scene.home.run("poll", code=1)
    assert scene.moved() == {(ALICE, tx): 1}
    (notice,) = scene.alerts("notice", "no source is in service")
    assert told(scene.hook.seen)[notice["id"]] == 1


@pytest.mark.slow
def test_many_waiting_messages_do_not_hold_another_channel(scene: Scene) -> None:
    """A webhook receiver is down and a thousand messages wait for it: mail goes on."""
    scene.pay((ALICE, SHOP))
    scene.hook.default = answer(503)
    scene.home.run("poll", code=1)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 1000) "
    scene.home.sql(numbers + "INSERT INTO message SELECT 'M-' || i, channel, case_id, form, "
                   "created - 60, rendered FROM message, n WHERE channel = 'hook'")  # fmt: skip
    scene.home.sql(numbers + "INSERT INTO delivery (message, recipient, channel, state, due) "
                   "SELECT 'M-' || i, 'hook', 'hook', 'waiting', 0 FROM n")  # fmt: skip
    (tx,) = scene.pay((BANK, BOB))
    scene.home.run("poll", code=1)
    (alert,) = (a for a in scene.alerts("movement") if a["tx"] == tx)
    assert len(scene.mails_of(alert["id"])) == 2
    scene.hook.default = answer(200)
    scene.home.run("poll")  # more than one round of sending holds
    assert states(scene)["hook", "waiting"] == 0


def test_daily_mail_of_a_storm_says_what_it_leaves_out(scene: Scene) -> None:
    """More alerts than one mail can show are counted, not cut in silence."""
    scene.pay((ALICE, SHOP))
    scene.home.run("poll")
    (one,) = scene.alerts("movement")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 1200) "
    copy = (
        f"INSERT INTO alert ({ALERT_COLUMNS}, state) SELECT 'A-' || i, kind, lane, severity, "
        "created, chain, tx || i, entry, direction, amends, lane_reason, title, facts, audience, "
        "'closed' FROM alert, n WHERE id = ?"
    )
    scene.home.sql(numbers + copy, one["id"])
    scene.home.sql(
        "INSERT INTO route SELECT a.id, 'mail', 'alone', r.message FROM alert a, route r "
        "WHERE a.state = 'closed' AND r.alert = ? AND r.channel = 'mail'", one["id"],
    )  # fmt: skip
    scene.home.write("config/settings.yaml", {"timezone": past_eight(), "prices": "none"})
    scene.home.sql("UPDATE note SET value = '2026-01-01' WHERE key = 'daily'")
    scene.home.sql("UPDATE note SET value = '0' WHERE key = 'daily_at'")
    scene.home.run("poll")
    text = scene.mail.mails[-1].message.get_body(("plain",))
    assert text is not None
    words = " ".join(text.get_content().split())
    total = int(scene.home.sql("SELECT count(*) FROM route WHERE channel = 'mail'")[0][0])
    assert "These are not all: see NOT SHOWN." in words
    assert f"{total - 1000} more alerts: `fundwatch alerts list`." in words


def test_test_payments_are_named_by_their_alerts(scene: Scene) -> None:
    """The mail of a large payment names the alerts of the small ones before it."""
    scene.ledger.mine([payment(901, ALICE, SHOP, 10**12)])
    scene.home.run("poll")
    (small,) = scene.alerts("movement")
    scene.ledger.mine([payment(902, ALICE, SHOP, 10**17)])
    scene.home.run("poll")
    (large,) = [a for a in scene.alerts("movement") if a["id"] != small["id"]]
    text = scene.mails_of(large["id"])[0].get_body(("plain",))
    assert text is not None
    words = " ".join(text.get_content().split())
    # One of the two is history, which no alert told: it keeps its hash.
    assert "2 small test payments came to the same party in the 24 hours before" in words
    assert f"{small['id']}, 0x" in words or f", {small['id']})" in words
