"""Merged config nodes -> channels. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from monitor.app.settings.rows import (
    Resolve,
    Secret,
    SettingsRow,
    may_ask,
    rows,
    url_parts,
)
from monitor.model import ChannelConfig, Direction, Only, Severity
from monitor.model.hosts import is_loopback
from monitor.watchlist.yaml_nodes import Fields, Notes

MAIL_PORTS: Mapping[str, int] = {"starttls": 587, "tls": 465, "none": 25}
_COMMON = ("kind", "audience", "only", "quiet_hours", "daily_test", "detail")
AUDIENCES = ("desk", "operations", "escalation")
ONLY_KEYS = ("severity", "case", "tags", "direction")

_BY_APPRISE = "; apprise reaches Telegram, Signal, SMS and many others"
_HOURS = re.compile(r"([0-9]{1,2}):([0-5][0-9]) ?- ?([0-9]{1,2}):([0-5][0-9])\Z")
_MAIL = re.compile(r"[^\s@<>(),;:\"\\]{1,64}@[A-Za-z0-9.-]{1,253}\Z")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,19})://")
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,253}\Z")


def channels(
    tree: Fields, secret: Resolve, notes: Notes
) -> tuple[dict[str, ChannelConfig], list[str]]:
    """Rows of channels.yaml by name, and remarks in plain words."""
    found: dict[str, ChannelConfig] = {}
    remarks: list[str] = []
    for name, row in rows(tree, notes, "channels"):
        if row.node_of("kind") is None:
            row.missing("kind", "email")
        kind = row.choice("kind", KINDS, more=_BY_APPRISE)
        if kind:
            row.only(KINDS[kind].keys)
            found[name] = KINDS[kind].read(name, row, secret, remarks)
    return found, remarks


class _Common(TypedDict):
    """What channels of every kind have alike."""

    audience: frozenset[str]
    only: Only
    quiet_hours: tuple[int, int] | None
    daily_test: bool
    detail: str
    ca_file: str


def _common(row: SettingsRow, *, machine: bool) -> _Common:
    quiet = _quiet_hours(row)
    if quiet and machine:
        row.bad("quiet_hours", row.text("quiet_hours"), "is for people", "Take the line out")
    return _Common(
        audience=_audience(row),
        only=_only(row),
        quiet_hours=quiet,
        daily_test=row.flag("daily_test"),
        detail=row.choice("detail", ("full", "reference"), "full"),
        ca_file=row.text("ca_file"),
    )


def _audience(row: SettingsRow) -> frozenset[str]:
    items = row.names("audience")
    for item in items:
        if item.text not in AUDIENCES:
            remedy = f"Write one of {', '.join(AUDIENCES)}"
            row.notes.say(item, "is not an audience", remedy, value=item.text)
    return frozenset(item.text for item in items) or frozenset({"desk", "operations"})


def _only(row: SettingsRow) -> Only:
    node = row.node_of("only")
    if node is None:
        return Only()
    if not isinstance(node, Fields):
        row.notes.say(node, "only: needs lines below it", "Write  only: {severity: [severe]}")
        return Only()
    rules = SettingsRow(node, row.notes, f"{row.where}.only")
    rules.only(ONLY_KEYS)
    return Only(
        severity=_among(rules, "severity", [each.value for each in Severity]),
        case=frozenset(item.text for item in rules.names("case")),
        tags=frozenset(item.text for item in rules.names("tags")),
        direction=_among(rules, "direction", [each.value for each in Direction]),
    )


def _among(row: SettingsRow, key: str, allowed: Sequence[str]) -> frozenset[str]:
    for item in row.names(key):
        if item.text not in allowed:
            remedy = f"Write one or more of {', '.join(allowed)}"
            row.notes.say(item, f"is not a {key}", remedy, value=item.text)
    return frozenset(item.text for item in row.names(key))


def _quiet_hours(row: SettingsRow) -> tuple[int, int] | None:
    """ "22:00-07:00" as minutes of the day; the end may lie on the next day."""
    text = row.text("quiet_hours")
    if not text:
        return None
    match = _HOURS.match(text)
    ends = (int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])) if match else ()
    if not ends or max(ends) >= 1440 or ends[0] == ends[1]:
        row.bad("quiet_hours", text, "is not a span of hours", 'Write it like "22:00-07:00"')
        return None
    return ends


def _webhook(name: str, row: SettingsRow, secret: Resolve, remarks: list[str]) -> ChannelConfig:
    url = _value(row, "url", secret(row.node, "url"), "https://...") or row.text("url")
    parts = url_parts(url)
    if url and (parts is None or parts[0] not in ("http", "https")):
        at = row.node_of("url") or row.node
        row.notes.say(at, f"{row.where}: the url is not http:// or https://", "Correct it")
    elif parts and not may_ask(*parts):
        remarks.append(f"{name}: the url is http://, so others on the way can read the alerts")
    signing = secret(row.node, "secret")
    if not signing.given:
        remarks.append(f"{name}: messages are not signed (no secret_env)")
    return ChannelConfig(
        name,
        "webhook",
        **_common(row, machine=True),
        url=url,
        secrets=_signing_secrets(row, _value(row, "secret", signing)),
        allow_private=row.flag("allow_private"),
        machine=True,
    )


def _value(row: SettingsRow, key: str, secret: Secret, example: str = "") -> str:
    """The secret's value; notes when it is named but not set, or needed but not named."""
    if secret.remedy and not secret.value:
        row.notes.say(row.node, f"{row.where}: the {key} is not set", f"Please {secret.remedy}")
    elif example and not secret.given and row.node_of(key) is None:
        row.missing(key, example)
    return secret.value


