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


# -- CSV -------------------------------------------------------------------------------------


@real
def test_every_row_of_a_real_table():
    file = OFAC / "ofac_digital_currency_addresses_2026-08-20.tsv"
    rows, _ = of_file("csv", file)
    written = [line.split("\t") for line in file.read_text("utf-8").splitlines()[1:]]
    assert [(r.ticker, r.address, r.network, r.entity.id, r.since) for r in rows] == [
        (ticker, address, chain, uid, "" if day.startswith("<=") else day)
        for ticker, address, chain, _, uid, _, _, day, *_ in written
    ]
    assert len(rows) == 976
    assert len({row.address for row in rows}) == 961
    assert rows[0].entity == Entity(
        "4632", "BANK MARKAZI JOMHOURI ISLAMI IRAN", ("IRAN", "IFSR", "IRGC", "SDGT")
    )


@real
def test_tables_of_others():
    lists = DATA / "watchlists"
    fbi, _ = of_file("csv", lists / "fbi_psa250226_bybit_51.tsv")
    assert len(fbi) == 51
    assert {(row.network, row.since) for row in fbi} == {("ethereum", "2025-02-26")}
    osint, _ = of_file("csv", lists / "osint_dprk_addresses.tsv")
    assert len(osint) == 23
    assert osint[0].entity.name.startswith("Bybit exploiter 1")
    fraud, _ = of_file("csv", lists / "finos_openaml" / "address_fraud.csv.gz")
    assert Counter(row.network for row in fraud)["Arbitrum"] == 244
    assert len(fraud) == 1407
    listed, _ = of_file("csv", lists / "finos_openaml" / "address_sanctioned.csv.gz")
    assert Counter(row.network for row in listed) == {"Ethereum": 763, "Arbitrum": 44}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_spreadsheets_of_any_kind(separator, encoding):
    rows = (
        ("Entity", "UID", "Digital Currency Address", "Type", "Listed on", "Programme"),
        ('"MÜLLER, Jo"', "17", BOAT, "Digital Currency Address - XBT", "2026-03-12", "SDGT"),
        ("B", "18", f" {LAZARUS} ", "Digital Currency Address - ETH", "03/13/2026", ""),
    )
    text = "".join(separator.join(row) + "\r\n" for row in rows)
    found, _ = read("csv", text.encode(encoding))
    assert found == [
        Published(
            BOAT,
            "XBT",
            entity=Entity("17", "MÜLLER, Jo", ("SDGT",)),
            since="2026-03-12",
            label="MÜLLER, Jo",
            place="line 2",
        ),
        Published(
            *(LAZARUS, "ETH", "", Entity("18", "B"), "2026-03-13", "B", "line 3"),
        ),
    ]


def test_rows_that_cannot_be_read_are_rows_too():
    rows, _ = read("csv", f"address,label\n,Sim\n{BOAT},a,b\n{TRON} {BOAT},c\n\n#note\n")
    assert [(row.address, bool(row.fault), row.place) for row in rows] == [
        ("", True, "line 2"),
        (BOAT, True, "line 3"),
        (TRON, False, "line 4"),
        (BOAT, False, "line 4"),
    ]


def test_a_column_that_counts_rows_names_nobody():
    rows, _ = read("csv", f"id,address\n1,{BOAT}\n2,{TRON}\n3,{LAZARUS}\n")
    assert {row.entity.id for row in rows} == {""}
    rows, _ = read("csv", f"id,address\n17,{BOAT}\n17,{TRON}\n29,{LAZARUS}\n")
    assert [row.entity.id for row in rows] == ["17", "17", "29"]


def test_a_table_that_is_none():
    assert "no column that holds addresses" in refused("csv", "name,age\nSim,43\nWu,38\n")
    assert "not closed" in refused("csv", f'address,label\n{BOAT},"Sim\n{TRON},b\n')
    assert "has a cell of over" in refused("csv", f'address,label\n{BOAT},"' + "a\n" * 200_000)


@real
@pytest.mark.parametrize("kind", ["csv", "text"])
def test_remarks_that_are_cut_are_refused_in_any_spelling(kind):
    whole = (OFAC / "sdn_csv_excerpt_2026.csv").read_text("utf-8")
    for text in (whole, "\n".join(whole.splitlines()[4:]), whole.replace(",", "|")):
        assert "Take SDN.XML" in refused(kind, text)
    comments = f'42498,"alt. Digital Currency Address - TRX {TRON}; alt. Passport 1;"\n'
    assert "Take SDN.XML" in refused(kind, comments)


# -- JSON ------------------------------------------------------------------------------------


