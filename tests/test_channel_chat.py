"""Slack, Teams, Discord and Apprise against real receivers, and with the real command."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import world.sample_alerts as sample
from world.home import ALICE, BOB, SHOP, Scene, environment, staged
from world.sinks import HttpSink, MailSink, Mode, answer, cut, drip, hang, reset

from monitor.app.check import cost
from monitor.app.settings import load
from monitor.model import ChannelConfig, Outgoing, settings
from monitor.model.errors import ConfigError, DeliveryError
from monitor.net import channels
from monitor.net.channels.apprise import Apprise

CHATS = ("slack", "teams", "discord")
SECRET = "/CANARYPATH/T000?k=CANARYKEY"


def config(kind: str, sink: HttpSink | str, **more: Any) -> ChannelConfig:
    url = sink if isinstance(sink, str) else sink.url(SECRET)
    return ChannelConfig("desk-chat", kind, url=url, **({"allow_private": True} | more))


def frozen(kind: str, recipient: str = "desk-chat") -> Outgoing:
    rendered = sample.mail(sample.outgoing(), channel=ChannelConfig("desk-chat", kind))
    return Outgoing("M-AAAA-BBBB-CCCC", recipient, 1_800_000_000, rendered)


# What each platform answers when it has taken a message.
YES: dict[str, Mode] = {
    "slack": answer(200, b"ok"),
    "teams": answer(202),
    "discord": answer(200, b'{"type":0,"content":"x","id":"1234567890"}'),
}


def refused(made: Any, message: Outgoing) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        made.send(message)
    assert not caught.value.permanent
    return caught.value


@pytest.mark.parametrize("kind", CHATS)
def test_what_was_frozen_is_posted(kind: str) -> None:
    """The exact bytes, again at a repeat, with no header that the platform does not know."""
    message = frozen(kind)
    with HttpSink() as sink:
        made = channels.build(config(kind, sink))
        sink.default = YES[kind]
        words = made.send(message)
        made.send(message)
    assert words == {"slack": "200 ok", "teams": "202", "discord": "200 saved by Discord"}[kind]
    assert [request.body for request in sink.seen] == [message.rendered.json.encode()] * 2
    assert not [name for name in sink.seen[0].headers if name.startswith("webhook-")]
    assert sink.seen[0].headers["content-type"] == "application/json"


def test_discord_is_asked_to_wait_until_the_message_is_saved() -> None:
    """Without that, a message that was not saved is answered like one that was."""
    with HttpSink() as sink:
        sink.default = YES["discord"]
        for path in ("/api/webhooks/1/x", "/api/webhooks/1/x?thread_id=7&wait=false"):
            channels.build(config("discord", sink.url(path))).send(frozen("discord"))
    asked = [request.path.partition("?")[2] for request in sink.seen]
    assert asked == ["wait=true", "thread_id=7&wait=true"]


GONE = [
    ("slack", 404, b"no_service"),
    ("slack", 410, b"channel_is_archived"),
    ("slack", 403, b"action_prohibited"),
    ("slack", 403, b"invalid_token"),
    ("discord", 404, b'{"message": "Unknown Webhook", "code": 10015}'),
    ("discord", 401, b'{"message": "Invalid Webhook Token", "code": 50027}'),
    ("teams", 404, b'{"error":{"code":"WorkflowNotFound","message":"no such"}}'),
    ("teams", 401, b'{"error":{"code":"DirectApiAuthorizationRequired"}}'),
    ("teams", 410, b""),
]


@pytest.mark.parametrize(("kind", "status", "body"), GONE)
def test_a_webhook_that_is_gone_switches_off(kind: str, status: int, body: bytes) -> None:
    """The platform's own word is believed, and the person reads what to do."""
    with HttpSink() as sink:
        sink.then(answer(status, body))
        error = refused(channels.build(config(kind, sink)), frozen(kind))
    assert error.disable
    assert f"answered HTTP {status}" in str(error)
    assert "in the place of the old one" in " ".join(str(error).split())
    assert len(sink.seen) == 1


