"""Lists that mean harm: bombs, endless texts, broken archives, forged sizes. Each is refused or
read, in little memory, with an error that says what to do."""

from __future__ import annotations

import gzip
import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from itertools import repeat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.workbooks import sheet_xml, workbook

from monitor.model.errors import ConfigError
from monitor.model.lists import LONGEST, Published
from monitor.watchlist.imports.lists import READERS, Preamble, files, reader
from monitor.watchlist.imports.lists import workbook as xlsx

ROOT = Path(__file__).parents[1]
BOAT = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
SDN = (
    f"<sdnList><sdnEntry><uid>1</uid><idList><id><idType>Digital Currency Address - XBT</idType>"
    f"<idNumber>{BOAT}</idNumber></id></idList></sdnEntry></sdnList>"
)
KINDS = sorted(READERS)
STARTS = [b"\x1f\x8b", b"PK\x03\x04", b"\xff\xfe", b"<a>", b"[1,", b"tags:"]


def rows_or_error(kind: str, data: bytes) -> list[Published]:
    """What a reader makes of anything: rows, or the one error that people are told."""
    try:
        return read(kind, data)
    except ConfigError:
        return []


def read(kind: str, data: bytes | str, name: str = "list") -> list[Published]:
    raw = data.encode() if isinstance(data, str) else data
    return list(reader(kind)(io.BytesIO(raw), name, Preamble()))


def refused(kind: str, data: bytes | str, name: str = "list") -> str:
    with pytest.raises(ConfigError) as caught:
        read(kind, data, name)
    return str(caught.value)


# -- any kind --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(data=st.one_of(st.binary(max_size=400), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_rows_or_one_error(kind, data):
    rows = rows_or_error(kind, data)
    assert all(len(row.address) <= LONGEST and row.place for row in rows)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("head", STARTS)
@settings(max_examples=10, deadline=None)
@given(tail=st.binary(max_size=300))
def test_any_bytes_behind_a_known_start(kind, head, tail):
    rows = rows_or_error(kind, head + tail)
    assert all(len(row.address) <= LONGEST and row.place for row in rows)


