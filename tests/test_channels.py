"""The table of channels: every kind can be made."""

from __future__ import annotations

from monitor.model import ChannelConfig
from monitor.net import channels
from monitor.net.channels.apprise import Apprise
from monitor.net.channels.chat import Discord, Slack, Teams
from monitor.net.channels.email import Email
from monitor.net.channels.webhook import Webhook


def test_table_builds_every_kind() -> None:
    """Every kind in the table can be made from its configuration."""
    webhook = ChannelConfig("hook", "webhook", url="https://h.example/x")
    mail = ChannelConfig("m", "email", host="mx", sender="a@example.org")
    chats = [
        ChannelConfig(kind, kind, url="https://h.example/x")
        for kind in ("slack", "teams", "discord")
    ]
    phone = ChannelConfig("p", "apprise", urls=("json://h.example",), to=("no. 1 (json)",))
    made = [channels.build(c) for c in (webhook, mail, *chats, phone)]
    assert [type(c) for c in made] == [Webhook, Email, Slack, Teams, Discord, Apprise]
    assert {c.name for c in made} == {"hook", "m", "slack", "teams", "discord", "p"}
    assert set(channels.CHANNELS) == {"webhook", "email", "slack", "teams", "discord", "apprise"}