@pytest.mark.parametrize("kind", CHATS)
@pytest.mark.parametrize("status", [401, 403, 404, 405, 429, 500, 502, 503])
def test_other_refusals_are_repeated(kind: str, status: int) -> None:
    """A proxy on the way answers 403 and 404 too: a status alone switches nothing off."""
    with HttpSink() as sink:
        sink.then(answer(status, b"<html>blocked by the gateway</html>", retry_after="7"))
        error = refused(channels.build(config(kind, sink)), frozen(kind))
    assert (error.disable, error.retry_after, error.status) == (False, 7.0, str(status))


def test_discord_says_the_pause_in_its_body() -> None:
    """Seconds with a fraction, as its rate limit answers; within our bound."""
    with HttpSink() as sink:
        body = b'{"message": "You are being rate limited.", "retry_after": %s, "global": false}'
        sink.then(answer(429, body % b"64.57", retry_after="65"), answer(429, body % b"99999.0"))
        made = channels.build(config("discord", sink))
        pauses = [refused(made, frozen("discord")).retry_after for _ in range(2)]
    assert pauses == [64.57, 3600.0]


@pytest.mark.parametrize("kind", CHATS)
@pytest.mark.parametrize("status", [400, 413])
def test_a_refused_layout_goes_out_plainly(kind: str, status: int) -> None:
    """No alert is lost by how it looks: the same words follow at once, and it is said."""
    message = frozen(kind)
    with HttpSink() as sink:
        sink.then(answer(status, b"invalid_blocks"), YES[kind])
        words = channels.build(config(kind, sink)).send(message)
    first, second = (request.body.decode() for request in sink.seen)
    assert first == message.rendered.json
    assert "OUT 1,000,000 USDT" in second
    assert "blocks" not in json.loads(second)
    assert f"refused with HTTP {status}" in words


@pytest.mark.parametrize("kind", CHATS)
def test_a_layout_that_is_refused_twice_is_repeated_later(kind: str) -> None:
    """A 400 may be the platform's trouble: it is never final."""
    with HttpSink() as sink:
        sink.default = answer(400, b"invalid_payload")
        error = refused(channels.build(config(kind, sink)), frozen(kind))
    assert (error.status, error.disable, len(sink.seen)) == ("400", False, 2)


@pytest.mark.parametrize("kind", CHATS)
def test_a_chat_is_a_webhook_in_all_else(kind: str) -> None:
    """No redirect is followed, no private peer is knocked at, a check sends nothing."""
    with HttpSink() as sink, HttpSink() as other:
        sink.then(answer(307, location=other.url("/")))
        assert "never followed" in str(refused(channels.build(config(kind, sink)), frozen(kind)))
        closed = channels.build(config(kind, sink, allow_private=False))
        seen = len(sink.seen)
        assert "allow_private: true" in str(refused(closed, frozen(kind)))
        assert "nothing was sent" in channels.build(config(kind, sink)).check()
        assert (len(sink.seen), other.connections) == (seen, 0)


@pytest.mark.parametrize("kind", CHATS)
@pytest.mark.parametrize("mode", [reset, answer(400, b"/CANARYPATH/T000?k=CANARYKEY"), answer(404)])
def test_no_word_of_the_url_comes_out(
    kind: str, mode: Mode, caplog: pytest.LogCaptureFixture
) -> None:
    """Its path is the key to the channel: not in errors, tracebacks, logs or reprs."""
    caplog.set_level(logging.DEBUG)
    with HttpSink() as sink:
        sink.default = mode
        given = config(kind, sink)
        error = refused(channels.build(given), frozen(kind))
    shown = "".join(traceback.format_exception(error)) + caplog.text + repr(given)
    assert "CANARY" not in shown


# --- apprise -----------------------------------------------------------------------------------


def phones(*urls: str) -> ChannelConfig:
    names = tuple(f"no. {n} ({url.partition(':')[0]})" for n, url in enumerate(urls, 1))
    return ChannelConfig("phones", "apprise", urls=urls, to=names)


def json_url(sink: HttpSink, path: str = SECRET) -> str:
    return sink.url(path).replace("http://", "json://user:CANARYPASS@")


