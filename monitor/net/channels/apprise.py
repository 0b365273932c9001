"""Everything else, by Apprise (https://github.com/caronc/apprise): one recipient a URL.

Apprise brings its own network code: our deadline only bounds how long a channel waits for
it. Its log lines and answers may hold parts of a URL, so they are kept away or cleaned.
"""

from __future__ import annotations

import html
import json
import logging
import re
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from monitor.model import ChannelConfig, Outgoing, plain
from monitor.model.errors import ConfigError, DeliveryError, Problem
from monitor.net import hidden

TIMEOUT = 45.0  # seconds that one message to one URL may take
_NUMBER = re.compile(r"no\. ([0-9]{1,4})\b")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{1,19})://")

_Theirs = Any  # of an optional package


class Apprise:
    """The services of a channel's URLs. Accepted means that Apprise said that the service
    took the message."""

    def __init__(
        self,
        config: ChannelConfig,
        *,
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 - it knows its own ways only
        verify: bool | str = True,  # noqa: ARG002 - as above
        timeout: float = TIMEOUT,
    ) -> None:
        self.name = config.name
        self._timeout = timeout
        self._library = _library(config.name)
        self._hidden = [hidden.of_anything(_SCHEME.sub("", url, count=1)) for url in config.urls]
        self._services = _services(self._library, config)
        self._left: dict[int, threading.Thread] = {}  # by URL: what did not end in time

    def send(self, message: Outgoing) -> str:
        """Hand the text to the service of message.recipient ("no. 2 (tgram)")."""
        at = self._index(message.recipient)
        if at in self._left and self._left[at].is_alive():
            raise self._error(message, "still works at an earlier message", "timeout")
        outcome: list[Any] = []
        work = (self._services[at], message, outcome)
        thread = threading.Thread(target=self._notify, args=work, daemon=True)
        thread.start()
        thread.join(self._timeout)
        if thread.is_alive():
            # It cannot be stopped. If it succeeds after all, the repeat is a second message.
            self._left[at] = thread
            raise self._error(message, f"no answer within {self._timeout:.3g} s", "timeout")
        if outcome and outcome[0]:
            return "accepted (said Apprise)"
        raise self._error(message, self._reason(at, outcome), "refused")

    def check(self) -> str:
        """Nothing can be tried without a message: the URLs were understood, no more."""
        known = ", ".join(str(service.service_name) for service in self._services)
        return f"Apprise understands the URLs ({plain.tidy(known)}); only a message tries them"

    def _index(self, recipient: str) -> int:
        found = _NUMBER.match(recipient)
        at = int(found[1]) - 1 if found else -1
        if 0 <= at < len(self._services):
            return at
        raise DeliveryError(
            f"{self.name}: there is no URL {plain.tidy(recipient)} any more",
            permanent=True,
            status="address",
        )

    def _notify(self, service: _Theirs, message: Outgoing, outcome: list[_Theirs]) -> None:
        frozen = json.loads(message.rendered.json)
        title = message.rendered.subject
        sender = self._library.Apprise(asset=service.asset)
        sender.add(service)
        try:
            outcome.append(
                sender.notify(
                    body=_fitting(service, title, frozen["bodies"]),
                    title=title,
                    notify_type=self._library.NotifyType(frozen["type"]),
                    body_format=self._library.NotifyFormat.TEXT,
                )
            )
        except Exception as error:  # noqa: BLE001 - a plugin's fault is this delivery's
            outcome.extend((None, error))

    def _reason(self, at: int, outcome: Sequence[_Theirs]) -> str:
        """Apprise's own words, without any piece of the URL."""
        if len(outcome) > 1:
            return f"its plugin failed ({type(outcome[1]).__name__})"
        said = [str(entry.message) for entry in outcome[0].logs()] if outcome else []
        words = self._hidden[at].hide(" ".join(said))
        return f"not accepted: {plain.tidy(words)}" if words else "not accepted"

    def _error(self, message: Outgoing, words: str, status: str) -> DeliveryError:
        return DeliveryError(f"{self.name} {message.recipient}: {words}", status=status)


@cache
def _quiet() -> None:
    """Its log lines would name URLs: they stay with it, for its results. So do those of what
    it stands on."""
    log = logging.getLogger("apprise")
    log.setLevel(logging.WARNING)
    log.propagate = False
    log.addHandler(logging.NullHandler())
    for name in ("urllib3", "requests_oauthlib", "oauthlib"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _library(channel: str) -> _Theirs:
    _quiet()
    try:
        return import_module("apprise")
    except ModuleNotFoundError:
        place = f"config/channels.yaml: channels.{channel}"
        remedy = "Install Fundwatch with its extras: docs/install.md, section Extras"
        problem = Problem(place, "apprise", "needs a package that is not installed", remedy)
    raise ConfigError([problem])


def _services(library: _Theirs, config: ChannelConfig) -> list[_Theirs]:
    asset = library.AppriseAsset(
        app_id="Fundwatch",
        app_desc="Fundwatch",
        image_url_mask="",  # nothing is loaded from elsewhere
        image_url_logo="",
        async_mode=False,  # in our own thread, which never keeps the process alive
        service_timeout=0,
        http_redirects=False,
        storage_mode="memory",
    )
    made = [library.Apprise.instantiate(url, asset=asset) for url in config.urls]
    place = f"config/channels.yaml: channels.{config.name}.urls"
    remedy = "Compare it with the service's page at https://github.com/caronc/apprise/wiki"
    problems = [
        Problem(place, recipient, "is no URL that Apprise understands", remedy)
        for recipient, service in zip(config.to, made, strict=True)
        if service is None
    ]
    if problems or not made:
        raise ConfigError(problems or [Problem(place, "", "has no URL", "Fill urls_env")])
    for service in made:
        # What still does not fit (an SMS) goes out in pieces rather than cut.
        service.overflow_mode = library.OverflowMode.SPLIT
    return made


def _fitting(service: _Theirs, title: str, bodies: Sequence[str]) -> str:
    """The longest of the frozen bodies that the service takes in one piece."""
    together = service.title_maxlen <= 0 or service.overflow_amalgamate_title
    room = service.body_maxlen - service.overflow_buffer - (len(title) + 2 if together else 0)
    fit = (body for body in bodies if service.body_maxlen <= 0 or len(html.escape(body)) <= room)
    return next(fit, bodies[-1])
