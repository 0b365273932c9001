"""The alarm that needs no record: a message straight to the channels for operations.

Everything else that is told is frozen in the record first. When just that cannot be written,
this goes out once, and again every hour while it lasts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from monitor import __version__, channels, messages, routing
from monitor.chains import stable_id
from monitor.errors import ConfigError, DeliveryError
from monitor.model import Alert, AlertKind, AlertView, ChannelConfig, Lane, Outgoing, Severity

if TYPE_CHECKING:
    from monitor.app import Fundwatch

log = logging.getLogger("fundwatch.emergency")

AGAIN = 3600.0  # seconds between two messages while it lasts
WITHIN = 45.0  # seconds that sending may take where somebody waits for it


class Emergency:
    """Tells operations what cannot be told through the record, at most once an hour."""

    def __init__(self, desk: Fundwatch, clock: Callable[[], int]) -> None:
        self._desk, self._clock = desk, clock
        self._told: float | None = None

    def tell(self, what: str, cure: str) -> threading.Thread | None:
        """Send in a thread of its own; None when it was told within the hour."""
        moment = time.monotonic()
        if self._told is not None and moment - self._told < AGAIN:
            return None
        self._told = moment
        thread = threading.Thread(
            target=self._send, args=[what, cure], name="emergency", daemon=True
        )
        thread.start()
        return thread

    @property
    def told(self) -> bool:
        """Whether anything was told that is not over yet."""
        return self._told is not None

    def over(self) -> None:
        """What was told is over: the next one is told at once."""
        self._told = None

    def _send(self, what: str, cure: str) -> None:
        alert = _notice(what, cure, self._clock())
        configs = self._desk.settings.channels
        names = [name for _, name, _ in routing.routes(alert, None, configs)]
        threads = [
            threading.Thread(target=self._send_one, args=[alert, configs[name]], daemon=True)
            for name in names
        ]
        for each in threads:
            each.start()
        deadline = time.monotonic() + WITHIN
        for each in threads:
            each.join(max(0.0, deadline - time.monotonic()))

    def _send_one(self, alert: Alert, config: ChannelConfig) -> None:
        """One that refuses must not keep the others from hearing."""
        settings = self._desk.settings
        try:
            channel = channels.build(
                config, proxies=settings.proxies or None, verify=settings.ca_bundle or True
            )
            for recipient in routing.recipients(config):
                channel.send(self._outgoing(alert, config, recipient))
                log.warning("emergency %s accepted by %s", alert.id, config.name)
        except (ConfigError, DeliveryError) as error:
            log.warning("emergency %s not accepted by %s: %s", alert.id, config.name, error)
        except Exception:  # a fault of ours in one channel
            log.exception("emergency %s could not be sent by %s", alert.id, config.name)

    def _outgoing(self, alert: Alert, config: ChannelConfig, recipient: str) -> Outgoing:
        message_id = stable_id("M", alert.id, config.name)
        rendered = messages.render(
            [AlertView(alert, "open")],
            channel=config,
            allowed_cases=frozenset(),
            message_id=message_id,
            now=alert.created,
            timezone=self._desk.timezone,
            version=__version__,
            templates=self._desk.templates,
        )
        return Outgoing(message_id, recipient, alert.created, rendered)


def _notice(what: str, cure: str, now: int) -> Alert:
    return Alert(
        id=stable_id("N", "emergency", what, str(now)),
        kind=AlertKind.NOTICE,
        lane=Lane.NEWS,
        severity=Severity.SEVERE,
        created=now,
        title=what,
        lane_reason="Told without the record, which cannot be written.",
        audience="operations",
        facts={"incident": {"key": "record", "what": what, "since": now, "cure": cure}},
    )