def test_apprise_hands_over_subject_and_text() -> None:
    """One service gets title, the whole text and how bad it is; nothing else is sent."""
    message = frozen("apprise", "no. 1 (json)")
    with HttpSink() as sink:
        assert Apprise(phones(json_url(sink))).send(message) == "accepted (said Apprise)"
        (request,) = sink.seen
    body = json.loads(request.body)
    assert (body["title"], body["type"]) == (message.rendered.subject, "failure")
    assert body["message"] == message.rendered.text
    assert not body.get("attachments")


def test_apprise_mails_through_a_real_server() -> None:
    """The same through mailto://, as plain text."""
    with MailSink() as sink:
        url = f"mailto://127.0.0.1:{sink.port}/?from=a@example.org&to=b@example.org&mode=insecure"
        Apprise(phones(url)).send(frozen("apprise", "no. 1 (mailto)"))
        (mail,) = sink.mails
    assert mail.message["Subject"].startswith("[Fundwatch HIGH] OUT 1,000,000 USDT")
    assert mail.message.get_content_type() == "text/plain"
    assert sample.RECEIVER in mail.message.get_content()


@pytest.mark.parametrize(("most", "rank"), [(32_768, 0), (1024, 1), (150, 2)])
def test_apprise_sends_what_the_service_takes_in_one_piece(most: int, rank: int) -> None:
    """A long text for Telegram, a short one for a pager, the command alone for an SMS."""
    message = frozen("apprise", "no. 1 (json)")
    with HttpSink() as sink:
        made = Apprise(phones(json_url(sink)))
        made._services[0].body_maxlen = most  # as another service's plugin has it
        made._services[0].title_maxlen = 0
        made.send(message)
        (request,) = sink.seen
    wanted = json.loads(message.rendered.json)["bodies"][rank]
    assert wanted in json.loads(request.body)["message"].replace("\r\n", "\n")


def test_apprise_says_why_without_the_url(caplog: pytest.LogCaptureFixture) -> None:
    """Its own words are kept, every piece of the URL is taken out, nothing is logged."""
    caplog.set_level(logging.DEBUG)
    with HttpSink() as sink:
        sink.default = answer(403, b"CANARYKEY is wrong")
        given = phones(json_url(sink), "json://CANARYUSER:CANARYPASS@127.0.0.1:1/CANARYPATH")
        made = Apprise(given)
        errors = [refused(made, frozen("apprise", to)) for to in given.to]
    assert "error=403" in str(errors[0])
    assert str(errors[1]).startswith("phones no. 2 (json): not accepted")
    shown = "".join("".join(traceback.format_exception(e)) for e in errors)
    assert "CANARY" not in shown + caplog.text + repr(given) + made.check()


def test_apprise_follows_no_redirect() -> None:
    """The text goes to nobody else."""
    with HttpSink() as sink, HttpSink() as other:
        sink.default = answer(307, location=other.url("/"))
        refused(Apprise(phones(json_url(sink))), frozen("apprise", "no. 1 (json)"))
        assert other.connections == 0


@pytest.mark.parametrize("mode", [hang, drip(b"HTTP/1.1 200 O")])
def test_apprise_is_left_behind_when_it_hangs(mode: Mode) -> None:
    """A URL that does not answer holds its channel for a bounded time, and is not asked again
    before it has ended; the others get their messages."""
    with HttpSink() as sink, HttpSink() as good:
        sink.default = mode
        made = Apprise(phones(json_url(sink), json_url(good)), timeout=0.5)
        began = time.monotonic()
        assert refused(made, frozen("apprise", "no. 1 (json)")).status == "timeout"
        again = refused(made, frozen("apprise", "no. 1 (json)"))
        assert time.monotonic() - began < 4
        assert "still works at an earlier message" in str(again)
        assert made.send(frozen("apprise", "no. 2 (json)"))
        assert len(sink.seen) == 1


