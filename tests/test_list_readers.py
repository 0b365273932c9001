"""Lists in their publishers' own forms, row by row: what each reader makes of real and small
files. Hostile ones: test_list_readers_hostile.py."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections import Counter
from itertools import permutations
from pathlib import Path

import pytest
from world.parts import SHARED
from world.workbooks import sheet_xml, workbook

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
    for kind in ("text", "ofac_sdn", "ofac_advanced"):  # whichever it is taken for
        said = refused(kind, data)
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
        "2026-08-22": 977,
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
        (
            f'{{"state": "DONE", "result": {{"rows": [{{"address": "{BOAT}", "name": "A"}}], '
            '"metadata": {"column_names": ["address", "name"], "total_row_count": 1}}}',
            [(BOAT, "", "A")],
        ),
        (f'{{"data": {{"count": 1, "items": ["{BOAT}"]}}}}', [(BOAT, "", "")]),
        (f'{{"data": {{"addresses": {{"XBT": ["{BOAT}"]}}}}}}', [(BOAT, "XBT", "")]),
        (f'{{"sources": ["https://example.org"], "data": ["{BOAT}"]}}', [(BOAT, "", "")]),
    ],
)
def test_other_shapes_of_json(text, found):
    for data in (text.encode(), text.encode("utf-16"), text.encode("utf-8-sig")):
        rows, _ = read("json", data)
        assert [(row.address, row.ticker, row.entity.name) for row in rows] == found
        assert not any(row.fault for row in rows)


def test_what_stands_where_addresses_stand_is_one_whatever_it_looks_like():
    """Lowered until no digit is left, with a foreign letter, too short: the reader hands it on,
    and whoever judges it says what it is."""
    odd = ("tbyksckutmaywhcsaetmagufpeyfdxbrjk", BOAT.replace("o", "о"), "x")
    for text in (
        json.dumps({"addresses": {each: {"entries": []} for each in odd}}),
        json.dumps({"addresses": dict.fromkeys(odd, "a label")}),
        json.dumps({BOAT: {"a": 1}, **{each: {"a": 1} for each in odd}}),
        json.dumps(odd),
    ):
        rows, _ = read("json", text)
        assert [row.address for row in rows if row.address != BOAT] == list(odd)


def test_a_key_that_was_an_address_once_is_one():
    odd = ["tbyksckutmaywhcsaetmagufpeyfdxbrjk", BOAT.replace("o", "о")]
    rows, _ = read("json", json.dumps({"data": {**{each: [{"uid": 1}] for each in odd}, "n": 2}}))
    assert [(row.address, row.entity.id) for row in rows] == [(each, "1") for each in odd]


def test_items_that_hold_no_address_are_rows_that_cannot_be_read():
    rows, _ = read("json", f'["{BOAT}", 7, null, {{"name": "Sim"}}, {{"address": ""}}]')
    assert [bool(row.fault) for row in rows] == [False, False, True, True, True]
    assert rows[1].address == "7"


def test_json_that_is_none():
    assert "not valid JSON" in refused("json", '{"addresses": ["a"')
    assert "not valid JSON" in refused("json", '["a"] ["b"]')
    assert "holds no list" in refused("json", "7")
    assert "kind: ftm" in refused("json", '{"schema": "Person", "properties": {}}\n' * 2)


# -- OpenSanctions' lines of JSON ------------------------------------------------------------


def ftm(*entities: dict) -> str:
    return "".join(json.dumps(each) + "\n" for each in entities)


def wallet(key: str = BOAT, id_: str = "w1", **properties) -> dict:
    said = {"publicKey": [key], "currency": ["XBT"], **properties}
    return {"id": id_, "caption": key, "schema": "CryptoWallet", "properties": said}


SIM = {
    "id": "NK-sim",
    "caption": "Sim Hyon Sop",
    "schema": "Person",
    "properties": {"name": ["Sim"], "birthDate": ["1983-11-25"], "topics": ["sanction"]},
    "datasets": ["us_ofac_sdn"],
}
SANCTION = {
    "id": "s1",
    "schema": "Sanction",
    "properties": {
        "entity": ["NK-sim"],
        "programId": ["US-NPWMD"],
        "listingDate": ["2023-04-24"],
    },
}


@real
def test_wallets_of_open_sanctions():
    rows, _ = of_file("ftm", SHARED / "cases" / "in" / "opensanctions.ftm.jsonl")
    sim = Entity("NK-sim1", "Sim Person", ("us_ofac_sdn",))
    assert [(row.address, row.ticker, row.entity, row.since) for row in rows] == [
        (BOAT, "XBT", sim, "2024-01-01"),
        ("0x8589427373D6D84E98730D7795D8f6f8731FDA16", "ETH", sim, ""),
        (TRON, "USDT", Entity("NK-sim2", "", ("il_mod_crypto",)), ""),
    ]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_whom_a_wallet_belongs_to_stands_before_or_behind_it(order):
    entities = (wallet(holder=["NK-sim"]), SIM, SANCTION)
    rows, _ = read("ftm", ftm(*(entities[n] for n in order)))
    assert [row.entity for row in rows] == [Entity("NK-sim", "Sim Hyon Sop", ("US-NPWMD",))]


@pytest.mark.parametrize(
    "entities",
    [
        [wallet(holder=[{**SIM, "properties": {"sanctions": [SANCTION]}}])],
        [{**SIM, "properties": {"cryptoWallets": [wallet()], "sanctions": [SANCTION]}}],
        [{**SIM, "properties": {"cryptoWallets": ["w1"], "sanctions": [SANCTION]}}, wallet()],
    ],
)
def test_wallets_and_holders_inside_one_another(entities):
    rows, _ = read("ftm", ftm(*entities))
    assert [(row.address, row.entity) for row in rows] == [
        (BOAT, Entity("NK-sim", "Sim Hyon Sop", ("US-NPWMD",)))
    ]


def test_wallets_with_several_keys_none_and_no_holder():
    text = ftm(SIM, wallet(publicKey=[BOAT, TRON], topics=["crime"]), wallet(publicKey=[]))
    rows, _ = read("ftm", text + '{"id": "w3", "schema": "CryptoWal\n')
    assert sorted((row.address, row.entity.id, bool(row.fault)) for row in rows) == [
        ("", "", True),
        ("", "", True),
        (BOAT, "w1", False),
        (TRON, "w1", False),
    ]
    assert "no entity of FollowTheMoney" in refused("ftm", '{"address": "a"}\n')


# -- TagPacks --------------------------------------------------------------------------------


@real
def test_every_tagpack():
    counts = {}
    for file in sorted((DATA / "watchlists" / "graphsense").glob("*.yaml")):
        rows, _ = of_file("tagpack", file)
        written = file.read_text("utf-8").splitlines()
        tags = sum(re.match(r"[- ]+ address:", line) is not None for line in written)
        assert len(rows) == tags, file.name
        assert all(row.address and row.ticker and row.entity.name for row in rows), file.name
        counts[file.stem] = len(rows)
    assert counts["ransomwhere"] == 7457
    assert counts["usdt_blacklist"] == 774
    assert len(counts) == 19


@pytest.mark.parametrize(
    "text",
    [
        "title: T\ncurrency: BTC\nlastmod: 2024-02-26\nlabel: Hack\ntags:\n"
        f"- address: {BOAT}\n- address: '{TRON}'\n  currency: USDT\n  network: TRX\n"
        '  actor: lazarus\n  label: L\n  context: {"a": [1]}\n',
        f"tags:\n  - address: {BOAT}\n  - address: {TRON}\n    currency: USDT\n"
        "    network: TRX\n    actor: lazarus\n    label: L\n"
        "currency: BTC\nlabel: Hack\nlastmod: '2024-02-26'\n",
        f"{{tags: [{{address: {BOAT}}}, {{address: {TRON}, currency: USDT, network: TRX,"
        " actor: lazarus, label: L}], currency: BTC, label: Hack, lastmod: 2024-02-26}",
    ],
)
def test_what_stands_above_or_below_holds_for_each_tag(text):
    rows, preamble = read("tagpack", text)
    assert [(r.address, r.ticker, r.network, r.entity) for r in rows] == [
        (BOAT, "BTC", "", Entity("", "Hack")),
        (TRON, "USDT", "TRX", Entity("lazarus", "L")),
    ]
    assert preamble.published == "2024-02-26"


def test_tagpacks_that_are_none():
    tags = f"tags:\n- address: {BOAT}\n"
    assert "anchor" in refused("tagpack", f"label: &a X\nx: *a\n{tags}")
    assert "type" in refused("tagpack", f"label: !!python/name:os.system X\n{tags}")
    assert "second document" in refused("tagpack", f"{tags}---\n{tags}")
    assert "is no TagPack" in refused("tagpack", "- a\n- b\n")
    assert "holds no tags" in refused("tagpack", "title: T\ntags: []\n")
    assert "not valid YAML" in refused("tagpack", f"{tags}  x: [\n")
    assert "nested too deep" in refused("tagpack", "a: " + "[" * 40 + "]" * 40)
    rows, _ = read("tagpack", f"{tags}- tx_hash: abc\n")
    assert [bool(row.fault) for row in rows] == [False, True]


# -- SDN_ADVANCED.XML ------------------------------------------------------------------------

ENTRIES = """<SanctionsEntries>
  <SanctionsEntry ID="1" ProfileID="42498" ListID="1550">
    <EntryEvent ID="1" EntryEventTypeID="1"><Date CalendarTypeID="1">
      <Year>2023</Year><Month>4</Month><Day>24</Day></Date></EntryEvent>
    <SanctionsMeasure ID="2" SanctionsTypeID="1"><Comment>NPWMD</Comment></SanctionsMeasure>
    <SanctionsMeasure ID="3" SanctionsTypeID="2"><Comment>Block</Comment></SanctionsMeasure>
  </SanctionsEntry>
  <SanctionsEntry ID="4" ProfileID="7" ListID="1550"/></SanctionsEntries>"""


def advanced(features: str, entries: str = ENTRIES) -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<Sanctions xmlns="http://www.un.org/sanctions/1.0" Version="1">
<DateOfIssue CalendarTypeID="1"><Year>2026</Year><Month>9</Month><Day>23</Day></DateOfIssue>
<ReferenceValueSets>
  <NamePartTypeValues><NamePartType ID="1520">Last Name</NamePartType>
    <NamePartType ID="1521">First Name</NamePartType></NamePartTypeValues>
  <FeatureTypeValues><FeatureType ID="8" FeatureTypeGroupID="1">Birthdate</FeatureType>
    <FeatureType ID="344">Digital Currency Address - XBT</FeatureType>
    <FeatureType ID="345">Digital Currency Address - ETH</FeatureType></FeatureTypeValues>
  <SanctionsTypeValues><SanctionsType ID="1">Program</SanctionsType>
    <SanctionsType ID="2">Block</SanctionsType></SanctionsTypeValues>
</ReferenceValueSets>
<DistinctParties>
<DistinctParty FixedRef="7"><Comment/><Profile ID="7"/></DistinctParty>
<DistinctParty FixedRef="42498"><Profile ID="42498" PartySubTypeID="4">
  <Identity ID="9" Primary="true"><Alias Primary="false"><DocumentedName><DocumentedNamePart>
      <NamePartValue NamePartGroupID="1">Other</NamePartValue>
    </DocumentedNamePart></DocumentedName></Alias>
    <Alias Primary="true"><DocumentedName><DocumentedNamePart>
      <NamePartValue NamePartGroupID="1" ScriptID="220">심</NamePartValue>
    </DocumentedNamePart></DocumentedName><DocumentedName><DocumentedNamePart>
      <NamePartValue NamePartGroupID="1" ScriptID="215">SIM</NamePartValue>
    </DocumentedNamePart><DocumentedNamePart>
      <NamePartValue NamePartGroupID="2" ScriptID="215">Hyon Sop</NamePartValue>
    </DocumentedNamePart></DocumentedName></Alias>
    <NamePartGroups>
      <MasterNamePartGroup><NamePartGroup ID="1" NamePartTypeID="1520"/></MasterNamePartGroup>
      <MasterNamePartGroup><NamePartGroup ID="2" NamePartTypeID="1521"/></MasterNamePartGroup>
    </NamePartGroups></Identity>
  <Feature FeatureTypeID="8"><FeatureVersion><VersionDetail>25 Nov 1983</VersionDetail>
    </FeatureVersion></Feature>{features}</Profile></DistinctParty>
</DistinctParties>{entries}</Sanctions>"""


