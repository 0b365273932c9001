"""Merged config nodes -> channels. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from monitor.config_rows import Resolve, Row, Secret, is_loopback, may_ask, rows, url_parts
from monitor.model import ChannelConfig
from monitor.yamltext import Fields, Notes

MAIL_PORTS: Mapping[str, int] = {"starttls": 587, "tls": 465, "none": 25}
_CHANNEL = ("kind", "audience", "detail", "ca_file")
CHANNEL_KEYS: Mapping[str, tuple[str, ...]] = {
    "webhook": (
        *_CHANNEL,
        "url",
        "url_env",
        "url_file",
        "secret_env",
        "secret_file",
        "allow_private",
    ),
    "email": (
        *_CHANNEL,
        "host",
        "port",
        "security",
        "user_env",
        "user_file",
        "password_env",
        "password_file",
        "from",
        "to",
        "reply_to",
    ),
}

_MAIL = re.compile(r"[^\s@<>(),;:\"\\]{1,64}@[A-Za-z0-9.-]{1,253}\Z")
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
        kind = row.choice("kind", CHANNEL_KEYS)
        if kind:
            row.only(CHANNEL_KEYS[kind])
            found[name] = (_webhook if kind == "webhook" else _email)(name, row, secret, remarks)
    return found, remarks


def _audience(row: Row) -> frozenset[str]:
    known = ("desk", "operations")
    items = row.names("audience")
    for item in items:
        if item.text not in known:
            row.notes.say(item, "is not an audience", "Write desk or operations", value=item.text)
    return frozenset(item.text for item in items) or frozenset(known)


def _webhook(name: str, row: Row, secret: Resolve, remarks: list[str]) -> ChannelConfig:
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
        _audience(row),
        row.choice("detail", ("full", "reference"), "full"),
        url=url,
        secrets=_signing_secrets(row, _value(row, "secret", signing)),
        allow_private=row.flag("allow_private"),
        machine=True,
        ca_file=row.text("ca_file"),
    )


def _value(row: Row, key: str, secret: Secret, example: str = "") -> str:
    """The secret's value; notes when it is named but not set, or needed but not named."""
    if secret.remedy and not secret.value:
        row.notes.say(row.node, f"{row.where}: the {key} is not set", f"Please {secret.remedy}")
    elif example and not secret.given and row.node_of(key) is None:
        row.missing(key, example)
    return secret.value


def _signing_secrets(row: Row, text: str) -> tuple[str, ...]:
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


def _email(name: str, row: Row, secret: Resolve, remarks: list[str]) -> ChannelConfig:
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
        _audience(row),
        row.choice("detail", ("full", "reference"), "full"),
        host=host,
        port=row.whole("port", 1, 65535) or MAIL_PORTS[security],
        security=security,
        user=user,
        password=password,
        sender=_mail(row, "from", needed=True),
        to=_recipients(row),
        reply_to=_mail(row, "reply_to", needed=False),
        ca_file=row.text("ca_file"),
    )


def _mail(row: Row, key: str, *, needed: bool) -> str:
    text = row.required(key, "fundwatch@example.org") if needed else row.text(key)
    if text and not _MAIL.match(text):
        row.bad(key, text, "is not a mail address", "Write it like desk@example.org")
    return text


def _recipients(row: Row) -> tuple[str, ...]:
    items = row.names("to")
    if not items:
        row.missing("to", "[desk@example.org]")
    for item in items:
        if not _MAIL.match(item.text):
            remedy = "Write it like desk@example.org"
            row.notes.say(item, "is not a mail address", remedy, value=item.text)
    return tuple(dict.fromkeys(item.text for item in items))
