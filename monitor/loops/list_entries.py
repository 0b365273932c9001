"""Entries of a published list, by its rows, its settings of now, and what people said of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.chains.address import AddressError, canonical
from monitor.loops import list_fresh
from monitor.model import Chain, Entry, Watched
from monitor.model.acts import Listed
from monitor.model.lists import ListConfig, Listing, Publication, Row
from monitor.store import list_alike, listing, taking
from monitor.store.port import Reader
from monitor.store.rows import entry_terms
from monitor.watchlist import listed
from monitor.watchlist.imports.judge import Judge
from monitor.watchlist.imports.poison import Poison

NOT_CHOSEN = "chain not chosen"  # the rule that hangs on the settings of the list


@dataclass(frozen=True, slots=True)
class _Rules:
    """See `Entries.changed`; `stored`: the entries that are recorded."""

    config: ListConfig
    words: listed.Words
    stored: Mapping[listing.Target, Sequence[Watched]]
    waits: str
    judged: int
    coming: Publication | None


@dataclass(frozen=True, slots=True)
class Entries:
    """Works them out, and changes nothing."""

    store: Reader
    chains: Mapping[str, Chain]
    poison: Poison

    def judge(self, config: ListConfig) -> Judge:
        return Judge(self.chains, config.chains, self.poison)

    def changed(
        self,
        config: ListConfig,
        addresses: Sequence[str],
        waits: str = "",
        coming: Publication | None = None,
        words: listed.Words | None = None,
        judged: int = 0,
    ) -> list[Listed]:
        """Those on these addresses that are not recorded as they have to be. `waits`: the day
        from which those are read that nobody has said yes to; `coming`: a version that is being
        taken; `words`: what people said, with a word that is just being said; `judged`: the version
        whose new rows were judged by the settings of now."""
        store, name = self.store, config.name
        said = listing.words(store, name) if words is None else words
        stored = listing.stored(store, name, addresses)
        same = [] if said else list_alike.alike(store, name, addresses, judged)
        fresh = [fit for each in same if len(fit := [t for t in each if t not in stored]) > 1]
        of = _Rules(config, said, stored, waits, judged, coming)
        like_first = {address for _, *others in fresh for address, _ in others}
        entries = self._entries([each for each in addresses if each not in like_first], of)
        found = taking.listed(entry for each in entries.values() for entry in each)
        for first, *others in fresh:
            form = list_fresh.form(name, entries.get(first, ()))
            if form is not None:
                found += [each for target in others for each in form.of(*target)]
            else:
                rest = self._entries([address for address, _ in others], of)
                found += taking.listed(entry for each in rest.values() for entry in each)
        return found

    def _entries(self, addresses: Sequence[str], of: _Rules) -> dict[listing.Target, list[Entry]]:
        store, name, coming = self.store, of.config.name, of.coming
        told = listing.histories(store, name, addresses, coming)
        judge = self.judge(of.config)  # long in the making
        by_now = {key: [_by_now(row, judge) for row in rows] for key, rows in told.items()}
        twins = {t for rows in told.values() for row in rows if (t := row.row.judged.twin)}
        own = listing.histories(store, name, sorted(twins), coming)  # they stand there themselves
        where = (self._chains_of(judge, of.judged), self._spelled)
        return {
            target: [
                entry
                for entry in _entries(of, history, of.stored.get(target, ()), where)
                if not _is_told_by(own, entry)
            ]
            for target, history in by_now.items()
        }

    def _chains_of(self, judge: Judge, judged_nr: int) -> listed.ChainsOf:
        """Where rows are watched, by the settings of now; `judged_nr`: see `changed`."""

        def chains_of(row: Listing, wanted: Collection[str]) -> Collection[str]:
            address, refused = row.row.judged.address or "", bool(row.row.judged.rule)
            if row.from_nr == judged_nr and not wanted:
                return self._ours(listed.as_judged(row))
            fitting = [each for each in wanted if self._written(each, address)]
            if fitting or refused:
                return fitting or self._ours(listed.as_judged(row))
            judged = judge.judge(row.row.published)
            if judged.rule == NOT_CHOSEN:
                return ()
            same = judged.chains and all(self._written(each, address) for each in judged.chains)
            return self._ours(judged.chains if same else listed.as_judged(row))

        return chains_of

    def _ours(self, chains: Collection[str]) -> list[str]:
        return [each for each in chains if each in self.chains]

    def _written(self, chain: str, address: str) -> str:
        """As a chain writes it; empty where it is no address of that chain."""
        try:
            return canonical(self.chains[chain], address) if chain in self.chains else ""
        except AddressError:
            return ""

    def _spelled(self, chain: str, address: str) -> str:
        return self._written(chain, address) or address


def _entries(
    of: _Rules,
    history: Sequence[Listing],
    stored: Sequence[Watched],
    where: tuple[listed.ChainsOf, listed.Spell],
) -> Iterator[Entry]:
    """Of one address and entity. What is read since a day goes on so while that waits."""
    known = {each.entry.subject: each for each in stored}
    for entry in listed.entries(of.config, history, of.words, known, *where):
        was = known.get(entry.subject)
        late = of.waits and (was is None or was.entry.since == of.waits)
        made = replace(entry, since=of.waits) if late else entry
        if was is None or _differs(was, made):
            yield made


def _is_told_by(rows: listing.Histories, entry: Entry) -> bool:
    """Whether an entry on another spelling of its row's address is made of rows of that one."""
    origin = entry.origin
    if origin is None or not origin.address:
        return False
    return (entry.subject.address, origin.entity) in rows


def _by_now(row: Listing, judge: Judge) -> Listing:
    """What only the settings of then refused is looked at by those of now."""
    if row.row.judged.rule != NOT_CHOSEN:
        return row
    return replace(row, row=Row(row.row.published, judge.judge(row.row.published)))


def _differs(was: Watched, entry: Entry) -> bool:
    """From how it is recorded."""
    return entry_terms(was.entry) != entry_terms(entry) or was.active == bool(entry.retired)
