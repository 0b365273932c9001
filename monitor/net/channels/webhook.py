"""JSON by HTTP POST, signed as Standard Webhooks (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import requests
import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from monitor.model import ChannelConfig, Outgoing, plain
from monitor.model.errors import ConfigError, DeliveryError, Problem
from monitor.net import hidden, wire
from monitor.net.channels import answers
from monitor.net.channels.answers import Reply

TIMEOUT = 15.0  # seconds for the whole delivery
_PREFIX = "whsec_"
_MOST = 65_536  # bytes of the receiver's answer that are looked at
# A no until somebody acts: 4xx but for "not now", and a server that does not know the request.
_LASTING = frozenset({*range(400, 500), 501, 505}) - {408, 425, 429}
_LEAST_KEY = 12  # bytes; a shorter key can be guessed from one signature
_WORDS = 4096  # characters of it that may be shown
_REMEDY_PRIVATE = "If this is meant, set allow_private: true for the channel."


def key_of(secret: str) -> bytes:
    """The signing key of a secret: what follows whsec_ is base64, any other text is itself.

    Raises ValueError where the base64 is broken.
    """
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("not base64 after whsec_") from None


def sign(keys: tuple[bytes, ...], message_id: str, timestamp: int, body: bytes) -> str:
    """The webhook-signature header: one signature for each key, so that keys can rotate."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    digests = (hmac.digest(key, signed, hashlib.sha256) for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


