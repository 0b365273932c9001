"""One alert about a movement: the ten questions, for account chains and for UTXO chains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.messages import money
from monitor.messages.sheets import about, acts, held, listed, to_do
from monitor.messages.sheets.balance import doubt, left_section
from monitor.messages.sheets.fees import fee_words
from monitor.messages.sheets.flows import (
    Flow,
    direction_of,
    flows,
    inputs,
    is_utxo,
    moved,
    outputs,
    place,
    utxo_sums,
)
from monitor.messages.sheets.ours import ours_section, shout
from monitor.messages.sheets.parts import (
    ROWS_SHOWN,
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
    shown_tx,
    topic,
)
from monitor.messages.sheets.say import headline
from monitor.messages.spreadsheet import alert_csv_rows
from monitor.model import AlertKind, AlertView, FarEnd, Transfer, TransferView
from monitor.model.plain import amount, plural, tidy, when

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
_NO_SENDER: Mapping[FarEnd | None, str] = {
    FarEnd.INPUTS: "the inputs of this transaction",
    FarEnd.MINED: "newly mined coins",
    FarEnd.VALIDATORS: "none: a withdrawal of a validator, which no transaction makes",
    FarEnd.BLOCK: "none: the reward and tips of a block, for whoever made it",
    FarEnd.OUTSIDE: "none on this chain: it came from the parent chain, or is newly created",
}
_NO_RECIPIENT: Mapping[FarEnd | None, str] = {
    FarEnd.OUTPUTS: "the outputs of this transaction",
    FarEnd.NETWORK: "network fee",
}
READ_THIS = (
    "This chain does not say which input paid which output. Fundwatch does not guess change "
    "or owners."
)


def alert_sheet(view: AlertView, telling: Telling) -> Sheet:
    """The mail about one transaction of one entry (movement, addition, late, activity)."""
    body = _utxo_body(view, telling) if is_utxo(view) else _account_body(view, telling)
    unlisted = len(view.transfers) > ROWS_SHOWN
    allowed = telling.among({view.entry.case} if view.entry else ())
    return Sheet(
        banner=view.alert.severity.value.upper(),
        severity=view.alert.severity,
        topic=topic(subject(view), *subject_tail(view), view.alert.id),
        headline=headline(view, telling),
        lead=(
            *about.again(view),
            *_said_before(view),
            f"{about.status_text(view)}.",
            *about.unusual(view),
            *doubt(view),
            *listed.late([view], telling.now),
        ),
        sections=sections(
            to_do.to_do_section(view, telling),
            held.held_section(view),
            ours_section(view),
            *body,
            *_common(view, telling),
        ),
        footer=about.INTERNAL,
        table="".join(alert_csv_rows([view], allowed)) if unlisted else "",
    )


def subject_tail(view: AlertView) -> tuple[str, str]:
    return (case_part(view.entry.case) if view.entry else "", chain_name(view))


def subject(view: AlertView) -> str:
    again = "AGAIN" if view.again else ""
    off = "WAS LISTED:" if listed.off(view) else ""
    parts = (again, off, _PREFIX.get(view.alert.kind, ""), movement_short(view))
    return shout(view, " ".join(part for part in parts if part))


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
        about.who_section(view, address=len(_moving(view)) > 1 and not is_utxo(view)),
        listed.also_section(view),
        about.when_section(view, telling),
        about.status_section(view, said=True),
        left_section(view),
        about.says_section(view),
        about.unchecked_section([view]),
        about.id_section(view, telling, what),
    )


# --- in one line ---------------------------------------------------------------------------


def movement_short(view: AlertView) -> str:
    """Direction and amount, fit for a subject: "OUT 1,000,000 USDT and 1 more"."""
    if done := acts.deeds(view):
        more = f" and {len(done) - 1} more" if len(done) > 1 else ""
        return f"{acts.short(done[0])}{more}"
    found = moved(view)
    if not found:
        return "fee only" if view.transfers else "no rows"
    first = found[0]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    net = " net" if first.net else ""
    return f"{first.direction.upper()} {quantity_short(first.sample, first.units)}{net}{more}"


def _moving(view: AlertView) -> list[TransferView]:
    return [row for row in view.transfers if not row.row.transfer.kind.fee]


# --- account chains ------------------------------------------------------------------------


def _account_body(view: AlertView, telling: Telling) -> tuple[Section | None, ...]:
    rows, found, done = _moving(view), flows(view), acts.deeds(view)
    fees = [row for row in view.transfers if row.row.transfer.kind.fee]
    # Where every row is an amount of its own, sums would say the same again.
    summed = len(rows) != len(found) or len(rows) == 1
    what = [item for flow in found[:ROWS_SHOWN] for item in _flow_items(view, flow)]
    what = [*(Item(acts.sentence(row), style="strong") for row in done[:ROWS_SHOWN]), *what]
    return (
        section("WHAT", *what) if summed else None,
        *(_ends(view, telling, rows[0]) if len(rows) == 1 else ()),
        rows_section(view, telling, rows, assets=not summed) if len(rows) > 1 else None,
        section("FEE", Item(_fee(view, fees), note=_payer(view, fees))) if fees else None,
    )


def _fee(view: AlertView, fees: Sequence[TransferView]) -> str:
    paid = sum(row.row.transfer.amount for row in fees)
    return fee_words(view.chain, paid, quantity(fees[0], paid))


def _payer(view: AlertView, fees: Sequence[TransferView]) -> str:
    payers = dict.fromkeys(row.row.transfer.sender for row in fees)
    mine = view.entry.subject.address if view.entry else None
    said = [
        "the watched address" if p == mine else shown_address(view.chain, p or "?") for p in payers
    ]
    return f"paid by {', '.join(said)}"


def _flow_items(view: AlertView, flow: Flow) -> tuple[Item | None, ...]:
    times = f"in {plural(flow.count, 'transfer')}" if flow.count > 1 else ""
    said = flow.sample.row.transfer.kind.act  # in a sentence of its own
    way = flow.direction.capitalize()
    head = None if said else Item(quantity(flow.sample, flow.units), way, "strong", times)
    worth = _worth(flow.units, flow.sample, "Value") if flow.units else None
    return (head, worth, *asset_lines(view.chain, flow.sample))


def _worth(units: int, row: TransferView, label: str) -> Item:
    text, price = money.words(units, row)
    return Item(text, label, note=price)


def _ends(view: AlertView, telling: Telling, row: TransferView) -> tuple[Section | None, ...]:
    transfer = row.row.transfer
    if transfer.kind.act:
        return (section("AT", sender(view, telling, transfer)),)
    return (
        section("FROM", sender(view, telling, transfer)),
        section("TO", recipient(view, telling, transfer)),
    )


def sender(view: AlertView, telling: Telling, transfer: Transfer) -> Item:
    missing = _NO_SENDER.get(transfer.kind.far_end, "none: newly created")
    return party(view, telling, transfer.sender, missing)


def recipient(view: AlertView, telling: Telling, transfer: Transfer) -> Item:
    missing = _NO_RECIPIENT.get(transfer.kind.far_end, "none")
    return party(view, telling, transfer.recipient, missing)


def rows_section(
    view: AlertView,
    telling: Telling,
    rows: Sequence[TransferView],
    name: str = "MOVEMENTS",
    *,
    assets: bool = False,
    dated: bool = False,
) -> Section | None:
    """Each row with its other end in full; what is more than ROWS_SHOWN is in the attached
    file. `assets`: with value and contract of each; `dated`: with time, value and transaction
    of each."""
    items: list[Item | None] = []
    for number, row in enumerate(rows[:ROWS_SHOWN], 1):
        if row.row.transfer.kind.act:
            items.append(Item(f"{number}. {acts.sentence(row)}", style="row"))
            items += _dated(view, telling, row) if dated else ()
            items += asset_lines(view.chain, row) if assets else ()
            continue
        direction, units = direction_of(view, row).upper(), row.row.transfer.amount
        items.append(Item(f"{number}. {direction} {quantity(row, units)}", style="row"))
        if dated:
            items += _dated(view, telling, row)
        elif assets and units:
            items.append(_worth(units, row, "value"))
        items += _other_end(view, telling, row)
        items += asset_lines(view.chain, row) if assets else ()
    rest = len(rows) - ROWS_SHOWN
    more = Item(f"{rest:,} more are in the attached file.", style="warn") if rest > 0 else None
    return section(name, *items, more)


def _dated(view: AlertView, telling: Telling, row: TransferView) -> list[Item]:
    """When it was, what it was worth, and where to look it up."""
    transfer, zone = row.row.transfer, telling.timezone
    at = when(transfer.time, zone) if transfer.time is not None else "in no block yet"
    link = to_do.look(view.chain, transfer.tx)
    return [
        Item(at, "when"),
        *([_worth(transfer.amount, row, "value")] if not transfer.kind.act else []),
        Item(shown_tx(transfer.tx), "tx", "code"),
        *([Item(link, "look", "link")] if link else []),
    ]


def _other_end(view: AlertView, telling: Telling, row: TransferView) -> list[Item]:
    """With whom; both ends where neither is the entry's own."""
    mine = view.entry.subject.address if view.entry else None
    transfer = row.row.transfer
    ends = []
    if transfer.sender != mine or transfer.sender is None:
        ends.append(_labelled("from", sender(view, telling, transfer)))
    if transfer.recipient != mine or transfer.recipient is None:
        ends.append(_labelled("to", recipient(view, telling, transfer)))
    return ends


