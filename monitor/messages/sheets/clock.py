"""A clock of the law that a person started: three days before its last day, on it, and after it."""

from __future__ import annotations

from monitor.messages.sheets import about, to_do
from monitor.messages.sheets.parts import Item, Sheet, Telling, section, sections, topic
from monitor.model import AlertView
from monitor.model.facts import ClockDue, of_kind
from monitor.model.plain import case_said, tidy, when

_STAGE = {"soon": "ENDS SOON", "due": "ENDS TODAY", "over": "IS OVER"}


def clock_sheet(view: AlertView, telling: Telling) -> Sheet:
    fact = of_kind(view.alert.facts, ClockDue)
    stage = _STAGE.get(fact.step, "RUNS")
    return Sheet(
        banner="CLOCK",
        severity=view.alert.severity,
        topic=topic(f"{stage} {tidy(fact.due, 10)}", case_said(fact.case), view.alert.id),
        headline=clock_said(view),
        lead=("A person started this clock; Fundwatch counts its days and knows nothing else.",),
        sections=sections(
            to_do.to_do_section(view, telling),
            section("CASE", Item(case_said(fact.case))) if fact.case else None,
            section("CLOCK", *_clock(fact, telling)),
            section("WHEN", Item(when(view.alert.created, telling.timezone), "Told")),
            about.id_section(view, telling, f"clock {tidy(fact.clock, 40)}"),
        ),
        footer=about.INTERNAL,
    )


def clock_said(view: AlertView) -> str:
    """In a sentence."""
    fact = of_kind(view.alert.facts, ClockDue)
    stage = {"soon": "ends soon", "due": "ends today", "over": "is over"}.get(fact.step, "runs")
    last = f"its last day {'was' if fact.step == 'over' else 'is'} {tidy(fact.due, 10)}"
    return f"A clock {stage}: {tidy(fact.title, 80)}, {last} ({tidy(fact.zone, 40)})."


def _clock(fact: ClockDue, telling: Telling) -> list[Item]:
    by = f"{when(fact.started, telling.timezone)} by {tidy(fact.by, 80)}"
    return [
        Item(f"{tidy(fact.due, 10)} ({tidy(fact.zone, 40)})", "Last day"),
        Item(tidy(fact.counted, 200), "Counted"),
        Item(by, "Started"),
        Item(tidy(fact.source, 200), "Source"),
        Item("End it with its reference, or stop it with a reason, on the page of its case."),
    ]
