""".env and config/*.yaml -> frozen Settings; every mistake at once.

The shipped config folder holds the defaults; single keys of the files in the home folder's
config/ go over them, key by key, lists as a whole. Secrets come from the environment, from
.env or from files, and are never shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from monitor.app.settings import chains as chain_rows
from monitor.app.settings import channels as channel_rows
from monitor.app.settings import desk as desk_rows
from monitor.app.settings import issuers as issuer_rows
from monitor.app.settings import lists as list_rows
from monitor.app.settings import sources as source_rows
from monitor.app.settings.rows import SHIPPED, Secret, SettingsRow
from monitor.app.settings.secrets import Secrets, read_bytes, read_dotenv, way_of
from monitor.loops.clock import timezones
from monitor.model import Chain, ChannelConfig, Issuer, Known, SourceConfig
from monitor.model.desk import ClockRule, DeskSettings
from monitor.model.errors import ConfigError
from monitor.model.settings import DESKS, Settings
from monitor.watchlist import addressbook, yaml_nodes
from monitor.watchlist.yaml_nodes import Fields, Node, Notes, is_blank

FILES = ("chains", "sources", "channels", "assets", "issuers", "lists", "clocks", "settings")
SETTING_KEYS = (
    "proxy",
    "proxy_env",
    "proxy_file",
    "ca_bundle",
    "every",
    "trailing_window_days",
    "hold_minutes",
    "hold_severe_minutes",
    "round_severe_minutes",
    "round_high_minutes",
    "timezone",
    "desk",
    "reply_to",
    "daily_hour",
    "escalate_after_minutes",
    "escalate_to",
    "listen",
    "public_url",
    "link_secret_env",
    "link_secret_file",
    "link_hours",
    "retention_years",
    "answers_days",
    "answers_size",
    "heartbeat_url",
    "heartbeat_url_env",
    "heartbeat_url_file",
    "prices",
    "web",
)
_UNITS = {"MIB": 1024**2, "GIB": 1024**3, "TIB": 1024**4, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(rf"([0-9]{{1,6}}(?:\.[0-9]{{1,3}})?) ?({'|'.join(_UNITS)})\Z", re.IGNORECASE)
_TAGS = "etherscan-labels 2023-10-02"  # whose names config/token_contracts.csv has
LEAST_SECRET = 32  # characters of the secret that signs links


def shipped_config() -> Path:
    """The folder of shipped defaults: inside the installed package, or beside it in a
    checkout."""
    inside = Path(__file__).parents[2] / "config"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "config"


def shipped_example(name: str) -> Path:
    """`watchlist.example.yaml` or `.env.example`, wherever this installation keeps it."""
    inside = shipped_config() / name
    return inside if inside.is_file() else Path(__file__).parents[3] / name


def load(home: Path, environ: Mapping[str, str]) -> Settings:
    """Read and check all settings of a home folder.

    `environ` goes before .env. Raises ConfigError with every problem; no problem, note or
    repr of what is returned holds a secret.
    """
    notes = Notes(secret=True)
    remarks: list[str] = []
    trees = {name: _tree(name, home, notes) for name in FILES}
    secrets = Secrets(home, {**read_dotenv(home, notes, remarks), **environ}, notes)
    chains = chain_rows.chains(trees["chains"], notes)
    rows = source_rows.sources(trees["sources"], secrets.get, notes)
    kinds = {name: row.config.kind for name, row in rows.items()}
    source_rows.link_sources(chains, trees["chains"], kinds, notes)
    channels, channel_remarks = channel_rows.channels(trees["channels"], secrets.get, notes)
    general = SettingsRow(trees["settings"], notes, "config/settings.yaml")
    prices = source_rows.prices(general, rows)
    in_service, used = source_rows.in_service(rows, prices)
    remarks += source_rows.remarks(used)
    remarks += channel_remarks or ([] if channels else ["no channel is set up: nobody is told"])
    remarks += _stray_files(home)
    wanted = dict.fromkeys(row.wants for row in used if row.wants and row.config.name not in prices)
    assets = chain_rows.assets(trees["assets"], chains, notes)
    acting = issuer_rows.issuers(trees["issuers"], chains, assets, notes)
    symbols = {asset.symbol for asset in assets.values()}
    lists = list_rows.lists(trees["lists"], chains, channels, symbols, home, notes)
    settings = Settings(
        home=home,
        chains={
            key: _put_together(chain, in_service, acting.get(key, ()))
            for key, chain in chains.items()
        },
        sources=in_service,
        written_sources=tuple(
            name for name, kind in kinds.items() if kind not in source_rows.PRICE_KINDS
        ),
        channels={name: _with_ca(home, c, trees, notes) for name, c in channels.items()},
        assets=assets,
        addressbook=_addressbook(home, chains, notes),
        contracts=addressbook.BookOnDemand(_contracts),
        lists=lists,
        prices=tuple(rows[name].config for name in prices),
        keys_wanted=tuple(wanted),
        web=_web(general, desk_rows.clocks(trees["clocks"], notes), secrets),
    )
    settings = _served(_general(settings, general, secrets), general, secrets)
    if notes.found:
        raise ConfigError(notes.problems)
    return replace(settings, notes=tuple(remarks))


def _web(row: SettingsRow, clocks: Mapping[str, ClockRule], secrets: Secrets) -> DeskSettings:
    node = row.node_of("web")
    if node is not None and not isinstance(node, Fields):
        row.bad("web", "", "needs lines below it", "Write  web:  and below it  desk: on")
        node = None
    return desk_rows.desk(node, clocks, secrets.get, row.notes)


def _put_together(
    chain: Chain, in_service: Mapping[str, SourceConfig], acting: tuple[Issuer, ...]
) -> Chain:
    working = tuple(name for name in chain.sources if name in in_service)
    return replace(chain, sources=working, issuers=acting)


def _with_ca(
    home: Path, channel: ChannelConfig, trees: Mapping[str, Fields], notes: Notes
) -> ChannelConfig:
    row = trees["channels"].get(channel.name)
    return replace(channel, ca_file=_existing(home, channel.ca_file, row, notes))


def _existing(home: Path, written: str, at: Node | None, notes: Notes) -> str:
    """The absolute path of a file that the settings name; relative ones are under home."""
    if not written:
        return ""
    path = home / Path(written).expanduser()
    if not path.is_file() and at is not None:
        notes.say(at, "names a certificate file that is not there", "Check the path", value=written)
    return str(path)


def _general(settings: Settings, row: SettingsRow, secrets: Secrets) -> Settings:
    row.only(SETTING_KEYS)
    timezone = row.text("timezone", settings.timezone)
    if timezone != "UTC" and timezone not in timezones():
        row.bad("timezone", timezone, "is not a known time zone", "Write it like Europe/Zurich")
    hold, severe = row.whole("hold_minutes", 0, 10_000), row.whole("hold_severe_minutes", 0, 10_000)
    round_severe, round_high = (
        row.whole("round_severe_minutes", 1, 10_000),
        row.whole("round_high_minutes", 1, 10_000),
    )
    days = row.whole("trailing_window_days", 1, 30)
    kept = row.whole("answers_days", 1, 36_500)
    bundle = row.text("ca_bundle")
    return replace(
        settings,
        proxies=_proxies(row, secrets),
        ca_bundle=_existing(settings.home, bundle, row.node_of("ca_bundle"), row.notes),
        poll_interval=row.whole("every", 2, 86_400),
        trailing_window_days=settings.trailing_window_days if days is None else days,
        hold=settings.hold if hold is None else hold * 60,
        hold_severe=settings.hold_severe if severe is None else severe * 60,
        round_severe=settings.round_severe if round_severe is None else round_severe * 60,
        round_high=settings.round_high if round_high is None else round_high * 60,
        timezone=timezone,
        desk=row.choice("desk", DESKS),
        reply_to=row.text("reply_to"),
        retention_years=row.whole("retention_years", 1, 100),
        answers_days=settings.answers_days if kept is None else kept,
        answers_size=_size(row, "answers_size", settings.answers_size),
    )


def _size(row: SettingsRow, key: str, default: int) -> int:
    """Bytes, written like 2 GiB."""
    text = row.text(key)
    if not text:
        return default
    match = _SIZE.match(text)
    if match is None:
        row.bad(key, text, f"is not a size for {key}", "Write it like 2 GiB or 500 MiB")
        return default
    return int(float(match[1]) * _UNITS[match[2].upper()])


def _served(settings: Settings, row: SettingsRow, secrets: Secrets) -> Settings:
    """What the daemon tells beside its messages: escalation, pages, heartbeat."""
    minutes, hours = row.whole("escalate_after_minutes", 1, 10_080), row.whole("link_hours", 1, 720)
    daily = row.whole("daily_hour", 0, 23)
    heartbeat = secrets.get(row.node, "heartbeat_url")
    link_secret = secrets.get(row.node, "link_secret")
    if heartbeat.remedy and not heartbeat.value:
        row.notes.say(row.node, "the heartbeat_url is not set", f"Please {heartbeat.remedy}")
    url = heartbeat.value or row.text("heartbeat_url")
    if url and not re.match(r"https?://[^\s/]", url):
        at = row.node_of("heartbeat_url") or row.node
        row.notes.say(at, "heartbeat_url: is not an address", "Write  https://host/path")
    return replace(
        settings,
        daily_hour=settings.daily_hour if daily is None else daily,
        escalate_after=settings.escalate_after if minutes is None else minutes * 60,
        escalate_to=_escalate_to(row, settings.channels),
        listen=_listen(row),
        public_url=_public_url(row, link_secret),
        link_secret=link_secret.value,
        link_hours=settings.link_hours if hours is None else hours,
        heartbeat_url=url,
    )


def _escalate_to(row: SettingsRow, channels: Mapping[str, ChannelConfig]) -> tuple[str, ...]:
    for item in row.names("escalate_to"):
        if item.text not in channels:
            near = yaml_nodes.closest(item.text, channels)
            remedy = f"Did you mean {near}?" if near else "Add it to config/channels.yaml"
            row.notes.say(item, "is no channel", remedy, value=item.text)
    return tuple(item.text for item in row.names("escalate_to"))


def _listen(row: SettingsRow) -> tuple[str, int] | None:
    text = row.text("listen")
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65_536:
        row.bad("listen", text, "is no place to listen", "Write it like 127.0.0.1:8787")
        return None
    return host.strip("[]"), int(port)


def _public_url(row: SettingsRow, secret: Secret) -> str:
    url = row.text("public_url").rstrip("/")
    if not url:
        return ""
    if not re.match(r"https?://[^\s/?#@]+(/[^\s?#]*)?\Z", url):
        row.bad("public_url", url, "is not an address", "Write it like https://fundwatch.example")
    told = secret.given and not secret.remedy  # why it cannot be read
    if not told and min(map(len, secret.value.split()), default=0) < LEAST_SECRET:
        why = "needs a link_secret of 32 characters or more, which signs the links"
        remedy = secret.remedy or "write  link_secret_env: FUNDWATCH_LINK_SECRET"
        row.bad("public_url", "", why, f"Please {remedy} (`openssl rand -hex 32` makes one)")
    if row.node_of("listen") is None:
        row.bad("public_url", "", "needs a place to listen", "Add  listen: 127.0.0.1:8787")
    return url


def _proxies(row: SettingsRow, secrets: Secrets) -> dict[str, str]:
    hidden = secrets.get(row.node, "proxy")
    literal = row.text("proxy")
    if hidden.remedy and not hidden.value:
        row.notes.say(row.node, "the proxy is not set", f"Please {hidden.remedy}")
    url = hidden.value or literal
    at = row.node_of("proxy") or row.node
    if "@" in literal:
        row.notes.say(at, "proxy: holds a password", "Write  proxy_env: NAME  instead")
    elif url and not re.match(r"https?://[^\s/]+/?\Z", url):
        row.notes.say(at, "proxy: is not a proxy's address", "Write  http://proxy.example:3128")
    return {"http": url, "https": url} if url else {}


def _stray_files(home: Path) -> list[str]:
    """A misspelt or misplaced file would be ignored in silence."""
    known = {f"{name}.yaml" for name in FILES}
    shipped = {path.name for path in shipped_config().glob("*")}
    strays = [p.name for p in sorted((home / "config").glob("*.y*ml")) if p.name not in known]
    book = (home / "config/addressbook.csv").exists()
    said = ["config/addressbook.csv is not read: it belongs beside the watchlist"] if book else []
    return said + [
        f"config/{name} is not read (did you mean {yaml_nodes.closest(name, known) or 'another'}?)"
        for name in strays
        if name not in shipped
    ]


def _tree(name: str, home: Path, notes: Notes) -> Fields:
    """The rows of one config file, the home folder's over the shipped ones."""
    shipped = _file(shipped_config() / f"{name}.yaml", f"{SHIPPED}{name}.yaml", name, notes)
    own = _file(home / "config" / f"{name}.yaml", f"config/{name}.yaml", name, notes)
    merged = _merged(shipped, own)
    return list_rows.used(merged, own) if name == "lists" else merged


