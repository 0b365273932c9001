"""Real receivers for tests: an HTTP server, a raw TCP server and a mail server.

    with HttpSink() as sink:
        sink.then(answer(503), hang)      # what the next calls get; afterwards answer(200)
        ...
        sink.seen[0].headers["webhook-id"]

    with MailSink(tls=certificates(), login=("user", "password")) as sink:
        sink.rcpt["late@example.org"] = "451 4.7.1 greylisted"
        ...
        sink.mails[0].message["Subject"]

All listen on 127.0.0.1 at a free port, and end when the block ends.
"""

from __future__ import annotations

import asyncio
import email
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


@dataclass(frozen=True)
class Certificates:
    """A certificate for localhost and 127.0.0.1, and the PEM text of who signed it."""

    server: ssl.SSLContext
    ca_pem: bytes


@cache
def certificates() -> Certificates:
    """Made once for each test process."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server)
    return Certificates(server, authority.cert_pem.bytes())


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


Mode = Callable[["_Handler"], None]


def answer(status: int = 200, body: bytes = b"", **headers: str) -> Mode:
    """A complete answer; `retry_after="5"` becomes the header Retry-After."""

    def mode(handler: _Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-").title(), value)
        if status != 204:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return mode


def raw(text: bytes) -> Mode:
    """These bytes, then the end of the connection."""

    def mode(handler: _Handler) -> None:
        handler.wfile.write(text)
        handler.close_connection = True

    return mode


def drip(first: bytes, then: bytes = b"x", pause: float = 0.05) -> Mode:
    """`first`, and `then` again and again, for ever."""

    def mode(handler: _Handler) -> None:
        handler.wfile.write(first)
        while not handler.sink.closing.wait(pause):
            handler.wfile.write(then)
        handler.close_connection = True

    return mode


DRIP_HEADERS = drip(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n", 0.3)
DRIP_STATUS = drip(b"HTTP/1.1 200 O")
DRIP_BODY = drip(b"HTTP/1.1 200 OK\r\n\r\n")


def hang(handler: _Handler) -> None:
    """Take the request and never answer."""
    handler.sink.closing.wait()
    handler.close_connection = True


def cut(handler: _Handler) -> None:
    """Take the request, close without an answer."""
    handler.close_connection = True


def reset(handler: _Handler) -> None:
    """Take the request, reset the connection."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def sink(self) -> HttpSink:
        return cast(_Server, self.server).sink

    def _serve(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        if len(body) < size:  # the sender was killed meanwhile: no receiver takes half of a message
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.sink.take(Request(self.command, self.path, headers, body))(self)

    do_GET = do_POST = do_HEAD = do_CONNECT = _serve

    def log_message(self, *args: Any) -> None:
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    sink: HttpSink

    def get_request(self) -> tuple[socket.socket, Any]:
        self.sink.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        return  # clients that hang up are what these tests are about

    def shutdown_request(self, request: Any) -> None:
        self.close_request(request)  # without a shutdown before it: `reset` needs that


class HttpSink:
    """An HTTP server that records every request and answers by script."""

    def __init__(self, tls: Certificates | None = None) -> None:
        self.seen: list[Request] = []
        self.connections = 0
        self.closing = threading.Event()
        self.default: Mode = answer(200)
        self._script: list[Mode] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.sink = self
        self._scheme = "https" if tls else "http"
        if tls:
            # The handshake is made by the handler's thread: a client that never makes it
            # must not keep the others out.
            self._server.socket = tls.server.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def then(self, *modes: Mode) -> None:
        """What the next requests get, one each; after them the default."""
        with self._lock:
            self._script.extend(modes)

    def take(self, request: Request) -> Mode:
        with self._lock:
            self.seen.append(request)
            return self._script.pop(0) if self._script else self.default

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class RawServer:
    """A TCP server that runs `talk(connection, closing)` in a thread for each client."""

    def __init__(self, talk: Callable[[socket.socket, threading.Event], None]) -> None:
        self._talk = talk
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.closing = threading.Event()
        self.port: int = self._socket.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _listen(self) -> None:
        while not self.closing.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._talk(connection, self.closing)
            except OSError:
                return  # the client hung up


@dataclass(frozen=True)
class Mail:
    """One mail as the server took it."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    encrypted: bool
    logged_in: bool

    @property
    def message(self) -> EmailMessage:
        return cast(EmailMessage, email.message_from_bytes(self.data, policy=SMTP_POLICY))


@dataclass
class MailSink:
    """A real SMTP server. `tls` offers STARTTLS (or, with `implicit`, speaks TLS at once);
    `login` demands that user and password. Every mail is kept, also one after which the
    connection is dropped (`drop`)."""

    tls: Certificates | None = None
    implicit: bool = False
    login: tuple[str, str] | None = None
    rcpt: dict[str, str] = field(default_factory=dict)  # recipient -> refusal
    sender: str = ""  # refusal of every sender
    data: str = ""  # refusal of every mail, after its text
    drop: bool = False  # keep the mail, then drop the connection without an answer
    mails: list[Mail] = field(default_factory=list)
    sessions: int = 0

    def __enter__(self) -> Self:
        self._controller = _Controller(self)
        self._controller.start()
        self.port = self._controller.port
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    # What aiosmtpd calls.

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.sessions += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.sender:
            return self.sender
        envelope.mail_from = address
        return "250 2.1.0 sender ok"

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.data:
            return self.data
        self.mails.append(
            Mail(
                envelope.mail_from,
                tuple(envelope.rcpt_tos),
                envelope.content,
                session.ssl is not None or self.implicit,
                bool(session.authenticated),
            )
        )
        if self.drop:
            server.transport.abort()
            await asyncio.sleep(0)
        return f"250 2.0.0 accepted as {len(self.mails)}"


class _Controller(Controller):
    def __init__(self, sink: MailSink) -> None:
        # Bound here, since aiosmtpd cannot tell which port it was given for 0.
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._login = sink.login
        implicit = sink.tls.server if sink.tls and sink.implicit else None
        super().__init__(
            sink,
            hostname="127.0.0.1",
            port=self._listener.getsockname()[1],
            ssl_context=implicit,
            server_hostname="mail.test",
            tls_context=sink.tls.server if sink.tls and not sink.implicit else None,
            authenticator=self._authenticate if sink.login else None,
            auth_required=sink.login is not None,
            auth_require_tls=sink.tls is not None and not sink.implicit,
        )

    def _create_server(self) -> Any:
        return self.loop.create_server(
            self._factory_invoker, sock=self._listener, ssl=self.ssl_context
        )

    def _authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self._login, handled=False)