SAMPLES = {
    "ofac_sdn": SDN.encode(),
    "text": f"{BOAT}\n".encode() * 9,
    "csv": b"address,label\n" + f"{BOAT},a\n".encode() * 9,
    "json": json.dumps({"addresses": {BOAT: {"entries": [{"uid": "1"}]}}}).encode(),
    "ftm": json.dumps(
        {"id": "w", "schema": "CryptoWallet", "properties": {"publicKey": [BOAT]}}
    ).encode(),
    "tagpack": f"title: T\ncurrency: BTC\ntags:\n- address: {BOAT}\n".encode(),
    "xlsx": workbook({"A": sheet_xml({"A1": "address", "A2": BOAT})}),
}


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_a_file_that_is_cut_or_has_a_changed_byte(kind):
    """At any place: rows, or one error; a packed one is never half a list without an error."""
    whole = SAMPLES[kind]
    assert {row.address for row in read(kind, whole)} == {BOAT}
    step = max(1, len(whole) // 60)
    for at in range(0, len(whole), step):
        for data in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :]):
            rows_or_error(kind, data)
    packed = gzip.compress(whole)
    for at in range(2, len(packed) - 1, max(1, len(packed) // 30)):
        refused(kind, packed[:at])


@pytest.mark.parametrize("kind", ["text", "csv", "json", "ftm", "tagpack", "ofac_sdn"])
def test_an_address_of_any_length_is_cut_and_names_too(kind):
    long = BOAT * 2000
    data = SAMPLES[kind].replace(BOAT.encode(), long.encode())
    assert {row.address for row in read(kind, data)} == {long[:LONGEST]}


# -- bombs -----------------------------------------------------------------------------------

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


@pytest.mark.parametrize("kind", ["ofac_sdn", "ofac_advanced"])
@pytest.mark.parametrize(
    "head",
    [
        LAUGHS,
        '<!DOCTYPE sdnList SYSTEM "http://127.0.0.1:1/x.dtd">',
        '<!DOCTYPE sdnList [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        "<!DOCTYPE sdnList>",
    ],
)
def test_xml_declares_nothing_of_its_own(kind, head):
    for data in ((head + SDN).encode(), (head + SDN).encode("utf-16")):
        assert "document type" in refused(kind, data)


def test_xml_that_does_not_end():
    deep = "<sdnList>" + "<a>" * 100_000
    assert "nested too deep" in refused("ofac_sdn", deep)
    wide = f"<sdnList><sdnEntry>{'<id/>' * 300_000}</sdnEntry></sdnList>"
    assert "endless length" in refused("ofac_sdn", wide)
    assert "endless length" in refused("ofac_sdn", f"<sdnList><!--{'x' * 17_000_000}--></sdnList>")
    assert "XML" in refused("ofac_sdn", '<?xml version="1.0" encoding="utf-7"?><sdnList/>')
    assert "XML" in refused("ofac_sdn", '<?xml version="1.0" encoding="rot13"?><sdnList/>')


def test_json_that_does_not_end():
    for kind in ("json", "ftm"):
        assert refused(kind, "[" * 200_000)
        assert refused(kind, '{"a":' * 200_000)
    nested = f'{{"x": {"[" * 40}{"]" * 40}, "addresses": ["{BOAT}"]}}'
    assert [row.address for row in read("json", nested)] == [BOAT]
    assert "endless length" in refused("json", f'{{"x": {{"y": [{"1," * 300_000}1]}}}}')
    assert "endless length" in refused("json", '["' + '\\"x' * 2_000_000 + '"]')


@pytest.mark.parametrize("number", ["9" * 599, "1e99", "1.5", "-0", "1E-400", "0." + "3" * 500])
def test_numbers_in_json_that_are_read(number):
    assert read("json", f'[{{"address": "{BOAT}", "n": {number}}}]')[0].address == BOAT


@pytest.mark.parametrize(
    "number", ["9" * 10_000, "1" * 640, "1e99999999999999999999", "-" + "9" * 70_000, "NaN", "01"]
)
def test_numbers_in_json_that_would_end_the_process(number):
    for _ in range(50):  # the parser falls over some of them only now and then
        assert refused("json", f'[{{"n": {number}, "address": "{BOAT}"}}, {number}]')


@pytest.mark.parametrize("text", ["\\ud800", "\\udc00x", "\\u0000", "\\ud83d\\ude00"])
def test_odd_characters_in_json(text):
    for row in rows_or_error("json", f'[{{"address": "{BOAT}", "label": "{text}"}}]'.encode()):
        assert row.entity.name.encode().decode().isprintable()


def test_lines_that_do_not_end():
    for kind in ("text", "csv"):
        assert "longer than 1,000,000 characters" in refused(kind, "x" * 1_000_001)
    wide = "address," + ",".join(repeat("a", 2000)) + "\n" + BOAT + "," * 2000
    assert "columns" in refused("csv", wide)
    spaces = "42498" + "\t" * 900_000 + f"-0-\n{BOAT}\n"
    assert len(read("text", spaces)) >= 1


def test_a_yaml_of_aliases_and_long_texts():
    assert "alias" in refused("tagpack", "a: &a [x, x]\nb: &b [*a, *a]\ntags:\n- address: *b\n")
    rows = read("tagpack", f"label: {'x' * 900_000}\ntags:\n- address: {BOAT}\n")
    assert [len(row.entity.name) for row in rows] == [300]


@pytest.fixture
def little(monkeypatch):
    """Bounds that a test can reach."""
    monkeypatch.setattr(files, "MAX_UNPACKED", 1_000_000)
    monkeypatch.setattr(xlsx, "MAX_UNPACKED", 1_000_000)


def zipped(**parts: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in parts.items():
            written.writestr(name, data)
    return packed.getvalue()


def test_packed_files_that_grow(little):
    long = f"{BOAT}\n".encode() * 40_000
    assert "more than 1,000,000 bytes" in refused("text", gzip.compress(long))
    assert "more than 1,000,000 bytes" in refused("text", zipped(a=long))
    assert "more than 1,000,000 bytes" in refused(
        "xlsx", workbook({"A": sheet_xml({"A1": "x" * 1_100_000})})
    )


def test_archives_with_other_content():
    assert "holds 2 files" in refused("text", zipped(a=b"x", b=b"y"))
    assert "holds 0 files" in refused("text", zipped())
    assert "too many files" in refused("text", zipped(**{f"{n:050}": b"" for n in range(12_000)}))
    inner = gzip.compress(gzip.compress(BOAT.encode()))
    assert [row.address == BOAT for row in read("text", inner)] != [True]  # packed once only


def test_a_workbook_that_lies_about_its_size(little):
    """The size that is told is small; what comes out is not. It is measured, not believed."""
    cells = sheet_xml({"A1": "address", "A2": "x" * 2_000_000}).encode()
    data = bytearray(workbook({"A": cells.decode()}))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as packed:
        part = packed.getinfo("xl/worksheets/sheet1.xml")
    crc = struct.pack("<I", zlib.crc32(cells[:100]))
    told = struct.pack("<I", part.CRC) + struct.pack("<II", part.compress_size, part.file_size)
    small = crc + struct.pack("<II", part.compress_size, 100)
    assert data.count(told) == 2
    assert "more than 1,000,000 bytes" in refused("xlsx", bytes(data.replace(told, small)))


@pytest.mark.parametrize(
    "xml",
    [
        sheet_xml({"A1": BOAT, "XFD1048576": "x"}),
        sheet_xml({"A1": BOAT, "XFD1048576": "x"}).replace('r="', "r = '").replace('" t', "' t"),
        "<worksheet><sheetData><row>"
        + "<c><v>1</v></c>" * 2000
        + "</row>"
        + "<row><c/></row>" * 7000
        + "</sheetData></worksheet>",
    ],
)
def test_a_workbook_of_two_cells_far_apart(xml):
    assert "cells, more than 12,000,000" in refused("xlsx", workbook({"A": xml}))


@pytest.mark.parametrize("place", ["A99999999999", "ZZZZZ1", "&#x5A;&#x5A;Z9", "-1", "A1:B9"])
def test_a_workbook_with_a_cell_that_no_sheet_has(place):
    """What opens workbooks would ask for the memory, and end the process over it."""
    xml = sheet_xml({"A1": "address", "A2": BOAT}).replace('r="A2"', f'r="{place}"')
    assert "names a cell that no sheet has" in refused("xlsx", workbook({"A": xml}))
    low = sheet_xml({"A1": BOAT, "XFD1048576": "x"}).replace("XFD", "xfd")
    assert "cells, more than" in refused("xlsx", workbook({"A": low}))


def test_a_workbook_whose_parts_are_broken():
    for xml in ("", "<", "<worksheet><sheetData><row r='x'><c r='?'><v>1", "\0" * 100):
        assert refused("xlsx", workbook({"A": xml}))


# -- very many rows -------------------------------------------------------------------------

BENCH = """
import resource, sys, hashlib, io
from monitor.watchlist.imports.lists import Preamble, reader
kind, rows, form, head, tail = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]
with open(sys.argv[6], "w") as file:
    file.write(head)
    for n in range(rows):
        address = "0x" + hashlib.sha1(str(n).encode()).hexdigest()
        file.write(("," if n and kind == "json" else "") + form.replace("ADDRESS", address)
            .replace("NUMBER", str(n // 5)))
    file.write(tail)
def top(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
with open(sys.argv[6], "rb") as file:
    found = reader(kind)(file, "list", Preamble())
    next(found)
    before = top()
    count = 1 + sum(1 for _ in found)
print(count, top() - before)
"""

LONG = {
    "text": ("ADDRESS\n", "", ""),
    "csv": ('NUMBER,"N, NUMBER",ETH,ADDRESS\n', "uid,entity,ticker,address\n", ""),
    "json": (
        '"ADDRESS":{"entries":[{"entity":"N NUMBER","uid":"NUMBER"}]}',
        '{"addresses":{',
        "}}",
    ),
    "ftm": (
        '{"id":"w","schema":"CryptoWallet","properties":{"publicKey":["ADDRESS"],'
        '"holder":["pNUMBER"]}}\n',
        "",
        "",
    ),
    "tagpack": ("- address: 'ADDRESS'\n  label: N NUMBER\n", "title: T\ntags:\n", ""),
    "ofac_sdn": (
        "<sdnEntry><uid>NUMBER</uid><lastName>N</lastName><idList><id><idType>Digital Currency "
        "Address - ETH</idType><idNumber>ADDRESS</idNumber></id></idList></sdnEntry>",
        "<sdnList>",
        "</sdnList>",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(LONG))
def test_very_many_rows_in_little_memory(kind, tmp_path):
    """A file of a million takes five times as long, and no more memory but for its holders."""
    form, head, tail = LONG[kind]
    command = [sys.executable, "-c", BENCH, kind, "200000", form, head, tail]
    done = subprocess.run(
        [*command, str(tmp_path / "list")], capture_output=True, text=True, check=True, cwd=ROOT
    )
    count, grown = map(int, done.stdout.split())
    assert count == 200_000
    assert grown < 40  # MB; ftm keeps 40,000 holders
