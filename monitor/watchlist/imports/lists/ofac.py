"""OFAC's SDN.XML, and its consolidated list of the same form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from monitor.model.lists import Entity, Published
from monitor.watchlist.imports.cells import refusal
from monitor.watchlist.imports.lists import Preamble
from monitor.watchlist.imports.lists.fields import addresses, broken, entity, iso_day, ticker_of
from monitor.watchlist.imports.lists.xml_records import Element, records

_ROOTS = {"sdnList": "", "Sanctions": "is OFAC's SDN_ADVANCED.XML (kind: ofac_advanced)"}
_EMPTY = ("is a digital currency address without the address", "Ask its publisher")


def read_sdn(file: BinaryIO, name: str, preamble: Preamble) -> Iterator[Published]:
    """A row for each address; of persons nothing but id, name and programs is looked at."""
    said, entries = "", 0
    for record in records(file, name, ("publshInformation", "sdnEntry"), _ROOTS):
        if record.tag == "sdnEntry":
            entries += 1
            yield from _rows(record)
        else:
            preamble.published = preamble.published or iso_day(record.first("Publish_Date"))
            said = said or record.first("Record_Count")
    if not entries:
        raise refusal(name, "", "holds no <sdnEntry>", "Fetch it again")
    if said and said != str(entries):
        count = f"{int(said):,}" if said.isascii() and said.isdigit() else said[:20]
        preamble.remarks.append(
            f"the file says that it has {count} entries, and has {entries:,}: it is a part"
        )


def _rows(entry: Element) -> Iterator[Published]:
    whom = None
    for each in entry.all("idList", "id"):
        ticker = ticker_of(each.first("idType"))
        if ticker is None:
            continue
        whom = whom or _entity(entry)
        place = f"uid {whom.id}"
        found = list(addresses("\n".join(part.text for part in each.all("idNumber"))))
        yield from (Published(address, ticker, entity=whom, place=place) for address in found)
        if not found:
            yield broken(place, *_EMPTY)


def _entity(entry: Element) -> Entity:
    names = filter(None, (entry.first("lastName"), entry.first("firstName")))
    programs = [each.text for each in entry.all("programList", "program")]
    return entity(entry.first("uid"), ", ".join(names), programs)