def feature(type_: int, *found: str) -> str:
    versions = "".join(
        f"<FeatureVersion><Comment/><VersionDetail>{each}</VersionDetail></FeatureVersion>"
        for each in found
    )
    return f'<Feature ID="1" FeatureTypeID="{type_}">{versions}</Feature>'


@real
def test_the_advanced_list_as_far_as_it_is_kept_here():
    rows, _ = of_file("ofac_advanced", OFAC / "sdn_advanced_structure_excerpt.xml")
    whom = Entity("27307", "Lazarus Group", ("DPRK3",))
    assert rows == [Published(LAZARUS, "ETH", entity=whom, since="2019-09-13", place="uid 27307")]


def test_the_advanced_list_says_since_when():
    """Days of listing and programs stand behind all parties; two versions of a feature are two
    addresses, one that is said twice is one."""
    text = advanced(feature(345, LAZARUS, TRON) + feature(344, BOAT, BOAT) + feature(344))
    rows, preamble = read("ofac_advanced", text)
    whom = Entity("42498", "SIM, Hyon Sop", ("NPWMD",))
    found = [(r.address, r.ticker, r.entity, r.since, bool(r.fault)) for r in rows]
    assert found == [
        (LAZARUS, "ETH", whom, "2023-04-24", False),
        (TRON, "ETH", whom, "2023-04-24", False),
        (BOAT, "XBT", whom, "2023-04-24", False),
        ("", "", Entity(), "", True),
    ]
    assert preamble.published == "2026-09-23"