def _signing_secrets(row: SettingsRow, text: str) -> tuple[str, ...]:
    found = tuple(text.split())
    for secret in found:
        try:
            base64.b64decode(secret.removeprefix("whsec_"), validate=secret.startswith("whsec_"))
        except binascii.Error:
            if secret.startswith("whsec_"):
                row.notes.say(
                    row.node,
                    f"{row.where}: the secret starts with whsec_ but is not base64 after it",
                    "Copy it again",
                )
    return found


def _email(name: str, row: SettingsRow, secret: Resolve, remarks: list[str]) -> ChannelConfig:
    security = row.choice("security", MAIL_PORTS, "starttls")
    host = row.required("host", "smtp.example.org")
    if host and not _HOST.match(host):
        row.bad("host", "", "is not the name of a mail server", "Write it without smtp:// and port")
    login = secret(row.node, "user"), secret(row.node, "password")
    user, password = _value(row, "user", login[0]), _value(row, "password", login[1])
    if login[0].given != login[1].given:
        row.notes.say(
            row.node,
            f"{row.where}: a login needs user and password",
            "Write both user_env: NAME and password_env: NAME, or neither",
        )
    open_line = security == "none" and bool(host) and not is_loopback(host)
    if open_line and user:
        row.bad(
            "security", security, "would send the password unencrypted", "Write  security: starttls"
        )
    elif open_line:
        remarks.append(f"{name}: mail to {host} travels unencrypted")
    return ChannelConfig(
        name,
        "email",
        **_common(row, machine=False),
        host=host,
        port=row.whole("port", 1, 65535) or MAIL_PORTS[security],
        security=security,
        user=user,
        password=password,
        sender=_mail(row, "from", needed=True),
        to=_recipients(row),
        reply_to=_mail(row, "reply_to", needed=False),
    )


def _mail(row: SettingsRow, key: str, *, needed: bool) -> str:
    text = row.required(key, "fundwatch@example.org") if needed else row.text(key)
    if text and not _MAIL.match(text):
        row.bad(key, text, "is not a mail address", "Write it like desk@example.org")
    return text


def _recipients(row: SettingsRow) -> tuple[str, ...]:
    items = row.names("to")
    if not items:
        row.missing("to", "[desk@example.org]")
    for item in items:
        if not _MAIL.match(item.text):
            remedy = "Write it like desk@example.org"
            row.notes.say(item, "is not a mail address", remedy, value=item.text)
    return tuple(dict.fromkeys(item.text for item in items))


# --- for people, by chat ---------------------------------------------------------------------


def _chat(name: str, row: SettingsRow, secret: Resolve, _: list[str]) -> ChannelConfig:
    """Slack, Teams or Discord. Whoever has the address can post: it is a secret."""
    url = _named_secret(row, "url", secret)
    parts = url_parts(url)
    if url and (parts is None or not may_ask(*parts)):
        row.notes.say(row.node, f"{row.where}: the url is not https://", "Copy it again")
    return ChannelConfig(
        name,
        row.text("kind"),
        **_common(row, machine=False),
        url=url,
        allow_private=row.flag("allow_private"),
    )


def _apprise(name: str, row: SettingsRow, secret: Resolve, _: list[str]) -> ChannelConfig:
    urls = tuple(dict.fromkeys(_named_secret(row, "urls", secret).split()))
    return ChannelConfig(
        name,
        "apprise",
        **_common(row, machine=False),
        urls=urls,
        to=tuple(f"no. {number}{_service(url)}" for number, url in enumerate(urls, 1)),
    )


def _service(url: str) -> str:
    """Which service a URL is for; all else of it is a secret."""
    scheme = _SCHEME.match(url)
    return f" ({scheme[1].lower()})" if scheme else ""


def _named_secret(row: SettingsRow, key: str, secret: Resolve) -> str:
    """What must be given as KEY_env or KEY_file."""
    found = secret(row.node, key)
    if not found.given and row.node_of(key) is None:
        row.missing(f"{key}_env", "NAME, and NAME=... to .env")
    return _value(row, f"value of {key}", found)


# --- the table -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """What a row of one kind may hold, and how it is read."""

    keys: tuple[str, ...]
    read: Callable[[str, SettingsRow, Resolve, list[str]], ChannelConfig]


_CHAT = ChannelRow((*_COMMON, "ca_file", "url_env", "url_file", "allow_private"), _chat)
KINDS: Mapping[str, ChannelRow] = {
    "webhook": ChannelRow(
        (
            *(*_COMMON, "ca_file", "url", "url_env", "url_file"),
            *("secret_env", "secret_file", "allow_private"),
        ),
        _webhook,
    ),
    "email": ChannelRow(
        (
            *(*_COMMON, "ca_file", "host", "port", "security", "user_env", "user_file"),
            *("password_env", "password_file", "from", "to", "reply_to"),
        ),
        _email,
    ),
    "slack": _CHAT,
    "teams": _CHAT,
    "discord": _CHAT,
    # It looks after certificates itself.
    "apprise": ChannelRow((*_COMMON, "urls_env", "urls_file"), _apprise),
}
