"""Sources, and what has a second operator's word, in the words of `status`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.chains.table import short_words
from monitor.decide.scores import DAYS, is_bad
from monitor.loops.health.snapshot import ListsOfChain, SecondStatus, SourceStatus
from monitor.model.plain import duration, plural
from monitor.model.scores import Mark


def _addresses(number: int) -> str:
    return f"{number:,} {'address' if number == 1 else 'addresses'}"


def source_lines(found: Sequence[SourceStatus]) -> list[str]:
    """Of whom something speaks against; nothing of the others."""
    return [
        f"{each.source} on {each.chain}, in {DAYS} days: {', '.join(said)}"
        for each in found
        if (said := list(against(each)))
    ]


def against(source: SourceStatus) -> Iterable[str]:
    """What is held against a source, in words; nothing: nothing is."""
    if source.missing:
        yield f"left out {plural(source.missing, 'movement')}"
    if source.wrong:
        yield f"contradicted {plural(source.wrong, 'time')}"
    if source.late:
        worst = f", at worst {duration(source.late_seconds)} after its block"
        yield f"listed {plural(source.late, 'movement')} late{worst}"
    if is_bad({Mark.DOWN: source.down, Mark.ASKED: source.asked}):
        yield f"failed {plural(source.down, 'time')}"
    if source.moved_back:
        yield "asked after the others until a week is good"


def second_lines(found: SecondStatus) -> list[str]:
    """How far a second operator's word goes, and what has none."""
    if not found.addresses:
        return []
    age = f", the oldest {duration(found.oldest_seconds)} old" if found.oldest_seconds else ""
    lines = [
        f"{found.with_word:,} of {_addresses(found.addresses)} with a second operator's word{age}"
    ]
    if found.more or found.less:
        lines.append(
            f"{plural(found.more, 'movement')} listed by the second alone, {found.less:,} not by "
            "it: `fundwatch transfers` says which"
        )
    lines += [
        f"{_addresses(each.addresses)} waiting: what second "
        f"words may take of the budget of {each.source} is used up"
        for each in found.budget
    ]
    if found.restricted:
        number = _addresses(found.restricted)
        lines.append(f"{number} without: sources in the watchlist names one operator alone")
    if found.one_operator:
        lines.append(f"No second operator is set up: {_named(found.one_operator)}")
    if found.in_blocks:
        lines.append(
            "Read from blocks alone, so that no second operator can be asked: "
            f"{_named(found.in_blocks)}"
        )
    return lines


def _named(found: Iterable[ListsOfChain]) -> str:
    """ "dev (native, internal), tron (tokens)"."""
    return ", ".join(f"{each.chain} ({short_words(each.lists)})" for each in found)
