"""Alerts -> subject, text, HTML, JSON. Pure: time, names and templates are arguments.

A Sheet (monitor.messages.sheets) says what a mail says; the templates lay it out. Whatever goes
wrong on the way, a plain message with the facts still goes out: the words of a chain, or a
template that somebody edited, must not be able to delete the alert about themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from jinja2 import Environment

from monitor.messages import chat, layout
from monitor.messages.objects import (
    BODY_TYPE,
    Allowed,
    Outlined,
    json_text,
    outline_body,
    webhook_body,
)
from monitor.messages.readers import as_told_to
from monitor.messages.sheets import say
from monitor.messages.sheets.about import passed_on
from monitor.messages.sheets.alert import alert_sheet
from monitor.messages.sheets.alert import subject as movement_subject
from monitor.messages.sheets.clock import clock_sheet
from monitor.messages.sheets.daily import LOG, daily_sheet
from monitor.messages.sheets.many import group_sheet
from monitor.messages.sheets.notice import (
    correction_sheet,
    notice_sheet,
    reference_sheet,
    test_sheet,
)
from monitor.messages.sheets.parts import Sheet, Telling, topic, worst
from monitor.messages.sheets.past import history_sheet
from monitor.messages.sheets.touching import touching_sheet
from monitor.messages.sheets.traced import traced_sheet
from monitor.messages.sheets.unexplained import unexplained_sheet
from monitor.model import AlertKind, AlertView, ChannelConfig, Rendered, Severity, TransferView
from monitor.model.facts import Unread, of_kind
from monitor.model.facts_json import to_json
from monitor.model.plain import clean, rfc3339, tidy, utc

DAILY_LINES = 54  # of a daily mail, beside its subject and empty lines: 60 in all
MAX_FILE = 4_000_000  # characters of the attached file: mail servers refuse from 10 MB on
_COLOURS = {
    Severity.SEVERE: "#a3001b",
    Severity.HIGH: "#b8430a",
    Severity.MEDIUM: "#7a5c00",
    Severity.LOW: "#3d566e",
}
_BANNERS = {"CORRECTION": "#5b2a86", "NOTICE": "#3d566e", "TEST": "#3d566e", "DAILY": "#3d566e"}


def render(
    views: Sequence[AlertView],
    *,
    channel: ChannelConfig,
    allowed_cases: Allowed,
    message_id: str,
    now: int,
    timezone: str,
    version: str,
    templates: Environment,
    thread: str = "",
    link: str = "",
    passed_on: bool = False,
    desk: str = "",
) -> Rendered:
    """One message about these alerts, frozen for one channel.

    One alert becomes a mail of its own kind, several become a group (one case; named
    `message_id`). Machines get JSON only, at most records.MAX_ALERTS
    alerts, else ValueError. `allowed_cases`: cases that the channel was told of, None for
    all. `thread`: Message-ID of the first mail of this transaction. `link`: where its alerts
    can be acknowledged; `desk`: where the desk is. An empty `message_id` makes no message: one
    alert, to be looked at, which tells when it was first sent. `passed_on`: because nobody
    acknowledged them. `now`: time of sending, Unix seconds. Never raises for what an alert holds.
    """
    views = [as_told_to(view, allowed_cases) for view in views]
    telling = Telling(
        *(channel, allowed_cases, message_id, now, timezone, version),
        link=link,
        passed_on=passed_on,
        desk=desk,
    )
    if channel.machine:
        body = webhook_body(
            views, now, detail=channel.detail, allowed=allowed_cases, passed_on=passed_on
        )
        return Rendered(_machine_subject(views), "", json=json_text(body))
    return _mail(lambda: _sheet(views, telling), views, telling, templates, thread)


def render_daily(
    views: Sequence[AlertView],
    *,
    channel: ChannelConfig,
    allowed_cases: Allowed,
    message_id: str,
    since: int,
    until: int,
    remarks: Mapping[str, Sequence[str]],
    timezone: str,
    version: str,
    templates: Environment,
) -> Rendered:
    """The daily mail over [since, until] (Unix seconds): low and quiet alerts by case.

    `remarks`: further sections, heading -> plain sentences, e.g. {"CHECKED": ["..."]}; a channel
    that gets references only gets none of them but the one about the log.
    """
    views = [as_told_to(view, allowed_cases) for view in views]
    telling = Telling(channel, allowed_cases, message_id, until, timezone, version)
    hidden = channel.detail == "reference"
    shown = {name: said for name, said in remarks.items() if not hidden or name == LOG}

    def sheet() -> Sheet:
        if hidden and views:
            return reference_sheet(views, telling, shown)
        return daily_sheet(views, telling, since, until, shown, _is_short)

    return _mail(sheet, views, telling, templates, "")


def _is_short(sheet: Sheet) -> bool:
    return layout.text_lines(sheet) <= DAILY_LINES


def render_test(
    *,
    channel: ChannelConfig,
    message_id: str,
    now: int,
    timezone: str,
    version: str,
    templates: Environment,
) -> Rendered:
    """What `fundwatch channels test` sends: a mail that says so, or a body without alerts."""
    telling = Telling(channel, (), message_id, now, timezone, version)
    if channel.machine:
        return Rendered("Fundwatch test", "", json=json_text(webhook_body((), now)))
    return _mail(lambda: test_sheet(telling), (), telling, templates, "")


def render_outlines(
    outlines: Sequence[Outlined], *, channel: ChannelConfig, message_id: str, now: int, trouble: str
) -> Rendered:
    """What goes out when alerts could not even be read for their message: which they are.
    `trouble`: the name of what went wrong."""
    if channel.machine:
        body = outline_body(outlines, now)
        return Rendered(f"{BODY_TYPE} {len(outlines)}", "", json=json_text(body))
    lines = [
        "This message could not be laid out; these alerts wait for you in the record.",
        f"Tell who runs Fundwatch: {trouble}.",
        f"Message {message_id}, sent {utc(now)}.",
    ]
    for each in outlines:
        at = f"{each.kind} {each.severity} {each.chain or ''} {rfc3339(each.created)}"
        lines += ["", f"ALERT   {each.id} {at}", f"SHOW    fundwatch alerts show {each.id}"]
    counted = outlines[0].id if len(outlines) == 1 else f"{len(outlines):,} alerts"
    found = [Severity(each.severity) for each in outlines]
    severity = next((each for each in Severity if each in found), Severity.LOW)
    subject = _header(f"[Fundwatch {severity.value.upper()}] {topic(counted, message_id)}")
    if channel.kind == "email":
        return Rendered(subject, "\n".join(lines) + "\n")
    show = f"show {outlines[0].id}" if len(outlines) == 1 else "list"
    return chat.render_lines(
        channel.kind, lines, subject=subject, severity=severity, show=f"fundwatch alerts {show}"
    )


def on_screen(rendered: Rendered) -> str:
    """A mail for a terminal: the subject once, whether or not its template repeats it."""
    subject = rendered.subject.split()
    repeated = rendered.text.split()[: len(subject)] == subject
    return rendered.text if repeated else f"{rendered.subject}\n\n{rendered.text}"


_SHEETS: Mapping[AlertKind, Callable[[AlertView, Telling], Sheet]] = {
    AlertKind.MOVEMENT: alert_sheet,
    AlertKind.AMENDMENT: alert_sheet,
    AlertKind.LATE: alert_sheet,
    AlertKind.ACTIVITY: alert_sheet,
    AlertKind.HISTORY: history_sheet,
    AlertKind.CORRECTION: correction_sheet,
    AlertKind.UNEXPLAINED: unexplained_sheet,
    AlertKind.TRACED: traced_sheet,
    AlertKind.REACHED: traced_sheet,
    AlertKind.TRACE_QUESTION: traced_sheet,
    AlertKind.CLOCK_DUE: clock_sheet,
    AlertKind.NOTICE: notice_sheet,
}


def _sheet(views: Sequence[AlertView], telling: Telling) -> Sheet:
    page = telling.page(views[0].alert.id if len(views) == 1 else telling.message_id)
    sheet = replace(_plain_sheet(views, telling), link=telling.link, desk=page)
    if not telling.passed_on:
        return sheet
    banner = f"{sheet.banner}, NOT ACKNOWLEDGED"
    return replace(sheet, banner=banner, lead=(passed_on(views, telling.now), *sheet.lead))


def headline(view: AlertView, telling: Telling) -> str:
    """The sentence that tells one alert, as its mail begins. Never raises for what it holds."""
    try:
        _readable(view)
        view = as_told_to(view, telling.allowed)
        # Lists have thousands of lines: a whole sheet for each would take a minute.
        if _SHEETS[view.alert.kind] is alert_sheet and telling.channel.detail != "reference":
            return say.headline(view, telling)
        return _plain_sheet([replace(view, trace=None)], telling).headline
    except Exception:  # noqa: BLE001 - as for mails: nothing may be hidden by its text
        return f"It cannot be shown here: fundwatch alerts show {clean(view.alert.id, 40)}"


def short(view: AlertView, telling: Telling) -> str:
    """What one alert is about in a few words, as the subject of its mail begins. Never raises for
    what it holds."""
    view = as_told_to(view, telling.allowed)
    try:
        _readable(view)
        # A page has many lines: a whole sheet for each would take longer than all the rest.
        if _SHEETS[view.alert.kind] is alert_sheet:
            return movement_subject(view)
        return _plain_sheet([replace(view, trace=None)], telling).topic.partition(" - ")[0]
    except Exception:  # noqa: BLE001 - as for mails: nothing may be hidden by its text
        return f"It cannot be shown here: {clean(view.alert.id, 40)}"


def sheet(views: Sequence[AlertView], telling: Telling) -> Sheet:
    """What a mail about these alerts would say now, without its pictures (half a second each), for
    who lays it out otherwise. Never raises for what an alert holds."""
    views = [replace(as_told_to(view, telling.allowed), trace=None) for view in views]
    try:
        return _plain_sheet(views, telling)
    except Exception as error:  # noqa: BLE001 - as for mails: nothing may be hidden by its text
        said = f"It cannot be laid out ({type(error).__name__}): tell who runs Fundwatch."
        title = topic(*(clean(view.alert.id, 40) for view in views[:3]))
        return Sheet("NOT READABLE", worst(views), title, said, (), (), "")


def _plain_sheet(views: Sequence[AlertView], telling: Telling) -> Sheet:
    if telling.channel.detail == "reference":
        return reference_sheet(views, telling)
    for view in views:
        _readable(view)
    if len(views) > 1:
        return group_sheet(views, telling)
    (view,) = views
    found = view.alert.kind is AlertKind.NOTICE and view.alert.facts.ours
    return touching_sheet(view, telling) if found else _pictured(view, telling)


def _pictured(view: AlertView, telling: Telling) -> Sheet:
    """A picture that cannot be drawn costs nothing but the picture."""
    make = _SHEETS[view.alert.kind]
    if view.trace is None:
        return make(view, telling)
    try:
        return make(view, telling)
    except Exception as error:  # noqa: BLE001 - whatever it is, the words go out
        sheet = make(replace(view, trace=None), telling)
        said = f"There is no picture of it ({type(error).__name__}): tell who runs Fundwatch."
        return replace(sheet, lead=(*sheet.lead, said))


def _readable(view: AlertView) -> None:
    """What cannot be read is not laid out as if there were nothing: a claim that may be forged
    would stand there as if it were sure."""
    if why := of_kind(view.alert.facts, Unread).why:
        raise ValueError(why)


def _mail(
    sheet: Callable[[], Sheet],
    views: Sequence[AlertView],
    telling: Telling,
    templates: Environment,
    thread: str,
) -> Rendered:
    try:
        if telling.channel.kind != "email":
            return _chat(sheet(), views, telling, thread)
        return _laid_out(_fitting(sheet(), views), telling, templates, thread)
    except Exception as error:  # noqa: BLE001 - no alert may be lost because of its text
        return _bare(views, telling, thread, type(error).__name__)


def _fitting(sheet: Sheet, views: Sequence[AlertView]) -> Sheet:
    """With as many rows in the attached file as a mail may carry, and a word about the rest."""
    if len(sheet.table) <= MAX_FILE:
        return sheet
    rows = sheet.table.split("\r\n")
    end = sheet.table.rindex("\r\n", 0, MAX_FILE) + 2
    kept, all_ = sheet.table.count("\r\n", 0, end) - 1, len(rows) - 2
    tx = views[0].alert.tx if len(views) == 1 else None
    which = f" --tx {clean(tx, 100)}" if tx else ""
    said = (
        f"THE FILE IS CUT: it has {kept:,} of {all_:,} rows, more are too much for a mail. All of "
        f"them: fundwatch transfers{which} --format csv"
    )
    return replace(sheet, lead=(*sheet.lead, said), table=sheet.table[:end])


def _laid_out(sheet: Sheet, telling: Telling, templates: Environment, thread: str) -> Rendered:
    named = enumerate(sheet.images, 1)
    images = tuple(replace(i, name=f"{telling.message_id}-{n}@fundwatch") for n, i in named)
    sheet = replace(sheet, images=images)
    seen = {"sheet": sheet, "subject": _subject(sheet), "colour": _colour(sheet)}
    name = f"{telling.message_id}.csv"
    attached = ((name, "text/csv", sheet.table),) if sheet.table else ()
    return Rendered(
        subject=_subject(sheet),
        text=_encodable(templates.get_template("mail.txt.j2").render(seen)),
        html=_encodable(templates.get_template("mail.html.j2").render(seen)),
        attachments=attached,
        thread=thread,
        images=images,
    )


def _chat(sheet: Sheet, views: Sequence[AlertView], telling: Telling, thread: str) -> Rendered:
    made = chat.render(
        telling.channel.kind,
        sheet,
        subject=_subject(sheet),
        colour=_colour(sheet),
        show=_show(views),
    )
    return replace(made, thread=thread)


def _show(views: Sequence[AlertView]) -> str:
    """The command that tells all of what a chat has no room for."""
    one = f"show {clean(views[0].alert.id, 40)}" if len(views) == 1 else "list"
    return f"fundwatch alerts {one}"


def _colour(sheet: Sheet) -> str:
    return _BANNERS.get(sheet.banner, _COLOURS[sheet.severity])


def _subject(sheet: Sheet) -> str:
    return _header(f"[Fundwatch {sheet.banner}] {sheet.topic}")


def _header(text: str) -> str:
    """Long enough for the largest amount there is: the alert's number stands at the end."""
    return tidy(text, 300)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _machine_subject(views: Sequence[AlertView]) -> str:
    return f"{BODY_TYPE} {len(views)}"