def test_a_url_that_was_taken_away_is_said() -> None:
    """What waits for a recipient that is no more is given up at once, and that is told."""
    with HttpSink() as sink, pytest.raises(DeliveryError, match=r"no URL no\. 7") as caught:
        Apprise(phones(json_url(sink))).send(frozen("apprise", "no. 7 (tgram)"))
    assert caught.value.permanent


def test_urls_that_apprise_does_not_know_are_refused() -> None:
    """All of them at once, by number, and never by their text."""
    given = phones("json://good.example", "nosuch://CANARY", "CANARY")
    with pytest.raises(ConfigError) as caught:
        Apprise(given)
    said = str(caught.value)
    assert "no. 2 (nosuch)" in said
    assert len(caught.value.problems) == 2
    assert "CANARY" not in said.replace("no. 3 (CANARY)", "")


WITHOUT = """
import sys
sys.modules["apprise"] = None  # as if it were not installed
from monitor.app import build
from monitor.net import channels
from monitor.model.errors import ConfigError
from monitor.model import ChannelConfig
channels.build(ChannelConfig("s", "slack", url="https://h.example/x"))
try:
    channels.build(ChannelConfig("p", "apprise", urls=("json://h.example",), to=("no. 1",)))
except ConfigError as error:
    print(error)
"""


