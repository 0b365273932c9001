"""Ways to tell people and machines: one small file each, and this table of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from monitor.model import ChannelConfig
from monitor.model.ports import Channel

# Webhooks follow Standard Webhooks; mail is tried for four days, as mail servers themselves do;
# chats as long, but sooner at first: mostly they ask for a second's pause.
_WEBHOOK = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
_MAIL = (60, 300, 900, 1800, 3600, *([7200] * 6), *([21_600] * 13))
_CHAT = (5, 30, 120, *_MAIL[1:])


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """One line of the table: where the class lives (loaded on first use), which is made as
    Class(config, proxies=..., verify=...), and how often it is tried."""

    adapter: str
    waits: tuple[int, ...]  # seconds before each further try


_HERE = "monitor.net.channels"
CHANNELS: Mapping[str, ChannelKind] = {
    "webhook": ChannelKind(f"{_HERE}.webhook:Webhook", _WEBHOOK),
    "email": ChannelKind(f"{_HERE}.email:Email", _MAIL),
    "slack": ChannelKind(f"{_HERE}.chat:Slack", _CHAT),
    "teams": ChannelKind(f"{_HERE}.chat:Teams", _CHAT),
    "discord": ChannelKind(f"{_HERE}.chat:Discord", _CHAT),
    "apprise": ChannelKind(f"{_HERE}.apprise:Apprise", _CHAT),
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
    module, _, name = CHANNELS[config.kind].adapter.partition(":")
    channel: CheckedChannel = getattr(import_module(module), name)(
        config, proxies=proxies, verify=verify
    )
    return channel
