"""The SOURCES section of `fundwatch check`: who serves which lists, and what stays blind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, date, datetime

from monitor.app import build
from monitor.app.check.probe import TRIED_WITH, Probe, offers, probe_all
from monitor.app.check.report import Bench, places_of
from monitor.chains.table import family_of, short_words, streams_of
from monitor.decide.asking import among
from monitor.model import Entry, SourceConfig, Subject
from monitor.model.plain import count, duration
from monitor.model.ports import Source
from monitor.model.settings import Settings
from monitor.store import budgets
from monitor.store.not_covered import not_listed

CLOCK_SLACK = 30  # seconds that a block may seem to come from the future
OLD_HEAD = 3600  # seconds
_SERVES = 46  # columns: all that a source can serve, in words


def day_of(since: str) -> date | None:
    """The day that a `since` names, where it names one."""
    try:
        return date.fromisoformat(since)
    except ValueError:
        return None


def budget_left(bench: Bench) -> Callable[[str, int, int, int], int]:
    """Keeps to what the record says is left of a budget, without taking from it there."""

    def left(key: str, start: int, seconds: int, wanted: int) -> int:
        known = {config.name: config for config in bench.settings.prices}
        config = bench.settings.sources.get(key) or known[key]
        limit = (config.calls_per_hour if seconds == 3600 else config.calls_per_day) or 0
        if bench.store is None:
            return min(wanted, limit)
        used = budgets.used(bench.store, key, start, seconds)
        return max(0, min(wanted, limit - used))

    return left


def probe(bench: Bench, made: build.Sources) -> list[Probe]:
    """What every source answers; none is asked when offline."""
    return [] if bench.offline else _probe(bench, made)


def say(
    bench: Bench,
    made: build.Sources,
    probes: Sequence[Probe],
    by_blocks: Callable[[str], frozenset[str]],
) -> None:
    """Say what works. `by_blocks`: the lists of a chain that are read from its blocks."""
    form = _Form(bench, made)
    bench.out.section("SOURCES", form.heading())
    for note in source_notes(bench.settings):
        bench.out.note(note)
    for trouble in made.trouble:
        bench.out.fail(trouble, "take this source off the chain's list")
    for key in bench.chains:
        mine = [p for p in probes if p.chain.key == key]
        for source in made.by_chain.get(key, ()) if bench.offline else ():
            bench.out.note(form.line(key, source.name, short_words(offers([source])), "-"))
        for p in mine:
            _probed(bench, form, p, mine)
        _heads(bench, form, key, mine)
        _blind_spots(bench, form, key, mine, by_blocks(key))
    if probes:
        _clock(bench, probes)


def source_notes(settings: Settings) -> list[str]:
    """The remarks of the settings that are about sources."""
    known = (*settings.channels, ".env can", "no channel", "config/")
    return [n for n in settings.notes if not n.startswith(known)]


class _Form:
    """Columns as wide as the names of this home folder need; sentences where the window is
    too narrow for them."""

    def __init__(self, bench: Bench, made: build.Sources) -> None:
        self._settings = bench.settings
        self.made = made
        names = [s.name for sources in made.by_chain.values() for s in sources]
        self._chain = max(map(len, bench.chains), default=0) + 2
        self._name = max(map(len, names), default=0) + 2
        self._narrow = 7 + self._chain + self._name + _SERVES + 21 > bench.out.width

    def heading(self) -> str:
        if self._narrow:
            return ""
        lead = " " * max(0, 7 + self._chain + self._name - len("SOURCES"))
        return f"{lead}{'serves':<{_SERVES}}{'head age':<13}budget"

    def who(self, chain: str, source: str = "") -> str:
        return f"{chain:<{self._chain}}" + (f"{source:<{self._name}}" if source else "")

    def line(self, chain: str, source: str, serves: str, age: str) -> str:
        budget = _budget(self._settings.sources[source])
        if self._narrow:
            newest = "" if age == "-" else f"; newest block {age} old"
            return f"{self.who(chain, source)}{serves}{newest}; budget {budget}"
        return f"{self.who(chain, source)}{serves:<{_SERVES}}{age:<13}{budget}"


def _budget(config: SourceConfig) -> str:
    if config.calls_per_day:
        return f"{config.calls_per_day:,}/day"
    if config.calls_per_hour:
        return f"{config.calls_per_hour:,}/hour"
    return "unknown"


def _probe(bench: Bench, made: build.Sources) -> list[Probe]:
    subjects: dict[str, dict[Subject, None]] = {}
    may_ask = bench.may_ask()
    for entry in sorted(bench.entries, key=lambda e: (e.busy, e.subject in may_ask)):
        subjects.setdefault(entry.subject.chain, {})[entry.subject] = None
    old = frozenset(e.subject.chain for e in bench.entries if _wants_history(e, bench.now))
    some = {chain: _tried(tuple(found), may_ask) for chain, found in subjects.items()}
    listed = frozenset(e.subject.chain for e in bench.entries if e.origin)
    return probe_all(made.by_chain, bench.settings.chains, some, old, listed, may_ask)


def _tried(subjects: Sequence[Subject], may_ask: Collection[Subject]) -> tuple[Subject, ...]:
    """The first few; and all of which not everybody may learn, so that each source that may has
    one of them."""
    first = [s for s in subjects if s not in may_ask][:TRIED_WITH]
    return (*first, *(s for s in subjects if s in may_ask))


def _wants_history(entry: Entry, now: int) -> bool:
    day = day_of(entry.since)
    return day is None or day < datetime.fromtimestamp(now, UTC).date()


def _probed(bench: Bench, form: _Form, p: Probe, chain: Sequence[Probe]) -> None:
    """What one source answered."""
    out, name = bench.out, p.source.name
    who = form.who(p.chain.key, name)
    if p.head is not None and p.serves:
        before = _served(chain[: chain.index(p)])
        served = short_words(p.serves) + (" (standby)" if p.serves <= before else "")
        out.ok(form.line(p.chain.key, name, served, duration(bench.now - p.head.time)))
    if p.one_by_one:
        out.warn(
            f"{who}cannot be asked for many addresses at once: {p.one_by_one}",
            "nothing is missed, but lists of addresses that never lived there are read one by one; "
            "another node makes a round shorter",
        )
    if p.errors:
        lost = short_words(offers([p.source]) - p.serves - p.not_ready - p.kept_back)
        said = "; ".join(dict.fromkeys(str(e).removeprefix(f"{name} ") for e in p.errors))
        if p.refused:
            out.fail(f"{who}{lost}: {said}", "mend that, or take it off the chain's list")
        else:
            out.warn(f"{who}{lost}: {said}", "it may pass; look again later")
    for subject, words_of_it in p.misfits:
        lines = places_of([e for e in bench.entries if e.subject == subject])
        said = words_of_it.removeprefix(f"{name} ")
        cure = "look at the address on another explorer, then correct its line or retire it"
        out.warn(f"{lines}: {name} {said}", cure)
    if p.kept_back:
        said = p.kept_back_words.removeprefix(f"{name}: ")
        text = f"does not hand out {short_words(p.kept_back)}; it stands by for single blocks and "
        out.note(f"{who}{text}transactions. Its words: {said}")
    if p.not_ready:
        text = f"{short_words(p.not_ready)}: it answers, but cannot vouch for its newest blocks"
        out.warn(f"{who}{text}", "it may pass; look again in a few minutes")
    if p.old_blocks and not p.serves <= _served(q for q in chain if q is not p):
        said = p.old_blocks.removeprefix(f"{name} ")
        cure = "an explorer or an archive node for this chain"
        out.warn(f"{who}old blocks are refused, so history stays unread: {said}", cure)


def _served(probes: Iterable[Probe]) -> frozenset[str]:
    return frozenset(s for p in probes for s in p.serves)


def _heads(bench: Bench, form: _Form, key: str, probes: Sequence[Probe]) -> None:
    """Heads that are old, by themselves or beside another source's."""
    heads = {p.source.name: p.head for p in probes if p.head is not None}
    if not heads:
        return
    newest = max(heads, key=lambda name: heads[name].time)
    age = bench.now - heads[newest].time
    if age > OLD_HEAD:
        text = (
            f"newest block is {duration(age)} old ({newest}): the chain or its sources stand still"
        )
        bench.out.warn(form.who(key) + text, "compare with another explorer")
    for name, head in heads.items():
        behind = heads[newest].time - head.time
        if behind > OLD_HEAD:
            text = f"is {duration(behind)} behind {newest}"
            bench.out.warn(form.who(key, name) + text, "ask its operator, or use another")
    top = max(head.height for head in heads.values())
    above = [e for e in bench.on(key) if e.since.isdecimal() and int(e.since) > top]
    if above:
        bench.out.warn(
            f"{places_of(above)}: since is above {key}'s newest block ({top:,})",
            "correct it if older movements matter",
        )


