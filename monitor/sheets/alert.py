"""One alert about a movement: the ten questions, for account chains and for UTXO chains."""

from __future__ import annotations

from collections.abc import Sequence

from monitor import value
from monitor.model import ACTS, AlertKind, AlertView, Direction, Kind, Transfer, TransferView
from monitor.plain import amount, amount_short, plural, tidy
from monitor.records import alert_csv_rows
from monitor.sheets import about, acts
from monitor.sheets.about import Flow, direction_of, flows
from monitor.sheets.parts import (
    ROWS_SHOWN,
    UTXO_KINDS,
    Item,
    Section,
    Sheet,
    Telling,
    asset_lines,
    case_part,
    chain_name,
    party,
    party_note,
    quantity,
    quantity_short,
    section,
    sections,
    shown_address,
    topic,
)

_VERB = {
    "out": "LEFT a watched address",
    "in": "ARRIVED AT a watched address",
    "self": "moved from a watched address to itself",
    "": "moved",
}
_WHAT = {
    AlertKind.MOVEMENT: "new",
    AlertKind.AMENDMENT: "an addition to",
    AlertKind.LATE: "new, found late",
    AlertKind.ACTIVITY: "new, nothing moved but a fee or zero",
}
_PREFIX = {
    AlertKind.AMENDMENT: "ADDED",
    AlertKind.LATE: "LATE",
    AlertKind.ACTIVITY: "ACTIVITY",
}
_NO_SENDER = {Kind.UTXO_OUT: "the inputs of this transaction", Kind.COINBASE: "newly mined coins"}
_NO_RECIPIENT = {Kind.UTXO_IN: "the outputs of this transaction", Kind.FEE: "network fee"}
READ_THIS = (
    "This chain does not say which input paid which output. Fundwatch does not guess change, "
    "and does not say that the other inputs have the same owner."
)


def is_utxo(view: AlertView) -> bool:
    return any(row.row.transfer.kind in UTXO_KINDS for row in view.transfers)


def alert_sheet(view: AlertView, telling: Telling) -> Sheet:
    """The mail about one transaction of one entry (movement, addition, late, activity)."""
    body = _utxo_body(view, telling) if is_utxo(view) else _account_body(view, telling)
    unlisted = len(view.transfers) > ROWS_SHOWN
    allowed = telling.among({view.entry.case} if view.entry else ())
    return Sheet(
        banner=view.alert.severity.value.upper(),
        severity=view.alert.severity,
        topic=topic(_subject(view), *subject_tail(view), view.alert.id),
        headline=headline(view),
        lead=(
            *about.again(view),
            *_said_before(view),
            f"{about.status_text(view)}.",
            *about.unusual(view),
        ),
        sections=sections(*body, *_common(view, telling)),
        footer=about.INTERNAL,
        table="".join(alert_csv_rows([view], allowed)) if unlisted else "",
    )


def subject_tail(view: AlertView) -> tuple[str, str]:
    return (case_part(view.entry.case) if view.entry else "", chain_name(view))


def _subject(view: AlertView) -> str:
    again = "AGAIN" if view.again else ""
    parts = (again, _PREFIX.get(view.alert.kind, ""), movement_short(view))
    return " ".join(part for part in parts if part)


def _said_before(view: AlertView) -> tuple[str, ...]:
    if view.alert.kind is not AlertKind.AMENDMENT:
        return ()
    return (f"These rows came later and belong to the transaction told in {view.alert.amends}.",)


def _common(view: AlertView, telling: Telling) -> tuple[Section | None, ...]:
    what = _WHAT.get(view.alert.kind, "new")
    if view.alert.kind is AlertKind.AMENDMENT:
        what = f"{what} {view.alert.amends}"
    return (
        about.genuine_section(view),
        about.who_section(view),
        about.when_section(view, telling),
        about.status_section(view),
        about.left_section(view),
        about.says_section(view),
        about.unchecked_section([view]),
        about.next_section(view, telling),
        about.id_section(view, telling, what),
    )


# --- in one line ---------------------------------------------------------------------------


def moved(view: AlertView) -> tuple[Flow, ...]:
    """What moved, added up; on UTXO chains the net of the entry."""
    if not is_utxo(view):
        return flows(view)
    put, got = utxo_sums(view)
    return (Flow(_utxo_direction(view).lower(), view.transfers[0], abs(put - got), 1),)


def movement_short(view: AlertView) -> str:
    """Direction and amount, fit for a subject: "OUT 1,000,000 USDT and 1 more"."""
    if is_utxo(view):
        put, got = utxo_sums(view)
        return f"{_utxo_direction(view)} {_coins_short(view, abs(put - got))} net"
    if done := acts.deeds(view):
        more = f" and {len(done) - 1} more" if len(done) > 1 else ""
        return f"{acts.short(done[0])}{more}"
    found = flows(view)
    if not found:
        return "fee only" if view.transfers else "no rows"
    first = found[0]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{first.direction.upper()} {quantity_short(first.sample, first.units)}{more}"


