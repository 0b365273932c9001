"""The trace of a case as it goes out: its lines, objects, table and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from monitor.chains.within import addresses_in, replaced
from monitor.loops.report.members import Workshop
from monitor.loops.report.mine import Mine
from monitor.messages.objects import json_text
from monitor.messages.trace import objects, seizure
from monitor.messages.trace.drawn import by_method, names_of, picture_of
from monitor.messages.trace.words import Page
from monitor.model.flow import CONSERVING
from monitor.model.plain import rfc3339
from monitor.model.trace import Node, Told
from monitor.model.trace_json import from_lines, to_lines
from monitor.picture import draw
from monitor.store import trace as kept
from monitor.store import trace_bodies


@dataclass(frozen=True, slots=True)
class Going:
    """A state as it goes out. `told`: with the digest that the log has; `veiled`: something is said
    in other words in it (an address of the house, a text that names another case), so that its own
    digest is another one."""

    told: Told
    lines: list[str]
    veiled: bool


def of(mine: Mine, safe: Callable[[str], str]) -> Going | None:
    """The newest state; None where there is none, or its text was erased. `safe`: other words for
    what a person wrote, where it names another case. Raises StoreError."""
    told = kept.newest(mine.store, mine.case)
    lines = kept.text(mine.store, mine.case, told.number) if told is not None else None
    if told is None or lines is None:
        return None
    told, lines = _reworded(told, lines, safe)
    labels = mine.labels({each for line in lines for each in addresses_in(line)})
    shown = [_veiled(line, labels) for line in lines] if labels else lines
    if shown != lines:
        told, lines = replace(told, trace=from_lines(shown)), shown
    return Going(told, lines, veiled=trace_bodies.digest(lines) != told.sha256)


def _reworded(told: Told, lines: list[str], safe: Callable[[str], str]) -> tuple[Told, list[str]]:
    """As it was recorded, unless something has to be said in other words."""
    trace = told.trace
    nodes = tuple(_reason(node, safe) for node in trace.nodes)
    why = safe(trace.method_why)
    if nodes == trace.nodes and why == trace.method_why:
        return told, lines
    trace = replace(trace, nodes=nodes, method_why=why)
    return replace(told, trace=trace), to_lines(trace)


def _reason(node: Node, safe: Callable[[str], str]) -> Node:
    """Where a person ended it, the reason is theirs."""
    stop = node.stop
    if stop is None or stop.reason != "person" or safe(stop.detail) == stop.detail:
        return node
    return replace(node, stop=replace(stop, detail=safe(stop.detail)))


def _veiled(line: str, labels: Mapping[str, str]) -> str:
    """What stands for an address is a part of a text of JSON."""
    return replaced(line, {each: json.dumps(label)[1:-1] for each, label in labels.items()})


def as_range(told: Told) -> Told:
    """As if nobody had chosen a method."""
    return replace(told, trace=replace(told.trace, method="", method_by="", method_why=""))


def pictures(told: Told, chains: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Name and SVG: the way that people chose first (else the range), then all others."""
    yield "flow.svg", draw.svg(picture_of(told, chains))
    yield "flow-range.svg", draw.svg(picture_of(as_range(told), chains))
    for method in CONSERVING:
        name = f"flow-{method.replace('_', '-')}.svg"
        yield name, draw.svg(picture_of(by_method(told, method), chains))


def fill(shop: Workshop, going: Going, mine: Mine) -> None:
    told = going.told
    page = Page(100, mine.settings.chains, told.trace.method)
    shop.lines("trace/state.jsonl", (f"{line}\n" for line in going.lines))
    said = {
        "case": mine.case,
        "number": told.number,
        "at": rfc3339(told.at),
        "at_seconds": told.at,
        "sha256": trace_bodies.digest(going.lines),
        "sha256_in_log": told.sha256,
        "veiled": going.veiled,
    }
    shop.lines("trace/trace.json", [f"{json_text(said)}\n"])
    shop.lines("trace/objects.jsonl", (f"{line}\n" for line in objects.lines(told.trace)))
    shop.lines("trace/seizure.csv", seizure.csv(told, page))
    for name, svg in pictures(told, names_of(mine.settings.chains)):
        shop.data(f"trace/{name}", svg.encode())