class Webhook:
    """One endpoint. A 2xx that says nothing else is acceptance (see answers); every other
    outcome is a DeliveryError."""

    def __init__(
        self,
        config: ChannelConfig,
        *,
        proxies: Mapping[str, str] | None = None,
        verify: bool | str = True,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = config.name
        self._url = config.url
        self._keys = _keys(config)
        self._private = config.allow_private
        self._proxies = wire.proxies_for(config.url, proxies)
        self._verify = config.ca_file or verify
        self._timeout = timeout
        self._clock = clock
        self._host = wire.host_of(config.url)
        proxied = (hidden.of_url(proxy) for proxy in (proxies or {}).values())
        self._hidden = (hidden.of_url(config.url, *config.secrets), *proxied)

    def send(self, message: Outgoing) -> str:
        """POST the message's JSON; returns status and the beginning of the answer."""
        body = message.rendered.json.encode("utf-8", "replace")
        deadline = self._deadline()
        try:
            with deadline, wire.session(self._proxies, self._verify) as session:
                self._check_target()
                with session.post(
                    self._url,
                    data=body,
                    headers=self._headers(message.message_id, body),
                    stream=True,
                    allow_redirects=False,
                    timeout=self._timeout,
                ) as response:
                    return self._outcome(response, deadline)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            fault = self._fault(error, deadline)
        # Raised here, so that the library's exception, which holds the whole URL, is not
        # its context.
        raise fault

    def check(self) -> str:
        """Resolve, connect, agree on TLS; send nothing."""
        deadline = self._deadline()
        try:
            with deadline:
                self._check_target()
                return self._knock()
        except OSError as error:
            fault = self._fault(error, deadline)
        raise fault

    def _deadline(self) -> wire.Deadline:
        # Through a proxy the peer is the proxy, which may be private: see _check_target.
        public_only = not self._private and not self._proxies
        return wire.Deadline(self._timeout, public_only=public_only)

    def _check_target(self) -> None:
        """Through a proxy only the target's own addresses can be looked at."""
        if self._private or not self._proxies:
            return
        host, port = wire.where(self._url)
        if not all(wire.is_public(address[0]) for _, address in wire.resolve(host, port or 443)):
            raise wire.PrivatePeerError(host)

    def _knock(self) -> str:
        host, port = wire.where(self._url)
        secure = self._url.lower().startswith("https:")
        if self._proxies:
            proxy = self._proxies.get("https" if secure else "http", "")
            with wire.open_socket(*_host_and_port(proxy, 8080)):
                return (
                    f"the proxy {wire.host_of(proxy)} answers and {self._host} has a permitted "
                    "address here; what the proxy reaches shows only when a message is sent"
                )
        with wire.open_socket(host, port or (443 if secure else 80)) as sock:
            if not secure:
                return f"{self._host} takes connections (not encrypted); nothing was sent"
            with _trust(self._verify).wrap_socket(sock, server_hostname=host) as tls:
                return f"{self._host} takes connections ({tls.version()}); nothing was sent"

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        now = int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
        }
        if self._keys:
            headers["webhook-signature"] = sign(self._keys, message_id, now, body)
        return headers

    def _outcome(self, response: requests.Response, deadline: wire.Deadline) -> str:
        if deadline.expired:  # cut among the headers: nothing is known
            raise self._error(wire.expired(deadline), "timeout")
        status, text = response.status_code, self._text(response)
        words = self._words(text)
        if 200 <= status < 300:
            reply = Reply(status, response.headers.get("Content-Type", ""), text)
            if not (why := self._why_not(reply)):
                return self._accepted(status, words)
            if deadline.expired:
                raise self._error(wire.expired(deadline), "timeout")
            raise self._wrong_yes(reply, why, words)
        if 300 <= status < 400:
            raise self._error(
                f"answered HTTP {status}, a redirect, which is never followed. Set the final "
                "address as the channel's url.",
                str(status),
                lasting=True,
            )
        raise self._refusal(
            status, words, wire.retry_after(response.headers.get("Retry-After"), self._clock())
        )

    def _why_not(self, reply: Reply) -> str:
        """Why a 2xx is no acceptance here; empty: it is one."""
        return answers.webhook(reply)

    def _wrong_yes(self, reply: Reply, why: str, words: str) -> DeliveryError:
        """What a 2xx that is no acceptance means."""
        said = f"HTTP {reply.status}, but {why}: {words}".rstrip(": ")
        return self._error(f"{said}. Compare the channel's url", "no yes", lasting=True)

    def _accepted(self, status: int, words: str) -> str:
        """What is kept of an acceptance."""
        return f"{status} {words}".strip()

    def _refusal(self, status: int, words: str, retry_after: float | None) -> DeliveryError:
        """What an answer means that is neither acceptance nor a redirect."""
        return DeliveryError(
            f"{self.name} ({self._host}): answered HTTP {status} {words}".rstrip(),
            lasting=status in _LASTING,
            disable=status == 410,
            retry_after=retry_after,
            status=str(status),
        )

    def _text(self, response: requests.Response) -> str:
        """The beginning of the answer. The status has been told: what breaks off after it is
        as long as it is."""
        found = bytearray()
        with suppress(urllib3.exceptions.HTTPError, OSError):
            while len(found) < _MOST:
                part = response.raw.read1(_MOST - len(found), decode_content=True)
                if not part:
                    break
                found += part
        return found.decode("utf-8-sig", "replace").replace("\0", "")

    def _words(self, text: str) -> str:
        """The beginning of an answer, without anything secret that it repeats."""
        words = plain.tidy(text, _WORDS)
        for each in self._hidden:  # before they are cut: no piece may be left
            words = each.hide(words)
        return plain.tidy(words)

    def _fault(self, error: Exception, deadline: wire.Deadline) -> DeliveryError:
        words = wire.explain(error, deadline, wire.CHANNEL_TRUST)
        if wire.is_caused_by(error, wire.PrivatePeerError):
            return self._error(f"{words}. {_REMEDY_PRIVATE}", "blocked")
        return self._error(words, "timeout" if deadline.expired else "connection")

    def _error(self, words: str, status: str, *, lasting: bool = False) -> DeliveryError:
        text = f"{self.name} ({self._host}): {words}"
        return DeliveryError(text, lasting=lasting, status=status)


def _keys(config: ChannelConfig) -> tuple[bytes, ...]:
    host, _ = wire.where(config.url)
    problems = []
    if not host or not config.url.lower().startswith(("http://", "https://")):
        problems.append(("url", "is not an http or https address", "Write https://host/path"))
    try:
        keys = tuple(key_of(secret) for secret in config.secrets)
    except ValueError:
        keys = ()
        problems.append(
            ("secret", "starts with whsec_, but no base64 follows", "Copy the secret again")
        )
    if any(len(key) < _LEAST_KEY for key in keys):
        remedy = f"Make a longer one (at least {_LEAST_KEY} bytes; whsec_ and 32 are usual)"
        problems.append(("secret", "is too short: its signatures could be forged", remedy))
    if problems:
        place = f"config/channels.yaml: channels.{config.name}"
        raise ConfigError([Problem(f"{place}.{key}", "", why, how) for key, why, how in problems])
    return keys


def _host_and_port(url: str, default: int) -> tuple[str, int]:
    host, port = wire.where(url)
    return host, port or default


def _trust(verify: bool | str) -> ssl.SSLContext:
    """The certificates that a delivery would go by."""
    bundle = verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH
    return ssl.create_default_context(cafile=bundle)
