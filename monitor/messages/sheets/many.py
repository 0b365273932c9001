"""Mails about many movements at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from monitor.messages.sheets import about, listed, to_do
from monitor.messages.sheets.clock import clock_said
from monitor.messages.sheets.flows import direction_of, is_utxo, moved
from monitor.messages.sheets.ours import shout_of
from monitor.messages.sheets.parts import (
    Item,
    Section,
    Sheet,
    Telling,
    asset_key,
    case_part,
    chain_name,
    label_said,
    party_note,
    section,
    sections,
    shown_address,
    topic,
    trusted,
    worst,
)
from monitor.messages.sheets.past import alarm_words
from monitor.messages.sheets.say import headline, owner
from monitor.messages.sheets.sums import MOVING, sums, totals
from monitor.messages.sheets.traced import headline as traced
from monitor.messages.sheets.unexplained import headline as unexplained
from monitor.messages.spreadsheet import alert_csv_rows
from monitor.model import AlertKind, AlertView, Direction, Lane, Status
from monitor.model.facts import Dealings, History, Movement, Unread, of_kind
from monitor.model.plain import duration, plural, quoted, tidy, when
from monitor.model.traced import Traced

LARGEST = 10


# --- a group -------------------------------------------------------------------------------


def group_sheet(views: Sequence[AlertView], telling: Telling) -> Sheet:
    """Many alerts of one case in one mail; every row is in the attached table."""
    if all(view.alert.kind is AlertKind.HISTORY for view in views):
        return _histories_sheet(views, telling)
    loud = [view for view in views if view.alert.lane is Lane.NEWS]
    quiet = [view for view in views if view.alert.lane is Lane.QUIET]
    moving = [view for view in loud if view.alert.kind in MOVING]
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
        topic=topic(
            shout_of(views, f"{counted}{took}"), *map(case_part, sorted(cases)), ", ".join(chains)
        )
        + f" - {telling.message_id}",
        headline=shout_of(
            views,
            listed.begun_of(views, f"{counted} of {_whose(views)}{took}{_in_all(moving)}."),
        ),
        lead=(
            f"Nothing is left out: each has its own alert and its row in {telling.message_id}.csv.",
            *listed.late(views, telling.now),
        ),
        sections=sections(
            _group_next(telling),
            totals(moving),
            section("PATTERN", *_pattern(moving)),
            _largest(moving, telling),
            _others([view for view in loud if view.alert.kind not in MOVING], telling),
            section("STATUS", *_statuses(moving)),
            section("QUIET", *quiet_items(quiet)),
            _watched(views, telling),
            _unchecked(views),
            about.attached(telling, table, views),
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
        headline=listed.begun_of(views, f"Watching began: {_whose(views)}."),
        lead=(_alarm_of(lately), *listed.late(views, telling.now)),
        sections=sections(
            _group_next(telling),
            section("BEFORE", *(_before(view) for view in ordered)),
            _watched(ordered, telling),
            _unchecked(views),
            about.attached(telling, table, views),
        ),
        footer=about.INTERNAL,
        table=table,
    )


def _alarming(view: AlertView) -> bool:
    return of_kind(view.alert.facts, History).alarming


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
        return alarm_words(alarming=False)
    return f"ATTENTION: funds of {lately:,} of them moved in the 72 hours before watching began."


def _before(view: AlertView) -> Item:
    """One start-up summary in a line."""
    count = of_kind(view.alert.facts, History).count
    label = (label_said(view.entry, 80) if view.entry else "") or "no label"
    lately = "; FUNDS MOVED IN THE LAST 72 HOURS" if _alarming(view) else ""
    words = f"{label}, {chain_name(view)}: {plural(count, 'earlier movement')}{lately}."
    return Item(words, style="warn" if lately else "", note=view.alert.id)


def _span(views: Sequence[AlertView]) -> str:
    times = [row.row.transfer.time for view in views for row in view.transfers]
    known = [at for at in times if at is not None]
    return duration(max(known) - min(known)) if known and max(known) > min(known) else ""


def _whose(views: Sequence[AlertView]) -> str:
    """Whose funds, where it is one entry; else how many addresses of which case."""
    entries = {view.entry.id: view.entry for view in views if view.entry}
    if len(entries) == 1:
        return owner(next(iter(entries.values())), listed.also(views[0]))
    cases = sorted({entry.case for entry in entries.values() if entry.case})
    told = f" ({', '.join(map(case_part, cases[:3]))})" if cases else ""
    return f"{_addresses(views)}{told}"


def _in_all(views: Sequence[AlertView]) -> str:
    """What it came to: ": out 41.33 ETH, about 128,976 USD; in 5 USDT"."""
    found = sums(views)
    said = []
    for way in found.ways():
        mine = [each for each in found.by_asset if way in each.units]
        amounts = [each.said(way) for each in mine if trusted(each.sample)][:2]
        if spam := len(mine) - sum(trusted(each.sample) for each in mine):
            amounts.append(plural(spam, "unverified token"))
        rest = len(mine) - spam - 2
        more = f" and {plural(rest, 'more asset')}" if rest > 0 else ""
        usd = f", {found.usd(way)}" if found.usd(way) else ""
        said.append(f"{way} {' and '.join(amounts)}{more}{usd}")
    return f": {'; '.join(said)}" if said else ""


def _addresses(views: Sequence[AlertView]) -> str:
    count = len({view.entry.subject for view in views if view.entry})
    return "1 watched address" if count == 1 else f"{count:,} watched addresses"


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
    known = of_kind(view.alert.facts, Movement).unusual
    return known is not None and not known.dealings.get(address, Dealings()).count


def _largest(views: Sequence[AlertView], telling: Telling) -> Section | None:
    """The largest of each asset first; assets cannot be compared, as some have no price."""
    ranked = sorted(views, key=_rank)
    items: list[Item] = []
    for view in ranked[:LARGEST]:
        items.append(Item(headline(view, telling), style="row", note=view.alert.id))
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


def _others(views: Sequence[AlertView], telling: Telling) -> Section | None:
    return section("ALSO", *(told(view, telling) for view in views))


def _statuses(views: Sequence[AlertView]) -> Iterable[Item]:
    counts = Counter(map(about.certainty, views))
    words = [f"{said}: {n:,}" for said, n in counts.items() if said]
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
        why = f" - why: {quoted(view.entry.reason)}" if view.entry.reason else ""
        label = label_said(view.entry, 80) or "no label"
        lists = [listed.entry_words(view.entry), listed.also(view)]
        note = " - ".join(filter(None, (f"{label}{why}", *lists)))
        items.append(Item(address, style="code", note=note))
    rest = len(entries) - LARGEST
    more = Item(f"{rest:,} more in the attached file.", style="note") if rest > 0 else None
    sent = Item(when(telling.now, telling.timezone), "Sent")
    return section("WHO", *items, more, sent)


def _group_next(telling: Telling) -> Section | None:
    return section(
        to_do.HEADING,
        *to_do.acknowledge(telling.message_id, telling),
        Item("This takes all alerts of this message; single ones by their numbers.", style="note"),
    )


def told(view: AlertView, telling: Telling, *more: str) -> Item:
    """An alert in a list of several: the sentence, then its number and how it stands, and what
    else there is to say of it."""
    kind = view.alert.kind
    if isinstance(view.alert.facts, Unread):
        show = f"fundwatch alerts show {view.alert.id}"
        return Item(f"It cannot be read in full: {show}", style="warn", note=view.alert.id)
    if kind is AlertKind.NOTICE:
        return Item(tidy(view.alert.title, 300), note=view.alert.id)
    name = "" if kind is AlertKind.MOVEMENT else kind.value
    if kind is AlertKind.CORRECTION and view.alert.amends:
        name = f"{name} of {view.alert.amends}"
    if kind is AlertKind.HISTORY:
        count = of_kind(view.alert.facts, History).count
        lately = "; FUNDS MOVED IN THE LAST 72 HOURS" if _alarming(view) else ""
        who = owner(view.entry, listed.also(view))
        said = listed.begun(view, f"{who}: {plural(count, 'earlier movement')}{lately}.")
        return Item(said, style="row", note=" - ".join(filter(None, (view.alert.id, name, *more))))
    if kind is AlertKind.CLOCK_DUE:
        return Item(clock_said(view), style="row", note=" - ".join((view.alert.id, *more)))
    if isinstance(view.alert.facts, Traced):
        note = " - ".join(filter(None, (view.alert.id, *more)))
        return Item(traced(view), style="row", note=note)
    if kind is AlertKind.UNEXPLAINED:
        note = " - ".join(filter(None, (view.alert.id, *more)))
        return Item(unexplained(view), style="row", note=note)
    gone = about.least_certain(view.transfers) is Status.ORPHANED
    how = (view.alert.id, name, "" if gone else about.status_text(view), *more)
    return Item(headline(view, telling), style="row", note=" - ".join(filter(None, how)))