def _file(path: Path, shown: str, name: str, notes: Notes) -> Fields:
    empty = Fields(shown, 0, 0, 0, False, ())
    if not path.exists():
        return empty
    root = yaml_nodes.read(read_bytes(path, shown, notes), shown, notes)
    if root is None or is_blank(root):
        return empty
    if not isinstance(root, Fields):
        notes.say(root, "is not a settings file", "See the shipped example")
        return empty
    if name == "settings":
        return root
    for key, _ in root.pairs:
        if key.text != name:
            notes.unknown(key, (name,), f"config/{name}.yaml")
    inner = root.get(name)
    if inner is None or is_blank(inner):
        return empty
    if not isinstance(inner, Fields):
        notes.say(inner, f"{name}: needs names with lines below them", "See the shipped example")
        return empty
    return inner


def _merged(base: Fields, over: Fields) -> Fields:
    """`over` on `base`, key by key; a key without a value leaves the base as it is, and one
    way to give a secret replaces the others."""
    ways = {way_of(key.text) for key, node in over.pairs if not is_blank(node)} - {""}
    pairs = {k.text: (k, node) for k, node in base.pairs if way_of(k.text) not in ways}
    for key, node in over.pairs:
        below = pairs.get(key.text)
        if below is not None and is_blank(node):
            continue
        if below is not None and isinstance(below[1], Fields) and isinstance(node, Fields):
            pairs[key.text] = (key, _merged(below[1], node))
        else:
            pairs[key.text] = (key, node)
    place = over if over.line else base
    return replace(place, pairs=tuple(pairs.values()))


def _addressbook(
    home: Path, chains: Mapping[str, Chain], notes: Notes
) -> Mapping[tuple[str, str], Known]:
    """The names that come with Fundwatch, the home folder's own over them."""
    label, own = "shipped addressbook.csv", home / "addressbook.csv"
    data = read_bytes(shipped_config() / "addressbook.csv", label, notes)

    def shipped() -> addressbook.Book:
        return addressbook.parse(data, chains, Notes(), label, shipped=True)

    if not own.exists():
        return addressbook.BookOnDemand(shipped)
    open_notes = Notes()  # names and addresses are no secrets: show what is wrong
    ours = addressbook.parse(read_bytes(own, own.name, notes), chains, open_notes)
    notes.found.extend(open_notes.found)
    return addressbook.BookOnDemand(lambda: addressbook.over(shipped(), ours))


def _contracts() -> addressbook.Book:
    """Contracts of tokens, by public lists. Shipped, so nothing of it is checked here."""
    path = shipped_config() / "token_contracts.csv"
    lines = (
        line.split(",", 2) for line in path.read_text("utf-8").splitlines() if line[:2] == "0x"
    )
    return {(chain, address): Known(name, source=_TAGS) for address, chain, name in lines}