def _blind_spots(
    bench: Bench, form: _Form, key: str, probes: Sequence[Probe], in_blocks: frozenset[str]
) -> None:
    """What nobody serves, and what nobody could serve just now."""
    chain, out, who = bench.settings.chains[key], bench.out, form.who(key)
    entries = f"{count(len(bench.on(key)), 'entry', 'entries')} on {chain.name}"
    offered = offers(form.made.by_chain.get(key, ()))
    served = offered - _kept_back(form.made.by_chain.get(key, ()), probes)
    if not offered and not in_blocks:
        cure = "set a key in .env (see above), or add a source in config/sources.yaml"
        # What only a published list names nobody here has asked for: it is a limit.
        say = out.warn if all(e.origin for e in bench.on(key)) else out.fail
        say(f"{who}no source is in service: {entries} cannot be watched", cure)
        return
    missing = frozenset(streams_of(chain)) - served
    if late := missing & in_blocks:
        text = (
            f"{short_words(late)}: from its blocks, from the one on at which an address is taken in"
        )
        out.note(f"{who}{text}; nobody lists what moved before")
    if missing := missing - in_blocks:
        cure = family_of(chain).cure
        out.warn(f"{who}NOT covered: {short_words(missing)}; blind for {entries}", cure)
    for text in not_listed(chain, dict.fromkeys(in_blocks)):
        out.note(f"{who}{text}")
    _restricted(bench, form, key)
    fits = not any(p.misfits and not p.serves for p in probes)
    if not bench.offline and fits and (unread := served - _served(probes)):
        cure = "mend a source above, or add another to this chain"
        out.fail(f"{who}cannot be read now: {short_words(unread)}, for {entries}", cure)


