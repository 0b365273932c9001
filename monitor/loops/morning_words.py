"""What the two mails of the first morning with published lists say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from monitor.analysis.by_entity import Party
from monitor.chains.table import STREAM_WORDS
from monitor.messages.sheets.ours import ways_said
from monitor.messages.spreadsheet import csv_line
from monitor.model import Alert, AlertKind, Chain, Lane, Severity
from monitor.model.facts import Notice, Report, Touched, of_kind
from monitor.model.incident import Incident
from monitor.model.lists import Publication
from monitor.model.plain import count, duration, plural, quoted, tidy, utc, without_addresses
from monitor.model.streams import SHOWN, who_is_asked
from monitor.store.first_read import First, Reading
from monitor.store.standing import FailingList

LARGEST = 20  # rows of the table that stand in the mail
ROWS_MOST = 10_000  # in the attached file
NAMED = 20  # parties, chains or rules that a section names
TOPICS = ("watching a list has begun", "what a list named had done before")

# -- after five minutes --------------------------------------------------------------------------


def begun(
    name: str,
    firsts: Sequence[First],
    found: Sequence[Reading],
    failing: Sequence[FailingList],
    chains: Mapping[str, Chain],
    round_seconds: int,
    now: int,
) -> Alert:
    """What is read, what not yet, and that nothing is to be done."""
    met = [each for each in found if each.watched.baseline is not None]
    blind = [each for each in found if not _served(chains, each)]
    waiting = [e for e in found if e.watched.baseline is None and _served(chains, e)]
    stuck = _stuck(waiting, failing)
    left = len(waiting) - stuck
    title = (
        f"Watching {_titles(found)} has begun: {len(met):,} of "
        f"{count(len(found), 'address', 'addresses')} are read up to now"
        f"{f', {stuck:,} cannot be read now' if stuck else ''}"
        f"{f', the others within about {duration(2 * round_seconds)}' if left > 0 else ''}. "
        f"{'What cannot be read is told to operations' if stuck else 'Nothing is to be done'}."
    )
    sections = (
        ("LISTS", tuple(line for each in firsts for line in _of_list(each.version))),
        ("READ", (_by_chain(met) or "Nothing yet.",)),
        ("NOT YET", (f"{_by_chain(waiting)}. The newest listings are read first.",))
        if waiting
        else ("", ()),
        ("NOT READ", (*_blind(blind), *_failing(failing, chains, _used(found)))),
        (
            "NEXT",
            (
                "From its first reading on, whatever leaves an address is told at once.",
                "Within a day one mail comes with a table of whom these lists name: what they "
                "hold and what they did in the 30 days before. No mail comes for each address.",
            ),
        ),
    )
    report = Report(sections=tuple(each for each in sections if each[1]))
    return notice(name, Severity.LOW, title, TOPICS[0], report, now)


def _stuck(waiting: Sequence[Reading], failing: Sequence[FailingList]) -> int:
    """How many of those that wait are on chains where reading fails, for as many as it does."""
    on = Counter(each.watched.entry.subject.chain for each in waiting)
    fails: Counter[str] = Counter()
    for each in failing:
        if not each.unserved:
            fails[each.chain] = max(fails[each.chain], each.entries)
    return sum(min(number, fails[chain]) for chain, number in on.items())


def _served(chains: Mapping[str, Chain], each: Reading) -> bool:
    chain = chains.get(each.watched.entry.subject.chain)
    return chain is not None and bool(chain.sources)


def _titles(found: Sequence[Reading]) -> str:
    names = dict.fromkeys(e.watched.entry.origin.title for e in found if e.watched.entry.origin)
    return " and ".join(f"{tidy(name, 40)}'s list" for name in names) or "published lists"


def remarks_of(version: Publication) -> Iterator[str]:
    """What people should know of a version's file, a sentence each."""
    return (f"{each[:1].upper()}{each[1:].rstrip('.')}." for each in version.remarks)


def _of_list(version: Publication) -> Iterator[str]:
    refused = sum(version.refused.values())
    rules = sorted(version.refused.items(), key=lambda item: -item[1])[:NAMED]
    why = ", ".join(f"{rule} {number:,}" for rule, number in rules)
    yield (
        f"{version.list}: of {version.day}, sha256 {version.sha256[:12]}, "
        f"{plural(version.rows, 'row')}, {version.rows - refused:,} can be read"
        + (f"; {refused:,} not ({why}): fundwatch lists rows {version.list}" if refused else "")
        + "."
    )
    yield from remarks_of(version)


