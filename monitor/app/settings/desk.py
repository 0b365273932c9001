"""`web:` of config/settings.yaml, and config/clocks.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_network

from monitor.app.settings.rows import SHIPPED, Resolve, SettingsRow
from monitor.loops.clock import timezones
from monitor.model.desk import ClockRule, DeskSettings, OidcSettings, Role, SecondPerson
from monitor.model.hosts import is_loopback
from monitor.watchlist.yaml_nodes import Fields, Notes, Text

KEYS = (
    *("desk", "listen", "public_url", "proxy", "second_person", "jurisdiction"),
    *("oidc_issuer", "oidc_client_id", "oidc_secret_env", "oidc_secret_file", "oidc_claim"),
    "oidc_roles",
)
CLOCK_KEYS = (
    *("title", "days", "business_days", "calendar", "zone", "source", "confidential"),
    "jurisdiction",
)


def desk(
    node: Fields | None, clocks: Mapping[str, ClockRule], resolve: Resolve, notes: Notes
) -> DeskSettings:
    """What `web:` says; without it the desk is off. Mistakes go to `notes`."""
    if node is None:
        return DeskSettings()
    row = SettingsRow(node, notes, "web: of config/settings.yaml")
    row.only(KEYS)
    listen = _listen(row)
    url = row.text("public_url").rstrip("/")
    if url and not re.match(r"https://[^\s/?#@]+\Z", url):
        remedy = "Write it like https://desk.example: its own name, without a path"
        row.bad("public_url", url, "is not an address that is safe to sign in at", remedy)
    proxy = row.text("proxy")
    if proxy and not _is_network(proxy):
        remedy = "Write its address like 127.0.0.1, or a network like 172.28.0.0/24"
        row.bad("proxy", proxy, "is no address of a proxy", remedy)
    if not is_loopback(listen[0]) and not (url and proxy):
        why = f"{listen[0]} can be reached from other machines"
        remedy = (
            "Write  public_url: https://...  and  proxy: ADDRESS  of the proxy that ends TLS; "
            "or listen on 127.0.0.1"
        )
        row.bad("listen", row.text("listen"), why, remedy)
    places = {item.text for item in row.names("jurisdiction")}
    known = {rule.jurisdiction for rule in clocks.values()} - {""}
    for item in row.names("jurisdiction"):
        if item.text not in known:
            has = f"Write one of {', '.join(sorted(known))}, or add clocks to config/clocks.yaml"
            notes.say(item, "has no clocks", has, value=item.text)
    return DeskSettings(
        on=row.choice("desk", ("on", "off", "yes", "no", "true", "false")) in ("on", "yes", "true"),
        listen=listen,
        public_url=url,
        proxy=proxy,
        second_person=SecondPerson(row.choice("second_person", [*SecondPerson], "analyst")),
        jurisdictions=tuple(sorted(places)),
        clocks={n: r for n, r in clocks.items() if not r.jurisdiction or r.jurisdiction in places},
        oidc=_oidc(row, resolve),
    )


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _listen(row: SettingsRow) -> tuple[str, int]:
    text = row.text("listen")
    host, _, port = text.rpartition(":")
    if not text:
        return DeskSettings().listen
    if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65_536:
        row.bad("listen", text, "is no place to listen", "Write it like 127.0.0.1:8788")
        return DeskSettings().listen
    return host.strip("[]"), int(port)


def _oidc(row: SettingsRow, resolve: Resolve) -> OidcSettings | None:
    issuer, client = row.text("oidc_issuer"), row.text("oidc_client_id")
    secret = resolve(row.node, "oidc_secret")
    if not issuer:
        return None
    if not re.match(r"https?://[^\s?#@]+\Z", issuer):
        row.bad("oidc_issuer", issuer, "is not an address", "Write it like https://login.example")
    if not client or not secret.value:
        what = secret.remedy or "write  oidc_client_id: ...  and  oidc_secret_env: NAME"
        row.bad("oidc_issuer", issuer, "needs a client id and a secret", f"Please {what}")
    return OidcSettings(issuer, client, secret.value, _roles(row), row.text("oidc_claim", "groups"))


def _roles(row: SettingsRow) -> dict[str, Role]:
    node = row.node_of("oidc_roles")
    if not isinstance(node, Fields):
        row.bad("oidc_roles", "", "is missing", "Write a line  GROUP: ROLE  below it for each")
        return {}
    found = {}
    for key, value in node.pairs:
        if not isinstance(value, Text) or value.text not in [*Role]:
            row.notes.say(key, "is given no role", f"Write one of {', '.join(Role)}")
            continue
        found[key.text] = Role(value.text)
    return found


def clocks(tree: Fields, notes: Notes) -> dict[str, ClockRule]:
    """The rules of config/clocks.yaml, by name, in use or not."""
    found = {}
    for key, node in tree.pairs:
        if not isinstance(node, Fields):
            notes.say(key, "is not a clock", "Write its keys below it, as the shipped file does")
            continue
        row = SettingsRow(node, notes, f"{key.text} of config/clocks.yaml")
        row.only(CLOCK_KEYS)
        days, zone = row.whole("days", 1, 3660), row.text("zone", "UTC")
        calendar = row.text("calendar")
        if days is None and row.node_of("days") is None:
            row.missing("days", "30")
        if zone != "UTC" and zone not in timezones():
            row.bad("zone", zone, "is not a known time zone", "Write it like America/New_York")
        if calendar and not _is_calendar(row, calendar):
            row.bad("calendar", calendar, "is no calendar of holidays", "Write it like US or CH")
        found[key.text] = ClockRule(
            *(key.text, row.text("title", key.text), days or 1, row.flag("business_days")),
            *(calendar, zone, row.required("source", "31 CFR 501.603"), row.flag("confidential")),
            row.text("jurisdiction"),
        )
    return found


def _is_calendar(row: SettingsRow, calendar: str) -> bool:
    """The shipped ones are held by a test: the library loads slowly, for each command."""
    if row.node.file.startswith(SHIPPED):
        return True
    import holidays  # noqa: PLC0415

    return calendar in holidays.list_supported_countries()