# --- when nothing else works -----------------------------------------------------------------


def _bare(views: Sequence[AlertView], telling: Telling, thread: str, trouble: str) -> Rendered:
    """The facts alone, in ASCII, without labels: what still goes out if the layout failed."""
    severity = worst(views).value.upper() if views else "NOTICE"
    counted = clean(views[0].alert.id, 40) if len(views) == 1 else f"{len(views)} alerts"
    lines = [
        "This message could not be laid out; the plain facts follow.",
        f"Tell who runs Fundwatch: {trouble} in a template or in the facts below.",
    ]
    if telling.message_id:
        lines.append(f"Message {telling.message_id!a}, sent {utc(telling.now)}.")
    full = telling.channel.detail != "reference"
    for view in views:
        lines += ["", *_bare_alert(view, full=full)]
    subject = _header(f"[Fundwatch {severity}] {topic(counted, telling.message_id)}")
    if telling.channel.kind == "email":
        return Rendered(subject, "\n".join(lines) + "\n", thread=thread)
    made = chat.render_lines(
        telling.channel.kind,
        lines,
        subject=subject,
        severity=worst(views) if views else Severity.LOW,
        show=_show(views),
    )
    return replace(made, thread=thread)


def _bare_alert(view: AlertView, *, full: bool) -> list[str]:
    alert = view.alert
    lines = [
        f"ALERT   {ascii(alert.id)[1:-1]} {alert.kind.value} {alert.severity.value}",
        f"CHAIN   {alert.chain!a}  {rfc3339(alert.created)}",
        f"SHOW    fundwatch alerts show {ascii(alert.id)[1:-1]}",
    ]
    if not full:
        return lines
    lines.append(f"TX      {alert.tx!a}")
    lines.append(f"ENTRY   {alert.entry_id!a}  DIRECTION {alert.direction!a}")
    lines += [_bare_row(row) for row in view.transfers]
    return [*lines, f"FACTS   {to_json(alert.facts)!a}"]


def _bare_row(row: TransferView) -> str:
    transfer = row.row.transfer
    asset = ascii(transfer.contract or "native")
    ends = f"from {transfer.sender!a} to {transfer.recipient!a}"
    return f"MOVED   {transfer.kind.value} {transfer.amount} raw units of {asset} {ends}"
