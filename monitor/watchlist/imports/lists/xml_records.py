"""XML of any length -> the elements that are asked for, one by one. Nothing else of it is kept;
no entities, no document type, no endless texts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from monitor.watchlist.imports.cells import refusal
from monitor.watchlist.imports.lists.fields import CUT, CUT_REMEDY, is_cut
from monitor.watchlist.imports.lists.files import start

DEEPEST = 50
_PIECE = 1 << 16  # bytes
_HEAVIEST = 20_000_000  # characters of one element with all in it; an element counts as 100
_SILENCE = 1_000_000  # bytes within which something has to begin or end


@dataclass(slots=True)
class Element:
    """An element with all in it, names without their namespaces."""

    tag: str
    attributes: Mapping[str, str]
    text: str = ""
    parts: list[Element] = field(default_factory=list)

    def all(self, *path: str) -> list[Element]:
        """The elements at the end of a path."""
        found = [self]
        for tag in path:
            found = [part for each in found for part in each.parts if part.tag == tag]
        return found

    def first(self, *path: str) -> str:
        """The text of the first of them, in one line; empty where there is none."""
        return next((" ".join(each.text.split()) for each in self.all(*path)), "")


class _TooMuch(Exception):
    """Why a file is not read on."""


@dataclass(slots=True)
class _Collector:
    """What the parser calls: it keeps elements of the wanted names until they are fetched."""

    wanted: Collection[str]
    root: str = ""
    depth: int = 0
    events: int = 0
    weight: int = 0
    open: list[tuple[Element, list[str]]] = field(default_factory=list)
    ready: list[Element] = field(default_factory=list)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        self.root = self.root or name
        self.depth += 1
        self.events += 1
        if self.depth > DEEPEST:
            raise _TooMuch("is nested too deep")
        if self.open or name in self.wanted:
            plain = {key.rpartition("}")[2]: value for key, value in attributes.items()}
            self._weigh(100 + sum(map(len, plain.values())))
            self.open.append((Element(name, plain), []))

    def end(self, _tag: str) -> None:
        self.depth -= 1
        self.events += 1
        if not self.open:
            return
        done, texts = self.open.pop()
        done.text = "".join(texts)
        if self.open:
            self.open[-1][0].parts.append(done)
        else:
            self.ready.append(done)
            self.weight = 0

    def data(self, text: str) -> None:
        self.events += 1
        if self.open:
            self._weigh(len(text))
            self.open[-1][1].append(text)

    def _weigh(self, more: int) -> None:
        self.weight += more
        if self.weight > _HEAVIEST:
            raise _TooMuch(f"has one <{self.open[0][0].tag}> of endless length")

    def close(self) -> None:
        pass


def records(
    file: BinaryIO, name: str, wanted: Collection[str], roots: Mapping[str, str]
) -> Iterator[Element]:
    """The outermost elements of the wanted names. `roots`: names that the whole may have -> what
    is wrong with that one, empty if nothing. Raises ConfigError, also after some."""
    begin = start(file)
    if not begin.startswith("<"):
        if is_cut(begin.partition("\n")[0]):
            raise refusal(name, "", CUT, CUT_REMEDY)
        raise refusal(name, "", "is not XML", "Check its kind in config/lists.yaml")
    collector = _Collector(wanted)
    parser = DefusedXMLParser(target=collector, forbid_dtd=True)
    told = False
    try:
        for _ in _fed(file, parser, collector):
            if collector.root and not told:
                _is_expected(name, collector.root, roots)
                told = True
            yield from collector.ready
            collector.ready.clear()
    except DefusedXmlException:
        reason = "declares a document type or entities of its own, which no list does"
        raise refusal(name, "", reason, "Fetch it again from its publisher") from None
    except _TooMuch as error:
        raise refusal(name, "", str(error), "Check that it is the right file") from None
    except (ParseError, ValueError, LookupError) as error:
        reason = f"is not whole or not valid XML ({error})"
        raise refusal(name, "", reason, "Fetch it again") from None


def _fed(file: BinaryIO, parser: DefusedXMLParser, collector: _Collector) -> Iterator[None]:
    """Feed the file piece by piece."""
    silent, before = 0, 0
    file.seek(0)
    while piece := file.read(_PIECE):
        parser.feed(piece)
        silent = 0 if collector.events > before else silent + len(piece)
        before = collector.events
        if silent > _SILENCE:
            raise _TooMuch("has a part of endless length")
        yield
    parser.close()
    yield


def _is_expected(name: str, root: str, roots: Mapping[str, str]) -> None:
    if root not in roots:
        known = " or ".join(f"<{each}>" for each, fault in roots.items() if not fault)
        remedy = f"It should begin with {known}: check its kind in config/lists.yaml"
        raise refusal(name, f"<{root[:60]}>", "is the form of another list", remedy)
    if roots[root]:
        raise refusal(name, f"<{root}>", roots[root], "Write that kind in config/lists.yaml")
