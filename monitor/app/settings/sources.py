"""Merged config nodes -> sources, and which of them serve. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from monitor.app.settings.rows import Resolve, SettingsRow, may_ask, rows, url_parts
from monitor.model import Chain, SourceConfig
from monitor.model.config import TRACES
from monitor.model.hosts import is_loopback, operator_of
from monitor.net.sources import SOURCES
from monitor.watchlist.yaml_nodes import Fields, Items, Notes, closest

PRICE_KINDS = ("defillama", "coingecko")  # they say what coins are worth, not what moved
NO_PRICES = "none"
DEFAULT_PRICES = PRICE_KINDS  # rows of the shipped sources.yaml
SOURCE_KEYS = (
    "kind",
    "url",
    "url_env",
    "url_file",
    "api_key_env",
    "api_key_file",
    "rate_per_second",
    "rate_without_key",
    "calls_per_hour",
    "calls_per_day",
    "page_size",
    "index_lag",
    "operator",
    "traces",
)
TRACED = ("evm_rpc",)  # kinds whose servers are asked for traces


def link_sources(
    table: Mapping[str, Chain], tree: Fields, kinds: Mapping[str, str], notes: Notes
) -> None:
    """Note every chain that names a source which is unknown or of the wrong kind.

    `kinds` holds the kind of every source that is written down, in service or not.
    """
    for key, row in rows(tree, Notes(), "chains"):
        for item in row.names("sources"):
            kind = kinds.get(item.text)
            if kind is None:
                near = closest(item.text, kinds)
                remedy = f"Did you mean {near}? Else add" if near else "Add"
                remedy += " it to config/sources.yaml"
                notes.say(item, "is not a source of config/sources.yaml", remedy, value=item.text)
            elif kind in PRICE_KINDS:
                why = "is a price source: it does not know what moved"
                remedy = f"Take it off the list of {key}; config/settings.yaml names price sources"
                notes.say(item, why, remedy, value=item.text)
            elif kind in SOURCES and not SOURCES[kind].serves(table[key]):
                notes.say(
                    item,
                    f"is a source of kind {kind}, which cannot answer for {key}",
                    f"Take it off the list of {key}",
                    value=item.text,
                )


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source with what its key means for it: why it is not in service, or a remark."""

    config: SourceConfig
    in_service: bool = True
    note: str = ""
    wants: str = ""  # the variable of its key, which is not set


def sources(tree: Fields, secret: Resolve, notes: Notes) -> dict[str, SourceRow]:
    """Rows of sources.yaml by name, those without their key included."""
    return {name: _source(name, row, secret) for name, row in rows(tree, notes, "sources")}


def _source(name: str, row: SettingsRow, secret: Resolve) -> SourceRow:
    row.only(SOURCE_KEYS)
    if row.node_of("kind") is None:
        row.missing("kind", "etherscan")
    kind = row.choice("kind", (*SOURCES, *PRICE_KINDS))
    url, url_note = _source_url(row, secret)
    key = secret(row.node, "api_key")
    rate, slow = row.decimal("rate_per_second") or 3.0, row.decimal("rate_without_key")
    keyless = key.given and not key.value
    config = SourceConfig(
        name,
        kind,
        url,
        key.value or None,
        min(rate, slow or rate) if keyless else rate,
        row.whole("calls_per_hour", 1),
        row.whole("calls_per_day", 1),
        row.whole("page_size", 1, 10_000),
        row.whole("index_lag", 0, 1_000_000),
        row.text("operator") or operator_of((url_parts(url) or ("", ""))[1]) or kind,
        _traces(kind, row),
    )
    if url_note:
        return SourceRow(config, False, url_note)
    if not keyless:
        return SourceRow(config)
    wants = row.text("api_key_env")
    if _works_without_key(kind) or slow is not None or _is_local(url):
        return SourceRow(config, True, f"no key ({key.remedy}), used slowly without one", wants)
    return SourceRow(config, False, f"no key ({key.remedy}), not used", wants)


def _traces(kind: str, row: SettingsRow) -> str:
    """How a node shows calls inside transactions; other kinds have no such line."""
    written = row.choice("traces", TRACES, "auto")
    if kind and kind not in TRACED and row.node_of("traces") is not None:
        row.bad("traces", written, f"is for {', '.join(TRACED)} only", "Take the line out")
        return "auto"
    return written or "auto"


def _works_without_key(kind: str) -> bool:
    """Others are left out where their key is not set."""
    return kind in PRICE_KINDS or (kind in SOURCES and SOURCES[kind].keyless)


def _is_local(url: str) -> bool:
    """An explorer on this machine, put in the place of a public one, asks for no key."""
    parts = url_parts(url)
    return parts is not None and is_loopback(parts[1])


def _source_url(row: SettingsRow, secret: Resolve) -> tuple[str, str]:
    """(url, why it is not known). A literal URL must not hold a secret."""
    hidden = secret(row.node, "url")
    literal = row.text("url")
    if not hidden.given and not literal:
        row.missing("url", "https://...")
    if hidden.given and not hidden.value:
        return "", f"no address ({hidden.remedy}), not used"
    url = hidden.value or literal
    at = row.node_of("url") or row.node
    parts = url_parts(url)
    if url and (parts is None or not may_ask(parts[0], parts[1])):
        row.notes.say(
            at,
            f"{row.where}: the url is not https:// (http:// is possible to this machine only)",
            "Correct it",
        )
    elif literal and ("@" in urlsplit(literal).netloc or "key=" in literal.lower()):
        row.notes.say(at, f"{row.where}: the url holds a secret", "Write  url_env: NAME  instead")
    return url.rstrip("/"), ""


def prices(row: SettingsRow, table: Mapping[str, SourceRow]) -> tuple[str, ...]:
    """Names of the price sources that settings.yaml asks for, in order; those that are not
    in service are left out."""
    written = row.node_of("prices")
    if row.text_is("prices", NO_PRICES) or (isinstance(written, Items) and not written.items):
        return ()
    items = row.names("prices")
    for item in items:
        if item.text not in table or table[item.text].config.kind not in PRICE_KINDS:
            known = [name for name, each in table.items() if each.config.kind in PRICE_KINDS]
            near = closest(item.text, known)
            remedy = f"Did you mean {near}?" if near else f"Known: {', '.join(known)}, or none"
            row.notes.say(
                item, "is no price source of config/sources.yaml", remedy, value=item.text
            )
    names = dict.fromkeys(item.text for item in items) or DEFAULT_PRICES
    return tuple(name for name in names if name in table and table[name].in_service)


def in_service(
    table: Mapping[str, SourceRow], prices: Collection[str]
) -> tuple[dict[str, SourceConfig], list[SourceRow]]:
    """The explorers and nodes that work, by name; and the rows of which people should read
    the remarks: a price source that is not asked needs no key."""
    used = [
        row for name, row in table.items() if row.config.kind not in PRICE_KINDS or name in prices
    ]
    explorers = [row.config for row in used if row.config.kind not in PRICE_KINDS]
    working = {row.config.name for row in used if row.in_service}
    return {config.name: config for config in explorers if config.name in working}, used


def explorers(table: Mapping[str, SourceRow]) -> tuple[str, ...]:
    """Names of all that tell what moved, in service or not."""
    return tuple(name for name, row in table.items() if row.config.kind not in PRICE_KINDS)


def remarks(used: Sequence[SourceRow]) -> Iterator[str]:
    """What people should read about sources; those of one key are told in one line."""
    for note in dict.fromkeys(row.note for row in used if row.note):
        yield f"{', '.join(row.config.name for row in used if row.note == note)}: {note}"