def _failing(
    failing: Sequence[FailingList], chains: Mapping[str, Chain], used: Collection[str]
) -> Iterator[str]:
    """Lists that cannot be read now, and those that no source has."""
    for each in failing:
        if each.chain in used:
            words = STREAM_WORDS.get(each.stream, each.stream)
            name = chains[each.chain].name if each.chain in chains else each.chain
            why = "no configured source lists them; what moves there is not seen"
            if each.error.startswith(SHOWN):
                asked = who_is_asked(each.error)
                why = "the blocks that are read do not hold them; where coins moved, balances "
                why += f"show it; {asked}"
            if not each.unserved:
                why = f"they cannot be read now. {without_addresses(tidy(each.error, 200))}"
            yield f"{words} on {name}, {count(each.entries, 'entry', 'entries')}: {why}"


def _used(found: Sequence[Reading]) -> set[str]:
    return {each.watched.entry.subject.chain for each in found}


def _by_chain(found: Sequence[Reading]) -> str:
    counts = Counter(each.watched.entry.subject.chain for each in found)
    return ", ".join(f"{chain} {number:,}" for chain, number in counts.most_common(NAMED))


def _blind(blind: Sequence[Reading]) -> Iterator[str]:
    if blind:
        yield (
            f"{_by_chain(blind)}: no source is in service there, so nothing that moves there is "
            "seen. `fundwatch check` says which key or source would help."
        )


# -- within a day --------------------------------------------------------------------------------


def read(
    name: str,
    firsts: Sequence[First],
    found: Sequence[Reading],
    parties: Sequence[Party],
    busy: Sequence[Incident],
    touched: Sequence[Touched],
    failing: Sequence[FailingList],
    chains: Mapping[str, Chain],
    now: int,
) -> Alert:
    """One table of whom the lists name, who touches us first; what is missing before all. `busy`:
    incidents about addresses that are too busy to be read unasked."""
    missing = [each for each in found if not each.told]
    moved = sum(party.moved > 0 for party in parties)
    lately = [party for party in parties if party.lately]
    read = len(found) - len(missing)
    title = (
        f"{_titles(found)}, before watching began: {read:,} of "
        f"{count(len(found), 'address', 'addresses')} are read; {moved:,} of "
        f"{count(len(parties), 'party', 'parties')} moved in 30 days, {len(lately):,} of them in "
        "the last 72 hours."
    )
    touching = sum(party.touches for party in parties)
    if touching:
        title = f"TOUCHES US: {count(touching, 'party', 'parties')}. {title}"
    sections = (
        ("MISSING", (*_missing(chains, missing, now), *_failing(failing, chains, _used(found)))),
        ("TOUCHES US", tuple(_touching(parties, touched))),
        ("72 HOURS", tuple(_lately(lately))),
        ("QUESTION", tuple(_question(busy))),
        ("LISTS", tuple(line for each in firsts for line in _of_list(each.version))),
        (
            "MEANING",
            (
                "This is history, not news: what happened after watching began was told when "
                "it did. What is held is what came in minus what went out, by our record; not "
                "asked from the chain. Unverified tokens are left out.",
            ),
        ),
    )
    report = Report(
        sections=tuple(each for each in sections if each[1]),
        table=tuple(_rows([party for party in parties if party.read][:LARGEST])),
        above=sum(bool(lines) for _, lines in sections[:2]),
        file=_file(parties),
    )
    severity = Severity.HIGH if any(p.touches for p in parties) else Severity.MEDIUM
    return notice(name, severity, title, TOPICS[1], report, now)


def _missing(chains: Mapping[str, Chain], missing: Sequence[Reading], now: int) -> Iterator[str]:
    """What is not read, and why, first of all."""
    blind = [each for each in missing if not _served(chains, each)]
    unmet = [e for e in missing if _served(chains, e) and e.watched.baseline is None]
    rest = [e for e in missing if _served(chains, e) and e.watched.baseline is not None]
    yield from _blind(blind)
    if unmet:
        yield f"{_by_chain(unmet)}: not read for the first time up to {utc(now)}."
    if rest:
        yield f"{_by_chain(rest)}: news is told, the history is still being read."


def _touching(parties: Sequence[Party], touched: Sequence[Touched]) -> Iterator[str]:
    """Who had to do with addresses of our own, which are told by their labels."""
    theirs: dict[tuple[str, str], list[Touched]] = {}
    for each in touched:
        theirs.setdefault((each.chain, each.who), []).append(each)
    mine = [party for party in parties if party.touches]
    for party in mine[:NAMED]:
        places = [(e.subject.chain, e.subject.address) for e in party.entries]
        said = [way for place in places for way in map(ways_said, theirs.get(place, ()))]
        yield tidy(f"{_line(party)} {'; '.join(dict.fromkeys(said))}.", 500)
    if len(mine) > NAMED:
        yield f"{len(mine) - NAMED:,} more in the attached file (column touches_us)."


