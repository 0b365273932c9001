"""The project's own explorer: a real HTTP server over ledgers, for tests and the demo.

It serves several chains at once, each in the styles of the public explorers, under
`http://127.0.0.1:PORT/<chain>/<style>`. Loopback only.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from socketserver import StreamRequestHandler
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from monitor.demo.world.blockbook import Blockbook
from monitor.demo.world.blockscout import Blockscout
from monitor.demo.world.esplora import Esplora
from monitor.demo.world.etherscan import Etherscan
from monitor.demo.world.evm_node import EvmNode
from monitor.demo.world.ledger import AccountLedger, UtxoLedger
from monitor.demo.world.prices import Prices
from monitor.demo.world.service import TEXT, Knobs, Reply, Request, Service
from monitor.demo.world.trongrid import TronGrid
from monitor.demo.world.utxo_node import UtxoNode

STYLES: dict[str, type[Service[Any]]] = {
    kind.style: kind
    for kind in (Etherscan, Blockscout, EvmNode, Esplora, Blockbook, TronGrid, UtxoNode)
}
_LINE_MOST = 65536
Connection = socket.socket | tuple[bytes, socket.socket]


class Explorer:
    """`add` chains, `start`, hand out `url`s; set `knobs` and read `calls` at any time.

    `calls` counts by (chain, style, endpoint), refused and failed calls included.
    """

    def __init__(self, port: int = 0) -> None:
        self._services: dict[tuple[str, str], Service[Any] | Prices] = {}
        self._calls: Counter[tuple[str, str, str]] = Counter()
        self._second: Counter[tuple[str, str, int]] = Counter()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="local-explorer", daemon=True
        )

    def add(
        self,
        chain: str,
        ledger: AccountLedger | UtxoLedger,
        *styles: str,
        chain_id: int | None = None,
    ) -> None:
        """Serve one ledger under a chain's name in the given styles."""
        for style in styles:
            self._services[chain, style] = STYLES[style](ledger, chain_id)

    def price(self, usd: Mapping[str, float]) -> None:
        """Say what coins are worth, as chain "prices" in the style of DefiLlama."""
        self._services["prices", Prices.style] = Prices(usd)

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def base(self) -> str:
        """http://127.0.0.1:PORT"""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def url(self, chain: str, style: str) -> str:
        """What goes into `url` of config/sources.yaml."""
        return f"{self.base}/{chain}/{style}{self._services[chain, style].url_tail}"

    def knobs(self, chain: str, style: str) -> Knobs:
        return self._services[chain, style].knobs

    @property
    def calls(self) -> Counter[tuple[str, str, str]]:
        """A copy of the counts so far."""
        with self._lock:
            return Counter(self._calls)

    def forget_calls(self) -> None:
        with self._lock:
            self._calls.clear()

    def reply(self, method: str, target: str, body: bytes) -> Reply:
        """The answer to one request line's target."""
        parts = urlsplit(target)
        _, chain, style, *rest = (*parts.path.split("/"), "", "")
        service = self._services.get((chain, style))
        if service is None:
            return Reply(b"Not Found", HTTPStatus.NOT_FOUND, TEXT)
        tail = "/" + unquote("/".join(rest).strip("/"))
        query = {k.lower(): v for k, v in parse_qsl(parts.query, keep_blank_values=True)}
        request = Request(method, tail, query, body)
        with self._lock:
            self._calls[chain, style, service.endpoint(request)] += 1
            if service.knobs.seen is not None:
                service.knobs.seen.append(request)
        if service.knobs.delay:
            time.sleep(service.knobs.delay)
        return self._refusal(chain, service) or service.answer(request)

    def _refusal(self, chain: str, service: Service[Any] | Prices) -> Reply | None:
        knobs = service.knobs
        with self._lock:
            if knobs.fail_next > 0:
                knobs.fail_next -= 1
                return Reply(b"Internal Server Error", HTTPStatus.INTERNAL_SERVER_ERROR, TEXT)
            status = knobs.limited
            if knobs.per_second and not status:
                now = (chain, service.style, int(time.monotonic()))
                self._second[now] += 1
                status = 429 if self._second[now] > knobs.per_second else 0
        return Reply(service.limit_text, status) if status else None


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # `stop` waits for them, so that no socket outlives the explorer
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], explorer: Explorer) -> None:
        self.explorer = explorer
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Connection, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Connection) -> None:
        assert isinstance(request, socket.socket)
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End kept-alive connections, so that their threads come to an end."""
        for connection in tuple(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was quicker

    def handle_error(self, request: Connection, client_address: object) -> None:
        """A client that went away in the middle is no news here; a bug of ours is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(StreamRequestHandler):
    """HTTP/1.1 with kept-alive connections, read by hand: the library's parser costs more
    than an answer, and this server has to feed a thousand addresses a pass."""

    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        while self._one_request():
            pass

    def _one_request(self) -> bool:
        line = self.rfile.readline(_LINE_MOST)
        method, _, rest = line.decode("latin-1").strip().partition(" ")
        target = rest.partition(" ")[0]
        if not target:
            return False
        headers = self._headers()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        self._send(self.server.explorer.reply(method, target, body))
        return headers.get("connection", "").lower() != "close"

    def _headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        while (line := self.rfile.readline(_LINE_MOST)) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            found[name.strip().lower()] = value.strip()
        return found

    def _send(self, reply: Reply) -> None:
        reason = HTTPStatus(reply.status).phrase
        head = (
            f"HTTP/1.1 {int(reply.status)} {reason}\r\n"
            f"Content-Type: {reply.content_type}\r\nContent-Length: {len(reply.body)}\r\n\r\n"
        )
        self.wfile.write(head.encode("latin-1") + reply.body)
