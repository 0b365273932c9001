"""The alarm that needs no record: a message straight to the channels for operations.

Everything else that is told is frozen in the record first. When just that cannot be written,
this goes out once, and again every hour while it lasts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from jinja2 import Environment

from monitor import __version__
from monitor.decide import routing
from monitor.messages import render
from monitor.model import Alert, AlertKind, AlertView, ChannelConfig, Lane, Outgoing, Severity
from monitor.model.errors import ConfigError, DeliveryError
from monitor.model.facts import IncidentNotice, Notice
from monitor.model.ids import stable_id
from monitor.model.ports import Channel

log = logging.getLogger("fundwatch.emergency")

AGAIN = 3600.0  # seconds between two messages while it lasts
UNHEARD = 60.0  # seconds until the next try where nobody took it
CALM = 600.0  # seconds for which it must be over, or the next one waits: disks flap
WITHIN = 45.0  # seconds that sending may take where somebody waits for it


class Emergency:
    """Tells operations what cannot be told through the record, at most once an hour; where
    none of their channels takes it, whoever else there is."""

    def __init__(
        self,
        configs: Mapping[str, ChannelConfig],
        make: Callable[[ChannelConfig], Channel],
        templates: Environment,
        timezone: Callable[[], str],
        clock: Callable[[], int],
    ) -> None:
        self._configs, self._make, self._templates = configs, make, templates
        self._timezone, self._clock = timezone, clock
        self._not_before = 0.0  # on the monotonic clock
        self._lasting = False

    def tell(self, what: str, cure: str, *, last: bool = False) -> threading.Thread | None:
        """Send in a thread of its own; None when it was told within the hour. What is `last`,
        since the process ends with it, is told whatever was told before."""
        moment = time.monotonic()
        if moment < self._not_before and not last:
            return None
        self._not_before, self._lasting = moment + AGAIN, True
        thread = threading.Thread(
            target=self._send, args=[what, cure], name="emergency", daemon=True
        )
        thread.start()
        return thread

    @property
    def told(self) -> bool:
        """Whether anything was told that is not over yet."""
        return self._lasting

    def over(self) -> None:
        """What was told is over. If that lasts, the next one is told at once."""
        self._lasting = False
        self._not_before = min(self._not_before, time.monotonic() + CALM)

    def _send(self, what: str, cure: str) -> None:
        alert = _notice(what, cure, self._clock())
        configs = self._configs
        theirs = [configs[n] for _, n, _ in routing.routes(alert, None, configs) if n in configs]
        others = [each for each in configs.values() if each not in theirs]
        if not self._send_to(theirs, alert) and not self._send_to(others, alert):
            self._not_before = min(self._not_before, time.monotonic() + UNHEARD)

    def _send_to(self, group: Sequence[ChannelConfig], alert: Alert) -> bool:
        """Whether anybody has taken it within the time."""
        taken = threading.Event()
        threads = [
            threading.Thread(target=self._send_one, args=[alert, each, taken], daemon=True)
            for each in group
        ]
        for each in threads:
            each.start()
        deadline = time.monotonic() + WITHIN
        for each in threads:
            each.join(max(0.0, deadline - time.monotonic()))
        return taken.is_set()

    def _send_one(self, alert: Alert, config: ChannelConfig, taken: threading.Event) -> None:
        """Who refuses must not keep the others from hearing, of other channels or of this."""
        try:
            channel = self._make(config)
            for recipient in config.recipients:
                if self._try(channel, self._outgoing(alert, config, recipient)):
                    taken.set()
        except (ConfigError, DeliveryError) as error:
            log.warning("emergency %s not accepted by %s: %s", alert.id, config.name, error)
        except Exception:  # a fault of ours in one channel
            log.exception("emergency %s could not be sent by %s", alert.id, config.name)

    def _try(self, channel: Channel, message: Outgoing) -> bool:
        """Raises DeliveryError where it is no use to ask for another recipient."""
        try:
            channel.send(message)
        except DeliveryError as error:
            if not error.personal:
                raise
            log.warning("emergency %s: %s", message.message_id, error)
            return False
        log.warning("emergency %s accepted by %s", message.message_id, channel.name)
        return True

    def _outgoing(self, alert: Alert, config: ChannelConfig, recipient: str) -> Outgoing:
        message_id = stable_id("M", alert.id, config.name)
        rendered = render.render(
            [AlertView(alert, "open")],
            channel=config,
            allowed_cases=frozenset(),
            message_id=message_id,
            now=alert.created,
            timezone=self._timezone(),
            version=__version__,
            templates=self._templates,
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
        facts=Notice(incident=IncidentNotice("record", what, since=now, cure=cure)),
    )