def _labelled(label: str, item: Item) -> Item:
    return Item(item.text, label, item.style, item.note)


# --- UTXO chains ---------------------------------------------------------------------------


def _decimals(view: AlertView) -> int | None:
    return view.chain.decimals if view.chain else view.transfers[0].decimals


def _symbol(view: AlertView) -> str:
    return tidy(view.chain.symbol if view.chain else view.transfers[0].symbol, 16)


def _coins(view: AlertView, units: int) -> str:
    return f"{amount(units, _decimals(view))} {_symbol(view)}"


def _utxo_body(view: AlertView, telling: Telling) -> tuple[Section | None, ...]:
    put, got = utxo_sums(view)
    spent, made = inputs(view), outputs(view)
    net = f"net {'out' if put >= got else 'in'}"
    shared = put and not _paid_all(view, spent)
    unknown = "its share of the fee cannot be known" if shared else ""
    return (
        section(
            "THIS ENTRY",
            Item(_coins(view, abs(put - got)), net, "strong", unknown),
            Item(_coins(view, put), "put in", note=_share(view, spent, "input")) if put else None,
            Item(
                _coins(view, got),
                "got back" if put else "received",
                note=_share(view, made, "output"),
            ),
            _worth(abs(put - got), view.transfers[0], "value"),
        ),
        _side_section(view, telling, "INPUTS", spent),
        _side_section(view, telling, "OUTPUTS", made),
        _utxo_fee(view, spent, made),
        section("READ THIS", Item(READ_THIS)),
    )


def _paid_all(view: AlertView, spent: Sequence[TransferView]) -> bool:
    """Whether the entry alone put in what the transaction spends: then the fee is all its."""
    mine = view.entry.subject.address if view.entry else None
    hides = view.chain is not None and view.chain.shielded
    return bool(view.all_legs) and not hides and {r.row.transfer.sender for r in spent} == {mine}


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
        address = transfer.sender if transfer.kind.input else transfer.recipient
        fresh = "newly mined" if transfer.kind.far_end is FarEnd.MINED else ""
        items.append(Item(f"no. {place(row)}: {_coins(view, transfer.amount)}", "", "row", fresh))
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
    view: AlertView, spent: Sequence[TransferView], made: Sequence[TransferView]
) -> Section | None:
    paid = sum(r.row.transfer.amount for r in spent) - sum(r.row.transfer.amount for r in made)
    # Without every input and output of the transaction the difference would mean nothing.
    if not (view.all_legs and spent and paid >= 0):
        return None
    if view.chain is not None and view.chain.shielded:
        more = f"{_coins(view, paid)} more is seen to be put in than paid out"
        return section("FEE", Item(f"not known: part of the transaction may be shielded; {more}"))
    return section("FEE", Item(_coins(view, paid)))
