"""The boxes of a picture and their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.model.plain import plural
from monitor.model.trace import Edge, Node, Sum
from monitor.picture import words
from monitor.picture.measure import Tally, decimals, exactly, said, symbol
from monitor.picture.parts import Box, Tone
from monitor.picture.scene import Scene, column_of, is_others
from monitor.picture.ways import Way, payment, turned

_TURNED = 5  # conversions that a box names one by one


def in_order(scene: Scene, ways: Mapping[tuple[str, str], Way]) -> dict[str, list[Node]]:
    """The addresses of every box, boxes by column; inside it under the one that paid first, then
    by the time of that: a later payment never changes the order of those before it. The box of
    the others stands last."""
    first: dict[str, tuple[int, str]] = {}
    for (giver, taker), way in ways.items():
        paid = min((edge.time, giver) for edge in way.edges)
        if giver != taker:
            first[taker] = min(first.get(taker, paid), paid)
    inside: dict[str, list[Node]] = {}
    for node in scene.nodes.values():
        inside.setdefault(scene.box_of[node.subject], []).append(node)
    place: dict[str, int] = {}

    def rank(key: str) -> tuple[int, bool, int, int, str]:
        time, giver = first.get(key, (0, ""))
        column = column_of(inside[key][0])
        return column, is_others(key), place.get(giver, len(inside)), time, key

    for column in sorted({column_of(node) for node in scene.nodes.values()}):
        keys = [key for key, found in inside.items() if column_of(found[0]) == column]
        place.update({key: number for number, key in enumerate(sorted(keys, key=rank))})
    return {key: inside[key] for key in sorted(inside, key=lambda k: (rank(k)[0], place[k]))}


def box(scene: Scene, key: str, found: Sequence[Node], inside: Way | None) -> Box:
    """`inside`: what moved from the box to itself: conversions, or payments among the others."""
    edges = inside.edges if inside else []
    if is_others(key):
        return _others(scene, key, found, edges)
    return _one(scene, found[0], [edge for edge in edges if edge.got])  # without change to itself


def _one(scene: Scene, node: Node, inside: Sequence[Edge]) -> Box:
    rests = not scene.measure.is_nothing(_all(node.holds))
    state, tone = words.state_of(node, rests=rests)
    ours = scene.is_ours(node.subject)
    touches = ("TOUCHES US",) if ours else ()
    return Box(
        key=node.subject.key,
        column=column_of(node),
        name="One of ours" if ours else words.called(node),
        chain=scene.chain(node.subject.chain) if scene.several else "",
        address="" if ours else scene.address(node.subject),
        state=state,
        tone=tone,
        figures=_figures(scene, node, rests=rests),
        marks=(*touches, *sorted({turned(edge) for edge in inside}), *words.marks(node)),
        title=" ".join(filter(None, _about(scene, node, state, inside))),
        account=_account(scene, node.received, node.holds, node.left, source=node.hop == 0),
        subject=None if ours else node.subject,
    )


def _figures(scene: Scene, node: Node, *, rests: bool) -> tuple[str, ...]:
    """What rests, else what went through; of a source what it sent."""
    measure = scene.measure
    if node.hop == 0:
        return _few([f"sent {line}" for line in measure.short(_all(node.left))])
    return _few(measure.short(_all(node.holds if rests else node.received)))


def _about(scene: Scene, node: Node, state: str, inside: Sequence[Edge]) -> Sequence[str]:
    ours = scene.is_ours(node.subject)
    who = "One of our own addresses, which is not shown," if ours else scene.who(node.subject)
    names = "" if ours else " and as ".join(map(words.name_said, node.names))
    named = f", named as {names}" if names else ""
    turns = "; ".join(payment(scene, edge) for edge in inside[:_TURNED])
    return (
        f"{who} on {scene.chain(node.subject.chain)}{named}: {state}.",
        "That name is not confirmed." if words.doubted(node.stop) else "",
        words.one_line(node.stop.detail) if node.stop and not ours else "",
        _said(_account(scene, node.received, node.holds, node.left, source=node.hop == 0)),
        f"Turned there: {turns}." if turns else "",
        "" if node.complete else words.one_line(f"Not all is read: {'; '.join(node.unread)}"),
        _bounds(scene, node),
    )


def _account(
    scene: Scene, came: Sequence[Sum], holds: Sequence[Sum], left: Sequence[Sum], *, source: bool
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    came_said, holds_said, left_said = (
        scene.measure.exact(_all(sums)) for sums in (came, holds, left)
    )
    if source:
        return (("Sent", left_said),)
    return ("Arrived", came_said), ("Rests", holds_said), ("Left", left_said)


def _said(account: Sequence[tuple[str, Sequence[str]]]) -> str:
    """ "Arrived: 1,200 USDT. Rests: 200 USDT. Left: 1,000 USDT."."""
    return " ".join(f"{name}: {' + '.join(figures)}." for name, figures in account)


def _bounds(scene: Scene, node: Node) -> str:
    """What of its largest holding can be traced, as far as the record knows."""
    found = next((each for each in node.holds if each.bounds is not None), None)
    if node.complete or found is None or found.bounds is None:
        return ""
    spans = [found.bounds[m] for m in scene.measure.methods if m in found.bounds]
    if not spans:
        return ""
    span = min(low for low, _ in spans), max(high for _, high in spans)
    shown = said(span, decimals(found.asset), symbol(found.asset), exactly)
    return f"By what is not read it can be {shown}."


def _others(scene: Scene, key: str, found: Sequence[Node], inside: Sequence[Edge]) -> Box:
    """All of them in one: how many, how much, how they stand."""
    measure, source = scene.measure, found[0].hop == 0
    received = [each for node in found for each in node.received]
    holds = [each for node in found for each in node.holds]
    left = [each for node in found for each in node.left]
    name, states = f"{len(found):,} more addresses", _states(scene, found)
    unread = sum(not node.complete for node in found)
    account = _account(scene, received, holds, left, source=source)
    told = (
        f"{name} of this hop in one box: {', '.join(states)}.",
        _said(account),
        f"{plural(len(inside), 'payment')} among them." if inside else "",
        f"Not all is read of {unread:,} of them." if unread else "",
    )
    return Box(
        key=key,
        column=column_of(found[0]),
        name=name,
        chain="",
        address="",
        state="FOLDED",
        tone=Tone.PASSED if measure.is_nothing(_all(holds)) else Tone.RESTS,
        figures=_few(measure.short(_all(left if source else received))),
        marks=(*_few(states, 3), *((f"not all read: {unread:,}",) if unread else ())),
        title=" ".join(filter(None, told)),
        account=account,
        folded=len(found),
    )


def _states(scene: Scene, found: Sequence[Node]) -> list[str]:
    """ "too small to follow: 31", the commonest first."""
    counts: dict[str, int] = {}
    for node in found:
        rests = not scene.measure.is_nothing(_all(node.holds))
        state = words.state_of(node, rests=rests)[0].lower()
        counts[state] = counts.get(state, 0) + 1
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [f"{state}: {count:,}" for state, count in ranked]


def _all(sums: Sequence[Sum]) -> Tally:
    return Tally().add_sums(sums)


def _few(lines: Sequence[str], most: int = 2) -> tuple[str, ...]:
    if len(lines) <= most:
        return tuple(lines)
    return (*lines[: most - 1], f"and {len(lines) - most + 1} more")
