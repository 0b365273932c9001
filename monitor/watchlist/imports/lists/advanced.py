"""OFAC's SDN_ADVANCED.XML: the same list with the days of listing, in the form of the UN's
advanced sanctions data model. What is asked of a party stands in other places than its addresses:
names of types come before the parties, the days of listing behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from monitor.model.lists import Entity, Published
from monitor.watchlist.imports.cells import refusal
from monitor.watchlist.imports.lists import Preamble
from monitor.watchlist.imports.lists.fields import addresses, broken, entity, iso_day, ticker_of
from monitor.watchlist.imports.lists.xml_records import Element, records

_ROOTS = {"Sanctions": "", "sdnList": "is OFAC's SDN.XML (kind: ofac_sdn)"}
_WANTED = (
    *("DateOfIssue", "FeatureType", "NamePartType", "SanctionsType", "DistinctParty"),
    "SanctionsEntry",
)
_PROGRAM = "program"  # the type of a measure whose comment is a program
_LAST, _GIVEN = "last name", ("first name", "middle name", "matronymic", "patronymic")
_LATIN = "215"  # as OFAC numbers its scripts
_EMPTY = ("is a digital currency address without the address", "Ask its publisher")


def read_advanced(file: BinaryIO, name: str, preamble: Preamble) -> Iterator[Published]:
    """A row for each address; of persons nothing but id, name and programs is kept."""
    reading = _Reading(preamble)
    for record in records(file, name, _WANTED, _ROOTS):
        reading.take(record)
    if not reading.parties:
        raise refusal(name, "", "holds no <DistinctParty>", "Fetch it again")
    if not reading.coins:
        remedy = "Fetch it again; if that does not help, take SDN.XML (kind: ofac_sdn)"
        raise refusal(name, "", "names no type of digital currency address", remedy)
    yield from reading.rows()


@dataclass(slots=True)
class _Party:
    """One with addresses, until its day of listing is read."""

    id: str
    name: str
    profiles: tuple[str, ...]
    held: tuple[tuple[str, str], ...]  # ticker, address


@dataclass(slots=True)
class _Listed:
    """What entries say of a profile."""

    since: str = ""
    programs: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Reading:
    preamble: Preamble
    parties: int = 0
    coins: dict[str, str] = field(default_factory=dict)  # id of a type -> ticker
    name_parts: dict[str, str] = field(default_factory=dict)
    measures: dict[str, str] = field(default_factory=dict)
    found: list[_Party] = field(default_factory=list)
    listed: dict[str, _Listed] = field(default_factory=dict)  # by profile

    def take(self, record: Element) -> None:
        id_ = record.attributes.get("ID", "")
        if record.tag == "DistinctParty":
            self._party(record)
        elif record.tag == "SanctionsEntry":
            self._entry(record)
        elif record.tag == "FeatureType":
            ticker = ticker_of(record.text)
            if ticker is not None and id_:
                self.coins[id_] = ticker
        elif record.tag == "NamePartType":
            self.name_parts[id_] = " ".join(record.text.casefold().split())
        elif record.tag == "SanctionsType":
            self.measures[id_] = record.text.strip().casefold()
        else:
            self.preamble.published = self.preamble.published or _day(record)

    def _party(self, party: Element) -> None:
        self.parties += 1
        held: list[tuple[str, str]] = []
        for feature in [*party.all("Profile", "Feature"), *party.all("Feature")]:
            ticker = self.coins.get(feature.attributes.get("FeatureTypeID", ""))
            if ticker is None:
                continue
            details = feature.all("FeatureVersion", "VersionDetail")
            said = [(ticker, each) for detail in details for each in addresses(detail.text)]
            held += said or [(ticker, "")]
        if held:
            own = [each.attributes.get("ID", "") for each in party.all("Profile")]
            ids = tuple(filter(None, (party.attributes.get("FixedRef", ""), *own)))
            kept = tuple(dict.fromkeys(held))
            self.found.append(_Party(next(iter(ids), ""), self._name(party), ids, kept))

    def _name(self, party: Element) -> str:
        """The primary name: "SIM, Hyon Sop" of a person, else as it is written."""
        identities = party.all("Profile", "Identity")
        identity = _primary(identities)
        if identity is None:
            return ""
        groups = {
            group.attributes.get("ID", ""): group.attributes.get("NamePartTypeID", "")
            for group in identity.all("NamePartGroups", "MasterNamePartGroup", "NamePartGroup")
        }
        alias = _primary(identity.all("Alias"))
        written = alias.all("DocumentedName") if alias else []
        latin = [each for each in written if _is_latin(each)] or written
        parts = latin[0].all("DocumentedNamePart", "NamePartValue") if latin else []
        by_type: dict[str, list[str]] = {}
        for part in parts:
            type_ = self.name_parts.get(groups.get(part.attributes.get("NamePartGroupID", ""), ""))
            by_type.setdefault(type_ or "", []).append(part.text.strip())
        given = " ".join(name for key in _GIVEN for name in by_type.get(key, ()))
        if given and _LAST in by_type and by_type.keys() <= {_LAST, *_GIVEN}:
            return f"{' '.join(by_type[_LAST])}, {given}"
        return " ".join(part.text.strip() for part in parts)

    def _entry(self, entry: Element) -> None:
        kept = self.listed.setdefault(entry.attributes.get("ProfileID", ""), _Listed())
        days = filter(None, (_day(each) for each in entry.all("EntryEvent", "Date")))
        kept.since = min([*days, *([kept.since] if kept.since else [])], default="")
        for measure in entry.all("SanctionsMeasure"):
            type_ = self.measures.get(measure.attributes.get("SanctionsTypeID", ""), _PROGRAM)
            if type_ == _PROGRAM and (program := measure.first("Comment")):
                kept.programs.append(program)

    def rows(self) -> Iterator[Published]:
        for party in self.found:
            listed = next(
                (self.listed[each] for each in party.profiles if each in self.listed), _Listed()
            )
            whom: Entity = entity(party.id, party.name, listed.programs)
            place = f"uid {whom.id}"
            for ticker, address in party.held:
                if address:
                    yield Published(address, ticker, entity=whom, since=listed.since, place=place)
                else:
                    yield broken(place, *_EMPTY)


def _primary(elements: list[Element]) -> Element | None:
    """The one that says so, else the first."""
    said = (each for each in elements if each.attributes.get("Primary") == "true")
    return next(said, elements[0] if elements else None)


def _is_latin(name: Element) -> bool:
    parts = name.all("DocumentedNamePart", "NamePartValue")
    return all(part.attributes.get("ScriptID", _LATIN) == _LATIN for part in parts)


def _day(date: Element) -> str:
    """Of Year, Month and Day."""
    parts: Mapping[str, str] = {key: date.first(key) for key in ("Year", "Month", "Day")}
    return iso_day(f"{parts['Year']:0>4}-{parts['Month']:0>2}-{parts['Day']:0>2}")
