"""The sections that all alerts about a movement share: who, when, how sure, who says so."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from monitor.messages.sheets import listed
from monitor.messages.sheets.parts import (
    Item,
    Section,
    Telling,
    label_said,
    name_said,
    section,
    shown_address,
    shown_tx,
)
from monitor.model import (
    AlertKind,
    AlertView,
    Lane,
    Severity,
    Status,
    TransferView,
)
from monitor.model.facts import Movement, SecondSource, of_kind
from monitor.model.plain import (
    case_said,
    clean,
    duration,
    plural,
    quoted,
    status_said,
    tidy,
    utc,
    when,
)

INTERNAL = "Internal. Do not tell the customer or forward outside the desk."
_LEAST_CERTAIN = (
    Status.ORPHANED,
    Status.MISSING,
    Status.PENDING,
    Status.PROVISIONAL,
    Status.SUPERSEDED,
    Status.FINAL,
)


# --- how certain -------------------------------------------------------------------------


def least_certain(rows: Sequence[TransferView]) -> Status | None:
    found = {row.row.status for row in rows}
    return next((status for status in _LEAST_CERTAIN if status in found), None)


def status_text(view: AlertView) -> str:
    """The least certain status among the rows, in the words that people see."""
    status = least_certain(view.transfers)
    if status is None:
        return "Nothing on a chain is claimed."
    depth = _depth(view) if status is Status.PROVISIONAL else ""
    return f"{certainty(view)}{depth}"


def certainty(view: AlertView) -> str:
    """The same without how deep it lies; empty where nothing is claimed."""
    status = least_certain(view.transfers)
    return next((_said(row) for row in view.transfers if row.row.status is status), "")


def _said(row: TransferView) -> str:
    return status_said(row.row.status, pending=row.row.transfer.pending)


def _depth(view: AlertView) -> str:
    facts, height = view.alert.facts, _height(view)
    finality = facts.finality or (view.chain.finality if view.chain else None)
    # Frozen when it was decided; the record may have seen more blocks since.
    count = of_kind(facts, Movement).confirmations
    if height is not None:
        since = 0 if view.head_height is None else view.head_height - height + 1
        count = max(count or 0, since)
    if count is None or not finality:
        return ""
    return f" ({min(count, finality)} of {finality})"


def _height(view: AlertView) -> int | None:
    heights = [row.row.transfer.block_height for row in view.transfers]
    return next((height for height in heights if height is not None), None)


def status_section(view: AlertView, *, said: bool = False) -> Section | None:
    """How certain it is; `said`: the words stand under the headline already."""
    certain = least_certain(view.transfers)
    height = None if certain is Status.ORPHANED else _height(view)
    counts = Counter(map(_said, view.transfers))
    mixed = "; ".join(f"{word}: {count}" for word, count in counts.items())
    return section(
        "STATUS",
        None if said else Item(status_text(view)),
        Item(f"Rows differ: {mixed}.", style="note") if len(counts) > 1 else None,
        Item(f"{height:,}", "Block") if height is not None else None,
        Item(promise, style="note") if (promise := _promise(certain)) else None,
    )


def _promise(status: Status | None) -> str:
    if status is Status.PENDING:
        return "One message follows if it is replaced or no longer seen; none if it becomes final."
    if status in (Status.PROVISIONAL, Status.MISSING):
        return "You will hear again only if it is reversed."
    return "Not expected to change any more." if status is Status.FINAL else ""


# --- who, when, by whom ------------------------------------------------------------------


def who_section(view: AlertView, *, address: bool = False) -> Section | None:
    """Whose entry, why it is watched, since when; `address`: where nothing else shows it."""
    entry = view.entry
    if entry is None:
        return None
    mine = listed.own_items(view)
    by_list = entry.origin is not None and entry.reason == f"{entry.origin.title}'s list"
    title = f" ({name_said(entry.title, 80)})" if entry.title and not mine else ""
    case = f"case {case_said(entry.case)}{title}" if entry.case else "no case"
    label = label_said(entry, 80) or "no label"
    # A summary's own severity says how urgent it is, not how serious the entry.
    summary = view.alert.kind is AlertKind.HISTORY
    severity = (entry if summary else view.alert).severity.value.upper()
    since = f"Watched since {utc(view.added)[:10]}" if view.added else ""
    return section(
        "WHO",
        Item(f"{label} - {case} - severity {severity}"),
        Item(shown_address(view.chain, entry.subject.address), style="code") if address else None,
        *mine,
        Item(quoted(entry.reason), "Why") if entry.reason and not by_list else None,
        Item(quoted(entry.source), "Source") if entry.source and not mine else None,
        Item(since, style="note") if since else None,
    )


def when_section(view: AlertView, telling: Telling) -> Section | None:
    sent = Item(_sent(view, telling), "Sent")
    return section("WHEN", *_happened(view, telling.timezone), sent)


def _read_at(view: AlertView) -> int:
    return view.alert.facts.read_at or view.alert.created


def _happened(view: AlertView, zone: str) -> tuple[Item, ...]:
    """When it happened and when we read it. What was seen before it was in a block did not
    happen after it was read: the two times have names of their own then."""
    times = [row.row.transfer.time for row in view.transfers if row.row.transfer.time is not None]
    read = _read_at(view)
    if not times:
        waiting = least_certain(view.transfers) is not None
        note = "in no block yet" if waiting else ""
        return (Item(when(read, zone), "First seen" if waiting else "Read", note=note),)
    happened = min(times)
    if happened > read:
        return (
            Item(when(read, zone), "First seen", note="before the time of its block"),
            Item(when(happened, zone), "Block time"),
        )
    return (
        Item(when(happened, zone), "Happened"),
        Item(when(read, zone), "Read", note=f"{duration(read - happened)} later"),
    )


def _sent(view: AlertView, telling: Telling) -> str:
    if telling.message_id:
        return when(telling.now, telling.timezone)
    accepted = [each.accepted_at for each in view.deliveries if each.accepted_at is not None]
    if accepted:
        return when(min(accepted), telling.timezone)
    return "not sent yet" if view.deliveries else "to nobody: no channel is owed it"


def says_section(view: AlertView) -> Section | None:
    first: dict[str, int] = {}
    for row in view.transfers:
        for name, at in row.sources:
            first[name] = min(at, first.get(name, at))
    read = _read_at(view)
    told = [
        Item(tidy(name, 40) + ("" if at == read else f", read {utc(at)}"))
        for name, at in first.items()
    ]
    return section("SAYS", *told, _second(view), *_unlisted(view)) if view.transfers else None


def _unlisted(view: AlertView) -> list[Item]:
    """What some list and others, which read past it, do not."""
    found: dict[tuple[str, str, str], int] = {}
    for row in view.transfers:
        tellers = ", ".join(dict.fromkeys(tidy(name, 40) for name, _ in row.sources))
        for name, reached in row.unlisted:
            key = (tellers, tidy(name, 40), reached)
            found[key] = found.get(key, 0) + 1
    several = sum(not row.row.transfer.kind.fee for row in view.transfers) > 1
    return [
        Item(
            f"Only {tellers} lists {f'{number} of these movements' if several else 'it'}; "
            f"{name}, asked up to {reached}, does not.",
            style="warn",
        )
        for (tellers, name, reached), number in found.items()
    ]


def _second(view: AlertView) -> Item:
    second = view.alert.facts.second_source or SecondSource()
    if second.alone:
        none = "No source of another operator is set up for this chain."
        return Item(none, style="note")
    if not second.name:
        late = " yet" if view.alert.severity in (Severity.SEVERE, Severity.HIGH) else ""
        return Item(f"Second source: not asked{late}.", style="note")
    name, at = tidy(second.name, 40), utc(second.at)
    if second.agrees is None:
        return Item(f"Second source {name} was asked {at} and could not say.", style="note")
    if second.agrees:
        return Item(f"Second source {name} agrees ({at}).")
    if second.says == "it failed":
        said = f"Second source {name} shows that the transaction FAILED ({at}). Check by hand."
        return Item(said, style="warn")
    return Item(f"Second source {name} DOES NOT SHOW IT ({at}). Check by hand.", style="warn")


# --- what is unusual, what is left, what was not checked -----------------------------------


def unusual(view: AlertView) -> tuple[str, ...]:
    """Plain sentences on what stands out by our own record."""
    known, found = of_kind(view.alert.facts, Movement).unusual, []
    if known is None:
        return ()
    tests = known.test_payments
    if known.last_moved is None:
        found.append("First movement of this entry in our record.")
    elif known.quiet_days:
        found.append(f"First movement in {plural(known.quiet_days, 'day')}.")
    if tests:
        names = ", ".join(clean(each, 80) for each in tests[:5])
        came = "came" if len(tests) > 1 else "was sent"
        payments = plural(len(tests), "small test payment")
        found.append(f"{payments} {came} to the same party in the 24 hours before ({names}).")
    return tuple(found)


def genuine_section(view: AlertView) -> Section | None:
    """Whether it is spam, by what was noticed, and why it was not told at once."""
    noticed = of_kind(view.alert.facts, Movement).classes
    lines = dict.fromkeys(clean(reason, 200) for _, _, reason in noticed)
    quiet = view.alert.lane is Lane.QUIET and tidy(view.alert.lane_reason)
    return section(
        "TAKE CARE",
        *(Item(line, style="warn") for line in list(lines)[:10]),
        Item(quiet, "Quiet") if quiet else None,
    )


def unchecked_section(views: Sequence[AlertView], first: Sequence[str] = ()) -> Section:
    """What nobody looked at; `first`: what concerns this news before what concerns its entry."""
    told = dict.fromkeys(tidy(text, 400) for view in views for text in (*first, *view.not_covered))
    lines = list(told) or ["Other addresses of the same owner; other chains."]
    return Section("NOT CHECKED", tuple(Item(line) for line in lines))


# --- said again, and by whom ----------------------------------------------------------------


def passed_on(views: Sequence[AlertView], now: int) -> str:
    """Why this comes to somebody who was not told at first."""
    waited = duration(now - min(view.alert.created for view in views))
    told = dict.fromkeys(
        f"{tidy(each.channel, 40)} at {utc(each.accepted_at)}"
        for view in views
        for each in view.deliveries
        if each.accepted_at is not None
    )
    first = f" It was told to {', '.join(list(told)[:5])}." if told else " Nobody was told yet."
    return f"NOBODY HAS ACKNOWLEDGED THIS for {waited}: it is passed on to you.{first}"


def again(view: AlertView) -> tuple[str, ...]:
    """That this may have been told before: the record that knew of it was lost."""
    if view.again is None:
        return ()
    at, of = map(utc, view.again)
    return (
        f"AGAIN, AFTER A RESTORE: on {at} the record was restored from a backup of {of}. This may "
        f"have been told before, under the same number.",
    )


def _maker(telling: Telling) -> str:
    message = f", message {telling.message_id}" if telling.message_id else ""
    return f"Fundwatch {telling.version}{message}"


def id_section(view: AlertView, telling: Telling, what: str) -> Section | None:
    alert = view.alert
    earlier = f"First told in {view.thread}." if view.thread and view.thread != alert.id else ""
    return section(
        "ID",
        Item(f"{alert.id} - {what}"),
        Item(earlier, style="note") if earlier else None,
        Item(shown_tx(alert.tx), "Tx", "code") if alert.tx else None,
        Item(_maker(telling), style="note"),
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
