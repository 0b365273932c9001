"""GraphSense's TagPacks: YAML whose fields above hold for each tag that has none of its own. Read
event by event, strictly: no anchors, no types, one document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import yaml

from monitor.model.errors import ConfigError
from monitor.model.lists import Published
from monitor.watchlist.imports.cells import plain_text, refusal
from monitor.watchlist.imports.lists import Preamble
from monitor.watchlist.imports.lists.fields import addresses, broken, entity, iso_day
from monitor.watchlist.imports.lists.files import lines

# libyaml's parser where PyYAML was built with it: ten times faster.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DEEPEST = 20
_LONGEST_TEXT = 1_000_000
_KEPT = 1000  # characters of a value
_NO_ADDRESS = ("is a tag without an address", "Ask its publisher")
_CHECK = "Check its kind in config/lists.yaml"


def read_tagpack(file: BinaryIO, name: str, preamble: Preamble) -> Iterator[Published]:
    """A row for each tag."""
    above: dict[str, str] = {}
    if _goes_on_below(file, name):
        for _ in _tags(file, name, above):
            pass
    tags = 0
    for line, tag in _tags(file, name, above):
        tags += 1
        preamble.published = iso_day(above.get("lastmod", ""))
        yield from _rows({**above, **tag}, f"line {line}")
    preamble.published = iso_day(above.get("lastmod", ""))
    if not tags:
        raise refusal(name, "", "holds no tags", _CHECK)


def _rows(tag: Mapping[str, str], place: str) -> Iterator[Published]:
    found = list(addresses(tag.get("address", "")))
    actor, label = tag.get("actor", ""), tag.get("label", "")
    whom = entity(actor, label or actor)
    ticker, network = (plain_text(tag.get(key, ""))[:20] for key in ("currency", "network"))
    for address in found:
        yield Published(address, ticker, network, whom, label=whom.name, place=place)
    if not found:
        yield broken(place, *_NO_ADDRESS)


def _goes_on_below(file: BinaryIO, name: str) -> bool:
    """Whether fields that hold for all tags may stand below them, or beside them in braces."""
    begun = False
    for _, line in lines(file, name, _LONGEST_TEXT):
        if line.startswith("{"):
            return True
        if begun and line[:1].strip() and line[0] not in "#-":
            return True
        begun = begun or line.startswith("tags:")
    return False


def _tags(file: BinaryIO, name: str, above: dict[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each tag with its line; the fields that hold for all go into `above`."""
    reader = _Reader(file, name)
    if not isinstance(reader.next(), yaml.MappingStartEvent):
        raise refusal(name, "", "is no TagPack: it should begin with title: and creator:", _CHECK)
    while key := reader.key():
        if key != "tags":
            value = reader.value()
            above[key] = value
            continue
        event = reader.next()
        if not isinstance(event, yaml.SequenceStartEvent):
            raise refusal(name, "", "has no list under tags:", _CHECK, reader.line)
        while not isinstance(event := reader.next(), yaml.SequenceEndEvent):
            if not isinstance(event, yaml.MappingStartEvent):
                raise refusal(name, "", "has a tag that is none", _CHECK, reader.line)
            line, tag = reader.line, {}
            while field := reader.key():
                tag[field] = reader.value()
            yield line, tag
    reader.end()


class _Reader:
    """Events of YAML, one after another. Raises ConfigError for what no TagPack needs."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        file.seek(0)
        self._name = name
        self._events = self._parsed(file)
        self._last: yaml.Event | None = None
        self._depth = 0

    @property
    def line(self) -> int:
        """Of the last event, from 1."""
        mark = self._last.start_mark if self._last else None
        return mark.line + 1 if mark else 0

    def _parsed(self, file: BinaryIO) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(file, Loader=_LOADER)
        except (yaml.YAMLError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            said = getattr(error, "problem", None) or str(error).splitlines()[0]
            reason = f"is not valid YAML ({said[:200]})"
            line = mark.line + 1 if mark else 0
            raise refusal(self._name, "", reason, "Fetch it again", line) from None

    def next(self) -> yaml.Event:
        for event in self._events:
            self._fits(event)
            if not isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
                return event
        raise self._refusal("ends too early")

    def _fits(self, event: yaml.Event) -> None:
        self._last = event
        if isinstance(event, yaml.NodeEvent):
            if event.anchor is not None:
                raise self._refusal("has an anchor or alias (& or *), which is not read")
            if getattr(event, "tag", None) is not None:
                raise self._refusal("has a type (!), which is not read")
        self._depth += isinstance(event, yaml.CollectionStartEvent)
        self._depth -= isinstance(event, yaml.CollectionEndEvent)
        if self._depth > _DEEPEST:
            raise self._refusal("is nested too deep")

    def _refusal(self, reason: str) -> ConfigError:
        return refusal(self._name, "", reason, "Write the value itself", self.line)

    def key(self) -> str:
        """The next key of a mapping; empty at its end."""
        event = self.next()
        if isinstance(event, yaml.MappingEndEvent):
            return ""
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refusal("has a key that is no text")
        return str(event.value)[:_KEPT] or "?"

    def value(self) -> str:
        """The value behind a key; of a list or mapping nothing."""
        event = self.next()
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)[:_KEPT].strip()
        depth = self._depth
        while self._depth >= depth:
            self.next()
        return ""

    def end(self) -> None:
        """Nothing stands behind the document."""
        if not isinstance(self.next(), yaml.DocumentEndEvent):
            raise self._refusal("goes on behind its end")
        if not isinstance(self.next(), yaml.StreamEndEvent):
            raise self._refusal("holds a second document")