def headline(view: AlertView) -> str:
    """What moved, in one sentence with exact amounts."""
    if is_utxo(view):
        return _utxo_headline(view)
    if acts.deeds(view):
        return _act_headline(view)
    found = flows(view)
    if not found:
        fees = [row for row in view.transfers if row.row.transfer.kind is Kind.FEE]
        paid = f": {_flow_fee(fees)}" if fees else ""
        return f"A watched address was active: nothing moved but a network fee{paid}."
    if len(found) == 1:
        only = found[0]
        return f"{quantity(only.sample, only.units)} {_VERB[only.direction]}."
    listed = "; ".join(_flow_words(flow) for flow in found[:3])
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    return f"{len(found)} movements in one transaction of a watched address: {listed}{more}."


def _act_headline(view: AlertView) -> str:
    """What the issuer did, then what else moved in the transaction."""
    done = [acts.sentence(row) for row in acts.deeds(view)]
    more = [f"{len(done) - 3} more acts."] if len(done) > 3 else []
    moved = [f for f in flows(view) if f.sample.row.transfer.kind not in ACTS]
    also = [f"Also: {'; '.join(map(_flow_words, moved[:3]))}."] if moved else []
    return " ".join((*done[:3], *more, *also))


def _flow_words(flow: Flow) -> str:
    return f"{flow.direction.upper()} {quantity(flow.sample, flow.units)}"


def _flow_fee(fees: Sequence[TransferView]) -> str:
    return quantity(fees[0], sum(row.row.transfer.amount for row in fees))


# --- account chains ------------------------------------------------------------------------


def _account_body(view: AlertView, telling: Telling) -> tuple[Section | None, ...]:
    found = flows(view)
    moved = [row for row in view.transfers if row.row.transfer.kind is not Kind.FEE]
    done = acts.deeds(view)
    fees = [row for row in view.transfers if row.row.transfer.kind is Kind.FEE]
    what = [item for flow in found[:ROWS_SHOWN] for item in _flow_items(view, flow)]
    what = [*(Item(acts.sentence(row)) for row in done[:ROWS_SHOWN] if not found), *what]
    return (
        section("WHAT", *what),
        *(_ends(view, telling, moved[0]) if len(moved) == 1 else ()),
        rows_section(view, telling, moved) if len(moved) > 1 else None,
        section("FEE", Item(_flow_fee(fees)), *_payers(view, telling, fees)) if fees else None,
    )


def _flow_items(view: AlertView, flow: Flow) -> tuple[Item | None, ...]:
    times = f"in {plural(flow.count, 'transfer')}" if flow.count > 1 else ""
    destroyed = flow.sample.row.transfer.kind is Kind.DESTROYED
    way = "Destroyed" if destroyed else flow.direction.capitalize()
    head = Item(quantity(flow.sample, flow.units), way, "strong", times)
    worth = _worth(flow.units, flow.sample, "Value") if flow.units else None
    return (head, *asset_lines(view.chain, flow.sample), worth)


def _worth(units: int, row: TransferView, label: str) -> Item:
    text, price = value.words(units, row)
    return Item(text, label, note=price)


def _ends(view: AlertView, telling: Telling, row: TransferView) -> tuple[Section | None, ...]:
    transfer = row.row.transfer
    if transfer.kind in ACTS:
        return (section("AT", sender(view, telling, transfer)),)
    return (
        section("FROM", sender(view, telling, transfer)),
        section("TO", recipient(view, telling, transfer)),
    )


def sender(view: AlertView, telling: Telling, transfer: Transfer) -> Item:
    missing = _NO_SENDER.get(transfer.kind, "none: newly created")
    return party(view, telling, transfer.sender, missing)


def recipient(view: AlertView, telling: Telling, transfer: Transfer) -> Item:
    return party(view, telling, transfer.recipient, _NO_RECIPIENT.get(transfer.kind, "none"))


def _payers(view: AlertView, telling: Telling, fees: Sequence[TransferView]) -> list[Item]:
    payers = dict.fromkeys(row.row.transfer.sender for row in fees)
    return [party(view, telling, payer, "") for payer in payers if payer]


def rows_section(
    view: AlertView, telling: Telling, rows: Sequence[TransferView], name: str = "MOVEMENTS"
) -> Section | None:
    """Each row with both ends in full; what is more than ROWS_SHOWN is in the attached file."""
    items: list[Item] = []
    for number, row in enumerate(rows[:ROWS_SHOWN], 1):
        transfer = row.row.transfer
        if transfer.kind in ACTS:
            items.append(Item(f"{number}. {acts.sentence(row)}", style="row"))
            items.append(_labelled("at", sender(view, telling, transfer)))
            continue
        direction = direction_of(view, row).upper()
        items.append(Item(f"{number}. {direction} {quantity(row, transfer.amount)}", style="row"))
        items.append(_labelled("from", sender(view, telling, transfer)))
        items.append(_labelled("to", recipient(view, telling, transfer)))
    rest = len(rows) - ROWS_SHOWN
    more = Item(f"{rest:,} more are in the attached file.", style="warn") if rest > 0 else None
    return section(name, *items, more)


