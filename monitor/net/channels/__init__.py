"""Ways to tell people and machines: one small file each, and this table of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol

from monitor.model import ChannelConfig
from monitor.model.ports import Channel

# kind in config/channels.yaml -> module and class. A class is made as
# Class(config, proxies=..., verify=...).
CHANNELS: dict[str, str] = {
    "webhook": "monitor.net.channels.webhook.Webhook",
    "email": "monitor.net.channels.email.Email",
    "slack": "monitor.net.channels.chat.Slack",
    "teams": "monitor.net.channels.chat.Teams",
    "discord": "monitor.net.channels.chat.Discord",
    "apprise": "monitor.net.channels.apprise.Apprise",
}


class CheckedChannel(Channel, Protocol):
    """What every channel here can do."""

    def check(self) -> str:
        """Try everything short of a message; one plain sentence on what was found.
        Raises DeliveryError."""


def build(
    config: ChannelConfig,
    *,
    proxies: Mapping[str, str] | None = None,
    verify: bool | str = True,
) -> CheckedChannel:
    """Make a configured channel. `proxies` as requests takes them ({"https": url}); verify
    is True, or the path of a PEM file that replaces the system's certificates.

    Raises ConfigError for what the channel cannot work with, KeyError for an unknown kind.
    """
    module, _, name = CHANNELS[config.kind].rpartition(".")
    channel: CheckedChannel = getattr(import_module(module), name)(
        config, proxies=proxies, verify=verify
    )
    return channel
