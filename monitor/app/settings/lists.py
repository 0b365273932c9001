"""Merged config nodes -> lists that others publish. Pure, but for the path of a file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from monitor.app.settings.rows import SettingsRow, may_ask, rows, url_parts
from monitor.model import Chain
from monitor.model.hosts import is_loopback
from monitor.model.lists import ALL, ENTITY, KINDS, PUBLISHED, ListConfig
from monitor.watchlist.listed import LEAST_ENTITY
from monitor.watchlist.values import EntryReader, case_problem, read_value
from monitor.watchlist.yaml_nodes import Fields, Items, Notes, Text

KEYS = (
    "kind", "title", "url", "file", "every", "watch", "ours", "case", "severity", "incoming",
    "min_amount", "channels", "direction", "tell_when", "since", "tags", "reason", "chains",
)  # fmt: skip
TERMS = (
    "severity", "min_amount", "channels", "direction", "tell_when", "since", "tags", "reason"
)  # fmt: skip
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_EVERY = re.compile(r"([0-9]{1,4}) ?([smhd])\Z")
LEAST_EVERY = 60  # seconds between two questions to a publisher on another machine


def used(merged: Fields, own: Fields) -> Fields:
    """Of the merged rows those that the home folder's file names."""
    names = {key.text for key, _ in own.pairs}
    return replace(merged, pairs=tuple(p for p in merged.pairs if p[0].text in names))


def lists(
    tree: Fields,
    chains: Mapping[str, Chain],
    channels: Collection[str],
    symbols: Collection[str],
    home: Path,
    notes: Notes,
) -> dict[str, ListConfig]:
    """Rows of lists.yaml by name."""
    found: dict[str, ListConfig] = {}
    for name, row in rows(tree, notes, "lists"):
        if row.node.get("follow") is not None:
            row.bad("follow", "", "a list as a whole is never followed", "Delete  follow:")
        row.only((*KEYS, "follow"))
        at = EntryReader(chains, channels, symbols, notes)
        found[name] = _list(name, row, at, home)
    return found


def _list(name: str, row: SettingsRow, at: EntryReader, home: Path) -> ListConfig:
    if row.node_of("kind") is None:
        row.missing("kind", "ofac_sdn")
    url, file = _url(row), row.text("file")
    if row.node_of("url") is None and not file:
        row.missing("url", "https://... (or  file: PATH)")
    watch, ours = row.flag("watch"), row.flag("ours")
    if watch and ours:
        remedy = "Write  watch: no : your own addresses are compared, and shown to nobody"
        row.bad("watch", "yes", "ours: yes  needs  watch: no", remedy)
    config = ListConfig(
        name=name,
        kind=row.choice("kind", KINDS),
        title=row.text("title") or (name.upper() if len(name) < 6 else name),
        url="" if file else url,
        file=home / Path(file).expanduser() if file else None,
        every=_every(row),
        watch=watch and not ours,
        ours=ours,
        case=_case(row),
        incoming=row.choice("incoming", ("daily",)),
        chains=_chains(row, at),
    )
    return _with_terms(config, row, at)


def _with_terms(config: ListConfig, row: SettingsRow, at: EntryReader) -> ListConfig:
    """With what a line of the watchlist may say too, read as there."""
    for key in TERMS:
        node = row.node_of(key)
        value = None if node is None else read_value(key, node, at)
        config = config if value is None else replace(config, **{key: value})
    return config


def _url(row: SettingsRow) -> str:
    url = row.text("url")
    parts = url_parts(url)
    if url and (parts is None or not may_ask(*parts)):
        remedy = "Write https://... ; http:// only on this machine"
        row.notes.say(row.node_of("url") or row.node, "is no address to fetch from", remedy)
    return url


def _every(row: SettingsRow) -> int | None:
    text = row.text("every", "never")
    if text == "never":
        return None
    match = _EVERY.match(text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    parts = url_parts(row.text("url"))
    near = bool(row.text("file")) or (parts is not None and is_loopback(parts[1]))
    if seconds < (1 if near else LEAST_EVERY):
        row.bad("every", text, "is no time to wait", "Write it like 30m, 6h or 1d; or never")
        return None
    return seconds


def _case(row: SettingsRow) -> str:
    text = row.text("case")
    problem = case_problem(text.replace(ENTITY, "1" * LEAST_ENTITY)) if text else None
    if problem:
        row.bad("case", text, problem, f'Write it like "OFAC-{ENTITY}"')
    return text


def _chains(row: SettingsRow, at: EntryReader) -> str | tuple[str, ...]:
    node = row.node_of("chains")
    if node is None or (isinstance(node, Text) and node.text in (PUBLISHED, ALL)):
        return node.text if isinstance(node, Text) else PUBLISHED
    if isinstance(node, Items | Text):
        return read_value("chains", node, at) or PUBLISHED
    row.bad("chains", "", "is no choice of chains", "Write published, all, or [ethereum, bnb]")
    return PUBLISHED