def _labelled(label: str, item: Item) -> Item:
    return Item(item.text, label, item.style, item.note)


# --- UTXO chains ---------------------------------------------------------------------------


def _legs(view: AlertView) -> tuple[TransferView, ...]:
    return view.all_legs or view.transfers


def utxo_sums(view: AlertView) -> tuple[int, int]:
    """What this entry put in and what it got back, in base units."""
    mine = view.entry.subject.address if view.entry else None
    moved = [row.row.transfer for row in _legs(view)]
    put = sum(each.amount for each in moved if each.sender == mine)
    return put, sum(each.amount for each in moved if each.recipient == mine)


def _decimals(view: AlertView) -> int | None:
    return view.chain.decimals if view.chain else view.transfers[0].decimals


def _symbol(view: AlertView) -> str:
    return tidy(view.chain.symbol if view.chain else view.transfers[0].symbol, 16)


def _coins(view: AlertView, units: int) -> str:
    return f"{amount(units, _decimals(view))} {_symbol(view)}"


def _coins_short(view: AlertView, units: int) -> str:
    return f"{amount_short(units, _decimals(view))} {_symbol(view)}"


def _utxo_direction(view: AlertView) -> str:
    put, got = utxo_sums(view)
    if view.alert.direction is Direction.SELF:
        return "SELF"
    return "OUT" if put > got else "IN"


def _utxo_headline(view: AlertView) -> str:
    put, got = utxo_sums(view)
    if _utxo_direction(view) == "SELF":
        lost = _coins(view, put - got)
        return f"A watched address sent {_coins(view, got)} to itself; {lost} went to the fee."
    verb = _VERB[_utxo_direction(view).lower()]
    ends = [_side(view, kind) for kind in ("in", "out")]
    counts = f"{plural(len(ends[0]), 'input')} and {plural(len(ends[1]), 'output')}"
    return f"{_coins(view, abs(put - got))} net {verb} in a transaction with {counts}."


def _side(view: AlertView, side: str) -> list[TransferView]:
    """Inputs or outputs in the chain's own order; newly mined coins are outputs."""
    wanted = {Kind.UTXO_IN} if side == "in" else {Kind.UTXO_OUT, Kind.COINBASE}
    rows = [row for row in _legs(view) if row.row.transfer.kind in wanted]
    return sorted(rows, key=_place)


def _place(row: TransferView) -> int:
    number = row.row.transfer.leg.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def _utxo_body(view: AlertView, telling: Telling) -> tuple[Section | None, ...]:
    put, got = utxo_sums(view)
    inputs, outputs = _side(view, "in"), _side(view, "out")
    net = f"net {'out' if put >= got else 'in'}"
    unknown = "its share of the fee cannot be known" if put else ""
    return (
        section(
            "THIS ENTRY",
            Item(_coins(view, put), "put in", note=_share(view, inputs, "input")) if put else None,
            Item(
                _coins(view, got),
                "got back" if put else "received",
                note=_share(view, outputs, "output"),
            ),
            Item(_coins(view, abs(put - got)), net, "strong", unknown),
            _worth(abs(put - got), view.transfers[0], "value"),
        ),
        _side_section(view, telling, "INPUTS", inputs),
        _side_section(view, telling, "OUTPUTS", outputs),
        _utxo_fee(view, inputs, outputs),
        section("READ THIS", Item(READ_THIS)),
    )


def _share(view: AlertView, rows: Sequence[TransferView], word: str) -> str:
    mine = view.entry.subject.address if view.entry else None
    ends = [(row.row.transfer.sender, row.row.transfer.recipient) for row in rows]
    return f"{sum(mine in pair for pair in ends)} of {plural(len(rows), word)}"


def _side_section(
    view: AlertView, telling: Telling, name: str, rows: Sequence[TransferView]
) -> Section | None:
    items: list[Item] = []
    for row in rows[:ROWS_SHOWN]:
        transfer = row.row.transfer
        address = transfer.sender if transfer.kind is Kind.UTXO_IN else transfer.recipient
        fresh = "newly mined" if transfer.kind is Kind.COINBASE else ""
        items.append(Item(f"no. {_place(row)}: {_coins(view, transfer.amount)}", "", "row", fresh))
        if address is None:
            items.append(Item("no address (a script without one)", style="note"))
        else:
            note = party_note(view, telling, address)
            items.append(Item(shown_address(view.chain, address), style="code", note=note))
    rest = len(rows) - ROWS_SHOWN
    more = (
        Item(f"{rest:,} more: fundwatch transfers --all-legs.", style="warn") if rest > 0 else None
    )
    return section(name, *items, more)


def _utxo_fee(
    view: AlertView, inputs: Sequence[TransferView], outputs: Sequence[TransferView]
) -> Section | None:
    paid = sum(r.row.transfer.amount for r in inputs) - sum(r.row.transfer.amount for r in outputs)
    # Without every input and output of the transaction the difference would mean nothing.
    whole = view.all_legs and inputs and paid >= 0
    return section("FEE", Item(_coins(view, paid))) if whole else None
