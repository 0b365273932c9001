"""OpenSanctions' lines of JSON (FollowTheMoney): the wallets of a file, and whom they belong to.
The file is gone through three times, so that no more than the holders of wallets is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from monitor.model.lists import Entity, Published
from monitor.watchlist.imports.cells import plain_text, refusal
from monitor.watchlist.imports.json_text import loads
from monitor.watchlist.imports.lists import Preamble
from monitor.watchlist.imports.lists.fields import addresses, broken, entity, iso_day
from monitor.watchlist.imports.lists.files import lines

_WALLET = "CryptoWallet"
_HINT = "Wallet"  # in each line with a wallet, or with a holder that names some
_LONGEST_LINE = 10_000_000
_DEEPEST = 8  # entities within entities
_BROKEN = ("is no whole line of JSON", "Fetch the list again")
_NO_KEY = ("is a wallet without an address (publicKey)", "Ask its publisher")
_Entity = Mapping[str, object]


def read_ftm(file: BinaryIO, name: str, _preamble: Preamble) -> Iterator[Published]:
    """A row for each publicKey of each CryptoWallet, also of those that stand inside others."""
    holders = _Holders()
    for _, whole in _entities(file, name, _HINT):
        if whole is not None:
            holders.ask_back(whole)
            for wallet, outer in _wallets(whole):
                holders.ask(wallet, outer)
    seen = 0
    for number, whole in _entities(file, name):
        if whole is None:
            yield broken(f"line {number}", *_BROKEN)
        else:
            seen += "schema" in whole
            holders.learn(whole)
    if not seen:
        remedy = "Check its kind in config/lists.yaml: each line is one entity, with its schema"
        raise refusal(name, "", "holds no entity of FollowTheMoney", remedy)
    for number, whole in _entities(file, name, _HINT):
        for wallet, outer in _wallets(whole):
            whom = holders.of(wallet, outer)
            yield from _rows(wallet, whom, f"line {number}", holders.day(wallet))


def _entities(file: BinaryIO, name: str, hint: str = "") -> Iterator[tuple[int, _Entity | None]]:
    """Each line that is not empty and holds `hint`; None: it cannot be read."""
    for number, line in lines(file, name, _LONGEST_LINE):
        if hint not in line or not line.strip():
            continue
        try:
            value = loads(line)
        except ValueError:
            value = None
        yield number, value if isinstance(value, dict) else None


def _wallets(
    whole: object, outer: _Entity | None = None, depth: int = 0
) -> Iterator[tuple[_Entity, _Entity | None]]:
    """The wallets in an entity, itself or inside it, each with the one that it stands in."""
    if not isinstance(whole, dict) or depth > _DEEPEST:
        return
    if whole.get("schema") == _WALLET:
        yield whole, outer
    else:
        for values in _properties(whole).values():
            for each in values if isinstance(values, list) else [values]:
                yield from _wallets(each, whole, depth + 1)


def _properties(whole: _Entity) -> Mapping[str, object]:
    said = whole.get("properties")
    return said if isinstance(said, dict) else {}


def _texts(whole: _Entity, key: str) -> list[str]:
    """The values of a property that are texts."""
    said = _properties(whole).get(key)
    return [v for v in (said if isinstance(said, list) else [said]) if isinstance(v, str) and v]


def _inner(whole: _Entity, key: str) -> list[_Entity]:
    """The values of a property that are entities themselves."""
    said = _properties(whole).get(key)
    return [v for v in (said if isinstance(said, list) else [said]) if isinstance(v, dict)]


def _id(whole: _Entity) -> str:
    said = whole.get("id")
    return said if isinstance(said, str) else ""


def _name(whole: _Entity) -> str:
    said = whole.get("caption")
    named = said if isinstance(said, str) else ""
    return named or next(iter(_texts(whole, "name")), "")


def _programs(whole: _Entity) -> list[str]:
    """As the entity or a sanction inside it says; else where it was listed."""
    said = _texts(whole, "programId")
    for sanction in _inner(whole, "sanctions"):
        said += _texts(sanction, "programId") or _texts(sanction, "program")
    if said:
        return said
    listed = whole.get("datasets")
    found = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    return found or _texts(whole, "topics")


@dataclass(slots=True)
class _Holders:
    """Whom wallets belong to: asked for first, learnt then, by id."""

    wanted: set[str] = field(default_factory=set)
    by_wallet: dict[str, str] = field(default_factory=dict)  # said by the holder alone
    known: dict[str, Entity] = field(default_factory=dict)
    programs: dict[str, list[str]] = field(default_factory=dict)  # of sanctions on their own
    days: dict[str, str] = field(default_factory=dict)  # of listing

    def ask(self, wallet: _Entity, outer: _Entity | None) -> None:
        around = [*_inner(wallet, "holder"), *([outer] if outer else [])]
        named = [*_texts(wallet, "holder"), *map(_id, around)]
        self.wanted.update(named or [_id(wallet)])

    def ask_back(self, whole: _Entity) -> None:
        """A holder may name its wallets, where the wallets do not name their holder."""
        for wallet in _texts(whole, "cryptoWallets"):
            self.by_wallet[wallet] = _id(whole)
            self.wanted.add(_id(whole))

    def learn(self, whole: _Entity) -> None:
        if whole.get("schema") == "Sanction":
            for whom in self.wanted.intersection(_texts(whole, "entity")):
                self._sanctioned(whom, whole)
        elif _id(whole) in self.wanted and whole.get("schema") != _WALLET:
            self.known[_id(whole)] = entity(_id(whole), _name(whole), _programs(whole))
        for sanction in _inner(whole, "sanctions") if _id(whole) in self.wanted else []:
            self._sanctioned(_id(whole), sanction)

    def _sanctioned(self, whom: str, sanction: _Entity) -> None:
        said = _texts(sanction, "programId") or _texts(sanction, "program")
        self.programs.setdefault(whom, []).extend(said)
        listed = _texts(sanction, "listingDate") or _texts(sanction, "startDate")
        self.days.setdefault(whom, min(filter(None, map(iso_day, listed)), default=""))

    def of(self, wallet: _Entity, outer: _Entity | None) -> Entity:
        """The holder of a wallet, as far as the file tells; else the wallet itself."""
        named = _texts(wallet, "holder")
        nested = [*_inner(wallet, "holder"), *([outer] if outer else [])]
        back = self.by_wallet.get(_id(wallet))
        ids = [*named, *map(_id, nested), *([back] if back else [])]
        whom = next(filter(None, ids), "") or _id(wallet)
        found = self.known.get(whom)
        if found is None:
            shown = next((each for each in nested if _id(each) == whom), None)
            name = _name(shown) if shown else ""
            found = entity(whom, name, _programs(shown or wallet))
        programs = self.programs.get(whom) or self.programs.get(_id(wallet))
        return entity(found.id, found.name, programs) if programs else found

    def day(self, wallet: _Entity) -> str:
        """When the wallet was listed, or first seen there."""
        seen = wallet.get("first_seen")
        return self.days.get(_id(wallet), "") or (iso_day(seen) if isinstance(seen, str) else "")


def _rows(wallet: _Entity, whom: Entity, place: str, since: str) -> Iterator[Published]:
    ticker = plain_text(next(iter(_texts(wallet, "currency")), ""))[:20]
    found = [each for key in _texts(wallet, "publicKey") for each in addresses(key)]
    for address in found:
        yield Published(address, ticker, entity=whom, since=since, place=place)
    if not found:
        yield broken(place, *_NO_KEY)
