"""Webhooks against real receivers that accept, refuse, stall and break off."""

from __future__ import annotations

import base64
import logging
import time
import traceback
from dataclasses import replace
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError
from world.sinks import (
    DRIP_BODY,
    DRIP_HEADERS,
    DRIP_STATUS,
    HttpSink,
    Mode,
    answer,
    certificates,
    cut,
    hang,
    raw,
    reset,
)

from monitor.model import ChannelConfig, Outgoing, Rendered
from monitor.model.errors import ConfigError, DeliveryError
from monitor.net.channels.webhook import Webhook

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
BODY = '{"type":"alerts","data":{"label":"Müller"}}'
MESSAGE = Outgoing("M-AAAA-BBBB-CCCC", "hook", 1_800_000_000, Rendered("s", "t", json=BODY))


def hook(url: str, **more: object) -> ChannelConfig:
    given = {"secrets": (SECRET,), "allow_private": True, **more}
    return ChannelConfig("hook", "webhook", url=url, **given)  # type: ignore[arg-type]


def refused(config: ChannelConfig, **more: object) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        Webhook(config, **more).send(MESSAGE)  # type: ignore[arg-type]
    assert not caught.value.permanent
    return caught.value


def test_webhook_sends_exact_bytes_and_a_valid_signature() -> None:
    """The published verifier accepts the request, and the body is what was rendered."""
    with HttpSink() as sink:
        sink.then(answer(202, b"taken\r\nX: \x1b[31m\xff"))
        words = Webhook(hook(sink.url())).send(MESSAGE)
    request = sink.seen[0]
    assert request.body == BODY.encode()
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["webhook-id"] == MESSAGE.message_id
    assert Verifier(SECRET).verify(request.body, dict(request.headers))["type"] == "alerts"
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(request.body + b" ", dict(request.headers))
    assert words == "202 taken X: [31m\ufffd"


def test_webhook_signs_with_every_secret() -> None:
    """While a secret is changed, receivers with the old and with the new one both verify."""
    with HttpSink() as sink:
        Webhook(hook(sink.url(), secrets=(SECRET, "plain secret"))).send(MESSAGE)
    request = sink.seen[0]
    for secret in (SECRET, b"plain secret"):
        Verifier(secret).verify(request.body, dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Verifier(b"another").verify(request.body, dict(request.headers))


def test_webhook_timestamp_is_that_of_the_attempt() -> None:
    """A retry carries the old id and body with a new time: receivers refuse old times."""
    with HttpSink() as sink:
        sink.then(answer(500))
        clock = iter((1_900_000_000.0, 1_900_000_000.0, 1_900_000_900.0, 1_900_000_900.0))
        channel = Webhook(hook(sink.url()), clock=lambda: next(clock))
        with pytest.raises(DeliveryError):
            channel.send(MESSAGE)
        channel.send(MESSAGE)
    first, second = sink.seen
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert [r.headers["webhook-timestamp"] for r in sink.seen] == ["1900000000", "1900000900"]


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_webhook_2xx_is_acceptance(status: int) -> None:
    """Any 2xx is a yes."""
    with HttpSink() as sink:
        sink.then(answer(status))
        assert Webhook(hook(sink.url())).send(MESSAGE) == str(status)


@pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 500, 503])
def test_webhook_other_statuses_are_repeated(status: int) -> None:
    """Every other status is worth repeating, and the person reads which it was and why."""
    with HttpSink() as sink:
        sink.then(answer(status, b"field x is missing"))
        error = refused(hook(sink.url()))
    assert (error.status, error.disable, error.retry_after) == (str(status), False, None)
    assert f"answered HTTP {status} field x is missing" in str(error)


def test_webhook_410_disables() -> None:
    """A receiver that says that it is gone for good is believed."""
    with HttpSink() as sink:
        sink.then(answer(410))
        assert refused(hook(sink.url())).disable


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("asked", "granted"), [("120", 120.0), ("86400", 3600.0), ("x", None)])
def test_webhook_retry_after(status: int, asked: str, granted: float | None) -> None:
    """The receiver's wish for a pause is handed up, within bounds."""
    with HttpSink() as sink:
        sink.then(answer(status, retry_after=asked))
        assert refused(hook(sink.url())).retry_after == granted


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_webhook_redirect_is_a_failure(status: int) -> None:
    """Nothing goes to an address that nobody configured."""
    with HttpSink() as sink, HttpSink() as other:
        sink.then(answer(status, location=other.url("/CANARY")))
        error = refused(hook(sink.url()))
        assert other.connections == 0
    assert error.status == str(status)
    assert "never followed" in str(error)
    assert "CANARY" not in str(error)


