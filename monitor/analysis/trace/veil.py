"""A trace in which our own addresses stand by their labels, as everywhere that people look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from monitor.chains.within import addresses_in, replaced
from monitor.model import Subject
from monitor.model.trace import Edge, Lead, Node, Question, Trace, Wanted

Labels = Mapping[str, str]  # by address: one key has the same on all chains of its family


def addresses(trace: Trace) -> set[str]:
    """All that stand in it, also inside sentences: which of them are ours has to be asked."""
    found = {node.subject.address for node in trace.nodes}
    found |= {lead.subject.address for lead in trace.leads}
    found |= {subject.address for each in trace.questions for subject in each.about}
    sentences = {node.stop.detail for node in trace.nodes if node.stop is not None}
    sentences |= {edge.rule for edge in trace.edges}
    return found.union(*(addresses_in(text) for text in sentences))


def veiled(trace: Trace, labels: Labels) -> Trace:
    """`labels`: what stands in the place of each of our own. Those that are watched themselves are
    shown like all that are watched."""
    if not labels:
        return trace
    return replace(
        trace,
        nodes=tuple(_node(node, labels) for node in trace.nodes),
        edges=tuple(_edge(edge, labels) for edge in trace.edges),
        wanted=tuple(_wanted(each, labels) for each in trace.wanted),
        questions=tuple(_question(each, labels) for each in trace.questions),
        leads=tuple(_lead(each, labels) for each in trace.leads),
        touched=tuple(_of(subject, labels) for subject in trace.touched),
    )


def _of(subject: Subject, labels: Labels) -> Subject:
    return replace(subject, address=labels.get(subject.address, subject.address))


def _node(node: Node, labels: Labels) -> Node:
    stop = node.stop
    if stop is not None:
        stop = replace(stop, detail=replaced(stop.detail, labels))
    return replace(node, subject=_of(node.subject, labels), stop=stop)


def _edge(edge: Edge, by: Labels) -> Edge:
    """On account chains a leg names both ends."""
    return replace(
        edge,
        sender=by.get(edge.sender, edge.sender),
        recipient=by.get(edge.recipient, edge.recipient),
        leg="|".join(by.get(part, part) for part in edge.leg.split("|")),
        rule=replaced(edge.rule, by),
    )


def _wanted(each: Wanted, labels: Labels) -> Wanted:
    return replace(each, subject=_of(each.subject, labels))


def _question(each: Question, labels: Labels) -> Question:
    return replace(each, about=tuple(_of(subject, labels) for subject in each.about))


def _lead(each: Lead, labels: Labels) -> Lead:
    return replace(each, subject=_of(each.subject, labels))
