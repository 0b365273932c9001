"""Reading one row of a settings file. Pure; shared by the files for each kind of rows.

Every row reads all its keys before it gives up, so that all mistakes come at once. Values
are shown in a note only where they cannot hold a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from monitor.chains.address import canonical
from monitor.chains.table import family_of
from monitor.model import Chain
from monitor.model.hosts import is_loopback
from monitor.watchlist.yaml_nodes import Fields, Items, Node, Notes, Text, closest, is_blank

_LITERAL = {
    "api_key": "api_key_env",
    "apikey": "api_key_env",
    "key": "api_key_env",
    "token": "api_key_env",
    "password": "password_env",
    "user": "user_env",
    "secret": "secret_env",
    "secrets": "secret_env",
    "url": "url_env",
    "urls": "urls_env",
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}\Z")
WHOLE = re.compile(r"[0-9]{1,12}\Z")
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?\Z")

SHIPPED = "shipped config/"  # before the names of files that come with Fundwatch


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret as the settings refer to it. `value` is empty when it is not set."""

    given: bool  # whether the row names one at all
    value: str = field(default="", repr=False)
    remedy: str = ""  # how to set it: "set ETHERSCAN_KEY"


Resolve = Callable[[Fields, str], Secret]


@dataclass(slots=True)
class SettingsRow:
    """Reads the keys of one mapping; a key without a value counts as not written."""

    node: Fields
    notes: Notes
    where: str

    def only(self, allowed: Collection[str]) -> None:
        for key, _ in self.node.pairs:
            instead = _LITERAL.get(key.text)
            if key.text in allowed:
                continue
            if instead in allowed:
                stem = str(instead).removesuffix("_env")
                self.notes.say(
                    key,
                    f"{key.text}: must not stand in this file",
                    f"Put it into .env as NAME=... and write  {stem}_env: NAME, or put it into "
                    f"a file of its own and write  {stem}_file: PATH",
                )
            else:
                self.notes.unknown(key, allowed, self.where)

    def node_of(self, key: str) -> Node | None:
        node = self.node.get(key)
        return None if node is None or is_blank(node) else node

    def text(self, key: str, default: str = "") -> str:
        node = self.node_of(key)
        if node is None:
            return default
        if not isinstance(node, Text):
            self.notes.say(node, f"{key}: needs one text", f"Write  {key}: text")
            return default
        return node.text.strip()

    def text_is(self, key: str, word: str) -> bool:
        node = self.node_of(key)
        return isinstance(node, Text) and node.text.strip() == word

    def required(self, key: str, example: str) -> str:
        if self.node_of(key) is None:
            self.missing(key, example)
        return self.text(key)

    def missing(self, key: str, example: str) -> None:
        self.notes.say(self.node, f"{self.where} has no {key}", f"Add a line  {key}: {example}")

    def choice(self, key: str, allowed: Collection[str], default: str = "", more: str = "") -> str:
        text = self.text(key, default)
        if not text or text in allowed:
            return text
        near = closest(text, allowed)
        hint = f"Did you mean {near}? " if near else ""
        self.bad(key, text, f"is not a {key}", f"{hint}Write one of {', '.join(allowed)}{more}")
        return default

    def flag(self, key: str) -> bool:
        return self.choice(key, ("yes", "no", "true", "false"), "no") in ("yes", "true")

    def whole(self, key: str, lowest: int = 0, highest: int = 10**12) -> int | None:
        text = self.text(key)
        if not text:
            return None
        if not WHOLE.match(text) or not lowest <= int(text) <= highest:
            self.bad(key, text, f"is not a number for {key}", f"Write {lowest} to {highest:,}")
            return None
        return int(text)

    def decimal(self, key: str) -> float | None:
        text = self.text(key)
        if not text:
            return None
        if not _DECIMAL.match(text) or not float(text) > 0:
            self.bad(key, text, f"is not a number for {key}", "Write it like 3 or 0.5")
            return None
        return float(text)

    def names(self, key: str) -> list[Text]:
        node = self.node_of(key)
        items = node.items if isinstance(node, Items) else () if node is None else (node,)
        good = [item for item in items if isinstance(item, Text) and not is_blank(item)]
        if node is not None and len(good) != len(items):
            self.notes.say(node, f"{key}: needs a list of names", f"Write  {key}: [one, two]")
        return good

    def bad(self, key: str, shown: str, reason: str, remedy: str) -> None:
        self.notes.say(self.node_of(key) or self.node, reason, remedy, value=shown)


def rows(tree: Fields, notes: Notes, what: str) -> Iterator[tuple[str, SettingsRow]]:
    for name, node in tree.pairs:
        where = f"{what}.{name.text}"
        if not _NAME.match(name.text):
            remedy = "Use up to 40 letters, digits, - and _"
            notes.say(name, f"is not a name for one of the {what}", remedy, value=name.text)
        elif isinstance(node, Fields):
            yield name.text, SettingsRow(node, notes, where)
        elif not is_blank(node):
            notes.say(node, f"{where} needs lines of the form  name: value", "Indent them below it")


def url_parts(url: str) -> tuple[str, str] | None:
    """(scheme, host), or None where it is no URL."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises on a port that is no number
    except ValueError:
        return None
    return (parts.scheme, parts.hostname) if parts.hostname else None


def may_ask(scheme: str, host: str) -> bool:
    return scheme == "https" or (scheme == "http" and is_loopback(host))


def contract_of(chain: Chain, at: Text) -> str:
    """The canonical form of a contract in a settings file. Raises AddressError.

    The checksums of what comes with Fundwatch are held by a test: to hash them again would
    be a sixth of a command's start.
    """
    shipped = at.file.startswith(SHIPPED)
    return canonical(chain, family_of(chain).forgiving(at.text) if shipped else at.text)
