"""A trace as a picture: boxes, what went between them, and the sums of every hop, from which
nothing is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.model.flow import METHOD_SAID
from monitor.model.plain import case_said, clean, plural, rfc3339, tidy, utc
from monitor.model.trace import Trace
from monitor.picture import boxes as boxing
from monitor.picture import columns, ways, words
from monitor.picture.measure import USD_DECIMALS, Tally, exactly
from monitor.picture.parts import Picture
from monitor.picture.scene import Scene

BOXES = 60
NOT_DRAWN = "Not drawn: "  # begins what is warned of the drawing alone
BACKS = 12  # thin lines; what is left of them is one sentence


def of_trace(
    trace: Trace,
    at: int | None,
    *,
    state: str = "",
    chains: Mapping[str, str] | None = None,
    boxes: int = BOXES,
    backs: int = BACKS,
) -> Picture:
    """The picture of a trace as it stood at a moment (Unix seconds).

    `state`: the name of that state, "state 3 (1a2b3c4d)"; `chains`: what people call chains, by
    key. At most as many boxes as `boxes`, and one a hop at least; at most `backs` thin lines.
    """
    scene = Scene(trace, chains or {}, boxes)
    went = ways.ways_of(scene)
    found = boxing.in_order(scene, went)
    bands, thin = ways.drawn(scene, went)
    return Picture(
        title=_title(trace),
        said=tuple(_said(scene, at, state)),
        warned=tuple(_warned(scene, max(0, len(thin) - backs))),
        ranged=not trace.method,
        columns=columns.of_scene(scene),
        boxes=tuple(boxing.box(scene, k, nodes, went.get((k, k))) for k, nodes in found.items()),
        bands=bands,
        backs=thin[:backs],
    )


def _title(trace: Trace) -> str:
    title = clean(trace.title, 80)
    return f"Case {case_said(trace.case)}{f', {title}' if title else ''}: where the money went"


def _said(scene: Scene, at: int | None, state: str) -> Iterator[str]:
    if not scene.nodes:
        yield "Nothing is traced yet."
    else:
        out = columns.out_of_sources(scene)
        gone = " + ".join(scene.measure.exact(out))
        yield f"{gone} left the watched addresses{_worth(scene, out)}."
        yield f"{words.method_said(scene.trace)}."
    stood = (f"As of {utc(at)}" if rfc3339(at) else "", tidy(state, 100))
    yield ", ".join(filter(None, stood))


def _worth(scene: Scene, out: Tally) -> str:
    """In USD of that time, where the picture is in another measure."""
    usd = scene.measure.span(out.usd)[1]
    if scene.measure.unit == "usd" or not usd:
        return ""
    part = " as far as it has a price" if scene.measure.unit == "share" else ""
    return f", {exactly(usd, USD_DECIMALS)} USD when they left{part}"


def _warned(scene: Scene, undrawn: int) -> Iterator[str]:
    trace = scene.trace
    if unread := sum(not node.complete for node in trace.nodes):
        yield (
            f"NOT EVERYTHING IS READ: {unread:,} of {len(trace.nodes):,} addresses not, "
            "or only in part."
        )
    if trace.touched:
        yield "TOUCHES US: value came to one of our own addresses, which are not shown."
    if trace.ended:
        yield words.one_line(trace.ended)
    if trace.questions:
        yield f"Waits for a person: {words.one_line(trace.questions[0].words)}"
    if trace.leads:
        yield f"{NOT_DRAWN}{plural(len(trace.leads), 'lead')} by a guess."
    if scene.idle:
        by = METHOD_SAID.get(trace.method) or "any of the 5 methods"
        yield f"{NOT_DRAWN}{scene.idle:,} that can be reached, but nothing came there by {by}."
    if undrawn:
        yield f"{NOT_DRAWN}{undrawn:,} thin lines, the smallest. The sums hold them."
