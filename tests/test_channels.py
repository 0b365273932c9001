"""Webhook and e-mail against real receivers that accept, refuse, stall and break off."""

from __future__ import annotations

import base64
import logging
import socket
import threading
import time
import traceback
from dataclasses import replace
from email import message_from_bytes
from email.policy import default as email_policy
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError
from world.sinks import (
    DRIP_BODY,
    DRIP_HEADERS,
    DRIP_STATUS,
    HttpSink,
    MailSink,
    Mode,
    RawServer,
    answer,
    certificates,
    cut,
    hang,
    raw,
    reset,
)

from monitor.model import ChannelConfig, Outgoing, Rendered
from monitor.model.errors import ConfigError, DeliveryError
from monitor.net import channels
from monitor.net.channels.apprise import Apprise
from monitor.net.channels.chat import Discord, Slack, Teams
from monitor.net.channels.email import Email
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


def test_table_builds_every_kind() -> None:
    """Every kind in the table can be made from its configuration."""
    mail = ChannelConfig("m", "email", host="mx", sender="a@example.org")
    chats = [
        ChannelConfig(kind, kind, url="https://h.example/x")
        for kind in ("slack", "teams", "discord")
    ]
    phone = ChannelConfig("p", "apprise", urls=("json://h.example",), to=("no. 1 (json)",))
    made = [channels.build(c) for c in (hook("https://h.example/x"), mail, *chats, phone)]
    assert [type(c) for c in made] == [Webhook, Email, Slack, Teams, Discord, Apprise]
    assert {c.name for c in made} == {"hook", "m", "slack", "teams", "discord", "p"}
    assert set(channels.CHANNELS) == {"webhook", "email", "slack", "teams", "discord", "apprise"}


# --- webhook ---------------------------------------------------------------------------


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


# --- e-mail ----------------------------------------------------------------------------

RENDERED = Rendered(
    subject="[Fundwatch HIGH] OUT 12.5 ETH - Ethereum - A-10377",
    text="Zahlung von Müller: 1.234 €\n.\nFrom here on\n" + "x" * 1500,
    html="<p>Zahlung von Müller</p>",
    attachments=(("G-0093.csv", "text/csv", "a;b\r\n1;ü\r\n"),),
    thread="M-THREAD",
)
MAIL = Outgoing("M-AAAA-BBBB-CCCC", "analyst@example.org", 1_800_000_000, RENDERED)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    path.write_bytes(certificates().ca_pem)
    return str(path)


def mail(sink: MailSink | RawServer, **more: object) -> ChannelConfig:
    given = {
        "host": "127.0.0.1", "port": sink.port, "security": "none",
        "sender": "Fundwatch <monitor@example.org>", "reply_to": "desk@example.org", **more,
    }  # fmt: skip
    return ChannelConfig("desk", "email", **given)  # type: ignore[arg-type]


def rejected(config: ChannelConfig, message: Outgoing = MAIL, **more: float) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        Email(config, **more).send(message)
    return caught.value


def test_email_arrives_encrypted_with_login(bundle: str) -> None:
    """STARTTLS, login and a mail whose parts say what was rendered."""
    with MailSink(certificates(), login=("user", "pass")) as sink:
        config = mail(sink, security="starttls", user="user", password="pass", ca_file=bundle)
        words = Email(config).send(MAIL)
    (taken,) = sink.mails
    assert words == f"250 2.0.0 accepted as 1 (accepted by 127.0.0.1:{sink.port})"
    assert (taken.encrypted, taken.logged_in) == (True, True)
    assert (taken.sender, taken.recipients) == ("monitor@example.org", ("analyst@example.org",))
    message = taken.message
    expected = {
        "Subject": RENDERED.subject,
        "From": "Fundwatch <monitor@example.org>",
        "To": "analyst@example.org",
        "Reply-To": "desk@example.org",
        "Message-ID": "<M-AAAA-BBBB-CCCC@fundwatch.example.org>",
        "In-Reply-To": "<M-THREAD@fundwatch.example.org>",
        "References": "<M-THREAD@fundwatch.example.org>",
        "Auto-Submitted": "auto-generated",
        "X-Fundwatch-Message": "M-AAAA-BBBB-CCCC",
    }
    assert {name: message[name] for name in expected} == expected
    assert parsedate_to_datetime(message["Date"]).timestamp() == MAIL.created
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n") == RENDERED.text + "\n"
    assert html is not None
    assert html.get_content().strip() == RENDERED.html
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("G-0093.csv", "text/csv")
    assert attached.get_payload(decode=True).decode() == RENDERED.attachments[0][2]


