"""Who an address is, as far as somebody may know it: entries and followed addresses of their
cases, the address book, lists that others publish. Our own addresses are named and never shown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from monitor.model import OURS, Chain, Known, Subject, Watched
from monitor.model.desk import Sight
from monitor.model.lists import ListConfig
from monitor.model.plain import tidy
from monitor.model.watch import Followed
from monitor.store import named, ours
from monitor.store.port import Reader
from monitor.store.rows import to_watched
from monitor.store.sight import of_case

Book = Mapping[tuple[str, str], Known]


@dataclass(frozen=True, slots=True)
class Party:
    """What is known of one address, the best word first; nothing: nobody says who it is."""

    known: tuple[Known, ...] = ()
    watched: tuple[Watched, ...] = ()  # entries on it, ended ones too
    followed: tuple[Followed, ...] = ()
    ours: str = ""  # an address of our own: what stands in its place everywhere


@dataclass(frozen=True, slots=True)
class Names:
    """`lists`: that others publish; `own`: of lists of our own addresses, by name what people call
    each."""

    store: Reader
    sight: Sight
    chains: Mapping[str, Chain]
    book: Book
    lists: Mapping[str, ListConfig]
    own: Mapping[str, str]

    def of(self, chain: str, addresses: Iterable[str]) -> dict[str, Party]:
        """Of each of these addresses on one chain."""
        wanted = list(dict.fromkeys(addresses))
        watched = self.entries(Subject(chain, each) for each in wanted)
        followed = self.followed(Subject(chain, each) for each in wanted)
        veiled = ours.labels(self.store, self.own, wanted)
        listed = named.gather(self.store, self.chains, self.lists, ((chain, a) for a in wanted))
        found = {}
        for address in wanted:
            subject = Subject(chain, address)
            on = watched.get(subject, ())
            if address in veiled and not on:
                found[address] = Party(ours=OURS + tidy(veiled[address], 80))
                continue
            known = (*map(_of_entry, on), *self._said(subject, listed.get((chain, address))))
            found[address] = Party(known, on, followed.get(subject, ()))
        return found

    def _said(self, subject: Subject, listed: Known | None) -> Iterable[Known]:
        """Your own address book first, then published lists, then the shipped one."""
        book = [self.book.get((chain, subject.address)) for chain in (subject.chain, "")]
        known = [each for each in book if each is not None]
        yield from (each for each in known if not each.shipped)
        if listed is not None:
            yield listed
        yield from (each for each in known if each.shipped)

    def entries(self, subjects: Iterable[Subject]) -> dict[Subject, tuple[Watched, ...]]:
        """Entries that may be seen, ended ones too, those of people before those of lists."""
        said, params = of_case(self.sight)
        rows = self.store.read_in(
            f"SELECT rowid AS nr, * FROM entry WHERE {said} AND subject IN ({{}})",
            (subject.key for subject in subjects),
            params,
        )
        rows.sort(key=lambda row: (row["retired"] is not None, row["list"] != "", row["nr"]))
        found: dict[Subject, list[Watched]] = {}
        for watched in map(to_watched, rows):
            found.setdefault(watched.entry.subject, []).append(watched)
        return {subject: tuple(each) for subject, each in found.items()}

    def followed(self, subjects: Iterable[Subject]) -> dict[Subject, tuple[Followed, ...]]:
        """For which cases that may be seen they are followed now."""
        said, params = of_case(self.sight)
        by_key = {subject.key: subject for subject in subjects}
        found: dict[Subject, list[Followed]] = {}
        for row in self.store.read_in(
            f"SELECT * FROM followed WHERE {said} AND until IS NULL AND subject IN ({{}})",
            by_key,
            params,
        ):
            subject = by_key[row["subject"]]
            rest = (row["case_id"], row["why"], row["since"], row["every"], row["calls"])
            found.setdefault(subject, []).append(Followed(subject, *rest, row["used"]))
        return {subject: tuple(each) for subject, each in found.items()}

    def claims(self, subject: Subject) -> list[Known]:
        """What every published list says of an address, also where they contradict each other."""
        chain = self.chains.get(subject.chain)
        if chain is None:
            return []
        found = (
            named.named(self.store, chain, [subject.address], {name: config}, self.chains)
            for name, config in self.lists.items()
        )
        return [each[subject.address] for each in found if subject.address in each]


def _of_entry(watched: Watched) -> Known:
    entry = watched.entry
    return Known(
        entry.label, entry.case, watched.active, entry.id,
        list=entry.origin.title if entry.origin else "",
    )  # fmt: skip


def versions(
    store: Reader, sight: Sight, entries: Collection[str], most: int
) -> list[tuple[str, int, str]]:
    """What entries said and since when, the newest first: id, time, terms as JSON."""
    said, params = of_case(sight, "e.case_id")
    rows = store.read_in(
        "SELECT v.entry, v.at, v.nr, v.terms FROM entry_version v JOIN entry e ON e.id = v.entry "
        f"WHERE {said} AND v.entry IN ({{}}) ORDER BY v.at DESC, v.nr DESC LIMIT {int(most)}",
        entries,
        params,
    )
    return [(row["entry"], row["at"], row["terms"]) for row in rows]