def _lately(parties: Sequence[Party]) -> Iterator[str]:
    """Whose funds moved shortly before the start: no alert was made of it."""
    for party in parties[:NAMED]:
        yield _line(party)
    if len(parties) > NAMED:
        yield f"{len(parties) - NAMED:,} more in the attached file (column moved_72h)."


def _line(party: Party) -> str:
    last = f", last {utc(party.last)}" if party.last is not None else ""
    return (
        f"{_name(party, 50)}: out {party.said('went', 2)}, in {party.said('came', 2)} in 30 "
        f"days{last}; case {quoted(party.first.case, 40)}."
    )


def _question(busy: Sequence[Incident]) -> Iterator[str]:
    """One for all addresses that are too busy to be read unasked."""
    if not busy:
        return
    whose = "address has" if len(busy) == 1 else "addresses have"
    yield (
        f"{len(busy):,} {whose} over 100,000 movements and may be services. Reading the history "
        "has stopped there; new movements are told. To read on, say so of each that you want:"
    )
    for each in busy[:NAMED]:
        address = each.signal.key.partition("/")[2]
        yield f"{each.signal.chain} {address}"
    if len(busy) > NAMED:
        yield f"and {len(busy) - NAMED:,} more: fundwatch status"
    yield "fundwatch lists set LIST ADDRESS busy=yes --by NAME --why TEXT"


def _rows(parties: Sequence[Party]) -> Iterator[tuple[str, ...]]:
    yield ("whom", "holds", "out 30 d", "in 30 d")
    for party in parties:
        every = len(party.entries)
        read = f" ({party.read:,} of {every:,} read)" if party.read < every else ""
        yield (_name(party, 26) + read, *(party.said(which, 1) for which in _FLOWS))


def _name(party: Party, most: int) -> str:
    """Of whom a list names nothing else, the address, whole."""
    origin = party.first.origin
    name = (origin.name if origin else "") or party.first.label
    return tidy(name, most) if name.strip() else tidy(party.first.subject.address, 200)


_FLOWS = ("held", "went", "came")
_HEAD = (
    "list", "entity_id", "entity", "programs", "case", "touches_us", "addresses", "read", "chains",
    "holds", "out_30d", "in_30d", "movements_30d", "movements", "last", "moved_72h",
)  # fmt: skip


def _file(parties: Sequence[Party]) -> str:
    """All rows, a line an entity."""
    lines = [csv_line(_HEAD)]
    lines += [csv_line(_cells(party)) for party in parties[:ROWS_MOST]]
    if len(parties) > ROWS_MOST:
        more = f"{len(parties) - ROWS_MOST} more: fundwatch lists rows NAME"
        lines.append(csv_line((more, *[""] * (len(_HEAD) - 1))))
    return "".join(lines)


def _cells(party: Party) -> tuple[object, ...]:
    entry, origin = party.first, party.first.origin
    chains = dict.fromkeys(each.subject.chain for each in party.entries)
    return (
        *((origin.list, origin.entity) if origin else ("", "")),
        *(_name(party, 200), "; ".join(origin.programs) if origin else "", entry.case),
        *("yes" if party.touches else "", len(party.entries), party.read, " ".join(chains)),
        *(party.said(which, 50, exact=True) if party.read else "not read" for which in _FLOWS),
        *((party.moved, party.count) if party.read else ("not read", "not read")),
        utc(party.last) if party.last is not None else "",
        "yes" if party.lately else "",
    )


def without_names(alert: Alert) -> Alert:
    """For channels that are kept to some cases: figures without names and files."""
    topic = of_kind(alert.facts, Notice).topic
    return replace(alert, facts=Notice(topic=topic, lines=("See `fundwatch lists status`.",)))


def notice(
    name: str, severity: Severity, title: str, topic: str, report: Report, now: int
) -> Alert:
    """A notice to the desk about a list; `name`: its id."""
    return Alert(
        id=name,
        kind=AlertKind.NOTICE,
        lane=Lane.NEWS,
        severity=severity,
        created=now,
        title=title,
        lane_reason="What becomes of published lists is told as a whole.",
        audience="desk",
        facts=Notice(topic=topic, report=report),
    )