@pytest.mark.parametrize("mode", [hang, DRIP_STATUS, DRIP_HEADERS])
def test_webhook_deadline_holds(mode: Mode) -> None:
    """A receiver that never finishes its headers is left at the deadline."""
    with HttpSink() as sink:
        sink.then(mode)
        began = time.monotonic()
        error = refused(hook(sink.url()), timeout=0.6)
        assert time.monotonic() - began < 8
    assert error.status in {"timeout", "connection"}  # whichever notices first


@pytest.mark.parametrize(
    "mode", [DRIP_BODY, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")]
)
def test_webhook_status_counts_even_if_the_body_breaks_off(mode: Mode) -> None:
    """Accepted is accepted: what the receiver adds afterwards changes nothing."""
    with HttpSink() as sink:
        sink.then(mode)
        began = time.monotonic()
        assert Webhook(hook(sink.url()), timeout=0.6).send(MESSAGE).startswith("200")
        assert time.monotonic() - began < 8


@pytest.mark.parametrize("mode", [reset, cut, raw(b"nonsense\r\n\r\n")])
def test_webhook_broken_connection_is_repeated_with_the_same_id(mode: Mode) -> None:
    """The receiver may have taken it: the repeat carries the same name."""
    with HttpSink() as sink:
        sink.then(mode)
        assert refused(hook(sink.url())).status == "connection"
        Webhook(hook(sink.url())).send(MESSAGE)
        assert {request.headers["webhook-id"] for request in sink.seen} == {MESSAGE.message_id}
        assert len(sink.seen) == 2


def test_webhook_reads_little_of_a_long_answer() -> None:
    """A huge answer costs neither time nor memory."""
    with HttpSink() as sink:
        sink.then(answer(200, b"x" * 30_000_000))
        assert len(Webhook(hook(sink.url())).send(MESSAGE)) <= 4 + 200


SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1",
    "017700000001", "0", "0.0.0.0", "localhost", "LOCALHOST", "localhost.", "127.0.0.1.",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]", "[64:ff9b::7f00:1]", "user@127.0.0.1", "example.org@127.0.0.1",
    "127.255.255.254",
]  # fmt: skip


@pytest.mark.parametrize("host", SPELLINGS)
def test_webhook_never_knocks_at_this_machine(host: str) -> None:
    """Not a byte reaches a private peer, however its name is written."""
    with HttpSink() as canary:
        config = hook(canary.url(host=host), allow_private=False)
        error = refused(config, timeout=3)
        with pytest.raises(DeliveryError):
            Webhook(config, timeout=3).check()
        assert canary.connections == 0
        assert canary.seen == []
    assert error.status in {"blocked", "connection"}


def test_webhook_says_how_a_private_target_is_permitted() -> None:
    """The person reads why and what to set; with it set, the message arrives."""
    with HttpSink() as sink:
        error = refused(hook(sink.url(), allow_private=False))
        assert error.status == "blocked"
        assert "allow_private: true" in str(error)
        assert Webhook(hook(sink.url())).send(MESSAGE) == "200"


def test_webhook_through_a_proxy() -> None:
    """The proxy carries the message; the target's own addresses are looked at first."""
    with HttpSink() as proxy:
        proxies = {"http": proxy.url(""), "https": proxy.url("")}
        config = hook("http://192.0.2.7/hook", allow_private=False)
        error = refused(config, proxies=proxies)
        assert error.status == "blocked"
        assert proxy.connections == 0
        channel = Webhook(replace(config, url="http://1.1.1.1/hook"), proxies=proxies)
        assert "proxy" in channel.check()
        assert proxy.seen == []
        assert channel.send(MESSAGE) == "200"
        assert [request.path for request in proxy.seen] == ["http://1.1.1.1/hook"]