def test_the_advanced_list_without_entries_or_cut():
    rows, _ = read("ofac_advanced", advanced(feature(344, BOAT), ""))
    assert [(row.address, row.since) for row in rows] == [(BOAT, "")]
    assert "not whole" in refused("ofac_advanced", advanced(feature(344, BOAT))[:-40])
    assert "kind: ofac_sdn" in refused("ofac_advanced", sdn(""))
    assert "names no type" in refused(
        "ofac_advanced", advanced("").replace("Digital Currency Address", "Address")
    )


# -- Excel -----------------------------------------------------------------------------------


def test_every_sheet_with_addresses():
    cases = {
        "B3": "Entity",
        "C3": "Wallet",
        "D3": "Listed on",
        "B4": "SIM, Hyon Sop",
        "C4": BOAT,
        "D4": "2023-04-24",
        "C5": f" {TRON}\n",
        "C6": 1.25e48,
        "C8": 42,
    }
    data = workbook(
        {
            "Notes": sheet_xml({"A1": "Read me", "A2": "by hand"}),
            "Cases & more": sheet_xml(cases, merged="B4:B6"),
            "Plain": sheet_xml({"A1": LAZARUS, "A2": BOAT}),
        }
    )
    rows, preamble = read("xlsx", data)
    assert [(r.address, r.entity.name, r.since, r.place) for r in rows] == [
        (BOAT, "SIM, Hyon Sop", "2023-04-24", "sheet Cases & more row 4"),
        (TRON, "SIM, Hyon Sop", "", "sheet Cases & more row 5"),
        ("1.25e+48", "SIM, Hyon Sop", "", "sheet Cases & more row 6"),
        ("42", "", "", "sheet Cases & more row 8"),
        (LAZARUS, "", "", "sheet Plain row 1"),
        (BOAT, "", "", "sheet Plain row 2"),
    ]
    assert preamble.remarks == ["the sheet 'Notes' holds no addresses"]


def test_workbooks_that_are_none():
    empty = workbook({"A": sheet_xml({"A1": "name"})})
    assert "no column that holds addresses" in refused("xlsx", empty)
    assert "kind: xlsx" in refused("csv", empty)
    assert "old Excel workbook" in refused("xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1" + b"\0" * 500)
    assert "no Excel workbook" in refused("xlsx", "address\n")
    assert "not whole" in refused("xlsx", empty[:-60])


# -- what only looks like a list -------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text", "csv"])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\r\n<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "web page"),
        (b'{"error": "not found"}', "kind: json"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "old Excel workbook"),
    ],
)
def test_other_things_are_no_lists_of_lines(kind, data, reason):
    assert reason in refused(kind, data)
