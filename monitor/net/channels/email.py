"""Mail by SMTP: one transaction for each recipient, so that each has an outcome of its own."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import smtplib
import socket
import ssl
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr

from monitor.model import ChannelConfig, Inline, Outgoing, plain
from monitor.model.errors import ConfigError, DeliveryError, Problem
from monitor.net import hidden, wire

TIMEOUT = 30.0  # seconds for the whole delivery
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_WORDS = 4096  # characters of the server's answer that are looked at
_LONGEST_HEADER = 900  # of the 998 characters that RFC 5322 allows a line
_IDS = frozenset({"message-id", "in-reply-to", "references"})


class _Policy(EmailPolicy):
    """Ids are never folded: the library would break a long one into encoded words, and
    with it the thread. A subject begins on its first line: the library would begin it on the
    second as soon as it is long, and some mail programs show the space there."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in _IDS:
            return f"{name}: {value}{self.linesep}".encode()
        if name.lower() == "subject":
            return f"{name}: {_folded(name, value, self.linesep)}{self.linesep}".encode()
        return super().fold_binary(name, value)


_OUTWARD = _Policy(linesep="\r\n")


class _Client(smtplib.SMTP):
    """smtplib over our own sockets, so that the deadline cuts even a server that drips."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        # With no name of ours, smtplib would ask the network for one, outside any deadline.
        super().__init__(local_hostname=socket.gethostname())
        self._host = host  # what starttls checks the certificate against
        self.greeting = self.connect(host, port)
        if self.sock is not None and "." not in self.local_hostname:
            self.local_hostname = _literal(self.sock.getsockname()[0])

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 - smtplib's
        sock = wire.open_socket(host, port)
        if self._tls is None:
            return sock
        try:
            return self._tls.wrap_socket(sock, server_hostname=host)
        except BaseException:  # also a stop meanwhile: nothing stays open
            sock.close()
            raise


class Email:
    """One mail server and sender. `send` returns when the server has taken the mail."""

    def __init__(
        self,
        config: ChannelConfig,
        *,
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 - SMTP goes straight
        verify: bool | str = True,
        timeout: float = TIMEOUT,
    ) -> None:
        self.name = config.name
        self._config = config
        self._port = config.port or _PORTS[config.security]
        self._server = f"{config.host}:{self._port}"
        self._bundle = config.ca_file or (verify if isinstance(verify, str) else None)
        self._timeout = timeout
        self._hidden = hidden.Hidden([config.password] if config.password else [])
        self._address = parseaddr(config.sender)[1]
        if "@" not in self._address:
            place = f"config/channels.yaml: channels.{config.name}.from"
            raise ConfigError(
                [Problem(place, config.sender, "is not a mail address", "Write name@example.org")]
            )

    def send(self, message: Outgoing) -> str:
        """Hand the mail to the server for message.recipient."""
        recipient = self._recipient(message)
        body = self.compose(message)
        with self._connected() as client:
            self._take("the sender", client.mail(self._address), permanent=frozenset({552}))
            rcpt = client.rcpt(recipient)
            self._take("the recipient", rcpt, yes=_RCPT_YES, permanent=_ALL_5XX, personal=True)
            yes = frozenset({250})
            try:
                answer = client.data(body)
            except smtplib.SMTPDataError as error:  # it did not ask for the text: never a yes
                answer, yes = (error.smtp_code, _as_bytes(error.smtp_error)), frozenset()
            words = self._take("the mail", answer, yes=yes, permanent=_ALL_5XX, personal=True)
        return f"{words} (accepted by {self._server})"

    def _recipient(self, message: Outgoing) -> str:
        written = message.recipient
        address = parseaddr(written)[1]
        if "@" in address and address.isascii() and plain.tidy(written) == written:
            return address
        raise DeliveryError(
            f"{self.name}: {plain.tidy(written)!r} is not a mail address that can be used. "
            "Correct `to` of the channel.",
            permanent=True,
            personal=True,
            status="address",
        )

    def check(self) -> str:
        """Connect, agree on TLS, log in; send nothing."""
        with self._connected() as client:
            sock = client.sock
            how = sock.version() if isinstance(sock, ssl.SSLSocket) else "not encrypted"
        login = " and takes the login" if self._config.user else ""
        return f"{self._server} answers ({how}){login}; nothing was sent"

    def compose(self, message: Outgoing) -> bytes:
        """The mail as bytes, the same for every attempt."""
        rendered = message.rendered
        mail = EmailMessage()
        for name, value in self._headers(message).items():
            mail[name] = value
        mail.set_content(_encodable(rendered.text), cte="quoted-printable")
        if rendered.html:
            mail.add_alternative(_encodable(rendered.html), subtype="html", cte="quoted-printable")
            _add_images(mail, rendered.images)
        for file_name, mime_type, text in rendered.attachments:
            main, _, sub = mime_type.partition("/")
            mail.add_attachment(
                _encodable(text).encode(),
                maintype=main,
                subtype=sub or "octet-stream",
                filename=_header(file_name),
            )
        _fix_boundaries(mail, message.message_id)
        return mail.as_bytes(policy=_OUTWARD)

    def _headers(self, message: Outgoing) -> dict[str, str]:
        thread = message.rendered.thread
        moment = datetime.fromtimestamp(message.created, UTC)
        headers = {
            "From": _header(self._config.sender),
            "To": _header(message.recipient),
            "Reply-To": _header(self._config.reply_to),
            "Subject": _header(message.rendered.subject),
            "Date": format_datetime(moment),
            "Message-ID": self._reference(message.message_id),
            "In-Reply-To": self._reference(thread) if thread else "",
            "References": self._reference(thread) if thread else "",
            "Auto-Submitted": "auto-generated",
            "X-Fundwatch-Message": _header(message.message_id),
        }
        return {name: value for name, value in headers.items() if value}

    def _reference(self, message_id: str) -> str:
        """A Message-ID; one that is complete already stays as it is."""
        plain_id = _header(message_id).strip("<>")
        domain = self._address.rpartition("@")[2]
        return f"<{plain_id}>" if "@" in plain_id else f"<{plain_id}@fundwatch.{domain}>"

    @contextmanager
    def _connected(self) -> Iterator[_Client]:
        """A client that has greeted, encrypted and logged in; every fault a DeliveryError."""
        deadline = wire.Deadline(self._timeout)
        fault: DeliveryError
        try:
            with deadline:
                client = self._open()
                try:
                    self._greet(client)
                    yield client
                    with suppress(smtplib.SMTPException, OSError):
                        client.quit()
                finally:
                    client.close()
                return
        except DeliveryError:
            if not deadline.expired:
                raise  # else it is what was cut off, and no answer
            fault = self._error(wire.expired(deadline), "timeout")
        except (smtplib.SMTPException, OSError, ValueError) as error:
            status = "timeout" if deadline.expired else "connection"
            fault = self._error(wire.explain(error, deadline, wire.CHANNEL_TRUST), status)
        raise fault

    def _open(self) -> _Client:
        tls = self._context() if self._config.security == "tls" else None
        return _Client(self._config.host, self._port, tls)

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._bundle)

    def _greet(self, client: _Client) -> None:
        self._take("the connection", client.greeting, yes=_READY)
        client.ehlo_or_helo_if_needed()
        if self._config.security == "starttls":
            if not client.has_extn("starttls"):
                raise self._error(
                    "does not offer STARTTLS, and nothing is sent unencrypted. Correct the port "
                    "(587), or set security: tls for a port that is encrypted from the start "
                    "(465), or security: none for a relay of your own that has no encryption.",
                    "tls",
                )
            self._take("STARTTLS", client.starttls(context=self._context()), yes=_READY)
            client.ehlo()
        if self._config.user:
            self._log_in(client)

    def _log_in(self, client: _Client) -> None:
        sock = client.sock
        if not isinstance(sock, ssl.SSLSocket) and not _is_local(sock):
            raise self._error(
                "a login would go over the network unencrypted. Set security: starttls or tls.",
                "tls",
            )
        try:
            client.login(self._config.user, self._config.password)
        except smtplib.SMTPResponseException as error:
            # The server's words are left out: some repeat what they were given.
            code = error.smtp_code
        except smtplib.SMTPException:
            code = 0
        else:
            return
        if code:
            words = f"refused the login ({code}). Check user and password."
            raise self._error(words, str(code), lasting=code in _ALL_5XX)
        raise self._error("offers no login that can be used here", "login")

    def _take(
        self,
        what: str,
        answer: tuple[int, bytes],
        *,
        yes: frozenset[int] = frozenset({250}),
        permanent: frozenset[int] = frozenset(),
        personal: bool = False,
    ) -> str:
        """The server's words if they are a yes: what RFC 5321 calls one at that place, and no
        other. A refusal that lies in the settings or in the server (sender, login, TLS) is
        worth repeating: the mail is not to blame."""
        code, raw = answer
        said = plain.tidy(f"{code} {raw.decode('utf-8', 'replace')}", _WORDS)
        words = plain.tidy(self._hidden.hide(said))
        if code in yes:
            return words
        raise DeliveryError(
            f"{self.name} ({self._server}): refused {what}: {words}",
            permanent=code in permanent,
            lasting=code in _ALL_5XX,
            personal=personal,
            status=str(code),
        )

    def _error(self, words: str, status: str, *, lasting: bool = False) -> DeliveryError:
        text = f"{self.name} ({self._server}): {words}"
        return DeliveryError(text, lasting=lasting, status=status)


_ALL_5XX = frozenset(range(500, 600))
_READY = frozenset({220})
_RCPT_YES = frozenset({250, 251})  # 251: it will be passed on


def _as_bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _header(text: str) -> str:
    """Nothing that could end the header or begin another."""
    # An encoded word is decoded on its way into the header and may hold line breaks.
    return plain.tidy(text, _LONGEST_HEADER).replace("=?", "= ?")


def _folded(name: str, value: str, linesep: str) -> str:
    """Broken at spaces into lines of 78 characters; what is not ASCII as encoded words."""
    if not value.isascii():
        return Header(value, "utf-8", 76, name).encode(linesep=linesep)
    first, *rest = textwrap.wrap(
        value,
        78,
        initial_indent=" " * len(f"{name}: "),
        subsequent_indent=" ",
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]
    return linesep.join((first.lstrip(), *rest))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _literal(address: str) -> str:
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _is_local(sock: socket.socket | None) -> bool:
    return sock is not None and ipaddress.ip_address(sock.getpeername()[0]).is_loopback


def _add_images(mail: EmailMessage, images: Sequence[Inline]) -> None:
    """Beside the HTML that shows them, so that nothing is loaded from anywhere."""
    page = next(part for part in mail.iter_parts() if part.get_content_type() == "text/html")
    for number, image in enumerate(images, 1):
        main, _, sub = image.mime.partition("/")
        page.add_related(
            base64.b64decode(image.data),
            maintype=main,
            subtype=sub,
            cid=f"<{_header(image.name)}>",
            filename=f"picture-{number}.{sub}",
            disposition="inline",
        )


def _fix_boundaries(mail: EmailMessage, message_id: str) -> None:
    """Boundaries from the id instead of from chance: a retry has the same bytes."""
    parts = (part for part in mail.walk() if part.is_multipart())
    for number, part in enumerate(parts):
        digest = hashlib.sha256(f"{message_id}/{number}".encode("utf-8", "replace"))
        part.set_boundary(f"={digest.hexdigest()[:40]}=")