def test_email_over_implicit_tls(bundle: str) -> None:
    """Port 465 style: TLS from the first byte."""
    with MailSink(certificates(), implicit=True) as sink:
        config = mail(sink, security="tls", ca_file=bundle)
        assert "TLSv1" in Email(config).check()
        Email(config).send(MAIL)
        assert sink.mails[0].encrypted


def test_email_bytes_are_the_same_on_every_attempt() -> None:
    """A repeat after a lost answer is the same mail, byte for byte."""
    with MailSink(drop=True) as sink:
        first = rejected(mail(sink))
        sink.drop = False
        Email(mail(sink)).send(MAIL)
    assert (first.permanent, first.status) == (False, "connection")
    assert sink.mails[0].data == sink.mails[1].data


def test_email_is_plain_seven_bit_lines() -> None:
    """Any relay can carry it: no long lines, no eighth bit, CRLF throughout."""
    data = Email(mail(RawServerStub)).compose(MAIL)  # type: ignore[arg-type]
    assert data.isascii()
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 78


class RawServerStub:
    port = 25


def test_email_recipients_fail_one_by_one() -> None:
    """Greylisting is repeated, an unknown mailbox is final, the others are not touched."""
    with MailSink() as sink:
        sink.rcpt = {"late@example.org": "451 4.7.1 greylisted", "no@example.org": "550 5.1.1 no"}
        late = rejected(mail(sink), replace(MAIL, recipient="late@example.org"))
        gone = rejected(mail(sink), replace(MAIL, recipient="no@example.org"))
        Email(mail(sink)).send(MAIL)
    assert (late.permanent, late.status) == (False, "451")
    assert (gone.permanent, gone.status) == (True, "550")
    assert "refused the recipient: 550 5.1.1 no" in str(gone)
    assert [taken.recipients for taken in sink.mails] == [("analyst@example.org",)]


@pytest.mark.parametrize(
    ("place", "reply", "permanent"),
    [
        ("data", "451 4.3.0 try later", False),
        ("data", "554 5.7.1 looks like spam", True),
        ("sender", "450 4.1.8 later", False),
        ("sender", "550 5.7.1 not you", False),
        ("sender", "552 5.3.4 too big", True),
    ],
)
def test_email_refusals(place: str, reply: str, permanent: bool) -> None:
    """A refused text is final; a refused sender is a setting, so the mail is kept for it."""
    with MailSink(**{place: reply}) as sink:  # type: ignore[arg-type]
        error = rejected(mail(sink))
    assert (error.permanent, error.status) == (permanent, reply[:3])
    assert reply in str(error)


def test_email_is_never_sent_in_clear_when_starttls_is_asked() -> None:
    """A server, or somebody in between, that hides STARTTLS gets nothing."""
    with MailSink() as sink:
        error = rejected(mail(sink, security="starttls", user="u", password="CANARY"))
        assert sink.mails == []
    assert not error.permanent
    assert "does not offer STARTTLS" in str(error)
    assert "security: tls" in str(error)
    assert "security: none" in str(error)


def test_email_certificate_must_be_trusted() -> None:
    """A stranger's certificate ends the conversation before login and mail."""
    with MailSink(certificates(), login=("u", "p")) as sink:
        error = rejected(mail(sink, security="starttls", user="u", password="p"))
        assert sink.mails == []
    assert "certificate is not trusted" in str(error)
    assert "ca_file of this channel" in str(error)


