"""Mail by real servers that accept, refuse, stall and break off."""

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

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.sinks import (
    MailSink,
    RawServer,
    certificates,
)

from monitor.model import ChannelConfig, Outgoing, Rendered
from monitor.model.errors import ConfigError, DeliveryError
from monitor.net.channels.email import Email

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