def _restricted(bench: Bench, form: _Form, key: str) -> None:
    """Addresses of which only some sources may learn, where these do not have all lists."""
    chain, sources = bench.settings.chains[key], form.made.by_chain.get(key, ())
    cure = "name a source that lists it, or take  sources:  out"
    for subject, may in bench.may_ask().items():
        if subject.chain != key:
            continue
        those = places_of([e for e in bench.on(key) if e.subject == subject])
        served = offers(among(sources, may))
        missing = frozenset(streams_of(chain)) - served
        if not served:
            bench.out.fail(
                f"{those}: nobody may be asked: no source that it allows serves it", cure
            )
        elif missing & offers(sources):
            named = ", ".join(sorted(may))
            lost = short_words(missing)
            bench.out.warn(f"{those}: {lost} NOT covered: only {named} may be asked", cure)


def _kept_back(sources: Sequence[Source], probes: Sequence[Probe]) -> frozenset[str]:
    """Lists that every source which has them said it does not hand out."""
    kept = {p.source.name: p.kept_back for p in probes}
    left = (offers([s]) - kept.get(s.name, frozenset()) for s in sources)
    return offers(sources).difference(*left)


def _clock(bench: Bench, probes: Sequence[Probe]) -> None:
    """Blocks are stamped by other people's clocks: none should lie in our future."""
    ages = {p.source.name: bench.now - p.head.time for p in probes if p.head is not None}
    if not ages:
        return
    newest = min(ages, key=lambda name: ages[name])
    if ages[newest] < -CLOCK_SLACK:
        text = f"this machine's clock is {duration(-ages[newest])} behind the newest block of"
        bench.out.warn(f"{text} {newest}", "set the clock (NTP)")
    elif ages[newest] <= CLOCK_SLACK:
        bench.out.ok(f"the clock agrees with the newest block of {newest}")
    else:
        age = duration(ages[newest])
        bench.out.note(f"the clock cannot be compared: the newest block of all is {age} old")
