"""What tables for people look like: who, what, how much, when, in 80 columns.

A movement, an alert or an entry is one line where the window is wide enough or the output
goes into a file, else a short line and what belongs to it below. Addresses are never cut.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from monitor import __version__
from monitor.chains.address import display
from monitor.messages import render
from monitor.messages.sheets import acts, listed, say
from monitor.messages.sheets.fees import fee_words
from monitor.messages.sheets.flows import Flow
from monitor.messages.sheets.parts import Telling, label_said, shown_address
from monitor.model import (
    OURS,
    AlertView,
    Chain,
    ChannelConfig,
    Entry,
    FarEnd,
    Kind,
    Status,
    TransferView,
    Watched,
)
from monitor.model.plain import case_said, tidy, utc

_STATUS = {
    Status.PENDING: "unconfirmed",
    Status.PROVISIONAL: "can be reversed",
    Status.FINAL: "final",
    Status.MISSING: "being re-checked",
    Status.ORPHANED: "did not happen",
    Status.SUPERSEDED: "replaced",
}
_NO_END = {
    None: "nobody",
    FarEnd.OUTPUTS: "the outputs of the transaction",
    FarEnd.INPUTS: "the inputs of the transaction",
    FarEnd.MINED: "newly mined coins",
    FarEnd.NETWORK: "the network",
    FarEnd.OUTSIDE: "outside the chain",
    FarEnd.VALIDATORS: "validators",
    FarEnd.BLOCK: "the reward of a block",
}


def laid_out(parts: Sequence[str], columns: int) -> str:
    """Parts of a row in one line, or in as many as it takes; only words are wrapped."""
    whole = "  ".join(part for part in parts if part)
    if len(whole) <= columns:
        return whole
    lines: list[str] = []
    for part in filter(None, parts):
        indent = "  " if lines else ""
        lines += textwrap.wrap(
            *(part, max(columns, 20)),
            initial_indent=indent,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def transfer_line(view: TransferView, chain: Chain | None, columns: int) -> str:
    """When, where, which way, how much, worth what, how sure; below it whose, with whom."""
    t = view.row.transfer
    at = utc(t.time)[:16] if t.time is not None else "in no block yet "
    head = f"{at}  {t.chain:<8}  {_what(view, chain)}"
    gone = t.pending and view.row.status is Status.ORPHANED
    status = "not confirmed, no longer seen" if gone else _STATUS[view.row.status]
    worth = say.worth_said(Flow("", view, t.amount, 1)).strip(" ,")
    first = ", ".join(part for part in (head, worth) if part) + f"; {status}"
    if len(first) > columns:
        first = f"{head}; {status}"
    below = [_who(view, chain, columns), *_tx(first, t.tx, columns), *_disputed(view)]
    return laid_out([first, *below], columns)


def _disputed(view: TransferView) -> list[str]:
    """Who lists it, and who was asked past it and does not."""
    told = ", ".join(dict.fromkeys(tidy(name, 40) for name, _ in view.sources))
    others = "; ".join(
        f"{tidy(name, 40)}, asked up to {to}, does not" for name, to in view.unlisted
    )
    return [f"only {told} lists it; {others}"] if others else []


def _tx(first: str, tx: str, columns: int) -> list[str]:
    """The hash stands in the line only where nothing else has to make room for it."""
    return [f"tx {tx}"] if columns >= len(first) + len(tx) + 80 else []


def _what(view: TransferView, chain: Chain | None) -> str:
    t = view.row.transfer
    if t.kind.act:
        return acts.short(view)
    ways = sorted(set(view.directions.values()))
    way = "INSIDE" if len(ways) > 1 else "".join(ways).upper() or "-"
    said = say.said_units(view, t.amount)
    if t.kind.fee:
        said = f"fee {fee_words(chain, t.amount, said)}"
    return f"{way:<3} {said}"


def _who(view: TransferView, chain: Chain | None, columns: int) -> str:
    t = view.row.transfer
    ranked = sorted(view.entries, key=lambda e: e.origin is not None)  # persons' first
    known = {e.subject.address: e for e in reversed(ranked)}
    ends = [_end(chain, end, known, t.kind) for end in (t.sender, t.recipient)]
    if t.kind.act:
        return f"at {ends[0]}"
    room = columns - 6 - sum(len(end) for end in ends)
    if room < 0:  # names give way, addresses do not
        ends = [
            tidy(end, max(20, len(end) + room)) if address in known else end
            for end, address in zip(ends, (t.sender, t.recipient), strict=True)
        ]
    mine = t.sender in known
    return f"{ends[0]} to {ends[1]}" if mine or t.recipient not in known else (
        f"{ends[1]} from {ends[0]}"
    )  # fmt: skip


def _end(chain: Chain | None, address: str | None, known: dict[str, Entry], kind: Kind) -> str:
    if address is None:
        return _NO_END[kind.far_end]
    entry = known.get(address)
    if entry is None or not entry.label.strip():
        hidden = address.startswith(OURS)
        return display(chain, address) if chain and not hidden else shown_address(chain, address)
    case = f" ({case_said(entry.case)})" if entry.case else ""
    return f"{label_said(entry, 40)}{case}"


def alert_line(view: AlertView, timezone: str, now: int, columns: int) -> str:
    """Number, time, urgency, state; below it the sentence that its mail begins with."""
    alert = view.alert
    quiet = " (quiet)" if alert.lane.value == "quiet" else ""
    kind = "" if alert.kind.value == "movement" else f"  {alert.kind.value}"
    state = f"{view.state} by {tidy(view.holder)}" if view.holder else view.state
    head = f"{alert.id}  {utc(alert.created)[:16]}  {alert.severity.value}  {state}"
    return laid_out([f"{head}{kind}{quiet}", render.headline(view, desk(timezone, now))], columns)


def desk(timezone: str, now: int) -> Telling:
    """Who reads a terminal: everything may be seen, nothing is sent."""
    return Telling(ChannelConfig("terminal", "email"), None, "", now, timezone, __version__)


def entry_line(watched: Watched, state: str, chain: Chain | None, columns: int) -> str:
    e = watched.entry
    head = f"{e.id}  {e.severity.value}  {state}  {say.owner(e) if e.label else _case(e)}"
    return laid_out([head, f"{address_of(e, chain)} on {e.subject.chain}"], columns)


def _case(entry: Entry) -> str:
    return f"no label (case {case_said(entry.case)})" if entry.case else "no label"


def address_of(entry: Entry, chain: Chain | None) -> str:
    return display(chain, entry.subject.address) if chain else entry.subject.address


_SEVERITY = {
    "severe": "told at once, by itself, on every channel; a second source is asked",
    "high": "told at once",
    "medium": "told at once; many together become one message",
    "low": "in the daily mail",
}
_WAYS = {"both": "what comes in and what goes out", "in": "only what comes in",
         "out": "only what goes out"}  # fmt: skip
_WHEN = {
    "seen": "as soon as it is seen, before it is in a block",
    "confirmed": "when it is in a block",
    "final": "when it is not expected to change any more",
}


def entry_terms(watched: Watched, state: str, chain: Chain | None) -> list[tuple[str, str]]:
    """Every line of an entry by its name, in words."""
    e = watched.entry
    told = [
        ("entry", e.id),
        ("address", address_of(e, chain)),
        ("chain", chain.name if chain else e.subject.chain),
        *((name, str(getattr(e, name))) for name in ("label", "case", "title", "reason", "source")),
        ("list", listed.entry_words(e)),
        ("tags", ", ".join(e.tags)),
        ("severity", f"{e.severity.value}: {_SEVERITY[e.severity.value]}"),
        ("direction", f"{e.direction}: {_WAYS.get(e.direction, '')}"),
        ("told", f"{e.tell_when}: {_WHEN.get(e.tell_when, '')}"),
        ("smallest", _smallest(e)),
        ("incoming", f"{e.incoming}: waits for the daily mail below that" if e.incoming else ""),
        ("history", f"from {e.since} on" if e.since != "first" else "from the first movement on"),
        ("channels", ", ".join(e.channels) if e.channels else "all of the desk"),
        ("busy", "yes: a service with very many movements" if e.busy else ""),
        ("held", _held(e)),
        ("expected", ", ".join(f"{coins} {asset}" for asset, coins in e.expected.items())),
        ("planned", _planned(e, chain)),
        ("canary", "yes: shows whether its list is alive; never told" if e.canary else ""),
        ("state", state),
        ("retired", e.retired),
        ("added", utc(watched.added)),
    ]
    return [(name, tidy(text, 1000)) for name, text in told if text]


def _held(entry: Entry) -> str:
    by = f", by {entry.holder}" if entry.holder else ""
    return f"{entry.held}{by}: whatever leaves is severe, at once" if entry.held else ""


def _planned(entry: Entry, chain: Chain | None) -> str:
    plan = entry.planned
    if plan is None:
        return ""
    to = display(chain, plan.to) if chain else plan.to
    said = f"up to {plan.amount} to {to}, until {plan.until} (UTC), by {plan.by}: {plan.why}"
    return f"{said}; announced {utc(plan.since)}"


def _smallest(entry: Entry) -> str:
    if not entry.min_amount and entry.held:
        return "below a dollar nothing that comes in is told: its funds are held"
    if not entry.min_amount:
        return "none: every amount is told"
    least = ", ".join(f"{amount} {asset}" for asset, amount in entry.min_amount.items())
    return f"{least}; what comes in below that is quiet"
