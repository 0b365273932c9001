"""Mails about many movements at once: a group, what first contact brought."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from monitor import value
from monitor.model import AlertKind, AlertView, Direction, Lane, Status, TransferView
from monitor.plain import (
    PLAIN_STATUS,
    amount,
    base_units,
    clean,
    duration,
    plural,
    tidy,
    utc,
    when,
)
from monitor.records import alert_csv_rows, csv_rows
from monitor.sheets import about
from monitor.sheets.about import Flow, direction_of
from monitor.sheets.alert import headline, is_utxo, moved, rows_section, subject_tail
from monitor.sheets.parts import (
    Item,
    Section,
    Sheet,
    Table,
    Telling,
    asset_key,
    asset_name,
    case_part,
    chain_name,
    party_note,
    section,
    sections,
    shown_address,
    topic,
    trusted,
    worst,
)

LARGEST = 10
_UNDONE = frozenset({Status.ORPHANED, Status.SUPERSEDED})
_MOVING = frozenset({AlertKind.MOVEMENT, AlertKind.AMENDMENT, AlertKind.LATE})


# --- a group -------------------------------------------------------------------------------


def group_sheet(views: Sequence[AlertView], telling: Telling) -> Sheet:
    """Many alerts of one case in one mail; every row is in the attached table."""
    if all(view.alert.kind is AlertKind.HISTORY for view in views):
        return _histories_sheet(views, telling)
    loud = [view for view in views if view.alert.lane is Lane.NEWS]
    quiet = [view for view in views if view.alert.lane is Lane.QUIET]
    moving = [view for view in loud if view.alert.kind in _MOVING]
    cases = {view.entry.case for view in views if view.entry}
    chains = dict.fromkeys(chain_name(view) for view in views if view.alert.chain)
    table = "".join(alert_csv_rows(views, telling.among(cases)))
    counted = plural(len(moving or views), "movement" if moving else "alert")
    took = f" in {span}" if (span := _span(moving)) else ""
    severity = worst(views)
    corrects = all(view.alert.kind is AlertKind.CORRECTION for view in views)
    return Sheet(
        banner="CORRECTION" if corrects else severity.value.upper(),
        severity=severity,
        topic=topic(f"{counted}{took}", *map(case_part, sorted(cases)), ", ".join(chains))
        + f" - {telling.message_id}",
        headline=f"{counted} of {_addresses(views)}{took}.",
        lead=(
            f"Nothing is left out: each has its own alert and its row in {telling.message_id}.csv.",
        ),
        sections=sections(
            totals(moving),
            section("PATTERN", *_pattern(moving)),
            _largest(moving, telling),
            _others([view for view in loud if view.alert.kind not in _MOVING]),
            section("STATUS", *_statuses(moving)),
            section("QUIET", *quiet_items(quiet)),
            _watched(views, telling),
            _unchecked(views),
            _group_next(telling),
            attached(telling, table, views),
        ),
        footer=about.INTERNAL,
        table=table,
    )


def _histories_sheet(views: Sequence[AlertView], telling: Telling) -> Sheet:
    """Many start-up summaries in one mail: whose funds moved lately comes first."""
    ordered = sorted(views, key=lambda view: not _alarming(view))
    cases = {view.entry.case for view in views if view.entry}
    chains = dict.fromkeys(chain_name(view) for view in views if view.alert.chain)
    table = "".join(alert_csv_rows(views, telling.among(cases)))
    severity, many = worst(views), _addresses(views)
    lately = sum(map(_alarming, views))
    return Sheet(
        banner=severity.value.upper(),
        severity=severity,
        topic=topic(f"HISTORY of {many}", *map(case_part, sorted(cases)), ", ".join(chains))
        + f" - {telling.message_id}",
        headline=f"Watching began: {many}.",
        lead=(_alarm_of(lately),),
        sections=sections(
            section("BEFORE", *(_before(view) for view in ordered)),
            _watched(ordered, telling),
            _unchecked(views),
            _group_next(telling),
            attached(telling, table, views),
        ),
        footer=about.INTERNAL,
        table=table,
    )


def _alarming(view: AlertView) -> bool:
    return bool((view.alert.facts.get("history") or {}).get("alarming"))


def _unchecked(views: Sequence[AlertView]) -> Section | None:
    """What nobody looked at, by chain where there are several."""
    chains = dict.fromkeys(chain_name(view) for view in views)
    if len(chains) < 2:
        return about.unchecked_section(views)
    told = dict.fromkeys(
        f"{chain_name(view)}: {tidy(text, 400)}" for view in views for text in view.not_covered
    )
    return section("NOT CHECKED", *map(Item, told))


def _alarm_of(lately: int) -> str:
    if not lately:
        return _alarm(alarming=False)
    return f"ATTENTION: funds of {lately:,} of them moved in the 72 hours before watching began."


def _before(view: AlertView) -> Item:
    """One start-up summary in a line."""
    count = int((view.alert.facts.get("history") or {}).get("count") or 0)
    label = tidy(view.entry.label, 80) if view.entry and view.entry.label else "no label"
    lately = "; FUNDS MOVED IN THE LAST 72 HOURS" if _alarming(view) else ""
    words = f"{label}, {chain_name(view)}: {plural(count, 'earlier movement')}{lately}."
    return Item(words, style="warn" if lately else "", note=view.alert.id)


def _span(views: Sequence[AlertView]) -> str:
    times = [row.row.transfer.time for view in views for row in view.transfers]
    known = [at for at in times if at is not None]
    return duration(max(known) - min(known)) if known and max(known) > min(known) else ""


def _addresses(views: Sequence[AlertView]) -> str:
    count = len({view.entry.subject for view in views if view.entry})
    return "1 watched address" if count == 1 else f"{count:,} watched addresses"


def totals(views: Sequence[AlertView]) -> Section | None:
    """Sums by asset and direction; UTXO chains by the net of each entry. What did not happen
    moved nothing; a correction tells again what its movement told."""
    found: dict[tuple[object, ...], list[Flow]] = {}
    for view in filter(None, map(_standing, views)):
        for flow in moved(view):
            found.setdefault((asset_key(flow.sample), chain_name(view)), []).append(flow)
    ways = [
        w for w in ("out", "in", "self") if any(f.direction == w for g in found.values() for f in g)
    ]
    rows = []
    for (_, chain), group in found.items():
        sample = group[0].sample
        sums = (_sum(sample, group, way) for way in ways)
        rows.append((asset_name(sample), str(chain), *sums))
    table = Table(("asset", "chain", *ways), tuple(rows))
    return section("TOTALS", table, *_worth(found.values(), ways)) if rows else None


def _standing(view: AlertView) -> AlertView | None:
    """A movement without its rows that were reversed; None where nothing stands."""
    if view.alert.kind not in _MOVING:
        return None
    rows = tuple(row for row in view.transfers if row.row.status not in _UNDONE)
    return replace(view, transfers=rows) if rows else None


def _worth(found: Iterable[Sequence[Flow]], ways: Sequence[str]) -> Iterable[Item]:
    """What all of it was worth, each movement at its own time, by what is known now."""
    totals = {way: value.Total() for way in ways}
    for flow in (flow for group in found for flow in group):
        worth = value.usd(flow.units, flow.sample.decimals, flow.sample.price)
        totals[flow.direction] = totals[flow.direction].plus(worth)
    priced = [f"{way} {value.money(t.usd)}" for way, t in totals.items() if t.priced]
    without = sum(total.unpriced for total in totals.values())
    if priced:
        missing = f"{plural(without, 'amount')} without a price, not in it" if without else ""
        yield Item("; ".join(priced), "Value of all", note=missing)
    else:
        yield Item("not priced", "Value of all")


def _sum(sample: TransferView, found: Sequence[Flow], direction: str) -> str:
    mine = [flow for flow in found if flow.direction == direction]
    if not mine:
        return "0"
    units, count = sum(flow.units for flow in mine), sum(flow.count for flow in mine)
    decimals = sample.decimals if trusted(sample) else None
    return f"{amount(units, decimals)} ({plural(count, 'transfer')})"


def _pattern(views: Sequence[AlertView]) -> Iterable[Item]:
    receivers: Counter[str] = Counter()
    fresh: set[str] = set()
    for view in views:
        for row in view.transfers:
            address = row.row.transfer.recipient
            if address is None or direction_of(view, row) != Direction.OUT.value:
                continue
            receivers[address] += 1
            if _never_seen(view, address):
                fresh.add(address)
    if receivers:
        payments = plural(sum(receivers.values()), "payment")
        known = f"; {len(fresh):,} of them never seen before" if fresh else ""
        yield Item(f"{payments} to {plural(len(receivers), 'receiver')}{known}.")


def _never_seen(view: AlertView, address: str) -> bool:
    dealings = view.alert.facts.get("dealings")
    return dealings is not None and not (dealings.get(address) or {}).get("count")


def _largest(views: Sequence[AlertView], telling: Telling) -> Section | None:
    """The largest of each asset first; assets cannot be compared, as some have no price."""
    ranked = sorted(views, key=_rank)
    items: list[Item] = []
    for view in ranked[:LARGEST]:
        items.append(Item(headline(view), style="row", note=view.alert.id))
        other = _other_end(view)
        if other:
            note = party_note(view, telling, other)
            items.append(Item(shown_address(view.chain, other), style="code", note=note))
    rest = len(ranked) - LARGEST
    more = Item(f"{rest:,} more in the attached file.", style="note") if rest > 0 else None
    return section("LARGEST", *items, more)


def _rank(view: AlertView) -> tuple[object, ...]:
    found = moved(view)
    if not found:
        return (2, "", 0)
    first = found[0]
    out = 0 if first.direction == Direction.OUT.value else 1
    return (0 if trusted(first.sample) else 1, str(asset_key(first.sample)), out, -first.units)


def _other_end(view: AlertView) -> str | None:
    """The counterparty of an alert with one transfer."""
    if is_utxo(view) or len(found := moved(view)) != 1 or found[0].count != 1:
        return None
    transfer = found[0].sample.row.transfer
    out = found[0].direction == Direction.OUT.value
    return transfer.recipient if out else transfer.sender


def _others(views: Sequence[AlertView]) -> Section | None:
    return section("ALSO", *(Item(one_line(view)) for view in views))


def _statuses(views: Sequence[AlertView]) -> Iterable[Item]:
    counts = Counter(about.least_certain(view.transfers) for view in views)
    words = [f"{PLAIN_STATUS[status]}: {n:,}" for status, n in counts.items() if status]
    if words:
        yield Item("; ".join(words) + ".")


def quiet_items(views: Sequence[AlertView]) -> list[Item]:
    counts = Counter(view.alert.lane_reason for view in views)
    return [Item(f"{n:,}: {tidy(why) or 'no reason kept'}") for why, n in counts.most_common()]


def _watched(views: Sequence[AlertView], telling: Telling) -> Section | None:
    entries = {view.entry.id: view for view in views if view.entry}
    items: list[Item] = []
    for view in list(entries.values())[:LARGEST]:
        assert view.entry is not None
        address = shown_address(view.chain, view.entry.subject.address)
        why = f' - why: "{tidy(view.entry.reason)}"' if view.entry.reason else ""
        note = f"{tidy(view.entry.label, 80) or 'no label'}{why}"
        items.append(Item(address, style="code", note=note))
    rest = len(entries) - LARGEST
    more = Item(f"{rest:,} more in the attached file.", style="note") if rest > 0 else None
    sent = Item(when(telling.now, telling.timezone), "Sent")
    return section("WHO", *items, more, sent)


def _group_next(telling: Telling) -> Section | None:
    return section(
        "NEXT",
        *about.acknowledge(telling.message_id, telling),
        Item("This takes all alerts of this message; single ones by their numbers.", style="note"),
    )


def attached(telling: Telling, table: str, views: Sequence[AlertView]) -> Section | None:
    rows = sum(max(1, len(view.transfers)) for view in views)
    digest = hashlib.sha256(table.encode("utf-8")).hexdigest()
    return section(
        "ATTACHED",
        Item(f"{telling.message_id}.csv, {plural(rows, 'row')}"),
        Item(digest, "SHA-256", "code"),
        Item(f"Fundwatch {telling.version}, message {telling.message_id}", style="note"),
    )


def one_line(view: AlertView) -> str:
    """An alert in one line, for lists."""
    if view.alert.kind is AlertKind.NOTICE:
        return f"{view.alert.id}  {tidy(view.alert.title, 300)}"
    if view.alert.kind is AlertKind.HISTORY:
        count = int((view.alert.facts.get("history") or {}).get("count") or 0)
        return f"{view.alert.id}  history: {plural(count, 'movement')} before watching began."
    return f"{view.alert.id}  {view.alert.kind.value}: {headline(view)} {about.status_text(view)}."


# --- what first contact brought --------------------------------------------------------------


def history_sheet(view: AlertView, telling: Telling) -> Sheet:
    """The summary of what happened before watching began."""
    fact: Mapping[str, Any] = view.alert.facts.get("history") or {}
    count = int(fact.get("count") or 0)
    alarming = bool(fact.get("alarming"))
    table = "".join(
        csv_rows(view.transfers, telling.among({view.entry.case} if view.entry else ()))
    )
    found = f"HISTORY {plural(count, 'movement')}"
    return Sheet(
        banner=view.alert.severity.value.upper(),
        severity=view.alert.severity,
        topic=topic(found, *subject_tail(view), view.alert.id),
        headline=f"Watching began: {plural(count, 'earlier movement')} of a watched address.",
        lead=(_alarm(alarming=alarming),),
        sections=sections(
            section("TOTALS", _history_table(view, fact)) if fact.get("by_asset") else None,
            section("PERIOD", _period(fact)),
            rows_section(view, telling, view.transfers, "LAST 30 DAYS"),
            section("READ", *(Item(tidy(str(text), 300)) for text in fact.get("covered") or ())),
            about.who_section(view),
            about.unchecked_section([view]),
            about.next_section(view, telling),
            about.id_section(view, telling, "a summary; each movement is in the record"),
        ),
        footer=about.INTERNAL,
        table=table if view.transfers else "",
    )


def _period(fact: Mapping[str, Any]) -> Item | None:
    ends = [fact.get("from"), fact.get("to")]
    return None if None in ends else Item(" to ".join(utc(end) for end in ends))


def _alarm(*, alarming: bool) -> str:
    if alarming:
        return "ATTENTION: funds moved in the 72 hours before watching began."
    return "This is history, not news: nothing here happened after watching began."


def _history_table(view: AlertView, fact: Mapping[str, Any]) -> Table:
    rows = []
    for each in fact["by_asset"]:
        own = not each.get("contract") or bool(each.get("verified"))
        decimals = each.get("decimals") if own else None
        name = tidy(str(each.get("symbol")), 32) if own else _unverified(view, each)
        ends = [base_units(each.get(key)) or 0 for key in ("out", "in")]
        rows.append((name, *(amount(units, decimals) for units in ends)))
    return Table(("asset", "out", "in"), tuple(rows))


def _unverified(view: AlertView, fact: Mapping[str, Any]) -> str:
    address = shown_address(view.chain, str(fact["contract"]))
    return f'unverified token "{clean(str(fact.get("symbol") or ""))}" {address}'