@real
def test_days_of_a_list_that_is_published_daily():
    days = {}
    for file in sorted((OFAC / "daily_snapshots_lowercased").glob("*.json.gz")):
        rows, preamble = of_file("json", file)
        assert not any(row.fault for row in rows)
        days[file.name[:10]] = ({(row.address, row.ticker, row.entity.id) for row in rows}, rows)
        assert preamble.published <= file.name[:10]
    assert {day: len(rows) for day, (_, rows) in days.items()} == {
        "2025-03-21": 717,
        "2025-03-22": 627,
        "2025-11-24": 761,
        "2025-11-25": 760,
        "2026-03-12": 767,
        "2026-03-13": 788,
        "2026-08-22": 976,
    }
    before, after = days["2026-03-12"][0], days["2026-03-13"][0]
    assert (len(after - before), len(before - after)) == (21, 0)


@real
def test_lists_of_one_coin_in_json_are_those_in_text():
    for file in sorted((OFAC / "0xB10C_format_lists_2025-06-20").glob("*.json")):
        rows, _ = of_file("json", file)
        text, _ = of_file("text", file.with_suffix(".txt"))
        assert [(r.address, r.ticker) for r in rows] == [(r.address, r.ticker) for r in text]


def test_several_entries_under_one_address():
    text = f"""{{"metadata": {{"sdnListDate": "03/09/2026", "url": "https://example.org"}},
      "addresses": {{"{TRON}": {{"type": "Digital Currency Address - USDT", "entries": [
        {{"entity": "A", "program": "DPRK4", "uid": "1", "akas": ["x"]}},
        {{"entity": "B", "program": "IRAN, SDGT", "uid": 2,
          "type": "Digital Currency Address - TRX"}}]}}}}}}"""
    rows, preamble = read("json", text)
    assert [(row.address, row.ticker, row.entity) for row in rows] == [
        (TRON, "USDT", Entity("1", "A", ("DPRK4",))),
        (TRON, "TRX", Entity("2", "B", ("IRAN", "SDGT"))),
    ]
    assert preamble.published == "2026-03-09"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'["{BOAT}", "{TRON}"]', [(BOAT, "", ""), (TRON, "", "")]),
        (
            f'{{"result": [{{"address": "{BOAT}", "blockchain": "bitcoin", "family": "Locky", '
            '"transactions": [{"hash": "aa"}]}]}',
            [(BOAT, "", "Locky")],
        ),
        (
            f'{{"ETH": ["{LAZARUS}"], "XBT": ["{BOAT}"]}}',
            [(LAZARUS, "ETH", ""), (BOAT, "XBT", "")],
        ),
        (f'{{"{BOAT}": "Sim", "n": 1}}', [(BOAT, "", "Sim")]),
        (f'{{"{BOAT}": [{{"name": "A"}}, {{"name": "B"}}]}}', [(BOAT, "", "A"), (BOAT, "", "B")]),
        (
            f'[{{"name": "Sim", "wallets": ["{BOAT}", "{TRON}"]}}]',
            [(BOAT, "", "Sim"), (TRON, "", "Sim")],
        ),
        (
            f'{{"updated": "x", "Lazarus": {{"uid": 5, "addresses": ["{BOAT}"]}}}}',
            [(BOAT, "", "")],
        ),
        (f'{{"address": "{BOAT}", "label": "Sim"}}', [(BOAT, "", "Sim")]),
        (
            f'{{"address": "{BOAT}", "label": "A"}}\n{{"address": "{TRON}", "label": "B"}}\n',
            [(BOAT, "", "A"), (TRON, "", "B")],
        ),
        (f'{{"sources": ["https://example.org"], "data": ["{BOAT}"]}}', [(BOAT, "", "")]),
    ],
)
def test_other_shapes_of_json(text, found):
    for data in (text.encode(), text.encode("utf-16"), text.encode("utf-8-sig")):
        rows, _ = read("json", data)
        assert [(row.address, row.ticker, row.entity.name) for row in rows] == found
        assert not any(row.fault for row in rows)


def test_items_that_hold_no_address_are_rows_that_cannot_be_read():
    rows, _ = read("json", f'["{BOAT}", 7, null, {{"name": "Sim"}}, {{"address": ""}}]')
    assert [bool(row.fault) for row in rows] == [False, False, True, True, True]
    assert rows[1].address == "7"


def test_json_that_is_none():
    assert "not valid JSON" in refused("json", '{"addresses": ["a"')
    assert "not valid JSON" in refused("json", '["a"] ["b"]')
    assert "holds no list" in refused("json", "7")
    assert "kind: ftm" in refused("json", '{"schema": "Person", "properties": {}}\n' * 2)