def test_webhook_checks_certificates(tmp_path: Path) -> None:
    """An unknown certificate ends the delivery before the message is sent."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(certificates().ca_pem)
    with HttpSink(certificates()) as sink:
        error = str(refused(hook(sink.url())))
        assert "certificate is not trusted" in error
        assert "ca_file of this channel" in error
        assert sink.seen == []
        trusted = Webhook(hook(sink.url(), ca_file=str(bundle)))
        assert "TLSv1" in trusted.check()
        assert sink.seen == []
        assert trusted.send(MESSAGE) == "200"


def test_webhook_check_sends_nothing() -> None:
    """Trying a channel is not a message."""
    with HttpSink() as sink:
        assert "nothing was sent" in Webhook(hook(sink.url())).check()
        assert sink.seen == []
    with pytest.raises(DeliveryError, match="refused the connection"):
        Webhook(hook("http://127.0.0.1:1/x")).check()
    with pytest.raises(DeliveryError, match="cannot be resolved"):
        Webhook(hook("https://no-such-host.invalid/x")).check()


ECHO = answer(500, b"/CANARYPATH?k=CANARYKEY")


@pytest.mark.parametrize("mode", [hang, reset, ECHO, answer(302)])
def test_webhook_errors_hold_no_secret(mode: Mode, caplog: pytest.LogCaptureFixture) -> None:
    """URL path, query, password and secret stay out of errors, tracebacks and logs."""
    caplog.set_level(logging.DEBUG)
    with HttpSink() as sink:
        sink.default = mode
        url = sink.url("/CANARYPATH?k=CANARYKEY").replace("//", "//CANARYUSER:CANARYPASS@")
        config = hook(url, secrets=("CANARYSECRET",))
        error = refused(config, timeout=0.5)
    shown = "".join(traceback.format_exception(error)) + caplog.text + repr(config)
    assert "CANARY" not in shown


def test_webhook_echo_holds_no_secret() -> None:
    """A receiver that repeats its request does not bring the URL into the record."""
    with HttpSink() as sink:
        sink.default = answer(200, b"you called /CANARYPATH?k=1 signed CANARYSECRET")
        config = hook(sink.url("/CANARYPATH?k=1"), secrets=("CANARYSECRET",))
        assert "CANARY" not in Webhook(config).send(MESSAGE)


@pytest.mark.parametrize(
    "echo",
    [
        "invalid token CANARYTOKEN-1/+",
        "invalid token canarytoken-1%2f%2b",
        r"no hook \/services\/T000CANARY\/CANARYTOKEN-1%2F%2B",
        "bad signature CANARYSIG+a/b=",
        "bad signature CANARYSIG%2Ba%2Fb%3D",
        "a cut-off CANARYTOKEN-1%2F%2B&sig=",
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_webhook_hides_each_piece_of_its_url(status: int, echo: str) -> None:
    """The last segment of a path is the key at Slack and Discord, a value of the query at
    Teams: a receiver that repeats one of them alone brings it nowhere."""
    with HttpSink() as sink:
        sink.default = answer(status, echo.encode())
        path = "/services/T000CANARY/CANARYTOKEN-1%2F%2B?v=1&sig=CANARYSIG%2Ba%2Fb%3D"
        config = hook(sink.url(path))
        said = Webhook(config).send(MESSAGE) if status == 200 else str(refused(config))
    assert "[hidden]" in said
    assert "canary" not in said.lower()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (hook("ftp://h.example/x"), "channels.hook.url: is not an http or https address"),
        (hook(""), "channels.hook.url"),
        (hook("http://①②⑦.⓪.⓪.①/x"), "channels.hook.url"),
        (hook("https://h.example", secrets=("whsec_CANARY!",)), "no base64 follows"),
        (hook("https://h.example", secrets=("",)), "channels.hook.secret: is too short"),
        (hook("https://h.example", secrets=("x",)), "channels.hook.secret: is too short"),
        (hook("https://h.example", secrets=("whsec_",)), "is too short"),
        (hook("https://h.example", secrets=("whsec_AA==",)), "is too short"),
        (hook("https://h.example", secrets=(SECRET, "CANARY")), "is too short"),
    ],
)
def test_webhook_configuration_is_checked(config: ChannelConfig, words: str) -> None:
    """What cannot work is said when the channel is made, without its value."""
    with pytest.raises(ConfigError, match=words) as caught:
        Webhook(config)
    assert "CANARY" not in str(caught.value)
