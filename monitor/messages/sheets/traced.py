"""Followed money: where it went, that it reached somebody who can be asked, that a person is asked,
and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from monitor.messages.sheets import about, to_do, traced_money
from monitor.messages.sheets.alert import subject_tail
from monitor.messages.sheets.ours import ours_section, shout
from monitor.messages.sheets.parts import (
    Item,
    Section,
    Sheet,
    Telling,
    section,
    sections,
    shown_address,
    shown_tx,
    topic,
)
from monitor.messages.sheets.traced_money import amount, summed, usd
from monitor.messages.spreadsheet import alert_csv_rows
from monitor.messages.trace.drawn import inline_of, names_of
from monitor.messages.trace.words import COUNTED, METHOD, REASON, answer, minute
from monitor.model import AlertView, Inline, TransferView
from monitor.model.facts import of_kind
from monitor.model.plain import case_said, plural, quoted, tidy, utc
from monitor.model.trace import Told
from monitor.model.traced import Hop, Traced, Turn

HOPS_SHOWN = 12
_BACKWARDS = "Who paid the watched addresses: nothing is followed backwards."
# What follows from where it came to, where the name of that is beyond doubt.
_SO: Mapping[str, str] = {
    "exchange": "It may still be there: an exchange can hold an account while the money is on it, "
    "and that is worth less by the hour.",
    "deposit_address": "An address that behaves like a deposit address: the exchange that it "
    "sweeps to can hold the account behind it, and that is worth less by the hour.",
    "mixer": "Behind a mixer nothing is followed: what leaves it is a lead at most.",
    "bridge": "Both sides of the bridge are found, and it is followed on the other chain.",
}


def traced_sheet(view: AlertView, telling: Telling) -> Sheet:
    """One alert about the trace of a case."""
    fact = _fact(view)
    allowed = telling.among({view.entry.case} if view.entry else ())
    table = "".join(alert_csv_rows([view], allowed)) if view.transfers else ""
    body = (
        _to_do(view, telling, fact),
        ours_section(view),
        traced_money.who_section(view, fact),
        section("WHERE", *traced_money.where_items(fact)),
        section("STEPS", *_steps(view, fact)),
        section("CASE", *_whose(view)),
        section("FIGURES", *_figures(fact)),
        about.unchecked_section([view], (*traced_money.unread_words(fact), _BACKWARDS)),
        section("SHOW", *_commands(fact)),
        about.attached(telling, table, [view]) if table and telling.message_id else None,
        about.id_section(view, telling, _WHAT[fact.turn]),
    )
    return Sheet(
        banner="CORRECTION" if fact.turn == Turn.UNDONE else view.alert.severity.value.upper(),
        severity=view.alert.severity,
        topic=topic(shout(view, _subject(fact)), *subject_tail(view), view.alert.id),
        headline=headline(view),
        lead=(*about.again(view), *_lead(view, fact)),
        sections=sections(*body),
        footer=about.INTERNAL,
        table=table,
        images=_pictures(view, fact),
    )


_SHORT: Mapping[str, str] = {
    Turn.HISTORY: "WHERE THE MONEY WENT",
    Turn.MOVED: "MOVED ON",
    Turn.REACHED: "REACHED",
    Turn.QUESTION: "A PERSON IS ASKED",
    Turn.CHANGED: "OTHER SUMS",
    Turn.UNDONE: "DID NOT HAPPEN",
}
_WHAT: Mapping[str, str] = {
    Turn.HISTORY: "where followed money went before",
    Turn.MOVED: "followed money moved on",
    Turn.REACHED: "followed money reached somebody",
    Turn.QUESTION: "a person is asked",
    Turn.CHANGED: "other sums of the same money",
    Turn.UNDONE: "takes back what was told",
}


def _subject(fact: Traced) -> str:
    """Fit for a subject, which holds no names."""
    said = _SHORT[fact.turn]
    if fact.turn == Turn.REACHED:
        sure = "" if fact.confirmed else ", not confirmed"
        return f"{said} {_kind(fact)}{sure}: {_bare(summed(fact))}"
    if fact.turn in (Turn.MOVED, Turn.UNDONE) and fact.hops:
        return f"{said}: {_bare(_much_moved(fact))}"
    return said


def _fact(view: AlertView) -> Traced:
    """What is told, with the chains that bridges lead to as people call them."""
    fact = of_kind(view.alert.facts, Traced)
    names = names_of(view.chains)
    hops = (replace(hop, to_chain=names.get(hop.to_chain, hop.to_chain)) for hop in fact.hops)
    return replace(fact, hops=tuple(hops))


def _bare(figure: str) -> str:
    """Of a range the mail itself says why it is one."""
    return figure.replace(f" ({COUNTED})", "")


def headline(view: AlertView) -> str:
    """The whole news in a sentence."""
    fact = _fact(view)
    return shout(view, _HEADLINES.get(fact.turn, _moved)(fact))


def _moved(fact: Traced) -> str:
    hops = sorted({hop.hop for hop in fact.hops})
    to = f"hop {hops[0]}" if len(hops) == 1 else f"hops {hops[0]} to {hops[-1]}" if hops else "on"
    count = f" in {plural(len(fact.hops), 'movement')}" if len(fact.hops) > 1 else ""
    rests = f"; {usd(fact.rests, fact)} rest where it is watched" if fact.rests else ""
    return f"{_much_moved(fact)} of case {case_said(fact.case)} moved on to {to}{count}{rests}."


def _much_moved(fact: Traced) -> str:
    return usd(fact.moved, fact) if fact.moved else summed(fact)


def _reached(fact: Traced) -> str:
    case, count = case_said(fact.case), len(fact.hops)
    much = f"{summed(fact)} of case {case}"
    much += f" in {plural(count, 'payment')}" if count > 1 else ""
    name = next((hop.to for hop in fact.hops if hop.to), "")
    if not fact.confirmed:
        return f"{much} went to an address that is {_named(fact) or _kind(fact)}, not confirmed."
    if fact.reason == "bridge":
        to = next((hop.to_chain for hop in fact.hops if hop.to_chain), "another chain")
        return f"{much} went over a bridge to {tidy(to, 40)}, where it is followed."
    return f"{much} reached {_kind(fact)}{f', {quoted(name, 80)}' if name else ''}."


def _kind(fact: Traced) -> str:
    return "a bridge" if fact.reason == "bridge" else REASON.get(fact.reason, fact.reason)


def _named(fact: Traced) -> str:
    """All that it is called side by side, and by whom: claims, never a fact."""
    said = [
        f"{quoted(name, 60)} by {tidy(source, 60) or 'a list that names no source'}"
        f"{f' ({tidy(date, 20)})' if date else ''}"
        for name, source, date in fact.named
    ]
    return f"named as {' and as '.join(said)}" if said else ""


def _history(fact: Traced) -> str:
    left = f"{usd(fact.left, fact)} left the watched addresses of case {case_said(fact.case)}"
    where = traced_money.where_words(fact, 2)
    return f"{left}: {where}." if where else f"{left}."


def _question(fact: Traced) -> str:
    return f"Case {case_said(fact.case)}, a person is asked: {tidy(fact.ask, 400)}"


def _changed(fact: Traced) -> str:
    why = "; ".join(tidy(line, 200) for line in fact.lines)
    now, case = usd(fact.rests, fact), case_said(fact.case)
    was = f", before it was {usd(fact.was, fact)} (state {fact.was_state})" if fact.was else ""
    return f"Case {case} has other sums, as {why}: {now} rest where it is watched{was}."


def _undone(fact: Traced) -> str:
    case, count = case_said(fact.case), len(fact.hops)
    if not count:
        return f"Case {case}: less than was told is traced, as an earlier movement did not happen."
    what = "a movement that was" if count == 1 else f"{count:,} movements that were"
    return f"Case {case}: {what} told did not happen or is traced no more: {summed(fact)}."


_HEADLINES: Mapping[str, Callable[[Traced], str]] = {
    Turn.HISTORY: _history,
    Turn.MOVED: _moved,
    Turn.REACHED: _reached,
    Turn.QUESTION: _question,
    Turn.CHANGED: _changed,
    Turn.UNDONE: _undone,
}


def _lead(view: AlertView, fact: Traced) -> Iterable[str]:
    """How sure it is, and what follows from it."""
    if fact.turn == Turn.REACHED and fact.confirmed:
        yield f"{_SO.get(fact.reason, '')} {_sure(fact)}".strip()
    elif fact.turn == Turn.REACHED:
        yield "Nobody is to be asked on this name alone, until a person confirms it."
    elif fact.turn == Turn.HISTORY:
        moves = f"{plural(fact.moves, 'movement')}: " if fact.moves else ""
        again = (
            f"It adds to {view.alert.amends}: more of it is known. " if view.alert.amends else ""
        )
        yield (
            f"{again}This is history, not news. {moves}all of it before following was switched "
            "on, or more than 72 hours before it was found. What moves from now on is told by "
            "itself."
        )
    elif fact.turn == Turn.MOVED and view.alert.severity.value == "medium":
        yield "That is a tenth or more of what left the watched addresses, moved within a day."
    elif fact.turn == Turn.QUESTION:
        again = "It is asked again, once a day. " if view.alert.amends else ""
        yield f"{again}Following waits there for an answer; all else goes on."
    elif fact.turn == Turn.UNDONE:
        yield f"It takes back what was told in {view.alert.amends}. Tell whoever acted on that."
        yield from (tidy(line, 300) for line in fact.lines)


def _sure(fact: Traced) -> str:
    named = _named(fact)
    return f"It is {named}." if named else ""


# --- what to do -------------------------------------------------------------------------------


def _to_do(view: AlertView, telling: Telling, fact: Traced) -> Section | None:
    case = case_said(fact.case)
    who = "what rests where, and who may be asked"
    found = [Item(f"fundwatch seizure {case}", "Who could act", "command", who)]
    if fact.turn == Turn.QUESTION:
        found = [
            Item(f"fundwatch trace frontier {case}", "Who waits", "command"),
            Item(answer(fact.case, fact.reason, len(fact.known)), "Answer", "command"),
        ]
    elif fact.turn == Turn.REACHED and not fact.confirmed:
        address = fact.place.partition("/")[2]
        label = f"fundwatch trace label {shown_address(view.chain, address)} --name TEXT"
        more = " --category exchange --by NAME --note TEXT"
        found = [Item(label + more, "Confirm", "command", "or name it otherwise")]
    return section(to_do.HEADING, *found, *to_do.acknowledge(view.alert.id, telling))


def _commands(fact: Traced) -> list[Item]:
    case = case_said(fact.case)
    return [
        Item(f"fundwatch trace show {case}", "The whole way", "command"),
        Item(f"fundwatch trace picture {case} --out trace.png", "A picture", "command"),
    ]


# --- details ----------------------------------------------------------------------------------


def _whose(view: AlertView) -> list[Item]:
    """What the case is about."""
    entry = view.entry
    if entry is None:
        return []
    title = f" {quoted(entry.title, 100)}" if entry.title else ""
    why = f", watched because: {quoted(entry.reason, 200)}" if entry.reason else ""
    return [Item(f"{case_said(entry.case)}{title}{why}")]


def _figures(fact: Traced) -> list[Item]:
    method = (
        f"Shown first: traced by {METHOD[fact.method]}, which a person chose; beside it the "
        "lowest and the highest of all methods that conserve."
        if fact.method in METHOD
        else "Nobody has chosen a method: a range is the lowest and the highest of all methods "
        "that conserve."
    )
    state = f"State {fact.state} of {utc(fact.at)}, sha256 {fact.sha256[:16]}."
    return [Item(method), Item(f"Traced is by a rule, and says nothing of whose it is. {state}")]


def _steps(view: AlertView, fact: Traced) -> Iterable[Item]:
    rows = {row.row.transfer.identity: row for row in view.transfers}
    for hop in fact.hops[:HOPS_SHOWN]:
        yield Item(f"{amount(hop)}, {_to(hop)}, {minute(hop.time)}", style="row")
        row = rows.get((hop.chain, hop.tx, hop.leg))
        yield from _ends_of(view, row) if row is not None else ()
        yield Item(shown_tx(hop.tx), style="code")
    rest = len(fact.hops) - HOPS_SHOWN
    if rest > 0:
        yield Item(f"{rest:,} more are in the attached file.", style="note")


def _to(hop: Hop) -> str:
    there = f" on {tidy(hop.to_chain, 40)}" if hop.to_chain else ""
    return f"to hop {hop.hop}{there}" + (f", {quoted(hop.to, 80)}" if hop.to else "")


def _ends_of(view: AlertView, row: TransferView) -> Iterable[Item]:
    transfer = row.row.transfer
    for label, address in (("from", transfer.sender), ("to", transfer.recipient)):
        if address is not None:
            yield Item(shown_address(view.chain, address), label, "code")


def _pictures(view: AlertView, fact: Traced) -> tuple[Inline, ...]:
    if view.trace is None:
        return ()
    return (inline_of(Told(fact.state, fact.at, fact.sha256, view.trace), names_of(view.chains)),)


# --- in the daily mail ------------------------------------------------------------------------


def day_line(facts: Sequence[Traced]) -> str:
    """What money of a case did in a day, in one line: low alerts have no mail of their own.
    Figures are of the newest state."""
    newest = max(facts, key=lambda fact: fact.state)
    moved = [hop for fact in facts if fact.turn == Turn.MOVED for hop in fact.hops]
    came = [hop for fact in facts if fact.turn == Turn.REACHED for hop in fact.hops]
    said = []
    if moved:
        far = max(hop.hop for hop in moved)
        count = plural(len(moved), "movement")
        said.append(f"{traced_money.of(moved, newest)} moved on in {count}, up to hop {far}")
    if came:
        names = list(dict.fromkeys(quoted(hop.to, 60) for hop in came if hop.to))[:3]
        whom = ", ".join(names) or "whoever can be asked"
        count = plural(len(came), "payment")
        said.append(f"{traced_money.of(came, newest)} came to {whom} in {count}")
    if newest.rests:
        said.append(f"{usd(newest.rests, newest)} rest")
    state = f"state {newest.state}, sha256 {newest.sha256[:16]}"
    return f"Followed money: {'; '.join(said)} ({state})."
