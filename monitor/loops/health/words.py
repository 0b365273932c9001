"""The words of `fundwatch status`: its snapshot as text for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.loops.health import (
    balance_words,
    chain_words,
    held,
    second_words,
    table_words,
    trace_words,
)
from monitor.loops.health.snapshot import (
    AnswersStatus,
    BudgetStatus,
    ChannelStatus,
    Deliveries,
    DeskStatus,
    DormantStatus,
    HeartbeatStatus,
    OpenIncident,
    PublishedStatus,
    RecordStatus,
    RetentionStatus,
    Snapshot,
)
from monitor.loops.health.table_words import wrapped
from monitor.loops.health.verdict import Verdict
from monitor.model.life import UNCOVERED
from monitor.model.plain import case_said, count, duration, utc
from monitor.model.status import FollowedCount, State

MOST_LISTS = 6  # published ones, those with something wrong first
LIMIT = "limit:"  # incidents that are told and no alarm: no source serves the list
IN_TABLE = ("blind:", "nosource:", "oldhead:", "busy:", "gap:")  # incidents, by their keys


def render(found: Snapshot, *, everything: bool, width: int | None) -> str:
    """The snapshot as text, the verdict first. Lists that are complete and recent are left
    out unless `everything`; `width` is where reasons are wrapped (None: 100)."""
    wide = width or 100
    limits = [each for each in found.incidents if each.key.startswith(LIMIT)]
    others = [each for each in found.incidents if not each.key.startswith((LIMIT, *IN_TABLE))]
    return "\n".join(
        [
            *wrapped("", _running_line(found), wide),
            *_facts("HEALTH", [_health_line(found.health)], wide),
            *_facts("VERDICT", _verdict_lines(found), wide),
            *_facts("CHAINS", chain_words.lines(found.chains, found.at), wide),
            *_facts("BALANCES", balance_words.status_lines(found.balances, found.entries), wide),
            *_facts("HELD", held.lines(found.entries), wide),
            "",
            *table_words.lines(found, everything, wide),
            "",
            *_facts("DELIVERY", _delivery_lines(found.deliveries, found.at), wide),
            *_facts("ALIVE", [_heartbeat_line(found.heartbeat)], wide),
            *_facts("SECOND", second_words.second_lines(found.second), wide),
            *_facts("SOURCES", second_words.source_lines(found.sources), wide),
            *_facts("BUDGET", _budget_lines(found.budgets), wide),
            *_facts("DORMANT", _dormant_lines(found), wide),
            *_facts("FOLLOWED", _followed_lines(found.followed), wide),
            *_facts("TRACES", trace_words.lines(found.traces), wide),
            *_facts("INCIDENTS", _incident_lines(others), wide),
            *_facts("LIMITS", _incident_lines(limits), wide),
            *_facts("RECORD", _record_lines(found.record), wide),
            *_facts("LIST", _list_lines(found), wide),
            *_facts("PUBLISHED", _published_lines(found.lists), wide),
            *_facts("RETENTION", retention_lines(found.retention), wide),
        ]
    )


def _facts(name: str, facts: Sequence[str], wide: int) -> list[str]:
    lines: list[str] = []
    for fact in facts:
        lines += wrapped(f"{name if not lines else '':<10}", fact, wide)
    return lines


def _running_line(found: Snapshot) -> str:
    head = "NOT RUNNING (`fundwatch run` starts it)"
    if found.running:
        started = found.started
        head = "RUNNING" if started is None else f"RUNNING {duration(found.at - started)}"
    told = "no pass yet"
    if last := found.last_pass:
        told = f"last pass ended {duration(last.age_seconds)} ago, took {last.seconds:.0f} s"
    return f"{head} - {told} - {utc(found.at)}"


def _health_line(health: Verdict) -> str:
    return health.words if health.well else f"NOT WELL: {health.words}"


def _verdict_lines(found: Snapshot) -> list[str]:
    alerts, sent = found.alerts, found.deliveries
    age = alerts.oldest_seconds
    oldest = "" if age is None else f", oldest {duration(age)}"
    return [
        found.verdict.words,
        f"{count(sent.waiting + sent.unsent, 'message waits', 'messages wait')} - "
        f"{sent.dead} given up - "
        f"{count(alerts.open, 'alert', 'alerts')} not acknowledged{oldest}",
        *_desk_lines(found.desk),
    ]


def _desk_lines(desk: DeskStatus | None) -> list[str]:
    if desk is None:
        return []
    said = [f"desk: {count(desk.waiting, 'proposal waits', 'proposals wait')} for a second person"]
    if desk.agreed:
        said.append(f"{desk.agreed:,} agreed to, to be carried out")
    if desk.one_person:
        said.append(f"{desk.one_person:,} done by one person, no second existed")
    return [" - ".join(said)]


def _delivery_lines(sent: Deliveries, at: int) -> list[str]:
    lines = [_channel_line(channel, at) for channel in sent.channels]
    if sent.daily:
        lines.append(f"{count(sent.daily, 'alert', 'alerts')} kept for the next daily mail")
    return lines or ["no channel is set up: nobody is told"]


def _channel_line(channel: ChannelStatus, at: int) -> str:
    line = f"{channel.channel}  {channel.accepted} accepted by the server"
    if channel.waiting:
        line += f", {channel.waiting} waiting (tried {channel.attempts} times), "
        line += f"next {utc(channel.next_due)}"
    line += f", {channel.dead} given up" if channel.dead else ""
    line += f", last answer: {channel.last_error}" if channel.last_error else ""
    if tested := channel.tested:
        since = duration(at - tested.at)
        line += f", tested {since} ago" if tested.good else f", its test FAILED {since} ago"
        line += "" if tested.good else f": {tested.words}"
    if channel.disabled:
        line += (
            f" - SWITCHED OFF: {channel.disabled}; mend it, then "
            f"`fundwatch channels test {channel.channel}`"
        )
    return line


def _heartbeat_line(beat: HeartbeatStatus) -> str:
    if not beat.wanted:
        return "no heartbeat_url is set: nobody is told when this machine dies"
    if beat.age_seconds is None:
        return "no heartbeat was accepted yet" + (f": {beat.error}" if beat.error else "")
    ago = f"heartbeat accepted {duration(beat.age_seconds)} ago"
    return f"{ago}; the last one was not: {beat.error}" if beat.error else ago


def _budget_lines(budgets: Sequence[BudgetStatus]) -> list[str]:
    window = {3600: "this hour", 86_400: "today (UTC)"}
    return [
        f"{b.source}  {b.used:,} of {b.limit:,} calls taken {window[b.window_seconds]}"
        for b in budgets
        if b.used
    ] or ["no call of a limited source was used in this hour or day"]


def _dormant_lines(found: Snapshot) -> list[str]:
    """Chain by chain, with the lowest block up to which all of them are proven."""
    chains: dict[str, list[DormantStatus]] = {}
    for entry in found.entries:
        if entry.dormant is not None and entry.state == State.DORMANT:
            chains.setdefault(entry.chain, []).append(entry.dormant)
    lines = []
    if found.verdict.dormant > sum(map(len, chains.values())):
        number = count(found.verdict.dormant, "entry", "entries")
        return [f"{number} of which the address never lived on its chain; each of them: --all"]
    for chain, proofs in chains.items():
        lowest = min(proofs, key=lambda proof: proof.block)
        lines.append(
            f"{count(len(proofs), 'entry', 'entries')} on {chain}, where the address never lived: "
            f"dormant, proven at block {lowest.block:,} ({utc(lowest.time)}) by {lowest.by}"
        )
    if lines:
        lines.append(
            f"{UNCOVERED}: lists are read from the first sign of life (a transaction sent, coins, "
            "verified tokens)"
        )
    return lines


def _followed_lines(followed: FollowedCount) -> list[str]:
    if not followed.addresses:
        return []
    line = f"{count(followed.addresses, 'address', 'addresses')}, their movements are kept"
    if followed.spent:
        line += f"; {followed.spent:,} not read any more, all calls that they may use are used up"
    if followed.blind:
        line += f"; {followed.blind:,} with a list that cannot be read"
    if followed.not_read:
        line += f"; {followed.not_read:,} not read yet"
    return [line]


def _incident_lines(incidents: Sequence[OpenIncident]) -> list[str]:
    return [f"{each.what} {each.cure} (since {utc(each.since)})" for each in incidents]


def _record_lines(record: RecordStatus) -> list[str]:
    age = record.backup_seconds
    movements = count(record.movements, "movement", "movements")
    backed = "never backed up: `fundwatch backup FILE`"
    if age is not None:
        backed = f"backup {duration(age)} ago, verified"
    line = f"{movements}, {record.bytes / 1e6:,.1f} MB - {backed}"
    return [line, *_answer_lines(record.answers)]


def _room(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 or not size else "less than 0.1 MB"


def _answer_lines(kept: AnswersStatus) -> list[str]:
    lines = []
    if kept.oldest is not None:
        lines.append(
            f"{count(kept.number, 'answer', 'answers')} of explorers kept as evidence, "
            f"{_room(kept.bytes)} ({_room(kept.last_30_days_bytes)} in the last 30 days), the "
            f"oldest of {utc(kept.oldest)}"
        )
    if kept.pruned is not None:
        lines.append(
            f"{count(kept.pruned.number, 'answer', 'answers')} deleted because of answers_size on "
            f"{utc(kept.pruned.at)}, {kept.pruned.of_alerts:,} of alerts; digests stay"
        )
    return lines


def retention_lines(retention: RetentionStatus) -> list[str]:
    """A line for each case whose time is over."""
    years = "year" if retention.years == 1 else "years"
    return [
        f"{case_said(each.case)}: its {retention.years} {years} since it was closed are over since "
        f"{utc(each.since)}. Nothing is deleted by itself: ask your counsel."
        for each in retention.over
    ]


def _published_lines(lists: Sequence[PublishedStatus]) -> list[str]:
    lines = []
    for each in lists[:MOST_LISTS]:
        line = f"{each.title}'s list ({each.list}) "
        line += f"of {each.day}, {count(each.rows, 'row', 'rows')}" if each.day else "was never had"
        line += "" if each.age_seconds is None else f", had {duration(each.age_seconds)} ago"
        line += f" - WRONG: {each.error}" if each.error else ""
        lines.append(line)
    more = len(lists) - len(lines)
    return [*lines, f"{count(more, 'more', 'more')}: `fundwatch lists status`"] if more else lines


def _list_lines(found: Snapshot) -> list[str]:
    listed = found.watchlist
    if listed.taken_at is None:
        return ["the watchlist has not been taken yet: `fundwatch poll` or `fundwatch run`"]
    head = (
        f"{count(found.verdict.entries, 'entry', 'entries')}, version of {utc(listed.taken_at)}, "
        f"{count(len(listed.refused), 'refused line', 'refused lines')}, "
        f"{len(listed.awaiting_retirement)} awaiting retirement"
    )
    lines = [head, *(f"refused: {line}" for line in listed.refused)]
    if listed.awaiting_retirement:
        names = ", ".join(listed.awaiting_retirement)
        lines.append(f"gone from the file, still watched until retired: {names}")
    if not listed.current:
        lines.append("the file on disk is another version, which has not been taken (yet)")
    return lines
