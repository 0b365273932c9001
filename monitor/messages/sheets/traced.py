"""Followed money: where it went, that it reached somebody who can be asked, that a person is asked,
and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from monitor.messages.sheets import about, to_do
from monitor.messages.sheets.alert import rows_section, subject_tail
from monitor.messages.sheets.ours import ours_section, shout
from monitor.messages.sheets.parts import Item, Section, Sheet, Telling, section, sections, topic
from monitor.messages.trace.words import METHOD, REASON, cents
from monitor.model import AlertView, Inline
from monitor.model.facts import of_kind
from monitor.model.plain import amount_said, case_said, plural, quoted, tidy, utc
from monitor.model.trace import Trace
from monitor.model.traced import Hop, Traced, Turn
from monitor.picture import inline

HOPS_SHOWN = 12
# With whom the value is: said where somebody can be asked to stop it.
_ASK = {
    "exchange": "It may still be there. Exchanges can stop an account while it is.",
    "deposit_address": "It behaves like a deposit address of an exchange, which can stop it.",
    "mixer": "Behind a mixer it is not followed. Look at what leaves it soon, as a lead only.",
    "bridge": "It went on to another chain, where it is followed.",
}


def traced_sheet(view: AlertView, telling: Telling) -> Sheet:
    """One alert about the trace of a case."""
    fact = of_kind(view.alert.facts, Traced)
    case = case_said(fact.case)
    trace = view.trace
    images = () if trace is None else (_picture(view, trace),)
    return Sheet(
        banner=_banner(view, fact),
        severity=view.alert.severity,
        topic=topic(
            shout(view, f"{_SHORT[fact.turn]} case {case}"), *subject_tail(view), view.alert.id
        ),
        headline=headline(view),
        lead=(*about.again(view), *_lead(fact)),
        sections=sections(
            _to_do(view, telling, fact),
            ours_section(view),
            section("FIGURES", *_figures(fact)),
            section("STEPS", *_steps(fact)) if fact.hops else None,
            rows_section(view, telling, view.transfers) if view.transfers else None,
            section("SHOW", *_commands(fact)),
            about.id_section(view, telling, _WHAT[fact.turn]),
        ),
        footer=about.INTERNAL,
        images=images,
    )


_SHORT: Mapping[str, str] = {
    Turn.HISTORY: "WHERE IT WENT",
    Turn.MOVED: "MOVED ON",
    Turn.REACHED: "REACHED",
    Turn.QUESTION: "ASKED",
    Turn.CHANGED: "OTHER SUMS",
    Turn.UNDONE: "REVERSED",
}
_WHAT: Mapping[str, str] = {
    Turn.HISTORY: "where followed money went before",
    Turn.MOVED: "followed money moved on",
    Turn.REACHED: "followed money reached somebody",
    Turn.QUESTION: "a person is asked",
    Turn.CHANGED: "other sums of the same money",
    Turn.UNDONE: "takes back what was told",
}


def headline(view: AlertView) -> str:
    """The whole news in a sentence."""
    fact = of_kind(view.alert.facts, Traced)
    said = _HEADLINES.get(fact.turn, _moved)(fact)
    return shout(view, said)


def _moved(fact: Traced) -> str:
    much, hops = _sum(fact), sorted({hop.hop for hop in fact.hops})
    to = f"hop {hops[-1]}" if hops else "the next hop"
    return f"Followed money moved on to {to} of case {case_said(fact.case)}: {much}."


def _reached(fact: Traced) -> str:
    where = _where(fact)
    if not fact.confirmed:
        return (
            f"{_sum(fact)} of case {case_said(fact.case)} went to an address named as {where}, "
            "which nobody has confirmed."
        )
    return f"{_sum(fact)} of case {case_said(fact.case)} reached {where}."


def _history(fact: Traced) -> str:
    left = _usd(fact.left)
    rests = _usd(fact.rests)
    case = case_said(fact.case)
    return (
        f"Case {case}: of {left} that left the watched addresses, {rests} rest where it was "
        "followed to."
    )


def _question(fact: Traced) -> str:
    return f"Case {case_said(fact.case)}, a person is asked: {fact.ask}"


def _changed(fact: Traced) -> str:
    why = "; ".join(fact.lines)
    return f"Case {case_said(fact.case)} has other sums, because {why}: {_usd(fact.rests)} rest."


def _undone(fact: Traced) -> str:
    what = plural(len(fact.hops), "movement")
    return f"Case {case_said(fact.case)}: {what} that was told did not happen: {_sum(fact)}."


_HEADLINES: Mapping[str, Callable[[Traced], str]] = {
    Turn.HISTORY: _history,
    Turn.MOVED: _moved,
    Turn.REACHED: _reached,
    Turn.QUESTION: _question,
    Turn.CHANGED: _changed,
    Turn.UNDONE: _undone,
}


def _lead(fact: Traced) -> tuple[str, ...]:
    if fact.turn == Turn.REACHED:
        return (_ASK.get(fact.reason, ""),)
    if fact.turn == Turn.HISTORY:
        return (
            "This is history: it moved before following began, or more than 72 hours ago. "
            f"Ended: {', '.join(fact.lines) or 'nothing'}.",
        )
    return ()


def _to_do(view: AlertView, telling: Telling, fact: Traced) -> Section | None:
    case = case_said(fact.case)
    found = [Item(f"fundwatch seizure {case}", "who could act", "command")]
    if fact.turn == Turn.QUESTION:
        yes = f"fundwatch trace approve {case} --next 50 --by NAME --note TEXT"
        found = [
            Item(f"fundwatch trace frontier {case}", "who waits", "command"),
            Item(yes, "yes to the next 50", "command"),
        ]
    return section(to_do.HEADING, *found, *to_do.acknowledge(view.alert.id, telling))


def _figures(fact: Traced) -> list[Item]:
    method = (
        f"traced by {METHOD[fact.method]}"
        if fact.method in METHOD
        else ("a range over the methods that conserve; nobody has chosen one")
    )
    found = [Item(_usd(fact.left), "Left the watched addresses")] if fact.left else []
    found += [Item(_usd(fact.rests), "Rests where it is followed")] if fact.rests else []
    found.append(Item(method, "Figures"))
    state = f"state {fact.state} of {utc(fact.at)} (sha256 {fact.sha256[:16]})"
    return [*found, Item(state, "Of the trace", style="note")]


def _steps(fact: Traced) -> list[Item]:
    found = [
        Item(f"{_amount(hop)} to {_to(hop)}, {utc(hop.time)}", style="row", note=hop.tx)
        for hop in fact.hops[:HOPS_SHOWN]
    ]
    rest = len(fact.hops) - HOPS_SHOWN
    return [*found, Item(f"{rest:,} more.", style="note")] if rest > 0 else found


def _to(hop: Hop) -> str:
    return f"hop {hop.hop}" + (f", {quoted(hop.to, 80)}" if hop.to else "")


def _commands(fact: Traced) -> list[Item]:
    case = case_said(fact.case)
    return [
        Item(f"fundwatch trace show {case}", "the whole way", "command"),
        Item(f"fundwatch trace picture {case} --out {case}.png", "as a picture", "command"),
    ]


def _where(fact: Traced) -> str:
    """An exchange by its name; a deposit address is one of whom it sweeps to."""
    what = REASON.get(fact.reason, fact.reason)
    if fact.reason == "bridge":
        what = "a bridge, and went on to another chain"
    name = next((hop.to for hop in fact.hops if hop.to), "")
    return f"{what}, {quoted(name, 80)}" if name else what


def _sum(fact: Traced) -> str:
    """What these movements carry, in USD where all of them have a price."""
    if any(hop.usd_low is None for hop in fact.hops):
        return ", ".join(_amount(hop) for hop in fact.hops[:3])
    low = sum(hop.usd_low or 0 for hop in fact.hops)
    high = sum(hop.usd_high or 0 for hop in fact.hops)
    return _usd((low, high))


def _amount(hop: Hop) -> str:
    low, high = amount_said(hop.low, hop.decimals), amount_said(hop.high, hop.decimals)
    symbol = tidy(hop.symbol, 20)
    return f"{high} {symbol}" if low == high else f"{low} to {high} {symbol}"


def _usd(pair: tuple[int, int] | None) -> str:
    if pair is None:
        return "an unknown amount"
    low, high = cents(pair[0]), cents(pair[1])
    return f"{high} USD" if low == high else f"{low} to {high} USD"


def _banner(view: AlertView, fact: Traced) -> str:
    return "CORRECTION" if fact.turn == Turn.UNDONE else view.alert.severity.value.upper()


def _picture(view: AlertView, trace: Trace) -> Inline:
    fact = of_kind(view.alert.facts, Traced)
    return inline.of_trace(trace, fact.at, state=f"state {fact.state}")
