"""What every outward connection shares: a deadline that holds, and a look at the peer.

Neither requests nor smtplib has a total time-out: each read may take the whole time-out
again, so a server that sends a byte now and then holds a call for ever. Here a timer cuts
the connection itself.
"""

from __future__ import annotations

import http.client
import ipaddress
import logging
import os
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from monitor import __version__
from monitor.model.hosts import is_loopback

# urllib3 writes whole URLs, keys included, into its debug lines and into one warning.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

USER_AGENT = f"Fundwatch/{__version__}"
Address = tuple[Any, ...]  # as the socket module gives and takes it
LONGEST_RETRY_AFTER = 3600.0  # seconds; a server may not silence us for longer

# Not reachable from the public internet, or leading back inside by translation. Python's
# `is_global` says True for several of these (64:ff9b::/96, 192.0.0.8, multicast).
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24"),
        *("192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")


class PrivatePeerError(OSError):
    """A connection that must stay on the public internet leads elsewhere."""


def is_public(address: str) -> bool:
    """Whether a numeric address belongs to the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip not in _PUBLIC_IPV6:
            return False
    return ip.is_global and not any(ip in network for network in _NOT_PUBLIC)


_here = threading.local()
_SAME_MOMENT = 0.02  # seconds


class Deadline:
    """A block of work in this thread that ends after `seconds`, whatever the peer does.

    Connections opened inside the block (by `open_socket`, or by a session of `session`)
    are cut when the time is over; `expired` then says why. With `public_only` they may
    lead to public addresses only.
    """

    def __init__(self, seconds: float, *, public_only: bool = False) -> None:
        self.seconds = seconds
        self.public_only = public_only
        self.expired = False
        self._ends = time.monotonic() + seconds
        self._timer = threading.Timer(max(seconds, 0.0), self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._watched: socket.socket | None = None

    def __enter__(self) -> Deadline:
        _here.deadline = self
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        _here.deadline = None
        with self._lock:
            self._let_go()
        if self.expired and isinstance(error, (AttributeError, ValueError)):
            # The libraries stumble over a connection that is cut while they work on it.
            raise TimeoutError("deadline") from None

    def over(self) -> bool:
        """Whether the time is up. A socket's own time-out comes at the same moment and may be
        quicker than the timer."""
        return self.expired or time.monotonic() >= self._ends - _SAME_MOMENT

    def left(self) -> float:
        """Seconds that remain; raises TimeoutError when there are none."""
        left = self._ends - time.monotonic()
        if self.expired or left <= 0:
            self.expired = True
            raise TimeoutError("deadline")
        return left

    def watch(self, sock: socket.socket) -> None:
        """Cut this connection when the time is over.

        A duplicate of the descriptor is kept: wrapping in TLS detaches the original, and
        a duplicate cannot be closed and handed to somebody else under the timer's hands.
        """
        with self._lock:
            self._let_go()
            self._watched = socket.fromfd(sock.fileno(), socket.AF_INET, socket.SOCK_STREAM)
            if self.expired:
                _shut(self._watched)

    def _cut(self) -> None:
        with self._lock:
            self.expired = True
            if self._watched is not None:
                _shut(self._watched)

    def _let_go(self) -> None:
        if self._watched is not None:
            self._watched.close()
            self._watched = None


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the peer was quicker


def _deadline() -> Deadline:
    deadline = getattr(_here, "deadline", None)
    if not isinstance(deadline, Deadline):
        raise TypeError("connections are opened inside a Deadline only")
    return deadline


def resolve(host: str, port: int) -> list[tuple[int, Address]]:
    """Address families and socket addresses of a host, within the thread's deadline.

    The system's resolver cannot be interrupted, so it runs beside and may be left behind.
    """
    found: list[tuple[int, Address]] = []
    faults: list[OSError] = []

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except OSError as error:
            faults.append(error)
        except UnicodeError:  # a label that no name can have
            faults.append(socket.gaierror(socket.EAI_NONAME, "not a host name"))
        else:
            found.extend((row[0], row[4]) for row in rows)

    worker = threading.Thread(target=look_up, daemon=True)
    worker.start()
    worker.join(_deadline().left())
    if faults:
        raise faults[0]
    if not found:
        raise TimeoutError("name resolution")
    return found


def open_socket(host: str, port: int) -> socket.socket:
    """Connect within the thread's Deadline, to the first address that answers.

    Raises OSError: gaierror for an unknown name, TimeoutError, PrivatePeerError when the
    deadline is `public_only` and every address of the host is not public.
    """
    deadline = _deadline()
    targets = resolve(host, port)
    if deadline.public_only:
        targets = [target for target in targets if is_public(target[1][0])]
    fault: OSError = PrivatePeerError(host)
    for family, address in targets:
        try:
            return _connect(deadline, family, address)
        except OSError as error:
            fault = error
    raise fault


def _connect(deadline: Deadline, family: int, address: Address) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(deadline.left())
        deadline.watch(sock)
        sock.connect(address)
        _check_peer(deadline, sock.getpeername()[0])
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(deadline.left())
    except BaseException:  # also a stop meanwhile: nothing stays open
        sock.close()
        raise
    return sock


def _check_peer(deadline: Deadline, address: str) -> None:
    if deadline.public_only and not is_public(address):
        raise PrivatePeerError(address)


class _Http(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return open_socket(self._dns_host, int(self.port))

    def putrequest(
        self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False
    ) -> None:
        if self.sock is not None:  # kept alive from an earlier call, or already in TLS
            _deadline().watch(self.sock)
        super().putrequest(method, url, skip_host, skip_accept_encoding)


class _Https(_Http, HTTPSConnection):
    """The same over TLS."""


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


_POOLS = {"http": _HttpPool, "https": _HttpsPool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - theirs
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ANN401 - theirs
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def session(proxies: Mapping[str, str], verify: bool | str) -> requests.Session:
    """A requests session for one thread; its calls must run inside a Deadline.

    Nothing is guessed from the environment: no proxy, no netrc, no CA bundle.
    """
    made = requests.Session()
    made.trust_env = False
    made.proxies = dict(proxies)
    made.verify = verify
    made.headers.clear()
    made.headers["User-Agent"] = USER_AGENT
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter())
    return made


def proxies_for(url: str, proxies: Mapping[str, str] | None) -> Mapping[str, str]:
    """The proxies for a URL: none for this machine, which no proxy can reach."""
    return {} if is_loopback(where(url)[0]) else dict(proxies or {})


def where(url: str) -> tuple[str, int | None]:
    """Host and port of a URL; an empty host where the URL cannot be read."""
    try:
        parts = urllib3.util.parse_url(url)
    except urllib3.exceptions.LocationParseError:
        return "", None
    return (parts.host or "").strip("[]"), parts.port


def host_of(url: str) -> str:
    """Host and port as messages may show them: without user, path and query."""
    host, port = where(url)
    shown = f"[{host}]" if ":" in host else host or "unreadable url"
    return f"{shown}:{port}" if port else shown


def expired(deadline: Deadline) -> str:
    return f"no full answer within {deadline.seconds:.3g} s"


CHANNEL_TRUST = "ca_file of this channel"


def explain(
    error: BaseException, deadline: Deadline, trust: str = "ca_bundle in config/settings.yaml"
) -> str:
    """A fault of the network in plain words, without any part of the URL. `trust`: the setting
    that names whose certificates are trusted."""
    if deadline.expired or (deadline.over() and is_caused_by(error, TimeoutError)):
        return expired(deadline)
    chain = _causes(error)
    words = next(filter(None, map(_words, chain)), f"failed ({type(error).__name__})")
    if is_caused_by(error, ssl.SSLCertVerificationError):
        words += f". If it is your own, name the PEM file to trust: {trust}"
    at_proxy = is_caused_by(error, urllib3.exceptions.ProxyError)
    return f"at the proxy: {words}" if at_proxy else words


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (PrivatePeerError, "leads to an address that is not on the public internet"),
    (socket.gaierror, "its name cannot be resolved"),
    (ssl.SSLError, "TLS could not be agreed"),
    (ConnectionRefusedError, "refused the connection"),
    (TimeoutError, "no answer in time"),
    (http.client.RemoteDisconnected, "closed the connection without an answer"),
    (http.client.IncompleteRead, "cut its answer short"),
    (urllib3.exceptions.InvalidChunkLength, "cut its answer short"),
    (ConnectionError, "cut the connection"),
    (http.client.HTTPException, "its answer is not HTTP"),
    (urllib3.exceptions.DecodeError, "its answer cannot be unpacked"),
    (smtplib.SMTPServerDisconnected, "cut the connection"),
    (smtplib.SMTPHeloError, "refused our greeting"),
)


def is_caused_by(error: BaseException, kind: type[BaseException]) -> bool:
    return any(isinstance(cause, kind) for cause in _causes(error))


def _words(cause: BaseException) -> str | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its TLS certificate is not trusted ({cause.verify_message})"
    if type(cause) is OSError and cause.errno:
        return os.strerror(cause.errno)
    return next((words for kind, words in _WORDS if isinstance(cause, kind)), None)


def _causes(error: BaseException) -> list[BaseException]:
    """Innermost first: libraries wrap them in cause, context, reason and arguments."""
    found = [error]
    for item in found:
        inner = (*item.args, getattr(item, "reason", None), item.__cause__, item.__context__)
        found.extend(x for x in inner if isinstance(x, BaseException) and x not in found)
    return found[::-1]


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for: 0 to 3,600; None if there is none, or
    if it is neither whole seconds nor a date."""
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]+", text):
        return min(float(text[:9]), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(aware.timestamp() - now, 0.0), LONGEST_RETRY_AFTER)