def test_email_wrong_login_is_said_without_the_password(
    bundle: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The person reads that login failed; neither user nor password appear."""
    caplog.set_level(logging.DEBUG, logger="monitor")
    with MailSink(certificates(), login=("u", "p")) as sink:
        config = mail(sink, security="starttls", user="CANARYU", password="CANARYP", ca_file=bundle)
        error = rejected(config)
    shown = "".join(traceback.format_exception(error)) + repr(config) + repr(error)
    assert "refused the login (535)" in str(error)
    assert not error.permanent
    assert "CANARY" not in shown
    assert base64.b64encode(b"CANARYP").decode() not in shown


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the server's opinion of this test
def test_email_login_in_clear_only_on_this_machine() -> None:
    """Loopback may be logged in to unencrypted, another machine never."""
    with MailSink(login=("u", "p")) as sink:
        Email(mail(sink, user="u", password="p")).send(MAIL)
        assert sink.mails[0].logged_in
    address = own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    with socket.create_server((address, 0)) as server:
        heard = answer_once(server)
        config = mail(RawServerStub, host=address, port=server.getsockname()[1])  # type: ignore[arg-type]
        error = rejected(replace(config, user="CANARY", password="CANARY"), timeout=5)
    assert "unencrypted" in str(error)
    assert b"AUTH" not in heard


def own_address() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        address = str(probe.getsockname()[0])
        return None if address.startswith("127.") else address


def answer_once(server: socket.socket) -> bytearray:
    heard = bytearray()

    def talk() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"220 x\r\n")
            while data := connection.recv(1000):
                heard.extend(data)
                connection.sendall(b"250-x\r\n250 AUTH PLAIN LOGIN\r\n")

    threading.Thread(target=talk, daemon=True).start()
    return heard


def tarpit(line: bytes, first: bytes = b"") -> RawServer:
    def talk(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(first)
        while not closing.wait(0.1):
            connection.sendall(line)

    return RawServer(talk)


@pytest.mark.parametrize(
    ("line", "first"),
    [(b"220-wait\r\n", b""), (b"2", b""), (b"", b""), (b"250-x\r\n", b"220 x\r\n")],
)
def test_email_deadline_ends_a_tarpit(line: bytes, first: bytes) -> None:
    """A server that keeps talking without an end, or is silent, is left in time."""
    with tarpit(line, first) as server:
        began = time.monotonic()
        error = rejected(mail(server), timeout=0.6)
        assert time.monotonic() - began < 8
    assert error.status in {"timeout", "connection"}  # whichever notices first


@pytest.mark.parametrize("greeting", [b"421 4.3.2 busy\r\n", b"554 5.7.1 go away\r\n"])
def test_email_refused_at_the_door_is_repeated(greeting: bytes) -> None:
    """A server that takes nobody now may take the mail later."""
    with RawServer(lambda connection, _: connection.sendall(greeting)) as server:
        error = rejected(mail(server))
    assert (error.permanent, error.status) == (False, greeting[:3].decode())


def test_email_server_down() -> None:
    """Nobody there is worth repeating."""
    error = rejected(mail(RawServerStub, port=1))  # type: ignore[arg-type]
    assert (error.permanent, error.status) == (False, "connection")
    assert "desk (127.0.0.1:1): refused the connection" in str(error)


def test_email_check_sends_nothing(bundle: str) -> None:
    """Trying a mail channel greets, encrypts and logs in, and hands over no mail."""
    with MailSink(certificates(), login=("u", "p")) as sink:
        config = mail(sink, security="starttls", user="u", password="p", ca_file=bundle)
        words = Email(config).check()
        assert sink.mails == []
        with pytest.raises(DeliveryError, match="refused the login"):
            Email(replace(config, password="x")).check()
    assert "TLSv1" in words
    assert "takes the login" in words


@pytest.mark.parametrize("recipient", ["", "nobody", "ü@example.org", "a@b\r\nRCPT TO:<x@y>"])
def test_email_bad_recipient_is_final(recipient: str) -> None:
    """An address that cannot be used is said, not tried for days, and smuggles nothing in."""
    with MailSink() as sink:
        if "\r" in recipient:
            Email(mail(sink)).compose(replace(MAIL, recipient=recipient))
        error = rejected(mail(sink), replace(MAIL, recipient=recipient))
        assert (sink.mails, error.permanent, error.status) == ([], True, "address")


HOSTILE = [
    f"OUT{char}Bcc: thief@example.com" for char in "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029\ud800\x00"
]


@pytest.mark.parametrize(
    "text", [*HOSTILE, "=?utf-8?q?a=0D=0ABcc:_thief@example.com?=", "x" * 5000]
)
def test_email_headers_cannot_be_broken(text: str) -> None:
    """No text makes a header of its own, and none keeps the mail from being sent."""
    with MailSink() as sink:
        rendered = replace(
            RENDERED, subject=text, text=text, html=text, attachments=((text, "text/csv", text),)
        )
        Email(mail(sink)).send(replace(MAIL, rendered=rendered, message_id="M-1"))
        message = sink.mails[0].message
    assert "Bcc" not in message
    assert sink.mails[0].recipients == ("analyst@example.org",)
    assert message["Message-ID"] == "<M-1@fundwatch.example.org>"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_email_composes_any_text(subject: str, body: str) -> None:
    """Whatever the text, there is a mail, its headers are ours alone, its bytes are stable."""
    channel = Email(mail(RawServerStub))  # type: ignore[arg-type]
    rendered = Rendered(subject, body, html=body, attachments=((subject, "text/csv", body),))
    message = replace(MAIL, rendered=rendered)
    data = channel.compose(message)
    assert data == channel.compose(message)
    head = data.split(b"\r\n\r\n")[0]
    names = {line.split(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b" \t"}
    assert names <= {
        b"From", b"To", b"Reply-To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted",
        b"X-Fundwatch-Message", b"MIME-Version", b"Content-Type",
    }  # fmt: skip


def test_email_long_ids_are_not_folded() -> None:
    """Threads hold however long the mail domain is."""
    config = mail(RawServerStub, sender=f"m@{'long-name.' * 9}example.org")  # type: ignore[arg-type]
    data = Email(config).compose(MAIL)
    domain = b"fundwatch." + b"long-name." * 9 + b"example.org"
    for name in (b"Message-ID: <M-AAAA-BBBB-CCCC@", b"In-Reply-To: <M-THREAD@"):
        assert name + domain + b">\r\n" in data


@pytest.mark.parametrize(
    "subject",
    [
        "[Fundwatch HIGH] OUT 1,000,000 USDT - case NK-07 - Tron - A-7KE3-V5P3-73H0",
        f"[Fundwatch SEVERE] OUT 1 ETH - case {'NK-' * 40} - Ethereum - A-1",
        "[Fundwatch HIGH] IN 5 USDT - case Müller, Erben und Söhne - Tron - A-7KE3-V5P3-73H0",
        "x" * 300,
    ],
)
def test_email_long_subjects_begin_on_their_line(subject: str) -> None:
    """Some mail programs show the space with which a second line begins."""
    data = Email(mail(RawServerStub)).compose(  # type: ignore[arg-type]
        replace(MAIL, rendered=replace(RENDERED, subject=subject))
    )
    assert b"\r\nSubject: " in data
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    read = message_from_bytes(data, policy=email_policy)
    assert read["Subject"] == subject


def test_email_sender_must_be_an_address() -> None:
    """A channel without a sender is refused when it is made."""
    with pytest.raises(ConfigError, match=r"channels\.desk\.from"):
        Email(mail(RawServerStub, sender="Fundwatch"))  # type: ignore[arg-type]
