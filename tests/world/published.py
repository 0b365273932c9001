"""A publisher of lists, and a home that takes them: real files, the real record, no network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.sax.saxutils import escape

from monitor.app.settings.load import load
from monitor.loops.lists import Lists, Outcome
from monitor.loops.router import Router
from monitor.model import Baseline, Entry, Subject, Watched
from monitor.model.acts import DAEMON, Actor, ApplyPlan
from monitor.model.difference import Difference
from monitor.model.lists import Fetched, ListConfig
from monitor.model.plan import Plan
from monitor.store import listing, watch
from monitor.store.commit import commit
from monitor.store.sqlite import Store
from monitor.store.verify import record
from monitor.watchlist.imports.poison import Poison, all_poison
from world.record import new_record

OFAC = ListConfig("ofac", "ofac_sdn", "OFAC", watch=True, case="OFAC-{entity}", incoming="daily")


def address(number: int) -> str:
    """An EVM address that nobody's rule is against."""
    return "0x" + hashlib.sha256(f"address {number}".encode()).hexdigest()[:40]


@dataclass(frozen=True)
class Line:
    """An address of an entity, as the publisher has it."""

    address: str
    entity: str = "1"
    name: str = "ALPHA"
    programs: tuple[str, ...] = ("DPRK3",)
    ticker: str = "ETH"


def lines(*numbers: int, **more: object) -> list[Line]:
    return [Line(address(n), **more) for n in numbers]  # type: ignore[arg-type]


def sdn(rows: Sequence[Line], day: str = "2026-03-01") -> str:
    """An SDN.XML that holds them."""
    by: dict[str, list[Line]] = {}
    for row in rows:
        by.setdefault(row.entity, []).append(row)
    year, month, date = day.split("-")
    entries = "".join(_entry(entity, mine) for entity, mine in by.items())
    return (
        '<?xml version="1.0"?><sdnList xmlns="http://tempuri.org/sdnList.xsd"><publshInformation>'
        f"<Publish_Date>{month}/{date}/{year}</Publish_Date>"
        f"<Record_Count>{len(by)}</Record_Count></publshInformation>{entries}</sdnList>"
    )


def _entry(entity: str, rows: Iterable[Line]) -> str:
    mine = [*rows]
    programs = "".join(f"<program>{escape(p)}</program>" for p in mine[0].programs)
    ids = "".join(
        f"<id><uid>9{n}</uid><idType>Digital Currency Address - {row.ticker}</idType>"
        f"<idNumber>{escape(row.address)}</idNumber></id>"
        for n, row in enumerate(mine)
    )
    return (
        f"<sdnEntry><uid>{entity}</uid><lastName>{escape(mine[0].name)}</lastName>"
        f"<sdnType>Entity</sdnType><programList>{programs}</programList>"
        f"<idList>{ids}</idList></sdnEntry>"
    )


@dataclass
class Desk:
    """A home folder that follows lists."""

    home: Path
    configs: dict[str, ListConfig] = field(default_factory=lambda: {"ofac": OFAC})

    def __post_init__(self) -> None:
        self.settings = load(self.home, {})
        self.poison: Poison = all_poison(self.settings)
        self.store = new_record(self.home / "fundwatch.db")
        self.files = 0
        self.reopen()

    def reopen(self) -> None:
        """As a program that is started anew."""
        router = Router(self.store, self.settings.channels)
        chains = self.settings.chains
        self.lists = Lists(self.home, self.store, chains, self.configs, router, self.poison)

    def set(self, name: str = "ofac", **terms: object) -> None:
        """Other settings of a list, read at a start."""
        self.configs = {**self.configs, name: replace(self.configs[name], **terms)}  # type: ignore[arg-type]
        self.reopen()
        self.lists.settle()

    def fetched(self, text: str | bytes) -> Fetched:
        self.files += 1
        path = self.home / f"fetched-{self.files}.xml"
        data = text.encode() if isinstance(text, str) else text
        path.write_bytes(data)
        return Fetched(path, hashlib.sha256(data).hexdigest(), len(data), path.name)

    def take(
        self,
        rows: Sequence[Line] | str,
        day: str = "2026-03-01",
        name: str = "ofac",
        by: Actor = DAEMON,
        **how: bool,
    ) -> Outcome:
        text = rows if isinstance(rows, str) else sdn(rows, day)
        return self.lists.take(name, self.fetched(text), by, **how)

    def entries(self, name: str = "ofac") -> dict[str, Entry]:
        """Those that are watched, by address and entity."""
        return {key: watched.entry for key, watched in self.watched(name).items() if watched.active}

    def watched(self, name: str = "ofac") -> dict[str, Watched]:
        found = [w for w in watch.all_entries(self.store) if w.entry.origin is not None]
        mine = [w for w in found if w.entry.origin.list == name]  # type: ignore[union-attr]
        return {_name(w.entry): w for w in mine}

    def rows(self, name: str = "ofac") -> set[tuple[str, str]]:
        """What the version in force holds: addresses as published, with their entities."""
        version = listing.newest(self.store, name)
        assert version is not None
        return {
            (each.row.published.address, each.row.published.entity.id)
            for each in listing.at_version(self.store, name, version.nr)
        }

    def differences(self) -> list[Difference]:
        """What `verify` finds."""
        found: list[Difference] = []
        store = Store(self.store.path, readonly=True)
        try:
            record.verify(store, found.append)
        finally:
            store.close()
        return found


def _name(entry: Entry) -> str:
    assert entry.origin is not None
    return f"{entry.subject.key} {entry.origin.entity}"


def key(line: Line, chain: str = "ethereum") -> str:
    return f"{chain}/{line.address} {line.entity}"


def met(store: Store, entry: str, base: Baseline) -> None:
    """First contact with an entry, as a plan of a poll has it."""
    (row,) = store.read(
        "SELECT chain, address FROM scope s JOIN entry e ON e.subject = s.key WHERE e.id = ?",
        [entry],
    )
    plan = Plan(Subject(row["chain"], row["address"]), base.time, baselines=((entry, base),))
    commit(store, DAEMON, ApplyPlan(base.time, plan))
