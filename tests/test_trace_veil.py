"""Our own addresses stand in no trace, in no sentence of it either."""

from __future__ import annotations

from dataclasses import replace

from trace_values import EXCHANGE, FAR, HUB, REST
from trace_values import trace as worked

from monitor.analysis.trace.veil import addresses, veiled
from monitor.model.trace import Question, Stop
from monitor.model.trace_json import to_lines

OTHER = "0x" + "5c" * 20  # on a chain that is not read


def test_no_sentence_of_a_trace_shows_our_own() -> None:
    trace = worked()
    said = Stop("bridge", f"Across to {FAR} on arbitrum; Across to {OTHER} on 9999")
    nodes = [replace(n, stop=said) if n.subject.address == EXCHANGE else n for n in trace.nodes]
    edges = [replace(trace.edges[0], rule=f"In this transaction {HUB} passed it on.")]
    edges += trace.edges[1:]
    about = tuple(n.subject for n in nodes if n.subject.address == REST)
    asked = (Question("unpriced", "?", about),)
    trace = replace(trace, nodes=tuple(nodes), edges=tuple(edges), questions=asked)
    mine = (FAR, OTHER, HUB, REST)
    assert addresses(trace) >= set(mine)
    shown = "\n".join(to_lines(veiled(trace, {each: f"ours:{each[2:4]}" for each in mine})))
    assert not any(each[2:] in shown for each in mine)
    assert "Across to ours:a7 on arbitrum; Across to ours:5c on 9999" in shown
    assert EXCHANGE in shown