def test_apprise_is_an_extra() -> None:
    """Without the package everything else works, and the channel says what to install."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    assert "channels.p" in done.stdout
    assert "docs/install.md, section Extras" in done.stdout


# --- settings and the command --------------------------------------------------------------------


def loaded(path: Path, row: Mapping[str, object], **environ: str) -> settings.Settings:
    (path / "config").mkdir(exist_ok=True)
    text = json.dumps({"channels": {"chat": row}})
    (path / "config/channels.yaml").write_text(text, "utf-8")
    return load.load(path, environ)


@pytest.mark.parametrize("kind", CHATS)
def test_chats_are_set_up_by_the_name_of_a_secret(kind: str, tmp_path: Path) -> None:
    """They are for people, and hold no remark about signatures."""
    row = {"kind": kind, "url_env": "URL", "quiet_hours": "22:00-07:00", "detail": "reference"}
    found = loaded(tmp_path, row, URL="https://hooks.example/CANARY")
    made = found.channels["chat"]
    assert (made.kind, made.machine, made.detail) == (kind, False, "reference")
    assert found.notes[-1:] != ("chat: messages are not signed (no secret_env)",)
    assert "CANARY" not in repr(found)
    assert cost.channel_host(made) == "hooks.example:443"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"kind": "slack", "url": "https://h.example/CANARY"}, "must not stand in this file"),
        ({"kind": "slack"}, "has no url_env"),
        ({"kind": "slack", "url_env": "NONE"}, "value of url is not set. Please set NONE"),
        ({"kind": "teams", "url_env": "PLAIN"}, "is not https://"),
        ({"kind": "discord", "url_env": "URL", "secret_env": "URL"}, "secret_env"),
        ({"kind": "apprise", "urls": "json://CANARY"}, "must not stand in this file"),
        ({"kind": "apprise"}, "has no urls_env"),
        ({"kind": "apprise", "urls_env": "URL", "ca_file": "x"}, "ca_file"),
    ],
)
def test_mistakes_are_told_with_a_remedy(
    row: dict[str, object], words: str, tmp_path: Path
) -> None:
    """A literal address is refused, and its value is never shown."""
    secrets = {"URL": "https://h.example/CANARY", "PLAIN": "http://h.example/CANARY"}
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, row, **secrets)
    assert words in str(caught.value)
    assert "CANARY" not in str(caught.value)


def test_apprise_urls_become_recipients(tmp_path: Path) -> None:
    """One a URL, by number and service; the URL itself is in no name."""
    urls = "tgram://CANARY/1\n pagerduty://CANARY@x  tgram://CANARY/1 CANARYwithoutscheme"
    made = loaded(tmp_path, {"kind": "apprise", "urls_env": "URLS"}, URLS=urls).channels["chat"]
    assert made.to == ("no. 1 (tgram)", "no. 2 (pagerduty)", "no. 3")
    assert len(made.urls) == 3
    assert "CANARY" not in repr(made) + cost.channel_host(made)


def test_every_kind_has_its_waits() -> None:
    """Each kind of channel is tried for days."""
    assert all(sum(kind.waits) > 2 * 86_400 for kind in channels.CHANNELS.values())


@contextmanager
def chatting(path: Path) -> Iterator[tuple[Scene, dict[str, HttpSink]]]:
    """A scene whose desk has every chat, and Apprise with two services."""
    with staged(path) as scene:
        sinks = {name: HttpSink() for name in (*CHATS, "one", "two")}
        rows: dict[str, object] = {
            kind: {"kind": kind, "url_env": kind.upper(), "allow_private": True} for kind in CHATS
        }
        rows["phones"] = {"kind": "apprise", "urls_env": "PHONES"}
        scene.home.write("config/channels.yaml", {"channels": rows})
        env = [f"{kind.upper()}={sinks[kind].url(SECRET)}" for kind in CHATS]
        env += [f"PHONES='{json_url(sinks['one'])} {json_url(sinks['two'])}'"]
        scene.home.write(".env", (path / ".env").read_text("utf-8") + "\n".join(env) + "\n")
        for name, sink in sinks.items():
            sink.default = YES.get(name, sink.default)
            sink.__enter__()
        try:
            yield scene, sinks
        finally:
            for sink in sinks.values():
                sink.__exit__()
        written = b"".join(p.read_bytes() for p in path.rglob("*") if p.is_file() and p.suffix)
        assert b"CANARY" not in written + "".join(scene.home.said).encode()


def test_channels_test_and_check_work_for_all(tmp_path: Path) -> None:
    """`channels test` reaches every receiver and says so; `check` tries without sending."""
    with chatting(tmp_path) as (scene, sinks):
        found = scene.home.run("check", code=None)
        assert not any(sink.seen for sink in sinks.values())
        assert "Apprise understands the URLs" in found
        for name in (*CHATS, "phones"):
            assert "accepted" in scene.home.run("channels", "test", name)
        for sink in sinks.values():
            (request,) = sink.seen
            assert b"This is a test. Nothing moved." in request.body


def test_only_what_failed_is_repeated(tmp_path: Path) -> None:
    """A movement reaches every chat once; a service that failed gets it later, the other
    not again."""
    with chatting(tmp_path) as (scene, sinks):
        sinks["two"].default = cut
        scene.pay((ALICE, SHOP))
        scene.home.run("poll", code=1)
        states = {(d["channel"], d["recipient"]): d["state"] for d in scene.home.deliveries()}
        assert states.pop(("phones", "no. 2 (json)")) == "waiting"
        assert set(states.values()) == {"accepted"}
        sinks["two"].default = answer(200)
        scene.home.run("poll")
        assert {d["state"] for d in scene.home.deliveries()} == {"accepted"}
        counts = {name: len(sink.seen) for name, sink in sinks.items()}
        assert counts.pop("two") > 1
        assert set(counts.values()) == {1}
        assert len({request.body for request in sinks["two"].seen}) == 1


def test_a_chat_that_is_gone_is_told_elsewhere(tmp_path: Path) -> None:
    """The channel is switched off with the reason, and another one hears of it."""
    with chatting(tmp_path) as (scene, sinks):
        sinks["slack"].default = answer(404, b"no_service")
        scene.pay((ALICE, BOB))
        scene.home.run("poll", code=1)
        (told,) = scene.alerts("notice", "slack")
        assert "no_service" in told["title"]
        assert b"was switched off" in sinks["discord"].seen[-1].body
        sinks["slack"].default = answer(200, b"ok")
        scene.home.run("channels", "test", "slack")
        scene.home.run("poll")
        assert {d["state"] for d in scene.home.deliveries()} == {"accepted"}


def test_replay_sends_the_same_bytes() -> None:
    """What was accepted can be sent again as it was."""
    with HttpSink() as sink:
        sink.default = YES["slack"]
        message = frozen("slack")
        made = channels.build(config("slack", sink))
        made.send(message)
        made.send(replace(message, created=message.created + 1))
    assert sink.seen[0].body == sink.seen[1].body
