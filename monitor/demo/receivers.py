"""The demo's mail server and webhook receiver: real ones, on this machine only."""

from __future__ import annotations

import asyncio
import base64
import email
import hashlib
import hmac
import json
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default as modern
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, cast

from aiosmtpd.smtp import SMTP


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as the server took it."""

    number: int
    message_id: str  # Fundwatch's own name of the message
    subject: str
    text: str
    path: Path  # of the HTML form, else of the whole mail


class MailServer:
    """An SMTP server that writes every mail into a folder, as .eml and as .html."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.letters: list[Letter] = []

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(
            lambda: SMTP(self, hostname="mail.demo.example", loop=self._loop),
            sock=self._listener,
        )
        self._ready.set()
        await self._end.wait()
        server.close()

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: ANN401 - aiosmtpd calls it so
        """Keep the mail on disk before saying that it is taken."""
        mail = email.message_from_bytes(envelope.content, policy=modern)
        self.letters.append(self._keep(mail, envelope.content))
        return "250 2.0.0 taken"

    def _keep(self, mail: EmailMessage, raw: bytes) -> Letter:
        number, subject = len(self.letters) + 1, str(mail["Subject"]).strip()
        name = re.sub(r"[^A-Za-z0-9]+", "-", subject).strip("-")[:80]
        path = self._folder / f"{number:03}-{name}.eml"
        path.write_bytes(raw)
        html = mail.get_body(("html",))
        if html is not None:
            path = path.with_suffix(".html")
            path.write_text(_with_images(mail, html.get_content()), "utf-8")
        text = mail.get_body(("plain",))
        words = text.get_content() if text is not None else ""
        return Letter(number, str(mail["X-Fundwatch-Message"]), subject, words, path)


def _with_images(mail: EmailMessage, html: str) -> str:
    """The page with its images inside it: in a file there is no mail that they could be of."""
    for part in mail.walk():
        name = str(part["Content-ID"] or "").strip("<>")
        if name and part.get_content_maintype() == "image":
            data = base64.b64encode(cast(bytes, part.get_payload(decode=True))).decode("ascii")
            html = html.replace(f"cid:{name}", f"data:{part.get_content_type()};base64,{data}")
    return html


@dataclass(frozen=True, slots=True)
class Call:
    """One webhook message as it came in."""

    message_id: str
    at: float  # monotonic
    genuine: bool  # its signature is right
    alerts: list[dict[str, Any]]


@dataclass
class WebhookReceiver:
    """An HTTP server that checks the signature of every message and writes it to a file."""

    log: Path
    secret: str  # whsec_...
    calls: list[Call] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/fundwatch"

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """Every alert that came in, repeats included."""
        return [alert for call in self.calls for alert in call.alerts]

    def take(self, message_id: str, stamp: str, signatures: str, body: bytes) -> bool:
        """Keep a message; returns whether its signature is right."""
        genuine = self._expected(message_id, stamp, body) in signatures.split()
        content = json.loads(body)
        line = {"webhook-id": message_id, "signature": "right" if genuine else "WRONG"}
        with self._lock, self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps({**line, "body": content}, ensure_ascii=False) + "\n")
            self.calls.append(
                Call(message_id, time.monotonic(), genuine, content["data"]["alerts"])
            )
        return genuine

    def _expected(self, message_id: str, stamp: str, body: bytes) -> str:
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signed = f"{message_id}.{stamp}.".encode() + body
        return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class _Server(ThreadingHTTPServer):
    receiver: WebhookReceiver


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        genuine = cast(_Server, self.server).receiver.take(
            self.headers.get("webhook-id", ""),
            self.headers.get("webhook-timestamp", ""),
            self.headers.get("webhook-signature", ""),
            body,
        )
        self.send_response(204 if genuine else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on the demo's screen."""
