"""Two states of a case's trace side by side: what changed between them, by how much, and why as far
as they say it: new movements, late ones, ones that went, names, what people decided. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from monitor.decide.trace_sums import why_changed
from monitor.messages.trace.adding_up import ours_said
from monitor.messages.trace.words import (
    METHOD,
    Page,
    asset_said,
    minute,
    names_said,
    span,
    state_said,
)
from monitor.model import Subject
from monitor.model.flow import CONSERVING
from monitor.model.plain import clean, utc
from monitor.model.terms import Terms
from monitor.model.trace import Edge, Node, State, Told, Total, Trace, TracedAsset

MOST = 100  # lines of one kind


@dataclass(frozen=True, slots=True)
class Change:
    """One line. `subject` None: of no single address."""

    what: str
    before: str = ""
    after: str = ""
    subject: Subject | None = None
    address: str = ""
    chain: str = ""
    tx: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Changes of one kind, the first of them; `more` are left out."""

    title: str
    why: str
    changes: tuple[Change, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """`old` came first."""

    old: Told
    new: Told
    parts: tuple[Part, ...]

    @property
    def same(self) -> bool:
        return not self.parts


def compare(one: Told, other: Told, page: Page) -> Compared:
    old, new = sorted((one, other), key=lambda told: told.number)
    if old.sha256 == new.sha256:
        return Compared(old, new, ())
    fresh, late, gone = _movements(old, new)
    made = [
        _part("What people changed", "", _decided(old.trace, new.trace)),
        _part("Sums", "of each asset, by each method", _sums(old.trace, new.trace, page)),
        _part(
            "New movements",
            f"they were made after {utc(old.at)}",
            (_moved(edge, page) for edge in fresh),
        ),
        _part(
            "Late movements",
            f"they were made before {utc(old.at)}, and were not known then",
            (_moved(edge, page) for edge in late),
        ),
        _part(
            "Movements that are no longer part of it",
            "they did not happen after all, or nothing traced is in them any more",
            (_moved(edge, page) for edge in gone),
        ),
        _part("Addresses", "new ones, and those that stand otherwise", _nodes(old, new, page)),
        _part("Names", "what they are called by others", _names(old.trace, new.trace, page)),
        _part(
            "The same movements with other figures",
            "what came before them is counted otherwise",
            _refigured(old.trace, new.trace, page),
        ),
    ]
    return Compared(old, new, tuple(each for each in made if each.changes))


def _part(title: str, why: str, found: Iterable[Change]) -> Part:
    every = list(found)
    return Part(title, why, tuple(every[:MOST]), max(0, len(every) - MOST))


def _decided(old: Trace, new: Trace) -> Iterator[Change]:
    for name in Terms.LIMITS:
        was, now = getattr(old.terms, name), getattr(new.terms, name)
        if was != now:
            yield Change(f"limit {name}", f"{was:,}", f"{now:,}")
    for each in why_changed(old, new):
        if not each.startswith("a limit") and "label" not in each:
            yield Change(each, METHOD.get(old.method, "none"), METHOD.get(new.method, "none"))
    stopped = {n.subject: n for n in old.nodes if n.stop and n.stop.reason == "person"}
    for node in new.nodes:
        if node.stop and node.stop.reason == "person" and node.subject not in stopped:
            yield Change(f"an address is followed no more: {clean(node.stop.detail, 300)}")


def _sums(old: Trace, new: Trace, page: Page) -> Iterator[Change]:
    was, now = _totals(old), _totals(new)
    for asset in dict.fromkeys((*was, *now)):
        name = f"{asset_said(asset)} on {page.chain(asset.chain)}"
        for what, says in _WHAT.items():
            before, after = (_figures(t.get(asset, {}), what) for t in (was, now))
            if before != after:
                was_, now_ = (ours_said(each, asset, page) for each in (before, after))
                yield Change(f"{name}: {says}", was_, now_)


_WHAT = {
    "out_of_sources": "left the watched addresses",
    "resting": "rests",
    "ended": "ended",
    "unfollowed": "waits to be followed",
    "fees": "fees",
}
Totals = Mapping[TracedAsset, Mapping[str, Total]]


def _totals(trace: Trace) -> Totals:
    found: dict[TracedAsset, dict[str, Total]] = {}
    for total in trace.totals:
        if total.asset is not None:
            found.setdefault(total.asset, {})[total.method] = total
    return found


def _figures(by: Mapping[str, Total], what: str) -> dict[str, int]:
    if what == "ended":
        return {m: sum(by[m].ended.values()) if m in by else 0 for m in CONSERVING}
    return {m: int(getattr(by[m], what)) if m in by else 0 for m in CONSERVING}


def _movements(old: Told, new: Told) -> tuple[list[Edge], list[Edge], list[Edge]]:
    """New, late and gone."""
    was, now = ({edge.key: edge for edge in told.trace.edges} for told in (old, new))
    came = [edge for key, edge in now.items() if key not in was]
    fresh = [edge for edge in came if edge.time > old.at]
    late = [edge for edge in came if edge.time <= old.at]
    return fresh, late, [edge for key, edge in was.items() if key not in now]


def _moved(edge: Edge, page: Page) -> Change:
    giver, taker = (
        page.address(Subject(chain, party))
        for chain, party in (
            (edge.chain, edge.sender),
            (edge.to_chain or edge.chain, edge.recipient),
        )
    )
    traced = ours_said(edge.traced, edge.asset, page)
    return Change(
        f"{minute(edge.time)}: {traced} from {giver} to {taker}", chain=edge.chain, tx=edge.tx
    )


def _refigured(old: Trace, new: Trace, page: Page) -> Iterator[Change]:
    was = {edge.key: edge for edge in old.edges}
    for edge in new.edges:
        before = was.get(edge.key)
        if before is not None and span(before.traced) != span(edge.traced):
            then, now = (ours_said(each.traced, edge.asset, page) for each in (before, edge))
            yield Change(minute(edge.time), then, now, chain=edge.chain, tx=edge.tx)


def _nodes(old: Told, new: Told, page: Page) -> Iterator[Change]:
    was, now = ({n.subject: n for n in told.trace.nodes} for told in (old, new))
    for subject, node in now.items():
        before = was.get(subject)
        if before is None:
            yield _change(node, page, "it is new", "not there", state_said(node))
        elif state_said(before) != state_said(node):
            why = "it was read, decided on, or more came"
            yield _change(node, page, why, state_said(before), state_said(node))
    for subject, node in was.items():
        if subject not in now and node.state is not State.SOURCE:
            yield _change(node, page, "nothing is traced to it now", state_said(node), "not there")


def _names(old: Trace, new: Trace, page: Page) -> Iterator[Change]:
    was = {node.subject: node for node in old.nodes}
    for node in new.nodes:
        before = was.get(node.subject)
        if before is not None and before.names != node.names:
            then, now = (names_said(each) or "no name" for each in (before, node))
            yield _change(node, page, "it is called otherwise", then, now)


def _change(node: Node, page: Page, what: str, before: str, after: str) -> Change:
    where = page.chain(node.subject.chain)
    return Change(what, before, after, node.subject, page.address(node.subject), where)
