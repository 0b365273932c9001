"""The mail about movements with our own addresses that were recorded before anybody was told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from monitor.decide.worth import of
from monitor.messages import money
from monitor.messages.objects import Allowed, may_see
from monitor.messages.sheets import about, to_do
from monitor.messages.sheets.alert import recipient, sender
from monitor.messages.sheets.ours import SHOUT, ours_section
from monitor.messages.sheets.parts import (
    ROWS_SHOWN,
    Item,
    Section,
    Sheet,
    Telling,
    quantity,
    section,
    sections,
    shown_tx,
    topic,
    trusted,
)
from monitor.messages.sheets.say import owner, said_units
from monitor.messages.spreadsheet import csv_rows
from monitor.model import AlertView, TransferView
from monitor.model.facts import Notice, of_kind
from monitor.model.plain import plural, tidy, when

_WHY = (
    "These movements were recorded before we knew both sides, are history of an address that is "
    "new here, or of one that is followed without being watched. Each is told once."
)


def touching_sheet(view: AlertView, telling: Telling) -> Sheet:
    """All that one comparison found: the largest first, every row in the attached table."""
    rows = sorted(view.transfers, key=_size, reverse=True)
    shown = rows[:ROWS_SHOWN]
    allowed = telling.allowed
    items = [item for n, row in enumerate(shown, 1) for item in _row(view, telling, n, row)]
    rest = len(rows) - len(shown)
    more = Item(f"{rest:,} more are in the attached file.", style="warn") if rest > 0 else None
    return Sheet(
        banner=view.alert.severity.value.upper(),
        severity=view.alert.severity,
        topic=topic(f"{_about(view)} {plural(len(rows), 'movement')}", view.alert.id),
        headline=_headline(view, telling),
        lead=(f"It corrects {view.alert.amends}." if view.alert.amends else _WHY,),
        sections=sections(
            section(to_do.HEADING, *to_do.acknowledge(view.alert.id, telling)),
            ours_section(view),
            section("LARGEST" if more else "MOVEMENTS", *items, more),
            _watched(rows, allowed),
            section("FOLLOWED", *(Item(tidy(line, 200)) for line in _lines(view))),
            about.unchecked_section([view]),
            about.id_section(view, telling, "found in what is recorded"),
        ),
        footer=about.INTERNAL,
        table="".join(csv_rows(view.transfers, allowed)),
    )


def _about(view: AlertView) -> str:
    """ "TOUCHES US", and what became of it where this corrects what was told."""
    return tidy(of_kind(view.alert.facts, Notice).topic, 40) or SHOUT


def _lines(view: AlertView) -> Sequence[str]:
    return of_kind(view.alert.facts, Notice).lines


def _headline(view: AlertView, telling: Telling) -> str:
    """Of one movement what moved, of several how many."""
    title = tidy(view.alert.title, 400) or f"{SHOUT}."
    if len(view.transfers) != 1 or view.alert.amends:
        return title
    (row,) = view.transfers
    transfer = row.row.transfer
    ends = (sender(view, telling, transfer), recipient(view, telling, transfer))
    one, other = (_named(row, address, end.text, telling) for address, end in
                  zip((transfer.sender, transfer.recipient), ends, strict=True))  # fmt: skip
    return f"{SHOUT}: {one} sent {said_units(row, transfer.amount)} to {other}."


def _named(row: TransferView, address: str | None, shown: str, telling: Telling) -> str:
    """An end of a movement in a sentence."""
    mine = (e for e in row.entries if e.subject.address == address)
    entry = next((e for e in mine if may_see(e.case, telling.allowed)), None)
    return owner(entry) if entry else shown


def _size(row: TransferView) -> tuple[Decimal, bool, int]:
    return (of(row) or Decimal(0), trusted(row), row.row.transfer.amount)


def _row(view: AlertView, telling: Telling, number: int, row: TransferView) -> Iterator[Item]:
    transfer, zone = row.row.transfer, telling.timezone
    yield Item(f"{number}. {quantity(row, transfer.amount)}", style="row")
    at = when(transfer.time, zone) if transfer.time is not None else "in no block yet"
    yield Item(f"{at}, {tidy(transfer.chain, 40)}", "when")
    worth, price = money.words(transfer.amount, row)
    yield Item(worth, "value", note=price)
    for label, end in (("from", sender), ("to", recipient)):
        item = end(view, telling, transfer)
        yield Item(item.text, label, item.style, item.note)
    yield Item(shown_tx(transfer.tx), "tx", "code")


def _watched(rows: Sequence[TransferView], allowed: Allowed) -> Section | None:
    """Whose addresses these are, as far as the reader may see."""
    entries = {entry.id: entry for row in rows for entry in row.entries}
    said = [owner(each) for each in entries.values() if may_see(each.case, allowed)]
    names = list(dict.fromkeys(said))
    more = Item(f"{len(names) - ROWS_SHOWN:,} more.") if len(names) > ROWS_SHOWN else None
    return section("WHO", *map(Item, names[:ROWS_SHOWN]), more)
