"""`trace show` for people: on the first screen what rests where, how sure, what is open, who learns
of it; then the paths from the watched addresses to the ends (paths.py), and the page of totals.

Addresses are never cut.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from monitor.messages.trace import paths, sums
from monitor.messages.trace.words import (
    COUNTED,
    METHOD,
    REASON,
    Page,
    counted,
    is_any,
    largest,
    minute,
    names_said,
    span,
    state_said,
    sum_said,
    usd_said,
    worth_said,
)
from monitor.model.flow import CONSERVING
from monitor.model.plain import case_said, duration, quoted, tidy
from monitor.model.trace import Node, State, Sum, Trace, TracedAsset

_RESTS = (State.FOLLOWED, State.PARKED)
_HOUR = 3600
FIRST = 10  # places on the first screen; the rest is counted


def lines(
    trace: Trace,
    page: Page,
    head: Sequence[str] = (),
    learned: Sequence[str] = (),
    at: int | None = None,
) -> Iterator[str]:
    """`head`: which state of the trace it is, `at`: when that was taken; `learned`: which
    operators learn how many addresses, a sentence each."""
    unsure = [*doubts(trace, at)]
    yield from _first_screen(trace, page, head, learned, unsure)
    yield from _wrapped(f"THE WAY ({_figures(trace)}; times are UTC)", page)
    yield from paths.lines(trace, page)
    yield ""
    yield "TOTALS, to the unit"
    yield from sums.lines(trace, page)


# --- the first screen -------------------------------------------------------------------------


def _first_screen(
    trace: Trace,
    page: Page,
    head: Sequence[str],
    learned: Sequence[str],
    doubts: Sequence[str],
) -> Iterator[str]:
    title = f" {quoted(trace.title, 60)}" if trace.title else ""
    yield f"Case {case_said(trace.case)}{title}: where the funds went"
    yield from (line for text in head for line in _wrapped(text, page))
    yield from _wrapped(_method(trace), page)
    yield ""
    yield "LEFT WATCHED ADDRESSES"
    yield from (line for text in _left(trace, page) for line in _wrapped(text, page, "  "))
    yield ""
    yield "WHERE IT IS"
    yield from _places(trace, page)
    yield ""
    yield "HOW SURE"
    yield from (line for text in doubts for line in _wrapped(text, page, "  "))
    yield ""
    yield "OPEN"
    yield from (line for text in _open(trace, page) for line in _wrapped(text, page, "  "))
    yield f"  Who could act: fundwatch seizure {case_said(trace.case)}"
    yield ""
    yield "WHO LEARNS OF IT"
    told = learned or ["No operator was asked about a followed address."]
    yield from (line for text in told for line in _wrapped(text, page, "  "))
    yield ""


def _wrapped(text: str, page: Page, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        max(page.columns, 40),
        initial_indent=indent,
        subsequent_indent=f"{indent}  " if indent else "",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _method(trace: Trace) -> str:
    if not trace.method:
        return (
            "Nobody has chosen a method yet: figures are ranges over all that conserve. "
            f"Choose: fundwatch trace method {case_said(trace.case)} METHOD --by NAME --note TEXT"
        )
    why = f": {quoted(trace.method_why)}" if trace.method_why else ""
    by = f"chosen by {tidy(trace.method_by, 60)}" if trace.method_by else "chosen"
    return f"Figures are traced by {METHOD[trace.method]}, {by}{why}. Other methods stand beside."


def _figures(trace: Trace) -> str:
    if not trace.method:
        return f"figures: the lowest to the highest, {COUNTED}"
    mine = METHOD[trace.method]
    return f"figures: traced by {mine}, in brackets the lowest to the highest, {COUNTED}"


def _left(trace: Trace, page: Page) -> Iterator[str]:
    by_asset: dict[TracedAsset | None, dict[str, int]] = {}
    for total in trace.totals:
        if total.method in CONSERVING and total.out_of_sources:
            by_asset.setdefault(total.asset, {})[total.method] = total.out_of_sources
    if not by_asset:
        yield "Nothing that is recorded."
    for asset, figures in by_asset.items():
        if asset is None:
            yield f"all: worth {usd_said(figures, page)}, when it left"
        else:
            yield f"{page.chain(asset.chain)}: {sum_said(Sum(asset, figures), page)}"


def _places(trace: Trace, page: Page) -> Iterator[str]:
    """The largest first; every figure with how it is known."""
    yield from (line for text in _whole(trace, page) for line in _wrapped(text, page, "  "))
    mine = [n for n in trace.nodes if n.state is not State.SOURCE and any(map(is_any, n.holds))]
    mine.sort(key=lambda node: (-largest(node.holds), node.hop, node.subject))
    if not mine:
        yield "  Nowhere: nothing was followed yet, or nothing has left."
    for node in mine[:FIRST]:
        yield f"  {page.place(node.subject)}"
        said = [
            *(f"{sum_said(each, page)}; {worth_said(each, page)}" for each in node.holds),
            "; ".join(filter(None, (state_said(node), names_said(node), _since(node)))),
        ]
        yield from (line for text in said for line in _wrapped(text, page, "    "))
    if len(mine) > FIRST:
        more = counted(len(mine) - FIRST, "place", "places")
        yield f"  and {more}: fundwatch seizure {case_said(trace.case)}"


def _whole(trace: Trace, page: Page) -> Iterator[str]:
    """How much of it rests, ended and waits, in USD."""
    mine = {total.method: total for total in trace.totals if total.asset is None}
    for words, figures in (
        ("rests", {m: t.resting for m, t in mine.items()}),
        ("ended", {m: sum(t.ended.values()) for m, t in mine.items()}),
        ("waits", {m: t.unfollowed for m, t in mine.items()}),
    ):
        if span(figures)[1]:
            yield f"{words}: {usd_said(figures, page)}, when it left"


def _since(node: Node) -> str:
    last = node.last_moved if node.last_moved is not None else node.first_traced
    return f"since {minute(last)}" if last is not None else ""


def doubts(trace: Trace, at: int | None) -> Iterator[str]:
    """What a figure rests on, and what could change it. `at`: when the state was taken."""
    yield from _doubts(trace)
    yield from old(trace, at)


def _doubts(trace: Trace) -> Iterator[str]:
    partly = [node for node in trace.nodes if not node.complete]
    unsure = [node for node in trace.nodes if node.stop is not None and not node.stop.confirmed]
    tied = any(total.ties for total in trace.totals)
    if partly:
        yield (
            f"{counted(len(partly), 'address', 'addresses')} of {len(trace.nodes):,} not "
            "completely read: what is traced there, and behind it, are bounds."
        )
    if unsure:
        yield (
            f"{counted(len(unsure), 'address', 'addresses')} named by somebody whom nobody "
            "confirmed: not whom to ask."
        )
    if tied:
        yield "Of some movements the order inside a moment is not known: see TOTALS."
    if unbalanced := sorted({t.method for t in trace.totals if t.difference} - {"poison"}):
        yield f"TOTALS DO NOT BALANCE by {', '.join(unbalanced)}: report this as a fault."
    if not (partly or unsure or tied):
        followed = sum(node.stop is None for node in trace.nodes)
        ended = len(trace.nodes) - followed
        said = f"{counted(followed, 'address', 'addresses')} completely read"
        yield f"{said}; at {ended:,} it ends, and nobody looks further." if ended else f"{said}."
    yield "Nothing that came in is followed backwards."


def old(trace: Trace, at: int | None) -> Iterator[str]:
    """What was read more than an hour before the state was taken, of places where value rests."""
    rests = [n for n in trace.nodes if n.state in _RESTS and any(map(is_any, n.holds))]
    ages = [(at or 0) - node.covered_to for node in rests if node.covered_to is not None]
    old = [age for age in ages if age > _HOUR]
    if old:
        yield (
            f"{counted(len(old), 'address', 'addresses')} where value rests last read more than an "
            f"hour before this state, up to {duration(max(old))}."
        )


def _open(trace: Trace, page: Page) -> Iterator[str]:
    """The one question, what waits, what a limit ended, what is only a guess."""
    case = case_said(trace.case)
    for question in trace.questions[:1]:
        yield f"QUESTION: {tidy(question.words, 600)} (fundwatch trace frontier {case})"
    if len(trace.questions) > 1:
        yield f"{counted(len(trace.questions) - 1, 'more question')} after it."
    for state, words in ((State.WAITING, "waiting for a person"), (State.QUEUED, "to be read")):
        count = sum(node.state is state for node in trace.nodes)
        if count:
            yield f"{counted(count, 'address', 'addresses')} {words}."
    if trace.ended:
        yield f"It stopped before its end: {tidy(trace.ended, 400)}"
    for reason in ("calls", "addresses", "hops", "incomplete"):
        count = sum(n.stop is not None and n.stop.reason == reason for n in trace.nodes)
        if count:
            yield f"{counted(count, 'address', 'addresses')} not followed: {REASON[reason]}."
    for lead in trace.leads:
        yield f"LEAD, a guess and in no sum: {page.place(lead.subject)}: {tidy(lead.words, 300)}"
    if not (trace.questions or trace.wanted or trace.ended or trace.leads):
        yield "Nothing: all that could be followed is followed."
    if trace.touched:
        ours = ", ".join(page.place(subject) for subject in trace.touched)
        yield f"TOUCHES US: {ours}"
