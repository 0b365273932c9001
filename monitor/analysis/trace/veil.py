"""A trace in which our own addresses stand by their labels, as everywhere that people look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from monitor.model import Subject
from monitor.model.trace import Edge, Lead, Question, Trace, Wanted

Labels = Mapping[Subject, str]


def veiled(trace: Trace, labels: Labels) -> Trace:
    """`labels`: what stands in the place of each of our own."""
    if not labels:
        return trace
    by = {subject.address: label for subject, label in labels.items()}
    return replace(
        trace,
        nodes=tuple(replace(node, subject=_of(node.subject, labels)) for node in trace.nodes),
        edges=tuple(_edge(edge, by) for edge in trace.edges),
        wanted=tuple(_wanted(each, labels) for each in trace.wanted),
        questions=tuple(_question(each, labels) for each in trace.questions),
        leads=tuple(_lead(each, labels) for each in trace.leads),
        touched=tuple(_of(subject, labels) for subject in trace.touched),
    )


def _of(subject: Subject, labels: Labels) -> Subject:
    return replace(subject, address=labels.get(subject, subject.address))


def _edge(edge: Edge, by: Mapping[str, str]) -> Edge:
    """On account chains a leg names both ends."""
    return replace(
        edge,
        sender=by.get(edge.sender, edge.sender),
        recipient=by.get(edge.recipient, edge.recipient),
        leg="|".join(by.get(part, part) for part in edge.leg.split("|")),
    )


def _wanted(each: Wanted, labels: Labels) -> Wanted:
    return replace(each, subject=_of(each.subject, labels))


def _question(each: Question, labels: Labels) -> Question:
    return replace(each, about=tuple(_of(subject, labels) for subject in each.about))


def _lead(each: Lead, labels: Labels) -> Lead:
    return replace(each, subject=_of(each.subject, labels))
