"""What the record and the settings know of a case's money: put together for analysis/trace."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from monitor.analysis.trace.known import Known, Market, Recorded, Source
from monitor.decide import balance as deciding
from monitor.decide import worth
from monitor.loops.own_book import OwnBook
from monitor.loops.passing import PollWorld
from monitor.model import Chain, Interval, Price, Status, Subject, Watched
from monitor.model import Known as Named
from monitor.model.balance import COIN
from monitor.model.dates import since_time
from monitor.model.settings import Settings
from monitor.model.streams import StreamState
from monitor.model.trace import Anatomy, Name, Profile, Say, Terms, Word
from monitor.store import follow, listing, named, ours, prices, tokens, trace, watch
from monitor.store.coverage import stream_states
from monitor.store.port import Reader

SERVICES = ("gambling", "government-seizure")  # categories that are services to whoever follows
ISSUER = "issuer"
TOKENS = "any token"  # whose lists are those of all tokens
# After these what is used of `calls` begins anew.
YES = (Say.APPROVE, Say.MORE)

K = TypeVar("K")
V = TypeVar("V")


class OnDemand(Mapping[K, V]):
    """What the record holds of keys, read when somebody asks for one."""

    def __init__(self, read: Callable[[K], V | None], found: Mapping[K, V] | None = None) -> None:
        self._read = read
        self._found: dict[K, V | None] = dict(found or {})

    def forget(self, keys: Iterable[K] | None = None) -> None:
        """All of it, or what was said of some."""
        if keys is None:
            self._found.clear()
        for key in keys or ():
            self._found.pop(key, None)

    def __getitem__(self, key: K) -> V:
        if key not in self._found:
            self._found[key] = self._read(key)
        found = self._found[key]
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[K]:
        return (key for key, found in self._found.items() if found is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass
class Rows:
    """The rows of addresses, read anew only where they changed."""

    store: Reader
    world: PollWorld
    _seen: dict[Subject, Recorded] = field(default_factory=dict)

    def __call__(self, subject: Subject) -> Recorded:
        version = trace.versions(self.store, [subject])[subject]
        old = self._seen.get(subject)
        same = old is not None and old.version == version
        rows = old.rows if old and same else trace.standing_rows(self.store, subject)
        states = stream_states(self.store, subject, self.world.clock())
        found = Recorded(rows, self._unread(subject, states), _read_to(states), version)
        self._seen[subject] = found
        return found

    def unfinished(self, subject: Subject) -> bool:
        """Whether reading it again may bring more of its past: no list that nobody serves, nor a
        part that could not be read, which has its own time to be tried."""
        states = stream_states(self.store, subject, self.world.clock())
        chain = self.world.chains[subject.chain]
        lists = deciding.lists_of(chain, COIN) | deciding.lists_of(chain, TOKENS)
        young = (_as_covered(states[each], chain) for each in lists if each in states)
        return not lists <= states.keys() or any(
            not (s.unserved or s.gaps)
            and (
                s.failing is not None
                or _is_cut(s)
                or not _from_the_start(s.covered.get(s.axis, ()))
            )
            for s in young
        )

    def read_at(self, subject: Subject) -> int:
        """When its lists were read last, by our clock; 0: one never was."""
        states = stream_states(self.store, subject, self.world.clock()).values()
        return min((state.ok or 0 for state in states if not state.unserved), default=0)

    def _unread(self, subject: Subject, states: Mapping[str, StreamState]) -> tuple[str, ...]:
        """Why its lists are not read from their beginning, a sentence each."""
        chain = self.world.chains[subject.chain]
        young = {name: _as_covered(state, chain) for name, state in states.items()}
        lists = [deciding.unread_lists(chain, what, young) for what in (COIN, TOKENS)]
        found = [why for each in lists for why in each]
        if any(_is_cut(state) for state in states.values()):
            found.append("its history is read up to a point only, so far")
        return tuple(dict.fromkeys(found))


def _is_cut(state: StreamState) -> bool:
    """Whether a list that is read from its beginning on was never read to its end: the calls, or
    the program, ended before."""
    return state.ok is not None and not state.unserved and state.complete_to is None


def _from_the_start(covered: Sequence[Interval]) -> bool:
    return len(covered) == 1 and covered[0].lo == 0


def _as_covered(state: StreamState, chain: Chain) -> StreamState:
    """Of a chain that is shorter than its depth of finality nothing is final, and all is read."""
    whole = Interval(0, state.complete_to or 0)
    short = state.complete_to is not None and state.complete_to <= chain.finality
    if state.covered.get(state.axis) or not short:
        return state
    return replace(state, covered={state.axis: (whole,)})


def _read_to(states: Mapping[str, StreamState]) -> int | None:
    times = [state.complete_time for state in states.values()]
    return min((at for at in times if at is not None), default=None)


@dataclass
class CaseMoney:
    """One case: what is known of it, again and again."""

    store: Reader
    world: PollWorld
    settings: Settings
    case: str
    book: OwnBook
    rows: Rows
    profiles: OnDemand[Subject, Profile]
    anatomies: OnDemand[tuple[str, str], Anatomy]
    tokens: OnDemand[tuple[str, str], tuple[str, int | None]]
    _names: tuple[object, Names] | None = None
    _told: tuple[int, int] | None = None  # how many profiles and anatomies there were

    @classmethod
    def of(
        cls, store: Reader, world: PollWorld, settings: Settings, case: str, book: OwnBook
    ) -> CaseMoney:
        return cls(
            *(store, world, settings, case, book, Rows(store, world)),
            OnDemand(lambda subject: trace.profiles(store, [subject]).get(subject)),
            OnDemand(lambda key: trace.anatomies(store, [key]).get(key)),
            OnDemand(lambda key: tokens.named(store, *key)),
        )

    def entries(self) -> list[Watched]:
        """Its active entries of the watchlist that ask for following, in the order of adding."""
        mine = watch.persons_entries(self.store)
        here = (w for w in mine if w.active and w.entry.case == self.case)
        return [w for w in here if w.entry.follow is not None]

    def followed(self) -> frozenset[Subject]:
        mine = follow.followed(self.store)
        return frozenset(each.subject for each in mine if each.case == self.case)

    def open_ones(self) -> frozenset[Subject]:
        """Those that are followed and did something that a reorg may take back."""
        return frozenset(
            subject
            for subject in self.followed()
            if any(row.status is Status.PROVISIONAL for row in self.rows(subject).rows)
        )

    def words(self) -> list[Word]:
        return trace.words(self.store, self.case)

    def told(self) -> tuple[int, int]:
        """How many profiles and anatomies the record has; where others learned some they are read
        anew."""
        now = trace.told(self.store)
        if now != self._told:
            self.profiles.forget()
            self.anatomies.forget()
            self._told = now
        return now

    def learned(self, profiles: Iterable[Profile], anatomies: Iterable[Anatomy]) -> None:
        """Take up what is on record now of what was learned just now."""
        self.profiles.forget(profile.subject for profile in profiles)
        self.anatomies.forget((anatomy.chain, anatomy.tx) for anatomy in anatomies)
        self._told = trace.told(self.store)

    def used(self) -> trace.Used:
        return trace.used(self.store, self.case, self.world.clock(), last_yes(self.words()))

    def known(
        self,
        terms: Terms,
        entries: Sequence[Watched],
        of: Collection[Subject],
        read: Mapping[Subject, Recorded],
    ) -> Known:
        """`of`: the addresses of the trace as it stood, some of which may be ours. `read`: what was
        looked at just now."""
        followed = self.followed()
        return Known(
            case=self.case,
            title=next((w.entry.title for w in entries if w.entry.title), ""),
            terms=terms,
            sources=_sources(entries, terms),
            chains=self.settings.chains,
            assets=self.settings.assets,
            rows=OnDemand(self.rows, read).__getitem__,  # one look at each address
            names=self.names(),
            market=Market(Priced(self.store, self.settings), Newest(self.store, self.settings)),
            followed=followed,
            profiles=self.profiles,
            anatomies=self.anatomies,
            words=self.words(),
            tokens=self.tokens,
            calls_used=self.used().finding,
            ours=self.ours(of),
            now=self.world.clock(),
        )

    def names(self) -> Names:
        """Kept until the address book or a published list changes."""
        stamp = (self.book.stamp, listing.taken(self.store))
        if self._names is None or self._names[0] != stamp:
            self._names = (stamp, Names(self.store, self.settings, self.book))
        return self._names[1]

    def ours(self, subjects: Iterable[Subject]) -> frozenset[Subject]:
        wanted = list(subjects)
        own = ours.own(self.store, self.world.ours, {s.address for s in wanted})
        return frozenset(s for s in wanted if s.address in own)


def last_yes(words: Sequence[Word]) -> int:
    """When a person last said yes to more calls; 0: nobody did."""
    raised = [w.at for w in words if w.say is Say.LIMIT and w.value.startswith("calls=")]
    return max([0, *raised, *(w.at for w in words if w.say in YES)])


def _sources(entries: Sequence[Watched], terms: Terms) -> list[Source]:
    """Its addresses, each once; where several entries are about one the earliest moment counts."""
    found: dict[Subject, Source] = {}
    for watched in entries:
        entry = watched.entry
        since = entry.since if terms.since == "first" else terms.since
        height = int(since) if since.isdigit() else 0
        source = Source(entry.subject, entry.label, since_time(since) or 0, height)
        old = found.setdefault(entry.subject, source)
        if (source.since, source.since_height) < (old.since, old.since_height):
            found[entry.subject] = source
    return sorted(found.values(), key=lambda source: source.subject.key)


@dataclass(frozen=True)
class Names:
    """What address books, published lists and issuers call an address: a person's own word
    first, then by how sure its source is."""

    store: Reader
    settings: Settings
    book: OwnBook
    _known: dict[Subject, tuple[Name, ...]] = field(default_factory=dict)

    def __call__(self, subject: Subject) -> Sequence[Name]:
        if subject not in self._known:
            self._known[subject] = tuple(self._of(subject))
        return self._known[subject]

    def _of(self, subject: Subject) -> list[Name]:
        settings, book = self.settings, self.book()
        keys = ((subject.chain, subject.address), ("", subject.address))
        found = [_name(book[key]) for key in keys if key in book]
        chain = settings.chains[subject.chain]
        # Of those that everybody may know: a trace is told to whoever is told of its case.
        lists = {
            name: each
            for name, each in settings.lists.items()
            if not each.ours and not each.private_to
        }
        listed = named.named(self.store, chain, [subject.address], lists, settings.chains)
        found += [_name(known) for known in listed.values()]
        asset = settings.assets.get((subject.chain, subject.address))
        if asset is not None:
            found.append(Name(f"contract of {asset.symbol}", ISSUER, asset.source, asset.date))
        elif (known := settings.contracts.get((subject.chain, subject.address))) is not None:
            found.append(_name(known))
        return sorted(found, key=lambda name: not name.own)


def _name(known: Named) -> Name:
    category = "service" if known.category in SERVICES else known.category
    own = not known.shipped and not known.list
    return Name(known.label, category, known.source, known.date, known.confidence, own)


@dataclass(frozen=True)
class Priced:
    """What one coin was worth at a moment: a price on record, else of a token that is meant to be
    worth a dollar that dollar."""

    store: Reader
    settings: Settings
    _found: dict[tuple[str, str, int], Decimal | None] = field(default_factory=dict)

    def __call__(self, chain: str, contract: str, at: int) -> Decimal | None:
        key = (chain, contract, at)
        if key not in self._found:
            near = prices.around(self.store, [key], worth.DAILY_TOLERANCE)
            price = worth.nearest(near.get((chain, contract), ()), at)
            peg = Decimal(1) if _pegged(self.settings, chain, contract) else None
            self._found[key] = price.usd if price else peg
        return self._found[key]


@dataclass(frozen=True)
class Newest:
    """The newest price on record."""

    store: Reader
    settings: Settings

    def __call__(self, chain: str, contract: str) -> Price | None:
        return prices.newest(self.store, chain, contract)


def _pegged(settings: Settings, chain: str, contract: str) -> bool:
    asset = settings.assets.get((chain, contract))
    return asset is not None and asset.symbol in worth.PEGGED
