"""`trace frontier`: who waits, for what, largest value first. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.messages.trace.words import (
    Page,
    answer,
    counted,
    names_said,
    sum_said,
    worth_said,
)
from monitor.model import Subject
from monitor.model.flow import CONSERVING
from monitor.model.plain import tidy
from monitor.model.trace import Need, Node, State, Trace

WAITS = {
    Need.PROFILE: "what it is has to be looked up",
    Need.FOLLOW: "its history has to be read",
    Need.ANATOMY: "a transaction to it has to be read whole",
}
OPEN = (State.QUEUED, State.WAITING)
ABOUT = 20  # addresses of a question that wait for nothing else


def open_nodes(trace: Trace) -> list[Node]:
    """Those that nobody has followed yet and that may be, largest value first."""
    found = [node for node in trace.nodes if node.state in OPEN]
    return sorted(found, key=lambda node: (-_value(node), node.hop, node.subject))


def _value(node: Node) -> int:
    return max(sum((s.usd or {}).get(m, 0) for s in node.received) for m in CONSERVING)


def lines(trace: Trace, page: Page) -> Iterator[str]:
    """What is asked of a person first; then the addresses."""
    found = open_nodes(trace)
    for question in trace.questions[:1]:
        yield f"ASKED: {question.words}"
        yield f"  {answer(trace.case, question.kind, len(question.about))}"
        hidden = [s for s in question.about if s not in {node.subject for node in found}]
        yield from (f"  about {page.place(subject)}" for subject in hidden[:ABOUT])
    if len(trace.questions) > 1:
        yield f"  {counted(len(trace.questions) - 1, 'more question')} after it"
    if not found:
        yield "Nobody waits." if not trace.ended else f"Nobody waits: {trace.ended}."
        return
    needs = {each.subject: each.need for each in reversed(trace.wanted)}
    yield f"{counted(len(found), 'address waits', 'addresses wait')}, largest value first"
    for number, node in enumerate(found, 1):
        yield ""
        yield f"{number}. {page.place(node.subject)}"
        yield f"   hop {node.hop}; {_worth(node, page)}; {_waits(node, needs)}"
        if node.names:
            yield f"   {names_said(node)}"


def _worth(node: Node, page: Page) -> str:
    said = [f"{sum_said(each, page)}, {worth_said(each, page)}" for each in node.received]
    return "; ".join(said[:3]) + (f"; {len(said) - 3} more assets" if len(said) > 3 else "")


def _waits(node: Node, needs: Mapping[Subject, Need]) -> str:
    if node.state is State.WAITING:
        detail = f": {tidy(node.stop.detail, 200)}" if node.stop and node.stop.detail else ""
        return f"waits for a person's yes{detail}"
    need = needs.get(node.subject)
    return WAITS[need] if need else "its turn has not come"


def objects(trace: Trace) -> Iterator[dict[str, object]]:
    """One for each address that waits."""
    needs = {each.subject: each.need for each in reversed(trace.wanted)}
    asked = {subject for question in trace.questions[:1] for subject in question.about}
    for node in open_nodes(trace):
        need = needs.get(node.subject)
        yield {
            "chain": node.subject.chain,
            "address": node.subject.address,
            "hop": node.hop,
            "state": node.state.value,
            "usd": {m: str(_usd(node, m)) for m in CONSERVING},
            "needs": need.value if need else None,
            "asked": node.subject in asked,
        }


def _usd(node: Node, method: str) -> str:
    millionths = sum((s.usd or {}).get(method, 0) for s in node.received)
    return f"{millionths // 10**6}.{millionths % 10**6:06d}"
