"""Slack, Microsoft Teams and Discord: webhooks whose JSON is laid out for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from monitor.messages import chat
from monitor.model import ChannelConfig, Outgoing
from monitor.model.errors import DeliveryError
from monitor.net.channels import answers
from monitor.net.channels.answers import Reply
from monitor.net.channels.webhook import TIMEOUT, Webhook
from monitor.net.wire import LONGEST_RETRY_AFTER

_LAYOUT = frozenset({"400", "413"})  # what a layout that is not taken is answered with
_PAUSE = re.compile(r'"retry_after": ?([0-9]{1,6}(?:\.[0-9]{1,6})?)')


@dataclass(frozen=True, slots=True)
class Platform:
    """`gone`: words in an answer that mean the webhook, not the message, is at an end. A
    status alone does not say so: a proxy on the way may answer 403 or 404 too."""

    gone: re.Pattern[str]
    cure: str
    why_not: Callable[[Reply], str]  # its yes: see answers


# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (errors)
SLACK = Platform(
    re.compile(
        r"no_service|no_active_hooks|no_team|team_disabled|invalid_token|channel_not_found"
        r"|channel_is_archived|action_prohibited|posting_to_general_channel_denied"
    ),
    "Make a new incoming webhook in Slack (its app's page, Incoming Webhooks) and put its URL "
    "in the place of the old one",
    answers.slack,
)
TEAMS = Platform(
    re.compile(r"WorkflowNotFound|WorkflowTriggerNotFound|DirectApiAuthorizationRequired"),
    "Make the workflow again in Teams (Workflows, for a webhook request, open to anyone) and "
    "put its URL in the place of the old one",
    answers.teams,
)
# 10015 unknown webhook, 50027 invalid webhook token, 10003 unknown channel
DISCORD = Platform(
    re.compile(r'"code": ?(10015|50027|10003)\b'),
    "Make a new webhook in Discord (channel settings, Integrations) and put its URL in the "
    "place of the old one",
    answers.discord,
)


class Chat(Webhook):
    """One webhook of a chat platform. Accepted means that the platform took the message."""

    platform: Platform
    kind: str

    def send(self, message: Outgoing) -> str:
        """POST the message's JSON. If its layout is refused, the same words go out once more
        with hardly any: no alert is lost by how it looks."""
        try:
            return super().send(message)
        except DeliveryError as error:
            if error.status not in _LAYOUT or error.disable:
                raise
            refused = error.status
        rendered = message.rendered
        body = chat.plain(self.kind, rendered.subject, rendered.text)
        try:
            words = super().send(replace(message, rendered=replace(rendered, json=body)))
        except DeliveryError as error:
            error.posts = 2
            raise
        return f"{words} (in plain form; the full layout was refused with HTTP {refused})"

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:  # noqa: ARG002 - the webhook's
        # Nothing of Standard Webhooks: these receivers neither verify nor deduplicate.
        return {"Content-Type": "application/json", "Accept-Encoding": "identity"}

    def _why_not(self, reply: Reply) -> str:
        return answers.is_page(reply) * "answered with a web page" or self.platform.why_not(reply)

    def _refusal(self, status: int, words: str, retry_after: float | None) -> DeliveryError:
        asked = _PAUSE.search(words)
        if asked and status == 429:  # Discord's own word is finer than its header
            retry_after = min(float(asked[1]), LONGEST_RETRY_AFTER)
        gone = status == 410 or (400 <= status < 500 and bool(self.platform.gone.search(words)))
        cure = f". {self.platform.cure}" if gone else ""
        error = super()._refusal(status, words, retry_after)
        return DeliveryError(
            f"{error}{cure}",
            lasting=error.lasting,
            disable=gone,
            retry_after=retry_after,
            status=error.status,
        )


class Slack(Chat):
    """An incoming webhook."""

    platform = SLACK
    kind = "slack"


class Teams(Chat):
    """A workflow that posts what its webhook gets. It answers 202 before it posts: what
    fails after that shows in the run history of the workflow only."""

    platform = TEAMS
    kind = "teams"

    def _wrong_yes(self, reply: Reply, why: str, words: str) -> DeliveryError:
        """A connector answers 200 whatever the service behind it said, and tells it in words."""
        status = answers.teams_status(reply)
        if status:
            return self._refusal(status, f"(inside a {reply.status}) {words}", None)
        return super()._wrong_yes(reply, why, words)


class Discord(Chat):
    """A channel's webhook, asked to answer only once the message is saved."""

    platform = DISCORD
    kind = "discord"

    def __init__(
        self,
        config: ChannelConfig,
        *,
        proxies: Mapping[str, str] | None = None,
        verify: bool | str = True,
        timeout: float = TIMEOUT,
    ) -> None:
        # Without `wait` a message that is not saved is answered like one that is.
        waiting = replace(config, url=_with_wait(config.url))
        super().__init__(waiting, proxies=proxies, verify=verify, timeout=timeout)

    def _accepted(self, status: int, words: str) -> str:  # noqa: ARG002 - the webhook's
        # The answer repeats the whole message.
        return f"{status} {'saved' if status == 200 else 'taken'} by Discord"


def _with_wait(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url  # the webhook says what is wrong with it
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "wait"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("wait", "true")])))
