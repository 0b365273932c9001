"""Who is told what, and when: which channels an alert is owed to, and in which form. Pure.

Rules narrow what a channel takes; they never silence an alert. What no channel would take goes
to those of its case whatever their other rules, else to those without rules about cases, else
to all of its audience, and where nobody is of it, to everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from monitor.model import Alert, AlertKind, ChannelConfig, Entry, Kin, Lane, Severity
from monitor.model.facts import Notice, of_kind
from monitor.model.plan import Route
from monitor.model.ways import NOBODY, Unacknowledged, Way, place_of

# Mails with a picture, or a question with its answers: of several in one nothing would be left.
_PICTURED = (AlertKind.TRACED, AlertKind.REACHED, AlertKind.TRACE_QUESTION)


def routes(
    alert: Alert,
    entry: Entry | None,
    channels: Mapping[str, ChannelConfig],
    failing: Collection[Way] = frozenset(),
    also: Collection[Entry] = (),
) -> list[Route]:
    """The channels that are owed an alert, each with the form in which it is told:

    alone      a message of its own, at once
    prompt     at once; many that wait at the same moment become one message
    group      at once; in a storm collected for a while
    history    as prompt, apart from the news that follows it
    daily      in the daily message

    A notice about sending takes none of the ways that are `failing`. What nobody can take now
    is owed to NOBODY, until somebody can. `also`: further entries that the alert names; who
    wants to be told of one of them is.
    """
    takers = _takers(alert, entry, channels.values(), also)
    if alert.kind is AlertKind.HISTORY and entry is not None and entry.origin is not None:
        # People read one table of the whole list instead (loops/morning.py).
        return [(alert.id, each.name, _form(alert, each)) for each in takers if each.machine]
    if about_sending(alert):
        takers = _able(alert, takers, channels.values(), failing)
    owed = [(alert.id, each.name, _form(alert, each)) for each in takers]
    return owed or [(alert.id, NOBODY, "alone")]


def _able(
    alert: Alert,
    takers: Collection[ChannelConfig],
    channels: Collection[ChannelConfig],
    failing: Collection[Way],
) -> list[ChannelConfig]:
    """Who can be told of trouble with sending: those whom it is for, else anybody. Best other
    channels than the one in trouble, else other recipients of it, else (it is over) itself."""
    name, _ = place_of(_key(alert)) or ("", "")
    for group in (takers, channels):
        reach = {each.name: able(alert, each, failing, others=True) for each in group}
        found = [each for each in group if each.name != name and reach[each.name]]
        found = found or [each for each in group if reach[each.name]]
        found = found or [each for each in group if able(alert, each, failing, others=False)]
        if found:
            return found
    return []


def able(
    alert: Alert, config: ChannelConfig, failing: Collection[Way], *, others: bool
) -> tuple[str, ...]:
    """The recipients of a channel whom a notice about sending can reach; with `others`, only
    those whom it is not about."""
    name, whom = place_of(_key(alert)) or ("", "")
    return tuple(
        each
        for each in config.recipients
        if (config.name, each) not in failing
        and not (others and config.name == name and whom in ("", each))
    )


def about_sending(alert: Alert) -> bool:
    return place_of(_key(alert)) is not None


def _key(alert: Alert) -> str:
    about = of_kind(alert.facts, Notice).incident
    return about.key if about else ""


def _takers(
    alert: Alert,
    entry: Entry | None,
    channels: Collection[ChannelConfig],
    also: Collection[Entry],
) -> list[ChannelConfig]:
    """The first of these groups that is not empty: the rules of a channel about cases and
    tags keep cases apart, and are the last to be passed over."""
    about = alert.audience if alert.kind is AlertKind.NOTICE or entry is None else "desk"
    audience = [each for each in channels if about in each.audience]
    if entry is None or alert.kind is AlertKind.NOTICE:
        wanted = [each for each in audience if _open_to_all(each) and _severe_enough(alert, each)]
        same = []
    else:
        # What an address did before it was watched is told of a list as a whole.
        named = (entry, *also) if alert.kind is not AlertKind.HISTORY else (entry,)
        wanted = [each for each in channels if any(_wants(alert, e, each) for e in named)]
        same = [each for each in audience if _shares(entry, each)]
    unruled = [each for each in audience if _open_to_all(each)]
    anybody = [each for each in channels if each.audience != {"escalation"}]
    return wanted or same or unruled or audience or anybody or list(channels)


def _open_to_all(config: ChannelConfig) -> bool:
    """Whether a channel has no rule about cases or tags: notices may name any case."""
    return not config.only.case and not config.only.tags


def _severe_enough(alert: Alert, config: ChannelConfig) -> bool:
    """Of a rule, only its severities mean something for a notice."""
    return not config.only.severity or alert.severity in config.only.severity


def _wants(alert: Alert, entry: Entry, config: ChannelConfig) -> bool:
    if entry.channels is not None:  # the entry's own word goes before a channel's rule
        return config.name in entry.channels
    direction = alert.direction.value if alert.direction else None
    return (
        _shares(entry, config)
        and _severe_enough(alert, config)
        # What has no direction (a start-up summary) is not kept from anybody.
        and (direction is None or not config.only.direction or direction in config.only.direction)
    )


def _shares(entry: Entry | Kin, config: ChannelConfig) -> bool:
    """Whether a channel is for this entry at all, by audience, case and tags."""
    only = config.only
    return (
        "desk" in config.audience
        and (not only.case or entry.case in only.case)
        and (not only.tags or not only.tags.isdisjoint(entry.tags))
    )


def allowed_cases(config: ChannelConfig, entries: Iterable[Kin]) -> frozenset[str]:
    """The cases whose alerts this channel is told: it may see their labels and no others."""
    return frozenset(
        e.case
        for e in entries
        if (config.name in e.channels if e.channels is not None else _shares(e, config))
    )


def _form(alert: Alert, config: ChannelConfig) -> str:
    if config.machine:
        return "group"
    alone = (AlertKind.NOTICE, AlertKind.CORRECTION, AlertKind.CLOCK_DUE)
    if alert.kind in alone and alert.lane is Lane.NEWS:
        return "alone"
    if alert.kind is AlertKind.HISTORY:
        return "alone" if alert.severity is Severity.SEVERE else "history"
    if alert.lane is Lane.QUIET or alert.severity is Severity.LOW:
        return "daily"
    if alert.kind in _PICTURED:
        return "alone"
    return {Severity.SEVERE: "alone", Severity.HIGH: "prompt"}.get(alert.severity, "group")


def waits(config: ChannelConfig, *, urgent: bool, minute: int) -> bool:
    """Whether a channel's quiet hours hold this back. `minute`: of the desk's day. What is
    urgent (severe, high) is never held back."""
    if urgent or config.quiet_hours is None:
        return False
    begin, end = config.quiet_hours
    if begin < end:
        return begin <= minute < end
    return minute >= begin or minute < end


def next_channel(told: Collection[str], chain: Sequence[str], off: Collection[str]) -> str | None:
    """To whom an alert is passed on next: the first of the chain that has not been told and
    works. None when there is no other."""
    left = [name for name in chain if name not in told]
    return next((name for name in left if name not in off), None)


def passed_on(
    waiting: Iterable[Unacknowledged],
    chain: Sequence[str],
    off: Collection[str],
    after: int,
    since: int,
    now: int,
) -> list[tuple[str, str]]:
    """Which of these alerts go to which channel now. `after`: seconds from the making of the
    alert, or from the step before, until each step; `since`: when passing on began."""
    found = []
    for each in waiting:
        # A clock that ran ahead has dated it into the future: it waits since it was mended.
        begun = each.created if each.created <= now else since
        last = begun if each.passed is None else min(each.passed, now)
        channel = next_channel(each.passed_to, chain, off)
        if channel is not None and now - last >= after:
            found.append((each.alert, channel))
    return found
