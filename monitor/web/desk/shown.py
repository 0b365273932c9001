"""Alerts as pages show them: a line of a list, and all that is known of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from monitor import __version__
from monitor.decide.desk import lines as rules
from monitor.loops.find import spelled_id
from monitor.messages import render
from monitor.messages.sheets import about
from monitor.messages.sheets.parts import Item, Section, Sheet, Table, Telling, chain_name
from monitor.model import AlertView, ChannelConfig
from monitor.model.alert import AlertKind
from monitor.model.desk import Line, Open
from monitor.model.desk_work import OUTCOMES
from monitor.model.plain import duration, is_same_name, tidy, utc
from monitor.store import desk_inbox, outbox
from monitor.web.desk.ask import Ask

# How the desk reads what mails say: everything, for whoever may see the case.
_PAGE = ChannelConfig("desk", "email")
_OUTCOMES: Mapping[str, str] = {key.value: words for key, words in OUTCOMES.items()}
# What a mail says because it cannot do it: here there are buttons.
_BUTTONS = frozenset({"Acknowledge", "Or type", "State"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of the inbox in words."""

    id: str
    path: str
    pill: str  # its colour: severe | high | medium | low | corr
    banner: str  # the word in it
    words: str
    where: str  # case, chain, entry
    certain: str
    extra: str
    when: str  # 09:14
    age: str  # "2 h ago"
    holder: str
    own: str  # how the holder is shown: none | mine | wait | ''
    number: int  # alerts in it
    late: bool  # nobody has had it in hand for longer than it should


def telling(ask: Ask, message: str = "") -> Telling:
    """For whom a page is made: it shows the labels of the cases that they may see."""
    return Telling(_PAGE, ask.allowed, message, ask.now, ask.desk.zone(), __version__)


def sheet(ask: Ask, view: AlertView) -> Sheet:
    """What there is to say of an alert, as its mail would say it now, without what only a mail
    needs."""
    found = render.sheet([view], telling(ask))
    kept = (replace(each, items=_items(each)) for each in found.sections)
    return replace(found, sections=tuple(each for each in kept if each.items))


def _items(section: Section) -> tuple[Item | Table, ...]:
    return tuple(
        item
        for item in section.items
        if not (isinstance(item, Item) and (item.label in _BUTTONS or item.style == "command"))
    )


def lines(ask: Ask, found: Sequence[Line], query: str) -> list[Shown]:
    """`query`: what the address of the list holds, to be found again."""
    wanted = [line.first.id for line in found]
    views = {view.alert.id: view for view in ask.views.alerts(wanted, brief=True)}
    subjects = _subjects(ask, [line.id for line in found if line.group])
    return [_line(ask, line, views.get(line.first.id), subjects, query) for line in found]


def _subjects(ask: Ask, messages: Sequence[str]) -> Mapping[str, str]:
    """What the messages said of themselves, in their subjects: of those that tell nothing of
    other people's cases."""
    hidden = desk_inbox.of_others(ask.store, ask.sight, messages)
    return {
        each: outbox.message(ask.store, each)[1].subject for each in messages if each not in hidden
    }


def _line(
    ask: Ask, line: Line, view: AlertView | None, subjects: Mapping[str, str], query: str
) -> Shown:
    first, severity = line.first, rules.severity(line)
    correction = rules.is_correction(line)
    words, certain = first.id, ""
    if view is not None:
        words = render.short(view, telling(ask))
        certain = about.status_text(view) if view.transfers and not line.group else ""
    if line.group:
        words = subjects.get(line.id, "").partition("] ")[2].partition(" - ")[0] or words
    after = ask.settings.escalate_after
    return Shown(
        id=line.id,
        path=f"/g/{line.id}" if line.group else f"/alert/{first.id}{query}",
        pill="corr" if correction else severity,
        banner="CORRECTION" if correction else severity.upper(),
        words=tidy(words, 160),
        where=" · ".join(filter(None, _where(first, view, line))),
        certain=certain,
        extra=_extra(line),
        when=utc(first.created)[5:16],
        age=f"{duration(max(0, ask.now - first.created))} ago",
        holder=_holder(line, ask),
        own=_own(line, ask),
        number=len(line.alerts),
        late=bool(rules.overdue(line.alerts, ask.now, after)),
    )


def _where(first: Open, view: AlertView | None, line: Line) -> tuple[str, str, str]:
    chain = chain_name(view) if view is not None and view.alert.chain else first.chain
    entry = view.entry.label if view is not None and view.entry and not line.group else ""
    return tidy(first.case, 60), chain, tidy(entry, 60)


def _extra(line: Line) -> str:
    if line.group:
        last = max(each.created for each in line.alerts)
        return f"{len(line.alerts):,} alerts told in one message, the last {utc(last)[11:16]} UTC"
    kind = line.first.kind
    return "a question of the trace" if kind == AlertKind.TRACE_QUESTION else ""


def _holder(line: Line, ask: Ask) -> str:
    me = ask.signed.person.name
    if any(each.waits for each in line.alerts):
        return "waits for a second person"
    free = [each for each in line.alerts if is_free(each)]
    if len(free) == len(line.alerts):
        return "nobody has it"
    shown = [holder(each, me) for each in line.alerts if not is_free(each)]
    said = ", ".join(dict.fromkeys(shown))
    missing = len(free)
    return f"{said}; nobody has {missing:,}" if missing else f"{said}"


def is_free(alert: Open) -> bool:
    """Whether it waits for somebody to take it."""
    return not alert.holder and alert.state != "closed"


def holder(alert: Open, me: str) -> str:
    """Who has it or closed it, in words."""
    mine = is_same_name(alert.holder, me)
    name, claimed = tidy(alert.holder, 80), _how(alert) if alert.claimed else ""
    if alert.state == "closed":
        by = f" by {'you' if mine else name}{claimed}" if name else ""
        return f"closed{by}" + (f": {_OUTCOMES[alert.outcome]}" if alert.outcome else "")
    if not name:
        return "nobody has it"
    return f"{'you have' if mine else f'{name} has'} it{claimed}"


def _own(line: Line, ask: Ask) -> str:
    if any(each.waits for each in line.alerts):
        return "wait"
    if any(is_free(each) for each in line.alerts):
        return "none"
    mine = all(is_same_name(each.holder, ask.signed.person.name) for each in line.alerts)
    return "mine" if mine else ""


def _how(alert: Open) -> str:
    return " (by a token)" if alert.door == "token" else " (claimed)"


def spelled(text: str) -> str:
    """An id of an alert as the record writes it."""
    return spelled_id(text[:80])
