"""What of the trace by hand (trace_values.py) is told: the alerts of a moment, as views of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import trace_values as v
import world.sample_alerts as sample

from monitor.decide.trace_news import Ground, news
from monitor.model import Alert, AlertView, Subject, TransferView
from monitor.model.facts import of_kind
from monitor.model.trace import Edge, Node, Terms, Told, Trace
from monitor.model.traced import Traced, Turn

HOUR, DAY = 3600, 86_400
CHAIN = sample.ETHEREUM
ENTRY = sample.make_entry(
    CHAIN,
    v.SOURCE,
    case="CRANE-01",
    label="Payroll wallet 3",
    reason="stolen on 2023-11-14",
    follow=Terms(),
)
NOW = v.START + 8 * HOUR
SHA = "3f2a9c01b2d4e5f60718293a4b5c6d7e" * 2
CROSSED = v.EDGES[5]  # over a bridge to FAR
TO_EXCHANGE = v.EDGES[1]


def ground(**more: object) -> Ground:
    """Following was switched on before anything moved; nothing was told yet."""
    made = Ground(ENTRY, v.START, NOW, 3, SHA)
    return replace(made, **more)  # type: ignore[arg-type]


def told(trace: Trace | None = None, **more: object) -> list[Alert]:
    return news(trace or v.trace(questions=(), wanted=()), ground(**more))


def of(turn: Turn, alerts: Sequence[Alert]) -> list[Alert]:
    return [alert for alert in alerts if facts(alert).turn == turn]


def facts(alert: Alert) -> Traced:
    return of_kind(alert.facts, Traced)


def keys(alert: Alert) -> list[str]:
    return [hop.key for hop in facts(alert).hops]


def with_edges(*edges: Edge, **more: object) -> Trace:
    return v.trace(edges=edges, **{"questions": (), "wanted": (), **more})


def with_node(address: str, trace: Trace | None = None, **more: object) -> Trace:
    """One node of it is otherwise."""
    made = trace or v.trace(questions=(), wanted=())
    nodes = tuple(_with(node, address, more) for node in made.nodes)
    return replace(made, nodes=nodes)


def _with(node: Node, address: str, more: dict[str, object]) -> Node:
    return replace(node, **more) if node.subject.address == address else node  # type: ignore[arg-type]


def before(trace: Trace) -> Told:
    return Told(2, NOW - HOUR, "ab" * 32, trace)


def later(edge: Edge, number: int, usd: int | None = None) -> Edge:
    """The same movement an hour later for each number, in another transaction."""
    moved = replace(edge, tx=f"0x{number:064x}", time=v.START + 3600 * number)
    if usd is None:
        return moved
    units = dict.fromkeys(edge.traced, usd * 10**6)
    return replace(moved, amount=usd * 10**6, traced=units, usd=units)


def view(alert: Alert, trace: Trace | None = None, **more: object) -> AlertView:
    """As the record hands it out: with its rows and, where it is loud, its trace."""
    edges = {edge.key: edge for edge in (trace or v.trace()).edges}
    rows = tuple(_row(edges["/".join(key)]) for key in alert.rows)
    made = AlertView(
        alert, "open", chain=CHAIN, entry=ENTRY, added=v.START, transfers=rows, trace=trace
    )
    return replace(made, **more)  # type: ignore[arg-type]


def _row(edge: Edge) -> TransferView:
    return sample.make_row(
        CHAIN,
        ENTRY,
        sender=edge.sender,
        recipient=edge.recipient,
        amount=edge.amount,
        contract=edge.asset.contract or None,
        symbol=edge.asset.symbol,
        decimals=edge.asset.decimals,
        verified=True,
        tx=edge.tx,
        leg=edge.leg,
        time=edge.time,
    )


OURS = {Subject("ethereum", v.REST): ("house", "Customer 17")}
