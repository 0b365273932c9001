"""Lists in their publishers' own forms, row by row: what each reader makes of real and small
files. Hostile ones: test_list_readers_hostile.py."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from world.parts import SHARED

from monitor.model.errors import ConfigError
from monitor.model.lists import Entity, Published
from monitor.watchlist.imports.lists import Preamble, reader

DATA = SHARED / "data"
OFAC = DATA / "ofac"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real lists are not here")

LAZARUS = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96"
BOAT = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
TRON = "TXhf9nU9bjo1j9z5qEesHdr6gtdndfnA4T"


def read(kind: str, data: bytes | str, name: str = "list") -> tuple[list[Published], Preamble]:
    preamble = Preamble()
    raw = data.encode() if isinstance(data, str) else data
    return list(reader(kind)(io.BytesIO(raw), name, preamble)), preamble


def of_file(kind: str, file: Path) -> tuple[list[Published], Preamble]:
    return read(kind, file.read_bytes(), file.name)


def refused(kind: str, data: bytes | str, name: str = "list") -> str:
    with pytest.raises(ConfigError) as caught:
        read(kind, data, name)
    return str(caught.value)


# -- SDN.XML ---------------------------------------------------------------------------------


def sdn(entries: str, count: int = 1, namespace: str = "") -> str:
    named = f' xmlns="{namespace}"' if namespace else ""
    return (
        f'<?xml version="1.0" standalone="yes"?><sdnList{named}><publshInformation>'
        f"<Publish_Date>03/13/2026</Publish_Date><Record_Count>{count}</Record_Count>"
        f"</publshInformation>{entries}</sdnList>"
    )


def sdn_entry(*ids: tuple[str, str], uid: int = 42498) -> str:
    listed = "".join(f"<id><idType>{k}</idType><idNumber>{v}</idNumber></id>" for k, v in ids)
    return (
        f"<sdnEntry><uid>{uid}</uid><firstName>Hyon Sop</firstName><lastName>SIM</lastName>"
        "<sdnType>Individual</sdnType><programList><program>NPWMD</program><program>DPRK3"
        f"</program></programList><idList>{listed}</idList><dateOfBirthList><dateOfBirthItem>"
        "<dateOfBirth>25 Nov 1983</dateOfBirth></dateOfBirthItem></dateOfBirthList></sdnEntry>"
    )


@real
def test_sdn_of_a_real_day():
    rows, preamble = of_file("ofac_sdn", OFAC / "sdn_excerpt_2026-09-23.xml")
    assert Counter((row.entity.id, row.ticker) for row in rows) == {
        ("27307", "ETH"): 8,
        ("22985", "USDT"): 53,
        ("45404", "USDT"): 1,
        ("45404", "XBT"): 3,
    }
    assert rows[0] == Published(
        LAZARUS,
        "ETH",
        entity=Entity("27307", "LAZARUS GROUP", ("DPRK3",)),
        place="uid 27307",
    )
    assert preamble.published == "2026-09-23"
    assert preamble.remarks == ["the file says that it has 19,391 entries, and has 4: it is a part"]


@pytest.mark.parametrize(
    "namespace",
    [
        "",
        "http://tempuri.org/sdnList.xsd",
        "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/XML",
    ],
)
def test_sdn_in_any_namespace_and_of_persons_no_more_than_needed(namespace):
    entries = sdn_entry(("Digital Currency Address - ETH", LAZARUS), ("Passport", "654320026"))
    rows, preamble = read("ofac_sdn", sdn(entries, namespace=namespace))
    whom = Entity("42498", "SIM, Hyon Sop", ("NPWMD", "DPRK3"))
    assert rows == [Published(LAZARUS, "ETH", entity=whom, place="uid 42498")]
    assert preamble == Preamble("2026-03-13")


@pytest.mark.parametrize(
    "written",
    [
        "Digital Currency Address - XBT",
        "Digital Currency Address – XBT",
        "digital currency  address -XBT",
        "Digital Currency Address XBT",
    ],
)
def test_sdn_knows_the_type_however_it_is_spaced(written):
    rows, _ = read("ofac_sdn", sdn(sdn_entry((written, BOAT))))
    assert [(row.ticker, row.address) for row in rows] == [("XBT", BOAT)]


def test_sdn_joins_what_a_space_has_split_and_parts_what_stands_together():
    split = f"{LAZARUS[:12]}\n        {LAZARUS[12:]} "
    halves = f"{BOAT[:6]} {BOAT[6:]}"
    two = f"{BOAT} {TRON}"
    ids = (("Digital Currency Address - ETH", each) for each in (split, halves, two, " "))
    rows, _ = read("ofac_sdn", sdn(sdn_entry(*ids)))
    assert [row.address for row in rows] == [LAZARUS, BOAT, BOAT, TRON, ""]
    assert [bool(row.fault) for row in rows] == [False, False, False, False, True]


def test_sdn_of_other_encodings():
    text = sdn(sdn_entry(("Digital Currency Address - ETH", LAZARUS)).replace("SIM", "SÍM"))
    wide = text.replace('standalone="yes"', 'encoding="utf-16"').encode("utf-16")
    latin = text.replace('standalone="yes"', 'encoding="iso-8859-1"').encode("latin-1")
    for data in (wide, latin, b"\xef\xbb\xbf" + text.encode()):
        rows, _ = read("ofac_sdn", data)
        assert [(row.address, row.entity.name) for row in rows] == [(LAZARUS, "SÍM, Hyon Sop")]


def test_sdn_that_is_something_else_or_cut():
    whole = sdn(sdn_entry(("Digital Currency Address - ETH", LAZARUS)))
    assert "not whole" in refused("ofac_sdn", whole[:-30])
    assert "not XML" in refused("ofac_sdn", "uid,name\n1,a\n")
    assert "kind: ofac_advanced" in refused("ofac_sdn", "<Sanctions><a/></Sanctions>")
    assert "another list" in refused("ofac_sdn", "<html><body>Not found</body></html>")
    assert "holds no <sdnEntry>" in refused("ofac_sdn", sdn("", 0))


# -- an address a line -----------------------------------------------------------------------


@real
def test_every_list_of_one_coin():
    counts = {}
    for file in sorted((OFAC / "0xB10C_format_lists_2025-06-20").glob("*.txt")):
        rows, _ = of_file("text", file)
        counts[rows[0].ticker] = len(rows)
        assert {row.ticker for row in rows} == {rows[0].ticker}
        assert not any(row.fault for row in rows)
    assert counts["XBT"] == 483
    assert counts["ETH"] == 64
    assert counts["XMR"] == 8
    assert sum(counts.values()) == 634


def test_notes_marks_and_several_on_a_line():
    text = f"\ufeff# sanctioned\r\n{BOAT}  # Sim\r\n\r\n{LAZARUS}, {TRON}\r\n"
    for data in (text.encode(), text.encode("utf-16"), text[1:].encode("utf-16-le")):
        rows, _ = read("text", data)
        assert [(row.address, row.place) for row in rows] == [
            (BOAT, "line 2"),
            (LAZARUS, "line 4"),
            (TRON, "line 4"),
        ]


@real
def test_sdn_csv_is_refused_as_what_it_is():
    data = (OFAC / "sdn_csv_excerpt_2026.csv").read_bytes()
    said = refused("text", data)
    assert "cut off at 1,000 characters" in said
    assert "Take SDN.XML" in said


# -- packed ----------------------------------------------------------------------------------


def test_packed_lists_are_unpacked():
    rows = f"{BOAT}\n{LAZARUS}\n".encode()
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("inner/sanctioned_addresses_XBT.txt", rows)
    for data in (gzip.compress(rows), zipped.getvalue()):
        found, _ = read("text", data, "sanctioned_addresses_XBT.txt.gz")
        assert [(row.address, row.ticker) for row in found] == [(BOAT, "XBT"), (LAZARUS, "XBT")]
