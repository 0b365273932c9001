"""What following money may cost, who is asked for it, and what budgets leave for it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from monitor.app.check.privacy import BySource
from monitor.decide.asking import among
from monitor.decide.cost import TRACING, first_sources
from monitor.model import Entry, SourceConfig
from monitor.model.plain import count, plural
from monitor.model.terms import Terms

DAY = 86_400
FEW = 5  # cases that are named


def by_terms(entries: Sequence[Entry]) -> Mapping[Terms, Sequence[Entry]]:
    """The entries of cases that follow money, by what their cases ask for."""
    found: dict[Terms, list[Entry]] = {}
    for entry in entries:
        if entry.follow is not None:
            found.setdefault(entry.follow, []).append(entry)
    return found


def asked(terms: Terms, entries: Sequence[Entry], made: BySource) -> list[str]:
    """The names of the sources that read what is followed, as long as all are well."""
    may = frozenset(terms.sources) or None
    chains = dict.fromkeys(entry.subject.chain for entry in entries)
    found = (first_sources(among(made.get(chain, ()), may)) for chain in chains)
    return list(dict.fromkeys(name for names in found for name in names))


def words(
    entries: Sequence[Entry],
    made: BySource,
    configs: Mapping[str, SourceConfig],
    regular: Mapping[str, float],
) -> str:
    """`regular`: calls a second of passes, by source. Empty: nobody's money is followed."""
    return " ".join(
        " ".join(_of(terms, mine, made, configs, regular))
        for terms, mine in by_terms(entries).items()
    )


def _of(
    terms: Terms,
    entries: Sequence[Entry],
    made: BySource,
    configs: Mapping[str, SourceConfig],
    regular: Mapping[str, float],
) -> Iterator[str]:
    cases = list(dict.fromkeys(entry.case for entry in entries))
    more = f" and {len(cases) - FEW:,} more cases" if len(cases) > FEW else ""
    each = "" if len(cases) == 1 else ", each"
    after = terms.ask_after
    question = f" A person is asked after {after:,}." if after is not None else ""
    yield (
        f"{', '.join(cases[:FEW])}{more}{each}: up to {plural(terms.calls, 'call')} to find up to "
        f"{count(terms.addresses, 'address', 'addresses')}, until a person says yes to more."
        f"{question} Up to {plural(terms.calls_per_day, 'call')} a day to watch where value rests."
    )
    names = asked(terms, entries, made)
    if not names:
        yield "No source that may be asked is in service: nothing can be followed."
        return
    who = dict.fromkeys(configs[name].operator or name for name in names)
    yield (
        f"Who is asked: {', '.join(names)}. Who learns of what is followed: {', '.join(who)}; "
        "where it leads to another chain, whoever answers for that one, too."
    )
    yield from (_room(configs[name], regular.get(name, 0.0)) for name in limited(names, configs))


def warnings(
    entries: Sequence[Entry],
    made: BySource,
    configs: Mapping[str, SourceConfig],
    regular: Mapping[str, float],
) -> Iterator[tuple[str, str]]:
    """(what, cure) where passes leave nothing of a budget."""
    found = by_terms(entries).items()
    names = dict.fromkeys(name for terms, mine in found for name in asked(terms, mine, made))
    for name in limited(names, configs):
        if not room(configs[name], regular.get(name, 0.0)):
            yield (
                f"passes leave nothing of {name}'s budget: no money is followed by it",
                "use a larger plan or a node of your own, or read less often (every: in settings)",
            )


def limited(names: Collection[str], configs: Mapping[str, SourceConfig]) -> list[str]:
    """Those with a budget of calls."""
    return [n for n in names if configs[n].calls_per_hour or configs[n].calls_per_day]


def room(config: SourceConfig, regular: float) -> int:
    """Calls a day that following has of a source whose budget is limited."""
    per_hour, per_day = config.calls_per_hour, config.calls_per_day
    found = [24 * per_hour] if per_hour else []
    found += [per_day] if per_day else []
    return max(0, int((min(found) - regular * DAY) * TRACING))


def _room(config: SourceConfig, regular: float) -> str:
    left = plural(room(config, regular), "call")
    return f"Of what passes leave of {config.name}'s budget following has about {left} a day."
